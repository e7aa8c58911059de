//! `payout completions` and `payout man`: what is made from the command line itself.

use std::{fs, path::PathBuf};

use clap::Args;

use crate::cli::{
    exit::{Failure, say},
    output,
};

#[derive(Debug, Args)]
pub(crate) struct ManOptions {
    /// The folder; it is made if it is not there
    dir: PathBuf,
}

pub(crate) fn completions(
    shell: clap_complete::Shell,
    mut command: clap::Command,
) -> Result<(), Failure> {
    // Into memory first: the generator panics when its reader goes away.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "payout", &mut script);
    output::print(&String::from_utf8_lossy(&script))
}

/// One page per command: `payout.1`, `payout-show.1`, …
pub(crate) fn man(options: &ManOptions, command: clap::Command) -> Result<(), Failure> {
    let dir = &options.dir;
    let written = fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(command, dir));
    written.map_err(|error| Failure::of_io(&dir.display().to_string(), &error))?;
    say(&format!(
        "written; read one by  man -l {}",
        dir.join("payout.1").display()
    ));
    Ok(())
}
