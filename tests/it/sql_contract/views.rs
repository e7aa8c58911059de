//! The views have the columns of the contract, and the books balance in every state.

use crate::support::{database::Database, steps::PATHS};

#[tokio::test]
#[rustfmt::skip]
async fn each_view_has_exactly_the_promised_columns_in_order() {
    let database = Database::fresh().await;
    for (view, columns) in [
        ("status", "order_num text, merchant_code text, bank_code text, amount bigint, fee_type smallint, state text, \
                    state_since timestamp with time zone, created_at timestamp with time zone, fee bigint, \
                    debit_total bigint, beneficiary_amount bigint, platform_order_num text, failure_reason text, \
                    attention text, attention_reasons text[], attention_since timestamp with time zone, \
                    waits_for text, settled_at timestamp with time zone, settled_day date, \
                    paid_at timestamp with time zone, paid_day date"),
        ("claims", "merchant_code text, workers integer, slots integer, in_flight integer, stopped_by text, \
                    since timestamp with time zone, detail text"),
        ("events", "seq bigint, merchant_code text, order_num text, at timestamp with time zone, event text, \
                    from_state text, to_state text, source text, detail jsonb"),
        ("movements", "id bigint, xid bigint, merchant_code text, at timestamp with time zone, day date, kind text, \
                       order_num text, bank_code text, fee_type smallint, amount bigint, step text, gross bigint, \
                       fee bigint, net bigint, debit bigint, returned bigint, top_up bigint, available bigint, held bigint"),
        ("balances", "merchant_code text, account text, balance bigint"),
    ] {
        let shown = format!(
            "select string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' order by attnum)
             from pg_attribute where attrelid = 'payout.{view}'::regclass and attnum > 0 and not attisdropped");
        assert_eq!(database.text(&shown).await, columns, "{view}");
    }
}

#[tokio::test]
async fn the_five_balances_sum_to_zero_and_held_is_the_sum_of_what_payouts_hold() {
    let database = Database::with_steps().await;
    database.register_merchant("M2").await;
    let accounts = "select string_agg(account, ' ' order by account) from payout.balances where merchant_code = 'M2'";
    assert_eq!(
        database.text(accounts).await,
        "available fees funding held paid_out"
    );
    let off = "select count(*) from (select sum(balance) from payout.balances group by merchant_code) b (sum) where sum <> 0";
    assert_eq!(database.text(off).await, "0");

    let database = Database::with_steps().await;
    for (state, path) in PATHS {
        database.insert(state, 100_000).await;
        for event in path {
            database.step(state, event).await;
            assert_eq!(database.text(off).await, "0", "{state} {event}");
            let held = "select (select balance from payout.balances where account = 'held')
                             = (select sum(held) from payout.payouts)";
            assert_eq!(database.text(held).await, "true", "{state} {event}");
        }
    }
    let paid_out = "select balance from payout.balances where account = 'paid_out'";
    assert_eq!(database.text(paid_out).await, "100000");
}

#[tokio::test]
async fn status_computes_the_debit_and_what_the_beneficiary_receives_once_the_fee_is_known() {
    let database = Database::with_merchant().await;
    database.insert("on-top", 1000).await;
    database
        .run(
            "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
             values ('out-of', 1000, 0, '014', '0012345678', 'Siti Rahayu')",
        )
        .await;
    let shown = "select string_agg(concat_ws(' ', order_num, coalesce(debit_total::text, '?'),
                                             coalesce(beneficiary_amount::text, '?')), ', ' order by order_num)
                 from payout.status";
    assert_eq!(database.text(shown).await, "on-top ? 1000, out-of 1000 ?");
    database.run("update payout.payouts set fee = 5").await;
    assert_eq!(
        database.text(shown).await,
        "on-top 1005 1000, out-of 1000 995"
    );
    database
        .run("select payout.cancel('on-top', 'a test')")
        .await;
    assert_eq!(database.text(shown).await, "on-top 0 0, out-of 1000 995");
}

#[tokio::test]
async fn no_fee_is_shown_where_none_was_charged() {
    let database = Database::with_steps().await;
    for (order, path) in PATHS {
        database.insert(order, 100_000).await;
        for event in path {
            database.step(order, event).await;
        }
    }
    database
        .run(
            "set session_replication_role = replica;
             update payout.payouts set fee = 2500 where state = 'failed';
             set session_replication_role = origin",
        )
        .await;
    let shown = "select count(*) from payout.status where fee is not null and state in ('failed', 'cancelled')";
    assert_eq!(database.text(shown).await, "0");
    let kept = "select count(*) > 0 from payout.payouts where fee is not null and state = 'failed'";
    assert_eq!(database.text(kept).await, "true");
}

#[tokio::test]
async fn the_on_call_views_mask_the_beneficiary() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 1000).await;
    let masked = "select account_number || ' ' || account_name from payout.masked";
    assert_eq!(database.text(masked).await, "****5678 S*** R***");
    for (digits, shown) in [("123456", "****"), ("1234567", "****4567"), ("", "****")] {
        let call = format!("select payout.masked_number('{digits}')");
        assert_eq!(database.text(&call).await, shown);
    }
}
