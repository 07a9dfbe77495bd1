"""What the playbooks say, zeros included."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ir_kit.findings import Finding
from ir_kit.key_activity.findings import findings as key_activity_findings
from ir_kit.scoping.findings import findings as scoping_findings

World = Any
KEY, SPARE = "AKIAIOSFODNN7EXAMPLE", "AKIANEWNEWNEWNEWNEW2"
OFFICE = {"address": "203.0.113.10", "agent": "Boto3/1.26"}
AWAY = {"address": "198.51.100.77", "agent": "rclone/1.64"}


def by_question(found: list[Finding]) -> dict[str, Finding]:
    return {finding.question_id: finding for finding in found}


def test_every_question_is_asked_where_there_is_nothing_to_find(world: World) -> None:
    world.call("10:00", world.admin, "ListUsers")
    case = world.case()
    scoping, activity = scoping_findings(case), key_activity_findings(case)
    assert {one.question_id for one in scoping} == {
        "key_owner",
        "key_last_used",
        "credentials_reached",
        "footholds_gained",
    }
    assert {one.question_id for one in activity} == {"activity_seen", "intruder_activity", "probing"}
    for one in [*(one for one in scoping if one.question_id != "key_owner"), *activity]:
        assert one.status == "not_knowable" and one.confidence == "low" and one.limits, one.question_id
    assert activity[0].limits[0].startswith("Management events were not known to have been logged for")


def test_each_incident_key_has_its_owner_and_last_use(world: World) -> None:
    world.call("10:00", world.owner, "ListUsers")
    found = scoping_findings(world.case(access_keys=[KEY, SPARE]))
    subjects = [(one.question_id, one.subject.access_key_id) for one in found]
    assert set(subjects) == {
        ("key_owner", KEY),
        ("key_last_used", KEY),
        ("key_owner", SPARE),
        ("key_last_used", SPARE),
        ("credentials_reached", None),
        ("footholds_gained", None),
    }


def test_a_key_that_aws_never_saw_used_is_a_negative_and_not_unknown(world: World) -> None:
    used = {"UserName": "legacy", "AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A"}}
    world.answer("iam", "GetAccessKeyLastUsed", {"AccessKeyId": KEY}, used)
    world.call("10:00", world.admin, "ListUsers")
    found = by_question(scoping_findings(world.case()))
    assert found["key_last_used"].status == "not_observed"
    assert found["key_owner"].status == "observed"


def test_an_account_known_from_the_key_id_alone_is_inferred(world: World) -> None:
    world.call("10:00", world.admin, "ListUsers")
    found = by_question(scoping_findings(world.case(access_keys=["AKIAQNZGKIQY56JQ7WML"])))["key_owner"]
    assert (found.status, found.values["account_id"]) == ("inferred", "029608264753")
    assert any("decoded from the key id" in limit for limit in found.limits)


def test_reached_credentials_are_counted_by_their_link(world: World) -> None:
    world.assume("10:00", world.owner, "ops", "ASIAROLEROLEROLEROLE")
    world.create_key("10:01", world.owner, "spare", SPARE)
    found = by_question(scoping_findings(world.case()))["credentials_reached"]
    assert (found.status, found.confidence) == ("observed", "high")
    assert found.values == {"credentials": 2, "observed": 2, "inferred": 0, "long_term": 1, "temporary": 1, "used": 0}
    assert found.evidence[0].rows == 2 and len(found.evidence[0].event_ids or []) == 2


def test_inferred_credentials_alone_make_an_inferred_finding(world: World) -> None:
    world.assume("10:00", world.owner, "ops", None)
    world.call("10:01", world.role_session("ops", "work", "ASIAROLEROLEROLEROLE", "10:00"), "ListUsers")
    found = by_question(scoping_findings(world.case()))["credentials_reached"]
    assert (found.status, found.confidence) == ("inferred", "medium")
    assert any("link_basis" in limit for limit in found.limits)


def test_tries_that_failed_are_no_footholds_and_are_told(world: World) -> None:
    world.call("10:00", world.owner, "CreateUser", requestParameters={"userName": "a"}, error="AccessDenied")
    found = by_question(scoping_findings(world.case()))["footholds_gained"]
    assert found.status == "not_knowable"
    assert found.values == {"footholds": 0, "denied": 1, "error": 0, "targets": 0}
    assert "(1 attempt failed)" in found.statement


@pytest.mark.parametrize(
    ("place", "actor"), [(OFFICE, "owner"), (AWAY, "intruder"), (OFFICE | {"agent": "x"}, "unknown")]
)
def test_the_actor_of_a_foothold_is_that_of_its_session(world: World, place: dict[str, str], actor: str) -> None:
    for day in ("2026-02-10", "2026-02-11"):
        world.call(f"{day}T10:00:00", world.owner, "CreateUser", requestParameters={"userName": day}, **OFFICE)
    world.call("10:00", world.owner, "CreateUser", requestParameters={"userName": "a"}, **place)
    assert by_question(scoping_findings(world.case()))["footholds_gained"].actor == actor


def test_somebody_elses_use_is_inferred_and_counted(world: World) -> None:
    world.call("2026-02-10T10:00:00", world.owner, "ListUsers", **OFFICE)
    world.call("10:00", world.owner, "ListUsers", **OFFICE)
    world.call("10:00", world.owner, "ListUsers", error="AccessDenied", **AWAY)
    found = by_question(key_activity_findings(world.case()))
    theirs = found["intruder_activity"]
    assert (theirs.status, theirs.actor, theirs.confidence) == ("inferred", "intruder", "medium")
    assert (theirs.values["sessions"], theirs.values["events"], theirs.values["addresses"]) == (1, 1, 1)
    assert (found["activity_seen"].values["events"], found["activity_seen"].actor) == (2, "unknown")
    assert (found["probing"].values["refused_calls"], found["probing"].actor) == (1, "intruder")


def test_without_a_baseline_the_finding_says_why_nothing_is_told_apart(world: World) -> None:
    world.call("10:00", world.owner, "ListUsers", **AWAY)
    found = by_question(key_activity_findings(world.case(baseline=None)))["intruder_activity"]
    assert found.status == "not_knowable"
    assert any("no baseline events" in limit for limit in found.limits)


@pytest.mark.parametrize(("label", "status"), [("intruder", "observed"), ("owner", "not_knowable")])
def test_an_analysts_label_comes_before_the_verdict(world: World, label: str, status: str) -> None:
    world.call("2026-02-10T10:00:00", world.owner, "ListUsers", **OFFICE)
    world.call("10:00", world.owner, "ListUsers", **AWAY)
    _label(world, label)
    assert by_question(key_activity_findings(world.case()))["intruder_activity"].status == status


def test_a_run_labelled_unknown_is_one_that_cannot_be_told_apart(world: World) -> None:
    world.call("2026-02-10T10:00:00", world.owner, "ListUsers", **OFFICE)
    world.call("10:00", world.owner, "ListUsers", **AWAY)
    _label(world, "unknown")
    found = by_question(key_activity_findings(world.case()))["intruder_activity"]
    assert (found.values["sessions"], found.values["sessions_unclear"]) == (0, 1)
    assert found.values["events_unclear"] == 1


def _label(world: World, label: str) -> None:
    folder = world.runs / "small"
    folder.mkdir(parents=True)
    (folder / "labels.csv").write_text(
        "labelled_at,analyst,access_key_id,source_ip_address,user_agent,start_time,end_time,label,note\n"
        f"2026-03-09T00:00:00Z,anna,{KEY},198.51.100.77,rclone/1.64,2026-03-02T10:00:00Z,2026-03-02T10:00:00Z,{label},\n",
        encoding="utf-8",
    )


def test_bucket_names_tried_in_vain_are_counted_by_name(world: World) -> None:
    for minute, name in enumerate(("acme-a", "acme-a", "acme-b")):
        world.object_call(f"10:0{minute}", world.owner, "ListObjects", name, error="NoSuchBucket")
    found = by_question(key_activity_findings(world.case()))["probing"]
    assert (found.values["missing_bucket_names"], found.values["missing_bucket_calls"]) == (2, 3)


def test_the_investigations_own_traces_are_left_out_and_said_so(world: World) -> None:
    session = world.role_session("ir", "anna", "ASIAROLEROLEROLEROLE", "10:00")
    world.assume("10:00", world.owner, "ir", "ASIAROLEROLEROLEROLE", session="anna")
    world.call("10:01", session, "CreateUser", requestParameters={"userName": "a"})
    world.call("10:02", session, "ListUsers", error="AccessDenied")
    responders = ["arn:aws:iam::111122223333:role/ir"]
    case = world.case(responders=responders)
    scoping, activity = by_question(scoping_findings(case)), by_question(key_activity_findings(case))
    assert scoping["credentials_reached"].values["credentials"] == 0
    assert scoping["footholds_gained"].values["footholds"] == 0
    assert activity["activity_seen"].values["events"] == 1
    assert activity["probing"].values["refused_calls"] == 0
    assert f"Excluded as the investigation's own ({responders[0]}): 2 events." in activity["activity_seen"].limits


def test_findings_are_written_in_their_order_alike_each_time(world: World) -> None:
    world.assume("10:00", world.owner, "ops", "ASIAROLEROLEROLEROLE")
    case = world.case()
    found = scoping_findings(case)
    path = case.staging / "findings" / "scoping.jsonl"
    first = path.read_bytes()
    assert [json.loads(line)["id"] for line in first.splitlines()] == [one.id for one in found]
    scoping_findings(case)
    assert path.read_bytes() == first
