//! The cases of a bench.

use anyhow::{Result, bail};

/// What a case does and in which surroundings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) load: Load,
    /// Payouts that are submitted and settled.
    pub(crate) payouts: usize,
    /// Payouts that stay queued behind them.
    pub(crate) backlog: usize,
    pub(crate) workers: usize,
    pub(crate) merchants: usize,
    /// Milliseconds until the gateway answers a submit.
    pub(crate) answer_after_ms: u64,
    /// Whether the signed text of a submit needs two blocks.
    pub(crate) two_chunks: bool,
    /// Whether it is part of the short form.
    pub(crate) short: bool,
}

/// How payouts come.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Load {
    /// All are queued before the worker may claim.
    Drain,
    /// One insert per commit, so many a second.
    Paced(u32),
    /// No worker: this many clients insert, one row per commit, and then the same into a bare table.
    Enqueue(usize),
}

const DRAIN: Case = Case {
    name: "saturation",
    about: "one worker, one merchant, everything queued before",
    load: Load::Drain,
    payouts: 4_000,
    backlog: 0,
    workers: 1,
    merchants: 1,
    answer_after_ms: 0,
    two_chunks: false,
    short: false,
};

const PACED: Case = Case {
    name: "paced-100",
    about: "100 inserts a second: from the insert to the request on the wire",
    load: Load::Paced(100),
    payouts: 2_000,
    ..DRAIN
};

/// Every case, in the order in which they run.
pub(crate) const ALL: &[Case] = &[
    Case {
        short: true,
        ..DRAIN
    },
    Case {
        name: "two-chunks",
        about: "submits whose signature needs two blocks",
        two_chunks: true,
        ..DRAIN
    },
    Case {
        name: "two-workers",
        about: "two worker processes share one merchant",
        workers: 2,
        ..DRAIN
    },
    Case {
        name: "four-workers",
        about: "four worker processes share one merchant",
        workers: 4,
        ..DRAIN
    },
    Case {
        name: "8-merchants",
        about: "one worker, eight merchants",
        merchants: 8,
        ..DRAIN
    },
    Case {
        name: "64-merchants",
        about: "one worker, 64 merchants",
        merchants: 64,
        ..DRAIN
    },
    Case {
        name: "slow-gateway-100ms",
        about: "the gateway answers after 100 ms",
        answer_after_ms: 100,
        ..DRAIN
    },
    Case {
        name: "backlog-20k",
        about: "20 000 more payouts queued behind those that are sent",
        backlog: 20_000,
        payouts: 2_000,
        ..DRAIN
    },
    Case {
        name: "backlog-100k",
        about: "100 000 more payouts queued behind those that are sent",
        backlog: 100_000,
        payouts: 2_000,
        short: true,
        ..DRAIN
    },
    Case {
        name: "backlog-1M",
        about: "1 000 000 more payouts queued behind those that are sent",
        backlog: 1_000_000,
        payouts: 2_000,
        ..DRAIN
    },
    Case {
        name: "paced-10",
        about: "10 inserts a second: from the insert to the request on the wire",
        load: Load::Paced(10),
        payouts: 200,
        ..PACED
    },
    Case {
        payouts: 1_500,
        short: true,
        ..PACED
    },
    Case {
        name: "paced-500",
        about: "500 inserts a second: from the insert to the request on the wire",
        load: Load::Paced(500),
        payouts: 5_000,
        ..PACED
    },
    Case {
        name: "enqueue-1",
        about: "one client inserts",
        load: Load::Enqueue(1),
        payouts: 2_000,
        ..DRAIN
    },
    Case {
        name: "enqueue-8",
        about: "8 clients insert",
        load: Load::Enqueue(8),
        payouts: 8_000,
        ..DRAIN
    },
    Case {
        name: "enqueue-32",
        about: "32 clients insert",
        load: Load::Enqueue(32),
        payouts: 10_000,
        short: true,
        ..DRAIN
    },
];

/// The named cases; with no names all of them, or those of the short form.
pub(crate) fn chosen(names: &[String], short: bool) -> Result<Vec<Case>> {
    if let Some(name) = names
        .iter()
        .find(|name| ALL.iter().all(|case| case.name != **name))
    {
        bail!("there is no case {name}: `./dev bench --list` shows them");
    }
    let is_chosen = |case: &&Case| {
        if names.is_empty() {
            !short || case.short
        } else {
            names.iter().any(|name| name == case.name)
        }
    };
    Ok(ALL.iter().filter(is_chosen).copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_used_once() {
        for case in ALL {
            let same = ALL.iter().filter(|other| other.name == case.name);
            assert_eq!(same.count(), 1, "{}", case.name);
        }
    }

    #[test]
    fn an_unknown_name_is_refused() {
        assert!(chosen(&["saturation".to_owned()], false).is_ok());
        assert!(chosen(&["saturatoin".to_owned()], false).is_err());
    }
}
