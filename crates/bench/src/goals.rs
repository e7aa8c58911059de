//! What the figures are to reach.

use self::Bound::{AtLeast, AtMost};
use crate::{figures::shown, record::Record};

/// One goal: a figure, alone or over another one.
pub(crate) struct Goal {
    pub(crate) what: &'static str,
    of: Figure,
    over: Over,
    bound: Bound,
}

/// A case and the name of a figure.
type Figure = (&'static str, &'static str);

#[derive(Clone, Copy)]
enum Over {
    Nothing,
    Figure(Figure),
    /// The same figure of a case that ran in turns.
    InTurns(&'static str),
    /// The CPU of one signature and two verifications.
    RsaFloor,
}

#[derive(Clone, Copy)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

const SPEED: &str = "payouts_per_second";

const fn goal(what: &'static str, bound: Bound, of: Figure, over: Over) -> Goal {
    Goal {
        what,
        of,
        over,
        bound,
    }
}

/// Every goal that one program alone can be measured by.
#[rustfmt::skip]
const GOALS: &[Goal] = &[
    goal("CPU of worker and Postgres, to that of the RSA operations", AtMost(2.0), ("saturation", "cpu_us"), Over::RsaFloor),
    goal("Postgres CPU per payout, µs", AtMost(200.0), ("saturation", "postgres_cpu_us"), Over::Nothing),
    goal("commits per payout", AtMost(0.1), ("saturation", "commits"), Over::Nothing),
    goal("WAL per payout, bytes", AtMost(4_096.0), ("saturation", "wal_bytes"), Over::Nothing),
    goal("speed with 1 M queued, to 20 k", AtLeast(0.95), ("backlog-1M", SPEED), Over::InTurns("backlog-20k")),
    goal("speed with 10 M paid before, to none; stale statistics", AtLeast(0.95),
         ("history-10M-stale", SPEED), Over::InTurns("history-0-stale")),
    goal("speed with 10 M paid before, to none; fresh statistics", AtLeast(0.95),
         ("history-10M-analyzed", SPEED), Over::InTurns("history-0-analyzed")),
    goal("speed with 10 M paid before, to none; after a vacuum", AtLeast(0.95),
         ("history-10M-vacuumed", SPEED), Over::InTurns("history-0-vacuumed")),
    goal("claim behind a snapshot, to before it", AtMost(3.0),
         ("snapshot-behind", "claim_us"), Over::Figure(("snapshot-before", "claim_us"))),
    goal("speed with 2 ms more per fsync, to none", AtLeast(0.95), ("slow-fsync-2ms", SPEED), Over::InTurns("saturation")),
    goal("insert to request on the wire at 100 a second, p99 in ms", AtMost(5.0),
         ("paced-100", "insert_to_wire_p99_ms"), Over::Nothing),
    goal("inserts of 32 clients, to a bare table", AtLeast(0.85), ("enqueue-32", "inserts_to_bare_ratio"), Over::Nothing),
    goal("memory with 1 M queued, MB", AtMost(48.0), ("backlog-1M", "worker_memory_mb"), Over::Nothing),
    goal("memory with 1 M queued, to 10 k", AtMost(1.1),
         ("backlog-1M", "worker_memory_mb"), Over::Figure(("backlog-10k", "worker_memory_mb"))),
    goal("memory after an hour of load, to that after six minutes", AtMost(1.1),
         ("hour", "memory_to_first_tenth_ratio"), Over::Nothing),
    goal("slowest page of the console with 1 M payouts, p95 in ms", AtMost(200.0),
         ("console-1M", "slowest_p95_ms"), Over::Nothing),
    goal("callbacks committed and answered per second and core", AtLeast(2_000.0),
         ("callbacks", "callbacks_per_core_second"), Over::Nothing),
];

impl Goal {
    /// What was measured, if all of it was, and the same as people read it.
    fn value(&self, record: &Record) -> Option<(f64, String)> {
        let (case, name) = self.of;
        let over = match self.over {
            Over::InTurns(other) => {
                let (ratio, pairs) = record.ratio(case, other, name)?;
                return Some((ratio.median, format!("{ratio}, {pairs} pairs")));
            }
            Over::Nothing => 1.0,
            Over::Figure((case, name)) => record.figure(case, name)?,
            Over::RsaFloor => record.machine.rsa_floor_us,
        };
        let value = record.figure(case, name)? / over;
        Some((value, shown(value)))
    }

    fn is_reached(&self, value: f64) -> bool {
        match self.bound {
            AtLeast(bound) => value >= bound,
            AtMost(bound) => value <= bound,
        }
    }

    fn in_words(&self) -> String {
        match self.bound {
            AtLeast(bound) => format!("≥ {bound}"),
            AtMost(bound) => format!("≤ {bound}"),
        }
    }
}

/// A line for each goal whose figures there are: what, the value, the goal, and whether it is reached.
pub(crate) fn lines(record: &Record) -> Vec<[String; 4]> {
    GOALS
        .iter()
        .filter_map(|goal| {
            let (value, in_words) = goal.value(record)?;
            let verdict = if goal.is_reached(value) { "yes" } else { "no" };
            Some([
                goal.what.to_owned(),
                in_words,
                goal.in_words(),
                verdict.to_owned(),
            ])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cases::ALL,
        figures::Figures,
        record::{Paired, tests::sample},
    };

    #[test]
    fn each_goal_is_about_cases_that_exist() {
        let names: Vec<String> = ALL
            .iter()
            .flat_map(|case| case.rounds.iter().map(|round| case.name_of(round)))
            .collect();
        for goal in GOALS {
            let over = match goal.over {
                Over::Figure((case, _)) | Over::InTurns(case) => case,
                Over::Nothing | Over::RsaFloor => goal.of.0,
            };
            for case in [goal.of.0, over] {
                assert!(names.iter().any(|name| name == case), "{case}");
            }
        }
    }

    #[test]
    fn a_goal_is_reached_by_its_ratio() {
        let memory = |many, few| {
            let name = "worker_memory_mb";
            let record = sample(&[("backlog-1M", name, many), ("backlog-10k", name, few)]);
            let ratio = lines(&record).pop().unwrap_or_default();
            (ratio[1].clone(), ratio[3].clone())
        };
        assert_eq!(memory(22.0, 20.0), ("1.100".to_owned(), "yes".to_owned()));
        assert_eq!(memory(23.0, 20.0), ("1.150".to_owned(), "no".to_owned()));
    }

    #[test]
    fn cases_that_ran_in_turns_are_compared_pair_by_pair() {
        let of = |speeds: [f64; 3]| speeds.map(|speed| Figures::default().with(SPEED, speed));
        let (many, few) = (of([95.0, 90.0, 50.0]), of([100.0, 90.0, 50.0]));
        let mut record = sample(&[]);
        let size = (&ALL[0]).into();
        let paired = Paired::of("2026-11-28".to_owned(), size, &many, &few);
        let key = Paired::key("backlog-1M", "backlog-20k");
        record.pairs.insert(key, paired);
        let [_, value, _, verdict] = lines(&record).pop().unwrap_or_default();
        assert_eq!(
            (&*value, &*verdict),
            ("1.000 (0.950 to 1.000), 3 pairs", "yes")
        );
    }
}
