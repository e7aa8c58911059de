//! The steps of a failover or of a restored snapshot, and the fence behind them.

use payout_domain::state::State;

use crate::{
    moves::SEND_WINDOW,
    row::{HORIZON, Row},
    setup::{Rule, Setup},
    world::{Failover, Hand, Side, World},
};

pub(crate) fn fall_behind(setup: &Setup, world: &mut World, row: Row) -> Option<()> {
    let old_is_dead = world.failover.is_none_or(|failover| failover.old.is_none());
    let first = world.standby.is_none() && world.failovers < setup.failovers && old_is_dead;
    world.standby = Some(row);
    first.then_some(())
}

/// The standby does not even have the insert.
pub(crate) fn miss_insert(setup: &Setup, world: &mut World) -> Option<()> {
    let empty = Row {
        inserted: false,
        ..Row::enqueued()
    };
    fall_behind(setup, world, empty)
}

pub(crate) fn insert_again(world: &mut World) -> Option<()> {
    let missing = !world.row.inserted;
    world.row = world.row.enqueued_again();
    missing.then_some(())
}

/// The standby's row becomes the current one, and workers whose claim it lacks are marked.
fn lose_commits(world: &mut World) -> Option<()> {
    let standby = world.standby.take()?;
    for worker in &mut world.workers {
        worker.claim_was_lost = match worker.hand {
            Hand::Empty => worker.claim_was_lost,
            Hand::Permit { attempt, .. }
            | Hand::Checked { attempt, .. }
            | Hand::Unsent { attempt, .. }
            | Hand::Waiting { attempt }
            | Hand::Acknowledged { attempt }
            | Hand::Declined { attempt }
            | Hand::Proof { attempt, .. } => attempt > standby.attempt,
        };
    }
    world.failover = Some(Failover {
        old: Some(world.row),
        found_at: world.now,
        last_claims_at: world.now,
    });
    world.failovers += 1;
    world.row = standby;
    Some(())
}

/// Nobody notices immediately, and no old primary lives on.
pub(crate) fn restore_snapshot(world: &mut World) -> Option<()> {
    lose_commits(world)?;
    world.failover.as_mut()?.old = None;
    Some(())
}

/// A standby is promoted, and a worker finds the failover immediately.
pub(crate) fn fail_over(setup: &Setup, world: &mut World) -> Option<()> {
    lose_commits(world)?;
    for worker in &mut world.workers {
        worker.side = Side::Old;
    }
    note(setup, &mut world.row, world.now);
    Some(())
}

/// `payout.note_failover`: the quiet horizon restarts, even while an earlier failover is not accepted.
pub(crate) fn note(setup: &Setup, row: &mut Row, now: u8) {
    let fence = &mut row.fence;
    let again = fence.shut && setup.rule == Rule::SecondFailoverNotNoted;
    if again || setup.rule == Rule::NoFence {
        return;
    }
    let window = if setup.rule == Rule::FenceForgetsSendWindow {
        0
    } else {
        SEND_WINDOW
    };
    fence.shut = true;
    fence.query_first = false;
    fence.trusted_after = now + window + HORIZON;
}

/// Backends have inserted again what they lost.
pub(crate) fn end_query_first(row: &mut Row) -> Option<()> {
    let fence = &mut row.fence;
    let open = fence.query_first && !fence.shut;
    fence.query_first = false;
    open.then_some(())
}

pub(crate) fn old_primary_dies(setup: &Setup, world: &mut World) -> Option<()> {
    let failover = world.failover.as_mut()?;
    failover.last_claims_at = world.now;
    if setup.rule == Rule::HorizonCountsFromDeath && world.row.fence.shut {
        note(setup, &mut world.row, world.now);
    }
    failover.old.take().map(drop)
}

/// `payout.accept_failover`, and what the person who calls it vouches for: the old primary was dead when the failover was
/// found.
pub(crate) fn accept(setup: &Setup, world: &mut World) -> Option<()> {
    let failover = world.failover?;
    let now = world.now;
    let row = &mut world.row;
    let dead = failover.old.is_none();
    let dead_in_time = dead && failover.last_claims_at <= failover.found_at;
    let allowed = match setup.rule {
        Rule::FenceOpensAutomatically => row.may_be_accepted(now),
        Rule::OldPrimaryDiesLate | Rule::HorizonCountsFromDeath => dead && row.may_be_accepted(now),
        Rule::FenceOpensWhenNothingIsQueued => {
            let waits = row.state == State::Queued && !row.attention.holds_back_claim();
            dead_in_time && (!waits || row.is_proven_unsent())
        }
        _ => dead_in_time && row.may_be_accepted(now),
    };
    if !row.fence.shut || !allowed {
        return None;
    }
    row.accept();
    world.witness = None;
    row.fence.query_first = setup.rule != Rule::InsertedAgainNotQueriedFirst;
    world.granted += 1;
    Some(())
}
