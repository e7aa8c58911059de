-- The public SQL that backends, finance and on-call may rely on. docs/sql-contract.md explains it.

---- Enqueue

-- Enqueues a payout, idempotently: an equal call again returns created = false; the same order_num with any difference
-- raises an error.
create function payout.enqueue(
    inout order_num text, amount numeric, fee_type bigint, bank_code text, account_number text, account_name text,
    merchant_code text default null, replaces text default null, description text default null,
    not_before timestamptz default null, priority bigint default 0, metadata jsonb default null,
    out state text, out created boolean)
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
declare
    wanted payout.payouts;
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
    wanted.order_num := enqueue.order_num;
    wanted.merchant_code := coalesce(enqueue.merchant_code,
        (select min(m.code) from payout.merchants m having count(*) = 1));
    wanted.amount := enqueue.amount;
    wanted.fee_type := enqueue.fee_type;
    wanted.bank_code := enqueue.bank_code;
    wanted.account_number := enqueue.account_number;
    wanted.account_name := enqueue.account_name;
    wanted.replaces := enqueue.replaces;
    wanted.description := enqueue.description;
    wanted.not_before := enqueue.not_before;
    wanted.priority := coalesce(enqueue.priority, 0);
    wanted.metadata := enqueue.metadata;

    insert into payout.payouts as p (order_num, merchant_code, amount, fee_type, bank_code, account_number, account_name,
                                     replaces, description, not_before, priority, metadata)
    values (wanted.order_num, wanted.merchant_code, wanted.amount, wanted.fee_type, wanted.bank_code, wanted.account_number,
            wanted.account_name, wanted.replaces, wanted.description, wanted.not_before, wanted.priority, wanted.metadata)
    on conflict do nothing
    returning p.state into enqueue.state;
    created := found;
    if created then
        return;
    end if;
    select * into stored from payout.payouts p
    where p.merchant_code = wanted.merchant_code and p.order_num = wanted.order_num;
    if not found then
        raise exception 'replaces: payout % already has a replacement', wanted.replaces
            using errcode = 'PW008', column = 'replaces', hint = 'If the replacement failed, name that one instead.';
    end if;
    if not payout.same_instruction(stored, wanted) then
        raise exception 'order_num % is already used for another payout', wanted.order_num
            using errcode = 'PW010', column = 'order_num',
                  hint = 'Find out which of the two is meant. Only a payout that is really another one gets a new number.';
    end if;
    state := stored.state;
end $$;

-- An unquoted number has lost its leading zeros before Postgres sees it; these overloads report that.
create function payout.refuse_unquoted() returns void
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    raise exception 'bank_code and account_number must be quoted text, not numbers'
        using errcode = 'PW005', hint = 'Quote them to keep leading zeros: bank_code => ''014'', account_number => ''0012345678''.';
end $$;

create function payout.enqueue(
    inout order_num text, amount numeric, fee_type bigint, bank_code text, account_number numeric, account_name text,
    merchant_code text default null, replaces text default null, description text default null,
    not_before timestamptz default null, priority bigint default 0, metadata jsonb default null,
    out state text, out created boolean)
language plpgsql as $$ begin perform payout.refuse_unquoted(); end $$;

create function payout.enqueue(
    inout order_num text, amount numeric, fee_type bigint, bank_code numeric, account_number text, account_name text,
    merchant_code text default null, replaces text default null, description text default null,
    not_before timestamptz default null, priority bigint default 0, metadata jsonb default null,
    out state text, out created boolean)
language plpgsql as $$ begin perform payout.refuse_unquoted(); end $$;

create function payout.enqueue(
    inout order_num text, amount numeric, fee_type bigint, bank_code numeric, account_number numeric, account_name text,
    merchant_code text default null, replaces text default null, description text default null,
    not_before timestamptz default null, priority bigint default 0, metadata jsonb default null,
    out state text, out created boolean)
language plpgsql as $$ begin perform payout.refuse_unquoted(); end $$;

---- Words of people

-- A person's words in ASCII and lower case: a digit of any script, and a letter that looks like a Latin one, is what it
-- looks like. crates/domain/src/spelling.rs has the same letters.
create function payout.plain_words(words text) returns text
language plpgsql immutable strict set search_path = pg_catalog, payout, pg_temp as $$
declare
    zeros int[] := '{1632, 1776, 1984, 2406, 2534, 2662, 2790, 2918, 3046, 3174, 3302, 3430, 3558, 3664, 3792, 3872, 4160, 4240,'
        '6112, 6160, 6470, 6608, 6784, 6800, 6992, 7088, 7232, 7248, 42528, 43216, 43264, 43472, 43504, 43600, 44016}';
begin
    if octet_length(words) = length(words) then
        return lower(words collate "C");
    end if;
    words := translate(normalize(words, NFKD),
                    U&'\0251\0391\03b1\0410\0430\13aa\1d00\a4ee\0299\0392\03b2\0412\042c\0432\044c\13f4\a4d0'
                    '\0421\0441\13df\1d04\a4da\0110\0111\0500\0501\13a0\1d05\a4d3\0395\03b5\0415\0435\13ac\1d07\a4f0'
                    '\a4dd\a730\0261\0262\050c\050d\0581\13c0\a4d6'
                    '\0126\0127\029c\0397\041d\043d\04ba\04bb\0570\13bb\a4e7'
                    '\0131\0269\026a\0399\03b9\0406\0456\04c0\04cf\13a5\a4f2\0237\03f3\0408\0458\13ab\1d0a\a4d9'
                    '\039a\03ba\041a\043a\049a\049b\13e6\1d0b\a4d7\0141\0142\029f\053c\13de\a4e1'
                    '\039c\03bc\041c\043c\13b7\1d0d\a4df\0274\039d\03b7\041f\043f\0578\057c\a4e0'
                    '\00d8\00f8\039f\03bf\03c3\041e\043e\0555\0585\1d0f\a4f3\03a1\03c1\0420\0440\13e2\1d18\a4d1'
                    '\051a\051b\0566\0280\0413\0433\13a1\a4e3\0405\0455\054f\13da\a4e2\a731'
                    '\0166\0167\03a4\03c4\0422\0442\13a2\1d1b\a4d4\028b\03c5\0418\0438\057d\1d1c\a4f4'
                    '\03bd\0474\0475\13d9\1d20\a4e6\03c9\0428\0448\051c\051d\13b3\1d21\a4ea\03a7\03c7\0425\0445\a4eb'
                    '\028f\03a5\03b3\0423\0443\04ae\04af\a4ec\0396\03b6\04e1\13c3\1d22\a4dc',
                    'aaaaaaaabbbbbbbbb'
                    'cccccdddddddeeeeeee'
                    'ffggggggg'
                    'hhhhhhhhhhh'
                    'iiiiiiiiiiijjjjjjj'
                    'kkkkkkkkkllllll'
                    'mmmmmmmnnnnnnnn'
                    'oooooooooooppppppp'
                    'qqqrrrrrssssss'
                    'tttttttttuuuuuuu'
                    'vvvvvvwwwwwwwwxxxxx'
                    'yyyyyyyyzzzzzz');
    -- Marks on letters.
    words := regexp_replace(words, '[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]', '', 'g');
    return lower((select string_agg(coalesce(chr(48 + ascii(c) - zero), c), '' order by place)
                  from unnest(string_to_array(words, null)) with ordinality w (c, place)
                  left join unnest(zeros) z (zero) on ascii(c) between zero and zero + 9) collate "C");
end $$;

-- Whether a text repeats the account number or the name, compared as crates/domain/src/beneficiary.rs does: digits with
-- digits and letters with letters, whatever stands between them.
create function payout.repeats_beneficiary(p payout.payouts, words text) returns boolean
language plpgsql immutable strict set search_path = pg_catalog, payout, pg_temp as $$
declare
    plain text := payout.plain_words(words);
    digits text := regexp_replace(plain, '[^0-9]', '', 'g');
    tokens text[] := array_remove(regexp_split_to_array(plain, '[^a-z]+'), '');
    letters text := array_to_string(tokens, '');
    name text[] := array_remove(regexp_split_to_array(lower(p.account_name collate "C"), '[^a-z]+'), '');
    names text[];
    digits_min int := case when length(p.account_number) <= 6 then 4 else 5 end;
begin
    if exists (select from generate_series(1, length(p.account_number) - digits_min + 1) i
               where strpos(digits, substr(p.account_number, i, digits_min)) > 0) then
        return true;
    end if;
    -- Its words, each pair of them in both orders, and the whole name, run together.
    names := array(select w from unnest(name || array_to_string(name, '')) w where length(w) >= 3
                   union
                   select a || b from unnest(name) with ordinality x (a, i), unnest(name) with ordinality y (b, j)
                   where i <> j and length(a || b) >= 3);
    return exists (select from unnest(names) n, generate_series(1, greatest(length(n) - 5, 1)) i
                   where length(n) >= 5 and strpos(letters, substr(n, i, 6)) > 0)
        -- Words in a row that make a name, as in `S.i.t.i`, or the beginning of one.
        or exists (select from generate_subscripts(tokens, 1) i, generate_series(i, least(i + 31, cardinality(tokens))) j,
                               lateral array_to_string(tokens[i:j], '') joined
                   where joined = any (names)
                      or length(joined) >= 4 and exists (select from unnest(name) w where starts_with(w, joined)));
end $$;

-- Refuses a person's text that repeats the beneficiary of the payout that it is stored with. The message repeats nothing.
create function payout.check_beneficiary(p payout.payouts, what text, words text) returns void
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    if payout.repeats_beneficiary(p, words) then
        raise exception 'payout %: % repeats the beneficiary''s account number or name', p.order_num, what
            using errcode = 'PW035',
                  hint = 'It is stored for everybody who reads payouts. Name a ticket, and leave out the name and the number: '
                  'five of its digits are too many, whatever stands between them.';
    end if;
end $$;

---- Cancel, query again, fund

-- Reports an order number that nobody enqueued, or that the login may not see. It comes from a caller, so it is cut.
create function payout.refuse_missing(order_num text) returns void
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    raise exception 'there is no payout %', left(order_num, 32)
        using errcode = 'PW014', hint = 'Search for it: select order_num, merchant_code, state from payout.status.';
end $$;

-- The payout that an operator or a backend names. An order_num that several merchants have needs the merchant_code.
create function payout.named(wanted text, merchant text) returns payout.payouts
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp set enable_seqscan = off set jit = off as $$
declare
    p payout.payouts;
    seen text[] := payout.merchants_seen();
    merchants_with_it bigint;
begin
    -- What the login may not see does not exist for it.
    select count(*) into merchants_with_it from payout.payouts q
    where q.merchant_code = any (seen) and q.order_num = wanted and (merchant is null or q.merchant_code = merchant);
    if merchants_with_it = 0 then
        perform payout.refuse_missing(wanted);
    end if;
    if merchants_with_it > 1 then
        raise exception 'payout % exists for % merchants', wanted, merchants_with_it
            using errcode = 'PW007', hint = 'Name the merchant_code too.';
    end if;
    select * into p from payout.payouts q
    where q.merchant_code = any (seen) and q.order_num = wanted and (merchant is null or q.merchant_code = merchant);
    return p;
end $$;

-- The same, locked.
create function payout.locked(wanted text, merchant text) returns payout.payouts
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp set enable_seqscan = off set jit = off as $$
declare
    p payout.payouts := payout.named(wanted, merchant);
begin
    select * into p from payout.payouts q where (q.merchant_code, q.order_num) = (p.merchant_code, p.order_num) for no key update;
    return p;
end $$;

-- Checks a person's text that is stored with an act.
create function payout.check_words(what text, words text) returns void
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    if octet_length(words) > 800 or coalesce(length(btrim(words)), 0) not between 1 and 200 or words ~ '[[:cntrl:]]' then
        raise exception '% of 1 to 200 characters is required', what
            using errcode = 'PW026', hint = 'One line, such as a ticket number; no account numbers and no names.';
    end if;
    -- Whoever approves would read something else than what is written.
    if words ~ '[\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]' then
        raise exception '% must not hold characters that turn the direction of a line', what
            using errcode = 'PW026', hint = 'Type it, instead of pasting it.';
    end if;
end $$;

create function payout.withdraw(p payout.payouts, reason text) returns void
language plpgsql set search_path = pg_catalog, payout, pg_temp set enable_seqscan = off set jit = off as $$
declare
    moved bigint;
begin
    insert into payout.history (merchant_code, order_num, event, from_state, to_state, source, attempt, detail)
    values (p.merchant_code, p.order_num, 'withdrawn', 'queued', 'cancelled',
            case when pg_has_role(session_user, 'payout_operator', 'member') then 'operator' else 'backend' end, p.attempt,
            jsonb_build_object('reason', reason))
    returning seq into moved;
    update payout.payouts q
    set state = 'cancelled', last_seq = moved, settled_at = now(), parked = false,
        next_query_at = null, failure_reason = reason
    where q.merchant_code = p.merchant_code and q.order_num = p.order_num and q.state = 'queued';
end $$;

create function payout.cancel(order_num text, reason text, merchant_code text default null) returns text
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp set enable_seqscan = off set jit = off as $$
declare
    p payout.payouts := payout.locked(cancel.order_num, cancel.merchant_code);
begin
    perform payout.check_words('a reason', reason);
    if not payout.may_enqueue(p.merchant_code) and not pg_has_role(session_user, 'payout_operator', 'member') then
        raise exception 'role % may not cancel for merchant %', session_user, p.merchant_code
            using errcode = 'PW007',
                  hint = 'Only an operator, or a role assigned to that merchant in payout.enqueuers, may cancel its payouts.';
    end if;
    if p.state <> 'queued' then
        raise exception 'payout % is % and cannot be cancelled', p.order_num, p.state
            using errcode = 'PW013',
                  hint = case when p.state in ('submitting', 'pending', 'unknown')
                              then 'It may have been sent already. Wait for the gateway''s answer.'
                              else 'It is final.' end;
    end if;
    perform payout.check_beneficiary(p, 'the reason', reason);
    perform payout.withdraw(p, reason);
    return 'cancelled';
end $$;

-- Has the payout's status queried now. Always safe: it never sends a submit.
create function payout.replay(order_num text, merchant_code text default null) returns text
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp set enable_seqscan = off set jit = off as $$
declare
    p payout.payouts := payout.locked(replay.order_num, replay.merchant_code);
begin
    if p.state in ('queued', 'cancelled') then
        raise exception 'payout % is %: there is nothing to query, it was never sent', p.order_num, p.state
            using errcode = 'PW013', hint = 'Only a payout that may have been sent is queried.';
    end if;
    insert into payout.history (merchant_code, order_num, event, source, attempt)
    values (p.merchant_code, p.order_num, 'replay_requested', 'operator', p.attempt);
    update payout.payouts q set next_query_at = now(), later_look = false
    where q.merchant_code = p.merchant_code and q.order_num = p.order_num;
    return p.state;
end $$;

-- Checks what a person wants to book. Returns what is booked under that reference already.
create function payout.check_funding(merchant text, amount numeric, reference text) returns payout.ledger
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    booked payout.ledger;
begin
    if not exists (select from payout.merchants m where m.code = merchant) then
        raise exception 'merchant_code is not registered' using errcode = 'PW007', column = 'merchant_code',
            hint = 'Name one of payout.merchants; `payout migrate` registers the configured ones.';
    end if;
    if amount is null or amount in ('NaN', 'Infinity', '-Infinity') or amount <> trunc(amount) or amount = 0
       or abs(amount) > (select x.max_balance_idr from payout.policy x) then
        raise exception 'amount must be whole rupiah, not 0, at most 10^15'
            using errcode = 'PW002', column = 'amount', hint = 'Positive for a top-up, negative for a withdrawal.';
    end if;
    if reference is null or octet_length(reference) > 64 or reference !~ '^[A-Za-z0-9][A-Za-z0-9._:/ -]{0,63}$' then
        raise exception 'reference must be 1 to 64 letters, digits and . _ : / - or spaces' using errcode = 'PW015',
            hint = 'Use the bank''s transfer number: a reference is booked once.';
    end if;
    perform payout.check_whole(amount, 'reference ' || reference);
    select * into booked from payout.ledger l
    where l.merchant_code = merchant and l.kind = 'funding' and l.funded_by = 'person'
      and lower(l.reference) = lower(check_funding.reference);
    if booked.available <> amount then
        raise exception 'reference % is already booked with a different amount', reference using errcode = 'PW015',
            hint = 'Use the reference of this transfer.';
    end if;
    return booked;
end $$;

-- Books funding once per origin and reference. People and the gateway's balance number theirs separately, so that neither
-- takes a reference from the other.
create function payout.book_funding(merchant text, amount bigint, reference text, funded_by text) returns void
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    insert into payout.ledger (merchant_code, kind, available, funding, reference, funded_by)
    values (merchant, 'funding', amount, -amount, reference, book_funding.funded_by)
    on conflict do nothing;
    if book_funding.funded_by = 'person' and exists (select from payout.accounts a, payout.policy x
               where a.merchant_code = merchant and a.available::numeric + a.held > x.max_balance_idr) then
        raise exception 'the books of % would exceed 10^15 rupiah', merchant
            using errcode = 'PW002', column = 'amount', hint = 'Was it booked in another currency, or twice?';
    end if;
end $$;

-- For the worker: books money that the gateway's balance shows. A shortfall is never booked.
create function payout.fund_from_gateway(merchant_code text, amount bigint, reference text) returns void
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    if amount <= 0 or not exists (select from payout.merchants m
                                  where m.code = fund_from_gateway.merchant_code and m.funding = 'gateway') then
        raise exception 'the gateway''s balance does not fund merchant % by %', fund_from_gateway.merchant_code, amount
            using errcode = 'PW015', hint = 'Only a surplus, of a merchant whose funding is "gateway".';
    end if;
    perform payout.book_funding(fund_from_gateway.merchant_code, amount, fund_from_gateway.reference, 'gateway');
end $$;

-- Books a top-up, or a withdrawal if negative; idempotent by reference. Returns the available balance. Where the
-- gateway's balance funds the merchant, that takes two people: see payout.request_fund.
create function payout.fund(merchant_code text, amount numeric, reference text) returns bigint
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    booked payout.ledger := payout.check_funding(fund.merchant_code, fund.amount, fund.reference);
begin
    perform payout.refuse_old_snapshot();
    if booked.id is null then
        if payout.people_needed('fund', null, fund.merchant_code) > 1 then
            raise exception 'the books of merchant % follow its balance at the gateway: two people must agree to book by hand',
                fund.merchant_code
                using errcode = 'PW031',
                      hint = 'A top-up there is booked automatically. Otherwise: select payout.request_fund(merchant_code, amount, '
                      'reference, reason); then another operator approves it.';
        end if;
        perform payout.book_funding(fund.merchant_code, amount::bigint, fund.reference, 'person');
    end if;
    return (select a.available from payout.accounts a where a.merchant_code = fund.merchant_code);
end $$;

---- Requests and approvals

-- Records a request, and the act of making it. One that takes one person is approved at once.
create function payout.insert_request(wanted payout.requests, payouts payout.payouts[]) returns bigint
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    request bigint;
    approved payout.requests;
begin
    insert into payout.requests (kind, people, reason, evidence, stated, merchant_code, subject, arguments, expires_at)
    select wanted.kind, wanted.people, wanted.reason, wanted.evidence, wanted.stated, wanted.merchant_code, wanted.subject,
           wanted.arguments, now() + x.request_expires_after
    from payout.policy x
    returning id into request;
    insert into payout.request_payouts (request_id, merchant_code, order_num)
    select request, p.merchant_code, p.order_num from unnest(payouts) p;
    insert into payout.operator_acts (act, merchant_code, order_num, reason, evidence, request_id, detail)
    select wanted.kind || '_requested', coalesce(p.merchant_code, wanted.merchant_code),
           case wanted.kind when 'reveal' then wanted.subject else p.order_num end, wanted.reason,
           wanted.evidence, request, concat_ws(' ', 'Rp ' || wanted.stated, wanted.subject, wanted.arguments)
    from (select) one left join unnest(payouts) p on true;
    if wanted.people = 1 then
        update payout.requests r
        set decision = 'approved', decided_by = session_user, decided_by_oid = payout.login_oid()
        where r.id = request
        returning * into approved;
        perform payout.carry_out(approved);
    end if;
    perform payout.wake('payout_queued');
    return request;
end $$;

-- Refuses a second request for what waits in another one.
create function payout.refuse_second_request(what text, other bigint) returns void
language plpgsql set search_path = pg_catalog, payout, pg_temp as $$
begin
    if other is not null then
        raise exception '% is already waiting in request %', what, other using errcode = 'PW023',
            hint = format('Approve that one, or reject it first: payout reject %s --reason ...', other);
    end if;
end $$;

-- Records a request for these payouts. Each must allow it now, and none may be waiting in another request.
create function payout.make_request(kind text, orders text[], merchant text, reason text, evidence text, stated bigint)
returns bigint
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    request payout.requests;
    payouts payout.payouts[] := '{}';
    p payout.payouts;
    wanted text;
    why text;
begin
    perform payout.check_words('a reason', reason);
    if kind like 'resolve%' then
        perform payout.check_words('evidence', evidence);
    end if;
    if coalesce(cardinality(orders), 0) not between 1 and 500 then
        raise exception 'name 1 to 500 payouts' using errcode = 'PW026';
    end if;
    request.kind := make_request.kind;
    request.people := 1;
    request.reason := make_request.reason;
    request.evidence := make_request.evidence;
    request.stated := make_request.stated;
    for wanted in select distinct o from unnest(orders) o order by o loop
        p := payout.locked(wanted, merchant);
        perform payout.check_beneficiary(p, 'the reason', reason);
        perform payout.check_beneficiary(p, 'the evidence', evidence);
        why := case kind when 'resubmit' then payout.why_no_resubmit(p)
                         when 'cancel' then case when p.state <> 'queued' then format('it is %s and cannot be cancelled', p.state) end
                         else payout.why_no_resolve(p, kind) end;
        if why is not null then
            raise exception 'payout %: %', wanted, why
                using errcode = case kind when 'resubmit' then 'PW024' when 'cancel' then 'PW013' else 'PW025' end,
                      hint = 'Nothing was recorded.' || case when p.state not in ('queued', 'cancelled')
                                                       then ' Always safe: payout replay -- ' || wanted else '' end;
        end if;
        perform payout.refuse_second_request('payout ' || wanted, (
            select min(r.id) from payout.request_payouts i join payout.requests r on r.id = i.request_id
            where (i.merchant_code, i.order_num) = (p.merchant_code, p.order_num) and i.outcome is null
              and r.decision is distinct from 'rejected' and r.expires_at > clock_timestamp()));
        request.people := greatest(request.people, payout.people_needed(kind, p));
        payouts := payouts || p;
    end loop;
    return payout.insert_request(request, payouts);
end $$;

-- Records a request for an act on something else than payouts: `subject` says on what.
create function payout.request_act(kind text, merchant text, subject text, stated bigint, arguments jsonb, reason text)
returns bigint
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    request payout.requests;
begin
    perform payout.check_words('a reason', reason);
    -- Two at the same time would not see each other. Rows that no role may lock: any login can hold an advisory lock. What
    -- is about a payout has it locked.
    if kind = 'fund' then
        perform from payout.merchants m where m.code = merchant for no key update;
    elsif kind <> 'reveal' then
        perform from payout.act a where a.act = kind for no key update;
    end if;
    perform payout.refuse_second_request(subject, (
        select min(r.id) from payout.requests r
        where r.kind = request_act.kind and r.subject = request_act.subject
          and r.merchant_code is not distinct from request_act.merchant
          and r.decision is null and r.expires_at > clock_timestamp()));
    request.kind := request_act.kind;
    request.people := payout.people_needed(request_act.kind, null, request_act.merchant);
    request.reason := request_act.reason;
    request.stated := request_act.stated;
    request.merchant_code := request_act.merchant;
    request.subject := request_act.subject;
    request.arguments := request_act.arguments;
    return payout.insert_request(request, '{}');
end $$;

-- Requests that the same order numbers be sent once more. Sends nothing itself: see payout.approve.
create function payout.request_resubmit(order_nums text[], reason text, merchant_code text default null) returns bigint
language sql security definer set search_path = pg_catalog, payout, pg_temp
return payout.make_request('resubmit', order_nums, merchant_code, reason, null, null);

-- Whoever states an end sees what the gateway answered against it, and then repeats the order number: at the command line
-- and in psql alike.
create function payout.check_confirmed(p payout.payouts, act text, confirm text) returns void
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    if confirm is distinct from p.order_num then
        raise exception 'payout %: confirm with its order number how it ended', p.order_num
            using errcode = 'PW032',
                  detail = coalesce((select string_agg(concat_ws(', ', format('%s: %s', e.source,
                                                                        replace(coalesce(e.doubt, e.kind), '_', ' ')),
                                                                 'status ' || e.status, 'not ours: ' || e.mismatch,
                                                                 format('%s times, last at %s', e.times, e.last_at)),
                                                       E'\n' order by e.last_at, e.id)
                                     from payout.contrary_answers(p, act) e),
                                    'No answer of the gateway contradicts it.'),
                  hint = format('The detail lists every answer against it. If you are sure, add: confirm => %L', p.order_num);
    end if;
end $$;

-- Requests that a payout be resolved as failed, which releases its hold.
create function payout.request_resolve_failed(order_num text, evidence text, reason text, merchant_code text default null,
                                              confirm text default null) returns bigint
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    p payout.payouts := payout.locked(request_resolve_failed.order_num, request_resolve_failed.merchant_code);
begin
    perform payout.check_confirmed(p, 'resolve_failed', confirm);
    return payout.make_request('resolve_failed', array[p.order_num], p.merchant_code, reason, evidence, null);
end $$;

-- States that a payout was paid (stated: the fee, if known), returned (stated: how much came back, by default everything),
-- with which fee it was paid if the gateway never states it (fee, stated), or that a final one ended as it is recorded
-- (unchanged), which ends a contradiction. Takes a second person where payout.act says so. Returns the request's id.
create function payout.resolve(order_num text, outcome text, evidence text, reason text, merchant_code text default null,
                               stated bigint default null, confirm text default null) returns bigint
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    p payout.payouts := payout.locked(resolve.order_num, resolve.merchant_code);
begin
    if outcome is null or outcome not in ('paid', 'returned', 'fee', 'unchanged') then
        raise exception 'outcome must be paid, returned, fee or unchanged' using errcode = 'PW026',
            hint = 'Resolving a payout as failed takes two people: payout.request_resolve_failed.';
    end if;
    if stated < 0 or (outcome = 'returned' and (stated = 0 or stated > p.amount)) or outcome = 'unchanged' and stated is not null
       or outcome = 'fee' and stated is null
       or (outcome in ('paid', 'fee') and not payout.is_plausible_fee(p.amount, p.fee_type, stated,
               (select m.fee_reserve from payout.merchants m where m.code = p.merchant_code))) then
        raise exception 'payout %: the stated amount does not fit the payout', p.order_num using errcode = 'PW026';
    end if;
    perform payout.check_confirmed(p, 'resolve_' || outcome, confirm);
    return payout.make_request('resolve_' || outcome, array[p.order_num], p.merchant_code, reason, evidence, stated);
end $$;

-- Registers a further address, in the transaction in which the request for it was approved.
create function payout.add_address(r payout.requests) returns void
language sql security definer set search_path = pg_catalog, payout, pg_temp
begin atomic
    insert into payout.addresses (address, reason, registered_by, approved_by, registered_at)
    values ((r).subject, (r).reason, (r).requested_by, (r).decided_by, (r).decided_at)
    on conflict do nothing;
end;

-- Removes an address, in the transaction in which the request for it was approved. See payout.guard_removal().
create function payout.remove_address(r payout.requests) returns void
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    update payout.addresses a
    set removed_at = r.decided_at, removed_by = r.requested_by, removal_approved_by = r.decided_by
    where a.address = r.subject and a.removed_at is null;
    if not found then
        raise exception 'address % was removed meanwhile', r.subject using errcode = 'PW050',
            hint = format('Reject this request: payout reject %s --reason ...', r.id);
    end if;
end $$;

-- What the history says of a request that was approved.
create function payout.as_detail(r payout.requests) returns jsonb
language sql stable set search_path = pg_catalog, payout, pg_temp
begin atomic
    select jsonb_build_object('request', (r).id, 'by', (r).requested_by, 'approved_by', (r).decided_by,
                              'reason', (r).reason, 'evidence', (r).evidence);
end;

-- Ends the contradiction of a final payout: its end stands on the word of two people.
create function payout.uphold(p payout.payouts, r payout.requests) returns void
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    insert into payout.history (merchant_code, order_num, event, source, attempt, detail)
    values (p.merchant_code, p.order_num, 'upheld', 'operator', p.attempt,
            payout.as_detail(r) || jsonb_build_object('attention', array_to_string(p.attention_reasons, ' ')));
    update payout.payouts q
    set attention_reasons = array(select a from unnest(q.attention_reasons) a where a <> all (payout.contradictions()))
    where (q.merchant_code, q.order_num) = (p.merchant_code, p.order_num);
end $$;

-- Books the fee that two people state of a payout that was paid with a fee on top, and releases the rest of its reserve.
create function payout.state_fee(p payout.payouts, r payout.requests) returns void
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    insert into payout.ledger (merchant_code, kind, order_num, attempt, available, held, fees)
    values (p.merchant_code, 'fee_known', p.order_num, p.attempt, p.held - r.stated, -p.held, r.stated);
    insert into payout.history (merchant_code, order_num, event, source, attempt, detail)
    values (p.merchant_code, p.order_num, 'fee_stated', 'operator', p.attempt,
            payout.as_detail(r) || jsonb_build_object('fee', r.stated));
    update payout.payouts q
    set fee = r.stated, held = 0,
        attention_reasons = array(select a from unnest(q.attention_reasons) a where a not in ('fee_unknown', 'fee_implausible'))
    where (q.merchant_code, q.order_num) = (p.merchant_code, p.order_num);
end $$;

-- Carries out what no worker has to, in the transaction of the approval. Every rule is checked again.
create function payout.carry_out(r payout.requests) returns void
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    p payout.payouts;
    why text;
begin
    case r.kind
        when 'fund' then
            if (payout.check_funding(r.merchant_code, r.stated, r.subject)).id is not null then
                raise exception 'reference % was booked meanwhile', r.subject using errcode = 'PW015',
                    hint = format('Reject this request: payout reject %s --reason ...', r.id);
            end if;
            perform payout.book_funding(r.merchant_code, r.stated, r.subject, 'person');
        when 'register_address' then
            perform payout.add_address(r);
        when 'remove_address' then
            perform payout.remove_address(r);
        when 'accept_failover' then
            perform payout.carry_out_acceptance(r);
        when 'resolve_unchanged', 'resolve_fee' then
            for p in select q.* from payout.request_payouts i join payout.payouts q using (merchant_code, order_num)
                     where i.request_id = r.id for no key update of q loop
                why := payout.why_no_resolve(p, r.kind);
                if why is not null then
                    raise exception 'payout %: %', p.order_num, why using errcode = 'PW025',
                        hint = format('Reject this request: payout reject %s --reason ...', r.id);
                end if;
                if r.kind = 'resolve_fee' then
                    perform payout.state_fee(p, r);
                else
                    perform payout.uphold(p, r);
                end if;
            end loop;
            update payout.request_payouts i set outcome = 'done', outcome_at = clock_timestamp() where i.request_id = r.id;
        when 'cancel' then
            for p in select q.* from payout.request_payouts i join payout.payouts q using (merchant_code, order_num)
                     where i.request_id = r.id order by q.merchant_code, q.order_num for no key update of q loop
                if p.state <> 'queued' then
                    raise exception 'payout % is % and cannot be cancelled', p.order_num, p.state using errcode = 'PW013',
                        hint = format('Reject this request: payout reject %s --reason ...', r.id);
                end if;
                perform payout.withdraw(p, r.reason);
            end loop;
            update payout.request_payouts i set outcome = 'done', outcome_at = clock_timestamp() where i.request_id = r.id;
        else
            null;  -- a worker carries it out, or whoever requested it acts on it
    end case;
end $$;

create function payout.decide_request(id bigint, decision text, reason text) returns void
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    decided payout.requests;
begin
    update payout.requests r
    set decision = decide_request.decision, decided_by = session_user, decided_by_oid = payout.login_oid(),
        decision_reason = decide_request.reason
    where r.id = decide_request.id
    returning * into decided;
    if not found then
        raise exception 'there is no request %', id using errcode = 'PW020';
    end if;
    insert into payout.operator_acts (act, merchant_code, order_num, reason, request_id, detail)
    select decision, coalesce(i.merchant_code, decided.merchant_code), i.order_num, decide_request.reason, decided.id,
           case when i.order_num is null then concat_ws(' ', decided.kind, 'Rp ' || decided.stated, decided.subject) end
    from (select) one left join payout.request_payouts i on i.request_id = decided.id;
    if decision = 'rejected' then
        update payout.request_payouts i set outcome = 'refused', outcome_at = clock_timestamp(),
               detail = format('rejected by %s', session_user)
        where i.request_id = decide_request.id and i.outcome is null;
    else
        perform payout.carry_out(decided);
    end if;
    perform payout.wake('payout_queued');
end $$;

-- Approves a request as the second person. What concerns a payout at the gateway, a worker then carries out: it queries
-- the gateway and acts only on its answer. Everything else is done when this returns.
create function payout.approve(id bigint) returns void
language sql security definer set search_path = pg_catalog, payout, pg_temp
begin atomic
    select payout.decide_request(id, 'approved', null);
end;

-- Requests a top-up, or a withdrawal if negative, of a merchant that is funded by its balance at the gateway.
create function payout.request_fund(merchant_code text, amount numeric, reference text, reason text) returns bigint
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    if (payout.check_funding(request_fund.merchant_code, amount, request_fund.reference)).id is not null then
        raise exception 'reference % is already booked', request_fund.reference using errcode = 'PW015',
            hint = 'A reference is booked once. Use the reference of this transfer.';
    end if;
    return payout.request_act('fund', request_fund.merchant_code, request_fund.reference, amount::bigint, null, reason);
end $$;

-- Requests that queued payouts be withdrawn. Needed only where one person may not: see payout.cancel.
create function payout.request_cancel(order_num text, reason text, merchant_code text default null) returns bigint
language sql security definer set search_path = pg_catalog, payout, pg_temp
return payout.make_request('cancel', array[order_num], merchant_code, reason, null, null);

-- Requests that workers may claim in this database by a further address.
create function payout.request_address(address text, reason text) returns bigint
language sql security definer set search_path = pg_catalog, payout, pg_temp
return payout.request_act('register_address', null, address, null, null, reason);

-- Requests that workers may no longer claim in this database by an address.
create function payout.request_address_removal(address text, reason text) returns bigint
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    why text := payout.why_not_removed(address);
begin
    if why is not null then
        raise exception '%', why using errcode = 'PW050', hint = 'See payout.addresses. First: payout address add ADDRESS.';
    end if;
    return payout.request_act('remove_address', null, address, null, null, reason);
end $$;

create function payout.reject(id bigint, reason text) returns void
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    perform payout.check_words('a reason', reason);
    perform payout.check_beneficiary(p, 'the reason', reject.reason)
    from payout.requests r
    left join payout.request_payouts i on i.request_id = r.id
    join payout.payouts p on p.merchant_code = coalesce(i.merchant_code, r.merchant_code)
                         and p.order_num = case r.kind when 'reveal' then r.subject else i.order_num end
    where r.id = reject.id;
    -- Approved, and no worker has carried it out: what is left of it is withdrawn.
    update payout.request_payouts i
    set outcome = 'refused', outcome_at = clock_timestamp(), detail = format('withdrawn by %s: %s', session_user, reject.reason)
    from payout.requests r
    where i.request_id = reject.id and i.outcome is null and r.id = i.request_id and r.decision = 'approved';
    if found then
        insert into payout.operator_acts (act, merchant_code, order_num, reason, request_id)
        select 'request_withdrawn', i.merchant_code, i.order_num, reject.reason, i.request_id
        from payout.request_payouts i
        where i.request_id = reject.id and i.outcome = 'refused' and i.outcome_at >= now();
        return;
    end if;
    perform payout.decide_request(id, 'rejected', reason);
end $$;

-- Finishes one payout of an approved request that may not be carried out, with the reason.
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

-- The guard's own rules, for people to read: `refusal` is null if two people may resubmit the payout.
create function payout.resubmit_proof(order_num text, merchant_code text default null,
                                      out quiet_until timestamptz, out not_found int, out first_at timestamptz,
                                      out last_at timestamptz, out refusal text)
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    p payout.payouts := payout.named(resubmit_proof.order_num, resubmit_proof.merchant_code);
begin
    quiet_until := payout.quiet_until(p);
    select coalesce(max(e.times), 0), min(e.first_at), max(e.last_at) into not_found, first_at, last_at
    from payout.evidence e
    where (e.merchant_code, e.order_num, e.attempt) = (p.merchant_code, p.order_num, p.attempt)
      and e.source = 'query' and e.kind = 'not_found' and e.proves = 'absence' and e.first_at >= payout.quiet_until(p);
    refusal := payout.why_no_resubmit(p);
end $$;

---- Rules that came later

-- The open payouts that break a CHECK which binds newer ones only, as `check (rules < 2 or ...)` does. They settle all the
-- same, and one that is still queued is sent. Reads no payout if there is no such rule.
create function payout.open_against_newer_rules()
returns table (merchant_code text, order_num text, state text, rule text)
language plpgsql stable set search_path = pg_catalog, payout, pg_temp as $$
declare
    as_if_new text;
    newer record;
begin
    select string_agg(case when a.attname = 'rules' then format('%s::smallint as rules', payout.rules_version())
                           else format('p.%I', a.attname) end, ', ' order by a.attnum) into as_if_new
    from pg_attribute a where a.attrelid = 'payout.payouts'::regclass and a.attnum > 0 and not a.attisdropped;
    for newer in
        select c.conname, pg_get_expr(c.conbin, c.conrelid) as rule
        from pg_constraint c
        join pg_attribute a on a.attrelid = c.conrelid and a.attname = 'rules' and a.attnum = any (c.conkey)
        where c.conrelid = 'payout.payouts'::regclass and c.contype = 'c' order by c.conname
    loop
        return query execute format(
            'select p.merchant_code, p.order_num, p.state, %L::text
             from (select %s from payout.payouts p
                   where p.rules < payout.rules_version() and p.state in (''queued'', ''submitting'', ''pending'', ''unknown'')) p
             where (%s) is false', newer.conname, as_if_new, newer.rule);
    end loop;
end $$;

---- Pauses

create function payout.check_scope(scope text, value text) returns text
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    if scope = 'all' and coalesce(value, '') = '' then
        return '';
    elsif scope = 'merchant' and exists (select from payout.merchants m where m.code = value)
          or scope = 'bank' and octet_length(value) <= 10 and value ~ '^[0-9]{3,10}$' then
        return value;
    end if;
    raise exception 'the scope must be all, a registered merchant or a bank code' using errcode = 'PW027',
        hint = 'payout.pause(''bank'', ''014'', ''reason''); payout.pause(''all'', '''', ''reason'').';
end $$;

-- Stops sending in this scope until it is resumed or, each day, between two times: '23:00-04:00' in WIB. Payouts that were
-- already sent are still queried.
create function payout.pause(scope text, value text, reason text, daily text default null) returns void
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    scope_value text := payout.check_scope(scope, value);
    times text[] := regexp_match(daily, '^([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])$');
    daily_from time := times[1] || ':' || times[2];
    daily_to time := times[3] || ':' || times[4];
begin
    perform payout.check_words('a reason', reason);
    if daily is not null and (times is null or daily_from = daily_to) then
        raise exception 'the daily times of a pause must be two different times of the day' using errcode = 'PW027',
            hint = 'In WIB, such as 23:00-04:00. The second one may be on the next day.';
    end if;
    insert into payout.pause_rules as z (scope, value, reason, daily_from, daily_to)
    values (pause.scope, scope_value, pause.reason, daily_from, daily_to)
    on conflict on constraint pauses_pkey do update
    set reason = excluded.reason, actor = excluded.actor, daily_from = excluded.daily_from, daily_to = excluded.daily_to;
    insert into payout.operator_acts (act, merchant_code, reason, detail)
    values ('paused', case scope when 'merchant' then scope_value end, pause.reason,
            concat_ws(' ', scope, nullif(scope_value, ''), 'daily ' || daily));
end $$;

-- Ends the pause of this scope or, if `daily`, the daily one.
create function payout.resume(scope text, value text, reason text, daily boolean default false) returns void
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    scope_value text := payout.check_scope(scope, value);
    what text := concat_ws(' ', scope, nullif(scope_value, ''), case when daily then 'daily' end);
begin
    perform payout.check_words('a reason', reason);
    delete from payout.pause_rules z
    where z.scope = resume.scope and z.value = scope_value and z.is_daily = coalesce(resume.daily, false);
    if not found then
        raise exception '% is not paused', what using errcode = 'PW020',
            hint = 'See what is paused: select * from payout.pause_rules.';
    end if;
    insert into payout.operator_acts (act, merchant_code, reason, detail)
    values ('resumed', case scope when 'merchant' then scope_value end, resume.reason, what);
    perform payout.wake('payout_queued');
end $$;

---- After a failover

-- How many queued payouts keep a failover from being accepted: they have not been queried since the quiet horizon.
-- Payouts inserted later are queried before their own claim, so traffic need not stop for this.
create function payout.not_queried_yet() returns bigint
language sql stable security definer set search_path = pg_catalog, payout, pg_temp
return (select count(*) from payout.payouts p
        where p.state = 'queued' and (p.attention is null or not payout.holds_back_claim(p.attention_reasons))
          and p.created_at < payout.trusted_after() and not payout.is_proven_unsent(p));

-- Checks whether a failover may be accepted now. Raises an error if not, or returns when it may be: if the old primary
-- died later than the workers assumed, everything is queried again first.
create function payout.check_acceptance(old_primary_dead_since timestamptz, query_first_for interval, set_aside boolean)
returns text
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    not_queried bigint;
    later timestamptz;
begin
    if old_primary_dead_since is null or old_primary_dead_since > clock_timestamp() then
        raise exception 'old_primary_dead_since must be a time in the past' using errcode = 'PW013',
            hint = 'Since when can nobody write to the old primary? If you call this again, state the same time.';
    end if;
    if query_first_for is null or query_first_for < (select x.query_first_min from payout.policy x) then
        raise exception 'query_first_for must be a day or more' using errcode = 'PW013',
            hint = 'Backends insert again what they lost, and until then each payout is queried before its first claim.';
    end if;
    if payout.is_receiving() then
        raise exception 'this database still receives the rows of another one' using errcode = 'PW019',
            hint = 'Once nobody writes to the other one and its last row is here: payout.end_receiving().';
    end if;
    if not exists (select from payout.failover f where f.changed_at is not null) then
        raise exception 'no worker has found a failover: there is nothing to accept'
            using errcode = 'PW019', hint = 'See payout.failover. A running worker finds a failover within seconds.';
    end if;
    if exists (select from payout.failover f where f.changed_to is distinct from payout.identity()) then
        raise exception 'the database failed over again: everything is queried again' using errcode = 'PW019',
            hint = 'The quiet horizon starts over. Try again after payout.failover.trusted_after.';
    end if;
    if exists (select from payout.clock c, payout.policy x
               where c.compared_at not between clock_timestamp() - x.clock_unwatched_max
                                           and clock_timestamp() + x.clock_tolerance) then
        raise exception 'no worker has compared this server''s clock in the last minute' using errcode = 'PW019',
            hint = 'Let a worker run. If the clock has jumped, the quiet horizon starts over.';
    end if;
    update payout.failover f set trusted_after = old_primary_dead_since + f.quiet_horizon
    where f.trusted_after < old_primary_dead_since + f.quiet_horizon
    returning f.trusted_after into later;
    if found and later > clock_timestamp() then
        return format('not yet: the old primary died later than assumed, so everything is queried again; accept with the same time after %s',
                      to_char(later, 'YYYY-MM-DD HH24:MI:SS TZ'));
    end if;
    not_queried := case when set_aside then 0 else payout.not_queried_yet() end;
    if not_queried > 0 or (payout.trusted_after() < clock_timestamp()) is not true then
        raise exception '% queued payouts have not been queried since the quiet horizon after the failover', not_queried
            using errcode = 'PW019', hint = 'The workers query them. Try again after payout.failover.trusted_after. '
            'If some cannot be queried: set_aside => true.';
    end if;
    return null;
end $$;

-- Requests that a failover be accepted, for another person to approve. A person states since when the old primary is dead
-- (after a restore: since when nobody can write to the old copy), and that they examined what was found at the gateway.
--
-- Workers still connected to the old primary could send until it died, so the quiet horizon counts from there. If that
-- is later than assumed, everything is queried again, and the result says so. The acceptance is refused until every
-- payout queued by then has been queried after the quiet horizon, when nothing sent before can still be on its way: a
-- payout that the gateway knows is not sent from here. Backends may still insert again what they lost, so for
-- `query_first_for` each payout is queried before its first claim.
--
-- A payout that cannot be queried (its dialect's "not found" proves nothing, or its gateway is gone) keeps all others
-- waiting. With `set_aside` such payouts get the attention "unproven" instead and are not claimed until a person
-- decides.
create function payout.accept_failover(reason text, old_primary_dead_since timestamptz,
                                       query_first_for interval default '30 days',
                                       set_aside boolean default false) returns text
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    not_yet text;
    request bigint;
begin
    perform payout.check_words('a reason', reason);
    not_yet := payout.check_acceptance(old_primary_dead_since, query_first_for, set_aside);
    if not_yet is not null then
        return not_yet;
    end if;
    request := payout.request_act('accept_failover', null, 'failover', null, jsonb_build_object(
        'old_primary_dead_since', old_primary_dead_since, 'query_first_for', query_first_for, 'set_aside', set_aside,
        'found_at', (select f.changed_at from payout.failover f)), reason);
    return format('recorded as request %s: claims stay stopped until another operator calls payout.approve(%s)',
                  request, request);
end $$;

-- Accepts the failover that the request is about. Another one since then needs a new request.
create function payout.carry_out_acceptance(r payout.requests) returns void
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    query_first_for interval := r.arguments ->> 'query_first_for';
    set_aside boolean := coalesce(r.arguments ->> 'set_aside', 'false');
    not_yet text;
begin
    if not exists (select from payout.failover f where f.changed_at = (r.arguments ->> 'found_at')::timestamptz) then
        raise exception 'the failover of request % is accepted, or another one was found since', r.id
            using errcode = 'PW019', hint = 'See payout.failover. If claims are stopped, call payout.accept_failover again.';
    end if;
    not_yet := payout.check_acceptance((r.arguments ->> 'old_primary_dead_since')::timestamptz, query_first_for, set_aside);
    if not_yet is not null then
        raise exception '%', not_yet using errcode = 'PW019', hint = 'Call payout.accept_failover again then.';
    end if;
    if set_aside then
        with aside as (
            update payout.payouts p set attention_reasons = p.attention_reasons || '{unproven}', parked = false
            where p.state = 'queued' and (p.attention is null or not payout.holds_back_claim(p.attention_reasons))
              and not payout.is_proven_unsent(p)
            returning p.merchant_code, p.order_num, p.attempt)
        insert into payout.history (merchant_code, order_num, event, source, attempt, detail)
        select a.merchant_code, a.order_num, 'attention_raised', 'operator', a.attempt,
               jsonb_build_object('attention', 'unproven', 'request', r.id)
        from aside a;
    end if;
    update payout.failover f
    set identity = payout.identity(), epoch = f.epoch + 1, since = clock_timestamp(), changed_at = null, changed_to = null,
        lost_claims = '{}', accepted_by = format('%s, approved by %s', r.requested_by, r.decided_by),
        query_first_until = clock_timestamp() + query_first_for, reason = r.reason;
end $$;

-- Requests that this database be marked as receiving (payout.receiving). It claims nothing from the approval on.
create function payout.request_receiving(reason text) returns text
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    perform payout.refuse_borrowed_session();
    perform payout.check_words('a reason', reason);
    if payout.is_receiving() then
        raise exception 'this database is receiving already' using errcode = 'PW019', hint = 'See payout.receiving.';
    end if;
    -- A request replaces the one before it, and the record of an earlier move.
    delete from payout.receiving;
    insert into payout.receiving (reason) values (request_receiving.reason);
    return 'recorded: nothing is received until another operator calls payout.approve_receiving()';
end $$;

create function payout.approve_receiving() returns void
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    wanted payout.receiving;
begin
    perform payout.refuse_borrowed_session();
    select * into wanted from payout.receiving r where r.approved_at is null for no key update;
    -- Before its rules are here, a schema that was only just made has none of them.
    if wanted is null
       or wanted.requested_at < clock_timestamp() - coalesce((select x.request_expires_after from payout.policy x), '10 minutes') then
        raise exception 'no open request to receive' using errcode = 'PW019',
            hint = 'Call payout.request_receiving(reason); it can be approved for ten minutes.';
    elsif wanted.requested_by_oid = payout.login_oid() then
        raise exception 'another person must approve this' using errcode = 'PW021',
            hint = 'Another operator, with a login of their own: select payout.approve_receiving().';
    end if;
    update payout.receiving set approved_by = session_user, approved_at = clock_timestamp();
end $$;

-- Ends the receiving: nobody writes to the other database any more, and its last row is here. Claims stay stopped, as
-- after a failover, until every queued payout has been queried and two people accept it.
create function payout.end_receiving() returns void
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    numbered record;
begin
    perform payout.refuse_borrowed_session();
    update payout.receiving set ended_by = session_user, ended_at = clock_timestamp()
    where approved_at is not null and ended_at is null;
    if not found then
        raise exception 'this database is not receiving' using errcode = 'PW019', hint = 'See payout.receiving.';
    end if;
    -- Replication brings rows and leaves the counters of their numbers behind.
    for numbered in select a.attrelid::regclass as name, a.attname as number from pg_catalog.pg_attribute a
                    join pg_catalog.pg_class c on c.oid = a.attrelid
                    where c.relnamespace = 'payout'::regnamespace and c.relkind = 'r' and a.attidentity <> '' loop
        execute format('select pg_catalog.setval(pg_catalog.pg_get_serial_sequence(%L, %L), coalesce(max(%I), 0) + 1, false) from %s',
                       numbered.name, numbered.number, numbered.number, numbered.name);
    end loop;
    insert into payout.failover (identity, quiet_horizon)
    select 'the database that these rows come from', x.quiet_horizon_default from payout.policy x
    on conflict do nothing;
    perform payout.note_failover('its rows were received from another database');
end $$;

-- Says that this server's storage writes each page whole, as ZFS does, so that payouts may be sent with full_page_writes
-- off. It is void after a failover.
create function payout.accept_full_pages_off(reason text) returns void
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    perform payout.check_words('a reason', reason);
    insert into payout.whole_pages as w (identity, epoch, reason)
    select f.identity, f.epoch, accept_full_pages_off.reason from payout.failover f
    where f.changed_at is null and f.identity = payout.identity()
    on conflict (identity, epoch) do update set reason = excluded.reason, actor = excluded.actor, at = excluded.at;
    if not found then
        raise exception 'no worker has claimed in this database yet, or its failover is not accepted' using errcode = 'PW019',
            hint = 'Start a worker, or accept the failover, and say it then.';
    end if;
    insert into payout.operator_acts (act, reason) values ('accepted_full_pages_off', accept_full_pages_off.reason);
end $$;

---- Reading

create function payout.masked_number(digits text) returns text language sql immutable
return '****' || case when length(digits) > 6 then right(digits, 4) else '' end;

create function payout.masked_name(name text) returns text language sql immutable
return (select string_agg(left(word, 1) || '***', ' ') from regexp_split_to_table(name, '\s+') word where word <> '');

-- What payout.waits_for looks up for every payout: why each merchant's claims are stopped (null if they are not), of the
-- merchants that the login sees; which banks are paused; and which attention holds a queued payout back.
create function payout.standstill() returns jsonb
language sql stable security definer set search_path = pg_catalog, payout, pg_temp
begin atomic
    select jsonb_build_object(
        'claims', coalesce((select jsonb_object_agg(c.merchant_code, c.stopped_by) from payout.claims c
                            where c.merchant_code = any ((select payout.merchants_seen())::text[])), '{}'),
        'banks', coalesce((select jsonb_agg(z.value) from payout.pauses z where z.scope = 'bank'), '[]'),
        'holds_back', coalesce((select jsonb_agg(r.name) from payout.attention_reason r where r.holds_back_claim), '[]'));
end;

-- Whether a replacement may not pay that debt again now. Also of a row that a login makes up: it learns nothing about other
-- merchants.
create function payout.waits_for_originals(p payout.payouts) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp as $$
begin
    return p.merchant_code = any (payout.merchants_seen())
           and (payout.may_pay_again(p.merchant_code, p.replaces, p.created_at)).why_not is not null;
end $$;

-- What an open payout waits for: a word, then a colon and more where there is more to say. Null once it is final.
-- `standstill` is that of payout.standstill(), which a statement reads once and not for each payout.
create function payout.waits_for(p payout.payouts, standstill jsonb) returns text
language plpgsql stable security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    stopped_by text := standstill -> 'claims' ->> p.merchant_code;
begin
    return case
        when p.state not in ('queued', 'submitting', 'pending', 'unknown')
             or not standstill -> 'claims' ? p.merchant_code then null
        when stopped_by = 'no_worker' then 'no_worker'
        when p.state = 'submitting' then 'answer'
        when p.attention is not null
             and (p.state <> 'queued' or standstill -> 'holds_back' ?| p.attention_reasons) then 'person: ' || p.attention
        when p.state = 'pending' then 'result'
        when p.state = 'unknown' then 'query'
        when stopped_by = 'paused' then 'paused'
        when stopped_by is not null then 'claims: ' || stopped_by
        when p.due_at > now() then 'time: ' || to_char(p.due_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        when standstill -> 'banks' ? p.bank_code then 'paused'
        when p.parked then 'funds'
        when p.replaces is not null and payout.waits_for_originals(p) then 'originals'
        else 'slot'
    end;
end $$;

-- For those who may see every merchant: what payout.status shows, without its barrier.
create view payout.all_status as
select p.order_num, p.merchant_code, p.bank_code, p.amount::bigint as amount, p.fee_type, p.state, p.state_since,
       p.created_at,
       -- A fee is charged for what was paid. Nothing is debited for a payout that failed or was withdrawn.
       case when p.state in ('paid', 'returned') then p.fee end as fee,
       case when p.state in ('failed', 'cancelled') then 0
            else payout.debit_idr(p.amount, p.fee_type, p.fee) end as debit_total,
       case when p.state in ('failed', 'cancelled') then 0
            else payout.beneficiary_idr(p.amount, p.fee_type, p.fee) end as beneficiary_amount,
       p.platform_order_num, p.failure_reason, p.attention, p.attention_reasons, p.attention_since,
       case when p.state in ('queued', 'submitting', 'pending', 'unknown') then payout.waits_for(p, (select payout.standstill())) end
           as waits_for,
       p.settled_at, payout.wib_day(p.settled_at) as settled_day, w.paid_at, payout.wib_day(w.paid_at) as paid_day
from payout.payouts p
cross join lateral (
    -- What came back is settled at its return; its history has the payment.
    select case p.state
        when 'paid' then p.settled_at
        when 'returned' then (select h.at from payout.history h
                              where (h.merchant_code, h.order_num) = (p.merchant_code, p.order_num) and h.to_state = 'paid'
                              order by h.seq desc limit 1) end as paid_at) w;

-- Each login sees the payouts of its merchants. A barrier, or a condition that reports the values it is given would be
-- applied to the others' rows first. Its price: Postgres sorts what it reads instead of reading an index in order.
create view payout.status with (security_barrier) as
select s.* from payout.all_status s where s.merchant_code = any ((select payout.merchants_seen())::text[]);

-- Shows a row only once no row with a smaller seq can appear any more. For those who may see every merchant.
create view payout.all_events as
select h.seq, h.merchant_code, h.order_num, h.at, h.event, h.from_state, h.to_state, h.source, h.detail
from payout.history h
where h.seq < (payout.xid_base() + pg_snapshot_xmin(pg_current_snapshot())::text::bigint) << 20;

-- Each login sees the events of its merchants, behind a barrier like that of payout.status. In order, so that a reader with
-- a cursor and a limit reads an index and sorts nothing.
create view payout.events with (security_barrier) as
select e.* from payout.all_events e where e.merchant_code = any ((select payout.merchants_seen())::text[]) order by e.seq;

create view payout.balances as
select m.code as merchant_code, a.account, a.balance
from payout.merchants m
left join payout.accounts s on s.merchant_code = m.code
cross join lateral (values ('available', coalesce(s.available, 0)), ('held', coalesce(s.held, 0)),
                           ('paid_out', coalesce(s.paid_out, 0)), ('fees', coalesce(s.fees, 0)),
                           ('funding', coalesce(s.funding, 0))) a (account, balance);

-- The entries of the ledger in the words of finance (docs/finance.md): each sum of a report, of the metrics and of a
-- dashboard adds these columns up. net + fee = debit. gross is the amount of what became paid; a fee that is known later
-- changes net, fee and debit, never gross.
create view payout.movements as
select l.id, l.xid, l.merchant_code, l.at, payout.wib_day(l.at) as day, l.kind, l.order_num, p.bank_code, p.fee_type,
       p.amount::bigint as amount,
       case when l.kind in ('capture', 'late_capture') then 'paid'
            when l.kind = 'return' then 'returned'
            -- Held money is also released when nothing was sent.
            when l.kind = 'release' and exists (
                select from payout.history h
                where (h.merchant_code, h.order_num) = (l.merchant_code, l.order_num) and h.to_state = 'failed'
                  and h.seq between l.xid << 20 and (l.xid << 20) + 1048575) then 'failed'
       end as step,
       case when l.kind <> 'return' then l.paid_out + case p.fee_type when 0 then l.fees else 0 end else 0 end as gross,
       l.fees as fee,
       case when l.kind <> 'return' then l.paid_out else 0 end as net,
       case when l.kind <> 'return' then l.paid_out else 0 end + l.fees as debit,
       case when l.kind = 'return' then -l.paid_out else 0 end as returned,
       -l.funding as top_up, l.available, l.held
from payout.ledger l
left join payout.payouts p on (p.merchant_code, p.order_num) = (l.merchant_code, l.order_num);

-- The same summed by day, merchant and bank, in one row or several. Most of the ledger was added up once (`payout.day_sums`),
-- so a year costs little; what is newer is read entry by entry.
create view payout.movements_by_day as
select d.merchant_code, d.day, d.bank_code, d.paid, d.failed, d.payouts_returned, d.gross, d.fee, d.fee_out_of_amount,
       d.fee_on_top, d.net, d.debit, d.top_up, d.returned, d.available, d.held
from payout.day_sums d
where d.from_id < (select c.summed_below from payout.ledger_sums_cursor c)
union all
select v.merchant_code, v.day, coalesce(v.bank_code, ''), case v.step when 'paid' then 1 else 0 end,
       case v.step when 'failed' then 1 else 0 end, case v.step when 'returned' then 1 else 0 end, v.gross, v.fee,
       case v.fee_type when 0 then v.fee else 0 end, case v.fee_type when 1 then v.fee else 0 end, v.net, v.debit, v.top_up,
       v.returned, v.available, v.held
-- By number alone, with two ends, or the planner would expect a third of the ledger; and so that no column of a row is
-- computed twice.
from (select * from payout.movements m
      where m.id between (select c.summed_below from payout.ledger_sums_cursor c)
                     and (select coalesce(max(l.id), 0) from payout.ledger l) offset 0) v;

-- By which word metrics name a bank: its code if payout.banks has it, so that they have few of them.
create function payout.bank_label(bank_code text) returns text
language sql stable parallel safe
return coalesce((select b.code from payout.banks b where b.code = bank_label.bank_code collate "C"), 'other');

-- How long something has been open, in five classes: those of `Age` in crates/domain/src/snapshot.rs.
create function payout.age_class(since timestamptz) returns text
language sql stable parallel safe
return case when since > now() - interval '1 hour' then '0-1h'
            when since > now() - interval '6 hours' then '1-6h'
            when since > now() - interval '24 hours' then '6-24h'
            when since > now() - interval '3 days' then '1-3d'
            else 'older' end;

-- Everything about a payout, for on-call, with the beneficiary masked.
create view payout.masked as
select p.merchant_code, p.order_num, p.state, p.state_since, p.amount::bigint as amount, p.fee_type, p.bank_code,
       coalesce(b.name, p.bank_code) as bank_name,
       payout.masked_number(p.account_number) as account_number, payout.masked_name(p.account_name) as account_name,
       p.description, p.replaces, p.not_before, p.priority, p.created_at, p.created_by, p.attempt, p.sends, p.not_sent,
       p.send_by, p.lease_until, p.held, p.fee, p.platform_order_num, p.failure_reason, p.attention, p.attention_reasons,
       p.attention_since, p.declined_at, p.settled_at, p.queries, p.next_query_at, p.due_at, p.parked,
       case when p.state in ('paid', 'failed', 'returned') then payout.rests_on_statement(p) else false end
           as rests_on_statement
from payout.payouts p
left join payout.banks b on b.code = p.bank_code;

-- Every answer of the gateway against the end (paid, failed, returned, unchanged) that a person is about to state.
create function payout.contrary_evidence(order_num text, outcome text, merchant_code text default null)
returns table (source text, kind text, status smallint, mismatch text, times int, last_at timestamptz)
language sql stable security definer set search_path = pg_catalog, payout, pg_temp
begin atomic
    select e.source, coalesce(e.doubt, e.kind), e.status, e.mismatch, e.times, e.last_at
    from payout.named(contrary_evidence.order_num, contrary_evidence.merchant_code) p,
         payout.contrary_answers(p, 'resolve_' || outcome) e
    order by e.last_at, e.id;
end;

-- Records that you are about to see a beneficiary unmasked, and why. Commit it, then call payout.reveal.
create function payout.request_reveal(order_num text, reason text, merchant_code text default null) returns bigint
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    p payout.payouts := payout.locked(request_reveal.order_num, request_reveal.merchant_code);
begin
    perform payout.check_words('a reason', reason);
    perform payout.check_beneficiary(p, 'the reason', reason);
    return payout.request_act('reveal', p.merchant_code, p.order_num, null, null, reason);
end $$;

-- Shows a beneficiary unmasked, to whoever requested it in an earlier transaction: one that is visible here is committed,
-- so that rolling this one back hides nothing. A request of this transaction was made now().
create function payout.reveal(order_num text, merchant_code text default null,
                              out account_number text, out account_name text)
language plpgsql security definer set search_path = pg_catalog, payout, pg_temp as $$
declare
    p payout.payouts := payout.locked(reveal.order_num, reveal.merchant_code);
    request payout.requests;
begin
    select r.* into request from payout.requests r
    where r.kind = 'reveal' and r.subject = p.order_num and r.merchant_code = p.merchant_code
      and r.requested_by_oid = payout.login_oid() and r.decision = 'approved'
      and r.requested_at < now() and r.expires_at > clock_timestamp()
    order by r.id desc limit 1;
    if not found then
        raise exception 'payout %: you have no committed request to see its beneficiary', p.order_num
            using errcode = 'PW030',
                  hint = 'First, in a transaction of its own: select payout.request_reveal(order_num, reason). It holds for ten minutes.';
    end if;
    insert into payout.operator_acts (act, merchant_code, order_num, reason, request_id)
    values ('revealed', p.merchant_code, p.order_num, request.reason, request.id);
    account_number := p.account_number;
    account_name := p.account_name;
end $$;

-- Every act of a person, including those recorded in the history and the ledger, and what backends withdrew.
create view payout.audit as
select a.at, a.actor, a.act, a.merchant_code, a.order_num, a.reason, a.evidence, a.request_id, a.outcome, a.detail
from payout.operator_acts a
union all
select h.at, h.actor, h.event, h.merchant_code, h.order_num, h.detail ->> 'reason', null, null, 'done', null
from payout.history h
where h.source in ('operator', 'backend') and h.event in ('withdrawn', 'replay_requested')
union all
select l.at, l.actor, 'funded', l.merchant_code, null, l.reference, null, null, 'done', 'Rp ' || l.available
from payout.ledger l
where l.funded_by = 'person';
