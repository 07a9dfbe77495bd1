"""Facts on YAML that knows its lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_kit.errors import IncidentError
from ir_kit.incident import read_yaml as read

TEXT = """\
# a comment
name: one
list: [a,
  b]
nested:
  - x: 1
    y:
  - z: 2026-03-01
quoted: "a: b"
more: 1
engine: duckdb
sources:
  cloudtrail: a
  configuration: b
"""


def refused(text: str | bytes) -> IncidentError:
    with pytest.raises(IncidentError) as caught:
        read(text.encode() if isinstance(text, str) else text, "file.yaml")
    assert len(str(caught.value).splitlines()) == 1
    return caught.value


def test_values_are_the_text_that_was_written_and_nothing_is_none() -> None:
    value = read(TEXT.encode(), "file.yaml").value
    assert value == {
        "name": "one",
        "list": ["a", "b"],
        "nested": [{"x": "1", "y": None}, {"z": "2026-03-01"}],
        "quoted": "a: b",
        "more": "1",
        "engine": "duckdb",
        "sources": {"cloudtrail": "a", "configuration": "b"},
    }


def test_every_value_knows_its_line() -> None:
    document = read(TEXT.encode(), "file.yaml")
    assert document.line(()) == 2
    assert document.line(("list", 1)) == 4
    assert document.line(("nested", 0, "y")) == 7
    assert document.line(("nested", 1)) == 8


def test_what_is_not_there_has_the_line_of_what_is_around_it() -> None:
    document = read(TEXT.encode(), "file.yaml")
    assert document.line(("nested", 1, "none")) == 8
    assert document.line(("none",)) == 2


def test_an_empty_file_says_nothing() -> None:
    assert read(b"", "file.yaml").value is None


def test_a_byte_order_mark_is_no_error() -> None:
    assert read(b"\xef\xbb\xbfa: 1\n", "file.yaml").value == {"a": "1"}


@pytest.mark.parametrize(
    ("text", "line"), [(TEXT + "engine: athena\n", 15), (TEXT.replace("  conf", "  cloudtrail: c\n  conf"), 14)]
)
def test_a_duplicate_key_is_an_error_that_names_its_line(text: str, line: int) -> None:
    error = refused(text)
    assert error.where == f"file.yaml:{line}"
    assert "duplicate key" in error.what


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (TEXT + "---\nincident: b\n", 15, "found another document"),
        (TEXT + "\tx: 1\n", 15, "not YAML"),
        (TEXT + "x: [1, 2\n", 16, "not YAML"),
        (TEXT.encode() + b"\n\nx: \xff\n", 17, "not UTF-8"),
        (TEXT + "x: \x07\n", 15, "a character that YAML does not allow"),
        (TEXT + "x: &a [1]\ny: *a\n", 16, "a YAML alias"),
        (TEXT + "x: &x\n  y: *x\n", 16, "a YAML alias"),
        (TEXT + "x: !!python/object/apply:os.system ['true']\n", 15, "a YAML tag"),
        (TEXT + "x: !!binary aGk=\n", 15, "a YAML tag"),
        (TEXT + "? [a, b]\n: 1\n", 15, "a key that is no text"),
        (TEXT + "x: " + "[" * 5000 + "\n", 15, "not YAML"),
        (TEXT + 'x: "\\U7fffffff"\n', 15, "not YAML"),
    ],
)
def test_what_is_no_plain_yaml_is_an_error_that_names_its_line(text: str | bytes, line: int, says: str) -> None:
    error = refused(text)
    assert says in str(error)
    assert error.where == f"file.yaml:{line}"


@given(st.binary() | st.text().map(str.encode) | st.text("{}[]:,-?&*!|>'\"%@`# \n\tax0\\").map(str.encode))
def test_any_bytes_are_read_or_refused_in_one_line(data: bytes) -> None:
    try:
        read(data, "file.yaml")
    except IncidentError as error:
        assert len(str(error).splitlines()) == 1
