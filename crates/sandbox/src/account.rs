//! The merchant's money at the gateway.

/// Money only moves between balance, freeze and paid orders; none is created or lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "the unit belongs to each name")]
pub(super) struct Account {
    pub(super) balance_idr: i64,
    pub(super) freeze_idr: i64,
    /// The debits of all paid orders.
    pub(super) paid_idr: i64,
}

impl Account {
    /// Moves a debit from the balance into the freeze; `None` if the balance does not cover it.
    #[must_use]
    pub(super) fn freeze(self, debit_idr: i64) -> Option<Self> {
        Some(Self {
            balance_idr: self
                .balance_idr
                .checked_sub(debit_idr)
                .filter(|rest_idr| *rest_idr >= 0)?,
            freeze_idr: self.freeze_idr.checked_add(debit_idr)?,
            ..self
        })
    }

    /// Settles a frozen debit as paid. `final_idr` differs from `frozen_idr` if the fee was corrected.
    #[must_use]
    pub(super) fn pay(self, frozen_idr: i64, final_idr: i64) -> Self {
        Self {
            balance_idr: self
                .balance_idr
                .saturating_add(frozen_idr)
                .saturating_sub(final_idr),
            freeze_idr: self.freeze_idr.saturating_sub(frozen_idr),
            paid_idr: self.paid_idr.saturating_add(final_idr),
        }
    }

    /// Returns a frozen debit to the balance, including its fee.
    #[must_use]
    pub(super) fn release(self, frozen_idr: i64) -> Self {
        Self {
            balance_idr: self.balance_idr.saturating_add(frozen_idr),
            freeze_idr: self.freeze_idr.saturating_sub(frozen_idr),
            ..self
        }
    }

    /// Adds money, or removes it if negative; `None` if the balance is too small.
    #[must_use]
    pub(super) fn top_up(self, amount_idr: i64) -> Option<Self> {
        let balance_idr = self
            .balance_idr
            .checked_add(amount_idr)
            .filter(|rest_idr| *rest_idr >= 0)?;
        Some(Self {
            balance_idr,
            ..self
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_frozen_then_paid_or_released() {
        let start = Account {
            balance_idr: 1_000,
            freeze_idr: 0,
            paid_idr: 0,
        };
        let frozen = start.freeze(600).unwrap();
        assert_eq!(
            frozen,
            Account {
                balance_idr: 400,
                freeze_idr: 600,
                paid_idr: 0
            }
        );
        assert_eq!(frozen.freeze(401), None);
        assert_eq!(frozen.release(600), start);
        assert_eq!(
            frozen.pay(600, 605),
            Account {
                balance_idr: 395,
                freeze_idr: 0,
                paid_idr: 605
            }
        );
        assert_eq!(start.top_up(-1_001), None);
    }
}
