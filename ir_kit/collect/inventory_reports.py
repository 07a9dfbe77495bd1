"""Reports of S3 Inventory: what a bucket held, by S3's own list of it.

Of each inventory two reports are fetched: the newest that was begun before the window's end, and the first after it. A
manifest names the files of a report; the files name the objects, and are counted. Who may write to the destination may
forge both, so that only what lies below the report's own folder is taken from a manifest.

Source: S3 User Guide, "Locating your inventory list" and "Inventory list".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from ir_kit.collect.account_inventory import AccountInventory
from ir_kit.collect.calls import Calls, side_by_side
from ir_kit.collect.ledger import read_ledger
from ir_kit.collect.log_objects import PrefixPlace

__all__ = ["Report", "find_reports", "note_reports", "read_manifests"]

MOST_FILES = 5_000  # of one report: billions of objects
MOST_MANIFEST = 32_000_000


@dataclass
class Report:
    """One report: of which bucket, by which inventory, where its manifest lies, and once read, what that says."""

    source: str
    name: str
    bucket: str
    root: str
    folder: str
    region: str
    manifest: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The manifest's key."""
        return f"{self.root}{self.folder}/manifest.json"

    @property
    def files(self) -> dict[str, int]:
        """The files that the manifest names, with their sizes."""
        return {str(file["key"]): int(file["size"]) for file in self.manifest.get("files", ())}

    def places(self, keys: Sequence[str]) -> list[PrefixPlace]:
        """Where these objects are looked for."""
        return [PrefixPlace(self.bucket, key, bucket_region=self.region) for key in keys]

    def __str__(self) -> str:
        return f"the report of {self.folder} by the inventory {self.name} of {self.source}"


def find_reports(calls: Calls, inventory: AccountInventory, end: datetime, notes: list[str]) -> list[Report]:
    """Which reports tell what the buckets held around `end`? What cannot tell it is added to `notes`."""
    found = side_by_side(partial(reports_of_bucket, calls, end, notes), sorted(inventory.buckets.items()))
    notes.sort()
    return sum(found, [])


def reports_of_bucket(calls: Calls, end: datetime, notes: list[str], bucket: tuple[str, str | None]) -> list[Report]:
    """The reports of one bucket, given by its name and Region."""
    source, region = bucket
    found, listed = [], "InventoryConfigurationList"
    for one in calls.listed("s3", "ListBucketInventoryConfigurations", listed, {"Bucket": source}, region):
        name, to = str(one.get("Id")), (one.get("Destination") or {}).get("S3BucketDestination") or {}
        target, prefix = str(to.get("Bucket", "")).rpartition(":::")[2], str(to.get("Prefix") or "").rstrip("/")
        if (one.get("Filter") or {}).get("Prefix"):
            notes.append(f"the inventory {name} of {source} lists one prefix alone: its reports are not fetched")
            continue
        root = f"{prefix}/{source}/{name}/".lstrip("/")
        pages = list(calls.pages("s3", "ListObjectsV2", {"Bucket": target, "Prefix": root, "Delimiter": "/"}, region))
        folders = [item["Prefix"] for page in pages for item in page.response.get("CommonPrefixes") or []]
        dated = sorted(re.findall(rf"^{re.escape(root)}(\d{{4}}-\d\d-\d\dT\d\d-\d\dZ)/$", "\n".join(folders), re.M))
        if pages[-1].code:
            why = f"s3://{target}/{root} was refused ({pages[-1].code})"
            notes.append(f"the reports of the inventory {name} of {source}: {why}")
        elif not dated:
            notes.append(f"the inventory {name} of {source} has no report in s3://{target}/{root}")
        before = [folder for folder in dated if folder <= f"{end:%Y-%m-%dT%H-%MZ}"]
        around = before[-1:] + dated[len(before) :][:1]
        found += [Report(source, name, target, root, folder, region or calls.home) for folder in around]
    return found


def read_manifests(reports: Sequence[Report], evidence: Path, notes: list[str]) -> None:
    """Read the manifests that were fetched into their reports; what cannot be read is added to `notes`."""
    fetched = fetched_objects(evidence) if reports else {}
    for one in reports:
        line = fetched.get((one.bucket, one.key))
        if line is None:
            notes.append(f"{one}: its manifest was not fetched")
            continue
        try:
            if line["size"] > MOST_MANIFEST:
                raise ValueError("too long")
            manifest = json.loads((evidence / "raw" / line["path"]).read_bytes())
            files = [(str(file["key"]), int(file["size"])) for file in manifest["files"]]
            if manifest["sourceBucket"] != one.source or not all(
                key.startswith(f"{one.root}data/") for key, _ in files
            ):
                raise ValueError("of another bucket, or of files elsewhere")
            datetime.fromtimestamp(int(manifest["creationTimestamp"]) / 1000, UTC)
            style, _ = str(manifest["fileFormat"]), str(manifest["fileSchema"])
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            notes.append(f"{one}: its manifest cannot be read, or is not of this inventory")
            continue
        if len(files) > MOST_FILES:
            notes.append(f"{one}: {len(files):,} files are too many; they are not fetched")
        elif style not in ("CSV", "Parquet"):
            notes.append(f"{one}: its files are {style}, which is not read; they are not fetched")
        else:
            one.manifest = manifest


def note_reports(
    calls: Calls, reports: Sequence[Report], evidence: Path, notes: list[str], say: Callable[[str], None]
) -> None:
    """Write down what the reports answered: the manifests as they are, of their files what counting them gave.

    The call is `GetObject`. A manifest stands in ``Body``; a file's rows do not, they lie in ``raw``: ``Counted`` is this
    kit's own sum of them.
    """
    fetched = fetched_objects(evidence) if reports else {}

    def note(line: dict[str, Any], **content: Any) -> None:
        answer = {"ContentLength": line["size"], "ETag": line["etag"], "LastModified": line["last_modified"]}
        calls.note("s3", "GetObject", {"Bucket": line["bucket"], "Key": line["key"]}, line["region"], answer | content)

    for one in reports:
        if not one.manifest:
            continue
        note(fetched[one.bucket, one.key], Body=one.manifest)
        objects = 0
        for key, size in one.files.items():
            line = fetched.get((one.bucket, key), {"size": None})
            totals = counted(evidence / "raw" / line["path"], one.manifest) if line["size"] == size else None
            if totals is None:
                notes.append(
                    f"{one}: s3://{one.bucket}/{key} was not fetched or cannot be read: its objects are not counted"
                )
                continue
            objects += totals["Objects"]
            note(line, Counted=totals)
        say(f"{one}: {objects:,} object{'' if objects == 1 else 's'}")


def fetched_objects(evidence: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """The ledger's lines by bucket and key, the last of each current object."""
    lines = read_ledger(evidence / "ledger.jsonl")
    return {(line["bucket"], line["key"]): line for line in lines if line["kind"] == "object" and line["is_latest"]}


def counted(path: Path, manifest: dict[str, Any]) -> dict[str, Any] | None:
    """How many objects and older versions does a file list, and of how many bytes? None where it cannot be read."""
    place = re.sub(r"([*?[])", r"[\1]", str(path))  # DuckDB takes it for a pattern
    names = [name.strip() for name in str(manifest["fileSchema"]).split(",")]
    try:
        with duckdb.connect() as engine:
            if manifest["fileFormat"] == "Parquet":
                rows = engine.read_parquet(place)
            else:
                rows = engine.read_csv(
                    place,
                    header=False,
                    auto_detect=False,
                    delimiter=",",
                    quotechar='"',
                    columns=dict.fromkeys(names, "varchar"),
                )
            columns = {name.replace("_", "").lower(): name for name in rows.columns if name.isidentifier()}
            latest, marker = (
                f"coalesce({columns[name]}::varchar ilike 'true', false)" if name in columns else otherwise
                for name, otherwise in (("islatest", "true"), ("isdeletemarker", "false"))
            )
            totals = [
                f"{total} filter ({which} and not {marker})"
                for which in (latest, f"not {latest}")
                for total in ("count(*)", f"sum({columns.get('size', 'null')}::bigint)")
            ]
            (sums,) = rows.aggregate(", ".join(totals)).fetchall()
    except (duckdb.Error, OSError):
        return None
    numbers = (number or (0 if "size" in columns else number) for number in sums)
    return dict(zip(("Objects", "Bytes", "OlderVersions", "OlderBytes"), numbers, strict=True))
