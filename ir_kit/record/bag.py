"""How does a folder become a sealed run: complete under its final name, or absent?

A BagIt 1.0 bag (RFC 8493). Its tag manifest names every other file's hash, directly or through the payload manifest, so
the SHA-256 of the tag manifest is the seal. BagIt alone does not notice a payload that is forged together with its
manifests: the seal, kept elsewhere and in ``seals.log`` beside the runs, does.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import itertools
import logging
import os
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import bagit

from ir_kit.errors import IrKitError

__all__ = ["SEALS", "partial_folder", "read_seals", "run_name", "seal", "sha256_of", "tag_manifest_seal"]

SEALS = "seals.log"
_SEAL_LINE = re.compile(r"(\S+)  ([0-9a-f]{64})")
_PARTIAL = ".*.partial-*"

logging.getLogger("bagit").addHandler(logging.NullHandler())


def run_name(moment: datetime) -> str:
    """Under which name does a run of this moment stand?"""
    return moment.strftime("%Y%m%dT%H%M%SZ")


def sha256_of(path: Path) -> str:
    """What is the SHA-256 of this file?"""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tag_manifest_seal(folder: Path) -> str:
    """What is the seal of this bag: the SHA-256 of its tag manifest?"""
    return sha256_of(folder / "tagmanifest-sha256.txt")


@contextlib.contextmanager
def partial_folder(parent: Path, moment: datetime) -> Iterator[Path]:
    """Where is a run made before it has its name? In a hidden folder beside, gone at the end unless it was renamed.

    A lock on the folder tells a run that is under way from what a dead process left; the latter is removed here.
    """
    parent.mkdir(parents=True, exist_ok=True)
    for left in sorted(parent.glob(_PARTIAL)):
        with contextlib.suppress(OSError), _locked(left, wait=False):
            shutil.rmtree(left, ignore_errors=True)
    with contextlib.ExitStack() as held:
        folder = _claimed(parent, f".{run_name(moment)}.partial-{os.getpid()}", held)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)  # renamed by now where the run was sealed


def seal(folder: Path, parent: Path, moment: datetime, identifier: str, *, suffix: str = "") -> tuple[Path, str]:
    """Make the bag, write its seal to ``seals.log``, and give it its final name in one step.

    Parameters
    ----------
    folder : Path
        What becomes the payload, on the file system of `parent`; it is moved.
    parent : Path
        The incident's folder.
    moment : datetime
        Start of the run in UTC; a name that is taken moves on to the next second.
    identifier : str
        The incident's id, for ``bag-info.txt``.
    suffix : str
        What follows the name.

    Returns
    -------
    tuple
        The final folder, and the seal.

    Raises
    ------
    IrKitError
        The payload holds what a bag cannot: a link, a socket, a name that does not survive a manifest.
    """
    _check_payload(folder)
    info = {
        "External-Identifier": identifier,
        "Bagging-Date": moment.strftime("%Y-%m-%d"),
        "Bag-Software-Agent": "ir-kit",
    }
    bagit.make_bag(str(folder), info, checksums=["sha256"])
    (folder / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n", encoding="utf-8")
    bagit.Bag(str(folder)).save()  # the tag manifest again, over version 1.0
    with ThreadPoolExecutor(max_workers=16) as pool:  # the waits for the disk, side by side
        list(pool.map(_to_disk, [*folder.rglob("*"), folder]))
    sealed = tag_manifest_seal(folder)
    with open(parent / SEALS, "a+b") as log, _locked(parent / SEALS):
        taken = read_seals(parent)
        while (parent / (name := run_name(moment) + suffix)).exists() or name in taken:
            moment += timedelta(seconds=1)
        log.seek(0)
        whole = not (before := log.read()) or before.endswith(b"\n")
        log.write(b"" if whole else b"\n")
        log.write(f"{name}  {sealed}\n".encode())
        log.flush()
        os.fsync(log.fileno())
        folder.rename(parent / name)
    _to_disk(parent)
    return parent / name, sealed


def read_seals(parent: Path) -> dict[str, set[str]]:
    """Which seals does ``seals.log`` give for each run? Empty if there is none."""
    seals: dict[str, set[str]] = {}
    with contextlib.suppress(FileNotFoundError):
        for line in (parent / SEALS).read_text(encoding="utf-8", errors="replace").splitlines():
            if match := _SEAL_LINE.fullmatch(line):
                seals.setdefault(match[1], set()).add(match[2])
    return seals


def _claimed(parent: Path, name: str, held: contextlib.ExitStack) -> Path:
    for attempt in itertools.count():
        folder = parent / (f"{name}.{attempt}" if attempt else name)
        try:
            folder.mkdir()
            held.enter_context(_locked(folder, wait=False))
        except (FileExistsError, BlockingIOError):  # taken, or another run is tidying it away
            continue
        except OSError:
            if not folder.is_dir():
                raise
            return folder  # a file system that cannot lock folders: nobody tidies there
        if folder.is_dir():
            return folder
    raise AssertionError("unreachable")


def _check_payload(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise IrKitError("A link or special file cannot be sealed", name, "let the playbook write a plain file")
        if "%" in name or not name.isprintable():
            raise IrKitError("A file name cannot be sealed", name, "use letters, digits, '.', '_' and '-'")
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()  # a bag knows files only


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(descriptor)
