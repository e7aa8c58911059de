//! One metric, and how its series are set.

use std::time::Duration;

use super::labels::Label;

/// One metric with all its series.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// The whole name, as Prometheus sees it; it ends in the unit.
    pub name: &'static str,
    /// The kind of number.
    pub kind: Kind,
    /// Where the number comes from.
    pub origin: Origin,
    /// The labels, in the order in which their values are given.
    pub labels: &'static [Label],
    /// One sentence: the HELP text and the line in `docs/metrics.md`.
    pub help: &'static str,
}

/// The kind of number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only rises.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Counts by size, with these upper bounds in seconds.
    Histogram(&'static [f64]),
}

impl Kind {
    /// As in the `# TYPE` line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// Where a number comes from, and so how the numbers of several instances combine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Read from the database, so it is the same on every instance. Take `max by`; `sum` would count it twice.
    Books,
    /// Counted by this process. Take `sum by`.
    Process,
}

impl Family {
    /// Increases a counter.
    pub(super) fn add(&self, values: &[&str], more: u64) {
        metrics::counter!(self.name, self.labelled(values)).increment(more);
    }

    /// Sets a counter to a total that was counted elsewhere; it never falls.
    pub(super) fn absolute(&self, values: &[&str], total: i64) {
        metrics::counter!(self.name, self.labelled(values))
            .absolute(u64::try_from(total).unwrap_or(0));
    }

    /// Sets a gauge.
    pub(super) fn set(&self, values: &[&str], to: i64) {
        // Why: a gauge is a float. Whole numbers are exact up to 9·10^15, nine thousand times the largest payout.
        #[expect(clippy::cast_precision_loss)]
        metrics::gauge!(self.name, self.labelled(values)).set(to as f64);
    }

    /// Sets a gauge to NaN, for "unknown": every comparison with it is false, and no graph shows it.
    pub(super) fn set_unknown(&self, values: &[&str]) {
        metrics::gauge!(self.name, self.labelled(values)).set(f64::NAN);
    }

    /// Sets a gauge of seconds.
    pub(super) fn set_seconds(&self, values: &[&str], seconds: f64) {
        metrics::gauge!(self.name, self.labelled(values)).set(seconds);
    }

    /// Records a duration in a histogram.
    pub(super) fn record(&self, values: &[&str], took: Duration) {
        metrics::histogram!(self.name, self.labelled(values)).record(took);
    }

    /// Creates the series, at zero.
    pub(super) fn begin(&self, values: &[&str]) {
        let labels = self.labelled(values);
        match self.kind {
            Kind::Counter => metrics::counter!(self.name, labels).increment(0),
            Kind::Gauge => metrics::gauge!(self.name, labels).increment(0.0),
            Kind::Histogram(_) => drop(metrics::histogram!(self.name, labels)),
        }
    }

    /// Gives the exporter the HELP text.
    pub(super) fn describe(&self) {
        match self.kind {
            Kind::Counter => metrics::describe_counter!(self.name, self.help),
            Kind::Gauge => metrics::describe_gauge!(self.name, self.help),
            Kind::Histogram(_) => metrics::describe_histogram!(self.name, self.help),
        }
    }

    fn labelled(&self, values: &[&str]) -> Vec<metrics::Label> {
        debug_assert_eq!(values.len(), self.labels.len(), "labels of {}", self.name);
        let pairs = self.labels.iter().zip(values);
        pairs
            .map(|(label, value)| metrics::Label::new(label.name, label.bounded(value).to_owned()))
            .collect()
    }
}
