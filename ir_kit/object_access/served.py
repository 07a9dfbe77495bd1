"""How much did a bucket serve, to whomever? By CloudWatch's request metrics, where somebody had switched them on.

They count every caller's requests, the owner's too, and are best effort: they stand beside a bound that is missing and do not take its place.

Source: S3 User Guide, "Amazon S3 metrics and dimensions" and "Metrics configurations".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from ir_kit.incident import Window
from ir_kit.object_access.held import answers, dicts, metrics

__all__ = ["UNCOUNTED", "Served", "served"]

METRICS = {"GetRequests": "requests", "BytesDownloaded": "bytes"}


class Served(NamedTuple):
    """GET requests answered and bytes sent, on how many days of the window, and by which filter of the metrics; null where not told."""

    requests: int | None = None
    bytes: int | None = None
    days: int | None = None
    basis: str | None = None


UNCOUNTED = Served()


def served(settings: Sequence[Mapping[str, Any]], window: Window) -> dict[str, Served]:
    """How many GET requests and bytes did each bucket serve on the days that the window touches?

    Parameters
    ----------
    settings : sequence of mapping
        Rows of ``object_access/bucket_settings``.
    window : Window
        Its first and last day count whole.

    Returns
    -------
    dict
        By bucket; only where a filter of its metrics covers the whole bucket, by its configuration. Of several such filters
        the one that counted most.

    Notes
    -----
    A day without a value may be a day without requests, or one before the metrics were switched on.
    """
    whole = _whole_filters(settings)
    first, last = f"{window.start:%Y-%m-%d}", f"{window.end - timedelta(microseconds=1):%Y-%m-%d}"
    counts: dict[tuple[str, str], dict[str, dict[str, int]]] = {}
    for kind, named, day, value in metrics(settings, METRICS, "Sum"):
        name = (named.get("BucketName", ""), named.get("FilterId", ""))
        if name in whole and first <= day <= last:
            days = counts.setdefault(name, {}).setdefault(kind, {})
            days[day] = max(days.get(day, 0), value)
    found: dict[str, Served] = {}
    for (bucket, filter_id), kinds in sorted(counts.items()):
        seen = set().union(*kinds.values())
        if seen:
            requests, size = (sum(kinds[kind].values()) if kinds.get(kind) else None for kind in METRICS.values())
            one = Served(requests, size, len(seen), f"CloudWatch request metrics, filter {filter_id}")
            found[bucket] = max(
                found.get(bucket, one), one, key=lambda served: (served.requests or 0, served.bytes or 0)
            )
    return found


def _whole_filters(settings: Sequence[Mapping[str, Any]]) -> set[tuple[str, str]]:
    """Buckets with the filters of their metrics that leave nothing of the bucket out."""
    return {
        (str(parameters.get("Bucket")), str(one.get("Id")))
        for parameters, response in answers(settings, "ListBucketMetricsConfigurations")
        for one in dicts(response.get("MetricsConfigurationList"))
        if not one.get("Filter")
    }
