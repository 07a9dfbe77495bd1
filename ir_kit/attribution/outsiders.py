"""Who accessed the buckets from outside: anonymous callers, other accounts, AWS services; how often, with what success, for how many
bytes."""

from __future__ import annotations

import pandas as pd

from ir_kit.case import Case
from ir_kit.configuration.bucket_inventory import provide_inventory


def observed_access(case: Case, spans: pd.DataFrame) -> pd.DataFrame:
    """Which outsiders asked which bucket in the window, how often, with what success, and how many bytes did they get?

    Parameters
    ----------
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
    bucket's own rule, not a caller; a browser's preflight reads nothing. Principals of the bucket's own account are no
    outsiders, whatever service calls for them. Cannot see requests that neither log holds. Source: S3 User Guide,
    "Amazon S3 server access log format"; CloudTrail User Guide, "userIdentity element".
    """
    provide_inventory(case)
    for relation in ("operation_names", "collisions"):
        case.derive(relation, f"attribution/{relation}")
    case.engine.provide("exposure_spans", spans[["bucket", "start_time", "end_time", "public_status"]])
    answer = case.ask("attribution/observed_access")
    requests = answer["requests"] + answer["denied_requests"] + answer["failed_requests"]
    unauthenticated, responders = answer["requester_kind"] == "unauthenticated", answer["is_responder"]
    frame = answer[~unauthenticated & ~responders].reset_index(drop=True)
    frame.attrs["responders"] = int(requests[~unauthenticated & responders].sum())
    frame.attrs["unauthenticated"] = requests[unauthenticated].groupby(answer["bucket"]).sum().to_dict()
    return frame
