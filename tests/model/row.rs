//! A payout's row in a few bytes, with the production rules applied to it.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use payout_domain::{
    attention::AttentionSet,
    callback::Callback,
    decide::{Now, Rules, decide},
    evidence::{
        Doubt, Evidence, Fact, Found, GatewayStatus, QueryAnswer, Resolution, SubmitAnswer,
    },
    evidence_words::Proves,
    finding::Finding,
    money::{FeeType, Rupiah},
    payout::{Instruction, Observed, Payout, PayoutKey, Private},
    schedule::PollRules,
    state::{Event, Posting, State, step},
};

use crate::people::People;

/// The quiet horizon in ticks: for how long after the send-by time "not found" means nothing.
pub(crate) const HORIZON: u8 = 1;

/// A tick is longer than every pause in the rules except the quiet horizon, which is one tick.
const TICK: TimeDelta = TimeDelta::hours(1);
const AMOUNT: i64 = 100_000;
/// The reserve for the fee, and the unit in which a row counts its hold.
const RESERVE: i64 = 10_000;
const FEE: i64 = 5_000;
const PLATFORM_ORDER_NUM: &str = "W1";

const RULES: Rules = Rules {
    poll: PollRules {
        first_after: Duration::from_secs(5),
        max_interval: Duration::from_hours(6),
        quiet_horizon: Duration::from_hours(HORIZON as u64),
        decline_confirm: Duration::ZERO,
    },
    callbacks_settle: true,
};

/// The status of an order, according to the gateway or to someone who poses as it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum OrderStatus {
    Open,
    Paid,
    Failed,
}

/// A fact in the model's terms, with the attempt where production stores one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Observation {
    /// With the hash of the request that was not sent.
    NotSent {
        attempt: u8,
        request_sha256: u8,
    },
    Acknowledged(u8),
    Declined(u8),
    Doubt(u8),
    /// The answer gives the payout a number of the gateway that another payout has.
    AcknowledgedAsOther(u8),
    LeaseExpired(u8),
    NotFound {
        query_sent_at: u8,
        /// It was stored before, by a commit that was not confirmed.
        again: bool,
    },
    Found(OrderStatus),
    /// The same, in answer to a query.
    FoundAsOther,
    Callback {
        ours: bool,
        says: OrderStatus,
    },
    ResolvedPaid,
    ResolvedFailed,
    ResolvedReturned,
}

impl Observation {
    /// A fresh answer to a query.
    pub(crate) fn answer(answer: Option<OrderStatus>, query_sent_at: u8) -> Self {
        let not_found = Self::NotFound {
            query_sent_at,
            again: false,
        };
        answer.map_or(not_found, Self::Found)
    }
}

/// What the "not found" answers prove that are counted now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Proof {
    /// None was counted.
    #[default]
    Nothing,
    /// That the order never arrived, for answers to queries sent from this tick on; 0 for any time.
    Absence(u8),
    /// That the gateway contradicts what it said before.
    Contradiction,
}

/// How many times "not found" was observed in this attempt, when first and when last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Count {
    pub(crate) times: u8,
    pub(crate) first: u8,
    pub(crate) last: u8,
    /// What it proves, and from when on: answers that differ in this are not counted together.
    pub(crate) proof: Proof,
}

/// `payout.failover` of the database that has the row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Fence {
    /// A failover was found and is not accepted: nothing is claimed.
    pub(crate) shut: bool,
    /// From when on "not found" proves that nothing is under way; 0 before the first failover.
    pub(crate) trusted_after: u8,
    /// After an acceptance: each payout is queried before its first claim.
    pub(crate) query_first: bool,
}

/// The ledger's entries for this payout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Books {
    pub(crate) holds: u8,
    pub(crate) settled: u8,
    pub(crate) late: u8,
}

/// What a request is for. An approval is valid for one tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Request {
    Resubmit,
    ResolveFailed,
    ResolvePaid,
    ResolveReturned,
    ResolveUnchanged,
    Cancel,
}

/// A row of `payout.payouts` with what else the rules read. Times are ticks; 0 is never.
// Why: the table has these columns.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    pub(crate) state: State,
    pub(crate) attempt: u8,
    pub(crate) sends: u8,
    pub(crate) not_sent: u8,
    pub(crate) resubmits: u8,
    pub(crate) send_by: u8,
    /// Stands for the hash of the latest request; 0 for none.
    pub(crate) request_sha256: u8,
    /// In units of the fee's reserve.
    pub(crate) held: u8,
    pub(crate) fee_known: bool,
    pub(crate) number_known: bool,
    pub(crate) called_back: bool,
    pub(crate) proven_ours: bool,
    pub(crate) declined_at: u8,
    pub(crate) attention: AttentionSet,
    pub(crate) is_query_due: bool,
    pub(crate) not_found: Count,
    /// When "not found" was first observed after a `FAIL`.
    pub(crate) not_found_after_decline: u8,
    /// Evidence that forbids any resubmit was observed (`payout.why_no_resubmit`).
    pub(crate) known_to_gateway: bool,
    /// `payout.attempts.outcome` of this attempt: none yet, or whether it is `not_sent`.
    pub(crate) outcome: Option<bool>,
    /// The approved request.
    pub(crate) request: Option<Request>,
    pub(crate) people: People,
    /// Its end rests on people's word (`payout.rests_on_statement`).
    pub(crate) stated: bool,
    pub(crate) books: Books,
    /// The row is in this database; after a failover that lost it, a backend inserts it again.
    pub(crate) inserted: bool,
    pub(crate) fence: Fence,
}

impl Row {
    /// A row as a backend inserts it.
    pub(crate) fn enqueued() -> Self {
        Self {
            state: State::Queued,
            attempt: 0,
            sends: 0,
            not_sent: 0,
            resubmits: 0,
            send_by: 0,
            request_sha256: 0,
            held: 0,
            fee_known: false,
            number_known: false,
            called_back: false,
            proven_ours: false,
            declined_at: 0,
            attention: AttentionSet::EMPTY,
            is_query_due: false,
            not_found: Count::default(),
            not_found_after_decline: 0,
            known_to_gateway: false,
            outcome: None,
            request: None,
            people: People::default(),
            stated: false,
            books: Books::default(),
            inserted: true,
            fence: Fence::default(),
        }
    }

    /// The row inserted again, with what `payout.query_before_claim` sets.
    pub(crate) fn enqueued_again(self) -> Self {
        Self {
            fence: self.fence,
            is_query_due: self.must_query_first(),
            ..Self::enqueued()
        }
    }

    /// `payout.must_query_first`.
    pub(crate) fn must_query_first(&self) -> bool {
        self.fence.shut || self.fence.query_first
    }

    /// `payout.is_proven_unsent`.
    pub(crate) fn is_proven_unsent(&self) -> bool {
        let from = self.fence.trusted_after;
        let count = self.not_found;
        let absent = matches!(count.proof, Proof::Absence(_));
        from > 0 && count.times > 0 && absent && count.last >= from
    }

    /// Whether `store::lock_due` would claim it.
    pub(crate) fn is_due(&self) -> bool {
        let queued = self.inserted && self.state == State::Queued;
        let queued = queued && !self.attention.holds_back_claim();
        queued && !self.fence.shut && (!self.fence.query_first || self.is_proven_unsent())
    }

    /// Whether `store::query_queued` schedules a query of it.
    pub(crate) fn is_queried_before_claim(&self) -> bool {
        let queued = self.inserted && self.state == State::Queued;
        queued && self.must_query_first() && !self.is_proven_unsent()
    }

    /// What `payout.accept_failover` requires of a shut fence, besides a reason.
    pub(crate) fn may_be_accepted(&self, now: u8) -> bool {
        let waits =
            self.inserted && self.state == State::Queued && !self.attention.holds_back_claim();
        now >= self.fence.trusted_after && (!waits || self.is_proven_unsent())
    }

    /// `payout.accept_failover`.
    pub(crate) fn accept(&mut self) {
        self.fence.shut = false;
        self.fence.query_first = true;
    }

    /// Approvals and requests are valid for minutes; a tick is longer.
    pub(crate) fn expire_requests(&mut self) {
        self.request = None;
        self.people.expire();
    }

    /// `payout.quiet_until`.
    pub(crate) fn quiet_until(&self) -> u8 {
        (self.send_by + HORIZON).max(self.fence.trusted_after)
    }

    /// What `store::claim` (from `queued`) and `claim_resubmit` (from `unknown`) commit, by the production table.
    pub(crate) fn sent_by(mut self, event: Event, send_by: u8) -> Option<Self> {
        let (to, posting) = step(self.state, event)?;
        self.state = to;
        if posting == Posting::Hold {
            self.held = units(AMOUNT.checked_add(RESERVE)?);
            self.books.holds += 1;
        }
        self.attempt += 1;
        self.sends += 1;
        self.resubmits += u8::from(event == Event::ResubmitGranted);
        self.send_by = send_by;
        // The body contains the time, so that each request has its own hash.
        self.request_sha256 = send_by;
        self.attention = self.attention.after(event);
        self.is_query_due = false;
        self.not_found = Count::default();
        self.not_found_after_decline = 0;
        self.outcome = None;
        self.request = None;
        self.people.by_two = false;
        if event == Event::ResubmitGranted {
            self.declined_at = 0;
        }
        Some(self)
    }

    /// A move without evidence, by a known-bad variant or by `payout.cancel`.
    pub(crate) fn moved_to(mut self, state: State) -> Self {
        let settles = self.held > 0 && !state.may_have_left();
        self.books.settled += u8::from(settles);
        self.held = if settles { 0 } else { self.held };
        self.state = state;
        self.attention = if state == State::Cancelled {
            self.attention.after(Event::Withdrawn)
        } else {
            AttentionSet::EMPTY
        };
        self
    }

    /// What `store::record` does with a fact: the production `decide`, less what the database refuses.
    pub(crate) fn record(mut self, fact: Observation, now: u8) -> Self {
        if !self.inserted {
            return self;
        }
        // The decision does not depend on the ledger and on requests, so it is made once for all of them.
        let (books, request) = (self.books, self.request.take());
        let mut people = std::mem::take(&mut self.people);
        self.books = Books::default();
        let Decided {
            mut after,
            kind,
            reaffirmed,
        } = self.decided_by(fact, now);
        people.learn(fact, &self, &after, reaffirmed);
        after.people = people;
        after.books = books;
        match kind {
            "hold" => after.books.holds += 1,
            "capture" | "release" => after.books.settled += 1,
            "late_capture" => after.books.late += 1,
            _ => {}
        }
        let used_up = matches!(fact, Observation::ResolvedFailed) && after.state == State::Failed;
        after.request = request.filter(|_| !used_up);
        after
    }

    /// Whether a fact confirms once more that the payout failed, which releases a replacement.
    pub(crate) fn is_reaffirmed_by(mut self, fact: Observation, now: u8) -> bool {
        (self.books, self.request, self.people) = Default::default();
        self.decided_by(fact, now).reaffirmed
    }

    fn decided_by(self, fact: Observation, now: u8) -> Decided {
        DECIDED.with_borrow_mut(|decided| {
            *decided
                .entry((self, fact, now))
                .or_insert_with(|| decide_and_store(self, fact, now))
        })
    }
}

type Key = (Row, Observation, u8);

/// The row after a decision, the kind of the ledger entry, and whether the failure is confirmed once more.
#[derive(Clone, Copy)]
struct Decided {
    after: Row,
    kind: &'static str,
    reaffirmed: bool,
}

impl Decided {
    fn nothing(row: Row) -> Self {
        Self {
            after: row,
            kind: "none",
            reaffirmed: false,
        }
    }
}

thread_local! {
    static DECIDED: RefCell<HashMap<Key, Decided>> = RefCell::default();
}

fn decide_and_store(row: Row, fact: Observation, now: u8) -> Decided {
    let payout = payout_of(row);
    let evidence = evidence_of(row, fact, now);
    let decision = decide(&payout, &evidence, &RULES, clocks(now));
    let kind = decision.booking.map_or("none", |booking| booking.kind);
    let outcome = outcome_with(row, fact);
    if decision.event == Some(Event::NotSent) && outcome != Some(true) {
        return Decided::nothing(row);
    }
    let after = decision.after;
    let mut stored = Row {
        state: after.state,
        attempt: small(after.attempt),
        send_by: after.send_by.map_or(0, tick),
        request_sha256: after.request_sha256.map_or(0, |hash| hash[0]),
        not_sent: small(after.not_sent),
        held: units(after.held.idr()),
        fee_known: after.fee.is_some(),
        number_known: after.platform_order_num.is_some(),
        called_back: after.called_back.is_some(),
        proven_ours: after.proven_ours,
        declined_at: after.declined_at.map_or(0, tick),
        attention: after.attention,
        stated: after.by_statement,
        is_query_due: after.next_query_at.is_some(),
        outcome,
        ..row
    };
    if matches!(
        fact,
        Observation::Acknowledged(_) | Observation::Callback { .. } | Observation::Found(_)
    ) {
        stored.known_to_gateway = true;
    }
    if stored.attempt != row.attempt {
        stored.not_found = Count::default();
        stored.not_found_after_decline = 0;
        stored.outcome = None;
    }
    if let Observation::NotFound {
        query_sent_at,
        again,
    } = fact
    {
        match proof_of(decision.finding) {
            Proof::Nothing if is_refusal(decision.finding) => {
                if stored.not_found_after_decline == 0 {
                    stored.not_found_after_decline = now;
                }
            }
            Proof::Nothing => {}
            proof => stored.not_found.count(proof, query_sent_at, again, now),
        }
    }
    Decided {
        after: stored,
        kind,
        reaffirmed: after.reaffirmed_at.is_some(),
    }
}

fn proof_of(finding: Finding) -> Proof {
    match finding {
        Finding::NotFound {
            proves: Proves::Absence,
            valid_from,
        } => Proof::Absence(valid_from.map_or(0, tick)),
        Finding::NotFound {
            proves: Proves::Contradiction,
            ..
        } => Proof::Contradiction,
        _ => Proof::Nothing,
    }
}

fn is_refusal(finding: Finding) -> bool {
    let proves = Proves::Refusal;
    matches!(finding, Finding::NotFound { proves: found, .. } if found == proves)
}

/// `set_outcome_if_missing`, then the trigger that requires proof of `not_sent`.
fn outcome_with(row: Row, fact: Observation) -> Option<bool> {
    let own = match fact {
        Observation::NotSent { attempt, .. } => Some((attempt, true)),
        Observation::Acknowledged(attempt)
        | Observation::Declined(attempt)
        | Observation::Doubt(attempt)
        | Observation::AcknowledgedAsOther(attempt) => Some((attempt, false)),
        _ => None,
    };
    match own {
        Some((attempt, unsent)) if attempt == row.attempt => row.outcome.or(Some(unsent)),
        _ => row.outcome,
    }
}

impl Count {
    /// `store::insert_or_count_evidence`. No rule tells more than three times from three.
    /// A count of answers that prove something else starts over.
    pub(crate) fn count(&mut self, proof: Proof, query_sent_at: u8, again: bool, now: u8) {
        if self.proof != proof {
            *self = Self::default();
        }
        if self.times == 0 {
            (self.first, self.proof) = (now, proof);
        }
        if self.times == 0 || (!again && query_sent_at >= self.last) {
            self.times = (self.times + 1).min(3);
            self.last = now;
        }
    }
}

fn payout_of(row: Row) -> Payout {
    let time = |at: u8| (at > 0).then(|| instant(at));
    Payout {
        instruction: instruction(),
        state: row.state,
        attempt: row.attempt.into(),
        sends: row.sends.into(),
        not_sent: row.not_sent.into(),
        request_sha256: Some([row.request_sha256; 32]),
        send_by: time(row.send_by),
        held: Rupiah::new(i64::from(row.held) * RESERVE),
        fee_reserve: Rupiah::new(RESERVE),
        trusted_after: time(row.fence.trusted_after),
        commits_may_be_lost: row.must_query_first(),
        fee: row.fee_known.then_some(Rupiah::new(FEE)),
        platform_order_num: row.number_known.then(|| PLATFORM_ORDER_NUM.to_owned()),
        called_back: row.called_back.then(|| PLATFORM_ORDER_NUM.to_owned()),
        failure_reason: None,
        attention: row.attention,
        declined_at: time(row.declined_at),
        proven_ours: row.proven_ours,
        later_look: false,
        reaffirmed_at: None,
        by_statement: row.stated,
        fee_by_statement: false,
        settled_at: row.state.is_final().then(|| instant(1)),
        queries: 0,
        next_query_at: row.is_query_due.then(|| instant(1)),
        due_at: instant(1),
        observed: observed(row),
    }
}

/// What `store::load` reads of the answers to queries.
fn observed(row: Row) -> BTreeMap<Finding, Observed> {
    let time = |at: u8| (at > 0).then(|| instant(at));
    let not_found = |proves, valid_from| Finding::NotFound { proves, valid_from };
    let mut observed = BTreeMap::new();
    let count = row.not_found;
    let finding = match count.proof {
        Proof::Nothing => None,
        Proof::Absence(from) => Some(not_found(Proves::Absence, time(from))),
        Proof::Contradiction => Some(not_found(Proves::Contradiction, None)),
    };
    if let Some(finding) = finding {
        let seen = Observed {
            times: u32::from(count.times),
            first_at: instant(count.first),
            last_at: instant(count.last),
            last_sent_at: instant(count.last),
        };
        observed.insert(finding, seen);
    }
    if let Some(at) = time(row.not_found_after_decline) {
        // Its time is that of the `FAIL`, as the rules wait no longer (`decline_confirm`).
        let finding = not_found(Proves::Refusal, time(row.declined_at));
        let seen = Observed {
            times: 1,
            first_at: at,
            last_at: at,
            last_sent_at: at,
        };
        observed.insert(finding, seen);
    }
    observed
}

fn instruction() -> Instruction {
    Instruction {
        key: PayoutKey {
            merchant_code: "M1".into(),
            order_num: "INV-77".into(),
        },
        amount: Rupiah::new(AMOUNT),
        fee_type: FeeType::OnTop,
        bank_code: "014".into(),
        account_number: Private::new("0012345678"),
        account_name: Private::new("Siti Rahayu"),
        description: None,
    }
}

fn evidence_of(row: Row, fact: Observation, now: u8) -> Evidence {
    let queried = |answer, at| Fact::Queried {
        answer,
        sent_at: instant_of(at),
    };
    let fact = match fact {
        Observation::NotFound {
            query_sent_at,
            again,
        } => {
            // Within a tick, a new query is sent after the evidence that was stored before.
            let later = TimeDelta::seconds(i64::from(!again));
            queried(QueryAnswer::NotFound, instant(query_sent_at) + later)
        }
        Observation::Found(status) => queried(QueryAnswer::Found(found(status)), moment(now)),
        Observation::FoundAsOther => queried(QueryAnswer::Doubt(Doubt::NumberInUse), moment(now)),
        Observation::Callback { ours, says } => Fact::Callback(callback(ours, says)),
        Observation::ResolvedPaid => {
            let fee = Some(Rupiah::new(FEE));
            Fact::Resolved(Resolution::Paid { fee })
        }
        Observation::ResolvedFailed => Fact::Resolved(Resolution::Failed),
        Observation::ResolvedReturned => {
            let amount = None;
            Fact::Resolved(Resolution::Returned { amount })
        }
        _ => of_attempt(row, fact),
    };
    Evidence {
        key: instruction().key,
        fact,
        detail: serde_json::Value::Null,
    }
}

/// The facts that the worker of an attempt observes.
fn of_attempt(row: Row, fact: Observation) -> Fact {
    // The answer to a lost claim passes for one to the latest; `moves::store` drops it where the rule is to tell them apart.
    let submitted = |attempt: u8, answer| Fact::Submitted {
        attempt: attempt.into(),
        request_sha256: [row.request_sha256; 32],
        answer,
    };
    match fact {
        Observation::Acknowledged(attempt) => {
            let answer = SubmitAnswer::Acknowledged {
                platform_order_num: Some(PLATFORM_ORDER_NUM.into()),
                fee: None,
                status: GatewayStatus::New,
            };
            submitted(attempt, answer)
        }
        Observation::Declined(attempt) => {
            let message = "busy".into();
            submitted(attempt, SubmitAnswer::Declined { message })
        }
        Observation::Doubt(attempt) => submitted(attempt, SubmitAnswer::Doubt(Doubt::Timeout)),
        Observation::AcknowledgedAsOther(attempt) => {
            submitted(attempt, SubmitAnswer::Doubt(Doubt::NumberInUse))
        }
        Observation::NotSent {
            attempt,
            request_sha256,
        } => Fact::NotSent {
            attempt: attempt.into(),
            request_sha256: [request_sha256; 32],
        },
        Observation::LeaseExpired(attempt) => Fact::LeaseExpired {
            attempt: attempt.into(),
        },
        _ => unreachable!("{fact:?} is of no attempt"),
    }
}

fn found(status: OrderStatus) -> Found {
    Found {
        platform_order_num: Some(PLATFORM_ORDER_NUM.into()),
        amount: Some(Rupiah::new(AMOUNT)),
        fee: (status != OrderStatus::Open).then_some(Rupiah::new(FEE)),
        status: GatewayStatus::parse(code(status)),
        message: String::new(),
        signed: true,
    }
}

/// A callback with a verified signature: either all its fields are ours, or the amount is not (protocol P9).
fn callback(ours: bool, says: OrderStatus) -> Callback {
    let (amount, fee) = (AMOUNT.to_string(), FEE.to_string());
    let fields = [
        ("bankCode", "014"),
        ("fee", &fee),
        ("feeType", "1"),
        ("money", if ours { &amount } else { "7" }),
        ("name", "Siti Rahayu"),
        ("number", "0012345678"),
        ("orderNum", "INV-77"),
        ("platOrderNum", PLATFORM_ORDER_NUM),
        ("status", code(says)),
        ("statusMsg", "ok"),
    ];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Callback::new(fields.into_iter().collect(), true, Vec::new())
}

fn code(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::Open => "1",
        OrderStatus::Paid => "2",
        OrderStatus::Failed => "4",
    }
}

fn instant(at: u8) -> DateTime<Utc> {
    let begin = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    begin + TICK * i32::from(at)
}

/// When events within a tick happen: after it began.
fn moment(now: u8) -> DateTime<Utc> {
    instant(now) + TimeDelta::seconds(2)
}

fn clocks(now: u8) -> Now {
    let utc = moment(now);
    let instant = instant_of(utc);
    Now { utc, instant }
}

/// That time on the clock of the process.
fn instant_of(at: DateTime<Utc>) -> Instant {
    static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    *BEGIN + (at - instant(0)).to_std().unwrap()
}

fn tick(at: DateTime<Utc>) -> u8 {
    let hours = (at - instant(0)).num_hours();
    u8::try_from(hours).unwrap()
}

fn units(rupiah: i64) -> u8 {
    assert_eq!(rupiah % RESERVE, 0, "not a whole number of reserves");
    u8::try_from(rupiah / RESERVE).unwrap()
}

fn small(number: i32) -> u8 {
    u8::try_from(number).unwrap()
}
