//! What a run of a peer needs: the server, the gateway and the keys of every run, the peer's books, and queued jobs.

use std::{fmt, fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use serde_json::json;
use sqlx::{AssertSqlSafe, PgConnection};

use super::install::{Program, output};
use crate::{
    cases::{Case, Load},
    order::{ACCOUNT_NAME, ACCOUNT_NUMBER, AMOUNT_IDR, BANK_CODE, DESCRIPTION, merchant_code},
    sql::execute,
    stage::{FUNDS_IDR, Stage},
    worker::{Process, get, until_answers},
};

const READY_WITHIN: Duration = Duration::from_mins(1);
/// Seconds until a payout that no callback settled is queried: where callbacks come, and where none does.
const QUERY_AFTER: [u32; 2] = [10, 1];

/// How many payouts a peer has in flight, and how many it may write in one statement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    pub(super) concurrency: usize,
    pub(super) batch: usize,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} in flight, batches of {}",
            self.concurrency, self.batch
        )
    }
}

pub(super) struct Scene<'a> {
    pub(super) stage: Stage,
    pub(super) db: PgConnection,
    program: &'a Program,
    configuration: PathBuf,
}

impl<'a> Scene<'a> {
    /// Payouts of a case are queued, and the queue has a job for each. A case without a gateway is one whose payouts
    /// are settled by queries alone, with fees of both types.
    pub(super) async fn build(
        payout: &std::path::Path,
        program: &'a Program,
        setting: Setting,
        case: &Case,
    ) -> Result<Self> {
        let mut stage = Stage::build(case, payout, false).await?;
        let by_queries = matches!(case.load, Load::Enqueue(_));
        if by_queries {
            stage
                .start_gateway(case, &["--queries-alone", "--mixed-fees"])
                .await?;
        }
        let mut scene = Self {
            db: stage.owner().await?,
            configuration: stage.path("peer.json"),
            stage,
            program,
        };
        scene.configure(setting, by_queries)?;
        scene.queue(case, by_queries).await?;
        Ok(scene)
    }

    /// Gives the queue a job for every payout that is queued.
    pub(super) fn enqueue(&self) -> Result<()> {
        output(&mut self.program.command("enqueue", &self.configuration)?).map(drop)
    }

    /// Starts the peer; it takes no job yet.
    pub(super) async fn start(&self) -> Result<Process> {
        let command = self.program.command("run", &self.configuration)?;
        let mut process = Process::start(command, &self.stage.path(""), "peer")?;
        until_answers(&mut process, self.address()?, "/readyz", READY_WITHIN)
            .await
            .with_context(|| self.last_words())?;
        Ok(process)
    }

    /// Lets it take jobs.
    pub(super) async fn open(&self) -> Result<()> {
        get(self.address()?, "/start").await?;
        Ok(())
    }

    /// The end of what the peer printed.
    pub(super) fn last_words(&self) -> String {
        self.stage.last_words("peer")
    }

    fn address(&self) -> Result<std::net::SocketAddr> {
        self.stage.http.first().copied().context("no address")
    }

    fn configure(&self, setting: Setting, by_queries: bool) -> Result<()> {
        let listen = self.address()?;
        let text = json!({
            "databaseUrl": self.stage.owner_url(),
            "gatewayUrl": format!("http://{}", self.stage.gateway_at),
            "listen": listen.to_string(),
            "notifyUrl": format!("http://{listen}/callback"),
            "merchantCode": merchant_code(0),
            "privateKeyFile": self.stage.path("merchant.key"),
            "platformPublicKeyFile": self.stage.path("platform.pub"),
            "concurrency": setting.concurrency,
            "batch": setting.batch,
            "queryAfterSeconds": QUERY_AFTER[usize::from(by_queries)],
        });
        fs::write(&self.configuration, text.to_string())?;
        Ok(())
    }

    async fn queue(&mut self, case: &Case, mixed_fees: bool) -> Result<()> {
        let books = fs::read_to_string(self.program.folder.join("sql/books.sql"))?;
        execute(&mut self.db, &books).await?;
        let merchant = merchant_code(0);
        let statement = format!(
            "insert into peer.accounts (merchant_code, available) values ('{merchant}', {FUNDS_IDR})"
        );
        execute(&mut self.db, &statement).await?;
        let statement = format!(
            "insert into peer.payouts (merchant_code, order_num, amount, fee_type, bank_code, account_number,
                                       account_name, description)
             select '{merchant}', 'B' || to_char(n, 'FM00000000'), {AMOUNT_IDR},
                    case when $2 then n % 2 else 0 end, '{BANK_CODE}', '{ACCOUNT_NUMBER}', '{ACCOUNT_NAME}',
                    '{DESCRIPTION}'
             from generate_series(0, $1::int - 1) n"
        );
        sqlx::query(AssertSqlSafe(statement))
            .bind(i32::try_from(case.payouts)?)
            .bind(mixed_fees)
            .execute(&mut self.db)
            .await?;
        output(&mut self.program.command("migrate", &self.configuration)?)?;
        self.enqueue()?;
        execute(&mut self.db, "analyze").await
    }
}
