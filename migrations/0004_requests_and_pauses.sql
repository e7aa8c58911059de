-- Requests, approvals and pauses.
--
-- To send again or to give up as failed, one person makes a request and another approves it. To state that a payout was
-- paid or returned takes one person, whose request is approved as it is made. A worker carries the request out: in the
-- first two cases it queries the gateway in the same step. It moves the payout only along payout.transition, and the
-- guards accept such a move only with its approved request.

create table payout.requests (
    id              bigint generated always as identity primary key,
    kind            text collate "C" not null,
    requested_by    text not null default session_user,
    requested_at    timestamptz not null default now(),
    expires_at      timestamptz not null,  -- payout.policy.request_expires_after later
    reason          text not null,
    evidence        text,
    stated          bigint,  -- resolve_paid: the fee; resolve_returned: how much came back
    decision        text,
    decided_by      text,
    decided_at      timestamptz,
    decision_reason text,
    constraint kind_is_known check (kind in ('resubmit', 'resolve_failed', 'resolve_paid', 'resolve_returned')),
    constraint resolved_with_evidence check (kind = 'resubmit' or evidence is not null),
    constraint decision_is_known check (decision in ('approved', 'rejected')),
    constraint decided_whole
        check ((decision is null) = (decided_by is null) and (decision is null) = (decided_at is null)),
    constraint approved_in_time check (decision is distinct from 'approved' or decided_at <= expires_at),
    -- Sending again or releasing a hold takes two people. Stating where money went takes one.
    constraint approved_by_a_second_person
        check (decision is distinct from 'approved' or kind in ('resolve_paid', 'resolve_returned')
               or decided_by <> requested_by)
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

-- Pauses: what is in their scope is not claimed.
create table payout.pauses (
    scope  text collate "C" not null,
    value  text collate "C" not null,  -- '' for all, a merchant's code, or a bank's
    reason text not null,
    actor  text not null default session_user,
    since  timestamptz not null default now(),
    primary key (scope, value),
    constraint scope_is_known check (scope in ('all', 'merchant', 'bank')),
    constraint all_has_no_value check ((scope = 'all') = (value = ''))
);

create function payout.is_paused(merchant text, bank text) returns boolean
language sql stable security definer set search_path = pg_catalog, payout, pg_temp
return exists (select from payout.pauses z
               where (z.scope, z.value) in (('all', ''), ('merchant', merchant), ('bank', bank)));

