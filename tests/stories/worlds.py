"""Stories of object access, each a world in which the truth is known: what an easy reading would get wrong stands in
its docstring.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from simulator.ids import access_key_id
from simulator.principals import Credential
from simulator.world import World, at

APP, BATCH, NAT, AWAY = "203.0.113.10", "203.0.113.11", "203.0.113.99", "192.0.2.146"
JAVA, PYTHON = "aws-sdk-java/1.12.488 Linux/5.10 java/11", "Boto3/1.26.165 Python/3.10.6 Botocore/1.29.165"
RCLONE = "rclone/v1.64.2"
CREATED = datetime.fromisoformat("2024-05-01T00:00:00+00:00")
DAYS = 35


def _world(seed: int) -> World:
    """`papers` with both logs on, `exports` with the access log alone."""
    world = World(seed)
    world.loss_rate, world.duplicate_rate = 0.004, 0.002
    world.trail("trail")
    for name, data_events in (("papers", True), ("exports", False)):
        bucket = world.bucket(name, access_log=True, data_events=data_events)
        bucket.objects = {f"{name}/{number:04d}.csv": 1_000 + 7 * number for number in range(600)}
    return world


def _use(
    world: World,
    credential: Credential,
    bucket: str,
    start: datetime,
    count: int,
    step: timedelta,
    actor: str,
    first: int = 0,
    **known: Any,
) -> None:
    """Read objects one after the other."""
    keys = list(world.buckets[bucket].objects)
    for number in range(count):
        key = keys[(first + number * 13) % len(keys)]
        size = world.buckets[bucket].objects[key]
        world.s3(
            start + number * step,
            credential,
            "GetObject",
            bucket,
            key,
            bytes_sent=size,
            object_size=size,
            actor=actor,
            **known,
        )


def _owner(
    world: World, credential: Credential, address: str, agent: str, buckets: tuple[str, ...] = ("papers", "exports")
) -> None:
    """A rhythm over baseline and window: every forty minutes an object of each bucket."""
    for number in range(DAYS * 36):
        time = world.baseline_start + timedelta(minutes=40 * number, seconds=number % 50)
        for shift, bucket in enumerate(buckets):
            keys = list(world.buckets[bucket].objects)
            key = keys[(number * 7 + shift) % len(keys)]
            size = world.buckets[bucket].objects[key]
            world.s3(
                time,
                credential,
                "GetObject",
                bucket,
                key,
                address=address,
                agent=agent,
                bytes_sent=size,
                object_size=size,
                actor="owner",
            )
    for day in range(DAYS):
        time = world.baseline_start + timedelta(days=day, hours=5)
        world.call(time, credential, "sts", "GetCallerIdentity", address=address, agent=agent, actor="owner")


def two_active_keys(seed: int) -> World:
    """One user, two active keys, one leaked. Both applications come through one address with one agent: their lines
    cannot be told apart.

    The intruder's own address and agent were seen with the leaked key alone where data events were on, so that the
    access log's lines of the other bucket follow (C). What the intruder reads through the shared address with the
    shared agent follows nobody (D).
    """
    world = _world(seed)
    leaked = world.user("app", created=CREATED)
    rng = world.stream("second key")
    second = world.long_term_key(world.users["app"], rng, CREATED)
    second.access_key_id = second.access_key_id or access_key_id(rng, "AKIA", world.account)
    world.incident_keys = [leaked]
    _owner(world, leaked, APP, JAVA)
    _owner(world, second, APP, JAVA)
    start = at("2026-03-03T01:00:00Z")
    away: dict[str, Any] = {"address": AWAY, "agent": RCLONE, "step": timedelta(seconds=9), "actor": "intruder"}
    _use(world, leaked, "papers", start, 150, **away)
    _use(world, leaked, "exports", start + timedelta(minutes=3), 120, **away)
    inside: dict[str, Any] = {"address": NAT, "agent": JAVA, "step": timedelta(seconds=5), "actor": "intruder"}
    _use(world, leaked, "exports", start + timedelta(days=1), 80, first=3, **inside)
    return world


def burst_through_the_nat(seed: int) -> World:
    """The intruder sits behind the owner's own NAT address and uses another client, in the night, on buckets the owner
    never touched.
    """
    world = _world(seed)
    quiet = world.bucket("ledgers", access_log=True, data_events=True)
    quiet.objects = {f"ledgers/{number:04d}.csv": 40_000 + number for number in range(500)}
    leaked = world.user("app", created=CREATED)
    world.incident_keys = [leaked]
    _owner(world, leaked, NAT, JAVA)
    start = at("2026-03-04T02:00:00Z")
    known: dict[str, Any] = {"address": NAT, "agent": RCLONE, "step": timedelta(seconds=4), "actor": "intruder"}
    _use(world, leaked, "ledgers", start, 300, **known)
    _use(world, leaked, "exports", start + timedelta(hours=3), 60, **known)
    return world


def quiet(seed: int) -> World:
    """A key was reported and nothing came of it: the owner's rhythm, a nightly deletion of what it made, and strangers
    who were refused.
    """
    world = _world(seed)
    leaked = world.user("app", created=CREATED)
    other = world.user("other", created=CREATED)
    world.incident_keys = [leaked]
    _owner(world, leaked, APP, JAVA)
    _owner(world, other, BATCH, PYTHON, ("papers",))
    for day in range(DAYS):
        time = world.baseline_start + timedelta(days=day, hours=4)
        known: dict[str, Any] = {"address": APP, "agent": JAVA, "actor": "owner"}
        world.s3(time, leaked, "PutObject", "exports", f"tmp/{day}.csv", bytes_received=10, object_size=10, **known)
        world.s3(time + timedelta(minutes=5), leaked, "DeleteObject", "exports", f"tmp/{day}.csv", **known)
        world.s3(
            time + timedelta(hours=1),
            world.anonymous(),
            "GetObject",
            "papers",
            "papers/0001.csv",
            address=AWAY,
            agent=RCLONE,
            error_code="AccessDenied",
        )
    return world


STORIES = {"two_active_keys": two_active_keys, "burst_through_the_nat": burst_through_the_nat, "quiet": quiet}
