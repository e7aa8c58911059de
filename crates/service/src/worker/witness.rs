//! Remembers the last committed claim outside Postgres, so that a database restored to an older state is detected
//! (I11).

mod place;
mod records;

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use payout_config::WitnessFile;
use payout_store::claim::LastClaim;

pub use self::place::Place;
use self::records::Records;

/// The last committed claim: in memory for this process and, if configured, in a file for the next process on this
/// host.
#[derive(Debug)]
pub struct Witness {
    /// Locked for each write: the lanes of a process share the file.
    records: Option<Arc<tokio::sync::Mutex<Records>>>,
    last: Mutex<Option<LastClaim>>,
}

impl Witness {
    /// Opens the witness of the database with this key where the configuration wants it.
    ///
    /// # Errors
    /// As [`Witness::open`]. Where no place was named and none can be found, there is none, and the log says so.
    pub fn find(wanted: &WitnessFile, database: &str) -> Result<Self, String> {
        let place = Place::of(wanted);
        let file = match place.file(database) {
            Ok(file) => file,
            Err(error) => {
                tracing::warn!(error, "there is no witness: its folder cannot be created");
                None
            }
        };
        match (&file, place.weakness()) {
            (None, why) => tracing::warn!(
                why,
                "there is no witness: a database that is put back to an older snapshot while no worker runs goes unnoticed"
            ),
            (Some(file), Some(why)) => {
                tracing::warn!(file = %file.display(), "the witness does not last: {why}");
            }
            (Some(file), None) => {
                tracing::info!(file = %file.display(), "the witness of claims is kept");
            }
        }
        Self::open(file)
    }

    /// Reads the claim that an earlier process left in `file`.
    ///
    /// # Errors
    /// If the file cannot be created, read or written to, or is spoiled. Checked at the start, because a missing witness
    /// would otherwise be noticed only when it is needed.
    pub fn open(file: Option<PathBuf>) -> Result<Self, String> {
        let opened = file.map(|file| {
            Records::open(&file).map_err(|error| {
                format!(
                    "[submit] witness_file {}: {error}; it must be a file that the worker itself wrote, or that it may create",
                    file.display()
                )
            })
        });
        let (records, last) = opened.transpose()?.unzip();
        Ok(Self {
            records: records.map(|records| Arc::new(tokio::sync::Mutex::new(records))),
            last: Mutex::new(last.flatten()),
        })
    }

    /// The last claim known to be committed.
    pub fn last(&self) -> Option<LastClaim> {
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Keeps `claim`; with a file, it is on disk when this returns. Nothing of the claim may be sent before.
    pub async fn keep(&self, claim: LastClaim) -> io::Result<()> {
        let mut writing = None;
        if let Some(records) = self.records.clone() {
            let mut records = records.lock_owned().await;
            let kept = claim.clone();
            let written = move || records.keep(&kept).map(|()| records);
            writing = Some(tokio::task::spawn_blocking(written).await??);
        }
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(claim);
        drop(writing);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use payout_domain::payout::PayoutKey;

    pub(super) fn claim(order_num: &str) -> LastClaim {
        LastClaim {
            key: PayoutKey {
                merchant_code: "M1".into(),
                order_num: order_num.into(),
            },
            attempt: 1,
            request_sha256: "ab".repeat(32),
            epoch: 1,
        }
    }

    #[tokio::test]
    async fn the_next_process_finds_the_last_claim_of_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("claims.witness");
        let first = Witness::open(Some(file.clone())).unwrap();
        assert_eq!(first.last(), None);
        first.keep(claim("INV-1")).await.unwrap();
        first.keep(claim("INV-2")).await.unwrap();
        let next = Witness::open(Some(file)).unwrap();
        assert_eq!(next.last(), Some(claim("INV-2")));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn lanes_that_keep_claims_at_once_do_not_disturb_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("claims.witness");
        let witness = std::sync::Arc::new(Witness::open(Some(file.clone())).unwrap());
        let lanes: Vec<_> = (0..50)
            .map(|number| {
                let witness = std::sync::Arc::clone(&witness);
                tokio::spawn(async move { witness.keep(claim(&format!("INV-{number}"))).await })
            })
            .collect();
        for lane in lanes {
            lane.await.unwrap().unwrap();
        }
        assert_eq!(Witness::open(Some(file)).unwrap().last(), witness.last());
    }

    #[test]
    fn a_witness_that_cannot_be_kept_or_read_is_refused_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = folder.path().join("none/claims.witness");
        assert!(Witness::open(Some(nowhere)).is_err());
        let spoiled = folder.path().join("spoiled");
        fs::write(&spoiled, "{").unwrap();
        assert!(
            Witness::open(Some(spoiled))
                .unwrap_err()
                .contains("witness_file")
        );
    }
}
