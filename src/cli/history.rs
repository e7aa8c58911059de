//! Everything that was recorded about one payout, in the order in which it happened.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::{
    output::{self, Column, Record},
    rows::instant,
    words,
};
use crate::{
    domain::payout::PayoutKey,
    store::find::history::{self, Attempt, Happened, Received},
};

/// What of a message is shown to people: short fields that say why. The whole redacted message is in the JSON.
const SHOWN: [&str; 8] = [
    "reason",
    "problem",
    "status",
    "message",
    "msg",
    "statusMsg",
    "fee",
    "http_status",
];

/// One line of the timeline.
pub(super) struct Line {
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

impl Record for Line {
    const COLUMNS: &'static [&'static str] = &[
        "at", "kind", "source", "what", "to_state", "times", "last_at", "detail",
    ];

    fn values(&self) -> Vec<Value> {
        vec![
            instant(Some(self.at)),
            json!(self.kind),
            json!(self.source),
            json!(self.what),
            json!(self.to_state),
            json!(self.times),
            instant(self.last_at),
            self.detail.clone(),
        ]
    }
}

/// Reads history, evidence and attempts, and puts them in order.
pub(super) async fn read(db: &mut PgConnection, key: &PayoutKey) -> Result<Vec<Line>, sqlx::Error> {
    let mut lines: Vec<Line> = Vec::new();
    lines.extend(history::history(db, key).await?.into_iter().map(of_history));
    for attempt in history::attempts(db, key).await? {
        lines.extend(of_attempt(attempt));
    }
    lines.extend(
        history::evidence(db, key)
            .await?
            .into_iter()
            .map(of_evidence),
    );
    // Stable: at the same instant, a move stands before what belongs to it.
    lines.sort_by_key(|line| line.at);
    Ok(lines)
}

fn of_history(line: Happened) -> Line {
    let mut detail = line.detail;
    if let Some(fields) = detail.as_object_mut() {
        fields.insert("by".to_owned(), line.actor.into());
        if let Some(attempt) = line.attempt.filter(|attempt| *attempt > 0) {
            fields.insert("attempt".to_owned(), attempt.into());
        }
    }
    Line {
        at: line.at,
        kind: if line.to_state.is_some() {
            "move"
        } else {
            "note"
        },
        source: line.source,
        what: line.event,
        to_state: line.to_state,
        times: 1,
        last_at: None,
        detail,
    }
}

fn of_attempt(attempt: Attempt) -> Vec<Line> {
    let line = |at, what: String, detail| Line {
        at,
        kind: "attempt",
        source: "worker".to_owned(),
        what,
        to_state: None,
        times: 1,
        last_at: None,
        detail,
    };
    let begun = json!({
        "attempt": attempt.attempt,
        "worker": attempt.worker,
        "send_by": words::utc(attempt.send_by),
        "request_sha256": attempt.request_sha256,
    });
    let mut lines = vec![line(attempt.claimed_at, "attempt".to_owned(), begun)];
    if let (Some(outcome), Some(at)) = (attempt.outcome, attempt.outcome_at) {
        let ended =
            json!({"attempt": attempt.attempt, "reason": attempt.outcome_doubt.unwrap_or(outcome)});
        lines.push(line(at, "outcome".to_owned(), ended));
    }
    lines
}

fn of_evidence(received: Received) -> Line {
    Line {
        at: received.first_at,
        kind: "evidence",
        what: finding(&received),
        source: received.source,
        to_state: None,
        times: received.times,
        last_at: (received.times > 1).then_some(received.last_at),
        detail: received.detail,
    }
}

/// One row of evidence in words: `found, status 2, unsigned`.
fn finding(received: &Received) -> String {
    let mut words = vec![received.kind.clone()];
    words.extend(received.status.map(|status| format!("status {status}")));
    words.extend(received.doubt.clone());
    if received.signed == Some(false) {
        words.push("unsigned".to_owned());
    }
    words.extend(
        received
            .mismatch
            .as_ref()
            .map(|field| format!("not ours: {field}")),
    );
    words.extend(
        received
            .proves
            .as_ref()
            .map(|what| format!("proves {what}")),
    );
    if received.refused {
        words.push("its consequence was refused".to_owned());
    }
    words.join(", ")
}

/// For people.
pub(super) fn table(lines: &[Line]) -> String {
    let columns = [
        Column::Left("AT (WIB)"),
        Column::Right("AFTER"),
        Column::Left("FROM"),
        Column::Left("WHAT"),
        Column::Left("STATE"),
        Column::Left("DETAIL"),
    ];
    let mut before: Option<DateTime<Utc>> = None;
    let mut cells = Vec::new();
    for line in lines {
        let after = before.map_or(String::new(), |before| {
            step(line.at.signed_duration_since(before))
        });
        before = Some(line.at);
        cells.push(vec![
            words::exact_time(line.at),
            after,
            line.source.clone(),
            line.what.clone(),
            line.to_state.clone().unwrap_or_default(),
            detail(line),
        ]);
    }
    output::table(&columns, cells)
}

/// `+27 ms`, `+9.8 s`, `+5 min`.
fn step(gap: TimeDelta) -> String {
    let milliseconds = gap.num_milliseconds().max(0);
    match milliseconds {
        0..1_000 => format!("+{milliseconds} ms"),
        1_000..60_000 => format!(
            "+{}.{} s",
            milliseconds / 1_000,
            (milliseconds % 1_000) / 100
        ),
        60_000..3_600_000 => format!("+{} min", milliseconds / 60_000),
        _ => format!("+{} h", milliseconds / 3_600_000),
    }
}

fn detail(line: &Line) -> String {
    let field = |name: &str| line.detail.get(name).map(text);
    let mut parts = Vec::new();
    if line.kind == "attempt" && line.what == "attempt" {
        let digest: String = field("request_sha256")
            .unwrap_or_default()
            .chars()
            .take(12)
            .collect();
        parts.push(format!(
            "number {} by {}, body {digest}…",
            field("attempt").unwrap_or_default(),
            field("worker").unwrap_or_default()
        ));
    }
    for name in SHOWN {
        if let Some(value) = field(name).filter(|value| !value.is_empty()) {
            let names_itself = value.starts_with(name);
            parts.push(
                if !names_itself && matches!(name, "status" | "fee" | "http_status") {
                    format!("{name} {value}")
                } else {
                    value
                },
            );
        }
    }
    if let Some(by) = field("by").filter(|_| matches!(line.source.as_str(), "sql" | "operator")) {
        parts.push(format!("by {by}"));
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
}
