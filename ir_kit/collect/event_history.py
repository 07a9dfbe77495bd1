"""Event history: what CloudTrail itself remembers of a key for 90 days, where no trail wrote it down.

It holds management events alone, and answers twice a second with fifty events: it fills gaps and replaces no trail.

Source: CloudTrail API Reference, `LookupEvents`; CloudTrail User Guide, "Working with CloudTrail event history".
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

from ir_kit.collect.account_inventory import AccountInventory
from ir_kit.collect.calls import Calls, side_by_side, write_whole
from ir_kit.domain.intervals import LATEST, Span, without
from ir_kit.incident import parse_time

RETENTION = timedelta(days=90)
Gaps = dict[str, list[Span]]
PACE = 0.5  # seconds between two calls in one Region: AWS allows two a second


def trail_gaps(inventory: AccountInventory, start: datetime, end: datetime, now: datetime) -> Gaps:
    """For which times from `start` to `end` is no trail known to have recorded management events?

    By Region, only as far as event history reaches back; empty if none.

    Notes
    -----
    It goes by the trails as they stand now: one that was stopped and started twice tells only of the last time, and one
    whose selectors were changed and changed back tells nothing.
    """
    window = Span(max(start, now - RETENTION), min(end, now))
    gaps = {}
    for region in sorted(inventory.regions):
        trails = [
            trail for trail in inventory.trails if region == trail["HomeRegion"] or trail.get("IsMultiRegionTrail")
        ]
        gaps[region] = without(window, [span for trail in trails for span in logging_spans(trail, window.start)])
    return {region: spans for region, spans in gaps.items() if spans}


def logging_spans(trail: Mapping[str, Any], start: datetime) -> list[Span]:
    """The times from `start` on for which this trail is known to have recorded management events."""
    if trail["Management"] is False or trail.get("LatestDeliveryError"):
        return []
    started, stopped = (
        parse_time(trail[name]) if trail.get(name) else None for name in ("StartLoggingTime", "StopLoggingTime")
    )
    before = [Span(started if started and started < stopped else start, stopped)] if stopped else []
    if not trail.get("IsLogging"):
        return before
    # started once and never stopped: nobody says since when it has been logging, but by its first start
    return [Span(started or start, LATEST), *(before if started and stopped and stopped < started else [])]


def look_up(
    calls: Calls, gaps: Gaps, access_keys: Sequence[str], folder: Path, pause: Callable[[float], None] = time.sleep
) -> list[tuple[str, int, list[str]]]:
    """What does event history hold of these keys, in these gaps?

    One per Region: how many events, and the keys whose answer is not whole. The events lie in `folder` afterwards, one
    file a gap and key, as `lookup-events` gives them. `pause` waits after each call.
    """

    def look_up_region(region: str) -> tuple[str, int, list[str]]:
        count, refused = 0, []
        for gap, key in product(gaps[region], access_keys):
            parameters = {
                "LookupAttributes": [{"AttributeKey": "AccessKeyId", "AttributeValue": key}],
                "StartTime": gap.start,
                "EndTime": gap.end,
                "MaxResults": 50,
            }
            events: list[Any] = []
            # events lie in the file; one may hold a token, and configuration holds none
            for answer in calls.pages("cloudtrail", "LookupEvents", parameters, region, keep=without_content):
                events += answer.response.get("Events") or []
                refused += [key] if answer.code else []
                pause(PACE)
            if events:
                name = f"{key}_{gap.start:%Y%m%dT%H%M%SZ}_{gap.end:%Y%m%dT%H%M%SZ}.json"
                text = json.dumps({"Events": events}, ensure_ascii=False)
                write_whole(folder / str(calls.account) / region / name, text)
            count += len(events)
        return region, count, sorted(set(refused))

    return side_by_side(look_up_region, gaps)


def without_content(response: dict[str, Any]) -> dict[str, Any]:
    """An answer of LookupEvents with the names of its events alone."""
    names = ("EventId", "EventName", "EventTime")
    return response | {"Events": [{name: event.get(name) for name in names} for event in response.get("Events") or []]}
