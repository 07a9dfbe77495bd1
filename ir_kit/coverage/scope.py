"""How much of a question's scope was logged, taken from the replay of logging: what a zero means, and what was blind.

Every playbook takes its ``not_observed`` or ``not_knowable`` from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ir_kit.case import Case
from ir_kit.coverage.visibility import BLIND, MINOR
from ir_kit.coverage.visible import visible
from ir_kit.domain.frames import rows_of
from ir_kit.errors import IrKitError
from ir_kit.findings import Scope

Row = Mapping[str, Any]
HOUR = timedelta(hours=1)
DATA = ("data_read", "data_write")
WORDS = {
    "not_logged": "in no log that is held", "lost": "recorded and lost", "unknown": "not known to have been recorded",
    "uncertain": "not surely recorded",
}  # fmt: skip
MOST = 4


@dataclass(frozen=True)
class Seen:
    """What the evidence could see in the window: the rows of ``logging_gaps/visibility``, or why there are none."""

    rows: Sequence[Row]
    hours: float
    why_not: str = ""

    @classmethod
    def of(cls, case: Case) -> Seen:
        """What a case could see; where that cannot be worked out, why."""
        window = case.incident.window
        hours = (window.end - window.start) / HOUR
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
        return Scope(scope.whole, scope.blind, unsure=bool(self._blind_buckets(DATA)))

    def everything(self) -> Scope:
        """Management events of every Region touched, and data events of every bucket in scope."""
        scope, blind = self.management(), self.objects()
        return Scope(bool(scope.whole) and not blind, " ".join(part for part in (scope.blind, blind) if part))

    def objects(self) -> str:
        """Where data events were not on throughout, in a sentence; empty where they were."""
        blind = self._blind_buckets(DATA)
        buckets = {row["bucket"] for row in self.rows if row["bucket"] is not None}
        if not blind:
            return "" if buckets or self.why_not else "Of data events on objects nothing is known: no bucket is."
        named = [f"{bucket} for {hours:,.1f} hours" for bucket, hours in sorted(blind.items(), key=_most_first)]
        return (
            f"Reads and writes of objects are in CloudTrail only where data events were on, which is not so in "
            f"{len(blind):,} of {len(buckets):,} buckets ({_listed(named)}): such calls are not in this number."
        )

    def _blind_buckets(self, classes: Iterable[str]) -> dict[str, float]:
        """By bucket, the most hours that one of these classes was not surely logged."""
        found: dict[str, dict[str, float]] = {}
        for row in self.rows:
            if row["bucket"] is not None and row["record_class"] in classes and not is_seen(row):
                hours = found.setdefault(row["bucket"], {})
                hours[row["record_class"]] = hours.get(row["record_class"], 0.0) + _hours(row)
        return {bucket: max(hours.values()) for bucket, hours in found.items()}

    def _scope(self, rows: Sequence[Row], what: str) -> Scope:
        if self.why_not:
            return Scope(None, self.why_not)
        if not rows:
            return Scope(
                None,
                "Whether logging was on cannot be said: no log and no setting in the evidence tells of any trail or "
                "Region.",
            )
        faults = [row for row in rows if not is_seen(row)]
        if faults:
            return Scope(False, f"{what} were {told(faults, self.hours)}. What happened then is not in this number.")
        minor = any(row["state"] != "logged" for row in rows)
        return Scope(True, "The trail leaves out calls of KMS or the RDS Data API." if minor else "")


def is_seen(row: Row) -> bool:
    """Was all of it logged, but for services that trails commonly leave out?"""
    left_out = set(row["left_out"]) if row["left_out"] is not None else set()
    return row["state"] == "logged" or (row["state"] == "uncertain" and bool(left_out) and left_out <= MINOR)


def is_blind(row: Row) -> bool:
    """Is it not logged, lost, or unknown?"""
    return bool(row["state"] in BLIND)


def told(faults: Iterable[Row], whole: float = 0.0) -> str:
    """What was not surely recorded, for how long, where, when and why, as the rest of a sentence.

    Parameters
    ----------
    faults : rows of ``logging_gaps/visibility``
        Of one class; Regions that were blind at the same times are told together.
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
    for (doubtful, _), names in sorted(alike.items(), key=lambda one: one[0][0]):
        rows = [row for name in names for row in places[name, not doubtful]]
        where = f" in {_listed(names)}" if rows[0]["bucket"] is None else ""
        own = places[names[0], not doubtful]
        hours = f"{sum(map(_hours, own)):,.1f}" + (f" of {whole:,.1f}" if whole and not parts else "")
        parts.append(f"{_words(rows)} for {hours} hours{where} ({_when(rows, own)})")
    more = f"; and likewise in {len(parts) - MOST} more ways" if len(parts) > MOST else ""
    return "; ".join(parts[:MOST]) + more


def _words(rows: list[Row]) -> str:
    states = {row["state"] for row in rows}
    return ", or ".join(words for state, words in WORDS.items() if state in states)


def _when(rows: list[Row], own: list[Row]) -> str:
    """The longest stretch, and the first reason for it that is known."""
    longest = max(own, key=_hours)
    same = [row for row in rows if row["start_time"] == longest["start_time"]]
    basis = str(min(same, key=lambda row: row["state"] == "unknown")["basis"]).split("; ")[0]
    basis += ")" * (basis.count("(") - basis.count(")"))
    start, end = longest["start_time"], longest["end_time"]
    until = f"{end:%H:%M}" if end.date() == start.date() else f"{end:%Y-%m-%d %H:%M}"
    return f"{'longest ' if len(own) > 1 else ''}{start:%Y-%m-%d %H:%M} to {until} UTC: {basis}"


def _hours(row: Row) -> float:
    return float((row["end_time"] - row["start_time"]) / HOUR)


def _most_first(item: tuple[str, float]) -> tuple[float, str]:
    return -item[1], item[0]


def _listed(names: list[str]) -> str:
    shown, rest = names[:MOST], len(names) - MOST
    if rest > 0:
        return f"{', '.join(shown)} and {rest:,} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
