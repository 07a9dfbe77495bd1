"""A simulated account: buckets, trails, principals and the requests that were made. Knows nothing of log formats.

Small worlds for tests are made the same way as the sample incident::

    world = World(seed=7)
    alice = world.user("alice")
    world.bucket("papers", data_events=True, access_log=True)
    world.s3(at("2026-03-02T10:00:00Z"), alice, "GetObject", "papers", "a.txt", address="192.0.2.1", bytes_sent=10)
    render(world, folder)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from simulator import ids
from simulator.principals import Credential, Role, User
from simulator.requests import S3, Request
from simulator.s3_calls import AUTHENTICATION_FAILURES, ERRORS, S3_CALLS

Span = tuple[datetime, datetime | None]  # half-open; None: until the end


def at(text: str) -> datetime:
    """A UTC time from ISO 8601 text."""
    return datetime.fromisoformat(text).astimezone(UTC)


def inside(spans: list[Span], time: datetime) -> bool:
    return any(start <= time and (end is None or time < end) for start, end in spans)


@dataclass
class Bucket:
    """A bucket; `settings` holds what S3 would answer by operation name (an error code as text: refused or absent)."""

    name: str
    region: str = "us-east-1"
    access_log: list[Span] = field(default_factory=list)
    partitioned: bool = False  # layout of its access-log files
    log_holes: list[tuple[datetime, datetime]] = field(default_factory=list)  # rows that were never delivered
    versioned: bool = False
    created: datetime = datetime(2022, 5, 4, 9, 30, tzinfo=UTC)
    settings: dict[str, Any] = field(default_factory=dict)
    objects: dict[str, int] = field(default_factory=dict)  # size by key


@dataclass
class Trail:
    """A trail. `data_buckets` says of which buckets it recorded data events, and when."""

    name: str
    bucket: str
    region: str = "us-east-1"
    prefix: str = ""
    multi_region: bool = True
    data_buckets: dict[str, list[Span]] = field(default_factory=dict)
    stops: list[tuple[datetime, datetime]] = field(default_factory=list)
    validation_since: datetime | None = None
    created: datetime = datetime(2023, 1, 9, 12, 0, tzinfo=UTC)

    def arn(self, account: str) -> str:
        return f"arn:aws:cloudtrail:{self.region}:{account}:trail/{self.name}"

    def is_stopped(self, time: datetime) -> bool:
        return any(start <= time < end for start, end in self.stops)

    def records(self, request: Request) -> bool:
        """Would this trail have recorded the request, had it been made?"""
        time = request.completed
        if not self.multi_region and request.region != self.region:
            return False
        if self.is_stopped(time) and not (
            request.event_name == "StopLogging" and request.error_code is None and any(s == time for s, _ in self.stops)
        ):
            return False
        if request.is_data:
            return request.bucket is not None and inside(self.data_buckets.get(request.bucket, []), time)
        return True


class World:
    """An account over a stretch of time, with everything that was done in it."""

    def __init__(
        self,
        seed: int = 1,
        *,
        account: str = "111122223333",
        baseline_start: datetime | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        collected_at: datetime | None = None,
    ) -> None:
        self.seed = seed
        self.account = account
        self.start = start or datetime(2026, 3, 1, tzinfo=UTC)
        self.end = end or datetime(2026, 3, 8, tzinfo=UTC)
        self.baseline_start = baseline_start or self.start - timedelta(days=28)
        self.collected_at = collected_at or self.end + timedelta(days=2, hours=9)
        self.fine_from = self.start  # log files are cut hourly from here on, every four hours before
        self.rng = self.stream("world")
        self.canonical_id = ids.canonical_id(self.stream("canonical"))
        self.requests: list[Request] = []
        self.buckets: dict[str, Bucket] = {}
        self.trails: list[Trail] = []
        self.users: dict[str, User] = {}
        self.roles: dict[str, Role] = {}
        self.issued: list[Credential] = []  # every credential, in the order of its making
        self.incident_keys: list[Credential] = []
        self.log_bucket = f"access-logs-{account}"
        self.log_field_counts: list[tuple[datetime, int]] = []  # an access-log row has this many fields from then on
        self.loss_rate = 0.0
        self.duplicate_rate = 0.0
        self.late_rate = 0.0
        self.collector: Credential | None = None

    def stream(self, name: str) -> Random:
        """A random stream of its own, so that one part of the world does not disturb another."""
        return Random(f"{self.seed}:{name}")

    # what there is

    def user(self, name: str, *, created: datetime | None = None, key: bool = True) -> Credential:
        """Make an IAM user and give back its first long-term key (or, without one, the bare principal)."""
        rng = self.stream(f"user:{name}")
        made = created or datetime(2021, 6, 1, 8, 0, tzinfo=UTC)
        user = self.users[name] = User(name, ids.principal_id(rng, "AIDA"), made)
        return self.long_term_key(user, rng, made) if key else Credential("user", name, self.account, user.user_id)

    def long_term_key(
        self, user: User, rng: Random, created: datetime, parent: Credential | None = None, issued_by: Any = None
    ) -> Credential:
        credential = Credential(
            "user", user.name, self.account, user.user_id, ids.access_key_id(rng, "AKIA", self.account), created
        )
        credential.parent, credential.issued_by = parent, issued_by
        credential.issued_how = "observed" if parent else None
        user.keys.append(credential)
        self.issued.append(credential)
        return credential

    def role(self, name: str, trust: dict[str, Any] | None = None, *, path: str = "/") -> Role:
        rng = self.stream(f"role:{name}")
        principal = trust or {"AWS": f"arn:aws:iam::{self.account}:root"}
        document = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}],
        }
        made = datetime(2022, 2, 2, 10, 0, tzinfo=UTC)
        role = self.roles[name] = Role(name, ids.principal_id(rng, "AROA"), made, document, path=path)
        return role

    def service(self, name: str) -> Credential:
        return Credential("service", name, self.account, "")

    def anonymous(self) -> Credential:
        return Credential("anonymous", "anonymous", "anonymous", "")

    def foreign_role(self, account: str, role: str, session: str) -> Credential:
        """A role session of another account: the bucket owner's logs never show its key."""
        rng = self.stream(f"foreign:{account}:{role}")
        return Credential("foreign", role, account, ids.principal_id(rng, "AROA"), session=session)

    def bucket(
        self, name: str, *, region: str = "us-east-1", access_log: bool = False, data_events: bool = False, **more: Any
    ) -> Bucket:
        """Make a bucket; `data_events` switches them on from the beginning on every trail (one is made if none is)."""
        bucket = self.buckets[name] = Bucket(name, region, **more)
        if access_log:
            bucket.access_log.append((self.baseline_start, None))
        if data_events:
            if not self.trails:
                self.trail("trail")
            for trail in self.trails:
                trail.data_buckets.setdefault(name, []).append((self.baseline_start, None))
        return bucket

    def trail(self, name: str, *, bucket: str | None = None, **more: Any) -> Trail:
        trail = Trail(name, bucket or f"trail-logs-{self.account}", **more)
        self.trails.append(trail)
        return trail

    # what was done

    def add(self, request: Request) -> Request:
        """Give a request its ids and keep it."""
        rng = self.rng
        request.event_id = ids.event_id(rng)
        if request.source == S3:
            request.request_id = ids.s3_request_id(rng)
            request.host_id = ids.host_id(rng)
        else:
            request.request_id = ids.event_id(rng)
        self.requests.append(request)
        return request

    def s3(
        self, time: datetime, credential: Credential, event_name: str, bucket: str | None, key: str | None = None,
        *, address: str, agent: str = "Boto3/1.34.100 Python/3.11.9 Linux/6.1 Botocore/1.34.100", **more: Any,
    ) -> Request:  # fmt: skip
        """One S3 request. Status, message and Region follow from the call, the error code and the bucket."""
        request = Request(time, event_name, credential, address, agent, bucket=bucket, key=key, **more)
        known = self.buckets.get(bucket) if bucket else None
        if known:
            request.region = known.region
        if request.error_code:
            request.status, message = ERRORS[request.error_code]
            request.error_message = request.error_message or message
            request.bytes_sent = request.bytes_sent or (0 if event_name.startswith("Head") else 243)
        elif request.byte_range:
            request.status = 206
        else:
            request.status = S3_CALLS[event_name].success
        if known and known.versioned and not request.error_code and event_name in ("PutObject", "CopyObject"):
            request.new_version_id = ids.version_id(self.rng)
        return self.add(request)

    def call(
        self, time: datetime, credential: Credential, service: str, event_name: str,
        *, address: str, agent: str, **more: Any,
    ) -> Request:  # fmt: skip
        """One request to another service than S3, `service` being the name in front of `.amazonaws.com`."""
        more.setdefault("status", 403 if more.get("error_code") else 200)
        return self.add(
            Request(time, event_name, credential, address, agent, source=f"{service}.amazonaws.com", **more)
        )

    # what follows from it

    def reached(self) -> list[Credential]:
        """Credentials issued inside the window by, or with the power of, a reached one; the incident keys first."""
        found = list(self.incident_keys)
        for credential in self.issued:  # a parent is always issued before its child
            if credential.parent is None or credential in found:
                continue
            issued_in_window = credential.created is not None and self.start <= credential.created < self.end
            if credential.parent in found and issued_in_window:
                found.append(credential)
        return found

    def last_use(self, credential: Credential) -> Request | None:
        """The use that GetAccessKeyLastUsed names: within 15 minutes only the first is noted."""
        noted: Request | None = None
        uses = (r for r in self.requests if r.credential is credential and r.error_code not in AUTHENTICATION_FAILURES)
        for request in sorted(uses, key=lambda r: r.time):
            if noted is None or request.time - noted.time >= timedelta(minutes=15):
                noted = request
        return noted
