"""One way in: who may do what to a bucket by which setting, whether that takes effect, and what stops it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from ir_kit.configuration.answers import Answer, Configuration
from ir_kit.configuration.inventory import Bucket, BucketInventory
from ir_kit.exposure.blocks import Blocks
from ir_kit.exposure.status import NO, UNKNOWN, YES, all_of

READ, WRITE, LIST, ADMIN = "read", "write", "list", "admin"
EVERYBODY = "*"
NEVER_PUBLIC = ("access_grant", "replication", "inventory", "analytics")
SELDOM_THERE = (
    "access_grant",
    "analytics",
)  # that nobody asked whether there are any is said, and leaves no verdict open


@dataclass(frozen=True)
class Way:
    """One row of ``bucket_exposure/grants``.

    `public_status` and `cross_account_status` say whether this way, as it takes effect, is public or lets in another
    account; `open_to_all` and `foreign` whom it is meant for, whether it takes effect or not.
    """

    bucket: str
    path: str
    grantee: str | None = None
    access: str | None = None
    effective_status: str = NO
    blocked_by: str | None = None
    detail: str = ""
    statement: str | None = None
    open_to_all: str = NO
    foreign: str = NO

    @property
    def public_status(self) -> str:
        return all_of((self.effective_status, self.open_to_all))

    @property
    def cross_account_status(self) -> str:
        return all_of((self.effective_status, self.foreign))

    def stopped(self, blocked_by: str | None, words: str = "") -> Way:
        """This way, stopped by a setting."""
        return replace(self, effective_status=NO, blocked_by=blocked_by, detail=_joined(self.detail, words))

    def doubted(self, words: str) -> Way:
        """This way, with something that keeps its effect from being known; what is stopped for sure stays so."""
        status = NO if self.effective_status == NO else UNKNOWN
        return replace(self, effective_status=status, detail=_joined(self.detail, words))

    def noted(self, words: str) -> Way:
        """This way, with one thing more to say of it."""
        return replace(self, detail=_joined(self.detail, words))

    def row(self) -> dict[str, Any]:
        """As a row of the table."""
        found = asdict(self)
        return found | {"public_status": self.public_status, "cross_account_status": self.cross_account_status}


@dataclass(frozen=True)
class Place:
    """A bucket with all that bears on its ways in."""

    bucket: Bucket
    configuration: Configuration
    holdings: BucketInventory
    blocks: Blocks

    def ask(self, operation: str) -> Answer:
        """What did this call answer of the bucket?"""
        return self.configuration.answer("s3", operation, Bucket=self.bucket.name)

    def way(self, path: str, **more: Any) -> Way:
        """A way into this bucket."""
        return Way(self.bucket.name, path, **more)

    def silent(self, path: str, answer: Answer) -> Way:
        """The row where there is no setting to speak of: it is not there (``no``), or it is not known."""
        if answer.state in ("answered", "absent"):
            words = answer.words if answer.state == "absent" else f"nothing is configured ({answer.operation})"
            return self.way(path, detail=words)
        everybody = NO if path in NEVER_PUBLIC else UNKNOWN
        foreign = NO if path in SELDOM_THERE and answer.state == "not_asked" else UNKNOWN
        return self.way(path, effective_status=UNKNOWN, detail=answer.words, open_to_all=everybody, foreign=foreign)


def as_list(value: Any) -> list[Any]:
    """A value that AWS writes alone or in a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def account_in(arn: str | None) -> str | None:
    """The account that an ARN names, or the account that this is."""
    text = str(arn or "")
    if len(text) == 12 and text.isdigit():
        return text
    parts = text.split(":", 5)
    return parts[4] if len(parts) == 6 and len(parts[4]) == 12 and parts[4].isdigit() else None


def bucket_in(arn: Any) -> str | None:
    """The bucket that an ARN (or a plain name) names."""
    if not isinstance(arn, str) or not arn:
        return None
    return arn.split(":::", 1)[1].partition("/")[0] if ":::" in arn else None if arn.startswith("arn:") else arn


def settled(ways: Iterable[Way], place: Place, path: str, answer: Answer) -> list[Way]:
    """The ways, or the one row that says why there is none."""
    found = list(ways)
    return found or [place.silent(path, answer)]


def _joined(*parts: str) -> str:
    return "; ".join(dict.fromkeys(part for part in parts if part))


__all__ = [
    "ADMIN", "EVERYBODY", "LIST", "NO", "READ", "UNKNOWN", "WRITE", "YES", "Place", "Way", "account_in", "as_list",
    "bucket_in", "settled",
]  # fmt: skip
