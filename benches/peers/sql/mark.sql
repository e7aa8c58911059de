-- Committed before the request leaves: whoever gets the row may send it, once. $1: IDs; $2: seconds until the query.
with marked as (
    update peer.payouts
    set state = 'submitting', held = amount, next_query_at = now() + $2::int * interval '1 second'
    where id = any ($1::bigint[]) and state = 'queued'
    returning id, merchant_code, order_num, amount, fee_type, bank_code, account_number, account_name, description
), posted as (
    insert into peer.ledger (payout_id, entry, available, held)
    select id, 'hold', -amount, amount from marked
), account as (
    update peer.accounts a
    set available = a.available - m.amount, held = a.held + m.amount
    from (select merchant_code, sum(amount)::bigint as amount from marked group by 1) m
    where a.merchant_code = m.merchant_code
)
select id, order_num, amount::text as amount, fee_type::text as fee_type, bank_code, account_number, account_name,
       description
from marked
