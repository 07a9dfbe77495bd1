"""How does a folder become a sealed run, complete under its final name or absent, and is it still what was sealed?

A BagIt 1.0 bag (RFC 8493), whose tag manifest names every other file's hash, directly or through the payload manifest:
its SHA-256 is the seal. BagIt's own check does not see files outside ``data/``, a tag manifest that is gone, or a payload
forged together with its manifests; this one does, by ``seals.log`` beside the runs or by a seal kept elsewhere.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

import bagit
import yaml

from ir_kit.errors import IrKitError, one_line

SEALS = "seals.log"
MANIFEST, TAG_MANIFEST = "manifest-sha256.txt", "tagmanifest-sha256.txt"
TAG_FILES = ("bagit.txt", "bag-info.txt", MANIFEST)
SOURCE_FIELDS = {"cloudtrail": "cloudtrail", "access_log": "access_logs", "configuration": "configuration"}

logging.getLogger("bagit").addHandler(logging.NullHandler())


def sha256_of(path: Path) -> str:
    """What is the SHA-256 of this file?"""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    """This file or folder for one process alone; without `wait`, an OSError where another one has it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def partial_folder(parent: Path, moment: datetime) -> Iterator[Path]:
    """Where is a run made before it has its name? In a hidden folder beside, gone at the end unless it was renamed.

    A lock on the folder tells a run that is under way from what a dead process left; the latter is removed here.
    """
    parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as lock:
        with locked(parent):
            for abandoned in parent.glob(".*.partial-*"):
                with contextlib.suppress(OSError), locked(abandoned, wait=False):
                    shutil.rmtree(abandoned, ignore_errors=True)
            folder = parent / f".{moment:%Y%m%dT%H%M%SZ}.partial-{secrets.token_hex(4)}"
            folder.mkdir()
            lock.enter_context(locked(folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)  # renamed by now where the run was sealed


def seal(folder: Path, parent: Path, moment: datetime, identifier: str) -> tuple[Path, str]:
    """Make the bag, write its seal to ``seals.log``, and give it its final name in one step.

    Parameters
    ----------
    folder : Path
        What becomes the payload, on the file system of `parent`, the incident's folder; it is moved.
    moment : datetime
        Start of the run in UTC; a name that is taken moves on to the next second.
    identifier : str
        The incident's id, for ``bag-info.txt``.

    Returns
    -------
    The final folder, and the seal.

    Raises
    ------
    IrKitError
        The payload holds what a bag cannot: a link, a socket, a name that does not survive a manifest.
    """
    for path in sorted(folder.rglob("*"), reverse=True):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise IrKitError("A link or special file cannot be sealed", name, "let the playbook write a plain file")
        if "%" in name or not name.isprintable():
            raise IrKitError("A file name cannot be sealed", name, "use letters, digits, '.', '_' and '-'")
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()  # a bag knows files only
    info = {"External-Identifier": identifier, "Bagging-Date": f"{moment:%Y-%m-%d}", "Bag-Software-Agent": "ir-kit"}
    bagit.make_bag(str(folder), info, checksums=["sha256"])
    (folder / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n", encoding="utf-8")
    bagit.Bag(str(folder)).save()  # the tag manifest again, over version 1.0
    with ThreadPoolExecutor(max_workers=16) as pool:  # the waits for the disk, side by side
        list(pool.map(flush_to_disk, [*folder.rglob("*"), folder]))
    digest = sha256_of(folder / TAG_MANIFEST)
    with locked(parent), open(parent / SEALS, "a+b") as log:
        sealed = dict(read_seals(parent))
        while (parent / (name := f"{moment:%Y%m%dT%H%M%SZ}")).exists() or name in sealed:
            moment += timedelta(seconds=1)
        log.seek(0)
        torn = (before := log.read()) and not before.endswith(b"\n")
        log.write((b"\n" if torn else b"") + f"{name}  {digest}\n".encode())
        log.flush()
        os.fsync(log.fileno())
        folder.rename(parent / name)
    flush_to_disk(parent)
    return parent / name, digest


def flush_to_disk(path: Path) -> None:
    """Wait until this file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_seals(parent: Path) -> list[tuple[str, str]]:
    """Which run has which seal, by ``seals.log``? Empty if there is none."""
    path = parent / SEALS
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    return re.findall(r"(?m)^(\S+)  ([0-9a-f]{64})\r?$", text)


def run_folder(run_dir: str | Path) -> Path:
    """The run's folder, resolved; an IrKitError where it is none."""
    folder = Path(run_dir).resolve()
    if not any((folder / name).exists() for name in ("data", *TAG_FILES, TAG_MANIFEST)):
        what = "Not a run folder" if folder.is_dir() else "No such run folder"
        raise IrKitError(what, run_dir, "name RUNS/INCIDENT/YYYYMMDDTHHMMSSZ")
    return folder


def seal_of(run_dir: str | Path) -> str:
    """What is the seal of this run: the SHA-256 of its tag manifest?

    Raises
    ------
    IrKitError
        This is no run folder, or it has no tag manifest.
    """
    path = run_folder(run_dir) / TAG_MANIFEST
    if path.is_symlink() or not path.is_file():
        raise IrKitError("Run folder has no tag manifest", path, "take the copy that was kept")
    return sha256_of(path)


def verify_run(run_dir: str | Path, evidence: bool = False, *, seal: str | None = None) -> list[str]:
    """What in this run folder is not as it was sealed?

    Parameters
    ----------
    evidence : bool
        Also hash every source file that the run read, and compare.
    seal : str, optional
        A seal that was kept elsewhere, to compare with.

    Returns
    -------
    list of str
        One line per problem; empty if the folder is whole.

    Raises
    ------
    IrKitError
        This is no run folder.

    Notes
    -----
    Cannot see a forgery that includes ``seals.log`` where no seal was kept elsewhere.
    """
    folder = run_folder(run_dir)
    problems, present = [], set()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            problems.append(f"link in the run folder: {name}")
        elif path.is_file():
            present.add(name)
        elif not path.is_dir():
            problems.append(f"special file in the run folder: {name}")
        elif not any(path.iterdir()):
            problems.append(f"added folder: {name}")
    (payload, malformed), (tags, malformed_tags) = (read_manifest(folder / name) for name in (MANIFEST, TAG_MANIFEST))
    problems += malformed + malformed_tags
    for name in (*TAG_FILES, TAG_MANIFEST):
        if name not in present:
            problems.append(f"removed: {name}")
        elif name != TAG_MANIFEST and name not in tags and TAG_MANIFEST in present:
            problems.append(f"not covered by the tag manifest: {name}")
    problems += differences(folder, present - {TAG_MANIFEST}, tags | payload)
    if TAG_MANIFEST in present:
        actual, seals = sha256_of(folder / TAG_MANIFEST), read_seals(folder.parent)
        logged = {digest for name, digest in seals if name == folder.name}
        if seal is not None and seal.strip().lower() != actual:
            problems.append(f"another seal than the one given: {actual}")
        if logged and logged != {actual}:
            problems.append(f"another seal than in {SEALS}: {actual}")
        elif not logged and (folder.parent / SEALS).is_file():
            was = next((name for name, digest in seals if digest == actual), None)
            problems.append(f"renamed run folder: sealed as {was}" if was else f"no seal of {folder.name} in {SEALS}")
    problems += verify_evidence(folder) if evidence else []
    return [one_line(problem) for problem in dict.fromkeys(problems)]


def read_manifest(path: Path) -> tuple[dict[str, str], list[str]]:
    """Which file has which hash, by this manifest, and what is wrong with it?

    A name that leads out of the folder is a problem, never opened; no file, or a link, is a manifest of nothing.
    """
    entries: dict[str, str] = {}
    problems: list[str] = []
    content = b"" if path.is_symlink() or not path.is_file() else path.read_bytes()
    for number, line in enumerate(content.decode("utf-8", "surrogateescape").split("\n"), start=1):
        if not (line := line.rstrip("\r")):
            continue
        match = re.fullmatch(r"([0-9a-fA-F]{64})[ \t]+(\S.*)", line)
        name = match[2] if match else ""
        parts = PurePosixPath(name).parts
        if not match:
            problems.append(f"malformed line: {path.name}:{number}")
        elif name.startswith(("/", "~")) or "\\" in name or ".." in parts or PurePosixPath(name).as_posix() != name:
            problems.append(f"name that leads out of the run folder: {path.name}:{number}: {name}")
        elif (parts[0] == "data") != (path.name == MANIFEST) or name == TAG_MANIFEST:
            problems.append(f"name that does not belong in this manifest: {path.name}:{number}: {name}")
        elif name in entries:
            problems.append(f"name twice in a manifest: {path.name}:{number}: {name}")
        else:
            entries[name] = match[1].lower()
    return entries, problems


def differences(folder: Path, present: set[str], expected: dict[str, str]) -> list[str]:
    """Which of these files are changed, removed, renamed or added?"""
    problems = []
    hashes: dict[str, str] = {}
    for name in sorted(present):
        try:
            hashes[name] = sha256_of(folder / name)
        except OSError as error:
            problems.append(f"cannot be read ({error.strerror}): {name}")
            continue
        if name in expected and hashes[name] != expected[name]:
            problems.append(f"changed: {name}")
    added = [name for name in hashes if name not in expected and name not in TAG_FILES]
    for name in sorted(expected.keys() - present - set(TAG_FILES)):
        new = next((other for other in added if hashes[other] == expected[name]), None)
        if new is not None:
            added.remove(new)
        problems.append(f"removed: {name}" if new is None else f"renamed: {name} is now {new}")
    return problems + [f"added: {name}" for name in added]


def verify_evidence(run_dir: str | Path) -> list[str]:
    """Which source files are not what this run read? Relative sources start at the incident's folder, above the run's.

    Raises
    ------
    IrKitError
        This is no run folder, or it does not say what was read.
    """
    folder = run_folder(run_dir)
    incident, lines = folder / "data" / "incident.yaml", folder / "data" / "evidence.jsonl"
    try:
        sources = yaml.safe_load(incident.read_text(encoding="utf-8"))["sources"]
        records = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines() if line.strip()]
        located = [(source_file(folder.parent, sources, record), record) for record in records]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise IrKitError("Run folder does not say what was read", folder / "data", "see 'ir-kit verify'") from error
    problems = []
    for path, record in located:
        problem = None
        try:
            if record.get("sha256", "") is None:
                problem = "source could not be read by the run"
            elif not path.is_file():
                problem = "source missing" + (" since before the run" if record.get("present") is False else "")
            elif sha256_of(path) != record.get("sha256", ""):
                problem = "source changed"
        except OSError as error:
            problem = f"source cannot be read ({error.strerror})"
        if problem:
            problems.append(one_line(f"{problem}: {PurePosixPath(record['source']) / record['path']}"))
    return problems


def source_file(base: Path, sources: dict[str, Any], record: dict[str, Any]) -> Path:
    """Where does the source file of this record lie? Below a source that the incident names, or a ValueError."""
    named = sources.get(SOURCE_FIELDS.get(record["kind"], "")) or []
    source, name = str(record["source"]), str(record["path"])
    leads_out = PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts
    if leads_out or source not in ([named] if isinstance(named, str) else named):
        raise ValueError(f"{source}: {name}")
    root = base / source
    path = root if root.name == name and not root.is_dir() else root / name
    if os.path.lexists(path):
        return path
    # bytes that are no UTF-8 are written down as escapes
    undone = re.sub(rb"\\x([89a-f][0-9a-f])", lambda match: bytes.fromhex(match[1].decode()), os.fsencode(path))
    return Path(os.fsdecode(undone))
