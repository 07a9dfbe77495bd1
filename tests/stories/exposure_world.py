"""A world whose buckets are opened and closed in every way, with the truth of each verdict and of who came.

One bucket a way: by policy, by ACL, by Block Public Access taken away, a wildcard that a condition holds, another account,
replication to another account, a website, a policy that could not be read, one that was public and was closed. In a
second world the account blocks public access, so that a public ACL has no effect.

Truth of who came is read off the simulated requests that reached a log: a line that was lost where nothing else recorded
the request is not in it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from simulator.principals import Credential
from simulator.s3_calls import AUTHENTICATION_FAILURES
from simulator.world import World, at, inside

FOREIGN, PARTNER = "999988887777", "444455556666"
APP, AWAY, OUTSIDE = "203.0.113.10", "192.0.2.146", "192.0.2.7"
JAVA, CLI, CURL = "aws-sdk-java/1.12.488 Linux/5.10 java/11", "aws-cli/2.15.30 Python/3.11.8", "curl/8.4.0"
ALL_ON = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
NO_BLOCK = "NoSuchPublicAccessBlockConfiguration"
ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
CREATED = at("2024-05-01T00:00:00Z")
EARLY, OPENED, CLOSED = at("2026-02-10T09:00:00Z"), at("2026-03-03T02:00:00Z"), at("2026-03-05T12:00:00Z")
MINUTE = timedelta(minutes=1)
NAMES = ("by-policy", "by-acl", "unblocked", "held-by-condition", "partner-bucket", "replicated", "website-bucket",
         "refused-policy", "closed-again", "left-alone")  # fmt: skip

# by bucket: public, cross-account; and the effects of what changed it in the window, in order
VERDICTS = {
    "by-policy": ("yes", "no"),
    "by-acl": ("yes", "no"),
    "unblocked": ("yes", "no"),
    "held-by-condition": ("no", "unknown"),  # whose VPC endpoint it is nothing tells
    "partner-bucket": ("no", "yes"),
    "replicated": ("no", "yes"),
    "website-bucket": ("yes", "no"),
    "refused-policy": ("unknown", "unknown"),
    "closed-again": ("no", "no"),
    "left-alone": ("no", "no"),
}
EFFECTS = {
    "by-policy": [("PutBucketPolicy", "opens", "denied"), ("PutBucketPolicy", "opens", "success")],
    "by-acl": [("PutBucketAcl", "opens", "success")],
    "unblocked": [("DeleteBucketPublicAccessBlock", "opens", "success")],
    "partner-bucket": [("PutBucketPolicy", "opens", "success")],
    "replicated": [("PutBucketReplication", "opens", "success")],
    "website-bucket": [("PutBucketWebsite", "opens", "success")],
    "closed-again": [("DeleteBucketPolicy", "closes", "success")],
}


def allow(bucket: str, principal: Any, **condition: Any) -> dict[str, Any]:
    """A policy that lets somebody read."""
    statement = {
        "Sid": "Open", "Effect": "Allow", "Principal": principal, "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }  # fmt: skip
    return {"Version": "2012-10-17", "Statement": [statement | ({"Condition": condition} if condition else {})]}


def answer(policy: dict[str, Any]) -> dict[str, Any]:
    return {"Policy": json.dumps(policy)}


def exposure_world(seed: int = 11) -> World:
    """Everything at once, in one account without a block of its own."""
    world = World(seed)
    world.loss_rate, world.duplicate_rate = 0.03, 0.05
    world.trail("trail")
    for name in NAMES:
        bucket = world.bucket(name, access_log=name != "left-alone", data_events=name in ("by-policy", "closed-again"))
        bucket.objects = {f"{number:03d}.csv": 900 + 13 * number for number in range(40)}
        if name not in ("held-by-condition", "refused-policy", "left-alone"):
            bucket.settings["GetPublicAccessBlock"] = NO_BLOCK
    leaked = world.user("app", created=CREATED)
    world.users["app"].inline = {"all": allow_identity()}
    world.incident_keys = [leaked]
    admin = world.user("admin", created=CREATED)
    _owner(world, leaked)
    _early(world, admin)
    _acts(world, leaked)
    _guests(world)
    return world


def guarded_world(seed: int = 12) -> World:
    """A bucket with a public ACL in an account that blocks public access; the block was put in the window."""
    world = World(seed)
    world.trail("trail")
    bucket = world.bucket("neutralised", access_log=True, data_events=True)
    bucket.objects = {"a.csv": 1_000}
    bucket.settings |= {
        "GetPublicAccessBlock": NO_BLOCK, "GetBucketOwnershipControls": "OwnershipControlsNotFoundError",
        "GetBucketAcl": acl(world, ALL_USERS),
    }  # fmt: skip
    leaked = world.user("app", created=CREATED)
    world.incident_keys = [leaked]
    admin = world.user("admin", created=CREATED)
    _owner(world, leaked)
    known: dict[str, Any] = {"address": APP, "agent": CLI, "actor": "owner"}
    world.s3(EARLY, admin, "PutBucketAcl", "neutralised", parameters={"x-amz-acl": "public-read"}, **known)
    world.s3(EARLY, admin, "GetAccountPublicAccessBlock", None, error_code=NO_BLOCK, **known)
    block = {"PublicAccessBlockConfiguration": ALL_ON}
    world.s3(OPENED, admin, "PutAccountPublicAccessBlock", None, parameters=block, **known)
    for number in range(6):
        _ask(world, OPENED + number * 30 * MINUTE, world.anonymous(), "neutralised", "AccessDenied")
    return world


def block_account(configuration: Path) -> None:
    """Let the account answer that it blocks all public access."""
    lines = []
    for line in configuration.read_text().splitlines():
        call = json.loads(line)
        if (call["service"], call["operation"]) == ("s3control", "GetPublicAccessBlock"):
            call = {name: value for name, value in call.items() if name != "error"}
            call["response"] = {"PublicAccessBlockConfiguration": ALL_ON}
        lines.append(json.dumps(call))
    configuration.write_text("\n".join(lines) + "\n")


def acl(world: World, *groups: str) -> dict[str, Any]:
    """The answer on an ACL of the owner and of these groups, who may read."""
    owner = {"Grantee": {"ID": world.canonical_id, "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}
    grants = [{"Grantee": {"Type": "Group", "URI": group}, "Permission": "READ"} for group in groups]
    return {"Owner": {"ID": world.canonical_id}, "Grants": [owner, *grants]}


def allow_identity() -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _owner(world: World, leaked: Credential) -> None:
    """The key's own use, thinly, over baseline and window."""
    for hour in range(0, 35 * 24, 3):
        time = world.baseline_start + timedelta(hours=hour)
        bucket = list(world.buckets.values())[hour % len(world.buckets)]
        world.s3(time, leaked, "GetObject", bucket.name, next(iter(bucket.objects)), bytes_sent=900, object_size=900,
                 address=APP, agent=JAVA, actor="owner")  # fmt: skip


def _early(world: World, admin: Credential) -> None:
    """What was set in the baseline, by whom it may: the state before is known from it."""
    known: dict[str, Any] = {"address": APP, "agent": CLI, "actor": "owner"}
    block = {"PublicAccessBlockConfiguration": ALL_ON}
    world.s3(EARLY, admin, "PutBucketPublicAccessBlock", "unblocked", parameters=block, **known)
    for name in ("unblocked", "website-bucket", "closed-again"):
        public = allow(name, "*")
        world.s3(EARLY + MINUTE, admin, "PutBucketPolicy", name, parameters={"bucketPolicy": public}, **known)
        if name != "closed-again":
            world.buckets[name].settings["GetBucketPolicy"] = answer(public)
    world.s3(EARLY + 2 * MINUTE, admin, "PutBucketAcl", "by-acl", parameters={"x-amz-acl": ["private"]}, **known)
    held = allow("held-by-condition", "*", StringEquals={"aws:SourceVpce": "vpce-0123456789abcdef0"})
    world.buckets["held-by-condition"].settings["GetBucketPolicy"] = answer(held)
    world.buckets["refused-policy"].settings |= {"GetBucketPolicy": "AccessDenied", "GetBucketPolicyStatus": "AccessDenied",
                                                 "GetPublicAccessBlock": NO_BLOCK}  # fmt: skip


def _acts(world: World, leaked: Credential) -> None:
    """What the intruder does with the leaked key: looks first, then opens; one try is refused."""
    known: dict[str, Any] = {"address": AWAY, "agent": CLI, "actor": "intruder", "duration_ms": 0}
    for name in ("by-policy", "partner-bucket"):
        world.s3(OPENED - 20 * MINUTE, leaked, "GetBucketPolicy", name, error_code="NoSuchBucketPolicy", **known)
    world.s3(OPENED - 19 * MINUTE, leaked, "GetBucketWebsite", "website-bucket",
             error_code="NoSuchWebsiteConfiguration", **known)  # fmt: skip
    public = allow("by-policy", {"AWS": "*"})
    asked = {"bucketPolicy": public}
    world.s3(
        OPENED - 5 * MINUTE,
        leaked,
        "PutBucketPolicy",
        "by-policy",
        error_code="AccessDenied",
        parameters=asked,
        **known,
    )
    world.s3(OPENED, leaked, "PutBucketPolicy", "by-policy", parameters=asked, **known)
    world.buckets["by-policy"].settings["GetBucketPolicy"] = answer(public)
    full = {"AccessControlPolicy": {"Owner": {"ID": world.canonical_id}, "AccessControlList": {
        "Grant": {"Grantee": {"xsi:type": "Group", "URI": ALL_USERS}, "Permission": "READ"}}}}  # fmt: skip
    world.s3(OPENED, leaked, "PutBucketAcl", "by-acl", parameters=full, **known)
    world.buckets["by-acl"].settings |= {
        "GetBucketAcl": acl(world, ALL_USERS), "GetBucketOwnershipControls": "OwnershipControlsNotFoundError",
    }  # fmt: skip
    world.s3(OPENED, leaked, "DeleteBucketPublicAccessBlock", "unblocked", **known)
    foreign = allow("partner-bucket", {"AWS": f"arn:aws:iam::{FOREIGN}:root"})
    world.s3(OPENED, leaked, "PutBucketPolicy", "partner-bucket", parameters={"bucketPolicy": foreign}, **known)
    world.buckets["partner-bucket"].settings["GetBucketPolicy"] = answer(foreign)
    rule = {"ID": "out", "Status": "Enabled", "Prefix": "",
            "Destination": {"Bucket": "arn:aws:s3:::somebody-elses", "Account": FOREIGN}}  # fmt: skip
    copies = {"ReplicationConfiguration": {"Role": f"arn:aws:iam::{world.account}:role/r", "Rule": rule}}
    world.s3(OPENED, leaked, "PutBucketReplication", "replicated", parameters=copies, **known)
    held = {"Role": f"arn:aws:iam::{world.account}:role/r", "Rules": [rule]}
    world.buckets["replicated"].settings["GetBucketReplication"] = {"ReplicationConfiguration": held}
    pages = {"IndexDocument": {"Suffix": "index.html"}}
    world.s3(OPENED, leaked, "PutBucketWebsite", "website-bucket", parameters={"WebsiteConfiguration": pages}, **known)
    world.buckets["website-bucket"].settings["GetBucketWebsite"] = pages
    world.s3(CLOSED, leaked, "DeleteBucketPolicy", "closed-again", **known)


def _guests(world: World) -> None:
    """Nobody by name, a role of another account, a service that looks after its logs; before and after each change."""
    rng = world.stream("guests")
    partner = world.foreign_role(FOREIGN, "collector", "nightly")
    service = world.service("cloudtrail.amazonaws.com")
    opened = {
        "by-policy": OPENED,
        "by-acl": OPENED,
        "unblocked": OPENED,
        "website-bucket": EARLY,
        "closed-again": EARLY,
    }
    for number in range(300):
        time = world.start + timedelta(minutes=33 * number, seconds=rng.randrange(60))
        for name, since in opened.items():
            is_open = time >= since and not (name == "closed-again" and time >= CLOSED)
            _ask(world, time, world.anonymous(), name, None if is_open else "AccessDenied")
        if number % 5 == 0:
            refused = None if time >= OPENED else "AccessDenied"
            _ask(world, time + MINUTE, partner, "partner-bucket", refused)
            _ask(world, time + MINUTE, world.anonymous(), "refused-policy", "InvalidAccessKeyId")
            world.s3(
                time, service, "GetBucketAcl", "left-alone", address=service.name, agent=service.name, bytes_sent=400
            )


def _ask(world: World, time: datetime, who: Credential, bucket: str, error: str | None) -> None:
    key = list(world.buckets[bucket].objects)[time.minute % len(world.buckets[bucket].objects)]
    size = world.buckets[bucket].objects[key]
    sent = {} if error else {"bytes_sent": size, "object_size": size}
    known = {"address": OUTSIDE, "agent": CURL}
    world.s3(time, who, "GetObject", bucket, key, error_code=error, **known, **sent)


def outsiders(world: World) -> dict[tuple[str, str], dict[str, int]]:
    """Who came, of what reached a log: by bucket and outsider, how many succeeded, were refused, and their bytes."""
    found: dict[tuple[str, str], dict[str, int]] = defaultdict(
        lambda: {"requests": 0, "denied_requests": 0, "bytes_sent": 0}
    )
    for request in world.requests:
        who = request.credential
        if request.bucket is None or request.error_code in AUTHENTICATION_FAILURES:
            continue
        if who.kind not in ("anonymous", "foreign", "service") or not world.start <= request.time < world.end:
            continue
        logged = inside(world.buckets[request.bucket].access_log, request.time) and request.sal_rows > request.sal_lost
        if not logged and not request.trails:
            continue
        name = {"anonymous": "anonymous", "foreign": who.account, "service": who.name}[who.kind]
        one = found[request.bucket, name]
        one["requests"] += request.error_code is None
        one["denied_requests"] += request.error_code == "AccessDenied"
        one["bytes_sent"] += request.bytes_sent if request.error_code is None else 0
    return dict(found)
