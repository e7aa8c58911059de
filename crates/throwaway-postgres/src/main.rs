//! `throwaway-postgres`: the crate's servers for shell scripts and other languages.

// Only tests may panic; without `cfg(test)` the lints still apply.
#![cfg_attr(test, allow(clippy::unwrap_used))]
// Why: a command-line program answers on its output.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod arguments;
mod session;

use std::{
    env,
    ffi::OsString,
    fmt::Display,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use throwaway_postgres::{
    Binaries, SUPERUSER,
    standing::{self, Start},
};

use self::arguments::{Server, Verb};

const USAGE: &str = "\
throwaway-postgres start FOLDER [OPTIONS]      starts a server that keeps running; creates its data if missing
throwaway-postgres stop FOLDER [-m MODE]       stops it; MODE is fast (the default) or immediate
throwaway-postgres url FOLDER DATABASE         prints the address of a database of a running server
throwaway-postgres psql FOLDER ARGUMENTS       psql, connected to a running server as its superuser
throwaway-postgres place FOLDER                prints FOLDER, or another folder if a server cannot live there
throwaway-postgres run FOLDER [OPTIONS]        runs a server until standard input ends; reads commands from it:
                                               start, stop fast, stop immediate, stop kill

OPTIONS: --port N   --log FILE   -c NAME=VALUE (any number of times)   --standby-of PORT (run only)

run answers each command, and its own start, with lines NAME=VALUE and then `ok`, or with an error and then `failed`.
The server's programs come from PG_BIN, the PATH, pg_config or the usual folders.
";

fn main() -> ExitCode {
    let args = env::args_os().skip(1).map(OsString::into_string);
    let Ok(args) = args.collect::<Result<Vec<String>, _>>() else {
        return usage("the arguments are not UTF-8");
    };
    let verb = match arguments::parse(args) {
        Ok(verb) => verb,
        Err(error) => return usage(&error),
    };
    let done = match verb {
        Verb::Help => {
            print!("{USAGE}");
            Ok(())
        }
        Verb::Start(server) => start(server),
        Verb::Stop(folder, how) => match standing::stop(&folder, how) {
            Ok(true) => Ok(()),
            Ok(false) => Err(is_down(&folder)),
            Err(error) => Err(error.to_string()),
        },
        Verb::Url(folder, database) => url(&folder, &database),
        Verb::Psql(folder, arguments) => psql(&folder, &arguments),
        Verb::Place(folder) => place(&folder),
        Verb::Run(server, standby_of) => session::run(server, standby_of),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&error);
            ExitCode::FAILURE
        }
    }
}

fn start(server: Server) -> Result<(), String> {
    let started = standing::start(&server.folder, server.options).map_err(text)?;
    if let Start::Started {
        replaced: Some(version),
    } = started
    {
        say(&format!(
            "the data in {} came from Postgres {version} and was replaced by an empty cluster",
            server.folder.display()
        ));
    }
    Ok(())
}

fn url(folder: &Path, database: &str) -> Result<(), String> {
    let url = standing::socket_url(folder, database, SUPERUSER).ok_or_else(|| is_down(folder))?;
    println!("{url}");
    Ok(())
}

fn psql(folder: &Path, arguments: &[String]) -> Result<(), String> {
    let port = standing::port(folder).ok_or_else(|| is_down(folder))?;
    let psql = Binaries::find(&["psql"]).map_err(text)?.path("psql");
    let error = Command::new(&psql)
        .arg("-h")
        .arg(folder)
        .args(["-p", &port.to_string(), "-U", SUPERUSER])
        .args(arguments)
        .exec();
    Err(format!("{} could not be run: {error}", psql.display()))
}

fn place(folder: &Path) -> Result<(), String> {
    let absolute = std::path::absolute(folder).map_err(text)?;
    let place: PathBuf = throwaway_postgres::place(&absolute).map_err(text)?;
    println!("{}", place.display());
    Ok(())
}

fn is_down(folder: &Path) -> String {
    format!("no server runs in {}", folder.display())
}

fn usage(error: &str) -> ExitCode {
    say(error);
    eprint!("{USAGE}");
    ExitCode::from(2)
}

fn say(text: &str) {
    eprintln!("throwaway-postgres: {text}");
}

fn text(error: impl Display) -> String {
    error.to_string()
}
