"""What to do next, when an incident is opened: what is missing first, then the playbooks in their order."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.display.tables import Cell, Column, table
from ir_kit.display.text import as_text, counted

__all__ = ["next_steps_table"]

Step = tuple[str, str, str]
FILE = "incident.yaml"
PLAYBOOKS: tuple[Step, ...] = (
    ("Whose keys are they, and how far did it spread?", "every other question rests on the credentials reached", "01"),
    ("What did they do, and which of it is not the owner's?", "label there what you know for certain", "02"),
    ("Which objects left?", "bounds rest on sessions: run it again after labelling", "03"),
    ("Who else could reach the buckets?", "a leak need not have come through the key", "04"),
    ("What could have happened unseen?", "a zero means nothing in a blind hour", "05"),
    ("Seal a run", "the record that others rely on: all playbooks, headless, labels included", "ir-kit run INCIDENT"),
)


def next_steps_table(case: Case) -> tuple[str, str]:
    """What is to be done next for this incident, in HTML and as text?"""
    steps = [*_missing(case), *PLAYBOOKS]
    rows = [[Cell(str(number)), *(Cell(as_text(word)) for word in step)] for number, step in enumerate(steps, start=1)]
    columns = [Column("", number=True), Column("step"), Column("why"), Column("where", one_line=True)]
    return table(columns, rows, caption="What to do next")


def _missing(case: Case) -> list[Step]:
    """What of evidence and incident file is missing or in doubt, the gravest first."""
    incident, records = case.incident, case.store.evidence_records()
    held = {record["kind"] for record in records if record["records"]}
    steps: list[Step] = []
    for kind, name, why in (
        ("cloudtrail", "CloudTrail's files", "without them no request is tied to a key"),
        ("access_log", "server access logs", "they see reads that data events did not"),
    ):
        if kind not in held:
            steps.append((f"Add {name}", why, f"sources in {FILE}"))
    if not incident.sources.configuration:
        steps.append(("Add configuration", "it says who owns a key, and what was logged", f"sources in {FILE}"))
    steps += _times(case, records)
    broken = [record for record in records if record["damaged"] or not record["present"]]
    if broken:
        steps.append(("Bring broken files back", f"{counted(len(broken), 'file')} damaged or gone", "broken, below"))
    rejected = sum(int(record["rejected"] or 0) for record in records)
    if rejected:
        steps.append(("Read what was rejected", f"{counted(rejected, 'record')} in no answer", "rejects, below"))
    if not (incident.known_good.source_ips or incident.known_good.user_agents):
        steps.append(("Ask the owner for addresses and agents", "none is known good yet", f"known_good in {FILE}"))
    if not incident.sensitive_buckets:
        steps.append(("Ask which buckets matter", "none is named", f"sensitive_buckets in {FILE}"))
    return steps


def _times(case: Case, records: list[dict[str, Any]]) -> list[Step]:
    window, baseline = case.incident.window, case.incident.baseline
    times = [record for record in records if record["kind"] == "cloudtrail" and record["first_time"]]
    first = min((pd.Timestamp(record["first_time"]) for record in times), default=None)
    last = max((pd.Timestamp(record["last_time"]) for record in times), default=None)
    steps: list[Step] = []
    if baseline is None:
        steps.append(("Set a baseline", "without one nothing can be called new", f"baseline in {FILE}"))
    elif first is not None and first > pd.Timestamp(baseline.start) + pd.Timedelta(days=1):
        steps.append(("Add earlier files", f"the baseline is empty before {as_text(first)}", f"sources in {FILE}"))
    if last is not None and last < pd.Timestamp(window.end) - pd.Timedelta(days=1):
        steps.append(("Add later files", f"the window is empty after {as_text(last)}", f"sources in {FILE}"))
    return steps
