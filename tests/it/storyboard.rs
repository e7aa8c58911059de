//! A night on call with the real program: from a stuck payout to a paid one that two people approved.

use crate::support::{site::Site, terminal::Said};

const ORDER: &str = "R-1";
const RESUBMIT: [&str; 4] = ["resubmit", ORDER, "--reason", "ticket 5512: never received"];

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
    until(&site, "state", "unknown").await;
    it_is_found_and_explained(&site).await;
    sending_again_is_refused_before_the_horizon(&site).await;

    // The same answers count as proof once they are late enough and far enough apart.
    until(&site, "attention", "not_found").await;
    let id = proof_lets_one_person_request_it(&site).await;
    the_same_person_may_not_approve(&site, &id).await;
    what_is_not_there_is_not_found(&site).await;
    assert_eq!(submits(&site), 1, "a request sends nothing");

    fault(&site, "off").await;
    another_person_approves_and_it_is_paid_once(&site, &id).await;
    all_of_it_is_on_record(&site).await;
}

/// How often the gateway received the order.
fn submits(site: &Site) -> usize {
    let submits = site.sandbox.submits();
    let ours = submits.iter().filter(|submit| submit.order_num == ORDER);
    ours.count()
}

async fn it_is_found_and_explained(site: &Site) {
    let stuck = ["stuck", "--unknown-for", "0s"];
    site.payout("siti", &stuck).await.with(0).says(&[
        ORDER,
        "Rp 10.001 may or may not have left",
        "unknown_long",
    ]);
    let show = site.payout("siti", &["show", ORDER]).await.with(0);
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
async fn sending_again_is_refused_before_the_horizon(site: &Site) {
    site.payout("siti", &RESUBMIT)
        .await
        .with(4)
        .says(&["the quiet horizon ends at", "Always safe: payout replay"]);
    assert_eq!(
        refusal(
            site,
            "siti",
            "select payout.request_resubmit(array['R-1'], 'now')"
        )
        .await,
        "PW024"
    );
}

async fn proof_lets_one_person_request_it(site: &Site) -> String {
    site.payout("siti", &["stuck"]).await.with(0).says(&[
        ORDER,
        "not_found",
        "replay, then resubmit",
    ]);
    site.payout("siti", &["show", ORDER])
        .await
        .with(0)
        .says(&["allow two people to resubmit it", "payout resubmit R-1"]);
    let requested = site.payout("siti", &RESUBMIT).await.with(5);
    requested.says(&["Nothing is done yet", "Another operator", "payout approve"]);
    let id = request(&requested);
    site.payout("budi", &["approvals"]).await.with(0).says(&[
        ORDER,
        "siti",
        "ticket 5512",
        &format!("payout approve {id}"),
    ]);
    site.payout("budi", &["show", ORDER]).await.with(0).says(&[
        &format!("Request {id}, to resubmit, by siti, waits for a second person until"),
        &format!("payout approve {id}"),
    ]);
    id
}

/// Neither here nor in psql.
async fn the_same_person_may_not_approve(site: &Site, id: &str) {
    site.payout("siti", &["approvals"])
        .await
        .with(0)
        .says(&["yours: somebody else must approve"]);
    site.payout("siti", &["approve", id])
        .await
        .with(4)
        .says(&["is yours", "Another operator"]);
    assert_eq!(
        refusal(site, "siti", &format!("select payout.approve({id})")).await,
        "PW021"
    );
}

async fn what_is_not_there_is_not_found(site: &Site) {
    for unknown in [
        &["show", "NEVER-1"][..],
        &["replay", "NEVER-1"],
        &["resubmit", "NEVER-1", "--reason", "ticket 5512"],
        &["approve", "999999"],
    ] {
        site.payout("budi", unknown)
            .await
            .with(3)
            .says(&["there is no"]);
    }
    for command in ["stuck", "list", "status"] {
        site.payout("budi", &[command, "--merchant", "NOPE"])
            .await
            .with(3)
            .says(&["merchant NOPE is not registered"]);
    }
}

async fn another_person_approves_and_it_is_paid_once(site: &Site, id: &str) {
    site.payout("budi", &["approve", id])
        .await
        .with(0)
        .says(&[ORDER, "done"]);
    until(site, "state", "paid").await;
    site.payout("siti", &["show", ORDER]).await.with(0).says(&[
        "It was settled as paid at",
        "resubmit_granted",
        "by siti and budi",
    ]);
    assert_eq!(submits(site), 2, "the lost one and this one");
    let orders = site.sandbox.orders();
    let booked = orders.iter().filter(|order| order.order_num == ORDER);
    assert_eq!(booked.count(), 1, "booked once");
    let none = site.payout("siti", &["stuck"]).await.with(0);
    none.says(&["no payout needs a person"]);
}

async fn all_of_it_is_on_record(site: &Site) {
    let audit = site.payout("siti", &["audit", ORDER]).await.with(0);
    audit.says(&[
        "resubmit_requested",
        "approved",
        "ticket 5512: never received",
        "requested by siti, approved by budi",
    ]);
    let by_budi = site
        .payout("siti", &["audit", "--actor", "budi", "--since", "1h"])
        .await;
    assert!(!by_budi.with(0).out.contains("resubmit_requested"));
    site.payout("siti", &["approvals", "--all"])
        .await
        .with(0)
        .says(&["done, by budi"]);
}

/// Breaks or repairs the gateway, as the demo does.
async fn fault(site: &Site, fault: &str) {
    let gateway = site.sandbox.url();
    let arguments = ["demo", "break", fault, "--sandbox", &gateway];
    site.payout("siti", &arguments).await.with(0);
}

async fn until(site: &Site, column: &str, expected: &str) {
    let query = format!("select {column} from payout.payouts where order_num = '{ORDER}'");
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
