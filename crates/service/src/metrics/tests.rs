//! What the exporter shows.
// Why: a missing series here fails a test, which is what a test is for.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;

use payout_domain::{
    money::Rupiah,
    snapshot::{
        Accounts, Age, BooksCheck, GatewayReading, MerchantBooks, Pile, Snapshot, Step, Total,
    },
    state::State,
};

use super::*;

fn shown(exporter: &Exporter, series: &str) -> Option<String> {
    let page = exporter.render();

    page.lines().find_map(|line| {
        line.strip_prefix(series)?
            .strip_prefix(' ')
            .map(str::to_owned)
    })
}

#[test]
fn no_label_lists_a_word_twice() {
    for label in FAMILIES.iter().flat_map(|family| family.labels) {
        if let Values::Words(words) = label.values {
            let different: HashSet<_> = words().iter().collect();
            assert_eq!(
                different.len(),
                words().len(),
                "{}: {:?}",
                label.name,
                words()
            );
        }
    }
}

#[test]
fn names_end_in_their_unit_and_are_used_once() {
    let mut seen = HashSet::new();
    for family in FAMILIES {
        assert!(seen.insert(family.name), "{}", family.name);
        assert_eq!(
            family.name.ends_with("_total"),
            family.kind == Kind::Counter,
            "{}",
            family.name
        );
        assert!(
            family.name.starts_with("payout_") || family.name.starts_with("process_"),
            "{}",
            family.name
        );
        let unit = family.name.rsplit('_').next();
        assert!(
            !matches!(unit, Some("ms" | "idr" | "count")),
            "{}",
            family.name
        );
        assert!(family.help.ends_with('.'), "{}", family.name);
    }
}

#[test]
fn every_series_is_there_before_the_first_event() {
    let exporter = install().unwrap();
    merchant("M-EMPTY");
    for series in [
        r#"payout_submits_total{merchant="M-EMPTY",result="doubt_timeout"}"#,
        r#"payout_transitions_total{merchant="M-EMPTY",event="unanswered"}"#,
        r#"payout_claims_stopped{merchant="M-EMPTY",reason="keys"}"#,
        r#"payout_submit_duration_seconds_bucket{merchant="M-EMPTY",le="30"}"#,
        r#"payout_callbacks_total{merchant="unknown",result="malformed"}"#,
    ] {
        assert_eq!(shown(&exporter, series).as_deref(), Some("0"), "{series}");
    }
    let guess = r#"payout_open_rupiah{merchant="M-EMPTY""#;
    assert!(
        !exporter.render().contains(guess),
        "nobody has read the books yet"
    );
    let books = MerchantBooks {
        merchant_code: "M-EMPTY".to_owned(),
        ..MerchantBooks::default()
    };
    snapshot(&Snapshot {
        merchants: vec![books],
        ..Snapshot::default()
    });
    for series in [
        r#"payout_open_rupiah{merchant="M-EMPTY",bank="other",state="unknown"}"#,
        r#"payout_steps_rupiah_total{merchant="M-EMPTY",bank="other",step="paid"}"#,
        r#"payout_invariant_violations{merchant="M-EMPTY",check="never_queried"}"#,
    ] {
        assert_eq!(shown(&exporter, series).as_deref(), Some("0"), "{series}");
    }
    let unsaid = r#"payout_gateway_difference_rupiah{merchant="M-EMPTY"}"#;
    assert_eq!(shown(&exporter, unsaid).as_deref(), Some("NaN"));
}

#[test]
fn everything_that_is_shown_is_in_the_table() {
    let exporter = install().unwrap();
    let books = MerchantBooks {
        merchant_code: "M-TABLE".to_owned(),
        ..MerchantBooks::default()
    };
    snapshot(&Snapshot {
        merchants: vec![books],
        ..Snapshot::default()
    });
    books_checked(&[BooksCheck {
        merchant_code: "M-TABLE".to_owned(),
        difference: Rupiah::ZERO,
    }]);
    loop_beat("claim", Duration::ZERO);
    recorded(3, Duration::from_millis(4));
    let page = exporter.render();
    let shown: HashSet<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .collect();
    let table: HashSet<_> = FAMILIES
        .iter()
        .map(|family| format!("{} {}", family.name, family.kind.name()))
        .collect();
    assert_eq!(shown, table.iter().map(String::as_str).collect());
    assert_eq!(
        page.lines()
            .filter(|line| line.starts_with("# HELP "))
            .count(),
        FAMILIES.len()
    );
}

#[test]
fn a_word_that_nobody_knows_makes_no_series_of_its_own() {
    let exporter = install().unwrap();
    submitted("M-WORDS", "what", Duration::ZERO);
    callback("M-FORGED", "stored");
    assert_eq!(
        shown(
            &exporter,
            r#"payout_submits_total{merchant="M-WORDS",result="other"}"#
        )
        .as_deref(),
        Some("1")
    );
    assert!(!exporter.render().contains("M-FORGED"));
}

#[test]
fn one_reason_at_a_time_stops_claims() {
    let exporter = install().unwrap();
    let stopped = |reason: &str| {
        shown(
            &exporter,
            &format!(r#"payout_claims_stopped{{merchant="M-STOP",reason="{reason}"}}"#),
        )
        .unwrap()
    };
    claims_stopped("M-STOP", Some(StopReason::Keys));
    assert_eq!(
        (stopped("keys"), stopped("gateway")),
        ("1".into(), "0".into())
    );
    claims_stopped("M-STOP", Some(StopReason::Gateway));
    assert_eq!(
        (stopped("keys"), stopped("gateway")),
        ("0".into(), "1".into())
    );
    claims_stopped("M-STOP", None);
    assert_eq!(
        (stopped("keys"), stopped("gateway")),
        ("0".into(), "0".into())
    );
}

/// Reads the books of one merchant, which say this.
fn publish(books: MerchantBooks) -> Exporter {
    let exporter = install().unwrap();
    snapshot(&Snapshot {
        merchants: vec![books],
        ..Snapshot::default()
    });
    exporter
}

/// Books of a merchant with something in every kind of series.
fn full(merchant_code: &str) -> MerchantBooks {
    let pile = Pile {
        count: 2,
        rupiah: Rupiah::new(500_000),
        oldest_at: Some(1_700_000_000),
    };
    let total = Total {
        payouts: 3,
        rupiah: Rupiah::new(9_007_199_254_740_991),
        fee: Rupiah::new(2_500),
        net: Rupiah::new(97_500),
        late: 1,
    };
    MerchantBooks {
        merchant_code: merchant_code.to_owned(),
        open: vec![(State::Unknown, pile)],
        open_by_bank: vec![(("014".to_owned(), State::Unknown), pile)],
        open_by_age: vec![(Age::UpTo6Hours, pile)],
        totals: vec![("014".to_owned(), Step::Paid, total)],
        accounts: Accounts {
            funding: Rupiah::new(-1_000_000),
            ..Accounts::default()
        },
        gateway: Some(GatewayReading {
            balance: Rupiah::new(7),
            frozen: Rupiah::ZERO,
            pending: Rupiah::ZERO,
            read_at: 1_700_000_000,
            difference: Some(Rupiah::new(-5)),
        }),
        ..MerchantBooks::default()
    }
}

#[test]
fn the_exporter_shows_what_the_books_hold() {
    let exporter = publish(full("M-BOOKS"));
    for (series, value) in [
        (
            r#"payout_open_rupiah{merchant="M-BOOKS",bank="014",state="unknown"}"#,
            "500000",
        ),
        (
            r#"payout_open_oldest_timestamp_seconds{merchant="M-BOOKS",state="unknown"}"#,
            "1700000000",
        ),
        (
            r#"payout_steps_rupiah_total{merchant="M-BOOKS",bank="014",step="paid"}"#,
            "9007199254740991",
        ),
        (r#"payout_late_total{merchant="M-BOOKS"}"#, "1"),
        (
            r#"payout_open_age_rupiah{merchant="M-BOOKS",age="1-6h"}"#,
            "500000",
        ),
        (
            r#"payout_open_age_rupiah{merchant="M-BOOKS",age="older"}"#,
            "0",
        ),
        (
            r#"payout_paid_rupiah{merchant="M-BOOKS",bank="014",sum="debit"}"#,
            "100000",
        ),
        (
            r#"payout_paid_rupiah{merchant="M-BOOKS",bank="014",sum="net"}"#,
            "97500",
        ),
        (
            r#"payout_ledger_rupiah{merchant="M-BOOKS",account="funding"}"#,
            "-1000000",
        ),
        (
            r#"payout_gateway_difference_rupiah{merchant="M-BOOKS"}"#,
            "-5",
        ),
    ] {
        assert_eq!(shown(&exporter, series).as_deref(), Some(value), "{series}");
    }
}

#[test]
fn what_is_gone_from_the_books_goes_back_to_zero_but_a_total_never_falls() {
    publish(full("M-GONE"));
    let exporter = publish(MerchantBooks {
        merchant_code: "M-GONE".to_owned(),
        ..MerchantBooks::default()
    });
    for (series, value) in [
        (
            r#"payout_open_rupiah{merchant="M-GONE",bank="014",state="unknown"}"#,
            "0",
        ),
        (
            r#"payout_open_oldest_timestamp_seconds{merchant="M-GONE",state="unknown"}"#,
            "0",
        ),
        (
            r#"payout_steps_rupiah_total{merchant="M-GONE",bank="014",step="paid"}"#,
            "9007199254740991",
        ),
    ] {
        assert_eq!(shown(&exporter, series).as_deref(), Some(value), "{series}");
    }
}
