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
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, ExitCode},
};

use anyhow::{Context, Result, anyhow, ensure};
use throwaway_postgres::{
    Binaries, Options, SUPERUSER,
    standing::{self, Start},
};

use self::arguments::Verb;

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
    let args: Result<Vec<String>, _> = args.collect();
    let args = args.map_err(|_| anyhow!("the arguments are not UTF-8"));
    let verb = match args.and_then(arguments::parse) {
        Ok(verb) => verb,
        Err(error) => {
            say(&format!("{error:#}"));
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(verb: Verb) -> Result<()> {
    match verb {
        Verb::Help => print!("{USAGE}"),
        Verb::Start(folder, options) => start(&folder, options)?,
        Verb::Stop(folder, how) => ensure!(standing::stop(&folder, how)?, is_down(&folder)),
        Verb::Url(folder, database) => {
            let url = standing::socket_url(&folder, &database, SUPERUSER);
            println!("{}", url.with_context(|| is_down(&folder))?);
        }
        Verb::Psql(folder, arguments) => psql(&folder, &arguments)?,
        Verb::Place(folder) => {
            let place = throwaway_postgres::place(&std::path::absolute(folder)?)?;
            println!("{}", place.display());
        }
        Verb::Run(folder, options, standby_of) => session::run(&folder, options, standby_of)?,
    }
    Ok(())
}

fn start(folder: &Path, options: Options) -> Result<()> {
    let started = standing::start(folder, options)?;
    if let Start::Started {
        replaced: Some(version),
    } = started
    {
        say(&format!(
            "the data in {} came from Postgres {version} and was replaced by an empty cluster",
            folder.display()
        ));
    }
    Ok(())
}

fn psql(folder: &Path, arguments: &[String]) -> Result<()> {
    let port = standing::port(folder).with_context(|| is_down(folder))?;
    let psql = Binaries::find(&["psql"])?.path("psql");
    let error = Command::new(&psql)
        .arg("-h")
        .arg(folder)
        .args(["-p", &port.to_string(), "-U", SUPERUSER])
        .args(arguments)
        .exec();
    Err(error).with_context(|| format!("{} could not be run", psql.display()))
}

fn is_down(folder: &Path) -> String {
    format!("no server runs in {}", folder.display())
}

fn say(text: &str) {
    eprintln!("throwaway-postgres: {text}");
}
