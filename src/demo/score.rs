//! The demo's last line: the database compared with the gateway's own record.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use anyhow::Result;
use sqlx::PgPool;

use super::stage::Stage;

/// The last line of a demo.
#[derive(Clone, Copy, Debug)]
pub(super) struct Score {
    paid: usize,
    failed: usize,
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
            "paid={} failed={} open={} ",
            self.paid, self.failed, self.open
        )?;
        write!(
            f,
            "submitted_twice={} lost={} ",
            self.submitted_twice, self.lost
        )?;
        write!(f, "ledger_imbalance_idr={}", self.ledger_imbalance_idr)
    }
}

/// Payouts that are not settled yet.
pub(super) async fn open(pool: &PgPool) -> Result<i64> {
    let open = sqlx::query_scalar(
        "select count(*) from payout.payouts where state in ('queued', 'submitting', 'pending', 'unknown')",
    );
    Ok(open.fetch_one(pool).await?)
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
    let orders = stage.sandbox.orders().into_iter();
    let orders: HashMap<String, u8> = orders
        .map(|order| (order.order_num, order.status))
        .collect();
    let mut submits: HashMap<String, i64> = HashMap::new();
    for submit in stage.sandbox.submits() {
        let times = submits.entry(submit.order_num).or_default();
        *times = times.saturating_add(1);
    }
    let open = open(&stage.pool).await?;
    let rows: Vec<(String, String, bool, i32)> = sqlx::query_as(
        "select order_num, state, state in ('pending', 'unknown') and next_query_at is null as never_queried, resubmits_granted
         from payout.payouts",
    )
    .fetch_all(&stage.pool)
    .await?;
    let known: HashSet<&String> = rows.iter().map(|(order_num, ..)| order_num).collect();
    let in_state = |wanted| rows.iter().filter(|(_, state, ..)| state == wanted).count();
    let arrived_twice = rows.iter().filter(|(order_num, _, _, granted)| {
        // A payout that two people granted a resubmit may have arrived twice.
        let allowed = i64::from(*granted).saturating_add(1);
        submits.get(order_num).is_some_and(|times| *times > allowed)
    });
    let lost = rows.iter().filter(|(order_num, state, never_queried, _)| {
        *never_queried || !agrees(state, orders.get(order_num).copied())
    });
    let without_row = orders.keys().filter(|order_num| !known.contains(order_num));
    Ok(Score {
        paid: in_state("paid"),
        failed: in_state("failed"),
        open,
        submitted_twice: arrived_twice.count(),
        lost: lost.count().saturating_add(without_row.count()),
        ledger_imbalance_idr: imbalance(stage, open == 0).await?,
    })
}

/// By how much the books are out of balance, in rupiah: entries that do not sum to zero, accounts that differ from
/// their entries and, once nothing is open, the gateway's balance.
async fn imbalance(stage: &Stage, settled: bool) -> Result<i64> {
    let (internal, ours): (i64, i64) = sqlx::query_as(
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
    if !settled {
        return Ok(internal);
    }
    let gateway = stage.sandbox.balance();
    let theirs = gateway.balance.saturating_add(gateway.freeze);
    Ok(internal.saturating_add(theirs.saturating_sub(ours).saturating_abs()))
}
