"""From settings to a verdict on a bucket: is it public, is it open to another account, by which grants, and when was it?

A past configuration is read exactly as the collected one: the same answers give the same verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import pandas as pd

from ir_kit.case import Case
from ir_kit.configuration.bucket_inventory import Bucket, BucketInventory, inventory
from ir_kit.configuration.collected_answers import Answer, Configuration, Setting, configuration
from ir_kit.configuration.config_timeline import MOST_READ, ConfigTimeline, config_timeline
from ir_kit.coverage.visibility import unlogged, visible
from ir_kit.domain.documents import frame_of
from ir_kit.domain.intervals import between
from ir_kit.domain.logic import NO, UNKNOWN, YES, any_of
from ir_kit.exposure.grants import BucketContext, Grant
from ir_kit.exposure.policy_grants import access_grants_grants, access_point_grants, policy_grants
from ir_kit.exposure.setting_grants import (
    acl_grants,
    delivery_grants,
    object_acl_grants,
    replication_grants,
    website_grants,
)
from ir_kit.tables import types_of

MOST_REASONS = 8  # of one kind
MOST_REASONS_AT_A_TIME = 2


class Verdict(NamedTuple):
    """What all grants on a bucket come to, with the reasons in sentences, and what was not counted."""

    public_status: str
    cross_account_status: str
    reasons: list[str]
    not_counted: list[str]


@dataclass(frozen=True)
class Exposure:
    """All buckets in scope, by the settings as they were collected, with the grants on each."""

    configuration: Configuration
    inventory: BucketInventory
    grants: dict[str, list[Grant]]


@lru_cache(maxsize=MOST_READ)
def grants_of(configuration: Configuration, bucket: Bucket, inventory: BucketInventory) -> list[Grant]:
    """Every grant on a bucket by these answers, source by source; one row without a grantee where a source has none.

    Parameters
    ----------
    inventory : BucketInventory
        The evidence's own accounts, their canonical ids and buckets.
    """
    context, grants = BucketContext(bucket, configuration, inventory), list[Grant]()
    for source in (policy_grants, acl_grants, object_acl_grants, access_point_grants, access_grants_grants):
        grants += source(context)
    return [*grants, *website_grants(context, grants), *replication_grants(context), *delivery_grants(context)]


def exposure_of(case: Case) -> Exposure:
    """The grants on every bucket in scope; worked out once for a case."""

    def compute() -> Exposure:
        collected, known = configuration(case), inventory(case)
        grants = {name: grants_of(collected, bucket, known) for name, bucket in known.buckets.items()}
        return Exposure(collected, known, grants)

    return case.once("exposure", compute)


def verdict_on(grants: list[Grant]) -> Verdict:
    """Is a bucket public by these grants on it, and is it open to another account?"""
    reasons, statuses = list[str](), list[str]()
    for what, judged in (
        ("public", [(grant.public_status, grant.open_to_all, grant) for grant in grants]),
        ("open to another account", [(grant.cross_account_status, grant.foreign, grant) for grant in grants]),
    ):
        statuses.append(status := any_of(how for how, _, _ in judged))
        counted = [grant for how, _, grant in judged if how == status]
        if status == NO:  # what would open it, were it not stopped
            counted = [grant for _, meant, grant in judged if meant == YES and grant.effective_status == NO]
        reasons += reasons_for(what, status, map(words_of, counted))
    left_out = [
        f"Not counted in this: {grant.path} ({grant.detail})."
        for grant in grants
        if grant.effective_status == UNKNOWN and grant.grantee is None and grant.open_to_all == grant.foreign == NO
    ]
    return Verdict(statuses[0], statuses[1], reasons, left_out)


def reasons_for(what: str, status: str, why: Iterable[str]) -> list[str]:
    """A status with each of its reasons, in sentences."""
    head = {YES: f"It is {what}", NO: f"It is not {what}", UNKNOWN: f"Whether it is {what} is not known"}[status]
    listed = list(dict.fromkeys(why))
    more = [f"{head}: and {len(listed) - MOST_REASONS} more."] if len(listed) > MOST_REASONS else []
    return [f"{head}: {words}." for words in listed[:MOST_REASONS]] + more or [f"{head}."]


def words_of(grant: Grant) -> str:
    """A grant as a reason."""
    lets_in = grant.grantee and grant.effective_status == YES
    who = f"{grant.path} lets {grant.grantee} {grant.access or 'in'}" if lets_in else grant.path
    return f"{who} ({grant.detail})" + (f", stopped by {grant.blocked_by}" if grant.blocked_by else "")


@dataclass
class PastExposure:
    """Who could reach a bucket at a time, from its settings over time."""

    timeline: ConfigTimeline

    def grants(self, name: str, time: datetime, instead: Mapping[Setting, Answer] | None = None) -> list[Grant]:
        """The grants of a bucket at this time, of every kind; `instead`: had these settings been so."""
        at, inventory = self.timeline.configuration_at(name, time, instead), self.timeline.inventory
        return grants_of(at, inventory.bucket(name), inventory)

    def public_at(self, name: str, time: datetime, instead: Mapping[Setting, Answer] | None = None) -> tuple[str, str]:
        """Was a bucket public then, and why? What was not logged is not known."""
        if self.timeline.unlogged_at(name, time):
            return UNKNOWN, "no management events were logged: a change would not have been seen"
        grants = self.grants(name, time, instead)
        status = any_of(grant.public_status for grant in grants)
        reasons = [grant.detail for grant in grants if grant.public_status == status]
        if status == NO:
            stopped = [grant for grant in grants if grant.open_to_all == YES and grant.blocked_by]
            reasons = [f"{grant.detail}, stopped by {grant.blocked_by}" for grant in stopped]
        return status, "; ".join(reasons[:MOST_REASONS_AT_A_TIME]) or "nothing lets everybody in"


def past_exposure(case: Case) -> PastExposure:
    """The exposure of a case's buckets over time."""
    return case.once("past_exposure", lambda: PastExposure(config_timeline(case, unlogged(visible(case)))))


def spans(case: Case) -> pd.DataFrame:
    """When was each bucket in scope public by AWS's definition, when was it not, and when is that not known?

    Returns
    -------
    DataFrame
        One row per bucket and interval; the intervals of a bucket tile the window. Empty where no bucket is in scope.

    Notes
    -----
    Every kind of grant counts that counts in ``public_status``, ACLs of objects where they are known. Settings are
    carried forward from calls and answers, and back from an answer to the last call before it, but never over a time in
    which calls were not logged.
    """
    past, window, columns = past_exposure(case), case.incident.window, types_of("bucket_exposure/spans")
    rows: list[dict[str, Any]] = []
    for name in past.timeline.inventory.buckets:
        for span in between(past.timeline.edges(name), window.start, window.end):
            status, basis = past.public_at(name, span.start.replace(microsecond=999_999))
            row = dict(zip(columns, (name, span.start, span.end, status, basis), strict=True))
            if rows and all(rows[-1][part] == row[part] for part in ("bucket", "public_status", "basis")):
                rows[-1]["end_time"] = span.end
            else:
                rows.append(row)
    return frame_of(rows, columns)
