//! Pausing, resuming, and requesting that claims continue after a failover.

use axum::{
    body::Bytes,
    extract::RawQuery,
    http::HeaderMap,
    response::{Html, IntoResponse, Response},
};
use chrono::DateTime;

use super::{
    act::{self, Act, paused_name},
    confirm::{Again, Confirm, Field, Kind, happened},
    failure::{Failure, Sentence},
    form::Form,
    visit::Visit,
};

const PAUSE: &str = "pause";
const ACCEPT: &str = "accept failover";

/// The form of a new pause.
pub(super) async fn pause_form(visit: Visit) -> Result<Html<String>, Failure> {
    visit.must_act()?;
    pausing(visit, &Form::of_query(None)?, None)
}

fn pausing(visit: Visit, form: &Form, error: Option<Sentence>) -> Result<Html<String>, Failure> {
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
    page.refill(form);
    "/pause".clone_into(&mut page.action);
    "/workers".clone_into(&mut page.back);
    page.error = error.map(|error| error(t));
    page.show(&visit.session.forms, PAUSE)
}

pub(super) async fn pause(
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    visit.must_act()?;
    let form = Form::of(&headers, &body)?;
    if form.some(Again::FIELD).is_some() {
        return Ok(pausing(visit, &form, None)?.into_response());
    }
    let Some((scope, value)) = scope(&form) else {
        return Ok(pausing(visit, &form, Some(|t| t.scope_wrong))?.into_response());
    };
    let act = Act::Pause {
        scope,
        value,
        reason: form.text("reason").to_owned(),
        daily: form.some("daily").map(str::to_owned),
    };
    match visit.session.forms.find(form.raw("token"), PAUSE) {
        Some(once) => {
            let (frame, outcome, is_repeated) = act::once(visit, &once, act).await;
            let again = Again::after("/pause", &form, &outcome);
            happened(frame, &outcome, is_repeated, Vec::new(), again)
        }
        None => pausing(visit, &form, Some(|t| t.stale_form)).map(Confirm::stale),
    }
}

/// What is paused: everything has no code, and nothing else goes without one.
fn scope(form: &Form) -> Option<(String, String)> {
    let (scope, value) = (form.text("scope"), form.text("value"));
    match (scope, value.is_empty()) {
        ("all", true) | ("merchant" | "bank", false) => Some((scope.to_owned(), value.to_owned())),
        _ => None,
    }
}

/// A pause that is to end.
struct Resumed {
    scope: String,
    value: String,
    is_daily: bool,
}

impl Resumed {
    fn of(form: &Form) -> Result<Self, Failure> {
        let named = || format!("{} {}", form.text("scope"), form.text("value"));
        let (scope, value) = scope(form).ok_or_else(|| Failure::unreadable(named()))?;
        Ok(Self {
            scope,
            value,
            is_daily: form.some("daily").is_some(),
        })
    }

    fn purpose(&self) -> String {
        format!("resume {} {} {}", self.scope, self.value, self.is_daily)
    }
}

pub(super) async fn resume_form(
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Result<Html<String>, Failure> {
    visit.must_act()?;
    let resumed = Resumed::of(&Form::of_query(query.as_deref())?)?;
    resuming(visit, &resumed, &Form::of_query(None)?, None)
}

fn resuming(
    visit: Visit,
    resumed: &Resumed,
    form: &Form,
    error: Option<Sentence>,
) -> Result<Html<String>, Failure> {
    let t = visit.frame.t();
    let what = paused_name(t, &resumed.scope, &resumed.value);
    let mut page = Confirm::new(visit.frame, format!("{}: {what}", t.resume), t.resume_does);
    page.fields = vec![Field::new("reason", t.field_reason, Kind::Words)];
    page.refill(form);
    "/resume".clone_into(&mut page.action);
    "/workers".clone_into(&mut page.back);
    page.hidden = vec![
        ("scope", resumed.scope.clone()),
        ("value", resumed.value.clone()),
    ];
    if resumed.is_daily {
        page.hidden.push(("daily", "yes".to_owned()));
    }
    page.error = error.map(|error| error(t));
    page.show(&visit.session.forms, &resumed.purpose())
}

pub(super) async fn resume(
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    visit.must_act()?;
    let form = Form::of(&headers, &body)?;
    let resumed = Resumed::of(&form)?;
    if form.some(Again::FIELD).is_some() {
        return Ok(resuming(visit, &resumed, &form, None)?.into_response());
    }
    let once = visit
        .session
        .forms
        .find(form.raw("token"), &resumed.purpose());
    let Some(once) = once else {
        let page = resuming(visit, &resumed, &form, Some(|t| t.stale_form));
        return page.map(Confirm::stale);
    };
    let act = Act::Resume {
        scope: resumed.scope,
        value: resumed.value,
        reason: form.text("reason").to_owned(),
        is_daily: resumed.is_daily,
    };
    let (frame, outcome, is_repeated) = act::once(visit, &once, act).await;
    let again = Again::after("/resume", &form, &outcome);
    happened(frame, &outcome, is_repeated, Vec::new(), again)
}

pub(super) async fn accept_form(visit: Visit) -> Result<Html<String>, Failure> {
    visit.must_act()?;
    accepting(visit, &Form::of_query(None)?, None)
}

fn accepting(visit: Visit, form: &Form, error: Option<Sentence>) -> Result<Html<String>, Failure> {
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
    page.error = error.map(|error| error(t));
    page.show(&visit.session.forms, ACCEPT)
}

pub(super) async fn accept(
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    visit.must_act()?;
    let form = Form::of(&headers, &body)?;
    let once = visit.session.forms.find(form.raw("token"), ACCEPT);
    let dead_since = DateTime::parse_from_rfc3339(form.text("dead_since"));
    let objection: Option<Sentence> = if form.some(Again::FIELD).is_some() {
        None
    } else if form.text("typed") != "failover" {
        Some(|t| t.typed_wrong)
    } else if let (Ok(dead_since), Some(once)) = (dead_since, once) {
        let act = Act::Accept {
            reason: form.text("reason").to_owned(),
            dead_since: dead_since.to_utc(),
            set_aside: form.some("set_aside").is_some(),
        };
        let (frame, outcome, is_repeated) = act::once(visit, &once, act).await;
        let again = Again::after("/failover", &form, &outcome);
        return happened(frame, &outcome, is_repeated, Vec::new(), again);
    } else if dead_since.is_ok() {
        return accepting(visit, &form, Some(|t| t.stale_form)).map(Confirm::stale);
    } else {
        Some(|t| t.time_wrong)
    };
    Ok(accepting(visit, &form, objection)?.into_response())
}
