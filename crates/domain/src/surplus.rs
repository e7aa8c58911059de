//! How much of a surplus at the gateway is certainly new money.
//!
//! A gateway may debit the merchant's balance some time after it has said that a payout is paid. Until then it has more
//! than the books, although no money came. So each reading of its balance carries a limit on: of what has left the books,
//! the gateway has at most so much yet to debit. Only a surplus above the limit is new money.
//!
//! It may also give money back some time after the books have it again. What it has yet to give back makes a late debit
//! look like no surplus, so the limit falls only where not even that explains the balance.

use chrono::{DateTime, TimeDelta, Utc};

/// A gateway is expected to follow the books within this time: to debit a payment, a withdrawal or a fee, and to give back
/// what failed or came back. Later, a surplus that a debit would explain counts as money that came.
pub const FOLLOWS_WITHIN: TimeDelta = TimeDelta::minutes(15);
/// Readings that are closer together than this count as one: the gateway may have shown all of them a moment in which it
/// had changed one part of its balance and not the other one.
pub const APART: TimeDelta = TimeDelta::seconds(1);
/// How long each reading must have new money to be believed while the books change.
const WINDOW: TimeDelta = TimeDelta::minutes(1);
/// The windows of [`FOLLOWS_WITHIN`] and the one that is not over.
const WINDOWS: usize = 16;

/// One reading of the gateway's balance beside the books, in rupiah.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// When the gateway was queried.
    pub queried_at: DateTime<Utc>,
    /// When its answer is compared with the books.
    pub at: DateTime<Utc>,
    /// By how much the gateway's balance exceeds the books; negative if it has less.
    pub surplus: i64,
    /// What is held for payouts that may have left.
    pub held: i64,
    /// Everything that ever left the books.
    pub spent: i64,
    /// Everything that the books ever had back, or had before the gateway had it: what failed, came back, or was funded by
    /// people.
    pub regained: i64,
}

impl Reading {
    /// The gateway has at most this much more than the books if it has debited everything that left them, and has this much
    /// yet to give back: the payments that it has debited and not confirmed are within what is held.
    fn at_most(&self, unrefunded: &[i64]) -> i64 {
        unrefunded
            .iter()
            .fold(self.surplus.saturating_add(self.held), |sum, part| {
                sum.saturating_add(*part)
            })
    }
}

/// What the readings of a merchant's balance have shown, in rupiah.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// When the last reading was taken into account that was [`APART`] from the one before.
    pub counted_at: DateTime<Utc>,
    /// Everything that had left the books at the last reading.
    pub spent: i64,
    /// Everything that the books had had back at the last reading.
    pub regained: i64,
    /// The surplus at the last reading, what was held then, and what the gateway may have had yet to give back; of several
    /// readings that count as one, the most.
    pub at_most: i64,
    /// Of what left the books in each window, the gateway has at most this much yet to debit; the latest window first.
    /// What left earlier is debited.
    pub undebited: Vec<i64>,
    /// What the books had back in each window, the latest first: the gateway may have it yet to give back.
    pub unrefunded: Vec<i64>,
    /// The lowest new money of a reading in this window; negative if one had none.
    pub lowest: i64,
    /// When this window began.
    pub window_began: DateTime<Utc>,
    /// Since when each reading has had new money.
    pub surplus_since: Option<DateTime<Utc>>,
}

impl Watch {
    /// Before the first reading. Nothing that ever left the books is known to be debited, or to be refunded.
    pub fn begin(first: &Reading) -> Self {
        Self {
            counted_at: DateTime::<Utc>::MIN_UTC,
            spent: 0,
            regained: 0,
            at_most: i64::MAX,
            undebited: vec![0],
            unrefunded: vec![0],
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
        let back = reading.regained.saturating_sub(self.regained).max(0);
        for (windows, more) in [(&mut self.undebited, left), (&mut self.unrefunded, back)] {
            if let Some(latest) = windows.first_mut() {
                *latest = latest.saturating_add(more);
            }
        }
        let at_most = reading.at_most(&self.unrefunded);
        let of_both = at_most.max(self.at_most.saturating_add(left));
        if reading.queried_at.signed_duration_since(self.counted_at) >= APART {
            // Two readings in a row: the gateway may state its parts while money moves between them.
            self.limit(of_both);
            self.at_most = at_most;
            self.counted_at = reading.at;
        } else {
            self.at_most = of_both;
        }
        (self.spent, self.regained) = (reading.spent, reading.regained);
        self.lowest = self.lowest.min(self.new_money(reading.surplus));
        let lasting = if reading.queried_at.signed_duration_since(self.window_began) < WINDOW {
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
        for windows in [&mut self.undebited, &mut self.unrefunded] {
            windows.insert(0, 0);
            windows.truncate(WINDOWS);
        }
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

    /// A gateway that debits and refunds late, and the books of its merchant.
    #[derive(Default)]
    struct Merchant {
        /// What the gateway has yet to debit, and when it will.
        late: VecDeque<(i64, i64)>,
        /// What the gateway has yet to give back, and when it will.
        unrefunded: VecDeque<(i64, i64)>,
        /// Debited, and not in the books yet.
        held: i64,
        /// New money that came, and how much of it is booked.
        came: i64,
        booked: i64,
        spent: i64,
        regained: i64,
    }

    impl Merchant {
        fn reading(&self, second: i64) -> Reading {
            let sum = |parts: &VecDeque<(i64, i64)>| parts.iter().map(|one| one.0).sum::<i64>();
            let (late, unrefunded) = (sum(&self.late), sum(&self.unrefunded));
            Reading {
                queried_at: at(second),
                at: at(second),
                surplus: self.came - self.booked + late - self.held - unrefunded,
                held: self.held,
                spent: self.spent,
                regained: self.regained,
            }
        }

        /// The gateway debits and refunds what is due by this second.
        fn follow(&mut self, second: i64) {
            self.late.retain(|one| one.1 > second);
            self.unrefunded.retain(|one| one.1 > second);
        }

        /// Pays this much, which the gateway debits then.
        fn pay(&mut self, paid: i64, debited: i64) {
            self.spent += paid;
            self.late.push_back((paid, debited));
        }

        /// What is held ends in the books: paid, or failed and refunded then.
        fn end_held(&mut self, refunded: Option<i64>) {
            let ended = std::mem::take(&mut self.held);
            match refunded {
                None => self.spent += ended,
                Some(refunded) => {
                    self.regained += ended;
                    self.unrefunded.push_back((ended, refunded));
                }
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

    /// Traffic, top-ups, payments that are debited before they are in the books and after, and failures that are refunded
    /// after: never more is booked than came, and soon after the gateway may be late no longer, all of it is.
    #[test]
    fn whatever_is_debited_or_refunded_when_no_more_is_booked_than_came_and_in_the_end_all_of_it() {
        let seed = rand::random::<u64>();
        println!("seed {seed}");
        let mut random = StdRng::seed_from_u64(seed);
        for _ in 0..100 {
            let mut merchant = Merchant::default();
            let mut watch = Watch::begin(&merchant.reading(0));
            let latest = FOLLOWS_WITHIN.num_seconds() - 60;
            let slowest = random.random_range(0..latest);
            let mut second = 0;
            for _ in 0..2_000 {
                second += random.random_range(1..=15);
                merchant.follow(second);
                if random.random_ratio(1, 3) {
                    let paid = random.random_range(1..=100_000);
                    merchant.pay(paid, second + random.random_range(0..=slowest));
                }
                // A payment in flight, from its debit to its end in the books.
                if merchant.held > 0 && random.random_ratio(1, 2) {
                    let refunded = second + random.random_range(0..=slowest);
                    merchant.end_held(random.random_ratio(1, 4).then_some(refunded));
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
            merchant.end_held(None);
            let quiet = second;
            while second < quiet + FOLLOWS_WITHIN.num_seconds() + 300 {
                second += 15;
                merchant.follow(second);
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
                merchant.follow(second);
                merchant.pay(paid, second + 2);
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

    /// The gateway takes money out of one part of its balance and shows it in the other one only at the next reading, and
    /// several workers read it meanwhile.
    #[test]
    fn readings_of_one_moment_that_are_too_low_make_no_new_money() {
        let mut watch = Watch::begin(&Merchant::default().reading(0));
        for (queried, second, surplus, spent) in [
            (0, 0, 0, 0),
            (15, 15, 500, 500),
            (30, 30, -100, 500),
            (30, 30, -100, 500),
            // Queried then too, and answered late.
            (30, 32, -100, 500),
            (45, 45, 500, 500),
            (60, 60, 500, 500),
        ] {
            let lasting = watch.read(&Reading {
                queried_at: at(queried),
                at: at(second),
                surplus,
                held: 0,
                spent,
                regained: 0,
            });
            assert!(lasting == 0 && watch.new_money(surplus) <= 0, "{watch:?}");
        }
    }
}
