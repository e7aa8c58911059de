//! What became of a piece of evidence.

use payout_domain::{
    decide::Note,
    evidence::Source,
    finding::Finding,
    payout::PayoutKey,
    state::{Event, State},
};

/// The result of recording one piece of evidence.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is stored, with everything that follows from it.
    Recorded(Change),
    /// There is no such payout.
    UnknownPayout,
    /// Another transaction has locked what this needs. Nothing is stored yet: record it again.
    Locked(Lock),
    /// The database refused what follows from it; only the evidence is stored.
    Refused(String),
    /// The database refused the evidence itself, even without its detail, with this SQLSTATE. Nothing is stored.
    Unstorable(String),
}

/// What another transaction has locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// The payout's own row. It holds up nothing else.
    Payout,
    /// Something that the merchant's payouts share, most often its account. It holds up every payout whose money moves.
    Shared,
}

/// What one piece of evidence changed.
#[derive(Clone, Debug)]
pub struct Change {
    /// The payout.
    pub key: PayoutKey,
    /// The payout's attempt at the time.
    pub attempt: i32,
    /// Where the evidence came from.
    pub source: Source,
    /// What the evidence says about the payout.
    pub finding: Finding,
    /// The move, if there was one.
    pub moved: Option<(State, Event, State)>,
    /// Further history rows.
    pub notes: Vec<Note>,
    /// Whether the payout's status must be queried at once.
    pub query_now: bool,
}
