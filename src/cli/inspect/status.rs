//! `payout status`: whether money moves, on one screen.

use chrono::{DateTime, Utc};
use clap::Args;
use payout_store::{
    balances::{self, Balance, Stated},
    decisions::{self, Pause},
    failover::{self, Fence},
    overview::{self, OpenPayouts},
    workers::{self, Claims, Seen},
};
use serde::Serialize;

use super::{claims, pauses};
use crate::cli::{
    exit::Exit,
    global::Global,
    output::{self, Format},
    watch::Watch,
    words,
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) watch: Watch,
}

/// Everything on the screen, read at one time.
#[derive(Serialize)]
pub(crate) struct Page {
    /// Whether nothing here needs a person: payouts of every merchant are sent, and none needs attention.
    pub(crate) is_well: bool,
    claims: Vec<Claims>,
    open: Vec<OpenPayouts>,
    pauses: Vec<Pause>,
    failover: Option<Fence>,
    /// Who accepted that `full_page_writes` is off here, and why.
    full_pages_off_by: Option<String>,
    #[serde(skip)]
    balances: Vec<Balance>,
    gateway_balances: Vec<Stated>,
    workers: Vec<Seen>,
}

/// Reads it and prints it. Ends with [`Exit::Findings`] if something needs a person, unless it is watched.
pub(crate) async fn perform(global: &Global, options: &Options) -> Result<(), Exit> {
    if global.output == Format::Csv {
        let message = "payout status has no CSV form: use -o json";
        return Err(Exit::Usage(message.to_owned()));
    }
    let mut is_well = true;
    let look = async || {
        let page = read(global).await?;
        is_well = page.is_well;
        match global.output {
            Format::Json => Ok(serde_json::to_string(&page).map_err(anyhow::Error::from)? + "\n"),
            Format::Table | Format::Csv => Ok(render(&page, Utc::now())),
        }
    };
    options.watch.show(look).await?;
    if is_well { Ok(()) } else { Err(Exit::Findings) }
}

async fn read(global: &Global) -> Result<Page, Exit> {
    let mut db = global.connect().await?;
    let merchant = global.merchant.as_deref();
    let claims = global.registered(workers::claims(&mut db, merchant).await?)?;
    let open = overview::open_payouts(&mut db, merchant).await?;
    let needs_person = open.iter().any(|open| open.what == "needs_person");
    let is_well = !claims.is_empty()
        && !needs_person
        && claims.iter().all(|claims| claims.stopped_by.is_none());
    Ok(Page {
        is_well,
        claims,
        open,
        pauses: decisions::pauses(&mut db).await?,
        failover: failover::fence(&mut db).await?,
        full_pages_off_by: overview::full_pages_off_by(&mut db).await?,
        balances: balances::balances(&mut db, merchant).await?,
        gateway_balances: balances::stated_balances(&mut db, merchant).await?,
        workers: workers::workers(&mut db).await?,
    })
}

fn render(page: &Page, now: DateTime<Utc>) -> String {
    let mut parts = vec![merchants(page, now)];
    let stops = claims::lines(&page.claims);
    parts.extend((!stops.is_empty()).then_some(stops));
    parts.push(open(&page.open, now));
    parts.push(failover(page.failover.as_ref()));
    parts.extend(page.full_pages_off_by.as_deref().map(storage));
    parts.extend(page.pauses.iter().map(pause));
    parts.push(worker_table(&page.workers, now));
    parts.join("\n")
}

fn merchants(page: &Page, now: DateTime<Utc>) -> String {
    if page.claims.is_empty() {
        return "no merchant is registered: `payout migrate -c FILE` registers the configured ones\n".to_owned();
    }
    let cells = page.claims.iter().map(|claims| {
        let merchant = &claims.merchant_code;
        let is_open = claims.stopped_by.is_none();
        let is_available = |balance: &&Balance| {
            balance.merchant_code == *merchant && balance.account == "available"
        };
        let available = page.balances.iter().find(is_available);
        let of_merchant = |stated: &&Stated| stated.merchant_code == *merchant;
        let stated = page.gateway_balances.iter().find(of_merchant);
        vec![
            merchant.clone(),
            if is_open { "sent" } else { "STOPPED" }.to_owned(),
            claims.stopped_by.clone().unwrap_or_default(),
            claims.workers.to_string(),
            format!("{} of {}", claims.in_flight, claims.slots),
            available.map_or(String::new(), |balance| words::rupiah(balance.balance)),
            stated.map_or("not read yet".to_owned(), |stated| {
                let age = words::age(stated.read_at, now);
                format!("{}, {age} ago", words::rupiah(stated.available))
            }),
        ]
    });
    let headings = "MERCHANT|PAYOUTS|REASON|>WORKERS|>IN FLIGHT|>AVAILABLE|>GATEWAY AVAILABLE";
    output::table(headings, cells)
}

fn open(open: &[OpenPayouts], now: DateTime<Utc>) -> String {
    if open.is_empty() {
        return "nothing is open, and nothing needs a person\n".to_owned();
    }
    let cells = open.iter().map(|open| {
        let (what, next) = match open.what.as_str() {
            "queued" => ("queued", ""),
            "accepted" => ("accepted, not settled", ""),
            "in_doubt" => (
                "in doubt: may or may not have left",
                "queried, never resent automatically",
            ),
            _ => ("needs a person", "payout stuck"),
        };
        vec![
            open.merchant_code.clone(),
            what.to_owned(),
            open.payouts.to_string(),
            words::rupiah(open.rupiah),
            open.oldest_since
                .map_or(String::new(), |since| words::age(since, now)),
            next.to_owned(),
        ]
    });
    output::table("MERCHANT|OPEN|>PAYOUTS|>AMOUNT|>OLDEST|NEXT", cells)
}

fn failover(fence: Option<&Fence>) -> String {
    match fence {
        None => "failover: no worker has claimed in this database yet\n".to_owned(),
        Some(fence) if fence.is_open => "failover: none since the last acceptance\n".to_owned(),
        Some(_) => "failover: NOT ACCEPTED YET: see payout failover status\n".to_owned(),
    }
}

fn storage(by: &str) -> String {
    output::plain(&format!("full_page_writes is off, accepted by {by}")) + "\n"
}

fn pause(pause: &Pause) -> String {
    let name = pauses::name(&pause.scope, &pause.value);
    let line = format!(
        "paused: {name}, {}, since {} WIB by {}: {}; it covers {}",
        pauses::times(pause),
        words::time(pause.since),
        pause.actor,
        pause.reason,
        words::counted(&pause.queued, "queued payout")
    );
    output::plain(&line) + "\n"
}

fn worker_table(workers: &[Seen], now: DateTime<Utc>) -> String {
    if workers.is_empty() {
        return "no worker ran within the last day: start one with payout run\n".to_owned();
    }
    let cells = workers.iter().map(|worker| {
        let state = match worker.ended_at {
            _ if worker.is_running => format!("running for {}", words::age(worker.since, now)),
            Some(at) => format!("ended {} ago", words::age(at, now)),
            None => format!("GONE, last seen {} ago", words::age(worker.seen_at, now)),
        };
        vec![
            worker.worker.clone(),
            worker.version.clone(),
            state,
            format!("{} of {}", worker.in_flight, worker.slots),
            worker.merchants.join(" "),
        ]
    });
    output::table("WORKER|VERSION|STATE|>IN FLIGHT|MERCHANTS", cells)
}
