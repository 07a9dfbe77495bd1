"""Where the SQL runs: DuckDB on the evidence store, in this process; a question's parameters bound or written out.

A text names a parameter as ``:name``; a list stands for its elements, as in ``access_key_id in (:access_keys)``, an
empty one for ``null``. ``outcome(error_code)`` is ``success``, ``denied`` for an authorization error, else ``error``: AWS
services name a refusal differently, ``AccessDenied`` (S3, IAM), ``Client.UnauthorizedOperation`` (EC2),
``AuthorizationError`` (SNS), ``NotAuthorized`` (Cognito), ``AllAccessDisabled`` (S3). Failed authentication (an expired or
unknown key) is an error.

Source: the services' API references, "Common Errors"; CloudTrail User Guide, `errorCode`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from ir_kit.domain.principals import SQL_MACROS
from ir_kit.errors import ParameterError
from ir_kit.ingest.store import Store, connect

AUTHORIZATION_ERRORS = (
    "accessdenied", "unauthorized", "notauthorized", "forbidden", "authorizationerror", "allaccessdisabled",
)  # fmt: skip
"""Parts of the error codes, in lower case, by which a service refuses a call."""
AUTHENTICATION_ERRORS = (
    "SignatureDoesNotMatch", "InvalidAccessKeyId", "RequestTimeTooSkewed", "InvalidToken", "ExpiredToken",
    "AuthorizationHeaderMalformed", "AuthorizationQueryParametersError", "TokenRefreshRequired", "RequestExpired",
)  # fmt: skip
"""The error codes by which S3 says that it does not know who asks."""
_MACROS = f"""
create macro json_extract_scalar(j, p) as json_extract_string(j, p);
create macro outcome(code) as case when code is null then 'success'
    when regexp_matches(lower(code), '{"|".join(AUTHORIZATION_ERRORS)}') then 'denied' else 'error' end;
create macro failed_authentication(code) as coalesce(code, '') in {AUTHENTICATION_ERRORS};
"""
# strings, quoted names, comments and casts are passed over; what is left with a colon is a parameter
_PLACEHOLDER = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/|::|:([A-Za-z_]\w*)", re.DOTALL)


def outcome_of(error_code: str | None) -> str:
    """``success``, ``denied`` or ``error``, as SQL's ``outcome(error_code)``."""
    if error_code is None:
        return "success"
    return "denied" if any(part in error_code.lower() for part in AUTHORIZATION_ERRORS) else "error"


def _filled(text: str, parameters: Mapping[str, Any], write: Callable[[str, Any], str]) -> str:
    def replacement(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return match[0]
        if name not in parameters:
            raise ParameterError(f"no value for the parameter :{name}", next_step="give it to ask()")
        value = parameters[name]
        values = (
            {f"{name}_{n}": item for n, item in enumerate(value)} if isinstance(value, list | tuple) else {name: value}
        )
        return ", ".join(write(name, _naive(item)) for name, item in values.items()) or "null"

    return _PLACEHOLDER.sub(replacement, text)


def _naive(value: Any) -> Any:
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) and value.tzinfo else value


def bound(text: str, parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The text with DuckDB's named placeholders, and the values that belong to them."""
    values: dict[str, Any] = {}

    def write(name: str, value: Any) -> str:
        values[name] = value
        return f"${name}"

    return _filled(text, parameters, write), values


def with_literals(text: str, parameters: Mapping[str, Any]) -> str:
    """The text with its values written out, fit to paste into a console."""

    def write(_: str, value: Any) -> str:
        if isinstance(value, datetime):
            return f"timestamp '{value.isoformat(sep=' ', timespec='seconds')}'"
        if value is None or isinstance(value, bool | int | float):
            return "null" if value is None else str(value).lower()
        return quoted(value)

    return _filled(text, parameters, write)


def quoted(value: object) -> str:
    """A text as SQL writes it."""
    return "'" + str(value).replace("'", "''") + "'"


class Engine:
    """DuckDB over the views of a store.

    Parameters
    ----------
    store : Store
        What the views read; beside it is spilled what does not fit into 1 GB.
    """

    def __init__(self, store: Store) -> None:
        self.connection = connect(memory_limit="1GB", spill=store.folder / "spill")
        self.connection.execute(_MACROS)
        for macro in SQL_MACROS:
            self.connection.execute(f"create macro {macro}")
        store.connect_views(self.connection)

    def provide(self, name: str, source: pd.DataFrame | Path) -> None:
        """Make a frame, or a Parquet file where it lies, readable by this name; times lose their zone, which is UTC."""
        if isinstance(source, Path):  # it may be larger than memory
            relation = self.connection.read_parquet(str(source))
        else:
            self.connection.execute(f'create or replace table "{name} in memory" as from source')
            relation = self.connection.table(f'"{name} in memory"')
        relation.project(
            ", ".join(
                f'timezone(\'UTC\', "{column}") as "{column}"' if "TIME ZONE" in str(kind) else f'"{column}"'
                for column, kind in zip(relation.columns, relation.types, strict=True)
            )
        ).create_view(name, replace=True)

    def frame(self, text: str, parameters: Mapping[str, Any]) -> pd.DataFrame:
        """The answer as a frame whose times carry UTC."""
        frame = self.connection.execute(*bound(text, parameters)).df()
        for column in frame.columns:
            if pd.api.types.is_datetime64_dtype(frame[column]):
                frame[column] = frame[column].dt.tz_localize("UTC")
        return frame

    def write(
        self, text: str, parameters: Mapping[str, Any], path: Path, columns: Mapping[str, str] | None = None
    ) -> int:
        """The answer streamed to a Parquet file; how many rows it has.

        Parameters
        ----------
        columns : mapping, optional
            The columns of the file, in order, with their SQL types; times are then written with their zone.
        """
        query, values = bound(text, parameters)
        given = ", ".join(
            f'timezone(\'UTC\', "{name}") as "{name}"' if kind == "timestamp" else f'"{name}"::{kind} as "{name}"'
            for name, kind in (columns or {}).items()
        )
        # fetchall: a single fetchone() may return before DuckDB 2.0 has written the whole file
        copied = self.connection.execute(
            f"copy (select {given or '*'} from (\n{query}\n)) to {quoted(path)} (format parquet, compression zstd)",
            values,
        ).fetchall()
        return int(copied[0][0])
