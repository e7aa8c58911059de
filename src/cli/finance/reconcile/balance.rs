//! The books against what the gateway said last, payouts under way accounted for.

use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::{
    cli::{
        exit::Failure,
        global::Global,
        output::{self, Column, Format, Record},
        report::known,
        rows::instant,
        words,
    },
    store::report::{self, Compared},
};

/// What a difference means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    NotRead,
    Agree,
    /// The gateway ended payouts, and we have not heard of it yet.
    InFlight,
    Shortfall,
    Surplus,
}

impl Verdict {
    fn of(row: &Compared) -> Self {
        match row.difference {
            None => Self::NotRead,
            Some(0) => Self::Agree,
            Some(idr) if idr > 0 => Self::Surplus,
            // Nothing but what is held can have left without our knowing.
            Some(idr) if idr.saturating_neg() <= row.held => Self::InFlight,
            Some(_) => Self::Shortfall,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::NotRead => "not_read",
            Self::Agree => "agree",
            Self::InFlight => "in_flight",
            Self::Shortfall => "shortfall",
            Self::Surplus => "surplus",
        }
    }

    const fn meaning(self) -> &'static str {
        match self {
            Self::NotRead => "the gateway was not asked yet: does a worker run?",
            Self::Agree => "they agree",
            Self::InFlight => {
                "payouts under way explain it: the gateway ended some before we heard of it"
            }
            Self::Shortfall => {
                "money is missing that payouts under way do not explain: find out before more is sent"
            }
            Self::Surplus => {
                "the gateway has more: a top-up that is not booked yet, or money that came back"
            }
        }
    }
}

impl Record for Compared {
    const COLUMNS: &'static [&'static str] = &[
        "merchant_code",
        "available",
        "held",
        "gateway_balance",
        "gateway_frozen",
        "gateway_pending",
        "difference",
        "verdict",
        "read_at",
    ];

    fn values(&self) -> Vec<Value> {
        vec![
            json!(self.merchant_code),
            json!(self.available),
            json!(self.held),
            json!(self.balance),
            json!(self.frozen),
            json!(self.pending),
            json!(self.difference),
            json!(Verdict::of(self).name()),
            instant(self.read_at),
        ]
    }
}

/// Prints it; whether nothing is missing.
pub(crate) async fn look(global: &Global, db: &mut PgConnection) -> Result<bool, Failure> {
    let merchant = global.merchant.as_deref();
    let rows = known(report::compare(db, merchant).await?, global)?;
    output::print(&match global.output {
        Format::Json => output::json(&rows),
        Format::Csv => output::csv(&rows),
        Format::Table => table(&rows),
    })?;
    Ok(rows
        .iter()
        .all(|row| Verdict::of(row) != Verdict::Shortfall))
}

fn table(rows: &[Compared]) -> String {
    let columns = [
        Column::Left("MERCHANT"),
        Column::Right("BOOKS, THEN"),
        Column::Right("OF IT HELD"),
        Column::Right("GATEWAY"),
        Column::Right("DIFFERENCE"),
        Column::Left("READ (WIB)"),
        Column::Left("MEANS"),
    ];
    let money = |idr: Option<i64>| idr.map_or_else(|| "not known".to_owned(), words::rupiah);
    let cells = rows.iter().map(|row| {
        let theirs = row.balance.zip(row.frozen);
        let theirs = theirs.map(|(free, frozen)| free.saturating_add(frozen));
        // Nothing was booked between the reading and these books but what the difference leaves out.
        let books = theirs
            .zip(row.difference)
            .map(|(theirs, difference)| theirs.saturating_sub(difference));
        vec![
            row.merchant_code.clone(),
            money(books),
            words::rupiah(row.held),
            money(theirs),
            money(row.difference),
            row.read_at.map_or_else(String::new, words::time),
            Verdict::of(row).meaning().to_owned(),
        ]
    });
    output::table(&columns, cells.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_held_explains_that_money_is_missing() {
        for (difference, verdict) in [
            (None, "not_read"),
            (Some(0), "agree"),
            (Some(1), "surplus"),
            (Some(-1), "in_flight"),
            (Some(-500), "in_flight"),
            (Some(-501), "shortfall"),
        ] {
            let row = Compared {
                merchant_code: "S1".to_owned(),
                available: 1_000,
                held: 500,
                balance: Some(1_500),
                frozen: Some(0),
                pending: Some(0),
                difference,
                read_at: None,
            };
            assert_eq!(Verdict::of(&row).name(), verdict, "{difference:?}");
        }
    }
}
