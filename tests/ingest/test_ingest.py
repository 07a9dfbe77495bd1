"""Loading again: what is new or changed, all of it or nothing."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ir_kit.errors import EvidenceError
from ir_kit.incident import load_incident
from ir_kit.ingest import loader, loading
from ir_kit.ingest.raw import raw_record
from ir_kit.ingest.walking import found_files

Record = Callable[..., dict[str, Any]]
DELIVERED = "2026-03-02-12-00-00-0123456789ABCDEF"
LINE = f'{"a" * 64} b [02/Mar/2026:10:00:00 +0000] 203.0.113.7 - R1 REST.GET.OBJECT k "GET /k HTTP/1.1" 200 - 1 1 1 1 "-" "a" -'


def filled(evidence: Any, record: Record) -> Any:
    evidence.write("day1/a.json.gz", [record(n) for n in range(1, 4)])
    evidence.write("day1/b.json", json.dumps({"Records": [record(4), {"no": "record"}]}))
    evidence.write("CloudTrail-Digest/d.json.gz", b"x")
    evidence.write_log(DELIVERED, f"{LINE}\noops, no line\n")
    evidence.write(
        "configuration.jsonl",
        '{"collected_at": "2026-03-08T09:00:00Z", "service": "s3", "operation": "ListBuckets", "response": {}}\n',
        evidence.configuration.parent,
    )
    return evidence


def test_a_second_load_reads_nothing_and_writes_nothing(evidence: Any, record: Record) -> None:
    first = filled(evidence, record).load()
    assert sorted(first.read) == [DELIVERED, "configuration.jsonl", "day1/a.json.gz", "day1/b.json"]
    before = evidence.files()
    again = evidence.load()
    assert (again.read, again.changed, again.vanished, again.unchanged, again.ignored) == ([], [], [], 5, 1)
    assert again.totals == first.totals
    assert evidence.files() == before


def test_a_name_that_is_no_utf8_is_the_same_name_again(evidence: Any, record: Record) -> None:
    evidence.write("day1/\udcff.json", [record(1)])
    assert evidence.load().read == ["day1/\\xff.json"]
    again = evidence.load()
    assert (again.read, again.vanished, again.unchanged) == ([], [], 1)


def test_what_could_not_be_read_is_tried_again_and_not_said_to_have_changed(evidence: Any, record: Record) -> None:
    evidence.write("a.json", [record(1)])
    (evidence.cloudtrail / "nowhere.json").symlink_to("no-such-file")
    (evidence.cloudtrail / "above").symlink_to(".")  # ignored, and another time with each file
    evidence.load()
    (evidence.cloudtrail / "ignored.txt").write_text("")
    again = evidence.load()
    assert (again.read, again.changed) == (["nowhere.json"], [])


def test_a_folder_that_cannot_be_listed_stops_nothing_else(
    evidence: Any, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence.write("day1/a.json", [record(1)])
    evidence.write("closed/b.json", [record(2)])
    scandir = os.scandir

    def refused(path: str) -> Any:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refused)
        evidence.load()
        assert evidence.query("select source_file from events") == [("day1/a.json",)]
        [(name, reason)] = evidence.query("select source_file, reason from rejects")
        assert name == "closed/" and reason.startswith("cannot be read")
    report = evidence.load()
    assert (report.read, report.vanished) == (["closed/b.json"], [])
    assert evidence.query("select count(*) from rejects") == [(0,)]


def test_files_are_found_in_the_order_of_their_whole_names(evidence: Any, record: Record) -> None:
    names = ["a-b.json", "a.json", "a/x.json", "a/y/z.json", "a0.json", "b.json.d/y.json", "b.json"]
    for name in names:
        evidence.write(name, [record(1)])
    found = found_files(load_incident("demo", evidence.runs), evidence.store.folder)
    assert [one.name for one in found] == sorted(names)


def test_only_a_new_file_is_read(evidence: Any, record: Record) -> None:
    filled(evidence, record).load()
    evidence.write("day2/c.json.gz", [record(5)])
    report = evidence.load()
    assert report.read == ["day2/c.json.gz"]
    assert evidence.query("select count(*) from events") == [(5,)]
    assert evidence.query("select count(*) from rejects") == [(2,)]


def test_a_changed_file_replaces_its_rows_and_rejects(evidence: Any, record: Record) -> None:
    filled(evidence, record).load()
    evidence.touched(evidence.write("day1/b.json", [record(7), record(8)]))
    report = evidence.load()
    assert (report.read, report.changed) == (["day1/b.json"], ["day1/b.json"])
    assert evidence.query("select key from events where source_file = 'day1/b.json' order by 1") == [
        ("part-7",),
        ("part-8",),
    ]
    assert evidence.query("select kind from rejects") == [("access_log",)]
    assert "day1/b.json" in "\n".join(report.summary_lines())


def test_a_file_that_vanished_is_said_and_its_rows_stay_marked(evidence: Any, record: Record) -> None:
    path = filled(evidence, record).cloudtrail / "day1" / "a.json.gz"
    evidence.load()
    content = path.read_bytes()
    path.unlink()
    report = evidence.load()
    assert (report.read, report.vanished) == ([], ["day1/a.json.gz"])
    assert evidence.query("select source_present, count(*) from events group by 1 order by 1") == [
        (False, 3),
        (True, 1),
    ]
    with pytest.raises(EvidenceError, match="cannot be read"):
        raw_record(evidence.store, "cloudtrail", "day1/a.json.gz", 1)
    path.write_bytes(content)
    evidence.touched(path)
    assert evidence.load().vanished == []
    assert evidence.query("select source_present, count(*) from events group by 1") == [(True, 4)]


def test_a_copy_takes_the_place_of_a_record_whose_file_vanished(evidence: Any, record: Record) -> None:
    evidence.write("a.json", [record(1)])
    evidence.write("b.json", [record(1)])
    evidence.load()
    assert evidence.query("select source_file from events") == [("a.json",)]
    (evidence.cloudtrail / "a.json").unlink()
    evidence.load()
    assert evidence.query("select source_file, source_present from events") == [("b.json", True)]


def test_two_loads_give_what_one_gives(tmp_path: Path, record: Record, evidence: Any) -> None:
    other = type(evidence)(tmp_path / "other")
    other.open()
    for kit in (evidence, other):
        filled(kit, record)
        if kit is other:
            kit.load()
        kit.write("day0/first.json", [record(1), record(9)])  # sorts before what is there: the copy stays here
        kit.write_log("2026-03-02-11-00-00-0123456789ABCDEF", f"{LINE}\n")
        kit.load()
    assert evidence.snapshot() == other.snapshot()


def test_a_source_that_is_taken_out_takes_its_rows_along(evidence: Any, record: Record) -> None:
    filled(evidence, record).load()
    (evidence.runs / "demo" / "incident.yaml").unlink()
    evidence.open(access_logs=[str(evidence.access_logs)])
    evidence.load()
    assert evidence.query("select (select count(*) from events), (select count(*) from access_log_lines)") == [(0, 1)]


def test_a_source_may_become_one_of_another_kind(evidence: Any, record: Record) -> None:
    filled(evidence, record).load()
    (evidence.runs / "demo" / "incident.yaml").unlink()
    evidence.open(access_logs=[str(evidence.access_logs), str(evidence.cloudtrail)])
    (evidence.cloudtrail / "day1" / "b.json").unlink()
    evidence.load()
    assert evidence.query("select (select count(*) from events), (select count(*) from access_log_lines)") == [(0, 1)]


def test_no_sources_no_files_and_missing_folders_are_said(evidence: Any, record: Record) -> None:
    with pytest.raises(EvidenceError, match="hold no file") as caught:
        evidence.load()
    assert caught.value.exit_status == 3
    assert "\n" not in str(caught.value)
    evidence.write("a.json", [record()])
    assert evidence.load().missing == [str(evidence.access_logs), str(evidence.configuration)]
    (evidence.runs / "demo" / "incident.yaml").unlink()
    evidence.open(cloudtrail=["s3://trail/AWSLogs"])
    with pytest.raises(EvidenceError, match="S3"):
        evidence.load()


def test_the_store_itself_is_never_evidence(evidence: Any, record: Record) -> None:
    evidence.write("a.json", [record()])
    (evidence.runs / "demo" / "incident.yaml").unlink()
    evidence.open(cloudtrail=["evidence"], access_logs=["evidence"])
    evidence.load()
    assert evidence.load().read == []
    assert [row["path"] for row in evidence.store.evidence_records()] == ["cloudtrail/a.json"]


def test_a_record_of_a_changed_source_is_not_shown(evidence: Any, record: Record) -> None:
    path = evidence.write("a.json", [record(1)])
    evidence.load()
    evidence.write("a.json", [record(2)])
    with pytest.raises(EvidenceError, match="changed") as caught:
        raw_record(evidence.store, "cloudtrail", "a.json", 1)
    assert "\n" not in str(caught.value)
    evidence.touched(path)
    evidence.load()
    assert raw_record(evidence.store, "cloudtrail", "a.json", 1)["eventID"].endswith("2")
    for name, number in (("a.json", 2), ("a.json", 0), ("none.json", 1)):
        with pytest.raises(EvidenceError, match="no such"):
            raw_record(evidence.store, "cloudtrail", name, number)


def test_a_store_of_another_format_is_loaded_again_and_a_failure_leaves_it_alone(
    evidence: Any, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence.write("a.json", [record()])
    evidence.load()
    manifest = json.loads(evidence.store.manifest_path.read_text())
    evidence.store.manifest_path.write_text(json.dumps({**manifest, "format": 99}))
    before = set(evidence.files())
    with monkeypatch.context() as patch:
        patch.setattr(loader, "write_generation", _refuse)
        with pytest.raises(EvidenceError):
            evidence.load()
    assert before <= set(evidence.files())
    assert evidence.load().read == ["a.json"]
    assert evidence.query("select count(*) from events") == [(1,)]


def _refuse(*_: Any, **__: Any) -> None:
    raise OSError(28, "No space left on device")


def test_a_full_disk_is_one_line_and_the_store_is_as_it_was(
    evidence: Any, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(evidence, record).load()
    before = evidence.files()
    evidence.write("c.json", [record(5)])

    for target, name in ((loading.Loader, "write_part"), (loader, "write_generation")):
        with monkeypatch.context() as patch:
            patch.setattr(target, name, _refuse)
            with pytest.raises(EvidenceError) as caught:
                evidence.load()
        assert caught.value.exit_status == 3
        assert "\n" not in str(caught.value)
        assert evidence.files() == before
    assert evidence.load().read == ["c.json"]


@pytest.mark.slow
def test_a_disk_that_is_really_full_leaves_the_store_as_it_was(evidence: Any, record: Record, tmp_path: Path) -> None:
    evidence.write("a.json", [record(1)])
    small = tmp_path / "small"
    small.mkdir()
    if shutil.which("mount") is None or os.geteuid() or subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)], capture_output=True, check=False
    ).returncode:  # fmt: skip
        pytest.skip("no small file system can be mounted here")
    try:
        (evidence.store.folder).mkdir(parents=True)
        evidence.store.folder.rmdir()
        evidence.store.folder.symlink_to(small)
        evidence.load()
        before = evidence.files()
        rng = random.Random(1)
        evidence.write("b.json", [record(n, requestID=f"{rng.getrandbits(4000):x}") for n in range(2, 3000)])
        with pytest.raises(EvidenceError) as caught:
            evidence.load()
        assert "\n" not in str(caught.value)
        assert evidence.files() == before
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)
