//! Forms that came when their session had ended. They are kept here, and not in the browser: whoever signs in there again,
//! with the same login, finds what was typed, and nothing of it is done before it is confirmed.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::Bytes,
    http::{Method, request::Parts},
};
use tokio::time::Instant;

use super::{Console, confirm::Again, form::Form};

/// Where what was typed is found after signing in again.
pub(super) const UNSENT: &str = "/unsent";
/// Sessions that ended and are remembered, and how long.
const REMEMBERED_MAX: usize = 256;
const REMEMBERED_FOR: Duration = Duration::from_hours(12);
/// Forms that are kept, and how long; beyond that the oldest is forgotten.
const KEPT_MAX: usize = 32;
const KEPT_FOR: Duration = Duration::from_hours(1);

/// The body of a request that has arrived.
#[derive(Clone)]
pub(super) struct Arrived(pub(super) Bytes);

/// Sessions that ended by their time, the latest last.
#[derive(Default)]
pub(super) struct Unsent(Mutex<VecDeque<Ended>>);

struct Ended {
    /// The hash of its ID.
    id: [u8; 32],
    login: String,
    at: Instant,
    form: Option<(Instant, Again)>,
}

impl Unsent {
    /// Remembers a session that has ended.
    pub(super) fn note(&self, id: [u8; 32], login: String, now: Instant) {
        let mut ended = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ended.retain(|one| now.saturating_duration_since(one.at) < REMEMBERED_FOR);
        if ended.len() >= REMEMBERED_MAX {
            ended.pop_front();
        }
        ended.push_back(Ended {
            id,
            login,
            at: now,
            form: None,
        });
    }

    /// Keeps the last form of a session that has ended; `false` if there was no such session.
    pub(super) fn keep(&self, id: [u8; 32], form: Again, now: Instant) -> bool {
        let mut ended = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for one in ended.iter_mut() {
            one.form = one.form.take().filter(|(at, _)| !is_over(*at, now));
        }
        let Some(place) = ended.iter().position(|one| one.id == id) else {
            return false;
        };
        if ended.iter().filter(|one| one.form.is_some()).count() >= KEPT_MAX {
            let kept = ended.iter_mut().filter(|one| one.form.is_some());
            let oldest = kept.min_by_key(|one| one.form.as_ref().map(|(at, _)| *at));
            if let Some(oldest) = oldest {
                oldest.form = None;
            }
        }
        if let Some(one) = ended.get_mut(place) {
            one.form = Some((now, form));
        }
        true
    }

    /// The form of a session that has ended, for the login that it was of.
    pub(super) fn find(&self, id: [u8; 32], login: &str, now: Instant) -> Option<Again> {
        let ended = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let one = ended
            .iter()
            .find(|one| one.id == id && one.login == login)?;
        let (at, form) = one.form.as_ref()?;
        (!is_over(*at, now)).then(|| form.clone())
    }

    /// Forgets a session, and its form.
    pub(super) fn forget(&self, id: [u8; 32]) {
        let mut ended = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ended.retain(|one| one.id != id);
    }
}

fn is_over(at: Instant, now: Instant) -> bool {
    now.saturating_duration_since(at) >= KEPT_FOR
}

/// Keeps what a request without a session sent, if it is the form of an act and the session was there before.
pub(super) fn keep(console: &Console, parts: &Parts) -> bool {
    let sent = || {
        let action = again_at(parts.uri.path()).filter(|_| parts.method == Method::POST)?;
        let id = console.session_id(&parts.headers)?;
        let Arrived(body) = parts.extensions.get()?;
        let form = Form::of(&parts.headers, body).ok()?;
        Some((id, Again::whole(action, &form)))
    };
    sent().is_some_and(|(id, form)| console.sessions.keep(id, form))
}

/// Where the form of an act is shown again, filled in.
fn again_at(path: &str) -> Option<&str> {
    match path {
        // What was reviewed is written down there.
        "/fund" | "/fund/book" => Some("/fund"),
        "/pause" | "/resume" | "/failover" => Some(path),
        _ => {
            let is_act = path.starts_with("/act/") || path.starts_with("/approvals/");
            is_act.then_some(path)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(reason: &str) -> Again {
        let text = format!("token=t&typed=INV-1&payout=S%2FINV-1&reason={reason}");
        Again::whole("/act/cancel", &Form::of_query(Some(&text)).unwrap())
    }

    #[test]
    fn a_form_is_kept_for_its_session_and_login_alone_and_not_for_long() {
        let (unsent, now) = (Unsent::default(), Instant::now());
        unsent.note([1; 32], "siti".to_owned(), now);
        assert!(unsent.keep([1; 32], form("a"), now));
        assert!(!unsent.keep([2; 32], form("a"), now), "a stranger");
        let found = unsent.find([1; 32], "siti", now).unwrap();
        let named = |name| found.fields.iter().any(|(field, _)| field == name);
        assert!(named("reason") && named("payout") && named(Again::FIELD));
        assert!(
            !named("token") && !named("typed"),
            "nothing acts with it, and what must be typed is typed once more"
        );
        assert!(unsent.find([1; 32], "budi", now).is_none());
        assert!(unsent.find([1; 32], "siti", now + KEPT_FOR).is_none());
        unsent.forget([1; 32]);
        assert!(unsent.find([1; 32], "siti", now).is_none());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let (unsent, now) = (Unsent::default(), Instant::now());
        for number in 0..=u8::MAX {
            unsent.note([number; 32], "siti".to_owned(), now);
            assert!(unsent.keep([number; 32], form("a"), now));
        }
        unsent.note([0; 32], "budi".to_owned(), now);
        let ended = unsent.0.lock().unwrap();
        assert_eq!(ended.len(), REMEMBERED_MAX);
        let kept = ended.iter().filter(|one| one.form.is_some()).count();
        assert_eq!(kept, KEPT_MAX);
    }

    #[test]
    fn only_the_forms_of_acts_are_kept() {
        for path in [
            "/sign-in",
            "/sign-out",
            "/language",
            "/money/statement",
            "/",
        ] {
            assert_eq!(again_at(path), None, "{path}");
        }
        assert_eq!(again_at("/fund/book"), Some("/fund"));
        assert_eq!(again_at("/act/cancel"), Some("/act/cancel"));
    }
}
