"""C8: no personal data in any log or other output."""

from __future__ import annotations

from pathlib import Path

from .check_result import CheckResult
from .run_record import RunRecord

_CHUNK_BYTES = 1 << 20


def personal_data(record: RunRecord) -> CheckResult:
    """C8: none of the planted names and account numbers appears in any output."""
    result = CheckResult("C8", "no personal data in any output")
    words = [canary.encode() for canary in record.canaries]
    size = 0
    for path in record.outputs:
        size += path.stat().st_size
        for word in _found(path, words):
            result.add(f"{path.name}: {word.decode()}")
    if record.canaries and not record.outputs:
        result.add("there was no output to search")
    result.scope = f"{len(record.outputs)} files, {size / 1e6:.1f} MB, {len(words)} planted words"
    return result


def _found(path: Path, words: list[bytes]) -> list[bytes]:
    found: list[bytes] = []
    overlap = max((len(word) for word in words), default=1)
    with open(path, "rb") as file:
        rest = b""
        while data := file.read(_CHUNK_BYTES):
            window = rest + data
            found += [word for word in words if word in window and word not in found]
            rest = window[-overlap:]
    return found
