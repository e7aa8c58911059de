"""Operators who make mistakes or worse, alone and in pairs, through the public SQL.

An act here never states a lie that the rules accept from so many people: the checker could not tell it from a bug. What
two people state is what the gateway's own list of orders says; a lie is told where the rules must refuse it. Whatever
is accepted must leave every check good.
"""

from __future__ import annotations

import asyncio
import random
from typing import Awaitable, Callable, Dict

from .backend import quoted
from .cluster import SqlError
from .faults import Numbers, fault
from .operators import RASH
from .orders import PAID
from .testbed import Testbed

(FIRST, SECOND), RENAMED = RASH, "chaos_rina_again"
ACTS_MIN, ACTS_MORE = 5, 5
AT_ONCE = 5             # orders for each act
FORTUNE = 500_000_000_000  # rupiah: more than open payouts could explain
CARRIED_OUT_AFTER = 1.5  # seconds until a worker has surely carried a request out
WHY = "'chaos: mischief'"
NEWEST = 500
IN_DOUBT = "state in ('pending', 'unknown')"

Order = tuple[str, str]  # merchant code, order number
Act = Callable[["People"], Awaitable[None]]
ALONE: Dict[str, Act] = {}
IN_PAIRS: Dict[str, Act] = {}


def act(kind: Dict[str, Act]) -> Callable[[Act], Act]:
    def register(function: Act) -> Act:
        kind[function.__name__.replace("_", " ")] = function
        return function
    return register


class People:
    """Two operators, and what they are about to do."""

    def __init__(self, testbed: Testbed, rng: random.Random) -> None:
        self.testbed, self.rng = testbed, rng
        self.what = ""
        self.reached = 0  # statements that the database accepted or refused

    async def say(self, statement: str, login: str = FIRST) -> str | None:
        """One statement; its answer, or None if it is refused."""
        operators = self.testbed.operators
        try:
            answer = await self.testbed.cluster.sql(statement, login)
        except SqlError as error:
            self.reached += "ERROR:" in str(error)
            operators.count_refusal(f"mischief, {self.what}", error)
            return None
        self.reached += 1
        operators.mischief[self.what] = operators.mischief.get(self.what, 0) + 1
        return answer

    async def some(self, condition: str, count: int = AT_ONCE) -> list[Order]:
        """Payouts of which the condition holds, in an order that the seed decides."""
        rows = await self.testbed.cluster.sql(
            f"select merchant_code, order_num from payout.masked where {condition} "
            f"order by md5(order_num || '{self.rng.random()}') limit {count}", FIRST)
        return [(merchant, order) for merchant, order in (row.split("|") for row in rows.splitlines())]

    async def request_resubmit(self, orders: list[Order]) -> str | None:
        if not orders:
            return None
        merchant = orders[0][0]
        listed = ", ".join(quoted(order) for code, order in orders if code == merchant)
        return await self.say(f"select payout.request_resubmit(array[{listed}], {WHY}, {quoted(merchant)})")

    async def resolve(self, order: Order, outcome: str, stated: int | None = None) -> str | None:
        return await self.say(f"select payout.resolve({quoted(order[1])}, '{outcome}', 'chaos: a slip', {WHY}, "
                              f"{quoted(order[0])}, {quoted(stated)}, {quoted(order[1])})")

    async def paid_at_gateway(self) -> dict[Order, int]:
        """Orders that the gateway has paid, each with its fee: all that a pair may state."""
        listed = await self.testbed.admin("orders", {"last": NEWEST})
        return {(one["merchant"], one["order"]): one["fee"] for one in listed
                if one["status"] == PAID and one["booked_times"] == 1}


@act(ALONE)
async def approves_own_request(people: People) -> None:
    request = await people.request_resubmit(await people.some("state = 'unknown' and attention = 'not_found'"))
    if request:
        await people.say(f"select payout.approve({request})")


@act(ALONE)
async def approves_under_a_new_name(people: People) -> None:
    request = await people.request_resubmit(await people.some("state = 'unknown' and attention = 'not_found'"))
    if request is None:
        return
    await people.testbed.cluster.sql(f"alter role {FIRST} rename to {RENAMED}")
    await people.say(f"select payout.approve({request})", RENAMED)
    await people.testbed.cluster.sql(f"alter role {RENAMED} rename to {FIRST}")


@act(ALONE)
async def states_paid_then_returned(people: People) -> None:
    """Inside the quiet horizon, whether or not it is true: nobody may free such a hold alone."""
    early = f"{IN_DOUBT} and send_by > now() - interval '{people.testbed.timing.quiet_horizon / 2} seconds'"
    for order in await people.some(early, 3):
        if await people.resolve(order, "paid") is None:
            continue
        await asyncio.sleep(CARRIED_OUT_AFTER)
        moved = await people.testbed.cluster.sql(
            "select count(*) from payout.history where event = 'resolved_paid' and "
            f"(merchant_code, order_num) = ({quoted(order[0])}, {quoted(order[1])})")
        if moved != "0":
            await people.resolve(order, "returned")


@act(ALONE)
async def funds_what_the_gateway_funds(people: People) -> None:
    for amount in (FORTUNE, -FORTUNE // 4):
        merchant = people.rng.choice(people.testbed.merchants)["code"]
        reference = f"{people.rng.choice(('TRX', 'gateway after'))} {people.rng.randrange(10**9)}"
        await people.say(f"select payout.fund({quoted(merchant)}, {amount}, {quoted(reference)})")


@act(ALONE)
async def replays_everything(people: People) -> None:
    for merchant, order in await people.some("true", 4 * AT_ONCE):
        await people.say(f"select payout.replay({quoted(order)}, {quoted(merchant)})")


@act(ALONE)
async def cancels_what_is_being_claimed(people: People) -> None:
    for _ in range(3):
        orders = await people.some("state = 'queued'", 2)
        await asyncio.gather(*(people.say(f"select payout.cancel({quoted(order)}, {WHY}, {quoted(merchant)})")
                               for merchant, order in orders))


@act(ALONE)
async def pauses_and_resumes(people: People) -> None:
    scope, value = people.rng.choice((("all", ""), ("bank", "014"), ("merchant", people.testbed.merchants[0]["code"])))
    if await people.say(f"select payout.pause('{scope}', '{value}', {WHY})") is not None:
        await asyncio.sleep(0.3 + people.rng.random())
        await people.say(f"select payout.resume('{scope}', '{value}', {WHY})")


@act(ALONE)
async def rejects_what_others_requested(people: People) -> None:
    waiting = await people.testbed.cluster.sql("select id from payout.requests where decision is null "
                                               f"order by id desc limit {AT_ONCE}")
    for request in waiting.split():
        await people.say(f"select payout.reject({request}, {WHY})")


@act(ALONE)
async def accepts_a_failover_early(people: People) -> None:
    await people.say(f"select payout.accept_failover({WHY}, now())")


@act(ALONE)
async def requests_twice(people: People) -> None:
    orders = await people.some("state = 'unknown'", 1)
    for _ in range(2):
        await people.request_resubmit(orders)


@act(IN_PAIRS)
async def resubmit_anything(people: People) -> None:
    for order in await people.some("true"):
        request = await people.request_resubmit([order])
        if request:
            await people.say(f"select payout.approve({request})", SECOND)


@act(IN_PAIRS)
async def give_up_too_early(people: People) -> None:
    """As failed, inside the quiet horizon."""
    for merchant, order in await people.some(f"{IN_DOUBT} and send_by > now()"):
        request = await people.say(f"select payout.request_resolve_failed({quoted(order)}, 'chaos: a guess', {WHY}, "
                                   f"{quoted(merchant)}, {quoted(order)})")
        if request:
            await people.say(f"select payout.approve({request})", SECOND)


@act(IN_PAIRS)
async def state_what_the_gateway_paid(people: People) -> None:
    paid = await people.paid_at_gateway()
    for order in [one for one in await people.some(IN_DOUBT, NEWEST) if one in paid][:AT_ONCE]:
        request = await people.resolve(order, "paid", paid[order])
        if request:
            await people.say(f"select payout.approve({request})", SECOND)


async def perform(testbed: Testbed, r: Numbers, acts: Dict[str, Act]) -> bool:
    """A few acts, one after another, as the numbers decide, and more if the server was down for all of them. One pair of
    operators does them all, so they wait."""
    rng = random.Random(f"mischief {tuple(r)}")
    people = People(testbed, rng)
    async with testbed.operators.mischievous:
        try:
            names = rng.choices(sorted(acts), k=ACTS_MIN + int(ACTS_MORE * r[0]))
            while names or not people.reached:
                people.what = names.pop() if names else rng.choice(sorted(acts))
                try:
                    await testbed.cluster.until_accepting()
                    await acts[people.what](people)
                except SqlError:
                    pass  # the server is down: another fault's business
        finally:
            await undo(testbed)
    return people.reached > 0


@fault("operator_alone")
async def operator_alone(testbed: Testbed, r: Numbers) -> bool:
    return await perform(testbed, r, ALONE)


@fault("operators_in_pairs")
async def operators_in_pairs(testbed: Testbed, r: Numbers) -> bool:
    return await perform(testbed, r, IN_PAIRS)


async def undo(testbed: Testbed) -> None:
    """What they left behind would keep honest people waiting: requests that nobody decides, and pauses."""
    sql = testbed.cluster.sql
    await tried(sql(f"alter role {RENAMED} rename to {FIRST}"))
    waiting = await tried(sql(f"select id from payout.requests where decision is null and requested_by = '{FIRST}'"))
    for request in waiting.split():
        await tried(sql(f"select payout.reject({request}, {WHY})", SECOND))
    for pause in (await tried(sql(f"select scope, value from payout.pauses where reason = {WHY}"))).splitlines():
        scope, value = pause.split("|")
        await tried(sql(f"select payout.resume('{scope}', '{value}', {WHY})", SECOND))


async def tried(statement: Awaitable[str]) -> str:
    try:
        return await statement
    except SqlError:
        return ""
