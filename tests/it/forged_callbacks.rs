//! Thousands of callbacks forged from genuine ones, and floods of garbage: nothing settles without a query that
//! confirms it.
//!
//! `PAYOUT_FORGED` sets the number of forgeries (10 000), and `PAYOUT_SEED` repeats a run.

mod flood;
mod forge;

use std::{collections::BTreeMap, env, net::SocketAddr, time::Instant};

use payout_sandbox::{Ending, Fault, Script};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::{io::AsyncWriteExt, net::TcpStream, task::JoinSet};

use self::forge::{Forger, Genuine};
use crate::support::{
    scissors::message,
    world::{Wishes, World},
};

/// The number of payouts in each state.
const EACH: usize = 6;
/// The number of connections that post concurrently; each is kept open.
const POSTERS: usize = 64;

const SECTIONS: &str = "
[submit]
timeout_seconds = 1.5
lease_seconds = 4
[poll]
first_after_seconds = 0.2
max_interval_seconds = 3
quiet_horizon_seconds = 3000
queries_per_second = 20
";

/// The number in an environment variable, or the default.
fn wished(variable: &str, otherwise: u64) -> u64 {
    env::var(variable).map_or(otherwise, |text| {
        text.replace('_', "")
            .parse()
            .unwrap_or_else(|_| panic!("{variable} is a whole number"))
    })
}

/// Payouts that stay in each state unless a forgery is believed.
async fn payouts_in_every_state(world: &World) {
    let kinds: [(&str, Script); 5] = [
        ("STAYS", Script::ends(Ending::Stays)),
        ("LONG", Script::ends(Ending::Stays)),
        ("LOST", Script::fault(Fault::Lost)),
        ("PAID", Script::ends(Ending::Paid)),
        ("FAILED", Script::ends(Ending::Failed)),
    ];
    for number in 0..EACH {
        for (word, script) in &kinds {
            let order = format!("{word}-{number}");
            world.sandbox.script(&order, *script);
            let (name, description) = if *word == "LONG" {
                (
                    "Siti Rahayu Wulandari Kusumawati",
                    "'Gaji bulan Mei tahun 2024 bagian'",
                )
            } else {
                ("Siti Rahayu", "null")
            };
            world
                .database
                .run(&format!(
                    "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name, description)
                     values ('{order}', {}, {}, '014', '00123456789012345678', '{name}', {description})",
                    100_000 + 11 * number,
                    number % 2
                ))
                .await;
        }
        for word in ["WAITS", "GONE"] {
            world
                .database
                .run(&format!(
                    "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name, not_before)
                     values ('{word}-{number}', 100000, 0, '014', '00123456789012345678', 'Siti Rahayu', now() + interval '1 day')"
                ))
                .await;
        }
        world
            .database
            .run(&format!("select payout.cancel('GONE-{number}', 'a test')"))
            .await;
    }
    world
        .until(
            "select string_agg(s, ' ' order by s)
             from (select distinct split_part(order_num, '-', 1) || '=' || state as s from payout.payouts) x",
            "FAILED=failed GONE=cancelled LONG=pending LOST=unknown PAID=paid STAYS=pending WAITS=queued",
        )
        .await;
}

/// Every callback that the gateway sent, could have sent for a state in between, or sent to another merchant, whose
/// platform key is the same as ours.
async fn genuine(world: &World) -> Vec<Genuine> {
    type Row = (
        String,
        String,
        String,
        Option<String>,
        String,
        Option<String>,
    );
    let rows: Vec<Row> = sqlx::query_as(
        "select order_num, amount::text, fee_type::text, description, account_name, platform_order_num
         from payout.payouts order by order_num",
    )
    .fetch_all(world.database.pool())
    .await
    .unwrap();
    let mut all = Vec::new();
    for (order, money, fee_type, description, name, platform) in rows {
        let statuses: &[(&str, &str)] = match order.split('-').next().unwrap() {
            "PAID" => &[("5", "At the bank"), ("2", "Payout Successful")],
            "FAILED" => &[("1", "Processing"), ("4", "Payout Failed")],
            _ => &[("1", "Processing"), ("5", "At the bank")],
        };
        for (status, words) in statuses {
            let fields = [
                ("bankCode", "014"),
                ("description", description.as_deref().unwrap_or("")),
                ("fee", "2500"),
                ("feeType", &fee_type),
                ("money", &money),
                ("name", &name),
                ("number", "00123456789012345678"),
                ("orderNum", &order),
                ("platOrderNum", platform.as_deref().unwrap_or("")),
                ("status", status),
                ("statusMsg", words),
            ];
            if platform.is_some() {
                all.push(Genuine::signed(&world.platform_key, &fields));
            }
            // Another merchant's paid payout with the same order number.
            let theirs = fields.map(|(name, value)| match name {
                "platOrderNum" => (name, "W0620999999999992"),
                "status" => (name, "2"),
                _ => (name, value),
            });
            all.push(Genuine::signed(&world.platform_key, &theirs));
        }
    }
    all
}

/// Posts on a kept connection, and reconnects when the other side closed it.
struct Poster {
    address: SocketAddr,
    stream: Option<TcpStream>,
}

impl Poster {
    async fn post(&mut self, body: &[u8]) -> String {
        for _ in 0..3 {
            let mut stream = match self.stream.take() {
                Some(stream) => stream,
                None => TcpStream::connect(self.address).await.unwrap(),
            };
            let head = format!(
                "POST /callback HTTP/1.1\r\nhost: callbacks\r\ncontent-type: application/x-www-form-urlencoded\r\n\
                 content-length: {}\r\n\r\n",
                body.len()
            );
            if stream
                .write_all(&[head.as_bytes(), body].concat())
                .await
                .is_ok()
                && let Ok(answer) = message(&mut stream).await
                && answer.len() > 12
            {
                self.stream = Some(stream);
                return String::from_utf8_lossy(&answer[9..12]).into_owned();
            }
        }
        panic!("no answer to a callback");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_forged_callback_settles_anything() {
    let count = usize::try_from(wished("PAYOUT_FORGED", 10_000)).unwrap();
    let seed = wished("PAYOUT_SEED", rand::rng().random());
    println!("PAYOUT_FORGED={count} PAYOUT_SEED={seed}");
    let mut world = World::with(Wishes {
        sections: SECTIONS,
        ..Wishes::default()
    })
    .await;
    payouts_in_every_state(&world).await;
    let genuine = genuine(&world).await;
    let books = "select string_agg(l.id || ' ' || l.kind, ',' order by l.id) from payout.ledger l where l.order_num is not null";
    let standing = "select string_agg(order_num || '=' || state || '/' || held, ',' order by order_num) from payout.payouts";
    let moving = "select count(*) from payout.history where to_state is not null";
    let (booked, stood, steps) = (
        world.database.text(books).await,
        world.database.text(standing).await,
        world.database.text(moving).await,
    );

    let begun = Instant::now();
    let mut posting = JoinSet::new();
    for number in 0..POSTERS {
        let mut forger = Forger::new(
            genuine.clone(),
            StdRng::seed_from_u64(seed.wrapping_add(u64::try_from(number).unwrap())),
        );
        let mut poster = Poster {
            address: world.config.http_listen.unwrap(),
            stream: None,
        };
        let share = count / POSTERS + usize::from(number < count % POSTERS);
        posting.spawn(async move {
            let mut counted: BTreeMap<(&str, String), usize> = BTreeMap::new();
            for _ in 0..share {
                let (kind, body) = forger.forge();
                let answered = poster.post(&body).await;
                *counted.entry((kind, answered)).or_default() += 1;
            }
            counted
        });
    }
    let mut counted: BTreeMap<(&str, String), usize> = BTreeMap::new();
    while let Some(some) = posting.join_next().await {
        for (key, more) in some.unwrap() {
            *counted.entry(key).or_default() += more;
        }
    }
    let took = begun.elapsed();
    // Every query that a forgery caused is answered before the verdict.
    world
        .until(
            "select count(*) from payout.payouts where next_query_at <= now() and state <> 'unknown'",
            "0",
        )
        .await;
    world.stop_workers().await;

    for ((kind, status), times) in &counted {
        println!("{kind:<22} {status} {times}");
    }
    let text = |query: &'static str| world.database.text(query);
    let by_callback = text(
        "select count(*) from payout.history where to_state is not null and source = 'callback'
         and not (event = 'reported_paid' and order_num like 'PAID-%')",
    )
    .await;
    println!(
        "seed {seed}: {} forged in {} ms; moved by a callback alone: {by_callback}; evidence rows: {}; payouts with attention: {}",
        counted.values().sum::<usize>(),
        took.as_millis(),
        text("select count(*) from payout.evidence where source = 'callback'").await,
        text("select count(*) from payout.payouts where attention is not null").await,
    );
    assert_eq!(by_callback, "0");
    // However many arrive, they are counted in a few rows of evidence.
    let kept = "select max(kept) <= 130 from (select count(*) as kept from payout.evidence group by order_num) x";
    assert_eq!(text(kept).await, "true", "evidence without a bound");
    assert_eq!(text(books).await, booked, "seed {seed}");
    assert_eq!(text(standing).await, stood, "seed {seed}");
    assert_eq!(text(moving).await, steps, "seed {seed}");
    let verified: usize = counted
        .iter()
        .filter(|((_, status), _)| status == "200")
        .map(|(_, times)| times)
        .sum();
    assert!(
        verified * 4 > count,
        "too few forgeries verify to mean anything: {verified}"
    );
    assert_eq!(world.sandbox.submits().len(), 5 * EACH);
}
