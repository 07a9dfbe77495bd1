"""Objects and listings of S3, read as fast as the machine can: requests signed by `signing`, sent by `wire`, each
through the guard, each tried again as long as that may help.

A bucket is asked where it lives: its address comes from botocore's own rules, for the Region that S3 names. No redirect
is followed to a place that an answer names; only the Region is taken from it.
"""

from __future__ import annotations

import asyncio
import html
import random
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from ir_kit.aws import clock
from ir_kit.aws.clients import AGENT, Session
from ir_kit.aws.faults import AGAIN, Kind, StoppedError, kind_of_code, scrubbed, stopped_by
from ir_kit.aws.guard import GUARD
from ir_kit.aws.pace import Pace, backoff
from ir_kit.aws.signing import signed
from ir_kit.aws.wire import Response, Sink, Wire, WireFault, host_header

__all__ = ["S3Fault", "S3Reader"]

Check = Callable[[Response], str | None]
MOST_AT_A_TIME = 64
ATTEMPTS = 12  # about a minute and a half of waiting
DEAD = 8  # requests in a row that got no answer at all, each after all its tries: there is no network

# one line of the list in `operations` each: the method, and the query that makes it that operation
_METHODS = {"HeadObject": "HEAD", "HeadBucket": "HEAD"}
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d{1,2}")


class S3Fault(Exception):
    """S3 did not give what was asked for.

    Parameters
    ----------
    kind : Kind
    code, message : str
        As S3 says it, without secrets.
    """

    def __init__(self, kind: Kind, code: str, message: str, response: Response | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.kind, self.code, self.message = kind, code, message
        self.response = response


class S3Reader:
    """Reads objects and listings for one session. Used within one event loop; `close` it at the end.

    Parameters
    ----------
    session : Session
    wire : Wire, optional
    most : int
        The most requests at a time.
    attempts : int
        How often a request is sent at most for faults that another try may mend.
    sleep, chance
        What waits between tries, and what draws how long.
    """

    def __init__(
        self,
        session: Session,
        *,
        wire: Wire | None = None,
        most: int = MOST_AT_A_TIME,
        attempts: int = ATTEMPTS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: random.Random | None = None,
    ) -> None:
        self.session = session
        self.wire = wire or Wire(session.ca_bundle())
        self.pace = Pace(most)
        self.attempts = attempts
        self.regions: dict[str, str] = {}
        self.requests = 0
        self._sleep = sleep
        self._chance = chance or random.Random()
        self._bases: dict[tuple[str, str], tuple[str, str, str]] = {}
        self._payer: dict[str, bool] = {}
        self._accepted: set[str] = set()
        self._unanswered = 0

    @property
    def requester_pays(self) -> list[str]:
        """Buckets that were read at this caller's expense, by name."""
        return sorted(bucket for bucket, pays in self._payer.items() if pays)

    def pay_for(self, buckets: Sequence[str]) -> None:
        """Say from the first request on that this caller pays for these."""
        self._payer |= dict.fromkeys(buckets, True)

    async def close(self) -> None:
        """Close the connections."""
        await self.wire.close()

    async def call(
        self,
        operation: str,
        bucket: str,
        key: str | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        sink: Callable[[], Sink] | None = None,
        check: Check | None = None,
    ) -> Response:
        """What does S3 answer?

        Parameters
        ----------
        operation : str
            botocore's name of it; it must be on the list.
        bucket, key : str
        query, headers : mapping
        sink : callable, optional
            Makes, for each try, what takes the object.
        check : callable, optional
            Says of an answer what is wrong with it, so that it is asked for again.

        Raises
        ------
        S3Fault
            It was refused, is not there, or failed in each try.
        StoppedError
            The credentials have expired or are not accepted, or there is no network.
        FileFault
            The sink could not take the object.
        """
        tries, corrections, pay = 1, 0, False
        while True:
            # requests that get a hearing may be sent anew at once, a few times: another Region, another time, another payer
            credentials = self.session.credentials()
            fault, response = await self._sent(
                operation, bucket, key, query or {}, headers or {}, sink, credentials, pay
            )
            if fault is None and response is not None:
                wrong = check(response) if check is not None else None
                if wrong is None:
                    self._accepted.add(self.regions.get(bucket) or self.session.region)
                    if pay:
                        self._payer[bucket] = True
                    return response
                fault = S3Fault(Kind.NETWORK, "Damaged", wrong, response)
            assert fault is not None
            if corrections < 4 and self._corrected(fault, bucket, credentials):
                corrections += 1
                continue
            if fault.kind is Kind.DENIED and not pay and self._may_be_paid_for(fault, bucket):
                pay = True
                continue
            if pay and fault.kind is Kind.DENIED:
                self._payer.setdefault(bucket, False)
            stop = self._stopped(fault, bucket)
            if stop is not None:
                raise stop
            if fault.kind not in AGAIN or tries >= self.attempts:
                self._count(fault)
                raise fault
            wanted = fault.response.headers.get("retry-after") if fault.response else None
            await self._sleep(backoff(tries, self._chance, wanted))
            tries += 1

    async def _sent(
        self,
        operation: str,
        bucket: str,
        key: str | None,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        sink: Callable[[], Sink] | None,
        credentials: Any,
        pay: bool,
    ) -> tuple[S3Fault | None, Response | None]:
        """One try: the guard, the signature, the wire."""
        region = self.regions.get(bucket) or self.session.region
        base, host, path = self._base(bucket, region)
        path = path.rstrip("/") or "/" if key is None else path + quote(key.encode("utf-8", "surrogateescape"), "/-_.~")
        pairs = {quote(name, "-_.~"): quote(value, "-_.~") for name, value in query.items()}
        target = f"{path}?{'&'.join(f'{name}={value}' for name, value in pairs.items())}" if pairs else path
        method = _METHODS.get(operation, "GET")
        GUARD.check("s3", operation, method, base)
        given = {"User-Agent": AGENT, **headers}
        if pay or self._payer.get(bucket):
            given["x-amz-request-payer"] = "requester"
        given = signed(credentials, region, method, host, path, pairs, given, clock.aws_now())
        throttled = False
        await self.pace.enter()
        self.requests += 1
        try:
            response = await self.wire.request(method, base, target, given, sink)
            self._unanswered = 0
            if response.status < 300:
                return None, response
            fault = _fault_of(response)
            throttled = fault.kind is Kind.THROTTLED or response.status == 503
            return fault, None
        except WireFault as lost:
            return S3Fault(Kind.NETWORK, "NoAnswer", scrubbed(lost)), None
        finally:
            self.pace.leave(throttled)

    def _base(self, bucket: str, region: str) -> tuple[str, str, str]:
        """Scheme and host, the host alone, and the path before the key, as botocore's rules have them for this bucket."""
        if (bucket, region) not in self._bases:
            url = self.session.client("s3", region).generate_presigned_url(
                "get_object", Params={"Bucket": bucket, "Key": "k"}
            )
            parts = urlsplit(url)
            base = f"{parts.scheme}://{parts.netloc}"
            self._bases[bucket, region] = base, host_header(base), parts.path.removesuffix("k")
        return self._bases[bucket, region]

    def _corrected(self, fault: S3Fault, bucket: str, credentials: Any) -> bool:
        """Was it the request that was wrong, in a way that could be put right?"""
        response = fault.response
        if response is None:
            return False
        if clock.is_skew(fault.code, fault.message):
            return clock.correct_by(response.headers)
        if fault.kind is Kind.EXPIRED:
            return bool(self.session.credentials() != credentials)
        region = self._other_region(fault, response, bucket)
        if region:
            self.regions[bucket] = region
            return True
        return False

    def _other_region(self, fault: S3Fault, response: Response, bucket: str) -> str | None:
        told = response.headers.get("x-amz-bucket-region", "")
        if not told and fault.kind is Kind.REDIRECT:
            named = re.search(rb"<Region>([^<]+)</Region>", response.body)
            told = named[1].decode("latin-1") if named else ""
        now = self.regions.get(bucket) or self.session.region
        redirected = fault.kind is Kind.REDIRECT or response.status in (301, 307, 400)
        return told if redirected and _REGION.fullmatch(told) and told != now else None

    def _may_be_paid_for(self, fault: S3Fault, bucket: str) -> bool:
        """A bucket whose requesters pay refuses those who do not say that they will; it is asked once with that said."""
        return self._payer.get(bucket) is not False and "kms" not in fault.message.lower()

    def _stopped(self, fault: S3Fault, bucket: str) -> StoppedError | None:
        """Does this fault end everything, or one Region or object alone?"""
        region = self.regions.get(bucket) or self.session.region
        elsewhere = bool(self._accepted) and (region not in self._accepted or fault.code == "SignatureDoesNotMatch")
        if fault.kind is Kind.REJECTED and elsewhere:
            # a Region that the account has not switched on, or one key that is signed wrongly
            fault.kind = Kind.DENIED
            return None
        return stopped_by(fault.kind, fault.code, self.session.profile)

    def _count(self, fault: S3Fault) -> None:
        if fault.kind is not Kind.NETWORK or fault.code != "NoAnswer":
            return
        self._unanswered += 1
        if self._unanswered >= DEAD:
            raise StoppedError(
                f"S3 does not answer ({fault.message})",
                "what was fetched is kept",
                "check the network and give the same command again",
            )


def _fault_of(response: Response) -> S3Fault:
    """What an answer with an error says. A HEAD's has no body: its status is all there is."""
    text = response.body[:65_536].decode("utf-8", "replace")
    code = _element(text, "Code") or str(response.status)
    message = _element(text, "Message") or ""
    return S3Fault(kind_of_code(code, response.status), scrubbed(code, 100), scrubbed(message), response)


def _element(text: str, name: str) -> str | None:
    found = re.search(rf"<{name}>([^<]*)</{name}>", text)
    return html.unescape(found[1]) if found else None
