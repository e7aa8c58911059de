//! Metrics, rules, alerts, dashboards and the runbook name only what exists, and each alert is tested.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use payout_worker::metrics::{FAMILIES, Kind, Origin};
use serde_json::Value;

/// Series that Prometheus itself adds.
const OF_PROMETHEUS: &[&str] = &["up", "ALERTS"];
/// The prefixes that mark a metric as ours.
const OUR_PREFIXES: &[&str] = &["payout_", "payout:", "process_", "up", "ALERTS"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|found| found == ending));
    files.sort();
    assert!(
        !files.is_empty(),
        "there are no .{ending} files in {folder}"
    );
    files
}

/// The values of a key in YAML that keeps each value on one line, as our files do.
fn values<'a>(yaml: &'a str, key: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = yaml
        .lines()
        .map(|line| line.trim_start().trim_start_matches("- "));
    lines
        .filter_map(move |line| line.strip_prefix(key)?.strip_prefix(": "))
        .map(str::trim)
}

/// The metrics in an expression: every word with such a prefix, outside quotes and label lists.
fn metrics_in(expression: &str) -> Vec<String> {
    let outside: String = expression
        .split('"')
        .step_by(2)
        .collect::<Vec<_>>()
        .join("\"");
    let mut names = Vec::new();
    let mut word = String::new();
    let mut in_braces = false;
    for c in outside.chars().chain([' ']) {
        match c {
            '{' => in_braces = true,
            '}' => in_braces = false,
            _ => {}
        }
        if c.is_ascii_alphanumeric() || "_:".contains(c) {
            word.push(c);
            continue;
        }
        if !in_braces || c == '{' {
            names.push(std::mem::take(&mut word));
        }
        word.clear();
    }
    names.retain(|name| OUR_PREFIXES.iter().any(|prefix| name.starts_with(prefix)));
    // `upper` and the like are not metrics; `up` is.
    names.retain(|name| !name.starts_with("up") || name == "up");
    names
}

/// Every series name that the metrics table produces in Prometheus.
fn of_the_table() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for family in FAMILIES {
        if let Kind::Histogram(_) = family.kind {
            names.extend(["bucket", "sum", "count"].map(|part| format!("{}_{part}", family.name)));
        } else {
            names.insert(family.name.to_owned());
        }
    }
    names
}

fn recorded() -> BTreeSet<String> {
    values(&read("deploy/prometheus/rules.yml"), "record")
        .map(str::to_owned)
        .collect()
}

fn alerts() -> BTreeSet<String> {
    values(&read("deploy/prometheus/alerts.yml"), "alert")
        .map(str::to_owned)
        .collect()
}

/// Every expression of a dashboard, with the title of its panel.
fn expressions(dashboard: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap_or_default();
        for target in panel["targets"].as_array().into_iter().flatten() {
            found.push((
                title.to_owned(),
                target["expr"].as_str().unwrap().to_owned(),
            ));
        }
    }
    for annotation in dashboard["annotations"]["list"].as_array().unwrap() {
        found.push((
            "annotation".to_owned(),
            annotation["expr"].as_str().unwrap().to_owned(),
        ));
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        if let Some(query) = variable["query"]["query"].as_str() {
            found.push(("variable".to_owned(), query.to_owned()));
        }
    }
    found
}

fn dashboards() -> Vec<(String, Value)> {
    let files = files("deploy/grafana/dashboards", "json");
    let read = |file: &PathBuf| {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(file).unwrap();
        let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, json)
    };
    files.iter().map(read).collect()
}

/// The output of promtool; `None`, with a message, when it is not installed.
fn promtool(arguments: &[&str]) -> Option<Result<(), String>> {
    let done = match Command::new("promtool")
        .args(arguments)
        .current_dir(root())
        .output()
    {
        Ok(done) => done,
        Err(error) => {
            eprintln!(
                "SKIPPED: promtool cannot be run ({error}); the Debian package `prometheus` has it"
            );
            return None;
        }
    };
    let said = [done.stdout, done.stderr]
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .concat();
    Some(if done.status.success() {
        Ok(())
    } else {
        Err(said)
    })
}

fn passes(arguments: &[&str]) {
    if let Some(Err(said)) = promtool(arguments) {
        panic!("promtool {}\n{said}", arguments.join(" "));
    }
}

#[test]
fn the_exposition_follows_the_rules_of_prometheus() {
    let exporter = payout_worker::metrics::install().unwrap();
    payout_worker::metrics::merchant("M1");
    let page = tempfile::NamedTempFile::new().unwrap();
    fs::write(page.path(), exporter.render()).unwrap();
    let run = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(fs::File::open(page.path()).unwrap())
        .output();
    match run {
        Ok(done) => assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        ),
        Err(error) => eprintln!(
            "SKIPPED: promtool cannot be run ({error}); the Debian package `prometheus` has it"
        ),
    }
}

#[test]
fn rules_alerts_and_configuration_are_valid() {
    // promtool follows `rule_files`, so this checks all three files.
    passes(&["check", "config", "deploy/prometheus/prometheus.yml"]);
}

#[test]
fn alerts_fire_and_stay_silent_when_they_should() {
    // In parallel: promtool evaluates hours of rules on one processor.
    thread::scope(|scope| {
        for file in files("deploy/prometheus/tests", "yml") {
            scope.spawn(move || passes(&["test", "rules", file.to_str().unwrap()]));
        }
    });
}

#[test]
fn each_alert_is_tested_firing_and_silent() {
    let (mut fires, mut silent) = (BTreeSet::new(), BTreeSet::new());
    for file in files("deploy/prometheus/tests", "yml") {
        let text = fs::read_to_string(file).unwrap();
        let mut current = "";
        for line in text.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix("alertname: ") {
                current = name;
            } else if line == "exp_alerts: []" {
                silent.insert(current.to_owned());
            } else if line == "exp_alerts:" {
                fires.insert(current.to_owned());
            }
        }
    }
    assert_eq!(
        fires,
        alerts(),
        "alerts with a case that fires, against all alerts"
    );
    assert_eq!(
        silent,
        alerts(),
        "alerts with a case that stays silent, against all alerts"
    );
}

/// `cleared.yml` lists what fires before and after the cause ends, by name: a list may not leave an alert out, and the
/// last one of each case must be empty.
#[test]
fn each_alert_is_tested_to_end_with_its_cause() {
    let text = read("deploy/prometheus/tests/cleared.yml");
    let fires: BTreeSet<_> = text
        .match_indices("alertname=\"")
        .map(|(at, found)| text[at + found.len()..].split('"').next().unwrap())
        .map(str::to_owned)
        .collect();
    assert_eq!(fires, alerts(), "alerts that end, against all alerts");
    for case in text.split("  - name: ").skip(1) {
        assert!(case.trim_end().ends_with("exp_samples: []"), "{case}");
    }
}

#[test]
fn each_alert_tells_a_person_what_they_need() {
    let text = read("deploy/prometheus/alerts.yml");
    let count = alerts().len();
    for key in [
        "severity",
        "summary",
        "description",
        "runbook_url",
        "dashboard_url",
    ] {
        assert_eq!(values(&text, key).count(), count, "{key}");
    }
    assert!(
        values(&text, "severity")
            .all(|severity| ["critical", "warning", "info"].contains(&severity))
    );
    assert!(
        values(&text, "summary").all(|summary| summary.ends_with('.') && !summary.contains("{{"))
    );
    for (alert, url) in values(&text, "alert").zip(values(&text, "runbook_url")) {
        let base = "{{ with $externalLabels.payout_docs }}{{ . }}{{ else }}docs{{ end }}";
        let section = alert.to_lowercase();
        assert_eq!(url, format!("'{base}/runbook.md#{section}'"));
    }
}

#[test]
fn each_alert_has_a_section_in_the_runbook_and_vice_versa() {
    let runbook = read("docs/runbook.md");
    let mut sections: BTreeMap<&str, &str> = BTreeMap::new();
    for section in runbook.split("\n### ").skip(1) {
        let (heading, body) = section.split_once('\n').unwrap();
        assert!(
            sections.insert(heading, body).is_none(),
            "{heading} is there twice"
        );
    }
    let headings: BTreeSet<_> = sections.keys().map(ToString::to_string).collect();
    assert_eq!(headings, alerts());
    for (heading, body) in sections {
        for part in [
            "**Means.**",
            "**Not wrong.**",
            "**Look.**",
            "**Do.**",
            "**Call the gateway.**",
        ] {
            assert_eq!(body.matches(part).count(), 1, "{heading}: {part}");
        }
        // One thing to look at, and one command to run.
        assert_eq!(body.matches("\n```").count(), 4, "{heading}");
        assert_eq!(body.matches("\n```sh\n").count(), 1, "{heading}");
    }
}

#[test]
fn rules_and_alerts_name_only_metrics_that_exist() {
    let (table, recorded) = (of_the_table(), recorded());
    let mut used = BTreeSet::new();
    for file in ["rules.yml", "alerts.yml"] {
        for expression in values(&read(format!("deploy/prometheus/{file}")), "expr") {
            for name in metrics_in(expression) {
                let known = table.contains(&name)
                    || recorded.contains(&name)
                    || OF_PROMETHEUS.contains(&&*name);
                assert!(
                    known,
                    "{file}: {name} is in neither the table nor rules.yml: {expression}"
                );
                used.insert(name);
            }
        }
    }
    assert!(
        used.len() > 60,
        "the names are not found any more: {used:?}"
    );
}

#[test]
fn the_runbook_queries_only_metrics_that_exist() {
    let (table, recorded, runbook) = (of_the_table(), recorded(), read("docs/runbook.md"));
    let queries: Vec<_> = runbook
        .split("\n```promql\n")
        .skip(1)
        .map(|rest| rest.split("\n```").next().unwrap())
        .collect();
    assert!(!queries.is_empty());
    for query in &queries {
        let names = metrics_in(query);
        assert!(!names.is_empty(), "{query}");
        for name in names {
            assert!(
                table.contains(&name) || recorded.contains(&name),
                "the runbook queries {name}"
            );
        }
    }
    check_expressions(queries.into_iter().map(str::to_owned));
}

#[test]
fn rules_combine_what_instances_share_and_never_sum_it() {
    let shared: BTreeSet<_> = FAMILIES
        .iter()
        .filter(|family| family.origin == Origin::Books)
        .map(|family| family.name)
        .collect();
    for expression in values(&read("deploy/prometheus/rules.yml"), "expr") {
        for name in metrics_in(expression)
            .iter()
            .filter(|name| shared.contains(name.as_str()))
        {
            let together = expression.contains("max by (job") || expression.contains("min by (job");
            assert!(
                together && !expression.starts_with("sum"),
                "{name} is the same on every instance: {expression}"
            );
            assert!(
                !expression.contains("rate(") && !expression.contains("increase("),
                "{name} invents rupiah: {expression}"
            );
        }
    }
    let elsewhere = values(&read("deploy/prometheus/alerts.yml"), "expr")
        .map(str::to_owned)
        .collect::<Vec<_>>();
    let boards = dashboards();
    let shown = boards
        .iter()
        .flat_map(|(_, board)| expressions(board))
        .filter(|(title, _)| title != "variable");
    for expression in elsewhere
        .into_iter()
        .chain(shown.map(|(_, expression)| expression))
    {
        for name in metrics_in(&expression) {
            assert!(
                !shared.contains(name.as_str()),
                "take the recorded rule instead of {name}: {expression}"
            );
        }
    }
}

#[test]
fn dashboards_name_only_metrics_that_exist_and_explain_each_panel() {
    let (table, recorded) = (of_the_table(), recorded());
    for (file, board) in dashboards() {
        for (title, expression) in expressions(&board) {
            for name in metrics_in(&expression) {
                let known = table.contains(&name)
                    || recorded.contains(&name)
                    || OF_PROMETHEUS.contains(&&*name);
                assert!(
                    known,
                    "{file}, {title}: {name} is in neither the table nor rules.yml"
                );
            }
        }
        let mut ids = BTreeSet::new();
        for panel in board["panels"].as_array().unwrap() {
            assert!(
                ids.insert(panel["id"].as_i64().unwrap()),
                "{file}: two panels with one id"
            );
            if panel["type"] == "row" {
                continue;
            }
            let title = panel["title"].as_str().unwrap();
            let description = panel["description"].as_str().unwrap_or_default();
            assert!(
                description.ends_with('.'),
                "{file}: the panel {title} has no description"
            );
            let has_unit =
                panel["type"] == "text" || panel["fieldConfig"]["defaults"]["unit"].is_string();
            assert!(has_unit, "{file}: the panel {title} has no unit");
        }
        check_expressions(
            expressions(&board)
                .into_iter()
                .filter(|(title, _)| title != "variable")
                .map(|(_, expression)| expression),
        );
    }
}

/// What a reader of a panel may look up in SQL is documented.
#[test]
fn no_panel_names_a_private_table() {
    let public = read("docs/sql-contract.md");
    for (file, board) in dashboards() {
        for text in board.to_string().split("payout.").skip(1) {
            let name: String = text
                .chars()
                .take_while(|c| c.is_ascii_lowercase() || *c == '_')
                .collect();
            assert!(
                public.contains(&format!("payout.{name}")),
                "{file}: payout.{name} is not in the contract"
            );
        }
    }
}

/// Whether Prometheus can parse them once Grafana's variables are filled in.
fn check_expressions(expressions: impl Iterator<Item = String>) {
    let mut rules = vec!["groups:\n  - name: shown\n    rules:".to_owned()];
    for (number, expression) in expressions.enumerate() {
        let filled = expression
            .replace("$__rate_interval", "1m")
            .replace("$__range", "1h")
            .replace("$job", ".+")
            .replace("$merchant", ".+");
        assert!(
            !filled.contains('$'),
            "a variable that nobody fills in: {expression}"
        );
        rules.push(format!(
            "      - record: shown_{number}\n        expr: '{filled}'"
        ));
    }
    let file = tempfile::Builder::new().suffix(".yml").tempfile().unwrap();
    fs::write(file.path(), rules.join("\n")).unwrap();
    passes(&["check", "rules", file.path().to_str().unwrap()]);
}

#[test]
fn the_metric_names_in_an_expression_are_found() {
    let names = metrics_in(
        r#"sum by (job) (rate(payout_x_total{up="payout_no", b=~"c"}[5m])) / payout:y:max > on () up"#,
    );
    assert_eq!(names, ["payout_x_total", "payout:y:max", "up"]);
}
