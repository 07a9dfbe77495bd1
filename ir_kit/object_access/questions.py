"""Which objects were downloaded, copied out, changed or destroyed, by which credential, and how sure is that?

Requests never pass through Python: they are matched and graded (`attribution`), joined to sessions, counted in SQL and
streamed to their tables, which SQL then reads where they lie. Frames hold what a person looks at. No question sees
requests that neither log holds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from ir_kit.attribution import completeness
from ir_kit.attribution.completeness import CONFIDENCE
from ir_kit.attribution.grading import grade
from ir_kit.case import Case
from ir_kit.configuration.bucket_inventory import provide_inventory
from ir_kit.configuration.config_timeline import config_timeline
from ir_kit.coverage.visibility import BucketCoverage, bucket_coverage, unlogged, visible
from ir_kit.domain.documents import frame_of, rows_of
from ir_kit.domain.intervals import hours_and_minutes
from ir_kit.sessions.session_table import provide_known_values, session_hours
from ir_kit.tables import types_of

KINDS = ("blind", "partial", "access_log_only", "uncertain")  # of the hours of a bucket, see `BucketCoverage.hours`
MOST = 1_000  # rows that a frame of requests or objects has, unless more are asked for; their table holds all


def requests(case: Case, most: int = MOST) -> pd.DataFrame:
    """Which object-level and listing requests were made by, or possibly by, a compromised credential?

    Returns
    -------
    DataFrame
        The first rows in the order of time: one per request, one of its own for each key of a batch delete and each
        half of a copy; empty if none. How many there are is in ``frame.attrs["rows"]``. Grades: see `grading.grade`.
    """

    def keep() -> int:
        grade(case)
        session_hours(case)
        provide_inventory(case)
        has_baseline = provide_known_values(case)
        count = case.keep("object_access/requests", "object_access/requests", has_baseline=has_baseline)
        case.keep("object_access/objects", "object_access/objects")
        return count

    return _first_rows(case, "requests", case.once("object_access/requests", keep), most)


def _first_rows(case: Case, name: str, count: int, most: int) -> pd.DataFrame:
    frame = case.engine.frame(f"from object_access_{name} limit {most}", {})
    frame.attrs["rows"] = count
    return frame


def _answer(case: Case, name: str) -> pd.DataFrame:
    """The answer to the question on requests of this name, written as the table of this name."""
    requests(case, most=0)
    return case.write_table(f"object_access/{name}", case.ask(f"object_access/{name}"))


def calibration(case: Case) -> pd.DataFrame:
    """How often is inferred attribution right? Two rows, for grades C and D."""
    grade(case)
    return case.write_table("object_access/calibration", case.engine.frame("from calibration", {}))


def objects(case: Case, bucket: str | None = None, text: str | None = None, most: int = MOST) -> pd.DataFrame:
    """Which objects were downloaded, or copied out of the account?

    Parameters
    ----------
    bucket, text : str, optional
        Only of this bucket; only with this text in their key, whatever its case.

    Returns
    -------
    DataFrame
        One row per bucket and key, most bytes first; empty if none. How many there are is in ``frame.attrs["rows"]``.
    """
    requests(case, most=0)
    frame = case.engine.frame(
        "select * exclude (counted_rank, log_only_requests, log_only_bytes, log_only_squared_bytes), count(*) over () as total "
        "from object_access_objects where (:bucket is null or bucket = :bucket) and contains(lower(key), lower(:text)) "
        "order by bytes_sent desc, bucket, key limit :most",
        {"bucket": bucket, "text": text or "", "most": most},
    )
    frame.attrs["rows"] = int(frame.pop("total").max()) if len(frame) else 0
    return frame


def coverage(case: Case, record_class: str = "data_read", *, objects_only: bool = False) -> dict[str, BucketCoverage]:
    """Which hours of the window did which log cover, for each bucket in scope? Of objects alone, or listings too."""
    buckets = sorted(set(case.incident.buckets) or set(visible(case)["bucket"].dropna()))
    return bucket_coverage(case, buckets, record_class, objects_only=objects_only)


def bounds(case: Case) -> pd.DataFrame:
    """How many objects and bytes of each bucket were downloaded or copied out: at least, likely, and at most?

    Returns
    -------
    DataFrame
        One row per bucket in scope; ``objects_upper`` and ``bytes_upper`` are null where the bucket was not logged for part
        of the window. Reads by services on behalf of a compromised credential are in `service_reads` alone.
    """
    requests(case, most=0)
    covered = {"read": coverage(case, objects_only=True), "write": coverage(case, "data_write")}
    rows = [
        {"bucket": name}
        | {f"{act}_{kind}": logged[name].hours(kind) for act, logged in covered.items() for kind in KINDS}
        for name in covered["read"]
    ]
    columns = {"bucket": "varchar"} | {f"{act}_{kind}": "double" for act in covered for kind in KINDS}
    case.engine.provide("log_hours", frame_of(rows, columns))
    case.engine.provide("loss_rates", losses(case))
    case.engine.provide("bucket_sizes", case.ask("object_access/bucket_sizes"))
    bounded = map(with_upper, rows_of(case.ask("object_access/bounds")))
    return case.write_table("object_access/bounds", frame_of(bounded, types_of("object_access/bounds")))


def most_lost(lines: int, loss: float) -> int:
    """How many lines may have been lost beside these, if each is lost with this chance?

    Returns
    -------
    int
        The smallest count that is not exceeded at 95 % (negative binomial), and no less than the loss foretells on
        average.
    """
    if lines <= 0 or loss <= 0.0:
        return 0
    mean = lines * loss / (1.0 - loss)
    if mean > 400:
        return math.ceil(mean + 1.645 * math.sqrt(mean / (1.0 - loss)))
    total = chance = math.exp((lines + 1) * math.log1p(-loss))
    count = 0
    while total < CONFIDENCE:
        chance *= loss * (lines + 1 + count) / (count + 1)
        count += 1
        total += chance
    return max(count, math.ceil(mean))


def with_upper(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of ``object_access/bounds.sql`` with its upper bounds, and why they are no narrower.

    No upper bound where the bucket was not logged, or selectors left out a part of its requests; none of objects where
    that is so of writes, since a copy out of the bucket is one, and sends no bytes. Lost lines are taken to carry what
    delivered ones do.
    """
    blind, partial, log_only, copies = (row[f"{name}_hours"] for name in ("blind", "partial", "log_only", "copies"))
    lost, requests, share = (row[f"loss_{name}"] for name in ("lost", "requests", "upper"))
    lines, is_measured, doubt = row["log_only_requests"], share is not None, row["uncertain_hours"] - partial
    inferred, ambiguous = row["objects_likely"] - row["objects_lower"], row["objects_seen"] - row["objects_likely"]
    allowed, sent = most_lost(lines, share) if is_measured and log_only and share < 1.0 else 0, row["bytes_seen"]
    if allowed:
        mean = row["log_only_bytes"] / lines
        variance = max(row["log_only_squared_bytes"] / lines - mean * mean, 0.0)
        sent += math.ceil(allowed * mean + 1.645 * math.sqrt(allowed * variance))
    reasons = {
        f"data events covered only some requests for {hours_and_minutes(partial)}, and no access log covered the rest, so "
        "there is no upper bound": partial,
        f"neither log covered the bucket for {hours_and_minutes(blind)} of the window, so there is no upper bound": blind,
        f"copies out of the bucket, which are writes, were not all recorded for {hours_and_minutes(copies)}, so there is no "
        "upper bound on objects": copies > 0,
        f"{inferred:,} objects rest on inferred attribution (C) or on unclear sessions": inferred,
        f"{ambiguous:,} objects have an ambiguous attribution to one of several credentials (D)": ambiguous,
        f"only the access log ran for {hours_and_minutes(log_only)}, and its losses could not be measured":
            log_only and row["upper_basis"] == "logged_only",
        f"only the access log ran for {hours_and_minutes(log_only)}; where both ran it missed {lost or 0:,} of {requests or 0:,} "
        f"requests (at most {share or 0:.2%}), which allows for {allowed:,} more":
            log_only and row["upper_basis"] != "logged_only" and is_measured,
        f"it is uncertain for {hours_and_minutes(doubt)} whether a log covered the bucket": doubt > 0,
    }  # fmt: skip
    return {
        **row, "allowed_requests": allowed, "objects_upper_logged": row["objects_seen"] + allowed, "bytes_upper_logged": sent,
        "objects_upper": None if row["upper_basis"] == "blind" else row["objects_seen"] + allowed,
        "bytes_upper": None if blind or partial else sent,
        "width_reason": "; ".join(reason for reason, applies in reasons.items() if applies)
        or "CloudTrail recorded every read and named its credential",
    }  # fmt: skip


def totals(case: Case, by: str | None = None) -> pd.DataFrame:
    """How much was read, listed and denied, by credential, session, address, agent, bucket, prefix and hour?

    Parameters
    ----------
    by : {'access_key_id', 'session_id', 'source_ip_address', 'user_agent', 'bucket', 'prefix', 'hour'}, optional
        One of these alone; the table has them all.

    Returns
    -------
    DataFrame
        One row per dimension and value, most bytes first.
    """
    requests(case, most=0)
    case.once("object_access/totals", lambda: case.keep("object_access/totals", "object_access/totals"))
    return case.engine.frame(
        "from object_access_totals where :by is null or dimension = :by order by dimension, bytes_sent desc, requests desc, value",
        {"by": by},
    )


def bytes_by_hour(case: Case) -> pd.DataFrame:
    """How many bytes were downloaded in which hour? One row per hour, attribution and bound that they count in."""
    return _answer(case, "hours")


def prefixes(case: Case) -> pd.DataFrame:
    """Under which prefixes were objects read? One row per bucket, prefix and bound that they count in."""
    return _answer(case, "prefixes")


def destruction(case: Case, most: int = MOST) -> pd.DataFrame:
    """Which objects were overwritten, encrypted or removed, which attempts failed, and what can be restored?

    Returns
    -------
    DataFrame
        The first rows in the order of time, one per object and action; empty if none. How many there are is in
        ``frame.attrs["rows"]``.

    Notes
    -----
    Recoverable means that the bucket kept versions at that time; that a version is still there is not proven. A
    customer-provided key does not show in access logs.
    """

    def keep() -> int:
        requests(case, most=0)
        timeline = config_timeline(case, unlogged(visible(case)))
        case.engine.provide("versioning", timeline.versioning())
        case.engine.provide("expiry_changes", timeline.expiry_changes())
        return case.keep("object_access/destruction", "object_access/destruction")

    return _first_rows(case, "destruction", case.once("object_access/destruction", keep), most)


def acts(case: Case) -> pd.DataFrame:
    """How many actions are not the owner's? One row per bucket and kind (read, written, names, destroyed)."""
    destruction(case, most=0)
    return case.ask("object_access/acts")


def service_reads(case: Case) -> pd.DataFrame:
    """What may AWS services have read on behalf of compromised credentials? One row per call, in order of time."""
    return _answer(case, "service_reads")


def hours(case: Case) -> pd.DataFrame:
    """How complete was the access log, hour by hour, where both logs were on? See `completeness.completeness`."""
    return completeness.completeness(case)


def holes(case: Case) -> pd.DataFrame:
    """When was nothing of the access log delivered, though requests were made? One row per bucket and run of hours."""
    return case.write_table("object_access/holes", completeness.access_log_holes(case))


def losses(case: Case) -> pd.DataFrame:
    """What does the access log lose, where CloudTrail can tell? See `completeness.loss_rates`."""
    rates = completeness.loss_rates(case)
    return case.write_table("object_access/losses", frame_of(rates, types_of("object_access/losses")))
