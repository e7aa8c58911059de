//! Where the gateway calls back: is it written right, and does somebody there take callbacks.

use std::time::Duration;

use super::Check;
use crate::gateway::probe::status_of;

/// A person waits.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Our listener takes POST there and refuses anything else with this.
const METHOD_NOT_ALLOWED: u16 = 405;

pub(crate) async fn check(code: &str, url: Option<&str>) -> Vec<Check> {
    let what = format!("notify_url of {code}");
    let Some(url) = url else {
        return vec![Check::warn(
            &what,
            "none: no callbacks come",
            "set notify_url; questions alone are slower",
        )];
    };
    let mut checks = vec![written(code, &what, url)];
    checks.push(match status_of(url, ANSWER_WITHIN).await {
        Ok(METHOD_NOT_ALLOWED) => Check::ok(&what, "a listener there takes callbacks"),
        Ok(other) => Check::warn(
            &what,
            format!("HTTP {other} to a GET, where `payout run` answers 405"),
            "does the proxy pass it on to [http] listen of a worker?",
        ),
        Err(why) => Check::warn(
            &what,
            format!("not reached from here: {why}"),
            "does a worker run, and may the gateway get in? From outside it can be otherwise than from here",
        ),
    });
    checks
}

fn written(code: &str, what: &str, url: &str) -> Check {
    let path_fits = url.ends_with("/callback") || url.ends_with(&format!("/callback/{code}"));
    if !path_fits {
        return Check::warn(
            what,
            url,
            "the worker listens on /callback and /callback/MERCHANT",
        );
    }
    if !url.starts_with("https://") {
        return Check::warn(
            what,
            url,
            "use https where it crosses a network that others share",
        );
    }
    Check::ok(what, url)
}
