"""Values of a size that nobody needs, in everything that a caller can fill. Each must be refused with a code of the
contract, and stop nobody."""

from __future__ import annotations

from .backend import LOGIN, REFUSED, WITH_SQLSTATE, quoted
from .cluster import SqlError
from .faults import Numbers, fault
from .operators import REQUESTER
from .testbed import Testbed

WITHIN = 60.0
MEGABYTE = 1_000_000
COLUMNS = {"order_num": "'{order}'", "merchant_code": "{merchant}", "amount": "50000", "fee_type": "0",
           "bank_code": "'014'", "account_number": "'0012345678'", "account_name": "'Siti Rahayu'",
           "description": "null", "replaces": "null", "metadata": "null"}
TEXTS = ("order_num", "merchant_code", "bank_code", "account_number", "account_name", "description", "replaces")


class Sizes:
    """Tries one statement after another, each of which must be refused."""

    def __init__(self, testbed: Testbed, r: Numbers) -> None:
        self.testbed = testbed
        self.merchant = quoted(testbed.merchants[int(r[1] * len(testbed.merchants))]["code"])
        self.order = f"H{testbed.seed}-" + "-".join(f"{number * 10_000:.0f}" for number in r)
        self.tried = 0

    async def refuse(self, what: str, statement: str, login: str) -> None:
        try:
            await self.testbed.cluster.sql(WITH_SQLSTATE + statement, login, within=WITHIN)
        except SqlError as error:
            if not REFUSED.search(str(error)):
                raise
        else:
            self.testbed.findings.append(f"{what} was accepted")
        self.tried += 1

    async def row(self, what: str, column: str, value: str, by_function: bool) -> None:
        """One payout with this value, by a plain insert or by `payout.enqueue`."""
        order = f"{self.order}-{self.tried}"
        values = {name: text.format(order=order, merchant=self.merchant) for name, text in COLUMNS.items()}
        values[column] = value
        if by_function:
            statement = f"select payout.enqueue({', '.join(f'{name} => {text}' for name, text in values.items())})"
        else:
            statement = f"insert into payout.payouts ({', '.join(values)}) values ({', '.join(values.values())})"
        await self.refuse(f"a payout with {what}", statement, LOGIN)


@fault("huge_metadata")
async def huge_metadata(testbed: Testbed, r: Numbers) -> bool:
    sizes, megabytes = Sizes(testbed, r), 20 + int(60 * r[0])
    value = f"jsonb_build_object('note', repeat('x', {megabytes * MEGABYTE}))"
    for by_function in (False, True):
        await sizes.row(f"{megabytes} MB of metadata", "metadata", value, by_function)
    return sizes.tried > 0


@fault("huge_texts")
async def huge_texts(testbed: Testbed, r: Numbers) -> bool:
    """Long texts in every column, with the planted words in them, which must not come back in a message or a log."""
    sizes, backend = Sizes(testbed, r), testbed.backend
    length = 10_000 + int(MEGABYTE * r[0])
    for number, column in enumerate(TEXTS):
        word = backend.canary_number if column in ("bank_code", "account_number") else backend.canary_word
        value = f"repeat({quoted(word)}, {length // len(word)})"
        await sizes.row(f"{length} characters in {column}", column, value, number % 2 == 1)
    return sizes.tried > 0


@fault("huge_acts")
async def huge_acts(testbed: Testbed, r: Numbers) -> bool:
    """An operator's calls with too many orders, or with endless words."""
    sizes = Sizes(testbed, r)
    words = f"repeat('because ', {int(MEGABYTE * (1 + 9 * r[0]) / 8)})"
    orders = "array(select 'X-' || g from generate_series(1, 100000) g)"
    await sizes.refuse("a request for 100 000 payouts",
                       f"select payout.request_resubmit({orders}, 'chaos: huge', {sizes.merchant})", REQUESTER)
    await sizes.refuse("a reason without an end",
                       f"select payout.pause('merchant', {sizes.merchant}, {words})", REQUESTER)
    await sizes.refuse("a reference without an end", f"select payout.fund({sizes.merchant}, 1, {words})", REQUESTER)
    return sizes.tried > 0
