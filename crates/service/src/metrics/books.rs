//! Publishes what the database says. Every series is set each time, so that what went to zero shows zero.

use payout_domain::snapshot::{BooksCheck, MerchantBooks, Pile, Snapshot};

use super::{INSTALLED, by_bank, labels, now_seconds, series, table};

/// Publishes a snapshot of the books. Also drains the histograms, which grow while nobody scrapes.
pub fn snapshot(snapshot: &Snapshot) {
    for books in &snapshot.merchants {
        series::of_merchant(&books.merchant_code);
        of_merchant(books);
    }
    for (count, oldest, pile) in [
        (
            table::UNMATCHED,
            table::UNMATCHED_OLDEST,
            snapshot.unmatched_callbacks,
        ),
        (table::PAUSES, table::PAUSES_OLDEST, snapshot.pauses),
        (
            table::APPROVALS,
            table::APPROVALS_OLDEST,
            snapshot.approvals,
        ),
    ] {
        count.set(&[], pile.count);
        oldest.set(&[], pile.oldest_at.unwrap_or(0));
    }
    table::NOTIFICATION_QUEUE.set(&[], snapshot.notification_queue_permille);
    table::CLOCK_JUMPS.set(&[], snapshot.clock_jumps);
    for (reader, since) in [
        ("events", snapshot.events_hidden_since),
        ("totals", snapshot.totals_missing_since),
    ] {
        table::READERS_BEHIND_SINCE.set(&[reader], since.unwrap_or(0));
    }
    table::SNAPSHOT_AT.set(&[], snapshot.read_at);
    table::SNAPSHOT_DURATION.set_seconds(&[], snapshot.took.as_secs_f64());
    if let Some(handle) = INSTALLED.get() {
        handle.run_upkeep();
    }
}

/// Publishes the result of `store::books::check_books`.
pub fn books_checked(checks: &[BooksCheck]) {
    for check in checks {
        series::of_merchant(&check.merchant_code);
        table::BOOKS_DIFFERENCE.set(&[&check.merchant_code], check.difference.idr());
    }
    table::BOOKS_CHECKED_AT.set(&[], now_seconds());
}

fn of_merchant(books: &MerchantBooks) {
    let merchant = books.merchant_code.as_str();
    for state in labels::open_states() {
        let found = books.open.iter().find(|(of, _)| of.name() == *state);
        let pile = found.map_or_else(Pile::default, |(_, pile)| *pile);
        table::OPEN_OLDEST.set(&[merchant, state], pile.oldest_at.unwrap_or(0));
    }
    for reason in labels::reasons() {
        let found = books.attention.iter().find(|(of, _)| of.name() == *reason);
        let pile = found.map_or_else(Pile::default, |(_, pile)| *pile);
        table::ATTENTION_PAYOUTS.set(&[merchant, reason], pile.count);
        table::ATTENTION_RUPIAH.set(&[merchant, reason], pile.rupiah.idr());
        table::ATTENTION_OLDEST.set(&[merchant, reason], pile.oldest_at.unwrap_or(0));
    }
    for (count, oldest, pile) in [
        (table::CLAIMABLE, table::CLAIMABLE_OLDEST, books.claimable),
        (
            table::QUERIES_DUE,
            table::QUERIES_DUE_OLDEST,
            books.queries_due,
        ),
        (
            table::LEASES_EXPIRED,
            table::LEASES_EXPIRED_OLDEST,
            books.leases_expired,
        ),
    ] {
        count.set(&[merchant], pile.count);
        oldest.set(&[merchant], pile.oldest_at.unwrap_or(0));
    }
    by_bank::publish(books);
    by_age(books);
    for (account, balance) in books.accounts.by_name() {
        table::LEDGER.set(&[merchant, account], balance.idr());
    }
    for (check, broken) in books.violations.by_name() {
        table::VIOLATIONS.set(&[merchant, check], broken);
    }
    gateway(books);
}

fn by_age(books: &MerchantBooks) {
    let merchant = books.merchant_code.as_str();
    for age in labels::ages() {
        let found = books.open_by_age.iter().find(|(of, _)| of.name() == *age);
        let pile = found.map_or_else(Pile::default, |(_, pile)| *pile);
        table::OPEN_AGE_PAYOUTS.set(&[merchant, age], pile.count);
        table::OPEN_AGE_RUPIAH.set(&[merchant, age], pile.rupiah.idr());
    }
}

fn gateway(books: &MerchantBooks) {
    let merchant = books.merchant_code.as_str();
    table::BALANCE_REFUSED_SINCE.set(&[merchant], books.balance_refused_since.unwrap_or(0));
    let Some(stated) = books.gateway else {
        for kind in labels::balance_kinds() {
            table::GATEWAY_BALANCE.set_unknown(&[merchant, kind]);
        }
        table::GATEWAY_DIFFERENCE.set_unknown(&[merchant]);
        table::GATEWAY_BALANCE_AT.set(&[merchant], 0);
        return;
    };
    for (kind, rupiah) in [
        ("available", stated.balance),
        ("frozen", stated.frozen),
        ("pending", stated.pending),
    ] {
        table::GATEWAY_BALANCE.set(&[merchant, kind], rupiah.idr());
    }
    table::GATEWAY_BALANCE_AT.set(&[merchant], stated.read_at);
    match stated.difference {
        Some(difference) => table::GATEWAY_DIFFERENCE.set(&[merchant], difference.idr()),
        None => table::GATEWAY_DIFFERENCE.set_unknown(&[merchant]),
    }
}
