//! A payout worker on River: marks, sends, records, settles. The queue only says which payout is next.

mod books;
mod callbacks;
mod gateway;
mod signature;

use std::{fs, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use riverqueue::{
    BoxError, Client, Job, JobArgs, QueueConfig, RunHandle, WorkContext, WorkOutcome, Workers,
    migrate::PostgresMigrator,
};
use serde::{Deserialize, Serialize};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::time::sleep;

use books::{Books, Evidence};
use gateway::{Answer, Gateway};

const SWEEP_EVERY: Duration = Duration::from_secs(1);
const SWEEP_ROWS: i64 = 100;
/// River's default of 100 ms would allow 640 jobs a second at 64 in flight.
const FETCH_COOLDOWN: Duration = Duration::from_millis(10);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    database_url: String,
    gateway_url: String,
    listen: SocketAddr,
    notify_url: String,
    merchant_code: String,
    private_key_file: PathBuf,
    platform_public_key_file: PathBuf,
    concurrency: usize,
    batch: usize,
    query_after_seconds: i32,
}

#[derive(Clone, Debug, Deserialize, JobArgs, Serialize)]
#[river(kind = "submit")]
struct Submit {
    id: i64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let verb = arguments.next().context("a command is missing")?;
    let file = arguments.next().context("a configuration is missing")?;
    let config: Config = serde_json::from_slice(&fs::read(file)?)?;
    let connections = u32::try_from(config.concurrency)?.max(4);
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .connect(&config.database_url)
        .await?;
    match verb.as_str() {
        "migrate" => {
            PostgresMigrator::new(pool).migrate_up().await?;
            Ok(())
        }
        "enqueue" => enqueue(pool).await,
        "run" => callbacks::serve(config.listen, Arc::new(Payouts::new(pool, config)?)).await,
        _ => bail!("the commands are migrate, enqueue and run"),
    }
}

/// Gives the queue a job for every payout that is not final.
async fn enqueue(pool: PgPool) -> Result<()> {
    let jobs: Vec<Submit> = books::unfinished(&pool)
        .await?
        .into_iter()
        .map(|id| Submit { id })
        .collect();
    Client::builder(pool).build()?.insert_many(jobs).await?;
    Ok(())
}

struct Payouts {
    books: Books,
    gateway: Gateway,
    pool: PgPool,
    concurrency: usize,
}

impl Payouts {
    fn new(pool: PgPool, config: Config) -> Result<Self> {
        Ok(Self {
            books: Books::new(&pool, &config),
            gateway: Gateway::new(&config)?,
            concurrency: config.concurrency,
            pool,
        })
    }

    /// Takes jobs until the process ends.
    fn start(self: &Arc<Self>) -> Result<RunHandle> {
        let mut workers = Workers::new();
        let payouts = Arc::clone(self);
        workers.add_fn(move |_: WorkContext, job: Job<Submit>| {
            let payouts = Arc::clone(&payouts);
            async move {
                payouts.submit(job.args.id).await?;
                Ok::<_, BoxError>(WorkOutcome::Complete)
            }
        })?;
        let client = Client::builder(self.pool.clone())
            .workers(workers)
            .fetch_cooldown(FETCH_COOLDOWN)
            .queue("default", QueueConfig::new(self.concurrency))
            .build()?;
        Ok(client.start()?)
    }

    /// One job. The mark is committed before the request leaves, so a job that runs again sends nothing.
    async fn submit(&self, id: i64) -> Result<()> {
        let Some(payout) = self.books.mark(id).await? else {
            return Ok(());
        };
        match self.gateway.submit(&payout).await {
            Answer::Accepted { platform_ref, fee } => {
                self.books.acknowledge(id, platform_ref, fee).await?;
            }
            Answer::Declined => {
                let declined = Evidence {
                    order_num: payout.order_num,
                    ..Evidence::default()
                };
                self.books.settle(declined).await?;
            }
            Answer::Unknown(why) => eprintln!("{} may be paid: {why}", payout.order_num),
        }
        Ok(())
    }

    async fn query(&self, order_num: &str) -> Result<()> {
        if let Some(evidence) = self.gateway.query(order_num).await? {
            self.books.settle(evidence).await?;
        }
        Ok(())
    }

    /// Queries what no callback has settled in time.
    async fn sweep(&self) -> Result<()> {
        loop {
            for order_num in self.books.due(SWEEP_ROWS).await? {
                if let Err(why) = self.query(&order_num).await {
                    eprintln!("{order_num} could not be queried: {why:#}");
                }
            }
            sleep(SWEEP_EVERY).await;
        }
    }
}
