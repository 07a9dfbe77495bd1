"""A grant: who may do what to a bucket by which setting, whether that takes effect, and what stops it.

With what bears on all grants of a bucket alike: its policy, as it is for a caller who sets the request at will, and
Block Public Access, the most restrictive of organization, account, bucket and access point. Two of its four settings
stop only what is set later; ``IgnorePublicAcls`` neutralises every public ACL, ``RestrictPublicBuckets`` every use of a
bucket whose policy is public, but by services and by its own account.

Source: S3 User Guide, "Blocking public access to your Amazon S3 storage"; Organizations User Guide, "Amazon S3 policy
syntax and examples"; S3 Service Authorization Reference, "Condition keys for Amazon S3"; IAM User Guide, "AWS global
condition context keys".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import unquote

from ir_kit.configuration.bucket_inventory import Bucket, BucketInventory
from ir_kit.configuration.change_events import FLAGS
from ir_kit.configuration.collected_answers import Answer, Configuration
from ir_kit.domain.documents import parsed, value_of
from ir_kit.domain.logic import NO, UNKNOWN, YES, all_of
from ir_kit.policies.policy_documents import Policy, Statement, parse_policy
from ir_kit.policies.public_access import public_statements, public_status

READ, WRITE, LIST, ADMIN = "read", "write", "list", "admin"
IGNORE_ACLS, RESTRICT = "IgnorePublicAcls", "RestrictPublicBuckets"
NEVER_PUBLIC = ("access_grant", "replication", "inventory", "analytics")
SELDOM_SET = ("access_grant", "analytics")  # that nobody asked whether there are any leaves no verdict open
CHOSEN = {"aws:securetransport", "aws:useragent", "aws:referer"}
# of the keys of S3, these are not the caller's to set
SETTLED = (
    "s3:dataaccesspoint", "s3:existingobjecttag", "s3:resourceaccount", "s3:accesspointtag", "s3:buckettag",
    "s3:accessgrants", "s3:accesspointnetworkorigin", "s3:jobsuspendedcause", "s3:existingjob",
)  # fmt: skip
EVERYTHING = parse_policy(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}, ""
)
"""What another account may allow its own principals: all of it."""


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


class Level(NamedTuple):
    """Block Public Access at one level: its settings, None where not known, and how they are known."""

    name: str
    flags: Mapping[str, bool | None]
    words: str


class Stop(NamedTuple):
    """Does a setting hold: `status`, by which levels, and what is not known of it?"""

    status: str
    blocked_by: str | None = None
    words: str = ""


@dataclass(frozen=True)
class ReadPolicy:
    """A policy of a bucket or an access point, read once for all that is asked of it."""

    policy: Policy
    access_point: bool = False

    @classmethod
    def of(cls, document: Any, source: str, access_point: bool = False) -> ReadPolicy:
        """The policy as an answer holds it."""
        return cls(read_document(document, source), access_point)

    @cached_property
    def public(self) -> str:
        return public_status(self.policy, access_point=self.access_point)

    @cached_property
    def public_names(self) -> frozenset[str]:
        """The statements that make it public, by name."""
        public = public_statements(self.policy, access_point=self.access_point)
        return frozenset(grant.statement.name for grant in public)

    @cached_property
    def best(self) -> Policy:
        """See `at_best`."""
        return at_best(self.policy)

    @cached_property
    def denials(self) -> Policy | None:
        """What it denies, all else allowed; None where it denies nothing."""
        denied = tuple(statement for statement in self.best.statements if statement.effect != "Allow")
        return replace(self.best, statements=(*EVERYTHING.statements, *denied), by_action={}) if denied else None


@dataclass(frozen=True)
class BucketContext:
    """A bucket with all that bears on its grants: what configuration says, and whose accounts and buckets are whose."""

    bucket: Bucket
    configuration: Configuration
    inventory: BucketInventory

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """The Block Public Access that bears on it."""
        own = Level("bucket", dict.fromkeys(FLAGS, True), "a directory bucket blocks all public access")
        if not self.bucket.is_directory:
            own = level_of("bucket", self.answer("GetPublicAccessBlock"))
        return (*account_levels(self.configuration, self.bucket.account), own)

    @cached_property
    def policy(self) -> ReadPolicy | None:
        """The bucket's policy; None where there is none, or none that was answered."""
        answer = self.answer("GetBucketPolicy")
        policy = ReadPolicy.of(answer.response.get("Policy"), f"bucket policy of {self.bucket.name}")
        return policy if answer.state == "answered" else None

    def answer(self, operation: str) -> Answer:
        """What this call answered of the bucket."""
        return self.configuration.answer("s3", operation, Bucket=self.bucket.name)

    def levels_at_point(self, answer: Answer, block: Any, account: str | None) -> list[Level]:
        """The Block Public Access that bears on an access point of an account to it: its own as the answer has it, too."""
        others = account_levels(self.configuration, account) if account not in (None, self.bucket.account) else []
        return [*self.levels, level_of("access_point", answer, block), *others]

    def stop(self, flag: str, levels: Sequence[Level] = ()) -> Stop:
        """Is this setting of Block Public Access on at any level, of the bucket's or of these?"""
        on = [f"{level.name}_block_public_access" for level in levels or self.levels if level.flags[flag]]
        if on:
            return Stop(YES, ", ".join(on), f"{flag} is on")
        unknown = [level.words for level in levels or self.levels if level.flags[flag] is None]
        return Stop(UNKNOWN, None, "; ".join(unknown)) if unknown else Stop(NO)

    def grant(self, path: str, **more: Any) -> Grant:
        """A grant on this bucket."""
        return Grant(self.bucket.name, path, **more)

    def no_grant(self, path: str, answer: Answer) -> Grant:
        """The row where there is no setting to speak of: nothing is configured (``no``), or that is not known."""
        if answer.known:
            answered = f"nothing is configured ({answer.operation})"
            return self.grant(path, detail=answered if answer.state == "answered" else answer.words)
        everybody = NO if path in NEVER_PUBLIC else UNKNOWN
        foreign = NO if path in SELDOM_SET and answer.state == "not_asked" else UNKNOWN
        return self.grant(path, effective_status=UNKNOWN, detail=answer.words, open_to_all=everybody, foreign=foreign)

    def unread(self, path: str, answer: Answer) -> Grant:
        """The row where nothing can be read from an answer, were it given or not."""
        return self.no_grant(path, answer if answer.state != "answered" else answer.unreadable())


def level_of(name: str, answer: Answer, flags: Any = None) -> Level:
    """A level by what was answered of it; a setting that is no yes or no is not known."""
    given = flags or answer.response.get("PublicAccessBlockConfiguration")
    values = dict.fromkeys(FLAGS, False if answer.state == "absent" else None)
    if isinstance(given, Mapping) and any(flag in given for flag in FLAGS):
        values = {flag: {"true": True, "false": False}.get(str(given.get(flag, False)).lower()) for flag in FLAGS}
    said = answer.unreadable() if answer.state == "answered" and None in values.values() else answer
    return Level(name, values, f"{name.replace('_', ' ')} Block Public Access: {said.words}")


def account_levels(configuration: Configuration, account: str | None) -> list[Level]:
    """What is set for an account, and for its organization where that was asked?

    Notes
    -----
    The account's own answer is the effective one, the organization's policy included. An organization's policy that
    says ``none`` takes nothing away from what the account answers.
    """
    if account is None:
        return [
            Level("account", dict.fromkeys(FLAGS), "the bucket's account is not known, nor its Block Public Access")
        ]
    answer = configuration.answer("s3control", "GetPublicAccessBlock", AccountId=account)
    if answer.state == "not_asked":
        answer = configuration.answer("s3control", "GetPublicAccessBlock", account)
    levels = [level_of("account", answer)]
    for call, effective in configuration.every("organizations", "DescribeEffectivePolicy"):
        content = parsed(value_of(effective.response, "PolicyContent"))
        blocked = value_of(value_of(content, "s3_attributes"), "public_access_block_configuration")
        blocks_all = "all" in (blocked.values() if isinstance(blocked, dict) else [blocked])
        target = str(call.parameters.get("TargetId") or call.account)
        if target == account and call.parameters.get("PolicyType") == "S3_POLICY" and blocks_all:
            words = "the organization's S3 policy blocks all"
            return [Level("organization", dict.fromkeys(FLAGS, True), words), *levels]
    return levels


def read_document(document: Any, source: str) -> Policy:
    """A policy as an answer holds it, URL-encoded or not; what is of no known shape cannot be read."""
    if isinstance(document, str) and document.lstrip()[:1] == "%":
        document = unquote(document)
    return parse_policy(document if document is None or isinstance(document, str | dict) else str(document), source)


def at_best(policy: Policy) -> Policy:
    """A policy as it bears on a caller who sets every part of the request that is theirs to set as suits them.

    A condition on such a part keeps nobody out: one that allows can be met, one that denies can be avoided. What is
    left are conditions on who, from where and when, which evidence has to settle. Statements that deny each of all
    possible values, one by one, are not seen through.
    """

    def statements() -> Iterator[Statement]:
        for statement in policy.statements:
            chosen = [
                test
                for test in statement.conditions
                if test.lookup in CHOSEN or (test.lookup.startswith("s3:") and not test.lookup.startswith(SETTLED))
            ]
            if chosen and statement.effect == "Allow":
                yield replace(statement, conditions=tuple(test for test in statement.conditions if test not in chosen))
            elif not chosen or any(test.if_exists and "*" in test.values and not test.negated for test in chosen):
                yield statement  # no value, nor leaving it out, avoids such a test

    return replace(policy, statements=tuple(statements()), by_action={})


def account_in(arn: Any) -> str | None:
    """The account that an ARN names, or the account that this is."""
    parts = [arn] if not isinstance(arn, str) or ":" not in arn else arn.split(":", 5)
    account = parts[0] if len(parts) == 1 else parts[4] if len(parts) == 6 else None
    return account if isinstance(account, str) and len(account) == 12 and account.isdigit() else None
