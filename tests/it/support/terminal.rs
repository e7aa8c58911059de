//! The real program, called without a terminal to confirm at.

use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::database::Database;

/// The result of one call of the program.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("an exit code, no signal"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    #[track_caller]
    pub(crate) fn with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    /// Fails unless stdout or stderr contains each of these.
    #[track_caller]
    pub(crate) fn says(&self, words: &[&str]) {
        for word in words {
            let is_said = self.out.contains(word) || self.err.contains(word);
            assert!(is_said, "{word}: {}{}", self.out, self.err);
        }
    }

    /// Stdout and stderr.
    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}

/// The program, without the settings of the tester's environment.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_payout"));
    command
        .args(arguments)
        .env_remove("PAYOUT_CONFIG")
        .env_remove("PAYOUT_DATABASE_URL")
        .stdin(Stdio::null());
    command
}

/// `payout ARGUMENTS` without a database.
pub(crate) fn bare(arguments: &[&str]) -> Said {
    program(arguments).output().unwrap().into()
}

/// `payout ARGUMENTS` as the owner of the database.
pub(crate) fn payout(database: &Database, arguments: &[&str]) -> Said {
    payout_by(&database.url(), arguments)
}

/// `payout ARGUMENTS` as a role that [`Database::login`] made.
pub(crate) fn payout_as(database: &Database, role: &str, arguments: &[&str]) -> Said {
    payout_by(&database.url_as(role), arguments)
}

fn payout_by(url: &str, arguments: &[&str]) -> Said {
    let mut command = program(arguments);
    command.env("PAYOUT_DATABASE_URL", url);
    command.output().unwrap().into()
}
