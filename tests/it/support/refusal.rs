//! The parts of the database's error when it refuses a statement.

use sqlx::postgres::PgDatabaseError;

/// A refusal of the database.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// The SQLSTATE.
    pub(crate) code: String,
    /// The message.
    pub(crate) message: String,
    /// The hint, which says what to change; empty when there is none.
    pub(crate) hint: String,
    /// The column that it names; empty when it names none.
    pub(crate) column: String,
    /// All its texts together, to search for what none may contain.
    pub(crate) everything: String,
}

impl Refusal {
    /// Takes an error apart; anything but a refusal fails the test.
    #[track_caller]
    pub(crate) fn of(error: &sqlx::Error) -> Self {
        let refusal = error
            .as_database_error()
            .unwrap_or_else(|| panic!("not a refusal: {error}"))
            .downcast_ref::<PgDatabaseError>();
        let words = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let (hint, column) = (words(refusal.hint()), words(refusal.column()));
        let everything = [
            refusal.message(),
            &hint,
            &column,
            refusal.detail().unwrap_or_default(),
            refusal.r#where().unwrap_or_default(),
        ]
        .join("\n");
        Self {
            code: refusal.code().to_owned(),
            message: refusal.message().to_owned(),
            hint,
            column,
            everything,
        }
    }

    /// The refusal of a statement that must not succeed; `what` names the attempt for the reader.
    #[track_caller]
    pub(crate) fn expected<T>(what: &str, result: Result<T, sqlx::Error>) -> Self {
        match result {
            Ok(_) => panic!("{what}: accepted"),
            Err(error) => Self::of(&error),
        }
    }

    /// Checks the SQLSTATE and words of the message.
    #[track_caller]
    pub(crate) fn is(&self, what: &str, code: &str, words: &str) {
        assert_eq!(self.code, code, "{what}: {}", self.everything);
        assert!(
            self.message.contains(words),
            "{what}: \"{}\" lacks \"{words}\"",
            self.message
        );
    }
}
