"""The sample incident: a world made in code from a seed, rendered to logs, with its truth beside it.

In reading order: `world` (what there is, what was done), `issuing` (calls that make credentials), `account`, `owner`,
`neighbours`, `intruder`, `intruder_later` (the sample's own story), `delivery` (what the logs made of it), `files`
(written out), `truth` (what really happened), `shipped` (what of it the demo ships). Tests build small worlds of their own from `World` and `render`.
"""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

from simulator.account import RECORDS, build_account
from simulator.files import render
from simulator.ids import iso
from simulator.intruder_later import intruder_script
from simulator.neighbours import neighbours
from simulator.owner import owner_rhythm
from simulator.truth import SampleTruth, read_truth
from simulator.world import World, at

__all__ = ["SampleTruth", "World", "at", "incident_fields", "make_sample", "read_truth", "render", "sample_world"]


def sample_world(seed: int = 1, *, scale: float = 1.0) -> World:
    """The world of the sample incident, not yet rendered; `scale` thins the crowd, never the story."""
    world = World(seed)
    cast = build_account(world)
    neighbours(world, cast, scale)
    owner_rhythm(world, cast, scale)
    intruder_script(world, cast)
    return world


def make_sample(folder: Path, seed: int = 1, *, scale: float = 1.0) -> SampleTruth:
    """Write the sample incident's evidence and truth.

    Parameters
    ----------
    folder
        The incident's folder: `evidence/` and `truth/` are made in it.
    seed
        The same seed writes the same files (the same bytes once decompressed); another seed writes others.
    scale
        1 for about 60,000 CloudTrail events and as many access-log lines; tests take less.

    Returns
    -------
    SampleTruth
        What really happened, also written to `folder/truth/`.
    """
    collecting = gc.isenabled()
    gc.disable()  # a world lives until its end: looking for garbage in it takes a fifth of the time
    try:
        world = sample_world(seed, scale=scale)
        render(world, folder / "evidence")
        truth = read_truth(world, folder / "truth")
        truth.write()
    finally:
        if collecting:
            gc.enable()
    return truth


def incident_fields(seed: int = 1) -> dict[str, Any]:
    """The fields of the sample's incident file, without its name."""
    world = World(seed)
    cast = build_account(world)
    return {
        "title": "Sample incident: a leaked key of legacy-app",
        "access_keys": [cast.owner.access_key_id],
        "window": {"start": iso(world.start), "end": iso(world.end)},
        "baseline": {"start": iso(world.baseline_start), "end": iso(world.start)},
        "buckets": [],
        "sensitive_buckets": [RECORDS],
        "known_good": {"source_ips": ["203.0.113.0/24"], "user_agents": []},
        "responders": [f"arn:aws:iam::{world.account}:role/ir-readonly"],
        "sources": {
            "cloudtrail": ["evidence/cloudtrail"],
            "access_logs": ["evidence/access-logs"],
            "configuration": "evidence/configuration.jsonl",
        },
    }
