"""The verdict on a run: ten invariants, from the gateway's truth log, the backend's journal and the tables.

    python3 -m chaos.checker --folder DIR --database URL --journal FILE
        [--canary WORD…] [--output-globs GLOB…] [--quiet-horizon S] [--excuse FROM:TO…]

It shares no code with the worker and never asks it. Exit 0 only when every line is ok; 3 when only I10 is not.
"""

from __future__ import annotations

import argparse
import glob
import sys
from pathlib import Path

from . import check_books, check_ends, check_paper, check_sends
from .facts import Facts, read_journal, read_tables, read_truth
from .truth import FILE_NAME
from .verdict import Verdict


def check(facts: Facts) -> tuple[list[Verdict], dict[str, int]]:
    """All lines in the order of their numbers, and the counts of the last line."""
    one, over = check_sends.submits(facts)
    two, double = check_sends.payments(facts)
    three, four = check_ends.contradictions(facts), check_ends.lost(facts)
    five, off = check_books.books(facts)
    six, seven = check_ends.moves(facts), check_paper.acknowledged(facts)
    eight, nine, ten = check_paper.personal_data(facts), check_sends.contents(facts), check_ends.resolved(facts)
    counts = {"payouts": len(facts.payouts), "kinds": len(facts.kinds), "double": len(over | double),
              "lost": len(four.bad), "rupiah_off": off, "contradicted": len(three.bad), "illegal_edges": len(six.bad),
              "unstored_success": len(seven.bad), "personal_data": len(eight.bad), "mismatched": len(nine.bad),
              "unresolved": len(ten.bad)}
    return [one, two, three, four, five, six, seven, eight, nine, ten], counts


def gather(options: argparse.Namespace) -> Facts:
    facts = Facts(quiet_horizon=options.quiet_horizon, canaries=options.canary)
    facts.outputs = sorted({Path(path) for pattern in options.output_globs for path in glob.glob(pattern)})
    for window in options.excuse:
        begin, end = window.split(":")
        facts.excused.append((float(begin), float(end)))
    read_truth(facts, Path(options.folder) / FILE_NAME)
    read_journal(facts, Path(options.journal))
    read_tables(facts, options.database)
    facts.accepted += options.accepted
    return facts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", required=True, help="the gateway's, with its truth log")
    parser.add_argument("--database", required=True, help="a URL for psql, as a role that may read everything")
    parser.add_argument("--journal", required=True, help="what the backend enqueued, a JSON object a line")
    parser.add_argument("--canary", nargs="*", action="extend", default=[], help="words that no output may hold")
    parser.add_argument("--output-globs", nargs="*", action="extend", default=[], help="the outputs")
    parser.add_argument("--quiet-horizon", type=float, default=12.0, help="seconds, as in the workers' configuration")
    parser.add_argument("--excuse", nargs="*", action="extend", default=[], metavar="FROM:TO",
                        help="unix times between which commits may have been lost with a primary")
    parser.add_argument("--accepted", nargs="*", action="extend", default=[], type=float, metavar="TIME",
                        help="unix times at which a person accepted another history; the table keeps the last one only")
    facts = gather(parser.parse_args())
    verdicts, counts = check(facts)
    for verdict in verdicts:
        print("\n".join(verdict.lines()))
    for error in facts.stumbles[:5]:
        print(f"BAD  the gateway itself stumbled {len(facts.stumbles)} times: {error}")
    print(" ".join(f"{name}={count}" for name, count in counts.items()))
    bad = [verdict for verdict in verdicts if not verdict.ok]
    if not bad and not facts.stumbles:
        return 0
    # Nothing is wrong, but not all was settled in time: a slow machine, or a worker that gave up.
    return 3 if bad == verdicts[-1:] and not facts.stumbles else 1


if __name__ == "__main__":
    sys.exit(main())
