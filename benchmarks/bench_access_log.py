"""Access logs: (c) a million lines in 500 files and in 20,000, against goaccess; every line against another reading."""

from __future__ import annotations

import re
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, unquote_plus

import make_data
from measuring import Contender, alternate, ingest, measure, prepared, table, verdict

# Written for this comparison alone: the last quote of the line closes the user agent, a URI ends before status, error
# code and four numbers.
LINE = re.compile(
    r'(\S+) (\S+) \[([^\]]+)\] (\S+) (\S+) (\S+) (\S+) (\S+) (?:"(.*?)"|-) (\d{3}|-) (\S+) (\d+|-) (\d+|-) (\d+|-) (\d+|-) '
    r'(?:"(.*?)"|-) (?:"(.*)"|-) ([^" ]+) ([^"]+)'
)
COLUMNS = [
    "bucket_owner", "bucket", "event_time", "remote_ip", "requester", "request_id", "operation", "key_raw", "request_uri",
    "http_status", "error_code", "bytes_sent", "object_size", "total_time", "turn_around_time", "referer", "user_agent",
    "version_id", "host_id", "signature_version", "cipher_suite", "authentication_type", "host_header", "tls_version",
    "access_point_arn", "acl_required", "source_region",
]  # fmt: skip
NUMBERS = {"http_status", "bytes_sent", "object_size", "total_time", "turn_around_time"}
BATCH_OF_FILES = 20


def reading(line: str) -> tuple[Any, ...]:
    """The fields of a line, typed, and its decoded key."""
    match = LINE.fullmatch(line)
    if match is None:
        return ()
    texts = [*match.groups()[:18], *match.group(19).split(" ")]
    values: list[Any] = []
    for name, text in zip(COLUMNS, texts, strict=True):
        value: Any = None if text in (None, "-") else text
        if value is not None and name in NUMBERS:
            value = int(value)
        if name == "event_time":
            value = datetime.strptime(str(value), "%d/%b/%Y:%H:%M:%S +0000")  # noqa: DTZ007
        values.append(value)
    key, operation = values[7], str(values[6])
    once = operation.startswith(("BATCH.", "S3."))
    return (*values, None if key is None else unquote_plus(key if once else unquote(key)))


def differing_lines(runs: Path, folder: Path) -> tuple[int, int]:
    """How many lines are there, and how many of them does the store read otherwise?"""
    from ir_kit.ingest.store import Store, connect

    total = differing = 0
    paths = sorted(folder.iterdir())
    with connect() as connection:
        Store(runs / "bench" / "evidence").connect_views(connection)
        for start in range(0, len(paths), BATCH_OF_FILES):
            some = paths[start : start + BATCH_OF_FILES]
            rows = connection.execute(
                f"select source_file, line_number, {', '.join(COLUMNS)}, key from access_log_lines_all "
                "where list_contains(?, source_file)", [[path.name for path in some]],
            ).fetchall()  # fmt: skip
            found = {row[:2]: row[2:] for row in rows}
            for path in some:
                for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                    total += 1
                    differing += found.get((path.name, number)) != reading(line)
    return total, differing


def goaccess(cache: Path, folder: Path) -> Contender:
    """goaccess over all files of a folder, to a report and done; it takes one stream, and `cat` costs little."""
    names = folder.with_suffix(".txt")
    names.write_text("".join(f"{path}\n" for path in sorted(folder.iterdir())), encoding="utf-8")
    program = (
        f"xargs cat | goaccess - --log-format=AWSS3 --no-global-config --no-progress -o '{cache / 'goaccess.json'}'"
    )
    return Contender("goaccess", lambda: ["sh", "-c", program], rounds=3, stdin=names)


def access_logs(cache: Path, scale: float) -> bool:
    """(c) a million lines, in few files and in many."""
    holds = True
    for name, files, lines in (("few", 500, 2000), ("many", 20_000, 50)):
        folder = prepared(
            cache / f"access-logs-{name}",
            lambda path, f=files, n=lines: make_data.access_logs(path, int(f * scale), n),  # type: ignore[misc]
        )
        kit = Contender("ir-kit ingest", lambda: ingest(cache, "access_logs", folder), rounds=5)  # noqa: B023
        contenders = [kit]
        if shutil.which("goaccess"):
            contenders.append(goaccess(cache, folder))
        else:
            print("no goaccess here (Debian: goaccess)")
        alternate(contenders, cache)
        table(f"(c) {int(1e6 * scale):,} access-log lines in {int(files * scale):,} files", contenders)
        if len(contenders) == 2:
            holds &= verdict("goaccess / ir-kit, by the clock", contenders[1].wall / kit.wall, 5, at_least=True)
        if name == "few":
            measure(command := ingest(cache, "access_logs", folder), cache)
            total, differing = differing_lines(Path(command[-1]), folder)
            print(f"  {total:,} lines compared field by field with another reading: {differing:,} differ")
            holds &= differing == 0
    return holds
