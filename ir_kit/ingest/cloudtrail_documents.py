"""CloudTrail's files taken apart: what form a file has, and each record in it, even where the file is broken.

Most files are one document, ``{"Records": [...]}``, and go to the engine whole. Every other form (JSON lines, the answer of
LookupEvents, a list, several documents in one file, EventBridge's and CloudWatch Logs' wrappings, Logstash's form, Athena's spelling,
a document that breaks off) is read here record by record, and what can be read is handed on as such a document, so that there is one
way only from a record to its row.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from ir_kit.domain.documents import without_surrogates
from ir_kit.ingest.cloudtrail import RECORD

RECORDS_DOCUMENT = re.compile(rb'\s*\{\s*"Records"\s*:\s*\[')
_LIST_DOCUMENT = re.compile(r'\s*(?:\{\s*"(?:Records|Events)"\s*:\s*)?\[')
_NEXT_DOCUMENT = re.compile(r'\s*\}\s*\{\s*"(?:Records|Events)"\s*:\s*\[')
_DIGEST = re.compile(rb'"digestStartTime"\s*:')
_BOUNDARY = re.compile(r',\s*\{(?=\s*")')
_FIRST_NAME = re.compile(r'\{\s*"(?:eventVersion|EventId|awsRegion|userIdentity|eventTime)"')
_PADDING = " \t\r\n\x00"
_BETWEEN = " \t\r\n,"
_LISTS = ("Events", "records", "events", "logEvents")
_WRAPPINGS = ("CloudTrailEvent", "detail", "message")  # of LookupEvents, EventBridge, CloudWatch Logs
_SPACED_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
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
    """The document as text; bytes that are no UTF-8 become U+FFFD (the source file keeps them).

    UTF-16 with its mark is what a redirected answer is in PowerShell.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
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
        yield from _items_of_lines(text) if _begins_with_a_line(text) else _items_of_several(text)
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


def _items_of_several(text: str) -> Iterator[Item]:
    """Documents one after the other, as `cat` and `jq` leave them; what follows the first that is broken is read by itself."""
    number = position = 0
    while True:
        while position < len(text) and text[position] in _PADDING:
            position += 1
        if position >= len(text):
            return
        try:
            value, position = _decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            break
        for record in _expanded(value):
            number += 1
            yield _item(number, record)
    rest = text[position:]
    start = _LIST_DOCUMENT.match(rest)
    for item in _items_of_list(rest, start.end()) if start else _items_of_lines(rest):
        yield item._replace(number=number + item.number) if item.number else item


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
            if again := _NEXT_DOCUMENT.match(text, position + 1):  # files put together into one
                position = again.end()
                continue
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
    """The record inside a wrapping, or the thing itself; spelt as CloudTrail spells it."""
    if not isinstance(value, dict) or "eventName" in value:
        return _unfolded(value)
    for name in _WRAPPINGS:
        inner = value.get(name)
        if isinstance(inner, str):
            try:
                inner = _decoder.decode(inner)
            except (ValueError, RecursionError):
                continue
        if isinstance(inner, dict) and "eventName" in inner:
            return _unfolded(inner)
    return _unfolded(_spelt(value, RECORD)) if "eventname" in value else value


def _spelt(value: Any, structure: Any) -> Any:
    """The same with CloudTrail's upper and lower case in its names, which Athena's tables leave out."""
    if isinstance(value, list):
        return [_spelt(one, {"ARN": None, "accountId": None, "type": None}) for one in value]
    if not isinstance(value, dict) or not isinstance(structure, dict):
        return value
    names = {name.lower(): name for name in structure}
    return {names.get(name, name): _spelt(inner, structure.get(names.get(name, name))) for name, inner in value.items()}


def _unfolded(record: Any) -> Any:
    """The same with objects where a table's columns hold them as text, and its time in the form of CloudTrail's."""
    if not isinstance(record, dict):
        return record
    more: dict[str, Any] = {}
    for name in ("userIdentity", "requestParameters", "responseElements", "additionalEventData", "tlsDetails"):
        if isinstance(text := record.get(name), str) and text[:1] in ("{", "n"):
            try:
                more[name] = _decoder.decode(text)
            except (ValueError, RecursionError):
                continue
    if isinstance(time := record.get("eventTime"), str) and _SPACED_TIME.match(time):
        more["eventTime"] = time.replace(" ", "T", 1).removesuffix(" UTC").removesuffix("Z") + "Z"
    return record | more if more else record


def _expanded(value: Any) -> Iterator[Any]:
    """The records inside a document, whichever of the known forms it has."""
    if isinstance(value, list):
        for element in value:
            yield from _expanded(element)
        return
    if isinstance(value, dict) and isinstance(value.get("Records"), list):
        yield from value["Records"]  # as the engine reads them where it is given the file whole
        return
    found = [value[name] for name in _LISTS if isinstance(value.get(name), list)] if isinstance(value, dict) else []
    for element in found[0] if found else [value]:
        yield _inner(element)


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
    return without_surrogates(text).encode("utf-8")
