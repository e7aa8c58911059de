//! A complete setup for a test: a database, the sandbox gateway over real HTTP, and workers in this process.

use std::{
    collections::BTreeSet,
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use payout_sandbox::{
    Dialect, Ending, Pace, Sandbox, Script, Settings, parse_private_key, parse_public_key,
};
use payout_worker::{
    config::{self, Config, WitnessFile},
    gateway::{Client, keys},
    service::{Running, keyring},
    store::{
        addresses::Address,
        claim::{ClaimOrder, Terms},
        schema::migrate,
    },
};
use tempfile::TempDir;
use tokio::{
    sync::OnceCell,
    time::{Instant, sleep},
};

use super::{
    database::{Database, MERCHANT, PAUSE, SENT_AROUND, VOUCHING},
    door::Door,
};

use crate::support::claim::Claim;

/// The longest wait for a promise to hold, on a slow machine where other tests run.
const DEADLINE: Duration = Duration::from_mins(10);

/// The options of a world.
pub(crate) struct Wishes {
    pub(crate) dialect: Dialect,
    pub(crate) balance_idr: i64,
    pub(crate) fee_reserve: i64,
    pub(crate) fail_percent: u8,
    /// Configuration sections besides `[[merchant]]`, instead of the fast defaults.
    pub(crate) sections: &'static str,
    /// Additional keys of the merchant.
    pub(crate) merchant: &'static str,
    pub(crate) workers: usize,
    /// The worker's platform key is not the one that the gateway signs with.
    pub(crate) wrong_platform_key: bool,
    /// The workers keep a witness file.
    pub(crate) witness: bool,
    /// How long the gateway waits for the answer to a callback.
    pub(crate) callback_timeout_ms: u64,
    /// The intervals of the gateway's six callbacks, in thousandths of its own. In the quick pace all six are sent within
    /// eleven seconds.
    pub(crate) callback_scale_permille: u64,
}

/// Seconds become tenths: the same sequence of events, sooner.
pub(crate) const QUICK: &str = "
[submit]
timeout_seconds = 1.5
lease_seconds = 4
[poll]
first_after_seconds = 0.2
max_interval_seconds = 1
quiet_horizon_seconds = 3
decline_confirm_seconds = 0.6
queries_per_second = 500
";

impl Default for Wishes {
    fn default() -> Self {
        Self {
            dialect: Dialect::Bdpay,
            balance_idr: 1_000_000_000,
            fee_reserve: 10_000,
            fail_percent: 0,
            sections: QUICK,
            merchant: "",
            workers: 1,
            wrong_platform_key: false,
            witness: false,
            callback_timeout_ms: Pace::quick().callback_timeout_ms,
            callback_scale_permille: Pace::quick().callback_scale_permille,
        }
    }
}

pub(crate) struct World {
    pub(crate) database: Database,
    pub(crate) sandbox: Sandbox,
    /// What stands between the workers and the sandbox.
    pub(crate) door: Door,
    pub(crate) config: Config,
    /// The key that the gateway signs with.
    pub(crate) platform_key: rsa::PrivateKey,
    workers: Vec<Running>,
    folder: TempDir,
    vouched: OnceCell<()>,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(Wishes::default()).await
    }

    /// The path of the witness file.
    pub(crate) fn witness_folder(&self) -> std::path::PathBuf {
        self.folder.path().join("witness")
    }

    pub(crate) async fn with(wishes: Wishes) -> Self {
        let database = Database::fresh().await;
        let folder = tempfile::tempdir().unwrap();
        let (merchant_key, platform_key) =
            (keys::generate(1024).unwrap(), keys::generate(1024).unwrap());
        let private = keys::private_key_pem(&merchant_key).unwrap();
        fs::write(folder.path().join("merchant.key"), private.as_bytes()).unwrap();
        let stranger = keys::generate(1024).unwrap();
        let believed = if wishes.wrong_platform_key {
            &stranger
        } else {
            &platform_key
        };
        let public = keys::public_key_pem(believed.as_public_key()).unwrap();
        fs::write(folder.path().join("platform.pub"), public).unwrap();
        let sandbox = Sandbox::start(
            Settings {
                dialect: wishes.dialect,
                merchant_code: MERCHANT.to_owned(),
                merchant_public_key: parse_public_key(
                    &keys::public_key_pem(merchant_key.as_public_key()).unwrap(),
                )
                .unwrap(),
                platform_private_key: parse_private_key(
                    &keys::private_key_pem(&platform_key).unwrap(),
                )
                .unwrap(),
                balance_idr: wishes.balance_idr,
                fee_idr: Settings::DEFAULT_FEE_IDR,
                pace: Pace {
                    callback_timeout_ms: wishes.callback_timeout_ms,
                    callback_scale_permille: wishes.callback_scale_permille,
                    ..Pace::quick()
                },
                fail_percent: wishes.fail_percent,
                seed: 7,
                // The worker must keep to the documents.
                strict: true,
            },
            "127.0.0.1:0".parse().unwrap(),
        )
        .await
        .unwrap();
        let door = Door::before(sandbox.url().trim_start_matches("http://").parse().unwrap()).await;
        let listen = free_port();
        let dialect = match wishes.dialect {
            Dialect::Bdpay => "bdpay",
            Dialect::Toppay => "toppay",
        };
        let text = format!(
            "[database]\nurl = \"{}\"\nallow_owner = true\n[http]\nlisten = \"{listen}\"\n[admin]\nlisten = \"\"\n{}\n\
             [[merchant]]\ncode = \"{MERCHANT}\"\ndialect = \"{dialect}\"\nbase_url = \"{}\"\n\
             private_key_file = \"merchant.key\"\nplatform_public_key_file = \"platform.pub\"\n\
             notify_url = \"http://{listen}/callback\"\nfee_reserve = {}\n{}\n",
            database.url(),
            wishes.sections,
            door.url(),
            wishes.fee_reserve,
            wishes.merchant,
        );
        let mut config = config::parse("world.toml", &text, folder.path(), None).unwrap();
        config.witness_file = if wishes.witness {
            fs::create_dir(folder.path().join("witness")).unwrap();
            WitnessFile::At(folder.path().join("witness/claims"))
        } else {
            WitnessFile::Off
        };
        let merchants: Vec<_> = config
            .merchants
            .iter()
            .map(|merchant| keyring::registration(merchant).unwrap())
            .collect();
        migrate(&database.url(), &merchants, &[], false)
            .await
            .unwrap();
        let mut world = Self {
            database,
            sandbox,
            door,
            config,
            platform_key,
            workers: Vec::new(),
            folder,
            vouched: OnceCell::new(),
        };
        for _ in 0..wishes.workers {
            world.add_worker().await;
        }
        world
    }

    /// Starts another worker; only the first one listens.
    pub(crate) async fn add_worker(&mut self) {
        let mut config = self.config.clone();
        if !self.workers.is_empty() {
            config.http_listen = None;
        }
        self.workers.push(Running::start(&config).await.unwrap());
    }

    /// Stops every worker gracefully.
    pub(crate) async fn stop_workers(&mut self) {
        for worker in self.workers.drain(..) {
            worker.stop().await;
        }
    }

    /// The merchant's gateway client, as a worker makes it.
    pub(crate) fn client(&self) -> Arc<Client> {
        Arc::new(keyring::client(&self.config.merchants[0], self.config.submit.timeout).unwrap())
    }

    /// The parameters with which a worker of this world would claim `limit` payouts.
    pub(crate) fn claim_order(&self, limit: i32) -> Claim {
        let client = self.client();
        let merchant = &self.config.merchants[0];
        Claim {
            terms: Terms {
                address: Address::of_url(&self.config.database.url).unwrap(),
                last: None,
                lease: self.config.submit.lease,
                send_window: self.config.submit.send_window(),
                quiet_horizon: self.config.poll.quiet_horizon,
                worker: "a test".to_owned(),
            },
            order: ClaimOrder {
                merchant_code: merchant.code.clone(),
                dialect: merchant.dialect.clone(),
                base_url: merchant.base_url.clone(),
                platform_keys: client.platform_fingerprints(),
                limit,
                after: None,
                seal: Arc::new(move |instruction, now| {
                    client
                        .seal(instruction, now)
                        .map_err(|error| error.to_string())
                }),
            },
        }
    }

    /// The URL for callbacks.
    pub(crate) fn callback_url(&self) -> String {
        format!("http://{}/callback", self.config.http_listen.unwrap())
    }

    /// Enqueues a payout with this fee type.
    pub(crate) async fn enqueue(&self, order_num: &str, amount: i64, fee_type: i16) {
        sqlx::query(
            "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
             values ($1, $2, $3, '014', '0012345678', 'Siti Rahayu')",
        )
        .bind(order_num)
        .bind(amount)
        .bind(fee_type)
        .execute(self.database.pool())
        .await
        .unwrap();
    }

    /// Has the gateway pay two orders, and lets one count as sent an hour ago and one as sent in an hour: so "not found"
    /// counts for whatever is sent between them (I10).
    pub(crate) async fn vouch(&self) {
        let vouching = async {
            for order_num in VOUCHING {
                self.sandbox.script(order_num, Script::ends(Ending::Paid));
                self.enqueue(order_num, 10_000, 1).await;
                self.until_state(order_num, "paid").await;
            }
            self.database.run(SENT_AROUND).await;
        };
        self.vouched.get_or_init(|| vouching).await;
    }

    /// Waits until `query` returns `expected`.
    pub(crate) async fn until(&self, query: &str, expected: &str) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let begun = Instant::now();
            let found = self.database.text(query).await;
            if found == expected {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{query}: still {found}, not {expected}\n{}",
                self.story().await
            );
            // A query that counts thousands of payouts is repeated less often.
            sleep(PAUSE.max(begun.elapsed() * 9).min(Duration::from_secs(1))).await;
        }
    }

    /// Waits until the payout is in `state`.
    pub(crate) async fn until_state(&self, order_num: &str, state: &str) {
        self.until(
            &format!("select state from payout.payouts where order_num = '{order_num}'"),
            state,
        )
        .await;
    }

    /// How many submits of this order the gateway received.
    pub(crate) fn submits_of(&self, order_num: &str) -> usize {
        self.sandbox
            .submits()
            .iter()
            .filter(|submit| submit.order_num == order_num)
            .count()
    }

    /// `available held paid_out fees funding`.
    pub(crate) async fn accounts(&self) -> [i64; 5] {
        sqlx::query_as::<_, (i64, i64, i64, i64, i64)>(
            "select available, held, paid_out, fees, funding from payout.accounts where merchant_code = $1",
        )
        .bind(MERCHANT)
        .fetch_one(self.database.pool())
        .await
        .unwrap()
        .into()
    }

    /// Once nothing is open, the books must agree with the gateway to the rupiah.
    pub(crate) async fn assert_books_agree(&self) {
        let [available, held, ..] = self.accounts().await;
        let gateway = self.sandbox.balance();
        assert_eq!(
            available + held,
            gateway.balance + gateway.freeze,
            "books against the gateway\n{}",
            self.story().await
        );
        let sums = "select sum(available + held + paid_out + fees + funding) from payout.ledger";
        assert_eq!(self.database.text(sums).await, "0");
    }

    /// The history of events, for a failing test.
    async fn story(&self) -> String {
        self.database
            .text(
                "select string_agg(order_num || ' ' || event || ' ' || coalesce(to_state, '') || ' ' || source || ' '
                                   || detail, E'\\n' order by seq)
                 from (select * from payout.history order by seq desc limit 60) h",
            )
            .await
    }
}

/// An address that was free just now, and is no other one of this run. Its port is none that the system gives to a
/// connection: another test's connection would sometimes be faster than the one who listens there.
pub(crate) fn free_port() -> std::net::SocketAddr {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    loop {
        let address =
            std::net::SocketAddr::from(([127, 0, 0, 1], rand::random_range(10_000..20_000)));
        let is_free = std::net::TcpListener::bind(address).is_ok();
        if is_free && GIVEN.lock().unwrap().insert(address.port()) {
            return address;
        }
    }
}
