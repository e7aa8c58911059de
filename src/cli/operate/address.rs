//! `payout address`

use clap::Subcommand;
use payout_store::addresses::{self, Address, Registered};

use crate::cli::{
    exit::{Exit, say},
    global::Global,
    operate::request,
    output, words,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the addresses by which workers may reach this database
    List,
    /// Request that workers may reach it by a further address; a second person must approve
    Add {
        /// HOST:PORT, as the worker states it
        address: Address,
        /// Why; stored with the request
        #[arg(long)]
        reason: String,
    },
    /// Request that workers may no longer reach it by an address; a second person must approve
    Remove {
        /// HOST:PORT, as the list shows it
        address: Address,
        /// Why; stored with the request
        #[arg(long)]
        reason: String,
    },
}

pub(crate) async fn perform(global: &Global, command: &Command) -> Result<(), Exit> {
    let mut db = global.connect().await?;
    match command {
        Command::List => {
            let found = addresses::registered(&mut db).await?;
            output::print(&global.output.rows(&found, NONE, table)?)
        }
        Command::Add { address, reason } => {
            for weakness in address.weaknesses() {
                say(&format!("{address} proves little: {weakness}"));
            }
            let id = addresses::request_address(&mut db, address, reason).await?;
            request::waits(global, &mut db, id).await
        }
        Command::Remove { address, reason } => {
            let id = addresses::request_address_removal(&mut db, address, reason).await?;
            request::waits(global, &mut db, id).await
        }
    }
}

/// Nothing is claimed without one.
const NONE: &str = "no address is registered: `payout migrate -c FILE` registers the first";

fn table(found: &[Registered]) -> String {
    let cells = found.iter().map(|row| {
        vec![
            row.address.clone(),
            words::time(row.registered_at),
            row.registered_by.clone(),
            row.approved_by.clone().unwrap_or_default(),
            row.reason.clone(),
        ]
    });
    output::table("ADDRESS|SINCE (WIB)|BY|APPROVED BY|REASON", cells)
}
