//! What a role, a database or a person can change so that a worker cannot work, or works without its guards, is named.

use crate::support::{server::REFUSE_REPLICATED, site::Site};

/// `payout run` ends with `code`, `payout doctor` fails, and both say why.
async fn is_refused(site: &Site, change: &str, code: i32, words: &[&str]) {
    site.run(change).await;
    let file = site.folder.path().join("one.toml");
    let file = file.to_str().unwrap();
    for (command, code) in [("run", code), ("doctor", 1)] {
        let refused = site.payout("a_worker", &[command, "-c", file]).await;
        println!("{change}: {command}");
        refused.with(code).says(words);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_whose_settings_disarm_or_stop_a_worker_is_refused_by_run_and_named_by_doctor() {
    let site = Site::build().await;
    for (change, code, words, back) in [
        (
            "alter role a_worker set session_replication_role = replica",
            78,
            [
                "session_replication_role is replica",
                "alter role a_worker reset session_replication_role",
            ],
            "alter role a_worker reset session_replication_role",
        ),
        (
            "grant payout_reader to a_worker; alter role a_worker set role = 'payout_reader'",
            78,
            [
                "a_worker acts with the rights of payout_reader",
                "alter role a_worker reset role",
            ],
            "alter role a_worker reset role",
        ),
        (
            "alter role a_worker set default_transaction_read_only = on",
            69,
            ["is read-only", "reset default_transaction_read_only"],
            "alter role a_worker reset default_transaction_read_only",
        ),
        (
            "alter database postgres set default_transaction_read_only = on",
            69,
            ["is read-only", "reset default_transaction_read_only"],
            "alter database postgres reset default_transaction_read_only",
        ),
    ] {
        is_refused(&site, change, code, &words).await;
        let read_write = format!("set default_transaction_read_only = off; {back}");
        site.run(&read_write).await;
    }
    site.run("revoke payout_worker from a_worker").await;
    let file = site.folder.path().join("one.toml");
    let said = site
        .payout("a_worker", &["run", "-c", file.to_str().unwrap()])
        .await;
    said.with(78).says(&[
        "a_worker does not have the rights of payout_worker",
        "grant payout_worker to a_worker",
    ]);
    site.run("grant payout_worker to a_worker").await;
    let _worker = site.worker("one.toml", "worker.log");
    site.enqueue(0..1).await;
    site.until_settled(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_of_the_schema_is_named_and_no_worker_starts_without_it() {
    let site = Site::build().await;
    site.run(REFUSE_REPLICATED).await;
    for (change, words) in [
        (
            "revoke update (state) on payout.payouts from payout_worker",
            "grant update of state on payouts to payout_worker",
        ),
        (
            "grant update (state) on payout.payouts to payout_worker;
             alter table payout.ledger set unlogged",
            "table ledger: logged",
        ),
        (
            "alter table payout.ledger set logged; drop trigger guard_changes on payout.payouts",
            "trigger guard_changes on payouts: on",
        ),
    ] {
        is_refused(&site, change, 78, &[words]).await;
    }
}

/// Hosted databases do that when a disk is full.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_becomes_read_only_is_named_by_readiness_and_work_goes_on_after_it() {
    let site = Site::build().await;
    let _worker = site.worker("one.toml", "worker.log");
    site.enqueue(0..1).await;
    site.until_settled(1).await;
    let end_sessions =
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'a_worker'";
    let freeze =
        format!("alter role a_worker set default_transaction_read_only = on; {end_sessions}");
    site.run(&freeze).await;
    site.until_ready(503, "read-only").await;
    site.enqueue(1..2).await;
    let thaw = format!("alter role a_worker reset default_transaction_read_only; {end_sessions}");
    site.run(&thaw).await;
    site.until_settled(2).await;
    site.until_ready(200, "ready").await;
}

/// A backend inserts all day, and tables of its own refer to payouts.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_waits_for_the_open_inserts_of_a_backend() {
    let site = Site::build().await;
    let file = site.folder.path().join("one.toml");
    let file = file.to_str().unwrap();
    site.run(
        "create table of_ours (merchant_code text, order_num text,
                                foreign key (merchant_code, order_num) references payout.payouts)",
    )
    .await;
    site.enqueue(0..2).await;
    let mut backend = site.pool.begin().await.unwrap();
    sqlx::raw_sql(
        "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
         values ('OPEN-1', 10000, 1, '014', '0012345678', 'Siti Rahayu');
         insert into of_ours select merchant_code, order_num from payout.payouts where order_num like 'R-%'",
    )
    .execute(&mut *backend)
    .await
    .unwrap();
    for arguments in [
        &["migrate", "-c", file, "--dry-run"][..],
        &["migrate", "-c", file],
    ] {
        site.payout("postgres", arguments).await.with(0);
    }
    site.login("siti", "payout_operator").await;
    site.payout("siti", &["cancel", "R-1", "--reason", "not wanted"])
        .await
        .with(0);
    let _worker = site.worker("one.toml", "worker.log");
    site.until_settled(1).await;
    backend.commit().await.unwrap();
    site.until_settled(2).await;
}
