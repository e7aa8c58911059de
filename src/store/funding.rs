//! Books funding from the balance that the gateway states (`docs/sql-contract.md`, Fund).

use sqlx::{PgConnection, PgPool};

use crate::domain::{money::Rupiah, policy::MAX_BALANCE_IDR};

/// A balance that the gateway stated.
#[derive(Clone, Copy, Debug)]
pub struct StatedBalance {
    /// What can be spent at the gateway.
    pub balance: Rupiah,
    /// What the gateway holds for orders in progress.
    pub frozen: Rupiah,
    /// What the gateway has not credited to the merchant yet.
    pub pending: Rupiah,
    /// Whether the answer's `platSign` verified.
    pub signed: bool,
}

impl StatedBalance {
    /// Whether each part may be true.
    fn is_plausible(&self) -> bool {
        [self.balance, self.frozen, self.pending]
            .iter()
            .all(|part| (0..=MAX_BALANCE_IDR).contains(&part.idr()))
    }
}

/// What became of a stated balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is kept, and was compared with the books.
    Compared(Compared),
    /// It cannot be true: nothing was kept of it and nothing was booked, and the gateway's balance is unknown until it
    /// states a plausible one.
    Implausible,
}

/// The comparison of a stated balance with the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compared {
    /// The gateway's `balance + frozen` less our `available + held`.
    pub difference: Rupiah,
    /// The funding that was booked because of it.
    pub booked: Rupiah,
    /// Nothing was in flight, the books did not change, and the gateway stated the same twice: the difference is real.
    pub at_rest: bool,
}

/// Keeps a plausible balance and compares it with the books. With `fund`, books the opening balance, and later a surplus,
/// once two readings in a row agree and the books did not change between them.
///
/// A shortfall is never booked. Nor is a surplus while a payout may have been returned: it would be booked twice, as
/// funding now and as a return later. If the surplus equals the cost of a paid payout, that payout is queried first.
pub async fn keep_balance(
    pool: &PgPool,
    merchant_code: &str,
    stated: StatedBalance,
    fund: bool,
) -> Result<Kept, sqlx::Error> {
    if !stated.is_plausible() {
        refuse_balance(pool, merchant_code).await?;
        return Ok(Kept::Implausible);
    }
    let mut tx = pool.begin().await?;
    let books = books_beside_last_balance(&mut tx, merchant_code).await?;
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
        fund_once_by_reference(&mut tx, merchant_code, booked, &reference).await?;
    }
    keep_gateway_balance(&mut tx, merchant_code, stated, books.ledger_id).await?;
    tx.commit().await?;
    Ok(Kept::Compared(Compared {
        difference: Rupiah::new(difference),
        booked: Rupiah::new(booked),
        at_rest: seen_twice && books.held == 0,
    }))
}

/// Notes that the gateway states what cannot be true, and since when.
async fn refuse_balance(pool: &PgPool, merchant_code: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"/* store::refuse_balance */
        insert into payout.refused_balances as r (merchant_code)
        values ($1)
        on conflict (merchant_code) do update set times = r.times + 1, last_at = now()"#,
        merchant_code,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// A merchant's books, and the balance that was kept last. All in rupiah but the ledger's numbers.
struct Books {
    /// Available and held.
    ours: i64,
    held: i64,
    /// The number of the last ledger entry; 0 if there is none.
    ledger_id: i64,
    /// What the gateway stated last.
    last_stated: Option<i64>,
    /// The number of the last ledger entry at that time.
    last_ledger_id: Option<i64>,
}

async fn books_beside_last_balance(
    db: &mut PgConnection,
    merchant_code: &str,
) -> Result<Books, sqlx::Error> {
    sqlx::query_as!(
        Books,
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
    .fetch_one(db)
    .await
}

async fn fund_once_by_reference(
    db: &mut PgConnection,
    merchant_code: &str,
    booked: i64,
    reference: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "select /* store::fund_once_by_reference */ payout.fund_from_gateway($1, $2, $3)",
        merchant_code,
        booked,
        reference,
    )
    .execute(db)
    .await?;
    Ok(())
}

async fn keep_gateway_balance(
    db: &mut PgConnection,
    merchant_code: &str,
    stated: StatedBalance,
    ledger_id: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"/* store::keep_gateway_balance */
        with plausible_again as (delete from payout.refused_balances r where r.merchant_code = $1)
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
        ledger_id,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether the surplus may be the money of a paid payout that was returned. Schedules a query of each payout that it
/// would fit.
async fn may_have_come_back(
    db: &mut PgConnection,
    merchant_code: &str,
    surplus: i64,
) -> Result<bool, sqlx::Error> {
    let contradicted = sqlx::query_scalar!(
        r#"/* store::is_contradicted */
        select exists (select from payout.payouts p
                       where p.merchant_code = $1
                         and p.attention is not null
                         and p.attention_reasons && '{contradiction, late_success, amount_mismatch, foreign_order}') as "is!""#,
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
