//! Who must agree to an act: the rows of `payout.effect` and `payout.act`. `tests/it/who_must_agree.rs` compares them.

/// An effect, and how many people must agree to it.
pub(crate) const EFFECTS: [(&str, i32); 12] = [
    ("moves_money", 2),
    ("sends_again", 2),
    ("adds_money", 2),
    ("hides_record", 2),
    ("registers_address", 2),
    ("removes_address", 2),
    ("accepts_failover", 2),
    ("contradicts_gateway", 2),
    ("states_end", 1),
    ("books_funding", 1),
    ("sends_first", 1),
    ("holds_back", 1),
];

/// One row of `payout.act`: the act, when the row applies, and its effect.
pub(crate) type Row = (&'static str, &'static str, &'static str);

pub(crate) const ACTS: [Row; 21] = [
    ("resubmit", "always", "sends_again"),
    ("resolve_failed", "always", "moves_money"),
    ("resolve_paid", "always", "states_end"),
    ("resolve_paid", "contradicted", "contradicts_gateway"),
    ("resolve_paid", "early", "contradicts_gateway"),
    ("resolve_returned", "always", "states_end"),
    ("resolve_returned", "unreported", "adds_money"),
    ("resolve_unchanged", "always", "contradicts_gateway"),
    ("resolve_fee", "always", "moves_money"),
    ("accept_failover", "always", "accepts_failover"),
    ("register_address", "always", "registers_address"),
    ("remove_address", "always", "removes_address"),
    ("fund", "always", "books_funding"),
    ("fund", "gateway_funds", "adds_money"),
    ("cancel", "always", "holds_back"),
    ("cancel", "unproven", "moves_money"),
    ("resume", "always", "sends_first"),
    ("pause", "always", "holds_back"),
    ("replay", "always", "holds_back"),
    ("reject", "always", "holds_back"),
    ("reveal", "always", "holds_back"),
];

/// How many people an act takes, where `applies` judges each condition but `always`. As `payout.people_needed`.
pub(crate) fn people_needed(act: &str, applies: impl Fn(&Row) -> bool) -> i32 {
    let people = |effect: &str| EFFECTS.iter().find(|row| row.0 == effect).map(|row| row.1);
    ACTS.iter()
        .filter(|row| row.0 == act && applies(row))
        .filter_map(|row| people(row.2))
        .max()
        .unwrap_or(2)
}
