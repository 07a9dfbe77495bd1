"""Which buckets are taken for sensitive, and why? Named in the incident, tagged, or guessed from names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from ir_kit.logging_gaps.logging_now import BucketNow

WORDS = (
    "customer",
    "patient",
    "medical",
    "phi",
    "pii",
    "gdpr",
    "personal",
    "confidential",
    "secret",
    "secrets",
    "restricted",
    "sensitive",
    "credential",
    "password",
    "payroll",
    "salary",
    "salaries",
    "employee",
    "passport",
    "ssn",
    "invoice",
    "billing",
    "financ",
    "backup",
)
WHOLE = {"phi", "pii", "ssn", "secret", "secrets"}  # never as the beginning of another word
TAG_KEYS = re.compile(r"class|sensitiv|confidential|privacy|pii|phi|compliance|data-?type", re.IGNORECASE)
TAG_VALUES = re.compile(
    r"confidential|restrict|sensitiv|secret|private|personal|customer|pii|phi|pci|hipaa|gdpr|high|critical|internal|true|yes",
    re.IGNORECASE,
)
NOT_SENSITIVE = re.compile(r"\b(?:not|non|no)\b", re.IGNORECASE)


def sensitive_words() -> pd.DataFrame:
    """The words that mark names, with the pattern of each: one row per word."""
    return pd.DataFrame({"word": WORDS, "pattern": [f"% {word}{' ' if word in WHOLE else ''}%" for word in WORDS]})


def sensitive_buckets(
    buckets: Mapping[str, BucketNow],
    named: Sequence[str],
    in_scope: Sequence[str],
    telling: Iterable[Mapping[str, Any]] = (),
) -> dict[str, str]:
    """Which of these buckets are taken for sensitive, and why?

    Parameters
    ----------
    buckets : mapping
        By name, as configuration has them.
    named, in_scope : sequence of str
        ``sensitive_buckets`` and ``buckets`` of the incident.
    telling : iterable of mapping
        Rows of `logging_gaps/telling_names`.

    Returns
    -------
    dict
        By bucket, the reasons in words.
    """
    names: dict[str, list[str]] = {}
    for row in telling:
        names.setdefault(row["bucket"], []).append(
            f"{row['names']:,} object names hold {row['word']!r}, as {row['example']!r}"
        )
    found: dict[str, str] = {}
    for name, bucket in buckets.items():
        reasons = ["the incident names it as sensitive"] if name in named else []
        reasons += ["the incident names it"] if name in in_scope and not reasons else []
        reasons += [f"tagged {key}={value}" for key, value in sorted(bucket.tags.items()) if _is_marking(key, value)]
        spaced = " " + re.sub(r"[^a-z0-9]+", " ", name.lower()) + " "
        words = [word for word in WORDS if f" {word}{' ' if word in WHOLE else ''}" in spaced]
        reasons += [f"a guess: its name holds {', '.join(repr(word) for word in words)}"] if words else []
        reasons += [f"a guess: {'; '.join(names[name][:3])}"] if name in names else []
        if reasons:
            found[name] = "; ".join(reasons)
    return found


def _is_marking(key: str, value: str) -> bool:
    return bool(TAG_KEYS.search(key) and TAG_VALUES.search(value) and not NOT_SENSITIVE.search(value))
