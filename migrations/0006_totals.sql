-- Totals for metrics and reports: how many payouts took each step, and their rupiah, since the beginning.
--
-- A roll-up of the history that the worker's snapshot moves on. Not kept by a trigger: a row per merchant that
-- every transaction updates would make them wait for each other. Not counted anew: that reads every payout there is.
-- Derived: after `update payout.totals_cursor set folded_seq = 0` and `delete from payout.totals` it is made again.

create table payout.totals (
    merchant_code text collate "C" not null references payout.merchants,
    step          text collate "C" not null,
    payouts       bigint not null default 0,
    rupiah        bigint not null default 0,
    late          bigint not null default 0,  -- of payouts: settled more than ten minutes after they could go out
    primary key (merchant_code, step),
    constraint step_is_known check (step in ('enqueued', 'paid', 'failed', 'cancelled', 'returned'))
);

-- Up to where the history is in the totals; one row, whose lock is the right to go on.
create table payout.totals_cursor (
    the_only_one boolean primary key default true,
    folded_seq   bigint not null default 0,
    constraint there_is_one check (the_only_one)
);

insert into payout.totals_cursor default values;

grant select, insert, update on payout.totals to payout_worker;
grant select, update on payout.totals_cursor to payout_worker;
grant select on payout.totals to payout_reader, payout_operator;
