"""Acts against logging and contradictions, on small worlds written as logs and read through a case."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from ir_kit.case import Case
from ir_kit.case_opening import open_case
from ir_kit.coverage.visibility import visible
from ir_kit.domain.documents import rows_of
from ir_kit.engine import outcome_of
from ir_kit.logging_gaps.logging_history import contradictions, tampering
from ir_kit.logging_gaps.logging_history import trails as trail_history

START = datetime(2026, 3, 2, tzinfo=UTC)
TRAIL = "arn:aws:cloudtrail:us-east-1:111122223333:trail/main"
SELECTS_B = [
    {
        "ReadWriteType": "All",
        "IncludeManagementEvents": True,
        "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::b/"]}],
    }
]
LINE = (
    "owner b [{time}] 192.0.2.1 arn:aws:iam::111122223333:user/eve ABCDEFGH12345678 REST.GET.OBJECT k "
    '"GET /b/k HTTP/1.1" 200 - 10 10 5 5 "-" "agent" - hostid SigV4 cipher AuthHeader host TLSv1.2 - -'
)
pytestmark = pytest.mark.filterwarnings("error")


class Written:
    """A world written to a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.records, self.answers, self.lines = folder, [], [], []  # type: ignore[var-annotated]

    def event(
        self,
        hours: float,
        name: str,
        request: Any = None,
        *,
        source: str = "cloudtrail",
        error: str | None = None,
        data: bool = False,
        read: bool = False,
        who: str = "IAMUser",
    ) -> None:
        identity = {
            "type": who,
            "arn": "arn:aws:iam::111122223333:user/eve",
            "accessKeyId": "AKIAEVE",
            "accountId": "111122223333",
        }
        self.records.append(
            {
                "eventVersion": "1.09",
                "eventTime": f"{START + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}",
                "eventName": name,
                "eventSource": f"{source}.amazonaws.com",
                "awsRegion": "us-east-1",
                "sourceIPAddress": "192.0.2.1",
                "userAgent": "x",
                "eventID": f"id-{len(self.records):05}",
                "eventType": "AwsApiCall",
                "eventCategory": "Data" if data else "Management",
                "managementEvent": not data,
                "readOnly": read,
                "recipientAccountId": "111122223333",
                "userIdentity": identity,
                "requestParameters": request or {"name": "main"},
                "responseElements": None,
                **({"errorCode": error} if error else {}),
            }
        )

    def hums(self, start: float = 0, end: float = 24) -> None:
        for number in range(int(start * 4), int(end * 4)):
            self.event(
                number / 4 + 0.01, "ListUsers" if number % 2 else "CreateTags", {}, source="iam", read=bool(number % 2)
            )

    def answer(self, service: str, operation: str, parameters: Any, response: Any) -> None:
        call = {
            "collected_at": "2026-03-04T09:00:00Z",
            "account": "111122223333",
            "region": "us-east-1",
            "service": service,
        }
        self.answers.append({**call, "operation": operation, "parameters": parameters, "response": response})

    def stands(self, logging: bool = True, **fields: Any) -> None:
        one = {
            "Name": "main",
            "TrailARN": TRAIL,
            "HomeRegion": "us-east-1",
            "S3BucketName": "logs",
            "IsMultiRegionTrail": True,
        }
        self.answer("cloudtrail", "DescribeTrails", {}, {"trailList": [{**one, **fields}]})
        self.answer("cloudtrail", "GetTrailStatus", {"Name": TRAIL}, {"IsLogging": logging})
        self.answer(
            "cloudtrail", "GetEventSelectors", {"TrailName": TRAIL}, {"TrailARN": TRAIL, "EventSelectors": SELECTS_B}
        )
        self.answer("s3", "GetBucketLocation", {"Bucket": "b"}, {"LocationConstraint": None})

    def case(self) -> Case:
        home = self.folder / "t"
        path = home / "evidence/cloudtrail/AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/02/one.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"Records": self.records}))
        (home / "evidence/configuration.jsonl").write_text("".join(json.dumps(one) + "\n" for one in self.answers))
        lines = home / "evidence/access-logs/2026-03-02-00-00-00-ABCDEF0123456789"
        lines.parent.mkdir(exist_ok=True)
        moments = [START + timedelta(hours=hours) for hours in self.lines]
        lines.write_text(
            "".join(LINE.format(time=f"{one:%d/%b/%Y:%H:%M:%S +0000}") + f" {one:%H%M}\n" for one in moments)
        )
        fields = {
            "incident": "t",
            "title": "t",
            "access_keys": ["AKIAIOSFODNN7EXAMPLE"],
            "window": {"start": "2026-03-02T00:00:00Z", "end": "2026-03-03T00:00:00Z"},
            "sources": {
                "cloudtrail": ["evidence/cloudtrail"],
                "access_logs": ["evidence/access-logs"],
                "configuration": "evidence/configuration.jsonl",
            },
        }
        (home / "incident.yaml").write_text(yaml.safe_dump(fields))
        return open_case("t", str(self.folder))


@pytest.fixture
def world(tmp_path: Path) -> Written:
    return Written(tmp_path)


def test_a_stopped_trail_cost_the_hours_until_its_restart(world: Written) -> None:
    world.stands()
    world.hums(end=6)
    world.event(3, "GetObject", {"bucketName": "b", "key": "k"}, source="s3", data=True, read=True)
    world.event(6, "StopLogging")
    world.event(9, "StartLogging")
    world.hums(start=9.25)
    found = tampering(world.case())
    assert list(found["event_name"]) == ["StopLogging"], "putting it back is none"
    assert found["outcome"][0] == "success"
    assert found["target"][0] == "main"
    assert "management of one Region not logged for 2 h 55 min" in found["effect"][0]
    assert "data_read of one bucket not logged for 2 h 55 min" in found["effect"][0]


def test_attempts_that_failed_are_told_and_cost_nothing(world: Written) -> None:
    world.stands()
    world.hums()
    world.event(6, "StopLogging", error="AccessDenied")
    world.event(7, "DeleteTrail", error="TrailNotFoundException")
    world.event(
        8,
        "PutBucketLogging",
        {"bucketName": "b", "BucketLoggingStatus": {"xmlns": "x"}},
        source="s3",
        error="AccessDenied",
    )
    world.event(
        9,
        "PutEventSelectors",
        {"trailName": "main", "eventSelectors": [{"includeManagementEvents": False}]},
        error="AccessDenied",
    )
    case = world.case()
    found = tampering(case)
    assert list(found["outcome"]) == ["denied", "error", "denied", "denied"]
    assert found["blind_hours"].eq(0).all()
    assert found["effect"].str.contains("no gap").all()
    rows = visible(case)
    rows = rows[(rows["record_class"] == "data_read") & (rows["bucket"] == "b")]
    assert list(rows["state"]) == ["logged"]


def test_selectors_that_take_a_bucket_away_are_told_by_name(world: Written) -> None:
    world.stands()
    world.hums()
    chosen = [
        {
            "readWriteType": "All",
            "includeManagementEvents": True,
            "dataResources": [{"type": "AWS::S3::Object", "values": ["arn:aws:s3:::b/"]}],
        }
    ]
    world.event(2, "PutEventSelectors", {"trailName": "main", "eventSelectors": chosen})
    world.event(
        6, "PutEventSelectors", {"trailName": "main", "eventSelectors": [{"readWriteType": "All", "dataResources": []}]}
    )
    world.event(9, "PutEventSelectors", {"trailName": "main", "eventSelectors": chosen})
    found = tampering(world.case())
    assert list(found["event_time"].dt.hour) == [6]
    assert "data_read of b" in found["effect"][0]
    assert "management" not in found["effect"][0].partition("until")[0]


def test_access_logging_switched_off_is_told_and_switched_on_is_not(world: Written) -> None:
    world.stands()
    world.hums()
    world.lines = [1, 2, 3]
    off = {"bucketName": "b", "BucketLoggingStatus": {"xmlns": "x"}}
    on = {"bucketName": "b", "BucketLoggingStatus": {"LoggingEnabled": {"TargetBucket": "lines", "TargetPrefix": ""}}}
    world.event(6, "PutBucketLogging", off, source="s3")
    world.event(12, "PutBucketLogging", on, source="s3")
    world.answer(
        "s3", "GetBucketLogging", {"Bucket": "b"}, {"LoggingEnabled": {"TargetBucket": "lines", "TargetPrefix": ""}}
    )
    found = tampering(world.case())
    assert list(found["effect"].str.partition(";")[0]) == ["switches access logging off"]
    assert "not logged for 5 h" in found["effect"][0]


def test_acts_on_log_buckets_count_and_the_same_on_others_do_not(world: Written) -> None:
    world.stands(KmsKeyId="arn:aws:kms:us-east-1:111122223333:key/k-1")
    world.hums()
    rule = {
        "LifecycleConfiguration": {"Rule": {"Status": "Enabled", "Expiration": {"Days": 1}, "ID": "x", "Filter": ""}}
    }
    for bucket in ("logs", "b"):
        world.event(6, "PutBucketLifecycle", {"bucketName": bucket, **rule}, source="s3")
        world.event(
            7,
            "PutBucketVersioning",
            {"bucketName": bucket, "VersioningConfiguration": {"Status": "Suspended"}},
            source="s3",
        )
        world.event(8, "DeleteObject", {"bucketName": bucket, "key": "AWSLogs/x.json.gz"}, source="s3", data=True)
        world.event(
            9, "PutObject", {"bucketName": bucket, "key": "AWSLogs/y.json.gz"}, source="s3", data=True, who="AWSService"
        )
    world.event(10, "ScheduleKeyDeletion", {"keyId": "k-1"}, source="kms")
    world.event(11, "ScheduleKeyDeletion", {"keyId": "k-2"}, source="kms")
    case = world.case()
    found = tampering(case)
    assert list(found["event_name"]) == [
        "PutBucketLifecycle",
        "PutBucketVersioning",
        "DeleteObject",
        "ScheduleKeyDeletion",
    ]
    assert list(found["target"])[2:] == ["logs/AWSLogs/x.json.gz", "k-1"]
    touched = [row for row in rows_of(contradictions(case)) if row["kind"] == "log_bucket_written"]
    assert [row["subject"] for row in touched] == ["logs"]


def test_a_trail_narrowed_by_update_says_by_what(world: Written) -> None:
    world.stands(IsMultiRegionTrail=False, S3BucketName="evil")
    world.hums()
    world.event(6, "UpdateTrail", {"name": TRAIL, "isMultiRegionTrail": False, "s3BucketName": "evil"})
    world.event(7, "UpdateTrail", {"name": TRAIL, "enableLogFileValidation": True})
    found = tampering(world.case())
    assert list(found["event_time"].dt.hour) == [6]
    assert "takes all Regions but its own" in found["effect"][0]
    assert "sends the trail's files to s3://evil" in found["effect"][0]


def test_a_last_use_that_no_log_shows_is_a_contradiction(world: Written) -> None:
    world.stands()
    world.hums()
    used = {"LastUsedDate": "2026-03-02T12:00:00Z", "ServiceName": "sts", "Region": "us-east-1"}
    world.answer("iam", "GetAccessKeyLastUsed", {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE"}, {"AccessKeyLastUsed": used})
    world.answer(
        "iam", "GetAccessKeyLastUsed", {"AccessKeyId": "AKIAEVE"}, {"AccessKeyLastUsed": {**used, "ServiceName": "iam"}}
    )
    found = [row for row in rows_of(contradictions(world.case())) if row["kind"] == "use_without_record"]
    assert [row["access_key_id"] for row in found] == ["AKIAIOSFODNN7EXAMPLE"]
    assert "would have been logged" in found[0]["statement"]


def test_the_history_of_a_trail_tiles_the_window(world: Written) -> None:
    world.stands()
    world.hums(end=6)
    world.event(6, "StopLogging")
    world.event(9, "StartLogging")
    world.hums(start=9.25)
    found = trail_history(world.case())
    assert list(found["logging_status"]) == ["unknown", "yes", "no", "yes"]
    assert list(found["data_read"])[2:] == ["none", "b"]


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (None, "success"),
        ("AccessDenied", "denied"),
        ("Client.UnauthorizedOperation", "denied"),
        ("TrailNotFoundException", "error"),
    ],
)
def test_outcomes_follow_the_error(code: str | None, outcome: str) -> None:
    assert outcome_of(code) == outcome
