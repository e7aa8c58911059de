//! Logs: JSON lines on stderr, or plain text for people. They never contain an account number or a name: the types that
//! hold them print masked.

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts logging. `PAYOUT_LOG` sets the filter, for example `info,payout_worker=debug`. A second call does nothing.
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
    // An `Err` says that a logger is already installed, as in tests.
    started.ok();
}
