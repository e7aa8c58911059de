//! The demo's last line: the database compared with the gateway's own record.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use anyhow::Result;
use sqlx::{PgPool, Row};

use super::stage::Stage;

/// The last line of a demo.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Score {
    paid: i64,
    failed: i64,
    open: i64,
    submitted_twice: usize,
    lost: usize,
    ledger_imbalance_idr: i64,
}

impl Score {
    pub(super) fn is_good(&self) -> bool {
        self.submitted_twice == 0 && self.lost == 0 && self.ledger_imbalance_idr == 0
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "paid={} failed={} open={} submitted_twice={} lost={} ledger_imbalance_idr={}",
            self.paid,
            self.failed,
            self.open,
            self.submitted_twice,
            self.lost,
            self.ledger_imbalance_idr
        )
    }
}

/// Payouts that are not settled yet.
pub(super) async fn open(pool: &PgPool) -> Result<i64> {
    let open: i64 = sqlx::query_scalar(
        "select count(*) from payout.payouts where state in ('queued', 'submitting', 'pending', 'unknown')",
    )
    .fetch_one(pool)
    .await?;
    Ok(open)
}

/// Whether a row agrees with the order's status at the gateway; `None` if the gateway never booked it.
fn agrees(state: &str, status: Option<u8>) -> bool {
    match state {
        "paid" => status == Some(2),
        "failed" => matches!(status, None | Some(3 | 4)),
        "queued" | "cancelled" => status.is_none(),
        _ => true,
    }
}

pub(super) async fn count(stage: &Stage) -> Result<Score> {
    let orders: HashMap<String, u8> = stage
        .sandbox
        .orders()
        .into_iter()
        .map(|order| (order.order_num, order.status))
        .collect();
    let mut submits: BTreeMap<String, usize> = BTreeMap::new();
    for submit in stage.sandbox.submits() {
        let times = submits.entry(submit.order_num).or_default();
        *times = times.saturating_add(1);
    }
    let mut score = Score {
        open: open(&stage.pool).await?,
        ..Score::default()
    };
    let rows = sqlx::query(
        "select order_num, state, state in ('pending', 'unknown') and next_query_at is null as never_queried, resubmits_granted
         from payout.payouts",
    )
    .fetch_all(&stage.pool)
    .await?;
    let mut known = 0_usize;
    for row in rows {
        let (order_num, ours): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let booked = orders.get(&order_num).copied();
        known = known.saturating_add(usize::from(booked.is_some()));
        // A payout that two people granted a resubmit may have arrived twice.
        let granted = usize::try_from(row.try_get::<i32, _>(3)?).unwrap_or(0);
        if submits.get(&order_num).copied().unwrap_or(0) > granted.saturating_add(1) {
            score.submitted_twice = score.submitted_twice.saturating_add(1);
        }
        if !agrees(&ours, booked) || row.try_get::<bool, _>(2)? {
            score.lost = score.lost.saturating_add(1);
        }
        match ours.as_str() {
            "paid" => score.paid = score.paid.saturating_add(1),
            "failed" => score.failed = score.failed.saturating_add(1),
            _ => {}
        }
    }
    // Orders at the gateway for which we have no row.
    score.lost = score
        .lost
        .saturating_add(orders.len().saturating_sub(known));
    score.ledger_imbalance_idr = imbalance(stage, score.open == 0).await?;
    Ok(score)
}

/// By how much the books are out of balance, in rupiah: entries that do not sum to zero, accounts that differ from
/// their entries and, once nothing is open, the gateway's balance.
async fn imbalance(stage: &Stage, settled: bool) -> Result<i64> {
    let row = sqlx::query(
        "select coalesce(sum(abs(l.available + l.held + l.paid_out + l.fees + l.funding)), 0)::bigint
                + abs(coalesce(sum(l.available), 0) - coalesce(max(a.available), 0))::bigint
                + abs(coalesce(sum(l.held), 0) - coalesce(max(a.held), 0))::bigint
                + abs(coalesce(sum(l.paid_out), 0) - coalesce(max(a.paid_out), 0))::bigint
                + abs(coalesce(sum(l.fees), 0) - coalesce(max(a.fees), 0))::bigint,
                (coalesce(max(a.available), 0) + coalesce(max(a.held), 0))::bigint
         from payout.ledger l join payout.accounts a using (merchant_code)",
    )
    .fetch_one(&stage.pool)
    .await?;
    let (internal, ours): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    let gateway = stage.sandbox.balance();
    let theirs = gateway.balance.saturating_add(gateway.freeze);
    let against_gateway = if settled {
        theirs.saturating_sub(ours).saturating_abs()
    } else {
        0
    };
    Ok(internal.saturating_add(against_gateway))
}
