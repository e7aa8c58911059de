//! `payout demo break FAULT|off`: sets or heals a fault of the sandbox of a running demo.

use anyhow::{Context, Result, bail};

use super::stage::SANDBOX_ADDRESS;

/// Options of `payout demo break`.
#[derive(Clone, Debug, clap::Args)]
pub struct BreakOptions {
    /// A fault's word, or off.
    pub fault: String,
    /// The sandbox's address, as the demo shows it.
    #[arg(long, value_name = "URL", default_value_t = format!("http://{SANDBOX_ADDRESS}"))]
    pub sandbox: String,
}

/// Tells the sandbox.
pub async fn break_it(options: BreakOptions) -> Result<()> {
    // An `Err` says that a provider is installed already.
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
    let good = answer.status().is_success();
    let text = answer.text().await?;
    if !good {
        bail!("the sandbox refused: {}", text.trim());
    }
    println!("{text}");
    Ok(())
}
