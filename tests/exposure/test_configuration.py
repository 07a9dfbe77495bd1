"""Which ways into a bucket take effect, what stops the others, and what comes of them all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bucket_answers import ACCOUNT, ALL_ON, BUCKET, OTHER, OWNER, STRANGER, Answers, allow, deny

from ir_kit.configuration.bucket_inventory import inventory_of
from ir_kit.configuration.collected_answers import Configuration
from ir_kit.exposure.bucket_verdicts import grants_of

ROLE = f"arn:aws:iam::{OTHER}:role/reader"


def test_a_bucket_with_nothing_set_is_neither_public_nor_open_to_others(answers: Answers) -> None:
    assert (answers.public, answers.cross_account) == ("no", "no")
    assert answers.way("policy").detail == "nothing is configured (GetBucketPolicy: NoSuchBucketPolicy)"


def test_a_policy_that_allows_everybody_makes_the_bucket_public(answers: Answers) -> None:
    answers.policy(allow())
    way = answers.way("policy")
    assert (way.grantee, way.access, way.effective_status, way.blocked_by) == ("*", "read", "yes", None)
    assert (answers.public, answers.cross_account) == ("yes", "no")


@pytest.mark.parametrize(
    ("level", "blocked_by"),
    [("account", "account_block_public_access"), ("bucket", "bucket_block_public_access")],
)
def test_restrict_public_buckets_neutralises_a_public_policy(answers: Answers, level: str, blocked_by: str) -> None:
    answers.policy(allow())
    (answers.account_block if level == "account" else answers.block)(RestrictPublicBuckets=True)
    way = answers.way("policy")
    assert (way.effective_status, way.blocked_by) == ("no", blocked_by)
    assert answers.public == "no"


def test_settings_that_stop_only_new_policies_and_acls_leave_what_is_there(answers: Answers) -> None:
    answers.policy(allow())
    answers.acl(("AllUsers", "READ"))
    answers.account_block(
        BlockPublicPolicy=True, BlockPublicAcls=True, IgnorePublicAcls=False, RestrictPublicBuckets=False
    )
    assert {way.effective_status for path in ("policy", "acl") for way in answers.ways(path)} == {"yes"}
    assert answers.public == "yes"


def test_removed_block_public_access_brings_a_public_policy_back(answers: Answers) -> None:
    answers.policy(allow())
    answers.block(**ALL_ON)
    answers.bucket("GetPublicAccessBlock", error="NoSuchPublicAccessBlockConfiguration")
    assert answers.public == "yes"


def test_an_organization_that_blocks_all_is_named(answers: Answers) -> None:
    answers.policy(allow())
    content = json.dumps({"s3_attributes": {"public_access_block_configuration": "all"}})
    about = {"PolicyType": "S3_POLICY", "TargetId": ACCOUNT}
    answers.says("organizations", "DescribeEffectivePolicy", about, {"EffectivePolicy": {"PolicyContent": content}})
    assert answers.way("policy").blocked_by == "organization_block_public_access"


@pytest.mark.parametrize(
    ("condition", "public"),
    [
        ({"StringEquals": {"aws:SourceVpce": "vpce-0a1b"}}, "no"),
        ({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, "no"),
        ({"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}, "yes"),
        ({"StringLike": {"aws:SourceVpc": "vpc-*"}}, "yes"),
        ({"Bool": {"aws:SecureTransport": "true"}}, "yes"),
    ],
)
def test_a_wildcard_is_public_unless_a_fixed_value_holds_it_and_takes_effect_anyhow(
    answers: Answers, condition: Any, public: str
) -> None:
    answers.policy(allow(Condition=condition))
    assert answers.way("policy").effective_status == "yes"
    assert answers.public == public


@pytest.mark.parametrize(
    ("key", "value", "foreign"),
    [
        ("aws:PrincipalOrgID", "o-abc", "yes"),
        ("aws:PrincipalAccount", ACCOUNT, "no"),
        ("aws:PrincipalAccount", OTHER, "yes"),
        ("s3:DataAccessPointAccount", ACCOUNT, "no"),
        ("aws:SourceVpce", "vpce-0a1b", "unknown"),  # whoever is in that network, of whatever account
    ],
)
def test_a_wildcard_that_is_held_lets_in_whom_its_condition_lets_in(
    answers: Answers, key: str, value: str, foreign: str
) -> None:
    answers.silent("ListAccessPoints", "s3control")
    answers.says("s3control", "ListAccessPoints", {"AccountId": ACCOUNT}, {"AccessPointList": []})
    answers.says("s3control", "ListMultiRegionAccessPoints", {"AccountId": ACCOUNT}, {"AccessPoints": []})
    answers.policy(allow(Condition={"StringEquals": {key: value}}))
    assert (answers.public, answers.cross_account) == ("no", foreign)


def test_a_grant_to_another_account_is_cross_account_and_not_public(answers: Answers) -> None:
    answers.policy(
        allow({"AWS": f"arn:aws:iam::{OTHER}:root"}), allow({"AWS": ROLE}, "s3:ListBucket", f"arn:aws:s3:::{BUCKET}")
    )
    assert [(way.grantee, way.access) for way in answers.ways("policy")] == [(OTHER, "read"), (ROLE, "list")]
    assert (answers.public, answers.cross_account) == ("no", "yes")


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_the_root_of_an_account_that_is_named_is_of_the_buckets_partition(answers: Answers, partition: str) -> None:
    root, arn = f"arn:{partition}:iam::{OTHER}:root", f"arn:{partition}:s3:::{BUCKET}/*"
    answers.says("sts", "GetCallerIdentity", {}, {"Account": ACCOUNT, "Arn": f"arn:{partition}:iam::{ACCOUNT}:user/ir"})
    others = {"ArnNotEquals": {"aws:PrincipalArn": root}}
    deny = allow("*", "s3:GetObject", arn, Condition=others) | {"Effect": "Deny"}
    answers.policy(allow({"AWS": root}, "s3:GetObject", arn), deny)
    assert answers.way("policy").effective_status == "yes"


def test_block_public_access_does_not_stop_an_account_that_is_named(answers: Answers) -> None:
    answers.policy(allow({"AWS": ROLE}))
    answers.block(**ALL_ON)
    assert answers.cross_account == "yes"


def test_a_public_policy_under_restriction_loses_the_accounts_that_it_names_too(answers: Answers) -> None:
    answers.policy(
        allow(),
        allow({"AWS": ROLE}),
        allow({"AWS": f"arn:aws:iam::{ACCOUNT}:role/own"}),
        allow({"Service": "logging.s3.amazonaws.com"}, "s3:PutObject"),
    )
    answers.block(**ALL_ON)
    assert [way.effective_status for way in answers.ways("policy")] == ["no", "no", "yes", "yes"]
    assert (answers.public, answers.cross_account) == ("no", "no")


def test_principals_of_the_own_account_and_services_are_no_other_account(answers: Answers) -> None:
    answers.policy(
        allow({"AWS": f"arn:aws:iam::{ACCOUNT}:user/own"}),
        allow({"Service": "cloudtrail.amazonaws.com"}, "s3:PutObject"),
    )
    assert [(way.grantee, way.effective_status) for way in answers.ways("policy")] == [
        (f"arn:aws:iam::{ACCOUNT}:user/own", "yes"), ("cloudtrail.amazonaws.com", "yes"),
    ]  # fmt: skip
    assert answers.cross_account == "no"


def test_a_principal_that_was_deleted_is_let_in_no_more(answers: Answers) -> None:
    answers.policy(allow({"AWS": "AIDAEXAMPLEEXAMPLE123"}))
    assert (answers.way("policy").blocked_by, answers.cross_account) == ("principal_deleted", "no")


def test_an_explicit_denial_of_everybody_stops_a_grant(answers: Answers) -> None:
    answers.policy(allow(), deny())
    assert (answers.way("policy").blocked_by, answers.public) == ("policy_deny", "no")


def test_a_denial_that_any_requester_can_avoid_stops_nothing(answers: Answers) -> None:
    answers.policy(allow(), deny(Condition={"Bool": {"aws:SecureTransport": "false"}}))
    assert answers.public == "yes"


def test_a_denial_of_other_objects_stops_nothing(answers: Answers) -> None:
    answers.policy(
        allow({"AWS": ROLE}, resource=f"arn:aws:s3:::{BUCKET}/shared/*"),
        deny(resource=f"arn:aws:s3:::{BUCKET}/secret/*"),
    )
    assert answers.cross_account == "yes"


def test_a_denial_of_one_action_or_of_longer_names_leaves_the_rest(answers: Answers) -> None:
    answers.policy(allow(action="s3:*"), deny(action="s3:PutObject"))
    assert {way.access: way.effective_status for way in answers.ways("policy")}["write"] == "yes"
    answers.policy(allow(resource=f"arn:aws:s3:::{BUCKET}/a*"), deny(resource=f"arn:aws:s3:::{BUCKET}/a?*"))
    assert answers.public == "yes"


def test_a_denial_of_all_other_addresses_leaves_it_open_whether_a_wildcard_is_public(answers: Answers) -> None:
    answers.policy(allow(), deny(Condition={"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}))
    assert answers.public == "unknown"


def test_a_refused_policy_is_unknown_with_its_error(answers: Answers) -> None:
    answers.bucket("GetBucketPolicy", error="AccessDenied")
    way = answers.way("policy")
    assert (way.effective_status, way.detail) == ("unknown", "GetBucketPolicy was refused (AccessDenied)")
    assert (answers.public, answers.cross_account) == ("unknown", "unknown")


def test_a_policy_that_nobody_asked_for_is_unknown_and_says_so(answers: Answers) -> None:
    answers.silent("GetBucketPolicy")
    assert answers.way("policy").detail == "GetBucketPolicy was not asked"
    assert (answers.public, answers.cross_account) == ("unknown", "unknown")


def test_an_error_that_does_not_say_that_nothing_is_set_is_a_refusal(answers: Answers) -> None:
    answers.bucket("GetBucketPolicy", error="NoSuchBucket")
    assert (answers.way("policy").effective_status, answers.public) == ("unknown", "unknown")


def test_a_refused_policy_under_restriction_cannot_be_public(answers: Answers) -> None:
    answers.bucket("GetBucketPolicy", error="AccessDenied")
    answers.block(**ALL_ON)
    assert (answers.public, answers.cross_account) == ("no", "unknown")


@pytest.mark.parametrize(("said", "public"), [(True, "yes"), (False, "no")])
def test_the_status_of_a_policy_tells_where_its_text_was_refused(answers: Answers, said: bool, public: str) -> None:
    answers.bucket("GetBucketPolicy", error="AccessDenied")
    answers.bucket("GetBucketPolicyStatus", {"PolicyStatus": {"IsPublic": said}})
    assert answers.public == public


@pytest.mark.parametrize(
    "policy", ["{", "[]", '"x"', "{}", 5, None, {"Statement": "x"}, '{"Statement": [{"Effect": "Allow"}]}']
)
def test_a_policy_that_cannot_be_read_is_unknown(answers: Answers, policy: Any) -> None:
    answers.bucket("GetBucketPolicy", {"Policy": policy})
    assert (answers.public, answers.cross_account) == ("unknown", "unknown")


def test_the_latest_answer_counts(answers: Answers) -> None:
    answers.policy(allow())
    answers.policy(allow({"AWS": ROLE}))
    assert (answers.public, answers.cross_account) == ("no", "yes")


def test_unknown_block_public_access_leaves_a_public_policy_open(answers: Answers) -> None:
    answers.policy(allow())
    answers.bucket("GetPublicAccessBlock", error="AccessDenied")
    assert answers.public == "unknown"
    answers.account_block(**ALL_ON)
    assert answers.public == "no"


# ACLs


def test_an_acl_for_everybody_makes_the_bucket_public_and_read_is_listing(answers: Answers) -> None:
    answers.acl(("AllUsers", "READ"), ("AuthenticatedUsers", "WRITE"))
    assert [(way.grantee, way.access, way.effective_status) for way in answers.ways("acl")] == [
        ("AllUsers", "list", "yes"), ("AuthenticatedUsers", "write", "yes"),
    ]  # fmt: skip
    assert answers.public == "yes"


def test_an_account_wide_block_neutralises_an_acl(answers: Answers) -> None:
    answers.acl(("AllUsers", "READ"))
    answers.account_block(**ALL_ON)
    assert (answers.way("acl").effective_status, answers.way("acl").blocked_by) == ("no", "account_block_public_access")
    assert answers.public == "no"


def test_ownership_by_the_bucket_owner_disables_acls(answers: Answers) -> None:
    answers.acl(("AllUsers", "READ"), (STRANGER, "FULL_CONTROL"))
    answers.ownership("BucketOwnerEnforced")
    assert {way.blocked_by for way in answers.ways("acl")} == {"bucket_ownership_controls"}
    assert (answers.public, answers.cross_account) == ("no", "no")


def test_full_control_for_another_canonical_id_is_cross_account_and_all_three(answers: Answers) -> None:
    answers.acl((STRANGER, "FULL_CONTROL"))
    assert [way.access for way in answers.ways("acl")] == ["list", "write", "admin"]
    assert (answers.public, answers.cross_account) == ("no", "yes")


def test_log_delivery_and_the_owner_are_no_outsiders(answers: Answers) -> None:
    answers.acl(("LogDelivery", "WRITE"), (OWNER, "READ"))
    assert [way.grantee for way in answers.ways("acl")] == ["LogDelivery"]
    assert (answers.public, answers.cross_account) == ("no", "no")


def test_unknown_ownership_leaves_an_acl_open(answers: Answers) -> None:
    answers.acl(("AllUsers", "READ"))
    answers.bucket("GetBucketOwnershipControls", error="AccessDenied")
    assert (answers.way("acl").effective_status, answers.public) == ("unknown", "unknown")
    assert "GetBucketOwnershipControls was refused (AccessDenied)" in answers.way("acl").detail


@pytest.mark.parametrize("grants", [None, "x", {}])
def test_an_acl_that_cannot_be_read_is_unknown(answers: Answers, grants: Any) -> None:
    answers.bucket("GetBucketAcl", {"Owner": {"ID": OWNER}, "Grants": grants})
    assert answers.public == "unknown"


def test_a_grant_that_cannot_be_read_is_unknown_and_others_are_kept(answers: Answers) -> None:
    answers.bucket(
        "GetBucketAcl",
        {
            "Owner": {"ID": OWNER},
            "Grants": [
                "x",
                {"Grantee": {"URI": "http://acs.amazonaws.com/groups/global/AllUsers"}, "Permission": "READ"},
            ],
        },
    )
    assert [way.effective_status for way in answers.ways("acl")] == ["unknown", "yes"]


def test_the_acl_of_an_object_makes_it_public(answers: Answers) -> None:
    grants = [{"Grantee": {"URI": "http://acs.amazonaws.com/groups/global/AllUsers"}, "Permission": "READ"}]
    answers.says("s3", "GetObjectAcl", {"Bucket": BUCKET, "Key": "a.txt"}, {"Owner": {"ID": OWNER}, "Grants": grants})
    way = answers.ways("object_acl")[0]
    assert (way.access, way.effective_status, answers.public) == ("read", "yes", "yes")


def test_acls_of_objects_that_nobody_asked_for_are_said_and_leave_the_bucket_as_it_is(answers: Answers) -> None:
    assert answers.way("object_acl").effective_status == "unknown"
    assert answers.public == "no"
    assert any("object_acl" in reason for reason in answers.verdict().not_counted)


def test_a_directory_bucket_is_never_public(answers: Answers) -> None:
    name = "fast--use1-az4--x-s3"
    answers.bucket("GetBucketPolicy", error="AccessDenied", name=name)
    assert answers.verdict(name).public_status == "no"


# what flows out


def replicated(bucket: str, account: str | None = None, status: str = "Enabled") -> dict[str, Any]:
    destination = {"Bucket": f"arn:aws:s3:::{bucket}"} | ({"Account": account} if account else {})
    return {
        "ReplicationConfiguration": {"Role": "r", "Rules": [{"ID": "r", "Status": status, "Destination": destination}]}
    }


@pytest.mark.parametrize(
    ("answer", "foreign"),
    [
        (replicated("theirs", OTHER), "yes"),
        (replicated("theirs"), "yes"),  # not in the account's list of its buckets
        (replicated(BUCKET), "no"),
        (replicated("theirs", OTHER, "Disabled"), "no"),
        (replicated("theirs", OTHER, "?"), "unknown"),
        ({"ReplicationConfiguration": {"Rules": "x"}}, "unknown"),
    ],
)
def test_replication_out_of_the_account_is_cross_account(answers: Answers, answer: Any, foreign: str) -> None:
    answers.bucket("GetBucketReplication", answer)
    assert (answers.public, answers.cross_account) == ("no", foreign)


def test_replication_to_a_bucket_that_nobody_listed_is_unknown(answers: Answers) -> None:
    answers.silent("ListBuckets")
    answers.bucket("GetBucketReplication", replicated("theirs"))
    assert answers.cross_account == "unknown"


def test_an_inventory_in_a_foreign_bucket_is_cross_account(answers: Answers) -> None:
    target = {"AccountId": OTHER, "Bucket": "arn:aws:s3:::theirs"}
    one = {"Id": "i", "IsEnabled": True, "Destination": {"S3BucketDestination": target}}
    answers.bucket("ListBucketInventoryConfigurations", {"InventoryConfigurationList": [one], "IsTruncated": False})
    way = answers.way("inventory")
    assert (way.access, way.grantee, answers.cross_account) == ("list", f"{OTHER}:theirs", "yes")


def test_a_list_that_was_cut_short_is_not_known_to_be_all(answers: Answers) -> None:
    answers.bucket("ListBucketInventoryConfigurations", {"InventoryConfigurationList": [], "IsTruncated": True})
    assert answers.cross_account == "unknown"


def test_a_website_serves_what_is_public_and_nothing_else(answers: Answers) -> None:
    answers.bucket("GetBucketWebsite", {"IndexDocument": {"Suffix": "index.html"}})
    assert (answers.way("website").blocked_by, answers.public) == ("no_public_read", "no")
    answers.policy(allow())
    assert (answers.way("website").effective_status, answers.public) == ("yes", "yes")


# access points and access grants

POINT = f"arn:aws:s3:us-east-1:{ACCOUNT}:accesspoint/door"


def door(answers: Answers, *statements: dict[str, Any], origin: str = "Internet", **flags: bool) -> None:
    answers.says("s3control", "ListAccessPoints", {"AccountId": ACCOUNT}, {"AccessPointList": [
        {"Name": "door", "Bucket": BUCKET, "NetworkOrigin": origin, "AccessPointArn": POINT}]})  # fmt: skip
    about = {"AccountId": ACCOUNT, "Name": "door"}
    block = dict.fromkeys(ALL_ON, False) | flags
    answers.says(
        "s3control",
        "GetAccessPoint",
        about,
        {"Name": "door", "NetworkOrigin": origin, "PublicAccessBlockConfiguration": block},
    )
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    answers.says("s3control", "GetAccessPointPolicy", about, {"Policy": policy})


def delegated(answers: Answers) -> None:
    held = {"StringEquals": {"s3:DataAccessPointAccount": ACCOUNT}}
    answers.policy(
        allow(action="s3:*", resource=[f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"], Condition=held)
    )
    answers.says("s3control", "ListMultiRegionAccessPoints", {"AccountId": ACCOUNT}, {"AccessPoints": []})


def test_an_access_point_lets_nobody_in_whom_the_bucket_does_not(answers: Answers) -> None:
    door(answers, allow({"AWS": ROLE}, resource=f"{POINT}/object/*"))
    assert (answers.way("access_point").blocked_by, answers.cross_account) == ("bucket_policy", "no")


def test_an_access_point_lets_in_whom_it_names_where_the_bucket_hands_on(answers: Answers) -> None:
    delegated(answers)
    door(answers, allow({"AWS": ROLE}, resource=f"{POINT}/object/*"))
    assert (answers.way("access_point").effective_status, answers.cross_account) == ("yes", "yes")


@pytest.mark.parametrize(
    ("more", "blocked_by"), [({}, None), ({"RestrictPublicBuckets": True}, "access_point_block_public_access")]
)
def test_a_public_access_point_is_public_unless_its_own_block_stops_it(
    answers: Answers, more: dict[str, bool], blocked_by: str | None
) -> None:
    delegated(answers)
    door(answers, allow(resource=f"{POINT}/object/*"), **more)
    assert answers.way("access_point").blocked_by == blocked_by
    assert answers.public == ("no" if more else "yes")


def test_an_access_point_of_a_vpc_is_never_public(answers: Answers) -> None:
    delegated(answers)
    door(answers, allow(resource=f"{POINT}/object/*"), origin="VPC")
    assert (answers.way("access_point").effective_status, answers.public) == ("yes", "no")


def test_a_bucket_that_hands_on_to_access_points_nobody_listed_is_unknown(answers: Answers) -> None:
    answers.policy(allow(Condition={"StringEquals": {"s3:DataAccessPointAccount": ACCOUNT}}))
    assert (answers.public, answers.cross_account) == ("unknown", "unknown")


def test_access_points_of_another_region_were_not_asked_about_in_this_one(answers: Answers) -> None:
    delegated(answers)
    answers.says("s3control", "ListAccessPoints", {"AccountId": ACCOUNT}, {"AccessPointList": []})
    assert answers.way("access_point").effective_status == "no"
    answers.bucket("GetBucketLocation", {"LocationConstraint": "eu-west-1"})
    assert answers.way("access_point").effective_status == "unknown"


def test_an_access_grant_below_the_bucket_is_a_way_in(answers: Answers) -> None:
    grantee = {"GranteeType": "IAM", "GranteeIdentifier": f"arn:aws:iam::{ACCOUNT}:role/own"}
    one = {"AccessGrantId": "g", "Grantee": grantee, "Permission": "READWRITE", "GrantScope": f"s3://{BUCKET}/a/*"}
    other = one | {"GrantScope": "s3://another/*"}
    answers.says("s3control", "ListAccessGrants", {"AccountId": ACCOUNT}, {"AccessGrantsList": [one, other]})
    assert [way.access for way in answers.ways("access_grant")] == ["read", "write"]
    assert answers.cross_account == "no"


def test_an_instance_of_access_grants_without_its_grants_leaves_it_open(answers: Answers) -> None:
    held = {"AccessGrantsInstancesList": [{"AccessGrantsInstanceId": "default"}]}
    answers.says("s3control", "ListAccessGrantsInstances", {"AccountId": ACCOUNT}, held)
    assert (answers.public, answers.cross_account) == ("no", "unknown")
    answers.says("s3control", "ListAccessGrantsInstances", {"AccountId": ACCOUNT}, {"AccessGrantsInstancesList": []})
    assert answers.cross_account == "no"


# other people's evidence


@pytest.mark.parametrize(
    "response", [None, 5, [], "x", {}, {"Policy": {}}, {"Grants": [None]}, {"PublicAccessBlockConfiguration": []}]
)
def test_answers_of_no_known_shape_crash_nothing_and_are_never_a_no(answers: Answers, response: Any) -> None:
    for operation in ("GetBucketPolicy", "GetBucketAcl", "GetPublicAccessBlock", "GetBucketReplication", "GetBucketWebsite",
                      "GetBucketOwnershipControls", "ListBuckets", "GetBucketEncryption"):  # fmt: skip
        answers.bucket(operation, response)
    for operation in ("ListAccessPoints", "ListMultiRegionAccessPoints", "ListAccessGrants", "GetPublicAccessBlock"):
        answers.says("s3control", operation, {"AccountId": ACCOUNT}, response)
    assert (answers.public, answers.cross_account) == ("unknown", "unknown")


def test_answers_that_name_no_account_are_those_of_the_only_one(answers: Answers) -> None:
    for row in answers.rows:
        row["account_id"] = None
    answers.policy(allow({"AWS": ROLE}))
    assert (answers.public, answers.cross_account) == ("no", "yes")


def test_a_bucket_whose_account_nobody_knows_leaves_open_whose_a_principal_is(answers: Answers) -> None:
    answers.rows = [row | {"account_id": None} for row in answers.rows if row["operation"].startswith("GetBucket")]
    answers.policy(allow({"AWS": ROLE}))
    answers.rows[-1]["account_id"] = None
    configuration = Configuration(answers.rows)
    inventory = inventory_of(configuration, [], [])
    (way,) = [one for one in grants_of(configuration, inventory.buckets[BUCKET], inventory) if one.path == "policy"]
    assert (way.effective_status, way.cross_account_status) == ("yes", "unknown")


def test_pages_of_one_answer_are_put_together_and_older_ones_left_out(answers: Answers) -> None:
    def page(names: list[str], token: str | None, marker: str | None = None) -> None:
        response = {"Buckets": [{"Name": name} for name in names], "ContinuationToken": token, "Owner": {"ID": OWNER}}
        answers.says("s3", "ListBuckets", {"ContinuationToken": marker} if marker else {}, response)

    page(["old"], None)
    page(["a"], "t")
    page(["b"], None, "t")
    found = Configuration(answers.rows).answer("s3", "ListBuckets")
    assert [one["Name"] for one in found.listed("Buckets")] == ["a", "b"]


def test_everybody_by_either_spelling_is_one_grant(answers: Answers) -> None:
    held = {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}
    for principal in ("*", {"AWS": "*"}):
        answers.policy(allow(principal, Condition=held))
        assert answers.way("policy").foreign == answers.cross_account == "no"
