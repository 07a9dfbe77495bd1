"""Commands: whole where they replace, quoted whatever they name, and of the shape that AWS's own model asks for."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from typing import Any

import botocore.loaders
import pytest
from botocore import xform_name
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st
from logging_gaps.small_accounts import ARN, USER, account, answer, of_bucket, planned, step, trail

from ir_kit.domain.documents import rows_of
from ir_kit.domain.shell import aws, command
from ir_kit.logging_gaps.recommendations import PARTS, as_advanced, put_policy, statement, with_buckets

HOSTILE = [
    "$(touch x)",
    "`id`",
    "a'b\"c",
    "-rf",
    "a b",
    "${aws:x}",
    "%{if}",
    "x;reboot",
    "a\nb",
    "<script>",
    "名",
    "\\",
]
FLAGS = {"enable-log-file-validation", "is-multi-region-trail", "include-global-service-events", "enable"}


def accepted(line: str) -> dict[str, Any]:
    """The parameters of a command line, which botocore's model takes."""
    words = shlex.split(line.split("  #")[0])
    _, service, operation, *rest = words
    service = {"s3api": "s3"}.get(service, service)
    model = ServiceModel(botocore.loaders.Loader().load_service_model(service, "service-2"))
    name = next(name for name in model.operation_names if xform_name(name, "-") == operation)
    shape = model.operation_model(name).input_shape
    assert shape is not None
    parameters: dict[str, Any] = {}
    while rest:
        option = rest.pop(0)
        assert option.startswith("--"), line
        if option[2:] in FLAGS:
            value: Any = True
        else:
            value = rest.pop(0)
        if option in ("--region", "--query", "--output", "--max-items"):
            continue
        member = next(member for member in shape.members if xform_name(member, "-") == option[2:])
        kind = shape.members[member].type_name
        if kind in ("structure", "list"):
            value = json.loads(value) if value[0] in "[{" else dict([value.split("=")])
        parameters[member] = value
    if operation in ("update-detector", "get-detector"):
        parameters |= {"DetectorId": "d"}  # the snippet names a shell variable
    report = ParamValidator().validate(parameters, shape)
    assert not report.has_errors(), report.generate_report()
    return parameters


BASIC = [
    {
        "ReadWriteType": "All", "IncludeManagementEvents": True, "ExcludeManagementEventSources": ["kms.amazonaws.com"],
        "DataResources": [
            {"Type": "AWS::Lambda::Function", "Values": ["arn:aws:lambda"]},
            {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::kept/"]},
        ],
    }
]  # fmt: skip
ADVANCED = [{"Name": "kept", "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}]


def test_basic_selectors_keep_what_is_there_and_gain_the_bucket() -> None:
    found = with_buckets({"EventSelectors": BASIC}, ["new"])[1]
    assert found[0] == BASIC[0]
    assert (found[1]["ReadWriteType"], found[1]["IncludeManagementEvents"]) == ("All", False)
    assert found[1]["DataResources"][0]["Values"] == ["arn:aws:s3:::new/"]


def test_a_trail_without_selectors_keeps_its_management_events() -> None:
    assert with_buckets({}, ["new"])[1][0]["IncludeManagementEvents"] is True


def test_advanced_selectors_stay_and_gain_one() -> None:
    found = with_buckets({"AdvancedEventSelectors": ADVANCED}, ["a", "b"])[1]
    arns = {"Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::a/", "arn:aws:s3:::b/"]}
    assert (found[0], found[1]["FieldSelectors"][2]) == (ADVANCED[0], arns)


def test_more_buckets_than_basic_selectors_hold_become_advanced_and_lose_nothing() -> None:
    found = with_buckets({"EventSelectors": BASIC}, [f"b{number}" for number in range(250)])[1]
    fields = [{field["Field"]: field for field in one["FieldSelectors"]} for one in found]
    assert fields[0]["eventSource"]["NotEquals"] == ["kms.amazonaws.com"]
    assert fields[1]["resources.type"]["Equals"] == ["AWS::Lambda::Function"] and "resources.ARN" not in fields[1]
    assert fields[2]["resources.ARN"]["StartsWith"] == ["arn:aws:s3:::kept/"]
    assert len(fields[3]["resources.ARN"]["StartsWith"]) == 250


def test_five_selectors_without_room_become_advanced() -> None:
    full = [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": False, "DataResources": []}] * 5
    assert with_buckets({"EventSelectors": full}, ["b"])[0] == "--advanced-event-selectors"


def test_read_only_and_write_only_are_kept_in_advanced_selectors() -> None:
    fields = as_advanced([{"ReadWriteType": "WriteOnly", "DataResources": []}])[0]["FieldSelectors"]
    assert {"Field": "readOnly", "Equals": ["false"]} in fields


def test_a_data_resource_without_values_selects_nothing() -> None:
    one = {"IncludeManagementEvents": False, "DataResources": [{"Type": "AWS::S3::Object", "Values": []}]}
    assert as_advanced([one]) == []


POLICY = {"Version": "2012-10-17", "Statement": [{"Sid": "Mine"}]}
SETTINGS = {
    "no trail": [*account(aaa="off"), answer("cloudtrail", "DescribeTrails", {}, {"trailList": []})],
    "stopped": [*account(aaa="off"), *trail(logging=False, LogFileValidationEnabled=False, IsMultiRegionTrail=False)],
    "basic": [*account(aaa="off", logs="unknown"), *trail(selectors={"EventSelectors": BASIC})],
    "advanced": [*account(aaa="off", bbb="logs", logs="off"), *trail(selectors={"AdvancedEventSelectors": ADVANCED})],
    "refused": [*account(aaa="unknown", **{"trail-logs": "off"}), *trail(selectors=None)],
    "whole": [
        *account(aaa="off", bbb="logs", logs="off", **{"trail-logs": "off"}), *trail(),
        of_bucket("GetBucketPolicy", "logs", {"Policy": json.dumps(POLICY)}),
        of_bucket("GetBucketLocation", "aaa", {"LocationConstraint": "eu-west-1"}),
    ],
    "policy refused": [row for row in account(bbb="logs", logs="off") if row["operation"] != "GetBucketPolicy"],
}  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_every_command_is_what_the_api_takes_and_has_its_check_and_its_warning(settings: list[Any]) -> None:
    rows = rows_of(planned(settings, principals=[USER]).table())
    assert rows
    for row in rows:
        assert row["snippet"] and row["check"] and row["warning"]
        for line in [*row["snippet"].splitlines(), *row["check"].splitlines()]:
            for part in re.split(r"&& |; (?:then|else|fi)|\$\(", line):
                if part.strip().startswith("aws "):
                    accepted(part.strip().removesuffix(")").split(' --detector-id "')[0])


def test_every_part_of_a_step_is_tried() -> None:
    tables = [planned(settings, principals=[USER]).table() for settings in SETTINGS.values()]
    snippets = "\n".join("\n".join([*table["snippet"], *table["warning"]]) for table in tables)
    for part in PARTS.values():
        words = max(re.split(r"\{[^}]*\}", part.get("snippet") or part["warning"]), key=len)
        assert words in snippets


def test_guardduty_is_switched_on_on_the_detector_that_is_there() -> None:
    row = step(planned([*account(aaa="off"), *trail()]), "enable_guardduty_s3_protection")
    assert subprocess.run(["/bin/sh", "-n", "-c", f"{row['snippet']}\n{row['check']}"], check=False).returncode == 0


def test_what_is_not_known_is_asked_for_and_nothing_is_put() -> None:
    selectors = step(planned(SETTINGS["refused"]), "enable_data_events", "aaa")["snippet"]
    added = statement("IrKitReachedPrincipals", "Deny", "*", "s3:PutObject", "arn:aws:s3:::logs/*")
    policy = put_policy("logs", "us-east-1", None, [added])
    assert accepted(selectors) == {"TrailName": ARN} and accepted(policy) == {"Bucket": "logs"}
    assert "arn:aws:s3:::aaa/" in selectors and "IrKitReachedPrincipals" in policy
    assert "put-" not in selectors + policy


def test_access_logging_that_may_be_on_is_not_overwritten(tmp_path: Any) -> None:
    line = step(planned(account(aaa="unknown", bbb="logs", logs="off")), "enable_server_access_logging", "aaa")[
        "snippet"
    ]
    fake, calls = tmp_path / "aws", tmp_path / "calls"
    for logged, puts in (("logs", False), ("", True)):
        calls.write_text("")
        fake.write_text(
            f'#!/bin/sh\necho "$2" >> {calls}\n[ "$2" = get-bucket-logging ] && printf %s "{logged}"\nexit 0\n'
        )
        fake.chmod(0o755)
        subprocess.run(["/bin/sh", "-c", line], check=False, env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
        assert ("put-bucket-logging" in calls.read_text()) is puts


# what logs name


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_one_word_and_runs_nothing(name: str, tmp_path: Any) -> None:
    assert shlex.split(aws("s3api", "get-bucket-logging", bucket=name))[-1] == name
    fake = tmp_path / "aws"
    fake.write_text("#!/bin/sh\nexit 0\n")
    fake.chmod(0o755)
    region = of_bucket("GetBucketLocation", "aaa", {"LocationConstraint": name})
    settings = [
        *account(aaa="off"),
        region,
        *trail(Name=name, TrailARN=f"{ARN}/{name}", HomeRegion=name, LogFileValidationEnabled=False),
    ]
    rows = rows_of(planned(settings, principals=[name]).table())
    assert len(rows) > 3
    for row in rows:
        words = f"{row['snippet']}\n{row['check']}"
        subprocess.run(["/bin/sh", "-c", words], check=True, cwd=tmp_path, env={"PATH": str(tmp_path)})
    assert [path.name for path in tmp_path.iterdir()] == ["aws"]


@given(st.text())
def test_any_text_comes_through_the_shell_unchanged(text: str) -> None:
    assert shlex.split(command("x", text))[1] == text
