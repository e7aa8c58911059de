//! What a throw-away server promises, tested with a real one.

use std::{
    env,
    io::{BufRead, BufReader},
    net::TcpStream,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{Cluster, Options, StopMode, binaries::Binaries};

const OWNER: &str = "PAYOUT_TEST_CLUSTER_OWNER";

/// Only a machine whose tests use a given server may lack the binaries.
pub(crate) fn has_binaries() -> bool {
    Binaries::find(&[]).is_ok() || env::var_os("PAYOUT_TEST_DATABASE_URL").is_none()
}

fn folder_of(cluster: &Cluster) -> PathBuf {
    cluster.data_dir().parent().unwrap().to_owned()
}

/// A process that the killed server had just started may hold the socket open for a moment.
fn refuses_within(socket: &Path, limit: Duration) -> bool {
    let begun = Instant::now();
    while UnixStream::connect(socket).is_ok() && begun.elapsed() < limit {
        sleep(Duration::from_millis(20));
    }
    UnixStream::connect(socket).is_err()
}

fn is_gone_within(folder: &Path, limit: Duration) -> bool {
    let begun = Instant::now();
    while folder.exists() && begun.elapsed() < limit {
        sleep(Duration::from_millis(20));
    }
    !folder.exists()
}

#[test]
fn a_cluster_answers_on_both_addresses_survives_a_crash_and_leaves_nothing() {
    if !has_binaries() {
        return;
    }
    let mut cluster = Cluster::start(Options::default()).unwrap();
    let (folder, port, pid) = (folder_of(&cluster), cluster.port(), cluster.pid());
    assert_eq!(
        cluster.url("payout", "eve"),
        format!("postgres://eve@127.0.0.1:{port}/payout")
    );
    TcpStream::connect(("127.0.0.1", port)).unwrap();
    // Afterwards the port may be another server's, the socket not.
    let socket = folder.join(format!(".s.PGSQL.{port}"));
    UnixStream::connect(&socket).unwrap();

    cluster.restart_immediate().unwrap();
    assert_eq!(
        cluster.port(),
        port,
        "clients that have the address must find the server again"
    );
    assert_ne!(cluster.pid(), pid);
    let log = std::fs::read_to_string(cluster.log_file()).unwrap();
    assert!(
        log.contains("was interrupted"),
        "an orderly stop would not try recovery: {log}"
    );

    cluster.stop_server(StopMode::Kill).unwrap();
    assert!(refuses_within(&socket, Duration::from_secs(10)));
    cluster.start_server().unwrap();
    assert_eq!(cluster.port(), port);
    UnixStream::connect(&socket).unwrap();

    cluster.stop().unwrap();
    assert!(UnixStream::connect(&socket).is_err());
    assert!(!folder.exists());
}

#[test]
fn a_dropped_cluster_leaves_nothing() {
    if !has_binaries() {
        return;
    }
    let cluster = Cluster::start(Options::default()).unwrap();
    let folder = folder_of(&cluster);
    drop(cluster);
    assert!(!folder.exists());
}

#[test]
fn a_refused_setting_is_reported_in_the_servers_words() {
    if !has_binaries() {
        return;
    }
    let settings = vec![("no_such_setting".to_owned(), "1".to_owned())];
    let refused = Cluster::start(Options {
        settings,
        ..Options::default()
    })
    .unwrap_err()
    .to_string();
    assert!(refused.contains("no_such_setting"), "{refused}");
}

/// The other half of the next test: the process that gets killed. Does nothing on its own.
#[test]
fn an_owner_that_waits_to_be_killed() {
    if env::var_os(OWNER).is_none() {
        return;
    }
    let cluster = Cluster::start(Options::default()).unwrap();
    println!("\nfolder {}", folder_of(&cluster).display());
    sleep(Duration::from_mins(2));
}

#[test]
fn a_server_does_not_outlive_a_killed_owner() {
    if !has_binaries() {
        return;
    }
    let (_, module) = module_path!().split_once("::").unwrap();
    let mut owner = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            &format!("{module}::an_owner_that_waits_to_be_killed"),
            "--nocapture",
        ])
        .env(OWNER, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(owner.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let folder = lines
        .find_map(|line| line.strip_prefix("folder ").map(PathBuf::from))
        .unwrap();
    assert!(folder.join("data/postmaster.pid").exists());

    owner.kill().unwrap();
    owner.wait().unwrap();
    assert!(
        is_gone_within(&folder, Duration::from_secs(15)),
        "{} is still there",
        folder.display()
    );
}
