"""A small incident to load evidence into, and records to load."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import digest_bucket
import pytest

from ir_kit.incident import load_incident, new_incident
from ir_kit.ingest.loader import IngestReport, ingest
from ir_kit.ingest.store import Store, connect


@dataclass
class Evidence:
    """An incident in a folder, its sources and its store."""

    runs: Path

    @property
    def cloudtrail(self) -> Path:
        return self.runs / "demo" / "evidence" / "cloudtrail"

    @property
    def access_logs(self) -> Path:
        return self.runs / "demo" / "evidence" / "access-logs"

    @property
    def configuration(self) -> Path:
        return self.runs / "demo" / "evidence" / "configuration.jsonl"

    @property
    def store(self) -> Store:
        return Store(self.runs / "demo" / "evidence")

    def open(self, **sources: Any) -> None:
        fields = {
            "access_keys": ["AKIAIOSFODNN7EXAMPLE"],
            "window": {"start": "2026-03-01T00:00:00Z", "end": "2026-03-08T00:00:00Z"},
            "sources": sources
            or {
                "cloudtrail": [str(self.cloudtrail)],
                "access_logs": [str(self.access_logs)],
                "configuration": str(self.configuration),
            },
        }
        new_incident(self.runs, "demo", fields)

    def load(self) -> IngestReport:
        return ingest(load_incident("demo", self.runs))

    def write(self, name: str, content: bytes | str | list[Any], folder: Path | None = None) -> Path:
        """A CloudTrail file (of these records, where they are a list; compressed, where its name says so)."""
        path = (folder or self.cloudtrail) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, list):
            content = json.dumps({"Records": content})
            content = gzip.compress(content.encode(), mtime=0) if name.endswith(".gz") else content
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def write_log(self, name: str, content: bytes | str) -> Path:
        return self.write(name, content, self.access_logs)

    @staticmethod
    def touched(path: Path) -> None:
        """Give this file a later time of change, whatever the clock's steps are."""
        status = path.stat()
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with connect(threads=1) as connection:
            self.store.connect_views(connection)
            return connection.execute(sql, list(parameters)).fetchall()

    def sources_by_path(self) -> dict[str, dict[str, Any]]:
        names = (
            "path, kind, state, records, rejected, duplicates, damaged, damage, present, sha256, first_time, last_time"
        )
        rows = self.query(f"select {names} from sources")
        return {row[0]: dict(zip(names.split(", "), row, strict=True)) for row in rows}

    def source(self, name: str) -> dict[str, Any]:
        return self.sources_by_path()[name]

    def snapshot(self) -> dict[str, Any]:
        """Everything that questions can see, without the numbers that a store gives its files."""
        found: dict[str, Any] = {}
        with connect(threads=1) as connection:
            self.store.connect_views(connection)
            for view in ("events", "events_all", "access_log_lines", "access_log_lines_all", "settings", "rejects"):
                columns = [row[0] for row in connection.execute(f"describe {view}").fetchall() if row[0] != "source_id"]
                listed = ", ".join(f'"{name}"' for name in columns)
                found[view] = sorted(connection.execute(f"select {listed} from {view}").fetchall(), key=repr)
        found["evidence"] = [{**row, "source": ""} for row in self.store.evidence_records()]
        return found

    def files(self) -> dict[str, bytes]:
        """The store's files and their bytes, the lock left out."""
        return {
            path.name: path.read_bytes()
            for path in sorted(self.store.folder.iterdir())
            if path.is_file() and path.name != ".lock"
        }


@pytest.fixture
def evidence(tmp_path: Path) -> Iterator[Evidence]:
    made = Evidence(tmp_path / "runs")
    made.open()
    yield made


@pytest.fixture(scope="module")
def shared_evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    made = Evidence(tmp_path_factory.mktemp("shared") / "runs")
    made.open()
    return made


@pytest.fixture(scope="session")
def record() -> Callable[..., dict[str, Any]]:
    return make_record


def make_record(number: int = 1, /, **changes: Any) -> dict[str, Any]:
    """One GetObject as CloudTrail writes it; a change to null takes the field out."""
    made: dict[str, Any] = {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDAEXAMPLEUSERID0001",
            "arn": "arn:aws:iam::111122223333:user/deploy",
            "accountId": "111122223333",
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
            "userName": "deploy",
        },
        "eventTime": f"2026-03-02T10:{number // 60 % 60:02d}:{number % 60:02d}Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "203.0.113.7",
        "userAgent": "[aws-cli/2.15.30]",
        "requestParameters": {"bucketName": "records", "Host": "records.s3.amazonaws.com", "key": f"part-{number}"},
        "responseElements": None,
        "additionalEventData": {
            "SignatureVersion": "SigV4",
            "CipherSuite": "TLS_AES_128_GCM_SHA256",
            "bytesTransferredIn": 0.0,
            "AuthenticationMethod": "AuthHeader",
            "x-amz-id-2": "hostid=",
            "bytesTransferredOut": 2356.0,
        },
        "requestID": f"REQUEST{number:09d}",
        "eventID": f"00000000-0000-4000-8000-{number:012d}",
        "readOnly": True,
        "resources": [{"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::records/part-{number}"}],
        "eventType": "AwsApiCall",
        "managementEvent": False,
        "recipientAccountId": "111122223333",
        "eventCategory": "Data",
        "tlsDetails": {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256"},
    }
    made |= changes
    return {name: value for name, value in made.items() if value is not None or name not in changes}


@pytest.fixture
def bucket(tmp_path: Path) -> Any:
    """A bucket of digests that is still empty."""
    return digest_bucket.Bucket(tmp_path / "evidence")


@pytest.fixture
def chained(tmp_path: Path) -> Any:
    """A bucket with a whole chain, its log files and its digests."""
    return digest_bucket.chained_bucket(tmp_path / "evidence")
