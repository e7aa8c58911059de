//! Booking money by hand, as `payout fund` does: written down, read again, and then booked or requested.

use axum::{
    body::Bytes,
    extract::RawQuery,
    http::HeaderMap,
    response::{Html, IntoResponse, Response},
};

use super::{
    act::{self, Act, Transfer},
    confirm::{Again, Confirm, Field, Kind, happened},
    failure::{Failure, Sentence},
    form::Form,
    visit::Visit,
    words,
};
use crate::store::{act as store, balances::merchants};

/// Where a transfer is written down, and where it is booked.
const REVIEW: &str = "/fund";
const BOOK: &str = "/fund/book";

pub(super) async fn form(visit: Visit, RawQuery(query): RawQuery) -> Result<Html<String>, Failure> {
    visit.must_act()?;
    // A link names the merchant; it fills nothing else in.
    let form = Form::of_query(query.as_deref())?.only("merchant");
    writing(visit, &form, None).await
}

/// The page on which a transfer is written down. It books nothing.
async fn writing(
    mut visit: Visit,
    form: &Form,
    error: Option<Sentence>,
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
    page.error = error.map(|error| error(t));
    page.show(&visit.session.forms, REVIEW)
}

/// Shows what would be booked, and how many people that takes.
pub(super) async fn review(
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    visit.must_act()?;
    let form = Form::of(&headers, &body)?;
    let page = if form.some(Again::FIELD).is_some() {
        writing(visit, &form, None).await?
    } else {
        match transfer(&form) {
            Some(transfer) if transfer.amount == 0 => {
                writing(visit, &form, Some(|t| t.fund_zero)).await?
            }
            Some(transfer) => confirm(visit, &transfer, None).await?,
            None => writing(visit, &form, Some(|t| t.number_wrong)).await?,
        }
    };
    Ok(page.into_response())
}

/// What a person wrote; `None` if the amount is no number.
fn transfer(form: &Form) -> Option<Transfer> {
    let text = |name| form.text(name).to_owned();
    let reference = text("reference");
    Some(Transfer {
        merchant: text("merchant"),
        amount: signed(form.text("amount"))?,
        // Whoever approves it sees at least the reference.
        reason: form.some("reason").unwrap_or(&reference).to_owned(),
        reference,
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
    let is_booked = store::is_funded(db, &transfer.merchant, &transfer.reference).await?;
    let people = store::people_to_fund(db, &transfer.merchant).await?;
    let does = if people > 1 {
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
        (t.reason, transfer.reason.clone()),
    ];
    page.lines = named.map(|(name, value)| format!("{name}: {value}")).into();
    if is_booked {
        page.warnings = vec![t.fund_booked_before.to_owned()];
    }
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
