//! Why a worker claims nothing for a merchant. While claims are stopped, nothing new is sent; queries and callbacks go on.

use super::words;

/// Stands in `payout.claims` where no worker runs for the merchant.
pub const NO_WORKER: &str = "no_worker";
/// Stands there where the server is a standby.
const READ_ONLY: &str = "read_only";

words! {
    /// The reasons: a label of `payout_claims_stopped`, and `stopped_by` in `payout.worker_claims`.
    pub enum StopReason: "a reason why claims are stopped" {
        /// The merchant's keys are not proven yet (I12).
        Keys = "keys",
        /// The gateway's answers have not proven the keys: it is unreachable, or it answers otherwise than it must.
        Gateway = "gateway",
        /// The worker's configuration names another gateway or platform key than the registered one.
        Config = "config",
        /// The worker reaches the database by an address that is not registered (I11).
        Address = "address",
        /// The server could lose a committed claim (I11), or row-level security hides rows.
        Settings = "settings",
        /// Commits may be lost after a failover or a restore (I11).
        Failover = "failover",
        /// Somebody paused the merchant, or everything.
        Paused = "paused",
        /// An answer had a bad signature (I13).
        Signatures = "signatures",
        /// The gateway could not be reached several times in a row (I13).
        NotSent = "not_sent",
        /// The gateway declined several payouts in a row (I13).
        Declines = "declines",
        /// Several answers in a row said neither yes nor no (I13).
        Doubts = "doubts",
        /// The gateway has less than the books although nothing is in flight (I13).
        Books = "books",
        /// What the gateway answers cannot be stored.
        Evidence = "evidence",
    }
}

/// What holds every payout of a merchant back, as a clause. Takes a value of `stopped_by` in `payout.claims`.
pub fn meaning(stopped_by: &str) -> &'static str {
    use StopReason as R;
    let Ok(reason) = stopped_by.parse::<R>() else {
        return match stopped_by {
            NO_WORKER => "no worker is running for it",
            READ_ONLY => "this server is a standby, on which nothing can be written",
            _ => "this version does not know the reason",
        };
    };
    match reason {
        R::Keys => "the worker is proving the keys",
        R::Gateway => "the gateway is unreachable or answers incorrectly",
        R::Config => "the worker's gateway or platform key differs from the registered one",
        R::Address => "the worker reaches the database by an address that is not registered",
        R::Settings => "the database could lose a committed claim, or hides rows from the worker",
        R::Failover => "commits may be lost after a failover or a restore",
        R::Paused => "it is paused",
        R::Signatures => "an answer of the gateway had a bad signature",
        R::NotSent => "the gateway could not be reached several times in a row",
        R::Declines => "the gateway declined several payouts in a row",
        R::Doubts => "the gateway gave several doubtful answers in a row",
        R::Books => "the gateway has less than the books although nothing is in flight",
        R::Evidence => "the database does not store what the gateway answers",
    }
}

/// What opens claims again, as a sentence.
pub fn opened_by(stopped_by: &str) -> &'static str {
    use StopReason as R;
    let Ok(reason) = stopped_by.parse::<R>() else {
        return match stopped_by {
            NO_WORKER => "Start one: payout run.",
            READ_ONLY => "Look at the primary instead.",
            _ => "Use the program version that migrated this database.",
        };
    };
    match reason {
        R::Keys => "It takes a few seconds.",
        R::Gateway => "The worker keeps trying; payout doctor says what is wrong.",
        R::Config => {
            "Correct the configuration, or register the gateway: payout config check, payout doctor."
        }
        R::Address => "Two people can register it: payout address add.",
        R::Settings => "Correct its settings; payout doctor names them.",
        R::Failover => "Two people must accept it: payout failover status.",
        R::Paused => "Somebody must end the pause: payout resume; payout pauses lists each.",
        R::Signatures | R::NotSent | R::Declines | R::Doubts => {
            "One payout at a time tests whether the fault is over; a good answer opens claims again."
        }
        R::Books => "Find out where the money went: payout reconcile. Claims open once both agree.",
        R::Evidence => "The worker's log says why; claims open once an answer can be stored.",
    }
}
