"""Writes a world's logs as AWS would lay them out."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import deflate

from simulator.access_log_rows import line
from simulator.cloudtrail_records import record_text
from simulator.configuration import write_configuration
from simulator.delivery import LogFile, RowFile, decide_delivery
from simulator.digests import Delivered, write_digests
from simulator.ids import ALPHANUMERIC, MIXED, iso
from simulator.requests import Request
from simulator.world import World


def render(world: World, folder: Path) -> None:
    """Write `cloudtrail/`, `access-logs/` and `configuration.jsonl` of a world below `folder`.

    Each request is marked with what became of it in the logs (`trails`, `late`, `sal_rows`, `sal_lost`,
    `sal_duplicates`), so call this before reading the truth off the world.
    """
    log_files, row_files = decide_delivery(world)
    delivered = _write_cloudtrail(world, log_files, folder / "cloudtrail")
    signatures = write_digests(world, delivered, folder / "cloudtrail")
    _write_access_logs(world, row_files, folder / "access-logs")
    write_configuration(world, signatures, folder / "configuration.jsonl")


def _write_cloudtrail(world: World, files: list[LogFile], root: Path) -> list[Delivered]:
    rng = world.stream("cloudtrail names")
    texts: dict[Request, str] = {}
    delivered = []
    for file in files:
        trail, when = file.trail, file.published
        for request in file.requests:
            if request not in texts:
                texts[request] = record_text(world, request)
        body = ('{"Records":[' + ",".join(texts[request] for request in file.requests) + "]}").encode()
        name = "".join(rng.choices(MIXED, k=16))
        key = (
            f"{trail.prefix}AWSLogs/{world.account}/CloudTrail/{file.region}/{when:%Y/%m/%d}/"
            f"{world.account}_CloudTrail_{file.region}_{when:%Y%m%dT%H%MZ}_{name}.json.gz"
        )
        path = root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(deflate.gzip_compress(body, 1))
        times = [request.completed for request in file.requests]
        delivered.append(Delivered(trail, file.region, when, key, body, iso(min(times)), iso(max(times))))
    return delivered


def _write_access_logs(world: World, files: list[RowFile], root: Path) -> None:
    rng = world.stream("access log names")
    for file in files:
        # S3 writes rows roughly in order of time, not strictly
        text = "\n".join(line(world, row) for row in file.rows)
        if not text:
            continue
        path = root / _row_file_key(world, file, "".join(rng.choices(ALPHANUMERIC, k=16)))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((text + "\n").encode())


def _row_file_key(world: World, file: RowFile, unique: str) -> str:
    bucket = file.bucket
    if not bucket.partitioned:
        return f"{bucket.name}/{file.delivered:%Y-%m-%d-%H-%M-%S}-{unique}"
    day: datetime = file.day
    return f"{world.account}/{bucket.region}/{bucket.name}/{day:%Y/%m/%d}/{day:%Y-%m-%d}-00-00-00-{unique}"
