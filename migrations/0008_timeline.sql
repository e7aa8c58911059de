-- After a failover or a restore commits may be lost: a payout that was sent may stand here as queued, or not at all.

-- Which history of which database the workers have been claiming in. One row, made by the first worker.
create table payout.failover (
    the_only_one boolean primary key default true,
    identity     text not null,
    epoch        int not null default 1,  -- counts acceptances; a worker's witness of an older one is void
    since        timestamptz not null default now(),
    quiet_horizon interval not null,  -- of the workers, with the time in which they may still begin to send
    changed_at   timestamptz,  -- when a worker found another history; nothing is claimed from then on
    changed_to   text,         -- the identity that was found then
    lost_claims  text[] not null default '{}',  -- claims that were missing then, by the hash of their request
    trusted_after timestamptz, -- changed_at and the quiet horizon: from here on "not known" proves that nothing is on its way
    query_first_until timestamptz, -- after an acceptance: until then each payout is asked for before its first claim
    accepted_by  text,
    reason       text,
    constraint there_is_one check (the_only_one),
    constraint a_change_has_its_horizon check (changed_at is null or trusted_after is not null)
);

-- System, timeline, database and table. The control file lags behind after a promotion, so the timeline is read from
-- the write position.
create function payout.identity() returns text
language sql stable security definer set search_path = pg_catalog, payout, pg_temp
return concat_ws('/', (select system_identifier from pg_control_system()),
                 left(pg_walfile_name(pg_current_wal_lsn()), 8),
                 (select oid from pg_database where datname = current_database()),
                 'payout.payouts'::regclass::oid);

-- The proof that a queued payout was not sent in the lost part of the history: the gateway did not know it when
-- nothing could be on its way any more.
create function payout.is_proven_unsent(p payout.payouts) returns boolean
language sql stable security definer set search_path = pg_catalog, payout, pg_temp
return exists (select from payout.failover t, payout.merchants m
               where m.code = (p).merchant_code and m.dialect = 'toppay' and t.changed_at is null
                 and (p).created_at >= t.since)
    or exists (select from payout.evidence e, payout.failover t
               where (e.merchant_code, e.order_num, e.attempt) = ((p).merchant_code, (p).order_num, (p).attempt)
                 and e.source = 'query' and e.finding = 'not_found' and e.query_sent_at > t.trusted_after);

-- Until when "not known" means nothing for a payout that was sent: the quiet horizon of its last attempt, and after lost
-- commits, as it may have been sent once more in that part, the time from which anything is believed again.
create function payout.quiet_until(p payout.payouts) returns timestamptz
language sql stable security definer set search_path = pg_catalog, payout, pg_temp
return greatest((select t.trusted_after from payout.failover t),
                coalesce((select coalesce(a.quiet_until, a.send_by + interval '30 minutes')
                          from payout.attempts a
                          where (a.merchant_code, a.order_num, a.attempt) = ((p).merchant_code, (p).order_num, (p).attempt)),
                         -- Found at the gateway after a restore: nobody here knows when it was sent.
                         (p).state_since + interval '30 minutes'));

-- Whether queued payouts need that proof before they are claimed. (A dialect without a word for "not known" can never
-- give it: what is inserted there after the acceptance goes without.)
create function payout.must_query_first() returns boolean
language sql stable security definer set search_path = pg_catalog, payout, pg_temp
return exists (select from payout.failover t where t.changed_at is not null or t.query_first_until > now());

-- A backend inserts again what a failover took from it. It is asked for at once.
create function payout.query_before_claim() returns trigger
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    if payout.must_query_first() then
        new.next_query_at := now();
    end if;
    return new;
end $$;

-- After check_instruction, which clears what a caller may not set: triggers fire in the order of their names.
create trigger query_before_claim before insert on payout.payouts
    for each row execute function payout.query_before_claim();

-- Stops claims: a worker found another identity, or that a claim which it knows to be committed (`lost`, made in epoch
-- `seen_epoch`) is not here. Each such finding begins the quiet horizon anew, also while an earlier change is not accepted
-- yet: commits of its acceptance, and claims made after it, may be among what is lost. Returns whether it is a new one.
create function payout.note_failover(why text, lost text default null, seen_epoch int default 0) returns boolean
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    update payout.failover t
    set changed_at = now(), trusted_after = clock_timestamp() + t.quiet_horizon, query_first_until = null,
        changed_to = payout.identity(), reason = note_failover.why, epoch = greatest(t.epoch, seen_epoch),
        lost_claims = t.lost_claims || lost
    where t.changed_at is null or t.changed_to is distinct from payout.identity() or not lost = any (t.lost_claims);
    return found;
end $$;

-- A person's word since when the old primary is dead (after a restore: since when nobody writes to the old state), and
-- that what was found at the gateway has been looked at. Whoever was still connected to it could send until it died, so
-- the quiet horizon counts from there: when that is later than was assumed, all is asked for again, and this says so. Refused
-- until every payout queued by then was asked for after the quiet horizon, when nothing of before can still be on its way: one
-- that the gateway knows is not sent from here. Backends may still insert again what they lost, so for `query_first_for`
-- each payout is asked for before it is claimed.
--
-- What cannot be asked for (a dialect without a word for "not known", a gateway that is gone) keeps all others waiting.
-- With `set_aside` those payouts get the attention "unproven" instead: they are not claimed until somebody decides.
create function payout.accept_failover(reason text, old_primary_dead_since timestamptz,
                                       query_first_for interval default '30 days',
                                       set_aside boolean default false) returns text
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    not_queried bigint;
    again timestamptz;
begin
    if old_primary_dead_since is null or old_primary_dead_since > clock_timestamp() then
        raise exception 'old_primary_dead_since must be a time in the past' using errcode = 'PW013',
            hint = 'Since when can nobody write to the old primary any more? Once stated, give the same time again.';
    end if;
    if coalesce(length(btrim(accept_failover.reason)), 0) not between 1 and 200 then
        raise exception 'a reason of 1 to 200 characters is required' using errcode = 'PW013';
    end if;
    if query_first_for is null or query_first_for < interval '1 day' then
        raise exception 'query_first_for must be a day or more' using errcode = 'PW013',
            hint = 'Backends insert again what they lost; each payout is asked for before its first claim meanwhile.';
    end if;
    if not exists (select from payout.failover t where t.changed_at is not null) then
        raise exception 'no worker has found another history: there is nothing to accept'
            using errcode = 'PW019', hint = 'Look at payout.failover; a running worker finds a change within seconds.';
    end if;
    if exists (select from payout.failover t where t.changed_to is distinct from payout.identity()) then
        raise exception 'the history changed once more: all is asked for again' using errcode = 'PW019',
            hint = 'The quiet horizon begins anew; look again after payout.failover.trusted_after.';
    end if;
    update payout.failover t set trusted_after = old_primary_dead_since + t.quiet_horizon
    where t.trusted_after < old_primary_dead_since + t.quiet_horizon
    returning t.trusted_after into again;
    if found and again > clock_timestamp() then
        return format('not yet: the old primary lived longer than was assumed, so all is asked for again; accept with the same time after %s',
                      to_char(again, 'YYYY-MM-DD HH24:MI:SS TZ'));
    end if;
    if set_aside and exists (select from payout.failover t where t.trusted_after < clock_timestamp()) then
        with aside as (
            update payout.payouts p set attention = 'unproven', parked = false
            where p.state = 'queued' and (p.attention is null or p.attention = 'insufficient_funds')
              and not payout.is_proven_unsent(p)
            returning p.merchant_code, p.order_num, p.attempt)
        insert into payout.history (merchant_code, order_num, event, source, attempt, detail)
        select a.merchant_code, a.order_num, 'attention_raised', 'operator', a.attempt,
               jsonb_build_object('attention', 'unproven', 'reason', accept_failover.reason)
        from aside a;
    end if;
    -- Those inserted later are asked for before their own claim, so that traffic need not stop for this.
    select count(*) into not_queried
    from payout.payouts p, payout.failover t
    where p.state = 'queued' and (p.attention is null or p.attention = 'insufficient_funds')
      and p.created_at < t.trusted_after and not payout.is_proven_unsent(p);
    if not_queried > 0 or not exists (select from payout.failover t where t.trusted_after < clock_timestamp()) then
        raise exception '% queued payouts have not been asked for since the quiet horizon after the change', not_queried
            using errcode = 'PW019', hint = 'The workers ask for them; look again after payout.failover.trusted_after. '
            'What cannot be asked for: set_aside => true.';
    end if;
    update payout.failover t
    set identity = payout.identity(), epoch = t.epoch + 1, since = now(), changed_at = null, changed_to = null,
        lost_claims = '{}', accepted_by = session_user,
        query_first_until = now() + query_first_for, reason = accept_failover.reason;
    return 'claims go on';
end $$;

-- What stands as queued may have been sent: withdrawing it would invite somebody to pay it another way.
create function payout.refuse_cancel_after_failover() returns trigger
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    if exists (select from payout.failover t where t.changed_at is not null or t.identity <> payout.identity())
       or (payout.must_query_first() and not payout.is_proven_unsent(old) and old.attention is distinct from 'unproven') then
        raise exception 'payout % cannot be cancelled now: after a failover it may have been sent', new.order_num
            using errcode = 'PW019', hint = 'Wait until it has been asked for and payout.accept_failover was called.';
    end if;
    return new;
end $$;

create trigger refuse_cancel_after_failover before update on payout.payouts
    for each row when (new.state = 'cancelled' and old.state <> 'cancelled')
    execute function payout.refuse_cancel_after_failover();

revoke all on function payout.quiet_until(payout.payouts), payout.refuse_cancel_after_failover(), payout.query_before_claim(), payout.identity(),
                       payout.is_proven_unsent(payout.payouts), payout.must_query_first(),
                       payout.note_failover(text, text, int), payout.accept_failover(text, timestamptz, interval, boolean) from public;
grant execute on function payout.identity() to payout_worker, payout_operator, payout_reader;
grant execute on function payout.is_proven_unsent(payout.payouts), payout.must_query_first(),
                          payout.note_failover(text, text, int) to payout_worker;
grant execute on function payout.accept_failover(text, timestamptz, interval, boolean) to payout_operator;
grant select on payout.failover to payout_worker, payout_operator, payout_reader;
grant insert on payout.failover to payout_worker;
grant update (quiet_horizon) on payout.failover to payout_worker;
