"""The state of each trail over time: from configuration answers backwards and from management events forwards.

Rules (field guide, section 3): a trail that is created does not log until it is started, and selects management events
alone; ``UpdateTrail`` changes the fields that it names; ``PutEventSelectors`` replaces the whole set, whichever kind it
was; a failed call changes nothing. An event tells the state after it; the state before it is not known from it. What is
known on one side of a time in which nothing recorded management events holds on the other side only where both sides
agree.

A change of a trail settles for `SETTLING` (5 minutes; AWS calls its settings eventually consistent and gives no
number), in which what it switches is `uncertain`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ir_kit.coverage.selectors import DEFAULT, SelectorSet, selector_set
from ir_kit.domain.intervals import LATEST, Held, Span, Timeline, around, edges_of

SETTLING = timedelta(minutes=5)
INSTANT = timedelta(microseconds=1)
ORDER = {"CreateTrail": 0, "DeleteTrail": 2}
_FIELDS = {
    "s3bucketname": "bucket", "s3keyprefix": "prefix", "ismultiregiontrail": "multi_region", "kmskeyid": "kms_key",
    "includeglobalserviceevents": "global_services", "isorganizationtrail": "organization",
}  # fmt: skip
_ABSENT = {
    "bucket": None,
    "prefix": "",
    "multi_region": False,
    "kms_key": "",
    "global_services": True,
    "organization": False,
}


@dataclass(frozen=True, order=True)
class TrailKey:
    """Which trail: names are unique in an account and home Region."""

    account: str
    home_region: str
    name: str


@dataclass
class Trail:
    """One trail over time; each setting has a timeline of its own."""

    key: TrailKey
    logging: Timeline = field(
        default_factory=lambda: Timeline(lasting=(False,))
    )  # bool; False too before it was created and once it is deleted
    selectors: Timeline = field(default_factory=Timeline)  # SelectorSet, or None where a call could not be read
    fields: dict[str, Timeline] = field(default_factory=lambda: {name: Timeline() for name in _ABSENT})

    _changes: tuple[int, list[datetime]] | None = field(default=None, repr=False)

    def timelines(self) -> list[Timeline]:
        return [self.logging, self.selectors, *self.fields.values()]

    def edges(self) -> list[datetime]:
        return [edge for timeline in self.timelines() for edge in timeline.edges()]

    def changes(self) -> list[datetime]:
        count = sum(len(timeline.points) for timeline in self.timelines())
        if self._changes is None or self._changes[0] != count:
            found = {change for timeline in self.timelines() for change in timeline.changes()}
            self._changes = count, sorted(found)
        return self._changes[1]

    def covers(self, region: str, time: datetime) -> Held:
        """Does the trail take the events of this Region at this time?"""
        if region == self.key.home_region:
            return Held("known", True)
        return self.fields["multi_region"].at(time)

    def run(self, time: datetime) -> tuple[Span, bool]:
        """The time around this one in which no change of the trail is known; whether a recorded change ends it."""
        changes = self.changes()
        run = around(time, [*changes, *edges_of(self.logging.dark)])
        return run, run.end in changes

    def leaves_out_global_services(self, time: datetime) -> bool:
        """Is it known to take no events of IAM, STS and CloudFront?"""
        multi, told = self.fields["multi_region"].at(time), self.fields["global_services"].at(time)
        return told.state == "known" and not told.value and not (multi.state == "known" and multi.value)

    def destination(self, time: datetime) -> tuple[str, str] | None:
        """Bucket and prefix that it delivers to, by what is known next to this time."""
        bucket, prefix = self.fields["bucket"].nearest(time), self.fields["prefix"].nearest(time)
        return (str(bucket), str(prefix or "")) if bucket else None

    def frame(self, dark: Iterable[Span], ends: datetime) -> None:
        """Say in which times a change of this trail would have left no record."""
        spans = tuple(dark)
        for timeline in self.timelines():
            timeline.dark, timeline.ends = spans, ends


@dataclass
class Trails:
    """All trails that events or configuration name. `listed`: Regions whose trails configuration lists (`*`: all)."""

    by_key: dict[TrailKey, Trail] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)

    def trail(self, key: TrailKey) -> Trail:
        return self.by_key.setdefault(key, Trail(key))

    def __iter__(self) -> Any:
        return iter([self.by_key[key] for key in sorted(self.by_key)])


def replayed_trails(
    settings: Iterable[Mapping[str, Any]], events: Iterable[Mapping[str, Any]], ends: datetime = LATEST
) -> Trails:
    """In which state was each trail, and when?

    Parameters
    ----------
    settings : rows of ``logging_gaps/trail_settings``
    events : rows of ``logging_gaps/trail_events``
    ends : datetime
        When the last management event of the evidence was made.

    Returns
    -------
    Trails
    """
    trails = Trails()
    for row in settings:
        _setting(trails, row)
    for row in sorted(events, key=lambda row: (row["event_time"], ORDER.get(row["event_name"], 1))):
        if row["error_code"] is None:
            _event(trails, row)
    for trail in trails:
        trail.frame((), ends)
    return trails


def trail_key(name: str | None, account: str | None, region: str | None) -> TrailKey | None:
    """The trail that a name or an ARN names, as called in this account and Region."""
    if not name:
        return None
    parts = name.split(":", 5)
    if len(parts) == 6 and parts[2] == "cloudtrail":
        return TrailKey(parts[4], parts[3], parts[5].removeprefix("trail/"))
    return TrailKey(account or "", region or "", name)


def moment(value: Any) -> datetime | None:
    """A time as a configuration answer or an event writes it."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def document(text: Any) -> dict[str, Any]:
    """A JSON column as a dict; empty where it holds none."""
    try:
        found = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


def _stamp(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")


def _setting(trails: Trails, row: Mapping[str, Any]) -> None:
    time, operation = row["collected_at"], row["operation"]
    asked, response = document(row["parameters"]), document(row["response"])
    words = f"{operation} of {_stamp(time)}"
    if operation in ("DescribeTrails", "ListTrails"):
        if not (asked.get("trailNameList") or asked.get("TrailNameList")):
            trails.listed.add("*" if operation == "ListTrails" else str(row["aws_region"]))
        for one in response.get("trailList") or response.get("Trails") or []:
            _described(trails, one, time, words if operation == "DescribeTrails" else None)
    elif operation == "GetTrail":
        _described(trails, response.get("Trail") or {}, time, words)
    else:
        name = response.get("TrailARN") or asked.get("TrailName") or asked.get("Name")
        key = trail_key(name, row["account_id"], row["aws_region"])
        if key is None:
            return
        if operation == "GetTrailStatus":
            _status(_named(trails, key), response, time, words)
        else:
            chosen = selector_set(response)
            _named(trails, key).selectors.add(time, chosen or SelectorSet(), "seen", words)


def _named(trails: Trails, key: TrailKey) -> Trail:
    """The trail of this key; asked by its bare name in another Region, a multi-Region trail is known by its home
    Region.
    """
    if key in trails.by_key:
        return trails.by_key[key]
    same = [one for one in trails.by_key if (one.account, one.name) == (key.account, key.name)]
    return trails.by_key[same[0]] if len(same) == 1 else trails.trail(key)


def _described(trails: Trails, one: Mapping[str, Any], time: datetime, words: str | None) -> None:
    key = trail_key(one.get("TrailARN") or one.get("Name"), None, one.get("HomeRegion"))
    if key is None:
        return
    trail = trails.trail(key)
    if words is None:
        return
    lower = {str(name).lower(): value for name, value in one.items()}
    for given, name in _FIELDS.items():
        value = lower.get(given)
        trail.fields[name].add(time, _ABSENT[name] if value is None else value, "seen", words)
    if lower.get("hascustomeventselectors") is False:
        trail.selectors.add(time, DEFAULT, "seen", f"{words} (no selectors of its own)")


def _status(trail: Trail, response: Mapping[str, Any], time: datetime, words: str) -> None:
    logging = response.get("IsLogging")
    if not isinstance(logging, bool):
        return
    trail.logging.add(time, logging, "seen", words)
    started, stopped = moment(response.get("StartLoggingTime")), moment(response.get("StopLoggingTime"))
    if started and started <= time and (logging or (stopped and started < stopped)):
        trail.logging.add(started, True, "changed", f"StartLoggingTime {_stamp(started)} by {words}")
    if stopped and stopped <= time and (not logging or (started and stopped < started)):
        trail.logging.add(stopped, False, "changed", f"StopLoggingTime {_stamp(stopped)} by {words}")


def _event(trails: Trails, row: Mapping[str, Any]) -> None:
    time, name = row["event_time"], row["event_name"]
    request, response = _lower(document(row["request_parameters"])), _lower(document(row["response_elements"]))
    key = trail_key(
        response.get("trailarn") or request.get("name") or request.get("trailname") or request.get("trailarn"),
        row["recipient_account_id"], row["aws_region"],
    )  # fmt: skip
    if key is None:
        return
    trail = _named(trails, _as_recorded(trails, key, row))
    words = f"{name} of {_stamp(time)}"
    if name in ("StartLogging", "StopLogging"):
        trail.logging.add(time, name == "StartLogging", "changed", words)
    elif name == "DeleteTrail":
        trail.logging.add(time, False, "changed", words)
    elif name == "PutEventSelectors":
        chosen = selector_set(document(row["request_parameters"])) or selector_set(document(row["response_elements"]))
        trail.selectors.add(time, chosen, "changed", words)
    elif name in ("CreateTrail", "UpdateTrail"):
        created = name == "CreateTrail"
        if created:
            trail.logging.add(time - INSTANT, False, "seen", f"not created before {words}")
            trail.logging.add(time, False, "changed", f"{words} (not started)")
            trail.selectors.add(time, DEFAULT, "changed", words)
        for given, setting in _FIELDS.items():
            if given in request or created:
                value = request.get(given, response.get(given))
                trail.fields[setting].add(time, _ABSENT[setting] if value is None else value, "changed", words)
            elif response.get(given) is not None:
                trail.fields[setting].add(time, response[given], "seen", words)


def _as_recorded(trails: Trails, key: TrailKey, row: Mapping[str, Any]) -> TrailKey:
    """An ARN of an account that differs from the record's own names the same trail as the bare name would
    (pseudonymised logs).
    """
    bare = TrailKey(row["recipient_account_id"] or "", key.home_region, key.name)
    return bare if key not in trails.by_key and bare in trails.by_key else key


def _lower(found: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name).lower(): value for name, value in found.items()}
