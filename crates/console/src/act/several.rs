//! Acts on several payouts: each is done or refused for itself, and whoever acted learns which.

use std::collections::BTreeMap;

use payout_domain::payout::PayoutKey;
use payout_store::{act, console, operator};
use sqlx::PgConnection;

use crate::{
    frame,
    refusal::{code, refusal},
    texts::Texts,
    token::{Done, NotDone, Outcome, Why},
    words::fill,
};

/// Queries each payout, or cancels it for this reason.
pub(super) async fn each(
    db: &mut PgConnection,
    t: &'static Texts,
    keys: Vec<PayoutKey>,
    cancel_for: Option<&str>,
) -> Outcome {
    let mut outcome = Outcome::default();
    let mut stopped = None;
    for (number, key) in keys.into_iter().enumerate() {
        let about = |why: NotDone| why.about(frame::name(&key), &key.order_num);
        if number > 0 && stopped.is_none() {
            stopped = lost_right(db, t).await;
        }
        if let Some(why) = stopped.clone() {
            outcome.not_done.push(about(why));
            continue;
        }
        let done = match cancel_for {
            Some(reason) => cancel(db, t, &key, reason).await,
            None => act::replay(db, &key)
                .await
                .map(|()| fill(t.did_replay, &[&key.order_num]).into()),
        };
        match done {
            Ok(line) => {
                outcome.done.push(line);
                outcome.payouts_done = outcome.payouts_done.saturating_add(1);
            }
            Err(error) => {
                outcome.not_done.push(about(refusal(&error, t)));
                // Nothing more can be learned over a connection that is gone.
                if error.as_database_error().is_none() {
                    stopped = Some(NotDone::new(Why::NotTried, t.not_tried));
                }
            }
        }
    }
    outcome
}

/// Why no further payout is tried, if somebody took the login's rights since the act began: the visit checked them before.
async fn lost_right(db: &mut PgConnection, t: &'static Texts) -> Option<NotDone> {
    let refused = |why| Some(NotDone::new(Why::Refused, why));
    match console::login(db).await {
        Ok(Some(login)) if login.may_log_in && login.may_act => None,
        Ok(Some(login)) if login.may_log_in => refused(t.no_right),
        Ok(Some(_) | None) => refused(t.login_disabled),
        Err(_) => Some(NotDone::new(Why::NotTried, t.not_tried)),
    }
}

async fn cancel(
    db: &mut PgConnection,
    t: &'static Texts,
    key: &PayoutKey,
    reason: &str,
) -> Result<Done, sqlx::Error> {
    match act::cancel(db, key, reason).await {
        Ok(()) => Ok(fill(t.did_cancel, &[&key.order_num]).into()),
        // Two people must agree.
        Err(error) if code(&error) == "PW031" => {
            let id = operator::request_cancel(db, key, reason).await?;
            let recorded = fill(t.did_request, &[&id.to_string()]);
            Ok(Done::waits(format!("{}: {recorded}", key.order_num)))
        }
        Err(error) => Err(error),
    }
}

/// One request for each merchant: it is recorded for all of its payouts, or for none.
pub(super) async fn resubmit(
    db: &mut PgConnection,
    t: &'static Texts,
    keys: Vec<PayoutKey>,
    reason: &str,
) -> Outcome {
    let mut orders: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for key in keys {
        orders
            .entry(key.merchant_code)
            .or_default()
            .push(key.order_num);
    }
    let mut outcome = Outcome::default();
    for (number, (merchant, orders)) in orders.into_iter().enumerate() {
        let lost = if number > 0 {
            lost_right(db, t).await
        } else {
            None
        };
        let recorded = match lost {
            Some(why) => Err(why),
            None => operator::request_resubmit(db, &orders, reason, Some(&merchant))
                .await
                .map_err(|error| refusal(&error, t)),
        };
        match recorded {
            Ok(id) => {
                let recorded = fill(t.did_request, &[&id.to_string()]);
                outcome.done.push(Done::waits(recorded));
                outcome.payouts_done = outcome.payouts_done.saturating_add(orders.len());
            }
            Err(why) => {
                outcome.not_done.extend(orders.into_iter().map(|order_num| {
                    let key = PayoutKey {
                        merchant_code: merchant.clone(),
                        order_num,
                    };
                    why.clone().about(frame::name(&key), &key.order_num)
                }));
            }
        }
    }
    outcome
}
