//! The table that shows figures.

use std::collections::BTreeMap;

use anyhow::Result;
use chrono::Utc;

use crate::{
    Options,
    cases::Case,
    figures::{Figures, Rounds, median, ratio, shown},
    goals,
    machine::Machine,
    page,
    record::{Paired, Record, Recorded, Size},
};

/// Collects the figures of all runs.
pub(crate) struct Table {
    machine: Option<Machine>,
    options: Options,
    /// The record to compare with, or to add to.
    earlier: Option<Record>,
    cases: Vec<Measured>,
    pairs: BTreeMap<String, Paired>,
    printed: usize,
}

/// The runs of one round of a case.
struct Measured {
    name: String,
    size: Size,
    runs: Vec<Figures>,
    /// Of the other program.
    others: Vec<Figures>,
}

impl Table {
    pub(crate) fn new(options: &Options) -> Result<Self> {
        let file = options.record.as_ref().or(options.compare.as_ref());
        Ok(Self {
            machine: None,
            options: options.clone(),
            earlier: file.map(|file| Record::read(file)).transpose()?.flatten(),
            cases: Vec::new(),
            pairs: BTreeMap::new(),
            printed: 0,
        })
    }

    pub(crate) fn knows_machine(&self) -> bool {
        self.machine.is_some()
    }

    /// Fails if the record to add to is of another machine.
    pub(crate) fn set_machine(&mut self, machine: Machine) -> Result<()> {
        if let (Some(_), Some(earlier)) = (&self.options.record, &self.earlier) {
            earlier.ensure_same_machine(&machine)?;
        }
        self.machine = Some(machine);
        Ok(())
    }

    pub(crate) fn add(&mut self, case: &Case, rounds: Rounds) {
        self.keep(case, rounds, |measured| &mut measured.runs);
    }

    pub(crate) fn add_other(&mut self, case: &Case, rounds: Rounds) {
        self.keep(case, rounds, |measured| &mut measured.others);
    }

    /// Divides the figures of one case by those of another one that ran in turns with it.
    pub(crate) fn compare(&mut self, [one, other]: &[String; 2]) {
        let of = |name: &String| self.cases.iter().find(|known| known.name == *name);
        let (Some(of_one), Some(of_other)) = (of(one), of(other)) else {
            return;
        };
        let paired = Paired::of(today(), of_one.size, &of_one.runs, &of_other.runs);
        println!("{one}, to {other}: {} pairs", paired.pairs);
        for (name, ratio) in &paired.ratios {
            println!("  {name:28} {ratio}");
        }
        self.pairs.insert(Paired::key(one, other), paired);
    }

    fn keep(
        &mut self,
        case: &Case,
        rounds: Rounds,
        within: fn(&mut Measured) -> &mut Vec<Figures>,
    ) {
        for (name, figures) in rounds {
            if self.cases.iter().all(|known| known.name != name) {
                self.cases.push(Measured {
                    name: name.clone(),
                    size: Size::from(case),
                    runs: Vec::new(),
                    others: Vec::new(),
                });
            }
            let measured = self.cases.iter_mut().find(|known| known.name == name);
            if let Some(measured) = measured {
                within(measured).push(figures);
            }
        }
    }

    /// Prints what is not printed yet: the figures, and the ratio to the other program or to the record.
    pub(crate) fn print_new(&mut self) {
        for case in self.cases.iter().skip(self.printed) {
            println!("{}", case.name);
            let earlier = self.earlier.as_ref();
            let mut earlier = earlier.and_then(|record| record.cases.get(&case.name));
            if earlier.is_some_and(|recorded| recorded.size != case.size) {
                println!("  not compared: the record is of another size");
                earlier = None;
            }
            for (name, value) in median(&case.runs).iter() {
                let compared = if case.others.is_empty() {
                    let earlier = earlier.and_then(|recorded| recorded.figures.get(name));
                    earlier.map_or_else(String::new, |earlier| {
                        let ratio = value / earlier;
                        format!("{ratio:8.3} of the record's {}", shown(earlier))
                    })
                } else {
                    let ratio = ratio(name, &case.runs, &case.others);
                    format!("{ratio} of the other's")
                };
                println!("  {name:28} {:>12}  {compared}", shown(value));
            }
        }
        self.printed = self.cases.len();
    }

    /// Prints the machine and the goals, and writes the record if one is wanted.
    pub(crate) fn finish(self) -> Result<()> {
        let Some(machine) = self.machine else {
            return Ok(());
        };
        println!(
            "{}; one signature and two verifications take {:.0} µs",
            machine.in_words(),
            machine.rsa_floor_us
        );
        let measured_on = today();
        let new = self.cases.iter().map(|case| {
            let recorded = Recorded {
                measured_on: measured_on.clone(),
                runs: case.runs.len(),
                size: case.size,
                figures: median(&case.runs),
            };
            (case.name.clone(), recorded)
        });
        let mut record = Record {
            machine,
            cases: new.collect(),
            pairs: self.pairs,
        };
        for [what, value, wanted, verdict] in goals::lines(&record) {
            println!("goal: {what}: {value}, wanted {wanted}: {verdict}");
        }
        let Some(file) = &self.options.record else {
            return Ok(());
        };
        if let Some(earlier) = self.earlier {
            for (name, recorded) in earlier.cases {
                record.cases.entry(name).or_insert(recorded);
            }
            for (name, paired) in earlier.pairs {
                record.pairs.entry(name).or_insert(paired);
            }
        }
        page::publish(&record, file)
    }
}

/// As in 2026-11-28.
fn today() -> String {
    Utc::now().format("%Y-%m-%d").to_string()
}
