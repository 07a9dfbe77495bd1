"""A raw record, from its row back to its source file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ir_kit.errors import EvidenceError
from ir_kit.ingest.cloudtrail_documents import items
from ir_kit.ingest.reading import read_file
from ir_kit.ingest.redaction import redacted, redacted_text
from ir_kit.ingest.store import Store


def raw_record(store: Store, kind: str, path: str, number: int) -> dict[str, Any] | str:
    """The record as it lies in its source file, secrets replaced: a dict of CloudTrail's, or an access-log line.

    Parameters
    ----------
    kind : {'cloudtrail', 'access_log'}
    path : str
        ``source_file`` of the row.
    number : int
        ``record_number`` or ``line_number`` of the row.

    Raises
    ------
    EvidenceError
        The file has gone or is no longer what was read.
    """
    rows = store.rows(
        "select location, sha256 from sources where kind = ? and path = ? and state = 'read' order by rank",
        [kind, path],
    )
    if not rows:
        raise EvidenceError("no such source file", path, "take source_file and its number from a row of the evidence")
    for location, sha256 in rows:
        try:
            content = read_file(Path(location))
        except OSError as error:
            raise EvidenceError(f"the source cannot be read: {error.strerror}", path, "bring the file back") from error
        if content.sha256 != sha256:
            raise EvidenceError("the source has changed since it was read", path, "run ir-kit ingest to read it again")
        if kind == "access_log":
            lines = content.data.split(b"\n")
            if 0 < number <= len(lines):
                return redacted_text(lines[number - 1].decode("utf-8", errors="backslashreplace"))
            continue
        for item in items(content.data):
            if item.number == number and item.record is not None:
                shown: dict[str, Any] = redacted(item.record)
                return shown
    raise EvidenceError("no such record", f"{path} record {number}", "take the number from a row of the evidence")
