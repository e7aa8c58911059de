//! Logs: JSON lines on stderr, or plain text for people. Never an account number or name: the types that hold
//! them print masked.

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts logging. `PAYOUT_LOG` filters, as in `info,payout_worker=debug`. A second call changes nothing.
pub fn start(json: bool) {
    let filter =
        EnvFilter::try_from_env("PAYOUT_LOG").unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    let lines = fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(filter);
    let started = if json {
        registry
            .with(
                lines
                    .json()
                    .flatten_event(true)
                    .with_current_span(false)
                    .with_span_list(false),
            )
            .try_init()
    } else {
        registry.with(lines.with_target(false)).try_init()
    };
    // An `Err` says that somebody else logs already, as in tests.
    started.ok();
}
