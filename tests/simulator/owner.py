"""The owner of the incident key: a legacy application with a strong rhythm, two addresses and two agents."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from simulator.account import ANALYTICS, ARCHIVE, EXPORTS, RECORDS, Cast
from simulator.issuing import assume_role
from simulator.requests import DeletedKey
from simulator.world import World

JAVA = (
    "aws-sdk-java/1.12.488 Linux/5.10.184-175.731.amzn2.x86_64 OpenJDK_64-Bit_Server_VM/11.0.19+7-LTS java/11.0.19 "
    "vendor/Amazon.com_Inc. cfg/retry-mode/legacy"
)
PYTHON = "Boto3/1.26.165 Python/3.10.6 Linux/5.10.184-175.731.amzn2.x86_64 Botocore/1.29.165"
WEB, BATCH = "203.0.113.10", "203.0.113.11"
HOURS = (1, 1, 1, 1, 2, 4, 6, 7, 9, 10, 10, 9, 8, 10, 10, 9, 8, 6, 4, 3, 2, 2, 1, 1)
DAY = timedelta(days=1)


def times(
    rng: Random, start: datetime, end: datetime, per_day: float, hours: tuple[int, ...] = HOURS, weekend: float = 0.3
) -> Iterator[datetime]:
    """Times with a daily and weekly rhythm, in order, whole seconds."""
    total = sum(hours)
    hour = start
    while hour < end:
        expected = per_day * hours[hour.hour] / total * (weekend if hour.weekday() >= 5 else 1.28)
        count = int(expected + rng.random())
        for second in sorted(rng.randrange(3600) for _ in range(count)):
            time = hour + timedelta(seconds=second)
            if time < end:
                yield time
        hour += timedelta(hours=1)


def owner_rhythm(world: World, cast: Cast, scale: float) -> None:
    """Everything that legacy-app's owner does over baseline and window."""
    end = world.end - timedelta(minutes=3)  # shortly before the key is made inactive
    _web(world, cast, world.baseline_start, end, 730 * scale)
    _batch(world, cast, world.baseline_start, end, 725 * scale)
    _unlogged(world, cast, world.baseline_start, end, 60 * scale)
    _nightly(world, cast, scale)


def _web(world: World, cast: Cast, start: datetime, end: datetime, per_day: float) -> None:
    """The web front end reads and writes customer records."""
    rng = world.stream("owner:web")
    objects = world.buckets[RECORDS].objects
    keys = [key for key in objects if key.startswith("customers/")]
    scans = [key for key in objects if not key.startswith(("customers/", "shared/"))]
    for time in times(rng, start, end, per_day):
        chance = rng.random()
        key = rng.choice(keys) if chance < 0.97 else rng.choice(scans)
        size = objects[key]
        known: dict[str, Any] = {"address": WEB, "agent": JAVA, "actor": "owner", "duration_ms": rng.randrange(8, 90)}
        if rng.random() < 0.1:
            known |= {"address": BATCH, "agent": PYTHON}
        choice = rng.random()
        if choice < 0.72:
            if rng.random() < 0.01:
                known["uri_tail"] = f'x-trace="req-{rng.randrange(10**6)}"'  # a raw quote in the URI
            known |= {"bytes_sent": size, "object_size": size, "referer": _referer(rng)}
            world.s3(time, cast.owner, "GetObject", RECORDS, key, **known)
        elif choice < 0.84:
            world.s3(time, cast.owner, "HeadObject", RECORDS, key, object_size=size, **known)
        elif choice < 0.93:
            known |= {"bytes_received": size, "object_size": size}
            world.s3(time, cast.owner, "PutObject", RECORDS, key, **known)
        elif choice < 0.97:
            prefix = key.rpartition("/")[0] + "/"
            sent = rng.randrange(900, 60_000)
            world.s3(time, cast.owner, "ListObjects", RECORDS, prefix=prefix, bytes_sent=sent, **known)
        elif choice < 0.99:
            missing = f"customers/2026/{rng.randrange(90_000, 99_999)}.json"
            world.s3(time, cast.owner, "GetObject", RECORDS, missing, error_code="NoSuchKey", **known)
        elif choice < 0.995:
            known |= {"byte_range": (0, size // 2), "bytes_sent": size // 2 + 1, "object_size": size}
            world.s3(time, cast.owner, "GetObject", RECORDS, key, **known)
        else:
            world.s3(time, cast.owner, "DeleteObject", RECORDS, f"tmp/session-{rng.randrange(10**6)}.json", **known)


def _referer(rng: Random) -> str:
    return f"https://crm.example.com/customer?page={rng.randrange(40)}" if rng.random() < 0.2 else "-"


def _batch(world: World, cast: Cast, start: datetime, end: datetime, per_day: float) -> None:
    """The batch job writes, reads and tidies exports: seen in access logs only."""
    rng = world.stream("owner:batch")
    objects = world.buckets[EXPORTS].objects
    keys = [key for key in objects if key.startswith("exports/")]
    for time in times(rng, start, end, per_day):
        key = rng.choice(keys)
        size = objects[key]
        known: dict[str, Any] = {
            "address": BATCH, "agent": PYTHON, "actor": "owner", "duration_ms": rng.randrange(10, 200)
        }  # fmt: skip
        choice = rng.random()
        if choice < 0.5:
            known |= {"bytes_sent": size, "object_size": size}
            world.s3(time, cast.owner, "GetObject", EXPORTS, key, **known)
        elif choice < 0.85:
            known |= {"bytes_received": size, "object_size": size}
            name = key if rng.random() < 0.6 else f"tmp/part {rng.randrange(10**6)}+a.csv"
            world.s3(time, cast.owner, "PutObject", EXPORTS, name, **known)
        elif choice < 0.93:
            known["bytes_sent"] = rng.randrange(900, 50_000)
            world.s3(time, cast.owner, "ListObjects", EXPORTS, prefix="exports/", **known)
        elif choice < 0.97:
            world.s3(time, cast.owner, "HeadObject", EXPORTS, key, object_size=size, **known)
        elif choice < 0.98:
            known |= {"copy_source": (EXPORTS, key), "object_size": size, "bytes_sent": 234}
            world.s3(time, cast.owner, "CopyObject", EXPORTS, f"exports/latest/{key.rpartition('/')[2]}", **known)
        elif choice < 0.985:
            gone = [DeletedKey(f"tmp/batch {rng.randrange(10**5)}-{n}.csv", size=900 + n) for n in range(4)]
            world.s3(time, cast.owner, "DeleteObjects", EXPORTS, deleted=gone, bytes_sent=480, **known)
        else:
            world.s3(time, cast.owner, "GetObject", EXPORTS, f"exports/none/{rng.randrange(10**5)}.csv",
                     error_code="NoSuchKey", **known)  # fmt: skip


def _unlogged(world: World, cast: Cast, start: datetime, end: datetime, per_day: float) -> None:
    """Use of the buckets whose data events and access logs are off."""
    rng = world.stream("owner:unlogged")
    for time in times(rng, start, end, per_day):
        name = ARCHIVE if rng.random() < 0.4 else ANALYTICS
        objects = world.buckets[name].objects
        key = rng.choice(list(objects))
        size = objects[key]
        world.s3(
            time, cast.owner, "GetObject", name, key, address=BATCH, agent=PYTHON, actor="owner", bytes_sent=size,
            object_size=size, duration_ms=rng.randrange(10, 4000),
        )  # fmt: skip


def _nightly(world: World, cast: Cast, scale: float) -> None:
    """Every morning: who am I, which buckets are there, and a role session that writes a report."""
    rng = world.stream("owner:nightly")
    day = world.baseline_start
    known: dict[str, Any] = {"address": BATCH, "agent": PYTHON, "actor": "owner"}
    while day < world.end:
        time = day + timedelta(hours=6, seconds=rng.randrange(120))
        world.call(time, cast.owner, "sts", "GetCallerIdentity", **known)
        world.s3(time + timedelta(seconds=1), cast.owner, "ListBuckets", None, bytes_sent=1100, **known)
        time += timedelta(seconds=3)
        child = assume_role(world, time, cast.owner, "report-writer", "legacy-nightly", **known)
        for number in range(max(3, round(6 * scale))):
            time += timedelta(seconds=rng.randrange(1, 20))
            size = rng.randrange(10_000, 90_000)
            world.s3(
                time, child, "PutObject", EXPORTS, f"reports/{day:%Y-%m-%d}-{number}.html", bytes_received=size,
                object_size=size, **known,
            )  # fmt: skip
        time += timedelta(seconds=5)
        key = f"customers/2025/{2 + 3 * rng.randrange(700):05d}.json"
        size = world.buckets[RECORDS].objects.get(key, 5000)
        world.s3(time, child, "GetObject", RECORDS, key, bytes_sent=size, object_size=size, **known)
        day += DAY
