//! `docs/metrics.md`, made from the table.

use super::{
    family::{Kind, Origin},
    labels::{Label, Values},
    table::FAMILIES,
};

const HEAD: &str = "\
# Metrics

Generated from `src/metrics/table.rs`; `UPDATE_DOCS=1 cargo test --test it alerts` rewrites it.

`GET /metrics` on the `[admin]` listener. A scrape asks the database nothing: each worker reads the books every ten
seconds and publishes what it saw. No label ever holds an order number, an account or a name.

**Read from the books** means that every instance has the same number: put instances together with `max by`, as the
recording rules in `deploy/prometheus/rules.yml` do; `sum` would count money once per instance. Such counters never
reset, so take rupiah by a difference (`x - x offset 1h`): `increase()` extrapolates and invents rupiah.
**Counted by the process** means the opposite: `sum by (rate(…))`.

Every series is there at 0 before the first event, except those that begin with a loop's first beat; what the gateway
has is `NaN` until it said so.
";

/// The whole page.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    for (origin, title) in [
        (Origin::Books, "Read from the books"),
        (Origin::Process, "Counted by the process"),
    ] {
        page.push_str(&format!(
            "\n## {title}\n\n| name | type | labels | meaning |\n|---|---|---|---|\n"
        ));
        for family in FAMILIES.iter().filter(|family| family.origin == origin) {
            let labels: Vec<_> = family
                .labels
                .iter()
                .map(|label| format!("`{}`", label.name))
                .collect();
            page.push_str(&format!(
                "| `{}` | {} | {} | {}{} |\n",
                family.name,
                family.kind.name(),
                labels.join(", "),
                family.help,
                buckets(family.kind),
            ));
        }
    }
    page.push_str("\n## Labels\n\n| label | of | values |\n|---|---|---|\n");
    for family in FAMILIES {
        for label in family.labels {
            if let Values::Words(_) = label.values {
                page.push_str(&format!(
                    "| `{}` | `{}` | {} |\n",
                    label.name,
                    family.name,
                    values(label)
                ));
            }
        }
    }
    page.push_str("\n`merchant` is a registered merchant's code. A value outside of these lists is counted as `other`.\n");
    page
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

fn values(label: &Label) -> String {
    match label.values {
        Values::Words(words) => words
            .iter()
            .map(|word| format!("`{word}`"))
            .collect::<Vec<_>>()
            .join(" "),
        Values::Merchant | Values::Program => String::new(),
    }
}
