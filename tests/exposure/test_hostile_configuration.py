"""Configuration in shapes that no service answers: what can be read is kept, nothing crashes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from bucket_answers import ACCOUNT, BUCKET, OWNER, Answers, allow

from ir_kit.exposure.permissions import by_policies

USER = f"arn:aws:iam::{ACCOUNT}:user/legacy"
# answers that are right, of which one part after another is replaced
WHOLE: dict[tuple[str, str], Any] = {
    ("s3", "ListBuckets"): {"Buckets": [{"Name": BUCKET}], "Owner": {"ID": OWNER}},
    ("s3", "GetBucketPolicy"): {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [allow()]})},
    ("s3", "GetBucketPolicyStatus"): {"PolicyStatus": {"IsPublic": True}},
    ("s3", "GetBucketAcl"): {"Owner": {"ID": OWNER}, "Grants": [{"Grantee": {"ID": OWNER}, "Permission": "READ"}]},
    ("s3", "GetPublicAccessBlock"): {"PublicAccessBlockConfiguration": {"IgnorePublicAcls": True}},
    ("s3", "GetBucketOwnershipControls"): {"OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}},
    ("s3", "GetBucketReplication"): {
        "ReplicationConfiguration": {"Rules": [{"Filter": {"And": {"Prefix": "a"}}, "Destination": {"Bucket": "b"}}]}
    },
    ("s3", "ListBucketInventoryConfigurations"): {
        "InventoryConfigurationList": [{"Id": "i", "Destination": {"S3BucketDestination": {"Bucket": "b"}}}]
    },
    ("s3", "ListBucketAnalyticsConfigurations"): {
        "AnalyticsConfigurationList": [
            {"StorageClassAnalysis": {"DataExport": {"Destination": {"S3BucketDestination": {"Bucket": "b"}}}}}
        ]
    },
    ("s3", "GetBucketWebsite"): {"IndexDocument": {"Suffix": "i"}, "RedirectAllRequestsTo": {"HostName": "h"}},
    ("s3", "GetBucketCors"): {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]},
    ("s3", "GetBucketEncryption"): {
        "ServerSideEncryptionConfiguration": {"Rules": [{"ApplyServerSideEncryptionByDefault": {"KMSMasterKeyID": "k"}}]}
    },
    ("s3", "GetObjectLockConfiguration"): {"ObjectLockConfiguration": {"Rule": {"DefaultRetention": {"Days": 1}}}},
    ("s3", "GetBucketLifecycleConfiguration"): {"Rules": [{"Expiration": {"Days": 1}}]},
    ("s3", "GetObjectAcl"): {"Grants": [{"Grantee": {"URI": "u"}, "Permission": "READ"}]},
    ("s3control", "GetPublicAccessBlock"): {"PublicAccessBlockConfiguration": {"IgnorePublicAcls": True}},
    ("s3control", "ListAccessPoints"): {"AccessPointList": [{"Name": "p", "Bucket": BUCKET, "AccessPointArn": "arn:x"}]},
    ("s3control", "GetAccessPoint"): {"PublicAccessBlockConfiguration": {"RestrictPublicBuckets": True}},
    ("s3control", "GetAccessPointPolicy"): {"Policy": json.dumps({"Statement": allow()})},
    ("s3control", "ListMultiRegionAccessPoints"): {"AccessPoints": [{"Name": "m", "Regions": [{"Bucket": BUCKET}]}]},
    ("s3control", "GetMultiRegionAccessPointPolicy"): {"Policy": {"Established": {"Policy": "{}"}}},
    ("s3control", "ListAccessGrants"): {"AccessGrantsList": [{"Grantee": {"GranteeIdentifier": "g"}, "Permission": "READ"}]},
    ("organizations", "DescribeEffectivePolicy"): {"EffectivePolicy": {"PolicyContent": "{}"}},
    ("organizations", "DescribeOrganization"): {"Organization": {"Id": "o"}},
    ("iam", "GetAccountAuthorizationDetails"): {
        "UserDetailList": [
            {
                "UserName": "legacy", "GroupList": ["g"], "UserPolicyList": [{"PolicyDocument": {"Statement": [allow()]}}],
                "AttachedManagedPolicies": [{"PolicyArn": "a"}], "PermissionsBoundary": {"PermissionsBoundaryArn": "b"},
                "Tags": [{"Key": "k", "Value": "v"}],
            }
        ],
        "GroupDetailList": [{"GroupName": "g", "GroupPolicyList": []}],
        "Policies": [{"Arn": "a", "PolicyVersionList": [{"IsDefaultVersion": True, "Document": "{}"}]}],
    },
    ("kms", "GetKeyPolicy"): {"Policy": "{}"},
    ("kms", "ListGrants"): {"Grants": [{"Operations": ["Decrypt"]}]},
    ("ec2", "DescribeVpcEndpoints"): {"VpcEndpoints": [{"ServiceName": "com.s3", "PolicyDocument": "{}"}]},
}  # fmt: skip
ABOUT: dict[str, Any] = {
    "GetObjectAcl": {"Bucket": BUCKET, "Key": "k"}, "GetAccessPoint": {"Name": "p"}, "GetAccessPointPolicy": {"Name": "p"},
    "GetMultiRegionAccessPointPolicy": {"Name": "m"}, "GetKeyPolicy": {"KeyId": "k"}, "ListGrants": {"KeyId": "k"},
    "DescribeEffectivePolicy": {"TargetId": ACCOUNT, "PolicyType": "S3_POLICY"},
}  # fmt: skip
ODD: list[Any] = [None, True, 0, 1.5, "", "x", "*", "arn:aws:s3:::x", [], [None], ["x"], [[]], {}, {"x": None}, [{}]]


def _paths(value: Any) -> list[list[Any]]:
    """Every place in a value, itself included."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [[], *([step, *rest] for step, part in inner for rest in _paths(part))]


def _replaced(value: Any, path: list[Any], odd: Any) -> Any:
    if not path:
        return odd
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _replaced(value[path[0]], path[1:], odd)
    return copy


@pytest.mark.parametrize("seed", range(60))
def test_an_answer_with_a_part_of_another_type_is_kept_for_what_can_be_read(seed: int) -> None:
    dice, answers = Random(seed), Answers()
    for (service, operation), response in WHOLE.items():
        odd = _replaced(response, dice.choice(_paths(response)), dice.choice(ODD))
        named = ABOUT.get(operation, {"Bucket": BUCKET} if service == "s3" and operation != "ListBuckets" else {})
        answers.says(service, operation, named, odd if dice.random() < 0.7 else response)
    verdict = answers.verdict()
    assert {verdict.public_status, verdict.cross_account_status} <= {"yes", "no", "unknown"}
    credential = {
        "access_key_id": "AKIAIOSFODNN7EXAMPLE", "credential_type": "long_term", "principal_arn": USER, "principal": USER,
    }  # fmt: skip
    exposure = answers.exposure((BUCKET,))
    assert len(by_policies([credential], [], exposure, [datetime(2026, 3, 1, tzinfo=UTC)])) == 5
