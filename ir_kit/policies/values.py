"""Values of conditions, compared as each operator compares them: numbers, dates, addresses, ARNs, bytes."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from ir_kit.policies.globs import glob

_NUMBER = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,3})?")
_DATE = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?(?P<zone>Z|[+-]\d\d:?\d\d)?)?)?)?",
    re.IGNORECASE,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@lru_cache(maxsize=10_000)
def number(text: str) -> Decimal | None:
    """An integer or decimal number; None where it is none."""
    return Decimal(text) if _NUMBER.fullmatch(text) and text.isascii() else None


@lru_cache(maxsize=10_000)
def date(text: str) -> datetime | None:
    """A date of the W3C's ISO 8601 profile, or seconds since 1970; UTC where it names no zone; None where it is none.

    Notes
    -----
    Four digits alone are a year. Source: IAM User Guide, "Condition operators", date.
    """
    if not text.isascii():
        return None
    found = _DATE.fullmatch(text)
    try:
        if found is None:
            return _EPOCH + timedelta(seconds=float(text)) if re.fullmatch(r"\d{5,12}(\.\d{1,6})?", text) else None
        day = datetime(int(found["year"]), int(found["month"] or 1), int(found["day"] or 1), tzinfo=UTC)
        hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
        fraction = int((found["fraction"] or "0")[:6].ljust(6, "0"))
        moment = day.replace(hour=hour, minute=minute, second=second, microsecond=fraction)
        zone = (found["zone"] or "Z").upper()
        if zone != "Z":
            offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
            moment = moment - offset if zone[0] == "+" else moment + offset
        return moment
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=100_000)
def network(text: str) -> Network | None:
    """A CIDR block, or one address as its own; None where it is neither."""
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return None


@lru_cache(maxsize=100_000)
def address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An IP address; None where it is none."""
    try:
        return ipaddress.ip_address(text.strip())
    except ValueError:
        return None


@lru_cache(maxsize=10_000)
def binary(text: str) -> bytes | None:
    """The bytes that a text in base64 stands for; None where it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


@lru_cache(maxsize=100_000)
def arn_covers(pattern: str, arn: str) -> bool:
    """Does this pattern cover the ARN, each of the six parts between colons by itself?"""
    patterns, parts = pattern.split(":", 5), arn.split(":", 5)
    return len(patterns) == len(parts) == 6 and all(
        glob(one).fullmatch(other) is not None for one, other in zip(patterns, parts, strict=True)
    )
