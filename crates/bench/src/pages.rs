//! The pages of the web console, as a person opens them, one after the other.

use std::{
    fs,
    net::SocketAddr,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use hyper::{
    Request,
    header::{CONTENT_TYPE, COOKIE, ORIGIN, SET_COOKIE},
    http::request,
};
use sqlx::PgConnection;

use crate::{
    cases::Case,
    check, enqueue,
    figures::{Figures, Rounds},
    history,
    order::merchant_code,
    running::Run,
    sql::execute,
    stage::free_ports,
    worker::{Process, answer, until_answers},
};

const PERSON: &str = "bench_person";
/// How long the console may take to start.
const CONSOLE_WITHIN: Duration = Duration::from_secs(30);
/// Queued payouts among which each so many-th needs a person.
const ONE_IN: usize = 100;

/// How long each page takes with a history of paid payouts and a queue behind it.
pub(crate) async fn rounds(run: &Run<'_>, db: &mut PgConnection) -> Result<Rounds> {
    let (case, stage) = (run.case, run.stage);
    let mut beside = stage.owner().await?;
    history::load(db, &mut beside, case.history).await?;
    enqueue::queue(db, case, 0..case.backlog).await?;
    mark_some(db).await?;
    execute(
        db,
        &format!("create role {PERSON} login password '{PERSON}' in role payout_operator"),
    )
    .await?;
    let at = *free_ports(1)?.first().context("no free port")?;
    let mut console = start(run, at).await?;
    let person = Person::signed_in(at).await?;
    // In the middle of the history.
    let day: String = sqlx::query_scalar("select (now() - interval '390 days')::date::text")
        .fetch_one(&mut *db)
        .await?;
    // Nothing was analyzed since the tables were empty.
    let before = person.all_ms(case, &day).await?;
    // As autovacuum leaves tables that have been used.
    execute(db, "vacuum (analyze)").await?;
    let after = person.all_ms(case, &day).await?;
    let mut figures = Figures::default();
    for (name, p95_ms) in &after {
        figures = figures.with(&format!("{name}_p95_ms"), *p95_ms);
    }
    console.ensure_runs()?;
    console.stop()?;
    check::spoil(run.spoil, stage, db).await?;
    Ok(vec![(
        case.name.to_owned(),
        figures
            .with("slowest_p95_ms", slowest(&after))
            .with("slowest_with_stale_statistics_p95_ms", slowest(&before)),
    )])
}

fn slowest(times_ms: &[(&str, f64)]) -> f64 {
    times_ms
        .iter()
        .map(|(_, p95_ms)| *p95_ms)
        .fold(0.0, f64::max)
}

/// The six screens, and the lists that read the most.
fn screens(history: usize, day: &str) -> Vec<(&'static str, String)> {
    let merchant = merchant_code(0);
    let order = format!("H{:08}", history / 2);
    vec![
        ("home", "/".to_owned()),
        ("payouts", "/payouts".to_owned()),
        ("payouts_paid", "/payouts?tab=paid".to_owned()),
        ("payouts_queued", "/payouts?tab=queued".to_owned()),
        ("payouts_found", format!("/payouts?text={order}")),
        ("payouts_none", "/payouts?text=nowhere".to_owned()),
        ("payouts_amount", "/payouts?tab=paid&min=1&max=2".to_owned()),
        ("payouts_bank", "/payouts?tab=paid&bank=999".to_owned()),
        ("payouts_failed", "/payouts?tab=failed".to_owned()),
        ("payouts_begin", "/payouts?text=H0&bank=999".to_owned()),
        ("payouts_day", format!("/payouts?day={day}&bank=999")),
        ("payout", format!("/payouts/{merchant}/{order}")),
        ("approvals", "/approvals".to_owned()),
        ("money", "/money".to_owned()),
        ("money_day", format!("/money?day={day}")),
        (
            "money_month",
            format!("/money?month={}", day.get(..7).unwrap_or(day)),
        ),
        ("workers", "/workers".to_owned()),
    ]
}

/// Some payouts that need a person, so that the home page has something to list.
async fn mark_some(db: &mut PgConnection) -> Result<()> {
    check::take_replicated(db).await?;
    execute(
        db,
        &format!(
            "set session_replication_role = replica;
             update payout.payouts
             set attention_reasons = '{{insufficient_funds}}', attention_since = now(), parked = true
             where state = 'queued' and substr(order_num, 2)::int % {ONE_IN} = 0;
             reset session_replication_role"
        ),
    )
    .await
}

async fn start(run: &Run<'_>, at: SocketAddr) -> Result<Process> {
    let stage = run.stage;
    let worker = fs::read_to_string(stage.path("worker-0.toml"))?;
    let file = stage.path("console.toml");
    fs::write(
        &file,
        format!("{worker}\n[console]\nlisten = \"{at}\"\nallow_any_password = true\n"),
    )?;
    let mut command = Command::new(run.payout);
    command.args(["console", "-c"]).arg(&file);
    let folder = file.parent().context("the file is in a folder")?;
    let mut console = Process::start(command, folder, "console")?;
    until_answers(&mut console, at, "/sign-in", CONSOLE_WITHIN)
        .await
        .with_context(|| stage.last_words("console"))?;
    Ok(console)
}

/// Somebody who is signed in.
struct Person {
    at: SocketAddr,
    cookie: String,
}

impl Person {
    async fn signed_in(at: SocketAddr) -> Result<Self> {
        let request = Request::post("/sign-in")
            .header(ORIGIN, format!("http://{at}"))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let form = format!("login={PERSON}&password={PERSON}");
        let (head, _) = answer(at, request, form.into()).await?;
        let cookie = head
            .headers
            .get(SET_COOKIE)
            .context("nobody is signed in")?;
        let cookie = cookie.to_str()?.split(';').next().unwrap_or_default();
        Ok(Self {
            at,
            cookie: cookie.to_owned(),
        })
    }

    /// How long each page takes, at p95, in ms.
    async fn all_ms(&self, case: &Case, day: &str) -> Result<Vec<(&'static str, f64)>> {
        let mut all = Vec::new();
        for (name, path) in screens(case.history, day) {
            let mut times_ms = Vec::new();
            for _ in 0..case.payouts {
                times_ms.push(self.time_ms(&path).await?);
            }
            times_ms.sort_unstable_by(f64::total_cmp);
            all.push((name, crate::figures::quantile(&times_ms, 0.95)));
        }
        Ok(all)
    }

    fn request(&self, path: &str) -> request::Builder {
        Request::get(path).header(COOKIE, &self.cookie)
    }

    /// How long the page takes, to its last byte.
    async fn time_ms(&self, path: &str) -> Result<f64> {
        let begun = Instant::now();
        let (head, _) = answer(self.at, self.request(path), Bytes::new()).await?;
        ensure!(head.status == 200, "{path}: {}", head.status);
        Ok(begun.elapsed().as_secs_f64() * 1e3)
    }
}
