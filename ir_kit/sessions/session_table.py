"""Sessions of use, and whose they look like.

A session is one credential from one address with one user agent, a pause of 30 minutes ending it. Whose it looks like
is judged of its *source*, the address and the user agent with all that was done from there (`verdicts`), against the
owner's sources (`baseline`); sources that one operator seems to use belong together (`operators`). Sessions come from
CloudTrail; requests that access logs alone show join them, or are sessions of their own. A call that an AWS service
made for the principal shows the service's address: it is judged by the direct use beside it. The analyst's labels come
first, and teach.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.credentials.lineage import compromised_credentials
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.domain.principals import is_service_address
from ir_kit.sessions.agents import user_agent_of
from ir_kit.sessions.baseline import OwnerBaseline, from_baseline, from_window
from ir_kit.sessions.labels import label_of, read_labels
from ir_kit.sessions.networks import networks
from ir_kit.sessions.operators import agree, associate, count_labels, id_of, learn, operators_of
from ir_kit.sessions.sources import Row, Source, describe, prepare_uses, sources, unfamiliar_values
from ir_kit.sessions.verdicts import Assessment, Judge, ago

COLUMNS = {
    "session_id": "varchar", "operator_id": "varchar", "access_key_id": "varchar", "source_ip_address": "varchar",
    "user_agent": "varchar", "start_time": "timestamp", "end_time": "timestamp", "event_count": "bigint",
    "error_count": "bigint", "bytes_sent": "bigint", "novelty": "double", "verdict": "varchar", "reasons": "varchar",
    "label": "varchar", "is_responder": "boolean", "forwarded": "boolean", "seen_in": "varchar",
    "log_request_count": "bigint", "log_bytes_sent": "bigint", "reach_start": "timestamp", "reach_end": "timestamp",
    "lineage": "varchar", "tool": "varchar",
}  # fmt: skip
BASES = {
    "principal": "varchar", "basis": "varchar", "days": "bigint", "places": "bigint", "events": "bigint",
    "arrivals_inside": "bigint", "arrivals": "varchar", "warning": "varchar",
}  # fmt: skip
ACT = {"access_key_id": "varchar", "source_ip_address": "varchar", "user_agent": "varchar", "event_time": "timestamp"}
Key = tuple[str, str, str]  # lineage, address, client
Use = dict[str, tuple[list[Source], OwnerBaseline]]  # by lineage: all sources, and which of them are the owner's


def sessions(case: Case) -> pd.DataFrame:
    """When were compromised credentials in use in the window, and whose use does each session look like?

    One row per session, in the order of time. SQL reads it as ``sessions`` (reasons one a line there).
    """
    compromised_credentials(case)
    frame = case.answer("sessions", lambda: with_log_requests(case, _judged_sessions(case)))
    return frame.assign(reasons=_lines(frame["reasons"]))


def baselines(case: Case) -> pd.DataFrame:
    """What was each principal's use compared with, how much of it is there, and may it hold the intruder itself?

    One row per lineage of compromised credentials, by its principal.
    """
    compromised_credentials(case)
    frame = case.answer("session_baselines", lambda: _baselines(case))
    return frame.assign(arrivals=_lines(frame["arrivals"]))


def operators(case: Case) -> pd.DataFrame:
    """Which operators seem to use the compromised credentials? One row per operator, the most unusual first."""
    sessions(case)
    return case.ask("sessions/operators")


def session_intervals(case: Case) -> None:
    """Make the relation ``session_intervals``, one row per session, and ``session_hours``, the same by hour, which joins
    with many requests are to use. Address and user agent are empty where the session has none.
    """
    sessions(case)
    _provide_intervals(case)


def session_of(case: Case, frame: pd.DataFrame, time: str = "event_time") -> pd.DataFrame:
    """Which session holds each of these acts, and whose is it?

    Parameters
    ----------
    frame : DataFrame
        Any rows with ``access_key_id``, ``source_ip_address``, ``user_agent`` and the column `time`.

    Returns
    -------
    DataFrame
        The frame's rows and index, with session_id, verdict and label; null where no session holds the act.
    """
    case.once("session_intervals", lambda: session_intervals(case))
    acts = frame_of(rows_of(frame[[*list(ACT)[:3], time]].rename(columns={time: "event_time"})), ACT)
    case.engine.provide("acts_to_place", acts.assign(number=range(len(acts))))
    placed = case.ask("sessions/session_of").set_index(frame.index)
    return frame.assign(**{name: placed[name].astype("object") for name in ("session_id", "verdict", "label")})


def _provide_intervals(case: Case) -> None:
    for name in ("session_intervals", "session_hours"):
        case.engine.provide(name, case.ask(f"sessions/{name}"))


def _lines(column: pd.Series) -> pd.Series:
    return column.map(lambda text: text.split("\n") if isinstance(text, str) and text else []).astype("object")


def use_by_lineage(case: Case) -> Use:
    """The owner's use is that of the baseline, where the evidence holds any event of it, else what is steady in the window."""
    prepare_uses(case)
    basis = case.ask("sessions/comparison_basis").iloc[0]
    use: Use = {}
    listed = sources(case)
    for lineage in compromised_credentials(case)["lineage"].fillna("").unique():
        of_lineage = [source for source in listed if source.lineage == lineage]
        if basis["event_count"]:
            usual = [
                source for source in of_lineage if source.period == "baseline" and source.forwarded < source.events
            ]
            owner = from_baseline(case, usual, int(basis["days"]))
        else:
            owner = from_window([source for source in of_lineage if source.period == "window"])
        use[lineage] = of_lineage, owner
    return use


def _baselines(case: Case) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for lineage, (_, owner) in case.once("use_by_lineage", lambda: use_by_lineage(case)).items():
        arrivals = [
            f"{source.address} with {source.client}, first {source.first:%Y-%m-%d %H:%M}, {source.events:,} calls on "
            f"{len(source.days)} days"
            for source in owner.suspects
        ]
        rows.append({
            "principal": lineage.split("\n")[0], "basis": owner.basis, "days": owner.days, "places": len(owner.sources),
            "events": owner.together.events, "arrivals_inside": len(owner.suspects), "arrivals": "\n".join(arrivals),
            "warning": owner.warning,
        })  # fmt: skip
    return frame_of(rows, BASES)


def _judged_sessions(case: Case) -> pd.DataFrame:
    use = case.once("use_by_lineage", lambda: use_by_lineage(case))
    label = label_of(read_labels(case.incident.folder))
    rows = rows_of(case.ask("sessions/sessions"))
    for row in rows:
        names = row["access_key_id"], row["source_ip_address"], row["user_agent"]
        row["session_id"] = id_of("s-", *names, row["start_time"].isoformat())
        row["forwarded"] = bool(row["forwarded_count"]) or is_service_address(row["source_ip_address"])
        row["label"], row["tool"] = label(row), user_agent_of(row["user_agent"]).tool
        row["source"] = row["lineage"], row["source_ip_address"] or "", row["client"]
    direct = [row for row in rows if not row["forwarded"]]
    assessed = assess_sources(case, use, direct)
    everything = list(assessed.values())
    unlabelled = {key: replace(item, reasons=list(item.reasons)) for key, item in assessed.items()}
    associate(list(unlabelled.values()))
    learn(everything, count_labels((row["label"], row["source"][1:]) for row in direct))
    associate(everything)
    operator = operators_of(everything)
    for row in direct:
        # a label teaches other sessions, not the one that it is of
        item = (unlabelled if row["label"] else assessed)[row["source"]]
        row["verdict"], row["novelty"], row["reasons"] = item.verdict, item.novelty, list(item.reasons)
        row["operator_id"] = operator[id(assessed[row["source"]])]
        if row["verdict"] != "familiar" and row["start_time"] > row["first_seen"]:
            row["reasons"].append(f"address first seen {ago(row['start_time'] - row['first_seen'])} before")
        if row["label"]:
            opposite = {"owner": "new", "intruder": "familiar"}.get(row["label"]) == row["verdict"]
            against = f", against the verdict {row['verdict']}" if opposite else ""
            row["reasons"].append(f"labelled {row['label']} by the analyst{against}")
    judge_forwarded(case, rows)
    return frame_of([row | {"reasons": "\n".join(row["reasons"])} for row in rows], COLUMNS)


def assess_sources(case: Case, use: Use, direct: list[Row]) -> dict[Key, Assessment]:
    """Each source of direct use in the window, judged."""
    starts: dict[Key, list[pd.Timestamp]] = defaultdict(list)
    for row in direct:
        starts[row["source"]].append(row["start_time"])
    files, good = networks(case.incident.folder), case.incident.known_good
    judged: list[tuple[Judge, Assessment]] = []
    for lineage, (listed, owner) in use.items():
        window = [source for source in listed if source.period == "window"]
        judge = Judge(owner, window, good, files)
        for source in window:
            if (lineage, *source.key) in starts:
                source.starts = starts[lineage, *source.key]
                judged.append((judge, judge.assess(source)))
    compared = [(judge, item) for judge, item in judged if not item.is_owners and judge.baseline.basis != "none"]
    groups = {group: None for judge, item in compared for group in (judge.baseline.together, item.itself, item.related)}
    describe(case, groups)
    unfamiliar = unfamiliar_values(case, [source for _, owner in use.values() for source in owner.sources])
    assessed: dict[Key, Assessment] = {}
    for judge, item in judged:
        key = item.source.lineage, *item.source.key
        judge.judge(item, unfamiliar.get(key, []))
        assessed[key] = item
    agree(list(assessed.values()))
    return assessed


def judge_forwarded(case: Case, rows: list[Row]) -> None:
    """Give calls that an AWS service made for the principal the verdict of direct use beside them, where it agrees;
    else that of habit, where the baseline has it.
    """
    forwarded = {row["session_id"]: row for row in rows if row["forwarded"]}
    case.engine.provide("judged_sessions", frame_of([row | {"reasons": ""} for row in rows], COLUMNS))
    for beside in rows_of(case.ask("sessions/forwarded")) if forwarded else ():
        row, verdicts, days = forwarded[beside["session_id"]], list(beside["verdicts"]), beside["habit_days"]
        row["verdict"] = verdicts[0] if len(verdicts) == 1 else "unclear"
        row["novelty"] = 0.5 if beside["novelty"] is None else round(beside["novelty"], 4)
        if days and len(verdicts) != 1:
            row["verdict"], row["novelty"] = "familiar", min(row["novelty"], 0.1)
        elif days and row["verdict"] == "new":
            row["verdict"] = "unclear"
        names = row["access_key_id"], row["source_ip_address"], row["user_agent"]
        row["operator_id"] = beside["operator_id"] or id_of("o-", *names)
        row["reasons"] = [
            f"made by {row['invoked_by'] or row['source_ip_address']} for the principal, so its address and agent are not "
            "compared",
            ", ".join(
                [
                    f"judged by {beside['session_count']} direct sessions within an hour",
                    *filter(None, [" and ".join(verdicts)]),
                ]
            ),
            *([f"this service did the same for the principal on {days} days of the baseline"] if days else []),
            *([f"labelled {row['label']} by the analyst"] if row["label"] else []),
        ]


def with_log_requests(case: Case, frame: pd.DataFrame) -> pd.DataFrame:
    """How many requests that access logs alone show are in each session."""
    case.engine.provide("sessions", frame)
    _provide_intervals(case)
    counts = case.ask("sessions/log_requests").set_index("session_id")
    requests, sent = (frame["session_id"].map(counts[name]).astype("Int64") for name in ("request_count", "bytes_sent"))
    seen_in = frame["seen_in"].mask((frame["seen_in"] == "cloudtrail") & requests.notna(), "both")
    return frame.assign(log_request_count=requests, log_bytes_sent=sent, seen_in=seen_in)
