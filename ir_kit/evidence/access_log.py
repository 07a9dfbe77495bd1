"""Server access logs: from raw lines to typed rows of the view ``access_log_lines``.

Nothing inside the quotes of a line is escaped, so a line is split by its whole structure or not at all. Lines of the two common
shapes (URI, referer and user agent all quoted; none of them quoted) are split by the engine; every other line goes to `parse_line`, one by one.
A line that neither can read is rejected, never shifted.

Source: S3 User Guide, "Amazon S3 server access log format".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import unquote, unquote_plus

import numpy as np
import pyarrow as pa

from ir_kit.evidence import redaction
from ir_kit.evidence.columns import ACCESS_LOG_LINES

# fields 19 to 27, after the version id
_TAIL = (
    "host_id", "signature_version", "cipher_suite", "authentication_type", "host_header", "tls_version",
    "access_point_arn", "acl_required", "source_region",
)  # fmt: skip
_NUMBERS = ("bytes_sent", "object_size", "total_time", "turn_around_time")
LEAST_FIELDS, KNOWN_FIELDS = 18, 27

# A URI ends at the first quote that is followed by status, error code and four numbers: nothing in a URI can look like that
# by accident, and where somebody made it so, the line is marked ambiguous.
_MIDDLE = r" ([0-9]{3}|-) ([^ ]+) ([0-9]+|-) ([0-9]+|-) ([0-9]+|-) ([0-9]+|-) "
_MIDDLE_SQL = r" ([0-9]{3}|-) [^ ]+ ([0-9]{1,18}|-) ([0-9]{1,18}|-) ([0-9]{1,18}|-) ([0-9]{1,18}|-) "
_HEAD = re.compile(
    r"([^ ]+) ([^ ]+) \[([0-9]{2}/[A-Za-z]{3}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4})\] "
    r"([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+) "
)
_AFTER_QUOTED_URI = re.compile('"' + _MIDDLE)
_AFTER_BARE_URI = re.compile("-" + _MIDDLE)
_BETWEEN_QUOTED = re.compile('(?=" ")')
# for Python and for the engine alike
_PRESIGNED_RULE = "[?&](?i:X-Amz-Credential|AWSAccessKeyId)=(A[A-Z0-9]{15,127})"
_PRESIGNED = re.compile(_PRESIGNED_RULE)
_SHAPE = re.compile(rb"^[0-9a-f]{64} [^ ]+ \[\d\d/[A-Z][a-z]{2}/\d{4}:", re.MULTILINE)
_DELIVERED_NAME = re.compile(r"(?:^|.*[^0-9])\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-[0-9A-F]{16}(?:\.gz)?$")


def is_delivered_name(name: str) -> bool:
    """Does S3 name access-log objects so?"""
    return bool(_DELIVERED_NAME.match(name))


def holds_log_lines(head: bytes) -> bool:
    """Do these first bytes hold a line of an access log?"""
    return bool(_SHAPE.search(head))


def _null(text: str) -> str | None:
    return None if text == "-" else text


def decoded_key(raw: str, operation: str) -> str:
    """Which key does this field name? Encoded twice on ordinary rows, once on ``BATCH.`` and ``S3.`` rows."""
    if operation.startswith(("BATCH.", "S3.")):
        return unquote_plus(raw)
    return unquote_plus(unquote(raw))


def parse_line(line: str) -> dict[str, Any] | str:
    """Which request does this line record?

    Returns
    -------
    dict or str
        The fields by their column names, or the reason why the line cannot be read.

    Notes
    -----
    A quote inside URI, referer or user agent stands as it was sent. Where the quotes allow a second reading, the first end of the URI and
    the last quote of the line are taken, and ``ambiguous`` is set.
    """
    text = line.rstrip(" \r\n")
    head = _HEAD.match(text)
    if not head:
        return "does not begin as an access-log line"
    owner, bucket, moment, remote_ip, requester, request_id, operation, key = head.groups()
    position = head.end()
    quoted = text.startswith('"', position)
    ends = [m for m in (_AFTER_QUOTED_URI if quoted else _AFTER_BARE_URI).finditer(text, position + quoted)]
    if not ends or (not quoted and ends[0].start() != position):
        return "no status, error code and sizes after the URI"
    uri = text[position + 1 : ends[0].start()] if quoted else "-"
    ambiguous = len(ends) > 1
    rest = text[ends[0].end() :]
    if rest.startswith('"'):
        close = rest.rfind('"')
        inside, tail = rest[1:close], rest[close + 1 :]
        referer, found, user_agent = inside.partition('" "')
        if close == 0 or not tail.startswith(" "):
            return "referer and user agent do not end"
        if not found:
            if not tail.startswith(" - "):
                return "no user agent"
            user_agent, tail = "-", tail[2:]
        ambiguous = ambiguous or len(_BETWEEN_QUOTED.findall(inside)) > 1
        fields = tail[1:].split(" ")
    elif rest.startswith('- "'):
        close = rest.rfind('"')
        if close <= 2 or not rest[close + 1 :].startswith(" "):
            return "user agent does not end"
        referer, user_agent, fields = "-", rest[3:close], rest[close + 2 :].split(" ")
    elif rest.startswith("- - "):
        referer, user_agent, fields = "-", "-", rest[4:].split(" ")
    else:
        return "no referer"
    if not fields[0] or "" in fields or any('"' in field for field in fields):
        return "the fields after the user agent cannot be told apart"
    try:
        event_time = datetime.strptime(moment, "%d/%b/%Y:%H:%M:%S %z").astimezone(UTC).replace(tzinfo=None)
    except ValueError:
        return f"no such time: {moment}"
    status, error_code = ends[0].group(1), ends[0].group(2)
    sizes = [None if item == "-" else int(item) for item in ends[0].groups()[2:]]
    if any(size is not None and size >= 1 << 63 for size in sizes):
        return "a size that no object has"
    row: dict[str, Any] = {
        "bucket_owner": _null(owner), "bucket": _null(bucket), "event_time": event_time, "remote_ip": _null(remote_ip),
        "requester": _null(requester), "request_id": _null(request_id), "operation": operation,
        "key": None if key == "-" else decoded_key(key, operation), "key_raw": _null(key),
        "request_uri": None if uri == "-" else redaction.redacted_uri(uri),
        "http_status": None if status == "-" else int(status), "error_code": _null(error_code),
        **dict(zip(_NUMBERS, sizes, strict=True)),
        "referer": None if referer == "-" else redaction.redacted_uri(referer),
        "user_agent": _null(user_agent), "version_id": _null(fields[0]),
    }  # fmt: skip
    tail_fields = fields[1:]
    for name, value in zip(_TAIL, tail_fields + ["-"] * len(_TAIL), strict=False):
        row[name] = _null(value)
    row["extra_fields"] = " ".join(tail_fields[len(_TAIL) :]) or None
    row["field_count"] = LEAST_FIELDS + len(tail_fields)
    row["ambiguous"] = ambiguous
    presigned = _PRESIGNED.search(uri)
    row["presigned_access_key_id"] = presigned.group(1) if presigned else None
    return row


class Lines(NamedTuple):
    """Lines of several files. ``common`` is for the engine (``source_id``, ``line_number``, ``line``); ``odd`` for `parse_line`."""

    common: pa.RecordBatch
    odd: list[tuple[int, int, str]]


class Piece(NamedTuple):
    """A stretch of whole lines of one file, the first of them numbered ``first_number``."""

    source_id: int
    first_number: int
    text: bytes


def pieces_of(source_id: int, data: bytes, size: int) -> Iterator[Piece]:
    """A file in pieces of whole lines, none much longer than ``size`` unless one line is; bytes that are no UTF-8 escaped."""
    body = data.removeprefix(b"\xef\xbb\xbf")
    text = body if _is_utf8(body) else body.decode("utf-8", errors="backslashreplace").encode("utf-8")
    start, number = 0, 1
    while start < len(text):
        end = text.find(b"\n", min(start + size, len(text))) + 1 or len(text)
        piece = text[start:end]
        yield Piece(source_id, number, piece if piece.endswith(b"\n") else piece + b"\n")
        number += piece.count(b"\n")
        start = end


def lines_of(pieces: list[Piece]) -> Lines:
    """The lines of these pieces as string views on their own bytes; blank lines are left out."""
    text = b"".join(piece.text for piece in pieces)
    body = np.frombuffer(text, dtype=np.uint8)
    breaks = np.flatnonzero(body == 10)
    starts = np.concatenate((np.zeros(1, dtype=breaks.dtype), breaks[:-1] + 1))
    counts = [piece.text.count(b"\n") for piece in pieces]
    ids = np.repeat(np.array([piece.source_id for piece in pieces], dtype=np.int32), counts)
    numbers = np.concatenate(
        [
            np.arange(piece.first_number, piece.first_number + n, dtype=np.int32)
            for piece, n in zip(pieces, counts, strict=True)
        ]
    )
    lengths = breaks - starts
    lengths -= (lengths > 0) & (body[np.maximum(breaks - 1, 0)] == 13)
    quotes = np.flatnonzero(body == 34)
    within = np.searchsorted(quotes, breaks) - np.searchsorted(quotes, starts)
    # a view holds up to 12 bytes inline; so short a line is no log line
    common = (lengths > 12) & ((within == 6) | (within == 0))
    odd = [
        (int(ids[i]), int(numbers[i]), text[starts[i] : starts[i] + lengths[i]].decode("utf-8"))
        for i in np.flatnonzero(~common & (lengths > 0))
    ]
    starts, lengths, ids, numbers = starts[common], lengths[common], ids[common], numbers[common]
    views = np.zeros((len(starts), 4), dtype=np.int32)
    views[:, 0] = lengths
    if len(starts):
        views[:, 1] = np.stack([body[starts + i] for i in range(4)], axis=1).copy().view(np.int32)[:, 0]
    views[:, 3] = starts
    columns = [
        pa.Array.from_buffers(pa.int32(), len(starts), [None, pa.py_buffer(ids.tobytes())]),
        pa.Array.from_buffers(pa.int32(), len(starts), [None, pa.py_buffer(numbers.tobytes())]),
        pa.Array.from_buffers(pa.string_view(), len(starts), [None, pa.py_buffer(views.tobytes()), pa.py_buffer(text)]),
    ]
    return Lines(pa.RecordBatch.from_arrays(columns, names=["source_id", "line_number", "line"]), odd)


def _is_utf8(data: bytes) -> bool:
    try:
        return data.isascii() or data.decode("utf-8") is not None
    except UnicodeDecodeError:
        return False


def _dash(text: str) -> str:
    return f"nullif({text}, '-')"


def _redacted(text: str) -> str:
    rule = redaction.URI_SECRET.replace("'", "''")
    return (
        f"case when contains({text}, '=') then regexp_replace({text}, '{rule}', '{redaction.URI_REPLACEMENT}', 'g') "
        f"else {text} end"
    )


_KEY = """case when a[9] = '-' then null when not (contains(a[9], '%') or contains(a[9], '+')) then a[9]
    when starts_with(a[8], 'BATCH.') or starts_with(a[8], 'S3.') then try(url_decode(replace(a[9], '+', ' ')))
    else try(url_decode(replace(url_decode(a[9]), '+', ' '))) end"""
_PRESIGNED_SQL = f"case when contains(u, '=A') then nullif(regexp_extract(u, '{_PRESIGNED_RULE}', 1), '') end"

EXPRESSIONS: dict[str, str] = {
    "bucket_owner": _dash("a[1]"), "bucket": _dash("a[2]"), "event_time": "event_time", "remote_ip": _dash("a[5]"),
    "requester": _dash("a[6]"), "request_id": _dash("a[7]"), "operation": "a[8]", "key": _KEY, "key_raw": _dash("a[9]"),
    "request_uri": _redacted(_dash("u")), "http_status": "try_cast(m[2] as integer)", "error_code": _dash("m[3]"),
    "bytes_sent": "try_cast(m[4] as bigint)", "object_size": "try_cast(m[5] as bigint)",
    "total_time": "try_cast(m[6] as bigint)", "turn_around_time": "try_cast(m[7] as bigint)",
    "referer": _redacted(_dash("f")), "user_agent": _dash("g"), "version_id": _dash("z[2]"),
    **{name: _dash(f"z[{index}]") for index, name in enumerate(_TAIL, start=3)},
    "extra_fields": f"case when len(z) > {len(_TAIL) + 2} then array_to_string(z[{len(_TAIL) + 3}:], ' ') end",
    "field_count": "cast(len(z) + 16 as integer)", "ambiguous": "false", "presigned_access_key_id": _PRESIGNED_SQL,
}  # fmt: skip


_TYPES = {column.name: column.sql_type for column in ACCESS_LOG_LINES}

# q: the line split at its quotes; a: owner to key; u: URI; m: status to turn-around time; f: referer; g: user agent; z: the rest.
# Each of a, m and z keeps the empty piece at the quote that it touches, so that their lengths prove the shape.
SELECT = f"""
with split as (
    select source_id, line_number, line, string_split(line, '"') as q from batch
),
pieces as (
    select source_id, line_number, line, len(q) as n,
           string_split(q[1], ' ') as b,
           case when len(q) = 7 then string_split(q[3], ' ') end as m7,
           case when len(q) = 7 then string_split(q[7], ' ') end as z7,
           q[2] as q2, q[4] as q4, q[5] as q5, q[6] as q6
    from split
),
shaped as (
    select source_id, line_number, line, n, q5,
           case when n = 7 then b when n = 1 then b[1:9] || [''] end as a,
           case when n = 7 then m7 when n = 1 then [''] || b[11:16] || [''] end as m,
           case when n = 7 then z7 when n = 1 then [''] || b[19:] end as z,
           case when n = 7 then q2 end as u, case when n = 7 then q4 else '-' end as f,
           case when n = 7 then q6 else '-' end as g,
           n = 7 or (b[10] = '-' and b[17] = '-' and b[18] = '-') as bare
    from pieces
),
timed as (
    select *, timezone('UTC', try_strptime(a[3] || ' ' || a[4], '[%d/%b/%Y:%H:%M:%S %z]')) as event_time from shaped
),
judged as (
    select *, coalesce((n = 7 or n = 1) and bare and (n = 1 or q5 = ' ')
        and len(a) = 10 and a[10] = '' and len(m) = 8 and m[1] = '' and m[8] = '' and len(z) >= 2 and z[1] = ''
        and event_time is not null and length(a[3]) = 21 and length(a[4]) = 6
        and regexp_full_match(array_to_string(m, ' '), '{_MIDDLE_SQL}')
        and not list_contains(a[1:9], '') and not list_contains(z[2:], ''), false) as fine
    from timed
)
select {", ".join(f"cast(case when fine then {expression} end as {_TYPES[name]}) as {name}" for name, expression in EXPRESSIONS.items())},
       source_id, line_number, hash(line) as identity_hash,
       case when not fine or ({_KEY} is null and a[9] <> '-') then line end as odd_line
from judged
"""
"""The rows of the relation ``batch``; ``odd_line`` is the line where its shape is not of the two common ones."""
