"""The demo's evidence: what the simulator makes, laid out whole or not at all."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ir_kit import cli, sample
from simulator import incident_fields, make_sample
from simulator.shipped import SCALE


def contents(folder: Path) -> dict[str, bytes]:
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: gzip.decompress(data) if name.endswith(".gz") else data for name, data in files.items()}


def test_shipped_sample_is_what_the_simulator_makes(tmp_path: Path) -> None:
    fields = sample.lay_out(tmp_path / "shipped")
    make_sample(tmp_path / "made", scale=SCALE)
    shipped, made = contents(tmp_path / "shipped" / "evidence"), contents(tmp_path / "made" / "evidence")
    differing = sorted(name for name in shipped.keys() | made.keys() if shipped.get(name) != made.get(name))
    assert (differing[:5], fields) == ([], incident_fields()), "make sample"


def test_the_sample_stays_small() -> None:
    assert sum(path.stat().st_size for path in sample.HERE.iterdir() if path.is_file()) < 6_000_000


@pytest.mark.parametrize(("packed", "said"), [(None, "the sample is missing"), (b"\xfd7zXZ", "the sample is damaged")])
def test_a_demo_without_its_evidence_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bytes | None, said: str
) -> None:
    shutil.copy(sample.HERE / sample.FIELDS, tmp_path)
    if packed:
        (tmp_path / sample.EVIDENCE).write_bytes(packed)
    monkeypatch.setattr(sample, "HERE", tmp_path)
    result = CliRunner().invoke(cli.app, ["demo", "--runs", str(tmp_path / "runs")])
    told = result.stderr.splitlines()[-1]
    assert result.exit_code == 3 and told.startswith(f"ir-kit: {said}") and told.endswith("make it with: make sample")
    assert not (tmp_path / "runs" / "demo" / "incident.yaml").exists()
