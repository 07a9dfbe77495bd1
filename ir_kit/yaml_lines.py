"""YAML written by people, read so that every value knows its line.

Only what an incident file needs: mappings, lists and text. Scalars stay the text that was written, so that
``2026-03-01`` is no date before somebody has looked at its time zone; an empty value is None. Tags, aliases and further
documents are refused.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

import yaml

from ir_kit.errors import IncidentError, one_line

MAX_BYTES = 1 << 20
MAX_DEPTH = 16

Location = tuple[Hashable, ...]

_TAGS = {
    f"tag:yaml.org,2002:{name}"
    for name in ("null", "bool", "int", "float", "timestamp", "str", "value", "merge", "seq", "map")
}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, on a line or in a field (``line`` None); not `exact` where something is missing."""

    what: str
    next_step: str | None = None
    line: int | None = None
    location: Location = ()
    exact: bool = True


@dataclass
class Document:
    """What a YAML file says, and on which lines it says it."""

    name: str
    value: object = None
    lines: dict[Location, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, location: Location) -> int:
        """On which line stands this value, or failing that the nearest thing around it?"""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)


def read(data: bytes, name: str) -> Document:
    """What does this YAML say, and on which lines?

    Parameters
    ----------
    data : bytes
        The file's content, UTF-8, at most `MAX_BYTES`.
    name : str
        What messages call the file.

    Returns
    -------
    Document
        The value with the line of each part; duplicate keys are collected as problems, the first of each is kept.

    Raises
    ------
    IncidentError
        The text is no YAML, or uses what an incident file may not.
    """
    if len(data) > MAX_BYTES:
        raise IncidentError(f"larger than {MAX_BYTES} bytes", name, "an incident file is a page of text")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise IncidentError("not UTF-8 text", f"{name}:{line}", "save the file as UTF-8") from None
    try:
        loader = yaml.SafeLoader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise IncidentError("a character that YAML does not allow", f"{name}:{line}", "remove it") from None
    try:
        _refuse_what_is_not_needed(loader, name)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}" if mark else name
        raise IncidentError(f"not YAML, {one_line(error.problem or error.context, 120)}", where, "mend it") from None
    except (yaml.YAMLError, ValueError, OverflowError):  # an escape such as "\UFFFFFFFF", or a version past any number
        raise IncidentError("not YAML", f"{name}:{loader.line + 1}", "mend it") from None
    finally:
        loader.dispose()
    document = Document(name)
    if node is not None:
        document.value = _value(node, (), document)
    return document


def _refuse_what_is_not_needed(loader: yaml.SafeLoader, name: str) -> None:
    depth = documents = 0
    events: Iterator[yaml.Event] = iter(loader.get_event, None)
    for event in events:
        where = f"{name}:{event.start_mark.line + 1 if event.start_mark else 1}"
        if isinstance(event, yaml.AliasEvent):
            raise IncidentError("a YAML alias (*name)", where, "write the value out")
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise IncidentError("a second YAML document", where, "keep one incident in one file")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise IncidentError(f"nested more than {MAX_DEPTH} deep", where, "see the fields of an incident file")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _value(node: yaml.Node, location: Location, document: Document) -> object:
    line = node.start_mark.line + 1
    document.lines.setdefault(location, line)
    if node.tag not in _TAGS:
        raise IncidentError(f"a YAML tag {one_line(node.tag, 60)!r}", f"{document.name}:{line}", "write plain text")
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*location, number), document) for number, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, location, document)
    return None if node.tag == "tag:yaml.org,2002:null" else node.value


def _mapping(node: yaml.MappingNode, location: Location, document: Document) -> dict[str, object]:
    values: dict[str, object] = {}
    for key, item in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise IncidentError("a key that is no text", f"{document.name}:{line}", "write 'name: value'")
        if key.value in values:
            problem = Problem(f"duplicate key {one_line(key.value, 60)!r}", "keep one of them", line)
            document.problems.append(problem)
            continue
        document.lines[(*location, key.value)] = line
        values[key.value] = _value(item, (*location, key.value), document)
    return values


def first_of(problems: list[Problem], document: Document | None) -> IncidentError:
    """Which problem comes first, and where are the others?"""
    problems = sorted(problems, key=lambda problem: (not problem.exact, problem.line or 0))
    first, rest = problems[0], problems[1:]
    dotted = [".".join(map(str, problem.location)) for problem in problems]
    where = f"{document.name}:{first.line}" if document else dotted[0]
    next_step = first.next_step or "see the fields of an incident file"
    if rest and document:
        lines = sorted({problem.line for problem in rest if problem.line})
        next_step += f" (and {len(rest)} more: line{'s' * (len(lines) > 1)} {', '.join(map(str, lines))})"
    elif rest:
        next_step += f" (and {len(rest)} more: {', '.join(dotted[1:])})"
    return IncidentError(first.what, where, next_step)
