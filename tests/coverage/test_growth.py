"""The work grows with trails times buckets, and no faster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ir_kit.coverage.logging_timeline import LoggingTimeline
from ir_kit.coverage.visibility import visibility_of


def states_worked_out(account: Any, size: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """How often the state of a trail is worked out for a table of so many trails and buckets, a trail for each bucket."""
    account.buckets = {f"b{number:02}": "us-east-1" for number in range(size)}
    account.hums(step=1)
    for number, bucket in enumerate(account.buckets):
        name, hours = f"t{number:02}", 1 + number * 20 / size
        resources = [{"type": "AWS::S3::Object", "values": [f"arn:aws:s3:::{bucket}/"]}]
        selectors = [{"readWriteType": "All", "includeManagementEvents": False, "dataResources": resources}]
        account.trail_call(hours, "CreateTrail", {"name": name, "s3BucketName": "logs-bucket"})
        account.trail_call(hours + 0.01, "StartLogging", {"name": name})
        account.trail_call(hours + 0.02, "PutEventSelectors", {"trailName": name, "eventSelectors": selectors})
        for hour in range(24):
            account.came(hour + 0.5, "data_read", bucket, key=f"{hour}/k")
    count, whole = 0, LoggingTimeline.trail_state

    def counted(self: LoggingTimeline, *arguments: Any) -> Any:
        nonlocal count
        count += 1
        return whole(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(LoggingTimeline, "trail_state", counted)
        table = visibility_of(account.replay())
    assert {"logged", "unknown"} <= set(table[table["record_class"] == "data_read"]["state"])
    return count


def test_twice_the_trails_and_buckets_are_four_times_the_work(
    new_account: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    few, many = (states_worked_out(new_account(), size, monkeypatch) for size in (6, 12))
    assert 0 < many < 5 * few
