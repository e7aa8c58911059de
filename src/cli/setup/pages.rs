//! `payout completions` and `payout man`: generated from the command line itself.

use std::{fs, path::PathBuf};

use clap::Args;

use crate::cli::{
    exit::{Exit, say},
    output,
};

#[derive(Debug, Args)]
pub(crate) struct ManOptions {
    /// The folder; created if it is missing
    dir: PathBuf,
}

pub(crate) fn completions(
    shell: clap_complete::Shell,
    mut command: clap::Command,
) -> Result<(), Exit> {
    // Into memory first: the generator panics when the reader closes the pipe.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "payout", &mut script);
    output::print(&String::from_utf8_lossy(&script))
}

/// One page per command: `payout.1`, `payout-show.1`, …
pub(crate) fn man(options: &ManOptions, command: clap::Command) -> Result<(), Exit> {
    let dir = &options.dir;
    let written = fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(command, dir));
    written.map_err(|error| Exit::of_io(dir.display(), &error))?;
    say(&format!(
        "written; to read one: man -l {}",
        dir.join("payout.1").display()
    ));
    Ok(())
}
