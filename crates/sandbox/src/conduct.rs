//! What a fault means for a submit: whether it is booked, and in what manner it is answered.

use super::{dice, fault::Fault};

/// Whether an order comes into being.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Booking {
    Now,
    Later,
    Never,
}

/// In what way a submit is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// As it is.
    Truth,
    /// As it is, but very late.
    Slowly,
    /// As it is, after the callback.
    AfterCallback,
    /// As it is, but with a wrong platSign.
    BadSign,
    /// One rupiah more.
    WrongAmount,
    /// Another orderNum.
    WrongOrder,
    /// Half of it.
    Torn,
    /// `UNKNOWN`.
    Unknown,
    /// `FAIL`.
    Fail,
    /// An empty 500.
    Http500,
    /// A 307 to the same place.
    Redirect,
    /// Not JSON.
    Garbage,
    /// A page for people.
    Html,
    /// Never; the connection stays open.
    Silence,
    /// Never; the connection is closed.
    Cut,
}

/// The conduct of one submit.
pub(super) fn conduct(fault: Option<Fault>, seed: u64, order_num: &str) -> (Booking, Manner) {
    let Some(fault) = fault else {
        return (Booking::Now, Manner::Truth);
    };
    match fault {
        Fault::Unknown => (Booking::Now, Manner::Unknown),
        Fault::UnknownLost => (Booking::Never, Manner::Unknown),
        Fault::Lost if dice::coin(seed, order_num) => (Booking::Never, Manner::Unknown),
        Fault::Lost | Fault::Down => (Booking::Never, Manner::Cut),
        Fault::Slow => (Booking::Now, Manner::Slowly),
        Fault::Http500 => (Booking::Never, Manner::Http500),
        Fault::Http500Books => (Booking::Now, Manner::Http500),
        Fault::BadSign => (Booking::Now, Manner::BadSign),
        Fault::NoAnswerBefore => (Booking::Never, Manner::Silence),
        Fault::NoAnswerAfter => (Booking::Now, Manner::Silence),
        Fault::CutAfter => (Booking::Now, Manner::Cut),
        Fault::LateBooking => (Booking::Later, Manner::Silence),
        Fault::Fail => (Booking::Never, Manner::Fail),
        Fault::FailBusyBooks => (Booking::Now, Manner::Fail),
        Fault::Truncated => (Booking::Now, Manner::Torn),
        Fault::Garbage => (Booking::Now, Manner::Garbage),
        Fault::Html => (Booking::Now, Manner::Html),
        Fault::Redirect => (Booking::Never, Manner::Redirect),
        Fault::WrongAmount => (Booking::Now, Manner::WrongAmount),
        Fault::WrongOrder => (Booking::Now, Manner::WrongOrder),
        Fault::EarlyCallback => (Booking::Now, Manner::AfterCallback),
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
        | Fault::FlipAfterFailed => (Booking::Now, Manner::Truth),
    }
}
