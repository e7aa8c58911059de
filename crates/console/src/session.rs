//! Who is signed in. A session is that person's own connection to the database, and ends with it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use payout_store::{CONNECTIONS, console, end_with_the_client, say_times_in_wib};
use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::time::{Instant, timeout};

use super::{
    confirm::Again,
    token::{Forms, hash, random},
    unsent::Unsent,
};

/// A person is waiting: report a silent database soon.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Sessions of one login; one more ends the one that has been quiet longest.
const OF_ONE_LOGIN_MAX: usize = 4;

/// One person who is signed in.
pub(super) struct Session {
    /// The login.
    pub(super) login: String,
    /// The person's connection. The password is kept nowhere but in it.
    pub(super) db: Arc<tokio::sync::Mutex<PgConnection>>,
    /// The forms that the person was shown.
    pub(super) forms: Forms,
    /// The form that came when an earlier session of this person had ended.
    pub(super) unsent: Option<Again>,
    began: Instant,
    used: Mutex<Instant>,
}

impl Session {
    /// A session over this connection, which belongs to `login`.
    pub(super) fn new(login: String, db: PgConnection) -> Self {
        let now = Instant::now();
        Self {
            login,
            db: Arc::new(tokio::sync::Mutex::new(db)),
            forms: Forms::default(),
            unsent: None,
            began: now,
            used: Mutex::new(now),
        }
    }

    fn last_used(&self) -> Instant {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

/// How long sessions last, and how many there are at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Without being used.
    pub(super) idle: Duration,
    /// In all.
    pub(super) session: Duration,
    /// At a time.
    pub(super) sessions_max: usize,
}

/// Every session, by the hash of its random ID.
pub(super) struct Sessions {
    limits: Limits,
    open: Mutex<HashMap<[u8; 32], Arc<Session>>>,
    /// Those that ended while somebody may have been filling in a form.
    ended: Unsent,
}

impl Sessions {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            open: Mutex::default(),
            ended: Unsent::default(),
        }
    }

    /// Opens a session and returns its ID; `None` if as many people are signed in as may be.
    pub(super) fn begin(&self, session: Session) -> Option<String> {
        self.end_expired();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let of_login = open
            .iter()
            .filter(|(_, other)| other.login == session.login);
        let oldest = of_login.clone().min_by_key(|(_, other)| other.last_used());
        if of_login.count() >= OF_ONE_LOGIN_MAX
            && let Some(oldest) = oldest.map(|(id, _)| *id)
        {
            open.remove(&oldest);
            self.ended
                .note(oldest, session.login.clone(), Instant::now());
        }
        if open.len() >= self.limits.sessions_max {
            return None;
        }
        let id = random();
        open.insert(hash(&id), Arc::new(session));
        Some(id)
    }

    /// The session with this ID. Unless the page refreshes without anybody's doing, that counts as use.
    pub(super) fn find(&self, id: &str, is_use: bool) -> Option<Arc<Session>> {
        self.end_expired();
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let session = open.get(&hash(id)).cloned()?;
        if is_use {
            session.touch();
        }
        Some(session)
    }

    /// Ends a session. Its connection closes once nothing uses it any more.
    pub(super) fn end(&self, id: &str) -> Option<Arc<Session>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.remove(&hash(id))
    }

    /// Ends the sessions whose time is over.
    pub(super) fn end_expired(&self) {
        let Limits { idle, session, .. } = self.limits;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|id, one| {
            let goes_on = one.last_used().elapsed() < idle && one.began.elapsed() < session;
            if !goes_on {
                self.ended.note(*id, one.login.clone(), Instant::now());
            }
            goes_on
        });
    }

    /// Keeps a form that came when its session had ended; `false` if there was no such session.
    pub(super) fn keep(&self, id: &str, form: Again) -> bool {
        self.ended.keep(hash(id), form, Instant::now())
    }

    /// The form that came when this session had ended, if it was a session of this login.
    pub(super) fn unsent(&self, id: &str, login: &str) -> Option<Again> {
        self.ended.find(hash(id), login, Instant::now())
    }

    /// Forgets that form.
    pub(super) fn forget_unsent(&self, id: &str) {
        self.ended.forget(hash(id));
    }
}

/// Why nobody was signed in.
#[derive(Debug)]
pub(super) enum Refused {
    /// The server does not accept this login with this password.
    Password,
    /// The server accepts this login with any password.
    Unchecked,
    /// A worker that starts would not find the connections that it needs.
    Full,
    /// The login has none of the schema's roles.
    Role,
    /// The server did not answer, or not in time.
    Unreachable,
}

/// Signs in to Postgres: host, port and database are the configured ones, login and password the person's.
pub(super) async fn sign_in(
    database: &PgConnectOptions,
    login: &str,
    password: &str,
) -> Result<Session, Refused> {
    let options = database.clone().username(login).password(password);
    let connected = timeout(CONNECT_WITHIN, options.connect()).await;
    let mut db = match connected {
        Ok(Ok(db)) => db,
        Ok(Err(sqlx::Error::Database(refusal))) => {
            let code = refusal.code().unwrap_or_default();
            return Err(match code.as_ref() {
                // Whether there is such a login is nobody's business.
                "28000" | "28P01" => Refused::Password,
                "42501" => Refused::Role,
                _ => Refused::Unreachable,
            });
        }
        Ok(Err(_)) | Err(_) => return Err(Refused::Unreachable),
    };
    say_times_in_wib(&mut db)
        .await
        .map_err(|_| Refused::Unreachable)?;
    end_with_the_client(&mut db).await;
    match console::login(&mut db).await {
        Ok(Some(found)) if found.may_read => {
            let free = console::free_connections(&mut db).await;
            if free.is_ok_and(|free| free < i64::from(CONNECTIONS)) {
                db.close().await.ok();
                return Err(Refused::Full);
            }
            Ok(Session::new(found.name, db))
        }
        Ok(_) => {
            db.close().await.ok();
            Err(Refused::Role)
        }
        Err(sqlx::Error::Database(_)) => Err(Refused::Role),
        Err(_) => Err(Refused::Unreachable),
    }
}

/// Whether the server lets this login in with a password that nobody has: then it does not check passwords.
pub(super) async fn takes_any_password(database: &PgConnectOptions, login: &str) -> bool {
    let made_up = database.clone().username(login).password(&random());
    match timeout(CONNECT_WITHIN, made_up.connect()).await {
        Ok(Ok(db)) => {
            db.close().await.ok();
            true
        }
        // Also when there is no connection left: that is no proof of anything.
        Ok(Err(error)) => error
            .as_database_error()
            .is_none_or(|refusal| !matches!(refusal.code().as_deref(), Some("28P01" | "28000"))),
        Err(_) => true,
    }
}
