//! Finds the Postgres server binaries of a machine.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

/// Needed together in one folder, because `initdb` runs the `postgres` beside it.
const NEEDED: &[&str] = &["initdb", "postgres"];

/// Folders with one `bin` per installed version, and the prefix of its parent's name.
const VERSIONED: &[(&str, &str)] = &[
    ("/usr/lib/postgresql", ""),
    ("/opt/homebrew/opt", "postgresql"),
    ("/usr/local/opt", "postgresql"),
    ("/usr", "pgsql-"),
    ("/Applications/Postgres.app/Contents/Versions", ""),
];

/// The folder of the server's programs.
#[derive(Debug)]
pub struct Binaries(PathBuf);

impl Binaries {
    /// Searches only `PG_BIN` if it is set; otherwise the PATH, `pg_config` and then the usual places.
    ///
    /// The folder contains `initdb`, `postgres` and the programs in `also`.
    pub fn find(also: &[&str]) -> Result<Self> {
        let chosen = env::var_os("PG_BIN").filter(|folder| !folder.is_empty());
        let candidates = chosen.map_or_else(everywhere, |folder| vec![PathBuf::from(folder)]);
        let needed: Vec<&str> = NEEDED.iter().chain(also).copied().collect();
        Self::first_of(&candidates, &needed)
    }

    fn first_of(candidates: &[PathBuf], needed: &[&str]) -> Result<Self> {
        let is_complete = |folder: &&PathBuf| needed.iter().all(|name| folder.join(name).is_file());
        if let Some(folder) = candidates.iter().find(is_complete) {
            return Ok(Self(folder.clone()));
        }
        let mut searched: Vec<String> = candidates
            .iter()
            .map(|folder| folder.display().to_string())
            .collect();
        if searched.len() > 1 {
            let usual = VERSIONED.iter();
            searched.extend(usual.map(|(parent, prefix)| format!("{parent}/{prefix}*/bin")));
        }
        searched.dedup();
        bail!(
            "Postgres server binaries not found: no folder contains {} (searched {}). Run `./dev setup`, install \
             your system's postgresql package, or set PG_BIN to the folder that holds them",
            needed.join(" and "),
            searched.join(", "),
        )
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// The path of one of its programs.
    pub fn path(&self, program: &str) -> PathBuf {
        self.0.join(program)
    }

    /// Whether these programs can read the data of that version of Postgres.
    pub(crate) fn is_major_version(&self, wanted: &str) -> Result<bool> {
        let mut postgres = Command::new(self.path("postgres"));
        let output = postgres.arg("--version").output();
        let output = output.with_context(|| not_run(&postgres))?;
        // `postgres (PostgreSQL) 15.14 (Debian …)`
        let own = major_version(&String::from_utf8_lossy(&output.stdout));
        Ok(own == major_version(wanted))
    }
}

/// Says that a program could not be started.
pub(crate) fn not_run(command: &Command) -> String {
    format!("{} could not be run", command.get_program().display())
}

fn everywhere() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .collect();
    folders.extend(of_pg_config());
    for (parent, prefix) in VERSIONED {
        folders.extend(versions_in(Path::new(parent), prefix));
    }
    folders
}

fn of_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let folder = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !folder.trim().is_empty()).then(|| PathBuf::from(folder.trim()))
}

/// `PARENT/PREFIX*/bin`, the newest version first.
fn versions_in(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with(prefix))
        .collect();
    names.sort_by_key(|name| std::cmp::Reverse(major_version(name)));
    names
        .into_iter()
        .map(|name| parent.join(name).join("bin"))
        .collect()
}

/// 18 for `18`, `postgresql@18` and `pgsql-18`; 9 for `9.6`; 0 if there is no number.
fn major_version(name: &str) -> u32 {
    let digits = name.split(|c: char| !c.is_ascii_digit());
    let number = digits.into_iter().find(|digits| !digits.is_empty());
    number.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["9.6", "15", "18", "common"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let found = versions_in(folder.path(), "");
        let order =
            ["18/bin", "15/bin", "9.6/bin", "common/bin"].map(|end| folder.path().join(end));
        assert_eq!(found, order);
    }

    #[test]
    fn half_an_installation_is_none_and_the_message_says_where_it_looked() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("postgres"), "").unwrap();
        let refused = Binaries::first_of(&[folder.path().to_owned()], NEEDED)
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains(&folder.path().display().to_string()),
            "{refused}"
        );
        assert!(refused.contains("initdb and postgres"), "{refused}");

        fs::write(folder.path().join("initdb"), "").unwrap();
        assert!(Binaries::first_of(&[folder.path().to_owned()], NEEDED).is_ok());
    }
}
