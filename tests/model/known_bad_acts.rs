//! Each rule about who must agree, and about copies, removed alone. The search must find what it protects broken.

use crate::{
    promises::{
        DEBT_PAID_ONCE, EACH_LOOK_RECORDED, NO_WORD_AGAINST_EVIDENCE, NOT_FREED_BY_ONE,
        NOTHING_INVENTED, PAID_ONCE, SENT_ONCE,
    },
    search::breaks,
    setup::{LOST_AND_NOT_FOUND_ALONE, Rule, Setup},
};

fn by_one(act: &'static str, applies_if: &'static str, setup: Setup) -> Setup {
    let rule = Rule::TakesOnePerson(act, applies_if);
    Setup { rule, ..setup }
}

fn with(rule: Rule, setup: Setup) -> Setup {
    Setup { rule, ..setup }
}

const RESUBMITS: Setup = Setup {
    first_steps: &LOST_AND_NOT_FOUND_ALONE,
    end: 7,
    ..Setup::OPERATORS
};

#[test]
fn a_resubmit_by_one_person_sends_again() {
    breaks(by_one("resubmit", "always", RESUBMITS), SENT_ONCE);
}

#[test]
fn a_failure_stated_by_one_person_frees_money() {
    let alone = by_one("resolve_failed", "always", Setup::OPERATORS);
    breaks(alone, NOT_FREED_BY_ONE);
}

#[test]
fn one_persons_word_against_not_found_stands_without_attention() {
    let alone = by_one("resolve_paid", "contradicted", Setup::OPERATORS);
    breaks(alone, NO_WORD_AGAINST_EVIDENCE);
}

#[test]
fn one_persons_word_within_the_horizon_stands_without_attention() {
    let alone = by_one("resolve_paid", "early", Setup::OPERATORS);
    breaks(alone, NO_WORD_AGAINST_EVIDENCE);
}

/// The bank never made the return; or one person stated the payment as well, and the gateway makes it later.
#[test]
fn a_return_that_the_gateway_does_not_report_by_one_person_pays_the_debt_twice() {
    let alone = by_one("resolve_returned", "unreported", Setup::OPERATORS);
    breaks(alone, DEBT_PAID_ONCE);
}

#[test]
fn a_contradiction_ended_by_one_person_leaves_a_word_against_evidence() {
    let alone = by_one("resolve_unchanged", "always", Setup::OPERATORS);
    breaks(alone, NO_WORD_AGAINST_EVIDENCE);
}

#[test]
fn a_failover_accepted_by_one_person_pays_twice() {
    let failover = Setup {
        acts: 1,
        first_steps: &[
            crate::steps::Step::StandbyFallsBehind,
            crate::steps::Step::FailOver,
        ],
        ..Setup::FAILOVER
    };
    breaks(by_one("accept_failover", "always", failover), PAID_ONCE);
}

#[test]
fn funding_booked_by_one_person_where_the_gateway_funds_invents_money() {
    let alone = by_one("fund", "gateway_funds", Setup::OPERATORS);
    breaks(alone, NOTHING_INVENTED);
}

#[test]
fn an_unproven_payout_cancelled_by_one_person_pays_the_debt_twice() {
    let alone = by_one("cancel", "unproven", Setup::SILENT);
    breaks(alone, DEBT_PAID_ONCE);
}

#[test]
fn an_approval_of_ones_own_request_pays_the_debt_twice() {
    let own = with(Rule::OwnApprovalCounts, Setup::OPERATORS);
    breaks(own, DEBT_PAID_ONCE);
}

#[test]
fn people_counted_only_when_requested_let_one_word_stand_against_evidence() {
    let early = with(Rule::PeopleCountedWhenRequested, Setup::OPERATORS);
    breaks(early, NO_WORD_AGAINST_EVIDENCE);
}

#[test]
fn evidence_against_a_word_that_is_only_stored_needs_nobody() {
    let word = with(Rule::WordOutweighsEvidence, Setup::OPERATORS);
    breaks(word, NO_WORD_AGAINST_EVIDENCE);
}

/// What was set aside as perhaps sent is short of funds too, which holds back no claim.
#[test]
fn a_reason_for_attention_that_replaces_another_pays_twice() {
    breaks(with(Rule::AttentionIsOneReason, Setup::SILENT), PAID_ONCE);
}

#[test]
fn a_reveal_that_records_itself_is_rolled_back_and_hides_a_look() {
    let hidden = with(Rule::RevealRecordsItself, Setup::OPERATORS);
    breaks(hidden, EACH_LOOK_RECORDED);
}

#[test]
fn a_copy_that_claims_by_any_address_pays_twice() {
    breaks(with(Rule::AnyAddress, Setup::COPY), PAID_ONCE);
}

#[test]
fn an_address_registered_by_one_person_lets_a_copy_pay_twice() {
    let copy = Setup {
        acts: 1,
        ..Setup::COPY
    };
    breaks(by_one("register_address", "always", copy), PAID_ONCE);
}
