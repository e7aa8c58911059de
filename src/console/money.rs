//! Balances, a month in the books, and the gateway's statement compared with ours.

use askama::Template;
use axum::{
    extract::{Multipart, RawQuery},
    response::Html,
};
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use super::{
    failure::Failure,
    filter,
    form::Form,
    frame::{self, Frame, encoded, render},
    texts::Texts,
    visit::Visit,
    words::{self, fill},
};
use crate::{
    domain::payout::PayoutKey,
    statement::{
        compare::{Difference, differences},
        lines::{self, Line},
    },
    store::{
        balances::{self, Balance},
        find,
        report::{
            self, Compared,
            ageing::{Ageing, ageing},
            period::{self, Bank, Line as Books, Period},
            settled_between,
        },
    },
};

/// Most bytes of a statement.
pub(super) const STATEMENT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Most lines of a statement: what one page can compare in time. The command line compares longer ones.
const LINES_MAX: usize = 50_000;
/// Most differences on a page.
const DIFFERENCES_MAX: usize = 1_000;

#[derive(Template)]
#[template(path = "money.html")]
struct Page {
    frame: Frame,
    t: &'static Texts,
    /// One row for each merchant: available, held, paid out, fees, funding.
    balances: Vec<(String, Vec<Balance>)>,
    compared: Vec<Compared>,
    ageing: Vec<Ageing>,
    /// The month or the day that the report covers, as in the address.
    covered: String,
    /// A line per day.
    books: Vec<Books>,
    banks: Vec<Bank>,
    failures: Vec<period::Failure>,
}

#[expect(
    clippy::unused_self,
    reason = "templates call methods, and hand over references"
)]
impl Page {
    /// Whatever ended on that day.
    fn ended_on(&self, line: &Books) -> String {
        format!(
            "/payouts?merchant={}&day={}",
            encoded(&line.merchant_code),
            line.from_day
        )
    }
}

pub(super) async fn money(
    mut visit: Visit,
    RawQuery(query): RawQuery,
) -> Result<Html<String>, Failure> {
    let form = Form::of_query(query.as_deref())?;
    let (covered, period) = period_of(&form, words::day(visit.frame.now))?;
    let db = &mut *visit.db;
    let page = Page {
        t: visit.frame.t(),
        balances: by_merchant(balances::balances(db, None).await?),
        compared: report::compare(db, None).await?,
        ageing: ageing(db, None).await?,
        books: with_movement(period::lines(db, period, true, None).await?),
        banks: period::banks(db, period, None).await?,
        failures: period::failures(db, period, None).await?,
        covered,
        frame: visit.frame,
    };
    render(&page)
}

/// The days on which something was booked, and the last one of each merchant. The others would repeat the closing before.
fn with_movement(lines: Vec<Books>) -> Vec<Books> {
    let last = lines.iter().map(|line| line.to_day).max();
    let moved = |line: &Books| {
        let ended = [
            line.payouts_paid,
            line.payouts_failed,
            line.payouts_returned,
        ];
        let booked = [line.debit, line.top_ups, line.returned, line.held_change];
        ended.iter().chain(&booked).any(|one| *one != 0)
    };
    let shown = lines.into_iter();
    shown
        .filter(|line| moved(line) || Some(line.to_day) == last)
        .collect()
}

/// A day or a month of the address; this month otherwise. Days that have not begun are left out.
fn period_of(form: &Form, today: NaiveDate) -> Result<(String, Period), Failure> {
    if let Some(text) = form.some("day") {
        let (from, to) = filter::day(text)?;
        return Ok((text.to_owned(), Period { from, to }));
    }
    let this = today.format("%Y-%m").to_string();
    let month = form.some("month").unwrap_or(&this);
    let (from, to) = filter::month(month)?;
    let tomorrow = today.succ_opt().and_then(words::midnight);
    let to = tomorrow.map_or(to, |tomorrow| to.min(tomorrow));
    Ok((month.to_owned(), Period { from, to }))
}

fn by_merchant(rows: Vec<Balance>) -> Vec<(String, Vec<Balance>)> {
    let mut merchants: Vec<(String, Vec<Balance>)> = Vec::new();
    for row in rows {
        match merchants.last_mut() {
            Some((merchant, balances)) if *merchant == row.merchant_code => balances.push(row),
            _ => merchants.push((row.merchant_code.clone(), vec![row])),
        }
    }
    merchants
}

#[derive(Template)]
#[template(path = "statement.html")]
struct StatementPage {
    frame: Frame,
    t: &'static Texts,
    merchant: String,
    heading: String,
    matching: usize,
    found: Vec<Difference>,
    /// How many differences are not shown.
    more: usize,
}

impl StatementPage {
    fn link(&self, one: &Difference) -> Option<String> {
        let is_ours = one.here.is_some();
        is_ours.then(|| frame::payout(&self.merchant, &one.order_num))
    }

    fn amounts(&self, one: &Difference) -> (String, String) {
        let (here, there) = if one.kind == "fee" {
            (one.fee_here, one.fee_there)
        } else {
            (one.amount_here, one.amount_there)
        };
        (self.frame.rupiah_or(&here), self.frame.rupiah_or(&there))
    }
}

/// What the form sent.
#[derive(Default)]
struct Sent {
    text: String,
    merchant: String,
    day: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

/// Compares a statement by the rules of `payout reconcile --statement`. It changes nothing and keeps nothing.
pub(super) async fn compare(mut visit: Visit, form: Multipart) -> Result<Html<String>, Failure> {
    let sent = read(form).await?;
    let lines = lines::read(&sent.text).map_err(Failure::unreadable)?;
    if lines.len() > LINES_MAX {
        return Err(Failure::unreadable(format!(
            "{} > {LINES_MAX}",
            lines.len()
        )));
    }
    let merchant = merchant(&mut visit.db, sent.merchant).await?;
    let mut found = differences_of(&mut visit.db, &merchant, &lines, sent.day).await?;
    let differing: std::collections::HashSet<_> = found.iter().filter_map(|one| one.line).collect();
    let matching = lines.len().saturating_sub(differing.len());
    let total = lines
        .iter()
        .try_fold(0_i64, |sum, line| sum.checked_add(line.amount));
    let t = visit.frame.t();
    let heading = fill(
        t.compared,
        &[
            &lines.len().to_string(),
            &total.map_or("?".to_owned(), words::rupiah),
            &found.len().to_string(),
        ],
    );
    let more = found.len().saturating_sub(DIFFERENCES_MAX);
    found.truncate(DIFFERENCES_MAX);
    render(&StatementPage {
        t,
        merchant,
        heading,
        matching,
        found,
        more,
        frame: visit.frame,
    })
}

async fn read(mut form: Multipart) -> Result<Sent, Failure> {
    let unreadable =
        |error: axum::extract::multipart::MultipartError| Failure::of_status(error.status());
    let mut sent = Sent::default();
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        let name = field.name().unwrap_or_default().to_owned();
        let text = field.text().await.map_err(unreadable)?;
        match name.as_str() {
            "statement" => sent.text = text,
            "merchant" => text.trim().clone_into(&mut sent.merchant),
            "day" if !text.trim().is_empty() => sent.day = Some(filter::day(text.trim())?),
            _ => {}
        }
    }
    Ok(sent)
}

/// The named merchant, or the only one.
async fn merchant(db: &mut PgConnection, named: String) -> Result<String, Failure> {
    let mut codes = balances::merchants(db).await?;
    codes.retain(|code| named.is_empty() || *code == named);
    match codes.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Failure::not_found()),
        several => Err(Failure::unreadable(several.join(", "))),
    }
}

async fn differences_of(
    db: &mut PgConnection,
    merchant: &str,
    lines: &[Line],
    day: Option<(DateTime<Utc>, DateTime<Utc>)>,
) -> Result<Vec<Difference>, Failure> {
    let keys: Vec<PayoutKey> = lines
        .iter()
        .map(|line| PayoutKey {
            merchant_code: merchant.to_owned(),
            order_num: line.order_num.clone(),
        })
        .collect();
    let named = find::statuses(db, &keys).await?;
    let due = match day {
        Some((from, to)) => settled_between(db, merchant, from, to).await?,
        None => Vec::new(),
    };
    Ok(differences(lines, &named, &due))
}
