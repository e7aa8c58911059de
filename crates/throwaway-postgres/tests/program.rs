//! What the program `throwaway-postgres` promises to shell scripts and other languages.
#![allow(clippy::unwrap_used)]

use std::{
    collections::HashMap,
    env,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use throwaway_postgres::Binaries;

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_throwaway-postgres"))
}

/// Only a machine whose tests use a given server may lack the binaries.
fn has_binaries() -> bool {
    Binaries::find(&[]).is_ok() || env::var_os("PAYOUT_TEST_DATABASE_URL").is_none()
}

/// A folder that the server's user can enter.
fn folder() -> TempDir {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt};
    tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o755))
        .tempdir_in("/tmp")
        .unwrap()
}

fn psql(folder: &Path, statement: &str) -> String {
    let mut command = program();
    command.arg("psql").arg(folder);
    succeeds(command.args(["-X", "-q", "-A", "-t", "-c", statement]))
}

fn succeeds(command: &mut Command) -> String {
    let output: Output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A server that stops when its input ends.
struct Session {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Session {
    fn start(folder: &Path, options: &[&str]) -> (Self, HashMap<String, String>) {
        let mut command = program();
        command.arg("run").arg(folder).args(options);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut session = Self {
            child,
            input,
            output,
        };
        let facts = session.answer().unwrap();
        (session, facts)
    }

    fn command(&mut self, line: &str) -> Result<HashMap<String, String>, String> {
        writeln!(self.input, "{line}").unwrap();
        self.answer()
    }

    fn answer(&mut self) -> Result<HashMap<String, String>, String> {
        let mut lines: Vec<String> = Vec::new();
        loop {
            let mut line = String::new();
            self.output.read_line(&mut line).unwrap();
            match line.trim_end() {
                "ok" => return Ok(lines.iter().filter_map(|line| pair(line)).collect()),
                "failed" | "" => return Err(lines.join("\n")),
                other => lines.push(other.to_owned()),
            }
        }
    }

    /// Ends the input without a command, as when the caller dies.
    fn end(self) {
        let Self {
            mut child, input, ..
        } = self;
        drop(input);
        assert!(child.wait().unwrap().success());
    }
}

fn pair(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once('=')?;
    Some((name.to_owned(), value.to_owned()))
}

fn listens(port: &str) -> bool {
    TcpStream::connect(("127.0.0.1", port.parse().unwrap())).is_ok()
}

#[test]
fn a_standby_takes_over_from_a_killed_primary_and_both_end_with_their_input() {
    if !has_binaries() {
        return;
    }
    let parent = folder();
    let (first, second) = (parent.path().join("pg1"), parent.path().join("pg2"));
    let (mut primary, facts) = Session::start(&first, &["-c", "wal_level=replica"]);
    let port = facts["port"].clone();
    psql(&first, "create table kept (number int)");

    let (standby, copied) = Session::start(&second, &["--standby-of", &port]);
    assert_eq!(psql(&second, "select pg_is_in_recovery()"), "t");
    psql(&first, "insert into kept values (1)");
    let begun = Instant::now();
    while psql(&second, "select count(*) from kept") != "1" {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "it does not stream"
        );
        sleep(Duration::from_millis(50));
    }

    primary.command("stop kill").unwrap();
    assert!(!listens(&port));
    assert_eq!(psql(&second, "select pg_promote()"), "t");
    assert_eq!(psql(&second, "select pg_is_in_recovery()"), "f");

    let again = primary.command("start").unwrap();
    assert_eq!(
        again["port"], port,
        "clients that have the address find it again"
    );
    assert_ne!(again["pid"], facts["pid"]);
    assert_eq!(psql(&first, "select count(*) from kept"), "1");
    assert!(
        primary
            .command("stop slowly")
            .unwrap_err()
            .contains("slowly")
    );

    primary.end();
    standby.end();
    assert!(!listens(&port) && !listens(&copied["port"]));
    assert!(
        first.join("data/PG_VERSION").exists(),
        "the caller's folder stays"
    );
}

#[test]
fn a_script_starts_a_server_finds_its_address_and_stops_it() {
    if !has_binaries() {
        return;
    }
    let parent = folder();
    let wanted = parent.path().join("pg");
    let place = succeeds(program().arg("place").arg(&wanted));
    assert_eq!(Path::new(&place), wanted);
    succeeds(program().args(["start", &place, "--port", "5432", "-c", "listen_addresses="]));
    assert_eq!(psql(&wanted, "select 1"), "1");
    assert_eq!(
        succeeds(program().args(["url", &place, "payout"])),
        format!("postgres://postgres@localhost:5432/payout?host={place}")
    );
    succeeds(program().args(["stop", &place, "-m", "immediate"]));
    let stopped = program().args(["stop", &place]).output().unwrap();
    assert_eq!(stopped.status.code(), Some(1), "none runs");
    assert!(String::from_utf8_lossy(&stopped.stderr).contains("no server runs"));
    let unknown = program().args(["begin", &place]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(2), "usage");
}
