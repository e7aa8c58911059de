-- What a verified answer to a submit said. $1: IDs; $2: the platform's order numbers; $3: fees.
with recorded as (
    update peer.payouts p
    set state = 'submitted', platform_ref = a.platform_ref, fee = a.fee,
        held = p.amount + case p.fee_type when 1 then a.fee else 0 end
    from unnest($1::bigint[], $2::text[], $3::bigint[]) as a (id, platform_ref, fee)
    where p.id = a.id and p.state = 'submitting'
    returning p.id, p.merchant_code, p.held - p.amount as on_top
), posted as (
    insert into peer.ledger (payout_id, entry, available, held)
    select id, 'hold fee', -on_top, on_top from recorded where on_top > 0
), account as (
    update peer.accounts a
    set available = a.available - r.on_top, held = a.held + r.on_top
    from (select merchant_code, sum(on_top)::bigint as on_top from recorded where on_top > 0 group by 1) r
    where a.merchant_code = r.merchant_code
)
select id from recorded
