"""What rights does configuration give a user or a role: policies of its own, attached, of its groups, and its boundary?

From ``GetAccountAuthorizationDetails``, or from the single calls where that was not asked. What is missing is named, and
never taken for a policy that grants nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from ir_kit.configuration.answers import Answer, Configuration
from ir_kit.exposure.managed_policies import KNOWN

Document = Any  # a policy's document as an answer holds it


@dataclass
class Rights:
    """What a principal was given; `gaps` is what of it is not known, in words."""

    arn: str | None = None
    entity_id: str | None = None  # AIDA..., AROA...
    policies: list[tuple[str, Document]] = field(default_factory=list)
    boundary: tuple[str, Document] | None = None
    has_boundary: bool | None = None
    tags: dict[str, str] | None = None
    gaps: list[str] = field(default_factory=list)


class Iam:
    """The identities of one account.

    Parameters
    ----------
    account : str or None
        Answers of this account; of any where it is None.
    """

    def __init__(self, configuration: Configuration, account: str | None) -> None:
        self.configuration = configuration
        self.account = account
        self.users: dict[str, dict[str, Any]] = {}
        self.roles: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, dict[str, Any]] = {}
        self.managed: dict[str, dict[str, Any]] = {}
        self.asked: Answer = Answer("GetAccountAuthorizationDetails")
        for asked, answer in configuration.every("iam", "GetAccountAuthorizationDetails"):
            if account is not None and asked.account not in (account, None):
                continue
            self.asked = answer if self.asked.state != "answered" else self.asked
            for held, part, name in (
                (self.users, "UserDetailList", "UserName"), (self.roles, "RoleDetailList", "RoleName"),
                (self.groups, "GroupDetailList", "GroupName"), (self.managed, "Policies", "Arn"),
            ):  # fmt: skip
                held.update({str(one[name]): one for one in answer.listed(part) if one.get(name)})

    def user(self, name: str) -> Rights:
        """The rights of an IAM user."""
        detail = self.users.get(name)
        if detail is None:
            return self._single("User", name)
        found = self._detailed("user", name, detail, "UserPolicyList")
        for group in _texts(detail.get("GroupList")):
            if group in self.groups:
                of = self._detailed("group", group, self.groups[group], "GroupPolicyList")
                found.policies += of.policies
                found.gaps += of.gaps
            else:
                self._merge(found, self._single_group(group))
        return found

    def role(self, name: str) -> Rights:
        """The rights of a role."""
        detail = self.roles.get(name)
        return self._single("Role", name) if detail is None else self._detailed("role", name, detail, "RolePolicyList")

    def managed_policy(self, arn: str) -> Document | None:
        """The document of a managed policy that is in force; None where nothing tells it."""
        for version in _dicts(self.managed.get(arn, {}).get("PolicyVersionList")):
            if version.get("IsDefaultVersion") is True and version.get("Document") is not None:
                return version["Document"]
        policy = self._ask("GetPolicy", PolicyArn=arn).part("Policy", dict) or self.managed.get(arn) or {}
        version_id = policy.get("DefaultVersionId")
        for asked, answer in self.configuration.every("iam", "GetPolicyVersion"):
            if asked.parameters.get("PolicyArn") != arn or answer.state != "answered":
                continue
            version = answer.part("PolicyVersion", dict) or {}
            if version.get("IsDefaultVersion") is True or (version_id and version.get("VersionId") == version_id):
                return version.get("Document")
        return KNOWN.get(arn.rpartition("/")[2]) if arn.split(":")[4:5] == ["aws"] else None

    def _detailed(self, kind: str, name: str, detail: dict[str, Any], inline: str) -> Rights:
        whose = f"{kind} {name}"
        found = Rights(_text(detail.get("Arn")), _id_of(detail), has_boundary=False)
        for one in _dicts(detail.get(inline)):
            found.policies.append((f"policy {one.get('PolicyName')} of {whose}", decoded(one.get("PolicyDocument"))))
        self._attach(found, whose, detail.get("AttachedManagedPolicies"))
        self._bound(found, detail.get("PermissionsBoundary"))
        found.tags = _tags(detail.get("Tags"))
        return found

    def _attach(self, found: Rights, whose: str, attached: Any) -> None:
        for one in _dicts(attached):
            arn = str(one.get("PolicyArn"))
            document = self.managed_policy(arn)
            if document is None:
                found.gaps.append(f"what {arn} says, which is attached to {whose}, is not known")
            else:
                found.policies.append((f"{arn} of {whose}", decoded(document)))

    def _bound(self, found: Rights, given: Any) -> None:
        arn = given.get("PermissionsBoundaryArn") if isinstance(given, dict) else None
        if arn:
            document = self.managed_policy(str(arn))
            found.has_boundary = True
            found.boundary = None if document is None else (f"boundary {arn}", decoded(document))
            if document is None:
                found.gaps.append(f"what the permissions boundary {arn} says is not known")

    def _single(self, kind: str, name: str) -> Rights:
        """From single calls: the entity, its inline policies, what is attached, and a user's groups."""
        of = {f"{kind}Name": name}
        got = self._ask(f"Get{kind}", **of)
        found = self._listed(kind, name)
        entity = got.part(kind, dict)
        if entity is not None:
            found.arn, found.entity_id, found.has_boundary = _text(entity.get("Arn")), _id_of(entity), False
            found.tags = _tags(entity.get("Tags"))
            self._bound(found, entity.get("PermissionsBoundary"))
        elif got.state == "absent":
            found.gaps.append(f"the {kind.lower()} {name} was no longer there when it was asked for")
        elif found.policies or not found.gaps:
            found.gaps.append(f"whether {kind.lower()} {name} has a permissions boundary is not known: {got.words}")
        if kind == "User":
            groups = self._ask("ListGroupsForUser", UserName=name)
            if groups.state == "answered":
                for group in groups.listed("Groups"):
                    self._merge(found, self._single_group(str(group.get("GroupName"))))
            if not (groups.known and groups.complete):
                found.gaps.append(f"the groups of user {name} are not known: {groups.words}")
        return found

    def _single_group(self, name: str) -> Rights:
        return self._listed("Group", name)

    def _listed(self, kind: str, name: str) -> Rights:
        of, whose = {f"{kind}Name": name}, f"{kind.lower()} {name}"
        found = Rights()
        inline = self._ask(f"List{kind}Policies", **of)
        given = {
            str(asked.parameters.get("PolicyName")): answer
            for asked, answer in self.configuration.every("iam", f"Get{kind}Policy")
            if asked.parameters.get(f"{kind}Name") == name and self._mine(asked.account)
        }
        for policy in sorted({*_texts(inline.response.get("PolicyNames")), *given}):
            answer = given.get(policy, Answer(f"Get{kind}Policy"))
            if answer.state == "answered":
                found.policies.append((f"policy {policy} of {whose}", decoded(answer.response.get("PolicyDocument"))))
            elif answer.state != "absent":
                found.gaps.append(f"what policy {policy} of {whose} says is not known: {answer.words}")
        attached = self._ask(f"ListAttached{kind}Policies", **of)
        self._attach(found, whose, attached.response.get("AttachedPolicies"))
        for answer in (inline, attached):
            if answer.state != "answered" or not answer.complete:
                found.gaps.append(f"the policies of {whose} are not known: {self._why(answer)}")
        return found

    def _why(self, answer: Answer) -> str:
        """Why is it not known: the single call, or the one that answers for all."""
        if answer.state != "not_asked" or self.asked.state == "not_asked":
            return answer.words
        return (
            "the account's authorization details do not hold it" if self.asked.state == "answered" else self.asked.words
        )

    def _ask(self, operation: str, **parameters: str) -> Answer:
        found = self.configuration.answer("iam", operation, self.account, **parameters)
        return found if found.state != "not_asked" or self.account is None else self._of_nobody(operation, parameters)

    def _of_nobody(self, operation: str, parameters: dict[str, str]) -> Answer:
        """An answer that names no account is taken for this one's."""
        for asked, answer in self.configuration.every("iam", operation):
            if asked.account is None and all(asked.parameters.get(name) == value for name, value in parameters.items()):
                return answer
        return Answer(operation)

    def _mine(self, account: str | None) -> bool:
        return self.account is None or account in (self.account, None)

    @staticmethod
    def _merge(found: Rights, more: Rights) -> None:
        found.policies += more.policies
        found.gaps += more.gaps


def decoded(document: Any) -> Any:
    """A policy's document as JSON: IAM's own answers hold it URL-encoded, boto3's do not."""
    if not isinstance(document, str):
        return document
    text = unquote(document) if document.lstrip()[:1] == "%" else document
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return document


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _id_of(detail: dict[str, Any]) -> str | None:
    return _text(detail.get("UserId") or detail.get("RoleId"))


def _dicts(value: Any) -> Iterable[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _tags(value: Any) -> dict[str, str] | None:
    if not isinstance(value, list):
        return None
    return {str(one.get("Key")): str(one.get("Value")) for one in _dicts(value)}
