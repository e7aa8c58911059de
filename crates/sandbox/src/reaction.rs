//! How a fault affects a submit: whether it is booked, and how it is answered.

use super::{chance, fault::Fault};

/// Whether a submit becomes an order, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Booking {
    Now,
    Later,
    Never,
}

/// How a submit is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// Honestly.
    Honest,
    /// Honestly, but very late.
    Slow,
    /// Honestly, after the callback.
    AfterCallback,
    /// The honest answer with a wrong platSign.
    BadSign,
    /// The honest answer with one rupiah more.
    WrongAmount,
    /// The honest answer with another orderNum.
    WrongOrder,
    /// Half of the honest answer.
    Torn,
    /// `UNKNOWN`.
    Unknown,
    /// `FAIL`.
    Fail,
    /// An empty HTTP 500.
    Http500,
    /// A redirect (307) to the same address.
    Redirect,
    /// Not JSON.
    Garbage,
    /// A page for people.
    Html,
    /// No answer; the connection stays open.
    Silence,
    /// No answer; the connection is closed.
    Cut,
}

/// How a fault treats one submit.
pub(super) fn reaction_to(fault: Option<Fault>, seed: u64, order_num: &str) -> (Booking, Reply) {
    let Some(fault) = fault else {
        return (Booking::Now, Reply::Honest);
    };
    match fault {
        Fault::Unknown => (Booking::Now, Reply::Unknown),
        Fault::UnknownLost => (Booking::Never, Reply::Unknown),
        Fault::Lost if chance::coin(seed, order_num) => (Booking::Never, Reply::Unknown),
        Fault::Lost | Fault::Down => (Booking::Never, Reply::Cut),
        Fault::Slow => (Booking::Now, Reply::Slow),
        Fault::Http500 => (Booking::Never, Reply::Http500),
        Fault::Http500Books => (Booking::Now, Reply::Http500),
        Fault::BadSign => (Booking::Now, Reply::BadSign),
        Fault::NoAnswerBefore => (Booking::Never, Reply::Silence),
        Fault::NoAnswerAfter => (Booking::Now, Reply::Silence),
        Fault::CutAfter => (Booking::Now, Reply::Cut),
        Fault::LateBooking => (Booking::Later, Reply::Silence),
        Fault::Fail => (Booking::Never, Reply::Fail),
        Fault::FailBusyBooks => (Booking::Now, Reply::Fail),
        Fault::Truncated => (Booking::Now, Reply::Torn),
        Fault::Garbage => (Booking::Now, Reply::Garbage),
        Fault::Html => (Booking::Now, Reply::Html),
        Fault::Redirect => (Booking::Never, Reply::Redirect),
        Fault::WrongAmount => (Booking::Now, Reply::WrongAmount),
        Fault::WrongOrder => (Booking::Now, Reply::WrongOrder),
        Fault::EarlyCallback => (Booking::Now, Reply::AfterCallback),
        Fault::DuplicateCallbacks
        | Fault::LateCallback
        | Fault::NoCallbacks
        | Fault::ForgedCallback
        | Fault::BadCallbackAmount
        | Fault::FalseFailureCallback
        | Fault::ForeignCallback
        | Fault::ProgressCallbacks
        | Fault::RawPlus
        | Fault::QueryUnknown
        | Fault::QueryNotFound
        | Fault::QueryHttp500
        | Fault::QuerySlow
        | Fault::QueryBadSign
        | Fault::QueryWrongAmount
        | Fault::FlipAfterPaid
        | Fault::FlipAfterFailed => (Booking::Now, Reply::Honest),
    }
}
