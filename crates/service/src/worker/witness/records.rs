//! The witness on disk: a file of two records, which are written in turn.
//!
//! A crash spoils at most the record that was being written. The other one is an older claim, which is still true. They are
//! written in place, because a new file for each claim, renamed to the old one, takes a second wait for the disk.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind},
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use base16ct::lower::encode_string;
use chrono::Utc;
use payout_store::claim::LastClaim;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The length of a record. A claim takes about 250 bytes of it, with a short merchant code.
const RECORD: usize = 1024;
/// The length of the file: two records.
const LENGTH: u64 = 2 * RECORD as u64;
/// The length of the digest before a record, in hex.
const DIGEST: usize = 64;

/// The file, open for writing.
#[derive(Debug)]
pub(super) struct Records {
    path: PathBuf,
    file: File,
    /// The half that is written next: over the older record.
    next: Half,
}

/// Half of the file: one record.
#[derive(Clone, Copy, Debug)]
enum Half {
    First,
    Second,
}

impl Half {
    const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }

    const fn offset(self) -> u64 {
        match self {
            Self::First => 0,
            Self::Second => RECORD as u64,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Record {
    /// By the system's clock. Of several processes that share the file, the last one wrote the newest claim.
    written_at_us: i64,
    #[serde(flatten)]
    claim: LastClaim,
}

impl Records {
    /// Opens the file, or creates it. Returns the newest claim in it.
    ///
    /// # Errors
    /// If it cannot be created, read or written to, or holds text but no whole record.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Option<LastClaim>)> {
        let file = open_or_create(path)?;
        let mut bytes = vec![0; 2 * RECORD];
        file.read_exact_at(&mut bytes, 0)?;
        let newest = [Half::First, Half::Second]
            .into_iter()
            .zip(bytes.chunks(RECORD).map(parse))
            .filter_map(|(half, record)| Some((half, record?)))
            .max_by_key(|(_, record)| record.written_at_us);
        if newest.is_none() && bytes.iter().any(|byte| *byte != 0) {
            return Err(io::Error::new(
                ErrorKind::InvalidData,
                "it holds no whole record of a claim",
            ));
        }
        let records = Self {
            path: path.to_owned(),
            file,
            next: newest
                .as_ref()
                .map_or(Half::First, |(half, _)| half.other()),
        };
        Ok((records, newest.map(|(_, record)| record.claim)))
    }

    /// Writes a claim over the older record. It is on disk when this returns.
    pub(super) fn keep(&mut self, claim: &LastClaim) -> io::Result<()> {
        // Whoever moves or deletes the file while the worker runs must not make it write into nowhere.
        if !self.is_in_place() {
            let (again, _) = Self::open(&self.path)?;
            *self = again;
        }
        let bytes = record(claim)?;
        self.file.write_all_at(&bytes, self.next.offset())?;
        self.file.sync_data()?;
        self.next = self.next.other();
        Ok(())
    }

    fn is_in_place(&self) -> bool {
        let inode = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        let named = fs::metadata(&self.path).map(inode).ok();
        named.is_some() && named == self.file.metadata().map(inode).ok()
    }
}

/// The file at its full length, so that a write changes nothing but a record.
fn open_or_create(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    if file.metadata()?.len() < LENGTH {
        file.set_len(LENGTH)?;
        file.sync_all()?;
        // Its name must be on disk too.
        if let Some(folder) = path.parent().filter(|folder| *folder != Path::new("")) {
            File::open(folder)?.sync_all()?;
        }
    }
    Ok(file)
}

/// A line: the digest of what follows, the claim, and spaces to the end.
fn record(claim: &LastClaim) -> io::Result<Vec<u8>> {
    let json = serde_json::to_string(&Record {
        written_at_us: Utc::now().timestamp_micros(),
        claim: claim.clone(),
    })?;
    let mut line = format!("{} {json}", encode_string(&Sha256::digest(&json))).into_bytes();
    if line.len() >= RECORD {
        return Err(io::Error::other("the merchant's code is too long"));
    }
    line.resize(RECORD - 1, b' ');
    line.push(b'\n');
    Ok(line)
}

/// The record, if it is whole.
fn parse(bytes: &[u8]) -> Option<Record> {
    let line = str::from_utf8(bytes).ok()?.trim_end();
    let (digest, json) = line.split_at_checked(DIGEST)?;
    let json = json.strip_prefix(' ')?;
    (digest == encode_string(&Sha256::digest(json))).then(|| serde_json::from_str(json).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::witness::tests::claim;

    fn last_in(path: &Path) -> Option<String> {
        let (_, last) = Records::open(path).unwrap();
        last.map(|claim| claim.key.order_num)
    }

    #[test]
    fn a_write_that_is_cut_anywhere_leaves_the_claim_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("claims.witness");
        let (mut records, _) = Records::open(&path).unwrap();
        records.keep(&claim("INV-1")).unwrap();
        records.keep(&claim("INV-2")).unwrap();
        let before = fs::read(&path).unwrap();
        records.keep(&claim("INV-3")).unwrap();
        let after = fs::read(&path).unwrap();
        assert_eq!(last_in(&path).unwrap(), "INV-3");
        let changed = (0..before.len()).filter(|at| before[*at] != after[*at]);
        let changed: Vec<usize> = changed.collect();
        for cut in &changed[1..] {
            let torn = [&after[..*cut], &before[*cut..]].concat();
            fs::write(&path, torn).unwrap();
            assert_eq!(last_in(&path).unwrap(), "INV-2", "cut at {cut}");
        }
    }

    #[test]
    fn a_file_that_is_moved_or_deleted_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("claims.witness");
        let (mut records, _) = Records::open(&path).unwrap();
        records.keep(&claim("INV-1")).unwrap();
        fs::rename(&path, folder.path().join("aside")).unwrap();
        records.keep(&claim("INV-2")).unwrap();
        assert_eq!(last_in(&path).unwrap(), "INV-2");
        assert_eq!(last_in(&folder.path().join("aside")).unwrap(), "INV-1");
        fs::remove_file(&path).unwrap();
        records.keep(&claim("INV-3")).unwrap();
        assert_eq!(last_in(&path).unwrap(), "INV-3");
    }

    #[test]
    fn a_claim_that_no_record_holds_is_refused() {
        let mut long = claim("INV-1");
        long.key.merchant_code = "M".repeat(RECORD);
        let folder = tempfile::tempdir().unwrap();
        let (mut records, _) = Records::open(&folder.path().join("w")).unwrap();
        assert!(records.keep(&long).is_err());
    }
}
