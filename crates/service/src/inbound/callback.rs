//! The gateway's callbacks (protocol P19 to P21): `SUCCESS` only after the evidence is committed.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State, rejection::BytesRejection},
    http::StatusCode,
    routing::post,
};
use payout_domain::{
    callback::Callback,
    evidence::{Evidence, Fact},
    money::Rupiah,
    payout::PayoutKey,
};
use payout_gateway::{CallbackVerdict, Client, read_callback_order};
use payout_store::{Store, callbacks, record::Outcome};
use serde_json::json;
use tokio::{sync::Semaphore, time::timeout};

use crate::{
    metrics,
    worker::{Lane, recorder::Recorder},
};

/// A callback has twelve short fields.
const BODY_BYTES_MAX: usize = 8 * 1024;
/// Signatures checked at a time: strangers must not be able to keep every core busy.
const CHECKS_MAX: usize = 2;
/// Longest time until we answer. Without an answer the gateway sends the callback again.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);

/// What receiving callbacks needs.
pub struct Callbacks {
    /// Writes the evidence.
    pub recorder: Recorder,
    /// Tells whether we know an order.
    pub store: Store,
    /// The merchants whose platform keys may have signed.
    pub lanes: Vec<Arc<Lane>>,
}

/// Receives callbacks, and limits how many signatures are checked at a time.
struct Intake {
    callbacks: Callbacks,
    checks: Semaphore,
}

/// `POST /callback` and `POST /callback/{merchant_code}`, and nothing else.
pub fn routes(callbacks: Callbacks) -> Router {
    let intake = Arc::new(Intake {
        callbacks,
        checks: Semaphore::new(CHECKS_MAX),
    });
    Router::new()
        .route("/callback", post(any_merchant))
        .route("/callback/{merchant_code}", post(one_merchant))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(intake)
}

type Body = Result<Bytes, BytesRejection>;
type Answer = (StatusCode, &'static str);

async fn any_merchant(State(intake): State<Arc<Intake>>, body: Body) -> Answer {
    answer(&intake, None, body).await
}

async fn one_merchant(
    State(intake): State<Arc<Intake>>,
    Path(merchant_code): Path<String>,
    body: Body,
) -> Answer {
    answer(&intake, Some(merchant_code), body).await
}

async fn answer(intake: &Intake, merchant: Option<String>, body: Body) -> Answer {
    let (merchant, receipt) = match body {
        Err(_) => (None, Receipt::TooLarge),
        Ok(body) => timeout(ANSWER_WITHIN, intake.take(merchant.as_deref(), body))
            .await
            .unwrap_or((None, Receipt::Unavailable)),
    };
    metrics::callback(merchant.as_deref().unwrap_or("unknown"), receipt.name());
    receipt.answer()
}

/// What became of a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Receipt {
    Stored,
    BadSignature,
    Malformed,
    UnknownOrder,
    TooLarge,
    Unavailable,
}

impl Receipt {
    const fn name(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::BadSignature => "bad_signature",
            Self::Malformed => "malformed",
            Self::UnknownOrder => "unknown_order",
            Self::TooLarge => "too_large",
            Self::Unavailable => "unavailable",
        }
    }

    /// Anything but the plain body `SUCCESS` makes the gateway send the callback again (protocol P19).
    const fn answer(self) -> Answer {
        match self {
            Self::Stored => (StatusCode::OK, "SUCCESS"),
            Self::BadSignature => (StatusCode::BAD_REQUEST, "the signature does not verify"),
            Self::Malformed => (StatusCode::BAD_REQUEST, "not a callback form"),
            Self::UnknownOrder => (StatusCode::NOT_FOUND, "no such order"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too large"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "not stored, send it again"),
        }
    }
}

impl Intake {
    /// Cheap checks first.
    async fn take(&self, merchant: Option<&str>, body: Bytes) -> (Option<String>, Receipt) {
        // It may be for the original of the copy that this worker reaches.
        if !self.callbacks.store.reach.is_open() {
            return (None, Receipt::Unavailable);
        }
        let Some(order_num) = read_callback_order(&body) else {
            return (None, Receipt::Malformed);
        };
        let lanes = self.callbacks.lanes.iter();
        let lanes: Vec<_> = lanes
            .filter(|lane| merchant.is_none_or(|code| code == lane.code()))
            .collect();
        match lanes.as_slice() {
            [lane] if lane.is_registered() => self.of_one_merchant(lane, order_num, body).await,
            lanes => self.of_several_merchants(lanes, order_num, body).await,
        }
    }

    /// One signature costs less than a query of the database. The order is looked up only if the signature is bad.
    async fn of_one_merchant(
        &self,
        lane: &Lane,
        order_num: String,
        body: Bytes,
    ) -> (Option<String>, Receipt) {
        let receipt = match self.check(&lane.client, body).await {
            CallbackVerdict::Verified(callback) => {
                return self.verified(lane, order_num, callback).await;
            }
            CallbackVerdict::BadSignature => Receipt::BadSignature,
            CallbackVerdict::Malformed(_) => Receipt::Malformed,
        };
        let owners = self.owners(&order_num).await;
        if owners.is_some_and(|owners| owners.iter().any(|code| code == lane.code())) {
            warn_of_rejected(&order_num, receipt);
        }
        (None, receipt)
    }

    /// A known order first: each merchant's key could have signed.
    async fn of_several_merchants(
        &self,
        lanes: &[&Arc<Lane>],
        order_num: String,
        body: Bytes,
    ) -> (Option<String>, Receipt) {
        let Some(owners) = self.owners(&order_num).await else {
            return (None, Receipt::Unavailable);
        };
        let (lanes, elsewhere): (Vec<_>, Vec<_>) =
            lanes.iter().copied().partition(|lane| lane.is_registered());
        let is_ours = |lane: &&Arc<Lane>| owners.iter().any(|code| code == lane.code());
        if elsewhere.iter().any(is_ours) {
            // Another gateway signed it than the registered one, or a worker with the right key takes it.
            return (None, Receipt::Unavailable);
        }
        let (ours, others): (Vec<_>, Vec<_>) = lanes.into_iter().partition(is_ours);
        let is_known = !ours.is_empty();
        let mut receipt = Receipt::BadSignature;
        for lane in if is_known { ours } else { others } {
            match self.check(&lane.client, body.clone()).await {
                CallbackVerdict::Verified(callback) => {
                    return self.verified(lane, order_num, callback).await;
                }
                CallbackVerdict::BadSignature => {}
                CallbackVerdict::Malformed(_) => receipt = Receipt::Malformed,
            }
        }
        if is_known {
            warn_of_rejected(&order_num, receipt);
        }
        (None, receipt)
    }

    /// The merchants that have a payout with this order number, if the database can tell.
    async fn owners(&self, order_num: &str) -> Option<Vec<String>> {
        let pool = &self.callbacks.store.results;
        let owners = callbacks::merchants_of_order(pool, order_num).await;
        owners
            .inspect_err(|error| {
                tracing::warn!(%error, order_num, "callback not stored: the database could not be read");
            })
            .ok()
    }

    async fn check(&self, client: &Client, body: Bytes) -> CallbackVerdict {
        // The semaphore is never closed.
        let _turn = self.checks.acquire().await;
        client.verify_callback(body).await
    }

    /// Stores a genuine callback. One for an order that is not ours is kept for people, and the gateway sends it again
    /// (protocol P21).
    async fn verified(
        &self,
        lane: &Lane,
        order_num: String,
        callback: Callback,
    ) -> (Option<String>, Receipt) {
        let merchant = lane.code();
        let (digest, status) = (callback.digest().to_owned(), callback.status().name());
        let detail = json!({ "status": status, "fee": callback.fee().map(Rupiah::idr) });
        let evidence = Evidence {
            key: PayoutKey {
                merchant_code: merchant.to_owned(),
                order_num: order_num.clone(),
            },
            fact: Fact::Callback(callback),
            detail,
        };
        let recorder = &self.callbacks.recorder;
        match recorder.keep_callback(evidence, ANSWER_WITHIN).await {
            Some(Outcome::Recorded(_) | Outcome::Refused(_)) => {
                (Some(merchant.to_owned()), Receipt::Stored)
            }
            // What only a file has is not stored: the gateway must send it again.
            Some(Outcome::Locked(_) | Outcome::Unstorable(_)) | None => {
                (Some(merchant.to_owned()), Receipt::Unavailable)
            }
            Some(Outcome::UnknownPayout) => {
                tracing::error!(
                    order_num,
                    merchant,
                    "genuine callback for an unknown order: {order_num} of merchant {merchant}"
                );
                let detail = json!({ "status": status, "merchant": merchant });
                let pool = &self.callbacks.store.results;
                let kept = callbacks::keep_unmatched(pool, &digest, &order_num, &detail).await;
                let receipt = kept.map_or(Receipt::Unavailable, |()| Receipt::UnknownOrder);
                (None, receipt)
            }
        }
    }
}

/// Only for an order that we have: strangers could fill the log otherwise.
fn warn_of_rejected(order_num: &str, receipt: Receipt) {
    let reason = receipt.name();
    tracing::warn!(
        order_num,
        reason,
        "callback for {order_num} rejected: {reason}"
    );
}
