-- What operators see before they decide: whether a payout may be sent once more, and on what proof.

-- The same rules that payout.guard_person() applies, for people to read: `refusal` is null when two people may.
create function payout.resubmit_proof(order_num text, merchant_code text,
                                      out quiet_until timestamptz, out not_known int, out first_at timestamptz,
                                      out last_at timestamptz, out refusal text)
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    p payout.payouts;
begin
    select q.* into p from payout.payouts q
    where (q.merchant_code, q.order_num) = (resubmit_proof.merchant_code, resubmit_proof.order_num);
    if not found then
        raise exception 'there is no payout %', resubmit_proof.order_num using errcode = 'PW014';
    end if;
    quiet_until := payout.quiet_until(p);
    select coalesce(max(e.times), 0), min(e.first_at), max(e.last_at) into not_known, first_at, last_at
    from payout.evidence e
    where (e.merchant_code, e.order_num, e.attempt) = (p.merchant_code, p.order_num, p.attempt)
      and e.source = 'query' and payout.is_not_known(e.finding) and e.first_at >= payout.quiet_until(p);
    refusal := payout.why_no_resubmit(p);
end $$;

-- Says what it is and what it would have to be: "it is paid" alone does not tell what to do.
create or replace function payout.why_no_resolve(p payout.payouts, kind text) returns text
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    if kind = 'resolve_failed' and p.state not in ('pending', 'unknown') then
        return format('it is %s, and only a pending or unknown payout is given up as failed', p.state);
    elsif kind = 'resolve_paid' and p.state not in ('pending', 'unknown', 'failed') then
        return format('it is %s, and only a pending, unknown or failed payout is stated to be paid', p.state);
    elsif kind = 'resolve_returned' and p.state <> 'paid' then
        return format('it is %s, and only a paid payout can come back', p.state);
    end if;
    if kind = 'resolve_failed' and now() < payout.quiet_until(p) then
        return format('the quiet horizon ends at %s: it may still arrive',
                      to_char(payout.quiet_until(p), 'YYYY-MM-DD HH24:MI:SS TZ'));
    end if;
    if kind = 'resolve_returned' and p.held > 0 then
        return 'its fee is not known yet';
    end if;
    return null;
end $$;

revoke all on function payout.resubmit_proof(text, text) from public;
grant execute on function payout.resubmit_proof(text, text) to payout_reader, payout_operator, payout_worker;

-- `payout doctor` tells an operator too whether the schema is the program's. The table is the migrator's.
do $$ begin
    if to_regclass('payout._sqlx_migrations') is not null then
        grant select on payout._sqlx_migrations to payout_reader, payout_operator;
    end if;
end $$;
