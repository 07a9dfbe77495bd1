"""What a notebook says of a case besides frames: the incident, what to do next, steps to be run by hand, findings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.display.publish import publish_html
from ir_kit.display.tables import Cell, Column, facts, frame_table, render
from ir_kit.display.text import NULL, as_html, as_text, counted, is_null, joined, moment, shortened, visible
from ir_kit.incident import Incident

Step = tuple[str, str, str]
FILE = "incident.yaml"
PLAYBOOKS: tuple[Step, ...] = (
    (
        "Whose keys are they, and how far did it spread?",
        "every other question rests on the compromised credentials",
        "01",
    ),
    ("What did they do, and which of it is not the owner's?", "label there what you know for certain", "02"),
    ("Which objects were downloaded?", "bounds rest on sessions: run it again after labelling", "03"),
    ("Who else could reach the buckets?", "a leak need not have come through the key", "04"),
    ("What could have happened unseen?", "a zero means nothing for hours that were not logged", "05"),
    ("Seal a run", "the record that others rely on: all playbooks, headless, labels included", "ir-kit run INCIDENT"),
)
MOST_LINES = 10
MARKS = {"observed": "●", "inferred": "◐", "not_observed": "○", "not_knowable": "?"}
MEANING = (
    "● observed: rows show it.  ◐ inferred: reasoned from rows.  ○ not observed: all of the scope was logged, and "
    "nothing shows it.  ? not knowable: part of the scope was not logged, and nothing shows it in the rest."
)


def incident(opened: Incident) -> None:
    """Which incident is this: its keys, its windows, and what is left out of its findings?"""
    spans = [
        f"{moment(span.start)} to {moment(span.end)}, the end left out"
        for span in (opened.window, opened.baseline)
        if span
    ]
    known = [*opened.known_good.source_ips, *opened.known_good.user_agents]
    row = {
        "incident": opened.incident,
        "access keys": list(opened.access_keys),
        "window": spans[0],
        "baseline": spans[1] if opened.baseline else f"{NULL} (nothing to compare with)",
        "buckets in scope": list(opened.buckets) or "every bucket that the evidence knows",
        "sensitive buckets": list(opened.sensitive_buckets) or "none named",
        "the owner's addresses and agents": known or "none named",
        "responders, left out of findings": list(opened.responders) or "none named",
    }
    facts(pd.DataFrame([row]), opened.title or "")


def next_steps(case: Case) -> None:
    """What is to be done next for this incident: what is missing first, then the playbooks in their order?"""
    steps = pd.DataFrame([*missing_evidence(case), *PLAYBOOKS], columns=["step", "why", "where"])
    steps.insert(0, "", range(1, len(steps) + 1))
    publish_html(*frame_table(steps, caption="What to do next", rows=len(steps)))


def missing_evidence(case: Case) -> list[Step]:
    """What of evidence and incident file is missing or in doubt, the gravest first."""
    records, opened = case.store.evidence_records(), case.incident
    kinds = {record["kind"] for record in records if record["records"]}
    times = [record for record in records if record["kind"] == "cloudtrail" and record["first_time"]]
    first = min((pd.Timestamp(record["first_time"]) for record in times), default=None)
    last = max((pd.Timestamp(record["last_time"]) for record in times), default=None)
    day, baseline = pd.Timedelta(days=1), opened.baseline
    starts_late = baseline is not None and first is not None and first > pd.Timestamp(baseline.start) + day
    ends_early = last is not None and last < pd.Timestamp(opened.window.end) - day
    broken = sum(bool(record["damaged"] or not record["present"]) for record in records)
    rejected = sum(int(record["rejected"] or 0) for record in records)
    known = opened.known_good.source_ips or opened.known_good.user_agents
    sources = f"sources in {FILE}"
    steps = (
        ("cloudtrail" not in kinds, "Add CloudTrail's files", "without them no request is tied to a key", sources),
        ("access_log" not in kinds, "Add server access logs", "they see reads that data events did not", sources),
        (not opened.sources.configuration, "Add configuration", "it says who owns a key, and what was logged", sources),
        (baseline is None, "Set a baseline", "without one nothing can be called new", f"baseline in {FILE}"),
        (starts_late, "Add earlier files", f"the baseline is empty before {as_text(first)}", sources),
        (ends_early, "Add later files", f"the window is empty after {as_text(last)}", sources),
        (broken, "Bring broken files back", f"{counted(broken, 'file')} damaged or gone", "broken, below"),
        (rejected, "Read what was rejected", f"{counted(rejected, 'record')} in no answer", "rejects, below"),
        (not known, "Ask the owner for addresses and agents", "none is known good yet", f"known_good in {FILE}"),
        (not opened.sensitive_buckets, "Ask which buckets matter", "none is named", f"sensitive_buckets in {FILE}"),
    )
    return [(step, why, where) for needed, step, why, where in steps if needed]


def snippets(
    frame: pd.DataFrame,
    caption: str = "Snippets, to be read before they are run",
    *,
    rows: int = 40,
    table: str = "logging_gaps/recommendations",
) -> None:
    """What is to be run for each step, and what proves that it took effect?

    Shows at most so many rows of a frame as ``logging_gaps/recommendations`` or ``bucket_exposure/closing_steps``.
    """
    cells = []
    for step in frame.head(rows).to_dict("records"):
        action = as_text(step["action"]).replace("_", " ")
        where = as_text(step["aws_region"] if is_null(step["bucket"]) else step["bucket"])
        warning = "" if is_null(step["warning"]) else f"Warning: {as_text(step['warning'])}"
        check = "" if is_null(step["check"]) else f"# proves that it took effect\n{step['check']}"
        lines = [visible(line) for part in (step["snippet"], check) if part for line in str(part).split("\n")]
        text = "\n".join(lines)
        code = f'<pre style="white-space:pre-wrap">{as_html(text)}</pre>'
        if len(lines) > MOST_LINES:
            head = f"{counted(len(lines), 'line')}: {as_html(shortened(lines[0], 70))}"
            code = f"<details><summary>{head}</summary>{code}</details>"
        what = [f"<strong>{as_html(action)}</strong>", as_html(where), as_html(warning)]
        words = Cell(joined(action, where, warning), html="<br>".join(part for part in what if part))
        cells.append([Cell(as_text(step["priority"])), words, Cell(text, html=code)])
    steps = counted(len(frame), "step")
    cut = f"Only {len(cells):,} of {steps} are shown. The whole table: tables/{table}.parquet"
    columns = [Column("priority", number=True), Column("step", min_width="10em"), Column("snippet", min_width="30em")]
    note = cut if len(cells) < len(frame) else ""
    publish_html(*render(columns, cells, caption=f"{caption} ({steps})", note=note))


def findings(found: Iterable[Any], caption: str = "Findings") -> None:
    """What was found, how sure is it, and what would make it wrong?"""
    rows = []
    for finding in found:
        fields = finding if isinstance(finding, dict) else finding.model_dump()
        status, statement = as_text(fields["status"]), as_text(fields["statement"])
        limits = [as_text(sentence) for sentence in fields.get("limits") or []]
        question = f'<span class="soft">{as_html(as_text(fields.get("question")))}</span>'
        sentence = Cell(statement, html=f"{question}<br>{as_html(statement)}")
        words = Cell(f"{MARKS.get(status, '·')} {status.replace('_', ' ')}")
        doubts = Cell(" ".join(limits) or "none named", html="<br>".join(map(as_html, limits)), soft=not limits)
        rows.append([sentence, words, Cell(as_text(fields["confidence"])), doubts])
    short = [Column(name, one_line=True) for name in ("status", "confidence")]
    columns = [Column("finding", min_width="24em"), *short, Column("limits", min_width="14em")]
    publish_html(*render(columns, rows, caption=f"{caption} ({counted(len(rows), 'finding')})", note=MEANING))
