"""Which policies does configuration give a user, a role or an account: its own, attached, of groups, a boundary, its
organization's?

From ``GetAccountAuthorizationDetails``, or from the single calls where that was not asked. What is missing is named,
and never taken for a policy that grants nothing. All are read as they bear on a caller who sets the request at will
(see `caller_controlled`).

Source: AWS Managed Policy Reference Guide; Organizations User Guide, "How SCPs work", "Resource control policies
(RCPs)".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import unquote

from ir_kit.configuration.answers import Answer, Configuration
from ir_kit.domain.documents import mappings, parsed
from ir_kit.domain.principals import account_of_arn, role_name, user_name
from ir_kit.exposure.caller_controlled import at_best
from ir_kit.policies import Policy, parse_policy

SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
Levels = tuple[tuple[Policy, ...], ...]
_DEEPEST = 7  # a root, five levels of units, the account
_S3_READS = ["s3:Get*", "s3:List*", "s3:Describe*", "s3-object-lambda:Get*", "s3-object-lambda:List*"]
MANAGED: dict[str, dict[str, Any]] = {
    "AdministratorAccess": {"Action": ["*"]},
    "AmazonS3FullAccess": {"Action": ["s3:*", "s3-object-lambda:*"]},
    "AmazonS3ReadOnlyAccess": {"Action": _S3_READS},
    "IAMReadOnlyAccess": {"Action": ["iam:Get*", "iam:List*"]},
    "PowerUserAccess": {"NotAction": ["iam:*", "organizations:*", "account:*"]},
}
"""What policies say that AWS manages, where it was not collected: those that are short on S3 and have not changed in years."""


def read_document(document: Any, source: str) -> Policy:
    """A policy as an answer holds it; IAM's own answers hold it URL-encoded, boto3's do not."""
    if isinstance(document, str):
        text = unquote(document) if document.lstrip()[:1] == "%" else document
        document = document if (content := parsed(text)) is None else content
    usable = document is None or isinstance(document, (str, dict))
    return at_best(parse_policy(document if usable else str(document), source))


@dataclass(frozen=True)
class Rights:
    """What a user, a role or a group was given; what of it is not known is a policy that cannot be read."""

    arn: str | None
    entity_id: str | None  # AIDA..., AROA...
    policies: tuple[Policy, ...]
    gaps: tuple[str, ...]
    boundary: Policy | None
    tags: Mapping[str, str] | None

    @cached_property
    def all_policies(self) -> tuple[Policy, ...]:
        """Its policies, and one that cannot be read for each thing that is not known."""
        return (*self.policies, *(Policy("identity policies", unreadable=gap) for gap in dict.fromkeys(self.gaps)))


class Identities:
    """The users, roles, groups and managed policies of one account; of any where `account` is None."""

    def __init__(self, configuration: Configuration, account: str | None) -> None:
        self.configuration, self.account = configuration, account
        self.details: dict[str, dict[str, dict[str, Any]]] = {"User": {}, "Role": {}, "Group": {}, "Policy": {}}
        self.whole = Answer("GetAccountAuthorizationDetails")
        for call, answer in configuration.every("iam", "GetAccountAuthorizationDetails"):
            if account is None or call.account in (account, None):
                self.whole = answer if self.whole.state != "answered" else self.whole
                for kind, part, name in (
                    ("User", "UserDetailList", "UserName"), ("Role", "RoleDetailList", "RoleName"),
                    ("Group", "GroupDetailList", "GroupName"), ("Policy", "Policies", "Arn"),
                ):  # fmt: skip
                    self.details[kind] |= {str(entry[name]): entry for entry in answer.listed(part) if entry.get(name)}

    def rights(self, kind: str, name: str) -> Rights:
        """The rights of a ``User``, ``Role`` or ``Group``."""
        detail, gaps = self.details[kind].get(name), list[str]()
        if detail is None:
            detail, gaps = self._assembled(kind, name)
        whose = f"{kind.lower()} {name}"
        policies = [
            read_document(entry.get("PolicyDocument"), f"policy {entry.get('PolicyName')} of {whose}")
            for entry in mappings(detail.get(f"{kind}PolicyList"))
        ]
        for entry in mappings(detail.get("AttachedManagedPolicies")):
            arn = str(entry.get("PolicyArn"))
            if (document := self.managed_policy(arn)) is None:
                gaps.append(f"what {arn} says, which is attached to {whose}, is not known")
            else:
                policies.append(read_document(document, f"{arn} of {whose}"))
        boundary, bound = None, detail.get("PermissionsBoundary")
        if isinstance(bound, dict) and bound.get("PermissionsBoundaryArn"):
            arn = str(bound["PermissionsBoundaryArn"])
            boundary = Policy("permissions boundary", unreadable="its document is not known")
            if (document := self.managed_policy(arn)) is None:
                gaps.append(f"what the permissions boundary {arn} says is not known")
            else:
                boundary = read_document(document, f"boundary {arn}")
        for group in _texts(detail.get("GroupList")):
            of_group = self.rights("Group", group)
            policies, gaps = [*policies, *of_group.policies], [*gaps, *of_group.gaps]
        own_arn, entity_id, tags = detail.get("Arn"), detail.get("UserId") or detail.get("RoleId"), detail.get("Tags")
        return Rights(
            own_arn if isinstance(own_arn, str) else None, entity_id if isinstance(entity_id, str) else None,
            tuple(policies), tuple(gaps), boundary,
            {str(tag.get("Key")): str(tag.get("Value")) for tag in mappings(tags)} if isinstance(tags, list) else None,
        )  # fmt: skip

    def managed_policy(self, arn: str) -> Any:
        """The document of a managed policy that is in force; None where nothing tells it."""
        for version in mappings(self.details["Policy"].get(arn, {}).get("PolicyVersionList")):
            if version.get("IsDefaultVersion") is True and version.get("Document") is not None:
                return version["Document"]
        policy = self._ask("GetPolicy", PolicyArn=arn).part("Policy", dict) or self.details["Policy"].get(arn) or {}
        version_id = policy.get("DefaultVersionId")
        for call, answer in self.configuration.every("iam", "GetPolicyVersion"):
            version = answer.part("PolicyVersion", dict) or {}
            default = version.get("IsDefaultVersion") is True or (version_id and version.get("VersionId") == version_id)
            if call.parameters.get("PolicyArn") == arn and answer.state == "answered" and default:
                return version.get("Document")
        known = MANAGED.get(arn.rpartition("/")[2]) if arn.split(":")[4:5] == ["aws"] else None
        statement = {"Sid": "AWSManaged", "Effect": "Allow", "Resource": "*"}
        return {"Version": "2012-10-17", "Statement": [statement | known]} if known else None

    def _assembled(self, kind: str, name: str) -> tuple[dict[str, Any], list[str]]:
        """The entity from single calls, in the shape of the account's details, and what is not known of it."""
        parameters, whose, gaps = {f"{kind}Name": name}, f"{kind.lower()} {name}", list[str]()
        inline = self._ask(f"List{kind}Policies", **parameters)
        attached = self._ask(f"ListAttached{kind}Policies", **parameters)
        documents = {
            str(call.parameters.get("PolicyName")): answer
            for call, answer in self.configuration.every("iam", f"Get{kind}Policy")
            if call.parameters.get(f"{kind}Name") == name and (self.account is None or call.account in (self.account, None))
        }  # fmt: skip
        policies = []
        for policy in sorted({*_texts(inline.response.get("PolicyNames")), *documents}):
            answer = documents.get(policy, Answer(f"Get{kind}Policy"))
            if answer.state == "answered":
                policies.append({"PolicyName": policy, "PolicyDocument": answer.response.get("PolicyDocument")})
            elif answer.state != "absent":
                gaps.append(f"what policy {policy} of {whose} says is not known: {answer.words}")
        for answer in (inline, attached):
            if answer.state != "answered" or not answer.complete:
                gaps.append(f"the policies of {whose} are not known: {self._why(answer)}")
        detail = {f"{kind}PolicyList": policies, "AttachedManagedPolicies": attached.response.get("AttachedPolicies")}
        if kind == "Group":
            return detail, gaps
        answer = self._ask(f"Get{kind}", **parameters)
        entity = answer.part(kind, dict) or {}
        if answer.state == "absent":
            gaps.append(f"the {whose} was no longer there when it was asked for")
        elif answer.part(kind, dict) is None and (policies or detail["AttachedManagedPolicies"] or not gaps):
            gaps.append(f"whether {whose} has a permissions boundary is not known: {answer.words}")
        if kind == "User":
            groups = self._ask("ListGroupsForUser", UserName=name)
            detail["GroupList"] = [str(group.get("GroupName")) for group in groups.listed("Groups")]
            if not (groups.known and groups.complete):
                gaps.append(f"the groups of user {name} are not known: {groups.words}")
        return {**entity, **detail}, gaps

    def _why(self, answer: Answer) -> str:
        """Why is it not known: the single call, or the one that answers for all."""
        if answer.state != "not_asked" or self.whole.state == "not_asked":
            return answer.words
        answered = self.whole.state == "answered"
        return "the account's authorization details do not hold it" if answered else self.whole.words

    def _ask(self, operation: str, **parameters: str) -> Answer:
        """This account's answer; one that names no account is taken for its own."""
        found = self.configuration.answer("iam", operation, self.account, **parameters)
        if found.state == "not_asked" and self.account is not None:
            for call, answer in self.configuration.every("iam", operation):
                if call.account is None and parameters.items() <= call.parameters.items():
                    return answer
        return found


@lru_cache(maxsize=256)
def identities_of(configuration: Configuration, account: str | None) -> Identities:
    """The identities of an account; read once."""
    return Identities(configuration, account)


@lru_cache(maxsize=4096)
def rights_of(configuration: Configuration, arn: str) -> Rights | None:
    """What the user or the role of this ARN was given; None for others; read once."""
    role, account = role_name(arn), account_of_arn(arn)
    name = role or user_name(arn)
    return identities_of(configuration, account).rights("Role" if role else "User", name) if name else None


def organization_of(configuration: Configuration) -> tuple[str | None, str | None, bool]:
    """The organization's id, its management account, and whether it is known at all that there is one or none."""
    for _, answer in configuration.every("organizations", "DescribeOrganization"):
        if organization := answer.part("Organization", dict):
            management = organization.get("MasterAccountId") or organization.get("ManagementAccountId")
            return str(organization.get("Id")), str(management) if management else None, True
        if answer.state == "absent":
            return None, None, True
    return None, None, False


@lru_cache(maxsize=256)
def organization_policies(configuration: Configuration, account: str | None, kind: str) -> Levels | None:
    """The policies of a kind on an account, its units and its root: a level each; None where none was collected.

    Notes
    -----
    Levels that were not asked are left out: what they deny is not seen. They do not touch the management account.
    """
    if account is None or account == organization_of(configuration)[1]:
        return None
    levels, target = list[tuple[Policy, ...]](), account
    while target and len(levels) < _DEEPEST:
        listed = configuration.answer("organizations", "ListPoliciesForTarget", TargetId=target, Filter=kind)
        if listed.state != "answered":
            break
        level = [_organization_policy(configuration, str(entry.get("Id"))) for entry in listed.listed("Policies")]
        if not listed.complete:
            level.append(Policy(f"policies of {target}", unreadable="the list of them is not whole"))
        levels.append(tuple(level))
        parents = configuration.answer("organizations", "ListParents", ChildId=target).listed("Parents")
        target = str(parents[0].get("Id")) if parents else ""
    return tuple(levels) or None


def _organization_policy(configuration: Configuration, policy_id: str) -> Policy:
    answer, name = (
        configuration.answer("organizations", "DescribePolicy", PolicyId=policy_id),
        f"organization's policy {policy_id}",
    )
    policy = answer.part("Policy", dict) or {}
    if policy_id == "p-FullAWSAccess" and not policy:
        policy = {
            "Content": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        }
    content = policy.get("Content")
    return at_best(parse_policy(content, name)) if content is not None else Policy(name, unreadable=answer.words)


def _texts(value: Any) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
