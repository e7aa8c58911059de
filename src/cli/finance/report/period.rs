//! Which days a report covers, as people write them.

use chrono::{DateTime, Datelike, Months, NaiveDate, TimeDelta, Utc};
use clap::Args;
use payout_store::report::period::Period;

use crate::cli::{exit::Exit, words};

/// Without any of these: this month so far.
#[derive(Debug, Args)]
pub(crate) struct Days {
    /// The first day (WIB): today, yesterday or 2026-11-01
    #[arg(long, value_name = "DAY", value_parser = words::day_begins)]
    from: Option<DateTime<Utc>>,
    /// The last day (WIB); today unless stated
    #[arg(long, value_name = "DAY", value_parser = words::day_begins, requires = "from")]
    to: Option<DateTime<Utc>>,
    /// A whole month (WIB): 2026-11, this or last
    #[arg(long, value_name = "MONTH", conflicts_with_all = ["from", "to"])]
    month: Option<String>,
}

impl Days {
    /// Whether there are any.
    pub(crate) const fn are_stated(&self) -> bool {
        self.from.is_some() || self.to.is_some() || self.month.is_some()
    }

    /// What they cover; days that have not begun are left out.
    pub(crate) fn period(&self) -> Result<Period, Exit> {
        self.at(Utc::now()).map_err(Exit::Usage)
    }

    fn at(&self, now: DateTime<Utc>) -> Result<Period, String> {
        let today = words::day(now);
        let (first, last) = match (self.from, &self.month) {
            (Some(from), _) => (day_of(from), self.to.map_or(today, day_of)),
            (None, Some(month)) => month_of(month, today)?,
            (None, None) => month_of("this", today)?,
        };
        if last < first {
            return Err(format!("--to {last} is before --from {first}"));
        }
        if first > today {
            return Err(format!("{first} has not begun in WIB"));
        }
        let after = last.min(today).succ_opt();
        let to = after.and_then(words::midnight);
        let period = words::midnight(first).zip(to);
        let (from, to) = period.ok_or_else(|| "these days are out of range".to_owned())?;
        Ok(Period { from, to })
    }
}

/// The first and the last day of a month: `2026-11`, `this` or `last`.
fn month_of(text: &str, today: NaiveDate) -> Result<(NaiveDate, NaiveDate), String> {
    let this = today.with_day(1);
    let first = match text {
        "this" => this,
        "last" => this.and_then(|first| first.checked_sub_months(Months::new(1))),
        _ => format!("{text}-01").parse().ok(),
    };
    let after = first.and_then(|first| first.checked_add_months(Months::new(1)));
    first
        .zip(after.and_then(|next| next.pred_opt()))
        .ok_or_else(|| format!("--month {text}: write 2026-11, this or last"))
}

/// The day that begins at this instant.
pub(crate) fn day_of(midnight: DateTime<Utc>) -> NaiveDate {
    words::day(midnight)
}

/// The last day of a period.
pub(crate) fn last_day(period: Period) -> NaiveDate {
    let to = period.to.checked_sub_signed(TimeDelta::seconds(1));
    day_of(to.unwrap_or(period.from))
}

/// The period of one day.
pub(crate) fn whole_day(begins: DateTime<Utc>) -> Result<Period, Exit> {
    let to = begins.checked_add_signed(TimeDelta::days(1));
    let to = to.ok_or_else(|| Exit::Usage("that day is out of range".to_owned()))?;
    Ok(Period { from: begins, to })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(from: Option<&str>, to: Option<&str>, month: Option<&str>) -> Result<String, String> {
        let day = |text: &str| words::day_begins(text).unwrap();
        let days = Days {
            from: from.map(day),
            to: to.map(day),
            month: month.map(str::to_owned),
        };
        // 00:30 on 1 March in WIB.
        let period = days.at("2026-02-28T17:30:00Z".parse().unwrap())?;
        Ok(format!("{} {}", day_of(period.from), last_day(period)))
    }

    #[test]
    fn a_month_is_whole_and_ends_today_at_the_latest() {
        for (month, days) in [
            (None, "2026-03-01 2026-03-01"),
            (Some("this"), "2026-03-01 2026-03-01"),
            (Some("last"), "2026-02-01 2026-02-28"),
            (Some("2024-02"), "2024-02-01 2024-02-29"),
            (Some("2025-12"), "2025-12-01 2025-12-31"),
        ] {
            assert_eq!(read(None, None, month).as_deref(), Ok(days), "{month:?}");
        }
        for month in ["2026-13", "2026", "next", "", "2026-04", "2026-1-1"] {
            assert!(read(None, None, Some(month)).is_err(), "{month}");
        }
    }

    #[test]
    fn a_range_has_both_its_days_and_runs_forwards() {
        let range = |from, to| read(Some(from), to, None);
        assert_eq!(
            range("2026-02-03", Some("2026-02-05")).as_deref(),
            Ok("2026-02-03 2026-02-05")
        );
        assert_eq!(
            range("2026-02-03", None).as_deref(),
            Ok("2026-02-03 2026-03-01")
        );
        assert_eq!(
            range("2026-02-03", Some("2027-01-01")).as_deref(),
            Ok("2026-02-03 2026-03-01")
        );
        assert!(range("2026-02-03", Some("2026-02-02")).is_err());
        assert!(range("2026-03-02", Some("2026-03-02")).is_err());
    }
}
