"""Playbook 05, integrity: is each log file what CloudTrail delivered, and which hours did lost files hold?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

import pandas as pd

from ir_kit.case import Case
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.ingest.digest_chain import Link, Stop, chain_links
from ir_kit.ingest.digest_logs import LogFile, Trail, check_logs
from ir_kit.ingest.digests import Proofs, SourceFile, UnreadDigest, moment, prove, read_digests
from ir_kit.tables import types_of

SECOND = timedelta(seconds=1)
LOST_SPANS = {
    "aws_region": "varchar",
    "start_time": "timestamp",
    "end_time": "timestamp",
    "basis": "varchar",
    "log_file": "varchar",
    "state": "varchar",
    "account_id": "varchar",
    "trail_name": "varchar",
    "home_region": "varchar",
}


@dataclass(frozen=True)
class Integrity:
    """The log files of a case held against their digests; the frames are read off it."""

    links: list[Link]
    unread: list[UnreadDigest]
    logs: list[LogFile]

    def log_files(self) -> pd.DataFrame:
        """Is each log file what CloudTrail delivered? See `log_integrity`."""
        columns = types_of("logging_gaps/integrity")
        return frame_of((_log_row(log) for log in self.logs), columns)

    def digest_chain(self) -> pd.DataFrame:
        """Where does each chain of digests run, start and break? See `digest_chain`."""
        columns = types_of("logging_gaps/digests")
        told = {link.digest_file for link in self.links}
        rows = [_link_row(link) for link in self.links]
        for one in self.unread:
            if not any(name and (name.endswith(one.file.path) or one.file.path.endswith(name)) for name in told):
                rows.append(
                    {"digest_file": one.file.path, "state": "altered", "file": one.file.path, "detail": one.reason}
                )
        return frame_of(rows, columns)

    def lost_spans(self) -> pd.DataFrame:
        """Which stretches of events did missing or modified files hold? See `lost_spans`."""
        return frame_of(_lost(self.logs), LOST_SPANS)


_known: WeakKeyDictionary[Case, Integrity] = WeakKeyDictionary()


def integrity(case: Case) -> Integrity:
    """The log files of this case held against their digests: every file is read again, once for each open case."""
    if case not in _known:
        settings = _settings(case)
        rows = rows_of(case.ask("coverage/cloudtrail_files"))
        digests, unread = read_digests([_source(row) for row in rows if _may_be_digest(row)])
        strangers = {one.file.path for one in unread if "CloudTrail-Digest" not in one.file.path.split("/")}
        prove(digests, _proofs(settings))
        links = chain_links(digests, unread, _stops(case), _due_until(settings, case.incident.window.end))
        logs = [_source(row) for row in rows if not _may_be_digest(row) or row["path"] in strangers]
        checked = check_logs(digests, links, logs, _trails(settings))
        _known[case] = Integrity(links, [one for one in unread if one.file.path not in strangers], checked)
    return _known[case]


def _settings(case: Case) -> list[dict[str, Any]]:
    rows = rows_of(case.ask("coverage/digest_settings"))
    for row in rows:
        for name in ("parameters", "response"):
            value = json.loads(row[name] or "{}")
            row[name] = value if isinstance(value, dict) else {}
    return rows


def _proofs(settings: list[dict[str, Any]]) -> Proofs:
    found = Proofs()
    for row in settings:
        if row["operation"] == "ListPublicKeys":
            for key in _dicts(row["response"].get("PublicKeyList")):
                found.add_key(row["aws_region"], str(key.get("Fingerprint")), str(key.get("Value")))
        elif row["operation"] == "HeadObject":
            metadata = row["response"].get("Metadata")
            for name, value in metadata.items() if isinstance(metadata, dict) else ():
                if str(name).lower() == "signature":
                    found.signatures[str(row["parameters"].get("Bucket")), str(row["parameters"].get("Key"))].add(
                        str(value)
                    )
    return found


def _trails(settings: list[dict[str, Any]]) -> list[Trail]:
    found = {}
    for row in settings:
        listed = (
            row["response"].get("trailList") if row["operation"] == "DescribeTrails" else [row["response"].get("Trail")]
        )
        for trail in _dicts(listed):
            prefix = str(trail.get("S3KeyPrefix") or "")
            found[str(trail.get("TrailARN"))] = Trail(
                str(trail.get("Name")),
                str(trail.get("HomeRegion")),
                str(trail.get("S3BucketName")),
                f"{prefix}/" if prefix and not prefix.endswith("/") else prefix,
                bool(trail.get("IsMultiRegionTrail")),
            )
    return [found[arn] for arn in sorted(found)]


def _stops(case: Case) -> list[Stop]:
    found = []
    for row in rows_of(case.ask("coverage/validation_stops")):
        if row["target_name"]:
            name, home = _trail_of(row["target_name"], row["aws_region"])
            found.append(Stop(name, home, row["event_time"].to_pydatetime(), row["event_name"]))
    return found


def _due_until(settings: list[dict[str, Any]], window_end: datetime) -> dict[tuple[str, str], datetime]:
    """By trail, the last digest known to have been delivered, no later than the window's end."""
    found: dict[tuple[str, str], datetime] = {}
    for row in settings:
        latest = row["response"].get("LatestDigestDeliveryTime")
        if row["operation"] != "GetTrailStatus" or not latest:
            continue
        name, home = _trail_of(str(row["parameters"].get("Name")), row["aws_region"])
        try:
            found[name, home or ""] = min(moment(str(latest)), window_end)
        except ValueError:
            continue
    return found


def log_integrity(case: Case) -> pd.DataFrame:
    """Is each CloudTrail log file what CloudTrail delivered?

    Returns
    -------
    DataFrame
        One row per log file that a digest names or that was found, by name. Also written to ``logging_gaps/integrity``.

    Notes
    -----
    A file is ``valid`` only where the digest that names it is proven itself: by a signature and the public key of its
    Region, or by its hash in a digest
    that is. Everything that a doubtful digest names is ``unverified``, and ``detail`` says why. Access logs have no
    digests.
    """
    frame = integrity(case).log_files()
    case.write_table("logging_gaps/integrity", frame)
    return frame


def digest_chain(case: Case) -> pd.DataFrame:
    """Where does each trail's chain of digests run, start and break?

    Returns
    -------
    DataFrame
        One row per digest found, and per hour without one; by chain and time. Also written to ``logging_gaps/digests``.
    """
    frame = integrity(case).digest_chain()
    case.write_table("logging_gaps/digests", frame)
    return frame


def lost_spans(case: Case) -> pd.DataFrame:
    """Which stretches of events did missing or modified log files hold, as valid digests say?

    Returns
    -------
    DataFrame
        One row per missing or modified file: aws_region, start_time, end_time, basis, log_file, state, account_id,
        trail_name, home_region; empty if none. A file whose content was found elsewhere lost nothing and has no row.
    """
    return integrity(case).lost_spans()


def _lost(logs: list[LogFile]) -> Iterator[dict[str, Any]]:
    for log in logs:
        if (
            log.state not in ("missing", "modified")
            or log.content_held
            or not (log.digest and log.named)
            or log.log_file != log.named.key
        ):
            continue
        oldest, newest = log.named.oldest, log.named.newest
        said = "oldest and newest event" if oldest and newest else "hour of delivery, for want of event times"
        stream = log.digest.stream
        yield {
            "aws_region": log.aws_region or stream.aws_region,
            "start_time": oldest or log.digest.start,
            "end_time": newest + SECOND if newest else log.digest.end,
            "basis": f"log file {log.state}: {said} as the digest {log.digest.key} says",
            "log_file": log.log_file,
            "state": log.state,
            "account_id": stream.account_id,
            "trail_name": stream.trail_name,
            "home_region": stream.home_region,
        }


def _log_row(log: LogFile) -> dict[str, Any]:
    stream = log.digest.stream if log.digest else None
    return {
        "log_file": log.log_file,
        "state": log.state,
        "digest_file": log.digest.key if log.digest else None,
        "source_file": log.file.path if log.file else None,
        "aws_region": log.aws_region,
        "trail_name": stream.trail_name if stream else None,
        "home_region": stream.home_region if stream else None,
        "oldest_event_time": log.named.oldest if log.named else None,
        "newest_event_time": log.named.newest if log.named else None,
        "delivered_at": log.delivered,
        "digest_proof": log.digest.proof if log.digest else None,
        "detail": log.detail,
    }


def _link_row(link: Link) -> dict[str, Any]:
    digest = link.digest
    return {
        "digest_file": link.digest_file,
        "state": link.state,
        "start_time": link.start,
        "end_time": link.end,
        "account_id": link.stream.account_id,
        "aws_region": link.stream.aws_region,
        "trail_name": link.stream.trail_name,
        "home_region": link.stream.home_region,
        "is_backfill": link.stream.backfill,
        "is_starting": digest.previous is None if digest else None,
        "proof": digest.proof if digest else None,
        "files_named": len(digest.files) if digest else None,
        "file": digest.file.path if digest else None,
        "detail": link.detail,
    }


def _may_be_digest(row: dict[str, Any]) -> bool:
    """Digests by their folder; and what was read, and ignored for what it holds."""
    return row["state"] == "ignored" and ("CloudTrail-Digest" in row["path"].split("/") or row["sha256"] is not None)


def _source(row: dict[str, Any]) -> SourceFile:
    return SourceFile(row["path"], row["location"], row["state"] == "read", bool(row["present"]), row["sha256"])


def _trail_of(name_or_arn: str, region: str | None) -> tuple[str, str | None]:
    parts = name_or_arn.split(":")
    if len(parts) >= 6 and parts[0] == "arn":
        return name_or_arn.rpartition("/")[2], parts[3]
    return name_or_arn, region


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
