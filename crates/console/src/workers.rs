//! Workers and gateway: who runs, what is stopped and paused, the keys, the failover, and who did what.

use askama::Template;
use axum::{extract::RawQuery, response::Html};
use payout_store::{
    console::{self, COUNTED_MAX, FailedSignature, Gateway, QueryBudget},
    decisions::{self, Pause},
    failover::{self, Fence},
    moment::Moment,
    operator::{self, Act},
    workers::{self, Claims, Seen, Stop},
};
use sqlx::PgConnection;

use super::{
    act::paused_name,
    failure::Failure,
    form::Form,
    frame::{self, Frame, encoded, render},
    texts::Texts,
    visit::Visit,
    words::{self, fill},
};

/// Acts of the audit log on a page.
const ACTS_MAX: i64 = 100;

#[derive(Template)]
#[template(path = "workers.html")]
struct Page {
    frame: Frame,
    t: &'static Texts,
    workers: Vec<Seen>,
    claims: Vec<Claims>,
    stops: Vec<Stop>,
    budgets: Vec<QueryBudget>,
    signatures: Vec<FailedSignature>,
    pauses: Vec<Pause>,
    fence: Option<Fence>,
    gateways: Vec<Gateway>,
    acts: Vec<Act>,
    actor: String,
}

#[expect(
    clippy::unused_self,
    reason = "templates call methods, and hand over references"
)]
impl Page {
    fn stopped(&self, claims: &Claims, stopped_by: &str) -> String {
        let why = self.t.stop(stopped_by);
        fill(self.t.is_not_sent, &[&claims.merchant_code, why])
    }

    /// How many queries are due, as far as they are counted.
    fn due(&self, budget: &QueryBudget) -> String {
        if budget.due > COUNTED_MAX {
            format!("{COUNTED_MAX}+")
        } else {
            budget.due.to_string()
        }
    }

    fn per_minute(&self, budget: &QueryBudget) -> String {
        let per_minute = budget.per_minute;
        per_minute.map_or(self.t.none_yet.to_owned(), |queries| queries.to_string())
    }

    fn signature_of<'a>(&'a self, gateway: &Gateway) -> Option<&'a FailedSignature> {
        let mut failed = self.signatures.iter();
        failed.find(|failed| failed.merchant_code == gateway.merchant_code)
    }

    fn failed_payout(&self, failed: &FailedSignature) -> String {
        frame::payout(&failed.merchant_code, &failed.order_num)
    }

    fn paused(&self, pause: &Pause) -> String {
        paused_name(self.t, &pause.scope, &pause.value)
    }

    fn resume(&self, pause: &Pause) -> String {
        let daily = if pause.daily.is_some() {
            "&daily=yes"
        } else {
            ""
        };
        let (scope, value) = (encoded(&pause.scope), encoded(&pause.value));
        format!("/resume?scope={scope}&value={value}{daily}")
    }

    fn when_paused(&self, pause: &Pause) -> String {
        match &pause.daily {
            None => self.t.until_resumed.to_owned(),
            Some(times) => {
                let force = if pause.in_force {
                    self.t.in_force
                } else {
                    self.t.not_in_force
                };
                format!("{}, {force}", fill(self.t.daily, &[times]))
            }
        }
    }

    fn why_stopped(&self, fence: &Fence) -> String {
        fill(
            self.t.failover_stopped,
            &[fence.reason.as_deref().unwrap_or("–")],
        )
    }

    fn trusted(&self, fence: &Fence) -> String {
        let at = fence.trusted_after;
        at.map_or(String::new(), |at| {
            fill(self.t.failover_trusted, &[&words::time(at)])
        })
    }

    fn not_queried(&self, fence: &Fence) -> String {
        fill(self.t.failover_queried, &[&fence.not_queried.to_string()])
    }
}

pub(super) async fn workers(
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Result<Html<String>, Failure> {
    let Visit { mut db, frame, .. } = visit;
    let form = Form::of_query(query.as_deref())?;
    let mut moment = Moment::begin(&mut db).await?;
    let page = read(moment.db(), frame, &form).await;
    render(&moment.end(page).await?)
}

async fn read(db: &mut PgConnection, frame: Frame, form: &Form) -> Result<Page, Failure> {
    let mut acts = operator::audit(db, None, form.some("actor"), None, ACTS_MAX).await?;
    // The newest first: a page is read from its top.
    acts.reverse();
    Ok(Page {
        t: frame.t(),
        workers: workers::workers(db).await?,
        claims: workers::claims(db, None).await?,
        stops: workers::stops(db).await?,
        budgets: console::query_budgets(db).await?,
        signatures: console::failed_signatures(db).await?,
        pauses: decisions::pauses(db).await?,
        fence: failover::fence(db).await?,
        gateways: console::gateways(db).await?,
        acts,
        actor: form.text("actor").to_owned(),
        frame,
    })
}
