"""Adds to the lists of an incident file, where they stand, and leaves every other character as it is.

People write comments into that file. So what is added is put into the text at the place that YAML's own parser names,
and the result is read again before it replaces the file.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ir_kit.errors import IncidentError
from ir_kit.incident import Incident, read_yaml

__all__ = ["add_to_incident", "with_added"]

Path_ = tuple[str, ...]


def add_to_incident(incident: Incident, added: Mapping[Path_, Sequence[str]]) -> bool:
    """Write these values into the lists of the incident's file, each once.

    Parameters
    ----------
    incident : Incident
    added : mapping
        By place, such as ``("sources", "cloudtrail")`` or ``("responders",)``, what the list there gains.

    Returns
    -------
    bool
        Was anything added?

    Raises
    ------
    IncidentError
        The file is written in a way that cannot be added to, or cannot be replaced; it is then as it was.
    """
    path = incident.path
    data = path.read_bytes()
    mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
    before = data.removeprefix(mark).decode("utf-8")
    after = with_added(before, added, str(path))
    if after == before:
        return False
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with partial.open("xb") as file:
            file.write(mark + after.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        partial.chmod(path.stat().st_mode & 0o777)
        partial.replace(path)
    except OSError as error:
        raise IncidentError(f"cannot be written ({error.strerror})", path, "check its permissions") from None
    finally:
        partial.unlink(missing_ok=True)
    return True


def with_added(text: str, added: Mapping[Path_, Sequence[str]], name: str) -> str:
    """Which text says the same as this one, and these values in these lists?

    Raises
    ------
    IncidentError
        The text is written in a way that this cannot add to.
    """
    wanted = read_yaml(text.encode("utf-8"), name).value
    if not isinstance(wanted, dict):
        raise IncidentError("not a mapping", name, "write 'name: value' lines")
    wanted = copy.deepcopy(wanted)
    for place, values in added.items():
        new = _grow(wanted, place, values)
        if new:
            text = _inserted(text, place, new)
    if read_yaml(text.encode("utf-8"), name).value != wanted:
        lines = "; ".join(f"{'.'.join(place)}: {', '.join(values)}" for place, values in added.items() if values)
        raise IncidentError("it is written in a way that cannot be added to", name, f"add these yourself: {lines}")
    return text


def _grow(value: dict[str, Any], place: Path_, values: Sequence[str]) -> list[str]:
    """Add to the list at this place what it lacks; return that."""
    for name in place[:-1]:
        if not isinstance(value.get(name), dict):
            value[name] = {}
        value = value[name]
    held = value.get(place[-1])
    listed = [held] if isinstance(held, str) else list(held or [])
    new = [one for one in dict.fromkeys(values) if one not in listed]
    if new:
        alone = held is None and len(new) == 1 and place[-1] == "configuration"
        value[place[-1]] = new[0] if alone else listed + new
    return new


def _inserted(text: str, place: Path_, new: list[str]) -> str:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    node, key = root, None
    parent = root
    for name in place:
        parent = node
        found = [(k, v) for k, v in parent.value if k.value == name] if isinstance(parent, yaml.MappingNode) else []
        if not found:
            return _new_entry(text, parent, place, new)
        key, node = found[0]
    flow = _flow(new)
    if isinstance(node, yaml.SequenceNode):
        if node.value:
            end = node.value[-1].end_mark.index
            if node.flow_style:
                return f"{text[:end]}, {flow}{text[end:]}"
            return _lines_after(text, end, " " * node.start_mark.column, new)
        inside = text.index("[", node.start_mark.index) + 1
        return f"{text[:inside]}{flow}{text[inside:]}"
    if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null":
        assert key is not None
        after = key.end_mark.index
        colon = text.index(":", after) + 1
        return f"{text[:colon]} {_value(place, new)}{text[max(colon, node.end_mark.index) :]}"
    if isinstance(node, yaml.ScalarNode):
        both = _flow([node.value, *new])
        return f"{text[: node.start_mark.index]}[{both}]{text[node.end_mark.index :]}"
    return text


def _new_entry(text: str, parent: yaml.Node | None, place: Path_, new: list[str]) -> str:
    """The last name of the place as an entry of its own."""
    entry = f"{place[-1]}: {_value(place, new)}"
    if not isinstance(parent, yaml.MappingNode):
        return text
    if parent.flow_style:
        inside = text.index("{", parent.start_mark.index) + 1
        return f"{text[:inside]}{entry}{', ' if parent.value else ''}{text[inside:]}"
    start = parent.value[0][0].start_mark
    return f"{text[: start.index]}{entry}\n{' ' * start.column}{text[start.index :]}"


def _lines_after(text: str, end: int, indent: str, new: list[str]) -> str:
    """After the line that ends here, or that this stands in, a line for each."""
    if end and text[end - 1] == "\n":  # a block of text ends where the next line starts
        at, lead = end, ""
    else:
        at = text.find("\n", end)
        at, lead = (len(text), "\n") if at < 0 else (at + 1, "")
    return text[:at] + lead + "".join(f"{indent}- {_flow([value])}\n" for value in new) + text[at:]


def _value(place: Path_, new: list[str]) -> str:
    return _flow(new) if len(new) == 1 and place[-1] == "configuration" else f"[{_flow(new)}]"


def _flow(values: list[str]) -> str:
    """These texts as YAML writes them between brackets."""
    return str(yaml.safe_dump(values, default_flow_style=True, width=1 << 30, allow_unicode=True)).strip()[1:-1]


def relative(incident: Incident, path: Path) -> str:
    """A path as the incident file says it."""
    path = path.absolute()
    return (path.relative_to(incident.folder) if path.is_relative_to(incident.folder) else path).as_posix()
