//! How a worker takes and finishes the approved requests of operators.

use payout_domain::{evidence::Resolution, money::Rupiah, payout::PayoutKey};
use sqlx::PgPool;

/// The action that was requested and approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send the same order number once more.
    Resubmit,
    /// State the outcome of the payout.
    Resolve(Resolution),
}

/// One payout of an approved request.
#[derive(Clone, Debug)]
pub struct Approved {
    /// The request's number.
    pub request_id: i64,
    /// The payout.
    pub key: PayoutKey,
    /// The action to take.
    pub action: Action,
    /// The request expired before a worker took it.
    pub expired: bool,
    /// A payout of the same request that the gateway knows although nobody sent it again. Nothing more of it is sent.
    pub known: Option<String>,
    /// The payout of the same request that was sent first, while the gateway has not been found to know it.
    pub awaited: Option<String>,
    /// Who requested and approved it, and why, for the history.
    pub detail: serde_json::Value,
}

/// Takes approved payouts of one merchant, each for a minute. Without `with_sends`, takes only those that send nothing.
pub async fn take_approved(
    pool: &PgPool,
    merchant_code: &str,
    with_sends: bool,
    limit: i64,
) -> Result<Vec<Approved>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"/* store::take_approved */
        with requests as materialized (
            select o.request_id, r.expires_at <= now() as expired, t.known, t.awaited, t.only_one
            from (select distinct i.request_id from payout.request_payouts i
                  where i.merchant_code = $1 and i.outcome is null) o
            -- One by one: a join that begins with the requests reads every one there ever was.
            cross join lateral (
                select r.kind, r.expires_at from payout.requests r
                where r.id = o.request_id and r.decision = 'approved' and ($2 or r.kind <> 'resubmit')
                limit 1) r
            left join lateral payout.resubmit_turn(o.request_id, $1) t on r.kind = 'resubmit'
        ), waiting as materialized (
            select i.request_id, i.merchant_code, i.order_num, q.expired, q.known, q.awaited
            from requests q
            cross join lateral (
                select i.request_id, i.merchant_code, i.order_num from payout.request_payouts i
                where i.merchant_code = $1 and i.request_id = q.request_id and i.outcome is null
                  and (i.taken_at is null or i.taken_at < now() - interval '1 minute')
                  and (q.expired or q.known is not null
                       or q.awaited is null and coalesce(q.only_one = i.order_num, true))
                order by i.order_num
                limit $3
                for no key update skip locked) i
            order by q.request_id, i.order_num
            limit $3
        )
        update payout.request_payouts i
        set taken_at = now()
        from waiting w
        join payout.requests r on r.id = w.request_id
        where (i.request_id, i.merchant_code, i.order_num) = (w.request_id, w.merchant_code, w.order_num)
        returning i.request_id, i.merchant_code, i.order_num, r.kind, r.stated, w.expired as "expired!", w.known,
                  w.awaited, payout.as_detail(r) as "detail!""#,
        merchant_code,
        with_sends,
        limit,
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Approved {
                request_id: row.request_id,
                key: PayoutKey {
                    merchant_code: row.merchant_code,
                    order_num: row.order_num,
                },
                action: action(&row.kind, row.stated.map(Rupiah::new))?,
                expired: row.expired,
                known: row.known,
                awaited: row.awaited,
                detail: row.detail,
            })
        })
        .collect()
}

fn action(kind: &str, stated: Option<Rupiah>) -> Result<Action, sqlx::Error> {
    match kind {
        "resubmit" => Ok(Action::Resubmit),
        "resolve_failed" => Ok(Action::Resolve(Resolution::Failed)),
        "resolve_paid" => Ok(Action::Resolve(Resolution::Paid { fee: stated })),
        "resolve_returned" => Ok(Action::Resolve(Resolution::Returned { amount: stated })),
        other => {
            let message = format!("{other} is not a kind of request");
            Err(sqlx::Error::Decode(message.into()))
        }
    }
}

/// Finishes one payout of a request as refused, with the reason.
pub async fn finish_refused(
    pool: &PgPool,
    approved: &Approved,
    why: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "select /* store::finish_refused */ payout.finish_request($1, $2, $3, $4)",
        approved.request_id,
        approved.key.merchant_code,
        approved.key.order_num,
        why,
    )
    .execute(pool)
    .await?;
    Ok(())
}
