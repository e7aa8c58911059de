"""A copy of the data folder, with a worker of its own: a snapshot, a cloned machine, staging made from production.

The copy knows every queued payout and has the same identity. Its worker reaches it by an address that nobody
registered, so it must send nothing, which the checker sees, and neither claim nor fence, which the driver sees.
"""

from __future__ import annotations

import asyncio

from .faults import Numbers, fault
from .node import Node
from .processes import free_port
from .testbed import Testbed
from .workers import Worker

BACKLOG = 0.5   # seconds in which payouts are queued that no worker claims, because all stand still
ATTEMPTS = ("(select count(*) from payout.attempts) "
            "+ (select count(*) from payout.failover where changed_at is not null)")
# Every row that was inserted, changed or deleted since the copy's server started.
WRITES = ("(select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint from pg_stat_user_tables "
          "where schemaname = 'payout')")
STOPPED = 2.0   # seconds for which they do, until the database has stopped


@fault("data_folder_copy", server=True)
async def data_folder_copy(testbed: Testbed, r: Numbers) -> bool:
    return await with_copy(testbed, r, "attempts and fences", ATTEMPTS)


@fault("data_folder_copy_untouched", server=True)
async def data_folder_copy_untouched(testbed: Testbed, r: Numbers) -> bool:
    """The same, and nothing at all may be written into the copy."""
    return await with_copy(testbed, r, "changes of rows", WRITES)


async def with_copy(testbed: Testbed, r: Numbers, what: str, count: str) -> bool:
    """A worker runs on a copy for some seconds, and must not add anything to that count."""
    cluster = testbed.cluster
    stopping = asyncio.gather(*(testbed.workers.stop_for(worker, STOPPED) for worker in testbed.workers.all))
    await asyncio.sleep(BACKLOG)
    copy = await cluster.copied()
    await stopping
    worker = other_worker(testbed, "copy", copy.url("chaos_worker"))
    try:
        queued, before = await look(testbed, copy, count)
        worker.start()
        await asyncio.sleep(5 + 3 * r[0])
        left, after = await look(testbed, copy, count)
        note = (f"a copy of the data folder began with {queued} payouts queued and ended with {left}; its worker "
                f"{'ran' if worker.running() else 'stopped'} and added {after - before} {what}")
        testbed.notes.append(note)
        if after > before:
            testbed.findings.append(note)
        return queued > 0
    finally:
        if worker.process is not None:
            worker.process.kill()
            worker.process.wait()
        await cluster.discard(copy)


def other_worker(testbed: Testbed, kind: str, database_url: str) -> Worker:
    """A worker for another database. It shares the gateway, the merchants and their callbacks with the others."""
    config = testbed.folder / "config"
    name = f"{kind}-{len(list(config.glob(f'{kind}-*.toml'))) + 1}"
    worker = Worker(name, testbed.binary, config / f"{name}.toml", testbed.folder / "logs")
    home = config / f"{name}.home"  # where it would put a witness file of its own
    home.mkdir()
    places = {"HOME": str(home), "XDG_STATE_HOME": str(home), "STATE_DIRECTORY": str(home)}
    worker.environment = {**testbed.workers.all[0].environment, **places}
    worker.config.write_text(testbed.configuration(0, database_url, f"127.0.0.1:{free_port()}", witness=None))
    return worker


async def look(testbed: Testbed, copy: Node, count: str) -> tuple[int, int]:
    """How many payouts are queued in the copy, and that count."""
    queued, counted = (await testbed.cluster.sql(
        f"select (select count(*) from payout.payouts where state = 'queued'), {count}", url=copy.url())).split("|")
    return int(queued), int(counted)
