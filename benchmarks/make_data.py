"""Benchmark data, made from a seed: CloudTrail files and access-log objects shaped as delivered.

``cloudtrail(folder, files, events_per_file)`` writes about 1.7 KB of raw JSON an event; ``access_logs(folder, files, lines_per_file)`` about 650 bytes a line.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

ACCOUNT = "111122223333"
START = datetime(2026, 3, 1, tzinfo=UTC)
AGENTS = [
    "[aws-sdk-java/1.12.261 Linux/5.10.165 java/1.8.0_362 cfg/retry-mode/legacy]",
    "[aws-cli/2.15.30 ua/2.0 os/linux#6.5.0 lang/python#3.11.8 md/command#s3.sync]",
    "[Boto3/1.34.51 md/Botocore#1.34.51 ua/2.0 os/linux#5.15.0 lang/python#3.10.12]",
]
HEX = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
BASE64 = HEX + HEX.lower() + "IOU+/ilo"
CANONICAL = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"


def _token(rng: random.Random, length: int, alphabet: str = HEX) -> str:
    return "".join(rng.choices(alphabet, k=length))


def _uuid(rng: random.Random) -> str:
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


KEYS = [f"ASIA{_token(random.Random(number), 16)}" for number in range(200)]


def event(rng: random.Random, moment: datetime) -> dict[str, object]:
    """One S3 data event in the shape of today's records."""
    bucket = f"bench-{rng.randrange(20):02d}-data"
    key = f"exports/{rng.randrange(1, 13):02d}/{rng.randrange(1, 29):02d}/{_token(rng, 20)}.parquet"
    role = f"etl-{rng.randrange(8)}"
    write = rng.random() < 0.2
    name = "PutObject" if write else "GetObject"
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": f"AROAEXAMPLE{_token(rng, 10)}:session-{rng.randrange(1000)}",
            "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/session-{rng.randrange(1000)}",
            "accountId": ACCOUNT,
            "accessKeyId": rng.choice(KEYS),
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": "AROAEXAMPLEEXAMPLEKLM",
                    "arn": f"arn:aws:iam::{ACCOUNT}:role/{role}",
                    "accountId": ACCOUNT,
                    "userName": role,
                },
                "attributes": {"creationDate": "2026-03-01T00:00:00Z", "mfaAuthenticated": "false"},
            },
        },
        "eventTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "s3.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": f"203.0.113.{rng.randrange(256)}",
        "userAgent": rng.choice(AGENTS),
        **({"errorCode": "AccessDenied", "errorMessage": "Access Denied"} if rng.random() < 0.02 else {}),
        "requestParameters": {"bucketName": bucket, "Host": f"{bucket}.s3.amazonaws.com", "key": key},
        "responseElements": {"x-amz-server-side-encryption": "AES256"} if write else None,
        "additionalEventData": {
            "SignatureVersion": "SigV4",
            "CipherSuite": "TLS_AES_128_GCM_SHA256",
            "bytesTransferredIn": float(rng.randrange(10**6)) if write else 0.0,
            "AuthenticationMethod": "AuthHeader",
            "x-amz-id-2": _token(rng, 75, BASE64) + "=",
            "bytesTransferredOut": 0.0 if write else float(rng.randrange(10**7)),
        },
        "requestID": _token(rng, 16),
        "eventID": _uuid(rng),
        "readOnly": not write,
        "resources": [
            {"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{bucket}/{key}"},
            {"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"},
        ],
        "eventType": "AwsApiCall",
        "managementEvent": False,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Data",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": f"{bucket}.s3.amazonaws.com",
        },
    }


def cloudtrail(folder: Path, files: int, events_per_file: int, seed: int = 1) -> None:
    """Write ``files`` gzip files of ``events_per_file`` events each, laid out by day as delivered."""
    _by_processes(_cloudtrail_file, folder, files, events_per_file, seed)


def _cloudtrail_file(folder: Path, number: int, events_per_file: int, seed: int) -> None:
    rng = random.Random(seed * 1_000_003 + number)
    moment = START + timedelta(seconds=number * 300)
    records = [event(rng, moment + timedelta(seconds=rng.randrange(300))) for _ in range(events_per_file)]
    day = folder / "AWSLogs" / ACCOUNT / "CloudTrail" / "us-east-1" / moment.strftime("%Y/%m/%d")
    day.mkdir(parents=True, exist_ok=True)
    name = f"{ACCOUNT}_CloudTrail_us-east-1_{moment:%Y%m%dT%H%MZ}_{number:016d}.json.gz"
    body = json.dumps({"Records": records}, separators=(",", ":")).encode()
    (day / name).write_bytes(gzip.compress(body, 6, mtime=0))


def access_log_line(rng: random.Random, moment: datetime) -> str:
    """One line of 27 fields; one in a thousand carries raw quotes in the agent or has no URI."""
    bucket = f"bench-{rng.randrange(20):02d}-data"
    key = f"exports/2026/{rng.randrange(1, 13):02d}/part-{rng.randrange(10**6):07d}%2520file.parquet"
    write = rng.random() < 0.2
    verb = "PUT" if write else "GET"
    size = rng.randrange(1, 10**7)
    odd = rng.random()
    agent = rng.choice(AGENTS)[1:-1] + (' "quoted" Safari/604.1"' if odd < 0.0005 else "")
    uri = f'"{verb} /{key} HTTP/1.1"'
    operation = f"REST.{verb}.OBJECT"
    quoted_agent = f'"{agent}"'
    referer = '"-"'
    if 0.0005 < odd < 0.001:
        uri, referer, quoted_agent, operation = "-", "-", "-", "BATCH.DELETE.OBJECT"
    return (
        f"{CANONICAL} {bucket} [{moment:%d/%b/%Y:%H:%M:%S} +0000] 203.0.113.{rng.randrange(256)} "
        f"arn:aws:sts::{ACCOUNT}:assumed-role/etl-{rng.randrange(8)}/session-{rng.randrange(1000)} "
        f"{_token(rng, 16)} {operation} {key} {uri} 200 - {'-' if write else size} {size} {rng.randrange(1, 900)} "
        f"{rng.randrange(1, 90)} {referer} {quoted_agent} - {_token(rng, 75, BASE64)}= SigV4 TLS_AES_128_GCM_SHA256 AuthHeader "
        f"{bucket}.s3.amazonaws.com TLSv1.3 - - us-east-1"
    )


def access_logs(folder: Path, files: int, lines_per_file: int, seed: int = 2) -> None:
    """Write ``files`` objects of ``lines_per_file`` lines each, named by delivery time."""
    folder.mkdir(parents=True, exist_ok=True)
    _by_processes(_access_log_file, folder, files, lines_per_file, seed)


def _access_log_file(folder: Path, number: int, lines_per_file: int, seed: int) -> None:
    rng = random.Random(seed * 1_000_003 + number)
    moment = START + timedelta(seconds=number * 30)
    lines = [access_log_line(rng, moment + timedelta(seconds=rng.randrange(30))) for _ in range(lines_per_file)]
    name = f"{moment + timedelta(hours=2):%Y-%m-%d-%H-%M-%S}-{rng.getrandbits(64):016X}"
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _by_processes(
    write: Callable[[Path, int, int, int], None], folder: Path, files: int, per_file: int, seed: int
) -> None:
    with ProcessPoolExecutor() as pool:
        list(pool.map(partial(_write_some, write, folder, per_file, seed), _spans(files)))


def _spans(files: int) -> list[range]:
    step = max(1, files // 64)
    return [range(start, min(start + step, files)) for start in range(0, files, step)]


def _write_some(
    write: Callable[[Path, int, int, int], None], folder: Path, per_file: int, seed: int, numbers: range
) -> None:
    for number in numbers:
        write(folder, number, per_file, seed)


if __name__ == "__main__":
    kind, target, file_count, per_file = sys.argv[1:5]
    {"cloudtrail": cloudtrail, "access_logs": access_logs}[kind](Path(target), int(file_count), int(per_file))
