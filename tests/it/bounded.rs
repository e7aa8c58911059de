//! What one merchant's gateway does, and what a worker may have under way, is bounded: in number, and to that merchant.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use payout_sandbox::{
    Dialect, Fault, Pace, Sandbox, Settings, parse_private_key, parse_public_key,
};
use payout_worker::{config, gateway::keys, service::Running, service::keyring, store::schema};

use crate::support::{
    database::Database,
    world::{QUICK, Wishes, World},
};

/// How many doubtful answers in a row stop a merchant's claims.
const DOUBTS: usize = 16;

/// How many trials the breaker may have made within that time: its pause of five seconds doubles, up to a minute.
fn trials_within(elapsed: Duration) -> usize {
    let pauses = std::iter::successors(Some(5_u64), |pause| Some((pause * 2).min(60)));
    let ends = pauses.scan(0, |end, pause| {
        *end += pause;
        Some(Duration::from_secs(*end))
    });
    ends.take_while(|end| *end <= elapsed).count()
}

/// As configured in [`with_few_slots`].
const SLOTS: usize = 5;

/// One payout is paid already, because the first of a lane goes alone. No status is queried.
async fn with_few_slots() -> World {
    let world = World::with(Wishes {
        sections: "
[submit]
concurrency = 5
timeout_seconds = 1.5
lease_seconds = 4
[poll]
first_after_seconds = 60
",
        ..Wishes::default()
    })
    .await;
    world.enqueue("FIRST", 10_000, 0).await;
    world.until_state("FIRST", "paid").await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_submits_are_in_flight_than_configured() {
    let world = with_few_slots().await;
    world.sandbox.set_fault(Fault::NoAnswerBefore);
    for number in 0..30 {
        world.enqueue(&format!("B-{number}"), 10_000, 0).await;
    }
    world
        .sandbox
        .until(|sandbox| sandbox.submits().len() > DOUBTS)
        .await;
    let mut at: Vec<_> = world.sandbox.submits()[1..]
        .iter()
        .map(|submit| submit.at)
        .collect();
    at.sort_unstable();
    // No answer comes, so a slot is free again when its submit times out.
    for (first, sixth) in at.iter().zip(&at[SLOTS..]) {
        let apart = *sixth - *first;
        assert!(
            apart > TimeDelta::milliseconds(1_400),
            "six submits within {apart}: {at:?}"
        );
    }
}

/// However long it lasts: only what was in flight when the claims stopped may have been sent.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_gateway_leaves_the_backlog_queued() {
    for fault in [Fault::Down, Fault::Http500, Fault::NoAnswerBefore] {
        let mut world = with_few_slots().await;
        world.sandbox.set_fault(fault);
        let begun = Instant::now();
        sqlx::query(
            "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
             select 'B-' || n, 10000, 0, '014', '0012345678', 'Siti Rahayu' from generate_series(1, 100) n",
        )
        .execute(world.database.pool())
        .await
        .unwrap();
        // The claims pause for five seconds before they try again, with one payout.
        let trials = "select count(*) > 0 from (
                          select a.claimed_at - lag(a.claimed_at) over (order by a.claimed_at) as pause
                          from payout.attempts a where a.order_num <> 'FIRST') c
                      where c.pause > interval '4 seconds'";
        world.until(trials, "true").await;
        world
            .until(
                "select count(*) from payout.payouts where state = 'submitting'",
                "0",
            )
            .await;
        let left: usize = world
            .database
            .text("select count(*) from payout.payouts where state = 'queued'")
            .await
            .parse()
            .unwrap();
        let trials = trials_within(begun.elapsed());
        assert!(
            left >= 100 - DOUBTS - (SLOTS - 1) - trials,
            "{fault:?}: {left} are queued after {trials} trials"
        );
        world.stop_workers().await;
    }
}

/// A merchant with a gateway of its own.
async fn merchant_at_its_gateway(
    code: &str,
    folder: &std::path::Path,
    listen: std::net::SocketAddr,
) -> (Sandbox, String) {
    let read = |file| std::fs::read_to_string(folder.join(file)).unwrap();
    let sandbox = Sandbox::start(
        Settings {
            dialect: Dialect::Bdpay,
            merchant_code: code.to_owned(),
            merchant_public_key: parse_public_key(&read("merchant.pub")).unwrap(),
            platform_private_key: parse_private_key(&read("platform.key")).unwrap(),
            balance_idr: 1_000_000_000,
            fee_idr: Settings::DEFAULT_FEE_IDR,
            pace: Pace::quick(),
            fail_percent: 0,
            seed: 11,
            strict: true,
        },
        "127.0.0.1:0".parse().unwrap(),
    )
    .await
    .unwrap();
    let table = format!(
        "[[merchant]]\ncode = \"{code}\"\nbase_url = \"{}\"\nprivate_key_file = \"merchant.key\"\n\
         platform_public_key_file = \"platform.pub\"\nnotify_url = \"http://{listen}/callback/{code}\"\n",
        sandbox.url()
    );
    (sandbox, table)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_and_a_broken_merchant_hold_up_nobody() {
    const SLOW: usize = 3;
    const BROKEN: usize = 5;
    let database = Database::fresh().await;
    let folder = tempfile::tempdir().unwrap();
    let (merchant_key, platform_key) =
        (keys::generate(1024).unwrap(), keys::generate(1024).unwrap());
    for (file, key) in [("merchant", &merchant_key), ("platform", &platform_key)] {
        let private = keys::private_key_pem(key).unwrap();
        let public = keys::public_key_pem(key.as_public_key()).unwrap();
        std::fs::write(
            folder.path().join(format!("{file}.key")),
            private.as_bytes(),
        )
        .unwrap();
        std::fs::write(folder.path().join(format!("{file}.pub")), public).unwrap();
    }
    let listen = crate::support::world::free_port();
    let mut text = format!(
        "[database]\nurl = \"{}\"\nallow_owner = true\n[http]\nlisten = \"{listen}\"\n[admin]\nlisten = \"\"\n{}",
        database.url(),
        QUICK.replace(
            "[submit]",
            "[submit]\nconcurrency = 64\nwitness_file = \"\""
        ),
    );
    let mut gateways = Vec::new();
    for number in 0..16 {
        let (sandbox, table) =
            merchant_at_its_gateway(&format!("M{number}"), folder.path(), listen).await;
        gateways.push(sandbox);
        text.push_str(&table);
    }
    let config = config::parse("bounded.toml", &text, folder.path(), None).unwrap();
    let registered: Vec<_> = config
        .merchants
        .iter()
        .map(|merchant| keyring::registration(merchant).unwrap())
        .collect();
    schema::migrate(&database.url(), &registered, &[], false)
        .await
        .unwrap();
    let worker = Running::start(&config).await.unwrap();
    let enqueue = async |times: i32, what: &str| {
        database
            .run(&format!(
                "insert into payout.payouts (merchant_code, order_num, amount, fee_type, bank_code, account_number,
                                             account_name)
                 select 'M' || m, '{what}-' || n, 10000 + n, n % 2, '014', '0012345678', 'Siti Rahayu'
                 from generate_series(0, 15) m, generate_series(1, {times}) n"
            ))
            .await;
    };
    let until = async |query: &str, expected: &str| {
        let deadline = tokio::time::Instant::now() + Duration::from_mins(3);
        loop {
            let found = database.text(query).await;
            if found == expected {
                return;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "{query}: still {found}"
            );
            tokio::time::sleep(crate::support::database::PAUSE).await;
        }
    };
    enqueue(1, "FIRST").await;
    until(
        "select count(*) from payout.payouts where state = 'paid'",
        "16",
    )
    .await;

    let begun = Instant::now();
    gateways[SLOW].set_fault(Fault::NoAnswerBefore);
    gateways[BROKEN].set_fault(Fault::BadSign);
    enqueue(40, "THEN").await;
    let good = "select count(*) from payout.payouts where state = 'paid' and merchant_code not in ('M3', 'M5')";
    until(good, "574").await;
    let sent: Vec<_> = gateways
        .iter()
        .map(|gateway| gateway.submits().len())
        .collect();
    let trials = trials_within(begun.elapsed());
    for (number, sent) in sent.into_iter().enumerate() {
        if number == SLOW {
            // Four slots of the 64 are its share, and the claims stop after sixteen doubts.
            assert!(
                sent <= 1 + DOUBTS + 3 + trials,
                "{sent} were sent to the slow one, {trials} trials"
            );
        } else if number == BROKEN {
            // One bad signature stops the claims; the rest of that claim is in flight.
            assert!(
                sent <= 1 + 4 + trials,
                "{sent} were sent to the broken one, {trials} trials"
            );
        } else {
            assert_eq!(sent, 41, "M{number}");
        }
    }
    until(
        "select count(*) > 50 from payout.payouts where state = 'queued' and merchant_code in ('M3', 'M5')",
        "true",
    )
    .await;
    worker.stop().await;
}
