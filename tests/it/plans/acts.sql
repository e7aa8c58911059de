-- What a transaction has stored before the statement that is measured, and the arguments of statements about many payouts.

-- The merchant that most payouts belong to.
create function plans.m() returns text language sql immutable return 'S2020198627344';

-- Ten payouts of that merchant that are there from the beginning: pending, unknown or queued.
create function plans.orders(kind text) returns text[] language sql immutable
return case kind when 'pending' then '{O1,O2,O4,O5,O10,O11,O12,O14,O15,O20}' when 'unknown' then '{O6,O7,O8,O16,O17,O18}'
            else '{Q2,Q4,Q5,Q7,Q8,Q10,Q12,Q14,Q15,Q17}' end::text[];

create function plans.merchants(orders text[]) returns text[] language sql immutable
return array_fill(plans.m(), array[cardinality(orders)]);

-- One object for each payout: its row, and what `more` adds to each.
create function plans.rows(orders text[], more jsonb default '{}') returns jsonb language sql stable as $$
    select jsonb_agg(to_jsonb(p) || jsonb_build_object('request_sha256', encode(sha256(convert_to(p.order_num, 'UTF8')), 'hex'))
                     || more)
    from payout.payouts p where p.merchant_code = plans.m() and p.order_num = any (orders)
$$;

-- The same, with the number of the latest history row.
create function plans.moved(orders text[], more jsonb) returns jsonb language sql stable as $$
    select jsonb_agg(r || more || jsonb_build_object(
        'was_state', r -> 'state', 'last_seq',
        (select max(h.seq) from payout.history h where h.merchant_code = plans.m() and h.order_num = r ->> 'order_num')) || more)
    from jsonb_array_elements(plans.rows(orders)) r
$$;

create procedure plans.begin_claim(orders text[]) language sql as $$
    insert into payout.attempts (merchant_code, order_num, attempt, send_by, lease_until, worker, address, request_sha256, gateway)
    select p.merchant_code, p.order_num, p.attempt + 1, now() + interval '1 minute', now() + interval '2 minutes', 'payout',
           'db.example:5432', sha256(''), m.gateway
    from payout.payouts p join payout.merchants m on m.code = p.merchant_code
    where p.merchant_code = plans.m() and p.order_num = any (orders);
    insert into payout.history (merchant_code, order_num, event, from_state, to_state, source, attempt)
    select plans.m(), o, 'claimed', 'queued', 'submitting', 'worker', 1 from unnest(orders) o;
    insert into payout.ledger (merchant_code, kind, order_num, attempt, available, held)
    select plans.m(), 'hold', o, 1, -2000000, 2000000 from unnest(orders) o;
$$;

create procedure plans.begin_paid(orders text[]) language sql as $$
    insert into payout.evidence (merchant_code, order_num, attempt, source, kind, status, signed, detail, query_sent_at)
    select plans.m(), o, 1, 'query', 'found', 2, true, '{}', now() from unnest(orders) o;
    insert into payout.history (merchant_code, order_num, event, from_state, to_state, source, attempt)
    select plans.m(), o, 'reported_paid', 'pending', 'paid', 'query', 1 from unnest(orders) o;
    insert into payout.ledger (merchant_code, kind, order_num, attempt, held, paid_out)
    select p.merchant_code, 'capture', p.order_num, 1, -p.held, p.held
    from payout.payouts p where p.merchant_code = plans.m() and p.order_num = any (orders);
$$;

-- A request that two other people have agreed on, for one payout.
create function plans.request(wanted text, given text, decided text default 'approved') returns bigint language plpgsql as $$
declare
    made bigint;
begin
    set local session_replication_role = replica;
    insert into payout.requests (kind, requested_by, requested_by_oid, expires_at, reason, evidence, decision, decided_by,
                                 decided_by_oid, decided_at)
    select wanted, 'ani', 1, now() + interval '10 minutes', 'a test', 'bank statement', decided,
           case when decided is not null then 'budi' end, case when decided is not null then 2 end,
           case when decided is not null then now() end
    returning id into made;
    insert into payout.request_payouts (request_id, merchant_code, order_num) values (made, plans.m(), given);
    set local session_replication_role = origin;
    return made;
end $$;

create procedure plans.begin_resubmit(given text) language plpgsql as $$
begin
    perform plans.request('resubmit', given);
    insert into payout.attempts (merchant_code, order_num, attempt, send_by, lease_until, worker, address, request_sha256, gateway)
    select m.code, given, 2, now() + interval '1 minute', now() + interval '2 minutes', 'payout', 'db.example:5432', sha256(''),
           m.gateway
    from payout.merchants m where m.code = plans.m();
    insert into payout.history (merchant_code, order_num, event, from_state, to_state, source, attempt)
    values (plans.m(), given, 'resubmit_granted', 'unknown', 'submitting', 'operator', 2);
    update payout.evidence e set times = e.times + 1, query_sent_at = clock_timestamp()
    where e.merchant_code = plans.m() and e.order_num = given and e.kind = 'not_found';
end $$;

-- Claims are stopped: a failover was found.
create procedure plans.fail_over() language sql as $$
    update payout.failover set changed_at = now() - interval '2 hours', changed_to = identity, trusted_after = now() - interval '1 hour';
$$;
