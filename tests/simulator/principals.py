"""Who acts in a simulated account: users, roles, and the credentials that they hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulator.ids import iso

# kinds of credential: user (long-term key, or a session of a user), role, federated, root, service, anonymous, foreign
ANONYMOUS_ACCOUNT = "anonymous"


@dataclass(eq=False)
class Credential:
    """One access key (or none: anonymous, services, a console sign-in) and the principal that it acts for."""

    kind: str
    name: str
    account: str
    principal_id: str
    access_key_id: str | None = None
    created: datetime | None = None
    session: str | None = None
    parent: Credential | None = None
    issued_by: Any = None  # the Request that issued it, when one did
    issued_how: str | None = None  # "observed" when an event names the key, "inferred" when none does
    temporary: bool = False
    mfa: bool = False
    console: bool = False
    invoked_by: str | None = None
    source_identity: str | None = None
    role_path: str = "/"
    expires: datetime | None = None
    _identity: dict[str, Any] | None = field(default=None, repr=False)

    @property
    def principal_arn(self) -> str | None:
        """The ARN that both logs show: the session of a role, the user itself for a session of a user."""
        if self.kind == "user":
            return f"arn:aws:iam::{self.account}:user/{self.name}"
        if self.kind in ("role", "foreign"):
            return f"arn:aws:sts::{self.account}:assumed-role/{self.name}/{self.session}"
        if self.kind == "federated":
            return f"arn:aws:sts::{self.account}:federated-user/{self.name}"
        if self.kind == "root":
            return f"arn:aws:iam::{self.account}:root"
        return None

    @property
    def requester(self) -> str:
        """How a server access log names this principal."""
        if self.kind == "anonymous":
            return "-"
        if self.kind == "service":
            return "AmazonS3" if self.name == "s3" else f"svc:{self.name}"
        if self.kind == "root":
            return self.session or "-"  # a root user appears as the canonical id of its account
        return self.principal_arn or "-"

    def user_identity(self) -> dict[str, Any]:
        """The `userIdentity` of a CloudTrail record; the same object each time, not to be changed."""
        if self._identity is None:
            self._identity = self._make_identity()
        return self._identity

    def _make_identity(self) -> dict[str, Any]:
        if self.kind == "anonymous":
            return {"type": "AWSAccount", "principalId": "", "accountId": ANONYMOUS_ACCOUNT}
        if self.kind == "service":
            return {"type": "AWSService", "invokedBy": self.name}
        if self.kind == "foreign":  # the owner's copy of another account's call
            return {
                "type": "AWSAccount",
                "principalId": f"{self.principal_id}:{self.session}",
                "accountId": self.account,
            }
        types = {"user": "IAMUser", "role": "AssumedRole", "federated": "FederatedUser", "root": "Root"}
        identity: dict[str, Any] = {
            "type": types[self.kind],
            "principalId": f"{self.principal_id}:{self.session}" if self.kind == "role" else self.principal_id,
            "arn": self.principal_arn,
            "accountId": self.account,
        }
        if self.access_key_id:
            identity["accessKeyId"] = self.access_key_id
        if self.kind == "user":
            identity["userName"] = self.name
        if self.temporary:
            identity["sessionContext"] = self._session_context()
        if self.invoked_by:
            identity["invokedBy"] = self.invoked_by
        return identity

    def _session_context(self) -> dict[str, Any]:
        context: dict[str, Any] = {}
        if self.kind == "role":
            context["sessionIssuer"] = {
                "type": "Role",
                "principalId": self.principal_id,
                "arn": f"arn:aws:iam::{self.account}:role{self.role_path}{self.name}",
                "accountId": self.account,
                "userName": self.name,
            }
        elif self.kind == "federated" and self.parent:
            context["sessionIssuer"] = {
                "type": "IAMUser",
                "principalId": self.parent.principal_id,
                "arn": self.parent.principal_arn,
                "accountId": self.account,
                "userName": self.parent.name,
            }
        if self.created:
            context["attributes"] = {
                "creationDate": iso(self.created),
                "mfaAuthenticated": "true" if self.mfa else "false",
            }
        if self.source_identity:
            context["sourceIdentity"] = self.source_identity
        return context


@dataclass
class User:
    """An IAM user as configuration shows it at the end."""

    name: str
    user_id: str
    created: datetime
    policies: list[str] = field(default_factory=list)  # attached managed policies, by ARN
    inline: dict[str, Any] = field(default_factory=dict)
    login_profile: datetime | None = None
    keys: list[Credential] = field(default_factory=list)
    inactive_keys: set[str] = field(default_factory=set)


@dataclass
class Role:
    """An IAM role as configuration shows it at the end."""

    name: str
    role_id: str
    created: datetime
    trust: dict[str, Any]
    inline: dict[str, Any] = field(default_factory=dict)
    path: str = "/"
