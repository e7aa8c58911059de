//! What speaks for and against sending a payout once more, in words.

use super::words;
use crate::store::decisions::Proof;

/// One line per rule, as a person checks them before they type the order number.
pub(super) fn lines(proof: &Proof) -> Vec<String> {
    if let Some(refusal) = &proof.refusal {
        return vec![format!("  no  {refusal}")];
    }
    let heard = match (proof.first_at, proof.last_at) {
        (Some(first), Some(last)) => format!(
            "{} answers \"not found\" over {}, the last at {} WIB (rule: three, apart from each other)",
            proof.not_found,
            words::age(first, last),
            words::time(last),
        ),
        _ => format!("{} answers \"not found\"", proof.not_found),
    };
    vec![
        format!(
            "  ok  the quiet horizon ended at {} WIB",
            words::time(proof.quiet_until)
        ),
        format!("  ok  {heard}"),
        "  ok  no callback, no number of the gateway's, no other answer".to_owned(),
        "  ..  the gateway is asked once more when the second person approves".to_owned(),
    ]
}
