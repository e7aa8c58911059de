//! Double entry: five accounts per merchant, and entries whose postings sum to zero (I6).

use super::money::{FeeType, Rupiah};

/// One balanced entry: how many rupiah it adds to each account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Available for payouts.
    pub available: Rupiah,
    /// Set aside for payouts that may have left.
    pub held: Rupiah,
    /// Received by beneficiaries.
    pub paid_out: Rupiah,
    /// Kept by the gateway.
    pub fees: Rupiah,
    /// Where the merchant's money came from; never positive in total.
    pub funding: Rupiah,
}

/// A payout's money at the moment an entry is made.
#[derive(Clone, Copy, Debug)]
pub struct Position {
    /// The amount of the instruction.
    pub amount: Rupiah,
    /// Who pays the fee.
    pub fee_type: FeeType,
    /// The amount held for this payout, as recorded; never recomputed.
    pub held: Rupiah,
}

impl Entry {
    /// Sets `hold` aside.
    pub fn hold(hold: Rupiah) -> Option<Self> {
        Some(Self {
            available: hold.negated()?,
            held: hold,
            ..Self::default()
        })
    }

    /// Returns the recorded hold to `available`.
    pub fn release(held: Rupiah) -> Option<Self> {
        Some(Self {
            available: held,
            held: held.negated()?,
            ..Self::default()
        })
    }

    /// Pays out of the hold. What is left of it returns to `available`. If the fee exceeds its reserve, `available`
    /// pays the rest and may become negative.
    ///
    /// While a fee on top is unknown, its reserve stays held; see [`Entry::fee_known`].
    pub fn capture(position: Position, fee: Option<Rupiah>) -> Option<Self> {
        let Position {
            amount,
            fee_type,
            held,
        } = position;
        let spent = Self {
            held: held.negated()?,
            ..Self::default()
        };
        match (fee_type, fee) {
            (FeeType::OutOfAmount, fee) => {
                let fee = fee.unwrap_or_default();
                Some(Self {
                    available: held.minus(amount)?,
                    paid_out: amount.minus(fee)?,
                    fees: fee,
                    ..spent
                })
            }
            (FeeType::OnTop, Some(fee)) => Some(Self {
                available: held.minus(amount.plus(fee)?)?,
                paid_out: amount,
                fees: fee,
                ..spent
            }),
            (FeeType::OnTop, None) => Some(Self {
                held: amount.negated()?,
                paid_out: amount,
                ..Self::default()
            }),
        }
    }

    /// Pays from `available`, which may become negative: the payout was paid although its hold was released.
    pub fn late_capture(position: Position, fee: Option<Rupiah>) -> Option<Self> {
        let position = Position {
            held: Rupiah::ZERO,
            ..position
        };
        match (position.fee_type, fee) {
            (FeeType::OnTop, None) => Some(Self {
                available: position.amount.negated()?,
                paid_out: position.amount,
                ..Self::default()
            }),
            _ => Self::capture(position, fee),
        }
    }

    /// Returns money that came back from the beneficiary.
    pub fn returned(amount: Rupiah) -> Option<Self> {
        Some(Self {
            available: amount,
            paid_out: amount.negated()?,
            ..Self::default()
        })
    }

    /// Books the fee of a payout that was captured before its fee was known, and releases what is still `held` for it.
    pub fn fee_known(fee_type: FeeType, held: Rupiah, fee: Rupiah) -> Option<Self> {
        match fee_type {
            FeeType::OutOfAmount => Some(Self {
                paid_out: fee.negated()?,
                fees: fee,
                ..Self::default()
            }),
            FeeType::OnTop => Some(Self {
                available: held.minus(fee)?,
                held: held.negated()?,
                fees: fee,
                ..Self::default()
            }),
        }
    }

    /// Corrects the fee of a paid payout after later evidence (protocol P23).
    pub fn fee_corrected(fee_type: FeeType, booked: Rupiah, stated: Rupiah) -> Option<Self> {
        let more = stated.minus(booked)?;
        let pays = more.negated()?;
        Some(match fee_type {
            FeeType::OutOfAmount => Self {
                paid_out: pays,
                fees: more,
                ..Self::default()
            },
            FeeType::OnTop => Self {
                available: pays,
                fees: more,
                ..Self::default()
            },
        })
    }

    /// The sum of the five postings. It is zero for every entry that may be booked.
    pub fn sum(&self) -> Option<Rupiah> {
        self.available
            .plus(self.held)?
            .plus(self.paid_out)?
            .plus(self.fees)?
            .plus(self.funding)
    }

    /// Whether it moves nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Holds and settles 100 000 rupiah, with a fee reserve of 10 000.
    #[test]
    #[rustfmt::skip]
    fn every_way_to_settle_gives_each_account_its_rupiah() {
        use FeeType::{OnTop, OutOfAmount};
        struct Row(FeeType, &'static str, [i64; 4]);
        let rows = [
            //   fee type     what happens                available      held  paid_out   fees
            Row(OutOfAmount, "hold",                     [-100_000,   100_000,        0,      0]),
            Row(OutOfAmount, "hold release",             [       0,         0,        0,      0]),
            Row(OutOfAmount, "hold capture:5000",        [-100_000,         0,   95_000,  5_000]),
            Row(OutOfAmount, "hold capture:?",           [-100_000,         0,  100_000,      0]),
            Row(OutOfAmount, "hold capture:? known:5000",[-100_000,         0,   95_000,  5_000]),
            Row(OutOfAmount, "hold capture:5000 fix:7000",[-100_000,        0,   93_000,  7_000]),
            Row(OnTop,       "hold",                     [-110_000,   110_000,        0,      0]),
            Row(OnTop,       "hold release",             [       0,         0,        0,      0]),
            Row(OnTop,       "hold capture:5000",        [-105_000,         0,  100_000,  5_000]),
            Row(OnTop,       "hold capture:15000",       [-115_000,         0,  100_000, 15_000]),
            Row(OnTop,       "hold capture:?",           [-110_000,    10_000,  100_000,      0]),
            Row(OnTop,       "hold capture:? known:5000",[-105_000,         0,  100_000,  5_000]),
            Row(OnTop,       "hold capture:5000 fix:7000",[-107_000,        0,  100_000,  7_000]),
            Row(OnTop,       "hold capture:5000 fix:0",  [-100_000,         0,  100_000,      0]),
            Row(OutOfAmount, "hold release late:5000",   [-100_000,         0,   95_000,  5_000]),
            Row(OutOfAmount, "hold capture:5000 back:95000",[ -5_000,       0,        0,  5_000]),
            Row(OnTop,       "hold release late:5000",   [-105_000,         0,  100_000,  5_000]),
            Row(OnTop,       "hold release late:? known:5000",[-105_000,    0,  100_000,  5_000]),
            Row(OnTop,       "hold capture:5000 back:40000",[-65_000,       0,   60_000,  5_000]),
        ];
        for Row(fee_type, steps, expected) in rows {
            let amount = Rupiah::new(100_000);
            let (mut total, mut held, mut booked) = ([0; 4], Rupiah::ZERO, Rupiah::ZERO);
            for step in steps.split(' ') {
                let (verb, fee) = step.split_once(':').unwrap_or((step, "?"));
                let fee = fee.parse().ok().map(Rupiah::new);
                let entry = match verb {
                    "hold" => Entry::hold(fee_type.hold(amount, Rupiah::new(10_000)).unwrap()),
                    "release" => Entry::release(held),
                    "capture" => Entry::capture(Position { amount, fee_type, held }, fee),
                    "late" => Entry::late_capture(Position { amount, fee_type, held }, fee),
                    "back" => Entry::returned(fee.unwrap()),
                    "known" => Entry::fee_known(fee_type, held, fee.unwrap()),
                    "fix" => Entry::fee_corrected(fee_type, booked, fee.unwrap()),
                    other => panic!("{other}"),
                }
                .unwrap();
                assert_eq!(entry.sum(), Some(Rupiah::ZERO), "{steps}");
                held = held.plus(entry.held).unwrap();
                booked = fee.unwrap_or(booked);
                for (sum, part) in total.iter_mut().zip([entry.available, entry.held, entry.paid_out, entry.fees]) {
                    *sum += part.idr();
                }
            }
            assert_eq!(total, expected, "{fee_type:?} {steps}");
        }
    }
}
