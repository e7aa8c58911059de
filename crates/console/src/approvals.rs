//! What waits for a second person: each request with its proof as it is now; approving and rejecting.

use std::collections::BTreeSet;

use askama::Template;
use axum::{
    body::Bytes,
    extract::Path,
    http::HeaderMap,
    response::{Html, IntoResponse, Response},
};
use payout_domain::{payout::PayoutKey, stop::StopReason};
use payout_store::{
    decisions::{self, Refusal, Request},
    find::{self, waits},
    moment::Moment,
    operator::{self, Requested, to_type},
    workers,
};
use sqlx::PgConnection;

use super::{
    act::{self, Act},
    acts::{contrary, proof_lines},
    confirm::{Again, Confirm, Field, Kind, happened},
    failure::{Failure, Sentence},
    form::Form,
    frame::{self, Frame, render},
    texts::Texts,
    visit::Visit,
    words::{self, fill},
};

/// Requests of each list.
const REQUESTS_MAX: i64 = 50;
/// Of a long request the first payouts are shown.
const SHOWN: usize = 20;

/// A request that waits, with what speaks for and against it now.
struct Waiting {
    request: Request,
    /// The merchant, if it is about no payout.
    merchant: Option<String>,
    payouts: Vec<Requested>,
    proof: Vec<String>,
}

#[derive(Template)]
#[template(path = "approvals.html")]
struct Page {
    frame: Frame,
    t: &'static Texts,
    waiting: Vec<Waiting>,
    /// The latest, whatever became of them.
    latest: Vec<Request>,
    /// Why some of the latest were not carried out.
    refusals: Vec<Refusal>,
}

#[expect(
    clippy::unused_self,
    reason = "templates call methods, and hand over references"
)]
impl Page {
    fn payout(&self, row: &Requested) -> String {
        let merchant = row.merchant_code.as_deref().unwrap_or_default();
        frame::payout(merchant, row.order_num.as_deref().unwrap_or_default())
    }

    fn stated(&self, request: &Request) -> Option<String> {
        stated(self.t, &request.kind, request.stated)
    }

    /// How many payouts of a request are not shown.
    fn more(&self, waiting: &Waiting) -> String {
        let shown = i64::try_from(waiting.payouts.len()).unwrap_or(i64::MAX);
        match waiting.request.payouts.saturating_sub(shown) {
            more @ 1.. => fill(self.t.and_more, &[&more.to_string()]),
            _ => String::new(),
        }
    }

    /// Why this request was not carried out, a line for each payout.
    fn refused(&self, request: &Request) -> Vec<String> {
        let of_request = self.refusals.iter();
        let of_request = of_request.filter(|one| one.request_id == request.request_id);
        of_request
            .map(|one| match &one.order_num {
                Some(order) if request.payouts > 1 => format!("{order}: {}", one.detail),
                _ => one.detail.clone(),
            })
            .collect()
    }

    fn about<'a>(&self, request: &'a Request) -> &'a str {
        request.subject.as_deref().unwrap_or(&request.order_nums)
    }
}

pub(super) async fn list(visit: Visit) -> Result<Html<String>, Failure> {
    let Visit { mut db, frame, .. } = visit;
    let mut moment = Moment::begin(&mut db).await?;
    let page = read_all(moment.db(), frame).await;
    render(&moment.end(page).await?)
}

async fn read_all(db: &mut PgConnection, frame: Frame) -> Result<Page, Failure> {
    let t = frame.t();
    let mut waiting = Vec::new();
    for request in decisions::requests(db, false, None, REQUESTS_MAX).await? {
        let payouts = read(db, request.request_id).await?;
        let proof = proof(db, t, &payouts).await?;
        waiting.push(Waiting {
            request,
            merchant: payouts
                .iter()
                .find(|row| row.order_num.is_none())
                .and_then(|row| row.merchant_code.clone()),
            payouts: payouts
                .into_iter()
                .filter(|row| row.order_num.is_some())
                .take(SHOWN)
                .collect(),
            proof,
        });
    }
    let mut latest = decisions::requests(db, true, None, REQUESTS_MAX).await?;
    latest.reverse();
    let ids: Vec<i64> = latest.iter().map(|one| one.request_id).collect();
    Ok(Page {
        t,
        waiting,
        refusals: decisions::refusals(db, &ids).await?,
        latest,
        frame,
    })
}

/// The payouts of a request that exists.
async fn read(db: &mut PgConnection, id: i64) -> Result<Vec<Requested>, Failure> {
    let rows = operator::requested(db, id).await?;
    if rows.is_empty() {
        return Err(Failure::not_found());
    }
    Ok(rows)
}

/// What speaks for and against each of its payouts, by the database's own rules, now.
async fn proof(
    db: &mut PgConnection,
    t: &'static Texts,
    rows: &[Requested],
) -> Result<Vec<String>, Failure> {
    let mut lines = Vec::new();
    for row in rows.iter().take(SHOWN) {
        let (Some(merchant), Some(order)) = (&row.merchant_code, &row.order_num) else {
            continue;
        };
        let key = PayoutKey {
            merchant_code: merchant.clone(),
            order_num: order.clone(),
        };
        let said = if row.kind == "resubmit" {
            proof_lines(t, &decisions::resubmit_proof(db, &key).await?).join(" ")
        } else if let Some(end) = row.kind.strip_prefix("resolve_") {
            contrary(db, t, &key, end).await?
        } else {
            continue;
        };
        lines.push(format!("{order}: {said}"));
    }
    Ok(lines)
}

/// What a person decides about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Approve,
    Reject,
}

impl Decision {
    fn of_name(name: &str) -> Result<Self, Failure> {
        match name {
            "approve" => Ok(Self::Approve),
            "reject" => Ok(Self::Reject),
            _ => Err(Failure::not_found()),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
        }
    }

    fn purpose(self, id: i64) -> String {
        format!("{} request {id}", self.name())
    }
}

pub(super) async fn form(
    visit: Visit,
    Path((id, decision)): Path<(i64, String)>,
) -> Result<Html<String>, Failure> {
    visit.must_act()?;
    let decision = Decision::of_name(&decision)?;
    confirm(visit, decision, id, &Form::of_query(None)?, None).await
}

pub(super) async fn decide(
    mut visit: Visit,
    Path((id, decision)): Path<(i64, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    visit.must_act()?;
    let decision = Decision::of_name(&decision)?;
    let form = Form::of(&headers, &body)?;
    let rows = read(&mut visit.db, id).await?;
    let purpose = decision.purpose(id);
    let once = visit.session.forms.find(form.raw("token"), &purpose);
    let objection: Option<Sentence> = if form.some(Again::FIELD).is_some() {
        None
    } else if decision == Decision::Approve && form.text("typed") != to_type(id, &rows) {
        Some(|t| t.typed_wrong)
    } else if let Some(once) = once {
        let act = match decision {
            Decision::Approve => Act::Approve(id),
            Decision::Reject => Act::Reject {
                id,
                reason: form.text("reason").to_owned(),
            },
        };
        let (frame, outcome, is_repeated) = act::once(visit, &once, act).await;
        let action = format!("/approvals/{id}/{}", decision.name());
        let again = Again::after(&action, &form, &outcome);
        return happened(frame, &outcome, is_repeated, Vec::new(), again);
    } else {
        let page = confirm(visit, decision, id, &form, Some(|t| t.stale_form)).await?;
        return Ok(Confirm::stale(page));
    };
    let page = confirm(visit, decision, id, &form, objection).await?;
    Ok(page.into_response())
}

/// A request that is decided on, and what is known about it.
struct About {
    rows: Vec<Requested>,
    payouts: Vec<find::Status>,
    /// Who requested it and why, and what speaks for and against it.
    lines: Vec<String>,
    /// What would keep a worker from carrying it out.
    warnings: Vec<String>,
}

impl About {
    async fn read(
        db: &mut PgConnection,
        t: &'static Texts,
        decision: Decision,
        id: i64,
    ) -> Result<Self, Failure> {
        let rows = read(db, id).await?;
        let keys: Vec<PayoutKey> = rows.iter().filter_map(key).collect();
        let payouts = find::statuses(db, &keys).await?;
        let mut lines = rows.first().map_or_else(Vec::new, |row| summary(t, row));
        let mut warnings = Vec::new();
        if decision == Decision::Approve {
            lines.extend(proof(db, t, &rows).await?);
            warnings = obstacles(db, t, &rows).await?;
        }
        Ok(Self {
            rows,
            payouts,
            lines,
            warnings,
        })
    }
}

async fn confirm(
    mut visit: Visit,
    decision: Decision,
    id: i64,
    form: &Form,
    error: Option<Sentence>,
) -> Result<Html<String>, Failure> {
    let t = visit.frame.t();
    let mut moment = Moment::begin(&mut visit.db).await?;
    let about = About::read(moment.db(), t, decision, id).await;
    let About {
        rows,
        payouts,
        lines,
        warnings,
    } = moment.end(about).await?;
    let (heading, does) = match decision {
        Decision::Approve => (t.approve, t.approve_does),
        Decision::Reject => (t.reject, t.reject_does),
    };
    let kind = rows.first().map_or("", |row| row.kind.as_str());
    let heading = format!("{heading}: {} {id}, {}", t.request, t.act(kind));
    let mut page = Confirm::new(visit.frame, heading, does);
    page.rows = payouts
        .into_iter()
        .map(|row| (row.clone(), row.bank_code))
        .collect();
    page.lines = lines;
    page.warnings = warnings;
    if decision == Decision::Approve {
        let typed = to_type(id, &rows);
        if typed == id.to_string() {
            page.typed_label = t.field_typed_request;
        }
        page.typed = Some(typed);
    } else {
        page.fields = vec![Field::new("reason", t.field_reason, Kind::Words)];
    }
    page.refill(form);
    page.action = format!("/approvals/{id}/{}", decision.name());
    "/approvals".clone_into(&mut page.back);
    page.error = error.map(|error| error(t));
    page.show(&visit.session.forms, &decision.purpose(id))
}

/// What would keep a worker from carrying out this request now, once it is approved.
async fn obstacles(
    db: &mut PgConnection,
    t: &'static Texts,
    rows: &[Requested],
) -> Result<Vec<String>, Failure> {
    let mut obstacles = Vec::new();
    let carried_out = rows.iter().filter(|row| row.is_for_a_worker());
    let merchants: BTreeSet<&str> = carried_out
        .filter_map(|row| row.merchant_code.as_deref())
        .collect();
    let sends = rows.iter().any(|row| row.kind == "resubmit");
    for merchant in merchants {
        for claims in workers::claims(db, Some(merchant)).await? {
            let stopped_by = claims.stopped_by.as_deref().unwrap_or_default();
            obstacles.extend(
                obstacle(t, stopped_by, sends)
                    .map(|text| fill(text, &[merchant, t.stop(stopped_by)])),
            );
        }
    }
    if sends {
        let mut pauses = BTreeSet::new();
        for key in rows.iter().filter_map(key).take(SHOWN) {
            for pause in waits::pauses_over(db, &key).await? {
                let what = act::paused_name(t, &pause.scope, &pause.value);
                pauses.insert(fill(
                    t.paused_refuses,
                    &[&words::capital(&what), &pause.actor, &pause.reason],
                ));
            }
        }
        obstacles.extend(pauses);
    }
    Ok(obstacles)
}

/// What becomes of a request that is approved during this stop; a place for the merchant and one for the stop. `None` if
/// nothing keeps a worker from it, or if the pauses say it.
fn obstacle(t: &Texts, stopped_by: &str, sends: bool) -> Option<&'static str> {
    let Ok(reason) = stopped_by.parse::<StopReason>() else {
        return (!stopped_by.is_empty()).then_some(t.stop_delays);
    };
    match reason {
        // Such a worker carries out no request.
        StopReason::Keys | StopReason::Gateway | StopReason::Config | StopReason::Address => {
            Some(t.stop_delays)
        }
        StopReason::Settings
        | StopReason::Failover
        | StopReason::Signatures
        | StopReason::NotSent
        | StopReason::Declines
        | StopReason::Doubts => sends.then_some(t.stop_delays),
        StopReason::Evidence => sends.then_some(t.stop_may_refuse),
        StopReason::Books => sends.then_some(t.stop_does_not_delay),
        StopReason::Paused => None,
    }
}

fn key(row: &Requested) -> Option<PayoutKey> {
    Some(PayoutKey {
        merchant_code: row.merchant_code.clone()?,
        order_num: row.order_num.clone()?,
    })
}

/// Who requested what, why and until when: a line each, so that nobody passes off a reason as evidence.
fn summary(t: &'static Texts, row: &Requested) -> Vec<String> {
    let named = |name: &str, value: &str| Some(format!("{name}: {value}"));
    let is_about_no_payout = row.order_num.is_none();
    let merchant = row.merchant_code.as_deref();
    let lines = [
        merchant
            .filter(|_| is_about_no_payout)
            .and_then(|merchant| named(t.merchant, merchant)),
        row.amount
            .filter(|_| is_about_no_payout)
            .and_then(|idr| named(t.amount, &words::rupiah(idr))),
        row.subject.as_deref().and_then(|what| named(t.what, what)),
        stated(t, &row.kind, row.stated),
        row.dead_since
            .and_then(|at| named(t.dead_since, &words::time(at))),
        row.sets_aside.then(|| t.set_aside.to_owned()),
        named(t.requested_by, &row.requested_by),
        named(t.reason, &row.reason),
        row.evidence
            .as_deref()
            .and_then(|evidence| named(t.evidence_of_requester, evidence)),
        named(t.time_left, &words::time(row.expires_at)),
    ];
    lines.into_iter().flatten().collect()
}

/// What the requester states about the payout, and what would be booked.
fn stated(t: &Texts, kind: &str, stated: Option<i64>) -> Option<String> {
    let word = if kind == "resolve_returned" {
        t.stated_back
    } else {
        t.stated_fee
    };
    Some(format!("{word}: {}", words::rupiah(stated?)))
}
