//! Signing in, signing out, and choosing a language.

use std::sync::Arc;

use askama::Template;
use axum::{
    body::Bytes,
    extract::State,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CONTENT_TYPE, LOCATION, SET_COOKIE},
    },
    response::{Html, IntoResponse, Response},
};
use tokio::time::{Instant, sleep};

use super::{
    Console, Peer,
    confirm::Again,
    failure::{Failure, Sentence},
    form::Form,
    frame::{Frame, render},
    language::{COOKIE_NAME, Language},
    places::owner,
    session::{self, Refused, Session},
    texts::Texts,
    throttle::Who,
    unsent::UNSENT,
    visit::Visit,
};

/// Longest login that Postgres keeps whole.
const LOGIN_BYTES_MAX: usize = 63;
/// Longest password that is tried.
const PASSWORD_BYTES_MAX: usize = 256;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page {
    frame: Frame,
    t: &'static Texts,
    failed: Option<&'static str>,
}

/// The form.
pub(super) async fn form(headers: HeaderMap) -> Result<Html<String>, Failure> {
    page(&headers, None)
}

fn page(headers: &HeaderMap, failed: Option<Sentence>) -> Result<Html<String>, Failure> {
    let frame = Frame::outside(Language::of(headers));
    let t = frame.t();
    render(&Page {
        failed: failed.map(|failed| failed(t)),
        frame,
        t,
    })
}

/// Signs in to Postgres with the form's login and password.
pub(super) async fn sign_in(
    State(console): State<Arc<Console>>,
    peer: Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let form = Form::of(&headers, &body)?;
    let (login, password) = (form.text("login"), form.text("password"));
    let is_long = login.len() > LOGIN_BYTES_MAX || password.len() > PASSWORD_BYTES_MAX;
    let is_odd = login.chars().any(char::is_control);
    if login.is_empty() || password.is_empty() || is_long || is_odd {
        return refused(&headers, StatusCode::FORBIDDEN, |t| t.wrong_password);
    }
    let address = console.address(peer, &headers).to_canonical();
    let browser = console.known_browser(login, &headers);
    // Whoever copied the cookie of a browser may use up its turns. Then its owner has those of the address.
    let whose = browser.into_iter().map(Who::Browser);
    let mut whose = whose.chain([Who::Address(owner(address))]);
    let waits = whose.find_map(|who| {
        let turn = console.turns.wait(&who, login)?;
        let wait = console.throttle.wait(&who, login, Instant::now())?;
        Some((who, turn, wait))
    });
    let Some((who, turn, wait)) = waits else {
        return refused(&headers, StatusCode::TOO_MANY_REQUESTS, |t| {
            t.too_many_attempts
        });
    };
    sleep(wait).await;
    let tried = turn.begin().await;
    let opened = open(&console, login, form.raw("password")).await;
    drop(tried);
    let mut session = match opened {
        Ok(session) => session,
        Err(why) => {
            if matches!(why, Refused::Password) {
                console.throttle.failed(&who, login, Instant::now());
                tracing::warn!(%address, "sign-in with a wrong login or password");
            }
            let (status, sentence) = explained(&why);
            return refused(&headers, status, sentence);
        }
    };
    console.throttle.succeeded(login);
    // An earlier session of the same browser ends.
    let earlier = console.session_id(&headers);
    earlier.map(|id| console.sessions.end(id));
    let name = session.login.clone();
    session.unsent = earlier.and_then(|id| console.sessions.unsent(id, &name));
    let next = session.unsent.as_ref().map_or("/", |_| UNSENT);
    let Some(id) = console.sessions.begin(session) else {
        return refused(&headers, StatusCode::SERVICE_UNAVAILABLE, |t| {
            t.too_many_people
        });
    };
    tracing::info!(login = %name, %address, "signed in");
    if let Some(id) = earlier.filter(|_| next == UNSENT) {
        console.sessions.forget_unsent(id);
    }
    let mut cookies = vec![console.cookie(&id, None)];
    if browser.is_none() {
        cookies.push(console.browser_cookie(&console.known.note(login)));
    }
    Ok(to(next, cookies))
}

/// Opens the person's connection, once it is known that the database checks this login's password.
async fn open(console: &Console, login: &str, password: &str) -> Result<Session, Refused> {
    let session = session::sign_in(&console.database, login, password).await?;
    if !console.allow_any_password && !console.is_checked(login) {
        if session::takes_any_password(&console.database, login).await {
            tracing::error!(%login, "the database does not check this login's password: nobody is signed in");
            return Err(Refused::Unchecked);
        }
        console.note_checked(login);
    }
    Ok(session)
}

fn explained(why: &Refused) -> (StatusCode, Sentence) {
    match why {
        Refused::Password => (StatusCode::FORBIDDEN, |t| t.wrong_password),
        Refused::Unchecked => (StatusCode::FORBIDDEN, |t| t.unchecked),
        Refused::Full => (StatusCode::SERVICE_UNAVAILABLE, |t| t.no_room),
        Refused::Role => (StatusCode::FORBIDDEN, |t| t.no_role),
        Refused::Unreachable => (StatusCode::SERVICE_UNAVAILABLE, |t| t.database_away),
    }
}

fn refused(headers: &HeaderMap, status: StatusCode, why: Sentence) -> Result<Response, Failure> {
    Ok((status, page(headers, Some(why))?).into_response())
}

#[derive(Template)]
#[template(path = "unsent.html")]
struct UnsentPage {
    frame: Frame,
    t: &'static Texts,
    again: Again,
}

/// Leads back to the form that came when an earlier session had ended, filled in; or home, if there is none.
pub(super) async fn unsent(visit: Visit) -> Result<Response, Failure> {
    let Some(again) = visit.session.unsent.clone() else {
        return Ok(to("/", Vec::new()));
    };
    let t = visit.frame.t();
    let page = render(&UnsentPage {
        t,
        again,
        frame: visit.frame,
    })?;
    Ok(page.into_response())
}

/// Ends the session and its connection.
pub(super) async fn sign_out(State(console): State<Arc<Console>>, headers: HeaderMap) -> Response {
    let ended = console
        .session_id(&headers)
        .and_then(|id| console.sessions.end(id));
    if let Some(session) = ended {
        tracing::info!(login = %session.login, "signed out");
    }
    to("/sign-in", vec![console.cookie("", Some(0))])
}

/// Remembers a language, and leads back to the page.
pub(super) async fn choose_language(
    State(console): State<Arc<Console>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let form = Form::of(&headers, &body)?;
    let language = Language::of_code(form.text("language")).unwrap_or_default();
    let secure = if console.is_secure() { "; Secure" } else { "" };
    let code = language.code();
    let cookie = format!(
        "{COOKIE_NAME}={code}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Strict{secure}"
    );
    Ok(to(local(form.text("to")), vec![cookie]))
}

/// A page of ours; the first one for anything else, so that nobody is led away from here.
fn local(path: &str) -> &str {
    let is_local = path.starts_with('/')
        && !path.starts_with("//")
        && path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_local { path } else { "/" }
}

fn to(path: &str, cookies: Vec<String>) -> Response {
    let mut headers = HeaderMap::new();
    let path = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    headers.insert(LOCATION, path);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    for cookie in cookies {
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            headers.append(SET_COOKIE, cookie);
        }
    }
    (StatusCode::SEE_OTHER, headers).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_away_from_here() {
        for path in ["/", "/payouts?tab=unknown&bank=014"] {
            assert_eq!(local(path), path);
        }
        for path in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\r\nb",
            "/a b",
        ] {
            assert_eq!(local(path), "/", "{path}");
        }
    }
}
