//! A running console, and browsers in front of it.

use std::{
    io::{BufRead, BufReader},
    net::{IpAddr, Ipv4Addr},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use reqwest::{
    Method, StatusCode,
    header::{COOKIE, HeaderMap, SET_COOKIE},
    redirect::Policy,
};

use crate::{
    operator,
    support::{
        database::Database,
        server::{REFUSE_REPLICATED, TAKE_REPLICATED},
        terminal,
    },
};

/// What a browser sends with a form of the page it shows.
pub(super) const OURS: (&str, &str) = ("sec-fetch-site", "same-origin");

/// A console of its own process, killed when dropped.
pub(super) struct Desk {
    child: Child,
    /// `http://127.0.0.1:PORT`
    pub(super) url: String,
    log: Arc<Mutex<String>>,
}

impl Desk {
    /// In front of this database.
    pub(super) fn before(database: &Database) -> Self {
        // The tests' server checks no password, unless it is a given one.
        Self::allowing_any_password(&database.url())
    }

    /// In front of the database of this URL, whose server need not check passwords.
    pub(super) fn allowing_any_password(url: &str) -> Self {
        Self::start(terminal::program(&[
            "console",
            "--allow-any-password",
            "--listen",
            "127.0.0.1:0",
            "--database-url",
            url,
        ]))
    }

    /// In front of the database of this URL, whose server must check passwords.
    pub(super) fn at(url: &str) -> Self {
        Self::start(terminal::program(&[
            "console",
            "--listen",
            "127.0.0.1:0",
            "--database-url",
            url,
        ]))
    }

    /// In front of this database, with these keys in `[console]`.
    pub(super) fn with(database: &Database, keys: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("console.toml");
        let text = format!(
            "[database]\nurl = \"{}\"\n[console]\nlisten = \"127.0.0.1:0\"\nallow_any_password = true\n{keys}\n[[merchant]]\ncode = \"S1\"\n\
             base_url = \"https://gateway.example\"\nprivate_key_file = \"k\"\nplatform_public_key_file = \"p\"\n",
            database.url()
        );
        std::fs::write(&file, text).unwrap();
        let mut command = terminal::program(&["console", "-c"]);
        command.arg(&file);
        Self::start(command)
    }

    fn start(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let url = lines.by_ref().map(Result::unwrap).find_map(|line| {
            let (_, url) = line.split_once("the console listens on ")?;
            Some(url.trim_end_matches('/').to_owned())
        });
        let log = Arc::new(Mutex::new(String::new()));
        let written = Arc::clone(&log);
        // Read on, or a full pipe would stop the console.
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                written.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        Self {
            log,
            child,
            url: url.expect("the console's address"),
        }
    }

    /// What it has logged.
    pub(super) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// A browser in which nobody is signed in.
    pub(super) fn browser(&self) -> Browser {
        self.browser_at(Ipv4Addr::LOCALHOST)
    }

    /// A browser with this address of this machine.
    pub(super) fn browser_at(&self, address: Ipv4Addr) -> Browser {
        // The client wants one even for plain HTTP; another test may have installed it.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let client = reqwest::Client::builder()
            // The certificates of these tests are their own.
            .danger_accept_invalid_certs(true)
            .local_address(IpAddr::V4(address))
            .redirect(Policy::none());
        Browser {
            client: client.build().unwrap(),
            url: self.url.clone(),
            cookie: String::new(),
            language: "en".to_owned(),
        }
    }

    /// A browser in which a new operator is signed in.
    pub(super) async fn operator(&self, database: &Database) -> Browser {
        let login = database.login(&["payout_operator"]).await;
        self.signed_in(&login).await
    }

    /// A browser in which this login, whose password is its name, is signed in.
    pub(super) async fn signed_in(&self, login: &str) -> Browser {
        let mut browser = self.browser();
        browser.sign_in(login, login).await.with(303);
        assert_ne!(browser.cookie, "");
        browser
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A browser that keeps the cookies of its last sign-in.
#[derive(Clone)]
pub(super) struct Browser {
    client: reqwest::Client,
    url: String,
    pub(super) cookie: String,
    pub(super) language: String,
}

impl Browser {
    pub(super) async fn get(&self, path: &str) -> Page {
        self.send(Method::GET, path, &[], &[]).await
    }

    /// Sends a form as a page of the console would.
    pub(super) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.send(Method::POST, path, fields, &[OURS]).await
    }

    /// Sends a request with these headers and no others that say where it comes from.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Page {
        let mut request = self
            .client
            .request(method.clone(), format!("{}{path}", self.url))
            .header("accept-language", &self.language)
            .header(COOKIE, &self.cookie);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if method == Method::POST {
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.extend_pairs(fields);
            request = request
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form.finish());
        }
        Page::of(request).await
    }

    /// Sends this, as a page of the console would.
    pub(super) async fn raw(&self, method: Method, path: &str, kind: &str, body: &str) -> Page {
        let request = self.client.request(method, format!("{}{path}", self.url));
        let request = request
            .header("accept-language", &self.language)
            .header(COOKIE, &self.cookie)
            .header(OURS.0, OURS.1)
            .header("content-type", kind)
            .body(body.to_owned());
        Page::of(request).await
    }

    /// Uploads a statement.
    pub(super) async fn upload(&self, statement: &str) -> Page {
        let body = format!(
            "--x\r\nContent-Disposition: form-data; name=\"statement\"; filename=\"s.csv\"\r\n\r\n{statement}\r\n\
             --x\r\nContent-Disposition: form-data; name=\"merchant\"\r\n\r\n\r\n--x--\r\n"
        );
        let request = self.client.post(format!("{}/money/statement", self.url));
        let request = request
            .header(COOKIE, &self.cookie)
            .header(OURS.0, OURS.1)
            .header("content-type", "multipart/form-data; boundary=x")
            .body(body);
        Page::of(request).await
    }

    pub(super) async fn sign_in(&mut self, login: &str, password: &str) -> Page {
        let page = self
            .post("/sign-in", &[("login", login), ("password", password)])
            .await;
        let cookies = page.headers.get_all(SET_COOKIE).iter();
        let cookies = cookies.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap());
        let cookies: Vec<_> = cookies.collect();
        if !cookies.is_empty() {
            self.cookie = cookies.join("; ");
        }
        page
    }

    /// Opens the form of an act on a payout, fills it in and sends it.
    pub(super) async fn act(&self, deed: &str, payout: &str, fields: &[(&str, &str)]) -> Page {
        let form = self.get(&format!("/act/{deed}?payout={payout}")).await;
        let token = form.with(200).token();
        let named = [("token", token.as_str()), ("payout", payout)];
        self.post(&format!("/act/{deed}"), &[&named, fields].concat())
            .await
    }
}

/// Lets rows be as no act makes them.
pub(super) async fn set(database: &Database, statements: &str) {
    database
        .run(&format!(
            "{TAKE_REPLICATED}; set session_replication_role = replica; {statements}; \
             set session_replication_role = origin; {REFUSE_REPLICATED}"
        ))
        .await;
}

/// A payout that was sent two hours ago, and of which nothing was received since.
pub(super) async fn doubt(database: &Database, order_num: &str) {
    operator::doubt(database, order_num).await;
    set(
        database,
        &format!(
            "update payout.payouts set send_by = send_by - interval '2 hours', state_since = state_since - interval '2 hours'
             where order_num = '{order_num}';
             update payout.attempts set send_by = send_by - interval '2 hours', quiet_until = now() - interval '1 hour'
             where order_num = '{order_num}'"
        ),
    )
    .await;
}

/// An answer.
pub(super) struct Page {
    status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Page {
    async fn of(request: reqwest::RequestBuilder) -> Self {
        let answer = request.send().await.unwrap();
        Self {
            status: answer.status(),
            headers: answer.headers().clone(),
            text: answer.text().await.unwrap(),
        }
    }

    pub(super) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    #[track_caller]
    pub(super) fn with(self, status: u16) -> Self {
        assert_eq!(self.status(), status, "{}", self.text);
        self
    }

    /// Fails unless the page has each of these.
    #[track_caller]
    pub(super) fn says(&self, words: &[&str]) {
        for word in words {
            assert!(self.text.contains(word), "{word}: {}", self.text);
        }
    }

    /// Fails if the page has one of these.
    #[track_caller]
    pub(super) fn lacks(&self, words: &[&str]) {
        for word in words {
            assert!(!self.text.contains(word), "{word}: {}", self.text);
        }
    }

    /// The token of its form.
    #[track_caller]
    pub(super) fn token(&self) -> String {
        let begin = "name=\"token\" value=\"";
        let (_, rest) = self.text.split_once(begin).expect("a form with a token");
        rest.split('"').next().unwrap().to_owned()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }
}
