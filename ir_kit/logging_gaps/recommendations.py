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
from ir_kit.configuration.bucket_inventory import Bucket, BucketInventory, inventory
from ir_kit.configuration.collected_answers import Configuration, configuration
from ir_kit.coverage.selectors import OBJECT, coverage_of_bucket, selector_set
from ir_kit.coverage.visibility import visible
from ir_kit.credentials.lineage import compromised_credentials
from ir_kit.domain.documents import mapping, mappings
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.domain.principals import role_name
from ir_kit.logging_gaps import logging_commands as commands
from ir_kit.logging_gaps.logging_commands import JSON, Step
from ir_kit.logging_gaps.prices import NOTHING, Between, Prices, load_prices
from ir_kit.tables import types_of

TABLE = "logging_gaps/recommendations"
DATA = ("data_read", "data_write")
BUCKET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,254}")  # those of before 2018 included; logs hold others too
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
    prices, config = load_prices(case.incident.folder / "prices.yaml"), configuration(case)
    case.engine.provide("visibility", visible(case).drop(columns="left_out"))
    records = rows_of(case.ask("logging_gaps/request_rates"))
    limit = prices.assumptions["substantial_usd"] if substantial_usd is None else substantial_usd
    plan = Plan(config, inventory(case), prices, substantial_usd=limit)
    plan.rates = request_rates(records, plan.buckets, plan.log_buckets, prices)
    own = [name for name in plan.buckets if name not in plan.log_buckets]
    case.engine.provide("named_buckets", pd.DataFrame({"bucket": pd.Series(own, dtype="str")}))
    plan.sensitive = sensitive_buckets(
        config, own, case.incident.sensitive_buckets, case.incident.buckets, case.ask("logging_gaps/sensitive_names")
    )
    reached = rows_of(compromised_credentials(case))
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
    span = Between(min(each.low for each in known), max(each.high for each in known))
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
    results: dict[str, list[str]] = {}
    for bucket in buckets:
        if bucket in named or bucket in in_scope:
            results[bucket] = ["the incident names it" + (" as sensitive" if bucket in named else "")]
        for tag in config.answer("s3", "GetBucketTagging", Bucket=bucket).listed("TagSet"):
            key, value = str(tag.get("Key")), str(tag.get("Value"))
            if TAG_KEYS.search(key) and TAG_VALUES.search(value) and not NOT_SENSITIVE.search(value):
                results.setdefault(bucket, []).append(f"tagged {key}={value}")
    for row in rows_of(names[names["bucket"].isin(list(buckets))]):
        where = f"{row['names']:,} object names hold {row['word']!r}, as {row['example']!r}"
        where = where if row["names"] else f"its name holds {row['word']!r}"
        results.setdefault(row["bucket"], []).append(f"a guess: {where}")
    return {bucket: "; ".join(reasons[:6]) for bucket, reasons in results.items()}


def lasting_arns(principals: Collection[str | None]) -> list[str]:
    """ARNs that ``aws:PrincipalArn`` can match: a session stands for its role; wildcards are left out."""
    results = set()
    for arn in principals:
        if not arn or not arn.startswith("arn:") or set(arn) & set("*?$") or len(arn) > 2048:
            continue
        role, parts = role_name(arn), arn.split(":")
        results.add(f"{parts[0]}:{parts[1]}:iam::{parts[4]}:role/{role}" if ":assumed-role/" in arn and role else arn)
    return sorted(results)


@dataclass
class Plan:
    """What steps are made from: logging as it is set, rates, prices, sensitive buckets."""

    config: Configuration
    inventory: BucketInventory
    prices: Prices
    rates: Mapping[str, Rate] = field(default_factory=dict)
    sensitive: Mapping[str, str] = field(default_factory=dict)
    principals: Sequence[str] = ()
    substantial_usd: float = 50.0
    management_per_day: Between = NOTHING

    def table(self) -> pd.DataFrame:
        """The steps, ordered and numbered; within a tier in the order in which they are made."""
        steps = [*self.trail_steps(), *self.bucket_steps(), *self.protection_steps(), *self.guardduty_steps()]
        ordered = sorted(steps, key=lambda step: step["tier"])  # stable
        return frame_of(({**step, "priority": number} for number, step in enumerate(ordered, start=1)), types_of(TABLE))

    def step(self, tier: int, action: str, step: Step, reason: str, cost: Between = NOTHING, **columns: Any) -> JSON:
        """A row of the table; tiers order them."""
        sensitive = columns["bucket"] in self.sensitive if "bucket" in columns else None
        costs = {"monthly_cost_usd_low": round(cost.low, 6), "monthly_cost_usd_high": round(cost.high, 6)}
        row = {"tier": tier, "action": action, "reason": reason, "sensitive": sensitive}
        return {**row, **step._asdict(), **costs, **columns}

    # logging as it is set

    @cached_property
    def account(self) -> str:
        """The account that was asked, or a word to replace."""
        return next((call.account for _, call in self.config.calls() if call.account), "ACCOUNT")

    @cached_property
    def buckets(self) -> dict[str, Bucket]:
        """The account's buckets: those listed, or where no list is whole those that seem its own."""
        names = set().union(*self.inventory.listed.values())
        if not self.inventory.whole:
            names |= {
                name
                for name, bucket in self.inventory.known.items()
                if bucket.account in (None, *self.inventory.accounts)
            }
        return {name: self.inventory.bucket(name) for name in sorted(names) if BUCKET_NAME.fullmatch(name)}

    @cached_property
    def trails(self) -> list[JSON] | None:
        """The trails as DescribeTrails and GetTrail answer them, by ARN, with ``IsLogging`` and ``selectors`` (None: not
        known); None where neither answered.
        """
        results: dict[str, JSON] = {}
        calls = [*self.config.every("cloudtrail", "DescribeTrails"), *self.config.every("cloudtrail", "GetTrail")]
        for _, answer in calls:
            for trail in mappings(answer.response.get("trailList") or answer.response.get("Trail")):
                if trail.get("Name") and BUCKET_NAME.fullmatch(str(trail.get("S3BucketName"))):
                    results.setdefault(str(trail.get("TrailARN")), {"HomeRegion": "us-east-1"}).update(trail)
        for trail in results.values():
            status = self.trail_answer(trail, "GetTrailStatus", "Name") or {}
            selectors = self.trail_answer(trail, "GetEventSelectors", "TrailName")
            trail |= {"IsLogging": status.get("IsLogging"), "selectors": selectors}
        return (
            [results[arn] for arn in sorted(results)]
            if any(answer.state == "answered" for _, answer in calls)
            else None
        )

    def trail_answer(self, trail: JSON, operation: str, parameter: str) -> JSON | None:
        """What was answered of a trail, asked by its ARN or its name; None where nothing was."""
        for name in (trail["TrailARN"], trail["Name"]):
            answer = self.config.answer("cloudtrail", operation, **{parameter: name})
            if answer.state == "answered":
                return dict(answer.response)
        return None

    @cached_property
    def own_trails(self) -> list[JSON]:
        """The trails that can be set from this account, the one that data events go to first."""

        def rank(trail: JSON) -> tuple[bool, bool, bool, str]:
            records_objects = OBJECT in str(trail["selectors"])
            return trail["IsLogging"] is False, not records_objects, not trail.get("IsMultiRegionTrail"), trail["Name"]

        trails = self.trails or []
        own = [
            trail
            for trail in trails
            if not trail.get("IsOrganizationTrail") or f":{self.account}:" in trail["TrailARN"]
        ]
        return sorted(own, key=rank)

    @cached_property
    def trail(self) -> JSON:
        """The trail that data events go to, or the one to make."""
        return self.own_trails[0] if self.own_trails else {
            "Name": "all-regions", "TrailARN": f"arn:aws:cloudtrail:us-east-1:{self.account}:trail/all-regions",
            "HomeRegion": "us-east-1", "S3BucketName": f"trail-logs-{self.account}-us-east-1", "selectors": {},
        }  # fmt: skip

    @cached_property
    def log_targets(self) -> dict[str, str]:
        """Where the access log of each bucket goes, empty where it is off; not there where that is not known."""
        answers = {name: self.config.answer("s3", "GetBucketLogging", Bucket=name) for name in self.buckets}
        return {
            name: str((answer.part("LoggingEnabled", dict) or {}).get("TargetBucket") or "")
            for name, answer in answers.items() if answer.state == "answered"
        }  # fmt: skip

    @cached_property
    def log_buckets(self) -> dict[str, set[str]]:
        """Which buckets take logs, and of which kind: ``CloudTrail files``, ``access logs``."""
        results: dict[str, set[str]] = {}
        for trail in self.trails or ():
            results.setdefault(trail["S3BucketName"], set()).add("CloudTrail files")
        for target in self.log_targets.values():
            if BUCKET_NAME.fullmatch(target):
                results.setdefault(target, set()).add("access logs")
        return results

    def recorded(self, bucket: str) -> str:
        """Are data events of this bucket recorded now: ``all``, ``partly``, ``none``, or ``unknown``?"""
        region, results = self.buckets[bucket].region, set()
        for trail in self.trails or ():
            covers = trail.get("IsMultiRegionTrail") or region in (None, trail["HomeRegion"])
            if covers and trail["IsLogging"] is not False:
                selectors = selector_set(trail["selectors"])
                kinds = {coverage_of_bucket(selectors, bucket, kind).kind if selectors else "unknown" for kind in DATA}
                results.add(kinds.pop() if len(kinds) == 1 else "partly")
        if self.trails is None:
            return "unknown"
        return next((answer for answer in ("all", "partly", "unknown") if answer in results), "none")

    def substantial(self) -> tuple[str, Between]:
        """Would data events on every bucket but the log buckets cost more than the sum, and what would they cost?"""
        total = NOTHING
        for name, rate in self.rates.items():
            if name not in self.log_buckets:
                total = total.plus(self.prices.events("cloudtrail_data_events", rate.per_day))
        limit = self.substantial_usd
        return "yes" if total.low > limit else "no" if total.high <= limit else "unknown", total

    # steps

    def trail_steps(self) -> Iterator[JSON]:
        """Steps on trails."""
        own, region, per_day = self.own_trails, self.trail["HomeRegion"], self.management_per_day
        if not own:
            known = "no answer says which trails there are" if self.trails is None else "configuration shows no trail"
            reason = f"{known}: nothing outlasts the 90 days of the event history. The first copy of management events is free"
            yield self.step(1, "create_trail", commands.new_trail(self.trail, self.account), reason, aws_region=region)
        elif not any(trail.get("IsMultiRegionTrail") and trail["IsLogging"] is not False for trail in own):
            reason = (
                "no trail records every Region: an intruder who goes to another one is not seen. The first copy is free"
            )
            high = 0.0
            if len(self.trails or ()) > 1:
                reason += ", a second one where another trail records management events already is not"
                high = self.prices.events("cloudtrail_management_copy", per_day).high
            step = commands.trail_option(self.trail, is_multi_region_trail=True, include_global_service_events=True)
            yield self.step(3, "make_trail_multi_region", step, reason, Between(0.0, high), aws_region=region)
        for trail in own:
            name, region = trail["Name"], trail["HomeRegion"]
            if trail["IsLogging"] is False:
                reason = f"the trail {name} is stopped: it records nothing"
                yield self.step(1, "start_logging", commands.trail_option(trail), reason, aws_region=region)
            if trail.get("LogFileValidationEnabled") is False:
                step = commands.trail_option(trail, enable_log_file_validation=True)
                reason = f"the trail {name} writes no digests: a deleted or altered file leaves no trace. Free"
                yield self.step(3, "enable_log_file_validation", step, reason, aws_region=region)

    def bucket_steps(self) -> Iterator[JSON]:
        """Data events and access logging, sensitive buckets first."""
        answer, total = self.substantial()
        limit = f"{self.substantial_usd:,.2f} USD a month"
        why = {
            "no": f"no more than {limit}: use is not substantial, so that every bucket gets them",
            "yes": f"more than {limit}: use is substantial, so that sensitive buckets alone get them",
            "unknown": f"on both sides of {limit}: until access logs tell, sensitive buckets alone get them",
        }[answer]
        why = f"data events on every bucket would cost {total.low:,.2f} to {total.high:,.2f} USD a month, {why}"
        now = {
            "none": "no trail records its data events", "partly": "its data events are recorded in part",
            "unknown": "whether its data events are recorded is not known",
        }  # fmt: skip
        chosen: list[str] = []
        for name in sorted(self.rates, key=lambda name: (name not in self.sensitive, name)):
            if name in self.log_buckets:
                continue
            rate, tier, region = self.rates[name], 2 if name in self.sensitive else 4, self.buckets[name].region
            marked = f"Sensitive: {self.sensitive[name]}. " if name in self.sensitive else ""
            columns = {"bucket": name, "aws_region": region, "rate_basis": rate.basis}
            state = self.recorded(name)
            if state != "all" and (tier == 2 or answer == "no"):
                chosen.append(name)
                step, cost = commands.data_events(self.trail, chosen), self.prices.data_events(rate.per_day)
                yield self.step(
                    tier, "enable_data_events", step, f"{marked}{now[state]}; {why}. {rate.words}", cost, **columns
                )
            if not self.log_targets.get(name):
                off = (
                    "access logging is off" if name in self.log_targets else "whether access logging is on is not known"
                )
                place = "" if region else "; its Region is not known: us-east-1 is assumed"
                reason = f"{marked}{off}: it costs its storage alone, and shows sizes and anonymous callers{place}. {rate.words}"
                step, cost = self.access_logging(name, region or "us-east-1"), self.prices.access_log(rate.per_day)
                yield self.step(tier, "enable_server_access_logging", step, reason, cost, **columns)

    def access_logging(self, bucket: str, region: str) -> Step:
        """Access logging to the bucket that most others of the Region deliver to, or to a new one."""
        there = [
            target for name, target in self.log_targets.items() if (self.buckets[name].region or "us-east-1") == region
        ]
        votes = Counter(target for target in there if target in self.log_buckets)
        target = min(votes, key=lambda name: (-votes[name], name), default=f"access-logs-{self.account}-{region}")
        is_new = not votes and target not in self.buckets
        return commands.access_logging(
            bucket, region, target, account=self.account, target_is_new=is_new, known_off=bucket in self.log_targets,
            policy=self.policy(target, region, is_new),
        )  # fmt: skip

    def policy(self, bucket: str, region: str, is_new: bool = False) -> str | None:
        """The command for the policy that a log bucket is to have after all steps, the same in each; None where it has it."""
        answer = self.config.answer("s3", "GetBucketPolicy", Bucket=bucket)
        now = mapping(answer.response.get("Policy")) if answer.known or is_new else None
        present = mappings((now or {}).get("Statement") or [])
        takes_lines = "access logs" in self.log_buckets.get(bucket, {"access logs"})
        added: list[JSON] = []
        if takes_lines and not any(commands.lets_deliver(statement, bucket) for statement in present):
            added.append(commands.deliveries_allowed(bucket, self.account))
        if self.principals:
            added.append(commands.compromised_denied(bucket, self.principals))
        is_there = all(statement in present for statement in added)
        return None if is_there else commands.put_policy(bucket, region, now, added)

    def protection_steps(self) -> Iterator[JSON]:
        """What keeps logs in each log bucket of the account."""
        days = max(1, round(self.prices.assumptions["retention_months_high"] * 30))
        for name, kinds in sorted(self.log_buckets.items()):
            if self.inventory.whole and name not in self.buckets:
                continue  # another account's: it cannot be set from here
            versions, lock = (
                self.config.answer("s3", operation, Bucket=name) for operation in ("GetBucketVersioning", "GetObjectLockConfiguration")
            )  # fmt: skip
            versioned = versions.response.get("Status") == "Enabled"
            locked = (lock.part("ObjectLockConfiguration", dict) or {}).get("Rule")
            lock_days = None if locked or "access logs" in kinds else days
            region = self.inventory.bucket(name).region
            policy = self.policy(name, region or "us-east-1")
            lacks = [
                ("versioning is off" if versions.known else "whether it keeps versions is not known") * (not versioned),
                "nothing withholds deletion (Object Lock)" if lock_days else "",
                "its policy lacks what deliveries need, or does not keep compromised principals out" if policy else "",
            ]  # fmt: skip
            if any(lacks):
                reason = f"it holds {' and '.join(sorted(kinds))}: {'; '.join(filter(None, lacks))}. Files are written once: versions add no storage"
                if "access logs" in kinds:
                    reason += ". No default retention here: access logs are not delivered to a bucket that has one"
                step = commands.protected_bucket(
                    name, region or "us-east-1", versioning=not versioned, lock_days=lock_days, policy=policy,
                    denied=self.principals if policy else (),
                )  # fmt: skip
                yield self.step(3, "protect_log_bucket", step, reason, bucket=name, aws_region=region)

    def guardduty_steps(self) -> Iterator[JSON]:
        """GuardDuty S3 Protection, by Region."""
        answers = [call for name in ("ListDetectors", "GetDetector") for call in self.config.every("guardduty", name)]
        requested = {call.region for call, answer in answers if answer.state == "answered"}
        enabled = {("S3_DATA_EVENTS", "ENABLED")}
        on = {
            call.region for call, answer in answers
            if enabled & {(feature.get("Name"), feature.get("Status")) for feature in answer.listed("Features")}
        }  # fmt: skip
        regions: dict[str, Between] = {}
        for name, rate in self.rates.items():
            region = self.buckets[name].region
            if region and region not in on and name not in self.log_buckets:
                regions[region] = regions.get(region, NOTHING).plus(rate.per_day)
        for region, per_day in sorted(regions.items()):
            reason = (
                f"an alternative or an addition: GuardDuty S3 Protection {'is off' if region in requested else 'was not asked for'} "
                f"in {region}; it reads data events of every bucket there by itself, {per_day.low:,.0f} to "
                f"{per_day.high:,.0f} a day, and needs no trail. The first 30 days are free"
            )
            step, cost = commands.guardduty_protection(region), self.prices.guardduty(per_day)
            yield self.step(5, "enable_guardduty_s3_protection", step, reason, cost, aws_region=region)
