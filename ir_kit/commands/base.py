"""What every command shares: one line for what is wrong, the status that belongs to it, and where progress goes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from ir_kit.errors import IncidentError, IrKitError, ParameterError
from ir_kit.incident import Incident, load_incident

if TYPE_CHECKING:
    from ir_kit.record.archive import Archive
    from ir_kit.record.runs import RunResult

UNREAD = 141  # as of a process that ends because its output has no reader
Runs = Annotated[Path, typer.Option("--runs", metavar="DIR", help="The folder of all incidents.")]
Name = Annotated[str, typer.Argument(metavar="INCIDENT", help="The incident's name: its folder below --runs.")]


class Commands(TyperGroup):
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


def _message(error: typer.TyperException) -> str:
    show = getattr(error, "format_message", None)
    return str(show() if show else error)


def say(line: object) -> None:
    typer.echo(line, err=True)


def sources_of(incident: Incident) -> list[Path | str]:
    return [path for kind in ("cloudtrail", "access_logs", "configuration") for path in incident.source_paths(kind)]


def with_sources(name: str, runs: Path) -> Incident:
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


def run_all(incident: str, runs: Path, playbooks: list[str] | None, archive: Archive | None = None) -> RunResult:
    """Run, say the seal, and copy the run where that was asked for."""
    from ir_kit.commands.progress import reading
    from ir_kit.record.runs import StoredEvidence, run_playbooks
    from ir_kit.sessions.labels import read_labels

    opened = with_sources(incident, runs)
    if opened.engine != "duckdb":  # the record would name an engine that has answered nothing
        raise IncidentError(f"no engine {opened.engine} here yet", opened.where("engine"), "write engine: duckdb")
    read_labels(opened.folder)  # a wrong line is wrong input, known before anything is run
    result = run_playbooks(incident, runs, playbooks, evidence=StoredEvidence(reading), progress=say)
    for failure in result.failures:
        say(failure)
    say(f"seal sha256:{result.seal.removeprefix('sha256:')}")
    if archive is not None:
        try:
            archive.copy(result.path, incident, say)
        except IrKitError:
            typer.echo(result.path)  # the run is there all the same
            raise
    return result
