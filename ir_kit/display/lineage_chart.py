"""Which credential came from which: a tree, from left to right by the steps from an incident key."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from ir_kit.display.charts import INK, LINE, SOFT, Chart, hover_texts, limited, publish_empty
from ir_kit.display.text import as_label, as_text, counted, is_null, shortened

__all__ = ["lineage"]

LINKS = {
    "seed": ("#D55E00", "an incident key"),
    "observed": ("#0072B2", "its issuing observed"),
    "inferred": ("#8C6D1F", "its issuing inferred"),
}
SYMBOLS = {"long_term": "square", "temporary": "circle"}
ROW = 40  # pixels
MANY, FIRST = 6, 3  # of more alike than this, only the first are drawn each
ALIKE = ["parent_access_key_id", "link", "link_event_name", "credential_type", "principal_arn"]


class Node(NamedTuple):
    """A credential, or several alike, in the tree: steps from a root."""

    column: int
    row: dict[Any, Any]
    stands_for: int = 1


def lineage(frame: pd.DataFrame, *, caption: str = "Lineage of credentials", most: int = 200) -> None:
    """Which credential came from which?

    Parameters
    ----------
    frame : DataFrame
        As ``scoping/credentials``.
    caption : str
    most : int
        How many credentials at most; the rest is counted in words.
    """
    if frame.empty:
        return publish_empty(caption, "no credentials to draw")
    nodes = merged_nodes(tree_nodes(frame))[:most]
    chart = Chart(caption, 110 + ROW * len(nodes), below=8)
    place_of = {node.row["access_key_id"]: (node.column, line) for line, node in enumerate(nodes)}
    for link, dash in (("observed", "solid"), ("inferred", "dash")):
        x, y, ends = list[float | None](), list[float | None](), []
        for line, node in enumerate(nodes):
            start = place_of.get(node.row["parent_access_key_id"])
            if node.row["link"] == link and node.column > 0 and start:
                x += [start[0], start[0], node.column, None]
                y += [start[1], line, line, None]
                event = node.row["link_event_name"]
                ends.append(
                    (node.column, line, "inferred" if is_null(event) else as_label(shortened(as_text(event), 25)))
                )
        if ends:
            style = {"color": SOFT, "width": 1.4, "dash": dash}
            chart.add("scatter", x=x, y=y, mode="lines", line=style, showlegend=False)
            chart.add(
                "scatter", x=[column - 0.98 for column, _, _ in ends], y=[line for _, line, _ in ends], mode="text",
                text=[name for _, _, name in ends], textposition="top right", textfont={"size": 10, "color": SOFT},
                showlegend=False,
            )  # fmt: skip
    shown = [list(node.row) if node.stands_for == 1 else ["access_key_id", "event_count", *ALIKE] for node in nodes]
    chart.add(
        "scatter", x=[node.column for node in nodes], y=list(range(len(nodes))), mode="markers+text", cliponaxis=False,
        marker={
            "symbol": [SYMBOLS.get(node.row["credential_type"], "diamond") for node in nodes], "size": 13,
            "color": [LINKS.get(node.row["link"], (SOFT, ""))[0] for node in nodes], "line": {"color": LINE, "width": 1},
        },
        text=[node_label(node.row) for node in nodes], textposition="middle right", textfont={"size": 11, "color": INK},
        hovertext=[hover_texts(pd.DataFrame([node.row], columns=names))[0] for node, names in zip(nodes, shown, strict=True)],
        showlegend=False,
    )  # fmt: skip
    for link, (color, words) in LINKS.items():
        if any(node.row["link"] == link for node in nodes):
            chart.legend(words, color=color, symbol="circle")
    for credential_type, symbol in SYMBOLS.items():
        if any(node.row["credential_type"] == credential_type for node in nodes):
            chart.legend(f"{credential_type.replace('_', '-')} credential", color=INK, symbol=f"{symbol}-open")
    deepest = max(node.column for node in nodes)
    chart.x |= {"range": [-0.15, deepest + 2.6], "visible": False, "fixedrange": True}
    chart.y |= {"range": [len(nodes) - 0.4, -0.6], "visible": False, "fixedrange": True}
    chart.layout["margin"] |= {"l": 8, "r": 8, "b": 24}
    alike = sum(node.stands_for for node in nodes if node.stands_for > 1)
    return chart.publish(
        f"{counted(len(frame), 'credential')}; solid lines are observed, dashed ones inferred.",
        f"{alike:,} that are alike share lines; the table has each." if alike else "",
        limited(sum(node.stands_for for node in nodes), len(frame), "credentials"),
    )


def tree_nodes(frame: pd.DataFrame) -> list[Node]:
    """The credentials in the tree's order: parents first, then the earliest; no row is lost."""
    rows = frame.to_dict("records")
    rows.sort(key=lambda row: (as_text(row.get("issued_at")), as_text(row.get("first_used")), row["access_key_id"]))
    known = {row["access_key_id"] for row in rows}
    children: dict[str, list[dict[Any, Any]]] = {}
    for row in rows:
        parent = row["parent_access_key_id"]
        root = is_null(parent) or parent not in known or parent == row["access_key_id"]
        children.setdefault("" if root else parent, []).append(row)
    nodes: dict[str, Node] = {}
    for start in [*children.get("", []), *rows]:  # the rows again: a ring of parents has no root
        waiting = [(0, start)]
        while waiting:
            column, row = waiting.pop()
            if row["access_key_id"] not in nodes:
                nodes[row["access_key_id"]] = Node(column, row)
                waiting += [(column + 1, child) for child in reversed(children.get(row["access_key_id"], []))]
    return list(nodes.values())


def merged_nodes(nodes: list[Node]) -> list[Node]:
    """The same with many of a kind on one line: from one parent by the same link, of one principal, without heirs."""
    parents = {node.row["parent_access_key_id"] for node in nodes}
    alike: dict[tuple[str, ...], list[Node]] = {}
    for node in nodes:
        if node.row["access_key_id"] not in parents:
            alike.setdefault(tuple(as_text(node.row[name]) for name in ALIKE), []).append(node)
    merged: dict[str, Node | None] = {}
    for members in alike.values():
        if len(members) > MANY:
            rest = members[FIRST:]
            events = sum(int(n) for node in rest if not is_null(n := node.row["event_count"]))
            name = f"and {len(rest):,} more like these"
            row = {**rest[0].row, "access_key_id": name, "event_count": events}
            merged |= {node.row["access_key_id"]: None for node in rest}
            merged[rest[0].row["access_key_id"]] = Node(rest[0].column, row, len(rest))
    return [left for node in nodes if (left := merged.get(node.row["access_key_id"], node))]


def node_label(row: dict[Any, Any]) -> str:
    """The credential, its events, its principal."""
    used = 0 if is_null(row["event_count"]) else int(row["event_count"])
    principal = as_text(row["principal_arn"])
    short = shortened(principal.split(":", 5)[-1] if principal.startswith("arn:") else principal, 56)
    return f" <b>{as_label(row['access_key_id'])}</b>  {counted(used, 'event')}<br> {as_label(short)}"
