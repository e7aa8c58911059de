-- The evidence that the worker stores with each move, written out here apart from payout.required_evidence.
create function public.usual_evidence(event text) returns jsonb language sql immutable as $$
    select case event
        when 'not_sent' then '{"source": "submit", "kind": "not_sent"}'
        when 'acknowledged' then '{"source": "submit", "kind": "acknowledged", "status": 0}'
        when 'declined' then '{"source": "submit", "kind": "declined"}'
        when 'unanswered' then '{"source": "worker", "kind": "lease_expired"}'
        when 'refusal_confirmed' then '{"source": "query", "kind": "not_found", "proves": "refusal", "times": 2}'
        when 'found_after_failover' then '{"source": "query", "kind": "found", "status": 0, "signed": true}'
        when 'reported_paid' then '{"source": "query", "kind": "found", "status": 2, "signed": true}'
        when 'reported_failed' then '{"source": "query", "kind": "found", "status": 4, "signed": true}'
        when 'resolved_paid' then '{"source": "operator", "kind": "resolved_paid"}'
        when 'resolved_failed' then '{"source": "operator", "kind": "resolved_failed"}'
        when 'resolved_returned' then '{"source": "operator", "kind": "resolved_returned"}'
    end::jsonb
$$;

-- Stores a piece of evidence of this transaction. `apart` is how many seconds after the first the latest query was sent.
create function public.receive(wanted text, given jsonb) returns void language sql as $$
    insert into payout.evidence as e (merchant_code, order_num, attempt, source, kind, status, signed, bound, mismatch,
                                      doubt, proves, refused, times, first_at, query_sent_at, detail)
    select p.merchant_code, p.order_num, p.attempt, g.source, g.kind, g.status, g.signed, g.bound, g.mismatch, g.doubt,
           g.proves, coalesce(g.refused, false), coalesce(g.times, 1),
           clock_timestamp() - make_interval(secs => coalesce(g.apart, 0)), clock_timestamp(), '{}'
    from payout.payouts p,
         jsonb_to_record(given) g (source text, kind text, status smallint, signed boolean, bound boolean, mismatch text,
                                   doubt text, proves text, refused boolean, times int, apart float)
    where p.order_num = wanted
    on conflict on constraint equal_evidence_is_counted
    do update set times = e.times + excluded.times, query_sent_at = excluded.query_sent_at
$$;

-- What two people do: the request, its approval, and the gateway's repeated answers. The rules of these have tests of their
-- own, so here they are only put there.
create function public.approve_for(p payout.payouts, what text) returns void language plpgsql as $$
declare
    request bigint;
begin
    perform set_config('session_replication_role', 'replica', true);
    update payout.attempts a set quiet_until = now() - interval '1 hour'
    where (a.merchant_code, a.order_num, a.attempt) = (p.merchant_code, p.order_num, p.attempt);
    insert into payout.evidence (merchant_code, order_num, attempt, source, kind, proves, detail, times, xid, query_sent_at)
    values (p.merchant_code, p.order_num, p.attempt, 'query', 'not_found', 'absence', '{}', 3, '3', clock_timestamp())
    on conflict do nothing;
    insert into payout.requests (kind, requested_by, requested_by_oid, reason, evidence, expires_at, decision, decided_by,
                                 decided_by_oid, decided_at)
    values (case what when 'resubmit_granted' then 'resubmit' when 'withdrawn' then 'cancel'
                      else replace(what, 'resolved', 'resolve') end,
            'one', 1, 'a test', 'a letter', now() + interval '10 minutes', 'approved', 'another', 2,
            case what when 'withdrawn' then now() else clock_timestamp() end)
    returning id into request;
    insert into payout.request_payouts (request_id, merchant_code, order_num)
    values (request, p.merchant_code, p.order_num);
    update payout.payouts q set attention_reasons = '{not_found}', attention_since = now()
    where (q.merchant_code, q.order_num) = (p.merchant_code, p.order_num) and what = 'resubmit_granted';
    perform set_config('session_replication_role', 'origin', true);
end $$;

-- Moves a payout with all that a move needs, as the worker does. `without` leaves one thing out, or does it wrongly, so that
-- the refusal can be seen; `given` stands in for the usual evidence; `target` names a state that the table does not lead to.
create function public.step(wanted text, what text, without text default '', given jsonb default null,
                            target text default null) returns void
language plpgsql as $$
declare
    p payout.payouts;
    t payout.transition;
    moved bigint;
    gives bigint;
    next_attempt int;
begin
    select * into strict p from payout.payouts where order_num = wanted;
    if target is null then
        select * into strict t from payout.transition where from_state = p.state and event = what;
    else
        t := (p.state, what, target, 'none');
        t.posting := coalesce((select x.posting from payout.transition x where x.event = what and x.to_state = target
                               order by x.from_state = p.state desc limit 1), 'none');
    end if;
    next_attempt := p.attempt + (t.to_state = 'submitting' or what = 'found_after_failover')::int;

    if t.to_state = 'submitting' and without <> 'attempt' then
        insert into payout.attempts (merchant_code, order_num, attempt, send_by, lease_until, worker, request_sha256,
                                     address, gateway)
        select p.merchant_code, p.order_num, next_attempt, now(), now(), 'test', sha256('body'),
               (select min(a.address) from payout.addresses a),
               case without when 'registered gateway' then payout.gateway_digest('bdpay', 'https://gateway.example', '{}')
                            else m.gateway end
        from payout.merchants m where m.code = p.merchant_code;
    end if;
    if what = 'not_sent' and without <> 'outcome' then
        update payout.attempts a set outcome = 'not_sent', outcome_at = now()
        where (a.merchant_code, a.order_num, a.attempt) = (p.merchant_code, p.order_num, p.attempt);
    end if;

    gives := case t.posting when 'hold' then p.amount when 'capture' then -p.held when 'release' then -p.held else 0 end;
    if t.posting <> 'none' and without <> 'ledger' then
        insert into payout.ledger (merchant_code, kind, order_num, attempt, available, held, paid_out)
        select p.merchant_code, case without when 'right kind' then 'fee_corrected' else t.posting end, p.order_num,
               next_attempt, -gives - paid, gives, paid
        from (select case t.posting when 'capture' then p.amount when 'late_capture' then p.amount
                                    when 'return' then -p.amount else 0 end) x (paid);
    end if;
    if (what in ('resubmit_granted', 'resolved_failed', 'resolved_paid', 'resolved_returned')
        or what = 'withdrawn' and 'unproven' = any (p.attention_reasons)) and without <> 'request' then
        perform public.approve_for(p, what);
    end if;
    if without <> 'evidence' then
        perform public.receive(wanted, coalesce(given, public.usual_evidence(what)))
        where coalesce(given, public.usual_evidence(what)) <> '{}';
    end if;

    insert into payout.history (merchant_code, order_num, event, from_state, to_state, source, attempt)
    values (p.merchant_code, p.order_num, what, t.from_state, t.to_state, 'worker', next_attempt)
    returning seq into moved;

    update payout.payouts q
    set state = t.to_state, last_seq = case without when 'history' then q.last_seq else moved end,
        attempt = next_attempt,
        sends = q.sends + case without when 'count' then 0 else (t.to_state = 'submitting')::int end,
        not_sent = q.not_sent + (what = 'not_sent')::int,
        resubmits_granted = q.resubmits_granted + (what = 'resubmit_granted')::int,
        held = q.held + gives,
        settled_at = case when s.final then coalesce(q.settled_at, now()) end,
        send_by = case when t.to_state = 'submitting' then now() else q.send_by end,
        lease_until = case when t.to_state = 'submitting' then now() end
    from payout.state s
    where s.name = t.to_state and (q.merchant_code, q.order_num) = (p.merchant_code, p.order_num);
end $$;

-- Tries every piece of evidence for every move from one state, and takes each try back: every move of the table, and for
-- every target that no move leads to, the event that the evidence is usual for. `given` maps names to evidence; the payout
-- in a state has the state's name. Returns what the database accepts.
create function public.accepted(given jsonb, tried_from text, legal_only boolean)
returns table (from_state text, event text, to_state text, evidence text) language plpgsql as $$
#variable_conflict use_column
declare
    try record;
begin
    for try in
        select t.from_state, t.event, t.to_state, g.key as evidence, g.value as what
        from payout.transition t, jsonb_each(given) g
        where t.from_state = tried_from
        union all
        select tried_from, coalesce((select e.name from payout.event e
                                     where public.usual_evidence(e.name) ->> 'kind' = g.value ->> 'kind'
                                       and public.usual_evidence(e.name) -> 'status' is not distinct from g.value -> 'status'
                                     limit 1), 'claimed'), s.name, g.key, g.value
        from payout.state s, jsonb_each(given) g
        where not legal_only and s.name <> tried_from
          and not exists (select from payout.transition t where (t.from_state, t.to_state) = (tried_from, s.name))
    loop
        begin
            if try.what ->> 'of' = 'another' then
                perform public.receive('another', try.what);
            end if;
            perform public.step(try.from_state, try.event, '',
                                case when try.what ? 'of' then '{}' else try.what end, try.to_state);
            raise exception using errcode = 'PWYES';
        exception
            when sqlstate 'PWYES' then
                return query select try.from_state, try.event, try.to_state, try.evidence;
            when others then
                if left(sqlstate, 2) not in ('PW', '23') then
                    raise;
                end if;
        end;
    end loop;
end $$;
