"""One Postgres server, started by the program `throwaway-postgres` and ended with this process. Durable, as in production:
fsync stays on."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from pathlib import Path
from typing import Callable

from .processes import POOL

# Beside what every throw-away server has.
SETTINGS = {
    "unix_socket_directories": "",
    "wal_level": "replica", "max_wal_senders": "6", "wal_keep_size": "512MB", "hot_standby": "on", "max_prepared_transactions": "20",
    "wal_sender_timeout": "10s", "wal_receiver_timeout": "10s", "wal_retrieve_retry_interval": "200ms",
    "shared_buffers": "128MB", "max_wal_size": "1GB", "logging_collector": "off",
}
ROOT = Path(__file__).resolve().parent.parent.parent


def launcher() -> str:
    """The program. `./dev` builds it and says where it is."""
    path = Path(os.environ.get("THROWAWAY_POSTGRES") or ROOT / "target/debug/throwaway-postgres")
    if not path.exists():
        raise SystemExit(f"chaos: {path} is missing: use ./dev, or run  cargo build -p throwaway-postgres")
    return str(path)


class Node:
    """A server in a folder of its own."""

    def __init__(self, folder: Path, log: Path, programs: Path | None = None) -> None:
        self.folder, self.log = folder, log
        self.programs = programs  # where the server's programs are taken from, unless the launcher finds them
        self.pid, self.port = 0, 0
        self.bin = Path()  # where the server's programs are
        self.process: subprocess.Popen[str] | None = None
        self.one_at_a_time = threading.Lock()  # a command and its answer

    def program(self, name: str) -> str:
        return str(self.bin / name)

    def url(self, role: str = "postgres", database: str = "payout") -> str:
        return f"postgres://{role}@127.0.0.1:{self.port}/{database}"

    async def start(self, standby_of: int | None = None) -> None:
        """Starts it, the first time with new data or as a standby of the server at that port, which is a proxy's."""
        await self._in_thread(lambda: self._begin(standby_of) if self.process is None else self._command("start"))

    async def end(self, how: str) -> None:
        """fast, immediate, or kill: as the power would, postmaster and backends."""
        try:
            await self._in_thread(lambda: self._command(f"stop {how}"))
        except RuntimeError:  # it did not stop in time
            await self._in_thread(lambda: self._command("stop kill"))

    def kill_now(self) -> None:
        """Ends server and launcher; the data stays."""
        if self.process is None:
            return
        assert self.process.stdin is not None
        try:
            self.process.stdin.close()
        except OSError:
            pass  # it is gone
        try:
            self.process.wait(25)
        except subprocess.TimeoutExpired:
            self.process.kill()  # its watchdog ends the server
            self.process.wait()

    def children(self) -> list[tuple[int, str]]:
        """The server's processes and what they call themselves (Linux)."""
        found = []
        try:
            pids = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        except OSError:
            return []
        for pid in pids:
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            found.append((int(pid), words.strip()))
        return found

    def _begin(self, standby_of: int | None) -> None:
        command = [launcher(), "run", str(self.folder), "--log", str(self.log)]
        for name, value in SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        if standby_of is not None:
            command += ["--standby-of", str(standby_of)]
        environment = {**os.environ, "PG_BIN": str(self.programs)} if self.programs else None
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                                            start_new_session=True, env=environment)
        self._answer("start")

    def _command(self, words: str) -> None:
        assert self.process is not None and self.process.stdin is not None
        with self.one_at_a_time:
            print(words, file=self.process.stdin, flush=True)
            self._answer(words)

    def _answer(self, words: str) -> None:
        """Reads up to `ok`; what comes before `failed` says why."""
        assert self.process is not None and self.process.stdout is not None
        lines: list[str] = []
        for line in self.process.stdout:
            if line == "ok\n":
                said = dict(pair.split("=", 1) for pair in lines)
                self.pid, self.port = int(said.get("pid", self.pid)), int(said.get("port", self.port))
                self.bin = Path(said.get("bin", self.bin))
                return
            if line == "failed\n":
                break
            lines.append(line.strip())
        raise RuntimeError(f"Postgres in {self.folder}, {words}: " + "\n".join(lines) + f"\nsee {self.log}")

    async def _in_thread(self, work: Callable[[], None]) -> None:
        try:
            working = asyncio.get_running_loop().run_in_executor(POOL, work)
        except RuntimeError as shut_down:
            raise asyncio.CancelledError from shut_down  # the run is at its end
        await working
