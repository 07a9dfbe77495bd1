"""When was each bucket public? The window, cut where a setting changed or where nothing would have shown a change.

A past configuration is read exactly as the collected one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.configuration.answers import Answer, Configuration, Setting
from ir_kit.configuration.config_timeline import MOST_READ, ConfigTimeline, config_timeline
from ir_kit.configuration.inventory import Bucket, BucketInventory
from ir_kit.coverage.visibility import unlogged, visible
from ir_kit.domain.frames import frame_of
from ir_kit.domain.intervals import between
from ir_kit.domain.logic import NO, UNKNOWN, YES, any_of
from ir_kit.exposure.grants import Grant
from ir_kit.exposure.verdicts import grants_of
from ir_kit.tables import types_of

MOST_REASONS = 2


@dataclass
class PastExposure:
    """Who could reach a bucket at a time, from its settings over time."""

    timeline: ConfigTimeline

    @property
    def inventory(self) -> BucketInventory:
        return self.timeline.inventory

    def grants(self, name: str, time: datetime, instead: Mapping[Setting, Answer] | None = None) -> list[Grant]:
        """The grants of a bucket at this time, of every kind; `instead`: had these settings been so."""
        return _grants_at(
            self.timeline.configuration_at(name, time, instead), self.inventory.bucket(name), self.inventory
        )

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
        return status, "; ".join(reasons[:MOST_REASONS]) or "nothing lets everybody in"


@lru_cache(maxsize=MOST_READ)
def _grants_at(configuration: Configuration, bucket: Bucket, inventory: BucketInventory) -> list[Grant]:
    return grants_of(configuration, bucket, inventory)


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
    past, window = past_exposure(case), case.incident.window
    rows: list[dict[str, Any]] = []
    for name in past.inventory.buckets:
        for span in between(past.timeline.edges(name), window.start, window.end):
            status, basis = past.public_at(name, span.start.replace(microsecond=999_999))
            row = {
                "bucket": name,
                "start_time": span.start,
                "end_time": span.end,
                "public_status": status,
                "basis": basis,
            }
            if rows and all(rows[-1][part] == row[part] for part in ("bucket", "public_status", "basis")):
                rows[-1]["end_time"] = span.end
            else:
                rows.append(row)
    return frame_of(rows, types_of("bucket_exposure/spans"))
