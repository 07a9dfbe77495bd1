"""What may a playbook be given, and is what it is given right?

papermill only warns of an unknown parameter and then records it as applied, and a notebook without a ``parameters`` tag
runs with its own defaults in silence. Both are refused here, before a kernel starts.
"""

from __future__ import annotations

import ast
import io
import json
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ir_kit.errors import ParameterError

__all__ = ["Parameter", "check_parameters", "read_parameters"]

_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "list": (list,),
    "dict": (dict,),
}


@dataclass(frozen=True)
class Parameter:
    """One line of a playbook's parameters cell: ``name: type = default  # help``."""

    name: str
    type: str
    default: Any
    help: str = ""

    def accepts(self, value: object) -> bool:
        """Is this value of the parameter's type? ``True`` is no int here."""
        if isinstance(value, bool) and self.type != "bool":
            return False
        return isinstance(value, _TYPES[self.type])


def read_parameters(notebook: Path) -> dict[str, Parameter]:
    """Which parameters does this playbook take?

    Parameters
    ----------
    notebook : Path
        The stored playbook.

    Returns
    -------
    dict of str to Parameter
        One per assignment of the cell tagged ``parameters``, in its order.

    Raises
    ------
    ParameterError
        The file is no notebook, there is not exactly one such cell, or it holds more than literals, one a line.
    """
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        tagged = [
            "".join(cell["source"])
            for cell in cells
            if cell["cell_type"] == "code" and "parameters" in cell["metadata"].get("tags", [])
        ]
    except OSError as error:
        raise ParameterError("Playbook cannot be read", notebook, str(error.strerror)) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ParameterError("Playbook is not a notebook", notebook, "store it again from JupyterLab") from error
    if len(tagged) != 1:
        found = "no" if not tagged else f"{len(tagged)}"
        raise ParameterError(
            f"Playbook has {found} cell tagged 'parameters'", notebook, "tag exactly one code cell, literals only"
        )
    try:
        statements = ast.parse(tagged[0]).body
    except (SyntaxError, ValueError) as error:
        raise ParameterError("Parameters cell is not Python", notebook, "write 'name: type = literal'") from error
    comments = _comments(tagged[0])
    parameters = [_parameter(statement, comments, notebook) for statement in statements]
    if len({parameter.name for parameter in parameters}) != len(parameters):
        raise ParameterError("Parameters cell names a parameter twice", notebook, "keep one of them")
    return {parameter.name: parameter for parameter in parameters}


def check_parameters(notebook: Path, given: Mapping[str, object]) -> dict[str, Any]:
    """Which values would this playbook run with?

    Parameters
    ----------
    notebook : Path
        The stored playbook.
    given : mapping of str to object
        What the run sets; everything else keeps its default.

    Returns
    -------
    dict of str to value
        Every parameter of the playbook, in the order of its cell.

    Raises
    ------
    ParameterError
        A parameter that the playbook does not have, or a value of the wrong type.
    """
    known = read_parameters(notebook)
    for name, value in given.items():
        if name not in known:
            has = ", ".join(known) or "none"
            raise ParameterError(f"Unknown parameter {name!r}", notebook.name, f"it has: {has}")
        if not known[name].accepts(value):
            raise ParameterError(
                f"Parameter {name!r} is {type(value).__name__}", notebook.name, f"give {known[name].type}"
            )
    return {name: given.get(name, parameter.default) for name, parameter in known.items()}


def _parameter(statement: ast.stmt, comments: Mapping[int, str], notebook: Path) -> Parameter:
    where = f"{notebook}, parameters cell line {statement.lineno}"
    annotation: str | None = None
    if isinstance(statement, ast.AnnAssign):
        target: ast.expr = statement.target
        value = statement.value
        annotation = ast.unparse(statement.annotation).partition("[")[0].lower()
    elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target, value = statement.targets[0], statement.value
    else:
        raise ParameterError("Parameters cell holds more than assignments", where, "write 'name: type = literal'")
    try:
        default = ast.literal_eval(value) if value is not None else None
    except ValueError:
        default = None
    kind = annotation or type(default).__name__
    if not isinstance(target, ast.Name) or default is None or kind not in _TYPES:
        raise ParameterError("Parameter is not a literal of a plain type", where, "write 'name: type = literal'")
    parameter = Parameter(target.id, kind, default, comments.get(statement.lineno, ""))
    if not parameter.accepts(default):
        raise ParameterError(f"Default of {target.id!r} is not {kind}", where, "make type and default agree")
    return parameter


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}
