"""LookupEvents: what CloudTrail itself remembers of a key, where no trail wrote it down.

Event history reaches back 90 days, in one Region at a time, and holds management events alone: no object that was read
is in it. It answers twice a second and fifty events a page, so it fills holes; it is no substitute for a trail.

Source: CloudTrail API Reference, `LookupEvents`; CloudTrail User Guide, "Working with CloudTrail event history".
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from ir_kit.collect.calls import Calls, side_by_side
from ir_kit.collect.there import There, Trail
from ir_kit.incident import parse_time

__all__ = ["KEPT", "Hole", "Looked", "holes", "look_up"]

KEPT = timedelta(days=90)
PACE = 0.5  # seconds between two calls in one Region: AWS allows two a second


@dataclass(frozen=True)
class Hole:
    """A stretch of time for which no trail is known to have recorded one Region's management events, and why."""

    region: str
    start: datetime
    end: datetime
    reason: str


@dataclass(frozen=True)
class Looked:
    """What was found in one hole: events, the files they lie in, and keys whose answer is not whole."""

    hole: Hole
    events: int
    files: tuple[Path, ...]
    refused: tuple[str, ...]


def holes(there: There, start: datetime, end: datetime, now: datetime) -> list[Hole]:
    """Where does no trail cover the time from `start` to `end`, as far as event history reaches back?

    Returns
    -------
    list of Hole
        One per Region and stretch, by Region and time; empty if none.

    Notes
    -----
    It goes by the trails as they stand now: one that was stopped and started twice tells only of the last time, and one
    whose selectors were changed and changed back tells nothing.
    """
    earliest = max(start, now - KEPT)
    end = min(end, now)
    if earliest >= end:
        return []
    found = []
    for region in there.regions:
        left = [Hole(region, earliest, end, "no trail records it")]
        for trail in there.trails:
            if region in _recorded(trail, there.regions):
                left = [piece for hole in left for piece in _without(hole, trail)]
        found += left
    return sorted(found, key=lambda hole: (hole.region, hole.start))


def _recorded(trail: Trail, regions: Sequence[str]) -> Sequence[str]:
    if trail.management is False or trail.delivery_error:
        return ()
    return regions if trail.multi_region else (trail.home_region,)


def _without(hole: Hole, trail: Trail) -> list[Hole]:
    """What is left of a hole beside the time for which this trail is known to have been logging."""
    started = parse_time(trail.started) if trail.started else None
    stopped = parse_time(trail.stopped) if trail.stopped else None
    if trail.is_logging is None:
        return [hole]
    spans: list[tuple[datetime, datetime]] = []
    if trail.is_logging:
        # started once and never stopped: nobody says since when it has been logging, but by its first start
        spans.append((started or hole.start, hole.end))
        if stopped and started and stopped < started:
            spans.append((hole.start, stopped))
    elif stopped:
        spans.append((started if started and started < stopped else hole.start, stopped))
    pieces = [hole]
    for first, last in spans:
        pieces = [one for piece in pieces for one in _cut(piece, first, last, trail)]
    return pieces


def _cut(hole: Hole, first: datetime, last: datetime, trail: Trail) -> list[Hole]:
    if first >= hole.end or last <= hole.start:
        return [hole]
    why = f"{trail.name} was not logging"
    before = [Hole(hole.region, hole.start, first, why)] if hole.start < first else []
    return before + ([Hole(hole.region, last, hole.end, why)] if last < hole.end else [])


def look_up(
    calls: Calls,
    wanted: Sequence[Hole],
    access_keys: Sequence[str],
    folder: Path,
    *,
    pause: Callable[[float], None] = time.sleep,
) -> list[Looked]:
    """What does event history hold of these keys, in these holes?

    Parameters
    ----------
    calls : Calls
    wanted : sequence of Hole
    access_keys : sequence of str
    folder : Path
        Where the answers lie afterwards, one file a hole and key, as `lookup-events` gives them; none where there was
        no event.
    pause : callable
        Waits between two calls.

    Returns
    -------
    list of Looked
        One per hole.
    """
    by_region: dict[str, list[Hole]] = {}
    for hole in wanted:
        by_region.setdefault(hole.region, []).append(hole)
    found = side_by_side(
        [partial(_in_region, calls, there, access_keys, folder, pause) for _, there in sorted(by_region.items())]
    )
    return [looked for region in found for looked in region]


def _in_region(
    calls: Calls, wanted: Sequence[Hole], access_keys: Sequence[str], folder: Path, pause: Callable[[float], None]
) -> list[Looked]:
    found = []
    paced = _paced(pause)
    for hole in wanted:
        events, files, refused = 0, [], []
        for key in access_keys:
            listed, whole = _of_key(calls, hole, key, paced)
            if not whole:
                refused.append(key)
            if listed:
                name = f"{key}_{hole.start:%Y%m%dT%H%M%SZ}_{hole.end:%Y%m%dT%H%M%SZ}.json"
                path = folder / str(calls.account) / hole.region / name
                _write(path, {"Events": listed})
                files.append(path)
                events += len(listed)
        found.append(Looked(hole, events, tuple(files), tuple(refused)))
    return found


def _paced(pause: Callable[[float], None]) -> Callable[[], None]:
    """Waits before every call but the first."""
    calls = iter(range(1_000_000_000))
    return lambda: pause(PACE) if next(calls) else None


def _of_key(calls: Calls, hole: Hole, key: str, paced: Callable[[], None]) -> tuple[list[Any], bool]:
    parameters: dict[str, Any] = {
        "LookupAttributes": [{"AttributeKey": "AccessKeyId", "AttributeValue": key}],
        "StartTime": hole.start, "EndTime": hole.end, "MaxResults": 50,
    }  # fmt: skip
    events: list[Any] = []
    page = 0
    while True:
        paced()
        # what it answers lies in the file; an event may hold a token, and configuration holds none
        answer = calls.ask("cloudtrail", "LookupEvents", parameters, hole.region, page=page, keep=_names)
        events += answer.response.get("Events") or []
        token = answer.response.get("NextToken")
        if not token or token == parameters.get("NextToken"):
            return events, answer.ok
        parameters["NextToken"], page = token, page + 1


def _names(response: dict[str, Any]) -> dict[str, Any]:
    kept = [{name: event.get(name) for name in ("EventId", "EventName", "EventTime")} for event in _events(response)]
    return response | {"Events": kept}


def _events(response: dict[str, Any]) -> Iterable[dict[str, Any]]:
    return [event for event in response.get("Events") or [] if isinstance(event, dict)]


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial_path = path.with_name(f".{path.name}.partial")
    with partial_path.open("w", encoding="utf-8", newline="\n") as file:
        json.dump(value, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    partial_path.replace(path)
