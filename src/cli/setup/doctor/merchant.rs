//! A merchant: its callback address, its keys, and its gateway's answer.

use std::time::Duration;

use super::{Check, Subject, callback};
use crate::{config::Merchant, service::keyring};

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
        Err(doubt) => Subject(&gateway).fail(
            format!("no usable answer: {}", doubt.name()),
            "check base_url, the network, and that each side has the other's public key",
        ),
    });
    checks
}
