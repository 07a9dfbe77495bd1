"""The meaning of event selectors, case by case, and what they cover of a bucket."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from ir_kit.coverage.selectors import (
    DEFAULT,
    LISTINGS,
    Coverage,
    Request,
    Scope,
    SelectorSet,
    records,
    selector_set,
)

sys.path.insert(0, str(Path(__file__).parent))
from selector_cases import ALICE, CASES, advanced, arn, basic, selector


def coverage(selectors: SelectorSet, bucket: str | None, record_class: str) -> Coverage:
    covered = Scope(record_class, bucket, None).coverage(selectors)
    assert covered is not None
    return covered


def read(document: dict[str, Any]) -> SelectorSet:
    found = selector_set(document)
    assert found is not None
    return found


def as_recorded(value: Any) -> Any:
    """The same document with the names that an event has."""
    if isinstance(value, dict):
        return {name[0].lower() + name[1:]: as_recorded(inner) for name, inner in value.items()}
    return [as_recorded(inner) for inner in value] if isinstance(value, list) else value


def test_the_table_has_eighty_cases_each_with_its_source() -> None:
    assert len(CASES) >= 80
    assert all(case[-1] for case in CASES)


@pytest.mark.parametrize("number", range(len(CASES)))
def test_selectors_answer_as_their_sources_say(number: int) -> None:
    document, bucket, key, (name, read_only), principal, answer, source = CASES[number]
    key = None if name in LISTINGS else key
    request = Request(name, read_only=read_only, principal_arn=principal, bucket=bucket, key=key)
    assert records(read(document), request) == answer, source
    assert records(read(as_recorded(document)), request) == answer, "as an event has it"
    assert records(read(json.loads(json.dumps(document))), request) == answer


MANAGEMENT = [
    (basic(None), "s3.amazonaws.com", True, "yes"),
    (basic(None, ExcludeManagementEventSources=["kms.amazonaws.com"]), "kms.amazonaws.com", True, "no"),
    (basic(None, ExcludeManagementEventSources=["kms.amazonaws.com"]), "iam.amazonaws.com", True, "yes"),
    (basic(None, rw="WriteOnly"), "iam.amazonaws.com", True, "no"),
    (basic(["arn:aws:s3"], IncludeManagementEvents=False), "iam.amazonaws.com", False, "no"),
    (advanced(), "iam.amazonaws.com", False, "no"),
    (advanced(selector(None, "Management")), "iam.amazonaws.com", False, "yes"),
    (advanced(selector(None, "Management", readOnly={"Equals": ["false"]})), "iam.amazonaws.com", True, "no"),
    (
        advanced(selector(None, "Management", eventSource={"NotEquals": ["kms.amazonaws.com"]})),
        "kms.amazonaws.com",
        True,
        "no",
    ),
]


@pytest.mark.parametrize("number", range(len(MANAGEMENT)))
def test_management_events_are_selected_apart(number: int) -> None:
    document, source, read_only, answer = MANAGEMENT[number]
    assert records(read(document), Request("X", source, "Management", read_only)) == answer


def test_a_trail_of_which_nobody_set_selectors_records_management_events_alone() -> None:
    assert coverage(DEFAULT, None, "management").kind == "all"
    assert coverage(DEFAULT, "b", "data_read").kind == "none"


def test_no_selectors_at_all_select_nothing() -> None:
    assert selector_set({"trailName": "t"}) is None
    assert coverage(read({"EventSelectors": []}), None, "management").kind == "none"


def test_advanced_selectors_win_over_an_empty_basic_list() -> None:
    assert coverage(read({"EventSelectors": [], **advanced()}), "b", "data_read").kind == "all"


@pytest.mark.parametrize(
    ("document", "record_class", "kind", "words", "left_out"),
    [
        (basic(["arn:aws:s3"]), "data_read", "all", "", ()),
        (basic(["arn:aws:s3:::b/"]), "data_write", "all", "", ()),
        (basic(["arn:aws:s3:::b"]), "data_read", "none", "lacks the slash", ()),
        (basic(["arn:aws:s3:::b/in/"]), "data_write", "partly", "only keys in/* are recorded", ("prefix",)),
        (basic(["arn:aws:s3:::b/"], rw="WriteOnly"), "data_read", "none", "", ()),
        (arn(StartsWith=["arn:aws:s3:::b/"]), "data_read", "partly", "listings may be left out", ("listings",)),
        (arn(NotStartsWith=["arn:aws:s3:::b/tmp"]), "data_write", "partly", "keys tmp* are left out", ("prefix",)),
        (
            advanced(userIdentity__arn={"NotEquals": [ALICE]}),
            "data_read",
            "partly",
            "alice are left out",
            ("principal",),
        ),
        (advanced(userIdentity__arn={"Equals": [ALICE]}), "data_write", "partly", "only principals", ("principal",)),
        (
            advanced(eventName={"Equals": ["DeleteObject"]}),
            "data_write",
            "partly",
            "only event names DeleteObject",
            ("event_name",),
        ),
        (
            advanced(eventName={"NotEquals": ["GetObject"]}),
            "data_read",
            "partly",
            "event names GetObject are left out",
            ("event_name",),
        ),
        (advanced(readOnly={"Equals": ["false"]}), "data_read", "none", "", ()),
        (arn(StartsWith=["arn:aws:s3:::c/"]), "data_read", "none", "", ()),
    ],
)
def test_coverage_of_a_bucket_says_what_is_left_out(
    document: dict[str, Any], record_class: str, kind: str, words: str, left_out: tuple[str, ...]
) -> None:
    found = coverage(read(document), "b", record_class)
    assert found.kind == kind
    assert words in found.words
    assert found.left_out == left_out


def test_two_selectors_that_complete_each_other_cover_all() -> None:
    both = advanced(selector(eventName={"Equals": ["GetObject"]}), selector(eventName={"NotEquals": ["GetObject"]}))
    assert coverage(read(both), "b", "data_read").kind == "all"


def test_services_that_basic_selectors_may_leave_out_are_marked_as_minor() -> None:
    found = coverage(read(basic(None, ExcludeManagementEventSources=["kms.amazonaws.com"])), None, "management")
    assert (found.kind, found.left_out) == ("partly", ("minor_services",))
