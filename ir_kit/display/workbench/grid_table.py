"""What of a table is being looked at, as a parameter too; and which rows that is: searched, filtered, sorted by DuckDB."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from ir_kit.display.text import as_text, is_null, moment
from ir_kit.errors import ParameterError

INCIDENT_HELP = "the incident's name: its folder below runs"
VIEW_HELP = "what the workbench's tables show: a line that the workbench gives"
NEXT_STEP = "copy the line that the workbench gives, or leave it empty"
UNSEEN_BY_PAPERMILL = {"=": "\\u003d", "#": "\\u0023"}  # it reads a line up to the first of either
LONGEST = 1_000  # rows of one page
STARTS = ("event_time", "start_time", "first_time", "hour", "issued_at", "first_used", "labelled_at")
ENDS = ("end_time", "last_time", "last_used")
TEXT_FILTERS = {
    "equal": "lower({text}) = lower(?)",
    "notEqual": "lower({text}) is distinct from lower(?)",
    "contains": "contains(lower({text}), lower(?))",
    "notContains": "not coalesce(contains(lower({text}), lower(?)), false)",
    "starts": "starts_with(lower({text}), lower(?))",
    "ends": "ends_with(lower({text}), lower(?))",
}
NUMBER_FILTERS = {"notEqual": "<>", "greater": ">", "greaterOrEqual": ">=", "less": "<", "lessOrEqual": "<="}
Condition = tuple[str, list[Any]]


@dataclass(frozen=True)
class View:
    """What is chosen; an empty text chooses everything. Times are ISO 8601, from `start` up to but not including `end`."""

    access_key_id: str = ""
    bucket: str = ""
    start: str = ""
    end: str = ""
    search: str = ""

    @classmethod
    def of(cls, text: str) -> View:
        """The view that the parameter ``view`` of a playbook names.

        Raises
        ------
        ParameterError
            The text is not what the workbench gives, or a time in it is none.
        """
        try:
            given = json.loads(text or "{}")
            if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
                raise ValueError
        except ValueError:
            raise ParameterError("a view that cannot be read", "view", NEXT_STEP) from None
        known = sorted(field.name for field in fields(cls))
        if not set(given) <= set(known):
            raise ParameterError("a view of something else", "view", f"it may name {', '.join(known)}")
        for name in ("start", "end"):
            parse_time(given.get(name, ""), name)
        return cls(**given)

    def text(self) -> str:
        """The same, as `of` reads it; empty where nothing is chosen. Nothing but ASCII, no ``=`` and no ``#``."""
        chosen = {name: value for name, value in asdict(self).items() if value}
        text = json.dumps(chosen) if chosen else ""
        return "".join(UNSEEN_BY_PAPERMILL.get(char, char) for char in text)


def parameter_line(name: str, value: str, help_: str) -> str:
    """The line of a parameters cell that gives this value."""
    text = repr(value) if '"' in value or "\\" in value else f'"{value}"'
    return f"{name}: str = {text}  # {help_}"


def parse_time(text: str, where: str) -> pd.Timestamp | None:
    """A time as the analyst writes it, UTC where it names no zone; None where nothing is written."""
    if not text.strip():
        return None
    time = pd.to_datetime(text.strip(), utc=True, errors="coerce")
    if isinstance(time, pd.Timestamp):
        return time
    raise ParameterError("a time that cannot be read", where, "write it as 2026-03-01T00:00:00Z")


def iso(time: Any) -> str:
    """A time as a view writes it."""
    return moment(time).replace(" ", "T")


class GridTable:
    """A frame as a table of DuckDB's, a column as its text and as its value; names out of a log stay out of SQL."""

    def __init__(self, frame: pd.DataFrame, columns: Sequence[str]) -> None:
        self.frame, self.columns = frame.reset_index(drop=True), list(columns)
        self.view = View()
        self.start, self.end = (
            next((name for name in names if name in frame.columns and is_time(frame[name])), "")
            for names in (STARTS, ENDS)
        )
        self._engine = duckdb.connect()
        self._load()

    def _load(self) -> None:
        values = {f"value{at}": arrow_of(self.frame[name]) for at, name in enumerate(self.columns)}
        self._engine.register("loaded", pa.table({"place": pa.array(np.arange(len(self.frame))), **values}))
        texts = [text_sql(name, str(value.type)) for name, value in values.items()]
        named = "".join(f", {text} as text{at}" for at, text in enumerate(texts))
        words = ", ".join(["''", *(f"text{at}" for at in range(len(texts)))])
        self._engine.execute(
            f"create or replace table cells as select *, lower(concat_ws(chr(31), {words})) as words"
            f" from (select *{named} from loaded)"
        )
        self._engine.unregister("loaded")

    def is_number(self, name: str) -> bool:
        """Is this a column of numbers?"""
        kind = self.frame[name].dtype
        return bool(pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind))

    def label(self, name: str, mask: npt.NDArray[np.bool_], value: str) -> None:
        """Write this value into a column of these rows."""
        self.frame[name] = self.frame[name].astype("object").where(~mask, value)
        self._load()

    def places(self, view: View) -> npt.NDArray[np.intp]:
        """The places in the frame of the rows that this view names; a row without a time lies in no part of the window."""
        sql, values = self._of_view(view)
        found = self._engine.execute(f"select place from cells where {sql} order by place", values).fetchnumpy()
        return np.asarray(found["place"], dtype=np.intp)

    def page(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Which rows of the view does a question of DataTables name: how many, and one page with their places in the frame?"""
        view, of_view = self._of_view(self.view)
        asked, of_question = self._of_question(question)
        total, found = self._engine.execute(
            f"select count(*), count(*) filter ({asked}) from cells where {view}", of_question + of_view
        ).fetchall()[0]
        length = int(question["length"])
        order = "".join(
            f"value{int(by['column'])} {'desc' if by.get('dir') == 'desc' else 'asc'} nulls last, "
            for by in question.get("order") or ()
        )
        chosen = self._engine.execute(
            f"select place from cells where {view} and {asked} order by {order}place limit ? offset ?",
            [*of_view, *of_question, min(length, LONGEST) if length > 0 else LONGEST, max(int(question["start"]), 0)],
        ).fetchall()
        places = [int(place) for (place,) in chosen]
        cells = [[as_text(value) for value in self.frame[name].iloc[places].tolist()] for name in self.columns]
        rows = [(place, [column[at] for column in cells]) for at, place in enumerate(places)]
        return {"total": total, "found": found, "rows": rows}

    def _of_view(self, view: View) -> Condition:
        conditions = [search_of(view.search)]
        for name in ("access_key_id", "bucket"):
            if getattr(view, name) and name in self.columns:
                conditions.append((f"text{self.columns.index(name)} = ?", [getattr(view, name)]))
        times = [f"value{self.columns.index(name)}" for name in (self.end, self.start) if name]
        start, end = parse_time(view.start, "start"), parse_time(view.end, "end")
        if self.start and start:
            conditions.append((f"coalesce({', '.join(times)}) >= ?", [start.tz_localize(None).to_pydatetime()]))
        if self.start and end:
            conditions.append((f"{times[-1]} < ?", [end.tz_localize(None).to_pydatetime()]))
        return all_of(conditions)

    def _of_question(self, question: Mapping[str, Any]) -> Condition:
        conditions = [search_of(str(question.get("search", {}).get("value") or ""))]
        for at, column in enumerate(question.get("columns", ())):
            search = (column.get("columnControl") or {}).get("search") or {}
            logic, value = str(search.get("logic") or ""), str(search.get("value") or "")
            if logic in ("empty", "notEmpty"):
                conditions.append((f"coalesce(text{at}, '') {'=' if logic == 'empty' else '<>'} ''", []))
            elif value and not self.is_number(self.columns[at]):
                sql = TEXT_FILTERS.get(logic, TEXT_FILTERS["contains"])
                conditions.append((sql.format(text=f"text{at}"), [value]))
            elif value:
                number = pd.to_numeric(value.replace(",", ""), errors="coerce")
                if not is_null(number):  # else it is being typed
                    conditions.append((f"value{at} {NUMBER_FILTERS.get(logic, '=')} ?", [float(number)]))
        return all_of(conditions)


def search_of(search: str) -> Condition:
    """Every word of this search stands in some column, in upper or lower case."""
    return all_of([("contains(words, lower(?))", [word]) for word in search.split()])


def all_of(conditions: Sequence[Condition]) -> Condition:
    """All of these hold."""
    sql = " and ".join(f"({sql})" for sql, _ in conditions) or "true"
    return sql, [value for _, values in conditions for value in values]


def is_time(values: pd.Series[Any]) -> bool:
    """Is this a column of times?"""
    return bool(pd.api.types.is_datetime64_any_dtype(values.dtype))


def arrow_of(values: pd.Series[Any]) -> pa.Array:
    """A column for DuckDB: times in UTC without a zone, what Arrow has no type for as text."""
    if is_time(values) and values.dt.tz is not None:
        values = values.dt.tz_convert("UTC").dt.tz_localize(None)
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if is_null(value) else as_text(value) for value in values.tolist()], type=pa.string())


def text_sql(name: str, kind: str) -> str:
    """A column as text to search in, as the grid shows it; null stays null."""
    if kind.startswith("timestamp"):
        return f"strftime({name}, '%Y-%m-%d %H:%M:%SZ')"
    if kind.startswith("list"):
        return f"array_to_string({name}, '; ')"
    return f"case when {name} then 'yes' else 'no' end" if kind == "bool" else f"{name}::varchar"
