"""The intruder's script, second half: logging stopped, other identities, destruction, pre-signed links."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from simulator.account import ANALYTICS, ARCHIVE, EXPORTS, HOLE, NOTE_KEY, RECORDS, STOPPED, Cast, stranger_policy
from simulator.ids import version_id
from simulator.intruder import (
    BROWSER,
    CLI,
    FIRST,
    GO,
    SECOND,
    SIXTH,
    THIRD,
    Intruder,
    get_a_foothold,
    look_around,
    take,
    world_json,
)  # fmt: skip
from simulator.issuing import assume_role, console_login, get_federation_token, get_session_token
from simulator.owner import PYTHON
from simulator.principals import Credential
from simulator.requests import DeletedKey
from simulator.world import World, at

WINDOWS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36"
)


def intruder_script(world: World, cast: Cast) -> None:
    """Everything that the intruder does, from the second of March on."""
    play = Intruder(world, cast)
    look_around(play)
    take(play)
    gained = get_a_foothold(play, at("2026-03-03T23:10:05Z"))
    while_logging_is_stopped(play, gained["ops"])
    through_the_console(play, gained["ops"])
    with_the_spare_key(play, gained["spare"])
    in_the_hole_and_after(play)
    destroy(play)
    hand_out_links(play)
    last_visits(play)


def while_logging_is_stopped(play: Intruder, ops: Credential) -> None:
    """Three hours without a trail; a role session is issued inside them, and used after them."""
    world, restarted = play.world, STOPPED + timedelta(hours=3)
    play.call(STOPPED - timedelta(minutes=4), ops, "cloudtrail", "DescribeTrails")
    play.call(STOPPED - timedelta(minutes=3), ops, "cloudtrail", "GetTrailStatus")
    for time, event in ((STOPPED, "StopLogging"), (restarted, "StartLogging")):
        for trail in reversed(world.trails):
            arn = trail.arn(world.account)
            play.call(time, ops, "cloudtrail", event, parameters={"name": arn}, target=trail.name, duration_ms=0)
    ghost = assume_role(
        world, STOPPED + timedelta(minutes=20, seconds=14), play.key, "data-pipeline", "pipeline-7f3",
        seconds=28800, **play.known("sts.assume-role"),
    )  # fmt: skip
    sync: dict[str, Any] = {"address": FIRST, "agent": CLI.format("s3.sync")}
    start = STOPPED + timedelta(minutes=25)
    keys = play.pick(RECORDS, 400, "customers/")
    play.read(start, start + timedelta(hours=2), ghost, RECORDS, keys, **sync)
    play.read(start, start + timedelta(hours=1), ghost, EXPORTS, play.pick(EXPORTS, 150), **sync)
    play.read(start, start + timedelta(minutes=50), play.key, RECORDS, play.pick(RECORDS, 80), **sync)
    play.call(start + timedelta(minutes=5), ops, "iam", "ListAccessKeys")
    time = restarted + timedelta(minutes=10)
    play.call(time, ghost, "sts", "GetCallerIdentity")
    play.s3(time + timedelta(seconds=7), ghost, "ListBuckets", None, bytes_sent=1100)
    play.read(time + timedelta(minutes=1), time + timedelta(minutes=15), ghost, RECORDS,
              play.pick(RECORDS, 50, "customers/"), **sync)  # fmt: skip


def through_the_console(play: Intruder, ops: Credential) -> None:
    """A password was set for an existing user; somebody signs in with it."""
    time = at("2026-03-04T20:02:37Z")
    known: dict[str, Any] = {"address": SECOND, "agent": WINDOWS, "actor": "intruder"}
    first, second = console_login(play.world, time, "reporting", parent=ops, **known)
    browse: dict[str, Any] = {"address": SECOND, "agent": WINDOWS}
    play.s3(time + timedelta(seconds=20), first, "ListBuckets", None, bytes_sent=1100, **browse)
    for number, name in enumerate(play.world.buckets):
        play.s3(time + timedelta(seconds=30 + number), first, "GetBucketLocation", name, **browse)
    play.world.call(time + timedelta(seconds=60), second, "iam", "ListUsers", **known)
    play.s3(time + timedelta(seconds=95), second, "ListObjects", RECORDS, bytes_sent=140_000, **browse)
    keys = play.pick(RECORDS, 25, "scans/")
    play.read(time + timedelta(minutes=3), time + timedelta(minutes=24), second, RECORDS, keys, **browse)


def with_the_spare_key(play: Intruder, spare: Credential) -> None:
    """The new user's key reads results, before and after their data events are switched on."""
    time = at("2026-03-05T09:01:44Z")
    play.call(time, spare, "sts", "GetCallerIdentity", address=SIXTH, agent=GO)
    browse: dict[str, Any] = {"address": SIXTH, "agent": BROWSER}
    play.s3(time + timedelta(seconds=40), spare, "ListObjects", ANALYTICS, bytes_sent=170_000, **browse)
    keys = play.pick(ANALYTICS, 300)
    play.read(time + timedelta(minutes=2), time + timedelta(hours=3), spare, ANALYTICS, keys, **browse)
    time = at("2026-03-05T22:40:00Z")
    guest = get_federation_token(
        play.world, time, spare, "guest", address=SIXTH, agent=CLI.format("sts.get-federation-token"),
        actor="intruder",
    )  # fmt: skip
    keys = play.pick(RECORDS, 30, "customers/")
    time += timedelta(minutes=4)
    play.read(time, time + timedelta(minutes=20), guest, RECORDS, keys, address=SIXTH, agent=GO)


def in_the_hole_and_after(play: Intruder) -> None:
    """Reads while the access log of the records was not delivered, and with a session token."""
    keys = play.pick(RECORDS, 80, "customers/")
    play.read(HOLE[0] + timedelta(hours=1), HOLE[0] + timedelta(hours=3), play.key, RECORDS, keys, address=SECOND,
              agent="rclone/v1.64.2")  # fmt: skip
    time = at("2026-03-05T22:05:00Z")
    token = get_session_token(play.world, time, play.key, **play.known("sts.get-session-token"))
    keys = play.pick(EXPORTS, 60, "exports/")
    time += timedelta(minutes=2)
    play.read(time, time + timedelta(minutes=30), token, EXPORTS, keys, address=FIRST, agent=CLI.format("s3.cp"))
    keys = play.pick(RECORDS, 30, "customers/")
    play.read(time, time + timedelta(minutes=30), token, RECORDS, keys, address=FIRST, agent=CLI.format("s3.cp"))


def destroy(play: Intruder) -> None:
    """Overwrites, deletions with and without versions, a batch, encryption with a key of their own, a copy out."""
    rng, objects = play.rng, play.world.buckets[RECORDS].objects
    time = at("2026-03-06T03:00:30Z")
    keys = play.pick(RECORDS, 90, "customers/")
    known: dict[str, Any] = {"address": SECOND, "agent": GO}
    for key in keys[:12]:
        time += timedelta(seconds=4)
        play.s3(time, play.key, "PutObject", RECORDS, key, bytes_received=64, object_size=64, **known)
    for key in keys[12:27]:
        time += timedelta(seconds=2)
        play.s3(time, play.key, "DeleteObject", RECORDS, key, version_id=version_id(rng), **known)
    for key in keys[27:32]:
        time += timedelta(seconds=2)
        play.s3(time, play.key, "DeleteObject", RECORDS, key, **known)
    batch = [
        DeletedKey(key, None if n % 3 else version_id(rng), "AccessDenied" if n in (7, 21) else None, objects[key])
        for n, key in enumerate([*keys[32:72], next(k for k in objects if k.startswith("inbox/quo"))])
    ]
    time += timedelta(seconds=30)
    play.s3(time, play.key, "DeleteObjects", RECORDS, deleted=batch, bytes_sent=4100, bytes_received=5300, **known)
    for key in keys[72:77]:
        time += timedelta(seconds=5)
        play.s3(time, play.key, "CopyObject", RECORDS, key, copy_source=(RECORDS, key), customer_key=True,
                bytes_sent=270, object_size=objects[key], **known)  # fmt: skip
    for key in keys[77:87]:  # the destination is nobody's here: only the source's access log shows it
        time += timedelta(seconds=3)
        play.s3(time, play.key, "CopyObject", "exfil-drop-7731", key, copy_source=(RECORDS, key), bytes_sent=270,
                object_size=objects[key], **known)  # fmt: skip
    time += timedelta(seconds=20)
    play.s3(time, play.key, "PutObject", RECORDS, NOTE_KEY, bytes_received=812, object_size=812, **known)
    exports = play.pick(EXPORTS, 8, "exports/")
    for key in exports:
        time += timedelta(seconds=3)
        play.s3(time, play.key, "DeleteObject", EXPORTS, key, **known)


def hand_out_links(play: Intruder) -> None:
    """Pre-signed links, used from elsewhere; the key stands in the access log's URI."""
    time = at("2026-03-06T04:10:00Z")
    link: dict[str, Any] = {"address": THIRD, "agent": "curl/8.5.0"}
    for bucket, count in ((RECORDS, 20), (EXPORTS, 15)):
        keys = play.pick(bucket, count, "customers/" if bucket == RECORDS else "exports/")
        play.read(time, time + timedelta(minutes=25), play.key, bucket, keys, presigned_seconds=86400, **link)
    token = get_session_token(
        play.world, time + timedelta(minutes=40), play.key, **play.known("sts.get-session-token")
    )  # fmt: skip
    keys = play.pick(EXPORTS, 12, "exports/")
    start = time + timedelta(hours=1)
    play.read(start, start + timedelta(minutes=5), token, EXPORTS, keys, presigned_seconds=3600, **link)


def last_visits(play: Intruder) -> None:
    """Short visits in the owner's manner, and a policy that opens the archive."""
    time = at("2026-03-07T02:20:00Z")
    keys = play.pick(RECORDS, 20, "customers/")
    play.read(time, time + timedelta(minutes=12), play.key, RECORDS, keys, address=SECOND, agent=PYTHON)
    archive = play.world.buckets[ARCHIVE]
    policy = stranger_policy(archive)
    time += timedelta(minutes=20)
    block = {"error_code": "AccessDenied"}
    play.s3(time, play.key, "PutBucketAcl", RECORDS, **block)
    play.s3(time + timedelta(seconds=30), play.key, "PutBucketPolicy", ARCHIVE, parameters={"bucketPolicy": policy})
    archive.settings["GetBucketPolicy"] = {"Policy": world_json(policy)}
    archive.settings["GetBucketPolicyStatus"] = {"PolicyStatus": {"IsPublic": False}}
    play.s3(time + timedelta(seconds=60), play.key, "GetBucketPolicy", ARCHIVE, bytes_sent=410)
