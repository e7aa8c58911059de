//! The demo's display: redrawn on a terminal; elsewhere a line every few seconds.

use std::{
    collections::HashMap,
    fmt::Write as _,
    io::{IsTerminal, Write as _},
    time::Duration,
};

use anyhow::Result;
use payout_domain::{money::Rupiah, state::State, stop::meaning};
use payout_store::workers;
use tokio::time::Instant;

use super::{stage::Stage, workers::Workers};

/// How often a line is written if the display is not a terminal.
const LINE_EVERY: Duration = Duration::from_secs(3);

pub(super) struct Screen {
    is_terminal: bool,
    begun: Instant,
    line_at: Instant,
    /// Whether it has shown a paid payout.
    has_paid: bool,
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
            has_paid: false,
            head,
        }
    }

    pub(super) async fn draw(
        &mut self,
        stage: &Stage,
        workers: &Workers,
        enqueued: u64,
    ) -> Result<()> {
        let is_due = self.is_terminal || Instant::now() >= self.line_at;
        if !is_due && self.has_paid {
            return Ok(());
        }
        // The database may be restarting. The display updates once it is back.
        let Ok(counts) = counts(stage).await else {
            return Ok(());
        };
        // The first paid payout is worth a line at once.
        self.has_paid = counts.contains_key(State::Paid.name());
        if !is_due && !self.has_paid {
            return Ok(());
        }
        self.line_at = Instant::now()
            .checked_add(LINE_EVERY)
            .unwrap_or(self.line_at);
        let counts = words(&counts);
        let stops = stops(stage).await.unwrap_or_default();
        let (seconds, workers) = (self.begun.elapsed().as_secs(), workers.line());
        if !self.is_terminal {
            println!("{seconds:>4} s  enqueued {enqueued}  {counts}  ({workers}){stops}");
            return Ok(());
        }
        let (head, last) = (&self.head, last(stage).await.unwrap_or_default());
        let page = format!(
            "{head}\n\n{seconds} s   {workers}{stops}\nenqueued {enqueued}   {counts}\n\n{last}"
        );
        // Clear each line to its end, and the screen below the last one.
        print!("\x1b[H{}\x1b[J", page.replace('\n', "\x1b[K\n"));
        Ok(std::io::stdout().flush()?)
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
        ("people", stage.people_urls.join("   and   ")),
        ("console", console(stage)),
        ("gateway", format!("{}/admin", stage.sandbox.url())),
        ("metrics", format!("http://{}/metrics", stage.admin)),
        ("logs", stage.path("worker-1.1.log").display().to_string()),
        ("data", stage.database.data_folder().map_or("on your own server".to_owned(), |folder| folder.display().to_string())),
    ];
    for (name, text) in rows.into_iter().filter(|(_, text)| !text.is_empty()) {
        // Writing to a string does not fail.
        let _ = writeln!(head, "  {name:<9} {text}");
    }
    head
}

/// Where the web console is, and who can sign in there.
fn console(stage: &Stage) -> String {
    let Some(console) = &stage.console else {
        return String::new();
    };
    let people = stage.people_urls.iter().filter_map(|url| {
        let (login, password) = url
            .split_once("://")?
            .1
            .split_once('@')?
            .0
            .split_once(':')?;
        Some(format!("{login} / {password}"))
    });
    let people: Vec<_> = people.collect();
    format!(
        "{}   login / password: {}",
        console.url,
        people.join("   and   ")
    )
}

/// The path of this program.
fn program() -> String {
    let path = std::env::current_exe().map(|path| path.display().to_string());
    path.unwrap_or_else(|_| "payout".to_owned())
}

/// How many payouts are in each state that any is in.
async fn counts(stage: &Stage) -> Result<HashMap<String, i64>> {
    let counts = sqlx::query_as("select state, count(*) from payout.status group by state");
    let counts: Vec<(String, i64)> = counts.fetch_all(&stage.pool).await?;
    Ok(counts.into_iter().collect())
}

fn words(counts: &HashMap<String, i64>) -> String {
    let parts = State::ALL.iter().map(|state| {
        let count = counts.get(state.name()).unwrap_or(&0);
        format!("{state} {count}")
    });
    parts.collect::<Vec<_>>().join("  ")
}

/// Why nothing is sent now, on a line of its own; empty while payouts are sent.
async fn stops(stage: &Stage) -> Result<String> {
    let mut db = stage.pool.acquire().await?;
    let claims = workers::claims(&mut db, None).await?;
    let lines = claims.iter().filter_map(|claims| {
        let stopped_by = claims.stopped_by.as_deref()?;
        let detail = claims.detail.as_deref().unwrap_or_default();
        Some(format!(
            "\nnothing is sent: {} {detail}",
            meaning(stopped_by)
        ))
    });
    Ok(lines.collect())
}

async fn last(stage: &Stage) -> Result<String> {
    let payouts: Vec<(String, i64, String, String)> = sqlx::query_as(
        "select order_num, amount, state, coalesce(waits_for, '') from payout.status order by created_at desc limit 10",
    )
    .fetch_all(&stage.pool)
    .await?;
    let balances = sqlx::query_as("select account, balance from payout.balances");
    let balances: Vec<(String, i64)> = balances.fetch_all(&stage.pool).await?;
    // Writing to a string does not fail.
    let mut page = String::new();
    for (order_num, amount, state, waits_for) in payouts {
        let amount = Rupiah::new(amount);
        let _ = writeln!(
            page,
            "  {order_num:<14} {amount:>16}  {state:<10} {waits_for}"
        );
    }
    page.push('\n');
    for (account, balance) in balances {
        let _ = writeln!(page, "  {account:<10} {:>22}", Rupiah::new(balance));
    }
    Ok(page)
}
