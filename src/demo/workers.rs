//! The two workers, as child processes: one can be killed while the other continues.

use std::{fs::File, process::Stdio, time::Duration};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child, Command},
    time::{Instant, timeout},
};

use super::stage::Stage;

/// How soon a killed worker is restarted, as a supervisor would do.
const REVIVE_AFTER: Duration = Duration::from_secs(3);

pub(super) struct Workers([Worker; 2]);

struct Worker {
    name: &'static str,
    child: Child,
    ended_at: Option<Instant>,
    starts: u32,
}

impl Workers {
    pub(super) fn start(stage: &Stage) -> Result<Self> {
        let start = |name| -> Result<Worker> {
            Ok(Worker {
                name,
                child: spawn(stage, name, 1)?,
                ended_at: None,
                starts: 1,
            })
        };
        Ok(Self([start("worker-1")?, start("worker-2")?]))
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
        let parts = self.0.each_ref().map(|worker| match worker.child.id() {
            Some(pid) => format!("{} pid {pid}", worker.name),
            None => format!("{} ended, restarting", worker.name),
        });
        parts.join(", ")
    }

    /// Signals them to stop, and waits. Kills those that take too long.
    pub(super) async fn stop(&mut self) {
        for worker in &mut self.0 {
            let pid = worker.child.id().and_then(|pid| pid.try_into().ok());
            if let Some(pid) = pid.and_then(Pid::from_raw) {
                // It may have ended already.
                kill_process(pid, Signal::TERM).ok();
            }
        }
        for worker in &mut self.0 {
            let ended = timeout(Duration::from_secs(15), worker.child.wait()).await;
            if ended.is_err() {
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
