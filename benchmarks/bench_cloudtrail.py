"""CloudTrail: (a) a million events in 2,000 files, (b) 400,000 in 40,000, (d) memory at five times (a)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import make_data
from measuring import Contender, alternate, ingest, prepared, table, verdict

HERE = Path(__file__).parent


def listed(folder: Path) -> Path:
    """The files of a folder, one name a line."""
    names = folder.with_suffix(".txt")
    names.write_text("".join(f"{path}\n" for path in sorted(folder.rglob("*.gz"))), encoding="utf-8")
    return names


def floor_program(cache: Path) -> Path | None:
    """The program that only unpacks and parses; null, with a word, where it cannot be made."""
    program = cache / "floor"
    if shutil.which("g++") is None:
        print("no floor: there is no g++ here")
        return None
    made = subprocess.run(
        ["g++", "-O3", "-std=c++17", str(HERE / "floor.cpp"), "-o", str(program), "-ldeflate", "-lz", "-lsimdjson"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode:
        print(
            "no floor: simdjson, zlib or libdeflate is not installed (Debian: libsimdjson-dev, zlib1g-dev, libdeflate-dev)"
        )
        return None
    return program


def normalize(way: str, names: Path, rounds: int) -> Contender:
    """The contender that goes through pandas."""
    return Contender(
        f"json_normalize, {way}", lambda: [sys.executable, HERE / "normalize.py", way], rounds=rounds, stdin=names
    )


def _a_million(cache: Path, scale: float) -> Path:
    return prepared(cache / "cloudtrail-a", lambda path: make_data.cloudtrail(path, int(2000 * scale), 500))


def a_million_events(cache: Path, scale: float) -> bool:
    """(a) 1,000,000 events in 2,000 files."""
    folder = _a_million(cache, scale)
    names = listed(folder)
    kit = Contender("ir-kit ingest", lambda: ingest(cache, "cloudtrail", folder), rounds=5)
    today = normalize("at-once", names, 1)
    contenders = [kit, today]
    program = floor_program(cache)
    floors = [
        Contender(f"floor: {name} and simdjson, one core", lambda way=way: [program, way], rounds=5, stdin=names)  # type: ignore[misc]
        for name, way in (("gunzip (zlib)", "zlib"), ("libdeflate", "libdeflate"))
        if program
    ]
    contenders += floors
    alternate(contenders, cache)
    table(f"(a) {int(1e6 * scale):,} events in {int(2000 * scale):,} files", contenders)
    holds = verdict("json_normalize / ir-kit, by the clock", today.wall / kit.wall, 15, at_least=True)
    if floors:
        holds &= verdict("ir-kit / floor of gunzip, CPU", kit.cpu / floors[0].cpu, 5, at_least=False)
        print(f"  ir-kit / floor of libdeflate, CPU: {kit.cpu / floors[1].cpu:.2f}")
    return holds & verdict("peak memory, GB", kit.peak / 1e9, 1, at_least=False)


def many_small_files(cache: Path, scale: float) -> bool:
    """(b) 400,000 events in 40,000 files."""
    folder = prepared(cache / "cloudtrail-b", lambda path: make_data.cloudtrail(path, int(40_000 * scale), 10, seed=3))
    kit = Contender("ir-kit ingest", lambda: ingest(cache, "cloudtrail", folder), rounds=5)
    today = normalize("by-file", listed(folder), 1)
    alternate([kit, today], cache)
    table(f"(b) {int(4e5 * scale):,} events in {int(40_000 * scale):,} files", [kit, today])
    return verdict("json_normalize / ir-kit, by the clock", today.wall / kit.wall, 50, at_least=True)


def memory(cache: Path, scale: float) -> bool:
    """(d) the same at 5,000,000 events."""
    small = _a_million(cache, scale)
    large = prepared(cache / "cloudtrail-d", lambda path: make_data.cloudtrail(path, int(10_000 * scale), 500, seed=5))
    one = Contender(f"ir-kit ingest, {int(1e6 * scale):,}", lambda: ingest(cache, "cloudtrail", small), rounds=2)
    five = Contender(f"ir-kit ingest, {int(5e6 * scale):,}", lambda: ingest(cache, "cloudtrail", large), rounds=1)
    alternate([one, five], cache)
    table("(d) memory at five times the events", [one, five])
    verdict("seconds an event, five times / once", five.wall / 5 / one.wall, 1.2, at_least=False)
    return verdict("peak memory, five times / once", five.peak / one.peak, 1.2, at_least=False)
