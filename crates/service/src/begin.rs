//! What comes before a worker's loops: it looks where it is, and only at a registered address continues what a restore or
//! a stopped clock interrupted (I11).

use std::time::Duration;

use anyhow::Context;
use payout_config::Config;
use payout_store::{Store, clock, failover, reachable};
use tokio::time::sleep;

use super::{Unfit, fitness};
use crate::worker::witness::Witness;

/// How often a worker at an address that is not registered looks again.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Checks that a worker of this configuration fits the database, and begins if it reaches it by a registered address.
/// Otherwise nothing is written.
pub(super) async fn begin_if_registered(
    store: &Store,
    config: &Config,
) -> anyhow::Result<Option<Witness>> {
    reachable(&config.database.url)
        .await
        .context("the database cannot be reached")?;
    fitness::check(store.reach.unchecked(), config).await?;
    if !store.reach.look().await? {
        return Ok(None);
    }
    let send_window = config.submit.lease.saturating_sub(config.submit.timeout);
    let quiet = config.poll.quiet_horizon.saturating_add(send_window);
    failover::continue_seq(&store.results).await?;
    failover::register_identity(&store.results, quiet).await?;
    if clock::begin(&store.results).await? {
        tracing::warn!(
            "no worker has compared the database's clock for a while: how much time has passed is unknown, so the \
             quiet horizons restart"
        );
    }
    let key = failover::lineage(&store.results).await?;
    let witness = Witness::find(&config.witness_file, &key).map_err(Unfit)?;
    store.reach.open();
    Ok(Some(witness))
}

/// Waits until the address is registered, or leads to a database where it is, and begins then.
pub(super) async fn begin_once_registered(store: &Store, config: &Config) -> Witness {
    loop {
        sleep(LOOK_EVERY).await;
        match begin_if_registered(store, config).await {
            Ok(Some(witness)) => {
                store.reach.reopen();
                return witness;
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "could not begin to work; retrying"),
        }
    }
}
