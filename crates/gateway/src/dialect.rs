//! What sets one gateway's spelling of the protocol apart from another's (protocol P10 to P18).
//!
//! A dialect is a table of names and envelopes. The code that writes requests and reads answers follows the table and
//! never decides by a dialect's name. To add a dialect, write `dialect/NAME.rs`, list it in [`Dialect::ALL`] and add its
//! calls to `tests/vectors/generate_dialects.mjs`. Callbacks are the same in every dialect (protocol P19).

mod bdpay;
#[cfg(test)]
mod third;
mod toppay;

use std::{fmt, str::FromStr};

/// A gateway's spelling of the protocol (protocol P15).
#[derive(Clone, Copy)]
pub struct Dialect(&'static Rules);

/// What a dialect's answers are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The gateway signs its answer to a balance request, so the balance proves the platform's key.
    pub balance_is_signed: bool,
    /// The gateway has a signed word for "not found", so repeated "not found" answers can prove that it never had an
    /// order (I10).
    pub not_found_is_proof: bool,
}

impl Dialect {
    /// Every answer is flat and signed.
    pub const BDPAY: Self = Self(&bdpay::RULES);
    /// Queries and balances come in an unsigned envelope.
    pub const TOPPAY: Self = Self(&toppay::RULES);
    /// Every dialect; the first one is the default.
    pub const ALL: &'static [Self] = &[
        Self::BDPAY,
        Self::TOPPAY,
        #[cfg(test)]
        Self(&third::RULES),
    ];

    /// The word in the configuration file and in `payout.merchants`.
    pub const fn name(self) -> &'static str {
        self.0.name
    }

    /// Follows from the envelopes, so it cannot disagree with how answers are read.
    pub const fn capabilities(self) -> Capabilities {
        Capabilities {
            balance_is_signed: self.0.balance.envelope.is_signed(),
            not_found_is_proof: match &self.0.query.envelope {
                Envelope::Signed(signed) => signed.not_found.is_some(),
                Envelope::Unsigned(_) => false,
            },
        }
    }

    pub(super) const fn rules(self) -> &'static Rules {
        self.0
    }
}

impl PartialEq for Dialect {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Dialect {}

impl fmt::Debug for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No dialect has this name.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("unknown dialect: use one of `{}`", Dialect::ALL.iter().map(|dialect| dialect.name()).collect::<Vec<_>>().join("`, `"))]
pub struct UnknownDialect;

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|dialect| dialect.name() == text);
        found.copied().ok_or(UnknownDialect)
    }
}

/// The table of one dialect.
pub(super) struct Rules {
    pub(super) name: &'static str,
    /// The field of a request that holds our signature over the values of all others (protocol P6).
    pub(super) signature: &'static str,
    pub(super) submit: Submit,
    pub(super) query: Query,
    pub(super) balance: Balance,
    pub(super) shown: Shown,
}

/// The fields of a request with what each holds, in one or more lists; the signature is not among them.
pub(super) type Request = &'static [&'static [(&'static str, Value)]];

/// What a request's field holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    MerchantCode,
    /// Jakarta time as `yyyyMMddHHmmss` (protocol P4).
    DateTime,
    OrderNum,
    Money,
    FeeType,
    BankCode,
    AccountNumber,
    AccountName,
    /// Left out when the payout has none.
    Description,
    /// Left out when the merchant has none.
    NotifyUrl,
    Fixed(&'static str),
}

/// Sends an order. The answer must be signed: an unsigned refusal would be anybody's word that nothing was paid.
pub(super) struct Submit {
    pub(super) request: Request,
    pub(super) envelope: Signed,
    pub(super) order: OrderFields,
    pub(super) fee_type: &'static str,
    pub(super) account_number: &'static str,
}

/// The query of an order's status.
pub(super) struct Query {
    pub(super) request: Request,
    pub(super) envelope: Envelope,
    pub(super) order: OrderFields,
}

/// The query of the merchant's balance.
pub(super) struct Balance {
    pub(super) request: Request,
    pub(super) envelope: Envelope,
    pub(super) available: &'static str,
    pub(super) frozen: &'static str,
    pub(super) pending: &'static str,
}

/// An answer's fields about an order. Of several names the first that has a value counts.
pub(super) struct OrderFields {
    pub(super) order_num: &'static str,
    pub(super) platform_order_num: &'static str,
    pub(super) amount: &'static [&'static str],
    pub(super) fee: &'static str,
    pub(super) status: &'static str,
    pub(super) message: &'static [&'static str],
}

/// How an answer is wrapped, and so whether it proves anything.
pub(super) enum Envelope {
    Signed(Signed),
    Unsigned(Unsigned),
}

/// One flat object of fields.
pub(super) struct Signed {
    /// The field with the platform's signature over the values of all others (protocol P7).
    pub(super) signature: &'static str,
    /// The field that says whether the request succeeded (protocol P12), and its words.
    pub(super) code: &'static str,
    pub(super) success: &'static str,
    pub(super) failure: &'static str,
    /// `None` when the gateway has no word that proves it does not know an order.
    pub(super) not_found: Option<&'static str>,
}

/// An object around the fields, which nobody signed.
pub(super) struct Unsigned {
    /// The member that must be `true`.
    pub(super) success: &'static str,
    /// The member that must be `code_of_success` when it is there.
    pub(super) code: &'static str,
    pub(super) code_of_success: &'static str,
    /// The member that holds the fields.
    pub(super) data: &'static str,
    /// The fields are the only item of a list.
    pub(super) is_list: bool,
}

/// What people may see of an answer: everything that is not named here stays hidden (protocol trap 10).
pub(super) struct Shown {
    /// Fields whose value is shown as it is.
    pub(super) values: &'static [&'static str],
    /// Fields with text for people, in which an account number can stand.
    pub(super) texts: &'static [&'static str],
}

impl Envelope {
    pub(super) const fn is_signed(&self) -> bool {
        matches!(self, Self::Signed(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialect_reads_back_and_another_word_is_refused() {
        for dialect in Dialect::ALL {
            assert_eq!(dialect.name().parse::<Dialect>().ok(), Some(*dialect));
        }
        let error = "BDPAY".parse::<Dialect>().expect_err("a wrong word");
        assert!(error.to_string().contains("`bdpay`, `toppay`"), "{error}");
    }

    #[test]
    fn every_file_of_a_dialect_is_listed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/dialect");
        let files = std::fs::read_dir(folder).expect("the folder of the dialects");
        let mut in_files: Vec<String> = files
            .map(|file| file.expect("an entry").path())
            .map(|path| path.file_stem().expect("a name").to_string_lossy().into())
            .collect();
        let mut listed: Vec<&str> = Dialect::ALL.iter().map(|dialect| dialect.name()).collect();
        in_files.sort();
        listed.sort_unstable();
        assert_eq!(in_files, listed);
    }

    #[test]
    fn no_dialect_shows_an_account_or_a_signature() {
        for Dialect(rules) in Dialect::ALL {
            let shown = [rules.shown.values, rules.shown.texts].concat();
            let private = [Value::AccountNumber, Value::AccountName, Value::Description];
            let request = rules.submit.request.iter().copied().flatten();
            let hidden = request.filter(|(_, value)| private.contains(value));
            let hidden = hidden.map(|(name, _)| *name).chain([
                rules.signature,
                rules.submit.envelope.signature,
                rules.submit.account_number,
            ]);
            for name in hidden {
                assert!(!shown.contains(&name), "{}: {name}", rules.name);
            }
        }
    }
}
