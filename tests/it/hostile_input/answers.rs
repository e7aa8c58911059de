//! Answers over real HTTP, mutated at random: any answer that is more than a doubt was signed exactly as it is.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use payout_worker::{
    domain::evidence::{QueryAnswer, SubmitAnswer},
    gateway::keys,
    permit::Submission,
    store::failover::register_identity,
};
use rsa::PrivateKey;
use tokio::{io::AsyncWriteExt, net::TcpListener};

use super::{
    begin, client, kept_by_the_fuzzers,
    mutate::Mutator,
    properties::{answer_is_signed, body, signed_answer},
};
use crate::support::{
    claim::claim,
    database::MERCHANT,
    scissors::message,
    world::{Wishes, World},
};

/// Answers every request with the next body, whatever the request is.
pub(super) struct Parrot {
    pub(super) url: String,
    says: Arc<Mutex<Vec<u8>>>,
}

impl Parrot {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let says: Arc<Mutex<Vec<u8>>> = Arc::default();
        let words = Arc::clone(&says);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let words = Arc::clone(&words);
                tokio::spawn(async move {
                    while message(&mut stream)
                        .await
                        .is_ok_and(|request| !request.is_empty())
                    {
                        let body = words.lock().unwrap().clone();
                        let head =
                            format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                        let answer = [head.as_bytes(), &body].concat();
                        if stream.write_all(&answer).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { url, says }
    }

    pub(super) fn say(&self, body: &[u8]) {
        self.says.lock().unwrap().clone_from(&body.to_vec());
    }
}

/// The lines of a corpus, signed by the platform, and the inputs of this kind that the fuzzer kept.
fn seeds(corpus: &str, target: &str, key: &PrivateKey) -> Vec<Vec<u8>> {
    let lines = corpus
        .lines()
        .map(|line| signed_answer(line.as_bytes(), key).unwrap());
    let kept = kept_by_the_fuzzers(target);
    let kept = kept
        .iter()
        .filter_map(|data| body(data, key, signed_answer));
    lines.chain(kept).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_a_query_is_more_than_a_doubt_only_when_signed() {
    let (count, rng) = begin("answers to queries");
    let count = count / 10;
    let key = keys::generate(1024).unwrap();
    let parrot = Parrot::start().await;
    let client = client(&parrot.url, &key);
    let corpus = seeds(include_str!("corpus/query.txt"), "query_answer", &key);
    let mut mutator = Mutator::new(corpus, rng);
    let (mut found, mut unknown) = (0, 0);
    for _ in 0..count {
        let body = mutator.next();
        parrot.say(&body);
        match client.query("INV-1").await.answer {
            QueryAnswer::Doubt(_) => continue,
            QueryAnswer::Found(order) => {
                assert!(order.signed);
                found += 1;
            }
            QueryAnswer::NotFound | QueryAnswer::NotVouchedFor => unknown += 1,
        }
        answer_is_signed(&body, &key);
    }
    println!(
        "queries: {count} answers, {found} found, {unknown} not found, each signed; the rest are doubts"
    );
    assert!(found > 0 && unknown > 0);

    let corpus = seeds(include_str!("corpus/balance.txt"), "balance_answer", &key);
    mutator.begin_with(corpus);
    let mut stated = 0;
    for _ in 0..count {
        let body = mutator.next();
        parrot.say(&body);
        if client.balance().await.is_ok() {
            stated += 1;
            answer_is_signed(&body, &key);
        }
    }
    println!("balances: {count} answers, {stated} believed, each signed");
    assert!(stated > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_a_submit_is_more_than_a_doubt_only_when_signed() {
    let (count, rng) = begin("answers to submits");
    let count = count / 40;
    let world = World::with(Wishes {
        workers: 0,
        ..Wishes::default()
    })
    .await;
    world.database.fund(MERCHANT, 1_000_000_000_000).await;
    register_identity(world.database.pool(), Duration::from_secs(3))
        .await
        .unwrap();
    world
        .database
        .run(&format!(
            "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
             select 'INV-' || n, 100000, 1, '014', '0012345678', 'Siti Rahayu' from generate_series(1, {count}) n"
        ))
        .await;
    let key = &world.platform_key;
    let parrot = Parrot::start().await;
    let mut merchant = world.config.merchants[0].clone();
    merchant.base_url.clone_from(&parrot.url);
    let client =
        payout_worker::service::keyring::client(&merchant, Duration::from_secs(5)).unwrap();
    let mut order = world.claim_order(256);
    order.terms.send_window = Duration::from_mins(5);
    order.terms.lease = Duration::from_mins(6);
    let seeds = seeds(include_str!("corpus/submit.txt"), "submit_answer", key);
    let mut mutator = Mutator::new(Vec::new(), rng);
    let (mut acknowledged, mut declined, mut all) = (0, 0, 0);
    loop {
        let claimed = claim(world.database.pool(), &order).await.unwrap();
        if claimed.permits.is_empty() {
            break;
        }
        for permit in claimed.permits {
            let number = &permit.key().order_num;
            let said = &seeds[all % seeds.len()];
            // With the queried order number, and signed again where possible.
            let said = String::from_utf8_lossy(said)
                .replace("INV-1", number)
                .into_bytes();
            mutator.begin_with(vec![signed_answer(&said, key).unwrap_or(said)]);
            let body = if all < seeds.len() {
                mutator.next()
            } else {
                mutator.changed()
            };
            all += 1;
            parrot.say(&body);
            let Submission::Sent { answer, .. } = client.submit(permit).await else {
                panic!("it was sent");
            };
            match answer {
                SubmitAnswer::Doubt(_) => continue,
                SubmitAnswer::Acknowledged { .. } => acknowledged += 1,
                SubmitAnswer::Declined { .. } => declined += 1,
            }
            answer_is_signed(&body, key);
        }
    }
    println!(
        "submits: {all} answers, {acknowledged} acknowledged, {declined} declined, each signed"
    );
    assert!(all > 0 && acknowledged + declined > 0);
}
