"""A merchant's client of the gateway in Python, with the standard library and OpenSSL. README.md has the options."""

import _ssl
import argparse
import base64
import ctypes
import json
import sys
from datetime import datetime, timedelta, timezone
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode
from urllib.request import Request, urlopen

JAKARTA = timezone(timedelta(hours=7))
PKCS1_PADDING, PADDING_BYTES = 1, 11

# Python has no RSA of its own, but its ssl module brings OpenSSL's libcrypto along.
crypto = ctypes.CDLL(_ssl.__file__)
Pointer = type("Pointer", (ctypes.c_void_p,), {})
for function in ("d2i_AutoPrivateKey", "EVP_PKEY_get1_RSA", "d2i_RSA_PUBKEY", "d2i_RSAPublicKey"):
    getattr(crypto, function).restype = Pointer

parser = argparse.ArgumentParser(description="A client of the payout gateway.")
parser.add_argument("command", choices=["submit", "query", "balance", "callback", "verify"])
for name in ("url", "merchant", "key", "platform-key", "order", "bank", "number", "name", "description", "notify-url"):
    parser.add_argument(f"--{name}")
parser.add_argument("--money", type=int)
parser.add_argument("--fee-type", type=int)
parser.add_argument("--field", action="append")
parser.add_argument("--dialect", choices=["bdpay", "toppay"], default="bdpay")
parser.add_argument("--style", choices=["strict", "live"], default="strict")
options = vars(parser.parse_args())


def option(name):
    value = options[name.replace("-", "_")]
    return parser.error(f"--{name} is missing") if value is None else value


def read_key(name, *parsers):
    """Reads PEM, or the bare base64 in which the gateway hands keys out."""
    try:
        lines = Path(option(name)).read_text().splitlines()
        der = base64.b64decode("".join(line for line in lines if not line.startswith("-----")))
    except (OSError, ValueError) as error:
        parser.error(str(error))
    for parse in parsers:
        if key := parse(None, ctypes.byref(ctypes.c_char_p(der)), ctypes.c_long(len(der))):
            return key
    return parser.error(f"--{name} names no such key")


def platform_key():
    return read_key("platform-key", crypto.d2i_RSA_PUBKEY, crypto.d2i_RSAPublicKey)


def rsa(operation, key, data, size):
    """The operation on each piece of that size."""
    done = b""
    for at in range(0, len(data), size):
        piece, result = data[at:at + size], ctypes.create_string_buffer(crypto.RSA_size(key))
        length = operation(len(piece), piece, result, key, PKCS1_PADDING)
        if length < 0:
            raise ValueError("OpenSSL refuses this block")
        done += result.raw[:length]
    return done


def signed_text(fields):
    """The values in the order of their names, without separators."""
    return "".join(str(fields[name]) for name in sorted(fields)).encode()


def sign(fields):
    key = crypto.EVP_PKEY_get1_RSA(read_key("key", crypto.d2i_AutoPrivateKey))
    blocks = rsa(crypto.RSA_private_encrypt, key, signed_text(fields), crypto.RSA_size(key) - PADDING_BYTES)
    return base64.b64encode(blocks).decode()


def is_genuine(answer, key):
    fields = {name: value for name, value in answer.items() if value is not None}
    # A plus that was not escaped in a form arrives as a space.
    signature = fields.pop("platSign", "").translate(str.maketrans(" -_", "++/"))
    try:
        text = rsa(crypto.RSA_public_decrypt, key, base64.b64decode(signature + "=="), crypto.RSA_size(key))
    except ValueError:
        return False
    return text != b"" and text == signed_text(fields)


def post(url, content_type, body):
    try:
        with urlopen(Request(url, body.encode(), {"Content-Type": content_type}), timeout=30) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def call(path, fields):
    """Sends a signed request. Returns the answer, and whether the platform signed it."""
    checked_with = platform_key()
    fields.update(merchantCode=option("merchant"), dateTime=datetime.now(JAKARTA).strftime("%Y%m%d%H%M%S"))
    fields = {name: value for name, value in fields.items() if value not in (None, "")}
    signature = sign(fields)
    if option("style") == "live":
        signature = signature.translate(str.maketrans("+/", "-_")).rstrip("=")
    body = json.dumps({**fields, "sign": signature})
    status, answer = post(option("url") + path, "application/json; charset=utf-8", body)
    if not answer.startswith("{"):
        raise ValueError(f"HTTP {status} without a JSON object")
    # The platform signs a number as it is spelled, so it stays a string.
    answer = json.loads(answer, parse_int=str, parse_float=str)
    return answer, is_genuine(answer, checked_with)


def cash_fields():
    is_live = option("style") == "live"
    number = int if is_live else str
    fields = {
        "orderNum": option("order"), "money": number(option("money")), "feeType": number(option("fee-type")),
        "bankCode": option("bank"), "number": option("number"), "name": option("name"),
        "description": options["description"], "notifyUrl": options["notify_url"],
    }
    if is_live or option("dialect") == "toppay":
        fields.update(method="Transfer", orderType=number(0))
    if is_live:
        fields.update(mobile="081234567890", email="siti@example.com")
    return fields


def notify():
    """Plays the gateway: reports to the merchant what became of an order."""
    fields = dict(field.partition("=")[::2] for field in option("field"))
    form = urlencode({**fields, "platSign": sign(fields)})
    return post(option("url"), "application/x-www-form-urlencoded", form)


def show(name, value):
    """Writes one line, whatever a stranger's answer holds."""
    print(f"{name}={''.join(c if c.isprintable() else ' ' for c in str(value or ''))}")


def run():
    """Returns whether all is well."""
    command, is_toppay = option("command"), option("dialect") == "toppay"
    if command == "callback":
        status, body = notify()
        show("http", status)
        show("body", body)
        return body == "SUCCESS"
    if command == "verify":
        genuine = is_genuine(dict(parse_qsl(sys.stdin.read().strip())), platform_key())
        show("verified", "yes" if genuine else "no")
        return genuine
    if command == "submit":
        names = ["platRespCode", "platOrderNum", "status"]
        answer, genuine = call("/gateway/cash", cash_fields())
    elif command == "query":
        names = ["status", "amount", "fee"]
        kind = "CASH_QUERY" if is_toppay else None
        answer, genuine = call("/gateway/query", {"orderNum": option("order"), "queryType": kind})
    else:
        names = ["balance", "freeze"]
        answer, genuine = call("/gateway/interface/getBalance", {})
    data, verified = answer, "yes" if genuine else "no"
    if is_toppay and command != "submit":
        data, verified = answer.get("data") or {}, "unsigned"
        data = data[0] if isinstance(data, list) else data
    for name in names:
        show(name, data.get(name))
    show("message", answer.get("platRespMessage") or answer.get("message"))
    show("verified", verified)
    return verified != "no"


try:
    sys.exit(0 if run() else 1)
except (OSError, HTTPException, ValueError) as error:
    sys.exit(f"no usable answer: {error}")
