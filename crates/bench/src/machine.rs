//! The machine that a record was made on, and what one RSA operation costs there.

use std::{collections::BTreeMap, fs, thread, time::Instant};

use anyhow::Result;
use openssl::{
    pkey::{Private, Public},
    rsa::Rsa,
};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::signature::{sign, verify};

/// What figures depend on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_gb: u64,
    pub(crate) kernel: String,
    pub(crate) postgres: String,
    /// Settings of the server that figures depend on.
    pub(crate) settings: BTreeMap<String, String>,
    /// CPU of one signature and two verifications of one block each, in microseconds: the least that a payout can cost.
    pub(crate) rsa_floor_us: f64,
}

impl Machine {
    /// Whether figures of both can be compared.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        (
            &self.cpu,
            self.cores,
            self.memory_gb,
            &self.postgres,
            &self.settings,
        ) == (
            &other.cpu,
            other.cores,
            other.memory_gb,
            &other.postgres,
            &other.settings,
        )
    }

    /// On one line, for people.
    pub(crate) fn in_words(&self) -> String {
        let Self {
            cpu,
            cores,
            memory_gb,
            postgres,
            ..
        } = self;
        format!("{cpu}, {cores} cores, {memory_gb} GB, Postgres {postgres}")
    }
}

/// The settings that a record states: those that decide what a commit costs, and how much stays in memory.
const SETTINGS: &[&str] = &[
    "fsync",
    "full_page_writes",
    "jit",
    "max_wal_size",
    "shared_buffers",
    "synchronous_commit",
    "wal_compression",
    "wal_level",
    "wal_sync_method",
];

/// Describes this machine.
pub(crate) async fn describe(key: &Rsa<Private>, db: &mut PgConnection) -> Result<Machine> {
    let postgres = sqlx::query_scalar("show server_version")
        .fetch_one(&mut *db)
        .await?;
    let settings: Vec<(String, String)> = sqlx::query_as(
        "select name, current_setting(name) from pg_settings where name = any ($1) order by name",
    )
    .bind(SETTINGS)
    .fetch_all(db)
    .await?;
    let word = |path: &str, name: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name));
        let value = line.and_then(|line| line.split_once(':'));
        value.map_or_else(String::new, |(_, value)| value.trim().to_owned())
    };
    let memory_kb = word("/proc/meminfo", "MemTotal");
    let memory_kb: u64 = memory_kb.trim_end_matches(" kB").parse().unwrap_or(0);
    Ok(Machine {
        cpu: word("/proc/cpuinfo", "model name"),
        cores: thread::available_parallelism().map_or(1, usize::from),
        memory_gb: memory_kb / 1024 / 1024,
        kernel: fs::read_to_string("/proc/sys/kernel/osrelease")
            .unwrap_or_default()
            .trim()
            .to_owned(),
        postgres,
        settings: settings.into_iter().collect(),
        rsa_floor_us: rsa_floor_us(key)?,
    })
}

/// The fastest of many, so that another process on the core does not count.
fn rsa_floor_us(key: &Rsa<Private>) -> Result<f64> {
    const TRIES: usize = 200;
    let public: Rsa<Public> = Rsa::public_key_from_pem(&key.public_key_to_pem()?)?;
    let text = "2500000140012345678";
    let mut fastest = f64::INFINITY;
    for _ in 0..TRIES {
        let begun = Instant::now();
        let signature = sign(key, text)?;
        for _ in 0..2 {
            anyhow::ensure!(verify(&public, text, &signature)?, "RSA does not work here");
        }
        fastest = fastest.min(begun.elapsed().as_secs_f64() * 1e6);
    }
    Ok(fastest)
}
