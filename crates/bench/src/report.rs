//! Figures, the table that shows them, and the record that keeps them.

use std::{collections::BTreeMap, fs, time::Duration};

use anyhow::{Context, Result};
use chrono::Utc;
use serde::{Deserialize, Serialize};

use crate::{
    Options, cases::Case, cost::Cost, enqueue::Inserted, gateway::Report, machine::Machine,
};

/// What one run measured: name and value. Names end in their unit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Figures(BTreeMap<String, f64>);

impl Figures {
    fn with(mut self, name: &str, value: f64) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    /// Speed is that of the middle: the first tenth starts the pipeline, the last tenth empties it.
    pub(crate) fn of_drain(
        seen: &Report,
        payouts: usize,
        settled: usize,
        cost: &Cost,
        memory: u64,
    ) -> Self {
        let mut times: Vec<i64> = seen
            .settled_at_us
            .iter()
            .copied()
            .filter(|at| *at > 0)
            .collect();
        times.sort_unstable();
        let at = |permille: usize| {
            let place = payouts.saturating_mul(permille) / 1000;
            (
                place,
                times
                    .get(place.min(times.len().saturating_sub(1)))
                    .copied()
                    .unwrap_or(0),
            )
        };
        let ((from, begun), (to, ended)) = (at(100), at(900));
        let seconds = ended.saturating_sub(begun) as f64 / 1e6;
        let first = seen.submitted_at_us.iter().copied().filter(|at| *at > 0);
        let mut first: Vec<i64> = first.collect();
        first.sort_unstable();
        let to_first_400 = first
            .first()
            .zip(first.get(399))
            .map_or(f64::NAN, |(begun, ended)| {
                ended.saturating_sub(*begun) as f64 / 1e3
            });
        Self::of_cost(settled, cost, memory)
            .with(
                "payouts_per_second",
                to.saturating_sub(from) as f64 / seconds,
            )
            .with("first_400_submits_ms", to_first_400)
            .with("queries", f64::from(seen.queries))
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
        Self::of_cost(settled, cost, memory)
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

    fn of_cost(payouts: usize, cost: &Cost, memory: u64) -> Self {
        let each = payouts.max(1) as f64;
        let cpu = |time: Duration| time.as_secs_f64() * 1e6 / each;
        Self::default()
            .with("worker_cpu_us", cpu(cost.worker_cpu))
            .with("postgres_cpu_us", cpu(cost.postgres_cpu))
            .with("commits", cost.commits as f64 / each)
            .with("wal_bytes", cost.wal_bytes as f64 / each)
            .with("worker_memory_mb", memory as f64 / 1024.0 / 1024.0)
    }
}

fn quantile(sorted: &[f64], part: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    // Why: a part of a length is a length.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let place = (last as f64 * part).round() as usize;
    sorted.get(place).copied().unwrap_or(f64::NAN)
}

/// What is committed: every figure of every case, and the machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    measured_on: String,
    machine: Option<Machine>,
    cases: BTreeMap<String, Figures>,
}

/// Collects the figures of all runs.
pub(crate) struct Table {
    pub(crate) machine: Option<Machine>,
    options: Options,
    earlier: Option<Record>,
    cases: Vec<(&'static str, Vec<Figures>, Vec<Figures>)>,
}

impl Table {
    pub(crate) fn new(options: &Options) -> Result<Self> {
        let read = |path| anyhow::Ok(serde_json::from_slice(&fs::read(path)?)?);
        let earlier = options.compare.as_ref().map(read).transpose();
        Ok(Self {
            machine: None,
            options: options.clone(),
            earlier: earlier.context("could not read the record to compare with")?,
            cases: Vec::new(),
        })
    }

    pub(crate) fn add(&mut self, case: &Case, figures: Figures) {
        match self.cases.last_mut() {
            Some((name, runs, _)) if *name == case.name => runs.push(figures),
            _ => self.cases.push((case.name, vec![figures], Vec::new())),
        }
    }

    pub(crate) fn add_other(&mut self, case: &Case, figures: Figures) {
        if let Some((_, _, others)) = self
            .cases
            .last_mut()
            .filter(|(name, _, _)| *name == case.name)
        {
            others.push(figures);
        }
    }

    /// Prints the last case: its figures, and the ratio to the other program or to the record.
    pub(crate) fn print_last(&self) {
        let Some((case, runs, others)) = self.cases.last() else {
            return;
        };
        println!("{case}");
        let earlier = self
            .earlier
            .as_ref()
            .and_then(|record| record.cases.get(*case));
        for (name, value) in median(runs).0 {
            let compared = if others.is_empty() {
                earlier
                    .and_then(|figures| figures.0.get(&name))
                    .map(|earlier| {
                        format!(
                            "{:8.3} of the record's {}",
                            value / earlier,
                            shown(*earlier)
                        )
                    })
            } else {
                Some(ratios(&name, runs, others))
            };
            println!(
                "  {name:28} {:>12}  {}",
                shown(value),
                compared.unwrap_or_default()
            );
        }
    }

    /// Writes the record, if one is wanted.
    pub(crate) fn finish(self) -> Result<()> {
        if let Some(machine) = &self.machine {
            println!(
                "{}, {} cores, Postgres {}; one signature and two verifications take {:.0} µs",
                machine.cpu, machine.cores, machine.postgres, machine.rsa_floor_us
            );
        }
        let Some(path) = &self.options.record else {
            return Ok(());
        };
        let record = Record {
            measured_on: Utc::now().format("%Y-%m-%d").to_string(),
            machine: self.machine,
            cases: self
                .cases
                .iter()
                .map(|(name, runs, _)| ((*name).to_owned(), median(runs)))
                .collect(),
        };
        fs::write(path, serde_json::to_string_pretty(&record)? + "\n")?;
        Ok(())
    }
}

/// The median of each figure over the runs.
fn median(runs: &[Figures]) -> Figures {
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

/// The ratio of each pair of runs: median, least and most.
fn ratios(name: &str, runs: &[Figures], others: &[Figures]) -> String {
    let mut ratios: Vec<f64> = runs
        .iter()
        .zip(others)
        .filter_map(|(run, other)| Some(run.0.get(name)? / other.0.get(name)?))
        .collect();
    ratios.sort_unstable_by(f64::total_cmp);
    let (least, most) = (quantile(&ratios, 0.0), quantile(&ratios, 1.0));
    format!(
        "{:8.3} of the other's ({least:.3} to {most:.3})",
        quantile(&ratios, 0.5)
    )
}

fn shown(value: f64) -> String {
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
        assert!(ratios("wal_bytes", &of(3.0), &of(2.0)).contains("1.500 of the other's"));
    }
}
