//! The ways in which the sandbox can misbehave, by name.

use std::{fmt, str::FromStr};

/// Declares each fault once: variant, name and explanation.
macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $variant:ident = $word:literal,)+) => {
        /// One way to misbehave. Everything that it does not mention works as usual.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Fault {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Fault {
            /// Every fault.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name on the command line and in `/admin/fault`.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// What it does, in a sentence or two.
            pub const fn explanation(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),+).trim_ascii_start(),)+
                }
            }
        }
    };
}

faults! {
    /// Submits are booked and answered `UNKNOWN`.
    Unknown = "unknown",
    /// Submits are answered `UNKNOWN` and never booked.
    UnknownLost = "unknown_lost",
    /// Submits are never booked. Half of them (by hash) are answered `UNKNOWN`; on the others the connection is closed.
    Lost = "lost",
    /// Submits are booked at once and answered very late (`slow_answer_ms`).
    Slow = "slow",
    /// Every gateway connection is closed unread, and no callback is sent. Only the admin pages answer.
    Down = "down",
    /// Submits are answered with an empty HTTP 500 and not booked.
    Http500 = "http_500",
    /// Submits are booked and answered with an empty HTTP 500.
    Http500Books = "http_500_books",
    /// Submits are booked; the answer carries a wrong platSign.
    BadSign = "badsig",
    /// Submits are read, never booked and never answered; the connection stays open.
    NoAnswerBefore = "no_answer_before",
    /// Submits are booked and never answered; the connection stays open.
    NoAnswerAfter = "no_answer_after",
    /// Submits are booked, then the connection is closed without an answer.
    CutAfter = "cut_after",
    /// Submits are never answered and booked only later (`late_booking_ms`). Until then the order is not found.
    LateBooking = "late_booking",
    /// Submits are refused with `FAIL` and not booked.
    Fail = "fail",
    /// Submits are answered `FAIL` although they are booked and processed to their end.
    FailBusyBooks = "fail_busy_books",
    /// Submits are booked; the connection breaks in the middle of the answer.
    Truncated = "truncated",
    /// Submits are booked; the answer is not JSON.
    Garbage = "garbage",
    /// Submits are booked; the answer is a maintenance page.
    Html = "html",
    /// Submits are not booked and are redirected (307) to the same address.
    Redirect = "redirect",
    /// Submits are booked; the signed answer echoes one rupiah more than was submitted.
    WrongAmount = "wrong_amount",
    /// Submits are booked; the signed answer echoes another orderNum.
    WrongOrder = "wrong_order",
    /// Orders end at once, and the callback comes before the answer to the submit.
    EarlyCallback = "early_callback",
    /// Each callback is sent three times at once, and all six are sent even if one was acknowledged.
    DuplicateCallbacks = "duplicate_callbacks",
    /// The first callback comes much later than usual (`late_callback_ms`).
    LateCallback = "late_callback",
    /// Callbacks that fall due while this fault is set are lost.
    NoCallbacks = "no_callbacks",
    /// Callbacks carry a wrong platSign.
    ForgedCallback = "forged_callback",
    /// Signed callbacks name one rupiah more than was submitted.
    BadCallbackAmount = "bad_callback_amount",
    /// Each honest callback follows a signed one with status 4.
    FalseFailureCallback = "false_failure_callback",
    /// Each honest callback follows a signed one for an order that was never submitted.
    ForeignCallback = "foreign_callback",
    /// Statuses 1 and 5 are called back too, once each.
    ProgressCallbacks = "progress_callbacks",
    /// Callbacks leave each `+` of the platSign unescaped.
    RawPlus = "raw_plus",
    /// Queries are answered `UNKNOWN`.
    QueryUnknown = "query_unknown",
    /// Queries are answered `NOTEXIST`, even for orders that exist.
    QueryNotFound = "query_not_found",
    /// Queries are answered with an empty HTTP 500.
    QueryHttp500 = "query_http_500",
    /// Queries are answered very late (`slow_answer_ms`).
    QuerySlow = "query_slow",
    /// Answers to queries carry a wrong platSign (the `toppay` ones carry none anyway).
    QueryBadSign = "query_badsig",
    /// Answers to queries name one hundred times the amount.
    QueryWrongAmount = "query_wrong_amount",
    /// The first query that finds a paid order reports status 2, all later ones 4.
    FlipAfterPaid = "flip_after_paid",
    /// The first query that finds a failed order reports status 4, all later ones 2.
    FlipAfterFailed = "flip_after_failed",
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .iter()
            .copied()
            .find(|fault| fault.word() == text)
            .ok_or_else(|| {
                let words: Vec<&str> = Self::ALL.iter().map(|fault| fault.word()).collect();
                format!("there is no such fault; use one of {}", words.join(", "))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_and_a_wrong_one_lists_them_all() {
        for fault in Fault::ALL {
            assert_eq!(fault.word().parse::<Fault>(), Ok(*fault));
        }
        let error = "unknwon".parse::<Fault>().unwrap_err();
        assert!(Fault::ALL.iter().all(|fault| error.contains(fault.word())));
    }
}
