"""Block Public Access as it takes effect: the most restrictive of organization, account, bucket and access point.

Two of its four settings stop only what is set later (``BlockPublicAcls``, ``BlockPublicPolicy``); two neutralise what
is there: ``IgnorePublicAcls`` every public ACL, ``RestrictPublicBuckets`` every use of a bucket whose policy is public,
but by services and by its own account.

Source: S3 User Guide, "Blocking public access to your Amazon S3 storage"; Organizations User Guide, "Amazon S3 policy
syntax and examples".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ir_kit.configuration.answers import Answer, Configuration
from ir_kit.configuration.inventory import Bucket
from ir_kit.exposure.status import NO, UNKNOWN, YES

IGNORE_ACLS, RESTRICT = "IgnorePublicAcls", "RestrictPublicBuckets"
FLAGS = ("BlockPublicAcls", IGNORE_ACLS, "BlockPublicPolicy", RESTRICT)
Flags = dict[str, bool | None]  # None: not known


@dataclass(frozen=True)
class Level:
    """The settings at one level, and how they are known."""

    name: str
    flags: Flags
    words: str

    @property
    def blocked_by(self) -> str:
        return f"{self.name}_block_public_access"


@dataclass(frozen=True)
class Stop:
    """Does a setting hold: `status`, by which levels, and what is not known of it?"""

    status: str
    blocked_by: str | None = None
    words: str = ""


@dataclass(frozen=True)
class Blocks:
    """The levels that bear on one bucket or access point."""

    levels: tuple[Level, ...]

    def stop(self, flag: str) -> Stop:
        """Is this setting on at any level?"""
        on = [level for level in self.levels if level.flags[flag]]
        if on:
            return Stop(YES, ", ".join(level.blocked_by for level in on), f"{flag} is on")
        dark = [level for level in self.levels if level.flags[flag] is None]
        if dark:
            return Stop(UNKNOWN, None, "; ".join(level.words for level in dark))
        return Stop(NO)

    def beside(self, level: Level) -> Blocks:
        """These and one more level."""
        return Blocks((*self.levels, level))


def blocks_of(configuration: Configuration, bucket: Bucket) -> Blocks:
    """The Block Public Access that bears on a bucket."""
    own = bucket_level(configuration, bucket.name)
    if bucket.is_directory:
        own = Level("bucket", dict.fromkeys(FLAGS, True), "a directory bucket blocks all public access")
    return Blocks((*account_levels(configuration, bucket.account), own))


def bucket_level(configuration: Configuration, name: str) -> Level:
    """What is set on a bucket itself?"""
    answer = configuration.answer("s3", "GetPublicAccessBlock", Bucket=name)
    return _level("bucket", answer)


def account_levels(configuration: Configuration, account: str | None) -> list[Level]:
    """What is set for an account, and for its organization where that was asked?

    Notes
    -----
    The account's own answer is the effective one, the organization's policy included. An organization's policy that
    says ``none`` takes nothing away from what the account answers.
    """
    if account is None:
        unknown: Flags = dict.fromkeys(FLAGS)
        return [Level("account", unknown, "the bucket's account is not known, nor its Block Public Access")]
    answer = configuration.answer("s3control", "GetPublicAccessBlock", AccountId=account)
    if answer.state == "not_asked":
        answer = configuration.answer("s3control", "GetPublicAccessBlock", account)
    found = [_level("account", answer)]
    effective = [
        said
        for asked, said in configuration.every("organizations", "DescribeEffectivePolicy")
        if str(asked.parameters.get("TargetId") or asked.account) == account
        and asked.parameters.get("PolicyType") == "S3_POLICY"
    ]
    if any(_organization_blocks(said) for said in effective):
        found.insert(0, Level("organization", dict.fromkeys(FLAGS, True), "the organization's S3 policy blocks all"))
    return found


def level_of(name: str, flags: Any, words: str) -> Level:
    """A level from the four settings as an answer holds them; what is no yes or no is not known."""
    if not isinstance(flags, Mapping) or not any(flag in flags for flag in FLAGS):
        return Level(name, dict.fromkeys(FLAGS), words)
    return Level(name, {flag: _flag(flags.get(flag, False)) for flag in FLAGS}, words)


def _level(name: str, answer: Answer) -> Level:
    whose = f"{name} Block Public Access: "
    if answer.state == "absent":
        return Level(name, dict.fromkeys(FLAGS, False), whose + answer.words)
    if answer.state != "answered":
        return Level(name, dict.fromkeys(FLAGS), whose + answer.words)
    found = level_of(name, answer.response.get("PublicAccessBlockConfiguration"), whose + answer.words)
    if None in found.flags.values():
        return Level(name, found.flags, whose + answer.unreadable().words)
    return found


def _flag(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(str(value).lower())


def _organization_blocks(answer: Answer) -> bool:
    content = (answer.part("EffectivePolicy", dict) or {}).get("PolicyContent")
    try:
        held = json.loads(content) if isinstance(content, str) else content
    except (ValueError, RecursionError):
        return False
    for name in ("s3_attributes", "public_access_block_configuration"):
        held = held.get(name) if isinstance(held, dict) else None
    values: Iterable[Any] = held.values() if isinstance(held, dict) else [held]
    return "all" in values
