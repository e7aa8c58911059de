//! The web console, `payout console`: pages for people who will not open a terminal.
//!
//! Whoever signs in, signs in to Postgres. Each person has a connection of their own, so the database's grants decide what
//! they see and its functions decide what they may do. This module adds no rule about money.

// Only tests may panic; without `cfg(test)` the lints still apply.
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::unwrap_used
    )
)]

mod act;
mod acts;
mod answer;
mod approvals;
mod assets;
mod confirm;
mod deed;
mod downloads;
mod failure;
mod filter;
mod form;
mod frame;
mod fund;
mod home;
mod known;
mod language;
mod list;
mod money;
mod origin;
mod payout;
mod places;
mod proxies;
mod refusal;
mod serve;
mod session;
mod signing_in;
mod situation;
mod statement;
mod stops;
mod texts;
mod throttle;
mod token;
mod totals;
mod turns;
mod unsent;
mod visit;
mod words;
mod workers;

use std::{
    collections::HashMap,
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context;
use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRequestParts},
    http::{HeaderMap, StatusCode, request::Parts},
    middleware::from_fn_with_state,
    routing::{get, post},
};
use payout_config::console::Console as Settings;
use payout_store::console::connections;
use sqlx::postgres::PgConnectOptions;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinHandle,
    time::{Instant, interval},
};
use tokio_util::sync::CancellationToken;

use self::{
    failure::Failure,
    known::Known,
    language::cookie,
    origin::Origins,
    places::Places,
    proxies::Proxies,
    session::{Limits, Sessions},
    throttle::Throttle,
    turns::Turns,
};

/// How long it counts that the database was seen to check a login's password.
const CHECKED_FOR: Duration = Duration::from_mins(5);
/// How long a browser keeps the cookie by which it is known.
const KNOWN_FOR_SECONDS: u32 = 90 * 86_400;
/// Most bytes of a form.
const FORM_BYTES_MAX: usize = 128 * 1024;
/// How often sessions whose time is over are ended.
const SWEEP_EVERY: Duration = Duration::from_secs(15);

/// What all requests share.
struct Console {
    /// The configured host, port and database, and no login.
    database: PgConnectOptions,
    origins: Origins,
    proxies: Proxies,
    sessions: Sessions,
    throttle: Throttle,
    turns: Turns,
    known: Known,
    /// Whether people may sign in where the database checks no password.
    allow_any_password: bool,
    /// The logins whose passwords the database is known to check.
    checked: Mutex<HashMap<String, Instant>>,
}

/// A running console.
pub struct Running {
    /// Where browsers reach it on this machine.
    pub url: String,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Running {
    /// Listens, and serves until it is stopped. The database is not needed yet: each person connects to it.
    ///
    /// # Errors
    /// If it cannot listen there, or must not.
    pub async fn start(settings: &Settings, database_url: &str) -> anyhow::Result<Self> {
        settings.is_safe().map_err(anyhow::Error::msg)?;
        let tls = settings.tls_files.as_ref();
        let tls = tls.map(|(certificate, key)| serve::tls(certificate, key));
        let tls = tls.transpose()?;
        let listener = serve::listen(settings.listen)
            .await
            .with_context(|| format!("cannot listen on {}", settings.listen))?;
        let address = listener.local_addr()?;
        let console = Arc::new(Console::new(settings, database_url, address)?);
        let scheme = if tls.is_some() { "https" } else { "http" };
        let stop = CancellationToken::new();
        let routes = routes(&console);
        let (until, places) = (stop.clone(), Places::new(console.proxies.clone()));
        let serving = tokio::spawn(async move {
            tokio::select! {
                () = serve::serve(listener, tls, routes, places, until) => {}
                () = console.sweep() => {}
            }
        });
        Ok(Self {
            url: format!("{scheme}://{address}/"),
            stop,
            serving,
        })
    }

    /// Finishes what was begun, and ends every session.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        Ok(self.serving.await?)
    }
}

/// Serves the console until SIGTERM or SIGINT, after `started` was told the address.
///
/// # Errors
/// If it cannot listen there, or must not.
pub async fn run(
    settings: &Settings,
    database_url: &str,
    started: impl FnOnce(&str),
) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let running = Running::start(settings, database_url).await?;
    started(&running.url);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    running.stop().await
}

fn routes(console: &Arc<Console>) -> Router {
    Router::new()
        .route("/", get(home::home))
        .route("/payouts", get(list::list))
        .route("/open", get(list::open))
        .route("/payouts.csv", get(list::export))
        .route("/payouts/{merchant}/{order}", get(payout::payout))
        .route(
            "/payouts/{merchant}/{order}/receipt",
            get(downloads::receipt),
        )
        .route("/act/{deed}", get(acts::form).post(acts::perform))
        .route("/approvals", get(approvals::list))
        .route(
            "/approvals/{id}/{decision}",
            get(approvals::form).post(approvals::decide),
        )
        .route("/money", get(money::money))
        .route("/money.csv", get(downloads::report))
        .route("/fund", get(fund::form).post(fund::review))
        .route("/fund/book", post(fund::book))
        .route("/workers", get(workers::workers))
        .route("/pause", get(stops::pause_form).post(stops::pause))
        .route("/resume", get(stops::resume_form).post(stops::resume))
        .route("/failover", get(stops::accept_form).post(stops::accept))
        .route(unsent::UNSENT, get(signing_in::unsent))
        .route("/sign-in", get(signing_in::form).post(signing_in::sign_in))
        .route("/sign-out", post(signing_in::sign_out))
        .route("/language", post(signing_in::choose_language))
        .route("/assets/{name}", get(assets::asset))
        .fallback(async || Failure::not_found())
        .method_not_allowed_fallback(async || Failure::of_status(StatusCode::METHOD_NOT_ALLOWED))
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .merge(
            Router::new()
                .route(answer::STATEMENT, post(statement::compare))
                .layer(DefaultBodyLimit::max(statement::STATEMENT_BYTES_MAX)),
        )
        .layer(from_fn_with_state(Arc::clone(console), answer::answer))
        .with_state(Arc::clone(console))
}

impl Console {
    fn new(settings: &Settings, database_url: &str, address: SocketAddr) -> anyhow::Result<Self> {
        let is_tls = settings.tls_files.is_some();
        let origins = Origins::new(&settings.origins, address, is_tls);
        // Where every origin is HTTPS, and we speak plain HTTP, browsers reach it through a proxy.
        let is_proxied = origins.are_secure() && !is_tls;
        Ok(Self {
            database: connections(database_url).context("the database URL is invalid")?,
            origins,
            proxies: Proxies::new(&settings.proxies, is_proxied),
            sessions: Sessions::new(Limits {
                idle: settings.idle,
                session: settings.session,
                sessions_max: settings.sessions_max,
            }),
            throttle: Throttle::default(),
            turns: Turns::new(),
            known: Known::default(),
            allow_any_password: settings.allow_any_password,
            checked: Mutex::default(),
        })
    }

    /// Ends sessions whose time is over, so that their connections close.
    async fn sweep(&self) {
        let mut sweep = interval(SWEEP_EVERY);
        loop {
            sweep.tick().await;
            self.sessions.end_expired();
        }
    }

    fn is_checked(&self, login: &str) -> bool {
        let checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        let proven = checked.get(login);
        proven.is_some_and(|at| at.elapsed() < CHECKED_FOR)
    }

    /// Only logins that got in come here, so there are as many as people.
    fn note_checked(&self, login: &str) {
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        checked.insert(login.to_owned(), Instant::now());
    }

    /// Whether browsers reach it by HTTPS only.
    fn is_secure(&self) -> bool {
        self.origins.are_secure()
    }

    /// Plain HTTP is spoken on this machine only, where browsers refuse the prefix that promises `Secure`.
    fn cookie_name(&self) -> &'static str {
        if self.is_secure() {
            "__Host-payout"
        } else {
            "payout_session"
        }
    }

    fn browser_cookie_name(&self) -> &'static str {
        if self.is_secure() {
            "__Host-payout_browser"
        } else {
            "payout_browser"
        }
    }

    fn cookie(&self, id: &str, max_age_seconds: Option<u32>) -> String {
        self.cookie_named(self.cookie_name(), id, max_age_seconds)
    }

    /// What a browser is known by where somebody signed in.
    fn browser_cookie(&self, id: &str) -> String {
        self.cookie_named(self.browser_cookie_name(), id, Some(KNOWN_FOR_SECONDS))
    }

    /// The browser that sends this, if this login signed in there before.
    fn known_browser(&self, login: &str, headers: &HeaderMap) -> Option<[u8; 32]> {
        let id = cookie(headers, self.browser_cookie_name())?;
        self.known.find(id, login)
    }

    fn cookie_named(&self, name: &str, id: &str, max_age_seconds: Option<u32>) -> String {
        let secure = if self.is_secure() { "; Secure" } else { "" };
        let age = max_age_seconds.map_or(String::new(), |age| format!("; Max-Age={age}"));
        format!("{name}={id}; Path=/; HttpOnly; SameSite=Strict{secure}{age}")
    }

    fn session_id<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        cookie(headers, self.cookie_name())
    }

    /// Where a request comes from.
    fn address(&self, peer: Peer, headers: &HeaderMap) -> IpAddr {
        self.proxies.address(peer.0, headers)
    }
}

/// The address that a connection comes from.
#[derive(Clone, Copy, Debug)]
struct Peer(IpAddr);

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let nobody = Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        Ok(parts.extensions.get().copied().unwrap_or(nobody))
    }
}
