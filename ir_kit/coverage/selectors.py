"""Event selectors, basic and advanced: would this request be recorded, and how much of a bucket or a Region?

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
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any, Literal, NamedTuple

from ir_kit.domain.documents import mappings

Answer = Literal["yes", "no", "partly"]
ORDER: tuple[Answer, ...] = ("no", "partly", "yes")  # all of several: the least; any of several: the most
OBJECT, S3 = "AWS::S3::Object", "s3.amazonaws.com"
LISTINGS = frozenset({"ListObjects", "ListObjectVersions", "HeadBucket", "ListMultipartUploads"})
MINOR_SERVICES = frozenset({"kms.amazonaws.com", "rdsdata.amazonaws.com"})  # what basic selectors can leave out
SELECTING = ("equals", "startswith", "endswith")
OPERATORS = (*SELECTING, "notequals", "notstartswith", "notendswith")
BASIC = "basic"  # the operator of a basic selector's value
READS = (
    "GetObject", "HeadObject", "GetObjectAcl", "GetObjectTagging", "GetObjectAttributes", "ListParts",
    "SelectObjectContent", "GetObjectRetention", "GetObjectLegalHold", "GetObjectTorrent", *sorted(LISTINGS),
)  # fmt: skip
WRITES = (
    "PutObject", "PostObject", "CopyObject", "DeleteObject", "DeleteObjects", "CreateMultipartUpload", "UploadPart",
    "UploadPartCopy", "CompleteMultipartUpload", "AbortMultipartUpload", "PutObjectAcl", "PutObjectTagging",
    "DeleteObjectTagging", "RestoreObject", "PutObjectRetention", "PutObjectLegalHold",
)  # fmt: skip
FRESH = "\x00other"  # a value that no selector names
MOST = 60_000  # combinations of values that are tried
NAMES = {
    "event_name": "event names", "key": "keys", "principal_arn": "principals", "event_source": "services",
    "from_console": "use of the console", "vpc_endpoint_id": "VPC endpoints", "error_code": "error codes", "read_only":
    "read-only calls",
}  # fmt: skip


@dataclass(frozen=True)
class Request:
    """One request as selectors see it: of a bucket without a key, it is a listing.

    None: not known for `read_only`, `principal_arn` and `from_console`, so that a filter on it answers `partly`;
    absent for the others.
    """

    event_name: str
    event_source: str = S3
    category: Literal["Management", "Data"] = "Data"
    read_only: bool | None = None
    principal_arn: str | None = None
    from_console: bool | None = None
    error_code: str | None = None
    vpc_endpoint_id: str | None = None
    bucket: str | None = None
    key: str | None = None


class Condition(NamedTuple):
    """One field selector: a field and its operators, each with its values."""

    field: str
    operators: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class SelectorSet:
    """What a trail selects: a request that meets all conditions of any selector. Basic ones are put as advanced ones."""

    selectors: tuple[tuple[Condition, ...], ...] = ()
    by_default: bool = field(default=False, compare=False)  # where nobody ever set any

    def operators(self, name: str) -> list[tuple[str, str]]:
        """Every operator on a field, with each of its values."""
        return [
            (operator, value)
            for conditions in self.selectors for condition in conditions if condition.field == name
            for operator, values in condition.operators for value in values
        ]  # fmt: skip

    def values(self, name: str) -> list[str]:
        """Every value that a field is compared with."""
        return sorted({value for _, value in self.operators(name)})


def lowered(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document with names as answers and events may both write them."""
    return {str(name).replace("_", "").lower(): value for name, value in document.items()}


def selector_set(document: Mapping[str, Any] | None) -> SelectorSet | None:
    """What do these parameters or this answer select? Either casing; None where the document names no selectors.

    Parameters
    ----------
    document : mapping
        The answer of ``GetEventSelectors``, or ``requestParameters`` or ``responseElements`` of ``PutEventSelectors``.
    """
    given = lowered(document or {})
    advanced = mappings(given.get("advancedeventselectors"))
    if advanced:
        return SelectorSet(tuple(_advanced(lowered(selector)) for selector in advanced))
    if "eventselectors" not in given:
        return None
    return SelectorSet(tuple(part for basic in mappings(given["eventselectors"]) for part in _basic(lowered(basic))))


def _texts(value: Any) -> tuple[str, ...]:
    listed = value if isinstance(value, list | tuple) else [value]
    return tuple(str(item) for item in listed if item is not None)


def _basic(selector: dict[str, Any]) -> Iterable[tuple[Condition, ...]]:
    kind, excluded = str(selector.get("readwritetype") or "All").lower(), selector.get("excludemanagementeventsources")
    reads = (_equals("readonly", "true" if kind == "readonly" else "false"),) if kind != "all" else ()
    management = selector.get("includemanagementevents")
    if management is None or str(management).lower() == "true":
        sources = _texts(excluded)
        rest = (Condition("eventsource", (("notequals", sources),)),) if sources else ()
        yield (_equals("eventcategory", "Management"), *reads, *rest)
    for resource in map(lowered, mappings(selector.get("dataresources"))):
        values = Condition("resources.arn", ((BASIC, _texts(resource.get("values"))),))
        yield (_equals("eventcategory", "Data"), _equals("resources.type", str(resource.get("type"))), *reads, values)


def _equals(name: str, value: str) -> Condition:
    return Condition(name, (("equals", (value,)),))


def _advanced(selector: dict[str, Any]) -> tuple[Condition, ...]:
    return tuple(
        Condition(str(given.get("field")).lower(), tuple((name, values) for name in OPERATORS if (values := _texts(given.get(name)))))
        for given in map(lowered, mappings(selector.get("fieldselectors")))
    )  # fmt: skip


DEFAULT = replace(SelectorSet(tuple(_basic({}))), by_default=True)


def records(selectors: SelectorSet, request: Request) -> Answer:
    """Would a trail with these selectors record this request?

    Returns
    -------
    str
        ``yes``, ``no``, or ``partly`` where it depends on what the request leaves open or AWS does not say.
    """
    return max((_selected(conditions, request) for conditions in selectors.selectors), key=ORDER.index, default="no")


def _selected(conditions: tuple[Condition, ...], request: Request) -> Answer:
    # without these no selector can be stored, and it would select nothing
    required = {"eventcategory", "resources.type"} if request.category == "Data" else {"eventcategory"}
    if not required <= {condition.field for condition in conditions}:
        return "no"
    answer: Answer = "yes"
    for condition in conditions:
        answer = min(answer, _met(condition, request), key=ORDER.index)
        if answer == "no":
            break
    return answer


def _met(condition: Condition, request: Request) -> Answer:
    name = condition.field
    if name == "resources.arn":
        if condition.operators and condition.operators[0][0] == BASIC:
            values = condition.operators[0][1]
            return max((_basic_met(value, request) for value in values), key=ORDER.index, default="no")
        if request.bucket is None:
            return "partly"
        base = f"arn:aws:s3:::{request.bucket}/"
        return _listing_met(condition, base) if request.key is None else _compared(condition, base + request.key)
    unsure = {"readonly": request.read_only, "useridentity.arn": request.principal_arn,
              "sessioncredentialfromconsole": request.from_console}  # fmt: skip
    if name in unsure and unsure[name] is None:
        return "partly"
    values_of = {
        "eventcategory": request.category, "resources.type": OBJECT, "eventname": request.event_name,
        "eventsource": request.event_source, "eventtype": "AwsApiCall", "errorcode": request.error_code,
        "vpcendpointid": request.vpc_endpoint_id, "readonly": str(request.read_only).lower(),
        "useridentity.arn": request.principal_arn,
        "sessioncredentialfromconsole": "true" if request.from_console else None,
    }  # fmt: skip
    return _compared(condition, values_of[name]) if name in values_of else "partly"


@lru_cache(maxsize=65_536)
def _basic_target(value: str) -> tuple[str, str] | None:
    """Bucket and prefix of a basic value, empty where it is all buckets; None where it selects nothing of S3."""
    parts = value.split(":")
    if len(parts) < 3 or parts[2] != "s3":
        return None
    rest = ":".join(parts[3:]).lstrip(":")  # what follows arn:partition:s3
    bucket, slash, prefix = rest.partition("/")
    return (bucket, prefix) if bucket and slash else None if rest else ("", "")


def _basic_met(value: str, request: Request) -> Answer:
    target = _basic_target(value)
    if target is None or target[0] not in ("", request.bucket):
        return "no"
    if not target[1]:
        return "yes"
    if request.key is None:
        return "partly"
    return "yes" if request.key.startswith(target[1]) else "no"


def _compared(condition: Condition, value: str | None) -> Answer:
    """A field that the record does not have is selected by no value, and deselected by none."""
    selecting = [(name, given) for name, given in condition.operators if name in SELECTING]
    if value is None:
        return "no" if selecting else "yes"
    chosen = not selecting or any(_matches(name, text, value) for name, given in selecting for text in given)
    refused = any(
        _matches(name.removeprefix("not"), text, value)
        for name, given in condition.operators if name not in SELECTING for text in given
    )  # fmt: skip
    return "yes" if chosen and not refused else "no"


def _matches(operator: str, given: str, value: str) -> bool:
    # ARNs and names are compared as they are; true and false in any casing
    if operator == "equals":
        return value == given or (given.lower() in ("true", "false") and value == given.lower())
    return value.startswith(given) if operator == "startswith" else value.endswith(given)


def _listing_met(condition: Condition, prefix: str) -> Answer:
    """A listing under a filter on resources.ARN: what AWS compares, its prefix or its bucket, is not certain."""
    answers = {_compared(condition, prefix), _compared(condition, prefix.rstrip("/"))}
    selecting = any(name in SELECTING for name, _ in condition.operators)
    if answers == {"no"} and selecting:
        # a listing of the bucket may still fall under a longer prefix that is selected
        below = any(text.startswith(prefix) for _, given in condition.operators for text in given)
        return "partly" if below else "no"
    return "partly" if selecting or answers != {"yes"} else "yes"


@dataclass(frozen=True)
class Coverage:
    """How much of a class is recorded: `kind`, which part is not in `words`, and by which fields in `left_out`."""

    kind: Literal["all", "none", "partly"]
    words: str = ""
    left_out: tuple[str, ...] = ()


@lru_cache(maxsize=65_536)
def coverage_of_bucket(selectors: SelectorSet, bucket: str, record_class: str) -> Coverage:
    """How much of the requests of a class on this bucket do these selectors record?

    Selectors compare fields with finitely many values, so a few requests stand for all of them: each value that is
    named, one that begins with it, one that ends with it, and one that nobody names.

    Parameters
    ----------
    record_class : {'management', 'data_read', 'data_write'}
        ``management``: calls on the bucket's configuration.
    """
    if record_class == "management":
        variations: dict[str, list[Any]] = {"event_source": [S3], "read_only": [True, False]}
        return _coverage(selectors, variations, Request("", category="Management"))
    base = f"arn:aws:s3:::{bucket}/"
    names = READS if record_class == "data_read" else WRITES
    keys = [value.removeprefix(base) for value in selectors.values("resources.arn") if value.startswith(base)]
    ends = [value for operator, value in selectors.operators("resources.arn") if operator.endswith("endswith")]
    variations = {
        "event_name": _probes([name for name in selectors.values("eventname") if name in names], names),
        "key": _probes(keys, [f"{FRESH}{end}" for end in ends]),
        "principal_arn": _probes(selectors.values("useridentity.arn")),
        "from_console": [True, False] if selectors.values("sessioncredentialfromconsole") else [False],
        "vpc_endpoint_id": _probes(selectors.values("vpcendpointid")),
        "error_code": _probes(selectors.values("errorcode"), [None]),
    }
    return _coverage(selectors, variations, Request("", read_only=record_class == "data_read", bucket=bucket))


@lru_cache(maxsize=4_096)
def coverage_of_region(selectors: SelectorSet) -> Coverage:
    """How much of the management events of a Region do these selectors record?"""
    variations = {"event_source": _probes(selectors.values("eventsource"), [S3]), "read_only": [True, False]}
    return _coverage(selectors, variations, Request("", category="Management"))


def _probes(named: Iterable[str], more: Iterable[Any] = ()) -> list[Any]:
    tried = [probe for name in named for probe in (name, f"{name}{FRESH}", f"{FRESH}{name}")]
    return list(dict.fromkeys([FRESH, *tried, *more]))


def _coverage(selectors: SelectorSet, variations: dict[str, list[Any]], request: Request) -> Coverage:
    products = [variations]
    if prod(map(len, variations.values())) > MOST:  # too many values to combine: each field by itself
        products = [{name: values if name == varied else values[:1] for name, values in variations.items()}
                    for varied in variations]  # fmt: skip
    tries = [
        replace(request, **dict(zip(variations, values, strict=True)))
        for tried in products for values in product(*tried.values())
    ]  # fmt: skip
    tries = [replace(probe, key=None) if probe.event_name in LISTINGS else probe for probe in tries]
    answers = [(probe, records(selectors, probe)) for probe in dict.fromkeys(tries)]
    given = {answer for _, answer in answers}
    if given == {"yes"}:
        return Coverage("all")
    if given == {"no"}:
        named = [value for name, value in selectors.operators("resources.arn") if name == BASIC and request.bucket]
        slashless = [value for value in named if value.endswith(f":::{request.bucket}")]
        return Coverage("none", f"{slashless[0]} lacks the slash and selects nothing" if slashless else "")
    words, left_out = _described(answers, [name for name, values in variations.items() if len(values) > 1])
    return Coverage("partly", "; ".join(words), tuple(left_out))


def _described(answers: list[tuple[Request, Answer]], varied: list[str]) -> tuple[list[str], list[str]]:
    """Which values are never recorded, or are the only ones that are, field by field."""
    words: list[str] = []
    left_out: list[str] = []
    listing = {answer for probe, answer in answers if probe.event_name in LISTINGS}
    rest = [(probe, answer) for probe, answer in answers if probe.event_name not in LISTINGS]
    if listing and "yes" not in listing:
        words.append("listings are left out" if listing == {"no"} else "listings may be left out")
        left_out.append("listings")
    if rest and {answer for _, answer in rest} == {"yes"}:
        return words, left_out
    for name in varied:
        by_value: dict[Any, set[str]] = {}
        for probe, answer in rest:
            by_value.setdefault(getattr(probe, name), set()).add(answer)
        recorded = [value for value, given in by_value.items() if given != {"no"}]
        missed = [value for value, given in by_value.items() if given == {"no"}]
        if not missed or not recorded:
            continue
        minor = name == "event_source" and {str(value).replace(FRESH, "") for value in missed} <= MINOR_SERVICES
        left_out.append("minor_services" if minor else {"principal_arn": "principal", "key": "prefix"}.get(name, name))
        if FRESH in missed or (name in ("event_name", "read_only") and len(recorded) <= len(missed)):
            words.append(f"only {NAMES[name]} {_named(recorded)} are recorded")
        else:
            words.append(f"{NAMES[name]} {_named(missed)} are left out")
    return words or ["some combinations of fields are left out"], left_out if words else ["combination"]


def _named(values: list[Any]) -> str:
    texts = [str(value) for value in values if FRESH not in str(value)]
    texts += [f"{value.removesuffix(FRESH)}*" for value in map(str, values) if value.endswith(FRESH) and value != FRESH]
    plain = sorted({text for text in texts if f"{text}*" not in texts})
    if not plain:
        return "of other values"
    return ", ".join(plain[:6]) + (f" and {len(plain) - 6} more" if len(plain) > 6 else "")
