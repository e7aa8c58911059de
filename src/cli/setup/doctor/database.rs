//! The database: reachable, right schema, right role, durable, clock in step.

use chrono::{TimeDelta, Utc};
use payout_config::Config;
use payout_service::keyring;
use payout_store::{
    connect,
    doctor::{Seen, is_pooled_by_transaction, registered_so, see},
    fitness::{self, Fitness},
    schema,
};
use sqlx::{PgPool, error::DatabaseError};

use super::{Check, Level, Subject, address, schema as fit_schema};

/// Leases and schedules follow the database's clock; the send-by time follows both clocks.
const SKEW_WARN: TimeDelta = TimeDelta::seconds(2);
const SKEW_FAIL: TimeDelta = TimeDelta::seconds(30);

pub(crate) async fn check(url: &str, config: Option<&Config>) -> Vec<Check> {
    let pool = match connect(url, "payout doctor", 2).await {
        Ok(pool) => pool,
        Err(error) => {
            let repair = if error.to_string().contains("startup parameter") {
                "a pooler is in between: use the URL of Postgres itself, or of a session pool that \
                 accepts the parameter `options`"
            } else {
                "is the server running, is the URL right, may this login connect?"
            };
            return vec![Subject("database").fail(error.to_string(), repair)];
        }
    };
    let checks = look(&pool, url, config).await;
    pool.close().await;
    checks.unwrap_or_else(|error| {
        let code = error.as_database_error().and_then(DatabaseError::code);
        let repair = match code.as_deref() {
            Some("26000" | "42P05") => {
                "a pooler hands out sessions per transaction: use the URL of Postgres itself, or pool_mode = session"
            }
            _ => "read the message; the server was reached",
        };
        vec![Subject("database").fail(error.to_string(), repair)]
    })
}

async fn look(
    pool: &PgPool,
    url: &str,
    config: Option<&Config>,
) -> Result<Vec<Check>, sqlx::Error> {
    let before = Utc::now();
    let seen = see(pool).await?;
    let after = Utc::now();
    let mut checks =
        vec![Subject("database").ok(format!("Postgres {}, as {}", seen.version, seen.login))];
    checks.push(clock(&seen, before, after));
    let fitness = fitness::fitness(pool).await?;
    let is_whole = fitness.keeps_settings;
    let of_a_worker = config.map(|_| [fitness.too_few_connections(), fitness.lacks_worker_role()]);
    let obstacles = fitness
        .obstacles()
        .into_iter()
        .chain(fitness.why_read_only());
    for obstacle in obstacles.chain(of_a_worker.into_iter().flatten().flatten()) {
        checks.push(Subject(obstacle.subject).fail(obstacle.found, &obstacle.repair));
    }
    if fitness.is_standby {
        return Ok(checks);
    }
    if is_whole {
        checks.push(pooler(is_pooled_by_transaction(pool).await?));
    }
    let schema = schema_is_up_to_date(pool).await;
    let usable = schema.level == Level::Ok;
    checks.push(schema);
    checks.push(role(&seen, fitness.could_switch_guards_off, config));
    checks.push(durability(&fitness));
    if usable {
        checks.extend(fit_schema::check(pool).await?);
        checks.extend(fit_schema::claims(pool).await?);
        checks.push(address::check(pool, url, config.is_some()).await?);
        for merchant in config.iter().flat_map(|config| &config.merchants) {
            checks.push(registration(pool, merchant).await?);
        }
    }
    Ok(checks)
}

fn durability(fitness: &Fitness) -> Check {
    let subject = Subject("durability");
    if fitness.commits_wait {
        return subject.fail(
            "commits of this login wait for a synchronous standby that does not answer",
            "start the standby, or correct synchronous_standby_names (pg_stat_replication shows which are connected)",
        );
    }
    match (fitness.unsafe_settings.as_slice(), &fitness.whole_pages_by) {
        ([], None) => subject.ok("fsync, full_page_writes and synchronous_commit are on"),
        ([], Some(by)) => subject.warn(
            format!("full_page_writes is off, which {by}"),
            "right only where the storage writes each page whole; it is void after a failover",
        ),
        (off, _) => subject.fail(
            off.join(", "),
            "switch them on: a payout whose commit is lost could be sent twice. Where the storage writes each page whole, as \
             ZFS does: select payout.accept_full_pages_off('why')",
        ),
    }
}

fn clock(seen: &Seen, before: chrono::DateTime<Utc>, after: chrono::DateTime<Utc>) -> Check {
    // The server read its clock between the two; the round trip is not skew.
    let skew = if seen.now < before {
        before.signed_duration_since(seen.now)
    } else {
        seen.now.signed_duration_since(after).max(TimeDelta::zero())
    };
    let found = format!("{} ms off the database's clock", skew.num_milliseconds());
    let repair = "run a time service (chrony) on both hosts";
    if skew >= SKEW_FAIL {
        Subject("clock").fail(found, repair)
    } else if skew >= SKEW_WARN {
        Subject("clock").warn(found, repair)
    } else {
        Subject("clock").ok(found)
    }
}

fn pooler(is_by_transaction: bool) -> Check {
    if is_by_transaction {
        return Subject("pooler").fail(
            "a pooler hands out sessions per transaction: LISTEN and session settings are lost",
            "use the URL of Postgres itself, or pool_mode = session",
        );
    }
    Subject("pooler").ok("each connection keeps its session")
}

async fn schema_is_up_to_date(pool: &PgPool) -> Check {
    match schema::missing(pool).await {
        Ok(missing) if missing.is_empty() => Subject("schema").ok("it is up to date"),
        Ok(missing) => {
            let found = format!("it lacks {}", missing.join(", "));
            Subject("schema").fail(found, "payout migrate -c FILE, as the schema's owner")
        }
        Err(error) => Subject("schema").fail(
            error.to_string(),
            "payout migrate -c FILE, or use the program version that fits; the login needs \
             payout_worker",
        ),
    }
}

fn role(seen: &Seen, could_switch_guards_off: bool, config: Option<&Config>) -> Check {
    let login = &seen.login;
    let is_allowed = config.is_some_and(|config| config.database.allow_owner);
    match (could_switch_guards_off, seen.roles.as_slice()) {
        (true, _) if is_allowed => Subject("role").warn(
            format!("{login} could switch the guards off"),
            "allow_owner = true is for demos and tests only",
        ),
        (true, _) => Subject("role").fail(
            format!("{login} is a superuser or owns the schema: it could switch the guards off"),
            "create a separate login and grant payout_worker to it",
        ),
        (false, []) => Subject("role").fail(
            format!("{login} has none of the schema's roles"),
            "grant payout_worker (or payout_operator) to it",
        ),
        (false, roles) => Subject("role").ok(format!("{login}: {}", roles.join(", "))),
    }
}

async fn registration(
    pool: &PgPool,
    merchant: &payout_config::Merchant,
) -> Result<Check, sqlx::Error> {
    let what = format!("merchant {}", merchant.code);
    let Ok(wanted) = keyring::registration(merchant) else {
        // The check of the keys says what is wrong with them.
        return Ok(Subject(&what).warn("its platform key cannot be read", "see below"));
    };
    let same = registered_so(
        pool,
        &wanted.code,
        &wanted.dialect,
        &wanted.base_url,
        &wanted.platform_keys,
    )
    .await?;
    Ok(match same {
        Some(true) => Subject(&what).ok("registered with this gateway and key"),
        Some(false) => Subject(&what).fail(
            "registered with another gateway, dialect or platform key: workers claim nothing",
            "is this the right file for this database? If so: payout migrate --accept-gateway CODE",
        ),
        None => Subject(&what).fail("not registered", "payout migrate -c FILE"),
    })
}
