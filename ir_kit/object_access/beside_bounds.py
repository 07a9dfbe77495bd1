"""What stands beside a missing upper bound: how much a bucket held, and how much it served."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ir_kit.findings import count_noun

__all__ = ["held", "served"]


def held(bound: Mapping[str, Any]) -> str:
    """What lay in a bucket whose upper bound is missing."""
    amounts = [(bound["objects_held"], "objects"), (bound["bytes_held"], "bytes")]
    told = ", ".join(f"{amount:,} {what}" for amount, what in amounts if amount is not None)
    if not told:
        return (
            "How many objects the bucket held was not collected; an inventory or its metrics would give an upper bound."
        )
    when = f"On {bound['held_on']}" if bound["held_on"] else "On a day that is not told"
    return f"{when} the bucket held {told} ({bound['held_basis']}); what came and went on other days is not in it."


def served(bound: Mapping[str, Any]) -> list[str]:
    """What such a bucket served to everybody, where that was counted."""
    amounts = [(bound["requests_served"], "GET requests"), (bound["bytes_served"], "bytes")]
    told = ", ".join(f"{amount:,} {what}" for amount, what in amounts if amount is not None)
    if not told:
        return []
    days = count_noun(bound["days_served"], "day")
    return [
        f"On the {days} of the window that have a value the bucket served {told} to all its callers, the owner too ({bound['basis_served']}); "
        "these metrics are best effort, and a day without a value may be one before they were switched on."
    ]
