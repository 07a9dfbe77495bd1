"""A world in which an intruder works against the logs, with the truth of what could be seen, to the minute.

Four days of an account with one trail. Truth is what a request at a given moment would have left in the evidence:

- a stopped trail, selectors without a bucket, a bucket's access log switched off: nothing;
- a log file that was deleted or altered: what lies between the oldest and the newest event that its digest names (the
  same digest proves that it held nothing outside of them);
- access logs under a lifecycle of one day: nothing before the first line that survived; up to the last line that went
  with its file, some came and some did not (`mixed`).
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from ir_kit.case import Case
from ir_kit.case_opening import open_case
from simulator import World, render
from simulator.ids import iso
from simulator.principals import Credential
from simulator.visibility import visibility_spans
from simulator.world import Trail, at

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
START, END = at("2026-03-01T00:00:00Z"), at("2026-03-05T00:00:00Z")  # of the incident's window
FIRST, LAST = START - DAY, END + 90 * MINUTE  # of what was done at all
COLLECTED = END + 4 * HOUR
PAPERS, EXPORTS, LEDGERS = "papers", "exports", "ledgers"
WITH_DATA_EVENTS = (PAPERS, EXPORTS, LEDGERS)
LEDGER_LOGS = "ledger-logs"
APP, AWAY = "203.0.113.10", "192.0.2.146"
OWNER_AGENT, INTRUDER_AGENT = "aws-sdk-java/1.12.488 Linux/5.10 java/11", "aws-cli/2.15.30 Python/3.11.8"
XMLNS = {"xmlns": "http://s3.amazonaws.com/doc/2006-03-01/"}

STOPPED, STARTED = at("2026-03-02T09:20:00Z"), at("2026-03-02T15:50:00Z")
NARROWED, WIDENED = at("2026-03-03T01:10:00Z"), at("2026-03-03T20:25:00Z")
LOGS_OFF, LOGS_ON = at("2026-03-03T04:40:00Z"), at("2026-03-03T18:05:00Z")
EXPIRING = at("2026-03-03T05:15:00Z")
MENDED = at("2026-03-04T06:00:00Z")  # where the lifecycle is taken back
# what was delivered until then was gone when the evidence was collected, by whether the lifecycle was taken back
EXPIRED = {False: at("2026-03-04T00:00:00Z"), True: at("2026-03-03T00:00:00Z")}
DELETED = (at("2026-03-01T14:00:00Z"), at("2026-03-04T10:00:00Z"))  # hours of which the log file is missing
ALTERED = (at("2026-03-02T03:00:00Z"),)  # hours of which the log file is another

# time, event name, error code
FAILED = (
    (at("2026-03-01T20:11:00Z"), "StopLogging", "TrailNotFoundException"),
    (at("2026-03-01T20:13:00Z"), "DeleteTrail", "AccessDenied"),
    (at("2026-03-01T20:17:00Z"), "PutEventSelectors", "AccessDenied"),
    (at("2026-03-01T20:19:00Z"), "PutBucketLogging", "AccessDenied"),
)
DONE = (
    (STOPPED, "StopLogging"),
    (NARROWED, "PutEventSelectors"),
    (LOGS_OFF, "PutBucketLogging"),
    (EXPIRING, "PutBucketLifecycle"),
)

Scope = tuple[str | None, str]  # bucket (None: the Region) and class
Held = tuple[datetime, datetime]


@dataclass
class Story:
    """The case, and what is true of it."""

    case: Case
    world: World
    expired: datetime
    integrity: dict[str, str] = field(default_factory=dict)  # state by name of log file
    gone: list[Held] = field(default_factory=list)  # oldest and newest event of each file that is missing or altered
    first_line: datetime = START  # the first line of the ledgers' log that survived
    last_expired_line: datetime = START

    def moments(self) -> list[datetime]:
        """Every minute of the window."""
        return [START + number * MINUTE for number in range(int((END - START) / MINUTE))]

    def truth(self) -> dict[Scope, list[str]]:
        """By scope and minute: logged, not_logged, lost, mixed, or (where a change settles) settling."""
        moments = self.moments()
        found: dict[Scope, list[str]] = {}
        for row in visibility_spans(self.world):
            states = found.setdefault((row["bucket"], row["record_class"]), ["?"] * len(moments))
            _fill(states, at(row["start_time"]), at(row["end_time"]), row["state"])
        for (bucket, kind), states in found.items():
            if kind != "server_access_log":
                for oldest, newest in self.gone:
                    _fill(states, oldest, newest + timedelta(seconds=1), "lost")
            elif bucket == LEDGERS:
                _fill(states, START, self.first_line, "lost")
                _fill(states, self.first_line, self.last_expired_line + timedelta(seconds=1), "mixed")
            for change, band in _changes(bucket, kind):
                _fill(states, change, change + band, "settling")
        return found


def _changes(bucket: str | None, kind: str) -> Iterator[tuple[datetime, timedelta]]:
    """When what is logged of a scope changed, and how long that may take to settle."""
    if kind == "server_access_log":
        yield from ((change, HOUR) for change in (LOGS_OFF, LOGS_ON) if bucket == EXPORTS)
        return
    yield from ((change, 5 * MINUTE) for change in (STOPPED, STARTED))
    if bucket == LEDGERS and kind != "management":
        yield from ((change, 5 * MINUTE) for change in (NARROWED, WIDENED))


def _fill(states: list[str], start: datetime, end: datetime, state: str) -> None:
    first, last = (max(0, -int((START - edge) // MINUTE)) for edge in (start, end))
    states[first:last] = [state] * (min(last, len(states)) - first)


# what was done


def build(mended: bool) -> World:
    """The world, before anything was tampered with on disk; `mended` where the lifecycle was taken back."""
    world = World(11, baseline_start=FIRST, start=START, end=END + 2 * HOUR, collected_at=COLLECTED)
    trail = world.trail("main", validation_since=FIRST, stops=[(STOPPED, STARTED)])
    for name in (PAPERS, EXPORTS, LEDGERS):
        bucket = world.bucket(name, access_log=True, data_events=True)
        bucket.objects = {f"{part}/{number:03d}.csv": 900 + number for part in ("a", "b", "c") for number in range(40)}
    trail.data_buckets[LEDGERS] = [(FIRST, NARROWED), (WIDENED, None)]
    world.buckets[EXPORTS].access_log = [(FIRST, LOGS_OFF), (LOGS_ON, None)]
    target = {"TargetBucket": LEDGER_LOGS, "TargetPrefix": f"{LEDGERS}/"}
    world.buckets[LEDGERS].settings["GetBucketLogging"] = {"LoggingEnabled": target}
    for name, service in ((trail.bucket, "cloudtrail"), (world.log_bucket, "logging.s3"), (LEDGER_LOGS, "logging.s3")):
        statement = {
            "Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "s3:PutObject",
            "Resource": f"arn:aws:s3:::{name}/*",
        }  # fmt: skip
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        world.bucket(name).settings["GetBucketPolicy"] = {"Policy": policy}
    expiry = {"ID": "tidy", "Filter": {"Prefix": ""}, "Status": "Enabled", "Expiration": _days(mended)}
    world.buckets[LEDGER_LOGS].settings["GetBucketLifecycleConfiguration"] = {"Rules": [expiry]}
    leaked = world.user("app")
    world.incident_keys = [leaked]
    _owner(world, world.user("owner"))
    _intruder(world, leaked, trail)
    _lifecycle(world, leaked, EXPIRING, False)
    if mended:
        _lifecycle(world, leaked, MENDED, True)
    return world


def _days(mended: bool) -> dict[str, int]:
    return {"Days": 400 if mended else 1}


def _lifecycle(world: World, credential: Credential, time: datetime, mended: bool) -> None:
    rule = {"ID": "tidy", "Prefix": "", "Status": "Enabled", "Expiration": _days(mended)}
    asked = {"LifecycleConfiguration": XMLNS | {"Rule": rule}}
    world.s3(
        time, credential, "PutBucketLifecycle", LEDGER_LOGS, parameters=asked, duration_ms=0, address=AWAY,
        agent=INTRUDER_AGENT, actor="intruder",
    )  # fmt: skip


def _owner(world: World, owner: Credential) -> None:
    """Reads every ten minutes and writes every hour on each bucket; calls that read and write between them."""
    known: dict[str, Any] = {"address": APP, "agent": OWNER_AGENT, "actor": "owner"}
    for number in range(int((LAST - FIRST) / (10 * MINUTE))):
        time = FIRST + number * 10 * MINUTE
        for shift, name in enumerate((PAPERS, EXPORTS, LEDGERS)):
            keys = list(world.buckets[name].objects)
            key = keys[(number * 7 + shift) % len(keys)]
            size = world.buckets[name].objects[key]
            moment = time + timedelta(seconds=11 + 17 * shift + number % 13)
            world.s3(moment, owner, "GetObject", name, key, bytes_sent=size, object_size=size, **known)
            if number % 6 == shift:
                moment += 2 * MINUTE
                world.s3(moment, owner, "PutObject", name, key, bytes_received=size, object_size=size, **known)
        if number % 2:
            world.call(time + 3 * MINUTE, owner, "sts", "GetCallerIdentity", **known)
        if number % 6 == 4:
            world.call(time + 4 * MINUTE, owner, "ec2", "CreateTags", **known)


def _selectors(*buckets: str) -> list[dict[str, Any]]:
    values = [f"arn:aws:s3:::{name}/" for name in buckets]
    resources = [{"type": "AWS::S3::Object", "values": values}]
    return [{"readWriteType": "All", "includeManagementEvents": True, "dataResources": resources,
             "excludeManagementEventSources": []}]  # fmt: skip


def _intruder(world: World, leaked: Credential, trail: Trail) -> None:
    """The acts, and what puts them right again."""
    known: dict[str, Any] = {"address": AWAY, "agent": INTRUDER_AGENT, "actor": "intruder"}
    arn = trail.arn(world.account)

    def trails(time: datetime, name: str, parameters: dict[str, Any] | None, **more: Any) -> None:
        world.call(time, leaked, "cloudtrail", name, parameters=parameters, duration_ms=0, **known, **more)

    def bucket(time: datetime, name: str, of: str, parameters: dict[str, Any], **more: Any) -> None:
        world.s3(time, leaked, name, of, parameters=parameters, duration_ms=0, **known, **more)

    off = {"BucketLoggingStatus": XMLNS}
    asked: dict[str, dict[str, Any] | None] = {
        "StopLogging": {"name": "no-such-trail"},
        "DeleteTrail": None,  # a refusal may be recorded without what was asked for
        "PutEventSelectors": {"trailName": arn, "eventSelectors": _selectors(PAPERS)},
    }
    for time, name, error in FAILED:
        if name == "PutBucketLogging":
            bucket(time, name, PAPERS, off, error_code=error)
        else:
            trails(time, name, asked[name], error_code=error)
    for time, name in ((STOPPED, "StopLogging"), (STARTED, "StartLogging")):
        trails(time, name, {"name": arn})
    for time, left in ((NARROWED, (PAPERS, EXPORTS)), (WIDENED, (PAPERS, EXPORTS, LEDGERS))):
        chosen = {"eventSelectors": _selectors(*left)}
        trails(time, "PutEventSelectors", {"trailName": arn} | chosen, response={"trailARN": arn} | chosen)
    on = {"TargetBucket": world.log_bucket, "TargetPrefix": f"{EXPORTS}/"}
    bucket(LOGS_OFF, "PutBucketLogging", EXPORTS, off)
    bucket(LOGS_ON, "PutBucketLogging", EXPORTS, {"BucketLoggingStatus": XMLNS | {"LoggingEnabled": on}})


# what became of the evidence


def open_story(folder: Path, mended: bool) -> Story:
    """The world's logs, tampered with and loaded, and the truth; `mended` where the lifecycle was taken back."""
    world, expired = build(mended), EXPIRED[mended]
    incident = folder / "story"
    incident.mkdir(parents=True)
    evidence = incident / "evidence"
    render(world, evidence)
    states, gone = _tamper(evidence / "cloudtrail")
    first, last = _expire(evidence / "access-logs" / LEDGERS, expired)
    fields = {
        "incident": "story",
        "access_keys": [key.access_key_id for key in world.incident_keys],
        "window": {"start": iso(START), "end": iso(END)},
        "baseline": {"start": iso(FIRST), "end": iso(START)},
        "sources": {
            "cloudtrail": ["evidence/cloudtrail"],
            "access_logs": ["evidence/access-logs"],
            "configuration": "evidence/configuration.jsonl",
        },
    }
    (incident / "incident.yaml").write_text(yaml.safe_dump(fields))
    return Story(open_case("story", str(folder)), world, expired, states, gone, first, last)


def _tamper(root: Path) -> tuple[dict[str, str], list[Held]]:
    """Delete and alter log files; the state of each file, and the events that those held."""
    states, gone = {}, []
    for path in sorted(root.glob("AWSLogs/*/CloudTrail/*/*/*/*/*.json.gz")):
        name = str(path.relative_to(root))
        stamp = re.search(r"_(\d{8}T\d{4})Z_", path.name)
        assert stamp
        hour = datetime.strptime(stamp[1], "%Y%m%dT%H%M").replace(tzinfo=UTC, minute=0) - HOUR
        states[name] = "missing" if hour in DELETED else "modified" if hour in ALTERED else "valid"
        if states[name] == "valid":
            continue
        records = json.loads(gzip.decompress(path.read_bytes()))["Records"]
        times = [at(record["eventTime"]) for record in records]
        gone.append((min(times), max(times)))
        if states[name] == "missing":
            path.unlink()
        else:
            path.write_bytes(gzip.compress(json.dumps({"Records": records[:-3]}).encode(), mtime=0))
    return states, gone


def _expire(folder: Path, expired: datetime) -> tuple[datetime, datetime]:
    """Remove what the lifecycle had removed: the first line that is left, the last that is not."""
    kept, lost = [], []
    for path in sorted(folder.iterdir()):
        delivered = datetime.strptime(path.name[:19], "%Y-%m-%d-%H-%M-%S").replace(tzinfo=UTC)
        times = [
            datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z") for text in re.findall(r"\[([^\]]+)\]", path.read_text())
        ]
        if delivered < expired:
            path.unlink()
            lost += times
        else:
            kept += times
    return min(kept), max(lost)
