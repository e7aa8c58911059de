//! A real pgbouncer between a worker and Postgres: what it loses is named, and nothing is sent through what loses it.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::{
    net::TcpStream,
    time::{Instant, sleep},
};

use crate::support::{
    database::PAUSE,
    site::Site,
    terminal::{Said, bare},
    world::free_port,
};

/// Killed when dropped.
struct Pooler(Child);

impl Drop for Pooler {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// pgbouncer with these settings in front of the site's server, and its port; `None` if it is not installed.
async fn pooler(site: &Site, settings: &str) -> Option<(Pooler, u16)> {
    let program = [
        "/usr/sbin/pgbouncer",
        "/usr/bin/pgbouncer",
        "/opt/homebrew/bin/pgbouncer",
    ]
    .into_iter()
    .find(|path| Path::new(path).exists());
    let Some(program) = program else {
        eprintln!("SKIPPED: pgbouncer is not installed");
        return None;
    };
    let port = free_port().port();
    let folder = site.folder.path().join("pooler");
    fs::create_dir_all(&folder).unwrap();
    let users = folder.join("users.txt");
    fs::write(&users, "\"a_worker\" \"\"\n\"postgres\" \"\"\n").unwrap();
    let file = folder.join("pgbouncer.ini");
    let text = format!(
        "[databases]\npostgres = host=127.0.0.1 port={} dbname=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
         listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {}\nmax_client_conn = 200\n\
         default_pool_size = 40\n{settings}\n",
        site.cluster.port(),
        users.display(),
    );
    fs::write(&file, text).unwrap();
    // It refuses to run as root, so another user must be able to read this.
    for path in [&users, &file] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    }
    for path in [site.folder.path(), &folder] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = Command::new(program);
    if rustix::process::geteuid().is_root() {
        command.args(["-u", "nobody"]);
    }
    let log = fs::File::create(site.folder.path().join("pooler.log")).unwrap();
    let child = command
        .arg("-q")
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn();
    let pooler = Pooler(child.unwrap());
    let deadline = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        let log = fs::read_to_string(site.folder.path().join("pooler.log")).unwrap();
        assert!(
            Instant::now() < deadline,
            "the pooler does not start: {log}"
        );
        sleep(PAUSE).await;
    }
    Some((pooler, port))
}

/// A configuration that reaches the database by this port.
fn through(site: &Site, port: u16) -> String {
    let file = site.folder.path().join("one.toml");
    let text = fs::read_to_string(file).unwrap();
    let direct = format!(":{}/", site.cluster.port());
    let pooled = site.folder.path().join("pooled.toml");
    fs::write(&pooled, text.replace(&direct, &format!(":{port}/"))).unwrap();
    pooled.to_str().unwrap().to_owned()
}

/// The command, while the pooler is served on other threads.
fn called(arguments: &[&str]) -> Said {
    tokio::task::block_in_place(|| bare(arguments))
}

/// pgbouncer's own advice for other drivers, and so what many have configured.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_pooler_that_drops_settings_is_refused_by_name() {
    let site = Site::build().await;
    let settings = "pool_mode = session\nignore_startup_parameters = extra_float_digits,options";
    let Some((_pooler, port)) = pooler(&site, settings).await else {
        return;
    };
    let file = through(&site, port);
    let words = ["a pooler drops the settings", "ignore_startup_parameters"];
    called(&["run", "-c", &file]).with(78).says(&words);
    called(&["doctor", "-c", &file]).with(1).says(&words);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_refuses_settings_is_named_with_what_to_do() {
    let site = Site::build().await;
    let settings = "pool_mode = session\nignore_startup_parameters = extra_float_digits";
    let Some((_pooler, port)) = pooler(&site, settings).await else {
        return;
    };
    let file = through(&site, port);
    for (command, code) in [("run", 78), ("status", 78), ("doctor", 1)] {
        let said = called(&[command, "-c", &file]);
        println!("{command}");
        said.with(code)
            .says(&["in between: use the URL of Postgres itself"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_pooler_is_refused_by_name() {
    let site = Site::build().await;
    let settings =
        "pool_mode = transaction\nignore_startup_parameters = extra_float_digits,options";
    let Some((_pooler, port)) = pooler(&site, settings).await else {
        return;
    };
    let file = through(&site, port);
    called(&["run", "-c", &file]).with(78).says(&["pooler"]);
    called(&["doctor", "-c", &file]).with(1).says(&["pooler"]);
}
