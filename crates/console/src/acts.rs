//! The pages for acts on payouts: `/act/DEED?payout=MERCHANT/ORDER`, one payout or several.

use std::borrow::Cow;

use axum::{
    body::Bytes,
    extract::{Path, RawQuery},
    http::HeaderMap,
    response::{Html, IntoResponse, Response},
};
use payout_domain::{payout::PayoutKey, state::State};
use payout_store::{
    decisions::{self, Proof},
    find::{
        self,
        history::{Detail, detail},
    },
    moment::Moment,
    operator,
};
use sqlx::PgConnection;

use super::{
    act::{self, Act, Stated},
    confirm::{Again, Confirm, happened},
    deed::Deed,
    failure::{Failure, Sentence},
    form::Form,
    frame,
    refusal::refusal,
    texts::Texts,
    token::{Once, Outcome},
    visit::Visit,
    words::{self, fill},
};

/// Most payouts of one selection.
const SELECTED_MAX: usize = 100;

pub(super) async fn form(
    visit: Visit,
    Path(deed): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Html<String>, Failure> {
    visit.must_act()?;
    let deed = Deed::of_name(&deed).ok_or_else(Failure::not_found)?;
    let form = Form::of_query(query.as_deref())?;
    let keys = selected(deed, &form, visit.frame.t())?;
    // A link names payouts; it fills nothing in.
    let empty = Form::of_query(None)?;
    confirm(visit, deed, &keys, &empty, None).await
}

pub(super) async fn perform(
    visit: Visit,
    Path(deed): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    visit.must_act()?;
    let deed = Deed::of_name(&deed).ok_or_else(Failure::not_found)?;
    let form = Form::of(&headers, &body)?;
    let keys = selected(deed, &form, visit.frame.t())?;
    let purpose = purpose(deed, &keys);
    let once = visit.session.forms.find(form.raw("token"), &purpose);
    let act = act(deed, keys.clone(), &form);
    let objection: Option<Sentence> = if form.some(Again::FIELD).is_some() {
        None
    } else if deed.is_dangerous() && form.text("typed") != to_type(&keys) {
        Some(|t| t.typed_wrong)
    } else if act.is_none() && deed != Deed::Reveal {
        Some(|t| t.number_wrong)
    } else if let Some(once) = once {
        let action = format!("/act/{}", deed.name());
        return match act {
            Some(act) => {
                let (frame, outcome, is_repeated) = act::once(visit, &once, act).await;
                let again = Again::after(&action, &form, &outcome);
                happened(frame, &outcome, is_repeated, Vec::new(), again)
            }
            None => reveal(visit, &once, &form, &keys).await,
        };
    } else {
        let page = confirm(visit, deed, &keys, &form, Some(|t| t.stale_form)).await?;
        return Ok(Confirm::stale(page));
    };
    let page = confirm(visit, deed, &keys, &form, objection).await?;
    Ok(page.into_response())
}

/// The payouts that the form names.
fn selected(deed: Deed, form: &Form, t: &Texts) -> Result<Vec<PayoutKey>, Failure> {
    let mut keys = Vec::new();
    for name in form.all("payout") {
        let key = key(name).ok_or_else(|| Failure::unreadable(words::start(name)))?;
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    if keys.len() > SELECTED_MAX {
        let most = fill(t.select_max, &[&SELECTED_MAX.to_string()]);
        return Err(Failure::unreadable(most));
    }
    match deed.objection(keys.len()) {
        Some(why) => Err(Failure::unreadable(why(t))),
        None => Ok(keys),
    }
}

/// The payout that [`frame::name`] names.
fn key(name: &str) -> Option<PayoutKey> {
    let (merchant, order) = name.split_once('/')?;
    Some(PayoutKey {
        merchant_code: frame::decoded(merchant)?,
        order_num: frame::decoded(order)?,
    })
}

/// What is typed to confirm: the order number, or how many payouts there are.
fn to_type(keys: &[PayoutKey]) -> String {
    match keys {
        [key] => key.order_num.clone(),
        _ => keys.len().to_string(),
    }
}

/// What a token is good for: this deed, about these payouts.
fn purpose(deed: Deed, keys: &[PayoutKey]) -> String {
    let names: Vec<_> = keys.iter().map(frame::name).collect();
    format!("{} {}", deed.name(), names.join(" "))
}

fn act(deed: Deed, keys: Vec<PayoutKey>, form: &Form) -> Option<Act> {
    let text = |name| form.text(name).to_owned();
    let reason = text("reason");
    match deed {
        Deed::Replay => Some(Act::Replay(keys)),
        Deed::Cancel => Some(Act::Cancel { keys, reason }),
        Deed::Resubmit => Some(Act::Resubmit { keys, reason }),
        Deed::Resolve(end) => Some(Act::Resolve(Stated {
            key: keys.into_iter().next()?,
            end,
            evidence: text("evidence"),
            reason,
            amount: match form.some("stated") {
                Some(stated) => Some(words::whole(stated)?),
                None => None,
            },
        })),
        Deed::Reveal => None,
    }
}

/// Payouts that are acted on, and what is known about them.
struct About {
    found: Vec<find::Status>,
    /// Of a single one.
    only: Option<Detail>,
    /// What speaks for and against it.
    lines: Vec<String>,
}

impl About {
    async fn read(
        db: &mut PgConnection,
        t: &'static Texts,
        deed: Deed,
        keys: &[PayoutKey],
    ) -> Result<Self, Failure> {
        let found = find::statuses(db, keys).await?;
        if found.len() != keys.len() {
            return Err(Failure::not_found());
        }
        let only = match found.as_slice() {
            [one] => Some(detail(db, &one.key()).await?),
            _several => None,
        };
        let lines = speaks_for(db, t, deed, keys).await?;
        Ok(Self { found, only, lines })
    }
}

async fn confirm(
    mut visit: Visit,
    deed: Deed,
    keys: &[PayoutKey],
    form: &Form,
    error: Option<Sentence>,
) -> Result<Html<String>, Failure> {
    let t = visit.frame.t();
    let mut moment = Moment::begin(&mut visit.db).await?;
    let about = About::read(moment.db(), t, deed, keys).await;
    let About { found, only, lines } = moment.end(about).await?;
    let mut page = Confirm::new(visit.frame, deed.word(t), deed.does(t));
    let bank = |row: &find::Status| match &only {
        Some(detail) => format!("{}, {}", detail.bank_name, detail.account_number),
        None => row.bank_code.clone(),
    };
    if deed == Deed::Cancel && keys.len() > 1 {
        page.warnings = cannot_be_cancelled(t, &found);
    }
    let rows = found.into_iter().map(|row| (bank(&row), row));
    page.rows = rows.map(|(bank, row)| (row, bank)).collect();
    page.lines = lines;
    page.fields = deed.fields(t);
    page.refill(form);
    page.action = format!("/act/{}", deed.name());
    page.hidden = keys
        .iter()
        .map(|key| ("payout", frame::name(key)))
        .collect();
    if keys.len() > 1 {
        page.typed_label = t.field_typed_count;
    }
    page.typed = deed.is_dangerous().then(|| to_type(keys));
    page.back = match keys {
        [key] => frame::payout(&key.merchant_code, &key.order_num),
        _ => "/payouts".to_owned(),
    };
    page.error = error.map(|error| error(t));
    page.show(&visit.session.forms, &purpose(deed, keys))
}

/// How many of the selected payouts a cancel would be refused for, if any.
fn cannot_be_cancelled(t: &Texts, selected: &[find::Status]) -> Vec<String> {
    let queued = State::Queued.name();
    match selected.iter().filter(|row| row.state != queued).count() {
        0 => Vec::new(),
        some => {
            let (some, all) = (some.to_string(), selected.len().to_string());
            vec![fill(t.cancel_cannot, &[&some, &all])]
        }
    }
}

/// The proof of a resubmit, or the answers against what a person is about to state.
async fn speaks_for(
    db: &mut PgConnection,
    t: &'static Texts,
    deed: Deed,
    keys: &[PayoutKey],
) -> Result<Vec<String>, Failure> {
    let mut lines = Vec::new();
    for key in keys {
        match deed {
            Deed::Resubmit => {
                let proof = decisions::resubmit_proof(db, key).await?;
                let said = proof_lines(t, &proof).join(" ");
                lines.push(format!("{}: {said}", key.order_num));
            }
            Deed::Resolve(end) => lines.push(contrary(db, t, key, end.name()).await?),
            Deed::Replay | Deed::Cancel | Deed::Reveal => {}
        }
    }
    Ok(lines)
}

/// What speaks for and against a resubmit, by the database's own rules, now.
pub(super) fn proof_lines(t: &'static Texts, proof: &Proof) -> Vec<String> {
    if let Some(why) = &proof.refusal {
        return vec![fill(t.proof_refused, &[why])];
    }
    let last = proof.last_at.map_or("–".to_owned(), words::time);
    vec![
        fill(t.proof_quiet, &[&words::time(proof.quiet_until)]),
        fill(t.proof_not_found, &[&proof.not_found.to_string(), &last]),
        t.proof_last.to_owned(),
    ]
}

/// Every answer of the gateway against the end that a person states.
pub(super) async fn contrary(
    db: &mut PgConnection,
    t: &'static Texts,
    key: &PayoutKey,
    end: &str,
) -> Result<String, Failure> {
    let answers = decisions::contrary_answers(db, key, end).await?;
    if answers.is_empty() {
        return Ok(t.no_contrary.to_owned());
    }
    let answers = answers.iter().take(20).map(|answer| {
        let (source, kind) = (t.record(&answer.source), t.record(&answer.kind));
        let status = answer.status.map(|status| t.gateway_status(status));
        let mismatch = answer.mismatch.as_deref().map(|name| t.mismatch(name));
        let more = status.into_iter().chain(mismatch.map(Cow::into_owned));
        let said: Vec<_> = [source.into_owned(), kind.into_owned()]
            .into_iter()
            .chain(more)
            .collect();
        let (times, last) = (answer.times, words::time(answer.last_at));
        format!("{} ×{times} ({last})", said.join(", "))
    });
    Ok(fill(t.contrary, &[&answers.collect::<Vec<_>>().join("; ")]))
}

/// Shows a beneficiary to whoever sends the form first. What is kept of it says only that it was shown.
async fn reveal(
    mut visit: Visit,
    once: &Once,
    form: &Form,
    keys: &[PayoutKey],
) -> Result<Response, Failure> {
    let key = keys.first().ok_or_else(Failure::not_found)?;
    let (t, is_repeated) = (visit.frame.t(), once.initialized());
    let mut facts = Vec::new();
    let db = &mut *visit.db;
    let outcome = once.get_or_init(async || {
        let revealed = operator::reveal(db, key, form.text("reason")).await;
        let shown = revealed.map(|shown| {
            let (number, name) = (shown.account_number, shown.account_name);
            facts.push((t.account, number.reveal().to_owned()));
            facts.push((t.account_name, name.reveal().to_owned()));
            t.reveal_once.to_owned()
        });
        Outcome {
            next: frame::payout(&key.merchant_code, &key.order_num),
            ..Outcome::one(shown.map_err(|error| refusal(&error, t)))
        }
    });
    let mut outcome = outcome.await.clone();
    if !facts.is_empty() {
        outcome.done.clear();
    }
    let again = Again::after("/act/reveal", form, &outcome);
    happened(visit.frame, &outcome, is_repeated, facts, again)
}
