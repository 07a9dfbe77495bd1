"""Stories of two hands on one key, and of one: small accounts whose every call is known to be the owner's or the
intruder's.

Each story is a function of a seed, and differs by it in addresses, agents, hours, volumes and buckets. Calls are made
as CloudTrail records at once, four weeks of baseline and a week of window; `STORIES` says which of them are quiet.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import yaml

ACCOUNT, KEY = "111122223333", "AKIAIOSFODNN7EXAMPLE"
START, DAYS, WINDOW = datetime(2026, 2, 2, tzinfo=UTC), 28, 7  # a Monday
BEGIN, END = START + timedelta(days=DAYS), START + timedelta(days=DAYS + WINDOW)
USER = {
    "type": "IAMUser", "principalId": "AIDAEXAMPLEEXAMPLE", "arn": f"arn:aws:iam::{ACCOUNT}:user/app",
    "accountId": ACCOUNT, "accessKeyId": KEY, "userName": "app",
}  # fmt: skip
READS = {"GetObject", "HeadObject", "ListObjects", "HeadBucket"}
DATA = READS | {"PutObject", "DeleteObject"}
CIPHERS = ("TLS_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256")
Mix = dict[str, float]
FLAT: tuple[int, ...] = (1,) * 24
BUSY = (1, 1, 1, 1, 2, 4, 6, 8, 9, 10, 10, 9, 8, 10, 10, 9, 8, 6, 4, 3, 2, 2, 1, 1)
OFFICE = (0, 0, 0, 0, 0, 0, 0, 1, 6, 9, 9, 8, 4, 8, 9, 8, 6, 2, 0, 0, 0, 0, 0, 0)


@dataclass
class Tale:
    """An account's calls with their truth."""

    seed: int
    rng: Random
    records: list[dict[str, Any]] = field(default_factory=list)
    actors: dict[str, str] = field(default_factory=dict)
    known_good: dict[str, Any] = field(default_factory=dict)

    def call(self, time: datetime, actor: str, address: str, agent: str, name: str, bucket: str | None = None,
             key: str | None = None, *, service: str = "s3", region: str = "us-east-1", error: str | None = None,
             size: int = 0) -> None:  # fmt: skip
        data = name in DATA
        number = len(self.records)
        event = f"{self.seed:08x}-0000-4000-8000-{number:012x}"
        parameters: dict[str, Any] = {"bucketName": bucket} if bucket else {}
        if key is not None:
            parameters["prefix" if name == "ListObjects" else "key"] = key
        record = {
            "eventVersion": "1.10", "userIdentity": USER, "eventTime": f"{time:%Y-%m-%dT%H:%M:%SZ}",
            "eventSource": f"{service}.amazonaws.com", "eventName": name, "awsRegion": region,
            "sourceIPAddress": address, "userAgent": f"[{agent}]" if data else agent,
            "requestParameters": parameters or None, "responseElements": None, "requestID": f"R{number:015X}",
            "eventID": event, "readOnly": name in READS or not data, "eventType": "AwsApiCall",
            "managementEvent": not data, "recipientAccountId": ACCOUNT,
            "eventCategory": "Data" if data else "Management",
            "tlsDetails": {"tlsVersion": "TLSv1.3" if len(agent) % 2 else "TLSv1.2", "cipherSuite": CIPHERS[len(agent) % 2]},
        }  # fmt: skip
        if data:
            record["additionalEventData"] = {"bytesTransferredOut": float(size), "SignatureVersion": "SigV4"}
        if error:
            record |= {"errorCode": error, "errorMessage": "refused"}
        self.records.append(record)
        self.actors[event] = actor

    def write(self, runs: Path, baseline: bool = True) -> None:
        """The incident and its evidence; without a baseline none of it is held either."""
        folder = runs / "story"
        (folder / "evidence" / "cloudtrail").mkdir(parents=True)
        begin = f"{BEGIN:%Y-%m-%dT%H:%M:%SZ}"
        kept = [one for one in self.records if baseline or one["eventTime"] >= begin]
        (folder / "evidence" / "cloudtrail" / "all.json").write_text(json.dumps({"Records": kept}))
        fields: dict[str, Any] = {
            "incident": "story", "access_keys": [KEY],
            "window": {"start": BEGIN.isoformat(), "end": END.isoformat()},
            "sources": {"cloudtrail": ["evidence/cloudtrail"]},
        }  # fmt: skip
        if baseline:
            fields["baseline"] = {"start": START.isoformat(), "end": BEGIN.isoformat()}
        if self.known_good:
            fields["known_good"] = self.known_good
        (folder / "incident.yaml").write_text(yaml.safe_dump(fields))


@dataclass
class Work:
    """What a client does day by day: calls in a mixture, on prefixes of buckets, by hours of the day."""

    mix: Mix
    places: Sequence[str]  # "bucket/prefix/"
    per_day: float
    hours: Sequence[int] = BUSY
    weekend: float = 0.5
    dated: bool = False


def address(rng: Random, *, block: str | None = None) -> str:
    if block:
        return f"{block.rpartition('.')[0]}.{rng.randrange(2, 250)}"
    first = rng.choice((18, 34, 45, 51, 62, 77, 84, 91, 104, 138, 146, 159, 185, 193, 203, 212))
    return f"{first}.{rng.randrange(1, 250)}.{rng.randrange(1, 250)}.{rng.randrange(2, 250)}"


def server_agent(rng: Random) -> str:
    kernel = rng.choice(("5.10.184-175.731.amzn2.x86_64", "6.1.61-85.141.amzn2023.x86_64", "5.15.0-1031-aws"))
    choice = rng.randrange(4)
    if choice == 0:
        return f"aws-sdk-java/1.12.{rng.randrange(200, 600)} Linux/{kernel} OpenJDK_64-Bit_Server_VM/11.0.{rng.randrange(11, 22)} java/11.0.19"
    if choice == 1:
        minor = rng.randrange(20, 36)
        return f"Boto3/1.{minor}.{rng.randrange(1, 160)} Python/3.{rng.randrange(8, 12)}.6 Linux/{kernel} Botocore/1.{minor + 3}.{rng.randrange(1, 160)}"
    if choice == 2:
        return f"Boto3/1.{rng.randrange(28, 35)}.{rng.randrange(99)} md/Botocore#1.34.51 ua/2.0 os/linux#{kernel} md/arch#x86_64 lang/python#3.11.8"
    return (
        f"aws-sdk-go-v2/1.{rng.randrange(17, 26)}.{rng.randrange(9)} os/linux lang/go#1.{rng.randrange(19, 23)}.0 "
        f"md/GOOS#linux md/GOARCH#amd64 api/s3#1.{rng.randrange(30, 52)}.1"
    )


def laptop_agent(rng: Random) -> str:
    return f"aws-cli/2.{rng.randrange(9, 16)}.{rng.randrange(20)} Python/3.11.{rng.randrange(9)} Darwin/23.{rng.randrange(6)}.0 exe/x86_64 prompt/off command/"


def thief_agent(rng: Random) -> str:
    choice = rng.randrange(5)
    if choice == 0:
        return f"aws-cli/2.{rng.randrange(9, 16)}.{rng.randrange(20)} Python/3.11.4 Linux/6.3.0-kali1-amd64 exe/x86_64.kali.2023 prompt/off command/"
    if choice == 1:
        return f"rclone/v1.{rng.randrange(60, 67)}.{rng.randrange(4)}"
    if choice == 2:
        return (
            f"Boto3/1.{rng.randrange(20, 36)}.{rng.randrange(99)} md/Botocore#1.34.2 ua/2.0 "
            f"os/linux#6.5.0-{rng.randrange(9, 40)}-generic md/arch#x86_64 lang/python#3.12.3"
        )
    if choice == 3:
        return f"S3 Browser/11.{rng.randrange(2, 9)}.6 (https://s3browser.com)"
    return f"aws-sdk-go-v2/1.{rng.randrange(17, 26)}.{rng.randrange(9)} os/windows lang/go#1.22.0 md/GOOS#windows md/GOARCH#amd64 api/s3#1.51.1"


def newer(rng: Random, agent: str) -> str:
    """The same client, some versions later, on a system that was patched."""
    tool, _, rest = agent.partition("/")
    version, blank, more = rest.partition(" ")
    parts = version.split(".")
    parts[-1], parts[-2] = str(rng.randrange(1, 99)), str(int(parts[-2]) + rng.randrange(1, 4))
    more = more.replace("175.731", "198.801").replace("85.141", "102.177").replace("1031-aws", "1051-aws")
    return f"{tool}/{'.'.join(parts)}{blank}{more}"


def do(tale: Tale, actor: str, where: str, agent: str, work: Work, start: datetime, end: datetime,
       rng: Random | None = None) -> None:  # fmt: skip
    """Work as usual between two times."""
    rng = rng or tale.rng
    total = sum(work.hours)
    names, weights = list(work.mix), list(work.mix.values())
    hour = start.replace(minute=0, second=0)
    while hour < end:
        usual = work.per_day * work.hours[hour.hour] / total * (work.weekend if hour.weekday() > 4 else 1.0)
        for second in sorted(rng.randrange(3600) for _ in range(int(usual + rng.random()))):
            time = hour + timedelta(seconds=second)
            if start <= time < end:
                one_call(
                    tale, actor, where, agent, rng.choices(names, weights)[0], rng.choice(work.places), time, rng, work
                )
        hour += timedelta(hours=1)


def one_call(tale: Tale, actor: str, where: str, agent: str, name: str, place: str, time: datetime, rng: Random,
             work: Work | None = None) -> None:  # fmt: skip
    client = agent + ("s3." + name.lower() if agent.endswith("command/") else "")
    service, _, plain = name.rpartition(".")
    if plain not in DATA:
        bucket = place.partition("/")[0] if plain.startswith(("GetBucket", "PutBucket")) else None
        tale.call(time, actor, where, client, plain, bucket, service=service or "s3")
        return
    bucket, _, prefix = place.partition("/")
    if work and work.dated:
        prefix = f"{time:%Y-%m-%d}/"
    key = prefix if plain == "ListObjects" else f"{prefix}{rng.randrange(4000):05d}.json"
    missing = plain == "GetObject" and rng.random() < 0.01
    size = 0 if plain not in ("GetObject", "ListObjects") or missing else rng.randrange(500, 90_000)
    tale.call(time, actor, where, client, plain, bucket, key, size=size, error="NoSuchKey" if missing else None)


WEB = {
    "GetObject": 72,
    "HeadObject": 12,
    "PutObject": 9,
    "ListObjects": 4,
    "DeleteObject": 2,
    "sts.GetCallerIdentity": 1,
}
ETL = {"GetObject": 50, "PutObject": 38, "ListObjects": 8, "DeleteObject": 4}
READER = {"GetObject": 97, "sts.GetCallerIdentity": 3}
DEVELOPER = {"ListObjects": 30, "GetObject": 40, "ListBuckets": 10, "PutObject": 10, "sts.GetCallerIdentity": 10}


@dataclass
class Owner:
    """The owner's installation: where each part of it works, with what, on what."""

    web: tuple[str, str, Work]
    etl: tuple[str, str, Work] | None
    others: list[str]  # buckets that nobody uses through this key


def owner(tale: Tale, *, end: datetime = END, etl: bool | None = None, web_end: datetime | None = None) -> Owner:
    """A web service round the clock, and for most seeds a batch service beside it."""
    rng = tale.rng
    buckets = [f"{word}-{rng.randrange(100, 999)}" for word in ("records", "exports", "ledgers", "archive", "media")]
    prefixes = [
        f"{buckets[0]}/{name}/" for name in rng.sample(("customers", "scans", "orders", "tmp", "shared", "img"), 3)
    ]
    mix = rng.choice((WEB, WEB, READER))
    hours = rng.choice((BUSY, FLAT, BUSY))
    web = (
        address(rng),
        server_agent(rng),
        Work(mix, prefixes, rng.randrange(70, 160), hours, rng.choice((0.4, 0.8, 1.0))),
    )
    do(tale, "owner", *web, START, web_end or end)
    batch = None
    if etl if etl is not None else rng.random() < 0.7:
        where = address(rng, block=web[0]) if rng.random() < 0.6 else address(rng)
        batch = (
            where,
            server_agent(rng),
            Work(ETL, [f"{buckets[1]}/"], rng.randrange(20, 60), FLAT, 1.0, rng.random() < 0.5),
        )
        do(tale, "owner", *batch, START, end)
    return Owner(web, batch, buckets[2:])


def arrival(tale: Tale) -> datetime:
    return BEGIN + timedelta(hours=tale.rng.uniform(14, 90))


def look_round(tale: Tale, where: str, agent: str, time: datetime, buckets: Sequence[str]) -> datetime:
    """Who am I, what is there, what may I do?"""
    rng = tale.rng
    names = ["sts.GetCallerIdentity", "ListBuckets", *rng.sample(
        ["iam.ListUsers", "iam.ListRoles", "iam.GetUser", "iam.ListAttachedUserPolicies", "ec2.DescribeInstances"], 3)]  # fmt: skip
    for name in names:
        time += timedelta(seconds=rng.randrange(2, 40))
        service, _, plain = name.rpartition(".")
        client = agent + (f"{service or 's3api'}.{plain.lower()}" if agent.endswith("command/") else "")
        refused = service in ("iam", "ec2") and rng.random() < 0.8
        tale.call(
            time, "intruder", where, client, plain, service=service or "s3", error="AccessDenied" if refused else None
        )
    for bucket in buckets:
        time += timedelta(seconds=rng.randrange(2, 20))
        one_call(tale, "intruder", where, agent, "ListObjects", f"{bucket}/", time, rng)
    return time


def take(tale: Tale, where: str, agent: str, time: datetime, place: str, count: int, step: float) -> datetime:
    """Read one object after the other."""
    for _ in range(count):
        time += timedelta(seconds=max(1, round(tale.rng.expovariate(1 / step))))
        if time >= END:
            break
        one_call(tale, "intruder", where, agent, "GetObject", place, time, tale.rng)
    return time


def steal(tale: Tale, made: Owner, where: str, agent: str, *, own: float = 0.5, quiet: bool = False) -> None:
    """One to three visits: looking round, and reading in bulk, of the owner's buckets or of others."""
    rng = tale.rng
    time = arrival(tale)
    for visit in range(rng.randrange(1, 4)):
        place = rng.choice(made.web[2].places) if rng.random() < own else f"{rng.choice(made.others)}/"
        if not quiet and (visit == 0 or rng.random() < 0.3):
            time = look_round(tale, where, agent, time, [place.partition("/")[0]])
        time = take(tale, where, agent, time, place, rng.randrange(60, 400), rng.choice((1, 3, 9)))
        time += timedelta(hours=rng.uniform(5, 30))
        if time > END - timedelta(hours=3):
            break
