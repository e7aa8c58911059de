//! The page before every act: what will happen to what, and what a person fills in.

use askama::Template;
use axum::response::Html;

use super::{
    failure::Failure,
    form::Form,
    frame::{Frame, render},
    texts::Texts,
    token::{Forms, Outcome},
    words,
};
use crate::store::find::Status;

/// What kind of thing a person fills in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Words that are recorded.
    Words,
    /// Whole rupiah.
    Number,
    /// A time, a code.
    Short,
    /// Yes or no.
    Tick,
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
            kind,
            is_required: kind != Kind::Tick,
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
    pub(super) fields: Vec<Field>,
    /// Where the form goes.
    pub(super) action: String,
    /// What the form carries unseen.
    pub(super) hidden: Vec<(&'static str, String)>,
    /// What must be typed.
    pub(super) typed: Option<String>,
    /// Where to go instead.
    pub(super) back: String,
    pub(super) error: Option<&'static str>,
    token: String,
}

impl Confirm {
    /// An act about nothing in particular, yet.
    pub(super) fn new(frame: Frame, heading: impl Into<String>, does: &'static str) -> Self {
        Self {
            t: frame.t(),
            frame,
            heading: heading.into(),
            does,
            rows: Vec::new(),
            lines: Vec::new(),
            choices: Vec::new(),
            fields: Vec::new(),
            action: String::new(),
            hidden: Vec::new(),
            typed: None,
            back: "/".to_owned(),
            error: None,
            token: String::new(),
        }
    }

    /// Fills in what was sent before, where something was wrong with it.
    pub(super) fn refill(&mut self, form: &Form) {
        for field in &mut self.fields {
            form.text(field.name).clone_into(&mut field.value);
        }
    }

    /// Shows it, with a token that is good for this purpose and for one act.
    pub(super) fn show(mut self, forms: &Forms, purpose: &str) -> Result<Html<String>, Failure> {
        self.token = forms.issue(purpose);
        render(&self)
    }

    fn total(&self) -> String {
        let total = self.rows.iter().map(|(row, _)| row.amount).sum();
        let count = self.rows.len().to_string();
        words::fill(self.t.these_payouts, &[&count, &words::rupiah(total)])
    }
}

/// What happened.
#[derive(Template)]
#[template(path = "outcome.html")]
struct OutcomePage<'a> {
    frame: Frame,
    t: &'static Texts,
    outcome: &'a Outcome,
    is_repeated: bool,
    facts: Vec<(&'static str, String)>,
}

/// Shows what an act did, or had done when its form came before.
pub(super) fn happened(
    frame: Frame,
    outcome: &Outcome,
    is_repeated: bool,
    facts: Vec<(&'static str, String)>,
) -> Result<Html<String>, Failure> {
    render(&OutcomePage {
        t: frame.t(),
        frame,
        outcome,
        is_repeated,
        facts,
    })
}
