"""What the gateway really did: its merchants' money, its orders, and the true status of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

from .behaviours import NORMAL, stable_number
from .ground_truth import GroundTruthLog
from .rsa_openssl import PrivateKey, PublicKey

NEW, PROCESSING, PAID, CANCELLED, FAILED, AT_BANK = 0, 1, 2, 3, 4, 5
FINAL = (PAID, CANCELLED, FAILED)
STATUS_TEXT = {0: "Apply", 1: "Processing", 5: "Bank processing", 2: "Payout Successful", 3: "Cancelled",
               4: "Payout failed"}
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
    """One booking. `fields` are those of the submit, `announced_fee` is the fee of its answer, `fee` the final one."""

    merchant: Merchant
    order_num: str
    fields: dict
    platform: str  # the gateway's own order number
    money: int
    fee_type: int
    announced_fee: int
    fee: int
    final_status: int  # what it will be settled with
    behaviour: dict[str, str]
    status: int = NEW
    booked_times: int = 1
    queries: int = 0
    final_status_seen: bool = False
    acknowledged: bool = False
    flipped: bool = False

    def debit(self, fee: int) -> int:
        return self.money + (fee if self.fee_type == 1 else 0)


@dataclass
class OrderBook:
    """Every booking. Unless `dedup`, a duplicate order number is booked again, so that a double submit really is a
    double payment, which no care of the gateway hides."""

    seed: int
    merchants: dict[str, Merchant]
    log: GroundTruthLog
    dedup: bool = False
    latest: dict[tuple[str, str], Order] = field(default_factory=dict)
    bookings: list[Order] = field(default_factory=list)

    def find(self, merchant: str, order_num: str) -> Optional[Order]:
        return self.latest.get((merchant, order_num))

    def book(self, merchant: Merchant, fields: dict, behaviour: dict[str, str]) -> tuple[Optional[Order], str]:
        """The order, or None and the gateway's reason for refusing it."""
        order_num, money, fee_type = fields["orderNum"], int(fields["money"]), int(fields["feeType"])
        earlier = self.find(merchant.code, order_num)
        if earlier and self.dedup:
            return None, "order already exists"
        number = stable_number(self.seed, merchant.code, order_num, "order")
        announced_fee = min(500 + number % 4_500, max(0, (money - 1) // 2))
        fee = announced_fee
        if behaviour["submit"] == "fee_corrected":
            fee = min(announced_fee + 1 + number % 999, FEE_MAX, max(0, money - 1))
        if fee_type == 0 and money <= announced_fee:
            return None, "the amount does not cover the fee"
        debit = money + (announced_fee if fee_type == 1 else 0)
        if debit > merchant.balance:
            return None, "insufficient balance"
        merchant.balance -= debit
        merchant.freeze += debit
        order = Order(merchant, order_num, fields, self._platform(number, behaviour), money, fee_type, announced_fee,
                      fee, _final_status(number, behaviour), behaviour)
        order.booked_times = earlier.booked_times + 1 if earlier else 1
        self.latest[(merchant.code, order_num)] = order
        self.bookings.append(order)
        self.log.write("booked", merchant=merchant.code, order=order_num, platform=order.platform, money=money,
                       fee=announced_fee, fee_type=fee_type)
        return order, ""

    def _platform(self, number: int, behaviour: dict[str, str]) -> str:
        # Ends in 2 where a forged callback needs that digit as its status.
        last = 2 if behaviour["callback"] in ("cb_status_shift", "cb_contradiction") else number % 10
        return f"W{len(self.bookings) + 1:08d}{number // 10 % 10**6:06d}{last}"

    def advance(self, order: Order, status: int) -> None:
        """One change of status, with its money. A final status only changes by a flip: paid to failed or back."""
        if order.status == status:
            return
        merchant, frozen, final_debit = order.merchant, order.debit(order.announced_fee), order.debit(order.fee)
        if status in FINAL and order.status not in FINAL:
            merchant.freeze -= frozen
            merchant.balance += frozen - (final_debit if status == PAID else 0)
        elif order.status in FINAL:
            order.flipped = True
            merchant.balance += final_debit if order.status == PAID else -final_debit
        order.status = status
        fee = order.fee if status in FINAL else order.announced_fee
        self.log.write("status", merchant=merchant.code, order=order.order_num, platform=order.platform,
                       status=status, fee=fee)

    def listing(self, last: int = 0) -> list[dict]:
        """All bookings, or so many of the last ones."""
        return [{"merchant": o.merchant.code, "order": o.order_num, "platform": o.platform, "money": o.money,
                 "fee": o.fee, "fee_type": o.fee_type, "status": o.status, "booked_times": o.booked_times}
                for o in self.bookings[-last:]]

    def open_count(self) -> int:
        return sum(order.status not in FINAL for order in self.bookings)


def _final_status(number: int, behaviour: dict[str, str]) -> int:
    if behaviour["query"] == "q_flip_paid" or behaviour["submit"].startswith("fail_repeated"):
        return PAID
    if behaviour["query"] == "q_flip_failed" or behaviour["callback"] == "cb_status_shift":
        return FAILED
    draw = number // 7 % 100
    return PAID if draw < 84 else FAILED if draw < 94 else CANCELLED


def all_normal() -> dict[str, str]:
    return {"submit": NORMAL, "query": NORMAL, "callback": NORMAL}
