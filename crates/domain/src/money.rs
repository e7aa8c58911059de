//! Whole rupiah, and who pays the fee.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount of whole rupiah. May be negative where it is a difference.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Rupiah(i64);

impl Rupiah {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// An amount of `idr` rupiah.
    pub const fn new(idr: i64) -> Self {
        Self(idr)
    }

    /// The amount as a number of rupiah.
    pub const fn idr(self) -> i64 {
        self.0
    }

    /// The sum, or `None` when it leaves the range of an `i64`.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or `None` when it leaves the range of an `i64`.
    #[must_use]
    pub fn minus(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The same amount the other way round, or `None` for the one value that has none.
    #[must_use]
    pub fn negated(self) -> Option<Self> {
        self.0.checked_neg().map(Self)
    }

    /// Reads an exact whole amount in any spelling the gateway was seen to use: `10000`, `10000.00`,
    /// `0.00000000` (protocol P2). A fraction, a sign, an exponent or anything else is `None`.
    pub fn parse_exact(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || fraction.bytes().any(|b| b != b'0') {
            return None;
        }
        whole.parse().ok().map(Self)
    }
}

/// Indonesian spelling for people: `Rp 1.250.000`.
impl fmt::Display for Rupiah {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.unsigned_abs().to_string();
        let mut grouped = String::new();
        for (place, digit) in digits.chars().enumerate() {
            let left = digits.len().saturating_sub(place);
            if place > 0 && left.is_multiple_of(3) {
                grouped.push('.');
            }
            grouped.push(digit);
        }
        let sign = if self.0 < 0 { "-" } else { "" };
        f.pad(&format!("Rp {sign}{grouped}"))
    }
}

/// Who pays the gateway's fee (protocol P22).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FeeType {
    /// `0`: the fee comes out of the amount; the merchant is debited the amount.
    OutOfAmount,
    /// `1`: the fee is charged on top; the beneficiary receives the amount.
    OnTop,
}

impl FeeType {
    /// The wire and column value, `0` or `1`.
    pub const fn code(self) -> i16 {
        match self {
            Self::OutOfAmount => 0,
            Self::OnTop => 1,
        }
    }

    /// The fee type of a wire or column value.
    pub const fn from_code(code: i16) -> Option<Self> {
        match code {
            0 => Some(Self::OutOfAmount),
            1 => Some(Self::OnTop),
            _ => None,
        }
    }

    /// What is held when a payout is claimed: the amount, and for a fee on top the reserve for it.
    pub fn hold(self, amount: Rupiah, fee_reserve: Rupiah) -> Option<Rupiah> {
        match self {
            Self::OutOfAmount => Some(amount),
            Self::OnTop => amount.plus(fee_reserve),
        }
    }

    /// What the merchant is debited once the fee is known (protocol P22).
    pub fn debit(self, amount: Rupiah, fee: Rupiah) -> Option<Rupiah> {
        match self {
            Self::OutOfAmount => Some(amount),
            Self::OnTop => amount.plus(fee),
        }
    }

    /// What the beneficiary receives once the fee is known (protocol P22).
    pub fn beneficiary_amount(self, amount: Rupiah, fee: Rupiah) -> Option<Rupiah> {
        match self {
            Self::OutOfAmount => amount.minus(fee),
            Self::OnTop => Some(amount),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_amount_is_read_in_every_spelling_and_a_fraction_is_refused() {
        for (text, read) in [
            ("10000", Some(10_000)),
            ("10000.00", Some(10_000)),
            ("0.00000000", Some(0)),
            ("010", Some(10)),
            ("1.5", None),
            ("1e5", None),
            ("-1", None),
            ("+1", None),
            ("", None),
            (".", None),
            ("1.", None),
            (".0", None),
            ("١٠٠", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(Rupiah::parse_exact(text).map(Rupiah::idr), read, "{text}");
        }
    }

    #[test]
    fn people_read_amounts_with_dots() {
        assert_eq!(Rupiah::new(1_250_000).to_string(), "Rp 1.250.000");
        assert_eq!(Rupiah::new(-999).to_string(), "Rp -999");
        assert_eq!(Rupiah::ZERO.to_string(), "Rp 0");
    }
}
