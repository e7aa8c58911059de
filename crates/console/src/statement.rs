//! A statement of the gateway that somebody uploads, compared with what is recorded.

use std::collections::HashSet;

use askama::Template;
use axum::{extract::Multipart, response::Html};
use payout_reports::statement::{
    compare::Difference,
    compared::{Compared, compared},
    lines,
    sums::Sums,
};
use payout_store::{balances, moment::Moment, report::period::Period};
use sqlx::PgConnection;

use super::{
    failure::Failure,
    filter,
    frame::{self, Frame, render},
    texts::Texts,
    visit::Visit,
    words::{fill, many, rupiah},
};

/// Most bytes of a statement.
pub(super) const STATEMENT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Most lines of a statement: what one page can compare in time. The command line compares longer ones.
const LINES_MAX: usize = 50_000;
/// Most differences on a page.
const DIFFERENCES_MAX: usize = 1_000;

#[derive(Template)]
#[template(path = "statement.html")]
struct StatementPage {
    frame: Frame,
    t: &'static Texts,
    merchant: String,
    heading: String,
    /// Whether it is known which days the statement covers, so that what it lacks is found.
    covers_days: bool,
    matching: usize,
    found: Vec<Difference>,
    /// How many differences are not shown.
    more: usize,
    sums: Sums,
}

/// A row of the sums: its name, the statement's, ours, and the difference.
type Row = (&'static str, String, String, String);

impl StatementPage {
    fn matches(&self) -> String {
        let t = self.t;
        fill(t.matches, &[&many(self.matching, t.one_line, t.lines)])
    }

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

    fn rows(&self) -> [Row; 4] {
        let (t, sums) = (self.t, &self.sums);
        let stated = |idr: Option<i64>| idr.map_or(t.fee_not_stated.to_owned(), rupiah);
        let money =
            |name, there, here, difference| (name, stated(there), rupiah(here), stated(difference));
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let more = count(sums.payouts_there).saturating_sub(count(sums.payouts_here));
        let (there, here) = (sums.payouts_there, sums.payouts_here);
        [
            (
                t.payouts_paid,
                there.to_string(),
                here.to_string(),
                more.to_string(),
            ),
            money(
                t.gross,
                Some(sums.gross_there),
                sums.gross_here,
                Some(sums.gross_difference),
            ),
            money(t.fee, sums.fee_there, sums.fee_here, sums.fee_difference),
            money(t.net, sums.net_there, sums.net_here, sums.net_difference),
        ]
    }

    /// What of the sums is in the report of other days.
    fn other_days(&self) -> Option<String> {
        let (count, idr) = (self.sums.payouts_other_days, self.sums.gross_other_days);
        (count > 0).then(|| {
            fill(
                self.t.paid_on_other_days,
                &[&count.to_string(), &rupiah(idr)],
            )
        })
    }
}

/// What the form sent.
#[derive(Default)]
struct Sent {
    text: String,
    merchant: String,
    period: Option<Period>,
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
    let mut moment = Moment::begin(&mut visit.db).await?;
    let compared = compared(moment.db(), &merchant, &lines, sent.period).await;
    let Compared { mut found, sums } = moment.end(compared).await?;
    let differing: HashSet<_> = found.iter().filter_map(|one| one.line).collect();
    let matching = lines.len().saturating_sub(differing.len());
    let t = visit.frame.t();
    let heading = fill(
        t.compared,
        &[
            &many(lines.len(), t.one_line, t.lines),
            &many(found.len(), t.one_difference, t.differences),
        ],
    );
    let more = found.len().saturating_sub(DIFFERENCES_MAX);
    found.truncate(DIFFERENCES_MAX);
    render(&StatementPage {
        t,
        merchant,
        heading,
        covers_days: sent.period.is_some(),
        matching,
        found,
        more,
        sums,
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
        let days = match (name.as_str(), text.trim()) {
            ("statement", _) => {
                sent.text = text;
                continue;
            }
            ("merchant", code) => {
                code.clone_into(&mut sent.merchant);
                continue;
            }
            (_, "") => continue,
            ("day", day) => filter::day(day)?,
            ("month", month) => filter::month(month)?,
            _ => continue,
        };
        let (from, to) = days;
        if sent.period.replace(Period { from, to }).is_some() {
            return Err(Failure::unreadable("day, month".to_owned()));
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
