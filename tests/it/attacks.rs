//! Attacks on the promise. Each test first takes a rule away and shows the damage, and then that the rule refuses it
//! or makes it harmless.
//!
//! Attacks whose refusal has a test of its own elsewhere show only the damage here, and name that test.

mod claims;
mod durability;
mod evidence;
mod strangers;

use crate::support::world::World;

/// Changes what the guards of `table` forbid, as only a superuser can: the rule is gone for this one change.
async fn without_guards(world: &World, table: &str, change: &str) {
    world
        .database
        .run(&format!(
            "alter table payout.{table} disable trigger user; {change};
             alter table payout.{table} enable trigger user"
        ))
        .await;
}

/// What a program does that takes a refusal, or silence, for a failure: the payout is failed and its money free.
async fn believe_it_failed(world: &World, order_num: &str) {
    let change = format!(
        "insert into payout.ledger (merchant_code, kind, order_num, attempt, available, held)
         select merchant_code, 'release', order_num, attempt, held, -held
         from payout.payouts where order_num = '{order_num}';
         update payout.payouts
         set state = 'failed', held = 0, settled_at = now(), next_query_at = null, attention = null, attention_since = null
         where order_num = '{order_num}'"
    );
    without_guards(world, "payouts", &change).await;
}
