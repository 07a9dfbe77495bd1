"""Playbook 03: which objects left, by which key, how sure is that, and how much may be missing?

`matching` brings both logs together, `attribution` says whose a request was, `lifetimes` which credentials there were,
`familiarity` whom it looks like, `bounds` how much may be missing, `completeness` what the access log loses,
`account_buckets` and `service_reads` what else bears on it.
"""

from __future__ import annotations

import pandas as pd

from ir_kit.attribution import callers as attribution
from ir_kit.attribution import completeness
from ir_kit.case import Case
from ir_kit.configuration.config_timeline import config_timeline
from ir_kit.configuration.lifecycle import expiry_changes
from ir_kit.coverage.visibility import unlogged, visible
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.object_access import service_reads as services
from ir_kit.object_access.bounds import bound
from ir_kit.object_access.held import NOTHING, held
from ir_kit.object_access.matching import coverage, management_scope, prepare, readable, watched_hours
from ir_kit.object_access.served import UNCOUNTED, served
from ir_kit.tables import types_of

__all__ = [
    "acts", "bounds", "bytes_by_hour", "calibration", "coverage", "destruction", "evidence_of", "holes", "hours",
    "losses", "management_scope", "objects", "prefixes", "prepare", "requests", "service_reads", "totals",
]  # fmt: skip


def requests(case: Case, most: int | None = None) -> pd.DataFrame:
    """Which object-level and listing requests were made by, or possibly by, a reached credential, and how sure is
    that?

    Parameters
    ----------
    most : int, optional
        Read no more rows than this; their number is in ``frame.attrs["rows"]`` whatever is read.

    Returns
    -------
    DataFrame
        One row per request, a row of its own for each key of a batch delete and each half of a copy; empty if none.
        The table ``object_access/requests`` holds all of them.

    Notes
    -----
    Cannot see requests that neither log holds. Grades: A named by CloudTrail or joined to it, B named in a pre-signed
    URI, C reasoned from lifetimes or from address and agent, D a list of candidates.
    """
    access = prepare(case)
    frame = case.ask("object_access/request_rows", most=access.rows if most is None else most)
    frame.attrs["rows"] = access.rows
    return frame


def calibration(case: Case) -> pd.DataFrame:
    """How often is reasoning without request ids right, on the requests that both logs hold? See
    `attribution.calibration`.

    Returns
    -------
    DataFrame
        One row for grade C and one for grade D: requests, right, share, used. Also written to
        ``object_access/calibration``.
    """
    return prepare(case).calibration


def objects(case: Case, bucket: str | None = None, text: str | None = None, most: int = 1_000) -> pd.DataFrame:
    """Which objects were read, or copied out of the account?

    Parameters
    ----------
    bucket, text : str, optional
        Only of this bucket; only with this text in their key, whatever its case.
    most : int
        As many as are to be looked at, most bytes first; how many there are in all is in ``frame.attrs["rows"]``.

    Returns
    -------
    DataFrame
        One row per bucket and key; empty if none. The table ``object_access/objects`` holds all of them.
    """
    prepare(case)
    frame = case.ask("object_access/found_objects", bucket=bucket, text=text, most=most)
    frame.attrs["rows"] = int(case.ask("object_access/found_count", bucket=bucket, text=text)["objects"].iloc[0])
    return frame.drop(
        columns=[name for name in frame.columns if name.startswith("log_only_") or name == "counted_rank"]
    )


def bounds(case: Case) -> pd.DataFrame:
    """How many objects and bytes left each bucket, at least, likely, and at most, and why is the answer no narrower?

    Returns
    -------
    DataFrame
        One row per bucket in scope; ``objects_upper`` and ``bytes_upper`` are null where the bucket was blind for
        part of the window. Also written to ``object_access/bounds``.

    Notes
    -----
    Reads by services at a reached credential's bidding are not in it; see `service_reads`.
    """
    access = prepare(case)
    read = {row["bucket"]: row for row in rows_of(case.ask("object_access/read_totals"))}
    seen = watched_hours(case, access, access.scope, objects_only=True)
    writes = watched_hours(case, access, access.scope, "data_write")
    rows = [
        bound(
            bucket, read.get(bucket), seen[bucket], writes[bucket], access.losses.get(bucket, access.losses.get(None))
        )
        for bucket in access.scope
    ]
    full = held(access.settings, case.incident.window)
    given = served(access.settings, case.incident.window)
    for row in rows:
        told = given.get(row["bucket"], UNCOUNTED)
        row |= {f"{name}_served": value for name, value in told._asdict().items()}
        most = full.get(row["bucket"], NOTHING)
        row |= {"objects_held": most.objects, "bytes_held": most.bytes, "held_on": most.day, "held_basis": most.basis}
    frame = frame_of(rows, types_of("object_access/bounds"))
    case.write_table("object_access/bounds", frame)
    return frame


def totals(case: Case, by: str | None = None) -> pd.DataFrame:
    """How much was read, listed and refused, by key, session, address, agent, bucket, prefix and hour?

    Parameters
    ----------
    by : {'access_key_id', 'session_id', 'source_ip_address', 'user_agent', 'bucket', 'prefix', 'hour'}, optional
        One of these alone.

    Returns
    -------
    DataFrame
        One row per dimension and value, most bytes first. Also written to ``object_access/totals``, whole.
    """
    prepare(case)
    frame = case.ask("object_access/totals")
    case.write_table("object_access/totals", frame)
    chosen = frame if by is None else frame[frame["dimension"] == by]
    return chosen.sort_values(
        ["dimension", "bytes_sent", "requests", "value"], ascending=[True, False, False, True]
    ).reset_index(drop=True)


def bytes_by_hour(case: Case) -> pd.DataFrame:
    """How many bytes left in which hour, and how sure is it by which key? One row per hour, attribution and bound."""
    prepare(case)
    return _kept(case, "object_access/hours", case.ask("object_access/bytes_by_hour"))


def prefixes(case: Case) -> pd.DataFrame:
    """Under which prefixes were objects read? One row per bucket, prefix and bound that they count in."""
    prepare(case)
    return _kept(case, "object_access/prefixes", case.ask("object_access/prefixes"))


def acts(case: Case) -> pd.DataFrame:
    """How many requests wrote objects or disclosed names? One row per bucket, kind, attribution and bound."""
    prepare(case)
    return case.ask("object_access/acts")


def destruction(case: Case) -> pd.DataFrame:
    """Which objects were written over, encrypted or removed, which tries were refused, and what can be brought back?

    Returns
    -------
    DataFrame
        One row per object and act, in the order of time; empty if none. Also written to
        ``object_access/destruction``.

    Notes
    -----
    Recoverable means that the bucket kept versions at that time; that a version still stands there is not proven. A
    customer's key is not to be seen in access logs.
    """
    access = prepare(case)
    timeline = config_timeline(case, unlogged(visible(case) if access.visibility is None else access.visibility))
    case.engine.provide("versioning", timeline.versioning())
    case.engine.provide("expiry_changes", expiry_changes(timeline))
    case.engine.provide("session_intervals", _session_intervals(access.sessions))
    between = attribution.match_window(case)
    case.keep("object_access/destruction", "object_access/destruction", **between)
    readable(case, "object_access_destruction", "object_access/destruction")
    return case.ask("object_access/destruction_rows")


def _session_intervals(sessions: pd.DataFrame) -> pd.DataFrame:
    """From when until when each session ran; what it does not name is empty."""
    names = ["session_id", "access_key_id", "source_ip_address", "user_agent", "start_time", "end_time", "verdict", "label"]
    ended = sessions[names].assign(end_time=sessions["end_time"] + pd.Timedelta(seconds=1))
    return ended.fillna({"source_ip_address": "", "user_agent": ""})


def service_reads(case: Case) -> pd.DataFrame:
    """What may AWS services have read or moved at the bidding of reached credentials? See
    `ir_kit.object_access.service_reads`.
    """
    prepare(case)
    frame = services.service_reads(case)
    case.write_table("object_access/service_reads", frame)
    return frame


def hours(case: Case) -> pd.DataFrame:
    """How complete was the access log, hour by hour, where both logs were on?

    Returns
    -------
    DataFrame
        One row per bucket and hour of the window in which both were on and either holds a request; empty if none.
        Also written to ``logging_gaps/completeness``.
    """
    frame = prepare(case).hours
    case.write_table("logging_gaps/completeness", frame)
    return frame


def holes(case: Case) -> pd.DataFrame:
    """When did nothing of the access log come, although requests were made? One row per bucket and run of hours; empty
    if none.
    """
    return _kept(case, "object_access/holes", prepare(case).holes)


def losses(case: Case) -> pd.DataFrame:
    """What does the access log lose, where CloudTrail can tell?

    Returns
    -------
    DataFrame
        One row per bucket with requests enough, and one (null bucket) for all: requests, lost, lower and upper limit
        at 95 %, hole_hours, and a sentence.
    """
    access = prepare(case)
    rows = [
        loss | {"sentence": completeness.sentence(loss, loss["bucket"], access.holes)}
        for loss in access.losses.values()
    ]
    names = types_of("object_access/losses")
    return _kept(case, "object_access/losses", frame_of(rows, names))


def _kept(case: Case, table: str, frame: pd.DataFrame) -> pd.DataFrame:
    case.write_table(table, frame)
    return frame


def evidence_of(case: Case, bucket: str, kind: str) -> pd.DataFrame:
    """On which rows does a statement on this bucket rest?

    Parameters
    ----------
    kind : {'read', 'written', 'names', 'destroyed'}

    Returns
    -------
    DataFrame
        The first twenty requests that are not the owner's, surest first: event_id, request_id.
    """
    prepare(case)
    return case.ask("object_access/first_requests", bucket=bucket, kind=kind)
