//! The demo's display: redrawn on a terminal; elsewhere a line every few seconds.

use std::{
    fmt::Write as _,
    io::{IsTerminal, Write as _},
    time::Duration,
};

use anyhow::Result;
use sqlx::Row;
use tokio::time::Instant;

use super::{stage::Stage, workers::Workers};
use crate::domain::{money::Rupiah, state::State};

/// How often a line is written if the display is not a terminal.
const LINE_EVERY: Duration = Duration::from_secs(3);

pub(super) struct Screen {
    is_terminal: bool,
    begun: Instant,
    line_at: Instant,
    head: String,
}

impl Screen {
    pub(super) fn new(stage: &Stage) -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        let head = head(stage);
        if is_terminal {
            print!("\x1b[2J");
        } else {
            println!("{head}");
        }
        Self {
            is_terminal,
            begun: Instant::now(),
            line_at: Instant::now(),
            head,
        }
    }

    pub(super) async fn draw(
        &mut self,
        stage: &Stage,
        workers: &Workers,
        enqueued: u64,
    ) -> Result<()> {
        if !self.is_terminal && Instant::now() < self.line_at {
            return Ok(());
        }
        self.line_at = Instant::now()
            .checked_add(LINE_EVERY)
            .unwrap_or(self.line_at);
        // The database may be restarting. The display updates once it is back.
        let Ok(counts) = counts(stage).await else {
            return Ok(());
        };
        let seconds = self.begun.elapsed().as_secs();
        if !self.is_terminal {
            println!(
                "{seconds:>4} s  enqueued {enqueued}  {counts}  ({})",
                workers.line()
            );
            return Ok(());
        }
        let mut page = format!(
            "\x1b[H{}\n\n{seconds} s   {}\nenqueued {enqueued}   {counts}\n\n",
            self.head,
            workers.line()
        );
        if let Ok(last) = last(stage).await {
            page.push_str(&last);
        }
        // Clear each line to its end, and the screen below the last one.
        print!("{}\x1b[J", page.replace('\n', "\x1b[K\n"));
        std::io::stdout().flush()?;
        Ok(())
    }

    pub(super) fn say(&self, message: &str) {
        if !self.is_terminal {
            println!("{message}");
        }
    }

    pub(super) fn leave(&self) {
        if self.is_terminal {
            println!();
        }
    }
}

fn head(stage: &Stage) -> String {
    let mut head = String::from(
        "payout demo: real Postgres, real HTTP, real RSA, a sandbox gateway and two workers\n\n",
    );
    let rows = [
        ("inspect", format!("psql {}", stage.database.owner_url)),
        (
            "pay",
            "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)\n            \
             values ('MINE-1', 250000, 1, '014', '0012345678', 'Siti Rahayu');"
                .to_owned(),
        ),
        ("see", "select * from payout.status where order_num = 'MINE-1';".to_owned()),
        ("break", format!("{} demo break lost --sandbox {}   (and: off)", program(), stage.sandbox.url())),
        ("people", stage.operator_urls.join("   and   ")),
        ("gateway", format!("{}/admin", stage.sandbox.url())),
        ("metrics", format!("http://{}/metrics", stage.admin)),
        ("logs", stage.path("worker-1.1.log").display().to_string()),
        ("data", stage.database.data_folder().unwrap_or_else(|| "on your own server".to_owned())),
    ];
    for (name, text) in rows.into_iter().filter(|(_, text)| !text.is_empty()) {
        // Writing to a string does not fail.
        let _ = writeln!(head, "  {name:<9} {text}");
    }
    head
}

/// The path of this program.
fn program() -> String {
    let path = std::env::current_exe().map(|path| path.display().to_string());
    path.unwrap_or_else(|_| "payout".to_owned())
}

async fn counts(stage: &Stage) -> Result<String> {
    let rows = sqlx::query("select state, count(*) from payout.status group by state")
        .fetch_all(&stage.pool)
        .await?;
    let mut parts = Vec::new();
    for state in State::ALL {
        let row = rows.iter().find(|row| {
            row.try_get::<String, _>(0)
                .is_ok_and(|name| name == state.name())
        });
        let count: i64 = row.map_or(Ok(0), |row| row.try_get(1))?;
        parts.push(format!("{state} {count}"));
    }
    Ok(parts.join("  "))
}

async fn last(stage: &Stage) -> Result<String> {
    let rows = sqlx::query(
        "select order_num, amount, state, coalesce(attention, '') from payout.status order by created_at desc limit 10",
    )
    .fetch_all(&stage.pool)
    .await?;
    let mut page = String::new();
    for row in rows {
        let (order_num, amount): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
        let (status, reason): (String, String) = (row.try_get(2)?, row.try_get(3)?);
        let _ = writeln!(
            page,
            "  {order_num:<14} {:>16}  {status:<10} {reason}",
            Rupiah::new(amount)
        );
    }
    let balances = sqlx::query("select account, balance from payout.balances")
        .fetch_all(&stage.pool)
        .await?;
    page.push('\n');
    for row in balances {
        let (account, balance): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
        let _ = writeln!(page, "  {account:<10} {:>22}", Rupiah::new(balance));
    }
    Ok(page)
}
