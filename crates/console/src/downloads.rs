//! Files to keep: a report for a spreadsheet, and the receipt of one payout. The same as the command line writes, with the
//! beneficiary masked.

use axum::{
    extract::{Path, RawQuery},
    http::{
        StatusCode,
        header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use payout_domain::payout::PayoutKey;
use payout_reports::{
    receipt::{Beneficiary, Receipt, is_possible},
    spreadsheet::csv,
};
use payout_store::{
    find::{
        self, Status,
        history::{self, Detail},
    },
    moment::Moment,
    report::period,
};
use sqlx::PgConnection;

use super::{
    failure::Failure,
    form::Form,
    money::{Days, period_of},
    visit::Visit,
    words,
};

/// The rows of `payout report -o csv` or, with `by=bank`, of `payout report --by bank -o csv`; with `by=reason`, of
/// `payout report failures -o csv`.
pub(super) async fn report(
    mut visit: Visit,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let form = Form::of_query(query.as_deref())?;
    let Days { name, period, .. } = period_of(&form, words::day(visit.frame.now))?;
    let db = &mut *visit.db;
    let (what, text) = match form.text("by") {
        "" => ("days", csv(&period::lines(db, period, true, None).await?)),
        "bank" => ("banks", csv(&period::banks(db, period, None).await?)),
        "reason" => ("failures", csv(&period::failures(db, period, None).await?)),
        other => return Err(Failure::unreadable(words::start(other))),
    };
    let text = text.map_err(|_| Failure::broken())?;
    Ok(file(
        "text/csv; charset=utf-8",
        &format!("report-{name}-{what}.csv"),
        text,
    ))
}

/// The page of `payout receipt`, without `--reveal`.
pub(super) async fn receipt(
    mut visit: Visit,
    Path((merchant, order)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let key = PayoutKey {
        merchant_code: merchant,
        order_num: order,
    };
    let mut moment = Moment::begin(&mut visit.db).await?;
    let paid = paid(moment.db(), &key).await;
    let (status, detail) = moment.end(paid).await?;
    let receipt = Receipt {
        status: &status,
        detail: &detail,
        beneficiary: &Beneficiary::masked(&detail),
        words: visit.frame.language.receipt(),
    };
    Ok(file(
        "text/html; charset=utf-8",
        &format!("receipt-{}.html", key.order_num),
        receipt.html(visit.frame.now),
    ))
}

/// A payout that there is a receipt for.
async fn paid(db: &mut PgConnection, key: &PayoutKey) -> Result<(Status, Detail), Failure> {
    let mut found = find::statuses(db, std::slice::from_ref(key)).await?;
    let status = found.pop().ok_or_else(Failure::not_found)?;
    if !is_possible(&status) {
        return Err(Failure::new(StatusCode::CONFLICT, |t| t.no_receipt));
    }
    Ok((status, history::detail(db, key).await?))
}

/// An answer that the browser keeps as a file and does not show: a page of its own is not shown as one of ours.
fn file(kind: &'static str, name: &str, text: String) -> Response {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = name.chars().filter(is_plain).collect();
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [
        (CONTENT_TYPE, kind.to_owned()),
        (CONTENT_DISPOSITION, disposition),
    ];
    (headers, text).into_response()
}
