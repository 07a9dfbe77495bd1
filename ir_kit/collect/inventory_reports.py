"""Reports of S3 Inventory: what a bucket held, by S3's own list of it.

Of each inventory two reports are fetched: the newest that was begun before the window's end, and the first after it. A
manifest names the files of a report; the files name the objects, and are counted. Who may write to the destination may
forge both, so that only what lies below the report's own folder is taken from a manifest.

Source: S3 User Guide, "Locating your inventory list" and "Inventory list".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from ir_kit.collect.calls import Calls, side_by_side
from ir_kit.collect.ledger import read_ledger
from ir_kit.collect.log_objects import PrefixPlace
from ir_kit.collect.there import There

__all__ = ["Report", "data_places", "note_reports", "read_manifests", "reports"]

MOST_FILES = 5_000  # of one report: billions of objects
MOST_MANIFEST = 32_000_000
FORMATS = ("CSV", "Parquet")
_FOLDER = re.compile(r"(\d{4}-\d\d-\d\dT\d\d-\d\dZ)/")


@dataclass
class Report:
    """One report: of which bucket, by which inventory, where its manifest lies, and what that says."""

    source: str
    name: str
    bucket: str
    root: str
    folder: str
    region: str
    manifest: dict[str, Any] | None = None

    @property
    def key(self) -> str:
        """The manifest's key."""
        return f"{self.root}{self.folder}/manifest.json"

    @property
    def place(self) -> PrefixPlace:
        """Where the manifest is looked for."""
        return PrefixPlace(self.bucket, self.key, bucket_region=self.region)

    def __str__(self) -> str:
        return f"the report of {self.folder} by the inventory {self.name} of {self.source}"


class _Held(NamedTuple):
    path: Path
    line: dict[str, Any]


def reports(calls: Calls, there: There, end: datetime, notes: list[str]) -> list[Report]:
    """Which reports tell what the buckets held around `end`? What cannot tell it is added to `notes`."""
    asked = sorted(there.buckets.items())
    found = side_by_side([partial(_of_bucket, calls, bucket, region, end, notes) for bucket, region in asked])
    notes.sort()
    return [one for some in found for one in some]


def _of_bucket(calls: Calls, source: str, region: str | None, end: datetime, notes: list[str]) -> list[Report]:
    found = []
    operation, below = "ListBucketInventoryConfigurations", "InventoryConfigurationList"
    for one in calls.listed("s3", operation, below, {"Bucket": source}, region):
        name, to = str(one.get("Id")), (one.get("Destination") or {}).get("S3BucketDestination") or {}
        bucket, prefix = str(to.get("Bucket", "")).rpartition(":::")[2], str(to.get("Prefix") or "").rstrip("/")
        if (one.get("Filter") or {}).get("Prefix"):
            notes.append(f"the inventory {name} of {source} lists one prefix alone: its reports are not fetched")
            continue
        root = f"{prefix}/{source}/{name}/".lstrip("/")
        given = {"Bucket": bucket, "Prefix": root, "Delimiter": "/"}
        pages = list(calls.pages("s3", "ListObjectsV2", given, region))
        if not pages[-1].ok:
            why = pages[-1].code
            notes.append(f"the reports of the inventory {name} of {source}: s3://{bucket}/{root} was refused ({why})")
        listed = [str(item.get("Prefix")) for page in pages for item in page.response.get("CommonPrefixes") or []]
        dated = sorted(match[1] for text in listed if (match := _FOLDER.fullmatch(text.removeprefix(root))))
        before = [folder for folder in dated if _begun(folder) <= end][-1:]
        after = [folder for folder in dated if _begun(folder) > end][:1]
        if pages[-1].ok and not dated:
            notes.append(f"the inventory {name} of {source} has no report in s3://{bucket}/{root}")
        found += [Report(source, name, bucket, root, folder, region or calls.home) for folder in before + after]
    return found


def _begun(folder: str) -> datetime:
    return datetime.strptime(folder, "%Y-%m-%dT%H-%MZ").replace(tzinfo=UTC)


def read_manifests(found: Sequence[Report], evidence: Path, notes: list[str]) -> None:
    """What do the manifests say that were fetched? Told in each report; what cannot be read is added to `notes`."""
    held = _held(evidence, ((one.bucket, one.key) for one in found))
    for one in found:
        lying = held.get((one.bucket, one.key))
        if lying is None:
            notes.append(f"{one}: its manifest was not fetched")
            continue
        try:
            if lying.path.stat().st_size > MOST_MANIFEST:
                raise ValueError("too long")
            said = json.loads(lying.path.read_bytes())
            files = [(str(file["key"]), int(file["size"])) for file in said["files"]]
            if said["sourceBucket"] != one.source or not all(key.startswith(f"{one.root}data/") for key, _ in files):
                raise ValueError("of another bucket, or of files elsewhere")
            datetime.fromtimestamp(int(said["creationTimestamp"]) / 1000, UTC)
            names = {str(said["fileFormat"]): str(said["fileSchema"])}
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            notes.append(f"{one}: its manifest cannot be read, or is not of this inventory")
            continue
        if len(files) > MOST_FILES:
            notes.append(f"{one}: {len(files):,} files are too many; they are not fetched")
        elif not set(names) & set(FORMATS):
            notes.append(f"{one}: its files are {next(iter(names))}, which is not read; they are not fetched")
        else:
            one.manifest = said


def data_places(found: Sequence[Report]) -> list[PrefixPlace]:
    """Where do the files lie that the manifests name?"""
    named = {(one.bucket, key): one.region for one in found for key in _files(one)}
    return [PrefixPlace(bucket, key, bucket_region=region) for (bucket, key), region in sorted(named.items())]


def _files(report: Report) -> dict[str, int]:
    """The files of a report, with their sizes."""
    return {str(file["key"]): int(file["size"]) for file in (report.manifest or {}).get("files", ())}


def note_reports(
    calls: Calls, found: Sequence[Report], evidence: Path, notes: list[str], say: Callable[[str], None]
) -> None:
    """Write down what the reports answered: the manifests as they are, of their files what counting them gave.

    The call is `GetObject`. A manifest stands in ``Body``; a file's rows do not, they lie in ``raw``: ``Counted`` is this
    kit's own sum of them.
    """
    wanted = [(one.bucket, key) for one in found for key in (one.key, *_files(one))]
    held = _held(evidence, wanted)
    for one in found:
        if one.manifest is None or (one.bucket, one.key) not in held:
            continue
        manifest = held[one.bucket, one.key].line
        calls.note("s3", "GetObject", *_call(manifest), _answer(manifest) | {"Body": one.manifest})
        objects = 0
        for key, size in _files(one).items():
            lying = held.get((one.bucket, key))
            counted = _counted(lying.path, one.manifest) if lying and lying.line["size"] == size else None
            if lying is None or counted is None:
                notes.append(
                    f"{one}: s3://{one.bucket}/{key} was not fetched or cannot be read: its objects are not counted"
                )
                continue
            objects += counted["Objects"] or 0
            calls.note("s3", "GetObject", *_call(lying.line), _answer(lying.line) | {"Counted": counted})
        say(f"{one}: {objects:,} object{'' if objects == 1 else 's'}")


def _call(line: dict[str, Any]) -> tuple[dict[str, str], str]:
    return {"Bucket": line["bucket"], "Key": line["key"]}, line["region"]


def _answer(line: dict[str, Any]) -> dict[str, Any]:
    return {"ContentLength": line["size"], "ETag": line["etag"], "LastModified": line["last_modified"]}


def _held(evidence: Path, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], _Held]:
    """Of these objects, what was fetched last."""
    asked = set(wanted)
    found = {}
    for line in read_ledger(evidence / "ledger.jsonl") if asked else ():
        name = (line["bucket"], line["key"])
        if line["kind"] == "object" and line["is_latest"] and name in asked:
            found[name] = _Held(evidence / "raw" / line["path"], line)
    return found


def _counted(path: Path, manifest: dict[str, Any]) -> dict[str, int | None] | None:
    """How many objects and older versions does a file list, and of how many bytes? None where it cannot be read."""
    total: dict[str, int | None] = {"Objects": 0, "Bytes": 0, "OlderVersions": 0, "OlderBytes": 0}
    try:
        for batch in _batches(path, manifest):
            column = {name.replace("_", "").lower(): batch.column(name) for name in batch.schema.names}
            latest, marker = _true(column.get("islatest")), _true(column.get("isdeletemarker"))
            older = pa.array([False] * batch.num_rows) if latest is None else pc.invert(latest)
            if marker is not None:
                older = pc.and_(older, pc.invert(marker))
            current = pc.invert(older) if marker is None else pc.and_(pc.invert(older), pc.invert(marker))
            for mask, objects, size in ((current, "Objects", "Bytes"), (older, "OlderVersions", "OlderBytes")):
                total[objects] = (total[objects] or 0) + int(pc.sum(mask).as_py() or 0)
                held, before = column.get("size"), total[size]
                total[size] = (
                    None if held is None or before is None else before + int(pc.sum(held.filter(mask)).as_py() or 0)
                )
    except (OSError, pa.ArrowException, ValueError):
        return None
    return total


def _true(column: Any) -> Any:
    """Which rows say yes? CSV has words where Parquet has truth."""
    if column is None:
        return None
    said = column if pa.types.is_boolean(column.type) else pc.equal(pc.utf8_lower(column), "true")
    return pc.fill_null(said, False)


_COLUMNS = ("bucket", "size", "islatest", "isdeletemarker")


def _batches(path: Path, manifest: dict[str, Any]) -> Any:
    """The rows of a file, by as many at a time as memory bears, with the columns that are counted."""
    if manifest["fileFormat"] == "Parquet":
        file = pyarrow.parquet.ParquetFile(path)
        names = [name for name in file.schema_arrow.names if name.replace("_", "").lower() in _COLUMNS]
        return file.iter_batches(columns=names)
    columns = [name.strip() for name in str(manifest["fileSchema"]).split(",")]
    names = [name for name in columns if name.lower() in _COLUMNS]
    return pyarrow.csv.open_csv(
        path,
        pyarrow.csv.ReadOptions(column_names=columns),
        convert_options=pyarrow.csv.ConvertOptions(
            include_columns=names,
            column_types={name: pa.int64() if name.lower() == "size" else pa.string() for name in names},
        ),
    )
