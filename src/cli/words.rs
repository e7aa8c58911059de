//! Amounts, times and durations as people in Jakarta read and write them.

use std::time::Duration;

use chrono::{DateTime, Days, TimeDelta, Utc};
use payout_domain::money::Rupiah;
pub(super) use payout_reports::wib::{day, exact_time, midnight, time};

/// What an act rests on, to be put behind it; empty if nobody named evidence.
pub(super) fn evidence(named: Option<&str>) -> String {
    named.map_or_else(String::new, |named| format!(" (evidence: {named})"))
}

/// Who did something, or requested it and approved it, to be put behind it.
pub(super) fn people(first: &str, second: Option<&str>) -> String {
    match second {
        Some(second) if second != first => format!("requested by {first}, approved by {second}"),
        Some(_) | None => format!("by {first}"),
    }
}

/// What a request states about a payout, as its approver must see it.
pub(super) fn stated(kind: &str, stated: Option<i64>) -> String {
    let Some(idr) = stated.map(rupiah) else {
        return String::new();
    };
    if kind == "resolve_returned" {
        format!("{idr} came back")
    } else {
        format!("a fee of {idr}")
    }
}

/// How often something happened.
pub(super) fn times(count: i32) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

/// `1 difference`, `2 differences`.
pub(super) fn counted(count: &impl ToString, thing: &str) -> String {
    match count.to_string().as_str() {
        "1" => format!("1 {thing}"),
        count => format!("{count} {thing}s"),
    }
}

/// `Rp 1.250.000`.
pub(super) fn rupiah(amount: i64) -> String {
    Rupiah::new(amount).to_string()
}

/// How long ago, in its two largest units: `4 h 12 min`.
pub(super) fn age(since: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = now.signed_duration_since(since).num_seconds().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    if days > 0 {
        format!("{days} d {} h", hours % 24)
    } else if hours > 0 {
        format!("{hours} h {} min", minutes % 60)
    } else if minutes > 0 {
        format!("{minutes} min {} s", seconds % 60)
    } else {
        format!("{seconds} s")
    }
}

/// Reads a point in time: `2h`, `today`, `yesterday`, `2026-11-21` (from midnight WIB) or RFC 3339.
pub(super) fn since(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let today = day(now);
    let read = match text {
        "today" => midnight(today),
        "yesterday" => today.checked_sub_days(Days::new(1)).and_then(midnight),
        _ => back(text, now)
            .or_else(|| text.parse().ok().and_then(midnight))
            .or_else(|| Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc())),
    };
    read.ok_or_else(|| {
        "write 30m, 2h, 7d, today, yesterday, 2026-11-21 or 2026-11-21T08:00:00+07:00".to_owned()
    })
}

/// Reads a day in WIB as the instant at which it begins.
pub(super) fn day_begins(text: &str) -> Result<DateTime<Utc>, String> {
    let begins = since(text, Utc::now())?;
    // Lengths such as 2h are not days.
    if time(begins).ends_with(" 00:00:00") {
        Ok(begins)
    } else {
        Err("write today, yesterday or 2026-11-21".to_owned())
    }
}

/// Reads a point in time that means the same whenever it is read: RFC 3339.
pub(super) fn point(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.to_utc())
        .map_err(|_| "write 2026-11-21T08:00:00+07:00".to_owned())
}

fn back(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let length = humantime::parse_duration(text).ok()?;
    now.checked_sub_signed(TimeDelta::from_std(length).ok()?)
}

/// Reads a length of time such as `30m` or `4h` as whole seconds.
pub(super) fn seconds(text: &str) -> Result<i64, String> {
    let length: Duration =
        humantime::parse_duration(text).map_err(|_| "write 90s, 30m, 4h or 2d".to_owned())?;
    i64::try_from(length.as_secs())
        .ok()
        .filter(|seconds| *seconds <= 3_153_600_000)
        .ok_or_else(|| "at most a hundred years".to_owned())
}

/// Reads an amount to filter by, as people write it: `1250000`, `1.250.000`, `250rb`, `1jt`. Never an amount to pay.
pub(super) fn about(text: &str) -> Result<i64, String> {
    let lower = text.trim().to_lowercase();
    let (number, times) = [("rb", 1_000_i64), ("jt", 1_000_000)]
        .into_iter()
        .find_map(|(unit, times)| Some((lower.strip_suffix(unit)?, times)))
        .unwrap_or((&lower, 1));
    let mut groups = number.trim().split('.');
    let first = groups.next().unwrap_or_default();
    let thousands: Vec<&str> = groups.collect();
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let is_grouped = thousands
        .iter()
        .all(|part| part.len() == 3 && is_digits(part));
    let whole = format!("{first}{}", thousands.concat());
    Some(whole)
        .filter(|_| is_digits(first) && is_grouped)
        .and_then(|whole| whole.parse::<i64>().ok()?.checked_mul(times))
        .ok_or_else(|| "write 1250000, 1.250.000, 250rb or 1jt".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_begins_at_midnight_in_jakarta() {
        let now = at("2026-11-24T18:30:00Z");
        for (text, expected) in [
            ("today", "2026-11-24T17:00:00Z"),
            ("yesterday", "2026-11-23T17:00:00Z"),
            ("2026-11-21", "2026-11-20T17:00:00Z"),
            ("2h", "2026-11-24T16:30:00Z"),
            ("2026-11-21T08:00:00+07:00", "2026-11-21T01:00:00Z"),
        ] {
            assert_eq!(since(text, now), Ok(at(expected)), "{text}");
        }
        assert!(since("last week", now).is_err());
        assert_eq!(time(now), "2026-11-25 01:30:00");
    }

    #[test]
    fn an_amount_to_filter_by_is_read_as_people_write_it() {
        for (text, rupiah) in [
            ("1250000", 1_250_000),
            ("1.250.000", 1_250_000),
            ("250rb", 250_000),
            ("1JT", 1_000_000),
            ("1.500jt", 1_500_000_000),
        ] {
            assert_eq!(about(text), Ok(rupiah), "{text}");
        }
        for text in [
            "",
            "jt",
            "1.5jt",
            "1,5",
            "12.50",
            "-5",
            "9999999999999999jt",
        ] {
            assert!(about(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_age_has_its_two_largest_units() {
        let now = at("2026-11-25T12:00:00Z");
        for (since, words) in [
            ("2026-11-25T12:00:05Z", "0 s"),
            ("2026-11-25T11:59:18Z", "42 s"),
            ("2026-11-25T11:57:50Z", "2 min 10 s"),
            ("2026-11-25T07:48:00Z", "4 h 12 min"),
            ("2026-11-22T10:00:00Z", "3 d 2 h"),
        ] {
            assert_eq!(age(at(since), now), words);
        }
    }
}
