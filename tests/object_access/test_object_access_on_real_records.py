"""Object access on real records by others: a batch delete, and evidence that knows nothing of objects."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ir_kit.case import Case
from ir_kit.case_opening import open_case
from ir_kit.incident import new_incident
from ir_kit.object_access import questions as object_access
from ir_kit.object_access.findings import findings as object_access_findings

INVICTUS = "AKIATFQR7NSC8Q4X20BJ"


def opened(runs: Path, key: str, start: str, end: str, **sources: list[str]) -> Case:
    window = {"start": start, "end": end}
    new_incident(runs, "real", {"access_keys": [key], "window": window, "sources": sources})
    return open_case("real", str(runs))


@pytest.fixture(scope="module")
def lines(shared_data: Path) -> list[str]:
    rows = (shared_data / "access-logs" / "lines.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(row)["line"] for row in rows]


@pytest.mark.slow
def test_of_objects_every_answer_is_not_knowable_where_only_management_events_are_held(
    shared_data: Path, tmp_path: Path
) -> None:
    case = opened(
        tmp_path,
        INVICTUS,
        "2023-07-10T11:00:00Z",
        "2023-07-10T13:00:00Z",
        cloudtrail=[str(shared_data / "cloudtrail" / "invictus")],
    )
    found = object_access_findings(case)
    asked = ("objects_read", "objects_written", "objects_destroyed", "names_listed")
    told = [finding for finding in found if finding.question_id in asked and finding.subject.bucket]
    assert len(told) >= 4 * 3
    unseen = [one for one in told if not (one.question_id == "objects_destroyed" and one.values["expiry_shortened"])]
    assert {finding.status for finding in unseen} == {"not_knowable"}
    assert object_access.requests(case).empty
    bounds = object_access.bounds(case)
    assert bounds["objects_upper"].isna().all() and set(bounds["upper_basis"]) == {"blind"}


def test_a_real_batch_delete_is_its_parent_and_its_keys(lines: list[str], tmp_path: Path) -> None:
    key = "AKIAIOSFODNN7EXAMPLE"
    logs = tmp_path / "logs"
    logs.mkdir()
    batch = [line for line in lines if "user/stevel-dev" in line]
    (logs / "2021-02-25-00-00-00-0123456789ABCDEF").write_text("\n".join(batch) + "\n", encoding="utf-8")
    trail = tmp_path / "trail"
    trail.mkdir()
    record = {
        "eventVersion": "1.08", "eventTime": "2021-02-24T14:00:00Z", "eventSource": "sts.amazonaws.com",
        "eventName": "GetCallerIdentity", "awsRegion": "eu-west-2", "sourceIPAddress": "109.157.193.10",
        "userAgent": "aws-cli/2", "eventID": "e1", "requestID": "r1", "recipientAccountId": "152813717728",
        "userIdentity": {
            "type": "IAMUser", "arn": "arn:aws:iam::152813717728:user/stevel-dev", "accountId": "152813717728",
            "accessKeyId": key, "userName": "stevel-dev",
        },
    }  # fmt: skip
    (trail / "events.jsonl").write_text(json.dumps(record) + "\n")
    case = opened(
        tmp_path / "runs",
        key,
        "2021-02-24T00:00:00Z",
        "2021-02-25T00:00:00Z",
        access_logs=[str(logs)],
        cloudtrail=[str(trail)],
    )
    rows = object_access.requests(case)
    group = rows[rows["request_id"] == "D630F8F6B949DA00"]
    assert list(group["event_name"].value_counts().sort_index().items()) == [("DeleteObject", 2), ("DeleteObjects", 1)]
    assert set(group["key"].dropna()) == {"fork-0004/", "fork-0004/test/"}
    assert group["user_agent"].nunique() == 1 and group["user_agent"].notna().all()
    assert set(rows["attribution"]) == {"D"} and {tuple(keys) for keys in rows["candidates"]} == {(key,)}
