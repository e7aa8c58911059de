//! The state at one moment: two databases, two workers, the requests on the wire, and the gateway.

use payout_domain::state::State;

use crate::{
    people::Against,
    row::{OrderStatus, Row},
    setup::Setup,
};

/// How many workers there are.
pub(crate) const WORKERS: usize = 2;
/// How many requests can be on the wire at once.
pub(crate) const SLOTS: usize = 2;

/// Which database a worker is connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Side {
    /// The primary; after a failover, the new one.
    Now,
    /// The primary from before the failover.
    Old,
    /// A copy of the data folder.
    Copy,
}

/// What a worker holds in memory. A paused worker is one that takes no step for a long time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Hand {
    Empty,
    /// The right to send, from a committed claim.
    Permit {
        attempt: u8,
        send_by: u8,
    },
    /// The same, after the worker read its claim again (V2).
    Checked {
        attempt: u8,
        send_by: u8,
    },
    /// Proof that the body never left; possibly stored already, by a commit that was not confirmed.
    Unsent {
        attempt: u8,
        request_sha256: u8,
    },
    /// The request is sent, and its answer is outstanding.
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
    /// A "not found" that the gateway answered and the worker stored in this tick.
    Proof {
        attempt: u8,
        query_sent_at: u8,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Worker {
    pub(crate) side: Side,
    pub(crate) hand: Hand,
    /// A failover lost the commit of the claim that it works on.
    pub(crate) claim_was_lost: bool,
}

/// A request under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Request {
    /// The worker that still waits for the answer.
    pub(crate) owner: Option<usize>,
    /// The tick by which it has arrived or is lost: the end of the quiet horizon of its attempt.
    pub(crate) gone_by: u8,
}

/// The gateway's own record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Gateway {
    /// How many times it booked our order.
    pub(crate) accepts: u8,
    pub(crate) status: Option<OrderStatus>,
    /// The tick from which a query finds the order; 0 when it already does.
    pub(crate) shown_by: u8,
    /// It answered `FAIL` and may still book the order before this tick; 0 when it will not.
    pub(crate) may_book_by: u8,
    /// The bank sent the money back.
    pub(crate) came_back: bool,
}

impl Gateway {
    /// The answer to a query now.
    pub(crate) fn visible(self) -> Option<OrderStatus> {
        self.status.filter(|_| self.shown_by == 0)
    }
}

/// The copy of the gateway's records that answers queries, where it lags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LaggingCopy {
    /// The tick at which it last caught up. It finds every order that was sent before, for example to vouch for itself.
    pub(crate) as_of: u8,
    /// What it knows of our order.
    pub(crate) sees: Option<OrderStatus>,
}

/// The answer to a query that is not stored yet, or whose commit was not confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PendingAnswer {
    /// What the gateway answered; none for "not found".
    pub(crate) answer: Option<OrderStatus>,
    pub(crate) at: u8,
    /// It is stored, but the commit was not confirmed.
    pub(crate) stored: bool,
}

/// The latest failover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Failover {
    /// The old primary's row, for as long as the old primary is alive.
    pub(crate) old: Option<Row>,
    /// When a worker found the failover.
    pub(crate) found_at: u8,
    /// When the old primary was last able to commit a claim.
    pub(crate) last_claims_at: u8,
}

// Why: each is a separate fact.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) now: u8,
    pub(crate) row: Row,
    /// The standby's row, once it has fallen behind.
    pub(crate) standby: Option<Row>,
    pub(crate) failover: Option<Failover>,
    pub(crate) failovers: u8,
    /// The last claim that the host remembers, by attempt and request hash; void once a person has accepted a failover.
    pub(crate) witness: Option<(u8, u8)>,
    pub(crate) workers: [Worker; WORKERS],
    pub(crate) wire: [Option<Request>; SLOTS],
    pub(crate) pending_answer: Option<PendingAnswer>,
    pub(crate) gateway: Gateway,
    pub(crate) lagging_copy: Option<LaggingCopy>,
    /// How many requests left, counted up to three.
    pub(crate) sent: u8,
    /// How many further sends people granted: by a resubmit, or by accepting a failover.
    pub(crate) granted: u8,
    /// The row of a copy of the data folder, which has the same identity.
    pub(crate) copy: Option<Row>,
    /// The address by which workers reach the copy is registered there.
    pub(crate) copy_is_registered: bool,
    /// How many acts people made.
    pub(crate) acts: u8,
    /// The debt was paid by another order, as the database allowed it.
    pub(crate) paid_again: bool,
    /// One person freed money that may have left.
    pub(crate) freed_by_one: bool,
    /// One person booked money that the gateway does not have.
    pub(crate) invented: bool,
    /// Somebody saw a beneficiary, and no record says so.
    pub(crate) seen_unrecorded: bool,
}

impl World {
    /// One payout that was just inserted.
    pub(crate) fn begin(setup: &Setup) -> Self {
        let worker = |side| Worker {
            side,
            hand: Hand::Empty,
            claim_was_lost: false,
        };
        Self {
            now: 1,
            row: Row::enqueued(),
            standby: None,
            failover: None,
            failovers: 0,
            witness: None,
            workers: if setup.copies {
                [worker(Side::Now), worker(Side::Copy)]
            } else {
                [worker(Side::Now); WORKERS]
            },
            wire: [None; SLOTS],
            pending_answer: None,
            gateway: Gateway {
                accepts: 0,
                status: None,
                shown_by: 0,
                may_book_by: 0,
                came_back: false,
            },
            lagging_copy: setup.copy_lags.then_some(LaggingCopy {
                as_of: 0,
                sees: None,
            }),
            sent: 0,
            granted: 0,
            copy: None,
            copy_is_registered: false,
            acts: 0,
            paid_again: false,
            freed_by_one: false,
            invented: false,
            seen_unrecorded: false,
        }
    }

    /// The row of a side; none when that side is dead.
    pub(crate) fn row_of(&self, side: Side) -> Option<Row> {
        match side {
            Side::Now => Some(self.row),
            Side::Old => self.failover.and_then(|failover| failover.old),
            Side::Copy => self.copy,
        }
    }

    /// Whether that row has the host's last claim, as in `store::last_claim_is_there`.
    pub(crate) fn has_last_claim(&self, row: &Row) -> bool {
        let claim = (row.attempt, row.request_sha256);
        self.witness.is_none_or(|last| last == claim)
    }

    pub(crate) fn set_row(&mut self, side: Side, row: Row) {
        match (side, &mut self.failover) {
            (Side::Now, _) => self.row = row,
            (Side::Old, Some(failover)) => failover.old = Some(row),
            (Side::Old, None) => {}
            (Side::Copy, _) => self.copy = Some(row),
        }
    }

    /// Workers are interchangeable, and so are requests: states that differ only in their order count as one.
    pub(crate) fn sort_workers_and_requests(&mut self, setup: &Setup) {
        if !setup.one_worker && self.workers[0] > self.workers[1] {
            self.workers.swap(0, 1);
            for request in self.wire.iter_mut().flatten() {
                request.owner = request.owner.map(|owner| 1 - owner);
            }
        }
        self.wire.sort_unstable();
    }

    /// Without acts, nobody counts what the gateway answered against a statement.
    pub(crate) fn forget_answers_against_statements(&mut self) {
        let old = self.failover.as_mut().and_then(|found| found.old.as_mut());
        let others = [self.standby.as_mut(), self.copy.as_mut(), old];
        for row in others.into_iter().flatten().chain([&mut self.row]) {
            row.people.against = Against::default();
            row.people.denied = false;
            row.people.return_reported = false;
        }
    }

    /// A row that the old primary will never send again no longer matters.
    pub(crate) fn forget_the_old_primarys_row(&mut self) {
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
