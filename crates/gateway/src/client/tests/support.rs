//! A sandbox, the client that speaks to it, and payouts to send.

use std::{sync::LazyLock, time::Duration};

use chrono::Utc;
use payout_domain::{
    evidence::{Doubt, SubmitAnswer},
    money::{FeeType, Rupiah},
    payout::{Instruction, PayoutKey, Private},
};
use payout_permit::{SendBy, Submission, SubmitPermit};
use payout_sandbox::{Pace, Sandbox};
use rsa::PrivateKey;

use crate::{Client, Dialect, Settings, SigningKey, VerifyingKey, keys};

pub(crate) const MERCHANT: &str = "S2020198627344";

pub(crate) static MERCHANT_KEY: LazyLock<PrivateKey> =
    LazyLock::new(|| keys::generate(1024).expect("a key"));
pub(crate) static PLATFORM_KEY: LazyLock<PrivateKey> =
    LazyLock::new(|| keys::generate(1024).expect("a key"));

/// Longer than any answer takes that comes at all; tests that wait for nothing wait this long.
pub(crate) const TIMEOUT: Duration = Duration::from_millis(1500);

pub(crate) fn settings(base_url: &str, dialect: Dialect) -> Settings {
    Settings {
        merchant_code: MERCHANT.into(),
        dialect,
        base_url: base_url.into(),
        notify_url: None,
        private_key: SigningKey::new(MERCHANT_KEY.clone()).expect("a key"),
        platform_public_keys: [&MERCHANT_KEY, &PLATFORM_KEY]
            .map(|key| VerifyingKey::new(key.to_public_key()).expect("a key"))
            .to_vec(),
        submit_path: "/gateway/cash".into(),
        query_path: "/gateway/query".into(),
        extra_roots: Vec::new(),
        balance_path: "/gateway/interface/getBalance".into(),
        timeout: TIMEOUT,
    }
}

pub(crate) fn client(base_url: &str) -> Client {
    Client::new(settings(base_url, Dialect::BDPAY)).expect("a client")
}

pub(crate) fn instruction(order_num: &str) -> Instruction {
    Instruction {
        key: PayoutKey {
            merchant_code: MERCHANT.into(),
            order_num: order_num.into(),
        },
        amount: Rupiah::new(10_000),
        fee_type: FeeType::OutOfAmount,
        bank_code: "014".into(),
        account_number: Private::new("0012345678"),
        account_name: Private::new("Siti Rahayu"),
        description: None,
    }
}

/// A permit that may be used for `window`.
pub(crate) fn permit(client: &Client, order_num: &str, window: Duration) -> SubmitPermit {
    let instruction = instruction(order_num);
    let request = client.seal(&instruction, Utc::now()).expect("a request");
    SubmitPermit::of_committed_claim(instruction, 1, request, SendBy::after(window))
}

/// Sends one payout with time enough.
pub(crate) async fn submit(client: &Client, order_num: &str) -> Submission {
    let permit = permit(client, order_num, Duration::from_mins(1));
    client.submit(permit).await
}

/// The doubt of a submission that must have left one.
pub(crate) fn doubt(submission: &Submission) -> Doubt {
    let Submission::Sent { answer, .. } = submission else {
        panic!("nothing was sent: {submission:?}");
    };
    let SubmitAnswer::Doubt(doubt) = answer else {
        panic!("no doubt: {answer:?}");
    };
    *doubt
}

/// The reason for which nothing was sent.
pub(crate) fn not_sent(submission: Submission) -> String {
    match submission {
        Submission::NotSent { reason } => reason,
        other @ Submission::Sent { .. } => panic!("it may have been sent: {other:?}"),
    }
}

pub(crate) struct Bench {
    pub(crate) sandbox: Sandbox,
    pub(crate) client: Client,
}

impl Bench {
    pub(crate) async fn start(dialect: Dialect) -> Self {
        let settings_of_sandbox = payout_sandbox::Settings {
            dialect: dialect.name().parse().expect("the same words"),
            merchant_code: MERCHANT.into(),
            merchant_public_key: MERCHANT_KEY.to_public_key(),
            platform_private_key: PLATFORM_KEY.clone(),
            balance_idr: 1_000_000,
            fee_idr: 2_500,
            pace: Pace::quick(),
            fail_percent: 0,
            seed: 7,
            strict: true,
        };
        let sandbox = Sandbox::start(settings_of_sandbox, ([127, 0, 0, 1], 0).into())
            .await
            .expect("a sandbox");
        let client = Client::new(settings(&sandbox.url(), dialect)).expect("a client");
        Self { sandbox, client }
    }

    /// How many submits of this order the other side read.
    pub(crate) fn seen(&self, order_num: &str) -> usize {
        let submits = self.sandbox.submits();
        submits
            .iter()
            .filter(|seen| seen.order_num == order_num)
            .count()
    }

    pub(crate) async fn until_status(&self, order_num: &str, status: u8) {
        let reached = |sandbox: &Sandbox| {
            sandbox
                .order(order_num)
                .is_some_and(|order| order.status == status)
        };
        self.sandbox.until(reached).await;
    }
}
