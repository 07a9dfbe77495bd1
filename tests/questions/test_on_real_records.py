"""The answers on real records by others, against facts that were read from the records by hand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

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

KEY = "AKIATFQR7NSC8Q4X20BJ"
# every call of the key that gives access, in its order; srt stands for stratus-red-team; none of them failed
FOOTHOLDS = (
    ("11:54:39", "PutRolePolicy", "srt-ec2-get-password-data-role"),
    ("11:54:39", "CreateRole", "srt-ec2-get-password-data-role"),
    ("11:55:08", "CreateRole", "srt-ec2-steal-credentials-role"),
    ("11:55:08", "PutRolePolicy", "srt-ec2-steal-credentials-role"),
    ("11:55:10", "AttachRolePolicy", "srt-ec2-steal-credentials-role"),
    ("11:55:11", "AddRoleToInstanceProfile", "srt-ec2-steal-credentials-role"),
    ("12:01:52", "CreateRole", "srt-leave-org-role"),
    ("12:01:52", "PutRolePolicy", "srt-leave-org-role"),
    ("12:02:20", "CreateRole", "srt-remove-flow-logs-role"),
    ("12:02:22", "PutRolePolicy", "srt-remove-flow-logs-role"),
    ("12:02:42", "PutRolePolicy", "srt-get-usr-data-role"),
    ("12:02:42", "CreateRole", "srt-get-usr-data-role"),
    ("12:03:11", "CreateRole", "srt-ec2-enumerate-role"),
    ("12:03:13", "AttachRolePolicy", "srt-ec2-enumerate-role"),
    ("12:03:14", "AddRoleToInstanceProfile", "srt-ec2-enumerate-role"),
    ("12:06:32", "CreatePolicy", "srt-ec2lui-policy-pcccexdthk"),
    ("12:06:32", "CreateRole", "srt-ec2lui-role-pcccexdthk"),
    ("12:06:33", "AttachRolePolicy", "srt-ec2lui-role-pcccexdthk"),
    ("12:07:14", "CreateRole", "srt-usr-data-role"),
    ("12:07:17", "AddRoleToInstanceProfile", "srt-usr-data-role"),
    ("12:07:17", "AttachRolePolicy", "srt-usr-data-role"),
    ("12:09:21", "CreateRole", "srt-ec2lui-role-wuzemnoeqa"),
    ("12:09:21", "CreatePolicy", "srt-ec2lui-policy-wuzemnoeqa"),
    ("12:09:22", "AttachRolePolicy", "srt-ec2lui-role-wuzemnoeqa"),
    ("12:23:05", "CreateUser", "srt-nmfalu-gfjyeaypjt"),
    ("12:23:06", "CreateLoginProfile", "srt-nmfalu-gfjyeaypjt"),
    ("12:24:07", "CreateRole", "srt-backdoor-r-role"),
    ("12:24:10", "AttachRolePolicy", "srt-backdoor-r-role"),
    ("12:24:11", "UpdateAssumeRolePolicy", "srt-backdoor-r-role"),
    ("12:24:28", "CreateUser", "srt-backdoor-u-user"),
    ("12:24:29", "CreateAccessKey", "srt-backdoor-u-user"),
    ("12:24:49", "CreateUser", "malicious-iam-user"),
    ("12:24:49", "AttachUserPolicy", "malicious-iam-user"),
    ("12:24:50", "CreateAccessKey", "malicious-iam-user"),
    ("12:25:03", "CreateUser", "srt-login-profile-user"),
    ("12:25:04", "CreateLoginProfile", "srt-login-profile-user"),
    ("12:25:24", "CreateRole", "srt-backdoor-f-lambda"),
    ("12:26:37", "CreateRole", "srt-olc-lambda-xhfgzaowxc"),
    ("12:27:11", "CreateRole", "srt-trust-anchor-role"),
    ("12:27:13", "CreateTrustAnchor", "malicious-rolesanywhere-trust-anchor"),
    ("12:27:13", "CreateProfile", "malicious-rolesanywhere-profile"),
    ("12:28:24", "UpdateAssumeRolePolicy", "srt-backdoor-r-role"),
)
# AssumeRole answered twice each, five times: which keys it named, and the two keys that were created
OBSERVED = {
    "ASIATFQR7NSC7E2ZIBM2",
    "ASIATFQR7NSCWLLE7IWW",
    "ASIATFQR7NSC2AF7XJOS",
    "ASIATFQR7NSCVW2R4OHT",
    "ASIATFQR7NSC6LRKSQNV",
    "ASIATFQR7NSC2632JLFK",
    "ASIATFQR7NSCR2E3KSFW",
    "ASIATFQR7NSC7TITDFL2",
    "ASIATFQR7NSCQJB6MQOY",
    "ASIATFQR7NSCXLFJ4S5E",
    "AKIATFQR7NSC3ZO6PKAZ",
    "AKIATFQR7NSCQLA2F4OD",
}


@pytest.fixture(scope="module")
def invictus(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Case:
    """Thirty-five techniques of stratus-red-team, run by one key among Terraform's noise."""
    runs = tmp_path_factory.mktemp("runs")
    window = {"start": "2023-07-10T11:30:00Z", "end": "2023-07-10T13:00:00Z"}
    sources = {"cloudtrail": [str(shared_data / "cloudtrail" / "invictus")]}
    new_incident(runs, "invictus", {"access_keys": [KEY], "window": window, "sources": sources})
    return open_case("invictus", str(runs))


def test_all_2900_events_are_covered(invictus: Case) -> None:
    frame = evidence.coverage(invictus)
    assert (frame["records"].sum(), frame["duplicates"].sum(), frame["rejected"].sum()) == (2900, 0, 0)
    assert set(frame["record_class"]) == {"management"}
    assert frame["first_time"].min().isoformat() == "2023-07-10T11:42:18+00:00"
    assert frame["last_time"].max().isoformat() == "2023-07-10T12:37:50+00:00"


def test_the_footholds_are_those_in_the_records(invictus: Case) -> None:
    frame = scoping.footholds(invictus)
    assert (frame["outcome"] == "success").all() and (frame["access_key_id"] == KEY).all()
    answered = sorted(
        zip(frame["event_time"].dt.strftime("%H:%M:%S"), frame["event_name"], frame["target"], strict=True)
    )
    assert answered == sorted(
        (time, name, target.replace("srt-", "stratus-red-team-")) for time, name, target in FOOTHOLDS
    )


def test_what_the_key_was_answered_is_reached_and_refusals_are_not(invictus: Case) -> None:
    frame = scoping.credentials(invictus)
    observed = frame[frame["link"] == "observed"]
    assert set(observed["access_key_id"]) == OBSERVED
    assert Counter(observed["link_event_name"]) == {"AssumeRole": 10, "CreateAccessKey": 2}
    assert (observed["parent_access_key_id"] == KEY).all()
    assert dict(zip(frame["access_key_id"], frame["event_count"], strict=True))["ASIATFQR7NSCWLLE7IWW"] == 29


def test_services_acted_for_the_key_and_the_users_console_sessions_are_spared(invictus: Case) -> None:
    """Before the user signed in at 12:13:16, bert-jan's key alone was in use: services asked KMS 240 times for it."""
    frame = scoping.credentials(invictus).query("link == 'inferred' and principal_arn.str.contains(':user/')")
    assert len(frame) == 73 and frame["event_count"].sum() == 240
    assert (frame["principal_arn"] == "arn:aws:iam::123837392027:user/bert-jan").all()
    assert frame["issued_at"].min().isoformat() == "2023-07-10T11:57:47+00:00"
    assert frame["issued_at"].max().isoformat() == "2023-07-10T12:07:57+00:00"
    assert (frame["parent_access_key_id"] == KEY).all()


def test_sessions_of_the_instances_that_the_key_gave_roles_are_reached(invictus: Case) -> None:
    """Two of them were used from the key's own address: the instance's credentials were taken off it."""
    frame = scoping.credentials(invictus).query("link == 'inferred' and principal_arn.str.contains(':assumed-role/')")
    assert dict(zip(frame["access_key_id"], frame["event_count"], strict=True)) == {
        "ASIATFQR7NSC36DZQP7P": 2, "ASIATFQR7NSCSHSEVYP5": 13, "ASIATFQR7NSCWFKWOWVD": 8,
    }  # fmt: skip
    assert (frame["link_basis"].str.startswith(f"CreateRole by {KEY}")).all()


def test_failed_calls_are_errors_and_refusals_are_probing(invictus: Case) -> None:
    frame = key_activity.probing(invictus)
    assert frame.groupby("event_name")["attempts"].sum().to_dict() == {
        "AssumeRole": 13, "GetPasswordData": 29, "DescribeInstanceAttribute": 15, "LeaveOrganization": 1,
    }  # fmt: skip
    assert set(frame["kind"]) == {"refused"}
    assert int(key_activity.sessions(invictus)["error_count"].sum()) == 271


def test_without_a_baseline_nobody_is_accused(invictus: Case) -> None:
    assert set(key_activity.sessions(invictus)["verdict"]) == {"unclear"}
    assert key_activity.first_seen(invictus).empty
    found = {one.question_id: one for one in (*scoping_findings(invictus), *key_activity_findings(invictus))}
    assert found["intruder_activity"].status == "not_knowable"
    assert found["footholds_gained"].values == {"footholds": 42, "denied": 0, "error": 0, "targets": 21}
    assert found["activity_seen"].values["events"] == 2414


def test_logstash_records_keep_their_times(tmp_path: Path, shared_data: Path) -> None:
    key = "ASIA5FLZVX4OPVKKVBMX"
    window = {"start": "2020-09-14T00:00:00Z", "end": "2020-09-15T00:00:00Z"}
    sources = {"cloudtrail": [str(shared_data / "cloudtrail" / "otrf" / "ec2_proxy_s3_exfiltration.jsonl")]}
    new_incident(tmp_path, "otrf", {"access_keys": [key], "window": window, "sources": sources})
    case = open_case("otrf", str(tmp_path))
    coverage = evidence.coverage(case)
    assert (coverage["records"].sum(), coverage["rejected"].sum()) == (103, 0)
    assert coverage["first_time"].min() == pd.Timestamp("2020-09-14T00:44:20Z")
    assert coverage["last_time"].max() == pd.Timestamp("2020-09-14T01:13:20Z")
    row = scoping.credentials(case).iloc[0]
    assert (row["credential_type"], row["event_count"]) == ("temporary", 11)
    assert row["issued_at"].isoformat() == "2020-09-14T00:48:30+00:00"
    assert (row["first_used"], row["last_used"]) == (
        pd.Timestamp("2020-09-14T01:00:04Z"),
        pd.Timestamp("2020-09-14T01:13:20Z"),
    )
    assert len(scoping.credentials(case)) == 1
    assert key_activity.events(case)["user_agent"].unique().tolist() == [
        "aws-cli/1.18.136 Python/3.8.5 Darwin/19.5.0 botocore/1.17.59"
    ]  # fmt: skip
