//! One payout: what we know, what we don't, what happens next; its history; and what the reader may do.

use askama::Template;
use axum::{extract::Path, response::Html};
use payout_domain::{money::FeeType, payout::PayoutKey};
use payout_reports::receipt;
use payout_store::{
    console::{self, Entry},
    find::{
        self, Status,
        history::{self, Attempt, Detail, Happened, Received},
        waits::{RequestAbout, requests_about},
    },
    moment::Moment,
};
use serde_json::Value;
use sqlx::PgConnection;

use super::{
    deed::{self, Deed},
    failure::Failure,
    frame::{self, Frame, render},
    situation::{Around, Situation, explain},
    texts::{FIELDS, Texts},
    visit::Visit,
    words,
};

/// Of the fields of a message, who acted: the history has them in a column of their own.
const PEOPLE: [&str; 2] = ["by", "approved_by"];
/// Most requests about it.
const REQUESTS_MAX: i64 = 20;
/// Most rows of each table: a payout that is queried for weeks has thousands.
const ROWS_MAX: usize = 500;

#[derive(Template)]
#[template(path = "payout.html")]
struct Page {
    frame: Frame,
    t: &'static Texts,
    status: Status,
    detail: Detail,
    situation: Situation,
    deeds: Vec<Deed>,
    history: Vec<Happened>,
    attempts: Vec<Attempt>,
    received: Vec<Received>,
    entries: Vec<Entry>,
    /// The latest requests about it, whatever became of them.
    requests: Vec<RequestAbout>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "templates hand over references"
)]
impl Page {
    fn word(&self, deed: &Deed) -> &'static str {
        deed.word(self.t)
    }

    fn act(&self, deed: &Deed) -> String {
        let name = frame::encoded(&frame::name(&self.status.key()));
        format!("/act/{}?payout={name}", deed.name())
    }

    fn has_receipt(&self) -> bool {
        receipt::is_possible(&self.status)
    }

    fn receipt(&self) -> String {
        format!("{}/receipt", self.frame.link(&self.status))
    }

    fn fee(&self) -> String {
        fee(self.t, &self.status)
    }

    /// What a message says, briefly.
    fn brief(&self, detail: &Value) -> String {
        brief(self.t, detail, |_| true)
    }

    /// What a line of the history says beside who it was.
    fn more(&self, happened: &Happened) -> String {
        brief(self.t, &happened.detail, |name| !PEOPLE.contains(&name))
    }

    /// What became of a message: what it proves, or why it proves nothing.
    fn worth(&self, received: &Received) -> String {
        let t = self.t;
        let recorded = |name: &Option<String>| Some(t.record(name.as_deref()?).into_owned());
        let parts = [
            received.status.map(|status| t.gateway_status(status)),
            recorded(&received.doubt),
            received
                .mismatch
                .as_deref()
                .map(|name| t.mismatch(name).into_owned()),
            recorded(&received.proves),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// The answer to an attempt.
    fn outcome(&self, attempt: &Attempt) -> String {
        let parts = [&attempt.outcome, &attempt.outcome_doubt];
        let parts = parts.into_iter().flatten();
        let parts: Vec<_> = parts.map(|name| self.t.record(name)).collect();
        if parts.is_empty() {
            "–".to_owned()
        } else {
            parts.join(", ")
        }
    }

    /// Another payout of the same merchant.
    fn sibling(&self, order_num: &str) -> String {
        frame::payout(&self.status.merchant_code, order_num)
    }

    fn who(&self, happened: &Happened) -> String {
        let first = happened.requested_by.as_ref();
        let first = first.unwrap_or(&happened.actor);
        let second = happened.approved_by.as_deref();
        words::people(self.t, first, second)
    }
}

pub(super) async fn payout(
    visit: Visit,
    Path((merchant, order)): Path<(String, String)>,
) -> Result<Html<String>, Failure> {
    let key = PayoutKey {
        merchant_code: merchant,
        order_num: order,
    };
    let Visit { mut db, frame, .. } = visit;
    // It may change between two statements, and a state beside the history of another one would mislead.
    let mut moment = Moment::begin(&mut db).await?;
    let page = read(moment.db(), frame, &key).await;
    render(&moment.end(page).await?)
}

async fn read(db: &mut PgConnection, frame: Frame, key: &PayoutKey) -> Result<Page, Failure> {
    let mut found = find::statuses(db, std::slice::from_ref(key)).await?;
    let status = found.pop().ok_or_else(Failure::not_found)?;
    let detail = history::detail(db, key).await?;
    let around = Around::read(db, key, &status).await?;
    let t = frame.t();
    let deeds = if frame.may_act {
        deed::possible(&status, &around)
    } else {
        Vec::new()
    };
    Ok(Page {
        t,
        situation: explain(t, &status, &detail, &around),
        deeds,
        history: latest(history::history(db, key).await?),
        attempts: latest(history::attempts(db, key).await?),
        received: latest(history::evidence(db, key).await?),
        entries: console::entries(db, &key.merchant_code, &key.order_num).await?,
        requests: requests_about(db, key, REQUESTS_MAX).await?,
        status,
        detail,
        frame,
    })
}

/// How its fee is paid, and how much it is.
fn fee(t: &Texts, status: &Status) -> String {
    let bearer = match FeeType::from_code(status.fee_type) {
        Some(FeeType::OutOfAmount) => t.fee_out,
        Some(FeeType::OnTop) => t.fee_on_top,
        None => "?",
    };
    match status.fee {
        Some(fee) => format!("{}, {bearer}", words::rupiah(fee)),
        None if status.has_no_fee() => t.fee_none.to_owned(),
        None => format!("{}, {bearer}", t.fee_not_stated),
    }
}

/// The fields of a message that have these names and are short.
fn brief(t: &Texts, detail: &Value, is_shown: impl Fn(&str) -> bool) -> String {
    let shown = FIELDS.iter().filter(|(name, _)| is_shown(name));
    let parts = shown.filter_map(|(name, _)| {
        let text = match detail.get(name)? {
            Value::String(text) => text.chars().take(200).collect(),
            Value::Number(number) => number.to_string(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
        };
        Some(format!("{}: {text}", t.field(name)))
    });
    parts.collect::<Vec<_>>().join("; ")
}

fn latest<T>(mut rows: Vec<T>) -> Vec<T> {
    let extra = rows.len().saturating_sub(ROWS_MAX);
    rows.split_off(extra)
}

#[cfg(test)]
mod tests {
    use payout_domain::state::State;

    use super::*;
    use crate::language::Language;

    #[test]
    fn what_failed_or_was_withdrawn_has_no_fee_and_waits_for_none() {
        let t = Language::English.texts();
        for state in State::ALL {
            let status = Status {
                state: state.name().to_owned(),
                ..Status::default()
            };
            let has_none = matches!(state, State::Failed | State::Cancelled);
            let expected = if has_none {
                "none"
            } else {
                "not stated yet, deducted from the amount"
            };
            assert_eq!(fee(t, &status), expected, "{state:?}");
        }
    }
}
