"""What the tests of collection share: one small S3, a session that reads from it, and clients that do not really wait."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.append(str(Path(__file__).parent))  # builders that the test files here share

from fake_s3 import FakeS3

from ir_kit.aws.clients import Session


@pytest.fixture(scope="module")
def endpoint() -> Iterator[FakeS3]:
    fake = FakeS3()
    yield fake
    fake.close()


@pytest.fixture
def s3(endpoint: FakeS3) -> FakeS3:
    """The small S3, empty."""
    endpoint.reset()
    return endpoint


@pytest.fixture(scope="module")
def session(endpoint: FakeS3) -> Iterator[Session]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "not-a-secret",
            "AWS_SESSION_TOKEN": "not-a-token",
            "AWS_ENDPOINT_URL": endpoint.url,
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            patch.setenv(name, value)
        yield Session(region="us-east-1")


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Neither client really waits between two tries; what botocore would have waited."""
    found: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=found.append, time=time.time))
    monkeypatch.setattr("ir_kit.aws.s3.time", SimpleNamespace(sleep=found.append))
    monkeypatch.setattr("ir_kit.aws.s3.BACKOFF", (timedelta(milliseconds=1), timedelta(milliseconds=2)))
    return found
