"""A grant: who may do what to a bucket by which setting, whether that takes effect, and what stops it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from ir_kit.configuration.answers import Answer, Configuration
from ir_kit.configuration.inventory import Bucket, BucketInventory
from ir_kit.domain.logic import NO, UNKNOWN, all_of
from ir_kit.exposure.block_public_access import Level, Stop, levels_of, stop_by
from ir_kit.exposure.caller_controlled import ReadPolicy, read_policy

READ, WRITE, LIST, ADMIN = "read", "write", "list", "admin"
NEVER_PUBLIC = ("access_grant", "replication", "inventory", "analytics")
SELDOM_SET = (
    "access_grant",
    "analytics",
)  # that nobody asked whether there are any is said, and leaves no verdict open


@dataclass(frozen=True)
class Grant:
    """One row of ``bucket_exposure/grants``.

    `open_to_all` and `foreign` say whom it is meant for, everybody or another account, whether it takes effect or not;
    `public_status` and `cross_account_status` whether it lets them in.
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

    def noted(self, words: str) -> Grant:
        """This grant, with one thing more to say of it."""
        return replace(self, detail="; ".join(dict.fromkeys(part for part in (self.detail, words) if part)))

    def stopped(self, blocked_by: str | None, words: str = "") -> Grant:
        """This grant, stopped by a setting."""
        return replace(self.noted(words), effective_status=NO, blocked_by=blocked_by)

    def doubted(self, words: str) -> Grant:
        """This grant, with something that keeps its effect from being known; what is stopped for sure stays so."""
        return replace(self.noted(words), effective_status=NO if self.effective_status == NO else UNKNOWN)

    def row(self) -> dict[str, Any]:
        """As a row of the table."""
        statuses = {"public_status": self.public_status, "cross_account_status": self.cross_account_status}
        return asdict(self) | statuses


@dataclass(frozen=True)
class BucketContext:
    """A bucket with all that bears on its grants: what configuration says, and whose accounts and buckets are whose."""

    bucket: Bucket
    configuration: Configuration
    inventory: BucketInventory

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """The Block Public Access that bears on it."""
        return levels_of(self.configuration, self.bucket)

    @cached_property
    def policy(self) -> ReadPolicy | None:
        """The bucket's policy; None where there is none, or none that was answered."""
        answer = self.answer("GetBucketPolicy")
        if answer.state != "answered":
            return None
        return read_policy(answer.response.get("Policy"), f"bucket policy of {self.bucket.name}")

    def answer(self, operation: str) -> Answer:
        """What this call answered of the bucket."""
        return self.configuration.answer("s3", operation, Bucket=self.bucket.name)

    def stop(self, flag: str) -> Stop:
        """Is this setting of Block Public Access on at any level?"""
        return stop_by(flag, self.levels)

    def grant(self, path: str, **more: Any) -> Grant:
        """A grant on this bucket."""
        return Grant(self.bucket.name, path, **more)

    def no_grant(self, path: str, answer: Answer) -> Grant:
        """The row where there is no setting to speak of: nothing is configured (``no``), or that is not known."""
        if answer.state == "answered":
            return self.grant(path, detail=f"nothing is configured ({answer.operation})")
        if answer.state == "absent":
            return self.grant(path, detail=answer.words)
        everybody = NO if path in NEVER_PUBLIC else UNKNOWN
        foreign = NO if path in SELDOM_SET and answer.state == "not_asked" else UNKNOWN
        return self.grant(path, effective_status=UNKNOWN, detail=answer.words, open_to_all=everybody, foreign=foreign)


def account_in(arn: Any) -> str | None:
    """The account that an ARN names, or the account that this is."""
    parts = [arn] if not isinstance(arn, str) or ":" not in arn else arn.split(":", 5)
    account = parts[0] if len(parts) == 1 else parts[4] if len(parts) == 6 else None
    return account if isinstance(account, str) and len(account) == 12 and account.isdigit() else None
