"""Everybody else in the account: AWS services, continuous integration, monitoring, an administrator, outsiders."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

from simulator import ids
from simulator.account import ANALYTICS, EXPORTS, PARTNER, RECORDS, STOPPED, SWITCHED_ON, VALIDATED, Cast
from simulator.issuing import assume_role, console_login
from simulator.owner import times
from simulator.principals import Credential
from simulator.world import World, at

FLAT = (1,) * 24
RESTARTED = STOPPED + timedelta(hours=3)
OFFICE = (0,) * 8 + (4, 6, 6, 5, 2, 5, 6, 5, 4, 2) + (0,) * 6
CI_ADDRESS, ADMIN_ADDRESS, MONITOR_ADDRESS = "198.51.100.20", "203.0.113.50", "203.0.113.77"
TERRAFORM = (
    "APN/1.0 HashiCorp/1.0 Terraform/1.5.7 (+https://www.terraform.io) terraform-provider-aws/5.31.0 "
    "(+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.24.0 os/linux lang/go#1.20.11"
)
CI_PYTHON = "Boto3/1.34.51 md/Botocore#1.34.51 ua/2.0 os/linux#6.1.0 lang/python#3.11.8"
CHROME = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/121.0.0.0 Safari/537.36"
)
MONITORING = "aws-sdk-go-v2/1.21.2 os/linux lang/go#1.21.3 md/GOOS#linux md/GOARCH#amd64 api/ec2#1.125.0"
CONFIG_CALLS = (
    ("ec2", "DescribeInstances"), ("ec2", "DescribeSecurityGroups"), ("ec2", "DescribeVpcs"), ("iam", "ListPolicies"),
    ("iam", "GetAccountAuthorizationDetails"), ("cloudtrail", "DescribeTrails"), ("kms", "ListKeys"),
)  # fmt: skip
DEPLOY_CALLS = (
    ("ec2", "DescribeInstances"), ("ec2", "DescribeVpcs"), ("iam", "GetRole"), ("iam", "ListRolePolicies"),
    ("lambda", "GetFunction20150331v2"), ("cloudformation", "DescribeStacks"), ("logs", "DescribeLogGroups"),
)  # fmt: skip
READ_BUCKET = ("GetBucketLocation", "GetBucketAcl", "GetBucketVersioning", "GetBucketEncryption", "GetBucketLogging")


def neighbours(world: World, cast: Cast, scale: float) -> None:
    """Everything that is neither the owner's nor the intruder's."""
    _config(world, 290 * scale)
    _deliveries(world, 110 * scale)
    _integration(world, cast, scale)
    _monitoring(world, cast, 130 * scale)
    _administrator(world, cast, scale)
    _outsiders(world, 6 * scale)
    _lifecycle(world, scale)


def _config(world: World, per_day: float) -> None:
    """AWS Config looks at everything, through its service-linked role."""
    rng = world.stream("config")
    role = world.roles["AWSServiceRoleForConfig"]
    host = "config.amazonaws.com"
    recorder: Credential | None = None
    for time in times(rng, world.baseline_start, world.end, per_day, FLAT, 1.0):
        if recorder is None or recorder.expires is None or time >= recorder.expires:
            service = world.service(host)
            recorder = assume_role(
                world, time, service, role.name, "AWSConfig-Describe", address=host, agent=host
            )  # fmt: skip
            recorder.parent, recorder.invoked_by = None, host
        region = "eu-west-1" if rng.random() < 0.15 else "us-east-1"
        if rng.random() < 0.6:
            name = rng.choice(list(world.buckets))
            world.s3(time, recorder, rng.choice(READ_BUCKET), name, address=host, agent=host, bytes_sent=300)
        else:
            service_name, event = rng.choice(CONFIG_CALLS)
            where = "us-east-1" if service_name == "iam" else region
            world.call(time, recorder, service_name, event, address=host, agent=host, region=where)


def _deliveries(world: World, per_day: float) -> None:
    """CloudTrail and S3 logging look after their delivery."""
    rng = world.stream("deliveries")
    host = "cloudtrail.amazonaws.com"
    service = world.service(host)
    for time in times(rng, world.baseline_start, world.end, per_day, FLAT, 1.0):
        world.s3(time, service, "GetBucketAcl", world.trails[0].bucket, address=host, agent=host, bytes_sent=480)


def _integration(world: World, cast: Cast, scale: float) -> None:
    """A deployment every hour: ci-runner assumes ci-deployer, also while nothing records that it does."""
    rng = world.stream("integration")
    start = world.baseline_start + timedelta(minutes=40)
    hours = int((world.end - start) / timedelta(hours=1))
    for hour in range(hours):
        time = start + timedelta(hours=hour, seconds=rng.randrange(60))
        known: dict[str, Any] = {"address": CI_ADDRESS, "agent": CI_PYTHON}
        session = assume_role(world, time, cast.runner, "ci-deployer", f"deploy-{4000 + hour}", **known)
        busy = 12 if time.weekday() < 5 else 5
        for _ in range(max(1, round(busy * scale))):
            time += timedelta(seconds=rng.randrange(2, 240))
            agent = TERRAFORM if rng.random() < 0.6 else CI_PYTHON
            if rng.random() < 0.35:
                name = rng.choice((RECORDS, EXPORTS, ANALYTICS))
                event = rng.choice(READ_BUCKET)
                world.s3(time, session, event, name, address=CI_ADDRESS, agent=agent, bytes_sent=260)
            else:
                service, event = rng.choice(DEPLOY_CALLS)
                world.call(time, session, service, event, address=CI_ADDRESS, agent=agent)
        if session.created and session.expires and session.created < RESTARTED < session.expires:
            # issued while nothing was recorded, used afterwards: not the intruder's, though its issuing is in no log
            for minutes in (5, 8, 13):
                world.call(RESTARTED + timedelta(minutes=minutes), session, "cloudformation", "DescribeStacks", **known)
        if hour % 24 == 10:
            _forwarded(world, rng, session, time)


def _forwarded(world: World, rng: Random, session: Credential, time: Any) -> None:
    """CloudFormation acts with the deployer's rights: forwarded sessions with a key of their own."""
    host = "cloudformation.amazonaws.com"
    key = Credential(
        "role", session.name, session.account, session.principal_id, ids.access_key_id(rng, "ASIA", world.account),
        session.created, session.session, temporary=True, invoked_by=host,
    )  # fmt: skip
    for event in ("GetFunctionConfiguration20150331v2", "UpdateFunctionCode20150331v2"):
        time += timedelta(seconds=rng.randrange(1, 9))
        world.call(time, key, "lambda", event, address=host, agent=host)


def _monitoring(world: World, cast: Cast, per_day: float) -> None:
    rng = world.stream("monitoring")
    for time in times(rng, world.baseline_start, world.end, per_day, FLAT, 1.0):
        region = rng.choice(("us-east-1", "us-east-1", "eu-west-1"))
        event = rng.choice(("DescribeInstanceStatus", "DescribeVolumes", "DescribeInstances"))
        world.call(
            time, cast.monitor, "ec2", event, address=MONITOR_ADDRESS, agent=MONITORING, region=region,
            parameters={"filterSet": {}}, additional=None,
        )  # fmt: skip


def _administrator(world: World, cast: Cast, scale: float) -> None:
    """Alice in the console on working days, and what she changes."""
    rng = world.stream("administrator")
    known: dict[str, Any] = {"address": ADMIN_ADDRESS, "agent": CHROME}
    day = world.baseline_start
    while day < world.end:
        login = day + timedelta(hours=8, minutes=rng.randrange(50))
        if day.weekday() < 5:
            keys = console_login(world, login, "alice", mfa=True, **known)
            for time in times(rng, login.replace(minute=0) + timedelta(hours=1), day + timedelta(hours=18),
                              60 * scale, OFFICE):  # fmt: skip
                event = rng.choice((*READ_BUCKET, "ListBuckets"))
                name = None if event == "ListBuckets" else rng.choice(list(world.buckets))
                world.s3(time, rng.choice(keys), event, name, bytes_sent=500, **known)
        day += timedelta(days=1)
    cli: dict[str, Any] = {"address": ADMIN_ADDRESS, "agent": "aws-cli/2.15.10 Python/3.11.6 Darwin/23.2.0 exe/x86_64"}
    arn = world.trails[0].arn(world.account)
    world.call(
        VALIDATED, cast.admin, "cloudtrail", "UpdateTrail", parameters={"name": arn, "enableLogFileValidation": True},
        response={"name": world.trails[0].name, "trailARN": arn, "logFileValidationEnabled": True}, **cli,
    )  # fmt: skip
    selectors = [
        {
            "readWriteType": "All", "includeManagementEvents": True, "excludeManagementEventSources": [],
            "dataResources": [
                {"type": "AWS::S3::Object", "values": [f"arn:aws:s3:::{n}/" for n in (RECORDS, ANALYTICS)]}
            ],
        }
    ]  # fmt: skip
    world.call(SWITCHED_ON, cast.admin, "cloudtrail", "PutEventSelectors",
               parameters={"trailName": arn, "eventSelectors": selectors},
               response={"trailARN": arn, "eventSelectors": selectors}, **cli)  # fmt: skip
    responder = assume_role(world, at("2026-03-07T15:02:11Z"), cast.admin, "ir-readonly", "triage", **cli)
    for number, (service, event) in enumerate(CONFIG_CALLS):
        world.call(at("2026-03-07T15:05:00Z") + timedelta(seconds=number), responder, service, event, **cli)
    world.collector = responder
    world.users["legacy-app"].inactive_keys.add(cast.owner.access_key_id or "")
    world.call(world.end - timedelta(minutes=2), cast.admin, "iam", "UpdateAccessKey", target="legacy-app",
               parameters={"userName": "legacy-app", "accessKeyId": cast.owner.access_key_id, "status": "Inactive"},
               **cli)  # fmt: skip


def _outsiders(world: World, per_day: float) -> None:
    """Anonymous visitors, crawlers with odd agents, and a partner account that may read."""
    rng = world.stream("outsiders")
    nobody = world.anonymous()
    partner = world.foreign_role(PARTNER, "partner-reader", "nightly")
    agents = ('Mozilla/5.0 (iPhone) Safari/604.1"', "curl/8.4.0", '() { :;}; echo "shellshock"', CHROME)
    for time in times(rng, world.baseline_start, world.end, max(per_day, 2), FLAT, 1.0):
        address, agent = f"192.0.2.{rng.randrange(1, 60)}", rng.choice(agents)
        known: dict[str, Any] = {"address": address, "agent": agent}
        choice = rng.random()
        if choice < 0.4:
            key = f"public/release-{rng.randrange(1, 9)}.zip"
            size = world.buckets[EXPORTS].objects[key]
            world.s3(time, nobody, "GetObject", EXPORTS, key, bytes_sent=size, object_size=size, **known)
        elif choice < 0.6:
            bucket = rng.choice((RECORDS, EXPORTS))
            world.s3(time, nobody, "GetObject", bucket, rng.choice((".env", "backup.sql", "wp-config.php")),
                     error_code="AccessDenied", **known)  # fmt: skip
        elif choice < 0.7:
            world.s3(time, nobody, "ListObjects", RECORDS, error_code="AccessDenied", **known)
        elif choice < 0.75:
            world.s3(time, nobody, "GetObject", RECORDS, "customers/2024/00001.json",
                     error_code="InvalidAccessKeyId", **known)  # fmt: skip
        else:
            key = f"shared/price-list-{rng.randrange(1, 13):02d}.csv"
            size = world.buckets[RECORDS].objects[key]
            world.s3(time, partner, "GetObject", RECORDS, key, address="198.51.100.150", agent=CI_PYTHON,
                     bytes_sent=size, object_size=size)  # fmt: skip


def _lifecycle(world: World, scale: float) -> None:
    """Expiry of temporary exports, every night: rows of the access log alone."""
    rng = world.stream("lifecycle")
    service = world.service("s3")
    day = world.baseline_start
    while day < world.end:
        for number in range(max(1, round(20 * scale))):
            time = day + timedelta(hours=1, seconds=number * 7)
            key = f"tmp/part {rng.randrange(10**6)}+a.csv"
            world.s3(time, service, "S3.EXPIRE.OBJECT", EXPORTS, key, address="-", agent="-",
                     object_size=rng.randrange(10**6))  # fmt: skip
        day += timedelta(days=1)
