"""Loading by several processes: the same store, and nothing left behind whatever happens to them."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ir_kit.errors import EvidenceError
from ir_kit.incident import load_incident
from ir_kit.ingest import loader, workers

Record = Callable[..., dict[str, Any]]
PROGRAM = "import sys; from ir_kit.ingest.loader import ingest; from ir_kit.incident import load_incident; ingest(load_incident('demo', sys.argv[1]))"


def many(evidence: Any, record: Record, files: int) -> None:
    for n in range(files):
        evidence.write(f"x{n:03d}.json.gz", [record(n * 100 + k) for k in range(100)])


def in_many_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many processes as the machine has, however little there is to read."""
    monkeypatch.setattr(loader, "SMALL", 1)
    monkeypatch.setattr(loader, "CHUNK", 2_000)


def test_several_processes_give_what_one_gives(
    evidence: Any, record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = type(evidence)(tmp_path / "other")
    other.open()
    for kit in (evidence, other):
        many(kit, record, 6)
        kit.write("cut.json", json.dumps({"Records": [record(1)]})[:-40])
    other.load()
    in_many_pieces(monkeypatch)
    steps: list[tuple[int, int]] = []
    loader.ingest(load_incident("demo", evidence.runs), progress=lambda done, total: steps.append((done, total)))
    assert evidence.snapshot() == other.snapshot()
    assert steps[0][0] == 0
    assert steps[-1][0] == steps[-1][1]
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)


def test_a_process_that_dies_ends_the_load_and_leaves_the_store_as_it_was(
    evidence: Any, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(evidence, record, 8)
    in_many_pieces(monkeypatch)
    started: list[subprocess.Popen[bytes]] = []

    class Killed(workers.WorkerPool):
        def __init__(self, processes: int) -> None:
            super().__init__(processes)
            started.extend(self.children)
            os.killpg(self.children[0].pid, signal.SIGKILL)

    monkeypatch.setattr(loader, "WorkerPool", Killed)
    with pytest.raises(EvidenceError) as caught:
        evidence.load()
    assert "has ended" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert started
    assert all(child.returncode is not None for child in started)
    assert not evidence.files()


@pytest.mark.slow
def test_a_load_that_is_killed_leaves_the_store_as_before_or_as_after(
    evidence: Any, record: Record, tmp_path: Path
) -> None:
    other = type(evidence)(tmp_path / "other")
    other.open()
    many(evidence, record, 40)
    evidence.load()
    before = evidence.snapshot()
    for kit in (evidence, other):
        for n in range(40):
            changed = [record(n * 100 + k, awsRegion="eu-west-1") for k in range(90)]
            kit.touched(kit.write(f"x{n:03d}.json.gz", changed))
    other.load()
    after = other.snapshot()
    # as many processes as the machine has, however little there is to read
    program = f"import ir_kit.ingest.loader as g; g.SMALL = 1; g.CHUNK = 8_000; {PROGRAM}"
    rng = random.Random(7)
    for _ in range(12):
        child = subprocess.Popen([sys.executable, "-c", program, str(evidence.runs)])
        time.sleep(rng.uniform(0.2, 2.0))
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert evidence.snapshot() in (before, after)
    evidence.load()
    assert evidence.snapshot() == after
    # a process whose parent was killed ends what it was reading, and takes it back
    deadline = time.monotonic() + 20
    while set(evidence.files()) != evidence.store.manifest().names() | {"manifest.json"}:
        assert time.monotonic() < deadline, evidence.files()
        time.sleep(0.1)


@pytest.mark.slow
def test_two_loads_at_once_take_turns(evidence: Any, record: Record) -> None:
    many(evidence, record, 12)
    children = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, str(evidence.runs)], stderr=subprocess.PIPE) for _ in range(2)
    ]
    assert [child.wait(120) for child in children] == [0, 0], [
        child.stderr and child.stderr.read() for child in children
    ]
    for child in children:
        assert child.stderr is not None
        child.stderr.close()
    assert evidence.query("select count(*), count(distinct event_id) from events_all") == [(1200, 1200)]
    assert evidence.store.manifest().generation == 1


def test_another_load_waits_for_its_turn(evidence: Any, record: Record) -> None:
    evidence.write("a.json", [record()])
    done = threading.Event()

    def load() -> None:
        evidence.load()
        done.set()

    evidence.store.folder.mkdir(parents=True)
    with loader.locked(evidence.store.folder / ".lock"):
        thread = threading.Thread(target=load)
        thread.start()
        assert not done.wait(0.2)
    thread.join(30)
    assert done.is_set()
