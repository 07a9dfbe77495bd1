"""Sessions of use, and whose they look like.

Whose a session looks like is judged of its *source*, the address and user agent with all that was done from there, set
against the owner's sources; a call that an AWS service made for the principal shows the service's address, and is judged
by the direct use beside it. The analyst's labels come first, and teach.
"""

from __future__ import annotations

from collections import defaultdict
from copy import copy
from dataclasses import replace

import pandas as pd

from ir_kit.case import Case
from ir_kit.credentials.lineage import compromised_credentials
from ir_kit.domain.documents import frame_of, rows_of
from ir_kit.domain.principals import agent_matches, in_networks, is_service_address
from ir_kit.sessions.baseline import OwnerBaseline, from_baseline, from_window
from ir_kit.sessions.labels import SOURCE, read_labels
from ir_kit.sessions.sources import Networks, Row, describe, sources, user_agent_of
from ir_kit.sessions.verdicts import Assessment, ago, agree, associate, id_of, learn, operators_of
from ir_kit.tables import types_of

FOR_SQL = dict.fromkeys(("reasons", "lineage", "tool", "invoked_by"), "varchar")


def sessions(case: Case) -> pd.DataFrame:
    """When were compromised credentials in use in the window, and whose use does each session look like?

    One row per session, in the order of time. SQL reads it as ``sessions`` (reasons one a line there).
    """
    compromised_credentials(case)
    frame = case.answer("sessions", lambda: judged_sessions(case))
    return frame.assign(reasons=frame["reasons"].str.split("\n"))


def baselines(case: Case) -> pd.DataFrame:
    """What was each principal's use compared with, how much of it is there, and may it hold the intruder itself?

    One row per lineage of compromised credentials, by its principal.
    """
    compromised_credentials(case)
    rows = []
    for lineage, owner in case.once("owner_baselines", lambda: owner_baselines(case)).items():
        row: Row = {"principal": lineage.split("\n")[0], "basis": owner.basis, "warning": owner.warning}
        row |= {"days": owner.days, "places": len(owner.sources), "events": owner.together.events}
        arrivals = [
            f"{source.address} with {source.client}, first {source.first:%Y-%m-%d %H:%M}, {source.events:,} calls on "
            f"{len(source.days)} days"
            for source in owner.suspects
        ]
        rows.append(row | {"arrivals_inside": len(arrivals), "arrivals": arrivals})
    return frame_of(rows, types_of("key_activity/baseline"))


def operators(case: Case) -> pd.DataFrame:
    """Which operators seem to use the compromised credentials? One row per operator, the most unusual first."""
    sessions(case)
    return case.ask("sessions/operators")


def session_hours(case: Case) -> None:
    """Make the relation ``session_hours``, the reach of each session by hour, which joins with requests are to use."""
    sessions(case)
    case.once("session_hours", lambda: case.engine.provide("session_hours", case.ask("sessions/session_hours")))


def session_of(case: Case, frame: pd.DataFrame, time: str = "event_time") -> pd.DataFrame:
    """Which session does each of these actions belong to (by access_key_id, source_ip_address, user_agent and `time`), and whose is it?

    Returns
    -------
    DataFrame
        The frame's rows and index, with session_id, verdict and label; null where there is no session.
    """
    session_hours(case)
    acts = rows_of(frame[[*SOURCE, time]].assign(number=range(len(frame))).rename(columns={time: "event_time"}))
    types = dict.fromkeys(SOURCE, "varchar") | {"event_time": "timestamp", "number": "bigint"}
    case.engine.provide("acts_to_place", frame_of(acts, types))
    placed = case.ask("sessions/session_of").set_index(frame.index)
    return frame.assign(**{name: placed[name].astype("object") for name in ("session_id", "verdict", "label")})


def provide_known_values(case: Case) -> bool:
    """Which addresses and user agents of the requests that are matched are the owner's? For requests that no session holds.

    Makes the relation ``known_values``, one row per principal, kind and value, with is_owners; needs graded requests.
    Gives back whether there is a baseline to compare with. What was done is not weighed: a request alone says little.
    """
    frame, good = case.ask("sessions/known_values"), case.incident.known_good
    is_good = [
        agent_matches(value, good.user_agents) if kind == "user_agent" else in_networks(value, good.source_ips)
        for kind, value in zip(frame["kind"], frame["value"], strict=True)
    ]
    case.engine.provide("known_values", frame.assign(is_owners=frame["is_owners"] | pd.Series(is_good, dtype=bool)))
    return bool(frame["has_baseline"].any())


def owner_baselines(case: Case) -> dict[str, OwnerBaseline]:
    """By lineage, the owner's use: of the baseline, where the evidence holds any event of it, else what is steady in the window."""
    basis, listed = case.ask("sessions/comparison_basis").iloc[0], sources(case)
    period = "baseline" if basis["event_count"] else "window"
    owners: dict[str, OwnerBaseline] = {}
    for lineage in compromised_credentials(case)["lineage"].fillna("").unique():
        of_lineage = [source for source in listed if source.lineage == lineage]
        direct = [source for source in of_lineage if source.period == period and source.forwarded < source.events]
        owner = from_baseline(case, direct, int(basis["days"])) if period == "baseline" else from_window(direct)
        owners[lineage] = replace(owner, window=[source for source in of_lineage if source.period == "window"])
    return owners


def judged_sessions(case: Case) -> pd.DataFrame:
    """The sessions, each with the verdict of its source, its operator, and the reasons; labelled ones as if without labels."""
    baselines = case.once("owner_baselines", lambda: owner_baselines(case))
    case.engine.provide("labels", read_labels(case.incident.folder))
    rows = rows_of(case.ask("sessions/sessions"))
    for row in rows:
        row["session_id"] = id_of("s-", *(row[name] for name in SOURCE), row["start_time"].isoformat())
        row["forwarded"] = bool(row["forwarded_count"]) or is_service_address(row["source_ip_address"])
        row["tool"] = user_agent_of(row["user_agent"]).tool
    direct = [row for row in rows if not row["forwarded"]]
    assessed = assess_sources(case, baselines, direct)
    everything = list(assessed.values())
    unlabelled = {key: copy(item) for key, item in assessed.items()}
    for item in unlabelled.values():
        item.reasons = list(item.reasons)
    associate(list(unlabelled.values()))
    learn(everything, [(row["label"], assessed[row["source_id"]].source.key) for row in direct if row["label"]])
    associate(everything)
    operator = operators_of(everything)
    for row in direct:
        # a label teaches other sessions, not the one that it is of
        item = (unlabelled if row["label"] else assessed)[row["source_id"]]
        row |= {"verdict": item.verdict, "novelty": item.novelty, "operator_id": operator[row["source_id"]]}
        row["reasons"] = list(item.reasons)
        if row["verdict"] != "familiar" and row["start_time"] > row["first_seen"]:
            row["reasons"].append(f"address first seen {ago(row['start_time'] - row['first_seen'])} before")
    columns = types_of("key_activity/sessions") | FOR_SQL | dict.fromkeys(("reach_start", "reach_end"), "timestamp")
    case.engine.provide("judged_sessions", frame_of([row | {"reasons": ""} for row in rows], columns))
    forwarded = {row["session_id"]: row for row in rows if row["forwarded"]}
    for given in rows_of(case.ask("sessions/forwarded")):
        row = forwarded[given["session_id"]]
        row |= given | {"novelty": round(given["novelty"], 4), "reasons": list(given["reasons"])}
    for row in rows:
        if row["label"]:
            opposite = {"owner": "new", "intruder": "familiar"}.get(row["label"]) == row["verdict"]
            against = f", against the verdict {row['verdict']}" if opposite and not row["forwarded"] else ""
            row["reasons"].append(f"labelled {row['label']} by the analyst{against}")
    return frame_of([row | {"reasons": "\n".join(row["reasons"])} for row in rows], columns)


def assess_sources(case: Case, baselines: dict[str, OwnerBaseline], direct: list[Row]) -> dict[int, Assessment]:
    """Each source of direct use in the window, judged; by its id."""
    by_id = {source.source_id: source for owner in baselines.values() for source in owner.window}
    for row in direct:
        by_id[row["source_id"]].starts.append(row["start_time"])
    networks, good = Networks(case.incident.folder), case.incident.known_good
    assessed: dict[int, Assessment] = {}
    for owner in baselines.values():
        for source in owner.window:
            if source.starts:
                assessed[source.source_id] = Assessment(source, owner, good, networks)
    compared = [item for item in assessed.values() if not item.is_owners and item.baseline.basis != "none"]
    describe(case, {group: None for item in compared for group in (item.baseline.together, item.itself, item.related)})
    owners = [source.source_id for owner in baselines.values() for source in owner.sources]
    case.engine.provide("owner_sources", pd.DataFrame({"source_id": owners}, dtype="int64"))
    unfamiliar: dict[int, list[Row]] = defaultdict(list)
    for row in rows_of(case.ask("sessions/unfamiliar_values")):
        unfamiliar[row["source_id"]].append(row)
    for source_id, item in assessed.items():
        item.judge(unfamiliar[source_id])
    agree(assessed.values())
    return assessed
