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
from pathlib import Path
from typing import Any

import duckdb

from ir_kit.collect.account_inventory import AccountInventory
from ir_kit.collect.calls import Calls, side_by_side
from ir_kit.collect.ledger import read_ledger
from ir_kit.collect.log_objects import PrefixPlace

MOST_FILES = 5_000  # of one report: billions of objects
MOST_MANIFEST = 32_000_000


@dataclass
class Report:
    """One report: of which bucket, where its inventory delivers, its own folder, and its manifest and files once read."""

    source: str
    inventory: str
    bucket: str
    region: str
    root: str
    folder: str
    manifest: dict[str, Any] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The manifest's key."""
        return f"{self.root}{self.folder}/manifest.json"

    def __str__(self) -> str:
        return f"the report of {self.folder} by the inventory {self.inventory} of {self.source}"

    def places(self, keys: Sequence[str]) -> list[PrefixPlace]:
        """Where these objects are looked for."""
        return [PrefixPlace(self.bucket, key, bucket_region=self.region) for key in keys]


def find_reports(calls: Calls, inventory: AccountInventory, end: datetime, notes: list[str]) -> list[Report]:
    """Which reports tell what the buckets held around `end`? What cannot tell it is added to `notes`."""

    def of_bucket(source: str) -> list[Report]:
        reports, region, listed = [], inventory.buckets[source], "InventoryConfigurationList"
        for rule in calls.listed("s3", "ListBucketInventoryConfigurations", listed, {"Bucket": source}, region):
            name, to = f"the inventory {rule['Id']} of {source}", rule["Destination"]["S3BucketDestination"]
            bucket, prefix = to["Bucket"].rpartition(":::")[2], (to.get("Prefix") or "").rstrip("/")
            if (rule.get("Filter") or {}).get("Prefix"):
                notes.append(f"{name} lists one prefix alone: its reports are not fetched")
                continue
            root = f"{prefix}/{source}/{rule['Id']}/".lstrip("/")
            pages = list(
                calls.pages("s3", "ListObjectsV2", {"Bucket": bucket, "Prefix": root, "Delimiter": "/"}, region)
            )
            folders = [item["Prefix"] for page in pages for item in page.response.get("CommonPrefixes") or []]
            dated = sorted(re.findall(rf"^{re.escape(root)}(\d{{4}}-\d\d-\d\dT\d\d-\d\dZ)/$", "\n".join(folders), re.M))
            if pages[-1].code:
                notes.append(f"the reports of {name}: s3://{bucket}/{root} was refused ({pages[-1].code})")
            elif not dated:
                notes.append(f"{name} has no report in s3://{bucket}/{root}")
            before = sum(folder <= f"{end:%Y-%m-%dT%H-%MZ}" for folder in dated)
            around = dated[max(before - 1, 0) : before + 1]
            reports += [Report(source, rule["Id"], bucket, region or calls.home, root, folder) for folder in around]
        return reports

    reports = side_by_side(of_bucket, sorted(inventory.buckets))
    notes.sort()
    return sum(reports, [])


def read_manifests(reports: Sequence[Report], evidence: Path, notes: list[str]) -> None:
    """Read the manifests that were fetched into their reports; what cannot be read is added to `notes`."""
    fetched = fetched_objects(evidence)
    for report in reports:
        try:
            path, size = (fetched[report.bucket, report.key][name] for name in ("path", "size"))
            manifest = json.loads((evidence / "raw" / path).read_bytes() if size < MOST_MANIFEST else "")
            files = {str(file["key"]): int(file["size"]) for file in manifest["files"]}
            style, source, _ = str(manifest["fileFormat"]), manifest["sourceBucket"], manifest["fileSchema"]
            datetime.fromtimestamp(int(manifest["creationTimestamp"]) / 1000, UTC)
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            style, source, files = "", "", {}
        if source != report.source or not all(key.startswith(f"{report.root}data/") for key in files):
            notes.append(f"{report}: its manifest was not fetched, cannot be read, or is not of this inventory")
        elif len(files) > MOST_FILES:
            notes.append(f"{report}: {len(files):,} files are too many; they are not fetched")
        elif style not in ("CSV", "Parquet"):
            notes.append(f"{report}: its files are {style}, which is not read; they are not fetched")
        else:
            report.manifest, report.files = manifest, files


def note_reports(
    calls: Calls, reports: Sequence[Report], evidence: Path, notes: list[str], say: Callable[[str], None]
) -> None:
    """Write down what the reports answered: the manifests as they are, of their files what counting them gave.

    The call is `GetObject`. A manifest stands in ``Body``; a file's rows do not, they lie in ``raw``: ``Counted`` is this
    kit's own sum of them.
    """

    def note(line: dict[str, Any], content: dict[str, Any]) -> None:
        answer = {"ContentLength": line["size"], "ETag": line["etag"], "LastModified": line["last_modified"]}
        calls.note("s3", "GetObject", {"Bucket": line["bucket"], "Key": line["key"]}, line["region"], answer | content)

    fetched = fetched_objects(evidence) if reports else {}
    for report in (report for report in reports if report.manifest):
        note(fetched[report.bucket, report.key], {"Body": report.manifest})
        objects = 0
        for key, size in report.files.items():
            line = fetched.get((report.bucket, key), {"size": None})
            totals = counted(evidence / "raw" / line["path"], report.manifest) if line["size"] == size else None
            if totals:
                objects += totals["Objects"]
                note(line, {"Counted": totals})
            else:
                why = "was not fetched or cannot be read: its objects are not counted"
                notes.append(f"{report}: s3://{report.bucket}/{key} {why}")
        say(f"{report}: {objects:,} object{'' if objects == 1 else 's'}")


def fetched_objects(evidence: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """The ledger's lines by bucket and key, the last of each current object."""
    lines = read_ledger(evidence / "ledger.jsonl")
    return {(line["bucket"], line["key"]): line for line in lines if line["kind"] == "object" and line["is_latest"]}


def counted(path: Path, manifest: dict[str, Any]) -> dict[str, Any] | None:
    """How many objects and older versions does a file list, and of how many bytes? None where it cannot be read."""
    place = re.sub(r"([*?[])", r"[\1]", str(path))  # DuckDB takes it for a pattern
    header = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", str(manifest["fileSchema"])).lower().split(",")  # as Parquet has them
    schema = {name.strip(): "varchar" for name in header}
    try:
        with duckdb.connect() as engine:
            if manifest["fileFormat"] == "Parquet":
                listed = engine.read_parquet(place)
            else:
                listed = engine.read_csv(place, header=False, auto_detect=False, sep=",", quotechar='"', columns=schema)
            nothing = 0 if "size" in listed.columns else None
            (numbers,) = engine.sql(COUNTS).fetchall()
    except (duckdb.Error, OSError):
        return None
    names = ("Objects", "Bytes", "OlderVersions", "OlderBytes")
    return {name: nothing if number is None else number for name, number in zip(names, numbers, strict=True)}


COUNTS = """
select count(*) filter (latest), sum(size) filter (latest), count(*) filter (not latest), sum(size) filter (not latest)
from (
    select coalesce(is_latest ilike 'true', true) as latest, size::bigint as size
    from (from listed union all by name
          select null::varchar as is_latest, null::varchar as is_delete_marker, null::varchar as size where false)
    where not coalesce(is_delete_marker ilike 'true', false)
)
"""
