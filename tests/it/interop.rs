//! Clients in other languages, each with its own RSA and JSON, against the sandbox and against the worker's door for
//! callbacks (`tests/interop`). What is not installed is skipped, and the test says so.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use payout_sandbox::{
    Dialect, Ending, OrderView, Pace, Sandbox, Script, Settings, parse_private_key,
    parse_public_key,
};
use payout_worker::gateway::keys;
use tempfile::TempDir;

use crate::support::{database::MERCHANT, world::World};

/// A language, the command that runs its client, and what shows that it is installed.
const CLIENTS: [(&str, &[&str], &[&str]); 4] = [
    (
        "PHP",
        &["php", "client.php"],
        &["php", "-r", "exit(extension_loaded('openssl') ? 0 : 1);"],
    ),
    (
        "Python",
        &["python3", "client.py"],
        &["python3", "-c", "import ctypes, _ssl"],
    ),
    ("Node", &["node", "client.mjs"], &["node", "-e", "fetch"]),
    (
        "Java",
        &["java", "Client.java"],
        &["java", "--source", "17", "--version"],
    ),
];

fn installed() -> Vec<(&'static str, &'static [&'static str])> {
    let works = |probe: &[&str]| {
        let output = Command::new(probe[0]).args(&probe[1..]).output();
        output.is_ok_and(|output| output.status.success())
    };
    let mut found = Vec::new();
    for (language, command, probe) in CLIENTS {
        if works(probe) {
            found.push((language, command));
        } else {
            eprintln!("SKIPPED: {language} is not installed");
        }
    }
    assert!(!found.is_empty(), "Python is there: ./dev needs it");
    found
}

/// A sandbox that takes what the live gateway takes, and the keys of both sides as files.
async fn sandbox(dialect: Dialect, bits: usize) -> (Sandbox, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    for side in ["merchant", "platform"] {
        let key = keys::generate(bits).unwrap();
        let file = |end| folder.path().join(format!("{side}.{end}"));
        // One as PEM and one as the bare base64 in which gateways hand keys out.
        let private = if side == "merchant" {
            keys::private_key_pem(&key).unwrap()
        } else {
            keys::private_key_base64(&key).unwrap()
        };
        fs::write(file("key"), private.as_bytes()).unwrap();
        fs::write(
            file("pub"),
            keys::public_key_pem(key.as_public_key()).unwrap(),
        )
        .unwrap();
    }
    let read = |file| fs::read_to_string(folder.path().join(file)).unwrap();
    let settings = Settings {
        dialect,
        merchant_code: MERCHANT.to_owned(),
        merchant_public_key: parse_public_key(&read("merchant.pub")).unwrap(),
        platform_private_key: parse_private_key(&read("platform.key")).unwrap(),
        balance_idr: 1_000_000_000,
        fee_idr: Settings::DEFAULT_FEE_IDR,
        pace: Pace::quick(),
        fail_percent: 0,
        seed: 7,
        strict: false,
    };
    let sandbox = Sandbox::start(settings, ([127, 0, 0, 1], 0).into()).await;
    (sandbox.unwrap(), folder)
}

async fn run(client: &'static [&'static str], folder: &Path, arguments: &[&str]) -> Output {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop");
    let mut command = tokio::process::Command::new(client[0]);
    command.arg(place.join(client[1])).args(arguments);
    command.env("LC_ALL", "C.UTF-8").current_dir(folder);
    command.output().await.unwrap()
}

/// What the client printed, one `name=value` a line.
fn said(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_in_other_languages_and_the_sandbox_understand_each_other() {
    let clients = installed();
    for (dialect, bits) in [
        (Dialect::Bdpay, 1024),
        (Dialect::Bdpay, 2048),
        (Dialect::Toppay, 1024),
        (Dialect::Toppay, 2048),
    ] {
        let (sandbox, folder) = sandbox(dialect, bits).await;
        let (url, words) = (sandbox.url(), dialect.to_string());
        let common = [
            "--url",
            &url,
            "--dialect",
            &words,
            "--merchant",
            MERCHANT,
            "--key",
            "merchant.key",
            "--platform-key",
            "platform.pub",
        ];
        for (language, client) in &clients {
            // Each style with each size of key and in each dialect, and no more: a client takes a second to start.
            let style = if (dialect == Dialect::Bdpay) == (bits == 1024) {
                "live"
            } else {
                "strict"
            };
            let order = format!("{language}-{style}");
            let sandbox_ends = Script::ends(Ending::Paid);
            sandbox.script(&order, sandbox_ends);
            // Long enough for several chunks of a short key.
            let beneficiary = [
                "--order",
                &order,
                "--money",
                "250000",
                "--fee-type",
                "0",
                "--bank",
                "014",
                "--number",
                "0012345678",
                "--name",
                "Siti Rahayu",
                "--description",
                "Gaji bulan November, tim Bandung",
                "--style",
                style,
            ];
            let submit = [&["submit"][..], &common, &beneficiary].concat();
            let submitted = run(client, folder.path(), &submit).await;
            let what = format!(
                "{language}, {style}, {words}, {bits} bits: {}",
                said(&submitted)
            );
            assert!(submitted.status.success(), "{what}");
            assert!(said(&submitted).contains("platRespCode=SUCCESS"), "{what}");
            assert!(said(&submitted).contains("verified=yes"), "{what}");
            let is_paid = |order: OrderView| order.status == 2;
            sandbox
                .until(|sandbox| sandbox.order(&order).is_some_and(is_paid))
                .await;
            let query = [&["query"][..], &common, &["--order", &order]].concat();
            let queried = run(client, folder.path(), &query).await;
            let signed = if dialect == Dialect::Bdpay {
                "yes"
            } else {
                "unsigned"
            };
            for line in ["status=2\n".to_owned(), format!("verified={signed}")] {
                assert!(
                    said(&queried).contains(&line),
                    "{language}: {}",
                    said(&queried)
                );
            }
            let balance = [&["balance"][..], &common].concat();
            let stated = run(client, folder.path(), &balance).await;
            assert!(
                said(&stated).contains("balance=9"),
                "{language}: {}",
                said(&stated)
            );
        }
        let booked = sandbox.submits().iter().filter(|seen| seen.booked).count();
        assert_eq!(booked, clients.len());
        sandbox.stop().await;
    }
}

/// What a partner's developer needs to find the mistake.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_signature_is_answered_with_the_text_to_sign() {
    let (sandbox, folder) = sandbox(Dialect::Bdpay, 1024).await;
    let url = sandbox.url();
    for (language, client) in installed() {
        let query = [
            "query",
            "--url",
            &url,
            "--merchant",
            MERCHANT,
            "--platform-key",
            "platform.pub",
            // The other side's key.
            "--key",
            "platform.key",
            "--order",
            "INV-1",
        ];
        let refused = said(&run(client, folder.path(), &query).await);
        let words =
            "sign error: the merchant's key did not make it of this text; the text to sign is: 20";
        assert!(refused.contains(words), "{language}: {refused}");
        assert!(
            refused.contains(&format!("{MERCHANT}INV-1")),
            "{language}: {refused}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_takes_the_callbacks_that_other_languages_sign_and_no_forged_one() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    for (file, key) in [
        ("platform.key", &world.platform_key),
        ("stranger.key", &keys::generate(1024).unwrap()),
    ] {
        let key = keys::private_key_pem(key).unwrap();
        fs::write(folder.path().join(file), key.as_bytes()).unwrap();
    }
    let url = world.callback_url();
    for (language, client) in installed() {
        let order = format!("{language}-1");
        world.sandbox.script(&order, Script::ends(Ending::Stays));
        world.enqueue(&order, 250_000, 1).await;
        world.until_state(&order, "pending").await;
        let platform_order_num =
            format!("select platform_order_num from payout.payouts where order_num = '{order}'");
        let platform_order_num = world.database.text(&platform_order_num).await;
        let fields = [
            ("bankCode", "014"),
            ("description", ""),
            ("fee", "2500"),
            ("feeType", "1"),
            ("money", "250000"),
            ("name", "Siti Rahayu"),
            ("number", "0012345678"),
            ("orderNum", &order),
            ("platOrderNum", &platform_order_num),
            ("status", "2"),
            ("statusMsg", "Success"),
        ];
        let fields: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut arguments = vec!["callback", "--url", &url];
        for field in &fields {
            arguments.extend(["--field", field.as_str()]);
        }
        let forged = [&arguments[..], &["--key", "stranger.key"]].concat();
        let refused = run(client, folder.path(), &forged).await;
        assert_eq!(
            refused.status.code(),
            Some(1),
            "{language}: {}",
            said(&refused)
        );
        let genuine = [&arguments[..], &["--key", "platform.key"]].concat();
        let taken = run(client, folder.path(), &genuine).await;
        assert!(
            said(&taken).contains("body=SUCCESS"),
            "{language}: {}",
            said(&taken)
        );
        let settled = format!(
            "select state || ' ' || (select count(*) from payout.evidence e where e.order_num = p.order_num and e.bound)
             from payout.payouts p where order_num = '{order}'"
        );
        world.until(&settled, "paid 1").await;
    }
}
