//! Form tokens: each lets one act happen once, and shows what happened whenever it comes again.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use base16ct::lower::encode_string;
use rand::RngExt;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

/// Forms of one session that can be sent; the oldest is forgotten.
const FORMS_MAX: usize = 256;

/// Something that was done, or was recorded and waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Done {
    /// A sentence or more.
    pub(super) said: String,
    /// Whether nothing is done before somebody else approves.
    pub(super) waits: bool,
}

impl Done {
    /// A request that somebody else must approve.
    pub(super) const fn waits(said: String) -> Self {
        Self { said, waits: true }
    }
}

impl From<String> for Done {
    fn from(said: String) -> Self {
        Self { said, waits: false }
    }
}

/// What became of an act, as the person reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// What was done or recorded.
    pub(super) done: Vec<Done>,
    /// Of an act on several payouts: for how many of them.
    pub(super) payouts_done: usize,
    /// What was not done, or perhaps not.
    pub(super) not_done: Vec<NotDone>,
    /// Where to go next.
    pub(super) next: String,
}

impl Outcome {
    /// One thing that was done, or not.
    pub(super) fn one(result: Result<impl Into<Done>, NotDone>) -> Self {
        let (done, not_done) = match result {
            Ok(done) => (vec![done.into()], Vec::new()),
            Err(why) => (Vec::new(), vec![why]),
        };
        Self {
            payouts_done: done.len(),
            done,
            not_done,
            next: String::new(),
        }
    }
}

/// Why something was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The database refused it.
    Refused,
    /// The database did not answer: it may or may not be done.
    Unsure,
    /// It was not tried, because something before it got no answer.
    NotTried,
}

/// Something that was not done, or perhaps not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NotDone {
    /// The payout, as forms name it; empty if the act is about none.
    pub(super) payout: String,
    /// Its order number.
    pub(super) order_num: String,
    pub(super) kind: Why,
    /// Why, in the person's language.
    pub(super) why: String,
    /// What the database said, in English; may be empty.
    pub(super) said: String,
}

impl NotDone {
    /// About no payout in particular.
    pub(super) fn new(kind: Why, why: &str) -> Self {
        Self {
            payout: String::new(),
            order_num: String::new(),
            kind,
            why: why.to_owned(),
            said: String::new(),
        }
    }

    /// The same, about this payout.
    pub(super) fn about(self, payout: String, order_num: &str) -> Self {
        Self {
            payout,
            order_num: order_num.to_owned(),
            ..self
        }
    }
}

/// An act that happens at most once.
pub(super) type Once = Arc<OnceCell<Outcome>>;

struct Form {
    token: [u8; 32],
    /// The act and all that it is about.
    purpose: String,
    outcome: Once,
}

/// The forms that one session was shown. Only hashes of their tokens are kept.
#[derive(Default)]
pub(super) struct Forms(Mutex<VecDeque<Form>>);

impl Forms {
    /// A token for one form, good for one act.
    pub(super) fn issue(&self, purpose: &str) -> String {
        let token = random();
        let mut forms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if forms.len() >= FORMS_MAX {
            forms.pop_front();
        }
        forms.push_back(Form {
            token: hash(&token),
            purpose: purpose.to_owned(),
            outcome: Once::default(),
        });
        token
    }

    /// The act of this token, if it was issued to this session for this purpose.
    pub(super) fn find(&self, token: &str, purpose: &str) -> Option<Once> {
        let token = hash(token);
        let forms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let form = forms
            .iter()
            .find(|form| form.token == token && form.purpose == purpose)?;
        Some(Arc::clone(&form.outcome))
    }
}

/// 256 random bits in hex.
pub(super) fn random() -> String {
    encode_string(&rand::rng().random::<[u8; 32]>())
}

/// What is kept of a secret: a thief of the memory's copy cannot use it.
pub(super) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_purpose_alone_and_a_forgotten_one_for_nothing() {
        let forms = Forms::default();
        let token = forms.issue("cancel M/INV-1");
        assert_eq!(token.len(), 64);
        assert!(forms.find(&token, "cancel M/INV-1").is_some());
        assert!(forms.find(&token, "cancel M/INV-2").is_none());
        assert!(forms.find(&random(), "cancel M/INV-1").is_none());
        for _ in 0..FORMS_MAX {
            forms.issue("replay M/INV-1");
        }
        assert!(forms.find(&token, "cancel M/INV-1").is_none());
    }
}
