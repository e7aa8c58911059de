"""C5: the ledger agrees with the gateway's own balance, to the rupiah."""

from __future__ import annotations

from collections import defaultdict

from .check_result import CheckResult, short
from .run_record import ACCOUNTS, FINAL_STATES, Key, RunRecord

_ONCE_PER_ATTEMPT = {"hold", "capture", "release"}
Postings = dict[str, int]


def ledger(record: RunRecord) -> tuple[CheckResult, int]:
    """The result, and by how many rupiah ledger and gateway differ without an explanation."""
    result = CheckResult("C5", "ledger = gateway's balance, to the rupiah")
    _entries(record, result)
    postings = _postings_by_payout(record)
    off = sum(_settled_payout(record, key, row, postings[key], result) for key, row in record.payouts.items())
    merchants = [_merchant(record, merchant, postings, result) for merchant in sorted(record.closing_balances)]
    off += sum(unexplained for unexplained, _ in merchants)
    if not record.closing_balances:
        result.add("the ground-truth log has no closing balance: was POST /admin/finish forgotten?")
    result.scope = f"{len(record.ledger)} entries, {len(record.closing_balances)} merchants, {off} rupiah off"
    result.note = "; ".join(note for _, note in merchants if note)
    return result, off


def _entries(record: RunRecord, result: CheckResult) -> None:
    """Every entry balances, none is posted twice, and each account is the sum of its entries."""
    seen: set[tuple] = set()
    sums: dict[str, Postings] = defaultdict(lambda: dict.fromkeys(ACCOUNTS, 0))
    for entry in record.ledger:
        merchant, kind = entry["merchant"], entry["kind"]
        identity = (merchant, entry["order"], entry["attempt"], kind)
        if sum(entry[account] for account in ACCOUNTS) != 0:
            result.add(f"{merchant}/{entry['order']}: the entry {kind} does not sum to zero")
        if kind in _ONCE_PER_ATTEMPT and identity in seen:
            result.add(f"{merchant}/{entry['order']}: {kind} of attempt {entry['attempt']} is posted twice")
        seen.add(identity)
        for account in ACCOUNTS:
            sums[merchant][account] += entry[account]
    for merchant, balances in record.accounts.items():
        if any(balances[account] != sums[merchant][account] for account in ACCOUNTS):
            result.add(f"{merchant}: the account balances are not the sums of the ledger")


def _postings_by_payout(record: RunRecord) -> dict[Key, Postings]:
    totals: dict[Key, Postings] = defaultdict(lambda: dict.fromkeys(ACCOUNTS, 0))
    for entry in record.ledger:
        if entry["order"] is not None:
            for account in ACCOUNTS:
                totals[(entry["merchant"], entry["order"])][account] += entry[account]
    return totals


def _gateway_debit(record: RunRecord, key: Key) -> int:
    return sum(booking.debit() for booking in record.bookings.get(key, ()))


def _settled_payout(record: RunRecord, key: Key, row: dict, ours: Postings, result: CheckResult) -> int:
    """By how many rupiah one settled payout is off. Open ones only show in the merchant's balance."""
    if ours["held"] != row["held"]:
        result.add(f"{short(key)}: the row holds {row['held']}, its entries {ours['held']}")
    if row["state"] not in FINAL_STATES:
        return 0
    if row["attention"] is not None or record.is_flipped(key):
        return 0  # _merchant accounts for it
    theirs, posted = _gateway_debit(record, key), -(ours["available"] + ours["held"])
    differences = [] if theirs == posted else [f"the gateway debited {theirs}, the ledger {posted}"]
    paid = next((booking for booking in record.bookings.get(key, ()) if booking.paid), None)
    if paid and row["state"] == "paid":
        net = paid.money - (paid.fee if paid.fee_type == 0 else 0)
        if (ours["paid_out"], ours["fees"]) != (net, paid.fee):
            differences.append(f"the ledger has paid_out {ours['paid_out']} and fees {ours['fees']}, "
                               f"the gateway {net} and {paid.fee}")
    if differences:
        result.add(f"{short(key)}: {'; '.join(differences)}")
    return abs(theirs - posted)


def _merchant(record: RunRecord, merchant: str, postings: dict[Key, Postings], result: CheckResult) -> tuple[int, str]:
    """Compares the merchant's ledger with the gateway's balance. Only payouts that are open, marked for an operator, or
    flipped at the gateway explain a difference, and only what such a payout left over explains unexpected funding."""
    own = [entry for entry in record.ledger if entry["merchant"] == merchant]
    funded = sum(entry["available"] for entry in own if entry["kind"] == "funding")
    ours = sum(entry["available"] + entry["held"] for entry in own)
    theirs = sum(record.closing_balances[merchant])
    explained, surplus = 0, 0
    for key in {*record.payouts, *record.bookings}:
        if key[0] != merchant or not _may_differ(record, key):
            continue
        # Positive where the gateway has more left than the ledger.
        difference = -_gateway_debit(record, key) - (postings[key]["available"] + postings[key]["held"])
        explained += difference
        surplus += max(0, difference)
    found = funded - record.opening_balances.get(merchant, funded)
    if found and not 0 <= found <= surplus:
        result.add(f"{merchant}: {found} rupiah were booked as funding, but at most {surplus} can be explained")
    unexplained = theirs - ours - explained + found
    if unexplained:
        result.add(f"{merchant}: the gateway has {theirs}, the ledger {ours}, explained {explained}, "
                   f"booked as found {found}: {unexplained} off")
    note = f"{merchant}: {explained} explained, {found} booked as found" if explained or found else ""
    return abs(unexplained), note


def _may_differ(record: RunRecord, key: Key) -> bool:
    row = record.payouts.get(key)
    return (row is None or row["attention"] is not None or row["state"] not in FINAL_STATES
            or record.is_flipped(key))
