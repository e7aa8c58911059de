-- Open payouts whose status is queried now; the next query is put off first. $1: how many; $2: seconds until the next.
update peer.payouts
set next_query_at = now() + $2::int * interval '1 second'
where id in (
    select id from peer.payouts where next_query_at <= now() order by next_query_at limit $1 for update skip locked
)
returning order_num
