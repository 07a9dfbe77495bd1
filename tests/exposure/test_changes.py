"""What each call opened or closed, by what was known just before it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ir_kit.configuration.bucket_inventory import inventory_of
from ir_kit.configuration.collected_answers import Configuration
from ir_kit.configuration.config_timeline import ConfigTimeline
from ir_kit.domain.intervals import Span
from ir_kit.exposure.bucket_verdicts import PastExposure, changes_of

ACCOUNT, FOREIGN = "111122223333", "999988887777"
OWNER = "a" * 64
Row = dict[str, Any]
ALL_ON = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
BLOCK = {"PublicAccessBlockConfiguration": ALL_ON | {"xmlns": "http://s3.amazonaws.com/doc/2006-03-01/"}}
ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"


class Settings:
    """Settings over time: answers, calls, reads that found nothing, stretches that were not logged."""

    def __init__(self) -> None:
        self.answers: list[Row] = []
        self.calls: list[Row] = []
        self.absences: list[Row] = []
        self.unlogged: dict[tuple[str | None, str], list[Span]] = {}
        self.answered("ListBuckets", {"Buckets": [{"Name": "papers"}], "Owner": {"ID": OWNER}}, None)

    @staticmethod
    def at(hour: float) -> datetime:
        return datetime(2026, 3, 2 + int(hour // 24), int(hour % 24), round(hour % 1 * 60), tzinfo=UTC)

    def answered(
        self, operation: str, response: Row | str, bucket: str | None = "papers", hour: float = 100, *,
        service: str = "s3", **parameters: str,
    ) -> None:  # fmt: skip
        """An answer; text is an error's code."""
        given = parameters | ({"Bucket": bucket} if bucket else {})
        self.answers.append(
            {
                "collected_at": self.at(hour), "account_id": ACCOUNT, "aws_region": "us-east-1", "service": service,
                "operation": operation, "parameters": json.dumps(given),
                "response": None if isinstance(response, str) else json.dumps(response),
                "error_code": response if isinstance(response, str) else None,
            }
        )  # fmt: skip

    def calls_(
        self, hour: float, name: str, parameters: Row | None = None, *, bucket: str | None = "papers", **more: Any
    ) -> None:
        """A call on the bucket, or with a null bucket on the account."""
        number = len(self.calls)
        self.calls.append(
            {
                "event_time": self.at(hour), "event_id": f"e{number}", "event_name": name, "error_code": None, "bucket": bucket,
                "key": None, "access_key_id": "AKIA1", "user_identity_arn": "arn:aws:iam::111122223333:user/u",
                "session_issuer_arn": None, "recipient_account_id": ACCOUNT, "source_ip_address": "192.0.2.1",
                "user_agent": "cli", "aws_region": "us-east-1", "request_parameters": json.dumps((parameters or {}) | {"bucketName": bucket}),
                "response_elements": None, "request_id": f"r{number}", **more,
            }
        )  # fmt: skip

    def puts(self, hour: float, *statements: Row, **more: Any) -> None:
        """A bucket policy of these statements."""
        document = {"Version": "2012-10-17", "Statement": list(statements) if len(statements) > 1 else statements[0]}
        self.calls_(hour, "PutBucketPolicy", {"bucketPolicy": document, "policy": ""}, **more)

    def found_none(self, hour: float, name: str, code: str, bucket: str | None = "papers") -> None:
        operation = name.replace("BucketPublicAccessBlock", "PublicAccessBlock")
        row = {"bucket": bucket, "recipient_account_id": ACCOUNT, "operation": operation, "error_code": code}
        self.absences.append(row | {"first_time": self.at(hour), "last_time": self.at(hour)})

    def past(self) -> PastExposure:
        collected = Configuration(self.answers)
        inventory = inventory_of(collected, [], [ACCOUNT])
        return PastExposure(ConfigTimeline(collected, self.calls, self.absences, inventory, self.unlogged))

    def changes(self) -> list[Row]:
        return changes_of(self.past())

    def effects(self) -> list[tuple[str, str]]:
        return [(row["event_name"], row["effect"]) for row in self.changes()]


@pytest.fixture
def settings() -> Settings:
    return Settings()


def allow(principal: Any = "*", action: str = "s3:GetObject", **condition: Any) -> dict[str, Any]:
    statement = {
        "Effect": "Allow", "Principal": principal, "Action": action, "Resource": ["arn:aws:s3:::papers", "arn:aws:s3:::papers/*"],
    }  # fmt: skip
    return statement | ({"Condition": condition} if condition else {})


def grant(uri: str = ALL_USERS, permission: str = "READ") -> dict[str, Any]:
    return {"Grantee": {"xsi:type": "Group", "URI": uri}, "Permission": permission}


def full_acl(*grants: dict[str, Any]) -> dict[str, Any]:
    listed = grants[0] if len(grants) == 1 else list(grants)  # what stands alone is no list
    return {"AccessControlPolicy": {"AccessControlList": {"Grant": listed}}}


def test_a_policy_opens_where_none_was_found_before(settings: Settings) -> None:
    settings.found_none(9, "GetBucketPolicy", "NoSuchBucketPolicy")
    settings.puts(10, allow({"AWS": f"arn:aws:iam::{FOREIGN}:root"}))
    row = settings.changes()[0]
    assert (row["effect"], row["opened_to"]) == ("opens", [f"{FOREIGN} (read)"])


def test_a_named_account_where_the_state_before_is_not_known_only_changes(settings: Settings) -> None:
    settings.puts(10, allow({"AWS": f"arn:aws:iam::{FOREIGN}:root"}))
    row = settings.changes()[0]
    assert row["effect"] == "changes"
    assert "what was there before is not known" in row["detail"]


def test_a_public_policy_can_only_open(settings: Settings) -> None:
    settings.puts(10, allow({"AWS": "*"}))
    assert settings.effects() == [("PutBucketPolicy", "opens")]


def test_an_answer_before_tells_the_state_before(settings: Settings) -> None:
    settings.answered("GetBucketPolicy", "NoSuchBucketPolicy", hour=5)
    settings.puts(10, allow({"AWS": FOREIGN}))
    assert settings.effects() == [("PutBucketPolicy", "opens")]


def test_nothing_is_carried_over_a_time_without_management_events(settings: Settings) -> None:
    settings.answered("GetBucketPolicy", "NoSuchBucketPolicy", hour=5)
    settings.unlogged["papers", "management"] = [Span(settings.at(7), settings.at(8))]
    settings.puts(10, allow({"AWS": FOREIGN}))
    assert settings.effects() == [("PutBucketPolicy", "changes")]


def test_the_same_policy_again_is_no_change(settings: Settings) -> None:
    settings.puts(10, allow())
    settings.puts(11, allow())
    assert len(settings.changes()) == 1


def test_a_fixed_condition_closes_what_was_public(settings: Settings) -> None:
    settings.puts(10, allow())
    settings.puts(11, allow(StringEquals={"aws:PrincipalAccount": FOREIGN}))
    settings.calls_(12, "DeleteBucketPolicy")
    assert [effect for _, effect in settings.effects()] == ["opens", "closes", "closes"]


def test_a_refused_call_says_what_it_would_have_done(settings: Settings) -> None:
    settings.answered("GetBucketPolicy", "NoSuchBucketPolicy")  # collected later: it tells of the time before, too
    settings.puts(10, allow({"AWS": FOREIGN}), error_code="AccessDenied")
    row = settings.changes()[0]
    assert (row["effect"], row["outcome"], row["stands_status"]) == ("opens", "denied", "no")
    assert (row["public_before"], row["public_after"]) == ("unknown", "unknown")


def test_a_call_whose_body_was_not_recorded_only_changes(settings: Settings) -> None:
    settings.found_none(9, "GetBucketPolicy", "NoSuchBucketPolicy")
    settings.calls_(10, "PutBucketPolicy", error_code="AccessDenied")
    assert settings.effects() == [("PutBucketPolicy", "changes")]


@pytest.mark.parametrize("event", ["DeleteBucketPublicAccessBlock", "DeletePublicAccessBlock"])
def test_taking_the_block_away_opens_whatever_was_before(settings: Settings, event: str) -> None:
    settings.calls_(10, event)
    assert settings.effects() == [(event, "opens")]


def test_part_of_a_block_taken_away_opens(settings: Settings) -> None:
    settings.calls_(10, "PutBucketPublicAccessBlock", BLOCK)
    loose = {"PublicAccessBlockConfiguration": ALL_ON | {"IgnorePublicAcls": "false"}}
    settings.calls_(11, "PutBucketPublicAccessBlock", loose)
    settings.calls_(12, "PutBucketPublicAccessBlock", BLOCK)
    settings.calls_(13, "PutBucketPublicAccessBlock", BLOCK)
    assert [effect for _, effect in settings.effects()] == ["closes", "opens", "closes"]


def test_a_block_of_the_account_has_no_bucket(settings: Settings) -> None:
    settings.calls_(10, "PutAccountPublicAccessBlock", BLOCK, bucket=None)
    settings.calls_(11, "DeletePublicAccessBlock", bucket=None)
    rows = settings.changes()
    assert [(row["bucket"], row["scope"], row["effect"]) for row in rows] == [
        (None, "account", "closes"), (None, "account", "opens"),
    ]  # fmt: skip
    assert rows[0]["target"] == "111122223333"


@pytest.mark.parametrize(
    "body",
    [
        {"x-amz-acl": "public-read"},
        {"x-amz-acl": ["public-read"]},
        {"x-amz-grant-read": f'uri="{ALL_USERS}"'},
        full_acl(grant()),
        full_acl(grant(), {"Grantee": {"xsi:type": "CanonicalUser", "ID": "a" * 64}, "Permission": "FULL_CONTROL"}),
    ],
)
def test_an_acl_opens_however_it_is_written(settings: Settings, body: dict[str, Any]) -> None:
    settings.calls_(9, "PutBucketAcl", {"x-amz-acl": "private"})
    settings.calls_(10, "PutBucketAcl", body)
    rows = settings.changes()
    assert (rows[-1]["effect"], rows[-1]["opened_to"]) == ("opens", ["AllUsers (list)"])


def test_an_acl_back_to_private_closes(settings: Settings) -> None:
    settings.calls_(9, "PutBucketAcl", full_acl(grant()))
    settings.calls_(10, "PutBucketAcl", {"x-amz-acl": "private"})
    assert [effect for _, effect in settings.effects()] == ["opens", "closes"]


def test_an_objects_acl_opens_the_object(settings: Settings) -> None:
    settings.calls_(10, "PutObject", {"x-amz-acl": "public-read"}, key="a.txt")
    settings.calls_(11, "PutObjectAcl", {"x-amz-acl": "private"}, key="b.txt")
    rows = settings.changes()
    assert [(row["scope"], row["target"], row["effect"]) for row in rows] == [("object", "a.txt", "opens")]


def test_acls_put_in_force_open_and_disabled_close(settings: Settings) -> None:
    for hour, rule in ((9, "BucketOwnerEnforced"), (10, "ObjectWriter"), (11, "BucketOwnerEnforced")):
        settings.calls_(hour, "PutBucketOwnershipControls", {"OwnershipControls": {"Rule": {"ObjectOwnership": rule}}})
    assert [effect for _, effect in settings.effects()] == ["closes", "opens", "closes"]


def test_a_website_opens_and_its_removal_closes(settings: Settings) -> None:
    settings.calls_(10, "PutBucketWebsite", {"WebsiteConfiguration": {"IndexDocument": {"Suffix": "index.html"}}})
    settings.calls_(11, "DeleteBucketWebsite")
    assert [effect for _, effect in settings.effects()] == ["opens", "closes"]


def replication(bucket: str, account: str | None = None) -> dict[str, Any]:
    destination = {"Bucket": f"arn:aws:s3:::{bucket}"} | ({"Account": account} if account else {})
    return {
        "ReplicationConfiguration": {"Role": "r", "Rule": {"ID": "x", "Status": "Enabled", "Destination": destination}}
    }


def test_replication_out_opens_and_within_the_account_does_not(settings: Settings) -> None:
    settings.found_none(9, "GetBucketReplication", "ReplicationConfigurationNotFoundError")
    settings.calls_(10, "PutBucketReplication", replication("papers"))
    settings.calls_(11, "PutBucketReplication", replication("elsewhere", FOREIGN))
    settings.calls_(12, "DeleteBucketReplication")
    assert [effect for _, effect in settings.effects()] == ["opens", "closes"]


def test_an_inventory_to_another_account_opens(settings: Settings) -> None:
    given = {"Id": "all", "IsEnabled": True,
             "Destination": {"S3BucketDestination": {"AccountId": FOREIGN, "Bucket": "arn:aws:s3:::elsewhere"}}}  # fmt: skip
    settings.calls_(10, "PutBucketInventoryConfiguration", {"InventoryConfiguration": given, "id": "all"})
    assert settings.changes()[0]["opened_to"] == [f"{FOREIGN}:elsewhere (list)"]


def test_a_new_bucket_tells_what_was_there_before(settings: Settings) -> None:
    settings.calls_(9, "CreateBucket", {"x-amz-acl": "private"})
    settings.puts(10, allow({"AWS": FOREIGN}))
    settings.calls_(11, "PutBucketPublicAccessBlock", BLOCK)
    assert settings.effects() == [("PutBucketPolicy", "opens")]  # the block was there from the beginning


def test_cors_opens_to_the_origins_that_are_new(settings: Settings) -> None:
    def rules(*origins: str) -> dict[str, Any]:
        return {"CORSConfiguration": {"CORSRule": {"AllowedOrigin": list(origins), "AllowedMethod": "GET"}}}

    settings.found_none(9, "GetBucketCors", "NoSuchCORSConfiguration")
    settings.calls_(10, "PutBucketCors", rules("https://a.example"))
    settings.calls_(11, "PutBucketCors", rules("*"))
    settings.calls_(12, "DeleteBucketCors")
    assert [effect for _, effect in settings.effects()] == ["opens", "opens", "closes"]


def test_an_access_points_policy_is_judged_as_a_buckets(settings: Settings) -> None:
    point = "arn:aws:s3:us-east-1:111122223333:accesspoint/door"
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": FOREIGN},
        "Action": "s3:GetObject",
        "Resource": f"{point}/object/*",
    }
    body = {
        "name": "door",
        "PutAccessPointPolicyRequest": {"Policy": str({"Statement": [statement]}).replace("'", '"')},
    }
    settings.calls_(
        9, "CreateAccessPoint", {"name": "door", "CreateAccessPointRequest": {"Bucket": "papers"}}, bucket=None
    )
    settings.calls_(10, "PutAccessPointPolicy", body, bucket=None)
    rows = settings.changes()
    assert [(row["event_name"], row["effect"]) for row in rows] == [
        ("CreateAccessPoint", "opens"),
        ("PutAccessPointPolicy", "opens"),
    ]
    assert {row["bucket"] for row in rows} == {"papers"}


def test_access_points_of_one_name_are_told_apart_by_region_and_account(settings: Settings) -> None:
    for region, account, bucket in (
        ("us-east-1", ACCOUNT, "papers"), ("eu-west-1", ACCOUNT, "ledgers"), ("us-east-1", FOREIGN, "others"),
    ):  # fmt: skip
        body = {"name": "door", "accountId": account, "CreateAccessPointRequest": {"Bucket": bucket}}
        settings.calls_(9, "CreateAccessPoint", body, bucket=None, aws_region=region)
    settings.answered(
        "GetAccessPoint",
        {"Name": "door", "Bucket": "papers"},
        None,
        service="s3control",
        Name="door",
        AccountId=ACCOUNT,
    )
    statement = allow({"AWS": FOREIGN})
    for region in ("us-east-1", "eu-west-1"):
        statement = statement | {"Resource": f"arn:aws:s3:{region}:{ACCOUNT}:accesspoint/door/object/*"}
        body = {"name": "door", "PutAccessPointPolicyRequest": {"Policy": json.dumps({"Statement": [statement]})}}
        settings.calls_(10, "PutAccessPointPolicy", body, bucket=None, aws_region=region)
    settings.calls_(11, "DeleteAccessPointPolicy", {"name": "door"}, bucket=None, aws_region="eu-west-1")
    rows = [(row["event_name"], row["bucket"], row["effect"]) for row in settings.changes()]
    assert rows[3:] == [
        ("PutAccessPointPolicy", "papers", "opens"),
        ("PutAccessPointPolicy", "ledgers", "opens"),
        ("DeleteAccessPointPolicy", "ledgers", "closes"),
    ]
    kept = {setting.parameters.get("Region") for setting in settings.past().timeline.settings("papers")}
    assert "eu-west-1" not in kept


def test_an_access_grant_opens_its_bucket(settings: Settings) -> None:
    answer = '{"accessGrantId": "g-1", "grantScope": "s3://papers/*"}'
    asked = {"Permission": "READ", "Grantee": {"GranteeIdentifier": f"arn:aws:iam::{FOREIGN}:role/r"}}
    settings.calls_(10, "CreateAccessGrant", asked, bucket=None, response_elements=answer)
    row = settings.changes()[0]
    assert (row["bucket"], row["target"], row["effect"]) == ("papers", "g-1", "opens")


def test_what_was_undone_no_longer_stands(settings: Settings) -> None:
    settings.puts(10, allow())
    settings.calls_(11, "DeleteBucketPolicy")
    settings.answered("GetBucketPolicy", "NoSuchBucketPolicy")
    assert [row["stands_status"] for row in settings.changes()] == ["no", "yes"]


def test_a_bucket_is_public_from_the_call_on(settings: Settings) -> None:
    settings.answered("GetBucketAcl", {"Owner": {"ID": "a" * 64}, "Grants": []})
    settings.found_none(9, "GetBucketPublicAccessBlock", "NoSuchPublicAccessBlockConfiguration")
    settings.answered(
        "GetPublicAccessBlock",
        "NoSuchPublicAccessBlockConfiguration",
        None,
        service="s3control",
        AccountId="111122223333",
    )
    settings.found_none(9, "GetBucketPolicy", "NoSuchBucketPolicy")
    settings.puts(10, allow())
    settings.calls_(12, "PutBucketPublicAccessBlock", BLOCK)
    past = settings.past()
    assert [past.public_at("papers", settings.at(hour))[0] for hour in (9.5, 10, 11.9, 12)] == [
        "no",
        "yes",
        "yes",
        "no",
    ]
    row = settings.changes()[0]
    assert (row["public_before"], row["public_after"]) == ("no", "yes")


def test_what_object_acls_open_counts_until_the_object_is_written_anew(settings: Settings) -> None:
    settings.answered("GetBucketOwnershipControls", "OwnershipControlsNotFoundError")
    settings.answered("GetBucketAcl", {"Owner": {"ID": OWNER}, "Grants": []})
    settings.answered("GetBucketPolicy", "NoSuchBucketPolicy")
    for bucket, service, about in (("papers", "s3", {}), (None, "s3control", {"AccountId": ACCOUNT})):
        code = "NoSuchPublicAccessBlockConfiguration"
        settings.answered("GetPublicAccessBlock", code, bucket, service=service, **about)
    for hour, name, key, acl in (
        (10, "PutObject", "a", "public-read"), (11, "PutObject", "b", "public-read"), (12, "DeleteObject", "a", None),
        (13, "PutObject", "b", None),
    ):  # fmt: skip
        settings.calls_(hour, name, {"x-amz-acl": acl} if acl else {}, key=key)
    past = settings.past()
    assert [past.public_at("papers", settings.at(hour))[0] for hour in (9, 10, 11.5, 12.5, 13)] == [
        "no", "yes", "yes", "yes", "no",
    ]  # fmt: skip
    assert [effect for _, effect in settings.effects()] == ["opens", "opens", "closes", "closes"]


def test_versions_are_not_known_to_be_kept_where_suspending_them_was_not_logged(settings: Settings) -> None:
    enabled = {"VersioningConfiguration": {"Status": "Enabled"}}
    settings.calls_(1, "PutBucketVersioning", enabled)
    settings.unlogged["papers", "management"] = [Span(settings.at(5), settings.at(6))]
    settings.answered("GetBucketVersioning", {"Status": "Suspended"})
    rows = settings.past().timeline.versioning()
    assert list(rows["versioning_status"]) == ["unknown", "Enabled", "unknown", "Suspended"]
    assert list(rows["start_time"])[1:] == [settings.at(1), settings.at(5), settings.at(6)]


def test_a_bucket_that_never_kept_versions_kept_none_while_nothing_was_logged(settings: Settings) -> None:
    settings.unlogged["papers", "management"] = [Span(settings.at(5), settings.at(6))]
    settings.answered("GetBucketVersioning", {})
    assert list(settings.past().timeline.versioning()["versioning_status"]) == ["Off"]
