//! What can go wrong, grouped by what the caller does next; each group is an exit code of the contract.

use std::{
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
};

use sqlx::{error::DatabaseError, postgres::PgDatabaseError};

/// Why a command did not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Look for it elsewhere: it is not here. Exit 3.
    NotFound(String),
    /// Do not try again: a safety rule forbids it. Exit 4.
    Refused(String),
    /// Find the second person: it is recorded and waits. Exit 5.
    Waiting(String),
    /// Try again later. Exit 69.
    Unreachable(String),
    /// Change the configuration or migrate. Exit 78.
    Config(String),
    /// Ask differently. Exit 2.
    Usage(String),
    /// Read the message. Exit 1.
    Other(String),
    /// Nothing: whoever read our output has had enough, as in `payout list | head`. Exit 0.
    ReaderGone,
}

impl Failure {
    /// The code that the contract has for it.
    pub const fn code(&self) -> u8 {
        match self {
            Self::ReaderGone => 0,
            Self::Other(_) => 1,
            Self::Usage(_) => 2,
            Self::NotFound(_) => 3,
            Self::Refused(_) => 4,
            Self::Waiting(_) => 5,
            Self::Unreachable(_) => 69,
            Self::Config(_) => 78,
        }
    }

    /// The sentences, if there is anything to say.
    pub fn words(&self) -> Option<&str> {
        match self {
            Self::ReaderGone => None,
            Self::NotFound(words)
            | Self::Refused(words)
            | Self::Waiting(words)
            | Self::Unreachable(words)
            | Self::Config(words)
            | Self::Usage(words)
            | Self::Other(words) => Some(words),
        }
    }

    /// Says it on stderr and gives the exit code.
    pub(super) fn report(&self) -> ExitCode {
        if let Some(words) = self.words() {
            say(&format!("error: {words}"));
        }
        ExitCode::from(self.code())
    }
}

/// Talks to the person, on stderr. A closed stderr is no reason to stop.
pub(super) fn say(words: &str) {
    writeln!(io::stderr(), "{words}").ok();
}

/// The exit code of a command that only succeeds or fails.
pub(super) trait Outcome {
    /// Success is 0.
    fn done(self) -> Result<ExitCode, Failure>;
}

impl Outcome for Result<(), Failure> {
    fn done(self) -> Result<ExitCode, Failure> {
        self.map(|()| ExitCode::SUCCESS)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::of_database(&error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::of_io("", &error)
    }
}

impl From<anyhow::Error> for Failure {
    /// A database error keeps its meaning however deep it lies.
    fn from(error: anyhow::Error) -> Self {
        let cause = error
            .chain()
            .find_map(|cause| cause.downcast_ref::<sqlx::Error>());
        cause.map_or_else(|| Self::Other(format!("{error:#}")), Self::of_database)
    }
}

impl Failure {
    /// A failure to read or write `what`.
    pub(super) fn of_io(what: &str, error: &impl Display) -> Self {
        let colon = if what.is_empty() { "" } else { ": " };
        Self::Other(format!("{what}{colon}{error}"))
    }

    fn of_database(error: &sqlx::Error) -> Self {
        if let sqlx::Error::Database(refusal) = error {
            return Self::of_refusal(refusal.as_ref());
        }
        if let sqlx::Error::Configuration(why) = error {
            return Self::Config(format!(
                "the database URL cannot be used: {why}\n  Write it as postgres://USER@HOST:PORT/DATABASE."
            ));
        }
        let is_away = matches!(
            error,
            sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
                | sqlx::Error::Protocol(_)
        );
        if is_away {
            return Self::Unreachable(format!("the database cannot be reached: {error}"));
        }
        Self::Other(format!(
            "the database answered something unexpected: {error}"
        ))
    }

    /// Only message and hint are passed on: a detail may hold a whole row.
    fn of_refusal(refusal: &dyn DatabaseError) -> Self {
        let code = refusal.code().unwrap_or_default();
        let hint = refusal
            .try_downcast_ref::<PgDatabaseError>()
            .and_then(PgDatabaseError::hint);
        let message = refusal.message();
        let with_hint = match hint {
            Some(hint) => format!("{message}\n  {hint}"),
            None => message.to_owned(),
        };
        match code.as_ref() {
            "PW014" | "PW020" => Self::NotFound(with_hint),
            "PW026" | "PW027" => Self::Usage(with_hint),
            "PW008" | "PW010" | "PW011" | "PW012" | "PW013" | "PW015" | "PW016" | "PW019"
            | "PW021" | "PW022" | "PW023" | "PW024" | "PW025" | "PW028" => Self::Refused(with_hint),
            "42P01" | "3F000" | "42883" | "42703" => Self::Config(format!(
                "this database has no schema `payout` that fits this program ({message})\n  \
                 Run `payout migrate`, as the owner of the database, or name another one with --database-url."
            )),
            "28000" | "28P01" | "3D000" => {
                Self::Config(format!("{message}\n  Change the database URL."))
            }
            "42501" => Self::Other(format!(
                "{message}\n  Ask for a role of the schema: grant payout_operator to your login \
                 (payout_reader to look only)."
            )),
            "55P03" => Self::Other(format!(
                "{message}\n  Another transaction holds this payout. Try again in a moment."
            )),
            "53300" => Self::Unreachable(message.to_owned()),
            other if other.starts_with("08") || other.starts_with("57P") => {
                Self::Unreachable(message.to_owned())
            }
            _ => Self::Other(with_hint),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_is_not_there_is_found_in_any_depth_of_causes() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let deep = anyhow::Error::from(sqlx::Error::Io(refused)).context("while starting");
        assert_eq!(Failure::from(deep).code(), 69);
        assert_eq!(Failure::from(anyhow::anyhow!("else")).code(), 1);
    }
}
