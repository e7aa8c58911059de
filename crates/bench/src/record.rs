//! The committed record: what each case measured, on which machine and in which size.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::{
    cases::Case,
    figures::{Figures, Ratio, ratio},
    machine::Machine,
};

/// Every recorded case. Cases may be of different days, but of one machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) machine: Machine,
    pub(crate) cases: BTreeMap<String, Recorded>,
    /// Cases that ran in turns with another one.
    #[serde(default)]
    pub(crate) pairs: BTreeMap<String, Paired>,
}

/// One case, or one round of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Recorded {
    /// The day, as in 2026-11-28.
    pub(crate) measured_on: String,
    /// How often it ran; the figures are medians.
    pub(crate) runs: usize,
    pub(crate) size: Size,
    pub(crate) figures: Figures,
}

/// The figures of one case, divided by those of another one that ran in turns with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Paired {
    /// The day, as in 2026-11-28.
    pub(crate) measured_on: String,
    pub(crate) pairs: usize,
    pub(crate) size: Size,
    pub(crate) ratios: BTreeMap<String, Ratio>,
}

impl Paired {
    pub(crate) fn of(
        measured_on: String,
        size: Size,
        runs: &[Figures],
        others: &[Figures],
    ) -> Self {
        let names = runs.first().into_iter().flat_map(Figures::iter);
        let ratios = names
            .map(|(name, _)| (name.clone(), ratio(name, runs, others)))
            // Nothing divided by nothing, such as callbacks that were refused.
            .filter(|(_, ratio)| ratio.least.is_finite() && ratio.most.is_finite());
        Self {
            measured_on,
            pairs: runs.len().min(others.len()),
            size,
            ratios: ratios.collect(),
        }
    }

    /// The name under which a record keeps it.
    pub(crate) fn key(one: &str, other: &str) -> String {
        format!("{one} to {other}")
    }
}

/// How large a case was. Figures of different sizes are not compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Size {
    payouts: usize,
    backlog: usize,
    history: usize,
    behind: usize,
}

impl From<&Case> for Size {
    fn from(case: &Case) -> Self {
        Self {
            payouts: case.payouts,
            backlog: case.backlog,
            history: case.history,
            behind: case.behind,
        }
    }
}

impl Record {
    /// The record in this file, if there is one.
    pub(crate) fn read(file: &Path) -> Result<Option<Self>> {
        if !file.exists() {
            return Ok(None);
        }
        let text = fs::read(file)?;
        let record = serde_json::from_slice(&text);
        record
            .map(Some)
            .with_context(|| format!("{} is no record of this version: remove it", file.display()))
    }

    /// Fails if it is of another machine than this one: its cases and new ones could not be compared.
    pub(crate) fn ensure_same_machine(&self, machine: &Machine) -> Result<()> {
        ensure!(
            self.machine.is_like(machine),
            "the record is of another machine or server ({}): remove it and record every case here",
            self.machine.in_words()
        );
        Ok(())
    }

    /// The ratio of this figure of two cases that ran in turns, and how many pairs there were.
    pub(crate) fn ratio(&self, one: &str, other: &str, name: &str) -> Option<(Ratio, usize)> {
        let paired = self.pairs.get(&Paired::key(one, other))?;
        Some((*paired.ratios.get(name)?, paired.pairs))
    }

    /// One figure.
    pub(crate) fn figure(&self, case: &str, name: &str) -> Option<f64> {
        self.cases.get(case)?.figures.get(name)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A record with these figures, of the sizes of no case.
    pub(crate) fn sample(figures: &[(&str, &str, f64)]) -> Record {
        let mut cases = BTreeMap::new();
        for (case, name, value) in figures {
            let recorded = cases.entry((*case).to_owned()).or_insert_with(|| Recorded {
                measured_on: "2026-11-28".to_owned(),
                runs: 1,
                size: Size::from(&crate::cases::ALL[0]),
                figures: Figures::default(),
            });
            recorded.figures = recorded.figures.clone().with(name, *value);
        }
        Record {
            machine: Machine {
                cpu: "A & B".to_owned(),
                cores: 2,
                memory_gb: 8,
                kernel: "6.1".to_owned(),
                postgres: "15.18".to_owned(),
                settings: BTreeMap::from([("fsync".to_owned(), "on".to_owned())]),
                rsa_floor_us: 280.0,
            },
            cases,
            pairs: BTreeMap::new(),
        }
    }

    #[test]
    fn a_record_reads_back_and_keeps_its_machine() -> Result<()> {
        let record = sample(&[("saturation", "payouts_per_second", 1_000.0)]);
        let read: Record = serde_json::from_str(&serde_json::to_string(&record)?)?;
        assert_eq!(
            read.figure("saturation", "payouts_per_second"),
            Some(1_000.0)
        );
        assert!(read.ensure_same_machine(&record.machine).is_ok());
        let mut other = record.machine;
        other.cores = 64;
        assert!(read.ensure_same_machine(&other).is_err());
        Ok(())
    }
}
