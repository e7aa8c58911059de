//! Who gets in, and which requests are answered.

use std::{
    fs,
    process::{Command, Stdio},
    time::Duration,
};

use payout_worker::store::schema::migrate;
use reqwest::Method;
use sqlx::{Connection, PgConnection};
use throwaway_postgres::{Cluster, Options, SUPERUSER};
use tokio::time::{Instant, sleep};

use super::desk::{Desk, OURS};
use crate::support::{
    database::{Database, MERCHANT},
    site::Site,
    terminal::payout,
};

/// What every answer carries.
const HEADERS: [(&str, &str); 4] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
         frame-ancestors 'none'; base-uri 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cache-control", "no-store"),
];

/// A site whose server checks the passwords of two logins.
pub(super) async fn site_with_passwords() -> Site {
    let site = Site::build().await;
    for login in ["siti", "budi"] {
        site.login(login, "payout_operator").await;
        site.run(&format!("alter role {login} password '{login}'"))
            .await;
    }
    let file = site.cluster.data_dir().join("pg_hba.conf");
    let rules = fs::read_to_string(&file).unwrap();
    let checked = "host all siti,budi all scram-sha-256\nlocal all siti,budi scram-sha-256\n";
    fs::write(&file, format!("{checked}{rules}")).unwrap();
    site.run("select pg_reload_conf()").await;
    site.until(
        "select count(*) from pg_hba_file_rules where auth_method = 'scram-sha-256'",
        "2",
    )
    .await;
    site
}

#[tokio::test]
async fn a_wrong_password_lets_nobody_in_and_slows_a_login_without_locking_it() {
    let site = site_with_passwords().await;
    let desk = Desk::at(&site.cluster.url("postgres", SUPERUSER));
    let mut browser = desk.browser();
    for login in ["siti", "nobody"] {
        let page = browser.sign_in(login, "guess").await.with(403);
        page.says(&["Login or password is wrong."]);
        page.lacks(&["guess", "does not exist"]);
    }
    assert_eq!(browser.cookie, "");
    browser.get("/").await.with(303);

    for _ in 0..6 {
        browser.sign_in("siti", "guess").await.with(403);
    }
    let began = Instant::now();
    browser.sign_in("siti", "siti").await.with(303);
    assert!(began.elapsed() > Duration::from_millis(400), "not slowed");
    browser
        .get("/")
        .await
        .with(200)
        .says(&["Signed in as siti"]);
    // Others are not slowed by what happened to that login, once their address has had its turn.
    desk.signed_in("budi").await;
}

#[tokio::test]
async fn nobody_gets_in_where_the_database_takes_any_password() {
    let site = site_with_passwords().await;
    site.login("agus", "payout_operator").await;
    let desk = Desk::at(&site.cluster.url("postgres", SUPERUSER));
    let mut browser = desk.browser();
    for login in ["agus", SUPERUSER] {
        let page = browser.sign_in(login, "anything").await.with(403);
        page.says(&["lets this login in with any password"]);
    }
    assert_eq!(browser.cookie, "");
    desk.signed_in("siti").await;
}

#[tokio::test]
async fn a_password_that_the_url_holds_is_not_lent_to_people() {
    let site = site_with_passwords().await;
    let url = site
        .cluster
        .url("postgres", "siti")
        .replace("siti@", "siti:siti@");
    let desk = Desk::at(&url);
    let mut browser = desk.browser();
    browser.sign_in("siti", "guess").await.with(403);
    browser.sign_in("siti", "").await.with(403);
    browser.sign_in("", "siti").await.with(403);
}

#[tokio::test]
async fn every_answer_forbids_scripts_frames_and_copies() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    let desk = Desk::before(&database);
    let login = database.login(&["payout_operator"]).await;
    let stranger = desk.browser();
    let browser = desk.signed_in(&login).await;
    let payout = format!("/payouts/{MERCHANT}/INV-1");
    for (page, status) in [
        (stranger.get("/").await, 303),
        (stranger.get("/sign-in").await, 200),
        (stranger.get("/assets/console.css").await, 200),
        (stranger.get("/assets/console.js").await, 200),
        (stranger.get("/nothing").await, 404),
        (stranger.post("/", &[]).await, 405),
        (browser.get("/").await, 200),
        (browser.get("/payouts").await, 200),
        (browser.get("/payouts.csv").await, 200),
        (browser.get(&payout).await, 200),
        (browser.get("/payouts/x/y").await, 404),
        (browser.get("/payouts?min=x").await, 400),
        (browser.send(Method::POST, "/sign-out", &[], &[]).await, 403),
        (
            browser
                .send(Method::GET, "/", &[], &[("host", "evil.example")])
                .await,
            421,
        ),
    ] {
        assert_eq!(page.status(), status, "{}", page.text);
        for (name, value) in HEADERS {
            assert_eq!(page.header(name), value, "{status} {name}");
        }
    }
}

#[tokio::test]
async fn a_request_that_none_of_our_pages_sent_changes_nothing() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    let desk = Desk::before(&database);
    let login = database.login(&["payout_operator"]).await;
    let browser = desk.signed_in(&login).await;
    let payout = format!("{MERCHANT}/INV-1");
    let form = browser.get(&format!("/act/cancel?payout={payout}")).await;
    let token = form.with(200).token();
    let fields = [
        ("token", token.as_str()),
        ("payout", payout.as_str()),
        ("reason", "a test"),
    ];
    let own = desk.url.clone();
    for headers in [
        &[][..],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
        &[("sec-fetch-site", "cross-site"), ("origin", own.as_str())],
        &[("origin", "null")],
        &[("origin", "http://evil.example")],
    ] {
        let page = browser
            .send(Method::POST, "/act/cancel", &fields, headers)
            .await;
        page.with(403).says(&["not sent by a page of the console"]);
        assert_eq!(database.state("INV-1").await, "queued", "{headers:?}");
    }
    let host = [OURS, ("host", "evil.example")];
    browser
        .send(Method::POST, "/act/cancel", &fields, &host)
        .await
        .with(421);
    browser.get("/act/cancel").await.with(400);
    assert_eq!(database.state("INV-1").await, "queued");
    // An older browser says where the page is from, and that suffices.
    let page = browser
        .send(Method::POST, "/act/cancel", &fields, &[("origin", &own)])
        .await;
    page.with(200);
    assert_eq!(database.state("INV-1").await, "cancelled");
}

#[tokio::test]
async fn a_session_ends_when_nobody_uses_it_and_when_somebody_signs_out() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    let login = database.login(&["payout_operator"]).await;
    let desk = Desk::with(&database, "idle_seconds = 2");
    let browser = desk.signed_in(&login).await;
    let payout = format!("{MERCHANT}/INV-1");
    let form = browser.get(&format!("/act/cancel?payout={payout}")).await;
    let token = form.with(200).token();
    // A page that refreshes by the clock is not somebody who uses it.
    let deadline = Instant::now() + Duration::from_secs(30);
    let refresh = [("x-payout-refresh", "1")];
    while browser.send(Method::GET, "/", &[], &refresh).await.status() == 200 {
        assert!(Instant::now() < deadline, "the session never ended");
        sleep(Duration::from_millis(200)).await;
    }
    let fields = [
        ("token", token.as_str()),
        ("payout", &payout),
        ("reason", "a test"),
    ];
    let page = browser.post("/act/cancel", &fields).await.with(401);
    page.says(&["Your session is over. Nothing was done."]);
    assert_eq!(database.state("INV-1").await, "queued");
    let connections =
        format!("select count(*) = 0 from pg_stat_activity where usename = '{login}'");
    database.until(&connections).await;

    let browser = desk.signed_in(&login).await;
    browser.post("/sign-out", &[]).await.with(303);
    browser.get("/").await.with(303);
    database.until(&connections).await;
}

#[tokio::test]
async fn what_was_typed_when_a_session_ended_comes_back_for_the_same_login_alone() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    let (login, other) = (
        database.login(&["payout_operator"]).await,
        database.login(&["payout_operator"]).await,
    );
    let desk = Desk::with(&database, "idle_seconds = 3");
    let mut browser = desk.signed_in(&login).await;
    let payout = format!("{MERCHANT}/INV-1");
    let form = browser.get(&format!("/act/cancel?payout={payout}")).await;
    let token = form.with(200).token();
    let deadline = Instant::now() + Duration::from_secs(30);
    let refresh = [("x-payout-refresh", "1")];
    while browser.send(Method::GET, "/", &[], &refresh).await.status() == 200 {
        assert!(Instant::now() < deadline, "the session never ended");
        sleep(Duration::from_millis(200)).await;
    }
    let typed = [
        ("payout", payout.as_str()),
        ("reason", "wrong amount, ticket 7"),
    ];
    let fields = [&typed[..], &[("token", token.as_str())]].concat();
    let page = browser.post("/act/cancel", &fields).await.with(401);
    page.says(&[
        "Nothing was done.",
        "the form comes back as you filled it in",
    ]);
    assert_eq!(
        page.header("set-cookie"),
        "",
        "nothing is kept in the browser"
    );

    // Neither somebody else in that browser, nor the same person in another one.
    let mut somebody_else = browser.clone();
    let elsewhere = desk.signed_in(&login).await;
    let page = somebody_else.sign_in(&other, &other).await.with(303);
    assert_eq!(page.header("location"), "/");
    for nobody in [&somebody_else, &elsewhere] {
        let page = nobody.get("/unsent").await.with(303);
        assert_eq!(page.header("location"), "/");
    }

    let page = browser.sign_in(&login, &login).await.with(303);
    assert_eq!(page.header("location"), "/unsent");
    let page = browser.get("/unsent").await.with(200);
    page.says(&["action=\"/act/cancel\"", "value=\"wrong amount, ticket 7\""]);
    page.lacks(&[&token, "name=\"token\""]);
    assert_eq!(database.state("INV-1").await, "queued");
    let again = [&typed[..], &[("again", "yes")]].concat();
    let page = browser.post("/act/cancel", &again).await.with(200);
    page.says(&["Rp 250.000", "value=\"wrong amount, ticket 7\""]);
    assert_eq!(database.state("INV-1").await, "queued", "only shown");
    let token = page.token();
    let fields = [&typed[..], &[("token", token.as_str())]].concat();
    browser.post("/act/cancel", &fields).await.with(200);
    assert_eq!(database.state("INV-1").await, "cancelled");
}

#[tokio::test]
async fn a_session_ends_after_its_time_however_much_it_is_used() {
    let database = Database::with_merchant().await;
    let login = database.login(&["payout_reader"]).await;
    let desk = Desk::with(&database, "session_seconds = 2");
    let browser = desk.signed_in(&login).await;
    let deadline = Instant::now() + Duration::from_secs(30);
    while browser.get("/").await.status() == 200 {
        assert!(Instant::now() < deadline, "the session never ended");
        sleep(Duration::from_millis(200)).await;
    }
    browser.get("/").await.with(303);
}

#[tokio::test]
async fn a_login_that_was_disabled_meanwhile_can_do_nothing() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    let desk = Desk::before(&database);
    for disable in ["nologin", "valid until 'yesterday'"] {
        let login = database.login(&["payout_operator"]).await;
        let browser = desk.signed_in(&login).await;
        let payout = format!("{MERCHANT}/INV-1");
        let form = browser.get(&format!("/act/cancel?payout={payout}")).await;
        let token = form.with(200).token();
        database.run(&format!("alter role {login} {disable}")).await;
        let fields = [
            ("token", token.as_str()),
            ("payout", &payout),
            ("reason", "a test"),
        ];
        let page = browser.post("/act/cancel", &fields).await.with(403);
        page.says(&["may no longer log in"]);
        assert_eq!(database.state("INV-1").await, "queued");
        // Its session is over as well.
        browser.get("/").await.with(303);
    }
}

#[tokio::test]
async fn a_login_without_a_role_of_the_schema_does_not_get_in() {
    let database = Database::with_merchant().await;
    let desk = Desk::before(&database);
    for roles in [&[][..], &["payout_enqueuer"], &["payout_follower"]] {
        let login = database.login(roles).await;
        let page = desk.browser().sign_in(&login, &login).await.with(403);
        page.says(&["This login may not use the console"]);
    }
}

#[tokio::test]
async fn as_many_people_as_configured_are_signed_in_at_a_time() {
    let database = Database::with_merchant().await;
    let desk = Desk::with(&database, "sessions_max = 2");
    let mut browsers = Vec::new();
    for _ in 0..2 {
        let login = database.login(&["payout_reader"]).await;
        browsers.push(desk.signed_in(&login).await);
    }
    let login = database.login(&["payout_reader"]).await;
    let mut third = desk.browser();
    third.sign_in(&login, &login).await.with(503);
    browsers[0].post("/sign-out", &[]).await.with(303);
    third.sign_in(&login, &login).await.with(303);
}

#[tokio::test]
async fn the_console_leaves_the_workers_the_connections_that_they_need() {
    let options = Options {
        settings: vec![("max_connections".to_owned(), "20".to_owned())],
        ..Options::default()
    };
    let cluster = tokio::task::spawn_blocking(|| Cluster::start(options))
        .await
        .unwrap()
        .unwrap();
    let url = cluster.url("postgres", SUPERUSER);
    migrate(&url, &[], &[], false).await.unwrap();
    let desk = Desk::allowing_any_password(&url);
    // 17 for everybody without special rights: this one and two more leave 14.
    let mut pool = vec![PgConnection::connect(&url).await.unwrap()];
    let mut browser = desk.browser();
    browser.sign_in(SUPERUSER, "x").await.with(303);
    pool.push(PgConnection::connect(&url).await.unwrap());
    let page = desk.browser().sign_in(SUPERUSER, "x").await.with(503);
    page.says(&["too few free connections"]);
    browser.get("/").await.with(200);
}

#[tokio::test]
async fn the_cookie_is_for_the_console_alone() {
    let database = Database::with_merchant().await;
    let login = database.login(&["payout_reader"]).await;
    let fields = [("login", login.as_str()), ("password", &login)];
    let desk = Desk::before(&database);
    let page = desk.browser().post("/sign-in", &fields).await.with(303);
    let cookie = page.header("set-cookie");
    assert!(cookie.starts_with("payout_session="), "{cookie}");
    assert!(
        cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"),
        "{cookie}"
    );

    let desk = Desk::with(&database, "origins = [\"https://payout.example\"]");
    let headers = [OURS, ("host", "payout.example")];
    let page = desk
        .browser()
        .send(Method::POST, "/sign-in", &fields, &headers)
        .await;
    let page = page.with(303);
    let cookie = page.header("set-cookie");
    assert!(cookie.starts_with("__Host-payout="), "{cookie}");
    assert!(
        cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"),
        "{cookie}"
    );
    assert_eq!(page.header("location"), "/");
    desk.browser().get("/sign-in").await.with(421);
}

#[tokio::test]
async fn over_tls_the_cookie_is_secure_and_the_browser_is_told_to_stay() {
    let database = Database::with_merchant().await;
    let folder = tempfile::tempdir().unwrap();
    let (key, certificate) = (folder.path().join("key"), folder.path().join("certificate"));
    let made = Command::new("openssl")
        .args("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost".split(' '))
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .stderr(Stdio::null())
        .status();
    if !made.is_ok_and(|made| made.success()) {
        println!("skipped: there is no openssl to make a certificate with");
        return;
    }
    let keys = format!("tls_cert_file = {certificate:?}\ntls_key_file = {key:?}");
    let desk = Desk::with(&database, &keys);
    assert!(desk.url.starts_with("https://"), "{}", desk.url);
    let login = database.login(&["payout_reader"]).await;
    let browser = desk.signed_in(&login).await;
    assert!(
        browser.cookie.starts_with("__Host-payout="),
        "{}",
        browser.cookie
    );
    let page = browser.get("/").await.with(200);
    // Of localhost nothing is promised: other programs of this machine have it too.
    assert_eq!(page.header("strict-transport-security"), "");
    let named = Desk::with(
        &database,
        &format!("{keys}\norigins = [\"https://payout.example\"]"),
    );
    // Behind another name, so it is not answered; the headers are those of every answer.
    let page = named.browser().get("/sign-in").await.with(421);
    assert_eq!(page.header("strict-transport-security"), "max-age=31536000");
}

#[tokio::test]
async fn only_a_named_proxy_says_where_a_browser_is() {
    let database = Database::with_merchant().await;
    let login = database.login(&["payout_reader"]).await;
    let fields = [("login", login.as_str()), ("password", &login)];
    let keys = "origins = [\"https://payout.example\"]\nproxies = [\"127.0.0.2\"]";
    let desk = Desk::with(&database, keys);
    for (last, forwarded) in [(2, "203.0.113.2"), (3, "203.0.113.3")] {
        let headers = [
            OURS,
            ("host", "payout.example"),
            ("x-forwarded-for", forwarded),
        ];
        let browser = desk.browser_at([127, 0, 0, last].into());
        browser
            .send(Method::POST, "/sign-in", &fields, &headers)
            .await
            .with(303);
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    while !["203.0.113.2", "127.0.0.3"]
        .iter()
        .all(|believed| desk.log().contains(believed))
    {
        assert!(Instant::now() < deadline, "{}", desk.log());
        sleep(Duration::from_millis(50)).await;
    }
    let log = desk.log();
    for other in ["203.0.113.3", "127.0.0.2"] {
        assert!(!log.contains(other), "{other}: {log}");
    }
}

#[tokio::test]
async fn choosing_a_language_leads_nowhere_else() {
    let database = Database::with_merchant().await;
    let desk = Desk::before(&database);
    let browser = desk.browser();
    for (to, location) in [
        ("/payouts?tab=paid", "/payouts?tab=paid"),
        ("//evil.example/", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
    ] {
        let page = browser
            .post("/language", &[("language", "id"), ("to", to)])
            .await;
        assert_eq!(page.header("location"), location, "{to}");
        assert!(
            page.header("set-cookie")
                .starts_with("payout_language=id; Path=/;")
        );
    }
}

#[tokio::test]
async fn passwords_are_taken_beyond_this_machine_only_over_tls() {
    let database = Database::with_merchant().await;
    let said = tokio::task::spawn_blocking(move || {
        payout(&database, &["console", "--listen", "0.0.0.0:0"])
    });
    said.await.unwrap().with(78).says(&["without TLS"]);
}
