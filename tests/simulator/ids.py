"""Well-formed identifiers from a seed: key ids, principal ids, request ids, event ids, tokens."""

from __future__ import annotations

import base64
from datetime import datetime
from random import Random

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MIXED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def access_key_id(rng: Random, prefix: str, account: str) -> str:
    """A key id that decodes to the account: the first six of ten base32 bytes hold it, shifted left by seven bits."""
    number = (int(account) << 7) | rng.getrandbits(7)
    low = number >> 43 & 0b1111
    if low in (8, 9) or rng.getrandbits(1):  # a fifth character of I or J would not decode
        number |= 1 << 47
    return prefix + base64.b32encode(number.to_bytes(6, "big") + rng.randbytes(4)).decode()


def account_of_key(key_id: str) -> str:
    """The account that a key id names (not defined where the fifth character is I or J)."""
    number = int.from_bytes(base64.b32decode(key_id[4:])[:6], "big")
    return f"{(number & 0x7FFFFFFFFF80) >> 7:012d}"


def principal_id(rng: Random, prefix: str) -> str:
    return prefix + "".join(rng.choices(BASE32, k=17))


def event_id(rng: Random) -> str:
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{'89ab'[rng.getrandbits(2)]}{text[17:20]}-{text[20:]}"


def s3_request_id(rng: Random) -> str:
    return base64.b32encode(rng.randbytes(10)).decode()


def host_id(rng: Random) -> str:
    return base64.b64encode(rng.randbytes(56)).decode()


def canonical_id(rng: Random) -> str:
    return f"{rng.getrandbits(256):064x}"


def version_id(rng: Random) -> str:
    return "".join(rng.choices(MIXED + "._", k=32))


def session_token(rng: Random) -> str:
    """Looks like a session token; opens nothing."""
    return "IQoJb3JpZ2luX2VjE" + base64.b64encode(rng.randbytes(228)).decode()


def iso(time: datetime) -> str:
    """2026-03-01T00:00:00Z"""
    return time.isoformat()[:19] + "Z"


def us_date(time: datetime, comma: bool = False) -> str:
    """`Mar 2, 2026 3:12:00 AM`, as IAM and STS write times inside responseElements."""
    hour = time.hour % 12 or 12
    half = "PM" if time.hour >= 12 else "AM"
    separator = ", " if comma else " "
    return (
        f"{MONTHS[time.month - 1]} {time.day}, {time.year}{separator}{hour}:{time.minute:02d}:{time.second:02d} {half}"
    )


def log_date(time: datetime) -> str:
    """[01/Mar/2026:00:00:00 +0000], as server access logs write it."""
    return (
        f"[{time.day:02d}/{MONTHS[time.month - 1]}/{time.year}:"
        f"{time.hour:02d}:{time.minute:02d}:{time.second:02d} +0000]"
    )
