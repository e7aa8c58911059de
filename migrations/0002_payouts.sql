-- Merchants, payouts, and the append-only records behind every change of a payout.

-- What a gateway is known by: its dialect, its address and its keys. In plpgsql, because Postgres does not put it in the
-- place of the call, and would plan it again for each claim.
create function payout.gateway_digest(dialect text, base_url text, platform_keys text[]) returns bytea
language plpgsql immutable parallel safe set search_path = pg_catalog, payout, pg_temp as $$
begin
    return sha256(convert_to(concat_ws(E'\n', dialect, base_url, array_to_string(platform_keys, E'\n')), 'UTF8'));
end $$;

-- Registered by `payout migrate`, never with a private key.
create table payout.merchants (
    code                text collate "C" primary key,
    dialect             text not null,     -- the name of the gateway's dialect, for people and for comparison
    balance_is_signed   boolean not null,  -- the dialect signs its balance
    not_found_is_proof  boolean not null,  -- "not found" proves something in this dialect
    base_url            text not null,     -- a worker configured with another gateway does not claim
    platform_keys       text[] not null,   -- SHA-256 of each platform key's SPKI, sorted
    gateway             bytea not null
        generated always as (payout.gateway_digest(dialect, base_url, platform_keys)) stored,
    min_amount          bigint not null default 1,
    max_amount          bigint not null default 1000000000000,
    fee_reserve         bigint not null default 0,  -- rupiah held for the fee until it is known (fee_type 1)
    funding             text not null default 'gateway',
    registered_at       timestamptz not null default now(),
    gateway_since       timestamptz not null default '-infinity',  -- when dialect or address last changed
    constraint funding_is_known check (funding in ('gateway', 'books')),
    constraint limits_make_sense check (min_amount between 1 and max_amount and max_amount <= 1000000000000),
    constraint fee_reserve_makes_sense check (fee_reserve between 0 and 1000000000000)
);

-- With several merchants: which role may enqueue for which merchant. A login may if it is a member of the role.
create table payout.enqueuers (
    role_name     text not null,
    merchant_code text collate "C" not null references payout.merchants,
    primary key (role_name, merchant_code)
);

-- Known bank and wallet codes. Other codes are accepted too.
create table payout.banks (
    code       text collate "C" primary key,
    name       text not null,
    min_digits int  -- if account numbers are never shorter: an unquoted number has lost its zeros
);

insert into payout.banks (code, name, min_digits) values
    ('002', 'BRI', null), ('008', 'Mandiri', null), ('009', 'BNI', null), ('011', 'Danamon', null),
    ('013', 'Permata', null), ('014', 'BCA', 10), ('016', 'Maybank', null), ('019', 'Panin', null),
    ('022', 'CIMB Niaga', null), ('023', 'UOB', null), ('028', 'OCBC NISP', null), ('031', 'Citibank', null),
    ('036', 'CCB Indonesia', null), ('037', 'Artha Graha', null), ('046', 'DBS', null), ('054', 'Bank Capital', null),
    ('076', 'Bumi Arta', null), ('087', 'HSBC', null), ('110', 'BJB', null), ('111', 'Bank DKI', null),
    ('112', 'BPD DIY', null), ('113', 'Bank Jateng', null), ('114', 'Bank Jatim', null), ('129', 'BPD Bali', null),
    ('147', 'Muamalat', null), ('151', 'Mestika', null), ('153', 'Sinarmas', null), ('161', 'Ganesha', null),
    ('200', 'BTN', null), ('213', 'BTPN', null), ('426', 'Mega', null), ('441', 'KB Bukopin', null),
    ('451', 'BSI', null), ('472', 'Jasa Jakarta', null), ('484', 'KEB Hana', null), ('485', 'MNC', null),
    ('490', 'Neo Commerce', null), ('494', 'Raya', null), ('501', 'BCA Digital', null), ('503', 'Nobu', null),
    ('506', 'Mega Syariah', null), ('513', 'Ina Perdana', null), ('523', 'Sahabat Sampoerna', null),
    ('535', 'SeaBank', null), ('536', 'BCA Syariah', null), ('542', 'Jago', null), ('547', 'BTPN Syariah', null),
    ('553', 'Mayora', null), ('564', 'Mandiri Taspen', null), ('566', 'Victoria', null), ('567', 'Allo Bank', null),
    ('10001', 'OVO', null), ('10002', 'DANA', null);

-- The only registered merchant; null if there are several. A default, so that drivers and mappers know that the column may
-- be left out.
create function payout.default_merchant() returns text
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    return (select min(m.code) from payout.merchants m having count(*) = 1);
end $$;

create table payout.payouts (
    merchant_code      text collate "C" not null default payout.default_merchant() references payout.merchants,
    order_num          text collate "C" not null,
    state              text collate "C" not null default 'queued',

    -- The instruction. Frozen after insert.
    amount             numeric not null,       -- whole rupiah; numeric, because bigint would silently round 250000.75
    fee_type           smallint not null,      -- 0 out of the amount, 1 on top
    rules              smallint not null default 1,  -- the instruction keeps the rules of this version: rules_version()
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

    -- The state. Written by the worker, guarded by payout.guard_changes().
    state_since        timestamptz not null default now(),
    last_seq           bigint,                 -- the history row of the last move
    attempt            int not null default 0, -- the latest attempt; never reused
    sends              int not null default 0, -- claims committed
    not_sent           int not null default 0, -- committed claims that provably sent nothing
    resubmits_granted  int not null default 0,
    send_by            timestamptz,            -- the last moment at which the latest attempt could begin to send
    lease_until        timestamptz,            -- when the lease expires and submitting becomes unknown
    held               bigint not null default 0,
    fee                bigint,
    platform_order_num text,
    called_back        text,                   -- the same, from a callback that is ours in all else, until an answer states it
    failure_reason     text,
    attention_reasons  text[] not null default '{}',  -- why it needs a person: payout.attention_reason, gravest first
    attention          text generated always as (attention_reasons[1]) stored,  -- the gravest
    attention_since    timestamptz,            -- when it began to need a person, or the gravest was raised, if that is later
    declined_at        timestamptz,            -- a verified FAIL that may become a refusal
    proven_ours        boolean not null default false,
    reaffirmed_at      timestamptz,            -- of a failed payout: when the query was sent that last confirmed the failure
    originals_queried_at timestamptz,            -- of a replacement: when queries of what it pays again were last scheduled
    settled_at         timestamptz,
    queries               int not null default 0,
    next_query_at        timestamptz,            -- null: never
    later_look         boolean,                -- the next query looks once more at what has its end, and waits for all others
    due_at             timestamptz not null default now(),
    parked             boolean not null default false,  -- not covered by the balance, so not in the claim index

    constraint order_num_is_used_once primary key (merchant_code, order_num),
    constraint replaced_payout_is_of_the_same_merchant
        foreign key (merchant_code, replaces) references payout.payouts (merchant_code, order_num),
    -- payout.check_instruction() refuses all of this first, without printing the row. These also hold where no trigger
    -- fires: for a subscription, and under session_replication_role = replica. Each update checks them again, so no pattern
    -- counts, which takes microseconds. A rule that comes later binds the rows inserted from then on, `check (rules < 2 or
    -- ...)`, because an older row must still be able to settle.
    constraint order_num_is_plain
        check (octet_length(order_num) between 1 and 32 and order_num !~ '[^A-Za-z0-9_-]'),
    constraint amount_is_whole_rupiah check (amount between 1 and 1000000000000 and amount = trunc(amount)),
    constraint fee_type_is_known check (fee_type between 0 and 1),
    constraint bank_code_is_digits check (octet_length(bank_code) between 3 and 10 and bank_code !~ '[^0-9]'),
    constraint account_number_is_digits
        check (octet_length(account_number) between 5 and 32 and account_number !~ '[^0-9]'),
    constraint account_name_is_plain
        check (octet_length(account_name) between 1 and 32 and account_name !~ '[^A-Za-z0-9 ]|^ | $'),
    constraint description_is_plain
        check (octet_length(description) between 1 and 32 and description !~ '[^A-Za-z0-9 ._,/-]|^ | $'),
    constraint not_before_is_a_time check (isfinite(not_before) and not_before < '10000-01-01 UTC'),
    constraint metadata_is_small check (octet_length(metadata::text) <= 16384),
    -- Not a foreign key to payout.state: every move would lock the row of its state.
    constraint state_is_known check (state in ('queued', 'submitting', 'pending', 'unknown', 'paid', 'failed', 'cancelled',
                                               'returned')),
    constraint sent_once_per_grant check (sends - not_sent <= 1 + resubmits_granted),
    constraint attempts_count_up check (attempt >= sends and not_sent between 0 and sends),
    constraint settled_at_iff_final
        check ((settled_at is not null) = (state in ('paid', 'failed', 'cancelled', 'returned'))),
    constraint held_while_it_may_have_left
        check (case when state in ('submitting', 'pending', 'unknown') then held > 0
                    when state = 'paid' then held >= 0
                    else held = 0 end),
    constraint fee_is_an_amount check (fee between 0 and 1000000000000),
    constraint attention_has_a_time check ((attention is null) = (attention_since is null)),
    constraint parked_only_while_queued check (not parked or state = 'queued')
);

-- The gateway's own number belongs to one payout. An answer that gives it to a second one as well settles nothing.
create unique index platform_order_num_is_used_once on payout.payouts (merchant_code, platform_order_num collate "C")
    where platform_order_num is not null;
-- In ascending order throughout, so that a claim can begin after a given payout.
create index claimable on payout.payouts (merchant_code, (-priority::int), due_at, order_num)
    where state = 'queued' and not parked;
create index parked on payout.payouts (merchant_code, priority desc, created_at)
    where state = 'queued' and parked;
create index parked_by_amount on payout.payouts (merchant_code, amount) where state = 'queued' and parked;
create index leased on payout.payouts (merchant_code, lease_until) where state = 'submitting';
create index query_due on payout.payouts (merchant_code, next_query_at)
    where next_query_at is not null and later_look is not true;
-- However many later looks are due, nothing else waits for them.
create index later_look_due on payout.payouts (merchant_code, next_query_at)
    where next_query_at is not null and later_look;
create index not_final on payout.payouts (state, state_since)
    where state in ('queued', 'submitting', 'pending', 'unknown');
create index needs_a_person on payout.payouts (attention_since) where attention is not null;
create index by_time on payout.payouts (created_at);
-- For statements of account.
create index settled on payout.payouts (merchant_code, settled_at) where state in ('paid', 'returned');
create index returned on payout.payouts (merchant_code, settled_at) where state = 'returned';
-- The newest order that the gateway must know, which is read with each query of an order that it may not know. No other
-- index offers this order, so that no plan walks one of those.
create index known_to_gateway on payout.payouts (merchant_code, send_by)
    where state = 'paid' and platform_order_num is not null and send_by is not null;
-- What a payment may have cost, and what may come back of it: the amount, or the amount with or without its fee.
create index paid_by_amount on payout.payouts (merchant_code, amount, settled_at) where state = 'paid';
create index paid_by_amount_and_fee on payout.payouts
    (merchant_code, (amount + (2 * fee_type - 1) * fee), settled_at) where state = 'paid' and fee > 0;
create index contradicted on payout.payouts (merchant_code)
    where attention_reasons && '{contradiction, late_success, amount_mismatch, foreign_order}';
create index open_unmarked on payout.payouts (state_since)
    where state in ('submitting', 'pending', 'unknown') and attention is null;
create index queued_without_query on payout.payouts (created_at) where state = 'queued' and next_query_at is null;
-- A payout is replaced once; if its replacement fails, that one is replaced in turn. Otherwise one debt could be paid
-- by two replacements, the second made after the first had failed.
create unique index replaced_once on payout.payouts (merchant_code, replaces)
    where replaces is not null and state <> 'cancelled';
create index queued_replacements on payout.payouts (merchant_code, originals_queried_at)
    where state = 'queued' and not parked and replaces is not null;
create index withdrawn_replacements on payout.payouts (merchant_code, replaces)
    where replaces is not null and state = 'cancelled';

-- The number of each payout in lower case. A gateway whose database ignores case takes 'inv-7' for 'INV-7', and answers a
-- query of one with what became of the other. Not an index on payouts: what an index keeps out, `on conflict do nothing`
-- skips in silence.
create table payout.order_nums (
    merchant_code text collate "C" not null,
    lower_case    text collate "C" not null,
    order_num     text collate "C" not null,
    constraint order_num_differs_by_more_than_case primary key (merchant_code, lower_case)
);

-- Added to every transaction ID that is stored or compared. It is 0 unless a dump was restored into a server with lower
-- transaction IDs than those stored. Without it, event numbers would fall and readers would skip what is new, and an old
-- row could carry the ID of a running transaction, whose guards would take the row for one of its own. It is a function,
-- which payout.continue_seq() replaces, so that Postgres puts the number into each plan instead of reading a row each time.
create function payout.xid_base() returns bigint language sql stable parallel safe return 0::bigint;

-- The server, database and table for which the base was set; another one after a restore.
create table payout.numbered_for (
    server   text,
    only_row boolean primary key default true,
    constraint only_one_row check (only_row)
);

insert into payout.numbered_for (server) values (null);

-- The number of this transaction, which no row of another one carries. Guards compare it, never a bare transaction ID.
create function payout.current_xid() returns bigint
language sql stable
return payout.xid_base() + pg_current_xact_id()::text::bigint;

-- One row per right to send, committed before a byte leaves.
create table payout.attempts (
    merchant_code text collate "C" not null,
    order_num     text collate "C" not null,
    attempt       int not null,
    claimed_at    timestamptz not null default now(),
    send_by       timestamptz not null,
    lease_until   timestamptz not null,
    quiet_until   timestamptz,           -- "not found" means nothing before this: send_by plus the worker's quiet horizon
    worker        text not null,
    address       text,                  -- under which the worker reaches this database; a claim needs a registered one
    request_sha256 bytea not null,       -- of the exact bytes of the request body
    gateway       bytea,                 -- payout.gateway_digest() of the worker's configuration
    outcome       text,                  -- the kind of evidence that its own answer is
    outcome_doubt text,                  -- why that answer proves nothing
    outcome_at    timestamptz,
    xid           bigint not null default payout.current_xid(),
    constraint attempt_is_never_reused primary key (merchant_code, order_num, attempt),
    constraint attempt_has_a_payout foreign key (merchant_code, order_num) references payout.payouts,
    constraint request_sha256_is_a_sha256 check (length(request_sha256) = 32)
);

-- Evidence: what was received or observed, redacted, as a kind and typed columns. Equal evidence is counted on one row.
create table payout.evidence (
    id            bigint generated always as identity primary key,
    merchant_code text collate "C" not null,
    order_num     text collate "C" not null,
    attempt       int not null,
    source        text collate "C" not null,
    kind          text collate "C" not null,
    status        smallint,                   -- the gateway's number; null if none was stated, or an undocumented one
    signed        boolean,                    -- of "found": whether platSign verified
    bound         boolean,                    -- of a callback: whether every field matches (protocol P20)
    mismatch      text,                       -- of a callback: the first field that does not match
    doubt         text,                       -- why an answer proves nothing
    proves        text,                       -- what "not found" proves
    valid_from    timestamptz,                -- from when it proves that
    refused       boolean not null default false,  -- the database refused what would have followed
    digest        bytea not null default '',  -- of a bound callback: SHA-256 of its fields and signature
    detail        jsonb not null,             -- the latest redacted message
    times         int not null default 1,
    first_at      timestamptz not null default clock_timestamp(),
    last_at       timestamptz not null default clock_timestamp(),
    query_sent_at timestamptz,                -- when the query for the latest answer was sent
    xid           bigint not null default payout.current_xid(),  -- of the latest
    actor         text not null default session_user,
    constraint equal_evidence_is_counted unique nulls not distinct
        (merchant_code, order_num, attempt, source, kind, status, signed, mismatch, doubt, proves, valid_from, refused,
         digest),
    constraint evidence_has_a_payout foreign key (merchant_code, order_num) references payout.payouts,
    constraint source_says_such_things check (
        case source
            when 'submit' then kind in ('not_sent', 'acknowledged', 'declined', 'doubt')
            when 'query' then kind in ('found', 'not_found', 'doubt')
            when 'callback' then kind = 'callback'
            when 'worker' then kind = 'lease_expired'
            when 'operator' then kind in ('resolved_paid', 'resolved_failed', 'resolved_returned')
            else false
        end),
    constraint columns_fit_the_kind check (
        (signed is not null) = (kind = 'found')
        and (bound is not null) = (kind = 'callback')
        and (mismatch is not null) = (bound is false)
        and (doubt is not null) = (kind = 'doubt')
        and (proves is not null) = (kind = 'not_found')
        and (status is null or kind in ('acknowledged', 'found', 'callback'))
        and (valid_from is null or proves in ('refusal', 'absence'))),
    constraint status_is_known check (status between 0 and 5),
    constraint doubt_is_known check (doubt in ('timeout', 'connection_lost', 'gateway_unsure', 'http_status',
                                               'bad_signature', 'unreadable', 'foreign', 'number_in_use',
                                               'unreachable')),
    constraint proof_is_known check (proves in ('nothing', 'refusal', 'absence', 'contradiction'))
);
-- By no column that a counted repetition changes: such an update must stay cheap.
create index wrong_signatures on payout.evidence (merchant_code, id) where doubt = 'bad_signature';

-- Whether the history has numbers of transactions that have not begun yet. Then it came from another server and the base
-- is too small. A snapshot shows no row of a transaction from its xmax on, except this transaction's own.
create function payout.is_numbered_ahead() returns boolean
language plpgsql set search_path = pg_catalog, payout, pg_temp set enable_seqscan = off set jit = off as $$
begin
    return exists (
        select from payout.history h
        where h.seq >= greatest(payout.current_xid() + 1,
                                payout.xid_base() + pg_snapshot_xmax(pg_current_snapshot())::text::bigint) << 20);
end $$;

-- (payout.current_xid(), position in the transaction). A number can appear only while its transaction runs, so a reader
-- that stays below the oldest running transaction never sees a smaller number appear later.
--
-- The position follows the largest one that the transaction has: a volatile function also sees the rows that its own
-- statement inserted before. A setting of the session could not hold it, as the caller may change any.
create function payout.next_seq() returns bigint
language plpgsql set search_path = pg_catalog, payout, pg_temp set enable_seqscan = off set jit = off as $$
declare
    first bigint := payout.current_xid() << 20;
    latest bigint;
begin
    select h.seq into latest
    from payout.history h
    where h.seq between first and first + 1048575
    order by h.seq desc limit 1;
    if latest = first + 1048575 then
        raise exception 'more than 1048575 payout events in one transaction'
            using errcode = 'PW018', hint = 'Split the work into several transactions.';
    elsif latest is null and payout.is_numbered_ahead() then
        raise exception 'the payout history is numbered ahead of this server, as after a restore'
            using errcode = 'PW040', hint = 'Start a worker, or call payout.continue_seq(), and run this again.';
    end if;
    return coalesce(latest, first) + 1;
end $$;

-- The history that payout.events shows. A move names a row of payout.transition, as a trigger of 0006 sees to: with a
-- foreign key, every move would lock a row there. Other rows have no states.
create table payout.history (
    seq           bigint primary key default payout.next_seq(),
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
    constraint history_has_a_payout foreign key (merchant_code, order_num) references payout.payouts
);

create index history_of_payout on payout.history (merchant_code, order_num, seq);
-- What payout.audit shows of it.
create index acts_in_history on payout.history (at)
    where source in ('operator', 'backend') and event in ('withdrawn', 'replay_requested');

-- The largest number of a transaction that any row carries.
create function payout.last_xid() returns bigint
language plpgsql stable set search_path = pg_catalog, payout, pg_temp as $$
begin
    -- Evidence, and entries of funding, are stored without history too.
    return greatest((select max(h.seq) >> 20 from payout.history h), (select max(a.xid) from payout.attempts a),
                    (select max(e.xid) from payout.evidence e), (select max(l.xid) from payout.ledger l), 0);
end $$;

-- The number of the oldest transaction that is still open, anywhere on the server: it may yet write here.
create function payout.oldest_xid() returns bigint
language sql stable
return payout.xid_base() + pg_snapshot_xmin(pg_current_snapshot())::text::bigint;

-- Raises the base above every number that a restore brought in. Each worker calls it when it starts and while the fence
-- of payout.failover is up, and payout migrate does. Elsewhere it changes nothing.
create function payout.continue_seq() returns bigint
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    here text := concat_ws('/', (select c.system_identifier from pg_control_system() c),
                           (select d.oid from pg_database d where d.datname = current_database()),
                           'payout.history'::regclass::oid);
begin
    if payout.is_numbered_ahead()
       or exists (select from payout.numbered_for n where n.server is distinct from here) then
        if payout.last_xid() >= payout.current_xid() then
            -- Nobody may be writing with the old base meanwhile.
            lock table payout.history, payout.attempts, payout.evidence, payout.ledger in share row exclusive mode;
            if payout.last_xid() >= payout.current_xid() then
                execute format('create or replace function payout.xid_base() returns bigint '
                               'language sql stable parallel safe return %s::bigint',
                               payout.xid_base() + payout.last_xid() - payout.oldest_xid() + 1);
            end if;
        end if;
        update payout.numbered_for n set server = here;
    end if;
    return payout.xid_base();
end $$;

-- One budget of queries per merchant, shared by all workers.
create table payout.query_budget (
    merchant_code text collate "C" primary key references payout.merchants,
    spent_until   timestamptz not null default '-infinity',
    per_second    int  -- as the worker that spent of it last was configured; null before
);

-- Callbacks for unknown orders. The worker bounds their number.
create table payout.unmatched_callbacks (
    digest    bytea primary key,
    order_num text not null,
    detail    jsonb not null,
    times     int not null default 1,
    first_at  timestamptz not null default now(),
    last_at   timestamptz not null default now()
);
