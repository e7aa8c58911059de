//! The demo's backend: enqueues payouts with plain SQL.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rand::random_range;
use sqlx::PgPool;
use tokio::{
    task::JoinHandle,
    time::{interval, sleep},
};
use tokio_util::sync::CancellationToken;

/// Banks and the names of account holders.
const PAYEES: [(&str, &str); 6] = [
    ("014", "Siti Rahayu"),
    ("008", "Budi Santoso"),
    ("002", "Agus Wijaya"),
    ("009", "Dewi Lestari"),
    ("013", "Putu Ayu"),
    ("022", "Joko Susilo"),
];

pub(super) struct Traffic {
    enqueued: Arc<AtomicU64>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Traffic {
    pub(super) fn start(pool: PgPool, rate: f64) -> Self {
        let enqueued = Arc::new(AtomicU64::new(0));
        let stop = CancellationToken::new();
        let pause = Duration::try_from_secs_f64(rate.clamp(0.01, 2000.0).recip())
            .unwrap_or(Duration::from_secs(1));
        let task = tokio::spawn(run(pool, pause, Arc::clone(&enqueued), stop.clone()));
        Self {
            enqueued,
            stop,
            task,
        }
    }

    pub(super) fn enqueued(&self) -> u64 {
        self.enqueued.load(Ordering::Relaxed)
    }

    /// Stops for good, after the insert that is running.
    pub(super) async fn stop(&mut self) {
        self.stop.cancel();
        (&mut self.task).await.ok();
    }
}

async fn run(pool: PgPool, pause: Duration, enqueued: Arc<AtomicU64>, stop: CancellationToken) {
    let mut tick = interval(pause);
    for number in 1_u64.. {
        if stop.run_until_cancelled(tick.tick()).await.is_none() {
            return;
        }
        let order_num = format!("INV-{number:06}");
        // As a careful backend does: repeats the same order number until its insert is confirmed.
        while let Err(error) = insert(&pool, &order_num).await {
            tracing::debug!(%error, "the demo's backend could not enqueue a payout; retrying");
            let pause = sleep(Duration::from_millis(200));
            if stop.run_until_cancelled(pause).await.is_none() {
                return;
            }
        }
        enqueued.store(number, Ordering::Relaxed);
    }
}

async fn insert(pool: &PgPool, order_num: &str) -> Result<(), sqlx::Error> {
    let [payee, ..] = PAYEES;
    let (bank_code, name) = *PAYEES.get(random_range(0..PAYEES.len())).unwrap_or(&payee);
    sqlx::query(
        "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
         values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
    )
    .bind(order_num)
    .bind(random_range(20_000..=2_000_000_i64))
    .bind(random_range(0..=1_i16))
    .bind(bank_code)
    .bind(format!("{:010}", random_range(0..=9_999_999_999_u64)))
    .bind(name)
    .execute(pool)
    .await?;
    Ok(())
}
