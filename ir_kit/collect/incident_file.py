"""Adds to the lists of an incident file, and leaves every other character as it is: people write comments into it.

What is added is put into the text where YAML's own parser says, and the result is read again before it replaces the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from ir_kit.collect.calls import write_whole
from ir_kit.errors import IncidentError
from ir_kit.incident import Incident, read_yaml

Added = Mapping[tuple[str, ...], Sequence[str]]


def add_to_incident(incident: Incident, added: Added) -> bool:
    """Write these values into the lists of the incident's file, each once. Was anything added?

    Parameters
    ----------
    added : mapping
        By place, such as ``("sources", "cloudtrail")`` or ``("responders",)``, what the list there gains.

    Raises
    ------
    IncidentError
        The file is written in a way that cannot be added to, or cannot be replaced; it is then as it was.
    """
    before = incident.path.read_bytes().decode("utf-8")
    after = with_added(before, added, str(incident.path))
    try:
        if after != before:
            write_whole(incident.path, after)
    except OSError as error:
        raise IncidentError(f"cannot be written ({error.strerror})", incident.path, "check its permissions") from None
    return after != before


def with_added(text: str, added: Added, name: str) -> str:
    """Which text says the same as this one, and these values in these lists? Raises as `add_to_incident` does."""
    wanted: Any = read_yaml(text.encode("utf-8"), name).value
    for place, values in added.items():
        parent: Any = wanted
        for part in place[:-1]:
            parent[part] = parent[part] if isinstance(parent.get(part), dict) else {}
            parent = parent[part]
        present = parent.get(place[-1]) or []
        present = [present] if isinstance(present, str) else present
        new = [value for value in dict.fromkeys(values) if value not in present]
        if new:
            parent[place[-1]] = present + new
            text = inserted(text, place, new)
    if read_yaml(text.encode("utf-8"), name).value != wanted:
        lines = "; ".join(f"{'.'.join(place)}: {', '.join(values)}" for place, values in added.items() if values)
        raise IncidentError("it is written in a way that cannot be added to", name, f"add these yourself: {lines}")
    return text


def inserted(text: str, place: Sequence[str], new: list[str]) -> str:
    """The text with these values put into the list at this place; as it was where that is not done."""
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    for part in place:
        parent = node
        if not isinstance(parent, yaml.MappingNode):
            return text
        node = next((value for key, value in parent.value if key.value == part), None)
    if node is None:
        entry = f"{place[-1]}: [{in_flow(new)}]"
        if parent.flow_style:
            start = parent.start_mark.index + 1
            return f"{text[:start]}{entry}{', ' if parent.value else ''}{text[start:]}"
        first = parent.value[0][0].start_mark
        return f"{text[: first.index]}{entry}\n{' ' * first.column}{text[first.index :]}"
    start, end = node.start_mark.index, node.end_mark.index
    if isinstance(node, yaml.ScalarNode):
        values = new if node.tag.endswith(":null") else [node.value, *new]
        return f"{text[:start]}{'' if text[start - 1] == ' ' else ' '}[{in_flow(values)}]{text[end:]}"
    last = node.value[-1].end_mark.index if node.value else start + 1
    if node.flow_style:
        return f"{text[:last]}{', ' if node.value else ''}{in_flow(new)}{text[last:]}"
    if text[last - 1] != "\n":  # after a block of text the next line has begun
        last = text.find("\n", last) + 1
    lines = "".join(f"{' ' * node.start_mark.column}- {in_flow([value])}\n" for value in new)
    return f"{text[:last]}{lines}{text[last:]}" if last else f"{text}\n{lines}"


def in_flow(values: list[str]) -> str:
    """These texts as YAML writes them between brackets."""
    return str(yaml.safe_dump(values, default_flow_style=True, width=1 << 30, allow_unicode=True)).strip()[1:-1]
