"""Calls to AWS, each with what it answered: made through guarded clients, written down as they come, kept in order at
the end.

While a collection is under way its answers stand in a journal, a line a call, so that one that was killed or whose
credentials ran out goes on where it stopped. At its end they are sorted into one file of JSON lines. A call that was
refused or failed is an answer too; only what stops everything (credentials that have expired) is raised.
"""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from ir_kit.aws import faults
from ir_kit.aws.guard import GUARD
from ir_kit.collect.paging import following
from ir_kit.ingest.configuration_lines import answer_of
from ir_kit.ingest.redaction import redacted

__all__ = ["Answer", "Calls", "plain", "side_by_side"]

Parameters = Mapping[str, Any]
THREADS = 16
MOST_PAGES = 10_000


class Clients(Protocol):
    """What hands out clients: one a service and Region, with the guard, safe to use from several threads."""

    region: str

    def client(self, service: str, region: str | None = None) -> Any:
        """The client of this service in this Region."""


@dataclass(frozen=True)
class Answer:
    """What one call answered: a response, or an error by its code."""

    response: dict[str, Any] = field(default_factory=dict)
    error: dict[str, str] | None = None

    @property
    def ok(self) -> bool:
        """Was it answered?"""
        return self.error is None

    @property
    def code(self) -> str:
        """The error's code; empty where there is none."""
        return "" if self.error is None else self.error["Code"]

    @property
    def kind(self) -> str:
        """``answered``, ``absent`` (there is none) or ``unknown`` (refused, or failed)."""
        return answer_of(self.code or None)


class Calls:
    """The calls of one collection, and their answers.

    Parameters
    ----------
    clients : Clients
    journal : Path
        Where answers stand while the collection is under way; what is there is taken up again.
    clock : callable
        What time it is, in UTC.
    """

    def __init__(
        self, clients: Clients, journal: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.clients = clients
        self.home = _home(clients.region)
        self.account: str | None = None
        self.clock = clock
        self.journal = journal
        self._lock = threading.Lock()
        self._lines: dict[str, dict[str, Any]] = {}
        self.stopped: faults.StoppedError | None = None
        for line in _whole_lines(journal):
            self._lines[_key(line)] = line

    def ask(
        self,
        service: str,
        operation: str,
        parameters: Parameters | None = None,
        region: str | None = None,
        *,
        page: int = 0,
        keep: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    ) -> Answer:
        """What does AWS answer to this call?

        Parameters
        ----------
        service, operation : str
            botocore's names.
        parameters : mapping, optional
        region : str
            Where it is asked; where global services live unless given.
        page : int
            Which page of an answer this is, for the order in the file.
        keep : callable, optional
            What of a response is written down, where that is less than all of it; such a call is made again when a
            collection is taken up.

        Raises
        ------
        StoppedError
            The credentials have expired or are not accepted.
        """
        GUARD.check(service, operation)
        region, parameters = region or self.home, dict(parameters or {})
        given = plain(parameters)
        line: dict[str, Any] = {
            "collected_at": "", "account": self.account, "region": region, "service": service, "operation": operation,
            "parameters": given,
        }  # fmt: skip
        key = _key(line)
        with self._lock:
            before = self._lines.get(key)
        if before is not None and keep is None and _settled(before):
            return Answer(before.get("response") or {}, before.get("error"))
        response, error = self._made(service, operation, parameters, region)
        line["collected_at"] = f"{self.clock():%Y-%m-%dT%H:%M:%SZ}"
        found = Answer(response or {}, error)
        line |= {"error": error} if error else {"response": redacted_answer((keep or _all)(found.response))}
        self._write(key, line | {"page": page})
        return found

    def _made(
        self, service: str, operation: str, parameters: dict[str, Any], region: str
    ) -> tuple[dict[str, Any] | None, dict[str, str] | None]:
        if self.stopped is not None:
            raise self.stopped  # whoever speaks first says why
        try:
            client = self.clients.client(service, region)
            response = getattr(client, xform_name(operation))(**parameters)
        except (ClientError, BotoCoreError, ResponseParserError, OSError) as fault:
            stop = faults.stopped(fault) if not self._is_closed_region(fault, region) else None
            if stop is not None:
                self.stopped = stop
                raise stop from None
            return None, faults.error_of(fault)
        response.pop("ResponseMetadata", None)
        return plain(response), None

    def _is_closed_region(self, fault: BaseException, region: str) -> bool:
        """Is it the Region that does not know these credentials? Elsewhere they have been accepted in this collection;
        a Region that an account has not opted in to says of any credentials that they are not valid.
        """
        if faults.kind_of(fault) is not faults.Kind.REJECTED or not isinstance(fault, ClientError):
            return False
        with self._lock:
            return any("response" in line and line["region"] != region for line in self._lines.values())

    def pages(
        self, service: str, operation: str, parameters: Parameters | None = None, region: str | None = None
    ) -> Iterator[Answer]:
        """What does AWS answer to this call, page by page? At least one answer; the last may be an error.

        Each page is a call of its own, and is written down as such.
        """
        region, asked = region or self.home, dict(parameters or {})
        rule = following(self.clients.client(service, region), operation)
        for page in range(MOST_PAGES):
            answer = self.ask(service, operation, asked, region, page=page)
            yield answer
            tokens = rule(answer.response) if answer.ok else {}
            if not tokens or all(asked.get(name) == value for name, value in tokens.items()):
                return
            asked |= tokens

    def listed(
        self, service: str, operation: str, name: str, parameters: Parameters | None = None, region: str | None = None
    ) -> list[Any]:
        """The items below `name` in all pages of an answer; empty where it was refused."""
        return [
            item
            for answer in self.pages(service, operation, parameters, region)
            for item in answer.response.get(name) or []
        ]

    def note(
        self,
        service: str,
        operation: str,
        parameters: Parameters,
        region: str,
        response: Any,
        error: dict[str, str] | None = None,
    ) -> None:
        """Write down a call that another part made: its answer belongs to the configuration (a digest's metadata)."""
        line: dict[str, Any] = {
            "collected_at": f"{self.clock():%Y-%m-%dT%H:%M:%SZ}", "account": self.account, "region": region,
            "service": service, "operation": operation, "parameters": plain(parameters),
        }  # fmt: skip
        line |= {"error": redacted(error)} if error else {"response": redacted_answer(plain(response))}
        key, what = _key(line), "error" if error else "response"
        with self._lock:
            before = self._lines.get(key)
        if before is None or before.get(what) != line[what]:
            self._write(key, line)

    def forget_refusals(self, service: str, operations: Collection[str]) -> None:
        """Forget what was refused of these before: they were asked again by another part, which notes it if they still are."""
        with self._lock:
            for key, line in list(self._lines.items()):
                if line["service"] == service and line["operation"] in operations and "error" in line:
                    del self._lines[key]

    def lines(self) -> list[dict[str, Any]]:
        """Every call and its answer, in an order that hangs on the calls alone."""
        with self._lock:
            found = sorted(self._lines.items(), key=lambda item: (*_order(item[1]), item[0]))
        # who asks was asked before it was known of which account
        named = [line | {"account": line["account"] or self.account} for _, line in found]
        return [{name: value for name, value in line.items() if name != "page"} for line in named]

    def write(self, path: Path) -> tuple[int, int]:
        """Write every call and its answer to this file, whole or not at all.

        Returns how many there are, and to how many the answer is not known.
        """
        lines = self.lines()
        partial = path.with_name(f".{path.name}.partial")
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("w", encoding="utf-8", newline="\n") as file:
            for line in lines:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        return len(lines), sum(not _settled(line) for line in lines)

    def _write(self, key: str, line: dict[str, Any]) -> None:
        text = json.dumps(line, ensure_ascii=False) + "\n"
        with self._lock:
            self._lines[key] = line
            self.journal.parent.mkdir(parents=True, exist_ok=True)
            with self.journal.open("a", encoding="utf-8", newline="\n") as file:
                file.write(text)


def side_by_side(work: Sequence[Callable[[], Any]], threads: int = THREADS) -> list[Any]:
    """What do these give, done by several threads? In the order of `work`; the first that raises stops the others."""
    with ThreadPoolExecutor(max_workers=min(threads, len(work)) or 1) as pool:
        futures: list[Future[Any]] = [pool.submit(one) for one in work]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            for future in futures:
                future.cancel()
        # those that wait were cancelled because another failed; its fault is the one to tell
        for future in sorted(done, key=futures.index):
            future.result()
        return [future.result() for future in futures]


def plain(value: Any) -> Any:
    """The same value as JSON has it: times in ISO 8601 (UTC), bytes in base64."""
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        return moment.isoformat(timespec="microseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(bytes(value)).decode("ascii")
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return value.encode("utf-8", errors="replace").decode("utf-8")
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


def redacted_answer(response: Any) -> Any:
    """A response without secrets; an object's metadata stays, since a digest's signature is evidence."""
    shown = redacted(response)
    if isinstance(response, dict) and isinstance(response.get("Metadata"), dict):
        shown["Metadata"] = response["Metadata"]
    return shown


def _home(region: str) -> str:
    """Where global services of this Region's partition are asked."""
    return next((home for start, home in _HOMES if region.startswith(start)), "us-east-1")


_HOMES = (("us-gov-", "us-gov-west-1"), ("cn-", "cn-north-1"))


def _all(response: dict[str, Any]) -> dict[str, Any]:
    return response


def _key(line: Mapping[str, Any]) -> str:
    named = [line.get(name) for name in ("account", "service", "operation", "region", "parameters")]
    return json.dumps(named, sort_keys=True, ensure_ascii=False)


def _order(line: Mapping[str, Any]) -> tuple[str, str, str, str, int]:
    """By service and operation, then by what was asked; the pages of one answer in their order."""
    tokens = ("Marker", "NextToken", "ContinuationToken", "nextToken", "MaxBuckets")
    asked = {name: value for name, value in line["parameters"].items() if name not in tokens}
    text = json.dumps(asked, sort_keys=True, ensure_ascii=False)
    return line["service"], line["operation"], line["region"], text, line.get("page", 0)


def _settled(line: Mapping[str, Any]) -> bool:
    """Was it answered, be it that there is none? Then it is not asked again when a collection is taken up."""
    code = "" if "response" in line else str(line["error"]["Code"])
    return "response" in line or answer_of(code) == "absent" or "NotInUse" in code or "NotEnabled" in code


def _whole_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a journal; the one that a kill cut off is left out."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return
    for line in text.split("\n"):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict) and {"service", "operation", "region", "parameters"} <= set(found):
            yield found
