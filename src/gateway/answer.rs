//! How every answer is opened, and the one way in which it fails: as a doubt (I7).

use rsa::PublicKey;

use super::{
    redact::Detail,
    sign,
    wire::{Flat, Members},
};
use crate::domain::{evidence::Doubt, money::Rupiah};

/// Longest gateway number that is taken.
const REFERENCE_CHARS_MAX: usize = 64;

/// Why an answer proves nothing, with words for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) doubt: Doubt,
    pub(super) words: &'static str,
}

impl Problem {
    pub(super) const fn unreadable(words: &'static str) -> Self {
        Self {
            doubt: Doubt::Unreadable,
            words,
        }
    }

    pub(super) const fn foreign(words: &'static str) -> Self {
        Self {
            doubt: Doubt::Foreign,
            words,
        }
    }

    pub(super) const fn unsure(words: &'static str) -> Self {
        Self {
            doubt: Doubt::GatewayUnsure,
            words,
        }
    }
}

/// The members of a body, still raw.
pub(super) fn members(body: &[u8]) -> Result<Members<'_>, Problem> {
    Members::parse(body).map_err(|_| Problem::unreadable("not one JSON object of unique names"))
}

/// A flat body, noted in `detail`; nobody has vouched for it yet.
pub(super) fn flat(body: &[u8], detail: &mut Detail) -> Result<Flat, Problem> {
    let flat = members(body)?
        .flat()
        .map_err(|_| Problem::unreadable("a nested value"))?;
    detail.add(&flat);
    Ok(flat)
}

/// Whether one of the platform's keys signed all other fields (protocol P7).
pub(super) fn verify(flat: &Flat, keys: &[PublicKey]) -> Result<(), Problem> {
    let problem = |words| Problem {
        doubt: Doubt::BadSignature,
        words,
    };
    let signature = flat.get("platSign").ok_or(problem("platSign is missing"))?;
    let text = sign::signed_text(flat.fields_without("platSign"));
    if keys.iter().any(|key| sign::verify(key, &text, signature)) {
        Ok(())
    } else {
        Err(problem("platSign does not verify"))
    }
}

/// A field that says something. An empty one says nothing.
pub(super) fn stated<'a>(flat: &'a Flat, name: &str) -> Option<&'a str> {
    flat.get(name).filter(|value| !value.is_empty())
}

/// An exact amount (protocol P2).
pub(super) fn amount(flat: &Flat, name: &str) -> Result<Option<Rupiah>, Problem> {
    let Some(text) = stated(flat, name) else {
        return Ok(None);
    };
    let read = Rupiah::parse_exact(text);
    read.map(Some)
        .ok_or(Problem::unreadable("an amount is not whole rupiah"))
}

/// The gateway's own number of the order. It is stored and compared, so only what is plainly one is taken.
pub(super) fn platform_order_num(flat: &Flat) -> Result<Option<String>, Problem> {
    let Some(text) = stated(flat, "platOrderNum") else {
        return Ok(None);
    };
    let plain = text.len() <= REFERENCE_CHARS_MAX && text.bytes().all(|b| b.is_ascii_graphic());
    if plain {
        Ok(Some(text.to_owned()))
    } else {
        Err(Problem::unreadable("platOrderNum is malformed"))
    }
}

/// An echo that may be absent, but not another one (protocol trap 11).
pub(super) fn echo_if_any(
    flat: &Flat,
    name: &str,
    ours: &str,
    words: &'static str,
) -> Result<(), Problem> {
    if stated(flat, name).is_none_or(|theirs| theirs == ours) {
        Ok(())
    } else {
        Err(Problem::foreign(words))
    }
}

/// An echo without which an answer is about nobody knows what (protocol trap 11).
pub(super) fn echo(
    flat: &Flat,
    name: &str,
    ours: &str,
    words: &'static str,
) -> Result<(), Problem> {
    if stated(flat, name) == Some(ours) {
        Ok(())
    } else {
        Err(Problem::foreign(words))
    }
}

#[cfg(test)]
mod tests;
