"""Snippets for buckets: server access logging, and what keeps the logs in a log bucket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ir_kit.logging_gaps.snippets import OWNED, Snippet, command, compact, hcl, new_bucket, template

POLICY_LIMIT = 20_480
PARTITIONED = {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}}


class Policy(NamedTuple):
    """The policy that a log bucket is to have: whole where the present one is known, else what to add to it."""

    bucket: str
    document: Mapping[str, Any] | None
    added: Sequence[Mapping[str, Any]]

    def commands(self, region: str) -> list[str]:
        """How to put it. Where the present policy could not be read, it is fetched, added to, and put back."""
        put = ["aws", "s3api", "put-bucket-policy", "--bucket", self.bucket, "--region", region, "--policy"]
        if self.document is not None:
            return [command(*put, compact(self.document))]
        sids = [str(one["Sid"]) for one in self.added]
        get = command(
            "aws",
            "s3api",
            "get-bucket-policy",
            "--bucket",
            self.bucket,
            "--region",
            region,
            "--query",
            "Policy",
            "--output",
            "text",
        )
        keep = 'if type == "array" then . else [.] end | map(select(.Sid as $s | $sids | index($s) | not))'
        join = f".Statement |= (({keep}) + $new)"
        edit = command(
            "jq", "-c", "--argjson", "new", compact(list(self.added)), "--argjson", "sids", compact(sids), join
        )
        return [f'policy=$({get}) && policy=$(printf \'%s\' "$policy" | {edit}) && {command(*put)} "$policy"']


def deliveries_allowed(bucket: str, account: str) -> dict[str, Any]:
    """The statement that lets S3 deliver access logs of this account's buckets."""
    return {
        "Sid": "IrKitAccessLogDelivery",
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }


def trail_allowed(bucket: str, account: str, arn: str) -> list[dict[str, Any]]:
    """The statements that let one trail deliver."""
    service, condition = {"Service": "cloudtrail.amazonaws.com"}, {"aws:SourceArn": arn}
    return [
        {
            "Sid": "IrKitTrailAclCheck",
            "Effect": "Allow",
            "Principal": service,
            "Action": "s3:GetBucketAcl",
            "Resource": f"arn:aws:s3:::{bucket}",
            "Condition": {"StringEquals": condition},
        },
        {
            "Sid": "IrKitTrailWrite",
            "Effect": "Allow",
            "Principal": service,
            "Action": "s3:PutObject",
            "Resource": f"arn:aws:s3:::{bucket}/AWSLogs/{account}/*",
            "Condition": {"StringEquals": {**condition, "s3:x-amz-acl": "bucket-owner-full-control"}},
        },
    ]


TAKES_AWAY = (
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:PutObject",
    "s3:PutObjectRetention",
    "s3:BypassGovernanceRetention",
    "s3:PutBucketPolicy",
    "s3:DeleteBucketPolicy",
    "s3:PutLifecycleConfiguration",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutReplicationConfiguration",
    "s3:PutBucketAcl",
    "s3:DeleteBucket",
)


def reached_denied(bucket: str, principals: Sequence[str]) -> dict[str, Any]:
    """The statement that keeps the reached principals from changing or removing logs."""
    return {
        "Sid": "IrKitReachedPrincipals",
        "Effect": "Deny",
        "Principal": "*",
        "Action": list(TAKES_AWAY),
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"ArnEquals": {"aws:PrincipalArn": sorted(principals)}},
    }


def access_logging(
    bucket: str,
    region: str,
    target: str,
    *,
    prefix: str,
    account: str,
    target_is_new: bool,
    known_off: bool,
    policy: Policy | None,
) -> Snippet:
    """Access logging of one bucket, to a bucket of the same account and Region, parted by day."""
    status = {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": prefix, "TargetObjectKeyFormat": PARTITIONED}}
    lines = [new_bucket(target, region)] if target_is_new else []
    lines += policy.commands(region) if policy else []
    put = command(
        "aws",
        "s3api",
        "put-bucket-logging",
        "--bucket",
        bucket,
        "--region",
        region,
        "--bucket-logging-status",
        compact(status),
    )
    if not known_off:
        ask = command("aws", "s3api", "get-bucket-logging", "--bucket", bucket, "--region", region, "--output", "text")
        put = f'logging=$({ask}) && [ -z "$logging" ] && {put}'
    lines.append(put)
    resources: dict[str, tuple[str, Mapping[str, Any]]] = {}
    blocks = []
    if target_is_new:
        resources["LogBucket"] = ("AWS::S3::Bucket", {"BucketName": target})
        blocks.append(hcl("aws_s3_bucket", target, {"bucket": target}))
    if policy and policy.document is not None:
        resources["LogBucketPolicy"] = ("AWS::S3::BucketPolicy", {"Bucket": target, "PolicyDocument": policy.document})
        blocks.append(hcl("aws_s3_bucket_policy", target, {"bucket": target, "policy": compact(policy.document)}))
    logging = {"DestinationBucketName": target, "LogFilePrefix": prefix, "TargetObjectKeyFormat": PARTITIONED}
    resources["LoggedBucket"] = ("AWS::S3::Bucket", {"BucketName": bucket, "LoggingConfiguration": logging})
    layout = {"partitioned_prefix": {"partition_date_source": "EventTime"}}
    body = {"bucket": bucket, "target_bucket": target, "target_prefix": prefix, "target_object_key_format": layout}
    blocks.append(hcl("aws_s3_bucket_logging", bucket, body))
    where = f"{prefix}{account}/{region}/{bucket}/"
    check = "\n".join(
        [
            command(
                "aws",
                "s3api",
                "get-bucket-logging",
                "--bucket",
                bucket,
                "--region",
                region,
                "--query",
                "LoggingEnabled.TargetBucket",
                "--output",
                "text",
            )
            + "  # now: the log bucket's name",
            command("aws", "s3api", "list-objects-v2", "--bucket", target, "--prefix", where, "--max-items", "1")
            + "  # after some hours with requests: one object",
        ]
    )
    warning = (
        "takes about an hour to settle, and lines come hours later, at best effort; the log bucket must never log "
        "to itself (log loop), "
        f"and is left out here. CloudFormation: {OWNED}"
    )
    return Snippet("\n".join(lines), template(resources), "\n".join(blocks), check, warning)


def protected_bucket(
    bucket: str, region: str, *, versioning: bool, lock_days: int | None, policy: Policy | None, denied: Sequence[str]
) -> Snippet:
    """Versions kept, deletion withheld for a time, and the reached principals kept out: what of it is asked for."""
    s3, of_bucket = ("aws", "s3api"), ("--bucket", bucket, "--region", region)
    lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": lock_days}}}
    lines, checks, blocks = [], [], []
    properties: dict[str, Any] = {"BucketName": bucket}
    resources: dict[str, tuple[str, Mapping[str, Any]]] = {}
    if versioning:
        lines.append(command(*s3, "put-bucket-versioning", *of_bucket, "--versioning-configuration", "Status=Enabled"))
        checks.append(
            command(*s3, "get-bucket-versioning", *of_bucket, "--query", "Status", "--output", "text") + "  # Enabled"
        )
        properties["VersioningConfiguration"] = {"Status": "Enabled"}
        blocks.append(
            hcl(
                "aws_s3_bucket_versioning",
                bucket,
                {"bucket": bucket, "versioning_configuration": {"status": "Enabled"}},
            )
        )
    if lock_days:
        lines.append(
            command(*s3, "put-object-lock-configuration", *of_bucket, "--object-lock-configuration", compact(lock))
        )
        checks.append(command(*s3, "get-object-lock-configuration", *of_bucket) + f"  # GOVERNANCE, {lock_days} days")
        properties |= {"ObjectLockEnabled": True, "ObjectLockConfiguration": lock}
        rule = {"default_retention": {"mode": "GOVERNANCE", "days": lock_days}}
        blocks.append(hcl("aws_s3_bucket_object_lock_configuration", bucket, {"bucket": bucket, "rule": rule}))
    if len(properties) > 1:
        resources["LogBucket"] = ("AWS::S3::Bucket", properties)
    if policy:
        lines += policy.commands(region)
        checks.append(
            command(*s3, "get-bucket-policy", *of_bucket, "--query", "Policy", "--output", "text")
            + "  # holds IrKitReachedPrincipals, and every statement that was there"
        )
        if policy.document is not None:
            resources["LogBucketPolicy"] = (
                "AWS::S3::BucketPolicy",
                {"Bucket": bucket, "PolicyDocument": policy.document},
            )
            blocks.append(hcl("aws_s3_bucket_policy", bucket, {"bucket": bucket, "policy": compact(policy.document)}))
    warnings = (
        ["the policy replaces the whole policy: it holds what is there now and what the other steps here need"]
        if policy
        else []
    )
    if policy and policy.document is not None and len(compact(policy.document)) > POLICY_LIMIT:
        warnings.append(f"the policy is longer than the {POLICY_LIMIT:,} bytes that S3 takes: shorten it first")
    if denied:
        warnings.append("run it as none of the principals that it denies: " + ", ".join(sorted(denied)))
    if lock_days:
        warnings.append(
            "Object Lock cannot be switched off again; governance mode can be bypassed by whoever holds that permission"
        )
    warnings.append(f"takes effect within minutes. CloudFormation: {OWNED}")
    return Snippet(
        "\n".join(lines),
        template(resources) if resources else None,
        "\n".join(blocks) or None,
        "\n".join(checks),
        "; ".join(warnings),
    )
