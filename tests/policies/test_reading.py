"""Policy documents as they are found: loose, odd, broken, hostile."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from ir_kit.policies.decisions import Policies, Request, decide
from ir_kit.policies.policy_documents import UNREADABLE, Principal, parse_policy
from ir_kit.policies.public_access import public_statements, public_status

OPEN = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
ASKED = Request(Principal("anonymous"), "s3:GetObject", "arn:aws:s3:::b/k", "111122223333")


def read(*statements: Any, **more: Any) -> Any:
    return parse_policy({"Version": "2012-10-17", "Statement": list(statements), **more}, "bucket policy of b")


@pytest.mark.parametrize(
    "document",
    [
        {"Version": "2012-10-17", "Statement": OPEN},
        {"Version": "2012-10-17", "Statement": [OPEN | {"Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::b/*"]}]},
        json.dumps({"Version": "2012-10-17", "Statement": OPEN}),
        quote(json.dumps({"Version": "2012-10-17", "Statement": OPEN})),
        {"Id": "x", "Statement": [OPEN]},
    ],
)
def test_one_statement_reads_the_same_however_it_is_written(document: Any) -> None:
    policy = parse_policy(document, "bucket policy of b")
    assert policy.unreadable is None
    assert decide(ASKED, Policies(resource=[policy])).status == "yes"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (None, "there is no document"),
        ("", "it is not JSON"),
        ("{", "it is not JSON"),
        ("[]", "it is not a JSON object"),
        ("7", "it is not a JSON object"),
        ("{}", "it has no Statement"),
        ('{"Statement": [], "Statement": []}', "it gives Statement twice"),
        ('{"Version": "2012-10-18", "Statement": []}', "its Version is 2012-10-18"),
        ('{"Version": ["2012-10-17"], "Statement": []}', "its Version is"),
        ("[" * 100_000, "it is nested too deeply"),
    ],
)
def test_a_document_that_cannot_be_read_says_why(document: str | None, reason: str) -> None:
    policy = parse_policy(document, "bucket policy of b")
    assert (policy.unreadable or "").startswith(reason)
    decision = decide(ASKED, Policies(resource=[policy]))
    assert (decision.status, decision.statement) == ("unknown", "bucket policy of b")
    assert (public_status(policy), public_statements(policy)) == ("unknown", [])


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        (7, "it is not a JSON object"),
        (OPEN | {"Effect": "allow"}, "its Effect is neither Allow nor Deny"),
        ({"Effect": "Allow", "Principal": "*", "Resource": "*"}, "it has neither Action nor NotAction"),
        (OPEN | {"NotAction": "s3:PutObject"}, "it has both Action and NotAction"),
        (OPEN | {"condition": {}}, "it has an element that AWS does not know (condition)"),
        (OPEN | {"NotResource": "*"}, "it has both Resource and NotResource"),
        (OPEN | {"NotPrincipal": {"AWS": "*"}}, "it has both Principal and NotPrincipal"),
        (OPEN | {"Action": {"s3": "GetObject"}}, "its Action is not text"),
        (OPEN | {"Resource": ["*", None]}, "its Resource is not text"),
        (OPEN | {"Principal": "arn:aws:iam::111122223333:root"}, "its Principal names nobody"),
        (OPEN | {"Principal": {}}, "its Principal names nobody"),
        (OPEN | {"Principal": {"Group": "x"}}, "its Principal is of a kind that AWS does not know"),
        (OPEN | {"Principal": {"AWS": 111122223333}}, "its AWS is not text"),
        (OPEN | {"Condition": []}, "its Condition is not a JSON object"),
        (OPEN | {"Condition": {"Bool": "true"}}, "an operator of its Condition is not a JSON object"),
        (OPEN | {"Condition": {"Bool": {"aws:SecureTransport": {}}}}, "a value of its Condition is neither text"),
        (OPEN | {"Resource": "arn:aws:s3:::b/\ufdd0"}, "its Resource holds U+FDD0"),
    ],
)
def test_a_statement_that_cannot_be_read_leaves_the_others_readable(statement: Any, fault: str) -> None:
    listing = {"Sid": "List", "Effect": "Allow", "Principal": "*", "Action": "s3:ListBucket", "Resource": "*"}
    policy = read(statement, listing)
    assert (policy.statements[0].fault or "").startswith(fault)
    assert decide(ASKED, Policies(resource=[policy])).status == "unknown"
    listed = Request(Principal("anonymous"), "s3:ListBucket", "arn:aws:s3:::b", "111122223333")
    decision = decide(listed, Policies(resource=[policy]))
    assert (decision.status == "yes") == (policy.statements[0].effect == "Allow")


@pytest.mark.parametrize("where", ["Effect", "Action", "Condition"])
def test_a_name_given_twice_is_not_read_as_either(where: str) -> None:
    written = json.dumps(OPEN | {"Condition": {"Bool": {"aws:SecureTransport": "true"}}})
    twice = {
        "Effect": written.replace('"Effect": "Allow"', '"Effect": "Deny", "Effect": "Allow"'),
        "Action": written.replace('"Action":', '"Action": "s3:*", "Action":'),
        "Condition": written.replace('{"Bool":', '{"Bool": {"aws:SecureTransport": "false"}, "Bool":'),
    }[where]
    policy = parse_policy(f'{{"Version": "2012-10-17", "Statement": {twice}}}', "bucket policy of b")
    assert "twice" in (policy.statements[0].fault or "")
    assert decide(ASKED, Policies(resource=[policy])).status == "unknown"
    assert policy.statements[0].effect == (None if where == "Effect" else "Allow")


def test_a_statement_is_named_by_policy_place_and_sid() -> None:
    policy = read(OPEN, OPEN | {"Sid": "AllowPublic"}, OPEN | {"Sid": ["odd"]})
    assert [statement.name for statement in policy.statements] == [
        "bucket policy of b, statement 1",
        "bucket policy of b, statement 2 (AllowPublic)",
        "bucket policy of b, statement 3",
    ]


def test_a_statement_keeps_what_its_author_wrote() -> None:
    (statement,) = read(OPEN | {"Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}).statements
    assert statement.principals is not None and statement.principals.everybody
    assert statement.resources == ("arn:aws:s3:::b/*",)
    assert [str(test) for test in statement.conditions] == ["IpAddress aws:SourceIp 203.0.113.0/24"]


def test_policies_that_nobody_could_read_decide_nothing() -> None:
    assert decide(ASKED, Policies(resource=[UNREADABLE])).status == "unknown"
    assert decide(ASKED, Policies(resource=[UNREADABLE, read(OPEN)])).status == "unknown"
    assert decide(ASKED, Policies(resource=[UNREADABLE, read(OPEN | {"Effect": "Deny"})])).status == "no"


def test_a_summary_says_the_conditions_and_whom_the_statement_leaves_out() -> None:
    left_out = {
        "AWS": ["*", "arn:aws:iam::444455556666:root", "arn:aws:iam::111122223333:user/a", "AIDAEXAMPLE"],
        "Service": "cloudtrail.amazonaws.com",
        "Federated": "accounts.google.com",
        "CanonicalUser": "79a5",
    }
    condition = {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24"]}, "Bool": {"aws:SecureTransport": True}}
    statement = {key: value for key, value in OPEN.items() if key != "Principal"} | {"Condition": condition}
    conditions = "IpAddress aws:SourceIp 203.0.113.0/24; Bool aws:SecureTransport true"
    assert read(statement | {"Principal": "*"}).statements[0].terms == conditions
    assert read(statement | {"NotPrincipal": left_out}).statements[0].terms == (
        "all but *, 444455556666, AIDAEXAMPLE, arn:aws:iam::111122223333:user/a, cloudtrail.amazonaws.com, "
        f"accounts.google.com, 79a5; {conditions}"
    )


def test_a_public_statement_says_why_its_conditions_do_not_count() -> None:
    condition = {"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}, "StringLike": {"aws:Referer": "https://example.com/*"}}
    (found,) = public_statements(read(OPEN | {"Condition": condition}))
    assert "aws:SourceIp (IpAddress) names 0.0.0.0/1, wider than /8" in found.reason
    assert "aws:Referer (StringLike) is none of the keys that count" in found.reason


def test_a_hostile_pattern_is_not_tried_from_every_place() -> None:
    """With backtracking this would take years."""
    hostile = "*a" * 2000 + "b"
    policy = read(
        OPEN | {"Resource": f"arn:aws:s3:::b/{hostile}"},
        OPEN | {"Condition": {"StringLike": {"aws:UserAgent": hostile}}},
    )
    key = "arn:aws:s3:::b/" + "a" * 1000
    asked = Request(Principal("anonymous"), "s3:GetObject", key, "111122223333", {"aws:UserAgent": "a" * 4000})
    assert decide(asked, Policies(resource=[policy])).status == "no"
