//! The two workers, as child processes: one can be killed while the other continues.

use std::{fs::File, process::Stdio, time::Duration};

use anyhow::{Context, Result};
use tokio::{
    process::{Child, Command},
    time::{Instant, timeout},
};

use super::stage::Stage;

/// How soon a killed worker is restarted, as a supervisor would do.
const REVIVE_AFTER: Duration = Duration::from_secs(3);

pub(super) struct Workers(Vec<Worker>);

struct Worker {
    name: &'static str,
    child: Child,
    ended_at: Option<Instant>,
    starts: u32,
}

impl Workers {
    pub(super) fn start(stage: &Stage) -> Result<Self> {
        let workers = ["worker-1", "worker-2"].map(|name| {
            let child = spawn(stage, name, 1)?;
            Ok(Worker {
                name,
                child,
                ended_at: None,
                starts: 1,
            })
        });
        Ok(Self(workers.into_iter().collect::<Result<_>>()?))
    }

    /// Restarts workers that ended. Returns why some could not be started; the next call retries.
    pub(super) fn revive(&mut self, stage: &Stage) -> Vec<anyhow::Error> {
        let mut failed = Vec::new();
        for worker in &mut self.0 {
            let ended = worker.child.try_wait().ok().flatten();
            match (ended, worker.ended_at) {
                (None, _) => worker.ended_at = None,
                (Some(_), None) => worker.ended_at = Some(Instant::now()),
                (Some(_), Some(at)) if at.elapsed() >= REVIVE_AFTER => {
                    worker.starts = worker.starts.saturating_add(1);
                    worker.ended_at = Some(Instant::now());
                    match spawn(stage, worker.name, worker.starts) {
                        Ok(child) => worker.child = child,
                        Err(error) => failed.push(error),
                    }
                }
                (Some(_), Some(_)) => {}
            }
        }
        failed
    }

    /// `worker-1 pid 4711, worker-2 ended`.
    pub(super) fn line(&self) -> String {
        let parts: Vec<String> = self
            .0
            .iter()
            .map(|worker| match worker.child.id() {
                Some(pid) => format!("{} pid {pid}", worker.name),
                None => format!("{} ended, restarting", worker.name),
            })
            .collect();
        parts.join(", ")
    }

    /// Signals them to stop, and waits. Kills those that take too long.
    pub(super) async fn stop(&mut self) {
        for worker in &mut self.0 {
            if let Some(pid) = worker.child.id().and_then(|pid| i32::try_from(pid).ok())
                && let Some(pid) = rustix::process::Pid::from_raw(pid)
            {
                // It may have ended already.
                rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
            }
        }
        for worker in &mut self.0 {
            if timeout(Duration::from_secs(15), worker.child.wait())
                .await
                .is_err()
            {
                worker.child.kill().await.ok();
            }
        }
    }
}

fn spawn(stage: &Stage, name: &str, start: u32) -> Result<Child> {
    let log = File::create(stage.path(&format!("{name}.{start}.log")))?;
    Command::new(std::env::current_exe()?)
        .args(["run", "-c"])
        .arg(stage.path(&format!("{name}.toml")))
        .env_remove("PAYOUT_DATABASE_URL")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .kill_on_drop(true)
        // The demo handles Ctrl-C at the terminal itself, because it drains first.
        .process_group(0)
        .spawn()
        .with_context(|| format!("could not start {name}"))
}
