"""Judges a run by ten checks over the gateway's ground-truth log, the backend's journal and the database.

    python3 -m chaos.checker --folder DIR --database URL --journal FILE
        [--canary WORD…] [--output-globs GLOB…] [--quiet-horizon S] [--lost-window FROM:TO…] [--accepted TIME…]
        [--clock-step TIME:AHEAD…]

It shares no code with the worker and never talks to it. Exit code 0: every check holds; 3: only C10 does not, so
nothing is wrong but not everything was settled in time; 1: anything else.
"""

from __future__ import annotations

import argparse
import glob
import sys
from pathlib import Path

from . import check_callbacks, check_ledger, check_outcomes, check_personal_data, check_sends, check_transitions
from .check_result import CheckResult
from .ground_truth import FILE_NAME
from .run_record import RunRecord, read_database, read_ground_truth, read_journal


def check(record: RunRecord) -> tuple[list[CheckResult], dict[str, int]]:
    """The results of C1 to C10 in order, and the counts of the last line."""
    submits, sent_twice = check_sends.submits(record)
    payments, paid_twice = check_sends.payments(record)
    contradictions, lost = check_outcomes.contradictions(record), check_outcomes.lost(record)
    ledger, rupiah_off = check_ledger.ledger(record)
    transitions = check_transitions.transitions(record)
    acknowledged = check_callbacks.acknowledged(record)
    personal_data = check_personal_data.personal_data(record)
    contents, resolved = check_sends.contents(record), check_outcomes.resolved(record)
    counts = {"payouts": len(record.payouts), "kinds": len(record.kinds), "double": len(sent_twice | paid_twice),
              "lost": len(lost.violations), "rupiah_off": rupiah_off, "contradicted": len(contradictions.violations),
              "illegal_edges": len(transitions.violations), "unstored_success": len(acknowledged.violations),
              "personal_data": len(personal_data.violations), "mismatched": len(contents.violations),
              "unresolved": len(resolved.violations)}
    return [submits, payments, contradictions, lost, ledger, transitions, acknowledged, personal_data, contents,
            resolved], counts


def gather(options: argparse.Namespace) -> RunRecord:
    record = RunRecord(quiet_horizon=options.quiet_horizon, canaries=options.canary,
                       failovers_accepted=list(options.accepted))
    record.outputs = sorted({Path(path) for pattern in options.output_globs for path in glob.glob(pattern)})
    for window in options.lost_window:
        begin, end = window.split(":")
        record.lost_windows.append((float(begin), float(end)))
    for step in options.clock_step:
        at, ahead = step.split(":")
        record.clock.step(float(at), float(ahead))
    read_ground_truth(record, Path(options.folder) / FILE_NAME)
    read_journal(record, Path(options.journal))
    read_database(record, options.database)
    return record


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", required=True, help="the gateway's folder, with its ground-truth log")
    parser.add_argument("--database", required=True, help="URL for psql, of a role that may read everything")
    parser.add_argument("--journal", required=True, help="the payouts the backend enqueued, one JSON object per line")
    parser.add_argument("--canary", nargs="*", action="extend", default=[], help="words that no output may contain")
    parser.add_argument("--output-globs", nargs="*", action="extend", default=[], help="the outputs to search for them")
    parser.add_argument("--quiet-horizon", type=float, default=12.0, help="seconds, as in the workers' configuration")
    parser.add_argument("--lost-window", nargs="*", action="extend", default=[], metavar="FROM:TO",
                        help="unix times between which a failover may have lost commits")
    parser.add_argument("--accepted", nargs="*", action="extend", default=[], type=float, metavar="TIME",
                        help="unix times of accepted failovers; the database keeps only the last one")
    parser.add_argument("--clock-step", nargs="*", action="extend", default=[], metavar="TIME:AHEAD",
                        help="unix times from which the database's clock was so many seconds ahead of the gateway's")
    return parser.parse_args()


def main() -> int:
    record = gather(arguments())
    results, counts = check(record)
    for result in results:
        print("\n".join(result.lines()))
    for error in record.gateway_errors[:5]:
        print(f"BAD  the test gateway itself failed {len(record.gateway_errors)} times: {error}")
    print(" ".join(f"{name}={count}" for name, count in counts.items()))
    bad = [result for result in results if not result.ok]
    if not bad and not record.gateway_errors:
        return 0
    return 3 if bad == results[-1:] and not record.gateway_errors else 1


if __name__ == "__main__":
    sys.exit(main())
