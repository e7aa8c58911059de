//! The options of every command, and the connection to the database.

use std::{path::PathBuf, str::FromStr, time::Duration};

use clap::Args;
use payout_config::{self, Config, database_url::why_unreadable_url};
use payout_domain::payout::PayoutKey;
use payout_store::{balances::merchants, end_with_the_client, find, say_times_in_wib};
use sqlx::{ConnectOptions, PgConnection, postgres::PgConnectOptions};

use super::{exit::Exit, output::Format};

/// The environment's names for `-c` and `--database-url`. clap does not read them: its help would show a password.
const CONFIG_VARIABLE: &str = "PAYOUT_CONFIG";
const URL_VARIABLE: &str = "PAYOUT_DATABASE_URL";
const CONFIG_HELP: &str = "The configuration file [env: PAYOUT_CONFIG]";
const URL_HELP: &str = "The database, instead of the configured one [env: PAYOUT_DATABASE_URL]";
/// A person is waiting: report a silent database soon.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
    #[arg(short, long, global = true, value_name = "FILE", help = CONFIG_HELP)]
    config: Option<PathBuf>,
    #[arg(long, global = true, value_name = "URL", help = URL_HELP)]
    database_url: Option<String>,
    /// Output format
    #[arg(
        short,
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "table"
    )]
    pub(super) output: Format,
    /// Never prompt
    #[arg(long, global = true)]
    pub(super) no_input: bool,
    /// Only this merchant
    #[arg(long, global = true, value_name = "CODE")]
    pub(super) merchant: Option<String>,
}

impl Global {
    /// The whole configuration; the URL of flag or environment wins over the file's.
    pub(super) fn configuration(&self) -> Result<Config, Exit> {
        let Some(file) = self.config_file() else {
            return Err(Exit::Config(
                "no configuration file is given: use -c FILE, or set PAYOUT_CONFIG\n  \
                 `payout config example > payout.toml` prints one to start from."
                    .to_owned(),
            ));
        };
        payout_config::load(&file, self.stated_url())
            .map_err(|faults| Exit::Config(faults.to_string()))
    }

    /// Where the database is: flag, environment, file, in this order.
    pub(super) fn url(&self) -> Result<String, Exit> {
        if let Some(url) = self.stated_url() {
            // The driver takes any scheme, and would look for a host of that name.
            if url.starts_with("postgres://") || url.starts_with("postgresql://") {
                return Ok(url);
            }
            return Err(Exit::Config(format!(
                "--database-url and {URL_VARIABLE} need a URL such as postgres://USER@HOST:PORT/DATABASE"
            )));
        }
        if self.config_file().is_some() {
            return Ok(self.configuration()?.database.url);
        }
        Err(Exit::Config(format!(
            "no database is given: use --database-url URL or -c FILE, or set {URL_VARIABLE} or PAYOUT_CONFIG"
        )))
    }

    /// The configuration file, when one is given.
    pub(super) fn config_file(&self) -> Option<PathBuf> {
        let given = self.config.clone();
        let given = given.or_else(|| std::env::var_os(CONFIG_VARIABLE).map(PathBuf::from));
        given.filter(|file| !file.as_os_str().is_empty())
    }

    /// The same with another configuration file.
    pub(super) fn with_config(&self, file: PathBuf) -> Self {
        Self {
            config: Some(file),
            ..self.clone()
        }
    }

    /// The URL of the flag alone: an environment set for other commands must not redirect the demo.
    pub(super) fn database_flag(&self) -> Option<String> {
        self.database_url.clone()
    }

    fn stated_url(&self) -> Option<String> {
        let given = self.database_flag();
        let given = given.or_else(|| std::env::var(URL_VARIABLE).ok());
        given.filter(|url| !url.is_empty())
    }

    /// A connection on which every statement has a timeout and no schema of the caller can shadow ours.
    ///
    /// One connection, not a pool: a pool would retry where a person wants to know.
    pub(super) async fn connect(&self) -> Result<PgConnection, Exit> {
        let url = self.url()?;
        let options = PgConnectOptions::from_str(&url).map_err(|_| {
            let why = why_unreadable_url(&url);
            Exit::Config(format!("the database URL is invalid: {why}"))
        })?;
        let options = options.application_name("payout cli").options([
            ("search_path", "pg_catalog"),
            ("row_security", "off"),
            ("statement_timeout", "30s"),
            ("lock_timeout", "10s"),
            // Compiling a report takes longer than running it: a month of 100 000 payouts 2.3 s and 0.5 s.
            ("jit", "off"),
        ]);
        let connected = tokio::time::timeout(CONNECT_WITHIN, options.connect()).await;
        let mut connection = connected.map_err(|_| {
            let seconds = CONNECT_WITHIN.as_secs();
            Exit::Unreachable(format!(
                "the database cannot be reached: no answer for {seconds} s"
            ))
        })??;
        say_times_in_wib(&mut connection).await?;
        end_with_the_client(&mut connection).await;
        Ok(connection)
    }

    /// The one payout with this order number.
    pub(super) async fn find(
        &self,
        db: &mut PgConnection,
        order_num: &str,
    ) -> Result<PayoutKey, Exit> {
        let keys = find::keys_of(db, order_num, self.merchant.as_deref()).await?;
        match (keys.as_slice(), &self.merchant) {
            ([key], _) => Ok(key.clone()),
            ([], None) => Err(Exit::NotFound(format!("there is no payout {order_num}"))),
            ([], Some(code)) => Err(Exit::NotFound(format!(
                "there is no payout {order_num} of merchant {code}"
            ))),
            (several, _) => {
                let merchants = several.iter().map(|key| key.merchant_code.as_str());
                let merchants = merchants.collect::<Vec<_>>().join(", ");
                Err(Exit::Failed(format!(
                    "payout {order_num} exists for several merchants ({merchants}): choose one with --merchant"
                )))
            }
        }
    }

    /// Rows of which every registered merchant has some: without any, the merchant of `--merchant` does not exist.
    pub(super) fn registered<T>(&self, rows: Vec<T>) -> Result<Vec<T>, Exit> {
        match &self.merchant {
            Some(code) if rows.is_empty() => {
                Err(Exit::NotFound(format!("merchant {code} is not registered")))
            }
            _ => Ok(rows),
        }
    }

    /// The merchant of `--merchant`, or the only registered one.
    pub(super) async fn one_merchant(&self, db: &mut PgConnection) -> Result<String, Exit> {
        if let Some(code) = &self.merchant {
            return Ok(code.clone());
        }
        let codes = merchants(db).await?;
        match codes.as_slice() {
            [code] => Ok(code.clone()),
            [] => Err(Exit::Config(
                "no merchant is registered: `payout migrate -c FILE` registers the configured ones"
                    .to_owned(),
            )),
            several => Err(Exit::Usage(format!(
                "several merchants are registered ({}): choose one with --merchant",
                several.join(", ")
            ))),
        }
    }
}
