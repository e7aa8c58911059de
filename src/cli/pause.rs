//! `payout pause` and `payout resume`

use clap::Args;

use super::{ask, error::Failure, global::Global, output};
use crate::store::operator;

/// What is paused. `--merchant` is the global flag: it names the merchant here as everywhere.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Everything
    #[arg(long, conflicts_with = "bank")]
    all: bool,
    /// What goes to the bank of this code
    #[arg(long, value_name = "CODE")]
    bank: Option<String>,
    /// Why; recorded, at most 200 characters
    #[arg(long)]
    reason: String,
}

impl Options {
    fn scope(&self, global: &Global) -> Result<(&'static str, String), Failure> {
        match (self.all, &global.merchant, &self.bank) {
            (true, None, None) => Ok(("all", String::new())),
            (false, Some(code), None) => Ok(("merchant", code.clone())),
            (false, None, Some(code)) => Ok(("bank", code.clone())),
            _ => Err(Failure::Usage(
                "name one: --all, --merchant CODE or --bank CODE".to_owned(),
            )),
        }
    }
}

pub(super) async fn pause(global: &Global, options: &Options) -> Result<(), Failure> {
    let (scope, value) = options.scope(global)?;
    let mut db = global.connect().await?;
    operator::pause(&mut db, scope, &value, &options.reason).await?;
    output::print(&format!(
        "{} is paused: nothing more is sent there. What was sent is still asked for, callbacks are taken.\n\
         next:  payout resume {} --reason ...\n",
        name(scope, &value),
        flag(scope, &value),
    ))
}

pub(super) async fn resume(global: &Global, options: &Options) -> Result<(), Failure> {
    let (scope, value) = options.scope(global)?;
    let mut db = global.connect().await?;
    let question = format!(
        "What waits for {} is sent from now on.",
        name(scope, &value)
    );
    ask::confirm(global, &output::plain(&question))?;
    operator::resume(&mut db, scope, &value, &options.reason).await?;
    output::print(&format!("{} goes on\n", name(scope, &value)))
}

fn name(scope: &str, value: &str) -> String {
    let name = if value.is_empty() {
        "everything".to_owned()
    } else {
        format!("{scope} {value}")
    };
    output::plain(&name)
}

fn flag(scope: &str, value: &str) -> String {
    output::plain(format!("--{scope} {value}").trim_end())
}
