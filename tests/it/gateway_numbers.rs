//! The gateway's own order number belongs to one payout of a merchant. An answer that gives it to a second one proves
//! nothing about that one: a person decides.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use payout_worker::{
    domain::{
        callback::Callback,
        evidence::{Doubt, Evidence, Fact, Found, GatewayStatus, QueryAnswer, SubmitAnswer},
        money::Rupiah,
        payout::PayoutKey,
    },
    store::{
        claim::unpark_if_covered,
        failover::register_identity,
        queries::{Controls, control_orders},
        record::{Outcome, record},
    },
    worker::rules,
};
use serde_json::json;
use sqlx::{AssertSqlSafe, PgPool};

use crate::support::{
    claim::claim,
    database::{Database, MERCHANT},
    refusal::Refusal,
    world::{Wishes, World},
};

/// A world in which the test itself is the worker.
struct Desk {
    world: World,
    /// The attempt and the request of each payout that was sent.
    sent: HashMap<String, (i32, [u8; 32])>,
}

impl Desk {
    /// Payouts that are claimed, and of which nothing is known yet.
    async fn sent(orders: &[&str]) -> Self {
        let world = World::with(Wishes {
            workers: 0,
            fee_reserve: 0,
            ..Wishes::default()
        })
        .await;
        world.database.fund(MERCHANT, 1_000_000_000).await;
        let pool = world.database.pool();
        register_identity(pool, Duration::from_secs(3))
            .await
            .unwrap();
        for order in orders {
            world.enqueue(order, 100_000, 0).await;
        }
        unpark_if_covered(pool, MERCHANT).await.unwrap();
        let limit = i32::try_from(orders.len()).unwrap();
        let claimed = claim(pool, &world.claim_order(limit)).await.unwrap();
        let sent = claimed.permits.iter().map(|permit| {
            let request = (permit.attempt(), permit.request().request_sha256);
            (permit.key().order_num.clone(), request)
        });
        let sent: HashMap<_, _> = sent.collect();
        assert_eq!(sent.len(), orders.len());
        Self { world, sent }
    }

    fn answered(&self, order: &str, answer: SubmitAnswer) -> Evidence {
        let (attempt, request_sha256) = self.sent[order];
        evidence(
            order,
            Fact::Submitted {
                attempt,
                request_sha256,
                answer,
            },
        )
    }

    /// The submit was accepted under this number.
    fn accepted(&self, order: &str, number: &str) -> Evidence {
        let answer = SubmitAnswer::Acknowledged {
            platform_order_num: Some(number.to_owned()),
            fee: None,
            status: GatewayStatus::New,
        };
        self.answered(order, answer)
    }

    /// The submit was not answered.
    fn silent(&self, order: &str) -> Evidence {
        self.answered(order, SubmitAnswer::Doubt(Doubt::Timeout))
    }

    async fn store(&self, batch: &[Evidence]) {
        store(&self.world, self.world.database.pool(), batch).await;
    }

    /// State, what is held, and why it needs a person.
    async fn is(&self, order: &str, expected: &str) {
        let line = format!(
            "select concat_ws(' ', state, held, nullif(array_to_string(attention_reasons, ','), ''))
             from payout.payouts where order_num = '{order}'"
        );
        assert_eq!(self.world.database.text(&line).await, expected, "{order}");
    }

    async fn text(&self, query: &str) -> String {
        self.world.database.text(query).await
    }
}

/// Records a batch. All of it is stored, with what follows; what another transaction has locked is tried again, as the
/// worker does.
async fn store(world: &World, pool: &PgPool, batch: &[Evidence]) {
    let rules = rules(&world.config.poll, true);
    let mut left = batch.to_vec();
    while !left.is_empty() {
        let outcomes = record(pool, &rules, &left).await.unwrap();
        let pieces = std::mem::take(&mut left).into_iter().zip(outcomes);
        for (piece, outcome) in pieces {
            match outcome {
                Outcome::Recorded(_) => {}
                Outcome::Locked(_) => left.push(piece),
                Outcome::Refused(_) | Outcome::Unstorable(_) | Outcome::UnknownPayout => {
                    panic!("{piece:?}: {outcome:?}")
                }
            }
        }
    }
}

fn evidence(order: &str, fact: Fact) -> Evidence {
    Evidence {
        key: PayoutKey {
            merchant_code: MERCHANT.to_owned(),
            order_num: order.to_owned(),
        },
        fact,
        detail: json!({}),
    }
}

/// A signed answer to a query that is sent now.
fn found(order: &str, number: &str, status: &str) -> Evidence {
    let answer = QueryAnswer::Found(Found {
        platform_order_num: Some(number.to_owned()),
        amount: Some(Rupiah::new(100_000)),
        fee: Some(Rupiah::ZERO),
        status: GatewayStatus::parse(status),
        message: String::new(),
        signed: true,
    });
    let sent_at = Instant::now();
    evidence(order, Fact::Queried { answer, sent_at })
}

/// A callback in which every field but the gateway's number is known to be ours.
fn callback(order: &str, number: &str, status: &str) -> Evidence {
    let fields = [
        ("bankCode", "014"),
        ("fee", "0"),
        ("feeType", "0"),
        ("money", "100000"),
        ("name", "Siti Rahayu"),
        ("number", "0012345678"),
        ("orderNum", order),
        ("platOrderNum", number),
        ("status", status),
        ("statusMsg", "Payout"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let fields = BTreeMap::from(fields);
    let digest = format!("{order} {number} {status}").into_bytes();
    evidence(order, Fact::Callback(Callback::new(fields, true, digest)))
}

/// The attack: both became paid, and nobody was told. The others of the batch are stored as if nothing had happened.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_payouts_that_are_accepted_under_one_number_one_is_paid_and_a_person_decides_the_other()
 {
    let desk = Desk::sent(&["INV-1", "INV-2", "INV-3"]).await;
    let (first, second, own) = ("INV-1", "INV-2", "INV-3");
    desk.store(&[
        desk.accepted(first, "W1"),
        desk.accepted(second, "W1"),
        desk.accepted(own, "W3"),
    ])
    .await;
    desk.is(first, "pending 100000").await;
    desk.is(second, "unknown 100000 foreign_order").await;
    desk.is(own, "pending 100000").await;
    for _ in 0..3 {
        desk.store(&[
            found(first, "W1", "2"),
            found(second, "W1", "2"),
            found(own, "W3", "2"),
        ])
        .await;
        desk.is(first, "paid 0").await;
        desk.is(second, "unknown 100000 foreign_order").await;
        desk.is(own, "paid 0").await;
    }
    // Nothing of what the gateway said is lost, it is told once, and the payout is queried on.
    let kept =
        "select string_agg(concat_ws(' ', source, kind, doubt, times, refused), ', ' order by id)
                from payout.evidence where order_num = 'INV-2'";
    assert_eq!(
        desk.text(kept).await,
        "submit doubt number_in_use 1 f, query doubt number_in_use 3 f"
    );
    let told = "select string_agg(concat_ws(' ', event, detail->>'attention'), ', ' order by seq)
                from payout.history where order_num = 'INV-2' and source in ('submit', 'query')";
    assert_eq!(
        desk.text(told).await,
        "unanswered, contradicted, attention_raised foreign_order"
    );
    let queried = "select next_query_at > now() from payout.payouts where order_num = 'INV-2'";
    assert_eq!(desk.text(queried).await, "true");
    let [_, held, ..] = desk.world.accounts().await;
    assert_eq!(held, 100_000, "the money of the one in doubt");
}

/// Neighbour: the submits were not answered, so the queries tell the number. A failure of the other order is not ours
/// either.
#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_finds_another_payouts_number_neither_pays_nor_fails() {
    let orders = ["INV-1", "INV-2", "INV-3", "INV-4", "INV-5", "INV-6"];
    let desk = Desk::sent(&orders).await;
    desk.store(&orders.map(|order| desk.silent(order))).await;
    let pairs = [("2", "2"), ("4", "2"), ("2", "4")];
    for (pair, (theirs, ours)) in orders.chunks(2).zip(pairs) {
        let number = format!("W-{theirs}-{ours}");
        desk.store(&[
            found(pair[0], &number, theirs),
            found(pair[1], &number, ours),
        ])
        .await;
        let end = if theirs == "2" { "paid 0" } else { "failed 0" };
        desk.is(pair[0], end).await;
        desk.is(pair[1], "unknown 100000 foreign_order").await;
    }
    // Its own number settles it. That the gateway gave it another one before stays with a person.
    desk.store(&[found("INV-2", "W-2", "2")]).await;
    desk.is("INV-2", "paid 0 foreign_order").await;
}

/// Neighbour: a callback.
#[tokio::test(flavor = "multi_thread")]
async fn a_callback_with_another_payouts_number_settles_nothing() {
    let orders = ["INV-1", "INV-2", "INV-3"];
    let desk = Desk::sent(&orders).await;
    desk.store(&[
        desk.accepted("INV-1", "W1"),
        desk.accepted("INV-2", "W1"),
        desk.silent("INV-3"),
    ])
    .await;
    for _ in 0..2 {
        desk.store(&orders.map(|order| callback(order, "W1", "2")))
            .await;
        desk.is("INV-1", "paid 0").await;
        desk.is("INV-2", "unknown 100000 foreign_order").await;
        desk.is("INV-3", "unknown 100000").await;
    }
    let queried =
        "select count(*) from payout.payouts where state = 'unknown' and next_query_at <= now()";
    assert_eq!(desk.text(queried).await, "2");
    desk.store(&[found("INV-3", "W1", "2")]).await;
    desk.is("INV-3", "unknown 100000 foreign_order").await;
    // A callback about the payout itself, once its own number is known, proves that it is ours.
    desk.store(&[found("INV-3", "W3", "1"), callback("INV-3", "W3", "2")])
        .await;
    desk.is("INV-3", "paid 0").await;
}

/// Neighbour: a payout that is final already.
#[tokio::test(flavor = "multi_thread")]
async fn another_payouts_number_on_a_final_payout_needs_a_person() {
    let desk = Desk::sent(&["INV-1", "INV-2"]).await;
    let unnumbered = |status: &str| {
        let mut evidence = found("INV-2", "", status);
        if let Fact::Queried {
            answer: QueryAnswer::Found(found),
            ..
        } = &mut evidence.fact
        {
            found.platform_order_num = None;
        }
        evidence
    };
    desk.store(&[desk.accepted("INV-1", "W1"), desk.silent("INV-2")])
        .await;
    desk.store(&[unnumbered("4")]).await;
    desk.is("INV-2", "failed 0").await;
    desk.store(&[found("INV-2", "W1", "2")]).await;
    desk.is("INV-2", "failed 0 contradiction,foreign_order")
        .await;
    // It is answered, so it is queried again as a final payout is.
    let next = "select next_query_at > now() + interval '50 minutes' from payout.payouts where order_num = 'INV-2'";
    assert_eq!(desk.text(next).await, "true");
}

/// Two workers at once: the second one waits for the first one's commit, and then knows.
#[tokio::test(flavor = "multi_thread")]
async fn two_workers_that_learn_one_number_at_once_settle_one_payout_with_it() {
    let desk = Desk::sent(&["INV-1", "INV-2", "INV-3", "INV-4"]).await;
    let database = &desk.world.database;
    for (theirs, ours, end, expected) in [
        ("INV-1", "INV-2", "commit", "unknown 100000 foreign_order"),
        ("INV-3", "INV-4", "rollback", "pending 100000"),
    ] {
        let mut other = database.connect().await;
        let learns = format!(
            "begin; update payout.payouts set platform_order_num = 'W-{end}' where order_num = '{theirs}'"
        );
        sqlx::raw_sql(AssertSqlSafe(learns))
            .execute(&mut other)
            .await
            .unwrap();
        let batch = [desk.accepted(ours, &format!("W-{end}"))];
        let ended = async {
            database.until_somebody_waits_for_a_lock().await;
            sqlx::raw_sql(AssertSqlSafe(end))
                .execute(&mut other)
                .await
                .unwrap();
        };
        tokio::join!(desk.store(&batch), ended);
        desk.is(ours, expected).await;
    }
}

/// The same with nobody in between, in whatever order the two meet.
#[tokio::test(flavor = "multi_thread")]
async fn however_two_workers_meet_one_number_pays_once() {
    let names: Vec<String> = (1..=24).map(|number| format!("INV-{number}")).collect();
    let orders: Vec<&str> = names.iter().map(String::as_str).collect();
    let desk = Desk::sent(&orders).await;
    let silent: Vec<Evidence> = orders.iter().map(|order| desk.silent(order)).collect();
    desk.store(&silent).await;
    // Each batch has the numbers in an order of its own, so that each can wait for the other.
    let (one, another) = orders.split_at(12);
    let answers = |orders: &[&str]| -> Vec<Evidence> {
        let numbered = orders.iter().enumerate();
        numbered
            .map(|(at, order)| found(order, &format!("W{at}"), "2"))
            .collect()
    };
    let (one, mut another) = (answers(one), answers(another));
    another.reverse();
    tokio::join!(desk.store(&one), desk.store(&another));
    let ends = "select string_agg(concat_ws(' ', n, state, attention), ', ' order by state)
                from (select state, attention, count(*) n from payout.payouts group by 1, 2) ends";
    assert_eq!(
        desk.text(ends).await,
        "12 paid, 12 unknown foreign_order",
        "one of each pair"
    );
}

/// Whoever states an end sees it, and the database keeps the rule whatever the program does.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_decides_sees_that_the_number_is_another_payouts() {
    let desk = Desk::sent(&["INV-1", "INV-2"]).await;
    desk.store(&[desk.accepted("INV-1", "W1"), desk.accepted("INV-2", "W1")])
        .await;
    for act in [
        "payout.resolve('INV-2', 'paid', 'letter 7', 'ticket 1')",
        "payout.request_resolve_failed('INV-2', 'letter 7', 'ticket 1')",
    ] {
        let unconfirmed = desk.world.database.try_run(&format!("select {act}")).await;
        let refusal = Refusal::expected(act, unconfirmed);
        assert_eq!(refusal.code, "PW032", "{}", refusal.everything);
        let seen = "submit: number in use, 1 times";
        assert!(refusal.everything.contains(seen), "{}", refusal.everything);
    }
    let two = "select payout.people_needed('resolve_paid', p) from payout.payouts p where order_num = 'INV-2'";
    assert_eq!(desk.text(two).await, "2");
}

#[tokio::test]
async fn no_two_payouts_of_a_merchant_have_one_number_and_other_merchants_do_not_matter() {
    let database = Database::with_merchant().await;
    database.register_merchant("OTHER").await;
    for (merchant, order) in [(MERCHANT, "INV-1"), (MERCHANT, "INV-2"), ("OTHER", "INV-1")] {
        let enqueue = format!(
            "select payout.enqueue('{order}', 100000, 0, '014', '0012345678', 'Siti Rahayu',
                                   merchant_code => '{merchant}')"
        );
        database.run(&enqueue).await;
    }
    let learn = |merchant: &str, order: &str| {
        format!(
            "update payout.payouts set platform_order_num = 'W1'
             where (merchant_code, order_num) = ('{merchant}', '{order}')"
        )
    };
    database.run(&learn(MERCHANT, "INV-1")).await;
    database.run(&learn(MERCHANT, "INV-1")).await;
    database.run(&learn("OTHER", "INV-1")).await;
    let second = learn(MERCHANT, "INV-2");
    Refusal::expected(&second, database.try_run(&second).await).is(
        &second,
        "23505",
        "platform_order_num_is_used_once",
    );
}

/// A gateway that answers queries from an old copy knows old orders. So "not found" counts only beside one order that was
/// sent before and one that was sent after; of a payout that was never sent or was declined, beside the one sent last,
/// however late an older one was paid.
#[tokio::test]
async fn the_orders_that_the_gateway_must_know_were_sent_before_and_after() {
    let database = Database::with_steps().await;
    for (order_num, minutes) in [("OLD", 60), ("OLDER", 90), ("NEW", 1), ("AGAIN", 0)] {
        database.insert_in("paid", order_num).await;
        database
            .run(&format!(
                "set session_replication_role = replica;
                 update payout.payouts set platform_order_num = order_num, send_by = now() - interval '{minutes} minutes',
                     sends = case order_num when 'AGAIN' then 2 else 1 end,
                     attempt = case order_num when 'AGAIN' then 2 else 1 end,
                     resubmits_granted = case order_num when 'AGAIN' then 1 else 0 end
                 where order_num = '{order_num}';
                 update payout.attempts set claimed_at = now() - interval '{minutes} minutes'
                 where order_num = '{order_num}';
                 set session_replication_role = origin"
            ))
            .await;
    }
    database.insert_in("queued", "QUEUED").await;
    database.insert_in("unknown", "UNKNOWN").await;
    let sent = async |minutes: i32| {
        database
            .run(&format!(
                "set session_replication_role = replica;
                 update payout.payouts set send_by = now() - interval '{minutes} minutes' where order_num = 'UNKNOWN';
                 update payout.attempts set claimed_at = now() - interval '{minutes} minutes',
                     quiet_until = now() - interval '{minutes} minutes' + interval '30 minutes'
                 where order_num = 'UNKNOWN';
                 set session_replication_role = origin"
            ))
            .await;
    };
    let controls = async |order_num: &str| {
        let key = PayoutKey {
            merchant_code: MERCHANT.to_owned(),
            order_num: order_num.to_owned(),
        };
        control_orders(database.pool(), &key).await.unwrap()
    };
    let around = |before: Option<&str>, after: Option<&str>| Controls::Around {
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
    };
    // One that was sent twice may be known since its first time, so it vouches for nothing.
    let newest = Controls::Newest(Some("NEW".to_owned()));
    assert_eq!(controls("QUEUED").await, newest);
    // Its quiet horizon of half an hour is over: whatever arrived of it, arrived before NEW was sent.
    sent(40).await;
    assert_eq!(controls("UNKNOWN").await, around(Some("OLD"), Some("NEW")));
    sent(75).await;
    assert_eq!(
        controls("UNKNOWN").await,
        around(Some("OLDER"), Some("NEW"))
    );
    sent(120).await;
    assert_eq!(controls("UNKNOWN").await, around(None, Some("NEW")));
    sent(20).await;
    assert_eq!(controls("UNKNOWN").await, around(Some("OLD"), None));
}
