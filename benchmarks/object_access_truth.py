"""Object access set against the truth: grades, candidates and bounds over seeds of the sample, and over stories that
are made to be hard.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from ir_kit.case import Case
from ir_kit.case_opening import open_case
from ir_kit.engine import AUTHENTICATION_ERRORS
from ir_kit.object_access import questions as object_access
from simulator import SampleTruth, incident_fields, make_sample

READ = ("GetObject", "SelectObjectContent")


@dataclass
class Score:
    """What a comparison with the truth found; counts alone."""

    graded: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    buckets: int = 0
    without_upper: int = 0
    objects_inside: int = 0
    bytes_inside: int = 0
    logged_inside: int = 0
    attributable: int = 0
    in_lower: int = 0
    missing: int = 0
    accused: int = 0
    faults: list[str] = field(default_factory=list)

    def add(self, other: Score) -> None:
        self.graded += other.graded
        self.right += other.right
        for name in (
            "buckets",
            "without_upper",
            "objects_inside",
            "bytes_inside",
            "logged_inside",
            "attributable",
            "in_lower",
            "missing",
            "accused",
        ):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.faults += other.faults

    def table(self) -> str:
        def share(part: int, of: int) -> str:
            return f"{part:>9,} of {of:>9,}  {part / of:8.3%}" if of else "        - of         0"

        lines = [f"grade {grade} right            {share(self.right[grade], self.graded[grade])}" for grade in "ABC"]
        lines += [
            f"grade D holds the key    {share(self.right['D'], self.graded['D'])}",
            f"logged and not in table  {self.missing:>9,}",
            f"buckets with an upper    {share(self.buckets - self.without_upper, self.buckets)}",
            f"  true objects inside    {share(self.objects_inside, self.buckets - self.without_upper)}",
            f"  true bytes inside      {share(self.bytes_inside, self.buckets - self.without_upper)}",
            f"buckets inside the logged bounds {share(self.logged_inside, self.buckets)}",
            f"lower of attributable    {share(self.in_lower, self.attributable)}",
            f"not the intruder's in lower {self.accused:>6,}",
        ]
        return "\n".join(lines)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def score(case: Case, truth: SampleTruth, name: str) -> Score:
    """Compare the answers of a case with what happened."""
    found = Score()
    window = case.incident.window
    rows = object_access.requests(case, most=10_000_000)
    told: dict[str, dict[str, Any]] = {row["request_id"]: row for row in truth.requests if row["request_id"]}
    for row in rows.to_dict("records"):
        real = told[row["request_id"]]
        grade, key = row["attribution"], real["access_key_id"]
        found.graded[grade] += 1
        good = key in list(row["candidates"]) if grade == "D" else key == row["access_key_id"]
        found.right[grade] += good
        if not good:
            found.faults.append(f"{name}: {grade} {row['bucket']} {row['event_name']} {row['request_id']}")
        if row["counted_in"] == "lower" and real["actor"] != "intruder":
            found.accused += 1
            found.faults.append(f"{name}: lower, yet {real['actor']}'s: {row['request_id']}")
    reached = {row["access_key_id"] for row in truth.credentials}
    seen = set(rows["request_id"])
    window_rows = [row for row in truth.requests if window.start <= moment(row["event_time"]) < window.end]
    for row in window_rows:
        if (
            row["event_source"] == "s3.amazonaws.com"
            and row["access_key_id"] in reached
            and row["logged_in"]
            and told_apart(row)
        ):
            found.missing += row["request_id"] not in seen
            if row["request_id"] not in seen:
                found.faults.append(
                    f"{name}: missing {row['event_name']} {row['bucket']} {row['request_id']} {row['logged_in']}"
                )
    _score_bounds(case, truth, window_rows, rows, found, name)
    return found


def told_apart(row: dict[str, Any]) -> bool:
    """Is it object access, and did S3 know who asked? Where authentication failed, no log names anybody."""
    if row.get("error_code") in AUTHENTICATION_ERRORS:
        return False
    return row["key"] is not None or row["event_name"] in (
        "ListObjects",
        "ListObjectVersions",
        "HeadBucket",
        "DeleteObjects",
    )


def _score_bounds(
    case: Case, truth: SampleTruth, window_rows: list[dict[str, Any]], rows: pd.DataFrame, found: Score, name: str
) -> None:
    own = set(truth.facts.get("buckets") or []) or set(object_access.bounds(case)["bucket"])
    lower_keys = {
        (b, k)
        for b, k, c, d in zip(rows["bucket"], rows["key"], rows["counted_in"], rows["disclosed"], strict=True)
        if c == "lower" and d in ("content", "copied_out")
    }
    verdicts = dict(zip(rows["request_id"], rows["verdict"], strict=True))
    covered = object_access.coverage(case)
    for bound in object_access.bounds(case).to_dict("records"):
        bucket = bound["bucket"]
        mine, bright, size, bright_size, clear = set(), set(), 0, 0, set()
        unlogged = [(row["start_time"], row["end_time"]) for row in covered[bucket].rows if row["kind"] == "blind"]
        for row in window_rows:
            if row["actor"] != "intruder" or not row["success"]:
                continue
            time = pd.Timestamp(moment(row["event_time"]))
            is_dark = any(start <= time < end for start, end in unlogged)
            copied = row.get("copy_source")
            if row["event_name"] in READ and row["bucket"] == bucket:
                mine.add(row["key"])
                size += row["bytes_sent"]
                if not is_dark:
                    bright.add(row["key"])
                    bright_size += row["bytes_sent"]
                named = "cloudtrail" in row["logged_in"] or (row.get("presigned") and row["logged_in"])
                if named and verdicts.get(row["request_id"]) == "new":
                    clear.add(row["key"])
            elif copied and copied[0] == bucket and row["bucket"] not in own:
                mine.add(copied[1])
                if not is_dark:
                    bright.add(copied[1])
        found.buckets += 1
        found.attributable += len(clear)
        found.in_lower += len([key for key in clear if (bucket, key) in lower_keys])
        blind = pd.isna(bound["objects_upper"])
        found.without_upper += bool(blind)
        logged = (
            len(bright) <= bound["objects_upper_logged"] and bright_size <= bound["bytes_upper_logged"]
            and bound["objects_lower"] <= len(mine) and bound["bytes_lower"] <= size
        )  # fmt: skip
        found.logged_inside += bool(logged)
        if not logged:
            found.faults.append(f"{name}: {bucket} logged {len(bright)} {bright_size} {bound}")
        if blind:
            continue
        inside = bound["objects_lower"] <= len(mine) <= bound["objects_upper"]
        bytes_inside = bound["bytes_lower"] <= size <= bound["bytes_upper"]
        found.objects_inside += bool(inside)
        found.bytes_inside += bool(bytes_inside)
        if not (inside and bytes_inside):
            found.faults.append(f"{name}: {bucket} {len(mine)} {size} {bound}")


def sample_case(folder: Path, seed: int, scale: float) -> tuple[Case, SampleTruth]:
    """A case of the sample incident, made and loaded."""
    incident = folder / "demo"
    incident.mkdir(parents=True)
    truth = make_sample(incident, seed, scale=scale)
    (incident / "incident.yaml").write_text(yaml.safe_dump({"incident": "demo", **incident_fields(seed)}))
    return open_case("demo", str(folder)), truth


def main(seeds: int = 20, scale: float = 0.2) -> Score:
    total = Score()
    for seed in range(1, seeds + 1):
        with tempfile.TemporaryDirectory() as folder:
            case, truth = sample_case(Path(folder), seed, scale)
            total.add(score(case, truth, f"seed {seed}"))
    return total


def stories() -> dict[str, Score]:
    """Each of the stories that the tests tell."""
    folder = Path(__file__).parents[1] / "tests" / "stories"
    sys.path.insert(0, str(folder))
    import conftest
    import worlds

    found = {}
    for name, make in worlds.STORIES.items():
        with tempfile.TemporaryDirectory() as place:
            found[name] = score(*conftest.open_world(make(7), Path(place)), name)
    return found


if __name__ == "__main__":
    seeds, scale = (*(kind(text) for kind, text in zip((int, float), sys.argv[1:], strict=False)), 20, 0.2)[:2]
    outcome = main(int(seeds), float(scale) if len(sys.argv) > 2 else 0.2)
    print(f"sample, {int(seeds)} seeds")
    print(outcome.table())
    print("\n".join(outcome.faults[:20]))
    for story, told in stories().items():
        print(f"\nstory {story}")
        print(told.table())
        print("\n".join(told.faults[:20]))
