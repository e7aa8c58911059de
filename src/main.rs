//! The program `payout`.

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
