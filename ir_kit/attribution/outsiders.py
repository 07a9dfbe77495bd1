"""Who came from outside: nobody by name, other accounts, AWS services; how often, with what success, for how many bytes."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ir_kit.attribution.operation_names import AUTHENTICATION_FAILURES, operation_names
from ir_kit.case import Case
from ir_kit.configuration.inventory import provide_inventory
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.tables import types_of

TABLE = "bucket_exposure/observed_access"
MOST_PRINCIPALS = 20
SUMMED = (
    "requests", "denied_requests", "bytes_sent", "failed_requests", "reads", "listings", "writes", "requests_while_public",
    "requests_while_not_public", "requests_while_unknown", "bytes_while_public",
)  # fmt: skip
UNAUTHENTICATED = "unauthenticated"


def observed_access(case: Case, spans: pd.DataFrame) -> pd.DataFrame:
    """Which outsiders asked which bucket in the window, how often, with what success, and how many bytes did they get?

    Parameters
    ----------
    case : Case
    spans : DataFrame
        ``bucket_exposure/spans``: when each bucket was public.

    Returns
    -------
    DataFrame
        One row per bucket and outsider; empty if none. ``frame.attrs``: ``responders``, how many requests were left out
        as the investigation's own; ``unauthenticated``, by bucket, how many failed to authenticate and so name nobody.

    Notes
    -----
    A request counts once though both logs hold it, a batch delete and a copy within a bucket once. Lifecycle is the
    bucket's own rule, not a caller; a browser's preflight reads nothing. Principals of the bucket's own account are no outsiders, whatever service calls for
    them. Cannot see: requests that neither log holds.
    Source: S3 User Guide, "Amazon S3 server access log format"; CloudTrail User Guide, "userIdentity element".
    """
    provide_inventory(case)
    case.engine.provide("operation_names", operation_names())
    case.engine.provide("collisions", case.ask("attribution/collisions"))
    case.engine.provide("exposure_spans", spans[["bucket", "start_time", "end_time", "public_status"]])
    asked = case.ask("attribution/observed_access", authentication_failures=list(AUTHENTICATION_FAILURES))
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    left_out, nobody = 0, dict[str, int]()
    for row in rows_of(asked):
        count = int(row["requests"] + row["denied_requests"] + row["failed_requests"])
        if row["requester_kind"] == UNAUTHENTICATED:
            nobody[row["bucket"]] = nobody.get(row["bucket"], 0) + count
        elif row["is_responder"]:
            left_out += count
        else:
            _add(found, row)
    frame = frame_of((found[outsider] for outsider in sorted(found)), types_of(TABLE))
    frame.attrs["responders"], frame.attrs[UNAUTHENTICATED] = left_out, nobody
    return frame


def _add(found: dict[tuple[str, str, str], dict[str, Any]], row: dict[str, Any]) -> None:
    """Add what one principal did to what its account, service or nobody did."""
    outsider = (row["bucket"], row["requester_kind"], row["requester"])
    principal = [row["principal_arn"]] if row["principal_arn"] else []
    if outsider not in found:
        found[outsider] = {**row, "principals": principal, **{name: int(row[name]) for name in SUMMED}}
        return
    whole = found[outsider]
    for name in SUMMED:
        whole[name] += int(row[name])
    whole["first_time"] = min(whole["first_time"], row["first_time"])
    whole["last_time"] = max(whole["last_time"], row["last_time"])
    whole["seen_in"] = row["seen_in"] if whole["seen_in"] == row["seen_in"] else "both"
    whole["principals"] = (whole["principals"] + principal)[:MOST_PRINCIPALS]
