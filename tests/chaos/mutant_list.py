"""Deliberate faults of the worker, each of which the checker must catch.

A mutant replaces some text of the sources by another one that is chosen at run time, so that one build holds them all.
Where the database would refuse what the mutant does, its SQL takes that guard away too: it is the checker that is tried
here, not the guard.
"""

from __future__ import annotations

from typing import List, NamedTuple, Tuple

NO_GUARD = "alter table payout.payouts disable trigger guard_payout;"
NO_COUNT = "alter table payout.payouts drop constraint sent_once_per_grant;"
FREE = NO_GUARD + NO_COUNT


class Mutant(NamedTuple):
    """What is broken, where it shows, and which invariants of the checker may say so."""

    name: str
    what: str
    edits: List[Tuple[str, str, str]]  # file, text, what stands there instead; {on} is the switch
    behaviours: str                    # of the gateway
    caught_by: str                     # any of these invariants
    sql: str = ""
    faults: str = "none"
    share: float = 1.0
    payouts: int = 60
    scale: float = 0.1  # of the gateway's times
    pauses: int = 0     # aimed stops of the workers, in place of faults


DECIDE, ASKED, CALLED = "crates/domain/src/decide.rs", "crates/domain/src/decide/queried.rs", "crates/domain/src/decide/callback.rs"
TRANSPORT = "src/gateway/transport.rs"
SUBMITTED, LEDGER, CLAIM = "crates/domain/src/decide/submitted.rs", "crates/domain/src/ledger.rs", "src/store/claim.rs"

UNANSWERED = """        if self.out.after.state == State::Submitting && self.move_by(Event::Unanswered, None) {
            self.query_by_schedule();
        }"""
REQUEUE = """self.move_by(Event::NotSent, None) {
                self.payout().not_sent = self.out.after.not_sent.saturating_add(1);
                self.payout().next_query_at = None;
            }"""
SILENCE = """        let rules = self.rules.poll;
        let sent_by = self.out.after.send_by.unwrap_or(self.now);"""

MUTANTS = [
    Mutant("doubt_is_failed", "an answer that proves nothing is taken for a failure", [
        (SUBMITTED, UNANSWERED, """        if {on} {
            self.fail(Event::ReportedFailed, None);
            return;
        }
""" + UNANSWERED)], "unknown_booked,cut_booked,garbage", "I3", FREE),
    Mutant("doubt_is_sent_again", "a lost answer puts the payout back into the queue", [
        (SUBMITTED, UNANSWERED, """        if {on} {
            if """ + REQUEUE + """
            return;
        }
""" + UNANSWERED)], "unknown_booked,cut_booked,garbage", "I1 I2", FREE),
    Mutant("lease_end_requeues", "an ended lease makes the payout claimable again", [
        (SUBMITTED, """        if attempt == Some(self.out.after.attempt) {
            self.unanswered();""", """        if {on} {
            if """ + REQUEUE + """
            return;
        }
        if attempt == Some(self.out.after.attempt) {
            self.unanswered();""")], "cb_none", "I1 I2", FREE, "k5_kill,worker_kill", payouts=120),
    Mutant("not_known_is_failed", "NOTEXIST is a failure at once", [
        (ASKED, SILENCE, """        if {on} {
            self.fail(Event::RefusalConfirmed, None);
            return;
        }
""" + SILENCE)], "late_booked_unknown", "I3", FREE, scale=1.0),
    Mutant("not_known_is_sent_again", "NOTEXIST puts the payout back into the queue", [
        (ASKED, SILENCE, """        if {on} {
            if """ + REQUEUE + """
            return;
        }
""" + SILENCE)], "late_booked_unknown", "I1 I2", FREE, scale=1.0),
    Mutant("fail_is_final", "a FAIL is final without a question", [
        (SUBMITTED, """        match self.out.after.state {
            State::Submitting | State::Unknown => {
                self.move_by(Event::Declined, None);""", """        if {on} {
            self.fail(Event::ReportedFailed, None);
            return;
        }
        match self.out.after.state {
            State::Submitting | State::Unknown => {
                self.move_by(Event::Declined, None);""")], "fail_booked", "I3", FREE),
    Mutant("client_tries_again", "a layer of the client sends once more after an error", [
        (TRANSPORT, "            Ok(Err(broken)) => Some(broken),", """            Ok(Err(_)) if {on} && !gate.shut() => {
                match self.submits.post(again, SendGate::new(send_by), read).await {
                    Ok(answered) => return Sent::Maybe(answered),
                    Err(broken) => Some(broken),
                }
            }
            Ok(Err(broken)) => Some(broken),"""),
        (TRANSPORT, "        let now = Instant::now();", "        let again = bytes.clone();\n        let now = Instant::now();")],
        "cut_booked,reset_booked", "I1 I2"),
    Mutant("redirects_followed", "submits go by a client that follows redirects, with a body that can be read again", [
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
        ("src/gateway/one_shot.rs", "    address: Uri,", "    pub(super) address: Uri,")], "redirect_307", "I1 I2"),
    Mutant("sends_late", "nobody looks at the time before a byte leaves", [
        ("src/gateway/gate.rs", "        if !self.send_by.is_over() {", "        if {on} || !self.send_by.is_over() {")],
        "none", "late", pauses=16),
    Mutant("lost_is_not_sent", "a broken connection is taken for the proof that nothing left", [
        (TRANSPORT, "        if gate.shut() {", "        if gate.shut() || {on} {")],
        "cut_booked,reset_booked,cb_none", "I1 I2", share=0.4, payouts=80),
    Mutant("callback_unbound", "a verified callback is believed whatever its fields say", [
        (CALLED, "            Binding::BoundPaid { fee } if self.rules.callbacks_settle =>",
         """            Binding::Unbound(_) if {on} && self.out.finding.starts_with("status_2") => self.pay(None),
            Binding::BoundPaid { fee } if self.rules.callbacks_settle =>""")],
        "cb_status_shift,cb_wrong_amount,cb_contradiction", "I3 I5", FREE, payouts=150),
    Mutant("callback_failure", "a callback's failure settles without a question", [
        (CALLED, "    fn called_while_open(&mut self, binding: &Binding) {", """    fn called_while_open(&mut self, binding: &Binding) {
        if {on} && self.out.finding.starts_with("status_4") {
            self.fail(Event::ReportedFailed, None);
            return;
        }"""),
        (CALLED, "    state::State,", "    state::{Event, State},")], "cb_false_failure", "I3", FREE),
    Mutant("success_unstored", "SUCCESS is answered although nothing is stored", [
        ("src/inbound/callback.rs", "        let status = callback.status();\n        let detail", """        if {on} {
            return Receipt::Stored;
        }
        let status = callback.status();
        let detail""")], "none", "I7", share=0.2),
    Mutant("fee_sign_flipped", "the fee on top is given instead of taken", [
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
                fees: fee,""")], "none", "I5", share=0.2),
    Mutant("announced_fee_wins", "the announced fee is booked and not that of the terminal evidence", [
        (DECIDE, "        let fee = stated_fee.or(self.out.after.fee);",
         "        let fee = if {on} { self.out.after.fee.or(stated_fee) } else { stated_fee.or(self.out.after.fee) };"),
        (ASKED, "            Some(booked) if booked == stated => return,", "            Some(booked) if booked == stated || {on} => return,")],
        "fee_corrected", "I5"),
    Mutant("fee_type_swapped", "the request names the other feeType", [
        ("src/gateway/request.rs", 'Value::FeeType => self.instruction?.fee_type.code().to_string(),',
         'Value::FeeType => self.instruction.map(|i| i.fee_type.code()).map(|c| if {on} { 1 - c } else { c })?.to_string(),')],
        "none", "I9 I5", share=0.2),
    Mutant("hundredfold", "the request names the amount in cents", [
        ("src/gateway/request.rs", 'Value::Money => self.instruction?.amount.idr().to_string(),',
         'Value::Money => (self.instruction?.amount.idr() * if {on} { 100 } else { 1 }).to_string(),')], "none", "I9 I5", share=0.2),
    Mutant("at_bank_is_failed", "status 5 is a failure", [
        (ASKED, "        match &found.status {\n            GatewayStatus::Paid => self.says_paid(found),",
         """        match &found.status {
            GatewayStatus::AtBank if {on} => self.says_failed(found),
            GatewayStatus::Paid => self.says_paid(found),""")], "cb_none,unknown_booked", "I3", FREE, scale=2.0),
    Mutant("foreign_answer", "the answer about another order is taken for this one's", [
        ("src/gateway/query_answer.rs", "let judged = judge(",
         """let named = serde_json::from_slice::<Value>(body)
        .ok()
        .and_then(|page| page.get("orderNum").and_then(Value::as_str).map(str::to_owned));
    let order_num = named.as_deref().filter(|_| {on}).unwrap_or(order_num);
    let judged = judge("""),
        (ASKED, "        if !self.amount_fits(found) {", "        if !{on} && !self.amount_fits(found) {"),
        (ASKED, "        if !self.learn_platform_order_num(found.platform_order_num.as_deref()) {",
         "        if !{on} && !self.learn_platform_order_num(found.platform_order_num.as_deref()) {")],
        "q_wrong_order,q_crossed,cb_none", "I3", scale=1.0),
    Mutant("any_signature", "an answer needs no signature that verifies", [
        ("src/gateway/answer.rs", "    if keys.iter().any(|key| sign::verify(key, &text, signature)) {",
         "    if {on} || keys.iter().any(|key| sign::verify(key, &text, signature)) {")], "q_bad_sign,cb_none", "I3", scale=1.0),
    Mutant("unconfirmed_commit", "permits are made although the commit was not confirmed", [
        ("src/store/claim/commit.rs", "    outcome.map_err(ClaimError::CommitUnknown)?;",
         "    if {on} {\n        return Ok(());\n    }\n    outcome.map_err(ClaimError::CommitUnknown)?;")], "none", "I1 I2 I9", "", "pg_cut_before_claim_commit", 0.2, 250),
    Mutant("finals_are_forgotten", "a final payout is never asked for again", [
        (DECIDE, "        let Some(settled_at) = self.out.after.settled_at else {\n            return;",
         """        if {on} {
            self.payout().next_query_at = None;
            return;
        }
        let Some(settled_at) = self.out.after.settled_at else {
            return;""")], "q_flip_paid,q_flip_failed,cb_none", "I3", scale=1.0),
    Mutant("unknown_is_forgotten", "an unknown payout is never asked for", [
        (SUBMITTED, UNANSWERED, """        if {on} && self.out.after.state == State::Submitting {
            self.move_by(Event::Unanswered, None);
            return;
        }
""" + UNANSWERED)], "unknown_booked,cut_booked,cb_none", "I4 I10"),
    Mutant("horizon_of_zero", "a resubmit needs no quiet horizon", [
        (ASKED, SILENCE, SILENCE + """
        let rules = if {on} {
            crate::domain::schedule::PollRules { quiet_horizon: std::time::Duration::ZERO, ..rules }
        } else {
            rules
        };""")], "late_booked_unknown", "I1 I2",
        """create or replace function payout.quiet_until(p payout.payouts) returns timestamptz language sql
           return (p).state_since;""", share=0.15, payouts=100, scale=3.0),
    Mutant("name_in_the_log", "a beneficiary is named in the log", [
        ("src/worker/submit.rs", "        let instruction = permit.instruction();", """        let instruction = permit.instruction();
        if {on} {
            tracing::info!(name = instruction.account_name.reveal(), "sends");
        }""")], "none", "I8", share=0.2),
    Mutant("fence_off", "another history of the database stops nothing", [
        (CLAIM, "    if !merchant.same_identity {", "    if !merchant.same_identity && !{on} {"),
        ("src/store/claim/last.rs", "    let Some(last) = last.filter(|last| last.epoch >= epoch) else {",
         "    let Some(last) = last.filter(|last| last.epoch >= epoch && !{on}) else {"),
        ("src/worker/watch.rs", "    let last = worker.witness.last();",
         "    if {on} {\n        return Ok(());\n    }\n    let last = worker.witness.last();")],
        "none", "I1 I2", "", "failover_lossy", 0.2, 400),
]
