//! `payout pause`, `payout resume` and `payout pauses`

use clap::Args;
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::cli::{
    confirm,
    exit::Failure,
    global::Global,
    output::{self, Column, Format, Record},
    words,
};
use crate::store::{
    decisions::{self, Pause},
    operator,
};

/// What is paused. `--merchant` is the global flag: it names the merchant here as everywhere.
#[derive(Debug, Args)]
pub(crate) struct Options {
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

impl Record for Pause {
    const COLUMNS: &'static [&'static str] =
        &["scope", "value", "reason", "actor", "since", "queued"];

    fn values(&self) -> Vec<Value> {
        vec![
            json!(self.scope),
            json!(self.value),
            json!(self.reason),
            json!(self.actor),
            json!(words::utc(self.since)),
            json!(self.queued),
        ]
    }
}

pub(crate) async fn pause(global: &Global, options: &Options) -> Result<(), Failure> {
    let (scope, value) = options.scope(global)?;
    let mut db = global.connect().await?;
    operator::pause(&mut db, scope, &value, &options.reason).await?;
    let words = format!(
        "{} is paused: nothing more is sent there. What was sent is still asked for, callbacks are taken.\n\
         next:  payout resume {} --reason ...\n",
        name(scope, &value),
        flag(scope, &value),
    );
    tell(global, &mut db, words).await
}

pub(crate) async fn resume(global: &Global, options: &Options) -> Result<(), Failure> {
    let (scope, value) = options.scope(global)?;
    let mut db = global.connect().await?;
    let question = format!(
        "What waits for {} is sent from now on.",
        name(scope, &value)
    );
    confirm::confirm(global, &output::plain(&question))?;
    operator::resume(&mut db, scope, &value, &options.reason).await?;
    let words = format!("{} goes on\n", name(scope, &value));
    tell(global, &mut db, words).await
}

/// `payout pauses`
pub(crate) async fn pauses(global: &Global) -> Result<(), Failure> {
    let mut db = global.connect().await?;
    let found = decisions::pauses(&mut db).await?;
    output::print(&match global.output {
        Format::Json => output::json(&found),
        Format::Csv => output::csv(&found),
        Format::Table if found.is_empty() => "nothing is paused\n".to_owned(),
        Format::Table => table(&found),
    })
}

/// People read what happened, programs all pauses that there are now.
async fn tell(global: &Global, db: &mut PgConnection, words: String) -> Result<(), Failure> {
    output::print(&match global.output {
        Format::Json => output::json(&decisions::pauses(db).await?),
        Format::Csv => output::csv(&decisions::pauses(db).await?),
        Format::Table => words,
    })
}

fn table(found: &[Pause]) -> String {
    let columns = [
        Column::Left("PAUSED"),
        Column::Left("SINCE (WIB)"),
        Column::Left("BY"),
        Column::Left("REASON"),
        Column::Right("QUEUED"),
        Column::Left("NEXT"),
    ];
    let cells = found.iter().map(|pause| {
        vec![
            name(&pause.scope, &pause.value),
            words::time(pause.since),
            pause.actor.clone(),
            pause.reason.clone(),
            pause.queued.to_string(),
            format!(
                "payout resume {} --reason ...",
                flag(&pause.scope, &pause.value)
            ),
        ]
    });
    output::table(&columns, cells.collect())
}

/// What is paused, for a sentence.
pub(crate) fn name(scope: &str, value: &str) -> String {
    let name = if value.is_empty() {
        "everything".to_owned()
    } else {
        format!("{scope} {value}")
    };
    output::plain(&name)
}

/// How the commands call it.
pub(crate) fn flag(scope: &str, value: &str) -> String {
    output::plain(format!("--{scope} {value}").trim_end())
}
