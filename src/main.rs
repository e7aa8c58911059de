//! The binary `payout`. Everything is in the library, where tests reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime.block_on(payout_worker::cli::main()),
        Err(error) => {
            eprintln!("payout: the runtime cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}
