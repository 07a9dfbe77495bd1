"""Server access logs: from raw lines to typed rows of the view ``access_log_lines``.

Nothing inside the quotes of a line is escaped, so a line is split by its whole structure or not at all. `parse_line` reads any line, one by
one, and says what each field means; `common_lines` reads those of the two common shapes (URI, referer and user agent all quoted; none of them
quoted) alike, and many times faster. A line that cannot be read is rejected, never shifted.

Source: S3 User Guide, "Amazon S3 server access log format".
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, unquote_plus

from ir_kit.ingest import redaction

# fields 19 to 27, after the version id
TAIL = (
    "host_id", "signature_version", "cipher_suite", "authentication_type", "host_header", "tls_version",
    "access_point_arn", "acl_required", "source_region",
)  # fmt: skip
_NUMBERS = ("bytes_sent", "object_size", "total_time", "turn_around_time")
LEAST_FIELDS, KNOWN_FIELDS = 18, 27

# A URI ends at the first quote that is followed by status, error code and four numbers: nothing in a URI can look like that
# by accident, and where somebody made it so, the line is marked ambiguous.
_MIDDLE = r" ([0-9]{3}|-) ([^ ]+) ([0-9]+|-) ([0-9]+|-) ([0-9]+|-) ([0-9]+|-) "
_HEAD = re.compile(
    r"([^ ]+) ([^ ]+) \[([0-9]{2}/[A-Za-z]{3}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4})\] "
    r"([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+) "
)
_AFTER_QUOTED_URI = re.compile('"' + _MIDDLE)
_AFTER_BARE_URI = re.compile("-" + _MIDDLE)
_BETWEEN_QUOTED = re.compile('(?=" ")')
# for Python and for Arrow alike
PRESIGNED_RULE = "[?&](?i:X-Amz-Credential|AWSAccessKeyId)=(?P<id>A[A-Z0-9]{15,127})"
_PRESIGNED = re.compile(PRESIGNED_RULE)
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
    if quoted:
        ends = list(_AFTER_QUOTED_URI.finditer(text, position + 1))
    else:
        bare = _AFTER_BARE_URI.match(text, position)
        ends = [bare] if bare else []
    if not ends:
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
    for name, value in zip(TAIL, tail_fields + ["-"] * len(TAIL), strict=False):
        row[name] = _null(value)
    row["extra_fields"] = " ".join(tail_fields[len(TAIL) :]) or None
    row["field_count"] = LEAST_FIELDS + len(tail_fields)
    row["ambiguous"] = ambiguous
    presigned = _PRESIGNED.search(uri)
    row["presigned_access_key_id"] = presigned.group(1) if presigned else None
    return row
