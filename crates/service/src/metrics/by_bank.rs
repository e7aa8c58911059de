//! Publishes what is open and what has ended, by bank.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use payout_domain::snapshot::{MerchantBooks, Pile, Step, Total};

use super::{
    labels::{self, OTHER},
    table,
};

/// The banks that each merchant's series have named: what is no longer open there must show zero.
static BANKS: Mutex<BTreeMap<String, BTreeSet<String>>> = Mutex::new(BTreeMap::new());

/// Sets every series of a merchant that has a bank. There is always `other`, so that a sum is never missing.
pub(super) fn publish(books: &MerchantBooks) {
    let mut late = 0_i64;
    for bank in banks(books) {
        open(books, &bank);
        late = late.saturating_add(ended(books, &bank));
    }
    table::LATE.absolute(&[books.merchant_code.as_str()], late);
}

fn banks(books: &MerchantBooks) -> BTreeSet<String> {
    let mut named = BANKS.lock().unwrap_or_else(PoisonError::into_inner);
    let banks = named.entry(books.merchant_code.clone()).or_default();
    banks.insert(OTHER.to_owned());
    banks.extend(books.totals.iter().map(|(bank, ..)| bank.clone()));
    banks.extend(books.open_by_bank.iter().map(|((bank, _), _)| bank.clone()));
    banks.clone()
}

fn open(books: &MerchantBooks, bank: &str) {
    let merchant = books.merchant_code.as_str();
    for state in labels::open_states() {
        let mut piles = books.open_by_bank.iter();
        let found = piles.find(|((at, of), _)| at == bank && of.name() == *state);
        let pile = found.map_or_else(Pile::default, |(_, pile)| *pile);
        table::OPEN_PAYOUTS.set(&[merchant, bank, state], pile.count);
        table::OPEN_RUPIAH.set(&[merchant, bank, state], pile.rupiah.idr());
    }
}

/// Returns how many settled late.
fn ended(books: &MerchantBooks, bank: &str) -> i64 {
    let merchant = books.merchant_code.as_str();
    let total = |step: Step| {
        let mut totals = books.totals.iter();
        let found = totals.find(|(at, of, _)| at == bank && *of == step);
        found.map_or_else(Total::default, |(_, _, total)| *total)
    };
    let mut late = 0_i64;
    for step in Step::ALL {
        let of_step = total(step);
        let labels = [merchant, bank, step.name()];
        table::STEPS_PAYOUTS.absolute(&labels, of_step.payouts);
        table::STEPS_RUPIAH.absolute(&labels, of_step.rupiah.idr());
        late = late.saturating_add(of_step.late);
    }
    let (paid, returned) = (total(Step::Paid), total(Step::Returned));
    for (sum, rupiah) in [
        ("gross", Some(paid.rupiah)),
        ("fee", Some(paid.fee)),
        ("net", Some(paid.net)),
        ("debit", paid.debit()),
        ("returned", Some(returned.net)),
    ] {
        let rupiah = rupiah.unwrap_or_default().idr();
        table::PAID_RUPIAH.set(&[merchant, bank, sum], rupiah);
    }
    late
}
