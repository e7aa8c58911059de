//! What is answered when a page cannot be shown: a plain sentence, in the reader's language, and what the database said.

use axum::{
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use sqlx::postgres::PgDatabaseError;

use super::texts::Texts;

/// A sentence of the catalogue.
pub(super) type Sentence = fn(&Texts) -> &'static str;

/// Why a page is not shown. The outermost layer renders it.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) sentence: Sentence,
    /// The database's code, where it is a refusal; `sentence` is for codes that no text explains.
    pub(super) refusal: String,
    /// What the database or the reader said, as it is; may be empty.
    pub(super) detail: String,
    /// The person's connection is gone, and the session with it.
    pub(super) ends_session: bool,
}

impl Failure {
    pub(super) fn new(status: StatusCode, sentence: Sentence) -> Self {
        Self {
            status,
            sentence,
            refusal: String::new(),
            detail: String::new(),
            ends_session: false,
        }
    }

    /// Why, in the reader's language.
    pub(super) fn why(&self, t: &Texts) -> &'static str {
        t.refusal(&self.refusal).unwrap_or((self.sentence)(t))
    }

    /// What was sent cannot be read.
    pub(super) fn unreadable(detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            ..Self::new(StatusCode::BAD_REQUEST, |t| t.cannot_read)
        }
    }

    /// What a layer below the pages refused, which says so in English and as plain text.
    pub(super) fn of_status(status: StatusCode) -> Self {
        let sentence: Sentence = match status {
            StatusCode::NOT_FOUND => |t| t.not_here,
            StatusCode::METHOD_NOT_ALLOWED => |t| t.not_this_way,
            StatusCode::REQUEST_TIMEOUT => |t| t.too_slow,
            StatusCode::PAYLOAD_TOO_LARGE => |t| t.too_large,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => |t| t.not_our_form,
            status if status.is_client_error() => |t| t.cannot_read,
            _ => |t| t.broken,
        };
        Self::new(status, sentence)
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, |t| t.not_here)
    }

    /// The session's login may not do this.
    pub(super) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, |t| t.no_right)
    }

    /// The session is over, or never was; perhaps the form that came is kept for whoever signs in again.
    pub(super) fn signed_out(is_kept: bool) -> Self {
        let sentence: Sentence = if is_kept {
            |t| t.session_over_kept
        } else {
            |t| t.session_over
        };
        Self::new(StatusCode::UNAUTHORIZED, sentence)
    }

    /// Meanwhile somebody disabled the login.
    pub(super) fn disabled() -> Self {
        Self {
            ends_session: true,
            ..Self::new(StatusCode::FORBIDDEN, |t| t.login_disabled)
        }
    }

    /// The same person's other page takes too long.
    pub(super) fn busy() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, |t| t.took_too_long)
    }

    /// A template that cannot be rendered is a mistake of this program.
    pub(super) fn broken() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, |t| t.broken)
    }

    fn of_database(error: &dyn sqlx::error::DatabaseError) -> Self {
        let code = error.code().unwrap_or_default();
        let (status, sentence): (_, Sentence) = match code.as_ref() {
            "57014" => (StatusCode::SERVICE_UNAVAILABLE, |t| t.took_too_long),
            "55P03" | "40P01" | "40001" => (StatusCode::SERVICE_UNAVAILABLE, |t| t.locked),
            "42501" => return Self::forbidden(),
            // A number out of range, a text that is none.
            code if code.starts_with("22") => return Self::unreadable(""),
            "PW014" | "PW020" => (StatusCode::NOT_FOUND, |t| t.not_here),
            "42P01" | "3F000" | "42883" | "42703" => {
                (StatusCode::INTERNAL_SERVER_ERROR, |t| t.wrong_schema)
            }
            code if code.starts_with("PW") => (StatusCode::CONFLICT, |t| t.refused),
            code if code.starts_with("08") || code.starts_with("57P") => return Self::away(),
            // Its message may hold a row.
            other => {
                return Self {
                    detail: other.to_owned(),
                    ..Self::broken()
                };
            }
        };
        Self {
            detail: said(error),
            refusal: code.into_owned(),
            ..Self::new(status, sentence)
        }
    }

    /// The connection is gone. Signing in opens a new one.
    fn away() -> Self {
        Self {
            ends_session: true,
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, |t| t.database_away)
        }
    }
}

/// Message and hint of a refusal. A detail may hold a whole row, so it is left out.
pub(super) fn said(error: &dyn sqlx::error::DatabaseError) -> String {
    let hint = error
        .try_downcast_ref::<PgDatabaseError>()
        .and_then(PgDatabaseError::hint);
    match hint {
        Some(hint) => format!("{}. {hint}", error.message().trim_end_matches('.')),
        None => error.message().to_owned(),
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        if let Some(refusal) = error.as_database_error() {
            return Self::of_database(refusal);
        }
        let is_unreadable = matches!(
            error,
            sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } | sqlx::Error::Encode(_)
        );
        if matches!(error, sqlx::Error::RowNotFound) {
            Self::not_found()
        } else if is_unreadable {
            Self::broken()
        } else {
            Self::away()
        }
    }
}

impl From<askama::Error> for Failure {
    fn from(_: askama::Error) -> Self {
        Self::broken()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut answer = self.status.into_response();
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            let value = axum::http::HeaderValue::from_static("10");
            answer.headers_mut().insert(RETRY_AFTER, value);
        }
        answer.extensions_mut().insert(self);
        answer
    }
}
