"""The command line: each command opens an incident, hands it to the part that does the work, and says where it lies.

Results go to standard output, progress and errors to standard error. Exit status: 0 done; 1 done, and what was checked
does not hold; 2 the input is wrong; 3 evidence could not be read at all; 4 a playbook failed. Of a fault in ir-kit
itself the traceback is shown, with status 70, so that it is never taken for a verdict.
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from ir_kit.commands.base import Commands, Name, Runs, SeveralValues, archive_at, run_all, say, with_sources
from ir_kit.commands.collecting import CopyTo, collect, respond
from ir_kit.commands.opening import open_incident
from ir_kit.commands.progress import reading
from ir_kit.errors import one_line
from ir_kit.incident import new_incident

DEMO = "demo"
FAULT = 70

app = typer.Typer(
    name="ir-kit",
    cls=Commands,
    help="What did leaked AWS access keys do in S3, what left, and what can nobody know any more?",
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
    typer.echo(result.path)
    typer.echo(result.report)
    raise typer.Exit(result.exit_status)


app.command("open", cls=SeveralValues)(open_incident)
app.command(cls=SeveralValues)(collect)


@app.command()
def ingest(incident: Name, runs: Runs = Path("runs")) -> None:
    """Read raw logs into the evidence store.

    What has been read before is not read again.
    """
    from ir_kit.ingest.ingest import ingest as read_sources

    opened = with_sources(incident, runs)
    with reading() as tell:
        report = read_sources(opened, progress=tell)
    for line in report.summary_lines():
        typer.echo(one_line(line))


@app.command()
def run(
    incident: Name,
    playbooks: Annotated[
        list[str] | None, typer.Argument(metavar="[PLAYBOOK]...", help="None: every playbook.")
    ] = None,
    copy_to: CopyTo = None,
    runs: Runs = Path("runs"),
) -> None:
    """Execute playbooks and seal the record.

    Prints the run folder's path as the last line of standard output, and on standard error the seal: the SHA-256 of its
    tag manifest, to be kept elsewhere.
    """
    result = run_all(incident, runs, playbooks or None, archive_at(copy_to))
    typer.echo(result.path)
    raise typer.Exit(result.exit_status)


app.command()(respond)


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
    from ir_kit.record.verify import seal_of, verify_run

    folder = run_dir if run_dir.exists() or not (runs / run_dir).exists() else runs / run_dir
    kept = None if seal is None else seal.strip().lower().removeprefix("sha256:")
    problems = verify_run(folder, evidence=evidence, seal=kept)
    for problem in problems:
        typer.echo(problem)
    if problems:
        raise typer.Exit(1)
    say(f"seal sha256:{seal_of(folder)}")
    typer.echo(f"{folder} is what was sealed" + (", and its source files are what was read" if evidence else ""))


@app.command()
def lab(
    incident: Annotated[str, typer.Argument(metavar="[INCIDENT]", help="What the playbooks start with.")] = "",
    runs: Runs = Path("runs"),
) -> None:
    """Open JupyterLab on working copies of the playbooks, beside the incident file.

    A copy that has edits is never written over.
    """
    from ir_kit.record.lab import open_lab

    said, opened = open_lab(runs, incident, Path(__file__).parent.parent / "playbooks")
    for line in said:
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
