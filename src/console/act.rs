//! What people do: each act calls the SQL function that the command line calls, once for each form.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{
    deed::End,
    failure::{Failure, said},
    form::Form,
    frame::{self, Frame},
    texts::Texts,
    token::Outcome,
    visit::Visit,
    words::fill,
};
use crate::{
    domain::payout::PayoutKey,
    store::{
        act, console,
        failover::{self, Acceptance, Accepted},
        operator::{self, Statement},
    },
};

/// How long each payout is queried before its first claim, after a failover, as on the command line.
const QUERY_FIRST_SECONDS: i64 = 30 * 86_400;

/// An act, with all that a person said about it.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Replay(Vec<PayoutKey>),
    Cancel {
        keys: Vec<PayoutKey>,
        reason: String,
    },
    Resubmit {
        keys: Vec<PayoutKey>,
        reason: String,
    },
    Resolve(Stated),
    Approve(i64),
    Reject {
        id: i64,
        reason: String,
    },
    Pause {
        scope: String,
        value: String,
        reason: String,
        daily: Option<String>,
    },
    Resume {
        scope: String,
        value: String,
        reason: String,
        is_daily: bool,
    },
    Accept {
        reason: String,
        dead_since: DateTime<Utc>,
        set_aside: bool,
    },
}

/// How a payout ended, as a person states it.
#[derive(Clone, Debug)]
pub(super) struct Stated {
    pub(super) key: PayoutKey,
    pub(super) end: End,
    /// What proves it.
    pub(super) evidence: String,
    pub(super) reason: String,
    /// In rupiah: the fee, or how much came back.
    pub(super) amount: Option<i64>,
}

/// Acts once for each token: whoever sends the form again sees what happened the first time.
///
/// Two at a time cannot be: the second waits for the session's connection.
pub(super) async fn once(
    visit: Visit,
    form: &Form,
    purpose: &str,
    act: Act,
) -> Result<(Frame, Outcome, bool), Failure> {
    visit.must_act()?;
    let Visit {
        session,
        mut db,
        frame,
        ..
    } = visit;
    let once = session.forms.find(form.raw("token"), purpose);
    let once = once.ok_or_else(Failure::stale_form)?;
    let (t, is_repeated) = (frame.t(), once.initialized());
    let outcome = once.get_or_init(async || act.perform(&mut db, t).await);
    let outcome = outcome.await.clone();
    Ok((frame, outcome, is_repeated))
}

impl Act {
    async fn perform(self, db: &mut PgConnection, t: &'static Texts) -> Outcome {
        let next = self.next();
        match self.lines(db, t).await {
            Ok(lines) => Outcome {
                is_done: true,
                lines,
                next,
            },
            Err(why) => Outcome {
                is_done: false,
                lines: vec![why],
                next,
            },
        }
    }

    /// Where to look afterwards.
    fn next(&self) -> String {
        let of = |key: &PayoutKey| frame::payout(&key.merchant_code, &key.order_num);
        match self {
            Self::Replay(keys) | Self::Cancel { keys, .. } | Self::Resubmit { keys, .. } => {
                match keys.as_slice() {
                    [key] => of(key),
                    _ => "/payouts".to_owned(),
                }
            }
            Self::Resolve(stated) => of(&stated.key),
            Self::Approve(_) | Self::Reject { .. } => "/approvals".to_owned(),
            Self::Pause { .. } | Self::Resume { .. } | Self::Accept { .. } => "/workers".to_owned(),
        }
    }

    /// What was done, or why nothing was.
    async fn lines(self, db: &mut PgConnection, t: &'static Texts) -> Result<Vec<String>, String> {
        let why = |error: sqlx::Error| refusal(&error, t);
        let one = |text: &str, word: &str| Ok(vec![fill(text, &[word])]);
        match self {
            Self::Replay(keys) => each(db, t, keys, None).await,
            Self::Cancel { keys, reason } => each(db, t, keys, Some(&reason)).await,
            Self::Resubmit { keys, reason } => resubmit(db, t, keys, &reason).await,
            Self::Resolve(stated) => resolve(db, t, &stated).await,
            Self::Approve(id) => {
                operator::approve(db, id).await.map_err(why)?;
                one(t.did_approve, &id.to_string())
            }
            Self::Reject { id, reason } => {
                operator::reject(db, id, &reason).await.map_err(why)?;
                one(t.did_reject, &id.to_string())
            }
            Self::Pause {
                scope,
                value,
                reason,
                daily,
            } => {
                let paused = operator::pause(db, &scope, &value, &reason, daily.as_deref());
                paused.await.map_err(why)?;
                one(t.did_pause, &paused_name(t, &scope, &value))
            }
            Self::Resume {
                scope,
                value,
                reason,
                is_daily,
            } => {
                let resumed = operator::resume(db, &scope, &value, &reason, is_daily);
                resumed.await.map_err(why)?;
                one(t.did_resume, &paused_name(t, &scope, &value))
            }
            Self::Accept {
                reason,
                dead_since,
                set_aside,
            } => {
                let acceptance = Acceptance {
                    reason: &reason,
                    old_primary_dead_since: dead_since,
                    query_first_for: QUERY_FIRST_SECONDS,
                    set_aside,
                };
                match failover::request_acceptance(db, &acceptance)
                    .await
                    .map_err(why)?
                {
                    Accepted::Requested(id) => one(t.did_request, &id.to_string()),
                    Accepted::NotYet(why) => Err(fill(t.not_yet, &[&why])),
                }
            }
        }
    }
}

async fn resolve(
    db: &mut PgConnection,
    t: &'static Texts,
    stated: &Stated,
) -> Result<Vec<String>, String> {
    let key = &stated.key;
    let statement = Statement {
        evidence: &stated.evidence,
        reason: &stated.reason,
        stated: stated.amount,
        // The person typed it: the form is not taken otherwise.
        confirm: &key.order_num,
    };
    let recorded = match stated.end {
        End::Failed => operator::request_resolve_failed(db, key, &statement).await,
        End::Paid | End::Returned | End::Fee | End::Unchanged => {
            operator::resolve(db, key, stated.end.name(), &statement).await
        }
    };
    let id = recorded.map_err(|error| refusal(&error, t))?;
    let rows = operator::requested(db, id).await;
    let is_approved = rows.is_ok_and(|rows| rows.iter().all(|row| row.is_approved));
    let text = if is_approved {
        t.did_record
    } else {
        t.did_request
    };
    Ok(vec![fill(text, &[&id.to_string()])])
}

/// Queries each payout, or cancels it for this reason. If nothing at all was done, says why.
async fn each(
    db: &mut PgConnection,
    t: &'static Texts,
    keys: Vec<PayoutKey>,
    cancel_for: Option<&str>,
) -> Result<Vec<String>, String> {
    let (mut lines, mut is_any_done, mut lost) = (Vec::new(), false, None);
    for key in keys {
        if lost.is_none() && !lines.is_empty() {
            lost = lost_right(db, t).await;
        }
        if let Some(why) = lost {
            lines.push(fill(t.was_refused, &[&key.order_num, why]));
            continue;
        }
        let done = match cancel_for {
            Some(reason) => cancel(db, t, &key, reason).await,
            None => act::replay(db, &key)
                .await
                .map(|()| fill(t.did_replay, &[&key.order_num])),
        };
        match done {
            Ok(line) => {
                is_any_done = true;
                lines.push(line);
            }
            Err(error) => {
                let why = refusal(&error, t);
                lines.push(fill(t.was_refused, &[&key.order_num, &why]));
                // Nothing more can be learned over a connection that is gone.
                if error.as_database_error().is_none() {
                    break;
                }
            }
        }
    }
    if is_any_done {
        Ok(lines)
    } else {
        Err(lines.join(" "))
    }
}

/// Why nothing more is done, if somebody took the login's rights since the act began: the visit checked them before.
async fn lost_right(db: &mut PgConnection, t: &'static Texts) -> Option<&'static str> {
    match console::login(db).await {
        Ok(Some(login)) if login.may_log_in && login.may_act => None,
        Ok(Some(login)) if login.may_log_in => Some(t.no_right),
        Ok(Some(_) | None) => Some(t.login_disabled),
        Err(_) => Some(t.database_away),
    }
}

async fn cancel(
    db: &mut PgConnection,
    t: &'static Texts,
    key: &PayoutKey,
    reason: &str,
) -> Result<String, sqlx::Error> {
    match act::cancel(db, key, reason).await {
        Ok(()) => Ok(fill(t.did_cancel, &[&key.order_num])),
        // Two people must agree.
        Err(error) if code(&error) == "PW031" => {
            let id = operator::request_cancel(db, key, reason).await?;
            Ok(fill(t.did_request, &[&id.to_string()]))
        }
        Err(error) => Err(error),
    }
}

/// One request for each merchant.
async fn resubmit(
    db: &mut PgConnection,
    t: &'static Texts,
    keys: Vec<PayoutKey>,
    reason: &str,
) -> Result<Vec<String>, String> {
    let mut orders: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for key in keys {
        orders
            .entry(key.merchant_code)
            .or_default()
            .push(key.order_num);
    }
    let mut lines = Vec::new();
    for (merchant, orders) in orders {
        if !lines.is_empty()
            && let Some(why) = lost_right(db, t).await
        {
            lines.push(fill(t.was_refused, &[&merchant, why]));
            continue;
        }
        let recorded = operator::request_resubmit(db, &orders, reason, Some(&merchant)).await;
        match recorded {
            Ok(id) => lines.push(fill(t.did_request, &[&id.to_string()])),
            Err(error) if lines.is_empty() => return Err(refusal(&error, t)),
            Err(error) => lines.push(fill(t.was_refused, &[&merchant, &refusal(&error, t)])),
        }
    }
    Ok(lines)
}

/// What is paused, for a sentence.
pub(super) fn paused_name(t: &Texts, scope: &str, value: &str) -> String {
    match scope {
        "merchant" => format!("{} {value}", t.merchant),
        "bank" => format!("{} {value}", t.bank),
        _ => t.everything.to_owned(),
    }
}

fn code(error: &sqlx::Error) -> String {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    code.map_or_else(String::new, std::borrow::Cow::into_owned)
}

/// Why nothing was done; or that nobody knows, where the answer to the statement is missing.
pub(super) fn refusal(error: &sqlx::Error, t: &'static Texts) -> String {
    let code = code(error);
    let is_lost = code.is_empty()
        || code == "57014"
        || ["08", "57P", "40003"]
            .iter()
            .any(|class| code.starts_with(class));
    if is_lost {
        return t.not_sure.to_owned();
    }
    if code.starts_with("PW") {
        return error.as_database_error().map_or_else(String::new, said);
    }
    match code.as_str() {
        "42501" => t.no_right.to_owned(),
        "55P03" | "40P01" | "40001" => t.locked.to_owned(),
        _ => format!("{} ({code})", t.broken),
    }
}
