//! The client of one merchant at one gateway.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use rsa::PublicKey;
use serde_json::Value;

use super::{
    answer::Problem,
    balance_answer::{self, GatewayBalance},
    callback_form::{self, CallbackVerdict},
    keys::{self, KeyError},
    query_answer,
    redact::Detail,
    request::{self, SealError},
    settings::{Addresses, Dialect, Settings, SettingsError},
    sign, submit_answer,
    transport::{Failure, Sent, Transport},
};
use crate::{
    domain::{
        evidence::{Doubt, QueryAnswer, SubmitAnswer},
        payout::Instruction,
    },
    permit::{SealedRequest, Submission, SubmitPermit},
};

/// What a question brought, and what people may see of it.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryReply {
    /// What it means.
    pub answer: QueryAnswer,
    /// The redacted answer.
    pub detail: Value,
}

/// Speaks for one merchant. Share it in an `Arc`.
pub struct Client {
    settings: Arc<Settings>,
    addresses: Addresses,
    transport: Transport,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("merchant_code", &self.settings.merchant_code)
            .field("base_url", &self.settings.base_url)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Checks the settings and sets the HTTP clients up; calls nobody.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let addresses = settings.check()?;
        Ok(Self {
            transport: Transport::new(&addresses.submit, settings.timeout)?,
            addresses,
            settings: Arc::new(settings),
        })
    }

    /// The merchant that it speaks for.
    pub fn merchant_code(&self) -> &str {
        &self.settings.merchant_code
    }

    /// Where the gateway is.
    pub fn base_url(&self) -> &str {
        &self.settings.base_url
    }

    /// The spelling that is spoken.
    pub fn dialect(&self) -> Dialect {
        self.settings.dialect
    }

    /// The fingerprints of the platform's keys, sorted. Merchants that share one can be sent each
    /// other's callbacks (protocol P21).
    pub fn platform_fingerprints(&self) -> Vec<String> {
        let keys = self.settings.platform_public_keys.iter();
        let mut fingerprints: Vec<String> = keys.map(keys::fingerprint).collect();
        fingerprints.sort_unstable();
        fingerprints
    }

    /// Whether [`Client::balance`] is vouched for by a signature (protocol P18).
    pub fn balance_is_signed(&self) -> bool {
        self.settings.dialect == Dialect::Bdpay
    }

    /// Signs something with our key and verifies it: a damaged key shows at the start, not at a payout.
    pub fn self_check(&self) -> Result<(), KeyError> {
        let key = &self.settings.private_key;
        let text = "self check ".repeat(100);
        let signature = sign::sign(key, &text).map_err(|_| KeyError::Inconsistent)?;
        if sign::verify(key.as_public_key(), &text, &signature) {
            Ok(())
        } else {
            Err(KeyError::Inconsistent)
        }
    }

    /// Writes and signs the request of one payout (protocol P10). Blocking CPU: call it in `spawn_blocking`.
    pub fn seal(
        &self,
        instruction: &Instruction,
        now: DateTime<Utc>,
    ) -> Result<SealedRequest, SealError> {
        request::submit(&self.settings, instruction, now)
    }

    /// Sends what the permit allows, at most once; nothing below can repeat it (I8).
    ///
    /// A dropped future leaves the payout in doubt, like any lost answer.
    pub async fn submit(&self, permit: SubmitPermit) -> Submission {
        if permit.key().merchant_code != self.settings.merchant_code {
            return Submission::NotSent {
                reason: "the payout belongs to another merchant".into(),
            };
        }
        let body = permit.request().body.clone();
        match self.transport.send_once(body, permit.send_by()).await {
            Sent::Never(reason) => Submission::NotSent { reason },
            Sent::Maybe(Ok(body)) => {
                let (answer, detail) =
                    submit_answer::read(&body, permit.instruction(), self.platform_keys());
                Submission::Sent { answer, detail }
            }
            Sent::Maybe(Err(failure)) => Submission::Sent {
                answer: SubmitAnswer::Doubt(failure.problem.doubt),
                detail: detail_of(&failure),
            },
        }
    }

    /// Asks how far an order is (protocol P14 to P17).
    pub async fn query(&self, order_num: &str) -> QueryReply {
        let asked = order_num.to_owned();
        let signed = self.signed(move |settings| request::query(settings, &asked, Utc::now()));
        let answered = match signed.await {
            Ok(body) => self.transport.ask(self.addresses.query.clone(), body).await,
            Err(failure) => Err(failure),
        };
        match answered {
            Ok(body) => {
                let (answer, detail) =
                    query_answer::read(&body, self.dialect(), order_num, self.platform_keys());
                QueryReply { answer, detail }
            }
            Err(failure) => QueryReply {
                answer: QueryAnswer::Doubt(failure.problem.doubt),
                detail: detail_of(&failure),
            },
        }
    }

    /// Asks how much money there is (protocol P18).
    pub async fn balance(&self) -> Result<GatewayBalance, Doubt> {
        let doubt = |failure: Failure| failure.problem.doubt;
        let signed = self.signed(|settings| request::balance(settings, Utc::now()));
        let body = signed.await.map_err(doubt)?;
        let url = self.addresses.balance.clone();
        let answer = self.transport.ask(url, body).await.map_err(doubt)?;
        balance_answer::read(&answer, self.dialect(), self.platform_keys())
            .map_err(|problem| problem.doubt)
    }

    /// Reads and verifies a notification (protocol P19 to P21).
    pub async fn verify_callback(&self, body: Bytes) -> CallbackVerdict {
        let settings = Arc::clone(&self.settings);
        let verify = move || callback_form::verify(&body, &settings.platform_public_keys);
        tokio::task::spawn_blocking(verify)
            .await
            .unwrap_or(CallbackVerdict::Malformed("it was not checked to the end"))
    }

    fn platform_keys(&self) -> &[PublicKey] {
        &self.settings.platform_public_keys
    }

    /// Signs a question beside the runtime: RSA takes milliseconds.
    async fn signed(
        &self,
        make: impl FnOnce(&Settings) -> Result<Bytes, SealError> + Send + 'static,
    ) -> Result<Bytes, Failure> {
        let settings = Arc::clone(&self.settings);
        let signed = tokio::task::spawn_blocking(move || make(&settings)).await;
        signed.ok().and_then(Result::ok).ok_or(Failure {
            problem: Problem {
                doubt: Doubt::Unreachable,
                words: "the question could not be signed",
            },
            http_status: None,
        })
    }
}

fn detail_of(failure: &Failure) -> Value {
    let detail = failure.http_status.map(Detail::of_status);
    detail
        .unwrap_or_default()
        .finish(Some(failure.problem.words))
}

#[cfg(test)]
mod tests;
