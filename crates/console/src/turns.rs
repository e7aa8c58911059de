//! Whose password is tried next. Postgres spends work on each, so few are tried at a time and few wait; and whoever makes many
//! attempts takes few of these places.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::throttle::Who;

/// Passwords that are tried at a time, in all and for one address or browser.
const TRIED_MAX: usize = 4;
const TRIED_OF_ONE_MAX: usize = 2;
/// Attempts that wait or are tried, that are counted by address.
const WAITING_MAX: usize = 64;
/// Of these, for one login.
const FOR_ONE_LOGIN_MAX: usize = 32;
/// Attempts of one address or browser that wait or are tried.
const WAITING_OF_ONE_MAX: usize = 8;

/// Attempts to sign in that are not answered yet.
#[derive(Debug)]
pub(super) struct Turns {
    tried: Semaphore,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    of: HashMap<Who, OfOne>,
    /// Those from addresses, by login. People may sign in again in a browser that is known however many these are.
    by_login: HashMap<String, usize>,
}

#[derive(Debug)]
struct OfOne {
    attempts: usize,
    tried: Arc<Semaphore>,
}

/// An attempt that waits or is tried, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    who: Who,
    login: String,
    tried: Arc<Semaphore>,
}

impl Turns {
    pub(super) fn new() -> Self {
        Self {
            tried: Semaphore::new(TRIED_MAX),
            waiting: Mutex::default(),
        }
    }

    /// Lets an attempt wait; `None` if too many do.
    pub(super) fn wait(&self, who: &Who, login: &str) -> Option<Turn<'_>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(who, Who::Address(_)) {
            let of_login = waiting.by_login.get(login).copied().unwrap_or_default();
            let all: usize = waiting.by_login.values().sum();
            if of_login >= FOR_ONE_LOGIN_MAX || all >= WAITING_MAX {
                return None;
            }
        }
        let of_one = waiting.of.entry(who.clone()).or_insert_with(|| OfOne {
            attempts: 0,
            tried: Arc::new(Semaphore::new(TRIED_OF_ONE_MAX)),
        });
        if of_one.attempts >= WAITING_OF_ONE_MAX {
            return None;
        }
        of_one.attempts = of_one.attempts.saturating_add(1);
        let tried = Arc::clone(&of_one.tried);
        if matches!(who, Who::Address(_)) {
            let of_login = waiting.by_login.entry(login.to_owned()).or_default();
            *of_login = of_login.saturating_add(1);
        }
        Some(Turn {
            turns: self,
            who: who.clone(),
            login: login.to_owned(),
            tried,
        })
    }
}

impl Turn<'_> {
    /// Waits until the password may be tried, and holds two places meanwhile: one of its own, so that nobody has all of the
    /// four, and one of these.
    pub(super) async fn begin(&self) -> [Option<SemaphorePermit<'_>>; 2] {
        // Never closed.
        let own = self.tried.acquire().await.ok();
        [own, self.turns.tried.acquire().await.ok()]
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let waiting = &self.turns.waiting;
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_one) = waiting.of.get_mut(&self.who) {
            of_one.attempts = of_one.attempts.saturating_sub(1);
            if of_one.attempts == 0 {
                waiting.of.remove(&self.who);
            }
        }
        if matches!(self.who, Who::Address(_))
            && let Some(of_login) = waiting.by_login.get_mut(&self.login)
        {
            *of_login = of_login.saturating_sub(1);
            if *of_login == 0 {
                waiting.by_login.remove(&self.login);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Who {
        Who::Address([10, 0, 0, last].into())
    }

    #[test]
    fn one_address_takes_few_of_the_places_and_a_known_browser_has_its_own() {
        let turns = Turns::new();
        let mut held: Vec<_> = (0..WAITING_OF_ONE_MAX)
            .map(|_| turns.wait(&address(1), "siti").expect("a place"))
            .collect();
        assert!(turns.wait(&address(1), "siti").is_none());
        assert!(turns.wait(&address(1), "budi").is_none());
        assert!(turns.wait(&address(2), "siti").is_some());
        held.extend((2..=4).flat_map(|last| {
            let waits = |_| turns.wait(&address(last), "siti").expect("a place");
            (0..WAITING_OF_ONE_MAX).map(waits).collect::<Vec<_>>()
        }));
        // Of one login, from however many addresses.
        assert!(turns.wait(&address(5), "siti").is_none());
        assert!(turns.wait(&address(5), "budi").is_some());
        assert!(turns.wait(&Who::Browser([1; 32]), "siti").is_some());
        drop(held);
        let waiting = turns.waiting.lock().unwrap();
        assert!(waiting.of.is_empty() && waiting.by_login.is_empty());
    }

    #[test]
    fn so_many_addresses_that_all_places_are_taken_leave_a_known_browser_its_own() {
        let turns = Turns::new();
        let waits = |n: u8| turns.wait(&address(n), &format!("login {n}"));
        let held: Vec<_> = (0..64).map(|n| waits(n).expect("a place")).collect();
        assert_eq!(held.len(), WAITING_MAX);
        assert!(waits(64).is_none());
        assert!(turns.wait(&Who::Browser([1; 32]), "siti").is_some());
    }

    #[tokio::test]
    async fn one_address_has_two_of_the_four_that_are_tried() {
        let turns = Turns::new();
        let mine: Vec<_> = (0..3)
            .map(|_| turns.wait(&address(1), "siti").unwrap())
            .collect();
        let first = mine[0].begin().await;
        let second = mine[1].begin().await;
        let mut third = Box::pin(mine[2].begin());
        tokio::select! {
            biased;
            _ = &mut third => panic!("it has three"),
            () = std::future::ready(()) => {}
        }
        let other = turns.wait(&address(2), "siti").unwrap();
        assert!(other.begin().await.iter().all(Option::is_some));
        drop(first);
        assert!(third.await.iter().all(Option::is_some));
        drop(second);
    }
}
