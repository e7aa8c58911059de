//! `-w`: the same output again every two seconds until Ctrl-C.

use std::{
    io::{self, IsTerminal},
    pin::pin,
    time::Duration,
};

use clap::Args;

use super::{
    exit::{Exit, say},
    output,
};

const EVERY: Duration = Duration::from_secs(2);
const CLEAR_SCREEN: &str = "\u{1b}[H\u{1b}[2J\u{1b}[3J";

#[derive(Debug, Args)]
pub(super) struct Watch {
    /// Refresh every two seconds until Ctrl-C
    #[arg(short, long)]
    watch: bool,
}

impl Watch {
    /// Prints what `look` returns: once, or until Ctrl-C.
    pub(super) async fn show(
        &self,
        mut look: impl AsyncFnMut() -> Result<String, Exit>,
    ) -> Result<(), Exit> {
        if !self.watch {
            return output::print(&look().await?);
        }
        let mut interrupted = pin!(tokio::signal::ctrl_c());
        tokio::select! {
            ended = repeat(look) => ended,
            // An error means that Ctrl-C cannot be received: then nothing would ever end the loop.
            _ = &mut interrupted => Ok(()),
        }
    }
}

async fn repeat(mut look: impl AsyncFnMut() -> Result<String, Exit>) -> Result<(), Exit> {
    let clears = io::stdout().is_terminal();
    let mut has_worked = false;
    loop {
        match look().await {
            Ok(text) if clears => output::print(&format!("{CLEAR_SCREEN}{text}"))?,
            Ok(text) => output::print(&text)?,
            // Whoever watches through a failover wants to see its end.
            Err(Exit::Unreachable(message)) if has_worked => {
                say(&format!("{message}; trying again"));
            }
            Err(exit) => return Err(exit),
        }
        has_worked = true;
        tokio::time::sleep(EVERY).await;
    }
}
