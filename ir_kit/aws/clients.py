"""Clients for AWS: each carries the guard, tries again with measure, waits for nothing for ever, and says who it is.

Credentials come from the named profile or from the environment, as the AWS command line finds them. A profile that was named
and holds none is an error: the role of the machine that this runs on is never taken in its place.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.utils import parse_timestamp

from ir_kit import __version__
from ir_kit.aws.faults import StoppedError, scrubbed, stopped
from ir_kit.aws.guard import GUARD, Guard, RefusedCall, WritingGuard
from ir_kit.aws.operations import ALLOWED
from ir_kit.errors import ParameterError

__all__ = ["AGENT", "Session", "writer_client"]

AGENT = f"ir-kit/{__version__} (incident responder; read-only)"
"""What the investigated account's own logs will show of these requests."""

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 10, 60, 8
DEFAULT_REGION = "us-east-1"
_SERVICES = frozenset(service for service, _ in ALLOWED)


class Session:
    """One caller: a profile or the ambient credentials, its clients by service and Region, and where buckets turned out to lie.

    A call that names no Region goes to `region`: the profile's own unless given, or us-east-1.

    Raises
    ------
    StoppedError
        There is no such profile.
    """

    def __init__(self, profile: str | None = None, region: str | None = None, *, guard: Guard = GUARD) -> None:
        self.profile = profile
        self.bucket_regions: dict[str, str] = {}
        self.accepted: set[str] = set()  # Regions that have answered a call for a bucket
        self._session = _botocore_session(profile, guard)
        self._session.get_component("event_emitter").register("after-call.s3", self._note_region)
        self._services = _SERVICES if guard is GUARD else frozenset(("s3",))
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str, int, bool], Any] = {}
        with _named(profile):
            self.region = region or self._session.get_config_variable("region") or DEFAULT_REGION

    def client(self, service: str, region: str | None = None, *, attempts: int = ATTEMPTS, pays: bool = False) -> Any:
        """The botocore client of a service in a Region, with the guard in it. Made once, safe to share by threads.

        Each call is sent `attempts` times at most; with `pays`, each request to S3 says that this caller pays for it.

        Raises
        ------
        RefusedCall
            No operation of that service is allowed.
        StoppedError
            There are no credentials, or they have expired.
        """
        if service not in self._services:
            raise RefusedCall("no operation of this service is allowed", service, "see ir_kit/aws/operations.py")
        wanted = (service, region or self.region, attempts, pays)
        with self._lock, _named(self.profile):
            if wanted not in self._clients:
                self._found_credentials()
                client = self._session.create_client(service, region_name=wanted[1], config=_config(service, attempts))
                if pays:
                    client.meta.events.register("before-call.s3", _pay)
                self._clients[wanted] = client
            return self._clients[wanted]

    def region_of(self, bucket: str) -> str:
        """Where is this bucket asked? Where it turned out to lie, else where the session asks."""
        return self.bucket_regions.get(bucket, self.region)

    def credentials(self) -> Any:
        """The credentials as they are now, renewed where they can be: for signing, never for showing."""
        with self._lock, _named(self.profile):
            return self._found_credentials().get_frozen_credentials()

    def ca_bundle(self) -> str | None:
        """Which certificates are to be trusted in place of botocore's, by the configuration?"""
        found = self._session.get_config_variable("ca_bundle")
        return str(found) if found else None

    def _found_credentials(self) -> Any:
        found = self._session.get_credentials()
        if found is None:
            raise StoppedError(
                "no AWS credentials are to be found",
                f"profile {self.profile}" if self.profile else "the environment",
                "name a profile with --profile, or log in, and give the same command again",
            )
        return found

    def _note_region(self, http_response: Any, context: Any, **_: Any) -> None:
        """botocore follows a bucket to its Region; what asks for it next goes there at once."""
        bucket, region = context.get("s3_redirect", {}).get("bucket"), context.get("signing", {}).get("region")
        if bucket and region:
            self.bucket_regions[bucket] = region
            if http_response.status_code < 300:
                self.accepted.add(region)


def writer_client(place: str, profile: str | None = None, region: str | None = None) -> tuple[Any, str, str]:
    """Which client copies a sealed run to `s3://bucket/prefix`? One that puts objects there and does nothing else.

    Returns
    -------
    tuple
        The client, the bucket, and the prefix, which ends in a slash.

    Raises
    ------
    ParameterError
        It names no bucket and prefix on S3.
    """
    scheme, _, rest = place.partition("://")
    bucket, _, prefix = rest.partition("/")
    if scheme != "s3" or not bucket or not prefix.strip("/"):
        raise ParameterError("no place for an archive", place, "give it as s3://BUCKET/PREFIX")
    guard = WritingGuard(bucket, prefix)
    return Session(profile, region, guard=guard).client("s3"), bucket, guard.prefix


def _botocore_session(profile: str | None, guard: Guard) -> Any:
    # botocore's debug messages show headers, and with them tokens
    for name in ("botocore", "boto3", "s3transfer", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
    session = botocore.session.Session(profile=profile)
    if profile is not None:
        if profile not in session.available_profiles:
            raise StoppedError("there is no such AWS profile", profile, "see `aws configure list-profiles`")
        session.get_component("credential_provider").remove("iam-role")
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_moment)
    guard.attach(session.get_component("event_emitter"))
    return session


def _moment(value: Any) -> Any:
    """A time as botocore parses it, in a hundredth of its time where it is written as listings of S3 write it."""
    if isinstance(value, str) and value.endswith("Z") and value[4] == "-":
        return datetime.fromisoformat(value)
    return parse_timestamp(value)


def _pay(params: Any, **_: Any) -> None:
    params["headers"]["x-amz-request-payer"] = "requester"


def _config(service: str, attempts: int) -> Config:
    # the other modes give up where too many calls fail at a time, and a listing is to wait instead
    mode = "legacy" if service == "s3" or attempts == 1 else "adaptive"
    return Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        max_pool_connections=64,
        retries={"mode": mode, "total_max_attempts": attempts},
        user_agent_extra=AGENT,
        signature_version="s3v4" if service == "s3" else None,
        s3={"us_east_1_regional_endpoint": "regional"},
    )


@contextmanager
def _named(profile: str | None) -> Iterator[None]:
    """Lets a fault of the AWS configuration be said as one line."""
    try:
        yield
    except StoppedError:
        raise
    except Exception as fault:
        raise stopped(fault, profile) or StoppedError(
            f"the AWS configuration cannot be used: {scrubbed(fault)}", profile or "the environment", "put it right"
        ) from None
