"""A simulated request as the CloudTrail record that AWS would write for it."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from simulator.ids import iso
from simulator.principals import Credential
from simulator.requests import S3, Request
from simulator.world import World

CIPHER = "TLS_AES_128_GCM_SHA256"
GLOBAL_HOSTS = {"iam": "iam.amazonaws.com", "signin": "signin.aws.amazon.com"}
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def host_header(request: Request) -> str:
    """The host that a client asked."""
    if request.source != S3:
        service = request.source.partition(".")[0]
        return GLOBAL_HOSTS.get(service, f"{service}.{request.region}.amazonaws.com")
    endpoint = f"s3.{request.region}.amazonaws.com"
    return f"{request.bucket}.{endpoint}" if request.bucket else endpoint


def record_text(world: World, request: Request) -> str:
    """One record as compact JSON."""
    start, rest = _start(request), _rest(world, request)
    identity = _identity_text(request.credential)
    return f'{{"eventVersion":"{start["eventVersion"]}","userIdentity":{identity},{_ENCODE(rest)[1:]}'


def record(world: World, request: Request) -> dict[str, Any]:
    """One CloudTrail record."""
    return _start(request) | _rest(world, request)


def _start(request: Request) -> dict[str, Any]:
    version = "1.11" if request.source == S3 else "1.10"
    return {"eventVersion": version, "userIdentity": request.credential.user_identity()}


@lru_cache(maxsize=4096)
def _identity_text(credential: Credential) -> str:
    return _ENCODE(credential.user_identity())


def _rest(world: World, request: Request) -> dict[str, Any]:
    is_s3 = request.source == S3
    credential = request.credential
    by_service = credential.kind == "service" or credential.invoked_by is not None
    sign_in = request.event_name == "ConsoleLogin"
    found: dict[str, Any] = {
        "eventTime": iso(request.completed),
        "eventSource": request.source,
        "eventName": request.event_name,
        "awsRegion": request.region,
        "sourceIPAddress": request.address,
        "userAgent": f"[{request.agent}]" if is_s3 and not by_service else request.agent,
    }
    if request.error_code:
        found["errorCode"] = request.error_code
        if request.error_message:
            found["errorMessage"] = request.error_message
    found["requestParameters"] = _s3_parameters(request) if is_s3 else request.parameters
    found["responseElements"] = _s3_response(request) if is_s3 else request.response
    additional = _s3_additional(request) if is_s3 else request.additional
    if additional:
        found["additionalEventData"] = additional
    if not sign_in:
        found["requestID"] = request.request_id
    found["eventID"] = request.event_id
    found["readOnly"] = request.read_only and not sign_in
    resources = _s3_resources(world, request) if is_s3 else _role_resource(world, request)
    if resources:
        found["resources"] = resources
    found["eventType"] = "AwsConsoleSignIn" if sign_in else "AwsApiCall"
    found["managementEvent"] = not request.is_data
    found["recipientAccountId"] = world.account
    if credential.kind in ("service", "foreign"):
        found["sharedEventID"] = request.event_id[::-1].translate(_SHARED)
    if request.late:
        found["addendum"] = {"reason": "DELIVERY_DELAY"}
    found["eventCategory"] = "Data" if request.is_data else "Management"
    if not by_service:
        found["tlsDetails"] = {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": CIPHER,
            "clientProvidedHostHeader": host_header(request),
        }
    if credential.console:
        found["sessionCredentialFromConsole"] = "true"
    return found


_SHARED = str.maketrans("0123456789abcdef", "89abcdef01234567")


def _s3_parameters(request: Request) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if request.bucket:
        found["bucketName"] = request.bucket
    found["Host"] = host_header(request)
    call = request.s3_call
    if call and call.query:
        found[call.query] = ""
    if request.event_name == "ListObjects":
        found |= {"list-type": "2", "prefix": request.prefix or "", "encoding-type": "url"}
    elif request.event_name == "ListObjectVersions":
        found["prefix"] = request.prefix or ""
    if request.key is not None:
        found["key"] = request.key
    if request.version_id:
        found["versionId"] = request.version_id
    if request.copy_source:
        found["x-amz-copy-source"] = "/".join(request.copy_source)
    if request.customer_key:
        found["x-amz-server-side-encryption-customer-algorithm"] = "AES256"
    if request.presigned_seconds:
        found |= {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Date": request.time.strftime("%Y%m%dT%H%M%SZ"),
            "X-Amz-Expires": str(request.presigned_seconds),
            "X-Amz-SignedHeaders": "host",
        }
    if request.parameters:
        found |= request.parameters
    return found


def _s3_response(request: Request) -> dict[str, Any] | None:
    if request.error_code or request.event_name not in ("PutObject", "CopyObject"):
        return request.response
    found: dict[str, Any] = {}
    if request.customer_key:
        found["x-amz-server-side-encryption-customer-algorithm"] = "AES256"
    else:
        found["x-amz-server-side-encryption"] = "AES256"
    if request.new_version_id:
        found["x-amz-version-id"] = request.new_version_id
    return found


def _s3_additional(request: Request) -> dict[str, Any]:
    number: type = float if request.is_data else int
    found: dict[str, Any] = {}
    if request.credential.kind != "anonymous":
        found["SignatureVersion"] = "SigV4"
    found["CipherSuite"] = CIPHER
    found["bytesTransferredIn"] = number(request.bytes_received)
    if request.event_name in ("PutObject", "CopyObject") and not request.error_code:
        found["SSEApplied"] = "SSE_C" if request.customer_key else "Default_SSE_S3"
    if request.credential.kind != "anonymous":
        found["AuthenticationMethod"] = "QueryString" if request.presigned_seconds else "AuthHeader"
    found["x-amz-id-2"] = request.host_id
    found["bytesTransferredOut"] = number(request.bytes_sent)
    if request.acl_required:
        found["aclRequired"] = "Yes"
    return found


def _s3_resources(world: World, request: Request) -> list[dict[str, Any]]:
    if not request.bucket:
        return []
    arn = f"arn:aws:s3:::{request.bucket}"
    bucket = {"accountId": world.account, "type": "AWS::S3::Bucket", "ARN": arn}
    if not request.is_data:
        return [bucket]
    if request.key is None:  # listings and batch deletes name the whole bucket
        return [{"type": "AWS::S3::Object", "ARNPrefix": f"{arn}/"}, bucket]
    found = [{"type": "AWS::S3::Object", "ARN": f"{arn}/{request.key}"}, bucket]
    if request.copy_source and request.copy_source[0] == request.bucket:
        found.insert(1, {"type": "AWS::S3::Object", "ARN": f"{arn}/{request.copy_source[1]}"})
    return found


def _role_resource(world: World, request: Request) -> list[dict[str, Any]]:
    if request.event_name != "AssumeRole" or request.error_code or not request.target:
        return []
    return [{"accountId": world.account, "type": "AWS::IAM::Role", "ARN": request.target}]
