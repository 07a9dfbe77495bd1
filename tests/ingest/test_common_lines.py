"""Lines read all at once are read as one by one: the same fields, or left to the reading one by one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ir_kit.ingest.access_log import decoded_key, parse_line
from ir_kit.ingest.common_lines import read_lines

OWNER = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
TIME = "[02/Mar/2026:10:00:00 +0000]"
TAIL = "- host= SigV4 TLS_AES AuthHeader b.s3.amazonaws.com TLSv1.3 - - us-east-1"

TIMES = [
    "[29/Feb/2024:23:59:59 +0000]", "[31/Feb/2026:10:00:00 +0000]", "[29/Feb/2025:10:00:00 +0000]", "[02/mar/2026:10:00:00 +0000]",
    "[02/Mar/2026:24:00:00 +0000]", "[02/Mar/2026:10:60:00 +0000]", "[02/Mar/2026:10:00:60 +0000]", "[02/Mar/2026:10:00:61 +0000]",
    "[02/Mar/0000:10:00:00 +0000]", "[02/Mar/0001:10:00:00 +0000]", "[02/Mar/1969:10:00:00 +0000]", "[02/Mar/2026:10:00:00 +0230]",
    "[02/Mar/2026:1x:00:00 +0000]", "[02/Mar/2026:10:0x:00 +0000]", "[02/Mar/2026:10:00.00 +0000]", "[02/Mar/2026:10:00:00 -0000]",
    "(02/Mar/2026:10:00:00 +0000]", "[2/Mar/2026:10:00:00 +0000]",
]  # fmt: skip
KEYS = [
    "-", "k", "a%2520b", "a%2Bb", "a+b", "+", "%25C3%25A9", "%C3%A9", "%C3", "%A9z", "%25FF", "%", "%2", "%%41", "%4%41", "é%2541", "%2525",
    "%25252B", "%ff", "%2500",
]  # fmt: skip
INSIDE = [
    "-", "", "GET /k HTTP/1.1", " x", "x ", " 200 - 1 2 3 4 ", "- x", "a=b", "?x=1&Signature=abc&t=1", "?\u017fignature=1", "?toKen=1",
    "?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F&x-amz-security-TOKEN=q", "?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE", "http://\xe9/?a!",
]  # fmt: skip
NUMBERS = ["-", "0", "12", "007", "9" * 18, "9" * 19, "-1", "+1", "1.5", "x", "\u0663"]
FIELDS = ["-", "-", "-", "0", "200", "a", "\xe9", "x!y", "\t", "\x00", "SigV4", "b.s3.amazonaws.com"]


def line(key: str = "k", moment: str = TIME, operation: str = "REST.GET.OBJECT", tail: str = TAIL) -> str:
    return f'{OWNER} b {moment} 192.0.2.1 - R1 {operation} {key} "GET /k" 200 - 1 2 3 4 "-" "agent" {tail}'


def without_key(text: str) -> dict[str, Any]:
    """What the line says, its key as it stands."""
    row = parse_line(text)
    assert isinstance(row, dict), row
    return {name: value for name, value in row.items() if name != "key"}


def read_alike(lines: list[str]) -> dict[int, dict[str, Any]]:
    """The rows that come of these lines at once, once each of them is what comes of it alone; the other lines are all left over."""
    read = read_lines([("\n".join(lines) + "\n").encode()])
    rows = read.rows.drop_columns(["line"]).to_pylist() if read.rows else []
    found = dict(zip(read.at.tolist(), rows, strict=True))
    odd = dict(read.odd)
    for number, text in enumerate(lines):
        if number in found:
            assert found[number] == without_key(text), text
        else:
            assert odd.get(number, "") == text
    assert not odd.keys() & found.keys()
    return found


@pytest.mark.parametrize("moment", TIMES)
def test_a_time_is_read_as_it_is_one_by_one_or_not_at_all(moment: str) -> None:
    read_alike([line(), line(moment=moment), line()])


@pytest.mark.parametrize("operation", ["REST.GET.OBJECT", "BATCH.DELETE.OBJECT", "S3.EXPIRE.OBJECT", "BATCHED", "S3"])
def test_keys_side_by_side_are_decoded_each_by_itself(operation: str, evidence: Any) -> None:
    keys = [*KEYS, "a%C3", "%A9b"]
    name = "2026-03-02-12-00-00-0123456789ABCDEF"
    evidence.write_log(name, "".join(f"{line(key=key, operation=operation)}\n" for key in keys))
    evidence.load()
    found = [key for (key,) in evidence.query("select key from access_log_lines_all order by line_number")]
    assert found == [None if key == "-" else decoded_key(key, operation) for key in keys]


@pytest.mark.parametrize("count", [1, 9, 10, 11, 14])
def test_a_line_may_have_fields_that_nobody_knows_yet(count: int) -> None:
    tail = " ".join(f"f{number}" for number in range(count))
    found = read_alike([line(), line(tail=tail), line()])
    assert found[1]["field_count"] == 17 + count
    assert found[1]["extra_fields"] == (" ".join(f"f{number}" for number in range(10, count)) or None)


def test_a_tail_that_could_follow_a_uri_is_left_over() -> None:
    assert read_alike([line(), line(tail="- host= - - - - TLSv1.3")]).keys() == {0}


def test_lines_of_the_common_shapes_are_all_read_at_once() -> None:
    bare = f"{OWNER} b {TIME} - AmazonS3 R1 S3.EXPIRE.OBJECT k - - - - 10 - - - - - host= - - - - - - -"
    assert len(read_alike([line(), bare] * 50)) == 100


@st.composite
def lines(draw: st.DrawFn) -> str:
    one = st.sampled_from
    bare = draw(st.integers(0, 3)) == 0
    uri, referer, agent = ("-",) * 3 if bare else (f'"{draw(one(INSIDE))}"' for _ in range(3))
    moment = draw(one([*[TIME] * 30, *TIMES]))
    operation = draw(one(["REST.GET.OBJECT", "BATCH.DELETE.OBJECT", "S3.EXPIRE.OBJECT", "-"]))
    status = draw(one([*["200", "-", "404"] * 5, "20", "2000", "2x0"]))
    numbers = " ".join(draw(one([*NUMBERS[:5] * 6, *NUMBERS])) for _ in range(4))
    tail = " ".join(draw(st.lists(one(FIELDS), min_size=1, max_size=13)))
    text = f"{OWNER} b {moment} 192.0.2.1 {draw(one(FIELDS))} R1 {operation} {draw(one(KEYS))} {uri} {status} - {numbers} {referer} {agent} {tail}"
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        at = draw(st.integers(0, len(text)))
        put = draw(one(["", " ", '"', '" "', "-", "%", "\\", "\xe9", "\x00", " - ", "0", "\r", "!", "\t"]))
        text = text[:at] + put + text[min(len(text), at + draw(one([0, 0, 1, 1, 2, 30]))) :]
    return text


@settings(
    deadline=None,
    max_examples=8,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(made=st.lists(lines(), min_size=30, max_size=30))
def test_whatever_lines_hold_they_are_read_as_one_by_one_or_left_over(made: list[str]) -> None:
    read_alike(made)
