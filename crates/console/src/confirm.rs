//! The page before every act: what will happen to what, and what a person fills in.

use askama::Template;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use payout_store::find::Status;

use super::{
    failure::Failure,
    form::Form,
    frame::{Frame, decoded, render},
    texts::Texts,
    token::{Forms, Outcome, Why},
    words,
};

/// What kind of thing a person fills in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Words that are recorded.
    Words,
    /// Whole rupiah.
    Number,
    /// A time, a code.
    Short,
    /// Yes or no.
    Tick,
    /// One of these.
    OneOf(Vec<String>),
}

/// One thing that a person fills in.
#[derive(Clone, Debug)]
pub(super) struct Field {
    name: &'static str,
    label: &'static str,
    kind: Kind,
    is_required: bool,
    value: String,
}

impl Field {
    /// One that must be filled in, unless it is a tick.
    pub(super) fn new(name: &'static str, label: &'static str, kind: Kind) -> Self {
        Self {
            name,
            label,
            is_required: kind != Kind::Tick,
            kind,
            value: String::new(),
        }
    }

    /// The same, but it may stay empty.
    pub(super) fn optional(self) -> Self {
        Self {
            is_required: false,
            ..self
        }
    }
}

/// A page that shows an act; its form acts once.
#[derive(Template)]
#[template(path = "confirm.html")]
pub(super) struct Confirm {
    pub(super) frame: Frame,
    pub(super) t: &'static Texts,
    pub(super) heading: String,
    pub(super) does: &'static str,
    /// The payouts that it is about, with the bank in words.
    pub(super) rows: Vec<(Status, String)>,
    /// What speaks for and against it.
    pub(super) lines: Vec<String>,
    /// What is chosen first, if anything: values and their words.
    pub(super) choices: Vec<(&'static str, &'static str)>,
    /// The value that was chosen before.
    chosen: String,
    pub(super) fields: Vec<Field>,
    /// Where the form goes.
    pub(super) action: String,
    /// What the form carries unseen.
    pub(super) hidden: Vec<(&'static str, String)>,
    /// What must be typed.
    pub(super) typed: Option<String>,
    /// What says so, with a place for it.
    pub(super) typed_label: &'static str,
    /// The word on the button.
    pub(super) button: &'static str,
    /// Where to go instead.
    pub(super) back: String,
    pub(super) error: Option<&'static str>,
    /// What else must be known before it is done: what would keep it from taking effect.
    pub(super) warnings: Vec<String>,
    token: String,
}

impl Confirm {
    /// An act about nothing in particular, yet.
    pub(super) fn new(frame: Frame, heading: impl Into<String>, does: &'static str) -> Self {
        let t = frame.t();
        Self {
            t,
            button: t.do_it,
            typed_label: t.field_typed,
            frame,
            heading: heading.into(),
            does,
            rows: Vec::new(),
            lines: Vec::new(),
            choices: Vec::new(),
            chosen: String::new(),
            fields: Vec::new(),
            action: String::new(),
            hidden: Vec::new(),
            typed: None,
            back: "/".to_owned(),
            error: None,
            warnings: Vec::new(),
            token: String::new(),
        }
    }

    /// Fills in what was sent before, where something was wrong with it.
    pub(super) fn refill(&mut self, form: &Form) {
        form.text("scope").clone_into(&mut self.chosen);
        for field in &mut self.fields {
            form.text(field.name).clone_into(&mut field.value);
        }
    }

    /// Shows it, with a token that is good for this purpose and for one act.
    pub(super) fn show(mut self, forms: &Forms, purpose: &str) -> Result<Html<String>, Failure> {
        self.token = forms.issue(purpose);
        render(&self)
    }

    /// Shows it once more to somebody whose form is no longer valid, filled in as it was.
    pub(super) fn stale(page: Html<String>) -> Response {
        (StatusCode::CONFLICT, page).into_response()
    }

    fn total(&self) -> String {
        let total = self.rows.iter().map(|(row, _)| row.amount).sum();
        let count = self.rows.len().to_string();
        words::fill(self.t.these_payouts, &[&count, &words::rupiah(total)])
    }
}

/// A form that leads back to the confirmation, with all that was written and without what is done.
#[derive(Clone, Debug)]
pub(super) struct Again {
    pub(super) action: String,
    pub(super) fields: Vec<(String, String)>,
}

impl Again {
    /// The marker of such a form, which acts on nothing.
    pub(super) const FIELD: &str = "again";

    /// The form that was sent to `action`; `None` if everything is done.
    pub(super) fn after(action: &str, form: &Form, outcome: &Outcome) -> Option<Self> {
        if outcome.not_done.is_empty() {
            return None;
        }
        let is_left = |payout: &str| {
            let mut left = outcome.not_done.iter();
            left.any(|one| one.payout.is_empty() || one.payout == payout)
        };
        let mut again = Self::whole(action, form);
        let is_kept = |name: &str, value: &str| name != "payout" || is_left(value);
        again.fields.retain(|(name, value)| is_kept(name, value));
        Some(again)
    }

    /// The form that was sent to `action`, of which nothing is done.
    pub(super) fn whole(action: &str, form: &Form) -> Self {
        // Whoever acts again reads again what is to be typed.
        let kept = form
            .fields()
            .filter(|(name, _)| !matches!(*name, "token" | "typed" | Self::FIELD));
        let again = (Self::FIELD.to_owned(), "yes".to_owned());
        Self {
            action: action.to_owned(),
            fields: kept
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .chain([again])
                .collect(),
        }
    }
}

/// What happened.
#[derive(Template)]
#[template(path = "outcome.html")]
struct OutcomePage<'a> {
    frame: Frame,
    t: &'static Texts,
    heading: Heading,
    outcome: &'a Outcome,
    is_repeated: bool,
    facts: Vec<(&'static str, String)>,
    again: Option<Again>,
}

impl OutcomePage<'_> {
    /// The name of the page that follows.
    fn next(&self) -> String {
        let t = self.t;
        match self.outcome.next.as_str() {
            "/payouts" => t.payouts.to_owned(),
            "/approvals" => t.approvals.to_owned(),
            "/money" => t.money.to_owned(),
            "/workers" => t.workers_and_gateway.to_owned(),
            payout => {
                let order_num = payout.rsplit('/').next().and_then(decoded);
                words::fill(t.to_payout, &[&order_num.unwrap_or_default()])
            }
        }
    }
}

/// How it ended, at a glance.
struct Heading {
    class: &'static str,
    icon: &'static str,
    words: String,
}

impl Heading {
    fn of(t: &Texts, outcome: &Outcome) -> Self {
        let (done, not_done) = (outcome.payouts_done, outcome.not_done.len());
        let only_recorded = !outcome.done.is_empty() && outcome.done.iter().all(|one| one.waits);
        let (class, icon) = match (done, not_done) {
            (_, 0) if only_recorded => ("doubt", "…"),
            (_, 0) => ("good", "✓"),
            (0, _) => ("bad", "✕"),
            (_, _) => ("doubt", "!"),
        };
        let are_refused = outcome.not_done.iter().all(|one| one.kind == Why::Refused);
        let number = |number: usize| number.to_string();
        let total = number(done.saturating_add(not_done));
        let words = match (done, not_done) {
            (_, 0) if only_recorded => t.only_recorded.to_owned(),
            (_, 0) => t.done.to_owned(),
            (0, 1) => t.not_done.to_owned(),
            (_, _) if are_refused => {
                words::fill(t.some_refused, &[&number(done), &total, &number(not_done)])
            }
            (_, _) => words::fill(t.some_not_done, &[&number(done), &total]),
        };
        Self { class, icon, words }
    }
}

/// Shows what an act did, or had done when its form came before.
pub(super) fn happened(
    frame: Frame,
    outcome: &Outcome,
    is_repeated: bool,
    facts: Vec<(&'static str, String)>,
    again: Option<Again>,
) -> Result<Response, Failure> {
    let t = frame.t();
    let page = render(&OutcomePage {
        t,
        frame,
        heading: Heading::of(t, outcome),
        outcome,
        is_repeated,
        facts,
        again,
    })?;
    Ok(page.into_response())
}
