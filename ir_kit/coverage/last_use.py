"""IAM's note of a key's last use, held against the logs: does one show it, and would one have shown it?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from ir_kit.case import Case
from ir_kit.coverage.visibility import MINOR, is_logged, visible

NEAR = timedelta(minutes=15)  # IAM notes the first use within so many minutes
MANAGEMENT_ALONE = frozenset({"iam", "sts", "ec2", "kms", "cloudtrail", "organizations", "secretsmanager", "signin"})
"""Services all of whose calls that CloudTrail records are management events."""


def logged_uses(case: Case, access_key_id: str, service: str, time: datetime) -> tuple[int, int]:
    """How many events of a key on this service lie within 15 minutes of a time, and access-log lines that may be its own?"""
    source = service if service.endswith(".amazonaws.com") else f"{service}.amazonaws.com"
    row = case.ask("coverage/key_uses", access_key_id=access_key_id, event_source=source, used_at=time).iloc[0]
    return int(row["events"]), int(row["lines"])


def last_used_logged_status(case: Case, settings: Mapping[str, Any]) -> str:
    """Do the logs show the use that IAM noted as a key's latest?

    Parameters
    ----------
    settings : mapping
        What configuration says of the key: access_key_id, last_used_date, last_used_service, last_used_region.

    Returns
    -------
    str
        ``yes`` where an event of that key and service lies within 15 minutes; ``no`` where none does, although it would
        have been logged; else ``unknown``.
    """
    time, service = settings.get("last_used_date"), settings.get("last_used_service")
    if time is None or not service or service == "N/A":
        return "unknown"
    events, lines = logged_uses(case, settings["access_key_id"], service, time.to_pydatetime())
    if events:
        return "yes"
    if lines:
        return "unknown"  # the access log shows a use that may be this one
    first, last = (time - NEAR).to_pydatetime(), (time + NEAR).to_pydatetime()
    return "no" if _would_be_logged(case, service, settings.get("last_used_region"), first, last) else "unknown"


def _would_be_logged(case: Case, service: str, region: str | None, start: datetime, end: datetime) -> bool:
    """Would every call of this service have been logged from `start` to `end`, the calls on objects included?"""
    if service not in MANAGEMENT_ALONE and service != "s3":
        return False  # it has data events that no replay here tells of
    coverage = visible(case)
    minor: frozenset[str] = frozenset() if service == "kms" else MINOR
    place = None if region in (None, "N/A", "aws-global") else region
    state, _ = is_logged(coverage, record_class="management", region=place, start=start, end=end, ignoring=minor)
    if state != "logged" or service != "s3":
        return state == "logged"
    if case.incident.buckets:
        return False  # what was logged of other buckets is not known

    def logged(bucket: str, record_class: str) -> bool:
        return is_logged(coverage, record_class=record_class, bucket=bucket, start=start, end=end)[0] == "logged"

    buckets = coverage["bucket"].dropna().unique()
    return len(buckets) > 0 and all(
        logged(bucket, "server_access_log") or (logged(bucket, "data_read") and logged(bucket, "data_write"))
        for bucket in buckets
    )
