//! Slows sign-ins down, and never locks a login: whoever knows the password gets in, a little later.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Addresses, browsers and logins that are remembered; beyond that the one that has been quiet longest is forgotten.
const REMEMBERED_MAX: usize = 4096;
/// Failures without a consequence: people mistype.
const FREE: u32 = 3;
/// Longest pause between two attempts of one address or browser, and before an attempt for one login.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// Longest that an attempt waits for its turn.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// Failures are forgotten after this.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(15);

/// Who makes an attempt, as far as it can be told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Who {
    /// Somebody at this address; of an IPv6 address, its network.
    Address(IpAddr),
    /// A browser in which this login signed in before, by the hash of its cookie.
    Browser([u8; 32]),
}

/// What an attempt is counted by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Who(Who),
    Login(String),
}

#[derive(Clone, Copy, Debug)]
struct Count {
    failures: u32,
    /// When the next attempt may begin. A login has no turns: with turns for a login, strangers could take all of them.
    next: Instant,
    seen: Instant,
}

/// The failures of late.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<HashMap<Key, Count>>);

impl Throttle {
    /// How long this attempt must wait; `None` if so many of the same wait that it would take too long.
    pub(super) fn wait(&self, who: &Who, login: &str, now: Instant) -> Option<Duration> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut turn = Duration::ZERO;
        if let Some(count) = counts.get_mut(&Key::Who(who.clone())) {
            let begins = count.next.max(now);
            turn = begins.saturating_duration_since(now);
            if turn > WAIT_MAX {
                return None;
            }
            count.next = begins.checked_add(pause(count.failures)).unwrap_or(begins);
        }
        let login = counts.get(&Key::Login(login.to_owned()));
        Some(turn.max(login.map_or(Duration::ZERO, |count| pause(count.failures))))
    }

    /// Counts an attempt with a wrong password.
    pub(super) fn failed(&self, who: &Who, login: &str, now: Instant) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.retain(|_, count| now.saturating_duration_since(count.seen) < FORGOTTEN_AFTER);
        for key in [Key::Who(who.clone()), Key::Login(login.to_owned())] {
            if counts.len() >= REMEMBERED_MAX && !counts.contains_key(&key) {
                let oldest = counts.iter().min_by_key(|(_, count)| count.seen);
                if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                    counts.remove(&oldest);
                }
            }
            let count = counts.entry(key).or_insert(Count {
                failures: 0,
                next: now,
                seen: now,
            });
            count.failures = count.failures.saturating_add(1);
            count.seen = now;
        }
    }

    /// Forgets the failures for a login that got in.
    pub(super) fn succeeded(&self, login: &str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.remove(&Key::Login(login.to_owned()));
    }
}

/// Doubles with each failure that counts: a quarter of a second, half a second, one, two.
fn pause(failures: u32) -> Duration {
    let counted = failures.saturating_sub(FREE);
    if counted == 0 {
        return Duration::ZERO;
    }
    let doubled = 2_u32.saturating_pow(counted.min(8));
    Duration::from_millis(125)
        .saturating_mul(doubled)
        .min(PAUSE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &Who = &Who::Address(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
    const ELSEWHERE: &Who = &Who::Address(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED));

    #[test]
    fn failures_slow_an_address_down_and_lock_no_login() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..FREE {
            assert_eq!(throttle.wait(HERE, "siti", now), Some(Duration::ZERO));
            throttle.failed(HERE, "siti", now);
        }
        for _ in 0..10_000 {
            throttle.failed(HERE, "siti", now);
        }
        let waits: Vec<_> = (0..10).map(|_| throttle.wait(HERE, "siti", now)).collect();
        assert!(waits.contains(&None), "{waits:?}");
        // From elsewhere the same login waits for a moment only.
        assert_eq!(throttle.wait(ELSEWHERE, "siti", now), Some(PAUSE_MAX));
        let later = now + WAIT_MAX + PAUSE_MAX;
        assert!(throttle.wait(HERE, "siti", later).is_some());
        throttle.succeeded("siti");
        assert_eq!(throttle.wait(ELSEWHERE, "siti", now), Some(Duration::ZERO));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for number in 0..2 * REMEMBERED_MAX {
            throttle.failed(HERE, &format!("login {number}"), now);
        }
        assert_eq!(throttle.0.lock().unwrap().len(), REMEMBERED_MAX);
    }
}
