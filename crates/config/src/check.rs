//! What the values must satisfy, each by itself and together.

use std::{collections::BTreeSet, net::SocketAddr, path::Path, str::FromStr, time::Duration};

use payout_domain::{money::Rupiah, policy::MAX_AMOUNT_IDR};
use payout_gateway::{Dialect, address};
use sqlx::postgres::PgConnectOptions;

use super::{
    Approvals, Config, Database, Faults, Merchant, Poll, Submit, WitnessFile,
    console::console,
    database_url::why_unreadable_url,
    section::{Page, Section},
};

/// Every section that exists.
const SECTIONS: [&str; 9] = [
    "database",
    "http",
    "admin",
    "submit",
    "poll",
    "callback",
    "approvals",
    "console",
    "merchant",
];

pub(super) fn check(
    page: &Page<'_>,
    folder: &Path,
    database_url: Option<String>,
) -> Result<Config, Faults> {
    page.only_sections(&SECTIONS);
    let mut section = page.section("callback");
    let callbacks_settle = section.one_of("settle", &["bound", "query"]) == "bound";
    section.end();
    let (submit, witness_file) = submit(page.section("submit"), folder);
    let mut config = Config {
        database: database(page, database_url),
        http_listen: listen(page, "http", "127.0.0.1:8080"),
        admin_listen: listen(page, "admin", "127.0.0.1:9090"),
        submit,
        witness_file,
        poll: poll(page.section("poll")),
        callbacks_settle,
        approvals: approvals(page.section("approvals"), folder),
        console: console(page, folder),
        merchants: merchants(page, folder),
        warnings: Vec::new(),
    };
    if config.http_listen.is_some() && config.http_listen == config.admin_listen {
        page.fault(
            1,
            "[http] listen and [admin] listen must differ: the gateway must not reach the admin side",
        );
    }
    if config.poll.quiet_horizon < Duration::from_mins(5) {
        config.warnings.push(
            "quiet_horizon_seconds is below 5 minutes: a request may still be on its way by then"
                .to_owned(),
        );
    }
    let warning = config.console.warning().map(str::to_owned);
    config.warnings.extend(warning);
    page.no_faults()?;
    Ok(config)
}

fn database(page: &Page<'_>, database_url: Option<String>) -> Database {
    let mut section = page.section("database");
    let stated = section.text("url");
    let (line, url) = match (database_url, stated) {
        (Some(url), _) => (section.line, url),
        (None, Some(stated)) => stated,
        (None, None) => (section.line, String::new()),
    };
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        let words = "[database] url must be a postgres:// URL, here or in PAYOUT_DATABASE_URL";
        page.fault(line, words);
    } else if PgConnectOptions::from_str(&url).is_err() {
        page.fault(
            line,
            format!(
                "[database] url cannot be read: {}",
                why_unreadable_url(&url)
            ),
        );
    }
    let allow_owner = section.flag("allow_owner");
    section.end();
    Database { url, allow_owner }
}

/// `None` when the listener is switched off.
fn listen(page: &Page<'_>, name: &str, default: &str) -> Option<SocketAddr> {
    let mut section = page.section(name);
    let stated = section.text("listen");
    section.end();
    let (line, text) = stated.unwrap_or((1, default.to_owned()));
    if text.is_empty() {
        return None;
    }
    let address = text.parse().ok();
    if address.is_none() {
        page.fault(
            line,
            format_args!(
                "[{name}] listen must be an address and port such as {default}, or \"\" to switch it off"
            ),
        );
    }
    address
}

fn submit(mut section: Section<'_>, folder: &Path) -> (Submit, WitnessFile) {
    let submit = Submit {
        concurrency: usize::try_from(section.whole("concurrency", 64, 1..=1024)).unwrap_or(64),
        timeout: section.seconds("timeout_seconds", 30),
        lease: section.seconds("lease_seconds", 90),
    };
    let witness_file = match section.text("witness_file") {
        None => WitnessFile::Auto,
        Some((_, file)) if file == "auto" => WitnessFile::Auto,
        Some((_, file)) if file.is_empty() => WitnessFile::Off,
        Some((_, file)) => WitnessFile::At(folder.join(file)),
    };
    if submit.timeout >= submit.lease {
        section.fault("timeout_seconds must be less than lease_seconds");
    }
    section.end();
    (submit, witness_file)
}

fn poll(mut section: Section<'_>) -> Poll {
    let poll = Poll {
        first_after: section.seconds("first_after_seconds", 5),
        max_interval: section.seconds("max_interval_seconds", 21_600),
        quiet_horizon: section.seconds("quiet_horizon_seconds", 1_800),
        decline_confirm: section.seconds("decline_confirm_seconds", 60),
        queries_per_second: u32::try_from(section.whole("queries_per_second", 20, 1..=10_000))
            .unwrap_or(20),
    };
    if poll.first_after > poll.max_interval {
        section.fault("first_after_seconds must not exceed max_interval_seconds");
    }
    section.end();
    poll
}

fn approvals(mut section: Section<'_>, folder: &Path) -> Approvals {
    let approvals = Approvals {
        notify_command: command(section.list("notify_command"), folder),
        notify_url_file: section
            .text("notify_url_file")
            .filter(|(_, file)| !file.is_empty())
            .map(|(_, file)| folder.join(file)),
    };
    section.end();
    approvals
}

/// A program with a folder in its name is relative to this file; one without is looked up in the PATH.
fn command(mut words: Vec<String>, folder: &Path) -> Vec<String> {
    if let Some(program) = words.first_mut()
        && program.contains('/')
    {
        *program = folder.join(&*program).display().to_string();
    }
    words
}

fn merchants(page: &Page<'_>, folder: &Path) -> Vec<Merchant> {
    let mut codes = BTreeSet::new();
    let mut merchants = Vec::new();
    for section in page.sections("merchant") {
        let line = section.line;
        let merchant = merchant(page, section, folder);
        if !merchant.code.is_empty() && !codes.insert(merchant.code.clone()) {
            page.fault(
                line,
                format_args!("merchant {} appears twice", merchant.code),
            );
        }
        merchants.push(merchant);
    }
    if merchants.is_empty() {
        page.fault(1, "at least one [[merchant]] is needed");
    }
    merchants
}

fn merchant(page: &Page<'_>, mut section: Section<'_>, folder: &Path) -> Merchant {
    let code = section.required("code");
    let dialects: Vec<_> = Dialect::ALL.iter().map(|dialect| dialect.name()).collect();
    let dialect = section.one_of("dialect", &dialects);
    let base_url = section.required("base_url");
    let base_url = base_url.trim_end_matches('/').to_owned();
    if let Err(error) = address::base_url(&base_url)
        && !base_url.is_empty()
    {
        section.fault(format_args!("base_url {error}"));
    }
    let private_key_file = folder.join(section.required("private_key_file"));
    let platform_keys = section.required_list("platform_public_key_file");
    let ca_file = section.text("ca_file").map(|(_, file)| folder.join(file));
    let notify_url = section.text("notify_url");
    if let Some((line, url)) = &notify_url
        && let Err(error) = address::notify_url(url)
    {
        page.fault(*line, format_args!("notify_url {error}"));
    }
    let fee_reserve = section.whole("fee_reserve", 10_000, 0..=MAX_AMOUNT_IDR);
    let min_amount = section.whole("min_amount", 1, 1..=MAX_AMOUNT_IDR);
    let max_amount = section.whole("max_amount", MAX_AMOUNT_IDR, 1..=MAX_AMOUNT_IDR);
    if min_amount > max_amount {
        section.fault("min_amount must not exceed max_amount");
    }
    let funding = section.one_of("funding", &["gateway", "books"]);
    let mut path = |key, default: &str| {
        let Some((line, path)) = section.text(key) else {
            return default.to_owned();
        };
        if let Err(error) = address::request_url("https://gateway.example", &path) {
            page.fault(line, format_args!("{key} {error}"));
        }
        path
    };
    let merchant = Merchant {
        code,
        dialect: dialect.to_owned(),
        base_url,
        private_key_file,
        platform_public_key_files: platform_keys.iter().map(|file| folder.join(file)).collect(),
        ca_file,
        notify_url: notify_url.map(|(_, url)| url),
        fee_reserve: Rupiah::new(fee_reserve),
        min_amount: Rupiah::new(min_amount),
        max_amount: Rupiah::new(max_amount),
        funded_by_gateway: funding == "gateway",
        submit_path: path("submit_path", "/gateway/cash"),
        query_path: path("query_path", "/gateway/query"),
        balance_path: path("balance_path", "/gateway/interface/getBalance"),
    };
    section.end();
    merchant
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{EXAMPLE, parse};
    use payout_gateway::Dialect;

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
        assert_eq!(config.console, defaults.console);
        assert_eq!(config.witness_file, defaults.witness_file);
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
            "p.toml:2: [database] url must be a postgres:// URL",
            "p.toml:4: unknown key \"timout\"; allowed here: concurrency, timeout_seconds, lease_seconds",
            "p.toml:5: lease_seconds must be a number of seconds",
            "p.toml:6: unknown section \"pol\"; allowed: database, http",
            "p.toml:8: settle = \"maybe\": use one of \"bound\", \"query\"",
            "p.toml:9: base_url must begin with https://",
            "p.toml:9: private_key_file is missing",
            "p.toml:9: platform_public_key_file is missing",
        ] {
            assert!(faults.contains(words), "{words}\n---\n{faults}");
        }
        assert_eq!(faults.lines().count(), 8, "{faults}");
        let unreadable = parse("p.toml", "a = 1\na = \n", Path::new("."), None).unwrap_err();
        assert!(
            unreadable
                .sentences()
                .iter()
                .all(|fault| fault.starts_with("p.toml:2: ")),
            "{unreadable}"
        );
    }

    #[test]
    fn proxies_are_addresses_and_a_console_that_would_believe_anybody_says_so() {
        let read = |keys: &str| {
            let text = format!(
                "[console]\nlisten = '10.0.0.1:9091'\norigins = ['https://payout.example']\n{keys}\n\
                 [[merchant]]\ncode='S'\nbase_url='https://g'\nprivate_key_file='k'\nplatform_public_key_file='p'"
            );
            parse("p.toml", &text, Path::new("."), Some("postgres://x".into()))
        };
        let named = read("proxies = ['10.0.0.5', 'fd00::5']").unwrap();
        let proxies: [std::net::IpAddr; 2] =
            ["10.0.0.5", "fd00::5"].map(|one| one.parse().unwrap());
        assert_eq!(named.console.proxies, proxies);
        assert!(named.warnings.is_empty(), "{:?}", named.warnings);
        let one = read("proxies = '10.0.0.5'").unwrap();
        assert_eq!(one.console.proxies, proxies[..1]);
        let open = read("").unwrap().warnings.join("\n");
        assert!(open.contains("believes whoever reaches its port"), "{open}");
        for bad in [
            "10.0.0.5:80",
            "10.0.0.0/24",
            "0.0.0.0",
            "::",
            "proxy.example",
            "",
            "224.0.0.1",
        ] {
            let faults = read(&format!("proxies = ['{bad}']")).unwrap_err();
            let faults = faults.to_string();
            let words = format!("proxies: \"{bad}\" must be the IP address of one proxy");
            assert!(faults.contains(&words), "{faults}");
        }
    }

    #[test]
    fn every_registered_dialect_is_accepted_and_any_other_is_refused_by_its_line() {
        let merchant = |dialect: &str| {
            let text = format!(
                "[[merchant]]\ndialect = '{dialect}'\ncode='S'\nbase_url='https://g'\n\
                 private_key_file='k'\nplatform_public_key_file=['p', 'q']"
            );
            parse("p.toml", &text, Path::new("."), Some("postgres://x".into()))
        };
        for dialect in Dialect::ALL {
            let config = merchant(dialect.name()).unwrap();
            assert_eq!(config.merchants[0].dialect, dialect.name());
        }
        let faults = merchant("BDPAY").unwrap_err().to_string();
        assert!(
            faults.starts_with("p.toml:2: dialect = \"BDPAY\": use one of \"bdpay\", \"toppay\""),
            "{faults}"
        );
    }
}
