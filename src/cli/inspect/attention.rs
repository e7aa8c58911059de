//! What each reason for attention means, and what a person does about it.

use crate::domain::{attention::Attention, state::State};

/// There is nothing to ask the gateway for before something was sent.
const NO_WORKER: &str = "see that a worker runs for this merchant";

/// What it means, in a sentence.
pub(crate) fn meaning(word: &str) -> String {
    let Ok(reason) = word.parse::<Attention>() else {
        return match word {
            "lease_over" => "Its lease is over and no worker has taken note.",
            "unknown_long" => "No answer has said for long whether it arrived.",
            "open_long" => "It has been open for longer than a payout should be.",
            other => return format!("It was marked: {other}."),
        }
        .to_owned();
    };
    match reason {
        Attention::InsufficientFunds => "The available balance does not cover it.",
        Attention::NotFound => {
            "The gateway has said several times, late enough to count, that it does not know it."
        }
        Attention::ForeignOrder => {
            "The gateway declined it and yet knows this number: perhaps another system used it before."
        }
        Attention::Contradiction => "The gateway has said opposite things about it.",
        Attention::AmountMismatch => "The gateway states another amount than was asked for.",
        Attention::FeeMismatch => "The gateway states a fee that cannot be.",
        Attention::FeeAboveReserve => "The fee was higher than what was reserved for it.",
        Attention::LateSuccess => "It was settled as failed, and then the gateway said paid.",
        Attention::OpenTooLong => "It has been open for longer than a payout should be.",
        Attention::Unproven => {
            "It may have been sent before a failover, and the gateway cannot say: it was set aside."
        }
    }
    .to_owned()
}

/// What a person can do that is safe.
pub(crate) fn safe_step(word: &str, state: &str) -> &'static str {
    let is_queued = state == State::Queued.name();
    let Ok(reason) = word.parse::<Attention>() else {
        return match word {
            "lease_over" => NO_WORKER,
            _ if is_queued => NO_WORKER,
            _ => "replay",
        };
    };
    match reason {
        Attention::InsufficientFunds => "fund, or cancel",
        Attention::NotFound => "replay, then resubmit",
        Attention::ForeignOrder | Attention::Contradiction | Attention::LateSuccess => {
            "ask the gateway, then resolve; do not pay again"
        }
        Attention::AmountMismatch | Attention::FeeMismatch => "ask the gateway",
        Attention::FeeAboveReserve => "raise fee_reserve",
        Attention::OpenTooLong if is_queued => NO_WORKER,
        Attention::OpenTooLong => "replay",
        Attention::Unproven => "ask the gateway, then cancel; do not pay again before",
    }
}
