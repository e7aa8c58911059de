//! Browsers in which somebody signed in before. Their attempts to sign in as the same login do not share the turns of their
//! address, so that somebody who guesses passwords there cannot take these. They lead to no session by themselves.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use super::token::{hash, random};

/// Browsers of one login, and in all; beyond that the oldest are forgotten.
const OF_ONE_LOGIN_MAX: usize = 8;
const KNOWN_MAX: usize = 1024;

/// Browsers, the latest last: the hash of the cookie, and the login.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<VecDeque<([u8; 32], String)>>);

impl Known {
    /// The cookie of a browser in which this login signed in.
    pub(super) fn note(&self, login: &str) -> String {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_login = || known.iter().filter(|(_, other)| other == login).count();
        if of_login() >= OF_ONE_LOGIN_MAX
            && let Some(oldest) = known.iter().position(|(_, other)| other == login)
        {
            known.remove(oldest);
        }
        if known.len() >= KNOWN_MAX {
            known.pop_front();
        }
        let cookie = random();
        known.push_back((hash(&cookie), login.to_owned()));
        cookie
    }

    /// The browser with this cookie, if this login signed in there.
    pub(super) fn find(&self, cookie: &str, login: &str) -> Option<[u8; 32]> {
        let hash = hash(cookie);
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = known.iter();
        known
            .any(|(other, owner)| *other == hash && owner == login)
            .then_some(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_known_for_its_login_alone_and_one_login_pushes_no_other_out() {
        let known = Known::default();
        let siti = known.note("siti");
        assert!(known.find(&siti, "siti").is_some());
        assert!(known.find(&siti, "budi").is_none());
        assert!(known.find(&random(), "siti").is_none());
        for _ in 0..KNOWN_MAX {
            known.note("budi");
        }
        assert!(known.find(&siti, "siti").is_some());
        for _ in 0..OF_ONE_LOGIN_MAX {
            known.note("siti");
        }
        assert!(known.find(&siti, "siti").is_none());
    }
}
