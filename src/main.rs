//! The program `payout`.

// Why: there is no log yet, and nobody else to tell it.
#![allow(clippy::print_stderr)]

use std::process::ExitCode;

fn main() -> ExitCode {
    match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime.block_on(payout_worker::cli::main()),
        Err(error) => {
            eprintln!("error: the program could not start: {error}");
            ExitCode::FAILURE
        }
    }
}
