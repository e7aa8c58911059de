//! The gateway's status of an order (protocol P16).

/// The status of an order at the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayStatus {
    /// 0: new.
    New,
    /// 1: in progress.
    Processing,
    /// 5: at the bank; still in progress.
    AtBank,
    /// 2: paid.
    Paid,
    /// 3: cancelled, a failure.
    Cancelled,
    /// 4: failed.
    Failed,
    /// Anything else. The order counts as in progress and is queried again. Keeps at most 16 characters of what was
    /// received.
    Other(String),
}

impl GatewayStatus {
    /// Parses the value on the wire. Never fails.
    pub fn parse(text: &str) -> Self {
        match text {
            "0" => Self::New,
            "1" => Self::Processing,
            "5" => Self::AtBank,
            "2" => Self::Paid,
            "3" => Self::Cancelled,
            "4" => Self::Failed,
            other => Self::Other(other.chars().take(16).collect()),
        }
    }

    /// The documented number, 0 to 5; `None` for an undocumented status.
    pub const fn code(&self) -> Option<i16> {
        match self {
            Self::New => Some(0),
            Self::Processing => Some(1),
            Self::Paid => Some(2),
            Self::Cancelled => Some(3),
            Self::Failed => Some(4),
            Self::AtBank => Some(5),
            Self::Other(_) => None,
        }
    }

    /// Whether the status is final at the gateway: paid, cancelled or failed.
    pub const fn is_terminal(&self) -> bool {
        matches!(self, Self::Paid | Self::Cancelled | Self::Failed)
    }

    /// A short stable name for metrics and messages.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::New => "status_0",
            Self::Processing => "status_1",
            Self::AtBank => "status_5",
            Self::Paid => "status_2",
            Self::Cancelled => "status_3",
            Self::Failed => "status_4",
            Self::Other(_) => "status_other",
        }
    }
}
