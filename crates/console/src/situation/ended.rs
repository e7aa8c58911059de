//! The situation of a payout that has ended. Where that rests on people's word alone, or the gateway contradicts it, a second
//! payment may be one too many.

use payout_store::find::{Status, history::Detail};

use super::Situation;
use crate::{
    texts::Texts,
    words::{fill, rupiah},
};

/// Whether nobody but people says so, or the gateway says otherwise.
fn is_in_question(status: &Status, detail: &Detail) -> bool {
    detail.rests_on_statement || status.is_contradicted()
}

/// What is in doubt about an end that people stated, or that the gateway contradicts.
fn doubt(t: &'static Texts, status: &Status, detail: &Detail, stated: &str) -> Vec<String> {
    let contradicted = status.is_contradicted().then_some(t.doubt_contradicted);
    let stated = detail.rests_on_statement.then_some(stated);
    let doubts = stated.into_iter().chain(contradicted);
    doubts.map(str::to_owned).collect()
}

pub(super) fn paid(t: &'static Texts, status: &Status, detail: &Detail) -> Situation {
    let known = if is_in_question(status, detail) {
        t.know_recorded_paid
    } else {
        t.know_paid
    };
    let mut unknown = doubt(t, status, detail, t.doubt_stated_paid);
    let next = if status.fee.is_some() {
        t.next_nothing
    } else {
        unknown.push(if detail.held > 0 {
            fill(t.doubt_fee_held, &[&rupiah(detail.held)])
        } else {
            t.doubt_fee.to_owned()
        });
        t.next_fee
    };
    Situation {
        known: vec![known.to_owned()],
        unknown,
        next: vec![next.to_owned()],
    }
}

pub(super) fn failed(t: &'static Texts, status: &Status, detail: &Detail) -> Situation {
    let why = status.failure_reason.as_deref().unwrap_or("–");
    let known = if is_in_question(status, detail) {
        t.know_recorded_failed
    } else {
        t.know_failed
    };
    Situation {
        known: vec![fill(known, &[why])],
        unknown: doubt(t, status, detail, t.doubt_stated_failed),
        next: not_again(t, status, detail, t.next_failed),
    }
}

pub(super) fn returned(t: &'static Texts, status: &Status, detail: &Detail) -> Situation {
    let known = if is_in_question(status, detail) {
        t.know_recorded_returned
    } else {
        t.know_returned
    };
    Situation {
        known: vec![known.to_owned()],
        unknown: doubt(t, status, detail, t.doubt_stated_returned),
        next: not_again(t, status, detail, t.next_nothing),
    }
}

fn not_again(t: &'static Texts, status: &Status, detail: &Detail, next: &str) -> Vec<String> {
    let warning = is_in_question(status, detail).then_some(t.do_not_pay_again);
    let lines = warning.into_iter().chain([next]);
    lines.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    #[test]
    fn what_may_have_been_paid_after_all_is_never_said_to_be_beyond_doubt() {
        for language in [Language::English, Language::Indonesian] {
            let t = language.texts();
            for (end, known) in [
                (
                    paid as fn(&'static Texts, &Status, &Detail) -> Situation,
                    t.know_paid,
                ),
                (failed, "It failed"),
                (returned, t.know_returned),
            ] {
                let sure = end(
                    t,
                    &Status {
                        fee: Some(0),
                        ..Status::default()
                    },
                    &Detail::default(),
                );
                assert!(sure.unknown.is_empty(), "{sure:?}");
                let stated = Detail {
                    rests_on_statement: true,
                    ..Detail::default()
                };
                let contradicted = Status {
                    attention_reasons: "late_success".to_owned(),
                    fee: Some(0),
                    ..Status::default()
                };
                let plain = Status {
                    fee: Some(0),
                    ..Status::default()
                };
                for one in [
                    end(t, &plain, &stated),
                    end(t, &contradicted, &Detail::default()),
                ] {
                    assert!(!one.unknown.is_empty(), "{one:?}");
                    assert!(!one.known[0].starts_with(known), "{one:?}");
                    let warns = one.next[0] == t.do_not_pay_again;
                    assert_eq!(warns, known != t.know_paid, "{one:?}");
                }
            }
        }
    }

    #[test]
    fn a_fee_that_is_not_stated_is_in_doubt() {
        let t = Language::English.texts();
        let one = paid(t, &Status::default(), &Detail::default());
        assert_eq!(one.unknown, [t.doubt_fee]);
        assert_eq!(one.next, [t.next_fee]);
    }
}
