//! `payout doctor`: checks everything that a worker needs, and says how to repair what is wrong.

mod address;
mod callback;
mod database;
mod merchant;
mod schema;

use payout_config::Config;
use payout_service::worker::witness::Place;
use serde::Serialize;

use crate::cli::{exit::Exit, global::Global, output};

/// How bad it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    #[default]
    Ok,
    Warn,
    Fail,
}

/// What one check found.
#[derive(Debug, Default, Serialize)]
struct Check {
    #[serde(rename = "verdict")]
    level: Level,
    #[serde(rename = "check")]
    what: String,
    found: String,
    /// What to do; empty when nothing is.
    repair: String,
}

/// What a check looks at.
struct Subject<'a>(&'a str);

impl Subject<'_> {
    fn ok(&self, found: impl Into<String>) -> Check {
        self.check(Level::Ok, found, "")
    }

    fn warn(&self, found: impl Into<String>, repair: &str) -> Check {
        self.check(Level::Warn, found, repair)
    }

    fn fail(&self, found: impl Into<String>, repair: &str) -> Check {
        self.check(Level::Fail, found, repair)
    }

    fn check(&self, level: Level, found: impl Into<String>, repair: &str) -> Check {
        Check {
            level,
            what: self.0.to_owned(),
            found: found.into(),
            repair: repair.to_owned(),
        }
    }
}

pub(crate) async fn doctor(global: &Global) -> Result<(), Exit> {
    let mut checks = Vec::new();
    let config = configuration(global, &mut checks);
    match global.url() {
        Ok(url) => checks.extend(database::check(&url, config.as_ref()).await),
        Err(exit) => checks
            .push(Subject("database").fail(exit.parts().1, "give -c FILE or --database-url URL")),
    }
    if let Some(config) = &config {
        for merchant in &config.merchants {
            checks.extend(merchant::check(merchant, config.submit.timeout).await);
        }
    }
    output::print(&global.output.rows(&checks, "", table)?)?;
    if checks.iter().any(|check| check.level == Level::Fail) {
        return Err(Exit::Findings);
    }
    Ok(())
}

/// The configuration, where it can be read.
fn configuration(global: &Global, checks: &mut Vec<Check>) -> Option<Config> {
    let what = "configuration";
    match global.configuration() {
        Ok(config) => {
            checks.push(Subject(what).ok("it is complete"));
            let warnings = config.warnings.iter();
            checks.extend(
                warnings.map(|warning| Subject(what).warn(warning, "see the line it names")),
            );
            checks.push(witness(&config));
            return Some(config);
        }
        // An operator's machine has a database URL and nothing else.
        Err(_) if global.config_file().is_none() && global.url().is_ok() => {
            checks.push(Subject(what).warn(
                "none is given: keys, gateway and callback are not checked",
                "give -c FILE on a host where a worker runs",
            ));
        }
        Err(exit) => checks.push(Subject(what).fail(exit.parts().1, "payout config check")),
    }
    None
}

/// Without it only a worker that ran before notices a restored snapshot.
fn witness(config: &Config) -> Check {
    let subject = Subject("witness");
    let place = Place::of(&config.witness_file);
    let at = match &place {
        Place::File(path) | Place::Folder(path) => path.display().to_string(),
        Place::Nowhere(_) => "none".to_owned(),
    };
    if let Some(why) = place.obstacle() {
        return subject.fail(
            format!("this user could not keep it: {why}"),
            "run doctor as the worker's user; [submit] witness_file must be a file that this user may write, in a folder \
             that exists",
        );
    }
    match place.weakness() {
        None => subject.ok(at),
        Some(why) => subject.warn(
            format!("{at}: {why}; a snapshot restored while no worker runs then goes unnoticed"),
            "set [submit] witness_file to a path on a local disk of this host",
        ),
    }
}

fn table(checks: &[Check]) -> String {
    let cells = checks.iter().map(|check| {
        let level = match check.level {
            Level::Ok => "ok",
            Level::Warn => "warn",
            Level::Fail => "FAIL",
        };
        vec![
            level.to_owned(),
            check.what.clone(),
            check.found.clone(),
            check.repair.clone(),
        ]
    });
    output::table("|CHECK|FOUND|REPAIR", cells)
}
