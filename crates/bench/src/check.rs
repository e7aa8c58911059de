//! The check at the end of every run: figures of a worker that pays twice or loses a payout mean nothing.

use anyhow::{Context, Result, ensure};
use sqlx::{PgConnection, Row};

use crate::{
    cases::Case,
    enqueue::share_of_client,
    gateway::Report,
    order::{AMOUNT_IDR, FEE_IDR, merchant_code, merchant_of, order_num},
    sql::execute,
    stage::{FUNDS_IDR, Stage},
    worker::post,
};

/// What can be broken before the check, to show that the check notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Spoil {
    /// The gateway receives the first order once more.
    Duplicate,
    /// The last order disappears.
    Lost,
    /// One rupiah of the balance becomes a fee.
    Rupiah,
}

/// Breaks what is to be broken.
pub(crate) async fn spoil(
    spoil: Option<Spoil>,
    stage: &Stage,
    db: &mut PgConnection,
) -> Result<()> {
    let statement = match spoil {
        None => return Ok(()),
        Some(Spoil::Duplicate) => {
            let body = serde_json::json!({ "orderNum": order_num(0) });
            post(stage.gateway_at, "/gateway/cash", &body).await?;
            return Ok(());
        }
        Some(Spoil::Lost) => {
            "delete from payout.payouts where order_num = (select max(order_num) from payout.payouts)"
        }
        Some(Spoil::Rupiah) => {
            "update payout.accounts set available = available - 1, fees = fees + 1"
        }
    };
    take_replicated(db).await?;
    // As a replica, which runs no other trigger.
    execute(db, "set session_replication_role = replica").await?;
    execute(db, statement).await?;
    execute(db, "reset session_replication_role").await
}

/// Lets rows come in past every guard, as those of a replica.
pub(crate) async fn take_replicated(db: &mut PgConnection) -> Result<()> {
    execute(
        db,
        "do $$ declare guarded regclass; begin
             for guarded in select tgrelid from pg_trigger where tgname = 'refuse_replicated' loop
                 execute format('alter table %s disable trigger refuse_replicated', guarded);
             end loop;
         end $$",
    )
    .await
}

/// Fails on a duplicate send, a payout that is not paid, or books that are off by a rupiah.
///
/// So many `orders` were enqueued to be sent, besides the backlog and the history.
pub(crate) async fn all_is_right(
    db: &mut PgConnection,
    case: &Case,
    orders: usize,
    seen: &Report,
) -> Result<()> {
    ensure!(
        seen.duplicates.is_empty(),
        "submitted twice: {:?}",
        seen.duplicates
    );
    ensure!(
        seen.unknown_submits == 0,
        "{} submits of orders that nobody enqueued",
        seen.unknown_submits
    );
    let sent: Vec<usize> = (0..)
        .zip(&seen.submitted_at_us)
        .filter(|(_, at)| **at > 0)
        .map(|(number, _)| number)
        .collect();
    ensure!(
        sent.len() >= orders,
        "{} of {orders} payouts were submitted",
        sent.len()
    );
    let paid = count(db, "paid").await?;
    let queued = count(db, "queued").await?;
    let enqueued = orders.saturating_add(case.backlog);
    let paid_now = paid.saturating_sub(case.history);
    ensure!(
        paid_now == sent.len() && paid_now.saturating_add(queued) == enqueued,
        "{} submitted, {paid_now} paid, {queued} of {enqueued} queued: something is lost",
        sent.len()
    );
    for merchant in 0..case.merchants {
        let of_merchant = |number: &&usize| merchant_of(**number, case.merchants) == merchant;
        let mut payouts = sent.iter().filter(of_merchant).count();
        if merchant == 0 {
            payouts = payouts.saturating_add(case.history);
        }
        books_are_right(db, &merchant_code(merchant), i64::try_from(payouts)?).await?;
    }
    Ok(())
}

/// The same for a case that only enqueues.
pub(crate) async fn all_is_queued(
    db: &mut PgConnection,
    case: &Case,
    clients: usize,
) -> Result<()> {
    let inserted = share_of_client(case, clients).saturating_mul(clients);
    let queued = count(db, "queued").await?;
    let noted: i64 =
        sqlx::query_scalar("select count(*) from payout.history where event = 'enqueued'")
            .fetch_one(&mut *db)
            .await?;
    ensure!(
        queued == inserted && usize::try_from(noted)? == inserted,
        "{inserted} inserted, {queued} queued, {noted} in the history: something is lost"
    );
    for merchant in 0..case.merchants {
        books_are_right(db, &merchant_code(merchant), 0).await?;
    }
    Ok(())
}

async fn count(db: &mut PgConnection, state: &str) -> Result<usize> {
    let count: i64 = sqlx::query_scalar("select count(*) from payout.payouts where state = $1")
        .bind(state)
        .fetch_one(db)
        .await?;
    Ok(usize::try_from(count)?)
}

/// What the accounts say after so many payments, and that the ledger's entries say the same.
async fn books_are_right(db: &mut PgConnection, merchant_code: &str, payments: i64) -> Result<()> {
    let accounts = sqlx::query(
        "select sum(balance)::bigint as sum,
                sum(balance) filter (where account = 'available')::bigint as available,
                sum(balance) filter (where account = 'held')::bigint as held,
                sum(balance) filter (where account = 'fees')::bigint as fees
         from payout.balances where merchant_code = $1",
    );
    let ledger = sqlx::query(
        "select sum(available + held + paid_out + fees + funding)::bigint as sum, sum(available)::bigint as available,
                sum(held)::bigint as held, sum(fees)::bigint as fees
         from payout.ledger where merchant_code = $1",
    );
    for (what, statement) in [("accounts", accounts), ("ledger", ledger)] {
        let row = statement.bind(merchant_code).fetch_one(&mut *db).await?;
        let of = |column| row.get::<i64, _>(column);
        let expected = FUNDS_IDR.saturating_sub(payments.saturating_mul(AMOUNT_IDR));
        ensure!(
            of("sum") == 0 && of("held") == 0,
            "{merchant_code}: the {what} sum to {}, and {} are held",
            of("sum"),
            of("held")
        );
        ensure!(
            of("available") == expected,
            "{merchant_code}: in the {what}, {} rupiah are available instead of {expected}",
            of("available")
        );
        ensure!(
            of("fees") == payments.saturating_mul(FEE_IDR),
            "{merchant_code}: in the {what}, {} rupiah are fees of {payments} payments",
            of("fees")
        );
    }
    Ok(())
}

/// A loaded payout and one that the worker paid have rows of the same kinds, with values in the same columns. Otherwise
/// the history would not weigh what a real one does.
pub(crate) async fn history_is_like_the_rest(db: &mut PgConnection) -> Result<()> {
    let mut shapes = Vec::new();
    for name in ["H00000000", "B00000000"] {
        let shape: Vec<String> = sqlx::query_scalar(SHAPE)
            .bind(name)
            .fetch_all(&mut *db)
            .await
            .with_context(|| format!("could not read payout {name}"))?;
        shapes.push(shape);
    }
    let [loaded, paid] = shapes.as_slice() else {
        anyhow::bail!("two payouts are compared");
    };
    ensure!(
        loaded == paid,
        "a loaded payout has {loaded:#?}, one that was paid has {paid:#?}"
    );
    Ok(())
}

/// One line per row about a payout: its table, what kind of row it is, and which columns have a value. Without its last
/// query, which the one that was just paid may still have before it.
const SHAPE: &str = "
    with rows (place, kind, content) as (
        select 1, p.state, to_jsonb(p) from payout.payouts p where p.order_num = $1
        union all
        select 2, a.outcome, to_jsonb(a) from payout.attempts a where a.order_num = $1
        union all
        select 3, e.source || ' ' || e.kind, to_jsonb(e) from payout.evidence e where e.order_num = $1 and e.source <> 'query'
        union all
        select 4, concat_ws(' ', h.event, h.from_state, h.to_state, h.source), to_jsonb(h)
        from payout.history h where h.order_num = $1
        union all
        select 5, l.kind, to_jsonb(l) from payout.ledger l where l.order_num = $1
        union all
        select 6, 'order_num', to_jsonb(n) from payout.order_nums n where n.order_num = $1
    )
    select concat_ws(': ', place, kind, (select string_agg(c.key, ' ' order by c.key) from jsonb_each(content) c
                                         where c.value <> 'null' and c.key not in ('next_query_at', 'later_look')))
    from rows order by 1";
