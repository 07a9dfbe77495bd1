"""Which credential came from which: a tree, from left to right by the steps from an incident key."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ir_kit.display.charts import INK, LINE, SOFT, Chart, hover_texts, limited, publish_empty
from ir_kit.display.text import as_label, as_text, counted, is_null, shortened

LINKS = {
    "seed": ("#D55E00", "an incident key"),
    "observed": ("#0072B2", "its issuing observed"),
    "inferred": ("#8C6D1F", "its issuing inferred"),
}
SYMBOLS = {"long_term": "square", "temporary": "circle"}
ROW = 40  # pixels
MANY, FIRST = 6, 3  # of more alike than this, only the first are drawn each
ALIKE = ["parent_access_key_id", "link", "link_event_name", "credential_type", "principal_arn"]


def lineage(frame: pd.DataFrame, *, caption: str = "Lineage of credentials", most: int = 200) -> None:
    """Which credential came from which, at most `most` of a frame as ``scoping/credentials``?"""
    if frame.empty:
        return publish_empty(caption, "no credentials to draw")
    tree = merge_alike(tree_order(frame)).head(most)
    tree["line"] = range(len(tree))
    chart = Chart(caption, 110 + ROW * len(tree), below=8)
    parents = tree[["access_key_id", "column", "line"]].add_prefix("parent_")
    edges = tree[tree["column"] > 0].merge(parents, on="parent_access_key_id")
    for link, dash in (("observed", "solid"), ("inferred", "dash")):
        part = edges[edges["link"] == link]
        corners = zip(part["parent_column"], part["column"], part["parent_line"], part["line"], strict=True)
        x, y = list[Any](), list[Any]()
        for from_column, to_column, from_line, to_line in corners:
            x += [from_column, from_column, to_column, None]
            y += [from_line, to_line, to_line, None]
        style = {"color": SOFT, "width": 1.4, "dash": dash}
        chart.add("scatter", x=x, y=y, mode="lines", line=style, showlegend=False)
        names = [as_label(shortened(as_text(name), 25)) for name in part["link_event_name"].fillna("inferred")]
        chart.add(
            "scatter", x=(part["column"] - 0.98).tolist(), y=part["line"].tolist(), mode="text", text=names,
            textposition="top right", textfont={"size": 10, "color": SOFT}, showlegend=False,
        )  # fmt: skip
    texts = []
    for key, events, arn in zip(
        tree["access_key_id"], tree["event_count"].fillna(0), tree["principal_arn"], strict=True
    ):
        principal = as_text(arn).split(":", 5)[-1] if as_text(arn).startswith("arn:") else as_text(arn)
        number, principal = counted(int(events), "event"), as_label(shortened(principal, 56))
        texts.append(f" <b>{as_label(key)}</b>  {number}<br> {principal}")
    colors = [LINKS.get(link, (SOFT, ""))[0] for link in tree["link"]]
    symbols = [SYMBOLS.get(kind, "diamond") for kind in tree["credential_type"]]
    chart.add(
        "scatter", x=tree["column"].tolist(), y=tree["line"].tolist(), mode="markers+text", cliponaxis=False, text=texts,
        marker={"symbol": symbols, "size": 13, "color": colors, "line": {"color": LINE, "width": 1}}, showlegend=False,
        textposition="middle right", textfont={"size": 11, "color": INK}, hovertext=hover_texts(tree[frame.columns]),
    )  # fmt: skip
    for link, (color, words) in LINKS.items():
        if link in set(tree["link"]):
            chart.legend(words, color=color, symbol="circle")
    for kind, symbol in SYMBOLS.items():
        if kind in set(tree["credential_type"]):
            chart.legend(f"{kind.replace('_', '-')} credential", color=INK, symbol=f"{symbol}-open")
    chart.x |= {"range": [-0.15, int(tree["column"].max()) + 2.6], "visible": False, "fixedrange": True}
    chart.y |= {"range": [len(tree) - 0.4, -0.6], "visible": False, "fixedrange": True}
    chart.layout["margin"] |= {"l": 8, "r": 8, "b": 24}
    alike = int(tree.loc[tree["stands_for"] > 1, "stands_for"].sum())
    return chart.publish(
        f"{counted(len(frame), 'credential')}; solid lines are observed, dashed ones inferred.",
        f"{alike:,} that are alike share lines; the table has each." if alike else "",
        limited(int(tree["stands_for"].sum()), len(frame), "credentials"),
    )


def tree_order(frame: pd.DataFrame) -> pd.DataFrame:
    """The credentials with their column, the steps from a root: parents first, then the earliest; no row is lost."""
    rows = frame.to_dict("records")
    rows.sort(key=lambda row: (as_text(row.get("issued_at")), as_text(row.get("first_used")), row["access_key_id"]))
    known = {row["access_key_id"] for row in rows}
    children: dict[str, list[dict[Any, Any]]] = {}
    for row in rows:
        parent = row["parent_access_key_id"]
        root = is_null(parent) or parent not in known or parent == row["access_key_id"]
        children.setdefault("" if root else parent, []).append(row)
    placed: dict[str, dict[Any, Any]] = {}
    for start in [*children.get("", []), *rows]:  # the rows again: a ring of parents has no root
        waiting = [(0, start)]
        while waiting:
            column, row = waiting.pop()
            if row["access_key_id"] not in placed:
                placed[row["access_key_id"]] = {**row, "column": column, "stands_for": 1}
                waiting += [(column + 1, child) for child in reversed(children.get(row["access_key_id"], []))]
    return pd.DataFrame(placed.values(), dtype=object)


def merge_alike(tree: pd.DataFrame) -> pd.DataFrame:
    """The same with many of a kind on one line: from one parent by the same link, of one principal, without heirs."""
    leaves = tree[~tree["access_key_id"].isin(tree["parent_access_key_id"])]
    kinds = leaves.groupby(ALIKE, dropna=False)
    number, size = kinds.cumcount(), kinds["column"].transform("size")
    rest = leaves[(number >= FIRST) & (size > MANY)]
    events = rest.groupby(ALIKE, dropna=False)["event_count"].transform("sum")
    first = number[rest.index] == FIRST
    merged = rest.loc[first, [*ALIKE, "column"]].assign(
        event_count=events[first], stands_for=size[rest.index][first] - FIRST
    )
    names = [f"and {number:,} more like these" for number in merged["stands_for"]]
    return pd.concat([tree.drop(rest.index), merged.assign(access_key_id=names)]).sort_index()
