"""Facts on errors: one line, whatever they carry."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_kit import errors
from ir_kit.errors import EvidenceError, IncidentError, IrKitError, ParameterError, PlaybookError, one_line


def test_an_error_reads_what_where_next_step() -> None:
    assert str(IrKitError("a naive time", "incident.yaml:4", "add Z")) == "a naive time: incident.yaml:4; add Z"


def test_where_and_next_step_are_optional() -> None:
    assert str(IrKitError("a naive time")) == "a naive time"
    assert str(IrKitError("a naive time", next_step="add Z")) == "a naive time; add Z"


def test_the_parts_of_an_error_are_attributes() -> None:
    error = IncidentError("a naive time", "incident.yaml:4", "add Z")
    assert (error.what, error.where, error.next_step) == ("a naive time", "incident.yaml:4", "add Z")


@pytest.mark.parametrize(
    ("error", "status"),
    [(IrKitError, 2), (IncidentError, 2), (ParameterError, 2), (EvidenceError, 3), (PlaybookError, 4)],
)
def test_the_exit_status_is_the_contracts(error: type[IrKitError], status: int) -> None:
    assert error.exit_status == status
    assert issubclass(error, IrKitError)


def test_every_error_is_drawn_in_the_docstring_with_its_status() -> None:
    for name in ("IrKitError", "IncidentError", "ParameterError", "EvidenceError", "PlaybookError"):
        line = next(line for line in (errors.__doc__ or "").splitlines() if name in line.split())
        assert str(getattr(errors, name).exit_status) in line.split()
    classes = {name for name, item in vars(errors).items() if isinstance(item, type) and issubclass(item, IrKitError)}
    assert all(name in (errors.__doc__ or "") for name in classes)


def test_an_error_survives_the_way_to_another_process() -> None:
    error = pickle.loads(pickle.dumps(EvidenceError("no file", "logs", "look")))
    assert (type(error), str(error)) == (EvidenceError, "no file: logs; look")


def test_terminal_escapes_and_line_breaks_do_not_reach_the_terminal() -> None:
    line = str(IrKitError("a\nb\r\x1b[31mc\u2028d\u202ee", "\x00x\x85y"))
    assert line == "a b [31mc de: x y"


@given(st.text(alphabet=st.characters()), st.text(alphabet=st.characters()))
def test_any_text_reads_as_one_printable_line(what: str, where: str) -> None:
    line = str(IrKitError(what, where, "look"))
    assert len(line.splitlines()) <= 1
    assert line.isprintable()
    line.encode("utf-8")


def test_a_long_text_is_cut_and_says_so() -> None:
    assert one_line("x" * 50, 10) == "x" * 9 + "…"
