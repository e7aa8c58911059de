//! What the database says when it refuses, taken apart.

use sqlx::postgres::PgDatabaseError;

/// A refusal of the database.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// The SQLSTATE.
    pub(crate) code: String,
    /// The sentence.
    pub(crate) message: String,
    /// What to change; empty when it does not say.
    pub(crate) hint: String,
    /// The column that it names; empty when it names none.
    pub(crate) column: String,
    /// Every text of it together, for what must not stand in any.
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

    /// The refusal of what should not have succeeded; `what` tells the reader which try it was.
    #[track_caller]
    pub(crate) fn expected<T>(what: &str, result: Result<T, sqlx::Error>) -> Self {
        match result {
            Ok(_) => panic!("{what}: accepted"),
            Err(error) => Self::of(&error),
        }
    }

    /// Checks the code and words of the sentence.
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
