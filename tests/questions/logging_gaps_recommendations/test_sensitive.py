"""Which buckets are taken for sensitive, and what it says of each guess."""

from __future__ import annotations

from typing import Any

import pytest

from ir_kit.logging_gaps.logging_now import BucketNow
from ir_kit.logging_gaps.sensitive_buckets import sensitive_buckets


def marked(name: str, tags: dict[str, str] | None = None, telling: list[dict[str, Any]] | None = None) -> str | None:
    bucket = BucketNow(name, tags=tags or {})
    return sensitive_buckets({name: bucket}, ["named"], ["scoped"], telling or []).get(name)


@pytest.mark.parametrize(
    "name", ["customer-records", "eu-payroll-2026", "pii-store", "db.backups", "customers", "named", "scoped"]
)
def test_a_telling_name_marks_a_bucket(name: str) -> None:
    assert marked(name)


@pytest.mark.parametrize("name", ["shipping", "piiq", "images", "secretary-notes", "website-assets", "philosophy"])
def test_a_name_that_only_sounds_like_it_does_not(name: str) -> None:
    assert marked(name) is None


def test_a_guess_says_that_it_is_one() -> None:
    assert marked("payroll") == "a guess: its name holds 'payroll'"


@pytest.mark.parametrize(
    "tags", [{"data-classification": "Confidential"}, {"Sensitivity": "high"}, {"contains-pii": "true"}]
)
def test_a_tag_marks_a_bucket(tags: dict[str, str]) -> None:
    assert (marked("bbb", tags) or "").startswith("tagged ")


@pytest.mark.parametrize(
    "tags", [{"data-classification": "public"}, {"team": "customer"}, {"classification": "not confidential"}]
)
def test_a_tag_that_says_otherwise_does_not(tags: dict[str, str]) -> None:
    assert marked("bbb", tags) is None


def test_object_names_mark_a_bucket_and_are_shown() -> None:
    row = {"bucket": "bbb", "word": "payroll", "names": 12, "example": "2026/payroll.csv"}
    assert marked("bbb", None, [row]) == "a guess: 12 object names hold 'payroll', as '2026/payroll.csv'"
