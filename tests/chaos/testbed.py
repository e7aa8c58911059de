"""Everything that a run needs, set up in one folder and removed again."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

from . import operators
from .backend import LOGIN, Backend
from .cluster import Cluster
from .operators import Operators
from .processes import POOL, accepts, end_all, free_port, run, spawn
from .proxy_client import ProxyClient
from .rsa_openssl import make_key_pair
from .server_clock import ClockFile, faketime, wrapped_programs
from .transaction_manager import TransactionManager
from .workers import Timing, Worker, Workers, configuration

BALANCE = 10**12
TESTS = Path(__file__).resolve().parent.parent


class Testbed:
    """Proxy, database, gateway, workers, backend and operators."""

    def __init__(self, binary: Path, seed: int, workers: int, timing: Timing, behaviours: str, share: float,
                 merchants: int = 2, cells: bool = False, dialect: str = "bdpay", server_clock: bool = False) -> None:
        self.binary, self.seed, self.timing = binary, seed, timing
        self.behaviours, self.share = behaviours, share
        self.scale = 0.1  # factor for the gateway's times
        self.worker_count, self.merchant_count = workers, workers if cells else merchants
        self.dialect = dialect  # of every merchant's gateway
        self.cells = cells  # each worker has a merchant and a route to the gateway and back of its own
        self.folder = Path(tempfile.mkdtemp(prefix="payout-chaos-"))
        self.folder.chmod(0o755)  # the database server's user must get through
        for name in ("logs", "keys", "gateway", "config"):
            (self.folder / name).mkdir()
        self.proxy = ProxyClient(self.folder)
        self.gateway: subprocess.Popen[bytes] | None = None
        self.gateway_port = free_port()
        self.cluster: Cluster = Cluster(self.folder, self.proxy)
        self.workers: Workers = Workers([], self.proxy)
        self.tasks: list[asyncio.Task[Any]] = []
        self.clocks = False
        self.server_clock = server_clock  # the database's clock can be set, too
        self.evidence_refused = asyncio.Lock()  # by one rule at a time
        self.notes: list[str] = []     # what faults report
        self.begun: list[str] = []  # the names of the faults so far
        self.findings: list[str] = []  # what the driver itself saw, and what must not happen

    # Building.

    async def build(self) -> None:
        await self.proxy.start()
        if self.server_clock:
            self._clock_of_server()
        await asyncio.gather(self._keys(), self.cluster.start())
        self.merchants = [self._merchant(number + 1) for number in range(self.merchant_count)]
        self._make_workers()
        await self._listen()
        self._write_configurations()
        await self._start_gateway()
        await self._schema()
        if not self.cells:
            await self.cluster.new_standby()
        codes = [merchant["code"] for merchant in self.merchants]
        self.backend = Backend(self.cluster, self.folder / "journal.jsonl", codes, self.seed)
        self.operators = Operators(self.cluster, self.backend)
        self.two_phase = TransactionManager(self.cluster, self.backend)

    async def _keys(self) -> None:
        names = ["platform", *(f"merchant-{number + 1}" for number in range(self.merchant_count))]
        await asyncio.gather(*(asyncio.to_thread(make_key_pair, self.folder / "keys", name) for name in names))

    async def _listen(self) -> None:
        """The proxy's ports: one to the database for each worker, and one to the gateway and one back for all of them
        or for each."""
        all_workers = [("127.0.0.1", worker.http_port) for worker in self.workers.all]
        for worker in self.workers.all:
            worker.listener = f"pg {worker.name}"
            await self.proxy.listen(worker.listener, "pg", [("127.0.0.1", self.cluster.primary.port)])
            self.cluster.listeners.append(worker.listener)
            if self.cells:
                worker.gateway, worker.callback = f"gateway {worker.name}", f"callback {worker.name}"
            if worker.gateway not in self.proxy.ports:
                await self.proxy.listen(worker.gateway, "http", [("127.0.0.1", self.gateway_port)])
                await self.proxy.listen(worker.callback, "http",
                                        [("127.0.0.1", worker.http_port)] if self.cells else all_workers)

    def _merchant(self, number: int) -> dict[str, Any]:
        keys = self.folder / "keys"
        return {"code": f"S20201986273{number:02d}", "dialect": self.dialect,
                "key_file": str(keys / f"merchant-{number}.key"), "public_file": str(keys / f"merchant-{number}.pub"),
                "platform_file": str(keys / "platform.pub")}

    def _make_workers(self) -> None:
        for number in range(self.worker_count):
            name = f"worker-{number + 1}"
            worker = Worker(name, self.binary, self.folder / "config" / f"{name}.toml", self.folder / "logs")
            worker.http_port, worker.admin_port = free_port(), free_port()
            self.workers.all.append(worker)
        self._clock(self.workers.all[-1])
        self.workers.all[0].writes_to_pipe = not self.cells

    def _clock(self, worker: Worker) -> None:
        """Where libfaketime is installed, the last worker's clock can be set."""
        library = faketime(threads=True)
        if library is None:
            return
        self.clocks = True
        worker.clock = ClockFile(self.folder / "config" / f"{worker.name}.clock")
        worker.environment = worker.clock.environment(library)

    def _clock_of_server(self) -> None:
        clock = ClockFile(self.folder / "config" / "postgres.clock")
        self.cluster.programs = wrapped_programs(self.folder / "programs", clock)
        self.cluster.clock_file = clock if self.cluster.programs else None

    def _callback_url(self, number: int) -> str:
        worker = self.workers.all[number if self.cells else 0]
        return f"http://127.0.0.1:{self.proxy.ports[worker.callback]}/callback"

    def configuration(self, number: int, database_url: str, http: str, witness: Path | None, admin: str = "") -> str:
        """The configuration of the worker of that number, or of one like it."""
        merchants = [self.merchants[number]] if self.cells else self.merchants
        gateway = f"http://127.0.0.1:{self.proxy.ports[self.workers.all[number].gateway]}"
        return configuration(database_url, http, self.timing, gateway, merchants, self._callback_url(number), witness, admin)

    def _write_configurations(self) -> None:
        for number, worker in enumerate(self.workers.all):
            url = f"postgres://chaos_worker@127.0.0.1:{self.proxy.ports[worker.listener]}/payout"
            witness = self.folder / "config" / f"{worker.name}.witness"
            http, admin = f"127.0.0.1:{worker.http_port}", f"127.0.0.1:{worker.admin_port}"
            worker.config.write_text(self.configuration(number, url, http, witness, admin))
        listed = [{"code": one["code"], "dialect": one["dialect"], "merchant_public_key_file": one["public_file"],
                   "platform_private_key_file": str(self.folder / "keys" / "platform.key"),
                   "notify_url": f"{self._callback_url(number)}/{one['code']}", "balance": BALANCE}
                  for number, one in enumerate(self.merchants)]
        (self.folder / "merchants.json").write_text(json.dumps(listed))

    async def _start_gateway(self) -> None:
        command = [sys.executable, "-m", "chaos.gateway", "--listen", f"127.0.0.1:{self.gateway_port}",
                   "--folder", str(self.folder / "gateway"), "--merchants", str(self.folder / "merchants.json"),
                   "--plan-seed", str(self.seed), "--behaviours", self.behaviours, "--scale", str(self.scale),
                   "--share", str(self.share)]
        environment = {**os.environ, "PYTHONPATH": str(TESTS)}
        self.gateway = spawn(command, self.folder / "logs" / "gateway.log", env=environment)
        if not await accepts(self.gateway_port, 10):
            raise RuntimeError(f"the gateway did not start; see {self.folder}/logs/gateway.log")

    async def _schema(self) -> None:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PAYOUT_")}
        # Each worker reaches the database through a port of its own, and none by that of the server.
        addresses = [f"--address=127.0.0.1:{self.proxy.ports[worker.listener]}" for worker in self.workers.all]
        for worker in self.workers.all if self.cells else self.workers.all[:1]:
            code, _, error = await run([str(self.binary), "migrate", "-c", str(worker.config), *addresses,
                                        "--database-url", self.cluster.primary.url()], 60, env=environment)
            if code:
                raise RuntimeError(f"payout migrate: {error}")
        await self.cluster.sql(f"""
            create role chaos_worker login in role payout_worker;
            create role {LOGIN} login in role payout_enqueuer;
            -- A real backend binds parameters. psql cannot, so the server must not log its failed statements.
            alter role {LOGIN} set log_min_error_statement = panic;
            create role {operators.REQUESTER} login in role payout_operator, payout_reader;
            create role {operators.APPROVER} login in role payout_operator, payout_reader;
            create role {operators.RASH[0]} login in role payout_operator, payout_reader;
            create role {operators.RASH[1]} login in role payout_operator, payout_reader;
            insert into payout.enqueuers (role_name, merchant_code) select '{LOGIN}', code from payout.merchants;
        """)

    # Running.

    async def start(self) -> None:
        await self.workers.start()
        self.tasks += [asyncio.create_task(self.backend.keep_inserting()), asyncio.create_task(self.operators.watch()),
                       asyncio.create_task(self.two_phase.keep_recovering())]

    async def admin(self, path: str, body: Any = None) -> Any:
        """Calls the gateway's admin side, past the proxy."""
        def call() -> Any:
            request = urllib.request.Request(
                f"http://127.0.0.1:{self.gateway_port}/admin/{path}",
                data=None if body is None else json.dumps(body).encode(), headers={"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=10) as answer:
                text = answer.read()
            return json.loads(text) if text.strip() else None
        return await asyncio.get_running_loop().run_in_executor(POOL, call)

    @property
    def set_aside(self) -> Path:
        """Where workers put evidence that the database refuses: beside their witness files."""
        return self.folder / "config" / "set-aside.jsonl"

    # Ending.

    async def check(self) -> tuple[int, str]:
        """Runs the checker, a program that shares no code with the worker: its exit code and what it printed."""
        command = [sys.executable, "-m", "chaos.checker", "--folder", str(self.folder / "gateway"),
                   "--database", self.cluster.primary.url(), "--journal", str(self.backend.path),
                   "--canary", self.backend.canary_word, "--canary", self.backend.canary_number,
                   "--output-globs", str(self.folder / "logs" / "*"), str(self.set_aside),
                   "--quiet-horizon", str(self.timing.quiet_horizon)]
        for begin, end in self.cluster.lost:
            # What was claimed on the old primary at its end may be sent for so long.
            command += ["--lost-window", f"{begin:.3f}:{end + self.timing.send_window:.3f}"]
        for at in self.operators.accepted_at:
            command += ["--accepted", f"{at:.3f}"]
        for at, ahead in self.cluster.clock.steps[1:]:
            command += ["--clock-step", f"{at:.3f}:{ahead:.0f}"]
        environment = {**os.environ, "PYTHONPATH": str(TESTS), "PATH": f"{self.cluster.primary.bin}:{os.environ.get('PATH', '')}"}
        code, out, error = await run(command, 300, env=environment)
        return code, out + error

    def stop(self, keep: bool) -> None:
        for task in self.tasks:
            task.cancel()
        end_all()
        self.workers.kill_now()
        if self.gateway is not None:
            self.gateway.kill()
            self.gateway.wait()
        self.proxy.stop()
        self.cluster.stop()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)
