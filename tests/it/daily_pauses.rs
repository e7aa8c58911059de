//! Pauses between two times of each day, as when a bank is closed at night: pauses of claims like any other.

use crate::support::{
    database::{Database, MERCHANT},
    refusal::Refusal,
    terminal::payout,
    world::World,
};

/// The WIB times from so many hours before now to so many after it, as `23:00-04:00`.
async fn around_now(database: &Database, before: i32, after: i32) -> String {
    let time = |hours: i32| {
        format!(
            "to_char(now() at time zone 'UTC' + interval '7 hours' + interval '{hours} hours', 'HH24:MI')"
        )
    };
    let times = format!("select {} || '-' || {}", time(-before), time(after));
    database.text(&times).await
}

#[tokio::test]
#[rustfmt::skip]
async fn a_daily_pause_begins_and_ends_each_day_also_over_midnight() {
    let database = Database::fresh().await;
    for (from, to, at, since) in [
        // WIB is seven hours ahead of UTC.
        ("09:00", "17:00", "2026-11-29 01:59:59+00", ""),
        ("09:00", "17:00", "2026-11-29 02:00:00+00", "2026-11-29 02:00:00"),
        ("09:00", "17:00", "2026-11-29 09:59:59+00", "2026-11-29 02:00:00"),
        ("09:00", "17:00", "2026-11-29 10:00:00+00", ""),
        ("23:00", "04:00", "2026-11-29 15:59:59+00", ""),
        ("23:00", "04:00", "2026-11-29 16:00:00+00", "2026-11-29 16:00:00"),
        ("23:00", "04:00", "2026-11-29 17:00:00+00", "2026-11-29 16:00:00"),
        ("23:00", "04:00", "2026-11-29 20:59:59+00", "2026-11-29 16:00:00"),
        ("23:00", "04:00", "2026-11-29 21:00:00+00", ""),
        ("00:00", "23:59", "2026-11-30 16:58:00+00", "2026-11-29 17:00:00"),
    ] {
        let call = format!(
            "select payout.daily_since('{from}', '{to}', '{at}') at time zone 'UTC'");
        assert_eq!(database.text(&call).await, since, "{from}-{to} at {at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daily_pause_holds_payouts_back_only_in_its_hours() {
    let world = World::start().await;
    let database = &world.database;
    let (now, later) = (
        around_now(database, 1, 1).await,
        around_now(database, -2, 3).await,
    );
    let pause = |times: &str| {
        let arguments = [
            "pause",
            "--bank",
            "014",
            "--daily",
            times,
            "--reason",
            "BCA is closed",
        ];
        payout(database, &arguments).with(0)
    };
    pause(&now).says(&[
        "bank 014 is paused each day",
        "payout resume --bank 014 --daily",
    ]);
    world.enqueue("NIGHT-1", 100_000, 1).await;
    let waits = "select waits_for from payout.status where order_num = 'NIGHT-1'";
    world.until(waits, "paused").await;
    payout(database, &["show", "NIGHT-1"]).with(0).says(&[
        "bank 014 is paused daily",
        "payout resume --bank 014 --daily",
    ]);
    payout(database, &["pauses"])
        .with(0)
        .says(&[&format!("daily {now} WIB, active")]);
    // `tests/it/stops.rs` tries to claim it all the same.
    // The hours are over: nobody needs to resume anything.
    pause(&later);
    world.until_state("NIGHT-1", "paid").await;
    payout(database, &["pauses"])
        .with(0)
        .says(&[&format!("daily {later} WIB, inactive")]);
    // One that lasts until it is resumed stands beside it.
    database
        .run("select payout.pause('bank', '014', 'ticket 9')")
        .await;
    world.enqueue("NIGHT-2", 100_000, 1).await;
    let waits = "select waits_for from payout.status where order_num = 'NIGHT-2'";
    world.until(waits, "paused").await;
    payout(
        database,
        &["resume", "--bank", "014", "--reason", "ticket 9"],
    )
    .with(0);
    world.until_state("NIGHT-2", "paid").await;
    payout(
        database,
        &["resume", "--bank", "014", "--daily", "--reason", "ticket 9"],
    )
    .with(0);
    payout(
        database,
        &["resume", "--bank", "014", "--daily", "--reason", "ticket 9"],
    )
    .with(3)
    .says(&["bank 014 daily is not paused"]);
    let acts = "select string_agg(detail, ', ' order by id) from payout.operator_acts where act in ('paused', 'resumed')";
    assert_eq!(
        database.text(acts).await,
        format!("bank 014 daily {now}, bank 014 daily {later}, bank 014, bank 014, bank 014 daily")
    );
}

#[tokio::test]
async fn wrong_times_of_a_daily_pause_are_refused_at_every_door() {
    let database = Database::with_merchant().await;
    for times in [
        "",
        "23:00",
        "23:00-24:00",
        "23-04",
        "11pm-4am",
        "04:00-04:00",
        "23:00-04:00 WIB",
    ] {
        let call = format!("select payout.pause('all', '', 'ticket 9', '{times}')");
        let refusal = Refusal::expected(times, database.try_run(&call).await);
        refusal.is(times, "PW027", "two different times");
        assert!(refusal.hint.contains("23:00-04:00"), "{times}");
        payout(
            &database,
            &[
                "pause",
                "--merchant",
                MERCHANT,
                "--daily",
                times,
                "--reason",
                "ticket 9",
            ],
        )
        .with(2)
        .says(&["two different times", "23:00-04:00"]);
    }
    assert_eq!(
        database
            .text("select count(*) from payout.pause_rules")
            .await,
        "0"
    );
}
