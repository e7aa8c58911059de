"""How far the database's clock was ahead of this machine's, and since when. Times are unix seconds of this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterable, Mapping

LIBRARIES = Path("/usr/lib")
POSTGRES = Path("/usr/lib/postgresql")


class ServerClock:
    """The steps of the clock. In a run where nobody steps it, both clocks show the same."""

    def __init__(self, steps: Iterable[tuple[float, float]] = ()) -> None:
        self.steps = [(0.0, 0.0), *steps]  # (since when, how many seconds ahead)

    @property
    def ahead(self) -> float:
        return self.steps[-1][1]

    def step(self, at: float, ahead: float) -> None:
        self.steps.append((at, ahead))

    def _spans(self) -> list[tuple[float, float, float]]:
        """(since, until, ahead), the newest first."""
        ends = [since for since, _ in self.steps[1:]] + [float("inf")]
        return [(since, until, ahead) for (since, ahead), until in zip(self.steps, ends)][::-1]

    def host_time(self, shown: float) -> float:
        """This machine's time when the database's clock showed that; the latest one if it showed it twice."""
        return next((shown - ahead for since, until, ahead in self._spans() if since <= shown - ahead < until), shown)

    def shown(self, at: float, before: float) -> list[float]:
        """What the database's clock showed at a moment: by the step in force then, and by those of the `before` seconds
        that led up to it."""
        return [at + ahead for since, until, ahead in self._spans() if since <= at and at - before < until]


class ClockFile:
    """The file from which libfaketime reads how far a program's clock is ahead."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.set(0)

    def set(self, seconds: float) -> None:
        new = self.path.with_suffix(".new")
        new.write_text(f"{seconds:+.0f}s\n")
        os.replace(new, self.path)  # whoever reads it finds the old time or the new one, and never half a line

    def environment(self, library: Path) -> dict[str, str]:
        return {"LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(self.path), "FAKETIME_NO_CACHE": "1",
                "DONT_FAKE_MONOTONIC": "1"}


def faketime(threads: bool) -> Path | None:
    """The library, where it is installed. The one for threads takes a lock, which a signal's handler may find taken."""
    name = "libfaketimeMT.so.1" if threads else "libfaketime.so.1"
    return next(iter(sorted(LIBRARIES.glob(f"*/faketime/{name}"))), None)


def wrapped_programs(folder: Path, clock: ClockFile) -> Path | None:
    """A folder with Postgres' programs, of which only the server has this clock; None where that cannot be done."""
    library = faketime(threads=False)
    given = os.environ.get("PG_BIN")
    found = [Path(given)] if given else sorted(POSTGRES.glob("*/bin"), key=lambda path: float(path.parent.name))
    if library is None or not found or not (found[-1] / "postgres").exists():
        return None
    folder.mkdir()
    for program in found[-1].iterdir():
        if program.name != "postgres":
            (folder / program.name).symlink_to(program)
    server = folder / "postgres"
    server.write_text(f"#!/bin/sh\nexec env {_words(clock.environment(library))} {found[-1] / 'postgres'} \"$@\"\n")
    server.chmod(0o755)
    return folder


def _words(environment: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in environment.items())
