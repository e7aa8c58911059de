-- The public SQL: what backends, finance and on-call may rely on. docs/sql-contract.md explains it.

-- Checks an instruction before any constraint could print the row: no message holds an account number or name.
create function payout.check_instruction() returns trigger
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    merchant payout.merchants;
    merchants_known bigint;
    bank payout.banks;
    twin payout.payouts;
    original payout.payouts;
begin
    if new.order_num is null or new.order_num !~ '^[A-Za-z0-9_-]{1,32}$' then
        raise exception 'order_num must be 1 to 32 characters of A-Z a-z 0-9 _ -'
            using errcode = 'PW001', column = 'order_num',
                  hint = 'Make the order number before you insert, unique per merchant for ever.';
    end if;

    if new.merchant_code is null then
        select count(*) into merchants_known from payout.merchants;
        if merchants_known <> 1 then
            raise exception 'merchant_code is required: % merchants are registered', merchants_known
                using errcode = 'PW007', column = 'merchant_code',
                      hint = 'Name one of payout.merchants; `payout migrate` registers the configured ones.';
        end if;
        select code into new.merchant_code from payout.merchants;
    end if;
    select * into merchant from payout.merchants where code = new.merchant_code;
    if not found then
        raise exception 'merchant_code is not registered'
            using errcode = 'PW007', column = 'merchant_code',
                  hint = 'Name one of payout.merchants; `payout migrate` registers the configured ones.';
    end if;
    if not payout.may_enqueue(new.merchant_code) then
        raise exception 'role % may not enqueue for merchant %', session_user, new.merchant_code
            using errcode = 'PW007', column = 'merchant_code',
                  hint = 'With several merchants a role is tied to its own: insert into payout.enqueuers (role_name, merchant_code).';
    end if;

    if new.amount is null or new.amount in ('NaN', 'Infinity', '-Infinity') then
        raise exception 'amount must be a number of whole rupiah'
            using errcode = 'PW002', column = 'amount', hint = 'Give whole rupiah, such as 250000.';
    end if;
    if new.amount <> trunc(new.amount) then
        raise exception 'amount must be whole rupiah, without a fraction'
            using errcode = 'PW002', column = 'amount', hint = 'Round it yourself: a payout is never rounded for you.';
    end if;
    if new.amount not between merchant.min_amount and merchant.max_amount then
        raise exception 'amount must be from % to % rupiah', merchant.min_amount, merchant.max_amount
            using errcode = 'PW002', column = 'amount', hint = 'These are the limits of the merchant in payout.merchants.';
    end if;
    new.amount := trunc(new.amount);

    if new.fee_type is null or new.fee_type not in (0, 1) then
        raise exception 'fee_type must be 0 or 1'
            using errcode = 'PW003', column = 'fee_type',
                  hint = '0: the fee comes out of the amount; 1: the fee is charged on top.';
    end if;
    if new.bank_code is null or new.bank_code !~ '^[0-9]{3,10}$' then
        raise exception 'bank_code must be 3 to 10 digits'
            using errcode = 'PW004', column = 'bank_code',
                  hint = 'Quote it to keep leading zeros: ''014''. Known codes: select * from payout.banks.';
    end if;
    if new.account_number is null or new.account_number !~ '^[0-9]{5,32}$' then
        raise exception 'account_number must be 5 to 32 digits, without spaces or dashes'
            using errcode = 'PW005', column = 'account_number', hint = 'Quote it to keep leading zeros: ''0012345678''.';
    end if;
    select * into bank from payout.banks where code = new.bank_code;
    if length(new.account_number) < bank.min_digits then
        raise exception 'account_number has % digits, but % accounts have at least %',
            length(new.account_number), bank.name, bank.min_digits
            using errcode = 'PW005', column = 'account_number',
                  hint = 'Was it given as a number? Quote it to keep leading zeros: ''0012345678''.';
    end if;
    if new.account_name is null or new.account_name !~ '^[A-Za-z0-9 ]{1,32}$' or new.account_name !~ '[^ ]'
       or new.account_name <> btrim(new.account_name) then
        raise exception 'account_name must be 1 to 32 letters, digits and single words apart by spaces'
            using errcode = 'PW006', column = 'account_name',
                  hint = 'Write it without accents and signs, as the bank prints it: Siti Rahayu.';
    end if;
    if new.description !~ '^[A-Za-z0-9._,/-]([A-Za-z0-9 ._,/-]{0,30}[A-Za-z0-9._,/-])?$' then
        raise exception 'description must be 1 to 32 letters, digits, spaces and . _ , / -'
            using errcode = 'PW009', column = 'description', hint = 'Leave it out (null) when there is nothing to say.';
    end if;
    if new.priority is null then
        new.priority := 0;
    end if;
    if not isfinite(new.not_before) or new.not_before >= '10000-01-01 UTC' then
        raise exception 'not_before must be a time before the year 10000'
            using errcode = 'PW017', column = 'not_before', hint = 'Leave it out (null) to pay as soon as possible.';
    end if;

    select * into twin from payout.payouts p
    where p.merchant_code = new.merchant_code and p.order_num = new.order_num;
    if found and not payout.same_instruction(twin, new) then
        raise exception 'order_num % is already used for another payout', new.order_num
            using errcode = 'PW010', column = 'order_num',
                  hint = 'An order number is never reused. Insert this payout under a new one.';
    end if;

    if new.replaces is not null and twin.order_num is null then
        select * into original from payout.payouts p
        where p.merchant_code = new.merchant_code and p.order_num = new.replaces;
        if not found then
            raise exception 'replaces names no payout of merchant %', new.merchant_code
                using errcode = 'PW008', column = 'replaces', hint = 'Name the order_num of the failed payout.';
        end if;
        if original.state <> 'failed' or original.attention is not null then
            raise exception 'replaces: payout % is % and cannot be paid again', new.replaces,
                    original.state || coalesce(' with attention ' || original.attention, '')
                using errcode = 'PW008', column = 'replaces',
                      hint = 'Only a failed payout without attention is paid again; a payout that may have left never is.';
        end if;
        if exists (select from payout.payouts p where p.merchant_code = new.merchant_code
                   and p.replaces = new.replaces and p.state <> 'cancelled') then
            raise exception 'replaces: payout % has a replacement already', new.replaces
                using errcode = 'PW008', column = 'replaces',
                      hint = 'When the replacement failed, name that one instead.';
        end if;
    end if;

    if new.state is distinct from 'queued' then
        raise exception 'a payout begins as queued'
            using errcode = 'PW012', column = 'state', hint = 'Leave the column out.';
    end if;
    -- Nothing but the instruction comes from the caller.
    new.created_at := now();
    new.created_by := session_user;
    new.state_since := now();
    new.due_at := greatest(now(), coalesce(new.not_before, now()));
    new.last_seq := null;
    new.attempt := 0;
    new.sends := 0;
    new.not_sent := 0;
    new.resubmits_granted := 0;
    new.send_by := null;
    new.lease_until := null;
    new.held := 0;
    new.fee := null;
    new.platform_order_num := null;
    new.failure_reason := null;
    new.attention := null;
    new.attention_since := null;
    new.declined_at := null;
    new.proven_ours := false;
    new.reaffirmed_at := null;
    new.settled_at := null;
    new.queries := 0;
    new.next_query_at := null;
    new.parked := false;
    return new;
end $$;

create function payout.same_instruction(a payout.payouts, b payout.payouts) returns boolean
language sql immutable set search_path = pg_catalog, payout, pg_temp
return (a.amount, a.fee_type, a.bank_code, a.account_number, a.account_name, a.priority)
       is not distinct from (b.amount, b.fee_type, b.bank_code, b.account_number, b.account_name, b.priority)
   and a.description is not distinct from b.description and a.replaces is not distinct from b.replaces
   and a.not_before is not distinct from b.not_before and a.metadata is not distinct from b.metadata;

-- With one merchant every enqueuer may; with several a role is tied to those it may use.
create function payout.may_enqueue(merchant text) returns boolean
language sql stable security definer set search_path = pg_catalog, payout, pg_temp
return (select count(*) from payout.merchants) = 1
    or exists (select from payout.enqueuers e
               join pg_catalog.pg_roles r on r.rolname = e.role_name
               where e.merchant_code = merchant and pg_has_role(session_user, r.oid, 'member'))
    or pg_has_role(session_user, (select n.nspowner from pg_catalog.pg_namespace n where n.nspname = 'payout'), 'member');

create trigger check_instruction before insert on payout.payouts
    for each row execute function payout.check_instruction();

create function payout.after_enqueue() returns trigger
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    insert into payout.history (merchant_code, order_num, event, source)
    select merchant_code, order_num, 'enqueued', 'sql' from enqueued;
    -- A replacement goes out only after its original was asked for once more.
    update payout.payouts o set next_query_at = now()
    from enqueued e
    where o.merchant_code = e.merchant_code and o.order_num = e.replaces;
    -- NOTIFY serialises commits; one of many concurrent inserters is enough to wake a worker, which polls anyway.
    if pg_try_advisory_xact_lock(hashtext('payout_queued')) then
        perform pg_notify('payout_queued', '');
    end if;
    return null;
end $$;

create trigger after_enqueue after insert on payout.payouts
    referencing new table as enqueued for each statement execute function payout.after_enqueue();

-- Idempotent enqueue: an equal replay gives created = false, the same order_num with anything different raises.
create function payout.enqueue(
    inout order_num text, amount numeric, fee_type integer, bank_code text, account_number text, account_name text,
    merchant_code text default null, replaces text default null, description text default null,
    not_before timestamptz default null, priority integer default 0, metadata jsonb default null,
    out state text, out created boolean)
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
#variable_conflict use_column
declare
    asked payout.payouts;
    stored payout.payouts;
begin
    if enqueue.fee_type not in (0, 1) then
        raise exception 'fee_type must be 0 or 1' using errcode = 'PW003', column = 'fee_type',
            hint = '0: the fee comes out of the amount; 1: the fee is charged on top.';
    end if;
    if enqueue.priority not between -32768 and 32767 then
        raise exception 'priority must be from -32768 to 32767' using errcode = 'PW017', column = 'priority',
            hint = 'Higher goes first; 0 is usual.';
    end if;
    asked.order_num := enqueue.order_num;
    asked.merchant_code := coalesce(enqueue.merchant_code,
        (select min(m.code) from payout.merchants m having count(*) = 1));
    asked.amount := enqueue.amount;
    asked.fee_type := enqueue.fee_type;
    asked.bank_code := enqueue.bank_code;
    asked.account_number := enqueue.account_number;
    asked.account_name := enqueue.account_name;
    asked.replaces := enqueue.replaces;
    asked.description := enqueue.description;
    asked.not_before := enqueue.not_before;
    asked.priority := coalesce(enqueue.priority, 0);
    asked.metadata := enqueue.metadata;

    insert into payout.payouts as p (order_num, merchant_code, amount, fee_type, bank_code, account_number, account_name,
                                     replaces, description, not_before, priority, metadata)
    values (asked.order_num, asked.merchant_code, asked.amount, asked.fee_type, asked.bank_code, asked.account_number,
            asked.account_name, asked.replaces, asked.description, asked.not_before, asked.priority, asked.metadata)
    on conflict do nothing
    returning p.state into enqueue.state;
    created := found;
    if created then
        return;
    end if;
    select * into stored from payout.payouts p
    where p.merchant_code = asked.merchant_code and p.order_num = asked.order_num;
    if not found then
        raise exception 'replaces: payout % has a replacement already', asked.replaces
            using errcode = 'PW008', column = 'replaces', hint = 'When the replacement failed, name that one instead.';
    end if;
    if not payout.same_instruction(stored, asked) then
        raise exception 'order_num % is already used for another payout', asked.order_num
            using errcode = 'PW010', column = 'order_num',
                  hint = 'An order number is never reused. Enqueue this payout under a new one.';
    end if;
    state := stored.state;
end $$;

-- An unquoted number lost its leading zeros before Postgres saw it; these overloads say so.
create function payout.refuse_unquoted() returns void
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    raise exception 'bank_code and account_number must be quoted text, not numbers'
        using errcode = 'PW005', hint = 'Quote them to keep leading zeros: bank_code => ''014'', account_number => ''0012345678''.';
end $$;

create function payout.enqueue(
    inout order_num text, amount numeric, fee_type integer, bank_code text, account_number numeric, account_name text,
    merchant_code text default null, replaces text default null, description text default null,
    not_before timestamptz default null, priority integer default 0, metadata jsonb default null,
    out state text, out created boolean)
language plpgsql as $$ begin perform payout.refuse_unquoted(); end $$;

create function payout.enqueue(
    inout order_num text, amount numeric, fee_type integer, bank_code numeric, account_number text, account_name text,
    merchant_code text default null, replaces text default null, description text default null,
    not_before timestamptz default null, priority integer default 0, metadata jsonb default null,
    out state text, out created boolean)
language plpgsql as $$ begin perform payout.refuse_unquoted(); end $$;

create function payout.enqueue(
    inout order_num text, amount numeric, fee_type integer, bank_code numeric, account_number numeric, account_name text,
    merchant_code text default null, replaces text default null, description text default null,
    not_before timestamptz default null, priority integer default 0, metadata jsonb default null,
    out state text, out created boolean)
language plpgsql as $$ begin perform payout.refuse_unquoted(); end $$;

-- The payout that an operator or backend names, locked. An order_num of several merchants must name its own.
create function payout.locked(wanted text, merchant text) returns payout.payouts
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    p payout.payouts;
    merchants_with_it bigint;
begin
    select count(*) into merchants_with_it from payout.payouts q
    where q.order_num = wanted and (merchant is null or q.merchant_code = merchant);
    if merchants_with_it = 0 then
        raise exception 'there is no payout %', wanted
            using errcode = 'PW014', hint = 'Look for it: select order_num, merchant_code, state from payout.status.';
    end if;
    if merchants_with_it > 1 then
        raise exception 'payout % exists for % merchants', wanted, merchants_with_it
            using errcode = 'PW007', hint = 'Name the merchant_code too.';
    end if;
    select * into p from payout.payouts q
    where q.order_num = wanted and (merchant is null or q.merchant_code = merchant)
    for update;
    return p;
end $$;

create function payout.cancel(order_num text, reason text, merchant_code text default null) returns text
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    p payout.payouts := payout.locked(cancel.order_num, cancel.merchant_code);
    moved bigint;
begin
    if coalesce(length(btrim(reason)), 0) not between 1 and 200 or reason ~ '[[:cntrl:]]' then
        raise exception 'a reason of 1 to 200 characters in one line is required'
            using errcode = 'PW013', hint = 'Say why: it is kept with the payout.';
    end if;
    if not payout.may_enqueue(p.merchant_code) and not pg_has_role(session_user, 'payout_operator', 'member') then
        raise exception 'role % may not cancel for merchant %', session_user, p.merchant_code
            using errcode = 'PW007',
                  hint = 'Only an operator, or a role tied to that merchant in payout.enqueuers, may cancel its payouts.';
    end if;
    if p.state <> 'queued' then
        raise exception 'payout % is % and cannot be cancelled', p.order_num, p.state
            using errcode = 'PW013',
                  hint = case when p.state in ('submitting', 'pending', 'unknown')
                              then 'It may have left already. Wait for the gateway''s answer.'
                              else 'It is final.' end;
    end if;
    insert into payout.history (merchant_code, order_num, event, from_state, to_state, source, attempt, detail)
    values (p.merchant_code, p.order_num, 'withdrawn', 'queued', 'cancelled', 'operator', p.attempt,
            jsonb_build_object('reason', reason))
    returning seq into moved;
    update payout.payouts q
    set state = 'cancelled', last_seq = moved, settled_at = now(), attention = null, parked = false,
        next_query_at = null, failure_reason = reason
    where q.merchant_code = p.merchant_code and q.order_num = p.order_num and q.state = 'queued';
    return 'cancelled';
end $$;

-- Ask the gateway again, now. Always safe: it never sends a submit.
create function payout.replay(order_num text, merchant_code text default null) returns text
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    p payout.payouts := payout.locked(replay.order_num, replay.merchant_code);
begin
    if p.state in ('queued', 'cancelled') then
        raise exception 'payout % is %: there is nothing to ask for, it was never sent', p.order_num, p.state
            using errcode = 'PW013', hint = 'Only a payout that may have left is asked for.';
    end if;
    insert into payout.history (merchant_code, order_num, event, source, attempt)
    values (p.merchant_code, p.order_num, 'replay_requested', 'operator', p.attempt);
    update payout.payouts q set next_query_at = now()
    where q.merchant_code = p.merchant_code and q.order_num = p.order_num;
    return p.state;
end $$;

-- Books a top-up, or money taken out when negative; idempotent by reference. Returns what is available.
create function payout.fund(merchant_code text, amount numeric, reference text) returns bigint
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    booked payout.ledger;
begin
    if not exists (select from payout.merchants m where m.code = fund.merchant_code) then
        raise exception 'merchant_code is not registered' using errcode = 'PW007', column = 'merchant_code',
            hint = 'Name one of payout.merchants; `payout migrate` registers the configured ones.';
    end if;
    if amount is null or amount in ('NaN', 'Infinity', '-Infinity') or amount <> trunc(amount) or amount = 0
       or abs(amount) > 1000000000000000 then
        raise exception 'amount must be whole rupiah, not 0, at most 10^15'
            using errcode = 'PW002', column = 'amount', hint = 'Positive for a top-up, negative for money taken out.';
    end if;
    if reference is null or reference !~ '^[A-Za-z0-9][A-Za-z0-9._:/ -]{0,63}$' then
        raise exception 'reference must be 1 to 64 letters, digits and . _ : / - or spaces' using errcode = 'PW015',
            hint = 'Use the bank''s transfer number: a reference is booked once.';
    end if;
    insert into payout.ledger (merchant_code, kind, available, funding, reference)
    values (fund.merchant_code, 'funding', amount::bigint, -amount::bigint, fund.reference)
    on conflict do nothing;
    if not found then
        select * into booked from payout.ledger l
        where l.merchant_code = fund.merchant_code and l.kind = 'funding' and l.reference = fund.reference;
        if booked.available <> amount then
            raise exception 'reference % is already booked with another amount', fund.reference using errcode = 'PW015',
                hint = 'Use the reference of this transfer.';
        end if;
    end if;
    return (select a.available from payout.accounts a where a.merchant_code = fund.merchant_code);
end $$;

create function payout.masked_number(digits text) returns text language sql immutable
return '****' || case when length(digits) > 6 then right(digits, 4) else '' end;

create function payout.masked_name(name text) returns text language sql immutable
return (select string_agg(left(word, 1) || '***', ' ') from regexp_split_to_table(name, '\s+') word where word <> '');

create view payout.status as
select p.order_num, p.merchant_code, p.bank_code, p.amount::bigint as amount, p.fee_type, p.state, p.state_since,
       p.created_at, p.fee,
       -- Of what failed or was withdrawn nothing was debited, or it was given back.
       case when p.state in ('failed', 'cancelled') then 0
            when p.fee_type = 0 then p.amount::bigint else p.amount::bigint + p.fee end as debit_total,
       case when p.state in ('failed', 'cancelled') then 0
            when p.fee_type = 1 then p.amount::bigint else p.amount::bigint - p.fee end as beneficiary_amount,
       p.platform_order_num, p.failure_reason, p.attention, p.attention_since, p.settled_at
from payout.payouts p;

-- Shows a row only when no row with a smaller seq can still appear.
create view payout.events as
select h.seq, h.merchant_code, h.order_num, h.at, h.event, h.from_state, h.to_state, h.source, h.detail
from payout.history h
where h.seq < ((select b.base from payout.seq_base b) + pg_snapshot_xmin(pg_current_snapshot())::text::bigint) << 20;

create view payout.balances as
select m.code as merchant_code, a.account, a.balance
from payout.merchants m
left join payout.accounts s on s.merchant_code = m.code
cross join lateral (values ('available', coalesce(s.available, 0)), ('held', coalesce(s.held, 0)),
                           ('paid_out', coalesce(s.paid_out, 0)), ('fees', coalesce(s.fees, 0)),
                           ('funding', coalesce(s.funding, 0))) a (account, balance);

-- What on-call reads: everything of a payout, the beneficiary masked.
create view payout.masked as
select p.merchant_code, p.order_num, p.state, p.state_since, p.amount::bigint as amount, p.fee_type, p.bank_code,
       coalesce(b.name, p.bank_code) as bank_name,
       payout.masked_number(p.account_number) as account_number, payout.masked_name(p.account_name) as account_name,
       p.description, p.replaces, p.not_before, p.priority, p.created_at, p.created_by, p.attempt, p.sends, p.not_sent,
       p.send_by, p.lease_until, p.held, p.fee, p.platform_order_num, p.failure_reason, p.attention, p.attention_since,
       p.declined_at, p.settled_at, p.queries, p.next_query_at, p.due_at, p.parked
from payout.payouts p
left join payout.banks b on b.code = p.bank_code;
