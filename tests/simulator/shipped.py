"""The sample incident as the demo ships it: a smaller crowd, everything of the intruder, in one archive.

One archive, because 1,400 small files weigh less together: most of them lie there once for each of two trails.
"""

from __future__ import annotations

import tarfile
import tempfile
from pathlib import Path

import yaml

from ir_kit.sample import EVIDENCE, FIELDS
from simulator import incident_fields, make_sample
from simulator.world import World

SCALE = 0.1


def ship(folder: Path) -> None:
    """Write the sample's evidence and the fields of its incident into `folder`: the same bytes each time."""
    when = int(World().end.timestamp())
    with tempfile.TemporaryDirectory() as made, tarfile.open(folder / EVIDENCE, "w:xz", preset=9) as archive:
        make_sample(Path(made), scale=SCALE)
        for path in sorted(Path(made, "evidence").rglob("*")):
            if path.is_file():
                member = tarfile.TarInfo(path.relative_to(made).as_posix())
                member.size, member.mtime = path.stat().st_size, when
                with path.open("rb") as file:
                    archive.addfile(member, file)
    text = yaml.safe_dump(incident_fields(), sort_keys=False)
    (folder / FIELDS).write_text(text, encoding="utf-8")
