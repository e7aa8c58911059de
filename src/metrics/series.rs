//! Which series exist: those that this process counts from the beginning, at zero, so that a first event is a step
//! from 0 to 1. What the books say begins with the first snapshot: a zero before it would be a guess, and the end of
//! a total that never resets.

use std::{
    collections::BTreeMap,
    sync::{PoisonError, RwLock},
};

use super::{
    INSTALLED,
    family::{Family, Origin},
    labels::{OTHER, STOP_REASONS, UNKNOWN_MERCHANT, Values},
    table::{self, FAMILIES},
};

/// The merchants whose series were made, and why the claims of each are stopped.
static MERCHANTS: RwLock<BTreeMap<String, Option<&'static str>>> = RwLock::new(BTreeMap::new());

/// Describes every metric and makes the series that have no merchant.
pub(super) fn begin() {
    for family in FAMILIES {
        family.describe();
        if family.origin == Origin::Process && !has_merchant(family) {
            each(family, None);
        }
    }
    // Callbacks that name no merchant of ours.
    each(&table::CALLBACKS, Some(UNKNOWN_MERCHANT));
}

/// Makes every series of a merchant, once.
pub(super) fn of_merchant(merchant: &str) {
    if INSTALLED.get().is_none() || is_known(merchant) {
        return;
    }
    let mut merchants = MERCHANTS.write().unwrap_or_else(PoisonError::into_inner);
    if merchants.insert(merchant.to_owned(), None).is_some() {
        return;
    }
    for family in FAMILIES {
        if family.origin == Origin::Process && has_merchant(family) {
            each(family, Some(merchant));
        }
    }
}

/// The merchant, or `unknown` when its series were never made.
pub(super) fn known_merchant(merchant: &str) -> &str {
    if is_known(merchant) {
        merchant
    } else {
        UNKNOWN_MERCHANT
    }
}

/// Sets the reason for which claims are stopped, and takes the one before back.
pub(super) fn stop_reason(merchant: &str, reason: Option<&str>) {
    let reason = reason.map(|reason| {
        let known = STOP_REASONS.iter().find(|known| **known == reason);
        known.copied().unwrap_or(OTHER)
    });
    // Most calls change nothing, and come with every claim.
    if is_stopped_by(merchant, reason) {
        return;
    }
    let mut merchants = MERCHANTS.write().unwrap_or_else(PoisonError::into_inner);
    let Some(current) = merchants.get_mut(merchant) else {
        return; // not installed
    };
    if let Some(before) = std::mem::replace(current, reason) {
        table::CLAIMS_STOPPED.set(&[merchant, before], 0);
    }
    if let Some(now) = reason {
        table::CLAIMS_STOPPED.set(&[merchant, now], 1);
    }
}

fn is_known(merchant: &str) -> bool {
    let merchants = MERCHANTS.read().unwrap_or_else(PoisonError::into_inner);
    merchants.contains_key(merchant)
}

fn is_stopped_by(merchant: &str, reason: Option<&str>) -> bool {
    let merchants = MERCHANTS.read().unwrap_or_else(PoisonError::into_inner);
    merchants.get(merchant).is_some_and(|now| *now == reason)
}

fn has_merchant(family: &Family) -> bool {
    let is_merchant = |values| matches!(values, Values::Merchant);
    family.labels.iter().any(|label| is_merchant(label.values))
}

/// Makes every series of a family whose labels have listed values; at most one label beside the merchant has.
fn each(family: &Family, merchant: Option<&str>) {
    let mut combinations: Vec<Vec<&str>> = vec![Vec::new()];
    for label in family.labels {
        let values: Vec<&str> = match label.values {
            Values::Merchant => merchant.into_iter().collect(),
            Values::Words(words) => words.to_vec(),
            // A loop's series begins with its first beat: 0 would look like a loop that stalled in 1970.
            Values::Program => Vec::new(),
        };
        combinations = combinations
            .iter()
            .flat_map(|begun| {
                values
                    .iter()
                    .map(|value| [begun.as_slice(), &[*value]].concat())
            })
            .collect();
    }
    for values in combinations {
        family.begin(&values);
    }
}
