-- What no role may do, the owner included. Each refusal has a stable SQLSTATE, a sentence and a hint.

-- Whether the message that makes this move is stored by this transaction (I3, I5). What people and claims do is noted
-- elsewhere: in payout.requests, in payout.attempts, in the history itself.
create function payout.is_evidenced(event text, merchant text, wanted text) returns boolean
language sql stable set search_path = pg_catalog, payout, pg_temp
return event in ('claimed', 'withdrawn', 'resubmit_granted', 'resolved_paid', 'resolved_failed', 'resolved_returned')
    or exists (
        select from payout.evidence e
        where e.merchant_code = merchant and e.order_num = wanted and e.xid = pg_current_xact_id()
          and case event
                  when 'reported_paid' then e.source in ('query', 'callback') and e.finding like 'status\_2%'
                  when 'reported_failed' then e.source = 'query' and e.finding ~ '^status_[34]'
                  when 'refusal_confirmed' then e.source = 'query' and e.finding = 'not_found_after_decline'
                  when 'found_after_failover' then e.source = 'query' and e.finding ~ '^status_'
                  when 'declined' then e.source = 'submit' and e.finding = 'declined'
                  when 'not_sent' then e.source = 'submit' and e.finding = 'not_sent'
                  else true
              end);

create function payout.guard_payout() returns trigger
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
declare
    move payout.transition;
    booked payout.ledger;
begin
    if (new.merchant_code, new.order_num, new.amount, new.fee_type, new.bank_code, new.account_number,
        new.account_name, new.priority, new.created_at, new.created_by)
       is distinct from
       (old.merchant_code, old.order_num, old.amount, old.fee_type, old.bank_code, old.account_number,
        old.account_name, old.priority, old.created_at, old.created_by)
       or (new.description, new.replaces, new.not_before, new.metadata)
          is distinct from (old.description, old.replaces, old.not_before, old.metadata) then
        raise exception 'payout %: the instruction is frozen after insert', old.order_num
            using errcode = 'PW011', hint = 'Cancel it while it is queued and insert a new order_num.';
    end if;
    if new.attention is distinct from old.attention then
        new.attention_since := case when new.attention is not null then now() end;
    end if;

    select * into booked from payout.ledger l
    where l.merchant_code = old.merchant_code and l.order_num = old.order_num
      and l.xid = pg_current_xact_id() and l.attempt = new.attempt
    order by l.id desc limit 1;
    -- The sum, not the last entry: one entry must not change what is held twice.
    if (new.held <> old.held or booked.id is not null)
       and new.held <> (select coalesce(sum(l.held), 0) from payout.ledger l
                        where (l.merchant_code, l.order_num) = (old.merchant_code, old.order_num)) then
        raise exception 'payout %: what is held changes only with a ledger entry', old.order_num
            using errcode = 'PW012';
    end if;

    if new.state = old.state then
        if (new.attempt, new.sends, new.resubmits_granted, new.last_seq)
           is distinct from (old.attempt, old.sends, old.resubmits_granted, old.last_seq)
           or new.not_sent <> old.not_sent then
            raise exception 'payout %: sends are counted only by a move', old.order_num using errcode = 'PW012';
        end if;
        return new;
    end if;

    select t.* into move
    from payout.history h
    join payout.transition t on (t.from_state, t.event, t.to_state) = (h.from_state, h.event, h.to_state)
    where h.seq = new.last_seq and h.seq > coalesce(old.last_seq, 0) and h.xid = pg_current_xact_id()
      and (h.merchant_code, h.order_num) = (old.merchant_code, old.order_num)
      and (h.from_state, h.to_state) = (old.state, new.state);
    if not found then
        raise exception 'payout %: % does not become % by an update', old.order_num, old.state, new.state
            using errcode = 'PW012',
                  hint = 'A state moves only along payout.transition, with its history row in the same transaction.';
    end if;
    if coalesce(booked.kind, 'none') <> move.posting then
        raise exception 'payout %: % needs the ledger entry "%" in the same transaction',
            old.order_num, move.event, move.posting using errcode = 'PW012';
    end if;

    -- A claim that was lost with its commit had an attempt of its own, so what is found takes a new one too.
    if new.attempt - old.attempt <> (move.to_state = 'submitting' or move.event = 'found_after_failover')::int
       or new.sends - old.sends <> (move.to_state = 'submitting')::int
       or new.not_sent - old.not_sent <> (move.event = 'not_sent')::int
       or new.resubmits_granted - old.resubmits_granted <> (move.event = 'resubmit_granted')::int then
        raise exception 'payout %: % does not count the sends like that', old.order_num, move.event
            using errcode = 'PW012';
    end if;
    if move.to_state = 'submitting' and not exists (
        select from payout.attempts a
        where (a.merchant_code, a.order_num, a.attempt) = (old.merchant_code, old.order_num, new.attempt)
          and a.xid = pg_current_xact_id()) then
        raise exception 'payout %: % needs a new attempt in the same transaction', old.order_num, move.event
            using errcode = 'PW012';
    end if;
    if not payout.is_evidenced(move.event, old.merchant_code, old.order_num) then
        raise exception 'payout %: % needs the evidence for it in the same transaction', old.order_num, move.event
            using errcode = 'PW012';
    end if;
    if move.event = 'not_sent' and not exists (
        select from payout.attempts a
        where (a.merchant_code, a.order_num, a.attempt) = (old.merchant_code, old.order_num, old.attempt)
          and a.outcome = 'not_sent') then
        raise exception 'payout %: its attempt is not proven unsent', old.order_num using errcode = 'PW012';
    end if;
    new.state_since := now();
    return new;
end $$;

create trigger guard_payout before update on payout.payouts
    for each row execute function payout.guard_payout();

create function payout.refuse_change() returns trigger
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    raise exception 'payout.% is append-only: % is refused', tg_table_name, lower(tg_op)
        using errcode = 'PW016', hint = 'Correct with a new entry, never by changing an old one.';
end $$;

create trigger never_deleted before delete or truncate on payout.payouts
    for each statement execute function payout.refuse_change();
create trigger append_only before update or delete or truncate on payout.history
    for each statement execute function payout.refuse_change();
create trigger append_only before update or delete or truncate on payout.ledger
    for each statement execute function payout.refuse_change();
create trigger never_deleted before delete or truncate on payout.attempts
    for each statement execute function payout.refuse_change();
create trigger never_deleted before delete or truncate on payout.evidence
    for each statement execute function payout.refuse_change();
create trigger rules_are_fixed before insert or update or delete or truncate on payout.transition
    for each statement execute function payout.refuse_change();

-- An attempt learns its outcome once; evidence is only counted on.
create function payout.guard_attempt() returns trigger
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    if old.outcome is not null
       or (old.merchant_code, old.order_num, old.attempt, old.claimed_at, old.send_by, old.lease_until, old.worker,
           old.request_sha256, old.xid, old.quiet_until)
          is distinct from
          (new.merchant_code, new.order_num, new.attempt, new.claimed_at, new.send_by, new.lease_until, new.worker,
           new.request_sha256, new.xid, new.quiet_until) then
        raise exception 'attempt % of payout %: only its missing outcome may be added', old.attempt, old.order_num
            using errcode = 'PW016';
    end if;
    return new;
end $$;

create trigger guard_attempt before update on payout.attempts
    for each row execute function payout.guard_attempt();

create function payout.guard_evidence() returns trigger
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    if new.times < old.times
       or (old.id, old.merchant_code, old.order_num, old.attempt, old.source, old.finding, old.digest, old.first_at)
          is distinct from
          (new.id, new.merchant_code, new.order_num, new.attempt, new.source, new.finding, new.digest, new.first_at) then
        raise exception 'evidence of payout % is append-only: it can only be counted on', old.order_num
            using errcode = 'PW016';
    end if;
    new.xid := pg_current_xact_id();
    -- A clock that was set back must not keep evidence from being written.
    new.last_at := greatest(new.last_at, old.last_at);
    return new;
end $$;

create trigger guard_evidence before update on payout.evidence
    for each row execute function payout.guard_evidence();

-- Balances follow the ledger; one update per merchant and statement. Only evidence may overdraw `available`; a hold
-- that follows evidence (what was found at the gateway after a failover) says so in its reference.
create function payout.post() returns trigger
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    short text;
begin
    insert into payout.accounts (merchant_code) select distinct e.merchant_code from entries e
    on conflict do nothing;
    update payout.accounts a
    set available = a.available + s.available, held = a.held + s.held, paid_out = a.paid_out + s.paid_out,
        fees = a.fees + s.fees, funding = a.funding + s.funding
    from (select e.merchant_code, sum(e.available)::bigint available, sum(e.held)::bigint held,
                 sum(e.paid_out)::bigint paid_out, sum(e.fees)::bigint fees, sum(e.funding)::bigint funding
          from entries e group by e.merchant_code) s
    where a.merchant_code = s.merchant_code;
    select a.merchant_code into short
    from payout.accounts a
    where a.available < 0
      and exists (select from entries e where e.merchant_code = a.merchant_code
                  and (e.kind = 'hold' and e.reference is null or (e.kind = 'funding' and e.available < 0)));
    if found then
        raise exception 'merchant %: the available balance does not cover this', short
            using errcode = 'PW015', hint = 'Fund the merchant first: select payout.fund(merchant_code, amount, reference).';
    end if;
    return null;
end $$;

create trigger post after insert on payout.ledger
    referencing new table as entries for each statement execute function payout.post();

create function payout.guard_accounts() returns trigger
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    if pg_trigger_depth() < 2 then
        raise exception 'payout.accounts follows the ledger: % is refused', lower(tg_op)
            using errcode = 'PW016', hint = 'Book an entry with payout.fund instead.';
    end if;
    return null;
end $$;

create trigger follows_the_ledger before insert or update or delete or truncate on payout.accounts
    for each statement execute function payout.guard_accounts();

-- Wake-ups. Any role may NOTIFY in Postgres, so a payload is never believed.
create function payout.wake_readers() returns trigger
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    if exists (select from lines where event <> 'enqueued') then
        perform pg_notify('payout_status', (select case when count(*) = 1 then min(order_num) else '' end from lines));
    end if;
    return null;
end $$;

create trigger wake_readers after insert on payout.history
    referencing new table as lines for each statement execute function payout.wake_readers();
