"""How long does validating a chain of digests take, against reading, unpacking and hashing its log files alone?

``python benchmarks/bench_digests.py [FILES] [EVENTS_PER_FILE]`` makes a chain with real signatures in a temporary
folder (10,000 files of 20 events,
30 to a digest, unless said) and prints seconds and their ratio, the best of three runs each. The bar is a ratio of 2
at most.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from make_data import ACCOUNT, START, cloudtrail

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from ir_kit.ingest.digest_logs import check_logs
from ir_kit.ingest.digests import Proofs, SourceFile, chain_links, prove, read_digests
from ir_kit.ingest.reading import read_file
from simulator.digests import public_key, signing_key

BUCKET, REGION, PER_DIGEST = "trail-logs", "us-east-1", 30


def make_chain(folder: Path) -> Proofs:
    """Digests over the log files that lie in `folder`, and the proofs that AWS would answer with."""
    key = signing_key(1, REGION)
    der, fingerprint = public_key(1, REGION)
    proofs = Proofs()
    proofs.add_key(REGION, fingerprint, base64.b64encode(der).decode())
    logs = sorted(path for path in folder.rglob("*.json.gz"))
    before = None
    for number in range(0, len(logs), PER_DIGEST):
        start = START + timedelta(seconds=300 * number)
        end = START + timedelta(seconds=300 * (number + PER_DIGEST))
        name = (
            f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/{REGION}/{end:%Y/%m/%d}/"
            f"{ACCOUNT}_CloudTrail-Digest_{REGION}_bench_{REGION}_{end:%Y%m%dT%H%M%SZ}.json.gz"
        )
        listed = [
            {
                "s3Bucket": BUCKET,
                "s3Object": path.relative_to(folder).as_posix(),
                "hashAlgorithm": "SHA-256",
                "hashValue": hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest(),
                "oldestEventTime": f"{start:%Y-%m-%dT%H:%M:%SZ}",
                "newestEventTime": f"{end:%Y-%m-%dT%H:%M:%SZ}",
            }
            for path in logs[number : number + PER_DIGEST]
        ]
        body = json.dumps(
            {
                "awsAccountId": ACCOUNT,
                "digestStartTime": f"{start:%Y-%m-%dT%H:%M:%SZ}",
                "digestEndTime": f"{end:%Y-%m-%dT%H:%M:%SZ}",
                "digestS3Bucket": BUCKET,
                "digestS3Object": name,
                "digestPublicKeyFingerprint": fingerprint,
                "digestSignatureAlgorithm": "SHA256withRSA",
                "previousDigestS3Bucket": BUCKET if before else None,
                "previousDigestS3Object": before[0] if before else None,
                "previousDigestHashValue": before[1] if before else None,
                "previousDigestSignature": before[2] if before else None,
                "logFiles": listed,
            }
        ).encode()
        digest = hashlib.sha256(body).hexdigest()
        text = f"{end:%Y-%m-%dT%H:%M:%SZ}\n{BUCKET}/{name}\n{digest}\n{before[2] if before else 'null'}"
        signature = key.sign(text.encode(), PKCS1v15(), SHA256()).hex()
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(gzip.compress(body, mtime=0))
        before = (name, digest, signature)
        proofs.signatures[BUCKET, name].add(signature)
    return proofs


def validate(files: list[SourceFile], proofs: Proofs) -> int:
    """As the kit does it: digests read and proven, chains followed, every log file held against them."""
    digests, unread = read_digests([file for file in files if "CloudTrail-Digest" in file.path])
    prove(digests, proofs)
    rows = check_logs(
        digests, chain_links(digests, unread), [file for file in files if "CloudTrail-Digest" not in file.path]
    )
    return sum(row.state == "valid" for row in rows)


def read_only(files: list[SourceFile]) -> int:
    """What cannot be saved: read each log file, unpack it, hash what comes out. One thread."""
    logs = [file for file in files if "CloudTrail-Digest" not in file.path]
    return len({hashlib.sha256(read_file(Path(file.location)).data).digest() for file in logs})


def best(work: Callable[[], int], times: int = 3) -> tuple[float, int]:
    """Seconds of the fastest run, and what it counted."""
    taken, counted = [], 0
    for _ in range(times):
        start = time.perf_counter()
        counted = work()
        taken.append(time.perf_counter() - start)
    return min(taken), counted


def main(count: int = 10_000, events: int = 20) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cloudtrail(folder, count, events)
        proofs = make_chain(folder)
        files = [SourceFile(p.relative_to(folder).as_posix(), str(p)) for p in sorted(folder.rglob("*.json.gz"))]
        alone, _ = best(lambda: read_only(files))
        whole, valid = best(lambda: validate(files, proofs))
        print(f"{count:,} log files of {events} events, {len(proofs.signatures):,} digests; {valid:,} valid")
        print(f"reading, unpacking, hashing alone  {alone:6.2f} s")
        print(f"validating the chain               {whole:6.2f} s   ratio {whole / alone:.2f} (bar: 2)")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
