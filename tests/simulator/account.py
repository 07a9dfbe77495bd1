"""The account of the sample incident before anything happens in it: buckets, trails, users, roles."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from simulator.principals import Credential
from simulator.world import Bucket, World, at

RECORDS, EXPORTS, ARCHIVE, ANALYTICS = "customer-records", "app-exports", "internal-archive", "analytics-results"
PARTNER, STRANGER = "444455556666", "999988887777"
STOPPED = at("2026-03-04T01:20:00Z")
SWITCHED_ON = at("2026-03-05T10:15:00Z")  # data events of analytics-results
VALIDATED = at("2026-02-27T09:00:00Z")  # log file validation of the main trail
HOLE = (at("2026-03-05T13:00:00Z"), at("2026-03-05T17:00:00Z"))  # no access-log delivery of customer-records

HOSTILE_KEYS = (
    "inbox/<script>alert(document.domain)</script>.html",
    "inbox/quo\"te's & ampersand.txt",
    "inbox/=cmd|' /C calc'!A0.csv",
    "inbox/名簿-ünïcødé.csv",
    "inbox/50% off + more.csv",
    "inbox/a%2Fb%20c.csv",
    "inbox/line\nbreak\ttab.txt",
    "inbox/back\\slash`tick$(id).txt",
)
NOTE_KEY = "READ-ME-TO-RESTORE.txt"


@dataclass
class Cast:
    """Who plays in the sample incident."""

    owner: Credential  # legacy-app's long-term key, the incident key
    admin: Credential
    runner: Credential  # ci-runner's long-term key
    monitor: Credential


def build_account(world: World) -> Cast:
    """Fill an empty world with the account of the sample incident."""
    world.fine_from = VALIDATED.replace(hour=0)
    world.log_field_counts = [
        (world.baseline_start, 24), (at("2026-02-09T00:00:00Z"), 25),
        (at("2026-02-16T00:00:00Z"), 26), (at("2026-02-24T00:00:00Z"), 27),
    ]  # fmt: skip
    world.loss_rate, world.duplicate_rate, world.late_rate = 0.005, 0.003, 0.002
    _trails(world)
    _buckets(world)
    cast = _people(world)
    world.incident_keys = [cast.owner]
    return cast


def _trails(world: World) -> None:
    recorded = {RECORDS: [(world.baseline_start, None)]}
    stops = [(STOPPED, STOPPED + timedelta(hours=3))]
    main = world.trail("main-trail", data_buckets=dict(recorded), stops=list(stops), validation_since=VALIDATED)
    main.data_buckets[ANALYTICS] = [(SWITCHED_ON, None)]
    world.trail("security-trail", prefix="security/", multi_region=False, data_buckets=recorded, stops=stops)


def _buckets(world: World) -> None:
    rng = world.stream("objects")
    always = [(world.baseline_start, None)]
    records = world.bucket(RECORDS, versioned=True)
    records.access_log, records.log_holes = list(always), [HOLE]
    records.objects = _objects(rng, "customers/{year}/{number:05d}.json", 2400, 2_000, 90_000)
    records.objects |= {key: rng.randrange(500, 20_000) for key in HOSTILE_KEYS}
    records.objects |= _objects(rng, "scans/{year}/{number:05d}.pdf", 300, 400_000, 9_000_000)
    records.settings["GetBucketPolicy"] = _policy_answer(
        [
            _allow("Partner", {"AWS": f"arn:aws:iam::{PARTNER}:role/partner-reader"}, f"{RECORDS}/shared/*"),
            _allow("Restricted", "*", f"{RECORDS}/restricted/*", "s3:*") | {"Effect": "Deny"},
        ]
    )
    records.settings["GetBucketPolicyStatus"] = {"PolicyStatus": {"IsPublic": False}}
    records.objects |= {f"shared/price-list-{month:02d}.csv": 40_000 + month for month in range(1, 13)}

    exports = world.bucket(EXPORTS, partitioned=True)
    exports.access_log = list(always)
    exports.objects = _objects(rng, "exports/{year}/{number:05d}.csv.gz", 1500, 20_000, 3_000_000)
    exports.objects |= {f"public/release-{number}.zip": 2_000_000 + number for number in range(1, 9)}
    exports.settings["GetBucketPolicy"] = _policy_answer([_allow("Releases", "*", f"{EXPORTS}/public/*")])
    exports.settings["GetBucketPolicyStatus"] = {"PolicyStatus": {"IsPublic": True}}
    exports.settings["GetPublicAccessBlock"] = "NoSuchPublicAccessBlockConfiguration"
    exports.settings["GetBucketLifecycleConfiguration"] = {
        "Rules": [
            {"ID": "old-temporary-files", "Filter": {"Prefix": "tmp/"}, "Status": "Enabled", "Expiration": {"Days": 7}}
        ]
    }

    archive = world.bucket(ARCHIVE)
    archive.objects = _objects(rng, "archive/{year}/box-{number:05d}.tar", 800, 1_000_000, 50_000_000)
    analytics = world.bucket(ANALYTICS, region="eu-west-1")
    analytics.objects = _objects(rng, "results/{year}/{number:05d}.parquet", 900, 50_000, 5_000_000)
    analytics.settings["GetBucketPolicy"] = "AccessDenied"
    for name, service in ((f"trail-logs-{world.account}", "cloudtrail"), (world.log_bucket, "logging.s3")):
        principal = {"Service": f"{service}.amazonaws.com"}
        bucket = world.bucket(name)
        statement = _allow("Delivery", principal, f"{name}/*", "s3:PutObject")
        legacy = {"AWS": f"arn:aws:iam::{world.account}:user/legacy-app"}
        refusal = _allow("NotTheApplication", legacy, name, "s3:*") | {"Effect": "Deny"}
        bucket.settings["GetBucketPolicy"] = _policy_answer([statement, refusal])
        bucket.settings["GetBucketPolicyStatus"] = {"PolicyStatus": {"IsPublic": False}}
    world.buckets[f"trail-logs-{world.account}"].versioned = True


def _objects(rng: Random, pattern: str, count: int, smallest: int, largest: int) -> dict[str, int]:
    return {
        pattern.format(year=2023 + number % 3, number=number): rng.randrange(smallest, largest)
        for number in range(1, count + 1)
    }


def _allow(sid: str, principal: object, resource: str, action: str = "s3:GetObject") -> dict[str, object]:
    return {
        "Sid": sid, "Effect": "Allow", "Principal": principal, "Action": action,
        "Resource": f"arn:aws:s3:::{resource}",
    }  # fmt: skip


def _policy_answer(statements: list[dict[str, object]]) -> dict[str, str]:
    return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": statements})}


def stranger_policy(bucket: Bucket) -> dict[str, object]:
    """The policy that the intruder leaves on a bucket."""
    resource = f"arn:aws:s3:::{bucket.name}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Sync", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{STRANGER}:root"},
                "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": [resource, f"{resource}/*"],
            }
        ],
    }  # fmt: skip


def _people(world: World) -> Cast:
    made = datetime.fromisoformat
    owner = world.user("legacy-app", created=made("2019-11-18T10:02:11+00:00"))
    admin = world.user("alice", created=made("2020-02-03T08:12:45+00:00"))
    runner = world.user("ci-runner", created=made("2022-06-21T14:30:09+00:00"))
    monitor = world.user("monitor", created=made("2022-07-01T09:00:31+00:00"))
    world.user("reporting", created=made("2021-09-09T12:44:00+00:00"), key=False)
    unused = world.user("old-import", created=made("2018-04-11T07:15:22+00:00"))
    world.users["old-import"].inactive_keys.add(unused.access_key_id or "")
    world.users["alice"].login_profile = made("2020-02-03T08:13:02+00:00")
    world.users["alice"].policies.append("arn:aws:iam::aws:policy/AdministratorAccess")
    world.users["monitor"].policies.append("arn:aws:iam::aws:policy/ReadOnlyAccess")
    world.users["reporting"].policies.append("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    world.users["legacy-app"].inline["legacy"] = _document(
        ["s3:*", "sts:AssumeRole", "iam:ListUsers", "iam:ListRoles", "iam:ListAttached*", "iam:GetAccountSummary"]
    )
    world.users["ci-runner"].inline["deploy"] = _document(["sts:AssumeRole"])
    for name, actions in {
        "ops-admin": ["*"],
        "backup-operator": ["s3:*", "kms:*"],
        "data-pipeline": ["s3:Get*", "s3:List*", "s3:PutObject"],
        "report-writer": ["s3:GetObject", "s3:PutObject"],
        "ci-deployer": ["cloudformation:*", "s3:*", "iam:*", "ec2:*", "lambda:*"],
        "ir-readonly": ["*:Get*", "*:List*", "*:Describe*"],
    }.items():
        by = {"ci-deployer": "user/ci-runner", "ir-readonly": "user/alice"}.get(name, "root")
        world.role(name, {"AWS": f"arn:aws:iam::{world.account}:{by}"}).inline[name] = _document(actions)
    path = "/aws-service-role/config.amazonaws.com/"
    world.role("AWSServiceRoleForConfig", {"Service": "config.amazonaws.com"}, path=path)
    return Cast(owner, admin, runner, monitor)


def _document(actions: list[str]) -> dict[str, object]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
