"""Event selectors: would this request have been recorded by a trail with these selectors? Basic and advanced, in their
full meaning.

Sources: CloudTrail API reference, ``DataResource``, ``EventSelector``, ``AdvancedFieldSelector``; CloudTrail User
Guide, "Filtering data events by using advanced event selectors" (within one field the operators that select are OR'd,
those that deselect exclude when any matches, both groups are AND'd; fields are AND'd; selectors are OR'd; no
wildcards). Field guide 2.1, 2.3, 2.7.

Decided where the sources leave room:

- A basic value ``arn:aws:s3:::bucket`` without the slash records nothing. CloudTrail refuses it
  (`InvalidEventSelectorsException`, hashicorp/terraform-provider-aws#4043), so it cannot be in effect; a log that names
  it is not taken for coverage.
- In an advanced selector the same text is an ordinary prefix: ``StartsWith arn:aws:s3:::b`` selects ``b/...`` and
  ``b-other/...`` too.
- Listings carry ``ARNPrefix`` and no ``ARN``: under a filter on ``resources.ARN`` it is open whether they are recorded
  (`partly`).
- A basic prefix (``arn:aws:s3:::b/pre``) leaves open whether listings are recorded; a whole bucket records them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Answer = Literal["yes", "no", "partly"]
OBJECT = "AWS::S3::Object"
S3 = "s3.amazonaws.com"
LISTINGS = frozenset({"ListObjects", "ListObjectVersions", "HeadBucket", "ListMultipartUploads"})
_SELECT = ("equals", "startswith", "endswith")
_DESELECT = ("notequals", "notstartswith", "notendswith")
_NO_PARTITION = ("arn:aws:s3", "arn:aws:s3:::")


@dataclass(frozen=True)
class Request:
    """One request, as selectors see it. None: not known, so that a filter on it answers `partly`."""

    event_name: str
    event_source: str = S3
    category: Literal["Management", "Data"] = "Data"
    read_only: bool | None = None
    resource_type: str = OBJECT
    resource_arn: str | None = None
    arn_prefix: str | None = None  # listings have this instead of an ARN
    principal_arn: str | None = None
    event_type: str | None = "AwsApiCall"
    from_console: bool | None = None
    error_code: str | None = None
    vpc_endpoint_id: str | None = None
    bucket: str | None = None
    key: str | None = None


@dataclass(frozen=True)
class Basic:
    """One basic event selector."""

    read_write: str = "all"  # all, readonly, writeonly
    management: bool = True
    excluded_sources: tuple[str, ...] = ()
    data: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Condition:
    """One field selector: a field and its operators, each with its values."""

    field: str
    operators: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class SelectorSet:
    """What a trail selects: basic selectors or advanced ones, never both. `by_default` where nobody ever set any."""

    basic: tuple[Basic, ...] = ()
    advanced: tuple[tuple[Condition, ...], ...] = ()
    by_default: bool = field(default=False, compare=False)


DEFAULT = SelectorSet(basic=(Basic(),), by_default=True)


def s3_request(
    bucket: str | None, key: str | None, event_name: str, read_only: bool | None, principal_arn: str | None = None
) -> Request:
    """A data event of S3 on an object (or a listing of a bucket) as selectors see it."""
    base = f"arn:aws:s3:::{bucket}/"
    if event_name in LISTINGS or (key is None and bucket is not None):
        return Request(event_name, read_only=read_only, arn_prefix=base, principal_arn=principal_arn, bucket=bucket)
    return Request(
        event_name,
        read_only=read_only,
        resource_arn=f"{base}{key}",
        principal_arn=principal_arn,
        bucket=bucket,
        key=key,
    )


# reading the documents


def selector_set(document: Mapping[str, Any] | None) -> SelectorSet | None:
    """What do these parameters or this answer select? Either casing; None where the document names no selectors.

    Parameters
    ----------
    document : mapping
        The answer of ``GetEventSelectors``, or ``requestParameters`` or ``responseElements`` of ``PutEventSelectors``.
    """
    lower = _lowered(document or {})
    advanced = _items(lower.get("advancedeventselectors"))
    if advanced:
        return SelectorSet(advanced=tuple(_advanced(_lowered(one)) for one in advanced))
    if "eventselectors" not in lower:
        return None
    return SelectorSet(basic=tuple(_basic(_lowered(one)) for one in _items(lower["eventselectors"])))


def _lowered(document: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name).replace("_", "").lower(): value for name, value in document.items()}


def _items(value: Any) -> list[Any]:
    """A list; a single repeated element that became an object counts as a list of one."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in _items(value) if item is not None)


def _truth(value: Any, default: bool) -> bool:
    if value is None:
        return default
    return value if isinstance(value, bool) else str(value).lower() == "true"


def _basic(one: dict[str, Any]) -> Basic:
    data = tuple(
        (str(resource.get("type")), _texts(resource.get("values")))
        for resource in map(_lowered, _items(one.get("dataresources")))
    )
    return Basic(
        str(one.get("readwritetype") or "All").lower(),
        _truth(one.get("includemanagementevents"), True),
        _texts(one.get("excludemanagementeventsources")),
        data,
    )


def _advanced(one: dict[str, Any]) -> tuple[Condition, ...]:
    conditions = []
    for given in map(_lowered, _items(one.get("fieldselectors"))):
        operators = tuple((name, _texts(given[name])) for name in (*_SELECT, *_DESELECT) if _items(given.get(name)))
        conditions.append(Condition(str(given.get("field")).lower(), operators))
    return tuple(conditions)


# answering for one request


def records(selectors: SelectorSet, request: Request) -> Answer:
    """Would a trail with these selectors record this request?

    Returns
    -------
    str
        ``yes``, ``no``, or ``partly`` where it depends on what the request leaves open or AWS does not say.
    """
    answers = [_basic_records(one, request) for one in selectors.basic]
    answers += [_advanced_records(one, request) for one in selectors.advanced]
    return _any(answers)


def _any(answers: Iterable[Answer]) -> Answer:
    given = set(answers)
    return "yes" if "yes" in given else "partly" if "partly" in given else "no"


def _all(answers: Iterable[Answer]) -> Answer:
    given = set(answers)
    return "no" if "no" in given else "partly" if "partly" in given else "yes"


def _not(answer: Answer) -> Answer:
    return {"yes": "no", "no": "yes", "partly": "partly"}[answer]  # type: ignore[return-value]


def _basic_records(one: Basic, request: Request) -> Answer:
    kind: Answer = "yes"
    if one.read_write != "all":
        kind = (
            "partly"
            if request.read_only is None
            else "yes"
            if request.read_only == (one.read_write == "readonly")
            else "no"
        )
    if request.category == "Management":
        taken = one.management and request.event_source not in one.excluded_sources
        return _all([kind, "yes" if taken else "no"])
    values = [value for type_, given in one.data if type_ == request.resource_type for value in given]
    return _all([kind, _any(_basic_value(value, request) for value in values)])


def _basic_value(value: str, request: Request) -> Answer:
    parts = value.split(":")
    if len(parts) < 3 or parts[2] != "s3" or request.resource_type != OBJECT:
        return "no"
    rest = ":".join(parts[3:])  # what follows arn:partition:s3
    if rest.strip(":") == "":
        return "yes"
    bucket, slash, prefix = rest.lstrip(":").partition("/")
    if not slash or bucket != _bucket_of(request):
        return "no"
    if prefix == "":
        return "yes"
    if request.arn_prefix is not None:
        return "partly"
    key = _key_of(request)
    return "partly" if key is None else "yes" if key.startswith(prefix) else "no"


def _bucket_of(request: Request) -> str | None:
    arn = request.resource_arn or request.arn_prefix
    return request.bucket or (arn.rpartition(":::")[2].partition("/")[0] if arn else None)


def _key_of(request: Request) -> str | None:
    if request.key is not None or request.resource_arn is None:
        return request.key
    return request.resource_arn.rpartition(":::")[2].partition("/")[2]


def _advanced_records(conditions: tuple[Condition, ...], request: Request) -> Answer:
    # eventCategory is required: a selector without it (none can be stored) selects nothing
    if not any(condition.field == "eventcategory" for condition in conditions):
        return "no"
    if request.category == "Data" and not any(condition.field == "resources.type" for condition in conditions):
        return "no"
    return _all(_met(condition, request) for condition in conditions)


def _met(condition: Condition, request: Request) -> Answer:
    if condition.field == "resources.arn" and request.resource_arn is None:
        return _met_without_arn(condition, request)
    known, value = _value(condition.field, request)
    if not known:
        return "partly"
    return _compared(condition, value)


def _compared(condition: Condition, value: str | None) -> Answer:
    """A field that the record does not have is selected by no value, and deselected by none."""
    # userIdentity.arn, ARNs and names are compared as they are; true and false in any casing
    selects = [(name, given) for name, given in condition.operators if name in _SELECT]
    deselects = [(name, given) for name, given in condition.operators if name in _DESELECT]
    if value is None:
        return "no" if selects else "yes"
    chosen = not selects or any(_matches(name, one, value) for name, given in selects for one in given)
    refused = any(_matches(name.removeprefix("not"), one, value) for name, given in deselects for one in given)
    return "yes" if chosen and not refused else "no"


def _matches(operator: str, given: str, value: str) -> bool:
    if operator == "equals":
        return value == given or (given.lower() in ("true", "false") and value == given.lower())
    return value.startswith(given) if operator == "startswith" else value.endswith(given)


def _met_without_arn(condition: Condition, request: Request) -> Answer:
    """A listing under a filter on resources.ARN: what would be said of its prefix or its bucket is not certain."""
    if request.arn_prefix is None:
        return "partly"
    seen = {_compared(condition, request.arn_prefix), _compared(condition, request.arn_prefix.rstrip("/"))}
    selecting = any(name in _SELECT for name, _ in condition.operators)
    if seen == {"no"}:
        # a listing of the bucket may still fall under a longer prefix that is selected
        below = any(one.startswith(request.arn_prefix) for _, given in condition.operators for one in given)
        return "partly" if below and selecting else "no" if selecting else "partly"
    return "partly" if selecting or seen != {"yes"} else "yes"


def _value(name: str, request: Request) -> tuple[bool, str | None]:
    """Is the field's value known, and what is it?"""
    if name == "readonly":
        return request.read_only is not None, str(request.read_only).lower()
    if name == "sessioncredentialfromconsole":
        return request.from_console is not None, "true" if request.from_console else None
    if name == "useridentity.arn":
        return request.principal_arn is not None, request.principal_arn
    values = {
        "eventcategory": request.category, "resources.type": request.resource_type, "eventname": request.event_name,
        "eventsource": request.event_source, "eventtype": request.event_type, "resources.arn": request.resource_arn,
        "errorcode": request.error_code, "vpcendpointid": request.vpc_endpoint_id,
    }  # fmt: skip
    return name in values, values.get(name)
