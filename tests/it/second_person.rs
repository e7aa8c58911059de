//! What takes one person or two: resubmitting an order, stating how a payout ended, pausing, revealing.

mod address;
mod bypass;
mod failover;
mod fee;
mod fund;
mod notices;
mod old_transactions;
mod pairs;
mod pause_and_reveal;
mod resolve;
mod resubmit;
mod same_person;
mod statements;

use std::process::{Command, Stdio};

use payout_sandbox::{Fault, Script};
use serde_json::Value;

use crate::support::world::World;

/// The first query comes late enough for a test to change its answer.
pub(crate) const PATIENT: &str = "
[submit]
timeout_seconds = 1.5
lease_seconds = 4
[poll]
first_after_seconds = 1.5
max_interval_seconds = 2
quiet_horizon_seconds = 3
decline_confirm_seconds = 0.6
queries_per_second = 500
";

/// Two operators with separate logins, at the command line.
struct Desk {
    one: String,
    other: String,
}

impl Desk {
    async fn of(world: &World) -> Self {
        let one = world.database.login(&["payout_operator"]).await;
        let other = world.database.login(&["payout_operator"]).await;
        Self { one, other }
    }
}

/// The program's output.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    #[track_caller]
    fn with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        self
    }

    fn rows(&self) -> Vec<Value> {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    /// The number of the recorded request.
    fn request(&self) -> String {
        self.rows()[0]["request_id"].to_string()
    }
}

/// `payout ARGUMENTS` under this login, with JSON output and without a terminal to confirm at.
async fn payout(world: &World, login: &str, arguments: &[&str]) -> Said {
    payout_in("json", world, login, arguments).await
}

/// The same, with output in this format.
async fn payout_in(format: &str, world: &World, login: &str, arguments: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_payout"));
    command
        .args(["--no-input", "-o", format, "--database-url"])
        .arg(world.database.url_as(login))
        .args(arguments)
        .env_remove("PAYOUT_CONFIG")
        .env_remove("PAYOUT_DATABASE_URL")
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    Said {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// One operator requests it, and the other one approves.
async fn agree(world: &World, desk: &Desk, arguments: &[&str]) {
    let id = payout(world, &desk.one, arguments).await.with(5).request();
    payout(world, &desk.other, &["approve", &id]).await.with(0);
}

/// Enqueues a payout whose submit never arrives, and waits until repeated "not found" answers prove it.
async fn lose(world: &World, order_num: &str) {
    world.vouch().await;
    world.sandbox.script(order_num, Script::fault(Fault::Lost));
    world.enqueue(order_num, 100_000, 1).await;
    until_proven(world, order_num).await;
}

async fn until_proven(world: &World, order_num: &str) {
    world
        .until(
            &format!("select attention from payout.payouts where order_num = '{order_num}'"),
            "not_found",
        )
        .await;
}

/// Enqueues a payout that the gateway books and from then on does not find.
async fn hide(world: &World, order_num: &str) {
    world.vouch().await;
    let unanswered = Script {
        query_fault: Some(Fault::QueryHttp500),
        ..staying(Some(Fault::CutAfter))
    };
    world.sandbox.script(order_num, unanswered);
    world.enqueue(order_num, 100_000, 1).await;
    world.until_state(order_num, "unknown").await;
    world
        .sandbox
        .script(order_num, staying(Some(Fault::QueryNotFound)));
    until_proven(world, order_num).await;
}

/// An order that stays pending at the bank.
fn staying(fault: Option<Fault>) -> Script {
    Script {
        fault,
        ..Script::ends(payout_sandbox::Ending::Stays)
    }
}
