"""Facts on adding to an incident file: lists grow, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ir_kit.collect.incident_file import add_to_incident, with_added
from ir_kit.errors import IncidentError
from ir_kit.incident import load_incident, new_incident

CALLER = "arn:aws:sts::111122223333:assumed-role/ir/night"
ADDED = {
    ("sources", "cloudtrail"): ["raw/a, b", "raw/c"],
    ("sources", "access_logs"): ["raw/logs"],
    ("sources", "configuration"): ["raw/configuration.jsonl"],
    ("responders",): [CALLER],
}
HEAD = "# a note\nincident: I\naccess_keys: [AKIA]   # the key\n"


@pytest.mark.parametrize(
    "written",
    [
        "responders: []\nsources: {}\n",
        "sources:\n  cloudtrail:\n  - q # c\n  # later\n  access_logs: []\n  configuration: c.jsonl # conf\n",
        "responders:\n  - a\n  - 'b'\nsources:\n  cloudtrail: [a,\n    b,  # z\n    ]\n  configuration:\n",
        "responders: ~\nsources: {cloudtrail: [a], configuration: 'x y'}",
        "sources:\n    access_logs:\n      - >\n        folded\nengine: duckdb\n",
        "responders: [\n]\r\nsources: # where\r\n  cloudtrail: [a]\r\n",
    ],
)
def test_every_way_to_write_a_list_grows_and_every_other_character_stays(written: str) -> None:
    before = HEAD + written
    after = with_added(before, ADDED, "incident.yaml")
    left = iter(after)
    assert all(character in left for character in before.replace("~", "").replace("'x y'", "x y"))
    assert with_added(after, ADDED, "incident.yaml") == after


def test_what_is_there_already_is_not_added() -> None:
    text = "sources: {cloudtrail: [a]}\n"
    assert with_added(text, {("sources", "cloudtrail"): ["a"]}, "f") == text


def test_a_file_that_cannot_be_added_to_is_left_as_it_was_and_says_what_to_add() -> None:
    with pytest.raises(IncidentError, match="add these yourself: sources.cloudtrail: raw"):
        with_added("sources: text\n", {("sources", "cloudtrail"): ["raw"]}, "f")


def test_the_file_loads_with_what_was_added(tmp_path: Path) -> None:
    window = {"start": "2026-03-01T00:00:00Z", "end": "2026-03-08T00:00:00Z"}
    sources = {"configuration": "own.jsonl"}
    new_incident(tmp_path, "I", {"access_keys": ["AKIAIOSFODNN7EXAMPLE"], "window": window, "sources": sources})
    assert add_to_incident(load_incident("I", tmp_path), ADDED)
    incident = load_incident("I", tmp_path)
    assert not add_to_incident(incident, ADDED)
    assert incident.responders == (CALLER,)
    assert incident.source_paths("configuration") == [
        incident.folder / "own.jsonl",
        incident.folder / "raw/configuration.jsonl",
    ]
    assert "# Principals of the investigation itself" in incident.path.read_text()
