"""Which policies of its organization bear on an account, as far as they were collected?

Source: Organizations User Guide, "How SCPs work", "Resource control policies (RCPs)".
"""

from __future__ import annotations

from ir_kit.configuration.answers import Answer, Configuration
from ir_kit.policies import Policy, parse_policy

SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
_DEEPEST = 7  # a root, five levels of units, the account


def organization_of(configuration: Configuration) -> tuple[str | None, str | None, bool]:
    """The organization's id, its management account, and whether it is known at all that there is one or none."""
    for _, answer in configuration.every("organizations", "DescribeOrganization"):
        held = answer.part("Organization", dict)
        if held:
            management = held.get("MasterAccountId") or held.get("ManagementAccountId")
            return str(held.get("Id")), str(management) if management else None, True
        if answer.state == "absent":
            return None, None, True
    return None, None, False


def organization_policies(configuration: Configuration, account: str | None, kind: str) -> list[list[Policy]] | None:
    """The policies of a kind on an account, its units and its root: a level each; None where none was collected.

    Notes
    -----
    Levels that were not asked are left out: what they deny is not seen. They do not touch the management account.
    """
    _, management, _ = organization_of(configuration)
    if account is None or account == management:
        return None
    levels: list[list[Policy]] = []
    target: str | None = account
    while target is not None and len(levels) < _DEEPEST:
        listed = configuration.answer("organizations", "ListPoliciesForTarget", TargetId=target, Filter=kind)
        if listed.state != "answered":
            break
        level = [_policy(configuration, str(one.get("Id"))) for one in listed.listed("Policies")]
        if not listed.complete:
            level.append(Policy(f"policies of {target}", unreadable="the list of them is not whole"))
        levels.append(level)
        parents = configuration.answer("organizations", "ListParents", ChildId=target).listed("Parents")
        target = str(parents[0].get("Id")) if parents else None
    return levels or None


def _policy(configuration: Configuration, policy_id: str) -> Policy:
    answer: Answer = configuration.answer("organizations", "DescribePolicy", PolicyId=policy_id)
    held = answer.part("Policy", dict) or {}
    name = f"organization's policy {policy_id}"
    if policy_id == "p-FullAWSAccess" and not held:
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        return parse_policy(document, name)
    content = held.get("Content")
    return parse_policy(content, name) if content is not None else Policy(name, unreadable=answer.words)
