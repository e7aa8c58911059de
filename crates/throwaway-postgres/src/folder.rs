//! The temporary folder of a throw-away server.

use std::{
    env, fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{ClusterError, account::Account};

/// The longest path of a unix socket is 103 bytes on macOS and 107 on Linux; this leaves room for its name.
const LONGEST: usize = 60;

/// A new folder that only the server's user can enter, and that user when it is not the one who runs this.
pub(super) fn make() -> Result<(TempDir, Option<Account>), ClusterError> {
    let folder = tempfile::Builder::new()
        .prefix("payout-pg-")
        .tempdir_in(parent(&env::temp_dir()))
        .map_err(|source| ClusterError::Folder {
            doing: "making a temporary folder",
            source,
        })?;
    // What was just made belongs to whoever this process is: std has no other way to ask.
    let owner = fs::metadata(folder.path()).map(|found| found.uid());
    let owner = owner.map_err(|source| ClusterError::Folder {
        doing: "looking at the temporary folder",
        source,
    })?;
    if owner != 0 {
        return Ok((folder, None));
    }
    let account = Account::for_server()?;
    chown(folder.path(), Some(account.uid), Some(account.gid)).map_err(|source| {
        ClusterError::Folder {
            doing: "giving the temporary folder to the server's user",
            source,
        }
    })?;
    Ok((folder, Some(account)))
}

/// The usual place, unless a socket's path would be too long there or another user could not come there.
fn parent(usual: &Path) -> PathBuf {
    let short = usual.as_os_str().len() <= LONGEST;
    let open = usual.ancestors().all(|folder| {
        fs::metadata(folder)
            .is_ok_and(|found| found.uid() != 0 || found.permissions().mode() & 0o001 != 0)
    });
    if short && open {
        usual.to_owned()
    } else {
        PathBuf::from("/tmp")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_too_deep_for_a_socket_is_not_used() {
        let deep = Path::new("/tmp").join("d".repeat(LONGEST));
        assert_eq!(parent(&deep), Path::new("/tmp"));
        assert_eq!(parent(Path::new("/")), Path::new("/"));
    }
}
