"""As whom does a reached credential act, and which policies bear on it?

A session policy is taken from the call that issued the credential. Where that call is not in the evidence, or its
policy was cut short, what the session was held to is not known.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ir_kit.configuration.answers import Configuration
from ir_kit.configuration.inventory import BucketInventory
from ir_kit.domain.principals import account_of_arn, role_name, session_name, user_name
from ir_kit.exposure.identities import Iam, Rights, decoded
from ir_kit.exposure.organization import SCP, organization_of, organization_policies
from ir_kit.exposure.requesters import at_best, tags_of
from ir_kit.policies import (
    ABSENT,
    UNREADABLE,
    Policy,
    Principal,
    federated_user,
    parse_policy,
    role_session,
    root,
    user,
)

Row = Mapping[str, Any]
_INSTANCE = re.compile(r"i-[0-9a-f]{8,17}")


@dataclass(frozen=True)
class Actor:
    """A principal with all that bears on it; several credentials may act as one."""

    principal: Principal
    identity: tuple[Policy, ...] | None
    boundary: Policy | None
    session: tuple[Policy, ...] | None
    scps: tuple[tuple[Policy, ...], ...] | None
    context: dict[str, Any] = field(hash=False)
    tags_known: bool = False
    notes: tuple[str, ...] = ()

    @property
    def policies(self) -> list[Policy]:
        """All of its policies, in no order that matters."""
        flat = [*(self.identity or ()), *(self.session or ()), *(one for level in self.scps or () for one in level)]
        return flat + ([self.boundary] if self.boundary else [])


class Actors:
    """Finds the actor behind each credential, and reads each identity once."""

    def __init__(
        self, configuration: Configuration, holdings: BucketInventory, issuing: Iterable[Row], sessions: Iterable[Row]
    ) -> None:
        self.configuration = configuration
        self.holdings = holdings
        self.issued: dict[str, Row] = {}
        for row in issuing:
            self.issued.setdefault(str(row["access_key_id"]), row)
        self.sessions = {str(row["access_key_id"]): row for row in sessions}
        self._iam: dict[str | None, Iam] = {}
        self._rights: dict[tuple[str, str], Rights] = {}
        self._read: dict[tuple[str, str], tuple[tuple[Policy, ...], Policy | None]] = {}
        self._scps: dict[str | None, tuple[tuple[Policy, ...], ...] | None] = {}

    def actor(self, credential: Row, parent: Row | None) -> Actor | None:
        """The actor behind a credential; None where it is not known as whom it acts."""
        arn = credential["principal_arn"]
        account = account_of_arn(arn)
        if arn is None or account is None:
            return None
        key = str(credential["access_key_id"])
        kind, issuer = self._issuer(arn, parent, self.issued.get(key))
        temporary = credential["credential_type"] != "long_term"
        rights = self._rights_of(kind, issuer) if issuer else None
        canonical = next((one for one, of in self.holdings.canonical.items() if of == account), None)
        if kind == "root":
            principal = root(account, canonical)
        elif kind == "user":
            principal = user(arn, canonical, rights.entity_id if rights else None, temporary)
        elif kind == "role":
            role_arn = credential.get("principal") if ":role/" in str(credential.get("principal")) else None
            role_arn = role_arn or (rights.arn if rights else None)
            user_id = f"{rights.entity_id}:{session_name(arn)}" if rights and rights.entity_id else None
            principal = role_session(arn, role_arn, canonical, user_id)
        else:
            principal = federated_user(arn, issuer or f"arn:aws:iam::{account}:user/", canonical)
        identity, boundary = self._policies(kind, issuer, rights)
        session, notes = self._session(key, kind, arn, temporary)
        tags = rights.tags if rights and kind == "user" else None
        return Actor(
            principal, identity, boundary, session, self._scps_of(account),
            self._context(key, temporary, account, tags), tags is not None, tuple(notes),
        )  # fmt: skip

    def _issuer(self, arn: str, parent: Row | None, issued: Row | None) -> tuple[str, str | None]:
        """The kind of principal, and the user or role that its rights come from."""
        if arn.endswith(":root"):
            return "root", None
        if user_name(arn) is not None:
            return "user", arn
        if role_name(arn) is not None:
            return "role", arn
        above = issued["user_identity_arn"] if issued else parent["principal_arn"] if parent else None
        return "federated", above

    def _rights_of(self, kind: str, arn: str) -> Rights | None:
        account = account_of_arn(arn)
        named = role_name(arn)
        name = named or user_name(arn)
        if name is None:
            return None
        at = ("role" if named else "user", arn if not named else f"{account}/{named}")
        if at not in self._rights:
            iam = self._iam.setdefault(account, Iam(self.configuration, account))
            self._rights[at] = iam.role(name) if named else iam.user(name)
        return self._rights[at]

    def _policies(
        self, kind: str, issuer: str | None, rights: Rights | None
    ) -> tuple[tuple[Policy, ...] | None, Policy | None]:
        """Identity policies as they bear on who sets the request at will, what is not known of them, and the boundary."""
        if kind == "root" or (issuer or "").endswith(":root"):
            return (), None
        if rights is None or issuer is None:
            return None, None
        at = (kind, issuer)
        if at not in self._read:
            read = [at_best(parse_policy(_document(document), source)) for source, document in rights.policies]
            read += [Policy("identity policies", unreadable=gap) for gap in dict.fromkeys(rights.gaps)]
            boundary = None
            if rights.has_boundary:
                boundary = Policy("permissions boundary", unreadable="its document is not known")
                if rights.boundary is not None:
                    boundary = at_best(parse_policy(_document(rights.boundary[1]), rights.boundary[0]))
            self._read[at] = (tuple(read), boundary)
        return self._read[at]

    def _session(self, key: str, kind: str, arn: str, temporary: bool) -> tuple[tuple[Policy, ...] | None, list[str]]:
        """The session policies, None where none was passed; and what is not known of them."""
        if kind in ("root", "user") or not temporary:
            return None, []
        issued = self.issued.get(key)
        if issued is None:
            if _INSTANCE.fullmatch(session_name(arn) or ""):
                return None, []  # an instance's credentials come from AWS, with no session policy
            return (UNREADABLE,), [
                "the call that issued it is not in the evidence, nor a session policy it may have passed"
            ]
        try:
            parameters = json.loads(issued["request_parameters"] or "null")
        except (ValueError, RecursionError):
            parameters = None
        if not isinstance(parameters, dict) or parameters.get("omitted") or issued["event_name"] == "AssumeRoot":
            return (UNREADABLE,), [f"what {issued['event_name']} passed as session policy is not known"]
        found = []
        if parameters.get("policy") is not None:
            found.append(at_best(parse_policy(_document(decoded(parameters["policy"])), f"session policy of {key}")))
        for one in _listed(parameters.get("policyArns")):
            policy_arn = str(one.get("arn") or one.get("Arn")) if isinstance(one, dict) else str(one)
            iam = self._iam.setdefault(account_of_arn(arn), Iam(self.configuration, account_of_arn(arn)))
            document = iam.managed_policy(policy_arn)
            source = f"session policy {policy_arn}"
            found.append(
                Policy(source, unreadable="its document was not collected")
                if document is None
                else at_best(parse_policy(_document(decoded(document)), source))
            )
        return tuple(found) or None, []

    def _scps_of(self, account: str) -> tuple[tuple[Policy, ...], ...] | None:
        if account not in self._scps:
            levels = organization_policies(self.configuration, account, SCP)
            made = None if levels is None else tuple(tuple(at_best(one) for one in level) for level in levels)
            self._scps[account] = made
        return self._scps[account]

    def _context(self, key: str, temporary: bool, account: str, tags: dict[str, str] | None) -> dict[str, Any]:
        """What evidence settles of the requests of a credential. Its address, and the VPC it comes from, it does not."""
        found: dict[str, Any] = {
            "aws:ViaAWSService": False,
            "aws:CalledVia": ABSENT,
            "aws:PrincipalIsAWSService": False,
        }
        seen = self.sessions.get(key)
        if temporary and seen is not None:
            if seen["mfa"] is not None and seen["mfa"] == seen["always_mfa"]:
                found["aws:MultiFactorAuthPresent"] = bool(seen["mfa"])
            if seen["session_creation_date"] is not None:
                found["aws:TokenIssueTime"] = seen["session_creation_date"].strftime("%Y-%m-%dT%H:%M:%SZ")
        organization, _, known = organization_of(self.configuration)
        if known and account in self.holdings.accounts:
            found["aws:PrincipalOrgID"] = ABSENT if organization is None else organization
        return found | tags_of("aws:PrincipalTag", tags or {})


def _document(value: Any) -> str | Mapping[str, Any] | None:
    return value if value is None or isinstance(value, (str, dict)) else str(value)


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else []
