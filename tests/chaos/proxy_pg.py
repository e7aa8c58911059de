"""Just enough of the Postgres wire protocol to know which transaction is about to commit."""

from __future__ import annotations

import re
import struct
from typing import Iterable, Iterator

SSL_REQUESTS = (80877103, 80877104)  # SSLRequest, GSSENCRequest: the client waits for one byte after it
NAME = re.compile(rb"/\* store::(\w+) \*/")

# The statements that mark a transaction; every statement of the worker carries its name in such a comment. The selftest
# compares these names with the source.
CLAIM = "submitting_if_still_queued"  # the claim: the intent to send becomes durable with it
RESULT = "set_outcome_if_missing"     # the outcome of a submit is recorded
EVIDENCE = "insert_or_count_evidence"  # any evidence is recorded, that of a callback too


class Frame:
    """One message of the client. `commit` is its transaction, when this message commits it."""

    __slots__ = ("data", "commit")

    def __init__(self, data: bytes, commit: "Transaction | None" = None) -> None:
        self.data = data
        self.commit = commit


class Transaction:
    """The names of a transaction's statements, and the parameters bound to them."""

    __slots__ = ("statements", "parameters")

    def __init__(self) -> None:
        self.statements: set[str] = set()
        self.parameters: list[bytes] = []

    def did(self, statement: str, words: Iterable[str]) -> bool:
        """Whether it ran this statement, and the parameters of one of its statements contain all the words."""
        return statement in self.statements and any(
            all(word.encode() in part for word in words) for part in self.parameters)


class ClientStream:
    """Splits what a client sends into messages and follows its transactions."""

    def __init__(self) -> None:
        self._rest = b""
        self._started = False
        self._names: dict[bytes, str] = {}
        self._transaction = Transaction()

    def feed(self, data: bytes) -> Iterator[Frame]:
        self._rest += data
        while True:
            length = self._length()
            if length is None or len(self._rest) < length:
                return
            message, self._rest = self._rest[:length], self._rest[length:]
            yield self._frame(message)

    def _length(self) -> int | None:
        head = 0 if not self._started else 1
        if len(self._rest) < head + 4:
            return None
        return head + struct.unpack_from("!I", self._rest, head)[0]

    def _frame(self, message: bytes) -> Frame:
        if not self._started:
            code = struct.unpack_from("!I", message, 4)[0] if len(message) >= 8 else 0
            self._started = code not in SSL_REQUESTS
            return Frame(message)
        kind, body = message[:1], message[5:]
        if kind == b"P":
            name, query = body.split(b"\0", 2)[:2]
            found = NAME.search(query)
            self._names[name] = found.group(1).decode() if found else ""
        elif kind == b"B":
            _, statement, rest = body.split(b"\0", 2)
            name_of = self._names.get(statement, "")
            if name_of:
                self._transaction.statements.add(name_of)
                self._transaction.parameters.append(rest)
        elif kind == b"Q":
            return self._query(message, body.rstrip(b"\0").strip().upper())
        return Frame(message)

    def _query(self, message: bytes, text: bytes) -> Frame:
        ended, self._transaction = self._transaction, Transaction()
        if text == b"COMMIT":
            return Frame(message, ended)
        return Frame(message)
