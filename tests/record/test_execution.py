from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import bagit
import pytest

import ir_kit.record
from ir_kit.record.bag import partial_folder, seal_of, verify_run
from ir_kit.record.execution import execute_playbooks

pytestmark = pytest.mark.slow


def outputs(run_dir: Path, name: str) -> list[dict]:
    notebook = json.loads((run_dir / "data" / "notebooks" / name).read_text())
    return [output for cell in notebook["cells"] if cell["cell_type"] == "code" for output in cell["outputs"]]


def text_of(run_dir: Path, name: str) -> str:
    return "".join("".join(output.get("text", [])) for output in outputs(run_dir, name))


def left_in(runs: Path) -> list[str]:
    return sorted(path.name for path in (runs / "INC-1").iterdir() if path.name.startswith("."))


@pytest.mark.xdist_group("one_fails_among_three")
class TestOneFailsAmongThree:
    @pytest.fixture(scope="class")
    @classmethod
    def result(cls, run):
        return run("one_fails_among_three")

    @pytest.fixture(scope="class")
    @classmethod
    def facts(cls, result):
        return json.loads((result.path / "data" / "run.json").read_text())

    def test_the_exit_status_is_4_and_the_failure_is_one_plain_line(self, result):
        assert result.exit_status == 4
        assert result.failures == ("broken: ValueError: no such bucket",)

    def test_the_outcomes_stand_in_the_order_of_the_playbooks(self, facts):
        told = [(playbook["playbook"], playbook["outcome"]) for playbook in facts["playbooks"]]
        assert told == [("first", "completed"), ("broken", "failed"), ("third", "completed")]
        assert all(playbook["seconds"] > 0 for playbook in facts["playbooks"])

    def test_the_failed_notebook_is_kept_with_its_error(self, result):
        errors = [row for row in outputs(result.path, "02_broken.ipynb") if row["output_type"] == "error"]
        assert [error["ename"] for error in errors] == ["ValueError"]
        assert "never reached" not in text_of(result.path, "02_broken.ipynb")

    def test_the_failed_notebook_is_rendered_with_its_error(self, result):
        page = (result.path / "data" / "html" / "02_broken.html").read_text()
        assert "This playbook failed" in page
        assert "\x1b" not in page

    def test_the_results_of_the_others_are_kept(self, result):
        assert (result.path / "data" / "tables" / "third" / "rows.txt").read_text() == "INC-1"

    def test_findings_stand_in_the_order_of_the_playbooks(self, result):
        lines = (result.path / "data" / "findings.jsonl").read_text().splitlines()
        assert [json.loads(line)["playbook"] for line in lines] == ["first", "broken", "third"]
        assert not (result.path / "data" / "findings").exists()

    def test_the_report_tells_findings_and_failure_as_text(self, result):
        report = result.report.read_text()
        assert "The third found &lt;b&gt;nothing&lt;/b&gt;." in report
        assert "Leaked &lt;key&gt;" in report
        assert "ValueError: no such bucket" in report
        assert 'href="html/02_broken.html"' in report
        assert "<script" not in report

    def test_the_run_says_what_it_ran_on(self, facts):
        assert facts["incident"] == "INC-1"
        assert facts["engine"] == "duckdb"
        assert facts["ignored_files"] == 1
        assert facts["caller_arn"] == "arn:aws:iam::111122223333:role/ir"
        assert facts["start"] < facts["end"]
        assert {"ir-kit"} <= set(facts["versions"])

    def test_an_executed_notebook_holds_relative_names(self, result):
        notebook = json.loads((result.path / "data" / "notebooks" / "01_first.ipynb").read_text())
        record = notebook["metadata"]["papermill"]
        assert (record["input_path"], record["output_path"]) == ("01_first.ipynb", "01_first.ipynb")

    def test_the_run_is_a_valid_bag_of_version_1(self, result):
        bag = bagit.Bag(str(result.path))
        assert bag.version_info == (1, 0)
        assert bag.is_valid()
        assert bag.info["External-Identifier"] == "INC-1"

    def test_the_seal_is_in_the_log_and_the_run_is_whole(self, result):
        assert f"{result.path.name}  {result.seal}\n" in (result.path.parent / "seals.log").read_text()
        assert seal_of(result.path) == result.seal
        assert verify_run(result.path) == []
        assert verify_run(result.path, evidence=True) == []

    def test_nothing_else_is_left(self, runs, result):
        assert left_in(runs) == []


def test_a_playbook_is_chosen_by_its_name_and_others_are_left_alone(run):
    result = run("one_fails_among_three", "third", "01_first")
    assert sorted(path.name for path in (result.path / "data" / "html").iterdir()) == ["01_first.html", "03_third.html"]
    assert result.exit_status == 0


def test_two_runs_never_share_a_name(run):
    first, second = run("tells_its_environment"), run("tells_its_environment")
    assert first.path != second.path


def test_a_run_started_in_the_checkout_finds_the_package(run, monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[2])
    assert run("tells_its_environment").exit_status == 0


def test_the_working_folder_stays_while_playbooks_run(run, monkeypatch):
    """A kernel that starts while another thread has changed the folder would not find what is named relative to it."""
    changed = []

    def watched(*given, **more):
        with monkeypatch.context() as patched:
            patched.setattr(os, "chdir", changed.append)
            return execute_playbooks(*given, **more)

    monkeypatch.setattr("ir_kit.record.execution.execute_playbooks", watched)
    assert run("one_fails_among_three").exit_status == 4
    assert changed == []


def test_a_folder_with_braces_in_its_name_is_no_template(run, notebooks, tmp_path):
    made = tmp_path / "{incident} {0}"
    shutil.copytree(notebooks / "tells_its_environment", made)
    assert run("tells_its_environment", playbooks_dir=made).exit_status == 0


def test_the_kernel_is_this_interpreter_with_fixed_hashes_and_without_the_working_folder(
    run, runs, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    result = run("tells_its_environment")
    told = text_of(result.path, "01_environment.ipynb").splitlines()
    assert told[0] == sys.executable
    assert told[1].split()[1] == "0"
    assert told[2] == "False False"
    assert told[3] == f"INC-1 {runs}"


def test_a_hang_is_ended_by_the_time_limit_and_named(run):
    result = run("hangs", cell_timeout=1)
    assert result.failures == ("hangs: a cell ran longer than 1 s and was stopped",)
    notebook = json.loads((result.path / "data" / "notebooks" / "01_hangs.ipynb").read_text())
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["metadata"]["papermill"]["status"] for cell in code[-2:]] == ["failed", "pending"]
    assert code[-2]["outputs"][0]["evalue"] == "the cell ran longer than 1 s and was stopped"
    assert notebook["metadata"]["papermill"]["exception"] is True


def test_a_kernel_that_dies_is_named(run):
    result = run("kernel_dies")
    assert result.failures == ("dies: DeadKernelError: Kernel died",)


def test_widgets_take_no_output_away_and_leave_no_state(run):
    result = run("captures_with_widgets")
    assert "said inside an output widget" in text_of(result.path, "01_captures.ipynb")
    assert "widget-state" not in (result.path / "data" / "notebooks" / "01_captures.ipynb").read_text()
    assert "said inside an output widget" in (result.path / "data" / "html" / "01_captures.html").read_text()


def test_a_finding_that_breaks_off_fails_its_playbook_and_the_whole_ones_stay(run):
    result = run("breaks_off_a_finding")
    assert result.failures == ("torn: line 2 of its findings is no JSON object",)
    assert (result.path / "data" / "findings.jsonl").read_text() == '{"id": "whole", "playbook": "torn"}\n'


def test_the_evidence_that_was_read_is_recorded_with_its_source_as_the_incident_file_has_it(run, record):
    result = run("own_parameter", evidence=None)
    (told,) = [json.loads(line) for line in (result.path / "data" / "evidence.jsonl").read_text().splitlines()]
    assert {name: told[name] for name in record} == record
    assert verify_run(result.path, evidence=True) == []


def test_a_playbooks_own_parameter_is_applied_and_recorded(run):
    result = run("own_parameter", parameters={"limit": 9})
    assert text_of(result.path, "01_limited.ipynb").startswith("9 ")
    facts = json.loads((result.path / "data" / "run.json").read_text())
    assert facts["parameters"]["limit"] == facts["playbooks"][0]["parameters"]["limit"] == 9


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_an_interrupted_run_leaves_nothing_under_its_name(runs, notebooks, sent, status):
    script = (
        "import signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # what a shell starts in the background ignores it
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from conftest import FakeEvidence\n"
        "from pathlib import Path\n"
        "from ir_kit.record.runs import run_playbooks\n"
        "try:\n"
        f"    folder = Path({str(notebooks)!r}) / 'waits_to_be_interrupted'\n"
        f"    run_playbooks('INC-1', {str(runs)!r}, playbooks_dir=folder, evidence=FakeEvidence())\n"
        "except KeyboardInterrupt:\n"
        "    sys.exit(130)\n"
    )
    folder = runs / "INC-1"
    sealed = sorted(path.name for path in folder.glob("2*Z"))
    environment = {**os.environ, "PYTHONPATH": str(Path(ir_kit.record.__file__).parents[2])}
    command = [sys.executable, "-c", script]
    started = runs / "started"
    os.mkfifo(started)
    ear = os.open(started, os.O_RDONLY | os.O_NONBLOCK)
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        assert select.select([ear], [], [], 120)[0], "no kernel in two minutes"
        process.send_signal(sent)
        complaint = process.communicate(timeout=60)[1]
    finally:
        process.kill()
        os.close(ear)
        started.unlink()
    assert process.returncode == status
    assert sorted(path.name for path in folder.glob("2*Z")) == sealed
    if sent == signal.SIGKILL:
        assert left_in(runs) != []  # nobody was there to tidy up
    else:
        assert left_in(runs) == []
        assert complaint == ""


def test_what_a_dead_process_left_is_tidied_by_the_next_run_and_a_live_run_is_not(run, runs):
    dead = runs / "INC-1" / ".20260101T000000Z.partial-1"
    dead.mkdir()
    with partial_folder(runs / "INC-1", datetime(2026, 1, 2, tzinfo=UTC)) as live:
        run("tells_its_environment")
        assert live.is_dir()
        assert not dead.exists()
    assert left_in(runs) == []
