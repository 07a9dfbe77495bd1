"""The guard: a client that carries it sends nothing but what is on the list.

It sits in botocore's own events, at three places. Where parameters are given (`provide-client-params`: calls, paginators,
pre-signed URLs and forms pass it), before a call (`before-call`), and on the request as it would leave (`before-send`),
where it looks at the method and the place too. Each refuses by raising; nothing has left the machine then.
It cannot look into obstore, of which `s3` takes nothing but ``get``.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from ir_kit.aws.operations import ALLOWED, CREDENTIALS
from ir_kit.errors import IrKitError, one_line

__all__ = ["GUARD", "Guard", "RefusedCall", "WritingGuard"]

# botocore's events name a service by its id; where that differs from its name
_SERVICE_NAMES = {"s3-control": "s3control", "cloudwatch-logs": "logs"}


class RefusedCall(IrKitError):
    """The guard has refused a call; it was not sent."""

    exit_status = 2


class Guard:
    """Which operations may leave: those of the list, and those that fetch the credentials which a profile names."""

    def check(self, service: str, operation: str, method: str | None = None, url: str | None = None) -> None:
        """May this be sent? By botocore's names; method and address where the request is made already.

        Raises
        ------
        RefusedCall
            It may not.
        """
        if (service, operation) in CREDENTIALS:
            return
        if (service, operation) not in ALLOWED:
            raise _refused(service, operation, "it is not on the list of operations that only read")
        # services whose every operation on the list reads by the method of HTTP alone
        if service in ("s3", "s3control") and method not in (None, "GET", "HEAD"):
            raise _refused(service, operation, f"it would be sent as {one_line(method, 12)}")

    def attach(self, events: Any) -> None:
        """Put the guard into these events (of a botocore session before it makes clients, or of one client)."""
        for name, hook in (
            ("provide-client-params", self._on_parameters),
            ("before-call", self._on_call),
            ("before-send", self._on_send),
        ):
            events.register_first(name, hook, unique_id=f"ir-kit-guard-{name}")

    def _on_parameters(self, model: Any, **_: Any) -> None:
        self.check(model.service_model.service_name, model.name)

    def _on_call(self, model: Any, params: Any, **_: Any) -> None:
        self.check(model.service_model.service_name, model.name, params["method"])

    def _on_send(self, event_name: str, request: Any, **_: Any) -> None:
        service_id, operation = event_name.split(".")[1:3]
        self.check(_SERVICE_NAMES.get(service_id, service_id), operation, request.method, request.url)


class WritingGuard(Guard):
    """For the kit's own archive: objects are put below one prefix of one bucket, and nothing else is done.

    The prefix ends in a slash, so that it is a folder of its own.
    """

    def __init__(self, bucket: str, prefix: str) -> None:
        if not bucket or not prefix.strip("/"):
            raise RefusedCall("an archive needs a bucket and a prefix", f"s3://{bucket}/{prefix}", "name a prefix")
        self.bucket = bucket
        self.prefix = prefix.rstrip("/") + "/"

    def check(self, service: str, operation: str, method: str | None = None, url: str | None = None) -> None:
        """May this be sent? Only a put into the named place, whose bucket stands in the host's name or first in the path."""
        if (service, operation) in CREDENTIALS:
            return
        if (service, operation) != ("s3", "PutObject"):
            raise _refused(service, operation, "the archive's client puts objects and does nothing else")
        if method not in (None, "PUT"):
            raise _refused(service, operation, f"it would be sent as {one_line(method, 12)}")
        if url is not None:
            parts = urlsplit(url)
            path = unquote(parts.path).removeprefix("/")
            if not (parts.hostname or "").startswith(f"{self.bucket}."):
                bucket, _, path = path.partition("/")
                self._check_place(bucket, path)
            self._check_place(self.bucket, path)

    def attach(self, events: Any) -> None:
        super().attach(events)
        events.register_first("provide-client-params.s3.PutObject", self._on_put, unique_id="ir-kit-guard-put")

    def _on_put(self, params: Any, **_: Any) -> None:
        self._check_place(params.get("Bucket"), str(params.get("Key", "")))

    def _check_place(self, bucket: str | None, key: str) -> None:
        if bucket != self.bucket or not key.startswith(self.prefix) or {".", ".."} & set(key.split("/")):
            raise _refused("s3", "PutObject", f"it leads out of s3://{self.bucket}/{self.prefix}")


GUARD = Guard()
"""The guard of every client for the investigated account."""


def _refused(service: str, operation: str, why: str) -> RefusedCall:
    return RefusedCall(
        f"not sent: {why}",
        f"{service}:{operation}",
        "this kit only reads; an operation is allowed in ir_kit/aws/operations.py alone",
    )
