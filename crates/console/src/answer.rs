//! What is around every request, whatever page it is for.

use std::{sync::Arc, time::Duration};

use askama::Template;
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{
        HeaderValue, Method, StatusCode,
        header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::time::timeout;

use super::{
    Console, FORM_BYTES_MAX,
    failure::Failure,
    frame::{Frame, Visitor, render},
    language::Language,
    origin::{Stranger, harden},
    texts::Texts,
    unsent::Arrived,
};

/// Longest time until a page is answered, its body included.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Longest time until a form has arrived: who sends one byte now and then keeps nobody else out for long.
const FORM_WITHIN: Duration = Duration::from_secs(10);
/// Where a statement is uploaded, by people who are signed in; it may take longer.
pub(super) const STATEMENT: &str = "/money/statement";

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
    mut request: Request,
    next: Next,
) -> Response {
    let language = Language::of(request.headers());
    let session_id = console.session_id(request.headers()).map(str::to_owned);
    let checked = console.origins.check(request.method(), request.headers());
    // Whoever is known to have sent it: nobody, if a page of somebody else's did.
    let session = session_id.as_deref().filter(|_| checked.is_ok());
    let login = session.and_then(|id| Some(console.sessions.find(id, false)?.login.clone()));
    let known = login.map(|login| Frame::of(&login, language, request.method(), request.uri()));
    let visitor = Visitor::new(known);
    request.extensions_mut().insert(visitor.clone());
    let mut response = match checked {
        Err(Stranger::Host) => {
            Failure::new(StatusCode::MISDIRECTED_REQUEST, |t| t.foreign_host).into_response()
        }
        Err(Stranger::Site) => {
            Failure::new(StatusCode::FORBIDDEN, |t| t.foreign_site).into_response()
        }
        Ok(()) => match arrived(request).await {
            Ok(request) => to_its_end(next, request).await,
            Err(failure) => closing(failure.into_response()),
        },
    };
    let failure = response.extensions_mut().remove::<Failure>();
    if let Some(failure) = failure.or_else(|| plain_failure(&response)) {
        if failure.ends_session {
            session_id.map(|id| console.sessions.end(&id));
        }
        let frame = visitor.frame().filter(|_| !failure.ends_session);
        let frame = frame.unwrap_or_else(|| Frame::outside(language));
        response = failed(response, failure, frame);
    }
    harden(response.headers_mut(), console.origins.promise_tls());
    response
}

/// Of an address or a body that was refused before it reached a page.
fn plain_failure(response: &Response) -> Option<Failure> {
    let status = response.status();
    let is_failure = status.is_client_error() || status.is_server_error();
    let kind = response.headers().get(CONTENT_TYPE);
    let is_page = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    (is_failure && !is_page).then(|| Failure::of_status(status))
}

/// Runs a request to its end, also when the browser goes away: no act is left in the middle, and no answer of the database
/// is left unread on a connection that goes on.
async fn to_its_end(next: Next, request: Request) -> Response {
    let may_have_acted = request.method() == Method::POST;
    match timeout(ANSWER_WITHIN, tokio::spawn(next.run(request))).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => Failure::broken().into_response(),
        Err(_) if may_have_acted => {
            let unsure = Failure::new(StatusCode::SERVICE_UNAVAILABLE, |t| t.not_sure);
            closing(unsure.into_response())
        }
        Err(_) => closing(Failure::busy().into_response()),
    }
}

/// The request with all of its form; a statement is read where it is compared.
async fn arrived(request: Request) -> Result<Request, Failure> {
    if request.uri().path() == STATEMENT {
        return Ok(request);
    }
    let (mut parts, body) = request.into_parts();
    let too_much = || Failure::of_status(StatusCode::PAYLOAD_TOO_LARGE);
    let late = || Failure::of_status(StatusCode::REQUEST_TIMEOUT);
    let read = timeout(FORM_WITHIN, to_bytes(body, FORM_BYTES_MAX)).await;
    let body = read.map_err(|_| late())?.map_err(|_| too_much())?;
    parts.extensions.insert(Arrived(body.clone()));
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// Ends the connection after this answer: what is left of the request is not waited for.
fn closing(mut response: Response) -> Response {
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(CONNECTION, close);
    response
}

fn failed(response: Response, failure: Failure, frame: Frame) -> Response {
    let t = frame.t();
    let page = FailurePage {
        frame,
        t,
        sentence: failure.why(t),
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
