//! What every statement of the store reads, and would cost, in books with a long history: whatever the planner knows about
//! them, and whether its plan was made for these arguments, for any, or while the tables were small.
//!
//! Each statement has an entry in `plans/*.toml` that says what it may read. It is measured with all that its triggers and
//! functions read, in a transaction that is rolled back, on the worker's own connections.

mod books;
mod statement;

use std::fmt::Write as _;

use self::{
    books::{Books, Session},
    statement::{Plan, Statement, named_in_the_source, statements},
};

/// How many payouts are queued, unless `PAYOUT_PLANS` says otherwise. As many are open, and ten times as many final.
const QUEUED: i32 = 3_000;

#[test]
fn every_named_statement_says_what_it_may_read_and_only_those_do() {
    let mut named = named_in_the_source();
    let known = statements();
    for statement in &known {
        assert!(
            named.remove(&statement.name),
            "no statement in crates/store is named {}: remove its entry from tests/it/plans",
            statement.name
        );
    }
    assert!(
        named.is_empty(),
        "say in tests/it/plans what these statements may read: {named:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_reads_or_costs_more_than_its_bound_whatever_the_planner_knows() {
    let queued = queued();
    let statements = statements();
    let books = Books::begin().await;
    let mut found = Findings::default();

    books.open().await;
    books.analyze().await;
    // A plan from when the tables were small is kept until somebody analyzes them.
    let mut old = books.session("force_generic_plan").await;
    for statement in &statements {
        old.measure(statement).await;
    }
    books.grow(queued).await;
    let all: Vec<&Statement> = statements.iter().collect();
    found
        .look(&mut old, &all, "planned while small", &books)
        .await;
    old.close().await;

    look_at_all(&mut found, &statements, "analyzed while small", &books).await;
    books.forget_statistics().await;
    look_at_all(&mut found, &statements, "never analyzed", &books).await;
    books.analyze_as_autovacuum_does().await;
    look_at_all(&mut found, &statements, "analyzed", &books).await;
    found.report(&statements);
}

/// On the first day, a plan is made while the tables are empty, and they grow by thousands before anybody analyzes them.
#[tokio::test(flavor = "multi_thread")]
async fn no_statement_reads_more_than_its_bound_by_a_plan_that_was_made_for_empty_tables() {
    let statements = statements();
    let books = Books::begin().await;
    let mut session = books.session("force_generic_plan").await;
    let mut found = Findings::default();
    for statement in &statements {
        found.shape(statement, session.plan(statement).await);
    }
    books.open().await;
    books.grow(queued()).await;
    // The first run reads the catalogs.
    for statement in &statements {
        session.measure(statement).await;
    }
    let all: Vec<&Statement> = statements.iter().collect();
    found
        .look(&mut session, &all, "planned while empty", &books)
        .await;
    session.close().await;
    found.report(&statements);
}

fn queued() -> i32 {
    match std::env::var("PAYOUT_PLANS") {
        Ok(queued) => queued.parse().expect("a number of queued payouts"),
        Err(_) => QUEUED,
    }
}

async fn look_at_all(found: &mut Findings, statements: &[Statement], known: &str, books: &Books) {
    let all: Vec<&Statement> = statements.iter().collect();
    for mode in ["generic", "custom"] {
        let session = books.session(&format!("force_{mode}_plan")).await;
        let what = format!("{known}, {mode} plans");
        look_twice(found, session, &all, &what, books).await;
    }
    let people: Vec<&Statement> = statements.iter().filter(|one| one.people).collect();
    let what = format!("{known}, a page's custom plans");
    look_twice(found, books.desk().await, &people, &what, books).await;
}

/// The first run reads the catalogs.
async fn look_twice(
    found: &mut Findings,
    mut session: Session,
    statements: &[&Statement],
    what: &str,
    books: &Books,
) {
    for statement in statements {
        session.measure(statement).await;
    }
    found.look(&mut session, statements, what, books).await;
    session.close().await;
}

/// What was measured, and what is wrong with it.
#[derive(Default)]
struct Findings {
    most: std::collections::BTreeMap<String, (i64, i64)>,
    wrong: String,
    count: usize,
}

impl Findings {
    async fn look(
        &mut self,
        session: &mut Session,
        statements: &[&Statement],
        what: &str,
        books: &Books,
    ) {
        let size = books.size().await;
        for statement in statements {
            if statement.entry.once && !what.ends_with("custom plans") {
                continue;
            }
            let Some(measured) = session.measure(statement).await else {
                continue;
            };
            let most = self.most.entry(statement.name.clone()).or_default();
            *most = (most.0.max(measured.buffers), most.1.max(measured.cost));
            let complaints = statement.complaints(&measured, &size);
            if !complaints.is_empty() {
                self.count += 1;
                let _ = writeln!(
                    self.wrong,
                    "\n{} ({what}): {}\n{}",
                    statement.name,
                    complaints.join("; "),
                    measured.plan.tree()
                );
            }
        }
    }

    /// Without its execution, which a plan for empty tables makes look cheap.
    fn shape(&mut self, statement: &Statement, plan: Option<Plan>) {
        let Some(plan) = plan.filter(|_| !statement.entry.once) else {
            return;
        };
        let whole = statement.reads_whole(&plan);
        if !whole.is_empty() {
            self.count += 1;
            let _ = writeln!(
                self.wrong,
                "\n{} (of empty tables): its plan reads the whole of {whole:?}\n{}",
                statement.name,
                plan.tree()
            );
        }
    }

    fn report(&self, statements: &[Statement]) {
        for statement in statements {
            if let Some((buffers, cost)) = self.most.get(&statement.name) {
                println!(
                    "{:32} {buffers:>9} buffers, cost {cost:>11}",
                    statement.name
                );
            }
        }
        assert!(
            self.count == 0,
            "{} plans are out of bounds:\n{}",
            self.count,
            self.wrong
        );
    }
}
