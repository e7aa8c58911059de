//! Whole rupiah, and who pays the fee.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::policy::{PLAUSIBLE_FEE_IDR, PLAUSIBLE_FEE_PERCENT};

/// An amount of whole rupiah. A difference may be negative.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Rupiah(i64);

impl Rupiah {
    /// Zero rupiah.
    pub const ZERO: Self = Self(0);

    /// More than anything costs: stands for a stated number that cannot be read as an amount.
    pub const MAX: Self = Self(i64::MAX);

    /// An amount of `idr` rupiah.
    pub const fn new(idr: i64) -> Self {
        Self(idr)
    }

    /// The amount as a number of rupiah.
    pub const fn idr(self) -> i64 {
        self.0
    }

    /// The sum; `None` if it overflows an `i64`.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference; `None` if it overflows an `i64`.
    #[must_use]
    pub fn minus(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The amount with the opposite sign; `None` for `i64::MIN`.
    #[must_use]
    pub fn negated(self) -> Option<Self> {
        self.0.checked_neg().map(Self)
    }

    /// Parses a whole amount in any spelling of JSON: `10000`, `10000.00`, `0.00000000`, `1.25E7` (protocol P2). Returns
    /// `None` for a fraction, a sign or anything else.
    pub fn parse_exact(text: &str) -> Option<Self> {
        let (number, power) = match text.split_once(['e', 'E']) {
            Some((number, power)) => (number, exponent(power)?),
            None => (text, 0),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        if !is_digits(whole) || !is_digits(fraction) {
            return None;
        }
        let digits = format!("{whole}{}", fraction.trim_end_matches('0'));
        let point = i32::try_from(whole.len()).ok()?.checked_add(power)?;
        let behind = i32::try_from(digits.len()).ok()?.checked_sub(point)?;
        let significant = digits.trim_end_matches('0');
        if significant.is_empty() {
            return Some(Self::ZERO);
        }
        let zeros = i32::try_from(digits.len().checked_sub(significant.len())?).ok()?;
        // How many zeros end the amount; below none there is a fraction.
        let zeros = u32::try_from(zeros.checked_sub(behind)?).ok()?;
        let scale = 10_i64.checked_pow(zeros)?;
        significant
            .parse::<i64>()
            .ok()?
            .checked_mul(scale)
            .map(Self)
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// The power of ten behind the `e`. No amount needs more than three digits of it.
fn exponent(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !is_digits(digits) || digits.len() > 3 {
        return None;
    }
    text.parse().ok()
}

/// Indonesian notation for people: `Rp 1.250.000`.
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
    /// The value on the wire and in the column: `0` or `1`.
    pub const fn code(self) -> i16 {
        match self {
            Self::OutOfAmount => 0,
            Self::OnTop => 1,
        }
    }

    /// The fee type with this wire or column value.
    pub const fn from_code(code: i16) -> Option<Self> {
        match code {
            0 => Some(Self::OutOfAmount),
            1 => Some(Self::OnTop),
            _ => None,
        }
    }

    /// The amount to hold for a claimed payout: its amount, plus the fee reserve if the fee is on top. `None` on
    /// overflow.
    pub fn hold(self, amount: Rupiah, fee_reserve: Rupiah) -> Option<Rupiah> {
        match self {
            Self::OutOfAmount => Some(amount),
            Self::OnTop => amount.plus(fee_reserve),
        }
    }

    /// The amount debited from the merchant once the fee is known (protocol P22). `None` on overflow.
    pub fn debit(self, amount: Rupiah, fee: Rupiah) -> Option<Rupiah> {
        match self {
            Self::OutOfAmount => Some(amount),
            Self::OnTop => amount.plus(fee),
        }
    }

    /// Whether the gateway may have charged this fee: at most `fee_reserve`, [`PLAUSIBLE_FEE_IDR`] or
    /// [`PLAUSIBLE_FEE_PERCENT`] of the amount, whichever is most, and less than an amount that it is taken out of.
    pub fn is_plausible_fee(self, amount: Rupiah, fee: Rupiah, fee_reserve: Rupiah) -> bool {
        let part = amount.0.saturating_mul(PLAUSIBLE_FEE_PERCENT) / 100;
        let at_most = part.max(PLAUSIBLE_FEE_IDR).max(fee_reserve.0);
        let is_covered = self == Self::OnTop || fee < amount;
        (0..=at_most).contains(&fee.0) && is_covered
    }

    /// The amount that the beneficiary receives once the fee is known (protocol P22). `None` on overflow.
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
            ("1e5", Some(100_000)),
            ("1.25E7", Some(12_500_000)),
            ("2.5E3", Some(2_500)),
            ("9.99E+8", Some(999_000_000)),
            ("10000.0", Some(10_000)),
            ("1000e-3", Some(1)),
            ("12500000.000e-2", Some(125_000)),
            ("0e0", Some(0)),
            ("0.0e999", Some(0)),
            ("1e18", Some(1_000_000_000_000_000_000)),
            ("1e19", None),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("1.255e2", None),
            ("1e-1", None),
            ("1e1000", None),
            ("1e", None),
            ("1e+", None),
            ("e5", None),
            ("1e5e5", None),
            ("1e1.0", None),
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
    #[rustfmt::skip]
    fn a_fee_is_plausible_up_to_the_most_of_three_bounds_and_below_an_amount_that_pays_it() {
        use FeeType::{OnTop, OutOfAmount};
        for (fee_type, amount, reserve, most) in [
            (OnTop,             50_000,      0,          50_000),
            (OnTop,             50_000, 70_000,          70_000),
            (OnTop,          9_000_000,      0,         900_000),
            (OnTop,                  1,      0,          50_000),
            (OutOfAmount,       50_000,      0,          49_999),
            (OutOfAmount,            1,      0,               0),
            (OutOfAmount,    9_000_000,      0,         900_000),
            (OutOfAmount, 1_000_000_000_000, 0, 100_000_000_000),
        ] {
            let [amount, reserve] = [amount, reserve].map(Rupiah::new);
            let plausible = |fee| fee_type.is_plausible_fee(amount, Rupiah::new(fee), reserve);
            for fee in [0, most] {
                assert!(plausible(fee), "{fee_type:?} {amount} {fee}");
            }
            for fee in [-1, most + 1, i64::MAX, i64::MIN] {
                assert!(!plausible(fee), "{fee_type:?} {amount} {fee}");
            }
        }
    }

    #[test]
    fn people_read_amounts_with_dots() {
        assert_eq!(Rupiah::new(1_250_000).to_string(), "Rp 1.250.000");
        assert_eq!(Rupiah::new(-999).to_string(), "Rp -999");
        assert_eq!(Rupiah::ZERO.to_string(), "Rp 0");
    }
}
