"""The command line: each command opens an incident, hands it to the part that does the work, and says where it lies.

Results go to standard output, progress and errors to standard error. Exit status: 0 done; 1 done, and what was checked
does not hold; 2 the input is wrong; 3 evidence could not be read at all; 4 a playbook failed. Of a fault in ir-kit
itself the traceback is shown, with status 70, so that it is never taken for a verdict.
"""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from ir_kit.errors import IncidentError, IrKitError, ParameterError
from ir_kit.guardduty import BASELINE, incident_from_finding, read_finding
from ir_kit.incident import Incident, load_incident, new_incident, parse_time

if TYPE_CHECKING:
    from ir_kit.records.runs import RunResult

DEMO = "demo"
FAULT = 70

_OPTION_OF = {
    "access_keys": "--access-key",
    "window.start": "--start",
    "window.end": "--end",
    "baseline": "--baseline-start",
    "sources.cloudtrail": "--cloudtrail",
    "sources.access_logs": "--access-logs",
    "sources.configuration": "--configuration",
    "buckets": "--bucket",
    "sensitive_buckets": "--sensitive-bucket",
}


class _Commands(TyperGroup):
    """Says in one line on standard error what is wrong, and exits with the status that belongs to it."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        given = list(sys.argv[1:] if args is None else args) or ["--help"]
        if not standalone_mode:
            return super().main(given, prog_name, complete_var, False, windows_expand_args, **extra)
        try:
            status = super().main(given, prog_name, complete_var, False, windows_expand_args, **extra)
        except typer.TyperException as error:
            context = getattr(error, "ctx", None)
            command = context.command_path if context else "ir-kit"
            usage = ParameterError(_message(error).rstrip("."), command, f"see {command} --help")
            _say(f"ir-kit: {usage}")
            status = usage.exit_status
        sys.exit(status if isinstance(status, int) else 0)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except IrKitError as error:
            _say(f"ir-kit: {error}")
            raise typer.Exit(error.exit_status) from None
        except KeyboardInterrupt:
            _say("ir-kit: interrupted")
            raise typer.Exit(130) from None


class _SeveralValues(TyperCommand):
    """Lets a repeatable option take several values: ``--bucket a b`` is ``--bucket a --bucket b``.

    Only once the incident has been named, so that ``--access-key K INC-1`` still names the incident.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        repeatable = {name for param in self.params if getattr(param, "multiple", False) for name in param.opts}
        flags = {"--help"}
        expanded: list[str] = []
        option, values, named = "", 0, False
        for position, arg in enumerate(args):
            if arg == "--":
                expanded += args[position:]
                break
            if arg.startswith("-") and arg != "-":
                option, values = ("", 0) if "=" in arg or arg in flags else (arg, 0)
            elif option and values == 0:
                values = 1
            elif option in repeatable and named:
                expanded.append(option)
            else:
                option, named = "", True
            expanded.append(arg)
        return super().parse_args(ctx, expanded)


app = typer.Typer(
    name="ir-kit",
    cls=_Commands,
    help="What did leaked AWS access keys do in S3, what left, and what can nobody know any more?",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Runs = Annotated[Path, typer.Option("--runs", metavar="DIR", help="The folder of all incidents.")]
Name = Annotated[str, typer.Argument(metavar="INCIDENT", help="The incident's name: its folder below --runs.")]


@app.command()
def demo(runs: Runs = Path("runs")) -> None:
    """Make the sample incident and run every playbook.

    Prints the path of the run folder and of its report.html.
    """
    if not (runs / DEMO / "incident.yaml").exists():
        from ir_kit.sample import incident_fields, make_sample

        _say("making the sample incident's evidence")
        make_sample(runs / DEMO, seed=1)
        new_incident(runs, DEMO, incident_fields())
    result = _run(DEMO, runs, None)
    typer.echo(result.path)
    typer.echo(result.report)
    raise typer.Exit(result.exit_status)


@app.command("open", cls=_SeveralValues)
def open_incident(
    incident: Name,
    access_key: Annotated[
        list[str] | None, typer.Option(metavar="K", help="A leaked access key id; repeatable.")
    ] = None,
    start: Annotated[str | None, typer.Option(metavar="T", help="The window's start, ISO 8601 with a zone.")] = None,
    end: Annotated[str | None, typer.Option(metavar="T", help="The window's end, the first moment outside.")] = None,
    baseline_start: Annotated[
        str | None, typer.Option(metavar="T", help="Where the baseline starts; it ends where the window starts.")
    ] = None,
    cloudtrail: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH", help="CloudTrail logs: folder, file or s3:// prefix; repeatable."),
    ] = None,
    access_logs: Annotated[
        list[str] | None, typer.Option(metavar="PATH", help="S3 server access logs, likewise; repeatable.")
    ] = None,
    configuration: Annotated[
        str | None, typer.Option(metavar="PATH", help="Configuration answers, one JSON object a line.")
    ] = None,
    bucket: Annotated[
        list[str] | None, typer.Option(metavar="B", help="A bucket in scope; none: every bucket seen; repeatable.")
    ] = None,
    sensitive_bucket: Annotated[
        list[str] | None, typer.Option(metavar="B", help="A bucket with data to protect; repeatable.")
    ] = None,
    from_finding: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A GuardDuty finding in JSON, from the API or EventBridge.")
    ] = None,
    runs: Runs = Path("runs"),
) -> None:
    """Write an incident file.

    RUNS/INCIDENT/incident.yaml, from options or from a GuardDuty finding; one that is there stays.

    With --from-finding, --access-key adds keys, and --start, --end and --baseline-start replace the finding's times.
    """
    fields: dict[str, Any] = {"access_keys": access_key or [], "window": {}}
    if from_finding:
        finding = read_finding(from_finding)
        fields = incident_from_finding(finding, access_key or [], name=from_finding)
    window = fields["window"]
    for name, option, text in (("start", "--start", start), ("end", "--end", end)):
        if text is not None:
            window[name] = _moment(text, option)
        elif name not in window:
            raise ParameterError("an option is missing", option, f"give {option} TIME, or --from-finding FILE")
    if baseline_start is not None:
        fields["baseline"] = {"start": _moment(baseline_start, "--baseline-start"), "end": window["start"]}
    elif from_finding:
        fields["baseline"] = {"start": window["start"] - BASELINE, "end": window["start"]}
    fields["buckets"], fields["sensitive_buckets"] = bucket or [], sensitive_bucket or []
    fields["sources"] = {
        "cloudtrail": cloudtrail or [],
        "access_logs": access_logs or [],
        "configuration": configuration,
    }
    try:
        path = new_incident(runs, incident, fields, base=Path.cwd())
    except IncidentError as error:
        raise IncidentError(error.what, _option_of(error.where), error.next_step) from None
    written = load_incident(incident, runs)
    for source in _sources(written):
        if isinstance(source, Path) and not source.exists():
            _say(f"nothing there yet: {source}")
    if not _sources(written):
        _say(f"no sources yet: add them to {path}")
    typer.echo(path)


@app.command()
def ingest(incident: Name, runs: Runs = Path("runs")) -> None:
    """Read raw logs into the evidence store.

    What has been read before is not read again.
    """
    from ir_kit.evidence.ingest import ingest as read_sources

    for line in read_sources(_with_sources(incident, runs), progress=_tenths()).summary_lines():
        typer.echo(line)


@app.command()
def run(
    incident: Name,
    playbooks: Annotated[
        list[str] | None, typer.Argument(metavar="[PLAYBOOK]...", help="None: every playbook.")
    ] = None,
    runs: Runs = Path("runs"),
) -> None:
    """Execute playbooks and seal the record.

    Prints the run folder's path as the last line of standard output, and on standard error the seal: the SHA-256 of its
    tag manifest, to be kept elsewhere.
    """
    result = _run(incident, runs, playbooks or None)
    typer.echo(result.path)
    raise typer.Exit(result.exit_status)


@app.command()
def verify(
    run_dir: Annotated[Path, typer.Argument(metavar="RUN_DIR", help="A run's folder.")],
    evidence: Annotated[
        bool, typer.Option("--evidence", help="Also whether the source files are what was read.")
    ] = False,
    seal: Annotated[str | None, typer.Option(metavar="SHA256", help="The seal that was kept elsewhere.")] = None,
    runs: Runs = Path("runs"),
) -> None:
    """Say whether a run is what was sealed."""
    from ir_kit.records.verify import seal_of, verify_run

    folder = run_dir if run_dir.exists() or not (runs / run_dir).exists() else runs / run_dir
    kept = None if seal is None else seal.strip().lower().removeprefix("sha256:")
    problems = verify_run(folder, evidence=evidence, seal=kept)
    for problem in problems:
        typer.echo(problem)
    if problems:
        raise typer.Exit(1)
    _say(f"seal sha256:{seal_of(folder)}")
    typer.echo(f"{folder} is what was sealed" + (", and its source files are what was read" if evidence else ""))


@app.command()
def lab(
    incident: Annotated[str, typer.Argument(metavar="[INCIDENT]", help="What the playbooks start with.")] = "",
    runs: Runs = Path("runs"),
) -> None:
    """Open JupyterLab on the playbooks."""
    environment = {**os.environ, "IR_KIT_RUNS": str(runs.absolute())}
    if incident:
        environment["IR_KIT_INCIDENT"] = load_incident(incident, runs).incident
    playbooks = Path(__file__).parent.parent / "playbooks"
    if not playbooks.is_dir():
        raise ParameterError("no playbooks", playbooks, "work from a checkout of ir-kit")
    # JupyterLab asks its makers for news and newer versions unless told not to; nothing here calls out
    quiet = ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    with subprocess.Popen([sys.executable, "-m", "jupyterlab", *quiet, str(playbooks)], env=environment) as server:
        while server.poll() is None:
            try:
                server.wait()
            except KeyboardInterrupt:  # JupyterLab has it too, and asks whether to stop
                continue
    raise typer.Exit(0 if server.returncode == 0 else FAULT)


def main() -> None:
    """Run the command line of this process."""
    try:
        app(prog_name="ir-kit")
    except Exception:
        traceback.print_exc()
        sys.exit(FAULT)


def _say(line: object) -> None:
    typer.echo(line, err=True)


def _tenths() -> Callable[[int, int], None]:
    """Tells how far reading has come, a line for each tenth of the bytes."""
    told: set[int] = set()

    def tell(done: int, total: int) -> None:
        tenth = 10 * done // total if total else 10
        if tenth not in told:
            told.add(tenth)
            _say(f"read {done / 1e6:,.1f} of {total / 1e6:,.1f} MB")

    return tell


def _message(error: typer.TyperException) -> str:
    show = getattr(error, "format_message", None)
    return str(show() if show else error)


def _moment(text: str, option: str) -> Any:
    try:
        return parse_time(text)
    except IncidentError as error:
        raise ParameterError(error.what, option, error.next_step) from None


def _option_of(where: object) -> object:
    """The option behind a field of the incident file, such as ``sources.cloudtrail.0``."""
    return next((option for field, option in _OPTION_OF.items() if f"{where}.".startswith(f"{field}.")), where)


def _sources(incident: Incident) -> list[Path | str]:
    return [path for kind in ("cloudtrail", "access_logs", "configuration") for path in incident.source_paths(kind)]


def _with_sources(name: str, runs: Path) -> Incident:
    incident = load_incident(name, runs)
    if not _sources(incident):
        raise IncidentError("an incident without sources", incident.where("sources"), "say there where the logs lie")
    return incident


def _run(incident: str, runs: Path, playbooks: list[str] | None) -> RunResult:
    from ir_kit.records.runs import run_playbooks

    _with_sources(incident, runs)
    result = run_playbooks(incident, runs, playbooks, progress=_say)
    for failure in result.failures:
        _say(failure)
    _say(f"seal sha256:{result.seal.removeprefix('sha256:')}")
    return result
