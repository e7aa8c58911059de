//! Books of any size, and sessions that measure statements in them.

use payout_worker::store::{Store, addresses::Address, console::connections};
use sqlx::{ConnectOptions, Connection, PgConnection, Row, postgres::PgRow};

use super::statement::{Measured, Plan, Size, Statement};
use crate::support::{
    database::{Database, MERCHANT},
    server::run,
};

/// A database whose statistics change only when a test says so.
pub(super) struct Books(Database);

impl Books {
    /// Empty and analyzed, as autovacuum or a person may leave them on the first day.
    pub(super) async fn begin() -> Self {
        let database = Database::fresh().await;
        for merchant in [MERCHANT, "OTHER"] {
            database.register_merchant(merchant).await;
        }
        let address = Address::of_url(&database.url()).unwrap();
        let mut db = database.connect().await;
        run(
            &mut db,
            &format!(
                "set session_replication_role = replica;
                 insert into payout.addresses (address, reason) values ('{address}', 'test');
                 update payout.merchants set funding = 'gateway' where code = 'OTHER';
                 insert into payout.failover (identity, quiet_horizon) values (payout.identity(), '30 minutes');
                 insert into payout.query_budget (merchant_code) select m.code from payout.merchants m;
                 insert into payout.pause_rules (scope, value, reason) values ('bank', '022', 'test');
                 select payout.continue_seq();"
            ),
        )
        .await;
        for script in ["books.sql", "acts.sql", "measure.sql"] {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/plans/").to_owned() + script;
            run(&mut db, &std::fs::read_to_string(path).unwrap()).await;
        }
        run(&mut db, "call plans.leave_statistics_alone(); analyze").await;
        db.close().await.unwrap();
        Self(database)
    }

    /// Until twenty payouts are queued, twenty open and two hundred final. Nothing is analyzed.
    pub(super) async fn open(&self) {
        self.do_now("call plans.load('first', 1, 20)").await;
    }

    pub(super) async fn analyze(&self) {
        self.do_now("analyze").await;
    }

    /// Until so many are queued. Nothing is analyzed.
    pub(super) async fn grow(&self, queued: i32) {
        self.do_now(&format!("call plans.load('then', 21, {queued})"))
            .await;
    }

    /// As after an upgrade of the server, or in a database that was restored from a dump.
    pub(super) async fn forget_statistics(&self) {
        self.do_now("call plans.forget_statistics()").await;
    }

    /// Tables with less than fifty rows are too small for it.
    pub(super) async fn analyze_as_autovacuum_does(&self) {
        self.do_now(
            "analyze payout.payouts, payout.history, payout.attempts, payout.evidence, payout.ledger, payout.requests,
                     payout.request_payouts, payout.operator_acts, payout.unmatched_callbacks",
        )
        .await;
    }

    /// A connection of its own: the time of a statement is not limited.
    async fn do_now(&self, statement: &str) {
        let mut db = self.0.connect().await;
        run(&mut db, statement).await;
        db.close().await.unwrap();
    }

    /// Now.
    pub(super) async fn size(&self) -> Size {
        let read = async |query: &str| self.0.text(query).await.parse().unwrap();
        Size {
            open: read("select count(*) from payout.payouts where settled_at is null").await,
            pages: read(
                "select sum(pg_total_relation_size(c.oid))::bigint / 8192 from pg_class c
                 where c.relnamespace = 'payout'::regnamespace and c.relkind = 'r'",
            )
            .await,
        }
    }

    /// The connections that a worker has.
    pub(super) async fn session(&self, plans: &str) -> Session {
        let store = Store::at(&self.0.url()).unwrap();
        let mut claims = store.claims.acquire().await.unwrap().detach();
        let mut others = store.results.acquire().await.unwrap().detach();
        for db in [&mut claims, &mut others] {
            run(db, &format!("set plan_cache_mode = {plans}")).await;
        }
        store.close().await;
        Session { claims, others }
    }

    /// The connections of people who are signed in to the console, but for the limits of time.
    pub(super) async fn desk(&self) -> Session {
        let options = connections(&self.0.url()).unwrap();
        let options = options.options([
            ("statement_timeout", "0"),
            ("idle_in_transaction_session_timeout", "0"),
        ]);
        Session {
            claims: options.connect().await.unwrap(),
            others: options.connect().await.unwrap(),
        }
    }
}

/// Prepared statements and their plans live as long as this.
pub(super) struct Session {
    claims: PgConnection,
    others: PgConnection,
}

impl Session {
    /// Makes the plan of a statement, which this session keeps. `None` if it is not measured.
    pub(super) async fn plan(&mut self, statement: &Statement) -> Option<Plan> {
        if !statement.is_measured() {
            return None;
        }
        let before = &statement.entry.before;
        let setting = if before.starts_with("set local") {
            before
        } else {
            // It changes rows that are not there yet.
            ""
        };
        let query = "select plan from plans.plan($1, $2, $3, $4)";
        let row = self.rolled_back(statement, setting, query).await;
        Some(Plan(row.get("plan")))
    }

    /// Executes a statement in a transaction that is rolled back. `None` if it is not measured.
    pub(super) async fn measure(&mut self, statement: &Statement) -> Option<Measured> {
        if !statement.is_measured() {
            return None;
        }
        let query = "select cost, buffers, plan from plans.measure($1, $2, $3, $4)";
        let row = self
            .rolled_back(statement, &statement.entry.before, query)
            .await;
        Some(Measured {
            cost: row.get("cost"),
            buffers: row.get("buffers"),
            plan: Plan(row.get("plan")),
        })
    }

    /// What `query` says about a statement, after `before`, in a transaction that is rolled back.
    async fn rolled_back(
        &mut self,
        statement: &Statement,
        before: &str,
        query: &'static str,
    ) -> PgRow {
        let db = if statement.claims {
            &mut self.claims
        } else {
            &mut self.others
        };
        run(db, &format!("begin; {before};")).await;
        let row = sqlx::query(query)
            .bind(&statement.name)
            .bind(&statement.sql)
            .bind(&statement.types)
            .bind(&statement.entry.args)
            .fetch_one(&mut *db)
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", statement.name));
        run(db, "rollback").await;
        row
    }

    pub(super) async fn close(self) {
        for db in [self.claims, self.others] {
            db.close().await.unwrap();
        }
    }
}
