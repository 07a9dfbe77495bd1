"""Steps to close what is open: whole, quoted, and for what is open alone."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from ir_kit.bucket_exposure.closing_steps import steps_to_close

HOSTILE = "-x'; rm -rf ~ #$(id)`id`"
PUBLIC = {"Sid": "Everybody", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
OWN = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}


def grant(bucket: str, path: str, statement: str, *, public: str = "yes", foreign: str = "no") -> dict[str, Any]:
    return {
        "bucket": bucket, "path": path, "grantee": "*", "access": "read", "statement": statement, "public_status": public,
        "cross_account_status": foreign,
    }  # fmt: skip


def steps(
    *grants: dict[str, Any], answer: Any = None, changes: tuple[dict[str, Any], ...] = ()
) -> list[dict[str, Any]]:
    buckets = [{"bucket": one["bucket"], "region": "eu-west-1"} for one in grants]
    return steps_to_close(grants, changes, buckets, lambda operation, bucket: answer)


def words(step: dict[str, Any]) -> list[str]:
    return shlex.split(step["snippet"].splitlines()[0])


def test_a_statement_is_taken_out_and_the_others_stay() -> None:
    answer = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [OWN, PUBLIC]})}
    step = next(
        one for one in steps(grant("b", "policy", "Everybody"), answer=answer) if one["action"] == "remove_statements"
    )
    told = words(step)
    assert told[:3] == ["aws", "s3api", "put-bucket-policy"] and "--bucket=b" in told and "eu-west-1" in told
    assert json.loads(told[-1]) == {"Version": "2012-10-17", "Statement": [OWN]}


def test_the_last_statement_goes_with_its_policy() -> None:
    answer = {"Policy": json.dumps({"Statement": {name: value for name, value in PUBLIC.items() if name != "Sid"}})}
    found = steps(grant("b", "policy", "statement 1"), answer=answer)
    assert [words(one)[2] for one in found if one["action"] == "remove_statements"] == ["delete-bucket-policy"]


def test_a_policy_that_was_not_collected_is_not_written_over() -> None:
    step = next(one for one in steps(grant("b", "policy", "Everybody")) if one["action"] == "remove_statements")
    assert words(step)[2] == "get-bucket-policy"


@pytest.mark.parametrize(
    "path", ["policy", "acl", "object_acl", "website", "replication", "inventory", "access_point", "access_grant"]
)
def test_a_hostile_name_is_one_word_and_no_option(path: str) -> None:
    for step in steps(grant(HOSTILE, path, HOSTILE), answer={"Policy": json.dumps({"Statement": [PUBLIC]})}):
        for part in ("snippet", "check"):
            for line in step[part].splitlines():
                told = shlex.split(line, comments=True)
                assert told[0] == "aws" and "rm" not in told and HOSTILE not in told
                assert path.startswith("access") or f"--bucket={HOSTILE}" in told


def test_what_is_closed_has_no_step() -> None:
    assert (
        steps(grant("b", "policy", "x", public="no"), grant("c", "acl", "x", public="unknown", foreign="unknown")) == []
    )


def test_what_a_reached_credential_opened_comes_first() -> None:
    change = {"bucket": "z", "is_reached": True, "effect": "opens", "stands_status": "yes", "opened_to": ["* (read)"]}
    found = steps(
        grant("a", "acl", "READ"),
        grant("z", "website", "x"),
        grant("o", "acl", "x", public="no", foreign="yes"),
        changes=(change,),
    )
    assert [one["priority"] for one in found] == sorted(one["priority"] for one in found)
    assert found[0]["bucket"] == "z" and "compromised credential" in found[0]["reason"]
    assert found[-1]["bucket"] == "o"


def test_only_the_rule_that_leads_out_is_taken_from_replication() -> None:
    rules = [{"ID": "out", "Status": "Enabled"}, {"ID": "home", "Status": "Enabled"}]
    answer = {"ReplicationConfiguration": {"Role": "r", "Rules": rules}}
    found = steps(grant("b", "replication", "out", public="no", foreign="yes"), answer=answer)
    assert json.loads(words(found[0])[-1])["Rules"] == [rules[1]]
