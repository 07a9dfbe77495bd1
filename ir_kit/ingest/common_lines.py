"""Access-log lines of the two common shapes, thousands at a time and column by column.

A text of whole lines is looked at as numbers. Its *marks* are the places of all line breaks, spaces and quotes; mark ``i`` and the next one
enclose *token* ``i``. How the marks of a line stand to one another proves its shape, and so says which token is which field::

    b               b+2                  b+8  q0           q1 m            q2   q3 q4     q5 t                 e
    |owner bucket   [date zone] ...      key  "GET / HTTP" |  200 - 1 2 3 4 "ref" "agent" |  version host ... |

``b`` is the break before the line, ``m`` the space before the status, ``t`` the space before the version id, ``e`` the break after the line.
A line without quotes has ``-`` in place of URI, referer and user agent. All lines are treated at once: numpy compares places, one ``take``
cuts out the tokens of all fields, and no line becomes a Python object.

What does not prove to be of one of the two shapes, or might be read in a second way, is left to `access_log.parse_line`; what is, that
function would read alike.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ir_kit.ingest import redaction
from ir_kit.ingest.access_log import PRESIGNED_RULE, TAIL
from ir_kit.ingest.arrays import Bytes, Flags, Numbers, array_of, flags_array, flags_of, parts_of

_BREAK, _SPACE, _QUOTE, _DASH, _RETURN, _EQUALS, _ZERO = b'\n "-\r=0'
_AFTER = 32  # breaks after the last line, so that a short one can be looked at as if it were whole

# where a field stands: its token, counted from b, m or t
_HEAD = {"bucket_owner": 0, "bucket": 1, "remote_ip": 4, "requester": 5, "request_id": 6, "operation": 7, "key_raw": 8}
_MIDDLE = {"http_status": 0, "bytes_sent": 2, "object_size": 3, "total_time": 4, "turn_around_time": 5, "error_code": 1}
_TAIL = {name: number for number, name in enumerate(("version_id", *TAIL))}
_FIELDS = [*_HEAD, *_MIDDLE, *_TAIL]
_FIRST_NUMBER, _FIRST_TAIL = _FIELDS.index("http_status"), _FIELDS.index("version_id")
_NUMBERS = slice(_FIRST_NUMBER, _FIELDS.index("turn_around_time") + 1)
_QUOTED = {"request_uri": 0, "referer": 2, "user_agent": 4}  # counted from q0
_LONGEST_NUMBER = 18

_TELLING = "(?i)(?:token|signature|password|credential|accesskeyid)="  # what the two rules for URIs look for ends so
_IS_DASH, _IS_EMPTY = 1, 2
_MOMENT = len("[02/Mar/2026:10:00:00 +0000]")
_ZONE = int.from_bytes(b" +0", "little"), int.from_bytes(b"000]", "little")
_NO_HOUR = np.iinfo(np.int64).min
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Marks(NamedTuple):
    """The marks of a text: where each is, and whether its token is a dash, empty or neither; which are quotes, and which end a line."""

    body: Bytes
    place: Numbers
    kind: Bytes
    quotes: Numbers
    breaks: Numbers


class Lines(NamedTuple):
    """Lines of a known shape: the marks ``b``, ``m``, ``t``, ``e`` of each, and ``q``, the place of ``q0`` in ``Marks.quotes`` or -1."""

    b: Numbers
    m: Numbers
    t: Numbers
    e: Numbers
    q: Numbers


class Read(NamedTuple):
    """What came of a text: a row for each line of the common shapes, if there are any, and where it stands among all lines; the other lines."""

    rows: pa.RecordBatch | None
    at: Numbers
    odd: list[tuple[int, str]]
    breaks: Numbers


def read_lines(texts: list[bytes | memoryview]) -> Read:
    """The lines of these texts, each of whole lines of UTF-8; blank lines are left out.

    Returns
    -------
    Read
        ``breaks`` says where each line ends in the texts put together. The column ``line`` of the rows holds the line whole, as a view on
        the bytes that were read.
    """
    text = b"".join((b"\n", *texts, b"\n" * _AFTER))
    marks = marks_of(text)
    lines, common = lines_of(marks)
    rows, at = None, np.flatnonzero(common)
    if len(at):
        columns, fine = columns_of(marks, lines)
        rows = pa.RecordBatch.from_arrays([*columns.values()], names=[*columns])
        if not fine.all():
            common[at[~fine]] = False
            rows, at = rows.filter(flags_array(fine)), at[fine]
        rows = rows.append_column("line", _views(marks, at)) if len(at) else None
    begin, end = marks.place[marks.breaks[:-1]] + 1, marks.place[marks.breaks[1:]]
    others = np.flatnonzero(~common & (end > begin))
    return Read(rows, at, [(int(i), text[begin[i] : end[i]].decode("utf-8")) for i in others], end - 1)


def marks_of(text: bytes) -> Marks:
    """The marks of a text that begins with a line break, and ends with `_AFTER` more of them than its last line needs."""
    body = np.frombuffer(text, dtype=np.uint8)
    # up to the quote sign, nearly every byte is a mark: one comparison, and a second look at the few
    place = np.flatnonzero(body <= _QUOTE)
    sign = body[place]
    telling = (sign == _SPACE) | (sign == _QUOTE) | (sign == _BREAK)
    if not telling.all():
        place, sign = place[telling], sign[telling]
    breaks = np.flatnonzero(sign == _BREAK)[:-_AFTER]
    quotes = np.concatenate((np.flatnonzero(sign == _QUOTE), np.full(6, breaks[-1])))  # six to look at after the last
    gap = place[1:] - place[:-1]
    kind = (gap == 1).view(np.uint8) * np.uint8(_IS_EMPTY)
    single = np.flatnonzero(gap == 2)
    kind[single] = body[place[single] + 1] == _DASH
    return Marks(body, place, kind, quotes, breaks)


def lines_of(marks: Marks) -> tuple[Lines, Flags]:
    """The lines that are of one of the two shapes, and which ones of all lines they are."""
    body, place, kind = marks.body, marks.place, marks.kind
    b, e = marks.breaks[:-1], marks.breaks[1:]
    first = np.searchsorted(marks.quotes, b)
    count = np.searchsorted(marks.quotes, e) - first
    q = [marks.quotes[first + number] for number in range(6)]
    quoted = (count == 6) & (q[0] == b + 10) & (q[2] == q[1] + 8) & (q[4] == q[3] + 2) & (e >= q[5] + 2)
    for mark in (q[0] - 1, q[1], q[2] - 1, q[3], q[3] + 1, q[5]):
        quoted &= kind[mark] == _IS_EMPTY
    for mark in (q[2], q[4]):  # with a space next, this quote may be the end of a URI
        quoted &= body[place[mark] + 1] != _SPACE
    bare = (count == 0) & (e >= b + 19)
    for number in (9, 16, 17):
        bare &= kind[b + number] == _IS_DASH
    either = (quoted | bare) & (body[place[e] - 1] != _RETURN)
    m, t = np.where(quoted, q[1] + 1, b + 10), np.where(quoted, q[5] + 1, b + 18)
    return Lines(*(part[either] for part in (b, m, t, e, np.where(quoted, first, -1)))), either


def columns_of(marks: Marks, lines: Lines) -> tuple[dict[str, pa.Array], Flags]:
    """The typed columns of these lines but for ``key``, and which lines hold in them what `access_log.parse_line` would read; the others hold anything."""
    n = len(lines.b)
    parts = ((lines.b, _HEAD), (lines.m, _MIDDLE), (lines.t, _TAIL))
    token = np.concatenate([part + np.array([*where.values()])[:, None] for part, where in parts])
    kind = marks.kind[token]
    absent = token[_FIRST_TAIL:] >= lines.e
    if absent.any():
        token[_FIRST_TAIL:][absent] = 0
        kind[_FIRST_TAIL:][absent] = _IS_DASH
    fine = (kind != _IS_EMPTY).all(axis=0) & ~_has_second_end(marks, lines)
    null = kind == _IS_DASH
    null[_FIELDS.index("operation")] = False
    texts = _taken(_pieces(marks.body, marks.place, marks.place + 1), 2 * token + 1, null)
    columns = {name: texts[number * n : (number + 1) * n] for number, name in enumerate(_FIELDS)}

    numbers, right = _numbers(texts[_NUMBERS.start * n : _NUMBERS.stop * n], null[_NUMBERS])
    fine &= right
    for number, name in enumerate(_FIELDS[_NUMBERS]):
        columns[name] = numbers[number * n : (number + 1) * n]
    columns["http_status"] = columns["http_status"].cast(pa.int32(), safe=False)

    moments, right = _moments(marks, lines.b + 2)
    fine &= right
    columns["event_time"] = array_of(pa.timestamp("us"), moments)

    number = lines.q + np.array([*_QUOTED.values()])[:, None]
    quote = marks.quotes[number]
    null = (lines.q < 0) | ((marks.kind[quote] == _IS_DASH) & (marks.quotes[number + 1] == quote + 1))
    quotes = marks.place[marks.quotes[:-5]]
    texts = _taken(_pieces(marks.body, quotes, quotes + 1), np.where(lines.q < 0, 0, 2 * number + 1), null)
    uri, referer, columns["user_agent"] = (texts[number * n : (number + 1) * n] for number in range(len(_QUOTED)))
    columns["request_uri"], columns["presigned_access_key_id"] = _without_secrets(uri)
    columns["referer"], _ = _without_secrets(referer)

    columns["extra_fields"], right = _extra_fields(marks, lines)
    fine &= right
    columns["field_count"] = array_of(pa.int32(), (17 + lines.e - lines.t).astype(np.int32))
    columns["ambiguous"] = flags_array(np.zeros(n, dtype=bool))
    return columns, fine


def _views(marks: Marks, line: Numbers) -> pa.Array:
    """These lines whole, none of them copied. A view holds length, first four bytes, number of the buffer, place; all lines are long."""
    begin, end = marks.place[marks.breaks[line]] + 1, marks.place[marks.breaks[line + 1]]
    views = np.zeros((len(begin), 4), dtype=np.int32)
    views[:, 0], views[:, 3] = end - begin, begin
    views[:, 1] = _windows(marks.body, begin, 4).view(np.int32)
    return pa.Array.from_buffers(pa.string_view(), len(begin), [None, pa.py_buffer(views), pa.py_buffer(marks.body)])


def _windows(body: Bytes, begin: Numbers, size: int) -> Any:
    """The so many bytes from each of these places on."""
    return np.ndarray((len(body) - size + 1,), f"V{size}", body.data, strides=(1,))[begin]


def _pieces(body: Bytes, begins: Numbers, ends: Numbers) -> pa.StringArray:
    """The text cut at all these places in turn: value ``2 * i`` is what lies from begin ``i`` to end ``i``, and the next one what follows."""
    cuts = (begins + (ends << 32)).view(np.int32)
    return pa.StringArray.from_buffers(len(cuts) - 1, pa.py_buffer(cuts), pa.py_buffer(body))


def _taken(pieces: pa.StringArray, number: Numbers, null: Flags) -> pa.StringArray:
    """Some of these pieces, row after row of ``number``; null where ``null`` says so."""
    valid = pa.py_buffer(np.packbits(~null.ravel(), bitorder="little"))
    index = pa.Array.from_buffers(pa.int32(), number.size, [valid, pa.py_buffer(number.astype(np.int32))])
    return pc.take(pieces, index)


def _has_second_end(marks: Marks, lines: Lines) -> Flags:
    """Might the URI of these lines end at their last quote, before what could be a status, an error code and four numbers?"""
    found = (lines.q >= 0) & (lines.e > lines.t + 6)
    for number in (2, 3, 4, 5):
        some = np.flatnonzero(found)
        token = lines.t[some] + number
        first, last = marks.body[marks.place[token] + 1], marks.body[marks.place[token + 1] - 1]
        found[some] = (marks.kind[token] == _IS_DASH) | (_is_digit(first) & _is_digit(last))
    return found


def _is_digit(byte: Bytes) -> Flags:
    return (byte - np.uint8(_ZERO)) <= 9


def _numbers(texts: pa.StringArray, null: Flags) -> tuple[pa.Array, Flags]:
    """These texts as numbers, and which lines have nothing else in their place: three digits for the status, no more than 18 for a size."""
    cuts, _ = parts_of(texts)
    length = np.diff(cuts).reshape(null.shape)
    right = length <= _LONGEST_NUMBER
    right[0] = null[0] | (length[0] == 3)
    digits = pc.ascii_is_decimal(texts)
    if digits.false_count or not right.all():
        right &= null | flags_of(digits.fill_null(False)).reshape(null.shape)
        texts = pc.if_else(flags_array(right), texts, None)
    return texts.cast(pa.int64()), right.all(axis=0)


def _moments(marks: Marks, token: Numbers) -> tuple[Numbers, Flags]:
    """The times at these tokens, in microseconds since 1970, and which are as S3 writes them, in UTC."""
    # [02/Mar/  2026:10:  00:00 +0  000] 198: as four numbers of eight bytes
    day, hour, minute, rest = np.ascontiguousarray(
        _windows(marks.body, marks.place[token] + 1, 32).view(np.int64).reshape(-1, 4).T
    )
    fine = (
        (marks.place[token + 2] - marks.place[token] == _MOMENT + 1)
        & (minute >> 40 == _ZONE[0])
        & (rest & 0xFFFFFFFF == _ZONE[1])
    )
    tens, ones, colon, more_tens, more_ones = ((minute >> shift & 0xFF) - _ZERO for shift in range(0, 40, 8))
    fine &= (tens >= 0) & (tens < 6) & (ones >= 0) & (ones < 10) & (colon == 10)
    fine &= (more_tens >= 0) & (more_tens < 6) & (more_ones >= 0) & (more_ones < 10)
    # neighbours mostly share their hour: it is read once for each run of equal ones
    runs = np.flatnonzero(np.append(True, (day[1:] != day[:-1]) | (hour[1:] != hour[:-1]))[: len(day)])
    hours = np.array([_hour(day[run].tobytes() + hour[run].tobytes()) for run in runs], dtype=np.int64)
    hours = np.repeat(hours, np.diff(runs, append=len(day)))
    return hours + (tens * 600 + ones * 60 + more_tens * 10 + more_ones) * 1_000_000, fine & (hours != _NO_HOUR)


@lru_cache(maxsize=4096)
def _hour(text: bytes) -> int:
    """The hour that such a text as ``[02/Mar/2026:10:`` names, in microseconds since 1970."""
    try:
        moment = datetime.strptime(text.decode("ascii"), "[%d/%b/%Y:%H:").replace(tzinfo=UTC)
    except ValueError:
        return int(_NO_HOUR)
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _without_secrets(uris: pa.StringArray) -> tuple[pa.StringArray, pa.StringArray]:
    """What may be shown of these URIs, as `redaction.redacted_uri` has it; and the key ids that pre-signed ones name."""
    nobody = pa.nulls(len(uris), pa.string())
    cuts, data = parts_of(uris)
    places = np.flatnonzero(data == _EQUALS)
    if not len(places):
        return uris, nobody
    telling = np.zeros(len(uris), dtype=bool)
    telling[np.searchsorted(cuts - cuts[0], places, side="right") - 1] = True
    # a listing has a sign of equality too: whether one of the names stands before it is found out sooner than which one does
    named = pc.match_substring_regex(uris.filter(flags_array(telling)), _TELLING)
    telling[telling] = flags_of(named)
    if not telling.any():
        return uris, nobody
    mask = flags_array(telling)
    some = uris.filter(mask)
    shown = pc.replace_substring_regex(some, redaction.URI_SECRET, redaction.URI_REPLACEMENT)
    key_ids = pc.struct_field(pc.extract_regex(some, PRESIGNED_RULE), "id")
    return pc.replace_with_mask(uris, mask, shown), pc.replace_with_mask(nobody, mask, key_ids)


def _extra_fields(marks: Marks, lines: Lines) -> tuple[pa.StringArray, Flags]:
    """What stands after the 27th field; and which lines are as they must be there."""
    begin = lines.t + len(_TAIL)
    has = begin < lines.e
    if not has.any():
        return pa.nulls(len(has), pa.string()), ~has
    empty = np.cumsum(marks.kind == _IS_EMPTY)
    begin = np.where(has, begin, lines.e)
    # where there is nothing the piece would begin after its end
    starts, ends = np.where(has, marks.place[begin] + 1, marks.place[begin]), marks.place[lines.e]
    return _taken(_pieces(marks.body, starts, ends), 2 * np.arange(len(has)), ~has), empty[lines.e - 1] == empty[
        begin - 1
    ]
