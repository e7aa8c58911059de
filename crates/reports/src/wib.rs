//! Days and times in WIB, by which people in Jakarta and finance count.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime, Utc};

/// WIB has no daylight saving time.
const WIB_SECONDS: i32 = 7 * 3600;

fn wib() -> FixedOffset {
    // Seven hours are in range, so the default is never taken.
    FixedOffset::east_opt(WIB_SECONDS).unwrap_or_else(|| chrono::Offset::fix(&Utc))
}

/// `2026-11-25 08:02:10` in WIB.
pub fn time(at: DateTime<Utc>) -> String {
    written(at, "%Y-%m-%d %H:%M:%S")
}

/// `2026-11-25 08:02:10.902` in WIB.
pub fn exact_time(at: DateTime<Utc>) -> String {
    written(at, "%Y-%m-%d %H:%M:%S%.3f")
}

fn written(at: DateTime<Utc>, format: &str) -> String {
    at.with_timezone(&wib()).format(format).to_string()
}

/// The day in WIB on which something happened.
pub fn day(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&wib()).date_naive()
}

/// When a day begins in WIB.
pub fn midnight(day: NaiveDate) -> Option<DateTime<Utc>> {
    let local = day.and_time(NaiveTime::MIN).and_local_timezone(wib());
    Some(local.single()?.to_utc())
}
