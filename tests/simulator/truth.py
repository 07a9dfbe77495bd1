"""What really happened, read off the simulated requests and never off the logs."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from simulator.ids import iso
from simulator.principals import Credential
from simulator.requests import Request
from simulator.visibility import visibility_spans
from simulator.world import World, inside

Rows = list[dict[str, Any]]
FOOTHOLD_EVENTS = frozenset(
    {
        "CreateUser", "CreateAccessKey", "CreateLoginProfile", "UpdateLoginProfile", "UpdateAccessKey", "CreateRole",
        "UpdateAssumeRolePolicy", "AttachUserPolicy", "AttachRolePolicy", "AttachGroupPolicy", "PutUserPolicy",
        "PutRolePolicy", "PutGroupPolicy", "CreatePolicy", "CreatePolicyVersion", "SetDefaultPolicyVersion",
        "CreateGroup", "AddUserToGroup", "CreateSAMLProvider", "CreateOpenIDConnectProvider", "GetFederationToken",
    }
)  # fmt: skip
AUTHORIZATION_ERRORS = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Client.UnauthorizedOperation"}
)
DIMENSIONS = ("source_ip_address", "user_agent", "aws_region", "event_name", "bucket")
PARTS = ("credentials", "footholds", "first_seen", "visibility", "losses")


@dataclass
class SampleTruth:
    """The truth of a world, as lists of plain rows; `facts` and `counts` are single ones."""

    folder: Path
    facts: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, Any] = field(default_factory=dict)
    requests: Rows = field(default_factory=list)  # every request, whether logged or not
    credentials: Rows = field(default_factory=list)  # reached from the incident keys, these included
    footholds: Rows = field(default_factory=list)
    first_seen: Rows = field(default_factory=list)  # values of a reached key in the window, never in the baseline
    visibility: Rows = field(default_factory=list)
    losses: Rows = field(default_factory=list)

    def write(self) -> None:
        """Write everything below the folder: one JSON document a part, requests as JSON lines, compressed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for part in ("facts", "counts", *PARTS):
            text = json.dumps(getattr(self, part), indent=1, ensure_ascii=False)
            (self.folder / f"{part}.json").write_text(text + "\n", encoding="utf-8")
        encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
        lines = "".join(encode(row) + "\n" for row in self.requests)
        (self.folder / "requests.jsonl.gz").write_bytes(gzip.compress(lines.encode(), compresslevel=1, mtime=0))

    @classmethod
    def load(cls, folder: Path) -> SampleTruth:
        """Read back what `write` wrote."""
        parts = {
            part: json.loads((folder / f"{part}.json").read_text(encoding="utf-8"))
            for part in ("facts", "counts", *PARTS)
        }
        with gzip.open(folder / "requests.jsonl.gz", "rt", encoding="utf-8") as lines:
            return cls(folder, requests=[json.loads(text) for text in lines], **parts)


def read_truth(world: World, folder: Path) -> SampleTruth:
    """The truth of a world that was rendered, to be written to `folder`."""
    by_key: dict[str | None, list[Request]] = defaultdict(list)
    for request in world.requests:
        by_key[request.credential.access_key_id].append(request)
    reached = world.reached()
    return SampleTruth(
        folder,
        facts=_facts(world),
        counts=_counts(world),
        requests=[_request(request) for request in world.requests],
        credentials=[_credential(world, one, by_key[one.access_key_id]) for one in reached],
        footholds=_footholds(world, {one.access_key_id for one in reached}),
        first_seen=[row for one in reached for row in _first_seen(world, one, by_key[one.access_key_id])],
        visibility=visibility_spans(world),
        losses=_losses(world),
    )


def _facts(world: World) -> dict[str, Any]:
    intruder = [request for request in world.requests if request.actor == "intruder"]
    owner = [request for request in world.requests if request.actor == "owner"]
    return {
        "account": world.account,
        "seed": world.seed,
        "access_keys": [key.access_key_id for key in world.incident_keys],
        "baseline": {"start": iso(world.baseline_start), "end": iso(world.start)},
        "window": {"start": iso(world.start), "end": iso(world.end)},
        "intruder_addresses": sorted({request.address for request in intruder}),
        "intruder_agents": sorted({request.agent for request in intruder}),
        "owner_addresses": sorted({request.address for request in owner}),
        "owner_agents": sorted({request.agent for request in owner}),
        "logging_stopped": [
            {"trail": trail.name, "start": iso(start), "end": iso(end)}
            for trail in world.trails for start, end in trail.stops
        ],
        "last_used": {
            str(key.access_key_id): iso(used.time)
            for user in world.users.values() for key in user.keys if (used := world.last_use(key))
        },
    }  # fmt: skip


def _counts(world: World) -> dict[str, Any]:
    recorded = [request for request in world.requests if request.trails]
    rows = sum(request.sal_rows for request in world.requests)
    lost = sum(request.sal_lost for request in world.requests)
    window = [request for request in recorded if world.start <= request.completed < world.end]
    return {
        "requests": len(world.requests),
        "cloudtrail_events": len(recorded),
        "cloudtrail_events_in_window": len(window),
        "cloudtrail_copies": sum(len(request.trails) - 1 for request in recorded),
        "cloudtrail_late": sum(request.late for request in recorded),
        "access_log_lines": rows - lost,
        "access_log_copies": sum(request.sal_duplicates for request in world.requests),
        "access_log_lost": lost,
    }


def _request(request: Request) -> dict[str, Any]:
    """One simulated request; nulls left out, but for the key and the bucket."""
    logged = []
    if request.trails:
        logged.append("cloudtrail")
    if request.sal_rows > request.sal_lost:
        logged.append("server_access_log")
    found: dict[str, Any] = {
        "time": iso(request.time), "event_time": iso(request.completed), "actor": request.actor,
        "access_key_id": request.credential.access_key_id, "principal_arn": request.credential.principal_arn,
        "event_source": request.source, "event_name": request.event_name, "aws_region": request.region,
        "source_ip_address": request.address, "user_agent": request.agent, "bucket": request.bucket,
        "key": request.key, "success": request.error_code is None, "http_status": request.status,
        "bytes_sent": request.bytes_sent, "logged_in": logged, "request_id": request.request_id,
        "event_id": request.event_id,
    }  # fmt: skip
    optional = {
        "error_code": request.error_code, "trails": list(request.trails), "late": request.late,
        "sal_rows": request.sal_rows, "sal_lost": request.sal_lost, "sal_duplicates": request.sal_duplicates,
        "target": request.target, "version_id": request.version_id, "presigned": bool(request.presigned_seconds),
        "copy_source": list(request.copy_source) if request.copy_source else None,
        "customer_key": request.customer_key,
        "deleted": [[one.key, one.version_id, one.error_code] for one in request.deleted or ()],
    }  # fmt: skip
    return found | {name: value for name, value in optional.items() if value}


def _credential(world: World, one: Credential, uses: list[Request]) -> dict[str, Any]:
    """A reached credential. `link` is `observed` only where a delivered event names the key."""
    issued = one.issued_by
    seed = one in world.incident_keys
    observed = not seed and one.issued_how == "observed" and bool(issued and issued.trails)
    used = [request for request in uses if world.start <= request.completed < world.end]
    recorded = [request for request in used if request.trails]
    return {
        "access_key_id": one.access_key_id,
        "credential_type": "temporary" if one.temporary else "long_term",
        "principal_arn": one.principal_arn,
        "account_id": one.account,
        "parent_access_key_id": None if seed or one.parent is None else one.parent.access_key_id,
        "link": "seed" if seed else "observed" if observed else "inferred",
        "link_event_name": issued.event_name if observed else None,
        "link_event_id": issued.event_id if observed else None,
        "issuing_event_name": issued.event_name if issued else None,
        "issuing_event_id": issued.event_id if issued else None,
        "issuing_event_logged": bool(issued and issued.trails),
        "issued_at": iso(one.created) if one.created else None,
        "actor": "owner and intruder" if seed else issued.actor if issued else None,
        "requests": len(used),
        "event_count": len(recorded),
        "first_used": _bound(recorded, first=True),
        "last_used": _bound(recorded, first=False),
        "first_request": _bound(used, first=True),
        "last_request": _bound(used, first=False),
    }


def _bound(requests: list[Request], *, first: bool) -> str | None:
    times = [request.completed for request in requests]
    if not times:
        return None
    return iso(min(times) if first else max(times))


def _footholds(world: World, reached: set[str | None]) -> Rows:
    return [
        {
            "event_time": iso(request.completed), "access_key_id": request.credential.access_key_id,
            "event_name": request.event_name, "target": request.target, "event_id": request.event_id,
            "outcome": "success" if request.error_code is None
            else "denied" if request.error_code in AUTHORIZATION_ERRORS else "error",
            "logged": bool(request.trails),
        }
        for request in world.requests
        if request.event_name in FOOTHOLD_EVENTS and request.credential.access_key_id in reached
        and world.start <= request.completed < world.end
    ]  # fmt: skip


def _values(request: Request) -> tuple[str | None, ...]:
    return request.address, request.agent, request.region, request.event_name, request.bucket


def _first_seen(world: World, one: Credential, uses: list[Request]) -> Rows:
    """Twice: of all requests, and (`in_cloudtrail`) of those that CloudTrail recorded, which is what logs can tell."""
    found: Rows = []
    for in_cloudtrail in (False, True):
        before: set[tuple[str, str | None]] = set()
        seen: dict[tuple[str, str | None], list[datetime]] = defaultdict(list)
        for request in uses:
            if in_cloudtrail and not request.trails:
                continue
            time = request.completed
            for dimension, value in zip(DIMENSIONS, _values(request), strict=True):
                if value is None:
                    continue
                if world.baseline_start <= time < world.start:
                    before.add((dimension, value))
                elif world.start <= time < world.end:
                    seen[dimension, value].append(time)
        found += [
            {
                "access_key_id": one.access_key_id, "dimension": dimension, "value": value,
                "in_cloudtrail": in_cloudtrail, "first_time": iso(min(when)), "last_time": iso(max(when)),
                "requests": len(when),
            }
            for (dimension, value), when in sorted(seen.items(), key=str) if (dimension, value) not in before
        ]  # fmt: skip
    return found


def _logging_bucket(world: World, request: Request) -> str | None:
    """The bucket whose log holds the request: the source's, where a copy goes to a bucket of somebody else."""
    if request.copy_source and request.bucket not in world.buckets:
        return request.copy_source[0]
    return request.bucket


def _losses(world: World) -> Rows:
    """Access-log rows by bucket: written, lost, copied; and the holes of hours in which nothing came."""
    found: Rows = []
    for bucket in world.buckets.values():
        mine = [request for request in world.requests if _logging_bucket(world, request) == bucket.name]
        if not any(inside(bucket.access_log, request.time) for request in mine):
            continue
        found.append(
            {
                "bucket": bucket.name, "rows": sum(r.sal_rows for r in mine), "lost": sum(r.sal_lost for r in mine),
                "copies": sum(r.sal_duplicates for r in mine),
                "holes": [{"start": iso(start), "end": iso(end)} for start, end in bucket.log_holes],
            }
        )  # fmt: skip
    return found
