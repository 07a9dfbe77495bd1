"""Whether a request would have been recorded, with the record in the evidence, and so what a zero means.

Every ``not_observed`` and ``not_knowable`` is decided by this table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.coverage import integrity, selectors
from ir_kit.coverage.logging_timeline import LoggingTimeline, logging_timeline
from ir_kit.coverage.selectors import CLASSES, LINES, State
from ir_kit.domain.documents import frame_of, rows_of
from ir_kit.domain.intervals import LATEST, Span, between, duration, hours_and_minutes, united
from ir_kit.errors import IrKitError
from ir_kit.findings import Scope, join_names

Row = Mapping[str, Any]
HOUR = timedelta(hours=1)
COLUMNS = {
    "bucket": "varchar", "aws_region": "varchar", "record_class": "varchar", "start_time": "timestamp", "end_time":
    "timestamp", "state": "varchar", "basis": "varchar", "left_out": "varchar[]",
}  # fmt: skip
ORDER = (*CLASSES, LINES)
BLIND = ("not_logged", "lost", "unknown")
MINOR = frozenset({"minor_services"})
WORDS = {
    "not_logged": "not logged", "lost": "logged but lost", "unknown": "not known to have been logged",
    "uncertain": "not certain to have been logged",
}  # fmt: skip
GAPS = {
    "blind": "{bucket} had neither data events nor an access log for {time} of the window (between {first:%Y-%m-%d %H:%M} "
             "and {last:%Y-%m-%d %H:%M} UTC): requests in that time are not counted.",
    "uncertain": "It is uncertain for {time} whether {bucket} was logged; see logging_gaps.",
    "access_log_only": "Only the access log covered {bucket} for {time}, and its delivery is best effort. {loss}",
}  # fmt: skip
MOST = 4  # parts that are named
NEAR = timedelta(minutes=15)  # IAM notes the first use within so many minutes
MANAGEMENT_ALONE = frozenset({"iam", "sts", "ec2", "kms", "cloudtrail", "organizations", "secretsmanager", "signin"})
"""Services all of whose calls that CloudTrail records are management events."""


def visible(case: Case) -> pd.DataFrame:
    """Would a request on this bucket have been recorded, at each moment of the window, and would its record be in the
    evidence?

    Returns
    -------
    DataFrame
        One row per bucket, class and interval, and per Region (null bucket) for all other management events; intervals
        tile the window. Empty where there is neither a bucket nor a Region. ``left_out`` says which part of an
        ``uncertain`` class is in doubt. No table is written.

    Notes
    -----
    Cannot see: a change made while nothing recorded management events; requests that neither log ever records (field
    guide 2.5).
    """

    def compute() -> pd.DataFrame:
        end = case.ask("coverage/evidence_end")["evidence_end"].iloc[0]
        timeline = logging_timeline(case)
        timeline.lost = integrity.lost_spans(case)
        return visibility_of(timeline, LATEST if pd.isna(end) else end.to_pydatetime())

    return case.answer("visible", compute)


def visibility_of(timeline: LoggingTimeline, end: datetime = LATEST) -> pd.DataFrame:
    """The table for a timeline; see `visible`. The evidence ends at `end`, and no setting is carried on beyond it."""
    rows: list[dict[str, Any]] = []
    ended = State("unknown", f"the evidence ends at {end:%Y-%m-%d %H:%M:%S}")
    stretches: dict[selectors.Scope, list[dict[str, Any]]] = {}
    for scope in timeline.scopes():
        # calls on the configuration of a bucket: the same for all of a Region
        of_all = scope.bucket is not None and scope.record_class == "management"
        known = scope._replace(bucket="") if of_all else scope
        if known not in stretches:
            listed = stretches[known] = []
            for span in between([*timeline.edges(scope), end], timeline.window.start, timeline.window.end):
                state = ended if span.start >= end else timeline.state(scope, span)
                if listed and (listed[-1]["state"], listed[-1]["basis"]) == state[:2]:
                    listed[-1]["end_time"] = span.end
                else:
                    whole = {"start_time": span.start, "end_time": span.end, "left_out": list(state.left_out)}
                    listed.append(state._asdict() | whole)
        rows += [scope._asdict() | row for row in stretches[known]]
    rows.sort(key=lambda row: (row["bucket"] or "", str(row["aws_region"]), ORDER.index(row["record_class"])))
    return frame_of(rows, COLUMNS)


def unlogged(visible: pd.DataFrame) -> dict[tuple[str | None, str], list[Span]]:
    """By bucket and class, the stretches in which nothing would have been recorded; the account's own calls are those
    of the bucket None, in the Regions that have buckets.
    """
    blind = visible[visible["state"].isin(BLIND)]
    regions = set(visible.loc[visible["bucket"].notna(), "aws_region"].dropna()) or {"us-east-1"}
    of_regions = (blind["record_class"] == "management") & blind["aws_region"].isin(regions)
    spans = defaultdict[tuple[str | None, str], list[Span]](list)
    for row in rows_of(blind[blind["bucket"].notna() | of_regions]):
        spans[row["bucket"], row["record_class"]].append(Span(row["start_time"], row["end_time"]))
    return {scope: united(listed) for scope, listed in spans.items()}


def is_whole(row: Row, ignoring: frozenset[str] = MINOR) -> bool:
    """Was all of a row's class logged, but for parts that may be left out?"""
    left_out = set(row["left_out"]) if row["left_out"] is not None else set()
    return row["state"] == "logged" or (row["state"] == "uncertain" and bool(left_out) and left_out <= ignoring)


def was_logged(
    visible: pd.DataFrame, span: Span, record_class: str, bucket: str | None = None, ignoring: frozenset[str] = MINOR
) -> bool:
    """Was the whole of a scope logged through all of this time, so that nothing found means that nothing was?

    Without a `bucket`: the management events of every Region in the table. `ignoring` are parts that may be left out
    (`left_out`): by default management events of KMS and the RDS Data API.
    """
    of = visible["bucket"] == bucket if bucket else visible["bucket"].isna()
    of &= (visible["record_class"] == record_class) & (visible["start_time"] < span.end)
    rows = rows_of(visible[of & (visible["end_time"] > span.start)])
    covered = sum((min(row["end_time"], span.end) - max(row["start_time"], span.start) for row in rows), timedelta())
    due = (span.end - span.start) * len({row["aws_region"] for row in rows})
    return bool(rows) and covered >= due and all(is_whole(row, ignoring) for row in rows)


# which log covered a bucket's objects


def log_coverage(case: Case, record_class: str = "data_read", *, objects_only: bool = False) -> pd.DataFrame:
    """Which stretches of the window did data events of this class and the access log of each bucket cover?

    Returns
    -------
    DataFrame
        One row per bucket in scope and stretch, with its ``kind``: ``both``, ``data_events_only``, ``access_log_only``,
        ``blind`` or ``uncertain``. Of objects alone (`objects_only`), listings that data events may leave
        out leave no doubt.
    """
    case.engine.provide("visibility", visible(case))
    return case.ask("coverage/log_coverage", record_class=record_class, objects_only=objects_only)


@dataclass(frozen=True)
class BucketCoverage:
    """Which stretches of the window did which log cover, for one bucket? Rows of `log_coverage`."""

    bucket: str
    rows: Sequence[Row]

    def hours(self, kind: str) -> float:
        """How many hours were of a kind?

        Parameters
        ----------
        kind : {'blind', 'access_log_only', 'uncertain', 'partial'}
            ``partial``: of the ``uncertain``, where data events alone were on, and never for all requests.
        """
        rows = [
            row for row in self.rows
            if row["kind"] == kind or (kind, row["data_state"]) == ("partial", "partly") and row["log_state"] in BLIND
        ]  # fmt: skip
        return sum((row["end_time"] - row["start_time"] for row in rows), timedelta()) / HOUR

    def scope(self, loss: str = "") -> Scope:
        """How much of the window did either log cover? `loss`: what the access log lacks, in a sentence."""
        hours, times = {kind: self.hours(kind) for kind in GAPS}, [row for row in self.rows if row["kind"] == "blind"]
        first, last = (times[0]["start_time"], times[-1]["end_time"]) if times else (None, None)
        parts = [
            words.format(bucket=self.bucket, time=hours_and_minutes(hours[kind]), first=first, last=last, loss=loss).strip()
            for kind, words in GAPS.items() if hours[kind]
        ]  # fmt: skip
        blind, whole = hours["blind"], not hours["blind"] and not hours["uncertain"]
        window = sum((row["end_time"] - row["start_time"] for row in self.rows), timedelta()) / HOUR
        doubt = "" if whole else "not logged" if blind else "not certain to have been logged"
        gap = f"{doubt} for {part_of(blind or hours['uncertain'], window)}" if doubt else ""
        return Scope(whole, " ".join(parts), access_logs_only=bool(hours["access_log_only"]), gap=gap)


def bucket_coverage(
    case: Case, buckets: Iterable[str], record_class: str = "data_read", *, objects_only: bool = False
) -> dict[str, BucketCoverage]:
    """For each of these buckets, which stretches of the window were covered, and by what? See `log_coverage`."""
    window = case.incident.window
    nothing = {"start_time": window.start, "end_time": window.end, "kind": "blind", "data_state": "unknown"}
    frame = log_coverage(case, record_class, objects_only=objects_only)
    return {name: BucketCoverage(name, rows_of(frame[frame["bucket"] == name]) or [nothing]) for name in buckets}


# what a zero means


@dataclass(frozen=True)
class LogScope:
    """What was logged in the window: the rows of ``logging_gaps/visibility``, or why there are none."""

    rows: Sequence[Row]
    hours: float
    why_not: str = ""

    @classmethod
    def of(cls, case: Case) -> LogScope:
        """What was logged of a case; where that cannot be worked out, why."""
        hours = (case.incident.window.end - case.incident.window.start) / HOUR
        try:
            return cls(rows_of(visible(case)), hours)
        except IrKitError as error:
            return cls([], hours, f"Whether logging was on throughout is unknown: {error}.")

    def management(self) -> Scope:
        """The scope of questions on calls other than those on objects: management events of every Region in use."""
        return self._scope([row for row in self.rows if row["bucket"] is None], "Management events")

    def configuration(self, bucket: str) -> Scope:
        """The scope of questions on a bucket's configuration: management events of calls on it."""
        rows = [row for row in self.rows if row["bucket"] == bucket and row["record_class"] == "management"]
        return self._scope(rows, f"Configuration calls on {bucket}")

    def calls(self) -> Scope:
        """The same, for a zero on the use of credentials: less sure where data events were off."""
        scope = self.management()
        return Scope(scope.whole, scope.blind, unsure=bool(self.unlogged_buckets()), gap=scope.gap)

    def everything(self) -> Scope:
        """Management events of every Region in use, and data events of every bucket in scope."""
        scope, blind = self.management(), self.objects()
        return Scope(bool(scope.whole) and not blind, " ".join(filter(None, (scope.blind, blind))), gap=scope.gap)

    def objects(self) -> str:
        """Where data events were not on throughout, in a sentence; empty where they were."""
        times = self.unlogged_buckets()
        buckets = {row["bucket"] for row in self.rows if row["bucket"] is not None}
        if not times and (buckets or self.why_not):
            return ""
        if not times:
            return "No bucket is known, so the coverage of data events is unknown."
        most_first = sorted(times, key=lambda bucket: (-times[bucket], bucket))
        return (
            f"Object-level data events have gaps for {len(times):,} of {len(buckets):,} buckets "
            f"({join_names(f'{bucket} for {duration(times[bucket])}' for bucket in most_first)}): object reads and writes in "
            "that time are not counted."
        )

    def unlogged_buckets(self) -> dict[str, timedelta]:
        """By bucket, the longest time that one class of data events was not certain to be logged."""
        times = defaultdict[tuple[str, str], timedelta](timedelta)
        for row in self.rows:
            if row["bucket"] is not None and row["record_class"] in CLASSES[1:] and not is_whole(row):
                times[row["bucket"], row["record_class"]] += row["end_time"] - row["start_time"]
        return {bucket: max(times[bucket, kind] for kind in CLASSES[1:]) for bucket, _ in list(times)}

    def _scope(self, rows: Sequence[Row], what: str) -> Scope:
        if self.why_not:
            return Scope(None, self.why_not)
        if not rows:
            words = "no log or setting in the evidence names a trail or a Region"
            return Scope(None, f"Whether logging was on is unknown: {words}.")
        faults = [row for row in rows if not is_whole(row)]
        if faults:
            words = in_words(faults, self.hours)
            gap = words.split(" in ")[0].split(" (")[0]
            return Scope(False, f"{what} were {words}. Calls in that time are not counted.", gap=gap)
        minor = any(row["state"] != "logged" for row in rows)
        return Scope(True, "The trail leaves out calls of KMS or the RDS Data API." if minor else "")


def part_of(hours: float, whole: float) -> str:
    """A part of the window in words: ``2 h 55 min of 168 h``, ``the whole window (168 h)``."""
    whole_time = hours_and_minutes(whole)
    return f"the whole window ({whole_time})" if hours >= whole else f"{hours_and_minutes(hours)} of {whole_time}"


def in_words(faults: Iterable[Row], whole: float = 0.0) -> str:
    """What was not certain to be logged, for how long, where, when and why, as the rest of a sentence.

    Parameters
    ----------
    faults : rows of ``logging_gaps/visibility``
        Of one class; Regions with the same times are put together.
    whole : float
        Hours of the window; 0 where they need not be said.
    """
    places: dict[tuple[str, bool], list[Row]] = {}
    for row in faults:
        places.setdefault((str(row["bucket"] or row["aws_region"]), row["state"] in BLIND), []).append(row)
    alike: dict[tuple[Any, ...], list[str]] = {}
    for (place, blind), rows in places.items():
        times = tuple((row["start_time"], row["end_time"]) for row in rows)
        alike.setdefault((not blind, times), []).append(place)
    parts: list[str] = []
    for (doubtful, _), names in sorted(alike.items(), key=lambda group: group[0][0]):
        rows, own = [row for name in names for row in places[name, not doubtful]], places[names[0], not doubtful]
        words = ", or ".join(words for state, words in WORDS.items() if any(row["state"] == state for row in rows))
        hours = sum((row["end_time"] - row["start_time"] for row in own), timedelta()) / HOUR
        time = part_of(hours, whole) if whole and not parts else hours_and_minutes(hours)
        where = f" in {join_names(names)}" if rows[0]["bucket"] is None else ""
        # the longest stretch, and the first reason for it that is known
        longest = max(own, key=lambda row: row["end_time"] - row["start_time"])
        start, end = longest["start_time"], longest["end_time"]
        reasons = [row for row in rows if row["start_time"] == start]
        basis = str(min(reasons, key=lambda row: row["state"] == "unknown")["basis"]).split("; ")[0]
        basis += ")" * (basis.count("(") - basis.count(")"))
        until = f"{end:%H:%M}" if end.date() == start.date() else f"{end:%Y-%m-%d %H:%M}"
        when = f"{'longest ' if len(own) > 1 else ''}{start:%Y-%m-%d %H:%M} to {until} UTC: {basis}"
        parts.append(f"{words} for {time}{where} ({when})")
    more = f"; and in {len(parts) - MOST} more groups of Regions" if len(parts) > MOST else ""
    return "; ".join(parts[:MOST]) + more


# IAM's note of a key's last use


def logged_uses(case: Case, access_key_id: str, service: str, time: datetime) -> tuple[int, int]:
    """How many events of a key on this service lie within 15 minutes of a time, and access-log lines that may be its own?"""
    source = service if service.endswith(".amazonaws.com") else f"{service}.amazonaws.com"
    row = case.ask("coverage/key_uses", access_key_id=access_key_id, event_source=source, used_at=time).iloc[0]
    return int(row["events"]), int(row["lines"])


def last_used_logged_status(case: Case, settings: Row) -> str:
    """Do the logs show the use that IAM noted as a key's latest?

    Parameters
    ----------
    settings : mapping
        What configuration says of the key: access_key_id, last_used_date, last_used_service, last_used_region.

    Returns
    -------
    str
        ``yes`` where an event of that key and service lies within 15 minutes; ``no`` where none does, although every
        call of the service would have been logged, those on objects included; else ``unknown``.
    """
    time, service = settings.get("last_used_date"), settings.get("last_used_service")
    if time is None or not service or service == "N/A":
        return "unknown"
    events, lines = logged_uses(case, settings["access_key_id"], service, time.to_pydatetime())
    if events:
        return "yes"
    # the access log shows a use that may be this one; or it has data events that no replay here tells of
    if lines or (service not in MANAGEMENT_ALONE and service != "s3"):
        return "unknown"
    coverage, span = visible(case), Span((time - NEAR).to_pydatetime(), (time + NEAR).to_pydatetime())
    region = settings.get("last_used_region")
    in_region = coverage if region in (None, "N/A", "aws-global") else coverage[coverage["aws_region"] == region]
    logged = was_logged(in_region, span, "management", None, frozenset() if service == "kms" else MINOR)
    if service == "s3" and logged:
        buckets = coverage["bucket"].dropna().unique()
        # what was logged of buckets that the incident does not name is not known
        logged = not case.incident.buckets and len(buckets) > 0
        for bucket in buckets:
            read, write, line = (was_logged(coverage, span, kind, bucket) for kind in ORDER[1:])
            logged &= line or (read and write)
    return "no" if logged else "unknown"
