"""What to switch on, in which order, at what price, and how. The kit applies nothing.

The order of thought: access logging on every bucket but the log buckets; is use of S3 substantial, so that data events
on every bucket would cost more than a sum a month? If not, data events everywhere too; if so, on sensitive buckets
alone, which always get both. Then what keeps the logs. A month has 30 days, a GB 10**9 bytes; rates and costs are
pairs, low and high.
"""

from __future__ import annotations

import re
import shlex
import string
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import yaml
from pydantic import BaseModel, Field

from ir_kit.case import Case
from ir_kit.configuration.bucket_inventory import Bucket, BucketInventory, inventory
from ir_kit.configuration.collected_answers import Configuration, configuration
from ir_kit.coverage.log_delivery import CLOUDTRAIL, LOGGING
from ir_kit.coverage.selectors import OBJECT, Scope, selector_set
from ir_kit.coverage.visibility import visible
from ir_kit.credentials.lineage import compromised_credentials
from ir_kit.domain.documents import JSON, frame_of, mapping, mappings, rows_of
from ir_kit.domain.shell import aws, compact
from ir_kit.errors import ParameterError, one_line
from ir_kit.tables import types_of

TABLE = "logging_gaps/recommendations"
PRICES = Path(__file__).with_name("prices.yaml")
PARTS = yaml.safe_load(Path(__file__).with_name("commands.yaml").read_text(encoding="utf-8"))
MONTH, MILLION = 30, 1_000_000
TIERS = (("first_500m", 0, 500), ("next_4500m", 500, 4_500), ("over_5000m", 5_000, np.inf))  # from, millions of events
Span = np.ndarray[Any, np.dtype[np.float64]]
NOTHING: Span = np.zeros(2)
DATA = ("data_read", "data_write")
BUCKET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,254}")  # those of before 2018 included; logs hold others too
HOME = "us-east-1"  # of what has no Region that is known
DELIVERY = "IrKitAccessLogDelivery"
MOST_BASIC_VALUES, MOST_BASIC = 250, 5  # data resources over all basic selectors of a trail; selectors
TAKES_AWAY = [
    "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObject", "s3:PutObjectRetention", "s3:BypassGovernanceRetention",
    "s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:PutLifecycleConfiguration", "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration", "s3:PutReplicationConfiguration", "s3:PutBucketAcl", "s3:DeleteBucket",
]  # fmt: skip


class Shell(string.Formatter):
    """Templates of commands: every value is quoted, or as it is where the field says `raw`."""

    def format_field(self, value: Any, format_spec: str) -> str:
        text = value if isinstance(value, str) else compact(value)
        return text if format_spec == "raw" else shlex.quote(text)


class PriceFile(BaseModel, extra="forbid", strict=True):
    """What an incident's price file may hold."""

    as_of: Any = None
    prices: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] | None = None
    assumptions: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] | None = None


class Prices(dict[str, float]):
    """Unit prices in USD and assumptions, by name; costs are USD a month for so many events a day."""

    def assumed(self, name: str) -> Span:
        """An assumption that has a low and a high."""
        return np.array([self[f"{name}_low"], self[f"{name}_high"]])

    def events(self, price: str, per_day: Span) -> Span:
        """At a price per million."""
        return per_day * (MONTH * self[price] / MILLION)

    def recording(self, price: str, size: str, per_day: Span) -> Span:
        """The same, and the storage of events of this size: low in the first month, high once the retention is reached."""
        stored = per_day * MONTH * self.assumed(size) / 1e9 * self.assumed("retention_months")
        return self.events(price, per_day) + stored * self["s3_storage_gb_month"]

    def guardduty(self, per_day: Span) -> Span:
        """For GuardDuty S3 Protection over data events of one Region, by its tiers."""
        millions = per_day * (MONTH / MILLION)
        costs = (np.clip(millions - start, 0, size) * self[f"guardduty_s3_{tier}"] for tier, start, size in TIERS)
        return sum(costs, NOTHING)


def load_prices(override: Path | None = None) -> Prices:
    """Which prices hold for this incident?

    Parameters
    ----------
    override : Path, optional
        A file of the same form that changes some of them. One that does not exist changes nothing.

    Raises
    ------
    ParameterError
        The file is no such file, or names a price that there is not.
    """
    known = yaml.safe_load(PRICES.read_text(encoding="utf-8"))
    try:
        text = override.read_text(encoding="utf-8") if override and override.exists() else ""
        given = PriceFile.model_validate(yaml.safe_load(text) or {})
    except (yaml.YAMLError, ValueError, OSError) as error:
        what = f"the prices cannot be read: {one_line(error, 200)}"
        raise ParameterError(what, override, "write them as the kit's prices.yaml has them") from error
    for section, changed in (("prices", given.prices or {}), ("assumptions", given.assumptions or {})):
        if unknown := sorted(set(changed) - set(known[section])):
            raise ParameterError(f"{section} has no {unknown[0]}", override, f"use one of {', '.join(known[section])}")
        known[section] |= changed
    return Prices(known["prices"] | known["assumptions"])


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
    prices = load_prices(case.incident.folder / "prices.yaml")
    plan = Plan(configuration(case), inventory(case), prices)
    plan.named = {*case.incident.buckets, *case.incident.sensitive_buckets}
    plan.substantial_usd = prices["substantial_usd"] if substantial_usd is None else substantial_usd
    case.engine.provide("visibility", visible(case).drop(columns="left_out"))
    buckets = ({"bucket": name, "takes_logs": name in plan.log_buckets} for name in plan.buckets)
    case.engine.provide("account_buckets", frame_of(buckets, {"bucket": "varchar", "takes_logs": "boolean"}))
    low, high = (prices[f"blind_requests_per_day_{end}"] for end in ("low", "high"))
    for row in rows_of(case.ask("logging_gaps/bucket_rates", assumed_low=low, assumed_high=high)):
        plan.rates[row["bucket"]] = {**row, "per_day": np.array([row["per_day_low"], row["per_day_high"]])}
    reached = rows_of(compromised_credentials(case))
    plan.principals = lasting_arns(row["principal_arn"] for row in reached if not row["is_responder"])
    frame = plan.table()
    return case.write_table(TABLE, frame)


def lasting_arns(principals: Iterable[str | None]) -> list[str]:
    """ARNs that ``aws:PrincipalArn`` can match: a session stands for its role; wildcards are left out."""
    arns = [arn for arn in principals if arn and re.fullmatch(r"arn:[^*?$]{1,2044}", arn, re.DOTALL)]
    session = re.compile(r"arn:([^:]*):(?:iam|sts):[^:]*:([^:]*):assumed-role/([^/]+).*", re.DOTALL)
    return sorted({session.sub(r"arn:\1:iam::\2:role/\3", arn) for arn in arns})


@dataclass
class Plan:
    """What steps are made from: logging as it is set, rates, prices, sensitive buckets."""

    config: Configuration
    inventory: BucketInventory
    prices: Prices
    rates: dict[str | None, JSON] = field(default_factory=dict)  # by bucket; of management events without one
    principals: Sequence[str] = ()
    substantial_usd: float = 50.0
    named: set[str] = field(default_factory=set)  # by the incident

    def table(self) -> pd.DataFrame:
        """The steps, ordered and numbered; within a tier in the order in which they are made."""
        steps = [*self.trail_steps(), *self.bucket_steps(), *self.protection_steps(), *self.guardduty_steps()]
        ordered = sorted(steps, key=lambda step: step["tier"])  # stable
        return frame_of(({**step, "priority": number} for number, step in enumerate(ordered, start=1)), types_of(TABLE))

    def step(self, tier: int, action: str, reason: str, cost: Span = NOTHING, *parts: str, **values: Any) -> JSON:
        """A row of the table; tiers order them. The values are columns, and fill in the texts of the step's parts."""
        values = {"region": values["aws_region"] or HOME, **values}
        texts = [PARTS[part] for part in parts or [action]]
        snippet, check, warning = (
            joint.join(Shell().vformat(text[name], (), values) for text in texts if name in text)
            for name, joint in (("snippet", "\n"), ("check", "\n"), ("warning", "; "))
        )
        low, high = (round(float(end), 6) for end in cost)
        row = {"tier": tier, "action": action, "reason": reason, "snippet": snippet, "check": check, "warning": warning}
        return {**values, **row, "monthly_cost_usd_low": low, "monthly_cost_usd_high": high}

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
            own = (None, *self.inventory.accounts)
            names |= self.named | {name for name, bucket in self.inventory.known.items() if bucket.account in own}
        return {name: self.inventory.bucket(name) for name in sorted(names) if BUCKET_NAME.fullmatch(name)}

    @cached_property
    def trails(self) -> list[JSON] | None:
        """The trails as they were answered, by ARN, with ``IsLogging`` and ``selectors`` (None: not known); None where
        no call for trails was answered.
        """
        results: dict[str, JSON] = {}
        calls = [*self.config.every("cloudtrail", "DescribeTrails"), *self.config.every("cloudtrail", "GetTrail")]
        for _, answer in calls:
            for trail in mappings(answer.response.get("trailList") or answer.response.get("Trail")):
                if trail.get("Name") and BUCKET_NAME.fullmatch(str(trail.get("S3BucketName"))):
                    results.setdefault(str(trail.get("TrailARN")), {"HomeRegion": HOME}).update(trail)
        for trail in results.values():
            status = self.trail_answer(trail, "GetTrailStatus", "Name") or {}
            selectors = self.trail_answer(trail, "GetEventSelectors", "TrailName")
            trail |= {"IsLogging": status.get("IsLogging"), "selectors": selectors}
        answered = any(answer.state == "answered" for _, answer in calls)
        return [results[arn] for arn in sorted(results)] if answered else None

    def trail_answer(self, trail: JSON, operation: str, parameter: str) -> JSON | None:
        """What was answered of a trail, asked by its ARN or its name; None where nothing was."""
        names = (trail["TrailARN"], trail["Name"])
        answers = (self.config.answer("cloudtrail", operation, **{parameter: name}) for name in names)
        return next((dict(answer.response) for answer in answers if answer.state == "answered"), None)

    @cached_property
    def own_trails(self) -> list[JSON]:
        """The trails that can be set from this account, the one that data events go to first."""

        def rank(trail: JSON) -> tuple[bool, bool, bool, str]:
            records_objects = OBJECT in str(trail["selectors"])
            return trail["IsLogging"] is False, not records_objects, not trail.get("IsMultiRegionTrail"), trail["Name"]

        def is_own(trail: JSON) -> bool:
            return not trail.get("IsOrganizationTrail") or f":{self.account}:" in trail["TrailARN"]

        return sorted(filter(is_own, self.trails or ()), key=rank)

    @cached_property
    def trail(self) -> JSON:
        """The trail that data events go to, or the one to make."""
        arn, bucket = f"arn:aws:cloudtrail:{HOME}:{self.account}:trail/all-regions", f"trail-logs-{self.account}-{HOME}"
        new = {"Name": "all-regions", "TrailARN": arn, "HomeRegion": HOME, "S3BucketName": bucket, "selectors": {}}
        return next(iter(self.own_trails), new)

    @cached_property
    def log_targets(self) -> dict[str, str]:
        """Where the access log of each bucket goes, empty where it is off; not there where that is not known."""
        answers = {name: self.config.answer("s3", "GetBucketLogging", Bucket=name) for name in self.buckets}
        known = {name: answer.response for name, answer in answers.items() if answer.state == "answered"}
        enabled = {name: mapping(response.get("LoggingEnabled")) for name, response in known.items()}
        return {name: str(logging.get("TargetBucket") or "") for name, logging in enabled.items()}

    @cached_property
    def log_buckets(self) -> dict[str, set[str]]:
        """Which buckets take logs, and of which kind: ``CloudTrail files``, ``access logs``."""
        results: dict[str, set[str]] = {}
        for trail in self.trails or ():
            results.setdefault(trail["S3BucketName"], set()).add("CloudTrail files")
        for target in filter(BUCKET_NAME.fullmatch, self.log_targets.values()):
            results.setdefault(target, set()).add("access logs")
        return results

    def recorded(self, bucket: str) -> str:
        """Are data events of this bucket recorded now: ``all``, ``partly``, ``none``, or ``unknown``?"""
        region, results = self.buckets[bucket].region, {"unknown"} if self.trails is None else set()
        for trail in self.trails or ():
            covers = trail.get("IsMultiRegionTrail") or region in (None, trail["HomeRegion"])
            if covers and trail["IsLogging"] is not False:
                selectors = selector_set(trail["selectors"])
                covered = [Scope(kind, bucket, region).coverage(selectors) for kind in DATA]
                kinds = {part.kind if part else "unknown" for part in covered}
                results.add(kinds.pop() if len(kinds) == 1 else "partly")
        return next((answer for answer in ("all", "partly", "unknown") if answer in results), "none")

    def substantial(self) -> tuple[str, Span]:
        """Would data events on every bucket but the log buckets cost more than the sum, and what would they cost?"""
        rates = (row["per_day"] for bucket, row in self.rates.items() if bucket)
        total = sum((self.prices.events("cloudtrail_data_events", per_day) for per_day in rates), NOTHING)
        low, high = total > self.substantial_usd
        return "yes" if low else "unknown" if high else "no", total

    # steps

    def trail_steps(self) -> Iterator[JSON]:
        """Steps on trails."""
        own, trail = self.own_trails, self.trail
        values = {"trail": trail["TrailARN"], "aws_region": trail["HomeRegion"]}
        if not own:
            known = "no answer says which trails there are" if self.trails is None else "configuration shows no trail"
            reason = f"{known}: nothing outlasts the 90 days of the event history. The first copy of management events is free"
            bucket, who, source = trail["S3BucketName"], {"Service": CLOUDTRAIL}, {"aws:SourceArn": trail["TrailARN"]}
            arn, own_acl = f"arn:aws:s3:::{bucket}", {"s3:x-amz-acl": "bucket-owner-full-control"}
            check = statement("IrKitTrailAclCheck", "Allow", who, "s3:GetBucketAcl", arn, StringEquals=source)
            write = ("IrKitTrailWrite", "Allow", who, "s3:PutObject", f"{arn}/AWSLogs/{self.account}/*")
            policy = put_policy(bucket, HOME, {}, [check, statement(*write, StringEquals=source | own_acl)])
            values |= {"name": trail["Name"], "target": bucket, "place": "", "policy": policy}
            yield self.step(1, "create_trail", reason, NOTHING, "create_bucket", "put_policy", "create_trail", **values)
        elif not any(trail.get("IsMultiRegionTrail") and trail["IsLogging"] is not False for trail in own):
            reason = (
                "no trail records every Region: an intruder who goes to another one is not seen. The first copy is free"
            )
            cost = NOTHING
            if len(self.trails or ()) > 1:
                reason += ", a second one where another trail records management events already is not"
                cost = self.prices.events("cloudtrail_management_copy", self.rates[None]["per_day"]) * (0, 1)
            yield self.step(3, "make_trail_multi_region", reason, cost, **values)
        for trail in own:
            name, values = trail["Name"], {"trail": trail["TrailARN"], "aws_region": trail["HomeRegion"]}
            if trail["IsLogging"] is False:
                yield self.step(1, "start_logging", f"the trail {name} is stopped: it records nothing", **values)
            if trail.get("LogFileValidationEnabled") is False:
                reason = f"the trail {name} writes no digests: a deleted or altered file leaves no trace. Free"
                yield self.step(3, "enable_log_file_validation", reason, **values)

    def bucket_steps(self) -> Iterator[JSON]:
        """Data events and access logging, sensitive buckets first."""
        answer, (low, high) = self.substantial()
        limit = f"{self.substantial_usd:,.2f} USD a month"
        why = {
            "no": f"no more than {limit}: use is not substantial, so that every bucket gets them",
            "yes": f"more than {limit}: use is substantial, so that sensitive buckets alone get them",
            "unknown": f"on both sides of {limit}: until access logs tell, sensitive buckets alone get them",
        }[answer]
        why = f"data events on every bucket would cost {low:,.2f} to {high:,.2f} USD a month, {why}"
        now = {"none": "no trail records its data events", "partly": "its data events are recorded in part"}
        now["unknown"] = "whether its data events are recorded is not known"
        chosen: list[str] = []
        rates = [row for bucket, row in self.rates.items() if bucket]
        for row in sorted(rates, key=lambda row: not row["sensitive"]):  # stable
            name, per_day, region = row["bucket"], row["per_day"], self.buckets[row["bucket"]].region
            tier, marked = (2, f"Sensitive: {row['sensitive']}. ") if row["sensitive"] else (4, "")
            values = {**row, "sensitive": tier == 2, "aws_region": region}
            state = self.recorded(name)
            if state != "all" and (tier == 2 or answer == "no"):
                chosen.append(name)
                option, selectors = with_buckets(self.trail["selectors"], chosen)
                part = "put_selectors" if option else "unknown_selectors"
                given = {"trail": self.trail["TrailARN"], "region": self.trail["HomeRegion"], "option": option}
                given |= {"selectors": selectors}
                reason = f"{marked}{now[state]}; {why}. {row['rate_words']}"
                cost = self.prices.recording("cloudtrail_data_events", "data_event_bytes", per_day)
                yield self.step(tier, "enable_data_events", reason, cost, part, **values, **given)
            if not self.log_targets.get(name):
                known = name in self.log_targets
                off = "access logging is off" if known else "whether access logging is on is not known"
                place = "" if region else "; its Region is not known: us-east-1 is assumed"
                reason = f"{marked}{off}: it costs its storage alone, and shows sizes and anonymous callers{place}"
                reason += f". {row['rate_words']}"
                cost = self.prices.recording("access_log_delivery", "access_log_line_bytes", per_day)
                parts, target = self.access_logging(name, region or HOME)
                yield self.step(tier, "enable_server_access_logging", reason, cost, *parts, **values, **target)

    def access_logging(self, bucket: str, region: str) -> tuple[list[str], JSON]:
        """Parts and values of access logging to the bucket that most others of the Region deliver to, or to a new one.

        Both buckets are of one account and Region; lines are parted by day.
        """
        targets = [target for name, target in self.log_targets.items() if (self.buckets[name].region or HOME) == region]
        votes = Counter(target for target in targets if target in self.log_buckets)
        target = min(votes, key=lambda name: (-votes[name], name), default=f"access-logs-{self.account}-{region}")
        is_new = not votes and target not in self.buckets
        policy = self.policy(target, region, is_new)
        parts = ["create_bucket"] if is_new else []
        parts += ["put_policy"] if policy else []
        parts += ["access_logging" if bucket in self.log_targets else "access_logging_unless_on"]
        layout = {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}}
        status = {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": "", "TargetObjectKeyFormat": layout}}
        place = "" if region == HOME else f" --create-bucket-configuration LocationConstraint={shlex.quote(region)}"
        prefix = f"{self.account}/{region}/{bucket}/"
        return parts, {"target": target, "policy": policy, "place": place, "prefix": prefix, "status": status}

    def policy(self, bucket: str, region: str, is_new: bool = False) -> str | None:
        """The command for the policy that a log bucket is to have after all steps, the same in each; None where it has it."""
        answer = self.config.answer("s3", "GetBucketPolicy", Bucket=bucket)
        now = mapping(answer.response.get("Policy")) if answer.known or is_new else None
        present, arn = mappings((now or {}).get("Statement") or []), f"arn:aws:s3:::{bucket}"
        added: list[JSON] = []
        takes_lines = "access logs" in self.log_buckets.get(bucket, {"access logs"})
        if takes_lines and not any(lets_deliver(statement, bucket) for statement in present):
            own, who = {"aws:SourceAccount": self.account}, {"Service": LOGGING}
            added.append(statement(DELIVERY, "Allow", who, "s3:PutObject", f"{arn}/*", StringEquals=own))
        if self.principals:
            denied, what = {"aws:PrincipalArn": sorted(self.principals)}, [arn, f"{arn}/*"]
            added.append(statement("IrKitReachedPrincipals", "Deny", "*", TAKES_AWAY, what, ArnEquals=denied))
        return None if all(item in present for item in added) else put_policy(bucket, region, now, added)

    def protection_steps(self) -> Iterator[JSON]:
        """What keeps logs in each log bucket of the account: versions, deletion withheld, compromised principals kept out."""
        days = max(1, round(self.prices["retention_months_high"] * MONTH))
        lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": days}}}
        for name, kinds in sorted(self.log_buckets.items()):
            if self.inventory.whole and name not in self.buckets:
                continue  # another account's: it cannot be set from here
            versions = self.config.answer("s3", "GetBucketVersioning", Bucket=name)
            locked = self.config.answer("s3", "GetObjectLockConfiguration", Bucket=name).response
            takes_lines, region = "access logs" in kinds, self.inventory.bucket(name).region
            policy, lacks = self.policy(name, region or HOME), {}
            if versions.response.get("Status") != "Enabled":
                known = "versioning is off" if versions.known else "whether it keeps versions is not known"
                lacks["versioning"] = known
            if not mapping(locked.get("ObjectLockConfiguration")).get("Rule") and not takes_lines:
                lacks["object_lock"] = "nothing withholds deletion (Object Lock)"
            if policy:
                words = "its policy lacks what deliveries need, or does not keep compromised principals out"
                lacks["protecting_policy"] = words
            if lacks:
                reason = f"it holds {' and '.join(sorted(kinds))}: {'; '.join(lacks.values())}. Files are written once: versions add no storage"
                if takes_lines:
                    reason += ". No default retention here: access logs are not delivered to a bucket that has one"
                parts = [*lacks, *(["denied"] if policy and self.principals else []), "protect_log_bucket"]
                values: JSON = {"bucket": name, "aws_region": region, "sensitive": False, "policy": policy}
                values |= {"days": days, "lock": lock, "denied": ", ".join(sorted(self.principals))}
                yield self.step(3, "protect_log_bucket", reason, NOTHING, *parts, **values)

    def guardduty_steps(self) -> Iterator[JSON]:
        """GuardDuty S3 Protection, by Region, on the detector that is there or a new one."""
        answers = [call for name in ("ListDetectors", "GetDetector") for call in self.config.every("guardduty", name)]
        requested = {call.region for call, answer in answers if answer.state == "answered"}
        feature = {"Name": "S3_DATA_EVENTS", "Status": "ENABLED"}
        features = ((call.region, given.items()) for call, answer in answers for given in answer.listed("Features"))
        on = {region for region, given in features if given >= feature.items()}
        regions: dict[str, Span] = {}
        for name, row in self.rates.items():
            region = self.buckets[name].region if name else None
            if region and region not in on:
                regions[region] = regions.get(region, NOTHING) + row["per_day"]
        for region, per_day in sorted(regions.items()):
            off, (low, high) = "is off" if region in requested else "was not asked for", per_day
            reason = (
                f"an alternative or an addition: GuardDuty S3 Protection {off} in {region}; it reads data events of every "
                f"bucket there by itself, {low:,.0f} to {high:,.0f} a day, and needs no trail. The first 30 days are free"
            )
            values = {"aws_region": region, "features": [feature], "query": "Features[?Name=='S3_DATA_EVENTS'].Status"}
            yield self.step(5, "enable_guardduty_s3_protection", reason, self.prices.guardduty(per_day), **values)


def statement(*parts: Any, **condition: JSON) -> JSON:
    """A statement of a bucket policy: its id, effect, principal, action and resource, and its condition."""
    names = ("Sid", "Effect", "Principal", "Action", "Resource", "Condition")
    return dict(zip(names, (*parts, condition), strict=True))


def put_policy(bucket: str, region: str, policy: JSON | None, added: Sequence[JSON]) -> str:
    """A log bucket's policy with statements added; where the present one is not known (None), how to see it, and what to add."""
    if policy is None:
        get = aws("s3api", "get-bucket-policy", bucket=bucket, region=region, query="Policy", output="text")
        return f"{get}  # put back what it answers, with these statements: {compact(list(added))}"
    names = {statement["Sid"] for statement in added}
    present = mappings(policy.get("Statement") or [])
    remaining = [statement for statement in present if statement.get("Sid") not in names]
    whole = {**policy, "Version": policy.get("Version", "2012-10-17"), "Statement": [*remaining, *added]}
    return aws("s3api", "put-bucket-policy", bucket=bucket, region=region, policy=whole)


def lets_deliver(statement: JSON, bucket: str) -> bool:
    """Does it let S3 deliver access logs of every bucket to the whole of this one, and is not the kit's own statement?"""
    services, resources = mapping(statement.get("Principal")).get("Service"), statement.get("Resource")
    return (
        statement.get("Effect") == "Allow" and statement.get("Sid") != DELIVERY
        and LOGGING in (services if isinstance(services, list) else [services])
        and f"arn:aws:s3:::{bucket}/*" in (resources if isinstance(resources, list) else [resources])
        and "aws:sourcearn" not in str(statement.get("Condition")).lower()
    )  # fmt: skip


def with_buckets(selectors: JSON | None, buckets: Sequence[str]) -> tuple[str, Any]:
    """The whole set of selectors that records what this one does, and every object request of these buckets.

    Parameters
    ----------
    selectors : dict or None
        As `GetEventSelectors` answers, None where that is not known; a trail without any records management events.

    Returns
    -------
    (str, list or dict)
        The option for the set, of the kind that is there, and the set; basic ones that have no room left become
        advanced, to the same effect. An empty option and what to add, where they are not known.
    """
    arns = [f"arn:aws:s3:::{bucket}/" for bucket in buckets]
    resources = [{"Type": OBJECT, "Values": arns}]
    added = {"ReadWriteType": "All", "IncludeManagementEvents": False, "DataResources": resources}
    if selectors is None:
        return "", added
    basic = mappings(selectors.get("EventSelectors") or [])
    basic = basic or [{"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": []}]
    used = sum(len(part.get("Values") or ()) for selector in basic for part in selector.get("DataResources") or ())
    advanced = mappings(selectors.get("AdvancedEventSelectors") or [])
    if not advanced and used + len(buckets) <= MOST_BASIC_VALUES and len(basic) < MOST_BASIC:
        return "--event-selectors", [*basic, added]
    named = advanced_selector("S3 objects of named buckets", "Data", OBJECT, ("resources.ARN", "StartsWith", arns))
    return "--advanced-event-selectors", [*(advanced or as_advanced(basic)), named]


def as_advanced(basic: Sequence[JSON]) -> list[JSON]:
    """Basic selectors as advanced ones to the same effect: setting advanced ones wipes basic ones."""
    results = []
    for number, selector in enumerate(basic, start=1):
        read_only = {"ReadOnly": ["true"], "WriteOnly": ["false"]}.get(str(selector.get("ReadWriteType", "All")), [])
        half = ("readOnly", "Equals", read_only)
        if selector.get("IncludeManagementEvents", True):
            left_out = ("eventSource", "NotEquals", list(selector.get("ExcludeManagementEventSources") or ()))
            results.append(advanced_selector(f"Management events {number}", "Management", None, half, left_out))
        for resource in selector.get("DataResources") or ():
            kind, values = str(resource.get("Type")), [str(value) for value in resource.get("Values") or ()]
            every = any(value.count(":") < 3 or value == "arn:aws:s3:::" for value in values)
            arns = ("resources.ARN", "StartsWith" if kind == OBJECT else "Equals", [] if every else values)
            results += [advanced_selector(f"{kind} {number}", "Data", kind, half, arns)] if values else []
    return results


def advanced_selector(name: str, category: str, kind: str | None, *conditions: tuple[str, str, list[str]]) -> JSON:
    """An advanced selector of a category, a kind of resource and further conditions; one without a value is left out."""
    every = (("eventCategory", "Equals", [category]), ("resources.type", "Equals", [kind] if kind else []), *conditions)
    return {"Name": name, "FieldSelectors": [{"Field": field, op: values} for field, op, values in every if values]}
