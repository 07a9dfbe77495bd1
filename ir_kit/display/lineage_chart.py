"""Which credential came from which: a tree, from left to right by the steps from an incident key."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from ir_kit.display.charts import Drawn, drawn, empty, hover, only
from ir_kit.display.style import INK, LINE, SOFT, base_figure, legend_entry
from ir_kit.display.text import as_label, as_text, counted, is_null, shortened

__all__ = ["lineage"]

LINKS = {
    "seed": ("#D55E00", "an incident key"),
    "observed": ("#0072B2", "its issuing observed"),
    "inferred": ("#8C6D1F", "its issuing inferred"),
}
SYMBOLS = {"long_term": "square", "temporary": "circle"}
ROW = 40  # pixels
MANY, FIRST = 6, 3  # from how many alike on only the first are drawn each


class _Node(NamedTuple):
    """A credential and its place: steps from a root, line from the top; or several alike, on one line."""

    column: int
    line: int
    row: dict[str, Any]
    stands_for: int = 1


def lineage(frame: pd.DataFrame, *, caption: str, most: int) -> Drawn:
    """How did each credential come from the incident keys?

    Parameters
    ----------
    frame : DataFrame
        One row per credential, with the columns of ``scoping/credentials``.
    caption : str
        What the figure shows.
    most : int
        How many credentials at most; the rest is counted in words.
    """
    if frame.empty:
        return empty(caption, "no credentials to draw")
    nodes = _together(_placed(frame))
    shown = [node._replace(line=line) for line, node in enumerate(nodes[:most])]
    figure = base_figure(caption, 110 + ROW * len(shown))
    by_key = {node.row["access_key_id"]: node for node in shown}
    for link, dash in (("observed", "solid"), ("inferred", "dash")):
        _edges(figure, [node for node in shown if node.row["link"] == link], by_key, dash)
    kinds = sorted({(str(node.row["link"]), str(node.row["credential_type"])) for node in shown})
    for kind in kinds:
        _marks(figure, [node for node in shown if (node.row["link"], node.row["credential_type"]) == kind], *kind)
    for link, (color, words) in LINKS.items():
        if any(link == drawn_link for drawn_link, _ in kinds):
            figure.add_trace(legend_entry(words, color=color, symbol="circle"))
    for credential_type, symbol in SYMBOLS.items():
        if any(credential_type == drawn_type for _, drawn_type in kinds):
            words = f"{credential_type.replace('_', '-')} credential"
            figure.add_trace(legend_entry(words, color=INK, symbol=f"{symbol}-open"))
    deepest = max(node.column for node in shown)
    figure.update_xaxes(range=[-0.15, deepest + 2.6], visible=False, fixedrange=True)
    figure.update_yaxes(range=[len(shown) - 0.4, -0.6], visible=False, fixedrange=True)
    figure.update_layout(margin={"l": 8, "r": 8, "b": 24})
    alike = sum(node.stands_for for node in shown if node.stands_for > 1)
    return drawn(
        figure,
        f"{counted(len(frame), 'credential')}; solid lines are observed, dashed ones inferred.",
        f"{alike:,} that are alike share lines; the table has each." if alike else "",
        only(sum(node.stands_for for node in shown), len(frame), "credentials"),
        below=8,
    )


def _together(nodes: list[_Node]) -> list[_Node]:
    """The same with many of a kind on one line: from one parent by the same link, of one principal, without heirs."""
    parents = {node.row["parent_access_key_id"] for node in nodes}
    alike: dict[tuple[str, ...], list[_Node]] = {}
    for node in nodes:
        if node.row["access_key_id"] not in parents:
            alike.setdefault(_kind(node), []).append(node)
    stands_in: dict[str, _Node | None] = {}
    for members in alike.values():
        if len(members) > MANY:
            first, *others = members[FIRST:]
            events = sum(int(n) for node in members[FIRST:] if not is_null(n := node.row["event_count"]))
            name = f"and {len(others) + 1:,} more like these"
            row = {**first.row, "access_key_id": name, "event_count": events}
            stands_in |= {node.row["access_key_id"]: None for node in others}
            stands_in[first.row["access_key_id"]] = _Node(first.column, 0, row, len(others) + 1)
    left = (stands_in.get(node.row["access_key_id"], node) for node in nodes)
    return [node for node in left if node is not None]


def _kind(node: _Node) -> tuple[str, ...]:
    names = ("parent_access_key_id", "link", "link_event_name", "credential_type", "principal_arn")
    return tuple(as_text(node.row[name]) for name in names)


def _placed(frame: pd.DataFrame) -> list[_Node]:
    """The credentials in the tree's order, each with its column: parents first, then the earliest; no row is lost."""
    rows = [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
    rows.sort(key=lambda row: (as_text(row.get("issued_at")), as_text(row.get("first_used")), row["access_key_id"]))
    known = {row["access_key_id"] for row in rows}
    children: dict[str, list[dict[str, Any]]] = {}
    roots = []
    for row in rows:
        parent = row["parent_access_key_id"]
        if is_null(parent) or parent not in known or parent == row["access_key_id"]:
            roots.append(row)
        else:
            children.setdefault(parent, []).append(row)
    placed: list[_Node] = []
    seen: set[str] = set()
    for start in [*roots, *rows]:  # the rows again: a ring of parents has no root
        waiting = [(0, start)]
        while waiting:
            column, row = waiting.pop()
            if row["access_key_id"] in seen:
                continue
            seen.add(row["access_key_id"])
            placed.append(_Node(column, 0, row))
            waiting += [(column + 1, child) for child in reversed(children.get(row["access_key_id"], []))]
    return placed


def _edges(figure: Any, nodes: list[_Node], by_key: dict[str, _Node], dash: str) -> None:
    x: list[float | None] = []
    y: list[float | None] = []
    ends = [node for node in nodes if node.column > 0 and node.row["parent_access_key_id"] in by_key]
    for node in ends:
        parent = by_key[node.row["parent_access_key_id"]]
        x += [parent.column, parent.column, node.column, None]
        y += [parent.line, node.line, node.line, None]
    if ends:
        line = {"color": SOFT, "width": 1.4, "dash": dash}
        figure.add_scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", showlegend=False)
        figure.add_scatter(
            x=[node.column - 0.98 for node in ends], y=[node.line for node in ends], mode="text",
            text=[_edge_name(node.row["link_event_name"]) for node in ends], textposition="top right",
            textfont={"size": 10, "color": SOFT}, hoverinfo="skip", showlegend=False,
        )  # fmt: skip


def _edge_name(event_name: Any) -> str:
    return "inferred" if is_null(event_name) else as_label(shortened(as_text(event_name), 25))


def _marks(figure: Any, nodes: list[_Node], link: str, credential_type: str) -> None:
    color = LINKS.get(link, (SOFT, ""))[0]
    marker = {"symbol": SYMBOLS.get(credential_type, "diamond"), "size": 13, "color": color}
    figure.add_scatter(
        x=[node.column for node in nodes], y=[node.line for node in nodes], mode="markers+text", cliponaxis=False,
        marker={**marker, "line": {"color": LINE, "width": 1}}, text=[_label(node.row) for node in nodes],
        textposition="middle right", textfont={"size": 11, "color": INK}, showlegend=False,
        hovertext=[_hover(node) for node in nodes], hoverinfo="text",
    )  # fmt: skip


def _hover(node: _Node) -> str:
    if node.stands_for == 1:
        return hover(node.row)
    names = ("access_key_id", "event_count", "principal_arn", "link", "parent_access_key_id")
    return hover({name: node.row[name] for name in names})


def _label(row: dict[str, Any]) -> str:
    used = 0 if is_null(row["event_count"]) else int(row["event_count"])
    principal = as_text(row["principal_arn"])
    short = shortened(principal.split(":", 5)[-1] if principal.startswith("arn:") else principal, 56)
    return f" <b>{as_label(row['access_key_id'])}</b>  {counted(used, 'event')}<br> {as_label(short)}"
