"""The workers: real processes of the program under test, their configuration, and their supervisor."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from .processes import LogPipe, spawn
from .server_clock import ClockFile


class Timing:
    """The times of a run in seconds, all short. Their names are those of the configuration."""

    def __init__(self, timeout: float = 2, lease: float = 5, quiet_horizon: float = 12, concurrency: int = 64,
                 max_interval: float = 2) -> None:
        self.timeout, self.lease, self.quiet_horizon, self.concurrency = timeout, lease, quiet_horizon, concurrency
        self.max_interval = max_interval

    @property
    def send_window(self) -> float:
        return self.lease - self.timeout


def configuration(database_url: str, http: str, timing: Timing, gateway: str, merchants: list[dict[str, Any]],
                  callback: str, witness: Path | None, admin: str = "") -> str:
    """One worker's TOML. Without a witness file it takes the place that it finds."""
    kept = f'witness_file = "{witness}"' if witness else ""
    text = f'''[database]
url = "{database_url}"
[http]
listen = "{http}"
[admin]
listen = "{admin}"
[submit]
concurrency = {timing.concurrency}
timeout_seconds = {timing.timeout}
{kept}
lease_seconds = {timing.lease}
[poll]
first_after_seconds = 0.3
max_interval_seconds = {timing.max_interval}
quiet_horizon_seconds = {timing.quiet_horizon}
decline_confirm_seconds = 1
queries_per_second = 1000
'''
    for merchant in merchants:
        text += f'''[[merchant]]
code = "{merchant["code"]}"
dialect = "{merchant["dialect"]}"
base_url = "{gateway}"
private_key_file = "{merchant["key_file"]}"
platform_public_key_file = "{merchant["platform_file"]}"
notify_url = "{callback}/{merchant["code"]}"
fee_reserve = 10000
'''
    return text


class Worker:
    """One supervised process. Whoever kills it also says when it may come back."""

    def __init__(self, name: str, binary: Path, config: Path, logs: Path) -> None:
        self.name, self.binary, self.config, self.logs = name, binary, config, logs
        self.process: subprocess.Popen[bytes] | None = None
        self.clock: ClockFile | None = None  # where its clock can be set
        self.reaped: subprocess.Popen[bytes] | None = None  # the last one whose end the supervisor has handled
        self.http_port, self.admin_port = 0, 0
        self.listener, self.gateway, self.callback = "", "gateway", "callback"
        self.wanted = False
        self.stopped = False
        self.held_down_until = 0.0
        self.started_at = 0.0
        self.environment: dict[str, str] = {}
        self.starts = 0
        self.writes_to_pipe = False  # its log goes through a pipe, which a fault can leave unread
        self.log_is_read = threading.Event()
        self.log_is_read.set()
        self.pipes: list[LogPipe] = []  # one for each start

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        self.wanted = True
        self.stopped = False
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PAYOUT_")}
        environment.update({"PAYOUT_LOG": "info", **self.environment})
        command, log = [str(self.binary), "run", "-c", str(self.config)], self.logs / f"{self.name}.log"
        if self.writes_to_pipe:
            self.pipes.append(LogPipe(log, self.log_is_read))
            self.process = self.pipes[-1].spawn(command, env=environment)
        else:
            self.process = spawn(command, log, env=environment)
        self.started_at = time.time()
        self.starts += 1

    def finish_log(self) -> None:
        """Waits until everything that it wrote is in its log, once it has ended."""
        self.log_is_read.set()
        for pipe in self.pipes:
            pipe.join(5)

    def signal(self, number: int) -> bool:
        if not self.running():
            return False
        assert self.process is not None
        self.process.send_signal(number)
        if number in (signal.SIGSTOP, signal.SIGCONT):
            self.stopped = number == signal.SIGSTOP
        return True


class Workers:
    """All workers, and their supervisor."""

    def __init__(self, workers: list[Worker], proxy: Any) -> None:
        self.all = workers
        self.proxy = proxy
        self.kills, self.stops, self.terminations = 0, 0, 0
        self.may_be_unfit = 0  # how many faults make the database one on which no worker may start
        self.bad_exits: list[str] = []
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        for worker in self.all:
            worker.start()
        await self.publish_pids()
        self._task = asyncio.create_task(self._supervise())

    async def publish_pids(self) -> None:
        await self.proxy.do("pids", pids=[worker.pid for worker in self.all])

    def by_pid(self, pid: int) -> Worker | None:
        return next((worker for worker in self.all if worker.pid == pid and pid), None)

    def kill(self, worker: Worker, down_for: float = 0.3) -> bool:
        worker.held_down_until = time.time() + down_for
        if not worker.signal(signal.SIGKILL):
            return False
        self.kills += 1
        return True

    async def stop_for(self, worker: Worker, seconds: float) -> bool:
        if worker.stopped or not worker.signal(signal.SIGSTOP):
            return False
        self.stops += 1
        process = worker.process
        await asyncio.sleep(seconds)
        if worker.process is process:
            worker.signal(signal.SIGCONT)
        return True

    async def _supervise(self) -> None:
        """Restarts workers, as systemd would: after a pause if they exited, else when their killer allows it."""
        while True:
            started = False
            for worker in self.all:
                if not worker.wanted or worker.running():
                    continue
                if worker.reaped is not worker.process:
                    worker.reaped = worker.process
                    code = worker.process.returncode if worker.process else 0
                    ordinary = (0, 1, 69, -signal.SIGKILL, -signal.SIGTERM) + (78,) * bool(self.may_be_unfit)
                    if code not in ordinary:
                        self.bad_exits.append(f"{worker.name} exited with {code}")
                    worker.held_down_until = max(worker.held_down_until, time.time() + 0.3)
                elif time.time() >= worker.held_down_until:
                    worker.start()
                    started = True
            if started:
                await self.publish_pids()
            await asyncio.sleep(0.05)

    async def end(self) -> None:
        """SIGTERM, as in a deployment, and a bounded wait."""
        if self._task is not None:
            self._task.cancel()
        for worker in self.all:
            worker.wanted = False
            worker.signal(signal.SIGCONT)
            worker.signal(signal.SIGTERM)
        for _ in range(150):
            if not any(worker.running() for worker in self.all):
                break
            await asyncio.sleep(0.1)
        self.kill_now()

    def kill_now(self) -> None:
        for worker in self.all:
            worker.wanted = False
            if worker.running():
                assert worker.process is not None
                worker.process.kill()
                worker.process.wait()
            worker.finish_log()
