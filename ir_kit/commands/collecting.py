"""`ir-kit collect` and `ir-kit respond`: evidence from AWS, read-only."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ir_kit.commands.base import Name, Runs, archive_at, run_all, say
from ir_kit.commands.opening import open_incident
from ir_kit.errors import EvidenceError, ParameterError, one_line
from ir_kit.incident import load_incident

if TYPE_CHECKING:
    from ir_kit.aws.clients import Session
    from ir_kit.collect.collecting import Collected

Profile = Annotated[
    str | None, typer.Option(metavar="P", help="A profile of the AWS configuration; else the ambient credentials.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Fetch without asking; needed where no person is at the terminal.")]
CopyTo = Annotated[
    str | None,
    typer.Option(metavar="S3URI", help="Copy the sealed run to s3://BUCKET/PREFIX, with the ambient credentials."),
]


def collect(
    incident: Annotated[
        str, typer.Argument(metavar="INCIDENT", help="The incident's name: its folder below --runs.")
    ] = "",
    profile: Profile = None,
    region: Annotated[
        list[str] | None, typer.Option(metavar="R", help="Only this Region's trails and settings; repeatable.")
    ] = None,
    yes: Yes = False,
    print_policy: Annotated[
        bool, typer.Option("--print-policy", help="Print the IAM policy that collecting needs, and do nothing else.")
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
    collected = _collect(incident, runs, profile, region or [], yes)
    if collected is None:
        say("nothing was fetched")
        return
    typer.echo(collected.raw)


def respond(
    incident: Name,
    from_finding: Annotated[
        Path, typer.Option(metavar="FILE", help="A GuardDuty finding in JSON, from the API or EventBridge.")
    ],
    profile: Profile = None,
    yes: Yes = False,
    copy_to: CopyTo = None,
    runs: Runs = Path("runs"),
) -> None:
    """Open, collect and run in one go.

    Without a terminal, for automation. Given again, it goes on with the incident that it opened. Prints the run folder's
    path as the last line of standard output.
    """
    _ask_or_refuse(yes)
    archive = archive_at(copy_to)
    if not (runs / incident / "incident.yaml").exists():
        open_incident(incident, from_finding=from_finding, runs=runs)
    collected = _collect(incident, runs, profile, [], yes)
    if collected is None:
        raise ParameterError("nothing was fetched, so nothing was run", incident, "answer yes, or give --yes")
    result = run_all(incident, runs, None, archive)
    typer.echo(result.path)
    raise typer.Exit(result.exit_status)


def _collect(incident: str, runs: Path, profile: str | None, regions: list[str], yes: bool) -> Collected | None:
    from ir_kit.collect.collecting import collect as collect_evidence

    opened = load_incident(incident, runs)
    _ask_or_refuse(yes)
    session = _session(profile)
    agreed = (lambda: True) if yes else _agreed
    try:
        return collect_evidence(opened, session, regions, agreed=agreed, say=lambda line: say(one_line(line)))
    except OSError as error:
        where = error.filename or opened.folder
        what = f"a file cannot be written ({error.strerror or type(error).__name__})"
        raise EvidenceError(
            what, where, "make room or check its permissions, and give the same command again"
        ) from None


def _session(profile: str | None) -> Session:
    from ir_kit.aws.clients import Session
    from ir_kit.aws.faults import StoppedError

    try:
        return Session(profile)
    except StoppedError as error:  # no call was made: it is the option, or the configuration, that is wrong
        where = error.where if profile is None else f"--profile {profile}"
        raise ParameterError(error.what, where, error.next_step) from None


def _ask_or_refuse(yes: bool) -> None:
    if not yes and not sys.stdin.isatty():
        raise ParameterError("nobody is here to ask", "no terminal and no --yes", "give --yes to fetch without asking")


def _agreed() -> bool:
    try:
        return typer.confirm("fetch it?", err=True)
    except typer.Abort:
        return False
