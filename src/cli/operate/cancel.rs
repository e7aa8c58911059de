//! `payout cancel`

use clap::Args;
use payout_domain::state::State;
use payout_store::{act, find::history::detail, operator};

use super::request;
use crate::cli::{confirm, exit::Exit, global::Global, inspect::show::status, output, words};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The order number
    order: String,
    /// Why; recorded, at most 200 characters, without personal data
    #[arg(long)]
    reason: String,
}

pub(crate) async fn cancel(global: &Global, options: &Options) -> Result<(), Exit> {
    let mut db = global.connect().await?;
    let key = global.find(&mut db, &options.order).await?;
    let order = &key.order_num;
    let before = status(&mut db, &key).await?;
    if before.state == State::Queued.name() {
        let detail = detail(&mut db, &key).await?;
        let question = format!(
            "{order} ({} to {} {}) is withdrawn for good; its order number is never used again.",
            words::rupiah(before.amount),
            detail.bank_name,
            detail.account_number,
        );
        confirm::confirm(global, &output::plain(&question))?;
    }
    match act::cancel(&mut db, &key, &options.reason).await {
        Err(refused) if takes_two(&refused) => {
            let id = operator::request_cancel(&mut db, &key, &options.reason).await?;
            return request::waits(global, &mut db, id).await;
        }
        done => done?,
    }
    let after = status(&mut db, &key).await?;
    let page = |_: &_| format!("{order}: cancelled; nothing was sent\n");
    output::print(&global.output.row(after, page)?)
}

/// Whether the database refused it because two people must agree.
fn takes_two(refused: &sqlx::Error) -> bool {
    let refused = refused.as_database_error();
    refused.is_some_and(|refused| refused.code().as_deref() == Some("PW031"))
}
