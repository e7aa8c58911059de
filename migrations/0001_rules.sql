-- The rules as data: on-call can read them with `select * from payout.transition where from_state = 'unknown'`.

create schema if not exists payout;

create table payout.state (
    name    text collate "C" primary key,
    final   boolean not null,  -- no evidence by itself moves it any more
    meaning text not null
);

insert into payout.state (name, final, meaning) values
    ('queued',     false, 'not sent; leaves when claimed or withdrawn'),
    ('submitting', false, 'the intent to send is durable; the request may be on the wire'),
    ('pending',    false, 'the gateway accepted it; leaves on status 2, 3 or 4'),
    ('unknown',    false, 'it may or may not have arrived; it is asked for, never sent again by itself'),
    ('paid',       true,  'status 2; leaves only by a person, as returned'),
    ('failed',     true,  'refused, or status 3 or 4; leaves only by a person, when it was paid after all'),
    ('cancelled',  true,  'withdrawn before it was sent'),
    ('returned',   true,  'paid, then came back');

-- The same rows as `TRANSITIONS` in crates/domain/src/state.rs; a test compares them.
create table payout.transition (
    from_state text collate "C" not null references payout.state,
    event      text collate "C" not null,
    to_state   text collate "C" not null references payout.state,
    posting    text collate "C" not null,
    constraint one_move_per_state_and_event primary key (from_state, event),
    constraint a_move_is_named_whole unique (from_state, event, to_state),
    constraint posting_is_known check (posting in ('none', 'hold', 'capture', 'release', 'return', 'late_capture'))
);

insert into payout.transition (from_state, event, to_state, posting) values
    ('queued',     'claimed',           'submitting', 'hold'),
    ('queued',     'withdrawn',         'cancelled',  'none'),
    ('queued',     'found_after_failover',  'unknown',    'hold'),
    ('submitting', 'not_sent',          'queued',     'release'),
    ('submitting', 'acknowledged',      'pending',    'none'),
    ('submitting', 'unanswered',        'unknown',    'none'),
    ('submitting', 'declined',          'unknown',    'none'),
    ('submitting', 'reported_paid',     'paid',       'capture'),
    ('submitting', 'reported_failed',   'failed',     'release'),
    ('pending',    'reported_paid',     'paid',       'capture'),
    ('pending',    'reported_failed',   'failed',     'release'),
    ('pending',    'resolved_paid',     'paid',       'capture'),
    ('pending',    'resolved_failed',   'failed',     'release'),
    ('unknown',    'not_sent',          'queued',     'release'),
    ('unknown',    'acknowledged',      'pending',    'none'),
    ('unknown',    'refusal_confirmed', 'failed',     'release'),
    ('unknown',    'resubmit_granted',  'submitting', 'none'),
    ('unknown',    'reported_paid',     'paid',       'capture'),
    ('unknown',    'reported_failed',   'failed',     'release'),
    ('unknown',    'resolved_paid',     'paid',       'capture'),
    ('unknown',    'resolved_failed',   'failed',     'release'),
    ('paid',       'resolved_returned', 'returned',   'return'),
    ('failed',     'resolved_paid',     'paid',       'late_capture');

-- Registered by `payout migrate`; never a private key.
create table payout.merchants (
    code            text collate "C" primary key,
    dialect         text not null,
    base_url        text not null,    -- a worker configured for another gateway does not claim
    platform_keys   text[] not null,  -- SHA-256 of each platform key's SPKI, sorted
    min_amount      bigint not null default 1,
    max_amount      bigint not null default 1000000000000,
    fee_reserve     bigint not null default 0,  -- rupiah held for the fee until it is known (fee_type 1)
    funding         text not null default 'gateway',
    registered_at   timestamptz not null default now(),
    constraint dialect_is_known check (dialect in ('bdpay', 'toppay')),
    constraint funding_is_known check (funding in ('gateway', 'books')),
    constraint limits_make_sense check (min_amount between 1 and max_amount and max_amount <= 1000000000000),
    constraint fee_reserve_is_not_negative check (fee_reserve >= 0)
);

-- With several merchants: which login (or a role it is a member of) may enqueue for which merchant.
create table payout.enqueuers (
    role_name     text not null,
    merchant_code text collate "C" not null references payout.merchants,
    primary key (role_name, merchant_code)
);

-- Known bank and wallet codes. An unlisted code is accepted.
create table payout.banks (
    code       text collate "C" primary key,
    name       text not null,
    min_digits int  -- where an account number is never shorter: an unquoted number lost its zeros
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
