"""What the gateway really did: its merchants' money, its orders, and how far each one is."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

from .behaviours import WELL, dice
from .rsa_openssl import PrivateKey, PublicKey
from .truth import TruthLog

NEW, PROCESSING, PAID, CANCELLED, FAILED, AT_BANK = 0, 1, 2, 3, 4, 5
FINAL = (PAID, CANCELLED, FAILED)
WORDS = {0: "Apply", 1: "Processing", 5: "Bank processing", 2: "Payout Successful", 3: "Cancelled", 4: "Payout failed"}
FEE_MAX = 6_000


@dataclass
class Merchant:
    code: str
    dialect: str
    public_key: PublicKey
    private_key: PrivateKey
    notify_url: str
    balance: int
    freeze: int = 0

    @classmethod
    def of(cls, entry: dict, keys: dict[str, PrivateKey]) -> "Merchant":
        path = entry["platform_private_key_file"]
        key = keys.setdefault(path, PrivateKey.load(Path(path)))
        public = PublicKey.load(Path(entry["merchant_public_key_file"]))
        return cls(entry["code"], entry["dialect"], public, key, entry.get("notify_url", ""), int(entry["balance"]))


@dataclass
class Order:
    """One booking. `fields` are those of the submit, `announced` the fee of its answer, `fee` the final one."""

    merchant: Merchant
    order: str
    fields: dict
    platform: str
    money: int
    fee_type: int
    announced: int
    fee: int
    ending: int
    behaviour: dict
    status: int = NEW
    booked_times: int = 1
    asked: int = 0
    told_final: bool = False
    notified: int = 0
    acknowledged: bool = False
    flipped: bool = False

    def debit(self, fee: int) -> int:
        return self.money + (fee if self.fee_type == 1 else 0)


@dataclass
class Book:
    """Everything booked. A duplicate is booked again unless `dedup`: nobody may hide behind the gateway's own care."""

    seed: int
    merchants: dict[str, Merchant]
    truth: TruthLog
    dedup: bool = False
    orders: dict[tuple[str, str], Order] = field(default_factory=dict)
    bookings: list[Order] = field(default_factory=list)

    def find(self, merchant: str, order: str) -> Optional[Order]:
        return self.orders.get((merchant, order))

    def book(self, merchant: Merchant, fields: dict, behaviour: dict) -> tuple[Optional[Order], str]:
        """The order, or None and the gateway's words why not."""
        order, money, fee_type = fields["orderNum"], int(fields["money"]), int(fields["feeType"])
        before = self.find(merchant.code, order)
        if before and self.dedup:
            return None, "order already exists"
        number = dice(self.seed, merchant.code, order, "order")
        announced = min(500 + number % 4_500, max(0, (money - 1) // 2))
        fee = announced
        if behaviour["submit"] == "fee_corrected":
            fee = min(announced + 1 + number % 999, FEE_MAX, max(0, money - 1))
        if fee_type == 0 and money <= announced:
            return None, "the amount does not cover the fee"
        debit = money + (announced if fee_type == 1 else 0)
        if debit > merchant.balance:
            return None, "insufficient balance"
        merchant.balance -= debit
        merchant.freeze += debit
        made = Order(merchant, order, fields, self._platform(number, behaviour), money, fee_type, announced, fee,
                     _ending(number, behaviour), behaviour)
        made.booked_times = before.booked_times + 1 if before else 1
        self.orders[(merchant.code, order)] = made
        self.bookings.append(made)
        self.truth.write("booked", merchant=merchant.code, order=order, platform=made.platform, money=money,
                         fee=announced, fee_type=fee_type)
        return made, ""

    def _platform(self, number: int, behaviour: dict) -> str:
        # Ends in 2 where a shifted status needs it to.
        last = 2 if behaviour["callback"] in ("cb_status_shift", "cb_contradiction") else number % 10
        return f"W{len(self.bookings) + 1:08d}{number // 10 % 10**6:06d}{last}"

    def advance(self, order: Order, status: int) -> None:
        """One step, with its money. A final status moves only by a flip: paid to failed, or failed to paid."""
        if order.status == status:
            return
        merchant, frozen, final = order.merchant, order.debit(order.announced), order.debit(order.fee)
        if status in FINAL and order.status not in FINAL:
            merchant.freeze -= frozen
            merchant.balance += frozen - (final if status == PAID else 0)
        elif order.status in FINAL:
            order.flipped = True
            merchant.balance += final if order.status == PAID else -final
        order.status = status
        fee = order.fee if status in FINAL else order.announced
        self.truth.write("status", merchant=merchant.code, order=order.order, platform=order.platform,
                         status=status, fee=fee)

    def listing(self) -> list[dict]:
        return [{"merchant": o.merchant.code, "order": o.order, "platform": o.platform, "money": o.money, "fee": o.fee,
                 "fee_type": o.fee_type, "status": o.status, "booked_times": o.booked_times} for o in self.bookings]

    def open_count(self) -> int:
        return sum(order.status not in FINAL for order in self.bookings)


def _ending(number: int, behaviour: dict) -> int:
    if behaviour["query"] == "q_flip_paid":
        return PAID
    if behaviour["query"] == "q_flip_failed" or behaviour["callback"] == "cb_status_shift":
        return FAILED
    draw = number // 7 % 100
    return PAID if draw < 84 else FAILED if draw < 94 else CANCELLED


def well() -> dict[str, str]:
    return {"submit": WELL, "query": WELL, "callback": WELL}
