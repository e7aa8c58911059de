//! No statement changes a payout past its guard, however it is run and whatever it names.

use crate::support::{database::Database, refusal::Refusal};

/// A function in another language may limit the number of rows, and the statement then stops after so many: its end, and
/// with it a trigger for the statement, never comes. What waits for it keeps books and records, and lets no payout move.
#[tokio::test]
async fn no_guard_of_a_move_waits_for_the_end_of_a_statement_which_may_never_come() {
    let database = Database::fresh().await;
    let row = 1;
    let before = 2;
    let waiting = format!(
        "select string_agg(t.tgname || ' on ' || c.relname, ', ' order by t.tgname, c.relname)
         from pg_trigger t join pg_class c on c.oid = t.tgrelid
         where c.relnamespace = 'payout'::regnamespace and not t.tgisinternal and t.tgtype & ({row} | {before}) = 0"
    );
    assert_eq!(
        database.text(&waiting).await,
        "after_enqueue on payouts, check_lines on history, post on ledger"
    );
}

/// Postgres calls no trigger for the statement on a table that is reached through one that it inherits from.
#[tokio::test]
async fn no_payout_is_reached_through_a_table_that_its_own_inherits_from() {
    let database = Database::with_steps().await;
    database.insert_in("pending", "INV-1").await;
    let reached = "create table public.above (like payout.payouts including generated);
         alter table payout.payouts inherit public.above;
         update public.above set state = 'unknown', state_since = now()";
    Refusal::expected(reached, database.try_run(reached).await).is(
        reached,
        "0A000",
        "from becoming an inheritance child",
    );
}

/// The guards look at a statement's rows once, at the first of them, and so at each of several statements in one.
#[tokio::test]
async fn of_several_changes_in_one_statement_each_is_booked_recorded_and_checked_once() {
    let database = Database::with_steps().await;
    database
        .run(
            "with rows as (select n, 1000 * n as amount from generate_series(1, 5) n),
                  one as (insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
                          select 'ONE-' || n, amount, 0, '014', '0012345678', 'Siti Rahayu' from rows)
             insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
             select 'TWO-' || n, amount, 0, '014', '0012345678', 'Siti Rahayu' from rows",
        )
        .await;
    let recorded = "select count(*) || ' ' || count(distinct order_num) from payout.history";
    assert_eq!(database.text(recorded).await, "10 10");
    database
        .run(
            "with one as (insert into payout.ledger (merchant_code, kind, order_num, attempt, available, held)
                          select merchant_code, 'hold', order_num, 1, -amount, amount from payout.payouts
                          where order_num like 'ONE-%')
             insert into payout.ledger (merchant_code, kind, order_num, attempt, available, held)
             select merchant_code, 'hold', order_num, 1, -amount, amount from payout.payouts where order_num like 'TWO-%'",
        )
        .await;
    assert_eq!(
        database.text("select held from payout.accounts").await,
        "30000"
    );
    database.insert_in("pending", "LAST").await;
    let wrong = "with one as (update payout.payouts set due_at = now() where order_num like 'ONE-%')
         update payout.payouts p set queries = 1, state_since = now(),
                                     state = case order_num when 'LAST' then 'unknown' else state end
         from (select order_num as o from payout.payouts where order_num not like 'ONE-%' order by order_num desc) x
         where p.order_num = x.o";
    Refusal::expected(wrong, database.try_run(wrong).await).is(
        wrong,
        "PW012",
        "payout LAST: pending cannot become unknown without a move in its history",
    );
}
