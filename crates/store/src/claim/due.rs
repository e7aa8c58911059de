//! Finds the payouts that may be claimed now.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};
use payout_domain::{
    money::Rupiah,
    payout::{Instruction, PayoutKey, Private},
};
use payout_permit::{SendBy, boot_time};
use serde::Serialize;
use sqlx::PgConnection;

use super::{ClaimError, ClaimOrder, Position, Terms};
use crate::{load::fee_type, write::as_json};

/// The database, as a claim's transaction finds it.
pub(super) struct Begun {
    /// How many failovers a person has accepted.
    pub(super) epoch: i32,
    /// The transaction's time.
    pub(super) now: DateTime<Utc>,
}

/// A merchant as registered.
pub(super) struct Registered {
    pub(super) fee_reserve: Rupiah,
    /// Lower-case hex of the digest of its gateway, which is that of the worker's configuration.
    pub(super) gateway: String,
    /// An operator paused this merchant or every merchant.
    pub(super) paused: bool,
}

/// A due payout, locked.
pub(super) struct Due {
    /// Which of the orders it is claimed for.
    pub(super) order: usize,
    /// Its position in the claim order.
    pub(super) place: usize,
    pub(super) instruction: Instruction,
    pub(super) attempt: i32,
    /// Whether it already has the attention `insufficient_funds`.
    pub(super) marked_uncovered: bool,
    /// The last moment at which sending may start. For a replacement it ends with the confirmation of what it replaces.
    pub(super) send_by: SendBy,
}

#[derive(Serialize)]
struct Configured<'a> {
    order_at: usize,
    merchant_code: &'a str,
    dialect: &'a str,
    base_url: &'a str,
    platform_keys: &'a [String],
}

/// The merchants, in the order of `orders`, if this worker may claim for all of them: each is registered exactly as the
/// worker is configured, and the worker reaches, by a registered address, the database that the workers claimed in before
/// (I11).
pub(super) async fn merchants_to_claim_for(
    db: &mut PgConnection,
    terms: &Terms,
    orders: &[ClaimOrder],
) -> Result<(Begun, Vec<Registered>), ClaimError> {
    let configured = orders
        .iter()
        .enumerate()
        .map(|(order_at, order)| Configured {
            order_at,
            merchant_code: &order.merchant_code,
            dialect: &order.dialect,
            base_url: &order.base_url,
            platform_keys: &order.platform_keys,
        });
    let rows = sqlx::query!(
        r#"/* store::merchants_to_claim_for */
        select m.fee_reserve as "fee_reserve?", encode(m.gateway, 'hex') as gateway, now() as "now!",
               coalesce((select t.identity = payout.identity() and t.changed_at is null
                         from payout.failover t), false) as "same_identity!",
               exists (select from payout.addresses a
                       where a.address = $2 and a.removed_at is null) as "address_is_registered!",
               coalesce((select t.epoch from payout.failover t), 0) as "epoch!",
               exists (select from payout.pauses z
                       where (z.scope, z.value) in (('all', ''), ('merchant', r.merchant_code))) as "paused!"
        from jsonb_to_recordset($1) r (order_at int, merchant_code text, dialect text, base_url text, platform_keys text[])
        left join payout.merchants m on m.code = r.merchant_code and m.dialect = r.dialect and m.base_url = r.base_url
                                        and m.platform_keys = r.platform_keys
        order by r.order_at"#,
        as_json(&configured.collect::<Vec<_>>())?,
        terms.address.to_string(),
    )
    .fetch_all(db)
    .await?;
    let (mut begun, mut merchants) = (None, Vec::new());
    for (row, order) in rows.into_iter().zip(orders) {
        let (Some(fee_reserve), Some(gateway)) = (row.fee_reserve, row.gateway) else {
            return Err(ClaimError::RegisteredOtherwise(order.merchant_code.clone()));
        };
        if !row.address_is_registered {
            return Err(ClaimError::OtherAddress(terms.address.clone()));
        }
        if !row.same_identity {
            return Err(ClaimError::FailoverNotAccepted);
        }
        begun = Some(Begun {
            epoch: row.epoch,
            now: row.now,
        });
        merchants.push(Registered {
            fee_reserve: Rupiah::new(fee_reserve),
            gateway,
            paused: row.paused,
        });
    }
    Ok((begun.ok_or(sqlx::Error::RowNotFound)?, merchants))
}

/// Due payouts that were found, in the claim order.
#[derive(Default)]
pub(super) struct Found {
    pub(super) due: Vec<Due>,
    /// Those whose row cannot be read, with the order that they are claimed for and the reason.
    pub(super) unreadable: Vec<(usize, PayoutKey, String)>,
    /// The place of the last one for each order that has any.
    pub(super) last: BTreeMap<usize, Position>,
    /// How long the database looked for them.
    pub(super) took: Duration,
}

impl Found {
    fn of(rows: Vec<DueRow>, send_by: SendBy, took: Duration) -> Self {
        let mut found = Self {
            took,
            ..Self::default()
        };
        for (place, row) in rows.into_iter().enumerate() {
            let order = usize::try_from(row.order_at).unwrap_or(usize::MAX);
            found.last.insert(order, row.position());
            let confirmed_for = row.confirmed_for();
            let send_by = confirmed_for.map_or(send_by, |confirmed_for| {
                send_by.within(confirmed_for.saturating_sub(took))
            });
            let key = row.key();
            match row.into_due(order, place, send_by) {
                Ok(due) => found.due.push(due),
                Err(error) => found.unreadable.push((order, key, error.to_string())),
            }
        }
        found
    }
}

#[derive(Serialize)]
struct Look<'a> {
    order_at: usize,
    merchant_code: &'a str,
    most: i32,
    /// Where it begins: behind a payout, or at the beginning.
    priority: Option<i16>,
    due_at: Option<DateTime<Utc>>,
    order_num: Option<&'a str>,
}

impl<'a> Look<'a> {
    fn of(order_at: usize, order: &'a ClaimOrder) -> Self {
        let after = order.after.as_ref();
        Self {
            order_at,
            merchant_code: &order.merchant_code,
            most: order.limit,
            priority: after.map(|after| after.priority),
            due_at: after.map(|after| after.due_at),
            order_num: after.map(|after| after.order_num.as_str()),
        }
    }
}

/// Locks the next due payouts of each merchant that no other worker has locked. Each order comes with its number.
///
/// A replacement is due only after the gateway has confirmed again that every payout that it pays again failed
/// (`docs/sql-contract.md`, `replaces`).
pub(super) async fn lock_due(
    db: &mut PgConnection,
    orders: &[(usize, &ClaimOrder)],
    send_by: SendBy,
) -> Result<Found, sqlx::Error> {
    if orders.is_empty() {
        return Ok(Found::default());
    }
    let looks = orders.iter().map(|(at, order)| Look::of(*at, order));
    let looks = as_json(&looks.collect::<Vec<_>>())?;
    let before = boot_time();
    let rows = sqlx::query_as!(
        DueRow,
        r#"/* store::lock_due */
        with due as materialized (
            select r.order_at, d.*
            from jsonb_to_recordset($1) r (order_at bigint, merchant_code text, most int, priority int, due_at timestamptz,
                                           order_num text)
            cross join lateral (
                select p.merchant_code, p.order_num, p.amount, p.fee_type, p.bank_code, p.account_number, p.account_name,
                       p.description, p.attempt, p.attention_reasons, p.priority, p.due_at, p.replaces, p.created_at
                from payout.payouts p
                where p.merchant_code = r.merchant_code and p.state = 'queued' and not p.parked and p.due_at <= now()
                  and (-p.priority::int, p.due_at, p.order_num)
                      > (coalesce(-r.priority, -32769), coalesce(r.due_at, '-infinity'::timestamptz), coalesce(r.order_num, ''))
                  and (p.attention is null or not payout.holds_back_claim(p.attention_reasons))
                  and (not (select payout.must_query_first()) or payout.is_proven_unsent(p))
                  and not exists (select from payout.pauses z
                                  where (z.scope, z.value) in (('all', ''), ('merchant', r.merchant_code)))
                  and p.bank_code <> all (array(select z.value from payout.pauses z where z.scope = 'bank'))
                  -- The first condition spares most of those that wait the look at their whole debt. With some seconds to
                  -- spare, so that the guard still agrees once the request is signed.
                  and (p.replaces is null or (
                      -- Not by EXISTS, which the planner may answer from a hash of every payout.
                      (select o.reaffirmed_at from payout.payouts o
                       where o.merchant_code = p.merchant_code and o.order_num = p.replaces)
                      > now() - (select x.proof_fresh_for from payout.policy x)
                      and (payout.may_pay_again(p.merchant_code, p.replaces, p.created_at)).until
                          > clock_timestamp() + interval '5 seconds'))
                order by -p.priority::int, p.due_at, p.order_num
                limit r.most
                for no key update of p skip locked) d
        )
        select d.order_at as "order_at!", d.merchant_code, d.order_num, d.amount::bigint as "amount!", d.fee_type, d.bank_code,
               d.account_number, d.account_name, d.description, d.attempt, d.priority, d.due_at,
               'insufficient_funds' = any (d.attention_reasons) as "marked_uncovered!",
               case when d.replaces is not null then
                   floor(1000 * extract(epoch from (payout.may_pay_again(d.merchant_code, d.replaces, d.created_at)).until
                                                   - clock_timestamp()))::bigint
               end as confirmed_for_ms
        from due d
        order by d.order_at, d.priority desc, d.due_at, d.order_num"#,
        looks,
    )
    .fetch_all(db)
    .await?;
    Ok(Found::of(rows, send_by, boot_time().saturating_sub(before)))
}

/// One row of `store::lock_due`, with the columns' own types.
struct DueRow {
    order_at: i64,
    merchant_code: String,
    order_num: String,
    amount: i64,
    fee_type: i16,
    bank_code: String,
    account_number: String,
    account_name: String,
    description: Option<String>,
    attempt: i32,
    priority: i16,
    due_at: DateTime<Utc>,
    marked_uncovered: bool,
    confirmed_for_ms: Option<i64>,
}

impl DueRow {
    fn position(&self) -> Position {
        Position {
            priority: self.priority,
            due_at: self.due_at,
            order_num: self.order_num.clone(),
        }
    }

    fn key(&self) -> PayoutKey {
        PayoutKey {
            merchant_code: self.merchant_code.clone(),
            order_num: self.order_num.clone(),
        }
    }

    /// Of a replacement: for how long the confirmation of what it replaces still lets it be sent.
    fn confirmed_for(&self) -> Option<Duration> {
        // One that has run out meanwhile has no time left.
        self.confirmed_for_ms
            .map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
    }

    fn into_due(self, order: usize, place: usize, send_by: SendBy) -> Result<Due, sqlx::Error> {
        Ok(Due {
            order,
            place,
            instruction: Instruction {
                key: PayoutKey {
                    merchant_code: self.merchant_code,
                    order_num: self.order_num,
                },
                amount: Rupiah::new(self.amount),
                fee_type: fee_type(self.fee_type)?,
                bank_code: self.bank_code,
                account_number: Private::new(self.account_number),
                account_name: Private::new(self.account_name),
                description: self.description,
            },
            attempt: self.attempt,
            marked_uncovered: self.marked_uncovered,
            send_by,
        })
    }
}
