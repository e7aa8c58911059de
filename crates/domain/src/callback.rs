//! Decides whether a verified callback may settle a payout without a query (protocol P20).

use std::collections::BTreeMap;

use super::{
    evidence_words::Mismatch, gateway_status::GatewayStatus, money::Rupiah, payout::Instruction,
};

/// The fields of a callback other than `platSign` (protocol P19). `description` may be absent if none was sent.
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

/// A callback with a verified signature. That proves little, because the signature does not bind the fields (protocol
/// P9); [`Callback::bind`] therefore compares every one of them.
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

/// How far a callback counts as evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Binding {
    /// Every field matches and the status is paid: it settles the payout.
    BoundPaid {
        /// The fee it states.
        fee: Rupiah,
    },
    /// Every field matches, but the status is not paid. A query decides.
    Bound,
    /// Something differs. No more than a reason to query at once.
    Unbound(Mismatch),
}

impl Callback {
    /// Wraps verified fields.
    ///
    /// `fields` are all form fields except `platSign`. `one_block` says whether the signed text fits one RSA block,
    /// because the blocks of two callbacks can be spliced (protocol P9). `digest` is a SHA-256 of the fields and their
    /// signature.
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

    /// The SHA-256 of the fields. Repeated deliveries are counted under it.
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }

    /// The status it states.
    pub fn status(&self) -> GatewayStatus {
        GatewayStatus::parse(self.field("status"))
    }

    /// The order number it states.
    pub fn order_num(&self) -> &str {
        self.field("orderNum")
    }

    /// The gateway's order number that it states.
    pub fn platform_order_num(&self) -> &str {
        self.field("platOrderNum")
    }

    /// The fee it states, in rupiah, if its spelling is canonical.
    pub fn fee(&self) -> Option<Rupiah> {
        canonical(self.field("fee"))
    }

    /// Compares every field with what was sent, and the gateway's order number with the one from a verified answer.
    pub fn bind(&self, sent: &Instruction, platform_order_num: Option<&str>) -> Binding {
        if !self
            .fields
            .keys()
            .all(|name| FIELDS.contains(&name.as_str()))
        {
            return Binding::Unbound(Mismatch::UnexpectedField);
        }
        let mut missing = FIELDS.iter().filter(|name| **name != "description");
        if missing.any(|name| !self.fields.contains_key(*name)) {
            return Binding::Unbound(Mismatch::MissingField);
        }
        let pairs = [
            (Mismatch::OrderNum, sent.key.order_num.as_str()),
            (Mismatch::BankCode, sent.bank_code.as_str()),
            (Mismatch::Number, sent.account_number.reveal()),
            (Mismatch::Name, sent.account_name.reveal()),
            (
                Mismatch::Description,
                sent.description.as_deref().unwrap_or(""),
            ),
        ];
        let differs = |(field, ours): &&(Mismatch, &str)| self.field(field.name()) != *ours;
        if let Some((field, _)) = pairs.iter().find(differs) {
            return Binding::Unbound(*field);
        }
        if canonical(self.field("money")) != Some(sent.amount) {
            return Binding::Unbound(Mismatch::Money);
        }
        if self.field("feeType") != sent.fee_type.code().to_string() {
            return Binding::Unbound(Mismatch::FeeType);
        }
        let Some(fee) = self.fee() else {
            return Binding::Unbound(Mismatch::Fee);
        };
        if self.field("statusMsg").bytes().any(|b| b.is_ascii_digit()) {
            return Binding::Unbound(Mismatch::StatusMsg);
        }
        if !self.one_block {
            return Binding::Unbound(Mismatch::SeveralBlocks);
        }
        if matches!(self.status(), GatewayStatus::Other(_)) {
            return Binding::Unbound(Mismatch::Status);
        }
        // Last: whoever sees this mismatch knows that everything else is ours.
        if platform_order_num.is_none_or(|held| held != self.platform_order_num()) {
            return Binding::Unbound(Mismatch::PlatOrderNum);
        }
        match self.status() {
            GatewayStatus::Paid => Binding::BoundPaid { fee },
            GatewayStatus::Other(_)
            | GatewayStatus::New
            | GatewayStatus::Processing
            | GatewayStatus::AtBank
            | GatewayStatus::Cancelled
            | GatewayStatus::Failed => Binding::Bound,
        }
    }
}

/// Reads a number without leading zeros, sign or fraction. A second spelling of a value could be shifted fields.
fn canonical(text: &str) -> Option<Rupiah> {
    let amount = Rupiah::parse_exact(text)?;
    (amount.idr().to_string() == text).then_some(amount)
}
