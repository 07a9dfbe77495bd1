"""Facts on `ir-kit collect` and `ir-kit respond`, against the sample's account served over HTTP."""

from __future__ import annotations

import fnmatch
import gzip
import importlib.util
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from ir_kit import cli
from ir_kit.aws.operations import ALLOWED
from ir_kit.collect import collecting
from ir_kit.collect.policy import policy_document, policy_json
from ir_kit.incident import load_incident, new_incident
from ir_kit.record.archive import ArchiveError
from simulator import incident_fields, make_sample

Invoke = Callable[..., Result]
CALLER = "arn:aws:sts::111122223333:assumed-role/ir-readonly/triage"
SECRET = "s" * 40


def beside(path: Path) -> ModuleType:
    """A module that lies in no package."""
    found = importlib.util.spec_from_file_location(path.stem, path)
    assert found and found.loader
    module = importlib.util.module_from_spec(found)
    sys.modules.setdefault(path.stem, module)
    found.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The sample's account, small, over HTTP."""
    module = beside(Path(__file__).parent / "collect" / "sample_account.py")
    folder = tmp_path_factory.mktemp("sample")
    make_sample(folder, 1, scale=0.01)
    account = module.SampleAccount(folder / "evidence")
    account.fill()
    account.module = module
    with account.served():
        yield account


@pytest.fixture
def account(served: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The sample's account, and an environment that leads to it."""
    served.calls.clear()
    served.before = None
    for name, value in served.environment().items():
        monkeypatch.setenv(name, value)
    return served


@pytest.fixture
def ir_kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """The command line, called in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *args: CliRunner().invoke(cli.app, [str(arg) for arg in args], prog_name="ir-kit")


@pytest.fixture
def opened(tmp_path: Path) -> Path:
    """An incident without sources, of two days, in two buckets."""
    window = {"start": "2026-03-03T00:00:00Z", "end": "2026-03-05T00:00:00Z"}
    fields = {**incident_fields(), "window": window, "baseline": None, "sources": {}, "responders": []}
    return new_incident(tmp_path / "runs", "INC-1", fields | {"buckets": ["customer-records", "analytics-results"]})


def one_line(result: Result, status: int) -> str:
    """The one line on standard error with which a command gave up."""
    assert result.exit_code == status, result.output
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert result.stderr.startswith("ir-kit: ")
    assert SECRET not in result.stderr
    return result.stderr.removeprefix("ir-kit: ").rstrip("\n")


def test_without_a_terminal_collect_asks_nobody_and_is_refused_before_a_call(
    ir_kit: Invoke, account: Any, opened: Path
) -> None:
    line = one_line(ir_kit("collect", "INC-1"), 2)
    assert line == "nobody is here to ask: no terminal and no --yes; give --yes to fetch without asking"
    assert account.calls == []


def test_the_policy_is_printed_without_an_incident_or_credentials(ir_kit: Invoke) -> None:
    assert json.loads(ir_kit("collect", "--print-policy").stdout) == policy_document()


def test_collect_without_an_incident_is_a_usage_error(ir_kit: Invoke) -> None:
    assert one_line(ir_kit("collect", "--yes"), 2).startswith("Missing argument 'INCIDENT': ir-kit collect")


@pytest.mark.slow
def test_collect_fetches_names_its_sources_and_records_the_caller(ir_kit: Invoke, account: Any, opened: Path) -> None:
    opened.write_text(opened.read_text() + "# my note\n")
    result = ir_kit("collect", "INC-1", "--yes")
    assert result.exit_code == 0, result.output
    raw = opened.parent / "evidence" / "raw"
    assert Path(result.stdout.strip()).resolve() == raw.resolve()
    incident = load_incident("INC-1", opened.parents[1])
    assert incident.sources.cloudtrail == ("evidence/raw/trail-logs-111122223333",)
    assert incident.sources.access_logs == ("evidence/raw/access-logs-111122223333",)
    assert incident.sources.configuration == ("evidence/raw/configuration.jsonl",)
    assert incident.responders == (CALLER,)
    assert opened.read_text().endswith("# my note\n")
    lines = [json.loads(line) for line in (raw / "configuration.jsonl").read_text().splitlines()]
    assert {line["account"] for line in lines} == {"111122223333"}
    refused = [line for line in lines if line["operation"] == "GetBucketPolicy" and "error" in line]
    assert [(line["parameters"], line["error"]["Code"]) for line in refused] == [
        ({"Bucket": "analytics-results"}, "AccessDenied")
    ]
    signed = [line for line in lines if line["operation"] == "HeadObject"]
    assert signed
    assert all(line["response"]["Metadata"]["signature"] for line in signed)
    assert SECRET not in (raw / "configuration.jsonl").read_text() + result.stderr

    again = ir_kit("collect", "INC-1", "--yes")
    assert again.exit_code == 0
    assert "fetched 0 objects" in again.stderr
    later = load_incident("INC-1", opened.parents[1]).sources.configuration
    assert later[0] == "evidence/raw/configuration.jsonl"
    assert len(later) == 2  # what was read before stays as it was read


@pytest.mark.slow
def test_one_region_that_refuses_stops_nothing(ir_kit: Invoke, account: Any, opened: Path) -> None:
    def refuse(service: str, operation: str, region: str, given: dict[str, Any]) -> None:
        if region == "eu-west-1" and service != "s3":
            code = "UnrecognizedClientException" if service == "cloudtrail" else "AccessDeniedException"
            raise account.module.Fault(code, "The security token included in the request is invalid")

    account.before = refuse
    result = ir_kit("collect", "INC-1", "--yes")
    assert result.exit_code == 0, result.output
    assert "trails were refused in eu-west-1" in result.stderr
    assert load_incident("INC-1", opened.parents[1]).sources.cloudtrail


@pytest.mark.slow
def test_credentials_that_expire_half_way_are_status_3_and_the_same_command_goes_on(
    ir_kit: Invoke, account: Any, opened: Path
) -> None:
    def expire(service: str, operation: str, region: str, given: dict[str, Any]) -> None:
        if operation == "ListUsers":
            raise account.module.Fault("ExpiredToken", f"The token {SECRET} is expired")

    account.before = expire
    result = ir_kit("collect", "INC-1", "--yes")
    assert result.exit_code == 3, result.output
    assert "the credentials have expired; what was fetched is kept" in result.stderr.splitlines()[-1]
    assert SECRET not in result.stderr
    account.before = None
    account.calls.clear()
    assert ir_kit("collect", "INC-1", "--yes").exit_code == 0
    assert ("s3", "ListBuckets", "us-east-1") not in account.calls  # answered the first time
    assert load_incident("INC-1", opened.parents[1]).sources.configuration == ("evidence/raw/configuration.jsonl",)


@pytest.mark.parametrize(
    ("code", "status", "says"),
    [
        ("ExpiredToken", 3, "the credentials have expired"),
        ("InvalidClientTokenId", 3, "AWS does not accept the credentials (InvalidClientTokenId)"),
        ("AccessDenied", 3, "AWS does not say who asks (AccessDenied)"),
    ],
)
def test_a_caller_that_aws_refuses_is_one_line(
    ir_kit: Invoke, account: Any, opened: Path, code: str, status: int, says: str
) -> None:
    def refuse(service: str, operation: str, region: str, given: dict[str, Any]) -> None:
        raise account.module.Fault(code, f"no: {SECRET}")

    account.before = refuse
    assert one_line(ir_kit("collect", "INC-1", "--yes"), status).startswith(says)


def test_a_profile_that_is_none_is_one_line(ir_kit: Invoke, account: Any, opened: Path) -> None:
    line = one_line(ir_kit("collect", "INC-1", "--yes", "--profile", "nobody"), 2)
    assert line == "there is no such AWS profile: --profile nobody; see `aws configure list-profiles`"
    assert account.calls == []


def test_no_credentials_at_all_is_one_line(
    ir_kit: Invoke, account: Any, opened: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert one_line(ir_kit("collect", "INC-1", "--yes"), 3).startswith("no AWS credentials are to be found")


@pytest.mark.parametrize(
    ("region", "says"), [("mars", "not a Region"), ("ap-south-1", "not a Region that this account")]
)
def test_a_region_that_is_none_is_one_line(ir_kit: Invoke, account: Any, opened: Path, region: str, says: str) -> None:
    assert one_line(ir_kit("collect", "INC-1", "--yes", "--region", region), 2).startswith(says)


def test_a_caller_that_may_do_nothing_leaves_the_refusals_and_is_told(
    ir_kit: Invoke, account: Any, opened: Path
) -> None:
    def refuse(service: str, operation: str, region: str, given: dict[str, Any]) -> None:
        if operation != "GetCallerIdentity":
            raise account.module.Fault("AccessDenied", "User is not authorized")

    account.before = refuse
    result = ir_kit("collect", "INC-1", "--yes")
    assert result.exit_code == 3
    assert result.stderr.splitlines()[-1].startswith("ir-kit: every call but the first was refused: ")
    assert "Traceback" not in result.output


@pytest.fixture
def inventoried(account: Any) -> Iterator[str]:
    """A bucket with a report of S3 Inventory, delivered among access logs."""
    from moto.s3.models import s3_backends

    backend, to, root = s3_backends["111122223333"]["aws"], "access-logs-111122223333", "customer-records/all/"
    key, body = f"{root}data/01234567-89ab-cdef-0123-456789abcdef.csv.gz", gzip.compress(b'"customer-records","a","7"')
    manifest = {
        "sourceBucket": "customer-records", "creationTimestamp": "1772496000000", "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, Size", "files": [{"key": key, "size": len(body)}],
    }  # fmt: skip
    delivered = {key: body, f"{root}2026-03-03T00-00Z/manifest.json": json.dumps(manifest).encode()}
    for name, content in delivered.items():
        backend.put_object(to, name, content)
    one = {"Id": "all", "IsEnabled": True, "IncludedObjectVersions": "Current", "Schedule": {"Frequency": "Daily"}}
    one["Destination"] = {"S3BucketDestination": {"Bucket": f"arn:aws:s3:::{to}", "Format": "CSV"}}

    def answer(service: str, operation: str, region: str, given: dict[str, Any]) -> dict[str, Any] | None:
        wanted = operation == "ListBucketInventoryConfigurations" and given["Bucket"] == "customer-records"
        return {"InventoryConfigurationList": [one], "IsTruncated": False} if wanted else None

    account.before = answer
    yield key
    for name in delivered:
        backend.delete_object(to, name)


@pytest.mark.slow
def test_the_printed_policy_is_enough(
    ir_kit: Invoke, account: Any, opened: Path, monkeypatch: pytest.MonkeyPatch, inventoried: str
) -> None:
    from moto.core.authorization import enable_iam_authentication
    from moto.iam.access_control import IAMPolicyStatement

    # moto takes the `?` of a policy for that of a regular expression
    match = staticmethod(lambda pattern, text: re.fullmatch(fnmatch.translate(pattern), text))
    monkeypatch.setattr(IAMPolicyStatement, "_match", match)
    key, secret = account.module.responder_key(policy_json())
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    with enable_iam_authentication():
        result = ir_kit("collect", "INC-1", "--yes")
    assert result.exit_code == 0, result.output
    lines = (opened.parent / "evidence" / "raw" / "configuration.jsonl").read_text().splitlines()
    refused = [line for line in map(json.loads, lines) if "Denied" in line.get("error", {}).get("Code", "")]
    assert [line["parameters"] for line in refused] == [{"Bucket": "analytics-results"}]  # as in the sample
    assert "not fetched" not in result.stderr
    assert "the report of 2026-03-03T00-00Z by the inventory all of customer-records: 1 object\n" in result.stderr
    assert (opened.parent / "evidence/raw/@inventory/access-logs-111122223333" / inventoried).exists()
    counted = [line["response"].get("Counted") for line in map(json.loads, lines) if line["operation"] == "GetObject"]
    assert counted == [None, {"Objects": 1, "Bytes": 7, "OlderVersions": 0, "OlderBytes": 0}]


def answers(path: Path, module: ModuleType) -> dict[str, dict[str, Any]]:
    """What each call of a configuration answered."""
    found = {}
    for call in map(json.loads, path.read_text().splitlines()):
        asked = {name: value for name, value in call["parameters"].items() if name not in TIMES}
        found[json.dumps([call["service"], call["operation"], asked, call["region"]], sort_keys=True)] = call
    return found


TIMES = ("StartTime", "EndTime", "VersionId", "MaxBuckets")
ABOUT_FILES = ("evidence/",)  # these count files and calls, and the collection asked more than the sample does


@pytest.mark.slow
def test_collected_evidence_gives_the_tables_and_findings_of_the_folder(
    ir_kit: Invoke, account: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder lies as the buckets do, and is given the calls that the sample's configuration lacks."""
    moment = datetime(2026, 3, 10, 9, tzinfo=UTC)
    monkeypatch.setattr(account, "records", {})
    monkeypatch.setattr(
        collecting.collect, "__kwdefaults__", {**collecting.collect.__kwdefaults__, "now": lambda: moment}
    )
    fields = incident_fields()
    new_incident(tmp_path / "collected", "demo", {**fields, "sources": {}})
    done = ir_kit("collect", "demo", "--yes", "--runs", "collected")
    assert done.exit_code == 0, done.output
    assert "missing" not in done.stderr

    evidence = tmp_path / "folder" / "demo" / "evidence"
    shutil.copytree(account.evidence / "cloudtrail", evidence / "trail-logs-111122223333")
    shutil.copytree(account.evidence / "access-logs", evidence / "access-logs-111122223333")
    ours = answers(tmp_path / "collected/demo/evidence/raw/configuration.jsonl", account.module)
    theirs = answers(account.evidence / "configuration.jsonl", account.module)
    for name, call in theirs.items():
        if call["operation"] == "HeadObject":
            assert ours[name]["response"]["Metadata"] == call["response"]["Metadata"]
        elif call["operation"] != "GetBucketLocation":  # asked where it is not yet known where a bucket lies
            said = (ours[name].get("response"), ours[name].get("error", {}).get("Code"))
            assert said == (call.get("response"), call.get("error", {}).get("Code")), name
    lines = [*theirs.values(), *(call for name, call in ours.items() if name not in theirs)]
    (evidence / "configuration.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    sources = {"cloudtrail": ["evidence/trail-logs-111122223333"], "access_logs": ["evidence/access-logs-111122223333"]}
    sources["configuration"] = ["evidence/configuration.jsonl"]
    new_incident(tmp_path / "folder", "demo", {**fields, "sources": sources})

    runs = []
    for folder in ("collected", "folder"):
        result = ir_kit("run", "demo", "--runs", folder)
        assert result.exit_code == 0, result.output
        runs.append(Path(result.stdout.splitlines()[-1]) / "data")
    collected, held = runs
    tables = sorted(path.relative_to(held / "tables").as_posix() for path in (held / "tables").rglob("*.parquet"))
    assert len(tables) > 20
    for table in tables:
        if not table.startswith(ABOUT_FILES):
            ours_, theirs_ = (pd.read_parquet(run / "tables" / table).astype(str) for run in runs)
            pd.testing.assert_frame_equal(ours_, theirs_, obj=table)
    assert (collected / "findings.jsonl").read_text() == (held / "findings.jsonl").read_text()
    assert {(service, operation) for service, operation, _ in account.calls if operation[0] != "/"} <= ALLOWED


# respond


FINDING = {
    "Type": "Exfiltration:S3/AnomalousBehavior",
    "Resource": {
        "AccessKeyDetails": {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "UserName": "deploy", "UserType": "IAMUser"},
        "S3BucketDetails": [{"Name": "customer-records"}],
    },
    "Service": {"EventFirstSeen": "2026-03-03T10:20:30Z", "EventLastSeen": "2026-03-03T14:00:01Z"},
}


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A finding in a file, a collection and a run that do nothing and remember what was asked, and an archive."""
    told = SimpleNamespace(calls=[], collected=True, status=0)
    (tmp_path / "finding.json").write_text(json.dumps(FINDING))

    def collect(incident: Any, session: Any, regions: Any, *, agreed: Any, say: Any) -> Any:
        told.calls.append(("collect", incident.access_keys, session.profile, agreed()))
        text = incident.path.read_text().replace("  cloudtrail: []", "  cloudtrail: [evidence/raw/b]")
        incident.path.write_text(text)
        return collecting.Collected(incident.folder / "evidence/raw", [])

    def run_playbooks(incident: str, runs: Path, playbooks: Any, *, evidence: Any, progress: Any) -> Any:
        told.calls.append(("run", incident, playbooks))
        path = Path(runs) / incident / "20260308T000000Z"
        return SimpleNamespace(path=path, seal="ab" * 32, exit_status=told.status, failures=())

    class Archive:
        def __init__(self, place: str) -> None:
            told.calls.append(("archive", place))

        def copy(self, run: Path, incident: str, say: Any) -> None:
            told.calls.append(("copy", run.name, incident))
            if told.status:
                raise ArchiveError("not copied", "s3://b/p", "copy it")

    monkeypatch.setattr("ir_kit.collect.collecting.collect", collect)
    monkeypatch.setattr("ir_kit.record.runs.run_playbooks", run_playbooks)
    monkeypatch.setattr("ir_kit.record.archive.Archive", Archive)
    return told


def test_respond_opens_collects_and_runs_without_a_terminal(ir_kit: Invoke, parts: Any) -> None:
    result = ir_kit("respond", "INC-1", "--from-finding", "finding.json", "--yes")
    assert result.exit_code == 0, result.output
    key = ("AKIAIOSFODNN7EXAMPLE",)
    assert parts.calls == [("collect", key, None, True), ("run", "INC-1", None)]
    assert result.stdout.splitlines() == ["runs/INC-1/incident.yaml", "runs/INC-1/20260308T000000Z"]
    assert "principal IAMUser deploy; bucket customer-records" in result.stderr
    assert f"seal sha256:{'ab' * 32}" in result.stderr

    again = ir_kit("respond", "INC-1", "--from-finding", "finding.json", "--yes")
    assert again.stdout.splitlines() == ["runs/INC-1/20260308T000000Z"]  # it goes on with what it opened


def test_respond_asks_nobody_without_a_terminal(ir_kit: Invoke, parts: Any, tmp_path: Path) -> None:
    assert one_line(ir_kit("respond", "INC-1", "--from-finding", "finding.json"), 2).startswith("nobody is here to ask")
    assert not (tmp_path / "runs").exists()


def test_respond_needs_a_finding_with_a_key(ir_kit: Invoke, parts: Any, tmp_path: Path) -> None:
    (tmp_path / "finding.json").write_text(json.dumps({**FINDING, "Resource": {}}))
    line = one_line(ir_kit("respond", "INC-1", "--from-finding", "finding.json", "--yes"), 2)
    assert "without a usable access key id" in line
    assert parts.calls == []


def test_a_failed_playbook_is_status_4_of_respond(ir_kit: Invoke, parts: Any) -> None:
    parts.status = 4
    assert ir_kit("respond", "INC-1", "--from-finding", "finding.json", "--yes").exit_code == 4


def test_a_run_is_copied_once_it_is_sealed(ir_kit: Invoke, parts: Any) -> None:
    result = ir_kit("respond", "INC-1", "--from-finding", "finding.json", "--yes", "--copy-to", "s3://b/p")
    assert result.exit_code == 0
    assert [call[0] for call in parts.calls] == ["archive", "collect", "run", "copy"]


def test_a_copy_that_fails_still_names_the_run(ir_kit: Invoke, parts: Any) -> None:
    parts.status = 4
    result = ir_kit("respond", "INC-1", "--from-finding", "finding.json", "--yes", "--copy-to", "s3://b/p")
    assert result.exit_code == 2
    assert result.stdout.splitlines()[-1] == "runs/INC-1/20260308T000000Z"
    assert result.stderr.splitlines()[-1] == "ir-kit: not copied: s3://b/p; copy it"
