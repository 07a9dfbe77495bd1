"""How much of a question's scope was logged: what a zero means, and which part there are no logs of.

Every playbook takes its ``not_observed`` or ``not_knowable`` from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ir_kit.case import Case
from ir_kit.coverage.visibility import BLIND, duration, is_whole, visible
from ir_kit.domain.frames import rows_of
from ir_kit.errors import IrKitError
from ir_kit.findings import Scope

Row = Mapping[str, Any]
HOUR = timedelta(hours=1)
DATA = ("data_read", "data_write")
WORDS = {
    "not_logged": "not logged", "lost": "lost after they were logged", "unknown": "not known to have been logged",
    "uncertain": "not certain to have been logged",
}  # fmt: skip
MOST = 4  # parts that are named


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
            return cls([], hours, f"Whether logging was on throughout could not be established: {error}.")

    def management(self) -> Scope:
        """The scope of questions on calls other than those on objects: management events of every Region touched."""
        return self._scope([row for row in self.rows if row["bucket"] is None], "Management events")

    def configuration(self, bucket: str) -> Scope:
        """The scope of questions on a bucket's configuration: management events of calls on it."""
        rows = [row for row in self.rows if row["bucket"] == bucket and row["record_class"] == "management"]
        return self._scope(rows, f"Calls on the configuration of {bucket}")

    def calls(self) -> Scope:
        """The same, for a zero that speaks of the use of credentials: where data events were off, it is less sure."""
        scope = self.management()
        return Scope(scope.whole, scope.blind, unsure=bool(self._unlogged_buckets()))

    def everything(self) -> Scope:
        """Management events of every Region touched, and data events of every bucket in scope."""
        scope, blind = self.management(), self.objects()
        return Scope(bool(scope.whole) and not blind, " ".join(part for part in (scope.blind, blind) if part))

    def objects(self) -> str:
        """Where data events were not on throughout, in a sentence; empty where they were."""
        times = self._unlogged_buckets()
        buckets = {row["bucket"] for row in self.rows if row["bucket"] is not None}
        if not times:
            return (
                ""
                if buckets or self.why_not
                else "No bucket is known, so nothing can be said of data events on objects."
            )
        most_first = sorted(times, key=lambda bucket: (-times[bucket], bucket))
        return (
            f"Data events on objects were not logged throughout for {len(times):,} of {len(buckets):,} buckets "
            f"({_listed([f'{bucket} for {duration(times[bucket])}' for bucket in most_first])}): reads and writes of "
            "objects in that time are not in this number."
        )

    def _unlogged_buckets(self) -> dict[str, timedelta]:
        """By bucket, the longest time that one class of data events was not certain to be logged."""
        times: dict[str, dict[str, timedelta]] = {}
        for row in self.rows:
            if row["bucket"] is not None and row["record_class"] in DATA and not is_whole(row):
                by_class = times.setdefault(row["bucket"], {})
                by_class[row["record_class"]] = by_class.get(row["record_class"], timedelta()) + _length(row)
        return {bucket: max(by_class.values()) for bucket, by_class in times.items()}

    def _scope(self, rows: Sequence[Row], what: str) -> Scope:
        if self.why_not:
            return Scope(None, self.why_not)
        if not rows:
            words = "no log and no setting in the evidence names a trail or a Region"
            return Scope(None, f"Whether logging was on cannot be established: {words}.")
        faults = [row for row in rows if not is_whole(row)]
        if faults:
            return Scope(False, f"{what} were {in_words(faults, self.hours)}. That time is not in this number.")
        minor = any(row["state"] != "logged" for row in rows)
        return Scope(True, "The trail leaves out calls of KMS or the RDS Data API." if minor else "")


def is_blind(row: Row) -> bool:
    """Is it not logged, lost, or unknown?"""
    return bool(row["state"] in BLIND)


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
        places.setdefault((str(row["bucket"] or row["aws_region"]), is_blind(row)), []).append(row)
    alike: dict[tuple[Any, ...], list[str]] = {}
    for (place, blind), rows in places.items():
        times = tuple((row["start_time"], row["end_time"]) for row in rows)
        alike.setdefault((not blind, times), []).append(place)
    parts: list[str] = []
    for (doubtful, _), names in sorted(alike.items(), key=lambda group: group[0][0]):
        rows, own = [row for name in names for row in places[name, not doubtful]], places[names[0], not doubtful]
        words = ", or ".join(words for state, words in WORDS.items() if any(row["state"] == state for row in rows))
        time = duration(sum(map(_length, own), timedelta()))
        of = f" of {duration(whole * HOUR)}" if whole and not parts else ""
        where = f" in {_listed(names)}" if rows[0]["bucket"] is None else ""
        parts.append(f"{words} for {time}{of}{where} ({_when(rows, own)})")
    more = f"; and in {len(parts) - MOST} more groups of Regions" if len(parts) > MOST else ""
    return "; ".join(parts[:MOST]) + more


def _when(rows: Sequence[Row], own: Sequence[Row]) -> str:
    """The longest stretch, and the first reason for it that is known."""
    longest = max(own, key=_length)
    alike = [row for row in rows if row["start_time"] == longest["start_time"]]
    basis = str(min(alike, key=lambda row: row["state"] == "unknown")["basis"]).split("; ")[0]
    basis += ")" * (basis.count("(") - basis.count(")"))
    start, end = longest["start_time"], longest["end_time"]
    until = f"{end:%H:%M}" if end.date() == start.date() else f"{end:%Y-%m-%d %H:%M}"
    return f"{'longest ' if len(own) > 1 else ''}{start:%Y-%m-%d %H:%M} to {until} UTC: {basis}"


def _length(row: Row) -> timedelta:
    length: timedelta = row["end_time"] - row["start_time"]
    return length


def _listed(names: Sequence[str]) -> str:
    if len(names) > MOST:
        return f"{', '.join(names[:MOST])} and {len(names) - MOST:,} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
