"""One headless run: evidence read, every playbook executed, the record sealed under its name, or nothing there."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from platform import python_version
from typing import TYPE_CHECKING, Any, get_args

from ir_kit import __version__
from ir_kit.errors import IrKitError
from ir_kit.findings import Severity
from ir_kit.incident import Incident, load_incident
from ir_kit.record.bag import partial_folder, seal
from ir_kit.record.playbooks import check_parameters, find_playbooks, read_parameters
from ir_kit.record.report import page_header, render_notebook, render_report

if TYPE_CHECKING:
    from ir_kit.record.execution import Outcome

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class StoredEvidence:
    """The evidence in the incident's own store; `reading` shows how far its reading has come."""

    reading: Callable[[], AbstractContextManager[Callable[[int, int], None] | None]] = nullcontext

    def ingest(self, incident: Incident) -> object:
        """Read what is new among the incident's sources."""
        from ir_kit.ingest.loader import ingest

        with self.reading() as progress:
            return ingest(incident, progress=progress)

    def facts(self, incident: Incident) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """One record per source file, as in ``evidence.jsonl``; and who collected it, and how many files are no logs."""
        from ir_kit.ingest.store import Store

        store = Store(incident.folder / "evidence")
        written: dict[str, str] = {}
        for kind in ("cloudtrail", "access_logs", "configuration"):
            written |= dict(zip(map(str, incident.source_paths(kind)), getattr(incident.sources, kind), strict=True))
        records = [
            {**record, "source": written.get(record["source"], record["source"])} for record in store.evidence_records()
        ]
        return records, {"caller_arn": store.caller_arn(), "ignored_files": store.ignored_files()}


@dataclass(frozen=True)
class RunResult:
    """Where a run lies, its seal, its report, the exit status, and one line per playbook that failed."""

    path: Path
    seal: str
    report: Path
    exit_status: int
    failures: tuple[str, ...]


def run_playbooks(
    incident_id: str,
    runs: str | Path = "runs",
    playbooks: Sequence[str] | None = None,
    *,
    playbooks_dir: Path = ROOT / "playbooks",
    parameters: Mapping[str, object] | None = None,
    cell_timeout: int = 1800,
    evidence: StoredEvidence | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> RunResult:
    """What do the playbooks say of this incident, as a sealed record?

    Parameters
    ----------
    runs : str or Path
        The folder of all incidents; playbooks are given it as it stands here.
    playbooks : sequence of str, optional
        Which playbooks; all of them where it is None or empty.
    parameters : mapping, optional
        Values for the playbooks' own parameters; each goes to every chosen playbook that has it.
    cell_timeout : int
        Seconds that one cell may take.
    progress : callable
        Called with one line on each step that is done.

    Returns
    -------
    RunResult
        Exit status 0, or 4 where a playbook failed: its notebook is in the record with the error, like the others' results.

    Raises
    ------
    IncidentError, ParameterError
        The input is wrong; nothing was started.
    EvidenceError
        Evidence could not be read at all.
    IrKitError
        The run folder cannot be written.
    """
    started = datetime.now(UTC)
    source = evidence or StoredEvidence()
    incident = load_incident(incident_id, runs)
    own = parameters or {}
    given = {"incident": incident_id, "runs": str(runs), **own}
    accepted = {notebook: read_parameters(notebook) for notebook in find_playbooks(playbooks_dir, playbooks)}
    shared = {name for names in accepted.values() for name in names} & own.keys()  # elsewhere it may be missing
    jobs = {}
    for notebook, names in accepted.items():
        jobs[notebook] = {name: value for name, value in given.items() if name in names or name not in shared}
        check_parameters(notebook, jobs[notebook])

    from ir_kit.record.execution import execute_playbooks  # takes seconds: what is wrong is said before

    try:
        with terminable(), partial_folder(incident.folder, started) as work:
            shutil.copyfile(incident.path, work / "incident.yaml")
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(incident.folder / "labels.csv", work / "labels.csv")
            source.ingest(incident)
            records, facts = source.facts(incident)
            write(work / "evidence.jsonl", "".join(json.dumps(record) + "\n" for record in records))
            run = f"{started:%Y-%m-%d %H:%M:%S} UTC"

            def render(outcome: Outcome) -> None:
                header = page_header(incident, run, outcome.playbook)
                notebook = json.loads((work / "notebooks" / outcome.notebook).read_text(encoding="utf-8"))
                page = work / "html" / Path(outcome.notebook).with_suffix(".html")
                write(page, render_notebook(notebook, header, error=outcome.error))
                progress(f"{outcome.playbook}: {outcome.outcome} in {outcome.seconds:.1f} s")

            outcomes = execute_playbooks(jobs, work, cell_timeout=cell_timeout, done=render)
            outcomes, findings = join_findings(work, outcomes)
            revision, modified = source_revision()
            endings = [asdict(outcome) for outcome in outcomes]
            content = {
                "incident": incident.incident,
                "parameters": given,
                "start": f"{started:%Y-%m-%dT%H:%M:%S.%fZ}",
                "end": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
                "engine": "duckdb",
                "versions": versions(),
                "source_revision": revision,
                "source_modified": modified,
                "platform": {"system": platform.platform(), "machine": platform.machine(), "python": python_version()},
                **facts,
                "playbooks": endings,
            }
            write(work / "run.json", json.dumps(content, indent=2) + "\n")
            write(work / "report.html", render_report(page_header(incident, run), endings, findings))
            path, digest = seal(work, incident.folder, started, incident.incident)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise IrKitError("The disk is full", incident.folder, "make room and run again") from error
        what = f"A file cannot be read or written ({error.strerror or type(error).__name__})"
        raise IrKitError(what, error.filename or incident.folder, "check its permissions") from error
    failures = tuple(f"{outcome.playbook}: {outcome.error}" for outcome in outcomes if outcome.error)
    return RunResult(path, digest, path / "data" / "report.html", 4 if failures else 0, failures)


def join_findings(work: Path, outcomes: Sequence[Outcome]) -> tuple[list[Outcome], list[dict[str, Any]]]:
    """One file of all findings, most severe first; a line that breaks off fails its playbook and is left out."""
    findings: list[tuple[dict[str, Any], str]] = []
    checked = []
    for outcome in outcomes:
        path = work / "findings" / f"{outcome.playbook}.jsonl"
        lines = path.read_bytes().decode("utf-8", "replace").split("\n") if path.is_file() else []
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                finding = json.loads(line)
            except ValueError:
                finding = None
            if isinstance(finding, dict):
                findings.append((finding, line))
            else:
                error = outcome.error or f"line {number} of its findings is no JSON object"
                outcome = replace(outcome, outcome="failed", error=error)
        checked.append(outcome)
    order = get_args(Severity)  # most severe first, in the playbooks' order else
    findings.sort(key=lambda finding: order.index(finding[0].get("severity", "info")))
    write(work / "findings.jsonl", "".join(f"{line}\n" for _, line in findings))
    shutil.rmtree(work / "findings", ignore_errors=True)
    return checked, [finding for finding, _ in findings]


def versions() -> dict[str, str]:
    """Which versions of ir-kit and of the libraries that it names are installed? ir-kit first, then by name."""
    installed = {"ir-kit": __version__}
    required: list[str] = []
    with contextlib.suppress(metadata.PackageNotFoundError):  # a checkout that has not been set up
        required = [line for line in metadata.requires("ir-kit") or [] if "extra ==" not in line]
    for name in sorted({re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in required}):
        with contextlib.suppress(metadata.PackageNotFoundError):
            installed[name] = metadata.version(name)
    return installed


def source_revision() -> tuple[str | None, bool | None]:
    """Which commit is the package's source, and do tracked files differ from it? None where it is no git checkout."""
    if not (ROOT / ".git").exists():
        return None, None
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-C", str(ROOT), "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30, env=environment, check=True)
    except (OSError, subprocess.SubprocessError):
        return None, None
    commit, _, dirty = answer.stdout.strip().partition("-")
    return commit, bool(dirty)


def write(path: Path, text: str) -> None:
    """Write text as UTF-8 with plain line ends, its folder made where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Let a request to terminate unwind the run, so that it tidies up, as an interrupt from the keyboard does."""
    main = threading.current_thread() is threading.main_thread()
    numbers = [n for n in (signal.SIGTERM, signal.SIGHUP) if main and signal.getsignal(n) is signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, lambda received, frame: sys.exit(128 + received))
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)
