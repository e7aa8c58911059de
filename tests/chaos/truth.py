"""The truth log: what the gateway saw and did. A JSON object a line, each one written before anything is answered."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Iterator

FILE_NAME = "truth.log"


class TruthLog:
    """The writer. A line is whole or not there: it goes out in one write to a file opened for appending."""

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / FILE_NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.counts: dict[str, int] = {}

    def write(self, kind: str, **facts: object) -> None:
        line = json.dumps({"t": time.time(), "kind": kind, **facts}, separators=(",", ":")) + "\n"
        data = line.encode()
        if os.write(self._file, data) != len(data):
            raise OSError("the truth log took only a part of a line")
        self.counts[kind] = self.counts.get(kind, 0) + 1

    def flush(self) -> None:
        os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)


def read(path: Path) -> Iterator[dict]:
    """Every whole line. A last one without its end is what a killed gateway leaves, and is not believed."""
    with open(path, "rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield json.loads(line)
