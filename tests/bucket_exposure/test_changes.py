"""What each call opened or closed, by what was known just before it."""

from __future__ import annotations

from typing import Any

import pytest

FOREIGN = "999988887777"
ALL_ON = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
BLOCK = {"PublicAccessBlockConfiguration": ALL_ON | {"xmlns": "http://s3.amazonaws.com/doc/2006-03-01/"}}
ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"


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


def test_a_policy_opens_where_none_was_found_before(settings: Any) -> None:
    settings.found_none(9, "GetBucketPolicy", "NoSuchBucketPolicy")
    settings.puts(10, allow({"AWS": f"arn:aws:iam::{FOREIGN}:root"}))
    row = settings.changes()[0]
    assert (row["effect"], row["opened_to"]) == ("opens", [f"{FOREIGN} (read)"])


def test_a_named_account_where_the_state_before_is_not_known_only_changes(settings: Any) -> None:
    settings.puts(10, allow({"AWS": f"arn:aws:iam::{FOREIGN}:root"}))
    row = settings.changes()[0]
    assert row["effect"] == "changes"
    assert "what was there before is not known" in row["detail"]


def test_a_public_policy_can_only_open(settings: Any) -> None:
    settings.puts(10, allow({"AWS": "*"}))
    assert settings.effects() == [("PutBucketPolicy", "opens")]


def test_an_answer_before_tells_the_state_before(settings: Any) -> None:
    settings.answered("GetBucketPolicy", "NoSuchBucketPolicy", hour=5)
    settings.puts(10, allow({"AWS": FOREIGN}))
    assert settings.effects() == [("PutBucketPolicy", "opens")]


def test_nothing_is_carried_over_a_time_without_management_events(settings: Any) -> None:
    settings.answered("GetBucketPolicy", "NoSuchBucketPolicy", hour=5)
    settings.blind["papers"] = [(settings.at(7), settings.at(8))]
    settings.puts(10, allow({"AWS": FOREIGN}))
    assert settings.effects() == [("PutBucketPolicy", "changes")]


def test_the_same_policy_again_is_no_change(settings: Any) -> None:
    settings.puts(10, allow())
    settings.puts(11, allow())
    assert len(settings.changes()) == 1


def test_a_fixed_condition_closes_what_was_public(settings: Any) -> None:
    settings.puts(10, allow())
    settings.puts(11, allow(StringEquals={"aws:PrincipalAccount": FOREIGN}))
    settings.calls_(12, "DeleteBucketPolicy")
    assert [effect for _, effect in settings.effects()] == ["opens", "closes", "closes"]


def test_a_refused_call_says_what_it_would_have_done(settings: Any) -> None:
    settings.answered("GetBucketPolicy", "NoSuchBucketPolicy")  # collected later: it tells of the time before, too
    settings.puts(10, allow({"AWS": FOREIGN}), error_code="AccessDenied")
    row = settings.changes()[0]
    assert (row["effect"], row["outcome"], row["stands_status"]) == ("opens", "denied", "no")
    assert (row["public_before"], row["public_after"]) == ("unknown", "unknown")


def test_a_call_whose_body_was_not_recorded_only_changes(settings: Any) -> None:
    settings.found_none(9, "GetBucketPolicy", "NoSuchBucketPolicy")
    settings.calls_(10, "PutBucketPolicy", error_code="AccessDenied")
    assert settings.effects() == [("PutBucketPolicy", "changes")]


@pytest.mark.parametrize("event", ["DeleteBucketPublicAccessBlock", "DeletePublicAccessBlock"])
def test_taking_the_block_away_opens_whatever_was_before(settings: Any, event: str) -> None:
    settings.calls_(10, event)
    assert settings.effects() == [(event, "opens")]


def test_part_of_a_block_taken_away_opens(settings: Any) -> None:
    settings.calls_(10, "PutBucketPublicAccessBlock", BLOCK)
    loose = {"PublicAccessBlockConfiguration": ALL_ON | {"IgnorePublicAcls": "false"}}
    settings.calls_(11, "PutBucketPublicAccessBlock", loose)
    settings.calls_(12, "PutBucketPublicAccessBlock", BLOCK)
    settings.calls_(13, "PutBucketPublicAccessBlock", BLOCK)
    assert [effect for _, effect in settings.effects()] == ["closes", "opens", "closes"]


def test_a_block_of_the_account_has_no_bucket(settings: Any) -> None:
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
def test_an_acl_opens_however_it_is_written(settings: Any, body: dict[str, Any]) -> None:
    settings.calls_(9, "PutBucketAcl", {"x-amz-acl": "private"})
    settings.calls_(10, "PutBucketAcl", body)
    rows = settings.changes()
    assert (rows[-1]["effect"], rows[-1]["opened_to"]) == ("opens", ["AllUsers (list)"])


def test_an_acl_back_to_private_closes(settings: Any) -> None:
    settings.calls_(9, "PutBucketAcl", full_acl(grant()))
    settings.calls_(10, "PutBucketAcl", {"x-amz-acl": "private"})
    assert [effect for _, effect in settings.effects()] == ["opens", "closes"]


def test_an_objects_acl_opens_the_object(settings: Any) -> None:
    settings.calls_(10, "PutObject", {"x-amz-acl": "public-read"}, key="a.txt")
    settings.calls_(11, "PutObjectAcl", {"x-amz-acl": "private"}, key="b.txt")
    rows = settings.changes()
    assert [(row["scope"], row["target"], row["effect"]) for row in rows] == [("object", "a.txt", "opens")]


def test_acls_put_in_force_open_and_disabled_close(settings: Any) -> None:
    for hour, rule in ((9, "BucketOwnerEnforced"), (10, "ObjectWriter"), (11, "BucketOwnerEnforced")):
        settings.calls_(hour, "PutBucketOwnershipControls", {"OwnershipControls": {"Rule": {"ObjectOwnership": rule}}})
    assert [effect for _, effect in settings.effects()] == ["closes", "opens", "closes"]


def test_a_website_opens_and_its_removal_closes(settings: Any) -> None:
    settings.calls_(10, "PutBucketWebsite", {"WebsiteConfiguration": {"IndexDocument": {"Suffix": "index.html"}}})
    settings.calls_(11, "DeleteBucketWebsite")
    assert [effect for _, effect in settings.effects()] == ["opens", "closes"]


def replication(bucket: str, account: str | None = None) -> dict[str, Any]:
    destination = {"Bucket": f"arn:aws:s3:::{bucket}"} | ({"Account": account} if account else {})
    return {
        "ReplicationConfiguration": {"Role": "r", "Rule": {"ID": "x", "Status": "Enabled", "Destination": destination}}
    }


def test_replication_out_opens_and_within_the_account_does_not(settings: Any) -> None:
    settings.found_none(9, "GetBucketReplication", "ReplicationConfigurationNotFoundError")
    settings.calls_(10, "PutBucketReplication", replication("papers"))
    settings.calls_(11, "PutBucketReplication", replication("elsewhere", FOREIGN))
    settings.calls_(12, "DeleteBucketReplication")
    assert [effect for _, effect in settings.effects()] == ["opens", "closes"]


def test_an_inventory_to_another_account_opens(settings: Any) -> None:
    given = {"Id": "all", "IsEnabled": True,
             "Destination": {"S3BucketDestination": {"AccountId": FOREIGN, "Bucket": "arn:aws:s3:::elsewhere"}}}  # fmt: skip
    settings.calls_(10, "PutBucketInventoryConfiguration", {"InventoryConfiguration": given, "id": "all"})
    assert settings.changes()[0]["opened_to"] == [f"{FOREIGN}:elsewhere (list)"]


def test_a_new_bucket_tells_what_was_there_before(settings: Any) -> None:
    settings.calls_(9, "CreateBucket", {"x-amz-acl": "private"})
    settings.puts(10, allow({"AWS": FOREIGN}))
    settings.calls_(11, "PutBucketPublicAccessBlock", BLOCK)
    assert settings.effects() == [("PutBucketPolicy", "opens")]  # the block was there from the beginning


def test_cors_opens_to_the_origins_that_are_new(settings: Any) -> None:
    def rules(*origins: str) -> dict[str, Any]:
        return {"CORSConfiguration": {"CORSRule": {"AllowedOrigin": list(origins), "AllowedMethod": "GET"}}}

    settings.found_none(9, "GetBucketCors", "NoSuchCORSConfiguration")
    settings.calls_(10, "PutBucketCors", rules("https://a.example"))
    settings.calls_(11, "PutBucketCors", rules("*"))
    settings.calls_(12, "DeleteBucketCors")
    assert [effect for _, effect in settings.effects()] == ["opens", "opens", "closes"]


def test_an_access_points_policy_is_judged_as_a_buckets(settings: Any) -> None:
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


def test_an_access_grant_opens_its_bucket(settings: Any) -> None:
    answer = '{"accessGrantId": "g-1", "grantScope": "s3://papers/*"}'
    asked = {"Permission": "READ", "Grantee": {"GranteeIdentifier": f"arn:aws:iam::{FOREIGN}:role/r"}}
    settings.calls_(10, "CreateAccessGrant", asked, bucket=None, response_elements=answer)
    row = settings.changes()[0]
    assert (row["bucket"], row["target"], row["effect"]) == ("papers", "g-1", "opens")


def test_what_was_undone_no_longer_stands(settings: Any) -> None:
    settings.puts(10, allow())
    settings.calls_(11, "DeleteBucketPolicy")
    settings.answered("GetBucketPolicy", "NoSuchBucketPolicy")
    assert [row["stands_status"] for row in settings.changes()] == ["no", "yes"]


def test_a_bucket_is_public_from_the_call_on(settings: Any) -> None:
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
    known = settings.replayed()
    assert [known.public_at("papers", settings.at(hour))[0] for hour in (9.5, 10, 11.9, 12)] == [
        "no",
        "yes",
        "yes",
        "no",
    ]
    row = settings.changes()[0]
    assert (row["public_before"], row["public_after"]) == ("no", "yes")
