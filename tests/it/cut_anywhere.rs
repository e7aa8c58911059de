//! The connection is cut after every single byte of a submit's request, and after every single byte of its answer.
//!
//! However much got through, no payout fails, none is sent twice, no partial answer is booked, and each payout settles
//! as the gateway says or stays unknown with its money held.

use payout_worker::service::Running;

use crate::support::{
    scissors::{Cut, Scissors},
    world::{Wishes, World},
};

/// Between two cuts one submit passes, and few run at once: sixteen doubts in a row would rightly stop claims.
/// Timeouts are long, so that only the cuts decide the outcome.
const SECTIONS: &str = "
[submit]
concurrency = 12
timeout_seconds = 5
lease_seconds = 12
[poll]
first_after_seconds = 0.2
max_interval_seconds = 4
quiet_horizon_seconds = 3000
queries_per_second = 2000
";

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_after_any_byte_fails_nothing_and_sends_nothing_twice() {
    let begun = std::time::Instant::now();
    let world = World::with(Wishes {
        sections: SECTIONS,
        balance_idr: 1_000_000_000_000,
        workers: 0,
        ..Wishes::default()
    })
    .await;
    let scissors = Scissors::before(
        world
            .sandbox
            .url()
            .trim_start_matches("http://")
            .parse()
            .unwrap(),
    )
    .await;
    let mut config = world.config.clone();
    config.merchants[0].base_url = scissors.url();
    world
        .database
        .run(&format!(
            "update payout.merchants set base_url = '{}'",
            scissors.url()
        ))
        .await;
    let worker = Running::start(&config).await.unwrap();

    // Measures a request and its answer: all order numbers have the same length, and so have all messages.
    world.enqueue("0000-WHOLE", 100_000, 1).await;
    world.until_state("0000-WHOLE", "paid").await;
    let (request, answer) = scissors.longest();
    let cuts: Vec<Cut> = (0..request)
        .map(Cut::Request)
        .chain((0..answer).map(Cut::Answer))
        .collect();
    let orders = enqueue(&world, &scissors, &cuts).await;
    // Settled, or unknown after more than one query.
    world
        .until(
            "select count(*) from payout.payouts p
             where not (p.settled_at is not null
                        or (p.state = 'unknown' and p.queries >= 2))",
            "0",
        )
        .await;
    worker.stop().await;

    assert_eq!(scissors.made(), cuts.len(), "each cut was made");
    let database = &world.database;
    let failed = "select count(*) from payout.payouts where state not in ('paid', 'unknown')";
    assert_eq!(database.text(failed).await, "0");
    let sent = "select max(sends - not_sent) || ' ' || max(sends) from payout.payouts";
    assert_eq!(database.text(sent).await, "1 1");
    let (mut seen, mut unknown) = (0, 0);
    for order in orders {
        let submits = world.submits_of(&order);
        assert!(submits <= 1, "{order} was sent {submits} times");
        seen += submits;
        let booked = world.sandbox.order(&order);
        let state = database.state(&order).await;
        let expected = if booked.is_some() { "paid" } else { "unknown" };
        assert_eq!(state, expected, "{order}");
        unknown += usize::from(state == "unknown");
        // The gateway ignores an incomplete request.
        assert_eq!(booked.is_none(), order.ends_with("REQST"), "{order}");
    }
    let held = format!(
        "select a.held = {unknown} * 110000
                and a.held = (select sum(p.held) from payout.payouts p where p.state = 'unknown')
         from payout.accounts a"
    );
    assert_eq!(database.text(&held).await, "true");
    // The money of an order that the gateway never received is free there, and held here with the fee reserve.
    let [available, held, ..] = world.accounts().await;
    let theirs = world.sandbox.balance();
    assert_eq!(available + held, theirs.balance + theirs.freeze);
    println!(
        "{} cuts: {request} in the request, {answer} in the answer; {seen} submits arrived whole, {unknown} payouts are \
         unknown with their hold, 0 failed, 0 sent twice; {} s",
        cuts.len(),
        begun.elapsed().as_secs()
    );
}

/// One payout for each cut, and one that passes whole after every two. They are claimed in order of their numbers.
async fn enqueue(world: &World, scissors: &Scissors, cuts: &[Cut]) -> Vec<String> {
    let mut orders = Vec::new();
    for (at, cut) in cuts.iter().enumerate() {
        let number = at + 1;
        let what = match cut {
            Cut::Request(_) => "REQST",
            Cut::Answer(_) => "ANSWR",
        };
        let order = format!("{number:04}-{what}");
        scissors.cut(&order, *cut);
        orders.push(order);
        orders.push(format!("{number:04}-WHOLE"));
    }
    for some in orders.chunks(200) {
        let values: Vec<String> = some
            .iter()
            .map(|order| format!("('{order}', 100000, 1, '014', '0012345678', 'Siti Rahayu')"))
            .collect();
        world
            .database
            .run(&format!(
                "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
                 values {}",
                values.join(", ")
            ))
            .await;
    }
    orders
}
