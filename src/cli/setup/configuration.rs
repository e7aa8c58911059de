//! `payout config`

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use clap::Subcommand;
use payout_config::{Config, EXAMPLE, Merchant};
use payout_gateway::keys::{KeyError, fingerprint, parse_private_key, parse_public_key};
use payout_service::notifier::Notifier;

use crate::cli::{
    exit::{Exit, say},
    global::Global,
    output,
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
    faults.extend(Notifier::new(&config.approvals).err());
    for warning in &warnings {
        say(&format!("warning: {warning}"));
    }
    if faults.is_empty() {
        return output::print("the configuration is good\n");
    }
    Err(Exit::Config(faults.join("\n")))
}

fn check_keys(merchant: &Merchant, faults: &mut Vec<String>, warnings: &mut Vec<String>) {
    let own = &merchant.private_key_file;
    let ours = read(own, parse_private_key, faults, warnings);
    let ours = ours.map(|key| fingerprint(&key.to_public_key()));
    for path in &merchant.platform_public_key_files {
        let theirs = read(path, parse_public_key, faults, warnings);
        if ours.is_some() && ours == theirs.as_ref().map(fingerprint) {
            faults.push(format!(
                "{}: this is the merchant's own public key: use the one that the gateway issued",
                path.display()
            ));
        }
    }
    if is_open_to_others(own) {
        warnings.push(format!(
            "{} can be read by other users: chmod 600 it",
            own.display()
        ));
    }
}

/// A missing key file may exist where the worker runs: a warning. A wrong key is wrong everywhere: a fault.
fn read<K>(
    path: &Path,
    parse: fn(&str) -> Result<K, KeyError>,
    faults: &mut Vec<String>,
    warnings: &mut Vec<String>,
) -> Option<K> {
    let file = path.display();
    match fs::read_to_string(path) {
        Ok(text) => match parse(&text) {
            Ok(key) => return Some(key),
            Err(error) => faults.push(format!("{file}: {error}")),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => warnings.push(format!(
            "{file} is not on this machine; `payout run` needs it"
        )),
        Err(error) => faults.push(format!("{file}: cannot be read: {error}")),
    }
    None
}

fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}
