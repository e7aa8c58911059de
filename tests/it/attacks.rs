//! Attacks on the promise. Each test first removes a rule and shows the damage, then shows that the rule refuses the
//! attack or makes it harmless.
//!
//! An attack whose refusal is tested elsewhere shows only the damage here, and names that test.

mod claims;
mod copies;
mod durability;
mod evidence;
mod gateways;
mod sessions;
mod settings;
mod strangers;

use crate::support::world::World;

/// Makes one change that the guards of `table` forbid, with the guards disabled, as only a superuser can.
async fn without_guards(world: &World, table: &str, change: &str) {
    world
        .database
        .run(&format!(
            "alter table payout.{table} disable trigger user; {change};
             alter table payout.{table} enable trigger user"
        ))
        .await;
}

/// What a program does that treats a decline or a timeout as a failure: the payout fails and its money is released.
async fn believe_it_failed(world: &World, order_num: &str) {
    let change = format!(
        "insert into payout.ledger (merchant_code, kind, order_num, attempt, available, held)
         select merchant_code, 'release', order_num, attempt, held, -held
         from payout.payouts where order_num = '{order_num}';
         update payout.payouts
         set state = 'failed', held = 0, settled_at = now(), next_query_at = null, attention_reasons = '{{}}', attention_since = null
         where order_num = '{order_num}'"
    );
    without_guards(world, "payouts", &change).await;
}
