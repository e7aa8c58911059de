//! The books against the last balance that the gateway stated, payouts in progress taken into account.

use chrono::{DateTime, Utc};
use payout_store::report::{self, Compared};
use serde::Serialize;
use sqlx::PgConnection;

use crate::cli::{exit::Exit, global::Global, output, words};

/// What a difference between the gateway and the books means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Drift {
    #[default]
    NotRead,
    Agree,
    /// The gateway settled payouts, and their evidence has not reached us yet.
    InFlight,
    Shortfall,
    Surplus,
}

impl Drift {
    fn of(row: &Compared) -> Self {
        match row.difference {
            None => Self::NotRead,
            Some(0) => Self::Agree,
            Some(idr) if idr > 0 => Self::Surplus,
            // Only what was held when the gateway stated its balance can have left without our knowledge.
            Some(idr) if idr.saturating_neg() <= row.held_then => Self::InFlight,
            Some(_) => Self::Shortfall,
        }
    }

    const fn meaning(self) -> &'static str {
        match self {
            Self::NotRead => {
                "the gateway's figures are unknown: no worker has read them yet, or it stated what cannot be true"
            }
            Self::Agree => "they agree",
            Self::InFlight => {
                "payouts under way can explain it; it is compared again with each new reading (see below)"
            }
            Self::Shortfall => {
                "money is missing that payouts under way do not explain: find out why before more is sent"
            }
            Self::Surplus => {
                "the gateway has more: a top-up that is not booked yet, or money that came back"
            }
        }
    }
}

/// What a gap means that payouts under way can explain.
const UNDER_WAY: &str = "
Payouts under way can explain this gap: the gateway may have debited some before we received the evidence. It is compared
again with each new reading of the balance, every few seconds; what is still missing once they are settled is a shortfall.
";

/// One merchant, as programs read it.
#[derive(Default, Serialize)]
struct Row {
    merchant_code: String,
    available: i64,
    held: i64,
    held_then: i64,
    gateway_available: Option<i64>,
    gateway_frozen: Option<i64>,
    gateway_pending: Option<i64>,
    gateway_total: Option<i64>,
    difference: Option<i64>,
    verdict: Drift,
    read_at: Option<DateTime<Utc>>,
}

impl From<Compared> for Row {
    fn from(row: Compared) -> Self {
        Self {
            verdict: Drift::of(&row),
            merchant_code: row.merchant_code,
            available: row.available,
            held: row.held,
            held_then: row.held_then,
            gateway_available: row.gateway_available,
            gateway_frozen: row.gateway_frozen,
            gateway_pending: row.gateway_pending,
            gateway_total: row.gateway_total,
            difference: row.difference,
            read_at: row.read_at,
        }
    }
}

/// Prints the comparison. A shortfall is a finding.
pub(super) async fn compare(global: &Global, db: &mut PgConnection) -> Result<(), Exit> {
    let merchant = global.merchant.as_deref();
    let rows = global.registered(report::compare(db, merchant).await?)?;
    let rows: Vec<Row> = rows.into_iter().map(Row::from).collect();
    output::print(
        &global
            .output
            .rows(&rows, "no merchant is registered", table)?,
    )?;
    if rows.iter().any(|row| row.verdict == Drift::Shortfall) {
        return Err(Exit::Findings);
    }
    Ok(())
}

fn table(rows: &[Row]) -> String {
    let money = |idr: Option<i64>| idr.map_or("unknown".to_owned(), words::rupiah);
    let cells = rows.iter().map(|row| {
        let theirs = row.gateway_total;
        // The difference leaves out what was booked since the reading: so these are the books of that moment.
        let books = theirs
            .zip(row.difference)
            .and_then(|(theirs, difference)| theirs.checked_sub(difference));
        vec![
            row.merchant_code.clone(),
            money(books),
            words::rupiah(row.held_then),
            money(theirs),
            money(row.difference),
            row.read_at.map_or_else(String::new, words::time),
            row.verdict.meaning().to_owned(),
        ]
    });
    let headings =
        "MERCHANT|>BOOKS THEN|>OF WHICH HELD|>GATEWAY TOTAL|>DIFFERENCE|READ (WIB)|MEANS";
    let mut page = output::table(headings, cells);
    if rows.iter().any(|row| row.verdict == Drift::InFlight) {
        page.push_str(UNDER_WAY);
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_held_at_the_reading_explains_missing_money() {
        for (difference, drift) in [
            (None, Drift::NotRead),
            (Some(0), Drift::Agree),
            (Some(1), Drift::Surplus),
            (Some(-1), Drift::InFlight),
            (Some(-500), Drift::InFlight),
            (Some(-501), Drift::Shortfall),
        ] {
            let row = Compared {
                merchant_code: "S1".to_owned(),
                available: 1_000,
                held: 700,
                held_then: 500,
                gateway_available: Some(1_500),
                gateway_frozen: Some(0),
                gateway_pending: Some(0),
                gateway_total: Some(1_500),
                difference,
                read_at: None,
            };
            assert_eq!(Drift::of(&row), drift, "{difference:?}");
        }
    }

    #[test]
    fn the_words_for_programs_are_those_of_the_contract() {
        let words = [
            Drift::NotRead,
            Drift::Agree,
            Drift::InFlight,
            Drift::Shortfall,
            Drift::Surplus,
        ];
        assert_eq!(
            serde_json::to_string(&words).unwrap(),
            r#"["not_read","agree","in_flight","shortfall","surplus"]"#
        );
    }
}
