"""Is a run folder what was sealed, and are the source files still what was read?

BagIt's own check does not see files outside ``data/``, a tag manifest that is gone, or a payload that was forged
together with its manifests. This one does, as far as the seal is known: from ``seals.log`` beside the run, or from one
that was kept elsewhere.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from ir_kit.errors import IrKitError, one_line
from ir_kit.record.bag import SEALS, read_seals, sha256_of, tag_manifest_seal

__all__ = ["EvidenceCheck", "seal_of", "verify_evidence", "verify_run"]

_MANIFEST, _TAG_MANIFEST = "manifest-sha256.txt", "tagmanifest-sha256.txt"
_TAG_FILES = ("bagit.txt", "bag-info.txt", _MANIFEST)
_SOURCE_FIELDS = {"cloudtrail": "cloudtrail", "access_log": "access_logs", "configuration": "configuration"}
_ESCAPE = re.compile(rb"\\x([89a-f][0-9a-f])")
_LINE = re.compile(r"([0-9a-fA-F]{64})[ \t]+(\S.*)")


@dataclass(frozen=True)
class EvidenceCheck:
    """What became of a run's source files: one line per problem, and how many of how many are whole."""

    problems: tuple[str, ...]
    whole: int
    total: int


def seal_of(run_dir: str | Path) -> str:
    """What is the seal of this run: the SHA-256 of its tag manifest?

    Raises
    ------
    IrKitError
        This is no run folder, or it has no tag manifest.
    """
    folder = _run_folder(run_dir)
    if not _is_plain_file(folder / _TAG_MANIFEST):
        raise IrKitError("Run folder has no tag manifest", folder / _TAG_MANIFEST, "take the copy that was kept")
    return tag_manifest_seal(folder)


def verify_run(run_dir: str | Path, evidence: bool = False, *, seal: str | None = None) -> list[str]:
    """What in this run folder is not as it was sealed?

    Parameters
    ----------
    run_dir : str or Path
        The run folder.
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
    folder = _run_folder(run_dir)
    problems, present = _files(folder)
    listed, bad_lines = _manifest(folder / _MANIFEST, payload=True)
    tags, bad_tags = _manifest(folder / _TAG_MANIFEST, payload=False)
    problems += bad_lines + bad_tags
    for name in (*_TAG_FILES, _TAG_MANIFEST):
        if name not in present:
            problems.append(f"removed: {name}")
        elif name != _TAG_MANIFEST and name not in tags and _TAG_MANIFEST in present:
            problems.append(f"not covered by the tag manifest: {name}")
    expected = {**tags, **listed}
    problems += _differences(folder, present - {_TAG_MANIFEST}, expected)
    problems += _seal_problems(folder, seal) if _TAG_MANIFEST in present else []
    if evidence:
        problems += verify_evidence(folder).problems
    return [one_line(problem) for problem in dict.fromkeys(problems)]


def verify_evidence(run_dir: str | Path) -> EvidenceCheck:
    """Are the source files still what this run read? Relative sources start at the incident's folder, above the run's.

    Raises
    ------
    IrKitError
        This is no run folder, or it does not say what was read.
    """
    folder = _run_folder(run_dir)
    incident, lines = folder / "data" / "incident.yaml", folder / "data" / "evidence.jsonl"
    try:
        sources = yaml.safe_load(incident.read_text(encoding="utf-8"))["sources"]
        records = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines() if line.strip()]
        wanted = [(_location(folder.parent, sources, record), record) for record in records]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise IrKitError("Run folder does not say what was read", folder / "data", "see 'ir-kit verify'") from error
    problems, whole = [], 0
    for path, record in wanted:
        problem = _source_problem(path, record.get("sha256", ""))
        whole += problem is None
        if problem:
            gone = " since before the run" if problem == "source missing" and record.get("present") is False else ""
            problems.append(one_line(f"{problem}{gone}: {PurePosixPath(record['source']) / record['path']}"))
    return EvidenceCheck(tuple(problems), whole, len(wanted))


def _run_folder(run_dir: str | Path) -> Path:
    folder = Path(run_dir)
    if not folder.is_dir():
        raise IrKitError("No such run folder", run_dir, "name RUNS/INCIDENT/YYYYMMDDTHHMMSSZ")
    folder = folder.resolve()
    if not (folder / "data").is_dir() and not any((folder / name).exists() for name in (*_TAG_FILES, _TAG_MANIFEST)):
        raise IrKitError("Not a run folder", run_dir, "name RUNS/INCIDENT/YYYYMMDDTHHMMSSZ")
    return folder


def _is_plain_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _files(folder: Path) -> tuple[list[str], set[str]]:
    """What lies in the folder, hidden files too; links and special files are problems and never followed."""
    problems, present = [], set()
    for path in _walk(folder):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            problems.append(f"link in the run folder: {name}")
        elif path.is_dir():
            if not any(path.iterdir()):
                problems.append(f"added folder: {name}")
        elif path.is_file():
            present.add(name)
        else:
            problems.append(f"special file in the run folder: {name}")
    return problems, present


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)


def _manifest(path: Path, *, payload: bool) -> tuple[dict[str, str], list[str]]:
    """Which file has which hash, by this manifest? A name that leads out of the folder is a problem, never opened."""
    entries: dict[str, str] = {}
    problems: list[str] = []
    if not _is_plain_file(path):
        return entries, problems
    for number, line in enumerate(path.read_bytes().decode("utf-8", "surrogateescape").split("\n"), start=1):
        if not (line := line.rstrip("\r")):
            continue
        match = _LINE.fullmatch(line)
        name = match[2] if match else ""
        parts = PurePosixPath(name).parts
        if not match:
            problems.append(f"malformed line: {path.name}:{number}")
        elif name.startswith(("/", "~")) or "\\" in name or ".." in parts or PurePosixPath(name).as_posix() != name:
            problems.append(f"name that leads out of the run folder: {path.name}:{number}: {name}")
        elif (parts[0] == "data") != payload or name == _TAG_MANIFEST:
            problems.append(f"name that does not belong in this manifest: {path.name}:{number}: {name}")
        elif name in entries:
            problems.append(f"name twice in a manifest: {path.name}:{number}: {name}")
        else:
            entries[name] = match[1].lower()
    return entries, problems


def _differences(folder: Path, present: set[str], expected: dict[str, str]) -> list[str]:
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
    added = [name for name in sorted(hashes) if name not in expected and name not in _TAG_FILES]
    for name in sorted(expected.keys() - present - set(_TAG_FILES)):
        new = next((other for other in added if hashes[other] == expected[name]), None)
        if new is not None:
            added.remove(new)
        problems.append(f"removed: {name}" if new is None else f"renamed: {name} is now {new}")
    return problems + [f"added: {name}" for name in added]


def _seal_problems(folder: Path, kept: str | None) -> list[str]:
    actual = tag_manifest_seal(folder)
    problems = []
    if kept is not None and kept.strip().lower() != actual:
        problems.append(f"another seal than the one given: {actual}")
    seals = read_seals(folder.parent)
    logged = seals.get(folder.name)
    if logged is not None and logged != {actual}:
        problems.append(f"another seal than in {SEALS}: {actual}")
    elif logged is None and (folder.parent / SEALS).is_file():
        was = next((name for name, known in seals.items() if actual in known), None)
        problems.append(f"renamed run folder: sealed as {was}" if was else f"no seal of {folder.name} in {SEALS}")
    return problems


def _location(base: Path, sources: dict[str, Any], record: dict[str, Any]) -> Path:
    """Where does the source file of this record lie? Below a source that the incident names, nowhere else."""
    named = sources.get(_SOURCE_FIELDS.get(record["kind"], "")) or []
    source, name = str(record["source"]), str(record["path"])
    leads_out = PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts
    if leads_out or source not in ([named] if isinstance(named, str) else named):
        raise ValueError(f"{source}: {name}")
    root = base / source
    path = root if root.name == name and not root.is_dir() else root / name
    # bytes that are no UTF-8 are written down as escapes
    return path if os.path.lexists(path) else Path(os.fsdecode(_ESCAPE.sub(_byte, os.fsencode(path))))


def _byte(match: re.Match[bytes]) -> bytes:
    return bytes.fromhex(match[1].decode())


def _source_problem(path: Path, sha256: str | None) -> str | None:
    if sha256 is None:
        return "source could not be read by the run"
    if not path.is_file():
        return "source missing"
    try:
        return None if sha256_of(path) == sha256 else "source changed"
    except OSError as error:
        return f"source cannot be read ({error.strerror})"
