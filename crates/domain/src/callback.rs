//! When a verified callback may settle a payout by itself (protocol P20).

use std::collections::BTreeMap;

use super::{evidence::GatewayStatus, money::Rupiah, payout::Instruction};

/// The fields of a callback beside `platSign` (protocol P19). `description` may be absent when none was sent.
pub const FIELDS: [&str; 11] = [
    "bankCode",
    "description",
    "fee",
    "feeType",
    "money",
    "name",
    "number",
    "orderNum",
    "platOrderNum",
    "status",
    "statusMsg",
];

/// A callback whose signature verified. That proves little: the signature does not bind the fields
/// (protocol P9), so [`Callback::bind`] compares every one of them.
#[derive(Clone, PartialEq, Eq)]
pub struct Callback {
    fields: BTreeMap<String, String>,
    one_block: bool,
    digest: Vec<u8>,
}

impl std::fmt::Debug for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callback")
            .field("status", &self.status())
            .field("one_block", &self.one_block)
            .finish_non_exhaustive()
    }
}

/// What a callback is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Binding {
    /// Every field is ours, and it says paid: it settles.
    BoundPaid {
        /// The fee it states.
        fee: Rupiah,
    },
    /// Every field is ours. It says something other than paid, or the order was not ours to begin with:
    /// the query decides.
    Bound,
    /// Something differs; the words say what. A reason to ask at once, no more.
    Unbound(&'static str),
}

impl Callback {
    /// Wraps the verified fields.
    ///
    /// `fields` are all form fields but `platSign`; `one_block` tells whether the signed text fits one RSA
    /// block (blocks of two callbacks can be spliced, protocol P9); `digest` is a SHA-256 of the fields.
    pub fn new(fields: BTreeMap<String, String>, one_block: bool, digest: Vec<u8>) -> Self {
        Self {
            fields,
            one_block,
            digest,
        }
    }

    fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// SHA-256 of the fields, under which repeated deliveries are counted.
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }

    /// The status it states.
    pub fn status(&self) -> GatewayStatus {
        GatewayStatus::parse(self.field("status"))
    }

    /// The order it names.
    pub fn order_num(&self) -> &str {
        self.field("orderNum")
    }

    /// The gateway's number that it names.
    pub fn platform_order_num(&self) -> &str {
        self.field("platOrderNum")
    }

    /// The fee it states, when canonical.
    pub fn fee(&self) -> Option<Rupiah> {
        canonical(self.field("fee"))
    }

    /// Compares every field with what was sent and with the platform's number that a verified answer gave.
    pub fn bind(&self, sent: &Instruction, platform_order_num: Option<&str>) -> Binding {
        if !self
            .fields
            .keys()
            .all(|name| FIELDS.contains(&name.as_str()))
        {
            return Binding::Unbound("an unexpected field");
        }
        let mut missing = FIELDS.iter().filter(|name| **name != "description");
        if missing.any(|name| !self.fields.contains_key(*name)) {
            return Binding::Unbound("a missing field");
        }
        let pairs = [
            ("orderNum", sent.key.order_num.as_str()),
            ("bankCode", sent.bank_code.as_str()),
            ("number", sent.account_number.reveal()),
            ("name", sent.account_name.reveal()),
            ("description", sent.description.as_deref().unwrap_or("")),
        ];
        if let Some((name, _)) = pairs.iter().find(|(name, ours)| self.field(name) != *ours) {
            return Binding::Unbound(name);
        }
        if canonical(self.field("money")) != Some(sent.amount) {
            return Binding::Unbound("money");
        }
        if self.field("feeType") != sent.fee_type.code().to_string() {
            return Binding::Unbound("feeType");
        }
        let Some(fee) = self.fee() else {
            return Binding::Unbound("fee");
        };
        if platform_order_num.is_none_or(|held| held != self.platform_order_num()) {
            return Binding::Unbound("platOrderNum");
        }
        if self.field("statusMsg").bytes().any(|b| b.is_ascii_digit()) {
            return Binding::Unbound("a digit in statusMsg");
        }
        if !self.one_block {
            return Binding::Unbound("a signed text longer than one block");
        }
        match self.status() {
            GatewayStatus::Paid => Binding::BoundPaid { fee },
            GatewayStatus::Other(_) => Binding::Unbound("status"),
            GatewayStatus::New
            | GatewayStatus::Processing
            | GatewayStatus::AtBank
            | GatewayStatus::Cancelled
            | GatewayStatus::Failed => Binding::Bound,
        }
    }
}

/// A number without leading zeros, sign or fraction: two spellings of one value could be shifted fields.
fn canonical(text: &str) -> Option<Rupiah> {
    let amount = Rupiah::parse_exact(text)?;
    (amount.idr().to_string() == text).then_some(amount)
}
