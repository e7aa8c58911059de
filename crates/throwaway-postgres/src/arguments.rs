//! Parses the command line.

use std::{path::PathBuf, str::FromStr};

use throwaway_postgres::{Options, StopMode};

/// The command to run.
#[derive(Debug)]
pub(crate) enum Verb {
    Help,
    Start(Server),
    Stop(PathBuf, StopMode),
    Url(PathBuf, String),
    Psql(PathBuf, Vec<String>),
    Place(PathBuf),
    /// With the port of the primary, if it is to be a standby.
    Run(Server, Option<u16>),
}

/// The folder of a server, and how it is started.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) folder: PathBuf,
    pub(crate) options: Options,
}

/// Parses the arguments after the program's name. The error says what is wrong with them.
pub(crate) fn parse(args: Vec<String>) -> Result<Verb, String> {
    let mut args = args.into_iter();
    let verb = args.next().unwrap_or_else(|| "help".to_owned());
    if matches!(verb.as_str(), "help" | "--help" | "-h") {
        return Ok(Verb::Help);
    }
    let folder = PathBuf::from(
        args.next()
            .ok_or_else(|| format!("{verb} needs a folder"))?,
    );
    match verb.as_str() {
        "start" => {
            let (options, standby_of) = options(&mut args)?;
            if standby_of.is_some() {
                return Err("--standby-of is an option of run only".to_owned());
            }
            Ok(Verb::Start(Server { folder, options }))
        }
        "run" => {
            let (options, standby_of) = options(&mut args)?;
            Ok(Verb::Run(Server { folder, options }, standby_of))
        }
        "stop" => {
            let how = match args.next() {
                Some(flag) if flag == "-m" => value(&flag, args.next())?,
                Some(other) => return Err(format!("stop has no option {other}")),
                None => StopMode::Fast,
            };
            Ok(Verb::Stop(folder, how))
        }
        "url" => match args.next() {
            Some(database) => Ok(Verb::Url(folder, database)),
            None => Err("url needs a database".to_owned()),
        },
        "psql" => Ok(Verb::Psql(folder, args.collect())),
        "place" => Ok(Verb::Place(folder)),
        _ => Err(format!("there is no command {verb}")),
    }
}

fn options(args: &mut impl Iterator<Item = String>) -> Result<(Options, Option<u16>), String> {
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
                    .ok_or_else(|| format!("-c needs NAME=VALUE, not {setting}"))?;
                options.settings.push((name.to_owned(), value.to_owned()));
            }
            _ => return Err(format!("there is no option {flag}")),
        }
    }
    Ok((options, standby_of))
}

fn value<T: FromStr>(flag: &str, arg: Option<String>) -> Result<T, String> {
    let arg = arg.ok_or_else(|| format!("{flag} needs a value"))?;
    arg.parse()
        .map_err(|_| format!("{arg} is not a valid value for {flag}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Verb, String> {
        parse(line.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn a_server_is_described_in_full() {
        let line =
            "run /x --port 20001 --log /y -c wal_level=replica -c listen_addresses= --standby-of 5";
        let Ok(Verb::Run(server, standby_of)) = parsed(line) else {
            panic!("{line}")
        };
        assert_eq!((server.folder, standby_of), (PathBuf::from("/x"), Some(5)));
        assert_eq!(server.options.port, Some(20_001));
        assert_eq!(server.options.log, Some(PathBuf::from("/y")));
        let settings = [("wal_level", "replica"), ("listen_addresses", "")];
        assert_eq!(
            server.options.settings,
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
            let error = parsed(line).unwrap_err();
            assert!(error.contains(named), "{line}: {error}");
        }
    }
}
