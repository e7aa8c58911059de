//! Reads the database for metrics, within a time limit and without reading more than what is open or new.
//!
//! Nothing here reads every payout there ever was: open ones come from partial indexes, money from `payout.accounts`,
//! and totals from `payout.totals`, to which `totals::fold_history` adds what is new.

mod open;
mod people;
mod readers;
mod totals;

use std::time::Instant;

use payout_domain::{
    attention::Attention,
    money::Rupiah,
    snapshot::{Accounts, GatewayReading, MerchantBooks, Pile, Snapshot, Violations},
};
use sqlx::{PgConnection, PgPool};

use super::moment::OF_ONE_MOMENT;

/// Maximum time of one statement. Metrics may be late; payouts must not wait for them.
const READ_WITHIN: &str = "5s";

/// Reads everything. Several workers may do so at once and get the same.
///
/// Call it about every ten seconds, never while a scrape is being answered.
pub async fn snapshot(pool: &PgPool) -> Result<Snapshot, sqlx::Error> {
    let begun = Instant::now();
    // Late totals are better than no snapshot: the rest of it shows what needs a person.
    if let Err(error) = totals::fold_history(pool).await {
        tracing::warn!(%error, "could not bring the totals up to date: {error}");
    }
    let mut seen = pool.begin_with(OF_ONE_MOMENT).await?;
    limit(&mut seen, READ_WITHIN).await?;
    let mut snapshot = merchants(&mut seen).await?;
    open::read(&mut seen, &mut snapshot).await?;
    attention(&mut seen, &mut snapshot).await?;
    due(&mut seen, &mut snapshot).await?;
    totals::read(&mut seen, &mut snapshot).await?;
    snapshot.unmatched_callbacks = unmatched_callbacks(&mut seen).await?;
    snapshot.notification_queue_permille = notification_queue(&mut seen).await?;
    people::read(&mut seen, &mut snapshot).await?;
    readers::read(&mut seen, &mut snapshot).await?;
    snapshot.clock_jumps = clock_jumps(&mut seen).await?;
    seen.commit().await?;
    snapshot.took = begun.elapsed();
    Ok(snapshot)
}

/// Reads how full the server's queue of notifications is, in thousandths.
async fn notification_queue(db: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"/* store::snapshot_notification_queue */
        select (1000 * payout.notification_queue_usage())::bigint as "permille!""#,
    )
    .fetch_one(db)
    .await
}

/// Limits the time of each statement of this transaction.
pub(super) async fn limit(db: &mut PgConnection, within: &str) -> Result<(), sqlx::Error> {
    sqlx::query_scalar!(
        r#"select /* store::snapshot_limit */ set_config('statement_timeout', $1, true) as "limit!""#,
        within,
    )
    .fetch_one(db)
    .await?;
    Ok(())
}

/// Reads every merchant with its accounts and the balance that the gateway stated last.
///
/// The difference compares the reading with the books *at that moment*: today's books less what was booked since. A
/// reading with more than 100 000 later entries is not compared. (The range has two ends, or the planner would read the
/// whole ledger.)
async fn merchants(db: &mut PgConnection) -> Result<Snapshot, sqlx::Error> {
    let rows = sqlx::query!(
        r#"/* store::snapshot_merchants */
        select m.code as merchant_code, extract(epoch from now())::bigint as "now!",
               coalesce(a.available, 0) as "available!", coalesce(a.held, 0) as "held!",
               coalesce(a.paid_out, 0) as "paid_out!", coalesce(a.fees, 0) as "fees!",
               coalesce(a.funding, 0) as "funding!",
               g.balance as "balance?", g.frozen as "frozen?", g.pending as "pending?",
               extract(epoch from g.read_at)::bigint as read_at, extract(epoch from r.first_at)::bigint as "refused_since?",
               case when newest.id - g.ledger_id <= 100000
                    then g.balance + g.frozen - (coalesce(a.available, 0) + coalesce(a.held, 0) - since.booked + g.booked)
               end as difference
        from payout.merchants m
        left join payout.accounts a on a.merchant_code = m.code
        left join payout.refused_balances r on r.merchant_code = m.code
        -- Since the gateway stated what cannot be true, its balance is unknown.
        left join payout.gateway_balance g on g.merchant_code = m.code and r.merchant_code is null
        cross join (select coalesce(max(l.id), 0) as id from payout.ledger l) newest
        cross join lateral (
            select coalesce(sum(l.available + l.held), 0)::bigint as booked
            from payout.ledger l
            where l.id between g.ledger_id + 1 and newest.id
              and l.merchant_code = m.code and newest.id - g.ledger_id <= 100000
        ) since
        order by m.code"#,
    )
    .fetch_all(db)
    .await?;
    let read_at = rows.first().map_or(0, |row| row.now);
    let mut merchants = Vec::with_capacity(rows.len());
    for row in rows {
        let accounts = Accounts {
            available: Rupiah::new(row.available),
            held: Rupiah::new(row.held),
            paid_out: Rupiah::new(row.paid_out),
            fees: Rupiah::new(row.fees),
            funding: Rupiah::new(row.funding),
        };
        let stated = (row.balance, row.frozen, row.pending, row.read_at);
        let gateway = gateway_reading(stated, row.difference);
        merchants.push(MerchantBooks {
            merchant_code: row.merchant_code,
            accounts,
            gateway,
            balance_refused_since: row.refused_since,
            violations: Violations {
                accounts_unbalanced: i64::from(!sum_to_zero(&accounts)),
                ..Violations::default()
            },
            ..MerchantBooks::default()
        });
    }
    Ok(Snapshot {
        read_at,
        merchants,
        ..Snapshot::default()
    })
}

fn sum_to_zero(accounts: &Accounts) -> bool {
    let mut balances = accounts.by_name().into_iter();
    let sum = balances.try_fold(Rupiah::ZERO, |sum, (_, balance)| sum.plus(balance));
    sum == Some(Rupiah::ZERO)
}

/// The reading of `balance, frozen, pending, read_at`; `None` while there is none.
fn gateway_reading(
    stated: (Option<i64>, Option<i64>, Option<i64>, Option<i64>),
    difference: Option<i64>,
) -> Option<GatewayReading> {
    let (Some(balance), Some(frozen), Some(pending), Some(read_at)) = stated else {
        return None;
    };
    Some(GatewayReading {
        balance: Rupiah::new(balance),
        frozen: Rupiah::new(frozen),
        pending: Rupiah::new(pending),
        read_at,
        difference: difference.map(Rupiah::new),
    })
}

/// Reads payouts that need a person, by reason.
async fn attention(db: &mut PgConnection, snapshot: &mut Snapshot) -> Result<(), sqlx::Error> {
    let rows = sqlx::query!(
        r#"/* store::snapshot_attention */
        select p.merchant_code, p.attention as "attention!", count(*) as "payouts!",
               sum(p.amount)::bigint as "rupiah!",
               extract(epoch from min(p.attention_since))::bigint as oldest_at
        from payout.payouts p
        where p.attention is not null
        group by p.merchant_code, p.attention"#,
    )
    .fetch_all(db)
    .await?;
    for row in rows {
        match (
            books_of(snapshot, &row.merchant_code),
            row.attention.parse::<Attention>(),
        ) {
            (Some(books), Ok(reason)) => books
                .attention
                .push((reason, pile(row.payouts, row.rupiah, row.oldest_at))),
            // The schema may have reasons that this version does not know.
            _ => {
                tracing::warn!(reason = %row.attention, "the metrics leave out an attention reason that this version does not know");
            }
        }
    }
    Ok(())
}

/// Reads due queries and expired leases that no worker has handled yet.
async fn due(db: &mut PgConnection, snapshot: &mut Snapshot) -> Result<(), sqlx::Error> {
    let rows = sqlx::query!(
        r#"/* store::snapshot_due */
        select m.code as merchant_code, queries.count as "queries_due!", queries.oldest_at as queries_due_since,
               leases.count as "leases!", leases.oldest_at as leases_since
        from payout.merchants m
        cross join lateral (
            select sum(due.count)::bigint as count, extract(epoch from min(due.oldest_at))::bigint as oldest_at
            from (select count(*) as count, min(p.next_query_at) as oldest_at
                  from payout.payouts p
                  where p.merchant_code = m.code and p.next_query_at <= now()
                    and p.later_look is not true
                  union all
                  select count(*), min(p.next_query_at)
                  from payout.payouts p
                  where p.merchant_code = m.code and p.next_query_at <= now()
                    and p.later_look) due
        ) queries
        cross join lateral (
            select count(*), extract(epoch from min(p.lease_until))::bigint as oldest_at
            from payout.payouts p
            where p.merchant_code = m.code and p.state = 'submitting' and p.lease_until <= now()
        ) leases"#,
    )
    .fetch_all(db)
    .await?;
    for row in rows {
        if let Some(books) = books_of(snapshot, &row.merchant_code) {
            books.queries_due = pile(row.queries_due, 0, row.queries_due_since);
            books.leases_expired = pile(row.leases, 0, row.leases_since);
        }
    }
    Ok(())
}

/// Jumps of the clock in a row, the latest within the last day.
async fn clock_jumps(db: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"/* store::snapshot_clock_jumps */
        select coalesce(sum(c.jumps), 0) as "jumps!"
        from payout.clock c
        where c.jumped_at > now() - interval '1 day'"#
    )
    .fetch_one(db)
    .await
}

/// Callbacks for unknown orders. The worker bounds their number.
async fn unmatched_callbacks(db: &mut PgConnection) -> Result<Pile, sqlx::Error> {
    let row = sqlx::query!(
        r#"/* store::snapshot_unmatched_callbacks */
        select count(*) as "callbacks!", extract(epoch from min(u.first_at))::bigint as oldest_at
        from payout.unmatched_callbacks u"#,
    )
    .fetch_one(db)
    .await?;
    Ok(pile(row.callbacks, 0, row.oldest_at))
}

fn books_of<'a>(snapshot: &'a mut Snapshot, merchant_code: &str) -> Option<&'a mut MerchantBooks> {
    snapshot
        .merchants
        .iter_mut()
        .find(|books| books.merchant_code == merchant_code)
}

fn pile(count: i64, rupiah: i64, oldest_at: Option<i64>) -> Pile {
    Pile {
        count,
        rupiah: Rupiah::new(rupiah),
        oldest_at,
    }
}
