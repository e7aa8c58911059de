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
    goal("speed with 1 M queued, to 20 k", AtLeast(0.95), ("backlog-1M", SPEED), Over::Figure(("backlog-20k", SPEED))),
    goal("speed with 10 M paid before, to none; stale statistics", AtLeast(0.95),
         ("history-10M-stale", SPEED), Over::Figure(("history-0-stale", SPEED))),
    goal("speed with 10 M paid before, to none; fresh statistics", AtLeast(0.95),
         ("history-10M-analyzed", SPEED), Over::Figure(("history-0-analyzed", SPEED))),
    goal("speed with 10 M paid before, to none; after a vacuum", AtLeast(0.95),
         ("history-10M-vacuumed", SPEED), Over::Figure(("history-0-vacuumed", SPEED))),
    goal("claim behind a snapshot, to before it", AtMost(3.0),
         ("snapshot-behind", "claim_us"), Over::Figure(("snapshot-before", "claim_us"))),
    goal("speed with 2 ms more per fsync, to none", AtLeast(0.95), ("slow-fsync-2ms", SPEED), Over::Figure(("saturation", SPEED))),
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
    /// What was measured, if all of it was.
    fn value(&self, record: &Record) -> Option<f64> {
        let value = record.figure(self.of.0, self.of.1)?;
        let over = match self.over {
            Over::Nothing => 1.0,
            Over::Figure((case, name)) => record.figure(case, name)?,
            Over::RsaFloor => record.machine.rsa_floor_us,
        };
        Some(value / over)
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
            let value = goal.value(record)?;
            let verdict = if goal.is_reached(value) { "yes" } else { "no" };
            Some([
                goal.what.to_owned(),
                shown(value),
                goal.in_words(),
                verdict.to_owned(),
            ])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cases::ALL, record::tests::sample};

    #[test]
    fn each_goal_is_about_cases_that_exist() {
        let names: Vec<String> = ALL
            .iter()
            .flat_map(|case| case.rounds.iter().map(|round| case.name_of(round)))
            .collect();
        for goal in GOALS {
            let over = match goal.over {
                Over::Figure((case, _)) => case,
                Over::Nothing | Over::RsaFloor => goal.of.0,
            };
            for case in [goal.of.0, over] {
                assert!(names.iter().any(|name| name == case), "{case}");
            }
        }
    }

    #[test]
    fn a_goal_is_reached_by_its_ratio() {
        let speeds = |many, few| {
            let record = sample(&[("backlog-1M", SPEED, many), ("backlog-20k", SPEED, few)]);
            lines(&record)
                .into_iter()
                .map(|[_, value, _, verdict]| (value, verdict))
                .collect::<Vec<_>>()
        };
        let one = |value: &str, verdict: &str| vec![(value.to_owned(), verdict.to_owned())];
        assert_eq!(speeds(96.0, 100.0), one("0.960", "yes"));
        assert_eq!(speeds(94.0, 100.0), one("0.940", "no"));
    }
}
