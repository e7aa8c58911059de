//! `payout doctor` checks everything that a worker needs, and each check can fail.

use serde_json::Value;

use crate::support::{server::REFUSE_REPLICATED, site::Site};

/// The verdict of each check; the worst one when there are several.
fn verdicts(rows: &Value) -> Vec<(String, String)> {
    let rows = rows.as_array().unwrap();
    rows.iter()
        .map(|row| {
            let text = |key: &str| row[key].as_str().unwrap().to_owned();
            assert!(
                text("verdict") == "ok" || !text("repair").is_empty(),
                "no repair: {row}"
            );
            (text("check"), text("verdict"))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_names_each_fault_and_finds_none_in_a_healthy_setup() {
    let site = Site::build().await;
    sqlx::raw_sql(REFUSE_REPLICATED)
        .execute(&site.pool)
        .await
        .unwrap();
    let _worker = site.worker("one.toml", "worker.log");
    site.enqueue(0..1).await;
    site.until_settled(1).await;
    // A worker says once a second what has changed.
    let claims = "select stopped_by is null from payout.claims";
    site.until(claims, "true").await;
    let file = site.folder.path().join("one.toml");
    let call = ["doctor", "-o", "json", "-c", file.to_str().unwrap()];
    let look = async || -> (i32, Vec<(String, String)>) {
        let said = site.payout("a_worker", &call).await;
        (said.code, verdicts(&said.json()))
    };
    let of = |found: &[(String, String)], verdict: &str| -> Vec<String> {
        let found = found.iter().filter(|(_, is)| is == verdict);
        found.map(|(what, _)| what.clone()).collect()
    };

    let (code, well) = look().await;
    assert_eq!((code, of(&well, "fail")), (0, vec![]));
    // The only warnings: plain http to this machine, and no witness file. In a container, loopback proves little too.
    let mut warned = of(&well, "warn");
    warned.retain(|what| what != "address");
    assert_eq!(warned, ["witness", "notify_url of S2020198627344"]);
    assert!(well.iter().any(|(what, _)| what == "address"), "{well:?}");
    for what in [
        "configuration",
        "database",
        "clock",
        "pooler",
        "schema",
        "role",
        "durability",
        "grants",
        "guards",
        "tables",
        "additions",
        "failover",
        "clock jumps",
        "pauses",
        "merchant S2020198627344",
        "notify_url of S2020198627344",
        "keys of S2020198627344",
        "signing for S2020198627344",
        "gateway of S2020198627344",
    ] {
        assert!(
            of(&well, "ok").iter().any(|ok| ok == what),
            "{what}: {well:?}"
        );
    }

    for (break_it, repair, what, verdict, exit) in [
        (
            "alter table payout.payouts disable trigger guard_changes",
            "alter table payout.payouts enable trigger guard_changes",
            "guards",
            "fail",
            1,
        ),
        (
            "alter table payout.addresses disable trigger user;
             update payout.addresses set address = 'db.example:' || address;
             alter table payout.addresses enable trigger user",
            "alter table payout.addresses disable trigger user;
             update payout.addresses set address = replace(address, 'db.example:', '');
             alter table payout.addresses enable trigger user, enable replica trigger refuse_replicated,
                 enable replica trigger refuse_replicated_truncate",
            "address",
            "fail",
            1,
        ),
        (
            "revoke insert on payout.evidence from payout_worker",
            "grant insert on payout.evidence to payout_worker",
            "grants",
            "fail",
            1,
        ),
        (
            "revoke execute on function payout.next_seq() from payout_worker",
            "grant execute on function payout.next_seq() to payout_worker",
            "grants",
            "fail",
            1,
        ),
        (
            "alter index payout.acts_by_time rename to moved",
            "alter index payout.moved rename to acts_by_time",
            "tables",
            "fail",
            1,
        ),
        // One number of the gateway could then be that of two payouts.
        (
            "alter index payout.platform_order_num_is_used_once rename to moved;
             create index platform_order_num_is_used_once on payout.payouts (merchant_code)",
            "drop index payout.platform_order_num_is_used_once;
             alter index payout.moved rename to platform_order_num_is_used_once",
            "tables",
            "fail",
            1,
        ),
        (
            "create trigger mine before update on payout.ledger_sums
             for each row execute function suppress_redundant_updates_trigger()",
            "drop trigger mine on payout.ledger_sums",
            "additions",
            "warn",
            0,
        ),
        (
            "select payout.pause('all', '', 'ticket 9')",
            "select payout.resume('all', '', 'ticket 9')",
            "pauses",
            "warn",
            0,
        ),
        (
            "update payout.clock set trusted_after = now() + interval '9 minutes'",
            "update payout.clock set trusted_after = null",
            "clock jumps",
            "warn",
            0,
        ),
        (
            "update payout.failover set changed_at = now(), trusted_after = now()",
            "update payout.failover set changed_at = null, trusted_after = null",
            "failover",
            "fail",
            1,
        ),
        (
            "update payout.merchants set base_url = 'https://else.example'",
            "",
            "merchant S2020198627344",
            "fail",
            1,
        ),
    ] {
        sqlx::raw_sql(break_it).execute(&site.pool).await.unwrap();
        let (code, found) = look().await;
        assert_eq!(code, exit, "{what}: {found:?}");
        assert!(
            of(&found, verdict).iter().any(|bad| bad == what),
            "{what}: {found:?}"
        );
        sqlx::raw_sql(repair).execute(&site.pool).await.unwrap();
    }
}
