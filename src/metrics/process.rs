//! What the system says of this process, under the names that every Prometheus client uses. Linux; elsewhere zero.

use std::{fs, sync::OnceLock};

use super::{now_seconds, table};

/// Kernels count in these for user space, whatever their own clock is.
const TICKS_PER_SECOND: u64 = 100;
/// Of every architecture that the worker is built for, in kB as `status` has it.
const BYTES_PER_KB: i64 = 1024;

/// Reads and sets them.
pub(super) fn read() {
    static STARTED_AT: OnceLock<i64> = OnceLock::new();
    table::PROCESS_START.set(&[], *STARTED_AT.get_or_init(now_seconds));
    if let Some(ticks) = fs::read_to_string("/proc/self/stat")
        .ok()
        .as_deref()
        .and_then(cpu_ticks)
    {
        // Whole seconds: the counters of this exporter are whole numbers.
        let seconds = ticks.checked_div(TICKS_PER_SECOND).unwrap_or(0);
        table::PROCESS_CPU.absolute(&[], i64::try_from(seconds).unwrap_or(0));
    }
    if let Some(bytes) = fs::read_to_string("/proc/self/status")
        .ok()
        .as_deref()
        .and_then(memory)
    {
        table::PROCESS_MEMORY.set(&[], bytes);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // One of them is this reading itself.
        let files = open.count().saturating_sub(1);
        table::PROCESS_FILES.set(&[], i64::try_from(files).unwrap_or(0));
    }
}

/// Fields 14 and 15 of `stat`; the second field is the name in brackets and may hold spaces.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut after_name = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = after_name.next()?.parse().ok()?;
    let system: u64 = after_name.next()?.parse().ok()?;
    user.checked_add(system)
}

fn memory(status: &str) -> Option<i64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: i64 = line.split_whitespace().next()?.parse().ok()?;
    kilobytes.checked_mul(BYTES_PER_KB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_lines_are_read() {
        let stat = "7 (pay out) S 1 7 7 0 -1 4194304 1 2 3 4 150 50 0 0 20 0 9 0 77";
        assert_eq!(cpu_ticks(stat), Some(200));
        assert_eq!(memory("Name:\tpayout\nVmRSS:\t   12 kB\n"), Some(12 * 1024));
        assert_eq!(cpu_ticks("nonsense"), None);
    }
}
