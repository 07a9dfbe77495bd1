"""Who asks, and whom a statement names: anonymous, an account's root, a user, a session of a role, a federated user, a service."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, NamedTuple

from ir_kit.domain.logic import ABSENT, NO, PRESENT, UNKNOWN, YES, Context, Known, Truth, negation

Kind = Literal["anonymous", "root", "user", "role_session", "federated_user", "service"]

_ACCOUNT = re.compile(r"\d{12}")
_ARN = re.compile(r"arn:(?P<partition>[^:]+):(?:iam|sts)::(?P<account>\d{12}):(?P<rest>.+)", re.DOTALL)
_FEDERATED_PROVIDER = "aws:federatedprovider"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who makes a request. Made with `anonymous`, `root`, `user`, `role_session`, `federated_user` or `service`."""

    kind: Kind
    arn: str | None = None  # of a role's session: the session's own
    account: str | None = None
    role_arn: str | None = None  # with its path; None where only the session's ARN is known
    issuer_arn: str | None = None  # who asked for a federated user's session: a user, or an account's root
    canonical_id: str | None = None  # the account's, in S3; None where it is not known
    user_id: str | None = None  # AIDA..., AROA...:session; None where it is not known
    temporary: bool | None = None  # are these temporary credentials? None where it is not known
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        known = (self.kind, self.arn, self.account, self.role_arn, self.issuer_arn, self.canonical_id, self.user_id)
        object.__setattr__(self, "_hash", hash(known))

    def __hash__(self) -> int:
        return self._hash

    def keys(self) -> Mapping[str, Known]:
        """The request keys that follow from who asks.

        Notes
        -----
        Source: IAM User Guide, "AWS global condition context keys" (availability) and "IAM policy elements: Variables and tags"
        (principal key values). Two pages differ on ``aws:userid`` of an anonymous caller, so that it is not known here.
        """
        return _keys(self)


def anonymous() -> Principal:
    """A caller without credentials."""
    return Principal("anonymous")


def root(account: str, canonical_id: str | None = None, partition: str = "aws") -> Principal:
    """The root user of an account."""
    return Principal("root", f"arn:{partition}:iam::{account}:root", account, canonical_id=canonical_id)


def user(
    arn: str, canonical_id: str | None = None, user_id: str | None = None, temporary: bool | None = None
) -> Principal:
    """An IAM user, by its ARN; also with the temporary credentials of ``GetSessionToken``."""
    return Principal("user", arn, _account(arn), canonical_id=canonical_id, user_id=user_id, temporary=temporary)


def role_session(
    arn: str, role_arn: str | None = None, canonical_id: str | None = None, user_id: str | None = None
) -> Principal:
    """A session of a role, by its ARN (``arn:aws:sts::...:assumed-role/ROLE/SESSION``) and its role's, where that is known."""
    return Principal("role_session", arn, _account(arn), role_arn, None, canonical_id, user_id, True)


def federated_user(arn: str, issuer_arn: str, canonical_id: str | None = None) -> Principal:
    """A session of ``GetFederationToken`` (``arn:aws:sts::...:federated-user/NAME``), and the user or root who asked for it."""
    return Principal("federated_user", arn, _account(arn), None, issuer_arn, canonical_id, temporary=True)


def service(name: str) -> Principal:
    """An AWS service that acts as itself: ``cloudtrail.amazonaws.com``."""
    return Principal("service", name)


def _account(arn: str) -> str | None:
    found = _ARN.fullmatch(arn)
    return found["account"] if found else None


def is_service_linked(principal: Principal) -> bool:
    """Is this a session of a service-linked role, which an organization's policies do not touch?"""
    if principal.kind != "role_session":
        return False
    if principal.role_arn is None:
        return ":assumed-role/AWSServiceRoleFor" in (principal.arn or "")
    return ":role/aws-service-role/" in principal.role_arn


@lru_cache(maxsize=10_000)
def _keys(principal: Principal) -> dict[str, Known]:
    kind, arn = principal.kind, principal.arn
    keys: dict[str, Known] = {}
    if kind == "anonymous":
        keys |= dict.fromkeys(
            ("aws:principalarn", "aws:username", "aws:principalorgid", "aws:principalorgpaths"), ABSENT
        )
        keys |= dict.fromkeys(("aws:tokenissuetime", "aws:multifactorauthpresent", "aws:multifactorauthage"), ABSENT)
        keys |= {"aws:principalaccount": ("anonymous",), "aws:principaltype": ("Anonymous",)}
    elif kind == "service":
        keys |= {"aws:username": ABSENT, "aws:principalservicename": (str(arn),)}
    else:
        issuer = principal.role_arn if kind == "role_session" else arn
        keys["aws:principalarn"] = PRESENT if issuer is None else (issuer,)
        if principal.account is not None:
            keys["aws:principalaccount"] = (principal.account,)
        types = {"root": "Account", "user": "User", "role_session": "AssumedRole", "federated_user": "FederatedUser"}
        keys["aws:principaltype"] = (types[kind],)
        keys["aws:username"] = (str(arn).rpartition("/")[2],) if kind == "user" else ABSENT
        own = {"root": principal.account, "federated_user": f"{principal.account}:{str(arn).rpartition('/')[2]}"}
        user_id = principal.user_id or own.get(kind)
        keys["aws:userid"] = PRESENT if user_id is None else (user_id,)
        if principal.temporary is True:
            keys["aws:tokenissuetime"] = PRESENT
        elif principal.temporary is False:
            keys |= dict.fromkeys(
                ("aws:tokenissuetime", "aws:multifactorauthpresent", "aws:multifactorauthage"), ABSENT
            )
        if kind != "role_session":
            keys[_FEDERATED_PROVIDER] = ABSENT
    if kind in ("anonymous", "root", "service"):
        keys["aws:principaltag/*"] = ABSENT
    keys["aws:principalisawsservice"] = ABSENT if kind == "anonymous" else ("true" if kind == "service" else "false",)
    if kind != "service":
        keys |= dict.fromkeys(
            ("aws:principalservicename", "aws:principalservicenameslist", "aws:sourcearn", "aws:sourceaccount"), ABSENT
        )
    return keys


class Named(NamedTuple):
    """How far a statement names a principal. AWS weighs the three differently where other policies do not allow."""

    direct: Truth  # itself, or everybody
    as_role: Truth  # through the role, or the user, behind its session
    as_account: Truth  # through its account, which still has to hand the right on

    def anyhow(self) -> Truth:
        """In any of the three ways."""
        return max(self)


NOBODY = Named(NO, NO, NO)
EVERYBODY = Named(YES, YES, YES)


@dataclass(frozen=True, slots=True)
class Names:
    """The ``Principal`` or ``NotPrincipal`` of a statement, by family."""

    everybody: bool = False
    aws: frozenset[str] = frozenset()  # accounts as their twelve digits, others as they are written
    services: frozenset[str] = frozenset()
    federated: frozenset[str] = frozenset()
    canonical: frozenset[str] = frozenset()
    cached: dict[Principal, Named] = field(default_factory=dict, compare=False, repr=False)

    def names(self, principal: Principal, context: Context) -> Named:
        """How far do these name this principal?"""
        if self.everybody:
            return EVERYBODY
        found = self.cached.get(principal)
        if found is None:
            found = self.cached[principal] = self._names(principal)
        if self.federated and principal.kind == "role_session" and found.direct == NO:
            return found._replace(direct=self._provider(context))
        return found

    def _names(self, principal: Principal) -> Named:
        if principal.kind == "service":
            return Named(YES if principal.arn in self.services else NO, NO, NO)
        if principal.kind == "anonymous":
            return NOBODY
        account: Truth = YES if principal.account in self.aws else NO
        if account == NO and self.canonical:
            account = UNKNOWN if principal.canonical_id is None else NO
            account = YES if principal.canonical_id in self.canonical else account
        behind: Truth = NO
        if principal.kind == "role_session":
            behind = YES if self._names_role(principal) else NO
        elif principal.kind == "federated_user":
            by_root = (principal.issuer_arn or "").endswith(":root")
            behind = account if by_root else (YES if principal.issuer_arn in self.aws else NO)
        direct: Truth = YES if principal.arn in self.aws else NO
        return Named(account if principal.kind == "root" else direct, behind, account)

    def _names_role(self, principal: Principal) -> bool:
        if principal.role_arn is not None:
            return principal.role_arn in self.aws
        own = _ARN.fullmatch(principal.arn or "")
        if own is None or not own["rest"].startswith("assumed-role/"):
            return False
        name = own["rest"].split("/")[1]
        for value in self.aws:  # a role's name is unique in its account, whatever its path
            other = _ARN.fullmatch(value)
            if other is None or not other["rest"].startswith("role/"):
                continue
            if other["account"] == own["account"] and other["rest"].rpartition("/")[2] == name:
                return True
        return False

    def _provider(self, context: Context) -> Truth:
        known = context.get(_FEDERATED_PROVIDER)
        if known is None or not isinstance(known, tuple):
            return UNKNOWN
        return YES if self.federated & set(known) else NO

    def spares(self, principal: Principal, context: Context, *, effect: str, bounded: Truth) -> Named:
        """As ``NotPrincipal``: how far does the statement hold for this principal, as for one that is not named?

        Notes
        -----
        With ``Deny`` a principal is left out for certain where itself, the role behind a session, and the account are all named; where
        only some are, AWS "might" deny. Who has a permissions boundary is denied whoever is named.
        Source: IAM User Guide, "AWS JSON policy elements: NotPrincipal".
        """
        named = self.names(principal, context)
        if self.everybody:
            return NOBODY
        if effect == "Allow":
            holds: Truth = negation(named.direct)
            if holds == YES and named.anyhow() != NO:
                holds = UNKNOWN
            return Named(holds, holds, holds)
        chain = named.direct
        if principal.kind in ("user", "role_session", "federated_user"):
            chain = min(chain, named.as_account)
        if principal.kind == "role_session":
            chain = min(chain, named.as_role)
        holds = NO if chain == YES else YES if named.direct == named.as_role == NO else UNKNOWN
        if principal.kind in ("user", "role_session"):
            holds = max(holds, bounded)
        elif principal.kind == "federated_user":
            holds = max(holds, min(bounded, UNKNOWN))
        return Named(holds, holds, holds)
