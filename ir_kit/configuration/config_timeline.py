"""The settings of each bucket over time: from calls that set them, answers that were collected, and reads that found nothing.

Between a call and the next one a setting stays what it was; an answer in between tells it for the whole stretch, back
to the call before. Where calls were not logged a change would not have been seen: nothing is carried over such a
stretch but what is the same on both sides of it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.configuration.bucket_inventory import BucketInventory, inventory
from ir_kit.configuration.change_events import BUCKET_SETTINGS, ConfigChange, absent, change_of, expiry_rules
from ir_kit.configuration.collected_answers import Answer, Call, Configuration, Row, Setting, configuration, setting_of
from ir_kit.domain.documents import frame_of, mapping, rows_of
from ir_kit.domain.intervals import EARLIEST, LATEST, Point, Span, Timeline, between, edges_of, without

Unlogged = Mapping[tuple[str | None, str], Sequence[Span]]
INSTANT = timedelta(microseconds=1)
MOST_READ = 4_096  # configurations that are remembered
SERVICES = ("s3", "s3control", "organizations", "sts")
EXPIRIES = {"event_time": "timestamp"} | dict.fromkeys(
    ("bucket", "access_key_id", "error_code", "event_id", "request_id", "source_ip_address", "user_agent"), "varchar"
)
STATUSES = {"bucket": "varchar", "start_time": "timestamp", "end_time": "timestamp", "versioning_status": "varchar"}


class ConfigTimeline:
    """Settings over time, from rows of ``configuration/change_events``, in their order, and of ``setting_absences``.

    `unlogged` has by bucket (None: the account) and class of record the stretches in which calls were not logged, in
    order and apart.
    """

    def __init__(
        self, collected: Configuration, events: Iterable[Row], absences: Iterable[Row], inventory: BucketInventory,
        unlogged: Unlogged,
    ) -> None:  # fmt: skip
        self.inventory, self._unlogged = inventory, unlogged
        self.changes, before = list[ConfigChange](), EARLIEST
        for event in events:
            moment = max(event["event_time"], before + INSTANT)  # calls of one second keep their order
            change = change_of(event, moment, inventory.bucket(event["bucket"] or "").owner)
            if change is not None:
                self.changes.append(change)
                before = moment
        points: dict[Setting, list[Point]] = defaultdict(list)
        self._unknown: dict[Setting, Answer] = {}  # what stands where nothing is known: refused, unreadable, not logged
        self._lasting: dict[str | None, list[tuple[Setting, Call]]] = defaultdict(list)  # what no call here changes
        self._remembered: dict[tuple[Any, ...], Configuration] = {}
        points_of = collected.every("s3control", "GetAccessPoint")
        access_points = {call.access_point: answer.response.get("Bucket") for call, answer in points_of}
        for change in self.changes:
            if change.path == "access_point" and change.bucket and change.succeeded:
                access_points[change.access_point] = change.bucket
        for setting, call in collected.calls():
            changing, bucket = _changing(setting, call), setting.parameters.get("Bucket")
            if changing is None:
                if setting.service in SERVICES:
                    self._lasting[bucket or access_points.get(call.access_point)].append((setting, call))
                continue
            for answer in call.answers:
                if answer.known:
                    points[changing].append(Point(_late(answer.collected_at), answer, "seen"))
                else:
                    self._unknown[changing] = answer
        for number, change in enumerate(self.changes):
            if change.path == "access_point" and not change.bucket:
                self.changes[number] = replace(change, bucket=access_points.get(change.access_point))
            sets = {**({change.setting: change.content} if change.setting else {}), **change.also}
            for setting, answer in sets.items() if change.succeeded else ():
                points[setting].append(Point(change.moment, answer, "changed"))
        for row in absences:
            bucket, operation = row["bucket"], str(row["operation"])
            of_account = setting_of("s3control", operation, AccountId=str(row["recipient_account_id"]))
            setting = setting_of("s3", operation, Bucket=bucket) if bucket else of_account
            times = (row["first_time"], row["last_time"])
            points[setting] += [Point(_late(time), absent(operation), "seen") for time in times]
        self._timelines = {setting: _timeline(results, self._spans(setting)) for setting, results in points.items()}
        self._settings: dict[tuple[str, str], list[Setting]] = defaultdict(list)
        left_out = self._acls_without_effect()
        for setting in dict.fromkeys([*self._timelines, *self._unknown]):
            found_in = setting.parameters.get("Bucket") or access_points.get(setting.subject)
            if setting not in left_out:
                about = ("Bucket", found_in) if found_in else ("AccountId", setting.parameters["AccountId"])
                self._settings[about].append(setting)

    def _spans(self, setting: Setting) -> Sequence[Span]:
        record_class = "data_write" if setting.operation == "GetObjectAcl" else "management"
        return self._unlogged.get((setting.parameters.get("Bucket"), record_class), ())

    def _acls_without_effect(self) -> set[Setting]:
        """The ACLs of objects that let nobody in, or never anybody whom that of another object does not: of many alike
        one is read.
        """
        left_out, covered = set(), defaultdict[tuple[str, str], list[Span]](list)
        for setting in [acl for acl in self._timelines if acl.operation == "GetObjectAcl"]:
            left_out.add(setting)
            for span in between(self._timelines[setting].edges(), EARLIEST, LATEST):
                acl = self.at(setting, span.start)
                owner = mapping(acl.response.get("Owner")).get("ID", "")
                grants = [grant for grant in acl.listed("Grants") if mapping(grant.get("Grantee")).get("ID") != owner]
                alike = covered[setting.parameters["Bucket"], json.dumps(grants, sort_keys=True)]
                if grants and without(span, alike):
                    alike.append(span)
                    left_out.discard(setting)
        return left_out

    def at(self, setting: Setting, time: datetime) -> Answer:
        """What was a setting at this time?"""
        known = self._timelines[setting].at(time) if setting in self._timelines else None
        values = (known.value, known.other) if known else ()
        is_lasting = known and setting.operation not in ("GetObjectAcl", "GetBucketPolicyStatus")
        unknown = self._unknown.get(setting) or Answer(setting.operation, "not_logged" if is_lasting else "not_asked")
        return next((answer for answer in values if answer and answer.known), unknown)

    def before(self, change: ConfigChange) -> Answer:
        """What was the setting that a call changes, just before it?"""
        return self.at(change.setting, change.moment - INSTANT) if change.setting else Answer(change.content.operation)

    def last(self, setting: Setting) -> Answer:
        """What is a setting by the last that is known of it?"""
        return self._timelines[setting].points[-1].value if setting in self._timelines else Answer(setting.operation)

    def settings(self, name: str) -> list[Setting]:
        """The settings of a bucket, and those of its account, of which anything is known or was asked for."""
        above = ("AccountId", str(self.inventory.bucket(name).account))
        return [*self._settings.get(("Bucket", name), []), *self._settings.get(above, [])]

    def configuration_at(
        self, name: str, time: datetime, instead: Mapping[Setting, Answer] | None = None
    ) -> Configuration:
        """What configuration would have answered of a bucket at this time; `instead`: had these settings been so.

        With an object's ACL instead, those of other objects are left out.
        """
        left_out = "GetObjectAcl" if any(setting.operation == "GetObjectAcl" for setting in instead or ()) else ""
        results = {setting: self.at(setting, time) for setting in self.settings(name) if setting.operation != left_out}
        results |= {**(instead or {})}
        given = [(setting, answer) for setting, answer in results.items() if answer.state != "not_asked"]
        key = (name, left_out, *((setting, id(answer)) for setting, answer in given))
        if len(self._remembered) > MOST_READ:
            self._remembered.clear()
        if key not in self._remembered:
            read = self._remembered[key] = Configuration()
            account = self.inventory.bucket(name).account
            calls = [(setting, Call(setting.parameters, account, None, [answer])) for setting, answer in given]
            for setting, call in [*self._lasting[None], *self._lasting[name], *calls]:
                if setting.operation != left_out or setting in results:
                    read.add(setting, call)
        return self._remembered[key]

    def unlogged_at(self, name: str, time: datetime) -> bool:
        """Were calls on this bucket's configuration not logged at that time?"""
        return any(span.holds(time) for span in self._unlogged.get((name, "management"), ()))

    def edges(self, name: str) -> set[datetime]:
        """The times at which what is known of a bucket's settings may change."""
        timelines = [self._timelines[setting] for setting in self.settings(name) if setting in self._timelines]
        times = {point.time.replace(microsecond=0) for timeline in timelines for point in timeline.points}
        return times | set(edges_of(self._unlogged.get((name, "management"), ())))

    def versioning(self) -> pd.DataFrame:
        """Was a bucket versioned, and when?

        Returns
        -------
        DataFrame
            One row per bucket and stretch of time: ``Enabled``, ``Suspended``, ``Off`` or ``unknown``; none of a bucket
            of which nothing is known.
        """
        rows: list[dict[str, Any]] = []
        for setting in sorted(setting for setting in self._timelines if setting.operation == "GetBucketVersioning"):
            bucket, points = setting.parameters["Bucket"], list[Point]()
            for point in self._timelines[setting].points:
                status = point.value.response.get("Status") or "Off" if point.value.known else "unknown"
                time = point.time.replace(microsecond=0) if point.value.known else point.time
                if (point.how, status) == ("changed", "Suspended") and not points:  # it was enabled before
                    points.append(Point(time - INSTANT, "Enabled", "seen"))
                points.append(replace(point, time=time, value=status))
            never = (points[-1].how, points[-1].value) == ("seen", "Off")  # what was enabled once is never off again
            statuses = Timeline(points, () if never else self._spans(setting))
            for span in between(statuses.edges(), EARLIEST, LATEST):
                known = statuses.at(_late(span.start))
                status = known.value if known.state == "known" else "unknown"
                if rows and (rows[-1]["bucket"], rows[-1]["versioning_status"]) == (bucket, status):
                    rows[-1]["end_time"] = span.end
                else:
                    rows.append(dict(zip(STATUSES, (bucket, span.start, span.end, status), strict=True)))
        return frame_of(rows, STATUSES)

    def expiry_changes(self) -> pd.DataFrame:
        """Which calls let objects expire sooner, or would have, had they not failed?

        Returns
        -------
        DataFrame
            One row per call that sets an expiry which is new, or sooner than the one known before, whoever made it.
        """
        rows = []
        for change in self.changes:
            answers = (change.content, self.before(change)) if change.path == "lifecycle" else ()
            days = [min((rule.soonest for rule in expiry_rules(answer.response)), default=None) for answer in answers]
            if days and days[0] is not None and (days[1] is None or days[0] < days[1]):
                rows.append(change.event)
        return frame_of(rows, EXPIRIES)


def config_timeline(case: Case, unlogged: Unlogged) -> ConfigTimeline:
    """The settings of a case's buckets over time, worked out once; see `ConfigTimeline`."""

    def compute() -> ConfigTimeline:
        events = rows_of(case.ask("configuration/change_events"))
        absences = rows_of(case.ask("configuration/setting_absences"))
        return ConfigTimeline(configuration(case), events, absences, inventory(case), unlogged)

    return case.once("config_timeline", compute)


def _changing(setting: Setting, call: Call) -> Setting | None:
    """A setting as the calls that change it name it; None where no call here does."""
    of, operation = setting.parameters, setting.operation
    if setting.service == "s3":
        of_object = operation == "GetObjectAcl" and "VersionId" not in of
        return setting if of_object or operation in BUCKET_SETTINGS else None
    if setting.service == "s3control" and operation == "GetPublicAccessBlock":
        return setting_of("s3control", operation, AccountId=str(of.get("AccountId") or call.account))
    if operation in ("GetAccessPointPolicy", "GetAccessPointPolicyStatus") and "Name" in of:
        return Setting("s3control", operation, call.access_point)
    return None


def _late(time: datetime) -> datetime:
    """After every call of the same second."""
    return time.replace(microsecond=999_999)


def _timeline(points: list[Point], unlogged: Sequence[Span]) -> Timeline:
    """The points in order, without those between others that say the same."""
    results: list[Point] = []
    for point in sorted(points, key=lambda point: point.time):
        last = [*results[-2:], point]
        same = len(last) == 3 and last[1].how == point.how == "seen" and last[0].value == last[1].value == point.value
        if same and not any(span.touches(results[-2].time, point.time) for span in unlogged):
            results.pop()
        results.append(point)
    return Timeline(results, unlogged)
