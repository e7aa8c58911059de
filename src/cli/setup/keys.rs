//! `payout keys`

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::{
    exit::{Failure, say},
    global::Global,
    output::{self, Format, Record},
};
use crate::gateway::keys::{
    fingerprint, generate, private_key_pem, public_key_base64, public_key_pem,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the merchant's key pair: DIR/merchant.key and DIR/merchant.pub
    Generate {
        /// The folder; made when it is missing
        dir: PathBuf,
        /// The length: 1024, 2048, 3072 or 4096. Ask the gateway what it takes
        #[arg(long, default_value_t = 2048)]
        bits: usize,
    },
}

struct Made {
    private_key_file: PathBuf,
    public_key_file: PathBuf,
    public_key: String,
    fingerprint: String,
}

impl Record for Made {
    const COLUMNS: &'static [&'static str] = &[
        "private_key_file",
        "public_key_file",
        "public_key",
        "fingerprint",
    ];

    fn values(&self) -> Vec<Value> {
        vec![
            json!(self.private_key_file.display().to_string()),
            json!(self.public_key_file.display().to_string()),
            json!(self.public_key),
            json!(self.fingerprint),
        ]
    }
}

pub(crate) fn perform(global: &Global, command: &Command) -> Result<(), Failure> {
    let Command::Generate { dir, bits } = command;
    let made = make(dir, *bits)?;
    match global.output {
        Format::Json => output::print(&format!("{}\n", output::object(&made))),
        Format::Csv => output::print(&output::csv(&[made])),
        Format::Table => {
            say(&format!(
                "{} is the private key: it stays here.\n{} is the public key. Hand this line to the gateway:\n",
                made.private_key_file.display(),
                made.public_key_file.display(),
            ));
            output::print(&format!(
                "{}\n\nSHA-256 of the public key, to compare by telephone:\n{}\n",
                made.public_key, made.fingerprint
            ))
        }
    }
}

fn make(dir: &Path, bits: usize) -> Result<Made, Failure> {
    let private_key_file = dir.join("merchant.key");
    let public_key_file = dir.join("merchant.pub");
    // Before the work, and for both: half a pair would be worse than none.
    for file in [&private_key_file, &public_key_file] {
        if file.symlink_metadata().is_ok() {
            return Err(exists(file));
        }
    }
    let failed = |error| Failure::Other(format!("no key was made: {error}"));
    let key = generate(bits).map_err(|error| Failure::Usage(error.to_string()))?;
    let public = key.to_public_key();
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| Failure::of_io(&dir.display().to_string(), &error))?;
    write(
        &private_key_file,
        0o600,
        &private_key_pem(&key).map_err(failed)?,
    )?;
    write(
        &public_key_file,
        0o644,
        &public_key_pem(&public).map_err(failed)?,
    )?;
    Ok(Made {
        private_key_file,
        public_key_file,
        public_key: public_key_base64(&public).map_err(failed)?,
        fingerprint: fingerprint(&public),
    })
}

/// Never over a file that is there, and on the disk before this returns.
fn write(path: &Path, mode: u32, text: &str) -> Result<(), Failure> {
    let said = |error: io::Error| {
        if error.kind() == ErrorKind::AlreadyExists {
            return exists(path);
        }
        Failure::of_io(&path.display().to_string(), &error)
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .map_err(said)?;
    file.write_all(text.as_bytes()).map_err(said)?;
    file.sync_all().map_err(said)?;
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let folder = File::open(folder.unwrap_or(Path::new("."))).map_err(said)?;
    folder.sync_all().map_err(said)
}

fn exists(path: &Path) -> Failure {
    Failure::Refused(format!(
        "{} exists: a key is never overwritten\n  Name another folder, or move the old pair away.",
        path.display()
    ))
}
