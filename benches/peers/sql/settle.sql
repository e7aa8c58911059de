-- The end of a payout, by a callback or by the answer to a query. Evidence that differs from what was sent, or that
-- names another order of the platform, settles nothing (protocol P20). $1: merchant; the arrays: one value per order.
with evidence as (
    select *
    from unnest($2::text[], $3::bool[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[],
                $10::text[], $11::text[])
        as e (order_num, paid, platform_ref, fee, amount, fee_type, bank_code, account_number, account_name, description)
), settled as (
    update peer.payouts p
    set state = case when e.paid then 'paid' else 'failed' end, fee = e.fee, next_query_at = null,
        platform_ref = e.platform_ref
    from evidence e
    where p.merchant_code = $1 and p.order_num = e.order_num and p.state in ('submitting', 'submitted')
      -- The answer to the submit may come later than the callback, or never.
      and (p.platform_ref is null or p.platform_ref = e.platform_ref)
      and p.amount::text = coalesce(e.amount, p.amount::text)
      and p.fee_type::text = coalesce(e.fee_type, p.fee_type::text)
      and p.bank_code = coalesce(e.bank_code, p.bank_code)
      and p.account_number = coalesce(e.account_number, p.account_number)
      and p.account_name = coalesce(e.account_name, p.account_name)
      and p.description = coalesce(e.description, p.description)
    returning p.id, p.order_num, p.merchant_code, p.held, e.paid,
        case when e.paid then p.amount - case p.fee_type when 0 then e.fee else 0 end else 0 end as paid_out,
        case when e.paid then e.fee else 0 end as fees
), posted as (
    insert into peer.ledger (payout_id, entry, available, held, paid_out, fees)
    select id, case when paid then 'capture' else 'release' end, held - paid_out - fees, -held, paid_out, fees
    from settled
), account as (
    update peer.accounts a
    set available = a.available + s.held - s.paid_out - s.fees, held = a.held - s.held,
        paid_out = a.paid_out + s.paid_out, fees = a.fees + s.fees
    from (
        select merchant_code, sum(held)::bigint as held, sum(paid_out)::bigint as paid_out, sum(fees)::bigint as fees
        from settled group by 1
    ) s
    where a.merchant_code = s.merchant_code
)
select order_num from settled
