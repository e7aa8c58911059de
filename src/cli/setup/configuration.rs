//! `payout config`

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use clap::Subcommand;

use crate::cli::{
    exit::{Exit, say},
    global::Global,
    output,
};
use crate::{
    config::{Config, EXAMPLE, Merchant},
    gateway::keys::{fingerprint, parse_private_key, parse_public_key},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check the configuration file, and print every fault at once
    Check {
        /// The file, instead of -c
        file: Option<PathBuf>,
    },
    /// Print a configuration file with every key explained
    Example,
}

pub(crate) fn perform(global: &Global, command: &Command) -> Result<(), Exit> {
    match command {
        Command::Example => output::print(EXAMPLE),
        Command::Check { file } => {
            let global = match file {
                Some(file) => global.with_config(file.clone()),
                None => global.clone(),
            };
            check(&global.configuration()?)
        }
    }
}

fn check(config: &Config) -> Result<(), Exit> {
    let mut faults = Vec::new();
    let mut warnings = config.warnings.clone();
    for merchant in &config.merchants {
        check_keys(merchant, &mut faults, &mut warnings);
    }
    for warning in &warnings {
        say(&format!("warning: {warning}"));
    }
    if faults.is_empty() {
        return output::print("the configuration is good\n");
    }
    Err(Exit::Config(faults.join("\n")))
}

/// A missing key file may exist where the worker runs: a warning. A wrong key is wrong everywhere.
fn check_keys(merchant: &Merchant, faults: &mut Vec<String>, warnings: &mut Vec<String>) {
    let mut read = |path: &Path| match fs::read_to_string(path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            warnings.push(format!(
                "{} is not on this machine; `payout run` needs it",
                path.display()
            ));
            None
        }
        Err(error) => {
            faults.push(format!("{}: cannot be read: {error}", path.display()));
            None
        }
    };
    let own = &merchant.private_key_file;
    let private = read(own);
    let platform: Vec<_> = merchant
        .platform_public_key_files
        .iter()
        .filter_map(|path| Some((path, read(path)?)))
        .collect();
    let mut ours = None;
    match private.map(|text| parse_private_key(&text)) {
        Some(Ok(key)) => ours = Some(fingerprint(&key.to_public_key())),
        Some(Err(error)) => faults.push(format!("{}: {error}", own.display())),
        None => {}
    }
    for (path, text) in platform {
        match parse_public_key(&text) {
            Ok(key) if Some(fingerprint(&key)) == ours => faults.push(format!(
                "{}: this is the merchant's own public key: use the one that the gateway issued",
                path.display()
            )),
            Ok(_) => {}
            Err(error) => faults.push(format!("{}: {error}", path.display())),
        }
    }
    if is_open_to_others(own) {
        warnings.push(format!(
            "{} can be read by other users: chmod 600 it",
            own.display()
        ));
    }
}

fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}
