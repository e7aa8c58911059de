//! A merchant: where it is called back, its keys, and its gateway's answer.

use std::time::Duration;

use super::{Check, callback};
use crate::{config::Merchant, service::keyring};

pub(crate) async fn check(merchant: &Merchant, timeout: Duration) -> Vec<Check> {
    let code = &merchant.code;
    let mut checks = callback::check(code, merchant.notify_url.as_deref()).await;
    let keys = format!("keys of {code}");
    let client = match keyring::client(merchant, timeout) {
        Ok(client) => client,
        Err(unfit) => {
            let repair =
                "the files that the message names; payout keys generate DIR makes new ones";
            checks.push(Check::fail(&keys, unfit.to_string(), repair));
            return checks;
        }
    };
    checks.push(match client.self_check() {
        Ok(()) => Check::ok(&keys, "what our key signs verifies"),
        Err(error) => Check::fail(
            &keys,
            error.to_string(),
            "make a new pair: payout keys generate DIR",
        ),
    });
    let gateway = format!("gateway of {code}");
    checks.push(match client.balance().await {
        Ok(said) if said.signed => Check::ok(
            &gateway,
            format!("balance {}, its signature verifies", said.balance),
        ),
        Ok(said) => Check::warn(
            &gateway,
            format!("balance {}, unsigned", said.balance),
            "this dialect does not sign it; the first payout proves the platform's key",
        ),
        Err(doubt) => Check::fail(
            &gateway,
            format!("no answer that counts: {}", doubt.name()),
            "base_url, the network, and whether the gateway has our public key and we have its own",
        ),
    });
    checks
}
