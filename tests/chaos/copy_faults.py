"""A copy of the data folder, with a worker of its own: a snapshot, a cloned machine, staging made from production.

The copy knows every queued payout and has the same identity. Its worker reaches it by an address that nobody
registered, so it must send nothing: the checker counts every submit.
"""

from __future__ import annotations

import asyncio

from .cluster import SqlError
from .faults import Numbers, fault
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
        queued = await waiting(testbed, copy.url())
        worker.start()
        await asyncio.sleep(4 + 3 * r[0])
        testbed.notes.append(f"a copy of the data folder had {queued} payouts queued, and "
                             f"{await waiting(testbed, copy.url())} when it ended; its worker "
                             + ("ran until then" if worker.running() else "had stopped"))
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


async def waiting(testbed: Testbed, url: str) -> int:
    try:
        return int(await testbed.cluster.sql("select count(*) from payout.payouts where state = 'queued'", url=url))
    except SqlError:
        return 0
