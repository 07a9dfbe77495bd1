"""Commands of the AWS CLI that switch logging on and keep the logs, each with its check and a warning.

What replaces a whole setting is written whole, with what is there kept; where that is not known, nothing is put. Nothing
here is run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ir_kit.domain.documents import mapping, mappings
from ir_kit.domain.shell import aws, compact

JSON = dict[str, Any]
OBJECT = "AWS::S3::Object"
MOST_BASIC_VALUES, MOST_BASIC = 250, 5  # data resources over all basic selectors of a trail; selectors
SETTLING = "CloudTrail's settings take some minutes to hold everywhere"
FEATURE = [{"Name": "S3_DATA_EVENTS", "Status": "ENABLED"}]
TAKES_AWAY = [
    "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObject", "s3:PutObjectRetention", "s3:BypassGovernanceRetention",
    "s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:PutLifecycleConfiguration", "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration", "s3:PutReplicationConfiguration", "s3:PutBucketAcl", "s3:DeleteBucket",
]  # fmt: skip


class Step(NamedTuple):
    """What to run, what proves that it took effect, and what to know before."""

    snippet: str
    check: str
    warning: str


def new_bucket(bucket: str, region: str) -> str:
    """The command that makes a bucket."""
    place = {} if region == "us-east-1" else {"create_bucket_configuration": f"LocationConstraint={region}"}
    return aws("s3api", "create-bucket", bucket=bucket, region=region, **place)


# trails, as DescribeTrails answers them


def trail_option(trail: JSON, **options: Any) -> Step:
    """A setting of a trail switched on by update-trail, or its logging started where none is given."""
    named = {"name": trail["TrailARN"], "region": trail["HomeRegion"]}
    if not options:
        check = aws("cloudtrail", "get-trail-status", **named, query="IsLogging", output="text")
        warning = f"what happened while it was stopped is lost for good; a new chain of digests starts. {SETTLING}"
        return Step(aws("cloudtrail", "start-logging", **named), f"{check}  # True", warning)
    validation = "enable_log_file_validation" in options
    setting = "LogFileValidationEnabled" if validation else "IsMultiRegionTrail"
    check = aws("cloudtrail", "get-trail", **named, query=f"Trail.{setting}", output="text")
    warning = "Regions with a trail of their own then pay for a second copy of management events"
    if validation:
        warning = "the first digest comes within two hours; files delivered before it stay unverified"
    return Step(aws("cloudtrail", "update-trail", **named, **options), f"{check}  # True", f"{warning}. {SETTLING}")


def new_trail(trail: JSON, account: str) -> Step:
    """A trail of all Regions, validated, in a bucket of its own."""
    name, bucket, region = trail["Name"], trail["S3BucketName"], trail["HomeRegion"]
    who = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    source = {"aws:SourceArn": trail["TrailARN"]}
    statements = [
        {"Sid": "IrKitTrailAclCheck", **who, "Action": "s3:GetBucketAcl", "Resource": f"arn:aws:s3:::{bucket}",
         "Condition": {"StringEquals": source}},
        {"Sid": "IrKitTrailWrite", **who, "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/AWSLogs/{account}/*",
         "Condition": {"StringEquals": {**source, "s3:x-amz-acl": "bucket-owner-full-control"}}},
    ]  # fmt: skip
    lines = [
        new_bucket(bucket, region),
        aws("s3api", "put-bucket-policy", bucket=bucket, region=region, policy={"Version": "2012-10-17", "Statement": statements}),
        aws("cloudtrail", "create-trail", name=name, s3_bucket_name=bucket, region=region, is_multi_region_trail=True,
            include_global_service_events=True, enable_log_file_validation=True),
        aws("cloudtrail", "start-logging", name=name, region=region),
    ]  # fmt: skip
    check = aws("cloudtrail", "get-trail-status", name=name, region=region, query="IsLogging", output="text")
    return Step(
        "\n".join(lines), f"{check}  # True", f"create-trail alone records nothing: start-logging does. {SETTLING}"
    )


def data_events(trail: JSON, buckets: Sequence[str]) -> Step:
    """Data events of these buckets on this trail, its selectors kept; where they are not known (None), how to see them."""
    named = {"trail_name": trail["TrailARN"], "region": trail["HomeRegion"]}
    get = aws("cloudtrail", "get-event-selectors", **named)
    snippet = f"{get}  # put back what it answers, with one more: {compact(basic_for(buckets))}"
    if trail["selectors"] is not None:
        ((kind, value),) = with_buckets(trail["selectors"], buckets).items()
        option = "event_selectors" if kind == "EventSelectors" else "advanced_event_selectors"
        snippet = aws("cloudtrail", "put-event-selectors", **named, **{option: value})
    warning = (
        "replaces the trail's whole set of selectors: it holds what is there now, this bucket and those of the steps "
        f"before it, so run them in this order, and nothing else in between. {SETTLING}, events come about 5 minutes "
        "later. The trail's own log bucket is left out: recording its deliveries would make more of them (log loop). "
        "Under an advanced selector by ARN it is open whether listings are recorded"
    )
    return Step(snippet, f"{get}  # names each bucket, and everything that it named before", warning)


def with_buckets(selectors: JSON, buckets: Sequence[str]) -> dict[str, list[JSON]]:
    """The whole set of selectors that records what this one does, and every object request of these buckets.

    Parameters
    ----------
    selectors : dict
        As `GetEventSelectors` answers; a trail without any records management events.

    Returns
    -------
    dict
        ``EventSelectors`` or ``AdvancedEventSelectors``, of the kind that is there; basic ones that have no room left
        become advanced, to the same effect.
    """
    if advanced := mappings(selectors.get("AdvancedEventSelectors") or []):
        return {"AdvancedEventSelectors": [*advanced, advanced_for(buckets)]}
    basic = mappings(selectors.get("EventSelectors") or [])
    basic = basic or [{"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": []}]
    used = sum(
        len(resource.get("Values") or ()) for selector in basic for resource in selector.get("DataResources") or ()
    )
    if used + len(buckets) > MOST_BASIC_VALUES or len(basic) >= MOST_BASIC:
        return {"AdvancedEventSelectors": [*as_advanced(basic), advanced_for(buckets)]}
    return {"EventSelectors": [*basic, basic_for(buckets)]}


def basic_for(buckets: Sequence[str]) -> JSON:
    """A basic selector of every object request of these buckets."""
    resource = {"Type": OBJECT, "Values": [f"arn:aws:s3:::{bucket}/" for bucket in buckets]}
    return {"ReadWriteType": "All", "IncludeManagementEvents": False, "DataResources": [resource]}


def advanced_for(buckets: Sequence[str]) -> JSON:
    """An advanced selector of every object request of these buckets."""
    arns = {"Field": "resources.ARN", "StartsWith": [f"arn:aws:s3:::{bucket}/" for bucket in buckets]}
    return {"Name": "S3 objects of named buckets", "FieldSelectors": [*_fields("Data", OBJECT), arns]}


def as_advanced(basic: Sequence[Mapping[str, Any]]) -> list[JSON]:
    """Basic selectors as advanced ones to the same effect: setting advanced ones wipes basic ones."""
    results = []
    for number, selector in enumerate(basic, start=1):
        read_only = {"ReadOnly": ["true"], "WriteOnly": ["false"]}.get(str(selector.get("ReadWriteType", "All")))
        half = [{"Field": "readOnly", "Equals": read_only}] if read_only else []
        if selector.get("IncludeManagementEvents", True):
            left_out = list(selector.get("ExcludeManagementEventSources") or ())
            without = [{"Field": "eventSource", "NotEquals": left_out}] if left_out else []
            results.append(
                {"Name": f"Management events {number}", "FieldSelectors": [*_fields("Management"), *half, *without]}
            )
        for resource in selector.get("DataResources") or ():
            kind, values = str(resource.get("Type")), [str(value) for value in resource.get("Values") or ()]
            if not values:
                continue  # selects nothing
            every = any(value.count(":") < 3 or value == "arn:aws:s3:::" for value in values)
            arns = [] if every else [{"Field": "resources.ARN", "StartsWith" if kind == OBJECT else "Equals": values}]
            results.append({"Name": f"{kind} {number}", "FieldSelectors": [*_fields("Data", kind), *half, *arns]})
    return results


def _fields(category: str, kind: str | None = None) -> list[JSON]:
    return [
        {"Field": "eventCategory", "Equals": [category]},
        *([{"Field": "resources.type", "Equals": [kind]}] if kind else []),
    ]


# buckets


def put_policy(bucket: str, region: str, policy: JSON | None, added: Sequence[JSON]) -> str:
    """A log bucket's policy with statements added; where the present one is not known (None), how to see it, and what to add."""
    if policy is None:
        get = aws("s3api", "get-bucket-policy", bucket=bucket, region=region, query="Policy", output="text")
        return f"{get}  # put back what it answers, with these statements: {compact(list(added))}"
    names = {statement["Sid"] for statement in added}
    remaining = [
        statement for statement in mappings(policy.get("Statement") or []) if statement.get("Sid") not in names
    ]
    whole = {**policy, "Version": policy.get("Version", "2012-10-17"), "Statement": [*remaining, *added]}
    return aws("s3api", "put-bucket-policy", bucket=bucket, region=region, policy=whole)


def deliveries_allowed(bucket: str, account: str) -> JSON:
    """The statement that lets S3 deliver access logs of this account's buckets."""
    return {
        "Sid": "IrKitAccessLogDelivery", "Effect": "Allow", "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }  # fmt: skip


def lets_deliver(statement: JSON, bucket: str) -> bool:
    """Does it let S3 deliver access logs of every bucket to the whole of this one, and is not the statement above?"""
    services, resources = mapping(statement.get("Principal")).get("Service"), statement.get("Resource")
    return (
        statement.get("Effect") == "Allow" and statement.get("Sid") != "IrKitAccessLogDelivery"
        and "logging.s3.amazonaws.com" in (services if isinstance(services, list) else [services])
        and f"arn:aws:s3:::{bucket}/*" in (resources if isinstance(resources, list) else [resources])
        and "aws:sourcearn" not in str(statement.get("Condition")).lower()
    )  # fmt: skip


def compromised_denied(bucket: str, principals: Sequence[str]) -> JSON:
    """The statement that keeps the principals of compromised credentials from changing or removing logs."""
    return {
        "Sid": "IrKitReachedPrincipals", "Effect": "Deny", "Principal": "*", "Action": TAKES_AWAY,
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"ArnEquals": {"aws:PrincipalArn": sorted(principals)}},
    }  # fmt: skip


def access_logging(
    bucket: str, region: str, target: str, *, account: str, target_is_new: bool, known_off: bool, policy: str | None
) -> Step:
    """Access logging of one bucket, to a bucket of the same account and Region, parted by day."""
    layout = {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}}
    status = {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": "", "TargetObjectKeyFormat": layout}}
    named = {"bucket": bucket, "region": region, "output": "text"}
    put = aws("s3api", "put-bucket-logging", bucket=bucket, region=region, bucket_logging_status=status)
    if not known_off:
        put = f'logging=$({aws("s3api", "get-bucket-logging", **named)}) && [ -z "$logging" ] && {put}'
    lines = [*([new_bucket(target, region)] if target_is_new else []), *([policy] if policy else []), put]
    answered = aws("s3api", "get-bucket-logging", **named, query="LoggingEnabled.TargetBucket")
    listed = aws("s3api", "list-objects-v2", bucket=target, prefix=f"{account}/{region}/{bucket}/", max_items="1")
    check = f"{answered}  # now: the log bucket's name\n{listed}  # after some hours with requests: one object"
    warning = (
        "takes about an hour to settle, and lines come hours later, at best effort; the log bucket must never log to "
        "itself (log loop), and is left out here"
    )
    return Step("\n".join(lines), check, warning)


def protected_bucket(
    bucket: str, region: str, *, versioning: bool, lock_days: int | None, policy: str | None, denied: Sequence[str]
) -> Step:
    """Versions kept, deletion withheld for a time, and compromised principals kept out: what of it is asked for."""
    named = {"bucket": bucket, "region": region}
    lines, checks, warnings = [], [], []
    if versioning:
        lines.append(aws("s3api", "put-bucket-versioning", **named, versioning_configuration="Status=Enabled"))
        checks.append(aws("s3api", "get-bucket-versioning", **named, query="Status", output="text") + "  # Enabled")
    if lock_days:
        retention = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": lock_days}}
        lock = {"ObjectLockEnabled": "Enabled", "Rule": retention}
        lines.append(aws("s3api", "put-object-lock-configuration", **named, object_lock_configuration=lock))
        checks.append(aws("s3api", "get-object-lock-configuration", **named) + f"  # GOVERNANCE, {lock_days} days")
        warnings.append(
            "Object Lock cannot be switched off again; governance mode can be bypassed by whoever holds that permission"
        )
    if policy:
        lines.append(policy)
        checks.append(
            aws("s3api", "get-bucket-policy", **named, query="Policy", output="text")
            + "  # holds every statement that was there"
        )
        warnings.append(
            "the policy replaces the whole policy: it holds what is there now and what the other steps here need"
        )
    if denied:
        warnings.append("run it as none of the principals that it denies: " + ", ".join(sorted(denied)))
    return Step("\n".join(lines), "\n".join(checks), "; ".join([*warnings, "takes effect within minutes"]))


def guardduty_protection(region: str) -> Step:
    """GuardDuty S3 Protection in one Region, on the detector that is there or a new one."""
    ask = aws("guardduty", "list-detectors", region=region, query="DetectorIds[0]", output="text")
    update = aws("guardduty", "update-detector", region=region, features=FEATURE)
    create = aws("guardduty", "create-detector", enable=True, region=region, features=FEATURE)
    query = "Features[?Name=='S3_DATA_EVENTS'].Status"
    get = aws("guardduty", "get-detector", region=region, query=query, output="text")
    warning = (
        "finds what it knows as suspicious and keeps no record that can be asked later: no replacement for logs. A "
        "Region has one detector; in an organization the delegated administrator sets it"
    )
    return Step(
        f'detector=$({ask})\nif [ "$detector" = None ]; then {create}; else {update} --detector-id "$detector"; fi',
        f'detector=$({ask})\n{get} --detector-id "$detector"  # ENABLED',
        warning,
    )
