"""I3 contradictions, I4 lost payouts, I10 what should have been resolved, I6 the moves."""

from __future__ import annotations

from typing import Optional

from .facts import Facts, Key
from .verdict import Verdict, short

FINAL = ("paid", "failed", "cancelled", "returned")
OVERDUE = 30.0  # an open row that would be asked only this much later is nobody's

# Written down here once more, from the contract, and not read from the database.
MOVES = {
    ("queued", "claimed", "submitting"), ("queued", "withdrawn", "cancelled"),
    ("queued", "found_after_failover", "unknown"), ("submitting", "not_sent", "queued"),
    ("submitting", "acknowledged", "pending"), ("submitting", "unanswered", "unknown"),
    ("submitting", "declined", "unknown"), ("submitting", "reported_paid", "paid"),
    ("submitting", "reported_failed", "failed"), ("pending", "reported_paid", "paid"),
    ("pending", "reported_failed", "failed"), ("pending", "resolved_paid", "paid"),
    ("pending", "resolved_failed", "failed"), ("unknown", "not_sent", "queued"),
    ("unknown", "acknowledged", "pending"), ("unknown", "refusal_confirmed", "failed"),
    ("unknown", "resubmit_granted", "submitting"), ("unknown", "reported_paid", "paid"),
    ("unknown", "reported_failed", "failed"), ("unknown", "resolved_paid", "paid"),
    ("unknown", "resolved_failed", "failed"), ("paid", "resolved_returned", "returned"),
    ("failed", "resolved_paid", "paid"),
}
BY_A_PERSON = {"withdrawn", "resolved_paid", "resolved_failed", "resolved_returned", "resubmit_granted"}


def contradictions(facts: Facts) -> Verdict:
    """I3: a final row and the gateway's end agree; where the gateway changed its own word, a person was called."""
    verdict = Verdict("I3", "no end contradicts the gateway")
    finals, flips, alarms = 0, 0, 0
    for key, row in facts.payouts.items():
        if row["state"] not in FINAL:
            continue
        finals += 1
        flips += any(booking.flipped for booking in facts.bookings.get(key, ()))
        ever_paid = any(2 in booking.statuses for booking in facts.bookings.get(key, ()))
        alarms += row["attention"] == "late_success" and not ever_paid
        why = why_contradicted(facts, key, row)
        if why:
            verdict.blame(f"{short(key)}: {row['state']}, but {why}")
    verdict.looked_at = f"{finals} final payouts, {flips} of them flipped at the gateway"
    verdict.note = f"{alarms} marked late_success that were never paid: false alarms" if alarms else ""
    return verdict


def why_contradicted(facts: Facts, key: Key, row: dict) -> Optional[str]:
    bookings, state = facts.bookings.get(key, []), row["state"]
    said_not_known = sum(answer == "NOTEXIST" for _, answer in facts.queries.get(key, ()))
    if any(booking.flipped for booking in bookings):
        seen = row["attention"] is not None or row["next_ask"] is not None
        return None if seen else "the gateway changed its word, and nobody will see it"
    paid = sum(booking.paid for booking in bookings)
    still_open = any(not booking.final for booking in bookings)
    if state in ("paid", "returned"):
        return None if paid == 1 else f"the gateway paid it {paid} times"
    if state == "cancelled":
        return "it was sent" if facts.whole(key) else None
    if paid:
        return "the gateway paid it"
    if still_open:
        return "it is still open at the gateway"
    if not bookings and said_not_known < 2:
        return f"the gateway never took it and said only {said_not_known} times that it does not know it"
    return None


def is_explained(row: dict) -> bool:
    """By a person's mark, or because nobody can know yet and the question is planned."""
    return row["attention"] is not None or (row["state"] == "unknown" and row["next_ask"] is not None)


def lost(facts: Facts) -> Verdict:
    """I4: everything that was enqueued is there, and has ended, is marked, or will be looked at again."""
    verdict = Verdict("I4", "every enqueued payout is there and ended or explained")
    explained: dict[str, int] = {}
    for key in facts.journal:
        row = facts.payouts.get(key)
        if row is None:
            verdict.blame(f"{short(key)}: not in the database")
        elif row["state"] in FINAL:
            continue
        elif is_explained(row):
            word = f"{row['state']} {row['attention'] or 'asked again later'}"
            explained[word] = explained.get(word, 0) + 1
        elif not _somebody_comes(row):
            verdict.blame(f"{short(key)}: {row['state']}, not marked, and nothing is planned for it")
    verdict.looked_at = f"{len(facts.journal)} enqueued"
    verdict.note = ", ".join(f"{count} {word}" for word, count in sorted(explained.items()))
    return verdict


def _somebody_comes(row: dict) -> bool:
    if row["state"] == "queued":
        return True
    if row["state"] == "submitting":
        return row["lease"] is not None
    return row["next_ask"] is not None and row["next_ask"] < row["now"] + OVERDUE + 86_400


def resolved(facts: Facts) -> Verdict:
    """I10: once the faults are over, whatever can be known is known; open and unmarked is only what nobody can tell."""
    verdict = Verdict("I10", "everything resolvable is resolved")
    open_rows = 0
    for key, row in facts.payouts.items():
        if row["state"] in FINAL:
            continue
        open_rows += 1
        if row["attention"] is not None:
            continue
        bookings = facts.bookings.get(key, [])
        settled = bool(bookings) and all(booking.final for booking in bookings)
        waits = row["state"] == "unknown" and row["next_ask"] is not None and not settled
        quiet_over = (row["send_by"] or 0.0) + facts.quiet_horizon + OVERDUE < row["now"]
        if not waits or (quiet_over and key[0] not in facts.never_denied):
            ended = f"the gateway ended it with {bookings[-1].status}" if settled else "it could be known"
            verdict.blame(f"{short(key)}: {row['state']} after {row['asks']} questions, {ended}")
    verdict.looked_at = f"{len(facts.payouts)} payouts, {open_rows} open"
    return verdict


def moves(facts: Facts) -> Verdict:
    """I6: each move is one of the table's and begins where the last one ended; the row stands where the last led."""
    verdict = Verdict("I6", "no move outside the table")
    looked = 0
    for key, row in facts.payouts.items():
        at, sends = "queued", 0
        for line in facts.history.get(key, ()):
            looked += 1
            move = (line["f"], line["event"], line["t"])
            sends += line["t"] == "submitting"
            if move not in MOVES:
                verdict.blame(f"{short(key)}: {' '.join(move)}")
            elif line["f"] != at:
                verdict.blame(f"{short(key)}: {line['event']} from {line['f']}, but it was {at}")
            elif line["event"] in BY_A_PERSON and line["source"] != "operator":
                verdict.blame(f"{short(key)}: {line['event']} by {line['source']}")
            at = line["t"]
        if at != row["state"]:
            verdict.blame(f"{short(key)}: its moves lead to {at}, but it is {row['state']}")
        if sends != row["sends"]:
            verdict.blame(f"{short(key)}: {sends} moves to submitting, but {row['sends']} sends are counted")
    verdict.looked_at = f"{looked} moves of {len(facts.payouts)} payouts"
    return verdict
