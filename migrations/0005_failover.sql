-- The fence after a failover, a restore or an older snapshot put back: commits may be lost, so a payout that was sent
-- may appear here as queued, or not at all (I11).

-- The database that the workers claim in. One row, inserted by the first worker.
create table payout.failover (
    the_only_one      boolean primary key default true,
    identity          text not null,
    epoch             int not null default 1,  -- counts acceptances; a worker's witness from an older epoch is void
    since             timestamptz not null default now(),
    quiet_horizon     interval not null,  -- the workers' own, plus the time in which they may still begin to send
    changed_at        timestamptz,  -- when a worker found another identity or a lost claim; nothing is claimed since
    changed_to        text,         -- the identity that it found
    lost_claims       text[] not null default '{}',  -- claims that were missing then, by the hash of their request
    trusted_after     timestamptz,  -- changed_at plus the quiet horizon: from then on "not found" proves something again
    query_first_until timestamptz,  -- after an acceptance: until then each payout is queried before its first claim
    accepted_by       text,
    reason            text,
    constraint there_is_one check (the_only_one),
    constraint a_change_has_its_horizon check (changed_at is null or trusted_after is not null)
);

-- Every horizon rests on this server's clock, so the workers compare it with their boot clocks. A jump is not elapsed time:
-- it is marked here, once for all workers, and the quiet horizons restart (I10).
create table payout.clock (
    the_only_one  boolean primary key default true,
    compared_at   timestamptz,      -- when a worker last found it steady
    jumped_at     timestamptz,      -- when a worker last found a jump, by the time after it
    jumped_by     interval,
    trusted_after timestamptz,      -- from then on "not found" proves something again
    jumps         int not null default 0,  -- in a row, each within a day of the one before
    constraint there_is_one check (the_only_one)
);

insert into payout.clock default values;

-- Until when answers prove nothing, because commits may be lost or the clock jumped; null if never so. In PL/pgSQL, which
-- keeps the plan: as SQL it is planned at each call, and every batch of answers calls it.
create function payout.trusted_after() returns timestamptz
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    return greatest((select f.trusted_after from payout.failover f), (select c.trusted_after from payout.clock c));
end $$;

-- The longest quiet horizon of all workers, with the time in which they may still begin to send.
create function payout.longest_horizon() returns interval
language sql stable security definer set search_path = pg_catalog, payout, pg_temp
return coalesce((select f.quiet_horizon from payout.failover f),
                (select x.quiet_horizon_default from payout.policy x));

-- Marks a jump that a worker found; it last found the clock steady `compared_ago` by its own clock. If another worker has
-- marked the same jump since then, that is enough: the horizons restart once. Returns whether this is the first mark.
create function payout.note_clock_jump(by interval, compared_ago interval) returns boolean
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    tolerance interval := (select x.clock_tolerance from payout.policy x);
begin
    update payout.clock c
    set compared_at = clock_timestamp(), jumped_at = clock_timestamp(), jumped_by = note_clock_jump.by,
        trusted_after = clock_timestamp() + payout.longest_horizon(),
        -- The time since the jump before, without what this jump adds to it.
        jumps = case when clock_timestamp() - c.jumped_at - note_clock_jump.by <= interval '1 day' then c.jumps else 0 end + 1
    where c.jumped_at is null
       or c.jumped_at not between clock_timestamp() - note_clock_jump.compared_ago - tolerance
                              and clock_timestamp() + tolerance
       or c.jumped_by not between note_clock_jump.by - tolerance and note_clock_jump.by + tolerance;
    return found;
end $$;

-- Called by a worker that starts and so has nothing to compare with. After a time in which no worker compared the clock,
-- nobody knows how much of it has really passed. Returns whether the horizons restart.
create function payout.begin_clock_watch() returns boolean
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    update payout.clock c
    set compared_at = clock_timestamp(), trusted_after = clock_timestamp() + payout.longest_horizon()
    from payout.policy x
    where c.compared_at not between clock_timestamp() - x.clock_unwatched_max and clock_timestamp() + x.clock_tolerance;
    return found;
end $$;

-- The system, timeline, database and table, as Postgres names them. The second is read from the write position, because
-- the control file lags behind after a promotion; the third from the path of the table's file, which names the folder of
-- the database last, because looking into pg_database takes several times as long.
create function payout.identity() returns text
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    return concat_ws('/', (pg_control_system()).system_identifier,
                     left(pg_walfile_name(pg_current_wal_lsn()), 8),
                     split_part(pg_relation_filepath('payout.payouts'::regclass), '/', -2),
                     'payout.payouts'::regclass::oid);
end $$;

-- Whether a queued payout provably was not sent in the lost commits: the gateway did not find it at a time when nothing
-- could be on its way any more. A dialect in which "not found" proves nothing can never give that proof, so payouts
-- inserted there after the acceptance need none.
create function payout.is_proven_unsent(p payout.payouts) returns boolean
language sql stable security definer set search_path = pg_catalog, payout, pg_temp
return exists (select from payout.failover f, payout.merchants m
               where m.code = (p).merchant_code and not m.not_found_is_proof and f.changed_at is null
                 and (p).created_at >= f.since)
    or exists (select from payout.evidence e
               where (e.merchant_code, e.order_num, e.attempt) = ((p).merchant_code, (p).order_num, (p).attempt)
                 and e.source = 'query' and e.kind = 'not_found' and e.proves = 'absence'
                 and e.query_sent_at > payout.trusted_after());

-- Until when "not found" means nothing for a payout that was sent: the end of the quiet horizon of its last attempt.
-- After lost commits, which may have sent it once more, or a jump of the clock, at least the time from which answers
-- count again.
create function payout.quiet_until(p payout.payouts) returns timestamptz
language sql stable security definer set search_path = pg_catalog, payout, pg_temp
return greatest(payout.trusted_after(),
                coalesce((select coalesce(a.quiet_until, a.send_by + x.quiet_horizon_default)
                          from payout.attempts a, payout.policy x
                          where (a.merchant_code, a.order_num, a.attempt) = ((p).merchant_code, (p).order_num, (p).attempt)),
                         -- Found at the gateway after a restore: nobody knows when it was sent.
                         (p).state_since + (select x.quiet_horizon_default from payout.policy x)));

-- Whether queued payouts need that proof before they are claimed.
create function payout.must_query_first() returns boolean
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    return exists (select from payout.failover f where f.changed_at is not null or f.query_first_until > now());
end $$;

-- Stops claims: a worker found another identity, or that a claim it knows to be committed (`lost`, made in epoch
-- `seen_epoch`) is gone. Each new finding restarts the quiet horizon, even before an earlier one is accepted, because
-- that acceptance and the claims after it may be lost too. Returns whether the finding is new.
create function payout.note_failover(why text, lost text default null, seen_epoch int default 0) returns boolean
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    update payout.failover f
    set changed_at = now(), trusted_after = clock_timestamp() + f.quiet_horizon, query_first_until = null,
        changed_to = payout.identity(), reason = note_failover.why, epoch = greatest(f.epoch, seen_epoch),
        lost_claims = f.lost_claims || array_remove(array[lost], null)
    where f.changed_at is null or f.changed_to is distinct from payout.identity() or lost <> all (f.lost_claims);
    return found;
end $$;

---- Addresses

-- The addresses under which workers may reach this database. A copy of the data folder has the same identity and the
-- same set, but is reached by another address, so its workers claim nothing (I11). `payout migrate` registers the first.
-- A removed one stays as a record; registered again, it has a further row.
create table payout.addresses (
    address       text collate "C" not null,  -- as payout spells it: db.example:5432, machine:1f0c…:5432
    reason        text not null,
    registered_by text not null default session_user,
    approved_by   text,                            -- null for the first ones, which `payout migrate` registers
    registered_at timestamptz not null default now(),
    removed_at    timestamptz,                     -- since then nothing is claimed by it
    removed_by    text,                            -- who requested that
    removal_approved_by text,
    primary key (address, registered_at),
    constraint removed_whole
        check ((removed_at is null) = (removed_by is null) and (removed_at is null) = (removal_approved_by is null)),
    constraint address_ends_with_a_port check (address ~ '^[^[:space:][:cntrl:]]{1,200}:[0-9]{1,5}$')
);

create unique index address_registered_once on payout.addresses (address) where removed_at is null;

---- Storage

-- Storage that writes each page whole (ZFS, and that of some providers) is sound without full_page_writes. Somebody says
-- so, with a reason. It holds for this database in this epoch: a failover or a restore may lead to other storage. There
-- is no such word for fsync or synchronous_commit.
create table payout.whole_pages (
    identity text not null,
    epoch    int not null,
    reason   text not null,
    actor    text not null default session_user,
    at       timestamptz not null default clock_timestamp(),
    primary key (identity, epoch)
);

-- Who said that full_page_writes may be off here, and why; null if nobody did.
create function payout.whole_pages_by() returns text
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    return (select format('%s: %s', w.actor, w.reason) from payout.whole_pages w, payout.failover f
            where (w.identity, w.epoch) = (f.identity, f.epoch) and f.identity = payout.identity());
end $$;

---- Receiving

-- Whether this database receives the rows of another one by replication, for a planned move. Two people mark it. While it
-- does, nothing is claimed here; when it ends, the fence goes up as after a failover (I11). Nothing of this is replicated.
create table payout.receiving (
    the_only_one     boolean primary key default true,
    reason           text not null,
    requested_by     text not null default session_user,
    requested_by_oid oid not null default payout.login_oid(),
    requested_at     timestamptz not null default clock_timestamp(),
    approved_by      text,
    approved_at      timestamptz,
    ended_by         text,
    ended_at         timestamptz,
    constraint there_is_one check (the_only_one),
    constraint approved_whole check ((approved_by is null) = (approved_at is null)),
    constraint ended_whole check ((ended_by is null) = (ended_at is null)),
    constraint ended_after_approval check (ended_at is null or approved_at is not null)
);

create function payout.is_receiving() returns boolean
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    return exists (select from payout.receiving r where r.approved_at is not null and r.ended_at is null);
end $$;
