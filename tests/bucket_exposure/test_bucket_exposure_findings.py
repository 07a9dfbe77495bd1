"""Findings on exposure: what is not known is said so, what was opened and undone is not forgotten."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from ir_kit.bucket_exposure.findings import findings as bucket_exposure_findings
from ir_kit.findings import Finding

CLOSED, REFUSED, UNDONE, GUARDED, BRIEF = "closed", "refused", "undone", "guarded", "brief"
OWNER = "a" * 64
NO_BLOCK = "NoSuchPublicAccessBlockConfiguration"
BLOCKED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
ENFORCED = {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}}
Told = dict[tuple[str, str], Finding]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The findings on five buckets of one account, by bucket and question."""
    spec = importlib.util.spec_from_file_location(
        "small_world", Path(__file__).parents[1] / "questions" / "conftest.py"
    )
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    world = module.SmallWorld(tmp_path_factory.mktemp("exposure") / "runs")
    fill(world)
    case = world.case(responders=[world.role_arn("ir")])
    return {(one.subject.bucket or "", one.question_id): one for one in bucket_exposure_findings(case)}


def fill(world: Any) -> None:
    listed = [{"Name": name} for name in (CLOSED, REFUSED, UNDONE, GUARDED, BRIEF)]
    world.answer("s3", "ListBuckets", {}, {"Buckets": listed, "Owner": {"ID": OWNER}})
    world.answer("s3control", "GetPublicAccessBlock", {"AccountId": world.account}, error=NO_BLOCK)
    for one in listed:
        of = {"Bucket": one["Name"]}
        world.answer("s3", "GetPublicAccessBlock", of, error=NO_BLOCK)
        error = "AccessDenied" if one["Name"] == REFUSED else "NoSuchBucketPolicy"
        world.answer("s3", "GetBucketPolicy", of, error=error)
        world.answer("s3", "GetBucketAcl", of, {"Owner": {"ID": OWNER}, "Grants": []})
        world.answer("s3", "GetBucketOwnershipControls", of, ENFORCED)
        world.answer("s3", "GetBucketReplication", of, error="ReplicationConfigurationNotFoundError")
        world.answer("s3", "ListBucketInventoryConfigurations", of, {"IsTruncated": False})
    public = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{UNDONE}/*"}
    put = {"bucketName": UNDONE, "bucketPolicy": {"Statement": public}}
    world.call("10:00", world.owner, "PutBucketPolicy", source="s3", requestParameters=put)
    world.call("12:00", world.owner, "DeleteBucketPolicy", source="s3", requestParameters={"bucketName": UNDONE})
    put = {"bucketName": BRIEF, "bucketPolicy": {"Statement": public | {"Resource": f"arn:aws:s3:::{BRIEF}/*"}}}
    world.call("13:00", world.owner, "PutBucketPolicy", source="s3", requestParameters=put)
    world.call("13:02", world.owner, "DeleteBucketPolicy", source="s3", requestParameters={"bucketName": BRIEF})
    block = {"bucketName": GUARDED, "PublicAccessBlockConfiguration": BLOCKED}
    responder = world.role_session("ir", "triage", "ASIARESPONDERXXXXXX", "09:00")
    world.call("10:00", responder, "PutBucketPublicAccessBlock", source="s3", requestParameters=block)
    arn = f"arn:aws:cloudtrail:us-east-1:{world.account}:trail/t"
    trail = {"Name": "t", "TrailARN": arn, "HomeRegion": "us-east-1", "S3BucketName": "logs", "IsMultiRegionTrail": True,
             "IncludeGlobalServiceEvents": True}  # fmt: skip
    world.answer("cloudtrail", "DescribeTrails", {}, {"trailList": [trail]})
    world.answer("cloudtrail", "GetTrailStatus", {"Name": arn}, {"IsLogging": True})
    selectors = [{"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": []}]
    world.answer("cloudtrail", "GetEventSelectors", {"TrailName": arn}, {"EventSelectors": selectors})


def test_not_public_is_not_observed_where_the_settings_were_read(told: Told) -> None:
    assert told[CLOSED, "public"].status == "not_observed"
    assert told[CLOSED, "cross_account"].status == "not_observed"


def test_nobody_came_is_not_knowable_without_a_log_of_objects(told: Told) -> None:
    assert told[CLOSED, "outsider_access"].status == "not_knowable"
    assert told[CLOSED, "outsider_access"].confidence == "low"


def test_no_change_is_not_observed_where_management_events_were_on(told: Told) -> None:
    assert told[CLOSED, "exposure_changed"].status == "not_observed"


def test_a_refused_policy_leaves_it_open(told: Told) -> None:
    public = told[REFUSED, "public"]
    assert (public.status, public.confidence) == ("not_knowable", "low")
    assert any("AccessDenied" in limit for limit in public.limits)


def test_what_was_public_for_two_hours_is_observed_though_it_is_so_no_longer(told: Told) -> None:
    public = told[UNDONE, "public"]
    assert (public.status, public.values["public_status"], public.values["public_hours"]) == ("observed", "no", 2.0)
    assert "it no longer is" in public.statement


def test_two_minutes_are_not_told_as_no_hours(told: Told) -> None:
    assert "brief was public for 2 min of the window" in told[BRIEF, "public"].statement


def test_changes_count_by_effect_and_by_whom(told: Told) -> None:
    changed = told[UNDONE, "exposure_changed"]
    assert changed.values["changes"] == changed.values["by_reached_credentials"] == 2
    assert changed.values["effect_opens"] == changed.values["effect_closes"] == 1
    assert changed.values["still_standing"] == 0
    assert len(changed.evidence[0].event_ids or []) == 2
    assert "access was granted to * (read)" in changed.statement


def test_a_responders_change_is_left_out_and_said_so(told: Told) -> None:
    changed = told[GUARDED, "exposure_changed"]
    assert changed.values["changes"] == 0
    assert any("investigation's own" in limit and "1 change" in limit for limit in changed.limits)


def test_each_is_a_line_of_json_about_its_bucket(told: Told) -> None:
    assert len(told) == 5 * 5
    for (bucket, _), finding in told.items():
        assert json.loads(finding.line())["subject"] == {"bucket": bucket}
