//! A disk whose fsync takes longer, for the server alone: a few lines of C that the server loads before libc.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

const SOURCE: &str = include_str!("slow_fsync.c");
const LIBRARY: &str = "slow_fsync.so";

/// The library, in a folder that the server's user may read.
pub(crate) struct SlowDisk {
    folder: TempDir,
    us: u64,
}

impl SlowDisk {
    /// Why there can be none here, or nothing.
    pub(crate) fn why_not() -> Option<&'static str> {
        if !cfg!(target_os = "linux") {
            return Some("only Linux loads a library before libc this way (LD_PRELOAD)");
        }
        let compiler = Command::new("cc")
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let is_there = compiler.is_ok_and(|status| status.success());
        (!is_there).then_some("there is no C compiler (cc) for the library that delays fsync")
    }

    /// Compiles it.
    pub(crate) fn build(extra_ms: u64) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("payout-bench-disk-")
            .permissions(Permissions::from_mode(0o755))
            .tempdir()?;
        let source = folder.path().join("slow_fsync.c");
        fs::write(&source, SOURCE)?;
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(folder.path().join(LIBRARY))
            .arg(&source)
            .arg("-ldl")
            .output()
            .context("could not run cc")?;
        ensure!(
            compiled.status.success(),
            "cc: {}",
            String::from_utf8_lossy(&compiled.stderr)
        );
        Ok(Self {
            folder,
            us: extra_ms.saturating_mul(1_000),
        })
    }

    /// What the server's environment needs.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let library = self.library().display().to_string();
        vec![
            ("LD_PRELOAD".to_owned(), library),
            ("PAYOUT_BENCH_FSYNC_US".to_owned(), self.us.to_string()),
        ]
    }

    /// Fails unless the server has loaded it: a library that cannot be loaded is otherwise only a line in a log.
    pub(crate) fn ensure_loaded(postmaster: u32) -> Result<()> {
        let maps = fs::read_to_string(format!("/proc/{postmaster}/maps"))?;
        ensure!(
            maps.contains(LIBRARY),
            "the server has not loaded the library that delays fsync"
        );
        Ok(())
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join(LIBRARY)
    }
}
