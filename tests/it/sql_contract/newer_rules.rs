//! A rule about the instruction that a later version adds: it binds new payouts, and older ones still settle.

use payout_worker::store::schema::migrate;

use crate::support::{refusal::Refusal, world::World};

/// What the first migration with a new rule would do: see CONTRIBUTING.md, "Add a rule about the instruction".
const NEWER_RULE: &str = "
    alter table payout.payouts add constraint amount_is_not_small check (rules < 2 or amount >= 50000);
    create or replace function payout.rules_version() returns smallint language sql immutable return 2::smallint";

fn insert(order_num: &str, amount: i64, more: &str, value: &str) -> String {
    format!(
        "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name{more})
         values ('{order_num}', {amount}, 1, '014', '0012345678', 'Siti Rahayu'{value}) on conflict do nothing"
    )
}

/// What `payout migrate` says of rules.
async fn listed(world: &World) -> Vec<String> {
    let done = migrate(&world.database.url(), &[], &[], false)
        .await
        .unwrap();
    done.into_iter()
        .filter(|line| line.starts_with("rule "))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_payout_that_breaks_a_newer_rule_is_listed_and_still_settles() {
    let world = World::start().await;
    let database = &world.database;
    database
        .run("select payout.pause('all', '', 'a migration')")
        .await;
    for (order_num, amount) in [("OLD-SMALL", 10_000), ("OLD-LARGE", 60_000)] {
        database.run(&insert(order_num, amount, "", "")).await;
    }
    assert_eq!(listed(&world).await, <[String; 0]>::default());
    database.run(NEWER_RULE).await;

    // A backend inserts once more what it inserted before, and what is new.
    database.run(&insert("OLD-SMALL", 10_000, "", "")).await;
    for (more, value) in [("", ""), (", rules", ", 1")] {
        let new = insert("NEW-SMALL", 10_000, more, value);
        let refused = Refusal::expected(&new, database.try_run(&new).await);
        assert_eq!(refused.code, "23514", "{refused:?}");
        assert!(
            refused.message.contains("amount_is_not_small"),
            "{refused:?}"
        );
    }
    database.run(&insert("NEW-LARGE", 60_000, "", "")).await;
    let versions =
        "select string_agg(order_num || '=' || rules, ' ' order by order_num) from payout.payouts";
    assert_eq!(
        database.text(versions).await,
        "NEW-LARGE=2 OLD-LARGE=1 OLD-SMALL=1"
    );
    let dodge = "update payout.payouts set rules = 1 where order_num = 'NEW-LARGE'";
    Refusal::expected(dodge, database.try_run(dodge).await).is(
        dodge,
        "PW011",
        "the instruction is frozen",
    );

    let [sentence] = <[String; 1]>::try_from(listed(&world).await).unwrap();
    assert_eq!(
        sentence,
        "rule amount_is_not_small: binds new payouts only; open older payouts that break it: 1. They are sent and settled as \
         they are; cancel a queued one that must not be: S2020198627344 OLD-SMALL (queued)"
    );
    database
        .run("select payout.resume('all', '', 'done')")
        .await;
    world
        .until(
            "select count(*) from payout.payouts where state = 'paid'",
            "3",
        )
        .await;
    assert_eq!(
        listed(&world).await,
        <[String; 0]>::default(),
        "what is settled needs nobody"
    );
    world.assert_books_agree().await;
}
