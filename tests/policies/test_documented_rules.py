"""Each documented rule as a case: who asks what under which policies, the answer, and where AWS says so."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ir_kit.policies.decisions import Policies, Request, decide
from ir_kit.policies.policy_documents import ACTIONS, Principal, parse_policy
from ir_kit.policies.public_access import public_statements, public_status

from .conftest import CASES, given, load, policies, request, said

DECISIONS = [
    "anonymous",
    "same_account",
    "cross_account",
    "boundaries_and_sessions",
    "denies",
    "variables",
    "unknown_objects",
]
SOURCES = yaml.safe_load((CASES / "sources.yaml").read_text(encoding="utf-8"))


def cases(*names: str) -> list[Any]:
    return [pytest.param(case, id=f"{name}: {case['case']}") for name in names for case in load(name)]


@pytest.mark.parametrize("case", cases(*DECISIONS))
def test_decision(case: dict[str, Any]) -> None:
    decision = decide(request(case), given(case))
    assert decision.status == said(case["expect"]), decision
    if "by" in case:
        assert decision.statement == case["by"]
    assert decision.reason


@pytest.mark.parametrize("case", cases("conditions"))
def test_condition(case: dict[str, Any]) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": case["condition"]}
    asked = request(case | {"who": "anonymous"})
    assert decide(asked, Policies(resource=policies(statement, "p"))).status == said(case["expect"])


@pytest.mark.parametrize("case", cases("public"))
def test_public(case: dict[str, Any]) -> None:
    usual = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
    statements = [
        {key: value for key, value in (usual | one).items() if value is not None} for one in case["statements"]
    ]
    policy = parse_policy({"Version": "2012-10-17", "Statement": statements}, "bucket policy of b")
    how = {"access_point": case.get("access_point", False)}
    assert public_status(policy, **how) == said(case["expect"])
    found = public_statements(policy, **how)
    if "public" in case:
        assert [one.statement.ordinal for one in found] == case["public"]
    assert all(one.reason for one in found)


@pytest.mark.parametrize("case", cases("grants"))
def test_grants(case: dict[str, Any]) -> None:
    usual = {"Effect": "Allow", "Principal": "*", "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]}
    statement = usual | case["statement"]
    if "NotResource" in statement:
        del statement["Resource"]
    (read,) = parse_policy({"Version": "2012-10-17", "Statement": statement}, "bucket policy of b").statements
    actions, resources = read.on_actions, read.on_resources
    assert actions and resources
    point = "arn:aws:s3:us-west-2:123456789012:accesspoint/p"
    arns = {"object": f"{point}/object/*", "bucket": point}
    if "accesspoint" not in str(statement):
        arns = {"object": "arn:aws:s3:::b/*", "bucket": "arn:aws:s3:::b"}
    granted = [
        access
        for access, by_level in ACTIONS.items()
        if read.effect == "Allow"
        and any(
            resources.covers(arns[level], {}) != "no"
            and any(actions.covers(f"s3:{name}".lower(), {}) == "yes" for name in names)
            for level, names in by_level.items()
        )
    ]
    assert granted == case["expect"]


def test_every_case_names_its_source() -> None:
    for path in CASES.glob("*.yaml"):
        if path.stem != "sources":
            for case in load(path.stem):
                assert case["source"] in SOURCES, f"{path.name}: {case['case']}"


def test_every_case_is_told_apart() -> None:
    names = [case["case"] for path in CASES.glob("*.yaml") if path.stem != "sources" for case in load(path.stem)]
    assert len(names) >= 150


def test_the_reason_of_an_unknown_names_the_key() -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    statement["Condition"] = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}, "Bool": {"aws:SecureTransport": "true"}}
    asked = Request(
        Principal("anonymous"), "s3:GetObject", "arn:aws:s3:::b/k", "111122223333", {"aws:SecureTransport": True}
    )
    decision = decide(asked, Policies(resource=policies(statement, "bucket policy of b")))
    assert "depends on aws:SourceIp," in decision.reason
    assert decision.statement == "bucket policy of b, statement 1"
