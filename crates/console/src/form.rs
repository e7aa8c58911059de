//! What a form sent.

use axum::http::{HeaderMap, StatusCode, header::CONTENT_TYPE};

use super::failure::Failure;

/// Fields of one form; a selection of payouts has one each.
const FIELDS_MAX: usize = 600;

/// The fields of a form, in order.
#[derive(Clone, Debug)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a form that a page of ours sent.
    ///
    /// # Errors
    /// If it is not a form, or has too many fields.
    pub(super) fn of(headers: &HeaderMap, body: &[u8]) -> Result<Self, Failure> {
        let kind = headers.get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.split(';').next() != Some("application/x-www-form-urlencoded") {
            return Err(Failure::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        Self::parse(body)
    }

    /// Reads what stands behind `?` in an address.
    ///
    /// # Errors
    /// If it has too many fields.
    pub(super) fn of_query(query: Option<&str>) -> Result<Self, Failure> {
        Self::parse(query.unwrap_or_default().as_bytes())
    }

    fn parse(text: &[u8]) -> Result<Self, Failure> {
        let fields = form_urlencoded::parse(text).take(FIELDS_MAX.saturating_add(1));
        let fields: Vec<_> = fields
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        // Postgres stores no NUL, and ends a login at one.
        let has_nul = fields.iter().any(|(_, value)| value.contains('\0'));
        if has_nul || fields.len() > FIELDS_MAX {
            return Err(Failure::unreadable(""));
        }
        Ok(Self(fields))
    }

    /// The first value of a field, exactly as it was typed; empty if there is none.
    pub(super) fn raw(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(field, _)| field == name);
        found.map_or("", |(_, value)| value)
    }

    /// The first value of a field without the spaces around it.
    pub(super) fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The same; `None` for an empty one.
    pub(super) fn some(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// This field alone.
    pub(super) fn only(mut self, name: &str) -> Self {
        self.0.retain(|(field, _)| field == name);
        self
    }

    /// Every field with its value, in order.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = self.0.iter();
        fields.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Every value of a field.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let found = self.0.iter().filter(move |(field, _)| field == name);
        found.map(|(_, value)| value.as_str())
    }
}
