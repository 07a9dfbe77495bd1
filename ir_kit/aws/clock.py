"""This machine's clock against AWS's: a request that is signed at a wrong time is refused, and that can be put right.

AWS refuses a signature whose time is more than minutes off, and says its own time in the answer's `Date`. botocore does not
correct for that. The difference is a fact of the machine, so there is one of it in a process, and all clients sign by it.

Source: S3 User Guide, error `RequestTimeTooSkewed`; IAM User Guide, "Signing AWS API requests".
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from botocore import auth

from ir_kit.aws.faults import Kind, kind_of_code

__all__ = ["aws_now", "correct_by", "is_skew", "offset", "watch"]

_LEAST = timedelta(minutes=1)
_SKEWED_MESSAGES = ("signature expired", "signature not yet current", "request time too skewed", "difference between")
_lock = threading.Lock()
_offset = timedelta(0)


def offset() -> timedelta:
    """How far is AWS ahead of this machine's clock? Zero until a refusal showed otherwise."""
    return _offset


def aws_now() -> datetime:
    """What time is it, by AWS's clock where this machine's is known to be wrong?"""
    return datetime.now(UTC) + _offset


def is_skew(code: str, message: str) -> bool:
    """Does this error say that the request's time is wrong, rather than its key?"""
    if kind_of_code(code) is Kind.SKEWED:
        return True
    signature = code in ("SignatureDoesNotMatch", "InvalidSignatureException", "RequestExpired", "AuthFailure")
    return signature and any(words in message.lower() for words in _SKEWED_MESSAGES)


def correct_by(headers: Mapping[str, str], now: datetime | None = None) -> bool:
    """Take AWS's time from an answer's ``Date``; true where that changed how requests are signed."""
    global _offset
    try:
        date = parsedate_to_datetime(next(value for name, value in headers.items() if name.lower() == "date"))
    except (StopIteration, ValueError, TypeError):
        return False
    found = date.astimezone(UTC) - (now or datetime.now(UTC))
    with _lock:
        if abs(found - _offset) < _LEAST:
            return False
        _offset = timedelta(seconds=round(found.total_seconds()))
    return True


def watch(events: Any) -> None:
    """Let clients made from these events try again, by AWS's clock, when it refuses a request for its time."""
    events.register_first("needs-retry", _retry_by_aws_clock, unique_id="ir-kit-clock")


def _retry_by_aws_clock(response: Any, attempts: int, **_: Any) -> float | None:
    if response is None or attempts > 2:
        return None
    error = response[1].get("Error", {})
    if is_skew(str(error.get("Code", "")), str(error.get("Message", ""))) and correct_by(response[0].headers):
        return 0.0
    return None


def _signing_time(remove_tzinfo: bool = True) -> datetime:
    now = aws_now()
    return now.replace(tzinfo=None) if remove_tzinfo else now


# botocore's signers ask this one function for the time; there is no other way to tell them
auth.get_current_datetime = _signing_time
