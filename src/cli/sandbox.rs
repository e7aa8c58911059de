//! `payout sandbox`

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use payout_sandbox::{
    Dialect, Fault, Pace, Sandbox, Settings, parse_private_key, parse_public_key,
};
use tokio::signal::unix::{SignalKind, signal};

use super::{
    exit::{Exit, say},
    output, start,
};

#[derive(Debug, Args)]
pub(super) struct Options {
    /// Where it listens; port 0 picks a free port
    #[arg(long, default_value = "127.0.0.1:8081", value_name = "ADDR")]
    listen: SocketAddr,
    /// The merchant's public key, with which it verifies requests
    #[arg(long, value_name = "FILE")]
    merchant_key: PathBuf,
    /// The platform's private key, with which it signs answers and callbacks
    #[arg(long, value_name = "FILE")]
    platform_key: PathBuf,
    /// bdpay or toppay
    #[arg(long, default_value = "bdpay")]
    dialect: Dialect,
    /// The merchant that it serves
    #[arg(long, default_value = "S2020198627344", value_name = "CODE")]
    merchant_code: String,
    /// The merchant's opening balance in rupiah
    #[arg(long, default_value_t = 1_000_000_000, value_parser = clap::value_parser!(i64).range(0..))]
    balance: i64,
    /// The fee per payout in rupiah
    #[arg(long, default_value_t = Settings::DEFAULT_FEE_IDR, value_parser = clap::value_parser!(i64).range(0..))]
    fee: i64,
    /// Start with this fault; an unknown word lists them all
    #[arg(long, value_name = "WORD")]
    fault: Option<Fault>,
    /// How many of a hundred orders fail
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    fail_percent: u8,
    /// How fast its clock runs
    #[arg(long, default_value = "normal")]
    pace: Speed,
    /// Take only what the documents have: strings and standard base64, no JSON numbers, no URL-safe base64
    #[arg(long)]
    strict: bool,
    /// Changes which orders fail
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Speed {
    /// Seconds, for people to watch
    Normal,
    /// Milliseconds, for tests
    Quick,
}

pub(super) async fn sandbox(options: &Options) -> Result<(), Exit> {
    start::log();
    let settings = Settings {
        dialect: options.dialect,
        merchant_code: options.merchant_code.clone(),
        merchant_public_key: key(&options.merchant_key, parse_public_key)?,
        platform_private_key: key(&options.platform_key, parse_private_key)?,
        balance_idr: options.balance,
        fee_idr: options.fee,
        pace: match options.pace {
            Speed::Normal => Pace::default(),
            Speed::Quick => Pace::quick(),
        },
        fail_percent: options.fail_percent,
        seed: options.seed,
        strict: options.strict,
    };
    let mut terminated = signal(SignalKind::terminate())?;
    let sandbox = Sandbox::start(settings, options.listen)
        .await
        .map_err(|error| Exit::of_io(format_args!("--listen {}", options.listen), &error))?;
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

fn key<K>(path: &Path, parse: fn(&str) -> Result<K, String>) -> Result<K, Exit> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string());
    let key = text.and_then(|text| parse(&text));
    key.map_err(|why| Exit::Config(format!("{}: {why}", path.display())))
}
