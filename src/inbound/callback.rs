//! The gateway's notifications (protocol P19 to P21): `SUCCESS` only after the evidence is committed.

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
        payout::PayoutKey,
    },
    gateway::{CallbackVerdict, Client, read_callback_order},
    metrics,
    store::{Store, callbacks, record::Outcome},
    worker::{Lane, recorder::Recorder},
};

/// A callback has twelve short fields.
const BODY_BYTES_MAX: usize = 8 * 1024;
/// Signatures checked at once: strangers must not be able to keep every core busy.
const CHECKS_MAX: usize = 2;
/// The gateway waits this long for our answer; it calls again when we have none.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);

/// What the callback side works with.
pub struct Callbacks {
    /// Where evidence goes.
    pub recorder: Recorder,
    /// For the look whether we know the order.
    pub store: Store,
    /// The merchants whose keys may have signed.
    pub lanes: Vec<Arc<Lane>>,
}

struct Desk {
    callbacks: Callbacks,
    checks: Semaphore,
}

/// `POST /callback` and `POST /callback/{merchant_code}`, and nothing else.
pub fn routes(callbacks: Callbacks) -> Router {
    let desk = Arc::new(Desk {
        callbacks,
        checks: Semaphore::new(CHECKS_MAX),
    });
    Router::new()
        .route("/callback", post(any_merchant))
        .route("/callback/{merchant_code}", post(one_merchant))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(desk)
}

type Answer = (StatusCode, &'static str);

async fn any_merchant(
    State(desk): State<Arc<Desk>>,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    answer(&desk, None, body).await
}

async fn one_merchant(
    State(desk): State<Arc<Desk>>,
    Path(merchant_code): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    answer(&desk, Some(merchant_code), body).await
}

async fn answer(
    desk: &Desk,
    merchant: Option<String>,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let (merchant, result) = match body {
        Err(_) => (None, Verdict::TooLarge),
        Ok(body) => match timeout(ANSWER_WITHIN, desk.take(merchant.as_deref(), body)).await {
            Ok(taken) => taken,
            Err(_) => (None, Verdict::Unavailable),
        },
    };
    metrics::callback(merchant.as_deref().unwrap_or("unknown"), result.name());
    result.answer()
}

/// What became of a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Stored,
    BadSignature,
    Malformed,
    UnknownOrder,
    TooLarge,
    Unavailable,
}

impl Verdict {
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

    /// Anything but the plain body `SUCCESS` makes the gateway call again (protocol P19).
    const fn answer(self) -> Answer {
        match self {
            Self::Stored => (StatusCode::OK, "SUCCESS"),
            Self::BadSignature => (StatusCode::BAD_REQUEST, "the signature does not verify"),
            Self::Malformed => (StatusCode::BAD_REQUEST, "not a callback form"),
            Self::UnknownOrder => (StatusCode::NOT_FOUND, "no such order"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too large"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "not stored, call again"),
        }
    }
}

impl Desk {
    /// Cheap checks first: shape, then whether the order is known, and the signature last.
    async fn take(&self, merchant: Option<&str>, body: Bytes) -> (Option<String>, Verdict) {
        let Some(order_num) = read_callback_order(&body) else {
            return (None, Verdict::Malformed);
        };
        let known =
            match callbacks::merchants_of_order(&self.callbacks.store.results, &order_num).await {
                Ok(known) => known,
                Err(error) => {
                    tracing::warn!(%error, "a callback cannot be looked up now");
                    return (None, Verdict::Unavailable);
                }
            };
        let named = |lane: &&Arc<Lane>| merchant.is_none_or(|code| code == lane.code());
        let lanes: Vec<&Arc<Lane>> = self.callbacks.lanes.iter().filter(named).collect();
        let of_order = lanes
            .iter()
            .filter(|lane| known.iter().any(|code| code == lane.code()));
        let of_order: Vec<&Arc<Lane>> = of_order.copied().collect();
        if of_order.is_empty() {
            return (None, self.unknown(&lanes, &order_num, body).await);
        }
        let mut verdict = Verdict::BadSignature;
        for lane in of_order {
            match self.check(&lane.client, body.clone()).await {
                CallbackVerdict::Verified(callback) => {
                    let key = PayoutKey {
                        merchant_code: lane.code().to_owned(),
                        order_num,
                    };
                    return (
                        Some(lane.code().to_owned()),
                        self.store(key, callback).await,
                    );
                }
                CallbackVerdict::BadSignature => {}
                CallbackVerdict::Malformed(_) => verdict = Verdict::Malformed,
            }
        }
        tracing::warn!(
            order_num,
            verdict = verdict.name(),
            "a callback changes nothing"
        );
        (None, verdict)
    }

    async fn check(&self, client: &Client, body: Bytes) -> CallbackVerdict {
        // The semaphore is never closed.
        let _turn = self.checks.acquire().await;
        client.verify_callback(body).await
    }

    async fn store(&self, key: PayoutKey, callback: Callback) -> Verdict {
        let status = callback.status();
        let detail = json!({ "status": status.name(), "fee": callback.fee().map(crate::domain::money::Rupiah::idr) });
        let evidence = Evidence {
            key,
            fact: Fact::Callback(callback),
            detail,
        };
        match self
            .callbacks
            .recorder
            .keep_within(evidence, ANSWER_WITHIN)
            .await
        {
            Some(Outcome::Recorded(_) | Outcome::Refused(_)) => Verdict::Stored,
            Some(Outcome::UnknownPayout) => Verdict::UnknownOrder,
            Some(Outcome::Locked) | None => Verdict::Unavailable,
        }
    }

    /// A genuine callback for an order that we do not know is kept for people and called for again (P21).
    async fn unknown(&self, lanes: &[&Arc<Lane>], order_num: &str, body: Bytes) -> Verdict {
        for lane in lanes {
            if let CallbackVerdict::Verified(callback) =
                self.check(&lane.client, body.clone()).await
            {
                let detail = json!({ "status": callback.status().name(), "merchant": lane.code() });
                tracing::error!(
                    order_num,
                    merchant = lane.code(),
                    "a genuine callback for an order that we do not know"
                );
                let pool = &self.callbacks.store.results;
                return match callbacks::keep_unmatched(pool, callback.digest(), order_num, &detail)
                    .await
                {
                    Ok(()) => Verdict::UnknownOrder,
                    Err(_) => Verdict::Unavailable,
                };
            }
        }
        Verdict::BadSignature
    }
}
