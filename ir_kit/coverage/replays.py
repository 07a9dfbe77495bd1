"""The logging of an account over time, ready to be asked: trails, deliveries and access logs in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from ir_kit.coverage.bucket_logging import SETTLING as LINES_SETTLING
from ir_kit.coverage.bucket_logging import BucketLogging
from ir_kit.coverage.log_buckets import Expiry, LogTarget
from ir_kit.coverage.recording import Recording
from ir_kit.coverage.selector_coverage import Coverage
from ir_kit.coverage.selectors import SelectorSet
from ir_kit.coverage.states import Scope, State, best
from ir_kit.coverage.trails import INSTANT, Trail
from ir_kit.domain.intervals import EARLIEST, LATEST, UNKNOWN, Span, around, edges_of

Row = dict[str, Any]
AWAY = timedelta(hours=3)  # without a line, from which an access log that was redirected is taken to be gone


@dataclass
class Replay:
    """The logging of an account over time, ready to be asked."""

    window: Span
    recording: Recording
    buckets: dict[str, str | None]
    regions: list[str]
    access_logs: dict[str, BucketLogging]
    line_targets: dict[str, LogTarget] = field(default_factory=dict)
    silent: dict[str, list[Span]] = field(default_factory=dict)
    unseen: dict[tuple[str, str], list[Span]] = field(default_factory=dict)  # by bucket and class
    lost: list[tuple[str | None, str | None, Span, str]] = field(default_factory=list)  # Region, trail, span, basis
    line_expiry: dict[str, Expiry] = field(default_factory=dict)  # by source bucket
    lines_held: bool = True
    ends: datetime = LATEST

    def edges(self, scope: Scope) -> list[datetime]:
        """Moments at which the state of a scope may change."""
        found = set(self.recording.edges(scope))
        found.update(edges_of(self.silent.get(scope.aws_region or "", [])))
        found.update(edges_of(self.unseen.get((scope.bucket or "", scope.record_class), [])))
        found.update(edges_of(span for _, _, span, _ in self.lost))
        return sorted(found)

    def state(self, scope: Scope, span: Span) -> State:
        """What would have become of the requests of a scope in a span between two edges?"""
        return best(self.states(scope, span, None))

    def states(self, scope: Scope, span: Span, answer: Callable[[SelectorSet], str] | None) -> list[State]:
        """The same of each trail; with `answer`, of one request that selectors answer for."""
        asked = scope if answer is None else _Asked(scope.record_class, scope.bucket, scope.aws_region, answer)
        found = []
        for trail in self.recording.trails:
            state = self.recording.trail_state(trail, asked, span)
            found.append(self._gone(state, scope, span, trail))
        found.append(self._gone(self.recording._unnamed(scope, span), scope, span, None))
        return [self._silenced(state, scope, span) for state in found]

    def _gone(self, state: State, scope: Scope, span: Span, trail: Trail | None) -> State:
        if state.state not in ("logged", "uncertain"):
            return state
        for region, name, gone, basis in self.lost:
            named = name is None or (trail is not None and trail.key.name == name)
            if named and (region is None or region == scope.aws_region) and gone.touches(span.start, span.end):
                return State("lost", basis, (), state.where)
        return state

    def _silenced(self, state: State, scope: Scope, span: Span) -> State:
        if state.state != "logged":
            return state
        for unseen in self.unseen.get((scope.bucket or "", scope.record_class), []):
            if unseen.holds(span.start):
                words = f"the access log holds requests that CloudTrail does not, though it should have been on ({state.basis})"
                return State("uncertain", words, ("contradiction",), state.where)
        for silent in self.silent.get(scope.aws_region or "", []):
            if silent.holds(span.start):
                when = f"from {silent.start:%Y-%m-%d %H:%M} to {silent.end:%Y-%m-%d %H:%M}"
                words = f"{scope.aws_region} delivered no record {when}"
                return State(
                    "uncertain", f"{words}, though it should have been on ({state.basis})", ("silence",), state.where
                )
        return state

    def log_targets(self, bucket: str) -> list[LogTarget]:
        """The settings of a log bucket over time, for each service that writes to it."""
        every = [target for listed in self.recording.targets.values() for target in listed]
        every += [target for _, target in sorted(self.line_targets.items())]
        return [target for target in {id(one): one for one in every}.values() if target.name == bucket]

    # server access logs

    def access_log_edges(self, bucket: str) -> list[datetime]:
        one = self.access_logs.get(bucket)
        if one is None:
            return []
        found = {*one.edges(), *edges_of(one.silent)}
        target = self.line_targets.get(bucket)
        found.update(target.edges() if target else ())
        found.update(change + LINES_SETTLING for change in one.changes())
        if one.lines:
            found.update((one.lines[0].start, one.lines[-1].end))
        expiry = self.line_expiry.get(bucket)
        found.update(expiry.edges() if expiry else ())
        if one.target.dark or not one.target.points:  # where lines have to tell
            found.update(edge for line in one.lines for edge in (line.start, line.end))
        return sorted(found)

    def access_log_state(self, bucket: str, span: Span) -> State:
        """What would have become of the access-log lines of a bucket in a span between two edges?"""
        one = self.access_logs.get(bucket)
        if one is None:
            return State("unknown", "nothing tells whether access logging was on")
        found = self._lines_settled(one, span.start)
        for edge in one.changes():
            if edge <= span.start < edge + LINES_SETTLING:
                before = self._lines_settled(one, edge - INSTANT)
                if before.state != found.state and "logged" in (before.state, found.state):
                    return State(
                        "uncertain", f"access logging settles after a change at {edge:%Y-%m-%d %H:%M:%S}", ("settling",)
                    )
        if found.state != "logged":
            return found
        expiry = self.line_expiry.get(bucket)
        found = expiry.state(found, span.start) if expiry else found
        if found.state != "logged":
            return found
        if any(silent.holds(span.start) for silent in one.silent):
            return State(
                "uncertain", f"{found.basis}, but no line came while CloudTrail saw requests to it", ("silence",)
            )
        target = self.line_targets.get(bucket)
        doubt = target.doubt(span.start) if target else ""
        if target and doubt:
            until = min((edge for edge in target.edges() if edge > span.start), default=LATEST)
            if not any(
                line.end > span.start + LINES_SETTLING and line.start < until
                for line in self._lines_into(one, span.start)
            ):
                return State("uncertain", f"access logs may not have been delivered: {doubt}", ("delivery",))
        return found

    def _lines_into(self, one: BucketLogging, time: datetime) -> list[Span]:
        """Lines of every bucket that logs into the same log bucket at this time."""
        place = one.target.at(time).value
        return [
            line
            for other in self.access_logs.values()
            if other is one or (place and (other.target.at(time).value or ("",))[0] == place[0])
            for line in other.lines
        ]

    @cached_property
    def _held_places(self) -> set[str]:
        """Log buckets into which lines that are held came: lines of a time at which they were the target."""
        found = set()
        for one in self.access_logs.values():
            settling = [Span(change, change + LINES_SETTLING) for change in one.changes()]
            for line in one.lines:
                place = one.target.at(line.start).value
                if place and not any(span.holds(line.start) for span in settling):
                    found.add(place[0])
        return found

    def _not_held(self, one: BucketLogging, time: datetime, place: tuple[str, str]) -> State | None:
        """The state where no line that went to this log bucket is held; None where there is one."""
        if place[0] in self._held_places:
            return None
        moved = max((change for change in one.target.changes() if change <= time), default=LATEST)
        until = min((change for change in one.target.changes() if change > time), default=self.ends)
        away = any(line.start < moved for line in one.lines) and until - moved >= AWAY
        if not self.lines_held or away:
            return State("not_logged", f"access logs go to s3://{'/'.join(place)}, which is not held")
        return State("unknown", f"access logs go to s3://{'/'.join(place)}, and no line from there is held")

    def _lines_settled(self, one: BucketLogging, time: datetime) -> State:
        held = one.target.at(time)
        cloud = one.cloudwatch.at(time)
        changes = one.changes()
        run = around(time, [*changes, *edges_of(one.target.dark)])
        lines = [line for line in one.lines if run.holds(line.start)]
        # an answer of later that lines, or their absence, contradict tells nothing of before
        silent = any(run.holds(span.start) for span in one.silent)
        if held.far and (lines and not held.value or silent and not lines and held.value):
            held = UNKNOWN
        if held.state == "known" and held.value:
            absent = self._not_held(one, time, held.value)
            if absent:
                return absent
            return State("logged", f"access log to s3://{'/'.join(held.value)} ({held.words})")
        if held.state == "known" and not (cloud.state == "known" and cloud.value):
            return State("not_logged", f"access logging was off ({held.words})")
        if held.state == "disputed":
            return State("uncertain", f"access logging was changed unseen: {held.words}", ("unseen_change",))
        before = max((line.end for line in one.lines if line.start <= time), default=EARLIEST)
        after = min((line.start for line in one.lines if line.start > time), default=LATEST)
        # off and on again takes an hour each: lines closer than that leave no room for it
        near = after - min(before, time) <= 2 * LINES_SETTLING and not any(
            before < change < after for change in changes
        )
        if near or (lines and lines[0].start <= time < (run.end if run.end in changes else lines[-1].end)):
            return State("logged", "lines were delivered while no setting changed")
        if cloud.state == "known" and cloud.value:
            return State(
                "not_logged", f"access logs go to CloudWatch Logs or elsewhere ({cloud.words}), which is not held"
            )
        return State("unknown", "whether access logging was on is not known")


@dataclass(frozen=True)
class _Asked(Scope):
    """A scope narrowed to one request."""

    answer: Callable[[SelectorSet], str] = lambda _: "no"

    def coverage(self, selectors: SelectorSet | None) -> Coverage | None:
        if selectors is None:
            return None
        kinds = {"yes": Coverage("all"), "no": Coverage("none", "this request is left out")}
        return kinds.get(self.answer(selectors), Coverage("partly", "the selectors leave it open", ("request",)))
