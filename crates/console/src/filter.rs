//! Which payouts a list shows, as its address says.

use chrono::{DateTime, Months, NaiveDate, SecondsFormat, Utc};
use payout_domain::{attention::Attention, state::State};
use payout_store::{console::search::Range, find};

use super::{
    failure::Failure,
    form::Form,
    frame::encoded,
    words::{self, midnight},
};

/// The names of the fields, in the order of the address.
const FIELDS: [&str; 11] = [
    "tab",
    "text",
    "merchant",
    "bank",
    "min",
    "max",
    "older",
    "attention",
    "reason",
    "day",
    "month",
];
/// Instead of a reason: those that failed without one.
pub(super) const NO_REASON: &str = "-";
/// Longest text of a field, in bytes; a gateway's reason may have 200 characters of any language.
const BYTES_MAX: usize = 800;
/// Where a page begins.
const AFTER: &str = "after";
/// Longest time in a state that is filtered by: four thousand years, which Postgres can subtract from now.
const MINUTES_MAX: i64 = 2_147_483_647;
/// The tab of payouts that need a person.
pub(super) const ATTENTION: &str = "attention";

/// A list's filter, as it was typed, and as the database takes it.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    /// What was typed, in the order of [`FIELDS`].
    typed: Vec<String>,
    pub(super) of_database: find::Filter,
    pub(super) range: Range,
}

impl Filter {
    /// Reads an address.
    pub(super) fn of(form: &Form) -> Result<Self, Failure> {
        // A filter that is left out would show more than the reader wants.
        let mut names = form.fields().map(|(name, _)| name);
        if let Some(unknown) = names.find(|name| *name != AFTER && !FIELDS.contains(name)) {
            return Err(Failure::unreadable(words::start(unknown)));
        }
        let typed = FIELDS.map(|name| form.text(name).to_owned()).to_vec();
        if let Some(long) = typed.iter().find(|text| text.len() > BYTES_MAX) {
            return Err(Failure::unreadable(words::start(long)));
        }
        let tab = form.text("tab");
        let states = if tab.is_empty() || tab == ATTENTION {
            Vec::new()
        } else {
            let state = tab.parse::<State>().map_err(|_| Failure::not_found())?;
            vec![state.name().to_owned()]
        };
        let reason = form.some("attention").map(str::parse::<Attention>);
        let reason = reason.transpose().map_err(|_| Failure::not_found())?;
        let older = number(form, "older")?;
        if older.is_some_and(|minutes| minutes > MINUTES_MAX) {
            return Err(Failure::unreadable(words::start(form.text("older"))));
        }
        let day = form.some("day").map(day).transpose()?;
        let month = form.some("month").map(month).transpose()?;
        if day.is_some() && month.is_some() {
            return Err(Failure::unreadable("day, month"));
        }
        let settled = day.or(month);
        let owned = |name| form.some(name).map(str::to_owned);
        Ok(Self {
            typed,
            of_database: find::Filter {
                states,
                merchant: None,
                needs_attention: tab == ATTENTION || reason.is_some(),
                attention: reason.map(|reason| reason.name().to_owned()),
                since: None,
                settled_from: settled.map(|(from, _)| from),
                settled_to: settled.map(|(_, to)| to),
                older_than_seconds: older.map(|minutes| minutes.saturating_mul(60)),
                bank: owned("bank"),
                min_amount: number(form, "min")?,
                text: None,
                limit: 0,
            },
            range: Range {
                merchants: owned("merchant").into_iter().collect(),
                begins: owned("text"),
                max_amount: number(form, "max")?,
                reason: form.some("reason").map(|reason| match reason {
                    NO_REASON => String::new(),
                    reason => reason.to_owned(),
                }),
                is_totalled: form
                    .fields()
                    .any(|(name, text)| name != AFTER && !text.is_empty())
                    && form.some(AFTER).is_none(),
                after: form.some(AFTER).map(after).transpose()?,
            },
        })
    }

    /// What was typed into a field.
    pub(super) fn typed(&self, name: &str) -> &str {
        let fields = FIELDS.iter().zip(&self.typed);
        let mut found = fields.filter(|(field, _)| **field == name);
        found.next().map_or("", |(_, text)| text)
    }

    /// Whether anything but the tab narrows the list.
    pub(super) fn is_narrow(&self) -> bool {
        self.typed.iter().skip(1).any(|text| !text.is_empty())
    }

    /// The address of the same filter, at `path`, with another tab if one is given.
    pub(super) fn address(&self, path: &str, tab: Option<&str>) -> String {
        let fields = FIELDS.iter().zip(&self.typed).map(|(name, text)| {
            let text = if *name == "tab" {
                tab.unwrap_or(text)
            } else {
                text
            };
            (name, text)
        });
        let fields = fields.filter(|(_, text)| !text.is_empty());
        let fields: Vec<_> = fields
            .map(|(name, text)| format!("{name}={}", encoded(text)))
            .collect();
        if fields.is_empty() {
            return path.to_owned();
        }
        format!("{path}?{}", fields.join("&"))
    }

    /// The address of the page that begins behind this payout.
    pub(super) fn page_after(&self, row: &find::Status) -> String {
        self.page(&row.created_at, &row.order_num, &row.merchant_code)
    }

    /// The address of the page that begins with what was inserted before this.
    pub(super) fn page_before(&self, at: &DateTime<Utc>) -> String {
        self.page(at, "", "")
    }

    fn page(&self, at: &DateTime<Utc>, order_num: &str, merchant: &str) -> String {
        let at = at.to_rfc3339_opts(SecondsFormat::Micros, true);
        let after = format!("{at}~{order_num}~{merchant}");
        let address = self.address("/payouts", None);
        let mark = if address.contains('?') { '&' } else { '?' };
        format!("{address}{mark}after={}", encoded(&after))
    }
}

/// Whole rupiah or minutes, with or without dots between thousands.
fn number(form: &Form, name: &str) -> Result<Option<i64>, Failure> {
    let Some(text) = form.some(name) else {
        return Ok(None);
    };
    let digits = text.replace('.', "");
    let number = digits.parse().ok().filter(|number| *number >= 0);
    number
        .filter(|_| is_in_thousands(text))
        .map(Some)
        .ok_or_else(|| Failure::unreadable(format!("{name}: {}", words::start(text))))
}

/// Whether dots, if there are any, stand between thousands: 1.5 is no 15.
fn is_in_thousands(text: &str) -> bool {
    let mut groups = text.split('.');
    let first = groups.next().map_or(0, str::len);
    let mut groups = groups.peekable();
    groups.peek().is_none() || (1..=3).contains(&first) && groups.all(|group| group.len() == 3)
}

/// When a day in WIB begins and ends.
pub(super) fn day(text: &str) -> Result<(DateTime<Utc>, DateTime<Utc>), Failure> {
    let read = || {
        let day: NaiveDate = text.parse().ok()?;
        Some((midnight(day)?, midnight(day.succ_opt()?)?))
    };
    read().ok_or_else(|| Failure::unreadable(words::start(text)))
}

/// When a month in WIB, as `2026-11`, begins and ends.
pub(super) fn month(text: &str) -> Result<(DateTime<Utc>, DateTime<Utc>), Failure> {
    let read = || {
        let first: NaiveDate = format!("{text}-01").parse().ok()?;
        let next = first.checked_add_months(Months::new(1))?;
        Some((midnight(first)?, midnight(next)?))
    };
    read().ok_or_else(|| Failure::unreadable(words::start(text)))
}

fn after(text: &str) -> Result<(DateTime<Utc>, String, String), Failure> {
    let read = || {
        let mut parts = text.splitn(3, '~');
        let at = DateTime::parse_from_rfc3339(parts.next()?).ok()?.to_utc();
        Some((at, parts.next()?.to_owned(), parts.next()?.to_owned()))
    };
    read().ok_or_else(|| Failure::unreadable(words::start(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(query: &str) -> Result<Filter, Failure> {
        Filter::of(&Form::of_query(Some(query)).unwrap())
    }

    #[test]
    fn a_dot_stands_between_thousands_or_is_refused() {
        for (text, number) in [
            ("1500", 1_500),
            ("1.500", 1_500),
            ("12.345.678", 12_345_678),
        ] {
            let one = filter(&format!("min={text}")).unwrap();
            assert_eq!(one.of_database.min_amount, Some(number), "{text}");
        }
        for text in [
            "1.5", "1.50", "1500.000", "1..500", ".500", "1.500.", "-1", "1,5",
        ] {
            assert!(filter(&format!("min={text}")).is_err(), "{text}");
            assert!(filter(&format!("older={text}")).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_reads_back_as_the_filter_that_it_was_made_of() {
        let query = "tab=unknown&text=a%20b&bank=014&min=1000&older=30&day=2026-11-21";
        let one = filter(query).unwrap();
        assert_eq!(one.address("/payouts", None), format!("/payouts?{query}"));
        assert_eq!(one.of_database.older_than_seconds, Some(1800));
        assert_eq!(
            one.of_database.settled_from.unwrap().to_rfc3339(),
            "2026-11-20T17:00:00+00:00"
        );
        assert_eq!(
            filter("").unwrap().address("/payouts", Some("paid")),
            "/payouts?tab=paid"
        );
        assert_eq!(
            filter("min=1.250.000").unwrap().of_database.min_amount,
            Some(1_250_000)
        );
    }

    #[test]
    fn a_month_ends_where_the_next_one_begins() {
        let (from, to) = month("2026-12").unwrap();
        assert_eq!(from.to_rfc3339(), "2026-11-30T17:00:00+00:00");
        assert_eq!(to, month("2027-01").unwrap().0);
        for text in ["2026-13", "2026", "", "2026-12-01"] {
            assert!(month(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_and_never_left_out() {
        for query in [
            "tab=x",
            "min=abc",
            "min=-1",
            "day=21.11.2026",
            "attention=x",
            "after=x",
            "older=1h",
            "state=queued",
            "older=9223372036854775807",
        ] {
            assert!(filter(query).is_err(), "{query}");
        }
    }
}
