//! True evidence that invites a wrong conclusion: a decline, no answer, or somebody else's order or callback.

use chrono::Utc;
use form_urlencoded::Serializer;
use payout_sandbox::{Ending, Fault, Script};
use payout_worker::{
    domain::{
        callback::Binding,
        evidence::GatewayStatus,
        money::{FeeType, Rupiah},
        payout::{Instruction, PayoutKey, Private},
    },
    gateway::{CallbackVerdict, sign},
};

use super::believe_it_failed;
use crate::support::{
    database::MERCHANT,
    refusal::Refusal,
    world::{Wishes, World},
};

/// No scheduled query happens during the test.
pub(super) const SILENT: &str = "
[submit]
timeout_seconds = 1.5
lease_seconds = 4
[poll]
first_after_seconds = 3000
decline_confirm_seconds = 3000
queries_per_second = 500
";

/// `a_declined_payout_fails_only_when_it_is_not_found` tests a decline alone.
#[tokio::test(flavor = "multi_thread")]
async fn treating_busy_as_a_failure_would_pay_later() {
    let mut world = World::with(Wishes {
        sections: SILENT,
        ..Wishes::default()
    })
    .await;
    let script = Script {
        fault: Some(Fault::FailBusyBooks),
        ..Script::ends(Ending::Stays)
    };
    for order in ["BUSY-1", "BUSY-2"] {
        world.sandbox.script(order, script);
        world.enqueue(order, 100_000, 0).await;
    }
    world
        .until(
            "select count(*) from payout.attempts where outcome = 'declined'",
            "2",
        )
        .await;
    world.stop_workers().await;
    believe_it_failed(&world, "BUSY-1").await;
    for order in ["BUSY-1", "BUSY-2"] {
        world.sandbox.script(order, Script::ends(Ending::Paid));
    }
    world
        .sandbox
        .until(|sandbox| {
            ["BUSY-1", "BUSY-2"].iter().all(|order| {
                sandbox
                    .order(order)
                    .is_some_and(|booked| booked.status == 2)
            })
        })
        .await;
    assert_eq!(world.database.state("BUSY-1").await, "failed");
    let [available, ..] = world.accounts().await;
    assert!(
        available >= world.sandbox.balance().balance + 100_000,
        "the same 100 000 rupiah are free here and gone there"
    );

    let open = "select state || ' ' || held from payout.payouts where order_num = 'BUSY-2'";
    assert_eq!(world.database.text(open).await, "unknown 100000");
    world.add_worker().await;
    world.database.run("select payout.replay('BUSY-2')").await;
    let seen = "select state = 'paid' or attention = 'foreign_order' from payout.payouts where order_num = 'BUSY-2'";
    world.until(seen, "true").await;
}

/// `resolving_as_failed_takes_two_people_the_horizon_and_a_fresh_not_found` tests what two people need.
#[tokio::test(flavor = "multi_thread")]
async fn resolving_a_fresh_unknown_as_failed_would_pay_later() {
    let mut world = World::with(Wishes {
        sections: SILENT,
        ..Wishes::default()
    })
    .await;
    for order in ["LATE-1", "LATE-2"] {
        let script = Script {
            fault: Some(Fault::CutAfter),
            ..Script::ends(Ending::Stays)
        };
        world.sandbox.script(order, script);
        world.enqueue(order, 100_000, 0).await;
        world.until_state(order, "unknown").await;
    }
    world.stop_workers().await;
    let operator = world.database.login(&["payout_operator"]).await;
    let mut operator = world.database.connect_as(&operator).await;
    let refused = sqlx::query(
        "select payout.request_resolve_failed('LATE-2', 'ticket:1', 'it surely did not arrive', confirm => 'LATE-2')",
    )
    .execute(&mut operator)
    .await;
    Refusal::expected("a fresh unknown", refused).is("a fresh unknown", "PW025", "quiet horizon");

    believe_it_failed(&world, "LATE-1").await;
    for order in ["LATE-1", "LATE-2"] {
        world.sandbox.script(order, Script::ends(Ending::Paid));
    }
    world
        .sandbox
        .until(|sandbox| {
            ["LATE-1", "LATE-2"].iter().all(|order| {
                sandbox
                    .order(order)
                    .is_some_and(|booked| booked.status == 2)
            })
        })
        .await;
    assert_eq!(world.database.state("LATE-1").await, "failed");
    world.add_worker().await;
    for order in ["LATE-1", "LATE-2"] {
        world
            .database
            .run(&format!("select payout.replay('{order}')"))
            .await;
    }
    world.until_state("LATE-2", "paid").await;
    let contradicted = "select attention from payout.payouts where order_num = 'LATE-1'";
    world.until(contradicted, "late_success").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_another_system_made_under_our_number_is_not_mistaken_for_ours() {
    let world = World::start().await;
    let client = world.client();
    for order in ["USED-1", "USED-2"] {
        let theirs = Instruction {
            key: PayoutKey {
                merchant_code: MERCHANT.to_owned(),
                order_num: order.to_owned(),
            },
            amount: Rupiah::new(100_000),
            fee_type: FeeType::OutOfAmount,
            bank_code: "008".to_owned(),
            account_number: Private::new("999999999"),
            account_name: Private::new("Somebody Else"),
            description: None,
        };
        let sealed = client.seal(&theirs, Utc::now()).unwrap();
        let answer = reqwest::Client::new()
            .post(format!("{}/gateway/cash", world.sandbox.url()))
            .header("content-type", "application/json; charset=utf-8")
            .body(sealed.body)
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success());
        world
            .sandbox
            .until(|sandbox| {
                sandbox
                    .order(order)
                    .is_some_and(|booked| booked.status == 2)
            })
            .await;
        world.enqueue(order, 100_000, 0).await;
        let attention = format!("select attention from payout.payouts where order_num = '{order}'");
        world.until(&attention, "foreign_order").await;
    }
    // If the decline were forgotten, their payment would count as ours: paid, and our beneficiary has nothing.
    world
        .database
        .run(
            "update payout.payouts set declined_at = null, attention_reasons = '{}', next_query_at = now()
             where order_num = 'USED-1'",
        )
        .await;
    world.until_state("USED-1", "paid").await;

    world.database.run("select payout.replay('USED-2')").await;
    let queried = "select times > 1 from payout.evidence
                 where order_num = 'USED-2' and kind = 'found' and status = 2";
    world.until(queried, "true").await;
    let kept = "select state || ' ' || held || ' ' || attention from payout.payouts where order_num = 'USED-2'";
    assert_eq!(
        world.database.text(kept).await,
        "unknown 100000 foreign_order"
    );
}

/// Where the platform signs for all merchants with one key, each merchant can get nearly any text signed.
#[tokio::test(flavor = "multi_thread")]
async fn another_merchants_genuine_callback_does_not_settle_ours() {
    let world = World::with(Wishes {
        sections: SILENT,
        ..Wishes::default()
    })
    .await;
    world.sandbox.script("OURS-1", Script::ends(Ending::Stays));
    world.enqueue("OURS-1", 100_000, 1).await;
    world.until_state("OURS-1", "pending").await;
    let ours = world
        .database
        .text("select platform_order_num from payout.payouts")
        .await;
    let fields = |platform: &str, status: &str, words: &str| {
        [
            ("bankCode", "014"),
            ("fee", "2500"),
            ("feeType", "1"),
            ("money", "100000"),
            ("name", "Siti Rahayu"),
            ("number", "0012345678"),
            ("orderNum", "OURS-1"),
            ("platOrderNum", platform),
            ("status", status),
            ("statusMsg", words),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    };
    let signed = |fields: &[(String, String)], text: &str| {
        Serializer::new(String::new())
            .extend_pairs(fields)
            .append_pair("platSign", &sign::sign(&world.platform_key, text).unwrap())
            .finish()
    };
    let text = |fields: &[(String, String)]| {
        sign::signed_text(fields.iter().map(|(name, value)| (&**name, &**value)))
    };
    // Their own order under our number: one that failed, and one that was paid.
    let failed = fields("W999", "4", "Payout failed");
    let paid = fields("W999", "2", "Payout Successful");
    // Theirs was paid. Read with other field borders, it is ours and failed.
    let genuine = fields(&format!("{ours}4"), "2", "Payout Successful");
    let shifted = fields(&ours, "4", "2Payout Successful");
    assert_eq!(text(&genuine), text(&shifted));

    let client = world.client();
    let sent = Instruction {
        key: PayoutKey {
            merchant_code: MERCHANT.to_owned(),
            order_num: "OURS-1".to_owned(),
        },
        amount: Rupiah::new(100_000),
        fee_type: FeeType::OnTop,
        bank_code: "014".to_owned(),
        account_number: Private::new("0012345678"),
        account_name: Private::new("Siti Rahayu"),
        description: None,
    };
    let bodies = [
        (signed(&failed, &text(&failed)), GatewayStatus::Failed),
        (signed(&shifted, &text(&genuine)), GatewayStatus::Failed),
        (signed(&paid, &text(&paid)), GatewayStatus::Paid),
    ];
    for (number, (body, says)) in bodies.iter().enumerate() {
        // A program that believes whatever verifies settles the payout here.
        let CallbackVerdict::Verified(callback) = client.verify_callback(body.clone().into()).await
        else {
            panic!("it verifies");
        };
        assert_eq!(callback.status(), *says);
        if number == 2 {
            // And so does one that compares every field except the gateway's order number.
            let unnumbered = callback.bind(&sent, Some("W999"));
            assert!(matches!(unnumbered, Binding::BoundPaid { .. }));
        }
        assert!(matches!(
            callback.bind(&sent, Some(&ours)),
            Binding::Unbound(_)
        ));

        let before = world.sandbox.queries("OURS-1");
        let answer = reqwest::Client::new()
            .post(world.callback_url())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.clone())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.text().await.unwrap(), "SUCCESS", "stored");
        world
            .sandbox
            .until(|sandbox| sandbox.queries("OURS-1") > before)
            .await;
    }
    assert_eq!(world.database.state("OURS-1").await, "pending");
    assert_eq!(
        world
            .database
            .text("select string_agg(kind, ' ') from payout.ledger where order_num = 'OURS-1'")
            .await,
        "hold"
    );
}
