//! What we know about a payout, what we don't, and what happens next, in the reader's language.

mod ended;

use chrono::Utc;
use payout_domain::{attention::Attention, payout::PayoutKey, state::State};
use payout_store::{
    decisions::{self, Proof},
    find::{
        Status,
        history::Detail,
        waits::{self, OpenRequest, PausedBy, Reservation},
    },
    workers::{self, Claims},
};
use sqlx::PgConnection;

use super::{
    texts::Texts,
    words::{fill, rupiah, time},
};

/// Three answers, a sentence or more each.
#[derive(Debug, Default)]
pub(super) struct Situation {
    pub(super) known: Vec<String>,
    pub(super) unknown: Vec<String>,
    pub(super) next: Vec<String>,
}

/// What holds a payout back, and what speaks for and against a resubmit.
pub(super) struct Around {
    pub(super) proof: Option<Proof>,
    pub(super) request: Option<OpenRequest>,
    pauses: Vec<PausedBy>,
    reservation: Option<Reservation>,
    claims: Vec<Claims>,
}

impl Around {
    /// Reads it.
    pub(super) async fn read(
        db: &mut PgConnection,
        key: &PayoutKey,
        status: &Status,
    ) -> Result<Self, sqlx::Error> {
        let is = |state: State| status.state == state.name();
        let (is_queued, is_unknown) = (is(State::Queued), is(State::Unknown));
        Ok(Self {
            proof: if is_unknown {
                Some(decisions::resubmit_proof(db, key).await?)
            } else {
                None
            },
            request: waits::open_request(db, key).await?,
            pauses: if is_queued {
                waits::pauses_over(db, key).await?
            } else {
                Vec::new()
            },
            reservation: if is_queued {
                waits::reservation(db, key).await?
            } else {
                None
            },
            claims: workers::claims(db, Some(&key.merchant_code)).await?,
        })
    }
}

/// Explains it.
pub(super) fn explain(
    t: &'static Texts,
    status: &Status,
    detail: &Detail,
    around: &Around,
) -> Situation {
    let mut situation = match status.state.parse::<State>() {
        Ok(State::Queued) => queued(t, status, detail, around),
        Ok(State::Submitting) => submitting(t, detail, around),
        Ok(State::Pending) => pending(t, detail),
        Ok(State::Unknown) => unknown(t, detail, around),
        Ok(State::Paid) => ended::paid(t, status, detail),
        Ok(State::Failed) => ended::failed(t, status, detail),
        Ok(State::Cancelled) => settled(t.know_cancelled.to_owned(), t.next_nothing),
        Ok(State::Returned) => ended::returned(t, status, detail),
        Err(_) => settled(fill(t.unknown_state, &[&status.state]), t.wrong_schema),
    };
    if situation.unknown.is_empty() {
        situation.unknown.push(t.doubt_none.to_owned());
    }
    situation.add_statement(t, detail);
    situation.add_attention(t, status, around.request.is_some());
    situation.add_request(t, around.request.as_ref());
    situation
}

fn settled(known: String, next: &str) -> Situation {
    Situation {
        known: vec![known],
        unknown: Vec::new(),
        next: vec![next.to_owned()],
    }
}

fn queued(t: &'static Texts, status: &Status, detail: &Detail, around: &Around) -> Situation {
    let next = if detail.parked {
        t.next_parked.to_owned()
    } else if detail.due_at > Utc::now() {
        fill(t.next_due, &[&time(detail.due_at)])
    } else {
        t.next_queued.to_owned()
    };
    let mut situation = settled(t.know_queued.to_owned(), &next);
    for pause in &around.pauses {
        let words = fill(t.paused_by, &[&pause.actor, &pause.reason]);
        situation.next.push(words);
    }
    let other = around.reservation.as_ref();
    if let Some(other) = other.filter(|other| other.order_num != status.order_num) {
        situation
            .next
            .push(fill(t.reserved_for, &[&other.order_num]));
    }
    situation.next.extend(detail.why_not_again.clone());
    situation.add_stops(t, around);
    situation
}

fn submitting(t: &'static Texts, detail: &Detail, around: &Around) -> Situation {
    let until = detail.lease_until.map_or("–".to_owned(), time);
    let mut situation = Situation {
        known: vec![t.know_submitting.to_owned()],
        unknown: vec![t.doubt_submitting.to_owned()],
        next: vec![fill(t.next_submitting, &[&until])],
    };
    situation.add_stops(t, around);
    situation
}

fn pending(t: &'static Texts, detail: &Detail) -> Situation {
    let mut situation = Situation {
        known: vec![t.know_pending.to_owned()],
        unknown: vec![t.doubt_pending.to_owned()],
        next: vec![t.next_pending.to_owned()],
    };
    situation.add_query(t, detail);
    situation
}

fn unknown(t: &'static Texts, detail: &Detail, around: &Around) -> Situation {
    let sent = t.how_often(detail.sends.saturating_sub(detail.not_sent));
    let queries = t.how_often(detail.queries);
    let held = rupiah(detail.held);
    let mut situation = Situation {
        known: vec![fill(t.know_unknown, &[&sent, &queries, &held])],
        unknown: vec![t.doubt_unknown.to_owned()],
        next: vec![t.next_unknown.to_owned()],
    };
    situation.add_query(t, detail);
    let possible = around.request.is_none().then_some(t.resubmit_possible);
    situation
        .next
        .extend(around.proof.as_ref().and_then(|proof| {
            let refused = proof.refusal.as_ref();
            let refused = refused.map(|why| fill(t.resubmit_refused, &[why]));
            refused.or(possible.map(str::to_owned))
        }));
    situation
}

impl Situation {
    fn add_query(&mut self, t: &'static Texts, detail: &Detail) {
        let at = detail.next_query_at;
        self.next
            .extend(at.map(|at| fill(t.next_query, &[&time(at)])));
    }

    /// Why nothing is sent for its merchant.
    fn add_stops(&mut self, t: &'static Texts, around: &Around) {
        for claims in &around.claims {
            if let Some(stopped_by) = &claims.stopped_by {
                let why = t.stop(stopped_by);
                self.next
                    .push(fill(t.is_not_sent, &[&claims.merchant_code, why]));
            }
        }
    }

    fn add_statement(&mut self, t: &'static Texts, detail: &Detail) {
        let Some(people) = &detail.stated_by else {
            return;
        };
        self.known.push(fill(t.know_stated, &[&t.people(people)]));
        if detail.rests_on_statement {
            self.known.push(t.rests_on_statement.to_owned());
        }
    }

    /// Every reason for attention, gravest first, and what a person can safely do about each. A second request would be
    /// refused while one waits.
    fn add_attention(&mut self, t: &'static Texts, status: &Status, is_requested: bool) {
        let to_request = t.step(Attention::NotFound.name(), &status.state);
        for reason in status.attention_reasons.split_whitespace() {
            self.known.push(t.attention(reason).to_owned());
            let step = t.step(reason, &status.state);
            let words = fill(t.next_person, &[step]);
            let is_waited_for = is_requested && step == to_request;
            if !is_waited_for && !self.next.contains(&words) {
                self.next.push(words);
            }
        }
    }

    fn add_request(&mut self, t: &'static Texts, request: Option<&OpenRequest>) {
        self.next.extend(request.map(|request| {
            let (id, kind) = (request.request_id.to_string(), t.act(&request.kind));
            if request.approved {
                fill(t.request_approved, &[&id, kind])
            } else {
                fill(t.request_waits, &[&id, kind, &request.requested_by])
            }
        }));
    }
}
