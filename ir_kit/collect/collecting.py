"""One collection: who asks, what is there, what it takes; then settings, log objects and what fills holes; then the
incident file.

What is under way stands in `evidence/collect/`: the answers so far and the ledger of objects. So the same command goes
on where it stopped. What was collected lies in `evidence/raw/`, as it was delivered; nothing there is changed again.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

from ir_kit.aws.clients import Session
from ir_kit.aws.clock import aws_now
from ir_kit.collect import inventory_reports as inventory
from ir_kit.collect import plan
from ir_kit.collect.calls import Calls, side_by_side
from ir_kit.collect.fetched_sources import log_folders
from ir_kit.collect.fetching import fetch_objects
from ir_kit.collect.incident_file import add_to_incident, relative
from ir_kit.collect.listing import list_objects
from ir_kit.collect.log_objects import Listing, Place
from ir_kit.collect.lookup import KEPT, Looked, holes, look_up
from ir_kit.collect.metrics import ask_metrics
from ir_kit.collect.sweep import sweep
from ir_kit.collect.there import There, caller, look
from ir_kit.errors import EvidenceError
from ir_kit.incident import Incident

__all__ = ["Collected", "collect"]

Say = Callable[[str], None]
LISTS = ("ListObjectsV2", "ListObjectVersions", "GetBucketVersioning")
"""What a listing asks. A refusal by an earlier try says nothing of this one."""


@dataclass
class Collected:
    """What a collection left.

    The folder; how many calls were made, and how many of them tell nothing; how many objects are held; the sources that
    the incident gained; what is missing, in sentences.
    """

    raw: Path
    configuration: Path
    calls: int = 0
    refused: int = 0
    objects: int = 0
    bytes: int = 0
    sources: dict[str, list[str]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


class _State:
    """The folder of what is under way, and when it was begun."""

    def __init__(self, incident: Incident, now: Callable[[], datetime]) -> None:
        self.folder = incident.folder / "evidence" / "collect"
        self.raw = incident.folder / "evidence" / "raw"
        self.journal = self.folder / "calls.jsonl"
        self._path = self.folder / "under-way.json"
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            self.begun, self.configuration = datetime.fromisoformat(found["begun"]), self.raw / found["configuration"]
        except (FileNotFoundError, ValueError, KeyError):
            self.begun = now().replace(microsecond=0)
            later = f"configuration-{self.begun:%Y%m%dT%H%M%SZ}.jsonl"
            first = self.raw / "configuration.jsonl"
            self.configuration = self.raw / later if first.exists() else first
            self.journal.unlink(missing_ok=True)
            text = json.dumps({"begun": self.begun.isoformat(), "configuration": self.configuration.name})
            self._path.write_text(text, encoding="utf-8")

    def done(self) -> None:
        """It is whole: the next collection begins anew, and fetches only objects that are new."""
        self._path.unlink(missing_ok=True)
        self.journal.unlink(missing_ok=True)


def collect(
    incident: Incident,
    session: Session,
    regions: Sequence[str] = (),
    *,
    agreed: Callable[[], bool],
    say: Say,
    now: Callable[[], datetime] = aws_now,
    pause: Callable[[float], None] = time.sleep,
) -> Collected | None:
    """Which evidence does AWS hold of this incident? Fetched below the incident's ``evidence/raw/``, and named in its
    file.

    Parameters
    ----------
    incident : Incident
    session : Session
        Who asks.
    regions : sequence of str
        Only these Regions' trails and settings; none: all.
    agreed : callable
        Is asked once, when it is known what fetching takes.
    say : callable
        Told in lines what was found and how far it has come.
    now, pause : callable
        The clock, and what waits.

    Returns
    -------
    Collected or None
        None where it was not agreed to; nothing large was fetched then.

    Raises
    ------
    StoppedError
        The credentials are missing, expired or not accepted, or there is no network; the same command goes on.
    EvidenceError
        The caller may ask for nothing.
    ParameterError
        A Region is none.

    Notes
    -----
    It cannot see log objects that were deleted for good, buckets of other accounts that do not let the caller in, and
    what CloudTrail Lake or CloudWatch Logs hold.
    """
    state = _State(incident, now)
    calls = Calls(session, state.journal, now)
    calls.account, arn = caller(calls)
    there = look(calls, calls.account, arn, regions, incident.buckets)
    _check_answered(calls, arn)
    for line in plan.describe(there):
        say(line)
    start = incident.baseline.start if incident.baseline else incident.window.start
    say("looking for log objects, day by day")
    calls.forget_refusals("s3", LISTS)
    notes: list[str] = []
    reports = _reports(session, calls, there, incident, state, notes)
    wanted = [*plan.places(there, regions), *inventory.data_places(reports)]
    listing = list_objects(session, wanted, start, incident.window.end, state.folder / "listed.jsonl")
    _note_refusals(calls, listing)
    left = plan.needs(there, listing) + notes
    for line in [*left, *plan.versions(listing), plan.estimate(listing).line()]:
        say(line)
    if not agreed():
        state.done()
        return None
    say("asking for settings")
    found = Collected(state.raw, state.configuration, missing=left)
    try:
        _settings(calls, incident, there, state.begun, start, pause)
        looked = _event_history(calls, incident, there, state, start, say, pause)
        _objects(session, state, listing, calls, found, say)
        inventory.note_reports(calls, reports, state.raw.parent, left, say)
    finally:
        found.calls, found.refused = calls.write(state.configuration)
        found.sources = _sources(incident, state, wanted)
        _name_in_incident(incident, calls, there, found, say)
    found.missing += [text for one in looked if (text := _unanswered(one))]
    state.done()
    _tell(found, say)
    return found


def _check_answered(calls: Calls, arn: str) -> None:
    if all(line["service"] == "sts" or "error" in line for line in calls.lines()):
        raise EvidenceError(
            "every call but the first was refused",
            arn,
            "give it the policy that `ir-kit collect --print-policy` prints",
        )


def _reports(
    session: Session, calls: Calls, there: There, incident: Incident, state: _State, notes: list[str]
) -> list[inventory.Report]:
    """The reports of S3 Inventory that matter, with their manifests, which are small and fetched at once."""
    found = inventory.reports(calls, there, incident.window.end, notes)
    if found:
        places = [one.place for one in found]
        spool = state.folder / "manifests.jsonl"
        listing = list_objects(session, places, incident.window.start, incident.window.end, spool)
        _note_refusals(calls, listing)
        fetch_objects(session, listing, state.raw.parent, note=calls.note, now=calls.clock)
        inventory.read_manifests(found, state.raw.parent, notes)
    return found


def _note_refusals(calls: Calls, listing: Listing) -> None:
    """Every list that was refused, as an answer like any other."""
    for one in listing.refused:
        asked = {"Bucket": one.bucket}
        if one.operation != "GetBucketVersioning":
            asked["Prefix"] = one.prefix
        error = {"Code": one.code, "Message": one.message}
        calls.note("s3", one.operation, asked, one.region, None, error)


def _settings(
    calls: Calls, incident: Incident, there: There, begun: datetime, start: datetime, pause: Callable[[float], None]
) -> None:
    """Everything that is asked and not fetched; a Region or a bucket that refuses stops nothing."""
    asked = {"StartTime": start, "EndTime": begun}
    side_by_side(
        [
            partial(sweep, calls, there, incident.access_keys, pause=pause),
            partial(ask_metrics, calls, there, start, incident.window.end),
            *(
                partial(calls.listed, "cloudtrail", "ListPublicKeys", "PublicKeyList", asked, one)
                for one in there.regions
            ),
        ]
    )


def _event_history(
    calls: Calls,
    incident: Incident,
    there: There,
    state: _State,
    start: datetime,
    say: Say,
    pause: Callable[[float], None],
) -> list[Looked]:
    """Event history, where no trail is known to have recorded the time."""
    wanted = holes(there, start, incident.window.end, state.begun)
    if not wanted:
        return []
    reach = state.begun - KEPT
    regions = ", ".join(sorted({hole.region for hole in wanted}))
    say(
        f"no trail is known to have recorded all of the time in {regions}: asking event history, which reaches back to "
        f"{reach:%Y-%m-%dT%H:%M:%SZ} and holds management events only"
    )
    looked = look_up(calls, wanted, incident.access_keys, state.raw / "lookup-events", pause=pause)
    for one in looked:
        if one.events:
            say(f"event history of {one.hole.region}: {one.events:,} events of the incident's keys")
    return looked


def _unanswered(looked: Looked) -> str | None:
    if not looked.refused:
        return None
    keys = ", ".join(looked.refused)
    return f"event history of {looked.hole.region} was refused or broke off for {keys}: what it holds is not known"


def _objects(session: Session, state: _State, listing: Listing, calls: Calls, found: Collected, say: Say) -> None:
    fetched = fetch_objects(
        session, listing, state.raw.parent, note=calls.note, progress=_tenths(listing, say), now=calls.clock
    )
    found.objects, found.bytes = fetched.objects + fetched.already, fetched.bytes
    held = f"; {fetched.already:,} were held already" if fetched.already else ""
    say(f"fetched {fetched.objects:,} objects, {fetched.bytes / 1e6:,.1f} MB{held}")
    for (bucket, reason), count in sorted(fetched.reasons.items()):
        found.missing.append(f"not fetched from {bucket}: {count:,} objects, {reason}")
    for bucket in fetched.requester_pays:
        say(f"{bucket} lets the requester pay: these requests were billed to {calls.account}")


def _tenths(listing: Listing, say: Say) -> Callable[[int, int], None]:
    """Tells how far it has come, a line for each tenth of the objects."""
    told = {0}

    def tell(objects: int, size: int) -> None:
        tenth = 10 * objects // max(listing.objects, 1)
        if tenth not in told:
            told.add(tenth)
            say(f"fetched {objects:,} of {listing.objects:,} objects, {size / 1e6:,.1f} MB")

    return tell


def _sources(incident: Incident, state: _State, places: Sequence[Place]) -> dict[str, list[str]]:
    """What lies there now, by kind of source, as the incident file says it."""
    folders = log_folders(state.raw, places)
    folders["cloudtrail"].append(state.raw / "lookup-events")
    folders["configuration"] = [state.configuration]
    return {
        kind: named
        for kind, listed in folders.items()
        if (named := [relative(incident, folder) for folder in listed if folder.exists()])
    }


def _name_in_incident(incident: Incident, calls: Calls, there: There, found: Collected, say: Say) -> None:
    """The sources that were fetched, and who fetched them."""
    added: dict[tuple[str, ...], Sequence[str]] = {("sources", kind): named for kind, named in found.sources.items()}
    why = _no_responder(incident, calls, there)
    if why is None:
        added[("responders",)] = [there.caller_arn]
    elif not is_named(there.caller_arn, incident.responders):
        found.missing.append(f"{there.caller_arn} is not recorded as a responder: {why}")
    if add_to_incident(incident, added):
        say(f"sources and responder recorded in {incident.path}")


def is_named(arn: str, responders: Sequence[str]) -> bool:
    """Is this caller named already, itself or by its role?"""
    if arn in responders:
        return True
    match = _SESSION.fullmatch(arn)
    role = rf"arn:aws[a-z-]*:iam::{match[1]}:role/(?:.*/)?{re.escape(match[2])}" if match else None
    return role is not None and any(re.fullmatch(role, one) for one in responders)


def _no_responder(incident: Incident, calls: Calls, there: There) -> str | None:
    """Why may this caller's traces not be left out of findings? None: they may."""
    if is_named(there.caller_arn, incident.responders):
        return "named already"
    if there.caller_arn.endswith(":root"):
        return "an account's root is no one's own; use a role for the investigation"
    for line in calls.lines():
        if line["operation"] != "GetAccessKeyLastUsed" or line["parameters"]["AccessKeyId"] not in incident.access_keys:
            continue
        user = (line.get("response") or {}).get("UserName")
        if user and there.caller_arn.rpartition("/")[2] == user and ":user/" in there.caller_arn:
            return "it is the principal whose key leaked; use another for the investigation"
    return None


def _tell(found: Collected, say: Say) -> None:
    say(f"{found.calls:,} calls in {found.configuration.name}, {found.refused:,} of them refused or failed")
    for line in found.missing:
        say(f"missing: {line}")


_SESSION = re.compile(r"arn:aws[a-z-]*:sts::(\d{12}):assumed-role/([^/]+)/.+")
