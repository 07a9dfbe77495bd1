"""Any sequence of changes: the table tiles the window, and nothing is called logged that a simulator says was blind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ir_kit.coverage.visibility import visibility_of

MINUTES = 24 * 60
SETTLING = 5
SETS: dict[str, tuple[list[str], bool]] = {  # which buckets are selected, and whether management events are
    "b": (["b"], True),
    "b and c": (["b", "c"], True),
    "none": ([], True),
    "blind": ([], False),
    "data alone": (["b"], False),
}
WATCHED = [name for name, (_, management) in SETS.items() if management]  # else no change is ever seen
CHANGES = ["stop", "start", "one region", "all regions", *(f"select {name}" for name in SETS)]
ACTS = st.lists(
    st.tuples(st.integers(10, MINUTES - 10), st.sampled_from(CHANGES), st.booleans()),
    max_size=8,
    unique_by=lambda act: act[0] // 12,
)


def selectors(name: str) -> dict[str, Any]:
    buckets, management = SETS[name]
    values = [f"arn:aws:s3:::{bucket}/" for bucket in buckets]
    resources = [{"Type": "AWS::S3::Object", "Values": values}] if values else []
    return {
        "EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": management, "DataResources": resources}]
    }


class Simulator:
    """The truth by the minute."""

    def __init__(self, first: str, acts: list[tuple[int, str, bool]]) -> None:
        self.states: list[tuple[bool, str, bool]] = []
        self.changed: list[int] = []
        on, chosen, everywhere = True, first, True
        done = {minute: act for minute, act, fails in acts if not fails}
        for minute in range(MINUTES + 1):
            act = done.get(minute)
            if act:
                self.changed.append(minute)
                on = {"stop": False, "start": True}.get(act, on)
                everywhere = {"one region": False, "all regions": True}.get(act, everywhere)
                chosen = act.removeprefix("select ") if act.startswith("select ") else chosen
            self.states.append((on, chosen, everywhere))

    def logged(self, minute: int, record_class: str, bucket: str | None, region: str) -> bool:
        on, chosen, everywhere = self.states[minute]
        if not on or (region != "us-east-1" and not everywhere):
            return False
        return SETS[chosen][1] if record_class == "management" else bucket in SETS[chosen][0]

    def settled(self, minute: int) -> bool:
        return not any(change <= minute < change + SETTLING for change in self.changed)


def told(account: Any, simulator: Simulator, acts: list[tuple[int, str, bool]], answers: bool) -> None:
    """Tell the account what the logs of this truth hold: what was recorded, and the answers at the end."""
    for minute, act, fails in sorted(acts):
        names = {"stop": "StopLogging", "start": "StartLogging"}
        request: dict[str, Any] = {"name": "main"}
        name = names.get(act, "UpdateTrail" if "region" in act else "PutEventSelectors")
        if name == "UpdateTrail":
            request["isMultiRegionTrail"] = act == "all regions"
        elif name == "PutEventSelectors":
            request = {"trailName": "main", "eventSelectors": selectors(act.removeprefix("select "))["EventSelectors"]}
        # recorded by what held just before, or (a start) from then on
        if simulator.logged(minute - 1, "management", None, "us-east-1") or simulator.logged(
            minute, "management", None, "us-east-1"
        ):
            account.trail_call(minute / 60, name, request, error="AccessDenied" if fails else None)
    for minute in range(3, MINUTES, 13):
        for region in ("us-east-1", "eu-west-1"):
            if simulator.logged(minute, "management", None, region):
                account.came(minute / 60, read=True, region=region)
                account.came(minute / 60, read=False, region=region)
    for minute in range(5, MINUTES, 29):
        for bucket, region in account.buckets.items():
            if simulator.logged(minute, "data_read", bucket, region):
                account.came(minute / 60, "data_read", bucket, key=f"{minute}/k", region=region)
    if answers:
        on, chosen, everywhere = simulator.states[-1]
        account.stands(selectors(chosen), IsMultiRegionTrail=everywhere)
        account.trail_settings[1]["response"] = '{"IsLogging": %s}' % str(on).lower()  # noqa: UP031


@settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.sampled_from(WATCHED), acts=ACTS, answers=st.booleans())
def test_no_blind_minute_is_called_logged(
    new_account: Callable[[], Any], first: str, acts: list[tuple[int, str, bool]], answers: bool
) -> None:
    account = new_account()
    account.buckets = {"b": "us-east-1", "c": "eu-west-1"}
    simulator = Simulator(first, acts)
    told(account, simulator, acts, answers)
    table = visibility_of(account.replay())
    for (_, _, record_class), rows in table.groupby(["bucket", "aws_region", "record_class"], dropna=False):
        assert rows["start_time"].iloc[0] == account.window.start
        assert rows["end_time"].iloc[-1] == account.window.end
        assert list(rows["end_time"][:-1]) == list(rows["start_time"][1:])
        if record_class == "server_access_log":
            continue
        for row in rows[rows["state"] == "logged"].to_dict("records"):
            bucket = row["bucket"] if isinstance(row["bucket"], str) else None
            first_minute = (row["start_time"] - account.window.start) / timedelta(minutes=1)
            last_minute = (row["end_time"] - account.window.start) / timedelta(minutes=1)
            for minute in range(int(first_minute) + 1, int(last_minute)):
                if simulator.settled(minute):
                    assert simulator.logged(minute, record_class, bucket, row["aws_region"]), (minute, row)
