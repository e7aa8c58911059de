-- What operators may do where evidence alone decides nothing. The rules are here, so that psql obeys them too.
--
-- A person asks (payout.requests), another one approves, and a worker carries it out: it asks the gateway in the
-- same step and moves the payout only along payout.transition. payout.guard_person() lets such a move through only
-- with its approved request, and notes it in payout.operator_acts in the same transaction.

create table payout.requests (
    id              bigint generated always as identity primary key,
    kind            text collate "C" not null,
    requested_by    text not null default session_user,
    requested_at    timestamptz not null default now(),
    expires_at      timestamptz not null default now() + interval '10 minutes',
    reason          text not null,
    evidence        text,
    stated          bigint,  -- resolve_paid: the fee; resolve_returned: how much came back
    decision        text,
    decided_by      text,
    decided_at      timestamptz,
    decision_reason text,
    constraint kind_is_known check (kind in ('resubmit', 'resolve_failed', 'resolve_paid', 'resolve_returned')),
    constraint resolved_with_evidence check (kind = 'resubmit' or evidence is not null),
    constraint decision_is_known check (decision in ('approved', 'rejected')),
    constraint decided_whole
        check ((decision is null) = (decided_by is null) and (decision is null) = (decided_at is null)),
    constraint approved_in_time check (decision is distinct from 'approved' or decided_at <= expires_at),
    -- What sends again or gives money back takes two people. What only states where money went takes one.
    constraint approved_by_a_second_person
        check (decision is distinct from 'approved' or kind in ('resolve_paid', 'resolve_returned')
               or decided_by <> requested_by)
);

-- The payouts of a request. Each is checked by itself and has its own outcome.
create table payout.request_payouts (
    request_id    bigint not null references payout.requests,
    merchant_code text collate "C" not null,
    order_num     text collate "C" not null,
    taken_at      timestamptz,  -- a worker is at it; after a minute another one may be
    outcome       text,
    outcome_at    timestamptz,
    detail        text,
    primary key (request_id, merchant_code, order_num),
    constraint request_has_a_payout foreign key (merchant_code, order_num) references payout.payouts,
    constraint outcome_is_known check (outcome in ('done', 'refused')),
    constraint outcome_has_a_time check ((outcome is null) = (outcome_at is null))
);

create index requests_of_payout on payout.request_payouts (merchant_code, order_num);
create index requests_to_carry_out on payout.request_payouts (merchant_code, request_id) where outcome is null;

-- Who did what, when and why. Append-only.
create table payout.operator_acts (
    id            bigint generated always as identity primary key,
    at            timestamptz not null default clock_timestamp(),
    actor         text not null default session_user,
    act           text collate "C" not null,
    merchant_code text collate "C",
    order_num     text collate "C",
    reason        text,
    evidence      text,
    request_id    bigint references payout.requests,
    outcome       text not null default 'done',
    detail        text
);

create index acts_of_payout on payout.operator_acts (merchant_code, order_num);

-- What is not claimed for now, and by whose word.
create table payout.pauses (
    scope  text collate "C" not null,
    value  text collate "C" not null,  -- '' for all, a merchant's code, or a bank's
    reason text not null,
    actor  text not null default session_user,
    since  timestamptz not null default now(),
    primary key (scope, value),
    constraint scope_is_known check (scope in ('all', 'merchant', 'bank')),
    constraint all_has_no_value check ((scope = 'all') = (value = ''))
);

create trigger append_only before update or delete or truncate on payout.operator_acts
    for each statement execute function payout.refuse_change();
create trigger never_deleted before delete or truncate on payout.requests
    for each statement execute function payout.refuse_change();
create trigger never_deleted before delete or truncate on payout.request_payouts
    for each statement execute function payout.refuse_change();

-- A request is asked and decided under one's own login, decided once, and in time.
create function payout.guard_request() returns trigger
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        if new.requested_by <> session_user or new.requested_at <> now()
           or new.expires_at <> now() + interval '10 minutes' or new.decided_by <> session_user
           or (new.decision is not null and new.kind not in ('resolve_paid', 'resolve_returned')) then
            raise exception 'a request is made under one''s own login, and decided later'
                using errcode = 'PW028', hint = 'Call payout.request_resubmit or payout.request_resolve_failed.';
        end if;
        return new;
    end if;
    if (old.id, old.kind, old.requested_by, old.requested_at, old.expires_at, old.reason)
       is distinct from (new.id, new.kind, new.requested_by, new.requested_at, new.expires_at, new.reason)
       or (old.evidence, old.stated) is distinct from (new.evidence, new.stated) then
        raise exception 'request % cannot be changed', old.id
            using errcode = 'PW016', hint = 'Reject it and make another one.';
    end if;
    if old.decision is not null then
        raise exception 'request % was % by % already', old.id, old.decision, old.decided_by using errcode = 'PW023',
            hint = 'A request is decided once. What became of it: payout audit.';
    end if;
    if new.decided_by is distinct from session_user or new.decided_at is distinct from now() then
        raise exception 'request % is decided under one''s own login', old.id using errcode = 'PW028';
    end if;
    if new.decision = 'approved' then
        if now() > old.expires_at then
            raise exception 'request % expired at %', old.id, to_char(old.expires_at, 'YYYY-MM-DD HH24:MI:SS TZ')
                using errcode = 'PW022', hint = 'Ask for it again: what was true then must be looked at anew.';
        end if;
        if old.requested_by = session_user then
            raise exception 'request % is yours: somebody else must approve it', old.id
                using errcode = 'PW021', hint = 'Another operator, with a login of their own: payout approve ' || old.id;
        end if;
    end if;
    return new;
end $$;

create trigger guard_request before insert or update on payout.requests
    for each row execute function payout.guard_request();

-- The outcome of a payout's request comes with its move, or from payout.finish_request.
create function payout.guard_request_payout() returns trigger
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        if new.outcome is not null or new.taken_at is not null
           or not exists (select from payout.requests r where r.id = new.request_id and r.requested_at = now()) then
            raise exception 'the payouts of a request are named when it is made' using errcode = 'PW028';
        end if;
        return new;
    end if;
    if old.outcome is not null
       or (old.request_id, old.merchant_code, old.order_num) <> (new.request_id, new.merchant_code, new.order_num) then
        raise exception 'request %: the outcome of payout % stands', old.request_id, old.order_num
            using errcode = 'PW016';
    end if;
    return new;
end $$;

create trigger guard_request_payout before insert or update on payout.request_payouts
    for each row execute function payout.guard_request_payout();

-- The word for "not known" when it counts; with a time in it when it is counted from a failover on.
create function payout.is_not_known(finding text) returns boolean
language sql immutable set search_path = pg_catalog, payout, pg_temp
return finding = 'not_found' or finding like 'not\_found\_since\_%';

-- Why this payout may not be sent once more, or null: state, horizon, repeated proof, nothing to the contrary (I10).
create function payout.why_no_resubmit(p payout.payouts) returns text
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    known text;
    heard int;
begin
    if p.state <> 'unknown' then
        return format('it is %s, and only an unknown payout is sent again', p.state);
    end if;
    select min(e.source || ' ' || e.finding) into known from payout.evidence e
    where (e.merchant_code, e.order_num) = (p.merchant_code, p.order_num)
      and ((e.source in ('query', 'callback') and e.finding !~ '^(not_found|doubt_)')
           or (e.source = 'submit' and e.finding = 'acknowledged'));
    if known is not null or p.platform_order_num is not null or p.proven_ours then
        return format('the gateway knows this order number (%s): sending again could pay twice',
                      coalesce(known, 'it gave its own number'));
    end if;
    if now() < payout.quiet_until(p) then
        return format('the quiet horizon ends at %s: until then "not known" means nothing',
                      to_char(payout.quiet_until(p), 'YYYY-MM-DD HH24:MI:SS TZ'));
    end if;
    select max(e.times) into heard from payout.evidence e
    where (e.merchant_code, e.order_num, e.attempt) = (p.merchant_code, p.order_num, p.attempt)
      and e.source = 'query' and payout.is_not_known(e.finding) and e.first_at >= payout.quiet_until(p);
    if coalesce(heard, 0) < 3 or p.attention is distinct from 'not_found' then
        return format('the gateway has said %s times since the quiet horizon that it does not know it; three, apart from '
                      'each other, are proof%s', coalesce(heard, 0),
                      case when p.attention <> 'not_found' then ' (attention: ' || p.attention || ')' else '' end);
    end if;
    return null;
end $$;

-- Why this payout may not be resolved so, or null. Says what it is and what it would have to be: "it is paid" alone does
-- not tell what to do.
create function payout.why_no_resolve(p payout.payouts, kind text) returns text
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    if kind = 'resolve_failed' and p.state not in ('pending', 'unknown') then
        return format('it is %s, and only a pending or unknown payout is given up as failed', p.state);
    elsif kind = 'resolve_paid' and p.state not in ('pending', 'unknown', 'failed') then
        return format('it is %s, and only a pending, unknown or failed payout is stated to be paid', p.state);
    elsif kind = 'resolve_returned' and p.state <> 'paid' then
        return format('it is %s, and only a paid payout can come back', p.state);
    end if;
    if kind = 'resolve_failed' and now() < payout.quiet_until(p) then
        return format('the quiet horizon ends at %s: it may still arrive',
                      to_char(payout.quiet_until(p), 'YYYY-MM-DD HH24:MI:SS TZ'));
    end if;
    if kind = 'resolve_returned' and p.held > 0 then
        return 'its fee is not known yet';
    end if;
    return null;
end $$;

-- A move that no evidence of the gateway makes. It uses up one approved request, in the same transaction.
create function payout.guard_person() returns trigger
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    moved text;
    wanted text;
    request payout.requests;
    why text;
begin
    select h.event into moved from payout.history h where h.seq = new.last_seq;
    wanted := case moved when 'resubmit_granted' then 'resubmit' when 'resolved_failed' then 'resolve_failed'
                         when 'resolved_paid' then 'resolve_paid' when 'resolved_returned' then 'resolve_returned' end;
    if wanted is null then
        return new;
    end if;
    select r.* into request
    from payout.request_payouts i
    join payout.requests r on r.id = i.request_id
    where (i.merchant_code, i.order_num) = (old.merchant_code, old.order_num) and i.outcome is null
      and r.kind = wanted and r.decision = 'approved' and r.expires_at > now()
    order by r.id limit 1
    for update of i;
    if not found then
        raise exception 'payout %: % needs an approved request that has not expired', old.order_num, moved
            using errcode = 'PW028', hint = 'payout resubmit, payout resolve and payout approve make one.';
    end if;
    why := case wanted when 'resubmit' then payout.why_no_resubmit(old) else payout.why_no_resolve(old, wanted) end;
    if why is null and wanted in ('resubmit', 'resolve_failed') and not exists (
        select from payout.evidence e
        where (e.merchant_code, e.order_num, e.attempt) = (old.merchant_code, old.order_num, old.attempt)
          and e.source = 'query'
          and (payout.is_not_known(e.finding) or (wanted = 'resolve_failed' and e.finding ~ '^status_[34]'))
          and e.last_at > clock_timestamp() - interval '60 seconds') then
        why := 'the gateway has not said within the last 60 seconds that it does not know it';
    end if;
    if why is null and wanted = 'resubmit' and payout.is_paused(old.merchant_code, old.bank_code) then
        why := 'an operator paused it';
    end if;
    if why is not null then
        raise exception 'payout %: %', old.order_num, why using errcode = 'PW024';
    end if;
    update payout.request_payouts i
    set outcome = 'done', outcome_at = clock_timestamp()
    where (i.request_id, i.merchant_code, i.order_num) = (request.id, old.merchant_code, old.order_num);
    insert into payout.operator_acts (act, merchant_code, order_num, reason, evidence, request_id, detail)
    values (wanted, old.merchant_code, old.order_num, request.reason, request.evidence, request.id,
            format('asked for by %s, approved by %s', request.requested_by, request.decided_by));
    return new;
end $$;

create trigger guard_person before update on payout.payouts
    for each row
    when (old.state <> new.state and (new.state in ('paid', 'failed', 'returned')
                                      or (old.state = 'unknown' and new.state = 'submitting')))
    execute function payout.guard_person();

create function payout.is_paused(merchant text, bank text) returns boolean
language sql stable security definer set search_path = pg_catalog, payout, pg_temp
return exists (select from payout.pauses z
               where (z.scope, z.value) in (('all', ''), ('merchant', merchant), ('bank', bank)));

create function payout.check_words(what text, words text) returns void
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    if coalesce(length(btrim(words)), 0) not between 1 and 200 or words ~ '[[:cntrl:]]' then
        raise exception '% of 1 to 200 characters is required', what
            using errcode = 'PW026', hint = 'One line, such as a ticket''s number; no account numbers and no names.';
    end if;
end $$;

-- Notes a request for these payouts; each must allow it now, and none may wait in another request.
create function payout.make_request(kind text, orders text[], merchant text, reason text, evidence text, stated bigint)
returns bigint
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    p payout.payouts;
    request bigint;
    wanted text;
    why text;
    other bigint;
begin
    perform payout.check_words('a reason', reason);
    if kind <> 'resubmit' then
        perform payout.check_words('evidence', evidence);
    end if;
    if coalesce(cardinality(orders), 0) not between 1 and 500 then
        raise exception 'name 1 to 500 payouts' using errcode = 'PW026';
    end if;
    insert into payout.requests (kind, reason, evidence, stated, decision, decided_by, decided_at)
    select make_request.kind, make_request.reason, make_request.evidence, make_request.stated, d.decision, d.by, d.at
    from (select 'approved', session_user::text, now() where make_request.kind in ('resolve_paid', 'resolve_returned')
          union all
          select null, null, null where make_request.kind not in ('resolve_paid', 'resolve_returned')) d (decision, by, at)
    returning id into request;
    for wanted in select distinct o from unnest(orders) o order by o loop
        p := payout.locked(wanted, merchant);
        why := case kind when 'resubmit' then payout.why_no_resubmit(p) else payout.why_no_resolve(p, kind) end;
        if why is not null then
            raise exception 'payout %: %', wanted, why
                using errcode = case kind when 'resubmit' then 'PW024' else 'PW025' end,
                      hint = 'Nothing was recorded.' || case when p.state not in ('queued', 'cancelled')
                                                       then ' Always safe: payout replay ' || wanted else '' end;
        end if;
        select r.id into other from payout.request_payouts i join payout.requests r on r.id = i.request_id
        where (i.merchant_code, i.order_num) = (p.merchant_code, p.order_num) and i.outcome is null
          and r.decision is distinct from 'rejected' and r.expires_at > now();
        if found then
            raise exception 'payout % waits in request % already', wanted, other using errcode = 'PW023',
                hint = format('Approve that one, or reject it first: payout reject %s --reason ...', other);
        end if;
        insert into payout.request_payouts (request_id, merchant_code, order_num)
        values (request, p.merchant_code, p.order_num);
        insert into payout.operator_acts (act, merchant_code, order_num, reason, evidence, request_id)
        values (kind || '_requested', p.merchant_code, p.order_num, reason, evidence, request);
    end loop;
    perform pg_notify('payout_queued', '');
    return request;
end $$;

-- Ask for the same order numbers to be sent once more. Nothing is sent by it: see payout.approve.
create function payout.request_resubmit(order_nums text[], reason text, merchant_code text default null) returns bigint
language sql security definer set search_path = pg_catalog, payout, pg_temp
return payout.make_request('resubmit', order_nums, merchant_code, reason, null, null);

-- Ask for a payout to be given up as failed, which gives its hold back.
create function payout.request_resolve_failed(order_num text, evidence text, reason text, merchant_code text default null)
returns bigint
language sql security definer set search_path = pg_catalog, payout, pg_temp
return payout.make_request('resolve_failed', array[order_num], merchant_code, reason, evidence, null);

-- State that a payout was paid (stated: the fee, where it is known) or came back (stated: how much, else all of it).
create function payout.resolve(order_num text, outcome text, evidence text, reason text, merchant_code text default null,
                               stated bigint default null) returns bigint
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    p payout.payouts := payout.locked(resolve.order_num, resolve.merchant_code);
begin
    if outcome is null or outcome not in ('paid', 'returned') then
        raise exception 'a payout is resolved as paid or returned' using errcode = 'PW026',
            hint = 'As failed it takes two people: payout.request_resolve_failed.';
    end if;
    if stated < 0 or stated > p.amount or (outcome = 'returned' and stated = 0)
       or (outcome = 'paid' and p.fee_type = 0 and stated >= p.amount) then
        raise exception 'payout %: the stated rupiah do not fit its amount', p.order_num using errcode = 'PW026';
    end if;
    return payout.make_request('resolve_' || outcome, array[p.order_num], p.merchant_code, reason, evidence, stated);
end $$;

create function payout.decide_request(id bigint, decision text, reason text) returns void
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    update payout.requests r
    set decision = decide_request.decision, decided_by = session_user, decided_at = now(),
        decision_reason = decide_request.reason
    where r.id = decide_request.id;
    if not found then
        raise exception 'there is no request %', id using errcode = 'PW020';
    end if;
    insert into payout.operator_acts (act, merchant_code, order_num, reason, request_id)
    select decision, i.merchant_code, i.order_num, decide_request.reason, i.request_id
    from payout.request_payouts i where i.request_id = decide_request.id;
    if decision = 'rejected' then
        update payout.request_payouts i set outcome = 'refused', outcome_at = clock_timestamp(),
               detail = format('rejected by %s', session_user)
        where i.request_id = decide_request.id and i.outcome is null;
    end if;
    perform pg_notify('payout_queued', '');
end $$;

-- The second person says yes. A worker then asks the gateway and acts only on its answer.
create function payout.approve(id bigint) returns void
language sql security definer set search_path = pg_catalog, payout, pg_temp
begin atomic
    select payout.decide_request(id, 'approved', null);
end;

create function payout.reject(id bigint, reason text) returns void
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    perform payout.check_words('a reason', reason);
    perform payout.decide_request(id, 'rejected', reason);
end $$;

-- A worker found that an approved request may not be carried out, and why.
create function payout.finish_request(id bigint, merchant_code text, order_num text, why text) returns void
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    update payout.request_payouts i set outcome = 'refused', outcome_at = clock_timestamp(), detail = why
    where i.request_id = finish_request.id and i.merchant_code = finish_request.merchant_code
      and i.order_num = finish_request.order_num and i.outcome is null;
    if found then
        insert into payout.operator_acts (act, merchant_code, order_num, reason, evidence, request_id, outcome, detail)
        select r.kind, finish_request.merchant_code, finish_request.order_num, r.reason, r.evidence, r.id, 'refused', why
        from payout.requests r where r.id = finish_request.id;
    end if;
end $$;

create function payout.check_scope(scope text, value text) returns text
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    if scope = 'all' and coalesce(value, '') = '' then
        return '';
    elsif scope = 'merchant' and exists (select from payout.merchants m where m.code = value)
          or scope = 'bank' and value ~ '^[0-9]{3,10}$' then
        return value;
    end if;
    raise exception 'the scope is all, a registered merchant, or a bank''s code' using errcode = 'PW027',
        hint = 'payout.pause(''bank'', ''014'', ''reason''); payout.pause(''all'', '''', ''reason'').';
end $$;

-- Nothing more is sent in this scope until it is resumed. What is sent already is still asked for.
create function payout.pause(scope text, value text, reason text) returns void
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    whose text := payout.check_scope(scope, value);
begin
    perform payout.check_words('a reason', reason);
    insert into payout.pauses as z (scope, value, reason) values (pause.scope, whose, pause.reason)
    on conflict on constraint pauses_pkey do update set reason = excluded.reason, actor = excluded.actor;
    insert into payout.operator_acts (act, merchant_code, reason, detail)
    values ('paused', case scope when 'merchant' then whose end, pause.reason, btrim(scope || ' ' || whose));
end $$;

create function payout.resume(scope text, value text, reason text) returns void
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    whose text := payout.check_scope(scope, value);
begin
    perform payout.check_words('a reason', reason);
    delete from payout.pauses z where z.scope = resume.scope and z.value = whose;
    if not found then
        raise exception '% is not paused', btrim(scope || ' ' || whose) using errcode = 'PW020',
            hint = 'What is: select * from payout.pauses.';
    end if;
    insert into payout.operator_acts (act, merchant_code, reason, detail)
    values ('resumed', case scope when 'merchant' then whose end, resume.reason, btrim(scope || ' ' || whose));
    perform pg_notify('payout_queued', '');
end $$;

-- Shows a beneficiary in full, and notes who looked and why.
create function payout.reveal(order_num text, reason text, merchant_code text default null,
                              out account_number text, out account_name text)
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    p payout.payouts := payout.locked(reveal.order_num, reveal.merchant_code);
begin
    perform payout.check_words('a reason', reason);
    insert into payout.operator_acts (act, merchant_code, order_num, reason)
    values ('revealed', p.merchant_code, p.order_num, reveal.reason);
    -- Also in the server's own log, which a rollback does not take back.
    raise log 'payout.reveal: % looks at the beneficiary of payout %', session_user, p.order_num;
    account_number := p.account_number;
    account_name := p.account_name;
end $$;

-- Every act of a person, also those that the history and the ledger hold.
create view payout.audit as
select a.at, a.actor, a.act, a.merchant_code, a.order_num, a.reason, a.evidence, a.request_id, a.outcome, a.detail
from payout.operator_acts a
union all
select h.at, h.actor, h.event, h.merchant_code, h.order_num, h.detail ->> 'reason', null, null, 'done', null
from payout.history h
where h.source = 'operator' and h.event in ('withdrawn', 'replay_requested')
union all
select l.at, l.actor, 'funded', l.merchant_code, null, l.reference, null, null, 'done', 'Rp ' || l.available
from payout.ledger l
where l.kind = 'funding' and l.reference !~ '^gateway (opening$|after )';

-- Only the functions that this file made; the others keep their grants.
do $$
declare
    made text;
begin
    foreach made in array array[
        'guard_request', 'guard_request_payout', 'is_not_known', 'why_no_resubmit', 'why_no_resolve', 'guard_person',
        'is_paused', 'check_words', 'make_request', 'request_resubmit', 'request_resolve_failed', 'resolve', 'decide_request',
        'approve', 'reject', 'finish_request', 'check_scope', 'pause', 'resume', 'reveal'] loop
        execute format('revoke all on function payout.%I from public', made);
    end loop;
end $$;

grant execute on function payout.request_resubmit, payout.request_resolve_failed, payout.resolve, payout.approve,
                          payout.reject, payout.pause, payout.resume, payout.reveal to payout_operator;
grant execute on function payout.finish_request to payout_worker;
grant select on payout.requests, payout.request_payouts, payout.operator_acts, payout.pauses, payout.audit
    to payout_reader, payout_operator, payout_worker;
grant update (taken_at) on payout.request_payouts to payout_worker;
