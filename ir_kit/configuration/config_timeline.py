"""The settings of each bucket over time: from calls that set them, answers that were collected, and reads that found nothing.

Between a call and the next one a setting stays what it was; an answer in between tells it for the whole stretch, back
to the call before. Where calls were not logged a change would not have been seen: nothing is carried over such a
stretch but what holds on both sides of it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.configuration.answers import Answer, Call, Configuration, Row, Setting, configuration, setting
from ir_kit.configuration.change_events import BUCKET_SETTINGS, ConfigChange, absent, change_of, of_account, of_bucket
from ir_kit.configuration.inventory import BucketInventory, inventory
from ir_kit.domain.documents import mapping
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.domain.intervals import EARLIEST, LATEST, Point, Span, Timeline, between, without

Unlogged = Mapping[tuple[str | None, str], Sequence[Span]]
INSTANT = timedelta(microseconds=1)
SERVICES = ("s3", "s3control", "organizations", "sts")
MOST_READ = 4_096  # configurations that are remembered
# what a read of this name is about where it finds nothing
ABSENT_IN = {
    "GetBucketPolicyStatus": "GetBucketPolicy", "GetBucketPublicAccessBlock": "GetPublicAccessBlock",
    "GetAccountPublicAccessBlock": "GetPublicAccessBlock",
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
        self._base = Configuration()  # what no call here changes, and below it what of that is about one bucket
        self._lasting: dict[str, list[tuple[Setting, Call]]] = defaultdict(list)
        self._access_points: dict[str, str] = {}  # to the bucket of each
        self._read: dict[tuple[Any, ...], Configuration] = {}
        self._points: dict[Setting, list[Point]] = defaultdict(list)
        for asked, call in collected.calls():
            if asked.service in SERVICES:
                self._add_answers(asked, call)
        listed = list(changes)
        for change in listed:
            if change.path == "access_point" and change.bucket and change.target and change.succeeded:
                self._access_points[change.target.rpartition("/")[2]] = change.bucket
            sets = {change.setting: change.content} if change.setting else {}
            for asked, answer in {**sets, **change.also}.items() if change.succeeded else ():
                self._points[asked].append(Point(change.moment, answer, "changed"))
        for row in absences:
            name, bucket = str(row["event_name"]), row["bucket"]
            operation = ABSENT_IN.get(name, name)
            of = operation == "GetPublicAccessBlock" and (not bucket or name.startswith("GetAccount"))
            if of or bucket:
                asked = of_account(row["recipient_account_id"]) if of else of_bucket(operation, str(bucket))
                times = sorted({_late(row["first_time"]), _late(row["last_time"])})
                self._points[asked] += [Point(time, absent(operation), "seen") for time in times]
        for asked, points in self._points.items():
            record_class = "data_write" if asked.operation == "GetObjectAcl" else "management"
            self._timelines[asked] = _timeline(points, unlogged.get((asked.parameters.get("Bucket"), record_class), ()))
        self._settings: dict[tuple[str, str], list[Setting]] = defaultdict(list)
        private = self._without_effect()
        for asked in [*self._timelines, *(other for other in self._failed if other not in self._timelines)]:
            bucket = asked.parameters.get("Bucket") or self._access_points.get(asked.parameters.get("Name", ""))
            subject = ("Bucket", bucket) if bucket else ("AccountId", asked.parameters["AccountId"])
            if asked not in private:
                self._settings[subject].append(asked)
        self.changes = [self._placed(change) for change in listed]

    def _add_answers(self, asked: Setting, call: Call) -> None:
        if asked.operation == "GetAccessPoint" and call.answer.part("Bucket", str):
            self._access_points[asked.parameters.get("Name", "").rpartition("/")[2]] = call.answer.response["Bucket"]
        changing = _changing(asked, call.account)
        if changing is None:
            bucket = self._access_points.get(asked.parameters.get("Name", "")) or asked.parameters.get("Bucket")
            if bucket:
                self._lasting[bucket].append((asked, call))
            else:
                self._base.add(asked, call)
            return
        for answer in call.answers:
            if answer.known:
                self._points[changing].append(Point(_late(answer.collected_at), answer, "seen"))
            else:
                self._failed[changing] = answer

    def _without_effect(self) -> set[Setting]:
        """The ACLs of objects that let nobody in, or never anybody whom that of another object does not: of many alike
        one is read.
        """
        left_out, covered = set(), defaultdict[tuple[str, str], list[Span]](list)
        for asked, timeline in self._timelines.items():
            if asked.operation == "GetObjectAcl":
                left_out.add(asked)
                for span in between(timeline.edges(), EARLIEST, LATEST):
                    acl = self.at(asked, span.start)
                    owner = (acl.part("Owner", dict) or {}).get("ID", "")
                    grants = [grant for grant in acl.listed("Grants") if mapping(grant.get("Grantee")).get("ID") != owner]
                    alike = covered[asked.parameters["Bucket"], json.dumps(grants, sort_keys=True)]
                    if grants and without(span, alike):
                        alike.append(span)
                        left_out.discard(asked)
        return left_out

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
        return [*self._settings.get(("Bucket", name), []), *self._settings.get(above, [])]

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
        if len(self._read) > MOST_READ:
            self._read.clear()
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


def _changing(asked: Setting, account: str | None) -> Setting | None:
    """A setting as the calls that change it name it; None where no call here does."""
    of, operation = asked.parameters, asked.operation
    if asked.service == "s3":
        return asked if operation in BUCKET_SETTINGS or (operation == "GetObjectAcl" and "VersionId" not in of) else None
    if operation == "GetPublicAccessBlock":
        return of_account(of.get("AccountId") or account)
    if operation in ("GetAccessPointPolicy", "GetAccessPointPolicyStatus") and "Name" in of:
        name = of["Name"].rpartition("/")[2]
        return setting("s3control", operation, AccountId=str(of.get("AccountId") or account), Name=name)
    return None


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
    return Timeline(points, () if never else timeline.unlogged)
