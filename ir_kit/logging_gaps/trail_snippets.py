"""Snippets for trails: selectors written whole with what is there kept, and a trail's other settings."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ir_kit.logging_gaps.bucket_snippets import trail_allowed
from ir_kit.logging_gaps.snippets import OWNED, Snippet, command, compact, hcl, new_bucket, template

OBJECT = "AWS::S3::Object"
MOST_BASIC = 250  # data resources over all basic selectors of a trail
MOST_SELECTORS = 5
SETTLING = "CloudTrail's settings take some minutes to hold everywhere"


class TrailNow(NamedTuple):
    """A trail as configuration has it; None where it does not say."""

    name: str
    arn: str
    home_region: str
    bucket: str
    prefix: str = ""
    multi_region: bool = False
    global_events: bool = True
    validation: bool | None = None
    organization: bool = False
    logging: bool | None = None
    selectors: Mapping[str, Any] | None = None
    kms_key: str | None = None


Selectors = dict[str, list[dict[str, Any]]]


def with_buckets(selectors: Mapping[str, Any], buckets: Sequence[str]) -> Selectors:
    """The whole set of selectors that records what this one does, and every object request of these buckets.

    Parameters
    ----------
    selectors : mapping
        As `GetEventSelectors` answers: ``EventSelectors`` or ``AdvancedEventSelectors``. A trail without any records
        management events.
    buckets : sequence of str

    Returns
    -------
    dict
        ``EventSelectors`` or ``AdvancedEventSelectors``, of the kind that is there; basic ones that have no room left
        become advanced, to the same effect.
    """
    advanced = [dict(one) for one in selectors.get("AdvancedEventSelectors") or ()]
    if advanced:
        return (
            {"AdvancedEventSelectors": [*copy.deepcopy(advanced), _advanced_for(buckets)]}
            if buckets
            else {"AdvancedEventSelectors": advanced}
        )
    basic: list[dict[str, Any]] = copy.deepcopy([dict(one) for one in selectors.get("EventSelectors") or ()])
    if not basic:
        basic = [{"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": []}]
    if not buckets:
        return {"EventSelectors": basic}
    values = [f"arn:aws:s3:::{bucket}/" for bucket in buckets]
    used = sum(len(one.get("Values") or ()) for selector in basic for one in selector.get("DataResources") or ())
    room = next((one for one in basic if one.get("ReadWriteType", "All") == "All"), None)
    if used + len(values) > MOST_BASIC or (room is None and len(basic) >= MOST_SELECTORS):
        return {"AdvancedEventSelectors": [*as_advanced(basic), _advanced_for(buckets)]}
    if room is None:
        room = {"ReadWriteType": "All", "IncludeManagementEvents": False, "DataResources": []}
        basic.append(room)
    resources = room["DataResources"] = list(room.get("DataResources") or ())
    objects = next((one for one in resources if one.get("Type") == OBJECT), None)
    if objects is None:
        objects = {"Type": OBJECT, "Values": []}
        resources.append(objects)
    objects["Values"] = [
        *objects.get("Values", []),
        *(value for value in values if value not in objects.get("Values", [])),
    ]
    return {"EventSelectors": basic}


def _advanced_for(buckets: Sequence[str]) -> dict[str, Any]:
    return {
        "Name": "S3 objects of named buckets",
        "FieldSelectors": [
            {"Field": "eventCategory", "Equals": ["Data"]},
            {"Field": "resources.type", "Equals": [OBJECT]},
            {"Field": "resources.ARN", "StartsWith": [f"arn:aws:s3:::{bucket}/" for bucket in buckets]},
        ],
    }


def as_advanced(basic: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Basic selectors as advanced ones to the same effect: setting advanced ones wipes basic ones."""
    found = []
    for number, selector in enumerate(basic, start=1):
        read_only = {"ReadOnly": ["true"], "WriteOnly": ["false"]}.get(str(selector.get("ReadWriteType", "All")))
        half = [{"Field": "readOnly", "Equals": read_only}] if read_only else []
        if selector.get("IncludeManagementEvents", True):
            fields: list[dict[str, Any]] = [{"Field": "eventCategory", "Equals": ["Management"]}, *half]
            excluded = list(selector.get("ExcludeManagementEventSources") or ())
            if excluded:
                fields.append({"Field": "eventSource", "NotEquals": excluded})
            found.append({"Name": f"Management events {number}", "FieldSelectors": fields})
        for resource in selector.get("DataResources") or ():
            kind, values = str(resource.get("Type")), [str(value) for value in resource.get("Values") or ()]
            if not values:
                continue  # selects nothing
            fields = [
                {"Field": "eventCategory", "Equals": ["Data"]},
                {"Field": "resources.type", "Equals": [kind]},
                *half,
            ]
            whole = [value for value in values if value.count(":") < 3 or value == "arn:aws:s3:::"]
            if not whole:
                operator = "StartsWith" if kind == OBJECT else "Equals"
                fields.append({"Field": "resources.ARN", operator: values})
            found.append({"Name": f"{kind} {number}", "FieldSelectors": fields})
    return found


def data_events(trail: TrailNow, buckets: Sequence[str]) -> Snippet:
    """Data events of these buckets on this trail, its selectors kept; fetched first where they are not known."""
    trail_words = ("--trail-name", trail.arn, "--region", trail.home_region)
    put = ("aws", "cloudtrail", "put-event-selectors", *trail_words)
    cloudformation = terraform = None
    if trail.selectors is not None:
        whole = with_buckets(trail.selectors, buckets)
        ((kind, value),) = whole.items()
        option = "--event-selectors" if kind == "EventSelectors" else "--advanced-event-selectors"
        cli = command(*put, option, compact(value))
        cloudformation, terraform = _declared(trail, selectors=whole)
    else:
        get = command("aws", "cloudtrail", "get-event-selectors", *trail_words)
        values = compact([f"arn:aws:s3:::{bucket}/" for bucket in buckets])
        edit = (
            "if ((.AdvancedEventSelectors // []) | length) > 0 "
            "then {AdvancedEventSelectors: (.AdvancedEventSelectors + "
            '[{Name: "S3 objects of named buckets", FieldSelectors: ['
            '{Field: "eventCategory", Equals: ["Data"]}, {Field: "resources.type", Equals: ["AWS::S3::Object"]}, '
            '{Field: "resources.ARN", StartsWith: $values}]}])} '
            'else {EventSelectors: ((.EventSelectors // []) + [{ReadWriteType: "All", IncludeManagementEvents: false, '
            'DataResources: [{Type: "AWS::S3::Object", Values: $values}]}])} end'
        )
        jq = command("jq", "-c", "--argjson", "values", values, edit)
        merge = f"selectors=$({get}) && selectors=$(printf '%s' \"$selectors\" | {jq})"
        cli = f'{merge} && {command(*put)} --cli-input-json "$selectors"'
    check = (
        command("aws", "cloudtrail", "get-event-selectors", *trail_words)
        + "  # names each bucket, and everything that it named before"
    )
    warning = (
        "replaces the trail's whole set of selectors: it holds what is there now, this bucket and those of the steps "
        "before it, so run them in this "
        f"order, and nothing else in between. {SETTLING}, events come about 5 minutes later. "
        "The trail's own log bucket is left out: recording its "
        "deliveries would make more of them (log loop). "
        "Under an advanced selector by ARN it is open whether listings are recorded. "
        f"CloudFormation and Terraform: {OWNED}"
    )
    return Snippet(cli, cloudformation, terraform, check, warning)


def _declared(
    trail: TrailNow,
    *,
    selectors: Selectors | None = None,
    validation: bool | None = None,
    multi_region: bool | None = None,
) -> tuple[str, str]:
    """The trail as a template and in HCL: what is known of it, with what changes."""
    multi = trail.multi_region if multi_region is None else multi_region
    validation = bool(trail.validation) if validation is None else validation
    properties: dict[str, Any] = {
        "TrailName": trail.name,
        "S3BucketName": trail.bucket,
        "IsLogging": True,
        "IsMultiRegionTrail": multi,
        "IncludeGlobalServiceEvents": trail.global_events or multi,
        "EnableLogFileValidation": validation,
    }
    body: dict[str, Any] = {
        "name": trail.name,
        "s3_bucket_name": trail.bucket,
        "enable_logging": True,
        "is_multi_region_trail": multi,
        "include_global_service_events": trail.global_events or multi,
        "enable_log_file_validation": validation,
    }
    if trail.prefix:
        properties["S3KeyPrefix"] = body["s3_key_prefix"] = trail.prefix.rstrip("/")
    if trail.kms_key:
        properties["KMSKeyId"] = body["kms_key_id"] = trail.kms_key
    if trail.organization:
        properties["IsOrganizationTrail"] = body["is_organization_trail"] = True
    kept = selectors or {
        name: value for name, value in (trail.selectors or {}).items() if name.endswith("EventSelectors") and value
    }
    properties |= kept
    if kept.get("EventSelectors"):
        body["event_selector"] = [_basic_hcl(one) for one in kept["EventSelectors"]]
    if kept.get("AdvancedEventSelectors"):
        body["advanced_event_selector"] = [_advanced_hcl(one) for one in kept["AdvancedEventSelectors"]]
    return template({"Trail": ("AWS::CloudTrail::Trail", properties)}), hcl("aws_cloudtrail", trail.name, body)


def _basic_hcl(selector: Mapping[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "read_write_type": str(selector.get("ReadWriteType", "All")),
        "include_management_events": bool(selector.get("IncludeManagementEvents", True)),
    }
    if selector.get("ExcludeManagementEventSources"):
        body["exclude_management_event_sources"] = list(selector["ExcludeManagementEventSources"])
    resources = [
        {"type": str(one.get("Type")), "values": list(one.get("Values") or ())}
        for one in selector.get("DataResources") or ()
    ]
    return body | ({"data_resource": resources} if resources else {})


_OPERATORS = {
    "Equals": "equals",
    "StartsWith": "starts_with",
    "EndsWith": "ends_with",
    "NotEquals": "not_equals",
    "NotStartsWith": "not_starts_with",
    "NotEndsWith": "not_ends_with",
}


def _advanced_hcl(selector: Mapping[str, Any]) -> dict[str, Any]:
    fields = [
        {
            "field": str(one.get("Field")),
            **{_OPERATORS[name]: list(value) for name, value in one.items() if name in _OPERATORS and value},
        }
        for one in selector.get("FieldSelectors") or ()
    ]
    return {"name": str(selector.get("Name") or ""), "field_selector": fields}


def updated_trail(trail: TrailNow, option: str) -> Snippet:
    """One setting of a trail switched on: ``validation`` or ``multi_region``."""
    words = {"validation": "--enable-log-file-validation", "multi_region": "--is-multi-region-trail"}
    asked = {"validation": "LogFileValidationEnabled", "multi_region": "IsMultiRegionTrail"}
    more = ["--include-global-service-events"] if option == "multi_region" else []
    named = ("--name", trail.arn, "--region", trail.home_region)
    cloudformation, terraform = _declared(
        trail, validation=option == "validation" or None, multi_region=option == "multi_region" or None
    )
    warning = {
        "validation": "the first digest comes within two hours; files delivered before it stay unverified",
        "multi_region": "Regions with a trail of their own then pay for a second copy of management events",
    }[option]
    return Snippet(
        command("aws", "cloudtrail", "update-trail", *named, words[option], *more),
        cloudformation,
        terraform,
        command("aws", "cloudtrail", "get-trail", *named, "--query", f"Trail.{asked[option]}", "--output", "text")
        + "  # True",
        f"{warning}. {SETTLING}. CloudFormation and Terraform: {OWNED}",
    )


def started(trail: TrailNow) -> Snippet:
    """Logging of a stopped trail started again."""
    named = ("--name", trail.arn, "--region", trail.home_region)
    cloudformation, terraform = _declared(trail)
    return Snippet(
        command("aws", "cloudtrail", "start-logging", *named),
        cloudformation,
        terraform,
        command("aws", "cloudtrail", "get-trail-status", *named, "--query", "IsLogging", "--output", "text")
        + "  # True",
        f"what happened while it was stopped is lost for good; a new chain of digests starts. {SETTLING}",
    )


def new_trail(trail: TrailNow, account: str) -> Snippet:
    """A trail of all Regions, validated, in a bucket of its own."""
    policy = {"Version": "2012-10-17", "Statement": trail_allowed(trail.bucket, account, trail.arn)}
    region = ("--region", trail.home_region)
    cli = [
        new_bucket(trail.bucket, trail.home_region),
        command("aws", "s3api", "put-bucket-policy", "--bucket", trail.bucket, *region, "--policy", compact(policy)),
        command(
            "aws",
            "cloudtrail",
            "create-trail",
            "--name",
            trail.name,
            "--s3-bucket-name",
            trail.bucket,
            *region,
            "--is-multi-region-trail",
            "--include-global-service-events",
            "--enable-log-file-validation",
        ),
        command("aws", "cloudtrail", "start-logging", "--name", trail.name, *region),
    ]
    _, terraform = _declared(trail)
    properties = {
        "TrailName": trail.name,
        "S3BucketName": trail.bucket,
        "IsLogging": True,
        "IsMultiRegionTrail": True,
        "IncludeGlobalServiceEvents": True,
        "EnableLogFileValidation": True,
    }
    resources: dict[str, tuple[str, Mapping[str, Any]]] = {
        "TrailBucket": ("AWS::S3::Bucket", {"BucketName": trail.bucket}),
        "TrailBucketPolicy": ("AWS::S3::BucketPolicy", {"Bucket": trail.bucket, "PolicyDocument": policy}),
        "Trail": ("AWS::CloudTrail::Trail", properties),
    }
    blocks = [
        hcl("aws_s3_bucket", trail.bucket, {"bucket": trail.bucket}),
        hcl("aws_s3_bucket_policy", trail.bucket, {"bucket": trail.bucket, "policy": compact(policy)}),
        terraform,
    ]
    check = command(
        "aws",
        "cloudtrail",
        "get-trail-status",
        "--name",
        trail.name,
        *region,
        "--query",
        "IsLogging",
        "--output",
        "text",
    )
    return Snippet(
        "\n".join(cli),
        template(resources),
        "\n".join(blocks),
        check + "  # True",
        f"create-trail alone records nothing: start-logging does. {SETTLING}",
    )
