"""Labels that the workbench writes: appended, read back exactly, and no formula to any spreadsheet."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_kit.errors import ParameterError
from ir_kit.sessions.labels import COLUMNS, as_read, as_written, read_labels, write_labels

WHEN = datetime(2026, 3, 9, 12, tzinfo=UTC)
FORMULAS = tuple("=+-@\t\r\n＝＋－＠")


def runs(agent: str | None = "aws-cli", address: str | None = "203.0.113.1") -> pd.DataFrame:
    start, end = pd.Timestamp("2026-03-01T00:00:00.123456Z"), pd.Timestamp("2026-03-01T01:00:00Z")
    row = {"access_key_id": "AKIAIOSFODNN7EXAMPLE", "source_ip_address": address, "user_agent": agent}
    return pd.DataFrame([{**row, "start_time": start, "end_time": end, "session_id": "s-1"}])


def write(folder: Path, frame: pd.DataFrame, label: str = "owner", **more: str) -> int:
    return write_labels(folder, frame, label, labelled_at=WHEN, **more)


def test_a_label_is_read_back_as_it_was_said(tmp_path: Path) -> None:
    assert write(tmp_path, runs(), analyst="me", note="told on the phone") == 1
    (label,) = read_labels(tmp_path).itertuples()
    assert (label.access_key_id, label.label) == ("AKIAIOSFODNN7EXAMPLE", "owner")
    assert (label.start_time, label.end_time) == tuple(runs()[["start_time", "end_time"]].iloc[0])


@given(st.text())
def test_a_cell_is_read_as_it_was_written(text: str) -> None:
    assert as_read(as_written(text)) == text
    assert not as_written(text).startswith(FORMULAS)


@pytest.mark.parametrize("agent", ["=HYPERLINK(1)", "'=x", "a,b;=c", 'a "b"', "two\nlines", "-", "＝1", None])
def test_a_hostile_agent_matches_its_run_and_starts_no_formula(tmp_path: Path, agent: str | None) -> None:
    write(tmp_path, runs(agent))
    (label,) = read_labels(tmp_path).itertuples()
    assert label.user_agent == (agent or "")
    with open(tmp_path / "labels.csv", encoding="utf-8", newline="") as file:
        assert not [cell for line in csv.reader(file) for cell in line if cell.startswith(FORMULAS)]


def test_what_was_there_stays_to_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("﻿note," + ",".join(COLUMNS[:-1]) + ",mine\r\nseen,,,,,,2026-03-01,2026-03-01,owner,x")
    before = path.read_bytes()
    write(tmp_path, runs(), label="intruder", note="=1")
    assert path.read_bytes().startswith(before + b'\n"\'=1"')
    assert list(read_labels(tmp_path)["label"]) == ["owner", "intruder"]


def test_each_run_of_an_operator_has_its_line(tmp_path: Path) -> None:
    assert write(tmp_path, pd.concat([runs(), runs("boto3")])) == 2
    assert write(tmp_path, runs()) == 1
    assert (tmp_path / "labels.csv").read_text().count('"labelled_at"') == 1
    assert len(read_labels(tmp_path)) == 3


@pytest.mark.parametrize("label", ["", "thief", "Owner"])
def test_there_are_three_labels(tmp_path: Path, label: str) -> None:
    with pytest.raises(ParameterError, match="owner, intruder, unknown"):
        write(tmp_path, runs(), label=label)
    assert not (tmp_path / "labels.csv").exists()


def test_a_file_of_other_columns_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ParameterError, match="no column"):
        write(tmp_path, runs())
    assert (tmp_path / "labels.csv").read_text() == "a,b\n1,2\n"


def test_labels_that_are_not_utf_8_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes((",".join(COLUMNS) + "\n,J\xfcrgen,,,,,,,\n").encode("latin-1"))
    with pytest.raises(ParameterError, match="not UTF-8"):
        read_labels(tmp_path)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="labels cannot be written"):
        write(tmp_path / "absent", runs())
