//! Whether payouts are sent now and, if not, why and what ends it: the same words on every screen.

use payout_domain::stop::{meaning, opened_by};
use payout_store::workers::Claims;

use crate::cli::{output, words};

/// Why nothing is sent for this merchant, since when, and what ends it; `None` while payouts are sent.
pub(crate) fn sentence(claims: &Claims) -> Option<String> {
    let stopped_by = claims.stopped_by.as_deref()?;
    let since = claims.since.map_or(String::new(), |since| {
        format!(" (since {} WIB)", words::time(since))
    });
    let detail = claims.detail.as_deref().unwrap_or_default();
    let detail = if detail.is_empty() {
        String::new()
    } else {
        format!(" ({detail})")
    };
    Some(output::plain(&format!(
        "Nothing is sent for {}{since}: {}{detail}. {}",
        claims.merchant_code,
        meaning(stopped_by),
        opened_by(stopped_by)
    )))
}

/// A line for each merchant for which nothing is sent.
pub(crate) fn lines(claims: &[Claims]) -> String {
    claims
        .iter()
        .filter_map(sentence)
        .map(|line| line + "\n")
        .collect()
}
