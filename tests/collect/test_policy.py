"""Facts on the least-privilege policy: one list, four places."""

from __future__ import annotations

import ast
import json
import re
from fnmatch import fnmatchcase
from pathlib import Path

import botocore.session
import pytest
import yaml

from ir_kit.aws.operations import ALLOWED, OPERATIONS, actions
from ir_kit.collect import policy

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "policy"
READING = re.compile(r"(Get|List|Describe|Lookup|Generate)[A-Z]\w*|Decrypt")


def test_the_policy_names_every_action_of_the_list_and_no_other() -> None:
    named: list[str] = []
    for statement in policy.policy_document()["Statement"]:
        action = statement["Action"]
        named += [action] if isinstance(action, str) else action
    assert sorted(named) == list(actions())
    assert all(READING.fullmatch(one.partition(":")[2]) for one in named)


def test_the_policy_fits_into_a_managed_policy() -> None:
    assert len(json.dumps(policy.policy_document(), separators=(",", ":"))) < 6144


def test_the_roles_in_docs_grant_what_the_policy_says() -> None:
    assert json.loads((DOCS / "ir-kit-collect.json").read_text()) == policy.policy_document()
    template = yaml.safe_load((DOCS / "ir-kit-collect.cloudformation.yaml").read_text())
    granted = template["Resources"]["CollectRole"]["Properties"]["Policies"]
    assert [one["PolicyDocument"] for one in granted] == [policy.policy_document()]
    last = (DOCS / "ir-kit-collect.tf").read_text().rpartition("policy = jsonencode(")[2]
    assert json.loads(last[: last.rindex(")")]) == policy.policy_document()


@pytest.mark.parametrize(
    ("key", "read"),
    [
        ("AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/01/111122223333_CloudTrail_us-east-1_x.json.gz", True),
        ("pre/fix/AWSLogs/o-abc/111122223333/CloudTrail-Digest/us-east-1/2026/03/01/x.json.gz", True),
        ("2026-03-01-00-10-20-0123456789ABCDEF", True),
        ("logs/b-2026-03-01-00-10-20-0123456789ABCDEF", True),
        ("111122223333/us-east-1/b/2026/03/01/2026-03-01-00-00-00-0123456789ABCDEF", True),
        ("inventory/b/daily/2026-03-01T01-00Z/manifest.json", True),
        ("customers/2026/00001.json", False),
        ("exports/report-2026-03-01.csv", False),
        ("data/records.parquet", False),
    ],
)
def test_the_role_reads_logs_and_not_what_customers_store(key: str, read: bool) -> None:
    arn = f"arn:aws:s3:::bucket/{key}"
    assert any(fnmatchcase(arn, pattern) for pattern in policy.LOG_OBJECTS) is read


def named_operations() -> set[str]:
    """Every name of an operation of AWS that the code of the collection spells, in either case."""
    session = botocore.session.get_session()
    models = [session.get_service_model(service) for service in {operation.service for operation in OPERATIONS}]
    known = {name for model in models for name in model.operation_names}
    snake = {botocore.xform_name(name): name for name in known}
    found = set()
    for folder in ("aws", "collect"):
        for path in (ROOT / "ir_kit" / folder).glob("*.py"):
            if path.name == "operations.py":
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found |= known.intersection(node.value.split())
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in snake:
                    found.add(snake[node.func.attr])
    return found


def test_the_code_names_no_operation_that_the_list_lacks() -> None:
    listed = {name for _, name in ALLOWED}
    # the archive's client, which has a guard of its own
    assert named_operations() - listed <= {"PutObject"}


def test_the_list_holds_no_operation_that_the_code_does_not_name() -> None:
    # by which botocore finds the Region of a bucket where a redirect does not name it
    assert {name for _, name in ALLOWED} - named_operations() == {"HeadBucket"}
