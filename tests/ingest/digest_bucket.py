"""A trail's bucket made in a folder: log files, signed digests, and what is done to them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from ir_kit.ingest.digest_logs import LogFile, Trail, check_logs
from ir_kit.ingest.digests import Link, Proofs, SourceFile, Stop, chain_links, prove, read_digests
from simulator.digests import public_key, signing_key

ACCOUNT = "111122223333"
T0 = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def iso(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


@dataclass
class Bucket:
    """A folder laid out as a trail's bucket, with what S3 keeps beside it."""

    folder: Path
    name: str = "trail-logs"
    signatures: dict[tuple[str, str], str] = field(default_factory=dict)
    last: dict[str, dict[str, Any]] = field(default_factory=dict)

    def log(
        self, time: datetime, name: str = "a", *, prefix: str = "", region: str = "us-east-1", body: bytes | None = None
    ) -> str:
        folder = f"{prefix}AWSLogs/{ACCOUNT}/CloudTrail/{region}/{time:%Y/%m/%d}"
        key = f"{folder}/{ACCOUNT}_CloudTrail_{region}_{time:%Y%m%dT%H%MZ}_{name}.json.gz"
        self.put(
            key, body if body is not None else json.dumps({"Records": [{"eventTime": iso(time), "n": name}]}).encode()
        )
        return key

    def put(self, key: str, body: bytes) -> None:
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(body, mtime=0))

    def body(self, key: str) -> bytes:
        return gzip.decompress((self.folder / key).read_bytes())

    def digest(
        self,
        start: datetime,
        keys: list[str],
        *,
        trail: str = "main",
        prefix: str = "",
        region: str = "us-east-1",
        length: timedelta = HOUR,
        starting: bool = False,
        backfill: bool = False,
        signed: bool = True,
        **changed: Any,
    ) -> str:
        end, chain = start + length, f"{trail}{prefix}{region}{backfill}"
        key = (
            f"{prefix}AWSLogs/{ACCOUNT}/CloudTrail-Digest/{region}/{end:%Y/%m/%d}/{ACCOUNT}_CloudTrail-Digest_{region}_{trail}_us-east-1_"
            f"{end:%Y%m%dT%H%M%SZ}{'_backfill' if backfill else ''}.json.gz"
        )
        before = None if starting else self.last.get(chain)
        content = {
            "awsAccountId": ACCOUNT,
            "digestStartTime": iso(start),
            "digestEndTime": iso(end),
            "digestS3Bucket": self.name,
            "digestS3Object": key,
            "digestPublicKeyFingerprint": public_key(1, "us-east-1")[1],
            "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": None,
            "oldestEventTime": None,
            "previousDigestS3Bucket": self.name if before else None,
            "previousDigestS3Object": before["key"] if before else None,
            "previousDigestHashValue": before["hash"] if before else None,
            "previousDigestHashAlgorithm": "SHA-256" if before else None,
            "previousDigestSignature": before["signature"] if before else None,
            "logFiles": [
                {
                    "s3Bucket": self.name,
                    "s3Object": name,
                    "hashValue": hashlib.sha256(self.body(name)).hexdigest(),
                    "hashAlgorithm": "SHA-256",
                    "oldestEventTime": iso(start - timedelta(minutes=10)),
                    "newestEventTime": iso(start + timedelta(minutes=40)),
                }
                for name in keys
            ],
        } | changed
        body = json.dumps(content).encode()
        self.put(key, body)
        signed_before = content["previousDigestSignature"] or "null"
        text = f"{iso(end)}\n{self.name}/{key}\n{hashlib.sha256(body).hexdigest()}\n{signed_before}"
        signature = signing_key(1, "us-east-1").sign(text.encode(), PKCS1v15(), SHA256()).hex()
        self.last[chain] = {"key": key, "hash": hashlib.sha256(body).hexdigest(), "signature": signature}
        if signed:
            self.signatures[self.name, key] = signature
        return key

    def forge(self, key: str, change: Callable[[dict[str, Any]], None]) -> None:
        content = json.loads(self.body(key))
        change(content)
        self.put(key, json.dumps(content).encode())

    def proofs(self, *, keys: bool = True, signatures: bool = True, region: str | None = "us-east-1") -> Proofs:
        found = Proofs()
        if keys:
            der, fingerprint = public_key(1, "us-east-1")
            assert found.add_key(region, fingerprint, base64.b64encode(der).decode())
        for name, signature in self.signatures.items() if signatures else ():
            found.signatures[name].add(signature)
        return found

    def files(self) -> list[SourceFile]:
        paths = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return [SourceFile(path.relative_to(self.folder).as_posix(), str(path)) for path in paths]

    def check(
        self,
        proofs: Proofs | None = None,
        *,
        files: list[SourceFile] | None = None,
        trails: tuple[Trail, ...] = (),
        stops: tuple[Stop, ...] = (),
    ) -> tuple[dict[str, LogFile], list[Link]]:
        found = files if files is not None else self.files()
        digests, unread = read_digests([file for file in found if "CloudTrail-Digest" in file.path])
        prove(digests, proofs or self.proofs())
        links = chain_links(digests, unread, stops)
        rows = check_logs(digests, links, [file for file in found if "CloudTrail-Digest" not in file.path], trails)
        assert len({row.log_file for row in rows}) == len(rows)
        return {row.log_file: row for row in rows}, links

    def states(self, proofs: Proofs | None = None, **more: Any) -> dict[str, str]:
        return {key: row.state for key, row in self.check(proofs, **more)[0].items()}


def chained_bucket(folder: Path) -> tuple[Bucket, list[str], list[str]]:
    """Six hours with a log file each, half past the hour: the bucket, its log files, its digests."""
    bucket = Bucket(folder)
    keys, digests = [], []
    for hour in range(6):
        keys.append(bucket.log(T0 + hour * HOUR + timedelta(minutes=30)))
        digests.append(bucket.digest(T0 + hour * HOUR, [keys[-1]], starting=hour == 0))
    return bucket, keys, digests
