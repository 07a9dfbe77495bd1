"""Facts on the incident file: what it may say, and which line a message names."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ir_kit.errors import IncidentError, IrKitError
from ir_kit.incident import load_incident, new_incident

GOOD = """\
incident: INC-2026-001
title: Leaked production key
access_keys: [AKIAIOSFODNN7EXAMPLE]
window:   {start: 2026-03-01T00:00:00Z, end: 2026-03-08T00:00:00Z}
baseline: {start: 2026-02-01T00:00:00Z, end: 2026-03-01T00:00:00Z}   # optional
buckets: []
sensitive_buckets: [customer-records]
known_good: {source_ips: [203.0.113.0/24], user_agents: []}
responders: [arn:aws:iam::111122223333:role/ir-readonly]
athena: {account: "444455556666", region: us-east-1, database: ir_kit, workgroup: ir-kit, output: s3://analysis-bucket/ir/}
sources:
  cloudtrail:  [evidence/cloudtrail]
  access_logs: [evidence/access-logs, s3://logs/prefix/]
  configuration: evidence/configuration.jsonl
"""
FIELDS: dict[str, Any] = {
    "access_keys": ["AKIAIOSFODNN7EXAMPLE"],
    "window": {"start": "2026-03-01T00:00:00Z", "end": "2026-03-08T00:00:00Z"},
    "sources": {"cloudtrail": ["evidence/cloudtrail"]},
}


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return write(tmp_path, GOOD)


def write(runs: Path, text: str | bytes, name: str = "INC-2026-001") -> Path:
    (runs / name).mkdir(exist_ok=True)
    (runs / name / "incident.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
    return runs


def refused(runs: Path, text: str | bytes) -> IncidentError:
    with pytest.raises(IncidentError) as caught:
        load_incident("INC-2026-001", write(runs, text))
    assert len(str(caught.value).splitlines()) == 1
    return caught.value


def line_of(error: IrKitError) -> int:
    path, _, line = str(error.where).rpartition(":")
    assert path.endswith("INC-2026-001/incident.yaml")
    return int(line)


# What a good file says


def test_the_contracts_example_loads(runs: Path) -> None:
    incident = load_incident("INC-2026-001", runs)
    assert incident.title == "Leaked production key"
    assert incident.access_keys == ("AKIAIOSFODNN7EXAMPLE",)
    assert incident.baseline is not None
    assert incident.baseline.end == incident.window.start
    assert incident.known_good.source_ips == ("203.0.113.0/24",)
    assert incident.athena is not None and incident.athena.account == "444455556666"


def test_times_are_utc(runs: Path) -> None:
    write(runs, GOOD.replace("2026-03-08T00:00:00Z", "2026-03-08T02:30:00.250+02:00"))
    end = load_incident("INC-2026-001", runs).window.end
    assert end == datetime(2026, 3, 8, 0, 30, 0, 250_000, tzinfo=UTC)
    assert end.tzinfo is UTC


def test_a_relative_source_starts_at_the_incident_file(runs: Path) -> None:
    incident = load_incident("INC-2026-001", runs)
    assert incident.path == runs / "INC-2026-001" / "incident.yaml"
    assert incident.source_paths("cloudtrail") == [incident.folder / "evidence" / "cloudtrail"]
    assert incident.source_paths("configuration") == [incident.folder / "evidence" / "configuration.jsonl"]


def test_sources_are_absolute_where_runs_is_relative(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(runs)
    incident = load_incident("INC-2026-001", ".")
    monkeypatch.chdir("/")
    assert incident.source_paths("cloudtrail") == [runs / "INC-2026-001" / "evidence" / "cloudtrail"]


def test_an_s3_prefix_stays_text(runs: Path) -> None:
    assert load_incident("INC-2026-001", runs).source_paths("access_logs")[1] == "s3://logs/prefix/"


def test_no_source_of_a_kind_is_an_empty_list(tmp_path: Path) -> None:
    new_incident(tmp_path, "INC-2", FIELDS)
    incident = load_incident("INC-2", tmp_path)
    assert incident.source_paths("access_logs") == []
    assert incident.source_paths("configuration") == []


def test_an_incident_cannot_be_changed(runs: Path) -> None:
    incident = load_incident("INC-2026-001", runs)
    with pytest.raises(ValidationError):
        incident.title = "another"
    with pytest.raises(ValidationError):
        incident.window.end = incident.window.start


def test_any_part_knows_its_line(runs: Path) -> None:
    incident = load_incident("INC-2026-001", runs)
    assert incident.where("sources", "access_logs", 1) == f"{incident.path}:13"
    assert incident.where("sources", "nothing", 7) == f"{incident.path}:11"


def test_a_title_is_optional_and_one_line(runs: Path) -> None:
    write(runs, GOOD.replace("title: Leaked production key\n", ""))
    assert load_incident("INC-2026-001", runs).title == "INC-2026-001"
    write(runs, GOOD.replace("Leaked production key", r'"a\n\e[31mb"'))
    assert load_incident("INC-2026-001", runs).title == "a [31mb"


def test_a_temporary_key_is_a_key(runs: Path) -> None:
    write(runs, GOOD.replace("AKIAIOS", "ASIAIOS"))
    assert load_incident("INC-2026-001", runs).access_keys == ("ASIAIOSFODNN7EXAMPLE",)


def test_text_that_yaml_takes_for_something_else_stays_text(runs: Path) -> None:
    write(runs, GOOD.replace("[customer-records]", "[20260301, 1e3-x, yes.no]").replace("Leaked production key", "no"))
    incident = load_incident("INC-2026-001", runs)
    assert incident.sensitive_buckets == ("20260301", "1e3-x", "yes.no")
    assert incident.title == "no"


def test_an_empty_value_of_a_list_is_an_empty_list(runs: Path) -> None:
    write(
        runs, GOOD.replace("buckets: []\n", "buckets:\n").replace("{source_ips: [203.0.113.0/24], user_agents: []}", "")
    )
    incident = load_incident("INC-2026-001", runs)
    assert incident.buckets == ()
    assert incident.known_good.source_ips == ()


def test_a_byte_order_mark_is_no_error(runs: Path) -> None:
    write(runs, b"\xef\xbb\xbf" + GOOD.encode())
    assert load_incident("INC-2026-001", runs).athena is not None


# What is refused, and where


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("responders:", "responder:", 9, "unknown key 'responder'; did you mean 'responders'?"),
        ("athena: {", "colour: {", 10, "unknown key 'colour'"),
        ("athena: {", "engine: {", 10, "the key 'engine' is gone: "),
        ("us-east-1", "Virginia", 10, "not a Region 'Virginia'; write it as us-east-1"),
        ("s3://analysis", "/analysis", 10, "not an s3:// prefix"),
        ("  configuration:", "  config:", 14, "unknown key 'config'; did you mean 'configuration'?"),
        ("end: 2026-03-08T00:00:00Z", "end: 2026-03-08T00:00:00", 4, "a time without a zone"),
        ("end: 2026-03-08T00:00:00Z", "end: 2026-03-08", 4, "a date without a time '2026-03-08'"),
        ("end: 2026-03-08T00:00:00Z", "end: 2026-02-30T00:00:00Z", 4, "no such time"),
        ("end: 2026-03-08T00:00:00Z", "end: next week", 4, "not an ISO 8601 time"),
        ("end: 2026-03-08T00:00:00Z", "end: 9999-12-31T23:59:59-23:00", 4, "a year that no log has"),
        ("end: 2026-03-08T00:00:00Z", "end: 2026-02-08T00:00:00Z", 4, "an end that is not after its start"),
        ("end: 2026-03-08T00:00:00Z", "end: 2026-03-01T00:00:00Z", 4, "an end that is not after its start"),
        ("end: 2026-03-08T00:00:00Z", "end: [1]", 4, "not an ISO 8601 time"),
        (", end: 2026-03-08T00:00:00Z", "", 4, "'end' is missing; add window.end"),
        (
            "2026-02-01T00:00:00Z, end: 2026-03-01T00:00:00Z",
            "2026-02-01T00:00:00Z, end: 2026-03-01T00:00:01Z",
            5,
            "a baseline",
        ),
        (
            "2026-02-01T00:00:00Z, end: 2026-03-01T00:00:00Z",
            "2026-04-01T00:00:00Z, end: 2026-04-02T00:00:00Z",
            5,
            "a baseline",
        ),
        ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPL", 3, "malformed access key id (19 characters)"),
        ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLe", 3, "malformed access key id"),
        ("AKIAIOSFODNN7EXAMPLE", "AIDAIOSFODNN7EXAMPLE", 3, "malformed access key id"),
        ("[AKIAIOSFODNN7EXAMPLE]", "AKIAIOSFODNN7EXAMPLE", 3, "'access_keys' is not a list; write access_keys: [a, b]"),
        ("[AKIAIOSFODNN7EXAMPLE]", "[]", 3, "no access key"),
        ("[AKIAIOSFODNN7EXAMPLE]", "[null]", 3, "is not text"),
        ("INC-2026-001\n", "INC-2026-002\n", 1, "incident 'INC-2026-002' in the folder 'INC-2026-001'"),
        ("[customer-records]", "[customer-records, 's3://x']", 7, "not a bucket's name 's3://x'"),
        ("203.0.113.0/24", "203.0.113.7/24", 8, "write it as 203.0.113.0/24"),
        ("203.0.113.0/24", "203.0.113.300", 8, "not an address or a CIDR block"),
        ("203.0.113.0/24", "fe80::1%eth0", 8, "not an address or a CIDR block"),
        ("role/ir-readonly", "policy/ir-readonly", 9, "not the ARN of an IAM or STS principal"),
        ("iam::111122223333", "iam::11112222333", 9, "not the ARN of an IAM or STS principal"),
        ("[evidence/cloudtrail]", "['']", 12, "not a path"),
        ("[evidence/cloudtrail]", "[https://example.com/x]", 12, "not a path, but a URL"),
        ("[evidence/cloudtrail]", "[~/logs]", 12, "'~' is not expanded"),
        ("[evidence/cloudtrail]", "[s3://]", 12, "not an s3:// prefix"),
        (
            "known_good: {source_ips: [203.0.113.0/24], user_agents: []}",
            "known_good: [x]",
            8,
            "'known_good' is not a mapping",
        ),
    ],
)
def test_a_wrong_value_is_an_error_that_names_its_line(runs: Path, old: str, new: str, line: int, says: str) -> None:
    assert old in GOOD
    error = refused(runs, GOOD.replace(old, new))
    assert line_of(error) == line
    what, _, next_step = says.partition("; ")
    assert what in str(error)
    assert next_step in str(error)


@pytest.mark.parametrize("name", ["incident", "access_keys", "window"])
def test_a_missing_field_is_named(runs: Path, name: str) -> None:
    text = "".join(line for line in GOOD.splitlines(keepends=True) if not line.startswith(f"{name}:"))
    error = refused(runs, text)
    assert f"'{name}' is missing" in str(error)
    assert line_of(error) == 1


def test_a_file_without_sources_is_refused(runs: Path) -> None:
    assert "'sources' is missing" in str(refused(runs, GOOD.partition("sources:")[0]))


def test_an_error_in_a_list_names_the_line_of_the_item(runs: Path) -> None:
    keys = "access_keys:\n  - AKIAIOSFODNN7EXAMPLE\n  - wJalrXUtnFEMI\n"
    error = refused(runs, GOOD.replace("access_keys: [AKIAIOSFODNN7EXAMPLE]\n", keys))
    assert line_of(error) == 5


def test_a_secret_pasted_for_a_key_id_is_not_shown(runs: Path) -> None:
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    assert secret not in str(refused(runs, GOOD.replace("AKIAIOSFODNN7EXAMPLE", secret)))


def test_the_first_of_several_errors_is_named_and_the_others_counted(runs: Path) -> None:
    text = GOOD.replace("AKIAIOS", "AKIA").replace("region: us", "region: x").replace("  configuration", "  conf")
    error = refused(runs, text)
    assert line_of(error) == 3
    assert str(error).endswith("(and 2 more: line 10, line 14)")


def test_a_misspelt_key_comes_before_the_one_that_is_missing_for_it(runs: Path) -> None:
    error = refused(runs, GOOD.replace("access_keys:", "acces_keys:"))
    assert line_of(error) == 3
    assert "did you mean 'access_keys'?" in str(error)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (GOOD + "athena: {}\n", 15, "duplicate key 'athena'; keep one of them"),
        (GOOD.replace("  configuration:", "  cloudtrail:"), 14, "duplicate key 'cloudtrail'"),
        (GOOD + "---\nincident: b\n", 15, "found another document"),
        (GOOD + "x: [1, 2\n", 16, "not YAML"),
        (GOOD.encode() + b"x: \xff\n", 15, "not UTF-8"),
        ("- a\n- b\n", 1, "not a mapping"),
        ("\n\n- a\n", 3, "not a mapping"),
        ("", 1, "not a mapping"),
        ("just text", 1, "not a mapping"),
    ],
)
def test_a_file_of_another_shape_is_an_error_that_names_its_line(
    runs: Path, text: str | bytes, line: int, says: str
) -> None:
    error = refused(runs, text)
    assert line_of(error) == line
    assert says.partition(";")[0] in str(error)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(
        IncidentError, match=r"no incident file: .*INC-9/incident.yaml; make it with: ir-kit open INC-9"
    ):
        load_incident("INC-9", tmp_path)
    with pytest.raises(IncidentError, match="make it with: ir-kit demo"):
        load_incident("demo", tmp_path)


def test_a_folder_in_the_files_place_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "INC-1" / "incident.yaml").mkdir(parents=True)
    with pytest.raises(IncidentError, match="no incident file"):
        load_incident("INC-1", tmp_path)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "/etc", "a\n", "-a", ".a", "a b", "x" * 65, "é", "a\0b"]
)
def test_a_name_that_is_a_path_or_malformed_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(IncidentError, match="not an incident's name"):
        load_incident(name, tmp_path)
    with pytest.raises(IncidentError, match="not an incident's name"):
        new_incident(tmp_path, name, FIELDS)


@given(
    text=st.one_of(
        st.text(), st.binary(), st.builds(lambda a, b: GOOD[:a] + b + GOOD[a:], st.integers(0, 600), st.text())
    )
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_file_loads_or_is_an_incident_error(tmp_path: Path, text: str | bytes) -> None:
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    try:
        load_incident("INC-2026-001", write(tmp_path, data))
    except IncidentError as error:
        assert len(str(error).splitlines()) == 1
