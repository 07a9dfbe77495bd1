"""Small accounts, each with evidence in a shape of its own, whose answers are kept in ``golden/``.

A world writes its evidence below a folder and says what the incident file holds; those that are simulated know their
truth. The more involved ones are the stories' own.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from stories import exposure_world, tampering_world
from stories import worlds as stories

from simulator import SampleTruth, World, at, incident_fields, make_sample, read_truth, render
from simulator.account import HOSTILE_KEYS
from simulator.ids import access_key_id, iso, version_id
from simulator.issuing import (
    assume_role,
    console_login,
    create_access_key,
    create_login_profile,
    create_user,
    get_federation_token,
    get_session_token,
)
from simulator.principals import Credential
from simulator.requests import DeletedKey
from simulator.shipped import SCALE

SHARED_DATA = Path(__file__).parents[3] / "shared" / "data"
APP, OFFICE, NAT, AWAY, THIRD = "203.0.113.10", "203.0.113.50", "203.0.113.99", "192.0.2.146", "198.51.100.7"
JAVA, RCLONE = "aws-sdk-java/1.12.488 Linux/5.10 java/11", "rclone/v1.64.2"
CLI, CURL = "aws-cli/2.15.30 Python/3.11.8 Linux/6.1", "curl/8.5.0"
OWNERS: dict[str, Any] = {"address": APP, "agent": JAVA, "actor": "owner"}
INTRUDERS: dict[str, Any] = {"address": AWAY, "agent": CLI, "actor": "intruder"}
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FOREIGN = "999988887777"


@dataclass
class Made:
    """A world whose evidence lies in a folder: the incident file's fields and, where it was simulated, its truth."""

    fields: dict[str, Any]
    truth: SampleTruth | None = None
    world: World | None = None
    blind: list[tuple[str | None, str, datetime, datetime]] = field(default_factory=list)
    """Bucket (or None), class, start and end of what was lost after it had been delivered."""


def make(name: str, folder: Path) -> Made:
    """The world of this name, its evidence in ``folder/evidence``."""
    return WORLDS[name](folder)


def _simulated(build: Callable[[], World], touch_up: Callable[[Path], None] | None = None, **more: Any) -> Any:
    def write(folder: Path) -> Made:
        world = build()
        render(world, folder / "evidence")
        if touch_up:
            touch_up(folder / "evidence")
        return Made(_fields(world, **more), read_truth(world, folder / "truth"), world)

    return write


def _fields(world: World, end: datetime | None = None, **more: Any) -> dict[str, Any]:
    return {
        "access_keys": [key.access_key_id for key in world.incident_keys],
        "window": {"start": iso(world.start), "end": iso(end or world.end)},
        "baseline": {"start": iso(world.baseline_start), "end": iso(world.start)},
        "sources": {
            "cloudtrail": ["evidence/cloudtrail"],
            "access_logs": ["evidence/access-logs"],
            "configuration": "evidence/configuration.jsonl",
        },
    } | more


def _account(seed: int, buckets: tuple[str, ...], *, data_events: bool = True, access_log: bool = True) -> World:
    """Two weeks and a window with one trail; the leaked key is the user app's, whose use is steady and thin."""
    start = at("2026-03-01T00:00:00Z")
    world = World(seed, baseline_start=start - 14 * DAY, start=start)
    world.loss_rate, world.duplicate_rate, world.late_rate = 0.01, 0.005, 0.005
    world.trail("main")
    for name in buckets:
        bucket = world.bucket(name, access_log=access_log, data_events=data_events)
        bucket.objects = {
            f"{part}/{number:03d}.csv": 900 + 31 * number for part in ("in", "out") for number in range(60)
        }
    leaked = world.user("app", created=at("2024-05-01T00:00:00Z"))
    world.users["app"].inline["all"] = exposure_world.allow_identity()
    world.incident_keys = [leaked]
    for number in range(21 * 24):
        time = world.baseline_start + number * HOUR + timedelta(seconds=number % 50)
        bucket = world.buckets[buckets[number % len(buckets)]]
        _read(world, time, leaked, bucket.name, number * 7, **OWNERS)
        if number % 12 == 4:
            world.s3(time + MINUTE, leaked, "PutObject", bucket.name, f"in/{number % 60:03d}.csv", bytes_received=950,
                     object_size=950, **OWNERS)  # fmt: skip
        if number % 24 == 5:
            world.call(time + 2 * MINUTE, leaked, "sts", "GetCallerIdentity", **OWNERS)
            world.s3(time + 3 * MINUTE, leaked, "ListObjects", bucket.name, bytes_sent=9_000, **OWNERS)
    return world


def _read(world: World, time: datetime, who: Credential, bucket: str, number: int, **known: Any) -> None:
    keys = list(world.buckets[bucket].objects)
    key = keys[number % len(keys)]
    size = world.buckets[bucket].objects[key]
    world.s3(time, who, "GetObject", bucket, key, **{"bytes_sent": size, "object_size": size} | known)


# object access, by what was logged


def theft(data_events: bool, access_log: bool) -> World:
    """An intruder looks round, reads, writes, deletes and hands out links; some of it looks like the owner's doing."""
    world = _account(21, ("records", "exports"), data_events=data_events, access_log=access_log)
    world.buckets["records"].versioned = True
    distant = world.bucket("archive-eu", region="eu-west-1", access_log=access_log, data_events=data_events)
    distant.objects = {f"{number:03d}.bin": 40_000 + number for number in range(50)}
    other, (leaked,) = world.user("reporting"), world.incident_keys
    for number in range(21 * 4):
        time = world.baseline_start + number * 6 * HOUR + 9 * MINUTE
        _read(world, time, other, "records", number, address=OFFICE, agent=JAVA)
        world.s3(time, world.anonymous(), "GetObject", "records", "in/001.csv", address=THIRD, agent=CURL,
                 error_code="AccessDenied")  # fmt: skip
    time = at("2026-03-02T21:40:12Z")
    world.call(time, leaked, "sts", "GetCallerIdentity", **INTRUDERS)
    for event in ("ListUsers", "GetAccountAuthorizationDetails"):
        world.call(time + MINUTE, leaked, "iam", event, error_code="AccessDenied", **INTRUDERS)
    world.s3(time + 2 * MINUTE, leaked, "ListBuckets", None, bytes_sent=700, **INTRUDERS)
    for name in world.buckets:
        time += MINUTE
        world.s3(time, leaked, "GetBucketPolicy", name, error_code="NoSuchBucketPolicy", **INTRUDERS)
        world.s3(time, leaked, "HeadBucket", name, **INTRUDERS)
        world.s3(time, leaked, "ListObjects", name, bytes_sent=18_000, **INTRUDERS)
    for name in ("records-backup", "exports-old"):
        world.s3(time + 2 * MINUTE, leaked, "ListObjects", name, error_code="NoSuchBucket", **INTRUDERS)
        world.s3(time + 2 * MINUTE, leaked, "GetBucketAcl", name, error_code="NoSuchBucket", **INTRUDERS)
    bulk: dict[str, Any] = INTRUDERS | {"agent": RCLONE}
    for bucket, count in (("records", 70), ("exports", 40), ("archive-eu", 30)):
        for number in range(count):
            time += timedelta(seconds=5)
            part = {"byte_range": (0, 99), "bytes_sent": 100} if number % 9 == 0 else {}
            _read(world, time, leaked, bucket, number, **bulk | part)
    for number, error in enumerate(("NoSuchKey", "AccessDenied", "SignatureDoesNotMatch") * 3):
        world.s3(time + number * MINUTE, leaked, "GetObject", "records", f"no/{number}", error_code=error, **bulk)
        world.s3(time + number * MINUTE, leaked, "HeadObject", "records", f"out/{number:03d}.csv", **bulk)
    token = get_session_token(world, time + HOUR, leaked, **INTRUDERS)
    for number in range(25):
        _read(world, time + HOUR + (number + 1) * MINUTE, token, "exports", 60 + number, **bulk)
    time = at("2026-03-04T02:00:00Z")
    for number in range(12):  # from the owner's own address with the owner's client
        _read(
            world, time + number * MINUTE, leaked, "records", 90 + number, **INTRUDERS | {"address": APP, "agent": JAVA}
        )
        _read(world, time + DAY + number * MINUTE, leaked, "exports", 40 + number, presigned_seconds=90_000,
              **INTRUDERS | {"address": THIRD, "agent": CURL})  # fmt: skip
    time = at("2026-03-05T03:00:00Z")
    known = bulk | {"object_size": 1_000}
    for number in range(6):
        world.s3(time, leaked, "PutObject", "records", f"in/{number:03d}.csv", bytes_received=1_000, **known)
        world.s3(time + MINUTE, leaked, "DeleteObject", "exports", f"out/{number:03d}.csv", **known)
        world.s3(time + 2 * MINUTE, leaked, "CopyObject", "exfil-drop", f"out/{number + 30:03d}.csv",
                 copy_source=("records", f"out/{number + 30:03d}.csv"), bytes_sent=270, **known)  # fmt: skip
        time += 5 * MINUTE
    return world


# destruction


def ransom() -> World:
    """What was kept is destroyed in every way: deleted, overwritten, encrypted with other keys, left to expire."""
    buckets = ("vault", "plain", "attic", "dim")
    world = _account(31, buckets)
    (leaked,) = world.incident_keys
    world.buckets["vault"].versioned = world.buckets["dim"].versioned = True
    spans = world.trails[0].data_buckets
    spans["attic"], spans["dim"], world.buckets["dim"].access_log = [], [], []
    rng, known = world.stream("ransom"), INTRUDERS | {"agent": RCLONE}
    time = at("2026-03-03T01:00:00Z")
    world.s3(time, leaked, "ListBuckets", None, bytes_sent=700, **INTRUDERS)
    for name in buckets:
        world.s3(time + MINUTE, leaked, "ListObjectVersions", name, bytes_sent=22_000, **INTRUDERS)
        for number in range(20):
            _read(world, time + 2 * MINUTE + number * timedelta(seconds=4), leaked, name, number, **known)
    time += HOUR
    suspended = {"VersioningConfiguration": {"Status": "Suspended"}}
    world.s3(time, leaked, "PutBucketVersioning", "vault", parameters=suspended, duration_ms=0, **INTRUDERS)
    world.buckets["vault"].settings["GetBucketVersioning"] = {"Status": "Suspended"}
    for name in buckets:
        objects = world.buckets[name].objects
        keys = list(objects)
        for key in keys[:6]:
            time += timedelta(seconds=3)
            world.s3(time, leaked, "DeleteObject", name, key, **known)
            world.s3(time, leaked, "DeleteObject", name, key, version_id=version_id(rng), **known)
        batch = [
            DeletedKey(key, version_id(rng) if n % 3 else None, "AccessDenied" if n in (3, 9) else None, objects[key])
            for n, key in enumerate(keys[6:30])
        ]
        world.s3(time + MINUTE, leaked, "DeleteObjects", name, deleted=batch, bytes_sent=4_100, **known)
        for key in keys[30:38]:
            time += timedelta(seconds=3)
            own: dict[str, Any] = known | {"object_size": objects[key], "customer_key": True}
            world.s3(time, leaked, "CopyObject", name, key, copy_source=(name, key), **own)
        for key in keys[38:42]:
            time += timedelta(seconds=3)
            world.s3(
                time, leaked, "PutObject", name, key, customer_key=True, bytes_received=300, object_size=300, **known
            )
        theirs = {
            "x-amz-server-side-encryption": "aws:kms",
            "x-amz-server-side-encryption-aws-kms-key-id": f"arn:aws:kms:us-east-1:{FOREIGN}:key/1234abcd",
        }
        for key in keys[42:46]:
            time += timedelta(seconds=3)
            world.s3(time, leaked, "CopyObject", name, key, copy_source=(name, key), parameters=theirs, **known)
        world.s3(time + MINUTE, leaked, "PutObject", name, "READ-ME.txt", bytes_received=812, object_size=812, **known)
    time = at("2026-03-03T05:00:00Z")
    rule = {"ID": "gone", "Prefix": "out/", "Status": "Enabled", "Expiration": {"Days": 1}}
    for name in ("plain", "attic"):
        asked = {"LifecycleConfiguration": {"Rule": rule}}
        world.s3(time, leaked, "PutBucketLifecycle", name, parameters=asked, duration_ms=0, **INTRUDERS)
        held = {"Rules": [{"ID": "gone", "Filter": {"Prefix": "out/"}, "Status": "Enabled", "Expiration": {"Days": 1}}]}
        world.buckets[name].settings["GetBucketLifecycleConfiguration"] = held
        for key in list(world.buckets[name].objects)[60:90]:
            world.s3(time + 2 * DAY, world.service("s3"), "S3.EXPIRE.OBJECT", name, key, address="-", agent="-",
                     object_size=1_000)  # fmt: skip
    key_arn = f"arn:aws:kms:us-east-1:{world.account}:key/0a1b2c3d"
    for number, (event, error) in enumerate(
        (("DisableKey", None), ("ScheduleKeyDeletion", None), ("PutKeyPolicy", None), ("CreateGrant", "AccessDenied"))
    ):
        about = {"keyId": key_arn, "policyName": "default", "policy": "{}", "pendingWindowInDays": 7}
        world.call(time + number * MINUTE, leaked, "kms", event, parameters=about, error_code=error, **INTRUDERS)
    world.s3(time + HOUR, leaked, "DeleteBucket", "attic", error_code="AccessDenied", **INTRUDERS)
    return world


# credentials


def lineage() -> World:
    """Credentials made of credentials in each way that there is, of which some were made while nothing was recorded."""
    world = _account(41, ("papers",))
    (leaked,) = world.incident_keys
    runner = world.user("runner")
    for name in ("deployer", "operator", "auditor", "hidden", "ir-readonly"):
        world.role(name).inline["all"] = exposure_world.allow_identity()
    stop = at("2026-03-04T01:20:00Z")
    world.trails[0].stops = [(stop, stop + 2 * HOUR)]
    for day in range(21):  # the owner's own: sessions of the leaked key, and of another one that nobody leaked
        time = world.baseline_start + day * DAY + 7 * HOUR
        mine = assume_role(world, time, leaked, "operator", f"nightly-{day}", **OWNERS)
        _read(world, time + MINUTE, mine, "papers", day, **OWNERS)
        theirs = assume_role(world, time, runner, "deployer", f"build-{day}", address=OFFICE, agent=JAVA)
        world.call(time + MINUTE, theirs, "cloudformation", "DescribeStacks", address=OFFICE, agent=JAVA)
        host = "cloudformation.amazonaws.com"
        forwarded = Credential(
            "role", "deployer", world.account, theirs.principal_id, access_key_id(world.rng, "ASIA", world.account),
            theirs.created, theirs.session, temporary=True, invoked_by=host,
        )  # fmt: skip
        world.call(time + 2 * MINUTE, forwarded, "lambda", "GetFunction20150331v2", address=host, agent=host)
    time = at("2026-03-03T22:00:00Z")
    for role in ("auditor", "deployer"):
        world.call(time, leaked, "sts", "AssumeRole", error_code="AccessDenied",
                   target=f"arn:aws:iam::{world.account}:role/{role}", **INTRUDERS)  # fmt: skip
    first = assume_role(world, time + MINUTE, leaked, "operator", "cli", seconds=43_200, **INTRUDERS)
    second = assume_role(world, time + 3 * MINUTE, first, "deployer", "cli", **INTRUDERS)
    third = assume_role(world, time + 5 * MINUTE, second, "auditor", "cli", **INTRUDERS)
    create_user(world, time + 8 * MINUTE, first, "backup2", **INTRUDERS)
    spare = create_access_key(world, time + 9 * MINUTE, first, "backup2", **INTRUDERS)
    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
    world.call(time + 10 * MINUTE, first, "iam", "AttachUserPolicy", target="backup2",
               parameters={"userName": "backup2", "policyArn": administrator}, **INTRUDERS)  # fmt: skip
    create_user(world, time + 10 * MINUTE, leaked, "other", error_code="AccessDenied", **INTRUDERS)
    create_user(world, time + 11 * MINUTE, first, "console", **INTRUDERS)
    create_login_profile(world, time + 11 * MINUTE, first, "console", **INTRUDERS)
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
             "Principal": {"AWS": f"arn:aws:iam::{FOREIGN}:root"}}]}  # fmt: skip
    world.call(time + 12 * MINUTE, first, "iam", "UpdateAssumeRolePolicy", target="auditor",
               parameters={"roleName": "auditor", "policyDocument": json.dumps(trust)}, **INTRUDERS)  # fmt: skip
    world.roles["auditor"].trust = trust
    for number in range(15):
        _read(world, time + (15 + number) * MINUTE, third, "papers", number, **INTRUDERS)
        _read(world, time + (15 + number) * MINUTE, second, "papers", 20 + number, **INTRUDERS)
    token = get_session_token(world, time + HOUR, spare, **INTRUDERS | {"address": THIRD})
    guest = get_federation_token(world, time + HOUR, leaked, "guest", **INTRUDERS)
    for number in range(10):
        _read(world, time + HOUR + number * MINUTE, token, "papers", 40 + number, **INTRUDERS | {"address": THIRD})
        _read(world, time + HOUR + number * MINUTE, guest, "papers", 50 + number, **INTRUDERS)
    arn = world.trails[0].arn(world.account)
    for when, event in ((stop, "StopLogging"), (stop + 2 * HOUR, "StartLogging")):
        world.call(
            when, first, "cloudtrail", event, parameters={"name": arn}, target="main", duration_ms=0, **INTRUDERS
        )
    ghost = assume_role(world, stop + 20 * MINUTE, leaked, "hidden", "x7", seconds=28_800, **INTRUDERS)
    theirs = assume_role(world, stop + 70 * MINUTE, runner, "deployer", "build-late", seconds=10_800, address=OFFICE,
                         agent=JAVA)  # fmt: skip
    for number in range(8):
        _read(world, stop + HOUR + 10 * number * MINUTE, ghost, "papers", 70 + number, **INTRUDERS)
        world.call(stop + 2 * HOUR + (5 + number) * MINUTE, theirs, "cloudformation", "DescribeStacks", address=OFFICE,
                   agent=JAVA)  # fmt: skip
    time = at("2026-03-05T20:00:00Z")
    browser = INTRUDERS | {"agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"}
    for session in console_login(world, time, "console", parent=first, **browser):
        world.s3(time + MINUTE, session, "ListBuckets", None, bytes_sent=700, **browser)
        world.s3(time + 2 * MINUTE, session, "ListObjects", "papers", bytes_sent=9_000, **browser)
    helper = assume_role(world, at("2026-03-06T09:00:00Z"), world.user("alice"), "ir-readonly", "response", address=OFFICE,
                         agent=CLI)  # fmt: skip
    for number in range(5):
        world.call(at("2026-03-06T09:01:00Z") + number * MINUTE, helper, "iam", "ListUsers", address=OFFICE, agent=CLI)
    return world


# exposure


def exposure() -> World:
    """The stories' buckets, with an account's block taken away and an access point that its bucket's block holds shut."""
    world = exposure_world.exposure_world()
    (leaked,) = world.incident_keys
    time = exposure_world.OPENED - 2 * MINUTE
    world.s3(time, leaked, "DeleteAccountPublicAccessBlock", None, parameters={"name": "account"}, **INTRUDERS)
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
              "Resource": f"arn:aws:s3:us-east-1:{world.account}:accesspoint/side/object/*"}]}  # fmt: skip
    asked = {"name": "side", "accountId": world.account, "CreateAccessPointRequest": {"Bucket": "left-alone"}}
    world.call(time, leaked, "s3", "CreateAccessPoint", parameters=asked, bucket="left-alone", **INTRUDERS)
    asked = {"name": "side", "PutAccessPointPolicyRequest": {"Policy": json.dumps(policy)}}
    world.call(time + MINUTE, leaked, "s3", "PutAccessPointPolicy", parameters=asked, **INTRUDERS)
    grant = {"x-amz-grant-read": f'id="{"e" * 64}"'}
    world.s3(time + 3 * MINUTE, leaked, "PutObjectAcl", "by-acl", "001.csv", parameters=grant, **INTRUDERS)
    return world


def _access_point(evidence: Path) -> None:
    """Let the account answer that a bucket has an access point that lets everybody read."""
    path, lines = evidence / "configuration.jsonl", []
    for line in path.read_text().splitlines():
        call = json.loads(line)
        if call["operation"] == "ListAccessPoints":
            call["response"] = {
                "AccessPointList": [{"Name": "side", "NetworkOrigin": "Internet", "Bucket": "left-alone"}]
            }
            arn = f"arn:aws:s3:us-east-1:{call['account']}:accesspoint/side"
            policy = {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{arn}/object/*"}]}  # fmt: skip
            off = dict.fromkeys(exposure_world.ALL_ON, False)
            point = {"Name": "side", "Bucket": "left-alone", "NetworkOrigin": "Internet", "AccessPointArn": arn,
                     "PublicAccessBlockConfiguration": off}  # fmt: skip
            asked = {"parameters": {"AccountId": call["account"], "Name": "side"}}
            for operation, response in (
                ("GetAccessPoint", point),
                ("GetAccessPointPolicy", {"Policy": json.dumps(policy)}),
            ):
                lines.append(json.dumps(call | asked | {"operation": operation, "response": response}))
        lines.append(json.dumps(call))
    path.write_text("\n".join(lines) + "\n")


# hostile content


def hostile() -> World:
    """Whatever a caller may choose holds what would do harm where it is not escaped."""
    world = _account(51, ("inbox",))
    (leaked,) = world.incident_keys
    world.role("operator").inline["all"] = exposure_world.allow_identity()
    payloads = (
        "<script>alert(1)</script>", "=cmd|' /C calc'!A0", "'; drop table events; --", "{{7*7}}${7*7}", "\u202etxt.exe",
        "x" * 3_000, "[click](javascript:alert(1))", "\x1b[31mred\x1b[0m", "a\tb\x85c\u2028d", '"><img src=x onerror=a>',
    )  # fmt: skip
    time = at("2026-03-03T02:00:00Z")
    for number, payload in enumerate(payloads):
        agent = payload.replace('"', "'")
        known = INTRUDERS | {"agent": agent}
        time += 40 * MINUTE
        world.call(time, leaked, "sts", "GetCallerIdentity", **known)
        session = assume_role(world, time + MINUTE, leaked, "operator", f"s{number}@=,.-", **known)
        for key in (payload[:900], *HOSTILE_KEYS):
            time += timedelta(seconds=3)
            world.s3(time, leaked, "PutObject", "inbox", key, bytes_received=10, object_size=10, **known)
            world.s3(time + MINUTE, session, "GetObject", "inbox", key, bytes_sent=10, object_size=10, **known)
        world.call(time, session, "iam", "CreateUser", parameters={"userName": payload}, target=payload, **known)
        world.call(time, session, "iam", payload[:100], error_code="AccessDenied", **known)
    policy = exposure_world.allow(
        "inbox", {"AWS": ["*", "<b>bold</b>", "arn:aws:iam::x:root"]}, StringLike={"aws:Referer": payloads[0]}
    )
    policy["Statement"][0]["Sid"] = payloads[9]
    world.s3(time + HOUR, leaked, "PutBucketPolicy", "inbox", parameters={"bucketPolicy": policy}, duration_ms=0,
             **INTRUDERS)  # fmt: skip
    world.buckets["inbox"].settings |= {"GetBucketPolicy": exposure_world.answer(policy),
                                        "GetPublicAccessBlock": exposure_world.NO_BLOCK}  # fmt: skip
    return world


def _break(evidence: Path) -> None:
    """Files that are cut, empty, no logs at all, or hold what no log holds."""
    trail = evidence / "cloudtrail"
    files = sorted(trail.rglob("*.json.gz"))
    cut = files[len(files) // 2]
    cut.write_bytes(cut.read_bytes()[:-40])
    odd = [
        {"eventTime": "yesterday"},
        {"eventName": ["GetObject"]},
        7,
        None,
        {"eventTime": "2026-03-03T02:00:00Z", "userIdentity": "root"},
    ]
    for name, content in (
        ("no.json.gz", b"\x1f\x8bnot gzip"), ("empty.json", b""), ("text.json", b'{"Records": [{"eventTime"'),
        ("odd.json", json.dumps({"Records": odd}).encode()), ("notes.txt", b"hello"), ("nul.json", b"\0" * 200),
        ("twice.json.gz", gzip.compress(gzip.compress(b'{"Records": []}', mtime=0), mtime=0)),
    ):  # fmt: skip
        (trail / name).write_bytes(content)
    logs = evidence / "access-logs" / "inbox"
    owner = "e" * 64
    lines = [
        b"", b"short line", b"\xff\xfe\x00binary", b'%s inbox [99/Foo/2026:99:00:00 +0000] - - X REST.GET.OBJECT k "GET /k"' % owner.encode(),
        b'%s inbox [03/Mar/2026:02:00:00 +0000] 192.0.2.1 - "unclosed' % owner.encode(),
    ]  # fmt: skip
    (logs / "2026-03-03-03-00-00-BROKEN0000000000").write_bytes(b"\n".join(lines) + b"\n")
    (logs / "2026-03-03-04-00-00-EMPTY00000000000").write_bytes(b"")
    with (evidence / "configuration.jsonl").open("a") as out:
        out.write('{"service": "s3"}\nnot json\n{"service": "s3", "operation": "GetBucketPolicy", "parameters": 7}\n')


# stories, the sample, and real records


def tampering(folder: Path) -> Made:
    """The story of tampering: logging stopped and narrowed, log objects deleted, altered and expired, digests beside them."""
    world, expired = tampering_world.build(False), tampering_world.EXPIRED[False]
    evidence = folder / "evidence"
    render(world, evidence)
    _, gone = tampering_world._tamper(evidence / "cloudtrail")
    first, _ = tampering_world._expire(evidence / "access-logs" / tampering_world.LEDGERS, expired)
    blind: list[tuple[str | None, str, datetime, datetime]] = [
        (name, record_class, oldest, newest)
        for oldest, newest in gone
        for name in (*tampering_world.WITH_DATA_EVENTS, None)
        for record_class in (("data_read", "data_write") if name else ("management",))
    ]
    blind.append((tampering_world.LEDGERS, "server_access_log", tampering_world.START, first))
    return Made(_fields(world, tampering_world.END), read_truth(world, folder / "truth"), world, blind)


def demo(folder: Path) -> Made:
    """The sample incident, as the demo ships it."""
    truth = make_sample(folder, scale=SCALE)  # the same as `ir-kit demo` lays out: a test holds the two together
    return Made({name: value for name, value in incident_fields().items() if name != "engine"}, truth)


def invictus(folder: Path) -> Made:
    """Thirty-five attack techniques by one key, in one hour of management events."""
    window = {"start": "2023-07-10T11:30:00Z", "end": "2023-07-10T13:00:00Z"}
    sources = {"cloudtrail": [str(SHARED_DATA / "cloudtrail" / "invictus")]}
    return Made({"access_keys": ["AKIATFQR7NSC8Q4X20BJ"], "window": window, "sources": sources})


def otrf(folder: Path) -> Made:
    """An instance's key used from outside, in Logstash's form, with access-log lines of many accounts beside it."""
    lines = [
        json.loads(line)["line"] for line in (SHARED_DATA / "access-logs" / "lines.jsonl").read_text().splitlines()
    ]
    path = folder / "evidence" / "access-logs" / "lines"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(lines) + "\n")
    records = SHARED_DATA / "cloudtrail" / "otrf" / "ec2_proxy_s3_exfiltration.jsonl"
    window = {"start": "2020-09-14T00:00:00Z", "end": "2020-09-15T00:00:00Z"}
    sources = {"cloudtrail": [str(records)], "access_logs": ["evidence/access-logs"]}
    return Made({"access_keys": ["ASIA5FLZVX4OPVKKVBMX"], "window": window, "sources": sources})


WORLDS: dict[str, Callable[[Path], Made]] = {
    "both_logs": _simulated(lambda: theft(True, True), sensitive_buckets=["records"]),
    "one_log": _simulated(lambda: theft(False, True)),
    "no_object_logs": _simulated(lambda: theft(False, False)),
    "two_keys": _simulated(lambda: stories.two_active_keys(7)),
    "quiet": _simulated(lambda: stories.quiet(7)),
    "tampering": tampering,
    "exposure": _simulated(exposure, _access_point),
    "ransom": _simulated(ransom, title="Held to ransom", sensitive_buckets=["vault"]),
    "lineage": _simulated(
        lineage,
        known_good={"source_ips": ["203.0.113.0/26"], "user_agents": []},
        responders=["arn:aws:iam::111122223333:user/alice", "arn:aws:iam::111122223333:role/ir-readonly"],
    ),
    "hostile": _simulated(hostile, _break),
    "demo": demo,
    "invictus": invictus,
    "otrf": otrf,
}
REAL = ("invictus", "otrf")


def available() -> list[str]:
    """The worlds that can be made here: real records by others may be absent."""
    return [name for name in WORLDS if name not in REAL or SHARED_DATA.is_dir()]
