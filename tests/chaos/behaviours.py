"""Every behaviour of the gateway by name, and which order gets which.

An order gets one behaviour of each family (submit, query, callback), as a pure function of the seed and the order, so a
run can be repeated whatever its timing was. An answer about a balance gets its own, by its number. In the end the
gateway is truthful: what it booked gets status 2, 3 or 4, and its answers to queries say so. "Booked" below means that
the gateway really has the order.
"""

from __future__ import annotations

import hashlib
from typing import Iterable, Optional

NORMAL = "normal"

SUBMIT = {
    "slow_in_time": "booked; answered slowly, but before any sensible timeout",
    "slow": "booked; answered after the client gave up",
    "drip": "booked; the answer comes byte by byte, too slowly",
    "unknown_booked": "booked; answered UNKNOWN",
    "unknown_lost": "answered UNKNOWN and never booked",
    "error_booked": "booked; answered ERROR",
    "notexist_booked": "booked; answered NOTEXIST, which a submit never gets",
    "silent_booked": "booked; never answered, the connection stays open",
    "silent_lost": "never booked and never answered",
    "late_booked": "never answered; booked seconds later, not found until then",
    "late_booked_unknown": "answered UNKNOWN; booked seconds later, not found until then",
    "cut_booked": "booked; the connection is closed without an answer",
    "cut_lost": "never booked; the connection is closed without an answer",
    "reset_booked": "booked; the connection is reset",
    "fail_lost": "answered FAIL, not booked",
    "fail_booked": "answered FAIL although it is booked and will be settled",
    "fail_lagging": "answered FAIL although it is booked, and not found for a moment",
    "fail_unsigned": "booked; an unsigned FAIL",
    "fail_repeated": "booked, then delivered once more on the way, and answered FAIL, a repeated order; it will be paid",
    "fail_repeated_quiet": "the same, and no callback tells of the payment",
    "bad_sign": "booked; the platSign signs another text",
    "no_sign": "booked; the answer has no platSign",
    "truncated": "booked; the connection breaks in the middle of the answer",
    "short_length": "booked; the Content-Length cuts the answer in the middle",
    "garbage": "booked; the answer is not JSON",
    "bad_utf8": "booked; the answer is not UTF-8",
    "html": "booked; HTTP 200 with a maintenance page",
    "empty": "booked; HTTP 200 with nothing",
    "http_500_lost": "HTTP 500, not booked",
    "http_500_booked": "booked; HTTP 500 with a perfect, signed answer in it",
    "http_502_fail": "booked; HTTP 502 with a perfect, signed FAIL in it",
    "redirect_307": "not booked; HTTP 307 to the same URL, where a second request would be booked",
    "redirect_302_booked": "booked; HTTP 302 to the query path",
    "wrong_money": "booked; the signed answer names one rupiah more",
    "hundredfold": "booked; the signed answer names the amount in cents",
    "wrong_order": "booked; the signed answer names another order",
    "wrong_number": "booked; the signed answer names another account",
    "wrong_fee_type": "booked; the signed answer names the other feeType",
    "crossed": "booked; answered with the genuine answer of another order",
    "fraction": "booked; the fee in the answer has a fraction",
    "repeated_name": "booked; a name occurs twice in the answer",
    "nested": "booked; one value in the answer is an object",
    "huge": "booked; the answer has two megabytes",
    "decimals": "booked; amounts are JSON numbers with zero decimals",
    "exponent": "booked; amounts are spelled 1.25E7 or 10000.0, as text or as numbers",
    "bom": "booked; the answer begins with a byte order mark",
    "http_201": "booked; the honest answer has HTTP status 201",
    "unsigned_field": "booked; an undocumented field that the signature does not cover",
    "extra_field": "booked; the signed answer has an undocumented field and a null",
    "other_case": "booked; the name comes back in capitals",
    "chunked": "booked; 100 Continue first, then an answer in chunks",
    "ack_says_paid": "booked; the acceptance states status 2 although nothing is paid yet",
    "ack_says_failed": "booked; the acceptance states status 4 although nothing has failed",
    "fee_corrected": "booked; the final fee differs from the announced one",
    "early_callback": "booked and settled at once; the callback arrives before the answer",
    "idle_close": "booked and answered; the kept-alive connection is closed a moment later",
}

QUERY = {
    "q_http_500": "the first queries get an HTTP 500",
    "q_unknown": "the first queries get UNKNOWN",
    "q_error": "the first queries get ERROR",
    "q_fail": "the first queries get FAIL, which is about the query and not about the order",
    "q_silent": "the first query gets no answer",
    "q_cut": "the first queries get a closed connection",
    "q_slow": "the first query is answered after the client gave up",
    "q_bad_sign": "the first answers are wrongly signed and state status 4",
    "q_no_sign": "the first answers are unsigned and state status 4; where no answer is signed, only the first one",
    "q_truncated": "the first answers break off",
    "q_garbage": "the first answers are not JSON",
    "q_html": "the first answers are a maintenance page",
    "q_redirect": "the first answers are redirects",
    "q_wrong_order": "the first answers are signed, state status 4, and name another order",
    "q_crossed": "the first answers are genuine, but those of another order",
    "q_wrong_amount": "the first answer names one hundred times the amount",
    "q_wrong_platform": "the first answer names another platOrderNum",
    "q_notexist_lag": "NOTEXIST for some seconds after the booking: the index lags behind",
    "q_notexist_once": "NOTEXIST once for an order that was found before",
    "q_other_number": "the first answers name the platOrderNum of another order of the merchant; all else in them is true",
    "q_status_other": "the first answers have an undocumented status",
    "q_bounce": "the status goes 1, 5, 1, 5 before it is final",
    "q_net_amount": "the amount is stated net of the fee",
    "q_gross_amount": "the amount is stated with the fee",
    "q_decimals": "amounts have zero decimals",
    "q_exponent": "amounts are spelled 1.25E7 or 10000.0, as text or as numbers",
    "q_bom": "answers begin with a byte order mark",
    "q_http_201": "answers have HTTP status 201",
    "q_extra_field": "answers have an undocumented field and a null, signed where answers are signed",
    "q_unsigned_field": "the first answers have an undocumented field that the signature does not cover",
    "q_nested": "one value in the first answers is an object",
    "q_no_amount": "the first answers have no amount, even with a final status",
    "q_chunked": "answers come in chunks of a few bytes",
    "q_repeated": "a reused connection repeats the \"not found\" of the query before, which names no order",
    "q_flip_paid": "states status 2; later the money comes back and it states 4: an operator must be alerted",
    "q_flip_failed": "states status 4; later it pays after all and states 2: an operator must be alerted",
}

CALLBACK = {
    "cb_none": "no callback at all",
    "cb_late": "the first callback is seconds late",
    "cb_duplicate": "six copies at once, and one more although they were acknowledged",
    "cb_progress": "callbacks for statuses 0, 1 and 5 as well",
    "cb_bad_sign": "the platSign signs another text, then the true one",
    "cb_field_shift": "a digit moved from fee through feeType to money; the platSign verifies",
    "cb_name_shift": "the last digit of money moved into name; the platSign verifies",
    "cb_status_shift": "a failed order's callback, shifted so that it states 2; the platSign verifies",
    "cb_splice": "blocks of two genuine callbacks joined; the platSign verifies where texts have several blocks",
    "cb_replay_order": "the genuine platSign of another order under this one's fields",
    "cb_replay_foreign": "another order's, or another merchant's, genuine callback at this one's address",
    "cb_wrong_amount": "signed, with one rupiah more, then the true one",
    "cb_wrong_number": "signed, with another account, then the true one",
    "cb_wrong_platform": "signed, with another platOrderNum, then the true one",
    "cb_zeros": "signed, money with leading zeros, then the true one",
    "cb_false_failure": "signed, states 4 before the order is settled; queries tell the truth",
    "cb_contradiction": "states 2 and then 4 (or 4 and then, by a shifted digit, 2); queries tell the truth",
    "cb_unknown_order": "signed, for an order that was never submitted, then the true one",
    "cb_bad_base64": "the platSign is not base64, then the true one",
    "cb_raw_plus": "a + in the platSign is not escaped",
    "cb_huge": "a callback of 200 kilobytes, then the true one",
    "cb_truncated": "the connection closes in the middle of the body, then the true one",
    "cb_extra_field": "signed, with an extra field, then the true one",
    "cb_missing_field": "signed, without number, then the true one",
    "cb_repeated_field": "status occurs twice, 4 first, then the true one",
    "cb_json": "the fields as JSON instead of a form, then the true one",
    "cb_bad_escape": "a broken percent escape, then the true one",
    "cb_status_other": "signed, with an undocumented status, then the true one",
    "cb_drip": "the true callback arrives byte by byte",
    "cb_hang_up": "the true callback, but the gateway hangs up before it reads the answer; then once more",
}

# Those of which a worker can make nothing come only every other time: until it knows a balance, it claims nothing.
BALANCE = {
    "b_exponent": "amounts are spelled 9.99E8 or 10000.0, as text or as numbers",
    "b_bom": "the answer begins with a byte order mark",
    "b_http_201": "the answer has HTTP status 201",
    "b_extra_field": "an undocumented field and a null, signed where answers are signed",
    "b_unsigned_field": "an undocumented field that the signature does not cover",
    "b_nested": "one value is an object",
}

FAMILIES = {"submit": SUBMIT, "query": QUERY, "callback": CALLBACK}  # of an order
ALL = {**FAMILIES, "balance": BALANCE}

# Orders that are never booked, and flips, need an operator: keep them few.
_RARE = {"unknown_lost", "silent_lost", "cut_lost", "http_500_lost", "redirect_307", "q_flip_paid", "q_flip_failed",
         "q_other_number", "fail_repeated_quiet"}
# Each of these opens the circuit breaker for a while: with many of them nothing would be claimed.
_OPENS_BREAKER = {"bad_sign", "no_sign", "fail_unsigned", "unsigned_field", "b_unsigned_field"}
# "Not found" after a FAIL makes the FAIL final. Answering it for a booked order would be a lie about the outcome.
_FAIL = {"fail_booked", "fail_lagging", "fail_lost", "fail_repeated", "fail_repeated_quiet"}
_SAYS_NOTEXIST = {"q_notexist_lag", "q_notexist_once"}
# A repeated "not found" does harm only where nothing else tells the truth, so half of these orders get that too.
_DO_HARM_TOGETHER = {"submit": "fail_booked", "query": "q_repeated", "callback": "cb_none"}
# An unusual answer that must be read does harm only where no callback settles the order first, so half of these get none.
_MUST_BE_READ = {"q_exponent", "q_bom", "q_http_201", "q_extra_field"}
# Abnormal queries and callbacks stop no claims, so there may be more of them.
_FREQUENCY = {"submit": 1.0, "query": 2.5, "callback": 3.0, "balance": 3.0}
DEFAULT_SHARE = 0.2


def family_of(name: str) -> Optional[str]:
    """The family of an order's behaviours to which it belongs."""
    return next((family for family, known in FAMILIES.items() if name in known), None)


def allowed(text: str) -> set[str]:
    """The names that `all`, `none` or a comma-separated list stands for. The error for an unknown name lists all."""
    every = [name for known in ALL.values() for name in known]
    if text == "all":
        return set(every)
    names = set() if text == "none" else {name for name in text.split(",") if name}
    unknown = names.difference(every)
    if unknown:
        raise ValueError(f"unknown behaviours: {', '.join(sorted(unknown))}; known are: {', '.join(every)}")
    return names


def stable_number(seed: int, *words: object) -> int:
    """A number that depends only on the seed and the words."""
    text = "/".join(str(word) for word in (seed, *words))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def weight(name: str) -> int:
    return 20 if name in _RARE else 2 if name in _OPENS_BREAKER else 60


def choose(seed: int, merchant: str, order: str, names: Iterable[str], share: float = DEFAULT_SHARE) -> dict[str, str]:
    """The behaviour of each family for one order; `share` of all orders get an abnormal submit."""
    wanted = set(names)
    chosen = {family: _draw(family, stable_number(seed, merchant, order, family), wanted, share) for family in FAMILIES}
    if chosen["query"] == "q_repeated" and wanted.issuperset(_DO_HARM_TOGETHER.values()) \
            and stable_number(seed, merchant, order, "together") % 2:
        return dict(_DO_HARM_TOGETHER)
    if chosen["query"] in _MUST_BE_READ and "cb_none" in wanted and stable_number(seed, merchant, order, "quiet") % 2:
        chosen["callback"] = "cb_none"
    return without_lies(chosen)


def choose_for_balance(seed: int, merchant: str, count: int, names: Iterable[str], share: float) -> str:
    """The behaviour of the merchant's answer of that number about its balance."""
    name = _draw("balance", stable_number(seed, merchant, count, "balance"), set(names), share)
    return NORMAL if name in ("b_unsigned_field", "b_nested") and count % 2 else name


def _draw(family: str, number: int, wanted: set[str], share: float) -> str:
    bag = [name for name in ALL[family] if name in wanted]
    if not bag or number % 10_000 >= share * _FREQUENCY[family] * 10_000:
        return NORMAL
    left = number // 10_000 % sum(weight(name) for name in bag)
    for name in bag:
        left -= weight(name)
        if left < 0:
            return name
    return NORMAL


def without_lies(chosen: dict[str, str]) -> dict[str, str]:
    """Removes the one combination that nobody could tell from the truth."""
    if chosen["submit"] in _FAIL and chosen["query"] in _SAYS_NOTEXIST:
        return {**chosen, "query": NORMAL}
    return chosen
