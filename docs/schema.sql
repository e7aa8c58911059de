-- The schema `payout`, dumped from the migrations. Generated: see tests/it/docs.rs.

CREATE SCHEMA payout;

CREATE FUNCTION payout.accept_failover(reason text, old_primary_dead_since timestamp with time zone, query_first_for interval DEFAULT '30 days'::interval, set_aside boolean DEFAULT false) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.accept_full_pages_off(reason text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.login_oid() RETURNS oid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    RETURN (SELECT r.oid FROM pg_roles r WHERE (r.rolname = SESSION_USER));

CREATE TABLE payout.addresses (
    address text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL,
    registered_by text DEFAULT SESSION_USER NOT NULL,
    approved_by text,
    registered_at timestamp with time zone DEFAULT now() NOT NULL,
    removed_at timestamp with time zone,
    removed_by text,
    removal_approved_by text,
    CONSTRAINT address_ends_with_a_port CHECK ((address ~ '^[^[:space:][:cntrl:]]{1,200}:[0-9]{1,5}$'::text)),
    CONSTRAINT removed_whole CHECK ((((removed_at IS NULL) = (removed_by IS NULL)) AND ((removed_at IS NULL) = (removal_approved_by IS NULL))))
);

CREATE TABLE payout.requests (
    id bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    people integer DEFAULT 2 NOT NULL,
    requested_by text DEFAULT SESSION_USER NOT NULL,
    requested_by_oid oid DEFAULT payout.login_oid() NOT NULL,
    requested_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    reason text NOT NULL,
    evidence text,
    stated bigint,
    merchant_code text COLLATE pg_catalog."C",
    subject text,
    arguments jsonb,
    decision text,
    decided_by text,
    decided_by_oid oid,
    decided_at timestamp with time zone,
    decision_reason text,
    CONSTRAINT approved_by_a_second_person CHECK (((decision IS DISTINCT FROM 'approved'::text) OR (people = 1) OR ((decided_by_oid <> requested_by_oid) AND (decided_by <> requested_by)))),
    CONSTRAINT approved_in_time CHECK (((decision IS DISTINCT FROM 'approved'::text) OR (decided_at <= expires_at))),
    CONSTRAINT decided_whole CHECK ((((decision IS NULL) = (decided_by IS NULL)) AND ((decision IS NULL) = (decided_at IS NULL)) AND ((decision IS NULL) = (decided_by_oid IS NULL)))),
    CONSTRAINT decision_is_known CHECK ((decision = ANY (ARRAY['approved'::text, 'rejected'::text]))),
    CONSTRAINT kind_is_known CHECK ((kind = ANY (ARRAY['resubmit'::text, 'resolve_failed'::text, 'resolve_paid'::text, 'resolve_returned'::text, 'resolve_unchanged'::text, 'resolve_fee'::text, 'cancel'::text, 'fund'::text, 'accept_failover'::text, 'register_address'::text, 'remove_address'::text, 'reveal'::text]))),
    CONSTRAINT one_or_two_people CHECK ((people = ANY (ARRAY[1, 2]))),
    CONSTRAINT resolved_with_evidence CHECK (((kind !~~ 'resolve%'::text) OR (evidence IS NOT NULL)))
);

CREATE FUNCTION payout.add_address(r payout.requests) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    BEGIN ATOMIC
 INSERT INTO payout.addresses (address, reason, registered_by, approved_by, registered_at)
   VALUES ((add_address.r).subject, (add_address.r).reason, (add_address.r).requested_by, (add_address.r).decided_by, (add_address.r).decided_at) ON CONFLICT DO NOTHING;
END;

CREATE FUNCTION payout.add_to_account(merchant text, available numeric, held numeric, paid_out numeric, fees numeric, funding numeric, spent numeric, regained numeric) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.after_enqueue() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
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

CREATE FUNCTION payout.age_class(since timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN (since > (now() - '01:00:00'::interval)) THEN '0-1h'::text WHEN (since > (now() - '06:00:00'::interval)) THEN '1-6h'::text WHEN (since > (now() - '24:00:00'::interval)) THEN '6-24h'::text WHEN (since > (now() - '3 days'::interval)) THEN '1-3d'::text ELSE 'older'::text END;

CREATE FUNCTION payout.decide_request(id bigint, decision text, reason text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.approve(id bigint) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    BEGIN ATOMIC
 SELECT payout.decide_request(id, 'approved'::text, NULL::text) AS decide_request;
END;

CREATE FUNCTION payout.approve_receiving() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.as_detail(r payout.requests) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    BEGIN ATOMIC
 SELECT jsonb_build_object('request', (r).id, 'by', (r).requested_by, 'approved_by', (r).decided_by, 'reason', (r).reason, 'evidence', (r).evidence) AS jsonb_build_object;
END;

CREATE TABLE payout.banks (
    code text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    min_digits integer
);

CREATE FUNCTION payout.bank_label(bank_code text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN COALESCE((SELECT b.code FROM payout.banks b WHERE (b.code = (bank_label.bank_code COLLATE "C"))), 'other'::text);

CREATE FUNCTION payout.before_enqueue() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.begin_clock_watch() RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    update payout.clock c
    set compared_at = clock_timestamp(), trusted_after = clock_timestamp() + payout.longest_horizon()
    from payout.policy x
    where c.compared_at not between clock_timestamp() - x.clock_unwatched_max and clock_timestamp() + x.clock_tolerance;
    return found;
end $$;

CREATE FUNCTION payout.beneficiary_idr(amount numeric, fee_type smallint, fee bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE fee_type WHEN 1 THEN (amount)::bigint ELSE ((amount)::bigint - fee) END;

CREATE FUNCTION payout.book_funding(merchant text, amount bigint, reference text, funded_by text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.broken_constraint(state text, state_since timestamp with time zone, attempt integer, sends integer, not_sent integer, resubmits_granted integer, held bigint, fee bigint, attention_reasons text[], attention_since timestamp with time zone, proven_ours boolean, settled_at timestamp with time zone, queries integer, due_at timestamp with time zone, parked boolean) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN (num_nulls(state, state_since, attempt, sends, not_sent, resubmits_granted, held, attention_reasons, proven_ours, queries, due_at, parked) > 0) THEN 'not null'::text WHEN (state <> ALL ('{queued,submitting,pending,unknown,paid,failed,cancelled,returned}'::text[])) THEN 'state_is_known'::text WHEN ((sends - not_sent) > (1 + resubmits_granted)) THEN 'sent_once_per_grant'::text WHEN ((attempt < sends) OR ((not_sent < 0) OR (not_sent > sends))) THEN 'attempts_count_up'::text WHEN ((settled_at IS NOT NULL) <> (state = ANY (ARRAY['paid'::text, 'failed'::text, 'cancelled'::text, 'returned'::text]))) THEN 'settled_at_iff_final'::text WHEN CASE WHEN (state = ANY (ARRAY['submitting'::text, 'pending'::text, 'unknown'::text])) THEN (held <= 0) WHEN (state = 'paid'::text) THEN (held < 0) ELSE (held <> 0) END THEN 'held_while_it_may_have_left'::text WHEN ((fee < 0) OR (fee > '1000000000000'::bigint)) THEN 'fee_is_an_amount'::text WHEN (((attention_reasons)[1] IS NULL) <> (attention_since IS NULL)) THEN 'attention_has_a_time'::text WHEN (parked AND (state <> 'queued'::text)) THEN 'parked_only_while_queued'::text ELSE NULL::text END;

CREATE FUNCTION payout.cancel(order_num text, reason text, merchant_code text DEFAULT NULL::text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
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

CREATE FUNCTION payout.carry_out(r payout.requests) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.carry_out_acceptance(r payout.requests) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.check_acceptance(old_primary_dead_since timestamp with time zone, query_first_for interval, set_aside boolean) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.default_merchant() RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    return (select min(m.code) from payout.merchants m having count(*) = 1);
end $$;

CREATE TABLE payout.payouts (
    merchant_code text DEFAULT payout.default_merchant() NOT NULL COLLATE pg_catalog."C",
    order_num text NOT NULL COLLATE pg_catalog."C",
    state text DEFAULT 'queued'::text NOT NULL COLLATE pg_catalog."C",
    amount numeric NOT NULL,
    fee_type smallint NOT NULL,
    rules smallint DEFAULT 1 NOT NULL,
    bank_code text NOT NULL,
    account_number text NOT NULL,
    account_name text NOT NULL,
    description text,
    replaces text COLLATE pg_catalog."C",
    not_before timestamp with time zone,
    priority smallint DEFAULT 0 NOT NULL,
    metadata jsonb,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by text DEFAULT SESSION_USER NOT NULL,
    state_since timestamp with time zone DEFAULT now() NOT NULL,
    last_seq bigint,
    attempt integer DEFAULT 0 NOT NULL,
    sends integer DEFAULT 0 NOT NULL,
    not_sent integer DEFAULT 0 NOT NULL,
    resubmits_granted integer DEFAULT 0 NOT NULL,
    send_by timestamp with time zone,
    lease_until timestamp with time zone,
    held bigint DEFAULT 0 NOT NULL,
    fee bigint,
    platform_order_num text,
    called_back text,
    failure_reason text,
    attention_reasons text[] DEFAULT '{}'::text[] NOT NULL,
    attention text GENERATED ALWAYS AS (attention_reasons[1]) STORED,
    attention_since timestamp with time zone,
    declined_at timestamp with time zone,
    proven_ours boolean DEFAULT false NOT NULL,
    reaffirmed_at timestamp with time zone,
    originals_queried_at timestamp with time zone,
    settled_at timestamp with time zone,
    queries integer DEFAULT 0 NOT NULL,
    next_query_at timestamp with time zone,
    later_look boolean,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    parked boolean DEFAULT false NOT NULL,
    CONSTRAINT account_name_is_plain CHECK ((((octet_length(account_name) >= 1) AND (octet_length(account_name) <= 32)) AND (account_name !~ '[^A-Za-z0-9 ]|^ | $'::text))),
    CONSTRAINT account_number_is_digits CHECK ((((octet_length(account_number) >= 5) AND (octet_length(account_number) <= 32)) AND (account_number !~ '[^0-9]'::text))),
    CONSTRAINT amount_is_whole_rupiah CHECK ((((amount >= (1)::numeric) AND (amount <= ('1000000000000'::bigint)::numeric)) AND (amount = trunc(amount)))),
    CONSTRAINT attempts_count_up CHECK (((attempt >= sends) AND ((not_sent >= 0) AND (not_sent <= sends)))),
    CONSTRAINT attention_has_a_time CHECK (((attention IS NULL) = (attention_since IS NULL))),
    CONSTRAINT bank_code_is_digits CHECK ((((octet_length(bank_code) >= 3) AND (octet_length(bank_code) <= 10)) AND (bank_code !~ '[^0-9]'::text))),
    CONSTRAINT description_is_plain CHECK ((((octet_length(description) >= 1) AND (octet_length(description) <= 32)) AND (description !~ '[^A-Za-z0-9 ._,/-]|^ | $'::text))),
    CONSTRAINT fee_is_an_amount CHECK (((fee >= 0) AND (fee <= '1000000000000'::bigint))),
    CONSTRAINT fee_type_is_known CHECK (((fee_type >= 0) AND (fee_type <= 1))),
    CONSTRAINT held_while_it_may_have_left CHECK (
CASE
    WHEN (state = ANY (ARRAY['submitting'::text, 'pending'::text, 'unknown'::text])) THEN (held > 0)
    WHEN (state = 'paid'::text) THEN (held >= 0)
    ELSE (held = 0)
END),
    CONSTRAINT metadata_is_small CHECK ((octet_length((metadata)::text) <= 16384)),
    CONSTRAINT not_before_is_a_time CHECK ((isfinite(not_before) AND (not_before < '10000-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT order_num_is_plain CHECK ((((octet_length(order_num) >= 1) AND (octet_length(order_num) <= 32)) AND (order_num !~ '[^A-Za-z0-9_-]'::text))),
    CONSTRAINT parked_only_while_queued CHECK (((NOT parked) OR (state = 'queued'::text))),
    CONSTRAINT sent_once_per_grant CHECK (((sends - not_sent) <= (1 + resubmits_granted))),
    CONSTRAINT settled_at_iff_final CHECK (((settled_at IS NOT NULL) = (state = ANY (ARRAY['paid'::text, 'failed'::text, 'cancelled'::text, 'returned'::text])))),
    CONSTRAINT state_is_known CHECK ((state = ANY (ARRAY['queued'::text, 'submitting'::text, 'pending'::text, 'unknown'::text, 'paid'::text, 'failed'::text, 'cancelled'::text, 'returned'::text])))
);

CREATE FUNCTION payout.check_beneficiary(new payout.payouts) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $_$
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
end $_$;

CREATE FUNCTION payout.check_beneficiary(p payout.payouts, what text, words text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    if payout.repeats_beneficiary(p, words) then
        raise exception 'payout %: % repeats the beneficiary''s account number or name', p.order_num, what
            using errcode = 'PW035',
                  hint = 'It is stored for everybody who reads payouts. Name a ticket, and leave out the name and the number: '
                  'five of its digits are too many, whatever stands between them.';
    end if;
end $$;

CREATE FUNCTION payout.check_confirmed(p payout.payouts, act text, confirm text) RETURNS void
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.xid_base() RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (0)::bigint;

CREATE FUNCTION payout.current_xid() RETURNS bigint
    LANGUAGE sql STABLE
    RETURN (payout.xid_base() + ((pg_current_xact_id())::text)::bigint);

CREATE TABLE payout.ledger (
    id bigint NOT NULL,
    xid bigint DEFAULT payout.current_xid() NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    merchant_code text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    order_num text COLLATE pg_catalog."C",
    attempt integer,
    available bigint DEFAULT 0 NOT NULL,
    held bigint DEFAULT 0 NOT NULL,
    paid_out bigint DEFAULT 0 NOT NULL,
    fees bigint DEFAULT 0 NOT NULL,
    funding bigint DEFAULT 0 NOT NULL,
    reference text,
    funded_by text,
    forced boolean DEFAULT false NOT NULL,
    actor text DEFAULT SESSION_USER NOT NULL,
    CONSTRAINT entry_of_a_payout_or_funding CHECK (((order_num IS NULL) = (kind = 'funding'::text))),
    CONSTRAINT funding_has_a_reference CHECK (((kind <> 'funding'::text) OR ((COALESCE(length(reference), 0) >= 1) AND (COALESCE(length(reference), 0) <= 64)))),
    CONSTRAINT funding_has_an_origin CHECK ((((kind = 'funding'::text) = (funded_by IS NOT NULL)) AND (funded_by = ANY (ARRAY['person'::text, 'gateway'::text])))),
    CONSTRAINT kind_is_known CHECK ((kind = ANY (ARRAY['hold'::text, 'capture'::text, 'release'::text, 'return'::text, 'late_capture'::text, 'fee_known'::text, 'fee_corrected'::text, 'funding'::text]))),
    CONSTRAINT postings_sum_to_zero CHECK ((((((available + held) + paid_out) + fees) + funding) = 0))
);

CREATE FUNCTION payout.check_funding(merchant text, amount numeric, reference text) RETURNS payout.ledger
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $_$
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
end $_$;

CREATE FUNCTION payout.check_instruction() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $_$
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
end $_$;

CREATE FUNCTION payout.gateway_digest(dialect text, base_url text, platform_keys text[]) RETURNS bytea
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    return sha256(convert_to(concat_ws(E'\n', dialect, base_url, array_to_string(platform_keys, E'\n')), 'UTF8'));
end $$;

CREATE TABLE payout.merchants (
    code text NOT NULL COLLATE pg_catalog."C",
    dialect text NOT NULL,
    balance_is_signed boolean NOT NULL,
    not_found_is_proof boolean NOT NULL,
    base_url text NOT NULL,
    platform_keys text[] NOT NULL,
    gateway bytea GENERATED ALWAYS AS (payout.gateway_digest(dialect, base_url, platform_keys)) STORED NOT NULL,
    min_amount bigint DEFAULT 1 NOT NULL,
    max_amount bigint DEFAULT '1000000000000'::bigint NOT NULL,
    fee_reserve bigint DEFAULT 0 NOT NULL,
    funding text DEFAULT 'gateway'::text NOT NULL,
    registered_at timestamp with time zone DEFAULT now() NOT NULL,
    gateway_since timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    CONSTRAINT fee_reserve_makes_sense CHECK (((fee_reserve >= 0) AND (fee_reserve <= '1000000000000'::bigint))),
    CONSTRAINT funding_is_known CHECK ((funding = ANY (ARRAY['gateway'::text, 'books'::text]))),
    CONSTRAINT limits_make_sense CHECK ((((min_amount >= 1) AND (min_amount <= max_amount)) AND (max_amount <= '1000000000000'::bigint)))
);

CREATE FUNCTION payout.check_limits(amount numeric, merchant payout.merchants, order_num text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    if amount not between merchant.min_amount and merchant.max_amount then
        raise exception 'amount must be from % to % rupiah', merchant.min_amount, merchant.max_amount
            using errcode = 'PW002', column = 'amount', detail = 'order_num ' || order_num,
                  hint = 'These are the limits of the merchant in payout.merchants.';
    end if;
end $$;

CREATE FUNCTION payout.check_lines() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.check_metadata(metadata jsonb, order_num text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    if pg_column_size(metadata) > 131072 or octet_length(metadata::text) > 16384 then
        raise exception 'metadata of payout % must be at most 16384 bytes as text', order_num
            using errcode = 'PW029', column = 'metadata',
                  hint = 'Keep what is larger in a table of your own, by order_num.';
    end if;
end $$;

CREATE FUNCTION payout.check_replacement(new payout.payouts) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.check_scope(scope text, value text) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $_$
begin
    if scope = 'all' and coalesce(value, '') = '' then
        return '';
    elsif scope = 'merchant' and exists (select from payout.merchants m where m.code = value)
          or scope = 'bank' and octet_length(value) <= 10 and value ~ '^[0-9]{3,10}$' then
        return value;
    end if;
    raise exception 'the scope must be all, a registered merchant or a bank code' using errcode = 'PW027',
        hint = 'payout.pause(''bank'', ''014'', ''reason''); payout.pause(''all'', '''', ''reason'').';
end $_$;

CREATE FUNCTION payout.check_whole(amount numeric, subject text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.check_words(what text, words text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.complete_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.completed_change(old payout.payouts, new payout.payouts) RETURNS payout.payouts
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'on'
    SET jit TO 'off'
    AS $$
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

CREATE TABLE payout.evidence (
    id bigint NOT NULL,
    merchant_code text NOT NULL COLLATE pg_catalog."C",
    order_num text NOT NULL COLLATE pg_catalog."C",
    attempt integer NOT NULL,
    source text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    status smallint,
    signed boolean,
    bound boolean,
    mismatch text,
    doubt text,
    proves text,
    valid_from timestamp with time zone,
    refused boolean DEFAULT false NOT NULL,
    digest bytea DEFAULT '\x'::bytea NOT NULL,
    detail jsonb NOT NULL,
    times integer DEFAULT 1 NOT NULL,
    first_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    last_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    query_sent_at timestamp with time zone,
    xid bigint DEFAULT payout.current_xid() NOT NULL,
    actor text DEFAULT SESSION_USER NOT NULL,
    CONSTRAINT columns_fit_the_kind CHECK ((((signed IS NOT NULL) = (kind = 'found'::text)) AND ((bound IS NOT NULL) = (kind = 'callback'::text)) AND ((mismatch IS NOT NULL) = (bound IS FALSE)) AND ((doubt IS NOT NULL) = (kind = 'doubt'::text)) AND ((proves IS NOT NULL) = (kind = 'not_found'::text)) AND ((status IS NULL) OR (kind = ANY (ARRAY['acknowledged'::text, 'found'::text, 'callback'::text]))) AND ((valid_from IS NULL) OR (proves = ANY (ARRAY['refusal'::text, 'absence'::text]))))),
    CONSTRAINT doubt_is_known CHECK ((doubt = ANY (ARRAY['timeout'::text, 'connection_lost'::text, 'gateway_unsure'::text, 'http_status'::text, 'bad_signature'::text, 'unreadable'::text, 'foreign'::text, 'number_in_use'::text, 'unreachable'::text]))),
    CONSTRAINT proof_is_known CHECK ((proves = ANY (ARRAY['nothing'::text, 'refusal'::text, 'absence'::text, 'contradiction'::text]))),
    CONSTRAINT source_says_such_things CHECK (
CASE source
    WHEN 'submit'::text THEN (kind = ANY (ARRAY['not_sent'::text, 'acknowledged'::text, 'declined'::text, 'doubt'::text]))
    WHEN 'query'::text THEN (kind = ANY (ARRAY['found'::text, 'not_found'::text, 'doubt'::text]))
    WHEN 'callback'::text THEN (kind = 'callback'::text)
    WHEN 'worker'::text THEN (kind = 'lease_expired'::text)
    WHEN 'operator'::text THEN (kind = ANY (ARRAY['resolved_paid'::text, 'resolved_failed'::text, 'resolved_returned'::text]))
    ELSE false
END),
    CONSTRAINT status_is_known CHECK (((status >= 0) AND (status <= 5)))
);

CREATE TABLE payout.policy (
    not_found_valid_for interval NOT NULL,
    not_found_answers integer NOT NULL,
    proof_fresh_for interval NOT NULL,
    unsigned_second_read interval NOT NULL,
    request_expires_after interval NOT NULL,
    quiet_horizon_default interval NOT NULL,
    open_too_long interval NOT NULL,
    overtake_for interval NOT NULL,
    reserve_for interval NOT NULL,
    funding_counts_for interval NOT NULL,
    late_after interval NOT NULL,
    query_first_min interval NOT NULL,
    clock_tolerance interval NOT NULL,
    clock_unwatched_max interval NOT NULL,
    max_amount_idr bigint NOT NULL,
    plausible_fee_idr bigint NOT NULL,
    plausible_fee_percent integer NOT NULL,
    max_balance_idr bigint NOT NULL,
    only_row boolean DEFAULT true NOT NULL,
    CONSTRAINT only_one_row CHECK (only_row)
);

CREATE FUNCTION payout.is_repeated(e payout.evidence) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    RETURN ((((e).query_sent_at - (e).first_at) >= (SELECT x.unsigned_second_read FROM payout.policy x)) AND (NOT (EXISTS (SELECT FROM payout.evidence o WHERE (((o.merchant_code = (is_repeated.e).merchant_code) AND (o.order_num = (is_repeated.e).order_num)) AND (o.kind = ANY (ARRAY['found'::text, 'not_found'::text, 'callback'::text])) AND (CASE o.status WHEN 3 THEN 4 ELSE (o.status)::integer END IS DISTINCT FROM CASE (is_repeated.e).status WHEN 3 THEN 4 ELSE ((is_repeated.e).status)::integer END) AND (GREATEST(o.last_at, o.query_sent_at) >= (is_repeated.e).first_at))))));

CREATE FUNCTION payout.confirmed_paid_at(p payout.payouts) RETURNS timestamp with time zone
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    RETURN (SELECT max(e.last_at) AS max FROM payout.evidence e WHERE (((e.merchant_code = (confirmed_paid_at.p).merchant_code) AND (e.order_num = (confirmed_paid_at.p).order_num)) AND (e.status = 2) AND (((e.kind = 'callback'::text) AND e.bound) OR ((e.kind = 'found'::text) AND (e.signed OR payout.is_repeated(e.*)) AND (((confirmed_paid_at.p).declined_at IS NULL) OR (confirmed_paid_at.p).proven_ours) AND (NOT ((confirmed_paid_at.p).attention_reasons && '{amount_mismatch,foreign_order}'::text[]))))));

CREATE FUNCTION payout.continue_seq() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
declare
    here text := concat_ws('/', (select c.system_identifier from pg_control_system() c),
                           (select d.oid from pg_database d where d.datname = current_database()),
                           'payout.history'::regclass::oid);
begin
    if payout.is_numbered_ahead()
       or exists (select from payout.numbered_for n where n.server is distinct from here) then
        if payout.last_xid() >= payout.current_xid() then
            -- Nobody may be writing with the old base meanwhile.
            lock table payout.history, payout.attempts, payout.evidence, payout.ledger in share row exclusive mode;
            if payout.last_xid() >= payout.current_xid() then
                execute format('create or replace function payout.xid_base() returns bigint '
                               'language sql stable parallel safe return %s::bigint',
                               payout.xid_base() + payout.last_xid() - payout.oldest_xid() + 1);
            end if;
        end if;
        update payout.numbered_for n set server = here;
    end if;
    return payout.xid_base();
end $$;

CREATE FUNCTION payout.contradictions() RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '{late_success,contradiction,foreign_order,amount_mismatch}'::text[];

CREATE FUNCTION payout.contrary_answers(p payout.payouts, act text) RETURNS SETOF payout.evidence
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    BEGIN ATOMIC
 SELECT e.id,
     e.merchant_code,
     e.order_num,
     e.attempt,
     e.source,
     e.kind,
     e.status,
     e.signed,
     e.bound,
     e.mismatch,
     e.doubt,
     e.proves,
     e.valid_from,
     e.refused,
     e.digest,
     e.detail,
     e.times,
     e.first_at,
     e.last_at,
     e.query_sent_at,
     e.xid,
     e.actor
    FROM payout.evidence e
   WHERE (((e.merchant_code = (contrary_answers.p).merchant_code) AND (e.order_num = (contrary_answers.p).order_num)) AND (contrary_answers.act <> 'resolve_fee'::text) AND ((e.doubt = 'number_in_use'::text) OR
         CASE
             WHEN ((contrary_answers.act = 'resolve_paid'::text) OR ((contrary_answers.act = 'resolve_unchanged'::text) AND ((contrary_answers.p).state = 'paid'::text))) THEN ((e.kind = ANY (ARRAY['declined'::text, 'not_found'::text])) OR ((e.kind = ANY (ARRAY['found'::text, 'callback'::text])) AND (e.status = ANY (ARRAY[3, 4]))))
             ELSE ((e.kind = 'acknowledged'::text) OR ((e.kind = ANY (ARRAY['found'::text, 'callback'::text])) AND COALESCE((e.status <> ALL (ARRAY[3, 4])), true)))
         END));
END;

CREATE FUNCTION payout.named(wanted text, merchant text) RETURNS payout.payouts
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
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

CREATE FUNCTION payout.contrary_evidence(order_num text, outcome text, merchant_code text DEFAULT NULL::text) RETURNS TABLE(source text, kind text, status smallint, mismatch text, times integer, last_at timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    BEGIN ATOMIC
 SELECT e.source,
     COALESCE(e.doubt, e.kind) AS "coalesce",
     e.status,
     e.mismatch,
     e.times,
     e.last_at
    FROM payout.named(contrary_evidence.order_num, contrary_evidence.merchant_code) p(merchant_code, order_num, state, amount, fee_type, rules, bank_code, account_number, account_name, description, replaces, not_before, priority, metadata, created_at, created_by, state_since, last_seq, attempt, sends, not_sent, resubmits_granted, send_by, lease_until, held, fee, platform_order_num, called_back, failure_reason, attention_reasons, attention, attention_since, declined_at, proven_ours, reaffirmed_at, originals_queried_at, settled_at, queries, next_query_at, later_look, due_at, parked),
     LATERAL payout.contrary_answers(p.*, ('resolve_'::text || contrary_evidence.outcome)) e(id, merchant_code, order_num, attempt, source, kind, status, signed, bound, mismatch, doubt, proves, valid_from, refused, digest, detail, times, first_at, last_at, query_sent_at, xid, actor)
   ORDER BY e.last_at, e.id;
END;

CREATE FUNCTION payout.contrary_to_paid(p payout.payouts) RETURNS SETOF payout.evidence
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    BEGIN ATOMIC
 SELECT e.id,
     e.merchant_code,
     e.order_num,
     e.attempt,
     e.source,
     e.kind,
     e.status,
     e.signed,
     e.bound,
     e.mismatch,
     e.doubt,
     e.proves,
     e.valid_from,
     e.refused,
     e.digest,
     e.detail,
     e.times,
     e.first_at,
     e.last_at,
     e.query_sent_at,
     e.xid,
     e.actor
    FROM payout.evidence e
   WHERE (((e.merchant_code = (contrary_to_paid.p).merchant_code) AND (e.order_num = (contrary_to_paid.p).order_num)) AND ((e.kind = 'declined'::text) OR ((e.kind = ANY (ARRAY['found'::text, 'callback'::text])) AND (e.status = ANY (ARRAY[3, 4]))) OR ((e.kind = 'not_found'::text) AND (e.last_at > COALESCE(( SELECT max(k.last_at) AS max
            FROM payout.evidence k
           WHERE (((k.merchant_code = (contrary_to_paid.p).merchant_code) AND (k.order_num = (contrary_to_paid.p).order_num)) AND (k.kind = 'found'::text))), '-infinity'::timestamp with time zone)))) AND (e.last_at > COALESCE(payout.confirmed_paid_at(contrary_to_paid.p), '-infinity'::timestamp with time zone)));
END;

CREATE FUNCTION payout.daily_since(daily_from time without time zone, daily_to time without time zone, at timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE
    RETURN (SELECT CASE WHEN (NOT CASE WHEN (daily_since.daily_from < daily_since.daily_to) THEN (((w.wib)::time without time zone >= daily_since.daily_from) AND ((w.wib)::time without time zone < daily_since.daily_to)) ELSE (((w.wib)::time without time zone >= daily_since.daily_from) OR ((w.wib)::time without time zone < daily_since.daily_to)) END) THEN NULL::timestamp with time zone ELSE (((((w.wib)::date + daily_since.daily_from) - CASE WHEN ((w.wib)::time without time zone < daily_since.daily_from) THEN '1 day'::interval ELSE '00:00:00'::interval END) - '07:00:00'::interval) AT TIME ZONE 'UTC'::text) END AS timezone FROM (SELECT ((daily_since.at AT TIME ZONE 'UTC'::text) + '07:00:00'::interval) AS wib) w);

CREATE FUNCTION payout.debit_idr(amount numeric, fee_type smallint, fee bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE fee_type WHEN 0 THEN (amount)::bigint ELSE ((amount)::bigint + fee) END;

CREATE FUNCTION payout.end_receiving() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.enqueue(INOUT order_num text, amount numeric, fee_type bigint, bank_code numeric, account_number numeric, account_name text, merchant_code text DEFAULT NULL::text, replaces text DEFAULT NULL::text, description text DEFAULT NULL::text, not_before timestamp with time zone DEFAULT NULL::timestamp with time zone, priority bigint DEFAULT 0, metadata jsonb DEFAULT NULL::jsonb, OUT state text, OUT created boolean) RETURNS record
    LANGUAGE plpgsql
    AS $$ begin perform payout.refuse_unquoted(); end $$;

CREATE FUNCTION payout.enqueue(INOUT order_num text, amount numeric, fee_type bigint, bank_code numeric, account_number text, account_name text, merchant_code text DEFAULT NULL::text, replaces text DEFAULT NULL::text, description text DEFAULT NULL::text, not_before timestamp with time zone DEFAULT NULL::timestamp with time zone, priority bigint DEFAULT 0, metadata jsonb DEFAULT NULL::jsonb, OUT state text, OUT created boolean) RETURNS record
    LANGUAGE plpgsql
    AS $$ begin perform payout.refuse_unquoted(); end $$;

CREATE FUNCTION payout.enqueue(INOUT order_num text, amount numeric, fee_type bigint, bank_code text, account_number numeric, account_name text, merchant_code text DEFAULT NULL::text, replaces text DEFAULT NULL::text, description text DEFAULT NULL::text, not_before timestamp with time zone DEFAULT NULL::timestamp with time zone, priority bigint DEFAULT 0, metadata jsonb DEFAULT NULL::jsonb, OUT state text, OUT created boolean) RETURNS record
    LANGUAGE plpgsql
    AS $$ begin perform payout.refuse_unquoted(); end $$;

CREATE FUNCTION payout.enqueue(INOUT order_num text, amount numeric, fee_type bigint, bank_code text, account_number text, account_name text, merchant_code text DEFAULT NULL::text, replaces text DEFAULT NULL::text, description text DEFAULT NULL::text, not_before timestamp with time zone DEFAULT NULL::timestamp with time zone, priority bigint DEFAULT 0, metadata jsonb DEFAULT NULL::jsonb, OUT state text, OUT created boolean) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
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

CREATE TABLE payout.required_evidence (
    event text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    of_status boolean DEFAULT false NOT NULL,
    status smallint,
    certain boolean DEFAULT false NOT NULL,
    bound boolean,
    proves text,
    answers integer DEFAULT 1 NOT NULL
);

CREATE FUNCTION payout.evidence_for(wanted text, merchant text, order_num text, this_xid bigint) RETURNS SETOF payout.evidence
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT e.id,
     e.merchant_code,
     e.order_num,
     e.attempt,
     e.source,
     e.kind,
     e.status,
     e.signed,
     e.bound,
     e.mismatch,
     e.doubt,
     e.proves,
     e.valid_from,
     e.refused,
     e.digest,
     e.detail,
     e.times,
     e.first_at,
     e.last_at,
     e.query_sent_at,
     e.xid,
     e.actor
    FROM payout.evidence e,
     payout.required_evidence r,
     payout.policy x
   WHERE ((e.merchant_code = evidence_for.merchant) AND (e.order_num = evidence_for.order_num) AND (e.xid = evidence_for.this_xid) AND (NOT e.refused) AND (r.event = evidence_for.wanted) AND ((r.source = e.source) AND (r.kind = e.kind)) AND ((NOT r.of_status) OR (NOT (r.status IS DISTINCT FROM e.status))) AND ((NOT r.certain) OR e.signed OR ((e.query_sent_at - e.first_at) >= x.unsigned_second_read)) AND ((r.bound IS NULL) OR (r.bound = e.bound)) AND ((r.proves IS NULL) OR (r.proves = e.proves)) AND (e.times >= r.answers));
END;

CREATE FUNCTION payout.failed_elsewhere(merchant text, replaced text) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    return (select min(o.order_num)
            from payout.merchants m, payout.originals(m.code, replaced) o
            where m.code = merchant and not o.was_withdrawn and o.state_since < m.gateway_since);
end $$;

CREATE FUNCTION payout.finish_request(id bigint, merchant_code text, order_num text, why text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.forget_nothing() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    -- What is recorded names its author.
    perform payout.refuse_borrowed_session();
    perform payout.make_durable();
    return null;
end $$;

CREATE FUNCTION payout.fund(merchant_code text, amount numeric, reference text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.fund_from_gateway(merchant_code text, amount bigint, reference text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    if amount <= 0 or not exists (select from payout.merchants m
                                  where m.code = fund_from_gateway.merchant_code and m.funding = 'gateway') then
        raise exception 'the gateway''s balance does not fund merchant % by %', fund_from_gateway.merchant_code, amount
            using errcode = 'PW015', hint = 'Only a surplus, of a merchant whose funding is "gateway".';
    end if;
    perform payout.book_funding(fund_from_gateway.merchant_code, amount, fund_from_gateway.reference, 'gateway');
end $$;

CREATE FUNCTION payout.guard_accounts() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    if pg_trigger_depth() < 2 then
        raise exception 'payout.accounts follows the ledger: % is refused', lower(tg_op)
            using errcode = 'PW016', hint = 'Book an entry with payout.fund instead.';
    end if;
    return null;
end $$;

CREATE FUNCTION payout.guard_act() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    perform payout.refuse_old_snapshot();
    perform payout.refuse_borrowed_session();
    perform payout.make_durable();
    return null;
end $$;

CREATE FUNCTION payout.guard_addresses() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.guard_attempt() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.guard_changes() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_material TO 'off'
    SET enable_sort TO 'on'
    SET jit TO 'off'
    AS $$
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

CREATE FUNCTION payout.guard_claims() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_material TO 'off'
    SET enable_sort TO 'on'
    SET jit TO 'off'
    AS $$
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

CREATE FUNCTION payout.guard_evidence() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.guard_merchants() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.guard_removal() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.guard_request() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.guard_request_payout() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.has_fresh_proof(p payout.payouts, kind text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    RETURN (EXISTS (SELECT FROM payout.evidence e, payout.policy x WHERE (((e.merchant_code = (has_fresh_proof.p).merchant_code) AND (e.order_num = (has_fresh_proof.p).order_num) AND (e.attempt = (has_fresh_proof.p).attempt)) AND (e.source = 'query'::text) AND ((e.query_sent_at >= (clock_timestamp() - x.proof_fresh_for)) AND (e.query_sent_at <= clock_timestamp())) AND (((e.kind = 'not_found'::text) AND (e.proves = ANY (ARRAY['absence'::text, 'contradiction'::text])) AND (now() <= ((has_fresh_proof.p).send_by + x.not_found_valid_for))) OR ((has_fresh_proof.kind = 'resolve_failed'::text) AND (e.kind = 'not_found'::text) AND ((has_fresh_proof.p).state_since < (now() - x.open_too_long)) AND (NOT (EXISTS (SELECT FROM payout.contrary_answers(has_fresh_proof.p, 'resolve_failed'::text) o(id, merchant_code, order_num, attempt, source, kind, status, signed, bound, mismatch, doubt, proves, valid_from, refused, digest, detail, times, first_at, last_at, query_sent_at, xid, actor) WHERE ((o.bound IS NOT FALSE) AND (GREATEST(o.last_at, o.query_sent_at) > (now() - x.open_too_long))))))) OR ((has_fresh_proof.kind = 'resolve_failed'::text) AND (e.kind = 'found'::text) AND (e.status = ANY (ARRAY[3, 4])))))));

CREATE FUNCTION payout.hold_idr(amount numeric, fee_type smallint, fee_reserve bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((amount)::bigint + CASE fee_type WHEN 1 THEN fee_reserve ELSE (0)::bigint END);

CREATE FUNCTION payout.holds_back_claim(reasons text[]) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    return exists (select from payout.attention_reason r where r.holds_back_claim and r.name = any (reasons));
end $$;

CREATE FUNCTION payout.identity() RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    return concat_ws('/', (pg_control_system()).system_identifier,
                     left(pg_walfile_name(pg_current_wal_lsn()), 8),
                     split_part(pg_relation_filepath('payout.payouts'::regclass), '/', -2),
                     'payout.payouts'::regclass::oid);
end $$;

CREATE FUNCTION payout.insert_request(wanted payout.requests, payouts payout.payouts[]) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.next_seq() RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
declare
    first bigint := payout.current_xid() << 20;
    latest bigint;
begin
    select h.seq into latest
    from payout.history h
    where h.seq between first and first + 1048575
    order by h.seq desc limit 1;
    if latest = first + 1048575 then
        raise exception 'more than 1048575 payout events in one transaction'
            using errcode = 'PW018', hint = 'Split the work into several transactions.';
    elsif latest is null and payout.is_numbered_ahead() then
        raise exception 'the payout history is numbered ahead of this server, as after a restore'
            using errcode = 'PW040', hint = 'Start a worker, or call payout.continue_seq(), and run this again.';
    end if;
    return coalesce(latest, first) + 1;
end $$;

CREATE TABLE payout.history (
    seq bigint DEFAULT payout.next_seq() NOT NULL,
    merchant_code text NOT NULL COLLATE pg_catalog."C",
    order_num text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    event text NOT NULL COLLATE pg_catalog."C",
    from_state text COLLATE pg_catalog."C",
    to_state text COLLATE pg_catalog."C",
    source text NOT NULL,
    actor text DEFAULT SESSION_USER NOT NULL,
    attempt integer,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT a_move_has_both_ends CHECK (((from_state IS NULL) = (to_state IS NULL)))
);

CREATE FUNCTION payout.is_contradicted_since(p payout.payouts, act text, since timestamp with time zone) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    RETURN ((EXISTS (SELECT FROM payout.contrary_answers(is_contradicted_since.p, is_contradicted_since.act) e(id, merchant_code, order_num, attempt, source, kind, status, signed, bound, mismatch, doubt, proves, valid_from, refused, digest, detail, times, first_at, last_at, query_sent_at, xid, actor) WHERE ((e.first_at > is_contradicted_since.since) AND (e.bound IS NOT FALSE) AND ((is_contradicted_since.act <> 'resolve_returned'::text) OR COALESCE((e.status <> 2), true))))) OR ((act = 'resolve_returned'::text) AND (EXISTS (SELECT FROM payout.history h WHERE (((h.merchant_code = (is_contradicted_since.p).merchant_code) AND (h.order_num = (is_contradicted_since.p).order_num)) AND (h.event = 'statement_confirmed'::text) AND (h.at > is_contradicted_since.since))))));

CREATE FUNCTION payout.is_numbered_ahead() RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
begin
    return exists (
        select from payout.history h
        where h.seq >= greatest(payout.current_xid() + 1,
                                payout.xid_base() + pg_snapshot_xmax(pg_current_snapshot())::text::bigint) << 20);
end $$;

CREATE FUNCTION payout.is_plausible_fee(amount numeric, fee_type smallint, fee bigint, fee_reserve bigint) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    RETURN (((fee >= 0) AND ((fee)::numeric <= (SELECT GREATEST(div((is_plausible_fee.amount * (x.plausible_fee_percent)::numeric), (100)::numeric), (x.plausible_fee_idr)::numeric, (is_plausible_fee.fee_reserve)::numeric) AS "greatest" FROM payout.policy x))) AND ((fee_type = 1) OR ((fee)::numeric < amount)));

CREATE FUNCTION payout.trusted_after() RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    return greatest((select f.trusted_after from payout.failover f), (select c.trusted_after from payout.clock c));
end $$;

CREATE TABLE payout.failover (
    the_only_one boolean DEFAULT true NOT NULL,
    identity text NOT NULL,
    epoch integer DEFAULT 1 NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL,
    quiet_horizon interval NOT NULL,
    changed_at timestamp with time zone,
    changed_to text,
    lost_claims text[] DEFAULT '{}'::text[] NOT NULL,
    trusted_after timestamp with time zone,
    query_first_until timestamp with time zone,
    accepted_by text,
    reason text,
    CONSTRAINT a_change_has_its_horizon CHECK (((changed_at IS NULL) OR (trusted_after IS NOT NULL))),
    CONSTRAINT there_is_one CHECK (the_only_one)
);

CREATE FUNCTION payout.is_proven_unsent(p payout.payouts) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    RETURN ((EXISTS (SELECT FROM payout.failover f, payout.merchants m WHERE ((m.code = (is_proven_unsent.p).merchant_code) AND (NOT m.not_found_is_proof) AND (f.changed_at IS NULL) AND ((is_proven_unsent.p).created_at >= f.since)))) OR (EXISTS (SELECT FROM payout.evidence e WHERE (((e.merchant_code = (is_proven_unsent.p).merchant_code) AND (e.order_num = (is_proven_unsent.p).order_num) AND (e.attempt = (is_proven_unsent.p).attempt)) AND (e.source = 'query'::text) AND (e.kind = 'not_found'::text) AND (e.proves = 'absence'::text) AND (e.query_sent_at > payout.trusted_after())))));

CREATE FUNCTION payout.is_receiving() RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    return exists (select from payout.receiving r where r.approved_at is not null and r.ended_at is null);
end $$;

CREATE TABLE payout.workers (
    worker text NOT NULL COLLATE pg_catalog."C",
    version text NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone
);

CREATE FUNCTION payout.is_running(w payout.workers) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN (((w).ended_at IS NULL) AND ((w).seen_at > (now() - '00:00:30'::interval)));

CREATE FUNCTION payout.keep_order_num(merchant text, number text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
begin
    insert into payout.order_nums (merchant_code, lower_case, order_num) values (merchant, lower(number), number)
    on conflict do nothing;
    if found then
        return null;
    end if;
    return (select n.order_num from payout.order_nums n where n.merchant_code = merchant and n.lower_case = lower(number));
end $$;

CREATE FUNCTION payout.last_xid() RETURNS bigint
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    -- Evidence, and entries of funding, are stored without history too.
    return greatest((select max(h.seq) >> 20 from payout.history h), (select max(a.xid) from payout.attempts a),
                    (select max(e.xid) from payout.evidence e), (select max(l.xid) from payout.ledger l), 0);
end $$;

CREATE TABLE payout.act (
    act text NOT NULL COLLATE pg_catalog."C",
    applies_if text NOT NULL COLLATE pg_catalog."C",
    effect text NOT NULL COLLATE pg_catalog."C",
    in_words text NOT NULL,
    CONSTRAINT condition_is_known CHECK ((applies_if = ANY (ARRAY['always'::text, 'contradicted'::text, 'early'::text, 'unreported'::text, 'gateway_funds'::text, 'unproven'::text])))
);

CREATE FUNCTION payout.lock_addresses() RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    BEGIN ATOMIC
 SELECT
    FROM payout.act a
   WHERE (a.act = 'register_address'::text)
  FOR NO KEY UPDATE OF a;
END;

CREATE FUNCTION payout.locked(wanted text, merchant text) RETURNS payout.payouts
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
declare
    p payout.payouts := payout.named(wanted, merchant);
begin
    select * into p from payout.payouts q where (q.merchant_code, q.order_num) = (p.merchant_code, p.order_num) for no key update;
    return p;
end $$;

CREATE FUNCTION payout.longest_horizon() RETURNS interval
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    RETURN COALESCE((SELECT f.quiet_horizon FROM payout.failover f), (SELECT x.quiet_horizon_default FROM payout.policy x));

CREATE FUNCTION payout.make_durable() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    if current_setting('synchronous_commit') not in ('on', 'remote_apply') then
        perform set_config('synchronous_commit', 'on', true);
    end if;
end $$;

CREATE FUNCTION payout.make_request(kind text, orders text[], merchant text, reason text, evidence text, stated bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.masked_name(name text) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN (SELECT string_agg(("left"(word.word, 1) || '***'::text), ' '::text) AS string_agg FROM regexp_split_to_table(masked_name.name, '\s+'::text) word(word) WHERE (word.word <> ''::text));

CREATE FUNCTION payout.masked_number(digits text) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN ('****'::text || CASE WHEN (length(digits) > 6) THEN "right"(digits, 4) ELSE ''::text END);

CREATE FUNCTION payout.may_enqueue(merchant text) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.may_notify() RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    return coalesce(current_setting('payout.wake', true), '') <> 'off';
end $$;

CREATE FUNCTION payout.may_pay_again(merchant text, replaced text, inserted_at timestamp with time zone, OUT until timestamp with time zone, OUT why_not text) RETURNS record
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.merchant_of(given text, order_num text) RETURNS payout.merchants
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.merchants_seen() RETURNS text[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE TABLE payout.event (
    name text NOT NULL COLLATE pg_catalog."C",
    proven_by text NOT NULL,
    meaning text NOT NULL,
    CONSTRAINT proof_is_known CHECK ((proven_by = ANY (ARRAY['attempt'::text, 'history'::text, 'evidence'::text, 'request'::text])))
);

CREATE TABLE payout.transition (
    from_state text NOT NULL COLLATE pg_catalog."C",
    event text NOT NULL COLLATE pg_catalog."C",
    to_state text NOT NULL COLLATE pg_catalog."C",
    posting text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT posting_is_known CHECK ((posting = ANY (ARRAY['none'::text, 'hold'::text, 'capture'::text, 'release'::text, 'return'::text, 'late_capture'::text])))
);

CREATE FUNCTION payout.move_in_history(merchant text, order_num text, from_state text, to_state text, after_seq bigint, seq bigint, this_xid bigint) RETURNS TABLE(event text, posting text, proven_by text)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT t.event,
     t.posting,
     e.proven_by
    FROM ((payout.history h
      JOIN payout.transition t ON (((t.from_state = h.from_state) AND (t.event = h.event) AND (t.to_state = h.to_state))))
      JOIN payout.event e ON ((e.name = t.event)))
   WHERE ((h.seq = move_in_history.seq) AND (h.seq > COALESCE(move_in_history.after_seq, (0)::bigint)) AND ((h.seq >> 20) = move_in_history.this_xid) AND ((h.merchant_code = move_in_history.merchant) AND (h.order_num = move_in_history.order_num)) AND ((h.from_state = move_in_history.from_state) AND (h.to_state = move_in_history.to_state)));
END;

CREATE FUNCTION payout.must_query_first() RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    return exists (select from payout.failover f where f.changed_at is not null or f.query_first_until > now());
end $$;

CREATE FUNCTION payout.not_queried_yet() RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    RETURN (SELECT count(*) AS count FROM payout.payouts p WHERE ((p.state = 'queued'::text) AND ((p.attention IS NULL) OR (NOT payout.holds_back_claim(p.attention_reasons))) AND (p.created_at < payout.trusted_after()) AND (NOT payout.is_proven_unsent(p.*))));

CREATE FUNCTION payout.note_clock_jump(by interval, compared_ago interval) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.note_failover(why text, lost text DEFAULT NULL::text, seen_epoch integer DEFAULT 0) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    update payout.failover f
    set changed_at = now(), trusted_after = clock_timestamp() + f.quiet_horizon, query_first_until = null,
        changed_to = payout.identity(), reason = note_failover.why, epoch = greatest(f.epoch, seen_epoch),
        lost_claims = f.lost_claims || array_remove(array[lost], null)
    where f.changed_at is null or f.changed_to is distinct from payout.identity() or lost <> all (f.lost_claims);
    return found;
end $$;

CREATE FUNCTION payout.notification_queue_usage() RETURNS double precision
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    return pg_notification_queue_usage();
end $$;

CREATE FUNCTION payout.oldest_xid() RETURNS bigint
    LANGUAGE sql STABLE
    RETURN (payout.xid_base() + ((pg_snapshot_xmin(pg_current_snapshot()))::text)::bigint);

CREATE FUNCTION payout.open_against_newer_rules() RETURNS TABLE(merchant_code text, order_num text, state text, rule text)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.original_in_doubt(merchant text, replaced text, OUT order_num text, OUT what text) RETURNS record
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    select o.order_num, concat_ws(' with attention ', o.state, nullif(array_to_string(o.attention_reasons, ', '), ''))
    into original_in_doubt.order_num, original_in_doubt.what
    from payout.originals(merchant, replaced) o
    where not (o.state = 'failed' or o.was_withdrawn) or o.attention_reasons <> '{}'
    order by o.order_num limit 1;
end $$;

CREATE FUNCTION payout.originals(merchant text, replaced text) RETURNS TABLE(order_num text, was_withdrawn boolean, state text, state_since timestamp with time zone, attention_reasons text[], reaffirmed_at timestamp with time zone)
    LANGUAGE plpgsql STABLE ROWS 2
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
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

CREATE TABLE payout.attempts (
    merchant_code text NOT NULL COLLATE pg_catalog."C",
    order_num text NOT NULL COLLATE pg_catalog."C",
    attempt integer NOT NULL,
    claimed_at timestamp with time zone DEFAULT now() NOT NULL,
    send_by timestamp with time zone NOT NULL,
    lease_until timestamp with time zone NOT NULL,
    quiet_until timestamp with time zone,
    worker text NOT NULL,
    address text,
    request_sha256 bytea NOT NULL,
    gateway bytea,
    outcome text,
    outcome_doubt text,
    outcome_at timestamp with time zone,
    xid bigint DEFAULT payout.current_xid() NOT NULL,
    CONSTRAINT request_sha256_is_a_sha256 CHECK ((length(request_sha256) = 32))
);

CREATE FUNCTION payout.other_address(merchant text, order_num text, attempt integer) RETURNS TABLE(address text)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT COALESCE(a.address, 'it stated none'::text) AS "coalesce"
    FROM payout.attempts a
   WHERE (((a.merchant_code = other_address.merchant) AND (a.order_num = other_address.order_num) AND (a.attempt = other_address.attempt)) AND (NOT (EXISTS ( SELECT
            FROM payout.addresses d
           WHERE ((d.address = a.address) AND (d.removed_at IS NULL))))));
END;

CREATE FUNCTION payout.pause(scope text, value text, reason text, daily text DEFAULT NULL::text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $_$
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
end $_$;

CREATE FUNCTION payout.quiet_until(p payout.payouts) RETURNS timestamp with time zone
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    RETURN GREATEST(payout.trusted_after(), COALESCE((SELECT COALESCE(a.quiet_until, (a.send_by + x.quiet_horizon_default)) AS "coalesce" FROM payout.attempts a, payout.policy x WHERE ((a.merchant_code = (quiet_until.p).merchant_code) AND (a.order_num = (quiet_until.p).order_num) AND (a.attempt = (quiet_until.p).attempt))), ((p).state_since + (SELECT x.quiet_horizon_default FROM payout.policy x))));

CREATE FUNCTION payout.rests_on_statement(p payout.payouts) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.return_is_reported(p payout.payouts) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    RETURN ((NOT payout.rests_on_statement(p)) AND (EXISTS (SELECT FROM payout.evidence e WHERE (((e.merchant_code = (return_is_reported.p).merchant_code) AND (e.order_num = (return_is_reported.p).order_num)) AND (e.source = 'query'::text) AND (e.kind = 'found'::text) AND (e.status = ANY (ARRAY[3, 4])) AND (e.signed OR payout.is_repeated(e.*)) AND (((return_is_reported.p).declined_at IS NULL) OR (return_is_reported.p).proven_ours) AND (NOT ((return_is_reported.p).attention_reasons && '{amount_mismatch,foreign_order}'::text[])) AND (NOT (EXISTS (SELECT FROM payout.evidence o WHERE (((o.merchant_code = e.merchant_code) AND (o.order_num = e.order_num)) AND (o.kind = ANY (ARRAY['found'::text, 'not_found'::text, 'callback'::text])) AND COALESCE((o.status <> ALL (ARRAY[3, 4])), true) AND (GREATEST(o.last_at, o.query_sent_at) >= e.query_sent_at)))))))));

CREATE TABLE payout.effect (
    name text NOT NULL COLLATE pg_catalog."C",
    people integer NOT NULL,
    meaning text NOT NULL,
    CONSTRAINT one_or_two_people CHECK ((people = ANY (ARRAY[1, 2])))
);

CREATE FUNCTION payout.people_needed(act text, p payout.payouts DEFAULT NULL::payout.payouts, merchant_code text DEFAULT NULL::text) RETURNS integer
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    RETURN COALESCE((SELECT max(e.people) AS max FROM (payout.act a JOIN payout.effect e ON ((e.name = a.effect))) WHERE ((a.act = people_needed.act) AND CASE a.applies_if WHEN 'always'::text THEN true WHEN 'contradicted'::text THEN ((EXISTS (SELECT FROM payout.contrary_to_paid(people_needed.p) contrary_to_paid(id, merchant_code, order_num, attempt, source, kind, status, signed, bound, mismatch, doubt, proves, valid_from, refused, digest, detail, times, first_at, last_at, query_sent_at, xid, actor))) OR COALESCE(((people_needed.p).attention_reasons && '{amount_mismatch,foreign_order,contradiction}'::text[]), false)) WHEN 'early'::text THEN COALESCE((now() < payout.quiet_until(people_needed.p)), true) WHEN 'unreported'::text THEN COALESCE((NOT payout.return_is_reported(people_needed.p)), true) WHEN 'gateway_funds'::text THEN COALESCE((SELECT (m.funding <> 'books'::text) FROM payout.merchants m WHERE (m.code = people_needed.merchant_code)), true) WHEN 'unproven'::text THEN COALESCE(('unproven'::text = ANY ((people_needed.p).attention_reasons)), false) ELSE NULL::boolean END)), 2);

CREATE TABLE payout.request_payouts (
    request_id bigint NOT NULL,
    merchant_code text NOT NULL COLLATE pg_catalog."C",
    order_num text NOT NULL COLLATE pg_catalog."C",
    taken_at timestamp with time zone,
    outcome text,
    outcome_at timestamp with time zone,
    detail text,
    CONSTRAINT outcome_has_a_time CHECK (((outcome IS NULL) = (outcome_at IS NULL))),
    CONSTRAINT outcome_is_known CHECK ((outcome = ANY (ARRAY['done'::text, 'refused'::text])))
);

CREATE FUNCTION payout.people_needed_for(r payout.requests) RETURNS integer
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    RETURN GREATEST((r).people, (SELECT max(payout.people_needed((people_needed_for.r).kind, p.*)) AS max FROM (payout.request_payouts i JOIN payout.payouts p USING (merchant_code, order_num)) WHERE ((i.request_id = (people_needed_for.r).id) AND (i.outcome IS NULL))), CASE WHEN (NOT (EXISTS (SELECT FROM payout.request_payouts i WHERE (i.request_id = (people_needed_for.r).id)))) THEN payout.people_needed((r).kind, NULL::payout.payouts, (r).merchant_code) ELSE NULL::integer END);

CREATE FUNCTION payout.plain_words(words text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.post() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.query_originals(merchant text, replaced text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
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

CREATE FUNCTION payout.refuse(order_num text, refusal text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    raise exception 'payout %', order_num || refusal[2] using errcode = refusal[1], hint = refusal[3];
end $$;

CREATE FUNCTION payout.refuse_borrowed_session() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    unlisten payout_own_session;
exception when insufficient_privilege then
    raise exception 'nobody acts or reads in the session of another: this runs inside ANALYZE, VACUUM, CREATE INDEX, REINDEX, CLUSTER or REFRESH MATERIALIZED VIEW'
        using errcode = 'PW033',
              hint = 'Run it as a statement of your own; take it out of the index, the statistics or the materialized view.';
end $$;

CREATE FUNCTION payout.refuse_cancel_after_failover(p payout.payouts) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    raise exception 'payout.% is append-only: % is refused', tg_table_name, lower(tg_op)
        using errcode = 'PW016', hint = 'Correct with a new entry, never by changing an old one.';
end $$;

CREATE FUNCTION payout.refuse_late_approval() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    if exists (select from payout.requests r where r.id = new.id and r.expires_at < clock_timestamp()) then
        raise exception 'request % expired before its approval was committed', new.id
            using errcode = 'PW022', hint = 'Make a new request, and commit its approval at once.';
    end if;
    return null;
end $$;

CREATE FUNCTION payout.refuse_missing(order_num text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    raise exception 'there is no payout %', left(order_num, 32)
        using errcode = 'PW014', hint = 'Search for it: select order_num, merchant_code, state from payout.status.';
end $$;

CREATE FUNCTION payout.refuse_new_instruction() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    raise exception 'payout %: the instruction is frozen after insert', old.order_num
        using errcode = 'PW011', hint = 'Cancel it while it is queued and insert a new order_num.';
end $$;

CREATE FUNCTION payout.refuse_old_snapshot() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        raise exception 'an act is refused at the isolation level %: it does not see what others have committed since its transaction began',
            current_setting('transaction_isolation')
            using errcode = 'PW034', hint = 'Call it in a transaction of its own: begin isolation level read committed.';
    end if;
end $$;

CREATE FUNCTION payout.refuse_replicated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    if current_setting('session_replication_role') = 'replica'
       and (tg_relid = 'payout.receiving'::regclass or not payout.is_receiving()) then
        raise exception 'payout.%: % by replication is refused, because no rule is checked there', tg_table_name, lower(tg_op)
            using errcode = 'PW061', hint = 'For a planned move to this database, two people mark it as receiving: '
            'payout.request_receiving(reason), then payout.approve_receiving().';
    end if;
    return case when tg_op = 'DELETE' then old else new end;
end $$;

CREATE FUNCTION payout.refuse_second_request(what text, other bigint) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    if other is not null then
        raise exception '% is already waiting in request %', what, other using errcode = 'PW023',
            hint = format('Approve that one, or reject it first: payout reject %s --reason ...', other);
    end if;
end $$;

CREATE FUNCTION payout.refuse_unquoted() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    raise exception 'bank_code and account_number must be quoted text, not numbers'
        using errcode = 'PW005', hint = 'Quote them to keep leading zeros: bank_code => ''014'', account_number => ''0012345678''.';
end $$;

CREATE FUNCTION payout.reject(id bigint, reason text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.remove_address(r payout.requests) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    update payout.addresses a
    set removed_at = r.decided_at, removed_by = r.requested_by, removal_approved_by = r.decided_by
    where a.address = r.subject and a.removed_at is null;
    if not found then
        raise exception 'address % was removed meanwhile', r.subject using errcode = 'PW050',
            hint = format('Reject this request: payout reject %s --reason ...', r.id);
    end if;
end $$;

CREATE FUNCTION payout.repeats_beneficiary(p payout.payouts, words text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE STRICT
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.replay(order_num text, merchant_code text DEFAULT NULL::text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
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

CREATE FUNCTION payout.request_act(kind text, merchant text, subject text, stated bigint, arguments jsonb, reason text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.request_address(address text, reason text) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    RETURN payout.request_act('register_address'::text, NULL::text, address, NULL::bigint, NULL::jsonb, reason);

CREATE FUNCTION payout.request_address_removal(address text, reason text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
declare
    why text := payout.why_not_removed(address);
begin
    if why is not null then
        raise exception '%', why using errcode = 'PW050', hint = 'See payout.addresses. First: payout address add ADDRESS.';
    end if;
    return payout.request_act('remove_address', null, address, null, null, reason);
end $$;

CREATE FUNCTION payout.request_cancel(order_num text, reason text, merchant_code text DEFAULT NULL::text) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    RETURN payout.make_request('cancel'::text, ARRAY[order_num], merchant_code, reason, NULL::text, NULL::bigint);

CREATE FUNCTION payout.request_fund(merchant_code text, amount numeric, reference text, reason text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    if (payout.check_funding(request_fund.merchant_code, amount, request_fund.reference)).id is not null then
        raise exception 'reference % is already booked', request_fund.reference using errcode = 'PW015',
            hint = 'A reference is booked once. Use the reference of this transfer.';
    end if;
    return payout.request_act('fund', request_fund.merchant_code, request_fund.reference, amount::bigint, null, reason);
end $$;

CREATE FUNCTION payout.request_receiving(reason text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.request_resolve_failed(order_num text, evidence text, reason text, merchant_code text DEFAULT NULL::text, confirm text DEFAULT NULL::text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
declare
    p payout.payouts := payout.locked(request_resolve_failed.order_num, request_resolve_failed.merchant_code);
begin
    perform payout.check_confirmed(p, 'resolve_failed', confirm);
    return payout.make_request('resolve_failed', array[p.order_num], p.merchant_code, reason, evidence, null);
end $$;

CREATE FUNCTION payout.request_resubmit(order_nums text[], reason text, merchant_code text DEFAULT NULL::text) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    RETURN payout.make_request('resubmit'::text, order_nums, merchant_code, reason, NULL::text, NULL::bigint);

CREATE FUNCTION payout.request_reveal(order_num text, reason text, merchant_code text DEFAULT NULL::text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
declare
    p payout.payouts := payout.locked(request_reveal.order_num, request_reveal.merchant_code);
begin
    perform payout.check_words('a reason', reason);
    perform payout.check_beneficiary(p, 'the reason', reason);
    return payout.request_act('reveal', p.merchant_code, p.order_num, null, null, reason);
end $$;

CREATE FUNCTION payout.reservation(merchant text, OUT order_num text, OUT hold bigint, OUT until timestamp with time zone) RETURNS record
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_sort TO 'on'
    SET jit TO 'off'
    AS $$
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

CREATE FUNCTION payout.resolve(order_num text, outcome text, evidence text, reason text, merchant_code text DEFAULT NULL::text, stated bigint DEFAULT NULL::bigint, confirm text DEFAULT NULL::text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.resubmit_proof(order_num text, merchant_code text DEFAULT NULL::text, OUT quiet_until timestamp with time zone, OUT not_found integer, OUT first_at timestamp with time zone, OUT last_at timestamp with time zone, OUT refusal text) RETURNS record
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.resubmit_turn(request_id bigint, merchant text, OUT known text, OUT awaited text, OUT only_one text) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.resume(scope text, value text, reason text, daily boolean DEFAULT false) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.reveal(order_num text, merchant_code text DEFAULT NULL::text, OUT account_number text, OUT account_name text) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.rules_version() RETURNS smallint
    LANGUAGE sql IMMUTABLE
    RETURN (1)::smallint;

CREATE FUNCTION payout.same_instruction(a payout.payouts, b payout.payouts) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN ((NOT (((((((a).amount IS DISTINCT FROM (b).amount) OR ((a).fee_type IS DISTINCT FROM (b).fee_type)) OR ((a).bank_code IS DISTINCT FROM (b).bank_code)) OR ((a).account_number IS DISTINCT FROM (b).account_number)) OR ((a).account_name IS DISTINCT FROM (b).account_name)) OR ((a).priority IS DISTINCT FROM (b).priority))) AND (NOT ((a).description IS DISTINCT FROM (b).description)) AND (NOT ((a).replaces IS DISTINCT FROM (b).replaces)) AND (NOT ((a).not_before IS DISTINCT FROM (b).not_before)) AND (NOT (NULLIF((a).metadata, 'null'::jsonb) IS DISTINCT FROM NULLIF((b).metadata, 'null'::jsonb))));

CREATE FUNCTION payout.schedule_originals(merchant text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_sort TO 'off'
    SET jit TO 'off'
    AS $$
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

CREATE TABLE payout.attention_reason (
    name text NOT NULL COLLATE pg_catalog."C",
    rank integer NOT NULL,
    cleared_by text NOT NULL,
    holds_back_claim boolean NOT NULL,
    answered_by text[] NOT NULL,
    meaning text NOT NULL,
    CONSTRAINT cleared_by_is_known CHECK ((cleared_by = ANY (ARRAY['automation'::text, 'person'::text])))
);

CREATE TABLE payout.pause_rules (
    scope text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL,
    actor text DEFAULT SESSION_USER NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL,
    daily_from time without time zone,
    daily_to time without time zone,
    is_daily boolean GENERATED ALWAYS AS ((daily_from IS NOT NULL)) STORED NOT NULL,
    CONSTRAINT all_has_no_value CHECK (((scope = 'all'::text) = (value = ''::text))),
    CONSTRAINT daily_times_differ CHECK ((((daily_from IS NULL) = (daily_to IS NULL)) AND (daily_from <> daily_to))),
    CONSTRAINT scope_is_known CHECK ((scope = ANY (ARRAY['all'::text, 'merchant'::text, 'bank'::text])))
);

CREATE VIEW payout.pauses AS
 SELECT r.scope,
    r.value,
    r.reason,
    r.actor,
        CASE
            WHEN (r.daily_from IS NULL) THEN r.since
            ELSE GREATEST(r.since, payout.daily_since(r.daily_from, r.daily_to, now()))
        END AS since,
    r.is_daily
   FROM payout.pause_rules r
  WHERE ((r.daily_from IS NULL) OR (payout.daily_since(r.daily_from, r.daily_to, now()) IS NOT NULL));

CREATE TABLE payout.worker_claims (
    worker text NOT NULL COLLATE pg_catalog."C",
    merchant_code text NOT NULL COLLATE pg_catalog."C",
    slots integer NOT NULL,
    in_flight integer NOT NULL,
    stopped_by text,
    detail text DEFAULT ''::text NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL
);

CREATE VIEW payout.claims AS
 SELECT m.code AS merchant_code,
    running.workers,
    running.slots,
    running.in_flight,
    why.stopped_by,
    why.since,
    why.detail
   FROM ((payout.merchants m
     CROSS JOIN LATERAL ( SELECT (count(*))::integer AS workers,
            (COALESCE(sum(c.slots), (0)::bigint))::integer AS slots,
            (COALESCE(sum(c.in_flight), (0)::bigint))::integer AS in_flight,
            bool_or((c.stopped_by IS NULL)) AS is_claiming
           FROM (payout.workers w
             JOIN payout.worker_claims c ON ((c.worker = w.worker)))
          WHERE ((c.merchant_code = m.code) AND payout.is_running(w.*))) running)
     LEFT JOIN LATERAL ( SELECT s.stopped_by,
            s.since,
            s.detail
           FROM ( SELECT 0 AS place,
                    'read_only'::text AS stopped_by,
                    NULL::timestamp with time zone AS since,
                    ''::text AS detail
                  WHERE pg_is_in_recovery()
                UNION ALL
                 SELECT 1,
                    'failover'::text,
                    f.changed_at,
                    ''::text
                   FROM payout.failover f
                  WHERE (f.changed_at IS NOT NULL)
                UNION ALL
                 SELECT 2,
                    'paused'::text,
                    z.since,
                    concat_ws(': '::text, z.actor, z.reason) AS concat_ws
                   FROM payout.pauses z
                  WHERE (((z.scope = 'all'::text) AND (z.value = ''::text)) OR ((z.scope = 'merchant'::text) AND (z.value = m.code)))
                UNION ALL
                 SELECT 3,
                    'no_worker'::text,
                    ( SELECT max(w.seen_at) AS max
                           FROM (payout.workers w
                             JOIN payout.worker_claims c ON ((c.worker = w.worker)))
                          WHERE (c.merchant_code = m.code)) AS max,
                    ''::text
                  WHERE (running.workers = 0)
                UNION ALL
                 SELECT 4,
                    c.stopped_by,
                    c.since,
                    c.detail
                   FROM (payout.workers w
                     JOIN payout.worker_claims c ON ((c.worker = w.worker)))
                  WHERE ((c.merchant_code = m.code) AND payout.is_running(w.*) AND (NOT running.is_claiming))) s
          ORDER BY s.place, s.since
         LIMIT 1) why ON (true));

CREATE FUNCTION payout.standstill() RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    BEGIN ATOMIC
 SELECT jsonb_build_object('claims', COALESCE(( SELECT jsonb_object_agg(c.merchant_code, c.stopped_by) AS jsonb_object_agg
            FROM payout.claims c
           WHERE (c.merchant_code = ANY (( SELECT payout.merchants_seen() AS merchants_seen)::text[]))), '{}'::jsonb), 'banks', COALESCE(( SELECT jsonb_agg(z.value) AS jsonb_agg
            FROM payout.pauses z
           WHERE (z.scope = 'bank'::text)), '[]'::jsonb), 'holds_back', COALESCE(( SELECT jsonb_agg(r.name) AS jsonb_agg
            FROM payout.attention_reason r
           WHERE r.holds_back_claim), '[]'::jsonb)) AS jsonb_build_object;
END;

CREATE FUNCTION payout.state_fee(p payout.payouts, r payout.requests) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.two_have_approved(p payout.payouts, act text) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    return exists (
        select from payout.request_payouts i join payout.requests r on r.id = i.request_id
        where (i.merchant_code, i.order_num) = (p.merchant_code, p.order_num) and i.outcome is null
          and r.kind = act and r.decision = 'approved' and r.decided_at >= now() and r.people > 1);
end $$;

CREATE FUNCTION payout.uphold(p payout.payouts, r payout.requests) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    insert into payout.history (merchant_code, order_num, event, source, attempt, detail)
    values (p.merchant_code, p.order_num, 'upheld', 'operator', p.attempt,
            payout.as_detail(r) || jsonb_build_object('attention', array_to_string(p.attention_reasons, ' ')));
    update payout.payouts q
    set attention_reasons = array(select a from unnest(q.attention_reasons) a where a <> all (payout.contradictions()))
    where (q.merchant_code, q.order_num) = (p.merchant_code, p.order_num);
end $$;

CREATE FUNCTION payout.use_request(p payout.payouts, event text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.waits_for(p payout.payouts, standstill jsonb) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.waits_for_originals(p payout.payouts) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    return p.merchant_code = any (payout.merchants_seen())
           and (payout.may_pay_again(p.merchant_code, p.replaces, p.created_at)).why_not is not null;
end $$;

CREATE FUNCTION payout.wake(channel text, payload text DEFAULT ''::text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    if payout.may_notify() and payout.notification_queue_usage() < 0.5 then
        perform pg_notify(channel, payload);
    end if;
end $$;

CREATE FUNCTION payout.whole_pages_by() RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
begin
    return (select format('%s: %s', w.actor, w.reason) from payout.whole_pages w, payout.failover f
            where (w.identity, w.epoch) = (f.identity, f.epoch) and f.identity = payout.identity());
end $$;

CREATE FUNCTION payout.why_no_move(merchant text, order_num text, attempt integer, to_state text, steps integer[], event text, proven_by text, this_xid bigint) RETURNS TABLE(refusal text[])
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT
         CASE
             WHEN (steps <> ARRAY[(((to_state = 'submitting'::text) OR (event = 'found_after_failover'::text)))::integer, ((to_state = 'submitting'::text))::integer, ((event = 'not_sent'::text))::integer, ((event = 'resubmit_granted'::text))::integer]) THEN ARRAY['PW012'::text, format(': %s does not change the counts of sends and attempts this way'::text, event), 'A claim and a resubmit add one attempt and one send; other moves add neither.'::text]
             WHEN ((to_state = 'submitting'::text) AND (NOT (EXISTS ( SELECT
                FROM payout.attempts a
               WHERE (((a.merchant_code = why_no_move.merchant) AND (a.order_num = why_no_move.order_num) AND (a.attempt = why_no_move.attempt)) AND (a.xid = why_no_move.this_xid)))))) THEN ARRAY['PW012'::text, format(': %s needs a new attempt in the same transaction'::text, event), 'Insert the attempt first.'::text]
             WHEN (((proven_by = 'evidence'::text) OR ((proven_by = 'request'::text) AND (to_state <> 'submitting'::text))) AND (NOT (EXISTS ( SELECT
                FROM payout.evidence_for(why_no_move.event, why_no_move.merchant, why_no_move.order_num, why_no_move.this_xid) evidence_for(id, merchant_code, order_num, attempt, source, kind, status, signed, bound, mismatch, doubt, proves, valid_from, refused, digest, detail, times, first_at, last_at, query_sent_at, xid, actor))))) THEN ARRAY['PW012'::text, format(': %s needs the evidence for it in the same transaction'::text, event), 'See which evidence: select * from payout.required_evidence.'::text]
             WHEN ((event = 'not_sent'::text) AND (NOT (EXISTS ( SELECT
                FROM payout.attempts a
               WHERE (((a.merchant_code = why_no_move.merchant) AND (a.order_num = why_no_move.order_num) AND (a.attempt = why_no_move.attempt)) AND (a.outcome = 'not_sent'::text)))))) THEN ARRAY['PW012'::text, ': its attempt is not proven unsent'::text, 'Set the outcome of its attempt first.'::text]
             ELSE NULL::text[]
         END AS "case";
END;

CREATE FUNCTION payout.why_no_change(merchant text, order_num text, attempt integer, from_state text, to_state text, held_is_in_ledger boolean, steps integer[], changes_seq boolean, booked text, event text, posting text, proven_by text, this_xid bigint) RETURNS TABLE(refusal text[])
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT
         CASE
             WHEN ((order_num IS NULL) OR (from_state IS NULL)) THEN ARRAY['PW011'::text, ': the instruction is frozen after insert'::text, 'Insert a new order_num.'::text]
             WHEN (NOT held_is_in_ledger) THEN ARRAY['PW012'::text, ': the held amount changes only with a ledger entry'::text, 'Book the entry in the same transaction.'::text]
             WHEN (to_state = from_state) THEN
             CASE
                 WHEN ((steps <> '{0,0,0,0}'::integer[]) OR changes_seq) THEN ARRAY['PW012'::text, ': only a move changes the counts of sends and attempts'::text, 'See payout.transition.'::text]
                 ELSE NULL::text[]
             END
             WHEN (event IS NULL) THEN ARRAY['PW012'::text, format(': %s cannot become %s without a move in its history'::text, from_state, to_state), 'A state changes only along payout.transition, with its history row in the same transaction.'::text]
             WHEN (COALESCE(booked, 'none'::text) <> posting) THEN ARRAY['PW012'::text, format(': %s needs the ledger entry "%s" in the same transaction'::text, event, posting), 'See which entry: select * from payout.transition.'::text]
             ELSE ( SELECT m.refusal
                FROM payout.why_no_move(why_no_change.merchant, why_no_change.order_num, why_no_change.attempt, why_no_change.to_state, why_no_change.steps, why_no_change.event, why_no_change.proven_by, why_no_change.this_xid) m(refusal))
         END AS refusal;
END;

CREATE FUNCTION payout.why_no_resolve(p payout.payouts, kind text) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.why_no_resubmit(p payout.payouts) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.why_no_send(p payout.payouts, merchant text, order_num text, attempt integer) RETURNS TABLE(why text)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT
         CASE
             WHEN (((p).state = 'queued'::text) AND ( SELECT payout.must_query_first() AS must_query_first) AND (NOT payout.is_proven_unsent(p))) THEN 'after a failover it may have been sent, so its status is queried first'::text
             WHEN (EXISTS ( SELECT
                FROM payout.pauses z
               WHERE ((((z.scope = 'all'::text) AND (z.value = ''::text)) OR ((z.scope = 'merchant'::text) AND (z.value = why_no_send.merchant))) OR ((z.scope = 'bank'::text) AND (z.value = (why_no_send.p).bank_code))))) THEN 'an operator paused it'::text
             WHEN ((p).not_before > now()) THEN 'it may not be sent before its not_before'::text
             WHEN (((p).state = 'queued'::text) AND ((p).attention IS NOT NULL) AND payout.holds_back_claim((p).attention_reasons)) THEN format('it needs a person (attention: %s)'::text, array_to_string((p).attention_reasons, ', '::text))
             WHEN (NOT (EXISTS ( SELECT
                FROM (payout.attempts a
                  JOIN payout.merchants m ON (((m.code = a.merchant_code) AND (m.gateway = a.gateway))))
               WHERE ((a.merchant_code = why_no_send.merchant) AND (a.order_num = why_no_send.order_num) AND (a.attempt = why_no_send.attempt))))) THEN 'the worker is configured for another gateway, dialect or platform key than the registered one'::text
             WHEN ((p).replaces IS NOT NULL) THEN ( SELECT m.why_not
                FROM payout.may_pay_again(why_no_send.merchant, (why_no_send.p).replaces, (why_no_send.p).created_at) m(until, why_not))
             ELSE NULL::text
         END AS "case";
END;

CREATE FUNCTION payout.why_no_sends() RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.why_not_its_turn(p payout.payouts, request_id bigint) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.why_not_removed(address text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.wib_day(at timestamp with time zone) RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((at AT TIME ZONE '07:00:00'::interval))::date;

CREATE FUNCTION payout.with_attention(old payout.payouts, new payout.payouts, event text) RETURNS payout.payouts
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.with_worker_columns(p payout.payouts) RETURNS payout.payouts
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    AS $$
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

CREATE FUNCTION payout.withdraw(p payout.payouts, reason text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'payout', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
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

CREATE TABLE payout.accounts (
    merchant_code text NOT NULL COLLATE pg_catalog."C",
    available bigint DEFAULT 0 NOT NULL,
    held bigint DEFAULT 0 NOT NULL,
    paid_out bigint DEFAULT 0 NOT NULL,
    fees bigint DEFAULT 0 NOT NULL,
    funding bigint DEFAULT 0 NOT NULL,
    spent bigint DEFAULT 0 NOT NULL,
    regained bigint DEFAULT 0 NOT NULL,
    CONSTRAINT accounts_sum_to_zero CHECK ((((((available + held) + paid_out) + fees) + funding) = 0)),
    CONSTRAINT held_is_not_negative CHECK ((held >= 0))
);

CREATE VIEW payout.all_events AS
 SELECT h.seq,
    h.merchant_code,
    h.order_num,
    h.at,
    h.event,
    h.from_state,
    h.to_state,
    h.source,
    h.detail
   FROM payout.history h
  WHERE (h.seq < ((payout.xid_base() + ((pg_snapshot_xmin(pg_current_snapshot()))::text)::bigint) << 20));

CREATE VIEW payout.all_status AS
 SELECT p.order_num,
    p.merchant_code,
    p.bank_code,
    (p.amount)::bigint AS amount,
    p.fee_type,
    p.state,
    p.state_since,
    p.created_at,
        CASE
            WHEN (p.state = ANY (ARRAY['paid'::text, 'returned'::text])) THEN p.fee
            ELSE NULL::bigint
        END AS fee,
        CASE
            WHEN (p.state = ANY (ARRAY['failed'::text, 'cancelled'::text])) THEN (0)::bigint
            ELSE payout.debit_idr(p.amount, p.fee_type, p.fee)
        END AS debit_total,
        CASE
            WHEN (p.state = ANY (ARRAY['failed'::text, 'cancelled'::text])) THEN (0)::bigint
            ELSE payout.beneficiary_idr(p.amount, p.fee_type, p.fee)
        END AS beneficiary_amount,
    p.platform_order_num,
    p.failure_reason,
    p.attention,
    p.attention_reasons,
    p.attention_since,
        CASE
            WHEN (p.state = ANY (ARRAY['queued'::text, 'submitting'::text, 'pending'::text, 'unknown'::text])) THEN payout.waits_for(p.*, ( SELECT payout.standstill() AS standstill))
            ELSE NULL::text
        END AS waits_for,
    p.settled_at,
    payout.wib_day(p.settled_at) AS settled_day,
    w.paid_at,
    payout.wib_day(w.paid_at) AS paid_day
   FROM (payout.payouts p
     CROSS JOIN LATERAL ( SELECT
                CASE p.state
                    WHEN 'paid'::text THEN p.settled_at
                    WHEN 'returned'::text THEN ( SELECT h.at
                       FROM payout.history h
                      WHERE (((h.merchant_code = p.merchant_code) AND (h.order_num = p.order_num)) AND (h.to_state = 'paid'::text))
                      ORDER BY h.seq DESC
                     LIMIT 1)
                    ELSE NULL::timestamp with time zone
                END AS paid_at) w);

CREATE TABLE payout.operator_acts (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    actor text DEFAULT SESSION_USER NOT NULL,
    act text NOT NULL COLLATE pg_catalog."C",
    merchant_code text COLLATE pg_catalog."C",
    order_num text COLLATE pg_catalog."C",
    reason text,
    evidence text,
    request_id bigint,
    outcome text DEFAULT 'done'::text NOT NULL,
    detail text
);

CREATE VIEW payout.audit AS
 SELECT a.at,
    a.actor,
    a.act,
    a.merchant_code,
    a.order_num,
    a.reason,
    a.evidence,
    a.request_id,
    a.outcome,
    a.detail
   FROM payout.operator_acts a
UNION ALL
 SELECT h.at,
    h.actor,
    h.event AS act,
    h.merchant_code,
    h.order_num,
    (h.detail ->> 'reason'::text) AS reason,
    NULL::text AS evidence,
    NULL::bigint AS request_id,
    'done'::text AS outcome,
    NULL::text AS detail
   FROM payout.history h
  WHERE ((h.source = ANY (ARRAY['operator'::text, 'backend'::text])) AND (h.event = ANY (ARRAY['withdrawn'::text, 'replay_requested'::text])))
UNION ALL
 SELECT l.at,
    l.actor,
    'funded'::text AS act,
    l.merchant_code,
    NULL::text AS order_num,
    l.reference AS reason,
    NULL::text AS evidence,
    NULL::bigint AS request_id,
    'done'::text AS outcome,
    ('Rp '::text || l.available) AS detail
   FROM payout.ledger l
  WHERE (l.funded_by = 'person'::text);

CREATE VIEW payout.balances AS
 SELECT m.code AS merchant_code,
    a.account,
    a.balance
   FROM ((payout.merchants m
     LEFT JOIN payout.accounts s ON ((s.merchant_code = m.code)))
     CROSS JOIN LATERAL ( VALUES ('available'::text,COALESCE(s.available, (0)::bigint)), ('held'::text,COALESCE(s.held, (0)::bigint)), ('paid_out'::text,COALESCE(s.paid_out, (0)::bigint)), ('fees'::text,COALESCE(s.fees, (0)::bigint)), ('funding'::text,COALESCE(s.funding, (0)::bigint))) a(account, balance));

CREATE TABLE payout.clock (
    the_only_one boolean DEFAULT true NOT NULL,
    compared_at timestamp with time zone,
    jumped_at timestamp with time zone,
    jumped_by interval,
    trusted_after timestamp with time zone,
    jumps integer DEFAULT 0 NOT NULL,
    CONSTRAINT there_is_one CHECK (the_only_one)
);

CREATE TABLE payout.daily_balances (
    merchant_code text NOT NULL COLLATE pg_catalog."C",
    day date NOT NULL,
    stated bigint NOT NULL,
    difference bigint NOT NULL,
    read_at timestamp with time zone NOT NULL
);

CREATE TABLE payout.day_sums (
    from_id bigint NOT NULL,
    merchant_code text NOT NULL COLLATE pg_catalog."C",
    day date NOT NULL,
    bank_code text NOT NULL,
    paid bigint NOT NULL,
    failed bigint NOT NULL,
    payouts_returned bigint NOT NULL,
    gross bigint NOT NULL,
    fee bigint NOT NULL,
    fee_out_of_amount bigint NOT NULL,
    fee_on_top bigint NOT NULL,
    net bigint NOT NULL,
    debit bigint NOT NULL,
    top_up bigint NOT NULL,
    returned bigint NOT NULL,
    available bigint NOT NULL,
    held bigint NOT NULL
);

CREATE TABLE payout.enqueuers (
    role_name text NOT NULL,
    merchant_code text NOT NULL COLLATE pg_catalog."C"
);

CREATE VIEW payout.events WITH (security_barrier='true') AS
 SELECT e.seq,
    e.merchant_code,
    e.order_num,
    e.at,
    e.event,
    e.from_state,
    e.to_state,
    e.source,
    e.detail
   FROM payout.all_events e
  WHERE (e.merchant_code = ANY (( SELECT payout.merchants_seen() AS merchants_seen)::text[]))
  ORDER BY e.seq;

ALTER TABLE payout.evidence ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME payout.evidence_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE payout.gateway_balance (
    merchant_code text NOT NULL COLLATE pg_catalog."C",
    balance bigint NOT NULL,
    frozen bigint NOT NULL,
    pending bigint NOT NULL,
    signed boolean NOT NULL,
    read_at timestamp with time zone DEFAULT now() NOT NULL,
    ledger_id bigint NOT NULL,
    booked bigint DEFAULT 0 NOT NULL,
    unchanged_since timestamp with time zone DEFAULT now() NOT NULL,
    spent bigint DEFAULT 0 NOT NULL,
    regained bigint DEFAULT 0 NOT NULL,
    at_most bigint DEFAULT '9223372036854775807'::bigint NOT NULL,
    undebited bigint[] DEFAULT '{0}'::bigint[] NOT NULL,
    unrefunded bigint[] DEFAULT '{0}'::bigint[] NOT NULL,
    lowest_surplus bigint DEFAULT '-9223372036854775808'::bigint NOT NULL,
    window_began timestamp with time zone DEFAULT now() NOT NULL,
    surplus_since timestamp with time zone,
    CONSTRAINT stated_balance_is_plausible CHECK ((((balance >= 0) AND (balance <= '1000000000000000'::bigint)) AND ((frozen >= 0) AND (frozen <= '1000000000000000'::bigint)) AND ((pending >= 0) AND (pending <= '1000000000000000'::bigint))))
);

ALTER TABLE payout.ledger ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME payout.ledger_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE payout.ledger_sums (
    from_id bigint NOT NULL,
    merchant_code text NOT NULL COLLATE pg_catalog."C",
    available bigint NOT NULL,
    held bigint NOT NULL,
    paid_out bigint NOT NULL,
    fees bigint NOT NULL,
    funding bigint NOT NULL,
    read_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE payout.ledger_sums_cursor (
    the_only_one boolean DEFAULT true NOT NULL,
    summed_below bigint DEFAULT 1 NOT NULL,
    complete_up_to bigint DEFAULT 0 NOT NULL,
    seen_id bigint DEFAULT 0 NOT NULL,
    seen_xid bigint DEFAULT 0 NOT NULL,
    seen_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    CONSTRAINT there_is_one CHECK (the_only_one)
);

CREATE VIEW payout.masked AS
 SELECT p.merchant_code,
    p.order_num,
    p.state,
    p.state_since,
    (p.amount)::bigint AS amount,
    p.fee_type,
    p.bank_code,
    COALESCE(b.name, p.bank_code) AS bank_name,
    payout.masked_number(p.account_number) AS account_number,
    payout.masked_name(p.account_name) AS account_name,
    p.description,
    p.replaces,
    p.not_before,
    p.priority,
    p.created_at,
    p.created_by,
    p.attempt,
    p.sends,
    p.not_sent,
    p.send_by,
    p.lease_until,
    p.held,
    p.fee,
    p.platform_order_num,
    p.failure_reason,
    p.attention,
    p.attention_reasons,
    p.attention_since,
    p.declined_at,
    p.settled_at,
    p.queries,
    p.next_query_at,
    p.due_at,
    p.parked,
        CASE
            WHEN (p.state = ANY (ARRAY['paid'::text, 'failed'::text, 'returned'::text])) THEN payout.rests_on_statement(p.*)
            ELSE false
        END AS rests_on_statement
   FROM (payout.payouts p
     LEFT JOIN payout.banks b ON ((b.code = p.bank_code)));

CREATE VIEW payout.movements AS
 SELECT l.id,
    l.xid,
    l.merchant_code,
    l.at,
    payout.wib_day(l.at) AS day,
    l.kind,
    l.order_num,
    p.bank_code,
    p.fee_type,
    (p.amount)::bigint AS amount,
        CASE
            WHEN (l.kind = ANY (ARRAY['capture'::text, 'late_capture'::text])) THEN 'paid'::text
            WHEN (l.kind = 'return'::text) THEN 'returned'::text
            WHEN ((l.kind = 'release'::text) AND (EXISTS ( SELECT
               FROM payout.history h
              WHERE (((h.merchant_code = l.merchant_code) AND (h.order_num = l.order_num)) AND (h.to_state = 'failed'::text) AND ((h.seq >= (l.xid << 20)) AND (h.seq <= ((l.xid << 20) + 1048575))))))) THEN 'failed'::text
            ELSE NULL::text
        END AS step,
        CASE
            WHEN (l.kind <> 'return'::text) THEN (l.paid_out +
            CASE p.fee_type
                WHEN 0 THEN l.fees
                ELSE (0)::bigint
            END)
            ELSE (0)::bigint
        END AS gross,
    l.fees AS fee,
        CASE
            WHEN (l.kind <> 'return'::text) THEN l.paid_out
            ELSE (0)::bigint
        END AS net,
    (
        CASE
            WHEN (l.kind <> 'return'::text) THEN l.paid_out
            ELSE (0)::bigint
        END + l.fees) AS debit,
        CASE
            WHEN (l.kind = 'return'::text) THEN (- l.paid_out)
            ELSE (0)::bigint
        END AS returned,
    (- l.funding) AS top_up,
    l.available,
    l.held
   FROM (payout.ledger l
     LEFT JOIN payout.payouts p ON (((p.merchant_code = l.merchant_code) AND (p.order_num = l.order_num))));

CREATE VIEW payout.movements_by_day AS
 SELECT d.merchant_code,
    d.day,
    d.bank_code,
    d.paid,
    d.failed,
    d.payouts_returned,
    d.gross,
    d.fee,
    d.fee_out_of_amount,
    d.fee_on_top,
    d.net,
    d.debit,
    d.top_up,
    d.returned,
    d.available,
    d.held
   FROM payout.day_sums d
  WHERE (d.from_id < ( SELECT c.summed_below
           FROM payout.ledger_sums_cursor c))
UNION ALL
 SELECT v.merchant_code,
    v.day,
    COALESCE(v.bank_code, ''::text) AS bank_code,
        CASE v.step
            WHEN 'paid'::text THEN 1
            ELSE 0
        END AS paid,
        CASE v.step
            WHEN 'failed'::text THEN 1
            ELSE 0
        END AS failed,
        CASE v.step
            WHEN 'returned'::text THEN 1
            ELSE 0
        END AS payouts_returned,
    v.gross,
    v.fee,
        CASE v.fee_type
            WHEN 0 THEN v.fee
            ELSE (0)::bigint
        END AS fee_out_of_amount,
        CASE v.fee_type
            WHEN 1 THEN v.fee
            ELSE (0)::bigint
        END AS fee_on_top,
    v.net,
    v.debit,
    v.top_up,
    v.returned,
    v.available,
    v.held
   FROM ( SELECT m.id,
            m.xid,
            m.merchant_code,
            m.at,
            m.day,
            m.kind,
            m.order_num,
            m.bank_code,
            m.fee_type,
            m.amount,
            m.step,
            m.gross,
            m.fee,
            m.net,
            m.debit,
            m.returned,
            m.top_up,
            m.available,
            m.held
           FROM payout.movements m
          WHERE ((m.id >= ( SELECT c.summed_below
                   FROM payout.ledger_sums_cursor c)) AND (m.id <= ( SELECT COALESCE(max(l.id), (0)::bigint) AS "coalesce"
                   FROM payout.ledger l)))
         OFFSET 0) v;

CREATE TABLE payout.notices (
    request_id bigint NOT NULL,
    taken_at timestamp with time zone DEFAULT now() NOT NULL,
    tries integer DEFAULT 1 NOT NULL,
    told_at timestamp with time zone,
    failure text,
    CONSTRAINT told_or_not_yet CHECK (((told_at IS NULL) OR (failure IS NULL)))
);

CREATE TABLE payout.numbered_for (
    server text,
    only_row boolean DEFAULT true NOT NULL,
    CONSTRAINT only_one_row CHECK (only_row)
);

ALTER TABLE payout.operator_acts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME payout.operator_acts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE payout.order_nums (
    merchant_code text NOT NULL COLLATE pg_catalog."C",
    lower_case text NOT NULL COLLATE pg_catalog."C",
    order_num text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE payout.query_budget (
    merchant_code text NOT NULL COLLATE pg_catalog."C",
    spent_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    per_second integer
);

CREATE TABLE payout.receiving (
    the_only_one boolean DEFAULT true NOT NULL,
    reason text NOT NULL,
    requested_by text DEFAULT SESSION_USER NOT NULL,
    requested_by_oid oid DEFAULT payout.login_oid() NOT NULL,
    requested_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    approved_by text,
    approved_at timestamp with time zone,
    ended_by text,
    ended_at timestamp with time zone,
    CONSTRAINT approved_whole CHECK (((approved_by IS NULL) = (approved_at IS NULL))),
    CONSTRAINT ended_after_approval CHECK (((ended_at IS NULL) OR (approved_at IS NOT NULL))),
    CONSTRAINT ended_whole CHECK (((ended_by IS NULL) = (ended_at IS NULL))),
    CONSTRAINT there_is_one CHECK (the_only_one)
);

CREATE TABLE payout.refused_balances (
    merchant_code text NOT NULL COLLATE pg_catalog."C",
    times bigint DEFAULT 1 NOT NULL,
    first_at timestamp with time zone DEFAULT now() NOT NULL,
    last_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE payout.requests ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME payout.requests_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE payout.state (
    name text NOT NULL COLLATE pg_catalog."C",
    final boolean NOT NULL,
    may_have_left boolean NOT NULL,
    meaning text NOT NULL
);

CREATE VIEW payout.status WITH (security_barrier='true') AS
 SELECT s.order_num,
    s.merchant_code,
    s.bank_code,
    s.amount,
    s.fee_type,
    s.state,
    s.state_since,
    s.created_at,
    s.fee,
    s.debit_total,
    s.beneficiary_amount,
    s.platform_order_num,
    s.failure_reason,
    s.attention,
    s.attention_reasons,
    s.attention_since,
    s.waits_for,
    s.settled_at,
    s.settled_day,
    s.paid_at,
    s.paid_day
   FROM payout.all_status s
  WHERE (s.merchant_code = ANY (( SELECT payout.merchants_seen() AS merchants_seen)::text[]));

CREATE TABLE payout.totals (
    merchant_code text NOT NULL COLLATE pg_catalog."C",
    bank_code text DEFAULT 'other'::text NOT NULL COLLATE pg_catalog."C",
    step text NOT NULL COLLATE pg_catalog."C",
    payouts bigint DEFAULT 0 NOT NULL,
    rupiah bigint DEFAULT 0 NOT NULL,
    fee bigint DEFAULT 0 NOT NULL,
    net bigint DEFAULT 0 NOT NULL,
    late bigint DEFAULT 0 NOT NULL,
    CONSTRAINT step_is_known CHECK ((step = ANY (ARRAY['enqueued'::text, 'paid'::text, 'failed'::text, 'cancelled'::text, 'returned'::text])))
);

CREATE TABLE payout.totals_cursor (
    the_only_one boolean DEFAULT true NOT NULL,
    folded_seq bigint DEFAULT 0 NOT NULL,
    CONSTRAINT there_is_one CHECK (the_only_one)
);

CREATE TABLE payout.unmatched_callbacks (
    digest bytea NOT NULL,
    order_num text NOT NULL,
    detail jsonb NOT NULL,
    times integer DEFAULT 1 NOT NULL,
    first_at timestamp with time zone DEFAULT now() NOT NULL,
    last_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE payout.whole_pages (
    identity text NOT NULL,
    epoch integer NOT NULL,
    reason text NOT NULL,
    actor text DEFAULT SESSION_USER NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

ALTER TABLE ONLY payout.transition
    ADD CONSTRAINT a_move_is_named_whole UNIQUE (from_state, event, to_state);

ALTER TABLE ONLY payout.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (merchant_code);

ALTER TABLE ONLY payout.act
    ADD CONSTRAINT act_pkey PRIMARY KEY (act, applies_if);

ALTER TABLE ONLY payout.addresses
    ADD CONSTRAINT addresses_pkey PRIMARY KEY (address, registered_at);

ALTER TABLE ONLY payout.attempts
    ADD CONSTRAINT attempt_is_never_reused PRIMARY KEY (merchant_code, order_num, attempt);

ALTER TABLE ONLY payout.attention_reason
    ADD CONSTRAINT attention_reason_pkey PRIMARY KEY (name);

ALTER TABLE ONLY payout.attention_reason
    ADD CONSTRAINT attention_reason_rank_key UNIQUE (rank);

ALTER TABLE ONLY payout.banks
    ADD CONSTRAINT banks_pkey PRIMARY KEY (code);

ALTER TABLE ONLY payout.clock
    ADD CONSTRAINT clock_pkey PRIMARY KEY (the_only_one);

ALTER TABLE ONLY payout.daily_balances
    ADD CONSTRAINT daily_balances_pkey PRIMARY KEY (merchant_code, day);

ALTER TABLE ONLY payout.day_sums
    ADD CONSTRAINT day_sums_pkey PRIMARY KEY (from_id, merchant_code, day, bank_code);

ALTER TABLE ONLY payout.effect
    ADD CONSTRAINT effect_pkey PRIMARY KEY (name);

ALTER TABLE ONLY payout.enqueuers
    ADD CONSTRAINT enqueuers_pkey PRIMARY KEY (role_name, merchant_code);

ALTER TABLE ONLY payout.evidence
    ADD CONSTRAINT equal_evidence_is_counted UNIQUE NULLS NOT DISTINCT (merchant_code, order_num, attempt, source, kind, status, signed, mismatch, doubt, proves, valid_from, refused, digest);

ALTER TABLE ONLY payout.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (name);

ALTER TABLE ONLY payout.required_evidence
    ADD CONSTRAINT evidence_is_named_once UNIQUE NULLS NOT DISTINCT (event, source, kind, of_status, status);

ALTER TABLE ONLY payout.evidence
    ADD CONSTRAINT evidence_pkey PRIMARY KEY (id);

ALTER TABLE ONLY payout.failover
    ADD CONSTRAINT failover_pkey PRIMARY KEY (the_only_one);

ALTER TABLE ONLY payout.gateway_balance
    ADD CONSTRAINT gateway_balance_pkey PRIMARY KEY (merchant_code);

ALTER TABLE ONLY payout.history
    ADD CONSTRAINT history_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY payout.ledger
    ADD CONSTRAINT ledger_pkey PRIMARY KEY (id);

ALTER TABLE ONLY payout.ledger_sums_cursor
    ADD CONSTRAINT ledger_sums_cursor_pkey PRIMARY KEY (the_only_one);

ALTER TABLE ONLY payout.ledger_sums
    ADD CONSTRAINT ledger_sums_pkey PRIMARY KEY (from_id, merchant_code);

ALTER TABLE ONLY payout.merchants
    ADD CONSTRAINT merchants_pkey PRIMARY KEY (code);

ALTER TABLE ONLY payout.notices
    ADD CONSTRAINT notices_pkey PRIMARY KEY (request_id);

ALTER TABLE ONLY payout.numbered_for
    ADD CONSTRAINT numbered_for_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY payout.transition
    ADD CONSTRAINT one_move_per_state_and_event PRIMARY KEY (from_state, event);

ALTER TABLE ONLY payout.operator_acts
    ADD CONSTRAINT operator_acts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY payout.order_nums
    ADD CONSTRAINT order_num_differs_by_more_than_case PRIMARY KEY (merchant_code, lower_case);

ALTER TABLE ONLY payout.payouts
    ADD CONSTRAINT order_num_is_used_once PRIMARY KEY (merchant_code, order_num);

ALTER TABLE ONLY payout.pause_rules
    ADD CONSTRAINT pauses_pkey PRIMARY KEY (scope, value, is_daily);

ALTER TABLE ONLY payout.policy
    ADD CONSTRAINT policy_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY payout.query_budget
    ADD CONSTRAINT query_budget_pkey PRIMARY KEY (merchant_code);

ALTER TABLE ONLY payout.receiving
    ADD CONSTRAINT receiving_pkey PRIMARY KEY (the_only_one);

ALTER TABLE ONLY payout.refused_balances
    ADD CONSTRAINT refused_balances_pkey PRIMARY KEY (merchant_code);

ALTER TABLE ONLY payout.request_payouts
    ADD CONSTRAINT request_payouts_pkey PRIMARY KEY (request_id, merchant_code, order_num);

ALTER TABLE ONLY payout.requests
    ADD CONSTRAINT requests_pkey PRIMARY KEY (id);

ALTER TABLE ONLY payout.state
    ADD CONSTRAINT state_pkey PRIMARY KEY (name);

ALTER TABLE ONLY payout.totals_cursor
    ADD CONSTRAINT totals_cursor_pkey PRIMARY KEY (the_only_one);

ALTER TABLE ONLY payout.totals
    ADD CONSTRAINT totals_pkey PRIMARY KEY (merchant_code, bank_code, step);

ALTER TABLE ONLY payout.unmatched_callbacks
    ADD CONSTRAINT unmatched_callbacks_pkey PRIMARY KEY (digest);

ALTER TABLE ONLY payout.whole_pages
    ADD CONSTRAINT whole_pages_pkey PRIMARY KEY (identity, epoch);

ALTER TABLE ONLY payout.worker_claims
    ADD CONSTRAINT worker_claims_pkey PRIMARY KEY (worker, merchant_code);

ALTER TABLE ONLY payout.workers
    ADD CONSTRAINT workers_pkey PRIMARY KEY (worker);

CREATE INDEX acts_by_time ON payout.operator_acts USING btree (at);

CREATE INDEX acts_in_history ON payout.history USING btree (at) WHERE ((source = ANY (ARRAY['operator'::text, 'backend'::text])) AND (event = ANY (ARRAY['withdrawn'::text, 'replay_requested'::text])));

CREATE INDEX acts_of_payout ON payout.operator_acts USING btree (merchant_code, order_num);

CREATE UNIQUE INDEX address_registered_once ON payout.addresses USING btree (address) WHERE (removed_at IS NULL);

CREATE INDEX by_time ON payout.payouts USING btree (created_at);

CREATE INDEX claimable ON payout.payouts USING btree (merchant_code, ((- (priority)::integer)), due_at, order_num) WHERE ((state = 'queued'::text) AND (NOT parked));

CREATE INDEX contradicted ON payout.payouts USING btree (merchant_code) WHERE (attention_reasons && '{contradiction,late_success,amount_mismatch,foreign_order}'::text[]);

CREATE INDEX funded_by_people ON payout.ledger USING btree (at) WHERE (funded_by = 'person'::text);

CREATE UNIQUE INDEX funded_once_by_reference ON payout.ledger USING btree (merchant_code, funded_by, lower(reference)) WHERE (kind = 'funding'::text);

CREATE INDEX funding_of_merchant ON payout.ledger USING btree (merchant_code, at) WHERE (kind = 'funding'::text);

CREATE UNIQUE INDEX held_once_per_attempt ON payout.ledger USING btree (merchant_code, order_num, attempt) WHERE (kind = 'hold'::text);

CREATE INDEX history_of_payout ON payout.history USING btree (merchant_code, order_num, seq);

CREATE INDEX known_to_gateway ON payout.payouts USING btree (merchant_code, send_by) WHERE ((state = 'paid'::text) AND (platform_order_num IS NOT NULL) AND (send_by IS NOT NULL));

CREATE INDEX later_look_due ON payout.payouts USING btree (merchant_code, next_query_at) WHERE ((next_query_at IS NOT NULL) AND later_look);

CREATE INDEX leased ON payout.payouts USING btree (merchant_code, lease_until) WHERE (state = 'submitting'::text);

CREATE INDEX ledger_by_time ON payout.ledger USING brin (at) WITH (pages_per_range='32', autosummarize='on');

CREATE INDEX ledger_of_merchant ON payout.ledger USING btree (merchant_code, id) WHERE (id > 0);

CREATE INDEX ledger_of_payout ON payout.ledger USING btree (merchant_code, order_num);

CREATE INDEX needs_a_person ON payout.payouts USING btree (attention_since) WHERE (attention IS NOT NULL);

CREATE INDEX not_final ON payout.payouts USING btree (state, state_since) WHERE (state = ANY (ARRAY['queued'::text, 'submitting'::text, 'pending'::text, 'unknown'::text]));

CREATE INDEX open_unmarked ON payout.payouts USING btree (state_since) WHERE ((state = ANY (ARRAY['submitting'::text, 'pending'::text, 'unknown'::text])) AND (attention IS NULL));

CREATE INDEX paid_by_amount ON payout.payouts USING btree (merchant_code, amount, settled_at) WHERE (state = 'paid'::text);

CREATE INDEX paid_by_amount_and_fee ON payout.payouts USING btree (merchant_code, ((amount + ((((2 * fee_type) - 1) * fee))::numeric)), settled_at) WHERE ((state = 'paid'::text) AND (fee > 0));

CREATE INDEX parked ON payout.payouts USING btree (merchant_code, priority DESC, created_at) WHERE ((state = 'queued'::text) AND parked);

CREATE INDEX parked_by_amount ON payout.payouts USING btree (merchant_code, amount) WHERE ((state = 'queued'::text) AND parked);

CREATE UNIQUE INDEX platform_order_num_is_used_once ON payout.payouts USING btree (merchant_code, platform_order_num COLLATE "C") WHERE (platform_order_num IS NOT NULL);

CREATE INDEX query_due ON payout.payouts USING btree (merchant_code, next_query_at) WHERE ((next_query_at IS NOT NULL) AND (later_look IS NOT TRUE));

CREATE INDEX queued_replacements ON payout.payouts USING btree (merchant_code, originals_queried_at) WHERE ((state = 'queued'::text) AND (NOT parked) AND (replaces IS NOT NULL));

CREATE INDEX queued_without_query ON payout.payouts USING btree (created_at) WHERE ((state = 'queued'::text) AND (next_query_at IS NULL));

CREATE INDEX released ON payout.ledger USING btree (at) WHERE (kind = 'release'::text);

CREATE UNIQUE INDEX replaced_once ON payout.payouts USING btree (merchant_code, replaces) WHERE ((replaces IS NOT NULL) AND (state <> 'cancelled'::text));

CREATE INDEX requests_by_subject ON payout.requests USING btree (kind, subject, id) WHERE (subject IS NOT NULL);

CREATE INDEX requests_of_payout ON payout.request_payouts USING btree (merchant_code, order_num);

CREATE INDEX requests_to_carry_out ON payout.request_payouts USING btree (merchant_code, request_id) WHERE (outcome IS NULL);

CREATE INDEX returned ON payout.payouts USING btree (merchant_code, settled_at) WHERE (state = 'returned'::text);

CREATE INDEX settled ON payout.payouts USING btree (merchant_code, settled_at) WHERE (state = ANY (ARRAY['paid'::text, 'returned'::text]));

CREATE UNIQUE INDEX settled_once_per_attempt ON payout.ledger USING btree (merchant_code, order_num, attempt) WHERE (kind = ANY (ARRAY['capture'::text, 'release'::text]));

CREATE INDEX undecided ON payout.requests USING btree (expires_at) WHERE (decision IS NULL);

CREATE INDEX withdrawn_replacements ON payout.payouts USING btree (merchant_code, replaces) WHERE ((replaces IS NOT NULL) AND (state = 'cancelled'::text));

CREATE INDEX wrong_signatures ON payout.evidence USING btree (merchant_code, id) WHERE (doubt = 'bad_signature'::text);

CREATE TRIGGER after_enqueue AFTER INSERT ON payout.payouts REFERENCING NEW TABLE AS enqueued FOR EACH STATEMENT EXECUTE FUNCTION payout.after_enqueue();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON payout.history FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON payout.ledger FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON payout.operator_acts FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON payout.order_nums FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_change();

CREATE CONSTRAINT TRIGGER approved_in_time_at_commit AFTER UPDATE ON payout.requests DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (((new.decision = 'approved'::text) AND (new.people > 1))) EXECUTE FUNCTION payout.refuse_late_approval();

CREATE TRIGGER before_enqueue BEFORE INSERT ON payout.payouts FOR EACH STATEMENT EXECUTE FUNCTION payout.before_enqueue();

CREATE TRIGGER check_instruction BEFORE INSERT ON payout.payouts FOR EACH ROW EXECUTE FUNCTION payout.check_instruction();

CREATE TRIGGER check_lines AFTER INSERT ON payout.history REFERENCING NEW TABLE AS lines FOR EACH STATEMENT EXECUTE FUNCTION payout.check_lines();

CREATE TRIGGER complete_change BEFORE UPDATE ON payout.payouts FOR EACH ROW EXECUTE FUNCTION payout.complete_change();

CREATE TRIGGER follows_the_ledger BEFORE INSERT OR DELETE OR UPDATE OR TRUNCATE ON payout.accounts FOR EACH STATEMENT EXECUTE FUNCTION payout.guard_accounts();

CREATE TRIGGER forget_nothing BEFORE INSERT OR UPDATE ON payout.evidence FOR EACH STATEMENT EXECUTE FUNCTION payout.forget_nothing();

CREATE TRIGGER forget_nothing BEFORE INSERT OR UPDATE ON payout.failover FOR EACH STATEMENT EXECUTE FUNCTION payout.forget_nothing();

CREATE CONSTRAINT TRIGGER forget_nothing_at_commit AFTER INSERT OR UPDATE ON payout.failover DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payout.forget_nothing();

CREATE CONSTRAINT TRIGGER forget_nothing_at_commit AFTER INSERT ON payout.history DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.source = ANY (ARRAY['operator'::text, 'backend'::text]))) EXECUTE FUNCTION payout.forget_nothing();

CREATE CONSTRAINT TRIGGER forget_nothing_at_commit AFTER INSERT ON payout.ledger DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.kind = 'funding'::text)) EXECUTE FUNCTION payout.forget_nothing();

CREATE CONSTRAINT TRIGGER forget_nothing_at_commit AFTER INSERT ON payout.operator_acts DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payout.forget_nothing();

CREATE TRIGGER frozen BEFORE UPDATE OF merchant_code, order_num, amount, fee_type, bank_code, account_number, account_name, description, replaces, not_before, priority, metadata, created_at, created_by, rules ON payout.payouts FOR EACH ROW WHEN ((((((((((((((((new.merchant_code IS DISTINCT FROM old.merchant_code) OR (new.order_num IS DISTINCT FROM old.order_num)) OR (new.amount IS DISTINCT FROM old.amount)) OR (new.fee_type IS DISTINCT FROM old.fee_type)) OR (new.bank_code IS DISTINCT FROM old.bank_code)) OR (new.account_number IS DISTINCT FROM old.account_number)) OR (new.account_name IS DISTINCT FROM old.account_name)) OR (new.description IS DISTINCT FROM old.description)) OR (new.replaces IS DISTINCT FROM old.replaces)) OR (new.not_before IS DISTINCT FROM old.not_before)) OR (new.priority IS DISTINCT FROM old.priority)) OR (new.metadata IS DISTINCT FROM old.metadata)) OR (new.created_at IS DISTINCT FROM old.created_at)) OR (new.created_by IS DISTINCT FROM old.created_by)) OR (new.rules IS DISTINCT FROM old.rules))) EXECUTE FUNCTION payout.refuse_new_instruction();

CREATE TRIGGER guard_act BEFORE INSERT ON payout.operator_acts FOR EACH STATEMENT EXECUTE FUNCTION payout.guard_act();

CREATE TRIGGER guard_addresses AFTER INSERT ON payout.addresses REFERENCING NEW TABLE AS registered FOR EACH ROW EXECUTE FUNCTION payout.guard_addresses();

CREATE TRIGGER guard_attempt BEFORE UPDATE ON payout.attempts FOR EACH ROW EXECUTE FUNCTION payout.guard_attempt();

CREATE TRIGGER guard_changes AFTER UPDATE ON payout.payouts REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH ROW EXECUTE FUNCTION payout.guard_changes();

CREATE TRIGGER guard_claims AFTER UPDATE ON payout.payouts REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH ROW WHEN ((new.state = 'submitting'::text)) EXECUTE FUNCTION payout.guard_claims();

CREATE TRIGGER guard_evidence BEFORE UPDATE ON payout.evidence FOR EACH ROW EXECUTE FUNCTION payout.guard_evidence();

CREATE TRIGGER guard_merchants BEFORE UPDATE ON payout.merchants FOR EACH ROW EXECUTE FUNCTION payout.guard_merchants();

CREATE TRIGGER guard_removal BEFORE UPDATE ON payout.addresses FOR EACH ROW EXECUTE FUNCTION payout.guard_removal();

CREATE TRIGGER guard_request BEFORE INSERT OR UPDATE ON payout.requests FOR EACH ROW EXECUTE FUNCTION payout.guard_request();

CREATE TRIGGER guard_request_payout BEFORE INSERT OR UPDATE ON payout.request_payouts FOR EACH ROW EXECUTE FUNCTION payout.guard_request_payout();

CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON payout.addresses FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_change();

CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON payout.attempts FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_change();

CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON payout.evidence FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_change();

CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON payout.payouts FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_change();

CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON payout.request_payouts FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_change();

CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON payout.requests FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_change();

CREATE TRIGGER post AFTER INSERT ON payout.ledger REFERENCING NEW TABLE AS entries FOR EACH STATEMENT EXECUTE FUNCTION payout.post();

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.accounts FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.accounts ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.act FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.act ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.addresses FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.addresses ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.attempts FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.attempts ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.attention_reason FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.attention_reason ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.banks FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.banks ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.clock FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.clock ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.daily_balances FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.daily_balances ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.day_sums FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.day_sums ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.effect FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.effect ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.enqueuers FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.enqueuers ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.event FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.event ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.evidence FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.evidence ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.failover FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.failover ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.gateway_balance FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.gateway_balance ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.history FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.history ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.ledger FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.ledger ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.ledger_sums FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.ledger_sums ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.ledger_sums_cursor FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.ledger_sums_cursor ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.merchants FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.merchants ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.notices FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.notices ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.numbered_for FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.numbered_for ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.operator_acts FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.operator_acts ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.order_nums FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.order_nums ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.pause_rules FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.pause_rules ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.payouts FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.payouts ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.policy FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.policy ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.query_budget FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.query_budget ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.receiving FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.receiving ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.refused_balances FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.refused_balances ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.request_payouts FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.request_payouts ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.requests FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.requests ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.required_evidence FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.required_evidence ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.state FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.state ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.totals FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.totals ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.totals_cursor FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.totals_cursor ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.transition FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.transition ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.unmatched_callbacks FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.unmatched_callbacks ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.whole_pages FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.whole_pages ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.worker_claims FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.worker_claims ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated BEFORE INSERT OR DELETE OR UPDATE ON payout.workers FOR EACH ROW EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.workers ENABLE REPLICA TRIGGER refuse_replicated;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.accounts FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.accounts ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.act FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.act ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.addresses FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.addresses ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.attempts FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.attempts ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.attention_reason FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.attention_reason ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.banks FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.banks ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.clock FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.clock ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.daily_balances FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.daily_balances ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.day_sums FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.day_sums ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.effect FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.effect ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.enqueuers FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.enqueuers ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.event FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.event ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.evidence FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.evidence ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.failover FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.failover ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.gateway_balance FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.gateway_balance ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.history FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.history ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.ledger FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.ledger ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.ledger_sums FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.ledger_sums ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.ledger_sums_cursor FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.ledger_sums_cursor ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.merchants FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.merchants ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.notices FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.notices ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.numbered_for FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.numbered_for ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.operator_acts FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.operator_acts ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.order_nums FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.order_nums ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.pause_rules FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.pause_rules ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.payouts FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.payouts ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.policy FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.policy ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.query_budget FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.query_budget ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.receiving FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.receiving ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.refused_balances FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.refused_balances ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.request_payouts FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.request_payouts ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.requests FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.requests ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.required_evidence FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.required_evidence ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.state FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.state ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.totals FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.totals ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.totals_cursor FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.totals_cursor ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.transition FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.transition ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.unmatched_callbacks FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.unmatched_callbacks ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.whole_pages FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.whole_pages ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.worker_claims FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.worker_claims ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER refuse_replicated_truncate BEFORE TRUNCATE ON payout.workers FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_replicated();

ALTER TABLE payout.workers ENABLE REPLICA TRIGGER refuse_replicated_truncate;

CREATE TRIGGER rules_are_fixed BEFORE INSERT OR DELETE OR UPDATE OR TRUNCATE ON payout.act FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_change();

CREATE TRIGGER rules_are_fixed BEFORE INSERT OR DELETE OR UPDATE OR TRUNCATE ON payout.attention_reason FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_change();

CREATE TRIGGER rules_are_fixed BEFORE INSERT OR DELETE OR UPDATE OR TRUNCATE ON payout.effect FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_change();

CREATE TRIGGER rules_are_fixed BEFORE INSERT OR DELETE OR UPDATE OR TRUNCATE ON payout.event FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_change();

CREATE TRIGGER rules_are_fixed BEFORE INSERT OR DELETE OR UPDATE OR TRUNCATE ON payout.policy FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_change();

CREATE TRIGGER rules_are_fixed BEFORE INSERT OR DELETE OR UPDATE OR TRUNCATE ON payout.required_evidence FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_change();

CREATE TRIGGER rules_are_fixed BEFORE INSERT OR DELETE OR UPDATE OR TRUNCATE ON payout.state FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_change();

CREATE TRIGGER rules_are_fixed BEFORE INSERT OR DELETE OR UPDATE OR TRUNCATE ON payout.transition FOR EACH STATEMENT EXECUTE FUNCTION payout.refuse_change();

ALTER TABLE ONLY payout.accounts
    ADD CONSTRAINT accounts_merchant_code_fkey FOREIGN KEY (merchant_code) REFERENCES payout.merchants(code);

ALTER TABLE ONLY payout.act
    ADD CONSTRAINT act_effect_fkey FOREIGN KEY (effect) REFERENCES payout.effect(name);

ALTER TABLE ONLY payout.attempts
    ADD CONSTRAINT attempt_has_a_payout FOREIGN KEY (merchant_code, order_num) REFERENCES payout.payouts(merchant_code, order_num);

ALTER TABLE ONLY payout.daily_balances
    ADD CONSTRAINT daily_balances_merchant_code_fkey FOREIGN KEY (merchant_code) REFERENCES payout.merchants(code);

ALTER TABLE ONLY payout.day_sums
    ADD CONSTRAINT day_sums_merchant_code_fkey FOREIGN KEY (merchant_code) REFERENCES payout.merchants(code);

ALTER TABLE ONLY payout.enqueuers
    ADD CONSTRAINT enqueuers_merchant_code_fkey FOREIGN KEY (merchant_code) REFERENCES payout.merchants(code);

ALTER TABLE ONLY payout.ledger
    ADD CONSTRAINT entry_has_a_payout FOREIGN KEY (merchant_code, order_num) REFERENCES payout.payouts(merchant_code, order_num);

ALTER TABLE ONLY payout.evidence
    ADD CONSTRAINT evidence_has_a_payout FOREIGN KEY (merchant_code, order_num) REFERENCES payout.payouts(merchant_code, order_num);

ALTER TABLE ONLY payout.gateway_balance
    ADD CONSTRAINT gateway_balance_merchant_code_fkey FOREIGN KEY (merchant_code) REFERENCES payout.merchants(code);

ALTER TABLE ONLY payout.history
    ADD CONSTRAINT history_has_a_payout FOREIGN KEY (merchant_code, order_num) REFERENCES payout.payouts(merchant_code, order_num);

ALTER TABLE ONLY payout.ledger_sums
    ADD CONSTRAINT ledger_sums_merchant_code_fkey FOREIGN KEY (merchant_code) REFERENCES payout.merchants(code);

ALTER TABLE ONLY payout.notices
    ADD CONSTRAINT notices_request_id_fkey FOREIGN KEY (request_id) REFERENCES payout.requests(id);

ALTER TABLE ONLY payout.operator_acts
    ADD CONSTRAINT operator_acts_request_id_fkey FOREIGN KEY (request_id) REFERENCES payout.requests(id);

ALTER TABLE ONLY payout.payouts
    ADD CONSTRAINT payouts_merchant_code_fkey FOREIGN KEY (merchant_code) REFERENCES payout.merchants(code);

ALTER TABLE ONLY payout.query_budget
    ADD CONSTRAINT query_budget_merchant_code_fkey FOREIGN KEY (merchant_code) REFERENCES payout.merchants(code);

ALTER TABLE ONLY payout.refused_balances
    ADD CONSTRAINT refused_balances_merchant_code_fkey FOREIGN KEY (merchant_code) REFERENCES payout.merchants(code);

ALTER TABLE ONLY payout.payouts
    ADD CONSTRAINT replaced_payout_is_of_the_same_merchant FOREIGN KEY (merchant_code, replaces) REFERENCES payout.payouts(merchant_code, order_num);

ALTER TABLE ONLY payout.request_payouts
    ADD CONSTRAINT request_has_a_payout FOREIGN KEY (merchant_code, order_num) REFERENCES payout.payouts(merchant_code, order_num);

ALTER TABLE ONLY payout.request_payouts
    ADD CONSTRAINT request_payouts_request_id_fkey FOREIGN KEY (request_id) REFERENCES payout.requests(id);

ALTER TABLE ONLY payout.requests
    ADD CONSTRAINT requests_merchant_code_fkey FOREIGN KEY (merchant_code) REFERENCES payout.merchants(code);

ALTER TABLE ONLY payout.required_evidence
    ADD CONSTRAINT required_evidence_event_fkey FOREIGN KEY (event) REFERENCES payout.event(name);

ALTER TABLE ONLY payout.totals
    ADD CONSTRAINT totals_merchant_code_fkey FOREIGN KEY (merchant_code) REFERENCES payout.merchants(code);

ALTER TABLE ONLY payout.transition
    ADD CONSTRAINT transition_event_fkey FOREIGN KEY (event) REFERENCES payout.event(name);

ALTER TABLE ONLY payout.transition
    ADD CONSTRAINT transition_from_state_fkey FOREIGN KEY (from_state) REFERENCES payout.state(name);

ALTER TABLE ONLY payout.transition
    ADD CONSTRAINT transition_to_state_fkey FOREIGN KEY (to_state) REFERENCES payout.state(name);

ALTER TABLE ONLY payout.worker_claims
    ADD CONSTRAINT worker_claims_worker_fkey FOREIGN KEY (worker) REFERENCES payout.workers(worker) ON DELETE CASCADE;

GRANT USAGE ON SCHEMA payout TO payout_enqueuer;
GRANT USAGE ON SCHEMA payout TO payout_follower;
GRANT USAGE ON SCHEMA payout TO payout_reader;
GRANT USAGE ON SCHEMA payout TO payout_operator;
GRANT USAGE ON SCHEMA payout TO payout_worker;

REVOKE ALL ON FUNCTION payout.accept_failover(reason text, old_primary_dead_since timestamp with time zone, query_first_for interval, set_aside boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.accept_failover(reason text, old_primary_dead_since timestamp with time zone, query_first_for interval, set_aside boolean) TO payout_operator;

REVOKE ALL ON FUNCTION payout.accept_full_pages_off(reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.accept_full_pages_off(reason text) TO payout_operator;

REVOKE ALL ON FUNCTION payout.login_oid() FROM PUBLIC;
GRANT ALL ON FUNCTION payout.login_oid() TO payout_reader;
GRANT ALL ON FUNCTION payout.login_oid() TO payout_operator;

GRANT SELECT ON TABLE payout.addresses TO payout_reader;
GRANT SELECT ON TABLE payout.addresses TO payout_operator;
GRANT SELECT ON TABLE payout.addresses TO payout_worker;

GRANT SELECT ON TABLE payout.requests TO payout_reader;
GRANT SELECT ON TABLE payout.requests TO payout_operator;
GRANT SELECT ON TABLE payout.requests TO payout_worker;

REVOKE ALL ON FUNCTION payout.add_address(r payout.requests) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.add_to_account(merchant text, available numeric, held numeric, paid_out numeric, fees numeric, funding numeric, spent numeric, regained numeric) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.after_enqueue() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.age_class(since timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.age_class(since timestamp with time zone) TO payout_reader;
GRANT ALL ON FUNCTION payout.age_class(since timestamp with time zone) TO payout_operator;
GRANT ALL ON FUNCTION payout.age_class(since timestamp with time zone) TO payout_worker;

REVOKE ALL ON FUNCTION payout.decide_request(id bigint, decision text, reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.approve(id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.approve(id bigint) TO payout_operator;

REVOKE ALL ON FUNCTION payout.approve_receiving() FROM PUBLIC;
GRANT ALL ON FUNCTION payout.approve_receiving() TO payout_operator;

REVOKE ALL ON FUNCTION payout.as_detail(r payout.requests) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.as_detail(r payout.requests) TO payout_worker;

GRANT SELECT ON TABLE payout.banks TO payout_follower;
GRANT SELECT ON TABLE payout.banks TO payout_enqueuer;
GRANT SELECT ON TABLE payout.banks TO payout_reader;
GRANT SELECT ON TABLE payout.banks TO payout_operator;
GRANT SELECT ON TABLE payout.banks TO payout_worker;

REVOKE ALL ON FUNCTION payout.bank_label(bank_code text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.bank_label(bank_code text) TO payout_reader;
GRANT ALL ON FUNCTION payout.bank_label(bank_code text) TO payout_operator;
GRANT ALL ON FUNCTION payout.bank_label(bank_code text) TO payout_worker;

REVOKE ALL ON FUNCTION payout.before_enqueue() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.begin_clock_watch() FROM PUBLIC;
GRANT ALL ON FUNCTION payout.begin_clock_watch() TO payout_worker;

REVOKE ALL ON FUNCTION payout.beneficiary_idr(amount numeric, fee_type smallint, fee bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.beneficiary_idr(amount numeric, fee_type smallint, fee bigint) TO payout_reader;
GRANT ALL ON FUNCTION payout.beneficiary_idr(amount numeric, fee_type smallint, fee bigint) TO payout_operator;
GRANT ALL ON FUNCTION payout.beneficiary_idr(amount numeric, fee_type smallint, fee bigint) TO payout_worker;
GRANT ALL ON FUNCTION payout.beneficiary_idr(amount numeric, fee_type smallint, fee bigint) TO payout_enqueuer;
GRANT ALL ON FUNCTION payout.beneficiary_idr(amount numeric, fee_type smallint, fee bigint) TO payout_follower;

REVOKE ALL ON FUNCTION payout.book_funding(merchant text, amount bigint, reference text, funded_by text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.broken_constraint(state text, state_since timestamp with time zone, attempt integer, sends integer, not_sent integer, resubmits_granted integer, held bigint, fee bigint, attention_reasons text[], attention_since timestamp with time zone, proven_ours boolean, settled_at timestamp with time zone, queries integer, due_at timestamp with time zone, parked boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.broken_constraint(state text, state_since timestamp with time zone, attempt integer, sends integer, not_sent integer, resubmits_granted integer, held bigint, fee bigint, attention_reasons text[], attention_since timestamp with time zone, proven_ours boolean, settled_at timestamp with time zone, queries integer, due_at timestamp with time zone, parked boolean) TO payout_worker;

REVOKE ALL ON FUNCTION payout.cancel(order_num text, reason text, merchant_code text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.cancel(order_num text, reason text, merchant_code text) TO payout_enqueuer;
GRANT ALL ON FUNCTION payout.cancel(order_num text, reason text, merchant_code text) TO payout_operator;

REVOKE ALL ON FUNCTION payout.carry_out(r payout.requests) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.carry_out_acceptance(r payout.requests) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.check_acceptance(old_primary_dead_since timestamp with time zone, query_first_for interval, set_aside boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.default_merchant() FROM PUBLIC;
GRANT ALL ON FUNCTION payout.default_merchant() TO payout_enqueuer;

GRANT SELECT ON TABLE payout.payouts TO payout_worker;

GRANT SELECT(merchant_code),INSERT(merchant_code) ON TABLE payout.payouts TO payout_enqueuer;

GRANT SELECT(order_num),INSERT(order_num) ON TABLE payout.payouts TO payout_enqueuer;

GRANT SELECT(state) ON TABLE payout.payouts TO payout_enqueuer;
GRANT UPDATE(state) ON TABLE payout.payouts TO payout_worker;

GRANT INSERT(amount) ON TABLE payout.payouts TO payout_enqueuer;

GRANT INSERT(fee_type) ON TABLE payout.payouts TO payout_enqueuer;

GRANT INSERT(bank_code) ON TABLE payout.payouts TO payout_enqueuer;

GRANT INSERT(account_number) ON TABLE payout.payouts TO payout_enqueuer;

GRANT INSERT(account_name) ON TABLE payout.payouts TO payout_enqueuer;

GRANT INSERT(description) ON TABLE payout.payouts TO payout_enqueuer;

GRANT INSERT(replaces) ON TABLE payout.payouts TO payout_enqueuer;

GRANT INSERT(not_before) ON TABLE payout.payouts TO payout_enqueuer;

GRANT INSERT(priority) ON TABLE payout.payouts TO payout_enqueuer;

GRANT INSERT(metadata) ON TABLE payout.payouts TO payout_enqueuer;

GRANT UPDATE(state_since) ON TABLE payout.payouts TO payout_worker;

GRANT UPDATE(last_seq) ON TABLE payout.payouts TO payout_worker;

GRANT UPDATE(attempt) ON TABLE payout.payouts TO payout_worker;

GRANT UPDATE(sends) ON TABLE payout.payouts TO payout_worker;

GRANT UPDATE(not_sent) ON TABLE payout.payouts TO payout_worker;

GRANT UPDATE(resubmits_granted) ON TABLE payout.payouts TO payout_worker;

GRANT UPDATE(send_by) ON TABLE payout.payouts TO payout_worker;

GRANT UPDATE(lease_until) ON TABLE payout.payouts TO payout_worker;

GRANT UPDATE(held) ON TABLE payout.payouts TO payout_worker;

GRANT UPDATE(fee) ON TABLE payout.payouts TO payout_worker;

GRANT UPDATE(platform_order_num) ON TABLE payout.payouts TO payout_worker;

GRANT UPDATE(called_back) ON TABLE payout.payouts TO payout_worker;

GRANT UPDATE(failure_reason) ON TABLE payout.payouts TO payout_worker;

GRANT UPDATE(attention_reasons) ON TABLE payout.payouts TO payout_worker;

GRANT UPDATE(attention_since) ON TABLE payout.payouts TO payout_worker;

GRANT UPDATE(declined_at) ON TABLE payout.payouts TO payout_worker;

GRANT UPDATE(proven_ours) ON TABLE payout.payouts TO payout_worker;

GRANT UPDATE(reaffirmed_at) ON TABLE payout.payouts TO payout_worker;

GRANT UPDATE(settled_at) ON TABLE payout.payouts TO payout_worker;

GRANT UPDATE(queries) ON TABLE payout.payouts TO payout_worker;

GRANT UPDATE(next_query_at) ON TABLE payout.payouts TO payout_worker;

GRANT UPDATE(later_look) ON TABLE payout.payouts TO payout_worker;

GRANT UPDATE(due_at) ON TABLE payout.payouts TO payout_worker;

GRANT UPDATE(parked) ON TABLE payout.payouts TO payout_worker;

REVOKE ALL ON FUNCTION payout.check_beneficiary(new payout.payouts) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.check_beneficiary(p payout.payouts, what text, words text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.check_confirmed(p payout.payouts, act text, confirm text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.xid_base() FROM PUBLIC;
GRANT ALL ON FUNCTION payout.xid_base() TO payout_reader;
GRANT ALL ON FUNCTION payout.xid_base() TO payout_operator;
GRANT ALL ON FUNCTION payout.xid_base() TO payout_worker;
GRANT ALL ON FUNCTION payout.xid_base() TO payout_enqueuer;
GRANT ALL ON FUNCTION payout.xid_base() TO payout_follower;

REVOKE ALL ON FUNCTION payout.current_xid() FROM PUBLIC;
GRANT ALL ON FUNCTION payout.current_xid() TO payout_worker;

GRANT SELECT ON TABLE payout.ledger TO payout_reader;
GRANT SELECT ON TABLE payout.ledger TO payout_operator;
GRANT SELECT ON TABLE payout.ledger TO payout_worker;

GRANT INSERT(merchant_code) ON TABLE payout.ledger TO payout_worker;

GRANT INSERT(kind) ON TABLE payout.ledger TO payout_worker;

GRANT INSERT(order_num) ON TABLE payout.ledger TO payout_worker;

GRANT INSERT(attempt) ON TABLE payout.ledger TO payout_worker;

GRANT INSERT(available) ON TABLE payout.ledger TO payout_worker;

GRANT INSERT(held) ON TABLE payout.ledger TO payout_worker;

GRANT INSERT(paid_out) ON TABLE payout.ledger TO payout_worker;

GRANT INSERT(fees) ON TABLE payout.ledger TO payout_worker;

GRANT INSERT(funding) ON TABLE payout.ledger TO payout_worker;

GRANT INSERT(reference) ON TABLE payout.ledger TO payout_worker;

GRANT INSERT(forced) ON TABLE payout.ledger TO payout_worker;

REVOKE ALL ON FUNCTION payout.check_funding(merchant text, amount numeric, reference text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.check_instruction() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.gateway_digest(dialect text, base_url text, platform_keys text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.gateway_digest(dialect text, base_url text, platform_keys text[]) TO payout_worker;

GRANT SELECT ON TABLE payout.merchants TO payout_reader;
GRANT SELECT ON TABLE payout.merchants TO payout_operator;
GRANT SELECT ON TABLE payout.merchants TO payout_worker;

REVOKE ALL ON FUNCTION payout.check_limits(amount numeric, merchant payout.merchants, order_num text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.check_lines() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.check_metadata(metadata jsonb, order_num text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.check_replacement(new payout.payouts) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.check_scope(scope text, value text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.check_whole(amount numeric, subject text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.check_words(what text, words text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.complete_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.completed_change(old payout.payouts, new payout.payouts) FROM PUBLIC;

GRANT SELECT ON TABLE payout.evidence TO payout_reader;
GRANT SELECT ON TABLE payout.evidence TO payout_operator;
GRANT SELECT ON TABLE payout.evidence TO payout_worker;

GRANT INSERT(merchant_code) ON TABLE payout.evidence TO payout_worker;

GRANT INSERT(order_num) ON TABLE payout.evidence TO payout_worker;

GRANT INSERT(attempt) ON TABLE payout.evidence TO payout_worker;

GRANT INSERT(source) ON TABLE payout.evidence TO payout_worker;

GRANT INSERT(kind) ON TABLE payout.evidence TO payout_worker;

GRANT INSERT(status) ON TABLE payout.evidence TO payout_worker;

GRANT INSERT(signed) ON TABLE payout.evidence TO payout_worker;

GRANT INSERT(bound) ON TABLE payout.evidence TO payout_worker;

GRANT INSERT(mismatch) ON TABLE payout.evidence TO payout_worker;

GRANT INSERT(doubt) ON TABLE payout.evidence TO payout_worker;

GRANT INSERT(proves) ON TABLE payout.evidence TO payout_worker;

GRANT INSERT(valid_from) ON TABLE payout.evidence TO payout_worker;

GRANT INSERT(refused) ON TABLE payout.evidence TO payout_worker;

GRANT INSERT(digest) ON TABLE payout.evidence TO payout_worker;

GRANT INSERT(detail),UPDATE(detail) ON TABLE payout.evidence TO payout_worker;

GRANT INSERT(times),UPDATE(times) ON TABLE payout.evidence TO payout_worker;

GRANT INSERT(first_at) ON TABLE payout.evidence TO payout_worker;

GRANT INSERT(last_at),UPDATE(last_at) ON TABLE payout.evidence TO payout_worker;

GRANT INSERT(query_sent_at),UPDATE(query_sent_at) ON TABLE payout.evidence TO payout_worker;

GRANT SELECT ON TABLE payout.policy TO payout_reader;
GRANT SELECT ON TABLE payout.policy TO payout_operator;
GRANT SELECT ON TABLE payout.policy TO payout_worker;

REVOKE ALL ON FUNCTION payout.is_repeated(e payout.evidence) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.confirmed_paid_at(p payout.payouts) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.continue_seq() FROM PUBLIC;
GRANT ALL ON FUNCTION payout.continue_seq() TO payout_operator;
GRANT ALL ON FUNCTION payout.continue_seq() TO payout_worker;

REVOKE ALL ON FUNCTION payout.contradictions() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.contrary_answers(p payout.payouts, act text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.named(wanted text, merchant text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.contrary_evidence(order_num text, outcome text, merchant_code text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.contrary_evidence(order_num text, outcome text, merchant_code text) TO payout_reader;
GRANT ALL ON FUNCTION payout.contrary_evidence(order_num text, outcome text, merchant_code text) TO payout_operator;

REVOKE ALL ON FUNCTION payout.contrary_to_paid(p payout.payouts) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.daily_since(daily_from time without time zone, daily_to time without time zone, at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.daily_since(daily_from time without time zone, daily_to time without time zone, at timestamp with time zone) TO payout_reader;
GRANT ALL ON FUNCTION payout.daily_since(daily_from time without time zone, daily_to time without time zone, at timestamp with time zone) TO payout_operator;
GRANT ALL ON FUNCTION payout.daily_since(daily_from time without time zone, daily_to time without time zone, at timestamp with time zone) TO payout_worker;
GRANT ALL ON FUNCTION payout.daily_since(daily_from time without time zone, daily_to time without time zone, at timestamp with time zone) TO payout_enqueuer;
GRANT ALL ON FUNCTION payout.daily_since(daily_from time without time zone, daily_to time without time zone, at timestamp with time zone) TO payout_follower;

REVOKE ALL ON FUNCTION payout.debit_idr(amount numeric, fee_type smallint, fee bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.debit_idr(amount numeric, fee_type smallint, fee bigint) TO payout_reader;
GRANT ALL ON FUNCTION payout.debit_idr(amount numeric, fee_type smallint, fee bigint) TO payout_operator;
GRANT ALL ON FUNCTION payout.debit_idr(amount numeric, fee_type smallint, fee bigint) TO payout_worker;
GRANT ALL ON FUNCTION payout.debit_idr(amount numeric, fee_type smallint, fee bigint) TO payout_enqueuer;
GRANT ALL ON FUNCTION payout.debit_idr(amount numeric, fee_type smallint, fee bigint) TO payout_follower;

REVOKE ALL ON FUNCTION payout.end_receiving() FROM PUBLIC;
GRANT ALL ON FUNCTION payout.end_receiving() TO payout_operator;

REVOKE ALL ON FUNCTION payout.enqueue(INOUT order_num text, amount numeric, fee_type bigint, bank_code numeric, account_number numeric, account_name text, merchant_code text, replaces text, description text, not_before timestamp with time zone, priority bigint, metadata jsonb, OUT state text, OUT created boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.enqueue(INOUT order_num text, amount numeric, fee_type bigint, bank_code numeric, account_number numeric, account_name text, merchant_code text, replaces text, description text, not_before timestamp with time zone, priority bigint, metadata jsonb, OUT state text, OUT created boolean) TO payout_enqueuer;

REVOKE ALL ON FUNCTION payout.enqueue(INOUT order_num text, amount numeric, fee_type bigint, bank_code numeric, account_number text, account_name text, merchant_code text, replaces text, description text, not_before timestamp with time zone, priority bigint, metadata jsonb, OUT state text, OUT created boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.enqueue(INOUT order_num text, amount numeric, fee_type bigint, bank_code numeric, account_number text, account_name text, merchant_code text, replaces text, description text, not_before timestamp with time zone, priority bigint, metadata jsonb, OUT state text, OUT created boolean) TO payout_enqueuer;

REVOKE ALL ON FUNCTION payout.enqueue(INOUT order_num text, amount numeric, fee_type bigint, bank_code text, account_number numeric, account_name text, merchant_code text, replaces text, description text, not_before timestamp with time zone, priority bigint, metadata jsonb, OUT state text, OUT created boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.enqueue(INOUT order_num text, amount numeric, fee_type bigint, bank_code text, account_number numeric, account_name text, merchant_code text, replaces text, description text, not_before timestamp with time zone, priority bigint, metadata jsonb, OUT state text, OUT created boolean) TO payout_enqueuer;

REVOKE ALL ON FUNCTION payout.enqueue(INOUT order_num text, amount numeric, fee_type bigint, bank_code text, account_number text, account_name text, merchant_code text, replaces text, description text, not_before timestamp with time zone, priority bigint, metadata jsonb, OUT state text, OUT created boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.enqueue(INOUT order_num text, amount numeric, fee_type bigint, bank_code text, account_number text, account_name text, merchant_code text, replaces text, description text, not_before timestamp with time zone, priority bigint, metadata jsonb, OUT state text, OUT created boolean) TO payout_enqueuer;

GRANT SELECT ON TABLE payout.required_evidence TO payout_reader;
GRANT SELECT ON TABLE payout.required_evidence TO payout_operator;
GRANT SELECT ON TABLE payout.required_evidence TO payout_worker;

REVOKE ALL ON FUNCTION payout.evidence_for(wanted text, merchant text, order_num text, this_xid bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.failed_elsewhere(merchant text, replaced text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.finish_request(id bigint, merchant_code text, order_num text, why text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.finish_request(id bigint, merchant_code text, order_num text, why text) TO payout_worker;

REVOKE ALL ON FUNCTION payout.forget_nothing() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.fund(merchant_code text, amount numeric, reference text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.fund(merchant_code text, amount numeric, reference text) TO payout_operator;

REVOKE ALL ON FUNCTION payout.fund_from_gateway(merchant_code text, amount bigint, reference text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.fund_from_gateway(merchant_code text, amount bigint, reference text) TO payout_worker;

REVOKE ALL ON FUNCTION payout.guard_accounts() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.guard_act() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.guard_addresses() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.guard_attempt() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.guard_changes() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.guard_claims() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.guard_evidence() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.guard_merchants() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.guard_removal() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.guard_request() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.guard_request_payout() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.has_fresh_proof(p payout.payouts, kind text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.hold_idr(amount numeric, fee_type smallint, fee_reserve bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.hold_idr(amount numeric, fee_type smallint, fee_reserve bigint) TO payout_reader;
GRANT ALL ON FUNCTION payout.hold_idr(amount numeric, fee_type smallint, fee_reserve bigint) TO payout_operator;
GRANT ALL ON FUNCTION payout.hold_idr(amount numeric, fee_type smallint, fee_reserve bigint) TO payout_worker;
GRANT ALL ON FUNCTION payout.hold_idr(amount numeric, fee_type smallint, fee_reserve bigint) TO payout_enqueuer;
GRANT ALL ON FUNCTION payout.hold_idr(amount numeric, fee_type smallint, fee_reserve bigint) TO payout_follower;

REVOKE ALL ON FUNCTION payout.holds_back_claim(reasons text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.holds_back_claim(reasons text[]) TO payout_worker;

REVOKE ALL ON FUNCTION payout.identity() FROM PUBLIC;
GRANT ALL ON FUNCTION payout.identity() TO payout_reader;
GRANT ALL ON FUNCTION payout.identity() TO payout_operator;
GRANT ALL ON FUNCTION payout.identity() TO payout_worker;

REVOKE ALL ON FUNCTION payout.insert_request(wanted payout.requests, payouts payout.payouts[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.next_seq() FROM PUBLIC;
GRANT ALL ON FUNCTION payout.next_seq() TO payout_worker;

GRANT SELECT ON TABLE payout.history TO payout_reader;
GRANT SELECT ON TABLE payout.history TO payout_operator;
GRANT SELECT ON TABLE payout.history TO payout_worker;

GRANT INSERT(merchant_code) ON TABLE payout.history TO payout_worker;

GRANT INSERT(order_num) ON TABLE payout.history TO payout_worker;

GRANT INSERT(event) ON TABLE payout.history TO payout_worker;

GRANT INSERT(from_state) ON TABLE payout.history TO payout_worker;

GRANT INSERT(to_state) ON TABLE payout.history TO payout_worker;

GRANT INSERT(source) ON TABLE payout.history TO payout_worker;

GRANT INSERT(attempt) ON TABLE payout.history TO payout_worker;

GRANT INSERT(detail) ON TABLE payout.history TO payout_worker;

REVOKE ALL ON FUNCTION payout.is_contradicted_since(p payout.payouts, act text, since timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.is_numbered_ahead() FROM PUBLIC;
GRANT ALL ON FUNCTION payout.is_numbered_ahead() TO payout_worker;

REVOKE ALL ON FUNCTION payout.is_plausible_fee(amount numeric, fee_type smallint, fee bigint, fee_reserve bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.is_plausible_fee(amount numeric, fee_type smallint, fee bigint, fee_reserve bigint) TO payout_reader;
GRANT ALL ON FUNCTION payout.is_plausible_fee(amount numeric, fee_type smallint, fee bigint, fee_reserve bigint) TO payout_operator;
GRANT ALL ON FUNCTION payout.is_plausible_fee(amount numeric, fee_type smallint, fee bigint, fee_reserve bigint) TO payout_worker;
GRANT ALL ON FUNCTION payout.is_plausible_fee(amount numeric, fee_type smallint, fee bigint, fee_reserve bigint) TO payout_enqueuer;
GRANT ALL ON FUNCTION payout.is_plausible_fee(amount numeric, fee_type smallint, fee bigint, fee_reserve bigint) TO payout_follower;

REVOKE ALL ON FUNCTION payout.trusted_after() FROM PUBLIC;
GRANT ALL ON FUNCTION payout.trusted_after() TO payout_worker;

GRANT SELECT ON TABLE payout.failover TO payout_reader;
GRANT SELECT ON TABLE payout.failover TO payout_operator;
GRANT SELECT,INSERT ON TABLE payout.failover TO payout_worker;

GRANT UPDATE(quiet_horizon) ON TABLE payout.failover TO payout_worker;

REVOKE ALL ON FUNCTION payout.is_proven_unsent(p payout.payouts) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.is_proven_unsent(p payout.payouts) TO payout_worker;

REVOKE ALL ON FUNCTION payout.is_receiving() FROM PUBLIC;
GRANT ALL ON FUNCTION payout.is_receiving() TO payout_reader;
GRANT ALL ON FUNCTION payout.is_receiving() TO payout_operator;
GRANT ALL ON FUNCTION payout.is_receiving() TO payout_worker;

GRANT SELECT ON TABLE payout.workers TO payout_reader;
GRANT SELECT ON TABLE payout.workers TO payout_operator;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE payout.workers TO payout_worker;

REVOKE ALL ON FUNCTION payout.is_running(w payout.workers) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.is_running(w payout.workers) TO payout_reader;
GRANT ALL ON FUNCTION payout.is_running(w payout.workers) TO payout_operator;
GRANT ALL ON FUNCTION payout.is_running(w payout.workers) TO payout_worker;
GRANT ALL ON FUNCTION payout.is_running(w payout.workers) TO payout_enqueuer;
GRANT ALL ON FUNCTION payout.is_running(w payout.workers) TO payout_follower;

REVOKE ALL ON FUNCTION payout.keep_order_num(merchant text, number text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.last_xid() FROM PUBLIC;

GRANT SELECT ON TABLE payout.act TO payout_reader;
GRANT SELECT ON TABLE payout.act TO payout_operator;
GRANT SELECT ON TABLE payout.act TO payout_worker;

REVOKE ALL ON FUNCTION payout.lock_addresses() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.locked(wanted text, merchant text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.longest_horizon() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.make_durable() FROM PUBLIC;
GRANT ALL ON FUNCTION payout.make_durable() TO payout_reader;
GRANT ALL ON FUNCTION payout.make_durable() TO payout_operator;
GRANT ALL ON FUNCTION payout.make_durable() TO payout_worker;
GRANT ALL ON FUNCTION payout.make_durable() TO payout_enqueuer;
GRANT ALL ON FUNCTION payout.make_durable() TO payout_follower;

REVOKE ALL ON FUNCTION payout.make_request(kind text, orders text[], merchant text, reason text, evidence text, stated bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.masked_name(name text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.masked_name(name text) TO payout_reader;
GRANT ALL ON FUNCTION payout.masked_name(name text) TO payout_operator;
GRANT ALL ON FUNCTION payout.masked_name(name text) TO payout_worker;
GRANT ALL ON FUNCTION payout.masked_name(name text) TO payout_enqueuer;
GRANT ALL ON FUNCTION payout.masked_name(name text) TO payout_follower;

REVOKE ALL ON FUNCTION payout.masked_number(digits text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.masked_number(digits text) TO payout_reader;
GRANT ALL ON FUNCTION payout.masked_number(digits text) TO payout_operator;
GRANT ALL ON FUNCTION payout.masked_number(digits text) TO payout_worker;
GRANT ALL ON FUNCTION payout.masked_number(digits text) TO payout_enqueuer;
GRANT ALL ON FUNCTION payout.masked_number(digits text) TO payout_follower;

REVOKE ALL ON FUNCTION payout.may_enqueue(merchant text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.may_notify() FROM PUBLIC;
GRANT ALL ON FUNCTION payout.may_notify() TO payout_worker;

REVOKE ALL ON FUNCTION payout.may_pay_again(merchant text, replaced text, inserted_at timestamp with time zone, OUT until timestamp with time zone, OUT why_not text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.may_pay_again(merchant text, replaced text, inserted_at timestamp with time zone, OUT until timestamp with time zone, OUT why_not text) TO payout_reader;
GRANT ALL ON FUNCTION payout.may_pay_again(merchant text, replaced text, inserted_at timestamp with time zone, OUT until timestamp with time zone, OUT why_not text) TO payout_operator;
GRANT ALL ON FUNCTION payout.may_pay_again(merchant text, replaced text, inserted_at timestamp with time zone, OUT until timestamp with time zone, OUT why_not text) TO payout_worker;

REVOKE ALL ON FUNCTION payout.merchant_of(given text, order_num text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.merchants_seen() FROM PUBLIC;
GRANT ALL ON FUNCTION payout.merchants_seen() TO payout_reader;
GRANT ALL ON FUNCTION payout.merchants_seen() TO payout_operator;
GRANT ALL ON FUNCTION payout.merchants_seen() TO payout_worker;
GRANT ALL ON FUNCTION payout.merchants_seen() TO payout_enqueuer;
GRANT ALL ON FUNCTION payout.merchants_seen() TO payout_follower;

GRANT SELECT ON TABLE payout.event TO payout_reader;
GRANT SELECT ON TABLE payout.event TO payout_operator;
GRANT SELECT ON TABLE payout.event TO payout_worker;

GRANT SELECT ON TABLE payout.transition TO payout_reader;
GRANT SELECT ON TABLE payout.transition TO payout_operator;
GRANT SELECT ON TABLE payout.transition TO payout_worker;

REVOKE ALL ON FUNCTION payout.move_in_history(merchant text, order_num text, from_state text, to_state text, after_seq bigint, seq bigint, this_xid bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.must_query_first() FROM PUBLIC;
GRANT ALL ON FUNCTION payout.must_query_first() TO payout_worker;

REVOKE ALL ON FUNCTION payout.not_queried_yet() FROM PUBLIC;
GRANT ALL ON FUNCTION payout.not_queried_yet() TO payout_reader;
GRANT ALL ON FUNCTION payout.not_queried_yet() TO payout_operator;

REVOKE ALL ON FUNCTION payout.note_clock_jump(by interval, compared_ago interval) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.note_clock_jump(by interval, compared_ago interval) TO payout_worker;

REVOKE ALL ON FUNCTION payout.note_failover(why text, lost text, seen_epoch integer) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.note_failover(why text, lost text, seen_epoch integer) TO payout_worker;

REVOKE ALL ON FUNCTION payout.notification_queue_usage() FROM PUBLIC;
GRANT ALL ON FUNCTION payout.notification_queue_usage() TO payout_worker;

REVOKE ALL ON FUNCTION payout.oldest_xid() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.open_against_newer_rules() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.original_in_doubt(merchant text, replaced text, OUT order_num text, OUT what text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.originals(merchant text, replaced text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.originals(merchant text, replaced text) TO payout_worker;

GRANT SELECT ON TABLE payout.attempts TO payout_reader;
GRANT SELECT ON TABLE payout.attempts TO payout_operator;
GRANT SELECT ON TABLE payout.attempts TO payout_worker;

GRANT INSERT(merchant_code) ON TABLE payout.attempts TO payout_worker;

GRANT INSERT(order_num) ON TABLE payout.attempts TO payout_worker;

GRANT INSERT(attempt) ON TABLE payout.attempts TO payout_worker;

GRANT INSERT(claimed_at) ON TABLE payout.attempts TO payout_worker;

GRANT INSERT(send_by) ON TABLE payout.attempts TO payout_worker;

GRANT INSERT(lease_until) ON TABLE payout.attempts TO payout_worker;

GRANT INSERT(quiet_until) ON TABLE payout.attempts TO payout_worker;

GRANT INSERT(worker) ON TABLE payout.attempts TO payout_worker;

GRANT INSERT(address) ON TABLE payout.attempts TO payout_worker;

GRANT INSERT(request_sha256) ON TABLE payout.attempts TO payout_worker;

GRANT INSERT(gateway) ON TABLE payout.attempts TO payout_worker;

GRANT INSERT(outcome),UPDATE(outcome) ON TABLE payout.attempts TO payout_worker;

GRANT INSERT(outcome_doubt),UPDATE(outcome_doubt) ON TABLE payout.attempts TO payout_worker;

GRANT INSERT(outcome_at),UPDATE(outcome_at) ON TABLE payout.attempts TO payout_worker;

REVOKE ALL ON FUNCTION payout.other_address(merchant text, order_num text, attempt integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.pause(scope text, value text, reason text, daily text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.pause(scope text, value text, reason text, daily text) TO payout_operator;

REVOKE ALL ON FUNCTION payout.quiet_until(p payout.payouts) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.quiet_until(p payout.payouts) TO payout_worker;

REVOKE ALL ON FUNCTION payout.rests_on_statement(p payout.payouts) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.rests_on_statement(p payout.payouts) TO payout_reader;
GRANT ALL ON FUNCTION payout.rests_on_statement(p payout.payouts) TO payout_operator;
GRANT ALL ON FUNCTION payout.rests_on_statement(p payout.payouts) TO payout_worker;

REVOKE ALL ON FUNCTION payout.return_is_reported(p payout.payouts) FROM PUBLIC;

GRANT SELECT ON TABLE payout.effect TO payout_reader;
GRANT SELECT ON TABLE payout.effect TO payout_operator;
GRANT SELECT ON TABLE payout.effect TO payout_worker;

REVOKE ALL ON FUNCTION payout.people_needed(act text, p payout.payouts, merchant_code text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.people_needed(act text, p payout.payouts, merchant_code text) TO payout_operator;

GRANT SELECT ON TABLE payout.request_payouts TO payout_reader;
GRANT SELECT ON TABLE payout.request_payouts TO payout_operator;
GRANT SELECT ON TABLE payout.request_payouts TO payout_worker;

GRANT UPDATE(taken_at) ON TABLE payout.request_payouts TO payout_worker;

REVOKE ALL ON FUNCTION payout.people_needed_for(r payout.requests) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.plain_words(words text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.post() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.query_originals(merchant text, replaced text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.refuse(order_num text, refusal text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.refuse_borrowed_session() FROM PUBLIC;
GRANT ALL ON FUNCTION payout.refuse_borrowed_session() TO payout_reader;
GRANT ALL ON FUNCTION payout.refuse_borrowed_session() TO payout_operator;
GRANT ALL ON FUNCTION payout.refuse_borrowed_session() TO payout_worker;
GRANT ALL ON FUNCTION payout.refuse_borrowed_session() TO payout_enqueuer;
GRANT ALL ON FUNCTION payout.refuse_borrowed_session() TO payout_follower;

REVOKE ALL ON FUNCTION payout.refuse_cancel_after_failover(p payout.payouts) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.refuse_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.refuse_late_approval() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.refuse_missing(order_num text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.refuse_new_instruction() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.refuse_old_snapshot() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.refuse_replicated() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.refuse_second_request(what text, other bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.refuse_unquoted() FROM PUBLIC;
GRANT ALL ON FUNCTION payout.refuse_unquoted() TO payout_enqueuer;

REVOKE ALL ON FUNCTION payout.reject(id bigint, reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.reject(id bigint, reason text) TO payout_operator;

REVOKE ALL ON FUNCTION payout.remove_address(r payout.requests) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.repeats_beneficiary(p payout.payouts, words text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.replay(order_num text, merchant_code text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.replay(order_num text, merchant_code text) TO payout_operator;

REVOKE ALL ON FUNCTION payout.request_act(kind text, merchant text, subject text, stated bigint, arguments jsonb, reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.request_address(address text, reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.request_address(address text, reason text) TO payout_operator;

REVOKE ALL ON FUNCTION payout.request_address_removal(address text, reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.request_address_removal(address text, reason text) TO payout_operator;

REVOKE ALL ON FUNCTION payout.request_cancel(order_num text, reason text, merchant_code text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.request_cancel(order_num text, reason text, merchant_code text) TO payout_operator;

REVOKE ALL ON FUNCTION payout.request_fund(merchant_code text, amount numeric, reference text, reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.request_fund(merchant_code text, amount numeric, reference text, reason text) TO payout_operator;

REVOKE ALL ON FUNCTION payout.request_receiving(reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.request_receiving(reason text) TO payout_operator;

REVOKE ALL ON FUNCTION payout.request_resolve_failed(order_num text, evidence text, reason text, merchant_code text, confirm text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.request_resolve_failed(order_num text, evidence text, reason text, merchant_code text, confirm text) TO payout_operator;

REVOKE ALL ON FUNCTION payout.request_resubmit(order_nums text[], reason text, merchant_code text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.request_resubmit(order_nums text[], reason text, merchant_code text) TO payout_operator;

REVOKE ALL ON FUNCTION payout.request_reveal(order_num text, reason text, merchant_code text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.request_reveal(order_num text, reason text, merchant_code text) TO payout_operator;

REVOKE ALL ON FUNCTION payout.reservation(merchant text, OUT order_num text, OUT hold bigint, OUT until timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.reservation(merchant text, OUT order_num text, OUT hold bigint, OUT until timestamp with time zone) TO payout_reader;
GRANT ALL ON FUNCTION payout.reservation(merchant text, OUT order_num text, OUT hold bigint, OUT until timestamp with time zone) TO payout_operator;
GRANT ALL ON FUNCTION payout.reservation(merchant text, OUT order_num text, OUT hold bigint, OUT until timestamp with time zone) TO payout_worker;

REVOKE ALL ON FUNCTION payout.resolve(order_num text, outcome text, evidence text, reason text, merchant_code text, stated bigint, confirm text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.resolve(order_num text, outcome text, evidence text, reason text, merchant_code text, stated bigint, confirm text) TO payout_operator;

REVOKE ALL ON FUNCTION payout.resubmit_proof(order_num text, merchant_code text, OUT quiet_until timestamp with time zone, OUT not_found integer, OUT first_at timestamp with time zone, OUT last_at timestamp with time zone, OUT refusal text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.resubmit_proof(order_num text, merchant_code text, OUT quiet_until timestamp with time zone, OUT not_found integer, OUT first_at timestamp with time zone, OUT last_at timestamp with time zone, OUT refusal text) TO payout_reader;
GRANT ALL ON FUNCTION payout.resubmit_proof(order_num text, merchant_code text, OUT quiet_until timestamp with time zone, OUT not_found integer, OUT first_at timestamp with time zone, OUT last_at timestamp with time zone, OUT refusal text) TO payout_operator;
GRANT ALL ON FUNCTION payout.resubmit_proof(order_num text, merchant_code text, OUT quiet_until timestamp with time zone, OUT not_found integer, OUT first_at timestamp with time zone, OUT last_at timestamp with time zone, OUT refusal text) TO payout_worker;

REVOKE ALL ON FUNCTION payout.resubmit_turn(request_id bigint, merchant text, OUT known text, OUT awaited text, OUT only_one text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.resubmit_turn(request_id bigint, merchant text, OUT known text, OUT awaited text, OUT only_one text) TO payout_worker;

REVOKE ALL ON FUNCTION payout.resume(scope text, value text, reason text, daily boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.resume(scope text, value text, reason text, daily boolean) TO payout_operator;

REVOKE ALL ON FUNCTION payout.reveal(order_num text, merchant_code text, OUT account_number text, OUT account_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.reveal(order_num text, merchant_code text, OUT account_number text, OUT account_name text) TO payout_operator;

REVOKE ALL ON FUNCTION payout.rules_version() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.same_instruction(a payout.payouts, b payout.payouts) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.schedule_originals(merchant text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.schedule_originals(merchant text) TO payout_worker;

GRANT SELECT ON TABLE payout.attention_reason TO payout_reader;
GRANT SELECT ON TABLE payout.attention_reason TO payout_operator;
GRANT SELECT ON TABLE payout.attention_reason TO payout_worker;

GRANT SELECT ON TABLE payout.pause_rules TO payout_reader;
GRANT SELECT ON TABLE payout.pause_rules TO payout_operator;
GRANT SELECT ON TABLE payout.pause_rules TO payout_worker;

GRANT SELECT ON TABLE payout.pauses TO payout_reader;
GRANT SELECT ON TABLE payout.pauses TO payout_operator;
GRANT SELECT ON TABLE payout.pauses TO payout_worker;

GRANT SELECT ON TABLE payout.worker_claims TO payout_reader;
GRANT SELECT ON TABLE payout.worker_claims TO payout_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE payout.worker_claims TO payout_worker;

GRANT SELECT ON TABLE payout.claims TO payout_reader;
GRANT SELECT ON TABLE payout.claims TO payout_operator;
GRANT SELECT ON TABLE payout.claims TO payout_worker;

REVOKE ALL ON FUNCTION payout.standstill() FROM PUBLIC;
GRANT ALL ON FUNCTION payout.standstill() TO payout_reader;
GRANT ALL ON FUNCTION payout.standstill() TO payout_operator;
GRANT ALL ON FUNCTION payout.standstill() TO payout_worker;
GRANT ALL ON FUNCTION payout.standstill() TO payout_enqueuer;
GRANT ALL ON FUNCTION payout.standstill() TO payout_follower;

REVOKE ALL ON FUNCTION payout.state_fee(p payout.payouts, r payout.requests) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.two_have_approved(p payout.payouts, act text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.uphold(p payout.payouts, r payout.requests) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.use_request(p payout.payouts, event text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.waits_for(p payout.payouts, standstill jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.waits_for(p payout.payouts, standstill jsonb) TO payout_reader;
GRANT ALL ON FUNCTION payout.waits_for(p payout.payouts, standstill jsonb) TO payout_operator;
GRANT ALL ON FUNCTION payout.waits_for(p payout.payouts, standstill jsonb) TO payout_worker;
GRANT ALL ON FUNCTION payout.waits_for(p payout.payouts, standstill jsonb) TO payout_enqueuer;
GRANT ALL ON FUNCTION payout.waits_for(p payout.payouts, standstill jsonb) TO payout_follower;

REVOKE ALL ON FUNCTION payout.waits_for_originals(p payout.payouts) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.wake(channel text, payload text) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.wake(channel text, payload text) TO payout_worker;

REVOKE ALL ON FUNCTION payout.whole_pages_by() FROM PUBLIC;
GRANT ALL ON FUNCTION payout.whole_pages_by() TO payout_reader;
GRANT ALL ON FUNCTION payout.whole_pages_by() TO payout_operator;
GRANT ALL ON FUNCTION payout.whole_pages_by() TO payout_worker;

REVOKE ALL ON FUNCTION payout.why_no_move(merchant text, order_num text, attempt integer, to_state text, steps integer[], event text, proven_by text, this_xid bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.why_no_change(merchant text, order_num text, attempt integer, from_state text, to_state text, held_is_in_ledger boolean, steps integer[], changes_seq boolean, booked text, event text, posting text, proven_by text, this_xid bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.why_no_resolve(p payout.payouts, kind text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.why_no_resubmit(p payout.payouts) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.why_no_send(p payout.payouts, merchant text, order_num text, attempt integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.why_no_sends() FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.why_not_its_turn(p payout.payouts, request_id bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.why_not_removed(address text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.wib_day(at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION payout.wib_day(at timestamp with time zone) TO payout_reader;
GRANT ALL ON FUNCTION payout.wib_day(at timestamp with time zone) TO payout_operator;
GRANT ALL ON FUNCTION payout.wib_day(at timestamp with time zone) TO payout_worker;
GRANT ALL ON FUNCTION payout.wib_day(at timestamp with time zone) TO payout_enqueuer;
GRANT ALL ON FUNCTION payout.wib_day(at timestamp with time zone) TO payout_follower;

REVOKE ALL ON FUNCTION payout.with_attention(old payout.payouts, new payout.payouts, event text) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.with_worker_columns(p payout.payouts) FROM PUBLIC;

REVOKE ALL ON FUNCTION payout.withdraw(p payout.payouts, reason text) FROM PUBLIC;

GRANT SELECT ON TABLE payout.accounts TO payout_reader;
GRANT SELECT ON TABLE payout.accounts TO payout_operator;
GRANT SELECT ON TABLE payout.accounts TO payout_worker;

GRANT UPDATE(available) ON TABLE payout.accounts TO payout_worker;

GRANT SELECT ON TABLE payout.all_events TO payout_reader;
GRANT SELECT ON TABLE payout.all_events TO payout_operator;
GRANT SELECT ON TABLE payout.all_events TO payout_worker;

GRANT SELECT ON TABLE payout.all_status TO payout_reader;
GRANT SELECT ON TABLE payout.all_status TO payout_operator;
GRANT SELECT ON TABLE payout.all_status TO payout_worker;

GRANT SELECT ON TABLE payout.operator_acts TO payout_reader;
GRANT SELECT ON TABLE payout.operator_acts TO payout_operator;
GRANT SELECT ON TABLE payout.operator_acts TO payout_worker;

GRANT SELECT ON TABLE payout.audit TO payout_reader;
GRANT SELECT ON TABLE payout.audit TO payout_operator;
GRANT SELECT ON TABLE payout.audit TO payout_worker;

GRANT SELECT ON TABLE payout.balances TO payout_reader;
GRANT SELECT ON TABLE payout.balances TO payout_operator;
GRANT SELECT ON TABLE payout.balances TO payout_worker;

GRANT SELECT ON TABLE payout.clock TO payout_reader;
GRANT SELECT ON TABLE payout.clock TO payout_operator;
GRANT SELECT ON TABLE payout.clock TO payout_worker;

GRANT UPDATE(compared_at) ON TABLE payout.clock TO payout_worker;

GRANT SELECT ON TABLE payout.daily_balances TO payout_reader;
GRANT SELECT ON TABLE payout.daily_balances TO payout_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE payout.daily_balances TO payout_worker;

GRANT SELECT,INSERT ON TABLE payout.day_sums TO payout_worker;

GRANT SELECT ON TABLE payout.enqueuers TO payout_worker;

GRANT SELECT ON TABLE payout.events TO payout_follower;
GRANT SELECT ON TABLE payout.events TO payout_enqueuer;
GRANT SELECT ON TABLE payout.events TO payout_reader;
GRANT SELECT ON TABLE payout.events TO payout_operator;
GRANT SELECT ON TABLE payout.events TO payout_worker;

GRANT SELECT ON TABLE payout.gateway_balance TO payout_reader;
GRANT SELECT ON TABLE payout.gateway_balance TO payout_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE payout.gateway_balance TO payout_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE payout.ledger_sums TO payout_worker;

GRANT SELECT,UPDATE ON TABLE payout.ledger_sums_cursor TO payout_worker;

GRANT SELECT ON TABLE payout.masked TO payout_reader;
GRANT SELECT ON TABLE payout.masked TO payout_operator;
GRANT SELECT ON TABLE payout.masked TO payout_worker;

GRANT SELECT ON TABLE payout.movements TO payout_reader;
GRANT SELECT ON TABLE payout.movements TO payout_operator;
GRANT SELECT ON TABLE payout.movements TO payout_worker;

GRANT SELECT ON TABLE payout.movements_by_day TO payout_reader;
GRANT SELECT ON TABLE payout.movements_by_day TO payout_operator;
GRANT SELECT ON TABLE payout.movements_by_day TO payout_worker;

GRANT SELECT ON TABLE payout.notices TO payout_reader;
GRANT SELECT ON TABLE payout.notices TO payout_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE payout.notices TO payout_worker;

GRANT SELECT ON TABLE payout.numbered_for TO payout_worker;

GRANT SELECT ON TABLE payout.order_nums TO payout_worker;

GRANT SELECT ON TABLE payout.query_budget TO payout_reader;
GRANT SELECT ON TABLE payout.query_budget TO payout_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE payout.query_budget TO payout_worker;

GRANT SELECT ON TABLE payout.receiving TO payout_reader;
GRANT SELECT ON TABLE payout.receiving TO payout_operator;
GRANT SELECT ON TABLE payout.receiving TO payout_worker;

GRANT SELECT ON TABLE payout.refused_balances TO payout_reader;
GRANT SELECT ON TABLE payout.refused_balances TO payout_operator;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE payout.refused_balances TO payout_worker;

GRANT SELECT ON TABLE payout.state TO payout_reader;
GRANT SELECT ON TABLE payout.state TO payout_operator;
GRANT SELECT ON TABLE payout.state TO payout_worker;

GRANT SELECT ON TABLE payout.status TO payout_follower;
GRANT SELECT ON TABLE payout.status TO payout_enqueuer;
GRANT SELECT ON TABLE payout.status TO payout_reader;
GRANT SELECT ON TABLE payout.status TO payout_operator;
GRANT SELECT ON TABLE payout.status TO payout_worker;

GRANT SELECT ON TABLE payout.totals TO payout_reader;
GRANT SELECT ON TABLE payout.totals TO payout_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE payout.totals TO payout_worker;

GRANT SELECT,UPDATE ON TABLE payout.totals_cursor TO payout_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE payout.unmatched_callbacks TO payout_worker;

GRANT SELECT(order_num) ON TABLE payout.unmatched_callbacks TO payout_reader;
GRANT SELECT(order_num) ON TABLE payout.unmatched_callbacks TO payout_operator;

GRANT SELECT(times) ON TABLE payout.unmatched_callbacks TO payout_reader;
GRANT SELECT(times) ON TABLE payout.unmatched_callbacks TO payout_operator;

GRANT SELECT(first_at) ON TABLE payout.unmatched_callbacks TO payout_reader;
GRANT SELECT(first_at) ON TABLE payout.unmatched_callbacks TO payout_operator;

GRANT SELECT(last_at) ON TABLE payout.unmatched_callbacks TO payout_reader;
GRANT SELECT(last_at) ON TABLE payout.unmatched_callbacks TO payout_operator;

GRANT SELECT ON TABLE payout.whole_pages TO payout_reader;
GRANT SELECT ON TABLE payout.whole_pages TO payout_operator;
GRANT SELECT ON TABLE payout.whole_pages TO payout_worker;

