"""Log files held against CloudTrail's digests: is each what was delivered, and which hours did lost files hold?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any, NamedTuple

import pandas as pd

from ir_kit.case import Case
from ir_kit.coverage.trails import moment, trail_key
from ir_kit.domain.documents import frame_of, mapping, mappings, rows_of
from ir_kit.ingest.digest_logs import LogFile, Trail, check_logs
from ir_kit.ingest.digests import Link, Proofs, SourceFile, Stop, UnreadDigest, chain_links, prove, read_digests
from ir_kit.tables import types_of

SECOND = timedelta(seconds=1)
STREAM = {name: f"digest.stream.{name}" for name in ("trail_name", "home_region")}
# by column, where its value lies
LOGS = STREAM | {
    "log_file": "log_file", "state": "state", "aws_region": "aws_region", "delivered_at": "delivered", "detail": "detail",
    "source_file": "file.path", "digest_file": "digest.key", "digest_proof": "digest.proof",
    "oldest_event_time": "named.oldest", "newest_event_time": "named.newest",
}  # fmt: skip
DIGESTS = {
    "digest_file": "digest_file", "state": "state", "start_time": "start", "end_time": "end", "detail": "detail",
    "account_id": "stream.account_id", "aws_region": "stream.aws_region", "trail_name": "stream.trail_name",
    "home_region": "stream.home_region", "is_backfill": "stream.backfill", "proof": "digest.proof",
    "file": "digest.file.path",
}  # fmt: skip


class Integrity(NamedTuple):
    """The log files of a case held against their digests."""

    links: list[Link]
    unread: list[UnreadDigest]
    logs: list[LogFile]


def integrity(case: Case) -> Integrity:
    """The log files of this case held against their digests: every file is read again, once for each open case."""

    def check() -> Integrity:
        files = {
            SourceFile(row["path"], row["location"], row["state"] == "read", bool(row["present"]), row["sha256"]): row
            for row in rows_of(case.ask("coverage/cloudtrail_files"))
        }
        # digests by their folder; and what was read, and ignored for what it holds
        ignored = [file for file, row in files.items() if row["state"] == "ignored"]
        digests, unread = read_digests([file for file in ignored if _named_digest(file) or file.sha256])
        proofs, trails, due = answers_on_digests(case)
        prove(digests, proofs)
        links = chain_links(digests, unread, validation_stops(case), due)
        unread = [digest for digest in unread if _named_digest(digest.file)]
        of_digests = {digest.file for digest in digests} | {digest.file for digest in unread}
        return Integrity(links, unread, check_logs(digests, links, [f for f in files if f not in of_digests], trails))

    return case.once("integrity", check)


def _named_digest(file: SourceFile) -> bool:
    return "CloudTrail-Digest" in file.path.split("/")


def answers_on_digests(case: Case) -> tuple[Proofs, list[Trail], dict[tuple[str, str], datetime]]:
    """What proves digests, which trails deliver where, and by trail the last digest known to have been delivered, no later
    than the window's end.
    """
    proofs, trails, due = Proofs(), {}, {}
    for row in rows_of(case.ask("coverage/log_settings")):
        operation, asked, response = row["operation"], mapping(row["parameters"]), mapping(row["response"])
        if operation == "ListPublicKeys":
            for public_key in mappings(response.get("PublicKeyList")):
                proofs.add_key(row["aws_region"], str(public_key.get("Fingerprint")), str(public_key.get("Value")))
        elif operation == "HeadObject":
            metadata = mapping(response.get("Metadata")).items()
            signatures = proofs.signatures[str(asked.get("Bucket")), str(asked.get("Key"))]
            signatures |= {str(value) for field, value in metadata if field.lower() == "signature"}
        elif operation in ("DescribeTrails", "GetTrail"):
            for trail in mappings(response.get("trailList" if operation == "DescribeTrails" else "Trail")):
                prefix = str(trail.get("S3KeyPrefix") or "")
                trails[str(trail.get("TrailARN"))] = Trail(
                    str(trail.get("Name")), str(trail.get("HomeRegion")), str(trail.get("S3BucketName")),
                    f"{prefix}/" if prefix and not prefix.endswith("/") else prefix,
                    bool(trail.get("IsMultiRegionTrail")),
                )  # fmt: skip
        elif operation == "GetTrailStatus":
            key = trail_key(str(asked.get("Name")), None, row["aws_region"])
            if key and (latest := moment(response.get("LatestDigestDeliveryTime"))):
                due[key.name, key.home_region] = min(latest.astimezone(UTC), case.incident.window.end)
    return proofs, [trails[arn] for arn in sorted(trails)], due


def validation_stops(case: Case) -> list[Stop]:
    """When was a trail, or the validation of its log files, switched off?"""
    stops = []
    for row in rows_of(case.ask("coverage/log_events")):
        validates = mapping(row["request_parameters"]).get("enableLogFileValidation")
        ended = str(validates).lower() == "false" if row["event_name"] == "UpdateTrail" else False
        key = trail_key(row["target_name"], None, row["aws_region"])
        if (ended or row["event_name"] in ("StopLogging", "DeleteTrail")) and key and row["error_code"] is None:
            stops.append(Stop(key.name, key.home_region or None, row["event_time"].to_pydatetime(), row["event_name"]))
    return stops


def _columns(record: Any, places: Mapping[str, str]) -> dict[str, Any]:
    """The values of a record by column; None where a part of the way to one is not there."""
    return {
        column: reduce(lambda value, name: getattr(value, name, None), place.split("."), record)
        for column, place in places.items()
    }


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
    frame = frame_of([_columns(log, LOGS) for log in integrity(case).logs], types_of("logging_gaps/integrity"))
    return case.write_table("logging_gaps/integrity", frame)


def digest_chain(case: Case) -> pd.DataFrame:
    """Where does each trail's chain of digests run, start and break?

    Returns
    -------
    DataFrame
        One row per digest in the sources, and per hour without one; by chain and time. Also written to
        ``logging_gaps/digests``.
    """
    rows, names = [], []
    for link in integrity(case).links:
        digest = link.digest
        start = {"is_starting": digest.previous is None, "files_named": len(digest.files)} if digest else {}
        rows.append(_columns(link, DIGESTS) | start)
        names += [link.digest_file] if link.digest_file else []
    for path, reason in ((digest.file.path, digest.reason) for digest in integrity(case).unread):
        if not any(name.endswith(path) or path.endswith(name) for name in names):
            rows.append({"digest_file": path, "state": "altered", "file": path, "detail": reason})
    frame = frame_of(rows, types_of("logging_gaps/digests"))
    return case.write_table("logging_gaps/digests", frame)


def lost_spans(case: Case) -> list[dict[str, Any]]:
    """Which stretches of events did missing or modified log files hold, as valid digests say?

    Returns
    -------
    list of dict
        One per missing or modified file: aws_region, start_time, end_time, basis, log_file, trail_name; empty if none. A
        file whose content was found elsewhere lost nothing and has none.
    """
    rows = []
    for log in integrity(case).logs:
        lost = log.state in ("missing", "modified") and not log.content_held
        if lost and log.digest and log.named and log.log_file == log.named.key:
            oldest, newest, stream = log.named.oldest, log.named.newest, log.digest.stream
            words = "oldest and newest event" if oldest and newest else "hour of delivery, for want of event times"
            rows.append({
                "aws_region": log.aws_region or stream.aws_region, "trail_name": stream.trail_name,
                "start_time": oldest or log.digest.start, "end_time": newest + SECOND if newest else log.digest.end,
                "basis": f"log file {log.state}: {words} as the digest {log.digest.key} says", "log_file": log.log_file,
            })  # fmt: skip
    return rows
