"""The command line: each command opens an incident, hands it to the part that does the work, and says where it lies.

Results go to standard output, progress and errors to standard error. Exit status: 0 done; 1 done, and what was checked
does not hold; 2 the input is wrong; 3 evidence could not be read at all; 4 a playbook failed; 5 done in part. Of a fault
in ir-kit itself the traceback is shown, with status 70, so that it is never taken for a verdict.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option
from typer.core import TyperCommand, TyperGroup

from ir_kit.errors import EvidenceError, IncidentError, IrKitError, ParameterError, one_line
from ir_kit.incident import Incident, load_incident, new_incident, parse_time

if TYPE_CHECKING:
    from ir_kit.collect.collecting import Collected
    from ir_kit.record.archive import Archive
    from ir_kit.record.runs import RunResult

DEMO = "demo"
FAULT = 70
UNREAD = 141  # as of a process that ends because its output has no reader
FINDING = Option(metavar="FILE", help="A GuardDuty finding in JSON, from the API or EventBridge.")
Texts = list[str] | None
Runs = Annotated[Path, Option("--runs", metavar="DIR", help="The folder of all incidents.")]
Name = Annotated[str, Argument(metavar="INCIDENT", help="The incident's name: its folder below --runs.")]
Profile = Annotated[
    str | None, Option(metavar="P", help="A profile of the AWS configuration; else the ambient credentials.")
]
Yes = Annotated[bool, Option("--yes", help="Fetch without asking; needed where no person is at the terminal.")]
CopyTo = Annotated[
    str | None, Option(metavar="S3URI", help="Copy the sealed run to s3://BUCKET/PREFIX, with the ambient credentials.")
]
# of a field of the incident file that is not called like its option
OPTION_OF = {
    "access_keys": "access-key", "baseline": "baseline-start", "buckets": "bucket",
    "sensitive_buckets": "sensitive-bucket",
}  # fmt: skip


class Commands(TyperGroup):
    """Says in one line on standard error what is wrong, and exits with the status that belongs to it."""

    def main(self, args: Sequence[str] | None = None, *more: Any, **extra: Any) -> Any:
        given = list(sys.argv[1:] if args is None else args) or ["--help"]
        try:
            status = super().main(given, *more, **{**extra, "standalone_mode": False})
        except typer.TyperException as error:
            context = getattr(error, "ctx", None)
            command = context.command_path if context else "ir-kit"
            message = getattr(error, "format_message", error.__str__)()
            usage = ParameterError(message.rstrip("."), command, f"see {command} --help")
            say(f"ir-kit: {usage}")
            status = usage.exit_status
        except SystemExit as left:  # typer's own 1 where nobody reads on; it would be taken for a verdict
            status = UNREAD if left.code == 1 else left.code
        sys.exit(status if isinstance(status, int) else 0)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except IrKitError as error:
            say(f"ir-kit: {error}")
            raise typer.Exit(error.exit_status) from None
        except KeyboardInterrupt:
            say("ir-kit: interrupted")
            raise typer.Exit(130) from None


class SeveralValues(TyperCommand):
    """Lets a repeatable option take several values: ``--bucket a b`` is ``--bucket a --bucket b``.

    Only once the incident has been named, so that ``--access-key K INC-1`` still names the incident.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        repeatable = {name for param in self.params if getattr(param, "multiple", False) for name in param.opts}
        expanded: list[str] = []
        option, named = "", False
        for arg in args:
            if arg.startswith("-"):
                option = arg
            elif named and option in repeatable and expanded[-1] != option:
                expanded.append(option)
            elif "=" in option or expanded[-1:] != [option]:
                option, named = "", True
            expanded.append(arg)
        return super().parse_args(ctx, expanded)


def say(line: object) -> None:
    """A line on standard error."""
    typer.echo(line, err=True)


def sources_of(incident: Incident) -> list[Path | str]:
    """Where all evidence of an incident lies."""
    return [path for kind in ("cloudtrail", "access_logs", "configuration") for path in incident.source_paths(kind)]


def with_sources(name: str, runs: Path) -> Incident:
    """The incident of this name; one without sources is refused."""
    incident = load_incident(name, runs)
    if not sources_of(incident):
        raise IncidentError("an incident without sources", incident.where("sources"), "say there where the logs lie")
    return incident


def archive_at(place: str | None) -> Archive | None:
    """The place that a run is copied to; one that is none is refused before anything is run."""
    if place is None:
        return None
    from ir_kit.record.archive import Archive

    return Archive(place)


def run_all(incident: str, runs: Path, playbooks: Texts, archive: Archive | None = None) -> RunResult:
    """Run, say the seal, print the run's folder, and copy it where that was asked for."""
    from ir_kit.record.runs import StoredEvidence, run_playbooks
    from ir_kit.sessions.labels import read_labels

    opened = with_sources(incident, runs)
    read_labels(opened.folder)  # a wrong line is wrong input, known before anything is run
    result = run_playbooks(incident, runs, playbooks, evidence=StoredEvidence(reading), progress=say)
    for failure in result.failures:
        say(failure)
    say(f"seal sha256:{result.seal.removeprefix('sha256:')}")
    typer.echo(result.path)
    if archive is not None:
        archive.copy(result.path, incident, say)
    return result


@contextmanager
def reading() -> Iterator[Callable[[int, int], None]]:
    """Shows on standard error how far reading has come, for as long as the block lasts."""
    if not sys.stderr.isatty():
        printed: set[int] = set()

        def tell(done: int, total: int) -> None:
            tenth = 10 * done // total if total else 10
            if tenth not in printed:
                printed.add(tenth)
                say(f"read {done / 1e6:,.1f} of {total / 1e6:,.1f} MB")

        yield tell
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


app = typer.Typer(
    name="ir-kit",
    cls=Commands,
    help="What did leaked AWS access keys do in S3, what was downloaded, and what can nobody know any more?",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.command()
def demo(runs: Runs = Path("runs")) -> None:
    """Lay out the sample incident and run every playbook.

    Prints the path of the run folder and of its report.html.
    """
    if not (runs / DEMO / "incident.yaml").exists():
        from ir_kit.sample import lay_out

        say("laying out the sample incident's evidence")
        new_incident(runs, DEMO, lay_out(runs / DEMO))
    result = run_all(DEMO, runs, None)
    typer.echo(result.report)
    raise typer.Exit(result.exit_status)


@app.command("open", cls=SeveralValues)
def open_incident(
    incident: Name,
    access_key: Annotated[Texts, Option(metavar="K", help="A leaked access key id; repeatable.")] = None,
    start: Annotated[str | None, Option(metavar="T", help="The window's start, ISO 8601 with a zone.")] = None,
    end: Annotated[str | None, Option(metavar="T", help="The window's end, the first moment outside.")] = None,
    baseline_start: Annotated[
        str | None, Option(metavar="T", help="Where the baseline starts; it ends where the window starts.")
    ] = None,
    cloudtrail: Annotated[
        Texts, Option(metavar="PATH", help="CloudTrail logs: folder, file or s3:// prefix; repeatable.")
    ] = None,
    access_logs: Annotated[Texts, Option(metavar="PATH", help="S3 server access logs, likewise; repeatable.")] = None,
    configuration: Annotated[
        str | None, Option(metavar="PATH", help="Configuration answers, one JSON object a line.")
    ] = None,
    bucket: Annotated[
        Texts, Option(metavar="B", help="A bucket in scope; none: every bucket seen; repeatable.")
    ] = None,
    sensitive_bucket: Annotated[Texts, Option(metavar="B", help="A bucket with data to protect; repeatable.")] = None,
    from_finding: Annotated[Path | None, FINDING] = None,
    runs: Runs = Path("runs"),
) -> None:
    """Write an incident file.

    RUNS/INCIDENT/incident.yaml, from options or from a GuardDuty finding; one that is there stays.

    With --from-finding, --access-key adds keys, and --start, --end and --baseline-start replace the finding's times.
    """
    fields: dict[str, Any] = {"access_keys": access_key or [], "window": {}}
    if from_finding:
        from ir_kit.guardduty import read_finding

        finding = read_finding(from_finding)
        fields = finding.incident_fields(access_key or [])
        say(finding.line())
    window = fields["window"]
    for name, text in (("start", start), ("end", end)):
        if text is not None:
            window[name] = time_given(text, f"--{name}")
        elif name not in window:
            raise ParameterError("an option is missing", f"--{name}", f"give --{name} TIME, or --from-finding FILE")
    if baseline_start is not None:
        fields["baseline"] = {"start": time_given(baseline_start, "--baseline-start"), "end": window["start"]}
    elif "baseline" in fields:
        length = fields["baseline"]["end"] - fields["baseline"]["start"]
        fields["baseline"] = {"start": window["start"] - length, "end": window["start"]}
    fields["buckets"], fields["sensitive_buckets"] = bucket or [], sensitive_bucket or []
    fields["sources"] = {"cloudtrail": cloudtrail, "access_logs": access_logs, "configuration": configuration}
    try:
        path = new_incident(runs, incident, fields, base=Path.cwd())
    except IncidentError as error:
        field, *below = str(error.where).split(".")
        option = below[0] if field in ("window", "sources") else OPTION_OF.get(field)
        where = f"--{option.replace('_', '-')}" if option else error.where
        raise IncidentError(error.what, where, error.next_step) from None
    written = load_incident(incident, runs)
    for source in sources_of(written):
        if isinstance(source, Path) and not source.exists():
            say(f"nothing there yet: {source}")
    if not sources_of(written):
        say(f"no sources yet: add them to {path}")
    typer.echo(path)


def time_given(text: str, option: str) -> datetime:
    """The moment that an option names."""
    try:
        return parse_time(text)
    except IncidentError as error:
        raise ParameterError(error.what, option, error.next_step) from None


@app.command(cls=SeveralValues)
def collect(
    incident: Name = "",
    profile: Profile = None,
    region: Annotated[Texts, Option(metavar="R", help="Only this Region's trails and settings; repeatable.")] = None,
    yes: Yes = False,
    print_policy: Annotated[
        bool, Option("--print-policy", help="Print the IAM policy that collecting needs, and do nothing else.")
    ] = False,
    runs: Runs = Path("runs"),
) -> None:
    """Fetch evidence from AWS, read-only.

    Into RUNS/INCIDENT/evidence/raw/, and adds it to the incident's sources. Says what there is and what fetching it
    takes before it asks. The same command goes on where it stopped.
    """
    if print_policy:
        from ir_kit.collect.policy import policy_json

        typer.echo(policy_json())
        return
    if not incident:
        raise ParameterError("Missing argument 'INCIDENT'", "ir-kit collect", "see ir-kit collect --help")
    collected = collect_agreed(incident, runs, profile, region or [], yes)
    if collected is None:
        say("nothing was fetched")
    else:
        typer.echo(collected.raw)


@app.command()
def ingest(incident: Name, runs: Runs = Path("runs")) -> None:
    """Read raw logs into the evidence store.

    What has been read before is not read again.
    """
    from ir_kit.ingest.loader import ingest as read_sources

    opened = with_sources(incident, runs)
    with reading() as tell:
        report = read_sources(opened, progress=tell)
    for line in report.summary_lines():
        typer.echo(one_line(line))


@app.command()
def run(
    incident: Name,
    playbooks: Annotated[Texts, Argument(metavar="[PLAYBOOK]...", help="None: every playbook.")] = None,
    copy_to: CopyTo = None,
    runs: Runs = Path("runs"),
) -> None:
    """Execute playbooks and seal the record.

    Prints the run folder's path as the last line of standard output, and on standard error the seal: the SHA-256 of its
    tag manifest, to be kept elsewhere.
    """
    raise typer.Exit(run_all(incident, runs, playbooks or None, archive_at(copy_to)).exit_status)


@app.command()
def respond(
    incident: Name,
    from_finding: Annotated[Path, FINDING],
    profile: Profile = None,
    yes: Yes = False,
    copy_to: CopyTo = None,
    runs: Runs = Path("runs"),
) -> None:
    """Open, collect and run in one go.

    Without a terminal, for automation. Given again, it goes on with the incident that it opened. Prints the run folder's
    path as the last line of standard output.
    """
    ask_or_refuse(yes)
    archive = archive_at(copy_to)
    if not (runs / incident / "incident.yaml").exists():
        open_incident(incident, from_finding=from_finding, runs=runs)
    collected = collect_agreed(incident, runs, profile, [], yes)
    if collected is None:
        raise ParameterError("nothing was fetched, so nothing was run", incident, "answer yes, or give --yes")
    raise typer.Exit(run_all(incident, runs, None, archive).exit_status)


def collect_agreed(incident: str, runs: Path, profile: str | None, regions: list[str], yes: bool) -> Collected | None:
    """Collect, once that has been agreed to; None where it was not."""
    from ir_kit.aws.clients import Session
    from ir_kit.aws.faults import StoppedError
    from ir_kit.collect.collecting import collect as collect_evidence

    opened = load_incident(incident, runs)
    ask_or_refuse(yes)
    try:
        session = Session(profile)
    except StoppedError as error:  # no call was made: it is the option, or the configuration, that is wrong
        where = error.where if profile is None else f"--profile {profile}"
        raise ParameterError(error.what, where, error.next_step) from None

    def agreed() -> bool:
        try:
            return yes or typer.confirm("fetch it?", err=True)
        except typer.Abort:
            return False

    try:
        return collect_evidence(opened, session, regions, agreed=agreed, say=lambda line: say(one_line(line)))
    except OSError as error:
        what = f"a file cannot be written ({error.strerror or type(error).__name__})"
        next_step = "make room or check its permissions, and give the same command again"
        raise EvidenceError(what, error.filename or opened.folder, next_step) from None


def ask_or_refuse(yes: bool) -> None:
    """Nothing is fetched where nobody can be asked, and nobody has agreed."""
    if not yes and not sys.stdin.isatty():
        raise ParameterError("nobody is here to ask", "no terminal and no --yes", "give --yes to fetch without asking")


@app.command()
def verify(
    run_dir: Annotated[Path, Argument(metavar="RUN_DIR", help="A run's folder.")],
    evidence: Annotated[bool, Option("--evidence", help="Also whether the source files are what was read.")] = False,
    seal: Annotated[str | None, Option(metavar="SHA256", help="The seal that was kept elsewhere.")] = None,
    runs: Runs = Path("runs"),
) -> None:
    """Say whether a run is what was sealed."""
    from ir_kit.record.bag import seal_of, verify_run

    folder = run_dir if run_dir.exists() or not (runs / run_dir).exists() else runs / run_dir
    expected = None if seal is None else seal.strip().lower().removeprefix("sha256:")
    problems = verify_run(folder, evidence=evidence, seal=expected)
    for problem in problems:
        typer.echo(problem)
    if problems:
        raise typer.Exit(1)
    say(f"seal sha256:{seal_of(folder)}")
    typer.echo(f"{folder} is what was sealed" + (", and its source files are what was read" if evidence else ""))


@app.command()
def lab(
    incident: Annotated[str, Argument(metavar="[INCIDENT]", help="What the playbooks start with.")] = "",
    runs: Runs = Path("runs"),
) -> None:
    """Open JupyterLab on working copies of the playbooks, beside the incident file.

    A copy that has edits is never written over.
    """
    from ir_kit.record.lab import open_lab

    messages, opened = open_lab(runs, incident, Path(__file__).parent.parent / "playbooks")
    for line in messages:
        say(line)
    with opened as server:
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
