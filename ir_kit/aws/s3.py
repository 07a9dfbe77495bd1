"""Objects of S3 for one session: by obstore (Rust) where it can, by boto3 where it cannot, and what a fault means for the rest.

obstore says of a fault no more than a text, knows neither encryption nor checksums of an object, and takes no key that is no plain path.
What fails there is asked for again through boto3, whose client carries the guard and finds a bucket in another Region.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import obstore
from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError, PaginationError
from botocore.parsers import ResponseParserError
from obstore.exceptions import BaseError
from obstore.store import S3Store

from ir_kit.aws.clients import AGENT, CONNECT_SECONDS, READ_SECONDS, Session
from ir_kit.aws.faults import DamagedError, Kind, StoppedError, error_of, kind_of, stopped

__all__ = ["S3Fault", "S3Reader", "whole"]

T = TypeVar("T")
AT_A_TIME = 64
TRIES = 5  # beside those that boto3 makes of each request by itself
LONGEST_WAIT = 20.0
AGAIN = (Kind.THROTTLED, Kind.UNAVAILABLE, Kind.NETWORK, Kind.DAMAGED)
DEAD = 8  # requests in a row that got no answer at all, each after all its tries: there is no network
PIECE = 1 << 20
BACKOFF = timedelta(milliseconds=200), timedelta(seconds=15)
_PLAIN_KEY = re.compile(r"(?!.*(?:^|/)\.{0,2}(?:/|$))[A-Za-z0-9 !$&'()*+,;=@_~./-]+")


class S3Fault(Exception):
    """S3 did not give what was asked for: the kind of fault, and ``code`` and ``message`` as S3 says it, without secrets."""

    def __init__(self, kind: Kind, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.kind, self.code, self.message = kind, code, message


class S3Reader:
    """Reads buckets, from as many threads as there are; those of `payers` at this caller's expense from the first request on."""

    def __init__(self, session: Session, payers: Iterable[str] = ()) -> None:
        self.session = session
        self._pays = dict.fromkeys(payers, True)
        self._stores: dict[tuple[str, str, bool], S3Store] = {}
        self._unanswered = 0

    @property
    def requester_pays(self) -> list[str]:
        """Buckets that were read at this caller's expense, by name."""
        return sorted(bucket for bucket, pays in self._pays.items() if pays)

    def read(self, bucket: str, work: Callable[[Any], T]) -> T:
        """What does this work give, done with a client of boto3 for the bucket?

        It is done again where another try may help, and once with a client that says that this caller pays where the bucket
        refused. It may raise `DamagedError`.

        Raises
        ------
        S3Fault
            It was refused, is not there, or failed in each try.
        StoppedError
            The credentials have expired or are not accepted, this machine's clock is wrong, or there is no network.
        """
        pays = self._pays.get(bucket)
        tries = 0
        while True:
            try:
                found = work(self.session.client("s3", self.session.region_of(bucket), pays=bool(pays)))
            except (ClientError, BotoCoreError, ResponseParserError) as error:
                fault = self._fault(error, bucket)
            else:
                self._unanswered = 0
                if pays:
                    self._pays[bucket] = True
                return found
            if fault.kind is Kind.DENIED and pays is None and "kms" not in fault.message.lower():
                pays = True  # a bucket whose requesters pay refuses those who do not say that they will
                continue
            if fault.kind is Kind.DENIED and pays:
                self._pays.setdefault(bucket, False)
            tries += 1
            if fault.kind not in AGAIN or tries >= TRIES:
                raise fault
            if fault.kind is not Kind.DAMAGED:
                time.sleep(random.uniform(0, min(LONGEST_WAIT, 2.0**tries)))

    def quick(self, bucket: str, key: str, version_id: str = "") -> dict[str, Any] | None:
        """This object by obstore, its ETag and the pieces of its body; None where it cannot or does not: boto3 may, or says why."""
        if not _PLAIN_KEY.fullmatch(key):
            return None
        try:
            found = obstore.get(self._store(bucket), key, options={"version": version_id} if version_id else {})
            pieces = [found.bytes()] if found.meta["size"] <= PIECE else found.stream(PIECE)
        except (BaseError, OSError, ValueError):
            return None
        self._unanswered = 0
        return {"ETag": found.meta["e_tag"] or "", "Body": pieces}

    def _store(self, bucket: str) -> S3Store:
        region, pays = self.session.region_of(bucket), bool(self._pays.get(bucket))
        if (bucket, region, pays) not in self._stores:
            # the address by botocore's own rules; every setting is given, since obstore takes what lacks from the environment
            url = self.session.client("s3", region).generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"})
            base = url.partition("?")[0].removesuffix("/k")
            bundle = self.session.ca_bundle()
            options: Any = {"root_certificate": Path(bundle).read_bytes()} if bundle else {}
            self._stores[bucket, region, pays] = S3Store(
                bucket,
                config={
                    "endpoint": base, "aws_endpoint_url_s3": base, "virtual_hosted_style_request": True, "region": region,
                    "request_payer": pays, "skip_signature": False, "s3_express": False, "unsigned_payload": False,
                },
                client_options=options | {
                    "allow_http": base.startswith("http://"), "user_agent": AGENT, "timeout": timedelta(days=1),
                    "connect_timeout": timedelta(seconds=CONNECT_SECONDS), "read_timeout": timedelta(seconds=READ_SECONDS),
                },
                retry_config={"backoff": {"init_backoff": BACKOFF[0], "max_backoff": BACKOFF[1], "base": 2}},
                credential_provider=self._credential,
            )  # fmt: skip
        return self._stores[bucket, region, pays]

    def _credential(self) -> Any:
        found = self.session.credentials()
        return {
            "access_key_id": found.access_key, "secret_access_key": found.secret_key, "token": found.token,
            "expires_at": datetime.now(UTC) + timedelta(minutes=5),
        }  # fmt: skip

    def _fault(self, error: Exception, bucket: str) -> S3Fault:
        """What this error says of the object; raises where it ends everything."""
        kind, said = kind_of(error), error_of(error)
        region, accepted = self.session.region_of(bucket), self.session.accepted
        if kind is Kind.REJECTED and accepted and (region not in accepted or said["Code"] == "SignatureDoesNotMatch"):
            kind = Kind.DENIED  # a Region that the account has not switched on, or one key that is signed wrongly
        elif stop := stopped(error, self.session.profile):
            raise stop
        if isinstance(error, (ConnectionError, HTTPClientError)):
            self._unanswered += 1
            if self._unanswered >= DEAD:
                what, then = (
                    f"S3 does not answer ({said['Message']})",
                    "check the network and give the same command again",
                )
                raise StoppedError(what, "what was fetched is kept", then)
        if isinstance(error, PaginationError):
            return S3Fault(Kind.ERROR, "ListingDoesNotAdvance", "the next page is the same again")
        return S3Fault(kind, said["Code"], said["Message"])


def whole(pieces: Iterable[Any]) -> Iterable[Any]:
    """The pieces of a body up to its end; `DamagedError` where it breaks off."""
    try:
        yield from pieces
    except (BaseError, BotoCoreError, OSError) as error:
        raise DamagedError(why=f"it broke off ({type(error).__name__})") from None
