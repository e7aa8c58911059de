//! Booking money by hand, as `payout fund` does: written down, read again, and then booked or requested.

use axum::{
    body::Bytes,
    extract::RawQuery,
    http::HeaderMap,
    response::{Html, IntoResponse, Response},
};
use payout_store::{act as store, balances::merchants};
use sqlx::PgConnection;

use super::{
    act::{self, Act, Transfer},
    confirm::{Again, Confirm, Field, Kind, happened},
    failure::{Failure, Sentence},
    form::Form,
    texts::Texts,
    visit::Visit,
    words,
};

/// Where a transfer is written down, and where it is booked.
const REVIEW: &str = "/fund";
const BOOK: &str = "/fund/book";

pub(super) async fn form(visit: Visit, RawQuery(query): RawQuery) -> Result<Html<String>, Failure> {
    visit.must_act()?;
    // A link names the merchant; it fills nothing else in.
    let form = Form::of_query(query.as_deref())?.only("merchant");
    writing(visit, &form, None).await
}

/// The page on which a transfer is written down, with what must be changed first, if anything. It books nothing.
async fn writing(
    mut visit: Visit,
    form: &Form,
    objection: Option<String>,
) -> Result<Html<String>, Failure> {
    let t = visit.frame.t();
    let codes = merchants(&mut visit.db).await?;
    let mut page = Confirm::new(visit.frame, t.fund, t.fund_does);
    page.fields = vec![
        Field::new("merchant", t.merchant, Kind::OneOf(codes)),
        Field::new("amount", t.fund_amount, Kind::Number),
        Field::new("reference", t.fund_reference, Kind::Short),
        Field::new("reason", t.fund_reason, Kind::Words).optional(),
    ];
    page.refill(form);
    REVIEW.clone_into(&mut page.action);
    "/money".clone_into(&mut page.back);
    page.button = t.fund_review;
    page.warnings.extend(objection);
    page.show(&visit.session.forms, REVIEW)
}

/// Shows what would be booked, and how many people that takes; or what must be changed first.
pub(super) async fn review(
    mut visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    visit.must_act()?;
    let form = Form::of(&headers, &body)?;
    if form.some(Again::FIELD).is_some() {
        return Ok(writing(visit, &form, None).await?.into_response());
    }
    let t = visit.frame.t();
    let objection = match transfer(&form) {
        None => t.number_wrong.to_owned(),
        Some(transfer) => match objection(&mut visit.db, t, &transfer).await? {
            None => return Ok(confirm(visit, &transfer, None).await?.into_response()),
            Some(objection) => objection,
        },
    };
    let page = writing(visit, &form, Some(objection)).await?;
    Ok(page.into_response())
}

/// Why this transfer would not be booked, and what to change.
async fn objection(
    db: &mut PgConnection,
    t: &'static Texts,
    transfer: &Transfer,
) -> Result<Option<String>, Failure> {
    let (merchant, reference) = (&transfer.merchant, &transfer.reference);
    if transfer.amount == 0 {
        return Ok(Some(t.fund_zero.to_owned()));
    }
    if let Some(before) = store::funded(db, merchant, reference).await? {
        return Ok(Some(words::booked_before(t, reference, &before)));
    }
    let must_say_why = transfer.reason.is_empty() && store::people_to_fund(db, merchant).await? > 1;
    Ok(must_say_why.then(|| t.fund_why.to_owned()))
}

/// What a person wrote; `None` if the amount is no number.
fn transfer(form: &Form) -> Option<Transfer> {
    let text = |name| form.text(name).to_owned();
    Some(Transfer {
        merchant: text("merchant"),
        amount: signed(form.text("amount"))?,
        reference: text("reference"),
        reason: text("reason"),
    })
}

/// With a minus for money taken out.
fn signed(text: &str) -> Option<i64> {
    match text.strip_prefix('-') {
        Some(taken_out) => words::whole(taken_out)?.checked_neg(),
        None => words::whole(text),
    }
}

fn purpose(transfer: &Transfer) -> String {
    let Transfer {
        merchant,
        amount,
        reference,
        reason,
    } = transfer;
    format!("fund {merchant:?} {amount} {reference:?} {reason:?}")
}

async fn confirm(
    mut visit: Visit,
    transfer: &Transfer,
    error: Option<Sentence>,
) -> Result<Html<String>, Failure> {
    let t = visit.frame.t();
    let db = &mut *visit.db;
    let takes_two = store::people_to_fund(db, &transfer.merchant).await? > 1;
    let does = if takes_two {
        t.fund_takes_two
    } else {
        t.fund_takes_one
    };
    let heading = if transfer.amount < 0 {
        t.fund_out
    } else {
        t.fund_in
    };
    let mut page = Confirm::new(visit.frame, heading, does);
    let named = [
        (t.merchant, transfer.merchant.clone()),
        (t.amount, words::rupiah(transfer.amount)),
        (t.reference, transfer.reference.clone()),
    ];
    // Where one person books it, no reason is recorded.
    let reason = takes_two.then(|| (t.reason, transfer.reason.clone()));
    let named = named.into_iter().chain(reason);
    page.lines = named
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    page.hidden = vec![
        ("merchant", transfer.merchant.clone()),
        ("amount", transfer.amount.to_string()),
        ("reference", transfer.reference.clone()),
        ("reason", transfer.reason.clone()),
    ];
    BOOK.clone_into(&mut page.action);
    "/money".clone_into(&mut page.back);
    page.typed = Some(transfer.amount.to_string());
    page.error = error.map(|error| error(t));
    page.show(&visit.session.forms, &purpose(transfer))
}

pub(super) async fn book(
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    visit.must_act()?;
    let form = Form::of(&headers, &body)?;
    let transfer = transfer(&form);
    let transfer =
        transfer.ok_or_else(|| Failure::unreadable(words::start(form.text("amount"))))?;
    if form.text("typed") != transfer.amount.to_string() {
        let page = confirm(visit, &transfer, Some(|t| t.typed_wrong)).await?;
        return Ok(page.into_response());
    }
    let once = visit
        .session
        .forms
        .find(form.raw("token"), &purpose(&transfer));
    let Some(once) = once else {
        let page = confirm(visit, &transfer, Some(|t| t.stale_form)).await?;
        return Ok(Confirm::stale(page));
    };
    let (frame, outcome, is_repeated) = act::once(visit, &once, Act::Fund(transfer)).await;
    let again = Again::after(REVIEW, &form, &outcome);
    happened(frame, &outcome, is_repeated, Vec::new(), again)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_amount_to_fund_may_have_a_minus() {
        assert_eq!(signed("1250000"), Some(1_250_000));
        assert_eq!(signed("-5"), Some(-5));
        for text in ["", "-", "--5", "-+5", "+5", "-1.250.000"] {
            assert_eq!(signed(text), None, "{text}");
        }
    }
}
