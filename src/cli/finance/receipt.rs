//! `payout receipt`: one paid payout as a page that prints well.

use clap::Args;
use payout_reports::receipt::{Beneficiary, ENGLISH, Receipt, is_possible};
use payout_store::{
    find::{Status, history::detail},
    operator,
};

use crate::cli::{exit::Exit, global::Global, inspect::show::status, output};

#[derive(Debug, Args)]
#[command(after_help = "\
The page is HTML, whole in itself, for A4. The beneficiary is masked, unless --reveal shows it: that needs the role
payout_operator, and is recorded with your login and the reason.

Examples:
  payout receipt INV-77 > receipt.html
  payout receipt INV-77 --reveal --reason 'ticket 5512: the customer needs it' > receipt.html")]
pub(crate) struct Options {
    /// The order number
    order: String,
    /// Show the account number and the name in full
    #[arg(long, requires = "reason")]
    reveal: bool,
    /// Why they must be seen; recorded with your login
    #[arg(long, requires = "reveal")]
    reason: Option<String>,
}

pub(crate) async fn receipt(global: &Global, options: &Options) -> Result<(), Exit> {
    let mut db = global.connect().await?;
    let key = global.find(&mut db, &options.order).await?;
    let status = status(&mut db, &key).await?;
    // Before anything is revealed.
    refuse_unless_paid(&status)?;
    let detail = detail(&mut db, &key).await?;
    let beneficiary = match &options.reason {
        None => Beneficiary::masked(&detail),
        Some(reason) => {
            let shown = operator::reveal(&mut db, &key, reason).await?;
            Beneficiary {
                account_number: shown.account_number.reveal().to_owned(),
                account_name: shown.account_name.reveal().to_owned(),
                is_masked: false,
            }
        }
    };
    let receipt = Receipt {
        status: &status,
        detail: &detail,
        beneficiary: &beneficiary,
        words: &ENGLISH,
    };
    output::print(&receipt.html(chrono::Utc::now()))
}

fn refuse_unless_paid(status: &Status) -> Result<(), Exit> {
    if is_possible(status) {
        return Ok(());
    }
    Err(Exit::Refused(format!(
        "payout {} is {}, not paid: there is no receipt\n  payout show {} says what is known about it.",
        status.order_num, status.state, status.order_num
    )))
}
