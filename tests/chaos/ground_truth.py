"""The ground-truth log: what the gateway received and did. One JSON object per line, written before the answer."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Iterator

FILE_NAME = "ground-truth.log"


class GroundTruthLog:
    """The writer. Each line is one write to a file opened for appending, so a line is complete or absent."""

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / FILE_NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.counts: dict[str, int] = {}

    def write(self, kind: str, **fields: object) -> None:
        line = json.dumps({"t": time.time(), "kind": kind, **fields}, separators=(",", ":")) + "\n"
        data = line.encode()
        if os.write(self._file, data) != len(data):
            raise OSError("only part of a line was written to the ground-truth log")
        self.counts[kind] = self.counts.get(kind, 0) + 1

    def flush(self) -> None:
        os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)


def read(path: Path) -> Iterator[dict]:
    """Every complete line. A gateway that is killed leaves a last line without its end; that one is ignored."""
    with open(path, "rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield json.loads(line)
