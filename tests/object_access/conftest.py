"""Small worlds, opened as cases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from ir_kit.case import Case
from ir_kit.case_opening import open_case
from simulator import World, at, render
from simulator.ids import iso
from simulator.principals import Credential

Opener = Callable[..., Case]
START = "2026-03-03T10:00:00+00:00"
MADE = datetime.fromisoformat("2024-01-01T00:00:00+00:00")


class Small:
    """A world of one user, one trail and a bucket ``papers`` whose data events and access log are on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world = World(3)
        self.world.trail("trail")
        self.world.bucket("papers", access_log=True, data_events=True)
        self.world.bucket("exports", access_log=True)
        self.key: Credential = self.world.user("app", created=MADE)
        self.world.incident_keys = [self.key]
        self.agent, self.address = "app/1.0", "203.0.113.10"
        for day in range(35):
            time = self.world.baseline_start.replace(hour=9) + (at(START) - at("2026-03-02T10:00:00+00:00")) * day
            self.world.call(
                time, self.key, "sts", "GetCallerIdentity", address=self.address, agent=self.agent, actor="owner"
            )

    def s3(
        self,
        event_name: str,
        bucket: str = "papers",
        key: str | None = "a.txt",
        time: str = START,
        by: Any = None,
        **more: Any,
    ) -> Any:
        given: dict[str, Any] = {
            "address": "192.0.2.1",
            "agent": "thief/2.0",
            "actor": "intruder",
            "object_size": 10,
            "bytes_sent": 10,
        }
        return self.world.s3(at(time), by or self.key, event_name, bucket, key, **(given | more))

    def open(self, lines: list[str] | None = None, **incident: Any) -> Case:
        """Render, add access-log lines of the test's own, and load."""
        folder = self.folder / "small"
        folder.mkdir(exist_ok=True)
        render(self.world, folder / "evidence")
        if lines:
            (folder / "evidence" / "access-logs").mkdir(exist_ok=True)
            (folder / "evidence" / "access-logs" / "2026-03-09-00-00-00-0123456789ABCDEF").write_text(
                "\n".join(lines) + "\n"
            )
        fields: dict[str, Any] = {
            "incident": "small",
            "access_keys": [self.key.access_key_id],
            "window": {"start": iso(self.world.start), "end": iso(self.world.end)},
            "baseline": {"start": iso(self.world.baseline_start), "end": iso(self.world.start)},
            "sources": {
                "cloudtrail": ["evidence/cloudtrail"],
                "access_logs": ["evidence/access-logs"],
                "configuration": "evidence/configuration.jsonl",
            },
        }
        (folder / "incident.yaml").write_text(yaml.safe_dump(fields | incident))
        return open_case("small", str(self.folder))


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small(tmp_path)
