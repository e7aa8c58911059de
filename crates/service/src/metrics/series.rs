//! Which series exist. What this process counts begins at zero, so that the first event is a step from 0 to 1. What is
//! read from the books begins with the first snapshot: a zero before it would be a guess, and would reset a total that
//! never resets.

use std::{
    collections::BTreeMap,
    sync::{PoisonError, RwLock},
};

use payout_domain::stop::StopReason;

use super::{
    INSTALLED,
    family::{Family, Origin},
    labels::{UNKNOWN_MERCHANT, Values},
    table::{self, FAMILIES},
};

/// The merchants whose series exist, and why the claims of each are stopped.
static MERCHANTS: RwLock<BTreeMap<String, Option<&'static str>>> = RwLock::new(BTreeMap::new());

/// Describes every metric and creates the series without a merchant.
pub(super) fn begin() {
    for family in FAMILIES {
        family.describe();
        if family.origin == Origin::Process && !has_merchant(family) {
            each(family, None);
        }
    }
    // For callbacks that name no merchant of ours.
    each(&table::CALLBACKS, Some(UNKNOWN_MERCHANT));
}

/// Creates every series of a merchant, once.
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

/// The merchant, or `unknown` when it has no series.
pub(super) fn known_merchant(merchant: &str) -> &str {
    if is_known(merchant) {
        merchant
    } else {
        UNKNOWN_MERCHANT
    }
}

/// Sets the reason why claims are stopped, and clears the previous one.
pub(super) fn stop_reason(merchant: &str, reason: Option<StopReason>) {
    let reason = reason.map(StopReason::name);
    // Every claim calls this, and most calls change nothing.
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

/// Creates every series of a family whose labels have listed values.
fn each(family: &Family, merchant: Option<&str>) {
    let mut combinations: Vec<Vec<&str>> = vec![Vec::new()];
    for label in family.labels {
        let values: Vec<&str> = match label.values {
            Values::Merchant => merchant.into_iter().collect(),
            Values::Words(words) => words().to_vec(),
            // A loop's series begins with its first round: 0 would look like a loop that stalled in 1970.
            Values::Program | Values::Bank => Vec::new(),
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
