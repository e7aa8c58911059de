//! Every metric: the one source of what is registered, of `docs/metrics.md` and of what rules and dashboards may use.

use super::{
    family::{
        Family,
        Kind::{self, Counter, Gauge},
        Origin::{Books, Process},
    },
    labels::{
        ACCOUNT, ASK_RESULT, ATTENTION, BALANCE_KIND, CALLBACK_RESULT, CHECK, EVENT, LOOP,
        MERCHANT, OPEN_STATE, STEP, STOP_REASON, SUBMIT_RESULT, VERSION,
    },
};

/// Network calls: from a fast answer to the longest timeout that makes sense.
const CALL: Kind = Kind::Histogram(&[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0]);
/// One transaction.
const WRITE: Kind =
    Kind::Histogram(&[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0]);

/// A constant for each row, and all of them as [`FAMILIES`].
macro_rules! families {
    ($($row:ident: $kind:ident $origin:ident $name:literal [$($label:ident)*] $help:literal)*) => {
        $(pub(super) const $row: Family = Family {
            name: $name, kind: $kind, origin: $origin, labels: &[$($label),*], help: $help,
        };)*
        /// Every metric, in the order of `docs/metrics.md`.
        pub const FAMILIES: &[Family] = &[$($row),*];
    };
}

#[rustfmt::skip]
families! {
    OPEN_PAYOUTS: Gauge Books "payout_open_payouts" [MERCHANT OPEN_STATE]
        "Payouts in each state that is not final."
    OPEN_RUPIAH: Gauge Books "payout_open_rupiah" [MERCHANT OPEN_STATE]
        "Their principal. For unknown: what may or may not have left."
    OPEN_OLDEST: Gauge Books "payout_open_oldest_timestamp_seconds" [MERCHANT OPEN_STATE]
        "When the payout that is longest in the state came into it; 0 when there is none."
    CLAIMABLE: Gauge Books "payout_claimable_payouts" [MERCHANT]
        "Queued payouts that could go out now: due, covered by the balance as far as is known, their bank not paused."
    CLAIMABLE_OLDEST: Gauge Books "payout_claimable_oldest_timestamp_seconds" [MERCHANT]
        "When the longest waiting of them became due; 0 when there is none."
    ATTENTION_PAYOUTS: Gauge Books "payout_attention_payouts" [MERCHANT ATTENTION]
        "Payouts that need a person, by reason."
    ATTENTION_RUPIAH: Gauge Books "payout_attention_rupiah" [MERCHANT ATTENTION]
        "Their principal."
    ATTENTION_OLDEST: Gauge Books "payout_attention_oldest_timestamp_seconds" [MERCHANT ATTENTION]
        "Since when the longest waiting of them needs a person; 0 when there is none."
    ASKS_DUE: Gauge Books "payout_queries_due_payouts" [MERCHANT]
        "Payouts whose question to the gateway is due and not yet asked."
    ASKS_DUE_OLDEST: Gauge Books "payout_queries_due_oldest_timestamp_seconds" [MERCHANT]
        "When the most overdue of these questions was due; 0 when there is none."
    LEASES_OVER: Gauge Books "payout_leases_expired_payouts" [MERCHANT]
        "Payouts still in submitting although their lease ended: a worker died and no other noticed yet."
    LEASES_OVER_OLDEST: Gauge Books "payout_leases_expired_oldest_timestamp_seconds" [MERCHANT]
        "When the first of these leases ended; 0 when there is none."
    STEPS_PAYOUTS: Counter Books "payout_steps_total" [MERCHANT STEP]
        "Payouts that took each step since the beginning. Never resets; a step counts when no older transaction runs."
    STEPS_RUPIAH: Counter Books "payout_steps_rupiah_total" [MERCHANT STEP]
        "Their principal. Take differences, not increase(), which invents rupiah."
    LATE: Counter Books "payout_late_total" [MERCHANT]
        "Payouts that became paid or failed more than ten minutes after they could go out. Never resets."
    LEDGER: Gauge Books "payout_ledger_rupiah" [MERCHANT ACCOUNT]
        "The accounts of payout.balances. A difference of paid_out is what beneficiaries received, net of returns."
    GATEWAY_BALANCE: Gauge Books "payout_gateway_balance_rupiah" [MERCHANT BALANCE_KIND]
        "What the gateway last stated; no number before it did."
    GATEWAY_BALANCE_AT: Gauge Books "payout_gateway_balance_timestamp_seconds" [MERCHANT]
        "When that was read; 0 before the first time."
    GATEWAY_DIFFERENCE: Gauge Books "payout_gateway_difference_rupiah" [MERCHANT]
        "Gateway's available and frozen less our available and held at the reading; below zero it has less. No number when it cannot be said."
    VIOLATIONS: Gauge Books "payout_invariant_violations" [MERCHANT CHECK]
        "Broken promises among open payouts and accounts. Must be 0."
    BOOKS_DIFFERENCE: Gauge Books "payout_books_difference_rupiah" [MERCHANT]
        "The accounts against the sum of every ledger entry, when last checked. Must be 0."
    BOOKS_CHECKED_AT: Gauge Books "payout_books_checked_timestamp_seconds" []
        "When this instance last checked that; 0 before the first time."
    UNMATCHED: Gauge Books "payout_unmatched_callbacks" []
        "Stored callbacks for orders that we do not know."
    UNMATCHED_OLDEST: Gauge Books "payout_unmatched_callbacks_oldest_timestamp_seconds" []
        "When the first of them came; 0 when there is none."
    PAUSES: Gauge Books "payout_pauses" []
        "Pauses of operators in force, for all, a merchant or a bank."
    PAUSES_OLDEST: Gauge Books "payout_pauses_oldest_timestamp_seconds" []
        "When the first of them began; 0 when there is none."
    APPROVALS: Gauge Books "payout_approvals_waiting" []
        "Requests that wait for a second person and have not expired."
    APPROVALS_OLDEST: Gauge Books "payout_approvals_oldest_timestamp_seconds" []
        "When the first of them was made; 0 when there is none."
    SNAPSHOT_AT: Gauge Process "payout_snapshot_timestamp_seconds" []
        "When this instance last read the books, by the database's clock; 0 before the first time."
    SNAPSHOT_DURATION: Gauge Process "payout_snapshot_duration_seconds" []
        "How long that took."
    SUBMITS: Counter Process "payout_submits_total" [MERCHANT SUBMIT_RESULT]
        "Submits by what came back. A doubt_… is never a failure: the payout becomes unknown."
    SUBMIT_DURATION: CALL Process "payout_submit_duration_seconds" [MERCHANT]
        "From the start of a submit to its answer or its end."
    ASKS: Counter Process "payout_queries_total" [MERCHANT ASK_RESULT]
        "Questions to the gateway by what came back."
    ASK_DURATION: CALL Process "payout_query_duration_seconds" [MERCHANT]
        "From the start of a question to its answer or its end."
    CALLBACKS: Counter Process "payout_callbacks_total" [MERCHANT CALLBACK_RESULT]
        "Callbacks by what became of them; merchant unknown when none of ours was named."
    CALLBACK_LAST: Gauge Process "payout_callback_last_timestamp_seconds" [MERCHANT]
        "When this instance last stored a callback; 0 before the first."
    TRANSITIONS: Counter Process "payout_transitions_total" [MERCHANT EVENT]
        "Moves of payouts made by this instance, by event (docs/state-machine.md)."
    CLAIMED: Counter Process "payout_claimed_total" [MERCHANT]
        "Payouts that this instance claimed."
    RECORDED: Counter Process "payout_evidence_total" []
        "Pieces of evidence that this instance wrote."
    RECORD_DURATION: WRITE Process "payout_record_duration_seconds" []
        "How long one batch of evidence took to write."
    IN_FLIGHT: Gauge Process "payout_submits_in_flight" []
        "Submits of this instance whose answer is awaited."
    CLAIMS_STOPPED: Gauge Process "payout_claims_stopped" [MERCHANT STOP_REASON]
        "1 while this instance claims nothing for the merchant for this reason, else 0."
    LOOP_BEAT: Gauge Process "payout_loop_timestamp_seconds" [LOOP]
        "When each loop of this instance last came round. One that is old is stalled."
    BUILD_INFO: Gauge Process "payout_build_info" [VERSION]
        "Always 1; the version is the label."
    PROCESS_CPU: Counter Process "process_cpu_seconds_total" []
        "Processor time that this instance used. Linux."
    PROCESS_MEMORY: Gauge Process "process_resident_memory_bytes" []
        "Memory that this instance holds. Linux."
    PROCESS_FILES: Gauge Process "process_open_fds" []
        "Files and connections that this instance has open. Linux."
    PROCESS_START: Gauge Process "process_start_time_seconds" []
        "When this instance started."
}
