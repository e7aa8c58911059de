//! `docs/metrics.md`, generated from the table.

use super::{
    family::{Family, Kind, Origin},
    labels::Values,
    table::FAMILIES,
};

const HEAD: &str = "\
# Metrics

Generated from `crates/service/src/metrics/table.rs`; `UPDATE_DOCS=1 cargo test --test it docs` rewrites it.

`GET /metrics` on the `[admin]` listener. A scrape costs the database nothing: each worker reads the books every ten
seconds and publishes what it read. No label ever holds an order number, an account or a name.

**Read from the books** means that every instance publishes the same number. Combine instances with `max by`, as the
recording rules in `deploy/prometheus/rules.yml` do; `sum` would count money once per instance. These counters never
reset, so take rupiah as a difference (`x - x offset 1h`): `increase()` extrapolates and invents rupiah.
**Counted by the process** means the opposite: `sum by (rate(…))`.

What the process counts starts at 0 before the first event, except that a loop's series begins with its first round.
What is read from the books begins with the first snapshot, because a zero before it would be a guess. The gateway's
balance is `NaN` until the gateway has stated one. Process metrics named `process_…` are read on Linux, macOS and BSD.
";

const TAIL: &str = "
`merchant` is the code of a registered merchant, `bank` a code of `payout.banks` or `other`; a bank's series begin with its
first payout. What the sums mean is in [the table for finance](finance.md#what-each-sum-means). A value outside these lists is counted as `other`.
";

/// The whole page.
pub fn page() -> String {
    let mut lines = vec![HEAD.to_owned()];
    for (origin, title) in [
        (Origin::Books, "Read from the books"),
        (Origin::Process, "Counted by the process"),
    ] {
        lines.push(format!("## {title}\n"));
        lines.push("| name | type | labels | meaning |\n|---|---|---|---|".to_owned());
        let families = FAMILIES.iter().filter(|family| family.origin == origin);
        lines.extend(families.map(row));
        lines.push(String::new());
    }
    lines.push("## Labels\n\n| label | of | values |\n|---|---|---|".to_owned());
    for family in FAMILIES {
        for label in family.labels {
            if let Values::Words(words) = label.values {
                let words: Vec<_> = words().iter().map(|word| format!("`{word}`")).collect();
                let (label, family, words) = (label.name, family.name, words.join(" "));
                lines.push(format!("| `{label}` | `{family}` | {words} |"));
            }
        }
    }
    lines.push(TAIL.to_owned());
    lines.join("\n")
}

fn row(family: &Family) -> String {
    let labels: Vec<_> = family
        .labels
        .iter()
        .map(|label| format!("`{}`", label.name))
        .collect();
    let (name, kind, labels) = (family.name, family.kind.name(), labels.join(", "));
    let (help, buckets) = (family.help, buckets(family.kind));
    format!("| `{name}` | {kind} | {labels} | {help}{buckets} |")
}

fn buckets(kind: Kind) -> String {
    match kind {
        Kind::Histogram(bounds) => {
            let bounds: Vec<_> = bounds.iter().map(ToString::to_string).collect();
            format!(" Buckets up to {} s.", bounds.join(", "))
        }
        Kind::Counter | Kind::Gauge => String::new(),
    }
}
