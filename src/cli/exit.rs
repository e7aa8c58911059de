//! How a command ends when not with success, grouped by what the caller does next; each group is an exit code.

use std::{fmt::Display, process::ExitCode};

use payout_service::{Away, Unfit, telemetry};
use sqlx::{error::DatabaseError, postgres::PgDatabaseError};

/// Why a command stopped, with the message for the person who called it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Do nothing: whoever read the output has enough, as in `payout list | head`. Exit 0.
    ReaderGone,
    /// Read the output: it lists what is wrong. Exit 1.
    Findings,
    /// Read the message. Exit 1.
    Failed(String),
    /// Correct the command line. Exit 2.
    Usage(String),
    /// Look elsewhere: it is not here. Exit 3.
    NotFound(String),
    /// Do not try again: a safety rule forbids it. Exit 4.
    Refused(String),
    /// Wait: the request is recorded and not carried out yet. Exit 5.
    Recorded,
    /// Try again later. Exit 69.
    Unreachable(String),
    /// Change the configuration, or migrate. Exit 78.
    Config(String),
}

impl Exit {
    /// The exit code, and the message; empty when there is nothing to add to the output.
    pub(super) fn parts(&self) -> (u8, &str) {
        match self {
            Self::ReaderGone => (0, ""),
            Self::Findings => (1, ""),
            Self::Failed(message) => (1, message),
            Self::Usage(message) => (2, message),
            Self::NotFound(message) => (3, message),
            Self::Refused(message) => (4, message),
            Self::Recorded => (5, ""),
            Self::Unreachable(message) => (69, message),
            Self::Config(message) => (78, message),
        }
    }

    /// Prints the message on stderr, and returns the exit code.
    pub(super) fn report(&self) -> ExitCode {
        let (code, message) = self.parts();
        if !message.is_empty() {
            say(&format!("error: {message}"));
        }
        ExitCode::from(code)
    }

    /// A failure to read or write `what`.
    pub(super) fn of_io(what: impl Display, error: &impl Display) -> Self {
        Self::Failed(format!("{what}: {error}"))
    }
}

/// Prints a line for the person on stderr.
pub(super) fn say(line: &str) {
    telemetry::say(line);
}

impl<E: Into<anyhow::Error>> From<E> for Exit {
    /// A database error keeps its meaning however deep it lies, and so does what makes a worker unfit.
    fn from(error: E) -> Self {
        let error = error.into();
        if let Some(unfit) = error
            .chain()
            .find_map(|cause| cause.downcast_ref::<Unfit>())
        {
            return Self::Config(unfit.to_string());
        }
        if let Some(away) = error.chain().find_map(|cause| cause.downcast_ref::<Away>()) {
            return Self::Unreachable(away.to_string());
        }
        match error.chain().find_map(|cause| cause.downcast_ref()) {
            Some(cause) => Self::of_database(cause),
            None => Self::Failed(format!("{error:#}")),
        }
    }
}

impl Exit {
    fn of_database(error: &sqlx::Error) -> Self {
        if let sqlx::Error::Database(refusal) = error {
            return Self::of_refusal(refusal.as_ref());
        }
        if let sqlx::Error::Configuration(why) = error {
            return Self::Config(format!(
                "the database URL is invalid: {why}\n  Write it as postgres://USER@HOST:PORT/DATABASE, and @ : / ? # and % \
                 in a user name or password as %40 %3A %2F %3F %23 %25."
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
        Self::Failed(format!("unexpected answer from the database: {error}"))
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
            "PW026" | "PW027" | "PW032" | "PW035" => Self::Usage(with_hint),
            "PW008" | "PW010" | "PW011" | "PW012" | "PW013" | "PW015" | "PW016" | "PW019"
            | "PW021" | "PW022" | "PW023" | "PW024" | "PW025" | "PW028" | "PW030" | "PW031"
            | "PW033" | "PW034" | "PW040" | "PW062" => Self::Refused(with_hint),
            "42P01" | "3F000" | "42883" | "42703" => Self::Config(format!(
                "this database has no schema `payout` that fits this program ({message})\n  \
                 Run `payout migrate` as the owner of the database, or name another database with --database-url."
            )),
            "3D000" => Self::Config(format!("{message}\n  Correct the database URL.")),
            // After a rotation of passwords it is right again once both sides have the new one: a service keeps trying.
            "28000" | "28P01" => Self::Unreachable(format!(
                "{message}\n  Correct the login or password in the database URL, or let the server accept it."
            )),
            "42501" => Self::Failed(format!(
                "{message}\n  Your login lacks a role of the schema: grant payout_operator to it (payout_reader is enough \
                 to look, `payout run` needs payout_worker, `payout migrate` the schema's owner)."
            )),
            "55P03" => Self::Failed(format!(
                "{message}\n  Another transaction has locked what this needs. Try again in a moment; pg_locks and \
                 pg_stat_activity name it."
            )),
            "25006" => Self::Unreachable(format!(
                "{message}\n  The server is a standby, or default_transaction_read_only is on: use the URL of the primary, or \
                 find out who set it."
            )),
            // `pg_current_wal_lsn` and others, on a standby.
            "55000" if message.contains("recovery is in progress") => Self::Unreachable(format!(
                "{message}\n  This server is a standby: use the URL of the primary."
            )),
            // The statements that this connection prepared are another session's.
            "26000" | "42P05" => Self::Config(format!(
                "{message}\n  A pooler hands out sessions per transaction: use the URL of Postgres itself, or pool_mode = \
                 session."
            )),
            "08P01" if message.contains("startup parameter") => Self::Config(format!(
                "{message}\n  A pooler is in between: use the URL of Postgres itself, or of a session pool that accepts the \
                 parameter `options`."
            )),
            "53300" => Self::Unreachable(message.to_owned()),
            other if other.starts_with("08") || other.starts_with("57P") => {
                Self::Unreachable(message.to_owned())
            }
            _ => Self::Failed(with_hint),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn an_unreachable_database_is_recognised_at_any_depth_of_causes() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let deep = anyhow::Error::from(sqlx::Error::Io(refused)).context("while starting");
        assert_eq!(Exit::from(deep).parts().0, 69);
        assert_eq!(Exit::from(anyhow::anyhow!("else")).parts().0, 1);
    }
}
