//! Where the witness is kept: where the configuration says, or in the state directory of systemd or the user.

use std::{
    env,
    ffi::OsString,
    fs::DirBuilder,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use payout_config::WitnessFile;
use rustix::fs::Access;

/// Where a worker keeps its witness.
#[derive(Debug, PartialEq, Eq)]
pub enum Place {
    /// In this file.
    File(PathBuf),
    /// In a file of this folder, named for the database.
    Folder(PathBuf),
    /// Nowhere, for this reason.
    Nowhere(&'static str),
}

const SWITCHED_OFF: &str = "witness_file = \"\" switches it off";
const NO_FOLDER: &str = "there is no state directory: neither STATE_DIRECTORY (systemd's StateDirectory=) nor \
                         XDG_STATE_HOME nor HOME is set";

impl Place {
    /// The place that the configuration names, or this process's environment.
    pub fn of(wanted: &WitnessFile) -> Self {
        Self::with(wanted, |name| env::var_os(name))
    }

    fn with(wanted: &WitnessFile, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        match wanted {
            WitnessFile::At(file) => Self::File(file.clone()),
            WitnessFile::Off => Self::Nowhere(SWITCHED_OFF),
            WitnessFile::Auto => {
                state_folder(variable).map_or(Self::Nowhere(NO_FOLDER), Self::Folder)
            }
        }
    }

    /// The file for the database with this key, in a folder that exists. `None` where there is no place.
    ///
    /// # Errors
    /// If the folder cannot be created.
    pub fn file(&self, database: &str) -> Result<Option<PathBuf>, String> {
        match self {
            Self::File(file) => Ok(Some(file.clone())),
            Self::Folder(folder) => {
                let mut builder = DirBuilder::new();
                builder.recursive(true).mode(0o700);
                builder
                    .create(folder)
                    .map_err(|error| format!("{}: {error}", folder.display()))?;
                Ok(Some(folder.join(format!("claims-{database}.witness"))))
            }
            Self::Nowhere(_) => Ok(None),
        }
    }

    /// Why a worker under this user could not keep its witness here. Changes nothing.
    pub fn obstacle(&self) -> Option<String> {
        let (file, folder) = match self {
            Self::File(file) => (Some(file.as_path()), file.parent()?),
            Self::Folder(folder) => (None, folder.as_path()),
            Self::Nowhere(_) => return None,
        };
        let may_write = |path: &Path| rustix::fs::access(path, Access::READ_OK | Access::WRITE_OK);
        if let Some(file) = file.filter(|file| file.exists()) {
            if !file.is_file() {
                return Some(format!("{} is not a file", file.display()));
            }
            return may_write(file)
                .err()
                .map(|error| format!("{}: {error}", file.display()));
        }
        // The worker makes its own folder, and no other.
        let existing = match self {
            Self::Folder(_) => folder.ancestors().find(|path| path.exists())?,
            Self::File(_) | Self::Nowhere(_) => folder,
        };
        if !existing.is_dir() {
            let what = if existing.exists() {
                "is not a folder"
            } else {
                "does not exist"
            };
            return Some(format!("the folder {} {what}", existing.display()));
        }
        let entered = rustix::fs::access(existing, Access::WRITE_OK | Access::EXEC_OK);
        entered
            .err()
            .map(|error| format!("the folder {}: {error}", existing.display()))
    }

    /// Why the witness is forgotten sooner than a person would think: what it lies on does not last.
    pub fn weakness(&self) -> Option<&'static str> {
        let path = match self {
            Self::File(path) | Self::Folder(path) => path,
            Self::Nowhere(why) => return Some(why),
        };
        path.ancestors()
            .find(|path| path.exists())
            .and_then(does_not_last)
    }
}

/// systemd names one or several folders; the user's is that of the XDG specification.
fn state_folder(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |value: OsString| Some(PathBuf::from(value)).filter(|path| path.is_absolute());
    let of_systemd = variable("STATE_DIRECTORY").and_then(|folders| {
        let first = folders.to_str()?.split(':').next()?;
        absolute(first.into())
    });
    let of_user = || variable("XDG_STATE_HOME").and_then(absolute);
    let at_home = || Some(variable("HOME").and_then(absolute)?.join(".local/state"));
    of_systemd.or_else(|| Some(of_user().or_else(at_home)?.join("payout")))
}

/// Memory does not outlast a restart of the machine, nor a container's own layer the container.
#[cfg(target_os = "linux")]
fn does_not_last(path: &Path) -> Option<&'static str> {
    const TMPFS: u64 = 0x0102_1994;
    const RAMFS: u64 = 0x8584_58f6;
    const OVERLAY: u64 = 0x794c_7630;
    let kind = rustix::fs::statfs(path).ok()?.f_type;
    match u64::try_from(kind).unwrap_or(0) {
        TMPFS | RAMFS => {
            Some("it lies in memory (tmpfs) and is forgotten when this machine restarts")
        }
        OVERLAY => Some("it lies in a container's own layer and is forgotten with the container"),
        _ => None,
    }
}

#[cfg(not(target_os = "linux"))]
fn does_not_last(_: &Path) -> Option<&'static str> {
    None
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn auto(set: &[(&str, &str)]) -> Place {
        Place::with(&WitnessFile::Auto, |name| {
            let found = set.iter().find(|(set, _)| *set == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn the_place_is_that_of_systemd_or_of_the_user() {
        let home = ("HOME", "/home/siti");
        for (set, folder) in [
            (
                &[("STATE_DIRECTORY", "/var/lib/payout"), home][..],
                "/var/lib/payout",
            ),
            (
                &[("STATE_DIRECTORY", "/var/lib/a:/var/lib/b")],
                "/var/lib/a",
            ),
            (&[("XDG_STATE_HOME", "/state"), home], "/state/payout"),
            (
                &[("XDG_STATE_HOME", "relative"), home],
                "/home/siti/.local/state/payout",
            ),
            (&[home], "/home/siti/.local/state/payout"),
        ] {
            assert_eq!(auto(set), Place::Folder(folder.into()), "{set:?}");
        }
        assert_eq!(auto(&[]), Place::Nowhere(NO_FOLDER));
        assert_eq!(auto(&[("HOME", "")]), Place::Nowhere(NO_FOLDER));
    }

    #[test]
    fn each_database_has_its_own_file_in_a_folder_that_is_created() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::Folder(folder.path().join("state/payout"));
        let one = place.file("7412-5-16400").unwrap().unwrap();
        let other = place.file("7412-6-16400").unwrap().unwrap();
        assert_ne!(one, other);
        assert!(one.parent().unwrap().is_dir());
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(Place::Folder(file.join("state")).file("x").is_err());
    }

    #[test]
    fn a_place_that_does_not_last_says_so() {
        assert_eq!(Place::of(&WitnessFile::Off).weakness(), Some(SWITCHED_OFF));
        if Path::new("/dev/shm").exists() {
            let memory = Place::Folder("/dev/shm/payout".into()).weakness();
            assert!(memory.unwrap().contains("tmpfs"));
        }
    }
}
