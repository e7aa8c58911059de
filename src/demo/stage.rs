//! Everything that the demo creates, and later removes: server, database, keys, sandbox, configuration files.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use anyhow::Result;
use payout_gateway::keys;
use payout_sandbox::{Dialect, Pace, Sandbox, Settings, parse_private_key, parse_public_key};
use payout_store::{
    connect,
    schema::{Registration, migrate},
};
use sqlx::PgPool;
use tempfile::TempDir;

use super::{Options, database::Database};

/// The demo's merchant.
pub(super) const MERCHANT: &str = "S2020198627344";
/// Where the sandbox listens if that port is free.
pub(super) const SANDBOX_ADDRESS: &str = "127.0.0.1:8088";
/// The sandbox's balance: ten billion rupiah, enough for a long demo.
const BALANCE_IDR: i64 = 10_000_000_000;

/// The parts of a running demo.
pub(super) struct Stage {
    pub(super) pool: PgPool,
    pub(super) sandbox: Sandbox,
    pub(super) database: Database,
    /// For the command line: one per person, none on the user's own server.
    pub(super) people_urls: Vec<String>,
    pub(super) http: SocketAddr,
    pub(super) admin: SocketAddr,
    /// The web console; none on the user's own server, where nobody has a login for it.
    pub(super) console: Option<payout_console::Running>,
    pub(super) folder: TempDir,
}

impl Stage {
    pub(super) async fn build(options: &Options) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("payout-demo-").tempdir()?;
        let name = format!("payout_demo_{}", std::process::id());
        let database = Database::make(options.server.as_deref(), &name).await?;
        let (sandbox, platform_key) = start_sandbox(options, folder.path()).await?;
        let registration = Registration {
            code: MERCHANT.to_owned(),
            dialect: "bdpay".to_owned(),
            balance_is_signed: true,
            not_found_is_proof: true,
            base_url: sandbox.url(),
            platform_keys: vec![platform_key],
            min_amount: 1,
            max_amount: 1_000_000_000_000,
            fee_reserve: 10_000,
            funding: "gateway".to_owned(),
        };
        migrate(&database.owner_url, &[registration], &[], false).await?;
        let people_urls = database.make_logins().await?;
        let stage = Self {
            pool: connect(&database.owner_url, "payout demo", 4).await?,
            http: free("127.0.0.1:8080")?,
            admin: free("127.0.0.1:9090")?,
            console: start_console(&database, &people_urls).await?,
            people_urls,
            database,
            sandbox,
            folder,
        };
        stage.write_configurations()?;
        Ok(stage)
    }

    /// Writes one file per worker. Only the first worker listens.
    fn write_configurations(&self) -> Result<()> {
        let (http, admin) = (self.http.to_string(), self.admin.to_string());
        for (file, http, admin) in [
            ("worker-1.toml", http.as_str(), admin.as_str()),
            ("worker-2.toml", "", ""),
        ] {
            let text = format!(
                r#"# Written by `payout demo`: everything happens in seconds instead of minutes.
[database]
url = "{worker_url}"
allow_owner = {allow_owner}
[http]
listen = "{http}"
[admin]
listen = "{admin}"
[submit]
timeout_seconds = 4
lease_seconds = 10
witness_file = "{file}.witness"
[poll]
first_after_seconds = 1
max_interval_seconds = 5
quiet_horizon_seconds = 20
decline_confirm_seconds = 3
queries_per_second = 200
[[merchant]]
code = "{MERCHANT}"
base_url = "{gateway}"
private_key_file = "merchant.key"
platform_public_key_file = "platform.pub"
notify_url = "http://{callback}/callback"
"#,
                worker_url = self.database.worker_url,
                allow_owner = self.database.is_foreign(),
                gateway = self.sandbox.url(),
                callback = self.http,
            );
            fs::write(self.path(file), text)?;
        }
        Ok(())
    }

    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    pub(super) async fn tear_down(self) {
        if let Some(console) = self.console {
            // It has nothing to lose.
            console.stop().await.ok();
        }
        self.pool.close().await;
        self.sandbox.stop().await;
        self.database.remove().await;
    }
}

/// Generates the keys of both sides, writes the files that the workers read, and starts the sandbox. Returns the
/// fingerprint of the platform's key.
async fn start_sandbox(options: &Options, folder: &Path) -> Result<(Sandbox, String)> {
    let (merchant, platform) = (keys::generate(1024)?, keys::generate(1024)?);
    fs::write(
        folder.join("merchant.key"),
        keys::private_key_pem(&merchant)?.as_bytes(),
    )?;
    fs::write(
        folder.join("platform.pub"),
        keys::public_key_pem(platform.as_public_key())?,
    )?;
    // As text, because the sandbox shares no code with the client, not even the code that reads keys.
    let merchant = keys::public_key_pem(merchant.as_public_key())?;
    let private = keys::private_key_pem(&platform)?;
    let settings = Settings {
        dialect: Dialect::Bdpay,
        merchant_code: MERCHANT.to_owned(),
        merchant_public_key: parse_public_key(&merchant).map_err(anyhow::Error::msg)?,
        platform_private_key: parse_private_key(&private).map_err(anyhow::Error::msg)?,
        balance_idr: BALANCE_IDR,
        fee_idr: Settings::DEFAULT_FEE_IDR,
        pace: Pace {
            callback_scale_permille: 100,
            ..Pace::default()
        },
        fail_percent: options.fail_percent,
        seed: 1,
        strict: true,
    };
    let sandbox = Sandbox::start(settings, free(SANDBOX_ADDRESS)?).await?;
    if let Some(fault) = options.fault {
        sandbox.set_fault(fault);
    }
    Ok((sandbox, keys::fingerprint(platform.as_public_key())))
}

/// The console, in front of the demo's database.
async fn start_console(
    database: &Database,
    people_urls: &[String],
) -> Result<Option<payout_console::Running>> {
    if people_urls.is_empty() {
        return Ok(None);
    }
    let settings = payout_config::console::Console {
        listen: free("127.0.0.1:9091")?,
        ..payout_config::console::Console::default()
    };
    let running = payout_console::Running::start(&settings, &database.worker_url).await?;
    Ok(Some(running))
}

/// The preferred address, or the same host with a free port.
fn free(preferred: &str) -> Result<SocketAddr> {
    let address: SocketAddr = preferred.parse()?;
    let probe = TcpListener::bind(address).or_else(|_| TcpListener::bind((address.ip(), 0)))?;
    Ok(probe.local_addr()?)
}
