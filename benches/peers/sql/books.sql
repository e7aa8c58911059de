-- The books of a careful user: payouts, one account per merchant, and a ledger whose entries sum to zero.
create schema peer;

create table peer.accounts (
    merchant_code text primary key,
    available bigint not null check (available >= 0),
    held bigint not null default 0 check (held >= 0),
    paid_out bigint not null default 0,
    fees bigint not null default 0
);

create table peer.payouts (
    id bigint generated always as identity primary key,
    merchant_code text not null references peer.accounts,
    order_num text not null,
    amount bigint not null check (amount > 0),
    -- 0: the fee comes out of the amount; 1: it is charged on top (protocol P22).
    fee_type smallint not null check (fee_type in (0, 1)),
    bank_code text not null,
    account_number text not null,
    account_name text not null,
    description text not null,
    state text not null default 'queued' check (state in ('queued', 'submitting', 'submitted', 'paid', 'failed')),
    -- Rupiah held while the payout is open.
    held bigint,
    fee bigint,
    platform_ref text,
    -- Set while the payout is open: when its status is queried, if no callback came before.
    next_query_at timestamptz,
    unique (merchant_code, order_num)
);
create index payouts_to_query on peer.payouts (next_query_at) where next_query_at is not null;

create table peer.ledger (
    id bigint generated always as identity primary key,
    payout_id bigint not null references peer.payouts,
    entry text not null check (entry in ('hold', 'hold fee', 'capture', 'release')),
    available bigint not null,
    held bigint not null,
    paid_out bigint not null default 0,
    fees bigint not null default 0,
    check (available + held + paid_out + fees = 0)
);
