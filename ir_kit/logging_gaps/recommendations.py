"""What to switch on, in which order, at what price, and how. The kit applies nothing.

The order of thought: access logging on every bucket but the log buckets; is use of S3 substantial, so that data events
on every bucket would cost more than a sum a month? If not, data events everywhere too; if so, on sensitive buckets
alone, which always get both. Then what keeps the logs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import pandas as pd

from ir_kit.case import Case
from ir_kit.configuration.answers import Configuration, configuration
from ir_kit.configuration.inventory import Bucket, BucketInventory, inventory
from ir_kit.coverage.selectors import OBJECT, coverage_of_bucket, selector_set
from ir_kit.coverage.visibility import visible
from ir_kit.credentials.lineage import reached_credentials
from ir_kit.domain.documents import mapping, mappings
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.domain.principals import role_name
from ir_kit.logging_gaps import logging_commands as commands
from ir_kit.logging_gaps.logging_commands import JSON, Policy, Step
from ir_kit.logging_gaps.prices import NOTHING, Between, Prices, load_prices
from ir_kit.tables import types_of

TABLE = "logging_gaps/recommendations"
BUCKET_NAME = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]{2,254}"
)  # those of before 2018 included; logs hold names that none can have
TAG_KEYS = re.compile(r"class|sensitiv|confidential|privacy|pii|phi|compliance|data-?type", re.IGNORECASE)
TAG_VALUES = re.compile(
    r"confidential|restrict|sensitiv|secret|private|personal|customer|pii|phi|pci|hipaa|gdpr|high|critical|internal|true|yes",
    re.IGNORECASE,
)
NOT_SENSITIVE = re.compile(r"\b(?:not|non|no)\b", re.IGNORECASE)


class Rate(NamedTuple):
    """Requests a day: low is the mean over the logged hours, high the busiest logged day, unless assumed."""

    per_day: Between
    basis: str  # measured, assumed
    words: str


def recommendations(case: Case, substantial_usd: float | None = None) -> pd.DataFrame:
    """What to switch on, in which order, at what price, and how?

    Parameters
    ----------
    substantial_usd : float, optional
        USD a month, from 0: data events on every bucket that would cost more make use of S3 substantial;
        `prices.yaml` has 50.

    Returns
    -------
    DataFrame
        One row per step, in the order in which to take them; empty where nothing is left to switch on. Also written
        to ``logging_gaps/recommendations``.

    Notes
    -----
    Prices are list prices of one Region, at rates as logged in the window; an attack raises them. What no log shows is
    priced by named assumptions. It cannot see buckets that neither configuration nor a log names.
    """
    prices, config, held = load_prices(case.incident.folder / "prices.yaml"), configuration(case), inventory(case)
    case.engine.provide("visibility", visible(case).drop(columns="left_out"))
    records = rows_of(case.ask("logging_gaps/request_rates"))
    plan = Plan(
        config,
        held,
        prices,
        substantial_usd=prices.assumptions["substantial_usd"] if substantial_usd is None else substantial_usd,
    )
    plan.rates = request_rates(records, plan.buckets, plan.log_buckets, prices)
    own = [name for name in plan.buckets if name not in plan.log_buckets]
    case.engine.provide("named_buckets", pd.DataFrame({"bucket": pd.Series(own, dtype="str")}))
    plan.sensitive = sensitive_buckets(
        config, own, case.incident.sensitive_buckets, case.incident.buckets, case.ask("logging_gaps/sensitive_names")
    )
    reached = rows_of(reached_credentials(case))
    plan.principals = lasting_arns([row["principal_arn"] for row in reached if not row["is_responder"]])
    events = rows_of(case.ask("logging_gaps/management_rate"))[0]
    plan.management_per_day = Between(events["per_day_low"] or 0.0, events["per_day_high"] or 0.0)
    frame = plan.table()
    case.write_table(TABLE, frame)
    return frame


def request_rates(
    records: Sequence[JSON], buckets: Collection[str], log_buckets: Collection[str], prices: Prices
) -> dict[str, Rate]:
    """The rate of each bucket: measured, or assumed from the account's other buckets or from fixed numbers.

    Parameters
    ----------
    records : list of dict
        Rows of ``request_rates.sql``.
    """
    measured = {
        row["bucket"]: Rate(
            Between(row["per_day_low"], row["per_day_high"]), "measured",
            f"{row['requests']:,.0f} requests in {row['logged_hours']:,.0f} logged hours of {row['source']}, "
            f"{row['per_day_low']:,.0f} a day, {row['per_day_high']:,.0f} on the busiest day",
        )
        for row in records if row["source"]
    }  # fmt: skip
    known = [rate.per_day for name, rate in measured.items() if name not in log_buckets]
    words = "the quietest and the busiest logged bucket of the account"
    if len(known) < 2:
        known.append(prices.assumed("blind_requests_per_day"))
        words = "fixed numbers, for want of logged buckets to compare with"
    span = Between(min(one.low for one in known), max(one.high for one in known))
    assumed = Rate(
        span, "assumed", f"no log shows its requests: assumed {span.low:,.0f} to {span.high:,.0f} a day, by {words}"
    )
    return {name: measured.get(name, assumed) for name in sorted(buckets)}


def sensitive_buckets(
    config: Configuration, buckets: Sequence[str], named: Sequence[str], in_scope: Sequence[str], names: pd.DataFrame
) -> dict[str, str]:
    """Which of these buckets are taken for sensitive, and why? The reasons in words, by bucket.

    Parameters
    ----------
    named, in_scope : sequence of str
        ``sensitive_buckets`` and ``buckets`` of the incident.
    names : DataFrame
        Rows of ``sensitive_names.sql``.
    """
    found: dict[str, list[str]] = {}
    for bucket in buckets:
        if bucket in named or bucket in in_scope:
            found[bucket] = ["the incident names it" + (" as sensitive" if bucket in named else "")]
        for tag in config.answer("s3", "GetBucketTagging", Bucket=bucket).listed("TagSet"):
            key, value = str(tag.get("Key")), str(tag.get("Value"))
            if TAG_KEYS.search(key) and TAG_VALUES.search(value) and not NOT_SENSITIVE.search(value):
                found.setdefault(bucket, []).append(f"tagged {key}={value}")
    for row in rows_of(names[names["bucket"].isin(list(buckets))]):
        where = f"{row['names']:,} object names hold {row['word']!r}, as {row['example']!r}"
        where = where if row["names"] else f"its name holds {row['word']!r}"
        found.setdefault(row["bucket"], []).append(f"a guess: {where}")
    return {bucket: "; ".join(reasons[:6]) for bucket, reasons in found.items()}


def lasting_arns(principals: Collection[str | None]) -> list[str]:
    """ARNs that ``aws:PrincipalArn`` can match: a session stands for its role; wildcards are left out."""
    found = set()
    for arn in principals:
        if not arn or not arn.startswith("arn:") or set(arn) & set("*?$") or len(arn) > 2048:
            continue
        role, parts = role_name(arn), arn.split(":")
        found.add(f"{parts[0]}:{parts[1]}:iam::{parts[4]}:role/{role}" if ":assumed-role/" in arn and role else arn)
    return sorted(found)


@dataclass
class Plan:
    """What steps are made from: logging as it is set, rates, prices, sensitive buckets."""

    config: Configuration
    held: BucketInventory
    prices: Prices
    rates: Mapping[str, Rate] = field(default_factory=dict)
    sensitive: Mapping[str, str] = field(default_factory=dict)
    principals: Sequence[str] = ()
    substantial_usd: float = 50.0
    management_per_day: Between = NOTHING

    def table(self) -> pd.DataFrame:
        """The steps, ordered and numbered; within a tier in the order in which they are made."""
        trail = self.best_trail()
        steps = [*self.trail_steps(trail), *self.bucket_steps(trail), *self.protection_steps(), *self.guardduty_steps()]
        ordered = sorted(steps, key=lambda step: step["tier"])  # stable
        return frame_of(({**step, "priority": number} for number, step in enumerate(ordered, start=1)), types_of(TABLE))

    def step(
        self, tier: int, action: str, step: Step, reason: str, *, bucket: str | None = None, region: str | None = None,
        cost: Between = NOTHING, rate: Rate | None = None,
    ) -> JSON:  # fmt: skip
        """A row of the table; tiers order them."""
        return {
            "tier": tier, "action": action, "reason": reason, **step._asdict(), "bucket": bucket, "aws_region": region,
            "monthly_cost_usd_low": round(cost.low, 6), "monthly_cost_usd_high": round(cost.high, 6),
            "sensitive": bucket in self.sensitive if bucket else None, "rate_basis": rate.basis if rate else None,
        }  # fmt: skip

    # logging as it is set

    @cached_property
    def account(self) -> str:
        """The account that was asked, or a word to replace."""
        return next((call.account for _, call in self.config.calls() if call.account), "ACCOUNT")

    @cached_property
    def buckets(self) -> dict[str, Bucket]:
        """The account's buckets: those listed, or where no list is whole those that seem its own."""
        listed = set().union(*self.held.listed.values())
        names = listed if self.held.whole else listed | {
            name for name, bucket in self.held.known.items() if bucket.account in (None, *self.held.accounts)
        }  # fmt: skip
        return {name: self.held.bucket(name) for name in sorted(names) if BUCKET_NAME.fullmatch(name)}

    @cached_property
    def trails(self) -> list[JSON] | None:
        """The trails as DescribeTrails and GetTrail answer them, by ARN; None where neither answered."""
        found: dict[str, JSON] = {}
        answers = [*self.config.every("cloudtrail", "DescribeTrails"), *self.config.every("cloudtrail", "GetTrail")]
        for _, answer in answers:
            for trail in mappings(answer.response.get("trailList") or answer.response.get("Trail")):
                if trail.get("Name") and BUCKET_NAME.fullmatch(str(trail.get("S3BucketName"))):
                    home = {"HomeRegion": trail.get("HomeRegion") or "us-east-1"}
                    found.setdefault(str(trail.get("TrailARN")), {}).update(trail | home)
        asked = any(answer.state == "answered" for _, answer in answers)
        return [found[arn] for arn in sorted(found)] if asked else None

    def trail_answer(self, trail: JSON, operation: str, parameter: str) -> JSON | None:
        """What was answered of a trail, asked by its ARN or its name; None where nothing was."""
        answers = [
            self.config.answer("cloudtrail", operation, **{parameter: trail[name]}) for name in ("TrailARN", "Name")
        ]
        return next((dict(answer.response) for answer in answers if answer.state == "answered"), None)

    def is_stopped(self, trail: JSON) -> bool:
        """Is the trail known not to log?"""
        return (self.trail_answer(trail, "GetTrailStatus", "Name") or {}).get("IsLogging") is False

    def selectors(self, trail: JSON) -> JSON | None:
        """The trail's event selectors; None where they are not known."""
        return {} if trail.get("is_new") else self.trail_answer(trail, "GetEventSelectors", "TrailName")

    def log_target(self, bucket: str) -> tuple[bool | None, str | None]:
        """Is the access log of a bucket on (None: not known), and which bucket takes it?"""
        answer = self.config.answer("s3", "GetBucketLogging", Bucket=bucket)
        enabled = answer.part("LoggingEnabled", dict) or {}
        target = str(enabled.get("TargetBucket") or "")
        return bool(enabled) if answer.state == "answered" else None, target if BUCKET_NAME.fullmatch(target) else None

    @cached_property
    def log_buckets(self) -> dict[str, set[str]]:
        """Which buckets take logs, and of which kind: ``CloudTrail files``, ``access logs``."""
        found: dict[str, set[str]] = {}
        for trail in self.trails or ():
            found.setdefault(trail["S3BucketName"], set()).add("CloudTrail files")
        for name in self.buckets:
            if target := self.log_target(name)[1]:
                found.setdefault(target, set()).add("access logs")
        return found

    def recorded(self, bucket: str) -> str:
        """Are data events of this bucket recorded now: ``all``, ``partly``, ``none``, or ``unknown``?"""
        region, found = self.buckets[bucket].region, []
        for trail in self.trails or ():
            if self.is_stopped(trail) or not (trail.get("IsMultiRegionTrail") or region in (None, trail["HomeRegion"])):
                continue
            selectors = selector_set(self.selectors(trail))
            kinds = (
                {coverage_of_bucket(selectors, bucket, kind).kind for kind in ("data_read", "data_write")}
                if selectors
                else {"unknown"}
            )
            found.append(kinds.pop() if len(kinds) == 1 else "partly")
        if self.trails is None:
            return "unknown"
        return next((answer for answer in ("all", "partly", "unknown") if answer in found), "none")

    def substantial(self) -> tuple[str, Between]:
        """Would data events on every bucket but the log buckets cost more than the sum, and what would they cost?"""
        costs = [
            self.prices.events("cloudtrail_data_events", rate.per_day)
            for name, rate in self.rates.items()
            if name not in self.log_buckets
        ]
        total = Between(sum(cost.low for cost in costs), sum(cost.high for cost in costs))
        return (
            "yes" if total.low > self.substantial_usd else "no" if total.high <= self.substantial_usd else "unknown",
            total,
        )

    def best_trail(self) -> JSON:
        """The trail of the account that data events go to, or the one to make (``is_new``)."""
        own = self.own_trails()
        if own:
            multi = [
                (
                    not self.is_stopped(trail),
                    OBJECT in str(self.selectors(trail)),
                    bool(trail.get("IsMultiRegionTrail")),
                )
                for trail in own
            ]
            return min(
                (trail for trail, rank in zip(own, multi, strict=True) if rank == max(multi)),
                key=lambda trail: str(trail["Name"]),
            )
        return {
            "Name": "all-regions", "TrailARN": f"arn:aws:cloudtrail:us-east-1:{self.account}:trail/all-regions",
            "HomeRegion": "us-east-1", "S3BucketName": f"trail-logs-{self.account}-us-east-1", "is_new": True,
        }  # fmt: skip

    def own_trails(self) -> list[JSON]:
        """The trails that can be set from this account."""
        return [
            trail
            for trail in self.trails or ()
            if not trail.get("IsOrganizationTrail") or self.account in trail["TrailARN"].split(":")
        ]

    # steps

    def trail_steps(self, best: JSON) -> Iterator[JSON]:
        """Steps on trails."""
        own, region = self.own_trails(), best["HomeRegion"]
        if best.get("is_new"):
            known = (
                "configuration shows no trail" if self.trails is not None else "no answer says which trails there are"
            )
            reason = f"{known}: nothing outlasts the 90 days of the event history. The first copy of management events is free"
            yield self.step(1, "create_trail", commands.new_trail(best, self.account), reason, region=region)
        elif not any(trail.get("IsMultiRegionTrail") and not self.is_stopped(trail) for trail in own):
            others = len(self.trails or ()) > 1
            cost = Between(
                0.0, self.prices.events("cloudtrail_management_copy", self.management_per_day).high if others else 0.0
            )
            paid = (
                "Second copies are paid where another trail records management events already"
                if others
                else "The first copy is free"
            )
            step = commands.trail_option(best, is_multi_region_trail=True, include_global_service_events=True)
            reason = f"no trail records every Region: an intruder who goes to another one is not seen. {paid}"
            yield self.step(3, "make_trail_multi_region", step, reason, region=region, cost=cost)
        for trail in own:
            name, region = trail["Name"], trail["HomeRegion"]
            if self.is_stopped(trail):
                reason = f"the trail {name} is stopped: it records nothing"
                yield self.step(1, "start_logging", commands.trail_option(trail), reason, region=region)
            if trail.get("LogFileValidationEnabled") is False:
                step = commands.trail_option(trail, enable_log_file_validation=True)
                reason = f"the trail {name} writes no digests: a deleted or altered file leaves no trace. Free"
                yield self.step(3, "enable_log_file_validation", step, reason, region=region)

    def bucket_steps(self, trail: JSON) -> Iterator[JSON]:
        """Data events and access logging, sensitive buckets first."""
        answer, total = self.substantial()
        limit = f"{self.substantial_usd:,.2f} USD a month"
        why = (
            f"data events on every bucket would cost {total.low:,.2f} to {total.high:,.2f} USD a month, "
            + {
                "no": f"no more than {limit}: use is not substantial, so that every bucket gets them",
                "yes": f"more than {limit}: use is substantial, so that sensitive buckets alone get them",
                "unknown": f"on both sides of {limit}: until access logs tell, sensitive buckets alone get them",
            }[answer]
        )
        chosen: list[str] = []
        own = sorted(
            (name for name in self.rates if name not in self.log_buckets),
            key=lambda name: (name not in self.sensitive, name),
        )
        for name in own:
            bucket, rate, tier = self.buckets[name], self.rates[name], 2 if name in self.sensitive else 4
            marked = f"Sensitive: {self.sensitive[name]}. " if name in self.sensitive else ""
            state = self.recorded(name)
            if state != "all" and (tier == 2 or answer == "no"):
                chosen.append(name)
                now = {
                    "none": "no trail records its data events", "partly": "its data events are recorded in part",
                    "unknown": "whether its data events are recorded is not known",
                }[state]  # fmt: skip
                yield self.step(
                    tier, "enable_data_events", commands.data_events(trail, self.selectors(trail), list(chosen)),
                    f"{marked}{now}; {why}. {rate.words}", bucket=name, region=bucket.region, rate=rate,
                    cost=self.prices.data_events(rate.per_day),
                )  # fmt: skip
            is_on = self.log_target(name)[0]
            if is_on:
                continue
            now = "access logging is off" if is_on is False else "whether access logging is on is not known"
            region = bucket.region or "us-east-1"
            place = "" if bucket.region else "; its Region is not known: us-east-1 is assumed"
            target = self.target_in(region)
            is_new = target not in self.buckets and target not in self.log_buckets
            yield self.step(
                tier, "enable_server_access_logging",
                commands.access_logging(name, region, target, account=self.account, target_is_new=is_new,
                                        known_off=is_on is False, policy=self.policy(target, is_new)),
                f"{marked}{now}: it costs its storage alone, and shows sizes and anonymous callers{place}. {rate.words}",
                bucket=name, region=bucket.region, rate=rate, cost=self.prices.access_log(rate.per_day),
            )  # fmt: skip

    def target_in(self, region: str) -> str:
        """Where access logs of a Region go: the bucket that most others there deliver to, or a new one."""
        targets = [
            self.log_target(name)[1]
            for name, bucket in self.buckets.items()
            if (bucket.region or "us-east-1") == region
        ]
        votes = Counter(target for target in targets if target)
        return min(votes, key=lambda name: (-votes[name], name)) if votes else f"access-logs-{self.account}-{region}"

    def policy(self, bucket: str, is_new: bool = False) -> Policy | None:
        """The policy that a log bucket is to have after all steps, the same in each; None where it has it already."""
        answer = self.config.answer("s3", "GetBucketPolicy", Bucket=bucket)
        now = mapping(answer.response.get("Policy")) if answer.known or is_new else None
        present = mappings((now or {}).get("Statement") or [])
        added = [commands.compromised_denied(bucket, self.principals)] if self.principals else []
        if "access logs" in self.log_buckets.get(bucket, {"access logs"}) and not any(
            lets_deliver(one, bucket) for one in present
        ):
            added.insert(0, commands.deliveries_allowed(bucket, self.account))
        if all(one in present for one in added):
            return None
        if now is None:
            return Policy(bucket, None, added)
        kept = [one for one in present if one.get("Sid") not in {one["Sid"] for one in added}]
        return Policy(bucket, {**now, "Version": now.get("Version", "2012-10-17"), "Statement": [*kept, *added]}, added)

    def protection_steps(self) -> Iterator[JSON]:
        """What keeps logs in each log bucket of the account."""
        days = max(1, round(self.prices.assumptions["retention_months_high"] * 30))
        for name, kinds in sorted(self.log_buckets.items()):
            if self.held.whole and name not in self.buckets:
                continue  # another account's: it cannot be set from here
            versions = self.config.answer("s3", "GetBucketVersioning", Bucket=name)
            keeps_versions = versions.response.get("Status") == "Enabled"
            lock = mapping(
                self.config.answer("s3", "GetObjectLockConfiguration", Bucket=name).response.get(
                    "ObjectLockConfiguration"
                )
            )
            lock_days = None if lock.get("Rule") or "access logs" in kinds else days
            policy, region = self.policy(name), self.held.bucket(name).region
            unknown = "versioning is off" if versions.known else "whether it keeps versions is not known"
            lacks = [
                *([] if keeps_versions else [unknown]), *(["nothing withholds deletion (Object Lock)"] if lock_days else []),
                *(["its policy lacks what deliveries need, or does not keep compromised principals out"] if policy else []),
            ]  # fmt: skip
            if not lacks:
                continue
            note = (
                ". No default retention here: access logs are not delivered to a bucket that has one"
                if "access logs" in kinds
                else ""
            )
            step = commands.protected_bucket(name, region or "us-east-1", versioning=not keeps_versions, lock_days=lock_days,
                                             policy=policy, denied=self.principals if policy else ())  # fmt: skip
            reason = f"it holds {' and '.join(sorted(kinds))}: {'; '.join(lacks)}{note}. Files are written once: versions add no storage"
            yield self.step(3, "protect_log_bucket", step, reason, bucket=name, region=region)

    def guardduty_steps(self) -> Iterator[JSON]:
        """GuardDuty S3 Protection, by Region."""
        protected: dict[str, bool] = {}
        for operation in ("ListDetectors", "GetDetector"):
            for call, answer in self.config.every("guardduty", operation):
                if answer.state == "answered":
                    older = (
                        mapping(mapping(answer.response.get("DataSources")).get("S3Logs")).get("Status") == "ENABLED"
                    )
                    on = any(one.items() >= commands.FEATURE[0].items() for one in answer.listed("Features"))
                    protected[str(call.region)] = protected.get(str(call.region), False) or on or older
        regions: dict[str, Between] = {}
        for name, rate in self.rates.items():
            region = self.buckets[name].region
            if region and name not in self.log_buckets:
                regions[region] = regions.get(region, NOTHING).plus(rate.per_day)
        for region, per_day in sorted(regions.items()):
            if not protected.get(region):
                known = "is off" if region in protected else "was not asked for"
                reason = (
                    f"an alternative or an addition: GuardDuty S3 Protection {known} in {region}; it reads data events of "
                    f"every bucket there by itself, {per_day.low:,.0f} to {per_day.high:,.0f} a day, and needs no trail. "
                    "The first 30 days are free"
                )
                step, cost = commands.guardduty_protection(region), self.prices.guardduty(per_day)
                yield self.step(5, "enable_guardduty_s3_protection", step, reason, region=region, cost=cost)


def lets_deliver(statement: JSON, bucket: str) -> bool:
    """Does it let S3 deliver access logs of every bucket to the whole of this one, and is it not one of these steps' own?"""

    def names(value: Any, name: str) -> bool:
        return name in (value if isinstance(value, list) else [value])

    return (
        statement.get("Effect") == "Allow" and statement.get("Sid") != "IrKitAccessLogDelivery"
        and names(mapping(statement.get("Principal")).get("Service"), "logging.s3.amazonaws.com")
        and names(statement.get("Resource"), f"arn:aws:s3:::{bucket}/*")
        and "aws:sourcearn" not in str(statement.get("Condition")).lower()
    )  # fmt: skip
