"""What the tests of collection share: one small S3, a session that reads from it, and a reader that does not really wait."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # builders that the test files here share

from fake_s3 import FakeS3

from ir_kit.aws.clients import Session
from ir_kit.aws.s3 import S3Reader
from ir_kit.aws.wire import Wire


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


@pytest.fixture
def reader() -> Callable[[Session], S3Reader]:
    """Makes a reader that tries often and waits for nothing; ``waits`` has what it would have waited."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)

    def make(session: Session) -> S3Reader:
        return S3Reader(session, wire=Wire(read_seconds=10.0), attempts=30, sleep=sleep, chance=random.Random(1))

    make.waits = waits  # type: ignore[attr-defined]
    return make
