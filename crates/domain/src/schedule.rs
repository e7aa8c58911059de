//! When to query next. Durable: the result is a column, so a restart changes nothing.

use std::time::Duration;

/// The timing rules of one deployment (`deploy/payout.toml`, `[poll]`).
#[derive(Clone, Copy, Debug)]
pub struct PollRules {
    /// Pause before the first query.
    pub first_after: Duration,
    /// Maximum pause between two queries. Querying never ends.
    pub max_interval: Duration,
    /// How long after the send-by time "not found" starts to mean something (I10).
    pub quiet_horizon: Duration,
    /// A `FAIL` becomes final after two "not found" answers, the first at least this long after it.
    pub decline_confirm: Duration,
}

/// The pause after `queries` queries: doubles from `first_after` up to `max_interval`, then varies by a quarter either
/// way.
///
/// `spread` is any number, preferably derived from the order number. It keeps many payouts from being queried in step.
pub fn pause(rules: &PollRules, queries: u32, spread: u64) -> Duration {
    let doubled = rules
        .first_after
        .saturating_mul(1_u32.checked_shl(queries.min(31)).unwrap_or(u32::MAX));
    let base = doubled
        .min(rules.max_interval)
        .max(Duration::from_millis(1));
    let per_mille = u32::try_from(spread.rem_euclid(501))
        .unwrap_or(0)
        .saturating_add(750);
    base.saturating_mul(per_mille)
        .checked_div(1000)
        .unwrap_or(base)
}

/// The pause before a payout that was provably not sent is claimed again: from 1 s, doubling up to 5 min.
pub fn not_sent_pause(times: u32) -> Duration {
    let doubled = 1_u64.checked_shl(times.min(9)).unwrap_or(300);
    Duration::from_secs(doubled.min(300))
}

/// The interval between the three "not found" answers after the quiet horizon (I10): 10 minutes in all for the default
/// horizon of 30 minutes, proportionally less for a shorter one.
pub fn confirm_interval(rules: &PollRules) -> Duration {
    rules
        .quiet_horizon
        .checked_div(6)
        .unwrap_or_default()
        .clamp(Duration::from_millis(200), Duration::from_mins(5))
}

/// The pause between the two "not found" answers that confirm a refusal.
pub fn decline_second_after(rules: &PollRules) -> Duration {
    rules
        .decline_confirm
        .checked_div(4)
        .unwrap_or_default()
        .clamp(Duration::from_millis(200), Duration::from_mins(5))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: PollRules = PollRules {
        first_after: Duration::from_secs(5),
        max_interval: Duration::from_hours(6),
        quiet_horizon: Duration::from_mins(30),
        decline_confirm: Duration::from_mins(1),
    };

    #[test]
    fn pauses_double_up_to_the_limit_and_never_end() {
        let middle = 250;
        let seconds: Vec<_> = [0, 1, 2, 5, 13, 40, u32::MAX]
            .map(|n| pause(&RULES, n, middle).as_secs())
            .into();
        assert_eq!(seconds, [5, 10, 20, 160, 21_600, 21_600, 21_600]);
    }

    #[test]
    fn pauses_vary_by_a_quarter_either_way() {
        for spread in 0..2_000 {
            let pause = pause(&RULES, 3, spread).as_millis();
            assert!((30_000..=50_000).contains(&pause), "{pause}");
        }
    }
}
