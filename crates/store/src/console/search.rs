//! The list of payouts. A page looks at a bounded number of them, whatever the filter is and whatever the planner knows, and
//! says how far it looked; a CSV looks at all.

use chrono::{DateTime, TimeDelta, Utc};
use payout_domain::{payout::PayoutKey, state::State};
use sqlx::PgConnection;

use crate::find::{Filter, Status, statuses};

/// Most payouts that one page looks at: a tenth of a second's work.
pub const SEARCHED_MAX: i64 = 100_000;
/// Most of the newest that one statement looks at.
const AT_ONCE: i64 = 10_000;
/// Where an index leads to more, the newest are looked at instead.
const FEW_MAX: i64 = 5_000;
/// A payout may be settled in the transaction that inserted it, at that transaction's beginning.
const SETTLED_BEFORE_INSERTED: TimeDelta = TimeDelta::days(1);

/// What a list of the console filters by beside [`Filter`], of which it takes no `merchant`, `since` and `text`, and where its
/// page begins.
#[derive(Clone, Debug, Default)]
pub struct Range {
    /// Of one of these merchants, which index the numbers; empty for all.
    pub merchants: Vec<String>,
    /// With an order number, in the same case or in another one, or a gateway's number that begins with this.
    pub begins: Option<String>,
    /// Of at most this many rupiah.
    pub max_amount: Option<i64>,
    /// Failed for this reason, exactly; empty for those without one.
    pub reason: Option<String>,
    /// Whether the page says what those that match come to. It then looks at 10 000 payouts at least.
    pub is_totalled: bool,
    /// Behind this payout in the order of the list: when it was inserted, its order number and its merchant.
    pub after: Option<(DateTime<Utc>, String, String)>,
}

impl Range {
    /// What an order number may begin with.
    fn prefixes(&self) -> Vec<String> {
        let mut prefixes = Vec::new();
        if let Some(begins) = &self.begins {
            for one in [
                begins.clone(),
                begins.to_ascii_uppercase(),
                begins.to_ascii_lowercase(),
            ] {
                if !prefixes.contains(&one) {
                    prefixes.push(one);
                }
            }
        }
        prefixes
    }

    /// Only payouts that were inserted before this can be on the page.
    fn before(&self, filter: &Filter) -> Option<DateTime<Utc>> {
        let after = self.after.as_ref();
        let after = after.and_then(|(at, _, _)| at.checked_add_signed(TimeDelta::microseconds(1)));
        let settled = filter.settled_to;
        let settled = settled.and_then(|to| to.checked_add_signed(SETTLED_BEFORE_INSERTED));
        after.into_iter().chain(settled).min()
    }
}

/// A page of the list.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The payouts that match, newest first.
    pub rows: Vec<Status>,
    /// Payouts that were inserted before this were not looked at; `None` if none is left that could match.
    pub looked_back_to: Option<DateTime<Utc>>,
    /// What those that match come to.
    pub total: Total,
}

/// What the payouts that a page looked at come to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Total {
    /// How many it looked at.
    pub looked_at: i64,
    /// How many of these match.
    pub payouts: i64,
    /// Their amounts together.
    pub rupiah: i64,
}

impl Total {
    fn add(&mut self, look: &Look) {
        self.looked_at = self.looked_at.saturating_add(look.payouts);
        self.payouts = self.payouts.saturating_add(look.matching);
        self.rupiah = self.rupiah.saturating_add(look.rupiah);
    }
}

/// By which index few payouts are found.
#[derive(Clone, Copy, Debug)]
enum Way {
    Number,
    Attention,
    State,
}

impl Way {
    fn of(filter: &Filter, range: &Range) -> Option<Self> {
        let is_open = |state: &String| state.parse().is_ok_and(|state: State| !state.is_final());
        if range.begins.is_some() {
            Some(Self::Number)
        } else if filter.needs_attention {
            Some(Self::Attention)
        } else if !filter.states.is_empty() && filter.states.iter().all(is_open) {
            Some(Self::State)
        } else {
            None
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Attention => "attention",
            Self::State => "state",
        }
    }
}

/// A page of the payouts that match, newest first. Where an index leads to few payouts, all of these are looked at; otherwise
/// the newest ones, [`SEARCHED_MAX`] or a few more.
pub async fn search(
    db: &mut PgConnection,
    filter: &Filter,
    range: &Range,
) -> Result<Found, sqlx::Error> {
    if let Some(few) = few(db, filter, range).await? {
        let look = look(db, filter, range, &Scope::these(few), filter.limit).await?;
        let mut total = Total::default();
        total.add(&look);
        return Ok(Found {
            rows: statuses(db, &look.keys()).await?,
            looked_back_to: None,
            total,
        });
    }
    let (mut keys, mut total) = (Vec::new(), Total::default());
    let (first, least) = if range.is_totalled {
        (AT_ONCE, AT_ONCE)
    } else {
        (filter.limit.min(AT_ONCE), 0)
    };
    let mut scope = Scope {
        before: range.before(filter),
        most: first,
        ..Scope::default()
    };
    loop {
        let found = i64::try_from(keys.len()).unwrap_or(i64::MAX);
        let wanted = filter.limit.saturating_sub(found);
        let is_enough = wanted == 0 && total.looked_at >= least;
        if is_enough || total.looked_at >= SEARCHED_MAX {
            break;
        }
        let look = look(db, filter, range, &scope, wanted).await?;
        keys.extend(look.keys());
        total.add(&look);
        // The end of the books is reached.
        scope.before = look.oldest.filter(|_| look.payouts >= scope.most);
        if scope.before.is_none() {
            break;
        }
        // Most pages fill at once.
        scope.most = scope.most.saturating_mul(10).min(AT_ONCE);
    }
    Ok(Found {
        rows: statuses(db, &keys).await?,
        looked_back_to: scope.before,
        total,
    })
}

/// Payouts to look at: these, and so many of the newest.
#[derive(Debug, Default)]
struct Scope {
    merchants: Vec<String>,
    order_nums: Vec<String>,
    /// The newest that were inserted before this.
    before: Option<DateTime<Utc>>,
    /// So many, and those of the same moment as the last one.
    most: i64,
}

impl Scope {
    fn these(keys: Vec<PayoutKey>) -> Self {
        let keys = keys.into_iter();
        let (merchants, order_nums) = keys.map(|key| (key.merchant_code, key.order_num)).unzip();
        Self {
            merchants,
            order_nums,
            ..Self::default()
        }
    }
}

/// What one statement looked at.
struct Look {
    /// How many payouts.
    payouts: i64,
    /// How many of these match.
    matching: i64,
    /// The amounts of those that match.
    rupiah: i64,
    /// When the oldest of them was inserted.
    oldest: Option<DateTime<Utc>>,
    /// The first of those that match, newest first.
    merchants: Vec<String>,
    order_nums: Vec<String>,
}

impl Look {
    fn keys(&self) -> Vec<PayoutKey> {
        let keys = self.merchants.iter().zip(&self.order_nums);
        let keys = keys.map(|(merchant_code, order_num)| PayoutKey {
            merchant_code: merchant_code.clone(),
            order_num: order_num.clone(),
        });
        keys.collect()
    }
}

/// The payouts to which an index leads, if these are few.
async fn few(
    db: &mut PgConnection,
    filter: &Filter,
    range: &Range,
) -> Result<Option<Vec<PayoutKey>>, sqlx::Error> {
    let Some(way) = Way::of(filter, range) else {
        return Ok(None);
    };
    // Each way has an order that only its index offers, and a limit, so that no plan reads more than that.
    let keys = sqlx::query_as!(
        PayoutKey,
        r#"/* store::console_few */
        select s.merchant_code as "merchant_code!", s.order_num as "order_num!"
        from ((select s.* from unnest($3::text[]) wanted (state)
               cross join lateral (select s.merchant_code, s.order_num from payout.all_status s
                                   where s.state = wanted.state
                                     and s.state in ('queued', 'submitting', 'pending', 'unknown')
                                   order by s.state_since limit $2) s
               where $1 = 'state')
              union all
              (select s.merchant_code, s.order_num from payout.all_status s
               where $1 = 'attention' and s.attention is not null
               order by s.attention_since limit $2)
              union all
              (select s.* from unnest($4::text[]) merchant (code)
               cross join unnest($5::text[]) prefix (text)
               -- No character of a number sorts behind '~'.
               cross join lateral (select s.merchant_code, s.order_num from payout.all_status s
                                   where s.merchant_code = merchant.code
                                     and s.order_num >= prefix.text and s.order_num < prefix.text || '~'
                                   order by s.order_num limit $2) s
               where $1 = 'number')
              union all
              (select s.* from unnest($4::text[]) merchant (code)
               cross join lateral (select s.merchant_code, s.order_num from payout.all_status s
                                   where s.merchant_code = merchant.code
                                     and s.platform_order_num collate "C" >= $6
                                     and s.platform_order_num collate "C" < $6 || '~'
                                   order by s.platform_order_num collate "C" limit $2) s
               where $1 = 'number')) s
        limit $2"#,
        way.name(),
        FEW_MAX.saturating_add(1),
        &filter.states,
        &range.merchants,
        &range.prefixes(),
        range.begins.as_deref(),
    )
    .fetch_all(db)
    .await?;
    let is_few = i64::try_from(keys.len()).is_ok_and(|found| found <= FEW_MAX);
    Ok(is_few.then_some(keys))
}

/// Looks at payouts, and returns the first `wanted` that match.
async fn look(
    db: &mut PgConnection,
    filter: &Filter,
    range: &Range,
    scope: &Scope,
    wanted: i64,
) -> Result<Look, sqlx::Error> {
    let after = range.after.as_ref();
    sqlx::query_as!(
        Look,
        r#"/* store::console_search */
        with looked_at as materialized (
            select s.merchant_code, s.order_num, s.created_at, s.state, s.state_since, s.amount, s.bank_code, s.attention,
                   s.attention_reasons, s.platform_order_num, s.settled_at, s.failure_reason
            from ((select s.* from unnest($1::text[], $2::text[]) these (merchant, number)
                   cross join lateral (select s.* from payout.all_status s
                                       where (s.merchant_code, s.order_num) = (these.merchant, these.number) limit 1) s)
                  union all
                  (select s.* from payout.all_status s where $3::timestamptz is null or s.created_at < $3
                   -- With those of the same moment: the next look goes on before it.
                   order by s.created_at desc fetch first $4 rows with ties)) s
        ), matching as (
            select l.merchant_code, l.order_num, l.created_at, l.amount from looked_at l
            where (cardinality($5::text[]) = 0 or l.state = any ($5)) and (cardinality($6::text[]) = 0 or l.merchant_code = any ($6))
              and ($7::text is null or starts_with(l.platform_order_num, $7)
                   or exists (select from unnest($8::text[]) prefix (text) where starts_with(l.order_num, prefix.text)))
              and (not $9::boolean or l.attention is not null) and ($10::text is null or $10 = any (l.attention_reasons))
              and ($11::bigint is null or l.state_since < now() - $11 * interval '1 second')
              and ($12::text is null or l.bank_code = $12)
              and ($13::bigint is null or l.amount >= $13) and ($14::bigint is null or l.amount <= $14)
              and ($15::timestamptz is null or l.settled_at >= $15) and ($16::timestamptz is null or l.settled_at < $16)
              and ($17::timestamptz is null or (l.created_at, l.order_num, l.merchant_code) < ($17, $18::text, $19::text))
              and ($21::text is null or coalesce(nullif(btrim(l.failure_reason), '-'), '') = $21 and l.state = 'failed')
        ), found as (select m.* from matching m order by m.created_at desc, m.order_num desc, m.merchant_code desc limit $20)
        select (select count(*) from looked_at) as "payouts!", (select min(l.created_at) from looked_at l) as oldest,
               (select count(*) from matching) as "matching!", (select coalesce(sum(m.amount), 0)::bigint from matching m) as "rupiah!",
               array(select f.merchant_code from found f
                     order by f.created_at desc, f.order_num desc, f.merchant_code desc) as "merchants!",
               array(select f.order_num from found f
                     order by f.created_at desc, f.order_num desc, f.merchant_code desc) as "order_nums!""#,
        &scope.merchants,
        &scope.order_nums,
        scope.before,
        scope.most,
        &filter.states,
        &range.merchants,
        range.begins.as_deref(),
        &range.prefixes(),
        filter.needs_attention,
        filter.attention.as_deref(),
        filter.older_than_seconds,
        filter.bank.as_deref(),
        filter.min_amount,
        range.max_amount,
        filter.settled_from,
        filter.settled_to,
        after.map(|(at, _, _)| *at),
        after.map(|(_, order_num, _)| order_num.as_str()),
        after.map(|(_, _, merchant)| merchant.as_str()),
        wanted,
        range.reason.as_deref(),
    )
    .fetch_one(db)
    .await
}

/// Every payout that matches, newest first, wherever the page begins; at most `filter.limit`.
pub async fn all(
    db: &mut PgConnection,
    filter: &Filter,
    range: &Range,
) -> Result<Vec<Status>, sqlx::Error> {
    sqlx::query_as!(
        Status,
        r#"/* store::console_all */
        select s.order_num as "order_num!", s.merchant_code as "merchant_code!", s.bank_code as "bank_code!",
               s.amount as "amount!", s.fee_type as "fee_type!", s.state as "state!", s.state_since as "state_since!",
               s.created_at as "created_at!", s.fee, s.debit_total, s.beneficiary_amount, s.platform_order_num,
               s.failure_reason, s.attention, array_to_string(s.attention_reasons, ' ') as "attention_reasons!",
               s.attention_since, s.waits_for, s.settled_at, s.settled_day, s.paid_at, s.paid_day
        from payout.all_status s
        where (cardinality($1::text[]) = 0 or s.state = any($1))
          and (cardinality($2::text[]) = 0 or s.merchant_code = any($2))
          and (not $3::boolean or s.attention is not null)
          and ($4::text is null or $4 = any (s.attention_reasons))
          and ($5::bigint is null or s.state_since < now() - $5 * interval '1 second')
          and ($6::text is null or s.bank_code = $6)
          and ($7::bigint is null or s.amount >= $7)
          -- No character of a number sorts behind '~'.
          and ($8::text is null
               or s.order_num >= $8 and s.order_num < $8 || '~'
               or s.order_num >= upper($8) and s.order_num < upper($8) || '~'
               or s.order_num >= lower($8) and s.order_num < lower($8) || '~'
               or s.platform_order_num collate "C" >= $8 and s.platform_order_num collate "C" < $8 || '~')
          and ($9::bigint is null or s.amount <= $9)
          and ($10::timestamptz is null or s.settled_at >= $10)
          and ($11::timestamptz is null or s.settled_at < $11)
          and ($13::text is null or coalesce(nullif(btrim(s.failure_reason), '-'), '') = $13 and s.state = 'failed')
        order by s.created_at desc, s.order_num desc, s.merchant_code desc
        limit $12"#,
        &filter.states,
        &range.merchants,
        filter.needs_attention,
        filter.attention.as_deref(),
        filter.older_than_seconds,
        filter.bank.as_deref(),
        filter.min_amount,
        range.begins.as_deref(),
        range.max_amount,
        filter.settled_from,
        filter.settled_to,
        filter.limit,
        range.reason.as_deref(),
    )
    .fetch_all(db)
    .await
}
