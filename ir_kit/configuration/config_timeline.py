"""The settings of each bucket over time: from calls that set them, answers that were collected, and reads that found nothing.

Between a call and the next one a setting stays what it was; an answer in between tells it for the whole stretch, back
to the call before. Where calls were not logged a change would not have been seen: nothing is carried over such a
stretch but what holds on both sides of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.configuration.answers import Answer, Call, Configuration, Row, Setting, configuration
from ir_kit.configuration.change_events import ConfigChange, absent, change_of, of_account, of_bucket
from ir_kit.configuration.inventory import BucketInventory, inventory
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.domain.intervals import EARLIEST, LATEST, Point, Span, Timeline

Unlogged = Mapping[tuple[str | None, str], Sequence[Span]]
INSTANT = timedelta(microseconds=1)
BELOW_BUCKETS = ("s3", "s3control", "organizations", "sts")
# what a read of this name is about where it finds nothing
ABSENT_IN = {
    "GetBucketPolicyStatus": "GetBucketPolicy", "GetBucketPublicAccessBlock": "GetPublicAccessBlock",
    "GetAccountPublicAccessBlock": "GetPublicAccessBlock",
}  # fmt: skip
OF_BUCKET = {
    "GetBucketPolicy", "GetBucketPolicyStatus", "GetPublicAccessBlock", "GetBucketWebsite", "GetBucketCors", "GetBucketAcl",
    "GetBucketReplication", "GetBucketOwnershipControls", "ListBucketInventoryConfigurations", "GetBucketVersioning",
    "ListBucketAnalyticsConfigurations", "GetBucketLifecycleConfiguration",
}  # fmt: skip
VERSIONING = {
    "bucket": "varchar", "start_time": "timestamp", "end_time": "timestamp", "versioning_status": "varchar",
}  # fmt: skip


class ConfigTimeline:
    """Settings over time.

    Parameters
    ----------
    collected : Configuration
        What configuration answered, and when.
    changes : iterable of ConfigChange
        Calls in the order of time, failed ones included.
    absences : iterable of mappings
        Rows of the question ``configuration/setting_absences``.
    inventory : BucketInventory
    unlogged : mapping
        By bucket and class of record, the stretches in which calls were not logged; the account's calls are those of
        the bucket None.
    """

    def __init__(
        self, collected: Configuration, changes: Iterable[ConfigChange], absences: Iterable[Row],
        inventory: BucketInventory, unlogged: Unlogged,
    ) -> None:  # fmt: skip
        self.inventory, self._unlogged = inventory, unlogged
        self._timelines: dict[Setting, Timeline] = {}
        self._failed: dict[Setting, Answer] = {}  # asked for, and refused or unreadable
        self._access_points: dict[str, str] = {}  # to the bucket of each
        self._lasting: dict[str | None, list[tuple[Setting, Call]]] = defaultdict(list)  # what no call here changes
        self._read: dict[tuple[Any, ...], Configuration] = {}
        points: dict[Setting, list[Point]] = defaultdict(list)
        for asked, call in collected.calls():
            self._add_answers(asked, call, points)
        listed = list(changes)
        for change in listed:
            if change.path == "access_point" and change.bucket and change.target and change.succeeded:
                self._access_points[change.target.rpartition("/")[2]] = change.bucket
            sets = {change.setting: change.content} if change.setting else {}
            for asked, answer in {**sets, **change.also}.items() if change.succeeded else ():
                points[asked].append(Point(change.moment, answer, "changed"))
        for row in absences:
            name = str(row["event_name"])
            operation = ABSENT_IN.get(name, name)
            account = operation == "GetPublicAccessBlock" and (name.startswith("GetAccount") or not row["bucket"])
            if account or row["bucket"]:
                asked = of_account(row["recipient_account_id"]) if account else of_bucket(operation, str(row["bucket"]))
                times = sorted({_late(row["first_time"]), _late(row["last_time"])})
                points[asked] += [Point(time, absent(operation), "seen") for time in times]
        self._by_subject: dict[tuple[str, str], list[Setting]] = defaultdict(list)
        for asked in [*points, *(other for other in self._failed if other not in points)]:
            leads_to = self._access_points.get(asked.parameters.get("Name", ""))
            account_of = ("AccountId", asked.parameters.get("AccountId", ""))
            subject = ("Bucket", leads_to) if leads_to else asked.subject[0] if asked.service == "s3" else account_of
            self._by_subject[subject].append(asked)
        for asked, found in points.items():
            self._timelines[asked] = _timeline(found, self._unlogged_of(asked))
        self._base = Configuration()
        for asked, call in self._lasting.pop(None, []):
            self._base.add(asked, call)
        self.changes = [self._placed(change) for change in listed]

    def _add_answers(self, asked: Setting, call: Call, points: dict[Setting, list[Point]]) -> None:
        of = asked.parameters
        if asked.service not in BELOW_BUCKETS:
            return
        if asked.service == "s3control" and asked.operation == "GetPublicAccessBlock":
            asked = of_account(of.get("AccountId") or call.account)
        timed = (
            (asked.service == "s3" and "Bucket" in of and asked.operation in OF_BUCKET)
            or (asked.operation == "GetObjectAcl" and "VersionId" not in of)
            or (asked.service == "s3control" and asked.operation in ("GetAccessPointPolicy", "GetAccessPointPolicyStatus"))
            or (asked.service == "s3control" and asked.operation == "GetPublicAccessBlock")
        )
        bucket = call.answer.response.get("Bucket") if asked.operation == "GetAccessPoint" else of.get("Bucket")
        if asked.operation == "GetAccessPoint" and bucket:
            self._access_points[of.get("Name", "").rpartition("/")[2]] = str(bucket)
        if not timed:
            self._lasting[str(bucket) if bucket else None].append((asked, call))
        for answer in call.answers if timed else ():
            if answer.known:
                points[asked].append(Point(_late(answer.collected_at), answer, "seen"))
            else:
                self._failed[asked] = answer

    def _unlogged_of(self, asked: Setting) -> Sequence[Span]:
        record_class = "data_write" if asked.operation == "GetObjectAcl" else "management"
        return self._unlogged.get((asked.parameters.get("Bucket"), record_class), ())

    def _placed(self, change: ConfigChange) -> ConfigChange:
        """The change with its bucket, where it names an access point alone."""
        if change.path != "access_point" or change.bucket or not change.target:
            return change
        return replace(change, bucket=self._access_points.get(change.target.rpartition("/")[2]))

    def at(self, asked: Setting, time: datetime) -> Answer:
        """What was a setting at this time?"""
        known = self._timelines[asked].at(time) if asked in self._timelines else None
        values = (known.value, known.other) if known else ()
        return next((answer for answer in values if answer and answer.known), Answer(asked.operation))

    def before(self, change: ConfigChange) -> Answer:
        """What was the setting that a call changes, just before it?"""
        empty = Answer(change.content.operation)
        return self.at(change.setting, change.moment - INSTANT) if change.setting else empty

    def last(self, asked: Setting) -> Answer:
        """What is a setting by the last that is known of it?"""
        return self._timelines[asked].points[-1].value if asked in self._timelines else Answer(asked.operation)

    def settings(self, name: str) -> list[Setting]:
        """The settings of a bucket, and those of its account, of which anything is known or was asked."""
        above = ("AccountId", str(self.inventory.bucket(name).account))
        return [*self._by_subject.get(("Bucket", name), []), *self._by_subject.get(above, [])]

    def configuration_at(
        self, name: str, time: datetime, instead: Mapping[Setting, Answer] | None = None
    ) -> Configuration:
        """What configuration would have answered of a bucket at this time; `instead`: had these settings been so.

        With an object's ACL instead, those of other objects are left out.
        """
        other = instead or {}
        left_out = "GetObjectAcl" if any(asked.operation == "GetObjectAcl" for asked in other) else ""
        found = {asked: self.at(asked, time) for asked in self.settings(name) if asked.operation != left_out} | dict(other)
        found = {asked: answer if answer.known else self._failed.get(asked, answer) for asked, answer in found.items()}
        key = (name, left_out, *((asked, id(answer)) for asked, answer in found.items() if answer.state != "not_asked"))
        if key not in self._read:
            self._read[key] = read = Configuration(base=self._base)
            for asked, call in self._lasting.get(name, []):
                if asked.operation != left_out:
                    read.add(asked, call)
            account = self.inventory.bucket(name).account
            for asked, answer in found.items():
                if answer.state != "not_asked":
                    read.add(asked, Call(asked.parameters, asked.parameters.get("AccountId", account), None, [answer]))
        return self._read[key]

    def unlogged_at(self, name: str, time: datetime) -> bool:
        """Were calls on this bucket's configuration not logged at that time?"""
        return any(span.holds(time) for span in self._unlogged.get((name, "management"), ()))

    def edges(self, name: str) -> set[datetime]:
        """The times at which what is known of a bucket's settings may change."""
        times = {
            point.time.replace(microsecond=0)
            for asked in self.settings(name)
            if asked in self._timelines
            for point in self._timelines[asked].points
        }
        return times | {edge for span in self._unlogged.get((name, "management"), ()) for edge in (span.start, span.end)}

    def versioning(self) -> pd.DataFrame:
        """Was a bucket versioned, and when?

        Returns
        -------
        DataFrame
            One row per bucket and stretch of time: ``Enabled``, ``Suspended``, ``Off`` or ``unknown``; none of a bucket
            of which nothing is known.
        """
        rows: list[dict[str, Any]] = []
        for asked, timeline in sorted(self._timelines.items()):
            if asked.operation == "GetBucketVersioning":
                statuses = _versioning(timeline)
                edges = sorted({EARLIEST, LATEST, *(max(EARLIEST, time) for time in statuses.edges())})
                for start, end in pairwise(edges):
                    known = statuses.at(_late(start))
                    status = known.value if known.state == "known" else "unknown"
                    if rows and rows[-1]["bucket"] == asked.parameters["Bucket"] and rows[-1]["versioning_status"] == status:
                        rows[-1]["end_time"] = end
                    else:
                        rows.append(dict(zip(VERSIONING, (asked.parameters["Bucket"], start, end, status), strict=True)))
        return frame_of(rows, VERSIONING)


def config_timeline(case: Case, unlogged: Unlogged) -> ConfigTimeline:
    """The settings of a case's buckets over time."""

    def compute() -> ConfigTimeline:
        events = rows_of(case.ask("configuration/change_events"))
        absences = rows_of(case.ask("configuration/setting_absences"))
        return timeline_of(configuration(case), events, absences, inventory(case), unlogged)

    return case.once("config_timeline", compute)


def timeline_of(
    collected: Configuration, events: Iterable[Row], absences: Iterable[Row], inventory: BucketInventory,
    unlogged: Unlogged,
) -> ConfigTimeline:  # fmt: skip
    """The settings over time from rows of ``configuration/change_events``, in their order; see `ConfigTimeline`."""
    changes, before = [], EARLIEST
    for event in events:
        moment = max(event["event_time"], before + INSTANT)  # calls of one second keep their order
        bucket = inventory.known.get(event["bucket"] or "")
        change = change_of(event, moment, bucket.owner if bucket else None)
        if change is not None:
            changes.append(change)
            before = moment
    return ConfigTimeline(collected, changes, absences, inventory, unlogged)


def _late(time: datetime) -> datetime:
    """After every call of the same second."""
    return time.replace(microsecond=999_999)


def _timeline(points: list[Point], unlogged: Sequence[Span]) -> Timeline:
    """The points in order, without those between others that say the same."""
    found: list[Point] = []
    for point in sorted(points, key=lambda point: point.time):
        same = len(found) > 1 and found[-1].how == point.how == "seen" and found[-2].value == found[-1].value == point.value
        if same and not any(span.touches(found[-2].time, point.time) for span in unlogged):
            found.pop()
        found.append(point)
    return Timeline(found, unlogged)


def _versioning(timeline: Timeline) -> Timeline:
    """The status alone. Only what was versioned can be suspended, and what was versioned once is never `Off` again."""
    points = [
        replace(point, time=point.time.replace(microsecond=0), value=point.value.response.get("Status") or "Off")
        if point.value.known
        else replace(point, value="unknown")
        for point in timeline.points
    ]
    if points[0].how == "changed" and points[0].value == "Suspended":
        points.insert(0, Point(points[0].time - INSTANT, "Enabled", "seen"))
    never = points[-1].value == "Off" and points[-1].how == "seen"
    return Timeline(points, () if never else timeline.dark)
