"""Lifecycle rules that expire objects: read once, and the calls that let objects expire sooner.

Source: S3 User Guide, "Lifecycle configuration elements".
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from ir_kit.configuration.config_timeline import ConfigTimeline
from ir_kit.domain.documents import mapping, mappings
from ir_kit.domain.frames import frame_of

COLUMNS = {"event_time": "timestamp"} | dict.fromkeys(
    ("bucket", "access_key_id", "error_code", "event_id", "request_id", "source_ip_address", "user_agent"), "varchar"
)


class ExpiryRule(NamedTuple):
    """An enabled rule that expires objects in so many days, or on a date; old versions in so many days."""

    name: str
    prefix: str
    has_tags: bool
    days: int | None
    date: str | None
    noncurrent_days: int | None


def expiry_rules(content: Any) -> list[ExpiryRule]:
    """The enabled rules that expire objects or old versions, from an answer or from the body of a call."""
    inner = mapping(content).get("LifecycleConfiguration", content)
    listed = inner.get("Rules") or inner.get("Rule") if isinstance(inner, dict) else None
    rules = []
    for rule in mappings(listed):
        scope, expiry = mapping(rule.get("Filter")), mapping(rule.get("Expiration"))
        scope = mapping(scope.get("And")) or scope
        prefix = str(scope.get("Prefix") or rule.get("Prefix") or "").rstrip("*")
        old = mapping(rule.get("NoncurrentVersionExpiration")).get("NoncurrentDays")
        times = (_whole(expiry.get("Days")), str(expiry.get("Date") or "") or None, _whole(old))
        if rule.get("Status", "Enabled") == "Enabled" and any(time is not None for time in times):
            rules.append(ExpiryRule(str(rule.get("ID") or "rule"), prefix, "Tag" in scope or "Tags" in scope, *times))
    return rules


def expiry_days(content: Any) -> int | None:
    """In how many days does the soonest enabled rule expire objects or old versions? None: no rule does; a date is 0."""
    rules = expiry_rules(content)
    days = [0 if rule.date else number for rule in rules for number in (rule.days, rule.noncurrent_days)]
    return min((number for number in days if number is not None), default=None)


def expiry_changes(timeline: ConfigTimeline) -> pd.DataFrame:
    """Which calls let objects expire sooner, or would have, had they not failed?

    Returns
    -------
    DataFrame
        One row per call that sets an expiry which is new, or sooner than the one known before, whoever made it.
    """
    rows = []
    for change in timeline.changes:
        if change.path == "lifecycle":
            days, before = (expiry_days(answer.response) for answer in (change.content, timeline.before(change)))
            if days is not None and (before is None or days < before):
                rows.append(change.event)
    return frame_of(rows, COLUMNS)


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
