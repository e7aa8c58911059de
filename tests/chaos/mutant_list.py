"""Deliberate bugs of the worker, each of which the checker must catch.

A mutant replaces some text of the sources by one that is chosen at run time, so that one build holds them all. Where the
database would refuse what the mutant does, its SQL removes that guard as well: the checker is on trial here, not the
guard. A guarded mutant then runs once more with the guard in place, which must refuse what it does.
"""

from __future__ import annotations

from typing import List, NamedTuple, Tuple

# Any move counts as evidenced; everything else that guards a payout stays.
NO_EVIDENCE = """create or replace function payout.evidence_for(wanted text, merchant text, order_num text, this_xid bigint)
                 returns setof payout.evidence language sql stable return null::payout.evidence;"""
# Nor must an attempt be proven unsent, or the sends be counted; an operator's move still uses up its request.
NO_PROOF = """create or replace function payout.why_no_move(merchant text, order_num text, attempt int, to_state text,
                                                            steps int[], event text, proven_by text, this_xid bigint)
              returns table (refusal text[]) language sql stable return null::text[];"""
# A resubmit needs a request and a second person, and no proof.
NO_RESUBMIT_PROOF = """create or replace function payout.why_no_resubmit(p payout.payouts) returns text
                       language sql return null::text;"""

# A commit waits for the disk only where the session's setting says so.
NOT_DURABLE = """create or replace function payout.make_durable() returns void language plpgsql
                 as $$ begin end $$;"""
# Every act takes one person.
ONE_PERSON = """create or replace function payout.people_needed(act text, p payout.payouts default null,
                                                                merchant_code text default null)
                returns int language sql return 1;"""
# Nothing stops a claim in the database.
NO_STOPS = """create or replace function payout.why_no_sends() returns text language sql stable return null::text;
              create or replace function payout.why_no_send(p payout.payouts, merchant text, order_num text, attempt int)
              returns table (why text) language sql stable return null::text;"""
# Whatever the address is by which a worker reaches the database.
ANY_ADDRESS = """create or replace function payout.other_address(merchant text, order_num text, attempt int)
                 returns table (address text) language sql stable begin atomic select 'any' where false; end;"""


class Mutant(NamedTuple):
    """What is broken, the world in which it shows, and which of the checker's checks may catch it."""

    name: str
    what: str
    edits: List[Tuple[str, str, str]]  # file, text, replacement; {on} is true in the process of this mutant
    behaviours: str                    # of the gateway, as for --behaviours
    caught_by: str                     # any of these checks, C1 to C10, "late" (see pauses.py), or only "guard"
    sql: str = ""         # run before the workers start
    guarded: bool = False  # also runs without the SQL: then the database must refuse what it does
    faults: str = "none"  # as for --set
    share: float = 1.0    # of orders with an abnormal submit
    payouts: int = 60
    seconds: float = 8.0  # how long payouts and faults come
    scale: float = 0.1  # factor for the gateway's times
    pauses: int = 0     # aimed stops of workers, in place of faults
    dialect: str = "bdpay"  # of the gateway; toppay signs no answer to a query


DECIDE, QUERIED, CALLBACK = "crates/domain/src/decide.rs", "crates/domain/src/decide/queried.rs", "crates/domain/src/decide/callback.rs"
TRANSPORT = "crates/gateway/src/transport.rs"
SUBMITTED, LEDGER, CLAIM = "crates/domain/src/decide/submitted.rs", "crates/domain/src/ledger.rs", "crates/store/src/claim/due.rs"
REACH = "crates/store/src/addresses/reach.rs"
WATCH = "crates/service/src/worker/watch.rs"

UNANSWERED = """        if self.out.after.state == State::Submitting && self.move_by(Event::Unanswered, None) {
            self.query_by_schedule_or_sooner();
        }"""
REQUEUE = """self.move_by(Event::NotSent, None) {
                self.payout().not_sent = self.out.after.not_sent.saturating_add(1);
                self.payout().next_query_at = None;
            }"""
SILENCE = """        let rules = self.rules.poll;
        let valid_from = self.quiet_until();"""

# "Not found" counts although nothing vouches for it, which alone would hide the bug: before the horizon nothing can.
VOUCHED = ("crates/service/src/worker/poll.rs", "            Vouched::Always => {}",
           "            _ if {on} => {}\n            Vouched::Always => {}")

MUTANTS = [
    Mutant("doubt_is_failed", "an answer that proves nothing counts as a failure", [
        (SUBMITTED, UNANSWERED, """        if {on} {
            self.fail(Event::ReportedFailed, None);
            return;
        }
""" + UNANSWERED)], "unknown_booked,cut_booked,garbage", "C3", NO_EVIDENCE),
    Mutant("doubt_is_resent", "a lost answer puts the payout back into the queue", [
        (SUBMITTED, UNANSWERED, """        if {on} {
            if """ + REQUEUE + """
            return;
        }
""" + UNANSWERED)], "unknown_booked,cut_booked,garbage,cb_none", "C1 C2", NO_PROOF),
    Mutant("expired_lease_requeues", "an expired lease makes the payout claimable again", [
        (SUBMITTED, """        if attempt == self.out.after.attempt {
            self.unanswered();""", """        if {on} {
            if """ + REQUEUE + """
            return;
        }
        if attempt == self.out.after.attempt {
            self.unanswered();""")], "cb_none", "C1 C2", NO_PROOF, faults="k5_kill,worker_kill", payouts=120,
        seconds=14.0),
    Mutant("not_found_is_failed", "\"not found\" counts as a failure at once", [
        VOUCHED, (QUERIED, SILENCE, """        if {on} {
            self.fail(Event::RefusalConfirmed, None);
            return;
        }
""" + SILENCE)], "late_booked_unknown", "C3", NO_EVIDENCE, scale=1.0),
    Mutant("not_found_is_resent", "\"not found\" puts the payout back into the queue", [
        VOUCHED, (QUERIED, SILENCE, """        if {on} {
            if """ + REQUEUE + """
            return;
        }
""" + SILENCE)], "late_booked_unknown", "C1 C2", NO_PROOF, scale=1.0),
    Mutant("fail_is_final", "a FAIL is final without a query that confirms it", [
        (SUBMITTED, """        match self.out.after.state {
            State::Submitting | State::Unknown => {
                self.move_by(Event::Declined, None);""", """        if {on} {
            self.fail(Event::ReportedFailed, None);
            return;
        }
        match self.out.after.state {
            State::Submitting | State::Unknown => {
                self.move_by(Event::Declined, None);""")], "fail_booked", "C3", NO_EVIDENCE),
    Mutant("client_retries", "the HTTP client retries after an error", [
        (TRANSPORT, "            Ok(Err(broken)) => Some(broken),", """            Ok(Err(_)) if {on} && !gate.shut() => {
                match self.submits.post(again, SendGate::new(send_by), read).await {
                    Ok(answered) => return Sent::Maybe(answered),
                    Err(broken) => Some(broken),
                }
            }
            Ok(Err(broken)) => Some(broken),"""),
        (TRANSPORT, "        let now = Instant::now();", "        let again = bytes.clone();\n        let now = Instant::now();")],
        "cut_booked,reset_booked", "C1 C2"),
    Mutant("redirects_followed", "submits use a client that follows redirects, with a body that can be read twice", [
        (TRANSPORT, "        let posting = self.submits.post(", """        if {on} {
            gate.load();
            let follows = plain(self.timeout).redirect(reqwest::redirect::Policy::limited(3)).build();
            let (Ok(follows), Ok(url)) = (follows, Url::parse(&self.submits.address.to_string())) else {
                return Sent::Never("no client".into());
            };
            return match post(&follows, url, bytes.into()).await {
                Ok(response) => Sent::Maybe(read(response).await),
                Err(error) => Sent::Maybe(Err(lost(error.is_timeout()))),
            };
        }
        let posting = self.submits.post("""),
        ("crates/gateway/src/one_shot.rs", "    address: Uri,", "    pub(super) address: Uri,")], "redirect_307", "C1 C2"),
    Mutant("sends_late", "nothing checks the send-by time before a byte leaves", [
        ("crates/gateway/src/gate.rs", "        if !self.send_by.is_over() {", "        if {on} || !self.send_by.is_over() {")],
        "none", "late", pauses=16),
    Mutant("broken_connection_unsent", "a broken connection counts as proof that nothing was sent", [
        (TRANSPORT, "        if gate.shut() {", "        if gate.shut() || {on} {")],
        "cut_booked,reset_booked,cb_none", "C1 C2", share=0.4, payouts=80),
    Mutant("refusal_confirmed_early", "the first \"not found\" confirms a FAIL, however soon after it", [
        (SUBMITTED, "                    self.or_sooner(|draft| draft.query_in(draft.rules.poll.decline_confirm));",
         """                    let pause = if {on} { std::time::Duration::ZERO } else { self.rules.poll.decline_confirm };
                    self.or_sooner(|draft| draft.query_in(pause));"""),
        (QUERIED, "        let valid_from = declined_at\n", """        if {on} {
            self.fail(Event::RefusalConfirmed, None);
            return;
        }
        let valid_from = declined_at
""")], "fail_lagging,cb_none", "C3", NO_EVIDENCE, True),
    Mutant("refusal_confirmed_once", "one \"not found\" in time confirms a FAIL, without a second one", [
        (QUERIED, "        self.counts_as(Proves::Refusal, Some(valid_from));", """        self.counts_as(Proves::Refusal, Some(valid_from));
        if {on} {
            self.fail(Event::RefusalConfirmed, None);
            return;
        }""")], "fail_lagging,cb_none", "C3", NO_EVIDENCE, True, payouts=120, seconds=12.0),
    Mutant("doubt_is_acknowledged", "an answer that proves nothing counts as an acceptance", [
        (SUBMITTED, UNANSWERED, """        if {on} {
            self.move_by(Event::Acknowledged, None);
            return;
        }
""" + UNANSWERED)], "unknown_booked,cut_booked,garbage", "guard", guarded=True),
    Mutant("unsigned_answer_settles_at_once", "an unsigned final answer settles without a second one", [
        (QUERIED, "        if found.signed {\n            return true;",
         "        if found.signed || {on} {\n            return true;")],
        "q_no_sign,cb_none", "C3", NO_EVIDENCE, True, dialect="toppay"),
    Mutant("unbound_callback_settles", "a verified callback settles the payout whatever its fields are", [
        (CALLBACK, "            Binding::BoundPaid { fee } if self.settles(*fee) => self.pay(Some(*fee)),",
         """            Binding::Unbound(_) if {on} && matches!(self.out.finding, Finding::Callback { status: Some(2), .. }) => {
                self.pay(None)
            }
            Binding::BoundPaid { fee } if self.settles(*fee) => self.pay(Some(*fee)),""")],
        "cb_status_shift,cb_wrong_amount,cb_contradiction", "C3 C5", NO_EVIDENCE, True, payouts=150),
    Mutant("callback_failure_settles", "a callback that states a failure settles the payout without a query", [
        (CALLBACK, "    fn callback_while_open(&mut self, binding: &Binding) {", """    fn callback_while_open(&mut self, binding: &Binding) {
        if {on} && matches!(self.out.finding, Finding::Callback { status: Some(4), .. }) {
            self.fail(Event::ReportedFailed, None);
            return;
        }"""),
        (CALLBACK, "    state::State,", "    state::{Event, State},")], "cb_false_failure", "C3", NO_EVIDENCE),
    Mutant("success_without_storing", "a callback is answered with SUCCESS although nothing is stored", [
        ("crates/service/src/inbound/callback.rs", "        let merchant = lane.code();\n        let (digest", """        let merchant = lane.code();
        if {on} {
            return (Some(merchant.to_owned()), Receipt::Stored);
        }
        let (digest""")], "none", "C7", share=0.2),
    Mutant("fee_sign_flipped", "a fee on top is credited instead of debited", [
        (LEDGER, """            (FeeType::OnTop, Some(fee)) => Some(Self {
                available: held.minus(amount.plus(fee)?)?,
                paid_out: amount,
                fees: fee,""", """            (FeeType::OnTop, Some(fee)) if {on} => Some(Self {
                available: held.minus(amount.minus(fee)?)?,
                paid_out: amount,
                fees: fee.negated()?,
                ..spent
            }),
            (FeeType::OnTop, Some(fee)) => Some(Self {
                available: held.minus(amount.plus(fee)?)?,
                paid_out: amount,
                fees: fee,""")], "none", "C5", share=0.2),
    Mutant("announced_fee_wins", "the ledger gets the announced fee, not that of the final evidence", [
        (DECIDE, "            Some(stated) => Some(stated).filter(|fee| self.is_plausible(*fee)),",
         """            Some(_) if {on} && self.out.after.fee.is_some() => self.out.after.fee,
            Some(stated) => Some(stated).filter(|fee| self.is_plausible(*fee)),"""),
        (QUERIED, "            Some(booked) if booked == stated => return,", "            Some(booked) if booked == stated || {on} => return,")],
        "fee_corrected", "C5"),
    Mutant("fee_type_swapped", "the request names the other feeType", [
        ("crates/gateway/src/request.rs", 'Value::FeeType => self.instruction?.fee_type.code().to_string(),',
         'Value::FeeType => self.instruction.map(|i| i.fee_type.code()).map(|c| if {on} { 1 - c } else { c })?.to_string(),')],
        "none", "C9 C5", share=0.2),
    Mutant("hundredfold", "the request names the amount in cents", [
        ("crates/gateway/src/request.rs", 'Value::Money => self.instruction?.amount.idr().to_string(),',
         'Value::Money => (self.instruction?.amount.idr() * if {on} { 100 } else { 1 }).to_string(),')], "none", "C9 C5", share=0.2),
    Mutant("at_bank_is_failed", "status 5 counts as a failure", [
        (QUERIED, "            GatewayStatus::Paid => self.says_paid(found, sent_at),",
         """            GatewayStatus::AtBank if {on} => self.says_failed(found, sent_at),
            GatewayStatus::Paid => self.says_paid(found, sent_at),""")], "cb_none,unknown_booked", "C3", NO_EVIDENCE, scale=2.0),
    Mutant("foreign_answer_accepted", "an answer about another order is accepted", [
        ("crates/gateway/src/query_answer.rs", "let judged = judge(",
         """let named = serde_json::from_slice::<Value>(body)
        .ok()
        .and_then(|page| page.get("orderNum").and_then(Value::as_str).map(str::to_owned));
    let order_num = named.as_deref().filter(|_| {on}).unwrap_or(order_num);
    let judged = judge("""),
        (QUERIED, "        if !self.amount_fits(found) {", "        if !{on} && !self.amount_fits(found) {"),
        (QUERIED, "        if !self.learn_platform_order_num(found.platform_order_num.as_deref()) {",
         "        if !{on} && !self.learn_platform_order_num(found.platform_order_num.as_deref()) {")],
        "q_wrong_order,q_crossed,cb_none", "C3", scale=1.0),
    Mutant("signature_not_checked", "an answer is accepted whatever its signature is", [
        ("crates/gateway/src/answer.rs", "    if keys.iter().any(|key| sign::verify(key, &text, signature)) {",
         "    if {on} || keys.iter().any(|key| sign::verify(key, &text, signature)) {")], "q_bad_sign,cb_none", "C3", scale=1.0),
    Mutant("unconfirmed_commit", "permits are issued although the claim's commit was not confirmed", [
        ("crates/store/src/claim/commit.rs", "    outcome.map_err(not_committed)?;",
         "    if {on} {\n        return Ok(());\n    }\n    outcome.map_err(not_committed)?;")], "none", "C1 C2 C9", faults="pg_cut_before_claim_commit",
        share=0.2, payouts=250, seconds=14.0),
    Mutant("finals_never_queried", "a final payout is never queried again", [
        (DECIDE, "        let Some(settled_at) = self.out.after.settled_at else {\n            return;",
         """        if {on} {
            self.payout().next_query_at = None;
            return;
        }
        let Some(settled_at) = self.out.after.settled_at else {
            return;""")], "q_flip_paid,q_flip_failed,cb_none", "C3", scale=1.0),
    Mutant("unknown_never_queried", "an unknown payout is never queried", [
        (SUBMITTED, UNANSWERED, """        if {on} && self.out.after.state == State::Submitting {
            self.move_by(Event::Unanswered, None);
            return;
        }
""" + UNANSWERED)], "unknown_booked,cut_booked,cb_none", "C4 C10"),
    Mutant("no_quiet_horizon", "a resubmit needs no quiet horizon", [
        VOUCHED, (QUERIED, "        let sent_by = self.out.after.send_by.unwrap_or(self.now);",
         """        let sent_by = self.out.after.send_by.unwrap_or(self.now);
        if {on} {
            return sent_by;
        }"""),
        (QUERIED, "        let interval = schedule::confirm_interval(&rules);\n        let Some(first)", """        let rules = if {on} {
            crate::schedule::PollRules { quiet_horizon: std::time::Duration::ZERO, ..rules }
        } else {
            rules
        };
        let interval = schedule::confirm_interval(&rules);
        let Some(first)""")], "late_booked_unknown", "C1 C2",
        """create or replace function payout.quiet_until(p payout.payouts) returns timestamptz language sql
           return (p).state_since;""", share=0.15, payouts=100, seconds=16.0,
        scale=3.0),
    Mutant("early_not_found_counts", "the first \"not found\" counts as absence, although before the quiet horizon", [
        VOUCHED, (QUERIED, "        if sent_at < valid_from {\n            self.query_by", """        if {on} {
            self.counts_as(Proves::Absence, Some(valid_from));
            self.raise(Attention::NotFound);
            return;
        }
        if sent_at < valid_from {
            self.query_by""")], "late_booked_unknown", "C1 C2", NO_RESUBMIT_PROOF, share=0.15, payouts=100, seconds=16.0,
        scale=3.0),
    Mutant("name_in_log", "the log names a beneficiary", [
        ("crates/service/src/worker/submit.rs", "    let key = permit.key().clone();", """    if {on} {
        tracing::info!(name = permit.instruction().account_name.reveal(), "sends");
    }
    let key = permit.key().clone();""")], "none", "C8", share=0.2),
    Mutant("fence_disabled", "a failover stops no claims", [
        (CLAIM, "    if !row.same_identity {", "    if !row.same_identity && !{on} {"),
        ("crates/store/src/claim/last.rs", "    let Some(last) = last.filter(|last| last.epoch >= epoch) else {",
         "    let Some(last) = last.filter(|last| last.epoch >= epoch && !{on}) else {"),
        (WATCH, "    let last = worker.witness.last();",
         "    if {on} {\n        return Ok(());\n    }\n    let last = worker.witness.last();")],
        "none", "C1 C2", NO_STOPS, faults="failover_lossy", share=0.2, payouts=400, seconds=14.0),
    Mutant("address_not_compared", "a worker claims by whichever address it reaches the database", [
        (CLAIM, "    if !row.address_is_registered {",
         "    if !row.address_is_registered && !{on} {"),
        (REACH, "        let registered = is_registered(&mut db, &self.address).await;",
         "        let registered = is_registered(&mut db, &self.address).await.map(|found| found || {on});"),
        (REACH, "        if is_registered(db, &self.address).await? {",
         "        if is_registered(db, &self.address).await? || {on} {"),
        (WATCH, "    if !addresses::is_registered(&mut db, reach.address()).await? {",
         "    if !{on} && !addresses::is_registered(&mut db, reach.address()).await? {")],
        "none", "C1 C2 C9", ANY_ADDRESS, faults="data_folder_copy", share=0.2, payouts=250, seconds=14.0),
    Mutant("queries_share_connections", "queries are sent on connections that carried others before", [
        (TRANSPORT, "                .pool_max_idle_per_host(0)",
         "                .pool_max_idle_per_host(if {on} { 4 } else { 0 })"),
        (TRANSPORT, '        .header(CONNECTION, "close");',
         '        .header(CONNECTION, if {on} { "keep-alive" } else { "close" });')],
        "fail_booked,q_repeated,cb_none", "C3"),
    Mutant("claim_not_durable", "a claim's commit waits for the disk only where the login's settings say so", [],
           "none", "C1 C2 C7 C9", NOT_DURABLE, faults="pg_async_login", share=0.2, payouts=250, seconds=14.0),
    Mutant("number_of_two", "one number of the gateway may be that of two payouts", [
        # The worker does not start without that index.
        ("crates/service/src/fitness.rs", "if !config.database.allow_owner {", "if !config.database.allow_owner && !{on} {")],
           "unknown_booked,q_other_number,cb_none", "C3", "drop index payout.platform_order_num_is_used_once", share=0.5),
    Mutant("one_person_suffices", "every act takes one person, whatever its effect", [],
           "unknown_booked,cb_none", "C3 C5 C6", ONE_PERSON, faults="operator_alone", scale=2.0),
]
