//! `payout sandbox`

use std::{fs, net::SocketAddr, path::PathBuf};

use clap::{Args, ValueEnum};
use payout_sandbox::{
    Dialect, Fault, Pace, Sandbox, Settings, parse_private_key, parse_public_key,
};
use tokio::signal::unix::{SignalKind, signal};

use super::{
    error::{Failure, say},
    output, start,
};

#[derive(Debug, Args)]
pub(super) struct Options {
    /// Where it listens; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8081", value_name = "ADDR")]
    listen: SocketAddr,
    /// The merchant's public key, which verifies what it is sent
    #[arg(long, value_name = "FILE")]
    merchant_key: PathBuf,
    /// The platform's private key, which signs what it says
    #[arg(long, value_name = "FILE")]
    platform_key: PathBuf,
    /// bdpay or toppay
    #[arg(long, default_value = "bdpay")]
    dialect: Dialect,
    /// The one merchant that it serves
    #[arg(long, default_value = "S2020198627344", value_name = "CODE")]
    merchant_code: String,
    /// The merchant's opening balance in rupiah
    #[arg(long, default_value_t = 1_000_000_000, value_parser = clap::value_parser!(i64).range(0..))]
    balance: i64,
    /// What each payout costs in rupiah
    #[arg(long, default_value_t = Settings::DEFAULT_FEE_IDR, value_parser = clap::value_parser!(i64).range(0..))]
    fee: i64,
    /// Misbehave like this; a wrong word lists them all
    #[arg(long, value_name = "WORD")]
    fault: Option<Fault>,
    /// Of a hundred orders, how many end badly
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    fail_percent: u8,
    /// How fast its clock runs
    #[arg(long, default_value = "normal")]
    pace: Speed,
    /// Changes which orders end badly
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Speed {
    /// Seconds, as for people to watch
    Normal,
    /// Milliseconds, for tests
    Quick,
}

pub(super) async fn sandbox(options: &Options) -> Result<(), Failure> {
    start::log();
    let read = |path: &PathBuf| {
        fs::read_to_string(path)
            .map_err(|error| Failure::Config(format!("{}: {error}", path.display())))
    };
    let named = |path: &PathBuf, why: String| Failure::Config(format!("{}: {why}", path.display()));
    let settings = Settings {
        dialect: options.dialect,
        merchant_code: options.merchant_code.clone(),
        merchant_public_key: parse_public_key(&read(&options.merchant_key)?)
            .map_err(|why| named(&options.merchant_key, why))?,
        platform_private_key: parse_private_key(&read(&options.platform_key)?)
            .map_err(|why| named(&options.platform_key, why))?,
        balance_idr: options.balance,
        fee_idr: options.fee,
        pace: match options.pace {
            Speed::Normal => Pace::default(),
            Speed::Quick => Pace::quick(),
        },
        fail_percent: options.fail_percent,
        seed: options.seed,
    };
    let mut terminated = signal(SignalKind::terminate())?;
    let sandbox = Sandbox::start(settings, options.listen)
        .await
        .map_err(|error| Failure::of_io(&format!("--listen {}", options.listen), &error))?;
    if let Some(fault) = options.fault {
        sandbox.set_fault(fault);
        say(&format!("fault {fault}: {}", fault.explanation()));
    }
    let url = sandbox.url();
    output::print(&format!(
        "gateway  {url}\nadmin    {url}/admin\nsubmits  {url}/admin/submits\n"
    ))?;
    say("Ctrl-C stops it");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
    sandbox.stop().await;
    Ok(())
}
