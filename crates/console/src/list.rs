//! The list of payouts, and the same rows as CSV.

use askama::Template;
use axum::{
    extract::RawQuery,
    http::{
        StatusCode,
        header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    },
    response::{Html, IntoResponse, Redirect, Response},
};
use payout_domain::{attention::Attention, state::State};
use payout_reports::spreadsheet::csv;
use payout_store::{
    balances::merchants,
    console::{
        self, COUNTED_MAX,
        search::{Total, all, search},
    },
    find::{self, Status},
    moment::Moment,
};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{
    failure::Failure,
    filter::{ATTENTION, Filter},
    form::Form,
    frame::{self, Frame, render},
    texts::Texts,
    visit::Visit,
    words,
};

/// Rows of a page.
const PAGE_ROWS: usize = 50;
/// Most rows of a CSV. One that would have more is refused, never cut.
const CSV_ROWS_MAX: usize = 100_000;

struct Tab {
    /// A state, `attention`, or nothing for all.
    name: &'static str,
    word: &'static str,
    /// How many payouts, where they are counted.
    count: String,
    is_current: bool,
}

#[derive(Template)]
#[template(path = "list.html")]
struct Page {
    frame: Frame,
    t: &'static Texts,
    tabs: Vec<Tab>,
    filter: Filter,
    reasons: Vec<&'static str>,
    rows: Vec<Status>,
    /// What those that match come to, where something is filtered.
    total: Option<Total>,
    /// What was inserted before this is not in the total, if nothing else says so.
    left_out: Option<DateTime<Utc>>,
    /// The address of the next page, if there is one.
    older: Option<String>,
    /// Payouts that were inserted before this were not looked at, neither here nor on a page that fills at once.
    looked_back_to: Option<DateTime<Utc>>,
    csv: String,
}

#[expect(
    clippy::unused_self,
    reason = "templates call methods, and hand over references"
)]
impl Page {
    fn tab(&self, tab: &Tab) -> String {
        self.filter.address("/payouts", Some(tab.name))
    }

    fn name(&self, row: &Status) -> String {
        frame::name(&row.key())
    }

    /// Why it needs a person, or else what it waits for; and why it failed, in the gateway's words.
    fn why(&self, row: &Status) -> String {
        let why = match (&row.attention, &row.waits_for) {
            (Some(reason), _) => Some(self.t.attention(reason).to_owned()),
            (None, Some(waits_for)) => Some(self.t.waits_for(waits_for)),
            (None, None) => None,
        };
        let failed = (row.state == State::Failed.name()).then(|| {
            let reason = row.failure_reason.as_deref().map(str::trim);
            let reason = reason.filter(|reason| !reason.is_empty());
            reason.unwrap_or(self.t.no_reason_stated).to_owned()
        });
        why.into_iter().chain(failed).collect::<Vec<_>>().join(" ")
    }

    /// What those that match come to, of all that the page looked at.
    fn total(&self, total: &Total) -> String {
        let (payouts, rupiah) = (words::digits(total.payouts), words::rupiah(total.rupiah));
        if self.left_out.is_none() && self.looked_back_to.is_none() {
            return words::fill(self.t.total_of_all, &[&payouts, &rupiah]);
        }
        let looked_at = words::digits(total.looked_at);
        words::fill(self.t.total_of_some, &[&looked_at, &payouts, &rupiah])
    }
}

pub(super) async fn list(visit: Visit, RawQuery(query): RawQuery) -> Result<Html<String>, Failure> {
    let Visit { mut db, frame, .. } = visit;
    let filter = Filter::of(&Form::of_query(query.as_deref())?)?;
    // The rows, their total and the counts stand beside each other.
    let mut moment = Moment::begin(&mut db).await?;
    let page = read(moment.db(), frame, filter).await;
    render(&moment.end(page).await?)
}

async fn read(db: &mut PgConnection, frame: Frame, mut filter: Filter) -> Result<Page, Failure> {
    name_merchants(db, &mut filter).await?;
    // One row more than shown says whether there are more.
    filter.of_database.limit = limit(PAGE_ROWS);
    let found = search(db, &filter.of_database, &filter.range).await?;
    let mut rows = found.rows;
    let has_more = rows.len() > PAGE_ROWS;
    rows.truncate(PAGE_ROWS);
    let total = filter.range.is_totalled.then_some(found.total);
    let left_out = found.looked_back_to.filter(|_| has_more);
    let looked_back_to = found.looked_back_to.filter(|_| !has_more);
    let older = match (rows.last(), looked_back_to) {
        (_, Some(at)) => Some(filter.page_before(&at)),
        (Some(last), None) if has_more => Some(filter.page_after(last)),
        (Some(_) | None, None) => None,
    };
    let counts = console::counts(db).await?;
    let t = frame.t();
    Ok(Page {
        t,
        tabs: tabs(t, &counts, filter.typed("tab")),
        csv: filter.address("/payouts.csv", None),
        reasons: Attention::ALL.map(Attention::name).to_vec(),
        filter,
        rows,
        total,
        left_out,
        older,
        looked_back_to,
        frame,
    })
}

/// Numbers are indexed by merchant, so a search for one names them all.
async fn name_merchants(db: &mut PgConnection, filter: &mut Filter) -> Result<(), Failure> {
    if filter.range.begins.is_some() && filter.range.merchants.is_empty() {
        filter.range.merchants = merchants(db).await?;
    }
    Ok(())
}

fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX).saturating_add(1)
}

fn tabs(t: &'static Texts, counts: &[console::Count], current: &str) -> Vec<Tab> {
    let count = |name: &str| {
        let counted = counts.iter().find(|count| count.tab == name);
        match counted.map(|count| count.payouts) {
            Some(many) if many > COUNTED_MAX => format!("{COUNTED_MAX}+"),
            Some(payouts) => payouts.to_string(),
            None => String::new(),
        }
    };
    let states = State::ALL.map(|state| (state.name(), t.state(state.name()).2));
    let tabs = [("", t.all), (ATTENTION, t.attention)]
        .into_iter()
        .chain(states);
    tabs.map(|(name, word)| Tab {
        name,
        word,
        count: count(name),
        is_current: name == current,
    })
    .collect()
}

/// The payout with exactly this order number, by its key; or else the list of those that begin with it.
pub(super) async fn open(mut visit: Visit, RawQuery(query): RawQuery) -> Result<Redirect, Failure> {
    let form = Form::of_query(query.as_deref())?;
    let order = form.text("order");
    let found = find::keys_of(&mut visit.db, order, None).await?;
    Ok(Redirect::to(&match found.as_slice() {
        [key] => frame::payout(&key.merchant_code, &key.order_num),
        _ => format!("/payouts?text={}", frame::encoded(order)),
    }))
}

/// Every payout that the filter shows, with the columns of `payout list -o csv`.
pub(super) async fn export(
    mut visit: Visit,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let mut filter = Filter::of(&Form::of_query(query.as_deref())?)?;
    name_merchants(&mut visit.db, &mut filter).await?;
    filter.of_database.limit = limit(CSV_ROWS_MAX);
    let rows = all(&mut visit.db, &filter.of_database, &filter.range).await?;
    if rows.len() > CSV_ROWS_MAX {
        let most = words::fill(visit.frame.t().csv_too_long, &[&CSV_ROWS_MAX.to_string()]);
        return Err(Failure {
            detail: most,
            ..Failure::new(StatusCode::UNPROCESSABLE_ENTITY, |t| t.problem)
        });
    }
    let text = csv(&rows).map_err(|_| Failure::broken())?;
    let day = words::day(visit.frame.now);
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"payouts-{day}.csv\""),
        ),
    ];
    Ok((headers, text).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    /// As docs/console.md says: final payouts only grow in number, and no index counts them.
    #[test]
    fn a_tab_has_a_count_unless_its_state_is_final() {
        let count = |tab: &str, payouts| console::Count {
            tab: tab.to_owned(),
            payouts,
        };
        let open = State::ALL.into_iter().filter(|state| !state.is_final());
        let mut counts: Vec<_> = open.map(|state| count(state.name(), 7)).collect();
        counts.push(count(ATTENTION, COUNTED_MAX + 1));
        let tabs = tabs(Language::English.texts(), &counts, "");
        for tab in &tabs {
            let expected = match tab.name.parse::<State>() {
                Ok(state) if state.is_final() => "",
                Ok(_) => "7",
                Err(_) if tab.name == ATTENTION => "1000+",
                Err(_) => "",
            };
            assert_eq!(tab.count, expected, "{}", tab.name);
        }
    }
}
