//! Books funding from the balance that the gateway states (`docs/sql-contract.md`, Fund).

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use payout_domain::{
    money::Rupiah,
    policy::MAX_BALANCE_IDR,
    surplus::{APART, Reading, Watch},
};
use sqlx::{PgConnection, PgPool};

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
    /// When the query was sent.
    pub queried_at: Instant,
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
    /// Nothing was in flight, the books did not change, and the gateway stated the same for a second: the difference is
    /// real.
    pub at_rest: bool,
}

/// Keeps a plausible balance and compares it with the books. With `fund`, books the opening balance, and later the part of a
/// surplus that is certainly new money: once the readings of a second or more agree and the books did not change between
/// them, or once every reading of a minute has had it.
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
    // Of two workers that read the balance at once, the second one sees what the first one booked.
    lock_last_balance(&mut tx, merchant_code).await?;
    let books = books_beside_last_balance(&mut tx, merchant_code).await?;
    let theirs = stated.balance.idr().saturating_add(stated.frozen.idr());
    let reading = Reading {
        queried_at: queried_at(&books, stated),
        at: books.now,
        surplus: theirs.saturating_sub(books.ours),
        held: books.held,
        spent: books.spent,
        regained: books.regained,
    };
    let mut watch = books.watch().unwrap_or_else(|| Watch::begin(&reading));
    let lasting = watch.read(&reading);
    let unchanged_since = books.unchanged_since(theirs);
    let seen_twice = reading.queried_at.signed_duration_since(unchanged_since) >= APART;
    let certain = Certain::of(&books, &watch, &reading, seen_twice, lasting);
    let booked = if fund && certain.is_money(&mut tx, merchant_code).await? {
        let reference = books.reference();
        fund_once_by_reference(&mut tx, merchant_code, certain.new_money, &reference).await?;
        watch.book(certain.new_money);
        certain.new_money
    } else {
        0
    };
    let kept = KeptBalance {
        stated,
        difference: reading.surplus.saturating_sub(booked),
        ledger_id: books.ledger_id,
        booked,
        unchanged_since,
    };
    keep_gateway_balance(&mut tx, merchant_code, &kept, &watch).await?;
    tx.commit().await?;
    Ok(Kept::Compared(Compared {
        difference: Rupiah::new(reading.surplus),
        booked: Rupiah::new(booked),
        at_rest: seen_twice && books.held == 0,
    }))
}

/// When the gateway was queried, by the database's clock.
fn queried_at(books: &Books, stated: StatedBalance) -> DateTime<Utc> {
    TimeDelta::from_std(stated.queried_at.elapsed())
        .ok()
        .and_then(|ago| books.now.checked_sub_signed(ago))
        .unwrap_or(DateTime::UNIX_EPOCH)
}

/// The part of a surplus that may be booked, in rupiah.
struct Certain {
    new_money: i64,
    /// If the money came back from a payout instead, that payout cost at least the new money and at most this.
    at_most: i64,
    /// Since when; of a payout that the gateway has called paid since, nothing came back. `None` for an opening balance.
    since: Option<DateTime<Utc>>,
}

impl Certain {
    fn of(books: &Books, watch: &Watch, reading: &Reading, seen_twice: bool, lasting: i64) -> Self {
        let new_money = if books.is_empty() {
            reading.surplus
        } else if seen_twice {
            watch.new_money(reading.surplus)
        } else {
            lasting
        };
        let since = (!books.is_empty()).then(|| watch.surplus_since.unwrap_or(reading.at));
        Self {
            new_money,
            at_most: watch.at_most,
            since,
        }
    }

    async fn is_money(
        &self,
        db: &mut PgConnection,
        merchant_code: &str,
    ) -> Result<bool, sqlx::Error> {
        Ok(self.new_money > 0
            && match self.since {
                None => true,
                Some(since) => !may_have_come_back(db, merchant_code, self, since).await?,
            })
    }
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

/// A merchant's books, and the balance that was kept last. All in rupiah but the times and the ledger's numbers.
struct Books {
    now: DateTime<Utc>,
    /// Available and held.
    ours: i64,
    held: i64,
    spent: i64,
    regained: i64,
    /// The number of the last ledger entry; 0 if there is none.
    ledger_id: i64,
    /// What the gateway stated last.
    last_stated: Option<i64>,
    /// The number of the last ledger entry at that time.
    last_ledger_id: Option<i64>,
    /// Since when it has stated that, and the ledger has had no other entry.
    unchanged_since: Option<DateTime<Utc>>,
    counted_at: Option<DateTime<Utc>>,
    last_spent: Option<i64>,
    last_regained: Option<i64>,
    at_most: Option<i64>,
    undebited: Option<Vec<i64>>,
    unrefunded: Option<Vec<i64>>,
    lowest_surplus: Option<i64>,
    window_began: Option<DateTime<Utc>>,
    surplus_since: Option<DateTime<Utc>>,
}

impl Books {
    fn is_empty(&self) -> bool {
        self.ledger_id == 0
    }

    /// Since when each reading has been this one, and the ledger has had no other entry.
    fn unchanged_since(&self, theirs: i64) -> DateTime<Utc> {
        self.unchanged_since
            .filter(|_| self.last_stated == Some(theirs))
            .filter(|_| self.last_ledger_id == Some(self.ledger_id))
            .unwrap_or(self.now)
    }

    /// What the readings so far have shown; `None` before the first.
    fn watch(&self) -> Option<Watch> {
        Some(Watch {
            counted_at: self.counted_at?,
            spent: self.last_spent?,
            regained: self.last_regained?,
            at_most: self.at_most?,
            undebited: self.undebited.clone()?,
            unrefunded: self.unrefunded.clone()?,
            lowest: self.lowest_surplus?,
            window_began: self.window_began?,
            surplus_since: self.surplus_since,
        })
    }

    /// Under which the next funding is booked.
    fn reference(&self) -> String {
        if self.is_empty() {
            "gateway opening".to_owned()
        } else {
            format!("gateway after {}", self.ledger_id)
        }
    }
}

/// Locks the balance that was kept last. Before the first one there is none, and whoever books it second finds its reference
/// taken.
async fn lock_last_balance(db: &mut PgConnection, merchant_code: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"/* store::lock_last_balance */
        select g.ledger_id from payout.gateway_balance g where g.merchant_code = $1 for no key update"#,
        merchant_code,
    )
    .fetch_optional(db)
    .await?;
    Ok(())
}

async fn books_beside_last_balance(
    db: &mut PgConnection,
    merchant_code: &str,
) -> Result<Books, sqlx::Error> {
    sqlx::query_as!(
        Books,
        r#"/* store::books_beside_last_balance */
        select now() as "now!", coalesce(a.available + a.held, 0) as "ours!", coalesce(a.held, 0) as "held!",
               coalesce(a.spent, 0) as "spent!", coalesce(a.regained, 0) as "regained!",
               coalesce((select max(l.id) from payout.ledger l where l.merchant_code = m.code and l.id > 0), 0) as "ledger_id!",
               g.balance + g.frozen as last_stated, g.ledger_id as "last_ledger_id?", g.unchanged_since as "unchanged_since?",
               g.read_at as "counted_at?", g.spent as "last_spent?",
               g.regained as "last_regained?", g.at_most as "at_most?", g.undebited as "undebited?",
               g.unrefunded as "unrefunded?", g.lowest_surplus as "lowest_surplus?",
               g.window_began as "window_began?", g.surplus_since as "surplus_since?"
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

/// What is kept of a reading beside the watch.
struct KeptBalance {
    stated: StatedBalance,
    /// What is left of the surplus once what was booked because of it counts, in rupiah.
    difference: i64,
    ledger_id: i64,
    /// What was booked because of it, in rupiah.
    booked: i64,
    unchanged_since: DateTime<Utc>,
}

async fn keep_gateway_balance(
    db: &mut PgConnection,
    merchant_code: &str,
    kept: &KeptBalance,
    watch: &Watch,
) -> Result<(), sqlx::Error> {
    let stated = &kept.stated;
    sqlx::query!(
        r#"/* store::keep_gateway_balance */
        with plausible_again as (delete from payout.refused_balances r where r.merchant_code = $1),
        of_the_day as (
            insert into payout.daily_balances as d (merchant_code, day, stated, difference, read_at)
            values ($1, payout.wib_day($8), $2::bigint + $3::bigint, $17, $8)
            on conflict (merchant_code, day) do update
            set stated = excluded.stated, difference = excluded.difference, read_at = excluded.read_at)
        insert into payout.gateway_balance as g (merchant_code, balance, frozen, pending, signed, ledger_id, unchanged_since,
                                                 read_at, spent, regained, at_most, undebited, unrefunded, lowest_surplus,
                                                 window_began, surplus_since, booked)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $18)
        on conflict (merchant_code) do update
        set balance = excluded.balance, frozen = excluded.frozen, pending = excluded.pending,
            signed = excluded.signed, ledger_id = excluded.ledger_id, unchanged_since = excluded.unchanged_since,
            read_at = excluded.read_at, spent = excluded.spent, regained = excluded.regained, at_most = excluded.at_most, undebited = excluded.undebited,
            unrefunded = excluded.unrefunded, lowest_surplus = excluded.lowest_surplus,
            window_began = excluded.window_began, surplus_since = excluded.surplus_since,
            booked = excluded.booked"#,
        merchant_code,
        stated.balance.idr(),
        stated.frozen.idr(),
        stated.pending.idr(),
        stated.signed,
        kept.ledger_id,
        kept.unchanged_since,
        watch.counted_at,
        watch.spent,
        watch.regained,
        watch.at_most,
        &watch.undebited,
        &watch.unrefunded,
        watch.lowest,
        watch.window_began,
        watch.surplus_since,
        kept.difference,
        kept.booked,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether the new money may be that of a paid payout that was returned. Schedules a query of each payout that it would
/// fit and that the gateway has not called paid since. If it fits too many to query, a person decides.
async fn may_have_come_back(
    db: &mut PgConnection,
    merchant_code: &str,
    surplus: &Certain,
    since: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let contradicted = sqlx::query_scalar!(
        r#"/* store::is_contradicted */
        select exists (select from payout.payouts p
                       where p.merchant_code = $1
                         and p.attention_reasons && '{contradiction, late_success, amount_mismatch, foreign_order}') as "is!""#,
        merchant_code,
    )
    .fetch_one(&mut *db)
    .await?;
    if contradicted {
        return Ok(true);
    }
    sqlx::query_scalar!(
        r#"/* store::query_possible_returns */
        with fitting as materialized (
            (select p.order_num, p.settled_at from payout.payouts p
             where p.merchant_code = $1 and p.state = 'paid' and p.settled_at > now() - interval '30 days'
               and p.amount between $2::bigint and $3::bigint
             limit 1000)
            union
            (select p.order_num, p.settled_at from payout.payouts p
             where p.merchant_code = $1 and p.state = 'paid' and p.settled_at > now() - interval '30 days' and p.fee > 0
               and p.amount + (2 * p.fee_type - 1) * p.fee between $2::bigint and $3::bigint
             limit 1000)
        ),
        unqueried as materialized (
            select f.order_num
            from fitting f
            -- Only the gateway's word that it is still paid, to a query that was sent since, says that it is not this one.
            where not exists (select from payout.evidence e
                              where e.merchant_code = $1 and e.order_num = f.order_num and e.source = 'query'
                                and e.kind = 'found' and e.status = 2 and e.query_sent_at > $4)
            order by f.settled_at desc
            limit 20
        ),
        due as materialized (
            select p.order_num
            from unqueried u
            join payout.payouts p on p.merchant_code = $1 and p.order_num = u.order_num
            for no key update of p skip locked
        ),
        planned as (
            update payout.payouts p
            set next_query_at = least(p.next_query_at, now())
            from due d
            where p.merchant_code = $1 and p.order_num = d.order_num
        )
        select exists (select from unqueried) or (select count(*) >= 1000 from fitting) as "may!""#,
        merchant_code,
        surplus.new_money,
        surplus.at_most,
        since,
    )
    .fetch_one(db)
    .await
}
