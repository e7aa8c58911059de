//! How much of a surplus at the gateway is certainly new money.
//!
//! A gateway may debit the merchant's balance some time after it has said that a payout is paid. Until then it has more
//! than the books, although no money came. So each reading of its balance carries a limit on: of what has left the books,
//! the gateway has at most so much yet to debit. Only a surplus above the limit is new money.

use chrono::{DateTime, TimeDelta, Utc};

/// A gateway is expected to debit its balance within this time after a payment or a withdrawal is in the books. Later, a
/// surplus that it would explain counts as money that came.
pub const DEBITED_WITHIN: TimeDelta = TimeDelta::minutes(15);
/// How long each reading must have new money to be believed while the books change.
const WINDOW: TimeDelta = TimeDelta::minutes(1);
/// The windows of [`DEBITED_WITHIN`] and the one that is not over.
const WINDOWS: usize = 16;

/// One reading of the gateway's balance beside the books, in rupiah.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// When.
    pub at: DateTime<Utc>,
    /// By how much the gateway's balance exceeds the books; negative if it has less.
    pub surplus: i64,
    /// What is held for payouts that may have left.
    pub held: i64,
    /// Everything that ever left the books.
    pub spent: i64,
}

impl Reading {
    /// The gateway has at most this much more than the books if it has debited everything that left them: the payments that
    /// it has debited and not confirmed are within what is held.
    const fn at_most(&self) -> i64 {
        self.surplus.saturating_add(self.held)
    }
}

/// What the readings of a merchant's balance have shown, in rupiah.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Everything that had left the books at the last reading.
    pub spent: i64,
    /// The surplus at the last reading and what was held then.
    pub at_most: i64,
    /// Of what left the books in each window, the gateway has at most this much yet to debit; the latest window first.
    /// What left earlier is debited.
    pub undebited: Vec<i64>,
    /// The lowest new money of a reading in this window; negative if one had none.
    pub lowest: i64,
    /// When this window began.
    pub window_began: DateTime<Utc>,
    /// Since when each reading has had new money.
    pub surplus_since: Option<DateTime<Utc>>,
}

impl Watch {
    /// Before the first reading. Nothing that ever left the books is known to be debited.
    pub fn begin(first: &Reading) -> Self {
        Self {
            spent: 0,
            at_most: i64::MAX,
            undebited: vec![0],
            lowest: i64::MAX,
            window_began: first.at,
            surplus_since: None,
        }
    }

    /// The part of this surplus that only new money explains; negative if there is none.
    pub fn new_money(&self, surplus: i64) -> i64 {
        self.undebited
            .iter()
            .fold(surplus, |rest, late| rest.saturating_sub(*late))
    }

    /// Takes a reading into account. Returns the new money that every reading of a whole window has had, at the end of
    /// one; otherwise 0.
    pub fn read(&mut self, reading: &Reading) -> i64 {
        let left = reading.spent.saturating_sub(self.spent).max(0);
        if let Some(latest) = self.undebited.first_mut() {
            *latest = latest.saturating_add(left);
        }
        // Two readings in a row: the gateway may state its parts while money moves between them.
        self.limit(reading.at_most().max(self.at_most.saturating_add(left)));
        self.spent = reading.spent;
        self.at_most = reading.at_most();
        self.lowest = self.lowest.min(self.new_money(reading.surplus));
        let lasting = if reading.at.signed_duration_since(self.window_began) < WINDOW {
            0
        } else {
            self.begin_window(reading)
        };
        let is_new = self.new_money(reading.surplus) > 0;
        self.surplus_since = is_new.then(|| self.surplus_since.unwrap_or(reading.at));
        lasting
    }

    /// Begins a window with this reading. Returns the new money that every reading of the last one has had.
    fn begin_window(&mut self, reading: &Reading) -> i64 {
        let lasting = self.lowest.max(0);
        self.undebited.insert(0, 0);
        self.undebited.truncate(WINDOWS);
        self.lowest = self.new_money(reading.surplus);
        self.window_began = reading.at;
        lasting
    }

    /// All windows together have at most this much yet to be debited. The latest keep theirs, because they count longest.
    fn limit(&mut self, at_most: i64) {
        let mut rest = at_most.max(0);
        for late in &mut self.undebited {
            *late = (*late).min(rest);
            rest = rest.saturating_sub(*late);
        }
    }

    /// Takes into account that so much was booked as funding since the last reading.
    ///
    /// What is new after that came later, so what was queried before proves nothing about it.
    pub const fn book(&mut self, funding: i64) {
        self.surplus_since = None;
        self.lowest = self.lowest.saturating_sub(funding);
        self.at_most = self.at_most.saturating_sub(funding);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use rand::{RngExt, SeedableRng, rngs::StdRng};

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    /// A gateway that debits late, and the books of its merchant.
    #[derive(Default)]
    struct Merchant {
        /// What the gateway has yet to debit, and when it will.
        late: VecDeque<(i64, i64)>,
        /// Debited, and not in the books yet.
        held: i64,
        /// New money that came, and how much of it is booked.
        came: i64,
        booked: i64,
        spent: i64,
    }

    impl Merchant {
        fn reading(&self, second: i64) -> Reading {
            let late: i64 = self.late.iter().map(|one| one.0).sum();
            Reading {
                at: at(second),
                surplus: self.came - self.booked + late - self.held,
                held: self.held,
                spent: self.spent,
            }
        }

        /// One reading. As in the store: what two readings in a row agree on, or what a whole window had.
        fn read(&mut self, watch: &mut Watch, second: i64, is_at_rest: bool) {
            let reading = self.reading(second);
            let lasting = watch.read(&reading);
            let new = if is_at_rest {
                watch.new_money(reading.surplus).max(0)
            } else {
                lasting
            };
            watch.book(new);
            self.booked += new;
        }
    }

    /// Traffic, top-ups, payments that are debited before they are in the books and after: never more is booked than came,
    /// and soon after the last payment may be late no longer, all of it is.
    #[test]
    fn whatever_is_debited_when_no_more_is_booked_than_came_and_in_the_end_all_of_it() {
        let seed = rand::random::<u64>();
        println!("seed {seed}");
        let mut random = StdRng::seed_from_u64(seed);
        for _ in 0..100 {
            let mut merchant = Merchant::default();
            let mut watch = Watch::begin(&merchant.reading(0));
            let latest = DEBITED_WITHIN.num_seconds() - 60;
            let slowest = random.random_range(0..latest);
            let mut second = 0;
            for _ in 0..2_000 {
                second += random.random_range(1..=15);
                merchant.late.retain(|one| one.1 > second);
                if random.random_ratio(1, 3) {
                    let paid = random.random_range(1..=100_000);
                    let debited = second + random.random_range(0..=slowest);
                    merchant.spent += paid;
                    merchant.late.push_back((paid, debited));
                }
                // A payment in flight, from its debit to its end in the books.
                if merchant.held > 0 && random.random_ratio(1, 2) {
                    merchant.spent += merchant.held;
                    merchant.held = 0;
                } else if random.random_ratio(1, 4) {
                    merchant.held += random.random_range(1..=100_000);
                }
                if random.random_ratio(1, 200) {
                    merchant.came += random.random_range(1..=1_000_000);
                }
                let is_at_rest = random.random_ratio(1, 2);
                merchant.read(&mut watch, second, is_at_rest);
                assert!(
                    merchant.booked <= merchant.came,
                    "seed {seed}, at {second} s"
                );
            }
            merchant.spent += merchant.held;
            merchant.held = 0;
            let quiet = second;
            while second < quiet + DEBITED_WITHIN.num_seconds() + 300 {
                second += 15;
                merchant.late.retain(|one| one.1 > second);
                merchant.read(&mut watch, second, true);
            }
            assert_eq!(merchant.booked, merchant.came, "seed {seed}");
        }
    }

    /// A payout every second, each debited after two, and no reading that agrees with the one before.
    #[test]
    fn a_top_up_during_traffic_without_a_pause_is_found_within_minutes() {
        let mut merchant = Merchant::default();
        let mut watch = Watch::begin(&merchant.reading(0));
        let mut run = |merchant: &mut Merchant, seconds: std::ops::Range<i64>, paid: i64| {
            for second in seconds {
                merchant.late.retain(|one| one.1 > second);
                merchant.spent += paid;
                merchant.late.push_back((paid, second + 2));
                merchant.read(&mut watch, second, false);
            }
        };
        run(&mut merchant, 1..1_000, 1_000);
        merchant.came = 1_000_000;
        run(&mut merchant, 1_000..1_120, 1_000);
        // What is left out is what the payouts of two minutes might explain.
        let found = merchant.booked;
        assert!((880_000..=1_000_000).contains(&found), "{found}");
        run(&mut merchant, 1_120..2_200, 0);
        assert_eq!(merchant.booked, 1_000_000);
    }

    /// The gateway takes money out of one part of its balance and shows it in the other one only at the next reading.
    #[test]
    fn one_reading_that_is_too_low_makes_no_new_money() {
        let mut watch = Watch::begin(&Merchant::default().reading(0));
        for (second, surplus, spent) in [(0, 0, 0), (15, 500, 500), (30, -100, 500), (45, 500, 500)]
        {
            let lasting = watch.read(&Reading {
                at: at(second),
                surplus,
                held: 0,
                spent,
            });
            assert!(lasting == 0 && watch.new_money(surplus) <= 0, "{watch:?}");
        }
    }
}
