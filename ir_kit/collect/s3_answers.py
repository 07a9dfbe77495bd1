"""What S3's answers mean to a collection: why an object could not be had, and what its headers say."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from ir_kit.aws.faults import Kind
from ir_kit.aws.wire import Response

__all__ = ["head_answer", "reason_of"]


def reason_of(kind: Kind, code: str, message: str) -> str:
    """Why was an object not fetched? In a few words."""
    if kind is Kind.ARCHIVED:
        return "archived: to be restored first, which this kit does not do"
    if "kms" in f"{code} {message}".lower():
        return "encrypted: the key does not let this caller decrypt"
    return {
        Kind.DENIED: "access denied",
        Kind.ABSENT: "gone since it was listed",
        Kind.NETWORK: "did not arrive whole",
        Kind.THROTTLED: "throttled too long",
        Kind.UNAVAILABLE: "S3 failed too often",
        Kind.REDIRECT: "its bucket is in a Region that S3 does not name",
    }.get(kind, "failed")


_HEADERS = (
    ("accept-ranges", "AcceptRanges"), ("content-length", "ContentLength"), ("etag", "ETag"), ("x-amz-version-id", "VersionId"),
    ("content-type", "ContentType"), ("content-encoding", "ContentEncoding"),
    ("x-amz-server-side-encryption", "ServerSideEncryption"), ("x-amz-server-side-encryption-aws-kms-key-id", "SSEKMSKeyId"),
    ("x-amz-object-lock-mode", "ObjectLockMode"), ("x-amz-object-lock-retain-until-date", "ObjectLockRetainUntilDate"),
    ("x-amz-replication-status", "ReplicationStatus"), ("x-amz-storage-class", "StorageClass"),
)  # fmt: skip
_METADATA = "x-amz-meta-"


def head_answer(response: Response) -> dict[str, Any]:
    """What does `HeadObject` answer here? As boto3 gives it: its names, times in ISO 8601, the user's metadata apart."""
    headers = response.headers
    found: dict[str, Any] = {}
    if "last-modified" in headers:
        moment = parsedate_to_datetime(headers["last-modified"]).astimezone(UTC)
        found["LastModified"] = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    for header, name in _HEADERS:
        if header in headers:
            value = headers[header]
            found[name] = int(value) if name == "ContentLength" and value.isdigit() else value
    found["Metadata"] = {
        name.removeprefix(_METADATA): value for name, value in headers.items() if name.startswith(_METADATA)
    }
    return found
