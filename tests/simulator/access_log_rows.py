"""A simulated request as the server access log rows that S3 would write for it: none, one or several."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from urllib.parse import quote

from simulator.cloudtrail_records import CIPHER, host_header
from simulator.ids import log_date, session_token
from simulator.requests import S3, Request
from simulator.s3_calls import AUTHENTICATION_FAILURES
from simulator.world import World

DASH = "-"


@dataclass(slots=True)
class Row:
    """One row of an access log before it is written; text as it will stand there."""

    request: Request
    bucket: str
    time: datetime
    operation: str
    key: str
    uri: str
    status: str
    error_code: str
    bytes_sent: str
    object_size: str
    total_ms: str
    turnaround_ms: str
    referer: str
    agent: str
    version_id: str


@lru_cache(maxsize=20_000)
def encode_once(key: str) -> str:
    return quote(key, safe="/~-_.")


@lru_cache(maxsize=20_000)
def encode_twice(key: str) -> str:
    """Keys of ordinary rows are encoded twice; those of batch deletes and lifecycle once."""
    return encode_once(encode_once(key))


def _may_be_logged(world: World, name: str) -> bool:
    bucket = world.buckets.get(name)
    return bucket is not None and bool(bucket.access_log)


def _number(value: int | None) -> str:
    return str(value) if value else DASH


def rows(world: World, request: Request) -> Iterator[Row]:
    """Each row that this request leaves, in whichever bucket's log."""
    call = request.s3_call
    if request.source != S3 or call is None or request.bucket is None or not call.operation:
        return
    if not _may_be_logged(world, request.bucket) and not (
        request.copy_source and _may_be_logged(world, request.copy_source[0])
    ):
        return
    if not call.method:  # lifecycle
        yield Row(
            request, request.bucket, request.time, call.operation, encode_once(request.key or ""), DASH,
            str(call.success), DASH, DASH, _number(request.object_size), DASH, DASH, DASH, DASH, DASH,
        )  # fmt: skip
        return
    row = Row(
        request=request,
        bucket=request.bucket,
        time=request.time,
        operation=call.operation,
        key=DASH if request.key is None else encode_twice(request.key),
        uri=f'"{call.method} {_uri(world, request)} HTTP/1.1"',
        status=str(request.status),
        error_code=request.error_code or DASH,
        bytes_sent=_number(request.bytes_sent),
        object_size=_number(request.object_size),
        total_ms=str(request.duration_ms),
        turnaround_ms=_number(max(request.duration_ms // 2, 1)),
        referer=f'"{request.referer}"',
        agent=f'"{request.agent}"',
        version_id=request.version_id or DASH,
    )
    yield row
    if request.copy_source:
        source, key = request.copy_source
        yield replace(
            row, bucket=source, operation="REST.COPY.OBJECT_GET", key=encode_twice(key), uri=DASH, bytes_sent=DASH,
            total_ms=DASH, turnaround_ms=DASH, referer=DASH, agent=DASH,
        )  # fmt: skip
    for deleted in request.deleted or ():
        yield replace(
            row, operation="BATCH.DELETE.OBJECT", key=encode_once(deleted.key), uri=DASH,
            status="403" if deleted.error_code else "204", error_code=deleted.error_code or DASH, bytes_sent=DASH,
            object_size=_number(deleted.size), total_ms=DASH, turnaround_ms=DASH, referer=DASH, agent=DASH,
            version_id=deleted.version_id or DASH,
        )  # fmt: skip


def _uri(world: World, request: Request) -> str:
    call = request.s3_call
    assert call is not None
    path = "/" + (encode_once(request.key) if request.key is not None else "")
    query: list[str] = []
    if call.query:
        query.append(call.query)
    if request.event_name == "ListObjects":
        query += ["list-type=2", f"prefix={quote(request.prefix or '', safe='')}", "encoding-type=url"]
    elif request.event_name == "ListObjectVersions":
        query.append(f"prefix={quote(request.prefix or '', safe='')}")
    if request.version_id:
        query.append(f"versionId={request.version_id}")
    if request.presigned_seconds and request.credential.access_key_id:
        day = request.time.strftime("%Y%m%d")
        scope = f"{request.credential.access_key_id}%2F{day}%2F{request.region}%2Fs3%2Faws4_request"
        query += ["X-Amz-Algorithm=AWS4-HMAC-SHA256", f"X-Amz-Credential={scope}",
                  f"X-Amz-Date={request.time.strftime('%Y%m%dT%H%M%SZ')}",
                  f"X-Amz-Expires={request.presigned_seconds}"]  # fmt: skip
        if request.credential.temporary:
            token = session_token(world.stream(request.credential.access_key_id))
            query.append(f"X-Amz-Security-Token={quote(token, safe='')}")
        query += ["X-Amz-SignedHeaders=host", f"X-Amz-Signature={'X' * 64}"]
    if request.uri_tail:
        query.append(request.uri_tail)
    return path + ("?" + "&".join(query) if query else "")


def line(world: World, row: Row) -> str:
    """The row as text, with as many fields as rows of its time had."""
    request = row.request
    credential = request.credential
    failed = request.error_code in AUTHENTICATION_FAILURES
    lifecycle = credential.kind == "service" and credential.name == "s3"
    requester = DASH if failed else credential.requester
    signed = not lifecycle and credential.kind != "anonymous"
    address = DASH if lifecycle or request.address.endswith(".amazonaws.com") else request.address
    head = (
        f"{world.canonical_id} {row.bucket} {log_date(row.time)} {address} {requester} "
        f"{request.request_id} {row.operation} {row.key} {row.uri} {row.status} {row.error_code} {row.bytes_sent} "
        f"{row.object_size} {row.total_ms} {row.turnaround_ms} {row.referer} {row.agent} {row.version_id}"
    )
    tail = [
        request.host_id,
        "SigV4" if signed else DASH,
        DASH if lifecycle else CIPHER,
        ("QueryString" if request.presigned_seconds else "AuthHeader") if signed else DASH,
        DASH if lifecycle else host_header(request),
        DASH if lifecycle else "TLSv1.3",
        DASH,
        "Yes" if request.acl_required else DASH,
        _source_region(request, lifecycle),
    ]
    count = 27
    for since, fields in world.log_field_counts:
        if row.time >= since:
            count = fields
    return f"{head} {' '.join(tail[: count - 18])}"


def _source_region(request: Request, lifecycle: bool) -> str:
    """Only requests from addresses of AWS tell where they came from."""
    from_aws = request.address.startswith("203.0.113.")
    return request.region if from_aws and not lifecycle else DASH
