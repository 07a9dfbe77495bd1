"""One headless run: evidence read, every playbook executed, the record sealed under its name, or nothing there."""

from __future__ import annotations

import contextlib
import errno
import json
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, Protocol, get_args

from ir_kit.errors import IrKitError, ParameterError
from ir_kit.findings import Severity
from ir_kit.incident import Incident, load_incident
from ir_kit.record import provenance
from ir_kit.record.bag import partial_folder, seal
from ir_kit.record.execution import CELL_TIMEOUT, Outcome, execute_playbooks, find_playbooks
from ir_kit.record.parameters import check_parameters, read_parameters
from ir_kit.record.report import header_of, render_notebook, render_report

__all__ = ["Evidence", "RunResult", "StoredEvidence", "run_playbooks"]

_FULL = {errno.ENOSPC, errno.EDQUOT}


class Evidence(Protocol):
    """What a run needs of the evidence: :class:`StoredEvidence`, or a test's stand-in."""

    def ingest(self, incident: Incident) -> object:
        """Read what is new among the incident's sources."""

    def records(self, incident: Incident) -> list[dict[str, Any]]:
        """One record per source file, as in ``evidence.jsonl``; its source as the incident file has it."""

    def ignored_files(self, incident: Incident) -> int:
        """How many files among the sources are no logs."""

    def caller_arn(self, incident: Incident) -> str | None:
        """Who collected the configuration, where that is told."""


class StoredEvidence:
    """The evidence in the incident's own store; ``shown`` shows how far its reading has come."""

    def __init__(
        self, shown: Callable[[], AbstractContextManager[Callable[[int, int], None] | None]] = nullcontext
    ) -> None:
        self.shown = shown

    def ingest(self, incident: Incident) -> object:
        from ir_kit.ingest.loader import ingest

        with self.shown() as tell:
            return ingest(incident, progress=tell)

    def records(self, incident: Incident) -> list[dict[str, Any]]:
        from ir_kit.ingest.store import Store

        written: dict[str, str] = {}
        for kind in ("cloudtrail", "access_logs", "configuration"):
            value = getattr(incident.sources, kind) or ()
            listed = (value,) if isinstance(value, str) else value
            written |= {str(path): text for path, text in zip(incident.source_paths(kind), listed, strict=True)}
        records: list[dict[str, Any]] = Store(incident.folder / "evidence").evidence_records()
        return [{**record, "source": written.get(record["source"], record["source"])} for record in records]

    def ignored_files(self, incident: Incident) -> int:
        from ir_kit.ingest.store import Store

        return Store(incident.folder / "evidence").ignored_files()

    def caller_arn(self, incident: Incident) -> str | None:
        from ir_kit.ingest.store import Store

        return Store(incident.folder / "evidence").caller_arn()


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
    playbooks_dir: Path | None = None,
    parameters: Mapping[str, object] | None = None,
    cell_timeout: int = CELL_TIMEOUT,
    evidence: Evidence | None = None,
    progress: Callable[[str], None] | None = None,
) -> RunResult:
    """What do the playbooks say of this incident, as a sealed record?

    Parameters
    ----------
    incident_id : str
        The incident's name below `runs`.
    runs : str or Path
        The folder of all incidents; playbooks are given it as it stands here.
    playbooks : sequence of str, optional
        Which playbooks; all of them where it is None or empty.
    playbooks_dir : Path, optional
        Where they are stored; by default the checkout's ``playbooks/``.
    parameters : mapping, optional
        Values for the playbooks' own parameters; each goes to every chosen playbook that has it.
    cell_timeout : int
        Seconds that one cell may take.
    evidence : Evidence, optional
        Where evidence comes from; by default the incident's store.
    progress : callable, optional
        Told in one line of each step that is done.

    Returns
    -------
    RunResult
        Exit status 0, or 4 where a playbook failed: its notebook is kept with the error in it, and the others' results.

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
    tell = progress or (lambda line: None)
    source = evidence or StoredEvidence()
    incident = load_incident(incident_id, runs)
    notebooks = find_playbooks(playbooks_dir or provenance.ROOT / "playbooks", playbooks)
    given = {"incident": incident_id, "runs": str(runs), **(parameters or {})}
    jobs = _jobs(notebooks, given, parameters or {})
    try:
        with _terminable(), partial_folder(incident.folder, started) as work:
            _copy_inputs(incident, work)
            source.ingest(incident)
            _write_lines(work / "evidence.jsonl", source.records(incident))
            version = provenance.versions()["ir-kit"]
            run = f"{started:%Y-%m-%d %H:%M:%S} UTC"

            def render(outcome: Outcome) -> None:
                header = header_of(incident, run, version, outcome.playbook)
                notebook = json.loads((work / "notebooks" / outcome.notebook).read_text(encoding="utf-8"))
                page = work / "html" / Path(outcome.notebook).with_suffix(".html")
                _write(page, render_notebook(notebook, header, error=outcome.error))
                tell(f"{outcome.playbook}: {outcome.outcome} in {outcome.seconds:.1f} s")

            outcomes = execute_playbooks(jobs, work, cell_timeout=cell_timeout, done=render)
            outcomes, findings = _join_findings(work, outcomes)
            facts = _facts(incident, given, started, outcomes, source)
            _write(work / "run.json", json.dumps(facts, indent=2) + "\n")
            _write(work / "report.html", render_report(header_of(incident, run, version), facts["playbooks"], findings))
            path, sealed = seal(work, incident.folder, started, incident.incident)
    except OSError as error:
        if error.errno in _FULL:
            raise IrKitError("The disk is full", incident.folder, "make room and run again") from error
        reason = error.strerror or type(error).__name__
        where = error.filename or incident.folder
        raise IrKitError(f"A file cannot be read or written ({reason})", where, "check its permissions") from error
    failures = tuple(f"{outcome.playbook}: {outcome.error}" for outcome in outcomes if outcome.error)
    return RunResult(path, sealed, path / "data" / "report.html", 4 if failures else 0, failures)


def _jobs(
    notebooks: Sequence[Path], given: Mapping[str, object], extra: Mapping[str, object]
) -> list[tuple[Path, dict[str, Any], dict[str, Any]]]:
    """What is each playbook given? ``incident`` and ``runs`` always, the rest where it has such a parameter."""
    known = {notebook: read_parameters(notebook) for notebook in notebooks}
    for name in extra:
        if not any(name in parameters for parameters in known.values()):
            has = ", ".join(sorted({name for parameters in known.values() for name in parameters}))
            raise ParameterError(f"Unknown parameter {name!r}", "the chosen playbooks", f"they have: {has}")
    jobs = []
    for notebook in notebooks:
        own = {name: value for name, value in given.items() if name in known[notebook] or name not in extra}
        jobs.append((notebook, own, check_parameters(notebook, own)))
    return jobs


def _copy_inputs(incident: Incident, work: Path) -> None:
    shutil.copyfile(incident.path, work / "incident.yaml")
    with contextlib.suppress(FileNotFoundError):
        shutil.copyfile(incident.folder / "labels.csv", work / "labels.csv")


def _join_findings(work: Path, outcomes: Sequence[Outcome]) -> tuple[list[Outcome], list[dict[str, Any]]]:
    """One file of all findings, most severe first; a line that breaks off fails its playbook and is left out."""
    lines: list[str] = []
    findings: list[dict[str, Any]] = []
    checked = []
    for outcome in outcomes:
        path = work / "findings" / f"{outcome.playbook}.jsonl"
        written = path.read_bytes().decode("utf-8", "replace").split("\n") if path.is_file() else []
        for number, line in enumerate(written, start=1):
            if not line.strip():
                continue
            try:
                finding = json.loads(line)
            except ValueError:
                finding = None
            if isinstance(finding, dict):
                findings.append(finding)
                lines.append(line)
            elif outcome.error is None:
                error = f"line {number} of its findings is no JSON object"
                outcome = Outcome(**{**vars(outcome), "outcome": "failed", "error": error})
        checked.append(outcome)
    order = get_args(Severity)  # most severe first, in the playbooks' order else
    ranked = sorted(zip(findings, lines, strict=True), key=lambda pair: order.index(pair[0].get("severity", "info")))
    findings = [finding for finding, _ in ranked]
    _write(work / "findings.jsonl", "".join(f"{line}\n" for _, line in ranked))
    shutil.rmtree(work / "findings", ignore_errors=True)
    return checked, findings


def _facts(
    incident: Incident, given: Mapping[str, object], started: datetime, outcomes: Sequence[Outcome], source: Evidence
) -> dict[str, Any]:
    revision, modified = provenance.source_revision()
    return {
        "incident": incident.incident,
        "parameters": dict(given),
        "start": _time(started),
        "end": _time(datetime.now(UTC)),
        "engine": "duckdb",
        "versions": provenance.versions(),
        "source_revision": revision,
        "source_modified": modified,
        "platform": provenance.platform_facts(),
        "caller_arn": source.caller_arn(incident),
        "ignored_files": source.ignored_files(incident),
        "playbooks": [asdict(outcome) for outcome in outcomes],
    }


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def _write_lines(path: Path, records: Sequence[Mapping[str, Any]]) -> None:
    def plain(value: object) -> str:
        return _time(value.astimezone(UTC)) if isinstance(value, datetime) else str(value)

    _write(path, "".join(json.dumps(record, default=plain) + "\n" for record in records))


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Let a request to terminate unwind the run, so that it tidies up, as an interrupt from the keyboard does."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
