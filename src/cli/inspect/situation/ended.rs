//! The situation of a payout that has ended, and whether its debt may be paid in another way.

use chrono::{DateTime, Utc};
use payout_store::find::{Status, history::Detail};

use super::{NO_DOUBT, Situation, because, replay};
use crate::cli::words;

impl Situation {
    pub(super) fn or_pay_again(mut self, how: String) -> Self {
        self.pay_again = Some(how);
        self
    }

    /// Says how to pay it again, or not to: where it rests on people's word or the gateway contradicts its end, a second
    /// payment may be one too many.
    pub(super) fn add_pay_again(&mut self, status: &Status, detail: &Detail) {
        let Some(how) = self.pay_again.take() else {
            return;
        };
        let is_contradicted = status.is_contradicted();
        if is_contradicted && self.unknown.starts_with(NO_DOUBT) {
            "How it ended: the gateway's answers contradict what is recorded."
                .clone_into(&mut self.unknown);
        }
        self.next = if is_contradicted || detail.rests_on_statement {
            format!("DO NOT PAY IT AGAIN. {}", self.next)
        } else {
            format!("{} {how}", self.next)
        };
    }
}

pub(super) fn cancelled(status: &Status) -> Situation {
    Situation::new(
        format!("It was withdrawn before it was sent{}.", because(status)),
        "Nothing is in doubt: no request ever left.",
        "Nothing. Its order number is never used again.",
    )
}

pub(super) fn returned(status: &Status, detail: &Detail) -> Situation {
    let (paid, returned) = (moment(status.paid_at), moment(status.settled_at));
    Situation::new(
        if detail.rests_on_statement || status.is_contradicted() {
            format!("It is recorded as returned{returned}{}.", because(status))
        } else {
            format!(
                "It was paid{paid}, and the money came back{returned}{}.",
                because(status)
            )
        },
        format!("{NO_DOUBT}."),
        "Nothing happens automatically.",
    )
    .or_pay_again("To pay it again, insert a new payout.".to_owned())
}

pub(super) fn paid(status: &Status, detail: &Detail) -> Situation {
    let when = moment(status.settled_at);
    // What rests on a person's word is said after it.
    let received = status
        .beneficiary_amount
        .filter(|_| !detail.rests_on_statement);
    let received = received.map_or(String::new(), |amount| {
        format!(" The beneficiary received {}.", words::rupiah(amount))
    });
    let unknown = match status.fee {
        Some(_) => format!("{NO_DOUBT}."),
        None if detail.held > 0 => format!(
            "The fee: {} stays held until the gateway states it.",
            words::rupiah(detail.held)
        ),
        None => "The fee.".to_owned(),
    };
    let next = match status.fee {
        Some(_) => "Nothing. A bank can still return the money days later.",
        None => "The fee is booked once the gateway states it.",
    };
    Situation::new(
        format!("It was settled as paid{when}.{received}"),
        unknown,
        next,
    )
    .with([replay(status)])
}

/// ` at 2026-11-21 08:02:03 WIB`; empty if there is none.
fn moment(at: Option<DateTime<Utc>>) -> String {
    at.map_or(String::new(), |at| format!(" at {} WIB", words::time(at)))
}

pub(super) fn failed(status: &Status, detail: &Detail) -> Situation {
    let recorded = if detail.rests_on_statement || status.is_contradicted() {
        "It is recorded as failed"
    } else {
        "It was not paid"
    };
    Situation::new(
        format!(
            "{recorded}{}. The money held for it is available again.",
            because(status)
        ),
        format!("{NO_DOUBT}, unless the gateway corrects itself."),
        "Nothing happens automatically.",
    )
    .or_pay_again(format!(
        "To pay it again, insert a new payout with replaces = '{}'.",
        status.order_num
    ))
    .with([replay(status)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::inspect::situation::tests::explained;

    #[test]
    fn what_may_have_been_paid_after_all_is_never_offered_to_be_paid_again() {
        let plain = explained("failed", |_, _| ());
        assert!(plain.next.contains("To pay it again"), "{plain:?}");
        for state in ["failed", "returned"] {
            let reasons = [
                "late_success",
                "contradiction",
                "foreign_order",
                "amount_mismatch",
            ];
            let marked = reasons.map(|reason| {
                explained(state, |status, _| {
                    reason.clone_into(&mut status.attention_reasons);
                })
            });
            let stated = explained(state, |_, detail| {
                detail.stated_by = Some("siti and budi".to_owned());
                detail.rests_on_statement = true;
            });
            for situation in marked.into_iter().chain([stated]) {
                let next = &situation.next;
                assert!(next.starts_with("DO NOT PAY IT AGAIN"), "{situation:?}");
                assert!(!next.contains("insert a new payout"), "{situation:?}");
                let unknown = &situation.unknown;
                assert!(!unknown.contains(NO_DOUBT), "{situation:?}");
                assert!(
                    !situation.known.contains("It was not paid"),
                    "{situation:?}"
                );
            }
        }
    }
}
