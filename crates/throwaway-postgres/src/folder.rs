//! The folder of a server: its location and its owner.

use std::{
    env, fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use rustix::{
    fs::{Access, access},
    process::geteuid,
};
use tempfile::TempDir;

use crate::account::Account;

/// Maximum length of the folder's path: that of a Unix socket's path on macOS, 103 bytes, less `/.s.PGSQL.65535`.
const LONGEST: usize = 88;
const TEMPORARY: &str = "throwaway-pg-";
/// How many characters `tempfile` adds to a name.
const RANDOM_PART: usize = 6;

/// Creates a temporary folder that only the server's user can enter.
pub(crate) fn make_temporary(account: Option<&Account>) -> Result<TempDir> {
    let folder = tempfile::Builder::new()
        .prefix(TEMPORARY)
        .permissions(fs::Permissions::from_mode(0o700))
        .tempdir_in(parent(&env::temp_dir(), account))
        .context("could not create a temporary folder")?;
    give(folder.path(), account)?;
    Ok(folder)
}

/// The usual parent folder, or `/tmp` if a socket's path would be too long there or the server's user could not enter
/// it.
fn parent(usual: &Path, account: Option<&Account>) -> PathBuf {
    let name = TEMPORARY.len().saturating_add(RANDOM_PART);
    let length = usual.as_os_str().len().saturating_add(name);
    if length < LONGEST && may_enter(usual, account) {
        usual.to_owned()
    } else {
        PathBuf::from("/tmp")
    }
}

/// Creates the folder for the server's user alone, or checks that an existing one belongs to that user.
pub(crate) fn claim(folder: &Path, account: Option<&Account>) -> Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let owned = is_owned(folder, account);
            ensure!(
                owned.context("could not read the owner of the server's folder")?,
                "{} does not belong to the server's user: remove it, then run this again",
                folder.display()
            );
            Ok(())
        }
        made => {
            made.context("could not create the server's folder")?;
            give(folder, account)
        }
    }
}

/// Returns `wanted` if a server can live there, or else a folder under `/tmp` that is always the same for `wanted`.
///
/// A server cannot live where the path is too long for a socket, where its user cannot enter, or in another user's
/// folder. `wanted` must be absolute.
pub fn place(wanted: &Path) -> Result<PathBuf> {
    let account = Account::of_server()?;
    if can_live_in(wanted, account.as_ref()) {
        return Ok(wanted.to_owned());
    }
    let user = geteuid().as_raw();
    let path = fnv(wanted.as_os_str().as_encoded_bytes());
    Ok(PathBuf::from(format!(
        "/tmp/throwaway-pg-{user}-{path:016x}"
    )))
}

fn can_live_in(folder: &Path, account: Option<&Account>) -> bool {
    let Some(parent) = folder.parent() else {
        return false;
    };
    let is_ours =
        is_owned(folder, account).unwrap_or_else(|_| access(parent, Access::WRITE_OK).is_ok());
    is_ours && folder.as_os_str().len() <= LONGEST && may_enter(parent, account)
}

/// Whether the server's user owns the folder. A symbolic link and its target must both be that user's.
fn is_owned(folder: &Path, account: Option<&Account>) -> io::Result<bool> {
    let owner = account.map_or_else(|| geteuid().as_raw(), |account| account.uid);
    Ok(fs::symlink_metadata(folder)?.uid() == owner && fs::metadata(folder)?.uid() == owner)
}

/// Whether the server's user can enter every folder of a path. Not checked for this process's own user.
fn may_enter(folder: &Path, account: Option<&Account>) -> bool {
    let Some(account) = account else {
        return true;
    };
    folder.ancestors().all(|folder| {
        fs::metadata(folder).is_ok_and(|found| {
            let bit = if found.uid() == account.uid {
                0o100
            } else if found.gid() == account.gid {
                0o010
            } else {
                0o001
            };
            found.mode() & bit != 0
        })
    })
}

fn give(folder: &Path, account: Option<&Account>) -> Result<()> {
    let Some(account) = account else {
        return Ok(());
    };
    chown(folder, Some(account.uid), Some(account.gid))
        .context("could not hand the folder to the server's user")
}

/// FNV-1a: the same for the same path in every build, which std's hasher does not guarantee.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_too_deep_for_a_socket_is_not_used() {
        let deep = Path::new("/tmp").join("d".repeat(LONGEST));
        assert_eq!(parent(&deep, None), Path::new("/tmp"));
        assert_eq!(parent(Path::new("/"), None), Path::new("/"));
        let instead = place(&deep).unwrap();
        assert!(instead.starts_with("/tmp") && instead.as_os_str().len() < LONGEST);
        assert_eq!(place(&deep).unwrap(), instead);
        assert_ne!(place(&deep.join("pg")).unwrap(), instead);
    }

    #[test]
    fn another_users_folder_is_refused_and_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let stranger = Account {
            uid: 54_321,
            gid: 54_321,
        };
        let refused = claim(folder.path(), Some(&stranger)).unwrap_err();
        assert!(
            refused
                .to_string()
                .contains("does not belong to the server's user"),
            "{refused}"
        );
        assert!(!can_live_in(folder.path(), Some(&stranger)));
        claim(folder.path(), None).unwrap();
    }

    #[test]
    fn a_folder_that_the_servers_user_cannot_reach_is_not_used() {
        let closed = make_temporary(None).unwrap();
        let stranger = Account {
            uid: 54_321,
            gid: 54_321,
        };
        assert!(!may_enter(closed.path(), Some(&stranger)));
        assert_eq!(parent(closed.path(), Some(&stranger)), Path::new("/tmp"));
        assert!(may_enter(closed.path(), None));
    }
}
