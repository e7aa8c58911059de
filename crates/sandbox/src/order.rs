//! One order and its statuses (protocol P16).

use chrono::{DateTime, Utc};

use super::{
    request::{FeeType, Submit},
    script::Ending,
};

/// The status of an order: the digit on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    New = 0,
    Processing = 1,
    AtBank = 5,
    Paid = 2,
    Cancelled = 3,
    Failed = 4,
}

impl Status {
    /// The digit on the wire.
    pub(super) const fn code(self) -> u8 {
        self as u8
    }

    /// The `statusMsg` on the wire. Never contains a digit, because the signed text has no separators (protocol P9).
    pub(super) const fn message(self) -> &'static str {
        match self {
            Self::New => "Apply",
            Self::Processing => "Processing",
            Self::AtBank => "Bank processing",
            Self::Paid => "Success",
            Self::Cancelled => "Cancelled",
            Self::Failed => "Failed",
        }
    }

    /// Whether it can no longer change.
    pub(super) const fn is_final(self) -> bool {
        matches!(self, Self::Paid | Self::Cancelled | Self::Failed)
    }

    /// The next status; `None` if there is none.
    pub(super) const fn next(self, ending: Ending) -> Option<Self> {
        match (self, ending) {
            (Self::New, _) => Some(Self::Processing),
            (Self::Processing, _) => Some(Self::AtBank),
            (Self::AtBank, Ending::Paid) => Some(Self::Paid),
            (Self::AtBank, Ending::Cancelled) => Some(Self::Cancelled),
            (Self::AtBank, Ending::Failed) => Some(Self::Failed),
            _ => None,
        }
    }
}

/// A booked order. No `Debug`: it holds personal data.
#[derive(Clone)]
pub(super) struct Order {
    pub(super) submit: Submit,
    pub(super) platform_order_num: String,
    pub(super) fee_idr: i64,
    pub(super) status: Status,
    pub(super) booked_at: DateTime<Utc>,
    /// How many callbacks fell due, delivered or not.
    pub(super) notified: usize,
    /// Whether one of them was answered `SUCCESS`.
    pub(super) acknowledged: bool,
    /// How many queries found it final.
    pub(super) final_reads: u32,
}

impl Order {
    /// The amount debited from the merchant (protocol P22); `None` on overflow.
    pub(super) fn debit_idr(&self) -> Option<i64> {
        debit_idr(&self.submit, self.fee_idr)
    }
}

/// The debit of a submit at a given fee.
pub(super) fn debit_idr(submit: &Submit, fee_idr: i64) -> Option<i64> {
    match submit.fee_type {
        FeeType::FromAmount => Some(submit.money_idr),
        FeeType::OnTop => submit.money_idr.checked_add(fee_idr),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_passes_new_processing_and_the_bank_before_it_ends() {
        for (ending, last) in [
            (Ending::Paid, 2),
            (Ending::Cancelled, 3),
            (Ending::Failed, 4),
            (Ending::Stays, 5),
        ] {
            let mut seen = vec![Status::New.code()];
            let mut status = Status::New;
            while let Some(next) = status.next(ending) {
                status = next;
                seen.push(status.code());
            }
            assert_eq!(seen[..3], [0, 1, 5]);
            assert_eq!(seen.last(), Some(&last));
            assert_eq!(status.is_final(), ending != Ending::Stays);
        }
    }
}
