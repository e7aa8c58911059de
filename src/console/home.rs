//! The first page: what needs a person, what may have left, whether payouts are sent, and what waits for me.

use askama::Template;
use axum::response::Html;

use super::{
    failure::Failure,
    frame::{Frame, render},
    texts::Texts,
    visit::Visit,
    words,
};
use crate::store::{
    decisions::{self, Request},
    find::{self, Patience, Status, Stuck},
    overview::{self, OpenPayouts},
    report::{self, Compared},
    workers::{self, Claims, Seen},
};

/// Rows of each table.
const ROWS_MAX: i64 = 50;
/// When an unknown or an open payout needs a person, as `payout stuck` counts.
const PATIENCE: Patience = Patience {
    unknown_seconds: 30 * 60,
    open_seconds: 24 * 3600,
};

#[derive(Template)]
#[template(path = "home.html")]
struct Page {
    frame: Frame,
    t: &'static Texts,
    /// How many there are in all.
    stuck_count: usize,
    stuck: Vec<(Stuck, Status)>,
    in_doubt: Vec<OpenPayouts>,
    claims: Vec<Claims>,
    mine: Vec<Request>,
    compared: Vec<Compared>,
    workers: Vec<Seen>,
}

impl Page {
    fn why(&self, stuck: &Stuck) -> &'static str {
        self.t.attention(&stuck.why)
    }

    fn stopped(&self, claims: &Claims, stopped_by: &str) -> String {
        let why = self.t.stop(stopped_by);
        words::fill(self.t.is_not_sent, &[&claims.merchant_code, why])
    }
}

pub(super) async fn home(mut visit: Visit) -> Result<Html<String>, Failure> {
    let db = &mut *visit.db;
    let stuck = find::stuck(db, PATIENCE, None, ROWS_MAX).await?;
    let keys: Vec<_> = stuck.iter().map(Stuck::key).collect();
    let rows = find::statuses(db, &keys).await?;
    let open = overview::open_payouts(db, None).await?;
    let mut mine = decisions::requests(db, false, None, ROWS_MAX).await?;
    mine.retain(|request| request.status == "waiting" && !request.yours);
    let page = Page {
        t: visit.frame.t(),
        stuck_count: stuck
            .first()
            .map_or(0, |one| usize::try_from(one.count).unwrap_or(0)),
        // A payout is never deleted, so both lists have the same payouts in the same order.
        stuck: stuck.into_iter().zip(rows).collect(),
        in_doubt: open
            .into_iter()
            .filter(|open| open.what == "may_have_left")
            .collect(),
        claims: workers::claims(db, None).await?,
        mine,
        compared: report::compare(db, None).await?,
        workers: workers::workers(db).await?,
        frame: visit.frame,
    };
    render(&page)
}
