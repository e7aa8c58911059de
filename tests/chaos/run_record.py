"""Everything the checker knows about a run, from three places the worker cannot rewrite after the fact: the gateway's
ground-truth log, the backend's journal, and the database, which only the psql program reads.

Times are unix seconds by the gateway's clock. Those of the database's are converted where they are compared with it. An
order is identified by (merchant code, order number).
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator, NamedTuple, Optional
from urllib.parse import parse_qs

from . import ground_truth
from .server_clock import ServerClock

# The fields that every submit must have.
SUBMIT_FIELDS = {"merchantCode", "orderNum", "money", "feeType", "bankCode", "number", "name", "dateTime"}
ACCOUNTS = ("available", "held", "paid_out", "fees", "funding")
FINAL_STATES = ("paid", "failed", "cancelled", "returned")

Key = tuple[str, str]
# The order that a callback names, and the status it states: 0 to 5, or None for anything else.
CallbackKey = tuple[str, str, Optional[int]]


@dataclass
class Booking:
    """One order that the gateway really has, and every status it went through; the last one is current."""

    platform: str
    money: int
    fee_type: int
    fee: int
    statuses: list[int] = field(default_factory=list)

    @property
    def status(self) -> int:
        return self.statuses[-1] if self.statuses else 0

    @property
    def paid(self) -> bool:
        return self.status == 2

    @property
    def final(self) -> bool:
        return self.status in (2, 3, 4)

    @property
    def flipped(self) -> bool:
        """Whether the gateway first reported one end and then the opposite."""
        return 2 in self.statuses and (3 in self.statuses or 4 in self.statuses)

    def debit(self) -> int:
        return self.money + (self.fee if self.fee_type == 1 else 0) if self.paid else 0


class Grant(NamedTuple):
    """A request of people that was approved and carried out."""

    kind: str
    at: float  # when it was carried out
    by_two: bool  # two logins, whatever they were called


@dataclass
class RunRecord:
    """The selftest builds one by hand; `checker.gather` reads one from a run."""

    submits: dict[Key, list[dict]] = field(default_factory=lambda: defaultdict(list))
    bookings: dict[Key, list[Booking]] = field(default_factory=lambda: defaultdict(list))
    queries: dict[Key, list[tuple[float, str]]] = field(default_factory=lambda: defaultdict(list))
    oddly_queried: set[Key] = field(default_factory=set)  # with an answer that was not the usual one
    delivered_again: set[Key] = field(default_factory=set)  # refused as repeated, though the worker sent them once
    callbacks: list[dict] = field(default_factory=list)
    opening_balances: dict[str, int] = field(default_factory=dict)
    closing_balances: dict[str, tuple[int, int]] = field(default_factory=dict)  # (balance, freeze)
    kinds: set[str] = field(default_factory=set)  # the behaviours of the gateway that occurred
    gateway_errors: list[str] = field(default_factory=list)  # bugs of the test gateway: a run with one proves nothing
    started_at: float = 0.0
    journal: dict[Key, dict] = field(default_factory=dict)
    rolled_back: set[Key] = field(default_factory=set)  # inserts that their transaction took back
    payouts: dict[Key, dict] = field(default_factory=dict)
    attempts: dict[Key, list[dict]] = field(default_factory=lambda: defaultdict(list))
    history: dict[Key, list[dict]] = field(default_factory=lambda: defaultdict(list))
    ledger: list[dict] = field(default_factory=list)
    accounts: dict[str, dict] = field(default_factory=dict)
    # How often each callback is stored: equal ones are counted on one row of payout.evidence.
    stored_callbacks: dict[CallbackKey, int] = field(default_factory=dict)
    resubmits_approved: dict[Key, list[float]] = field(default_factory=lambda: defaultdict(list))
    granted: dict[Key, list[Grant]] = field(default_factory=lambda: defaultdict(list))
    # Merchants whose gateway's "not found" proves nothing: an order that never arrived stays unknown there.
    not_found_proves_nothing: set[str] = field(default_factory=set)
    failovers_accepted: list[float] = field(default_factory=list)
    quiet_horizon: float = 12.0
    # Windows in which a failover may have lost commits: what only such a commit could explain is counted as a note.
    lost_windows: list[tuple[float, float]] = field(default_factory=list)
    clock: ServerClock = field(default_factory=ServerClock)  # of the database
    outputs: list[Path] = field(default_factory=list)
    canaries: list[str] = field(default_factory=list)
    # What is stored of the gateway's words: reasons of failures, and the details of evidence and history.
    texts: list[tuple[Key, object]] = field(default_factory=list)
    _known_requests: Optional[set[str]] = None

    def may_be_lost(self, at: float) -> bool:
        return any(begin <= at <= end for begin, end in self.lost_windows)

    def complete_submits(self, key: Key) -> list[dict]:
        """The submits that reached the gateway complete and uncorrupted."""
        return [submit for submit in self.submits.get(key, ()) if submit["complete"] and not self.is_corrupted(submit)]

    def is_corrupted(self, submit: dict) -> bool:
        """Whether bytes changed on the way. The signature does not cover field names (protocol P9), so a request with a
        changed name still verifies; it shows in that no worker recorded these bytes."""
        if not submit["sign_ok"]:
            return True
        incomplete = not SUBMIT_FIELDS <= set(submit["fields"])
        return incomplete and not self.is_from_worker(submit["request_sha256"])

    def is_from_worker(self, request_sha256: str) -> bool:
        """Whether an attempt in the database has exactly these bytes."""
        if self._known_requests is None:
            self._known_requests = {one["request_sha256"] for attempts in self.attempts.values() for one in attempts}
        return request_sha256 in self._known_requests

    def is_flipped(self, key: Key) -> bool:
        return any(booking.flipped for booking in self.bookings.get(key, ()))

    def not_found_answers(self, key: Key) -> list[float]:
        """When the gateway answered a query for this order with "not found"."""
        return [at for at, answer in self.queries.get(key, ()) if answer == "NOTEXIST"]


def read_ground_truth(record: RunRecord, path: Path) -> None:
    for line in ground_truth.read(path):
        record.started_at = record.started_at or line["t"]
        reader = _READERS.get(line["kind"])
        if reader:
            reader(record, (line.get("merchant", ""), line.get("order", "")), line)
    record.kinds -= {"normal", "true"}


def _submit(record: RunRecord, key: Key, line: dict) -> None:
    _, _, body = base64.b64decode(line.pop("raw")).partition(b"\r\n\r\n")
    line["request_sha256"] = hashlib.sha256(body).hexdigest()
    record.submits[key].append(line)
    record.kinds.add(line["behaviour"] or "cut short")


def _booked(record: RunRecord, key: Key, line: dict) -> None:
    record.bookings[key].append(Booking(line["platform"], line["money"], line["fee_type"], line["fee"]))


def _status(record: RunRecord, key: Key, line: dict) -> None:
    for booking in record.bookings[key]:
        if booking.platform == line["platform"]:
            booking.statuses.append(line["status"])
            booking.fee = line["fee"]


def _query(record: RunRecord, key: Key, line: dict) -> None:
    record.queries[key].append((line["t"], line["answer"]))
    behaviour = line.get("behaviour", "normal")
    record.kinds.add(behaviour)
    if behaviour != "normal":
        record.oddly_queried.add(key)


def _delivered_again(record: RunRecord, key: Key, _: dict) -> None:
    record.delivered_again.add(key)


def _balance(record: RunRecord, _: Key, line: dict) -> None:
    record.kinds.add(line["behaviour"])


def _callback(record: RunRecord, _: Key, line: dict) -> None:
    line["key"] = callback_key(line["merchant"], base64.b64decode(line["body"]))
    record.callbacks.append(line)
    record.kinds.add(line["what"])


def _gateway_error(record: RunRecord, _: Key, line: dict) -> None:
    record.gateway_errors.append(line["error"])


def _opening_balance(record: RunRecord, _: Key, line: dict) -> None:
    record.opening_balances[line["merchant"]] = line["balance"] + line["freeze"]


def _closing_balance(record: RunRecord, _: Key, line: dict) -> None:
    record.closing_balances[line["merchant"]] = (line["balance"], line["freeze"])


_READERS = {
    "submit": _submit, "booked": _booked, "status": _status, "query": _query, "callback": _callback,
    "delivered_again": _delivered_again, "balance": _balance, "gateway_error": _gateway_error, "opening_balance": _opening_balance,
    "closing_balance": _closing_balance,
}


def callback_key(merchant: str, body: bytes) -> CallbackKey:
    form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    status = form.get("status", [""])[0]
    return merchant, form.get("orderNum", [""])[0], int(status) if status in list("012345") else None


def read_journal(record: RunRecord, path: Path) -> None:
    for text in path.read_text().splitlines():
        line = json.loads(text)
        if "money" in line:
            record.journal[(line["merchant"], line["order"])] = line
        elif line.get("rolled_back"):
            record.rolled_back.add((line["merchant"], line["order"]))


# All that the checker reads from the database. Where the schema changes, this is the place to follow.
_STATEMENTS = {
    "payouts": """select merchant_code merchant, order_num "order", state, amount::bigint money, fee_type, bank_code,
        account_number, account_name, description, platform_order_num, sends, held, attention, queries,
        extract(epoch from next_query_at)::float8 next_query_at, extract(epoch from send_by)::float8 send_by,
        extract(epoch from clock_timestamp())::float8 as now, extract(epoch from lease_until)::float8 lease_until
        from payout.payouts""",
    "texts": """select merchant_code merchant, order_num "order", to_jsonb(failure_reason) as text from payout.payouts
        where failure_reason is not null and state <> 'cancelled'
        union all select merchant_code, order_num, detail from payout.evidence where source <> 'operator'
        union all select merchant_code, order_num, detail from payout.history where source <> 'operator'""",
    "attempts": """select merchant_code merchant, order_num "order", encode(request_sha256, 'hex') request_sha256
        from payout.attempts""",
    "history": """select merchant_code merchant, order_num "order", event, from_state, to_state, source
        from payout.history where from_state is not null order by seq""",
    "ledger": """select merchant_code merchant, order_num "order", kind, attempt, available, held, paid_out, fees,
        funding from payout.ledger order by id""",
    "accounts": "select merchant_code merchant, available, held, paid_out, fees, funding from payout.accounts",
    "stored_callbacks": """select merchant_code merchant, order_num "order", status, sum(times)::bigint times
        from payout.evidence where source = 'callback' group by 1, 2, 3""",
    "resubmits_approved": """select i.merchant_code merchant, i.order_num "order",
          extract(epoch from i.outcome_at)::float8 as at
        from payout.request_payouts i join payout.requests r on r.id = i.request_id
        where r.kind = 'resubmit' and r.decision = 'approved' and i.outcome = 'done'
          and r.decided_by_oid <> r.requested_by_oid order by i.outcome_at""",
    "granted": """select i.merchant_code merchant, i.order_num "order", r.kind,
          extract(epoch from i.outcome_at)::float8 as at, r.decided_by_oid <> r.requested_by_oid by_two
        from payout.request_payouts i join payout.requests r on r.id = i.request_id
        where r.decision = 'approved' and i.outcome = 'done' order by i.outcome_at""",
    "not_found_proves_nothing": "select code from payout.merchants where not not_found_is_proof",
    "failovers_accepted": """select extract(epoch from since)::float8 as at from payout.failover
        where accepted_by is not null""",
}


def _rows(database: str, name: str) -> Iterator[dict]:
    """The rows of one statement; psql prints each as a line of JSON."""
    command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database, "-c",
               f"select row_to_json(row) from ({_STATEMENTS[name]}) row"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as psql:
        for line in psql.stdout:
            yield json.loads(line)
    if psql.returncode:
        raise RuntimeError(f"psql could not read {name}; its message is above")


def read_database(record: RunRecord, database: str) -> None:
    for row in _rows(database, "payouts"):
        record.payouts[(row["merchant"], row["order"])] = row
    record.texts = [((row["merchant"], row["order"]), row["text"]) for row in _rows(database, "texts")]
    for row in _rows(database, "attempts"):
        record.attempts[(row["merchant"], row["order"])].append(row)
    for row in _rows(database, "history"):
        record.history[(row["merchant"], row["order"])].append(row)
    record.ledger = list(_rows(database, "ledger"))
    record.accounts = {row["merchant"]: row for row in _rows(database, "accounts")}
    record.stored_callbacks = {(row["merchant"], row["order"], row["status"]): row["times"]
                               for row in _rows(database, "stored_callbacks")}
    for row in _rows(database, "resubmits_approved"):
        record.resubmits_approved[(row["merchant"], row["order"])].append(record.clock.host_time(row["at"]))
    for row in _rows(database, "granted"):
        grant = Grant(row["kind"], record.clock.host_time(row["at"]), row["by_two"])
        record.granted[(row["merchant"], row["order"])].append(grant)
    record.not_found_proves_nothing = {row["code"] for row in _rows(database, "not_found_proves_nothing")}
    record.failovers_accepted += [record.clock.host_time(row["at"]) for row in _rows(database, "failovers_accepted")]
