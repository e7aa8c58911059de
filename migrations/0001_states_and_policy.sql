-- The rules as data: states, events, moves, the evidence that each move needs, and the policy numbers.
-- On-call can read them: `select * from payout.transition where from_state = 'unknown'`.

-- "If not exists" would take the right to create schemas even if a DBA has created it.
do $$ begin
    if to_regnamespace('payout') is null then
        create schema payout;
    end if;
end $$;

create table payout.state (
    name          text collate "C" primary key,
    final         boolean not null,  -- only a person can move it, if anyone can
    may_have_left boolean not null,  -- the gateway may have the order and has not reported its end
    meaning       text not null
);

insert into payout.state (name, final, may_have_left, meaning) values
    ('queued',     false, false, 'not sent, as far as this database knows; leaves when claimed, withdrawn, or found after a failover'),
    ('submitting', false, true,  'the intent to send is durable; the request may be on the wire'),
    ('pending',    false, true,  'the gateway accepted it; leaves on status 2, 3 or 4, or by people'),
    ('unknown',    false, true,  'it may or may not have arrived; its status is queried, and it is never resent automatically'),
    ('paid',       true,  false, 'status 2, or stated by a person; only a person can move it, to returned'),
    ('failed',     true,  false, 'refused, status 3 or 4, or given up by two people; only a person can move it, if it was paid after all'),
    ('cancelled',  true,  false, 'withdrawn before it was sent'),
    ('returned',   true,  false, 'paid, then the money came back');

create table payout.event (
    name      text collate "C" primary key,
    proven_by text not null,  -- what the same transaction must contain
    meaning   text not null,
    constraint proof_is_known check (proven_by in ('attempt', 'history', 'evidence', 'request'))
);

insert into payout.event (name, proven_by, meaning) values
    ('claimed',              'attempt',  'a worker committed the intent to send'),
    ('not_sent',             'evidence', 'the body was never handed to the transport'),
    ('withdrawn',            'history',  'a person or a backend withdrew it before it was sent'),
    ('acknowledged',         'evidence', 'the gateway has it'),
    ('declined',             'evidence', 'the gateway refused it, which is not yet proof'),
    ('unanswered',           'evidence', 'a timeout, UNKNOWN, a bad signature, a crash or an expired lease'),
    ('refusal_confirmed',    'evidence', 'two "not found" answers after a FAIL'),
    ('found_after_failover', 'evidence', 'found at the gateway after the database lost commits'),
    ('resubmit_granted',     'request',  'two people and a fresh proof of absence let the same order number be sent once more'),
    ('reported_paid',        'evidence', 'the gateway reports status 2'),
    ('reported_failed',      'evidence', 'the gateway reports status 3 or 4'),
    ('resolved_paid',        'request',  'a person stated, with evidence, that it was paid'),
    ('resolved_failed',      'request',  'two people stated, with evidence, that it was not paid'),
    ('resolved_returned',    'request',  'a person stated, with evidence, that the money came back');

-- The same rows as `TRANSITIONS` in crates/domain/src/state.rs; a test compares them.
create table payout.transition (
    from_state text collate "C" not null references payout.state,
    event      text collate "C" not null references payout.event,
    to_state   text collate "C" not null references payout.state,
    posting    text collate "C" not null,
    constraint one_move_per_state_and_event primary key (from_state, event),
    constraint a_move_is_named_whole unique (from_state, event, to_state),
    constraint posting_is_known check (posting in ('none', 'hold', 'capture', 'release', 'return', 'late_capture'))
);

insert into payout.transition (from_state, event, to_state, posting) values
    ('queued',     'claimed',              'submitting', 'hold'),
    ('queued',     'withdrawn',            'cancelled',  'none'),
    ('queued',     'found_after_failover', 'unknown',    'hold'),
    ('submitting', 'not_sent',             'queued',     'release'),
    ('submitting', 'acknowledged',         'pending',    'none'),
    ('submitting', 'unanswered',           'unknown',    'none'),
    ('submitting', 'declined',             'unknown',    'none'),
    ('submitting', 'reported_paid',        'paid',       'capture'),
    ('submitting', 'reported_failed',      'failed',     'release'),
    ('pending',    'reported_paid',        'paid',       'capture'),
    ('pending',    'reported_failed',      'failed',     'release'),
    ('pending',    'resolved_paid',        'paid',       'capture'),
    ('pending',    'resolved_failed',      'failed',     'release'),
    ('unknown',    'not_sent',             'queued',     'release'),
    ('unknown',    'acknowledged',         'pending',    'none'),
    ('unknown',    'refusal_confirmed',    'failed',     'release'),
    ('unknown',    'resubmit_granted',     'submitting', 'none'),
    ('unknown',    'reported_paid',        'paid',       'capture'),
    ('unknown',    'reported_failed',      'failed',     'release'),
    ('unknown',    'resolved_paid',        'paid',       'capture'),
    ('unknown',    'resolved_failed',      'failed',     'release'),
    ('paid',       'resolved_returned',    'returned',   'return'),
    ('failed',     'resolved_paid',        'paid',       'late_capture');

-- The evidence that each move needs; any one row of an event is enough. Null columns are not compared, except for
-- `status` if `of_status` is set: a null status is an undocumented one.
create table payout.required_evidence (
    event     text collate "C" not null references payout.event,
    source    text collate "C" not null,
    kind      text collate "C" not null,
    of_status boolean not null default false,
    status    smallint,
    certain   boolean not null default false,  -- signed, or repeated after policy.unsigned_second_read (protocol P17)
    bound     boolean,                         -- every field of the callback matches (protocol P20)
    proves    text,
    answers   int not null default 1,          -- how many such answers
    constraint evidence_is_named_once unique nulls not distinct (event, source, kind, of_status, status)
);

insert into payout.required_evidence (event, source, kind, of_status, status, certain, bound, proves, answers) values
    ('not_sent',             'submit',   'not_sent',          false, null, false, null, null,      1),
    ('acknowledged',         'submit',   'acknowledged',      false, null, false, null, null,      1),
    ('acknowledged',         'query',    'found',             true,  0,    false, null, null,      1),
    ('acknowledged',         'query',    'found',             true,  1,    false, null, null,      1),
    ('acknowledged',         'query',    'found',             true,  5,    false, null, null,      1),
    ('acknowledged',         'query',    'found',             true,  null, false, null, null,      1),
    ('declined',             'submit',   'declined',          false, null, false, null, null,      1),
    ('unanswered',           'submit',   'doubt',             false, null, false, null, null,      1),
    ('unanswered',           'worker',   'lease_expired',     false, null, false, null, null,      1),
    ('refusal_confirmed',    'query',    'not_found',         false, null, false, null, 'refusal', 2),
    ('found_after_failover', 'query',    'found',             false, null, false, null, null,      1),
    ('reported_paid',        'query',    'found',             true,  2,    true,  null, null,      1),
    ('reported_paid',        'callback', 'callback',          true,  2,    false, true, null,      1),
    ('reported_failed',      'query',    'found',             true,  3,    true,  null, null,      1),
    ('reported_failed',      'query',    'found',             true,  4,    true,  null, null,      1),
    ('resolved_paid',        'operator', 'resolved_paid',     false, null, false, null, null,      1),
    ('resolved_failed',      'operator', 'resolved_failed',   false, null, false, null, null,      1),
    ('resolved_returned',    'operator', 'resolved_returned', false, null, false, null, null,      1);

-- Why a payout needs a person. The same rows as `RULES` in crates/domain/src/attention.rs; a test compares them.
create table payout.attention_reason (
    name             text collate "C" primary key,
    rank             int not null unique,  -- 1 is the gravest
    cleared_by       text not null,        -- who may clear it before a move answers it
    holds_back_claim boolean not null,     -- a queued payout with it is not claimed
    answered_by      text[] not null,      -- the moves that clear it
    meaning          text not null,
    constraint cleared_by_is_known check (cleared_by in ('automation', 'person'))
);

insert into payout.attention_reason (name, rank, cleared_by, holds_back_claim, answered_by, meaning) values
    ('late_success',       1, 'person',     true,  '{resolved_paid}', 'settled as failed, and then the gateway reported it paid'),
    ('contradiction',      2, 'person',     true,  '{resolved_paid, resolved_failed, resolved_returned}',
     'evidence that contradicts what is settled or recorded'),
    ('foreign_order',      3, 'automation', true,  '{resolved_paid, resolved_failed, resolved_returned, withdrawn}',
     'the gateway declined it and yet knows it, or gives it another payout''s number; over once it is proven ours'),
    ('amount_mismatch',    4, 'automation', true,
     '{reported_paid, resolved_paid, resolved_failed, resolved_returned, withdrawn}', 'the gateway states another amount'),
    ('unproven',           5, 'person',     true,  '{found_after_failover, withdrawn}',
     'set aside after a failover: perhaps sent before it, and the gateway could not be queried'),
    ('not_found',          6, 'automation', true,
     '{not_sent, acknowledged, refusal_confirmed, resubmit_granted, reported_paid, reported_failed, resolved_paid, resolved_failed}',
     'repeatedly not found at the gateway after the quiet horizon'),
    ('fee_implausible',    7, 'automation', true,  '{not_sent, reported_failed, refusal_confirmed, resolved_failed}',
     'the gateway states a fee that cannot be true; the fee stays unknown'),
    ('fee_above_reserve',  8, 'automation', true,  '{}', 'paid, with a fee above the reserve for it'),
    ('fee_unknown',        9, 'automation', true,  '{resolved_returned}',
     'paid, and the gateway has not stated its fee on top; the reserve for it stays held'),
    ('unreadable_answers', 10, 'automation', false,
     '{not_sent, acknowledged, refusal_confirmed, resubmit_granted, reported_paid, reported_failed, resolved_paid, resolved_failed, resolved_returned, withdrawn, found_after_failover}',
     'the gateway''s answers to queries cannot be read or verified, time after time'),
    ('open_too_long',      11, 'automation', false,
     '{not_sent, acknowledged, declined, unanswered, refusal_confirmed, resubmit_granted, reported_paid, reported_failed, resolved_paid, resolved_failed}',
     'open for longer than policy.open_too_long'),
    ('insufficient_funds', 12, 'automation', false, '{claimed, withdrawn, found_after_failover}',
     'the available balance does not cover it');

-- The numbers that rules here and in the program share: the constants of crates/domain/src/policy.rs; a test compares
-- them.
create table payout.policy (
    not_found_valid_for   interval not null,  -- after the last send; later, a gateway may have forgotten the order
    not_found_answers     int not null,       -- after the quiet horizon, before absence needs a person
    proof_fresh_for       interval not null,  -- maximum age of an answer that a person's act relies on
    unsigned_second_read  interval not null,
    request_expires_after interval not null,
    quiet_horizon_default interval not null,  -- of an attempt that does not state its own
    open_too_long         interval not null,
    overtake_for          interval not null,  -- how long smaller payouts may overtake an uncovered one
    reserve_for           interval not null,  -- how long it then keeps funds free for itself
    funding_counts_for    interval not null,  -- funding of this long may come again, so it counts as within reach
    late_after            interval not null,
    query_first_min       interval not null,  -- minimum time after a failover of queries before claims
    clock_tolerance       interval not null,  -- how far this server's clock may be off the workers' boot clocks
    clock_unwatched_max   interval not null,  -- without a worker that compares it, longer time than this is unknown
    max_amount_idr        bigint not null,
    plausible_fee_idr     bigint not null,    -- a fee up to this may be true for any payout
    plausible_fee_percent int not null,       -- so may one up to this part of the amount
    max_balance_idr       bigint not null,    -- in the books, and in each part of a stated balance
    only_row              boolean primary key default true,
    constraint only_one_row check (only_row)
);

insert into payout.policy (not_found_valid_for, not_found_answers, proof_fresh_for, unsigned_second_read, request_expires_after,
                           quiet_horizon_default, open_too_long, overtake_for, reserve_for, funding_counts_for,
                           late_after, query_first_min, clock_tolerance, clock_unwatched_max, max_amount_idr,
                           plausible_fee_idr, plausible_fee_percent, max_balance_idr)
values ('30 days', 3, '60 seconds', '30 seconds', '10 minutes', '30 minutes', '24 hours', '15 minutes', '1 hour', '24 hours',
        '10 minutes', '24 hours', '5 seconds', '60 seconds', 1000000000000, 50000, 10, 1000000000000000);

-- These tables are too small for autovacuum to look at, and every move is checked against them.
analyze payout.state, payout.event, payout.transition, payout.required_evidence, payout.attention_reason, payout.policy;
