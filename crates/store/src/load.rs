//! Locks and reads whole payouts for a decision.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use payout_domain::{
    attention::{Attention, AttentionSet},
    finding::{Columns, Finding},
    money::{FeeType, Rupiah},
    payout::{Instruction, Observed, Payout, PayoutKey, Private},
    state::State,
};
use sqlx::PgConnection;

/// A payout and the transaction's time.
pub(super) struct Loaded {
    pub(super) payout: Payout,
    pub(super) now: DateTime<Utc>,
}

/// Locks the payouts that nobody else has locked, and reads them. It never waits, so one locked payout keeps no other
/// waiting; [`existing`] tells a locked one from one that is not there.
pub(super) async fn lock_payouts(
    db: &mut PgConnection,
    keys: &[&PayoutKey],
) -> Result<BTreeMap<PayoutKey, Loaded>, sqlx::Error> {
    let merchants: Vec<String> = keys.iter().map(|key| key.merchant_code.clone()).collect();
    let orders: Vec<String> = keys.iter().map(|key| key.order_num.clone()).collect();
    let rows = sqlx::query_as!(
        LockedRow,
        r#"/* store::lock_payouts */
        select p.merchant_code, p.order_num, p.state, p.amount::bigint as "amount!", p.fee_type, p.bank_code,
               p.account_number, p.account_name, p.description, p.attempt, p.sends, p.not_sent, p.send_by, p.held,
               p.fee, p.platform_order_num, p.called_back, p.failure_reason, p.attention_reasons, p.declined_at, p.proven_ours,
               p.reaffirmed_at, p.settled_at, p.queries, p.next_query_at, p.later_look, p.due_at, m.fee_reserve, now() as "now!",
               (select a.request_sha256 from payout.attempts a
                where (a.merchant_code, a.order_num, a.attempt) = (p.merchant_code, p.order_num, p.attempt)) as request_sha256,
               (select payout.trusted_after()) as trusted_after,
               (select payout.must_query_first()) as "commits_may_be_lost!"
        from unnest($1::text[], $2::text[]) k (merchant_code, order_num)
        -- One payout after the other, whatever the planner knows of the table.
        cross join lateral (
            select * from payout.payouts o
            where (o.merchant_code, o.order_num) = (k.merchant_code, k.order_num)
            for no key update skip locked) p
        join payout.merchants m on m.code = p.merchant_code"#,
        &merchants,
        &orders,
    )
    .fetch_all(&mut *db)
    .await?;
    let mut observed = observed_since_attempt(db, &merchants, &orders).await?;
    let stated = stated_by_people(db, &rows).await?;
    let mut loaded = BTreeMap::new();
    for row in rows {
        let key = PayoutKey {
            merchant_code: row.merchant_code.clone(),
            order_num: row.order_num.clone(),
        };
        let now = row.now;
        let observed = observed.remove(&key).unwrap_or_default();
        let stated = stated.get(&key).copied().unwrap_or_default();
        let payout = payout_of(key.clone(), row, observed, stated)?;
        loaded.insert(key, Loaded { payout, now });
    }
    Ok(loaded)
}

/// Which of these payouts exist, whoever has them locked.
pub(super) async fn existing(
    db: &mut PgConnection,
    keys: &[&PayoutKey],
) -> Result<BTreeSet<PayoutKey>, sqlx::Error> {
    if keys.is_empty() {
        return Ok(BTreeSet::new());
    }
    let merchants: Vec<String> = keys.iter().map(|key| key.merchant_code.clone()).collect();
    let orders: Vec<String> = keys.iter().map(|key| key.order_num.clone()).collect();
    let keys = sqlx::query_as!(
        PayoutKey,
        r#"/* store::existing */
        select p.merchant_code as "merchant_code!", p.order_num as "order_num!"
        from unnest($1::text[], $2::text[]) k (merchant_code, order_num)
        cross join lateral (
            select p.merchant_code, p.order_num from payout.payouts p
            where (p.merchant_code, p.order_num) = (k.merchant_code, k.order_num)
            offset 0) p"#,
        &merchants,
        &orders,
    )
    .fetch_all(db)
    .await?;
    Ok(keys.into_iter().collect())
}

/// One row of `store::lock_payouts`, with the columns' own types.
struct LockedRow {
    merchant_code: String,
    order_num: String,
    state: String,
    amount: i64,
    fee_type: i16,
    bank_code: String,
    account_number: String,
    account_name: String,
    description: Option<String>,
    attempt: i32,
    sends: i32,
    not_sent: i32,
    send_by: Option<DateTime<Utc>>,
    held: i64,
    fee: Option<i64>,
    platform_order_num: Option<String>,
    called_back: Option<String>,
    failure_reason: Option<String>,
    attention_reasons: Vec<String>,
    declined_at: Option<DateTime<Utc>>,
    proven_ours: bool,
    later_look: Option<bool>,
    reaffirmed_at: Option<DateTime<Utc>>,
    settled_at: Option<DateTime<Utc>>,
    queries: i32,
    next_query_at: Option<DateTime<Utc>>,
    due_at: DateTime<Utc>,
    fee_reserve: i64,
    now: DateTime<Utc>,
    request_sha256: Option<Vec<u8>>,
    trusted_after: Option<DateTime<Utc>>,
    commits_may_be_lost: bool,
}

fn payout_of(
    key: PayoutKey,
    row: LockedRow,
    observed: BTreeMap<Finding, Observed>,
    stated: Stated,
) -> Result<Payout, sqlx::Error> {
    let instruction = Instruction {
        key,
        amount: Rupiah::new(row.amount),
        fee_type: fee_type(row.fee_type)?,
        bank_code: row.bank_code,
        account_number: Private::new(row.account_number),
        account_name: Private::new(row.account_name),
        description: row.description,
    };
    Ok(Payout {
        instruction,
        state: parsed(&row.state)?,
        attempt: row.attempt,
        sends: row.sends,
        not_sent: row.not_sent,
        request_sha256: row.request_sha256.and_then(|sha256| sha256.try_into().ok()),
        send_by: row.send_by,
        held: Rupiah::new(row.held),
        fee_reserve: Rupiah::new(row.fee_reserve),
        trusted_after: row.trusted_after,
        commits_may_be_lost: row.commits_may_be_lost,
        fee: row.fee.map(Rupiah::new),
        platform_order_num: row.platform_order_num,
        called_back: row.called_back,
        failure_reason: row.failure_reason,
        attention: reasons(&row.attention_reasons)?,
        declined_at: row.declined_at,
        proven_ours: row.proven_ours,
        later_look: row.later_look.unwrap_or(false),
        reaffirmed_at: row.reaffirmed_at,
        by_statement: stated.end,
        fee_by_statement: stated.fee,
        settled_at: row.settled_at,
        queries: u32::try_from(row.queries).unwrap_or(0),
        next_query_at: row.next_query_at,
        due_at: row.due_at,
        observed,
    })
}

/// What of a final payout rests on people's word alone.
#[derive(Clone, Copy, Default)]
struct Stated {
    end: bool,
    fee: bool,
}

/// What of these locked payouts rests on people's word alone. A statement of its own, so that it sees what was committed
/// before the lock.
async fn stated_by_people(
    db: &mut PgConnection,
    locked: &[LockedRow],
) -> Result<BTreeMap<PayoutKey, Stated>, sqlx::Error> {
    let ends = [State::Paid, State::Failed, State::Returned].map(State::name);
    let ended = locked
        .iter()
        .filter(|row| ends.contains(&row.state.as_str()));
    let (merchants, orders): (Vec<String>, Vec<String>) = ended
        .map(|row| (row.merchant_code.clone(), row.order_num.clone()))
        .unzip();
    if orders.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query!(
        r#"/* store::stated_by_people */
        select p.merchant_code, p.order_num, coalesce(payout.rests_on_statement(p), false) as "end!",
               p.fee is not null and coalesce((
                   select h.event = 'fee_stated' from payout.history h
                   where (h.merchant_code, h.order_num) = (p.merchant_code, p.order_num)
                     and h.event in ('fee_stated', 'fee_corrected')
                   order by h.seq desc limit 1), false) as "fee!"
        from unnest($1::text[], $2::text[]) k (merchant_code, order_num)
        cross join lateral (
            select * from payout.payouts p
            where (p.merchant_code, p.order_num) = (k.merchant_code, k.order_num)
            offset 0) p"#,
        &merchants,
        &orders,
    )
    .fetch_all(db)
    .await?;
    let stated = rows.into_iter().map(|row| {
        let key = PayoutKey {
            merchant_code: row.merchant_code,
            order_num: row.order_num,
        };
        let (end, fee) = (row.end, row.fee);
        (key, Stated { end, fee })
    });
    Ok(stated.collect())
}

/// The findings of queries since the current attempt began.
async fn observed_since_attempt(
    db: &mut PgConnection,
    merchants: &[String],
    orders: &[String],
) -> Result<BTreeMap<PayoutKey, BTreeMap<Finding, Observed>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"/* store::observed_since_attempt */
        select e.merchant_code, e.order_num, e.kind, e.status, e.signed, e.doubt, e.proves, e.valid_from, e.times,
               e.first_at, e.last_at, coalesce(e.query_sent_at, e.last_at) as "last_sent_at!"
        from unnest($1::text[], $2::text[]) k (merchant_code, order_num)
        cross join lateral (
            select p.attempt from payout.payouts p
            where (p.merchant_code, p.order_num) = (k.merchant_code, k.order_num)
            offset 0) p
        cross join lateral (
            select * from payout.evidence e
            where (e.merchant_code, e.order_num, e.attempt) = (k.merchant_code, k.order_num, p.attempt)
              and e.source = 'query' and not e.refused
            offset 0) e"#,
        merchants,
        orders,
    )
    .fetch_all(db)
    .await?;
    let mut observed: BTreeMap<PayoutKey, BTreeMap<Finding, Observed>> = BTreeMap::new();
    for row in rows {
        let key = PayoutKey {
            merchant_code: row.merchant_code,
            order_num: row.order_num,
        };
        let finding = Finding::of_query(&Columns {
            kind: row.kind.into(),
            status: row.status,
            signed: row.signed,
            doubt: row.doubt.map(Into::into),
            proves: row.proves.map(Into::into),
            valid_from: row.valid_from,
            ..Columns::default()
        })
        .ok_or_else(|| {
            sqlx::Error::Decode("evidence of a query has columns that do not fit together".into())
        })?;
        let counted = Observed {
            times: u32::try_from(row.times).unwrap_or(0),
            first_at: row.first_at,
            last_at: row.last_at,
            last_sent_at: row.last_sent_at,
        };
        observed.entry(key).or_default().insert(finding, counted);
    }
    Ok(observed)
}

/// Decodes a `fee_type` column.
pub(super) fn fee_type(code: i16) -> Result<FeeType, sqlx::Error> {
    FeeType::from_code(code)
        .ok_or_else(|| sqlx::Error::Decode("fee_type is neither 0 nor 1".into()))
}

/// Decodes an `attention_reasons` column.
fn reasons(names: &[String]) -> Result<AttentionSet, sqlx::Error> {
    names.iter().map(|name| parsed::<Attention>(name)).collect()
}

fn parsed<T: std::str::FromStr<Err = String>>(text: &str) -> Result<T, sqlx::Error> {
    text.parse()
        .map_err(|error: String| sqlx::Error::Decode(error.into()))
}
