//! The last resort for evidence that the database refuses: one line in a file for people, which no program reads back.
//! It has no body, no account and no name. Nothing follows from it; the payout's status is queried as after a crash.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::{SecondsFormat, Utc};
use payout_config::WitnessFile;
use payout_domain::evidence::Evidence;
use serde_json::json;

use super::witness::Place;

/// The file's name, in the folder of the witness.
const FILE: &str = "set-aside.jsonl";

/// How long the database may refuse a piece before it is set aside: somebody may have taken back a right, or be changing
/// the schema.
const REFUSED_FOR: Duration = Duration::from_mins(1);

/// Where evidence is set aside, and when.
#[derive(Clone, Debug)]
pub struct SetAside {
    /// The log has it if there is none.
    file: Option<PathBuf>,
    /// After so long a refusal.
    pub(super) after: Duration,
}

impl SetAside {
    /// Beside the witness, which lies where things last.
    pub fn beside(witness: &WitnessFile) -> Self {
        let file = match Place::of(witness) {
            Place::Folder(folder) => Some(folder.join(FILE)),
            Place::File(file) => file.parent().map(|folder| folder.join(FILE)),
            Place::Nowhere(_) => None,
        };
        Self {
            file,
            after: REFUSED_FOR,
        }
    }

    /// The same after another time.
    #[must_use]
    pub fn after(self, after: Duration) -> Self {
        Self { after, ..self }
    }

    /// Keeps what the evidence says, and says in the log where.
    pub(super) fn keep(&self, evidence: &Evidence, code: &str) {
        let line = line(evidence, code);
        let order_num = &evidence.key.order_num;
        let kept = self.file.as_deref().map(|file| (file, append(file, &line)));
        let error = match kept {
            Some((file, Ok(()))) => {
                tracing::error!(payout = %evidence.key, file = %file.display(), "evidence about payout {order_num} is set \
                    aside in {}: the database refuses it ({code})", file.display());
                return;
            }
            Some((file, Err(error))) => format!("{} cannot be written: {error}", file.display()),
            None => "there is no file for it".to_owned(),
        };
        tracing::error!(payout = %evidence.key, error, line, "evidence about payout {order_num} is in this line only: the \
            database refuses it ({code})");
    }
}

fn line(evidence: &Evidence, code: &str) -> String {
    json!({
        "at": Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
        "merchant_code": evidence.key.merchant_code,
        "order_num": evidence.key.order_num,
        "attempt": evidence.fact.attempt(),
        "source": evidence.fact.source().name(),
        "finding": evidence.fact.finding().columns(),
        "refused_with": code,
    })
    .to_string()
}

/// One write, so that the lines of several workers do not mix.
fn append(file: &Path, line: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600);
    options
        .open(file)?
        .write_all(format!("{line}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;
    use payout_domain::{evidence::Fact, payout::PayoutKey};

    #[test]
    fn a_line_is_added_that_only_its_owner_reads_and_that_has_no_detail() {
        let folder = tempfile::tempdir().unwrap();
        let set_aside = SetAside::beside(&WitnessFile::At(folder.path().join("claims.witness")));
        let evidence = Evidence {
            key: PayoutKey {
                merchant_code: "M1".into(),
                order_num: "INV-1".into(),
            },
            fact: Fact::LeaseExpired { attempt: 2 },
            detail: json!({ "name": "Siti Rahayu" }),
        };
        set_aside.keep(&evidence, "23514 a_rule");
        set_aside.keep(&evidence, "P0001");
        let file = folder.path().join(FILE);
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let text = fs::read_to_string(file).unwrap();
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["order_num"], "INV-1");
        assert_eq!(lines[0]["attempt"], 2);
        assert_eq!(lines[0]["refused_with"], "23514 a_rule");
        assert!(!text.contains("Siti"));
    }
}
