//! An operator's request on screen, and the wait until a worker has carried it out.

use std::time::Duration;

use payout_store::{
    operator::{Requested, requested},
    workers::{self, Claims},
};
use sqlx::PgConnection;
use tokio::time::{Instant, sleep};

use crate::cli::{
    exit::{Exit, say},
    global::Global,
    inspect::claims,
    output::{self, Format},
    words,
};

/// A worker looks twice a second and then queries the gateway.
const WAIT_MAX: Duration = Duration::from_secs(45);
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Of a long request the first payouts are shown.
pub(crate) const SHOWN: usize = 20;

/// The payouts of a request that must exist.
pub(crate) async fn read(db: &mut PgConnection, id: i64) -> Result<Vec<Requested>, Exit> {
    let rows = requested(db, id).await?;
    if rows.is_empty() {
        return Err(Exit::NotFound(format!("there is no request {id}")));
    }
    Ok(rows)
}

/// What a person must see before they approve.
pub(crate) fn summary(id: i64, rows: &[Requested]) -> String {
    let mut lines: Vec<String> = rows.iter().take(SHOWN).map(line).collect();
    if let Some(row) = rows.first() {
        let count = match (rows.len(), &row.order_num) {
            (_, None) => row.kind.clone(),
            (1, _) => "1 payout".to_owned(),
            (count, _) => {
                let total = rows.iter().filter_map(|row| row.amount).sum();
                format!("{count} payouts, {}", words::rupiah(total))
            }
        };
        if let Some(more @ 1..) = rows.len().checked_sub(SHOWN) {
            lines.push(format!("and {more} more"));
        }
        lines.push(output::plain(&format!(
            "Request {id}, {count}, by {}. It expires at {} WIB.",
            row.requested_by,
            words::time(row.expires_at),
        )));
        // A line each: nobody passes off a reason as evidence.
        lines.push(output::plain(&format!("reason:    {}", row.reason)));
        let evidence = row.evidence.as_ref();
        lines.extend(evidence.map(|named| output::plain(&format!("evidence:  {named}"))));
    }
    lines.join("\n")
}

fn line(row: &Requested) -> String {
    let amount = row.amount.map_or_else(String::new, words::rupiah);
    let (Some(order), Some(bank), Some(state)) = (&row.order_num, &row.bank_code, &row.state)
    else {
        return output::plain(&act_line(row, &amount));
    };
    let effect = match row.kind.as_str() {
        "resubmit" => "will be sent once more, with the same order number,",
        "resolve_failed" => "will be given up as failed and its hold released,",
        "resolve_paid" => "will be booked as paid,",
        "resolve_returned" => "will be booked as returned,",
        "resolve_fee" => {
            "will be booked with the stated fee, and the rest of its reserve released,"
        }
        "resolve_unchanged" => "will stay as it is, against the gateway's evidence,",
        _ => "will be withdrawn for good,",
    };
    let stated = match words::stated(&row.kind, row.stated) {
        stated if stated.is_empty() => stated,
        stated => format!(" The requester states: {stated}."),
    };
    output::plain(&format!(
        "{order} ({amount}) {effect} bank {bank}; it is {state}.{stated}"
    ))
}

/// An act on something else than payouts.
fn act_line(row: &Requested, amount: &str) -> String {
    let subject = row.subject.as_deref().unwrap_or_default();
    let merchant = row.merchant_code.as_deref().unwrap_or_default();
    match row.kind.as_str() {
        "fund" => format!("{amount} will be booked for {merchant} with reference {subject}"),
        "register_address" => format!(
            "workers will be allowed to reach this database by {subject}: a worker that reaches a copy of it by that address \
             sends everything again"
        ),
        "remove_address" => {
            format!("workers that reach this database by {subject} will claim nothing any more")
        }
        "accept_failover" => format!(
            "claims will continue after the failover, because nobody has been able to write to the old primary since {}{}",
            row.dead_since
                .map_or_else(String::new, |at| words::time(at) + " WIB"),
            if row.sets_aside {
                "; what cannot be queried is set aside"
            } else {
                ""
            },
        ),
        other => [other, merchant, subject].join(" "),
    }
}

/// Reports a request that is recorded and needs a second person.
pub(crate) async fn waits(global: &Global, db: &mut PgConnection, id: i64) -> Result<(), Exit> {
    let rows = read(db, id).await?;
    output::print(&global.output.rows(&rows, "", |_| {
        format!(
            "Recorded as request {id}. Nothing is done yet. Another operator, within 10 minutes: payout approve {id}\n"
        )
    })?)?;
    Err(Exit::Recorded)
}

/// Waits until a worker has carried out or refused each payout of the request, and prints the outcomes.
pub(crate) async fn carried_out(
    global: &Global,
    db: &mut PgConnection,
    id: i64,
) -> Result<(), Exit> {
    let mut waiting_since = Instant::now();
    let mut done_before = None;
    let rows = loop {
        let rows = read(db, id).await?;
        let done = rows.iter().filter(|row| row.outcome.is_some()).count();
        if done == rows.len() || waiting_since.elapsed() > WAIT_MAX {
            break rows;
        }
        if done_before.is_none() {
            say_what_holds_it_up(db, &rows).await?;
        } else if done_before < Some(done) {
            say(&progress(&rows, done));
            waiting_since = Instant::now();
        }
        done_before = Some(done);
        sleep(LOOK_EVERY).await;
    };
    output::print(&global.output.rows(&rows, "", table)?)?;
    let is_refused = |row: &&Requested| row.outcome.as_deref() == Some("refused");
    if let Some(refused) = rows.iter().find(is_refused) {
        let why = refused.detail.as_deref().unwrap_or("no reason is recorded");
        let order = refused.order_num.as_deref().unwrap_or(&refused.kind);
        let message = format!("refused: {order}: {why}");
        return Err(Exit::Refused(output::plain(&message)));
    }
    if rows.iter().any(|row| row.outcome.is_none()) {
        let why = sent_first(&rows).map_or("no worker has taken it yet".to_owned(), |first| {
            format!(
                "{first} was sent first and has not been found yet; until then nothing else is sent"
            )
        });
        say(&output::plain(&format!(
            "recorded, but {why}. See payout status. Request {id} expires if that does not change."
        )));
        say_what_holds_it_up(db, &rows).await?;
        return Err(Exit::Recorded);
    }
    if let (
        Format::Table,
        [
            Requested {
                order_num: Some(order),
                ..
            },
        ],
    ) = (global.output, rows.as_slice())
    {
        say(&format!("next:  payout show -w {}", output::plain(order)));
    }
    Ok(())
}

fn progress(rows: &[Requested], done: usize) -> String {
    let counted = format!("{done} of {} are done", rows.len());
    sent_first(rows).map_or(counted.clone(), |first| {
        output::plain(&format!(
            "{counted}: {first} was sent first; the others follow once the gateway is found to know it"
        ))
    })
}

/// The payout of a resubmit that was sent, if it is the only one so far.
fn sent_first(rows: &[Requested]) -> Option<&str> {
    let mut sent = rows
        .iter()
        .filter(|row| row.kind == "resubmit" && row.outcome.as_deref() == Some("done"));
    let first = sent.next()?.order_num.as_deref();
    if sent.next().is_none() { first } else { None }
}

/// Why the workers that would carry it out send nothing now.
async fn say_what_holds_it_up(db: &mut PgConnection, rows: &[Requested]) -> Result<(), Exit> {
    let concerned = |claims: &Claims| {
        let of = |row: &Requested| row.merchant_code.as_ref() == Some(&claims.merchant_code);
        rows.iter().any(of)
    };
    let claims = workers::claims(db, None).await?;
    let stopped = claims.iter().filter(|claims| concerned(claims));
    for sentence in stopped.filter_map(claims::sentence) {
        say(&sentence);
    }
    Ok(())
}

fn table(rows: &[Requested]) -> String {
    let cells = rows.iter().map(|row| {
        vec![
            row.order_num
                .as_ref()
                .or(row.subject.as_ref())
                .cloned()
                .unwrap_or_default(),
            row.merchant_code.clone().unwrap_or_default(),
            row.amount.map_or_else(String::new, words::rupiah),
            row.state.clone().unwrap_or_default(),
            row.outcome.clone().unwrap_or("waiting".to_owned()),
            row.detail.clone().unwrap_or_default(),
        ]
    });
    output::table("ON|MERCHANT|>AMOUNT|STATE|OUTCOME|WHY", cells)
}
