//! Every case, in the order in which they run.

use super::{Before, Case, Load, Round};

const ONCE: &[Round] = &[round("", Before::Analyze)];
/// Otherwise the server's own vacuum would run beside the one that has just loaded many rows, and not beside the other.
const VACUUMED: &[Round] = &[round("", Before::Vacuum)];
/// After a load: statistics from before it, new ones, and what a vacuum adds.
const AFTER_LOAD: &[Round] = &[
    round("stale", Before::Nothing),
    round("analyzed", Before::Analyze),
    round("vacuumed", Before::Vacuum),
];
/// Before a snapshot is taken, while payouts are claimed behind it, and after that.
const SNAPSHOT: &[Round] = &[
    round("before", Before::Analyze),
    Round {
        is_behind: true,
        ..round("filling", Before::Snapshot)
    },
    round("behind", Before::Analyze),
];

const fn round(suffix: &'static str, before: Before) -> Round {
    Round {
        suffix,
        before,
        is_behind: false,
    }
}

pub(crate) const DRAIN: Case = Case {
    name: "saturation",
    about: "one worker, one merchant, everything queued before",
    load: Load::Drain,
    payouts: 4_000,
    backlog: 0,
    history: 0,
    behind: 0,
    rounds: ONCE,
    repeats: 1,
    workers: 1,
    merchants: 1,
    in_flight: 64,
    https: false,
    answer_after_ms: 0,
    fsync_ms: 0,
    two_chunks: false,
    short: false,
};

/// Cases that are compared with another one, in alternating rounds: what is special about the first one is all that differs.
pub(crate) const PAIRS: &[(&str, &str)] = &[
    ("slow-fsync-2ms", "saturation"),
    ("backlog-1M", "backlog-20k"),
    ("history-10M", "history-0"),
];

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
        name: "https",
        about: "a TLS handshake for each submit",
        https: true,
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
        name: "slow-gateway-1s",
        about: "the gateway answers after a second",
        answer_after_ms: 1_000,
        payouts: 2_000,
        ..DRAIN
    },
    Case {
        name: "slow-fsync-2ms",
        about: "each fsync of the server takes 2 ms longer",
        fsync_ms: 2,
        ..DRAIN
    },
    Case {
        name: "backlog-10k",
        about: "10 000 more payouts queued behind those that are sent",
        backlog: 10_000,
        payouts: 2_000,
        rounds: VACUUMED,
        ..DRAIN
    },
    Case {
        name: "backlog-20k",
        about: "20 000 more payouts queued behind those that are sent",
        backlog: 20_000,
        payouts: 2_000,
        rounds: VACUUMED,
        ..DRAIN
    },
    Case {
        name: "backlog-100k",
        about: "100 000 more payouts queued behind those that are sent",
        backlog: 100_000,
        payouts: 2_000,
        short: true,
        rounds: VACUUMED,
        ..DRAIN
    },
    Case {
        name: "backlog-1M",
        about: "1 000 000 more payouts queued behind those that are sent",
        backlog: 1_000_000,
        payouts: 2_000,
        rounds: VACUUMED,
        ..DRAIN
    },
    Case {
        name: "history-0",
        about: "no payout was paid before: what the next case compares with",
        rounds: AFTER_LOAD,
        ..DRAIN
    },
    Case {
        name: "history-10M",
        about: "10 000 000 payouts were paid before; stale statistics, then fresh ones, then after a vacuum",
        history: 10_000_000,
        rounds: AFTER_LOAD,
        ..DRAIN
    },
    Case {
        name: "snapshot",
        about: "a transaction keeps its snapshot while 100 000 payouts are claimed behind it",
        payouts: 2_000,
        behind: 100_000,
        rounds: SNAPSHOT,
        ..DRAIN
    },
    Case {
        name: "callbacks",
        about: "genuine callbacks for pending payouts, as fast as they are answered",
        load: Load::Callbacks,
        payouts: 10_000,
        ..DRAIN
    },
    Case {
        name: "console-1M",
        about: "each page of the web console, 40 times, with 1 000 000 payouts paid before and 20 000 queued",
        load: Load::Pages,
        payouts: 40,
        backlog: 20_000,
        history: 1_000_000,
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
        name: "hour",
        about: "200 inserts a second for an hour: whether the worker's memory grows",
        load: Load::Paced(200),
        payouts: 720_000,
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
