//! Balances, and a month or a day in the books.

use askama::Template;
use axum::{extract::RawQuery, response::Html};
use chrono::NaiveDate;
use payout_store::{
    balances::{self, Balance},
    console::{TopUp, top_ups},
    moment::Moment,
    report::{
        self, Compared,
        ageing::{Ageing, ageing},
        period::{self, Bank, Line, Period},
        total::{self, BankTotal, Total},
    },
};
use sqlx::PgConnection;

use super::{
    failure::Failure,
    filter,
    form::Form,
    frame::{Frame, encoded, render},
    texts::Texts,
    totals,
    visit::Visit,
    words,
};

/// One merchant's days, and their sum.
struct Books {
    merchant: String,
    days: Vec<Line>,
    total: Total,
}

/// What a report covers.
pub(super) struct Days {
    /// As in the address: `2026-11` or `2026-11-21`.
    pub(super) name: String,
    /// Whether it is one day.
    pub(super) is_day: bool,
    pub(super) period: Period,
}

#[derive(Template)]
#[template(path = "money.html")]
struct Page {
    frame: Frame,
    t: &'static Texts,
    /// One row for each merchant: available, held, paid out, fees, funding.
    balances: Vec<(String, Vec<Balance>)>,
    compared: Vec<Compared>,
    ageing: Vec<Ageing>,
    ageing_total: Ageing,
    covered: Days,
    books: Vec<Books>,
    banks: Vec<Bank>,
    banks_total: BankTotal,
    failures: Vec<period::Failure>,
    failures_total: period::Failure,
    top_ups: Vec<TopUp>,
}

impl Page {
    /// Whatever ended on that day.
    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn ended_on(&self, line: &Line) -> String {
        format!(
            "/payouts?merchant={}&day={}",
            encoded(&line.merchant_code),
            line.from_day
        )
    }

    fn who(&self, one: &TopUp) -> String {
        let first = one.requested_by.as_ref().unwrap_or(&one.actor);
        words::people(self.t, first, Some(&one.actor))
    }

    /// The payouts that failed for a reason.
    fn failed_for(&self, one: &period::Failure) -> String {
        let reason = Some(one.failure_reason.trim()).filter(|reason| !reason.is_empty());
        let days = if self.covered.is_day { "day" } else { "month" };
        format!(
            "/payouts?tab=failed&merchant={}&reason={}&{days}={}",
            encoded(&one.merchant_code),
            encoded(reason.unwrap_or(filter::NO_REASON)),
            self.covered.name
        )
    }

    /// The same report as a file.
    fn csv(&self, by: &str) -> String {
        let days = if self.covered.is_day { "day" } else { "month" };
        let by = if by.is_empty() {
            String::new()
        } else {
            format!("&by={by}")
        };
        format!("/money.csv?{days}={}{by}", self.covered.name)
    }
}

pub(super) async fn money(
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Result<Html<String>, Failure> {
    let Visit { mut db, frame, .. } = visit;
    let form = Form::of_query(query.as_deref())?;
    let covered = period_of(&form, words::day(frame.now))?;
    // The sums stand beside each other.
    let mut moment = Moment::begin(&mut db).await?;
    let page = read(moment.db(), frame, covered).await;
    render(&moment.end(page).await?)
}

async fn read(db: &mut PgConnection, frame: Frame, covered: Days) -> Result<Page, Failure> {
    let period = covered.period;
    let ageing = ageing(db, None).await?;
    let banks = period::banks(db, period, None).await?;
    let failures = period::failures(db, period, None).await?;
    Ok(Page {
        t: frame.t(),
        balances: by_merchant(balances::balances(db, None).await?),
        compared: report::compare(db, None).await?,
        ageing_total: totals::of_ageing(&ageing),
        ageing,
        books: books(&period::lines(db, period, true, None).await?),
        banks_total: total::of_banks(&banks).unwrap_or_default(),
        banks,
        failures_total: totals::of_failures(&failures),
        failures,
        top_ups: top_ups(db, period).await?,
        covered,
        frame,
    })
}

/// The lines of each merchant, which come one after the other.
fn books(lines: &[Line]) -> Vec<Books> {
    let last = lines.iter().map(|line| line.to_day).max();
    lines
        .chunk_by(|one, next| one.merchant_code == next.merchant_code)
        .map(|days| Books {
            merchant: days
                .first()
                .map_or_else(String::new, |day| day.merchant_code.clone()),
            total: total::of_lines(days).unwrap_or_default(),
            days: days
                .iter()
                .filter(|day| is_moved(day) || Some(day.to_day) == last)
                .cloned()
                .collect(),
        })
        .collect()
}

/// Whether something was booked or ended on that day. The others would repeat the closing before.
fn is_moved(line: &Line) -> bool {
    let ended = [
        line.payouts_paid,
        line.payouts_failed,
        line.payouts_returned,
    ];
    let booked = [line.debit, line.top_ups, line.returned, line.held_change];
    ended.iter().chain(&booked).any(|one| *one != 0)
}

/// A day or a month of the address; this month otherwise. Days that have not begun are left out.
pub(super) fn period_of(form: &Form, today: NaiveDate) -> Result<Days, Failure> {
    if let Some(text) = form.some("day") {
        let (from, to) = filter::day(text)?;
        return Ok(Days {
            name: text.to_owned(),
            is_day: true,
            period: Period { from, to },
        });
    }
    let this = today.format("%Y-%m").to_string();
    let month = form.some("month").unwrap_or(&this);
    let (from, to) = filter::month(month)?;
    let tomorrow = today.succ_opt().and_then(words::midnight);
    let to = tomorrow.map_or(to, |tomorrow| to.min(tomorrow));
    Ok(Days {
        name: month.to_owned(),
        is_day: false,
        period: Period { from, to },
    })
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
