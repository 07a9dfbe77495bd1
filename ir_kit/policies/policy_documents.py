"""A policy as its author wrote it, whom it names, and who asks.

Read with tolerance: what cannot be read is marked with its reason.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import unquote

from ir_kit.domain.logic import ABSENT, NO, PRESENT, UNKNOWN, YES, Context, Known, Status, negation
from ir_kit.domain.principals import account_of_arn, same_role
from ir_kit.policies.conditions import ANYTHING, Patterns, Test, patterns_of, tests_of

Effect = Literal["Allow", "Deny"]
EFFECTS: Final[tuple[Effect, Effect]] = ("Allow", "Deny")
# what gives access to a bucket and its objects, by kind of access and what it acts on (Service Authorization Reference,
# "Actions, resources, and condition keys for Amazon S3")
ACTIONS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "read": {
        "object": (
            "GetObject", "GetObjectVersion", "GetObjectTorrent", "GetObjectVersionTorrent", "GetObjectAttributes",
            "GetObjectVersionAttributes", "GetObjectTagging", "GetObjectVersionTagging", "GetObjectAcl",
            "GetObjectVersionAcl", "GetObjectRetention", "GetObjectLegalHold", "GetObjectVersionForReplication",
        ),
    },
    "write": {
        "object": (
            "PutObject", "DeleteObject", "DeleteObjectVersion", "RestoreObject", "AbortMultipartUpload",
            "PutObjectTagging", "PutObjectVersionTagging", "DeleteObjectTagging", "DeleteObjectVersionTagging",
            "PutObjectRetention", "PutObjectLegalHold", "BypassGovernanceRetention", "ReplicateObject",
            "ReplicateDelete", "ReplicateTags",
        ),
    },
    "list": {"bucket": ("ListBucket", "ListBucketVersions", "ListBucketMultipartUploads")},
    "admin": {
        "object": ("PutObjectAcl", "PutObjectVersionAcl", "ObjectOwnerOverrideToBucketOwner"),
        "bucket": (
            "PutBucketPolicy", "DeleteBucketPolicy", "PutBucketAcl", "PutBucketPublicAccessBlock",
            "PutBucketOwnershipControls", "PutBucketWebsite", "DeleteBucketWebsite", "PutBucketCORS",
            "PutReplicationConfiguration", "PutInventoryConfiguration", "PutAnalyticsConfiguration",
            "PutLifecycleConfiguration", "PutBucketVersioning", "PutBucketObjectLockConfiguration",
            "PutEncryptionConfiguration", "PutBucketLogging", "PutBucketNotification", "PutBucketTagging",
            "DeleteBucket", "PutBucketRequestPayment", "PutAccelerateConfiguration", "PutMetricsConfiguration",
            "PutIntelligentTieringConfiguration", "PutAccessPointPolicy", "DeleteAccessPointPolicy",
        ),
    },
}  # fmt: skip
_ROOT = re.compile(r"arn:[^:]+:iam::(\d{12}):root")
_PAIRED = ("Action", "Resource", "Principal")
_ELEMENTS = {"Sid", "Effect", "Condition", *_PAIRED, *(f"Not{name}" for name in _PAIRED)}
_FEDERATED_PROVIDER = "aws:federatedprovider"
_TYPES = {"root": "Account", "user": "User", "role_session": "AssumedRole", "federated_user": "FederatedUser"}
_OF_TOKENS = ("aws:tokenissuetime", "aws:multifactorauthpresent", "aws:multifactorauthage")
_OF_MEMBERS = ("aws:principalarn", "aws:username", "aws:principalorgid", "aws:principalorgpaths")
_OF_SERVICES = ("aws:principalservicename", "aws:principalservicenameslist", "aws:sourcearn", "aws:sourceaccount")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who makes a request."""

    kind: Literal["anonymous", "root", "user", "role_session", "federated_user", "service"]
    arn: str | None = None  # of a session its own; of a service its name: cloudtrail.amazonaws.com
    role_arn: str | None = None  # of a session's role, with its path; None where only the session's ARN is known
    issuer_arn: str | None = None  # who asked for a federated user's session: a user, or an account's root
    canonical_id: str | None = None  # the account's, in S3; None where it is not known
    user_id: str | None = None  # AIDA..., AROA...:session; None where it is not known
    temporary: bool | None = None  # has a user credentials of GetSessionToken? None where it is not known
    account: str | None = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "account", account_of_arn(self.arn))

    @property
    def is_member(self) -> bool:
        """Is it a user or a session, to which policies of an account are attached?"""
        return self.kind in ("user", "role_session", "federated_user")

    @property
    def issued_by_root(self) -> bool:
        """Is it a federated user of whom the root user asked for the session?"""
        return self.kind == "federated_user" and (self.issuer_arn or "").endswith(":root")


@lru_cache(maxsize=10_000)
def keys_of(principal: Principal) -> dict[str, Known]:
    """The request keys that follow from who asks.

    Two pages differ on ``aws:userid`` of an anonymous caller, so that it is not known here.
    Source: IAM User Guide, "AWS global condition context keys" (availability) and "IAM policy elements: Variables and
    tags" (principal key values).
    """
    kind, arn, account = principal.kind, str(principal.arn), principal.account
    if kind == "service":
        return {
            "aws:principaltag/*": ABSENT, "aws:username": ABSENT, "aws:principalisawsservice": ("true",),
            "aws:principalservicename": (arn,),
        }  # fmt: skip
    if kind == "anonymous":
        absent = ("aws:principaltag/*", "aws:principalisawsservice", *_OF_SERVICES, *_OF_MEMBERS, *_OF_TOKENS)
        return {
            **dict.fromkeys(absent, ABSENT), "aws:principalaccount": ("anonymous",), "aws:principaltype": ("Anonymous",)
        }  # fmt: skip
    name, issuer = arn.rpartition("/")[2], principal.role_arn if kind == "role_session" else principal.arn
    user_id = principal.user_id or {"root": account, "federated_user": f"{account}:{name}"}.get(kind)
    keys: dict[str, Known] = {
        **dict.fromkeys(_OF_SERVICES, ABSENT), "aws:principalisawsservice": ("false",),
        "aws:principaltype": (_TYPES[kind],),
        "aws:principalarn": PRESENT if issuer is None else (issuer,),
        "aws:username": (name,) if kind == "user" else ABSENT,
        "aws:userid": PRESENT if user_id is None else (user_id,),
        **({} if account is None else {"aws:principalaccount": (account,)}),
        **({"aws:principaltag/*": ABSENT} if kind == "root" else {}),
    }  # fmt: skip
    if principal.temporary or kind in ("role_session", "federated_user"):
        keys["aws:tokenissuetime"] = PRESENT
    elif principal.temporary is False:
        keys |= dict.fromkeys(_OF_TOKENS, ABSENT)
    return keys if kind == "role_session" else keys | {_FEDERATED_PROVIDER: ABSENT}


class Named(NamedTuple):
    """How far a statement names a principal. AWS weighs the three differently where other policies do not allow."""

    direct: Status  # itself, or everybody
    as_role: Status  # through the role, or the user, behind its session
    as_account: Status  # through its account, which still has to hand the right on


@dataclass(frozen=True, slots=True)
class Names:
    """The ``Principal`` or ``NotPrincipal`` of a statement, by family."""

    everybody: bool = False
    aws: frozenset[str] = frozenset()  # an account's root is its twelve digits
    services: frozenset[str] = frozenset()
    federated: frozenset[str] = frozenset()
    canonical: frozenset[str] = frozenset()

    def names(self, principal: Principal, context: Context) -> Named:
        """How far do these name this principal?"""
        kind, arn = principal.kind, principal.arn
        if self.everybody:
            return Named(YES, YES, YES)
        if kind in ("anonymous", "service"):
            return Named(YES if kind == "service" and arn in self.services else NO, NO, NO)
        account: Status = YES if principal.account in self.aws or principal.canonical_id in self.canonical else NO
        if account == NO and self.canonical and principal.canonical_id is None:
            account = UNKNOWN
        direct: Status = account if kind == "root" else YES if arn in self.aws else NO
        is_behind = not self.aws.isdisjoint((principal.issuer_arn, principal.role_arn))
        if kind == "role_session" and principal.role_arn is None:
            # a role's name is unique in its account, whatever its path
            is_behind = any(":role/" in name and same_role(name, arn) for name in self.aws)
        if kind == "role_session" and self.federated and direct == NO:
            provider = context.get(_FEDERATED_PROVIDER)
            is_named = isinstance(provider, tuple) and not self.federated.isdisjoint(provider)
            direct = YES if is_named else NO if isinstance(provider, tuple) else UNKNOWN
        return Named(direct, account if principal.issued_by_root else YES if is_behind else NO, account)

    def spares(self, principal: Principal, context: Context, *, effect: str, bounded: Status) -> Named:
        """As ``NotPrincipal``: how far does the statement hold for this principal, as for any that is not named?

        With ``Deny`` a principal is left out for certain where itself, the role behind a session, and the account are
        all named; where only some are, AWS "might" deny. Who has a permissions boundary is denied whoever is named.
        Source: IAM User Guide, "AWS JSON policy elements: NotPrincipal".
        """
        if self.everybody:
            return Named(NO, NO, NO)
        named = self.names(principal, context)
        if effect == "Allow":
            holds = UNKNOWN if named.direct == NO and max(named) != NO else negation(named.direct)
            return Named(holds, holds, holds)
        account = named.as_account if principal.is_member else YES
        chain = min(named.direct, account, named.as_role if principal.kind == "role_session" else YES)
        holds = NO if chain == YES else YES if named.direct == named.as_role == NO else UNKNOWN
        if principal.is_member:
            holds = max(holds, min(bounded, UNKNOWN) if principal.kind == "federated_user" else bounded)
        return Named(holds, holds, holds)


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """A statement. With a ``fault``, what it says is not known, but its effect may be."""

    source: str  # of the policy: "bucket policy of b"
    ordinal: int  # from 1
    sid: str | None
    effect: Effect | None
    fault: str | None = None
    principals: Names | None = None
    not_principals: Names | None = None
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    conditions: tuple[Test, ...] = ()
    on_actions: Patterns | None = field(default=None, repr=False)
    on_resources: Patterns | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The statement as a reader finds it: ``bucket policy of b, statement 2 (AllowPublic)``."""
        return f"{self.source}, statement {self.ordinal}" + (f" ({self.sid})" if self.sid else "")

    @property
    def terms(self) -> str:
        """Its conditions, and the principals that it leaves out, in a line."""
        words, names = [str(test) for test in self.conditions], self.not_principals
        if names is not None:
            families = (["*"] if names.everybody else [], names.aws - {"*"}, names.services, names.federated)
            left_out = [name for family in (*families, names.canonical) for name in sorted(family)]
            words.insert(0, f"all but {', '.join(left_out)}")
        return "; ".join(words)


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """A policy: its statements in order, or why it cannot be read."""

    source: str
    statements: tuple[Statement, ...] = ()
    unreadable: str | None = None
    version: str = "2008-10-17"
    by_action: dict[tuple[str, Effect], tuple[Statement, ...]] = field(default_factory=dict, repr=False)

    def on(self, action: str, effect: Effect) -> tuple[Statement, ...]:
        """The statements of this effect that cover an action (in lower case), or may, as they cannot be read."""
        if (action, effect) not in self.by_action:
            self.by_action[action, effect] = tuple(
                statement for statement in self.statements
                if statement.effect in (effect, None)
                and (statement.on_actions is None or statement.on_actions.covers(action, {}) == YES)
            )  # fmt: skip
        return self.by_action[action, effect]


UNREADABLE: Final = Policy("policies that could not be read", unreadable="they could not be read")


class Fault(Exception):
    """What is wrong with a document, a statement or an element."""


def parse_policy(document: str | Mapping[str, Any] | None, source: str) -> Policy:
    """What does this policy document say?

    What cannot be read is marked: ``unreadable`` of the policy, ``fault`` of a statement. Nothing raises.
    A name given twice makes its statement a fault: readers of JSON differ on which counts, and AWS accepts neither.
    Source: IAM User Guide, "Grammar of the IAM JSON policy language", "IAM JSON policy elements: Version".

    Parameters
    ----------
    document : str, mapping or None
        JSON, also as the IAM API encodes it for a URL; or what JSON became. None: there is none to read.
    source : str
        What a reader calls the policy: ``bucket policy of b``, ``inline policy p of user u``.
    """
    try:
        if document is None:
            raise Fault("there is no document")
        content: Any = document
        if isinstance(document, str):
            text = unquote(document) if document.lstrip()[:3].upper() == "%7B" else document
            content = json.loads(text, object_pairs_hook=_object)
        if not isinstance(content, Mapping):
            raise Fault("it is not a JSON object")
        if None in content:
            raise Fault(f"it gives {_short(content[None][0])} twice")
        version = content.get("Version", "2008-10-17")
        if version not in ("2012-10-17", "2008-10-17"):
            raise Fault(f"its Version is {_short(version)}, which AWS does not know")
        if "Statement" not in content:
            raise Fault("it has no Statement")
        listed = enumerate(_listed(content["Statement"]), 1)
        statements = (statement_of(given, source, number, version == "2012-10-17") for number, given in listed)
        return Policy(source, tuple(statements), version=version)
    except Fault as fault:
        return Policy(source, unreadable=str(fault))
    except ValueError as error:
        return Policy(source, unreadable=f"it is not JSON ({error})")
    except RecursionError:
        return Policy(source, unreadable="it is nested too deeply")


def statement_of(given: Any, source: str, ordinal: int, variables: bool) -> Statement:
    """A statement as JSON has it. ``variables``: does the policy's version know them?"""
    effect: Effect | None = None
    sid: str | None = None
    try:
        if not isinstance(given, Mapping):
            raise Fault("it is not a JSON object")
        sid = given["Sid"] if isinstance(given.get("Sid"), str) and given["Sid"] else None
        if given.get("Effect") in EFFECTS and "Effect" not in given.get(None, ()):
            effect = given["Effect"]
        if (repeated := next(names_given_twice(given), None)) is not None:
            raise Fault(f"it gives {_short(repeated)} twice")
        if odd := given.keys() - _ELEMENTS:
            raise Fault(f"it has an element that AWS does not know ({_short(min(map(str, odd)))})")
        if effect is None:
            raise Fault("its Effect is neither Allow nor Deny")
        texts = {name: texts_of(given, name) for name in ("Action", "NotAction", "Resource", "NotResource")}
        for name in _PAIRED:
            if name in given and f"Not{name}" in given:
                raise Fault(f"it has both {name} and Not{name}")
        if "Action" not in given and "NotAction" not in given:
            raise Fault("it has neither Action nor NotAction")
        actions = [name.lower() for name in texts["Action"] or texts["NotAction"]]
        negated = "NotResource" in given or "Resource" not in given
        return Statement(
            source, ordinal, sid, effect, None, names_of(given, "Principal"), names_of(given, "NotPrincipal"),
            texts["Resource"], texts["NotResource"], tests_of(condition_of(given), variables),
            patterns_of("action", actions, negated="NotAction" in given),
            patterns_of("resource", texts["Resource"] or texts["NotResource"], negated=negated, variables=variables),
        )  # fmt: skip
    except Fault as fault:
        return Statement(source, ordinal, sid, effect, str(fault))


def names_given_twice(value: object) -> Iterator[str]:
    """The names that an object, or any object in it, gives more than once."""
    if isinstance(value, Mapping):
        yield from value.get(None, ())
    for part in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from names_given_twice(part)


def texts_of(given: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The element as texts, a single text as a list of it; empty where it is not there."""
    listed = _listed(given[name]) if name in given else []
    if not all(isinstance(text, str) for text in listed):
        raise Fault(f"its {name} is not text")
    if any(ANYTHING in text for text in listed):
        raise Fault(f"its {name} holds U+FDD0, which is no character")
    return tuple(listed)


def condition_of(given: Mapping[str, Any]) -> dict[str, dict[str, tuple[str, ...]]]:
    """The ``Condition`` of a statement: by operator and key, the values as texts."""
    condition = given.get("Condition", {})
    if not isinstance(condition, Mapping):
        raise Fault("its Condition is not a JSON object")
    block: dict[str, dict[str, tuple[str, ...]]] = {}
    for operator, keys in condition.items():
        if not isinstance(operator, str) or not isinstance(keys, Mapping):
            raise Fault("an operator of its Condition is not a JSON object")
        for key, value in keys.items():
            listed = _listed(value)
            if not isinstance(key, str) or not all(isinstance(part, str | bool | int | float) for part in listed):
                raise Fault("a value of its Condition is neither text nor number nor boolean")
            texts = (str(part).lower() if isinstance(part, bool) else str(part) for part in listed)
            block.setdefault(operator, {})[key] = tuple(texts)
    return block


def names_of(given: Mapping[str, Any], name: str) -> Names | None:
    """The ``Principal`` or ``NotPrincipal`` of a statement; None where it has none."""
    value = given.get(name, {})
    if name not in given:
        return None
    if value == "*":
        return Names(everybody=True)
    if not isinstance(value, Mapping) or not value:
        raise Fault(f"its {name} names nobody")
    families = {family: frozenset(texts_of(value, family)) for family in value if isinstance(family, str)}
    aws, services, federated, canonical, star = (
        families.pop(family, frozenset()) for family in ("AWS", "Service", "Federated", "CanonicalUser", "*")
    )
    if families:
        raise Fault(f"its {name} is of a kind that AWS does not know")
    accounts = frozenset(root[1] if (root := _ROOT.fullmatch(text)) else text for text in aws)
    return Names("*" in aws | star, accounts, services, federated, canonical)


def _object(pairs: list[tuple[str, Any]]) -> dict[str | None, Any]:
    """A JSON object; under None the names that it gives more than once."""
    repeated = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    return {**dict(pairs), **({None: repeated} if repeated else {})}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:37] + "..."
