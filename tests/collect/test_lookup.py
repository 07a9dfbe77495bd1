"""Facts on holes in what trails recorded, and on event history."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ir_kit.collect.calls import Answer
from ir_kit.collect.lookup import Hole, holes, look_up
from ir_kit.collect.there import There, Trail

START, END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 8, tzinfo=UTC)
NOW = datetime(2026, 3, 10, tzinfo=UTC)
KEY = "AKIAIOSFODNN7EXAMPLE"


def day(number: int) -> datetime:
    return datetime(2026, 3, number, tzinfo=UTC)


def trail(**fields: Any) -> Trail:
    given = {
        "arn": "arn:aws:cloudtrail:us-east-1:111122223333:trail/t", "name": "t", "home_region": "us-east-1",
        "bucket": "b", "prefix": "", "multi_region": True, "organization": False, "validated": True,
        "is_logging": True, "started": "2026-01-01T00:00:00Z", "management": True,
    }  # fmt: skip
    return Trail(**{**given, **fields})


def spans(*trails: Trail, regions: tuple[str, ...] = ("us-east-1",), now: datetime = NOW) -> list[tuple[str, int, int]]:
    there = There("111122223333", "arn:aws:iam::111122223333:user/u", "aws", regions=list(regions), trails=list(trails))
    return [(hole.region, hole.start.day, hole.end.day) for hole in holes(there, START, END, now)]


def test_a_trail_that_has_been_logging_all_along_leaves_no_hole() -> None:
    assert spans(trail()) == []


def test_no_trail_is_one_hole_a_region() -> None:
    assert spans(regions=("eu-west-1", "us-east-1")) == [("eu-west-1", 1, 8), ("us-east-1", 1, 8)]


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ({"started": "2026-03-03T00:00:00Z"}, [(1, 3)]),
        ({"stopped": "2026-03-03T00:00:00Z", "started": "2026-03-04T00:00:00Z"}, [(3, 4)]),
        ({"is_logging": False, "stopped": "2026-03-03T00:00:00Z"}, [(3, 8)]),
        ({"is_logging": None}, [(1, 8)]),
        ({"management": False}, [(1, 8)]),
        ({"delivery_error": "AccessDenied"}, [(1, 8)]),
    ],
)
def test_a_hole_is_what_no_trail_is_known_to_have_recorded(fields: dict[str, Any], left: list[tuple[int, int]]) -> None:
    assert [(start, end) for _, start, end in spans(trail(**fields))] == left


def test_a_trail_of_one_region_leaves_the_others() -> None:
    one = trail(multi_region=False)
    assert spans(one, regions=("eu-west-1", "us-east-1")) == [("eu-west-1", 1, 8)]


def test_event_history_reaches_back_90_days() -> None:
    assert spans(now=day(3) + timedelta(days=90)) == [("us-east-1", 3, 8)]
    assert spans(now=END + timedelta(days=90)) == []


class Remembered:
    """Calls that answer LookupEvents from a list of pages."""

    account = "111122223333"

    def __init__(self, *pages: Answer) -> None:
        self.pages, self.asked = list(pages), []

    def ask(self, service: str, operation: str, parameters: Any, region: str, **more: Any) -> Answer:
        self.asked.append((operation, region, dict(parameters)))
        answer = self.pages.pop(0)
        assert "secret" not in json.dumps(more["keep"](answer.response))
        return answer


def test_events_lie_in_a_file_as_lookup_events_gives_them_and_calls_are_paced(tmp_path: Path) -> None:
    first = {"EventId": "1", "CloudTrailEvent": '{"sessionToken": "secret"}'}
    calls = Remembered(Answer({"Events": [first], "NextToken": "n"}), Answer({"Events": [{"EventId": "2"}]}))
    waited: list[float] = []
    hole = Hole("us-east-1", day(1), day(2), "none")
    (looked,) = look_up(calls, [hole], [KEY], tmp_path, pause=waited.append)  # type: ignore[arg-type]
    assert looked.events == 2
    (path,) = looked.files
    assert path == tmp_path / "111122223333" / "us-east-1" / f"{KEY}_20260301T000000Z_20260302T000000Z.json"
    assert [event["EventId"] for event in json.loads(path.read_text())["Events"]] == ["1", "2"]
    assert waited == [0.5]
    assert calls.asked[0][2]["LookupAttributes"] == [{"AttributeKey": "AccessKeyId", "AttributeValue": KEY}]


def test_no_event_leaves_no_file_and_a_refusal_is_told(tmp_path: Path) -> None:
    calls = Remembered(Answer({"Events": []}), Answer(error={"Code": "AccessDeniedException", "Message": "no"}))
    wanted = [Hole("us-east-1", day(1), day(2), "none"), Hole("us-east-1", day(3), day(4), "none")]
    quiet, refused = look_up(calls, wanted, [KEY], tmp_path, pause=lambda seconds: None)  # type: ignore[arg-type]
    assert (quiet.files, quiet.refused) == ((), ())
    assert refused.refused == (KEY,)
    assert list(tmp_path.iterdir()) == []
