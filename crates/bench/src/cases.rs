//! The cases of a bench.

mod list;

use anyhow::{Result, bail, ensure};

pub(crate) use list::{ALL, DRAIN, PAIRS};

/// What a case does and in which surroundings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) load: Load,
    /// Payouts that are submitted and settled in each round, but for those that are claimed behind a snapshot.
    pub(crate) payouts: usize,
    /// Payouts that stay queued behind them.
    pub(crate) backlog: usize,
    /// Payouts that were paid before the case begins.
    pub(crate) history: usize,
    /// Payouts that are claimed behind a snapshot.
    pub(crate) behind: usize,
    /// One after the other in the same database, each with new workers.
    pub(crate) rounds: &'static [Round],
    /// How often each round runs.
    pub(crate) repeats: usize,
    pub(crate) workers: usize,
    pub(crate) merchants: usize,
    /// Requests of one worker in flight, all merchants together.
    pub(crate) in_flight: usize,
    /// Whether each submit needs a TLS handshake.
    pub(crate) https: bool,
    /// Milliseconds until the gateway answers a submit.
    pub(crate) answer_after_ms: u64,
    /// Milliseconds that each fsync of the server takes longer.
    pub(crate) fsync_ms: u64,
    /// Whether the signed text of a submit needs two blocks.
    pub(crate) two_chunks: bool,
    /// Whether it is part of the short form.
    pub(crate) short: bool,
}

/// How payouts come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// All are queued before the worker may claim.
    Drain,
    /// All are pending before the gateway may report them as paid.
    Callbacks,
    /// One insert per commit, so many a second.
    Paced(u32),
    /// No worker: this many clients insert, one row per commit, and the same into a bare table.
    Enqueue(usize),
    /// No worker: a person opens each page of the web console, so many times as the case has payouts.
    Pages,
}

/// One measurement of a case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    /// Follows the case's name; empty for the only one.
    pub(crate) suffix: &'static str,
    pub(crate) before: Before,
    /// Whether these are the payouts that are claimed behind the snapshot.
    pub(crate) is_behind: bool,
}

/// What happens to the database before a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// The planner knows the tables as they were when they were created.
    Nothing,
    Analyze,
    Vacuum,
    /// A transaction takes a snapshot, and keeps it until the case ends.
    Snapshot,
}

/// The sizes that the caller sets, to try a case small.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct Scale {
    /// Payouts of each round, instead of the case's own number.
    #[arg(long)]
    pub(crate) payouts: Option<usize>,
    /// Payouts queued behind them, in cases that have a backlog.
    #[arg(long)]
    pub(crate) backlog: Option<usize>,
    /// Payouts paid before, in cases that have a history.
    #[arg(long)]
    pub(crate) history: Option<usize>,
    /// Payouts claimed behind the snapshot, in the case that holds one.
    #[arg(long)]
    pub(crate) behind: Option<usize>,
    /// Requests of one worker in flight, instead of 64.
    #[arg(long)]
    pub(crate) in_flight: Option<usize>,
}

impl Case {
    /// How many payouts a round submits.
    pub(crate) fn payouts_of(&self, round: &Round) -> usize {
        if round.is_behind {
            self.behind
        } else {
            self.payouts
        }
    }

    /// How many all rounds submit, where each may go on for so many with the backlog.
    pub(crate) fn payouts_in_all(&self, ahead: usize) -> usize {
        let once: usize = self.rounds.iter().map(|round| self.payouts_of(round)).sum();
        once.saturating_add(self.backlog.min(ahead))
            .saturating_mul(self.repeats)
    }

    /// The name under which a round's figures are kept.
    pub(crate) fn name_of(&self, round: &Round) -> String {
        if round.suffix.is_empty() {
            self.name.to_owned()
        } else {
            format!("{}-{}", self.name, round.suffix)
        }
    }

    /// Whether the server counts what claims take.
    pub(crate) fn times_claims(&self) -> bool {
        self.behind > 0
    }

    fn scaled(mut self, scale: &Scale) -> Self {
        let set = |own: &mut usize, wanted: Option<usize>| {
            if let Some(wanted) = wanted.filter(|_| *own > 0) {
                *own = wanted;
            }
        };
        set(&mut self.payouts, scale.payouts);
        set(&mut self.backlog, scale.backlog);
        set(&mut self.history, scale.history);
        set(&mut self.behind, scale.behind);
        set(&mut self.in_flight, scale.in_flight);
        self
    }
}

/// The named cases in this scale; with no names all of them, or those of the short form.
pub(crate) fn chosen(names: &[String], short: bool, scale: &Scale) -> Result<Vec<Case>> {
    if let Some(name) = names
        .iter()
        .find(|name| ALL.iter().all(|case| case.name != **name))
    {
        bail!("there is no case {name}: `./dev bench --list` shows them");
    }
    ensure!(
        scale.payouts != Some(0) && scale.behind != Some(0) && scale.in_flight != Some(0),
        "a case needs at least one payout, and one in flight"
    );
    let is_chosen = |case: &&Case| {
        if names.is_empty() {
            !short || case.short
        } else {
            names.iter().any(|name| name == case.name)
        }
    };
    let cases = ALL.iter().filter(is_chosen);
    Ok(cases.map(|case| case.scaled(scale)).collect())
}

/// The pairs of cases whose first has one of these names, in this scale; with no names all of them.
pub(crate) fn chosen_pairs(
    names: &[String],
    repeats: usize,
    scale: &Scale,
) -> Result<Vec<[Case; 2]>> {
    if let Some(name) = names
        .iter()
        .find(|name| PAIRS.iter().all(|(first, _)| first != *name))
    {
        bail!(
            "{name} is no case that is compared with another one: `./dev bench --list` shows which are"
        );
    }
    let is_chosen =
        |(first, _): &&(&str, &str)| names.is_empty() || names.iter().any(|name| name == first);
    let pair = |(first, second): &(&str, &str)| {
        let case = |name: &str| -> Result<Case> {
            let mut case = chosen(&[name.to_owned()], false, scale)?.remove(0);
            case.repeats = repeats;
            Ok(case)
        };
        Ok([case(first)?, case(second)?])
    };
    PAIRS.iter().filter(is_chosen).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_used_once() {
        let names = ALL
            .iter()
            .flat_map(|case| case.rounds.iter().map(|round| case.name_of(round)));
        let names: Vec<_> = names.collect();
        for name in &names {
            let same = names.iter().filter(|other| *other == name);
            assert_eq!(same.count(), 1, "{name}");
        }
    }

    #[test]
    fn an_unknown_name_is_refused() {
        let scale = Scale::default();
        assert!(chosen(&["saturation".to_owned()], false, &scale).is_ok());
        assert!(chosen(&["saturatoin".to_owned()], false, &scale).is_err());
    }

    #[test]
    fn a_scale_changes_only_what_a_case_has() -> Result<()> {
        let scale = Scale {
            payouts: Some(7),
            history: Some(9),
            ..Scale::default()
        };
        for case in chosen(&[], false, &scale)? {
            assert_eq!(case.payouts, 7, "{}", case.name);
            let has_history = ["history-10M", "console-1M"].contains(&case.name);
            assert_eq!(
                case.history,
                if has_history { 9 } else { 0 },
                "{}",
                case.name
            );
        }
        Ok(())
    }

    #[test]
    fn only_a_case_of_one_round_has_a_backlog() {
        for case in ALL.iter().filter(|case| case.backlog > 0) {
            assert_eq!(case.rounds.len(), 1, "{}", case.name);
        }
    }

    #[test]
    fn the_cases_of_a_pair_have_the_same_rounds_of_the_same_size() -> Result<()> {
        let pairs = chosen_pairs(&[], 7, &Scale::default())?;
        assert_eq!(pairs.len(), PAIRS.len());
        for [one, other] in pairs {
            let suffixes = |case: &Case| case.rounds.iter().map(|round| round.suffix).collect();
            let (of_one, of_other): (Vec<_>, Vec<_>) = (suffixes(&one), suffixes(&other));
            assert_eq!(
                (of_one, one.payouts),
                (of_other, other.payouts),
                "{}",
                one.name
            );
            assert!(
                (one.load, other.load) == (Load::Drain, Load::Drain),
                "{}",
                one.name
            );
        }
        assert!(chosen_pairs(&["saturation".to_owned()], 7, &Scale::default()).is_err());
        Ok(())
    }
}
