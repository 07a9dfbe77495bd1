from __future__ import annotations

import json
from pathlib import Path

import pytest

from ir_kit.errors import ParameterError
from ir_kit.record.playbooks import check_parameters, read_parameters


@pytest.fixture
def stored(tmp_path: Path):
    def store(*cells: str, tags: tuple[str, ...] = ("parameters",)) -> Path:
        path = tmp_path / "01_playbook.ipynb"
        content = [{"cell_type": "code", "source": [cell], "metadata": {"tags": list(tags)}} for cell in cells]
        path.write_text(json.dumps({"cells": content}))
        return path

    return store


def test_a_parameter_has_its_name_type_and_default(stored):
    parameters = read_parameters(stored('incident: str = "demo"  # which incident\nlimit: int = 5'))
    assert [(name, p.type, p.default) for name, p in parameters.items()] == [
        ("incident", "str", "demo"),
        ("limit", "int", 5),
    ]


def test_what_is_not_given_keeps_its_default(stored):
    assert check_parameters(stored('incident: str = "demo"\nlimit = 5'), {"incident": "X"}) == {
        "incident": "X",
        "limit": 5,
    }


@pytest.mark.parametrize("value", ["5", 5.0, True, None])
def test_a_value_of_another_type_is_refused(stored, value):
    with pytest.raises(ParameterError, match="give int"):
        check_parameters(stored("limit: int = 5"), {"limit": value})


def test_an_unknown_parameter_is_refused_and_the_known_ones_are_named(stored):
    with pytest.raises(ParameterError, match="'limt'.*it has: limit"):
        check_parameters(stored("limit: int = 5"), {"limt": 6})


@pytest.mark.parametrize(
    "cell",
    [
        "import os",
        "when = now()",
        'name: str | None = "a"',
        "a = b = 1",
        "limit: int = 'five'",
        "name: str",
        "1 +",
        "a = 1\na = 2",
    ],
)
def test_a_parameters_cell_holds_literals_of_plain_types_only(stored, cell):
    with pytest.raises(ParameterError):
        read_parameters(stored(cell))


def test_there_is_exactly_one_parameters_cell(stored):
    with pytest.raises(ParameterError, match="no cell tagged"):
        read_parameters(stored("a = 1", tags=()))
    with pytest.raises(ParameterError, match="2 cell"):
        read_parameters(stored("a = 1", "b = 2"))


def test_what_is_no_notebook_is_named(tmp_path):
    (tmp_path / "x.ipynb").write_text("[]")
    with pytest.raises(ParameterError, match=r"not a notebook: .*x\.ipynb"):
        read_parameters(tmp_path / "x.ipynb")
