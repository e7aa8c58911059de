//! What is around every request, whatever page it is for.

use std::{sync::Arc, time::Duration};

use askama::Template;
use axum::{
    extract::{Request, State},
    http::{StatusCode, header::CONTENT_LENGTH},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::time::timeout;

use super::{
    Console,
    failure::Failure,
    frame::{Frame, render},
    language::Language,
    origin::{Stranger, harden},
    texts::Texts,
};

/// Longest time until a page is answered, its body included.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage {
    frame: Frame,
    t: &'static Texts,
    sentence: &'static str,
    detail: String,
}

/// Refuses strangers, bounds the time, shows failures as pages, and hardens every answer.
pub(super) async fn answer(
    State(console): State<Arc<Console>>,
    request: Request,
    next: Next,
) -> Response {
    let language = Language::of(request.headers());
    let session_id = console.session_id(request.headers()).map(str::to_owned);
    let checked = console.origins.check(request.method(), request.headers());
    let mut response = match checked {
        Err(Stranger::Host) => {
            Failure::new(StatusCode::MISDIRECTED_REQUEST, |t| t.foreign_host).into_response()
        }
        Err(Stranger::Site) => {
            Failure::new(StatusCode::FORBIDDEN, |t| t.foreign_site).into_response()
        }
        Ok(()) => to_its_end(next, request).await,
    };
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        if failure.ends_session {
            session_id.map(|id| console.sessions.end(&id));
        }
        response = failed(response, failure, language);
    }
    harden(response.headers_mut(), console.is_secure());
    response
}

/// Runs a request to its end, also when the browser goes away: no act is left in the middle, and no answer of the database
/// is left unread on a connection that goes on.
async fn to_its_end(next: Next, request: Request) -> Response {
    match timeout(ANSWER_WITHIN, tokio::spawn(next.run(request))).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => Failure::broken().into_response(),
        Err(_) => Failure::busy().into_response(),
    }
}

fn failed(response: Response, failure: Failure, language: Language) -> Response {
    let frame = Frame::outside(language);
    let t = frame.t();
    let page = FailurePage {
        frame,
        t,
        sentence: (failure.sentence)(t),
        detail: failure.detail,
    };
    match render(&page) {
        Ok(page) => {
            let (status, page) = (response.status(), page.into_response());
            let (mut parts, _) = response.into_parts();
            let (shown, body) = page.into_parts();
            parts.headers.extend(shown.headers);
            parts.status = status;
            parts.headers.remove(CONTENT_LENGTH);
            Response::from_parts(parts, body)
        }
        Err(_) => response,
    }
}
