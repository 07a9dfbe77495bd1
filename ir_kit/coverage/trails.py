"""Each trail's settings over time: from configuration answers backwards and from management events forwards.

Rules (field guide, section 3): a trail that is created does not log until it is started, and selects management events
alone; ``UpdateTrail`` changes the fields that it names; ``PutEventSelectors`` replaces the whole set; a failed call changes
nothing. An event tells the state after it, not before; what is known on one side of a time in which nothing recorded
management events holds on the other only where both agree.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

from ir_kit.coverage.selectors import DEFAULT, SelectorSet, State, lowered, selector_set
from ir_kit.domain.documents import mappings
from ir_kit.domain.intervals import EARLIEST, LATEST, Setting, Span, Timeline, between, edges_of

INSTANT = timedelta(microseconds=1)
ORDER = {"CreateTrail": 0, "DeleteTrail": 2}  # of calls in the same second
FIELDS: dict[str, tuple[str, Any]] = {  # by AWS's name: the setting, and its value where none is given
    "s3bucketname": ("bucket", None), "s3keyprefix": ("prefix", ""), "ismultiregiontrail": ("multi_region", False),
    "kmskeyid": ("kms_key", ""), "includeglobalserviceevents": ("global_services", True),
    "isorganizationtrail": ("organization", False),
}  # fmt: skip
Row = Mapping[str, Any]


class TrailKey(NamedTuple):
    """Which trail: names are unique in an account and home Region."""

    account: str
    home_region: str
    name: str


@dataclass(eq=False)
class Logging:
    """What logs, over time. A change settles for `settling`, in which what it switches is `uncertain`."""

    settling: ClassVar[timedelta]

    def timelines(self) -> list[Timeline]:
        """The timeline of each setting."""
        raise NotImplementedError

    @cached_property
    def changes(self) -> list[datetime]:
        """When it was changed, as far as recorded."""
        return sorted({change for timeline in self.timelines() for change in timeline.changes()})

    @cached_property
    def runs(self) -> list[Span]:
        """The times in which no change of it is known, from the first to the last."""
        return between([*self.changes, *edges_of(self.timelines()[0].unlogged)], EARLIEST, LATEST)

    def run(self, time: datetime) -> tuple[Span, bool]:
        """The time around this one in which no change of it is known; whether a recorded change ends it."""
        run = self.runs[bisect_right(self.runs, time, key=lambda span: span.start) - 1]
        return run, run.end in self.changes

    def frame(self, unlogged: Sequence[Span], ends: datetime) -> None:
        """Set in which times a change of it would have left no record."""
        for timeline in self.timelines():
            timeline.unlogged, timeline.ends = unlogged, ends
        self.__dict__.pop("runs", None)

    def settled(self, time: datetime, name: str, state_at: Callable[[datetime], State], of: Sequence[str]) -> State:
        """Its state, or that it settles after a change to or from one `of` these."""
        state = state_at(time)
        for change in self.changes:
            if change <= time < change + self.settling:
                before = state_at(change - INSTANT).state
                if before != state.state and (before in of or state.state in of):
                    words = f"{name} settles after a change at {change:%Y-%m-%d %H:%M:%S}"
                    return State("uncertain", words, ("settling",))
        return state


@dataclass(eq=False)
class Trail(Logging):
    """One trail over time; each setting has a timeline of its own."""

    settling = timedelta(minutes=5)  # AWS calls a trail's settings eventually consistent and gives no number
    key: TrailKey
    logging: Timeline = field(default_factory=lambda: Timeline(lasting=(False,)))
    """bool; False too before it was created and once it is deleted"""
    selectors: Timeline = field(default_factory=Timeline)
    """SelectorSet, or None where a call could not be read"""
    fields: dict[str, Timeline] = field(default_factory=lambda: {name: Timeline() for name, _ in FIELDS.values()})

    def timelines(self) -> list[Timeline]:
        """The timeline of each setting."""
        return [self.logging, self.selectors, *self.fields.values()]

    def edges(self) -> list[datetime]:
        """Moments at which what is known of it may change."""
        return sorted({edge for timeline in self.timelines() for edge in timeline.edges()})

    def covers(self, region: str | None, time: datetime) -> Setting:
        """Does the trail take the events of this Region at this time?"""
        return Setting("known", True) if region == self.key.home_region else self.fields["multi_region"].at(time)

    def leaves_out_global_services(self, time: datetime) -> bool:
        """Is it known to take no events of IAM, STS and CloudFront?"""
        multi, services = self.fields["multi_region"].at(time), self.fields["global_services"].at(time)
        return services.state == "known" and not services.value and not (multi.state == "known" and multi.value)

    def destination(self, time: datetime) -> tuple[str, str] | None:
        """Bucket and prefix that it delivers to, by what is known next to this time."""
        bucket, prefix = self.fields["bucket"].nearest(time), self.fields["prefix"].nearest(time)
        return (str(bucket), str(prefix or "")) if bucket else None


@dataclass
class Trails:
    """All trails that events or configuration name. `listed`: Regions whose trails configuration lists (`*`: all)."""

    by_key: dict[TrailKey, Trail] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)

    def __iter__(self) -> Iterator[Trail]:
        return iter(self.by_key.values())

    def trail(self, key: TrailKey) -> Trail:
        """The trail of this key; named bare in another Region, a multi-Region trail is known by its home Region."""
        if key not in self.by_key:
            alike = [other for other in self.by_key if (other.account, other.name) == (key.account, key.name)]
            return self.by_key[alike[0]] if len(alike) == 1 else self.by_key.setdefault(key, Trail(key))
        return self.by_key[key]


def trail_timelines(settings: Iterable[Row], events: Iterable[Row], ends: datetime = LATEST) -> Trails:
    """In which state was each trail, and when?

    Parameters
    ----------
    settings, events : rows of ``coverage/log_settings`` and ``coverage/log_events``
    ends : datetime
        When the last management event of the evidence was made.
    """
    trails = Trails()
    for row in settings:
        if row["service"] == "cloudtrail":
            _read_answer(trails, row)
    calls = [row for row in events if row["event_source"] == "cloudtrail.amazonaws.com" and row["error_code"] is None]
    for row in sorted(calls, key=lambda row: (row["event_time"], ORDER.get(row["event_name"], 1))):
        _read_event(trails, row)
    trails.by_key = dict(sorted(trails.by_key.items()))
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
    try:
        time = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _read_answer(trails: Trails, row: Row) -> None:
    time, operation = row["collected_at"], row["operation"]
    parameters, response = lowered(row["parameters"]), row["response"]
    words = f"{operation} of {time:%Y-%m-%d %H:%M:%S}"
    if operation in ("DescribeTrails", "ListTrails") and not parameters.get("trailnamelist"):
        trails.listed.add("*" if operation == "ListTrails" else str(row["aws_region"]))
    for given in mappings(response.get("trailList") or response.get("Trails") or response.get("Trail")):
        named, region = lowered(given), given.get("HomeRegion")
        key = trail_key(given.get("TrailARN") or given.get("Name"), None, region)
        if key is None:
            continue
        trail = trails.by_key.setdefault(key, Trail(key))
        if operation == "ListTrails":  # tells of names alone
            continue
        for name, (setting, absent) in FIELDS.items():
            trail.fields[setting].add(time, absent if named.get(name) is None else named[name], "seen", words)
        if named.get("hascustomeventselectors") is False:
            trail.selectors.add(time, DEFAULT, "seen", f"{words} (no selectors of its own)")
    asked = response.get("TrailARN") or parameters.get("trailname") or parameters.get("name")
    key = trail_key(asked, row["account_id"], row["aws_region"])
    if key and operation == "GetEventSelectors":
        trails.trail(key).selectors.add(time, selector_set(response) or SelectorSet(), "seen", words)
    logging = response.get("IsLogging")
    if key and operation == "GetTrailStatus" and isinstance(logging, bool):
        states = trails.trail(key).logging
        states.add(time, logging, "seen", words)
        started, stopped = moment(response.get("StartLoggingTime")), moment(response.get("StopLoggingTime"))
        if started and started <= time and (logging or (stopped and started < stopped)):
            states.add(started, True, "changed", f"StartLoggingTime {started:%Y-%m-%d %H:%M:%S} by {words}")
        if stopped and stopped <= time and (not logging or (started and stopped < started)):
            states.add(stopped, False, "changed", f"StopLoggingTime {stopped:%Y-%m-%d %H:%M:%S} by {words}")


def _read_event(trails: Trails, row: Row) -> None:
    time, name, account = row["event_time"], row["event_name"], row["recipient_account_id"]
    request, response = lowered(row["request_parameters"]), lowered(row["response_elements"])
    named = response.get("trailarn") or request.get("name") or request.get("trailname") or request.get("trailarn")
    key = trail_key(named, account, row["aws_region"])
    if key is None:
        return
    # an ARN of an account that is not the record's own is that of the bare name (pseudonymised logs)
    bare = TrailKey(account or "", key.home_region, key.name)
    trail = trails.trail(bare if key not in trails.by_key and bare in trails.by_key else key)
    words = f"{name} of {time:%Y-%m-%d %H:%M:%S}"
    if name in ("StartLogging", "StopLogging", "DeleteTrail"):
        trail.logging.add(time, name == "StartLogging", "changed", words)
    elif name == "PutEventSelectors":
        trail.selectors.add(time, selector_set(request) or selector_set(response), "changed", words)
    elif name in ("CreateTrail", "UpdateTrail"):
        created = name == "CreateTrail"
        if created:
            trail.logging.add(time - INSTANT, False, "seen", f"not created before {words}")
            trail.logging.add(time, False, "changed", f"{words} (not started)")
            trail.selectors.add(time, DEFAULT, "changed", words)
        for given, (setting, absent) in FIELDS.items():
            if given in request or created:
                value = request.get(given, response.get(given))
                trail.fields[setting].add(time, absent if value is None else value, "changed", words)
            elif response.get(given) is not None:
                trail.fields[setting].add(time, response[given], "seen", words)
