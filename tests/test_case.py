"""An open case: what its defaults mean, and what it keeps."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from ir_kit.case import Case
from ir_kit.case_opening import open_case
from ir_kit.errors import IncidentError, ParameterError
from ir_kit.incident import new_incident


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "a.json").write_text('{"Records": []}', encoding="utf-8")
    fields = {
        "access_keys": ["AKIAIOSFODNN7EXAMPLE"],
        "window": {"start": "2026-03-01T00:00:00Z", "end": "2026-03-02T00:00:00Z"},
        "sources": {"cloudtrail": [str(logs)]},
    }
    for name in ("demo", "INC-7"):
        new_incident(tmp_path / "runs", name, fields)
    return tmp_path / "runs"


@pytest.fixture
def case(runs: Path) -> Case:
    return open_case("INC-7", str(runs))


def test_a_notebook_by_itself_writes_to_the_draft(case: Case, runs: Path) -> None:
    assert case.staging == runs / "INC-7" / "draft"


def test_the_notebooks_default_stands_for_the_incident_that_the_lab_was_opened_with(
    runs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "playbooks").mkdir()
    monkeypatch.chdir(tmp_path / "playbooks")
    assert open_case("demo", "runs").incident.incident == "demo"  # ../runs
    monkeypatch.setenv("IR_KIT_INCIDENT", "INC-7")
    assert open_case("demo", "runs").incident.incident == "INC-7"
    with pytest.raises(IncidentError):
        open_case("INC-8", "runs")


def test_an_answer_is_computed_once_for_the_same_evidence(case: Case) -> None:
    made: list[int] = []

    def compute() -> pd.DataFrame:
        made.append(1)
        return pd.DataFrame({"n": [1]})

    assert case.answer("one", compute).equals(case.answer("one", compute))
    assert len(made) == 1


def test_an_answer_that_was_kept_shows_the_queries_that_made_it(runs: Path) -> None:
    first = open_case("INC-7", str(runs))
    first.answer("keys", lambda: first.ask("credentials/credential_use", keys=["AKIAIOSFODNN7EXAMPLE"]))
    shown = first.staging / "queries" / "credentials" / "credential_use.sql"
    text = shown.read_text(encoding="utf-8")
    shown.unlink()
    again = open_case("INC-7", str(runs))
    again.answer("keys", lambda: pytest.fail("computed twice"))
    assert shown.read_text(encoding="utf-8") == text


def test_an_answer_that_another_process_published_meanwhile_is_left_as_it_lies(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = case.engine.write
    published: list[Path] = []
    inodes: list[int] = []

    def beaten(text: str, values: dict[str, object], partial: Path) -> int:
        write(text, values, partial)
        path = partial.with_name(partial.name.split(".")[0] + ".parquet")
        path.write_bytes(partial.read_bytes())
        published.append(path)
        inodes.append(path.stat().st_ino)
        return 0

    monkeypatch.setattr(case.engine, "write", beaten)
    case.derive("held", "evidence/rejects")
    (path,) = published
    assert [path.stat().st_ino] == inodes
    assert [one.name for one in path.parent.glob("held-*")] == [path.name]


def test_a_table_without_its_columns_is_refused(case: Case) -> None:
    with pytest.raises(ParameterError, match="lacks"):
        case.write_table("scoping/reach", pd.DataFrame({"kind": ["bucket"]}))


def test_a_query_of_the_record_can_be_pasted(case: Case) -> None:
    case.ask("credentials/credential_use", keys=["AKIAIOSFODNN7EXAMPLE", "it's"])
    text = (case.staging / "queries" / "credentials" / "credential_use.sql").read_text(encoding="utf-8")
    assert "'it''s'" in text
    assert ":keys" not in text
