"""What AWS would answer when asked for the account's configuration, as JSON lines in boto3's shapes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simulator.digests import Signature, list_public_keys
from simulator.ids import iso
from simulator.principals import Credential, Role, User
from simulator.requests import Request
from simulator.world import Bucket, Trail, World, inside

Answer = dict[str, Any]

# What S3 answers for a bucket where nothing was configured; text is an error code.
BUCKET_DEFAULTS: dict[str, Any] = {
    "GetBucketPolicy": "NoSuchBucketPolicy",
    "GetBucketPolicyStatus": "NoSuchBucketPolicy",
    "GetPublicAccessBlock": {
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True,
        }
    },
    "GetBucketLifecycleConfiguration": "NoSuchLifecycleConfiguration",
    "GetBucketEncryption": {
        "ServerSideEncryptionConfiguration": {
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]
        }
    },
    "GetBucketOwnershipControls": {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}},
    "GetBucketReplication": "ReplicationConfigurationNotFoundError",
    "GetBucketWebsite": "NoSuchWebsiteConfiguration",
    "GetBucketCors": "NoSuchCORSConfiguration",
    "GetObjectLockConfiguration": "ObjectLockConfigurationNotFoundError",
    "GetBucketNotificationConfiguration": {},
    "ListBucketInventoryConfigurations": {"IsTruncated": False},
    "ListBucketAnalyticsConfigurations": {"IsTruncated": False},
}  # fmt: skip

# What the policies that AWS manages allow, as far as the account's own doings need it.
MANAGED_ACTIONS = {
    "AdministratorAccess": ["*"],
    "AmazonS3ReadOnlyAccess": ["s3:Get*", "s3:List*", "s3:Describe*"],
    "ReadOnlyAccess": ["s3:Get*", "s3:List*", "iam:Get*", "iam:List*", "ec2:Describe*", "cloudtrail:Get*"],
}


def write_configuration(world: World, signatures: list[Signature], path: Path) -> None:
    """Write every answer, one call a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as out:
        for answer in answers(world, signatures):
            out.write(json.dumps(answer, separators=(", ", ": "), ensure_ascii=False) + "\n")


def answers(world: World, signatures: list[Signature]) -> Iterator[Answer]:
    """One answer per call that a collection would make, in the order of the calls."""
    yield from _identity(world)
    yield from _trails(world)
    yield from _buckets(world)
    for made in signatures:
        metadata = {"signature": made.signature, "signature-algorithm": "SHA256withRSA"}
        response = {
            "LastModified": iso(made.written), "ContentLength": made.size, "ContentType": "application/json",
            "ContentEncoding": "gzip", "ServerSideEncryption": "AES256", "Metadata": metadata,
        }  # fmt: skip
        parameters = {"Bucket": made.bucket, "Key": made.key}
        yield _answer(world, made.region, "s3", "HeadObject", parameters, response)


def _answer(
    world: World, region: str, service: str, operation: str, parameters: dict[str, Any], response: Any
) -> Answer:
    """One line; a response that is text is an error code."""
    found: Answer = {
        "collected_at": iso(world.collected_at), "account": world.account, "region": region, "service": service,
        "operation": operation, "parameters": parameters,
    }  # fmt: skip
    if isinstance(response, str):
        message = "Access Denied" if response == "AccessDenied" else "Not configured"
        return found | {"error": {"Code": response, "Message": message}}
    return found | {"response": response}


def _identity(world: World) -> Iterator[Answer]:
    home = "us-east-1"
    caller = world.collector
    if caller:
        user_id = f"{caller.principal_id}:{caller.session}" if caller.session else caller.principal_id
        who = {"UserId": user_id, "Account": world.account, "Arn": caller.principal_arn}
        yield _answer(world, home, "sts", "GetCallerIdentity", {}, who)
    users = [_user(world, user) for user in world.users.values()]
    yield _answer(world, home, "iam", "ListUsers", {}, {"Users": users, "IsTruncated": False})
    for user in world.users.values():
        keys = [_key(user, key) for key in user.keys]
        response = {"AccessKeyMetadata": keys, "IsTruncated": False}
        yield _answer(world, home, "iam", "ListAccessKeys", {"UserName": user.name}, response)
        for key in user.keys:
            used: dict[str, Any] = {"UserName": user.name, "AccessKeyLastUsed": last_used(world.last_use(key))}
            yield _answer(world, home, "iam", "GetAccessKeyLastUsed", {"AccessKeyId": key.access_key_id}, used)
    details = {
        "UserDetailList": [
            _user(world, user) | {
                "UserPolicyList": _inline(user.inline), "GroupList": [], "Tags": [],
                "AttachedManagedPolicies": _attached(user.policies),
            }
            for user in world.users.values()
        ],
        "GroupDetailList": [],
        "RoleDetailList": [_role(world, role) for role in world.roles.values()],
        "Policies": list(_managed(world)),
        "IsTruncated": False,
    }  # fmt: skip
    yield _answer(world, home, "iam", "GetAccountAuthorizationDetails", {}, details)
    whose = {"AccountId": world.account}
    yield _answer(world, home, "s3control", "GetPublicAccessBlock", whose, "NoSuchPublicAccessBlockConfiguration")
    for region in sorted({bucket.region for bucket in world.buckets.values()}):
        yield _answer(world, region, "s3control", "ListAccessPoints", whose, {"AccessPointList": []})
    yield _answer(world, "us-west-2", "s3control", "ListMultiRegionAccessPoints", whose, {"AccessPoints": []})
    instances: dict[str, Any] = {"AccessGrantsInstancesList": []}
    yield _answer(world, home, "s3control", "ListAccessGrantsInstances", whose, instances)


def _user(world: World, user: User) -> dict[str, Any]:
    arn = f"arn:aws:iam::{world.account}:user/{user.name}"
    return {"Path": "/", "UserName": user.name, "UserId": user.user_id, "Arn": arn, "CreateDate": iso(user.created)}


def _key(user: User, key: Credential) -> dict[str, Any]:
    status = "Inactive" if key.access_key_id in user.inactive_keys else "Active"
    created = iso(key.created) if key.created else None
    return {"UserName": user.name, "AccessKeyId": key.access_key_id, "Status": status, "CreateDate": created}


def last_used(request: Request | None) -> dict[str, Any]:
    """`AccessKeyLastUsed`; S3 and IAM are named without a Region, as IAM's guide says of services that have none."""
    if request is None:
        return {"ServiceName": "N/A", "Region": "N/A"}
    service = request.source.partition(".")[0]
    region = "N/A" if service in ("s3", "iam") else request.region
    return {"LastUsedDate": iso(request.time), "ServiceName": service, "Region": region}


def _inline(policies: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"PolicyName": name, "PolicyDocument": document} for name, document in policies.items()]


def _attached(arns: list[str]) -> list[dict[str, str]]:
    return [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in arns]


def _managed(world: World) -> Iterator[dict[str, Any]]:
    """The managed policies that are attached to users, each with the version that is in force."""
    for arn in sorted({arn for user in world.users.values() for arn in user.policies}):
        name = arn.rpartition("/")[2]
        if name in MANAGED_ACTIONS:
            statement = {"Effect": "Allow", "Action": MANAGED_ACTIONS[name], "Resource": "*"}
            document = {"Version": "2012-10-17", "Statement": [statement]}
            yield {
                "PolicyName": name, "Arn": arn, "Path": "/", "DefaultVersionId": "v1", "IsAttachable": True,
                "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": True, "Document": document}],
            }  # fmt: skip


def _role(world: World, role: Role) -> dict[str, Any]:
    return {
        "Path": role.path, "RoleName": role.name, "RoleId": role.role_id,
        "Arn": f"arn:aws:iam::{world.account}:role{role.path}{role.name}", "CreateDate": iso(role.created),
        "AssumeRolePolicyDocument": role.trust, "InstanceProfileList": [], "RolePolicyList": _inline(role.inline),
        "AttachedManagedPolicies": [], "Tags": [],
    }  # fmt: skip


def _trails(world: World) -> Iterator[Answer]:
    by_region: dict[str, list[Trail]] = {}
    for trail in world.trails:
        by_region.setdefault(trail.region, []).append(trail)
    for region, trails in by_region.items():
        described = {"trailList": [_trail(world, trail) for trail in trails]}
        yield _answer(world, region, "cloudtrail", "DescribeTrails", {}, described)
        for trail in trails:
            arn = trail.arn(world.account)
            yield _answer(world, region, "cloudtrail", "GetTrailStatus", {"Name": arn}, _trail_status(world, trail))
            selectors = {"TrailARN": arn, "EventSelectors": event_selectors(world, trail)}
            yield _answer(world, region, "cloudtrail", "GetEventSelectors", {"TrailName": arn}, selectors)
        signed = [trail for trail in trails if trail.validation_since]
        keys = {"PublicKeyList": list_public_keys(world, signed[0]) if signed else []}
        start = signed[0].validation_since if signed else None
        parameters = {"StartTime": iso(start or world.baseline_start), "EndTime": iso(world.collected_at)}
        yield _answer(world, region, "cloudtrail", "ListPublicKeys", parameters, keys)


def _trail(world: World, trail: Trail) -> dict[str, Any]:
    found = {
        "Name": trail.name, "S3BucketName": trail.bucket, "IncludeGlobalServiceEvents": True,
        "IsMultiRegionTrail": trail.multi_region, "HomeRegion": trail.region, "TrailARN": trail.arn(world.account),
        "LogFileValidationEnabled": trail.validation_since is not None, "HasCustomEventSelectors": True,
        "HasInsightSelectors": False, "IsOrganizationTrail": False,
    }  # fmt: skip
    if trail.prefix:
        found["S3KeyPrefix"] = trail.prefix.rstrip("/")
    return found


def _trail_status(world: World, trail: Trail) -> dict[str, Any]:
    stops = sorted(trail.stops)
    started = stops[-1][1] if stops else trail.created
    found: dict[str, Any] = {
        "IsLogging": not trail.is_stopped(world.collected_at), "LatestDeliveryTime": iso(world.collected_at),
        "StartLoggingTime": iso(started), "LatestDeliveryAttemptTime": iso(world.collected_at),
    }  # fmt: skip
    if stops:
        found["StopLoggingTime"] = iso(stops[-1][0])
    if trail.validation_since:
        found["LatestDigestDeliveryTime"] = iso(world.collected_at)
    return found


def event_selectors(world: World, trail: Trail) -> list[dict[str, Any]]:
    """The basic selectors of a trail as they stand when they are asked for."""
    covered = [name for name, spans in trail.data_buckets.items() if inside(spans, world.collected_at)]
    resources = [{"Type": "AWS::S3::Object", "Values": [f"arn:aws:s3:::{name}/" for name in covered]}]
    return [
        {
            "ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": resources if covered else [],
            "ExcludeManagementEventSources": [],
        }
    ]  # fmt: skip


def _buckets(world: World) -> Iterator[Answer]:
    listed = [{"Name": b.name, "CreationDate": iso(b.created)} for b in world.buckets.values()]
    owner = {"ID": world.canonical_id}
    yield _answer(world, "us-east-1", "s3", "ListBuckets", {}, {"Buckets": listed, "Owner": owner})
    for bucket in world.buckets.values():
        for operation, response in _settings(world, bucket).items():
            yield _answer(world, bucket.region, "s3", operation, {"Bucket": bucket.name}, response)


def _settings(world: World, bucket: Bucket) -> dict[str, Any]:
    logging: dict[str, Any] = {}
    if inside(bucket.access_log, world.collected_at):
        prefix = "" if bucket.partitioned else f"{bucket.name}/"
        logging = {"LoggingEnabled": {"TargetBucket": world.log_bucket, "TargetPrefix": prefix}}
        if bucket.partitioned:
            layout = {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}}
            logging["LoggingEnabled"]["TargetObjectKeyFormat"] = layout
    owner = {"ID": world.canonical_id}
    grant = {"Grantee": {"ID": world.canonical_id, "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}
    found: dict[str, Any] = {
        "GetBucketLocation": {"LocationConstraint": None if bucket.region == "us-east-1" else bucket.region},
        "GetBucketLogging": logging,
        "GetBucketAcl": {"Owner": owner, "Grants": [grant]},
        "GetBucketVersioning": {"Status": "Enabled"} if bucket.versioned else {},
    }
    return found | BUCKET_DEFAULTS | bucket.settings
