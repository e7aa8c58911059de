//! What is open, by state, bank and age.

use payout_domain::{
    snapshot::{Age, MerchantBooks, Pile, Snapshot},
    state::State,
};
use sqlx::PgConnection;

use super::books_of;

/// Reads payouts that are not final, by state, bank and age, and counts broken invariants among them.
pub(super) async fn read(
    db: &mut PgConnection,
    snapshot: &mut Snapshot,
) -> Result<(), sqlx::Error> {
    let groups = groups(db).await?;
    let mut held = Vec::new();
    for group in groups {
        let Some(books) = books_of(snapshot, &group.merchant_code) else {
            continue;
        };
        let Ok(state) = group.state.parse::<State>() else {
            continue; // cannot happen: the query names the states
        };
        group.add_to(books, state);
        held.push((group.merchant_code, group.held));
    }
    for books in &mut snapshot.merchants {
        let open_held = held
            .iter()
            .filter(|(merchant_code, _)| *merchant_code == books.merchant_code)
            .fold(0_i64, |sum, (_, held)| sum.saturating_add(*held));
        // The account may hold more: a paid payout keeps its fee reserve until the fee is known.
        books.violations.held_not_covered = i64::from(open_held > books.accounts.held.idr());
    }
    Ok(())
}

/// The open payouts of one merchant that are in one state, go to one bank and are about equally old.
struct Group {
    merchant_code: String,
    state: String,
    bank: String,
    age: String,
    payouts: i64,
    rupiah: i64,
    oldest_at: Option<i64>,
    claimable: i64,
    claimable_rupiah: i64,
    claimable_since: Option<i64>,
    held: i64,
    sent_without_grant: i64,
    never_queried: i64,
    nothing_held: i64,
}

impl Group {
    fn add_to(&self, books: &mut MerchantBooks, state: State) {
        let pile = super::pile(self.payouts, self.rupiah, self.oldest_at);
        add(&mut books.open, state, pile);
        if let Ok(age) = self.age.parse::<Age>() {
            add(&mut books.open_by_age, age, pile);
        }
        add(&mut books.open_by_bank, (self.bank.clone(), state), pile);
        let claimable = super::pile(self.claimable, self.claimable_rupiah, self.claimable_since);
        books.claimable = books.claimable.plus(claimable);
        let violations = &mut books.violations;
        for (sum, more) in [
            (&mut violations.sent_without_grant, self.sent_without_grant),
            (&mut violations.never_queried, self.never_queried),
            (&mut violations.nothing_held, self.nothing_held),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}

fn add<K: PartialEq>(piles: &mut Vec<(K, Pile)>, key: K, more: Pile) {
    match piles.iter_mut().find(|(of, _)| *of == key) {
        Some((_, pile)) => *pile = pile.plus(more),
        None => piles.push((key, more)),
    }
}

async fn groups(db: &mut PgConnection) -> Result<Vec<Group>, sqlx::Error> {
    sqlx::query_as!(
        Group,
        r#"/* store::snapshot_open */
        select o.merchant_code as "merchant_code!", o.state as "state!", payout.bank_label(o.bank_code) as "bank!",
               o.age as "age!", o.payouts as "payouts!", o.rupiah as "rupiah!", o.oldest_at, o.claimable as "claimable!",
               o.claimable_rupiah as "claimable_rupiah!", o.claimable_since, o.held as "held!",
               o.sent_without_grant as "sent_without_grant!", o.never_queried as "never_queried!",
               o.nothing_held as "nothing_held!"
        from (
            select p.merchant_code, p.state, p.bank_code, a.age, count(*) as payouts, sum(p.amount)::bigint as rupiah,
                   extract(epoch from min(p.state_since))::bigint as oldest_at,
                   count(*) filter (where claimable) as claimable,
                   coalesce(sum(p.amount) filter (where claimable), 0)::bigint as claimable_rupiah,
                   extract(epoch from min(p.due_at) filter (where claimable))::bigint as claimable_since,
                   sum(p.held)::bigint as held,
                   count(*) filter (where p.sends - p.not_sent > 1 + p.resubmits_granted) as sent_without_grant,
                   count(*) filter (where p.state in ('pending', 'unknown') and p.next_query_at is null) as never_queried,
                   count(*) filter (where p.state <> 'queued' and p.held <= 0) as nothing_held
            from payout.payouts p
            cross join lateral (
                select p.state = 'queued' and not p.parked and p.due_at <= now()
                       and p.bank_code <> all (array(select z.value from payout.pauses z where z.scope = 'bank'))
                       as claimable) c
            cross join lateral (select payout.age_class(greatest(p.created_at, p.not_before)) as age) a
            where p.state in ('queued', 'submitting', 'pending', 'unknown')
            group by p.merchant_code, p.state, p.bank_code, a.age) o"#,
    )
    .fetch_all(db)
    .await
}
