"""What holds for every test: another time zone than UTC on purpose, no AWS environment, no network beyond this machine."""

from __future__ import annotations

import ipaddress
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

os.environ["TZ"] = "Pacific/Chatham"
time.tzset()
for name in [name for name in os.environ if name.startswith(("AWS_", "IR_KIT_"))]:
    del os.environ[name]

# the same examples each time: a test that fails once in a hundred runs says nothing about the change at hand
settings.register_profile("steady", derandomize=True)
settings.load_profile("steady")

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"
_connect = socket.socket.connect


def _connect_here(self: socket.socket, address: Any) -> None:
    if self.family in (socket.AF_INET, socket.AF_INET6):
        host = str(address[0])
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise AssertionError(f"a test wants to reach {host}")
    _connect(self, address)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(socket.socket, "connect", _connect_here)
    yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real records by others, read where they lie."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real records here: {SHARED_DATA} is absent")
    return SHARED_DATA
