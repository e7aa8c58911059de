-- Books of any size, written past the guards. `plans.load` adds, for each number, ten final payouts (F…), one that is open
-- (O…) and one that is queued (Q…), with all that a worker would have stored about them.
create schema plans;

-- A tenth of them belong to a second merchant.
create function plans.merchant(n int) returns text
language sql immutable parallel safe return case when n % 10 = 3 then 'OTHER' else 'S2020198627344' end;

create procedure plans.load_final(load text, first int, last int) language sql as $$
    insert into payout.payouts (merchant_code, order_num, state, amount, fee_type, bank_code, account_number, account_name,
                                created_by, created_at, state_since, attempt, sends, send_by, lease_until, fee,
                                platform_order_num, attention_reasons, attention_since, settled_at, queries, due_at, next_query_at, later_look)
    select plans.merchant(n), 'F' || n, s.state, 50000 + n % 1000000, n % 2, case when n % 7 = 0 then '008' else '014' end,
           '0012345678', 'Siti Rahayu', load, t.at, t.at + interval '20 seconds', s.sends, s.sends, t.at + interval '10 seconds',
           t.at + interval '1 minute', case when s.state in ('paid', 'returned') then 2500 + n % 10 end,
           case s.sends when 1 then 'G' || n end, r.reasons, case when r.reasons <> '{}' then t.at end,
           t.at + interval '20 seconds', 2, t.at, case when n % 10 = 4 then now() - interval '1 minute' end, n % 10 = 4
    from generate_series(10 * first, 10 * last + 9) n,
         lateral (select case when n % 100 < 85 then 'paid' when n % 100 < 95 then 'failed' when n % 100 < 98 then 'returned'
                              else 'cancelled' end as state, (n % 100 < 98)::int as sends) s,
         lateral (select now() - interval '90 days' * (1 - n / 10000001.0) as at) t,
         lateral (select case when n % 5000 = 17 then '{contradiction}' when n % 5000 = 1009 then '{fee_unknown}'
                              else '{}' end::text[] as reasons) r;
$$;

create procedure plans.load_open(load text, first int, last int) language sql as $$
    insert into payout.payouts (merchant_code, order_num, state, amount, fee_type, bank_code, account_number, account_name,
                                created_by, created_at, state_since, attempt, sends, send_by, lease_until, held,
                                platform_order_num, attention_reasons, attention_since, queries, next_query_at, due_at)
    select plans.merchant(n), 'O' || n, s.state, 50000 + n % 1000000, n % 2, case when n % 7 = 0 then '008' else '014' end,
           '0012345678', 'Siti Rahayu', load, t.at, t.at + interval '2 seconds', 1, 1, t.at + interval '10 seconds',
           case when n % 100 = 9 then t.at + interval '1 minute' else now() + interval '1 hour' end, 110000 + n % 1000000,
           case s.state when 'pending' then 'H' || n end, s.reasons, case when s.reasons <> '{}' then t.at end, n % 20,
           case when s.state <> 'submitting' then now() + interval '1 hour' * ((n % 100 - 2) / 98.0) end, t.at
    from generate_series(first, last) n,
         lateral (select case when n % 10 < 6 then 'pending' when n % 10 < 9 then 'unknown' else 'submitting' end as state,
                         case n % 500 when 6 then '{not_found}' when 7 then '{open_too_long}' else '{}' end::text[] as reasons) s,
         lateral (select now() - interval '1 hour' - interval '2 days' * (n % 997 / 997.0) as at) t;
$$;

-- Every fifth does not fit into the balance; every fiftieth pays a failed one again.
create procedure plans.load_queued(load text, first int, last int) language sql as $$
    insert into payout.payouts (merchant_code, order_num, state, amount, fee_type, bank_code, account_number, account_name,
                                created_by, created_at, state_since, attention_reasons, attention_since, due_at, parked,
                                replaces, originals_queried_at)
    select plans.merchant(n), 'Q' || n, 'queued', 50000 + n % 1000000, n % 2, case when n % 7 = 0 then '008' else '014' end,
           '0012345678', 'Siti Rahayu', load, t.at, t.at, a.reasons, case when a.reasons <> '{}' then t.at + interval '1 hour' end,
           t.at, n % 5 = 1, case n % 50 when 9 then 'F' || n * 10 end, case n % 50 when 9 then now() - interval '40 seconds' end
    from generate_series(first, last) n,
         lateral (select now() - interval '3 hours' * (1 - n / 1000001.0) as at) t,
         lateral (select case n % 5 when 1 then '{insufficient_funds}' else '{}' end::text[] as reasons) a;
$$;

-- Numbered as in the first transactions of a server.
create procedure plans.load_history(load text) language sql as $$
    insert into payout.history (seq, merchant_code, order_num, at, event, from_state, to_state, source, actor, attempt)
    select (select coalesce(max(h.seq), 1048576) from payout.history h) + row_number() over (),
           p.merchant_code, p.order_num, p.created_at + e.after * interval '1 second', e.event, e.from_state, e.to_state,
           e.source, 'payout', e.attempt
    from payout.payouts p,
         lateral (values (0, 'enqueued', null, null, 'sql', null),
                         (1, 'claimed', 'queued', 'submitting', 'worker', 1),
                         (2, 'acknowledged', 'submitting', 'pending', 'submit', 1),
                         (3, case p.state when 'failed' then 'reported_failed' else 'reported_paid' end, 'pending',
                          case p.state when 'failed' then 'failed' else 'paid' end, 'query', 1)
                 ) e (after, event, from_state, to_state, source, attempt)
    where p.created_by = load
      and e.after <= case when p.sends = 0 then 0 when p.settled_at is not null then 3 when p.state = 'submitting' then 1
                          else 2 end;
$$;

create procedure plans.load_proof(load text) language sql as $$
    insert into payout.attempts (merchant_code, order_num, attempt, claimed_at, send_by, lease_until, quiet_until, worker,
                                 address, request_sha256, gateway, outcome, outcome_at, xid)
    select p.merchant_code, p.order_num, 1, p.created_at, p.send_by, p.lease_until, p.send_by + interval '30 minutes',
           'payout', 'db.example:5432', sha256(convert_to(p.order_num, 'UTF8')), m.gateway,
           case p.state when 'submitting' then null when 'unknown' then 'doubt' else 'acknowledged' end,
           case when p.state <> 'submitting' then p.state_since end, 1
    from payout.payouts p join payout.merchants m on m.code = p.merchant_code
    where p.created_by = load and p.sends > 0;
    insert into payout.evidence (merchant_code, order_num, attempt, source, kind, status, signed, doubt, proves, detail, times,
                                 first_at, last_at, query_sent_at, xid, actor)
    select p.merchant_code, p.order_num, 1, e.source, e.kind, e.status, e.signed, e.doubt, e.proves, '{"code": "0000"}', 3,
           e.at, e.at, case e.source when 'query' then e.at end, 1, 'payout'
    from payout.payouts p,
         lateral (values ('submit', 'acknowledged', 0, null, null, null, p.state_since, false),
                         ('query', 'found', case p.state when 'failed' then 3 when 'paid' then 2 else 1 end, true, null, null,
                          p.state_since, false),
                         ('submit', 'doubt', null, null, 'timeout', null, p.state_since, true),
                         ('query', 'not_found', null, null, null, 'absence', now(), true)
                 ) e (source, kind, status, signed, doubt, proves, at, of_unknown)
    where p.created_by = load and p.sends > 0 and p.state <> 'submitting' and e.of_unknown = (p.state = 'unknown');
$$;

create procedure plans.load_ledger(load text) language sql as $$
    insert into payout.ledger (xid, at, merchant_code, kind, order_num, attempt, available, held, paid_out, actor)
    select 1, p.created_at, p.merchant_code, e.kind, p.order_num, 1, e.available, e.held, e.paid_out, 'payout'
    from payout.payouts p,
         lateral (select 60000 + p.amount::bigint as idr, p.state = 'failed' as failed) a,
         lateral (values ('hold', -a.idr, a.idr, 0),
                         (case when a.failed then 'release' else 'capture' end, case when a.failed then a.idr else 0 end,
                          -a.idr, case when a.failed then 0 else a.idr end)) e (kind, available, held, paid_out)
    where p.created_by = load and p.sends > 0 and (e.kind = 'hold' or p.settled_at is not null);
    insert into payout.ledger (xid, at, merchant_code, kind, available, funding, reference, funded_by, actor)
    select 1, p.created_at, p.merchant_code, 'funding', 300000000, -300000000, 'T' || p.order_num, 'gateway', 'payout'
    from payout.payouts p
    where p.created_by = load and p.order_num like 'F%' and right(p.order_num, 2) in ('11', '13');
    insert into payout.accounts (merchant_code, available, held, paid_out, fees, funding)
    select l.merchant_code, sum(l.available), sum(l.held), sum(l.paid_out), sum(l.fees), sum(l.funding)
    from payout.ledger l group by l.merchant_code
    on conflict (merchant_code) do update set available = excluded.available, held = excluded.held,
        paid_out = excluded.paid_out, fees = excluded.fees, funding = excluded.funding;
$$;

-- People's acts; a few requests wait.
create procedure plans.load_acts(load text, first int, last int) language sql as $$
    insert into payout.requests (kind, requested_by, requested_by_oid, expires_at, reason, evidence, decision, decided_by,
                                 decided_by_oid, decided_at)
    select 'resolve_paid', 'ani', 1, now() + interval '10 minutes', 'ticket ' || n, 'bank statement',
           case when n > 9 then 'approved' end, case when n > 9 then 'budi' end, case when n > 9 then 2 end,
           case when n > 9 then now() end
    from generate_series(first, last) n;
    insert into payout.request_payouts (request_id, merchant_code, order_num, outcome, outcome_at)
    select r.id, plans.merchant(n), 'F' || n, case when r.decision is not null then 'done' end,
           case when r.decision is not null then now() end
    from generate_series(first, last) n join payout.requests r on r.reason = 'ticket ' || n;
    insert into payout.operator_acts (at, actor, act, merchant_code, order_num, reason, request_id)
    select now(), 'budi', 'approved', i.merchant_code, i.order_num, 'a test', i.request_id
    from payout.request_payouts i
    where i.order_num in (select 'F' || n from generate_series(first, last) n);
    insert into payout.unmatched_callbacks (digest, order_num, detail)
    select sha256(convert_to('U' || n, 'UTF8')), 'U' || n, '{}' from generate_series(first, least(last, 1000)) n;
$$;

create procedure plans.load(load text, first int, last int) language plpgsql as $$
begin
    set local session_replication_role = replica;
    call plans.load_final(load, first, last);
    call plans.load_open(load, first, last);
    call plans.load_queued(load, first, last);
    call plans.load_history(load);
    call plans.load_proof(load);
    call plans.load_ledger(load);
    call plans.load_acts(load, first, last);
    update payout.totals_cursor set folded_seq = (select max(h.seq) - 500 from payout.history h);
    insert into payout.ledger_sums (from_id, merchant_code, available, held, paid_out, fees, funding)
    select 1, l.merchant_code, sum(l.available), sum(l.held), sum(l.paid_out), sum(l.fees), sum(l.funding)
    from payout.ledger l
    where l.id <= (select max(l.id) - 500 from payout.ledger l)
    group by l.merchant_code;
    update payout.ledger_sums_cursor set summed_below = (select max(l.id) - 499 from payout.ledger l);
    insert into payout.gateway_balance (merchant_code, balance, frozen, pending, signed, ledger_id)
    select m.code, 1000000, 0, 0, true, (select max(l.id) - 500 from payout.ledger l) from payout.merchants m
    on conflict (merchant_code) do update set ledger_id = excluded.ledger_id;
end $$;

-- Otherwise autovacuum analyzes what was loaded in the middle of a measurement.
create procedure plans.leave_statistics_alone() language plpgsql as $$
declare
    large text;
begin
    for large in select c.oid::regclass from pg_class c where c.relnamespace = 'payout'::regnamespace and c.relkind = 'r' loop
        execute format('alter table %s set (autovacuum_enabled = off)', large);
    end loop;
end $$;

create procedure plans.forget_statistics() language sql as $$
    delete from pg_statistic s using pg_class c where c.oid = s.starelid and c.relnamespace = 'payout'::regnamespace;
    update pg_class set reltuples = -1, relpages = 0, relallvisible = 0
    where relnamespace = 'payout'::regnamespace and relkind in ('r', 'i');
$$;
