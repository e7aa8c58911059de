//! `payout pause` and `payout resume`

use clap::Args;
use payout_store::{decisions, operator};
use sqlx::PgConnection;

use crate::cli::{
    confirm,
    exit::Exit,
    global::Global,
    inspect::pauses::{flag, name},
    output,
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

#[derive(Debug, Args)]
pub(crate) struct PauseOptions {
    #[command(flatten)]
    what: Options,
    /// Pause only between these times each day, in WIB: 23:00-04:00 if a bank closes at night
    #[arg(long, value_name = "TIMES")]
    daily: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ResumeOptions {
    #[command(flatten)]
    what: Options,
    /// The daily pause, not the one that lasts until it is resumed
    #[arg(long)]
    daily: bool,
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

pub(crate) async fn pause(global: &Global, options: &PauseOptions) -> Result<(), Exit> {
    let (scope, value) = options.what.scope(global)?;
    let daily = options.daily.as_deref();
    let mut db = global.connect().await?;
    operator::pause(&mut db, scope, &value, &options.what.reason, daily).await?;
    let (name, flag) = (name(scope, &value), flag(scope, &value));
    let (when, end) = match daily {
        Some(times) => (
            format!(" each day, {} WIB", output::plain(times)),
            " --daily",
        ),
        None => (String::new(), ""),
    };
    let done = format!(
        "{name} is paused{when}: no new payouts are sent. Queries and callbacks continue for those already sent.\n\
         next:  payout resume {flag}{end} --reason ...\n",
    );
    report(global, &mut db, done).await
}

pub(crate) async fn resume(global: &Global, options: &ResumeOptions) -> Result<(), Exit> {
    let (scope, value) = options.what.scope(global)?;
    let mut db = global.connect().await?;
    let name = name(scope, &value);
    let question = format!("Sending resumes for everything that the pause of {name} holds back.");
    confirm::confirm(global, &question)?;
    let reason = &options.what.reason;
    operator::resume(&mut db, scope, &value, reason, options.daily).await?;
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
