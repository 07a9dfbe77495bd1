"""One reached credential, as the lineage walk carries it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

Row = dict[str, Any]


@dataclass
class Reached:
    """A credential and how it was reached; `reached_at` is when its holder could use it first."""

    access_key_id: str
    parent: str | None
    link: str
    reached_at: pd.Timestamp
    link_event_name: str | None = None
    link_event_id: str | None = None
    issued_at: pd.Timestamp | None = None
    link_basis: str | None = None
    principal_arn: str | None = None
    principal: str | None = None
    expires: pd.Timestamp | None = None
    depth: int = 0
