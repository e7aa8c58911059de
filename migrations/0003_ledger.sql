-- The money: fee arithmetic, the ledger, its sums, the gateway's balance and the totals.

-- The fee arithmetic (protocol P22), defined once: fee_type 0 takes the fee out of the amount, fee_type 1 charges it on
-- top. The same as `FeeType` in crates/domain/src/money.rs; the test that compares them is
-- `the_fee_arithmetic_of_the_database_is_that_of_the_program` in tests/it/policy.rs.

-- The amount that a claim holds: the payout's amount, plus the fee reserve if the fee is on top.
create function payout.hold_idr(amount numeric, fee_type smallint, fee_reserve bigint) returns bigint
language sql immutable parallel safe
return amount::bigint + case fee_type when 1 then fee_reserve else 0 end;

-- The amount debited from the merchant; null while a fee on top is unknown.
create function payout.debit_idr(amount numeric, fee_type smallint, fee bigint) returns bigint
language sql immutable parallel safe
return case fee_type when 0 then amount::bigint else amount::bigint + fee end;

-- The amount that the beneficiary receives; null while a fee out of the amount is unknown.
create function payout.beneficiary_idr(amount numeric, fee_type smallint, fee bigint) returns bigint
language sql immutable parallel safe
return case fee_type when 1 then amount::bigint else amount::bigint - fee end;

-- The day in WIB, by which finance counts.
create function payout.wib_day(at timestamptz) returns date
language sql immutable parallel safe
return (at at time zone interval '7 hours')::date;

-- Whether the gateway may have charged this fee.
create function payout.is_plausible_fee(amount numeric, fee_type smallint, fee bigint, fee_reserve bigint) returns boolean
language sql stable security definer set search_path = pg_catalog, payout, pg_temp
return fee between 0 and (select greatest(div(amount * x.plausible_fee_percent, 100), x.plausible_fee_idr, fee_reserve)
                          from payout.policy x)
   and (fee_type = 1 or fee < amount);

-- Double entry: each row is one entry, and its five postings sum to zero.
create table payout.ledger (
    id            bigint generated always as identity primary key,
    xid           bigint not null default payout.current_xid(),
    at            timestamptz not null default clock_timestamp(),
    merchant_code text collate "C" not null,  -- its account refers to payout.merchants
    kind          text not null,
    order_num     text collate "C",
    attempt       int,
    available     bigint not null default 0,
    held          bigint not null default 0,
    paid_out      bigint not null default 0,
    fees          bigint not null default 0,
    funding       bigint not null default 0,  -- where the money came from; never positive in total
    reference     text,
    funded_by     text,  -- of funding: a person's act, or the balance that the gateway stated
    forced        boolean not null default false,  -- evidence forces it even if the balance does not cover it
    actor         text not null default session_user,
    constraint postings_sum_to_zero check (available + held + paid_out + fees + funding = 0),
    constraint kind_is_known check (kind in ('hold', 'capture', 'release', 'return', 'late_capture',
                                             'fee_known', 'fee_corrected', 'funding')),
    constraint entry_of_a_payout_or_funding check ((order_num is null) = (kind = 'funding')),
    constraint entry_has_a_payout foreign key (merchant_code, order_num) references payout.payouts,
    constraint funding_has_an_origin
        check ((kind = 'funding') = (funded_by is not null) and funded_by in ('person', 'gateway')),
    constraint funding_has_a_reference check (kind <> 'funding' or coalesce(length(reference), 0) between 1 and 64)
);

-- In whatever case: a transfer's number is copied by hand.
create unique index funded_once_by_reference on payout.ledger (merchant_code, funded_by, lower(reference))
    where kind = 'funding';
create unique index held_once_per_attempt on payout.ledger (merchant_code, order_num, attempt) where kind = 'hold';
create unique index settled_once_per_attempt on payout.ledger (merchant_code, order_num, attempt)
    where kind in ('capture', 'release');
-- For reports: entries are appended in the order of time, so a summary of each few pages finds a month, and an insert costs
-- next to nothing.
create index ledger_by_time on payout.ledger using brin (at) with (pages_per_range = 32, autosummarize = on);
-- What failed, for the same.
create index released on payout.ledger (at) where kind = 'release';
create index funding_of_merchant on payout.ledger (merchant_code, at) where kind = 'funding';
create index funded_by_people on payout.ledger (at) where funded_by = 'person';
create index ledger_of_payout on payout.ledger (merchant_code, order_num);
-- Only for queries that say `id > 0`. While the table was small, or its statistics are old, the planner would take it for
-- one payout's entries as well, and read all of the merchant's.
create index ledger_of_merchant on payout.ledger (merchant_code, id) where id > 0;

-- The sums of the ledger, maintained by its trigger.
create table payout.accounts (
    merchant_code text collate "C" primary key references payout.merchants,
    available     bigint not null default 0,
    held          bigint not null default 0,
    paid_out      bigint not null default 0,
    fees          bigint not null default 0,
    funding       bigint not null default 0,
    -- For crates/domain/src/surplus.rs; they only rise.
    spent         bigint not null default 0,  -- all that ever left the books
    regained      bigint not null default 0,  -- all that failed, came back, or people booked: the gateway may give it later
    constraint accounts_sum_to_zero check (available + held + paid_out + fees + funding = 0),
    constraint held_is_not_negative check (held >= 0)
);

-- The sums of older entries, 100 000 numbers at a time, kept by the workers so that comparing the accounts with the ledger
-- need not read all of it. They can be rebuilt: `delete from payout.ledger_sums`, `delete from payout.day_sums` and
-- `update payout.ledger_sums_cursor set summed_below = 1`.
create table payout.ledger_sums (
    from_id       bigint not null,  -- the first number of the piece
    merchant_code text collate "C" not null references payout.merchants,
    available     bigint not null,
    held          bigint not null,
    paid_out      bigint not null,
    fees          bigint not null,
    funding       bigint not null,
    read_at       timestamptz not null default now(),  -- when the piece was last added up
    primary key (from_id, merchant_code)
);

-- What the entries of each piece came to, by day, merchant and bank, in the terms of `payout.movements`: a report over months
-- need not read them again.
create table payout.day_sums (
    from_id           bigint not null,  -- the first number of the piece
    merchant_code     text collate "C" not null references payout.merchants,
    day               date not null,    -- in Jakarta
    bank_code         text not null,    -- empty for entries without a payout
    paid              bigint not null,  -- payouts that took this step
    failed            bigint not null,
    payouts_returned  bigint not null,
    gross             bigint not null,
    fee               bigint not null,
    fee_out_of_amount bigint not null,  -- of `fee`, that of payouts with fee_type 0
    fee_on_top        bigint not null,  -- and with fee_type 1
    net               bigint not null,
    debit             bigint not null,
    top_up            bigint not null,
    returned          bigint not null,
    available         bigint not null,
    held              bigint not null,
    primary key (from_id, merchant_code, day, bank_code)
);

-- How far the sums reach. One row; its lock is the right to keep sums.
create table payout.ledger_sums_cursor (
    the_only_one   boolean primary key default true,
    summed_below   bigint not null default 1,   -- every entry with a lower number is in a sum
    complete_up_to bigint not null default 0,   -- up to this number no entry can appear any more
    seen_id        bigint not null default 0,   -- the highest number at seen_at, complete once what ran then has ended
    seen_xid       bigint not null default 0,   -- every transaction that ran at seen_at has a lower number
    seen_at        timestamptz not null default '-infinity',
    constraint there_is_one check (the_only_one)
);

insert into payout.ledger_sums_cursor default values;

-- The last balance that the gateway stated.
create table payout.gateway_balance (
    merchant_code text collate "C" primary key references payout.merchants,
    balance       bigint not null,
    frozen        bigint not null,
    pending       bigint not null,
    signed        boolean not null,
    read_at       timestamptz not null default now(),  -- readings within a second count as one, and leave this as it is
    ledger_id     bigint not null, -- the last ledger entry when it was read
    booked        bigint not null default 0,  -- what was booked because of it, as an entry behind that one
    unchanged_since timestamptz not null default now(),  -- since when the gateway and the ledger have said the same
    -- What the readings have shown; see crates/domain/src/surplus.rs.
    spent          bigint not null default 0,      -- payout.accounts.spent when it was read
    regained       bigint not null default 0,      -- the same of payout.accounts.regained
    at_most        bigint not null default 9223372036854775807,  -- the surplus, what was held, and all that is unrefunded
    undebited      bigint[] not null default '{0}',  -- what left the books, per minute, and may not be debited yet
    unrefunded     bigint[] not null default '{0}',  -- what the books had back, per minute, and the gateway may not
    lowest_surplus bigint not null default -9223372036854775808,  -- of this minute: what nothing but new money explains
    window_began   timestamptz not null default now(),
    surplus_since  timestamptz,                    -- since when each reading has had such a surplus
    constraint stated_balance_is_plausible
        check (balance between 0 and 1000000000000000 and frozen between 0 and 1000000000000000
               and pending between 0 and 1000000000000000)  -- policy.max_balance_idr
);

-- The last balance that the gateway stated on each day in WIB, for reports of months that have passed.
create table payout.daily_balances (
    merchant_code text collate "C" not null references payout.merchants,
    day           date not null,
    stated        bigint not null,  -- its balance + frozen
    difference    bigint not null,  -- stated less our available + held, once what was booked because of it is counted
    read_at       timestamptz not null,
    primary key (merchant_code, day)
);

-- Merchants whose gateway states a balance that cannot be true, until it states a plausible one.
create table payout.refused_balances (
    merchant_code text collate "C" primary key references payout.merchants,
    times         bigint not null default 1,
    first_at      timestamptz not null default now(),
    last_at       timestamptz not null default now()
);

-- Totals for metrics and reports: how many payouts took each step, and their rupiah, since the beginning.
--
-- The worker's snapshot adds new history to them. They are not maintained by a trigger, because transactions would wait
-- for each other on one row per merchant. They are not counted each time, because that would read every payout. They
-- can be rebuilt: `update payout.totals_cursor set folded_seq = 0` and `delete from payout.totals`.

create table payout.totals (
    merchant_code text collate "C" not null references payout.merchants,
    bank_code     text collate "C" not null default 'other',  -- payout.bank_label()
    step          text collate "C" not null,
    payouts       bigint not null default 0,
    rupiah        bigint not null default 0,  -- gross: the instructed amounts
    fee           bigint not null default 0,  -- of what was paid, with later corrections
    net           bigint not null default 0,  -- what beneficiaries received, or gave back
    late          bigint not null default 0,  -- how many were settled more than policy.late_after after they could be sent
    primary key (merchant_code, bank_code, step),
    constraint step_is_known check (step in ('enqueued', 'paid', 'failed', 'cancelled', 'returned'))
);

-- How much of the history the totals contain. One row; its lock is the right to add more.
create table payout.totals_cursor (
    the_only_one boolean primary key default true,
    folded_seq   bigint not null default 0,
    constraint there_is_one check (the_only_one)
);

insert into payout.totals_cursor default values;
