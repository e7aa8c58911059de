//! The state of the books at one moment, for metrics and reports.

use std::time::Duration;

use super::{attention::Attention, money::Rupiah, state::State, words};

/// Everything that metrics show from the database. The same on every instance, apart from its age.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// When it was read, by the database's clock, in seconds since 1970.
    pub read_at: i64,
    /// How long the reading took.
    pub took: Duration,
    /// Every registered merchant.
    pub merchants: Vec<MerchantBooks>,
    /// Callbacks for unknown orders.
    pub unmatched_callbacks: Pile,
    /// Pauses in force.
    pub pauses: Pile,
    /// Requests that wait for a second person.
    pub approvals: Pile,
    /// How full the server's queue of notifications is, in thousandths.
    pub notification_queue_permille: i64,
    /// Jumps of the database's clock that workers found, each within a day of the one before; 0 after a day without one.
    pub clock_jumps: i64,
    /// When the first line of history was written that `payout.events` does not show yet, in seconds since 1970.
    pub events_hidden_since: Option<i64>,
    /// The same for the totals.
    pub totals_missing_since: Option<i64>,
}

/// The books of one merchant. States and reasons that are not listed are zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MerchantBooks {
    /// The merchant.
    pub merchant_code: String,
    /// Payouts in the states that are not final.
    pub open: Vec<(State, Pile)>,
    /// The same by bank.
    pub open_by_bank: Vec<((String, State), Pile)>,
    /// The same by how long they have been open.
    pub open_by_age: Vec<(Age, Pile)>,
    /// Payouts that could be claimed now; their age counts from when they became due.
    pub claimable: Pile,
    /// Payouts that need a person, by reason.
    pub attention: Vec<(Attention, Pile)>,
    /// Payouts with a due query; their age counts from when it became due.
    pub queries_due: Pile,
    /// Payouts still in `submitting` after their lease; their age counts from when it expired.
    pub leases_expired: Pile,
    /// Totals since the beginning, by bank and step.
    pub totals: Vec<(String, Step, Total)>,
    /// The five accounts.
    pub accounts: Accounts,
    /// The balance that the gateway stated last; `None` before the first, and while it states what cannot be true.
    pub gateway: Option<GatewayReading>,
    /// Since when it has stated only balances that cannot be true, in seconds since 1970.
    pub balance_refused_since: Option<i64>,
    /// Broken invariants; all zero unless the tables are damaged.
    pub violations: Violations,
}

/// A set of payouts (or other things): how many, how much, and how long the oldest has been there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pile {
    /// How many.
    pub count: i64,
    /// Gross: their instructed amounts; zero where no money is involved.
    pub rupiah: Rupiah,
    /// When the oldest began, in seconds since 1970; `None` if there are none.
    pub oldest_at: Option<i64>,
}

impl Pile {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let oldest = self.oldest_at.into_iter().chain(other.oldest_at).min();
        Self {
            count: self.count.saturating_add(other.count),
            rupiah: Rupiah::new(self.rupiah.idr().saturating_add(other.rupiah.idr())),
            oldest_at: oldest,
        }
    }
}

words! {
    /// A step that a payout takes once at most, or nearly so, as stored in `payout.totals`.
    pub enum Step: "a step" {
        /// It was inserted.
        Enqueued = "enqueued",
        /// It became paid.
        Paid = "paid",
        /// It became failed.
        Failed = "failed",
        /// It was withdrawn.
        Cancelled = "cancelled",
        /// It was returned after it was paid.
        Returned = "returned",
    }
}

words! {
    /// How long a payout has been open since it could first be sent, as `payout.age_class` in SQL names it.
    pub enum Age: "an age" {
        /// Less than an hour.
        UpTo1Hour = "0-1h",
        /// Less than six hours.
        UpTo6Hours = "1-6h",
        /// Less than a day.
        UpTo24Hours = "6-24h",
        /// Less than three days.
        UpTo3Days = "1-3d",
        /// Three days and more.
        Older = "older",
    }
}

/// How often a step was taken since the beginning. Counts and amounts never fall; a corrected fee may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// How many payouts took it.
    pub payouts: i64,
    /// Gross: the instructed amounts.
    pub rupiah: Rupiah,
    /// The fees of what was paid.
    pub fee: Rupiah,
    /// Net: what beneficiaries received, or gave back if it was returned.
    pub net: Rupiah,
    /// How many of them took longer than [`super::policy::LATE_AFTER`].
    pub late: i64,
}

impl Total {
    /// Debit: what was paid cost, which is net + fee. `None` on overflow.
    pub fn debit(&self) -> Option<Rupiah> {
        self.net.plus(self.fee)
    }
}

/// The balances of one merchant. Their sum is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    /// Available for payouts.
    pub available: Rupiah,
    /// Set aside for payouts that may have left.
    pub held: Rupiah,
    /// Received by beneficiaries.
    pub paid_out: Rupiah,
    /// Kept by the gateway.
    pub fees: Rupiah,
    /// Where the money came from; never positive.
    pub funding: Rupiah,
}

impl Accounts {
    /// The accounts by their names in `payout.balances`.
    pub fn by_name(&self) -> [(&'static str, Rupiah); 5] {
        [
            ("available", self.available),
            ("held", self.held),
            ("paid_out", self.paid_out),
            ("fees", self.fees),
            ("funding", self.funding),
        ]
    }
}

/// A balance that the gateway stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatewayReading {
    /// What can be spent at the gateway.
    pub balance: Rupiah,
    /// What the gateway holds for orders in progress.
    pub frozen: Rupiah,
    /// Not credited yet, so not part of the difference.
    pub pending: Rupiah,
    /// When it was read, in seconds since 1970.
    pub read_at: i64,
    /// `balance + frozen` less our `available + held` at that moment; negative if the gateway has less. `None` if too
    /// many entries were booked since then.
    pub difference: Option<Rupiah>,
}

/// How often an invariant is broken that constraints enforce. Each must be zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Violations {
    /// Open payouts that were sent more often than people granted.
    pub sent_without_grant: i64,
    /// Payouts that may have left and will never be queried.
    pub never_queried: i64,
    /// Payouts that may have left and hold no money.
    pub nothing_held: i64,
    /// 1 if the five accounts do not sum to zero.
    pub accounts_unbalanced: i64,
    /// 1 if open payouts hold more than the account `held`.
    pub held_not_covered: i64,
}

impl Violations {
    /// The counts by the names that metrics use.
    pub fn by_name(&self) -> [(&'static str, i64); 5] {
        [
            ("sent_without_grant", self.sent_without_grant),
            ("never_queried", self.never_queried),
            ("nothing_held", self.nothing_held),
            ("accounts_unbalanced", self.accounts_unbalanced),
            ("held_not_covered", self.held_not_covered),
        ]
    }
}

/// The comparison of one merchant's accounts with the sum of all its ledger entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BooksCheck {
    /// The merchant.
    pub merchant_code: String,
    /// The sum of the absolute differences of the five accounts. Must be zero.
    pub difference: Rupiah,
}
