-- Who must agree to an act, and what becomes of it: effects, requests, approvals and pauses.
--
-- One person makes a request. Where the act takes two people, a second one approves it; otherwise the request is approved
-- as it is made. What concerns the gateway is carried out by a worker: to send again or to give up as failed, it queries
-- the gateway in the same step. It moves the payout only along payout.transition, and the guards accept such a move only
-- with its approved request. Everything else is carried out in the transaction of the approval.

-- What acts can do, and how many people must agree to it. The act follows from its effect, never the other way round.
create table payout.effect (
    name    text collate "C" primary key,
    people  int not null,
    meaning text not null,
    constraint one_or_two_people check (people in (1, 2))
);

insert into payout.effect (name, people, meaning) values
    ('moves_money',         2, 'frees or moves money that may have left'),
    ('sends_again',         2, 'sends an order number again that may have been sent'),
    ('adds_money',          2, 'adds money to the books, or takes it out, where the gateway''s own evidence does that'),
    ('hides_record',        2, 'hides or changes a record; no act does that'),
    ('registers_address',   2, 'lets workers claim in a database that they reach by a further address'),
    ('removes_address',     2, 'stops every worker that reaches the database by a registered address'),
    ('accepts_failover',    2, 'lets claims continue in a database that may have lost commits'),
    ('contradicts_gateway', 2, 'contradicts the gateway''s evidence, or comes before that evidence counts'),
    ('states_end',          1, 'states an end that nothing contradicts and that frees nothing that may have left'),
    ('books_funding',       1, 'books money where only people book it'),
    ('sends_first',         1, 'lets payouts be sent that never were'),
    ('holds_back',          1, 'holds back, queries or reads, and is recorded');

-- The effects of each act. An act with several takes as many people as its gravest effect that applies now.
create table payout.act (
    act        text collate "C" not null,
    applies_if text collate "C" not null,  -- payout.people_needed() says what it means
    effect     text collate "C" not null references payout.effect,
    in_words   text not null,
    primary key (act, applies_if),
    constraint condition_is_known check (applies_if in ('always', 'contradicted', 'early', 'unreported',
                                                        'gateway_funds', 'unproven'))
);

insert into payout.act (act, applies_if, effect, in_words) values
    ('resubmit',         'always',        'sends_again',         'always'),
    ('resolve_failed',   'always',        'moves_money',         'always'),
    ('resolve_paid',     'always',        'states_end',          'always'),
    ('resolve_paid',     'contradicted',  'contradicts_gateway', 'the gateway answered "not found", declined it or reported a failure, and has not confirmed it since; or its evidence contradicts ours'),
    ('resolve_paid',     'early',         'contradicts_gateway', 'its quiet horizon has not ended'),
    ('resolve_returned', 'always',        'states_end',          'always'),
    ('resolve_returned', 'unreported',    'adds_money',          'the payment rests on a person''s statement, or the gateway''s latest answer does not report, verified, that it failed (status 3 or 4)'),
    ('resolve_unchanged', 'always',       'contradicts_gateway', 'always'),
    ('resolve_fee',      'always',        'moves_money',         'always'),
    ('accept_failover',  'always',        'accepts_failover',    'always'),
    ('register_address', 'always',        'registers_address',   'always'),
    ('remove_address',   'always',        'removes_address',     'always'),
    ('fund',             'always',        'books_funding',       'always'),
    ('fund',             'gateway_funds', 'adds_money',          'the merchant''s funding is "gateway"'),
    ('cancel',           'always',        'holds_back',          'always'),
    ('cancel',           'unproven',      'moves_money',         'it may have been sent before a failover, and the gateway cannot be queried'),
    ('resume',           'always',        'sends_first',         'always'),
    ('pause',            'always',        'holds_back',          'always'),
    ('replay',           'always',        'holds_back',          'always'),
    ('reject',           'always',        'holds_back',          'always'),
    ('reveal',           'always',        'holds_back',          'always');

-- These tables are too small for autovacuum to look at.
analyze payout.effect, payout.act;

-- Who acts: the role that logged in. `set role`, a membership or a function with its owner's rights does not change it;
-- `set session authorization` does, and takes a superuser. A renamed login keeps its oid.
create function payout.login_oid() returns oid
language sql stable security definer set search_path = pg_catalog, payout, pg_temp
return (select r.oid from pg_catalog.pg_roles r where r.rolname = session_user);

create table payout.requests (
    id              bigint generated always as identity primary key,
    kind            text collate "C" not null,
    people          int not null default 2,  -- how many must agree; it only rises
    requested_by    text not null default session_user,
    requested_by_oid oid not null default payout.login_oid(),
    requested_at    timestamptz not null default now(),
    expires_at      timestamptz not null,  -- payout.policy.request_expires_after later
    reason          text not null,
    evidence        text,
    stated          bigint,  -- resolve_paid: the fee; resolve_returned: how much came back; fund: the amount
    merchant_code   text collate "C" references payout.merchants,  -- of an act on no payout of request_payouts
    subject         text,    -- what such an act is about: a reference, an address, an order number
    arguments       jsonb,   -- its further arguments
    decision        text,
    decided_by      text,
    decided_by_oid  oid,
    decided_at      timestamptz,
    decision_reason text,
    constraint kind_is_known check (kind in ('resubmit', 'resolve_failed', 'resolve_paid', 'resolve_returned',
                                             'resolve_unchanged', 'resolve_fee', 'cancel', 'fund', 'accept_failover',
                                             'register_address', 'remove_address', 'reveal')),
    constraint resolved_with_evidence check (kind not like 'resolve%' or evidence is not null),
    constraint one_or_two_people check (people in (1, 2)),
    constraint decision_is_known check (decision in ('approved', 'rejected')),
    constraint decided_whole
        check ((decision is null) = (decided_by is null) and (decision is null) = (decided_at is null)
               and (decision is null) = (decided_by_oid is null)),
    constraint approved_in_time check (decision is distinct from 'approved' or decided_at <= expires_at),
    -- By the oid, so that nobody approves their own request under a new name; by the name too, because a login that was
    -- dropped and made again has a new oid.
    constraint approved_by_a_second_person
        check (decision is distinct from 'approved' or people = 1
               or (decided_by_oid <> requested_by_oid and decided_by <> requested_by))
);

create index undecided on payout.requests (expires_at) where decision is null;
create index requests_by_subject on payout.requests (kind, subject, id) where subject is not null;

-- Whether approvers were told of a request. A worker that has taken one tells them within twenty seconds, or another may.
create table payout.notices (
    request_id bigint primary key references payout.requests,
    taken_at   timestamptz not null default now(),
    tries      int not null default 1,
    told_at    timestamptz,
    failure    text,  -- of the latest try, in words
    constraint told_or_not_yet check (told_at is null or failure is null)
);

-- The payouts of a request. Each is checked separately and has its own outcome.
create table payout.request_payouts (
    request_id    bigint not null references payout.requests,
    merchant_code text collate "C" not null,
    order_num     text collate "C" not null,
    taken_at      timestamptz,  -- when a worker took it; after a minute another worker may
    outcome       text,
    outcome_at    timestamptz,
    detail        text,
    primary key (request_id, merchant_code, order_num),
    constraint request_has_a_payout foreign key (merchant_code, order_num) references payout.payouts,
    constraint outcome_is_known check (outcome in ('done', 'refused')),
    constraint outcome_has_a_time check ((outcome is null) = (outcome_at is null))
);

create index requests_of_payout on payout.request_payouts (merchant_code, order_num);
create index requests_to_carry_out on payout.request_payouts (merchant_code, request_id) where outcome is null;

-- The acts of operators: who did what, when and why. Append-only.
create table payout.operator_acts (
    id            bigint generated always as identity primary key,
    at            timestamptz not null default clock_timestamp(),
    actor         text not null default session_user,
    act           text collate "C" not null,
    merchant_code text collate "C",
    order_num     text collate "C",
    reason        text,
    evidence      text,
    request_id    bigint references payout.requests,
    outcome       text not null default 'done',
    detail        text
);

create index acts_of_payout on payout.operator_acts (merchant_code, order_num);
create index acts_by_time on payout.operator_acts (at);

-- Pauses: what is in their scope is not claimed (payout.why_no_send).
create table payout.pause_rules (
    scope      text collate "C" not null,
    value      text collate "C" not null,  -- '' for all, a merchant's code, or a bank's
    reason     text not null,
    actor      text not null default session_user,
    since      timestamptz not null default now(),
    daily_from time,  -- in WIB; null for a pause that lasts until it is resumed
    daily_to   time,
    is_daily   boolean generated always as (daily_from is not null) stored,
    constraint pauses_pkey primary key (scope, value, is_daily),
    constraint scope_is_known check (scope in ('all', 'merchant', 'bank')),
    constraint all_has_no_value check ((scope = 'all') = (value = '')),
    constraint daily_times_differ check ((daily_from is null) = (daily_to is null) and daily_from <> daily_to)
);

-- Since when a daily pause is in force; null while it is not. One that ends before it begins lasts over midnight. WIB has
-- no daylight saving time.
create function payout.daily_since(daily_from time, daily_to time, at timestamptz) returns timestamptz
language sql immutable
return (
    select case when not (case when daily_from < daily_to then wib::time >= daily_from and wib::time < daily_to
                               else wib::time >= daily_from or wib::time < daily_to end) then null
                else (wib::date + daily_from - case when wib::time < daily_from then interval '1 day' else '0' end
                      - interval '7 hours') at time zone 'UTC' end
    from (select at at time zone 'UTC' + interval '7 hours' as wib) w
);

-- The pauses in force now.
create view payout.pauses as
select r.scope, r.value, r.reason, r.actor,
       case when r.daily_from is null then r.since
            else greatest(r.since, payout.daily_since(r.daily_from, r.daily_to, now())) end as since,
       r.is_daily
from payout.pause_rules r
where r.daily_from is null or payout.daily_since(r.daily_from, r.daily_to, now()) is not null;
