"""Every question's SQL keeps to what DuckDB and Trino both mean alike, and says what it is."""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from ir_kit.engines.sql import placeholders, with_literals

PACKAGE = Path(__file__).parents[2] / "ir_kit"
FILES = sorted((PACKAGE / "questions").rglob("*.sql"))
CASE = {
    "window_start",
    "window_end",
    "baseline_start",
    "baseline_end",
    "access_keys",
    "buckets",
    "sensitive_buckets",
    "responders",
}
# `regexp_extract` without a match is null on Trino and empty on DuckDB (so: nullif);
# `url_decode` reads a plus as a blank on Trino alone (so: replace it first)
FUNCTIONS = {
    "cast",
    "coalesce",
    "concat",
    "concat_ws",
    "count",
    "date_trunc",
    "grouping",
    "json_extract_scalar",
    "lag",
    "lower",
    "max",
    "min",
    "nullif",
    "regexp_extract",
    "regexp_replace",
    "replace",
    "round",
    "row_number",
    "strpos",
    "substr",
    "sum",
    "translate",
    "try",
    "upper",
    "url_decode",
}
KEYWORDS = {
    "in",
    "as",
    "and",
    "or",
    "not",
    "over",
    "filter",
    "exists",
    "on",
    "from",
    "when",
    "then",
    "else",
    "by",
    "values",
    "where",
}
FOREIGN = (
    r"::",
    r"\bexclude\b",
    r"\bqualify\b",
    r"\bgroup\s+by\s+all\b",
    r"\border\s+by\s+all\b",
    r"\bilike\b",
    r"\basof\b",
    r"\bdate_diff\b",
    r"\bgreatest\b",
    r"\bleast\b",
    r"\bany_value\b",
    r"->",
    r"\$\d",
    r"\bsimilar\s+to\b",
    r"\bpivot\b",
    r"\bsample\b",
    r"\[\d",
)


def bare(text: str) -> str:
    """The SQL without comments and without what stands in quotes."""
    return re.sub(r"'(?:[^']|'')*'", "''", re.sub(r"--[^\n]*", "", text))


def given_by_the_code() -> set[str]:
    """The parameters that the code gives to questions beyond the case's own, as keywords or by name."""
    found: set[str] = set()
    for path in [*(PACKAGE / "questions").rglob("*.py"), *(PACKAGE / "reasoning").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                found |= {word.arg for word in node.keywords if word.arg}
            elif isinstance(node, ast.Dict):
                found |= {
                    key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)
                }
    return found


GIVEN = CASE | given_by_the_code()


def filled(text: str) -> str:
    """The question with a value of the fitting kind for each parameter."""
    values: dict[str, Any] = {}
    for _, _, name in placeholders(text):
        if re.search(rf"\bin \(:{name}\)", text):
            values[name] = ["a", "b"]
        elif re.search(rf"\blimit :{name}\b", text):
            values[name] = 20
        else:
            values[name] = datetime(2026, 3, 1, tzinfo=UTC) if name.endswith(("_start", "_end", "_time")) else "a"
    return with_literals(text, values)


@pytest.fixture(params=FILES, ids=[str(path.relative_to(PACKAGE / "questions")) for path in FILES])
def file(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def test_there_are_questions() -> None:
    assert FILES


def test_a_question_opens_with_itself_its_grain_and_its_blind_spot(file: Path) -> None:
    first, second, third = file.read_text(encoding="utf-8").splitlines()[:3]
    assert re.fullmatch(r"-- \S.*\?", first), "the first line is no question"
    assert second.startswith("-- Grain: one row") and third.startswith("-- Cannot see: ")


@pytest.mark.parametrize("dialect", ["trino", "duckdb"])
def test_a_question_is_one_statement_that_each_dialect_parses(file: Path, dialect: str) -> None:
    statements = sqlglot.parse(filled(file.read_text(encoding="utf-8")), read=dialect)
    assert len(statements) == 1
    assert isinstance(statements[0], exp.Query)


def test_a_question_keeps_to_the_subset(file: Path) -> None:
    text = bare(file.read_text(encoding="utf-8")).lower()
    assert not [pattern for pattern in FOREIGN if re.search(pattern, text)]


def test_a_question_calls_only_what_both_engines_have(file: Path) -> None:
    called = set(re.findall(r"\b([a-z_][a-z_0-9]*)\(", bare(file.read_text(encoding="utf-8")).lower()))
    assert called - KEYWORDS <= FUNCTIONS


def test_every_parameter_of_a_question_is_given(file: Path) -> None:
    wanted = {placeholder for _, _, placeholder in placeholders(file.read_text(encoding="utf-8"))}
    assert wanted <= GIVEN


def test_every_question_of_a_playbook_is_asked() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    playbooks = {path.parent.name for path in FILES if path.parent.with_suffix(".py").is_file()}
    names = {f"{path.parent.name}/{path.stem}" for path in FILES if path.parent.name in playbooks}
    assert playbooks
    assert not {name for name in names if f'"{name}"' not in code}
