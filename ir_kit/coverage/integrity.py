"""Log files held against CloudTrail's digests: is each what was delivered, and which hours did lost files hold?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pandas as pd

from ir_kit.case import Case
from ir_kit.coverage.trails import trail_key
from ir_kit.domain.documents import frame_of, mapping, mappings, rows_of
from ir_kit.ingest.digest_logs import LogFile, Trail, check_logs
from ir_kit.ingest.digests import Link, Proofs, SourceFile, Stop, UnreadDigest, chain_links, moment, prove, read_digests
from ir_kit.tables import types_of

SECOND = timedelta(seconds=1)
LOST_SPANS = {
    "aws_region": "varchar", "start_time": "timestamp", "end_time": "timestamp", "basis": "varchar", "log_file":
    "varchar", "state": "varchar", "account_id": "varchar", "trail_name": "varchar", "home_region": "varchar",
}  # fmt: skip
Row = Mapping[str, Any]


class Integrity(NamedTuple):
    """The log files of a case held against their digests."""

    links: list[Link]
    unread: list[UnreadDigest]
    logs: list[LogFile]


def integrity(case: Case) -> Integrity:
    """The log files of this case held against their digests: every file is read again, once for each open case."""
    return case.once("integrity", lambda: _checked(case))


def _checked(case: Case) -> Integrity:
    settings = rows_of(case.ask("coverage/log_settings"))
    for row in settings:
        row |= {name: mapping(row[name]) for name in ("parameters", "response")}
    rows = rows_of(case.ask("coverage/cloudtrail_files"))
    files = [
        SourceFile(row["path"], row["location"], row["state"] == "read", bool(row["present"]), row["sha256"])
        for row in rows
    ]
    # digests by their folder; and what was read, and ignored for what it holds
    ignored = {file for file, row in zip(files, rows, strict=True) if row["state"] == "ignored"}
    digests, unread = read_digests([file for file in files if file in ignored and (_named_digest(file) or file.sha256)])
    prove(digests, _proofs(settings))
    links = chain_links(digests, unread, _stops(case), _due_until(settings, case.incident.window.end))
    unread = [digest for digest in unread if _named_digest(digest.file)]
    of_digests = {digest.file for digest in digests} | {digest.file for digest in unread}
    logs = [file for file in files if file not in of_digests]
    return Integrity(links, unread, check_logs(digests, links, logs, _trails(settings)))


def _named_digest(file: SourceFile) -> bool:
    return "CloudTrail-Digest" in file.path.split("/")


def _proofs(settings: list[dict[str, Any]]) -> Proofs:
    proofs = Proofs()
    for row in settings:
        if row["operation"] == "ListPublicKeys":
            for key in mappings(row["response"].get("PublicKeyList")):
                proofs.add_key(row["aws_region"], str(key.get("Fingerprint")), str(key.get("Value")))
        elif row["operation"] == "HeadObject":
            name = str(row["parameters"].get("Bucket")), str(row["parameters"].get("Key"))
            metadata = mapping(row["response"].get("Metadata")).items()
            proofs.signatures[name] |= {str(value) for field, value in metadata if field.lower() == "signature"}
    return proofs


def _trails(settings: list[dict[str, Any]]) -> list[Trail]:
    trails = {}
    for row in settings:
        name = "trailList" if row["operation"] == "DescribeTrails" else "Trail"
        for trail in mappings(row["response"].get(name)):
            prefix = str(trail.get("S3KeyPrefix") or "")
            trails[str(trail.get("TrailARN"))] = Trail(
                str(trail.get("Name")), str(trail.get("HomeRegion")), str(trail.get("S3BucketName")),
                f"{prefix}/" if prefix and not prefix.endswith("/") else prefix, bool(trail.get("IsMultiRegionTrail")),
            )  # fmt: skip
    return [trails[arn] for arn in sorted(trails)]


def _stops(case: Case) -> list[Stop]:
    stops = []
    for row in rows_of(case.ask("coverage/log_events")):
        validates = str(mapping(row["request_parameters"]).get("enableLogFileValidation")).lower() != "false"
        ends = row["event_name"] in ("StopLogging", "DeleteTrail") or (
            row["event_name"] == "UpdateTrail" and not validates
        )
        key = trail_key(row["target_name"], None, row["aws_region"])
        if ends and key and row["error_code"] is None:
            stops.append(Stop(key.name, key.home_region or None, row["event_time"].to_pydatetime(), row["event_name"]))
    return stops


def _due_until(settings: list[dict[str, Any]], window_end: datetime) -> dict[tuple[str, str], datetime]:
    """By trail, the last digest known to have been delivered, no later than the window's end."""
    due: dict[tuple[str, str], datetime] = {}
    for row in settings:
        latest, name = row["response"].get("LatestDigestDeliveryTime"), row["parameters"].get("Name")
        key = trail_key(str(name), None, row["aws_region"])
        if row["operation"] == "GetTrailStatus" and latest and key:
            try:
                due[key.name, key.home_region] = min(moment(str(latest)), window_end)
            except ValueError:
                continue
    return due


def log_integrity(case: Case) -> pd.DataFrame:
    """Is each CloudTrail log file what CloudTrail delivered?

    Returns
    -------
    DataFrame
        One row per log file that a digest names or that is in the sources, by name. Also written to
        ``logging_gaps/integrity``.

    Notes
    -----
    A file is ``valid`` only where the digest that names it is proven itself: by a signature and the public key of its
    Region, or by its hash in a digest that is. Everything that a doubtful digest names is ``unverified``, and
    ``detail`` says why. Access logs have no digests.
    """
    rows = [
        {
            "log_file": log.log_file, "state": log.state, "aws_region": log.aws_region, "delivered_at": log.delivered,
            "detail": log.detail, "source_file": log.file.path if log.file else None,
            "digest_file": log.digest.key if log.digest else None,
            "trail_name": log.digest.stream.trail_name if log.digest else None,
            "home_region": log.digest.stream.home_region if log.digest else None,
            "digest_proof": log.digest.proof if log.digest else None,
            "oldest_event_time": log.named.oldest if log.named else None,
            "newest_event_time": log.named.newest if log.named else None,
        }
        for log in integrity(case).logs
    ]  # fmt: skip
    frame = frame_of(rows, types_of("logging_gaps/integrity"))
    case.write_table("logging_gaps/integrity", frame)
    return frame


def digest_chain(case: Case) -> pd.DataFrame:
    """Where does each trail's chain of digests run, start and break?

    Returns
    -------
    DataFrame
        One row per digest in the sources, and per hour without one; by chain and time. Also written to
        ``logging_gaps/digests``.
    """
    rows: list[dict[str, Any]] = [
        {
            "digest_file": link.digest_file, "state": link.state, "start_time": link.start, "end_time": link.end,
            "account_id": link.stream.account_id, "aws_region": link.stream.aws_region,
            "trail_name": link.stream.trail_name, "home_region": link.stream.home_region,
            "is_backfill": link.stream.backfill, "detail": link.detail,
            "is_starting": link.digest.previous is None if link.digest else None,
            "proof": link.digest.proof if link.digest else None,
            "files_named": len(link.digest.files) if link.digest else None,
            "file": link.digest.file.path if link.digest else None,
        }
        for link in integrity(case).links
    ]  # fmt: skip
    names = {link.digest_file for link in integrity(case).links if link.digest_file}
    for digest in integrity(case).unread:
        path = digest.file.path
        if not any(name.endswith(path) or path.endswith(name) for name in names):
            rows.append({"digest_file": path, "state": "altered", "file": path, "detail": digest.reason})
    frame = frame_of(rows, types_of("logging_gaps/digests"))
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
    rows = []
    for log in integrity(case).logs:
        lost = log.state in ("missing", "modified") and not log.content_held
        if not (lost and log.digest and log.named) or log.log_file != log.named.key:
            continue
        oldest, newest, stream = log.named.oldest, log.named.newest, log.digest.stream
        words = "oldest and newest event" if oldest and newest else "hour of delivery, for want of event times"
        rows.append(
            {
                "aws_region": log.aws_region or stream.aws_region, "start_time": oldest or log.digest.start,
                "end_time": newest + SECOND if newest else log.digest.end,
                "basis": f"log file {log.state}: {words} as the digest {log.digest.key} says",
                "log_file": log.log_file, "state": log.state, "account_id": stream.account_id,
                "trail_name": stream.trail_name, "home_region": stream.home_region,
            }
        )  # fmt: skip
    return frame_of(rows, LOST_SPANS)
