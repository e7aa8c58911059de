-- Four roles without login; grant them to your logins. Roles are shared by all databases of a server.

do $$
declare
    wanted text;
begin
    foreach wanted in array array['payout_enqueuer', 'payout_reader', 'payout_operator', 'payout_worker'] loop
        if not exists (select from pg_catalog.pg_roles where rolname = wanted) then
            begin
                execute format('create role %I nologin', wanted);
            exception when duplicate_object or unique_violation then
                null;  -- another migration on this server was faster
            end;
        end if;
    end loop;
end $$;

revoke all on all functions in schema payout from public;
grant usage on schema payout to payout_enqueuer, payout_reader, payout_operator, payout_worker;

grant insert (order_num, merchant_code, amount, fee_type, bank_code, account_number, account_name, description,
              replaces, not_before, priority, metadata),
      select (order_num, merchant_code, state) on payout.payouts to payout_enqueuer;
grant select on payout.status, payout.banks to payout_enqueuer;

grant select on payout.status, payout.events, payout.balances, payout.masked, payout.banks, payout.state,
                payout.transition, payout.merchants, payout.ledger, payout.gateway_balance, payout.attempts,
                payout.evidence, payout.history, payout.accounts
    to payout_reader, payout_operator;

grant select (order_num, times, first_at, last_at) on payout.unmatched_callbacks to payout_reader, payout_operator;

grant select on all tables in schema payout to payout_worker;
grant insert on payout.attempts, payout.evidence, payout.history, payout.ledger, payout.gateway_balance,
                payout.query_budget, payout.unmatched_callbacks to payout_worker;
grant update (state, state_since, last_seq, attempt, sends, not_sent, resubmits_granted, send_by, lease_until, held,
              fee, platform_order_num, failure_reason, attention, attention_since, declined_at, proven_ours,
              reaffirmed_at, settled_at, queries, next_query_at, due_at, parked) on payout.payouts to payout_worker;
grant update (outcome, outcome_at) on payout.attempts to payout_worker;
grant update (times, last_at, detail, query_sent_at) on payout.evidence to payout_worker;
grant update on payout.gateway_balance, payout.query_budget, payout.unmatched_callbacks to payout_worker;
grant delete on payout.unmatched_callbacks to payout_worker;
-- `for update` on an account: the claim holds the balance still while it decides what is covered.
grant update (available) on payout.accounts to payout_worker;

do $$
declare
    enqueue regprocedure;
begin
    for enqueue in select oid::regprocedure from pg_catalog.pg_proc
                   where pronamespace = 'payout'::regnamespace and proname = 'enqueue' loop
        execute format('grant execute on function %s to payout_enqueuer', enqueue);
    end loop;
end $$;

grant execute on function payout.refuse_unquoted(), payout.cancel(text, text, text) to payout_enqueuer;
grant execute on function payout.cancel(text, text, text), payout.replay(text, text),
                          payout.fund(text, numeric, text) to payout_operator;
grant execute on function payout.next_seq(), payout.is_evidenced(text, text, text) to payout_worker;
grant execute on function payout.continue_seq() to payout_worker, payout_operator;
grant execute on function payout.masked_number(text), payout.masked_name(text)
    to payout_reader, payout_operator, payout_worker, payout_enqueuer;
