//! What the values must satisfy together.

use std::{collections::BTreeSet, fmt, net::SocketAddr, path::Path, time::Duration};

use super::{
    Config, Database, Merchant, Poll, Submit,
    shape::{Page, Section, Value},
};
use crate::domain::{money::Rupiah, policy::MAX_AMOUNT_IDR};

/// Everything that is wrong with a configuration, a sentence each.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Faults(Vec<String>);

impl Faults {
    pub(super) fn one(fault: String) -> Self {
        Self(vec![fault])
    }

    /// Adds a fault.
    pub fn push(&mut self, fault: String) {
        self.0.push(fault);
    }

    /// The sentences.
    pub fn sentences(&self) -> &[String] {
        &self.0
    }

    /// `value` when there is no fault.
    pub(super) fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Faults {}

/// Reads values out of sections, with defaults, and collects what is wrong.
struct Reader<'a> {
    page: &'a Page,
    faults: Faults,
}

static NOTHING: std::sync::LazyLock<Section> = std::sync::LazyLock::new(Section::default);

impl<'a> Reader<'a> {
    fn section(&self, name: &str) -> &'a Section {
        self.page.sections.get(name).unwrap_or(&NOTHING)
    }

    fn fault(&mut self, line: usize, words: &str) {
        self.faults
            .push(format!("{}:{line}: {words}", self.page.name));
    }

    fn text(section: &Section, key: &str) -> Option<(String, usize)> {
        match section.values.get(key) {
            Some((Value::Text(text), line)) => Some((text.clone(), *line)),
            _ => None,
        }
    }

    fn required(&mut self, section: &Section, key: &str) -> String {
        match Self::text(section, key) {
            Some((text, _)) if !text.is_empty() => text,
            _ => {
                self.fault(section.line, &format!("{key} is missing"));
                String::new()
            }
        }
    }

    fn whole(&mut self, section: &Section, key: &str, default: i64, low: i64, high: i64) -> i64 {
        match section.values.get(key) {
            Some((Value::Whole(number), _)) if (low..=high).contains(number) => *number,
            Some((Value::Whole(_), line)) => {
                self.fault(*line, &format!("{key} must be from {low} to {high}"));
                default
            }
            _ => default,
        }
    }

    fn seconds(&mut self, section: &Section, key: &str, default: u64) -> Duration {
        let Some((Value::Seconds(number), line)) = section.values.get(key) else {
            return Duration::from_secs(default);
        };
        match Duration::try_from_secs_f64(*number) {
            Ok(time) if !time.is_zero() && time <= Duration::from_hours(24 * 365) => time,
            _ => {
                self.fault(
                    *line,
                    &format!("{key} must be more than 0 and at most a year"),
                );
                Duration::from_secs(default)
            }
        }
    }

    fn listen(&mut self, section: &str, default: &str) -> Option<SocketAddr> {
        let (text, line) =
            Self::text(self.section(section), "listen").unwrap_or_else(|| (default.to_owned(), 1));
        if text.is_empty() {
            return None;
        }
        if let Ok(address) = text.parse() {
            return Some(address);
        }
        self.fault(
            line,
            &format!(
                "[{section}] listen must be an address and port such as {default}, or \"\" for off"
            ),
        );
        None
    }

    fn one_of(&mut self, section: &Section, key: &str, default: &str, allowed: &[&str]) -> String {
        match Self::text(section, key) {
            Some((text, _)) if allowed.contains(&text.as_str()) => text,
            Some((text, line)) => {
                self.fault(
                    line,
                    &format!(
                        "{key} = \"{text}\": use one of \"{}\"",
                        allowed.join("\", \"")
                    ),
                );
                default.to_owned()
            }
            None => default.to_owned(),
        }
    }
}

pub(super) fn check(
    page: &Page,
    folder: &Path,
    database_url: Option<String>,
) -> Result<Config, Faults> {
    let mut read = Reader {
        page,
        faults: Faults::default(),
    };
    let database = read.section("database");
    let url = database_url
        .or_else(|| Reader::text(database, "url").map(|(text, _)| text))
        .unwrap_or_default();
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        read.fault(
            database.line.max(1),
            "[database] url must be a postgres:// URL, here or in PAYOUT_DATABASE_URL",
        );
    }
    let allow_owner = matches!(
        database.values.get("allow_owner"),
        Some((Value::Flag(true), _))
    );

    let section = read.section("submit");
    let submit = Submit {
        concurrency: usize::try_from(read.whole(section, "concurrency", 64, 1, 1024)).unwrap_or(64),
        timeout: read.seconds(section, "timeout_seconds", 30),
        lease: read.seconds(section, "lease_seconds", 90),
    };
    let witness_file = Reader::text(section, "witness_file")
        .filter(|(file, _)| !file.is_empty())
        .map(|(file, _)| folder.join(file));
    if submit.timeout >= submit.lease {
        read.fault(
            section.line.max(1),
            "timeout_seconds must be less than lease_seconds",
        );
    }
    let section = read.section("poll");
    let poll = Poll {
        first_after: read.seconds(section, "first_after_seconds", 5),
        max_interval: read.seconds(section, "max_interval_seconds", 21_600),
        quiet_horizon: read.seconds(section, "quiet_horizon_seconds", 1_800),
        decline_confirm: read.seconds(section, "decline_confirm_seconds", 60),
        queries_per_second: u32::try_from(read.whole(section, "queries_per_second", 20, 1, 10_000))
            .unwrap_or(20),
    };
    if poll.first_after > poll.max_interval {
        read.fault(
            section.line.max(1),
            "first_after_seconds must not exceed max_interval_seconds",
        );
    }
    let mut warnings = Vec::new();
    if poll.quiet_horizon < Duration::from_mins(5) {
        warnings.push(
            "quiet_horizon_seconds is below 5 minutes: a request may still be on its way then"
                .to_owned(),
        );
    }
    let section = read.section("callback");
    let callbacks_settle = read.one_of(section, "settle", "bound", &["bound", "query"]) == "bound";
    let http_listen = read.listen("http", "127.0.0.1:8080");
    let admin_listen = read.listen("admin", "127.0.0.1:9090");
    if http_listen.is_some() && http_listen == admin_listen {
        read.fault(1, "[http] listen and [admin] listen must differ: the gateway must not reach the admin side");
    }

    let mut codes = BTreeSet::new();
    let mut merchants = Vec::new();
    for section in &page.merchants {
        let merchant = merchant(&mut read, section, folder);
        if !merchant.code.is_empty() && !codes.insert(merchant.code.clone()) {
            read.fault(
                section.line,
                &format!("merchant {} appears twice", merchant.code),
            );
        }
        merchants.push(merchant);
    }
    if merchants.is_empty() {
        read.fault(1, "at least one [[merchant]] is needed");
    }
    let database = Database { url, allow_owner };
    read.faults.or(Config {
        database,
        http_listen,
        admin_listen,
        submit,
        witness_file,
        poll,
        callbacks_settle,
        merchants,
        warnings,
    })
}

fn merchant(read: &mut Reader<'_>, section: &Section, folder: &Path) -> Merchant {
    let base_url = read
        .required(section, "base_url")
        .trim_end_matches('/')
        .to_owned();
    if !base_url.is_empty() && !is_safe_url(&base_url) {
        read.fault(
            section.line,
            "base_url must begin with https:// (http:// only for a gateway on this machine)",
        );
    }
    let notify_url = Reader::text(section, "notify_url");
    if let Some((_, line)) = notify_url
        .as_ref()
        .filter(|(url, _)| !url.starts_with("http"))
    {
        read.fault(
            *line,
            "notify_url must be an http:// or https:// address that the gateway can reach",
        );
    }
    let platform_public_key_files = match section.values.get("platform_public_key_file") {
        Some((Value::Texts(files), _)) if !files.is_empty() => {
            files.iter().map(|file| folder.join(file)).collect()
        }
        _ => {
            read.fault(section.line, "platform_public_key_file is missing");
            Vec::new()
        }
    };
    let min_amount = read.whole(section, "min_amount", 1, 1, MAX_AMOUNT_IDR);
    let max_amount = read.whole(section, "max_amount", MAX_AMOUNT_IDR, 1, MAX_AMOUNT_IDR);
    if min_amount > max_amount {
        read.fault(section.line, "min_amount must not exceed max_amount");
    }
    let path = |key: &str, default: &str| {
        Reader::text(section, key).map_or_else(|| default.to_owned(), |(text, _)| text)
    };
    Merchant {
        code: read.required(section, "code"),
        dialect: read.one_of(section, "dialect", "bdpay", &["bdpay", "toppay"]),
        base_url,
        private_key_file: folder.join(read.required(section, "private_key_file")),
        platform_public_key_files,
        notify_url: notify_url.map(|(url, _)| url),
        fee_reserve: Rupiah::new(read.whole(section, "fee_reserve", 10_000, 0, MAX_AMOUNT_IDR)),
        min_amount: Rupiah::new(min_amount),
        max_amount: Rupiah::new(max_amount),
        funded_by_gateway: read.one_of(section, "funding", "gateway", &["gateway", "books"])
            == "gateway",
        submit_path: path("submit_path", "/gateway/cash"),
        query_path: path("query_path", "/gateway/query"),
        balance_path: path("balance_path", "/gateway/interface/getBalance"),
    }
}

/// HTTPS, or plain HTTP to this very machine.
fn is_safe_url(url: &str) -> bool {
    let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
    url.starts_with("https://")
        || local.iter().any(|host| {
            url.strip_prefix(host)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
        })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{EXAMPLE, parse};

    #[test]
    fn the_shipped_page_is_a_whole_configuration_and_holds_the_defaults() {
        let config = parse("payout.toml", EXAMPLE, Path::new("/etc/payout"), None).unwrap();
        let bare = "[[merchant]]\ncode='S'\nbase_url='https://g'\nprivate_key_file='k'\nplatform_public_key_file='p'";
        let defaults = parse(
            "x",
            bare,
            Path::new("/etc/payout"),
            Some(config.database.url.clone()),
        )
        .unwrap();
        assert_eq!(
            format!("{:?}{:?}", config.submit, config.poll),
            format!("{:?}{:?}", defaults.submit, defaults.poll)
        );
        assert_eq!(config.http_listen, defaults.http_listen);
        assert_eq!(config.admin_listen, defaults.admin_listen);
        assert_eq!(
            config.merchants[0].private_key_file,
            Path::new("/etc/payout/merchant.key")
        );
    }

    #[test]
    fn all_faults_are_reported_at_once_with_file_line_and_what_is_allowed() {
        let text = "[database]\nurl = 'mysql://x'\n[submit]\ntimout = 3\nlease_seconds = 'long'\n[pol]\n\
                    [callback]\nsettle = 'maybe'\n[[merchant]]\ncode = 'S1'\nbase_url = 'http://gateway.example'\n";
        let faults = parse("p.toml", text, Path::new("."), None)
            .unwrap_err()
            .to_string();
        for words in [
            "p.toml:4: unknown key \"timout\"; allowed here: concurrency, timeout_seconds, lease_seconds",
            "p.toml:5: lease_seconds must be a number of seconds",
            "p.toml:6: unknown section \"pol\"; there are database, http",
        ] {
            assert!(faults.contains(words), "{words}\n---\n{faults}");
        }
        let text = text
            .replace("timout = 3", "")
            .replace("lease_seconds = 'long'", "")
            .replace("[pol]", "");
        let faults = parse("p.toml", &text, Path::new("."), None)
            .unwrap_err()
            .to_string();
        for words in [
            "postgres:// URL",
            "\"bound\", \"query\"",
            "https://",
            "private_key_file is missing",
            "platform_public",
        ] {
            assert!(faults.contains(words), "{words}\n---\n{faults}");
        }
    }
}
