"""Facts on the command line: what it prints where, with which exit status."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ir_kit import cli
from ir_kit.errors import EvidenceError, ParameterError

KEY = "AKIAIOSFODNN7EXAMPLE"
TIMES = ["--start", "2026-03-01T00:00:00Z", "--end", "2026-03-08T00:00:00Z"]
Invoke = Callable[..., Result]
Parts = SimpleNamespace


@pytest.fixture
def ir_kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """The command line, called in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *args: CliRunner().invoke(cli.app, [str(arg) for arg in args], prog_name="ir-kit")


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Parts:
    """The other parts, which do nothing and remember what was asked of them."""
    told = Parts(calls=[], problems=[], failures=(), exit_status=0, error=None, report=["2 files, 5 records"])

    def remember(*call: Any) -> None:
        told.calls.append(call)
        if told.error:
            raise told.error

    def ingest(incident: Any, *, progress: Any) -> Any:
        remember("ingest", incident.incident)
        for done in range(0, 1001):
            progress(done * 2000, 2_000_000)
        return SimpleNamespace(summary_lines=lambda: told.report)

    def run_playbooks(incident: str, runs: Path, playbooks: Any = None, *, evidence: Any, progress: Any) -> Any:
        remember("run", incident, playbooks)
        progress("scoping: done")
        path = Path(runs) / incident / "20260308T000000Z"
        report = path / "data" / "report.html"
        return SimpleNamespace(
            path=path, seal="ab" * 32, report=report, exit_status=told.exit_status, failures=told.failures
        )

    def verify_run(path: Path, evidence: bool = False, *, seal: str | None = None) -> list[str]:
        remember("verify", Path(path), evidence, seal)
        return list(told.problems)

    def lay_out(folder: Path) -> dict[str, Any]:
        remember("sample", Path(folder))
        window = {"start": "2026-03-01T00:00:00Z", "end": "2026-03-08T00:00:00Z"}
        return {
            "incident": "demo",
            "access_keys": [KEY],
            "window": window,
            "sources": {"cloudtrail": ["evidence/cloudtrail"]},
        }

    fakes: dict[str, dict[str, Any]] = {
        "ir_kit.ingest.loader": {"ingest": ingest},
        "ir_kit.record.runs": {"run_playbooks": run_playbooks, "StoredEvidence": lambda shown: shown},
        "ir_kit.record.bag": {"verify_run": verify_run, "seal_of": lambda path: "ab" * 32},
        "ir_kit.sample": {"lay_out": lay_out},
    }
    for name, content in fakes.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    return told


@pytest.fixture
def opened(ir_kit: Invoke, tmp_path: Path) -> Path:
    """An incident with one source."""
    (tmp_path / "logs").mkdir()
    assert ir_kit("open", "INC-1", "--access-key", KEY, *TIMES, "--cloudtrail", "logs").exit_code == 0
    return tmp_path / "runs" / "INC-1" / "incident.yaml"


def one_line(result: Result, status: int = 2) -> str:
    """The one line on standard error with which a command gave up."""
    assert result.exit_code == status, result.output
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("ir-kit: ")
    return result.stderr.removeprefix("ir-kit: ").rstrip("\n")


# The whole


def test_every_command_has_help_and_runs(ir_kit: Invoke) -> None:
    listed = ir_kit("--help").stdout.partition("Commands:")[2]
    names = [line.split()[0] for line in listed.splitlines() if line.startswith("  ") and line[2] != " "]
    assert names == ["demo", "open", "collect", "ingest", "run", "respond", "verify", "lab"]
    for name in names:
        page = ir_kit(name, "--help")
        assert page.exit_code == 0
        assert "--runs DIR" in page.stdout
        assert "completion" not in page.stdout


def test_no_command_shows_the_help(ir_kit: Invoke) -> None:
    assert ir_kit().stdout.startswith("Usage: ir-kit")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["improvise"], "No such command 'improvise'"),
        (["run"], "Missing argument 'INCIDENT': ir-kit run; see ir-kit run --help"),
        (["run", "INC-1", "--frobnicate"], "No such option: --frobnicate"),
        (["open", "INC-1", "--start"], "Option '--start' requires an argument"),
        (["open", "INC-1", "--start=a", "--start", "b", "more"], "unexpected extra argument"),
    ],
)
def test_a_usage_error_is_one_line(ir_kit: Invoke, args: list[str], says: str) -> None:
    assert says in one_line(ir_kit(*args))


def test_an_interrupt_is_one_line_with_status_130(ir_kit: Invoke, parts: Parts, opened: Path) -> None:
    parts.error = KeyboardInterrupt()
    assert one_line(ir_kit("run", "INC-1"), 130) == "interrupted"


def test_evidence_that_cannot_be_read_is_status_3(ir_kit: Invoke, parts: Parts, opened: Path) -> None:
    parts.error = EvidenceError("nothing could be read", "logs", "look there")
    assert one_line(ir_kit("ingest", "INC-1"), 3) == "nothing could be read: logs; look there"


def test_output_without_a_reader_is_never_taken_for_a_verdict(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "ir_kit", "--help"]
    try:
        assert subprocess.run(command, stdout=writer, stderr=subprocess.DEVNULL, check=False).returncode == 141
    finally:
        os.close(writer)


def test_a_fault_of_the_program_is_never_taken_for_a_verdict(parts: Parts, tmp_path: Path, monkeypatch: Any) -> None:
    parts.error = ZeroDivisionError()
    monkeypatch.setattr(sys, "argv", ["ir-kit", "verify", str(tmp_path)])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 70


def test_python_m_is_the_same_command_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ir_kit", "run", "INC-1"]
    root = str(Path(cli.__file__).parent.parent)
    done = subprocess.run(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": root}, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("ir-kit: no incident file: runs/INC-1/incident.yaml; make it with: ir-kit open INC-1")


# ingest, run, demo


def test_ingest_prints_its_summary_and_keeps_progress_apart(ir_kit: Invoke, parts: Parts, opened: Path) -> None:
    result = ir_kit("ingest", "INC-1")
    assert (result.exit_code, result.stdout) == (0, "2 files, 5 records\n")
    told = result.stderr.splitlines()
    assert len(told) == 11
    assert (told[0], told[-1]) == ("read 0.0 of 2.0 MB", "read 2.0 of 2.0 MB")


def test_reading_has_a_bar_on_a_terminal() -> None:
    program = (
        "from ir_kit.cli import reading\nwith reading() as tell:\n tell(0, 4_000_000)\n tell(1_000_000, 4_000_000)"
    )
    terminal, end = os.openpty()
    with open(terminal, "rb", buffering=0) as screen:
        env = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
        done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=end, env=env, check=True)
        os.close(end)
        shown = screen.read(65_536).decode()
    assert done.stdout == b""
    assert "reading" in shown and "━" in shown and "1.0/4.0 MB" in shown
    assert "read 0.0 of" not in shown


def test_a_files_name_stays_on_its_line(ir_kit: Invoke, parts: Parts, opened: Path) -> None:
    parts.report = ["1 files changed since they were read: a\nb\u202e\x1b[31m.json"]
    assert ir_kit("ingest", "INC-1").stdout == "1 files changed since they were read: a b[31m.json\n"


def test_run_prints_the_run_folder_last_and_the_seal_on_standard_error(
    ir_kit: Invoke, parts: Parts, opened: Path
) -> None:
    result = ir_kit("run", "INC-1")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "runs/INC-1/20260308T000000Z"
    assert f"seal sha256:{'ab' * 32}" in result.stderr.splitlines()
    assert parts.calls == [("run", "INC-1", None)]


def test_run_takes_playbooks(ir_kit: Invoke, parts: Parts, opened: Path) -> None:
    assert ir_kit("run", "INC-1", "scoping", "key_activity").exit_code == 0
    assert parts.calls == [("run", "INC-1", ["scoping", "key_activity"])]


def test_a_failed_playbook_is_status_4_and_the_run_is_named(ir_kit: Invoke, parts: Parts, opened: Path) -> None:
    parts.exit_status, parts.failures = 4, ("scoping: KeyError",)
    result = ir_kit("run", "INC-1")
    assert result.exit_code == 4
    assert "scoping: KeyError" in result.stderr.splitlines()
    assert result.stdout.splitlines()[-1] == "runs/INC-1/20260308T000000Z"


def test_an_unknown_playbook_is_status_2(ir_kit: Invoke, parts: Parts, opened: Path) -> None:
    parts.error = ParameterError("no such playbook", "scopin", "name one of: scoping")
    assert one_line(ir_kit("run", "INC-1", "scopin")) == "no such playbook: scopin; name one of: scoping"


def test_a_wrong_label_is_status_2_before_anything_is_run(ir_kit: Invoke, parts: Parts, opened: Path) -> None:
    head = "labelled_at,analyst,access_key_id,source_ip_address,user_agent,start_time,end_time,label,note"
    time = "2026-03-02T10:00:00Z"
    opened.with_name("labels.csv").write_text(f"{head}\n{time},anna,{KEY},192.0.2.1,curl,{time},{time},ownr,\n")
    assert one_line(ir_kit("run", "INC-1")).startswith(
        f"no label 'ownr': {opened.with_name('labels.csv')}:2; choose from"
    )
    assert parts.calls == []


def test_labels_that_cannot_be_read_are_status_2(ir_kit: Invoke, parts: Parts, opened: Path) -> None:
    (opened.parent / "labels.csv").mkdir()
    result = ir_kit("run", "INC-1")
    assert (result.exit_code, parts.calls) == (2, [])
    assert "cannot be read" in result.stderr and "labels.csv" in result.stderr


@pytest.mark.parametrize("command", ["ingest", "run"])
def test_an_incident_without_sources_says_where_to_add_them(ir_kit: Invoke, parts: Parts, command: str) -> None:
    assert ir_kit("open", "INC-1", "--access-key", KEY, *TIMES).stderr.startswith("no sources yet")
    line = one_line(ir_kit(command, "INC-1"))
    assert line.startswith("an incident without sources: runs/INC-1/incident.yaml:")
    number = int(line.partition("yaml:")[2].partition(";")[0])
    assert Path("runs/INC-1/incident.yaml").read_text().splitlines()[number - 1] == "sources:"
    assert parts.calls == []


@pytest.mark.parametrize("command", ["ingest", "run", "lab"])
def test_a_wrong_incident_file_is_one_line_with_its_number(
    ir_kit: Invoke, parts: Parts, opened: Path, command: str
) -> None:
    opened.write_text(opened.read_text().replace("known_good:", "known_god:"))
    number = [line.startswith("known_god:") for line in opened.read_text().splitlines()].index(True) + 1
    assert one_line(ir_kit(command, "INC-1")).startswith(
        f"unknown key 'known_god': runs/INC-1/incident.yaml:{number}; did you"
    )


def test_demo_lays_the_sample_out_once_and_prints_folder_and_report(ir_kit: Invoke, parts: Parts) -> None:
    first, second = ir_kit("demo"), ir_kit("demo")
    assert first.exit_code == second.exit_code == 0
    folder = Path("runs/demo/20260308T000000Z")
    assert first.stdout.splitlines()[-2:] == [str(folder), str(folder / "data" / "report.html")]
    assert parts.calls == [("sample", Path("runs/demo")), ("run", "demo", None), ("run", "demo", None)]


# verify, lab


def test_a_whole_run_is_status_0(ir_kit: Invoke, parts: Parts, tmp_path: Path) -> None:
    result = ir_kit("verify", tmp_path)
    assert (result.exit_code, result.stdout) == (0, f"{tmp_path} is what was sealed\n")
    assert result.stderr == f"seal sha256:{'ab' * 32}\n"


def test_a_changed_run_is_status_1_with_one_line_a_problem(ir_kit: Invoke, parts: Parts, tmp_path: Path) -> None:
    parts.problems = ["changed: data/findings.jsonl", "removed: bagit.txt"]
    result = ir_kit("verify", tmp_path)
    assert (result.exit_code, result.stdout) == (1, "changed: data/findings.jsonl\nremoved: bagit.txt\n")


def test_verify_passes_on_what_is_asked(ir_kit: Invoke, parts: Parts, tmp_path: Path) -> None:
    ir_kit("verify", tmp_path, "--evidence", "--seal", f"sha256:{'AB' * 32}")
    assert parts.calls == [("verify", tmp_path, True, "ab" * 32)]


def test_a_run_may_be_named_below_runs(ir_kit: Invoke, parts: Parts, tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "INC-1" / "r").mkdir(parents=True)
    ir_kit("verify", "INC-1/r", "--runs", "elsewhere")
    assert parts.calls == [("verify", Path("elsewhere/INC-1/r"), False, None)]


def test_lab_starts_on_copies_of_the_playbooks_with_the_incident(
    ir_kit: Invoke, opened: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Any] = []
    real = subprocess.Popen

    def popen(command: list[str], env: dict[str, str]) -> Any:
        started.append((command, env))
        return real([sys.executable, "-c", ""])

    (tmp_path / "checkout" / "playbooks").mkdir(parents=True)
    (tmp_path / "checkout" / "playbooks" / "00_evidence.ipynb").write_text('{"cells": []}')
    monkeypatch.setattr(cli, "__file__", str(tmp_path / "checkout" / "ir_kit" / "cli.py"))
    monkeypatch.setattr(subprocess, "Popen", popen)
    assert ir_kit("lab", "INC-1").exit_code == 0
    command, environment = started[0]
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert command[-1] == str(tmp_path / "runs" / "INC-1" / "lab")
    assert "--LabApp.news_url=None" in command
    assert (environment["IR_KIT_INCIDENT"], environment["IR_KIT_RUNS"]) == ("INC-1", str(tmp_path / "runs"))


def test_lab_without_playbooks_is_one_line(ir_kit: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "__file__", str(tmp_path / "ir_kit" / "cli.py"))
    assert one_line(ir_kit("lab")).startswith("No playbooks: ")
