"""Facts on what a collection finds before it fetches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ir_kit.collect.account_inventory import discover
from ir_kit.collect.calls import Answer
from ir_kit.collect.log_objects import AccessLogPlace
from ir_kit.collect.plan import places
from ir_kit.errors import ParameterError

ACCOUNT = "111122223333"
IDENTITY = {"Account": ACCOUNT, "Arn": "arn:aws:iam::111122223333:role/ir"}
ARN = "arn:aws:cloudtrail:us-east-1:111122223333:trail/main"
DENIED = Answer({}, "AccessDenied")


class Answers:
    """Calls that answer from a table, by operation, or by operation and Region; what it lacks is refused."""

    home, account = "us-east-1", ACCOUNT

    def __init__(self, **known: Any) -> None:
        self.known = known
        self.asked: list[tuple[str, str | None]] = []

    def ask(self, service: str, operation: str, parameters: Any = None, region: str | None = None, **_: Any) -> Answer:
        self.asked.append((operation, region))
        found = self.known.get(f"{operation}_{(region or '').replace('-', '_')}", self.known.get(operation))
        return DENIED if found is None else Answer(found)

    def pages(self, *call: Any) -> Iterator[Answer]:
        yield self.ask(*call)

    def listed(self, service: str, operation: str, name: str, parameters: Any = None, region: Any = None) -> list[Any]:
        return list(self.ask(service, operation, parameters, region).response.get(name) or [])


REGIONS = {"Regions": [{"RegionName": "us-east-1"}, {"RegionName": "eu-west-1"}]}


def seen(*, regions: tuple[str, ...] = (), buckets: tuple[str, ...] = (), **known: Any) -> Any:
    return discover(Answers(GetCallerIdentity=IDENTITY, **known), regions, buckets)  # type: ignore[arg-type]


def test_without_any_right_everything_is_refused_and_nothing_absent() -> None:
    there = seen()
    assert there.regions == ["us-east-1"]
    assert there.lines[1].endswith(
        "Regions: us-east-1 (the list was refused (AccessDenied): only us-east-1; name others with --region)"
    )
    assert "trails were refused in us-east-1" in there.lines
    assert not [line for line in there.lines if line.startswith("no trail")]
    assert "the list of buckets was refused (AccessDenied); name buckets in the incident file" in there.lines


def test_an_account_without_a_trail_says_so() -> None:
    assert "no trail: event history is all that CloudTrail holds" in seen(DescribeTrails={}).lines


def test_the_regions_are_those_that_the_account_uses() -> None:
    assert seen(DescribeRegions=REGIONS).regions == ["eu-west-1", "us-east-1"]
    listed = {"Regions": [{"RegionName": "eu-west-1"}]}
    assert seen(ListRegions=listed).regions == ["eu-west-1"]
    with pytest.raises(ParameterError, match="it uses: eu-west-1, us-east-1"):
        seen(DescribeRegions=REGIONS, regions=("ap-south-1",))
    assert seen(DescribeRegions=REGIONS, regions=("eu-west-1",)).regions == ["eu-west-1"]


def test_a_trail_is_one_however_many_regions_list_its_shadow() -> None:
    trail = {"TrailARN": ARN, "Name": "main", "HomeRegion": "us-east-1", "S3BucketName": "central", "S3KeyPrefix": "pre",
             "IsMultiRegionTrail": True, "IsOrganizationTrail": True}  # fmt: skip
    selectors = {"EventSelectors": [{"IncludeManagementEvents": True, "ReadWriteType": "All"}]}
    status = {"IsLogging": True, "StartLoggingTime": "2026-01-01T00:00:00Z"}
    there = seen(
        DescribeRegions=REGIONS,
        DescribeTrails={"trailList": [trail]},
        GetTrailStatus=status,
        GetEventSelectors=selectors,
    )
    (found,) = there.trails
    assert (found["S3BucketName"], found["S3KeyPrefix"]) == ("central", "pre/")
    assert (found["IsOrganizationTrail"], found["Management"]) == (True, True)
    assert found["StartLoggingTime"] == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("selectors", "management"),
    [
        ({"EventSelectors": [{"IncludeManagementEvents": True, "ReadWriteType": "WriteOnly"}]}, False),
        ({"EventSelectors": [{"IncludeManagementEvents": False, "ReadWriteType": "All"}]}, False),
        (
            {"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}]},
            True,
        ),
        (None, None),
    ],
)
def test_a_trail_that_leaves_out_management_events_does_not_record_them_all(selectors: Any, management: Any) -> None:
    trails = {"trailList": [{"TrailARN": ARN, "Name": "main", "S3BucketName": "b"}]}
    (found,) = seen(DescribeTrails=trails, GetEventSelectors=selectors).trails
    assert found["Management"] is management
    assert "IsLogging" not in found


def test_the_kind_of_an_access_log_is_its_prefix_or_cloudwatch() -> None:
    parted = {"TargetBucket": "logs", "TargetPrefix": "p", "TargetObjectKeyFormat": {"PartitionedPrefix": {}}}
    sources = {"deliverySources": [
        {"name": "s", "logType": "S3_SERVER_ACCESS_LOGS", "resourceArns": ["arn:aws:s3:::b"]},
        {"name": "other", "logType": "APPLICATION_LOGS", "resourceArns": ["arn:aws:s3:::c"]},
    ]}  # fmt: skip
    destination = "arn:aws:logs:us-east-1:111122223333:delivery-destination:d"
    live = [{"deliverySourceName": one, "deliveryDestinationType": "CWL", "deliveryDestinationArn": destination}
            for one in ("s", "other")]  # fmt: skip
    group = "arn:aws:logs:us-east-1:111122223333:log-group:access"
    named = {"arn": destination, "deliveryDestinationConfiguration": {"destinationResourceArn": group}}
    there = seen(
        buckets=("b",), GetBucketLocation={"LocationConstraint": "EU"}, GetBucketLogging={"LoggingEnabled": parted},
        DescribeDeliverySources=sources, DescribeDeliveries={"deliveries": live},
        DescribeDeliveryDestinations={"deliveryDestinations": [named]},
    )  # fmt: skip
    assert there.buckets == {"b": "eu-west-1"}
    (place,) = places(there)
    assert place == AccessLogPlace("logs", "p", "b", ACCOUNT, "eu-west-1", True)
    assert f"the access log of b also goes by CloudWatch Logs to {group}: it is not read here" in there.lines
    assert not [line for line in there.lines if "the access log of c" in line]


def test_a_bucket_that_does_not_say_how_it_is_logged_is_told_apart_from_one_without() -> None:
    assert "how they are logged was refused for b" in seen(buckets=("b",)).lines
    assert seen(buckets=("b",), GetBucketLogging={}).access_logs == {"b": None}


def test_buckets_that_take_logs_are_asked_even_where_the_incident_names_others() -> None:
    listed = {"Buckets": [{"Name": "b"}, {"Name": "logs", "BucketRegion": "us-east-1"}, {"Name": "else"}]}
    enabled = {"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": ""}}
    there = seen(buckets=("b",), ListBuckets=listed, GetBucketLogging=enabled)
    assert there.buckets == {"b": None, "logs": "us-east-1"}
    assert set(there.owned) == {"b", "logs", "else"}
