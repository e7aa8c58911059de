//! `payout console`

use std::net::SocketAddr;

use clap::Args;

use super::{
    exit::{Exit, say},
    global::Global,
    start::log,
};

#[derive(Debug, Args)]
pub(super) struct Options {
    /// Where to listen, instead of the configured address; beyond this machine only with TLS
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Let people sign in where the database checks no password: demo and tests only
    #[arg(long, hide = true)]
    allow_any_password: bool,
}

pub(super) async fn run(global: &Global, options: &Options) -> Result<(), Exit> {
    let url = global.url()?;
    let mut settings = match global.config_file() {
        Some(_) => global.configuration()?.console,
        None => payout_config::console::Console::default(),
    };
    if let Some(listen) = options.listen {
        settings.listen = listen;
    }
    settings.allow_any_password |= options.allow_any_password;
    settings.is_safe().map_err(Exit::Config)?;
    log();
    if let Some(warning) = settings.warning() {
        say(&format!("warning: {warning}"));
    }
    let started = |address: &str| say(&format!("the console listens on {address}"));
    Ok(payout_console::run(&settings, &url, started).await?)
}
