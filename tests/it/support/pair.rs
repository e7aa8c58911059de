//! Two merchants, each with a gateway of its own, and one worker that serves both.

use std::fs;

use payout_sandbox::{Dialect, Pace, Sandbox, Settings, parse_private_key, parse_public_key};
use payout_worker::{
    config::Config,
    gateway::keys,
    service::{Running, keyring},
    store::schema::migrate,
};
use tempfile::TempDir;

use super::{
    database::{MERCHANT, PAUSE},
    server::unique,
    world::{Wishes, World, free_port},
};

/// The gateway sends a callback six times within seconds, so none of them may fail because a slow machine was late.
const CALLBACK_TIMEOUT_MS: u64 = 60_000;

/// Long leases: nothing happens here because a slow machine was late.
const PATIENT: &str = "
[submit]
timeout_seconds = 20
lease_seconds = 90
[poll]
first_after_seconds = 0.2
max_interval_seconds = 1
queries_per_second = 500
";

pub(crate) struct Pair {
    /// The world of [`MERCHANT`], without a worker of its own.
    pub(crate) world: World,
    /// The code of the other merchant; no other test has one of this name.
    pub(crate) other: String,
    /// The other merchant's gateway.
    pub(crate) others: Sandbox,
    pub(crate) config: Config,
    pub(crate) worker: Option<Running>,
    _folder: TempDir,
}

impl Pair {
    /// Starts the worker, and waits until both merchants have their opening balance.
    pub(crate) async fn start() -> Self {
        let world = World::with(Wishes {
            workers: 0,
            sections: PATIENT,
            callback_timeout_ms: CALLBACK_TIMEOUT_MS,
            ..Wishes::default()
        })
        .await;
        let other = unique("S").replace('_', "-");
        let folder = tempfile::tempdir().unwrap();
        let (ours, theirs) = (keys::generate(1024).unwrap(), keys::generate(1024).unwrap());
        let (private, public) = (
            folder.path().join("merchant.key"),
            folder.path().join("platform.pub"),
        );
        let private_pem = keys::private_key_pem(&ours).unwrap();
        fs::write(&private, private_pem.as_bytes()).unwrap();
        fs::write(
            &public,
            keys::public_key_pem(theirs.as_public_key()).unwrap(),
        )
        .unwrap();
        let merchant_public = keys::public_key_pem(ours.as_public_key()).unwrap();
        let platform_private = keys::private_key_pem(&theirs).unwrap();
        let settings = Settings {
            dialect: Dialect::Bdpay,
            merchant_code: other.clone(),
            merchant_public_key: parse_public_key(&merchant_public).unwrap(),
            platform_private_key: parse_private_key(&platform_private).unwrap(),
            balance_idr: 1_000_000_000,
            fee_idr: Settings::DEFAULT_FEE_IDR,
            pace: Pace {
                callback_timeout_ms: CALLBACK_TIMEOUT_MS,
                ..Pace::quick()
            },
            fail_percent: 0,
            seed: 7,
            strict: true,
        };
        let others = Sandbox::start(settings, "127.0.0.1:0".parse().unwrap());
        let others = others.await.unwrap();
        let mut config = world.config.clone();
        let mut merchant = config.merchants[0].clone();
        merchant.code.clone_from(&other);
        merchant.base_url = others.url();
        merchant.private_key_file = private;
        merchant.platform_public_key_files = vec![public];
        config.merchants.push(merchant);
        config.admin_listen = Some(free_port());
        let registrations: Vec<_> = config
            .merchants
            .iter()
            .map(|merchant| keyring::registration(merchant).unwrap())
            .collect();
        migrate(&world.database.url(), &registrations, &[], false)
            .await
            .unwrap();
        let worker = Some(Running::start(&config).await.unwrap());
        let pair = Self {
            world,
            other,
            others,
            config,
            worker,
            _folder: folder,
        };
        let funded = "select count(*) from payout.accounts where available > 0";
        pair.world.until(funded, "2").await;
        pair
    }

    /// Enqueues a payout of [`MERCHANT`].
    pub(crate) async fn enqueue(&self, order_num: &str) {
        self.enqueue_for(MERCHANT, order_num).await;
    }

    /// Enqueues a payout of the other merchant.
    pub(crate) async fn enqueue_other(&self, order_num: &str) {
        self.enqueue_for(&self.other, order_num).await;
    }

    async fn enqueue_for(&self, merchant: &str, order_num: &str) {
        let enqueue = "select payout.enqueue($1, 100000, 0, '014', '0012345678', 'Siti Rahayu', merchant_code => $2)";
        sqlx::query(enqueue)
            .bind(order_num)
            .bind(merchant)
            .execute(self.world.database.pool())
            .await
            .unwrap();
    }

    /// Waits until these payouts of [`MERCHANT`] are paid and the gateway knows that we stored its callbacks.
    pub(crate) async fn until_paid_and_acknowledged(&self, orders: &[String]) {
        for order in orders {
            self.world.until_state(order, "paid").await;
            let acknowledged = |sandbox: &Sandbox| {
                let order = sandbox.order(order);
                order.is_some_and(|order| order.acknowledged)
            };
            let acknowledging = self.world.sandbox.until(acknowledged);
            let within = std::time::Duration::from_mins(3);
            let acknowledged = tokio::time::timeout(within, acknowledging).await;
            assert!(
                acknowledged.is_ok(),
                "no callback about {order} was answered SUCCESS"
            );
        }
    }

    /// How many submits of this order the other merchant's gateway received.
    pub(crate) fn others_submits_of(&self, order_num: &str) -> usize {
        let submits = self.others.submits();
        submits
            .iter()
            .filter(|submit| submit.order_num == order_num)
            .count()
    }

    /// The status and the text of a page of the admin listener.
    pub(crate) async fn page(&self, path: &str) -> (u16, String) {
        let url = format!("http://{}{path}", self.config.admin_listen.unwrap());
        let answer = reqwest::get(url).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Waits until the page of metrics has a line with these words and this value.
    pub(crate) async fn until_metric(&self, name: &str, is: impl Fn(f64) -> bool) {
        let series = format!("{name}{{merchant=\"{}\"}} ", self.other);
        let looking = async {
            loop {
                let page = self.page("/metrics").await.1;
                let value = page.lines().find_map(|line| line.strip_prefix(&series));
                if value.is_some_and(|value| is(value.parse().unwrap())) {
                    return;
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        let within = std::time::Duration::from_mins(3);
        let found = tokio::time::timeout(within, looking).await;
        assert!(found.is_ok(), "{series}");
    }

    pub(crate) async fn stop(&mut self) {
        if let Some(worker) = self.worker.take() {
            worker.stop().await;
        }
    }
}
