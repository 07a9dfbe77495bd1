"""Whose request was it? What the access log says of a caller, set against the credentials that this caller could have
used.

`prepare` makes the relations that ``object_access/requests.sql`` joins: the principals in question and their names in
access logs, the credentials that fit at each time, the pairs of address and agent that were seen with one credential
alone. `calibration` then tries the reasoning where the truth is known.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pandas as pd
import pyarrow as pa

from ir_kit.attribution.operation_names import operation_names
from ir_kit.case import Case
from ir_kit.credentials.validity import FIRST, LAST, Life, Lives, Row, Span, lives
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.domain.principals import account_of_arn, user_name

SLACK = timedelta(days=1)  # a request received before the window may complete in it, and the other way round
CANONICAL = re.compile(r"[0-9a-f]{64}")
LEAST_ROWS, LEAST_RIGHT = 200, 0.98
DAY = pd.Timedelta(days=1)
PAIR = tuple[str, str, str]


@dataclass
class Callers:
    """What is known of the principals in question before a single request is looked at."""

    lives: Lives
    reached: set[str]
    pairs: dict[
        PAIR, dict[str, set[str | None]]
    ]  # (principal, address, agent) -> key -> where it was seen: buckets, or None
    seen_in: dict[str, set[str | None]]  # key -> the same
    spans: list[dict[str, Any]] = field(default_factory=list)


def prepare(case: Case, reached: pd.DataFrame, visibility: pd.DataFrame | None) -> Callers:
    """Make the relations that the questions of object access join; what they rest on is given back.

    Parameters
    ----------
    case : Case
    reached : DataFrame
        ``scoping/credentials``.
    visibility : DataFrame or None
        ``logging_gaps/visibility``; without it no list of credentials counts as complete.
    """
    engine = case.engine
    engine.provide("reached_credentials", reached)
    engine.provide("operation_names", operation_names())
    by_key = {row["access_key_id"]: row for row in rows_of(reached)}
    acted = case.ask("attribution/reached_principals").dropna()
    principals = sorted(set(acted["principal_arn"]))
    engine.provide("possible_principals", _texts("principal_arn", principals))
    requesters = _requesters(case, principals)
    engine.provide("possible_requesters", requesters)
    uses = rows_of(case.ask("attribution/credential_uses"))
    acts = rows_of(case.ask("attribution/credential_acts"))
    found = lives(principals, uses, acts, rows_of(case.ask("attribution/key_lists")), _blind(case, visibility), by_key)
    callers = Callers(found, set(by_key), defaultdict(lambda: defaultdict(set)), defaultdict(set))
    named = dict(zip(requesters["requester"], requesters["principal_arn"], strict=True))
    for row in uses:
        if row["for_service"]:
            continue
        callers.seen_in[row["access_key_id"]].add(row["data_bucket"])
        if row["source_ip_address"] and row["user_agent"]:
            pair = (row["principal_arn"], row["source_ip_address"], row["user_agent"])
            callers.pairs[pair][row["access_key_id"]].add(row["data_bucket"])
    for row in rows_of(case.ask("attribution/presigned_uses")):
        if row["requester"] in named and row["source_ip_address"] and row["user_agent"]:
            callers.pairs[named[row["requester"]], row["source_ip_address"], row["user_agent"]][
                row["access_key_id"]
            ].add(None)
    engine.provide("lone_pairs", _lone_pairs(callers))
    start = case.parameters["baseline_start"]
    callers.spans = _spans(callers, pd.Timestamp(start), pd.Timestamp(case.incident.window.end) + SLACK)
    engine.provide("candidate_spans", _span_frame(callers.spans))
    return callers


def match_window(case: Case) -> dict[str, Any]:
    """The window with room for requests that one log places outside it."""
    window = case.incident.window
    return {"match_start": window.start - SLACK, "match_end": window.end + SLACK}


def _texts(name: str, values: Iterable[str]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(list(values), dtype="str")})


def _requesters(case: Case, principals: list[str]) -> pd.DataFrame:
    """How access logs name these principals: by ARN, users whatever their path, root by the account's canonical id."""
    users = {(account_of_arn(arn), user_name(arn)): arn for arn in principals if user_name(arn)}
    rows = {arn: arn for arn in principals}
    listed = case.ask("attribution/log_requesters")
    bare = []
    for requester in listed["requester"]:
        if requester in rows:
            continue
        same = users.get((account_of_arn(requester), user_name(requester)))
        if same:
            rows[requester] = same
        elif CANONICAL.fullmatch(requester):
            bare.append(requester)
    if bare and any(arn.endswith(":root") for arn in principals):
        learned = case.ask("attribution/learned_requesters")
        for requester, arn in zip(learned["requester"], learned["principal_arn"], strict=True):
            if arn in principals:
                rows[requester] = arn
        for requester in set(bare) - set(rows):
            if requester in set(listed["bucket_owner"]):
                rows[requester] = next(arn for arn in principals if arn.endswith(":root"))
    items = sorted(rows.items())
    return pd.DataFrame(
        {
            "requester": pd.Series([item[0] for item in items], dtype="str"),
            "principal_arn": pd.Series([item[1] for item in items], dtype="str"),
        }
    )


def _blind(case: Case, visibility: pd.DataFrame | None) -> list[Span]:
    """When were management events not, or not certainly, recorded in every Region that we know of?"""
    if visibility is None:
        return [(FIRST, LAST)]
    rows = visibility[(visibility["record_class"] == "management") & visibility["bucket"].isna()]
    if rows.empty:
        return [(FIRST, LAST)]
    found: list[Span] = [(row["start_time"], row["end_time"]) for row in rows_of(rows) if row["state"] != "logged"]
    days = [pd.Timestamp(day) for day in case.ask("attribution/management_days")["day"]]
    start = pd.Timestamp(case.incident.window.start)
    if not days:
        return [(FIRST, LAST)]
    found.append((FIRST, days[0]))
    held, day = set(days), days[0]
    while day < start:
        if day not in held:
            found.append((day, day + DAY))
        day += DAY
    return sorted(found)


def _lone_pairs(callers: Callers) -> pd.DataFrame:
    rows = []
    for (principal, address, agent), keys in callers.pairs.items():
        if len(keys) != 1:
            continue
        (key,) = keys
        life = callers.lives.of(principal, key)
        spans = life.spans if life and life.spans else [(FIRST, LAST)]
        rows.append((principal, address, agent, key, spans[0][0], spans[-1][1]))
    names = {
        "principal_arn": "varchar", "source_ip_address": "varchar", "user_agent": "varchar", "access_key_id": "varchar",
        "life_start": "timestamp", "life_end": "timestamp",
    }  # fmt: skip
    return frame_of([dict(zip(names, row, strict=True)) for row in sorted(rows)], names)


def _spans(callers: Callers, start: pd.Timestamp, end: pd.Timestamp) -> list[dict[str, Any]]:
    """Cut time, principal by principal, where the credentials that fit change; and at midnight, so that joins stay
    small.
    """
    rows: list[dict[str, Any]] = []
    for principal, found in sorted(callers.lives.lives.items()):
        known = callers.lives.known[principal]
        edges = {start, end}
        for life in found:
            edges |= {edge for span in life.spans for edge in span}
        for begin, stop in callers.lives.blind:
            edges |= {begin, stop, stop + known.reach_back}
        for signed in known.sign_ins:
            edges |= {signed, signed + pd.Timedelta(hours=12)}
        inside = sorted(edge for edge in edges if start <= edge <= end)
        for begin, stop in zip(inside, inside[1:], strict=False):
            rows += _span_rows(callers, principal, found, begin, stop)
    for number, row in enumerate(rows):
        row["span_id"] = number
    return rows


def _span_rows(
    callers: Callers, principal: str, found: list[Life], begin: pd.Timestamp, stop: pd.Timestamp
) -> list[dict[str, Any]]:
    fit = [life.access_key_id for life in found if not life.for_service and life.covers(begin)]
    served = [life.access_key_id for life in found if life.for_service and life.covers(begin)]
    complete = bool(fit) and callers.lives.known[principal].at(begin, stop, callers.lives.blind)
    fit = fit or [life.access_key_id for life in found if not life.for_service]
    rows = []
    for by_service in (False, True):
        keys = sorted(set(fit + served) if by_service else set(fit))
        rows.append(
            {
                "principal_arn": principal,
                "by_service": by_service,
                "start_time": begin,
                "end_time": stop,
                "candidates": keys,
                "only_access_key_id": keys[0] if complete and len(keys) == 1 and not by_service else None,
                "complete": complete,
                "possible": bool(callers.reached.intersection(keys)),
            }
        )
    return rows


def _span_frame(spans: list[dict[str, Any]]) -> pd.DataFrame:
    """One row per span and day: a span that runs over midnight is there once for each day, with its whole stretch."""
    rows = []
    for span in spans:
        day = span["start_time"].floor("D")
        while day < span["end_time"]:
            rows.append(span | {"day": day})
            day += DAY
    names = {
        "span_id": "bigint",
        "principal_arn": "varchar",
        "by_service": "boolean",
        "start_time": "timestamp",
        "end_time": "timestamp",
        "day": "timestamp",
        "only_access_key_id": "varchar",
        "possible": "boolean",
    }
    frame = frame_of(rows, names)
    lists = pa.array([row["candidates"] for row in rows], pa.list_(pa.string()))
    frame["candidates"] = pd.Series(lists, dtype=pd.ArrowDtype(lists.type))
    return frame


def calibration(case: Case, callers: Callers) -> pd.DataFrame:
    """How often is reasoning right where both logs tell whose a request was?

    Each request that both logs hold is taken as if its bucket had no data events at all: neither its own event nor
    any other of that bucket helps to place it. What remains is what stands by for buckets that only the access log
    covers.

    Returns
    -------
    DataFrame
        Two rows, for grade C and grade D: attribution, requests, right (D: the key is among the candidates), share
        (null where there are none), used (C is not, where it was right less than 98 times in 100 of at least 200).
    """
    spans = {span["span_id"]: span for span in callers.spans}
    counted = {"C": [0, 0], "D": [0, 0]}
    for row in rows_of(case.ask("attribution/joined_requests")):
        span = spans.get(int(row["span_id"])) if row["span_id"] is not None else None
        grade, keys = _reasoned(callers, span, row)
        counted[grade][0] += int(row["requests"])
        counted[grade][1] += int(row["requests"]) * (row["access_key_id"] in keys)
    rows = []
    for grade, (requests, right) in counted.items():
        share = right / requests if requests else None
        used = grade == "D" or requests < LEAST_ROWS or (share or 0.0) >= LEAST_RIGHT
        rows.append({"attribution": grade, "requests": requests, "right": right, "share": share, "used": used})
    kinds = {"attribution": "varchar", "requests": "bigint", "right": "bigint", "share": "double", "used": "boolean"}
    return frame_of(rows, kinds)


def _reasoned(callers: Callers, span: Row | None, row: Row) -> tuple[str, set[str]]:
    """Grade and keys for a caller, from everything but the data events of one bucket."""
    bucket = row["bucket"]
    pair = callers.pairs.get((row["principal_arn"], row["source_ip_address"], row["user_agent"]), {})
    with_pair = [key for key, where in pair.items() if where - {bucket}]
    candidates = {
        key
        for key in (span["candidates"] if span else ())
        if _known_elsewhere(callers, row["principal_arn"], key, bucket)
    }
    if span and span["complete"] and len(candidates) == 1:
        return "C", candidates
    if len(with_pair) == 1 and (with_pair[0] in candidates or not candidates):
        return "C", set(with_pair)
    return "D", candidates


def _known_elsewhere(callers: Callers, principal: str, key: str, bucket: str) -> bool:
    """Would we know of this credential without that bucket's data events?"""
    life = callers.lives.of(principal, key)
    return key in callers.reached or bool(life and life.explained) or bool(callers.seen_in.get(key, set()) - {bucket})
