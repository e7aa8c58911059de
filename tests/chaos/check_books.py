"""I5: the ledger and the gateway's own balance, to the rupiah."""

from __future__ import annotations

from collections import defaultdict

from .check_ends import FINAL
from .facts import Facts, Key
from .verdict import Verdict, short

ACCOUNTS = ("available", "held", "paid_out", "fees", "funding")
_ONCE = {"hold", "capture", "release"}


def books(facts: Facts) -> tuple[Verdict, int]:
    """The verdict, and by how many rupiah books and gateway differ without an explanation."""
    verdict = Verdict("I5", "ledger = gateway's balance, to the rupiah")
    _entries(facts, verdict)
    ours = _effects(facts)
    off = 0
    for key, row in facts.payouts.items():
        off += _one_payout(facts, key, row, ours[key], verdict)
    notes = [_merchant(facts, merchant, ours, verdict) for merchant in sorted(facts.ending)]
    off += sum(unexplained for unexplained, _ in notes)
    if not facts.ending:
        verdict.blame("the truth log has no balance_end: was POST /admin/finish forgotten?")
    verdict.looked_at = f"{len(facts.ledger)} entries, {len(facts.ending)} merchants, {off} rupiah off"
    verdict.note = "; ".join(note for _, note in notes if note)
    return verdict, off


def _entries(facts: Facts, verdict: Verdict) -> None:
    """Each entry is balanced, none is there twice, and the accounts are their sums."""
    seen: set[tuple] = set()
    sums: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(ACCOUNTS, 0))
    for entry in facts.ledger:
        key = (entry["m"], entry["o"], entry["attempt"], entry["kind"])
        if sum(entry[account] for account in ACCOUNTS) != 0:
            verdict.blame(f"{entry['m']}/{entry['o']}: the entry {entry['kind']} does not sum to zero")
        if entry["kind"] in _ONCE and key in seen:
            verdict.blame(f"{entry['m']}/{entry['o']}: {entry['kind']} of attempt {entry['attempt']} is booked twice")
        seen.add(key)
        for account in ACCOUNTS:
            sums[entry["m"]][account] += entry[account]
    for merchant, account in facts.accounts.items():
        if any(account[name] != sums[merchant][name] for name in ACCOUNTS):
            verdict.blame(f"{merchant}: the accounts are not the sums of the ledger")


def _effects(facts: Facts) -> dict[Key, dict[str, int]]:
    """What each payout did to each account."""
    effects: dict[Key, dict[str, int]] = defaultdict(lambda: dict.fromkeys(ACCOUNTS, 0))
    for entry in facts.ledger:
        if entry["o"] is not None:
            for account in ACCOUNTS:
                effects[(entry["m"], entry["o"])][account] += entry[account]
    return effects


def _gateway_debit(facts: Facts, key: Key) -> int:
    return sum(booking.debit() for booking in facts.bookings.get(key, ()))


def _one_payout(facts: Facts, key: Key, row: dict, ours: dict[str, int], verdict: Verdict) -> int:
    """A settled payout's rupiah, account by account. Open ones hold, and show in the balance."""
    if ours["held"] != row["held"]:
        verdict.blame(f"{short(key)}: holds {row['held']}, its entries {ours['held']}")
    if row["state"] not in FINAL:
        return 0
    debit, booked = _gateway_debit(facts, key), -(ours["available"] + ours["held"])
    if row["attention"] is not None or any(b.flipped for b in facts.bookings.get(key, ())):
        return 0  # told apart in _merchant
    wrong = [] if debit == booked else [f"the gateway took {debit}, the books {booked}"]
    paid = next((b for b in facts.bookings.get(key, ()) if b.paid), None)
    if paid and row["state"] == "paid":
        net = paid.money - (paid.fee if paid.fee_type == 0 else 0)
        if (ours["paid_out"], ours["fees"]) != (net, paid.fee):
            wrong.append(f"paid out {ours['paid_out']} and fees {ours['fees']}, the gateway {net} and {paid.fee}")
    if wrong:
        verdict.blame(f"{short(key)}: {'; '.join(wrong)}")
    return abs(debit - booked)


def _merchant(facts: Facts, merchant: str, ours: dict[Key, dict[str, int]], verdict: Verdict) -> tuple[int, str]:
    """Σ of all entries beside the balance. A difference is explained only by payouts that a person has been shown,
    that the gateway flipped, or that are still open; and money is found only where such a payout left some over."""
    funded = sum(e["available"] for e in facts.ledger if e["m"] == merchant and e["kind"] == "funding")
    books_now = sum(e["available"] + e["held"] for e in facts.ledger if e["m"] == merchant)
    theirs = sum(facts.ending[merchant])
    opening = facts.opening.get(merchant, funded)
    explained, over = 0, 0
    for key in {*facts.payouts, *facts.bookings}:
        row = facts.payouts.get(key)
        if key[0] != merchant:
            continue
        flipped = any(b.flipped for b in facts.bookings.get(key, ()))
        if row is None or row["attention"] is not None or flipped or row["state"] not in FINAL:
            # Positive where the gateway has more left than the books.
            difference = -_gateway_debit(facts, key) - (ours[key]["available"] + ours[key]["held"])
            explained += difference
            over += max(0, difference)
    found = funded - opening
    if found and not 0 <= found <= over:
        verdict.blame(f"{merchant}: {found} rupiah were booked as funding, and nothing explains more than {over}")
    unexplained = theirs - books_now - explained + found
    if unexplained:
        verdict.blame(f"{merchant}: the gateway has {theirs}, the books {books_now}, explained {explained}, "
                      f"found {found}: {unexplained} off")
    words = f"{merchant}: {explained} explained, {found} found" if explained or found else ""
    return abs(unexplained), words
