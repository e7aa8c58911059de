//! The merchant's money as the gateway states it (protocol P18).

use payout_domain::money::Rupiah;

use super::{
    VerifyingKey,
    answer::{self, Code, Problem},
    dialect::Dialect,
    redact::Detail,
};

/// The merchant's balance as stated by the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatewayBalance {
    /// Free to spend.
    pub balance: Rupiah,
    /// Set aside for open orders, or blocked.
    pub freeze: Rupiah,
    /// Not settled yet.
    pub pending: Rupiah,
    /// Whether the platform's signature verified.
    pub signed: bool,
}

/// Reads the body of an HTTP 200 or 201.
pub(super) fn read(
    body: &[u8],
    dialect: Dialect,
    keys: &[VerifyingKey],
) -> Result<GatewayBalance, Problem> {
    let rules = &dialect.rules().balance;
    let mut detail = Detail::of_answer(&dialect.rules().shown);
    let (code, flat) = answer::open(body, &rules.envelope, keys, &mut detail)?;
    if code != Code::Success {
        return Err(Problem::unsure("the gateway does not report success"));
    }
    let needed = |name| {
        let amount = answer::amount(&flat, &[name])?;
        amount.ok_or(Problem::unreadable("a part of the balance is missing"))
    };
    Ok(GatewayBalance {
        balance: needed(rules.available)?,
        freeze: needed(rules.frozen)?,
        pending: answer::amount(&flat, &[rules.pending])?.unwrap_or(Rupiah::ZERO),
        signed: rules.envelope.is_signed(),
    })
}
