//! The meaning of a piece of evidence: a kind and typed values, as in the columns of `payout.evidence`.
//!
//! Equal findings of one attempt are counted on one row. The database's guards compare the columns; nothing parses a
//! text.

use std::{borrow::Cow, fmt};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{
    evidence_words::{Doubt, Kind, Mismatch, Proves},
    resolution::Resolution,
};

/// The meaning of a piece of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Finding {
    /// The body was never handed to the transport (I8).
    NotSent,
    /// The submit was accepted.
    Acknowledged {
        /// The gateway's number for the status; `None` if undocumented.
        status: Option<i16>,
    },
    /// The submit was refused, which is not yet proof (protocol trap 8).
    Declined,
    /// The answer proves nothing.
    Doubt(Doubt),
    /// The lease expired (I2).
    LeaseExpired,
    /// The gateway knows the order.
    Found {
        /// The gateway's number for the status; `None` if undocumented.
        status: Option<i16>,
        /// Whether `platSign` verified.
        signed: bool,
    },
    /// The gateway does not know the order.
    NotFound {
        /// What that proves.
        proves: Proves,
        /// From when an answer proves it; `None` if the time does not matter.
        valid_from: Option<DateTime<Utc>>,
    },
    /// A callback with a verified signature.
    Callback {
        /// The gateway's number for the status; `None` if undocumented.
        status: Option<i16>,
        /// The first field that does not match; `None` if the callback is bound to the payout (protocol P20).
        mismatch: Option<Mismatch>,
    },
    /// A person's statement.
    Resolved(Resolution),
}

/// A finding as columns. Columns that do not apply are `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Columns {
    /// The kind of evidence.
    #[serde(rename = "evidence")]
    pub kind: Cow<'static, str>,
    /// The gateway's number for the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<i16>,
    /// Whether the answer to a query was signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed: Option<bool>,
    /// Whether every field of a callback matches the payout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound: Option<bool>,
    /// The first field of a callback that does not match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mismatch: Option<Cow<'static, str>>,
    /// Why an answer proves nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Cow<'static, str>>,
    /// What "not found" proves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proves: Option<Cow<'static, str>>,
    /// From when it proves that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<DateTime<Utc>>,
}

impl Finding {
    /// A "not found" that proves nothing, because it came too early or nothing vouches for it.
    pub const NOT_FOUND_EARLY: Self = Self::NotFound {
        proves: Proves::Nothing,
        valid_from: None,
    };

    /// The kind of evidence.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::NotSent => Kind::NotSent,
            Self::Acknowledged { .. } => Kind::Acknowledged,
            Self::Declined => Kind::Declined,
            Self::Doubt(_) => Kind::Doubt,
            Self::LeaseExpired => Kind::LeaseExpired,
            Self::Found { .. } => Kind::Found,
            Self::NotFound { .. } => Kind::NotFound,
            Self::Callback { .. } => Kind::Callback,
            Self::Resolved(Resolution::Paid { .. }) => Kind::ResolvedPaid,
            Self::Resolved(Resolution::Failed) => Kind::ResolvedFailed,
            Self::Resolved(Resolution::Returned { .. }) => Kind::ResolvedReturned,
        }
    }

    /// Reads the finding of a query back from its columns; `None` if they do not fit together.
    pub fn of_query(columns: &Columns) -> Option<Self> {
        match columns.kind.parse().ok()? {
            Kind::Found => Some(Self::Found {
                status: columns.status,
                signed: columns.signed?,
            }),
            Kind::NotFound => Some(Self::NotFound {
                proves: columns.proves.as_deref()?.parse().ok()?,
                valid_from: columns.valid_from,
            }),
            Kind::Doubt => Some(Self::Doubt(columns.doubt.as_deref()?.parse().ok()?)),
            Kind::NotSent
            | Kind::Acknowledged
            | Kind::Declined
            | Kind::LeaseExpired
            | Kind::Callback
            | Kind::ResolvedPaid
            | Kind::ResolvedFailed
            | Kind::ResolvedReturned => None,
        }
    }

    /// The columns of `payout.evidence` for this finding.
    pub fn columns(&self) -> Columns {
        let mut columns = Columns {
            kind: self.kind().name().into(),
            ..Columns::default()
        };
        match *self {
            Self::NotSent | Self::Declined | Self::LeaseExpired | Self::Resolved(_) => {}
            Self::Acknowledged { status } => columns.status = status,
            Self::Doubt(doubt) => columns.doubt = Some(doubt.name().into()),
            Self::Found { status, signed } => {
                columns.status = status;
                columns.signed = Some(signed);
            }
            Self::NotFound { proves, valid_from } => {
                columns.proves = Some(proves.name().into());
                columns.valid_from = valid_from;
            }
            Self::Callback { status, mismatch } => {
                columns.status = status;
                columns.bound = Some(mismatch.is_none());
                columns.mismatch = mismatch.map(|field| field.name().into());
            }
        }
        columns
    }
}

/// For people and logs: `found, status 2, unsigned`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = |status: &Option<i16>| match status {
            Some(code) => format!("status {code}"),
            None => "an undocumented status".to_owned(),
        };
        match self {
            Self::NotSent | Self::Declined | Self::LeaseExpired | Self::Resolved(_) => {
                f.write_str(self.kind().name())
            }
            Self::Acknowledged { status: code } => write!(f, "acknowledged, {}", status(code)),
            Self::Doubt(doubt) => write!(f, "doubt: {doubt}"),
            Self::Found {
                status: code,
                signed,
            } => {
                let unsigned = if *signed { "" } else { ", unsigned" };
                write!(f, "found, {}{unsigned}", status(code))
            }
            Self::NotFound { proves, .. } => write!(f, "not found, which proves {proves}"),
            Self::Callback {
                status: code,
                mismatch: None,
            } => write!(f, "callback, {}", status(code)),
            Self::Callback {
                status: code,
                mismatch: Some(field),
            } => write!(f, "callback, {}, not ours: {field}", status(code)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_finding_of_a_query_reads_back_from_its_columns() {
        let at = DateTime::from_timestamp(1_800_000_000, 5_000);
        let mut findings = vec![
            Finding::Found {
                status: Some(2),
                signed: true,
            },
            Finding::Found {
                status: None,
                signed: false,
            },
        ];
        findings.extend(Doubt::ALL.map(Finding::Doubt));
        for valid_from in [None, at] {
            findings.extend(Proves::ALL.map(|proves| Finding::NotFound { proves, valid_from }));
        }
        for finding in findings {
            assert_eq!(Finding::of_query(&finding.columns()), Some(finding));
        }
    }

    #[test]
    fn a_finding_that_no_query_makes_does_not_read_back() {
        for finding in [Finding::NotSent, Finding::Declined, Finding::LeaseExpired] {
            assert_eq!(Finding::of_query(&finding.columns()), None);
        }
    }
}
