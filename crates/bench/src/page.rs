//! The part of `docs/performance.md` that is written from the record.

use std::{fmt::Write, fs, path::Path};

use anyhow::{Context, Result};

use crate::{figures::shown, goals, plot, record::Record};

const PAGE: &str = "performance.md";
const BEGIN: &str = "<!-- written by ./dev bench --record -->\n";
const END: &str = "<!-- end of what ./dev bench --record writes -->\n";

/// Writes the record to this file, and beside it the plots and that part of the page, if the folder has the page.
pub(crate) fn publish(record: &Record, file: &Path) -> Result<()> {
    fs::write(file, serde_json::to_string_pretty(record)? + "\n")?;
    let folder = file.parent().context("the record is in no folder")?;
    for (name, svg) in plot::all(record) {
        fs::write(folder.join(name), svg)?;
    }
    let page = folder.join(PAGE);
    if page.exists() {
        let text = fs::read_to_string(&page)?;
        fs::write(page, with_record(&text, Some(record))?)?;
    }
    Ok(())
}

/// The page with that part as it should be.
fn with_record(page: &str, record: Option<&Record>) -> Result<String> {
    let lost = || format!("{PAGE} lacks a line {BEGIN}or {END}");
    let (before, rest) = page.split_once(BEGIN).with_context(lost)?;
    let (_, after) = rest.split_once(END).with_context(lost)?;
    let part = record.map_or_else(|| "There is no committed record yet.\n".to_owned(), part);
    Ok(format!("{before}{BEGIN}\n{part}\n{END}{after}"))
}

fn part(record: &Record) -> String {
    let machine = &record.machine;
    let settings: Vec<String> = machine
        .settings
        .iter()
        .map(|(name, value)| format!("`{name} = {value}`"))
        .collect();
    let mut out = format!(
        "{}. Server settings: {}.\n",
        machine.in_words(),
        settings.join(", ")
    );
    let goals = goals::lines(record);
    if !goals.is_empty() {
        out.push_str("\n| goal | measured | wanted | reached |\n| --- | --- | --- | --- |\n");
        for line in goals {
            // A `String` takes every write.
            _ = writeln!(out, "| {} |", line.join(" | "));
        }
    }
    let drawn = plot::all(record);
    for (file, title) in plot::titles() {
        if drawn.iter().any(|(name, _)| *name == file) {
            _ = writeln!(out, "\n![{title}]({file})");
        }
    }
    out.push_str("\n| case | measured on | runs | figures |\n| --- | --- | --- | --- |\n");
    for (case, recorded) in &record.cases {
        let figures: Vec<String> = recorded
            .figures
            .iter()
            .map(|(name, value)| format!("{name} {}", shown(value)))
            .collect();
        let (day, runs) = (&recorded.measured_on, recorded.runs);
        _ = writeln!(out, "| {case} | {day} | {runs} | {} |", figures.join(", "));
    }
    if !record.pairs.is_empty() {
        out.push_str("\n| in turns | measured on | pairs | ratios |\n| --- | --- | --- | --- |\n");
    }
    for (cases, paired) in &record.pairs {
        let ratios: Vec<String> = paired
            .ratios
            .iter()
            .map(|(name, ratio)| format!("{name} {ratio}"))
            .collect();
        let (day, pairs) = (&paired.measured_on, paired.pairs);
        _ = writeln!(out, "| {cases} | {day} | {pairs} | {} |", ratios.join(", "));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::sample;

    #[test]
    fn the_part_is_replaced_and_the_rest_stays() -> Result<()> {
        let page = format!("# Before\n{BEGIN}old\n{END}after\n");
        let record = sample(&[("saturation", "wal_bytes", 5_000.0)]);
        let written = with_record(&page, Some(&record))?;
        assert!(written.starts_with("# Before\n") && written.ends_with("after\n"));
        assert!(!written.contains("old"));
        assert!(
            written.contains("| WAL per payout, bytes | 5000 | ≤ 4096 | no |"),
            "{written}"
        );
        assert!(with_record("# No marks\n", None).is_err());
        Ok(())
    }

    #[test]
    fn the_committed_page_and_plots_are_those_of_the_record() -> Result<()> {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        let record = Record::read(&docs.join("performance.json"))?;
        let page = fs::read_to_string(docs.join(PAGE))?;
        let hint = "run  cargo run -p payout-bench -- render docs/performance.json";
        assert_eq!(with_record(&page, record.as_ref())?, page, "{hint}");
        let drawn = record.as_ref().map(plot::all).unwrap_or_default();
        for (file, _) in plot::titles() {
            let wanted = drawn.iter().find(|(name, _)| *name == file);
            let committed = fs::read_to_string(docs.join(file)).ok();
            assert_eq!(
                committed,
                wanted.map(|(_, svg)| svg.clone()),
                "{file}: {hint}"
            );
        }
        Ok(())
    }
}
