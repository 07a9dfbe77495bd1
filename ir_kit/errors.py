"""What can go wrong, and with which exit status.

The tree::

    IrKitError                2   anything below; catch this one
      ├─ IncidentError        2   the incident's name or its incident.yaml is wrong
      ├─ ParameterError       2   an argument, an option or a playbook's parameter is wrong
      ├─ EvidenceError        3   evidence could not be read at all
      └─ PlaybookError        4   a playbook failed; its notebook is kept

Every message is one line: what is wrong, where, and what to do about it.
"""

from __future__ import annotations

import unicodedata
from typing import ClassVar


def one_line(text: object, limit: int = 1000) -> str:
    """How does this text read on one line of a terminal, whoever wrote it?

    Parameters
    ----------
    limit : int
        Characters kept, the last of them an ellipsis where text was cut.

    Returns
    -------
    str
        Every run of white space as one space; no control characters, terminal escapes, direction marks, lone surrogates.
    """
    spaced = "".join(
        character if unicodedata.category(character)[0] != "C" else " " if character.isspace() else ""
        for character in str(text)
    )
    line = " ".join(spaced.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


class IrKitError(Exception):
    """Something that the reader of the message can put right.

    `what` is wrong, `where` (the file with its line number, the option, the parameter), and what to do about it.
    """

    exit_status: ClassVar[int] = 2

    def __init__(self, what: str, where: object = None, next_step: str | None = None) -> None:
        super().__init__(what, where, next_step)
        self.what, self.where, self.next_step = what, where, next_step

    def __str__(self) -> str:
        where = "" if self.where is None else f": {one_line(self.where)}"
        return one_line(self.what) + where + ("" if self.next_step is None else f"; {one_line(self.next_step)}")


class IncidentError(IrKitError):
    """The incident's name or its ``incident.yaml`` is wrong."""


class ParameterError(IrKitError):
    """An argument, an option or a playbook's parameter is wrong."""


class EvidenceError(IrKitError):
    """Evidence could not be read at all."""

    exit_status = 3


class PlaybookError(IrKitError):
    """A playbook failed; its notebook is kept."""

    exit_status = 4
