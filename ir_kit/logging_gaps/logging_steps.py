"""The steps of a logging plan: on trails, on buckets, on log buckets, and GuardDuty beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ir_kit.logging_gaps.bucket_snippets import (
    Policy,
    access_logging,
    deliveries_allowed,
    protected_bucket,
    reached_denied,
)
from ir_kit.logging_gaps.logging_now import AccountNow, BucketNow, is_bucket_name
from ir_kit.logging_gaps.logging_plan import Plan, recorded, substantial
from ir_kit.logging_gaps.prices import NOTHING, Between
from ir_kit.logging_gaps.request_rates import Rate
from ir_kit.logging_gaps.snippets import guardduty
from ir_kit.logging_gaps.trail_snippets import TrailNow, data_events, new_trail, started, updated_trail


def trail_steps(plan: Plan) -> TrailNow:
    """Steps on trails; and the trail that data events go to."""
    account = plan.account
    own = [
        trail for trail in account.trails or () if not trail.organization or account.account_id in trail.arn.split(":")
    ]
    for trail in own:
        if trail.logging is False:
            plan.add(
                1,
                "start_logging",
                started(trail),
                f"the trail {trail.name} is stopped: it records nothing",
                region=trail.home_region,
            )
    if not own:
        trail = _planned_trail(account)
        known = (
            "configuration shows no trail" if account.trails is not None else "no answer says which trails there are"
        )
        reason = (
            f"{known}: nothing outlasts the 90 days of the event history. The first copy of management events is free"
        )
        plan.add(1, "create_trail", new_trail(trail, account.account_id or "ACCOUNT"), reason, region=trail.home_region)
        return trail
    best = max(
        own,
        key=lambda one: (
            one.logging is not False,
            _records_objects(one),
            one.multi_region,
            [-ord(letter) for letter in one.name],
        ),
    )
    if not any(trail.multi_region and trail.logging is not False for trail in own):
        others = [trail for trail in account.trails or () if trail is not best]
        cost = Between(0.0, plan.prices.management_copies(plan.management_per_day).high if others else 0.0)
        reason = "no trail records every Region: an intruder who goes to another one is not seen. " + (
            "Second copies are paid where another trail records management events already"
            if others
            else "The first copy is free"
        )
        plan.add(
            3,
            "make_trail_multi_region",
            updated_trail(best, "multi_region"),
            reason,
            region=best.home_region,
            cost=cost,
        )
    for trail in own:
        if trail.validation is False:
            reason = f"the trail {trail.name} writes no digests: a deleted or altered file leaves no trace. Free"
            plan.add(
                3, "enable_log_file_validation", updated_trail(trail, "validation"), reason, region=trail.home_region
            )
    return best


def _records_objects(trail: TrailNow) -> bool:
    return "AWS::S3::Object" in str(trail.selectors)


def _planned_trail(account: AccountNow) -> TrailNow:
    owner = account.account_id or "ACCOUNT"
    name = "all-regions"
    arn = f"arn:aws:cloudtrail:us-east-1:{owner}:trail/{name}"
    return TrailNow(name, arn, "us-east-1", f"trail-logs-{owner}-us-east-1", "", True, True, True, False, True, {})


def bucket_steps(plan: Plan, trail: TrailNow) -> None:
    answer, total = substantial(plan)
    limit = f"{plan.substantial_usd:,.2f} USD a month"
    told = f"data events on every bucket would cost {total.low:,.2f} to {total.high:,.2f} USD a month"
    why = {
        "no": f"{told}, no more than {limit}: use is not substantial, so that every bucket gets them",
        "yes": f"{told}, more than {limit}: use is substantial, so that sensitive buckets alone get them",
        "unknown": f"{told}, on both sides of {limit}: until access logs tell, sensitive buckets alone get them",
    }[answer]
    logs = plan.account.log_buckets()
    listed = sorted(name for name in plan.rates if name not in logs)
    recorded_now: list[str] = []
    for tier, chosen in (
        (2, [name for name in listed if name in plan.sensitive]),
        (4, [name for name in listed if name not in plan.sensitive]),
    ):
        for name in chosen:
            bucket, rate = plan.account.buckets[name], plan.rates[name]
            marked = f"Sensitive: {plan.sensitive[name]}. " if name in plan.sensitive else ""
            state = recorded(plan.account, name)
            if state != "all" and (tier == 2 or answer == "no"):
                recorded_now.append(name)
                now = {
                    "none": "no trail records its data events",
                    "partly": "its data events are recorded in part",
                    "unknown": "whether its data events are recorded is not known",
                }[state]
                gb = plan.prices.data_event_gb(rate.per_day)
                plan.add(
                    tier,
                    "enable_data_events",
                    data_events(trail, recorded_now),
                    f"{marked}{now}; {why}. {rate.words}",
                    bucket=name,
                    region=bucket.region,
                    cost=plan.prices.data_events(rate.per_day),
                    rate=rate,
                    gb=gb,
                )
            if not bucket.access_log:
                _access_log_step(plan, tier, bucket, rate, marked)


def _access_log_step(plan: Plan, tier: int, bucket: BucketNow, rate: Rate, marked: str) -> None:
    now = "access logging is off" if bucket.access_log is False else "whether access logging is on is not known"
    region = bucket.region or "us-east-1"
    place = "" if bucket.region else "; its Region is not known: us-east-1 is assumed"
    target, prefix, is_new = _target(plan.account, region)
    gb = plan.prices.access_log_gb(rate.per_day)
    snippet = access_logging(
        bucket.name,
        region,
        target,
        prefix=prefix,
        account=plan.account.account_id or "ACCOUNT",
        target_is_new=is_new,
        known_off=bucket.access_log is False,
        policy=_policy(plan, target, is_new),
    )
    reason = f"{marked}{now}: it costs its storage alone, and shows sizes and anonymous callers{place}. {rate.words}"
    plan.add(
        tier,
        "enable_server_access_logging",
        snippet,
        reason,
        bucket=bucket.name,
        region=bucket.region,
        cost=plan.prices.access_log(rate.per_day),
        rate=rate,
        gb=gb,
    )


def _target(account: AccountNow, region: str) -> tuple[str, str, bool]:
    """Where access logs of a Region go: the bucket that most others there deliver to, or a new one."""
    votes: dict[str, int] = {}
    for bucket in account.buckets.values():
        if bucket.target and (bucket.region or "us-east-1") == region:
            votes[bucket.target[0]] = votes.get(bucket.target[0], 0) + 1
    if votes:
        return min(votes, key=lambda name: (-votes[name], name)), "", False
    name = f"access-logs-{account.account_id or 'ACCOUNT'}-{region}"
    return name, "", name not in account.buckets


def _policy(plan: Plan, bucket: str, is_new: bool = False) -> Policy | None:
    """The policy that a log bucket is to have after all steps, the same in each; None where it has it already."""
    account = plan.account.account_id or "ACCOUNT"
    now = {} if is_new else plan.account.buckets[bucket].policy if bucket in plan.account.buckets else None
    kinds = plan.account.log_buckets().get(bucket, {"access_log"})
    added = [deliveries_allowed(bucket, account)] if "access_log" in kinds and not _lets_deliver(now, bucket) else []
    if plan.principals:
        added.append(reached_denied(bucket, plan.principals))
    if now is None:
        return Policy(bucket, None, added) if added else None
    listed = now.get("Statement") or []
    present = [dict(one) for one in (listed if isinstance(listed, list) else [listed]) if isinstance(one, dict)]
    if not [one for one in added if one not in present]:
        return None
    names = {one["Sid"] for one in added}
    kept = [one for one in present if one.get("Sid") not in names]
    return Policy(bucket, {**now, "Version": now.get("Version", "2012-10-17"), "Statement": [*kept, *added]}, added)


def _lets_deliver(policy: Mapping[str, Any] | None, bucket: str) -> bool:
    """Does the policy let S3 deliver access logs of every bucket to the whole of this one already?"""
    listed = (policy or {}).get("Statement") or []
    for one in listed if isinstance(listed, list) else [listed]:
        if not isinstance(one, dict) or one.get("Effect") != "Allow" or one.get("Sid") == "IrKitAccessLogDelivery":
            continue
        principal = one.get("Principal")
        services = principal.get("Service") if isinstance(principal, dict) else None
        named = "logging.s3.amazonaws.com" in (services if isinstance(services, list) else [services])
        resources = one.get("Resource")
        whole = f"arn:aws:s3:::{bucket}/*" in (resources if isinstance(resources, list) else [resources])
        if named and whole and "aws:sourcearn" not in str(one.get("Condition")).lower():
            return True
    return False


def protection_steps(plan: Plan) -> None:
    days = max(1, round(plan.prices.assumptions["retention_months_high"] * 30))
    for name, kinds in sorted(plan.account.log_buckets().items()):
        if not is_bucket_name(name) or (plan.account.owned and name not in plan.account.buckets):
            continue  # another account's: it cannot be set from here
        bucket = plan.account.buckets.get(name) or BucketNow(name)
        policy = _policy(plan, name)
        lock = days if not bucket.object_lock and "access_log" not in kinds else None
        if bucket.versioning and not lock and policy is None:
            continue
        lacks = (
            []
            if bucket.versioning
            else ["versioning is off" if bucket.versioning is False else "whether it keeps versions is not known"]
        )
        lacks += ["nothing withholds deletion (Object Lock)"] if lock else []
        lacks += ["its policy does not keep the reached principals out"] if policy and plan.principals else []
        kind = (
            "CloudTrail files"
            if kinds == {"trail"}
            else "access logs"
            if kinds == {"access_log"}
            else "CloudTrail files and access logs"
        )
        note = (
            ". No default retention here: access logs are not delivered to a bucket that has one"
            if "access_log" in kinds
            else ""
        )
        snippet = protected_bucket(
            name,
            bucket.region or "us-east-1",
            versioning=not bucket.versioning,
            lock_days=lock,
            policy=policy,
            denied=plan.principals if policy else (),
        )
        found = "; ".join(lacks) or "its policy lacks what deliveries need"
        reason = f"it holds {kind}: {found}{note}. Files are written once: versions add no storage"
        plan.add(3, "protect_log_bucket", snippet, reason, bucket=name, region=bucket.region)


def guardduty_steps(plan: Plan) -> None:
    regions: dict[str, Between] = {}
    logs = plan.account.log_buckets()
    for name, rate in plan.rates.items():
        region = plan.account.buckets[name].region
        if region and name not in logs:
            regions[region] = regions.get(region, NOTHING).plus(rate.per_day)
    for region, per_day in sorted(regions.items()):
        if plan.account.guardduty.get(region):
            continue
        known = "is off" if region in plan.account.guardduty else "was not asked for"
        reason = (
            f"an alternative or an addition: GuardDuty S3 Protection {known} in {region}; "
            "it reads data events of every bucket there "
            f"by itself, "
            f"{per_day.low:,.0f} to {per_day.high:,.0f} a day, and needs no trail. The first 30 days are free"
        )
        plan.add(
            5,
            "enable_guardduty_s3_protection",
            guardduty(region),
            reason,
            region=region,
            cost=plan.prices.guardduty(per_day),
        )
