"""The intruder's script, first half: validating the key, looking around, taking, and getting a foothold."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from simulator.account import ANALYTICS, ARCHIVE, EXPORTS, RECORDS, STRANGER, Cast
from simulator.issuing import assume_role, create_access_key, create_login_profile, create_user
from simulator.principals import Credential
from simulator.requests import Request
from simulator.world import World, at

FIRST, SECOND, THIRD, SIXTH = "198.51.100.77", "192.0.2.146", "192.0.2.200", "2001:db8:bad::17"
CLI = "aws-cli/2.13.5 Python/3.11.4 Linux/6.3.0-kali1-amd64 exe/x86_64.kali.2023 prompt/off command/{}"
RCLONE = "rclone/v1.64.2"
BROWSER = "S3 Browser/11.6.7 (https://s3browser.com)"
GO = "aws-sdk-go-v2/1.25.2 os/linux lang/go#1.22.0 md/GOOS#linux md/GOARCH#amd64 api/s3#1.51.1"
NOT_THERE = ("customer-records-backup", "legacy-app-prod", "acme-db-dumps", "customer-records-old", "app-exports-dev")


class Intruder:
    """Somebody with the incident key, and every credential that it gains them."""

    def __init__(self, world: World, cast: Cast) -> None:
        self.world = world
        self.key = cast.owner
        self.rng = world.stream("intruder")
        self.ops: Credential | None = None  # the child that can do everything

    def s3(self, time: datetime, by: Credential, event: str, bucket: str | None, key: str | None = None,
           *, address: str = FIRST, agent: str | None = None, **more: Any) -> Request:  # fmt: skip
        command = {"GetObject": "s3.cp", "ListObjects": "s3.ls", "ListBuckets": "s3.ls"}.get(event, f"s3api.{event}")
        agent = agent or self.known(command)["agent"]
        return self.world.s3(time, by, event, bucket, key, address=address, agent=agent, actor="intruder", **more)

    def call(self, time: datetime, by: Credential, service: str, event: str, **more: Any) -> Request:
        return self.world.call(time, by, service, event, **self.known(f"{service}.{event}") | more)

    def known(self, command: str) -> dict[str, Any]:
        """Where from and with what: aws-cli names its command, in words with dashes, in its agent."""
        service, _, words = command.partition(".")
        dashed = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", words).lower()
        return {"address": FIRST, "agent": CLI.format(f"{service}.{dashed}"), "actor": "intruder"}

    def read(self, start: datetime, end: datetime, by: Credential, bucket: str, keys: Sequence[str],
             *, address: str, agent: str, ranges: float = 0.0, **more: Any) -> None:  # fmt: skip
        """Read objects one after the other, spread evenly over a stretch of time."""
        objects = self.world.buckets[bucket].objects
        step = (end - start) / max(len(keys), 1)
        for number, key in enumerate(keys):
            time = (start + number * step).replace(microsecond=0)
            size = objects[key]
            known: dict[str, Any] = {
                "address": address, "agent": agent, "object_size": size, "duration_ms": 20 + size // 5000
            }  # fmt: skip
            if self.rng.random() < ranges and size > 10:
                half = size // 2
                for first, last in ((0, half - 1), (half, size - 1)):
                    self.s3(time, by, "GetObject", bucket, key, byte_range=(first, last),
                            bytes_sent=last - first + 1, **known, **more)  # fmt: skip
            else:
                self.s3(time, by, "GetObject", bucket, key, bytes_sent=size, **known, **more)

    def pick(self, bucket: str, count: int, start: str = "") -> list[str]:
        keys = [key for key in self.world.buckets[bucket].objects if key.startswith(start)]
        return sorted(self.rng.sample(keys, min(count, len(keys))))


def look_around(play: Intruder) -> None:
    """Is the key alive, what may it do, which buckets are there?"""
    key, time = play.key, at("2026-03-02T21:40:12Z")
    play.call(time, key, "sts", "GetCallerIdentity")
    denied = {"error_code": "AccessDenied", "error_message": "User: arn:aws:iam::111122223333:user/legacy-app is not "
              "authorized to perform this action because no identity-based policy allows it"}  # fmt: skip
    for event, more in (
        ("ListAttachedUserPolicies", {}), ("ListUsers", {}), ("ListRoles", {}), ("GetAccountSummary", {}),
        ("GetAccountAuthorizationDetails", denied), ("SimulatePrincipalPolicy", denied),
    ):  # fmt: skip
        time += timedelta(seconds=play.rng.randrange(2, 15))
        play.call(time, key, "iam", event, **more)
    for service in ("ec2", "lambda", "secretsmanager", "ses", "organizations", "dynamodb"):
        for region in ("us-east-1", "ap-southeast-2", "eu-central-1"):
            time += timedelta(seconds=play.rng.randrange(1, 4))
            code = "Client.UnauthorizedOperation" if service == "ec2" else "AccessDeniedException"
            event = {"ec2": "DescribeInstances", "lambda": "ListFunctions20150331", "secretsmanager": "ListSecrets",
                     "ses": "GetSendQuota", "organizations": "DescribeOrganization",
                     "dynamodb": "ListTables"}[service]  # fmt: skip
            play.call(time, key, service, event, region=region, error_code=code,
                      error_message="You are not authorized to perform this operation.")  # fmt: skip
    time += timedelta(seconds=30)
    play.s3(time, key, "ListBuckets", None, bytes_sent=1100)
    _survey(play, time)
    _names_tried(play, time + timedelta(minutes=9))


def _survey(play: Intruder, time: datetime) -> None:
    """Settings of every bucket, and a listing of each; the log buckets refuse."""
    absent = {
        "GetBucketWebsite": "NoSuchWebsiteConfiguration",
        "GetBucketReplication": "ReplicationConfigurationNotFoundError",
        "GetBucketObjectLockConfiguration": "ObjectLockConfigurationNotFoundError",
    }  # fmt: skip
    present = ("GetBucketLocation", "GetBucketAcl", "GetBucketPolicy", "GetBucketVersioning", "GetBucketLogging")
    for name in play.world.buckets:
        refused = name.startswith(("trail-logs", "access-logs"))
        for event in (*present, *absent):
            time += timedelta(seconds=play.rng.randrange(1, 5))
            code = "AccessDenied" if refused else absent.get(event)
            if event == "GetBucketPolicy" and name in (ARCHIVE, ANALYTICS):
                code = "NoSuchBucketPolicy"
            play.s3(time, play.key, event, name, error_code=code)
        time += timedelta(seconds=2)
        if refused:
            play.s3(time, play.key, "ListObjects", name, error_code="AccessDenied")
            continue
        for page in range(2):
            play.s3(time + timedelta(seconds=page), play.key, "ListObjects", name, bytes_sent=190_000 - 900 * page)


def _names_tried(play: Intruder, time: datetime) -> None:
    """Bucket names that do not exist: configuration calls reach CloudTrail, reads of objects reach no log."""
    for name in NOT_THERE:
        for event, key in (("GetBucketAcl", None), ("GetObject", "backup.sql"), ("ListObjects", None)):
            time += timedelta(seconds=2)
            play.s3(time, play.key, event, name, key, error_code="NoSuchBucket", address=SECOND, agent=GO)
    for number in range(14):  # refused reads where both logs run
        time += timedelta(seconds=3)
        play.s3(time, play.key, "GetObject", RECORDS, f"restricted/board-{number:02d}.pdf", error_code="AccessDenied",
                address=SECOND, agent=GO)  # fmt: skip
    for number in range(3):  # a wrong secret: access logs alone
        time += timedelta(seconds=11)
        play.s3(time, play.key, "GetObject", RECORDS, f"customers/2024/{number + 1:05d}.json",
                error_code="SignatureDoesNotMatch", address=SECOND, agent=GO)  # fmt: skip


def take(play: Intruder) -> None:
    """Two nights of reading in bulk."""
    start = at("2026-03-02T22:30:00Z")
    play.read(start, start + timedelta(minutes=20), play.key, RECORDS, play.pick(RECORDS, 40, "customers/"),
              address=FIRST, agent=CLI.format("s3.cp"))  # fmt: skip
    start = at("2026-03-03T01:00:00Z")
    bulk: dict[str, Any] = {"address": SECOND, "agent": RCLONE}
    inbox = [key for key in play.world.buckets[RECORDS].objects if key.startswith("inbox/")]
    keys = play.pick(RECORDS, 1000, "customers/") + play.pick(RECORDS, 150, "scans/") + inbox
    play.s3(start, play.key, "HeadBucket", RECORDS, **bulk)
    play.s3(start, play.key, "ListObjectVersions", RECORDS, bytes_sent=88_000, **bulk)
    play.read(start, start + timedelta(hours=2), play.key, RECORDS, keys, ranges=0.1, **bulk)
    play.read(start, start + timedelta(hours=1), play.key, EXPORTS, play.pick(EXPORTS, 600), **bulk)
    play.read(start, start + timedelta(hours=1), play.key, ARCHIVE, play.pick(ARCHIVE, 200), **bulk)
    for number in range(20):
        time = start + timedelta(minutes=100, seconds=3 * number)
        play.s3(time, play.key, "HeadObject", RECORDS, keys[number % len(keys)], **bulk)


def get_a_foothold(play: Intruder, time: datetime) -> dict[str, Credential]:
    """Roles, users, keys, a password, a back door; some of it refused."""
    world, key = play.world, play.key
    refused = {
        "error_code": "AccessDenied",
        "error_message": "User: arn:aws:iam::111122223333:user/legacy-app is not authorized to perform: "
        "iam:AttachUserPolicy on resource: user legacy-app",
    }
    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
    play.call(time, key, "iam", "AttachUserPolicy", target="legacy-app",
              parameters={"userName": "legacy-app", "policyArn": administrator}, **refused)  # fmt: skip
    play.call(time + timedelta(seconds=9), key, "iam", "PutUserPolicy", target="legacy-app", **refused,
              parameters={"userName": "legacy-app", "policyName": "all", "policyDocument": "{}"})  # fmt: skip
    play.call(time + timedelta(seconds=30), key, "sts", "AssumeRole", error_code="AccessDenied",
              target="arn:aws:iam::111122223333:role/ci-deployer",
              error_message="User: arn:aws:iam::111122223333:user/legacy-app is not authorized to perform: "
              "sts:AssumeRole on resource: arn:aws:iam::111122223333:role/ci-deployer")  # fmt: skip
    time += timedelta(minutes=3)
    ops = assume_role(world, time, key, "ops-admin", "aws-cli-session", seconds=43200, **play.known("sts.assume-role"))
    play.ops = ops
    time += timedelta(seconds=25)
    play.call(time, ops, "sts", "GetCallerIdentity")
    exists = {"error_code": "EntityAlreadyExists", "error_message": "User with name alice already exists."}
    create = play.known("iam.create-user")
    create_user(world, time + timedelta(seconds=20), ops, "alice", status=409, **exists, **create)
    create_user(world, time + timedelta(seconds=41), ops, "svc-backup2", **create)
    spare = create_access_key(
        world, time + timedelta(seconds=55), ops, "svc-backup2", **play.known("iam.create-access-key")
    )  # fmt: skip
    play.call(time + timedelta(seconds=70), ops, "iam", "AttachUserPolicy", target="svc-backup2",
              parameters={"userName": "svc-backup2", "policyArn": administrator})  # fmt: skip
    world.users["svc-backup2"].policies.append(administrator)
    profile = play.known("iam.create-login-profile")
    exists["error_message"] = "Login Profile for user alice already exists."
    create_login_profile(world, time + timedelta(seconds=95), ops, "alice", status=409, **exists, **profile)
    create_login_profile(world, time + timedelta(seconds=120), ops, "reporting", **profile)
    role = world.roles["backup-operator"]
    role.trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow", "Action": "sts:AssumeRole",
                "Principal": {"AWS": [f"arn:aws:iam::{world.account}:root", f"arn:aws:iam::{STRANGER}:root"]},
            }
        ],
    }  # fmt: skip
    play.call(time + timedelta(seconds=150), ops, "iam", "UpdateAssumeRolePolicy", target="backup-operator",
              parameters={"roleName": "backup-operator", "policyDocument": world_json(role.trust)})  # fmt: skip
    chained = assume_role(
        world, time + timedelta(seconds=200), ops, "backup-operator", "sync-job", **play.known("sts.assume-role")
    )  # fmt: skip
    time += timedelta(seconds=230)
    play.read(time, time + timedelta(minutes=20), chained, RECORDS, play.pick(RECORDS, 60, "customers/"),
              address=FIRST, agent=CLI.format("s3.sync"))  # fmt: skip
    return {"ops": ops, "spare": spare, "chained": chained}


def world_json(document: dict[str, Any]) -> str:
    """A policy document as a client sends it inside a parameter."""
    return json.dumps(document)
