//! A merchant: its callback address, its keys, and its gateway's answer.

use std::time::Duration;

use chrono::Utc;
use payout_config::Merchant;
use payout_domain::{
    money::{FeeType, Rupiah},
    payout::{Instruction, PayoutKey, Private},
};
use payout_gateway::Client;
use payout_service::keyring;

use super::{Check, Subject, callback};

pub(crate) async fn check(merchant: &Merchant, timeout: Duration) -> Vec<Check> {
    let code = &merchant.code;
    let mut checks = callback::check(code, merchant.notify_url.as_deref()).await;
    let keys = format!("keys of {code}");
    let client = match keyring::client(merchant, timeout) {
        Ok(client) => client,
        Err(unfit) => {
            let repair =
                "check the files that the message names; payout keys generate DIR makes new ones";
            checks.push(Subject(&keys).fail(unfit.to_string(), repair));
            return checks;
        }
    };
    checks.push(match client.self_check() {
        Ok(()) => Subject(&keys).ok("a signature by our private key verifies"),
        Err(error) => Subject(&keys).fail(
            error.to_string(),
            "generate a new pair: payout keys generate DIR",
        ),
    });
    checks.push(signing_cost(
        &Subject(&format!("signing for {code}")),
        &client,
    ));
    let gateway = format!("gateway of {code}");
    checks.push(match client.balance().await {
        Ok(stated) if stated.signed => Subject(&gateway).ok(format!(
            "balance {}, its signature verifies",
            stated.balance
        )),
        Ok(stated) => Subject(&gateway).warn(
            format!("balance {}, unsigned", stated.balance),
            "this dialect does not sign it; the first payout verifies the platform's key",
        ),
        Err(none) => Subject(&gateway).fail(
            format!("no usable answer: {none}"),
            "check base_url, the network, and that each side has the other's public key",
        ),
    });
    checks
}

/// How many blocks a typical submit takes. Each costs one operation with the private key, most of the worker's CPU.
fn signing_cost(subject: &Subject<'_>, client: &Client) -> Check {
    let typical = Instruction {
        key: PayoutKey {
            merchant_code: client.merchant_code().to_owned(),
            order_num: "INV-20261128-0000001".into(),
        },
        amount: Rupiah::new(250_000),
        fee_type: FeeType::OnTop,
        bank_code: "014".into(),
        account_number: Private::new("001234567890"),
        account_name: Private::new("Siti Rahayu Wulandari"),
        description: None,
    };
    match client.signed_length(&typical, Utc::now()) {
        Ok(signed) if signed.blocks == 1 => subject.ok(format!(
            "one block: a typical submit signs {} of {} bytes",
            signed.bytes, signed.block_bytes
        )),
        Ok(signed) => {
            let fit = signed
                .block_bytes
                .saturating_mul(signed.blocks.saturating_sub(1));
            subject.ok(format!(
                "{} blocks: a typical submit signs {} bytes; {} fewer would save a block \
                 (a shorter notify_url or order_num, no description, or a longer key)",
                signed.blocks,
                signed.bytes,
                signed.bytes.saturating_sub(fit),
            ))
        }
        Err(error) => subject.fail(error.to_string(), "check the merchant's configuration"),
    }
}
