"""What a statement of a policy grants, to whom, and which accounts its conditions hold it to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ir_kit.configuration.inventory import Bucket, Holdings
from ir_kit.exposure.status import NO, UNKNOWN, YES, all_of, any_of
from ir_kit.exposure.ways import account_in
from ir_kit.policies import ACTIONS, Statement, Test, summary

# what reads or changes settings no further than that; no access to objects or their names
SETTINGS_ACTIONS = (
    "GetBucketAcl", "GetBucketPolicy", "GetBucketPolicyStatus", "GetBucketLocation", "GetBucketLogging",
    "GetBucketVersioning", "GetBucketPublicAccessBlock", "GetBucketOwnershipControls", "GetReplicationConfiguration",
    "GetInventoryConfiguration", "GetLifecycleConfiguration", "GetEncryptionConfiguration", "GetBucketTagging",
    "GetBucketNotification", "GetBucketWebsite", "GetBucketCORS", "GetBucketObjectLockConfiguration",
)  # fmt: skip
# keys that hold a grant to accounts, and those that hold it to a network, whoever is in it
_ACCOUNTS = {
    "aws:principalaccount", "aws:sourceaccount", "aws:sourceowner", "aws:principalarn", "aws:sourcearn",
    "s3:dataaccesspointaccount", "s3:dataaccesspointarn",
}  # fmt: skip
_ORGANIZATION = {"aws:principalorgid", "aws:principalorgpaths", "aws:sourceorgid", "aws:sourceorgpaths"}
_SAME = {"stringequals", "stringequalsignorecase", "stringlike", "arnlike"}


class Granted(NamedTuple):
    """One kind of access that a statement gives: its actions, each with the resource that it is on."""

    access: str | None  # None: to settings alone
    given: list[tuple[str, str]]

    @property
    def words(self) -> str:
        names = [action for action, _ in self.given]
        return ", ".join(names[:4]) + (" ..." if len(names) > 4 else "")


def granted(statement: Statement, bucket_arn: str, object_arn: str) -> list[Granted]:
    """What may be done under a statement to a bucket and its objects?"""
    resources = {"object": object_arn, "bucket": bucket_arn}
    named = {
        level
        for level, resource in resources.items()
        if statement.on_resources is None or statement.on_resources.covers(resource, {}) != NO
    }
    found: list[Granted] = []
    for access, by_level in ACTIONS.items():
        given = [
            (f"s3:{action}", resources[level])
            for level, actions in by_level.items()
            if level in named
            for action in actions
            if covers(statement, f"s3:{action}")
        ]
        if given:
            found.append(Granted(access, given))
    if not found and "bucket" in named:
        settings = [(f"s3:{action}", bucket_arn) for action in SETTINGS_ACTIONS if covers(statement, f"s3:{action}")]
        found = [Granted(None, settings)] if settings else []
    return found


def covers(statement: Statement, action: str) -> bool:
    """Does a statement speak of an action?"""
    return statement.on_actions is not None and statement.on_actions.cover_text(action.lower())


def grantees(statement: Statement, bucket: Bucket, holdings: Holdings) -> Iterator[tuple[str, str]]:
    """Whom a statement names, and whether that is another account than the bucket's."""
    names = statement.principals
    if names is None:
        if statement.not_principals is not None:
            yield "*", UNKNOWN  # everybody but those
        return
    if names.everybody:
        yield "*", _held_to(statement, bucket)
    for one in sorted(names.aws):
        yield one, _foreign(one, bucket, holdings)
    for one in sorted(names.canonical):
        yield one, holdings.is_foreign_owner(one, bucket)
    for one in sorted(names.services):
        yield one, NO
    for one in sorted(names.federated):
        yield one, holdings.is_foreign_account(account_in(one), bucket)


def _foreign(principal: str, bucket: Bucket, holdings: Holdings) -> str:
    # an origin access identity, or the id of a principal that is no longer there, names no account
    return UNKNOWN if principal == "*" else holdings.is_foreign_account(account_in(principal), bucket)


def _held_to(statement: Statement, bucket: Bucket) -> str:
    """May other accounts pass a statement that names everybody and sets conditions? Unknown for those of a network."""
    said = [_accounts(test, bucket) for test in statement.conditions]
    known = [one for one in said if one is not None]
    return all_of(known) if known else UNKNOWN


def _accounts(test: Test, bucket: Bucket) -> str | None:
    """May another account pass this test? None where it does not speak of accounts."""
    if test.negated or test.if_exists or test.name not in _SAME:
        return None
    if test.lookup in _ORGANIZATION:
        return YES
    if test.lookup in _ACCOUNTS:
        return any_of(_other(account_in(value), bucket) for value in test.values)
    return None


def _other(account: str | None, bucket: Bucket) -> str:
    if account is None or bucket.account is None:
        return UNKNOWN
    return NO if account == bucket.account else YES


def conditions_in_words(statement: Statement) -> str:
    """The conditions of a statement, short enough for a sentence."""
    said = summary(statement)
    said = said if len(said) <= 300 else said[:297] + "..."
    return f"if {said}" if said else ""


def resources_in_words(statement: Statement) -> str:
    """The resources of a statement, short enough for a sentence."""
    if statement.not_resources:
        return f"all but {_few(statement.not_resources)}"
    return _few(statement.resources)


def _few(values: Iterable[str]) -> str:
    listed = [value if len(value) <= 80 else value[:77] + "..." for value in values]
    return ", ".join(listed[:3]) + (f" and {len(listed) - 3} more" if len(listed) > 3 else "")
