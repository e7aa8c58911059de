//! The callback address: is it well formed, and does a listener there accept callbacks?

use std::time::Duration;

use payout_gateway::probe::status_of;

use super::{Check, Subject};

/// A person is waiting.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Our listener accepts POST alone and answers anything else with this.
const METHOD_NOT_ALLOWED: u16 = 405;

pub(crate) async fn check(code: &str, url: Option<&str>) -> Vec<Check> {
    let what = format!("notify_url of {code}");
    let Some(url) = url else {
        return vec![Subject(&what).warn(
            "none: no callbacks arrive",
            "set notify_url; polling alone is slower",
        )];
    };
    let mut checks = vec![written(code, &what, url)];
    checks.push(match status_of(url, ANSWER_WITHIN).await {
        Ok(METHOD_NOT_ALLOWED) => Subject(&what).ok("a listener there accepts callbacks"),
        Ok(other) => Subject(&what).warn(
            format!("HTTP {other} to a GET, where `payout run` answers 405"),
            "does the proxy forward it to [http] listen of a worker?",
        ),
        Err(why) => Subject(&what).warn(
            format!("not reached from here: {why}"),
            "does a worker run, and does the firewall let the gateway in? It may be reachable from \
             outside and not from here",
        ),
    });
    checks
}

fn written(code: &str, what: &str, url: &str) -> Check {
    let path_fits = url.ends_with("/callback") || url.ends_with(&format!("/callback/{code}"));
    if !path_fits {
        return Subject(what).warn(
            url,
            "the worker listens on /callback and /callback/MERCHANT",
        );
    }
    if !url.starts_with("https://") {
        return Subject(what).warn(url, "use https where it crosses a shared network");
    }
    Subject(what).ok(url)
}
