"""What is set on each bucket and account, what is not there, what was refused, and what nobody asked?

These are the settings themselves, whether they let anybody in or not: a browser's reach (CORS), what can be brought
back (versioning, MFA delete, Object Lock), what expires, what a key or an endpoint guards.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from ir_kit.configuration.answers import Answer, Configuration
from ir_kit.configuration.inventory import Bucket, BucketInventory
from ir_kit.exposure.acls import object_ownership
from ir_kit.exposure.blocks import FLAGS
from ir_kit.exposure.ways import as_list

Row = dict[str, Any]
COLUMNS = {
    "bucket": "varchar",
    "account_id": "varchar",
    "setting": "varchar",
    "state": "varchar",
    "value": "varchar",
    "error_code": "varchar",
    "collected_at": "timestamp",
    "detail": "varchar",
}


def settings_rows(configuration: Configuration, holdings: BucketInventory) -> list[Row]:
    """One row per bucket and setting, then one per account and setting."""
    rows = [row for bucket in holdings.buckets.values() for row in _of_bucket(configuration, bucket)]
    accounts = sorted(holdings.accounts | {one.account for one in holdings.buckets.values() if one.account})
    return rows + [row for account in accounts for row in _of_account(configuration, account)]


def _of_bucket(configuration: Configuration, bucket: Bucket) -> Iterator[Row]:
    for setting, (operation, value) in BUCKET_SETTINGS.items():
        answer = configuration.answer("s3", operation, Bucket=bucket.name)
        yield _row(bucket.name, bucket.account, setting, answer, value)
    encryption = configuration.answer("s3", "GetBucketEncryption", Bucket=bucket.name)
    key = encryption_key(encryption)
    if key:
        for setting, operation, value in (
            ("kms_key_policy", "GetKeyPolicy", _kms_policy),
            ("kms_grants", "ListGrants", _kms_grants),
        ):
            yield _row(bucket.name, bucket.account, setting, kms_answer(configuration, operation, key), value)


def _of_account(configuration: Configuration, account: str) -> Iterator[Row]:
    said = configuration.answer("s3control", "GetPublicAccessBlock", AccountId=account)
    if said.state == "not_asked":
        said = configuration.answer("s3control", "GetPublicAccessBlock", account)
    yield _row(None, account, "account_public_access_block", said, _public_access_block)
    for setting, service, operation, value in (
        ("access_points", "s3control", "ListAccessPoints", _count("AccessPointList")),
        ("multi_region_access_points", "s3control", "ListMultiRegionAccessPoints", _count("AccessPoints")),
        ("access_grants", "s3control", "ListAccessGrants", _count("AccessGrantsList")),
        ("vpc_endpoints", "ec2", "DescribeVpcEndpoints", _endpoints),
    ):
        found = [
            (asked, answer)
            for asked, answer in configuration.every(service, operation)
            if account in (asked.account, asked.parameters.get("AccountId"))
        ]
        if not found:
            yield _row(None, account, setting, Answer(operation), value)
        for asked, answer in found:
            row = _row(None, account, setting, answer, value)
            if asked.region and len(found) > 1:
                row["detail"] = f"{asked.region}: {row['detail']}"
            yield row


def _row(
    bucket: str | None, account: str | None, setting: str, answer: Answer, value: Callable[[Answer], str | None]
) -> Row:
    said: str | None = None
    state = {"answered": "set", "gone": "refused"}.get(answer.state, answer.state)
    if answer.state == "answered":
        try:
            said = value(answer)
        except (AttributeError, TypeError, KeyError, IndexError, ValueError):
            state = "unreadable"
        if state == "set" and said is None:
            state = "absent"
    return {
        "bucket": bucket, "account_id": account, "setting": setting, "state": state, "value": said,
        "error_code": answer.error_code, "collected_at": answer.collected_at,
        "detail": answer.unreadable().words if state == "unreadable" else said or answer.words,
    }  # fmt: skip


def _public_access_block(answer: Answer) -> str:
    flags = answer.response["PublicAccessBlockConfiguration"]
    on = [flag for flag in FLAGS if flags.get(flag) is True]
    return "all four on" if len(on) == len(FLAGS) else f"{', '.join(on)} on" if on else "all four off"


def _policy(answer: Answer) -> str:
    policy = answer.response["Policy"]
    held = json.loads(policy) if isinstance(policy, str) else policy
    statements = held["Statement"]
    number = len(statements) if isinstance(statements, list) else 1
    return f"{number} statement{'s' if number != 1 else ''}"


def _policy_status(answer: Answer) -> str:
    return "public" if answer.response["PolicyStatus"]["IsPublic"] is True else "not public"


def _acl(answer: Answer) -> str:
    number = len(answer.response["Grants"])
    return f"{number} grant{'s' if number != 1 else ''}"


def _ownership(answer: Answer) -> str:
    found, _ = object_ownership(answer)
    if found is None:
        raise ValueError
    return found


def _website(answer: Answer) -> str:
    if answer.response.get("RedirectAllRequestsTo"):
        return f"redirects to {answer.response['RedirectAllRequestsTo'].get('HostName')}"
    return f"serves {answer.response['IndexDocument'].get('Suffix')}"


def _cors(answer: Answer) -> str | None:
    rules = answer.response["CORSRules"]
    said = [f"{', '.join(rule['AllowedMethods'])} from {', '.join(rule['AllowedOrigins'])}" for rule in rules]
    return "; ".join(said) or None


def _replication(answer: Answer) -> str | None:
    rules = answer.response["ReplicationConfiguration"]["Rules"]
    return "; ".join(f"{rule.get('Status')} to {rule['Destination']['Bucket']}" for rule in rules) or None


def _count(name: str) -> Callable[[Answer], str | None]:
    def counted(answer: Answer) -> str | None:
        return str(len(answer.response[name])) if answer.response.get(name) else None

    return counted


def encryption_key(answer: Answer) -> str | None:
    """The customer managed key that new objects are encrypted with; None where there is none or nothing tells it."""
    configuration = answer.part("ServerSideEncryptionConfiguration", dict) or {}
    for rule in as_list(configuration.get("Rules")):
        default = rule.get("ApplyServerSideEncryptionByDefault") if isinstance(rule, dict) else None
        key = default.get("KMSMasterKeyID") if isinstance(default, dict) else None
        if key and not str(key).endswith("alias/aws/s3"):
            return str(key)
    return None


def _encryption(answer: Answer) -> str | None:
    said = []
    for rule in answer.response["ServerSideEncryptionConfiguration"]["Rules"]:
        default = rule.get("ApplyServerSideEncryptionByDefault") or {}
        said.append(" ".join(str(default[name]) for name in ("SSEAlgorithm", "KMSMasterKeyID") if default.get(name)))
        blocked = (rule.get("BlockedEncryptionTypes") or {}).get("EncryptionType")
        said += [f"blocked: {', '.join(blocked)}"] if blocked else []
    return "; ".join(part for part in said if part) or None


def kms_answer(configuration: Configuration, operation: str, key: str) -> Answer:
    """What was answered about a key, whether it was asked by its ARN or by its id."""
    found = configuration.answer("kms", operation, KeyId=key)
    short = key.rpartition("/")[2]
    if found.state == "not_asked":
        for asked, answer in configuration.every("kms", operation):
            if str(asked.parameters.get("KeyId") or "").rpartition("/")[2] == short:
                return answer
    return found


def _kms_policy(answer: Answer) -> str:
    return _policy(answer)


def _kms_grants(answer: Answer) -> str | None:
    said = [
        f"{', '.join(one.get('Operations') or [])} to {one.get('GranteePrincipal')}"
        for one in answer.response["Grants"]
    ]
    return "; ".join(said) or None


def _versioning(answer: Answer) -> str | None:
    return str(answer.response["Status"]) if answer.response.get("Status") else None


def _mfa_delete(answer: Answer) -> str | None:
    return str(answer.response["MFADelete"]) if answer.response.get("MFADelete") else None


def _object_lock(answer: Answer) -> str | None:
    held = answer.response["ObjectLockConfiguration"]
    retention = (held.get("Rule") or {}).get("DefaultRetention") or {}
    span = f"{retention.get('Days') or retention.get('Years')} {'days' if retention.get('Days') else 'years'}"
    rule = f", {retention.get('Mode')} for {span}" if retention else ", no default retention"
    return f"{held['ObjectLockEnabled']}{rule}" if held.get("ObjectLockEnabled") else None


def _lifecycle(answer: Answer) -> str | None:
    said = []
    for rule in answer.response["Rules"]:
        expiry, old = rule.get("Expiration") or {}, rule.get("NoncurrentVersionExpiration") or {}
        what = [f"expires after {expiry['Days']} days"] if expiry.get("Days") else []
        what += [f"expires on {expiry['Date']}"] if expiry.get("Date") else []
        what += [f"old versions after {old['NoncurrentDays']} days"] if old.get("NoncurrentDays") else []
        said += [f"{rule.get('ID') or 'rule'} ({rule.get('Status')}): {', '.join(what)}"] if what else []
    return "; ".join(said) or None


def _endpoints(answer: Answer) -> str | None:
    said = []
    for one in answer.listed("VpcEndpoints"):
        if not str(one.get("ServiceName") or "").endswith((".s3", ".s3express", ".s3-global.accesspoint")):
            continue
        document = one.get("PolicyDocument")
        held = json.loads(document) if isinstance(document, str) else document
        statements = (held or {}).get("Statement") or []
        whole = held is None or any(
            one.get("Effect") == "Allow" and one.get("Action") == "*" and one.get("Resource") == "*"
            for one in (statements if isinstance(statements, list) else [statements])
        )
        said.append(f"{one.get('VpcEndpointId')}: {'full access' if whole else 'its policy restricts'}")
    return "; ".join(said) or None


BUCKET_SETTINGS: dict[str, tuple[str, Callable[[Answer], str | None]]] = {
    "public_access_block": ("GetPublicAccessBlock", _public_access_block),
    "policy": ("GetBucketPolicy", _policy),
    "policy_status": ("GetBucketPolicyStatus", _policy_status),
    "acl": ("GetBucketAcl", _acl),
    "ownership_controls": ("GetBucketOwnershipControls", _ownership),
    "website": ("GetBucketWebsite", _website),
    "cors": ("GetBucketCors", _cors),
    "replication": ("GetBucketReplication", _replication),
    "inventory": ("ListBucketInventoryConfigurations", _count("InventoryConfigurationList")),
    "analytics": ("ListBucketAnalyticsConfigurations", _count("AnalyticsConfigurationList")),
    "encryption": ("GetBucketEncryption", _encryption),
    "versioning": ("GetBucketVersioning", _versioning),
    "mfa_delete": ("GetBucketVersioning", _mfa_delete),
    "object_lock": ("GetObjectLockConfiguration", _object_lock),
    "lifecycle": ("GetBucketLifecycleConfiguration", _lifecycle),
}
