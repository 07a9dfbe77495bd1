"""A small S3 on this machine: objects, versions and listings as S3 gives them, and faults by a seed.

A fault is drawn from the seed, the request and how often it came before, so that the order in which requests arrive changes nothing.
"""

from __future__ import annotations

import hashlib
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote_plus, unquote, urlsplit

MODIFIED = "2026-03-01T10:00:00.000Z"
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
CREDENTIAL_CODES = {"ExpiredToken": 400, "InvalidAccessKeyId": 403, "RequestTimeTooSkewed": 403}


@dataclass
class Stored:
    """One object, or one version of it; without a body it is a delete marker."""

    key: str
    body: bytes | None
    version_id: str = ""
    is_latest: bool = True
    storage_class: str = "STANDARD"
    metadata: dict[str, str] = field(default_factory=dict)
    kms: bool = False
    error: tuple[int, str, str] | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.body or b"").hexdigest()}"'


@dataclass
class Bucket:
    """A bucket: what it holds and how it answers."""

    stored: list[Stored] = field(default_factory=list)
    region: str = "us-east-1"
    versioned: bool = False
    requester_pays: bool = False
    refused: tuple[str, ...] = ()  # operations that this caller may not call
    page: int = 1000

    def put(self, key: str, body: bytes | None, **more: Any) -> Stored:
        found = Stored(key, body, **more)
        self.stored.append(found)
        return found


Fault = Callable[[str, str, int], str | None]


class FakeS3:
    """The endpoint: buckets by name, the fault that each request meets, and every request that came."""

    def __init__(self) -> None:
        self.buckets: dict[str, Bucket] = {}
        self.fault: Fault = lambda operation, target, nth: None
        self.requests: list[tuple[str, str, str]] = []  # operation, target, authorization
        self.user_agents: set[str] = set()
        self.clock_ahead = 0.0
        self.on_request: Callable[[int], None] | None = None
        self.lock = threading.Lock()
        self.seen: Counter[str] = Counter()
        server = self

        class Handler(_Handler):
            fake = server

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # a client that was killed

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def reset(self) -> None:
        """A world without buckets, faults and requests."""
        self.buckets, self.fault, self.on_request, self.clock_ahead = {}, (lambda *_: None), None, 0.0
        self.requests, self.seen = [], Counter()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def operations(self) -> Counter[str]:
        return Counter(operation for operation, _, _ in self.requests)


def seeded(seed: int, rate: float, names: tuple[str, ...], most: int = 3) -> Fault:
    """Faults drawn from a seed; one request meets at most so many in a row."""

    def fault(operation: str, target: str, nth: int) -> str | None:
        chance = random.Random(f"{seed} {operation} {target} {nth}")
        return chance.choice(names) if nth < most and chance.random() < rate else None

    return fault


class _Handler(BaseHTTPRequestHandler):
    fake: FakeS3
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        fake = self.fake
        parts = urlsplit(self.path)
        name, _, key = parts.path.removeprefix("/").partition("/")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        operation = self._operation(key, query)
        with fake.lock:
            fake.requests.append((operation, self.path, self.headers.get("Authorization", "")))
            fake.user_agents.add(self.headers.get("User-Agent", ""))
            nth = fake.seen[operation + self.path]
            fake.seen[operation + self.path] += 1
            count = len(fake.requests)
        if fake.on_request is not None:
            fake.on_request(count)
        fault = fake.fault(operation, self.path, nth)
        bucket = fake.buckets.get(name)
        if fault is not None and self._broken(fault):
            return
        if bucket is None:
            self._error(404, "NoSuchBucket", "The specified bucket does not exist")
        elif f"/{bucket.region}/s3/" not in self.headers.get("Authorization", ""):
            text = f"<Region>{bucket.region}</Region>"
            self._error(301, "PermanentRedirect", "elsewhere", text, {"x-amz-bucket-region": bucket.region})
        elif operation in bucket.refused or (
            bucket.requester_pays and self.headers.get("x-amz-request-payer") != "requester"
        ):
            self._error(403, "AccessDenied", f"User: arn:aws:iam::1:user/u is not authorized to perform: {operation}")
        elif operation in ("GetObject", "HeadObject"):
            self._object(bucket, unquote(key, errors="surrogateescape"), query.get("versionId"), fault)
        elif operation == "GetBucketVersioning":
            status = "<Status>Enabled</Status>" if bucket.versioned else ""
            self._xml(f'<VersioningConfiguration xmlns="{NAMESPACE}">{status}</VersioningConfiguration>', fault)
        else:
            self._listing(name, bucket, operation, query, fault)

    do_HEAD = do_GET

    def _operation(self, key: str, query: dict[str, str]) -> str:
        if key:
            return "HeadObject" if self.command == "HEAD" else "GetObject"
        if "versioning" in query:
            return "GetBucketVersioning"
        return "ListObjectVersions" if "versions" in query else "ListObjectsV2"

    def _broken(self, fault: str) -> bool:
        """Answer with a fault that needs nothing of the object; false where the object is to be sent, damaged."""
        if fault == "slowdown":
            self._error(503, "SlowDown", "Please reduce your request rate.")
        elif fault == "error":
            self._error(500, "InternalError", "We encountered an internal error. Please try again.")
        elif fault == "unavailable":
            self.send_response_only(502)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif fault == "reset":
            self._reset()
        elif fault == "slow":
            time.sleep(0.15)
            self.close_connection = True
        elif fault in CREDENTIAL_CODES:
            self._error(CREDENTIAL_CODES[fault], fault, "The provided token has expired.")
        else:
            return False
        return True

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def _object(self, bucket: Bucket, key: str, version_id: str | None, fault: str | None) -> None:
        found = [
            one for one in bucket.stored
            if one.key == key and (one.version_id == version_id if version_id else one.is_latest)
        ]  # fmt: skip
        if not found or found[0].body is None:
            self._error(404, "NoSuchKey", "The specified key does not exist.")
            return
        one = found[0]
        if one.error is not None:
            self._error(*one.error)
            return
        headers = {"ETag": one.etag, "Last-Modified": "Sun, 01 Mar 2026 10:00:00 GMT", **one.headers}
        headers |= {f"x-amz-meta-{name}": value for name, value in one.metadata.items()}
        if one.version_id:
            headers["x-amz-version-id"] = one.version_id
        if one.kms:
            headers |= {"x-amz-server-side-encryption": "aws:kms", "ETag": '"' + "0" * 32 + '"'}
        self._send(200, one.body or b"", headers, fault)

    def _listing(self, name: str, bucket: Bucket, operation: str, query: dict[str, str], fault: str | None) -> None:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        versions = operation == "ListObjectVersions"
        rows = sorted(
            (one for one in bucket.stored if one.key.startswith(prefix) and (versions or one.is_latest)),
            key=lambda one: (one.key, not one.is_latest),
        )
        rows = [one for one in rows if versions or one.body is not None]
        folders: list[str] = []
        if delimiter:
            cut = [prefix + one.key[len(prefix) :].partition(delimiter)[0] + delimiter for one in rows]
            folders = sorted({folder for folder, one in zip(cut, rows, strict=True) if one.key.startswith(folder)})
            rows = [one for folder, one in zip(cut, rows, strict=True) if not one.key.startswith(folder)]
        start = int(query.get("version-id-marker" if versions else "continuation-token") or 0)
        page = rows[start : start + bucket.page]
        more = len(rows) > start + bucket.page
        text = "".join(_entry(one, versions) for one in page)
        text += "".join(
            f"<CommonPrefixes><Prefix>{quote_plus(one, safe='/')}</Prefix></CommonPrefixes>" for one in folders
        )
        text += f"<IsTruncated>{str(more).lower()}</IsTruncated>"
        if more and versions:
            text += f"<NextKeyMarker>{quote_plus(page[-1].key, safe='/')}</NextKeyMarker>"
            text += f"<NextVersionIdMarker>{start + bucket.page}</NextVersionIdMarker>"
        elif more:
            text += f"<NextContinuationToken>{start + bucket.page}</NextContinuationToken>"
        tag = "ListVersionsResult" if versions else "ListBucketResult"
        self._xml(
            f'<{tag} xmlns="{NAMESPACE}"><Name>{name}</Name><EncodingType>url</EncodingType>{text}</{tag}>', fault
        )

    def _xml(self, text: str, fault: str | None) -> None:
        body = ('<?xml version="1.0" encoding="UTF-8"?>\n' + text).encode()
        self._send(200, body, {"Content-Type": "application/xml"}, fault)

    def _error(
        self, status: int, code: str, message: str, more: str = "", headers: dict[str, str] | None = None
    ) -> None:
        body = f"<Error><Code>{code}</Code><Message>{message}</Message>{more}</Error>".encode()
        self._send(status, b"" if self.command == "HEAD" else body, headers or {}, None)

    def _send(self, status: int, body: bytes, headers: dict[str, str], fault: str | None) -> None:
        length = len(body)
        if fault == "short":
            body = body[: length // 2]
            length = len(body)
        elif fault == "garbled" and body:
            body = body[:-1] + bytes((body[-1] ^ 1,))
        self.send_response_only(status)
        self.send_header("Date", formatdate(time.time() + self.fake.clock_ahead, usegmt=True))
        self.send_header("x-amz-request-id", "4RDM0X7KAX9P6Y6Y")
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command == "HEAD":
            return
        if fault in ("truncated", "cut"):
            self.wfile.write(body[: length // 2])
            self.wfile.flush()
            if fault == "cut":
                self._reset()
            self.close_connection = True
            return
        self.wfile.write(body)


def _entry(one: Stored, versions: bool) -> str:
    key = quote_plus(one.key, safe="/", errors="surrogateescape")
    latest = str(one.is_latest).lower()
    marks = f"<VersionId>{one.version_id or 'null'}</VersionId><IsLatest>{latest}</IsLatest>" if versions else ""
    if one.body is None:
        return f"<DeleteMarker><Key>{key}</Key>{marks}<LastModified>{MODIFIED}</LastModified></DeleteMarker>"
    etag = '"' + "0" * 32 + '"' if one.kms else one.etag
    inner = (
        f"<Key>{key}</Key>{marks}<LastModified>{MODIFIED}</LastModified><ETag>{etag.replace(chr(34), '&quot;')}</ETag>"
        f"<Size>{len(one.body)}</Size><StorageClass>{one.storage_class}</StorageClass>"
    )
    return f"<Version>{inner}</Version>" if versions else f"<Contents>{inner}</Contents>"
