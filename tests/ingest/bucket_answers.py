"""A small account's configuration, made in code: a test says which calls answered what."""

from __future__ import annotations

import json
from typing import Any

from ir_kit.configuration.bucket_inventory import inventory_of
from ir_kit.configuration.collected_answers import Configuration
from ir_kit.exposure.bucket_verdicts import Exposure, Verdict, grants_of, verdict_on
from ir_kit.exposure.grants import Grant

ACCOUNT, OTHER, OWNER, STRANGER = "111122223333", "999988887777", "a" * 64, "f" * 64
BUCKET = "records"
ALL_ON = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
GROUPS = "http://acs.amazonaws.com/groups/global/"
Record = dict[str, Any]


class Answers:
    """The answers of one account about its bucket ``records``: by default everything was asked and nothing is set."""

    def __init__(self) -> None:
        self.rows: list[Record] = []
        self.hour = 9
        self.says("sts", "GetCallerIdentity", {}, {"Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/ir"})
        self.says("s3", "ListBuckets", {}, {"Buckets": [{"Name": BUCKET}], "Owner": {"ID": OWNER}})
        self.says(
            "s3control", "GetPublicAccessBlock", {"AccountId": ACCOUNT}, error="NoSuchPublicAccessBlockConfiguration"
        )
        for operation, error in (
            ("GetBucketPolicy", "NoSuchBucketPolicy"),
            ("GetPublicAccessBlock", "NoSuchPublicAccessBlockConfiguration"),
            ("GetBucketOwnershipControls", "OwnershipControlsNotFoundError"),
            ("GetBucketWebsite", "NoSuchWebsiteConfiguration"),
            ("GetBucketReplication", "ReplicationConfigurationNotFoundError"),
        ):
            self.bucket(operation, error=error)
        self.acl()
        self.bucket("ListBucketInventoryConfigurations", {"IsTruncated": False})

    def says(
        self, service: str, operation: str, parameters: Record, response: Any = None, *, error: str | None = None,
        account: str | None = ACCOUNT,
    ) -> None:  # fmt: skip
        """One call, later than all before it."""
        self.rows.append(
            {
                "collected_at": f"2026-03-09T09:00:{len(self.rows):02d}", "line_number": len(self.rows) + 1,
                "account_id": account, "aws_region": "us-east-1", "service": service, "operation": operation,
                "parameters": json.dumps(parameters), "error_code": error,
                "response": None if error else json.dumps(response),
            }
        )  # fmt: skip

    def bucket(self, operation: str, response: Any = None, *, error: str | None = None, name: str = BUCKET) -> None:
        """One call about the bucket."""
        self.says("s3", operation, {"Bucket": name}, response, error=error)

    def silent(self, operation: str, service: str = "s3") -> None:
        """That call was never made."""
        self.rows = [row for row in self.rows if (row["service"], row["operation"]) != (service, operation)]

    def policy(self, *statements: Record, version: str = "2012-10-17") -> None:
        """The bucket's policy."""
        self.bucket("GetBucketPolicy", {"Policy": json.dumps({"Version": version, "Statement": list(statements)})})

    def acl(self, *grants: tuple[str, str]) -> None:
        """The bucket's ACL: the owner's own grant, and these (a group or a canonical id, and a permission)."""
        owner = {"Grantee": {"Type": "CanonicalUser", "ID": OWNER}, "Permission": "FULL_CONTROL"}
        self.bucket("GetBucketAcl", {"Owner": {"ID": OWNER}, "Grants": [owner, *(grant(*one) for one in grants)]})

    def ownership(self, value: str) -> None:
        self.bucket("GetBucketOwnershipControls", {"OwnershipControls": {"Rules": [{"ObjectOwnership": value}]}})

    def block(self, **flags: bool) -> None:
        """The bucket's own Block Public Access."""
        self.bucket("GetPublicAccessBlock", {"PublicAccessBlockConfiguration": flags})

    def account_block(self, **flags: bool) -> None:
        answer = {"PublicAccessBlockConfiguration": flags}
        self.says("s3control", "GetPublicAccessBlock", {"AccountId": ACCOUNT}, answer)

    # what comes of it

    def exposure(self, named: tuple[str, ...] = ()) -> Exposure:
        configuration = Configuration(self.rows)
        inventory = inventory_of(configuration, [], [ACCOUNT], named)
        buckets = inventory.buckets.items()
        return Exposure(
            configuration, inventory, {name: grants_of(configuration, one, inventory) for name, one in buckets}
        )

    def ways(self, path: str, name: str = BUCKET) -> list[Grant]:
        """The grants on the bucket by this path."""
        return [grant for grant in self.exposure().grants[name] if grant.path == path]

    def way(self, path: str) -> Grant:
        """The only grant by this path."""
        (found,) = self.ways(path)
        return found

    def verdict(self, name: str = BUCKET) -> Verdict:
        return verdict_on(self.exposure().grants[name])

    @property
    def public(self) -> str:
        return self.verdict().public_status

    @property
    def cross_account(self) -> str:
        return self.verdict().cross_account_status


def grant(whom: str, permission: str) -> Record:
    """A grant of an ACL."""
    if whom in ("AllUsers", "AuthenticatedUsers"):
        return {"Grantee": {"Type": "Group", "URI": GROUPS + whom}, "Permission": permission}
    if whom == "LogDelivery":
        group = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"}
        return {"Grantee": group, "Permission": permission}
    return {"Grantee": {"Type": "CanonicalUser", "ID": whom}, "Permission": permission}


def allow(principal: Any = "*", action: Any = "s3:GetObject", resource: Any = None, **more: Any) -> Record:
    """A statement that allows."""
    return {
        "Sid": "Let", "Effect": "Allow", "Principal": principal, "Action": action,
        "Resource": resource or f"arn:aws:s3:::{BUCKET}/*",
    } | more  # fmt: skip


def deny(principal: Any = "*", action: Any = "s3:*", resource: Any = None, **more: Any) -> Record:
    """A statement that denies."""
    whole = [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
    return allow(principal, action, resource or whole, **more) | {"Sid": "Forbid", "Effect": "Deny"}
