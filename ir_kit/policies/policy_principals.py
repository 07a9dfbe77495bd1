"""Who asks, and whom a statement names."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, NamedTuple

from ir_kit.domain.logic import ABSENT, NO, PRESENT, UNKNOWN, YES, Context, Known, Status, negation
from ir_kit.domain.principals import account_of_arn, same_role

Kind = Literal["anonymous", "root", "user", "role_session", "federated_user", "service"]

_FEDERATED_PROVIDER = "aws:federatedprovider"
_TYPES = {"root": "Account", "user": "User", "role_session": "AssumedRole", "federated_user": "FederatedUser"}
_OF_TOKENS = ("aws:tokenissuetime", "aws:multifactorauthpresent", "aws:multifactorauthage")
_OF_MEMBERS = ("aws:principalarn", "aws:username", "aws:principalorgid", "aws:principalorgpaths")
_OF_SERVICES = ("aws:principalservicename", "aws:principalservicenameslist", "aws:sourcearn", "aws:sourceaccount")


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

    @property
    def is_member(self) -> bool:
        """Is it a user or a session, to which policies of an account are attached?"""
        return self.kind in ("user", "role_session", "federated_user")

    @property
    def issued_by_root(self) -> bool:
        """Is it a federated user of whom the root user asked for the session?"""
        return self.kind == "federated_user" and (self.issuer_arn or "").endswith(":root")

    @property
    def is_service_linked(self) -> bool:
        """Is it a session of a service-linked role, which an organization's policies do not touch?"""
        of_role = ":role/aws-service-role/" in (self.role_arn or "")
        by_name = self.role_arn is None and ":assumed-role/AWSServiceRoleFor" in (self.arn or "")
        return self.kind == "role_session" and (of_role or by_name)


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
    account = account_of_arn(arn)
    return Principal("user", arn, account, canonical_id=canonical_id, user_id=user_id, temporary=temporary)


def role_session(
    arn: str, role_arn: str | None = None, canonical_id: str | None = None, user_id: str | None = None
) -> Principal:
    """A session of a role, by its ARN (``arn:aws:sts::...:assumed-role/ROLE/SESSION``) and its role's where known."""
    return Principal("role_session", arn, account_of_arn(arn), role_arn, None, canonical_id, user_id, True)


def federated_user(arn: str, issuer_arn: str, canonical_id: str | None = None) -> Principal:
    """A session of ``GetFederationToken`` (``...:federated-user/NAME``), and the user or root who asked for it."""
    return Principal("federated_user", arn, account_of_arn(arn), None, issuer_arn, canonical_id, temporary=True)


def service(name: str) -> Principal:
    """An AWS service that acts as itself: ``cloudtrail.amazonaws.com``."""
    return Principal("service", name)


@lru_cache(maxsize=10_000)
def keys_of(principal: Principal) -> dict[str, Known]:
    """The request keys that follow from who asks.

    Two pages differ on ``aws:userid`` of an anonymous caller, so that it is not known here.
    Source: IAM User Guide, "AWS global condition context keys" (availability) and "IAM policy elements: Variables and
    tags" (principal key values).
    """
    kind, arn = principal.kind, str(principal.arn)
    keys: dict[str, Known] = {"aws:principalisawsservice": ("false",)}
    if kind in ("anonymous", "root", "service"):
        keys["aws:principaltag/*"] = ABSENT
    if kind == "service":
        return keys | {
            "aws:principalisawsservice": ("true",), "aws:username": ABSENT, "aws:principalservicename": (arn,)
        }  # fmt: skip
    keys |= dict.fromkeys(_OF_SERVICES, ABSENT)
    if kind == "anonymous":
        keys |= dict.fromkeys(("aws:principalisawsservice", *_OF_MEMBERS, *_OF_TOKENS), ABSENT)
        return keys | {"aws:principalaccount": ("anonymous",), "aws:principaltype": ("Anonymous",)}
    name = arn.rpartition("/")[2]
    issuer = principal.role_arn if kind == "role_session" else principal.arn
    own_ids = {"root": principal.account, "federated_user": f"{principal.account}:{name}"}
    user_id = principal.user_id or own_ids.get(kind)
    keys["aws:principalarn"] = PRESENT if issuer is None else (issuer,)
    keys["aws:principaltype"] = (_TYPES[kind],)
    keys["aws:username"] = (name,) if kind == "user" else ABSENT
    keys["aws:userid"] = PRESENT if user_id is None else (user_id,)
    if principal.account is not None:
        keys["aws:principalaccount"] = (principal.account,)
    if principal.temporary is True:
        keys["aws:tokenissuetime"] = PRESENT
    elif principal.temporary is False:
        keys |= dict.fromkeys(_OF_TOKENS, ABSENT)
    if kind != "role_session":
        keys[_FEDERATED_PROVIDER] = ABSENT
    return keys


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
    cached: dict[Principal, Named] = field(default_factory=dict, compare=False, repr=False)

    def names(self, principal: Principal, context: Context) -> Named:
        """How far do these name this principal?"""
        if self.everybody:
            return Named(YES, YES, YES)
        named = self.cached.get(principal)
        if named is None:
            named = self.cached[principal] = self.without_providers(principal)
        if self.federated and principal.kind == "role_session" and named.direct == NO:
            provider = context.get(_FEDERATED_PROVIDER)
            if not isinstance(provider, tuple):
                return named._replace(direct=UNKNOWN)
            return named._replace(direct=YES if self.federated & set(provider) else NO)
        return named

    def without_providers(self, principal: Principal) -> Named:
        """The same, whatever identity provider the principal comes from."""
        if principal.kind == "service":
            return Named(YES if principal.arn in self.services else NO, NO, NO)
        if principal.kind == "anonymous":
            return Named(NO, NO, NO)
        account: Status = YES if principal.account in self.aws or principal.canonical_id in self.canonical else NO
        if account == NO and self.canonical and principal.canonical_id is None:
            account = UNKNOWN
        direct: Status = account if principal.kind == "root" else YES if principal.arn in self.aws else NO
        behind: Status = NO
        if principal.issued_by_root:
            behind = account
        elif principal.kind == "federated_user":
            behind = YES if principal.issuer_arn in self.aws else NO
        elif principal.kind == "role_session":
            # a role's name is unique in its account, whatever its path
            roles = {arn for arn in self.aws if ":role/" in arn}
            by_name = principal.role_arn is None and any(same_role(arn, principal.arn) for arn in roles)
            behind = YES if by_name or principal.role_arn in self.aws else NO
        return Named(direct, behind, account)

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
            holds = negation(named.direct)
            if holds == YES and max(named) != NO:
                holds = UNKNOWN
            return Named(holds, holds, holds)
        chain = named.direct
        if principal.is_member:
            chain = min(chain, named.as_account)
        if principal.kind == "role_session":
            chain = min(chain, named.as_role)
        holds = NO if chain == YES else YES if named.direct == named.as_role == NO else UNKNOWN
        if principal.is_member:
            holds = max(holds, min(bounded, UNKNOWN) if principal.kind == "federated_user" else bounded)
        return Named(holds, holds, holds)
