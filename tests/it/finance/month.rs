//! A month of finished payouts, written past the guards as `tests/it/plans` does, and what it must come to: summed up from
//! what happened, not from the ledger.

use std::{collections::BTreeMap, fmt::Write as _};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::support::database::{Database, MERCHANT};

/// October 2026, in WIB. Payouts happen from September to November.
pub(super) const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 10, 1).unwrap();
pub(super) const LAST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 10, 31).unwrap();
/// Over 34 days, so that both ends of the month are among them.
const PAYOUTS: i64 = 2_000;
const BANKS: [&str; 5] = ["014", "008", "002", "10002", "98765"];
const FEE_RESERVE: i64 = 10_000;
/// What the database itself funds a test's merchant with, today.
const FUNDED_TODAY: i64 = 10_000_000_000;

/// What a day comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) paid: i64,
    pub(super) failed: i64,
    pub(super) returned: i64,
    pub(super) gross: i64,
    pub(super) fee_out_of_amount: i64,
    pub(super) fee_on_top: i64,
    pub(super) net: i64,
    pub(super) debit: i64,
    pub(super) came_back: i64,
    pub(super) top_ups: i64,
}

impl Sums {
    fn columns(&mut self) -> [&mut i64; 10] {
        [
            &mut self.paid,
            &mut self.failed,
            &mut self.returned,
            &mut self.gross,
            &mut self.fee_out_of_amount,
            &mut self.fee_on_top,
            &mut self.net,
            &mut self.debit,
            &mut self.came_back,
            &mut self.top_ups,
        ]
    }

    pub(super) fn plus(mut self, mut other: Self) -> Self {
        for (sum, more) in self.columns().into_iter().zip(other.columns()) {
            *sum += *more;
        }
        self
    }

    pub(super) fn all_happened(mut self) -> bool {
        self.columns().into_iter().all(|sum| *sum != 0)
    }
}

/// What was loaded.
#[derive(Default)]
pub(super) struct Month {
    days: BTreeMap<NaiveDate, Sums>,
    failed_gross: BTreeMap<NaiveDate, i64>,
    /// By how much `available` changed.
    available: BTreeMap<NaiveDate, i64>,
    payouts: usize,
    /// Rows as SQL has them.
    rows: [String; 3],
}

/// One payout while it is made up.
struct Payout {
    number: i64,
    order_num: String,
    amount: i64,
    on_top: bool,
}

fn day(at: DateTime<Utc>) -> NaiveDate {
    (at + TimeDelta::hours(7)).date_naive()
}

impl Month {
    pub(super) async fn load(database: &Database) -> Self {
        let mut month = Self::default();
        let begin: DateTime<Utc> = "2026-09-29T17:00:00Z".parse().unwrap();
        let apart = TimeDelta::days(34) / i32::try_from(PAYOUTS).unwrap();
        for number in 0..PAYOUTS {
            let at = begin + apart * i32::try_from(number).unwrap();
            month.payout(number, at, at + TimeDelta::minutes(number % 90));
        }
        // The first and the last moment of the month, and the first after it.
        for (number, end) in [
            (0, "2026-09-30T17:00:00Z"),
            (5, "2026-10-31T16:59:59.999999Z"),
            (10, "2026-10-31T17:00:00Z"),
        ] {
            let end: DateTime<Utc> = end.parse().unwrap();
            month.payout(PAYOUTS + number, end - TimeDelta::minutes(1), end);
        }
        for at in [
            "2026-09-29T16:00:00Z",
            "2026-10-14T17:00:00Z",
            "2026-10-31T16:59:59Z",
            "2026-11-01T03:00:00Z",
        ] {
            month.top_up(at);
        }
        month.top_ups_by_the_database();
        for (number, hours) in [(0, 0), (1, 3), (2, 12), (3, 50), (4, 100)] {
            month.open(number, Utc::now() - TimeDelta::hours(hours));
        }
        month.write(database).await;
        month
    }

    /// Every kind of payout in turn; `number % 2` is its fee type within each kind.
    fn payout(&mut self, number: i64, claimed: DateTime<Utc>, end: DateTime<Utc>) {
        let payout = Payout {
            number,
            order_num: format!("N{number}"),
            amount: 20_000 + 7 * number,
            on_top: number % 2 == 1,
        };
        let kind = number / 2 % 10;
        if kind == 9 {
            self.row(&payout, "cancelled", None, end);
            self.line(&payout, "withdrawn", Some("cancelled"), end, 4);
            return;
        }
        let hold = payout.amount + if payout.on_top { FEE_RESERVE } else { 0 };
        self.line(&payout, "enqueued", None, claimed, 1);
        self.entry(&payout, "hold", claimed, [-hold, hold, 0, 0], 1);
        let later = end + TimeDelta::hours(30);
        match kind {
            0 => self.fails(&payout, hold, end, None),
            1 => self.fails(&payout, hold, end, Some(later)),
            2 => {
                self.pays(&payout, "capture", hold, Some(2_500), end, 1);
                self.comes_back(&payout, 2_500, later);
                self.row(&payout, "returned", Some(2_500), end);
            }
            // The fee is stated a day later.
            3 => {
                self.pays(&payout, "capture", hold, None, end, 1);
                let left = if payout.on_top { FEE_RESERVE } else { 0 };
                self.fee_becomes(&payout, "fee_known", left, 0, 3_000, later);
                self.row(&payout, "paid", Some(3_000), end);
            }
            // It is corrected twice, in one transaction.
            4 => {
                self.pays(&payout, "capture", hold, Some(2_500), end, 1);
                self.fee_becomes(&payout, "fee_corrected", 0, 2_500, 4_000, later);
                self.fee_becomes(&payout, "fee_corrected", 0, 4_000, 1_000, later);
                self.row(&payout, "paid", Some(1_000), end);
            }
            _ => {
                let fee = 2_500 + number % 3;
                self.pays(&payout, "capture", hold, Some(fee), end, 1);
                self.row(&payout, "paid", Some(fee), end);
            }
        }
    }

    fn fails(
        &mut self,
        payout: &Payout,
        hold: i64,
        at: DateTime<Utc>,
        paid_after_all: Option<DateTime<Utc>>,
    ) {
        self.entry(payout, "release", at, [hold, -hold, 0, 0], 1);
        self.line(payout, "reported_failed", Some("failed"), at, 1);
        self.days.entry(day(at)).or_default().failed += 1;
        *self.failed_gross.entry(day(at)).or_default() += payout.amount;
        if let Some(later) = paid_after_all {
            self.pays(payout, "late_capture", 0, Some(2_000), later, 2);
            self.row(payout, "paid", Some(2_000), later);
        } else {
            self.row(payout, "failed", None, at);
        }
    }

    fn pays(
        &mut self,
        payout: &Payout,
        kind: &str,
        held: i64,
        fee: Option<i64>,
        at: DateTime<Utc>,
        xid: i64,
    ) {
        let known = fee.unwrap_or(0);
        let (net, debit) = if payout.on_top {
            (payout.amount, payout.amount + known)
        } else {
            (payout.amount - known, payout.amount)
        };
        let kept = if payout.on_top && fee.is_none() {
            FEE_RESERVE
        } else {
            0
        };
        self.entry(
            payout,
            kind,
            at,
            [held - debit - kept, kept - held, net, known],
            xid,
        );
        self.line(payout, "reported_paid", Some("paid"), at, xid);
        let sums = self.days.entry(day(at)).or_default();
        sums.paid += 1;
        sums.gross += payout.amount;
        sums.net += net;
        sums.debit += debit;
        *if payout.on_top {
            &mut sums.fee_on_top
        } else {
            &mut sums.fee_out_of_amount
        } += known;
    }

    fn comes_back(&mut self, payout: &Payout, fee: i64, at: DateTime<Utc>) {
        let net = if payout.on_top {
            payout.amount
        } else {
            payout.amount - fee
        };
        self.entry(payout, "return", at, [net, 0, -net, 0], 2);
        self.line(payout, "resolved_returned", Some("returned"), at, 2);
        let sums = self.days.entry(day(at)).or_default();
        sums.returned += 1;
        sums.came_back += net;
    }

    fn fee_becomes(
        &mut self,
        payout: &Payout,
        kind: &str,
        held: i64,
        from: i64,
        to: i64,
        at: DateTime<Utc>,
    ) {
        let more = to - from;
        let sums = self.days.entry(day(at)).or_default();
        if payout.on_top {
            sums.fee_on_top += more;
            sums.debit += more;
            self.entry(payout, kind, at, [held - more, -held, 0, more], 2);
        } else {
            sums.fee_out_of_amount += more;
            sums.net -= more;
            self.entry(payout, kind, at, [0, 0, -more, more], 2);
        }
        self.line(payout, "fee_corrected", None, at, 2);
    }

    fn top_up(&mut self, at: &str) {
        let idr = 500_000_000;
        let at: DateTime<Utc> = at.parse().unwrap();
        self.days.entry(day(at)).or_default().top_ups += idr;
        *self.available.entry(day(at)).or_default() += idr;
        write!(
            self.rows[2],
            ",\n(1, '{at}', '{MERCHANT}', 'funding', null, null, {idr}, 0, 0, 0, -{idr}, '{at}', 'person')"
        )
        .unwrap();
    }

    fn top_ups_by_the_database(&mut self) {
        let today = day(Utc::now());
        self.days.entry(today).or_default().top_ups += FUNDED_TODAY;
        *self.available.entry(today).or_default() += FUNDED_TODAY;
    }

    fn open(&mut self, number: i64, at: DateTime<Utc>) {
        let payout = Payout {
            number,
            order_num: format!("OPEN{number}"),
            amount: 1_000 + number,
            on_top: false,
        };
        self.row(&payout, "queued", None, at);
        self.line(&payout, "enqueued", None, at, 1);
    }

    fn row(&mut self, payout: &Payout, state: &str, fee: Option<i64>, at: DateTime<Utc>) {
        self.payouts += 1;
        let Payout {
            number,
            order_num,
            amount,
            on_top,
        } = payout;
        let bank = BANKS[usize::try_from(*number).unwrap() / 3 % BANKS.len()];
        let fee = fee.map_or("null".to_owned(), |fee| fee.to_string());
        let settled = if state == "queued" {
            "null".to_owned()
        } else {
            format!("'{at}'")
        };
        let reason = if state == "failed" {
            ["'Failed'", "'Cancelled'", "null"][usize::try_from(number / 40 % 3).unwrap()]
        } else {
            "null"
        };
        let fee_type = i32::from(*on_top);
        write!(
            self.rows[0],
            ",\n('{MERCHANT}', '{order_num}', '{state}', {amount}, {fee_type}, '{bank}', '0012345678', 'Siti Rahayu', '{at}', \
             '{at}', {fee}, {reason}, {settled})"
        )
        .unwrap();
    }

    /// All of a payout's transactions of one kind have one number.
    fn line(
        &mut self,
        payout: &Payout,
        event: &str,
        to: Option<&str>,
        at: DateTime<Utc>,
        xid: i64,
    ) {
        let to = to.map_or("null".to_owned(), |to| format!("'{to}'"));
        let from = if to == "null" { "null" } else { "'pending'" };
        let order = &payout.order_num;
        write!(self.rows[1], ",\n({xid}, '{MERCHANT}', '{order}', '{at}', '{event}', {from}, {to}, 'query', 'payout')").unwrap();
    }

    fn entry(
        &mut self,
        payout: &Payout,
        kind: &str,
        at: DateTime<Utc>,
        postings: [i64; 4],
        xid: i64,
    ) {
        let [available, held, paid_out, fees] = postings;
        let attempt = if kind == "late_capture" { 2 } else { 1 };
        *self.available.entry(day(at)).or_default() += available;
        let order = &payout.order_num;
        write!(
            self.rows[2],
            ",\n({xid}, '{at}', '{MERCHANT}', '{kind}', '{order}', {attempt}, {available}, {held}, {paid_out}, {fees}, 0, null, null)"
        )
        .unwrap();
    }

    async fn write(&self, database: &Database) {
        let [payouts, lines, entries] = self
            .rows
            .each_ref()
            .map(|rows| rows.trim_start_matches(','));
        database
            .run(&format!(
                "begin;
                 set local session_replication_role = replica;
                 insert into payout.payouts (merchant_code, order_num, state, amount, fee_type, bank_code, account_number,
                                             account_name, created_at, state_since, fee, failure_reason, settled_at)
                 values {payouts};
                 insert into payout.history (seq, merchant_code, order_num, at, event, from_state, to_state, source, actor)
                 select (v.xid << 20) + row_number() over (), v.merchant_code, v.order_num, v.at::timestamptz, v.event, v.from_state,
                        v.to_state, v.source, v.actor
                 from (values {lines}) v (xid, merchant_code, order_num, at, event, from_state, to_state, source, actor);
                 insert into payout.ledger (xid, at, merchant_code, kind, order_num, attempt, available, held, paid_out, fees,
                                            funding, reference, funded_by)
                 values {entries};
                 update payout.accounts a
                 set available = s.available, held = s.held, paid_out = s.paid_out, fees = s.fees, funding = s.funding
                 from (select sum(l.available) available, sum(l.held) held, sum(l.paid_out) paid_out, sum(l.fees) fees,
                              sum(l.funding) funding from payout.ledger l) s;
                 commit"
            ))
            .await;
    }

    pub(super) fn payouts(&self) -> usize {
        self.payouts
    }

    pub(super) fn top_ups(&self) -> i64 {
        self.days.values().map(|sums| sums.top_ups).sum()
    }

    pub(super) fn of_day(&self, day: &str) -> Sums {
        let day: NaiveDate = day.parse().unwrap();
        self.of_days(day, day)
    }

    pub(super) fn of_days(&self, from: NaiveDate, to: NaiveDate) -> Sums {
        let days = self.days.range(from..=to).map(|(_, sums)| *sums);
        days.fold(Sums::default(), Sums::plus)
    }

    pub(super) fn failed_gross(&self, from: NaiveDate, to: NaiveDate) -> i64 {
        self.failed_gross.range(from..=to).map(|(_, idr)| idr).sum()
    }

    pub(super) fn available_before(&self, day: NaiveDate) -> i64 {
        self.available.range(..day).map(|(_, idr)| idr).sum()
    }
}
