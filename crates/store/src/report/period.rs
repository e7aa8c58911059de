//! The books over days, months, banks and failure reasons: sums of `payout.movements`, which defines each of them, most of
//! them added up before (`payout.movements_by_day`).

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

/// From midnight up to, but not including, another midnight, in WIB.
#[derive(Clone, Copy, Debug)]
pub struct Period {
    /// When it begins.
    pub from: DateTime<Utc>,
    /// When it is over.
    pub to: DateTime<Utc>,
}

/// One merchant's books over a day or longer, in rupiah:
/// opening + top-ups + returned - debit - more held = closing.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Line {
    /// The first day.
    pub from_day: NaiveDate,
    /// The last day.
    pub to_day: NaiveDate,
    /// The merchant.
    pub merchant_code: String,
    /// The available balance when the first day began: the closing of the line before.
    pub opening: i64,
    /// How many payouts became paid.
    pub payouts_paid: i64,
    /// How many became failed.
    pub payouts_failed: i64,
    /// How many were returned.
    pub payouts_returned: i64,
    /// The instructed amounts of what became paid.
    pub gross: i64,
    /// What the gateway kept, with corrections of earlier fees.
    pub fee: i64,
    /// The part of `fee` that came out of the amount (fee type 0).
    pub fee_out_of_amount: i64,
    /// The part of `fee` that was charged on top (fee type 1).
    pub fee_on_top: i64,
    /// What beneficiaries received.
    pub net: i64,
    /// What it cost: net + fee.
    pub debit: i64,
    /// Booked as funding, less withdrawals.
    pub top_ups: i64,
    /// What came back from beneficiaries.
    pub returned: i64,
    /// By how much the held balance grew.
    pub held_change: i64,
    /// The available balance when the last day ended.
    pub closing: i64,
    /// The held balance when the last day ended, for payouts that may have left.
    pub held_closing: i64,
    /// What the gateway had available and frozen together, as it last stated them up to then; `None` before the first time.
    pub gateway_total: Option<i64>,
    /// `gateway_total` less our available and held when it was read.
    pub difference: Option<i64>,
    /// When it was read.
    pub gateway_read_at: Option<DateTime<Utc>>,
}

/// The books of each merchant: a line per day, or one for the whole period.
pub async fn lines(
    db: &mut PgConnection,
    period: Period,
    by_day: bool,
    merchant: Option<&str>,
) -> Result<Vec<Line>, sqlx::Error> {
    sqlx::query_as!(
        Line,
        r#"/* store::report_lines */
        with spans as (
            select d.day::date as from_day, case when $3 then d.day::date else payout.wib_day($2) - 1 end as to_day
            from generate_series(payout.wib_day($1)::timestamp,
                                 case when $3 then payout.wib_day($2) - 1 else payout.wib_day($1) end::timestamp,
                                 interval '1 day') d (day)
        ), since as materialized (
            select v.merchant_code,
                   case when v.day < payout.wib_day($2) then case when $3 then v.day else payout.wib_day($1) end end as from_day,
                   sum(v.paid)::bigint as paid, sum(v.failed)::bigint as failed,
                   sum(v.payouts_returned)::bigint as payouts_returned, sum(v.gross) as gross, sum(v.fee) as fee,
                   sum(v.fee_out_of_amount) as fee_out_of_amount, sum(v.fee_on_top) as fee_on_top, sum(v.net) as net,
                   sum(v.debit) as debit, sum(v.top_up) as top_ups, sum(v.returned) as returned,
                   sum(v.available) as available, sum(v.held) as held
            from payout.movements_by_day v
            where v.day >= payout.wib_day($1)
            group by 1, 2
        ), opening as (
            -- What there is now, less all that was booked since: the older entries need not be read again.
            select a.merchant_code, a.available - coalesce(sum(e.available), 0) as available,
                   a.held - coalesce(sum(e.held), 0) as held
            from payout.accounts a left join since e on e.merchant_code = a.merchant_code
            group by a.merchant_code
        )
        select s.from_day as "from_day!", s.to_day as "to_day!", m.code as merchant_code,
               (coalesce(o.available, 0) + coalesce(sum(e.available) over before, 0))::bigint as "opening!",
               coalesce(e.paid, 0) as "payouts_paid!", coalesce(e.failed, 0) as "payouts_failed!",
               coalesce(e.payouts_returned, 0) as "payouts_returned!", coalesce(e.gross, 0)::bigint as "gross!",
               coalesce(e.fee, 0)::bigint as "fee!", coalesce(e.fee_out_of_amount, 0)::bigint as "fee_out_of_amount!",
               coalesce(e.fee_on_top, 0)::bigint as "fee_on_top!", coalesce(e.net, 0)::bigint as "net!",
               coalesce(e.debit, 0)::bigint as "debit!", coalesce(e.top_ups, 0)::bigint as "top_ups!",
               coalesce(e.returned, 0)::bigint as "returned!", coalesce(e.held, 0)::bigint as "held_change!",
               (coalesce(o.available, 0) + coalesce(sum(e.available) over so_far, 0))::bigint as "closing!",
               (coalesce(o.held, 0) + coalesce(sum(e.held) over so_far, 0))::bigint as "held_closing!",
               g.stated as "gateway_total?", g.difference as "difference?", g.read_at as "gateway_read_at?"
        from payout.merchants m
        cross join spans s
        left join opening o on o.merchant_code = m.code
        left join since e on e.merchant_code = m.code and e.from_day = s.from_day
        left join lateral (
            select d.stated, d.difference, d.read_at from payout.daily_balances d
            where d.merchant_code = m.code and d.day <= s.to_day
            order by d.day desc limit 1) g on true
        where $4::text is null or m.code = $4
        window so_far as (partition by m.code order by s.from_day),
               before as (so_far rows between unbounded preceding and 1 preceding)
        order by m.code, s.from_day"#,
        period.from,
        period.to,
        by_day,
        merchant,
    )
    .fetch_all(db)
    .await
}

/// What one merchant's payouts to one bank came to, in rupiah.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Bank {
    /// The first day.
    pub from_day: NaiveDate,
    /// The last day.
    pub to_day: NaiveDate,
    /// The merchant.
    pub merchant_code: String,
    /// The bank.
    pub bank_code: String,
    /// Its name, or its code if the name is unknown.
    pub bank_name: String,
    /// How many payouts became paid.
    pub payouts_paid: i64,
    /// How many became failed.
    pub payouts_failed: i64,
    /// How many were returned.
    pub payouts_returned: i64,
    /// The instructed amounts of what became paid.
    pub gross: i64,
    /// What the gateway kept, with corrections of earlier fees.
    pub fee: i64,
    /// The part of `fee` that came out of the amount (fee type 0).
    pub fee_out_of_amount: i64,
    /// The part of `fee` that was charged on top (fee type 1).
    pub fee_on_top: i64,
    /// What beneficiaries received.
    pub net: i64,
    /// What it cost: net + fee.
    pub debit: i64,
    /// What came back from beneficiaries.
    pub returned: i64,
}

/// The same by bank. A bank to which nothing ended in the period has no row.
pub async fn banks(
    db: &mut PgConnection,
    period: Period,
    merchant: Option<&str>,
) -> Result<Vec<Bank>, sqlx::Error> {
    sqlx::query_as!(
        Bank,
        r#"/* store::report_banks */
        select payout.wib_day($1) as "from_day!", payout.wib_day($2) - 1 as "to_day!",
               v.merchant_code as "merchant_code!", v.bank_code as "bank_code!",
               coalesce(min(b.name), v.bank_code) as "bank_name!",
               sum(v.paid)::bigint as "payouts_paid!", sum(v.failed)::bigint as "payouts_failed!",
               sum(v.payouts_returned)::bigint as "payouts_returned!", sum(v.gross)::bigint as "gross!",
               sum(v.fee)::bigint as "fee!", sum(v.fee_out_of_amount)::bigint as "fee_out_of_amount!",
               sum(v.fee_on_top)::bigint as "fee_on_top!", sum(v.net)::bigint as "net!", sum(v.debit)::bigint as "debit!",
               sum(v.returned)::bigint as "returned!"
        from payout.movements_by_day v
        left join payout.banks b on b.code = v.bank_code collate "C"
        where v.day >= payout.wib_day($1) and v.day < payout.wib_day($2) and v.bank_code <> ''
          and ($3::text is null or v.merchant_code = $3)
        group by v.merchant_code, v.bank_code
        having sum(v.paid + v.failed + v.payouts_returned) > 0 or sum(v.fee) <> 0
        order by v.merchant_code, sum(v.gross) desc, v.bank_code"#,
        period.from,
        period.to,
        merchant,
    )
    .fetch_all(db)
    .await
}

/// The payouts of one merchant that failed for one reason.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Failure {
    /// The first day.
    pub from_day: NaiveDate,
    /// The last day.
    pub to_day: NaiveDate,
    /// The merchant.
    pub merchant_code: String,
    /// The gateway's words; empty if it gave none.
    pub failure_reason: String,
    /// How many became failed.
    pub payouts_failed: i64,
    /// Their instructed amounts, in rupiah. None of it was paid.
    pub gross: i64,
    /// How many of them were paid after all.
    pub paid_after_all: i64,
}

/// Why payouts failed in the period, the most money first.
pub async fn failures(
    db: &mut PgConnection,
    period: Period,
    merchant: Option<&str>,
) -> Result<Vec<Failure>, sqlx::Error> {
    sqlx::query_as!(
        Failure,
        r#"/* store::report_failures */
        select payout.wib_day($1) as "from_day!", payout.wib_day($2) - 1 as "to_day!",
               v.merchant_code as "merchant_code!", coalesce(s.failure_reason, '') as "failure_reason!",
               count(*) as "payouts_failed!", sum(v.amount)::bigint as "gross!",
               count(*) filter (where s.state <> 'failed') as "paid_after_all!"
        from (select v.merchant_code, v.order_num, v.amount from payout.movements v
              where v.at >= $1 and v.at < $2 and v.kind = 'release' and v.step = 'failed'
                and ($3::text is null or v.merchant_code = $3)
              offset 0) v
        cross join lateral (select s.state, s.failure_reason from payout.all_status s
                            where (s.merchant_code, s.order_num) = (v.merchant_code, v.order_num) limit 1) s
        group by v.merchant_code, coalesce(s.failure_reason, '')
        order by v.merchant_code, sum(v.amount) desc, 4"#,
        period.from,
        period.to,
        merchant,
    )
    .fetch_all(db)
    .await
}
