"""Block Public Access as it takes effect: the most restrictive of organization, account, bucket and access point.

Two of its four settings stop only what is set later (``BlockPublicAcls``, ``BlockPublicPolicy``); two neutralise what
is there: ``IgnorePublicAcls`` every public ACL, ``RestrictPublicBuckets`` every use of a bucket whose policy is public,
but by services and by its own account.

Source: S3 User Guide, "Blocking public access to your Amazon S3 storage"; Organizations User Guide, "Amazon S3 policy
syntax and examples".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ir_kit.configuration.answers import Answer, Configuration
from ir_kit.configuration.inventory import Bucket
from ir_kit.domain.documents import parsed
from ir_kit.domain.logic import NO, UNKNOWN, YES

IGNORE_ACLS, RESTRICT = "IgnorePublicAcls", "RestrictPublicBuckets"
FLAGS = ("BlockPublicAcls", IGNORE_ACLS, "BlockPublicPolicy", RESTRICT)


@dataclass(frozen=True)
class Level:
    """The settings at one level, None where not known, and how they are known."""

    name: str
    flags: Mapping[str, bool | None]
    words: str


class Stop(NamedTuple):
    """Does a setting hold: `status`, by which levels, and what is not known of it?"""

    status: str
    blocked_by: str | None = None
    words: str = ""


def stop_by(flag: str, levels: tuple[Level, ...]) -> Stop:
    """Is this setting on at any level?"""
    on = [f"{level.name}_block_public_access" for level in levels if level.flags[flag]]
    if on:
        return Stop(YES, ", ".join(on), f"{flag} is on")
    unknown = [level.words for level in levels if level.flags[flag] is None]
    return Stop(UNKNOWN, None, "; ".join(unknown)) if unknown else Stop(NO)


def levels_of(configuration: Configuration, bucket: Bucket) -> tuple[Level, ...]:
    """The Block Public Access that bears on a bucket."""
    if bucket.is_directory:
        own = Level("bucket", dict.fromkeys(FLAGS, True), "a directory bucket blocks all public access")
    else:
        own = _level("bucket", configuration.answer("s3", "GetPublicAccessBlock", Bucket=bucket.name))
    return (*account_levels(configuration, bucket.account), own)


def account_levels(configuration: Configuration, account: str | None) -> list[Level]:
    """What is set for an account, and for its organization where that was asked?

    Notes ----- The account's own answer is the effective one, the organization's policy included. An organization's
    policy that says ``none`` takes nothing away from what the account answers.
    """
    if account is None:
        words = "the bucket's account is not known, nor its Block Public Access"
        return [Level("account", dict.fromkeys(FLAGS), words)]
    levels = [_level("account", account_answer(configuration, account))]
    for call, answer in configuration.every("organizations", "DescribeEffectivePolicy"):
        target = str(call.parameters.get("TargetId") or call.account)
        if target == account and call.parameters.get("PolicyType") == "S3_POLICY" and _blocks_all(answer):
            words = "the organization's S3 policy blocks all"
            return [Level("organization", dict.fromkeys(FLAGS, True), words), *levels]
    return levels


def account_answer(configuration: Configuration, account: str) -> Answer:
    """What the account answered of its Block Public Access, asked with its number or without."""
    answer = configuration.answer("s3control", "GetPublicAccessBlock", AccountId=account)
    return configuration.answer("s3control", "GetPublicAccessBlock", account) if answer.state == "not_asked" else answer


def level_of(name: str, flags: Any, words: str) -> Level:
    """A level from the four settings as an answer holds them; what is no yes or no is not known."""
    if not isinstance(flags, Mapping) or not any(flag in flags for flag in FLAGS):
        return Level(name, dict.fromkeys(FLAGS), words)
    values = {"true": True, "false": False}
    return Level(name, {flag: values.get(str(flags.get(flag, False)).lower()) for flag in FLAGS}, words)


def _level(name: str, answer: Answer) -> Level:
    whose = f"{name} Block Public Access: "
    if answer.state != "answered":
        return Level(name, dict.fromkeys(FLAGS, False if answer.state == "absent" else None), whose + answer.words)
    level = level_of(name, answer.response.get("PublicAccessBlockConfiguration"), whose + answer.words)
    unknown = None in level.flags.values()
    return Level(name, level.flags, whose + answer.unreadable().words) if unknown else level


def _blocks_all(answer: Answer) -> bool:
    content = parsed((answer.part("EffectivePolicy", dict) or {}).get("PolicyContent"))
    for name in ("s3_attributes", "public_access_block_configuration"):
        content = content.get(name) if isinstance(content, dict) else None
    return "all" in (content.values() if isinstance(content, dict) else [content])
