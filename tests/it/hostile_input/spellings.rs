//! The gateway's own words repeat the beneficiary, in spellings that nobody listed: they are made up at random.

use std::time::{Duration, Instant};

use payout_worker::{
    domain::{
        evidence::{Evidence, Fact, QueryAnswer, SubmitAnswer},
        scrub::WITHHELD,
    },
    gateway::Client,
    permit::{Submission, SubmitPermit},
    service::keyring,
    store::{failover::register_identity, record::record},
    worker::rules,
};
use serde_json::{Value, json};

use super::{
    answers::Parrot,
    begin,
    properties::signed_answer,
    speller::{NAME, NUMBER, Speller, names_nobody, projections},
};
use crate::support::{
    claim::claim,
    database::MERCHANT,
    world::{Wishes, World},
};

struct Bench {
    world: World,
    parrot: Parrot,
    client: Client,
}

impl Bench {
    async fn start(payouts: usize) -> (Self, Vec<SubmitPermit>) {
        let world = World::with(Wishes {
            workers: 0,
            ..Wishes::default()
        })
        .await;
        world.database.fund(MERCHANT, 1_000_000_000_000).await;
        register_identity(world.database.pool(), Duration::from_secs(3))
            .await
            .unwrap();
        let name = NAME.join(" ");
        world
            .database
            .run(&format!(
                "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
                 select 'INV-' || chr(65 + n / 26) || chr(65 + n % 26), 100000, 1, '014', '{NUMBER}', '{name}'
                 from generate_series(1, {payouts}) n"
            ))
            .await;
        let parrot = Parrot::start().await;
        let mut merchant = world.config.merchants[0].clone();
        merchant.base_url.clone_from(&parrot.url);
        let client = keyring::client(&merchant, Duration::from_secs(5)).unwrap();
        let mut order = world.claim_order(256);
        order.terms.send_window = Duration::from_mins(5);
        order.terms.lease = Duration::from_mins(6);
        let claimed = claim(world.database.pool(), &order).await.unwrap();
        assert_eq!(claimed.permits.len(), payouts);
        let bench = Self {
            world,
            parrot,
            client,
        };
        (bench, claimed.permits)
    }

    fn say(&self, fields: &Value) {
        let body = signed_answer(fields.to_string().as_bytes(), &self.world.platform_key);
        self.parrot.say(&body.unwrap());
    }

    async fn record(&self, evidence: Evidence) {
        let config = &self.world.config;
        let rules = rules(&config.poll, config.callbacks_settle);
        let pool = self.world.database.pool();
        record(pool, &rules, &[evidence]).await.unwrap();
    }

    async fn submit(&self, permit: SubmitPermit) -> SubmitAnswer {
        let key = permit.key().clone();
        let (attempt, request_sha256) = (permit.attempt(), permit.request().request_sha256);
        let Submission::Sent { answer, detail } = self.client.submit(permit).await else {
            panic!("it was sent");
        };
        let fact = Fact::Submitted {
            attempt,
            request_sha256,
            answer: answer.clone(),
        };
        self.record(Evidence { key, fact, detail }).await;
        answer
    }

    /// Every text from outside that is stored, one per line.
    async fn stored(&self) -> Vec<String> {
        let texts = sqlx::query_scalar(
            "select failure_reason from payout.status where failure_reason is not null
             union all select detail::text from payout.evidence
             union all select detail::text from payout.history
             union all select detail::text from payout.unmatched_callbacks",
        );
        texts.fetch_all(self.world.database.pool()).await.unwrap()
    }
}

/// Half of the orders are declined, half accepted and then found failed, each time with words that name the beneficiary.
#[tokio::test(flavor = "multi_thread")]
async fn no_spelling_of_the_beneficiary_in_the_gateways_words_is_stored() {
    let (_, rng) = begin("spellings");
    let mut speller = Speller(rng);
    let (bench, permits) = Bench::start(200).await;
    let mut said = Vec::new();
    for (at, permit) in permits.into_iter().enumerate() {
        let key = permit.key().clone();
        let order = &key.order_num;
        let code = if at % 2 == 0 { "FAIL" } else { "SUCCESS" };
        let texts = ["platRespMessage", "statusMsg"];
        let fields = json!({"platRespCode": code, "orderNum": order, "platOrderNum": format!("W{at}"), "money": "100000",
                            "fee": "0", "status": "0"});
        let fields = speller.plant(fields, &texts);
        said.push(fields.to_string());
        bench.say(&fields);
        let answer = bench.submit(permit).await;
        if code == "FAIL" {
            assert!(
                matches!(answer, SubmitAnswer::Declined { .. }),
                "{answer:?}"
            );
            continue;
        }
        let texts = ["msg", "platRespMessage", "statusMsg"];
        let fields = json!({"platRespCode": "SUCCESS", "orderNum": order, "platOrderNum": format!("W{at}"),
                            "amount": 100_000, "fee": 0, "status": "4"});
        let fields = speller.plant(fields, &texts);
        said.push(fields.to_string());
        bench.say(&fields);
        let sent_at = Instant::now();
        let reply = bench.client.query(order).await;
        assert!(matches!(reply.answer, QueryAnswer::Found(_)), "{reply:?}");
        let fact = Fact::Queried {
            answer: reply.answer,
            sent_at,
        };
        let detail = reply.detail;
        bench.record(Evidence { key, fact, detail }).await;
    }
    let planted = said.iter().filter(|fields| {
        let (digits, letters) = projections(fields);
        digits.contains(&NUMBER[..5]) || letters.contains("zuba") || letters.contains("qoma")
    });
    assert!(planted.count() > 100, "the canary is there: {said:?}");
    let failed =
        "select count(*) from payout.payouts where state = 'failed' and failure_reason is not null";
    assert_eq!(bench.world.database.text(failed).await, "100");
    let stored = bench.stored().await;
    assert!(stored.len() > 500 && stored.iter().any(|text| text.contains(WITHHELD)));
    for text in &stored {
        names_nobody("stored", text);
    }
}

/// What people could not read at a glance is undone first, or withheld whole.
#[tokio::test(flavor = "multi_thread")]
async fn no_encoding_of_the_beneficiary_in_the_gateways_words_is_stored() {
    let (_, rng) = begin("encodings");
    let mut speller = Speller(rng);
    let (bench, permits) = Bench::start(200).await;
    for (at, permit) in permits.into_iter().enumerate() {
        let order = permit.key().order_num.clone();
        let hidden = if at % 3 == 0 {
            speller.look_alike()
        } else {
            speller.hidden()
        };
        let mut fields = json!({"platRespCode": "FAIL", "orderNum": order, "statusMsg": "Failed", "platRespMessage": hidden});
        if at % 3 == 1 {
            // Cut in two, between two fields.
            let places: Vec<usize> = hidden.char_indices().map(|(at, _)| at).collect();
            let (head, tail) = hidden.split_at(speller.one_of(&places));
            fields["platRespMessage"] = head.into();
            fields["statusMsg"] = tail.into();
        }
        bench.say(&fields);
        let answer = bench.submit(permit).await;
        assert!(
            matches!(answer, SubmitAnswer::Declined { .. }),
            "{answer:?}"
        );
        let stored = format!(
            "select concat_ws(' ', p.failure_reason, e.detail) from payout.payouts p
             join payout.evidence e using (merchant_code, order_num) where order_num = '{order}'"
        );
        let stored = bench.world.database.text(&stored).await;
        // A long number is masked before the payout is known.
        let is_kept_back = stored.contains("text withheld") || stored.contains("*****");
        assert!(is_kept_back, "{fields}: {stored}");
        names_nobody("stored", &stored);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_number_of_the_gateway_that_holds_the_account_number_is_a_doubt() {
    let (bench, permits) = Bench::start(3).await;
    let doubts = "select count(*) from payout.evidence where doubt = 'unreadable'";
    for (permit, number) in permits.into_iter().zip([
        NUMBER.to_owned(),
        format!("W-{}.{}", &NUMBER[..5], &NUMBER[5..]),
        format!("W{}", &NUMBER[2..]),
    ]) {
        let fields = json!({"platRespCode": "SUCCESS", "orderNum": permit.key().order_num, "platOrderNum": number,
                            "money": "100000", "fee": "0", "status": "0", "statusMsg": "Apply"});
        bench.say(&fields);
        bench.submit(permit).await;
    }
    assert_eq!(bench.world.database.text(doubts).await, "3");
    let unknown = "select count(*) from payout.payouts where state = 'unknown' and platform_order_num is null";
    assert_eq!(bench.world.database.text(unknown).await, "3");
    for text in bench.stored().await {
        names_nobody("stored", &text);
    }
}
