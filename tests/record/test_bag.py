from __future__ import annotations

import hashlib
import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ir_kit.errors import IrKitError
from ir_kit.incident import new_incident
from ir_kit.record.bag import partial_folder, seal, seal_of, verify_evidence, verify_run

MOMENT = datetime(2026, 3, 9, 12, 30, 5, tzinfo=UTC)


@pytest.fixture
def run_dir(tmp_path: Path, fields: dict, record: dict) -> Path:
    """A sealed run of four files, without a notebook."""
    incident = tmp_path / "runs" / "INC-1"
    path = new_incident(incident.parent, "INC-1", fields)
    source = incident / record["source"] / record["path"]
    source.parent.mkdir(parents=True)
    source.write_text("{}")
    with partial_folder(incident, MOMENT) as work:
        shutil.copyfile(path, work / "incident.yaml")
        (work / "evidence.jsonl").write_text(json.dumps(record) + "\n")
        (work / "findings.jsonl").write_text("{}\n")
        (work / "tables" / "a").mkdir(parents=True)
        (work / "tables" / "empty").mkdir()
        (work / "tables" / "a" / "b.parquet").write_bytes(b"rows")
        return seal(work, incident, MOMENT, "INC-1")[0]


def hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def forge(run_dir: Path) -> None:
    """Change a finding and every manifest with it: the bag is valid again."""
    finding, manifest, tags = (
        run_dir / name for name in ("data/findings.jsonl", "manifest-sha256.txt", "tagmanifest-sha256.txt")
    )
    for changed, listing in ((finding, manifest), (manifest, tags)):
        before = hash_of(changed)
        if changed == finding:
            changed.write_text("[]\n")
            after = hash_of(changed)
            listing.write_text(listing.read_text().replace(before, after))
        else:
            old = [line.split()[0] for line in listing.read_text().splitlines() if line.endswith(" " + changed.name)][0]
            listing.write_text(listing.read_text().replace(old, before))


def test_the_name_is_the_moment_and_a_whole_run_has_no_problem(run_dir):
    assert run_dir.name == "20260309T123005Z"
    assert verify_run(run_dir, evidence=True) == []
    assert verify_run(run_dir, seal=seal_of(run_dir)) == []


def test_a_taken_name_moves_on_to_the_next_second(run_dir):
    with partial_folder(run_dir.parent, MOMENT) as work:
        (work / "a").write_text("a")
        assert seal(work, run_dir.parent, MOMENT, "INC-1")[0].name == "20260309T123006Z"
    assert verify_run(run_dir) == []


def test_a_link_is_not_sealed(run_dir):
    with partial_folder(run_dir.parent, MOMENT) as work, pytest.raises(IrKitError, match="cannot be sealed: a"):
        (work / "a").symlink_to("/etc/hostname")
        seal(work, run_dir.parent, MOMENT, "INC-1")


def change(run_dir: Path) -> None:
    (run_dir / "data/findings.jsonl").write_text("[]\n")


def add_payload(run_dir: Path) -> None:
    (run_dir / "data/extra").write_text("x")


def add_outside(run_dir: Path) -> None:
    (run_dir / "extra").write_text("x")


def add_hidden(run_dir: Path) -> None:
    (run_dir / ".hidden").write_text("x")


def add_folder(run_dir: Path) -> None:
    (run_dir / "data/extra").mkdir()


def add_manifest(run_dir: Path) -> None:
    (run_dir / "manifest-md5.txt").write_text("")


def remove(run_dir: Path) -> None:
    (run_dir / "data/findings.jsonl").unlink()


def rename(run_dir: Path) -> None:
    (run_dir / "data/findings.jsonl").rename(run_dir / "data/other.jsonl")


def change_tag_file(run_dir: Path) -> None:
    (run_dir / "bag-info.txt").write_text("External-Identifier: INC-2\n")


def change_manifest(run_dir: Path) -> None:
    with (run_dir / "manifest-sha256.txt").open("a") as file:
        file.write("\n")


def remove_declaration(run_dir: Path) -> None:
    (run_dir / "bagit.txt").unlink()


def remove_tag_manifest(run_dir: Path) -> None:
    (run_dir / "tagmanifest-sha256.txt").unlink()


def link(run_dir: Path) -> None:
    (run_dir / "data/link").symlink_to("/etc/hostname")


def replace_by_link(run_dir: Path) -> None:
    (run_dir / "data/findings.jsonl").rename(run_dir.parent / "moved")
    (run_dir / "data/findings.jsonl").symlink_to(run_dir.parent / "moved")


def pipe(run_dir: Path) -> None:
    os.mkfifo(run_dir / "data/pipe")


@pytest.mark.parametrize(
    ("tamper", "problem"),
    [
        (change, "changed: data/findings.jsonl"),
        (add_payload, "added: data/extra"),
        (add_outside, "added: extra"),
        (add_hidden, "added: .hidden"),
        (add_folder, "added folder: data/extra"),
        (add_manifest, "added: manifest-md5.txt"),
        (remove, "removed: data/findings.jsonl"),
        (rename, "renamed: data/findings.jsonl is now data/other.jsonl"),
        (change_tag_file, "changed: bag-info.txt"),
        (change_manifest, "changed: manifest-sha256.txt"),
        (remove_declaration, "removed: bagit.txt"),
        (remove_tag_manifest, "removed: tagmanifest-sha256.txt"),
        (link, "link in the run folder: data/link"),
        (pipe, "special file in the run folder: data/pipe"),
    ],
)
def test_one_thing_done_to_a_run_is_one_line(run_dir, tamper, problem):
    tamper(run_dir)
    assert verify_run(run_dir) == [problem]


def test_a_file_behind_a_link_is_not_followed(run_dir):
    replace_by_link(run_dir)
    assert verify_run(run_dir) == ["link in the run folder: data/findings.jsonl", "removed: data/findings.jsonl"]


def test_a_forgery_with_its_manifests_is_noticed_by_the_seal(run_dir):
    kept = seal_of(run_dir)
    forge(run_dir)
    forged = seal_of(run_dir)
    assert verify_run(run_dir) == [f"another seal than in seals.log: {forged}"]
    (run_dir.parent / "seals.log").unlink()
    assert verify_run(run_dir) == []
    assert verify_run(run_dir, seal=kept) == [f"another seal than the one given: {forged}"]


def test_a_seal_that_is_appended_for_a_sealed_run_is_noticed(run_dir):
    forge(run_dir)
    with (run_dir.parent / "seals.log").open("a") as log:
        log.write(f"{run_dir.name}  {seal_of(run_dir)}\n")
    assert verify_run(run_dir) == [f"another seal than in seals.log: {seal_of(run_dir)}"]


def test_a_renamed_run_folder_is_told(run_dir):
    moved = run_dir.rename(run_dir.with_name("20260101T000000Z"))
    assert verify_run(moved) == ["renamed run folder: sealed as 20260309T123005Z"]


@pytest.mark.parametrize(
    "name", ["../../secret", "/etc/hostname", "~/x", "data/../../x", "data\\x", "data//x", "bagit.txt"]
)
def test_a_name_that_leads_out_of_the_folder_is_told_and_never_opened(run_dir, name, monkeypatch):
    with (run_dir / "manifest-sha256.txt").open("a") as file:
        file.write(f"{'0' * 64}  {name}\n")
    opened: list[Path] = []
    real = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *a, **k: opened.append(self) or real(self, *a, **k))
    problems = verify_run(run_dir)
    assert any(name in problem for problem in problems)
    assert all(path.resolve().is_relative_to(run_dir.parent.resolve()) for path in opened)


def test_a_hostile_name_stays_on_its_line(run_dir):
    (run_dir / "data" / "a\nb\x1b[31m").write_text("x")
    assert verify_run(run_dir) == ["added: data/a b[31m"]


def test_a_changed_or_missing_source_is_told(run_dir, record):
    name = f"{record['source']}/{record['path']}"
    source = run_dir.parent / name
    assert verify_evidence(run_dir) == []
    source.write_text("[]")
    assert verify_run(run_dir, evidence=True) == [f"source changed: {name}"]
    source.unlink()
    assert verify_evidence(run_dir) == [f"source missing: {name}"]


def test_what_the_run_could_not_read_is_not_said_to_have_changed(run_dir, record):
    (run_dir / "data" / "evidence.jsonl").write_text(json.dumps({**record, "sha256": None}))
    name = f"{record['source']}/{record['path']}"
    assert verify_evidence(run_dir) == [f"source could not be read by the run: {name}"]


def test_a_source_whose_name_is_no_utf8_is_found(run_dir, record):
    source = run_dir.parent / record["source"] / record["path"]
    source.rename(source.with_name("\udcff.json"))
    written = str(Path(record["path"]).with_name("\\xff.json"))
    (run_dir / "data" / "evidence.jsonl").write_text(json.dumps({**record, "path": written}))
    assert verify_evidence(run_dir) == []


@pytest.mark.parametrize("other", [{"source": "/etc"}, {"path": "../../../x"}, {"path": "/etc/hostname"}])
def test_a_source_that_the_incident_does_not_name_is_never_opened(run_dir, record, other):
    (run_dir / "data" / "evidence.jsonl").write_text(json.dumps({**record, **other}))
    with pytest.raises(IrKitError, match="does not say what was read"):
        verify_evidence(run_dir)


def test_what_is_no_run_folder_is_an_error(run_dir, tmp_path):
    for wrong in (tmp_path / "nothing", tmp_path, run_dir / "bagit.txt"):
        with pytest.raises(IrKitError):
            verify_run(wrong)
