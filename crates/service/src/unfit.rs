//! Why a worker may not run here.

/// A person must change the configuration or the schema first (exit 78).
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub String);

/// The database cannot be worked with now, and may be later without a change here (exit 69).
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Away(pub String);
