//! Logs: JSON lines on stderr, or plain text for people. They never contain an account number or a name: the types that
//! hold them print masked.
//!
//! A worker never waits for whoever reads its log. A thread writes the lines; what it cannot write in time is dropped and
//! counted.

use std::{
    env,
    io::{self, Write},
    panic,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use chrono::{SecondsFormat, Utc};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Lines that wait in memory while nobody reads the log. More are dropped.
const LINES_MAX: usize = 8192;
/// How long a process that ends, or that has something to say to a person, waits for its lines to be written.
const WRITTEN_WITHIN: Duration = Duration::from_secs(2);

static LOG: OnceLock<Log> = OnceLock::new();

struct Log {
    dropped: Arc<Dropped>,
    /// Writes the last lines when it is dropped.
    guard: Mutex<Option<WorkerGuard>>,
}

/// Lines that nobody will read.
#[derive(Default)]
struct Dropped {
    /// No room was left for them.
    queue: OnceLock<ErrorCounter>,
    /// The reader is gone.
    unwritten: AtomicU64,
}

impl Dropped {
    fn lines(&self) -> u64 {
        let queue = self.queue.get().map_or(0, ErrorCounter::dropped_lines);
        let unwritten = self.unwritten.load(Ordering::Relaxed);
        u64::try_from(queue)
            .unwrap_or(u64::MAX)
            .saturating_add(unwritten)
    }
}

/// Starts logging. `PAYOUT_LOG` sets the filter: a level, and levels of single crates, for example
/// `info,payout_gateway=debug`. A second call does nothing.
pub fn start(json: bool) {
    let wanted = env::var("PAYOUT_LOG").ok();
    let parsed = wanted.as_deref().map(str::parse::<Targets>);
    let (filter, refused) = match parsed.transpose() {
        Ok(filter) => (filter, None),
        Err(error) => (None, Some(error)),
    };
    let filter = filter.unwrap_or_else(default_filter);
    let dropped = Arc::new(Dropped::default());
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(LINES_MAX)
        .thread_name("log")
        .finish(Lines {
            out: io::stderr(),
            json,
            dropped: Arc::clone(&dropped),
            told: 0,
        });
    dropped.queue.set(writer.error_counter()).ok();
    let lines = fmt::layer().with_writer(writer);
    let registry = tracing_subscriber::registry().with(filter);
    let started = if json {
        registry
            .with(
                lines
                    .json()
                    .flatten_event(true)
                    .with_current_span(false)
                    .with_span_list(false),
            )
            .try_init()
    } else {
        registry.with(lines.with_target(false)).try_init()
    };
    // An `Err` says that a logger is already installed, as in tests.
    if started.is_ok() {
        let guard = Mutex::new(Some(guard));
        LOG.set(Log { dropped, guard }).ok();
        panic::set_hook(Box::new(log_panic));
        if let Some(error) = refused {
            tracing::warn!(
                wanted,
                "PAYOUT_LOG is ignored, because it is no filter ({error}); write it like info,payout_gateway=debug"
            );
        }
    }
}

fn default_filter() -> Targets {
    Targets::new()
        .with_default(LevelFilter::INFO)
        .with_target("sqlx", LevelFilter::WARN)
}

/// The usual hook writes to stderr, and would wait for its reader for ever.
fn log_panic(panicked: &panic::PanicHookInfo<'_>) {
    tracing::error!(%panicked, "the program panicked: {panicked}");
    if cfg!(panic = "abort") {
        finish();
    }
}

/// How many lines of the log were dropped because nobody read it.
pub fn dropped_lines() -> u64 {
    LOG.get().map_or(0, |log| log.dropped.lines())
}

/// Writes a line for a person on stderr, beside the log. Once the log has started, it does not wait for the reader for
/// ever.
pub fn say(line: &str) {
    let line = format!("{line}\n");
    // A closed stderr is no reason to stop.
    let write = move || drop(io::stderr().write_all(line.as_bytes()));
    if LOG.get().is_some() {
        soon(write);
    } else {
        write();
    }
}

/// Writes the last lines of the log, unless nobody reads them. What is logged after this is lost.
pub fn finish() {
    let Some(log) = LOG.get() else {
        return;
    };
    let guard = log
        .guard
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    // If it cannot write them, it says so on stdout, which may be the same pipe.
    soon(move || drop(guard));
}

/// Waits for something that writes, but not for ever.
fn soon(write: impl FnOnce() + Send + 'static) {
    let (done, written) = mpsc::channel();
    thread::spawn(move || {
        write();
        done.send(()).ok();
    });
    written.recv_timeout(WRITTEN_WITHIN).ok();
}

/// Writes lines, and says how many are missing once they can be written again.
struct Lines<W> {
    out: W,
    json: bool,
    dropped: Arc<Dropped>,
    /// How many of the dropped lines were reported.
    told: u64,
}

impl<W: Write> Lines<W> {
    fn tell(&mut self, dropped: u64) -> io::Result<()> {
        let lines = dropped.saturating_sub(self.told);
        let message = format!("{lines} lines of the log were dropped: nobody read it in time");
        let at = Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true);
        if self.json {
            let line = serde_json::json!({ "timestamp": at, "level": "WARN", "message": message, "dropped": lines,
                                           "target": "payout_service::telemetry" });
            writeln!(self.out, "{line}")?;
        } else {
            writeln!(self.out, "{at}  WARN {message}")?;
        }
        self.told = dropped;
        Ok(())
    }
}

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let dropped = self.dropped.lines();
        let told = if dropped > self.told {
            self.tell(dropped)
        } else {
            Ok(())
        };
        if told.and_then(|()| self.out.write_all(line)).is_err() {
            self.dropped.unwritten.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Pipe {
        closed: bool,
        text: String,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.closed {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.text.push_str(std::str::from_utf8(bytes).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn dropped_lines_are_counted_and_reported_once_the_log_is_read_again() {
        for json in [true, false] {
            let mut lines = Lines {
                out: Pipe::default(),
                json,
                dropped: Arc::default(),
                told: 0,
            };
            lines.write_all(b"one\n").unwrap();
            lines.out.closed = true;
            lines.write_all(b"two\n").unwrap();
            lines.write_all(b"three\n").unwrap();
            assert_eq!(lines.dropped.lines(), 2);
            lines.out.closed = false;
            lines.write_all(b"four\n").unwrap();
            lines.write_all(b"five\n").unwrap();
            let written: Vec<&str> = lines.out.text.lines().collect();
            assert_eq!(written.len(), 4, "{written:?}");
            assert!(
                written[1].contains("2 lines of the log were dropped"),
                "{written:?}"
            );
            assert_eq!(json, written[1].starts_with('{'), "{written:?}");
            assert_eq!(
                (written[0], written[2], written[3]),
                ("one", "four", "five")
            );
        }
    }
}
