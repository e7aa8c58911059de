"""Every way in which the gateway may behave, by name, and which order gets which.

An order has one behaviour of each family. It is a pure function of the seed and the order, so that a plan can be
repeated whatever the times were. In the end the gateway is truthful: what it booked becomes 2, 3 or 4, and its answers
to queries say so.
"""

from __future__ import annotations

import hashlib
from typing import Iterable, Optional

WELL = "well"

SUBMIT = {
    "slow_in_time": "booked; answered late, though before any sane timeout",
    "slow": "booked; answered after the client gave up",
    "drip": "booked; the answer comes byte by byte, too slowly",
    "unknown_booked": "booked; answered UNKNOWN",
    "unknown_lost": "answered UNKNOWN and never booked",
    "error_booked": "booked; answered ERROR",
    "notexist_booked": "booked; answered NOTEXIST, which is no answer to a submit",
    "silent_booked": "booked; never answered, the connection stays open",
    "silent_lost": "never booked and never answered",
    "late_booked": "never answered; booked only seconds later, not known until then",
    "late_booked_unknown": "answered UNKNOWN; booked only seconds later",
    "cut_booked": "booked; the connection is closed without an answer",
    "cut_lost": "never booked; the connection is closed without an answer",
    "reset_booked": "booked; the connection is reset",
    "fail_lost": "answered FAIL, not booked",
    "fail_booked": "answered FAIL although it is booked and goes on to its end",
    "fail_unsigned": "booked; an unsigned FAIL",
    "bad_sign": "booked; the platSign is of another text",
    "no_sign": "booked; there is no platSign",
    "truncated": "booked; the connection breaks in the middle of the answer",
    "short_length": "booked; the Content-Length cuts the answer in the middle",
    "garbage": "booked; the answer is not JSON",
    "bad_utf8": "booked; the answer is not UTF-8",
    "html": "booked; HTTP 200 with a maintenance page",
    "empty": "booked; HTTP 200 with nothing",
    "http_500_lost": "HTTP 500, not booked",
    "http_500_booked": "booked; HTTP 500 with a perfect, signed answer in it",
    "http_502_fail": "booked; HTTP 502 with a perfect, signed FAIL in it",
    "redirect_307": "not booked; HTTP 307 back to the same place, where a second request would be booked",
    "redirect_302_booked": "booked; HTTP 302 to the query path",
    "wrong_money": "booked; the signed answer names one rupiah more",
    "hundredfold": "booked; the signed answer names the amount in cents",
    "wrong_order": "booked; the signed answer names another order",
    "wrong_number": "booked; the signed answer names another account",
    "wrong_fee_type": "booked; the signed answer names the other feeType",
    "crossed": "booked; answered with the genuine answer of another order",
    "fraction": "booked; the fee in the answer has a fraction",
    "repeated_name": "booked; a name stands twice in the answer",
    "nested": "booked; a value in the answer is an object",
    "huge": "booked; the answer is two megabytes long",
    "decimals": "booked; amounts are JSON numbers with decimals that are zero",
    "extra_field": "booked; the signed answer has a field that nobody knows, and nulls",
    "other_case": "booked; the name comes back in capitals",
    "chunked": "booked; 100 Continue first, then an answer in chunks",
    "ack_says_paid": "booked; the acceptance says status 2 though nothing is paid yet",
    "ack_says_failed": "booked; the acceptance says status 4 though nothing has failed",
    "fee_corrected": "booked; the final fee is another one than was announced",
    "early_callback": "booked and at its end at once; the callback comes before the answer",
    "idle_close": "booked and answered; the kept connection is closed a moment later",
}

QUERY = {
    "q_http_500": "the first queries get an HTTP 500",
    "q_unknown": "the first queries get UNKNOWN",
    "q_error": "the first queries get ERROR",
    "q_fail": "the first queries get FAIL, which is about the question",
    "q_silent": "the first query gets no answer",
    "q_cut": "the first queries get a closed connection",
    "q_slow": "the first query is answered after the client gave up",
    "q_bad_sign": "the first answers are signed wrongly, and say 4",
    "q_no_sign": "the first answers are not signed, and say 4",
    "q_truncated": "the first answers break off",
    "q_garbage": "the first answers are not JSON",
    "q_html": "the first answers are a maintenance page",
    "q_redirect": "the first answers are redirects",
    "q_wrong_order": "the first answers are signed, say 4, and name another order",
    "q_crossed": "the first answers are the genuine ones of another order",
    "q_wrong_amount": "the first answer names one hundred times the amount",
    "q_wrong_platform": "the first answer names another platOrderNum",
    "q_notexist_lag": "NOTEXIST for some seconds after the booking: the index lags behind",
    "q_notexist_once": "NOTEXIST once for an order that was known before",
    "q_status_other": "the first answers have a status that nobody knows",
    "q_bounce": "statuses go 1, 5, 1, 5 before the end",
    "q_net_amount": "the amount is stated net of the fee",
    "q_gross_amount": "the amount is stated with the fee",
    "q_decimals": "amounts are written with decimals that are zero",
    "q_no_amount": "the first answers name no amount, also not with a final status",
    "q_chunked": "answers come in chunks of a few bytes",
    "q_flip_paid": "says 2; later the money comes back and it says 4: a person must see it",
    "q_flip_failed": "says 4; later it is paid after all and it says 2: a person must see it",
}

CALLBACK = {
    "cb_none": "no callback at all",
    "cb_late": "the first callback comes seconds late",
    "cb_duplicate": "six copies at once, and once more although they were acknowledged",
    "cb_progress": "callbacks of statuses 0, 1 and 5 too",
    "cb_bad_sign": "a callback whose platSign is of another text, then the true one",
    "cb_field_shift": "a digit moved from fee through feeType to money; the platSign verifies",
    "cb_name_shift": "the last digit of money moved into name; the platSign verifies",
    "cb_status_shift": "a failed order's callback shifted so that it says 2; the platSign verifies",
    "cb_splice": "blocks of two genuine callbacks joined; the platSign verifies where texts have several blocks",
    "cb_replay_order": "the genuine platSign of another order under this one's fields",
    "cb_replay_foreign": "another order's, or another merchant's, genuine callback at this one's address",
    "cb_wrong_amount": "signed, with one rupiah more, then the true one",
    "cb_wrong_number": "signed, with another account, then the true one",
    "cb_wrong_platform": "signed, with another platOrderNum, then the true one",
    "cb_zeros": "signed, money with leading zeros, then the true one",
    "cb_false_failure": "signed, says 4 before the order ends; the query tells the truth",
    "cb_contradiction": "says 2 and then 4 (or 4 and then, falsely shifted, 2); the query tells the truth",
    "cb_unknown_order": "signed, for an order that was never submitted, then the true one",
    "cb_bad_base64": "the platSign is not base64, then the true one",
    "cb_raw_plus": "a + of the platSign is not escaped",
    "cb_huge": "a callback of 200 kilobytes, then the true one",
    "cb_truncated": "the connection closes in the middle of the body, then the true one",
    "cb_extra_field": "signed, with a field too many, then the true one",
    "cb_missing_field": "signed, without number, then the true one",
    "cb_repeated_field": "status stands twice, 4 and 2, then the true one",
    "cb_json": "the fields as JSON instead of a form, then the true one",
    "cb_bad_escape": "a broken percent escape, then the true one",
    "cb_status_other": "signed, a status that nobody knows, then the true one",
    "cb_drip": "the true callback comes byte by byte",
    "cb_hang_up": "the true callback, but the gateway closes before it reads the answer; then once more",
}

FAMILIES = {"submit": SUBMIT, "query": QUERY, "callback": CALLBACK}

# A gateway that never takes the order needs a person, so there are few of those.
_RARE = {"unknown_lost", "silent_lost", "cut_lost", "http_500_lost", "redirect_307", "q_flip_paid", "q_flip_failed"}
# One of these is enough for a worker to stop claiming for a while: with more of them nothing would flow.
_STOPS_CLAIMS = {"bad_sign", "no_sign", "fail_unsigned"}
# "Not known" right after a FAIL is what makes a FAIL final; saying it of a booked order would be a lie about the end.
_FAIL = {"fail_booked", "fail_lost"}
_SAYS_NOTEXIST = {"q_notexist_lag", "q_notexist_once"}
# Queries and callbacks stop nothing, so more of them may be strange.
_OFTEN = {"submit": 1.0, "query": 2.5, "callback": 3.0}
DEFAULT_SHARE = 0.2


def family_of(name: str) -> Optional[str]:
    return next((family for family, known in FAMILIES.items() if name in known), None)


def allowed(text: str) -> set[str]:
    """`all`, `none`, or a list with commas; an unknown name is an error that lists them all."""
    every = [name for known in FAMILIES.values() for name in known]
    if text == "all":
        return set(every)
    names = set() if text == "none" else {name for name in text.split(",") if name}
    unknown = names.difference(every)
    if unknown:
        raise ValueError(f"unknown behaviours: {', '.join(sorted(unknown))}; known are: {', '.join(every)}")
    return names


def dice(seed: int, *words: object) -> int:
    """A number that depends on nothing but the seed and the words."""
    text = "/".join(str(word) for word in (seed, *words))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def weight(name: str) -> int:
    return 20 if name in _RARE else 2 if name in _STOPS_CLAIMS else 60


def choose(seed: int, merchant: str, order: str, names: Iterable[str], share: float = DEFAULT_SHARE) -> dict[str, str]:
    """The behaviour of each family for one order; `share` of all orders are treated strangely at their submit."""
    wanted, chosen = set(names), {}
    for family, known in FAMILIES.items():
        number = dice(seed, merchant, order, family)
        bag = [name for name in known if name in wanted]
        if not bag or number % 10_000 >= share * _OFTEN[family] * 10_000:
            chosen[family] = WELL
            continue
        left = number // 10_000 % sum(weight(name) for name in bag)
        for name in bag:
            left -= weight(name)
            if left < 0:
                chosen[family] = name
                break
    return agreeing(chosen)


def agreeing(chosen: dict[str, str]) -> dict[str, str]:
    """Takes out the combinations that nobody could see through."""
    if chosen["submit"] in _FAIL and chosen["query"] in _SAYS_NOTEXIST:
        return {**chosen, "query": WELL}
    return chosen
