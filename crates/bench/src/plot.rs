//! Plots of the record: bars, as SVG.
//!
//! By hand, because three bar charts are all there is to draw. `plotters`, the crate for it, last had a release in
//! September 2024, measures text only with a font library that it brings along, and adds a dozen packages.

use std::fmt::Write;

use crate::{figures::shown, record::Record};

const WIDTH: usize = 760;
/// Where the bars begin, and the longest.
const LEFT: usize = 190;
const LONGEST: f64 = 470.0;
const BAR: usize = 14;
const GAP: usize = 10;
const TOP: usize = 54;
/// One for each series.
const COLOURS: &[&str] = &["#2f6f9f", "#d98c3f"];

/// What a plot shows: for each case that has them, these figures.
struct Plot {
    file: &'static str,
    title: &'static str,
    /// The name of a figure, and what it is called.
    series: &'static [(&'static str, &'static str)],
}

const PLOTS: &[Plot] = &[
    Plot {
        file: "performance-speed.svg",
        title: "Payouts per second",
        series: &[("payouts_per_second", "submitted and paid")],
    },
    Plot {
        file: "performance-cost.svg",
        title: "CPU per payout, in microseconds",
        series: &[("worker_cpu_us", "worker"), ("postgres_cpu_us", "Postgres")],
    },
    Plot {
        file: "performance-latency.svg",
        title: "From the insert to the request on the wire, in milliseconds",
        series: &[
            ("insert_to_wire_p50_ms", "median"),
            ("insert_to_wire_p99_ms", "99th percentile"),
        ],
    },
];

/// Names of files, and what is in them. A plot without any figure is left out.
pub(crate) fn all(record: &Record) -> Vec<(&'static str, String)> {
    PLOTS
        .iter()
        .filter_map(|plot| {
            let rows = rows(plot, record);
            (!rows.is_empty()).then(|| (plot.file, svg(plot, &rows)))
        })
        .collect()
}

/// The title of each plot, by its file.
pub(crate) fn titles() -> impl Iterator<Item = (&'static str, &'static str)> {
    PLOTS.iter().map(|plot| (plot.file, plot.title))
}

fn rows(plot: &Plot, record: &Record) -> Vec<(String, Vec<f64>)> {
    record
        .cases
        .iter()
        .filter_map(|(case, recorded)| {
            let names = plot.series.iter();
            let values: Option<Vec<f64>> =
                names.map(|(name, _)| recorded.figures.get(name)).collect();
            Some((case.clone(), values?))
        })
        .collect()
}

fn svg(plot: &Plot, rows: &[(String, Vec<f64>)]) -> String {
    let most = rows
        .iter()
        .flat_map(|(_, values)| values)
        .fold(f64::MIN_POSITIVE, |most, value| most.max(*value));
    let row_height = plot.series.len().saturating_mul(BAR).saturating_add(GAP);
    let height = rows.len().saturating_mul(row_height).saturating_add(TOP);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    text(&mut out, 12, 22, "start", plot.title);
    for (place, (_, called)) in plot.series.iter().enumerate() {
        let x = LEFT.saturating_add(place.saturating_mul(160));
        bar(&mut out, x, 32, 10.0, place);
        text(&mut out, x.saturating_add(16), 42, "start", called);
    }
    for (place, (case, values)) in rows.iter().enumerate() {
        let top = TOP.saturating_add(place.saturating_mul(row_height));
        text(
            &mut out,
            LEFT.saturating_sub(8),
            top.saturating_add(11),
            "end",
            case,
        );
        for (series, value) in values.iter().enumerate() {
            let y = top.saturating_add(series.saturating_mul(BAR));
            let length = value / most * LONGEST;
            bar(&mut out, LEFT, y, length, series);
            // Why: the end of a bar lies in the picture.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let end = LEFT.saturating_add(length as usize).saturating_add(6);
            text(&mut out, end, y.saturating_add(11), "start", &shown(*value));
        }
    }
    out.push_str("</svg>\n");
    out
}

fn bar(out: &mut String, x: usize, y: usize, length: f64, series: usize) {
    let colour = COLOURS.iter().cycle().nth(series).unwrap_or(&"black");
    let height = BAR.saturating_sub(2);
    // A `String` takes every write.
    _ = writeln!(
        out,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{length:.1}\" height=\"{height}\" fill=\"{colour}\"/>"
    );
}

fn text(out: &mut String, x: usize, y: usize, anchor: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    _ = writeln!(
        out,
        "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{words}</text>"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::sample;

    #[test]
    fn bars_are_as_long_as_their_values() {
        let record = sample(&[
            ("saturation", "payouts_per_second", 200.0),
            ("a<b", "payouts_per_second", 50.0),
        ]);
        let plots = all(&record);
        assert_eq!(plots.len(), 1, "only the speed was measured");
        let (file, svg) = &plots[0];
        assert_eq!(*file, "performance-speed.svg");
        assert!(
            svg.contains("width=\"470.0\"") && svg.contains("width=\"117.5\""),
            "{svg}"
        );
        assert!(svg.contains(">a&lt;b</text>"), "{svg}");
        assert_eq!(svg.matches("<text").count(), 6, "{svg}");
    }
}
