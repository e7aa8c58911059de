//! `payout demo break FAULT|off`: sets or clears a fault in the sandbox of a running demo.

use anyhow::{Context, Result, bail};

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
    let client = reqwest::Client::builder().no_proxy().build()?;
    let answer = client
        .post(format!("{}/admin/fault", options.sandbox))
        .body(options.fault.clone())
        .send()
        .await
        .with_context(|| {
            format!(
                "no sandbox answers at {}: start `payout demo` first, or give --sandbox",
                options.sandbox
            )
        })?;
    let accepted = answer.status().is_success();
    let text = answer.text().await?;
    if !accepted {
        bail!("the sandbox refused: {}", text.trim());
    }
    println!("{text}");
    Ok(())
}
