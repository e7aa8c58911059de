//! A night on call with the real program: from a stuck payout to a paid one that two people approved.

mod page;
mod prose;

use self::{page::Page, prose::*};
use crate::support::{site::Site, terminal::Said};

const ORDER: &str = "R-1";
const DISOWNED: &str = "R-2";
const RESUBMIT: [&str; 4] = ["resubmit", ORDER, "--reason", "ticket 5512: never received"];
const GIVE_UP: [&str; 10] = [
    "resolve",
    DISOWNED,
    "--as",
    "failed",
    "--evidence",
    "letter 2026/118",
    "--reason",
    "ticket 5513",
    "--confirm",
    DISOWNED,
];

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_payout_is_found_explained_refused_proven_approved_and_paid() {
    let site = Site::with_horizon(8).await;
    for login in ["siti", "budi"] {
        site.login(login, "payout_operator").await;
    }
    let _worker = site.worker("one.toml", "worker.log");
    site.vouch().await;
    fault(&site, "lost").await;
    site.enqueue(1..2).await;
    until(&site, ORDER, "state", "unknown").await;

    let mut night = Night {
        site,
        page: Page::new("A night on call"),
    };
    night.page.says(INTRODUCTION);
    night.it_is_found_and_explained().await;
    night.sending_again_is_refused_before_the_horizon().await;
    // The same answers count as proof once they are late enough and far enough apart.
    until(&night.site, ORDER, "attention", "not_found").await;
    let id = night.proof_lets_one_person_request_it().await;
    night.the_same_person_may_not_approve(&id).await;
    night.what_is_not_there_is_not_found().await;
    assert_eq!(night.submits(ORDER), 1, "a request sends nothing");

    fault(&night.site, "off").await;
    night.another_person_approves_and_it_is_paid_once(&id).await;
    night.all_of_it_is_on_record().await;
    night.two_people_give_up_what_the_gateway_disowns().await;
    night.page.is("docs/a-night-on-call.md");
}

/// Siti is on call; Budi is the second person.
struct Night {
    site: Site,
    page: Page,
}

impl Night {
    /// What the program says to one person, on the page as well.
    async fn runs(&mut self, login: &str, arguments: &[&str], code: i32) -> Said {
        let said = self.site.payout(login, arguments).await.with(code);
        self.page.shows(login, arguments, &said);
        said
    }

    /// How often the gateway received the order.
    fn submits(&self, order: &str) -> usize {
        let submits = self.site.sandbox.submits();
        submits
            .iter()
            .filter(|submit| submit.order_num == order)
            .count()
    }

    async fn it_is_found_and_explained(&mut self) {
        self.page.says(FOUND);
        let status = self.runs("siti", &["status"], 0).await;
        assert!(!status.out.contains("64 of 64"), "one payout at most");
        let stuck = ["stuck", "--unknown-for", "0s"];
        self.runs("siti", &stuck, 0).await.says(&[
            ORDER,
            "in doubt of these: Rp 10.001",
            "unknown_long",
        ]);
        self.page.says(EXPLAINED);
        let show = self.runs("siti", &["show", ORDER], 0).await;
        show.says(&[
            "What we know",
            "What we don't know",
            "may or may not have left",
            "What happens next",
            "never resent automatically",
            "refused for now: the quiet horizon ends at",
            " WIB: until then",
            "payout replay R-1",
        ]);
        assert!(!show.out.contains("payout resubmit"), "{}", show.out);
    }

    /// A login for the tool and for psql.
    async fn sending_again_is_refused_before_the_horizon(&mut self) {
        self.page.says(TOO_EARLY);
        self.runs("siti", &RESUBMIT, 4)
            .await
            .says(&["the quiet horizon ends at", "Always safe: payout replay"]);
        let statement = "select payout.request_resubmit(array['R-1'], 'now')";
        assert_eq!(refusal(&self.site, "siti", statement).await, "PW024");
    }

    async fn proof_lets_one_person_request_it(&mut self) -> String {
        self.page.says(PROVEN);
        self.runs("siti", &["stuck"], 0)
            .await
            .says(&[ORDER, "not_found", "replay, then resubmit"]);
        self.site
            .payout("siti", &["show", ORDER])
            .await
            .with(0)
            .says(&["allow two people to resubmit it", "payout resubmit R-1"]);
        let requested = self.runs("siti", &RESUBMIT, 5).await;
        requested.says(&["Nothing is done yet", "Another operator", "payout approve"]);
        let id = request(&requested);
        self.page.says(SECOND_PERSON);
        self.runs("budi", &["approvals"], 0).await.says(&[
            ORDER,
            "siti",
            "ticket 5512",
            &format!("payout approve {id}"),
        ]);
        self.site
            .payout("budi", &["show", ORDER])
            .await
            .with(0)
            .says(&[
                &format!("Request {id}, to resubmit, by siti, waits for a second person until"),
                &format!("payout approve {id}"),
            ]);
        id
    }

    /// Neither here nor in psql.
    async fn the_same_person_may_not_approve(&mut self, id: &str) {
        self.site
            .payout("siti", &["approvals"])
            .await
            .with(0)
            .says(&["yours: somebody else must approve"]);
        self.page.says(NOT_SITI);
        self.runs("siti", &["approve", id], 4)
            .await
            .says(&["is yours", "Another operator"]);
        let statement = format!("select payout.approve({id})");
        assert_eq!(refusal(&self.site, "siti", &statement).await, "PW021");
    }

    async fn what_is_not_there_is_not_found(&self) {
        for unknown in [
            &["show", "NEVER-1"][..],
            &["replay", "NEVER-1"],
            &["resubmit", "NEVER-1", "--reason", "ticket 5512"],
            &["approve", "999999"],
        ] {
            self.site
                .payout("budi", unknown)
                .await
                .with(3)
                .says(&["there is no"]);
        }
        for command in ["stuck", "list", "status"] {
            self.site
                .payout("budi", &[command, "--merchant", "NOPE"])
                .await
                .with(3)
                .says(&["merchant NOPE is not registered"]);
        }
    }

    async fn another_person_approves_and_it_is_paid_once(&mut self, id: &str) {
        self.page.says(APPROVED);
        self.runs("budi", &["approve", id], 0)
            .await
            .says(&[ORDER, "done"]);
        until(&self.site, ORDER, "state", "paid").await;
        self.page.says(PAID);
        self.runs("siti", &["show", ORDER], 0).await.says(&[
            "It was settled as paid at",
            "resubmit_granted",
            "requested by siti, approved by budi",
        ]);
        assert_eq!(self.submits(ORDER), 2, "the lost one and this one");
        let orders = self.site.sandbox.orders();
        let booked = orders.iter().filter(|order| order.order_num == ORDER);
        assert_eq!(booked.count(), 1, "booked once");
        let none = self.site.payout("siti", &["stuck"]).await.with(0);
        none.says(&["no payout needs a person"]);
    }

    async fn all_of_it_is_on_record(&mut self) {
        self.page.says(ON_RECORD);
        self.runs("siti", &["audit", ORDER], 0).await.says(&[
            "resubmit_requested",
            "approved",
            "ticket 5512: never received",
            "requested by siti, approved by budi",
        ]);
        let by_budi = self
            .site
            .payout("siti", &["audit", "--actor", "budi", "--since", "1h"])
            .await;
        assert!(!by_budi.with(0).out.contains("resubmit_requested"));
        self.site
            .payout("siti", &["approvals", "--all"])
            .await
            .with(0)
            .says(&["done, by budi"]);
    }

    /// The gateway has the money back and says so in writing.
    async fn two_people_give_up_what_the_gateway_disowns(&mut self) {
        fault(&self.site, "lost").await;
        self.site.enqueue(2..3).await;
        until(&self.site, DISOWNED, "attention", "not_found").await;
        self.page.says(DISOWNED_BY_LETTER);
        let requested = self.runs("siti", &GIVE_UP, 5).await;
        let id = request(&requested);
        self.runs("budi", &["approve", &id], 0).await;
        until(&self.site, DISOWNED, "state", "failed").await;
        self.page.says(GIVEN_UP);
        self.runs("siti", &["stuck"], 0)
            .await
            .says(&["no payout needs a person"]);
        assert_eq!(self.submits(DISOWNED), 1, "giving up sends nothing");
    }
}

/// Breaks or repairs the gateway, as the demo does.
async fn fault(site: &Site, fault: &str) {
    let gateway = site.sandbox.url();
    let arguments = ["demo", "break", fault, "--sandbox", &gateway];
    site.payout("siti", &arguments).await.with(0);
}

async fn until(site: &Site, order: &str, column: &str, expected: &str) {
    let query = format!("select {column} from payout.payouts where order_num = '{order}'");
    site.until(&query, expected).await;
}

/// The number in "Recorded as request 118."
fn request(said: &Said) -> String {
    let rest = said.out.split("Recorded as request ").nth(1).unwrap();
    rest.chars().take_while(char::is_ascii_digit).collect()
}

/// The SQLSTATE with which the database refuses a statement typed in psql.
async fn refusal(site: &Site, login: &str, statement: &str) -> String {
    let pool = sqlx::PgPool::connect(&site.cluster.url("postgres", login))
        .await
        .unwrap();
    let error = sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned()))
        .execute(&pool)
        .await
        .unwrap_err();
    error
        .as_database_error()
        .unwrap()
        .code()
        .unwrap()
        .into_owned()
}
