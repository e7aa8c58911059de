//! Applies migrations and registers merchants.

use std::{borrow::Cow, collections::HashMap};

use crc::{CRC_32_ISO_HDLC, Crc};
use sqlx::{
    PgConnection, PgPool,
    migrate::{Migrate, MigrateError, Migrator},
};

use super::{
    addresses::{self, Address, AddressError},
    connect,
    failover::continue_seq,
    fitness::fitness,
};

pub mod objects;
mod older;
mod rights;

use rights::Rights;

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");
/// Lists the migrations that were applied.
const APPLIED: &str = "payout._sqlx_migrations";

/// How long `payout migrate` waits for another one that runs at the same time. It waits for tables as briefly as every
/// connection does: whoever wants the table next waits behind it.
const LOCKED_MAX: &str = "10s";

/// A merchant as `payout migrate` registers it; never with a private key.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The merchant's code.
    pub code: String,
    /// The name of its gateway's dialect.
    pub dialect: String,
    /// Whether the dialect signs its balance.
    pub balance_is_signed: bool,
    /// Whether "not found" proves anything in this dialect.
    pub not_found_is_proof: bool,
    /// The address of its gateway.
    pub base_url: String,
    /// The fingerprint (SHA-256) of each platform key, sorted.
    pub platform_keys: Vec<String>,
    /// Smallest amount in rupiah.
    pub min_amount: i64,
    /// Largest amount in rupiah.
    pub max_amount: i64,
    /// How many rupiah are held for a fee on top until it is known.
    pub fee_reserve: i64,
    /// `gateway` or `books`.
    pub funding: String,
}

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The database cannot be reached, or refused a statement.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The connection broke while migrations were read or applied.
    #[error("the database cannot be reached: {}", in_words(.0))]
    Away(MigrateError),
    /// A migration failed, or the database has one that this program does not have.
    #[error("the migrations could not be applied: {}", in_words(.0))]
    Migrate(MigrateError),
    /// Something is locked. Any login may take the advisory lock that keeps two migrations apart.
    #[error(
        "nothing was applied: {0}; once its transaction or session has ended, or the owner has ended it with \
         pg_terminate_backend, run `payout migrate` again"
    )]
    Locked(String),
    /// A merchant is registered with another gateway or key; a person must confirm the change.
    #[error(
        "merchant {0} is registered with another gateway, dialect or platform key; if the new one is right, \
         run `payout migrate --accept-gateway {0}`; if this file belongs to another database, stop here"
    )]
    OtherGateway(String),
    /// The database hides rows, or cannot store every text.
    #[error("{0}")]
    Unfit(String),
    /// The database URL does not say which server it reaches.
    #[error(transparent)]
    Address(#[from] AddressError),
}

/// Without the line of the server's own source, which the driver appends to the server's message.
fn in_words(error: &MigrateError) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((words, line)) if line.bytes().all(|byte| byte.is_ascii_digit()) => words.to_owned(),
        _ => text,
    }
}

/// A connection that broke says nothing about the schema.
impl From<MigrateError> for SchemaError {
    fn from(error: MigrateError) -> Self {
        let is_unreachable = matches!(&error, MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _)
            if !super::is_refusal(cause));
        if is_unreachable {
            Self::Away(error)
        } else {
            Self::Migrate(error)
        }
    }
}

/// Applies missing migrations, registers merchants and, with the first of them, the address of `url`. `accept` names the
/// merchants whose gateway or key may change. Returns one sentence for each thing done, or that would be done with
/// `dry_run`.
pub async fn migrate(
    url: &str,
    merchants: &[Registration],
    accept: &[String],
    dry_run: bool,
) -> Result<Vec<String>, SchemaError> {
    migrate_reached_by(url, merchants, accept, &[Address::of_url(url)?], dry_run).await
}

/// The same where workers reach the database by other addresses than `url`.
pub async fn migrate_reached_by(
    url: &str,
    merchants: &[Registration],
    accept: &[String],
    addresses: &[Address],
    dry_run: bool,
) -> Result<Vec<String>, SchemaError> {
    let pool = connect(url, "payout migrate", 1).await?;
    let result = migrate_with(&pool, merchants, accept, addresses, dry_run).await;
    pool.close().await;
    result
}

async fn migrate_with(
    pool: &PgPool,
    merchants: &[Registration],
    accept: &[String],
    addresses: &[Address],
    dry_run: bool,
) -> Result<Vec<String>, SchemaError> {
    let mut done = Vec::new();
    refuse_unfit(pool).await?;
    let missing = missing(pool).await?;
    for name in &missing {
        done.push(format!(
            "migration {name}: {}",
            if dry_run {
                "would be applied"
            } else {
                "applied"
            }
        ));
    }
    // An up-to-date schema takes no right to create anything.
    if !missing.is_empty() {
        let rights = rights::rights(pool).await?;
        refuse_without(&rights)?;
        if dry_run {
            return Ok(done);
        }
        apply(pool, rights.has_schema).await?;
        // An event trigger may switch it on for each new table.
        refuse_unfit(pool).await?;
    }
    if !dry_run {
        continue_seq(pool).await?;
    }
    done.extend(older::open_against_newer_rules(pool).await?);
    for merchant in merchants {
        done.push(register(pool, merchant, accept.contains(&merchant.code), dry_run).await?);
    }
    if !merchants.is_empty() {
        done.extend(register_addresses(pool, addresses, dry_run).await?);
    }
    Ok(done)
}

async fn refuse_unfit(pool: &PgPool) -> Result<(), SchemaError> {
    let fitness = fitness(pool).await?;
    fitness
        .why_unfit()
        .map_or(Ok(()), |why| Err(SchemaError::Unfit(why)))
}

fn refuse_without(rights: &Rights) -> Result<(), SchemaError> {
    let statements = &rights.for_a_dba;
    if statements.is_empty() {
        return Ok(());
    }
    Err(SchemaError::Unfit(format!(
        "this login lacks rights for the migrations. Have a DBA run these statements in this database, then run `payout \
         migrate` again:\n  {}",
        statements.join("\n  ")
    )))
}

/// Applies what is missing, and waits for locks only so long.
async fn apply(pool: &PgPool, has_schema: bool) -> Result<(), SchemaError> {
    // Closed at the end, which releases its locks.
    let mut db = pool.acquire().await?.detach();
    if let Err(cause) = lock_migrations(&mut db).await {
        if !super::is_locked(&cause) {
            return Err(cause.into());
        }
        let holder = holder_of_lock(&mut db).await?;
        return Err(SchemaError::Locked(holder.unwrap_or_else(|| {
            format!("another migration ran for {LOCKED_MAX}")
        })));
    }
    match migrator(has_schema).run(&mut db).await {
        Err(MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _))
            if super::is_locked(&cause) =>
        {
            Err(SchemaError::Locked(
                "another transaction has a table of the schema locked".to_owned(),
            ))
        }
        applied => Ok(applied?),
    }
}

/// The migrations of this program. They create the schema too unless `has_schema`: "create schema if not exists" takes the
/// right to create schemas even if it exists.
pub fn migrator(has_schema: bool) -> Migrator {
    let mut migrator = Migrator::with_migrations(MIGRATIONS.migrations.to_vec());
    migrator.dangerous_set_table_name(APPLIED);
    if !has_schema {
        migrator.create_schema("payout");
    }
    migrator
}

/// Takes the advisory lock that `sqlx` takes again, without waiting, before it migrates.
async fn lock_migrations(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("select /* store::wait_to_migrate */ set_config('lock_timeout', $1, false)")
        .bind(LOCKED_MAX)
        .execute(&mut *db)
        .await?;
    let lock = migration_lock(db).await?;
    sqlx::query("select /* store::lock_migrations */ pg_advisory_lock($1)")
        .bind(lock)
        .execute(&mut *db)
        .await?;
    sqlx::query("reset /* store::lock_migrations */ lock_timeout")
        .execute(&mut *db)
        .await?;
    Ok(())
}

/// The number of that lock, as `sqlx` derives it from the database's name.
async fn migration_lock(db: &mut PgConnection) -> Result<i64, sqlx::Error> {
    let name: String = sqlx::query_scalar("select current_database()::text")
        .fetch_one(db)
        .await?;
    let checksum = Crc::<u32>::new(&CRC_32_ISO_HDLC).checksum(name.as_bytes());
    Ok(i64::from(checksum).wrapping_mul(0x3d32_ad9e))
}

/// Who else holds that lock.
async fn holder_of_lock(db: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    let lock = migration_lock(db).await?;
    sqlx::query_scalar(
        "select /* store::holder_of_migration_lock */
                format('login %s (process %s, \"%s\") holds the lock of migrations', a.usename, a.pid, a.application_name)
         from pg_locks l join pg_stat_activity a on a.pid = l.pid
         where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and l.pid <> pg_backend_pid()
           and l.database = (select d.oid from pg_database d where d.datname = current_database())
           and (l.classid::bigint << 32 | l.objid::bigint) = $1",
    )
    .bind(lock)
    .fetch_optional(db)
    .await
}

/// Registers the addresses if they are the first. Further ones take two people.
async fn register_addresses(
    pool: &PgPool,
    wanted: &[Address],
    dry_run: bool,
) -> Result<Vec<String>, SchemaError> {
    let mut tx = pool.begin().await?;
    let before = addresses::registered(&mut tx).await?;
    addresses::register_if_first(&mut tx, wanted).await?;
    let after = addresses::registered(&mut tx).await?;
    if !dry_run {
        tx.commit().await?;
    }
    let stands_in = |rows: &[addresses::Registered], address: &str| {
        rows.iter().any(|row| row.address == address)
    };
    let say = |address: &Address| {
        let address = address.to_string();
        if stands_in(&before, &address) {
            return format!("address {address}: already registered");
        }
        if stands_in(&after, &address) {
            let undone = if dry_run { " (not done: dry run)" } else { "" };
            return format!("address {address}: registered{undone}");
        }
        format!(
            "address {address}: not registered, because others are. If workers are to reach this database by it, two \
             people register it: payout address add {address} --reason ..."
        )
    };
    Ok(wanted.iter().map(say).collect())
}

/// The migrations that this program has and the database lacks, as `0003 ledger`.
///
/// # Errors
/// Also if the database has a migration that this program lacks or knows differently.
pub async fn missing(pool: &PgPool) -> Result<Vec<String>, SchemaError> {
    let table_exists: bool = sqlx::query_scalar("select to_regclass($1) is not null")
        .bind(APPLIED)
        .fetch_one(pool)
        .await?;
    let applied: HashMap<i64, Cow<'static, [u8]>> = if table_exists {
        let mut connection = pool.acquire().await?;
        let listed = connection.list_applied_migrations(APPLIED).await?;
        listed
            .into_iter()
            .map(|migration| (migration.version, migration.checksum))
            .collect()
    } else {
        HashMap::new()
    };
    let ours: HashMap<i64, &sqlx::migrate::Migration> =
        MIGRATIONS.iter().map(|one| (one.version, one)).collect();
    for (version, checksum) in &applied {
        match ours.get(version) {
            None => return Err(MigrateError::VersionMissing(*version).into()),
            Some(own) if own.checksum != *checksum => {
                return Err(MigrateError::VersionMismatch(*version).into());
            }
            Some(_) => {}
        }
    }
    let unapplied = MIGRATIONS
        .iter()
        .filter(|one| !applied.contains_key(&one.version));
    Ok(unapplied
        .map(|one| format!("{:04} {}", one.version, one.description))
        .collect())
}

async fn register(
    pool: &PgPool,
    merchant: &Registration,
    accepted: bool,
    dry_run: bool,
) -> Result<String, SchemaError> {
    let stored = sqlx::query!(
        r#"/* store::registered_merchant */
        select (m.dialect, m.base_url, m.platform_keys) = ($2, $3, $4::text[]) as "same_gateway!"
        from payout.merchants m where m.code = $1"#,
        merchant.code,
        merchant.dialect,
        merchant.base_url,
        &merchant.platform_keys,
    )
    .fetch_optional(pool)
    .await?;
    let status = match stored {
        Some(row) if !row.same_gateway && !accepted => {
            return Err(SchemaError::OtherGateway(merchant.code.clone()));
        }
        Some(row) if !row.same_gateway => "changed to its new gateway or key",
        Some(_) => "already registered; its limits are up to date",
        None => "registered",
    };
    if dry_run {
        return Ok(format!(
            "merchant {}: {status} (not done: dry run)",
            merchant.code
        ));
    }
    // A row that is right already is not locked: every insert of a payout refers to it.
    sqlx::query!(
        r#"/* store::register_merchant */
        insert into payout.merchants as m (code, dialect, base_url, platform_keys, min_amount, max_amount, fee_reserve,
                                           funding, balance_is_signed, not_found_is_proof)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        on conflict (code) do update
        set dialect = excluded.dialect, balance_is_signed = excluded.balance_is_signed,
            not_found_is_proof = excluded.not_found_is_proof, base_url = excluded.base_url, platform_keys = excluded.platform_keys,
            min_amount = excluded.min_amount, max_amount = excluded.max_amount, fee_reserve = excluded.fee_reserve,
            funding = excluded.funding
        where ((m.dialect, m.base_url, m.platform_keys) = (excluded.dialect, excluded.base_url, excluded.platform_keys) or $11)
          and (m.dialect, m.balance_is_signed, m.not_found_is_proof, m.base_url, m.platform_keys, m.min_amount, m.max_amount,
               m.fee_reserve, m.funding)
              is distinct from (excluded.dialect, excluded.balance_is_signed, excluded.not_found_is_proof, excluded.base_url,
                                excluded.platform_keys, excluded.min_amount, excluded.max_amount, excluded.fee_reserve,
                                excluded.funding)"#,
        merchant.code,
        merchant.dialect,
        merchant.base_url,
        &merchant.platform_keys,
        merchant.min_amount,
        merchant.max_amount,
        merchant.fee_reserve,
        merchant.funding,
        merchant.balance_is_signed,
        merchant.not_found_is_proof,
        accepted,
    )
    .execute(pool)
    .await?;
    Ok(format!("merchant {}: {status}", merchant.code))
}
