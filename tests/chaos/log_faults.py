"""A log that nobody reads: the pipe fills up, and the worker must go on, answer, and end when it is told to."""

from __future__ import annotations

import asyncio
import signal

from .faults import Numbers, fault
from .testbed import Testbed
from .workers import Worker

ANSWERS_WITHIN = 8.0
ENDS_WITHIN = 20.0


@fault("log_blocked")
async def log_blocked(testbed: Testbed, r: Numbers) -> bool:
    worker = next((one for one in testbed.workers.all if one.writes_to_pipe), None)
    if worker is None or not worker.running():
        return False
    starts = worker.starts
    worker.log_is_read.clear()
    try:
        await asyncio.sleep(2 + 3 * r[0])
        full = worker.pipes[-1].is_full()
        if full and not await answers(worker) and worker.starts == starts and worker.running() and not worker.stopped:
            testbed.findings.append(f"{worker.name} answered nobody while its log was not read")
        if full and worker.starts == starts and worker.signal(signal.SIGTERM):
            testbed.workers.terminations += 1
            if not await ends(worker, starts):
                testbed.findings.append(f"{worker.name} ignored SIGTERM while its log was not read")
                testbed.workers.kill(worker)
    finally:
        worker.log_is_read.set()
    return full


async def answers(worker: Worker) -> bool:
    """Whether its HTTP listener answers anything at all."""
    async def get() -> bool:
        reader, writer = await asyncio.open_connection("127.0.0.1", worker.http_port)
        try:
            writer.write(b"GET / HTTP/1.1\r\nHost: chaos\r\nConnection: close\r\n\r\n")
            return (await reader.read(4)) == b"HTTP"
        finally:
            writer.close()
    try:
        return await asyncio.wait_for(get(), ANSWERS_WITHIN)
    except (OSError, asyncio.TimeoutError):
        return False


async def ends(worker: Worker, starts: int) -> bool:
    """Waits until this process of the worker has ended. The time in which a fault stops it does not count."""
    left = ENDS_WITHIN
    while left > 0:
        if not worker.running() or worker.starts != starts:
            return True
        await asyncio.sleep(0.1)
        left -= 0 if worker.stopped else 0.1
    return False
