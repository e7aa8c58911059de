//! `payout failover`

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use payout_store::failover::{self, Acceptance, Accepted, Fence};

use super::request;
use crate::cli::{confirm, exit::Exit, global::Global, output, words};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show whether claims are stopped because commits may be lost, and until when
    Status,
    /// Request that claims continue; a second person must approve
    Accept(AcceptOptions),
}

#[derive(Debug, Args)]
pub(crate) struct AcceptOptions {
    /// Since when nobody can write to the old primary: 2026-11-21T08:00:00+07:00. State the same time again each time
    #[arg(long, value_name = "TIME", value_parser = words::point)]
    old_primary_dead_since: DateTime<Utc>,
    /// Why; recorded, at most 200 characters, without personal data
    #[arg(long)]
    reason: String,
    /// How long each payout is queried before its first claim; a day or more
    #[arg(long, value_name = "TIME", value_parser = words::seconds, default_value = "30d")]
    query_first_for: i64,
    /// Set aside what cannot be queried, so that it keeps nothing else waiting; it is never sent
    #[arg(long)]
    set_aside: bool,
}

pub(crate) async fn perform(global: &Global, command: &Command) -> Result<(), Exit> {
    match command {
        Command::Status => status(global).await,
        Command::Accept(options) => accept(global, options).await,
    }
}

async fn status(global: &Global) -> Result<(), Exit> {
    let mut db = global.connect().await?;
    let found: Vec<Fence> = failover::fence(&mut db).await?.into_iter().collect();
    output::print(&global.output.rows(&found, NONE, |found| {
        found.iter().map(page).collect::<Vec<_>>().concat()
    })?)
}

/// No worker has registered the database.
const NONE: &str = "no worker has claimed in this database yet";

fn page(fence: &Fence) -> String {
    let mut lines = Vec::new();
    if fence.is_open {
        lines.push("Claims are open: no failover or restore since the last acceptance.".to_owned());
        if let Some(accepted_by) = &fence.accepted_by {
            let since = words::time(fence.since);
            lines.push(format!(
                "Accepted at {since} WIB, requested by {accepted_by}."
            ));
        }
        if let Some(until) = fence.query_first_until {
            let until = words::time(until);
            lines.push(format!(
                "Until {until} WIB each payout is queried before its first claim."
            ));
        }
    } else {
        // Until a worker has noted it, the row has what was said at the last acceptance.
        let (since, reason) = match (fence.changed_at, &fence.reason) {
            (Some(at), Some(reason)) => (words::time(at) + " WIB", reason.as_str()),
            _ => (
                "now".to_owned(),
                "another system, timeline, database or table",
            ),
        };
        lines.push(format!("Claims are stopped since {since}: {reason}."));
        if let Some(until) = fence.trusted_after {
            let until = words::time(until);
            lines.push(format!("Answers count again from {until} WIB, if the old primary was dead by the time assumed."));
        }
        lines.push(format!(
            "Queued payouts still to be queried: {}.",
            fence.not_queried
        ));
        lines.push(
            "next:  payout failover accept --old-primary-dead-since TIME --reason ...".to_owned(),
        );
    }
    output::lines(&lines.join("\n")) + "\n"
}

async fn accept(global: &Global, options: &AcceptOptions) -> Result<(), Exit> {
    let mut db = global.connect().await?;
    let question = format!(
        "You request that claims continue in this database. You state that nobody has been able to write to the old \
         primary since {} WIB, and that you examined what was found at the gateway.",
        words::time(options.old_primary_dead_since)
    );
    confirm::confirm(global, &question)?;
    let acceptance = Acceptance {
        reason: &options.reason,
        old_primary_dead_since: options.old_primary_dead_since,
        query_first_for: options.query_first_for,
        set_aside: options.set_aside,
    };
    match failover::request_acceptance(&mut db, &acceptance).await? {
        Accepted::Requested(id) => request::waits(global, &mut db, id).await,
        Accepted::NotYet(why) => Err(Exit::Refused(output::plain(&why))),
    }
}
