//! Open payouts that were inserted before a rule about the instruction, and break it.

use sqlx::PgPool;

/// How many of them a sentence names.
const NAMED_MAX: i32 = 20;

/// One sentence for each rule that open payouts break because it came after them.
pub(super) async fn open_against_newer_rules(pool: &PgPool) -> Result<Vec<String>, sqlx::Error> {
    let broken = sqlx::query!(
        r#"select /* store::open_against_newer_rules */ o.rule as "rule!", count(*) as "count!",
                  (array_agg(format('%s %s (%s)', o.merchant_code, o.order_num, o.state)
                             order by o.merchant_code, o.order_num))[:$1] as "named!"
           from payout.open_against_newer_rules() o group by o.rule order by o.rule"#,
        NAMED_MAX,
    )
    .fetch_all(pool)
    .await?;
    Ok(broken
        .iter()
        .map(|broken| sentence(&broken.rule, broken.count, &broken.named))
        .collect())
}

fn sentence(rule: &str, count: i64, named: &[String]) -> String {
    let named = named.join(", ");
    let dots = if count > i64::from(NAMED_MAX) {
        ", ..."
    } else {
        ""
    };
    format!(
        "rule {rule}: binds new payouts only; open older payouts that break it: {count}. They are sent and settled as they \
         are; cancel a queued one that must not be: {named}{dots}"
    )
}
