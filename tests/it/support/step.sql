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
begin
    select * into strict p from payout.payouts where order_num = wanted;
    select * into strict t from payout.transition where from_state = p.state and event = what;
    next_attempt := p.attempt + (t.to_state = 'submitting')::int;

    if t.to_state = 'submitting' and without <> 'attempt' then
        insert into payout.attempts (merchant_code, order_num, attempt, send_by, lease_until, worker, body_sha256)
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
