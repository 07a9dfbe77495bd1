"""Calls to AWS with their answers, refusals among them: journaled as they come, written in order at the end.

A collection that was killed or whose credentials ran out goes on from the journal.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError, PaginationError
from botocore.paginate import Paginator
from botocore.parsers import ResponseParserError

from ir_kit.aws import faults
from ir_kit.aws.guard import GUARD
from ir_kit.ingest.configuration_lines import answer_of
from ir_kit.ingest.redaction import redacted

Given = Mapping[str, Any] | None
Keep = Callable[[dict[str, Any]], dict[str, Any]] | None
Error = dict[str, str] | None
THREADS = 16
HOMES = {"us-gov-": "us-gov-west-1", "cn-": "cn-north-1"}
"""Where global services of a partition are asked, by how its Regions begin; us-east-1 in the others."""
TOKENS = ["ContinuationToken", "NextToken", "Marker", "nextToken"]
"""Parameters that name a page of an answer."""
WITHOUT_PAGINATOR = {
    "input_token": TOKENS[:2],
    "output_token": ["NextContinuationToken", "NextToken"],
    "result_key": "Items",
}
"""How an answer goes on where botocore has no paginator for it."""


class Answer(NamedTuple):
    """What one call answered: a response, or the code of an error."""

    response: dict[str, Any] = {}
    code: str = ""


class Calls:
    """The calls of one collection, by the guarded clients of a session, and their answers.

    The journal holds answers while the collection is under way; what was answered there is not asked for again.
    """

    def __init__(self, clients: Any, journal: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.clients, self.journal, self.clock = clients, journal, clock
        self.home = next((home for start, home in HOMES.items() if clients.region.startswith(start)), "us-east-1")
        self.account: str | None = None
        self.stopped: faults.StoppedError | None = None
        self.lock = threading.Lock()
        self.answered: dict[str, dict[str, Any]] = {}
        for text in journal.read_text("utf-8", "replace").split("\n") if journal.exists() else ():
            try:
                line = json.loads(text)
            except ValueError:  # cut off by a kill
                continue
            if is_settled(line):
                self.answered[key_of(line)] = line

    def ask(
        self, service: str, operation: str, parameters: Given = None, region: str | None = None, keep: Keep = None
    ) -> Answer:
        """What does AWS answer to this call, in the home of global services unless a Region is given?

        Parameters
        ----------
        keep : callable, optional
            What of a response is written down, where that is less than all of it; such a call is made again when a
            collection is taken up.

        Raises
        ------
        StoppedError
            The credentials have expired or are not accepted.
        """
        GUARD.check(service, operation)
        region = region or self.home
        line = self.line_of(service, operation, parameters, region)
        before = self.answered.get(key_of(line))
        if before is not None and keep is None and is_settled(before):
            return Answer(before.get("response") or {}, before.get("error", {}).get("Code", ""))
        if self.stopped is not None:
            raise self.stopped
        try:
            call = getattr(self.clients.client(service, region), xform_name(operation))
            response = plain(call(**parameters or {}))
        except (ClientError, BotoCoreError, ResponseParserError, OSError) as fault:
            rejected = faults.kind_of(fault) is faults.Kind.REJECTED and isinstance(fault, ClientError)
            # a Region that the account has not opted in to says of any credentials that they are not valid
            lines = list(self.answered.values())
            accepted = any("response" in other and other["region"] != region for other in lines)
            stop = None if rejected and accepted else faults.stopped(fault)
            if stop is not None:
                self.stopped = stop
                raise stop from None
            error = faults.error_of(fault)
            self.add(line | {"error": error})
            return Answer({}, error["Code"])
        response.pop("ResponseMetadata", None)
        self.add(line | {"response": redacted_answer(keep(response) if keep else response)})
        return Answer(response)

    def pages(
        self, service: str, operation: str, parameters: Given = None, region: str | None = None, keep: Keep = None
    ) -> Iterator[Answer]:
        """What does AWS answer, page by page? At least one answer, each a call of its own; the last may be an error."""
        client, name = self.clients.client(service, region or self.home), xform_name(operation)
        rule = client.get_paginator(name)._pagination_cfg if client.can_paginate(name) else WITHOUT_PAGINATOR
        answers: list[Answer] = []

        def ask_page(**given: Any) -> dict[str, Any]:
            answers.append(self.ask(service, operation, given, region, keep))
            return answers[-1].response

        try:
            for _ in Paginator(ask_page, rule, None).paginate(**parameters or {}):
                yield answers[-1]
        except PaginationError:  # the same page again: there is no other
            return

    def listed(
        self, service: str, operation: str, name: str, parameters: Given = None, region: str | None = None
    ) -> list[Any]:
        """The items below `name` in all pages of an answer; empty where it was refused."""
        pages = self.pages(service, operation, parameters, region)
        return [item for answer in pages for item in answer.response.get(name) or []]

    def note(
        self, service: str, operation: str, parameters: Given, region: str, response: Any, error: Error = None
    ) -> None:
        """Write down a call that another part made: its answer belongs to the configuration (a digest's metadata)."""
        line = self.line_of(service, operation, parameters, region)
        answer = {"error": redacted(error)} if error else {"response": redacted_answer(plain(response))}
        if not answer.items() <= self.answered.get(key_of(line), {}).items():
            self.add(line | answer)

    def line_of(self, service: str, operation: str, parameters: Given, region: str) -> dict[str, Any]:
        """A call as the configuration file records it, without its answer."""
        call = {"account": self.account, "region": region, "service": service, "operation": operation}
        return call | {"parameters": plain(parameters or {})}

    def add(self, line: dict[str, Any]) -> None:
        """Take up a call with its answer, in the journal too."""
        line = {"collected_at": f"{self.clock():%Y-%m-%dT%H:%M:%SZ}", **line}
        with self.lock:
            self.answered[key_of(line)] = line
            with self.journal.open("a", encoding="utf-8", newline="\n") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def lines(self) -> list[dict[str, Any]]:
        """Every call and its answer, in an order that hangs on the calls alone; the pages of one as they came."""
        lines = sorted(list(self.answered.values()), key=lambda line: key_of(line, TOKENS))
        # who asks was asked before it was known of which account
        return [line | {"account": line["account"] or self.account} for line in lines]

    def write(self, path: Path) -> tuple[int, int]:
        """Write every call and its answer to this file: how many are there, and to how many is the answer not known?"""
        lines = self.lines()
        write_whole(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
        return len(lines), sum(not is_settled(line) for line in lines)


def side_by_side(work: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    """What does `work` give for each of these, done by several threads? The first that raises stops the others."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, items))


def write_whole(path: Path, text: str) -> None:
    """Write this text to the file, whole or not at all; a file that is there keeps its permissions."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if path.exists():
        shutil.copymode(path, partial)
    partial.replace(path)


def plain(value: Any) -> Any:
    """The same value as JSON has it: times in ISO 8601 (UTC), bytes in base64."""

    def encoded(item: Any) -> str:
        if isinstance(item, datetime):
            moment = item.astimezone(UTC) if item.tzinfo else item.replace(tzinfo=UTC)
            return moment.isoformat().replace("+00:00", "Z")
        return base64.b64encode(item).decode() if isinstance(item, (bytes, bytearray)) else str(item)

    return json.loads(json.dumps(value, ensure_ascii=False, default=encoded).encode("utf-8", "replace"))


def redacted_answer(response: Any) -> Any:
    """A response without secrets; an object's metadata stays, since a digest's signature is evidence."""
    metadata = {"Metadata": response["Metadata"]} if isinstance(response.get("Metadata"), dict) else {}
    return redacted(response) | metadata


def key_of(line: Mapping[str, Any], leave_out: Iterable[str] = ()) -> str:
    """What tells one call from another, some of its parameters left out."""
    parameters = {name: value for name, value in line["parameters"].items() if name not in leave_out}
    call = [line["service"], line["operation"], line["region"], parameters, line["account"]]
    return json.dumps(call, sort_keys=True, ensure_ascii=False)


def is_settled(line: Mapping[str, Any]) -> bool:
    """Was it answered, be it that there is none? Then it is not asked again when a collection is taken up."""
    code = "" if "response" in line else str(line["error"]["Code"])
    return "response" in line or answer_of(code) == "absent" or "NotInUse" in code or "NotEnabled" in code
