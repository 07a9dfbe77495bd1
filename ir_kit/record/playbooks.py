"""Which playbooks are there, what may each be given, and is what it is given right?

papermill only warns of an unknown parameter and then records it as applied, and a notebook without a ``parameters`` tag
runs with its own defaults in silence. Both are refused here, before a kernel starts.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ir_kit.errors import ParameterError

TYPES: dict[str, Any] = {"str": str, "int": int, "float": (float, int), "bool": bool, "list": list, "dict": dict}


def playbook_name(notebook: Path) -> str:
    """What is the playbook called that is stored as ``NN_name.ipynb``?"""
    number, _, name = notebook.stem.partition("_")
    return name if number.isdigit() and name else notebook.stem


def find_playbooks(folder: Path, wanted: Sequence[str] | None = None) -> list[Path]:
    """Which notebooks are to be run, in the order of their numbers?

    Parameters
    ----------
    wanted : sequence of str, optional
        ``scoping``, ``01_scoping`` or ``01_scoping.ipynb``; all of the folder where it is None or empty.

    Raises
    ------
    ParameterError
        There is no such playbook, or none at all.
    """
    stored = sorted(folder.glob("[0-9]*.ipynb"))
    if not stored:
        raise ParameterError("No playbooks", folder, "run from a checkout, or name their folder")
    names = {path: (path.name, path.stem, playbook_name(path)) for path in stored}
    for name in wanted or ():
        if not any(name in known for known in names.values()):
            choices = ", ".join(playbook_name(path) for path in stored)
            raise ParameterError(f"No playbook {name!r}", folder, f"choose from: {choices}")
    return [path for path in stored if not wanted or set(names[path]) & set(wanted)]


@dataclass(frozen=True)
class Parameter:
    """One line of a playbook's parameters cell: ``name: type = default``."""

    type: str
    default: Any

    def accepts(self, value: object) -> bool:
        """Is this value of the parameter's type? ``True`` is no int here."""
        return isinstance(value, TYPES[self.type]) and (self.type == "bool" or not isinstance(value, bool))


def read_parameters(notebook: Path) -> dict[str, Parameter]:
    """Which parameters does this stored playbook take?

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
        what = f"Playbook has {len(tagged) or 'no'} cell tagged 'parameters'"
        raise ParameterError(what, notebook, "tag exactly one code cell, literals only")
    try:
        statements = ast.parse(tagged[0]).body
    except (SyntaxError, ValueError) as error:
        raise ParameterError("Parameters cell is not Python", notebook, "write 'name: type = literal'") from error
    parameters: dict[str, Parameter] = {}
    for statement in statements:
        name, kind, default = "", "", None
        with suppress(ValueError):  # no literal
            match statement:
                case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=ast.expr() as value):
                    kind, default = ast.unparse(annotation).partition("[")[0].lower(), ast.literal_eval(value)
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    default = ast.literal_eval(value)
                    kind = type(default).__name__
        where = f"{notebook}, parameters cell line {statement.lineno}"
        if kind not in TYPES or default is None:
            raise ParameterError("Parameter is not a literal of a plain type", where, "write 'name: type = literal'")
        parameters[name] = parameter = Parameter(kind, default)
        if not parameter.accepts(default):
            raise ParameterError(f"Default of {name!r} is not {kind}", where, "make type and default agree")
    if len(parameters) != len(statements):
        raise ParameterError("Parameters cell names a parameter twice", notebook, "keep one of them")
    return parameters


def check_parameters(notebook: Path, given: Mapping[str, object]) -> dict[str, Any]:
    """Which values would this stored playbook run with, these given?

    Returns
    -------
    dict of str to value
        Every parameter of the playbook, in the order of its cell; what is not given keeps its default.

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
            what = f"Parameter {name!r} is {type(value).__name__}"
            raise ParameterError(what, notebook.name, f"give {known[name].type}")
    return {name: given.get(name, parameter.default) for name, parameter in known.items()}
