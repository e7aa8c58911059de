//! `-w`: the same again every two seconds until Ctrl-C.

use std::{
    io::{self, IsTerminal},
    pin::pin,
    time::Duration,
};

use super::{
    exit::{Failure, say},
    output,
};

const EVERY: Duration = Duration::from_secs(2);
const CLEAR_SCREEN: &str = "\u{1b}[H\u{1b}[2J\u{1b}[3J";

/// Prints what `look` returns: once, or with `again` until Ctrl-C.
pub(super) async fn show(
    again: bool,
    look: impl AsyncFnMut() -> Result<String, Failure>,
) -> Result<(), Failure> {
    let mut look = look;
    if !again {
        return output::print(&look().await?);
    }
    let mut interrupted = pin!(tokio::signal::ctrl_c());
    tokio::select! {
        ended = repeat(look) => ended,
        // Whether Ctrl-C came or cannot be heard of, there is nothing left to watch for.
        _ = &mut interrupted => Ok(()),
    }
}

async fn repeat(mut look: impl AsyncFnMut() -> Result<String, Failure>) -> Result<(), Failure> {
    let clears = io::stdout().is_terminal();
    let mut has_worked = false;
    loop {
        match look().await {
            Ok(text) if clears => output::print(&format!("{CLEAR_SCREEN}{text}"))?,
            Ok(text) => output::print(&text)?,
            // Whoever watches through a failover wants to see its end.
            Err(Failure::Unreachable(words)) if has_worked => {
                say(&format!("{words}; trying again"));
            }
            Err(failure) => return Err(failure),
        }
        has_worked = true;
        tokio::time::sleep(EVERY).await;
    }
}
