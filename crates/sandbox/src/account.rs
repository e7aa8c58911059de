//! The merchant's money at the gateway.

use serde::Serialize;

/// The merchant's money at the gateway, in whole rupiah.
///
/// It only moves between balance, freeze and paid orders; none is created or lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BalanceView {
    /// What can be spent.
    pub balance: i64,
    /// Held for open orders.
    pub freeze: i64,
    /// The debits of all paid orders, fees included.
    pub paid: i64,
}

impl BalanceView {
    /// Moves a debit from the balance into the freeze; `None` if the balance does not cover it.
    #[must_use]
    pub(super) fn freeze(self, debit_idr: i64) -> Option<Self> {
        Some(Self {
            freeze: self.freeze.checked_add(debit_idr)?,
            ..self.top_up(debit_idr.checked_neg()?)?
        })
    }

    /// Settles a frozen debit as paid. `final_idr` differs from `frozen_idr` if the fee was corrected.
    #[must_use]
    pub(super) fn pay(self, frozen_idr: i64, final_idr: i64) -> Self {
        let released = self.release(frozen_idr);
        Self {
            balance: released.balance.saturating_sub(final_idr),
            paid: self.paid.saturating_add(final_idr),
            ..released
        }
    }

    /// Returns a frozen debit to the balance, including its fee.
    #[must_use]
    pub(super) fn release(self, frozen_idr: i64) -> Self {
        Self {
            balance: self.balance.saturating_add(frozen_idr),
            freeze: self.freeze.saturating_sub(frozen_idr),
            ..self
        }
    }

    /// Adds money, or removes it if negative; `None` if the balance is too small.
    #[must_use]
    pub(super) fn top_up(self, amount_idr: i64) -> Option<Self> {
        let balance = self.balance.checked_add(amount_idr);
        Some(Self {
            balance: balance.filter(|rest| *rest >= 0)?,
            ..self
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_frozen_then_paid_or_released() {
        let start = BalanceView {
            balance: 1_000,
            freeze: 0,
            paid: 0,
        };
        let frozen = start.freeze(600).unwrap();
        assert_eq!(
            frozen,
            BalanceView {
                balance: 400,
                freeze: 600,
                paid: 0
            }
        );
        assert_eq!(frozen.freeze(401), None);
        assert_eq!(frozen.release(600), start);
        assert_eq!(
            frozen.pay(600, 605),
            BalanceView {
                balance: 395,
                freeze: 0,
                paid: 605
            }
        );
        assert_eq!(start.top_up(-1_001), None);
    }
}
