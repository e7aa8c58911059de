//! The statements of `benches/peers/sql`, one payout at a time or gathered.

use std::{hash::Hash, sync::Arc};

use anyhow::{Result, anyhow};
use sqlx::{FromRow, PgPool};
use tokio::sync::{mpsc, oneshot};

use crate::Config;

#[derive(Clone, Debug, FromRow)]
pub(crate) struct Payout {
    pub(crate) id: i64,
    pub(crate) order_num: String,
    pub(crate) amount: String,
    pub(crate) fee_type: String,
    pub(crate) bank_code: String,
    pub(crate) account_number: String,
    pub(crate) account_name: String,
    pub(crate) description: String,
}

/// What a callback or the answer to a query says; a query's answer repeats fewer fields.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    pub(crate) order_num: String,
    pub(crate) paid: bool,
    pub(crate) platform_ref: Option<String>,
    pub(crate) fee: Option<i64>,
    pub(crate) amount: Option<String>,
    pub(crate) fee_type: Option<String>,
    pub(crate) bank_code: Option<String>,
    pub(crate) account_number: Option<String>,
    pub(crate) account_name: Option<String>,
    pub(crate) description: Option<String>,
}

/// What a verified answer to a submit said.
#[derive(Clone, Debug)]
struct Acknowledged {
    id: i64,
    platform_ref: String,
    fee: i64,
}

#[derive(Clone)]
pub(crate) struct Books {
    pool: PgPool,
    merchant_code: String,
    query_after: i32,
    marks: Gathering<i64, Payout>,
    answers: Gathering<Acknowledged, i64>,
    ends: Gathering<Evidence, String>,
}

impl Books {
    pub(crate) fn new(pool: &PgPool, config: &Config) -> Self {
        let (batch, after) = (config.batch, config.query_after_seconds);
        let merchant: Arc<str> = config.merchant_code.as_str().into();
        let (marking, answering, ending) = (pool.clone(), pool.clone(), pool.clone());
        Self {
            pool: pool.clone(),
            merchant_code: config.merchant_code.clone(),
            query_after: after,
            marks: Gathering::new(
                batch,
                |id| *id,
                |payout: &Payout| payout.id,
                move |ids| mark(marking.clone(), ids, after),
            ),
            answers: Gathering::new(
                batch,
                |answer: &Acknowledged| answer.id,
                |id| *id,
                move |answers| acknowledge(answering.clone(), answers),
            ),
            ends: Gathering::new(
                batch,
                |evidence: &Evidence| evidence.order_num.clone(),
                String::clone,
                move |evidence| settle(ending.clone(), Arc::clone(&merchant), evidence),
            ),
        }
    }

    /// The payout, if it may be sent; nothing if somebody marked it before.
    pub(crate) async fn mark(&self, id: i64) -> Result<Option<Payout>> {
        self.marks.add(id).await
    }

    pub(crate) async fn acknowledge(&self, id: i64, platform_ref: String, fee: i64) -> Result<()> {
        let answer = Acknowledged {
            id,
            platform_ref,
            fee,
        };
        self.answers.add(answer).await.map(drop)
    }

    /// Whether the evidence settled the payout.
    pub(crate) async fn settle(&self, evidence: Evidence) -> Result<bool> {
        Ok(self.ends.add(evidence).await?.is_some())
    }

    pub(crate) async fn is_final(&self, order_num: &str, platform_ref: &str) -> Result<bool> {
        let found: Option<i32> = sqlx::query_scalar(include_str!("../../sql/is_final.sql"))
            .bind(&self.merchant_code)
            .bind(order_num)
            .bind(platform_ref)
            .fetch_optional(&self.pool)
            .await?;
        Ok(found.is_some())
    }

    pub(crate) async fn due(&self, limit: i64) -> Result<Vec<String>> {
        let due = sqlx::query_scalar(include_str!("../../sql/due.sql"))
            .bind(limit)
            .bind(self.query_after);
        Ok(due.fetch_all(&self.pool).await?)
    }
}

pub(crate) async fn unfinished(pool: &PgPool) -> Result<Vec<i64>> {
    let unfinished = sqlx::query_scalar(include_str!("../../sql/unfinished.sql"));
    Ok(unfinished.fetch_all(pool).await?)
}

async fn mark(pool: PgPool, ids: Vec<i64>, query_after: i32) -> Result<Vec<Payout>> {
    let marked = sqlx::query_as(include_str!("../../sql/mark.sql"))
        .bind(ids)
        .bind(query_after);
    Ok(marked.fetch_all(&pool).await?)
}

async fn acknowledge(pool: PgPool, answers: Vec<Acknowledged>) -> Result<Vec<i64>> {
    let column = |of: fn(&Acknowledged) -> i64| answers.iter().map(of).collect::<Vec<_>>();
    let platform_refs: Vec<_> = answers.iter().map(|of| of.platform_ref.clone()).collect();
    let recorded = sqlx::query_scalar(include_str!("../../sql/acknowledge.sql"))
        .bind(column(|answer| answer.id))
        .bind(platform_refs)
        .bind(column(|answer| answer.fee));
    Ok(recorded.fetch_all(&pool).await?)
}

async fn settle(pool: PgPool, merchant: Arc<str>, ends: Vec<Evidence>) -> Result<Vec<String>> {
    let column = |of: fn(&Evidence) -> &Option<String>| -> Vec<Option<String>> {
        ends.iter().map(|end| of(end).clone()).collect()
    };
    let order_nums: Vec<_> = ends.iter().map(|end| end.order_num.clone()).collect();
    let settled = sqlx::query_scalar(include_str!("../../sql/settle.sql"))
        .bind(&*merchant)
        .bind(order_nums)
        .bind(ends.iter().map(|end| end.paid).collect::<Vec<_>>())
        .bind(column(|end| &end.platform_ref))
        .bind(ends.iter().map(|end| end.fee).collect::<Vec<_>>())
        .bind(column(|end| &end.amount))
        .bind(column(|end| &end.fee_type))
        .bind(column(|end| &end.bank_code))
        .bind(column(|end| &end.account_number))
        .bind(column(|end| &end.account_name))
        .bind(column(|end| &end.description));
    Ok(settled.fetch_all(&pool).await?)
}

type Waiting<Row, Written> = (Row, oneshot::Sender<Result<Option<Written>>>);

/// Writes in one statement what gathered while the one before was on its way; with a limit of 1, each row alone.
#[derive(Clone)]
struct Gathering<Row, Written>(mpsc::UnboundedSender<Waiting<Row, Written>>);

impl<Row: Send + 'static, Written: Send + 'static> Gathering<Row, Written> {
    fn new<Key: Eq + Hash, Writing>(
        limit: usize,
        key_of_row: fn(&Row) -> Key,
        key_of_written: fn(&Written) -> Key,
        write: impl Fn(Vec<Row>) -> Writing + Send + 'static,
    ) -> Self
    where
        Key: Send + 'static,
        Writing: Future<Output = Result<Vec<Written>>> + Send + 'static,
    {
        let (sender, mut receiver) = mpsc::unbounded_channel::<Waiting<Row, Written>>();
        tokio::spawn(async move {
            let mut batch = Vec::new();
            while receiver.recv_many(&mut batch, limit).await > 0 {
                let (rows, replies): (Vec<Row>, Vec<_>) = batch.drain(..).unzip();
                let keys: Vec<Key> = rows.iter().map(key_of_row).collect();
                let writing = write(rows);
                let finish = async move {
                    let mut written = writing.await;
                    for (key, reply) in keys.into_iter().zip(replies) {
                        let answer = match &mut written {
                            Ok(rows) => {
                                let at = rows.iter().position(|row| key_of_written(row) == key);
                                Ok(at.map(|at| rows.swap_remove(at)))
                            }
                            Err(why) => Err(anyhow!("{why:#}")),
                        };
                        // Whoever waits for it may have ended.
                        reply.send(answer).ok();
                    }
                };
                if limit == 1 {
                    tokio::spawn(finish);
                } else {
                    finish.await;
                }
            }
        });
        Self(sender)
    }

    async fn add(&self, row: Row) -> Result<Option<Written>> {
        let (reply, answer) = oneshot::channel();
        self.0
            .send((row, reply))
            .map_err(|_| anyhow!("the writer has ended"))?;
        answer.await?
    }
}
