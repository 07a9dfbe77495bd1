"""On what did a run run: versions, source revision, platform."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path

from ir_kit import __version__

__all__ = ["ROOT", "platform_facts", "source_revision", "versions"]

ROOT = Path(__file__).resolve().parents[2]
_DISTRIBUTION = "ir-kit"


def versions() -> dict[str, str]:
    """Which versions of ir-kit and of the libraries that it names are installed?

    Returns
    -------
    dict of str to str
        One per distribution: ir-kit first, then its direct dependencies by name.
    """
    try:
        required = metadata.requires(_DISTRIBUTION) or []
    except metadata.PackageNotFoundError:  # a checkout that has not been set up
        required = []
    names = {re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0] for line in required if "extra ==" not in line}
    found = {}
    for name in sorted(names):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return {_DISTRIBUTION: __version__, **found}


def source_revision(root: Path = ROOT) -> tuple[str | None, bool | None]:
    """Which commit is the package's source, and has it been changed since?

    Returns
    -------
    tuple
        The commit and whether tracked files differ from it; both None where the package is not a git checkout.
    """
    if not (root / ".git").exists():
        return None, None
    commit = _git(root, "rev-parse", "--verify", "HEAD")
    changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    return (commit or None), (None if changes is None or not commit else bool(changes))


def platform_facts() -> dict[str, str]:
    """Which operating system, machine and Python is this?"""
    return {"system": platform.platform(), "machine": platform.machine(), "python": platform.python_version()}


def _git(root: Path, *command: str) -> str | None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        answer = subprocess.run(
            ["git", "-C", str(root), *command], capture_output=True, text=True, timeout=30, env=environment
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
