//! `payout pause` and `payout resume`

use clap::Args;
use sqlx::PgConnection;

use crate::{
    cli::{
        confirm,
        exit::Exit,
        global::Global,
        inspect::pauses::{flag, name},
        output,
    },
    store::{decisions, operator},
};

/// What to pause. `--merchant` is the global option: it names the merchant here as everywhere.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Everything
    #[arg(long, conflicts_with = "bank")]
    all: bool,
    /// Payouts to the bank with this code
    #[arg(long, value_name = "CODE")]
    bank: Option<String>,
    /// Why; recorded, at most 200 characters
    #[arg(long)]
    reason: String,
}

impl Options {
    fn scope(&self, global: &Global) -> Result<(&'static str, String), Exit> {
        match (self.all, &global.merchant, &self.bank) {
            (true, None, None) => Ok(("all", String::new())),
            (false, Some(code), None) => Ok(("merchant", code.clone())),
            (false, None, Some(code)) => Ok(("bank", code.clone())),
            _ => Err(Exit::Usage(
                "give exactly one of --all, --merchant CODE and --bank CODE".to_owned(),
            )),
        }
    }
}

pub(crate) async fn pause(global: &Global, options: &Options) -> Result<(), Exit> {
    let (scope, value) = options.scope(global)?;
    let mut db = global.connect().await?;
    operator::pause(&mut db, scope, &value, &options.reason).await?;
    let done = format!(
        "{} is paused: no new payouts are sent. Queries and callbacks continue for those already sent.\n\
         next:  payout resume {} --reason ...\n",
        name(scope, &value),
        flag(scope, &value),
    );
    report(global, &mut db, done).await
}

pub(crate) async fn resume(global: &Global, options: &Options) -> Result<(), Exit> {
    let (scope, value) = options.scope(global)?;
    let mut db = global.connect().await?;
    let name = name(scope, &value);
    let question = format!("Sending resumes for everything that the pause of {name} holds back.");
    confirm::confirm(global, &question)?;
    operator::resume(&mut db, scope, &value, &options.reason).await?;
    report(global, &mut db, format!("{name} is resumed\n")).await
}

/// For people what was done, for programs every pause that is left.
async fn report(global: &Global, db: &mut PgConnection, done: String) -> Result<(), Exit> {
    let left = decisions::pauses(db).await?;
    output::print(
        &global
            .output
            .rows(&left, done.trim_end(), |_| done.clone())?,
    )
}
