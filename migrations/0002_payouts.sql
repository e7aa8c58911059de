-- Payouts, and the append-only records that stand behind every change of one.

create table payout.payouts (
    merchant_code      text collate "C" not null references payout.merchants,
    order_num          text collate "C" not null,
    state              text collate "C" not null default 'queued' references payout.state,

    -- The instruction: what the caller asked for. Frozen.
    amount             numeric not null,       -- whole rupiah; numeric, as bigint would round 250000.75 silently
    fee_type           smallint not null,      -- 0 out of the amount, 1 on top
    bank_code          text not null,
    account_number     text not null,          -- personal data
    account_name       text not null,          -- personal data
    description        text,
    replaces           text collate "C",       -- the failed payout that this one pays again
    not_before         timestamptz,
    priority           smallint not null default 0,  -- higher first
    metadata           jsonb,                  -- never sent
    created_at         timestamptz not null default now(),
    created_by         text not null default session_user,

    -- What is known. Written by the worker, guarded by payout.guard_payout().
    state_since        timestamptz not null default now(),
    last_seq           bigint,                 -- the history row of the last move
    attempt            int not null default 0, -- the latest attempt; never reused
    sends              int not null default 0, -- claims committed
    not_sent           int not null default 0, -- claims of which it is proven that nothing left
    resubmits_granted  int not null default 0,
    send_by            timestamptz,            -- until when the latest attempt could begin to send
    lease_until        timestamptz,            -- after it, submitting becomes unknown
    held               bigint not null default 0,
    fee                bigint,
    platform_order_num text,
    failure_reason     text,
    attention          text,
    attention_since    timestamptz,
    declined_at        timestamptz,            -- a verified FAIL that may become a refusal
    proven_ours        boolean not null default false,
    reaffirmed_at      timestamptz,            -- failed: when the gateway last confirmed it
    settled_at         timestamptz,
    queries               int not null default 0,
    next_query_at        timestamptz,            -- null: never
    due_at             timestamptz not null default now(),
    parked             boolean not null default false,  -- not covered by the balance: out of the claim index

    constraint order_num_is_used_once primary key (merchant_code, order_num),
    constraint replaced_payout_is_of_the_same_merchant
        foreign key (merchant_code, replaces) references payout.payouts (merchant_code, order_num),
    constraint sent_once_per_grant check (sends - not_sent <= 1 + resubmits_granted),
    constraint attempts_count_up check (attempt >= sends and not_sent between 0 and sends),
    constraint settled_at_iff_final
        check ((settled_at is not null) = (state in ('paid', 'failed', 'cancelled', 'returned'))),
    constraint held_while_it_may_have_left
        check (case when state in ('submitting', 'pending', 'unknown') then held > 0
                    when state = 'paid' then held >= 0
                    else held = 0 end),
    constraint attention_has_a_time check ((attention is null) = (attention_since is null)),
    constraint parked_only_while_queued check (not parked or state = 'queued')
);

create index claimable on payout.payouts (merchant_code, priority desc, due_at, order_num)
    where state = 'queued' and not parked;
create index parked on payout.payouts (merchant_code, priority desc, created_at)
    where state = 'queued' and parked;
create index leased on payout.payouts (lease_until) where state = 'submitting';
create index query_due on payout.payouts (merchant_code, next_query_at) where next_query_at is not null;
create index not_final on payout.payouts (state, state_since)
    where state in ('queued', 'submitting', 'pending', 'unknown');
create index needs_a_person on payout.payouts (attention_since) where attention is not null;
create index by_time on payout.payouts (created_at);
create index open_unmarked on payout.payouts (state_since)
    where state in ('submitting', 'pending', 'unknown') and attention is null;
create index queued_without_query on payout.payouts (created_at) where state = 'queued' and next_query_at is null;
-- A payout is replaced once; a replacement that failed is itself replaced. Otherwise one debt could be paid
-- by two replacements, the second made after the first had failed.
create unique index replaced_once on payout.payouts (merchant_code, replaces)
    where replaces is not null and state <> 'cancelled';

-- One row per right to send. Committed before a byte leaves.
create table payout.attempts (
    merchant_code text collate "C" not null,
    order_num     text collate "C" not null,
    attempt       int not null,
    claimed_at    timestamptz not null default now(),
    send_by       timestamptz not null,
    lease_until   timestamptz not null,
    quiet_until   timestamptz,           -- until when "not known" means nothing: send_by and the worker's quiet horizon
    worker        text not null,
    request_sha256   bytea not null,        -- of the very bytes of the request
    outcome       text,                  -- the finding of its own answer
    outcome_at    timestamptz,
    xid           xid8 not null default pg_current_xact_id(),
    constraint attempt_is_never_reused primary key (merchant_code, order_num, attempt),
    constraint attempt_has_a_payout foreign key (merchant_code, order_num) references payout.payouts,
    constraint body_sha256_is_a_sha256 check (length(request_sha256) = 32)
);

-- What we were told, redacted. Equal findings are counted on one row.
create table payout.evidence (
    id            bigint generated always as identity primary key,
    merchant_code text collate "C" not null,
    order_num     text collate "C" not null,
    attempt       int not null,
    source        text not null,
    finding       text not null,
    digest        bytea not null default '',  -- bound callbacks: SHA-256 of the fields
    detail        jsonb not null,             -- the last message with this finding
    times         int not null default 1,
    first_at      timestamptz not null default clock_timestamp(),
    last_at       timestamptz not null default clock_timestamp(),
    query_sent_at      timestamptz,                -- when the question was sent whose answer was the last
    xid           xid8 not null default pg_current_xact_id(),  -- of the last
    actor         text not null default session_user,
    constraint equal_findings_are_counted unique (merchant_code, order_num, attempt, source, finding, digest),
    constraint evidence_has_a_payout foreign key (merchant_code, order_num) references payout.payouts,
    constraint source_is_known check (source in ('submit', 'query', 'callback', 'worker', 'operator'))
);

-- Added to every transaction id in a seq. Not 0 after a dump was restored into a server whose transaction ids are
-- lower than those in the history: numbers go on rising, or readers would skip what is new.
create table payout.seq_base (
    base     bigint not null,
    only_row boolean primary key default true,
    constraint only_one_row check (only_row),
    constraint base_is_not_negative check (base >= 0)
);

insert into payout.seq_base (base) values (0);

-- (transaction id, position in it): a number can appear only while its transaction runs, so a reader that
-- stays below the oldest running transaction never sees a smaller one appear later.
create function payout.next_seq() returns bigint language plpgsql as $$
declare
    position bigint := coalesce(nullif(current_setting('payout.seq_position', true), ''), '0')::bigint + 1;
begin
    if position >= 1048576 then
        raise exception 'more than 1048575 payout events in one transaction'
            using errcode = 'PW018', hint = 'Split the work into several transactions.';
    end if;
    perform set_config('payout.seq_position', position::text, true);
    return (((select b.base from payout.seq_base b) + pg_current_xact_id()::text::bigint) << 20) | position;
end $$;

-- The history that payout.events shows. A move names a row of payout.transition; other lines have no states.
create table payout.history (
    seq           bigint primary key default payout.next_seq(),
    xid           xid8 not null default pg_current_xact_id(),
    merchant_code text collate "C" not null,
    order_num     text collate "C" not null,
    at            timestamptz not null default clock_timestamp(),
    event         text collate "C" not null,
    from_state    text collate "C",
    to_state      text collate "C",
    source        text not null,
    actor         text not null default session_user,
    attempt       int,
    detail        jsonb not null default '{}',
    constraint a_move_has_both_ends check ((from_state is null) = (to_state is null)),
    constraint a_move_is_in_the_table foreign key (from_state, event, to_state)
        references payout.transition (from_state, event, to_state),
    constraint history_has_a_payout foreign key (merchant_code, order_num) references payout.payouts
);

create index history_of_payout on payout.history (merchant_code, order_num, seq);

-- To be called before anything else is written to a restored database; elsewhere it changes nothing.
create function payout.continue_seq() returns bigint
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    now_at bigint := pg_current_xact_id()::text::bigint;
    last_at bigint;
begin
    select coalesce(max(h.seq), 0) >> 20 into last_at from payout.history h;
    if last_at > (select b.base from payout.seq_base b) + now_at then
        lock table payout.history in share row exclusive mode;
        update payout.seq_base b set base = greatest(b.base, last_at - now_at + 1);
    end if;
    return (select b.base from payout.seq_base b);
end $$;

-- Double entry: one row is one entry, its five postings sum to zero.
create table payout.ledger (
    id            bigint generated always as identity primary key,
    xid           xid8 not null default pg_current_xact_id(),
    at            timestamptz not null default clock_timestamp(),
    merchant_code text collate "C" not null references payout.merchants,
    kind          text not null,
    order_num     text collate "C",
    attempt       int,
    available     bigint not null default 0,
    held          bigint not null default 0,
    paid_out      bigint not null default 0,
    fees          bigint not null default 0,
    funding       bigint not null default 0,  -- the negative side
    reference     text,
    actor         text not null default session_user,
    constraint postings_sum_to_zero check (available + held + paid_out + fees + funding = 0),
    constraint kind_is_known check (kind in ('hold', 'capture', 'release', 'return', 'late_capture',
                                             'fee_known', 'fee_corrected', 'funding')),
    constraint entry_of_a_payout_or_funding check ((order_num is null) = (kind = 'funding')),
    constraint entry_has_a_payout foreign key (merchant_code, order_num) references payout.payouts,
    constraint funding_has_a_reference check (kind <> 'funding' or coalesce(length(reference), 0) between 1 and 64)
);

create unique index funded_once_by_reference on payout.ledger (merchant_code, reference) where kind = 'funding';
create unique index held_once_per_attempt on payout.ledger (merchant_code, order_num, attempt) where kind = 'hold';
create unique index settled_once_per_attempt on payout.ledger (merchant_code, order_num, attempt)
    where kind in ('capture', 'release');
create index ledger_of_payout on payout.ledger (merchant_code, order_num);
create index ledger_of_merchant on payout.ledger (merchant_code, id);

-- The sums of the ledger, kept by its trigger.
create table payout.accounts (
    merchant_code text collate "C" primary key references payout.merchants,
    available     bigint not null default 0,
    held          bigint not null default 0,
    paid_out      bigint not null default 0,
    fees          bigint not null default 0,
    funding       bigint not null default 0,
    constraint accounts_sum_to_zero check (available + held + paid_out + fees + funding = 0),
    constraint held_is_not_negative check (held >= 0)
);

-- The last balance that the gateway stated.
create table payout.gateway_balance (
    merchant_code text collate "C" primary key references payout.merchants,
    balance       bigint not null,
    frozen        bigint not null,
    pending       bigint not null,
    signed        boolean not null,
    read_at       timestamptz not null default now(),
    ledger_id     bigint not null  -- the books' last entry when it was read
);

-- One budget of questions per merchant, shared by all workers.
create table payout.query_budget (
    merchant_code text collate "C" primary key references payout.merchants,
    spent_until   timestamptz not null default '-infinity'
);

-- Callbacks for orders that we do not know. Bounded by the worker.
create table payout.unmatched_callbacks (
    digest    bytea primary key,
    order_num text not null,
    detail    jsonb not null,
    times     int not null default 1,
    first_at  timestamptz not null default now(),
    last_at   timestamptz not null default now()
);
