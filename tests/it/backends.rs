//! The programs of `docs/backends`, each run as a backend's developer would run it. `./dev test` and `./dev backends`
//! install what they need; a program whose runtime or driver is missing is skipped, and the test says so.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

use crate::support::database::{DEADLINE, Database};

/// The backend's own tables, and its payouts to be.
const TABLES: &str = "
    create table public.withdrawals (id bigint primary key, amount numeric, bank_code text, account_number text,
                                     account_name text, status text not null default 'requested', note text);
    create table public.payout_cursor (name text primary key, seq bigint not null);
    insert into public.withdrawals (id, amount, bank_code, account_number, account_name)
    select n, 250000, '014', '0012345678', 'Siti Rahayu' from generate_series(1, 7) n;
    update public.withdrawals set amount = 250000.75 where id = 3;
    update public.withdrawals set bank_code = '14' where id = 4;";

/// A program, and how it is started.
struct Program {
    command: Vec<String>,
    environment: Vec<(&'static str, &'static str)>,
    /// What was built for it.
    _folder: Option<TempDir>,
}

impl Program {
    fn of(command: &[&str]) -> Self {
        Self {
            command: command.iter().map(|&word| word.to_owned()).collect(),
            environment: Vec::new(),
            _folder: None,
        }
    }
}

fn backends() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/backends")
}

/// A file of `docs/backends`.
fn source(file: &str) -> String {
    backends().join(file).display().to_string()
}

/// Whether this command can be run and succeeds.
fn works(command: &[&str]) -> bool {
    let output = Command::new(command[0]).args(&command[1..]).output();
    output.is_ok_and(|output| output.status.success())
}

/// What `./dev` installed for this test and does not commit.
fn installed(path: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target/backends")
        .join(path);
    path.exists().then(|| path.display().to_string())
}

fn python() -> Option<Program> {
    // The system's own one has Debian's driver, another one may have it from elsewhere.
    let pythons = ["/usr/bin/python3", "python3"];
    let python = pythons
        .into_iter()
        .find(|python| works(&[python, "-c", "import psycopg"]))?;
    Some(Program::of(&[python, &source("python/payouts.py")]))
}

fn php() -> Option<Program> {
    let has_driver = "exit(extension_loaded('pdo_pgsql') ? 0 : 1);";
    let command = ["php", &source("php/payouts.php")];
    works(&["php", "-r", has_driver]).then(|| Program::of(&command))
}

/// Modules are found beside the program, so it is copied to them.
fn node_beside(folder: &str, program: &str) -> Option<Program> {
    let modules = installed(&format!("{folder}/node_modules"))?;
    if !works(&["node", "--version"]) {
        return None;
    }
    let copied = Path::new(&modules).with_file_name(program);
    std::fs::copy(backends().join(folder).join(program), &copied).unwrap();
    Some(Program::of(&["node", copied.to_str()?]))
}

fn java() -> Option<Program> {
    let driver = "/usr/share/java/postgresql.jar";
    if !Path::new(driver).exists() || !works(&["java", "-version"]) {
        return None;
    }
    let command = ["java", "-cp", driver, &source("java/Payouts.java")];
    Some(Program::of(&command))
}

fn go() -> Option<Program> {
    let library = "/usr/share/gocode";
    if !Path::new(library).join("src/github.com/lib/pq").exists() {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("payouts");
    let built = Command::new("go")
        .args(["build", "-o", program.to_str()?, "."])
        .current_dir(backends().join("go"))
        .env("GO111MODULE", "off")
        .env("GOPATH", library)
        .env("GOCACHE", folder.path().join("cache"))
        .status()
        .ok()?;
    assert!(built.success(), "docs/backends/go does not build");
    Some(Program {
        // The throw-away server has no TLS, which this driver demands by itself.
        environment: vec![("PGSSLMODE", "disable")],
        _folder: Some(folder),
        ..Program::of(&[program.to_str()?])
    })
}

fn sqlalchemy() -> Option<Program> {
    let python = installed("venv/bin/python")?;
    Some(Program::of(&[
        &python,
        &source("orm/sqlalchemy_payouts.py"),
    ]))
}

/// A backend with a login of its own, and its program.
struct Backend {
    database: Database,
    login: String,
    program: Program,
}

impl Backend {
    /// `None`, and says so, if the program cannot be run here.
    async fn with(name: &str, program: Option<Program>) -> Option<Self> {
        let Some(program) = program else {
            eprintln!(
                "SKIPPED: {name} of docs/backends: its runtime or driver is missing (./dev backends installs both)"
            );
            return None;
        };
        let database = Database::with_steps().await;
        database.run(TABLES).await;
        let login = database.login(&["payout_enqueuer"]).await;
        let grants = format!(
            "grant select, update on public.withdrawals to {login};
             grant select, insert, update on public.payout_cursor to {login}"
        );
        database.run(&grants).await;
        Some(Self {
            database,
            login,
            program,
        })
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = tokio::process::Command::new(&self.program.command[0]);
        command
            .args(&self.program.command[1..])
            .args(arguments)
            .env("DATABASE_URL", self.database.url_as(&self.login))
            .envs(self.program.environment.iter().copied())
            .kill_on_drop(true);
        let output = tokio::time::timeout(DEADLINE, command.output()).await;
        output.expect("the program does not end").unwrap()
    }

    /// Runs it; it must succeed and print this line.
    async fn says(&self, arguments: &[&str], expected: &str) {
        let output = self.run(arguments).await;
        let said = String::from_utf8_lossy(&output.stdout);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && said.lines().any(|line| line.starts_with(expected)),
            "{arguments:?} said {said}{complaint}"
        );
    }

    async fn status(&self, id: u8) -> String {
        let status = format!("select status from public.withdrawals where id = {id}");
        self.database.text(&status).await
    }

    async fn is_paid_once_and_refused_with_its_reason(&self) {
        self.says(&["pay", "1"], "approved WD-1").await;
        self.says(&["pay", "1"], "approved WD-1").await;
        assert_eq!(self.database.state("WD-1").await, "queued");
        assert_eq!(self.status(1).await, "approved");
        self.says(&["pay", "3"], "refused WD-3 PW002").await;
        self.says(&["pay", "4"], "refused WD-4 PW004").await;
        assert_eq!(self.status(4).await, "refused");
        let note = "select note from public.withdrawals where id = 4";
        assert!(self.database.text(note).await.contains("bank_code"));
        let enqueued = "select count(*) from payout.payouts";
        assert_eq!(self.database.text(enqueued).await, "1");
    }

    /// Another payout has the number: a person must find out which of the two is meant.
    async fn a_used_number_is_an_error_and_no_refusal(&self) {
        self.database.insert("WD-5", 10_000).await;
        let output = self.run(&["pay", "5"]).await;
        assert!(!output.status.success(), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("already used for another payout"), "{said}");
        assert!(
            !said.contains("0012345678") && !said.contains("Siti"),
            "{said}"
        );
        assert_eq!(self.status(5).await, "requested");
    }

    async fn a_cancel_says_whether_it_came_in_time(&self) {
        self.says(&["pay", "2"], "approved WD-2").await;
        for _ in 0..2 {
            let cancel = ["cancel", "2", "ordered twice"];
            self.says(&cancel, "cancelled WD-2").await;
        }
        self.database.insert_in("pending", "WD-6").await;
        self.says(&["cancel", "6", "too late"], "too late WD-6")
            .await;
    }

    async fn its_end_reaches_the_backends_own_table(&self) {
        self.says(&["follow", "1"], "cancelled WD-2").await;
        assert_eq!(self.status(2).await, "cancelled");
        let cursor = "select count(*) from public.payout_cursor where seq > 0";
        assert_eq!(self.database.text(cursor).await, "1");
    }
}

async fn pays_cancels_and_follows(name: &str, program: Option<Program>) {
    let Some(backend) = Backend::with(name, program).await else {
        return;
    };
    backend.is_paid_once_and_refused_with_its_reason().await;
    backend.a_used_number_is_an_error_and_no_refusal().await;
    backend.a_cancel_says_whether_it_came_in_time().await;
    backend.its_end_reaches_the_backends_own_table().await;
}

async fn pays_and_reads_the_status(name: &str, program: Option<Program>) {
    let Some(backend) = Backend::with(name, program).await else {
        return;
    };
    backend.is_paid_once_and_refused_with_its_reason().await;
    backend.a_used_number_is_an_error_and_no_refusal().await;
    backend.says(&["status", "1"], "queued").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_program_pays_cancels_and_follows() {
    pays_cancels_and_follows("python", python()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_program_pays_cancels_and_follows() {
    pays_cancels_and_follows("node", node_beside("node", "payouts.mjs")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_php_program_pays_cancels_and_follows() {
    pays_cancels_and_follows("php", php()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_go_program_pays_cancels_and_follows() {
    pays_cancels_and_follows("go", go()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_java_program_pays_cancels_and_follows() {
    pays_cancels_and_follows("java", java()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sqlalchemy_program_pays_and_reads_the_status() {
    pays_and_reads_the_status("sqlalchemy", sqlalchemy()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_drizzle_program_pays_and_reads_the_status() {
    let program = node_beside("orm", "drizzle_payouts.mjs");
    pays_and_reads_the_status("drizzle", program).await;
}
