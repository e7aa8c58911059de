//! The history of one payout: everything that was recorded about it, in the order in which it happened.

use chrono::{DateTime, TimeDelta, Utc};
use payout_domain::payout::PayoutKey;
use payout_store::find::history::{self, Attempt, Happened, Received};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::cli::{
    output::{self, Format},
    words,
};

/// The fields of a message that people see: short ones that say why. The whole redacted message is in the JSON.
const SHOWN: &str = "reason problem status message msg statusMsg fee http_status";

/// One line of the history.
#[derive(Default, Serialize)]
pub(crate) struct Line {
    at: DateTime<Utc>,
    /// `move`, `note`, `attempt` or `evidence`.
    kind: &'static str,
    source: String,
    what: String,
    to_state: Option<String>,
    times: i32,
    last_at: Option<DateTime<Utc>>,
    detail: Value,
}

impl Line {
    /// Whether it is of one of these kinds.
    pub(super) fn is_a(&self, kinds: &[&str]) -> bool {
        kinds.contains(&self.kind)
    }
}

/// Reads moves and notes, attempts and evidence, and puts them in order.
pub(crate) async fn read(db: &mut PgConnection, key: &PayoutKey) -> Result<Vec<Line>, sqlx::Error> {
    let history = history::history(db, key).await?;
    let attempts = history::attempts(db, key).await?;
    let evidence = history::evidence(db, key).await?;
    let mut lines: Vec<Line> = history
        .into_iter()
        .map(of_history)
        .chain(attempts.into_iter().flat_map(of_attempt))
        .chain(evidence.into_iter().map(of_evidence))
        .collect();
    // Stable: at the same instant, a move precedes what belongs to it.
    lines.sort_by_key(|line| line.at);
    Ok(lines)
}

fn of_history(row: Happened) -> Line {
    let mut detail = row.detail;
    if let Some(fields) = detail.as_object_mut() {
        // What people decided, a worker or the second of them writes.
        if let Some(first) = row.requested_by {
            fields.insert("by".to_owned(), first.into());
        }
        if let Some(second) = row.approved_by {
            fields.insert("approved_by".to_owned(), second.into());
        }
        fields.entry("by").or_insert_with(|| row.actor.into());
        if let Some(attempt) = row.attempt.filter(|attempt| *attempt > 0) {
            fields.insert("attempt".to_owned(), attempt.into());
        }
    }
    let is_move = row.to_state.is_some();
    Line {
        at: row.at,
        kind: if is_move { "move" } else { "note" },
        source: row.source,
        what: row.event,
        to_state: row.to_state,
        times: 1,
        detail,
        ..Line::default()
    }
}

fn of_attempt(row: Attempt) -> Vec<Line> {
    let line = |at, what: &str, detail| Line {
        at,
        kind: "attempt",
        source: "worker".to_owned(),
        what: what.to_owned(),
        times: 1,
        detail,
        ..Line::default()
    };
    let begun = json!({
        "attempt": row.attempt,
        "worker": row.worker,
        "send_by": row.send_by,
        "request_sha256": row.request_sha256,
    });
    let mut lines = vec![line(row.claimed_at, "attempt", begun)];
    if let (Some(outcome), Some(at)) = (row.outcome, row.outcome_at) {
        let reason = row.outcome_doubt.unwrap_or(outcome);
        let ended = json!({"attempt": row.attempt, "reason": reason});
        lines.push(line(at, "outcome", ended));
    }
    lines
}

fn of_evidence(row: Received) -> Line {
    Line {
        at: row.first_at,
        kind: "evidence",
        what: in_words(&row),
        source: row.source,
        times: row.times,
        last_at: (row.times > 1).then_some(row.last_at),
        detail: row.detail,
        ..Line::default()
    }
}

/// What a piece of evidence says, for the column `what`: `found, status 2, unsigned`.
fn in_words(row: &Received) -> String {
    let parts = [
        Some(row.kind.clone()),
        row.status.map(|status| format!("status {status}")),
        row.doubt.clone(),
        (row.signed == Some(false)).then(|| "unsigned".to_owned()),
        row.mismatch
            .as_ref()
            .map(|field| format!("not ours: {field}")),
        row.proves.as_ref().map(|what| format!("proves {what}")),
        row.refused
            .then(|| "the database refused what follows".to_owned()),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The history alone, in any format.
pub(crate) fn render(format: Format, mut lines: Vec<Line>) -> anyhow::Result<String> {
    if format == Format::Csv {
        // A cell has no fields of its own: it gets the message as JSON text.
        for line in lines.iter_mut().filter(|line| line.detail.is_object()) {
            line.detail = line.detail.to_string().into();
        }
    }
    format.rows(&lines, "nothing is recorded", table)
}

/// The history for people.
pub(crate) fn table(lines: &[Line]) -> String {
    let headings = "AT (WIB)|>AFTER|FROM|WHAT|STATE|DETAIL";
    let times = lines.iter().map(|line| line.at);
    let before = std::iter::once(None).chain(times.map(Some));
    let cells = lines.iter().zip(before).map(|(line, before)| {
        vec![
            words::exact_time(line.at),
            before.map_or_else(String::new, |at| step(line.at.signed_duration_since(at))),
            line.source.clone(),
            line.what.clone(),
            line.to_state.clone().unwrap_or_default(),
            detail(line),
        ]
    });
    output::table(headings, cells)
}

/// `+27 ms`, `+9.8 s`, `+5 min`.
fn step(gap: TimeDelta) -> String {
    match gap.num_milliseconds().max(0) {
        ms @ 0..1_000 => format!("+{ms} ms"),
        ms @ 1_000..60_000 => format!("+{}.{} s", ms / 1_000, (ms % 1_000) / 100),
        ms @ 60_000..3_600_000 => format!("+{} min", ms / 60_000),
        ms => format!("+{} h", ms / 3_600_000),
    }
}

fn detail(line: &Line) -> String {
    let field = |name: &str| line.detail.get(name).map(text).unwrap_or_default();
    let mut parts = Vec::new();
    if line.kind == "attempt" && line.what == "attempt" {
        let digest: String = field("request_sha256").chars().take(12).collect();
        let (number, worker) = (field("attempt"), field("worker"));
        parts.push(format!("number {number} by {worker}, body {digest}…"));
    }
    for name in SHOWN.split(' ') {
        let value = field(name);
        let is_bare = matches!(name, "status" | "fee" | "http_status") && !value.starts_with(name);
        match value.as_str() {
            "" => {}
            _ if is_bare => parts.push(format!("{name} {value}")),
            _ => parts.push(value),
        }
    }
    let (by, second) = (field("by"), field("approved_by"));
    if !by.is_empty() && matches!(line.source.as_str(), "sql" | "operator") {
        let second = Some(second).filter(|second| !second.is_empty());
        parts.push(words::people(&by, second.as_deref()));
    }
    if let Some(last) = line.last_at {
        parts.push(format!("{} times, last {}", line.times, words::time(last)));
    }
    parts.join("; ")
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_short_and_never_negative() {
        for (milliseconds, words) in [
            (27, "+27 ms"),
            (-3, "+0 ms"),
            (9_850, "+9.8 s"),
            (300_000, "+5 min"),
            (7_200_000, "+2 h"),
        ] {
            assert_eq!(step(TimeDelta::milliseconds(milliseconds)), words);
        }
    }

    #[test]
    fn a_message_is_an_object_in_json_and_json_text_in_a_cell() {
        let lines = || {
            vec![Line {
                kind: "evidence",
                detail: json!({"code": "NOTEXIST", "times": 2}),
                ..Line::default()
            }]
        };
        let rows: Value = serde_json::from_str(&render(Format::Json, lines()).unwrap()).unwrap();
        assert_eq!(rows[0]["detail"]["code"], "NOTEXIST");
        let cells = render(Format::Csv, lines()).unwrap();
        assert!(
            cells.ends_with(",\"{\"\"code\"\":\"\"NOTEXIST\"\",\"\"times\"\":2}\"\n"),
            "{cells}"
        );
    }
}
