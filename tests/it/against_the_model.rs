//! The real store on a real Postgres does what the pure rules say, for any evidence in any order.

mod pure;

use std::{
    cell::RefCell,
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use payout_worker::{
    domain::{
        decide::Rules,
        evidence::Evidence,
        money::{FeeType, Rupiah},
        schedule::PollRules,
        state::State,
    },
    permit::{SealedRequest, SendBy},
    store::{
        claim::{ClaimOrder, Granted, Terms},
        record::record,
    },
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use self::pure::Pure;
use crate::support::{
    claim::{Claim, claim, claim_resubmit},
    database::{ADDRESS, Database},
    server::unique,
};

const CASES: u32 = 128;
const LONGEST: usize = 25;
const PAYOUTS: usize = 3;
const AMOUNT: i64 = 100_000;
const RESERVE: i64 = 10_000;
/// Stands for the hash of every request.
const REQUEST: [u8; 32] = [7; 32];
/// How long before it is stored the query of a late answer was sent.
const LATE: Duration = Duration::from_mins(90);

/// One step of a history.
#[derive(Clone, Debug)]
enum Happens {
    /// Claims every due payout.
    Claim,
    /// Lets an hour pass.
    Hour,
    /// Stores evidence in one batch: which payout, how many attempts ago, and a word for the fact. `~` before the word: its
    /// query was sent ninety minutes ago; of a proof, that it is about another request.
    Received(Vec<(usize, i32, &'static str)>),
    /// One person requests it, another approves, and it is carried out if allowed: `resubmit`, `paid`, `failed` or `returned`.
    Wanted(usize, &'static str),
}

/// The words for facts: after `:` the gateway's status, then `+` if it has a fee.
const WORDS: &str = "ack ack:2 fail doubt lease unsent ~unsent none ~none query? found:1 found:9 found:2 found:2+ found:4 \
                     callback:1 callback:2 callback:4 forged:2 forged:4 paid failed returned";

/// Each history draws from a few words only: with all of them, the first few would settle everything.
fn happens() -> impl Strategy<Value = Vec<Happens>> {
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    proptest::sample::subsequence(words, 2..=12).prop_flat_map(|words| {
        let word = proptest::sample::select(words);
        let piece = (0..PAYOUTS, prop_oneof![6 => Just(0), 1 => Just(1)], word);
        let received = proptest::collection::vec(piece, 1..6).prop_map(Happens::Received);
        let wish = proptest::sample::select(vec!["resubmit", "paid", "failed", "returned"]);
        let wanted = (0..PAYOUTS, wish).prop_map(|(at, wish)| Happens::Wanted(at, wish));
        let one =
            prop_oneof![2 => Just(Happens::Claim), 4 => Just(Happens::Hour), 12 => received, 1 => wanted];
        proptest::collection::vec(one, 1..LONGEST)
    })
}

#[test]
fn postgres_stores_for_any_evidence_what_the_pure_rules_decide() {
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

/// Histories that chance seldom produces: a corrected fee, a fee known later, a confirmed decline, raised attention, and a
/// request that twice never left.
#[tokio::test]
async fn postgres_stores_for_rare_histories_too_what_the_pure_rules_decide() {
    let database = Database::fresh().await;
    let lives: [(&str, &[&str]); 11] = [
        (
            "resubmit_granted",
            &[
                "doubt",
                "hour",
                "none",
                "none",
                "!resubmit",
                "hour",
                "none",
                "!resubmit",
                "unsent",
                "ack",
            ],
        ),
        (
            "resolved_failed",
            &[
                "doubt", "!failed", "hour", "none", "!failed", "found:2", "!paid",
            ],
        ),
        (
            "late_capture",
            &[
                "fail", "hour", "none", "!failed", "hour", "none", "!failed", "!paid",
            ],
        ),
        (
            "resolved_returned",
            &[
                "ack",
                "!returned",
                "!paid",
                "!returned",
                "found:2+",
                "!returned",
            ],
        ),
        ("fee_corrected", &["ack", "callback:2", "found:2+"]),
        ("fee_known", &["ack", "found:2", "found:2+", "found:2"]),
        (
            "refusal_confirmed",
            &[
                "fail", "none", "hour", "none", "hour", "none", "none", "found:2",
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
                    word if word.starts_with('!') => Happens::Wanted(0, &word[1..]),
                    word => Happens::Received(vec![(0, 0, word)]),
                };
                both.happens(&step).await;
            }
            assert!(both.payouts[0].met.contains(&met), "{met}: {life:?}");
        }
    }
}

/// Poll rules whose pauses end immediately, or never during a test.
fn rules(quiet: bool, callbacks_settle: bool) -> Rules {
    let pause = |long| if quiet { long } else { Duration::ZERO };
    Rules {
        poll: PollRules {
            first_after: Duration::from_secs(5),
            max_interval: Duration::from_hours(6),
            quiet_horizon: pause(Duration::from_mins(30)),
            decline_confirm: pause(Duration::from_mins(1)),
        },
        callbacks_settle,
    }
}

/// The store and the pure rules side by side, for a merchant of their own.
struct Both<'a> {
    database: &'a Database,
    /// The login that requests; the owner's is the second person.
    requester: PgConnection,
    merchant: String,
    order: Claim,
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
        let order = Claim {
            terms: Terms {
                address: ADDRESS.parse().unwrap(),
                lease: Duration::from_secs(90),
                send_window: Duration::ZERO,
                quiet_horizon: rules.poll.quiet_horizon,
                last: None,
                worker: "test".into(),
            },
            order: ClaimOrder {
                after: None,
                merchant_code: merchant.clone(),
                dialect: "bdpay".into(),
                base_url: "https://gateway.example".into(),
                platform_keys: Vec::new(),
                limit: 100,
                seal: Arc::new(|_, _| {
                    Ok(SealedRequest {
                        body: Bytes::from_static(b"body"),
                        request_sha256: REQUEST,
                    })
                }),
            },
        };
        payout_worker::store::failover::register_identity(database.pool(), Duration::ZERO)
            .await
            .unwrap();
        let login = database.login(&["payout_operator"]).await;
        let requester = database.connect_as(&login).await;
        Self {
            database,
            requester,
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
            Happens::Received(pieces) => self.receive(pieces).await,
            Happens::Wanted(at, "resubmit") => self.resubmit(*at).await,
            Happens::Wanted(at, outcome) => self.resolve(*at, outcome).await,
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
            let due = payout.state == State::Queued && !payout.attention.holds_back_claim();
            let attempt = taken.get(&payout.instruction.key.order_num).copied();
            assert_eq!(
                attempt,
                due.then_some(payout.attempt + 1),
                "{}",
                payout.instruction.key
            );
            if due {
                pure.claimed(now, &self.rules);
            }
        }
    }

    /// Requests as the first person and approves as the second; returns the number of the request if it is allowed.
    async fn request_and_approve(&mut self, request: &str, at: usize) -> Option<i64> {
        let order_num = &self.payouts[at].payout.instruction.key.order_num;
        let requested = sqlx::query_scalar::<_, i64>(AssertSqlSafe(request.to_owned()))
            .bind(order_num)
            .bind(&self.merchant)
            .fetch_one(&mut self.requester)
            .await;
        let id = requested
            .map_err(|error| assert_eq!(code(&error)[..3], *"PW0", "{error}"))
            .ok()?;
        sqlx::query("select payout.approve(r.id) from payout.requests r where r.id = $1 and r.decision is null")
            .bind(id)
            .execute(self.database.pool())
            .await
            .unwrap();
        Some(id)
    }

    /// Ends a request that is not carried out.
    async fn end_request(&self, id: Option<i64>) {
        sqlx::query(
            "select payout.finish_request(i.request_id, i.merchant_code, i.order_num, 'test')
             from payout.request_payouts i where i.request_id = $1",
        )
        .bind(id)
        .execute(self.database.pool())
        .await
        .unwrap();
    }

    /// Dates the queries of this hour just now: on a busy machine they may have been sent longer ago than an act allows
    /// (`policy.proof_fresh_for`).
    async fn freshen(&mut self) {
        let now: DateTime<Utc> = sqlx::query_scalar(
            "with dated as (
                 update payout.evidence e set query_sent_at = n.at
                 from (values (clock_timestamp() - interval '1 second')) n (at)
                 where e.merchant_code = $1 and e.query_sent_at > n.at - interval '30 minutes')
             select clock_timestamp() - interval '1 second'",
        )
        .bind(&self.merchant)
        .fetch_one(self.database.pool())
        .await
        .unwrap();
        for pure in &mut self.payouts {
            pure.freshen(now);
        }
    }

    async fn resubmit(&mut self, at: usize) {
        self.freshen().await;
        let now = Utc::now();
        let proven = self.payouts[at].is_proven_lost(now);
        let request = "select payout.request_resubmit(array[$1], 'a ticket', $2)";
        let id = self.request_and_approve(request, at).await;
        assert_eq!(id.is_some(), proven, "{:?}", self.payouts[at].payout);
        let pure = &mut self.payouts[at];
        let granted = Granted {
            detail: serde_json::json!({}),
            request_id: id.unwrap_or(0),
            key: pure.payout.instruction.key.clone(),
            attempt: pure.payout.attempt,
            proven_until: SendBy::after(Duration::from_mins(1)),
        };
        let sent = claim_resubmit(self.database.pool(), &self.order, &granted).await;
        let fresh = proven && pure.is_freshly_not_found(now);
        assert_eq!(sent.is_ok(), fresh, "{sent:?} {:?}", pure.payout);
        if fresh {
            pure.resubmitted(now, &self.rules);
        }
        self.end_request(id).await;
    }

    async fn resolve(&mut self, at: usize, outcome: &'static str) {
        self.freshen().await;
        let now = Utc::now();
        let request = if outcome == "failed" {
            "select payout.request_resolve_failed($1, 'a letter', 'a ticket', $2, $1)".to_owned()
        } else {
            format!(
                "select payout.resolve($1, '{outcome}', 'a letter', 'a ticket', $2, confirm => $1)"
            )
        };
        let id = self.request_and_approve(&request, at).await;
        let pure = &self.payouts[at];
        let (state, open) = (pure.payout.state, [State::Pending, State::Unknown]);
        let (may_request, may_move) = match outcome {
            "failed" => {
                let quiet = open.contains(&state) && now >= pure.quiet_until;
                (quiet, quiet && pure.is_freshly_unpaid(now))
            }
            "paid" => {
                let late = open.contains(&state) || state == State::Failed;
                (late, late)
            }
            _ => {
                let free = state == State::Paid && pure.payout.held == Rupiah::ZERO;
                (free, free)
            }
        };
        assert_eq!(id.is_some(), may_request, "{outcome} {:?}", pure.payout);
        let made = Instant::now();
        let evidence = pure.evidence(0, outcome, made);
        self.until_nobody_acts().await;
        let before = self.clock().await;
        let outcomes = record(
            self.database.pool(),
            &self.rules,
            std::slice::from_ref(&evidence),
        )
        .await;
        let clock = [before, self.clock().await];
        let pure = &mut self.payouts[at];
        pure.allowed = may_move;
        pure.received(&evidence, &outcomes.unwrap()[0], &self.rules, clock, made);
        pure.allowed = false;
        self.end_request(id).await;
    }

    /// Makes everything an hour older; in Postgres, by bypassing the guards.
    async fn an_hour_passes(&mut self) {
        let older = format!(
            "begin;
             set local session_replication_role = replica;
             update payout.payouts
             set send_by = send_by - interval '1 hour', declined_at = declined_at - interval '1 hour',
                 settled_at = settled_at - interval '1 hour'
             where merchant_code = '{0}';
             update payout.attempts a
             set claimed_at = claimed_at - interval '1 hour', send_by = send_by - interval '1 hour',
                 lease_until = lease_until - interval '1 hour', quiet_until = quiet_until - interval '1 hour'
             where merchant_code = '{0}';
             update payout.evidence
             set first_at = first_at - interval '1 hour', last_at = last_at - interval '1 hour',
                 valid_from = valid_from - interval '1 hour', query_sent_at = query_sent_at - interval '1 hour'
             where merchant_code = '{0}';
             commit;",
            self.merchant
        );
        self.database.run(&older).await;
        self.payouts.iter_mut().for_each(Pure::an_hour_passes);
    }

    async fn receive(&mut self, pieces: &[(usize, i32, &'static str)]) {
        let made = Instant::now();
        let batch: Vec<Evidence> = pieces
            .iter()
            .map(|(at, ago, word)| self.payouts[*at].evidence(*ago, word, made))
            .collect();
        self.until_nobody_acts().await;
        let before = self.clock().await;
        let outcomes = record(self.database.pool(), &self.rules, &batch)
            .await
            .unwrap();
        let after = self.clock().await;
        for (((at, _, _), evidence), outcome) in pieces.iter().zip(&batch).zip(outcomes) {
            self.payouts[*at].received(evidence, &outcome, &self.rules, [before, after], made);
        }
    }

    /// Waits for the end of what a refused act had locked: the server reports an error before it lets go.
    async fn until_nobody_acts(&self) {
        let acting = "select count(*) from pg_stat_activity
                      where datname = current_database() and backend_type = 'client backend'
                        and pid <> pg_backend_pid() and state <> 'idle'";
        while self
            .database
            .text(&format!("select ({acting})::text"))
            .await
            != "0"
        {}
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
            "select concat_ws(' ', state, attempt, sends, not_sent, held, 'fee', fee, 'plat', platform_order_num, 'called', called_back,
                              'attention', nullif(array_to_string(attention_reasons, ' '), ''), 'declined', declined_at is not null, 'ours', proven_ours,
                              'settled', settled_at is not null, 'queries', queries, next_query_at is not null)
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
            "select attempt, source,
                    concat_ws(' ', kind, status, signed, bound, mismatch, doubt, proves, refused) as words,
                    digest, sum(times)::int
             from payout.evidence where (merchant_code, order_num) = ($1, $2) group by 1, 2, 3, 4",
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

    /// The ledger entries of each payout are those that the rules booked.
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

    /// The balances sum to zero, match the ledger, and hold what the open payouts hold.
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

/// The SQLSTATE of a refusal.
fn code(error: &sqlx::Error) -> String {
    let code = error.as_database_error().unwrap().code();
    code.unwrap().into_owned()
}
