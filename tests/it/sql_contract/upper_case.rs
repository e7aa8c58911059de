//! A gateway whose database ignores case answers a query of `inv-7` with what became of `INV-7`. No merchant has both.

use sqlx::PgConnection;

use crate::support::{
    database::Database,
    refusal::Refusal,
    server::{self, run},
};

const ENDINGS: [&str; 3] = [
    "",
    " on conflict do nothing",
    " on conflict (merchant_code, order_num) do nothing",
];

fn insert(order_nums: &str) -> String {
    format!(
        "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
         select n, 1000, 0, '014', '0012345678', 'Siti Rahayu' from unnest(string_to_array('{order_nums}', ' ')) n"
    )
}

async fn try_run(session: &mut PgConnection, statement: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned()))
        .execute(session)
        .await
        .map(|_| ())
}

#[tokio::test]
async fn a_number_that_differs_only_in_case_is_refused_in_every_way() {
    let database = Database::with_merchant().await;
    database.run(&insert("INV-7 a_B 0012")).await;
    for (other, earlier) in [("inv-7", "INV-7"), ("Inv-7", "INV-7"), ("A_b", "a_B")] {
        let call = format!(
            "select payout.enqueue('{other}', 1000, 0, '014', '0012345678', 'Siti Rahayu')"
        );
        for statement in ENDINGS
            .map(|ending| insert(other) + ending)
            .into_iter()
            .chain([call])
        {
            let refusal = Refusal::expected(&statement, database.try_run(&statement).await);
            let words = format!("order_num {other} differs only in case from {earlier}");
            refusal.is(&statement, "PW062", &words);
            assert_eq!(refusal.column, "order_num", "{statement}");
        }
    }
    // One statement with both, and a difference of more than case.
    let both = insert("X-1 x-1") + " on conflict do nothing";
    Refusal::expected(&both, database.try_run(&both).await).is(&both, "PW062", "x-1");
    database.run(&insert("INV_7 INV7 12 INV-07")).await;
    // What was accepted is accepted again.
    database
        .run(&(insert("INV-7 a_B") + " on conflict do nothing"))
        .await;
    let count = "select count(*) from payout.payouts";
    assert_eq!(database.text(count).await, "7");
}

#[tokio::test]
async fn another_merchant_may_use_the_number_in_another_case() {
    let database = Database::with_merchant().await;
    database.register_merchant("M2").await;
    for (merchant, number) in [("S2020198627344", "INV-7"), ("M2", "inv-7")] {
        let enqueue = format!(
            "select payout.enqueue('{number}', 1000, 0, '014', '0012345678', 'Siti Rahayu', merchant_code => '{merchant}')"
        );
        database.run(&enqueue).await;
    }
}

#[tokio::test]
async fn two_transactions_that_insert_such_a_pair_at_the_same_time_do_not_both_succeed() {
    for ending in ENDINGS {
        for (end, stored) in [("commit", "INV-7"), ("rollback", "inv-7")] {
            let database = Database::with_merchant().await;
            let mut first = database.connect().await;
            run(&mut first, &format!("begin; {}", insert("INV-7"))).await;
            let second = insert("inv-7") + ending;
            let mut session = database.connect().await;
            let waiting = try_run(&mut session, &second);
            let ended = async {
                database.until_somebody_waits_for_a_lock().await;
                run(&mut first, end).await;
            };
            let (second_ended, ()) = tokio::join!(waiting, ended);
            if end == "commit" {
                Refusal::expected(&second, second_ended).is(&second, "PW062", "INV-7");
            } else {
                second_ended.expect("the other one is gone");
            }
            let numbers = "select string_agg(order_num, ' ') from payout.payouts";
            assert_eq!(database.text(numbers).await, stored, "{second} {end}");
        }
    }
}

/// A pair from before the rule is kept: each is paid, and an equal insert of either is accepted.
#[tokio::test]
async fn a_pair_that_is_there_already_is_kept() {
    let database = Database::with_merchant().await;
    database.run(&insert("INV-7")).await;
    database
        .run(&format!(
            "alter table payout.payouts disable trigger check_instruction;
             {};
             alter table payout.payouts enable trigger check_instruction",
            insert("inv-7")
        ))
        .await;
    let mut session = server::connect(&database.url()).await;
    for number in ["INV-7", "inv-7"] {
        run(&mut session, &(insert(number) + " on conflict do nothing")).await;
        let cancelled = format!("select payout.cancel('{number}', 'a test')");
        run(&mut session, &cancelled).await;
    }
    let third = insert("Inv-7");
    let refused = try_run(&mut session, &third).await;
    Refusal::expected(&third, refused).is(&third, "PW062", "INV-7");
}
