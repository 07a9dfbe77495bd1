"""One simulated request: what happened, before anybody asks which log saw it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from simulator.principals import Credential
from simulator.s3_calls import S3_CALLS, S3Call

S3 = "s3.amazonaws.com"
READ_WORDS = ("Get", "List", "Describe", "Head", "Lookup", "AssumeRole", "Check")


@dataclass(slots=True, eq=False)
class DeletedKey:
    """One key named by a batch delete, and what became of it."""

    key: str
    version_id: str | None = None
    error_code: str | None = None
    size: int | None = None


@dataclass(slots=True, eq=False)
class Request:
    """One request to AWS, received at `time` and answered at `completed`: UTC, whole seconds."""

    time: datetime
    event_name: str
    credential: Credential
    address: str
    agent: str
    source: str = S3
    region: str = "us-east-1"
    actor: str = "other"  # intruder, owner, other
    bucket: str | None = None
    key: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    status: int = 200
    bytes_sent: int = 0
    bytes_received: int = 0
    object_size: int | None = None
    duration_ms: int = 20
    parameters: dict[str, Any] | None = None  # added to (S3) or the whole of (others) requestParameters
    response: dict[str, Any] | None = None
    additional: dict[str, Any] | None = None
    target: str | None = None  # what an act on identities acts upon
    prefix: str | None = None
    version_id: str | None = None  # the version asked for
    new_version_id: str | None = None
    copy_source: tuple[str, str] | None = None
    deleted: list[DeletedKey] | None = None
    byte_range: tuple[int, int] | None = None
    presigned_seconds: int | None = None
    uri_tail: str = ""  # raw query text that a client added
    referer: str = "-"
    customer_key: bool = False
    acl_required: bool = False
    # set by World.add
    request_id: str = ""
    host_id: str = ""
    event_id: str = ""
    # set by delivery: what was recorded, and what reached the evidence
    trails: tuple[str, ...] = ()
    late: bool = False
    sal_rows: int = 0
    sal_lost: int = 0
    sal_duplicates: int = 0
    completed: datetime = field(init=False)  # when CloudTrail says that it happened, to the second

    def __post_init__(self) -> None:
        seconds = self.duration_ms // 1000
        self.completed = self.time + timedelta(seconds=seconds) if seconds else self.time

    @property
    def s3_call(self) -> S3Call | None:
        return S3_CALLS.get(self.event_name) if self.source == S3 else None

    @property
    def is_data(self) -> bool:
        call = self.s3_call
        return call is not None and call.data

    @property
    def read_only(self) -> bool:
        call = self.s3_call
        if call is not None:
            return call.read_only
        return self.event_name.startswith(READ_WORDS) or self.event_name == "GetSessionToken"

    @property
    def record_class(self) -> str:
        """management, data_read or data_write."""
        if not self.is_data:
            return "management"
        return "data_read" if self.read_only else "data_write"
