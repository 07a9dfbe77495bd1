"""Exposure on real records by others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ir_kit.bucket_exposure import questions as bucket_exposure
from ir_kit.bucket_exposure.findings import findings as bucket_exposure_findings
from ir_kit.case import Case
from ir_kit.case_opening import open_case
from ir_kit.incident import new_incident

KEY = "AKIATFQR7NSC8Q4X20BJ"
BACKDOORED = "stratus-red-team-bdbp-lhfzvgcamn"


def opened(runs: Path, key: str, start: str, end: str, **sources: list[str]) -> Case:
    new_incident(runs, "real", {"access_keys": [key], "window": {"start": start, "end": end}, "sources": sources})
    return open_case("real", str(runs))


@pytest.mark.slow
def test_the_policy_that_let_a_foreign_account_in_opened_and_was_taken_back(shared_data: Path, tmp_path: Path) -> None:
    logs = [str(shared_data / "cloudtrail" / "invictus")]
    case = opened(tmp_path, KEY, "2023-07-10T11:00:00Z", "2023-07-10T13:00:00Z", cloudtrail=logs)
    rows = bucket_exposure.changes(case)
    mine = rows[rows["bucket"] == BACKDOORED]
    told = list(zip(mine["event_name"], mine["effect"], mine["outcome"], mine["stands_status"], strict=True))
    # the bucket was made in the evidence, so that the state before is known
    assert told == [("PutBucketPolicy", "opens", "success", "no"), ("DeleteBucketPolicy", "closes", "success", "yes")]
    assert list(mine["opened_to"].iloc[0]) == ["193672423079 (list)", "193672423079 (read)"]
    assert set(mine["access_key_id"]) == {KEY}
    others = rows[rows["bucket"] != BACKDOORED]
    assert {whom.partition(" ")[0] for listed in others["opened_to"] for whom in listed} == {"cloudtrail.amazonaws.com"}
    observed = bucket_exposure.observed_access(case)
    assert set(observed["requester"]) == {"cloudtrail.amazonaws.com"}  # checks of its own buckets' ACLs
    found = {(one.subject.bucket, one.question_id): one for one in bucket_exposure_findings(case)}
    assert found[BACKDOORED, "exposure_changed"].values["still_standing"] == 0
    assert {one.status for (_, question), one in found.items() if question == "public"} == {"not_knowable"}


def test_of_real_access_log_lines_only_a_caller_without_a_name_is_an_outsider(
    shared_data: Path, tmp_path: Path
) -> None:
    """The buckets' accounts are not known; owners ask by their canonical id. One caller's name is taken away here."""
    rows = (shared_data / "access-logs" / "lines.jsonl").read_text(encoding="utf-8").splitlines()
    logs = tmp_path / "logs"
    logs.mkdir()
    lines = [json.loads(row)["line"] for row in rows]
    turned = [line.replace(" arn:aws:iam::152813717728:user/stevel-dev ", " - ") for line in lines]
    (logs / "2021-02-25-00-00-00-0123456789ABCDEF").write_text("\n".join(turned) + "\n", encoding="utf-8")
    case = opened(
        tmp_path, "AKIAIOSFODNN7EXAMPLE", "2006-01-01T00:00:00Z", "2026-01-01T00:00:00Z", access_logs=[str(logs)]
    )
    observed = bucket_exposure.observed_access(case)
    row = observed.iloc[0]
    assert len(observed) == 1
    assert (row["bucket"], row["requester"]) == ("stevel-london", "anonymous")
    assert (row["requests"], row["writes"]) == (1, 1)  # a batch delete and its keys
