"""One collection: what is there, what fetching it takes; then settings, event history, log objects; then the incident file.

What is under way stands in `evidence/collect/`, so that the same command goes on where it stopped. What was collected
lies in `evidence/raw/`, as it was delivered; nothing there is changed again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from ir_kit.aws.clients import Session
from ir_kit.collect import inventory_reports as inventories
from ir_kit.collect import plan
from ir_kit.collect.account_inventory import discover
from ir_kit.collect.calls import Calls
from ir_kit.collect.event_history import RETENTION, look_up, trail_gaps
from ir_kit.collect.fetching import fetch_objects
from ir_kit.collect.incident_file import add_to_incident
from ir_kit.collect.listing import list_objects
from ir_kit.collect.log_objects import Listing
from ir_kit.collect.settings_sweep import sweep
from ir_kit.domain.principals import is_responder, user_name
from ir_kit.errors import EvidenceError
from ir_kit.incident import Incident


class Collected(NamedTuple):
    """What a collection left: its folder, and what is missing, in sentences."""

    raw: Path
    missing: list[str]


class UnderWay:
    """The folder of what is under way, when it was begun, and where its answers go in the end."""

    def __init__(self, incident: Incident, now: Callable[[], datetime]) -> None:
        self.evidence = incident.folder / "evidence"
        self.raw, self.folder = self.evidence / "raw", self.evidence / "collect"
        self.journal, self.mark = self.folder / "calls.jsonl", self.folder / "under-way.json"
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            noted = json.loads(self.mark.read_text(encoding="utf-8"))
            self.begun, name = datetime.fromisoformat(noted["begun"]), noted["configuration"]
        except (FileNotFoundError, ValueError, KeyError):
            self.begun = now().replace(microsecond=0)
            later = f"configuration-{self.begun:%Y%m%dT%H%M%SZ}.jsonl"
            name = later if (self.raw / "configuration.jsonl").exists() else "configuration.jsonl"
            self.journal.unlink(missing_ok=True)
            self.mark.write_text(json.dumps({"begun": self.begun.isoformat(), "configuration": name}), encoding="utf-8")
        self.configuration = self.raw / name

    def finish(self) -> None:
        """It is whole: the next collection begins anew, and fetches only objects that are new."""
        self.mark.unlink(missing_ok=True)
        self.journal.unlink(missing_ok=True)


def collect(
    incident: Incident,
    session: Session,
    regions: Sequence[str] = (),
    *,
    agreed: Callable[[], bool],
    say: Callable[[str], None],
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Collected | None:
    """Which evidence does AWS hold of this incident? Fetched below the incident's ``evidence/raw/``, and named in its
    file; None where that was not agreed to, and nothing large was fetched.

    Parameters
    ----------
    regions : sequence of str
        Only these Regions' trails and settings; none: all.
    agreed : callable
        Is asked once, when it is known what fetching takes.
    say : callable
        Takes lines on what was found and how far it has come.
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
    state = UnderWay(incident, now)
    calls = Calls(session, state.journal, now)
    inventory = discover(calls, regions, incident.buckets)
    caller = inventory.caller_arn
    if all(line["service"] == "sts" or "error" in line for line in calls.lines()):
        next_step = "give it the policy that `ir-kit collect --print-policy` prints"
        raise EvidenceError("every call but the first was refused", caller, next_step)
    for line in inventory.lines:
        say(line)
    start, end = (incident.baseline or incident.window).start, incident.window.end
    say("looking for log objects, day by day")
    missing: list[str] = []
    reports = inventories.find_reports(calls, inventory, end, missing)
    if reports:  # their manifests are small, and fetched at once
        manifests = [place for report in reports for place in report.places([report.key])]
        listing = list_objects(session, manifests, end, end, state.folder / "manifests.jsonl")
        note_refusals(calls, listing)
        fetch_objects(session, listing, state.evidence, note=calls.note, now=now)
        inventories.read_manifests(reports, state.evidence, missing)
    places = plan.places(inventory, regions)
    files = {place for report in reports for place in report.places(list(report.files))}
    wanted = [*places, *sorted(files, key=lambda place: (place.bucket, place.prefix))]
    listing = list_objects(session, wanted, start, end, state.folder / "listed.jsonl")
    note_refusals(calls, listing)
    refusals, versions = plan.describe_listing(inventory, listing)
    missing[:0] = refusals
    for line in [*missing, *versions, plan.estimate(listing)]:
        say(line)
    if not agreed():
        state.finish()
        return None
    say("asking for settings")
    try:
        sweep(calls, inventory, incident.access_keys, start, end, state.begun)
        gaps = trail_gaps(inventory, start, end, state.begun)
        if gaps:
            reach = f"reaches back to {state.begun - RETENTION:%Y-%m-%dT%H:%M:%SZ} and holds management events only"
            say(
                f"not all of the time was recorded by a trail in {', '.join(gaps)}: asking event history, which {reach}"
            )
        folder = state.raw / "lookup-events"
        for region, events, keys in look_up(calls, gaps, incident.access_keys, folder):
            if events:
                say(f"event history of {region}: {events:,} events of the incident's keys")
            if keys:
                why = f"was refused or broke off for {', '.join(keys)}: what it holds is not known"
                missing.append(f"event history of {region} {why}")
        progress = tenths(listing.objects, say)
        fetched = fetch_objects(session, listing, state.evidence, note=calls.note, progress=progress, now=now)
        already = f"; {fetched.already:,} were fetched before" if fetched.already else ""
        say(f"fetched {fetched.objects:,} objects, {fetched.bytes / 1e6:,.1f} MB{already}")
        for (bucket, reason), count in sorted(fetched.reasons.items()):
            missing.append(f"not fetched from {bucket}: {count:,} objects, {reason}")
        for bucket in fetched.requester_pays:
            say(f"{bucket} lets the requester pay: these requests were billed to {calls.account}")
        inventories.note_reports(calls, reports, state.evidence, missing, say)
    finally:
        count, refused = calls.write(state.configuration)
        folders = plan.log_folders(state.raw, places)
        folders["cloudtrail"].append(state.raw / "lookup-events")
        folders["configuration"] = [state.configuration]
        added: dict[tuple[str, ...], list[str]] = {
            ("sources", kind): [path.relative_to(incident.folder).as_posix() for path in paths if path.exists()]
            for kind, paths in folders.items()
        }
        added["responders",] = new_responders(incident, calls, caller, missing)
        if add_to_incident(incident, added):
            say(f"sources and responder recorded in {incident.path}")
    state.finish()
    say(f"{count:,} calls in {state.configuration.name}, {refused:,} of them refused or failed")
    for line in missing:
        say(f"missing: {line}")
    return Collected(state.raw, missing)


def note_refusals(calls: Calls, listing: Listing) -> None:
    """Write down every list that was refused, as an answer like any other."""
    for refusal in listing.refused:
        prefix = {} if refusal.operation == "GetBucketVersioning" else {"Prefix": refusal.prefix}
        error = {"Code": refusal.code, "Message": refusal.message}
        calls.note("s3", refusal.operation, {"Bucket": refusal.bucket} | prefix, refusal.region, None, error)


def tenths(objects: int, say: Callable[[str], None]) -> Callable[[int, int], None]:
    """What says how far fetching has come, a line for each tenth of the objects."""
    passed = {0}

    def progress(done: int, size: int) -> None:
        tenth = 10 * done // max(objects, 1)
        if tenth not in passed:
            passed.add(tenth)
            say(f"fetched {done:,} of {objects:,} objects, {size / 1e6:,.1f} MB")

    return progress


def new_responders(incident: Incident, calls: Calls, caller: str, missing: list[str]) -> list[str]:
    """The caller, to be recorded as a responder; not one whose traces are what is being looked for, and `missing` says so."""
    if is_responder(caller, incident.responders):
        return []
    leaked = {
        line["response"].get("UserName")
        for line in calls.lines()
        if line["operation"] == "GetAccessKeyLastUsed" and "response" in line
        if line["parameters"]["AccessKeyId"] in incident.access_keys
    }
    if caller.endswith(":root") or user_name(caller) in leaked - {None}:
        why = "it is the account's root, or the principal whose key leaked; use a role for the investigation"
        missing.append(f"{caller} is not recorded as a responder: {why}")
        return []
    return [caller]
