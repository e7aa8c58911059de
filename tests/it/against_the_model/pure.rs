//! One payout as the pure rules have it, and the evidence about it.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use payout_worker::{
    domain::{
        attention::{Attention, AttentionSet},
        callback::Callback,
        decide::{Decision, Now, Rules, decide},
        evidence::{
            Doubt, Evidence, Fact, Found, GatewayStatus, QueryAnswer, Resolution, Source,
            SubmitAnswer,
        },
        evidence_words::{Kind, Proves},
        finding::Finding,
        money::{FeeType, Rupiah},
        payout::{Instruction, Observed, Payout, PayoutKey, Private},
        state::{Event, State, step},
    },
    store::record::Outcome,
};

use super::{AMOUNT, LATE, REQUEST, RESERVE};

/// What evidence is counted by: attempt, source, finding in words, digest.
pub(super) type Stored = (i32, &'static str, String, Vec<u8>);

/// A payout according to the pure rules.
pub(super) struct Pure {
    pub(super) payout: Payout,
    /// The outcome of each attempt's own answer.
    pub(super) outcomes: BTreeMap<i32, String>,
    /// From when on the latest order can no longer arrive.
    pub(super) quiet_until: DateTime<Utc>,
    /// How often which evidence was stored.
    pub(super) evidence: BTreeMap<Stored, i32>,
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
            request_sha256: None,
            send_by: None,
            held: Rupiah::ZERO,
            fee_reserve: Rupiah::new(RESERVE),
            trusted_after: None,
            commits_may_be_lost: false,
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
        let known = self.evidence.keys().any(|(_, _, finding, _)| {
            [Kind::Found, Kind::Callback, Kind::Acknowledged]
                .iter()
                .any(|kind| finding.split(' ').next() == Some(kind.name()))
        });
        let known = known || payout.platform_order_num.is_some() || payout.proven_ours;
        let absent = self.observed(&[Proves::Absence]);
        let repeated = absent
            .iter()
            .any(|seen| seen.times >= 3 && seen.first_at >= self.quiet_until);
        payout.state == State::Unknown
            && !known
            && now >= self.quiet_until
            && repeated
            && payout.attention.contains(Attention::NotFound)
            && !payout
                .attention
                .without(Attention::NotFound)
                .holds_back_claim()
    }

    /// "Not found" answers that prove one of these.
    fn observed(&self, what: &[Proves]) -> Vec<Observed> {
        let counts = |finding: &Finding| matches!(finding, Finding::NotFound { proves, .. } if what.contains(proves));
        let observed = self.payout.observed.iter();
        observed
            .filter(|(finding, _)| counts(finding))
            .map(|(_, seen)| *seen)
            .collect()
    }

    pub(super) fn is_freshly_not_found(&self, now: DateTime<Utc>) -> bool {
        self.observed(&[Proves::Absence, Proves::Contradiction])
            .iter()
            .any(|seen| is_of_this_hour(seen, now))
    }

    /// Whether the gateway says in this hour that it does not have the payout, or that it failed.
    pub(super) fn is_freshly_unpaid(&self, now: DateTime<Utc>) -> bool {
        let failed = |finding: &Finding| {
            matches!(
                finding,
                Finding::Found {
                    status: Some(3 | 4),
                    ..
                }
            )
        };
        let observed = self.payout.observed.iter();
        let mut failures = observed.filter(|(finding, _)| failed(finding));
        self.is_freshly_not_found(now) || failures.any(|(_, seen)| is_of_this_hour(seen, now))
    }

    /// The queries of this hour were sent just now.
    pub(super) fn freshen(&mut self, now: DateTime<Utc>) {
        for seen in self.payout.observed.values_mut() {
            if is_of_this_hour(seen, now) {
                seen.last_sent_at = now;
            }
        }
    }

    /// Everything becomes an hour older.
    pub(super) fn an_hour_passes(&mut self) {
        let hour = TimeDelta::hours(1);
        self.quiet_until -= hour;
        let payout = &mut self.payout;
        for time in [
            &mut payout.send_by,
            &mut payout.declined_at,
            &mut payout.settled_at,
        ] {
            *time = time.map(|time| time - hour);
        }
        payout.observed = std::mem::take(&mut payout.observed)
            .into_iter()
            .map(|(mut finding, mut seen)| {
                if let Finding::NotFound { valid_from, .. } = &mut finding {
                    *valid_from = valid_from.map(|from| from - hour);
                }
                seen.first_at -= hour;
                seen.last_at -= hour;
                seen.last_sent_at -= hour;
                (finding, seen)
            })
            .collect();
    }

    pub(super) fn resubmitted(&mut self, now: DateTime<Utc>, rules: &Rules) {
        let event = Event::ResubmitGranted;
        let (to, _) = step(self.payout.state, event).unwrap();
        self.moves.push((self.payout.state, event, to));
        self.met.push(event.name());
        self.payout.state = to;
        self.payout.attention = self.payout.attention.after(event);
        self.payout.declined_at = None;
        self.sent(now, rules);
    }

    pub(super) fn claimed(&mut self, now: DateTime<Utc>, rules: &Rules) {
        let payout = &mut self.payout;
        let (to, _) = step(payout.state, Event::Claimed).unwrap();
        payout.attention = payout.attention.after(Event::Claimed);
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
        payout.request_sha256 = Some(REQUEST);
        payout.send_by = Some(now);
        payout.queries = 0;
        payout.next_query_at = None;
        payout.observed = BTreeMap::new();
    }

    /// The store's outcome is that of the pure rules at a time between the two `clock` readings, around the call.
    /// `made` is when the evidence was made.
    pub(super) fn received(
        &mut self,
        evidence: &Evidence,
        outcome: &Outcome,
        rules: &Rules,
        clock: [DateTime<Utc>; 2],
        made: Instant,
    ) {
        let source = evidence.fact.source();
        let at = evidence.fact.attempt().unwrap_or(self.payout.attempt);
        // All queries of one batch were sent before the first answer was stored: however late a piece comes to its turn, it
        // is no later than the call is long.
        let span = (clock[1] - clock[0]).to_std().unwrap();
        let decided = [Duration::ZERO, span].map(|late| {
            clock.map(|utc| {
                let instant = made + late;
                decide(&self.payout, evidence, rules, Now { utc, instant })
            })
        });
        let decided = decided.as_flattened();
        // Of another request nothing is noted with the attempt.
        let is_own = evidence.fact.request_sha256() == Some(&REQUEST);
        let own = (is_own && at <= self.payout.attempt && at > 0).then(|| {
            self.outcomes
                .get(&at)
                .cloned()
                .unwrap_or_else(|| evidence.fact.finding().kind().name().to_owned())
        });
        let refused = |decision: &Decision| match decision.event {
            Some(Event::NotSent) => own.as_deref() != Some("not_sent"),
            Some(Event::ResolvedPaid | Event::ResolvedFailed | Event::ResolvedReturned) => {
                !self.allowed
            }
            _ => false,
        };
        let (at, finding, decision) = match outcome {
            Outcome::Locked(lock) => panic!("nobody else locks {}: {lock:?}", evidence.key),
            Outcome::UnknownPayout => panic!("{} is there", evidence.key),
            Outcome::Refused(why) | Outcome::Unstorable(why) => {
                assert!(
                    decided.iter().any(&refused),
                    "{:?} was refused: {why}",
                    evidence.fact
                );
                // Stored without reading its payout, it is kept under attempt 0 when it names none.
                let at = evidence.fact.attempt().unwrap_or(0);
                (at, evidence.fact.finding(), None)
            }
            Outcome::Recorded(change) => {
                let same = |decision: &Decision| {
                    let moved = decision
                        .event
                        .map(|event| (self.payout.state, event, decision.after.state));
                    !refused(decision)
                        && moved == change.moved
                        && words(&decision.finding, false) == words(&change.finding, false)
                        && decision.notes == change.notes
                };
                let decision = decided.iter().find(|decision| same(decision));
                let decision = decision.unwrap_or_else(|| {
                    panic!("{:?} made {change:?}, not {:?}", evidence.fact, decided[1])
                });
                (at, decision.finding, Some(decision.clone()))
            }
        };
        let is_bound = matches!(finding, Finding::Callback { mismatch: None, .. });
        let mut digest = Vec::new();
        // Whatever is not ours is counted in one row.
        if let Fact::Callback(callback) = &evidence.fact
            && is_bound
        {
            digest = callback.digest().to_vec();
        }
        let mut sent_at = None;
        if let Fact::Queried { sent_at: at, .. } = evidence.fact {
            sent_at = Some(clock[0] - (made - at));
        }
        let before = sent_at.and_then(|_| self.payout.observed.get(&finding));
        let is_new = before.is_none_or(|before| sent_at.unwrap() > before.last_at);
        *self
            .evidence
            .entry((
                at,
                source.name(),
                words(&finding, decision.is_none()),
                digest,
            ))
            .or_default() += i32::from(is_new);
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
        if source == Source::Query {
            let seen = self.payout.observed.entry(finding).or_insert(Observed {
                times: 0,
                first_at: clock[1],
                last_at: clock[0],
                last_sent_at: clock[0],
            });
            seen.last_sent_at = sent_at.unwrap();
            seen.times += u32::from(is_new);
            if is_new {
                seen.last_at = clock[0];
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
        words.push("called".into());
        words.extend(payout.called_back.clone());
        words.push("attention".into());
        words.extend(payout.attention.reasons().map(|reason| reason.to_string()));
        let flag = |flag: bool| if flag { "t" } else { "f" };
        words.extend(["declined", flag(payout.declined_at.is_some())].map(Into::into));
        words.extend(["ours", flag(payout.proven_ours)].map(Into::into));
        words.extend(["settled", flag(payout.settled_at.is_some())].map(Into::into));
        words.extend(["queries".to_owned(), payout.queries.to_string()]);
        words.push(flag(payout.next_query_at.is_some()).into());
        words.join(" ")
    }

    /// The evidence of a word, made at `made`.
    pub(super) fn evidence(&self, ago: i32, word: &str, made: Instant) -> Evidence {
        let attempt = (self.payout.attempt - ago).max(0);
        let (word, late) = word
            .strip_prefix('~')
            .map_or((word, false), |word| (word, true));
        let (word, status) = word.split_once(':').unwrap_or((word, "1"));
        let submitted = |answer| Fact::Submitted {
            attempt,
            request_sha256: REQUEST,
            answer,
        };
        let queried = |answer| Fact::Queried {
            answer,
            sent_at: if late { made - LATE } else { made },
        };
        let fact = match word {
            "unsent" => Fact::NotSent {
                attempt,
                request_sha256: if late { [8; 32] } else { REQUEST },
            },
            "ack" => submitted(SubmitAnswer::Acknowledged {
                platform_order_num: Some(self.platform_order_num()),
                fee: None,
                status: GatewayStatus::parse(status),
            }),
            "fail" => submitted(SubmitAnswer::Declined {
                message: "busy".into(),
            }),
            "doubt" => submitted(SubmitAnswer::Doubt(Doubt::Timeout)),
            "lease" => Fact::LeaseExpired { attempt },
            "none" => queried(QueryAnswer::NotFound),
            "query?" => queried(QueryAnswer::Doubt(Doubt::HttpStatus)),
            "found" => queried(QueryAnswer::Found(self.found(status))),
            "callback" => Fact::Callback(self.callback(status, "1")),
            "forged" => Fact::Callback(self.callback(status, "2")),
            "paid" => Fact::Resolved(Resolution::Paid { fee: None }),
            "failed" => Fact::Resolved(Resolution::Failed),
            "returned" => Fact::Resolved(Resolution::Returned { amount: None }),
            other => panic!("{other} is no word"),
        };
        Evidence {
            key: self.payout.instruction.key.clone(),
            fact,
            detail: serde_json::json!({}),
        }
    }

    /// An answer to a query, with a fee after `+`.
    fn found(&self, status: &str) -> Found {
        let (status, fee) = status
            .split_once('+')
            .map_or((status, None), |(status, _)| {
                (status, Some(Rupiah::new(6_000)))
            });
        Found {
            platform_order_num: Some(self.platform_order_num()),
            amount: Some(Rupiah::new(AMOUNT)),
            fee,
            status: GatewayStatus::parse(status),
            message: String::new(),
            signed: true,
        }
    }

    /// What the gateway calls this payout and no other.
    fn platform_order_num(&self) -> String {
        format!("W-{}", self.payout.instruction.key.order_num)
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
            ("platOrderNum", self.platform_order_num()),
            ("status", status.into()),
            ("statusMsg", "ok".into()),
        ];
        let digest = format!("{whose} {status}").into_bytes();
        let fields = fields.map(|(name, value)| (name.to_owned(), value));
        Callback::new(fields.into_iter().collect(), true, digest)
    }
}

/// Whether its latest query was sent since the last hour passed.
fn is_of_this_hour(seen: &Observed, now: DateTime<Utc>) -> bool {
    seen.last_sent_at > now - TimeDelta::minutes(30)
}

/// A finding as the comparison reads it from the columns, without the time, which the test's own clock cannot know exactly.
fn words(finding: &Finding, refused: bool) -> String {
    let columns = finding.columns();
    let flag = |flag: bool| if flag { "t" } else { "f" }.to_owned();
    let words = [
        Some(columns.kind.into_owned()),
        columns.status.map(|status| status.to_string()),
        columns.signed.map(flag),
        columns.bound.map(flag),
        columns.mismatch.map(Into::into),
        columns.doubt.map(Into::into),
        columns.proves.map(Into::into),
        Some(flag(refused)),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}
