//! The real store on a real Postgres does what the pure rules say, whatever evidence comes in whatever order.

use std::{cell::RefCell, collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use payout_worker::{
    domain::{
        callback::Callback,
        decide::{Decision, Rules, decide},
        evidence::{
            Doubt, Evidence, Fact, Found, GatewayStatus, QueryAnswer, Resolution, Source,
            SubmitAnswer,
        },
        money::{FeeType, Rupiah},
        payout::{Heard, Instruction, Payout, PayoutKey, Private},
        schedule::AskRules,
        state::{Event, State, step},
    },
    ports::SealedRequest,
    store::{
        claim::{ClaimOrder, claim},
        record::{Outcome, record},
    },
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use sqlx::{AssertSqlSafe, Row as _};

use crate::support::{database::Database, server::unique};

const CASES: u32 = 128;
const LONGEST: usize = 25;
const PAYOUTS: usize = 3;
const AMOUNT: i64 = 100_000;
const RESERVE: i64 = 10_000;
/// Stands for the hash of every request.
const REQUEST: [u8; 32] = [7; 32];
/// How long before it is stored the question of a late answer was sent.
const LATE: Duration = Duration::from_mins(90);

/// One thing that happens.
#[derive(Clone, Debug)]
enum Happens {
    /// Every due payout is claimed.
    Claim,
    /// An hour passes.
    Hour,
    /// Evidence in one batch: which payout, how many attempts ago, and a word for the fact. `~` before the word: its
    /// question was sent ninety minutes ago; of a proof, that it is about another request.
    Told(Vec<(usize, i32, &'static str)>),
}

/// The words for facts; after `:` the gateway's status, `+` with a fee.
const WORDS: &str = "ack ack:2 fail doubt lease unsent ~unsent none ~none ask? says:1 says:9 says:2 says:2+ says:4 \
                     calls:1 calls:2 calls:4 forged:2 forged:4 paid failed returned";

/// Each life knows a few words only: with all of them the first ones would settle everything.
fn happens() -> impl Strategy<Value = Vec<Happens>> {
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    proptest::sample::subsequence(words, 2..=12).prop_flat_map(|words| {
        let word = proptest::sample::select(words);
        let piece = (0..PAYOUTS, prop_oneof![6 => Just(0), 1 => Just(1)], word);
        let told = proptest::collection::vec(piece, 1..6).prop_map(Happens::Told);
        let one = prop_oneof![1 => Just(Happens::Claim), 2 => Just(Happens::Hour), 6 => told];
        proptest::collection::vec(one, 1..LONGEST)
    })
}

#[test]
fn any_evidence_leaves_in_postgres_what_the_pure_rules_say() {
    let seed = std::env::var("PAYOUT_TEST_SEED")
        .ok()
        .map_or_else(rand::random::<u64>, |seed| seed.parse().unwrap());
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(Database::fresh());
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let met = RefCell::new(BTreeMap::<&'static str, u32>::new());
    let case = (happens(), any::<bool>(), any::<bool>(), any::<bool>());
    let result = runner.run(&case, |(steps, on_top, quiet, settles)| {
        let rules = rules(quiet, settles);
        runtime.block_on(async {
            let mut both = Both::new(&database, on_top, rules).await;
            both.happens(&Happens::Claim).await;
            for step in &steps {
                both.happens(step).await;
            }
            let mut met = met.borrow_mut();
            for pure in &both.payouts {
                for word in &pure.met {
                    *met.entry(*word).or_default() += 1;
                }
            }
        });
        Ok(())
    });
    eprintln!("moves and entries compared: {:?}", met.borrow());
    if let Err(failure) = result {
        panic!(
            "PAYOUT_TEST_SEED={seed} cargo test --test it against_the_model repeats it\n{failure}"
        );
    }
}

/// Lives that chance seldom leads: a fee corrected and a fee known later, a refusal confirmed, a person called, and a
/// request that never left twice.
#[tokio::test]
async fn the_rare_lives_too_leave_in_postgres_what_the_pure_rules_say() {
    let database = Database::fresh().await;
    let lives: [(&str, &[&str]); 7] = [
        ("fee_corrected", &["ack", "calls:2", "says:2+"]),
        ("fee_known", &["ack", "says:2", "says:2+", "says:2"]),
        (
            "refusal_confirmed",
            &[
                "fail", "none", "hour", "none", "hour", "none", "none", "says:2",
            ],
        ),
        (
            "unanswered",
            &[
                "doubt", "hour", "none", "none", "hour", "none", "ack", "failed",
            ],
        ),
        ("unanswered", &["~unsent", "doubt", "~unsent", "unsent"]),
        (
            "not_sent",
            &["unsent", "claim", "unsent", "claim", "ack", "unsent"],
        ),
        (
            "unanswered",
            &[
                "doubt", "~none", "hour", "none", "~none", "~none", "hour", "~none", "none", "none",
            ],
        ),
    ];
    for (met, life) in lives {
        for (on_top, quiet) in [(false, false), (false, true), (true, false), (true, true)] {
            let mut both = Both::new(&database, on_top, rules(quiet, true)).await;
            both.happens(&Happens::Claim).await;
            for word in life {
                let step = match *word {
                    "claim" => Happens::Claim,
                    "hour" => Happens::Hour,
                    word => Happens::Told(vec![(0, 0, word)]),
                };
                both.happens(&step).await;
            }
            assert!(both.payouts[0].met.contains(&met), "{met}: {life:?}");
        }
    }
}

/// With pauses that are over at once, or that never are during a test.
fn rules(quiet: bool, callbacks_settle: bool) -> Rules {
    let pause = |long| if quiet { long } else { Duration::ZERO };
    Rules {
        ask: AskRules {
            first_after: Duration::from_secs(5),
            max_interval: Duration::from_hours(6),
            quiet_horizon: pause(Duration::from_mins(30)),
            decline_confirm: pause(Duration::from_mins(1)),
        },
        callbacks_settle,
    }
}

/// A payout as the pure rules have it.
struct Pure {
    payout: Payout,
    /// The outcome of each attempt's own answer.
    outcomes: BTreeMap<i32, String>,
    /// How often which finding was stored, by attempt, source, finding and digest.
    evidence: BTreeMap<(i32, &'static str, String, Vec<u8>), i32>,
    moves: Vec<(State, Event, State)>,
    /// The events and the kinds of entries that it met.
    met: Vec<&'static str>,
    /// What the ledger must have of it: available, held, paid out, fees.
    books: [i64; 4],
}

/// The store and the pure rules side by side, with a merchant of their own.
struct Both<'a> {
    database: &'a Database,
    merchant: String,
    order: ClaimOrder,
    rules: Rules,
    payouts: Vec<Pure>,
}

impl<'a> Both<'a> {
    async fn new(database: &'a Database, on_top: bool, rules: Rules) -> Self {
        let merchant = unique("m").replace('_', "");
        database.register_merchant(&merchant).await;
        let reserve = format!(
            "update payout.merchants set fee_reserve = {RESERVE} where code = '{merchant}'"
        );
        database.run(&reserve).await;
        database.fund(&merchant, 10_000_000).await;
        let fee_type = if on_top {
            FeeType::OnTop
        } else {
            FeeType::OutOfAmount
        };
        let mut payouts = Vec::new();
        for number in 0..PAYOUTS {
            let order_num = format!("P{number}");
            sqlx::query(
                "insert into payout.payouts (merchant_code, order_num, amount, fee_type, bank_code, account_number,
                                             account_name)
                 values ($1, $2, $3, $4, '014', '0012345678', 'Siti Rahayu')",
            )
            .bind(&merchant)
            .bind(&order_num)
            .bind(AMOUNT)
            .bind(fee_type.code())
            .execute(database.pool())
            .await
            .unwrap();
            payouts.push(Pure::enqueued(&merchant, order_num, fee_type));
        }
        let order = ClaimOrder {
            merchant_code: merchant.clone(),
            dialect: "bdpay".into(),
            base_url: "https://gateway.example".into(),
            platform_keys: Vec::new(),
            limit: 100,
            lease: Duration::from_secs(90),
            send_window: Duration::ZERO,
            quiet_horizon: rules.ask.quiet_horizon,
            last: None,
            worker: "test".into(),
            seal: Arc::new(|_, _| {
                Ok(SealedRequest {
                    body: Bytes::from_static(b"body"),
                    body_sha256: REQUEST,
                })
            }),
        };
        payout_worker::store::timeline::begin_timeline(database.pool(), Duration::ZERO)
            .await
            .unwrap();
        Self {
            database,
            merchant,
            order,
            rules,
            payouts,
        }
    }

    async fn happens(&mut self, what: &Happens) {
        match what {
            Happens::Claim => self.claim().await,
            Happens::Hour => self.an_hour_passes().await,
            Happens::Told(pieces) => self.told(pieces).await,
        }
        for pure in &self.payouts {
            self.compare(pure).await;
        }
        self.compare_entries().await;
        self.compare_books().await;
    }

    async fn claim(&mut self) {
        let due = format!(
            "update payout.payouts set due_at = now() where merchant_code = '{}' and state = 'queued'",
            self.merchant
        );
        self.database.run(&due).await;
        let claimed = claim(self.database.pool(), &self.order).await.unwrap();
        let taken: BTreeMap<String, i32> = claimed
            .permits
            .iter()
            .map(|permit| (permit.key().order_num.clone(), permit.attempt()))
            .collect();
        let now = Utc::now();
        for pure in &mut self.payouts {
            let payout = &mut pure.payout;
            let due = payout.state == State::Queued && payout.attention.is_none();
            let attempt = taken.get(&payout.instruction.key.order_num).copied();
            assert_eq!(
                attempt,
                due.then_some(payout.attempt + 1),
                "{}",
                payout.instruction.key
            );
            if due {
                pure.claimed(now);
            }
        }
    }

    /// Everything becomes an hour older, in Postgres past its guards.
    async fn an_hour_passes(&mut self) {
        let older = format!(
            "begin;
             set local session_replication_role = replica;
             update payout.payouts
             set send_by = send_by - interval '1 hour', declined_at = declined_at - interval '1 hour',
                 settled_at = settled_at - interval '1 hour'
             where merchant_code = '{0}';
             update payout.evidence
             set first_at = first_at - interval '1 hour', last_at = last_at - interval '1 hour'
             where merchant_code = '{0}';
             commit;",
            self.merchant
        );
        self.database.run(&older).await;
        for pure in &mut self.payouts {
            let payout = &mut pure.payout;
            let times = [
                &mut payout.send_by,
                &mut payout.declined_at,
                &mut payout.settled_at,
            ];
            for time in times {
                *time = time.map(|time| time - TimeDelta::hours(1));
            }
            for heard in payout.heard.values_mut() {
                heard.first_at -= TimeDelta::hours(1);
                heard.last_at -= TimeDelta::hours(1);
            }
        }
    }

    async fn told(&mut self, pieces: &[(usize, i32, &'static str)]) {
        let batch: Vec<Evidence> = pieces
            .iter()
            .map(|(at, ago, word)| self.payouts[*at].evidence(*ago, word))
            .collect();
        let before = self.clock().await;
        let outcomes = record(self.database.pool(), &self.rules, &batch)
            .await
            .unwrap();
        let after = self.clock().await;
        for (((at, _, _), evidence), outcome) in pieces.iter().zip(&batch).zip(outcomes) {
            self.payouts[*at].told(evidence, &outcome, &self.rules, [before, after]);
        }
    }

    async fn clock(&self) -> DateTime<Utc> {
        sqlx::query_scalar("select clock_timestamp()")
            .fetch_one(self.database.pool())
            .await
            .unwrap()
    }

    async fn compare(&self, pure: &Pure) {
        let key = &pure.payout.instruction.key;
        let found = sqlx::query(
            "select concat_ws(' ', state, attempt, sends, not_sent, held, 'fee', fee, 'plat', platform_order_num,
                              'attention', attention, 'declined', declined_at is not null, 'ours', proven_ours,
                              'settled', settled_at is not null, 'asked', asks, next_ask_at is not null)
             from payout.payouts where (merchant_code, order_num) = ($1, $2)",
        )
        .bind(&key.merchant_code)
        .bind(&key.order_num)
        .fetch_one(self.database.pool())
        .await
        .unwrap();
        assert_eq!(found.get::<String, _>(0), pure.line(), "{key}");

        let moves: Vec<(String, String, String)> = sqlx::query_as(
            "select from_state, event, to_state from payout.history
             where (merchant_code, order_num) = ($1, $2) and to_state is not null order by seq",
        )
        .bind(&key.merchant_code)
        .bind(&key.order_num)
        .fetch_all(self.database.pool())
        .await
        .unwrap();
        let expected: Vec<_> = pure
            .moves
            .iter()
            .map(|(from, event, to)| {
                (
                    from.name().to_owned(),
                    event.name().to_owned(),
                    to.name().to_owned(),
                )
            })
            .collect();
        assert_eq!(moves, expected, "{key}");

        let evidence: Vec<(i32, String, String, Vec<u8>, i32)> = sqlx::query_as(
            "select attempt, source, finding, digest, times from payout.evidence
             where (merchant_code, order_num) = ($1, $2)",
        )
        .bind(&key.merchant_code)
        .bind(&key.order_num)
        .fetch_all(self.database.pool())
        .await
        .unwrap();
        let mut evidence: Vec<_> = evidence;
        evidence.sort();
        let mut expected: Vec<_> = pure
            .evidence
            .iter()
            .map(|((attempt, source, finding, digest), times)| {
                (
                    *attempt,
                    (*source).to_owned(),
                    finding.clone(),
                    digest.clone(),
                    *times,
                )
            })
            .collect();
        expected.sort();
        assert_eq!(evidence, expected, "{key}");
    }

    /// The entries of each payout are those that the rules booked.
    async fn compare_entries(&self) {
        let booked: Vec<(String, i64, i64, i64, i64)> = sqlx::query_as(
            "select order_num, sum(available)::bigint, sum(held)::bigint, sum(paid_out)::bigint, sum(fees)::bigint
             from payout.ledger where merchant_code = $1 and order_num is not null group by order_num",
        )
        .bind(&self.merchant)
        .fetch_all(self.database.pool())
        .await
        .unwrap();
        let mut booked: BTreeMap<String, [i64; 4]> = booked
            .into_iter()
            .map(|(order_num, available, held, paid_out, fees)| {
                (order_num, [available, held, paid_out, fees])
            })
            .collect();
        for pure in &self.payouts {
            let key = &pure.payout.instruction.key;
            let entries = booked.remove(&key.order_num).unwrap_or_default();
            assert_eq!(entries, pure.books, "the ledger of {key}");
        }
    }

    /// Balances sum to zero, follow the ledger, and hold what the open payouts hold.
    async fn compare_books(&self) {
        let wrong = format!(
            "select count(*) from payout.accounts a
             where a.merchant_code = '{0}' and (
                 a.available + a.held + a.paid_out + a.fees + a.funding <> 0
                 or a.held <> (select sum(p.held) from payout.payouts p where p.merchant_code = '{0}')
                 or (a.available, a.held, a.paid_out, a.fees)
                    <> (select sum(l.available)::bigint, sum(l.held)::bigint, sum(l.paid_out)::bigint, sum(l.fees)::bigint
                        from payout.ledger l where l.merchant_code = '{0}'))",
            self.merchant
        );
        let wrong: i64 = sqlx::query_scalar(AssertSqlSafe(wrong))
            .fetch_one(self.database.pool())
            .await
            .unwrap();
        assert_eq!(wrong, 0, "the books of {}", self.merchant);
    }
}

impl Pure {
    fn enqueued(merchant: &str, order_num: String, fee_type: FeeType) -> Self {
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
            asks: 0,
            next_ask_at: None,
            due_at: DateTime::UNIX_EPOCH,
            heard: BTreeMap::new(),
        };
        Self {
            payout,
            outcomes: BTreeMap::new(),
            evidence: BTreeMap::new(),
            moves: Vec::new(),
            met: Vec::new(),
            books: [0; 4],
        }
    }

    fn claimed(&mut self, now: DateTime<Utc>) {
        let payout = &mut self.payout;
        let (to, _) = step(payout.state, Event::Claimed).unwrap();
        self.moves.push((payout.state, Event::Claimed, to));
        payout.state = to;
        payout.attempt += 1;
        payout.sends += 1;
        payout.held = payout
            .instruction
            .fee_type
            .hold(payout.instruction.amount, Rupiah::new(RESERVE))
            .unwrap();
        self.books[0] -= payout.held.idr();
        self.books[1] += payout.held.idr();
        payout.claim = Some(REQUEST);
        payout.send_by = Some(now);
        payout.asks = 0;
        payout.next_ask_at = None;
        payout.heard = BTreeMap::new();
    }

    /// The store's outcome is that of the pure rules at a time between `before` and `after` the call.
    fn told(
        &mut self,
        evidence: &Evidence,
        outcome: &Outcome,
        rules: &Rules,
        clock: [DateTime<Utc>; 2],
    ) {
        let at = evidence.attempt.unwrap_or(self.payout.attempt);
        let decided = clock.map(|now| decide(&self.payout, evidence, rules, now));
        let own =
            (evidence.source == Source::Submit && at <= self.payout.attempt && at > 0).then(|| {
                self.outcomes
                    .get(&at)
                    .cloned()
                    .unwrap_or_else(|| evidence.finding())
            });
        let refused = |decision: &Decision| match decision.event {
            Some(Event::NotSent) => own.as_deref() != Some("not_sent"),
            // No two people asked for it.
            Some(Event::ResolvedPaid | Event::ResolvedFailed | Event::ResolvedReturned) => true,
            _ => false,
        };
        let (at, finding, decision) = match outcome {
            Outcome::UnknownPayout => panic!("{} is there", evidence.key),
            Outcome::Refused(why) => {
                assert!(
                    decided.iter().any(&refused),
                    "{:?} was refused: {why}",
                    evidence.fact
                );
                // Kept alone, where its payout was not read: under attempt 0 when it names none.
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
            // What is not ours is counted under one row, however it reads.
            Fact::Called(callback) if !finding.contains(" unbound") => callback.digest().to_vec(),
            Fact::Called(_)
            | Fact::NotSent { .. }
            | Fact::Submitted(_)
            | Fact::LeaseEnded
            | Fact::Asked(_)
            | Fact::Resolved(_) => Vec::new(),
        };
        let asked = matches!(evidence.fact, Fact::Asked(_));
        let heard = self.payout.heard.get(&finding).filter(|_| asked);
        let anew = heard.is_none_or(|heard| clock[1] - evidence.asked_ago > heard.last_at);
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
            let heard = self.payout.heard.entry(finding).or_insert(Heard {
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

    fn line(&self) -> String {
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
        words.extend(["asked".to_owned(), payout.asks.to_string()]);
        words.push(flag(payout.next_ask_at.is_some()).into());
        words.join(" ")
    }

    fn evidence(&self, ago: i32, word: &str) -> Evidence {
        let of_attempt = Some((self.payout.attempt - ago).max(0));
        let (word, late) = word
            .strip_prefix('~')
            .map_or((word, false), |word| (word, true));
        let (word, status) = word.split_once(':').unwrap_or((word, "1"));
        let submitted = |answer| (Source::Submit, of_attempt, Fact::Submitted(answer));
        let asked = |answer| (Source::Query, None, Fact::Asked(answer));
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
            "lease" => (Source::Worker, of_attempt, Fact::LeaseEnded),
            "none" => asked(QueryAnswer::NotFound),
            "ask?" => asked(QueryAnswer::Doubt(Doubt::HttpStatus)),
            "says" => asked(QueryAnswer::Found(found(status))),
            "calls" => (
                Source::Callback,
                None,
                Fact::Called(self.callback(status, "1")),
            ),
            "forged" => (
                Source::Callback,
                None,
                Fact::Called(self.callback(status, "2")),
            ),
            "paid" => stated(Resolution::Paid { fee: None }),
            "failed" => stated(Resolution::Failed),
            "returned" => stated(Resolution::Returned { amount: None }),
            other => panic!("{other} is no word"),
        };
        Evidence {
            key: self.payout.instruction.key.clone(),
            attempt,
            source,
            fact,
            detail: serde_json::json!({}),
            asked_ago: if late { LATE } else { Duration::ZERO },
        }
    }

    /// Ours, or one whose digits moved to the neighbouring field (protocol P9).
    fn callback(&self, status: &str, whose: &str) -> Callback {
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
