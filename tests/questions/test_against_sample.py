"""The answers on the sample incident against its truth, which was read off the simulated requests, not off the logs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from ir_kit.case import Case
from ir_kit.case_opening import open_case
from ir_kit.evidence import questions as evidence
from ir_kit.incident import new_incident
from ir_kit.key_activity import questions as key_activity
from ir_kit.key_activity.findings import findings as key_activity_findings
from ir_kit.scoping import questions as scoping
from ir_kit.scoping.findings import findings as scoping_findings
from simulator import SampleTruth, incident_fields, make_sample

pytestmark = pytest.mark.slow


def iso(time: Any) -> str | None:
    return None if pd.isna(time) else time.strftime("%Y-%m-%dT%H:%M:%SZ")


def text(value: Any) -> str | None:
    return None if pd.isna(value) else str(value)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Case, SampleTruth]]:
    runs = tmp_path_factory.mktemp("runs")
    new_incident(runs, "demo", incident_fields())
    truth = make_sample(runs / "demo", 1)
    yield open_case("demo", str(runs)), truth


@pytest.fixture(scope="module")
def case(opened: tuple[Case, SampleTruth]) -> Case:
    return opened[0]


@pytest.fixture(scope="module")
def truth(opened: tuple[Case, SampleTruth]) -> SampleTruth:
    return opened[1]


def test_the_credentials_reached_are_the_truths(case: Case, truth: SampleTruth) -> None:
    answered = {
        row.access_key_id: (
            row.credential_type,
            row.principal_arn,
            row.account_id,
            text(row.parent_access_key_id),
            row.link,
            text(row.link_event_name),
            text(row.link_event_id),
            iso(row.issued_at),
            iso(row.first_used),
            iso(row.last_used),
            row.event_count,
        )
        for row in scoping.credentials(case).itertuples()
    }
    assert answered == {
        row["access_key_id"]: (
            row["credential_type"],
            row["principal_arn"],
            row["account_id"],
            row["parent_access_key_id"],
            row["link"],
            row["link_event_name"],
            row["link_event_id"],
            row["issued_at"],
            row["first_used"],
            row["last_used"],
            row["event_count"],
        )
        for row in truth.credentials
    }


def test_the_footholds_are_the_truths(case: Case, truth: SampleTruth) -> None:
    answered = [
        (iso(row.event_time), row.access_key_id, row.event_name, row.target, row.outcome, row.event_id)
        for row in scoping.footholds(case).itertuples()
    ]
    assert answered == [
        (
            row["event_time"],
            row["access_key_id"],
            row["event_name"],
            row["target"].rpartition("/")[2],
            row["outcome"],
            row["event_id"],
        )
        for row in sorted(truth.footholds, key=lambda row: (row["event_time"], row["event_id"]))
        if row["logged"]
    ]


def test_what_the_incident_key_is_first_seen_with_is_the_truths(case: Case, truth: SampleTruth) -> None:
    (key,) = truth.facts["access_keys"]
    frame = key_activity.first_seen(case)
    answered = {
        (row.kind, row.value, iso(row.first_time), iso(row.last_time), row.event_count)
        for row in frame[frame["access_key_id"] == key].itertuples()
    }
    assert answered == {
        (row["dimension"], row["value"], row["first_time"], row["last_time"], row["requests"])
        for row in truth.first_seen
        if row["access_key_id"] == key and row["in_cloudtrail"]
    }


def test_what_derived_credentials_are_first_seen_with_is_their_principals(case: Case, truth: SampleTruth) -> None:
    """By the truth's requests: values of the window that no credential of the same user or role has in the baseline."""
    start, end = truth.facts["window"]["start"], truth.facts["window"]["end"]
    reached = {row["access_key_id"] for row in truth.credentials}
    before: set[tuple[str, str, str]] = set()
    seen: Counter[tuple[str, str, str]] = Counter()
    for row in truth.requests:
        if "cloudtrail" not in row["logged_in"] or not row["principal_arn"]:
            continue
        principal = (
            row["principal_arn"].rpartition("/")[0]
            if ":assumed-role/" in row["principal_arn"]
            else row["principal_arn"]
        )
        for kind in ("source_ip_address", "user_agent", "aws_region", "event_name", "bucket"):
            if row[kind] is None:
                continue
            if row["event_time"] < start:
                before.add((principal, kind, row[kind]))
            elif row["event_time"] < end and row["access_key_id"] in reached:
                seen[row["access_key_id"], kind, row[kind]] += 1
    principals = {
        row["access_key_id"]: row["principal_arn"].rpartition("/")[0]
        if ":assumed-role/" in row["principal_arn"]
        else row["principal_arn"]
        for row in truth.credentials
    }
    expected = {place: count for place, count in seen.items() if (principals[place[0]], *place[1:]) not in before}
    frame = key_activity.first_seen(case)
    assert {(row.access_key_id, row.kind, row.value): row.event_count for row in frame.itertuples()} == expected


def test_every_logged_request_of_a_reached_credential_is_an_event(case: Case, truth: SampleTruth) -> None:
    window = truth.facts["window"]
    reached = {row["access_key_id"] for row in truth.credentials}
    expected = sorted(
        (row["event_time"], row["event_id"], row["access_key_id"], row["event_name"], row.get("error_code"))
        for row in truth.requests
        if row["access_key_id"] in reached
        and "cloudtrail" in row["logged_in"]
        and window["start"] <= row["event_time"] < window["end"]
    )
    count = key_activity.events(case).attrs["rows"]
    frame = pd.read_parquet(case.staging / "tables" / "key_activity" / "events.parquet")
    answered = sorted(
        (str(iso(row.event_time)), str(row.event_id), str(row.access_key_id), str(row.event_name), text(row.error_code))
        for row in frame.itertuples()
    )
    assert answered == expected and count == len(expected)
    assert frame["session_id"].notna().all()
    sessions = key_activity.sessions(case)
    assert int(sessions.loc[sessions["seen_in"] != "server_access_log", "event_count"].sum()) == count


def test_no_session_of_the_owner_is_called_new_and_none_of_the_intruder_familiar(
    case: Case, truth: SampleTruth
) -> None:
    key_activity.events(case)
    events = pd.read_parquet(case.staging / "tables" / "key_activity" / "events.parquet")
    actors = {row["event_id"]: row["actor"] for row in truth.requests if row["actor"] in ("owner", "intruder")}
    sessions = key_activity.sessions(case).set_index("session_id")
    pairs = {
        (actors[row.event_id], sessions.loc[row.session_id, "verdict"])
        for row in events.itertuples()
        if row.event_id in actors
    }
    assert {pair for pair in pairs if pair[1] != "unclear"} == {("owner", "familiar"), ("intruder", "new")}
    assert ("owner", "unclear") not in pairs


def test_the_bytes_of_sessions_are_what_was_sent(case: Case, truth: SampleTruth) -> None:
    window = truth.facts["window"]
    reached = {row["access_key_id"] for row in truth.credentials}
    sent = sum(
        row["bytes_sent"]
        for row in truth.requests
        if row["access_key_id"] in reached
        and "cloudtrail" in row["logged_in"]
        and row["bucket"]
        and row["event_name"] in DATA
        and window["start"] <= row["event_time"] < window["end"]
    )
    sessions = key_activity.sessions(case)
    assert int(sessions.loc[sessions["seen_in"] != "server_access_log", "bytes_sent"].sum()) == sent


DATA = {
    "GetObject",
    "HeadObject",
    "PutObject",
    "CopyObject",
    "DeleteObject",
    "DeleteObjects",
    "ListObjects",
    "ListObjectVersions",
    "HeadBucket",
}


def test_coverage_counts_what_was_delivered(case: Case, truth: SampleTruth) -> None:
    totals = evidence.coverage(case).groupby("source_kind")[["records", "duplicates", "rejected"]].sum()
    counts = truth.counts
    trail = totals.loc["cloudtrail"]
    assert trail["records"] - trail["duplicates"] == counts["cloudtrail_events"]
    assert trail["duplicates"] == counts["cloudtrail_copies"]
    log = totals.loc["access_log"]
    assert log["records"] - log["duplicates"] == counts["access_log_lines"]
    assert totals["rejected"].sum() == 0


def test_the_key_is_known_and_its_last_use_logged(case: Case, truth: SampleTruth) -> None:
    row = scoping.key_facts(case).iloc[0]
    assert (row["user_name"], row["account_id"], row["key_status"]) == (
        "legacy-app",
        truth.facts["account"],
        "Inactive",
    )
    assert iso(row["last_used_date"]) == truth.facts["last_used"][row["access_key_id"]]
    assert row["decoded_account_id"] == truth.facts["account"]


def test_the_findings_say_what_the_truth_says(case: Case, truth: SampleTruth) -> None:
    found = {one.question_id: one for one in (*scoping_findings(case), *key_activity_findings(case))}
    links = Counter(row["link"] for row in truth.credentials)
    assert found["credentials_reached"].values["observed"] == links["observed"]
    assert found["credentials_reached"].values["inferred"] == links["inferred"]
    assert found["footholds_gained"].values["footholds"] == sum(row["outcome"] == "success" for row in truth.footholds)
    assert (found["footholds_gained"].actor, found["intruder_activity"].actor) == ("intruder", "intruder")
    assert found["intruder_activity"].values["addresses"] == len(truth.facts["intruder_addresses"])
