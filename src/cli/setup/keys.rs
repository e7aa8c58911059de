//! `payout keys`

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use clap::Subcommand;
use payout_gateway::keys::{
    fingerprint, generate, private_key_pem, public_key_base64, public_key_pem,
};
use serde::Serialize;

use crate::cli::{
    exit::{Exit, say},
    global::Global,
    output,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the merchant's key pair: DIR/merchant.key and DIR/merchant.pub
    Generate {
        /// The folder; created if it is missing
        dir: PathBuf,
        /// The length: 1024, 2048, 3072 or 4096; the gateway says which it accepts
        #[arg(long, default_value_t = 2048)]
        bits: usize,
    },
}

/// The pair that was made.
#[derive(Default, Serialize)]
struct Pair {
    private_key_file: PathBuf,
    public_key_file: PathBuf,
    public_key: String,
    fingerprint: String,
}

pub(crate) fn perform(global: &Global, command: &Command) -> Result<(), Exit> {
    let Command::Generate { dir, bits } = command;
    let pair = make(dir, *bits)?;
    output::print(&global.output.row(pair, |pair| {
        say(&format!(
            "{} is the private key: it stays here.\n{} is the public key. Hand this line to the gateway:\n",
            pair.private_key_file.display(),
            pair.public_key_file.display(),
        ));
        format!(
            "{}\n\nSHA-256 of the public key, to compare by telephone:\n{}\n",
            pair.public_key, pair.fingerprint
        )
    })?)
}

fn make(dir: &Path, bits: usize) -> Result<Pair, Exit> {
    let private_key_file = dir.join("merchant.key");
    let public_key_file = dir.join("merchant.pub");
    // Before the work, and for both files: half a pair would be worse than none.
    for file in [&private_key_file, &public_key_file] {
        if file.symlink_metadata().is_ok() {
            return Err(exists(file));
        }
    }
    let key = generate(bits).map_err(|error| Exit::Usage(error.to_string()))?;
    let public = key.to_public_key();
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    let created = builder.create(dir);
    created.map_err(|error| Exit::of_io(dir.display(), &error))?;
    for (file, mode, text) in [
        (&private_key_file, 0o600, private_key_pem(&key)?),
        (&public_key_file, 0o644, public_key_pem(&public)?.into()),
    ] {
        write(file, mode, &text).map_err(|error| {
            if error.kind() == ErrorKind::AlreadyExists {
                return exists(file);
            }
            Exit::of_io(file.display(), &error)
        })?;
    }
    Ok(Pair {
        private_key_file,
        public_key_file,
        public_key: public_key_base64(&public)?,
        fingerprint: fingerprint(&public),
    })
}

/// Never overwrites a file, and returns only when the new one is on disk.
fn write(path: &Path, mode: u32, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let folder = path.parent();
    let folder = folder.filter(|parent| !parent.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn exists(path: &Path) -> Exit {
    Exit::Refused(format!(
        "{} exists: a key is never overwritten\n  Give another folder, or move the old pair away.",
        path.display()
    ))
}
