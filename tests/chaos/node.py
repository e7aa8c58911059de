"""One Postgres server: making, starting, ending and promoting it. Durable, as in production: fsync stays on."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

from .processes import free_port, run, spawn

SETTINGS = {
    "fsync": "on", "listen_addresses": "127.0.0.1", "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0", "max_connections": "200", "unix_socket_directories": "",
    "wal_level": "replica", "max_wal_senders": "6", "wal_keep_size": "512MB", "hot_standby": "on",
    "wal_sender_timeout": "10s", "wal_receiver_timeout": "10s", "wal_retrieve_retry_interval": "200ms",
    "shared_buffers": "128MB", "max_wal_size": "1GB", "logging_collector": "off",
}
READY_WITHIN = 60.0


def binaries() -> Path:
    """PG_BIN, or the newest of the usual places."""
    given = os.environ.get("PG_BIN")
    if given:
        return Path(given)
    found = shutil.which("pg_basebackup")
    places = [Path(found).resolve().parent] if found else []
    for parent in (Path("/usr/lib/postgresql"), Path("/opt/homebrew/opt"), Path("/usr/local/opt")):
        if parent.is_dir():
            versions = sorted((one for one in parent.iterdir() if (one / "bin/initdb").exists()),
                              key=lambda one: [int(word) for word in one.name.replace("@", ".").split(".")
                                               if word.isdigit()], reverse=True)
            places += [one / "bin" for one in versions]
    for place in places:
        if all((place / program).exists() for program in ("initdb", "postgres", "pg_basebackup")):
            return place
    raise SystemExit("chaos: initdb, postgres and pg_basebackup were not found: set PG_BIN, or run ./dev setup")


def server_user() -> Any:
    """Whom the server runs as when we are root, which Postgres refuses."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "_postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise SystemExit("chaos: Postgres refuses root, and there is neither a user postgres nor nobody")


class Node:
    """A server in a folder of its own."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.folder, self.log = folder, log
        self.port = free_port()
        self.user = server_user()
        self.bin = binaries()
        self.process: subprocess.Popen[bytes] | None = None

    def program(self, name: str) -> str:
        return str(self.bin / name)

    def url(self, role: str = "postgres", database: str = "payout") -> str:
        return f"postgres://{role}@127.0.0.1:{self.port}/{database}"

    def _empty_folder(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700)
        if self.user is not None:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)

    async def init(self) -> None:
        self._empty_folder()
        code, _, words = await run([self.program("initdb"), "--no-sync", "-E", "UTF8", "--locale=C", "-A", "trust",
                                    "-U", "postgres", "-D", str(self.folder)], 60, self.user, cwd="/")
        if code:
            raise RuntimeError(f"initdb: {words}")

    async def copy_of(self, port: int) -> None:
        """Becomes a standby of the server that is reached at `port`, which is a proxy's."""
        self._empty_folder()
        source = f"host=127.0.0.1 port={port} user=postgres application_name=standby"
        code, _, words = await run([self.program("pg_basebackup"), "--no-sync", "-c", "fast", "-X", "stream", "-R",
                                    "-D", str(self.folder), "-d", source], 120, self.user, cwd="/")
        if code:
            raise RuntimeError(f"pg_basebackup: {words}")

    async def start(self, within: float = READY_WITHIN) -> None:
        command = [self.program("postgres"), "-D", str(self.folder), "-p", str(self.port)]
        for name, value in SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        for attempt in range(20):
            self.process = spawn(command, self.log, self.user, signal.SIGQUIT, cwd="/", env={**os.environ, "LC_ALL": "C"})
            if await self._ready(within):
                return
            if self.running():
                break
            await asyncio.sleep(0.25)  # the last processes of a killed server still hold its shared memory
        raise RuntimeError(f"Postgres on port {self.port} was not ready within {within:.0f} s: see {self.log}")

    async def _ready(self, within: float) -> bool:
        """The postmaster writes its state into its pid file, where pg_ctl looks too."""
        for _ in range(int(within / 0.02)):
            if not self.running():
                return False
            try:
                lines = (self.folder / "postmaster.pid").read_text().splitlines()
            except OSError:
                lines = []
            if len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() in ("ready", "standby"):
                return True
            await asyncio.sleep(0.02)
        return False

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

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

    async def end(self, how: int) -> None:
        """SIGQUIT: immediate; SIGINT: fast; SIGKILL: as the power would, postmaster and backends."""
        if not self.running():
            return
        assert self.process is not None
        if how == signal.SIGKILL:
            victims = [pid for pid, _ in self.children()]
            self.process.kill()
            for pid in victims:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        else:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)
        for _ in range(1000):
            if not self.running():
                return
            await asyncio.sleep(0.02)
        self.process.kill()
        self.process.wait()

    def kill_now(self) -> None:
        if self.running():
            assert self.process is not None
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGQUIT)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
