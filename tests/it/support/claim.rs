//! One merchant's claim, as a worker makes it.

use payout_worker::permit::SubmitPermit;
use std::sync::Arc;

use payout_worker::store::claim::{
    self, ClaimError, ClaimOrder, Claimed, Granted, LastClaim, NotGranted, Terms,
};
use sqlx::PgPool;

use super::{database::MERCHANT, world::World};

/// What to claim for a merchant, and on which terms.
#[derive(Clone)]
pub(crate) struct Claim {
    pub(crate) terms: Terms,
    pub(crate) order: ClaimOrder,
}

/// Claims for one merchant.
pub(crate) async fn claim(pool: &PgPool, one: &Claim) -> Result<Claimed, ClaimError> {
    let orders = std::slice::from_ref(&one.order);
    let (mut claimed, _) = claim::claim(pool, &one.terms, orders).await?;
    assert_eq!(claimed.len(), 1);
    Ok(claimed.remove(0))
}

/// Claims an unknown payout once more.
pub(crate) async fn claim_resubmit(
    pool: &PgPool,
    one: &Claim,
    granted: &Granted,
) -> Result<(SubmitPermit, LastClaim), NotGranted> {
    claim::claim_resubmit(pool, &one.terms, &one.order, granted).await
}

/// The claim of a merchant that has the keys and the gateway of [`MERCHANT`].
pub(crate) fn order_of(world: &World, merchant: &str, payouts: usize) -> Claim {
    let Claim { terms, order } = world.claim_order(i32::try_from(payouts).unwrap());
    let seal = Arc::clone(&order.seal);
    let order = ClaimOrder {
        merchant_code: merchant.to_owned(),
        seal: Arc::new(move |instruction, now| {
            let mut instruction = instruction.clone();
            MERCHANT.clone_into(&mut instruction.key.merchant_code);
            seal(&instruction, now)
        }),
        ..order
    };
    Claim { terms, order }
}

/// Registers the merchant of a claim.
pub(crate) async fn register(world: &World, one: &Claim) {
    let order = &one.order;
    let register = format!(
        "insert into payout.merchants (code, dialect, balance_is_signed, not_found_is_proof, base_url, platform_keys)
         values ('{}', '{}', true, true, '{}', '{{{}}}')",
        order.merchant_code,
        order.dialect,
        order.base_url,
        order.platform_keys.join(",")
    );
    world.database.run(&register).await;
}
