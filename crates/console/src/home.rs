//! The first page: what needs a person, what may have left, whether payouts are sent, and what waits for me.

use askama::Template;
use axum::response::Html;
use chrono::{DateTime, Utc};
use payout_store::{
    decisions::{self, Request},
    find::{
        self, Patience, Status, Stuck,
        waits::{self, RequestOver},
    },
    moment::Moment,
    overview::{self, OpenPayouts},
    report::{self, Compared},
    workers::{self, Claims, Seen},
};
use sqlx::PgConnection;

use super::{
    failure::Failure,
    frame::{Frame, render},
    texts::Texts,
    visit::Visit,
    words,
};

/// Rows of each table.
const ROWS_MAX: i64 = 50;
/// When an unknown or an open payout needs a person, as `payout stuck` counts.
const PATIENCE: Patience = Patience {
    unknown_seconds: 30 * 60,
    open_seconds: 24 * 3600,
};

/// What was sent for one merchant and is not settled: the same payouts as on the page about money.
struct MayHaveLeft {
    merchant_code: String,
    payouts: i64,
    /// In rupiah, as all that follows.
    gross: i64,
    oldest_since: Option<DateTime<Utc>>,
    /// The part that the gateway accepted.
    accepted: i64,
    /// The part of which nobody knows whether it left.
    in_doubt: i64,
}

fn may_have_left(open: &[OpenPayouts]) -> Vec<MayHaveLeft> {
    let sent: Vec<_> = open.iter().filter(|open| open.may_have_left()).collect();
    let of_merchants = sent.chunk_by(|one, next| one.merchant_code == next.merchant_code);
    of_merchants
        .map(|parts| {
            let rupiah = |what: &str| {
                let parts = parts.iter().filter(|part| part.what == what);
                parts.map(|part| part.rupiah).sum()
            };
            MayHaveLeft {
                merchant_code: parts
                    .first()
                    .map_or_else(String::new, |part| part.merchant_code.clone()),
                payouts: parts.iter().map(|part| part.payouts).sum(),
                gross: parts.iter().map(|part| part.rupiah).sum(),
                oldest_since: parts.iter().filter_map(|part| part.oldest_since).min(),
                accepted: rupiah("accepted"),
                in_doubt: rupiah("in_doubt"),
            }
        })
        .collect()
}

#[derive(Template)]
#[template(path = "home.html")]
struct Page {
    frame: Frame,
    t: &'static Texts,
    /// How many there are in all.
    stuck_count: usize,
    stuck: Vec<(Stuck, Status)>,
    /// The open requests about them.
    requests: Vec<RequestOver>,
    left: Vec<MayHaveLeft>,
    /// The banks to which nothing is sent.
    paused_banks: Vec<String>,
    claims: Vec<Claims>,
    mine: Vec<Request>,
    compared: Vec<Compared>,
    workers: Vec<Seen>,
}

impl Page {
    fn why(&self, stuck: &Stuck) -> &'static str {
        self.t.attention(&stuck.why)
    }

    /// The request that somebody must decide on first.
    fn request(&self, row: &Status) -> Option<String> {
        let mut requests = self.requests.iter();
        let found = requests.find(|one| {
            (&one.merchant_code, &one.order_num) == (&row.merchant_code, &row.order_num)
        })?;
        Some(words::fill(
            self.t.decide_first,
            &[&found.request_id.to_string()],
        ))
    }

    fn except(&self) -> String {
        words::fill(self.t.except_paused, &[&self.paused_banks.join(", ")])
    }

    fn stopped(&self, claims: &Claims, stopped_by: &str) -> String {
        let why = self.t.stop(stopped_by);
        words::fill(self.t.is_not_sent, &[&claims.merchant_code, why])
    }
}

pub(super) async fn home(visit: Visit) -> Result<Html<String>, Failure> {
    let Visit { mut db, frame, .. } = visit;
    // The sums stand beside each other.
    let mut moment = Moment::begin(&mut db).await?;
    let page = read(moment.db(), frame).await;
    render(&moment.end(page).await?)
}

async fn read(db: &mut PgConnection, frame: Frame) -> Result<Page, Failure> {
    let stuck = find::stuck(db, PATIENCE, None, ROWS_MAX).await?;
    let keys: Vec<_> = stuck.iter().map(Stuck::key).collect();
    let rows = find::statuses(db, &keys).await?;
    let open = overview::open_payouts(db, None).await?;
    let mut mine = decisions::requests(db, false, None, ROWS_MAX).await?;
    mine.retain(|request| request.status == "waiting" && !request.yours);
    Ok(Page {
        t: frame.t(),
        stuck_count: stuck
            .first()
            .map_or(0, |one| usize::try_from(one.count).unwrap_or(0)),
        // A payout is never deleted, so both lists have the same payouts in the same order.
        stuck: stuck.into_iter().zip(rows).collect(),
        requests: waits::requests_over(db, &keys).await?,
        paused_banks: waits::paused_banks(db).await?,
        left: may_have_left(&open),
        claims: workers::claims(db, None).await?,
        mine,
        compared: report::compare(db, None).await?,
        workers: workers::workers(db).await?,
        frame,
    })
}
