//! The client of one merchant at one gateway.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use payout_domain::{
    evidence::{Doubt, QueryAnswer, SubmitAnswer},
    payout::Instruction,
};
use payout_permit::{SealedRequest, Submission, SubmitPermit};
use serde_json::Value;

use super::{
    VerifyingKey,
    answer::Problem,
    balance_answer::{self, GatewayBalance},
    block::fingerprints,
    callback_form::{self, CallbackVerdict},
    dialect::Dialect,
    keys::KeyError,
    query_answer,
    redact::Detail,
    request::{self, SealError},
    settings::{Addresses, Settings, SettingsError},
    sign, submit_answer,
    transport::{NoAnswer, Sent, Transport},
};

/// The answer to a query, and what people may see of it.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryReply {
    /// What it means.
    pub answer: QueryAnswer,
    /// The redacted answer.
    pub detail: Value,
}

/// Why the gateway's balance is unknown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} ({words})", .doubt.name())]
pub struct NoBalance {
    /// The kind of reason.
    pub doubt: Doubt,
    /// The reason, without an address or personal data.
    pub words: String,
}

impl NoBalance {
    fn of(no_answer: &NoAnswer) -> Self {
        let Problem { doubt, words } = no_answer.problem;
        let words = match no_answer.http_status {
            Some(status) => format!("{words}, but HTTP {status}"),
            None => words.to_owned(),
        };
        Self { doubt, words }
    }
}

/// Sends one merchant's requests. Share it in an `Arc`.
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

/// How much of a request is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedLength {
    /// Bytes of the signed text.
    pub bytes: usize,
    /// RSA blocks that hold it.
    pub blocks: usize,
    /// Bytes of text that one block holds.
    pub block_bytes: usize,
}

impl Client {
    /// Checks the settings and sets up the HTTP clients; connects to nobody yet.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let addresses = settings.check()?;
        Ok(Self {
            transport: Transport::new(&addresses.submit, &settings.extra_roots, settings.timeout)?,
            addresses,
            settings: Arc::new(settings),
        })
    }

    /// The merchant whose payouts it sends.
    pub fn merchant_code(&self) -> &str {
        &self.settings.merchant_code
    }

    /// The gateway's URL.
    pub fn base_url(&self) -> &str {
        &self.settings.base_url
    }

    /// The gateway's spelling of the protocol, and so what its answers are worth.
    pub fn dialect(&self) -> Dialect {
        self.settings.dialect
    }

    /// The fingerprints of the platform's keys, sorted. Merchants that share one can be sent each
    /// other's callbacks (protocol P21).
    pub fn platform_fingerprints(&self) -> Vec<String> {
        fingerprints(self.platform_keys())
    }

    /// Signs a text with our key and verifies it, so that a damaged key shows at the start and not at a payout.
    pub fn self_check(&self) -> Result<(), KeyError> {
        sign::check(&self.settings.private_key)
    }

    /// Writes and signs the request of one payout (protocol P10). Blocking CPU: call it in `spawn_blocking`.
    pub fn seal(
        &self,
        instruction: &Instruction,
        now: DateTime<Utc>,
    ) -> Result<SealedRequest, SealError> {
        request::submit(&self.settings, instruction, now)
    }

    /// How much of this submit is signed, and in how many blocks: each costs one operation with the private key.
    pub fn signed_length(
        &self,
        instruction: &Instruction,
        now: DateTime<Utc>,
    ) -> Result<SignedLength, SealError> {
        let bytes = request::signed_bytes(&self.settings, instruction, now)?;
        let block_bytes = sign::text_bytes_per_block(&self.settings.private_key);
        Ok(SignedLength {
            bytes,
            blocks: bytes.div_ceil(block_bytes),
            block_bytes,
        })
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
                let (answer, detail) = submit_answer::read(
                    &body,
                    self.dialect(),
                    permit.instruction(),
                    self.platform_keys(),
                );
                Submission::Sent { answer, detail }
            }
            Sent::Maybe(Err(no_answer)) => Submission::Sent {
                answer: SubmitAnswer::Doubt(no_answer.problem.doubt),
                detail: detail_of(&no_answer),
            },
        }
    }

    /// Queries the status of an order (protocol P14 to P17).
    pub async fn query(&self, order_num: &str) -> QueryReply {
        let queried = order_num.to_owned();
        let signed = self.signed(move |settings| request::query(settings, &queried, Utc::now()));
        let url = self.addresses.query.clone();
        let answered = match signed.await {
            Ok(body) => self.transport.query(url, body).await,
            Err(no_answer) => Err(no_answer),
        };
        match answered {
            Ok(body) => {
                let (answer, detail) =
                    query_answer::read(&body, self.dialect(), order_num, self.platform_keys());
                QueryReply { answer, detail }
            }
            Err(no_answer) => QueryReply {
                answer: QueryAnswer::Doubt(no_answer.problem.doubt),
                detail: detail_of(&no_answer),
            },
        }
    }

    /// Queries the merchant's balance (protocol P18).
    pub async fn balance(&self) -> Result<GatewayBalance, NoBalance> {
        let none = |no_answer: NoAnswer| NoBalance::of(&no_answer);
        let signed = self.signed(|settings| request::balance(settings, Utc::now()));
        let body = signed.await.map_err(none)?;
        let url = self.addresses.balance.clone();
        let answer = self.transport.query(url, body).await.map_err(none)?;
        balance_answer::read(&answer, self.dialect(), self.platform_keys()).map_err(|problem| {
            NoBalance::of(&NoAnswer {
                problem,
                http_status: None,
            })
        })
    }

    /// Reads and verifies a callback (protocol P19 to P21).
    pub async fn verify_callback(&self, body: Bytes) -> CallbackVerdict {
        let settings = Arc::clone(&self.settings);
        let verify = move || callback_form::verify(&body, &settings.platform_public_keys);
        tokio::task::spawn_blocking(verify)
            .await
            .unwrap_or(CallbackVerdict::Malformed("the check was cut short"))
    }

    fn platform_keys(&self) -> &[VerifyingKey] {
        &self.settings.platform_public_keys
    }

    /// Signs on a thread of its own: RSA takes milliseconds.
    async fn signed(
        &self,
        make: impl FnOnce(&Settings) -> Result<Bytes, SealError> + Send + 'static,
    ) -> Result<Bytes, NoAnswer> {
        let settings = Arc::clone(&self.settings);
        let signed = tokio::task::spawn_blocking(move || make(&settings)).await;
        signed.ok().and_then(Result::ok).ok_or(NoAnswer {
            problem: Problem::new(Doubt::Unreachable, "the query could not be signed"),
            http_status: None,
        })
    }
}

fn detail_of(no_answer: &NoAnswer) -> Value {
    let detail = no_answer.http_status.map(Detail::of_status);
    detail
        .unwrap_or_default()
        .finish(Some(no_answer.problem.words))
}

#[cfg(test)]
mod tests;
