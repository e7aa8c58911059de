//! What people do: each act calls the SQL function that the command line calls, once for each form.

mod several;

use chrono::{DateTime, Utc};
use payout_domain::payout::PayoutKey;
use payout_store::{
    act,
    failover::{self, Acceptance, Accepted},
    operator::{self, Statement},
};
use sqlx::PgConnection;

use super::{
    deed::End,
    frame::{self, Frame},
    refusal::{code, refusal},
    texts::Texts,
    token::{Done, NotDone, Once, Outcome, Why},
    visit::Visit,
    words::{self, capital, fill, rupiah},
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
    Fund(Transfer),
}

/// Money that a person books by hand.
#[derive(Clone, Debug)]
pub(super) struct Transfer {
    pub(super) merchant: String,
    /// In rupiah; negative for money taken out.
    pub(super) amount: i64,
    /// The bank's transfer number.
    pub(super) reference: String,
    pub(super) reason: String,
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
pub(super) async fn once(visit: Visit, once: &Once, act: Act) -> (Frame, Outcome, bool) {
    let Visit { mut db, frame, .. } = visit;
    let (t, is_repeated) = (frame.t(), once.initialized());
    let outcome = once.get_or_init(async || act.perform(&mut db, t).await);
    let outcome = outcome.await.clone();
    (frame, outcome, is_repeated)
}

impl Act {
    async fn perform(self, db: &mut PgConnection, t: &'static Texts) -> Outcome {
        let next = self.next();
        let outcome = match self {
            Self::Replay(keys) => several::each(db, t, keys, None).await,
            Self::Cancel { keys, reason } => several::each(db, t, keys, Some(&reason)).await,
            Self::Resubmit { keys, reason } => several::resubmit(db, t, keys, &reason).await,
            Self::Resolve(stated) => Outcome::one(resolve(db, t, &stated).await),
            Self::Fund(transfer) => Outcome::one(fund(db, t, &transfer).await),
            Self::Approve(id) => {
                let line = fill(t.did_approve, &[&id.to_string()]);
                done(operator::approve(db, id).await, t, line)
            }
            Self::Reject { id, reason } => {
                let line = fill(t.did_reject, &[&id.to_string()]);
                done(operator::reject(db, id, &reason).await, t, line)
            }
            Self::Pause {
                scope,
                value,
                reason,
                daily,
            } => {
                let paused = operator::pause(db, &scope, &value, &reason, daily.as_deref()).await;
                done(
                    paused,
                    t,
                    fill(t.did_pause, &[&capital(&paused_name(t, &scope, &value))]),
                )
            }
            Self::Resume {
                scope,
                value,
                reason,
                is_daily,
            } => {
                let resumed = operator::resume(db, &scope, &value, &reason, is_daily).await;
                done(
                    resumed,
                    t,
                    fill(t.did_resume, &[&capital(&paused_name(t, &scope, &value))]),
                )
            }
            Self::Accept {
                reason,
                dead_since,
                set_aside,
            } => Outcome::one(accept(db, t, &reason, dead_since, set_aside).await),
        };
        Outcome { next, ..outcome }
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
            Self::Fund(_) => "/money".to_owned(),
        }
    }
}

/// What one statement did, or why it did nothing.
fn done(result: Result<(), sqlx::Error>, t: &'static Texts, line: String) -> Outcome {
    Outcome::one(result.map(|()| line).map_err(|error| refusal(&error, t)))
}

async fn accept(
    db: &mut PgConnection,
    t: &'static Texts,
    reason: &str,
    dead_since: DateTime<Utc>,
    set_aside: bool,
) -> Result<Done, NotDone> {
    let acceptance = Acceptance {
        reason,
        old_primary_dead_since: dead_since,
        query_first_for: QUERY_FIRST_SECONDS,
        set_aside,
    };
    match failover::request_acceptance(db, &acceptance).await {
        Ok(Accepted::Requested(id)) => Ok(requested(t, id)),
        Ok(Accepted::NotYet(why)) => Err(NotDone {
            said: why,
            ..NotDone::new(Why::Refused, t.not_yet)
        }),
        // About no payout: only the time can be wrong.
        Err(error) if code(&error) == "PW013" => Err(NotDone {
            why: t.dead_since_wrong.to_owned(),
            ..refusal(&error, t)
        }),
        Err(error) => Err(refusal(&error, t)),
    }
}

/// A request that somebody else must approve.
fn requested(t: &Texts, id: i64) -> Done {
    Done::waits(fill(t.did_request, &[&id.to_string()]))
}

async fn resolve(
    db: &mut PgConnection,
    t: &'static Texts,
    stated: &Stated,
) -> Result<Done, NotDone> {
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
    let about = |error: sqlx::Error| refusal(&error, t).about(frame::name(key), &key.order_num);
    let id = recorded.map_err(about)?;
    let rows = operator::requested(db, id).await;
    let is_approved = rows.is_ok_and(|rows| rows.iter().all(|row| row.is_approved));
    Ok(if is_approved {
        fill(t.did_record, &[&id.to_string()]).into()
    } else {
        requested(t, id)
    })
}

/// Books a transfer where one person may, and requests it where two must agree, as `payout fund` does.
async fn fund(
    db: &mut PgConnection,
    t: &'static Texts,
    transfer: &Transfer,
) -> Result<Done, NotDone> {
    let Transfer {
        merchant,
        amount,
        reference,
        reason,
    } = transfer;
    let why = |error: sqlx::Error| refusal(&error, t);
    if let Some(before) = act::funded(db, merchant, reference).await.map_err(why)? {
        let said = words::booked_before(t, reference, &before);
        return Err(NotDone::new(Why::Refused, &said));
    }
    let people = act::people_to_fund(db, merchant).await.map_err(why)?;
    if people > 1 {
        let id = operator::request_fund(db, merchant, *amount, reference, reason);
        return Ok(requested(t, id.await.map_err(why)?));
    }
    let available = act::fund(db, merchant, *amount, reference).await;
    let available = rupiah(available.map_err(why)?);
    Ok(fill(t.did_fund, &[merchant, reference, &available]).into())
}

/// What is paused, for a sentence.
pub(super) fn paused_name(t: &Texts, scope: &str, value: &str) -> String {
    match scope {
        "merchant" => format!("{} {value}", t.merchant),
        "bank" => format!("{} {value}", t.bank),
        _ => t.everything.to_owned(),
    }
}
