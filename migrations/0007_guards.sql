-- What no role may do, not even the owner: every trigger, and the rules that triggers call. Each table has one trigger
-- per operation and timing, the commit being a timing, so nothing depends on the order of names; only guard_claims stands
-- beside guard_changes. Every refusal has a stable SQLSTATE and a sentence; those that a caller can act on also have a hint.

---- Whose session it is

-- Refuses to go on where `session_user` is not the one who acts. In ANALYZE, VACUUM, CLUSTER, CREATE INDEX, REINDEX and
-- REFRESH MATERIALIZED VIEW, Postgres runs the functions of a table's indexes, or the query of a view, as the owner of
-- that table or view, but in the session of whoever gave the command: a superuser's, or autovacuum's. There Postgres
-- refuses UNLISTEN, because what outlives the operation could escape from it; that shows where we are. Elsewhere it does
-- nothing, as nobody listens on this channel. Also where the current user is the session's: a function with its owner's
-- rights makes them equal again.
create function payout.refuse_borrowed_session() returns void
language plpgsql volatile set search_path = pg_catalog, payout, pg_temp as $$
begin
    unlisten payout_own_session;
exception when insufficient_privilege then
    raise exception 'nobody acts or reads in the session of another: this runs inside ANALYZE, VACUUM, CREATE INDEX, REINDEX, CLUSTER or REFRESH MATERIALIZED VIEW'
        using errcode = 'PW033',
              hint = 'Run it as a statement of your own; take it out of the index, the statistics or the materialized view.';
end $$;

---- What its transaction sees

-- Refuses an act whose transaction sees other rows as they were when it began: what was committed since, such as the fence
-- after a failover, would not count for it.
create function payout.refuse_old_snapshot() returns void
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        raise exception 'an act is refused at the isolation level %: it does not see what others have committed since its transaction began',
            current_setting('transaction_isolation')
            using errcode = 'PW034', hint = 'Call it in a transaction of its own: begin isolation level read committed.';
    end if;
end $$;

---- Durability

-- From here on, the commit of this transaction waits until the disk has it, and a synchronous replica if one is
-- configured. The caller's own setting must not make an act forgettable that somebody relies on. Not a SET clause of a
-- function: that ends before the commit.
create function payout.make_durable() returns void
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    if current_setting('synchronous_commit') not in ('on', 'remote_apply') then
        perform set_config('synchronous_commit', 'on', true);
    end if;
end $$;

create function payout.forget_nothing() returns trigger
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    -- What is recorded names its author.
    perform payout.refuse_borrowed_session();
    perform payout.make_durable();
    return null;
end $$;

-- Together with the triggers of history (`check_lines`) and ledger (`post`), every act and every answer passes one of
-- these.
create trigger forget_nothing before insert or update on payout.evidence
    for each statement execute function payout.forget_nothing();
create trigger forget_nothing before insert or update on payout.failover
    for each statement execute function payout.forget_nothing();

create function payout.guard_act() returns trigger
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    perform payout.refuse_old_snapshot();
    perform payout.refuse_borrowed_session();
    perform payout.make_durable();
    return null;
end $$;

create trigger guard_act before insert on payout.operator_acts
    for each statement execute function payout.guard_act();

-- Once more at the commit, for whoever changes the setting after a person's act.
create constraint trigger forget_nothing_at_commit after insert on payout.operator_acts
    deferrable initially deferred for each row execute function payout.forget_nothing();
create constraint trigger forget_nothing_at_commit after insert on payout.history
    deferrable initially deferred for each row when (new.source in ('operator', 'backend')) execute function payout.forget_nothing();
create constraint trigger forget_nothing_at_commit after insert on payout.ledger
    deferrable initially deferred for each row when (new.kind = 'funding') execute function payout.forget_nothing();
create constraint trigger forget_nothing_at_commit after insert or update on payout.failover
    deferrable initially deferred for each row execute function payout.forget_nothing();

---- Append-only and fixed tables

create function payout.refuse_change() returns trigger
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    raise exception 'payout.% is append-only: % is refused', tg_table_name, lower(tg_op)
        using errcode = 'PW016', hint = 'Correct with a new entry, never by changing an old one.';
end $$;

create trigger never_deleted before delete or truncate on payout.payouts
    for each statement execute function payout.refuse_change();
create trigger append_only before update or delete or truncate on payout.order_nums
    for each statement execute function payout.refuse_change();
create trigger append_only before update or delete or truncate on payout.history
    for each statement execute function payout.refuse_change();
create trigger append_only before update or delete or truncate on payout.ledger
    for each statement execute function payout.refuse_change();
create trigger never_deleted before delete or truncate on payout.attempts
    for each statement execute function payout.refuse_change();
create trigger never_deleted before delete or truncate on payout.evidence
    for each statement execute function payout.refuse_change();
create trigger append_only before update or delete or truncate on payout.operator_acts
    for each statement execute function payout.refuse_change();
create trigger never_deleted before delete or truncate on payout.requests
    for each statement execute function payout.refuse_change();
create trigger never_deleted before delete or truncate on payout.request_payouts
    for each statement execute function payout.refuse_change();
create trigger never_deleted before delete or truncate on payout.addresses
    for each statement execute function payout.refuse_change();
create trigger rules_are_fixed before insert or update or delete or truncate on payout.state
    for each statement execute function payout.refuse_change();
create trigger rules_are_fixed before insert or update or delete or truncate on payout.event
    for each statement execute function payout.refuse_change();
create trigger rules_are_fixed before insert or update or delete or truncate on payout.transition
    for each statement execute function payout.refuse_change();
create trigger rules_are_fixed before insert or update or delete or truncate on payout.required_evidence
    for each statement execute function payout.refuse_change();
create trigger rules_are_fixed before insert or update or delete or truncate on payout.attention_reason
    for each statement execute function payout.refuse_change();
create trigger rules_are_fixed before insert or update or delete or truncate on payout.policy
    for each statement execute function payout.refuse_change();
create trigger rules_are_fixed before insert or update or delete or truncate on payout.effect
    for each statement execute function payout.refuse_change();
create trigger rules_are_fixed before insert or update or delete or truncate on payout.act
    for each statement execute function payout.refuse_change();

---- The registered gateway

-- Only the gateway that got an order can say what became of it; another one's "not found" would pass for proof. So a
-- merchant moves to another gateway only while nothing may be with the old one. A change of key alone is free.
create function payout.guard_merchants() returns trigger
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
declare
    open bigint;
begin
    new.gateway_since := old.gateway_since;
    if (new.dialect, new.base_url) is not distinct from (old.dialect, old.base_url) then
        return new;
    end if;
    -- A claim holds this lock to its commit, and compares the gateway after it has taken it.
    perform from payout.accounts a where a.merchant_code = old.code for no key update;
    select count(*) into open from payout.payouts p
    where p.merchant_code = old.code and p.state in ('submitting', 'pending', 'unknown');
    if open > 0 then
        raise exception '% payouts of merchant % may be with its gateway at %', open, old.code, old.base_url
            using errcode = 'PW060', column = 'base_url',
                  hint = 'Pause the merchant, let these payouts end, and then register the new gateway. If only its '
                         'address changed, let the old name lead to the new address.';
    end if;
    new.gateway_since := clock_timestamp();
    return new;
end $$;

create trigger guard_merchants before update on payout.merchants
    for each row execute function payout.guard_merchants();

---- Inserting a payout

-- With one merchant, every enqueuer may enqueue; with several, only the roles assigned to the merchant.
create function payout.may_enqueue(merchant text) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    -- In this order, and apart: what is not needed is not planned either.
    if not exists (select from payout.merchants offset 1) then
        return true;
    elsif exists (select from payout.enqueuers e
                  join pg_catalog.pg_roles r on r.rolname = e.role_name
                  where e.merchant_code = merchant and pg_has_role(session_user, r.oid, 'member')) then
        return true;
    end if;
    return pg_has_role(session_user, (select n.nspowner from pg_catalog.pg_namespace n where n.nspname = 'payout'), 'member');
end $$;

-- The merchants whose payouts this login may see: those that it may enqueue for; every merchant for readers, operators,
-- workers and the owner. One call serves a whole query.
create function payout.merchants_seen() returns text[]
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    perform payout.refuse_borrowed_session();
    return array(
        select m.code from payout.merchants m
        where (select count(*) = 1 from payout.merchants)
           or (select bool_or(pg_has_role(session_user, r.oid, 'member')) from pg_catalog.pg_roles r
               where r.rolname in ('payout_reader', 'payout_operator', 'payout_worker')
                  or r.oid = (select n.nspowner from pg_catalog.pg_namespace n where n.nspname = 'payout'))
           or m.code in (select e.merchant_code from payout.enqueuers e
                         join pg_catalog.pg_roles r on r.rolname = e.role_name
                         where pg_has_role(session_user, r.oid, 'member')));
end $$;

-- Without a search path of its own, so that its callers inline it; its names were bound when it was created.
create function payout.same_instruction(a payout.payouts, b payout.payouts) returns boolean
language sql immutable
return (a.amount, a.fee_type, a.bank_code, a.account_number, a.account_name, a.priority)
       is not distinct from (b.amount, b.fee_type, b.bank_code, b.account_number, b.account_name, b.priority)
   and a.description is not distinct from b.description and a.replaces is not distinct from b.replaces
   and a.not_before is not distinct from b.not_before
   -- Some mappers write their null as JSON's.
   and nullif(a.metadata, 'null') is not distinct from nullif(b.metadata, 'null');

-- The merchant to enqueue for: the given one, or the only one registered.
create function payout.merchant_of(given text, order_num text) returns payout.merchants
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    merchant payout.merchants;
    registered bigint;
begin
    if given is null then
        select count(*), min(m.code) into registered, given from payout.merchants m;
        if registered <> 1 then
            raise exception 'merchant_code is required: % merchants are registered', registered
                using errcode = 'PW007', column = 'merchant_code', detail = 'order_num ' || order_num,
                      hint = 'Name one of payout.merchants; `payout migrate` registers the configured ones.';
        end if;
    end if;
    select * into merchant from payout.merchants m where m.code = given;
    if not found then
        raise exception 'merchant_code is not registered'
            using errcode = 'PW007', column = 'merchant_code', detail = 'order_num ' || order_num,
                  hint = 'Name one of payout.merchants; `payout migrate` registers the configured ones.';
    end if;
    if not payout.may_enqueue(merchant.code) then
        raise exception 'role % may not enqueue for merchant %', session_user, merchant.code
            using errcode = 'PW007', column = 'merchant_code', detail = 'order_num ' || order_num,
                  hint = 'With several merchants each role is assigned to its own: insert into payout.enqueuers (role_name, merchant_code).';
    end if;
    return merchant;
end $$;

-- Refuses what is not a number of whole rupiah. Exactly three decimals are how Indonesians write thousands: 250.000.
create function payout.check_whole(amount numeric, subject text) returns void
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    if amount is null or amount in ('NaN', 'Infinity', '-Infinity') then
        raise exception 'amount must be a number of whole rupiah'
            using errcode = 'PW002', column = 'amount', detail = subject,
                  hint = 'Give whole rupiah, such as 250000.';
    end if;
    if amount <> trunc(amount) then
        raise exception 'amount must be whole rupiah, without a fraction'
            using errcode = 'PW002', column = 'amount', detail = subject,
                  hint = 'Round it yourself: a payout is never rounded for you.';
    end if;
    if scale(amount) = 3 then
        raise exception 'amount must not have exactly three decimals: 250.000 could be meant as 250000'
            using errcode = 'PW002', column = 'amount', detail = subject,
                  hint = 'Write digits alone, without a dot for thousands: 250000 for two hundred and fifty thousand rupiah.';
    end if;
end $$;

create function payout.check_limits(amount numeric, merchant payout.merchants, order_num text) returns void
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    if amount not between merchant.min_amount and merchant.max_amount then
        raise exception 'amount must be from % to % rupiah', merchant.min_amount, merchant.max_amount
            using errcode = 'PW002', column = 'amount', detail = 'order_num ' || order_num,
                  hint = 'These are the limits of the merchant in payout.merchants.';
    end if;
end $$;

create function payout.check_beneficiary(new payout.payouts) returns void
language plpgsql stable set search_path = pg_catalog, payout, pg_temp as $$
declare
    bank payout.banks;
begin
    if new.bank_code is null or octet_length(new.bank_code) not between 3 and 10 or new.bank_code ~ '[^0-9]' then
        raise exception 'bank_code must be 3 to 10 digits'
            using errcode = 'PW004', column = 'bank_code', detail = 'order_num ' || new.order_num,
                  hint = 'Quote it to keep leading zeros: ''014''. Known codes: select * from payout.banks.';
    end if;
    if new.account_number is null or octet_length(new.account_number) not between 5 and 32 or new.account_number ~ '[^0-9]' then
        raise exception 'account_number must be 5 to 32 digits, without spaces or dashes'
            using errcode = 'PW005', column = 'account_number', detail = 'order_num ' || new.order_num,
                  hint = 'Quote it to keep leading zeros: ''0012345678''.';
    end if;
    select * into bank from payout.banks where code = new.bank_code;
    if length(new.account_number) < bank.min_digits then
        raise exception 'account_number has % digits, but % accounts have at least %',
            length(new.account_number), bank.name, bank.min_digits
            using errcode = 'PW005', column = 'account_number', detail = 'order_num ' || new.order_num,
                  hint = 'Was it given as a number? Quote it to keep leading zeros: ''0012345678''.';
    end if;
    if new.account_name is null or octet_length(new.account_name) not between 1 and 32
       or new.account_name ~ '[^A-Za-z0-9 ]|^ | $' then
        raise exception 'account_name must be 1 to 32 letters, digits and spaces, without a space at either end'
            using errcode = 'PW006', column = 'account_name', detail = 'order_num ' || new.order_num,
                  hint = 'Write it without accents or punctuation, as the bank prints it: Siti Rahayu.';
    end if;
end $$;

-- Every payout of the debt that a replacement of `replaced` would pay again: `replaced`, what it replaces in turn, back to
-- the first, and the replacements of each that were withdrawn. `replaces` is frozen and names a payout that had failed
-- before, so no chain leads back to itself; the walk would end even then. Row by row, because a plan of a join that was
-- made while the table was small reads all of it when it has grown.
create function payout.originals(merchant text, replaced text)
returns table (order_num text, was_withdrawn boolean, state text, state_since timestamptz, attention_reasons text[],
               reaffirmed_at timestamptz)
language plpgsql stable rows 2 set search_path = pg_catalog, payout, pg_temp set enable_seqscan = off set jit = off as $$
declare
    link text := replaced;
    walked text[] := '{}';
begin
    while link <> all (walked) loop
        return query
        select o.order_num, false, o.state, o.state_since, o.attention_reasons, o.reaffirmed_at
        from payout.payouts o
        where o.merchant_code = merchant and o.order_num = link;
        return query
        select w.order_num, true, w.state, w.state_since, w.attention_reasons, w.reaffirmed_at
        from payout.payouts w
        where w.merchant_code = merchant and w.replaces = link and w.state = 'cancelled';
        walked := walked || link;
        link := (select o.replaces from payout.payouts o where o.merchant_code = merchant and o.order_num = link);
    end loop;
end $$;

-- A payout of that debt that may have been paid after all, and what it is. Null if each has failed or was withdrawn, without
-- attention.
create function payout.original_in_doubt(merchant text, replaced text, out order_num text, out what text)
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    select o.order_num, concat_ws(' with attention ', o.state, nullif(array_to_string(o.attention_reasons, ', '), ''))
    into original_in_doubt.order_num, original_in_doubt.what
    from payout.originals(merchant, replaced) o
    where not (o.state = 'failed' or o.was_withdrawn) or o.attention_reasons <> '{}'
    order by o.order_num limit 1;
end $$;

-- A payout of that debt that failed at another gateway than the registered one, which nobody can query any more. Null if
-- there is none.
create function payout.failed_elsewhere(merchant text, replaced text) returns text
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    return (select min(o.order_num)
            from payout.merchants m, payout.originals(m.code, replaced) o
            where m.code = merchant and not o.was_withdrawn and o.state_since < m.gateway_since);
end $$;

-- Until when the debt of `replaced` may be paid again by a replacement that was inserted then; if it may not, why. Every
-- payout of it is surely unpaid, and each failure was confirmed by an answer to a query that was sent after the insert and
-- less than policy.proof_fresh_for ago. When an answer is stored says nothing: the gateway gave it before.
create function payout.may_pay_again(merchant text, replaced text, inserted_at timestamptz,
                                     out until timestamptz, out why_not text)
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    fresh_for interval := (select x.proof_fresh_for from payout.policy x);
    doubt record;
    elsewhere text;
    unconfirmed text;
begin
    select d.order_num, d.what into doubt from payout.original_in_doubt(merchant, replaced) d;
    if doubt.order_num is not null then
        why_not := format('it would pay payout %s again, which is %s', doubt.order_num, doubt.what);
        return;
    end if;
    elsewhere := payout.failed_elsewhere(merchant, replaced);
    if elsewhere is not null then
        why_not := format('payout %s, which it replaces, failed at another gateway, which is no longer queried', elsewhere);
        return;
    end if;
    select min(o.order_num) filter (where c.is_fresh is not true), min(o.reaffirmed_at) + fresh_for
    into unconfirmed, may_pay_again.until
    from payout.originals(merchant, replaced) o,
         lateral (select o.reaffirmed_at > inserted_at
                         and o.reaffirmed_at between clock_timestamp() - fresh_for and clock_timestamp()) c (is_fresh)
    where o.state = 'failed';
    if unconfirmed is not null then
        until := null;
        why_not := format('the failure of payout %s, which it replaces, is not confirmed by an answer of the last %s seconds',
                          unconfirmed, extract(epoch from fresh_for)::int);
    end if;
end $$;

-- A replacement pays a failed payout again. One debt has at most one live replacement.
create function payout.check_replacement(new payout.payouts) returns void
language plpgsql stable set search_path = pg_catalog, payout, pg_temp as $$
declare
    doubt record;
    elsewhere text := payout.failed_elsewhere(new.merchant_code, new.replaces);
begin
    if not exists (select from payout.payouts p where p.merchant_code = new.merchant_code and p.order_num = new.replaces) then
        raise exception 'replaces names no payout of merchant %', new.merchant_code
            using errcode = 'PW008', column = 'replaces', detail = 'order_num ' || new.order_num,
                  hint = 'Name the order_num of the failed payout.';
    end if;
    select d.order_num, d.what into doubt from payout.original_in_doubt(new.merchant_code, new.replaces) d;
    if doubt.order_num is not null then
        raise exception 'replaces: payout % is % and cannot be paid again', doubt.order_num, doubt.what
            using errcode = 'PW008', column = 'replaces', detail = 'order_num ' || new.order_num,
                  hint = 'Only a failed payout without attention can be paid again, and only if all that it replaced is failed too.';
    end if;
    if elsewhere is not null then
        raise exception 'replaces: payout % failed at another gateway, which is no longer queried', elsewhere
            using errcode = 'PW008', column = 'replaces', detail = 'order_num ' || new.order_num,
                  hint = 'Find out from that gateway whether it paid. If it did not, insert a payout that replaces none.';
    end if;
    if exists (select from payout.payouts p where p.merchant_code = new.merchant_code
               and p.replaces = new.replaces and p.state <> 'cancelled') then
        raise exception 'replaces: payout % already has a replacement', new.replaces
            using errcode = 'PW008', column = 'replaces', detail = 'order_num ' || new.order_num,
                  hint = 'If the replacement failed, name that one instead.';
    end if;
end $$;

-- The newest version of the rules about the instruction. A migration that adds a rule raises it.
create function payout.rules_version() returns smallint language sql immutable return 1::smallint;

-- A new payout with this instruction: every column that the caller may not set has its initial value.
create function payout.with_worker_columns(p payout.payouts) returns payout.payouts
language plpgsql stable set search_path = pg_catalog, payout, pg_temp as $$
begin
    p.rules := payout.rules_version();
    -- Not when its transaction began: an answer from before it was there confirms nothing for it.
    p.created_at := clock_timestamp();
    p.created_by := session_user;
    p.state_since := now();
    p.due_at := greatest(now(), coalesce(p.not_before, now()));
    p.last_seq := null;
    p.attempt := 0;
    p.sends := 0;
    p.not_sent := 0;
    p.resubmits_granted := 0;
    p.send_by := null;
    p.lease_until := null;
    p.held := 0;
    p.fee := null;
    p.platform_order_num := null;
    p.called_back := null;
    p.failure_reason := null;
    p.attention_reasons := '{}';
    p.attention_since := null;
    p.declined_at := null;
    p.proven_ours := false;
    p.reaffirmed_at := null;
    p.originals_queried_at := case when p.replaces is not null then now() end;
    p.settled_at := null;
    p.queries := 0;
    p.parked := false;
    -- A backend may insert again what a failover lost, so its status is queried before its first claim.
    p.next_query_at := case when payout.must_query_first() then now() end;
    p.later_look := null;
    return p;
end $$;

-- Refuses metadata of more than 16 384 bytes as text. The stored form is measured first, because writing out 200 MB takes
-- seconds; it is at most eight times as long.
create function payout.check_metadata(metadata jsonb, order_num text) returns void
language plpgsql stable set search_path = pg_catalog, payout, pg_temp as $$
begin
    if pg_column_size(metadata) > 131072 or octet_length(metadata::text) > 16384 then
        raise exception 'metadata of payout % must be at most 16384 bytes as text', order_num
            using errcode = 'PW029', column = 'metadata',
                  hint = 'Keep what is larger in a table of your own, by order_num.';
    end if;
end $$;

-- Keeps the number for this merchant, if no payout has it or one that differs only in case. Otherwise returns the number that
-- was kept before. Where another transaction has inserted it and is still open, this waits for its end, so that nothing is
-- skipped without being compared.
create function payout.keep_order_num(merchant text, number text) returns text
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp set enable_seqscan = off set jit = off as $$
begin
    insert into payout.order_nums (merchant_code, lower_case, order_num) values (merchant, lower(number), number)
    on conflict do nothing;
    if found then
        return null;
    end if;
    return (select n.order_num from payout.order_nums n where n.merchant_code = merchant and n.lower_case = lower(number));
end $$;

-- Checks an instruction before any constraint can print the row: no message contains an account number or a name.
--
-- Without whole-table reads, like every function here that looks payouts up and is called in sessions of others: a backend
-- keeps its connections, and a plan that was made while the table was empty would read all of it at each insert.
create function payout.check_instruction() returns trigger
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp set enable_seqscan = off set jit = off as $$
declare
    merchant payout.merchants;
    kept text;
    stored payout.payouts;
    fresh payout.payouts;
begin
    -- Lengths first, and never in a pattern: it is matched against a copy of the whole text, and one that counts takes four
    -- microseconds for a few characters, ten times as long as one that does not.
    if new.order_num is null or octet_length(new.order_num) not between 1 and 32 or new.order_num ~ '[^A-Za-z0-9_-]' then
        raise exception 'order_num must be 1 to 32 characters of A-Z a-z 0-9 _ -'
            using errcode = 'PW001', column = 'order_num',
                  hint = 'Choose the order number before you insert. It must be unique per merchant for ever.';
    end if;
    if new.metadata is not null then
        perform payout.check_metadata(new.metadata, new.order_num);
    end if;
    merchant := payout.merchant_of(new.merchant_code, new.order_num);
    new.merchant_code := merchant.code;
    new.priority := coalesce(new.priority, 0);
    perform payout.check_whole(new.amount, 'order_num ' || new.order_num);
    -- Before the other rules: they may have changed since, and what was accepted once is accepted again.
    kept := payout.keep_order_num(new.merchant_code, new.order_num);
    if kept is not null then
        select * into stored from payout.payouts p
        where p.merchant_code = new.merchant_code and p.order_num = new.order_num;
        if found and payout.same_instruction(stored, new) then
            fresh := payout.with_worker_columns(new);
            fresh.rules := stored.rules;
            return fresh;
        elsif found then
            raise exception 'order_num % is already used for another payout', new.order_num
                using errcode = 'PW010', column = 'order_num',
                      hint = 'Find out which of the two is meant. Only a payout that is really another one gets a new number.';
        elsif kept <> new.order_num then
            raise exception 'order_num % differs only in case from %, and the gateway may take the one for the other',
                new.order_num, kept
                using errcode = 'PW062', column = 'order_num',
                      hint = 'If the same payout is meant, use its number. Otherwise choose one that differs by more than case.';
        end if;
    end if;
    perform payout.check_limits(new.amount, merchant, new.order_num);
    new.amount := trunc(new.amount);
    if new.fee_type is null or new.fee_type not in (0, 1) then
        raise exception 'fee_type must be 0 or 1'
            using errcode = 'PW003', column = 'fee_type', detail = 'order_num ' || new.order_num,
                  hint = '0: the fee comes out of the amount; 1: the fee is charged on top.';
    end if;
    perform payout.check_beneficiary(new);
    if octet_length(new.description) not between 1 and 32 or new.description ~ '[^A-Za-z0-9 ._,/-]|^ | $' then
        raise exception 'description must be 1 to 32 letters, digits, spaces and . _ , / -'
            using errcode = 'PW009', column = 'description', detail = 'order_num ' || new.order_num,
                  hint = 'Leave it out (null) if there is none.';
    end if;
    if not isfinite(new.not_before) or new.not_before >= '10000-01-01 UTC' then
        raise exception 'not_before must be a time before the year 10000'
            using errcode = 'PW017', column = 'not_before', detail = 'order_num ' || new.order_num,
                  hint = 'Leave it out (null) to pay as soon as possible.';
    end if;

    if new.replaces is not null then
        perform payout.check_replacement(new);
    end if;
    if new.state is distinct from 'queued' then
        raise exception 'a new payout must be queued'
            using errcode = 'PW012', column = 'state', hint = 'Leave the column out.';
    end if;

    -- The caller sets nothing but the instruction.
    fresh := new;
    return payout.with_worker_columns(fresh);
end $$;

create trigger check_instruction before insert on payout.payouts
    for each row execute function payout.check_instruction();

-- How full the server's queue of notifications is, from 0 to 1.
create function payout.notification_queue_usage() returns double precision
language plpgsql volatile set search_path = pg_catalog, payout, pg_temp as $$
begin
    return pg_notification_queue_usage();
end $$;

-- Whether this transaction may notify: Postgres prepares none for a two-phase commit that has. `set local payout.wake = off`,
-- or the same setting of a role, says so, and the workers find the payout when they next look.
create function payout.may_notify() returns boolean
language plpgsql stable set search_path = pg_catalog, payout, pg_temp as $$
begin
    return coalesce(current_setting('payout.wake', true), '') <> 'off';
end $$;

-- Wakes whoever listens on the channel, unless the queue of notifications is half full. Any login can fill it: by
-- listening, and then leaving a transaction open. A full queue would fail every commit that notifies, an insert as well as
-- the storing of an answer; without a wake-up everybody looks again in a moment.
create function payout.wake(channel text, payload text default '') returns void
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    if payout.may_notify() and payout.notification_queue_usage() < 0.5 then
        perform pg_notify(channel, payload);
    end if;
end $$;

-- Has every payout queried that a replacement of `replaced` would pay again. One that somebody has locked has its turn
-- half a minute later (payout.schedule_originals).
create function payout.query_originals(merchant text, replaced text) returns void
language plpgsql set search_path = pg_catalog, payout, pg_temp set enable_seqscan = off set jit = off as $$
declare
    original text;
begin
    for original in select o.order_num from payout.originals(merchant, replaced) o loop
        perform from payout.payouts p
        where p.merchant_code = merchant and p.order_num = original
          and coalesce(p.next_query_at > now() or p.later_look, true)
        for no key update skip locked;
        if found then
            update payout.payouts p set next_query_at = now(), later_look = false
            where p.merchant_code = merchant and p.order_num = original;
        end if;
    end loop;
end $$;

-- Has what the due replacements of a merchant pay again queried once more: every half of policy.proof_fresh_for, because
-- an answer older than the whole lets none be sent. Half of it is policy.unsigned_second_read, after which an unsigned
-- answer counts as a second one; the second more allows for the time between taking a query and sending it. None for what
-- is not sent anyway: paused, held back, not covered.
create function payout.schedule_originals(merchant text) returns void
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off as $$
declare
    waiting record;
begin
    for waiting in
        select p.order_num, p.replaces
        from payout.payouts p
        where p.merchant_code = merchant and p.state = 'queued' and not p.parked and p.replaces is not null
          and p.originals_queried_at < now() - (select x.proof_fresh_for / 2 + interval '1 second' from payout.policy x)
          and p.due_at <= now()
          and (p.attention is null or not payout.holds_back_claim(p.attention_reasons))
          and (not (select payout.must_query_first()) or payout.is_proven_unsent(p))
          and not exists (select from payout.pauses z where (z.scope, z.value) in (('all', ''), ('merchant', merchant)))
          and p.bank_code <> all (array(select z.value from payout.pauses z where z.scope = 'bank'))
        order by p.originals_queried_at
        limit 100
        for no key update of p skip locked
    loop
        perform payout.query_originals(merchant, waiting.replaces);
        update payout.payouts p set originals_queried_at = now()
        where p.merchant_code = merchant and p.order_num = waiting.order_num;
    end loop;
end $$;

create function payout.after_enqueue() returns trigger
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp set enable_seqscan = off set jit = off as $$
begin
    insert into payout.history (merchant_code, order_num, event, source)
    select merchant_code, order_num, 'enqueued', 'sql' from enqueued;
    -- A replacement is sent only after every payout that it pays again was queried once more.
    perform payout.query_originals(e.merchant_code, e.replaces) from enqueued e where e.replaces is not null;
    -- NOTIFY serialises commits. One of many concurrent inserters is enough to wake a worker, which polls anyway.
    if payout.may_notify() and pg_try_advisory_xact_lock(hashtext('payout_queued')) then
        perform payout.wake('payout_queued');
    end if;
    return null;
end $$;

create trigger after_enqueue after insert on payout.payouts
    referencing new table as enqueued for each statement execute function payout.after_enqueue();

-- What holds for the whole statement, before any row is looked at.
--
-- COPY reports the whole line with each error: to the client, and in the server's log. This runs before any line is read,
-- so its refusal shows none. The first condition spares an INSERT the look at every session. The table is hidden from a
-- session that changed its role.
create function payout.before_enqueue() returns trigger
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    perform payout.refuse_borrowed_session();
    if current_query() ilike '%copy%'
       and exists (select from pg_catalog.pg_stat_progress_copy c
                   where c.pid = pg_backend_pid() and coalesce(c.relid, tg_relid) = tg_relid) then
        raise exception 'COPY into payout.payouts is refused: an error in a line would print the whole line'
            using errcode = 'PW055',
                  hint = 'Copy into a temporary table of text columns and insert from there, as docs/sql-contract.md shows.';
    end if;
    return null;
end $$;

create trigger before_enqueue before insert on payout.payouts
    for each statement execute function payout.before_enqueue();

---- Moving a payout

-- The evidence of this transaction that the move rests on (I3, I5): what fits one row of payout.required_evidence. As in each
-- `language sql` function here that returns a table, Postgres puts the query in the place of the call, so one plan serves
-- every payout of a statement.
create function payout.evidence_for(wanted text, merchant text, order_num text, this_xid bigint)
returns setof payout.evidence
language sql stable
begin atomic
    select e.*
    from payout.evidence e, payout.required_evidence r, payout.policy x
    where e.merchant_code = merchant and e.order_num = evidence_for.order_num and e.xid = this_xid
      and not e.refused
      and r.event = wanted and (r.source, r.kind) = (e.source, e.kind)
      and (not r.of_status or r.status is not distinct from e.status)
      and (not r.certain or e.signed or e.query_sent_at - e.first_at >= x.unsigned_second_read)
      and (r.bound is null or r.bound = e.bound)
      and (r.proves is null or r.proves = e.proves)
      and e.times >= r.answers;
end;

-- Whether a payout with these reasons is not claimed.
create function payout.holds_back_claim(reasons text[]) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    return exists (select from payout.attention_reason r where r.holds_back_claim and r.name = any (reasons));
end $$;

-- Why this payout may not be resubmitted, or null if it may: its state, the quiet horizon, repeated proof, nothing to
-- the contrary (I10).
create function payout.why_no_resubmit(p payout.payouts) returns text
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    known text;
    answers int;
    needed int := (select x.not_found_answers from payout.policy x);
begin
    if p.state <> 'unknown' then
        return format('it is %s, and only an unknown payout can be resubmitted', p.state);
    end if;
    select min(e.source || ': ' || e.kind || coalesce(', status ' || e.status, '')) into known
    from payout.evidence e
    where (e.merchant_code, e.order_num) = (p.merchant_code, p.order_num)
      and e.kind in ('found', 'callback', 'acknowledged');
    if known is not null or p.platform_order_num is not null or p.proven_ours then
        return format('the gateway knows this order number (%s), so sending it again could pay twice',
                      coalesce(known, 'it stated its own order number'));
    end if;
    if now() < payout.quiet_until(p) then
        return format('the quiet horizon ends at %s: until then "not found" means nothing',
                      to_char(payout.quiet_until(p), 'YYYY-MM-DD HH24:MI:SS TZ'));
    end if;
    if now() > p.send_by + (select x.not_found_valid_for from payout.policy x) then
        return format('it was last sent on %s: gateways forget old orders, so "not found" proves nothing any more; with a '
                      'line of the gateway''s statement two people can resolve it', to_char(p.send_by, 'YYYY-MM-DD'));
    end if;
    select coalesce(max(e.times), 0) into answers from payout.evidence e
    where (e.merchant_code, e.order_num, e.attempt) = (p.merchant_code, p.order_num, p.attempt)
      and e.source = 'query' and e.kind = 'not_found' and e.proves = 'absence' and e.first_at >= payout.quiet_until(p);
    if answers < needed or 'not_found' <> all (p.attention_reasons) then
        return format('the gateway has answered "not found" %s times since the quiet horizon; %s answers, spaced apart, '
                      'are proof', answers, needed);
    end if;
    -- Whatever else needs a person is not answered by sending it once more.
    if payout.holds_back_claim(array_remove(p.attention_reasons, 'not_found')) then
        return format('it needs a person for more than "not found": %s', array_to_string(p.attention_reasons, ', '));
    end if;
    return null;
end $$;

-- The reasons for attention that say that the gateway's evidence contradicts an end.
create function payout.contradictions() returns text[]
language sql immutable parallel safe
return '{late_success,contradiction,foreign_order,amount_mismatch}'::text[];

-- What the gateway ever answered against the end that an act states: resolve_paid, resolve_failed, resolve_returned or
-- resolve_unchanged, which states the recorded one. resolve_fee states none.
create function payout.contrary_answers(p payout.payouts, act text) returns setof payout.evidence
language sql stable security definer set search_path = pg_catalog, payout, pg_temp
begin atomic
    select e.* from payout.evidence e
    where (e.merchant_code, e.order_num) = ((p).merchant_code, (p).order_num)
      and contrary_answers.act <> 'resolve_fee'
      -- An answer with another payout's number speaks against every end: it may be about either.
      and (e.doubt = 'number_in_use' or case
              when contrary_answers.act = 'resolve_paid' or contrary_answers.act = 'resolve_unchanged' and (p).state = 'paid'
              then e.kind in ('declined', 'not_found') or e.kind in ('found', 'callback') and e.status in (3, 4)
              else e.kind = 'acknowledged' or e.kind in ('found', 'callback') and coalesce(e.status not in (3, 4), true)
          end);
end;

-- Why this payout may not be resolved this way, or null if it may. Names its state and the states that would allow it.
create function payout.why_no_resolve(p payout.payouts, kind text) returns text
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    if kind = 'resolve_unchanged' and p.state not in ('paid', 'failed', 'cancelled', 'returned') then
        return format('it is %s, and only a final payout can be resolved as unchanged', p.state);
    elsif kind = 'resolve_unchanged' and not p.attention_reasons && payout.contradictions() then
        return 'nothing contradicts its end';
    elsif kind = 'resolve_unchanged' and p.state = 'failed' and exists (
        select from payout.contrary_answers(p, kind) e
        where e.bound is not false and coalesce(e.last_at > p.reaffirmed_at, true)) then
        return 'the gateway has not confirmed the failure since it was contradicted';
    end if;
    if kind = 'resolve_fee' and (p.state <> 'paid' or 'fee_unknown' <> all (p.attention_reasons)) then
        return format('it is %s, and only the fee of a paid payout can be stated, after its last query (attention: fee_unknown)',
                      p.state);
    end if;
    if kind = 'resolve_failed' and p.state not in ('pending', 'unknown') then
        return format('it is %s, and only a pending or unknown payout can be resolved as failed', p.state);
    elsif kind = 'resolve_paid' and p.state not in ('pending', 'unknown', 'failed') then
        return format('it is %s, and only a pending, unknown or failed payout can be resolved as paid', p.state);
    elsif kind = 'resolve_returned' and p.state <> 'paid' then
        return format('it is %s, and only a paid payout can be resolved as returned', p.state);
    end if;
    if kind = 'resolve_failed' and now() < payout.quiet_until(p) then
        return format('the quiet horizon ends at %s: the request may still arrive',
                      to_char(payout.quiet_until(p), 'YYYY-MM-DD HH24:MI:SS TZ'));
    end if;
    if kind = 'resolve_returned' and p.held > 0 then
        return 'its fee is still unknown';
    end if;
    return null;
end $$;

-- Whether this unsigned answer to a query was repeated half a minute later, and the gateway has not said otherwise since the
-- first one. Of a repeated answer only the first and the latest time are known, so all of it counts from the first.
create function payout.is_repeated(e payout.evidence) returns boolean
language sql stable security definer set search_path = pg_catalog, payout, pg_temp
return (e).query_sent_at - (e).first_at >= (select x.unsigned_second_read from payout.policy x)
   and not exists (
       select from payout.evidence o
       where (o.merchant_code, o.order_num) = ((e).merchant_code, (e).order_num)
         and o.kind in ('found', 'not_found', 'callback')
         -- Cancelled and failed are one end.
         and case o.status when 3 then 4 else o.status end
             is distinct from case (e).status when 3 then 4 else (e).status end
         and greatest(o.last_at, o.query_sent_at) >= (e).first_at);

-- When the gateway last reported, about this payout's order and amount, that it is paid; null if it has not. After a FAIL
-- a query may find somebody else's order, and an order with another amount is not ours: then only a callback in which
-- every field matches counts.
create function payout.confirmed_paid_at(p payout.payouts) returns timestamptz
language sql stable security definer set search_path = pg_catalog, payout, pg_temp
return (select max(e.last_at)
        from payout.evidence e
        where (e.merchant_code, e.order_num) = (p.merchant_code, p.order_num) and e.status = 2
          and (e.kind = 'callback' and e.bound
               or e.kind = 'found' and (e.signed or payout.is_repeated(e))
                  and ((p).declined_at is null or (p).proven_ours)
                  and not (p).attention_reasons && '{amount_mismatch,foreign_order}'));

-- The gateway's evidence against the statement that this payout was paid: "not found" answers since it last found the
-- order, its FAIL, and reported failures; all of it only since it last confirmed the payment.
create function payout.contrary_to_paid(p payout.payouts) returns setof payout.evidence
language sql stable security definer set search_path = pg_catalog, payout, pg_temp
begin atomic
    select e.* from payout.evidence e
    where (e.merchant_code, e.order_num) = ((p).merchant_code, (p).order_num)
      and (e.kind = 'declined' or e.kind in ('found', 'callback') and e.status in (3, 4)
           or e.kind = 'not_found' and e.last_at > coalesce(
               (select max(k.last_at) from payout.evidence k
                where (k.merchant_code, k.order_num) = ((p).merchant_code, (p).order_num) and k.kind = 'found'),
               '-infinity'))
      and e.last_at > coalesce(payout.confirmed_paid_at(p), '-infinity');
end;

-- Whether the end of this payout rests on people's word alone: they resolved it, resolved as paid what then came back, or
-- upheld its end against the gateway, which has not confirmed that since. In plpgsql, whose plans last as long as the session.
create function payout.rests_on_statement(p payout.payouts) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    ended payout.history;
begin
    select h.* into ended from payout.history h
    where (h.merchant_code, h.order_num) = (p.merchant_code, p.order_num)
      and (h.event = 'upheld' or h.to_state = case p.state when 'returned' then 'paid' else p.state end)
    order by h.seq desc limit 1;
    return ended.event in ('resolved_paid', 'resolved_failed', 'upheld') and not exists (
        select from payout.history h
        where (h.merchant_code, h.order_num) = (p.merchant_code, p.order_num) and h.seq > ended.seq
          and h.event = 'statement_confirmed');
end $$;

-- Whether the gateway's own evidence says that a paid payout came back: the payment does not rest on people's word, and the
-- gateway has answered a query that it failed, and nothing else since that query was sent.
create function payout.return_is_reported(p payout.payouts) returns boolean
language sql stable security definer set search_path = pg_catalog, payout, pg_temp
return not payout.rests_on_statement(p) and exists (
    select from payout.evidence e
    where (e.merchant_code, e.order_num) = ((p).merchant_code, (p).order_num)
      and e.source = 'query' and e.kind = 'found' and e.status in (3, 4)
      and (e.signed or payout.is_repeated(e))
      and ((p).declined_at is null or (p).proven_ours)
      and not (p).attention_reasons && '{amount_mismatch,foreign_order}'
      and not exists (
          select from payout.evidence o
          where (o.merchant_code, o.order_num) = (e.merchant_code, e.order_num)
            and o.kind in ('found', 'not_found', 'callback') and coalesce(o.status not in (3, 4), true)
            and greatest(o.last_at, o.query_sent_at) >= e.query_sent_at));

-- Whether the gateway has contradicted what this act states, in a way that was new, since people agreed to it. That a
-- payout is paid contradicts its return only if it was people who had stated the payment.
create function payout.is_contradicted_since(p payout.payouts, act text, since timestamptz) returns boolean
language sql stable security definer set search_path = pg_catalog, payout, pg_temp
return exists (select from payout.contrary_answers(p, act) e
               where e.first_at > since and e.bound is not false
                 and (is_contradicted_since.act <> 'resolve_returned' or coalesce(e.status <> 2, true)))
    or is_contradicted_since.act = 'resolve_returned'
       and exists (select from payout.history h
                   where (h.merchant_code, h.order_num) = ((p).merchant_code, (p).order_num)
                     and h.event = 'statement_confirmed' and h.at > since);

-- How many people must agree to this act now, on this payout or for this merchant: as many as its gravest effect that
-- applies takes. A condition that cannot be judged applies; an act that is not listed takes two.
create function payout.people_needed(act text, p payout.payouts default null, merchant_code text default null)
returns int
language sql stable security definer set search_path = pg_catalog, payout, pg_temp
return coalesce((
    select max(e.people)
    from payout.act a
    join payout.effect e on e.name = a.effect
    where a.act = people_needed.act
      and case a.applies_if
              when 'always' then true
              when 'contradicted' then exists (select from payout.contrary_to_paid(p))
                   or coalesce((p).attention_reasons && '{amount_mismatch,foreign_order,contradiction}', false)
              when 'early' then coalesce(now() < payout.quiet_until(p), true)
              when 'unreported' then coalesce(not payout.return_is_reported(p), true)
              when 'gateway_funds' then coalesce((select m.funding <> 'books' from payout.merchants m
                                                  where m.code = people_needed.merchant_code), true)
              when 'unproven' then coalesce('unproven' = any ((p).attention_reasons), false)
          end), 2);

-- The same for a request: for each of its payouts, and never fewer than when it was made.
create function payout.people_needed_for(r payout.requests) returns int
language sql stable security definer set search_path = pg_catalog, payout, pg_temp
return greatest((r).people,
    (select max(payout.people_needed((r).kind, p))
     from payout.request_payouts i
     join payout.payouts p using (merchant_code, order_num)
     where i.request_id = (r).id and i.outcome is null),
    case when not exists (select from payout.request_payouts i where i.request_id = (r).id)
         then payout.people_needed((r).kind, null, (r).merchant_code) end);

-- Whether the answer to a query that was sent in the last minute (policy.proof_fresh_for), about the latest attempt, allows
-- this act: "not found" or, to resolve as failed, cancelled or failed. Any such answer counts, not only the latest. Where
-- "not found" proves nothing, because nothing vouches for it or the order is too old, it does not contradict at least what
-- two people state after a day (policy.open_too_long) on other evidence, unless the gateway said otherwise within that day.
create function payout.has_fresh_proof(p payout.payouts, kind text) returns boolean
language sql stable security definer set search_path = pg_catalog, payout, pg_temp
return exists (
    select from payout.evidence e, payout.policy x
    where (e.merchant_code, e.order_num, e.attempt) = (p.merchant_code, p.order_num, p.attempt)
      and e.source = 'query' and e.query_sent_at between clock_timestamp() - x.proof_fresh_for and clock_timestamp()
      and (e.kind = 'not_found' and e.proves in ('absence', 'contradiction')
           and now() <= p.send_by + x.not_found_valid_for
           or has_fresh_proof.kind = 'resolve_failed' and e.kind = 'not_found'
              and p.state_since < now() - x.open_too_long
              and not exists (select from payout.contrary_answers(p, 'resolve_failed') o
                              where o.bound is not false
                                and greatest(o.last_at, o.query_sent_at) > now() - x.open_too_long)
           or has_fresh_proof.kind = 'resolve_failed' and e.kind = 'found' and e.status in (3, 4)));

-- Which payout of a request for several resubmits may be sent now. One is sent first, and shows what "not found" is worth:
-- the rest follow once the gateway has been found to know that one. Nothing follows once the gateway is found to know one
-- that was not sent again. `only_one` is null if each of the rest may be sent.
create function payout.resubmit_turn(request_id bigint, merchant text, out known text, out awaited text, out only_one text)
language plpgsql stable set search_path = pg_catalog, payout, pg_temp as $$
declare
    one_is_found boolean;
begin
    select min(i.order_num) filter (where i.outcome is distinct from 'done' and a.is_known),
           min(i.order_num) filter (where i.outcome = 'done'), min(i.order_num) filter (where i.outcome is null),
           coalesce(bool_or(i.outcome = 'done' and a.is_known), false)
    into known, awaited, only_one, one_is_found
    from payout.request_payouts i
    join payout.requests r on r.id = i.request_id
    cross join lateral (
        select exists (select from payout.evidence e
                       where (e.merchant_code, e.order_num) = (i.merchant_code, i.order_num)
                         and (e.kind = 'found' or e.bound)
                         and e.last_at > case i.outcome when 'done' then i.outcome_at else r.requested_at end) as is_known) a
    where i.request_id = resubmit_turn.request_id and i.merchant_code = merchant;
    if one_is_found then
        awaited := null;
        only_one := null;
    end if;
end $$;

-- Why this payout of a request may not be sent again now, or null if it may.
create function payout.why_not_its_turn(p payout.payouts, request_id bigint) returns text
language plpgsql stable set search_path = pg_catalog, payout, pg_temp as $$
declare
    turn record;
begin
    select * into turn from payout.resubmit_turn(request_id, p.merchant_code);
    return case
        when turn.known is not null then format('the gateway knows %s of the same request, which was not sent again', turn.known)
        when turn.awaited is not null then format('%s of the same request was sent first and has not been found yet', turn.awaited)
        when turn.only_one <> p.order_num then format('%s of the same request is sent first', turn.only_one)
    end;
end $$;

-- A move that rests on a person and not on the gateway's evidence uses up one approved request in the same transaction.
create function payout.use_request(p payout.payouts, event text) returns void
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
declare
    wanted text := case event when 'resubmit_granted' then 'resubmit' when 'resolved_failed' then 'resolve_failed'
                              when 'resolved_paid' then 'resolve_paid' when 'resolved_returned' then 'resolve_returned' end;
    request payout.requests;
    why text;
begin
    perform payout.refuse_old_snapshot();
    select r.* into request
    from payout.request_payouts i
    join payout.requests r on r.id = i.request_id
    where (i.merchant_code, i.order_num) = (p.merchant_code, p.order_num) and i.outcome is null
      and r.kind = wanted and r.decision = 'approved' and r.expires_at > clock_timestamp()
    order by r.id limit 1
    for no key update of i;
    if not found then
        raise exception 'payout %: % needs an approved request that has not expired', p.order_num, event
            using errcode = 'PW028', hint = 'Make one with payout resubmit or payout resolve, and payout approve.';
    end if;
    if wanted = 'resubmit' then
        -- Two workers that each send the first one would not see each other.
        perform from payout.requests r where r.id = request.id for no key update;
        why := coalesce(payout.why_no_resubmit(p), payout.why_not_its_turn(p, request.id));
    else
        why := payout.why_no_resolve(p, wanted);
    end if;
    if why is null and wanted in ('resubmit', 'resolve_failed') and not payout.has_fresh_proof(p, wanted) then
        why := format('the gateway has not answered "not found" within the last %s seconds',
                      (select extract(epoch from x.proof_fresh_for)::int from payout.policy x));
    end if;
    if why is null and greatest(request.people, payout.people_needed(wanted, p)) > 1
       and (request.requested_by_oid = request.decided_by_oid or request.requested_by = request.decided_by) then
        why := format('it takes two people now, and %s requested and approved it', request.requested_by);
    end if;
    if why is null and wanted <> 'resubmit' and payout.is_contradicted_since(p, wanted, request.decided_at) then
        why := 'the gateway has answered otherwise since it was approved';
    end if;
    if why is not null then
        raise exception 'payout %: %', p.order_num, why using errcode = 'PW024';
    end if;
    update payout.request_payouts i
    set outcome = 'done', outcome_at = clock_timestamp()
    where (i.request_id, i.merchant_code, i.order_num) = (request.id, p.merchant_code, p.order_num);
    insert into payout.operator_acts (act, merchant_code, order_num, reason, evidence, request_id, detail)
    values (wanted, p.merchant_code, p.order_num, request.reason, request.evidence, request.id,
            format('requested by %s, approved by %s', request.requested_by, request.decided_by));
end $$;

-- Whether two people have approved this act on this payout in this transaction.
create function payout.two_have_approved(p payout.payouts, act text) returns boolean
language plpgsql stable set search_path = pg_catalog, payout, pg_temp as $$
begin
    return exists (
        select from payout.request_payouts i join payout.requests r on r.id = i.request_id
        where (i.merchant_code, i.order_num) = (p.merchant_code, p.order_num) and i.outcome is null
          and r.kind = act and r.decision = 'approved' and r.decided_at >= now() and r.people > 1);
end $$;

-- After a failover a queued payout may have been sent. Withdrawing it would invite somebody to pay it another way. Where
-- the gateway cannot tell, two people decide.
create function payout.refuse_cancel_after_failover(p payout.payouts) returns void
language plpgsql stable set search_path = pg_catalog, payout, pg_temp as $$
begin
    perform payout.refuse_old_snapshot();
    if exists (select from payout.failover f where f.changed_at is not null or f.identity <> payout.identity())
       or (payout.must_query_first() and not payout.is_proven_unsent(p) and 'unproven' <> all (p.attention_reasons)) then
        raise exception 'payout % cannot be cancelled now: after a failover it may have been sent', p.order_num
            using errcode = 'PW019', hint = 'Wait until its status has been queried and the failover is accepted.';
    end if;
    if payout.people_needed('cancel', p) > 1 and not payout.two_have_approved(p, 'cancel') then
        raise exception 'payout % may have been sent before a failover: two people must agree to cancel it', p.order_num
            using errcode = 'PW031',
                  hint = 'select payout.request_cancel(order_num, reason); then another operator approves it.';
    end if;
end $$;

-- The move from one state to another that this transaction's history names in row `seq`, with what it needs. One row moves
-- a payout once: its number is above that of the payout's last move.
create function payout.move_in_history(merchant text, order_num text, from_state text, to_state text, after_seq bigint,
                                       seq bigint, this_xid bigint)
returns table (event text, posting text, proven_by text)
language sql stable
begin atomic
    select t.event, t.posting, e.proven_by
    from payout.history h
    join payout.transition t on (t.from_state, t.event, t.to_state) = (h.from_state, h.event, h.to_state)
    join payout.event e on e.name = t.event
    where h.seq = move_in_history.seq and h.seq > coalesce(after_seq, 0) and h.seq >> 20 = this_xid
      and (h.merchant_code, h.order_num) = (merchant, move_in_history.order_num)
      and (h.from_state, h.to_state) = (move_in_history.from_state, move_in_history.to_state);
end;

-- The address by which the worker of this attempt reaches the database, if it is not registered. A copy of the data folder
-- cannot be told from its original by anything inside it; only the worker knows how it came (I11).
create function payout.other_address(merchant text, order_num text, attempt int) returns table (address text)
language sql stable
begin atomic
    select coalesce(a.address, 'it stated none')
    from payout.attempts a
    where (a.merchant_code, a.order_num, a.attempt) = (merchant, other_address.order_num, other_address.attempt)
      and not exists (select from payout.addresses d where d.address = a.address and d.removed_at is null);
end;

-- Every stop: why nothing may be sent now, or null; and why this payout may not be sent now by this attempt, or null. The
-- claim knows them too, to choose what it takes. They are rules here, so that the claim of an older worker, which lacks
-- one, is refused. A new stop is one more branch.
create function payout.why_no_sends() returns text
language plpgsql stable set search_path = pg_catalog, payout, pg_temp as $$
begin
    if exists (select from payout.failover f where f.changed_at is not null or f.identity <> payout.identity()) then
        return 'the database failed over or was restored, and nobody has accepted that yet';
    elsif payout.is_receiving() then
        return 'this database receives the rows of another one (payout.receiving)';
    elsif current_setting('transaction_isolation') <> 'read committed' then
        return 'its transaction does not see what others have committed since it began';
    end if;
    return null;
end $$;

create function payout.why_no_send(p payout.payouts, merchant text, order_num text, attempt int) returns table (why text)
language sql stable
begin atomic
    select case
        when (p).state = 'queued' and (select payout.must_query_first()) and not payout.is_proven_unsent(p) then
            'after a failover it may have been sent, so its status is queried first'
        when exists (select from payout.pauses z
                     where (z.scope, z.value) in (('all', ''), ('merchant', merchant), ('bank', (p).bank_code))) then
            'an operator paused it'
        when (p).not_before > now() then
            'it may not be sent before its not_before'
        when (p).state = 'queued' and (p).attention is not null and payout.holds_back_claim((p).attention_reasons) then
            format('it needs a person (attention: %s)', array_to_string((p).attention_reasons, ', '))
        when not exists (
            select from payout.attempts a
            join payout.merchants m on m.code = a.merchant_code and m.gateway = a.gateway
            where (a.merchant_code, a.order_num, a.attempt) = (merchant, why_no_send.order_num, why_no_send.attempt)) then
            'the worker is configured for another gateway, dialect or platform key than the registered one'
        when (p).replaces is not null then
            (select m.why_not from payout.may_pay_again(merchant, (p).replaces, (p).created_at) m)
    end;
end;

-- Keeps the reasons for attention in order of gravity, each once, and clears those that the move answers. A reason that
-- only a person may clear stays until then, whoever writes another one.
create function payout.with_attention(old payout.payouts, new payout.payouts, event text) returns payout.payouts
language plpgsql stable set search_path = pg_catalog, payout, pg_temp as $$
declare
    lost text;
begin
    -- Null is no set of reasons either, and would be no match for any.
    if (new.attention_reasons <@ (select array_agg(a.name) from payout.attention_reason a)) is not true then
        raise exception 'payout %: attention_reasons contains a word that payout.attention_reason does not have', old.order_num
            using errcode = 'PW012', hint = 'See the reasons: select * from payout.attention_reason order by rank.';
    end if;
    select coalesce(array_agg(r.name order by r.rank) filter (where r.is_kept), '{}'),
           min(r.name) filter (where r.was and not r.is_kept and r.cleared_by = 'person' and not r.is_answered)
    into new.attention_reasons, lost
    from (select a.name, a.rank, a.cleared_by, x.was, x.is_answered,
                 a.name = any (new.attention_reasons) and not (x.was and x.is_answered) as is_kept
          from payout.attention_reason a,
               lateral (select a.name = any (old.attention_reasons) as was,
                               coalesce(event = any (a.answered_by), false) as is_answered) x
          where a.name = any (old.attention_reasons || new.attention_reasons)) r;
    if lost is not null and not (event is null and payout.two_have_approved(old, 'resolve_unchanged')) then
        raise exception 'payout %: only a person can clear its attention %', old.order_num, lost
            using errcode = 'PW012', hint = 'Add reasons to attention_reasons; a move that answers one clears it.';
    end if;
    if new.attention_reasons = '{}' then
        new.attention_since := null;
    elsif old.attention is null or new.attention_reasons[1] <> all (old.attention_reasons) then
        new.attention_since := now();
    end if;
    return new;
end $$;

-- The instruction is frozen. Fires only for an update that names one of its columns, so that no other has to read them:
-- metadata may be long.
create function payout.refuse_new_instruction() returns trigger
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    raise exception 'payout %: the instruction is frozen after insert', old.order_num
        using errcode = 'PW011', hint = 'Cancel it while it is queued and insert a new order_num.';
end $$;

create trigger frozen
    before update of merchant_code, order_num, amount, fee_type, bank_code, account_number, account_name, description,
                     replaces, not_before, priority, metadata, created_at, created_by, rules
    on payout.payouts for each row
    when ((new.merchant_code, new.order_num, new.amount, new.fee_type, new.bank_code, new.account_number, new.account_name,
           new.description, new.replaces, new.not_before, new.priority, new.metadata, new.created_at, new.created_by,
           new.rules)
          is distinct from
          (old.merchant_code, old.order_num, old.amount, old.fee_type, old.bank_code, old.account_number, old.account_name,
           old.description, old.replaces, old.not_before, old.priority, old.metadata, old.created_at, old.created_by,
           old.rules))
    execute function payout.refuse_new_instruction();

-- The constraint that a payout with these values breaks, or null. Postgres would print the whole row, to the client and in
-- the server's log, so complete_change refuses it first. Its callers have Postgres put it in the place of the call.
create function payout.broken_constraint(
    state text, state_since timestamptz, attempt int, sends int, not_sent int, resubmits_granted int, held bigint, fee bigint,
    attention_reasons text[], attention_since timestamptz, proven_ours boolean, settled_at timestamptz, queries int,
    due_at timestamptz, parked boolean) returns text
language sql immutable
return case
    when num_nulls(state, state_since, attempt, sends, not_sent, resubmits_granted, held, attention_reasons, proven_ours,
                   queries, due_at, parked) > 0 then 'not null'
    when state <> all ('{queued,submitting,pending,unknown,paid,failed,cancelled,returned}') then 'state_is_known'
    when sends - not_sent > 1 + resubmits_granted then 'sent_once_per_grant'
    when attempt < sends or not_sent not between 0 and sends then 'attempts_count_up'
    when (settled_at is not null) <> (state in ('paid', 'failed', 'cancelled', 'returned')) then 'settled_at_iff_final'
    when case when state in ('submitting', 'pending', 'unknown') then held <= 0
              when state = 'paid' then held < 0
              else held <> 0 end then 'held_while_it_may_have_left'
    when fee not between 0 and 1000000000000 then 'fee_is_an_amount'
    when (attention_reasons[1] is null) <> (attention_since is null) then 'attention_has_a_time'
    when parked and state <> 'queued' then 'parked_only_while_queued'
end;

-- What follows from a change in the row itself, and those refusals of guard_changes that come here already: a change that
-- lacks everything would break a constraint first.
create function payout.completed_change(old payout.payouts, new payout.payouts) returns payout.payouts
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp set enable_seqscan = off set enable_sort = on set jit = off as $$
declare
    move text;
    broken text;
begin
    if new.held <> old.held and new.held <> (
        select coalesce(sum(l.held), 0) from payout.ledger l
        where l.merchant_code = old.merchant_code and l.order_num = old.order_num) then
        raise exception 'payout %: the held amount changes only with a ledger entry', old.order_num
            using errcode = 'PW012', hint = 'Book the entry in the same transaction.';
    end if;
    if new.state = old.state and (new.attempt, new.sends, new.resubmits_granted, new.last_seq, new.not_sent)
                                 is distinct from
                                 (old.attempt, old.sends, old.resubmits_granted, old.last_seq, old.not_sent) then
        raise exception 'payout %: only a move changes the counts of sends and attempts', old.order_num
            using errcode = 'PW012', hint = 'See payout.transition.';
    end if;
    if new.state <> old.state then
        select m.event into move
        from payout.move_in_history(old.merchant_code, old.order_num, old.state, new.state, old.last_seq, new.last_seq,
                                    payout.current_xid()) m;
        if not found then
            raise exception 'payout %: % cannot become % without a move in its history', old.order_num, old.state, new.state
                using errcode = 'PW012',
                      hint = 'A state changes only along payout.transition, with its history row in the same transaction.';
        end if;
        new.state_since := now();
    end if;
    if new.attention_reasons <> old.attention_reasons
       or new.state <> old.state and (old.attention_reasons, new.attention_reasons) <> ('{}'::text[], '{}'::text[]) then
        new := payout.with_attention(old, new, move);
    end if;
    broken := payout.broken_constraint(
        new.state, new.state_since, new.attempt, new.sends, new.not_sent, new.resubmits_granted, new.held, new.fee,
        new.attention_reasons, new.attention_since, new.proven_ours, new.settled_at, new.queries, new.due_at, new.parked);
    if broken is not null then
        raise exception 'payout %: the change would break the constraint %', old.order_num, broken
            using errcode = 'PW012', constraint = broken, hint = 'See the constraints of payout.payouts.';
    end if;
    return new;
end $$;

-- The worker's moves need nothing of it if nothing wants attention: it states the time itself. Not as a condition of the
-- trigger, which Postgres would prepare again for each statement.
create function payout.complete_change() returns trigger
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    if new.attention_reasons <> old.attention_reasons
       or new.state = old.state and (new.held, new.attempt, new.sends, new.resubmits_granted, new.last_seq, new.not_sent)
                                    is distinct from
                                    (old.held, old.attempt, old.sends, old.resubmits_granted, old.last_seq, old.not_sent)
       or new.state <> old.state and (new.state_since is distinct from now()
                                      or (old.attention_reasons, new.attention_reasons) <> ('{}'::text[], '{}'::text[]))
       or payout.broken_constraint(
           new.state, new.state_since, new.attempt, new.sends, new.not_sent, new.resubmits_granted, new.held, new.fee,
           new.attention_reasons, new.attention_since, new.proven_ours, new.settled_at, new.queries, new.due_at,
           new.parked) is not null then
        return payout.completed_change(old, new);
    end if;
    return new;
end $$;

create trigger complete_change before update on payout.payouts
    for each row execute function payout.complete_change();

-- A refusal is its SQLSTATE, how its sentence goes on after "payout ORDER", and its hint.

-- What a move lacks: its count of sends, its attempt, its evidence (I2, I3, I8); null if nothing. `steps` is what it adds to
-- the numbers of attempts, sends, not sent and resubmits granted.
create function payout.why_no_move(merchant text, order_num text, attempt int, to_state text, steps int[], event text,
                                   proven_by text, this_xid bigint)
returns table (refusal text[])
language sql stable
begin atomic
    select case
        -- A claim whose commit was lost had its own attempt, so a payout that is found takes a new one too.
        when steps <> array[(to_state = 'submitting' or event = 'found_after_failover')::int, (to_state = 'submitting')::int,
                            (event = 'not_sent')::int, (event = 'resubmit_granted')::int] then
            array['PW012', format(': %s does not change the counts of sends and attempts this way', event),
                  'A claim and a resubmit add one attempt and one send; other moves add neither.']
        when to_state = 'submitting' and not exists (
            select from payout.attempts a
            where (a.merchant_code, a.order_num, a.attempt) = (merchant, why_no_move.order_num, why_no_move.attempt)
              and a.xid = this_xid) then
            array['PW012', format(': %s needs a new attempt in the same transaction', event), 'Insert the attempt first.']
        when (proven_by = 'evidence' or proven_by = 'request' and to_state <> 'submitting') and not exists (
            select from payout.evidence_for(event, merchant, why_no_move.order_num, this_xid)) then
            array['PW012', format(': %s needs the evidence for it in the same transaction', event),
                  'See which evidence: select * from payout.required_evidence.']
        when event = 'not_sent' and not exists (
            select from payout.attempts a
            where (a.merchant_code, a.order_num, a.attempt) = (merchant, why_no_move.order_num, why_no_move.attempt)
              and a.outcome = 'not_sent') then
            array['PW012', ': its attempt is not proven unsent', 'Set the outcome of its attempt first.']
    end;
end;

-- Why this change is not let through, or null: the held amount follows the ledger (I6), and a state changes only by a move
-- in the history, with the entry that it posts. `changes_seq` is whether it names another row of the history.
create function payout.why_no_change(merchant text, order_num text, attempt int, from_state text, to_state text,
                                     held_is_in_ledger boolean, steps int[], changes_seq boolean, booked text, event text,
                                     posting text, proven_by text, this_xid bigint)
returns table (refusal text[])
language sql stable
begin atomic
    select case
        when order_num is null or from_state is null then
            array['PW011', ': the instruction is frozen after insert', 'Insert a new order_num.']
        when not held_is_in_ledger then
            array['PW012', ': the held amount changes only with a ledger entry', 'Book the entry in the same transaction.']
        when to_state = from_state then
            case when steps <> '{0,0,0,0}'::int[] or changes_seq then
                array['PW012', ': only a move changes the counts of sends and attempts', 'See payout.transition.'] end
        when event is null then
            array['PW012', format(': %s cannot become %s without a move in its history', from_state, to_state),
                  'A state changes only along payout.transition, with its history row in the same transaction.']
        when coalesce(booked, 'none') <> posting then
            array['PW012', format(': %s needs the ledger entry "%s" in the same transaction', event, posting),
                  'See which entry: select * from payout.transition.']
        else (select m.refusal from payout.why_no_move(merchant, why_no_change.order_num, attempt, to_state, steps, event,
                                                       proven_by, this_xid) m)
    end;
end;

-- Raises a refusal.
create function payout.refuse(order_num text, refusal text[]) returns void
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    raise exception 'payout %', order_num || refusal[2] using errcode = refusal[1], hint = refusal[3];
end $$;

-- Checks all changes of a statement together, at its first row. One history row moves a payout once, because last_seq rises.
--
-- A trigger of the rows, not of the statement: Postgres calls that once the statement has run to its end, and a function
-- that limits the number of rows gets no further, as `plpy.execute(..., 1)` or `spi_exec_query(..., 1)`. Nor does Postgres
-- call it where the table is reached through one that it inherits from; a row trigger that sees all rows lets it inherit
-- from none.
--
-- One plan serves the whole session, as planning takes longer than the checks. It must not read tables whole that were small
-- when it was made: so no sequential scans, and nested loops over indexes. The full join is hashed or merged even so.
-- Without enable_material = off, a plan made for a batch in a new installation reads the whole history once, from end to
-- end of its index, and keeps it. With enable_sort = on, because a worker's connection for claims has it off: from
-- Postgres 16 on, an aggregate would read the whole ledger by its index to find its rows in order. Plain columns, not rows,
-- because each use of a row takes it apart again.
create function payout.guard_changes() returns trigger
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off set enable_sort = on set jit = off as $$
declare
    this_xid bigint;
    change record;
begin
    if (new.merchant_code, new.order_num) <> (select a.merchant_code, a.order_num from after a limit 1) then
        return null;
    end if;
    this_xid := payout.current_xid();
    for change in
        select j.*
        from (select o.merchant_code, coalesce(o.order_num, n.order_num) as order_num, m.event, m.proven_by, w.refusal
              from before o
              full join after n on (n.merchant_code, n.order_num) = (o.merchant_code, o.order_num)
              -- The sum, not the last entry: one entry must not change the held amount twice.
              cross join lateral (
                  select (array_agg(l.kind order by l.id desc)
                          filter (where l.xid = this_xid and l.attempt = n.attempt))[1] as booked,
                         coalesce(sum(l.held), 0) as held
                  from payout.ledger l
                  where l.merchant_code = o.merchant_code and l.order_num = o.order_num) e
              left join lateral payout.move_in_history(o.merchant_code, o.order_num, o.state, n.state, o.last_seq, n.last_seq,
                                                       this_xid) m on n.state <> o.state
              cross join lateral payout.why_no_change(
                  o.merchant_code, n.order_num, n.attempt, o.state, n.state,
                  n.held = e.held or n.held = o.held and e.booked is null,
                  array[n.attempt - o.attempt, n.sends - o.sends, n.not_sent - o.not_sent,
                        n.resubmits_granted - o.resubmits_granted],
                  n.last_seq is distinct from o.last_seq, e.booked, m.event, m.posting, m.proven_by, this_xid) w
              offset 0) j
        where j.refusal is not null or j.proven_by = 'request' or j.event = 'withdrawn'
        order by j.merchant_code, j.order_num
    loop
        if change.refusal is not null then
            perform payout.refuse(change.order_num, change.refusal);
        elsif change.proven_by = 'request' then
            perform payout.use_request(o::payout.payouts, change.event)
            from before o where (o.merchant_code, o.order_num) = (change.merchant_code, change.order_num);
        else
            perform payout.refuse_cancel_after_failover(o::payout.payouts)
            from before o where (o.merchant_code, o.order_num) = (change.merchant_code, change.order_num);
        end if;
    end loop;
    return null;
end $$;

create trigger guard_changes after update on payout.payouts
    referencing old table as before new table as after for each row execute function payout.guard_changes();

-- Checks all claims of a statement together, at its first row that may be one: nothing stops them, and this server could
-- not lose them. Apart from guard_changes, because every plan costs its preparation each time, and two of three moves are
-- no claims.
create function payout.guard_claims() returns trigger
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off set enable_sort = on set jit = off as $$
declare
    why text;
    claim record;
begin
    if (new.merchant_code, new.order_num)
       <> (select a.merchant_code, a.order_num from after a where a.state = 'submitting' limit 1) then
        return null;
    end if;
    why := payout.why_no_sends();
    for claim in
        select n.order_num, d.address, w.why
        from before o
        full join after n on (n.merchant_code, n.order_num) = (o.merchant_code, o.order_num)
        left join lateral payout.other_address(n.merchant_code, n.order_num, n.attempt) d on true
        cross join lateral payout.why_no_send(o::payout.payouts, n.merchant_code, n.order_num, n.attempt) w
        where n.state = 'submitting' and o.state is distinct from 'submitting'
        order by n.merchant_code, n.order_num
    loop
        if claim.address is not null then
            perform payout.refuse(claim.order_num, array['PW050',
                format(': its worker reaches this database by an address that is not registered (%s)', claim.address),
                'See payout.addresses. If this is not a copy: payout address add ADDRESS.']);
        elsif coalesce(why, claim.why) is not null then
            perform payout.refuse(claim.order_num, array['PW041', ' is not sent: ' || coalesce(why, claim.why),
                'A worker claims it once nothing stops it any more.']);
        elsif current_setting('fsync') <> 'on'
              or current_setting('full_page_writes') <> 'on' and payout.whole_pages_by() is null then
            perform payout.refuse(claim.order_num, array['PW042',
                format(' is not sent: this server could lose its claim (fsync = %s, full_page_writes = %s)',
                       current_setting('fsync'), current_setting('full_page_writes')),
                'Set both to on: they are settings of the server. Where the storage writes each page whole: '
                'payout.accept_full_pages_off(reason).']);
        end if;
    end loop;
    perform payout.make_durable();
    return null;
end $$;

create trigger guard_claims after update on payout.payouts
    referencing old table as before new table as after for each row when (new.state = 'submitting')
    execute function payout.guard_claims();

---- Attempts, evidence, requests

-- An attempt gets its outcome once.
create function payout.guard_attempt() returns trigger
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    if old.outcome is not null
       or (old.merchant_code, old.order_num, old.attempt, old.claimed_at, old.send_by, old.lease_until, old.worker,
           old.request_sha256, old.xid, old.quiet_until, old.address, old.gateway)
          is distinct from
          (new.merchant_code, new.order_num, new.attempt, new.claimed_at, new.send_by, new.lease_until, new.worker,
           new.request_sha256, new.xid, new.quiet_until, new.address, new.gateway) then
        raise exception 'attempt % of payout %: only its missing outcome may be added', old.attempt, old.order_num
            using errcode = 'PW016';
    end if;
    return new;
end $$;

create trigger guard_attempt before update on payout.attempts
    for each row execute function payout.guard_attempt();

-- What evidence says never changes; equal evidence raises the count and replaces the message and the times.
create function payout.guard_evidence() returns trigger
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    if new.times < old.times
       or (old.id, old.merchant_code, old.order_num, old.attempt, old.source, old.kind, old.digest, old.first_at, old.refused)
          is distinct from
          (new.id, new.merchant_code, new.order_num, new.attempt, new.source, new.kind, new.digest, new.first_at, new.refused)
       or (old.status, old.signed, old.bound, old.mismatch, old.doubt, old.proves, old.valid_from, old.actor)
          is distinct from
          (new.status, new.signed, new.bound, new.mismatch, new.doubt, new.proves, new.valid_from, new.actor) then
        raise exception 'evidence of payout % is append-only: only its count can rise', old.order_num
            using errcode = 'PW016';
    end if;
    new.xid := payout.current_xid();
    -- A clock that was set back must not keep evidence from being stored.
    new.last_at := greatest(new.last_at, old.last_at);
    return new;
end $$;

create trigger guard_evidence before update on payout.evidence
    for each row execute function payout.guard_evidence();

-- A request is made and decided under one's own login, decided once, and approved before it expires: by a second person
-- if it takes two when it is made or when it is decided.
create function payout.guard_request() returns trigger
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    perform payout.refuse_borrowed_session();
    perform payout.refuse_old_snapshot();
    if tg_op = 'INSERT' then
        if new.requested_by <> session_user or new.requested_by_oid is distinct from payout.login_oid()
           or new.requested_at <> now() or new.decision is not null
           or new.expires_at <> now() + (select x.request_expires_after from payout.policy x) then
            raise exception 'a request must be made under one''s own login and decided later'
                using errcode = 'PW028', hint = 'Call payout.request_resubmit or payout.request_resolve_failed.';
        end if;
        return new;
    end if;
    if (old.id, old.kind, old.requested_by, old.requested_by_oid, old.requested_at, old.expires_at, old.reason)
       is distinct from
       (new.id, new.kind, new.requested_by, new.requested_by_oid, new.requested_at, new.expires_at, new.reason)
       or (old.evidence, old.stated, old.merchant_code, old.subject, old.arguments)
       is distinct from (new.evidence, new.stated, new.merchant_code, new.subject, new.arguments) then
        raise exception 'request % cannot be changed', old.id
            using errcode = 'PW016', hint = 'Reject it and make a new one.';
    end if;
    if old.decision is not null then
        raise exception 'request % was already % by %', old.id, old.decision, old.decided_by using errcode = 'PW023',
            hint = 'A request is decided once. See its outcome with payout audit.';
    end if;
    if new.decided_by is distinct from session_user or new.decided_by_oid is distinct from payout.login_oid() then
        raise exception 'request % must be decided under one''s own login', old.id using errcode = 'PW028';
    end if;
    -- Not now(): a transaction may be as old as it likes, and may have waited for the lock on this row.
    new.decided_at := clock_timestamp();
    new.people := payout.people_needed_for(old);
    if new.decision = 'approved' then
        if new.decided_at > old.expires_at then
            raise exception 'request % expired at %', old.id, to_char(old.expires_at, 'YYYY-MM-DD HH24:MI:SS TZ')
                using errcode = 'PW022', hint = 'Make a new request: what was true then must be checked again.';
        end if;
        if new.people > 1 and (old.requested_by_oid = new.decided_by_oid or old.requested_by = new.decided_by) then
            raise exception 'request % is yours: somebody else must approve it', old.id
                using errcode = 'PW021', hint = 'Another operator, with a login of their own: payout approve ' || old.id;
        end if;
    end if;
    return new;
end $$;

create trigger guard_request before insert or update on payout.requests
    for each row execute function payout.guard_request();

-- Once more at the commit: what two people agreed to comes into force then.
create function payout.refuse_late_approval() returns trigger
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    if exists (select from payout.requests r where r.id = new.id and r.expires_at < clock_timestamp()) then
        raise exception 'request % expired before its approval was committed', new.id
            using errcode = 'PW022', hint = 'Make a new request, and commit its approval at once.';
    end if;
    return null;
end $$;

create constraint trigger approved_in_time_at_commit after update on payout.requests
    deferrable initially deferred for each row when (new.decision = 'approved' and new.people > 1)
    execute function payout.refuse_late_approval();

-- The outcome of a request for a payout is set with its move, by a rejection, or by payout.finish_request.
create function payout.guard_request_payout() returns trigger
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        if new.outcome is not null or new.taken_at is not null
           or not exists (select from payout.requests r where r.id = new.request_id and r.requested_at = now()) then
            raise exception 'the payouts of a request must be named when it is made' using errcode = 'PW028';
        end if;
        return new;
    end if;
    if old.outcome is not null
       or (old.request_id, old.merchant_code, old.order_num) <> (new.request_id, new.merchant_code, new.order_num) then
        raise exception 'request %: the outcome of payout % cannot be changed', old.request_id, old.order_num
            using errcode = 'PW016';
    end if;
    return new;
end $$;

create trigger guard_request_payout before insert or update on payout.request_payouts
    for each row execute function payout.guard_request_payout();

---- Addresses

-- One at a time registers or removes an address, until its commit. The lock is on a row that no role may lock: any login
-- can hold an advisory lock.
create function payout.lock_addresses() returns void
language sql security definer set search_path = pg_catalog, payout, pg_temp
begin atomic
    select from payout.act a where a.act = 'register_address' for no key update;
end;

-- The first addresses are registered by whoever owns the schema, and before any worker ran. Every further one would let a
-- copy's workers send.
create function payout.guard_addresses() returns trigger
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    perform payout.refuse_old_snapshot();
    -- Of two that register a first address at once, one waits for the other, so that it is not the first.
    perform payout.lock_addresses();
    if (select count(*) from payout.addresses) > (select count(*) from registered)
       and exists (select from registered g where not exists (
           select from payout.requests r
           where r.kind = 'register_address' and r.subject = g.address and r.decision = 'approved'
             and r.decided_at >= now() and (r.requested_by, r.decided_by) = (g.registered_by, g.approved_by))) then
        raise exception 'further addresses take two people'
            using errcode = 'PW050', hint = 'payout address add ADDRESS --reason ...; a second person approves it.';
    end if;
    return null;
end $$;

create trigger guard_addresses after insert on payout.addresses
    referencing new table as registered for each row execute function payout.guard_addresses();

-- Why this address may not be removed, or null if it may. Without one nobody could claim, and the next one would be
-- registered in a hurry.
create function payout.why_not_removed(address text) returns text
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    -- Of two that are removed at once, one waits for the other, so that one of them is the last.
    perform payout.lock_addresses();
    if not exists (select from payout.addresses a where a.address = why_not_removed.address and a.removed_at is null) then
        return format('address %s is not registered', left(address, 210));
    elsif (select count(*) from payout.addresses a where a.removed_at is null) = 1 then
        return format('address %s is the only one: without it nothing is claimed', left(address, 210));
    end if;
    return null;
end $$;

-- A registration changes once, when two people remove it.
create function payout.guard_removal() returns trigger
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    why text;
begin
    if old.removed_at is not null
       or (old.address, old.reason, old.registered_by, old.approved_by, old.registered_at)
          is distinct from (new.address, new.reason, new.registered_by, new.approved_by, new.registered_at) then
        raise exception 'the registration of address % is a record: it can only be removed, once', old.address
            using errcode = 'PW016', hint = 'payout address add ADDRESS --reason ... registers one again.';
    end if;
    if not exists (
        select from payout.requests r
        where r.kind = 'remove_address' and r.subject = old.address and r.decision = 'approved'
          and r.decided_at >= now() and r.decided_at = new.removed_at
          and (r.requested_by, r.decided_by) = (new.removed_by, new.removal_approved_by)) then
        raise exception 'removing address % takes two people', old.address
            using errcode = 'PW050', hint = 'payout address remove ADDRESS --reason ...; a second person approves it.';
    end if;
    why := payout.why_not_removed(old.address);
    if why is not null then
        raise exception '%', why using errcode = 'PW050', hint = 'See payout.addresses. First: payout address add ADDRESS.';
    end if;
    return new;
end $$;

create trigger guard_removal before update on payout.addresses
    for each row execute function payout.guard_removal();

---- The ledger

-- Adds to an account, which begins with the first entry. Returns whether something is left, or nothing owed.
create function payout.add_to_account(merchant text, available numeric, held numeric, paid_out numeric, fees numeric,
                                      funding numeric, spent numeric, regained numeric) returns boolean
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
declare
    is_covered boolean;
begin
    loop
        update payout.accounts a
        set available = a.available + add_to_account.available, held = a.held + add_to_account.held,
            paid_out = a.paid_out + add_to_account.paid_out, fees = a.fees + add_to_account.fees,
            funding = a.funding + add_to_account.funding, spent = a.spent + add_to_account.spent,
            regained = a.regained + add_to_account.regained
        where a.merchant_code = merchant
        returning a.available >= 0 into is_covered;
        if found then
            return is_covered;
        end if;
        insert into payout.accounts (merchant_code) values (merchant) on conflict do nothing;
    end loop;
end $$;

-- The balances follow the ledger, with one update per merchant and statement, always in the same order of merchants. A
-- claim's hold and a withdrawal of funds need cover; what follows from evidence or a person's statement may overdraw
-- `available`.
create function payout.post() returns trigger
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    s record;
begin
    for s in
        select e.merchant_code, sum(e.available) available, sum(e.held) held, sum(e.paid_out) paid_out, sum(e.fees) fees,
               sum(e.funding) funding, sum(greatest(-e.available - e.held, 0)) spent,
               sum(case when e.kind in ('release', 'return', 'fee_corrected') or e.funded_by = 'person'
                        then greatest(e.available, 0) else 0 end) regained,
               bool_or(e.kind = 'hold' and not e.forced or e.kind = 'funding' and e.available < 0) needs_cover
        from entries e group by e.merchant_code order by e.merchant_code
    loop
        if not payout.add_to_account(s.merchant_code, s.available, s.held, s.paid_out, s.fees, s.funding, s.spent, s.regained)
           and s.needs_cover then
            raise exception 'merchant %: the available balance does not cover this', s.merchant_code
                using errcode = 'PW015', hint = 'Fund the merchant first: select payout.fund(merchant_code, amount, reference).';
        end if;
    end loop;
    perform payout.refuse_borrowed_session();
    perform payout.make_durable();
    return null;
end $$;

create trigger post after insert on payout.ledger
    referencing new table as entries for each statement execute function payout.post();

-- The payout that keeps funds of its merchant free for itself, the hold that it waits for, and until when; nothing most
-- of the time. Smaller payouts overtake an uncovered one for policy.overtake_for. For policy.reserve_for after that it
-- keeps the balance free, but only while it can be covered from what is within reach: the balance, what is held, and as
-- much funding as came within policy.funding_counts_for. Otherwise one payout far above the funds would stop all others.
-- Only the first thousand in line are looked at. Without sequential scans, as guard_changes.
create function payout.reservation(merchant text, out order_num text, out hold bigint, out until timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp
set enable_seqscan = off set enable_sort = on set jit = off as $$
declare
    x payout.policy;
    available bigint;
    within_reach numeric;
    waiting record;
begin
    for waiting in
        select f.order_num, f.hold, f.attention_since
        from (select p.order_num, p.attention_since,
                     payout.hold_idr(p.amount, p.fee_type, m.fee_reserve) as hold,
                     p.bank_code <> all (array(select z.value from payout.pauses z where z.scope = 'bank'))
                     and (p.attention is null or not payout.holds_back_claim(p.attention_reasons))
                     and (not (select payout.must_query_first()) or payout.is_proven_unsent(p)) as may_go
              from payout.payouts p
              join payout.merchants m on m.code = p.merchant_code
              where p.merchant_code = reservation.merchant and p.state = 'queued' and p.parked
              order by p.priority desc, p.created_at
              limit 1000) f
        where f.may_go and f.attention_since < now() - (select y.overtake_for from payout.policy y)
    loop
        if within_reach is null then
            select * into x from payout.policy;
            select a.available, a.available::numeric + a.held into available, within_reach
            from payout.accounts a where a.merchant_code = reservation.merchant;
            within_reach := coalesce(within_reach, 0)
                + (select coalesce(sum(l.available), 0) from payout.ledger l
                   where l.merchant_code = reservation.merchant and l.kind = 'funding' and l.available > 0
                     and l.at > now() - x.funding_counts_for);
        end if;
        if waiting.hold > coalesce(available, 0) and waiting.hold <= within_reach
           and waiting.attention_since + x.overtake_for + x.reserve_for > now() then
            order_num := waiting.order_num;
            hold := waiting.hold;
            until := waiting.attention_since + x.overtake_for + x.reserve_for;
            return;
        end if;
    end loop;
end $$;

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

---- History

-- A move in the history is one of the table; its readers are woken.
--
-- Any role may NOTIFY in Postgres, so a payload is never trusted.
create function payout.check_lines() returns trigger
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
declare
    unlisted text;
    is_news boolean;
    payload text;
begin
    select min(format('%s from %s to %s', l.event, l.from_state, l.to_state)) filter (where l.to_state is not null and t.event is null),
           bool_or(l.event <> 'enqueued'), case when count(*) = 1 then min(l.order_num) else '' end
    into unlisted, is_news, payload
    from lines l
    left join payout.transition t on (t.from_state, t.event, t.to_state) = (l.from_state, l.event, l.to_state);
    if unlisted is not null then
        raise exception 'payout.transition has no move %', unlisted
            using errcode = 'PW012', hint = 'See the moves: select * from payout.transition.';
    end if;
    if is_news then
        perform payout.refuse_borrowed_session();
        perform payout.make_durable();
        perform payout.wake('payout_status', payload);
    end if;
    return null;
end $$;

create trigger check_lines after insert on payout.history
    referencing new table as lines for each statement execute function payout.check_lines();

---- Replication

-- What arrives by logical replication, or under session_replication_role = replica, fires none of the triggers above: no
-- rule would be checked. Only a database that two people marked as receiving takes it.
create function payout.refuse_replicated() returns trigger
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    if current_setting('session_replication_role') = 'replica'
       and (tg_relid = 'payout.receiving'::regclass or not payout.is_receiving()) then
        raise exception 'payout.%: % by replication is refused, because no rule is checked there', tg_table_name, lower(tg_op)
            using errcode = 'PW061', hint = 'For a planned move to this database, two people mark it as receiving: '
            'payout.request_receiving(reason), then payout.approve_receiving().';
    end if;
    return case when tg_op = 'DELETE' then old else new end;
end $$;

do $$
declare
    guarded regclass;
begin
    for guarded in select c.oid from pg_catalog.pg_class c
                   where c.relnamespace = 'payout'::regnamespace and c.relkind = 'r' and c.relname <> '_sqlx_migrations' loop
        execute format('create trigger refuse_replicated before insert or update or delete on %s '
                       'for each row execute function payout.refuse_replicated()', guarded);
        execute format('create trigger refuse_replicated_truncate before truncate on %s '
                       'for each statement execute function payout.refuse_replicated()', guarded);
        execute format('alter table %s enable replica trigger refuse_replicated, '
                       'enable replica trigger refuse_replicated_truncate', guarded);
    end loop;
end $$;
