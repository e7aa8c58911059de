//! Runs a payout of 100 000 rupiah through a line of steps, and describes the outcome in one line.
//!
//! `@SECONDS` sets the clock, counted from the claim. The other steps are facts: `ack[:STATUS]`, `fail` and `doubt` are
//! answers to the submit; `unsent` and `lease` are what the worker observed; `none`, `query?[:DOUBT]` and `found:STATUS`
//! are answers to a query; `callback:STATUS` is a verified callback; `resend` is a granted resubmit; `claim` is the next
//! claim; `failover` is one that loses nothing of this payout; `lost` is one that loses its claim; `resolved:END` is a
//! person's word.
//! After `,` follow `fee=` `amount=` `plat=` `attempt=` `request=` `ago=` `unsigned` `unbound`.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    attention::AttentionSet,
    callback::Callback,
    decide::{Decision, Now, Rules, decide},
    evidence::{
        Doubt, Evidence, Fact, Found, GatewayStatus, QueryAnswer, Resolution, SubmitAnswer,
    },
    money::{FeeType, Rupiah},
    payout::{Instruction, Observed, Payout, PayoutKey, Private},
    schedule::PollRules,
    state::{Event, State},
};

pub(super) const AMOUNT: i64 = 100_000;
pub(super) const RESERVE: i64 = 10_000;

pub(super) const RULES: Rules = Rules {
    poll: PollRules {
        first_after: Duration::from_secs(5),
        max_interval: Duration::from_hours(6),
        quiet_horizon: Duration::from_mins(30),
        decline_confirm: Duration::from_mins(1),
    },
    callbacks_settle: true,
};

/// A payout that was just claimed and may be sent until a minute later.
pub(super) struct Scenario {
    pub(super) payout: Payout,
    pub(super) rules: Rules,
    pub(super) last: Option<Decision>,
    claimed_at: DateTime<Utc>,
    pub(super) now: DateTime<Utc>,
}

impl Scenario {
    pub(super) fn new(fee_type: FeeType) -> Self {
        let claimed_at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let amount = Rupiah::new(AMOUNT);
        let payout = Payout {
            instruction: Instruction {
                key: PayoutKey {
                    merchant_code: "M1".into(),
                    order_num: "INV-77".into(),
                },
                amount,
                fee_type,
                bank_code: "014".into(),
                account_number: Private::new("0012345678"),
                account_name: Private::new("Siti Rahayu"),
                description: None,
            },
            state: State::Submitting,
            attempt: 1,
            sends: 1,
            not_sent: 0,
            request_sha256: Some(hash(1)),
            send_by: claimed_at.checked_add_signed(TimeDelta::seconds(60)),
            fee_reserve: Rupiah::new(RESERVE),
            trusted_after: None,
            commits_may_be_lost: false,
            held: fee_type.hold(amount, Rupiah::new(RESERVE)).unwrap(),
            fee: None,
            platform_order_num: None,
            called_back: None,
            failure_reason: None,
            attention: AttentionSet::EMPTY,
            declined_at: None,
            proven_ours: false,
            later_look: false,
            reaffirmed_at: None,
            by_statement: false,
            fee_by_statement: false,
            settled_at: None,
            queries: 0,
            next_query_at: None,
            due_at: claimed_at,
            observed: BTreeMap::new(),
        };
        Self {
            payout,
            rules: RULES,
            last: None,
            claimed_at,
            now: claimed_at,
        }
    }

    /// Takes the steps in order.
    pub(super) fn run(&mut self, steps: &str) -> &mut Self {
        for step in steps.split_whitespace() {
            match step {
                "resend" => self.send_again(State::Submitting),
                "lost" => self.lose_the_claim(),
                "failover" => self.fail_over(),
                "claim" => self.send_again(State::Queued),
                _ if step.starts_with('@') => {
                    let seconds = step.trim_start_matches('@').parse().unwrap();
                    self.now = self.claimed_at + TimeDelta::seconds(seconds);
                }
                _ => self.receive(step),
            }
        }
        self
    }

    /// A failover loses the claim; "not found" counts from half an hour after it.
    fn lose_the_claim(&mut self) {
        let payout = &mut self.payout;
        payout.state = State::Queued;
        (payout.attempt, payout.sends, payout.request_sha256) = (0, 0, None);
        (payout.send_by, payout.held, payout.next_query_at) = (None, Rupiah::ZERO, Some(self.now));
        self.fail_over();
    }

    /// "Not found" counts again from half an hour after now.
    fn fail_over(&mut self) {
        self.payout.trusted_after = Some(self.now + TimeDelta::minutes(30));
        self.payout.commits_may_be_lost = true;
    }

    /// Does what the store does when it claims, or grants a resubmit of an unknown payout.
    fn send_again(&mut self, from: State) {
        let payout = &mut self.payout;
        if from == State::Queued {
            assert_eq!(payout.state, State::Queued);
            let instruction = &payout.instruction;
            payout.held = instruction
                .fee_type
                .hold(instruction.amount, Rupiah::new(RESERVE))
                .unwrap();
        }
        let event = if from == State::Queued {
            Event::Claimed
        } else {
            Event::ResubmitGranted
        };
        payout.attention = payout.attention.after(event);
        payout.state = State::Submitting;
        payout.attempt += 1;
        payout.sends += 1;
        payout.request_sha256 = Some(hash(payout.attempt));
        payout.send_by = Some(self.now + TimeDelta::seconds(60));
        payout.observed.clear();
    }

    /// Decides on one fact, and counts its finding as the store does.
    pub(super) fn receive(&mut self, step: &str) {
        let instant = Instant::now();
        let now = Now {
            utc: self.now,
            instant,
        };
        let evidence = evidence(step, self.payout.attempt, instant);
        let decision = decide(&self.payout, &evidence, &self.rules, now);
        self.payout = decision.after.clone();
        if let Fact::Queried { sent_at, .. } = evidence.fact {
            let sent_at = now.utc_at(sent_at);
            let first = Observed {
                times: 0,
                first_at: self.now,
                last_at: sent_at - TimeDelta::seconds(1),
                last_sent_at: sent_at,
            };
            let observed = self
                .payout
                .observed
                .entry(decision.finding)
                .or_insert(first);
            if sent_at > observed.last_at {
                observed.times += 1;
                observed.last_at = self.now;
            }
            observed.last_sent_at = sent_at;
        }
        self.last = Some(decision);
    }

    /// The outcome as `state attention held=… fee=…`, without what does not apply.
    pub(super) fn outcome(&self) -> String {
        let payout = &self.payout;
        let shown = [
            Some(payout.state.to_string()),
            (!payout.attention.is_empty()).then(|| payout.attention.to_string()),
            (payout.held != Rupiah::ZERO).then(|| format!("held={}", payout.held.idr())),
            payout.fee.map(|fee| format!("fee={}", fee.idr())),
        ];
        shown.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// How many seconds after the claim the gateway was queried by the answer that last confirmed the failure.
    pub(super) fn reaffirmed_after(&self) -> Option<i64> {
        self.payout
            .reaffirmed_at
            .map(|at| (at - self.claimed_at).num_seconds())
    }

    /// In how many seconds its status is queried next; `None` for never.
    pub(super) fn next_query_in(&self) -> Option<i64> {
        self.payout
            .next_query_at
            .map(|at| (at - self.now).num_seconds())
    }
}

/// The hash of the request of an attempt.
fn hash(attempt: i32) -> [u8; 32] {
    [u8::try_from(attempt).unwrap(); 32]
}

/// The evidence that a step describes; `now` is the moment at which it is stored.
fn evidence(step: &str, attempt: i32, now: Instant) -> Evidence {
    Evidence {
        key: PayoutKey {
            merchant_code: "M1".into(),
            order_num: "INV-77".into(),
        },
        fact: fact(step, attempt, now),
        detail: serde_json::Value::Null,
    }
}

fn fact(step: &str, attempt: i32, now: Instant) -> Fact {
    let (step, options) = step.split_once(',').unwrap_or((step, ""));
    let (verb, status) = step.split_once(':').unwrap_or((step, "0"));
    let options: BTreeMap<&str, &str> = options
        .split(',')
        .map(|option| option.split_once('=').unwrap_or((option, "")))
        .collect();
    let number = |name| {
        options
            .get(name)
            .map(|given: &&str| given.parse::<i64>().unwrap())
    };
    let rupiah = |name| number(name).map(Rupiah::new);
    let platform_order_num =
        || Some((*options.get("plat").unwrap_or(&"W1")).to_owned()).filter(|plat| !plat.is_empty());
    let own = |name| number(name).map_or(attempt, |given| given.try_into().unwrap());
    let doubt = status.parse().unwrap_or(Doubt::Timeout);
    let status = GatewayStatus::parse(status);
    let submitted = |answer| Fact::Submitted {
        attempt: own("attempt"),
        request_sha256: hash(own("request")),
        answer,
    };
    let queried = |answer| {
        let ago = options.get("ago").map_or(0, |ago| ago.parse().unwrap());
        let sent_at = now.checked_sub(Duration::from_secs(ago)).unwrap();
        Fact::Queried { answer, sent_at }
    };
    match verb {
        "unsent" => Fact::NotSent {
            attempt: own("attempt"),
            request_sha256: hash(own("request")),
        },
        "lease" => Fact::LeaseExpired {
            attempt: own("attempt"),
        },
        "doubt" => submitted(SubmitAnswer::Doubt(Doubt::Timeout)),
        "fail" => submitted(SubmitAnswer::Declined {
            message: "busy".into(),
        }),
        "ack" => submitted(SubmitAnswer::Acknowledged {
            platform_order_num: platform_order_num(),
            fee: rupiah("fee"),
            status,
        }),
        "none" => queried(QueryAnswer::NotFound),
        "query?" => queried(QueryAnswer::Doubt(doubt)),
        "found" => queried(QueryAnswer::Found(Found {
            platform_order_num: platform_order_num(),
            amount: rupiah("amount")
                .or(Some(Rupiah::new(AMOUNT)))
                .filter(|idr| idr.idr() >= 0),
            fee: rupiah("fee"),
            status,
            message: String::new(),
            signed: !options.contains_key("unsigned"),
        })),
        "callback" => Fact::Callback(callback(step, &options)),
        "resolved" => Fact::Resolved(resolution(step.trim_start_matches("resolved:"))),
        other => panic!("no such step: {other}"),
    }
}

/// A person's word; of a payment, with a fee of 5 000.
fn resolution(end: &str) -> Resolution {
    match end {
        "paid" => Resolution::Paid {
            fee: Some(Rupiah::new(5000)),
        },
        "failed" => Resolution::Failed,
        "returned" => Resolution::Returned { amount: None },
        other => panic!("no such end: {other}"),
    }
}

fn callback(step: &str, options: &BTreeMap<&str, &str>) -> Callback {
    let amount = AMOUNT.to_string();
    let fields = [
        ("bankCode", "014"),
        ("description", ""),
        ("fee", options.get("fee").unwrap_or(&"5000")),
        ("feeType", options.get("feeType").unwrap_or(&"0")),
        ("money", options.get("amount").unwrap_or(&amount.as_str())),
        (
            "name",
            if options.contains_key("unbound") {
                "Somebody"
            } else {
                "Siti Rahayu"
            },
        ),
        ("number", "0012345678"),
        ("orderNum", "INV-77"),
        ("platOrderNum", options.get("plat").unwrap_or(&"W1")),
        ("status", step.trim_start_matches("callback:")),
        ("statusMsg", "Success"),
    ];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Callback::new(
        fields.into(),
        !options.contains_key("spliced"),
        b"digest".to_vec(),
    )
}

/// Runs each row on a new payout, with the fee taken out of the amount.
#[track_caller]
pub(super) fn assert_outcomes(rows: &[(&str, &str)]) {
    assert_outcomes_with(FeeType::OutOfAmount, rows);
}

#[track_caller]
pub(super) fn assert_outcomes_with(fee_type: FeeType, rows: &[(&str, &str)]) {
    for (steps, outcome) in rows {
        let mut scenario = Scenario::new(fee_type);
        assert_eq!(scenario.run(steps).outcome(), *outcome, "{steps}");
    }
}
