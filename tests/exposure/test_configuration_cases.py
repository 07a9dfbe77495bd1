"""Configurations by others, with the verdict that a posture tool expects: each agreement and difference is explained."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from bucket_answers import Answers

from ir_kit.domain.logic import any_of

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "bucket_config.yaml").read_text(encoding="utf-8"))
# the rules that speak of who may do what; the others of the file are about logging, encryption, versions and names
ABOUT_ACCESS = re.compile(r"Action|Principal|Public|ConfusedDeputy|SecureAccess")


@pytest.fixture(scope="module")
def configurations(shared_data: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Their cases, by rule and name."""
    lines = (shared_data / "cases" / "bucket_config.jsonl").read_text(encoding="utf-8").splitlines()
    return {(one["policy"], one["test"]): one for one in map(json.loads, lines)}


def adapted(resource: dict[str, Any]) -> tuple[Answers, str]:
    """Their shape of a bucket as the answers of the calls that it was made from."""
    policy = resource.get("Policy")
    named = re.search(r'arn:aws:s3:::([^"/]+)', policy or "")
    name = named[1] if named else resource["Name"]
    answers = Answers()
    owner = (resource.get("Owner") or {}).get("ID", "o" * 64)
    answers.says("s3", "ListBuckets", {}, {"Buckets": [{"Name": name}], "Owner": {"ID": owner}})
    acl = {"Owner": {"ID": owner}, "Grants": resource.get("Grants") or []}
    block = resource.get("PublicAccessBlockConfiguration")
    for operation, response, error in (
        ("GetBucketPolicy", {"Policy": policy} if policy else None, "NoSuchBucketPolicy"),
        ("GetBucketAcl", acl, None),
        (
            "GetPublicAccessBlock",
            {"PublicAccessBlockConfiguration": block} if block else None,
            "NoSuchPublicAccessBlockConfiguration",
        ),
        ("GetBucketOwnershipControls", None, "OwnershipControlsNotFoundError"),
        ("GetBucketWebsite", None, "NoSuchWebsiteConfiguration"),
    ):
        answers.bucket(operation, response, error=None if response else error, name=name)
    return answers, name


def answered(question: str, answers: Answers, name: str) -> str:
    """Our answer to the question that stands for their rule."""
    if question == "public":
        return answers.verdict(name).public_status
    ways = answers.exposure().grants[name]
    if question == "admin":
        return any_of(way.effective_status for way in ways if way.access == "admin")
    kinds = {"public_read": ("read", "list"), "public_write": ("write",)}[question]
    return any_of(way.public_status for way in ways if way.access in kinds)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['policy']}: {case['test']}")
def test_a_configuration_of_others_is_answered_as_explained(
    case: dict[str, Any], configurations: dict[tuple[str, str], dict[str, Any]]
) -> None:
    theirs = configurations[case["policy"], case["test"]]
    ours = answered(case["question"], *adapted(theirs["resource"]))
    assert ours == case["ours"]
    assert (theirs["expected_compliant"] == (ours == "no")) == case["agrees"]
    assert case["why"]


def test_every_configuration_that_speaks_of_access_is_explained(
    configurations: dict[tuple[str, str], dict[str, Any]],
) -> None:
    speaking = {at for at in configurations if at[0].startswith("AWS.S3") and ABOUT_ACCESS.search(at[0])}
    assert speaking == {(case["policy"], case["test"]) for case in CASES}
