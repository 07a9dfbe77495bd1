"""Event selectors, basic and advanced: would this request be recorded, and how much of a bucket or a Region?

Sources: CloudTrail API reference, ``DataResource``, ``EventSelector``, ``AdvancedFieldSelector`` (operators of a field that
select are OR'd, those that deselect exclude when any matches, both groups, and fields, AND'd; selectors OR'd; no wildcards).
A basic value without the slash (``arn:aws:s3:::bucket``) is refused and records nothing (terraform-provider-aws#4043).
Where AWS does not say it, as of listings under a prefix or a filter on ``resources.ARN``, the answer is `partly`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import product
from math import prod
from typing import Any, Literal, NamedTuple

from ir_kit.domain.documents import mappings

Answer = Literal["yes", "no", "partly"]
Operators = tuple[tuple[str, tuple[str, ...]], ...]
Condition = tuple[str, Operators]
"""One field selector: a field and its operators, each with its values."""
ORDER: tuple[Answer, ...] = ("no", "partly", "yes")  # all of several: the least; any of several: the most
OBJECT, S3 = "AWS::S3::Object", "s3.amazonaws.com"
CLASSES, LINES = ("management", "data_read", "data_write"), "server_access_log"
RANK = {"not_logged": 0, "unknown": 1, "lost": 2, "uncertain": 3, "logged": 4}
LISTINGS = frozenset({"ListObjects", "ListObjectVersions", "HeadBucket", "ListMultipartUploads"})
MINOR_SERVICES = frozenset({"kms.amazonaws.com", "rdsdata.amazonaws.com"})  # what basic selectors can leave out
SELECTING = ("equals", "startswith", "endswith")
OPERATORS = (*SELECTING, "notequals", "notstartswith", "notendswith")
ARN, BUCKET, SLASHLESS = "resources.arn", "bucket of a basic value", "basic value without a slash"  # fields
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

    None stands for not known in `read_only`, `principal_arn` and `from_console`, so that a filter on it answers `partly`;
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

    @cached_property
    def fields(self) -> dict[str, str | None]:
        """By the name of a field its value, None where the record has none; those that are not known left out."""
        unsure = {"readonly": self.read_only, "useridentity.arn": self.principal_arn,
                  "sessioncredentialfromconsole": self.from_console}  # fmt: skip
        known = {name: str(value) for name, value in unsure.items() if value is not None}
        return {
            "eventcategory": self.category, "resources.type": OBJECT, "eventname": self.event_name,
            "eventsource": self.event_source, "eventtype": "AwsApiCall", "errorcode": self.error_code,
            "vpcendpointid": self.vpc_endpoint_id, BUCKET: self.bucket, SLASHLESS: None, **known,
        }  # fmt: skip


@dataclass(frozen=True)
class SelectorSet:
    """What a trail selects: a request that meets all conditions of any selector. Basic ones are put as advanced ones."""

    selectors: tuple[tuple[Condition, ...], ...] = ()

    def operators(self, name: str) -> list[tuple[str, str]]:
        """Every operator on a field, with each of its values."""
        return [
            (operator, value)
            for conditions in self.selectors for given, operators in conditions if given == name
            for operator, values in operators for value in values
        ]  # fmt: skip

    def values(self, name: str) -> list[str]:
        """Every value that a field is compared with."""
        return sorted({value for _, value in self.operators(name)})

    @cached_property
    def buckets(self) -> frozenset[str] | None:
        """The buckets that are named; None where parts of names may be compared."""
        given = self.operators(ARN)
        if any(operator.endswith("endswith") or "/" not in value for operator, value in given):
            return None
        values = [*(value.partition("/")[0] for _, value in given), *self.values(SLASHLESS), *self.values(BUCKET)]
        return frozenset(value.rpartition(":")[2] for value in values)


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
    if not advanced and "eventselectors" not in given:
        return None
    selectors = [part for basic in mappings(given.get("eventselectors")) for part in _basic(lowered(basic))]
    if advanced:
        selectors = [
            tuple(
                (
                    str(field.get("field")).lower(),
                    tuple((name, _texts(field[name])) for name in OPERATORS if _texts(field.get(name))),
                )
                for field in map(lowered, mappings(lowered(selector).get("fieldselectors")))
            )
            for selector in advanced
        ]
    return SelectorSet(tuple(selectors))


def _texts(value: Any) -> tuple[str, ...]:
    listed = value if isinstance(value, list | tuple) else [value]
    return tuple(str(item) for item in listed if item is not None)


def _equals(name: str, *values: str) -> Condition:
    return name, (("equals", values),)


def _basic(selector: dict[str, Any]) -> Iterable[tuple[Condition, ...]]:
    """A basic selector as advanced ones: of management events, of each kind of resource, and of each prefix."""
    kind, excluded = str(selector.get("readwritetype") or "All").lower(), selector.get("excludemanagementeventsources")
    reads = (_equals("readonly", "true" if kind == "readonly" else "false"),) if kind != "all" else ()
    management = selector.get("includemanagementevents")
    if management is None or str(management).lower() == "true":
        sources = _texts(excluded)
        rest = (("eventsource", (("notequals", sources),)),) if sources else ()
        yield (_equals("eventcategory", "Management"), *reads, *rest)
    for resource in map(lowered, mappings(selector.get("dataresources"))):
        every = (_equals("eventcategory", "Data"), _equals("resources.type", str(resource.get("type"))), *reads)
        whole: list[str] = []
        prefixes: list[str] = []
        for value in _texts(resource.get("values")):
            parts = value.split(":")
            name = ":".join(parts[3:]).lstrip(":")  # what follows arn:partition:s3
            bucket, slash, prefix = name.partition("/")
            if len(parts) > 2 and parts[2] == "s3" and not name:
                yield every
            elif len(parts) > 2 and parts[2] == "s3" and bucket and slash:
                (prefixes if prefix else whole).append(f"arn:aws:s3:::{name}" if prefix else bucket)
            else:
                yield (*every, _equals(SLASHLESS, value))
        yield from (
            (*every, condition) for condition in (_equals(BUCKET, *whole), (ARN, (("startswith", tuple(prefixes)),)))
        )


DEFAULT = SelectorSet(tuple(_basic({})))  # where nobody ever set any


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
    if not required <= {name for name, _ in conditions}:
        return "no"
    answer: Answer = "yes"
    for name, operators in conditions:
        met: Answer = "partly"
        if name == ARN:
            met = _arn_met(operators, request)
        elif name in request.fields:
            met = _compared(operators, request.fields[name])
        answer = min(answer, met, key=ORDER.index)
        if answer == "no":
            break
    return answer


def _arn_met(operators: Operators, request: Request) -> Answer:
    base = f"arn:aws:s3:::{request.bucket}/"
    if request.key is not None or request.bucket is None:
        return _compared(operators, f"{base}{request.key}") if request.bucket else "partly"
    # what AWS compares of a listing, its prefix or its bucket, is not certain
    answers = {_compared(operators, base), _compared(operators, base.rstrip("/"))}
    selecting = any(name in SELECTING for name, _ in operators)
    if answers == {"no"} and selecting:
        # a listing of the bucket may still fall under a longer prefix that is selected
        return "partly" if any(text.startswith(base) for _, given in operators for text in given) else "no"
    return "partly" if selecting or answers != {"yes"} else "yes"


def _compared(operators: Operators, value: str | None) -> Answer:
    """A field that the record does not have is selected by no value, and deselected by none."""
    selecting, refused = [], False
    for name, given in operators:
        operator, met = name.removeprefix("not"), False
        if operator == "equals" and value is not None:  # ARNs and names as they are; true and false in any casing
            met = value in given or (value in ("True", "False") and value.lower() in map(str.lower, given))
        elif value is not None:
            met = value.startswith(given) if operator == "startswith" else value.endswith(given)
        selecting += [met] if name in SELECTING else []
        refused |= met and name not in SELECTING
    return "no" if refused or (selecting and not any(selecting)) else "yes"


@dataclass(frozen=True)
class Coverage:
    """How much of a class is recorded: `kind`, which part is not in `words`, and by which fields in `left_out`."""

    kind: Literal["all", "none", "partly"]
    words: str = ""
    left_out: tuple[str, ...] = ()


@lru_cache(maxsize=65_536)
def _covered(selectors: SelectorSet, record_class: str, bucket: str | None) -> Coverage:
    """Selectors compare fields with finitely many values, so a few requests stand for all of them: each value that is named,
    one that begins with it, one that ends with it, and one that nobody names.
    """
    values, operators = selectors.values, selectors.operators
    if record_class == "management":
        request, sources = Request("", category="Management"), [S3] if bucket else _probes(values("eventsource"), [S3])
        variations: dict[str, list[Any]] = {"event_source": sources, "read_only": [True, False]}
    else:
        request = Request("", read_only=record_class == "data_read", bucket=bucket)
        base, names = f"arn:aws:s3:::{bucket}/", READS if request.read_only else WRITES
        keys = [value.removeprefix(base) for value in values(ARN) if value.startswith(base)]
        ends = [f"{FRESH}{value}" for operator, value in operators(ARN) if operator.endswith("endswith")]
        variations = {
            "event_name": _probes([name for name in values("eventname") if name in names], names),
            "key": _probes(keys, ends),
            "principal_arn": _probes(values("useridentity.arn")),
            "from_console": [True, False] if values("sessioncredentialfromconsole") else [False],
            "vpc_endpoint_id": _probes(values("vpcendpointid")),
            "error_code": _probes(values("errorcode"), [None]),
        }

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
        slashless = [value for value in selectors.values(SLASHLESS) if value.endswith(f":::{request.bucket}")]
        return Coverage("none", f"{slashless[0]} lacks the slash and selects nothing" if slashless else "")
    words, left_out = _described(answers, [name for name, values in variations.items() if len(values) > 1])
    return Coverage("partly", "; ".join(words), tuple(left_out))


def _probes(named: Iterable[str], more: Iterable[Any] = ()) -> list[Any]:
    tried = [probe for name in named for probe in (name, f"{name}{FRESH}", f"{FRESH}{name}")]
    return list(dict.fromkeys([FRESH, *tried, *more]))


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


# what is said of a scope


class Scope(NamedTuple):
    """A class of requests on a bucket, or (without one) of a Region."""

    record_class: str
    bucket: str | None
    aws_region: str | None

    def coverage(self, selectors: SelectorSet | None) -> Coverage | None:
        """How much of it these selectors record; None where they are not known."""
        if selectors is None:
            return None
        apart = selectors.buckets is None or self.bucket in selectors.buckets
        named = self.bucket is None or (apart and self.record_class != "management")
        return _covered(selectors, self.record_class, self.bucket if named else FRESH)


class State(NamedTuple):
    """Would the requests of a scope have been recorded, and is the record in the evidence?

    `state` is `logged`, `uncertain`, `lost` (recorded, and gone), `unknown` or `not_logged`; why, in words; which part is
    left out or in doubt.
    """

    state: str
    basis: str
    left_out: tuple[str, ...] = ()
    steady: bool = True  # follows from settings alone, so that it lasts as they do


def best(states: Iterable[State]) -> State:
    """The state of what several trails would each have recorded: that of the best."""
    listed = list(states)
    top = max(listed, key=lambda state: RANK[state.state])
    equal = [state for state in listed if state.state == top.state]
    if top.state == "logged":  # a trail that records all of it says so; others add nothing
        return next((state for state in equal if not state.left_out), top)
    basis = "; ".join(dict.fromkeys(state.basis for state in equal if state.basis))
    left_out = tuple(dict.fromkeys(part for state in equal for part in state.left_out))
    return State(top.state, basis, left_out)
