//! A history of payouts that were paid long ago, as rows that the worker would have written.
//!
//! Paying ten million payouts takes hours, so their rows are inserted as on a replica, without triggers and foreign keys.
//! Every other constraint is checked, and the check at the end of the run compares these rows with those of a payout that
//! the worker paid, and adds up the whole ledger.

use anyhow::Result;
use sqlx::{AssertSqlSafe, PgConnection};
use tokio::try_join;

use crate::{
    check::take_replicated,
    order::{
        ACCOUNT_NAME, ACCOUNT_NUMBER, AMOUNT_IDR, BANK_CODE, DESCRIPTION, FEE_IDR, merchant_code,
    },
    sql::execute,
};

/// Payouts per transaction. With four history rows each it stays below the 1 048 575 that one transaction may number.
const AT_ONCE: usize = 200_000;
/// What one payout takes on the disk, with all of its rows and their index entries.
const BYTES_EACH: u64 = 3_200;
/// The most that the log of the server takes besides, in megabytes.
const WAL_MB: u64 = 5_000;

/// What so many payouts need on the disk, in megabytes.
pub(crate) fn mb_on_disk(payouts: usize) -> u64 {
    let bytes =
        u64::try_from(payouts).map_or(u64::MAX, |payouts| payouts.saturating_mul(BYTES_EACH));
    let rows = bytes >> 20;
    rows.saturating_add(rows.min(WAL_MB))
}

/// Inserts so many payouts of the first merchant, and what the books and totals then say, in two sessions of the owner.
pub(crate) async fn load(
    db: &mut PgConnection,
    beside: &mut PgConnection,
    payouts: usize,
) -> Result<()> {
    take_replicated(db).await?;
    for session in [&mut *db, &mut *beside] {
        execute(
            session,
            "set session_replication_role = replica; set synchronous_commit = off",
        )
        .await?;
    }
    for from in (0..payouts).step_by(AT_ONCE) {
        let to = payouts.min(from.saturating_add(AT_ONCE));
        load_part(db, beside, from, to).await?;
    }
    execute(db, &totals(payouts)).await?;
    // The next checkpoint makes durable what these commits did not wait for.
    execute(
        db,
        "reset session_replication_role; reset synchronous_commit; checkpoint",
    )
    .await
}

/// Two sessions share the tables, by what these cost. Both carry the number of the first one's transaction.
async fn load_part(
    db: &mut PgConnection,
    beside: &mut PgConnection,
    from: usize,
    to: usize,
) -> Result<()> {
    execute(db, "begin").await?;
    let xid: i64 = sqlx::query_scalar("select payout.current_xid()")
        .fetch_one(&mut *db)
        .await?;
    let here = insert(
        db,
        [order_nums(), payouts(), attempts(), evidence()],
        from,
        to,
        xid,
    );
    let there = insert(beside, [history(), ledger()], from, to, xid);
    try_join!(here, there)?;
    execute(db, "commit").await
}

async fn insert<const N: usize>(
    db: &mut PgConnection,
    statements: [String; N],
    from: usize,
    to: usize,
    xid: i64,
) -> Result<()> {
    for statement in statements {
        sqlx::query(AssertSqlSafe(statement))
            .bind(i64::try_from(from)?)
            .bind(i64::try_from(to)?)
            .bind(xid)
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}

/// The orders from `$1` to `$2`, and when each was enqueued: one every two seconds, long ago.
const ORDERS: &str = "(select n, 'H' || to_char(n, 'FM00000000') as order_num,
                              now() - interval '400 days' + n * interval '2 seconds' as at
                       from generate_series($1::bigint, $2::bigint - 1) n) o";

fn order_nums() -> String {
    let merchant = merchant_code(0);
    format!(
        "insert into payout.order_nums (merchant_code, lower_case, order_num)
         select '{merchant}', lower(o.order_num), o.order_num
         from {ORDERS}
         -- Every statement here has the same parameters.
         where $3::bigint > 0"
    )
}

fn payouts() -> String {
    let merchant = merchant_code(0);
    format!(
        "insert into payout.payouts
             (merchant_code, order_num, state, amount, fee_type, bank_code, account_number, account_name, description,
              created_at, created_by, state_since, last_seq, attempt, sends, send_by, lease_until, fee,
              platform_order_num, settled_at, due_at)
         select '{merchant}', o.order_num, 'paid', {AMOUNT_IDR}, 0, '{BANK_CODE}', '{ACCOUNT_NUMBER}',
                '{ACCOUNT_NAME}', '{DESCRIPTION}', o.at, 'bench_backend', o.at + interval '2 seconds',
                ($3::bigint << 20) + 4 * (o.n - $1) + 4, 1, 1, o.at + interval '1 minute',
                o.at + interval '90 seconds', {FEE_IDR}, 'V' || to_char(o.n, 'FM000000000000'),
                o.at + interval '2 seconds', o.at
         from {ORDERS}"
    )
}

fn attempts() -> String {
    let merchant = merchant_code(0);
    format!(
        "insert into payout.attempts
             (merchant_code, order_num, attempt, claimed_at, send_by, lease_until, quiet_until, worker, address,
              request_sha256, gateway, outcome, outcome_at, xid)
         select '{merchant}', o.order_num, 1, o.at, o.at + interval '1 minute', o.at + interval '90 seconds',
                o.at + interval '31 minutes', 'bench', '127.0.0.1:5432', sha256(o.order_num::bytea), m.gateway,
                'acknowledged', o.at + interval '1 second', $3
         from {ORDERS}, payout.merchants m
         where m.code = '{merchant}'"
    )
}

fn evidence() -> String {
    let merchant = merchant_code(0);
    format!(
        "insert into payout.evidence
             (merchant_code, order_num, attempt, source, kind, status, bound, digest, detail, first_at, last_at, xid,
              actor)
         select '{merchant}', o.order_num, 1, e.source, e.kind, e.status, e.bound,
                case e.source when 'callback' then sha256(o.order_num::bytea) else '' end,
                jsonb_build_object('platOrderNum', 'V' || to_char(o.n, 'FM000000000000'), 'status', e.status),
                o.at + e.after, o.at + e.after, $3, 'bench_worker'
         from {ORDERS},
              (values ('submit', 'acknowledged', 0::smallint, null::boolean, interval '1 second'),
                      ('callback', 'callback', 2::smallint, true, interval '2 seconds'))
                  e (source, kind, status, bound, after)
         order by o.n"
    )
}

fn history() -> String {
    let merchant = merchant_code(0);
    format!(
        "insert into payout.history
             (seq, merchant_code, order_num, at, event, from_state, to_state, source, actor, attempt)
         select ($3::bigint << 20) + 4 * (o.n - $1) + h.place, '{merchant}', o.order_num, o.at + h.after, h.event,
                h.from_state, h.to_state, h.source, h.actor, h.attempt
         from {ORDERS},
              (values (1, 'enqueued', null, null, 'sql', 'bench_backend', null::int, interval '0'),
                      (2, 'claimed', 'queued', 'submitting', 'worker', 'bench_worker', 1, interval '0'),
                      (3, 'acknowledged', 'submitting', 'pending', 'submit', 'bench_worker', 1, interval '1 second'),
                      (4, 'reported_paid', 'pending', 'paid', 'callback', 'bench_worker', 1, interval '2 seconds'))
                  h (place, event, from_state, to_state, source, actor, attempt, after)
         order by o.n, h.place"
    )
}

fn ledger() -> String {
    let merchant = merchant_code(0);
    format!(
        "insert into payout.ledger
             (merchant_code, order_num, attempt, kind, at, available, held, paid_out, fees, xid, actor)
         select '{merchant}', o.order_num, 1, l.kind, o.at + l.after, l.available, l.held, l.paid_out, l.fees, $3,
                'bench_worker'
         from {ORDERS},
              (values ('hold', -{AMOUNT_IDR}, {AMOUNT_IDR}, 0, 0, interval '0'),
                      ('capture', 0, -{AMOUNT_IDR}, {AMOUNT_IDR} - {FEE_IDR}, {FEE_IDR}, interval '2 seconds'))
                  l (kind, available, held, paid_out, fees, after)
         order by o.n, l.after"
    )
}

/// What triggers and the snapshots of the worker would have added up.
fn totals(payouts: usize) -> String {
    let merchant = merchant_code(0);
    format!(
        "update payout.accounts
         set available = available - {payouts}::bigint * {AMOUNT_IDR}, fees = fees + {payouts}::bigint * {FEE_IDR},
             paid_out = paid_out + {payouts}::bigint * ({AMOUNT_IDR} - {FEE_IDR}),
             spent = spent + {payouts}::bigint * {AMOUNT_IDR}
         where merchant_code = '{merchant}';
         insert into payout.totals (merchant_code, bank_code, step, payouts, rupiah, fee, net)
         select '{merchant}', payout.bank_label('{BANK_CODE}'), s.step, {payouts}, {payouts}::bigint * {AMOUNT_IDR},
                {payouts}::bigint * s.fee, {payouts}::bigint * s.net
         from (values ('enqueued', 0, 0), ('paid', {FEE_IDR}, {AMOUNT_IDR} - {FEE_IDR})) s (step, fee, net);
         update payout.totals_cursor set folded_seq = (select max(h.seq) from payout.history h);
         insert into payout.ledger_sums (from_id, merchant_code, available, held, paid_out, fees, funding)
         select 1 + 100000 * s.piece, s.merchant_code, s.available, s.held, s.paid_out, s.fees, s.funding
         from (select (l.id - 1) / 100000 piece, l.merchant_code, sum(l.available) available, sum(l.held) held,
                      sum(l.paid_out) paid_out, sum(l.fees) fees, sum(l.funding) funding, max(l.id) last_id
               from payout.ledger l
               group by 1, 2) s
         where s.last_id % 100000 = 0;
         insert into payout.day_sums (from_id, merchant_code, day, bank_code, paid, failed, payouts_returned, gross, fee,
                                      fee_out_of_amount, fee_on_top, net, debit, top_up, returned, available, held)
         select 1 + 100000 * ((v.id - 1) / 100000), v.merchant_code, v.day, coalesce(v.bank_code, ''),
                count(*) filter (where v.step = 'paid'), 0, 0, sum(v.gross), sum(v.fee), sum(v.fee), 0, sum(v.net), sum(v.debit), sum(v.top_up), 0, sum(v.available),
                sum(v.held)
         from payout.movements v
         where 1 + 100000 * ((v.id - 1) / 100000) in (select s.from_id from payout.ledger_sums s)
         group by 1, 2, 3, 4;
         update payout.ledger_sums_cursor
         set summed_below = coalesce((select max(s.from_id) + 100000 from payout.ledger_sums s), 1)"
    )
}
