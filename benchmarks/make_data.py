"""Benchmark data, made from a seed: CloudTrail files and access-log objects shaped as delivered.

``cloudtrail(folder, files, events_per_file)`` writes about 1.7 KB of raw JSON an event: four data events of S3 to one management event, by users,
roles and services, with the parameters and answers that each call has. ``access_logs(folder, files, lines_per_file)`` writes about 670 bytes a
line: reads, writes, listings and a website's visitors, some refused.
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
PROGRAMS = [
    "aws-sdk-java/2.20.56 Linux/5.10.176-157.645.amzn2.x86_64 OpenJDK_64-Bit_Server_VM/11.0.19+7-LTS Java/11.0.19 kotlin/1.8 "
    "vendor/Amazon.com_Inc. io/async http/NettyNio cfg/retry-mode/legacy ft/s3-transfer",
    "aws-sdk-java/1.12.261 Linux/5.10.165-143.735.amzn2.x86_64 OpenJDK_64-Bit_Server_VM/25.362-b08 java/1.8.0_362 scala/2.12.15 "
    "vendor/Red_Hat,_Inc. cfg/retry-mode/legacy",
    "aws-cli/2.15.30 md/awscrt#0.19.19 ua/2.0 os/linux#6.5.0-1014-aws md/arch#x86_64 lang/python#3.11.8 md/pyimpl#CPython "
    "cfg/retry-mode#standard md/installer#exe md/prompt#off md/command#s3.sync",
    "Boto3/1.34.51 md/Botocore#1.34.51 ua/2.0 os/linux#5.15.0-1053-aws md/arch#aarch64 lang/python#3.10.12 md/pyimpl#CPython "
    "cfg/retry-mode#legacy Botocore/1.34.51 Resource",
    "aws-sdk-go-v2/1.24.1 os/linux lang/go#1.21.6 md/GOOS#linux md/GOARCH#amd64 api/s3#1.48.0",
    "Hadoop 3.3.4, aws-sdk-java/1.12.367 Linux/5.15.0 OpenJDK_64-Bit_Server_VM/11.0.20+8 java/11.0.20 groovy/2.4.21",
    "APN/1.0 HashiCorp/1.0 Terraform/1.5.7 (+https://www.terraform.io) terraform-provider-aws/5.31.0 aws-sdk-go-v2/1.24.0 os/linux",
    "S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.488 Linux/5.10.184 OpenJDK_64-Bit_Server_VM/25.372-b08 java/1.8.0_372 "
    "vendor/Oracle_Corporation cfg/retry-mode/standard",
]  # fmt: skip
BROWSERS = [
    f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36"
    for system in ("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64", "Linux; Android 10; K")
    for version in range(118, 128)
]  # fmt: skip
HEX = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
BASE64 = HEX + HEX.lower() + "IOU+/ilo"
CANONICAL = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
SUITE = "TLS_AES_128_GCM_SHA256"


def _token(rng: random.Random, length: int, alphabet: str = HEX) -> str:
    return "".join(rng.choices(alphabet, k=length))


def _uuid(rng: random.Random) -> str:
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


KEYS = [f"ASIA{_token(random.Random(number), 16)}" for number in range(200)]
ROLES = [f"AROA{_token(random.Random(1000 + number), 17)}" for number in range(8)]


def _address(rng: random.Random) -> str:
    if rng.random() < 0.3:
        return f"{rng.choice(('203.0.113', '198.51.100', '192.0.2'))}.{rng.randrange(1, 255)}"
    return f"10.{rng.randrange(4)}.{rng.randrange(64)}.{rng.randrange(1, 255)}"


def _object_key(rng: random.Random) -> str:
    return f"exports/{rng.randrange(1, 13):02d}/{rng.randrange(1, 29):02d}/{_token(rng, 20)}.parquet"


def _role_session(rng: random.Random) -> dict[str, object]:
    number, session = rng.randrange(8), f"session-{rng.randrange(1000)}"
    return {
        "type": "AssumedRole",
        "principalId": f"{ROLES[number]}:{session}",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/etl-{number}/{session}",
        "accountId": ACCOUNT,
        "accessKeyId": rng.choice(KEYS),
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": ROLES[number],
                "arn": f"arn:aws:iam::{ACCOUNT}:role/etl-{number}",
                "accountId": ACCOUNT,
                "userName": f"etl-{number}",
            },
            "attributes": {"creationDate": "2026-03-01T00:00:00Z", "mfaAuthenticated": "false"},
        },
    }


def _user(number: int) -> dict[str, object]:
    name, key = f"svc-{number}", f"AKIA{_token(random.Random(2000 + number), 16)}"
    return {
        "type": "IAMUser", "principalId": f"AIDA{_token(random.Random(3000 + number), 17)}",
        "arn": f"arn:aws:iam::{ACCOUNT}:user/{name}", "accountId": ACCOUNT, "accessKeyId": key, "userName": name,
    }  # fmt: skip


def _service(name: str) -> dict[str, object]:
    return {"type": "AWSService", "invokedBy": f"{name}.amazonaws.com"}


Call = tuple[str, bool, dict[str, object] | None, dict[str, object] | None]
"""The name of a call, whether it only reads, its parameters and its answer."""


def _data_call(rng: random.Random, bucket: str) -> Call:
    key = {"bucketName": bucket, "Host": f"{bucket}.s3.amazonaws.com", "key": _object_key(rng)}
    sealed: dict[str, object] = {"x-amz-server-side-encryption": "AES256", "x-amz-version-id": _token(rng, 32, BASE64)}
    pick = rng.random()
    if pick < 0.62:
        return "GetObject", True, key, None
    if pick < 0.72:
        return "HeadObject", True, key, None
    if pick < 0.80:
        listed = {
            **key,
            "list-type": "2",
            "prefix": f"exports/{rng.randrange(1, 13):02d}/",
            "encoding-type": "url",
            "max-keys": "1000",
        }
        return "ListObjects", True, {name: value for name, value in listed.items() if name != "key"}, None
    if pick < 0.97:
        return "PutObject", False, {**key, "x-amz-storage-class": "STANDARD"}, sealed
    return "DeleteObject", False, key, None


def _management_call(rng: random.Random) -> tuple[str, dict[str, object], Call]:
    """The service, who calls, and the call."""
    role = rng.randrange(8)
    arn = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{_uuid(random.Random(role))}"
    calls: list[tuple[float, str, dict[str, object], Call]] = [
        (25, "kms", _role_session(rng), ("Decrypt", True, {
            "encryptionContext": {"aws:s3:arn": f"arn:aws:s3:::bench-{rng.randrange(20):02d}-data"},
            "encryptionAlgorithm": "SYMMETRIC_DEFAULT", "keyId": arn}, None)),
        (20, "sts", _service("ec2"), ("AssumeRole", True, {
            "roleArn": f"arn:aws:iam::{ACCOUNT}:role/etl-{role}", "roleSessionName": f"i-{rng.getrandbits(68):017x}"}, {
            "credentials": {"accessKeyId": rng.choice(KEYS), "expiration": "Mar 1, 2026, 6:00:00 PM", "sessionToken": _token(rng, 360, BASE64)}})),
        (8, "sts", _user(rng.randrange(6)), ("GetCallerIdentity", True, None, None)),
        (10, "ec2", _role_session(rng), ("DescribeInstances", True, {
            "maxResults": 1000, "instancesSet": {},
            "filterSet": {"items": [{"name": "instance-state-name", "valueSet": {"items": [{"value": "running"}]}}]}}, None)),
        (6, "ec2", _user(rng.randrange(6)), ("DescribeVpcAttribute", True, {
            "vpcId": f"vpc-{rng.getrandbits(68):017x}", "attribute": "enableDnsSupport"}, None)),
        (8, "ssm", _role_session(rng), ("GetParameter", True, {"name": f"/etl/{role}/token", "withDecryption": True}, None)),
        (8, "logs", _role_session(rng), ("CreateLogStream", False, {"logGroupName": f"/aws/lambda/etl-{role}", "logStreamName": _token(rng, 32)}, None)),
        (6, "iam", _user(rng.randrange(6)), ("ListAttachedRolePolicies", True, {"roleName": f"etl-{role}"}, None)),
        (5, "s3", _user(rng.randrange(6)), ("GetBucketAcl", True, {"bucketName": f"bench-{role:02d}-data", "Host": "s3.amazonaws.com", "acl": ""}, None)),
        (4, "rds", _user(rng.randrange(6)), ("DescribeDBInstances", True, {"dBInstanceIdentifier": f"reports-{role}"}, None)),
    ]  # fmt: skip
    _, service, who, call = rng.choices(calls, [weight for weight, *_ in calls])[0]
    return service, who, call


def event(rng: random.Random, moment: datetime) -> dict[str, object]:
    """One event in the shape of today's records: of five, four are data events of S3."""
    bucket = f"bench-{rng.randrange(20):02d}-data"
    data = rng.random() < 0.8
    if data:
        service, who, (name, reads, parameters, answer) = "s3", _role_session(rng), _data_call(rng, bucket)
    else:
        service, who, (name, reads, parameters, answer) = _management_call(rng)
    s3 = service == "s3"
    host = f"{bucket}.s3.amazonaws.com" if s3 else f"{service}.us-east-1.amazonaws.com"
    refused = rng.random() < 0.02
    agent = rng.choice(PROGRAMS)
    more = {
        "SignatureVersion": "SigV4",
        "CipherSuite": SUITE,
        "bytesTransferredIn": 0.0 if reads else float(rng.randrange(10**6)),
        "AuthenticationMethod": "AuthHeader",
        "x-amz-id-2": _token(rng, 75, BASE64) + "=",
        "bytesTransferredOut": float(rng.randrange(10**7)) if reads else 0.0,
    }
    key = (parameters or {}).get("key")
    resources = [
        *([{"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{bucket}/{key}"}] if key else []),
        {"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"},
    ]
    called = who.get("invokedBy")
    return {
        "eventVersion": "1.11",
        "userIdentity": who,
        "eventTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": called or _address(rng),
        "userAgent": called or (f"[{agent}]" if s3 else agent),
        **({"errorCode": "AccessDenied", "errorMessage": "Access Denied"} if refused else {}),
        "requestParameters": parameters,
        "responseElements": None if refused else answer,
        **({"additionalEventData": more} if s3 else {}),
        "requestID": _token(rng, 16) if s3 else _uuid(rng),
        "eventID": _uuid(rng),
        "readOnly": reads,
        **({"resources": resources} if data else {}),
        "eventType": "AwsApiCall",
        "managementEvent": not data,
        "recipientAccountId": ACCOUNT,
        **({"sharedEventID": _uuid(rng)} if called else {}),
        "eventCategory": "Data" if data else "Management",
        **(
            {}
            if called
            else {"tlsDetails": {"tlsVersion": "TLSv1.3", "cipherSuite": SUITE, "clientProvidedHostHeader": host}}
        ),
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
    requester = f"arn:aws:sts::{ACCOUNT}:assumed-role/etl-{rng.randrange(8)}/session-{rng.randrange(1000)}"
    month = rng.randrange(1, 13)
    key = f"exports/2026/{month:02d}/part-{rng.randrange(10**6):07d}%2520file.parquet"
    agent, referer, sent, size, status, error = rng.choice(PROGRAMS), "-", "-", str(rng.randrange(1, 10**7)), "200", "-"
    signed, operation, verb, path = "SigV4", "REST.GET.OBJECT", "GET", f"/{key.replace('%25', '%')}"
    pick, odd = rng.random(), rng.random()
    if pick < 0.70:
        sent = size
        if pick < 0.08:
            status, sent = "206", str(rng.randrange(1, int(size) + 1))
        elif pick < 0.20:
            operation, verb, sent = "REST.HEAD.OBJECT", "HEAD", "-"
    elif pick < 0.84:
        operation, verb = "REST.PUT.OBJECT", "PUT"
    elif pick < 0.92:
        operation, key, sent, size = "REST.GET.BUCKET", "-", str(rng.randrange(300, 90_000)), "-"
        path = f"/?list-type=2&prefix=exports%2F2026%2F{month:02d}%2F&max-keys=1000&encoding-type=url"
    else:
        key, requester, signed, agent = f"img/{rng.randrange(4000):04d}.webp", "-", "-", rng.choice(BROWSERS)
        operation, path, sent = "WEBSITE.GET.OBJECT", f"/{key}", size
        referer = f"https://www.example.com/catalogue/{rng.randrange(500)}"
    if rng.random() < 0.02:
        status, error, sent = "403", "AccessDenied", "243"
    if odd < 0.0005:
        agent += ' "quoted" Safari/604.1'
    uri, told, named = f'"{verb} {path} HTTP/1.1"', f'"{referer}"', f'"{agent}"'
    if 0.0005 < odd < 0.001:
        uri, told, named, operation = "-", "-", "-", "BATCH.DELETE.OBJECT"
    return (
        f"{CANONICAL} {bucket} [{moment:%d/%b/%Y:%H:%M:%S} +0000] {_address(rng)} {requester} {_token(rng, 16)} {operation} {key} {uri} "
        f"{status} {error} {sent} {size} {rng.randrange(1, 900)} {rng.randrange(1, 90)} {told} {named} - {_token(rng, 75, BASE64)}= "
        f"{signed} {SUITE} {'-' if signed == '-' else 'AuthHeader'} {bucket}.s3.amazonaws.com TLSv1.3 - - us-east-1"
    )


def access_logs(folder: Path, files: int, lines_per_file: int, seed: int = 2) -> None:
    """Write ``files`` objects of ``lines_per_file`` lines each, named by delivery time."""
    folder.mkdir(parents=True, exist_ok=True)
    _by_processes(_access_log_file, folder, files, lines_per_file, seed)


def _access_log_file(folder: Path, number: int, lines_per_file: int, seed: int) -> None:
    rng = random.Random(seed * 1_000_003 + number)
    moment = START + timedelta(
        seconds=number * lines_per_file * 0.6
    )  # a million lines are a week, in however many files
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
