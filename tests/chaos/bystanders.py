"""Whether those whom a fault does not concern go on meanwhile."""

from __future__ import annotations

from .testbed import Testbed

ENOUGH = 20     # payouts that were settled before: with fewer, no progress would say nothing
SLOWER_BY = 10  # times; what other faults do at the same time slows everybody down too, but not as much
# Meanwhile nobody settles anything, whoever has locked what.
STANDSTILLS = ("gateway_", "worker_stop_all", "pg_read_only", "pg_refuse", "failover_")
FENCE = "exists (select from payout.failover f where f.changed_at is not null)"


class Bystanders:
    """The payouts `p` that a condition describes, from now on until the judgement."""

    def __init__(self, testbed: Testbed, others: str) -> None:
        self.testbed, self.others = testbed, others

    async def begin(self) -> None:
        cluster = self.testbed.cluster
        self.began, self.crashes = await cluster.sql("select clock_timestamp()"), (cluster.restarts, cluster.failovers)
        self.starts = [worker.starts for worker in self.testbed.workers.all]
        self.begun = len(self.testbed.begun)

    async def judge(self, what: str, seconds: float) -> None:
        """Notes how far they got in that time. That they stood still is a finding."""
        cluster, began = self.testbed.cluster, self.began
        counted = await cluster.sql(f"""
            select count(*) filter (where settled_at > '{began}'),
                   count(*) filter (where settled_at between timestamptz '{began}' - interval '{seconds} s' and '{began}'),
                   count(*) filter (where created_at > '{began}'), {FENCE}
            from payout.payouts p where {self.others}""")
        during, before, came = (int(number) for number in counted.split("|")[:3])
        note = (f"{what} for {seconds:.1f} s: of the payouts that it does not concern {during} were settled and {came} "
                f"came, {before} were settled in the same time before")
        self.testbed.notes.append(note)
        # A worker that starts sends nothing for seconds: one must have run from the beginning to the end.
        one_ran = any(worker.starts == starts for worker, starts in zip(self.testbed.workers.all, self.starts))
        stood_still = any(name.startswith(STANDSTILLS) for name in self.testbed.begun[self.begun:])
        disturbed = (counted.endswith("|t") or self.crashes != (cluster.restarts, cluster.failovers) or not one_ran
                     or stood_still)
        if came >= ENOUGH <= before and during * SLOWER_BY < before and not disturbed:
            self.testbed.findings.append(f"those whom it does not concern waited: {note}")
