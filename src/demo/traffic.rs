//! The demo's backend: enqueues payouts with plain SQL.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rand::RngExt;
use sqlx::PgPool;
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;

const BANKS: [&str; 6] = ["014", "008", "002", "009", "013", "022"];
const NAMES: [&str; 6] = [
    "Siti Rahayu",
    "Budi Santoso",
    "Agus Wijaya",
    "Dewi Lestari",
    "Putu Ayu",
    "Joko Susilo",
];

pub(super) struct Traffic {
    enqueued: Arc<AtomicU64>,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
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
            task: Some(task),
        }
    }

    pub(super) fn enqueued(&self) -> u64 {
        self.enqueued.load(Ordering::Relaxed)
    }

    pub(super) async fn stop(&mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            task.await.ok();
        }
    }
}

async fn run(pool: PgPool, pause: Duration, enqueued: Arc<AtomicU64>, stop: CancellationToken) {
    let mut tick = interval(pause);
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut number = 0_u64;
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        number = number.saturating_add(1);
        let order_num = format!("INV-{number:06}");
        // As a careful backend does: repeats the same order number until its insert is confirmed.
        while let Err(error) = insert(&pool, &order_num).await {
            tracing::debug!(%error, "the demo's backend could not enqueue a payout; retrying");
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(Duration::from_millis(200)) => {}
            }
        }
        enqueued.fetch_add(1, Ordering::Relaxed);
    }
}

async fn insert(pool: &PgPool, order_num: &str) -> Result<(), sqlx::Error> {
    let (amount, fee_type, pick) = {
        let mut random = rand::rng();
        (
            random.random_range(20_000..=2_000_000_i64),
            random.random_range(0..=1_i16),
            random.random_range(0..6_usize),
        )
    };
    let account: u64 = rand::rng().random_range(0..=9_999_999_999);
    sqlx::query(
        "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
         values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
    )
    .bind(order_num)
    .bind(amount)
    .bind(fee_type)
    .bind(BANKS.get(pick).unwrap_or(&"014"))
    .bind(format!("{account:010}"))
    .bind(NAMES.get(pick).unwrap_or(&"Siti Rahayu"))
    .execute(pool)
    .await?;
    Ok(())
}
