//! The gateway's callbacks (protocol P19 to P21): `SUCCESS` only after the evidence is committed.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State, rejection::BytesRejection},
    http::StatusCode,
    routing::post,
};
use serde_json::json;
use tokio::{sync::Semaphore, time::timeout};

use crate::{
    domain::{
        callback::Callback,
        evidence::{Evidence, Fact},
        money::Rupiah,
        payout::PayoutKey,
    },
    gateway::{CallbackVerdict, Client, read_callback_order},
    metrics,
    store::{Store, callbacks, record::Outcome},
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
    /// Cheap checks first: the shape, then whether the order is known, and the signature last.
    async fn take(&self, merchant: Option<&str>, body: Bytes) -> (Option<String>, Receipt) {
        // It may be for the original of the copy that this worker reaches.
        if !self.callbacks.store.reach.is_open() {
            return (None, Receipt::Unavailable);
        }
        let Some(order_num) = read_callback_order(&body) else {
            return (None, Receipt::Malformed);
        };
        let pool = &self.callbacks.store.results;
        let owners = match callbacks::merchants_of_order(pool, &order_num).await {
            Ok(owners) => owners,
            Err(error) => {
                tracing::warn!(%error, order_num, "callback not stored: the database could not be read");
                return (None, Receipt::Unavailable);
            }
        };
        let lanes = self.callbacks.lanes.iter();
        let lanes = lanes.filter(|lane| merchant.is_none_or(|code| code == lane.code()));
        let (lanes, elsewhere): (Vec<_>, Vec<_>) = lanes.partition(|lane| lane.is_registered());
        let is_ours = |lane: &&Arc<Lane>| owners.iter().any(|code| code == lane.code());
        if elsewhere.iter().any(is_ours) {
            // Another gateway signed it than the registered one, or a worker with the right key takes it.
            return (None, Receipt::Unavailable);
        }
        let (ours, others): (Vec<_>, Vec<_>) = lanes.into_iter().partition(is_ours);
        if ours.is_empty() {
            return (None, self.unknown(&others, &order_num, body).await);
        }
        let mut receipt = Receipt::BadSignature;
        for lane in ours {
            match self.check(&lane.client, body.clone()).await {
                CallbackVerdict::Verified(callback) => {
                    let merchant_code = lane.code().to_owned();
                    let key = PayoutKey {
                        merchant_code: merchant_code.clone(),
                        order_num,
                    };
                    return (Some(merchant_code), self.store(key, callback).await);
                }
                CallbackVerdict::BadSignature => {}
                CallbackVerdict::Malformed(_) => receipt = Receipt::Malformed,
            }
        }
        let reason = receipt.name();
        tracing::warn!(
            order_num,
            reason,
            "callback for {order_num} rejected: {reason}"
        );
        (None, receipt)
    }

    async fn check(&self, client: &Client, body: Bytes) -> CallbackVerdict {
        // The semaphore is never closed.
        let _turn = self.checks.acquire().await;
        client.verify_callback(body).await
    }

    async fn store(&self, key: PayoutKey, callback: Callback) -> Receipt {
        let status = callback.status();
        let detail = json!({ "status": status.name(), "fee": callback.fee().map(Rupiah::idr) });
        let evidence = Evidence {
            key,
            fact: Fact::Callback(callback),
            detail,
        };
        match self
            .callbacks
            .recorder
            .keep_callback(evidence, ANSWER_WITHIN)
            .await
        {
            Some(Outcome::Recorded(_) | Outcome::Refused(_)) => Receipt::Stored,
            Some(Outcome::UnknownPayout) => Receipt::UnknownOrder,
            Some(Outcome::Locked(_)) | None => Receipt::Unavailable,
        }
    }

    /// A genuine callback for an order that is not ours is kept for people, and the gateway sends it again (protocol P21).
    async fn unknown(&self, lanes: &[&Arc<Lane>], order_num: &str, body: Bytes) -> Receipt {
        for lane in lanes {
            let verdict = self.check(&lane.client, body.clone()).await;
            let CallbackVerdict::Verified(callback) = verdict else {
                continue;
            };
            let merchant = lane.code();
            tracing::error!(
                order_num,
                merchant,
                "genuine callback for an unknown order: {order_num} of merchant {merchant}"
            );
            let detail = json!({ "status": callback.status().name(), "merchant": merchant });
            let pool = &self.callbacks.store.results;
            let kept = callbacks::keep_unmatched(pool, callback.digest(), order_num, &detail).await;
            return kept.map_or(Receipt::Unavailable, |()| Receipt::UnknownOrder);
        }
        Receipt::BadSignature
    }
}
