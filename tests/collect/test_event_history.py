"""Facts on holes in what trails recorded, and on event history."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ir_kit.collect.account_inventory import AccountInventory
from ir_kit.collect.calls import Answer
from ir_kit.collect.event_history import look_up, trail_gaps
from ir_kit.domain.intervals import Span

START, END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 8, tzinfo=UTC)
NOW = datetime(2026, 3, 10, tzinfo=UTC)
KEY = "AKIAIOSFODNN7EXAMPLE"


def day(number: int) -> datetime:
    return datetime(2026, 3, number, tzinfo=UTC)


def trail(**fields: Any) -> dict[str, Any]:
    return {
        "Name": "t", "HomeRegion": "us-east-1", "IsMultiRegionTrail": True, "IsLogging": True,
        "StartLoggingTime": "2026-01-01T00:00:00Z", "Management": True,
    } | fields  # fmt: skip


def spans(
    *trails: dict[str, Any], regions: tuple[str, ...] = ("us-east-1",), now: datetime = NOW
) -> list[tuple[str, int, int]]:
    caller = "arn:aws:iam::111122223333:user/u"
    inventory = AccountInventory("111122223333", caller, regions=list(regions), trails=list(trails))
    gaps = trail_gaps(inventory, START, END, now)
    return [(region, gap.start.day, gap.end.day) for region, listed in gaps.items() for gap in listed]


def test_a_trail_that_has_been_logging_all_along_leaves_no_hole() -> None:
    assert spans(trail()) == []


def test_no_trail_is_one_hole_a_region() -> None:
    assert spans(regions=("eu-west-1", "us-east-1")) == [("eu-west-1", 1, 8), ("us-east-1", 1, 8)]


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ({"StartLoggingTime": "2026-03-03T00:00:00Z"}, [(1, 3)]),
        ({"StopLoggingTime": "2026-03-03T00:00:00Z", "StartLoggingTime": "2026-03-04T00:00:00Z"}, [(3, 4)]),
        ({"IsLogging": False, "StopLoggingTime": "2026-03-03T00:00:00Z"}, [(3, 8)]),
        ({"IsLogging": None}, [(1, 8)]),
        ({"Management": False}, [(1, 8)]),
        ({"LatestDeliveryError": "AccessDenied"}, [(1, 8)]),
    ],
)
def test_a_hole_is_what_no_trail_is_known_to_have_recorded(fields: dict[str, Any], left: list[tuple[int, int]]) -> None:
    assert [(start, end) for _, start, end in spans(trail(**fields))] == left


def test_a_trail_of_one_region_leaves_the_others() -> None:
    one = trail(IsMultiRegionTrail=False)
    assert spans(one, regions=("eu-west-1", "us-east-1")) == [("eu-west-1", 1, 8)]


def test_event_history_reaches_back_90_days() -> None:
    assert spans(now=day(3) + timedelta(days=90)) == [("us-east-1", 3, 8)]
    assert spans(now=END + timedelta(days=90)) == []


class Remembered:
    """Calls that answer LookupEvents from a list of pages."""

    account = "111122223333"

    def __init__(self, *answers: list[Answer]) -> None:
        self.answers, self.asked = list(answers), []

    def pages(self, service: str, operation: str, parameters: Any, region: str, keep: Any) -> Iterator[Answer]:
        self.asked.append((operation, region, dict(parameters)))
        for answer in self.answers.pop(0):
            assert "secret" not in json.dumps(keep(answer.response))
            yield answer


def test_events_lie_in_a_file_as_lookup_events_gives_them_and_calls_are_paced(tmp_path: Path) -> None:
    first = {"EventId": "1", "CloudTrailEvent": '{"sessionToken": "secret"}'}
    calls = Remembered([Answer({"Events": [first], "NextToken": "n"}), Answer({"Events": [{"EventId": "2"}]})])
    waited: list[float] = []
    gaps = {"us-east-1": [Span(day(1), day(2))]}
    assert look_up(calls, gaps, [KEY], tmp_path, pause=waited.append) == [("us-east-1", 2, [])]  # type: ignore[arg-type]
    path = tmp_path / "111122223333" / "us-east-1" / f"{KEY}_20260301T000000Z_20260302T000000Z.json"
    assert [event["EventId"] for event in json.loads(path.read_text())["Events"]] == ["1", "2"]
    assert waited == [0.5, 0.5]
    assert calls.asked[0][2]["LookupAttributes"] == [{"AttributeKey": "AccessKeyId", "AttributeValue": KEY}]


def test_no_event_leaves_no_file_and_a_refusal_is_told(tmp_path: Path) -> None:
    calls = Remembered([Answer({"Events": []})], [Answer({}, "AccessDeniedException")])
    gaps = {"us-east-1": [Span(day(1), day(2)), Span(day(3), day(4))]}
    (history,) = look_up(calls, gaps, [KEY], tmp_path, pause=lambda seconds: None)  # type: ignore[arg-type]
    assert history == ("us-east-1", 0, [KEY])
    assert list(tmp_path.iterdir()) == []
