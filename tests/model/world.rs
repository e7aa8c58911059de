//! Everything that there is at one moment: two databases, two workers, what is on the wire, and the gateway.

use payout_worker::domain::state::State;

use crate::row::{Row, Word};

/// Workers.
pub(crate) const WORKERS: usize = 2;
/// Requests that can be on the wire at once.
pub(crate) const SLOTS: usize = 2;

/// Which database a worker talks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Side {
    /// The primary; after a failover the new one.
    Now,
    /// The primary of before the failover.
    Old,
}

/// What a worker holds in memory. A paused worker is one that does nothing for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Hand {
    Empty,
    /// The right to send, from a committed claim.
    Permit {
        attempt: u8,
        send_by: u8,
    },
    /// The same, after the claim was read once more (V2).
    Checked {
        attempt: u8,
        send_by: u8,
    },
    /// Proof that the body never left; perhaps stored already, without that being confirmed.
    Unsent {
        attempt: u8,
        claim: u8,
    },
    /// The request is out.
    Waiting {
        attempt: u8,
    },
    /// An answer that is not stored yet.
    Acknowledged {
        attempt: u8,
    },
    /// The same for a `FAIL`.
    Declined {
        attempt: u8,
    },
    /// The gateway's own "not known", heard and stored in this tick.
    Proof {
        attempt: u8,
        query_sent_at: u8,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Worker {
    pub(crate) side: Side,
    pub(crate) hand: Hand,
    /// It claimed what it holds in a history that a failover lost.
    pub(crate) of_lost_history: bool,
}

/// A request under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Request {
    /// Who still waits for the answer.
    pub(crate) owner: Option<usize>,
    /// The tick by which it arrived or never does: the quiet horizon of its attempt.
    pub(crate) gone_by: u8,
}

/// What the gateway has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Gateway {
    /// How often it booked our order.
    pub(crate) accepts: u8,
    pub(crate) status: Option<Word>,
    /// The tick from which a question finds the order; 0 when it does.
    pub(crate) shown_by: u8,
    /// It said `FAIL` and may yet book before this tick; 0 when it does not.
    pub(crate) may_book_by: u8,
}

impl Gateway {
    /// What a question is answered with.
    pub(crate) fn visible(self) -> Option<Word> {
        self.status.filter(|_| self.shown_by == 0)
    }
}

/// An answer to a question that is not stored yet, or is not known to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Asked {
    /// What the gateway knew.
    pub(crate) answer: Option<Word>,
    pub(crate) at: u8,
    /// It is stored, and the commit was not confirmed.
    pub(crate) stored: bool,
}

/// The latest failover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Failover {
    /// The old primary's row, as long as it is alive.
    pub(crate) old: Option<Row>,
    /// When a worker found the change.
    pub(crate) found_at: u8,
    /// When the old primary was last able to commit a claim.
    pub(crate) last_claims_at: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) now: u8,
    pub(crate) row: Row,
    /// What the standby has, from when on it falls behind.
    pub(crate) standby: Option<Row>,
    pub(crate) failover: Option<Failover>,
    pub(crate) failovers: u8,
    /// What the host remembers of its last claim, as a row has it; void once a person has accepted another history.
    pub(crate) witness: Option<(u8, u8)>,
    pub(crate) workers: [Worker; WORKERS],
    pub(crate) wire: [Option<Request>; SLOTS],
    pub(crate) asked: Option<Asked>,
    pub(crate) gateway: Gateway,
    /// Requests that left, counted up to three.
    pub(crate) sent: u8,
    /// Sends that people granted: resubmits, and a failover accepted.
    pub(crate) granted: u8,
}

impl World {
    /// One payout, just inserted.
    pub(crate) fn begin() -> Self {
        let worker = Worker {
            side: Side::Now,
            hand: Hand::Empty,
            of_lost_history: false,
        };
        Self {
            now: 1,
            row: Row::enqueued(),
            standby: None,
            failover: None,
            failovers: 0,
            witness: None,
            workers: [worker; WORKERS],
            wire: [None; SLOTS],
            asked: None,
            gateway: Gateway {
                accepts: 0,
                status: None,
                shown_by: 0,
                may_book_by: 0,
            },
            sent: 0,
            granted: 0,
        }
    }

    /// The row that a side has; none when that side is dead.
    pub(crate) fn row_of(&self, side: Side) -> Option<Row> {
        match side {
            Side::Now => Some(self.row),
            Side::Old => self.failover.and_then(|failover| failover.old),
        }
    }

    /// Whether the host's last claim is in that row; `store::last_claim_is_there`.
    pub(crate) fn has_last_claim(&self, row: &Row) -> bool {
        let claim = (row.attempt, row.claim);
        self.witness.is_none_or(|last| last == claim)
    }

    pub(crate) fn set_row(&mut self, side: Side, row: Row) {
        match (side, &mut self.failover) {
            (Side::Now, _) => self.row = row,
            (Side::Old, Some(failover)) => failover.old = Some(row),
            (Side::Old, None) => {}
        }
    }

    /// Two workers, and two requests, can change places: such worlds are one.
    pub(crate) fn forget_who_is_who(&mut self) {
        if self.workers[0] > self.workers[1] {
            self.workers.swap(0, 1);
            for request in self.wire.iter_mut().flatten() {
                request.owner = request.owner.map(|owner| 1 - owner);
            }
        }
        self.wire.sort_unstable();
    }

    /// Of a row that the old primary will never send again nothing matters any more.
    pub(crate) fn forget_what_the_old_primary_heard(&mut self) {
        let Some(failover) = &mut self.failover else {
            return;
        };
        let may_come_back = |worker: &Worker| {
            worker.side == Side::Old
                && matches!(worker.hand, Hand::Permit { .. } | Hand::Unsent { .. })
        };
        if let Some(old) = &mut failover.old
            && old.state != State::Queued
            && !self.workers.iter().any(may_come_back)
        {
            *old = Row {
                state: State::Cancelled,
                ..Row::enqueued()
            };
        }
    }
}
