"""How much did a bucket hold? By CloudWatch's daily metrics and by reports of S3 Inventory, as they were collected.

It bounds what can have left where no log looked: not more than lay there, but for what came and went between two days.

Source: S3 User Guide, "Amazon S3 metrics and dimensions" and "Inventory list".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from ir_kit.incident import Window

__all__ = ["NOTHING", "Held", "answers", "dicts", "held", "metrics"]

METRICS = {"NumberOfObjects": "objects", "BucketSizeBytes": "bytes"}


class Held(NamedTuple):
    """What a bucket held on a day: objects and bytes with their older versions, the day, and who says so."""

    objects: int | None = None
    bytes: int | None = None
    day: str | None = None
    basis: str | None = None


NOTHING = Held()


def held(settings: Sequence[Mapping[str, Any]], window: Window) -> dict[str, Held]:
    """How many objects and bytes did each bucket hold, and when?

    Parameters
    ----------
    settings : sequence of mapping
        Rows of ``object_access/bucket_settings``.
    window : Window
        Days in it, and the one before, go before all others.

    Returns
    -------
    dict
        By bucket, the day on which it held most objects; buckets of which nothing was collected are not in it.
    """
    found: dict[str, list[Held]] = {}
    for bucket, one in (*_by_metrics(settings), *_by_inventories(settings)):
        found.setdefault(bucket, []).append(one)
    first, last = window.start - timedelta(days=1), window.end - timedelta(microseconds=1)
    near = (f"{first:%Y-%m-%d}", f"{last:%Y-%m-%d}")
    return {bucket: _most(listed, *near) for bucket, listed in found.items()}


def _most(listed: list[Held], first: str, last: str) -> Held:
    inside = [one for one in listed if one.day is not None and first <= one.day <= last]

    def size(one: Held) -> tuple[int, int]:
        return -1 if one.objects is None else one.objects, -1 if one.bytes is None else one.bytes

    return max(sorted(inside or listed, key=lambda one: (one.day or "", one.basis or "")), key=size)


def _by_metrics(settings: Iterable[Mapping[str, Any]]) -> list[tuple[str, Held]]:
    """CloudWatch gives objects of all kinds of storage, and bytes of each kind for itself."""
    days: dict[tuple[str, str], dict[str, dict[str, int]]] = {}
    for kind, named, on, value in metrics(settings, METRICS, "Average", "Maximum"):
        if "BucketName" in named:
            storage = days.setdefault((named["BucketName"], on), {}).setdefault(kind, {})
            name = named.get("StorageType", "")
            storage[name] = max(storage.get(name, 0), value)
    found = []
    for (bucket, on), kinds in days.items():
        number = max(kinds["objects"].values()) if "objects" in kinds else None
        size = sum(kinds["bytes"].values()) if "bytes" in kinds else None
        said = " and ".join(metric for metric, kind in METRICS.items() if kind in kinds)
        found.append((bucket, Held(number, size, on or None, f"CloudWatch {said}")))
    return found


def metrics(
    settings: Iterable[Mapping[str, Any]], kinds: Mapping[str, str], *statistics: str
) -> Iterator[tuple[str, dict[str, str], str, int]]:
    """What CloudWatch says of these metrics: the kind, its dimensions, the day and the value, by the first of the statistics that it has."""
    for parameters, response in answers(settings, "GetMetricStatistics"):
        named = {str(one.get("Name")): str(one.get("Value")) for one in dicts(parameters.get("Dimensions"))}
        kind = kinds.get(str(parameters.get("MetricName") or response.get("Label")))
        for point in dicts(response.get("Datapoints")):
            value = next((point[name] for name in statistics if name in point), None)
            if kind and isinstance(value, int | float):
                yield kind, named, str(point.get("Timestamp") or "")[:10], int(value)


def _by_inventories(settings: Sequence[Mapping[str, Any]]) -> list[tuple[str, Held]]:
    """A report counts where each of its files was counted."""
    counted, manifests = {}, {}
    for parameters, response in answers(settings, "GetObject"):
        name = (parameters.get("Bucket"), parameters.get("Key"))
        if isinstance(response.get("Counted"), dict):
            counted[name] = response["Counted"]
        elif isinstance(response.get("Body"), dict):
            manifests[name] = response["Body"]
    found = []
    for (bucket, key), body in manifests.items():
        parts = [counted.get((bucket, file.get("key"))) for file in dicts(body.get("files"))]
        rows = [one for one in parts if one is not None]
        try:
            begun = datetime.fromtimestamp(int(body["creationTimestamp"]) / 1000, UTC)
            if len(rows) == len(parts):
                objects, size = (
                    _sum(rows, *names) for names in (("Objects", "OlderVersions"), ("Bytes", "OlderBytes"))
                )
                basis = f"S3 Inventory, s3://{bucket}/{key}"
                found.append((str(body["sourceBucket"]), Held(objects, size, f"{begun:%Y-%m-%d}", basis)))
        except (KeyError, ValueError, TypeError, OverflowError):
            continue
    return found


def _sum(rows: Iterable[Mapping[str, Any]], *names: str) -> int | None:
    values = [row.get(name) for row in rows for name in names]
    return None if None in values else sum(int(one) for one in values if one is not None)


def answers(settings: Iterable[Mapping[str, Any]], operation: str) -> Iterable[tuple[dict[str, Any], dict[str, Any]]]:
    """The parameters and responses of the calls of this operation that were answered."""
    for row in settings:
        if row["operation"] == operation and row["answer"] == "answered":
            yield json.loads(row["parameters"] or "{}"), json.loads(row["response"] or "{}")


def dicts(value: Any) -> list[dict[str, Any]]:
    """The mappings in a list; none where it is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
