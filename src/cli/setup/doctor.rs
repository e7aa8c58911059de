//! `payout doctor`: looks at everything that a worker needs, and says how to repair what is wrong.

mod callback;
mod database;
mod merchant;
mod schema;

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::{
    exit::Failure,
    global::Global,
    output::{self, Column, Format, Record},
};
use crate::config::Config;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

impl Verdict {
    const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        }
    }
}

/// One line.
#[derive(Debug)]
struct Check {
    verdict: Verdict,
    what: String,
    found: String,
    /// What to do; empty when nothing is.
    repair: String,
}

impl Check {
    fn ok(what: &str, found: impl Into<String>) -> Self {
        Self::new(Verdict::Ok, what, found, "")
    }

    fn warn(what: &str, found: impl Into<String>, repair: &str) -> Self {
        Self::new(Verdict::Warn, what, found, repair)
    }

    fn fail(what: &str, found: impl Into<String>, repair: &str) -> Self {
        Self::new(Verdict::Fail, what, found, repair)
    }

    fn new(verdict: Verdict, what: &str, found: impl Into<String>, repair: &str) -> Self {
        Self {
            verdict,
            what: what.to_owned(),
            found: found.into(),
            repair: repair.to_owned(),
        }
    }
}

impl Record for Check {
    const COLUMNS: &'static [&'static str] = &["verdict", "check", "found", "repair"];

    fn values(&self) -> Vec<Value> {
        let verdict = self.verdict.name().to_lowercase();
        vec![
            json!(verdict),
            json!(self.what),
            json!(self.found),
            json!(self.repair),
        ]
    }
}

pub(crate) async fn doctor(global: &Global) -> Result<ExitCode, Failure> {
    let mut checks = Vec::new();
    let config = match global.configuration() {
        Ok(config) => {
            checks.push(Check::ok("configuration", "it is complete"));
            for warning in &config.warnings {
                checks.push(Check::warn(
                    "configuration",
                    warning.clone(),
                    "see the line it names",
                ));
            }
            checks.push(witness(&config));
            Some(config)
        }
        // An operator's machine has a database URL and nothing else.
        Err(_) if global.config_file().is_none() && global.url().is_ok() => {
            checks.push(Check::warn(
                "configuration",
                "none is named: keys, gateway and callback are not looked at",
                "give -c FILE where a worker runs",
            ));
            None
        }
        Err(failure) => {
            checks.push(Check::fail(
                "configuration",
                failure.words().unwrap_or_default(),
                "payout config check",
            ));
            None
        }
    };
    match global.url() {
        Ok(url) => checks.extend(database::check(&url, config.as_ref()).await),
        Err(failure) => checks.push(Check::fail(
            "database",
            failure.words().unwrap_or_default(),
            "give -c FILE or --database-url URL",
        )),
    }
    for merchant in config.iter().flat_map(|config| &config.merchants) {
        let timeout = config.as_ref().map(|config| config.submit.timeout);
        checks.extend(merchant::check(merchant, timeout.unwrap_or_default()).await);
    }
    output::print(&match global.output {
        Format::Json => output::json(&checks),
        Format::Csv => output::csv(&checks),
        Format::Table => table(&checks),
    })?;
    let failed = checks.iter().any(|check| check.verdict == Verdict::Fail);
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Without it a restored snapshot is noticed only by a worker that ran before it.
fn witness(config: &Config) -> Check {
    match &config.witness_file {
        Some(file) => Check::ok("witness", file.display().to_string()),
        None => Check::warn(
            "witness",
            "no witness_file: a snapshot put back while no worker runs is not noticed",
            "set [submit] witness_file to a place on this host's own disk",
        ),
    }
}

fn table(checks: &[Check]) -> String {
    let columns = [
        Column::Left(""),
        Column::Left("CHECK"),
        Column::Left("FOUND"),
        Column::Left("REPAIR"),
    ];
    let cells = checks.iter().map(|check| {
        vec![
            check.verdict.name().to_owned(),
            check.what.clone(),
            check.found.clone(),
            check.repair.clone(),
        ]
    });
    output::table(&columns, cells.collect())
}
