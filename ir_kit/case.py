"""An open incident: its evidence, its engine, its window. Questions are asked of it, and answers are kept in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ir_kit.engine import Engine, with_literals
from ir_kit.errors import ParameterError
from ir_kit.incident import Incident, publish
from ir_kit.ingest.store import Store
from ir_kit.tables import columns_of, types_of

T = TypeVar("T")
PACKAGE = Path(__file__).parent
SLACK = timedelta(days=1)  # a request received before the window may complete in it, and the other way round
NETWORK_FILES = ("asn.mmdb", "ip-ranges.json")  # beside the incident file, where the analyst puts them there


class Case:
    """One incident, open.

    Parameters
    ----------
    incident : Incident
    staging : Path
        Where tables, findings and executed queries go.
    """

    def __init__(self, incident: Incident, staging: Path) -> None:
        self.incident = incident
        self.staging = staging
        self.store = Store(incident.folder / "evidence")
        self._executed: dict[str, str] = {}
        self._once: dict[str, Any] = {}

    @cached_property
    def engine(self) -> Engine:
        return Engine(self.store)

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """The values that every question may name: keys, buckets, responders, windows (matched with room for requests that
        one log places outside).
        """
        window, baseline = self.incident.window, self.incident.baseline
        return {
            "window_start": window.start,
            "window_end": window.end,
            "match_start": window.start - SLACK,
            "match_end": window.end + SLACK,
            "baseline_start": baseline.start if baseline else window.start,
            "baseline_end": baseline.end if baseline else window.start,
            **self.incident.model_dump(include={"access_keys", "buckets", "sensitive_buckets", "responders"}),
        }

    def ask(self, question: str, **more: Any) -> pd.DataFrame:
        """The answer to a question, as a frame.

        Parameters
        ----------
        question : str
            ``folder/name`` of a SQL file below ``ir_kit``: a playbook's room, or a line of analysis.
        **more
            Parameters that the question names beyond the case's own.
        """
        text, values = self._prepared(question, more)
        return self.engine.frame(text, values)

    def keep(self, table: str, question: str, **more: Any) -> int:
        """Stream the answer to a question into a result table, which SQL then reads as ``PLAYBOOK_TABLE``; how many rows it
        has. For answers too large for a frame.
        """
        text, values = self._prepared(question, more)
        count = publish(
            self._target(table), partial(self.engine.write, text, values, columns=types_of(table)), anew=True
        )
        self.engine.provide(table.replace("/", "_"), self._target(table))
        return count

    def write_table(self, table: str, frame: pd.DataFrame) -> pd.DataFrame:
        """Write a result table (``playbook/table``): its columns, in order, in their types; the frame's order of rows. Gives
        the frame back.
        """
        schema = pa.schema([column.field for column in columns_of(table)])
        missing = [name for name in schema.names if name not in frame.columns]
        if missing:
            what = f"the table {table} lacks {', '.join(missing)}"
            raise ParameterError(what, next_step="add the columns to the frame")
        rows = pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)
        write = partial(pq.write_table, rows.replace_schema_metadata(None), compression="zstd")
        publish(self._target(table), write, anew=True)
        return frame

    def answer(self, name: str, compute: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """An answer that several playbooks need: computed once for the same evidence and incident, and readable in SQL by its name."""

        def write(path: Path) -> None:
            outer, self._executed = self._executed, {}
            try:
                rows = pa.Table.from_pandas(compute(), preserve_index=False)
            finally:
                executed, self._executed = self._executed, outer
            # the queries that made it, so that each run that uses it can show them
            metadata = {**(rows.schema.metadata or {}), b"queries": json.dumps(executed).encode()}
            pq.write_table(rows.replace_schema_metadata(metadata), path)

        path = self._provided(name, write)
        for question, text in json.loads(pq.read_metadata(path).metadata[b"queries"]).items():
            self._record_query(question, text)
        return pd.read_parquet(path)

    def derive(self, name: str, question: str, **more: Any) -> None:
        """Make the answer to a question readable in SQL by this name, without a frame: for what other questions build on.

        Kept like `answer`, under a key of evidence and incident; what else it depends on must follow from these.
        """
        text, values = self._prepared(question, more)
        self._provided(name, partial(self.engine.write, text, values))

    def _provided(self, name: str, write: Callable[[Path], object]) -> Path:
        path = self.store.folder.parent / "answers" / f"{name}-{self._key}.parquet"
        if not path.exists():
            publish(path, write)
        self.engine.provide(name, path)
        return path

    def once(self, name: str, compute: Callable[[], T]) -> T:
        """What several questions share in this process: computed at its first use, kept as long as the case is open."""
        if name not in self._once:
            self._once[name] = compute()
        return cast(T, self._once[name])

    @cached_property
    def _key(self) -> str:
        """Of evidence, incident, labels and networks, and of the code, so that an answer kept by other code is not taken."""
        beside = [self.incident.folder / name for name in ("labels.csv", *NETWORK_FILES)]
        code = (path for path in sorted(PACKAGE.rglob("*")) if path.suffix in (".sql", ".py", ".yaml"))
        content = [self.store.identity(), self.incident.model_dump_json(exclude={"title", "sources"})]
        content += [sha256(path.read_bytes()).hexdigest() if path.exists() else "" for path in (*beside, *code)]
        return sha256(json.dumps(content).encode()).hexdigest()[:16]

    def _prepared(self, question: str, more: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        text = (PACKAGE / f"{question}.sql").read_text(encoding="utf-8")
        values = {**self.parameters, **more}
        self._record_query(question, with_literals(text, values))
        return text, values

    def _record_query(self, question: str, text: str) -> None:
        self._executed[question] = text
        target = self.staging / "queries" / f"{question}.sql"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def _target(self, table: str) -> Path:
        return self.staging / "tables" / f"{table}.parquet"
