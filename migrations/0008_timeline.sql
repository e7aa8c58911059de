-- After a failover or a restore commits may be lost: a payout that was sent may stand here as queued again.

-- Which history of which database the workers have been claiming in. One row, made by the first worker.
create table payout.timeline (
    the_only_one boolean primary key default true,
    identity     text not null,
    since        timestamptz not null default now(),
    quiet_horizon interval not null,  -- of the workers: "not known" means nothing before it
    changed_at   timestamptz,  -- when a worker found another identity; nothing is claimed from then on
    accepted_by  text,
    reason       text,
    constraint there_is_one check (the_only_one)
);

-- System, timeline, database and table. The control file lags behind after a promotion, so the timeline is read from
-- the write position.
create function payout.identity() returns text
language sql stable security definer set search_path = pg_catalog, payout, pg_temp
return concat_ws('/', (select system_identifier from pg_control_system()),
                 left(pg_walfile_name(pg_current_wal_lsn()), 8),
                 (select oid from pg_database where datname = current_database()),
                 'payout.payouts'::regclass::oid);

-- A person's word that the old primary is dead and that what was found at the gateway has been looked at. Refused
-- until every queued payout was asked for after the quiet horizon, when nothing of before can still be on its way: one
-- that the gateway knows must not be sent from here.
create function payout.accept_timeline(reason text) returns text
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    unasked bigint;
begin
    if coalesce(length(btrim(accept_timeline.reason)), 0) not between 1 and 200 then
        raise exception 'a reason of 1 to 200 characters is required' using errcode = 'PW013';
    end if;
    if not exists (select from payout.timeline t where t.changed_at is not null or t.identity <> payout.identity()) then
        raise exception 'this is the history that payouts were claimed in: there is nothing to accept'
            using errcode = 'PW019', hint = 'Look at payout.timeline.';
    end if;
    select count(*) into unasked
    from payout.timeline t
    join payout.payouts p on p.state = 'queued' and p.attention is null
    where not exists (
        select from payout.evidence e
        where (e.merchant_code, e.order_num, e.attempt) = (p.merchant_code, p.order_num, p.attempt)
          and e.source = 'query' and e.finding like 'not\_found%' and e.last_at > t.changed_at + t.quiet_horizon);
    if unasked > 0 then
        raise exception '% queued payouts have not been asked for since the quiet horizon after the change', unasked
            using errcode = 'PW019', hint = 'The workers ask for them; look again after the horizon: select * from payout.timeline.';
    end if;
    update payout.timeline t
    set identity = payout.identity(), since = now(), changed_at = null, accepted_by = session_user,
        reason = accept_timeline.reason;
    return 'claims go on';
end $$;

-- What stands as queued may have been sent: withdrawing it would invite somebody to pay it another way.
create function payout.refuse_cancel_after_failover() returns trigger
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    if exists (select from payout.timeline t where t.changed_at is not null or t.identity <> payout.identity()) then
        raise exception 'payout % cannot be cancelled now: after a failover it may have been sent', new.order_num
            using errcode = 'PW019', hint = 'Wait until payout.accept_timeline was called, then look at it again.';
    end if;
    return new;
end $$;

create trigger refuse_cancel_after_failover before update on payout.payouts
    for each row when (new.state = 'cancelled' and old.state <> 'cancelled')
    execute function payout.refuse_cancel_after_failover();

revoke all on function payout.refuse_cancel_after_failover() from public;
revoke all on function payout.identity(), payout.accept_timeline(text) from public;
grant execute on function payout.identity() to payout_worker, payout_operator, payout_reader;
grant execute on function payout.accept_timeline(text) to payout_operator;
grant select on payout.timeline to payout_worker, payout_operator, payout_reader;
grant insert on payout.timeline to payout_worker;
grant update (changed_at, quiet_horizon) on payout.timeline to payout_worker;
