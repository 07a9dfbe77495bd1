"""Which steps, in which order, at which price: small accounts made from configuration answers, and the sample."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from ir_kit.domain.frames import rows_of
from ir_kit.logging_gaps.logging_now import account_now
from ir_kit.logging_gaps.logging_plan import Plan, recorded, substantial
from ir_kit.logging_gaps.prices import Between, load_prices
from ir_kit.logging_gaps.recommendations import lasting_arns, steps
from ir_kit.logging_gaps.request_rates import Rate

ACCOUNT = "111122223333"
ARN = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/main"
USER = f"arn:aws:iam::{ACCOUNT}:user/u"


def answer(
    service: str, operation: str, parameters: dict[str, Any], response: Any, answered: str = "answered"
) -> dict[str, Any]:
    return {
        "account_id": ACCOUNT,
        "aws_region": "us-east-1",
        "service": service,
        "operation": operation,
        "answer": answered,
        "parameters": json.dumps(parameters),
        "response": None if response is None else json.dumps(response),
    }


def of_bucket(operation: str, name: str, response: Any, answered: str = "answered") -> dict[str, Any]:
    return answer("s3", operation, {"Bucket": name}, response, answered)


def account(**buckets: str) -> list[dict[str, Any]]:
    """Buckets by name, each with its access log's target, ``off`` or ``unknown``."""
    found = [answer("s3", "ListBuckets", {}, {"Buckets": [{"Name": name} for name in buckets]})]
    for name, target in buckets.items():
        found.append(of_bucket("GetBucketLocation", name, {"LocationConstraint": None}))
        found.append(of_bucket("GetBucketVersioning", name, {}))
        found.append(of_bucket("GetBucketPolicy", name, None, "absent"))
        found.append(of_bucket("GetObjectLockConfiguration", name, None, "absent"))
        if target == "unknown":
            found.append(of_bucket("GetBucketLogging", name, None, "unknown"))
        else:
            enabled = {} if target == "off" else {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": ""}}
            found.append(of_bucket("GetBucketLogging", name, enabled))
    return found


def trail(**changed: Any) -> list[dict[str, Any]]:
    said = {
        "Name": "main",
        "TrailARN": ARN,
        "HomeRegion": "us-east-1",
        "S3BucketName": "trail-logs",
        "IsMultiRegionTrail": True,
        "IncludeGlobalServiceEvents": True,
        "LogFileValidationEnabled": True,
        "IsOrganizationTrail": False,
    } | {name: value for name, value in changed.items() if name[0].isupper()}
    selectors = changed.get(
        "selectors",
        {"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": []}]},
    )
    found = [
        answer("cloudtrail", "DescribeTrails", {}, {"trailList": [said]}),
        answer("cloudtrail", "GetTrailStatus", {"Name": ARN}, {"IsLogging": changed.get("logging", True)}),
    ]
    if selectors is not None:
        found.append(answer("cloudtrail", "GetEventSelectors", {"TrailName": ARN}, {"TrailARN": ARN, **selectors}))
    return found


def recorded_buckets(*names: str) -> dict[str, Any]:
    resources = [{"Type": "AWS::S3::Object", "Values": [f"arn:aws:s3:::{name}/" for name in names]}]
    return {"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": resources}]}


def planned(settings: list[dict[str, Any]], per_day: float | Between = 1_000.0, **more: Any) -> Plan:
    now = account_now(settings)
    span = per_day if isinstance(per_day, Between) else Between(per_day, per_day)
    return Plan(
        now,
        load_prices(),
        {name: Rate(span, "measured", "so many") for name in now.buckets},
        **({"sensitive": {}} | more),
    )


def taken(plan: Plan) -> list[tuple[str | None, str]]:
    return [(row["bucket"], row["action"]) for row in rows_of(steps(plan))]


def step(plan: Plan, action: str, bucket: str | None = None) -> dict[str, Any]:
    (found,) = [row for row in rows_of(steps(plan)) if row["action"] == action and row["bucket"] == bucket]
    return found


def test_small_use_gets_both_on_every_bucket_but_the_log_buckets() -> None:
    plan = planned([*account(aaa="off", bbb="off", logs="off", ccc="logs", **{"trail-logs": "off"}), *trail()])
    both = {(name, f"enable_{kind}") for name in ("aaa", "bbb") for kind in ("data_events", "server_access_logging")}
    found = {one for one in taken(plan) if one[1].startswith("enable_") and one[0]}
    assert found == both | {("ccc", "enable_data_events")}


def test_substantial_use_gets_data_events_on_sensitive_buckets_alone() -> None:
    # 2 buckets x 1 M a day x 30 x 1.00 = 60 USD a month, over 50
    plan = planned([*account(aaa="off", bbb="off"), *trail()], 1_000_000, sensitive={"bbb": "tagged"})
    assert [one for one in taken(plan) if one[1] == "enable_data_events"] == [("bbb", "enable_data_events")]
    assert substantial(plan) == ("yes", pytest.approx((60.0, 60.0)))
    assert {one[0] for one in taken(plan) if one[1] == "enable_server_access_logging"} == {"aaa", "bbb"}


def test_the_sum_that_is_substantial_is_the_users() -> None:
    settings = [*account(aaa="off", bbb="off"), *trail()]
    assert substantial(planned(settings, 1_000_000, substantial_usd=60.0))[0] == "no"
    assert substantial(planned(settings, 1_000_000, substantial_usd=59.0))[0] == "yes"


def test_use_that_may_or_may_not_be_substantial_says_so() -> None:
    plan = planned([*account(aaa="off"), *trail()], Between(10.0, 10_000_000.0))
    assert substantial(plan)[0] == "unknown"
    assert ("aaa", "enable_data_events") not in taken(plan)


def test_log_buckets_are_not_counted_as_use() -> None:
    plan = planned([*account(aaa="logs", logs="off"), *trail(S3BucketName="logs")], 1_000_000)
    assert substantial(plan)[1] == pytest.approx((30.0, 30.0))


def test_sensitive_buckets_come_before_the_others() -> None:
    plan = planned([*account(aaa="off", zzz="off"), *trail()], sensitive={"zzz": "tagged"})
    order = [
        bucket for bucket, action in taken(plan) if action in ("enable_data_events", "enable_server_access_logging")
    ]
    assert order == ["zzz", "zzz", "aaa", "aaa"]
    assert "Sensitive: tagged" in step(plan, "enable_data_events", "zzz")["reason"]


def test_priorities_count_from_one_without_a_gap() -> None:
    frame = steps(planned([*account(aaa="off", bbb="off"), *trail(logging=False)]))
    assert list(frame["priority"]) == list(range(1, len(frame) + 1))
    assert frame.iloc[0]["action"] == "start_logging"


def test_a_bucket_that_has_both_gets_no_step() -> None:
    settings = [*account(aaa="logs", logs="off"), *trail(selectors=recorded_buckets("aaa"))]
    assert not [one for one in taken(planned(settings)) if one[0] == "aaa"]


def test_a_step_costs_what_its_own_bucket_costs() -> None:
    # 10,000 a day: 0.3 M x 1.00 = 0.30; + 0.3 M x 114 B = 0.0342 GB x 0.023 = 0.0007866; high + 0.09 GB x 12 x 0.023
    # = 0.02484
    found = step(planned([*account(aaa="off"), *trail()], 10_000), "enable_data_events", "aaa")
    assert found["monthly_cost_usd_low"] == pytest.approx(0.3007866, abs=1e-6)
    assert found["monthly_cost_usd_high"] == pytest.approx(0.32484, abs=1e-6)
    assert found["storage_gb_per_month_high"] == pytest.approx(0.09)


def test_selectors_of_each_step_hold_what_is_there_and_the_steps_before() -> None:
    plan = planned([*account(aaa="off", bbb="off", kept="off"), *trail(selectors=recorded_buckets("kept"))])
    words = [shlex.split(step(plan, "enable_data_events", name)["snippet"]) for name in ("aaa", "bbb")]
    values = [json.loads(one[-1])[0]["DataResources"][0]["Values"] for one in words]
    assert values == [
        [f"arn:aws:s3:::{name}/" for name in names] for names in (("kept", "aaa"), ("kept", "aaa", "bbb"))
    ]


def test_no_selector_ever_names_the_trails_own_bucket() -> None:
    plan = planned([*account(aaa="off", **{"trail-logs": "off"}), *trail()])
    assert "trail-logs/" not in step(plan, "enable_data_events", "aaa")["snippet"]


def test_selectors_that_were_refused_are_fetched_first() -> None:
    snippet = step(planned([*account(aaa="off"), *trail(selectors=None)]), "enable_data_events", "aaa")["snippet"]
    assert snippet.startswith("selectors=$(aws cloudtrail get-event-selectors")


def test_access_logging_that_is_not_known_is_asked_before_it_is_set() -> None:
    found = step(planned([*account(aaa="unknown"), *trail()]), "enable_server_access_logging", "aaa")
    assert "is not known" in found["reason"]
    assert "get-bucket-logging" in found["snippet"].splitlines()[-1]


def test_access_logs_go_where_the_regions_other_logs_go() -> None:
    found = step(
        planned([*account(aaa="off", bbb="logs", logs="off"), *trail()]), "enable_server_access_logging", "aaa"
    )
    assert '"TargetBucket":"logs"' in found["snippet"]
    assert "create-bucket" not in found["snippet"]


def test_access_logs_go_to_a_new_bucket_where_the_region_has_none() -> None:
    settings = [
        *account(aaa="off", bbb="logs", logs="off"),
        of_bucket("GetBucketLocation", "aaa", {"LocationConstraint": "eu-west-1"}),
        *trail(),
    ]
    found = step(planned(settings), "enable_server_access_logging", "aaa")["snippet"]
    assert found.startswith(f"aws s3api create-bucket --bucket access-logs-{ACCOUNT}-eu-west-1 --region eu-west-1")


# log buckets and trails


def policy_of(snippet: str) -> dict[str, Any]:
    (line,) = [line for line in snippet.splitlines() if "put-bucket-policy" in line]
    found: dict[str, Any] = json.loads(shlex.split(line)[-1])
    return found


MINE = {
    "Sid": "Mine",
    "Effect": "Allow",
    "Principal": {"AWS": USER},
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::logs/*",
}


def with_policy() -> list[dict[str, Any]]:
    return [
        *account(aaa="off", bbb="logs", logs="off"),
        *trail(),
        of_bucket("GetBucketPolicy", "logs", {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [MINE]})}),
    ]


def test_the_policy_of_a_log_bucket_keeps_what_is_there_and_denies_the_reached() -> None:
    plan = planned(with_policy(), principals=[USER])
    statements = policy_of(step(plan, "protect_log_bucket", "logs")["snippet"])["Statement"]
    assert statements[0] == MINE
    assert statements[-1]["Effect"] == "Deny"
    assert statements[-1]["Condition"] == {"ArnEquals": {"aws:PrincipalArn": [USER]}}
    assert "s3:DeleteObjectVersion" in statements[-1]["Action"]


def test_every_step_that_writes_a_policy_writes_the_same_one() -> None:
    plan = planned(with_policy(), principals=[USER])
    logging = step(plan, "enable_server_access_logging", "aaa")["snippet"]
    assert policy_of(logging) == policy_of(step(plan, "protect_log_bucket", "logs")["snippet"])


def test_a_policy_that_was_refused_is_never_written_whole() -> None:
    settings = [row for row in with_policy() if row["operation"] != "GetBucketPolicy"]
    snippet = step(planned(settings, principals=[USER]), "protect_log_bucket", "logs")["snippet"]
    assert "get-bucket-policy" in snippet and "jq" in snippet


def test_no_default_retention_on_a_bucket_that_access_logs_go_to() -> None:
    plan = planned([*account(bbb="logs", logs="off", **{"trail-logs": "off"}), *trail()], principals=[USER])
    assert "put-object-lock" not in step(plan, "protect_log_bucket", "logs")["snippet"]
    assert "put-object-lock" in step(plan, "protect_log_bucket", "trail-logs")["snippet"]


def test_a_log_bucket_that_is_protected_gets_no_step() -> None:
    done = [*account(**{"trail-logs": "off"}), *trail()]
    plan = planned(done, principals=[USER])
    policy = policy_of(step(plan, "protect_log_bucket", "trail-logs")["snippet"])
    done += [
        of_bucket("GetBucketVersioning", "trail-logs", {"Status": "Enabled"}),
        of_bucket("GetBucketPolicy", "trail-logs", {"Policy": json.dumps(policy)}),
        of_bucket(
            "GetObjectLockConfiguration",
            "trail-logs",
            {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": {"x": 1}}},
        ),
    ]
    assert "protect_log_bucket" not in [action for _, action in taken(planned(done, principals=[USER]))]


def test_a_log_bucket_of_another_account_is_left_alone() -> None:
    assert ("trail-logs", "protect_log_bucket") not in taken(planned([*account(aaa="off"), *trail()]))


def test_a_trail_without_digests_and_of_one_region_gets_both() -> None:
    plan = planned([*account(aaa="off"), *trail(LogFileValidationEnabled=False, IsMultiRegionTrail=False)])
    actions = [action for _, action in taken(plan)]
    assert "enable_log_file_validation" in actions and "make_trail_multi_region" in actions


def test_an_account_without_a_trail_makes_one_first() -> None:
    frame = steps(planned([*account(aaa="off"), answer("cloudtrail", "DescribeTrails", {}, {"trailList": []})]))
    assert frame.iloc[0]["action"] == "create_trail"
    assert "shows no trail" in frame.iloc[0]["reason"]


def test_an_account_whose_trails_were_never_asked_for_says_so() -> None:
    assert "no answer says" in steps(planned(account(aaa="off"))).iloc[0]["reason"]


def test_guardduty_is_offered_once_a_region_where_it_is_not_on() -> None:
    on = {"Features": [{"Name": "S3_DATA_EVENTS", "Status": "ENABLED"}]}
    settings = [*account(aaa="off"), *trail()]
    found = step(planned(settings, 1_000_000), "enable_guardduty_s3_protection")
    assert found["monthly_cost_usd_low"] == pytest.approx(24.0)  # 30 M x 0.80
    settings.append(answer("guardduty", "GetDetector", {"DetectorId": "d"}, on))
    assert "enable_guardduty_s3_protection" not in [action for _, action in taken(planned(settings))]


def test_a_stopped_trail_records_nothing() -> None:
    settings = [*account(aaa="off"), *trail(selectors=recorded_buckets("aaa"), logging=False)]
    assert recorded(account_now(settings), "aaa") == "none"


@pytest.mark.parametrize("write", ["ReadOnly", "WriteOnly"])
def test_half_of_data_events_is_part(write: str) -> None:
    selectors = recorded_buckets("aaa")
    selectors["EventSelectors"][0]["ReadWriteType"] = write
    assert recorded(account_now([*account(aaa="off"), *trail(selectors=selectors)]), "aaa") == "partly"


def test_sessions_stand_for_their_role_and_wildcards_for_nobody() -> None:
    arns = [f"arn:aws:sts::{ACCOUNT}:assumed-role/ops/me", USER, None, "AIDA", f"arn:aws:iam::{ACCOUNT}:user/*"]
    assert lasting_arns(arns) == [f"arn:aws:iam::{ACCOUNT}:role/ops", USER]


def test_a_name_that_no_bucket_can_have_is_no_bucket() -> None:
    settings = [answer("s3", "ListBuckets", {}, {"Buckets": [{"Name": "$(id)"}, {"Name": "-x"}, {"Name": "good"}]})]
    assert list(account_now(settings).buckets) == ["good"]
