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
_BOUNDARY = re.compile(r',\s*\{(?=\s*")')
_FIRST_NAME = re.compile(r'\{\s*"(?:eventVersion|EventId|awsRegion|userIdentity|eventTime)"')
_SURROGATE = re.compile("[\ud800-\udfff]")
_PADDING = " \t\r\n\x00"
_BETWEEN = " \t\r\n,"
_decoder = json.JSONDecoder(strict=False)

INSIGHT_TYPE = "AwsCloudTrailInsight"
REQUIRED = ("eventName", "eventSource")
BREAKS_OFF = "the document breaks off"
BROKEN = "JSON is broken"
NOT_JSON = "not JSON"


class Item(NamedTuple):
    """One thing found in a file: a record, or (``record`` null) what could not be read, and why."""

    number: int
    record: dict[str, Any] | None
    reason: str = ""
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
        One per record, numbered from 1 in the order of the file (JSON lines by their line, unless a line holds several), and one
        per thing that could not be read. A document that breaks off ends with one item for the record that is cut; its number
        is 0 where it breaks off between records, so that none is known to be cut.
    """
    text = text_of(data)
    try:
        whole = _decoder.decode(text.strip(_PADDING))
    except (ValueError, RecursionError):
        start = _LIST_DOCUMENT.match(text)
        if start and not _begins_with_a_line(text):
            yield from _items_of_list(text, start.end())
        else:
            yield from _items_of_lines(text)
        return
    for number, record in enumerate(_expanded(whole), start=1):
        yield _item(number, record)


def is_damage(item: Item) -> bool:
    """Does this say that the file is broken, rather than that it holds something else?"""
    return item.record is None and item.reason.startswith((BREAKS_OFF, BROKEN, NOT_JSON))


def _begins_with_a_line(text: str) -> bool:
    """Is the first line a document of its own?"""
    first = text.strip(_PADDING).partition("\n")[0]
    try:
        _decoder.decode(first.strip())
    except (ValueError, RecursionError):
        return False
    return True


def _items_of_list(text: str, position: int) -> Iterator[Item]:
    """Each element of the list that opens before ``position``, past any element that is broken."""
    number, comma = 0, False
    while True:
        while position < len(text) and text[position] in _BETWEEN:
            comma = comma or text[position] == ","
            position += 1
        if position >= len(text):
            yield Item(number + 1 if comma else 0, None, BREAKS_OFF)
            return
        if text[position] == "]":
            rest = text[position + 1 :].strip(_PADDING)
            if rest != ("}" if text.lstrip()[:1] == "{" else ""):
                yield from _after_list(rest, number)
            return
        number, comma = number + 1, False
        try:
            record, position = _decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            following = _next_record(text, position)
            content = text[position : len(text) if following is None else following]
            reason = f"{BREAKS_OFF if following is None else BROKEN}: {error}"
            yield Item(number, None, reason, len(content.encode(errors="replace")), content)
            if following is None:
                return
            position = following
            continue
        yield _item(number, _inner(record))


def _after_list(rest: str, number: int) -> Iterator[Item]:
    """What follows the list: nothing that matters, the end missing, or something that is no part of the document."""
    if not rest.strip("}"):
        yield Item(0, None, BREAKS_OFF)
        return
    try:
        _decoder.decode('{"":0' + rest)
    except (ValueError, RecursionError) as error:
        yield Item(number + 1, None, f"{BROKEN} after the records: {error}", len(rest.encode(errors="replace")), rest)


def _next_record(text: str, position: int) -> int | None:
    """Where does the next record begin after one that is broken? Its inner objects look alike, so each candidate is tried."""
    for match in _BOUNDARY.finditer(text, position + 1):
        start = match.end() - 1
        try:
            value, _ = _decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            if _FIRST_NAME.match(text, start):
                return start
            continue
        if isinstance(value, dict) and ("eventName" in value or "CloudTrailEvent" in value):
            return start
    return None


def _items_of_lines(text: str) -> Iterator[Item]:
    """JSON lines; each line a record, a page of LookupEvents, or a document of its own."""
    found: list[tuple[int, Any]] = []
    rejected: list[Item] = []
    several = False
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip(_PADDING)
        if not stripped:
            continue
        try:
            records = list(_expanded(_decoder.decode(stripped)))
        except (ValueError, RecursionError) as error:
            rejected.append(Item(number, None, f"{NOT_JSON}: {error}", len(line.encode(errors="replace")), line))
            continue
        several = several or len(records) > 1
        found += [(number, record) for record in records]
    if not any(isinstance(record, dict) for _, record in found):
        # nothing in it is JSON that could matter: one thing that could not be read, not one for each line
        size = len(text.encode(errors="replace"))
        if rejected or found:
            reason = rejected[0].reason if len(rejected) == 1 and not found else NOT_JSON
            yield Item(1, None, reason, size, text)
        return
    for place, (number, record) in enumerate(found, start=1):
        yield _item(place if several else number, record)
    if several:  # numbered by record: what could not be read comes after them
        rejected = [item._replace(number=place) for place, item in enumerate(rejected, start=len(found) + 1)]
    yield from rejected


def _inner(value: Any) -> Any:
    """The record that a page of LookupEvents wraps as text."""
    if isinstance(value, dict) and isinstance(value.get("CloudTrailEvent"), str):
        try:
            return _decoder.decode(value["CloudTrailEvent"])
        except (ValueError, RecursionError):
            return value
    return value


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
    else:
        yield _inner(value)


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
    missing = [name for name in REQUIRED if record.get(name) in (None, "") or isinstance(record[name], dict | list)]
    if missing:
        return "not CloudTrail: no " + " and no ".join(missing)
    if str(record["eventSource"]).startswith("aws:"):
        return f"not CloudTrail: an event notification of {record['eventSource']}"
    if all(record.get(name) is None for name in ("eventID", "userIdentity", "eventCategory")):
        return "not CloudTrail: no eventID and no userIdentity"
    return None


def document_of(records: list[dict[str, Any]]) -> bytes:
    """These records as one document that the engine reads; lone surrogates, which it refuses, become U+FFFD."""
    text = json.dumps({"Records": records}, ensure_ascii=False, separators=(",", ":"))
    return _SURROGATE.sub("\ufffd", text).encode("utf-8")
