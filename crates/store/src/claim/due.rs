//! Finds the payouts that may be claimed now.

use std::time::Duration;

use chrono::{DateTime, Utc};
use payout_domain::{
    money::Rupiah,
    payout::{Instruction, PayoutKey, Private},
};
use payout_permit::{SendBy, boot_time};
use sqlx::PgConnection;

use super::{ClaimError, ClaimOrder, Position};
use crate::load::fee_type;

/// A merchant as registered, and the transaction's time.
pub(super) struct Registered {
    pub(super) fee_reserve: Rupiah,
    /// How many failovers a person has accepted.
    pub(super) epoch: i32,
    pub(super) now: DateTime<Utc>,
    /// An operator paused this merchant or every merchant.
    pub(super) paused: bool,
}

/// A due payout, locked.
pub(super) struct Due {
    /// Its position in the claim order.
    pub(super) place: usize,
    pub(super) instruction: Instruction,
    pub(super) attempt: i32,
    /// Whether it already has the attention `insufficient_funds`.
    pub(super) marked_uncovered: bool,
    /// The last moment at which sending may start. For a replacement it ends with the confirmation of what it replaces.
    pub(super) send_by: SendBy,
}

/// The merchant, if this worker may claim for it: it is registered exactly as the worker is configured, and the worker
/// reaches, by a registered address, the database that the workers claimed in before (I11).
pub(super) async fn merchant_to_claim_for(
    db: &mut PgConnection,
    order: &ClaimOrder,
) -> Result<Registered, ClaimError> {
    let row = sqlx::query!(
        r#"/* store::merchant_to_claim_for */
        select m.fee_reserve, now() as "now!",
               coalesce((select t.identity = payout.identity() and t.changed_at is null
                         from payout.failover t), false) as "same_identity!",
               exists (select from payout.addresses a
                       where a.address = $5 and a.removed_at is null) as "address_is_registered!",
               coalesce((select t.epoch from payout.failover t), 0) as "epoch!",
               exists (select from payout.pauses z
                       where (z.scope, z.value) in (('all', ''), ('merchant', m.code))) as "paused!"
        from payout.merchants m
        where m.code = $1 and m.dialect = $2 and m.base_url = $3 and m.platform_keys = $4"#,
        order.merchant_code,
        order.dialect,
        order.base_url,
        &order.platform_keys,
        order.address.to_string(),
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else {
        return Err(ClaimError::RegisteredOtherwise(order.merchant_code.clone()));
    };
    if !row.address_is_registered {
        return Err(ClaimError::OtherAddress(order.address.clone()));
    }
    if !row.same_identity {
        return Err(ClaimError::FailoverNotAccepted);
    }
    Ok(Registered {
        fee_reserve: Rupiah::new(row.fee_reserve),
        epoch: row.epoch,
        now: row.now,
        paused: row.paused,
    })
}

/// Due payouts that were found, in the claim order.
pub(super) struct Found {
    pub(super) due: Vec<Due>,
    /// Those whose row cannot be read, with the reason.
    pub(super) unreadable: Vec<(PayoutKey, String)>,
    /// The place of the last one.
    pub(super) last: Option<Position>,
    /// How long the database looked for them.
    pub(super) took: Duration,
}

impl Found {
    fn of(rows: Vec<DueRow>, send_by: SendBy, took: Duration) -> Self {
        let mut found = Self {
            due: Vec::new(),
            unreadable: Vec::new(),
            last: rows.last().map(DueRow::position),
            took,
        };
        for (place, row) in rows.into_iter().enumerate() {
            let confirmed_for = row.confirmed_for();
            let send_by = confirmed_for.map_or(send_by, |confirmed_for| {
                send_by.within(confirmed_for.saturating_sub(took))
            });
            let key = row.key();
            match row.into_due(place, send_by) {
                Ok(due) => found.due.push(due),
                Err(error) => found.unreadable.push((key, error.to_string())),
            }
        }
        found
    }
}

/// Locks the next due payouts that no other worker has locked.
///
/// A replacement is due only after the gateway has confirmed again that every payout that it pays again failed
/// (`docs/sql-contract.md`, `replaces`).
pub(super) async fn lock_due(
    db: &mut PgConnection,
    order: &ClaimOrder,
    send_by: SendBy,
) -> Result<Found, sqlx::Error> {
    let before = boot_time();
    let after = order.after.as_ref();
    let rows = sqlx::query_as!(
        DueRow,
        r#"/* store::lock_due */
        with due as materialized (
            select p.merchant_code, p.order_num, p.amount, p.fee_type, p.bank_code, p.account_number, p.account_name,
                   p.description, p.attempt, p.attention_reasons, p.priority, p.due_at, p.replaces, p.created_at
            from payout.payouts p
            where p.merchant_code = $1 and p.state = 'queued' and not p.parked and p.due_at <= now()
              and (-p.priority::int, p.due_at, p.order_num)
                  > (coalesce(-$3::int, -32769), coalesce($4, '-infinity'::timestamptz), coalesce($5, ''))
              and (p.attention is null or not payout.holds_back_claim(p.attention_reasons))
              and (not (select payout.must_query_first()) or payout.is_proven_unsent(p))
              and not exists (select from payout.pauses z
                              where (z.scope, z.value) in (('all', ''), ('merchant', $1::text)))
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
            limit $2
            for no key update of p skip locked
        )
        select d.merchant_code, d.order_num, d.amount::bigint as "amount!", d.fee_type, d.bank_code, d.account_number,
               d.account_name, d.description, d.attempt, d.priority, d.due_at,
               'insufficient_funds' = any (d.attention_reasons) as "marked_uncovered!",
               case when d.replaces is not null then
                   floor(1000 * extract(epoch from (payout.may_pay_again(d.merchant_code, d.replaces, d.created_at)).until
                                                   - clock_timestamp()))::bigint
               end as confirmed_for_ms
        from due d
        order by d.priority desc, d.due_at, d.order_num"#,
        order.merchant_code,
        order.limit,
        after.map(|after| i32::from(after.priority)),
        after.map(|after| after.due_at),
        after.map(|after| after.order_num.as_str()),
    )
    .fetch_all(db)
    .await?;
    Ok(Found::of(rows, send_by, boot_time().saturating_sub(before)))
}

/// One row of `store::lock_due`, with the columns' own types.
struct DueRow {
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

    fn into_due(self, place: usize, send_by: SendBy) -> Result<Due, sqlx::Error> {
        Ok(Due {
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
