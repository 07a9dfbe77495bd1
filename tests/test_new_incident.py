"""Facts on the incident file as it is written."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ir_kit.errors import IncidentError
from ir_kit.incident import load_incident, new_incident, parse_time

FIELDS: dict[str, Any] = {
    "access_keys": ["AKIAIOSFODNN7EXAMPLE"],
    "window": {"start": "2026-03-01T00:00:00Z", "end": "2026-03-08T00:00:00Z"},
    "sources": {"cloudtrail": ["evidence/cloudtrail"]},
}


def test_a_new_incident_reads_as_it_was_meant(tmp_path: Path) -> None:
    window = {"start": datetime(2026, 3, 1, tzinfo=UTC), "end": datetime(2026, 3, 8, tzinfo=UTC)}
    path = new_incident(
        tmp_path / "runs", "INC-2", {**FIELDS, "window": window, "responders": ["arn:aws:iam::111122223333:root"]}
    )
    assert path == tmp_path / "runs" / "INC-2" / "incident.yaml"
    incident = load_incident("INC-2", tmp_path / "runs")
    assert incident.window.start == window["start"]
    assert incident.responders == ("arn:aws:iam::111122223333:root",)
    assert "window: {start: 2026-03-01T00:00:00Z, end: 2026-03-08T00:00:00Z}\n" in path.read_text()


@pytest.mark.parametrize("agent", ["\x85", "a\u2028b", "\u2029"])
def test_what_yaml_takes_for_a_line_break_survives(tmp_path: Path, agent: str) -> None:
    new_incident(tmp_path, "INC-3", {**FIELDS, "known_good": {"user_agents": [agent]}})
    assert load_incident("INC-3", tmp_path).known_good.user_agents == (agent,)


@given(title=st.text(max_size=40), agents=st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=3))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_survives_writing_and_reading(tmp_path: Path, title: str, agents: list[str]) -> None:
    (tmp_path / "INC-3" / "incident.yaml").unlink(missing_ok=True)
    new_incident(tmp_path, "INC-3", {**FIELDS, "title": title, "known_good": {"user_agents": agents}})
    assert load_incident("INC-3", tmp_path).known_good.user_agents == tuple(dict.fromkeys(agents))


def test_an_incident_that_exists_is_not_overwritten(tmp_path: Path) -> None:
    path = new_incident(tmp_path, "INC-2", FIELDS)
    before = path.read_bytes()
    with pytest.raises(IncidentError, match="the incident exists"):
        new_incident(tmp_path, "INC-2", {**FIELDS, "access_keys": ["ASIAIOSFODNN7EXAMPLE"]})
    assert path.read_bytes() == before


def test_a_wrong_field_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(IncidentError, match=r"malformed access key id .*: access_keys.0;"):
        new_incident(tmp_path / "runs", "INC-2", {**FIELDS, "access_keys": ["x"]})
    assert not (tmp_path / "runs").exists()


def test_only_the_incident_file_is_left_in_the_folder(tmp_path: Path) -> None:
    new_incident(tmp_path, "INC-2", FIELDS)
    assert os.listdir(tmp_path / "INC-2") == ["incident.yaml"]


def test_a_process_that_is_killed_as_it_writes_leaves_no_part_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def write_bytes(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            file.write(data[:40])
        raise Killed

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    with pytest.raises(Killed):
        new_incident(tmp_path, "INC-2", FIELDS)
    monkeypatch.undo()
    assert not (tmp_path / "INC-2" / "incident.yaml").exists()
    assert load_incident("INC-2", new_incident(tmp_path, "INC-2", FIELDS).parents[1]).access_keys


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(IncidentError, match="cannot be written"):
        new_incident(tmp_path / "runs", "INC-2", FIELDS)


def test_sources_given_from_elsewhere_resolve_to_the_same_place(tmp_path: Path) -> None:
    sources = {"cloudtrail": ["logs", "runs/INC-2/evidence", "s3://b/p", "/abs"], "configuration": "../c.jsonl"}
    base = tmp_path / "work"
    path = new_incident(base / "runs", "INC-2", {**FIELDS, "sources": sources}, base=base)
    incident = load_incident("INC-2", base / "runs")
    assert incident.source_paths("cloudtrail") == [base / "logs", path.parent / "evidence", "s3://b/p", Path("/abs")]
    assert incident.source_paths("configuration") == [tmp_path / "c.jsonl"]
    assert incident.sources.cloudtrail[1] == "evidence"


def test_a_time_says_what_is_wrong_with_it() -> None:
    assert parse_time("2026-03-01T01:00:00+01:00") == datetime(2026, 3, 1, tzinfo=UTC)
    with pytest.raises(IncidentError, match="a date without a time '2026-03-01'; write 2026-03-01T00:00:00Z"):
        parse_time("2026-03-01")
