//! When a verified callback may settle a payout without a query (protocol P20).

use std::collections::BTreeMap;

use super::{gateway_status::GatewayStatus, money::Rupiah, payout::Instruction, words};

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

words! {
    /// The first thing about a callback that is not as we sent it, as in the `mismatch` column. Fields have the
    /// gateway's names.
    pub enum Mismatch: "a mismatch" {
        /// A field that no callback has.
        UnexpectedField = "unexpected_field",
        /// A field that every callback has is not there.
        MissingField = "missing_field",
        /// The order number.
        OrderNum = "orderNum",
        /// The bank.
        BankCode = "bankCode",
        /// The account number.
        Number = "number",
        /// The account name.
        Name = "name",
        /// The description.
        Description = "description",
        /// The amount, or a spelling of it that could be shifted fields.
        Money = "money",
        /// Who pays the fee.
        FeeType = "feeType",
        /// A fee that is not a canonical number.
        Fee = "fee",
        /// The gateway's number, or we hold none to compare it with.
        PlatOrderNum = "platOrderNum",
        /// A digit in the status message.
        StatusMsg = "statusMsg",
        /// The signed text is longer than one RSA block.
        SeveralBlocks = "several_blocks",
        /// A status that we do not know.
        Status = "status",
        /// It was not compared, because the payout could not be read.
        NotCompared = "not_compared",
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
    /// Something differs. A reason to query at once, no more.
    Unbound(Mismatch),
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
        if platform_order_num.is_none_or(|held| held != self.platform_order_num()) {
            return Binding::Unbound(Mismatch::PlatOrderNum);
        }
        if self.field("statusMsg").bytes().any(|b| b.is_ascii_digit()) {
            return Binding::Unbound(Mismatch::StatusMsg);
        }
        if !self.one_block {
            return Binding::Unbound(Mismatch::SeveralBlocks);
        }
        match self.status() {
            GatewayStatus::Paid => Binding::BoundPaid { fee },
            GatewayStatus::Other(_) => Binding::Unbound(Mismatch::Status),
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
