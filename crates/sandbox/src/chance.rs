//! Reproducible chance: a hash of the seed and the orderNum.

use sha2::{Digest, Sha256};

use super::script::Ending;

/// How an order ends unless a script says so.
pub(super) fn ending(seed: u64, order_num: &str, fail_percent: u8) -> Ending {
    let roll = roll(seed, order_num, "ending");
    if roll % 100 >= u64::from(fail_percent) {
        Ending::Paid
    } else if (roll / 100).is_multiple_of(5) {
        Ending::Cancelled
    } else {
        Ending::Failed
    }
}

/// True for about half of all orders.
pub(super) fn coin(seed: u64, order_num: &str) -> bool {
    roll(seed, order_num, "coin").is_multiple_of(2)
}

fn roll(seed: u64, order_num: &str, purpose: &str) -> u64 {
    let hash = Sha256::new()
        .chain_update(seed.to_be_bytes())
        .chain_update(purpose)
        .chain_update(order_num)
        .finalize();
    hash.first_chunk()
        .map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn about_the_wanted_share_fails_and_always_the_same_orders() {
        let orders: Vec<String> = (0..2_000).map(|n| format!("INV-{n}")).collect();
        let count = |wanted| {
            orders
                .iter()
                .filter(|order| ending(7, order, 10) == wanted)
                .count()
        };
        assert!(
            (120..=200).contains(&count(Ending::Failed)),
            "{}",
            count(Ending::Failed)
        );
        assert!(
            (20..=70).contains(&count(Ending::Cancelled)),
            "{}",
            count(Ending::Cancelled)
        );
        assert!(
            orders
                .iter()
                .all(|order| ending(7, order, 0) == Ending::Paid)
        );
        assert!(
            orders
                .iter()
                .all(|order| ending(7, order, 100) != Ending::Paid)
        );
        let heads = orders.iter().filter(|order| coin(7, order)).count();
        assert!((850..=1_150).contains(&heads), "{heads}");
    }
}
