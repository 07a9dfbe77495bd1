"""CloudTrail's files taken apart: what form a file has, and each record in it, even where the file is broken.

Most files are one document, ``{"Records": [...]}``, and go to the engine whole. Every other form (JSON lines, the answer of
LookupEvents, a list, Logstash's form, a document that breaks off) is read here record by record, and what can be read is handed on
as such a document, so that there is one way only from a record to its row.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

RECORDS_DOCUMENT = re.compile(rb'\s*\{\s*"Records"\s*:\s*\[')
_LIST_DOCUMENT = re.compile(r'\s*(?:\{\s*"(?:Records|Events)"\s*:\s*)?\[')
_DIGEST = re.compile(rb'"digestStartTime"\s*:')
_NEXT_RECORD = re.compile(r'\{\s*"(?:eventVersion|EventId|awsRegion|userIdentity|eventTime|requestParameters)"')
_SURROGATE = re.compile("[\ud800-\udfff]")
_decoder = json.JSONDecoder(strict=False)

INSIGHT_TYPE = "AwsCloudTrailInsight"
REQUIRED = ("eventName", "eventSource")
BREAKS_OFF = "the document breaks off"
BROKEN = "JSON is broken"


class Item(NamedTuple):
    """One thing found in a file: a record, or (``record`` null) what could not be read, and why."""

    number: int
    record: dict[str, Any] | None
    reason: str | None = None
    size: int = 0
    content: str = ""


def looks_like_digest(data: bytes) -> bool:
    """Is this a digest file, wherever it lies?"""
    return bool(_DIGEST.search(data[:4096])) and b'"logFiles"' in data


def text_of(data: bytes) -> str:
    """The document as text; bytes that are no UTF-8 become U+FFFD (the source file keeps them)."""
    return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="replace")


def items(data: bytes) -> Iterator[Item]:
    """Which records does this file hold, in order, and what in it could not be read?

    Returns
    -------
    Iterator of Item
        One per record (numbered from 1 in the order of the file; JSON lines by their line) and one per thing that could not be
        read. A document that breaks off ends with one item for the record that is cut.
    """
    text = text_of(data)
    start = _LIST_DOCUMENT.match(text)
    if start:
        yield from _items_of_list(text, start.end())
        return
    try:
        whole = _decoder.decode(text.strip())
    except (ValueError, RecursionError):
        yield from _items_of_lines(text)
        return
    for number, record in enumerate(_expanded(whole), start=1):
        yield _item(number, record)


def _items_of_list(text: str, position: int) -> Iterator[Item]:
    """Each element of the list that opens before ``position``, past any element that is broken."""
    number = 0
    while True:
        while position < len(text) and text[position] in " \t\r\n,":
            position += 1
        if position >= len(text):
            yield Item(number + 1, None, BREAKS_OFF, 0, "")
            return
        if text[position] == "]":
            if text[:1] == "{" and not text.rstrip("\x00 \t\r\n").endswith("}"):
                yield Item(number + 1, None, BREAKS_OFF, 0, "")
            return
        number += 1
        try:
            record, position = _decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            following = _NEXT_RECORD.search(text, position + 1)
            # the same record's inner objects look alike: only one that follows the end of another counts
            while following and not re.search(r"\}\s*,\s*$", text[max(0, following.start() - 40) : following.start()]):
                following = _NEXT_RECORD.search(text, following.end())
            end = following.start() if following else len(text)
            reason = BROKEN if following else BREAKS_OFF
            yield Item(number, None, f"{reason}: {error}", len(text[position:end].encode(errors="replace")), text[position:end])
            if not following:
                return
            position = following.start()
            continue
        yield from (_item(number, inner) for inner in _expanded(record))


def _items_of_lines(text: str) -> Iterator[Item]:
    """JSON lines; each line a record, a page of LookupEvents, or a document of its own."""
    readable = False
    rejected: list[Item] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = _decoder.decode(line.strip())
        except (ValueError, RecursionError) as error:
            rejected.append(Item(number, None, f"not JSON: {error}", len(line.encode(errors="replace")), line))
            continue
        readable = readable or isinstance(value, dict | list)
        for record in _expanded(value):
            yield _item(number, record)
    if readable:
        yield from rejected
    elif rejected:
        # nothing in it is JSON: one thing that could not be read, not one for each line
        size = len(text.encode(errors="replace"))
        yield Item(1, None, "not JSON" if len(rejected) > 1 else (rejected[0].reason or "not JSON"), size, text)


def _expanded(value: Any) -> Iterator[Any]:
    """The records inside a document, whichever of the known forms it has."""
    if isinstance(value, list):
        for element in value:
            yield from _expanded(element)
    elif isinstance(value, dict) and isinstance(value.get("Records"), list):
        yield from value["Records"]
    elif isinstance(value, dict) and isinstance(value.get("Events"), list):
        for event in value["Events"]:
            yield from _expanded(event)
    elif isinstance(value, dict) and isinstance(value.get("CloudTrailEvent"), str):
        try:
            yield _decoder.decode(value["CloudTrailEvent"])
        except (ValueError, RecursionError):
            yield value
    else:
        yield value


def _item(number: int, record: Any) -> Item:
    reason = why_no_record(record)
    if reason is None:
        return Item(number, record)
    content = json.dumps(record, ensure_ascii=False, default=str)
    return Item(number, None, reason, len(content.encode(errors="replace")), content)


def why_no_record(record: Any) -> str | None:
    """Why is this not a CloudTrail record? Null where it is one (its time is judged with its row)."""
    if not isinstance(record, dict):
        return f"not CloudTrail: {type(record).__name__} where a record was expected"
    missing = [name for name in REQUIRED if not isinstance(record.get(name), str) or not record[name]]
    if missing:
        return "not CloudTrail: no " + " and no ".join(missing)
    if record["eventSource"].startswith("aws:"):
        return f"not CloudTrail: an event notification of {record['eventSource']}"
    if not any(record.get(name) for name in ("eventID", "userIdentity", "eventCategory")):
        return "not CloudTrail: no eventID and no userIdentity"
    return None


def document_of(records: list[dict[str, Any]]) -> bytes:
    """These records as one document that the engine reads; lone surrogates, which it refuses, become U+FFFD."""
    text = json.dumps({"Records": records}, ensure_ascii=False, separators=(",", ":"))
    return _SURROGATE.sub("\ufffd", text).encode("utf-8")
