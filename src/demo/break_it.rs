//! `payout demo break FAULT|off`: sets or clears a fault in the sandbox of a running demo.

use anyhow::{Context, Result, ensure};

use super::stage::SANDBOX_ADDRESS;

/// Options of `payout demo break`.
#[derive(Clone, Debug, clap::Args)]
pub struct BreakOptions {
    /// The name of a fault, or off.
    pub fault: String,
    /// The sandbox's address, as the demo shows it.
    #[arg(long, value_name = "URL", default_value_t = format!("http://{SANDBOX_ADDRESS}"))]
    pub sandbox: String,
}

/// Sets the fault in the sandbox.
pub async fn break_it(options: BreakOptions) -> Result<()> {
    // An `Err` means that a provider is already installed, which is fine.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let BreakOptions { fault, sandbox } = options;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let request = client.post(format!("{sandbox}/admin/fault")).body(fault);
    let answer = request.send().await.with_context(|| {
        format!("no sandbox answers at {sandbox}: start `payout demo` first, or give --sandbox")
    })?;
    let accepted = answer.status().is_success();
    let text = answer.text().await?;
    ensure!(accepted, "the sandbox refused: {}", text.trim());
    println!("{text}");
    Ok(())
}
