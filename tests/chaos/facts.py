"""What the checker knows, from three places that the worker cannot touch up: truth log, journal, and tables.

Times are unix seconds, orders are (merchant, order number). The tables are read by the psql program alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator, Optional
from urllib.parse import parse_qs

from . import truth

# What every submit names.
FIELDS = {"merchantCode", "orderNum", "money", "feeType", "bankCode", "number", "name", "dateTime"}
Key = tuple[str, str]


@dataclass
class Booking:
    """One acceptance at the gateway and the statuses that it went through, the last one its present."""

    platform: str
    money: int
    fee_type: int
    fee: int
    at: float
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
        return 2 in self.statuses and (3 in self.statuses or 4 in self.statuses)

    def debit(self) -> int:
        return self.money + (self.fee if self.fee_type == 1 else 0) if self.paid else 0


@dataclass
class Facts:
    """Tests build one by hand; `gather` builds it from a run."""

    submits: dict[Key, list[dict]] = field(default_factory=lambda: defaultdict(list))
    bookings: dict[Key, list[Booking]] = field(default_factory=lambda: defaultdict(list))
    queries: dict[Key, list[tuple[float, str]]] = field(default_factory=lambda: defaultdict(list))
    callbacks: list[dict] = field(default_factory=list)
    opening: dict[str, int] = field(default_factory=dict)
    ending: dict[str, tuple[int, int]] = field(default_factory=dict)
    kinds: set[str] = field(default_factory=set)
    stumbles: list[str] = field(default_factory=list)  # faults of the gateway's own; a run with one proves nothing
    first_at: float = 0.0
    journal: dict[Key, dict] = field(default_factory=dict)
    payouts: dict[Key, dict] = field(default_factory=dict)
    attempts: dict[Key, list[dict]] = field(default_factory=lambda: defaultdict(list))
    history: dict[Key, list[dict]] = field(default_factory=lambda: defaultdict(list))
    ledger: list[dict] = field(default_factory=list)
    accounts: dict[str, dict] = field(default_factory=dict)
    # How often each order's callbacks of each status are stored; equal ones are counted on one row.
    told: dict[tuple[str, str, str], int] = field(default_factory=dict)
    grants: dict[Key, list[float]] = field(default_factory=lambda: defaultdict(list))
    # Merchants of the dialect that has no words for "no such order": what never arrived stays unknown there.
    never_denied: set[str] = field(default_factory=set)
    accepted: list[float] = field(default_factory=list)  # when a person accepted another history of the database
    quiet_horizon: float = 12.0
    # Between these times commits may have been lost with a primary; what points at them is counted, not blamed.
    excused: list[tuple[float, float]] = field(default_factory=list)
    outputs: list[Path] = field(default_factory=list)
    canaries: list[str] = field(default_factory=list)
    _sealed: Optional[set[str]] = None

    def is_excused(self, at: float) -> bool:
        return any(begin <= at <= end for begin, end in self.excused)

    def whole(self, key: Key) -> list[dict]:
        """The submits that came whole and unharmed."""
        return [submit for submit in self.submits.get(key, ()) if submit["complete"] and not self.is_harmed(submit)]

    def is_harmed(self, submit: dict) -> bool:
        """Whether bytes were changed on the way. The signature does not bind the names (protocol P9), so a changed name
        still verifies; that no worker made these bytes tells."""
        if not submit["sign_ok"]:
            return True
        lacks = not FIELDS <= set(submit["fields"])
        return lacks and not self.was_sealed(submit["request_sha256"])

    def was_sealed(self, request_sha256: str) -> bool:
        """Whether a worker made these very bytes; if not, they were harmed on the way."""
        if self._sealed is None:
            self._sealed = {attempt["sha256"] for attempts in self.attempts.values() for attempt in attempts}
        return request_sha256 in self._sealed


def read_truth(facts: Facts, path: Path) -> None:
    for line in truth.read(path):
        kind, key = line["kind"], (line.get("merchant", ""), line.get("order", ""))
        facts.first_at = facts.first_at or line["t"]
        if kind == "submit":
            head, _, body = base64.b64decode(line.pop("raw")).partition(b"\r\n\r\n")
            line["request_sha256"] = hashlib.sha256(body).hexdigest()
            facts.submits[key].append(line)
            facts.kinds.add(line["behaviour"] or "cut short")
        elif kind == "booked":
            facts.bookings[key].append(
                Booking(line["platform"], line["money"], line["fee_type"], line["fee"], line["t"]))
        elif kind == "status":
            for booking in facts.bookings[key]:
                if booking.platform == line["platform"]:
                    booking.statuses.append(line["status"])
                    booking.fee = line["fee"]
        elif kind == "query":
            facts.queries[key].append((line["t"], line["answer"]))
            facts.kinds.add(line.get("behaviour", "well"))
        elif kind == "callback":
            line["said"] = said_by(line["merchant"], base64.b64decode(line["body"]))
            facts.callbacks.append(line)
            facts.kinds.add(line["what"])
        elif kind == "stumble":
            facts.stumbles.append(line["error"])
        elif kind == "balance_begin":
            facts.opening[line["merchant"]] = line["balance"] + line["freeze"]
        elif kind == "balance_end":
            facts.ending[line["merchant"]] = (line["balance"], line["freeze"])
    facts.kinds -= {"well", "true"}


def said_by(merchant: str, body: bytes) -> tuple[str, str, str]:
    """Of which order a callback speaks, and which status it says."""
    form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    status = form.get("status", [""])[0]
    return merchant, form.get("orderNum", [""])[0], f"status_{status if status in '012345' and status else 'other'}"


def read_journal(facts: Facts, path: Path) -> None:
    for text in path.read_text().splitlines():
        line = json.loads(text)
        if "money" in line:
            facts.journal[(line["merchant"], line["order"])] = line


_TABLES = {
    "payouts": """select merchant_code m, order_num o, state, amount::bigint money, fee_type, bank_code, account_number,
        account_name, description, sends, not_sent, resubmits_granted, held, fee, platform_order_num, attention, queries,
        extract(epoch from next_query_at)::float8 next_ask, extract(epoch from send_by)::float8 send_by,
        extract(epoch from clock_timestamp())::float8 as now, extract(epoch from lease_until)::float8 lease
        from payout.payouts""",
    "attempts": """select merchant_code m, order_num o, attempt, encode(request_sha256, 'hex') sha256, outcome
        from payout.attempts""",
    "history": """select merchant_code m, order_num o, event, from_state f, to_state t, source from payout.history
        where from_state is not null order by seq""",
    "ledger": """select merchant_code m, order_num o, kind, attempt, available, held, paid_out, fees, funding, reference
        from payout.ledger order by id""",
    "accounts": "select merchant_code m, available, held, paid_out, fees, funding from payout.accounts",
    "told": """select merchant_code m, order_num o, split_part(finding, ' ', 1) status, sum(times)::bigint times
        from payout.evidence where source = 'callback' group by 1, 2, 3""",
    "grants": """select i.merchant_code m, i.order_num o, extract(epoch from i.outcome_at)::float8 as at
        from payout.request_payouts i join payout.requests r on r.id = i.request_id
        where r.kind = 'resubmit' and r.decision = 'approved' and i.outcome = 'done'
          and r.decided_by <> r.requested_by order by i.outcome_at""",
    "never_denied": "select code from payout.merchants where dialect = 'toppay'",
    "failover": """select case when accepted_by is not null then extract(epoch from since)::float8 end accepted
        from payout.failover""",
}


def rows(database: str, statement: str) -> Iterator[dict]:
    """Each row as an object; psql prints them as JSON, a line each."""
    command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database, "-c",
               f"select row_to_json(row) from ({statement}) row"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as psql:
        for line in psql.stdout:
            yield json.loads(line)
    if psql.returncode:
        raise RuntimeError("psql could not read the database: its message is above")


def read_tables(facts: Facts, database: str) -> None:
    for row in rows(database, _TABLES["payouts"]):
        facts.payouts[(row["m"], row["o"])] = row
    for name in ("attempts", "history"):
        table = getattr(facts, name)
        for row in rows(database, _TABLES[name]):
            table[(row["m"], row["o"])].append(row)
    facts.ledger = list(rows(database, _TABLES["ledger"]))
    facts.accounts = {row["m"]: row for row in rows(database, _TABLES["accounts"])}
    facts.told = {(row["m"], row["o"], row["status"]): row["times"] for row in rows(database, _TABLES["told"])}
    for row in rows(database, _TABLES["grants"]):
        facts.grants[(row["m"], row["o"])].append(row["at"])
    facts.never_denied = {row["code"] for row in rows(database, _TABLES["never_denied"])}
    for row in rows(database, _TABLES["failover"]):
        if row["accepted"] is not None:
            facts.accepted.append(row["accepted"])
