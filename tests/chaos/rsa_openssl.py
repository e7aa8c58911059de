"""The gateway's signature (protocol P6 to P9), made with OpenSSL instead of the worker's code.

The values in the order of their names, without separators, are cut into chunks of (key bytes - 11). Each chunk goes
through the RSA private-key operation with type-1 padding and no hash. OpenSSL's libcrypto does the arithmetic where it
can be loaded; elsewhere Python's own pow() does, slower and with the same result.
"""

from __future__ import annotations

import base64
import binascii
import ctypes
import ctypes.util
import subprocess
from pathlib import Path
from typing import Mapping, Optional

PADDING_BYTES = 11
_NO_PADDING = 3


def _load_libcrypto() -> Optional[ctypes.CDLL]:
    for name in (ctypes.util.find_library("crypto"), "libcrypto.so.3", "libcrypto.so.1.1", "libcrypto.dylib"):
        if not name:
            continue
        try:
            library = ctypes.CDLL(name)
            library.d2i_RSAPrivateKey.restype = ctypes.c_void_p
            library.d2i_RSAPrivateKey.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_char_p), ctypes.c_long]
            library.RSA_private_encrypt.restype = ctypes.c_int
            library.RSA_private_encrypt.argtypes = [
                ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int]
            return library
        except (OSError, AttributeError):
            continue
    return None


_LIBCRYPTO = _load_libcrypto()


def _elements(der: bytes) -> list[tuple[int, bytes]]:
    """The (tag, content) pairs of consecutive DER elements."""
    found, at = [], 0
    while at < len(der):
        tag, length, at = der[at], der[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(der[at:at + size], "big"), at + size
        found.append((tag, der[at:at + length]))
        at += length
    return found


def _sequence(der: bytes) -> list[tuple[int, bytes]]:
    return _elements(_elements(der)[0][1])


def _der_of(text: str) -> bytes:
    """PEM or bare base64 (protocol P8)."""
    lines = [line for line in text.strip().splitlines() if not line.startswith("-----")]
    return base64.b64decode("".join(lines))


class PublicKey:
    """Verifies by building the expected padded block and comparing all of it."""

    def __init__(self, modulus: int, exponent: int) -> None:
        self.modulus, self.exponent = modulus, exponent
        self.size = (modulus.bit_length() + 7) // 8

    @classmethod
    def load(cls, path: Path) -> "PublicKey":
        parts = _sequence(_der_of(path.read_text()))
        if parts[0][0] == 0x30:  # SubjectPublicKeyInfo: the key is in its bit string
            parts = _sequence(parts[1][1][1:])
        return cls(int.from_bytes(parts[0][1], "big"), int.from_bytes(parts[1][1], "big"))

    def verify(self, text: bytes, signature: str) -> bool:
        try:
            blocks = base64.b64decode(signature, validate=True)
        except (binascii.Error, ValueError):
            return False
        chunks = split(text, self.size)
        if len(blocks) != len(chunks) * self.size:
            return False
        for number, chunk in enumerate(chunks):
            block = int.from_bytes(blocks[number * self.size:(number + 1) * self.size], "big")
            opened = pow(block, self.exponent, self.modulus).to_bytes(self.size, "big")
            if block >= self.modulus or opened != padded(chunk, self.size):
                return False
        return True


class PrivateKey:
    """Signs. `fast` is false where libcrypto is not available."""

    def __init__(self, der: bytes, use_openssl: bool = True) -> None:
        parts = _sequence(der)
        if parts[1][0] == 0x30:  # PKCS#8: the PKCS#1 key is in its octet string
            der = parts[2][1]
            parts = _sequence(der)
        _, modulus, exponent, secret, p, q, dp, dq, inverse = (int.from_bytes(part, "big") for _, part in parts[:9])
        self.public = PublicKey(modulus, exponent)
        self.size = self.public.size
        self._crt = (p, q, dp, dq, inverse)
        self._handle = None
        if use_openssl and _LIBCRYPTO is not None:
            self._handle = _LIBCRYPTO.d2i_RSAPrivateKey(None, ctypes.byref(ctypes.c_char_p(der)), len(der))
        self.fast = bool(self._handle)

    @classmethod
    def load(cls, path: Path, use_openssl: bool = True) -> "PrivateKey":
        return cls(_der_of(path.read_text()), use_openssl)

    def blocks(self, text: bytes) -> list[bytes]:
        return [self._block(chunk) for chunk in split(text, self.size)]

    def sign(self, text: bytes) -> str:
        return base64.b64encode(b"".join(self.blocks(text))).decode()

    def _block(self, chunk: bytes) -> bytes:
        if self._handle:
            made = ctypes.create_string_buffer(self.size)
            if _LIBCRYPTO.RSA_private_encrypt(len(chunk), chunk, made, self._handle, 1) == self.size:
                return made.raw
        p, q, dp, dq, inverse = self._crt
        number = int.from_bytes(padded(chunk, self.size), "big")
        of_p, of_q = pow(number, dp, p), pow(number, dq, q)
        return (of_q + (inverse * (of_p - of_q) % p) * q).to_bytes(self.size, "big")


def split(text: bytes, size: int) -> list[bytes]:
    """The text in chunks, each of which fits into one block of the key."""
    step = size - PADDING_BYTES
    return [text[at:at + step] for at in range(0, len(text), step)]


def padded(chunk: bytes, size: int) -> bytes:
    return b"\x00\x01" + b"\xff" * (size - 3 - len(chunk)) + b"\x00" + chunk


def signed_text(fields: Mapping[str, object], leave_out: str) -> bytes:
    """The values in the order of their names. Absent ones are left out; a 0 is not (protocol trap 5)."""
    values = (fields[name] for name in sorted(fields) if name != leave_out)
    return "".join(str(value) for value in values if value is not None).encode()


def make_key_pair(folder: Path, name: str, bits: int = 1024) -> tuple[Path, Path]:
    """Makes NAME.key (PKCS#8) and NAME.pub in the folder with the openssl program."""
    private, public = folder / f"{name}.key", folder / f"{name}.pub"
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}",
                    "-out", str(private)], **quiet)
    private.chmod(0o600)
    subprocess.run(["openssl", "pkey", "-in", str(private), "-pubout", "-out", str(public)], **quiet)
    return private, public
