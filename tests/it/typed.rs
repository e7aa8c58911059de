//! Confirmation at a terminal: the order number must be typed, and a reflex changes nothing.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::support::{
    database::Database,
    terminal::{Said, program},
};

/// Calls the program at a pseudo-terminal where `typed` was typed ahead. The result does not separate the program's
/// output from what was typed.
fn payout_at_a_terminal(url: &str, arguments: &[&str], typed: &str) -> Said {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let open = || -> File {
        let path = name.to_str().unwrap();
        OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .unwrap()
    };
    let mut master = File::from(master);
    let mut command = program(arguments);
    command
        .env("PAYOUT_DATABASE_URL", url)
        .stdin(open())
        .stderr(open());
    master.write_all(typed.as_bytes()).unwrap();
    let mut said = Said::from(command.output().unwrap());
    // Our ends of the terminal close with the command; after that, reading fails.
    drop(command);
    let mut output = Vec::new();
    master.read_to_end(&mut output).ok();
    said.err = String::from_utf8_lossy(&output).into_owned();
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn stating_an_outcome_requires_typing_the_order_number() {
    let database = Database::with_steps().await;
    database.insert_in("unknown", "INV-1").await;
    database.end_quiet_horizons().await;
    let resolve = [
        "resolve",
        "INV-1",
        "--as",
        "paid",
        "--evidence",
        "letter 7",
        "--reason",
        "ticket 1",
    ];
    let requests = "select count(*) from payout.requests";
    for reflex in ["y\n", "yes\n", "\n", "INV-2\n"] {
        let said = payout_at_a_terminal(&database.url(), &resolve, reflex).with(1);
        said.says(&[
            "Rp 100.000",
            "****5678",
            "Type INV-1 to continue",
            "nothing was changed",
        ]);
        assert_eq!(database.text(requests).await, "0", "{reflex}");
    }
    let url = database.url();
    let calling = tokio::task::spawn_blocking(move || {
        let resolve = resolve;
        payout_at_a_terminal(&url, &resolve, "INV-1\n")
    });
    // In place of a worker, since none runs here.
    database.until(&format!("({requests}) = 1")).await;
    database
        .run("select payout.finish_request(id, 'S2020198627344', 'INV-1', 'no worker today') from payout.requests")
        .await;
    let said = calling.await.unwrap().with(4);
    said.says(&["refused: INV-1: no worker today"]);
}

#[tokio::test]
async fn a_withdrawal_requires_confirmation_and_no_input_confirms_in_advance() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    let cancel = ["cancel", "INV-1", "--reason", "twice"];
    let said = payout_at_a_terminal(&database.url(), &cancel, "n\n").with(1);
    said.says(&["is withdrawn for good", "Continue?"]);
    assert_eq!(database.state("INV-1").await, "queued");
    let silent = [&cancel[..], &["--no-input"]].concat();
    let said = payout_at_a_terminal(&database.url(), &silent, "").with(0);
    assert!(!said.err.contains("Continue?"), "{}", said.err);
    assert_eq!(database.state("INV-1").await, "cancelled");
}
