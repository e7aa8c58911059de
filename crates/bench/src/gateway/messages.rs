//! The gateway's messages, signed before the run.

use std::thread;

use anyhow::{Context, Result};
use bytes::Bytes;
use form_urlencoded::Serializer;
use openssl::{pkey::Private, rsa::Rsa};
use serde_json::{Map, Value};

use crate::{
    order::{
        ACCOUNT_NAME, ACCOUNT_NUMBER, AMOUNT_IDR, BANK_CODE, DESCRIPTION, FEE_IDR, fee_type,
        order_num, platform_order_num,
    },
    signature::{Fields, sign, signed_text},
};

/// What the gateway says about one order.
#[derive(Clone)]
pub(super) struct Message {
    /// The answer to its submit.
    pub(super) answer: Bytes,
    /// The callback that reports it as paid.
    pub(super) callback: Bytes,
}

/// One message for each order, by its number.
pub(super) struct Messages(Vec<Message>);

impl Messages {
    /// Signs on all cores: about half a millisecond of CPU per order at 2048 bits.
    pub(super) fn prepare(key: &Rsa<Private>, orders: usize, mixed_fees: bool) -> Result<Self> {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let share = orders.div_ceil(threads).max(1);
        let parts: Vec<Result<Vec<Message>>> = thread::scope(|scope| {
            let sign_from = |from: usize| {
                let numbers = from..orders.min(from.saturating_add(share));
                scope.spawn(move || {
                    numbers
                        .map(|number| message(key, number, mixed_fees))
                        .collect()
                })
            };
            let running: Vec<_> = (0..orders).step_by(share).map(sign_from).collect();
            running
                .into_iter()
                .map(|thread| {
                    thread
                        .join()
                        .unwrap_or_else(|_| Err(anyhow::anyhow!("a signing thread panicked")))
                })
                .collect()
        });
        let parts: Result<Vec<_>> = parts.into_iter().collect();
        Ok(Self(parts?.into_iter().flatten().collect()))
    }

    pub(super) fn of(&self, number: usize) -> Option<&Message> {
        self.0.get(number)
    }
}

fn message(key: &Rsa<Private>, number: usize, mixed_fees: bool) -> Result<Message> {
    let (order, platform_order) = (order_num(number), platform_order_num(number));
    let (amount, fee) = (AMOUNT_IDR.to_string(), FEE_IDR.to_string());
    let fee_type = fee_type(number, mixed_fees).to_string();
    let order_fields = [
        ("bankCode", BANK_CODE),
        ("description", DESCRIPTION),
        ("fee", &fee),
        ("feeType", &fee_type),
        ("money", &amount),
        ("name", ACCOUNT_NAME),
        ("number", ACCOUNT_NUMBER),
        ("orderNum", &order),
        ("platOrderNum", &platform_order),
    ];
    let answer_fields = [
        ("platRespCode", "SUCCESS"),
        ("platRespMessage", "Request success"),
        ("status", "0"),
        ("statusMsg", "Apply"),
    ];
    let callback_fields = [("status", "2"), ("statusMsg", "SUCCESS")];
    let answer = signed_json(key, &[&order_fields[..], &answer_fields].concat())?;
    let callback = signed_form(key, &[&order_fields[..], &callback_fields].concat())?;
    Ok(Message { answer, callback })
}

/// A flat JSON object with its `platSign`.
pub(super) fn signed_json(key: &Rsa<Private>, fields: &Fields<'_>) -> Result<Bytes> {
    let signature = sign(key, &signed_text(fields))?;
    let object: Map<String, Value> = fields
        .iter()
        .copied()
        .chain([("platSign", signature.as_str())])
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect();
    let text = serde_json::to_vec(&object).context("could not write the answer")?;
    Ok(text.into())
}

fn signed_form(key: &Rsa<Private>, fields: &Fields<'_>) -> Result<Bytes> {
    let signature = sign(key, &signed_text(fields))?;
    let mut form = Serializer::new(String::new());
    form.extend_pairs(fields)
        .append_pair("platSign", &signature);
    Ok(form.finish().into())
}
