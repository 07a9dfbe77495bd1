"""What a run answered, as facts that two runs can be compared by: wording left out, everything else in.

A record is a flat mapping, one line a fact in ``golden/WORLD.json``:

- of each table its columns, its number of rows, a digest of its rows without the columns that hold prose, and the
  counts of those columns that hold one word of a few;
- of each finding its status, confidence, severity and actor; its values; the tables and rows that it rests on.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

Record = dict[str, Any]

# columns that say in words what others hold: their wording may change
PROSE = frozenset(
    {
        "detail", "reason", "reasons", "sentence", "warning", "warnings", "explanation", "width_reason", "link_basis",
        "attribution_basis", "held_basis", "basis_served", "could_have_moved", "arrivals", "snippet", "cloudformation",
        "terraform", "check",
    }
)  # fmt: skip
PROSE_OF = {
    "bucket_exposure/explained": frozenset({"about"}),
    "bucket_exposure/grants": frozenset({"blocked_by"}),
    "bucket_exposure/reachable": frozenset({"decided_by"}),
    "bucket_exposure/settings": frozenset({"value"}),
    "bucket_exposure/spans": frozenset({"basis"}),
    "evidence/sources": frozenset(
        {"bytes", "sha256"}
    ),  # of the compressed file: what the simulator's library makes of it
    "logging_gaps/contradictions": frozenset({"statement"}),
    "logging_gaps/tampering": frozenset({"effect"}),
    "logging_gaps/trails": frozenset({"basis"}),
    "logging_gaps/visibility": frozenset({"basis"}),
}
# tables that are sentences alone: not even their number is an answer
WORDS_ALONE = frozenset({"bucket_exposure/explained"})
# columns that hold one word of a few
COUNTED = frozenset(
    {
        "access", "action", "attribution", "best_attribution", "copied", "counted_in", "credential_type", "damaged",
        "digest_proof", "dimension", "disagreement", "disclosed", "effect", "effective_status", "files_held",
        "forwarded", "is_backfill", "is_reached", "is_responder", "is_starting", "kind", "label", "link",
        "link_event_name", "outcome", "path", "present", "priority", "proof", "public_after", "public_before",
        "rate_basis", "read_extent", "record_class", "requester_kind", "scope", "seen_in", "sensitive", "setting",
        "source_kind", "state", "status", "upper_basis", "used", "verdict",
    }
)  # fmt: skip
NOT_COUNTED = {"evidence/sources": frozenset({"path"})}


def record(data: Path) -> Record:
    """The facts of a run, from its folder of tables and findings."""
    facts: Record = {}
    for path in sorted((data / "tables").rglob("*.parquet")):
        facts |= _table_facts(path, table_name(data, path))
    named: Counter[str] = Counter()
    for finding in sorted(findings(data), key=lambda one: str(one["id"])):
        name = _finding_name(finding)
        named[name] += 1
        facts |= _finding_facts(finding, name if named[name] == 1 else f"{name} #{named[name]}")
    return dict(sorted(facts.items()))


def table_name(data: Path, path: Path) -> str:
    """``playbook/table`` of a table's file."""
    return path.relative_to(data / "tables").with_suffix("").as_posix()


def findings(data: Path) -> list[dict[str, Any]]:
    """The findings of a run: its one file, or those of the playbooks where it is not sealed yet."""
    whole = data / "findings.jsonl"
    files = [whole] if whole.exists() else sorted((data / "findings").glob("*.jsonl"))
    return [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").split("\n") if line]


def lines(path: Path, table: str) -> list[str]:
    """The rows of a table as sorted lines of JSON, without prose."""
    columns = [name for name in pq.read_schema(path).names if name not in PROSE | PROSE_OF.get(table, frozenset())]
    return sorted(_json(_plain(row)) for row in pq.read_table(path, columns=columns).to_pylist())


def dump(facts: Mapping[str, Any]) -> str:
    """As it is kept: a JSON object, one fact a line, in order."""
    return "{\n" + ",\n".join(f"{_json(name)}: {_json(value)}" for name, value in sorted(facts.items())) + "\n}\n"


def compare(kept: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """What changed, a line a fact: old → new."""
    told = []
    for name in sorted({*kept, *found}):
        if name not in found:
            told.append(f"{name}: gone (was {_json(kept[name])})")
        elif name not in kept:
            told.append(f"{name}: new ({_json(found[name])})")
        elif kept[name] != found[name]:
            told.append(f"{name}: {_changes(kept[name], found[name])}")
    return told


def _changes(old: Any, new: Any) -> str:
    if isinstance(old, dict) and isinstance(new, dict):
        names = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
        return ", ".join(f"{name} {_json(old.get(name))} → {_json(new.get(name))}" for name in names)
    if isinstance(old, str) and isinstance(new, str):
        return f"{old[:12]} → {new[:12]}"
    return f"{_json(old)} → {_json(new)}"


def _table_facts(path: Path, table: str) -> Record:
    file = pq.ParquetFile(path)
    facts: Record = {f"{table} columns": file.schema_arrow.names}
    if table in WORDS_ALONE:
        return facts
    rows = lines(path, table)
    facts[f"{table} rows"] = len(rows)
    facts[f"{table} sha256"] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    left_out = PROSE_OF.get(table, frozenset()) | NOT_COUNTED.get(table, frozenset())
    for name in file.schema_arrow.names:
        if (name in COUNTED or name.endswith("_status")) and name not in left_out and rows:
            facts[f"{table} {name}"] = _counts(file.read(columns=[name]).column(name).to_pylist())
    return facts


def _counts(values: Iterable[Any]) -> dict[str, int]:
    return dict(sorted(Counter("-" if value is None else str(value) for value in values).items()))


def _finding_name(finding: Mapping[str, Any]) -> str:
    subject = " ".join(f"{name}={value}" for name, value in sorted(finding["subject"].items()) if value is not None)
    return f"finding {finding['playbook']}/{finding['question_id']} [{subject}]"


def _finding_facts(finding: Mapping[str, Any], name: str) -> Record:
    told = {field: finding[field] for field in ("status", "confidence", "severity", "actor") if field in finding}
    rests = sorted([one["table"], one["rows"]] for one in finding["evidence"])
    return {
        f"{name} id": finding["id"],
        f"{name} is": told,
        f"{name} values": _plain(finding["values"]),
        f"{name} rests on": rests,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, float):  # sums of another order differ in their last digits
        return float(f"{value:.9g}")
    return value if value is None or isinstance(value, (str, int, bool)) else str(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, sort_keys=True)
