//! A request of an operator on screen, and the wait for what a worker makes of it.

use std::{process::ExitCode, time::Duration};

use serde_json::{Value, json};
use sqlx::PgConnection;
use tokio::time::{Instant, sleep};

use crate::cli::{
    exit::{Failure, say},
    global::Global,
    output::{self, Column, Format, Record},
    words,
};
use crate::store::operator::{Requested, requested};

/// A worker looks twice a second and then asks the gateway.
const WAIT_MAX: Duration = Duration::from_secs(45);
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Of a long request the first payouts are shown.
pub(crate) const SHOWN: usize = 20;
/// Recorded, waits for approval (contract).
const WAITS: u8 = 5;

impl Record for Requested {
    const COLUMNS: &'static [&'static str] = &[
        "request_id",
        "kind",
        "requested_by",
        "expires_at",
        "merchant_code",
        "order_num",
        "amount",
        "state",
        "outcome",
        "detail",
    ];

    fn values(&self) -> Vec<Value> {
        vec![
            json!(self.request_id),
            json!(self.kind),
            json!(self.requested_by),
            json!(words::utc(self.expires_at)),
            json!(self.merchant_code),
            json!(self.order_num),
            json!(self.amount),
            json!(self.state),
            json!(self.outcome),
            json!(self.detail),
        ]
    }
}

/// The payouts of a request that must exist.
pub(crate) async fn read(db: &mut PgConnection, id: i64) -> Result<Vec<Requested>, Failure> {
    let rows = requested(db, id).await?;
    if rows.is_empty() {
        return Err(Failure::NotFound(format!("there is no request {id}")));
    }
    Ok(rows)
}

/// What a person must see before they say yes.
pub(crate) fn summary(id: i64, rows: &[Requested]) -> String {
    let mut lines: Vec<String> = rows
        .iter()
        .take(SHOWN)
        .map(|row| {
            let does = match row.kind.as_str() {
                "resubmit" => "is sent once more, with the same order number, to bank",
                "resolve_failed" => "is given up as failed and its money is free again; bank",
                "resolve_paid" => "is booked as paid; bank",
                _ => "is booked as returned; bank",
            };
            let line = format!(
                "{} ({}) {does} {}; it is {}",
                row.order_num,
                words::rupiah(row.amount),
                row.bank_code,
                row.state,
            );
            output::plain(&line)
        })
        .collect();
    if let Some(row) = rows.first() {
        let count = rows.len();
        lines.push(output::plain(&format!(
            "Request {id}, {count} of them, by {}: {}. It expires at {} WIB.",
            row.requested_by,
            row.reason,
            words::time(row.expires_at),
        )));
    }
    lines.join("\n")
}

/// What is typed to say yes: the order number, or the request's where there are several.
pub(crate) fn word(id: i64, rows: &[Requested]) -> String {
    match rows {
        [one] => one.order_num.clone(),
        _ => id.to_string(),
    }
}

/// It is recorded and a second person is needed.
pub(crate) async fn waits(
    global: &Global,
    db: &mut PgConnection,
    id: i64,
) -> Result<ExitCode, Failure> {
    match global.output {
        Format::Table => output::print(&format!(
            "Recorded as request {id}. Nothing is done yet. Another operator, within 10 minutes: payout approve {id}\n"
        ))?,
        Format::Json => output::print(&output::json(&read(db, id).await?))?,
        Format::Csv => output::print(&output::csv(&read(db, id).await?))?,
    }
    Ok(ExitCode::from(WAITS))
}

/// Waits until a worker has carried out or refused each payout of the request.
pub(crate) async fn carried_out(
    global: &Global,
    db: &mut PgConnection,
    id: i64,
) -> Result<ExitCode, Failure> {
    let begun = Instant::now();
    let rows = loop {
        let rows = read(db, id).await?;
        if rows.iter().all(|row| row.outcome.is_some()) || begun.elapsed() > WAIT_MAX {
            break rows;
        }
        sleep(LOOK_EVERY).await;
    };
    output::print(&match global.output {
        Format::Json => output::json(&rows),
        Format::Csv => output::csv(&rows),
        Format::Table => table(&rows),
    })?;
    if let Some(refused) = rows
        .iter()
        .find(|row| row.outcome.as_deref() == Some("refused"))
    {
        let why = refused.detail.as_deref().unwrap_or("no reason is noted");
        return Err(Failure::Refused(output::plain(&format!(
            "refused: {}: {why}",
            refused.order_num
        ))));
    }
    if let (Format::Table, [one]) = (global.output, rows.as_slice())
        && one.outcome.is_some()
    {
        say(&output::plain(&format!(
            "next:  payout show -w {}",
            one.order_num
        )));
    }
    if rows.iter().any(|row| row.outcome.is_none()) {
        say(&format!(
            "recorded, and no worker has taken it up yet: does one run, proven and not paused? See: payout audit, \
             payout doctor. Request {id} expires by itself."
        ));
        return Ok(ExitCode::from(WAITS));
    }
    Ok(ExitCode::SUCCESS)
}

fn table(rows: &[Requested]) -> String {
    let columns = [
        Column::Left("ORDER"),
        Column::Left("MERCHANT"),
        Column::Right("AMOUNT"),
        Column::Left("STATE"),
        Column::Left("OUTCOME"),
        Column::Left("WHY"),
    ];
    let cells = rows.iter().map(|row| {
        vec![
            row.order_num.clone(),
            row.merchant_code.clone(),
            words::rupiah(row.amount),
            row.state.clone(),
            row.outcome.clone().unwrap_or_else(|| "waits".to_owned()),
            row.detail.clone().unwrap_or_default(),
        ]
    });
    output::table(&columns, cells.collect())
}
