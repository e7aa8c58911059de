//! One payout according to the pure rules, and the evidence for it.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use payout_worker::{
    domain::{
        attention::Attention,
        callback::Callback,
        decide::{Decision, Rules, decide},
        evidence::{
            Doubt, Evidence, Fact, Found, GatewayStatus, QueryAnswer, Resolution, Source,
            SubmitAnswer,
        },
        money::{FeeType, Rupiah},
        payout::{Instruction, Observed, Payout, PayoutKey, Private},
        state::{Event, State, step},
    },
    store::record::Outcome,
};

use super::{AMOUNT, LATE, REQUEST, RESERVE};

/// A payout according to the pure rules.
pub(super) struct Pure {
    pub(super) payout: Payout,
    /// The outcome of each attempt's own answer.
    pub(super) outcomes: BTreeMap<i32, String>,
    /// From when on the latest order can no longer arrive.
    pub(super) quiet_until: DateTime<Utc>,
    /// How many times evidence was stored, by attempt, source, finding and digest.
    pub(super) evidence: BTreeMap<(i32, &'static str, String, Vec<u8>), i32>,
    pub(super) moves: Vec<(State, Event, State)>,
    /// Two people approved a move.
    pub(super) allowed: bool,
    /// The events and the kinds of ledger entries that occurred.
    pub(super) met: Vec<&'static str>,
    /// What the ledger must contain: available, held, paid out, fees.
    pub(super) books: [i64; 4],
}

impl Pure {
    pub(super) fn enqueued(merchant: &str, order_num: String, fee_type: FeeType) -> Self {
        let payout = Payout {
            instruction: Instruction {
                key: PayoutKey {
                    merchant_code: merchant.to_owned(),
                    order_num,
                },
                amount: Rupiah::new(AMOUNT),
                fee_type,
                bank_code: "014".into(),
                account_number: Private::new("0012345678"),
                account_name: Private::new("Siti Rahayu"),
                description: None,
            },
            state: State::Queued,
            attempt: 0,
            sends: 0,
            not_sent: 0,
            claim: None,
            send_by: None,
            held: Rupiah::ZERO,
            fee_reserve: Rupiah::new(RESERVE),
            trusted_after: None,
            commits_may_be_lost: false,
            fee: None,
            platform_order_num: None,
            failure_reason: None,
            attention: None,
            declined_at: None,
            proven_ours: false,
            reaffirmed_at: None,
            settled_at: None,
            queries: 0,
            next_query_at: None,
            due_at: DateTime::UNIX_EPOCH,
            observed: BTreeMap::new(),
        };
        Self {
            payout,
            outcomes: BTreeMap::new(),
            quiet_until: DateTime::UNIX_EPOCH,
            evidence: BTreeMap::new(),
            moves: Vec::new(),
            allowed: false,
            met: Vec::new(),
            books: [0; 4],
        }
    }

    /// The opposite of `payout.why_no_resubmit`.
    pub(super) fn is_proven_lost(&self, now: DateTime<Utc>) -> bool {
        let payout = &self.payout;
        let tells = |source: &str, finding: &str| match source {
            "submit" => finding == "acknowledged",
            "query" | "callback" => {
                !finding.starts_with("not_found") && !finding.starts_with("doubt_")
            }
            _ => false,
        };
        let mut evidence = self.evidence.keys();
        let known = evidence.any(|(_, source, finding, _)| tells(source, finding))
            || payout.platform_order_num.is_some()
            || payout.proven_ours;
        let heard = payout.observed.get("not_found");
        let repeated =
            heard.is_some_and(|heard| heard.times >= 3 && heard.first_at >= self.quiet_until);
        payout.state == State::Unknown
            && !known
            && now >= self.quiet_until
            && repeated
            && payout.attention == Some(Attention::NotFound)
    }

    pub(super) fn not_known_a_minute_ago(&self, now: DateTime<Utc>) -> bool {
        let heard = self.payout.observed.get("not_found");
        heard.is_some_and(|heard| heard.last_at > now - TimeDelta::minutes(1))
    }

    pub(super) fn resubmitted(&mut self, now: DateTime<Utc>, rules: &Rules) {
        let event = Event::ResubmitGranted;
        let (to, _) = step(self.payout.state, event).unwrap();
        self.moves.push((self.payout.state, event, to));
        self.met.push(event.name());
        self.payout.state = to;
        self.payout.attention = None;
        self.payout.declined_at = None;
        self.sent(now, rules);
    }

    pub(super) fn claimed(&mut self, now: DateTime<Utc>, rules: &Rules) {
        let payout = &mut self.payout;
        let (to, _) = step(payout.state, Event::Claimed).unwrap();
        self.moves.push((payout.state, Event::Claimed, to));
        payout.state = to;
        payout.held = payout
            .instruction
            .fee_type
            .hold(payout.instruction.amount, Rupiah::new(RESERVE))
            .unwrap();
        self.books[0] -= payout.held.idr();
        self.books[1] += payout.held.idr();
        self.sent(now, rules);
    }

    /// What a claim and a granted resubmit have in common.
    pub(super) fn sent(&mut self, now: DateTime<Utc>, rules: &Rules) {
        let payout = &mut self.payout;
        payout.attempt += 1;
        payout.sends += 1;
        self.quiet_until = now + rules.poll.quiet_horizon;
        payout.claim = Some(REQUEST);
        payout.send_by = Some(now);
        payout.queries = 0;
        payout.next_query_at = None;
        payout.observed = BTreeMap::new();
    }

    /// The store's outcome equals that of the pure rules at some time between `before` and `after` the call.
    pub(super) fn told(
        &mut self,
        evidence: &Evidence,
        outcome: &Outcome,
        rules: &Rules,
        clock: [DateTime<Utc>; 2],
    ) {
        let at = evidence.attempt.unwrap_or(self.payout.attempt);
        // All queries of a batch were sent before the first answer was stored: however late an answer is stored, it is
        // at most as late as the call is long.
        let span = (clock[1] - clock[0]).to_std().unwrap();
        let decided = [Duration::ZERO, span].map(|late| {
            let mut evidence = evidence.clone();
            evidence.query_sent_ago += late;
            clock.map(|now| decide(&self.payout, &evidence, rules, now))
        });
        let decided = decided.as_flattened();
        let own =
            (evidence.source == Source::Submit && at <= self.payout.attempt && at > 0).then(|| {
                self.outcomes
                    .get(&at)
                    .cloned()
                    .unwrap_or_else(|| evidence.finding())
            });
        let refused = |decision: &Decision| match decision.event {
            Some(Event::NotSent) => own.as_deref() != Some("not_sent"),
            Some(Event::ResolvedPaid | Event::ResolvedFailed | Event::ResolvedReturned) => {
                !self.allowed
            }
            _ => false,
        };
        let (at, finding, decision) = match outcome {
            Outcome::Locked => panic!("nobody else locks {}", evidence.key),
            Outcome::UnknownPayout => panic!("{} is there", evidence.key),
            Outcome::Refused(why) => {
                assert!(
                    decided.iter().any(&refused),
                    "{:?} was refused: {why}",
                    evidence.fact
                );
                // Stored without reading its payout, it is kept under attempt 0 when it names none.
                let at = evidence.attempt.unwrap_or(0);
                (at, format!("{} refused", evidence.finding()), None)
            }
            Outcome::Recorded(change) => {
                let same = |decision: &Decision| {
                    let moved = decision
                        .event
                        .map(|event| (self.payout.state, event, decision.after.state));
                    !refused(decision)
                        && moved == change.moved
                        && decision.finding == change.finding
                        && decision.notes == change.notes
                };
                let decision = decided.iter().find(|decision| same(decision));
                let decision = decision.unwrap_or_else(|| {
                    panic!("{:?} made {change:?}, not {:?}", evidence.fact, decided[1])
                });
                (at, change.finding.clone(), Some(decision.clone()))
            }
        };
        let digest = match &evidence.fact {
            // Whatever is not ours is counted in one row.
            Fact::Callback(callback) if !finding.contains(" unbound") => callback.digest().to_vec(),
            Fact::Callback(_)
            | Fact::NotSent { .. }
            | Fact::Submitted(_)
            | Fact::LeaseExpired
            | Fact::Queried(_)
            | Fact::Resolved(_) => Vec::new(),
        };
        let asked = matches!(evidence.fact, Fact::Queried(_));
        let heard = self.payout.observed.get(&finding).filter(|_| asked);
        // All queries of a batch were sent before the first answer was stored.
        let anew = heard.is_none_or(|heard| clock[0] - evidence.query_sent_ago > heard.last_at);
        *self
            .evidence
            .entry((at, evidence.source.name(), finding.clone(), digest))
            .or_default() += i32::from(anew);
        let Some(decision) = decision else {
            return;
        };
        if let Some(own) = own {
            self.outcomes.insert(at, own);
        }
        if let Some(event) = decision.event {
            self.moves
                .push((self.payout.state, event, decision.after.state));
        }
        self.met.extend(decision.event.map(Event::name));
        self.met
            .extend(decision.booking.map(|booking| booking.kind));
        if let Some(booking) = decision.booking {
            let entry = booking.entry;
            let parts = [entry.available, entry.held, entry.paid_out, entry.fees];
            for (sum, part) in self.books.iter_mut().zip(parts) {
                *sum += part.idr();
            }
        }
        self.payout = decision.after;
        if evidence.source == Source::Query {
            let heard = self.payout.observed.entry(finding).or_insert(Observed {
                times: 0,
                first_at: clock[1],
                last_at: clock[0],
            });
            heard.times += u32::from(anew);
            if anew {
                heard.last_at = clock[0];
            }
        }
    }

    pub(super) fn line(&self) -> String {
        let payout = &self.payout;
        let mut words = vec![
            payout.state.name().to_owned(),
            payout.attempt.to_string(),
            payout.sends.to_string(),
            payout.not_sent.to_string(),
            payout.held.idr().to_string(),
            "fee".into(),
        ];
        words.extend(payout.fee.map(|fee| fee.idr().to_string()));
        words.push("plat".into());
        words.extend(payout.platform_order_num.clone());
        words.push("attention".into());
        words.extend(
            payout
                .attention
                .map(|attention| attention.name().to_owned()),
        );
        let flag = |flag: bool| if flag { "t" } else { "f" };
        words.extend(["declined", flag(payout.declined_at.is_some())].map(Into::into));
        words.extend(["ours", flag(payout.proven_ours)].map(Into::into));
        words.extend(["settled", flag(payout.settled_at.is_some())].map(Into::into));
        words.extend(["asked".to_owned(), payout.queries.to_string()]);
        words.push(flag(payout.next_query_at.is_some()).into());
        words.join(" ")
    }

    pub(super) fn evidence(&self, ago: i32, word: &str) -> Evidence {
        let of_attempt = Some((self.payout.attempt - ago).max(0));
        let (word, late) = word
            .strip_prefix('~')
            .map_or((word, false), |word| (word, true));
        let (word, status) = word.split_once(':').unwrap_or((word, "1"));
        let submitted = |answer| (Source::Submit, of_attempt, Fact::Submitted(answer));
        let asked = |answer| (Source::Query, None, Fact::Queried(answer));
        let stated = |what| (Source::Operator, None, Fact::Resolved(what));
        let (source, attempt, fact) = match word {
            "unsent" => (
                Source::Submit,
                of_attempt,
                Fact::NotSent {
                    reason: "refused".into(),
                    claim: if late { [8; 32] } else { REQUEST },
                },
            ),
            "ack" => submitted(SubmitAnswer::Acknowledged {
                platform_order_num: Some("W1".into()),
                fee: None,
                status: GatewayStatus::parse(status),
            }),
            "fail" => submitted(SubmitAnswer::Declined {
                message: "busy".into(),
            }),
            "doubt" => submitted(SubmitAnswer::Doubt(Doubt::Timeout)),
            "lease" => (Source::Worker, of_attempt, Fact::LeaseExpired),
            "none" => asked(QueryAnswer::NotFound),
            "ask?" => asked(QueryAnswer::Doubt(Doubt::HttpStatus)),
            "says" => asked(QueryAnswer::Found(found(status))),
            "calls" => (
                Source::Callback,
                None,
                Fact::Callback(self.callback(status, "1")),
            ),
            "forged" => (
                Source::Callback,
                None,
                Fact::Callback(self.callback(status, "2")),
            ),
            "paid" => stated(Resolution::Paid { fee: None }),
            "failed" => stated(Resolution::Failed),
            "returned" => stated(Resolution::Returned { amount: None }),
            other => panic!("{other} is no word"),
        };
        Evidence {
            key: self.payout.instruction.key.clone(),
            attempt,
            claim: None,
            source,
            fact,
            detail: serde_json::json!({}),
            query_sent_ago: if late { LATE } else { Duration::ZERO },
        }
    }

    /// Our callback, or one with digits moved to the neighbouring field (protocol P9).
    pub(super) fn callback(&self, status: &str, whose: &str) -> Callback {
        let instruction = &self.payout.instruction;
        let amount = if whose == "1" { AMOUNT } else { 7 };
        let fields = [
            ("bankCode", "014".to_owned()),
            ("fee", "5000".into()),
            ("feeType", instruction.fee_type.code().to_string()),
            ("money", amount.to_string()),
            ("name", "Siti Rahayu".into()),
            ("number", "0012345678".into()),
            ("orderNum", instruction.key.order_num.clone()),
            ("platOrderNum", "W1".into()),
            ("status", status.into()),
            ("statusMsg", "ok".into()),
        ];
        let digest = format!("{whose} {status}").into_bytes();
        let fields = fields.map(|(name, value)| (name.to_owned(), value));
        Callback::new(fields.into_iter().collect(), true, digest)
    }
}

/// With a fee after `+`.
fn found(status: &str) -> Found {
    let (status, fee) = status
        .split_once('+')
        .map_or((status, None), |(status, _)| {
            (status, Some(Rupiah::new(6_000)))
        });
    Found {
        platform_order_num: Some("W1".into()),
        amount: Some(Rupiah::new(AMOUNT)),
        fee,
        status: GatewayStatus::parse(status),
        message: String::new(),
        signed: true,
    }
}
