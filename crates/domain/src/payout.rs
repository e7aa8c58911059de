//! One payout: the caller's instruction, which never changes, and what is known about it.

use std::{collections::BTreeMap, fmt};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    attention::AttentionSet,
    finding::Finding,
    money::{FeeType, Rupiah},
    state::State,
};

/// Identifies one payout for ever: `order_num` is unique per merchant and never reused (I1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PayoutKey {
    /// The merchant's code at the gateway.
    pub merchant_code: String,
    /// The caller's order number, sent to the gateway as `orderNum`.
    pub order_num: String,
}

impl fmt::Display for PayoutKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.merchant_code, self.order_num)
    }
}

/// Personal data: an account number or a person's name.
///
/// Formatting always masks it. [`Private::reveal`] is the only way to the text, so a grep finds every place where it
/// leaves.
#[derive(Clone, PartialEq, Eq)]
pub struct Private(String);

impl Private {
    /// Wraps a text that must not be shown.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the gateway's request and for comparison with its answers.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Masks an account number except for its last four digits, and a name except for the first letter of each word.
impl fmt::Display for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = !self.0.is_empty() && self.0.bytes().all(|b| b.is_ascii_digit());
        if digits {
            let keep = if self.0.len() > 6 { 4 } else { 0 };
            let tail = self.0.len().saturating_sub(keep);
            return f.pad(&format!("****{}", self.0.get(tail..).unwrap_or_default()));
        }
        let words: Vec<String> = self
            .0
            .split_whitespace()
            .filter_map(|word| word.chars().next())
            .map(|first| format!("{first}***"))
            .collect();
        f.pad(&words.join(" "))
    }
}

impl fmt::Debug for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The caller's instruction. Frozen at insert (I1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// The payout.
    pub key: PayoutKey,
    /// The amount, at most [`super::policy::MAX_AMOUNT_IDR`].
    pub amount: Rupiah,
    /// Who pays the fee.
    pub fee_type: FeeType,
    /// The beneficiary's bank or wallet, digits (protocol P3).
    pub bank_code: String,
    /// The beneficiary's account, digits with leading zeros kept.
    pub account_number: Private,
    /// The beneficiary's name.
    pub account_name: Private,
    /// A text for the beneficiary, sent only if given.
    pub description: Option<String>,
}

/// How often one finding was observed since the current attempt began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observed {
    /// How many times.
    pub times: u32,
    /// When it was first observed.
    pub first_at: DateTime<Utc>,
    /// When it was last observed.
    pub last_at: DateTime<Utc>,
    /// When the query was sent by which it was last observed.
    pub last_sent_at: DateTime<Utc>,
}

/// A payout as stored, locked by the transaction that decides on it.
// Why: each is a separate fact.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payout {
    /// The caller's instruction.
    pub instruction: Instruction,
    /// The current state.
    pub state: State,
    /// The latest attempt; 0 before the first claim. Never reused (I4).
    pub attempt: i32,
    /// Claims committed so far.
    pub sends: i32,
    /// Committed claims that provably sent nothing.
    pub not_sent: i32,
    /// The SHA-256 of the latest attempt's request. It distinguishes a claim from a lost one with the same attempt
    /// number.
    pub request_sha256: Option<[u8; 32]>,
    /// The last moment at which the latest attempt could begin to send.
    pub send_by: Option<DateTime<Utc>>,
    /// The amount held for it.
    pub held: Rupiah,
    /// The merchant's reserve for a fee on top.
    pub fee_reserve: Rupiah,
    /// After commits were lost (I11): from when "not found" proves anything again.
    pub trusted_after: Option<DateTime<Utc>>,
    /// Whether a queued payout may have been sent by a claim that a failover lost.
    pub commits_may_be_lost: bool,
    /// The fee, if known.
    pub fee: Option<Rupiah>,
    /// The gateway's own order number, from a verified answer.
    pub platform_order_num: Option<String>,
    /// The gateway's own order number in a verified callback that reported the payment and in which all else is ours, while
    /// no answer has stated it.
    pub called_back: Option<String>,
    /// Why it failed, as the gateway put it.
    pub failure_reason: Option<String>,
    /// Why it needs a person; empty if it needs nobody.
    pub attention: AttentionSet,
    /// When a verified `FAIL` arrived; `None` if there was none or it proves nothing.
    pub declined_at: Option<DateTime<Utc>>,
    /// Whether a verified answer or a bound callback proved that the order at the gateway is this one.
    pub proven_ours: bool,
    /// For a failed payout: when the query was sent whose answer last confirmed the failure. `None` if none did since it
    /// failed, or if the gateway has reported something else since.
    pub reaffirmed_at: Option<DateTime<Utc>>,
    /// Its end rests on people's word alone: they resolved it, and the gateway has not confirmed that.
    pub by_statement: bool,
    /// Its fee rests on people's word: they stated it, and the gateway has stated no other one since.
    pub fee_by_statement: bool,
    /// When it became final.
    pub settled_at: Option<DateTime<Utc>>,
    /// Queries since the last send.
    pub queries: u32,
    /// When its status is queried next; `None` for never.
    pub next_query_at: Option<DateTime<Utc>>,
    /// Whether the next query looks once more at what has its end. It waits for all other queries.
    pub later_look: bool,
    /// When a queued payout may be claimed.
    pub due_at: DateTime<Utc>,
    /// Findings of queries since the current attempt began.
    pub observed: BTreeMap<Finding, Observed>,
}

impl Payout {
    /// How many requests may have been sent.
    pub fn sends_that_may_have_left(&self) -> i32 {
        self.sends.saturating_sub(self.not_sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn personal_data_is_masked_however_it_is_printed() {
        let number = Private::new("0012345678");
        let name = Private::new("Siti Rahayu");
        assert_eq!(format!("{number} {number:?}"), "****5678 ****5678");
        assert_eq!(format!("{name} {name:?}"), "S*** R*** S*** R***");
        assert_eq!(Private::new("123456").to_string(), "****");
    }
}
