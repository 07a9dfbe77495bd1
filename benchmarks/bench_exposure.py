"""Exposure by configuration at scale: 1,000 buckets, 5,000 policy statements, 20 reached credentials, from answers to tables.

Each bucket has a policy of five statements (fixed principals, wildcards with and without conditions, denials, other
accounts), an ACL, ownership, Block Public Access, replication, inventory, website and encryption; each credential is a
role's session or a user's, with policies, groups and boundaries of its own. Loading the evidence is not measured.

``python benchmarks/bench_exposure.py [BUCKETS] [CREDENTIALS]``; exit status 1 where it takes more than 20 seconds.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TARGET_SECONDS = 20.0
ACCOUNT, FOREIGN, KEY = "111122223333", "999988887777", "AKIAIOSFODNN7EXAMPLE"
AT = "2026-03-09T09:00:00Z"
Record = dict[str, Any]


def answers(buckets: int, credentials: int) -> list[Record]:
    """Every configuration answer of the account."""
    found = [_answer("sts", "GetCallerIdentity", {}, {"Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/ir"})]
    found.append(
        _answer(
            "s3control", "GetPublicAccessBlock", {"AccountId": ACCOUNT}, None, "NoSuchPublicAccessBlockConfiguration"
        )
    )
    listed = [{"Name": f"bench-{number:04d}"} for number in range(buckets)]
    found.append(_answer("s3", "ListBuckets", {}, {"Buckets": listed, "Owner": {"ID": "c" * 64}}))
    for number in range(buckets):
        found += _bucket(number)
    return [*found, _details(credentials)]


def _answer(
    service: str, operation: str, parameters: Record, response: Record | None, error: str | None = None
) -> Record:
    call = {
        "collected_at": AT, "account": ACCOUNT, "region": "us-east-1", "service": service, "operation": operation,
        "parameters": parameters,
    }  # fmt: skip
    return call | ({"error": {"Code": error}} if error else {"response": response})


def _bucket(number: int) -> list[Record]:
    name = f"bench-{number:04d}"
    arn, about = f"arn:aws:s3:::{name}", {"Bucket": name}
    grant = {"Grantee": {"Type": "CanonicalUser", "ID": "c" * 64}, "Permission": "FULL_CONTROL"}
    everybody = {
        "Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"},
        "Permission": "READ",
    }
    flags = dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), number % 3 == 0
    )
    ownership = "BucketOwnerEnforced" if number % 4 else "ObjectWriter"
    rule = {"ID": "r", "Status": "Enabled", "Destination": {"Bucket": "arn:aws:s3:::elsewhere", "Account": FOREIGN}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": _statements(number, arn)})
    website = {"IndexDocument": {"Suffix": "index.html"}}
    return [
        _answer("s3", "GetBucketLocation", about, {"LocationConstraint": None}),
        _answer("s3", "GetBucketPolicy", about, {"Policy": policy}),
        _answer("s3", "GetBucketAcl", about, {"Owner": {"ID": "c" * 64}, "Grants": [grant, everybody]}),
        _answer("s3", "GetPublicAccessBlock", about, {"PublicAccessBlockConfiguration": flags}),
        _answer(
            "s3",
            "GetBucketOwnershipControls",
            about,
            {"OwnershipControls": {"Rules": [{"ObjectOwnership": ownership}]}},
        ),
        _answer("s3", "GetBucketReplication", about, {"ReplicationConfiguration": {"Role": "r", "Rules": [rule]}})
        if number % 10 == 0
        else _answer("s3", "GetBucketReplication", about, None, "ReplicationConfigurationNotFoundError"),
        _answer("s3", "ListBucketInventoryConfigurations", about, {"IsTruncated": False}),
        _answer("s3", "GetBucketWebsite", about, website)
        if number % 20 == 0
        else _answer("s3", "GetBucketWebsite", about, None, "NoSuchWebsiteConfiguration"),
        _answer("s3", "GetBucketVersioning", about, {"Status": "Enabled"}),
        _answer("s3", "GetBucketEncryption", about, {"ServerSideEncryptionConfiguration": {"Rules": []}}),
    ]


def _statements(number: int, arn: str) -> list[Record]:
    role = f"arn:aws:iam::{ACCOUNT}:role/worker-{number % 20}"
    return [
        {"Sid": "Own", "Effect": "Allow", "Principal": {"AWS": role}, "Action": ["s3:Get*", "s3:List*"], "Resource": [arn, f"{arn}/*"]},
        {"Sid": "Partner", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{FOREIGN}:role/reader"}, "Action": "s3:GetObject",
         "Resource": f"{arn}/shared/{number}/*"},
        {"Sid": "Wild", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{arn}/public/*",
         **({"Condition": {"StringEquals": {"aws:SourceVpce": f"vpce-{number:08x}"}}} if number % 2 else {})},
        {"Sid": "Tls", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [arn, f"{arn}/*"],
         "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        {"Sid": "Guard", "Effect": "Deny", "NotPrincipal": {"AWS": [f"arn:aws:iam::{ACCOUNT}:root", role]},
         "Action": ["s3:PutBucketPolicy", "s3:DeleteBucketPolicy"], "Resource": arn},
    ]  # fmt: skip


def _details(credentials: int) -> Record:
    roles = [
        {
            "RoleName": f"worker-{number}", "RoleId": f"AROAWORKER{number:010d}", "Arn": f"arn:aws:iam::{ACCOUNT}:role/worker-{number}",
            "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": _rights(number)}], "AttachedManagedPolicies": [], "Tags": [],
            "PermissionsBoundary": {"PermissionsBoundaryArn": f"arn:aws:iam::{ACCOUNT}:policy/boundary"},
        }
        for number in range(credentials)
    ]  # fmt: skip
    user = {
        "UserName": "legacy", "UserId": "AIDALEGACY", "Arn": f"arn:aws:iam::{ACCOUNT}:user/legacy", "GroupList": ["staff"],
        "UserPolicyList": [], "AttachedManagedPolicies": [], "Tags": [],
    }  # fmt: skip
    group = {"GroupName": "staff", "GroupPolicyList": [{"PolicyName": "g", "PolicyDocument": _rights(0)}]}
    boundary = {
        "Arn": f"arn:aws:iam::{ACCOUNT}:policy/boundary", "DefaultVersionId": "v1",
        "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": True, "Document": {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": ["s3:*", "sts:*"], "Resource": "*"}]}}],
    }  # fmt: skip
    response = {
        "UserDetailList": [user], "RoleDetailList": roles, "GroupDetailList": [group], "Policies": [boundary],
        "IsTruncated": False,
    }  # fmt: skip
    return _answer("iam", "GetAccountAuthorizationDetails", {}, response)


def _rights(number: int) -> Record:
    mine = f"arn:aws:s3:::bench-*{number % 10}"
    return {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": [mine, f"{mine}/data/*"]},
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bench-0*/incoming/*"},
        {"Effect": "Deny", "Action": "s3:Delete*", "Resource": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}},
    ]}  # fmt: skip


def events(credentials: int) -> list[Record]:
    """The incident key assumes a role for each credential."""
    who = {
        "type": "IAMUser",
        "arn": f"arn:aws:iam::{ACCOUNT}:user/legacy",
        "accountId": ACCOUNT,
        "userName": "legacy",
        "accessKeyId": KEY,
    }
    return [
        {
            "eventVersion": "1.10", "userIdentity": who, "eventTime": f"2026-03-02T10:{number % 60:02d}:00Z",
            "eventSource": "sts.amazonaws.com", "eventName": "AssumeRole", "awsRegion": "us-east-1", "sourceIPAddress": "198.51.100.7",
            "userAgent": "aws-cli/2.15", "eventID": f"00000000-0000-0000-0000-{number:012d}", "eventType": "AwsApiCall",
            "requestParameters": {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/worker-{number}", "roleSessionName": "s"},
            "responseElements": {
                "credentials": {"accessKeyId": f"ASIA{number:016d}"},
                "assumedRoleUser": {"arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/worker-{number}/s"},
            },
            "recipientAccountId": ACCOUNT, "managementEvent": True, "eventCategory": "Management", "readOnly": True,
        }
        for number in range(1, credentials)
    ]  # fmt: skip


def measure(folder: Path, buckets: int, credentials: int) -> tuple[float, float]:
    """Write the evidence, load it, and time the answers and their tables."""
    from ir_kit.bucket_exposure import questions as bucket_exposure
    from ir_kit.case_opening import open_case
    from ir_kit.incident import new_incident

    evidence = folder / "bench" / "evidence"
    (evidence / "cloudtrail").mkdir(parents=True)
    (evidence / "cloudtrail" / "all.json").write_text(json.dumps({"Records": events(credentials)}))
    lines = "".join(json.dumps(one) + "\n" for one in answers(buckets, credentials))
    (evidence / "configuration.jsonl").write_text(lines)
    new_incident(folder, "bench", {
        "access_keys": [KEY], "window": {"start": "2026-03-01T00:00:00Z", "end": "2026-03-08T00:00:00Z"},
        "sources": {"cloudtrail": ["evidence/cloudtrail"], "configuration": "evidence/configuration.jsonl"},
    })  # fmt: skip
    case = open_case("bench", str(folder))
    start, cpu = time.perf_counter(), time.process_time()
    frames = {
        "reachable": bucket_exposure.reachable(case), "grants": bucket_exposure.grants(case),
        "buckets": bucket_exposure.buckets(case), "settings": bucket_exposure.settings(case),
    }  # fmt: skip
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    print(", ".join(f"{table} {len(frame):,} rows" for table, frame in frames.items()))
    return seconds, cpu


def main() -> int:
    """0 where the target holds."""
    given = [int(one) for one in sys.argv[1:3]]
    buckets, credentials = [*given, 1000, 20][0], [*given[1:], 20][0]
    with tempfile.TemporaryDirectory() as folder:
        seconds, cpu = measure(Path(folder), buckets, credentials)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    what = f"{buckets:,} buckets, {5 * buckets:,} statements, {credentials} credentials"
    print(f"{what}: {seconds:.1f} s, {cpu:.1f} s of CPU, peak {peak:.0f} MiB")
    return 0 if seconds < TARGET_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
