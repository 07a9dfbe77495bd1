"""How many objects and bytes did a bucket hold, and how many requests did it serve? By CloudWatch, a day a value.

Storage metrics exist for every bucket, at no cost, once a day. Request metrics exist only where somebody switched them
on. Both count without saying who: they bound what access logs cannot show.

Source: S3 User Guide, "Amazon S3 metrics and dimensions".
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from ir_kit.collect.calls import Calls, side_by_side
from ir_kit.collect.there import There

__all__ = ["ask_metrics"]

NAMESPACE = "AWS/S3"
STORAGE = ("BucketSizeBytes", "NumberOfObjects")
REQUESTS = (
    "AllRequests", "GetRequests", "PutRequests", "DeleteRequests", "ListRequests", "HeadRequests", "SelectRequests",
    "BytesDownloaded", "BytesUploaded", "4xxErrors",
)  # fmt: skip
DAY = timedelta(days=1)


def ask_metrics(calls: Calls, there: There, start: datetime, end: datetime) -> None:
    """What do the metrics of the buckets say, for each day from `start` to `end`?

    Notes
    -----
    CloudWatch keeps a value a day for 455 days, and lists a metric for two weeks after its last value; storage is asked
    for whether it is listed or not.
    """
    regions = sorted({region for region in there.buckets.values() if region})
    listed = dict(zip(regions, side_by_side([partial(_listed, calls, region) for region in regions]), strict=True))
    work = []
    for bucket, region in sorted(there.buckets.items()):
        if region:
            known = listed[region].get(bucket, {})
            work += [
                partial(_ask, calls, region, name, dimensions, start, end)
                for name, dimensions in sorted({**_always(bucket), **known}.values(), key=str)
            ]
    side_by_side(work)


def _listed(calls: Calls, region: str) -> dict[str, dict[str, Any]]:
    """By bucket, the metrics that CloudWatch lists in a Region."""
    found: dict[str, dict[str, Any]] = {}
    for metric in calls.listed("cloudwatch", "ListMetrics", "Metrics", {"Namespace": NAMESPACE}, region):
        name, dimensions = str(metric.get("MetricName")), _sorted(metric.get("Dimensions") or [])
        bucket = next((one["Value"] for one in dimensions if one["Name"] == "BucketName"), None)
        if bucket is not None and name in (*STORAGE, *REQUESTS):
            found.setdefault(bucket, {})[f"{name} {dimensions}"] = (name, dimensions)
    return found


def _always(bucket: str) -> dict[str, Any]:
    found = {}
    for name, storage in (("BucketSizeBytes", "StandardStorage"), ("NumberOfObjects", "AllStorageTypes")):
        dimensions = _sorted([{"Name": "BucketName", "Value": bucket}, {"Name": "StorageType", "Value": storage}])
        found[f"{name} {dimensions}"] = (name, dimensions)
    return found


def _sorted(dimensions: Iterable[Any]) -> list[dict[str, str]]:
    return sorted(
        ({"Name": str(one["Name"]), "Value": str(one["Value"])} for one in dimensions), key=lambda one: one["Name"]
    )


def _ask(
    calls: Calls, region: str, name: str, dimensions: list[dict[str, str]], start: datetime, end: datetime
) -> None:
    first = start.replace(hour=0, minute=0, second=0, microsecond=0)
    parameters = {
        "Namespace": NAMESPACE, "MetricName": name, "Dimensions": dimensions, "StartTime": first, "EndTime": end,
        "Period": int(DAY.total_seconds()), "Statistics": ["Average"] if name in STORAGE else ["Sum"],
    }  # fmt: skip
    calls.ask("cloudwatch", "GetMetricStatistics", parameters, region, keep=_in_order)


def _in_order(response: dict[str, Any]) -> dict[str, Any]:
    """CloudWatch gives the days in no order."""
    return response | {
        "Datapoints": sorted(response.get("Datapoints") or [], key=lambda one: str(one.get("Timestamp")))
    }
