//! Decides what one piece of evidence does to one payout. Pure, so every rule can be read and tested alone.

mod callback;
mod queried;
mod resolved;
mod submitted;
#[cfg(test)]
mod tests;
mod unreadable;

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    attention::Attention,
    evidence::{Evidence, Fact},
    finding::Finding,
    ledger::{Entry, Position},
    money::Rupiah,
    payout::{Instruction, Payout},
    schedule::{self, PollRules},
    state::{Event, Posting, step},
};

/// How long after it is settled a final payout is queried again. A late reversal must reach a person.
const RECHECKS: [TimeDelta; 3] = [TimeDelta::hours(1), TimeDelta::days(1), TimeDelta::days(3)];

/// What a decision depends on besides the payout and the evidence.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// When to query.
    pub poll: PollRules,
    /// Whether a bound callback that reports a payment settles it (`deploy/payout.toml`, `[callback] settle`).
    pub callbacks_settle: bool,
}

/// A history row that is not a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// Evidence contradicts what is settled or recorded (I5).
    Contradicted,
    /// The fee became known or changed after the payout was paid.
    FeeCorrected,
    /// The gateway confirms the end that people stated.
    StatementConfirmed,
    /// The payout needs a person from now on.
    AttentionRaised(Attention),
}

impl Note {
    /// The stable name, as in `payout.events`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contradicted => "contradicted",
            Self::FeeCorrected => "fee_corrected",
            Self::StatementConfirmed => "statement_confirmed",
            Self::AttentionRaised(_) => "attention_raised",
        }
    }
}

/// A ledger entry and the reason it is booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Booking {
    /// The `kind` column: a posting of the transition table, or `fee_known`, `fee_corrected`.
    pub kind: &'static str,
    /// The balanced amounts.
    pub entry: Entry,
}

/// The outcome: the payout afterwards, and what must be written with it.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The payout afterwards.
    pub after: Payout,
    /// What the evidence says about this payout. Equal findings are counted together.
    pub finding: Finding,
    /// The move, if any.
    pub event: Option<Event>,
    /// The ledger entry, if any.
    pub booking: Option<Booking>,
    /// Further history rows.
    pub notes: Vec<Note>,
}

/// One moment on the two clocks that date evidence, the database's and this process's, read together.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// The database's clock.
    pub utc: DateTime<Utc>,
    /// The process's clock.
    pub instant: Instant,
}

impl Now {
    /// The time on the database's clock at `instant`; never later than now.
    pub fn utc_at(&self, instant: Instant) -> DateTime<Utc> {
        let ago = self.instant.saturating_duration_since(instant);
        self.utc.checked_sub_signed(delta(ago)).unwrap_or(self.utc)
    }
}

/// Decides what `evidence` changes. Total: if it changes nothing, so does the decision.
pub fn decide(before: &Payout, evidence: &Evidence, rules: &Rules, now: Now) -> Decision {
    let mut draft = Draft {
        rules,
        now: now.utc,
        out: Decision {
            after: before.clone(),
            finding: evidence.fact.finding(),
            event: None,
            booking: None,
            notes: Vec::new(),
        },
    };
    match &evidence.fact {
        Fact::NotSent {
            attempt,
            request_sha256,
        } => draft.not_sent(*attempt, request_sha256),
        Fact::Submitted {
            request_sha256,
            answer,
            ..
        } => draft.submitted(answer, request_sha256),
        Fact::LeaseExpired { attempt } => draft.lease_expired(*attempt),
        Fact::Queried { answer, sent_at } => draft.queried(answer, now.utc_at(*sent_at)),
        Fact::Callback(callback) => draft.callback(callback),
        Fact::Resolved(resolution) => draft.resolved(*resolution),
    }
    draft.out
}

/// The decision while it is being made.
struct Draft<'a> {
    rules: &'a Rules,
    now: DateTime<Utc>,
    out: Decision,
}

impl Draft<'_> {
    fn payout(&mut self) -> &mut Payout {
        &mut self.out.after
    }

    /// Makes the move that the table has for `event`, books its posting and clears the attention that it answers. Returns
    /// false, with nothing changed, if the table has no such move or the money cannot be computed.
    fn move_by(&mut self, event: Event, fee: Option<Rupiah>) -> bool {
        self.move_with(event, |payout, posting| booking(payout, posting, fee))
    }

    /// Like [`Self::move_by`], with the entry that `booking` computes.
    fn move_with(
        &mut self,
        event: Event,
        booking: impl FnOnce(&Payout, Posting) -> Result<Option<Booking>, NotComputable>,
    ) -> bool {
        let before = &self.out.after;
        let Some((to, posting)) = step(before.state, event) else {
            return false;
        };
        let Ok(booking) = booking(before, posting) else {
            return false;
        };
        let now = self.now;
        let payout = self.payout();
        payout.state = to;
        payout.by_statement = matches!(event, Event::ResolvedPaid | Event::ResolvedFailed)
            || event == Event::ResolvedReturned && payout.by_statement;
        payout.attention = payout.attention.after(event);
        if to.is_final() {
            payout.settled_at = Some(now);
        }
        if let Some(held) = booking.and_then(|b| payout.held.plus(b.entry.held)) {
            payout.held = held;
        }
        self.out.booking = booking;
        self.out.event = Some(event);
        true
    }

    fn raise(&mut self, reason: Attention) {
        let reasons = self.out.after.attention;
        if !reasons.contains(reason) {
            self.payout().attention = reasons.with(reason);
            self.out.notes.push(Note::AttentionRaised(reason));
        }
    }

    fn contradict(&mut self, reason: Attention) {
        if !self.out.after.attention.contains(reason) {
            self.out.notes.push(Note::Contradicted);
        }
        self.raise(reason);
    }

    fn clear(&mut self, reason: Attention) {
        let payout = self.payout();
        payout.attention = payout.attention.without(reason);
    }

    /// Like [`Self::contradict`], if this payout's end rests on people's word alone.
    fn contradict_statement(&mut self) {
        if self.out.after.by_statement {
            self.contradict(Attention::Contradiction);
        }
    }

    /// The gateway itself reports the end that people stated.
    fn confirm_statement(&mut self) {
        if self.out.after.by_statement {
            self.payout().by_statement = false;
            self.out.notes.push(Note::StatementConfirmed);
        }
    }

    /// A verified answer or a bound callback proves that the order at the gateway is this one.
    fn prove_ours(&mut self) {
        self.payout().proven_ours = true;
        self.clear(Attention::ForeignOrder);
    }

    /// Whether this fee may be booked.
    fn is_plausible(&self, fee: Rupiah) -> bool {
        let payout = &self.out.after;
        let Instruction {
            fee_type, amount, ..
        } = payout.instruction;
        fee_type.is_plausible_fee(amount, fee, payout.fee_reserve)
    }

    /// Whether a stated fee may be booked. One that cannot be true needs a person until a plausible one is stated.
    fn judge_fee(&mut self, stated: Rupiah) -> bool {
        let plausible = self.is_plausible(stated);
        if plausible {
            self.clear(Attention::FeeImplausible);
        } else {
            self.raise(Attention::FeeImplausible);
        }
        plausible
    }

    /// Keeps a fee that is announced before the end (protocol P23).
    fn announce_fee(&mut self, stated: Option<Rupiah>) {
        if let Some(stated) = stated
            && self.judge_fee(stated)
        {
            self.payout().fee = Some(stated);
        }
    }

    /// Settles as paid, with the fee that the terminal evidence states or else the fee announced before (P23). The payout
    /// is paid whatever the fee says: one that cannot be true stays unknown.
    fn pay(&mut self, stated_fee: Option<Rupiah>) {
        self.pay_by(Event::ReportedPaid, stated_fee);
    }

    /// Like [`Self::pay`], by another event.
    fn pay_by(&mut self, event: Event, stated_fee: Option<Rupiah>) {
        let fee = match stated_fee {
            Some(stated) => Some(stated).filter(|fee| self.is_plausible(*fee)),
            None => self.out.after.fee,
        };
        if !self.move_by(event, fee) {
            return;
        }
        self.payout().fee = fee;
        if let Some(stated) = stated_fee {
            self.judge_fee(stated);
        }
        let overspent = self
            .out
            .booking
            .is_some_and(|b| b.kind == Posting::Capture.name() && b.entry.available < Rupiah::ZERO);
        if overspent {
            self.raise(Attention::FeeAboveReserve);
        }
        self.query_when_final();
    }

    /// Settles as failed.
    fn fail(&mut self, event: Event, reason: Option<String>) {
        if self.move_by(event, None) {
            let payout = self.payout();
            payout.failure_reason = reason.or_else(|| payout.failure_reason.take());
            self.query_when_final();
        }
    }

    fn query_at(&mut self, at: DateTime<Utc>) {
        let payout = self.payout();
        payout.next_query_at = Some(at);
        payout.later_look = false;
    }

    /// When the next query is scheduled, at the latest at this time.
    fn query_by(&mut self, latest: DateTime<Utc>) {
        let scheduled = self.out.after.next_query_at.unwrap_or(latest);
        self.query_at(scheduled.min(latest));
    }

    fn query_in(&mut self, pause: std::time::Duration) {
        self.query_at(self.later_by(pause));
    }

    fn later_by(&self, pause: std::time::Duration) -> DateTime<Utc> {
        self.now
            .checked_add_signed(delta(pause))
            .unwrap_or(self.now)
    }

    /// Schedules the next query of an open payout, with exponential backoff.
    fn query_by_schedule(&mut self) {
        let spread = spread(&self.out.after.instruction.key.order_num);
        let pause = schedule::pause(&self.rules.poll, self.out.after.queries, spread);
        self.query_in(pause);
    }

    /// The same, unless a query is due earlier.
    fn query_by_schedule_or_sooner(&mut self) {
        self.or_sooner(Self::query_by_schedule);
    }

    /// Schedules a query, unless one is due earlier: a callback that came before the answer to the submit calls for one at
    /// once.
    fn or_sooner(&mut self, schedule: impl FnOnce(&mut Self)) {
        let due = self.out.after.next_query_at;
        schedule(self);
        if let Some(due) = due {
            self.query_by(due);
        }
    }

    fn query_when_final(&mut self) {
        let Some(settled_at) = self.out.after.settled_at else {
            return;
        };
        let now = self.now;
        let payout = self.payout();
        payout.next_query_at = RECHECKS
            .iter()
            .filter_map(|after| settled_at.checked_add_signed(*after))
            .find(|at| *at > now);
        payout.later_look = true;
    }
}

/// The money of a move cannot be computed, so the move is not made.
struct NotComputable;

/// Computes the entry for a move's posting, if it has one.
fn booking(
    payout: &Payout,
    posting: Posting,
    fee: Option<Rupiah>,
) -> Result<Option<Booking>, NotComputable> {
    let position = Position {
        amount: payout.instruction.amount,
        fee_type: payout.instruction.fee_type,
        held: payout.held,
    };
    let entry = match posting {
        Posting::None => return Ok(None),
        Posting::Release => Entry::release(payout.held),
        Posting::Capture => Entry::capture(position, fee),
        Posting::LateCapture => Entry::late_capture(position, fee),
        // For a payout found after lost commits. A claim books its own hold, where the balance is locked.
        Posting::Hold => payout
            .instruction
            .fee_type
            .hold(position.amount, payout.fee_reserve)
            .and_then(Entry::hold),
        // A return states its own amount; see `resolved_returned`.
        Posting::Return => None,
    };
    let kind = posting.name();
    entry
        .map(|entry| Some(Booking { kind, entry }))
        .ok_or(NotComputable)
}

fn delta(pause: std::time::Duration) -> TimeDelta {
    TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX)
}

/// FNV-1a: a stable number per order, so that many payouts do not query in step.
fn spread(order_num: &str) -> u64 {
    order_num.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
