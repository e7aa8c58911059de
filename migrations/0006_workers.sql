-- The workers as they describe themselves, and from that whether payouts are sent now and, if not, why. People and views
-- read this; no rule rests on it.

-- The workers that ran within the last day. Each says about every ten seconds that it runs.
create table payout.workers (
    worker   text collate "C" primary key,  -- host name and process ID, as in payout.attempts
    version  text not null,
    since    timestamptz not null default now(),
    seen_at  timestamptz not null default now(),
    ended_at timestamptz  -- when it stopped as it was told to
);

-- Whether each of them claims, by merchant.
create table payout.worker_claims (
    worker        text collate "C" not null references payout.workers on delete cascade,
    merchant_code text collate "C" not null,
    slots         int not null,   -- how many requests it may have in flight
    in_flight     int not null,
    stopped_by    text,           -- why it claims nothing: a name of StopReason in crates/domain/src/stop.rs; null while it claims
    detail        text not null default '',
    since         timestamptz not null default now(),  -- since when stopped_by is what it is
    primary key (worker, merchant_code)
);

-- Whether a worker runs: it was seen within three of its intervals.
create function payout.is_running(w payout.workers) returns boolean
language sql stable
return (w).ended_at is null and (w).seen_at > now() - interval '30 seconds';

-- Whether payouts of each merchant are sent now. `stopped_by` is null while they are; else it is why not, gravest first:
-- read_only, failover, paused, no_worker, or what stops every worker of the merchant. What concerns only some payouts, as
-- a pause of a bank does, is not here.
create view payout.claims as
select m.code as merchant_code, running.workers, running.slots, running.in_flight, why.stopped_by, why.since, why.detail
from payout.merchants m
cross join lateral (
    select count(*)::int as workers, coalesce(sum(c.slots), 0)::int as slots, coalesce(sum(c.in_flight), 0)::int as in_flight,
           bool_or(c.stopped_by is null) as is_claiming
    from payout.workers w
    join payout.worker_claims c on c.worker = w.worker
    where c.merchant_code = m.code and payout.is_running(w)
) running
left join lateral (
    select s.stopped_by, s.since, s.detail
    from (
        select 0 as place, 'read_only' as stopped_by, null::timestamptz as since, '' as detail
        where pg_is_in_recovery()
        union all
        select 1, 'failover', f.changed_at, ''
        from payout.failover f
        where f.changed_at is not null
        union all
        select 2, 'paused', z.since, concat_ws(': ', z.actor, z.reason)
        from payout.pauses z
        where (z.scope, z.value) in (('all', ''), ('merchant', m.code))
        union all
        select 3, 'no_worker', (select max(w.seen_at) from payout.workers w
                                join payout.worker_claims c on c.worker = w.worker
                                where c.merchant_code = m.code), ''
        where running.workers = 0
        union all
        select 4, c.stopped_by, c.since, c.detail
        from payout.workers w
        join payout.worker_claims c on c.worker = w.worker
        where c.merchant_code = m.code and payout.is_running(w) and not running.is_claiming
    ) s
    order by s.place, s.since
    limit 1
) why on true;
