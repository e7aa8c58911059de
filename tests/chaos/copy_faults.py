"""A copy of the data folder, with a worker of its own: a snapshot, a cloned machine, staging made from production.

The copy knows every queued payout and has the same identity. Its worker reaches it by an address that nobody
registered, so it must send nothing, which the checker sees, and write nothing, which the driver sees.
"""

from __future__ import annotations

import asyncio

from .faults import Numbers, fault
from .node import Node
from .processes import free_port
from .testbed import Testbed
from .workers import Worker

BACKLOG = 0.5   # seconds in which payouts are queued that no worker claims, because all stand still
STOPPED = 2.0   # seconds for which they do, until the database has stopped


@fault("data_folder_copy", server=True)
async def data_folder_copy(testbed: Testbed, r: Numbers) -> bool:
    cluster = testbed.cluster
    stopping = asyncio.gather(*(testbed.workers.stop_for(worker, STOPPED) for worker in testbed.workers.all))
    await asyncio.sleep(BACKLOG)
    copy = await cluster.copied()
    await stopping
    worker = copied_worker(testbed, copy.url("chaos_worker"))
    try:
        queued, written = await look(testbed, copy)
        worker.start()
        await asyncio.sleep(5 + 3 * r[0])
        left, written_then = await look(testbed, copy)
        note = (f"a copy of the data folder began with {queued} payouts queued and ended with {left}; its worker "
                f"{'ran' if worker.running() else 'stopped'} and wrote {written_then - written} rows")
        testbed.notes.append(note)
        if written_then > written:
            testbed.findings.append(note)
        return queued > 0
    finally:
        if worker.process is not None:
            worker.process.kill()
            worker.process.wait()
        await cluster.discard(copy)


def copied_worker(testbed: Testbed, database_url: str) -> Worker:
    """A worker for the copy. It shares the gateway, the merchants and their callbacks with the others."""
    number = len(list((testbed.folder / "config").glob("copy-*.toml"))) + 1
    worker = Worker(f"copy-{number}", testbed.binary, testbed.folder / "config" / f"copy-{number}.toml",
                    testbed.folder / "logs")
    home = testbed.folder / "config" / f"copy-{number}.home"  # where it would put a witness file of its own
    home.mkdir()
    places = {"HOME": str(home), "XDG_STATE_HOME": str(home), "STATE_DIRECTORY": str(home)}
    worker.environment = {**testbed.workers.all[0].environment, **places}
    worker.config.write_text(testbed.configuration(0, database_url, f"127.0.0.1:{free_port()}", witness=None))
    return worker


async def look(testbed: Testbed, copy: Node) -> tuple[int, int]:
    """How many payouts are queued in the copy, and how many rows a worker has written."""
    queued, written = (await testbed.cluster.sql("""
        select (select count(*) from payout.payouts where state = 'queued'),
               (select count(*) from payout.attempts) + (select count(*) from payout.history)
               + (select coalesce(sum(times), 0) from payout.evidence) + (select count(*) from payout.ledger)
               + (select count(*) from payout.failover where changed_at is not null)""", url=copy.url())).split("|")
    return int(queued), int(written)
