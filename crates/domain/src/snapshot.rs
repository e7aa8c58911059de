//! What the books say at one moment, for metrics and reports.

use std::time::Duration;

use super::{attention::Attention, money::Rupiah, state::State, words};

/// Everything that is read from the database for metrics. Equal on every instance, apart from its age.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The database's clock, in seconds since 1970.
    pub read_at: i64,
    /// How long the reading took.
    pub took: Duration,
    /// Every registered merchant.
    pub merchants: Vec<MerchantBooks>,
    /// Callbacks for orders that we do not know.
    pub unmatched_callbacks: Pile,
    /// What people have paused.
    pub pauses: Pile,
    /// Requests that wait for a second person.
    pub approvals: Pile,
}

/// What the books say of one merchant. What is not listed is zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MerchantBooks {
    /// The merchant.
    pub merchant_code: String,
    /// Payouts in the states that are not final.
    pub open: Vec<(State, Pile)>,
    /// Payouts that could be claimed now; their age counts from when they became due.
    pub claimable: Pile,
    /// Payouts that need a person, by reason.
    pub attention: Vec<(Attention, Pile)>,
    /// Payouts whose question is due; their age counts from then.
    pub queries_due: Pile,
    /// Payouts still in `submitting` although their lease ended; their age counts from then.
    pub leases_expired: Pile,
    /// What ever happened, by the step taken. Never falls.
    pub totals: Vec<(Step, Total)>,
    /// The five accounts.
    pub accounts: Accounts,
    /// What the gateway last stated, if it did.
    pub gateway: Option<GatewayReading>,
    /// Promises that the tables must never break.
    pub violations: Violations,
}

/// Some payouts (or other things), what they are worth and since when the oldest is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pile {
    /// How many.
    pub count: i64,
    /// Their principal; zero where no money is meant.
    pub rupiah: Rupiah,
    /// Seconds since 1970; `None` when there are none.
    pub oldest_at: Option<i64>,
}

words! {
    /// A step that a payout takes at most once, or nearly so, as in `payout.totals`.
    pub enum Step: "a step" {
        /// It was inserted.
        Enqueued = "enqueued",
        /// It became paid.
        Paid = "paid",
        /// It became failed.
        Failed = "failed",
        /// It was withdrawn.
        Cancelled = "cancelled",
        /// It came back after it was paid.
        Returned = "returned",
    }
}

/// How often a step was taken since the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Payouts.
    pub payouts: i64,
    /// Their principal.
    pub rupiah: Rupiah,
    /// Those of them that took more than ten minutes.
    pub late: i64,
}

/// The balances of one merchant; their sum is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    /// Free to be paid out.
    pub available: Rupiah,
    /// Set aside for payouts that may have left.
    pub held: Rupiah,
    /// Received by beneficiaries.
    pub paid_out: Rupiah,
    /// Kept by the gateway.
    pub fees: Rupiah,
    /// Where the money came from; the negative side.
    pub funding: Rupiah,
}

impl Accounts {
    /// By the names of `payout.balances`.
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

/// The balance that the gateway last stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatewayReading {
    /// Free at the gateway.
    pub balance: Rupiah,
    /// Set aside at the gateway for payouts under way.
    pub frozen: Rupiah,
    /// On its way in; not ours yet, so no part of the difference.
    pub pending: Rupiah,
    /// When it was read, in seconds since 1970.
    pub read_at: i64,
    /// `balance + frozen` less what our books had as `available + held` at that moment; below zero the gateway has
    /// less. `None` when too much was booked since then to say.
    pub difference: Option<Rupiah>,
}

/// How often a promise is broken that constraints already hold; each must be zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Violations {
    /// Open payouts sent more often than people granted.
    pub sent_without_grant: i64,
    /// Payouts that may have left and that nothing will ever ask about.
    pub never_queried: i64,
    /// Payouts that may have left and hold no money.
    pub nothing_held: i64,
    /// 1 when the five accounts do not sum to zero.
    pub accounts_unbalanced: i64,
    /// 1 when open payouts hold more than the account `held` has.
    pub held_not_covered: i64,
}

impl Violations {
    /// By name.
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

/// The books of one merchant against the sum of every ledger entry there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BooksCheck {
    /// The merchant.
    pub merchant_code: String,
    /// By how much the five accounts miss the ledger, summed without signs. Must be zero.
    pub difference: Rupiah,
}
