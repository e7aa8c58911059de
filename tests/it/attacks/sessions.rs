//! Functions that run in the session of another. A superuser, or autovacuum, maintains a table, and Postgres runs the
//! functions of its indexes as the table's owner, but with the superuser as `session_user`.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::support::{database::Database, refusal::Refusal};

/// What a superuser does to other people's tables, each of which runs their functions.
const MAINTENANCE: [&str; 7] = [
    "analyze trap.numbers",
    "vacuum (analyze) trap.numbers",
    "reindex table trap.numbers",
    "create index on trap.numbers ((trap.harmless(x) + 1))",
    "cluster trap.numbers using numbers_harmless_idx",
    "vacuum (full) trap.numbers",
    "refresh materialized view trap.report",
];

async fn run(db: &mut PgConnection, statements: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
        .execute(db)
        .await
        .map(drop)
}

/// Two merchants, a payout of each, and a login that owns a schema with a trap.
struct Trap {
    database: Database,
    owner: String,
    session: PgConnection,
}

impl Trap {
    /// Lays the trap: whatever maintains its table, or refreshes its view, runs [`Self::bait`].
    async fn of_a(role: &str) -> Self {
        let database = Database::fresh().await;
        for merchant in ["M1", "M2"] {
            database.register_merchant(merchant).await;
            database.fund(merchant, 1_000_000).await;
            database.run(&insert(merchant, "INV-1")).await;
        }
        let owner = database.login(&[role]).await;
        database
            .run(&format!(
                "insert into payout.enqueuers values ('{owner}', 'M2'); create schema trap authorization {owner}"
            ))
            .await;
        let mut session = database.connect_as(&owner).await;
        run(
            &mut session,
            "create table trap.loot (said text);
             create function trap.spring(x int) returns int language sql as 'select x';
             create function trap.harmless(x int) returns int immutable language plpgsql as
                 'begin return trap.spring(x); end';
             create table trap.numbers (x int);
             create index on trap.numbers (trap.harmless(x));
             create statistics trap.expression on (trap.harmless(x) * 2) from trap.numbers;
             insert into trap.numbers select generate_series(1, 3);
             create materialized view trap.report as select trap.spring(1)",
        )
        .await
        .unwrap();
        Self {
            database,
            owner,
            session,
        }
    }

    /// From now on the trap runs `deed`, an expression, once for each command, and keeps what it returns or how it failed.
    async fn bait(&mut self, deed: &str) {
        let owner = &self.owner;
        let spring = format!(
            "create or replace function trap.spring(x int) returns int language plpgsql as $spring$
             begin
                 if session_user = '{owner}' or exists (select from trap.loot) then
                     return x;
                 end if;
                 begin
                     set constraints all immediate;
                     insert into trap.loot select coalesce(({deed})::text, 'done');
                     set constraints all immediate;
                 exception when others then
                     insert into trap.loot values (sqlstate || ' ' || sqlerrm);
                 end;
                 return x;
             end $spring$"
        );
        run(&mut self.session, &spring).await.unwrap();
    }

    /// What the trap brought in when a superuser ran this command.
    async fn loot_of(&self, command: &str) -> String {
        self.database.run("truncate trap.loot").await;
        self.database.run(command).await;
        self.database
            .text("select string_agg(said, '; ') from trap.loot")
            .await
    }

    /// Everything in the database that a deed could have changed.
    async fn everything(&self) -> String {
        self.database
            .text(
                "select concat_ws(E'\\n', (select string_agg(p::text, ' ' order by merchant_code, order_num) from payout.payouts p),
                                  (select string_agg(r::text, ' ' order by id) from payout.requests r),
                                  (select string_agg(o::text, ' ' order by id) from payout.operator_acts o),
                                  (select string_agg(h::text, ' ' order by seq) from payout.history h),
                                  (select string_agg(l::text, ' ' order by id) from payout.ledger l),
                                  (select string_agg(e::text, ' ' order by id) from payout.evidence e),
                                  (select string_agg(z::text, ' ') from payout.pauses z))",
            )
            .await
    }

    /// Tries a deed under this command; it is refused, and changes nothing.
    async fn refuses(&mut self, command: &str, deed: &str) {
        self.bait(deed).await;
        let before = self.everything().await;
        let loot = self.loot_of(command).await;
        assert!(
            loot.starts_with("PW033 ") && loot.contains("session of another"),
            "{command}: {deed}: {loot}"
        );
        assert_eq!(self.everything().await, before, "{command}: {deed}");
    }
}

fn insert(merchant: &str, order_num: &str) -> String {
    format!(
        "insert into payout.payouts (merchant_code, order_num, amount, fee_type, bank_code, account_number, account_name)
         values ('{merchant}', '{order_num}', 1000, 0, '014', '0012345678', 'Siti Rahayu')"
    )
}

/// A function of the trap's owner that runs a statement, for a deed.
async fn as_function(trap: &mut Trap, statement: &str) {
    let function = format!(
        "create function trap.statement() returns void language plpgsql as $statement$ begin {statement}; end $statement$"
    );
    run(&mut trap.session, &function).await.unwrap();
}

#[tokio::test]
async fn an_enqueuer_gets_nothing_of_another_merchant_out_of_a_superusers_maintenance() {
    let mut trap = Trap::of_a("payout_enqueuer").await;
    as_function(&mut trap, &insert("M1", "STOLEN-1")).await;
    let deeds = [
        "select trap.statement()",
        "select payout.enqueue('STOLEN-2', 1000, 0, '014', '0012345678', 'Siti Rahayu', 'M1')",
        "select string_agg(merchant_code || order_num, ' ') from payout.status",
        "select payout.cancel('INV-1', 'x', 'M1')",
        // Its own merchant's too: the record would name the superuser.
        "select payout.cancel('INV-1', 'x', 'M2')",
    ];
    for command in MAINTENANCE {
        for deed in deeds {
            trap.refuses(command, deed).await;
        }
    }
}

/// The requester cannot lend the superuser's name to the approval, and no act is recorded under it.
#[tokio::test]
async fn an_operator_acts_under_no_other_name_in_a_superusers_maintenance() {
    let mut trap = Trap::of_a("payout_operator").await;
    for statement in [
        "select payout.request_address('copy.example:5432', 'my copy')",
        "select payout.request_reveal('INV-1', 'curious', 'M1')",
        "select payout.pause('bank', '008', 'closed')",
    ] {
        run(&mut trap.session, statement).await.unwrap();
    }
    // What the superuser requested, the operator would see.
    trap.database
        .run("select payout.request_reveal('INV-1', 'the bank needs it', 'M1')")
        .await;
    let deeds = [
        "select payout.approve(1)",
        "select payout.reject(1, 'x')",
        "select payout.request_address('other.example:5432', 'x')",
        "select payout.request_cancel('INV-1', 'x', 'M1')",
        "select payout.request_fund('M1', 1000, 'REF 1', 'x')",
        "select payout.request_reveal('INV-1', 'x', 'M2')",
        "select payout.reveal('INV-1', 'M1')",
        "select payout.fund('M1', 1000, 'REF 1')",
        "select payout.cancel('INV-1', 'x', 'M1')",
        "select payout.pause('all', '', 'x')",
        "select payout.resume('bank', '008', 'x')",
    ];
    for deed in deeds {
        for command in [
            "analyze trap.numbers",
            "refresh materialized view trap.report",
        ] {
            trap.refuses(command, deed).await;
        }
    }
}

#[tokio::test]
async fn nothing_that_a_worker_records_names_the_superuser_who_maintains_its_table() {
    let mut trap = Trap::of_a("payout_worker").await;
    for statement in [
        "insert into payout.history (merchant_code, order_num, event, source)
         values ('M1', 'INV-1', 'replay_requested', 'operator')",
        "insert into payout.evidence (merchant_code, order_num, attempt, source, kind, detail)
         values ('M1', 'INV-1', 0, 'operator', 'resolved_paid', '{}')",
        "insert into payout.ledger (merchant_code, kind, order_num, attempt, available, held)
         values ('M1', 'hold', 'INV-1', 1, -1000, 1000)",
    ] {
        as_function(&mut trap, statement).await;
        trap.refuses("analyze trap.numbers", "select trap.statement()")
            .await;
        run(&mut trap.session, "drop function trap.statement()")
            .await
            .unwrap();
    }
}

/// In a function with its owner's rights, the current user is the session's user again.
#[tokio::test]
async fn a_function_with_a_superusers_rights_gives_a_borrowed_session_nothing() {
    let mut trap = Trap::of_a("payout_enqueuer").await;
    trap.database
        .run(
            "create schema app; grant usage on schema app to public;
             create function app.pay(merchant text) returns void language sql security definer as
             $$ insert into payout.payouts (merchant_code, order_num, amount, fee_type, bank_code, account_number,
                                            account_name)
                values (merchant, 'APP-1', 1000, 0, '014', '0012345678', 'Siti Rahayu') $$;
             create function app.seen() returns text language sql security definer stable as
             $$ select string_agg(distinct merchant_code, ' ') from payout.status $$",
        )
        .await;
    for deed in ["select app.pay('M1')", "select app.seen()"] {
        trap.refuses("analyze trap.numbers", deed).await;
    }
    // In a session of its own, each works for the merchant of the login.
    let refused = Refusal::expected("M1", run(&mut trap.session, "select app.pay('M1')").await);
    refused.is("M1", "PW007", "may not enqueue");
    run(&mut trap.session, "select app.pay('M2')")
        .await
        .unwrap();
    let seen: String = sqlx::query_scalar("select app.seen()")
        .fetch_one(&mut trap.session)
        .await
        .unwrap();
    assert_eq!(seen, "M2");
}

#[tokio::test]
async fn functions_of_the_application_other_roles_and_read_only_transactions_work_as_ever() {
    let database = Database::with_merchant().await;
    let login = database
        .login(&["payout_enqueuer", "payout_operator"])
        .await;
    let application = database.login(&["payout_enqueuer"]).await;
    database
        .run(&format!(
            "grant {application} to {login}; create schema app authorization {application};
             set role {application};
             create function app.pay(order_num text) returns void language sql security definer as
             $$ insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
                values (order_num, 1000, 0, '014', '0012345678', 'Siti Rahayu') $$;
             create function app.withdraw(order_num text) returns text language sql security definer as
             $$ select payout.cancel(order_num, 'ordered twice') $$;
             create function app.seen() returns bigint language sql stable as
             $$ select count(*) from payout.status $$;
             create table app.orders (order_num text);
             create function app.pay_new() returns trigger language plpgsql security definer as
             $$ begin perform app.pay(new.order_num); return new; end $$;
             create trigger pay_new before insert on app.orders for each row execute function app.pay_new();
             grant insert on app.orders to {login}; grant usage on schema app to {login};
             reset role"
        ))
        .await;
    let mut session = database.connect_as(&login).await;
    let other_role = format!(
        "set role {application}; select app.pay('INV-4'); select payout.cancel('INV-2', 'x'); reset role"
    );
    for statements in [
        "select app.pay('INV-1'); select app.withdraw('INV-1')",
        "insert into app.orders values ('INV-2'), ('INV-3')",
        &other_role,
        "begin read only; select app.seen(); select * from payout.status; commit",
        "begin isolation level serializable read only deferrable; select * from payout.status; commit",
        "begin; declare payout_rows cursor with hold for select * from payout.status; commit; fetch all from payout_rows; close payout_rows",
        "select payout.pause('all', '', 'ticket 1'); select payout.request_reveal('INV-3', 'ticket 2')",
        "create temp table copied as select * from payout.status",
    ] {
        run(&mut session, statements)
            .await
            .unwrap_or_else(|error| panic!("{statements}: {error}"));
    }
    let by = format!("select count(*) from payout.payouts where created_by = '{login}'");
    assert_eq!(database.text(&by).await, "4");
    let acts = format!("select count(*) from payout.audit where actor = '{login}'");
    assert_eq!(database.text(&acts).await, "4");
}
