//! `payout migrate`

use clap::Args;
use payout_store::{
    addresses::Address,
    schema::{self, SchemaError},
};

use crate::cli::{
    exit::{Exit, say},
    global::Global,
    output,
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Print what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Allow the gateway, dialect or platform key of this merchant to change
    #[arg(long, value_name = "CODE")]
    accept_gateway: Vec<String>,
    /// Where workers reach the database, when that is not how this command does: HOST:PORT; only the first time
    #[arg(long, value_name = "ADDRESS")]
    address: Vec<Address>,
}

pub(crate) async fn migrate(global: &Global, options: &Options) -> Result<(), Exit> {
    let url = global.url()?;
    let merchants = if global.config_file().is_some() {
        let config = global.configuration()?;
        config
            .merchants
            .iter()
            .map(payout_service::keyring::registration)
            .collect::<Result<Vec<_>, _>>()?
    } else {
        say(
            "no configuration file is given, so no merchant is registered: `payout migrate -c FILE` does both",
        );
        Vec::new()
    };
    for code in &options.accept_gateway {
        if !merchants.iter().any(|merchant| merchant.code == *code) {
            return Err(Exit::Usage(format!(
                "--accept-gateway {code}: the configuration has no such merchant"
            )));
        }
    }
    let accept = &options.accept_gateway;
    let done = if options.address.is_empty() {
        schema::migrate(&url, &merchants, accept, options.dry_run).await
    } else {
        let addresses = &options.address;
        schema::migrate_reached_by(&url, &merchants, accept, addresses, options.dry_run).await
    };
    let done = done.map_err(of_schema)?;
    if done.is_empty() {
        return output::print("the schema is up to date\n");
    }
    output::print(&format!("{}\n", done.join("\n")))
}

fn of_schema(error: SchemaError) -> Exit {
    match error {
        SchemaError::Database(error) => error.into(),
        // A configuration for another database must not redirect this one's money: a person decides.
        SchemaError::OtherGateway(_) => Exit::Refused(error.to_string()),
        SchemaError::Locked(_) => Exit::Failed(error.to_string()),
        SchemaError::Away(_) => Exit::Unreachable(error.to_string()),
        SchemaError::Migrate(_) | SchemaError::Address(_) | SchemaError::Unfit(_) => {
            Exit::Config(error.to_string())
        }
    }
}
