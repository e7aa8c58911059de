//! What processes cost: CPU and memory, from /proc; WAL and commits, from the server.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result};
use sqlx::PgConnection;

/// Counters at one moment; the difference of two is what a run cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meter {
    worker_cpu: Duration,
    postgres_cpu: Duration,
    wal_bytes: i64,
    commits: i64,
}

/// The cost of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) worker_cpu: Duration,
    pub(crate) postgres_cpu: Duration,
    pub(crate) wal_bytes: i64,
    pub(crate) commits: i64,
}

impl Meter {
    /// Reads the counters of the workers, and of the server with all of its processes.
    pub(crate) async fn read(
        db: &mut PgConnection,
        workers: &[u32],
        postmaster: u32,
    ) -> Result<Self> {
        let mut worker_cpu = Duration::ZERO;
        for pid in workers {
            worker_cpu = worker_cpu.saturating_add(of_process(*pid)?.own);
        }
        let server = of_process(postmaster)?;
        let mut postgres_cpu = server.own.saturating_add(server.ended_children);
        for pid in children(postmaster) {
            // One that has just ended is in its parent's total at the next reading.
            let own = of_process(pid).map(|cpu| cpu.own);
            postgres_cpu = postgres_cpu.saturating_add(own.unwrap_or_default());
        }
        // Transactions that wrote, by their IDs. `xact_commit` also counts each reader, and each wake-up of a listener.
        let (wal_bytes, commits) = sqlx::query_as(
            "select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint,
                    pg_snapshot_xmax(pg_current_snapshot())::text::bigint",
        )
        .fetch_one(db)
        .await?;
        Ok(Self {
            worker_cpu,
            postgres_cpu,
            wal_bytes,
            commits,
        })
    }

    /// What was spent since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Cost {
        Cost {
            worker_cpu: self.worker_cpu.saturating_sub(earlier.worker_cpu),
            postgres_cpu: self.postgres_cpu.saturating_sub(earlier.postgres_cpu),
            wal_bytes: self.wal_bytes.saturating_sub(earlier.wal_bytes),
            commits: self.commits.saturating_sub(earlier.commits),
        }
    }
}

/// CPU of one process.
struct Cpu {
    own: Duration,
    /// Of its children that have ended and were waited for.
    ended_children: Duration,
}

/// User and system time of a process, from `/proc/PID/stat` (fields 14 to 17, in clock ticks).
fn of_process(pid: u32) -> Result<Cpu> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))
        .with_context(|| format!("process {pid} has ended"))?;
    // The name may contain spaces and brackets; it ends with the last bracket.
    let (_, fields) = stat
        .rsplit_once(") ")
        .context("/proc/PID/stat is not as expected")?;
    let ticks: Vec<u64> = fields
        .split(' ')
        .skip(11)
        .take(4)
        .map(|field| field.parse().unwrap_or(0))
        .collect();
    let of = |from: usize| {
        let sum = ticks.iter().skip(from).take(2).sum::<u64>();
        let per_second = rustix::param::clock_ticks_per_second();
        let micros = sum.saturating_mul(1_000_000).checked_div(per_second);
        Duration::from_micros(micros.unwrap_or(0))
    };
    Ok(Cpu {
        own: of(0),
        ended_children: of(2),
    })
}

fn children(pid: u32) -> Vec<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let list = fs::read_to_string(path).unwrap_or_default();
    list.split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

/// The most memory that a process has used, in bytes.
pub(crate) fn peak_memory(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status"))?;
    let kilobytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"))
        .context("/proc/PID/status is not as expected")?;
    Ok(kilobytes.trim().parse::<u64>()?.saturating_mul(1024))
}
