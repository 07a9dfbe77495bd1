"""What the logs made of the requests: recorded, late, lost, duplicated. Decides; writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from simulator.access_log_rows import Row, rows
from simulator.requests import Request
from simulator.s3_calls import AUTHENTICATION_FAILURES
from simulator.world import Bucket, Trail, World, inside

NEAR = timedelta(hours=12)
FileKey = tuple[str, datetime, datetime]


@dataclass(slots=True)
class LogFile:
    """Requests that one trail delivers in one file."""

    trail: Trail
    region: str
    published: datetime
    requests: list[Request]


@dataclass(slots=True)
class RowFile:
    """Access-log rows of one bucket that arrive in one file."""

    bucket: Bucket
    delivered: datetime
    day: datetime
    rows: list[Row]


def decide_delivery(world: World) -> tuple[list[LogFile], list[RowFile]]:
    """Mark each request with what was recorded of it, and sort it into the files that deliver it.

    Requests are taken in the order of time, so that the outcome hangs on the world and its seed alone.
    """
    world.requests.sort(key=lambda r: (r.time, r.event_id))
    return _log_files(world), _row_files(world)


def _log_files(world: World) -> list[LogFile]:
    rng = world.stream("cloudtrail delivery")
    horizon = world.end + timedelta(hours=1)
    files: dict[tuple[str, str, datetime], LogFile] = {}
    published_at: dict[tuple[str, str, int], datetime] = {}
    for request in world.requests:
        call = request.s3_call
        request.trails, request.late = (), False
        if request.error_code in AUTHENTICATION_FAILURES or (call and not call.method):
            continue  # authentication failures and lifecycle never reach CloudTrail
        trails = [trail for trail in world.trails if trail.records(request)]
        request.trails = tuple(trail.name for trail in trails)
        sent = request.completed
        if trails and rng.random() < world.late_rate and not request.event_name.endswith("Logging"):
            later = sent + timedelta(hours=rng.uniform(3, 30))
            request.late = later < horizon and not any(trail.is_stopped(later) for trail in trails)
            sent = later if request.late else sent
        hour = sent.toordinal() * 24 + sent.hour
        for trail in trails:
            at_hour = (trail.name, request.region, hour)
            published = published_at.get(at_hour) or _publication(world, trail, request.region, sent)
            if not any(abs(stopped - sent) < NEAR for stopped, _ in trail.stops):
                published_at[at_hour] = published
            key = (trail.name, request.region, published)
            if key not in files:
                files[key] = LogFile(trail, request.region, published, [])
            files[key].requests.append(request)
    return [files[key] for key in sorted(files)]


def _publication(world: World, trail: Trail, region: str, sent: datetime) -> datetime:
    """When the file with this event appears: after the end of its slot, or when logging stops before that."""
    slot = 6 if region != trail.region else 1 if sent >= world.fine_from else 4
    start = sent.replace(hour=sent.hour // slot * slot, minute=0, second=0, microsecond=0)
    published = start + timedelta(hours=slot, minutes=5)
    return min([stopped for stopped, _ in trail.stops if sent <= stopped < published], default=published)


def _row_files(world: World) -> list[RowFile]:
    rng = world.stream("access log delivery")
    files: dict[FileKey, RowFile] = {}

    def put(bucket: Bucket, row: Row, key: FileKey) -> None:
        if key not in files:
            files[key] = RowFile(bucket, key[1], key[2], [])
        files[key].rows.append(row)

    for request in world.requests:
        request.sal_rows = request.sal_lost = request.sal_duplicates = 0
        for row in rows(world, request):
            bucket = world.buckets.get(row.bucket)
            if bucket is None or not inside(bucket.access_log, row.time):
                continue
            request.sal_rows += 1
            chance = rng.random()
            in_hole = any(start <= row.time < end for start, end in bucket.log_holes)
            if in_hole or chance < world.loss_rate:
                request.sal_lost += 1
                continue
            late = rng.random() < world.late_rate
            hours = rng.uniform(12, 40) if late else 0.4 + min(rng.expovariate(1.6), 5.0)
            key = _file_of(world, bucket, row.time, hours)
            put(bucket, row, key)
            if rng.random() < world.duplicate_rate:  # the same line once more, in another file
                put(bucket, row, _file_of(world, bucket, row.time, hours + 12))
                request.sal_duplicates += 1
    return [files[key] for key in sorted(files)]


def _file_of(world: World, bucket: Bucket, time: datetime, hours: float) -> FileKey:
    """The file that a row arrives in: bucket, delivery, and the day of its events where files are parted by day."""
    slot = 2 if time >= world.start else 12
    arrival = time + timedelta(hours=hours)
    delivered = arrival.replace(hour=arrival.hour // slot * slot, minute=0, second=0, microsecond=0)
    delivered += timedelta(hours=slot, seconds=17)
    day = time.replace(hour=0, minute=0, second=0, microsecond=0)
    return bucket.name, delivered, day if bucket.partitioned else delivered
