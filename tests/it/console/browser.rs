//! The console in a real browser (`tests/browser`): a headless Chromium, driven by playwright. `./dev test` installs both;
//! where one is missing, the test says so and looks at nothing.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use payout_sandbox::{Ending, Fault, Script};
use serde_json::json;

use super::desk::Desk;
use crate::{
    second_person::PATIENT,
    support::{
        database::MERCHANT,
        world::{Wishes, World},
    },
};

/// A payout that was sent and never arrived at the gateway.
const LOST: &str = "LOST-1";

/// What `docs/console.md` shows, drawn again with `UPDATE_DOCS=1`.
const PICTURES: [&str; 8] = [
    "home-en-light",
    "payouts-en-light",
    "payout-en-light",
    "approvals-en-light",
    "money-en-light",
    "workers-en-light",
    "home-id-dark",
    "payout-phone",
];

/// The programs that the scripts need.
struct Browser {
    chromium: PathBuf,
    modules: PathBuf,
}

impl Browser {
    fn find() -> Option<Self> {
        let found = Self {
            chromium: PathBuf::from("/usr/bin/chromium"),
            modules: Path::new(env!("CARGO_MANIFEST_DIR")).join("target/browser"),
        };
        let is_there = found.chromium.exists() && found.modules.join("node_modules").exists();
        if !is_there {
            eprintln!(
                "SKIPPED: no browser is installed: `./dev test` installs Chromium and playwright"
            );
        }
        is_there.then_some(found)
    }

    /// Puts the pictures into the documentation that it shows.
    fn keep_pictures(&self) {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/console");
        std::fs::create_dir_all(&docs).unwrap();
        for name in PICTURES {
            let picture = self.modules.join(format!("pictures/{name}.png"));
            std::fs::copy(picture, docs.join(format!("{name}.png"))).unwrap();
        }
    }

    /// Runs `tests/browser/NAME.mjs` with two operators in front of this console.
    async fn run(&self, script: &str, desk: &Desk, people: [&str; 2]) {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
        let script = format!("{script}.mjs");
        // Modules are found beside the script that names them.
        let folder = tempfile::tempdir().unwrap();
        for file in ["browser.mjs", &script] {
            std::fs::copy(source.join(file), folder.path().join(file)).unwrap();
        }
        let modules = self.modules.join("node_modules");
        std::os::unix::fs::symlink(modules, folder.path().join("node_modules")).unwrap();
        let pictures = self.modules.join("pictures");
        std::fs::create_dir_all(&pictures).unwrap();
        let mut command = Command::new("node");
        command
            .arg(folder.path().join(&script))
            .env("CONSOLE", &desk.url)
            .env("CHROMIUM", &self.chromium)
            .env("PAYOUT", format!("{MERCHANT}/{LOST}"))
            .env("PICTURES", pictures)
            .env(
                "PEOPLE",
                json!(people.map(|login| [login, login])).to_string(),
            );
        let output = tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap();
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(output.status.success(), "{script}: {out}{err}");
    }
}

/// Payouts in several states; one of them needs a person.
async fn an_afternoon() -> World {
    let world = World::with(Wishes {
        sections: PATIENT,
        // Tables must have room for the largest amounts that a merchant may have.
        balance_idr: 987_654_321_000,
        ..Wishes::default()
    })
    .await;
    world.vouch().await;
    world.sandbox.script(LOST, Script::fault(Fault::Lost));
    world.enqueue(LOST, 1_250_000, 1).await;
    for (order, ending) in [
        ("INV-1001", Ending::Paid),
        ("INV-1002", Ending::Failed),
        ("INV-1003", Ending::Stays),
    ] {
        world.sandbox.script(order, Script::ends(ending));
        world.enqueue(order, 400_000, 0).await;
    }
    let lost = format!("select attention from payout.payouts where order_num = '{LOST}'");
    world.until(&lost, "not_found").await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn every_screen_is_for_everybody() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let world = an_afternoon().await;
    let mut one = world.database.login(&["payout_operator"]).await;
    let other = world.database.login(&["payout_operator"]).await;
    let is_for_docs = std::env::var_os("UPDATE_DOCS").is_some();
    if is_for_docs {
        let named = format!("alter role {one} rename to siti; alter role siti password 'siti'");
        world.database.run(&named).await;
        "siti".clone_into(&mut one);
    }
    let desk = Desk::before(&world.database);
    for script in ["screens", "keyboard"] {
        browser.run(script, &desk, [&one, &other]).await;
    }
    if is_for_docs {
        browser.keep_pictures();
    }
    assert_eq!(world.submits_of(LOST), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_with_a_browser_each_send_a_lost_payout_again_and_another_site_does_nothing() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let world = an_afternoon().await;
    let one = world.database.login(&["payout_operator"]).await;
    let other = world.database.login(&["payout_operator"]).await;
    let desk = Desk::before(&world.database);
    let acts = "select count(*) from payout.history where source = 'operator'";
    let before = world.database.text(acts).await;
    browser.run("strangers", &desk, [&one, &other]).await;
    assert_eq!(world.database.text(acts).await, before);

    world.sandbox.script(LOST, Script::ends(Ending::Paid));
    browser.run("two-people", &desk, [&one, &other]).await;
    assert_eq!(world.database.state(LOST).await, "paid");
    assert_eq!(world.submits_of(LOST), 2, "the first one never arrived");
    let books = "select sum(available + held + paid_out + fees + funding) from payout.ledger";
    assert_eq!(world.database.text(books).await, "0");
}
