//! The merchant's money as the gateway states it (protocol P18).

use rsa::PublicKey;
use serde_json::value::RawValue;

use super::{
    answer::{self, Problem},
    query_answer::open_envelope,
    redact::Detail,
    settings::Dialect,
    wire::{Flat, Members},
};
use crate::domain::money::Rupiah;

/// What the gateway says that the merchant has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatewayBalance {
    /// Free to spend.
    pub balance: Rupiah,
    /// Set aside for open orders, or blocked.
    pub freeze: Rupiah,
    /// Not settled yet.
    pub pending: Rupiah,
    /// Whether a platSign verified.
    pub signed: bool,
}

/// Reads the body of an HTTP 200.
pub(super) fn read(
    body: &[u8],
    dialect: Dialect,
    keys: &[PublicKey],
) -> Result<GatewayBalance, Problem> {
    let mut detail = Detail::default();
    match dialect {
        Dialect::Bdpay => {
            let flat = answer::flat(body, &mut detail)?;
            answer::verify(&flat, keys)?;
            if flat.get("platRespCode") != Some("SUCCESS") {
                return Err(Problem::unsure("platRespCode is not SUCCESS"));
            }
            figures(&flat, "pendMoney", true)
        }
        Dialect::Toppay => {
            let members = answer::members(body)?;
            let data = open_envelope(&members, &mut detail)?;
            figures(&only_account(data)?, "waitingSettleAmount", false)
        }
    }
}

/// The data is a list. Of several accounts nobody can tell which is meant.
fn only_account(data: &RawValue) -> Result<Flat, Problem> {
    let problem = Problem::unreadable("data is not a list of one account");
    let accounts: Vec<&RawValue> = serde_json::from_str(data.get()).map_err(|_| problem)?;
    let [account] = accounts.as_slice() else {
        return Err(problem);
    };
    Members::parse_raw(account)
        .and_then(|members| members.flat())
        .map_err(|_| problem)
}

fn figures(flat: &Flat, pending: &str, signed: bool) -> Result<GatewayBalance, Problem> {
    let needed = |name| {
        answer::amount(flat, name)?.ok_or(Problem::unreadable("balance or freeze is missing"))
    };
    Ok(GatewayBalance {
        balance: needed("balance")?,
        freeze: needed("freeze")?,
        pending: answer::amount(flat, pending)?.unwrap_or(Rupiah::ZERO),
        signed,
    })
}
