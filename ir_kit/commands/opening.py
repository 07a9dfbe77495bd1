"""`ir-kit open`: options or a GuardDuty finding into an incident file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ir_kit.commands.base import Name, Runs, say, sources_of
from ir_kit.errors import IncidentError, ParameterError
from ir_kit.guardduty import BASELINE, finding_facts, incident_from_finding, read_finding
from ir_kit.incident import load_incident, new_incident, parse_time

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
        say(finding_facts(finding, name=from_finding).line())
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
    for source in sources_of(written):
        if isinstance(source, Path) and not source.exists():
            say(f"nothing there yet: {source}")
    if not sources_of(written):
        say(f"no sources yet: add them to {path}")
    typer.echo(path)


def _moment(text: str, option: str) -> Any:
    try:
        return parse_time(text)
    except IncidentError as error:
        raise ParameterError(error.what, option, error.next_step) from None


def _option_of(where: object) -> object:
    """The option behind a field of the incident file, such as ``sources.cloudtrail.0``."""
    return next((option for field, option in _OPTION_OF.items() if f"{where}.".startswith(f"{field}.")), where)
