-- What operators see before they decide: whether a payout may be sent once more, and on what proof.

-- The same rules that payout.guard_person() applies, for people to read: `refusal` is null when two people may.
create function payout.resubmit_proof(order_num text, merchant_code text default null,
                                      out quiet_until timestamptz, out not_known int, out first_at timestamptz,
                                      out last_at timestamptz, out refusal text)
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    p payout.payouts;
begin
    select q.* into p from payout.payouts q
    where q.order_num = resubmit_proof.order_num
      and (resubmit_proof.merchant_code is null or q.merchant_code = resubmit_proof.merchant_code)
    order by q.merchant_code limit 1;
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

revoke all on function payout.resubmit_proof(text, text) from public;
grant execute on function payout.resubmit_proof(text, text) to payout_reader, payout_operator, payout_worker;

-- `payout doctor` tells an operator too whether the schema is the program's. The table is the migrator's.
do $$ begin
    if to_regclass('payout._sqlx_migrations') is not null then
        grant select on payout._sqlx_migrations to payout_reader, payout_operator;
    end if;
end $$;
