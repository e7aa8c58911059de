//! What speaks for and against a resubmit, in words.

use payout_store::decisions::Proof;

use crate::cli::words;

/// One line per rule, as a person checks them before they type the order number.
pub(crate) fn lines(proof: &Proof) -> Vec<String> {
    if let Some(refusal) = &proof.refusal {
        return vec![format!("  no  {refusal}")];
    }
    let count = proof.not_found;
    let answers = match (proof.first_at, proof.last_at) {
        (Some(first), Some(last)) => format!(
            "{count} \"not found\" answers over {}, the last at {} WIB (rule: three, apart from each other)",
            words::age(first, last),
            words::time(last),
        ),
        _ => format!("{count} \"not found\" answers"),
    };
    vec![
        format!(
            "  ok  the quiet horizon ended at {} WIB",
            words::time(proof.quiet_until)
        ),
        format!("  ok  {answers}"),
        "  ok  no callback, no gateway number, no other answer".to_owned(),
        "  ..  the gateway is queried once more when the second person approves".to_owned(),
    ]
}
