//! `throwaway-postgres run`: a server that reads commands from standard input and stops when it ends.

use std::{
    io::{self, Write},
    path::Path,
};

use anyhow::{Result, bail};
use throwaway_postgres::{Cluster, Options};

/// Runs until standard input ends, as it does when the caller dies.
pub(crate) fn run(folder: &Path, options: Options, standby_of: Option<u16>) -> Result<()> {
    let mut cluster = match Cluster::start_in(folder, options, standby_of) {
        Ok(cluster) => cluster,
        Err(error) => return answer(Err(error)),
    };
    answer(Ok(facts(&cluster)))?;
    for line in io::stdin().lines() {
        answer(obey(&mut cluster, line?.trim()))?;
    }
    cluster.stop()
}

/// Carries out a command. Returns what is said before `ok`.
fn obey(cluster: &mut Cluster, line: &str) -> Result<String> {
    match line.split_once(' ') {
        Some(("stop", how)) => {
            cluster.stop_server(how.parse()?)?;
            Ok(String::new())
        }
        None if line == "start" => {
            cluster.start_server()?;
            Ok(facts(cluster))
        }
        Some(_) | None => bail!("there is no command {line}"),
    }
}

/// Where the server is, once it runs.
fn facts(cluster: &Cluster) -> String {
    format!(
        "bin={}\ndata={}\npid={}\nport={}\n",
        cluster.bin_dir().display(),
        cluster.data_dir().display(),
        cluster.pid().unwrap_or(0),
        cluster.port()
    )
}

fn answer(done: Result<String>) -> Result<()> {
    let mut out = io::stdout().lock();
    match done {
        Ok(facts) => writeln!(out, "{facts}ok")?,
        Err(error) => writeln!(out, "{error:#}\nfailed")?,
    }
    Ok(out.flush()?)
}
