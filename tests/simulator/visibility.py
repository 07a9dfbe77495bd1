"""Which requests the simulated logs would have held, by bucket, class and time: by settings, not by what came."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from simulator.ids import iso
from simulator.world import World, inside


def visibility_spans(world: World) -> list[dict[str, Any]]:
    """One row per bucket (or Region, for the other management calls), class and interval of the window."""
    regions = sorted({request.region for request in world.requests})
    found = []
    for region in regions:
        found += _spans(world, None, region, "management", partial(_management, world, region))
    for name, bucket in world.buckets.items():
        region = bucket.region
        found += _spans(world, name, region, "management", partial(_management, world, region))
        for record_class in ("data_read", "data_write"):
            found += _spans(world, name, region, record_class, partial(_data, world, name, region))
        found += _spans(world, name, region, "server_access_log", partial(inside, bucket.access_log))
    return found


def _management(world: World, region: str, time: datetime) -> bool:
    return any(
        (trail.multi_region or trail.region == region) and not trail.is_stopped(time) for trail in world.trails
    )  # fmt: skip


def _data(world: World, bucket: str, region: str, time: datetime) -> bool:
    return any(
        (trail.multi_region or trail.region == region)
        and not trail.is_stopped(time)
        and inside(trail.data_buckets.get(bucket, []), time)
        for trail in world.trails
    )


def _edges(world: World) -> list[datetime]:
    times = {world.start, world.end}
    spans = [span for trail in world.trails for spans in trail.data_buckets.values() for span in spans]
    spans += [span for bucket in world.buckets.values() for span in bucket.access_log]
    spans += [(start, end) for trail in world.trails for start, end in trail.stops]
    for start, end in spans:
        times.add(start)
        if end is not None:
            times.add(end)
    return sorted(time for time in times if world.start <= time <= world.end)


def _spans(
    world: World, bucket: str | None, region: str, record_class: str, logged: Callable[[datetime], bool]
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    edges = _edges(world)
    for start, end in zip(edges, edges[1:], strict=False):
        state = "logged" if logged(start) else "not_logged"
        if found and found[-1]["state"] == state:
            found[-1]["end_time"] = iso(end)
            continue
        found.append(
            {
                "bucket": bucket, "aws_region": region, "record_class": record_class, "start_time": iso(start),
                "end_time": iso(end), "state": state,
            }
        )  # fmt: skip
    return found
