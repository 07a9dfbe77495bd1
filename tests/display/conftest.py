"""What is handed to the notebook, collected; and frames of a few rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from ir_kit.display import publish

HOSTILE = (
    '<script>alert(1)</script><img src=x onerror="alert(2)"> <b>bold</b> &amp; $\\alpha$ %{y} \u202egnp.exe\x1b[31m'
)

Bundle = dict[str, Any]


def time(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Bundle]:
    """Every bundle of formats that was handed over, in order."""
    bundles: list[Bundle] = []

    def collect(bundle: Bundle, *, raw: bool) -> None:
        assert raw
        bundles.append(bundle)

    monkeypatch.setattr(publish, "display", collect)
    return bundles


@pytest.fixture
def hostile() -> str:
    return HOSTILE


@pytest.fixture
def window() -> SimpleNamespace:
    return SimpleNamespace(start=datetime(2026, 3, 1, tzinfo=UTC), end=datetime(2026, 3, 4, tzinfo=UTC))


@pytest.fixture
def coverage() -> pd.DataFrame:
    """Management events on the first and the third day, an access log on the first, nothing on the second."""
    rows = [
        ("cloudtrail", "management", None, "2026-03-01", 1200),
        ("cloudtrail", "management", "named-in-a-call", "2026-03-01", 34),
        ("cloudtrail", "management", None, "2026-03-03", 7),
        ("cloudtrail", "data_read", "b", "2026-03-03", 5),
        ("access_log", "server_access_log", "b", "2026-03-01", 9),
        ("cloudtrail", "management", None, "2026-01-01", 3),
    ]
    frame = pd.DataFrame(rows, columns=["source_kind", "record_class", "bucket", "day", "records"])
    times = pd.to_datetime(frame["day"]).dt.tz_localize("UTC")
    return frame.assign(
        aws_region="us-east-1", files=1, duplicates=0, rejected=0, first_time=times, last_time=times,
        day=pd.to_datetime(frame["day"]),
    )  # fmt: skip


@pytest.fixture
def sessions() -> pd.DataFrame:
    rows = [
        ("AKIA1", "203.0.113.1", "2026-03-01 00:00", "2026-03-01 02:00", "familiar"),
        ("AKIA1", "198.51.100.7", "2026-03-01 03:00", "2026-03-01 03:00", "new"),
        ("ASIA2", "198.51.100.7", "2026-03-02 03:00", "2026-03-02 04:00", "unclear"),
    ]
    frame = pd.DataFrame(rows, columns=["access_key_id", "source_ip_address", "start_time", "end_time", "verdict"])
    return frame.assign(start_time=frame["start_time"].map(time), end_time=frame["end_time"].map(time))


@pytest.fixture
def credential() -> Callable[..., dict[str, Any]]:
    """One row of the credentials' table."""

    def row(key: str, parent: str | None = None, link: str = "seed", **more: Any) -> dict[str, Any]:
        return {
            "access_key_id": key, "parent_access_key_id": parent, "link": link, "credential_type": "temporary",
            "principal_arn": "arn:aws:iam::111122223333:user/u", "link_event_name": None, "event_count": 1,
            "issued_at": time("2026-03-01"), "first_used": time("2026-03-01"), **more,
        }  # fmt: skip

    return row
