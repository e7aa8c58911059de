//! `payout address`

use clap::Subcommand;

use crate::{
    cli::{exit::Exit, global::Global, output, words},
    store::addresses::{self, Registered},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the addresses by which workers may reach this database
    List,
}

pub(crate) async fn perform(global: &Global, command: &Command) -> Result<(), Exit> {
    let Command::List = command;
    let mut db = global.connect().await?;
    let found = addresses::registered(&mut db).await?;
    output::print(&global.output.rows(&found, NONE, table)?)
}

/// Nothing is claimed without one.
const NONE: &str = "no address is registered: `payout migrate -c FILE` registers the first";

fn table(found: &[Registered]) -> String {
    let cells = found.iter().map(|row| {
        vec![
            row.address.clone(),
            words::time(row.registered_at),
            row.registered_by.clone(),
            row.reason.clone(),
        ]
    });
    output::table("ADDRESS|SINCE (WIB)|BY|REASON", cells)
}
