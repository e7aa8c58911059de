//! `payout migrate`

use clap::Args;

use crate::cli::{
    exit::{Failure, say},
    global::Global,
    output,
};
use crate::{
    service,
    store::schema::{self, SchemaError},
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// This merchant's gateway, dialect or platform key may change
    #[arg(long, value_name = "CODE")]
    accept_gateway: Vec<String>,
}

pub(crate) async fn migrate(global: &Global, options: &Options) -> Result<(), Failure> {
    let url = global.url()?;
    let merchants = if global.config_file().is_some() {
        let config = global.configuration()?;
        config
            .merchants
            .iter()
            .map(service::keyring::registration)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|unfit| Failure::Config(unfit.to_string()))?
    } else {
        say(
            "no configuration is named: no merchant is registered. `payout migrate -c FILE` does both.",
        );
        Vec::new()
    };
    for code in &options.accept_gateway {
        if !merchants.iter().any(|merchant| merchant.code == *code) {
            return Err(Failure::Usage(format!(
                "--accept-gateway {code}: the configuration has no such merchant"
            )));
        }
    }
    let done = schema::migrate(&url, &merchants, &options.accept_gateway, options.dry_run).await;
    let done = done.map_err(of_schema)?;
    if done.is_empty() {
        return output::print("the schema is up to date\n");
    }
    output::print(&format!("{}\n", done.join("\n")))
}

fn of_schema(error: SchemaError) -> Failure {
    match error {
        SchemaError::Database(error) => error.into(),
        // A file of another database must not redirect this one's money: a person decides.
        SchemaError::OtherGateway(_) => Failure::Refused(error.to_string()),
        SchemaError::Away(_) => Failure::Unreachable(error.to_string()),
        SchemaError::Migrate(_) => Failure::Config(error.to_string()),
    }
}
