"""Facts on reading objects: by GET and HEAD alone, and an answer is whole or it is none."""

from __future__ import annotations

import inspect
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore import xform_name
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ir_kit.aws.clients import AGENT, Session
from ir_kit.aws.faults import DamagedError
from ir_kit.aws.guard import RefusedCall
from ir_kit.aws.operations import ALLOWED, CREDENTIALS
from ir_kit.aws.s3 import PIECE, S3Fault, S3Reader, whole


class Wire:
    """An endpoint that answers whatever is asked, and writes down with which method, where and by whom."""

    def __init__(self, body: bytes = b"<R/>", headers: dict[str, str] | None = None, cut: int = 0) -> None:
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        wire = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65_537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                wire.requests.append(
                    (self.command, self.path, {name.lower(): value for name, value in self.headers.items()})
                )
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(200)
                given = {"ETag": '"e"', "Last-Modified": "Sun, 01 Mar 2026 10:00:00 GMT", **(headers or {})}
                for name, value in given.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body[: len(body) - cut])
                    self.close_connection = bool(cut)
                self.wfile.flush()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def wire() -> Iterator[Wire]:
    made = Wire()
    yield made
    made.close()


def reader_at(monkeypatch: pytest.MonkeyPatch, url: str, **environment: str) -> S3Reader:
    for name, value in {"AWS_ENDPOINT_URL": url, **environment}.items():
        monkeypatch.setenv(name, value)
    for module in ("botocore.endpoint", "ir_kit.aws.s3"):
        monkeypatch.setattr(f"{module}.time", SimpleNamespace(sleep=lambda seconds: None, time=time.time))
    monkeypatch.setattr("ir_kit.aws.s3.BACKOFF", (timedelta(milliseconds=1), timedelta(milliseconds=2)))
    return S3Reader(Session(region="us-east-1"))


def test_the_wire_sees_no_other_method_than_get_and_head_whatever_is_called(
    ambient: None, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = reader_at(monkeypatch, f"http://127.0.0.1:{wire.port}")
    offered = {name for name, _ in inspect.getmembers(S3Reader) if not name.startswith("_")}
    assert offered == {"read", "quick", "requester_pays"}
    assert reader.quick("b", "k") is not None and reader.quick("b", "k", "v1") is not None
    model = reader.session.client("s3").meta.service_model
    given = {"Bucket": "b", "Key": "k", "Prefix": "", "VersionId": "v", "UploadId": "u", "CopySource": "a/b"}
    for name in model.operation_names:
        asked = model.operation_model(name).input_shape
        members = {} if asked is None else {one: value for one, value in given.items() if one in asked.members}
        try:
            reader.read("b", lambda client, name=name, members=members: getattr(client, xform_name(name))(**members))
        except RefusedCall:
            assert ("s3", name) not in ALLOWED | CREDENTIALS
        except S3Fault:
            assert ("s3", name) in ALLOWED
    assert {method for method, _, _ in wire.requests} == {"GET", "HEAD"}
    assert all(AGENT in headers["user-agent"] for _, _, headers in wire.requests)


def test_an_object_comes_with_its_etag_and_size(ambient: None, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    found = reader_at(monkeypatch, f"http://127.0.0.1:{wire.port}").quick("bucket", "a/b+c d", "v1")
    assert found is not None and found["ETag"] == '"e"'
    assert b"".join(map(bytes, found["Body"])) == b"<R/>"
    ((method, path, headers),) = wire.requests
    assert (method, path) == ("GET", "/bucket/a/b%2Bc%20d?versionId=v1")
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=ASIAIOSFODNN7EXAMPLE/")


@pytest.mark.parametrize("key", ["a/../b", "./a", "a//b", "/a", "a/", "a\x00", "é", "a%2Fb", "a\\b"])
def test_a_key_that_is_no_plain_path_is_left_to_boto3(
    ambient: None, wire: Wire, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    assert reader_at(monkeypatch, f"http://127.0.0.1:{wire.port}").quick("b", key) is None
    assert wire.requests == []


def test_the_environment_switches_nothing_off(ambient: None, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = reader_at(
        monkeypatch, f"http://127.0.0.1:{wire.port}", AWS_SKIP_SIGNATURE="true", AWS_REQUEST_PAYER="true",
        AWS_ENDPOINT="http://127.0.0.1:9", AWS_BUCKET="other", AWS_ALLOW_INVALID_CERTIFICATES="true",
    )  # fmt: skip
    assert reader.quick("b", "k") is not None
    ((_, path, headers),) = wire.requests
    assert path == "/b/k" and "authorization" in headers and "x-amz-request-payer" not in headers


def test_a_bucket_whose_requesters_pay_is_told_so(ambient: None, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    session = reader_at(monkeypatch, f"http://127.0.0.1:{wire.port}").session
    assert S3Reader(session, ["b"]).quick("b", "k") is not None
    assert wire.requests[0][2]["x-amz-request-payer"] == "requester"


@pytest.mark.parametrize("size", [9, PIECE + 9])
def test_an_answer_that_is_cut_off_is_no_answer(ambient: None, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    wire = Wire(b"x" * size, cut=4)
    found = reader_at(monkeypatch, f"http://127.0.0.1:{wire.port}").quick("b", "k")
    if found is not None:  # it is streamed: what is missing shows at the end
        with pytest.raises(DamagedError, match="it broke off"):
            list(whole(found["Body"]))
    assert (found is None) == (size <= PIECE)
    wire.close()


def test_nobody_listening_is_no_answer(ambient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert reader_at(monkeypatch, "http://127.0.0.1:9").quick("b", "k") is None


def test_the_environments_proxy_is_asked(ambient: None, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = reader_at(monkeypatch, "http://bucket.example", http_proxy=f"http://127.0.0.1:{wire.port}")
    assert reader.quick("b", "k") is not None
    assert wire.requests[0][:2] == ("GET", "http://bucket.example/b/k")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for this machine with its key, made now."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "both.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made.public_bytes(Encoding.PEM)
    )
    (tmp_path / "trusted.pem").write_bytes(made.public_bytes(Encoding.PEM))
    return path


@pytest.mark.parametrize(("host", "trusted"), [("localhost", True), ("localhost", False), ("127.0.0.1", True)])
def test_over_tls_only_a_certificate_that_is_trusted_and_of_that_name_is_taken(
    ambient: None, wire: Wire, monkeypatch: pytest.MonkeyPatch, certificate: Path, host: str, trusted: bool
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    wire.server.socket = context.wrap_socket(wire.server.socket, server_side=True)
    more = {"AWS_CA_BUNDLE": str(certificate.with_name("trusted.pem"))} if trusted else {}
    found = reader_at(monkeypatch, f"https://{host}:{wire.port}", **more).quick("b", "k")
    assert (found is not None) == (host == "localhost" and trusted)
    assert len(wire.requests) == (1 if found else 0)


def test_credentials_are_asked_for_again_when_they_are_old(
    ambient: None, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = reader_at(monkeypatch, f"http://127.0.0.1:{wire.port}")
    credential = reader._credential()
    assert timedelta(0) < credential["expires_at"] - datetime.now(UTC) <= timedelta(minutes=5)
    assert credential["access_key_id"] == "ASIAIOSFODNN7EXAMPLE"
