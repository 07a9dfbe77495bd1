"""Facts on the ledger and on where objects come to lie."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_kit.collect.ledger import Ledger, mark_of, read_ledger
from ir_kit.collect.log_objects import Listed, path_of
from ir_kit.errors import EvidenceError


def listed(key: str, version_id: str = "", is_latest: bool = True, twin: bool = False) -> Listed:
    return Listed("cloudtrail", "b", key, version_id, is_latest, '"e"', 1, "", "STANDARD", twin)


def test_a_torn_last_line_is_cut_off_and_the_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b'{"kind": "a"}\n{"kind": "b"}\n{"kind": "c"')
    ledger = Ledger(path)
    ledger.add({"kind": "d"})
    ledger.close()
    assert [line["kind"] for line in read_ledger(path)] == ["a", "b", "d"]


def test_a_ledger_that_is_one_torn_line_becomes_empty(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b'{"kind": "' + b"x" * 200_000)
    Ledger(path).close()
    assert path.read_bytes() == b""


def test_one_collection_at_a_time_holds_the_ledger(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    with pytest.raises(EvidenceError, match="another collection of this incident is under way"):
        Ledger(tmp_path / "ledger.jsonl")
    ledger.close()
    Ledger(tmp_path / "ledger.jsonl").close()


def test_a_line_that_does_not_fit_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path)
    ledger.add({"kind": "a"})
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:5]))
    with pytest.raises(OSError, match="No space left"):
        ledger.add({"kind": "b"})
    monkeypatch.undo()
    ledger.close()
    assert path.read_text() == '{"kind": "a"}\n'


def test_an_object_is_held_only_while_its_bytes_are_those_of_its_line(tmp_path: Path) -> None:
    path, raw = tmp_path / "ledger.jsonl", tmp_path / "raw"
    raw.mkdir()
    (raw / "f").write_bytes(b"")
    line = {
        "kind": "object", "bucket": "b", "key": "k", "version_id": "", "listed_etag": "e", "path": "f", "size": 0,
        "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    }  # fmt: skip
    path.write_text(json.dumps(line) + "\n")
    ledger = Ledger(path)
    assert ledger.held(raw) == {mark_of("b", "k", "", "e")}
    (raw / "f").write_bytes(b"x")
    assert ledger.held(raw) == set()
    (raw / "f").unlink()
    assert ledger.held(raw) == set()
    ledger.close()


def test_an_ordinary_key_lies_under_its_own_name() -> None:
    key = "AWSLogs/o-1/111122223333/CloudTrail/us-east-1/2026/03/01/1_CloudTrail_us-east-1_20260301T0000Z_aB1.json.gz"
    assert path_of(listed(key)) == f"b/{key}"
    assert path_of(listed(key, "v.1", is_latest=False)) == f"@versions/b/v.1/{key}"


keys = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60) | st.text("./%~aA\x00", min_size=1, max_size=30)


@given(keys)
def test_every_key_lies_below_its_bucket_under_plain_names(key: str) -> None:
    path = path_of(listed(key))
    parts = path.split("/")
    assert parts[0] == "b"
    assert all(part and part not in (".", "..") and part.isprintable() and len(part.encode()) <= 255 for part in parts)
    assert "\\" not in path and ":" not in path


@given(keys, keys)
def test_two_keys_never_share_a_path(one: str, other: str) -> None:
    assert (path_of(listed(one)) == path_of(listed(other))) == (one == other)


def test_a_name_that_is_too_long_keeps_its_ending_and_its_hash() -> None:
    one, other = (path_of(listed(f"x/{'n' * 900}{last}.json.gz")) for last in "12")
    assert one != other
    assert one.endswith(".json.gz") and other.endswith(".json.gz")
    assert max(map(len, one.split("/"))) <= 255
    assert len(path_of(listed("é/" * 500))) < 2000


def test_a_key_that_differs_in_case_alone_gets_a_name_of_its_own() -> None:
    assert path_of(listed("x/a.json.gz", twin=True)).casefold() != path_of(listed("x/A.json.gz")).casefold()
    assert path_of(listed("x/a.json.gz", twin=True)).endswith(".json.gz")
