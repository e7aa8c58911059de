//! Why the database did not do what a person wanted.

use std::borrow::Cow;

use super::{
    failure::said,
    texts::Texts,
    token::{NotDone, Why},
};

/// The SQLSTATE; empty where the answer to the statement is missing.
pub(super) fn code(error: &sqlx::Error) -> String {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    code.map_or_else(String::new, Cow::into_owned)
}

/// Why nothing was done; or that nobody knows, where the answer to the statement is missing.
pub(super) fn refusal(error: &sqlx::Error, t: &'static Texts) -> NotDone {
    let code = code(error);
    let is_lost = code.is_empty()
        || code == "57014"
        || ["08", "57P", "40003"]
            .iter()
            .any(|class| code.starts_with(class));
    if is_lost {
        return NotDone::new(Why::Unsure, t.not_sure);
    }
    let refused = |why: &str| NotDone::new(Why::Refused, why);
    if code.starts_with("PW") {
        let said = error.as_database_error().map_or_else(String::new, said);
        return NotDone {
            said,
            ..refused(t.refusal(&code).unwrap_or(t.refused))
        };
    }
    match code.as_str() {
        "42501" => refused(t.no_right),
        "55P03" | "40P01" | "40001" => refused(t.locked),
        _ => refused(&format!("{} ({code})", t.broken)),
    }
}
