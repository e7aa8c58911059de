//! What the answer to a question about an order means (protocol P15 to P17).

use rsa::PublicKey;
use serde_json::Value;

use super::{
    answer::{self, Problem},
    redact::{self, Detail},
    settings::Dialect,
    wire::{Flat, Members, scalar},
};
use crate::domain::evidence::{Found, GatewayStatus, QueryAnswer};

/// The code of an envelope that holds an answer.
const ENVELOPE_OK: &str = "1000";

/// Reads the body of an HTTP 200.
pub(super) fn read(
    body: &[u8],
    dialect: Dialect,
    asked: &str,
    keys: &[PublicKey],
) -> (QueryAnswer, Value) {
    let mut detail = Detail::of_status(200);
    let judged = match dialect {
        Dialect::Bdpay => signed(body, asked, keys, &mut detail),
        Dialect::Toppay => enveloped(body, asked, &mut detail),
    };
    match judged {
        Ok(answer) => (answer, detail.finish(None)),
        Err(problem) => (
            QueryAnswer::Doubt(problem.doubt),
            detail.finish(Some(problem.words)),
        ),
    }
}

fn signed(
    body: &[u8],
    asked: &str,
    keys: &[PublicKey],
    detail: &mut Detail,
) -> Result<QueryAnswer, Problem> {
    let flat = answer::flat(body, detail)?;
    answer::verify(&flat, keys)?;
    match flat.get("platRespCode") {
        Some("SUCCESS") => found(&flat, asked, true),
        Some("NOTEXIST") => {
            answer::echo_if_any(
                &flat,
                "orderNum",
                asked,
                "orderNum is not the one asked for",
            )?;
            Ok(QueryAnswer::NotFound)
        }
        // FAIL too: the question failed, which says nothing about the order (protocol P17).
        _ => Err(Problem::unsure(
            "platRespCode is neither SUCCESS nor NOTEXIST",
        )),
    }
}

fn enveloped(body: &[u8], asked: &str, detail: &mut Detail) -> Result<QueryAnswer, Problem> {
    let members = answer::members(body)?;
    let data = open_envelope(&members, detail)?;
    let flat = Members::parse_raw(data)
        .and_then(|members| members.flat())
        .map_err(|_| Problem::unreadable("data is not one flat object"))?;
    detail.add(&flat);
    found(&flat, asked, false)
}

/// The data of an unsigned envelope. Without it nothing is known: no form of "no such order" is documented.
pub(super) fn open_envelope<'a>(
    members: &Members<'a>,
    detail: &mut Detail,
) -> Result<&'a serde_json::value::RawValue, Problem> {
    detail.add(&members.scalars());
    let says = |name| members.raw(name).and_then(|raw| scalar(raw).ok().flatten());
    let code = says("code");
    if says("success").as_deref() != Some("true") || code.is_some_and(|code| code != ENVELOPE_OK) {
        return Err(Problem::unsure("the envelope reports no success"));
    }
    members
        .raw("data")
        .filter(|data| data.get() != "null")
        .ok_or(Problem::unsure("the envelope is empty"))
}

fn found(flat: &Flat, asked: &str, signed: bool) -> Result<QueryAnswer, Problem> {
    answer::echo(flat, "orderNum", asked, "orderNum is not the one asked for")?;
    let status = answer::stated(flat, "status").ok_or(Problem::unreadable("status is missing"))?;
    let message = answer::stated(flat, "msg").or(answer::stated(flat, "statusMsg"));
    let amount = match answer::amount(flat, "amount")? {
        None => answer::amount(flat, "money")?,
        stated => stated,
    };
    Ok(QueryAnswer::Found(Found {
        platform_order_num: answer::platform_order_num(flat)?,
        amount,
        fee: answer::amount(flat, "fee")?,
        status: GatewayStatus::parse(status),
        message: redact::words(message.unwrap_or_default()),
        signed,
    }))
}
