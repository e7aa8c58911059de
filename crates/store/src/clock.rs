//! The database's clock, on which every horizon rests, compared with this machine's boot clock (I10).
//!
//! A jump is never elapsed time: it restarts the quiet horizons, for every worker, by one mark in the database.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use payout_domain::policy::CLOCK_TOLERANCE;
use payout_permit::boot_time;
use sqlx::{PgPool, postgres::types::PgInterval};

/// How fast a clock that is being slewed may run off: a tenth, a little more than chrony's fastest.
const SLEW_PART: i32 = 10;

/// The database's clock as read between two readings of the boot clock.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// The boot clock before the request.
    pub before: Duration,
    /// The database's clock.
    pub now: DateTime<Utc>,
    /// The boot clock after the answer.
    pub after: Duration,
}

/// The database's clock jumped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jump {
    /// By at least this much; negative if it was set back.
    pub by: TimeDelta,
    /// How long ago it was last found steady, by the boot clock.
    pub compared_ago: TimeDelta,
}

/// What a worker expects of the database's clock.
#[derive(Debug, Default)]
pub struct Clock(Mutex<Option<Expected>>);

#[derive(Clone, Copy, Debug)]
struct Expected {
    /// The database's time when the boot clock was zero.
    origin: DateTime<Utc>,
    /// The boot clock at the last comparison.
    at: Duration,
}

impl Clock {
    /// Compares a reading with the earlier ones; the first one is believed.
    ///
    /// Differences within the tolerance are followed slowly, so that a slewed clock never adds up to a jump, and many
    /// small steps never add up to an unnoticed one. A jump is reported at each comparison until it is
    /// [accepted](Self::accept).
    pub fn compare(&self, reading: &Reading) -> Option<Jump> {
        let mut expected = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = expected.as_mut() else {
            *expected = Some(reading.expected());
            return None;
        };
        // Somewhere between the two readings of the boot clock, the database read its own.
        let (low, high) = (
            reading.origin(reading.after),
            reading.origin(reading.before),
        );
        let off = if known.origin < low {
            low.signed_duration_since(known.origin)
        } else if known.origin > high {
            high.signed_duration_since(known.origin)
        } else {
            TimeDelta::zero()
        };
        let elapsed = delta(reading.after.saturating_sub(known.at));
        if off.abs() > delta(CLOCK_TOLERANCE) {
            return Some(Jump {
                by: off,
                compared_ago: elapsed,
            });
        }
        let most = elapsed.checked_div(SLEW_PART).unwrap_or_default();
        let step = off.clamp(most.checked_mul(-1).unwrap_or_default(), most);
        known.origin = known
            .origin
            .checked_add_signed(step)
            .unwrap_or(known.origin);
        known.at = reading.after;
        None
    }

    /// Believes this reading from now on: the jump that it shows has been marked.
    pub fn accept(&self, reading: &Reading) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(reading.expected());
    }
}

impl Reading {
    /// The database's time when the boot clock was zero, if it was read at that boot time.
    fn origin(&self, boot: Duration) -> DateTime<Utc> {
        self.now.checked_sub_signed(delta(boot)).unwrap_or(self.now)
    }

    fn expected(&self) -> Expected {
        Expected {
            origin: self.origin(self.after),
            at: self.after,
        }
    }
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

/// Reads the database's clock.
pub async fn read(pool: &PgPool) -> Result<Reading, sqlx::Error> {
    let mut db = pool.acquire().await?;
    let before = boot_time();
    let now = sqlx::query_scalar!(r#"select /* store::read_clock */ clock_timestamp() as "now!""#)
        .fetch_one(&mut *db)
        .await?;
    Ok(Reading {
        before,
        now,
        after: boot_time(),
    })
}

/// Records that a worker has found the clock steady; one of many workers every few seconds is enough.
pub async fn note_steady(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"/* store::note_clock_steady */
        update payout.clock c
        set compared_at = clock_timestamp()
        where c.compared_at is null or c.compared_at not between clock_timestamp() - interval '5 seconds' and clock_timestamp()"#
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Restarts the quiet horizons because of this jump, unless another worker has done so, and believes the reading.
pub async fn note_jump(
    pool: &PgPool,
    clock: &Clock,
    reading: &Reading,
    jump: Jump,
) -> Result<(), sqlx::Error> {
    let first = sqlx::query_scalar!(
        r#"/* store::note_clock_jump */
        select payout.note_clock_jump($1, $2) as "first!""#,
        interval(jump.by)?,
        interval(jump.compared_ago)?,
    )
    .fetch_one(pool)
    .await?;
    clock.accept(reading);
    let seconds = jump.by.num_seconds();
    tracing::error!(
        seconds,
        first,
        "the database's clock jumped by {seconds} s: that is not elapsed time, so the quiet horizons restart"
    );
    Ok(())
}

/// Begins to watch the clock. If no worker has compared it lately, nobody knows how much time has really passed, and the
/// quiet horizons restart. Returns whether they did.
pub async fn begin(pool: &PgPool) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"/* store::begin_clock_watch */
        select payout.begin_clock_watch() as "restarted!""#
    )
    .fetch_one(pool)
    .await
}

fn interval(delta: TimeDelta) -> Result<PgInterval, sqlx::Error> {
    // Postgres stores microseconds.
    let micros = delta.num_microseconds().unwrap_or(i64::MAX);
    PgInterval::try_from(TimeDelta::microseconds(micros)).map_err(sqlx::Error::Encode)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database whose clock runs as its caller says.
    struct Server {
        clock: Clock,
        boot: Duration,
        /// What its clock shows more than it should.
        off: TimeDelta,
    }

    impl Server {
        fn steady() -> Self {
            let server = Self {
                clock: Clock::default(),
                boot: Duration::from_hours(30),
                off: TimeDelta::zero(),
            };
            assert_eq!(server.compare(Duration::ZERO), None);
            server
        }

        fn reading(&self, round_trip: Duration) -> Reading {
            let right = DateTime::UNIX_EPOCH + Duration::from_hours(500_000) + self.boot;
            Reading {
                before: self.boot,
                now: right + self.off,
                after: self.boot + round_trip,
            }
        }

        fn compare(&self, round_trip: Duration) -> Option<Jump> {
            self.clock.compare(&self.reading(round_trip))
        }

        /// Some time passes; the server's clock runs off by this much meanwhile.
        fn pass(&mut self, seconds: u64, off: TimeDelta) -> Option<Jump> {
            self.boot += Duration::from_secs(seconds);
            self.off += off;
            self.compare(Duration::from_millis(3))
        }
    }

    #[test]
    fn a_step_forward_or_back_is_a_jump_until_it_is_accepted() {
        for step in [3000, 6, -6, -3000] {
            let mut server = Server::steady();
            assert_eq!(server.pass(60, TimeDelta::zero()), None);
            server.off = TimeDelta::seconds(step);
            for _ in 0..2 {
                let jump = server.pass(1, TimeDelta::zero()).expect("a jump");
                assert!(
                    (jump.by.num_milliseconds() - step * 1000).abs() < 10,
                    "{jump:?}"
                );
            }
            server.clock.accept(&server.reading(Duration::ZERO));
            assert_eq!(server.pass(1, TimeDelta::zero()), None);
        }
    }

    #[test]
    fn a_slewed_clock_and_small_steps_apart_are_no_jump() {
        let mut server = Server::steady();
        for _ in 0..7200 {
            assert_eq!(server.pass(1, TimeDelta::milliseconds(83)), None);
        }
        for _ in 0..100 {
            assert_eq!(server.pass(60, TimeDelta::seconds(-4)), None);
        }
    }

    #[test]
    fn small_steps_in_a_row_add_up_to_a_jump() {
        let mut server = Server::steady();
        let jumped = (0..10).any(|_| server.pass(1, TimeDelta::seconds(1)).is_some());
        assert!(jumped, "ten seconds in ten are not slewing");
    }

    #[test]
    fn a_slow_answer_or_a_frozen_worker_is_no_jump() {
        let server = Server::steady();
        assert_eq!(server.compare(Duration::from_hours(1)), None);
        let mut server = Server::steady();
        assert_eq!(server.pass(86_400, TimeDelta::seconds(2)), None);
    }

    #[test]
    fn a_jump_hides_in_no_long_round_trip_for_long() {
        let mut server = Server::steady();
        server.off = TimeDelta::minutes(50);
        assert_eq!(
            server.compare(Duration::from_hours(1)),
            None,
            "nobody can tell"
        );
        assert!(server.pass(3600, TimeDelta::zero()).is_some());
    }
}
