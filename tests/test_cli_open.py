"""Facts on ``ir-kit open``: options and findings into an incident file."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ir_kit import cli
from ir_kit.incident import load_incident

KEY, OTHER = "AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"
TIMES = ["--start", "2026-03-01T00:00:00Z", "--end", "2026-03-08T00:00:00Z"]
FINDING = {
    "Type": "Exfiltration:S3/AnomalousBehavior",
    "Title": "Unusual reads",
    "Resource": {"AccessKeyDetails": {"AccessKeyId": KEY}},
    "Service": {"EventFirstSeen": "2026-03-02T10:20:30Z", "EventLastSeen": "2026-03-03T14:00:01Z"},
}
Invoke = Callable[..., Result]


@pytest.fixture
def ir_kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """The command line, called in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *args: CliRunner().invoke(cli.app, [str(arg) for arg in args], prog_name="ir-kit")


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


def test_open_writes_the_incident_and_prints_its_path(ir_kit: Invoke, opened: Path) -> None:
    incident = load_incident("INC-1", opened.parent.parent)
    assert incident.access_keys == (KEY,)
    assert incident.window.end == datetime(2026, 3, 8, tzinfo=UTC)
    assert incident.baseline is None
    assert incident.source_paths("cloudtrail") == [opened.parent.parent.parent / "logs"]
    again = ir_kit("open", "INC-2", "--access-key", KEY, *TIMES)
    assert again.stdout == "runs/INC-2/incident.yaml\n"


def test_open_refuses_to_overwrite(ir_kit: Invoke, opened: Path) -> None:
    before = opened.read_bytes()
    assert "the incident exists" in one_line(ir_kit("open", "INC-1", "--access-key", OTHER, *TIMES))
    assert opened.read_bytes() == before


def test_open_takes_a_list_as_several_values_or_several_options(ir_kit: Invoke, tmp_path: Path) -> None:
    several = [
        "--access-key",
        KEY,
        OTHER,
        "--bucket",
        "bucket-a",
        "bucket-b",
        "--cloudtrail",
        "a",
        "b",
        "--access-logs",
        "c",
        "d",
    ]
    repeated = [
        "--access-key",
        KEY,
        f"--access-key={OTHER}",
        "--bucket=bucket-a",
        "--bucket",
        "bucket-b",
        "--cloudtrail",
        "a",
    ]
    repeated += ["--cloudtrail", "b", "--access-logs", "c", "--access-logs", "d"]
    assert ir_kit("open", "INC-1", *several, *TIMES).exit_code == 0
    assert ir_kit("open", "INC-2", *repeated, *TIMES).exit_code == 0
    first, second = load_incident("INC-1", tmp_path / "runs"), load_incident("INC-2", tmp_path / "runs")
    assert first.access_keys == second.access_keys == (KEY, OTHER)
    assert first.buckets == second.buckets == ("bucket-a", "bucket-b")
    assert first.source_paths("cloudtrail") == second.source_paths("cloudtrail") == [tmp_path / "a", tmp_path / "b"]
    assert first.source_paths("access_logs") == second.source_paths("access_logs") == [tmp_path / "c", tmp_path / "d"]


def test_the_incident_may_follow_the_options(ir_kit: Invoke, tmp_path: Path) -> None:
    assert ir_kit("open", "--access-key", KEY, *TIMES, "INC-1").exit_code == 0
    assert ir_kit("open", "--access-key", KEY, "INC-2", *TIMES, "--bucket", "bucket-a", "bucket-b").exit_code == 0
    assert load_incident("INC-2", tmp_path / "runs").buckets == ("bucket-a", "bucket-b")


def test_open_takes_every_option_of_the_contract(ir_kit: Invoke, tmp_path: Path) -> None:
    options = [
        "--baseline-start",
        "2026-02-01T00:00:00Z",
        "--configuration",
        "c.jsonl",
        "--sensitive-bucket",
        "customer-records",
    ]
    assert ir_kit("open", "INC-1", "--access-key", KEY, *TIMES, *options, "--runs", "elsewhere").exit_code == 0
    incident = load_incident("INC-1", tmp_path / "elsewhere")
    assert incident.baseline is not None
    assert incident.baseline.end == incident.window.start
    assert incident.sensitive_buckets == ("customer-records",)
    assert incident.source_paths("configuration") == [tmp_path / "c.jsonl"]


def test_open_says_which_source_is_not_there_yet(ir_kit: Invoke, tmp_path: Path) -> None:
    result = ir_kit("open", "INC-1", "--access-key", KEY, *TIMES, "--cloudtrail", "logs", "s3://bucket/prefix")
    assert result.exit_code == 0
    assert result.stderr == f"nothing there yet: {tmp_path / 'logs'}\n"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["INC-1", "--access-key", KEY], "an option is missing: --start; give --start TIME, or --from-finding FILE"),
        (["INC-1", *TIMES], "no access key: --access-key"),
        (["INC-1", "--access-key", "nope", *TIMES], "malformed access key id (4 characters): --access-key"),
        (
            ["INC-1", "--access-key", KEY, "--start", "2026-03-01", *TIMES[2:]],
            "a date without a time '2026-03-01': --start; ",
        ),
        (
            ["INC-1", "--access-key", KEY, *TIMES[:3], "2026-03-08T00:00:00"],
            "a time without a zone '2026-03-08T00:00:00': --end",
        ),
        (["INC-1", "--access-key", KEY, *TIMES[:3], TIMES[1]], "an end that is not after its start: --end"),
        (
            ["INC-1", "--access-key", KEY, *TIMES, "--baseline-start", TIMES[1]],
            "an end that is not after its start: --baseline",
        ),
        (["INC-1", "--access-key", KEY, *TIMES, "--bucket", "s3://b"], "not a bucket's name 's3://b': --bucket"),
        (["INC-1", "--access-key", KEY, *TIMES, "--configuration", ""], "not a path: --configuration"),
        (["../x", "--access-key", KEY, *TIMES], "not an incident's name: '../x'"),
        (["INC-1", "--from-finding", "none.json"], "the finding cannot be read (No such file or directory): none.json"),
    ],
)
def test_what_open_refuses_is_one_line_that_names_the_option(
    ir_kit: Invoke, tmp_path: Path, args: list[str], says: str
) -> None:
    assert says in one_line(ir_kit("open", *args))
    assert not (tmp_path / "runs").exists()


def test_open_from_a_finding(ir_kit: Invoke, tmp_path: Path) -> None:
    (tmp_path / "finding.json").write_text(json.dumps(FINDING))
    assert ir_kit("open", "INC-1", "--from-finding", "finding.json", "--cloudtrail", "logs").exit_code == 0
    incident = load_incident("INC-1", tmp_path / "runs")
    assert (incident.title, incident.access_keys, incident.buckets) == ("Unusual reads", (KEY,), ())
    assert incident.window.start == datetime(2026, 3, 1, 10, tzinfo=UTC)


def test_options_beside_a_finding_add_keys_and_replace_times(ir_kit: Invoke, tmp_path: Path) -> None:
    (tmp_path / "finding.json").write_text(json.dumps(FINDING))
    options = ["--access-key", OTHER, "--start", "2026-02-20T00:00:00Z"]
    assert ir_kit("open", "INC-1", "--from-finding", "finding.json", *options).exit_code == 0
    incident = load_incident("INC-1", tmp_path / "runs")
    assert incident.access_keys == (KEY, OTHER)
    assert incident.window.start == datetime(2026, 2, 20, tzinfo=UTC)
    assert incident.window.end == datetime(2026, 3, 4, 15, tzinfo=UTC)
    assert incident.baseline is not None
    assert incident.baseline.start == datetime(2026, 1, 23, tzinfo=UTC)
    assert incident.baseline.end == incident.window.start


def test_a_finding_without_a_key_names_its_file(ir_kit: Invoke, tmp_path: Path) -> None:
    (tmp_path / "finding.json").write_text(json.dumps({**FINDING, "Resource": {}}))
    line = one_line(ir_kit("open", "INC-1", "--from-finding", "finding.json"))
    assert line.startswith(
        "a finding of type Exfiltration:S3/AnomalousBehavior without a usable access key id: finding.json;"
    )
