//! Figures: what one run measured.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{cost::Cost, enqueue::Inserted, gateway::Report};

/// The figures of each round, under the name by which they are kept.
pub(crate) type Rounds = Vec<(String, Figures)>;

/// What a round settled.
pub(crate) struct Settled<'a> {
    pub(crate) seen: &'a Report,
    /// How many payouts it is about; more may have been settled, of the backlog.
    pub(crate) payouts: usize,
    /// When the measured time began, in microseconds since 1970. What was sent before belongs to an earlier round.
    pub(crate) began_us: i64,
    /// When the measured time ended, in microseconds since 1970.
    pub(crate) ended_us: i64,
}

impl Settled<'_> {
    /// The times of this round's orders and of what came behind them, in order.
    fn times(&self, by_order: &[i64]) -> Vec<i64> {
        let is_own = |at: &i64| *at > self.began_us;
        let mut times: Vec<i64> = by_order.iter().copied().filter(is_own).collect();
        times.sort_unstable();
        times
    }

    /// How many payouts share the cost. While the backlog goes on, more are submitted than settled, so each half counts as
    /// half of a payout.
    fn shares(&self) -> f64 {
        let until_end = |by_order: &[i64]| {
            let times = self.times(by_order);
            times.iter().filter(|at| **at <= self.ended_us).count() as f64
        };
        until_end(&self.seen.submitted_at_us).midpoint(until_end(&self.seen.settled_at_us))
    }

    /// Speed is that of the middle: the first tenth starts the pipeline, the last tenth empties it.
    fn per_second(&self) -> f64 {
        let times = self.times(&self.seen.settled_at_us);
        let last = times.len().saturating_sub(1);
        let place = |permille: usize| self.payouts.saturating_mul(permille) / 1000;
        let at = |place: usize| times.get(place.min(last)).copied().unwrap_or(0);
        let (from, to) = (place(100), place(900));
        let seconds = at(to).saturating_sub(at(from)) as f64 / 1e6;
        to.saturating_sub(from) as f64 / seconds
    }
}

/// What one run measured: name and value. Names end in their unit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Figures(BTreeMap<String, f64>);

impl Figures {
    pub(crate) fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, f64)> {
        self.0.iter().map(|(name, value)| (name, *value))
    }

    pub(crate) fn with(mut self, name: &str, value: f64) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    /// The same with one more figure, if there is one.
    pub(crate) fn with_some(self, name: &str, value: Option<f64>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(crate) fn of_drain(settled: &Settled<'_>, cost: &Cost, memory: u64) -> Self {
        let mut first = settled.times(&settled.seen.submitted_at_us);
        first.truncate(400);
        let to_first_400 = first.first().zip(first.get(399));
        let to_first_400 =
            to_first_400.map(|(begun, ended)| ended.saturating_sub(*begun) as f64 / 1e3);
        Self::of_cost(settled.shares(), cost, memory)
            .with("payouts_per_second", settled.per_second())
            .with_some("first_400_submits_ms", to_first_400)
            .with("queries", f64::from(settled.seen.queries))
            .with(
                "callbacks_refused",
                f64::from(settled.seen.callbacks_refused),
            )
    }

    /// Both sides' CPU counts, so that the figure is that of one core that does everything.
    pub(crate) fn of_callbacks(settled: &Settled<'_>, cost: &Cost, memory: u64) -> Self {
        let cpu = cost.worker_cpu.saturating_add(cost.postgres_cpu);
        let callbacks = settled.payouts as f64;
        Self::of_cost(callbacks, cost, memory)
            .with("callbacks_per_second", settled.per_second())
            .with("callbacks_per_core_second", callbacks / cpu.as_secs_f64())
    }

    /// Latency counts from the insert's commit, as the backend sees it, and from its start.
    pub(crate) fn of_paced(
        inserted: &[Inserted],
        seen: &Report,
        settled: usize,
        cost: &Cost,
        memory: u64,
    ) -> Self {
        let since = |from: fn(&Inserted) -> i64| {
            let mut times: Vec<f64> = inserted
                .iter()
                .filter_map(|row| Some((seen.submitted_at_us.get(row.number)?, row)))
                .map(|(at, row)| at.saturating_sub(from(row)) as f64 / 1e3)
                .collect();
            times.sort_unstable_by(f64::total_cmp);
            times
        };
        let (committed, began) = (
            since(|row| row.committed_at_us),
            since(|row| row.began_at_us),
        );
        Self::of_cost(settled as f64, cost, memory)
            .with("commit_to_wire_p50_ms", quantile(&committed, 0.5))
            .with("commit_to_wire_p99_ms", quantile(&committed, 0.99))
            .with("insert_to_wire_p50_ms", quantile(&began, 0.5))
            .with("insert_to_wire_p99_ms", quantile(&began, 0.99))
    }

    pub(crate) fn of_enqueue(ours: f64, bare: f64) -> Self {
        Self::default()
            .with("inserts_per_second", ours)
            .with("bare_inserts_per_second", bare)
            .with("inserts_to_bare_ratio", ours / bare)
    }

    fn of_cost(payouts: f64, cost: &Cost, memory: u64) -> Self {
        let each = payouts.max(1.0);
        let cpu = |time: Duration| time.as_secs_f64() * 1e6 / each;
        Self::default()
            .with(
                "cpu_us",
                cpu(cost.worker_cpu.saturating_add(cost.postgres_cpu)),
            )
            .with("worker_cpu_us", cpu(cost.worker_cpu))
            .with("postgres_cpu_us", cpu(cost.postgres_cpu))
            .with("commits", cost.commits as f64 / each)
            .with("wal_bytes", cost.wal_bytes as f64 / each)
            .with("worker_memory_mb", memory as f64 / 1024.0 / 1024.0)
    }
}

/// The value of a sorted list below which this part of it lies.
pub(crate) fn quantile(sorted: &[f64], part: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    // Why: a part of a length is a length.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let place = (last as f64 * part).round() as usize;
    sorted.get(place).copied().unwrap_or(f64::NAN)
}

/// The median of each figure over the runs.
pub(crate) fn median(runs: &[Figures]) -> Figures {
    let names = runs
        .first()
        .into_iter()
        .flat_map(|figures| figures.0.keys());
    let of = |name: &String| {
        let mut values: Vec<f64> = runs
            .iter()
            .filter_map(|figures| figures.0.get(name).copied())
            .collect();
        values.sort_unstable_by(f64::total_cmp);
        quantile(&values, 0.5)
    };
    Figures(names.map(|name| (name.clone(), of(name))).collect())
}

/// The ratio of each pair of runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ratio {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            median,
            least,
            most,
        } = self;
        write!(f, "{median:.3} ({least:.3} to {most:.3})")
    }
}

/// This figure of the runs, divided by that of the other ones.
pub(crate) fn ratio(name: &str, runs: &[Figures], others: &[Figures]) -> Ratio {
    let mut ratios: Vec<f64> = runs
        .iter()
        .zip(others)
        .filter_map(|(run, other)| Some(run.0.get(name)? / other.0.get(name)?))
        .collect();
    ratios.sort_unstable_by(f64::total_cmp);
    Ratio {
        median: quantile(&ratios, 0.5),
        least: quantile(&ratios, 0.0),
        most: quantile(&ratios, 1.0),
    }
}

/// Three digits that matter.
pub(crate) fn shown(value: f64) -> String {
    if value.abs() < 100.0 {
        format!("{value:.3}")
    } else {
        format!("{value:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_run_counts() {
        let runs = [3.0, 1.0, 2.0].map(|value| Figures::default().with("wal_bytes", value));
        assert_eq!(median(&runs).0.get("wal_bytes"), Some(&2.0));
    }

    #[test]
    fn ratios_are_of_pairs() {
        let of = |value| vec![Figures::default().with("wal_bytes", value)];
        let ratio = ratio(
            "wal_bytes",
            &[of(3.0), of(8.0), of(1.0)].concat(),
            &[of(2.0), of(2.0), of(2.0)].concat(),
        );
        assert_eq!(ratio.to_string(), "1.500 (0.500 to 4.000)");
    }
}
