//! The named statements, and what each of them may read.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::Value;

/// `jit_above_cost`: what would be compiled in a session that leaves `jit` on.
const COSTLY: i64 = 100_000;
/// The tables that grow with every payout.
const LARGE: [&str; 8] = [
    "payouts",
    "history",
    "attempts",
    "evidence",
    "ledger",
    "operator_acts",
    "requests",
    "request_payouts",
];
/// Statements that `crates/store/src/schema.rs` makes up at run time, for `payout migrate`; they read no table of ours.
const OF_MIGRATE: [&str; 3] = [
    "wait_to_migrate",
    "lock_migrations",
    "holder_of_migration_lock",
];

/// An entry of `tests/it/plans/*.toml`: how to run a statement, and one of four bounds.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// Expressions, one for each parameter.
    #[serde(default)]
    pub(super) args: Vec<String>,
    /// What the transaction does before.
    #[serde(default)]
    pub(super) before: String,
    /// A process executes it a few times at most, so its plan is always made for its arguments.
    #[serde(default)]
    pub(super) once: bool,
    /// It reads large tables by the number of an order only, even where a plan was made for empty ones.
    #[serde(default)]
    pub(super) by_order: bool,
    /// It reads at most so many buffers, however large the books are.
    buffers: Option<i64>,
    /// What it may cost, by the planner's estimate, unless the usual bound will do.
    cost: Option<i64>,
    /// Why it reads all that is queued or open, by an index.
    each_open: Option<String>,
    /// Why it reads a whole table.
    everything: Option<String>,
    /// Why it is not measured.
    nothing: Option<String>,
}

/// A named statement of the store.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) name: String,
    pub(super) sql: String,
    pub(super) types: Vec<&'static str>,
    pub(super) entry: Entry,
    /// Whether it runs on the worker's connections for claims.
    pub(super) claims: bool,
    /// Whether people run it.
    pub(super) people: bool,
}

/// How large the books are.
#[derive(Debug)]
pub(super) struct Size {
    /// Payouts that are queued or open.
    pub(super) open: i64,
    /// Pages of all tables and indexes.
    pub(super) pages: i64,
}

/// One execution.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) cost: i64,
    pub(super) buffers: i64,
    pub(super) plan: Plan,
}

/// A plan as Postgres explains it.
#[derive(Debug)]
pub(super) struct Plan(pub(super) Value);

impl Statement {
    pub(super) fn is_measured(&self) -> bool {
        self.entry.nothing.is_none()
    }

    /// What is wrong with this execution.
    pub(super) fn complaints(&self, measured: &Measured, size: &Size) -> Vec<String> {
        let (entry, mut wrong) = (&self.entry, Vec::new());
        // Fifteen: a queued payout and its answers lie on so many pages.
        let may_read = match (entry.buffers, &entry.each_open) {
            (Some(buffers), _) => buffers,
            (None, Some(_)) => 15 * size.open + 2_000,
            (None, None) => 2 * size.pages,
        };
        if measured.buffers > may_read {
            wrong.push(format!(
                "it reads {} buffers, and may read {may_read}",
                measured.buffers
            ));
        }
        if entry.everything.is_some() {
            return wrong;
        }
        let usual = entry.each_open.as_ref().map_or(0, |_| 1_000 * size.open);
        let may_cost = entry.cost.unwrap_or(usual.max(COSTLY));
        if measured.cost > may_cost {
            wrong.push(format!(
                "it would cost {}, and may cost {may_cost}",
                measured.cost
            ));
        }
        for table in self.reads_whole(&measured.plan) {
            wrong.push(format!("its plan reads the whole table {table}"));
        }
        wrong
    }

    /// The large tables that its plan reads from end to end though it may not.
    pub(super) fn reads_whole(&self, plan: &Plan) -> BTreeSet<String> {
        let mut tables = plan.read_whole();
        if self.entry.by_order {
            tables.extend(plan.read_without_order());
        }
        let may = self.entry.everything.is_some();
        tables.retain(|table| !may && LARGE.contains(&table.as_str()));
        tables
    }
}

impl Plan {
    fn root(&self) -> &Value {
        &self.0[0]["Plan"]
    }

    /// The tables that the plan scans from end to end.
    fn read_whole(&self) -> BTreeSet<String> {
        let mut tables = BTreeSet::new();
        visit(self.root(), 0, &mut |node, _| {
            if node["Node Type"] == "Seq Scan" {
                tables.extend(node["Relation Name"].as_str().map(str::to_owned));
            }
        });
        tables
    }

    /// The tables that the plan reads by an index, but not for the number of an order.
    fn read_without_order(&self) -> BTreeSet<String> {
        let mut tables = BTreeSet::new();
        visit(self.root(), 0, &mut |node, _| {
            let condition = node["Index Cond"].as_str().unwrap_or_default();
            if node["Index Name"].is_string() && !condition.contains("order_num = ") {
                tables.extend(node["Relation Name"].as_str().map(str::to_owned));
            }
        });
        tables
    }

    /// The plan, for people.
    pub(super) fn tree(&self) -> String {
        let mut text = String::new();
        visit(self.root(), 1, &mut |node, depth| {
            let words: Vec<&str> = [
                "Node Type",
                "Relation Name",
                "Index Name",
                "Index Cond",
                "Filter",
            ]
            .iter()
            .filter_map(|key| node[*key].as_str())
            .collect();
            let _ = writeln!(
                text,
                "{:width$}{} (cost {}, rows {})",
                "",
                words.join(" "),
                node["Total Cost"],
                node["Plan Rows"],
                width = 2 * depth
            );
        });
        text
    }
}

fn visit(node: &Value, depth: usize, see: &mut dyn FnMut(&Value, usize)) {
    see(node, depth);
    for child in node["Plans"].as_array().into_iter().flatten() {
        visit(child, depth + 1, see);
    }
}

/// Every statement that has an entry.
///
/// Panics if an entry is not as it should be, or its statement is not in `.sqlx`.
pub(super) fn statements() -> Vec<Statement> {
    let mut prepared = prepared();
    let mut all = Vec::new();
    for path in files("tests/it/plans", "toml") {
        let entries: BTreeMap<String, Entry> = toml::from_str(&fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        for (name, entry) in entries {
            let (sql, types) = prepared.remove(&name).unwrap_or_else(|| {
                panic!("{name} is named twice in tests/it/plans, or not in .sqlx")
            });
            assert_eq!(
                entry.args.len(),
                types.len(),
                "{name}: its parameters are {types:?}"
            );
            let bounds = [&entry.each_open, &entry.everything, &entry.nothing];
            let bounds = usize::from(entry.buffers.is_some())
                + bounds.iter().filter(|b| b.is_some()).count();
            assert_eq!(
                bounds, 1,
                "{name}: state one of buffers, each_open, everything and nothing"
            );
            let claims = path.ends_with("claims.toml");
            let people = path.ends_with("people.toml");
            all.push(Statement {
                name,
                sql,
                types,
                entry,
                claims,
                people,
            });
        }
    }
    all
}

/// The names in `crates/store`, from the comments of its statements.
pub(super) fn named_in_the_source() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for path in files("crates/store/src", "rs") {
        let text = fs::read_to_string(&path).unwrap();
        names.extend(
            text.split("/* store::")
                .skip(1)
                .map(|rest| name_before(rest, " */")),
        );
    }
    for name in OF_MIGRATE {
        names.remove(name);
    }
    names
}

fn name_before(text: &str, end: &str) -> String {
    text.split(end).next().unwrap_or_default().to_owned()
}

/// The text and the types of the parameters of each statement, as the compiler stored them.
fn prepared() -> BTreeMap<String, (String, Vec<&'static str>)> {
    let read = |path: PathBuf| {
        let file: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let sql = file["query"].as_str().unwrap().to_owned();
        let name = name_before(sql.split_once("/* store::")?.1, " */");
        let types = file["describe"]["parameters"]["Left"]
            .as_array()
            .into_iter()
            .flatten();
        let types = types.map(|name| in_sql(name.as_str().unwrap())).collect();
        Some((name, (sql, types)))
    };
    files(".sqlx", "json")
        .into_iter()
        .filter_map(read)
        .collect()
}

fn in_sql(name: &str) -> &'static str {
    match name {
        "Text" => "text",
        "TextArray" => "text[]",
        "Int4" => "int",
        "Int4Array" => "int[]",
        "Int8" => "bigint",
        "Int8Array" => "bigint[]",
        "Bool" => "boolean",
        "Bytea" => "bytea",
        "Jsonb" => "jsonb",
        "Interval" => "interval",
        "Timestamptz" => "timestamptz",
        _ => panic!("say here what {name} is called in SQL"),
    }
}

/// The files below a folder of this repository whose names end so, in order.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
