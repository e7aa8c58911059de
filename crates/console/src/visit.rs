//! A request of somebody who is signed in.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::FromRequestParts,
    http::{Method, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use payout_store::console::{self, Login};
use sqlx::PgConnection;
use tokio::{sync::OwnedMutexGuard, time::timeout};

use super::{
    Console,
    failure::Failure,
    frame::{Frame, Visitor},
    language::Language,
    session::Session,
    unsent,
};

/// The header of a request that the page sends without anybody's doing.
const REFRESH: &str = "x-payout-refresh";
/// How long a page waits for the same person's other page.
const TURN_WITHIN: Duration = Duration::from_secs(10);

/// Who visits, and the person's own connection.
pub(super) struct Visit {
    pub(super) session: Arc<Session>,
    pub(super) login: Login,
    pub(super) frame: Frame,
    pub(super) db: OwnedMutexGuard<PgConnection>,
}

impl Visit {
    /// Refuses whoever may not act. The database would refuse it too.
    pub(super) fn must_act(&self) -> Result<(), Failure> {
        if self.login.may_act {
            Ok(())
        } else {
            Err(Failure::forbidden())
        }
    }
}

impl FromRequestParts<Arc<Console>> for Visit {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        console: &Arc<Console>,
    ) -> Result<Self, Response> {
        let is_use = !parts.headers.contains_key(REFRESH);
        let id = console.session_id(&parts.headers);
        let session = id.and_then(|id| console.sessions.find(id, is_use));
        let Some(session) = session else {
            return Err(if parts.method == Method::GET && is_use {
                Redirect::to("/sign-in").into_response()
            } else {
                Failure::signed_out(unsent::keep(console, parts)).into_response()
            });
        };
        let language = Language::of(&parts.headers);
        let frame = Frame::of(&session.login, language, &parts.method, &parts.uri);
        let visit = Self::enter(session, frame).await;
        let visit = visit.map_err(IntoResponse::into_response)?;
        if let Some(visitor) = parts.extensions.get::<Visitor>() {
            visitor.is(&visit.frame);
        }
        Ok(visit)
    }
}

impl Visit {
    /// Waits for the person's connection, and has the database say on it who this is and whether that login may still log in.
    async fn enter(session: Arc<Session>, frame: Frame) -> Result<Self, Failure> {
        let turn = timeout(TURN_WITHIN, Arc::clone(&session.db).lock_owned()).await;
        let mut db = turn.map_err(|_| Failure::busy())?;
        let login = console::login(&mut db).await?;
        let login = login.filter(|login| login.may_log_in && login.name == session.login);
        let login = login.ok_or_else(Failure::disabled)?;
        if !login.may_read {
            return Err(Failure::forbidden());
        }
        let frame = Frame {
            may_act: login.may_act,
            ..frame
        };
        Ok(Self {
            session,
            login,
            frame,
            db,
        })
    }
}
