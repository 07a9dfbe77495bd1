"""Snippets: whole where they replace, quoted whatever they name, and of the shape that AWS's own model asks for."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from typing import Any

import botocore.loaders
import pytest
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from ir_kit.logging_gaps.bucket_snippets import (
    Policy,
    access_logging,
    deliveries_allowed,
    protected_bucket,
    reached_denied,
)
from ir_kit.logging_gaps.snippets import command, guardduty, hcl, hcl_text, template
from ir_kit.logging_gaps.trail_snippets import (
    TrailNow,
    as_advanced,
    data_events,
    new_trail,
    started,
    updated_trail,
    with_buckets,
)

ARN = "arn:aws:cloudtrail:us-east-1:111122223333:trail/main"
TRAIL = TrailNow("main", ARN, "us-east-1", "trail-logs", "security/", True, True, True, False, True, {})
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


def accepted(service: str, operation: str, parameters: dict[str, Any]) -> None:
    """Does botocore's model take these parameters?"""
    model = ServiceModel(botocore.loaders.Loader().load_service_model(service, "service-2"))
    shape = model.operation_model(operation).input_shape
    assert shape is not None
    report = ParamValidator().validate(parameters, shape)
    assert not report.has_errors(), report.generate_report()


def option(line: str, name: str) -> Any:
    words = shlex.split(line)
    return json.loads(words[words.index(name) + 1])


BASIC = [
    {
        "ReadWriteType": "All",
        "IncludeManagementEvents": True,
        "ExcludeManagementEventSources": ["kms.amazonaws.com"],
        "DataResources": [
            {"Type": "AWS::Lambda::Function", "Values": ["arn:aws:lambda"]},
            {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::kept/"]},
        ],
    }
]
ADVANCED = [{"Name": "kept", "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}]


def test_basic_selectors_keep_what_is_there_and_gain_the_bucket() -> None:
    found = with_buckets({"EventSelectors": BASIC}, ["new"])["EventSelectors"]
    assert found[0]["ExcludeManagementEventSources"] == ["kms.amazonaws.com"]
    assert found[0]["DataResources"][0] == BASIC[0]["DataResources"][0]
    assert found[0]["DataResources"][1]["Values"] == ["arn:aws:s3:::kept/", "arn:aws:s3:::new/"]


def test_what_is_there_is_not_changed_in_place() -> None:
    before = json.dumps(BASIC)
    with_buckets({"EventSelectors": BASIC}, ["new"])
    assert json.dumps(BASIC) == before


def test_a_bucket_that_is_there_already_is_not_named_twice() -> None:
    found = with_buckets({"EventSelectors": BASIC}, ["kept"])["EventSelectors"]
    assert found[0]["DataResources"][1]["Values"] == ["arn:aws:s3:::kept/"]


def test_a_selector_for_reads_alone_is_left_and_one_for_all_added() -> None:
    reads = [{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True, "DataResources": []}]
    found = with_buckets({"EventSelectors": reads}, ["new"])["EventSelectors"]
    assert found[0] == reads[0]
    assert (found[1]["ReadWriteType"], found[1]["IncludeManagementEvents"]) == ("All", False)


def test_a_trail_without_selectors_keeps_its_management_events() -> None:
    found = with_buckets({}, ["new"])["EventSelectors"]
    assert found[0]["IncludeManagementEvents"] is True
    assert found[0]["DataResources"][0]["Values"] == ["arn:aws:s3:::new/"]


def test_advanced_selectors_stay_and_gain_one() -> None:
    found = with_buckets({"AdvancedEventSelectors": ADVANCED}, ["a", "b"])["AdvancedEventSelectors"]
    assert found[0] == ADVANCED[0]
    assert found[1]["FieldSelectors"][2] == {
        "Field": "resources.ARN",
        "StartsWith": ["arn:aws:s3:::a/", "arn:aws:s3:::b/"],
    }


def test_more_buckets_than_basic_selectors_hold_become_advanced_and_lose_nothing() -> None:
    found = with_buckets({"EventSelectors": BASIC}, [f"b{number}" for number in range(250)])["AdvancedEventSelectors"]
    fields = [{field["Field"]: field for field in one["FieldSelectors"]} for one in found]
    assert fields[0]["eventSource"]["NotEquals"] == ["kms.amazonaws.com"]
    assert fields[1]["resources.type"]["Equals"] == ["AWS::Lambda::Function"] and "resources.ARN" not in fields[1]
    assert fields[2]["resources.ARN"]["StartsWith"] == ["arn:aws:s3:::kept/"]
    assert len(fields[3]["resources.ARN"]["StartsWith"]) == 250


def test_five_selectors_without_room_become_advanced() -> None:
    full = [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": False, "DataResources": []}] * 5
    assert list(with_buckets({"EventSelectors": full}, ["b"])) == ["AdvancedEventSelectors"]


def test_read_only_and_write_only_are_kept_in_advanced_selectors() -> None:
    fields = as_advanced([{"ReadWriteType": "WriteOnly", "DataResources": []}])[0]["FieldSelectors"]
    assert {"Field": "readOnly", "Equals": ["false"]} in fields


def test_a_data_resource_without_values_selects_nothing() -> None:
    one = {"IncludeManagementEvents": False, "DataResources": [{"Type": "AWS::S3::Object", "Values": []}]}
    assert as_advanced([one]) == []


@pytest.mark.parametrize("selectors", [{}, {"EventSelectors": BASIC}, {"AdvancedEventSelectors": ADVANCED}])
def test_the_selectors_of_a_snippet_are_what_the_api_takes(selectors: dict[str, Any]) -> None:
    snippet = data_events(TRAIL._replace(selectors=selectors), ["new"])
    name = "AdvancedEventSelectors" if "AdvancedEventSelectors" in selectors else "EventSelectors"
    flag = "--advanced-event-selectors" if name == "AdvancedEventSelectors" else "--event-selectors"
    value = option(snippet.cli, flag)
    accepted("cloudtrail", "PutEventSelectors", {"TrailName": ARN, name: value})
    assert json.loads(snippet.cloudformation or "")["Resources"]["Trail"]["Properties"][name] == value


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not here")
@pytest.mark.parametrize("now", [{"EventSelectors": BASIC}, {"AdvancedEventSelectors": ADVANCED}, {}])
def test_selectors_that_are_not_known_are_fetched_and_added_to(now: dict[str, Any], tmp_path: Any) -> None:
    calls = tmp_path / "put.json"
    fake = tmp_path / "aws"
    fake.write_text(
        f"#!/bin/sh\nif [ \"$2\" = get-event-selectors ]; then echo '{json.dumps(now)}'\n"
        f'else for last; do :; done; printf %s "$last" > {calls}; fi\n'
    )
    fake.chmod(0o755)
    snippet = data_events(TRAIL._replace(selectors=None), ["new"])
    assert snippet.cloudformation is None
    subprocess.run(["/bin/sh", "-c", snippet.cli], check=True, env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    put = json.loads(calls.read_text())
    for name, value in now.items():
        assert put[name][:-1] == value
    accepted("cloudtrail", "PutEventSelectors", {"TrailName": ARN, **put})
    assert "arn:aws:s3:::new/" in json.dumps(put)


# buckets


def logging(bucket: str = "b", **more: Any) -> Any:
    given: dict[str, Any] = {
        "prefix": "",
        "account": "111122223333",
        "target_is_new": False,
        "known_off": True,
        "policy": None,
    }
    return access_logging(bucket, "eu-west-1", "logs", **(given | more))


def test_the_status_of_access_logging_is_what_the_api_takes() -> None:
    status = option(logging().cli, "--bucket-logging-status")
    accepted("s3", "PutBucketLogging", {"Bucket": "b", "BucketLoggingStatus": status})
    assert status["LoggingEnabled"]["TargetBucket"] == "logs"


def test_a_new_log_bucket_is_made_first() -> None:
    lines = logging(target_is_new=True).cli.splitlines()
    assert lines[0].startswith("aws s3api create-bucket --bucket logs --region eu-west-1")
    assert lines[0].endswith("LocationConstraint=eu-west-1")
    assert "put-bucket-logging" in lines[-1]


def test_access_logging_that_may_be_on_is_not_overwritten(tmp_path: Any) -> None:
    fake, calls = tmp_path / "aws", tmp_path / "calls"
    for answer, puts in (("logs", False), ("", True)):
        calls.write_text("")
        fake.write_text(
            f'#!/bin/sh\necho "$2" >> {calls}\n[ "$2" = get-bucket-logging ] && printf %s "{answer}"\nexit 0\n'
        )
        fake.chmod(0o755)
        subprocess.run(
            ["/bin/sh", "-c", logging(known_off=False).cli], check=False, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}
        )
        assert ("put-bucket-logging" in calls.read_text()) is puts


def test_protection_is_what_the_api_takes() -> None:
    statement = reached_denied("logs", ["arn:aws:iam::111122223333:user/u"])
    policy = Policy("logs", {"Version": "2012-10-17", "Statement": [statement]}, [statement])
    snippet = protected_bucket("logs", "us-east-1", versioning=True, lock_days=360, policy=policy, denied=["u"])
    versioning, lock, put = snippet.cli.splitlines()
    assert versioning.endswith("Status=Enabled")
    value = option(lock, "--object-lock-configuration")
    accepted("s3", "PutObjectLockConfiguration", {"Bucket": "logs", "ObjectLockConfiguration": value})
    assert option(put, "--policy")["Statement"] == [statement]
    assert len(snippet.check.splitlines()) == 3


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not here")
@pytest.mark.parametrize(
    "now", [[{"Sid": "Mine"}], {"Sid": "Mine"}, [{"Sid": "Mine"}, {"Sid": "IrKitAccessLogDelivery"}], [{}]]
)
def test_a_policy_that_is_not_known_is_fetched_and_added_to(now: Any, tmp_path: Any) -> None:
    added = [deliveries_allowed("logs", "111122223333")]
    calls, fake = tmp_path / "put.json", tmp_path / "aws"
    fake.write_text(
        f"#!/bin/sh\nif [ \"$2\" = get-bucket-policy ]; then echo '{json.dumps({'Statement': now})}'\n"
        f'else for last; do :; done; printf %s "$last" > {calls}; fi\n'
    )
    fake.chmod(0o755)
    (line,) = Policy("logs", None, added).commands("us-east-1")
    subprocess.run(["/bin/sh", "-c", line], check=True, env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    kept = [one for one in (now if isinstance(now, list) else [now]) if one.get("Sid") != "IrKitAccessLogDelivery"]
    assert json.loads(calls.read_text())["Statement"] == [*kept, *added]


def test_features_of_guardduty_are_what_the_api_takes() -> None:
    accepted(
        "guardduty",
        "UpdateDetector",
        {"DetectorId": "d", "Features": [{"Name": "S3_DATA_EVENTS", "Status": "ENABLED"}]},
    )
    assert '[{"Name":"S3_DATA_EVENTS","Status":"ENABLED"}]' in guardduty("us-east-1").cli


@pytest.mark.parametrize(
    "snippet",
    [
        data_events(TRAIL, ["b"]),
        updated_trail(TRAIL, "validation"),
        updated_trail(TRAIL, "multi_region"),
        started(TRAIL),
        new_trail(TRAIL, "111122223333"),
        guardduty("us-east-1"),
        logging(),
        protected_bucket("b", "us-east-1", versioning=True, lock_days=None, policy=None, denied=()),
    ],
)
def test_every_snippet_has_its_check_its_warning_and_all_three_forms(snippet: Any) -> None:
    assert all(snippet)
    assert json.loads(snippet.cloudformation)["Resources"]
    assert snippet.terraform.startswith("resource ")
    assert subprocess.run(["/bin/sh", "-n", "-c", f"{snippet.cli}\n{snippet.check}"], check=False).returncode == 0


# what logs name


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_one_word_of_the_shell(name: str) -> None:
    words = shlex.split(command("aws", "s3api", "get-bucket-logging", "--bucket", name))
    assert words[-1] == name


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_runs_nothing(name: str, tmp_path: Any) -> None:
    fake = tmp_path / "aws"
    fake.write_text("#!/bin/sh\nexit 0\n")
    fake.chmod(0o755)
    subprocess.run(["/bin/sh", "-c", logging(name).cli], check=True, cwd=tmp_path, env={"PATH": str(tmp_path)})
    assert [path.name for path in tmp_path.iterdir()] == ["aws"]


@given(st.text())
def test_any_text_comes_through_the_shell_and_templates_unchanged(text: str) -> None:
    assert shlex.split(command("x", text))[1] == text
    body = json.loads(template({"B": ("AWS::S3::Bucket", {"BucketName": text})}))
    assert body["Resources"]["B"]["Properties"]["BucketName"] == text
    quoted = hcl_text(text)
    assert json.loads(quoted.replace("$${", "${").replace("%%{", "%{")) == text.replace("$${", "${").replace(
        "%%{", "%{"
    )


@pytest.mark.parametrize("text", ["${file(1)}", "%{ if true }", '"${x}"', "a\nb", "tab\t"])
def test_hcl_never_evaluates_a_name(text: str) -> None:
    quoted = hcl_text(text)
    assert "\n" not in quoted
    assert "${" not in quoted.replace("$${", "") and "%{" not in quoted.replace("%%{", "")


def test_a_terraform_label_is_an_identifier() -> None:
    assert hcl("aws_s3_bucket", '1-a.b"c', {"bucket": "x"}).startswith('resource "aws_s3_bucket" "r_1_a_b_c" {')
