-- Moves a payout along payout.transition with all that a move needs, as the worker does. `without` leaves one
-- thing out, or does it wrongly, so that the refusal can be seen.
create function public.step(wanted text, what text, without text default '') returns void
language plpgsql as $$
declare
    p payout.payouts;
    t payout.transition;
    moved bigint;
    gives bigint;
    next_attempt int;
    request bigint;
begin
    select * into strict p from payout.payouts where order_num = wanted;
    select * into strict t from payout.transition where from_state = p.state and event = what;
    next_attempt := p.attempt + (t.to_state = 'submitting' or what = 'found_after_failover')::int;

    if t.to_state = 'submitting' and without <> 'attempt' then
        insert into payout.attempts (merchant_code, order_num, attempt, send_by, lease_until, worker, request_sha256)
        values (p.merchant_code, p.order_num, next_attempt, now(), now(), 'test', sha256('body'));
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

    -- What two people do: the request, its approval and the gateway's repeated word. The rules of these have tests of
    -- their own, so here they are only put there.
    if what in ('resubmit_granted', 'resolved_failed', 'resolved_paid', 'resolved_returned') and without <> 'request' then
        perform set_config('session_replication_role', 'replica', true);
        insert into payout.requests (kind, requested_by, reason, evidence, decision, decided_by, decided_at)
        values (case what when 'resubmit_granted' then 'resubmit' else replace(what, 'resolved', 'resolve') end,
                'one', 'a test', 'a letter', 'approved', 'another', now())
        returning id into request;
        insert into payout.request_payouts (request_id, merchant_code, order_num)
        values (request, p.merchant_code, p.order_num);
        update payout.attempts a set quiet_until = now() - interval '1 hour'
        where (a.merchant_code, a.order_num, a.attempt) = (p.merchant_code, p.order_num, p.attempt);
        insert into payout.evidence (merchant_code, order_num, attempt, source, finding, detail, times)
        values (p.merchant_code, p.order_num, p.attempt, 'query', 'not_found', '{}', 3)
        on conflict do nothing;
        update payout.payouts q set attention = 'not_found', attention_since = now()
        where (q.merchant_code, q.order_num) = (p.merchant_code, p.order_num) and what = 'resubmit_granted';
        perform set_config('session_replication_role', 'origin', true);
    end if;

    if without <> 'evidence' and not (what in ('claimed', 'withdrawn', 'resubmit_granted') or what like 'resolved%') then
        insert into payout.evidence as e (merchant_code, order_num, attempt, source, finding, detail)
        select p.merchant_code, p.order_num, p.attempt,
               case when what in ('acknowledged', 'declined', 'not_sent') then 'submit'
                    when what = 'unanswered' then 'worker' else 'query' end,
               case what when 'reported_paid' then 'status_2' when 'reported_failed' then 'status_4'
                         when 'refusal_confirmed' then 'not_found_after_decline'
                         when 'found_after_failover' then 'status_0' when 'unanswered' then 'lease_expired' else what end,
               '{}'
        on conflict on constraint equal_findings_are_counted do update set times = e.times + 1;
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
