//! How a verified gateway balance becomes the books' money (contract, `payout.balances`).

use sqlx::{PgConnection, PgPool};

use crate::domain::money::Rupiah;

/// A balance that the gateway stated.
#[derive(Clone, Copy, Debug)]
pub struct StatedBalance {
    /// Free at the gateway.
    pub balance: Rupiah,
    /// Frozen there for orders in progress.
    pub frozen: Rupiah,
    /// Not settled to the merchant yet.
    pub pending: Rupiah,
    /// Whether a platSign verified.
    pub signed: bool,
}

/// What the books say beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compared {
    /// The gateway's `balance + frozen` less our `available + held`.
    pub difference: Rupiah,
    /// What was booked as funding because of it.
    pub booked: Rupiah,
    /// Nothing was under way, the books stood still, and the gateway said the same twice: the difference is real.
    pub at_rest: bool,
}

/// Keeps a stated balance and compares it with the books. With `fund`, books the opening balance, and later what
/// exceeds the books when the last reading said the same and the books stood still between the two.
///
/// A shortfall is never booked, and no surplus while a person is asked about money that may have come back: it would
/// be booked once as funding and once as a return. Where the surplus is just what a paid payout cost, that payout is
/// asked for first.
pub async fn keep_balance(
    pool: &PgPool,
    merchant_code: &str,
    stated: StatedBalance,
    fund: bool,
) -> Result<Compared, sqlx::Error> {
    let mut tx = pool.begin().await?;
    let books = sqlx::query!(
        r#"/* store::books_beside_last_balance */
        select coalesce(a.available + a.held, 0) as "ours!", coalesce(a.held, 0) as "held!",
               coalesce((select max(l.id) from payout.ledger l where l.merchant_code = m.code), 0) as "ledger_id!",
               g.balance + g.frozen as last_stated, g.ledger_id as last_ledger_id
        from payout.merchants m
        left join payout.accounts a on a.merchant_code = m.code
        left join payout.gateway_balance g on g.merchant_code = m.code
        where m.code = $1"#,
        merchant_code,
    )
    .fetch_one(&mut *tx)
    .await?;
    let theirs = stated.balance.idr().saturating_add(stated.frozen.idr());
    let difference = theirs.saturating_sub(books.ours);
    let opening = books.ledger_id == 0;
    let seen_twice =
        books.last_stated == Some(theirs) && books.last_ledger_id == Some(books.ledger_id);
    let surplus = fund && difference > 0 && (opening || seen_twice);
    let booked =
        if surplus && (opening || !may_have_come_back(&mut tx, merchant_code, difference).await?) {
            difference
        } else {
            0
        };
    if booked > 0 {
        let reference = if opening {
            "gateway opening".to_owned()
        } else {
            format!("gateway after {}", books.ledger_id)
        };
        sqlx::query!(
            r#"/* store::fund_once_by_reference */
            insert into payout.ledger (merchant_code, kind, available, funding, reference)
            values ($1, 'funding', $2, -$2::bigint, $3)
            on conflict do nothing"#,
            merchant_code,
            booked,
            reference,
        )
        .execute(&mut *tx)
        .await?;
    }
    sqlx::query!(
        r#"/* store::keep_gateway_balance */
        insert into payout.gateway_balance as g (merchant_code, balance, frozen, pending, signed, ledger_id)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (merchant_code) do update
        set balance = excluded.balance, frozen = excluded.frozen, pending = excluded.pending,
            signed = excluded.signed, read_at = now(), ledger_id = excluded.ledger_id"#,
        merchant_code,
        stated.balance.idr(),
        stated.frozen.idr(),
        stated.pending.idr(),
        stated.signed,
        books.ledger_id,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Compared {
        difference: Rupiah::new(difference),
        booked: Rupiah::new(booked),
        at_rest: seen_twice && books.held == 0,
    })
}

/// Whether this surplus may be a paid payout's money that came back. Schedules a query for each that it would fit.
async fn may_have_come_back(
    db: &mut PgConnection,
    merchant_code: &str,
    surplus: i64,
) -> Result<bool, sqlx::Error> {
    let contradicted = sqlx::query_scalar!(
        r#"/* store::is_contradicted */
        select exists (select from payout.payouts p
                       where p.merchant_code = $1
                         and p.attention in ('contradiction', 'late_success', 'amount_mismatch', 'foreign_order')) as "is!""#,
        merchant_code,
    )
    .fetch_one(&mut *db)
    .await?;
    if contradicted {
        return Ok(true);
    }
    let planned = sqlx::query!(
        r#"/* store::query_possible_returns */
        with fitting as materialized (
            select p.merchant_code, p.order_num
            from payout.payouts p
            where p.merchant_code = $1 and p.state = 'paid' and p.settled_at > now() - interval '30 days'
              and $2::bigint in (p.amount::bigint, p.amount::bigint + coalesce(p.fee, 0),
                                 p.amount::bigint - coalesce(p.fee, 0))
              and not exists (
                  select from payout.evidence e
                  where (e.merchant_code, e.order_num) = (p.merchant_code, p.order_num) and e.source = 'query'
                    and e.last_at > (select g.read_at from payout.gateway_balance g where g.merchant_code = $1))
            order by p.settled_at desc
            limit 20
            for update of p skip locked
        )
        update payout.payouts p
        set next_query_at = least(p.next_query_at, now())
        from fitting f
        where (p.merchant_code, p.order_num) = (f.merchant_code, f.order_num)"#,
        merchant_code,
        surplus,
    )
    .execute(db)
    .await?;
    Ok(planned.rows_affected() > 0)
}
