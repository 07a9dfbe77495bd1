"""Lifecycle rules that expire objects: read once, and the calls that let objects expire sooner.

Source: S3 User Guide, "Lifecycle configuration elements".
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from ir_kit.configuration.config_timeline import ConfigTimeline
from ir_kit.domain.documents import mapping, mappings
from ir_kit.domain.frames import frame_of

COLUMNS = {"event_time": "timestamp", "days": "bigint", "days_before": "bigint"} | dict.fromkeys(
    ("bucket", "access_key_id", "error_code", "event_id", "request_id", "source_ip_address", "user_agent"), "varchar"
)


class ExpiryRule(NamedTuple):
    """An enabled rule that expires objects: in how many days, or on which date; old versions in how many days."""

    name: str
    prefix: str
    days: int | None
    date: str | None
    noncurrent_days: int | None
    has_tags: bool


def expiry_rules(content: Any) -> list[ExpiryRule]:
    """The enabled rules that expire objects or old versions, from an answer or from the body of a call."""
    inner = mapping(content).get("LifecycleConfiguration", content)
    listed = inner.get("Rules") or inner.get("Rule") if isinstance(inner, dict) else None
    rules = []
    for rule in mappings(listed):
        scope = mapping(rule.get("Filter"))
        scope = mapping(scope.get("And")) or scope
        expiry = mapping(rule.get("Expiration"))
        found = ExpiryRule(
            str(rule.get("ID") or "rule"), str(scope.get("Prefix") or rule.get("Prefix") or "").rstrip("*"),
            _whole(expiry.get("Days")), str(expiry["Date"]) if expiry.get("Date") else None,
            _whole(mapping(rule.get("NoncurrentVersionExpiration")).get("NoncurrentDays")),
            "Tag" in scope or "Tags" in scope,
        )  # fmt: skip
        if rule.get("Status", "Enabled") == "Enabled" and found[2:5] != (None, None, None):
            rules.append(found)
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
        if change.path == "lifecycle" and change.setting is not None:
            days, before = expiry_days(change.content.response), timeline.before(change)
            days_before = expiry_days(before.response)
            if days is not None and (days_before is None or days < days_before):
                given = {name: change.event.get(name) for name in COLUMNS}
                rows.append(given | {"bucket": change.bucket, "days": days, "days_before": days_before})
    return frame_of(rows, COLUMNS)


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
