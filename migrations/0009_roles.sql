-- Five roles without a login, and every grant. Grant the roles to your logins. Roles are shared by all databases of a
-- server.

do $$
declare
    wanted text;
begin
    foreach wanted in array array['payout_enqueuer', 'payout_follower', 'payout_reader', 'payout_operator', 'payout_worker'] loop
        if not exists (select from pg_catalog.pg_roles where rolname = wanted) then
            begin
                execute format('create role %I nologin', wanted);
            exception when duplicate_object or unique_violation then
                null;  -- another migration on this server created it first
            end;
        end if;
    end loop;
end $$;

-- Functions are executable by everyone by default; these are not.
revoke all on all functions in schema payout from public;
grant usage on schema payout to payout_enqueuer, payout_follower, payout_reader, payout_operator, payout_worker;

---- Enqueuer: inserts payouts, withdraws them, reads what a follower reads

grant insert (order_num, merchant_code, amount, fee_type, bank_code, account_number, account_name, description,
              replaces, not_before, priority, metadata),
      select (order_num, merchant_code, state) on payout.payouts to payout_enqueuer;
grant execute on function payout.refuse_unquoted(), payout.default_merchant(), payout.cancel(text, text, text)
    to payout_enqueuer;

do $$
declare
    enqueue regprocedure;
begin
    for enqueue in select oid::regprocedure from pg_catalog.pg_proc
                   where pronamespace = 'payout'::regnamespace and proname = 'enqueue' loop
        execute format('grant execute on function %s to payout_enqueuer', enqueue);
    end loop;
end $$;

---- Follower: reads what becomes of the payouts of its merchants, and no balance

grant select on payout.status, payout.events, payout.banks to payout_follower, payout_enqueuer;

---- Reader and operator: read everything but personal data

grant select on payout.status, payout.all_status, payout.events, payout.all_events, payout.balances, payout.movements, payout.movements_by_day, payout.masked, payout.audit, payout.banks, payout.state,
                payout.event, payout.transition, payout.required_evidence, payout.attention_reason, payout.policy,
                payout.effect, payout.act, payout.merchants, payout.ledger, payout.gateway_balance, payout.daily_balances, payout.attempts,
                payout.evidence, payout.history, payout.accounts, payout.totals, payout.requests,
                payout.request_payouts, payout.operator_acts, payout.pauses, payout.pause_rules, payout.failover, payout.receiving, payout.whole_pages, payout.addresses,
                payout.refused_balances, payout.clock, payout.workers, payout.worker_claims, payout.claims, payout.notices,
                payout.query_budget
    to payout_reader, payout_operator;
grant select (order_num, times, first_at, last_at) on payout.unmatched_callbacks to payout_reader, payout_operator;
grant execute on function payout.identity(), payout.resubmit_proof(text, text), payout.login_oid(),
                          payout.rests_on_statement(payout.payouts), payout.contrary_evidence(text, text, text), payout.is_receiving(), payout.whole_pages_by(),
                          payout.not_queried_yet(), payout.may_pay_again(text, text, timestamptz)
    to payout_reader, payout_operator;

grant execute on function payout.reservation(text), payout.age_class(timestamptz),
                          payout.bank_label(text)
    to payout_reader, payout_operator, payout_worker;

---- Operator: acts

grant execute on function payout.cancel(text, text, text), payout.replay(text, text),
                          payout.fund(text, numeric, text), payout.request_fund, payout.request_cancel,
                          payout.request_reveal, payout.people_needed, payout.request_resubmit, payout.request_resolve_failed,
                          payout.request_address, payout.request_address_removal, payout.resolve, payout.approve, payout.reject, payout.pause,
                          payout.resume, payout.reveal, payout.accept_failover, payout.continue_seq(),
                          payout.request_receiving, payout.approve_receiving, payout.end_receiving, payout.accept_full_pages_off
    to payout_operator;

---- Worker: writes evidence and what follows from it

grant select on all tables in schema payout to payout_worker;
-- Not the columns that say who wrote a row, when, in which transaction and in which order.
do $$
declare
    granted record;
begin
    for granted in
        select a.attrelid::regclass as name, string_agg(quote_ident(a.attname), ', ') as columns
        from pg_catalog.pg_attribute a
        where a.attrelid in ('payout.attempts'::regclass, 'payout.evidence'::regclass, 'payout.history'::regclass,
                             'payout.ledger'::regclass)
          and a.attnum > 0 and not a.attisdropped and a.attname not in ('id', 'seq', 'xid', 'at', 'actor', 'funded_by')
        group by a.attrelid
    loop
        execute format('grant insert (%s) on %s to payout_worker', granted.columns, granted.name);
    end loop;
end $$;
grant insert on payout.gateway_balance, payout.daily_balances, payout.refused_balances, payout.query_budget, payout.unmatched_callbacks,
                payout.totals, payout.ledger_sums, payout.day_sums, payout.failover, payout.notices, payout.workers, payout.worker_claims to payout_worker;
grant update (state, state_since, last_seq, attempt, sends, not_sent, resubmits_granted, send_by, lease_until, held,
              fee, platform_order_num, called_back, failure_reason, attention_reasons, attention_since, declined_at, proven_ours,
              reaffirmed_at, settled_at, queries, next_query_at, later_look, due_at, parked) on payout.payouts to payout_worker;
grant update (outcome, outcome_doubt, outcome_at) on payout.attempts to payout_worker;
grant update (times, last_at, detail, query_sent_at) on payout.evidence to payout_worker;
grant update on payout.gateway_balance, payout.daily_balances, payout.refused_balances, payout.query_budget, payout.unmatched_callbacks, payout.totals,
                payout.totals_cursor, payout.ledger_sums, payout.ledger_sums_cursor, payout.notices, payout.workers, payout.worker_claims to payout_worker;
grant update (taken_at) on payout.request_payouts to payout_worker;
grant update (quiet_horizon) on payout.failover to payout_worker;
grant update (compared_at) on payout.clock to payout_worker;
-- For `for no key update` on an account: a claim locks the balance while it decides what is covered.
grant update (available) on payout.accounts to payout_worker;
grant delete on payout.unmatched_callbacks, payout.refused_balances, payout.workers to payout_worker;
grant execute on function payout.gateway_digest(text, text, text[]), payout.current_xid(), payout.is_numbered_ahead(),
                          payout.next_seq(), payout.continue_seq(), payout.identity(), payout.must_query_first(), payout.is_receiving(), payout.whole_pages_by(),
                          payout.is_proven_unsent(payout.payouts), payout.note_failover(text, text, int),
                          payout.holds_back_claim(text[]), payout.rests_on_statement(payout.payouts), payout.trusted_after(), payout.quiet_until(payout.payouts),
                          payout.begin_clock_watch(), payout.note_clock_jump(interval, interval), payout.resubmit_proof(text, text),
                          payout.as_detail(payout.requests), payout.resubmit_turn(bigint, text), payout.finish_request, payout.wake(text, text), payout.may_notify(), payout.notification_queue_usage(),
                          payout.fund_from_gateway(text, bigint, text),
                          payout.originals(text, text), payout.may_pay_again(text, text, timestamptz),
                          payout.schedule_originals(text), payout.broken_constraint
    to payout_worker;

---- All

-- Also at the commit of an act, which runs as the login.
grant execute on function payout.make_durable(), payout.refuse_borrowed_session()
    to payout_reader, payout_operator, payout_worker, payout_enqueuer, payout_follower;
grant execute on function payout.merchants_seen(), payout.waits_for(payout.payouts, jsonb), payout.standstill(), payout.wib_day(timestamptz), payout.is_running(payout.workers), payout.daily_since(time, time, timestamptz), payout.xid_base(), payout.masked_number(text), payout.masked_name(text), payout.hold_idr(numeric, smallint, bigint),
                          payout.debit_idr(numeric, smallint, bigint), payout.beneficiary_idr(numeric, smallint, bigint),
                          payout.is_plausible_fee(numeric, smallint, bigint, bigint)
    to payout_reader, payout_operator, payout_worker, payout_enqueuer, payout_follower;

-- Lets `payout doctor` tell an operator too whether the schema matches the program. The migrator owns the table.
do $$ begin
    if to_regclass('payout._sqlx_migrations') is not null then
        grant select on payout._sqlx_migrations to payout_reader, payout_operator;
    end if;
end $$;
