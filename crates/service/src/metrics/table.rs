//! Every metric: the one source of what is registered, of `docs/metrics.md`, and of what rules and dashboards may use.

use super::{
    family::{
        Family,
        Kind::{self, Counter, Gauge},
        Origin::{Books, Process},
    },
    labels::{
        ACCOUNT, AGE, ATTENTION, BALANCE_KIND, BANK, CALLBACK_RESULT, CHECK, EVENT, LOOP, MERCHANT,
        NOTICE_RESULT, OPEN_STATE, QUERY_RESULT, READER, REFUSED_ROW, STEP, STOP_REASON,
        SUBMIT_RESULT, SUM, VERSION,
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
        $(
            #[allow(dead_code, reason = "`metrics_process` sets the families of the process by their names")]
            pub(super) const $row: Family = Family {
                name: $name, kind: $kind, origin: $origin, labels: &[$($label),*], help: $help,
            };
        )*
        /// Every metric, in the order of `docs/metrics.md`.
        pub const FAMILIES: &[Family] = &[$($row),*];
    };
}

#[rustfmt::skip]
families! {
    OPEN_PAYOUTS: Gauge Books "payout_open_payouts" [MERCHANT BANK OPEN_STATE]
        "Payouts in each state that is not final."
    OPEN_RUPIAH: Gauge Books "payout_open_rupiah" [MERCHANT BANK OPEN_STATE]
        "Gross of these payouts: their instructed amounts. For unknown: money that may or may not have left."
    OPEN_AGE_PAYOUTS: Gauge Books "payout_open_age_payouts" [MERCHANT AGE]
        "The same payouts by how long they have been open since they could first be sent."
    OPEN_AGE_RUPIAH: Gauge Books "payout_open_age_rupiah" [MERCHANT AGE]
        "Gross of these payouts."
    OPEN_OLDEST: Gauge Books "payout_open_oldest_timestamp_seconds" [MERCHANT OPEN_STATE]
        "When the payout that has been in the state longest entered it; 0 when there is none."
    CLAIMABLE: Gauge Books "payout_claimable_payouts" [MERCHANT]
        "Queued payouts that could be sent now: due, covered by the known balance, and not paused."
    CLAIMABLE_OLDEST: Gauge Books "payout_claimable_oldest_timestamp_seconds" [MERCHANT]
        "When the longest-waiting claimable payout became due; 0 when there is none."
    ATTENTION_PAYOUTS: Gauge Books "payout_attention_payouts" [MERCHANT ATTENTION]
        "Payouts that need a person, by reason."
    ATTENTION_RUPIAH: Gauge Books "payout_attention_rupiah" [MERCHANT ATTENTION]
        "Gross of the payouts that need a person."
    ATTENTION_OLDEST: Gauge Books "payout_attention_oldest_timestamp_seconds" [MERCHANT ATTENTION]
        "Since when the longest-waiting payout has needed a person; 0 when there is none."
    QUERIES_DUE: Gauge Books "payout_queries_due_payouts" [MERCHANT]
        "Payouts whose next query is due and has not been sent."
    QUERIES_DUE_OLDEST: Gauge Books "payout_queries_due_oldest_timestamp_seconds" [MERCHANT]
        "When the most overdue query was due; 0 when there is none."
    LEASES_EXPIRED: Gauge Books "payout_leases_expired_payouts" [MERCHANT]
        "Payouts still submitting although their lease has expired: a worker died and no other has noticed yet."
    LEASES_EXPIRED_OLDEST: Gauge Books "payout_leases_expired_oldest_timestamp_seconds" [MERCHANT]
        "When the first of these leases expired; 0 when there is none."
    STEPS_PAYOUTS: Counter Books "payout_steps_total" [MERCHANT BANK STEP]
        "Payouts that have taken each step. Never resets; a step counts once no older transaction is running."
    STEPS_RUPIAH: Counter Books "payout_steps_rupiah_total" [MERCHANT BANK STEP]
        "Gross of the payouts that have taken each step: their instructed amounts. Take differences: increase() invents rupiah."
    PAID_RUPIAH: Gauge Books "payout_paid_rupiah" [MERCHANT BANK SUM]
        "Each sum of what was paid since the beginning (docs/finance.md), and what came back. A corrected fee may lower fee, net and debit."
    LATE: Counter Books "payout_late_total" [MERCHANT]
        "Payouts that became paid or failed more than ten minutes after they could first be sent. Never resets."
    LEDGER: Gauge Books "payout_ledger_rupiah" [MERCHANT ACCOUNT]
        "Balances of the accounts in payout.balances. paid_out is net less returned."
    GATEWAY_BALANCE: Gauge Books "payout_gateway_balance_rupiah" [MERCHANT BALANCE_KIND]
        "Balance that the gateway last stated; NaN before the first time and while it states what cannot be true."
    GATEWAY_BALANCE_AT: Gauge Books "payout_gateway_balance_timestamp_seconds" [MERCHANT]
        "When the gateway's balance was last read; 0 before the first time and while it states what cannot be true."
    BALANCE_REFUSED_SINCE: Gauge Books "payout_gateway_balance_refused_timestamp_seconds" [MERCHANT]
        "Since when the gateway has stated only balances that cannot be true; 0 when it does not."
    GATEWAY_DIFFERENCE: Gauge Books "payout_gateway_difference_rupiah" [MERCHANT]
        "Gateway's available and frozen minus our available and held at that time. Below zero the gateway has less; NaN when they cannot be compared."
    VIOLATIONS: Gauge Books "payout_invariant_violations" [MERCHANT CHECK]
        "Open payouts and accounts that violate an invariant. Must be 0."
    BOOKS_DIFFERENCE: Gauge Books "payout_books_difference_rupiah" [MERCHANT]
        "Difference between the accounts and the sum of all ledger entries at the last check. Must be 0."
    BOOKS_CHECKED_AT: Gauge Books "payout_books_checked_timestamp_seconds" []
        "When this instance last compared the accounts with the ledger; 0 before the first time."
    UNMATCHED: Gauge Books "payout_unmatched_callbacks" []
        "Stored genuine callbacks for orders that are not ours."
    UNMATCHED_OLDEST: Gauge Books "payout_unmatched_callbacks_oldest_timestamp_seconds" []
        "When the oldest unmatched callback arrived; 0 when there is none."
    PAUSES: Gauge Books "payout_pauses" []
        "Operators' pauses in force, whether for everything, a merchant or a bank."
    PAUSES_OLDEST: Gauge Books "payout_pauses_oldest_timestamp_seconds" []
        "When the oldest pause began; 0 when there is none."
    APPROVALS: Gauge Books "payout_approvals_waiting" []
        "Requests that wait for a second person and have not expired."
    APPROVALS_OLDEST: Gauge Books "payout_approvals_oldest_timestamp_seconds" []
        "When the oldest of these requests was made; 0 when there is none."
    APPROVAL_NOTICES: Counter Process "payout_approval_notices_total" [NOTICE_RESULT]
        "Attempts of this instance to tell approvers of a request, by result."
    NOTIFICATION_QUEUE: Gauge Books "payout_notification_queue_permille" []
        "How full the database server's queue of notifications is, in thousandths. From 500 on nobody is woken and everybody polls."
    CLOCK_JUMPS: Gauge Books "payout_clock_jumps" []
        "Jumps of the database's clock that workers found, each within a day of the one before. Each restarts the quiet horizons."
    READERS_BEHIND_SINCE: Gauge Books "payout_reader_missing_oldest_timestamp_seconds" [READER]
        "When the oldest line of history that this reader lacks was written; 0 if none. An old transaction on the server holds readers back."
    SNAPSHOT_AT: Gauge Process "payout_snapshot_timestamp_seconds" []
        "When this instance last read the books, by the database's clock; 0 before the first time."
    SNAPSHOT_DURATION: Gauge Process "payout_snapshot_duration_seconds" []
        "How long the last reading of the books took."
    SUBMITS: Counter Process "payout_submits_total" [MERCHANT SUBMIT_RESULT]
        "Submits by result. A doubt_… is never a failure: the payout becomes unknown."
    SUBMIT_DURATION: CALL Process "payout_submit_duration_seconds" [MERCHANT]
        "Time from the start of a submit to its answer or its timeout."
    QUERIES: Counter Process "payout_queries_total" [MERCHANT QUERY_RESULT]
        "Queries to the gateway by result."
    QUERY_DURATION: CALL Process "payout_query_duration_seconds" [MERCHANT]
        "Time from the start of a query to its answer or its timeout."
    CALLBACKS: Counter Process "payout_callbacks_total" [MERCHANT CALLBACK_RESULT]
        "Callbacks by result; merchant unknown when the callback names none of ours."
    CALLBACK_LAST: Gauge Process "payout_callback_last_timestamp_seconds" [MERCHANT]
        "When this instance last stored a callback; 0 before the first."
    TRANSITIONS: Counter Process "payout_transitions_total" [MERCHANT EVENT]
        "State transitions made by this instance, by event (docs/state-machine.md)."
    CLAIMED: Counter Process "payout_claimed_total" [MERCHANT]
        "Payouts that this instance claimed."
    RECORDED: Counter Process "payout_evidence_total" []
        "Pieces of evidence that this instance wrote."
    REFUSED: Counter Process "payout_refused_rows_total" [MERCHANT REFUSED_ROW]
        "Rows that the database refused: evidence, a change that would have followed from it, or a claim."
    RECORD_DURATION: WRITE Process "payout_record_duration_seconds" []
        "Time to write one batch of evidence."
    EVIDENCE_WAITING: Gauge Process "payout_evidence_waiting" [MERCHANT]
        "Pieces of evidence that this instance has not stored yet."
    EVIDENCE_OLDEST: Gauge Process "payout_evidence_oldest_timestamp_seconds" [MERCHANT]
        "When this instance received the oldest evidence that it has not stored yet; 0 when there is none."
    IN_FLIGHT: Gauge Process "payout_submits_in_flight" []
        "Submits of this instance that await an answer."
    CLAIMS_STOPPED: Gauge Process "payout_claims_stopped" [MERCHANT STOP_REASON]
        "1 while this instance claims nothing for the merchant for this reason, else 0."
    LOOP_BEAT: Gauge Process "payout_loop_timestamp_seconds" [LOOP]
        "When each loop of this instance last completed a round. An old time means that the loop has stalled."
    LOG_DROPPED: Counter Process "payout_log_lines_dropped_total" []
        "Lines of this instance's log that were dropped because nobody read it in time."
    BUILD_INFO: Gauge Process "payout_build_info" [VERSION]
        "Always 1; the label is the version."
    PROCESS_CPU: Counter Process "process_cpu_seconds_total" []
        "Processor time that this instance has used."
    PROCESS_MEMORY: Gauge Process "process_resident_memory_bytes" []
        "Resident memory of this instance."
    PROCESS_FILES: Gauge Process "process_open_fds" []
        "Open files and connections of this instance."
    PROCESS_FILES_MAX: Gauge Process "process_max_fds" []
        "Most files and connections that this instance may have open."
    PROCESS_VIRTUAL: Gauge Process "process_virtual_memory_bytes" []
        "Virtual memory of this instance."
    PROCESS_VIRTUAL_MAX: Gauge Process "process_virtual_memory_max_bytes" []
        "Most virtual memory that this instance may use; 0 when there is no limit."
    PROCESS_THREADS: Gauge Process "process_threads" []
        "Threads of this instance."
    PROCESS_START: Gauge Process "process_start_time_seconds" []
        "When this instance started."
}
