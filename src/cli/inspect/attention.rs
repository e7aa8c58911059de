//! What each reason for attention means, and what a person does about it.

use payout_domain::{attention::Attention, state::State};

/// Before anything was sent there is no status to query.
const NO_WORKER: &str = "check that a worker runs for this merchant";

/// What it means, in a sentence.
pub(crate) fn meaning(word: &str) -> String {
    let Ok(reason) = word.parse::<Attention>() else {
        return match word {
            "lease_over" => "Its lease has expired, and no worker has taken it over.",
            "unknown_long" => {
                "It has been unknown for too long: no answer says whether it arrived."
            }
            "open_long" => "It has been open for longer than a payout should be.",
            other => return format!("It is marked {other}."),
        }
        .to_owned();
    };
    match reason {
        Attention::InsufficientFunds => "The available balance does not cover it.",
        Attention::NotFound => {
            "The gateway has answered \"not found\" several times, late enough to count."
        }
        Attention::ForeignOrder => {
            "Perhaps another order: the gateway declined it and yet knows it, or gave it another payout's number."
        }
        Attention::Contradiction => "The gateway's answers about it contradict each other.",
        Attention::AmountMismatch => "The gateway states another amount than we sent.",
        Attention::FeeImplausible => {
            "The gateway states a fee that cannot be true, so the fee is unknown."
        }
        Attention::FeeAboveReserve => "The fee was higher than the reserve for it.",
        Attention::FeeUnknown => {
            "The gateway has never stated the fee, so what is held for it stays held."
        }
        Attention::UnreadableAnswers => {
            "The gateway's answers to its queries cannot be read or verified."
        }
        Attention::LateSuccess => "It was settled as failed, and later the gateway said paid.",
        Attention::OpenTooLong => "It has been open for longer than a payout should be.",
        Attention::Unproven => {
            "It may have been sent before a failover, and the gateway cannot tell: it was set aside."
        }
    }
    .to_owned()
}

/// What a person can safely do.
pub(crate) fn safe_step(word: &str, state: &str) -> &'static str {
    let is_queued = state == State::Queued.name();
    let Ok(reason) = word.parse::<Attention>() else {
        return if is_queued || word == "lease_over" {
            NO_WORKER
        } else {
            "replay"
        };
    };
    match reason {
        Attention::InsufficientFunds => "top up, or cancel",
        Attention::NotFound => "replay, then resubmit",
        Attention::ForeignOrder | Attention::Contradiction | Attention::LateSuccess => {
            "contact the gateway, then resolve; do not pay again"
        }
        Attention::AmountMismatch | Attention::FeeImplausible => "contact the gateway",
        Attention::UnreadableAnswers => {
            "see the latest evidence, then contact the gateway; do not pay again"
        }
        Attention::FeeAboveReserve => "raise fee_reserve",
        Attention::FeeUnknown => "find the fee on the gateway's statement, then resolve as fee",
        Attention::OpenTooLong if is_queued => NO_WORKER,
        Attention::OpenTooLong => "replay",
        Attention::Unproven => "contact the gateway, then cancel; do not pay again before that",
    }
}
