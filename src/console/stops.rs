//! Pausing, resuming, and requesting that claims continue after a failover.

use axum::{body::Bytes, extract::RawQuery, http::HeaderMap, response::Html};
use chrono::DateTime;

use super::{
    act::{Act, once, paused_name},
    confirm::{Confirm, Field, Kind, happened},
    failure::Failure,
    form::Form,
    visit::Visit,
};

const PAUSE: &str = "pause";
const ACCEPT: &str = "accept failover";

/// The form of a new pause.
pub(super) async fn pause_form(visit: Visit) -> Result<Html<String>, Failure> {
    visit.must_act()?;
    let t = visit.frame.t();
    let mut page = Confirm::new(visit.frame, t.pause, t.pause_does);
    page.choices = vec![
        ("all", t.scope_all),
        ("merchant", t.scope_merchant),
        ("bank", t.scope_bank),
    ];
    page.fields = vec![
        Field::new("value", t.scope_code, Kind::Short).optional(),
        Field::new("daily", t.daily_times, Kind::Short).optional(),
        Field::new("reason", t.field_reason, Kind::Words),
    ];
    "/pause".clone_into(&mut page.action);
    "/workers".clone_into(&mut page.back);
    page.show(&visit.session.forms, PAUSE)
}

pub(super) async fn pause(
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Html<String>, Failure> {
    visit.must_act()?;
    let form = Form::of(&headers, &body)?;
    let (scope, value) = scope(&form)?;
    let act = Act::Pause {
        scope,
        value,
        reason: form.text("reason").to_owned(),
        daily: form.some("daily").map(str::to_owned),
    };
    let (frame, outcome, is_repeated) = once(visit, &form, PAUSE, act).await?;
    happened(frame, &outcome, is_repeated, Vec::new())
}

/// What is paused: everything has no code, and nothing else goes without one.
fn scope(form: &Form) -> Result<(String, String), Failure> {
    let (scope, value) = (form.text("scope"), form.text("value"));
    match (scope, value.is_empty()) {
        ("all", true) | ("merchant" | "bank", false) => Ok((scope.to_owned(), value.to_owned())),
        _ => Err(Failure::unreadable(format!("{scope} {value}"))),
    }
}

fn resuming(scope: &str, value: &str, is_daily: bool) -> String {
    format!("resume {scope} {value} {is_daily}")
}

pub(super) async fn resume_form(
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Result<Html<String>, Failure> {
    visit.must_act()?;
    let form = Form::of_query(query.as_deref())?;
    let (scope, value) = scope(&form)?;
    let is_daily = form.some("daily").is_some();
    let t = visit.frame.t();
    let heading = format!("{}: {}", t.resume, paused_name(t, &scope, &value));
    let mut page = Confirm::new(visit.frame, heading, t.resume_does);
    page.fields = vec![Field::new("reason", t.field_reason, Kind::Words)];
    "/resume".clone_into(&mut page.action);
    "/workers".clone_into(&mut page.back);
    let purpose = resuming(&scope, &value, is_daily);
    page.hidden = vec![("scope", scope), ("value", value)];
    if is_daily {
        page.hidden.push(("daily", "yes".to_owned()));
    }
    page.show(&visit.session.forms, &purpose)
}

pub(super) async fn resume(
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Html<String>, Failure> {
    visit.must_act()?;
    let form = Form::of(&headers, &body)?;
    let (scope, value) = scope(&form)?;
    let is_daily = form.some("daily").is_some();
    let purpose = resuming(&scope, &value, is_daily);
    let act = Act::Resume {
        scope,
        value,
        reason: form.text("reason").to_owned(),
        is_daily,
    };
    let (frame, outcome, is_repeated) = once(visit, &form, &purpose, act).await?;
    happened(frame, &outcome, is_repeated, Vec::new())
}

pub(super) async fn accept_form(visit: Visit) -> Result<Html<String>, Failure> {
    visit.must_act()?;
    accepting(visit, &Form::of_query(None)?, false)
}

fn accepting(visit: Visit, form: &Form, is_wrong: bool) -> Result<Html<String>, Failure> {
    let t = visit.frame.t();
    let mut page = Confirm::new(visit.frame, t.accept, t.accept_does);
    page.fields = vec![
        Field::new("dead_since", t.dead_since, Kind::Short),
        Field::new("set_aside", t.set_aside, Kind::Tick),
        Field::new("reason", t.field_reason, Kind::Words),
    ];
    page.refill(form);
    "/failover".clone_into(&mut page.action);
    "/workers".clone_into(&mut page.back);
    page.typed = Some("failover".to_owned());
    page.error = is_wrong.then_some(t.time_wrong);
    page.show(&visit.session.forms, ACCEPT)
}

pub(super) async fn accept(
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Html<String>, Failure> {
    visit.must_act()?;
    let form = Form::of(&headers, &body)?;
    let dead_since = DateTime::parse_from_rfc3339(form.text("dead_since"));
    let is_typed = form.text("typed") == "failover";
    let (Ok(dead_since), true) = (dead_since, is_typed) else {
        return accepting(visit, &form, true);
    };
    let act = Act::Accept {
        reason: form.text("reason").to_owned(),
        dead_since: dead_since.to_utc(),
        set_aside: form.some("set_aside").is_some(),
    };
    let (frame, outcome, is_repeated) = once(visit, &form, ACCEPT, act).await?;
    happened(frame, &outcome, is_repeated, Vec::new())
}
