//! Parses the command line.

use std::{path::PathBuf, str::FromStr};

use anyhow::{Context, Result, anyhow, bail};
use throwaway_postgres::{Options, StopMode};

/// The command to run.
#[derive(Debug)]
pub(crate) enum Verb {
    Help,
    Start(PathBuf, Options),
    Stop(PathBuf, StopMode),
    Url(PathBuf, String),
    Psql(PathBuf, Vec<String>),
    Place(PathBuf),
    /// With the port of the primary, if it is to be a standby.
    Run(PathBuf, Options, Option<u16>),
}

/// Parses the arguments after the program's name. The error says what is wrong with them.
pub(crate) fn parse(args: Vec<String>) -> Result<Verb> {
    let mut args = args.into_iter();
    let verb = args.next().unwrap_or_else(|| "help".to_owned());
    if matches!(verb.as_str(), "help" | "--help" | "-h") {
        return Ok(Verb::Help);
    }
    let folder = args
        .next()
        .with_context(|| format!("{verb} needs a folder"))?;
    let folder = PathBuf::from(folder);
    match verb.as_str() {
        "start" => match options(&mut args)? {
            (options, None) => Ok(Verb::Start(folder, options)),
            (_, Some(_)) => bail!("--standby-of is an option of run only"),
        },
        "run" => {
            let (options, standby_of) = options(&mut args)?;
            Ok(Verb::Run(folder, options, standby_of))
        }
        "stop" => {
            let how = match args.next() {
                Some(flag) if flag == "-m" => value(&flag, args.next())?,
                Some(other) => bail!("stop has no option {other}"),
                None => StopMode::Fast,
            };
            Ok(Verb::Stop(folder, how))
        }
        "url" => {
            let database = args.next().context("url needs a database")?;
            Ok(Verb::Url(folder, database))
        }
        "psql" => Ok(Verb::Psql(folder, args.collect())),
        "place" => Ok(Verb::Place(folder)),
        _ => bail!("there is no command {verb}"),
    }
}

fn options(args: &mut impl Iterator<Item = String>) -> Result<(Options, Option<u16>)> {
    let (mut options, mut standby_of) = (Options::default(), None);
    while let Some(flag) = args.next() {
        match flag.as_str() {
            "--port" => options.port = Some(value(&flag, args.next())?),
            "--log" => options.log = Some(value(&flag, args.next())?),
            "--standby-of" => standby_of = Some(value(&flag, args.next())?),
            "-c" => {
                let setting: String = value(&flag, args.next())?;
                let (name, value) = setting
                    .split_once('=')
                    .with_context(|| format!("-c needs NAME=VALUE, not {setting}"))?;
                options.settings.push((name.to_owned(), value.to_owned()));
            }
            _ => bail!("there is no option {flag}"),
        }
    }
    Ok((options, standby_of))
}

fn value<T: FromStr>(flag: &str, arg: Option<String>) -> Result<T> {
    let arg = arg.with_context(|| format!("{flag} needs a value"))?;
    arg.parse()
        .map_err(|_| anyhow!("{arg} is not a valid value for {flag}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Verb> {
        parse(line.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn a_server_is_described_in_full() {
        let line =
            "run /x --port 20001 --log /y -c wal_level=replica -c listen_addresses= --standby-of 5";
        let Ok(Verb::Run(folder, options, standby_of)) = parsed(line) else {
            panic!("{line}")
        };
        assert_eq!((folder, standby_of), (PathBuf::from("/x"), Some(5)));
        assert_eq!(options.port, Some(20_001));
        assert_eq!(options.log, Some(PathBuf::from("/y")));
        let settings = [("wal_level", "replica"), ("listen_addresses", "")];
        assert_eq!(
            options.settings,
            settings.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, named) in [
            ("start", "folder"),
            ("start /x --prot 5", "--prot"),
            ("start /x --port many", "many"),
            ("start /x --standby-of 5", "--standby-of"),
            ("start /x -c fsync", "fsync"),
            ("stop /x -m slow", "slow"),
            ("stop /x fast", "fast"),
            ("url /x", "database"),
            ("begin /x", "begin"),
        ] {
            let error = parsed(line).unwrap_err().to_string();
            assert!(error.contains(named), "{line}: {error}");
        }
    }
}
