//! How every answer is opened, and the one way in which that fails: as a doubt (I7).

use payout_domain::{evidence::Doubt, money::Rupiah};
use serde_json::{Value, value::RawValue};

use super::{
    VerifyingKey,
    dialect::{Envelope, Signed, Unsigned},
    redact::{self, Detail},
    sign,
    wire::{Flat, Members, scalar},
};

/// Longest gateway's order number that is accepted.
const REFERENCE_CHARS_MAX: usize = 64;

/// Why an answer proves nothing, in words for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) doubt: Doubt,
    pub(super) words: &'static str,
}

impl Problem {
    pub(super) const fn new(doubt: Doubt, words: &'static str) -> Self {
        Self { doubt, words }
    }

    pub(super) const fn unreadable(words: &'static str) -> Self {
        Self::new(Doubt::Unreadable, words)
    }

    pub(super) const fn foreign(words: &'static str) -> Self {
        Self::new(Doubt::Foreign, words)
    }

    pub(super) const fn unsure(words: &'static str) -> Self {
        Self::new(Doubt::GatewayUnsure, words)
    }
}

/// Whether the gateway says that a request succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    Success,
    Failure,
    NotFound,
    Other,
}

/// Opens the body of an HTTP 200 or 201, and adds to `detail` what people may see of it.
pub(super) fn open(
    body: &[u8],
    envelope: &Envelope,
    keys: &[VerifyingKey],
    detail: &mut Detail,
) -> Result<(Code, Flat), Problem> {
    match envelope {
        Envelope::Signed(signed) => open_signed(body, signed, keys, detail),
        Envelope::Unsigned(unsigned) => {
            let fields = open_unsigned(body, unsigned, detail)?;
            Ok((Code::Success, fields))
        }
    }
}

/// Opens an object that one of the platform's keys signed (protocol P7).
///
/// There is one signed text, of all scalars at the top. What is nested is not in it, so it is never read.
pub(super) fn open_signed(
    body: &[u8],
    signed: &Signed,
    keys: &[VerifyingKey],
    detail: &mut Detail,
) -> Result<(Code, Flat), Problem> {
    let flat = scalars(&members(body)?)?;
    detail.add(&flat);
    let forged = |words| Problem::new(Doubt::BadSignature, words);
    let signature = flat.get(signed.signature);
    let signature = signature.ok_or(forged("the signature is missing"))?;
    let text = sign::signed_text(flat.fields_without(signed.signature));
    if keys.iter().any(|key| sign::verify(key, &text, signature)) {
        let code = flat.get(signed.code);
        let code = match code {
            Some(code) if code.eq_ignore_ascii_case(signed.success) => Code::Success,
            Some(code) if code.eq_ignore_ascii_case(signed.failure) => Code::Failure,
            Some(code)
                if signed
                    .not_found
                    .is_some_and(|word| code.eq_ignore_ascii_case(word)) =>
            {
                Code::NotFound
            }
            _ => Code::Other,
        };
        Ok((code, flat))
    } else {
        Err(forged("the signature does not verify"))
    }
}

/// Takes the fields out of an unsigned envelope, if it reports success.
fn open_unsigned(body: &[u8], rules: &Unsigned, detail: &mut Detail) -> Result<Flat, Problem> {
    let members = members(body)?;
    detail.add(&scalars(&members)?);
    let value = |name| members.raw(name).and_then(|raw| scalar(raw).ok().flatten());
    let is_success = value(rules.success).is_some_and(|success| success == "true");
    if !is_success || value(rules.code).is_some_and(|code| code != rules.code_of_success) {
        return Err(Problem::unsure("the envelope does not report success"));
    }
    let data = members.raw(rules.data).filter(|data| data.get() != "null");
    let mut data = data.ok_or(Problem::unsure("the envelope is empty"))?;
    if rules.is_list {
        let items: Vec<&RawValue> = serde_json::from_str(data.get()).unwrap_or_default();
        let [item] = items.as_slice() else {
            return Err(Problem::unreadable("the data is not a list of one item"));
        };
        data = item;
    }
    let flat = Members::parse_raw(data).and_then(|members| members.scalars());
    let flat = flat.map_err(|_| Problem::unreadable("the data is not one object"))?;
    detail.add(&flat);
    Ok(flat)
}

fn members(body: &[u8]) -> Result<Members<'_>, Problem> {
    Members::parse(body).map_err(|_| NOT_AN_OBJECT)
}

fn scalars(members: &Members<'_>) -> Result<Flat, Problem> {
    members.scalars().map_err(|_| NOT_AN_OBJECT)
}

const NOT_AN_OBJECT: Problem =
    Problem::unreadable("not one JSON object with one value for each name");

/// The answer, or the doubt that a problem leaves, and what people may see of it.
pub(super) fn or_doubt<T>(
    judged: Result<T, Problem>,
    detail: Detail,
    doubt: impl FnOnce(Doubt) -> T,
) -> (T, Value) {
    match judged {
        Ok(answer) => (answer, detail.finish(None)),
        Err(problem) => (doubt(problem.doubt), detail.finish(Some(problem.words))),
    }
}

/// The first of these fields that has a value. An empty text is no value.
pub(super) fn stated<'a>(flat: &'a Flat, names: &[&str]) -> Option<&'a str> {
    let values = names.iter().filter_map(|name| flat.get(name));
    values.into_iter().find(|value| !value.is_empty())
}

/// An exact amount (protocol P2).
pub(super) fn amount(flat: &Flat, names: &[&str]) -> Result<Option<Rupiah>, Problem> {
    let Some(text) = stated(flat, names) else {
        return Ok(None);
    };
    let read = Rupiah::parse_exact(text);
    read.map(Some)
        .ok_or(Problem::unreadable("an amount is not whole rupiah"))
}

/// The fee that the answer to a query states. Whatever it says, the rest of the answer counts: a fee that is no whole
/// rupiah amount is [`Rupiah::MAX`], which no payout costs.
pub(super) fn fee(flat: &Flat, name: &str) -> Option<Rupiah> {
    let text = stated(flat, &[name])?;
    Some(Rupiah::parse_exact(text).unwrap_or(Rupiah::MAX))
}

/// The gateway's own order number. It is stored and compared, so a strange one is refused.
pub(super) fn platform_order_num(flat: &Flat, name: &str) -> Result<Option<String>, Problem> {
    let Some(text) = stated(flat, &[name]) else {
        return Ok(None);
    };
    let plain = text.len() <= REFERENCE_CHARS_MAX && text.bytes().all(|b| b.is_ascii_graphic());
    if plain {
        Ok(Some(text.to_owned()))
    } else {
        Err(Problem::unreadable(
            "the gateway's order number is malformed",
        ))
    }
}

/// The gateway's message, without account numbers.
pub(super) fn message(flat: &Flat, names: &[&str]) -> Option<String> {
    stated(flat, names).map(redact::words)
}

/// Refuses an answer in which this field has another value than ours; it may be absent (protocol trap 11).
pub(super) fn echo_if_any(
    flat: &Flat,
    name: &str,
    ours: &str,
    words: &'static str,
) -> Result<(), Problem> {
    if stated(flat, &[name]).is_none_or(|theirs| theirs == ours) {
        Ok(())
    } else {
        Err(Problem::foreign(words))
    }
}

/// Refuses an answer that does not name our order (protocol trap 11).
pub(super) fn echo_order_num(flat: &Flat, name: &str, ours: &str) -> Result<(), Problem> {
    if stated(flat, &[name]) == Some(ours) {
        Ok(())
    } else {
        Err(Problem::foreign("the answer is about another order"))
    }
}

#[cfg(test)]
mod tests;
