"""Which steps, in which order, at which price: small accounts made from configuration answers, and the sample."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
from logging_gaps.small_accounts import (
    ACCOUNT,
    USER,
    account,
    answer,
    of_bucket,
    planned,
    recorded_buckets,
    step,
    taken,
    trail,
)

from ir_kit.domain.documents import rows_of
from ir_kit.logging_gaps.recommendations import lasting_arns, recommendations


def test_small_use_gets_both_on_every_bucket_but_the_log_buckets() -> None:
    plan = planned([*account(aaa="off", bbb="off", logs="off", ccc="logs", **{"trail-logs": "off"}), *trail()])
    both = {(name, f"enable_{kind}") for name in ("aaa", "bbb") for kind in ("data_events", "server_access_logging")}
    found = {one for one in taken(plan) if one[1].startswith("enable_") and one[0]}
    assert found == both | {("ccc", "enable_data_events")}


def test_substantial_use_gets_data_events_on_sensitive_buckets_alone() -> None:
    # 2 buckets x 1 M a day x 30 x 1.00 = 60 USD a month, over 50
    plan = planned([*account(aaa="off", bbb="off"), *trail()], 1_000_000, sensitive={"bbb": "tagged"})
    assert [one for one in taken(plan) if one[1] == "enable_data_events"] == [("bbb", "enable_data_events")]
    answer, total = plan.substantial()
    assert (answer, list(total)) == ("yes", pytest.approx([60.0, 60.0]))
    assert {one[0] for one in taken(plan) if one[1] == "enable_server_access_logging"} == {"aaa", "bbb"}


def test_the_sum_that_is_substantial_is_the_users() -> None:
    settings = [*account(aaa="off", bbb="off"), *trail()]
    assert planned(settings, 1_000_000, substantial_usd=60.0).substantial()[0] == "no"
    assert planned(settings, 1_000_000, substantial_usd=59.0).substantial()[0] == "yes"


def test_use_that_may_or_may_not_be_substantial_says_so() -> None:
    plan = planned([*account(aaa="off"), *trail()], 10.0, 10_000_000.0)
    assert plan.substantial()[0] == "unknown"
    assert ("aaa", "enable_data_events") not in taken(plan)


def test_log_buckets_are_not_counted_as_use() -> None:
    plan = planned([*account(aaa="logs", logs="off"), *trail(S3BucketName="logs")], 1_000_000)
    assert list(plan.substantial()[1]) == pytest.approx([30.0, 30.0])


def test_sensitive_buckets_come_before_the_others() -> None:
    plan = planned([*account(aaa="off", zzz="off"), *trail()], sensitive={"zzz": "tagged"})
    order = [
        bucket for bucket, action in taken(plan) if action in ("enable_data_events", "enable_server_access_logging")
    ]
    assert order == ["zzz", "zzz", "aaa", "aaa"]
    assert "Sensitive: tagged" in step(plan, "enable_data_events", "zzz")["reason"]


def test_priorities_count_from_one_without_a_gap() -> None:
    frame = planned([*account(aaa="off", bbb="off"), *trail(logging=False)]).table()
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


def test_selectors_of_each_step_hold_what_is_there_and_the_steps_before() -> None:
    plan = planned([*account(aaa="off", bbb="off", kept="off"), *trail(selectors=recorded_buckets("kept"))])
    words = [shlex.split(step(plan, "enable_data_events", name)["snippet"]) for name in ("aaa", "bbb")]
    values = [[one["DataResources"][0]["Values"] for one in json.loads(line[-1])] for line in words]
    arns = [f"arn:aws:s3:::{name}/" for name in ("kept", "aaa", "bbb")]
    assert values == [[arns[:1], arns[1:2]], [arns[:1], arns[1:]]]


def test_no_selector_ever_names_the_trails_own_bucket() -> None:
    plan = planned([*account(aaa="off", **{"trail-logs": "off"}), *trail()])
    assert "trail-logs/" not in step(plan, "enable_data_events", "aaa")["snippet"]


def test_selectors_that_were_refused_are_fetched_first() -> None:
    snippet = step(planned([*account(aaa="off"), *trail(selectors=None)]), "enable_data_events", "aaa")["snippet"]
    assert snippet.startswith("aws cloudtrail get-event-selectors") and "put-" not in snippet


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
    assert "get-bucket-policy" in snippet and "put-bucket-policy" not in snippet


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
    frame = planned([*account(aaa="off"), answer("cloudtrail", "DescribeTrails", {}, {"trailList": []})]).table()
    assert frame.iloc[0]["action"] == "create_trail"
    assert "shows no trail" in frame.iloc[0]["reason"]


def test_an_account_whose_trails_were_never_asked_for_says_so() -> None:
    assert "no answer says" in planned(account(aaa="off")).table().iloc[0]["reason"]


def test_guardduty_is_offered_once_a_region_where_it_is_not_on() -> None:
    on = {"Features": [{"Name": "S3_DATA_EVENTS", "Status": "ENABLED"}]}
    settings = [*account(aaa="off"), *trail()]
    found = step(planned(settings, 1_000_000), "enable_guardduty_s3_protection")
    assert found["monthly_cost_usd_low"] == pytest.approx(24.0)  # 30 M x 0.80
    settings.append(answer("guardduty", "GetDetector", {"DetectorId": "d"}, on))
    assert "enable_guardduty_s3_protection" not in [action for _, action in taken(planned(settings))]


def test_a_stopped_trail_records_nothing() -> None:
    settings = [*account(aaa="off"), *trail(selectors=recorded_buckets("aaa"), logging=False)]
    assert planned(settings).recorded("aaa") == "none"


@pytest.mark.parametrize("write", ["ReadOnly", "WriteOnly"])
def test_half_of_data_events_is_part(write: str) -> None:
    selectors = recorded_buckets("aaa")
    selectors["EventSelectors"][0]["ReadWriteType"] = write
    assert planned([*account(aaa="off"), *trail(selectors=selectors)]).recorded("aaa") == "partly"


def test_sessions_stand_for_their_role_and_wildcards_for_nobody() -> None:
    arns = [f"arn:aws:sts::{ACCOUNT}:assumed-role/ops/me", USER, None, "AIDA", f"arn:aws:iam::{ACCOUNT}:user/*"]
    assert lasting_arns(arns) == [f"arn:aws:iam::{ACCOUNT}:role/ops", USER]


def test_a_name_that_no_bucket_can_have_is_no_bucket() -> None:
    settings = [answer("s3", "ListBuckets", {}, {"Buckets": [{"Name": "$(id)"}, {"Name": "-x"}, {"Name": "good"}]})]
    assert list(planned(settings).buckets) == ["good"]


def line(time: str, bucket: str, key: str) -> str:
    request = (
        f'"GET /{bucket}/{key} HTTP/1.1" 200 - 10 10 5 5 "-" "agent" - hostid SigV4 cipher AuthHeader host TLSv1.2 - -'
    )
    return f"{'a' * 64} {bucket} [{time} +0000] 192.0.2.1 {USER} R{time[-2:]} REST.GET.OBJECT {key} {request}\n"


@pytest.mark.parametrize(
    ("bucket", "tags", "keys", "words"),
    [
        ("customer-records", {}, [], "a guess: its name holds 'customer'"), ("db.backups", {}, [], "its name holds 'backup'"),
        ("pii-store", {}, [], "'pii'"), ("piiq", {}, [], None), ("secretary-notes", {}, [], None), ("shipping", {}, [], None),
        ("bbb", {"data-classification": "Confidential"}, [], "tagged data-classification=Confidential"),
        ("bbb", {"data-classification": "not confidential"}, [], None), ("bbb", {"team": "customer"}, [], None),
        ("bbb", {}, ["2026/payroll.csv"], "1 object names hold 'payroll', as '2026/payroll.csv'"),
    ],
)  # fmt: skip
def test_names_and_tags_mark_a_bucket_as_sensitive(
    world: Any, bucket: str, tags: dict[str, str], keys: list[str], words: str | None
) -> None:
    world.answer("s3", "ListBuckets", {}, {"Buckets": [{"Name": bucket}]})
    world.answer(
        "s3", "GetBucketTagging", {"Bucket": bucket}, {"TagSet": [{"Key": k, "Value": v} for k, v in tags.items()]}
    )
    for key in keys:
        world.object_call("10:00", world.admin, "GetObject", bucket, key)
    frame = recommendations(world.case())
    row = frame[frame["action"] == "enable_server_access_logging"].iloc[0]
    assert (row["bucket"], bool(row["sensitive"])) == (bucket, words is not None)
    assert (words or "") in row["reason"]


def test_a_sensitive_bucket_that_no_log_names_gets_its_logging_where_no_list_is_whole(world: Any) -> None:
    world.call("10:00", world.admin, "ListUsers", source="iam")
    frame = recommendations(world.case(sensitive_buckets=["vault"]))
    steps = set(frame.loc[frame["bucket"] == "vault", "action"])
    assert {"enable_data_events", "enable_server_access_logging"} <= steps


def rates(case: Any) -> dict[str, dict[str, Any]]:
    """The rates of a case's buckets, as its recommendations take them."""
    recommendations(case)
    asked = case.ask("logging_gaps/bucket_rates", assumed_low=100, assumed_high=100_000)
    return {row["bucket"]: row for row in rows_of(asked)}


@pytest.mark.parametrize(
    ("logged", "assumed"), [(("aaa", "bbb"), (2, 8)), (("aaa",), (2, 100_000)), ((), (100, 100_000))]
)
def test_a_blind_bucket_is_assumed_between_the_quietest_and_the_busiest(
    world: Any, logged: tuple[str, ...], assumed: tuple[int, int]
) -> None:
    world.answer("s3", "ListBuckets", {}, {"Buckets": [{"Name": name} for name in ("aaa", "bbb", "blind", "logs")]})
    for time in ("2026-02-27T00:00:00", "2026-03-09T00:00:00"):
        world.call(time, world.admin, "ListUsers")
    for bucket in ("aaa", "bbb", "logs"):
        target = {"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": ""}} if bucket in (*logged, "logs") else {}
        world.answer("s3", "GetBucketLogging", {"Bucket": bucket}, target)
    for bucket, count in (("aaa", 2), ("bbb", 8), ("logs", 90)):
        if bucket in (*logged, "logs"):
            world.lines += [
                line(f"0{day}/Mar/2026:10:00:{n:02d}", bucket, "k") for day in range(1, 9) for n in range(count)
            ]
    row = rates(world.case())["blind"]
    assert row["rate_basis"] == "assumed"
    assert (round(row["per_day_low"]), round(row["per_day_high"])) == assumed


def test_a_rate_is_the_mean_over_logged_hours_and_the_busiest_day(world: Any) -> None:
    world.answer("s3", "ListBuckets", {}, {"Buckets": [{"Name": "bbb"}, {"Name": "logs"}]})
    world.answer(
        "s3", "GetBucketLogging", {"Bucket": "bbb"}, {"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": ""}}
    )
    world.call("2026-02-27T00:00:00", world.admin, "ListUsers")
    world.call("2026-03-09T00:00:00", world.admin, "ListUsers")
    world.lines += [
        line(f"0{day}/Mar/2026:10:00:{n:02d}", "bbb", "k") for day, count in ((1, 5), (3, 9)) for n in range(count)
    ]
    row = rates(world.case())["bbb"]
    assert (row["bucket"], row["source"], row["requests"]) == ("bbb", "the access log", 14)
    assert row["per_day_low"] == pytest.approx(14 / row["logged_hours"] * 24)
    assert row["per_day_high"] == pytest.approx(9.0)


def test_log_buckets_refuse_every_compromised_principal_and_the_incidents_prices_are_used(world: Any) -> None:
    for row in [*account(aaa="off", **{"trail-logs": "off"}), *trail()]:
        error = row["error_code"]
        world.answer(
            row["service"],
            row["operation"],
            json.loads(row["parameters"]),
            json.loads(row["response"] or "null"),
            error,
        )
    world.call("10:00", world.owner, "ListUsers")
    case = world.case()
    prices = case.incident.folder / "prices.yaml"
    before = recommendations(case, substantial_usd=1e9)
    prices.write_text("prices: {cloudtrail_data_events: 1000}\n")
    after = recommendations(case, substantial_usd=1e9)
    snippet = before["snippet"][before["action"] == "protect_log_bucket"].iloc[0]
    assert policy_of(snippet)["Statement"][-1]["Condition"]["ArnEquals"]["aws:PrincipalArn"] == [f"{USER[:-1]}legacy"]
    costs = [frame["monthly_cost_usd_high"][frame["action"] == "enable_data_events"].sum() for frame in (before, after)]
    assert costs[1] > 100 * costs[0]
