-- Runs a statement to its end, with the checks that wait for a commit.
create function plans.run(statement text) returns void language plpgsql as $$
begin
    execute statement;
    set constraints all immediate;
end $$;

-- Prepares a statement in this session, unless it is, and plans one execution. Returns that execution. `args` are
-- expressions.
create function plans.plan(name text, statement text, types text[], args text[], out call text, out plan json)
language plpgsql as $$
declare
    value text;
    given text[] := '{}';
begin
    if not exists (select from pg_prepared_statements p where p.name = plan.name) then
        execute format('prepare %I%s as %s', name, coalesce('(' || nullif(array_to_string(types, ', '), '') || ')', ''), statement);
    end if;
    for i in 1 .. cardinality(args) loop
        execute format('select (%s)::%s::text', args[i], types[i]) into value;
        given := given || quote_nullable(value);
    end loop;
    call := format('execute %I%s', name, coalesce('(' || nullif(array_to_string(given, ', '), '') || ')', ''));
    execute 'explain (format json) ' || call into plan;
end $$;

-- Measures one execution of a statement, with all that its triggers and functions read.
create function plans.measure(name text, statement text, types text[], args text[], out cost bigint, out buffers bigint,
                              out plan json) language plpgsql as $$
declare
    value text;
    call text;
begin
    select p.call, p.plan into call, plan from plans.plan(name, statement, types, args) p;
    -- Without what Postgres adds for each node that a setting discourages.
    cost := mod((plan -> 0 -> 'Plan' ->> 'Total Cost')::numeric, 1e10);
    execute 'explain (analyze, buffers, format json) select plans.run(' || quote_literal(call) || ')' into strict value;
    buffers := (value::json -> 0 -> 'Plan' ->> 'Shared Hit Blocks')::bigint + (value::json -> 0 -> 'Plan' ->> 'Shared Read Blocks')::bigint;
end $$;
