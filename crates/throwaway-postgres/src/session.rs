//! `throwaway-postgres run`: a server that reads commands from standard input and stops when it ends.

use std::io::{self, Write};

use throwaway_postgres::{Cluster, ClusterError, StopMode};

use crate::{arguments::Server, text};

/// Runs until standard input ends, as it does when the caller dies.
pub(crate) fn run(server: Server, standby_of: Option<u16>) -> Result<(), String> {
    let started = Cluster::start_in(&server.folder, server.options, standby_of);
    let mut cluster = match started {
        Ok(cluster) => cluster,
        Err(error) => return answer(&Err(error)).map_err(text),
    };
    introduce(&cluster).map_err(text)?;
    for line in io::stdin().lines() {
        let line = line.map_err(text)?;
        match line.trim().split_once(' ') {
            Some(("stop", how)) => match how.parse::<StopMode>() {
                Ok(how) => answer(&cluster.stop_server(how)),
                Err(error) => refuse(&error),
            },
            None if line.trim() == "start" => match cluster.start_server() {
                Ok(()) => introduce(&cluster),
                Err(error) => answer(&Err(error)),
            },
            Some(_) | None => refuse(&format!("there is no command {line}")),
        }
        .map_err(text)?;
    }
    cluster.stop().map_err(text)
}

/// Prints where the server is, once it runs.
fn introduce(cluster: &Cluster) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "bin={}", cluster.bin_dir().display())?;
    writeln!(out, "data={}", cluster.data_dir().display())?;
    writeln!(out, "pid={}", cluster.pid().unwrap_or(0))?;
    writeln!(out, "port={}", cluster.port())?;
    writeln!(out, "ok")?;
    out.flush()
}

fn answer(done: &Result<(), ClusterError>) -> io::Result<()> {
    match done {
        Ok(()) => {
            let mut out = io::stdout().lock();
            writeln!(out, "ok")?;
            out.flush()
        }
        Err(error) => refuse(&error.to_string()),
    }
}

fn refuse(error: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{error}\nfailed")?;
    out.flush()
}
