"""What selectors cover of a bucket or a Region: all of a class, nothing, or part of it, in words.

Selectors compare fields with finitely many values, so a few requests stand for all of them: each value that is named,
one that begins with it, one that ends with it, and one that nobody names. All combinations are put to
`selectors.records`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Any, Literal

from ir_kit.coverage.selectors import LISTINGS, S3, Answer, Request, SelectorSet, records

FRESH = "\x00other"
MOST = 60_000
READS = (
    "GetObject", "HeadObject", "GetObjectAcl", "GetObjectTagging", "GetObjectAttributes", "ListParts",
    "SelectObjectContent", "GetObjectRetention", "GetObjectLegalHold", "GetObjectTorrent", "ListObjects",
    "ListObjectVersions", "HeadBucket", "ListMultipartUploads",
)  # fmt: skip
WRITES = (
    "PutObject", "PostObject", "CopyObject", "DeleteObject", "DeleteObjects", "CreateMultipartUpload", "UploadPart",
    "UploadPartCopy", "CompleteMultipartUpload", "AbortMultipartUpload", "PutObjectAcl", "PutObjectTagging",
    "DeleteObjectTagging", "RestoreObject", "PutObjectRetention", "PutObjectLegalHold",
)  # fmt: skip


@dataclass(frozen=True)
class Coverage:
    """How much of a class is recorded: `kind`, which part is not in `words`, and by which fields in `left_out`."""

    kind: Literal["all", "none", "partly"]
    words: str = ""
    left_out: tuple[str, ...] = ()


@lru_cache(maxsize=65_536)
def coverage_of_bucket(selectors: SelectorSet, bucket: str, record_class: str) -> Coverage:
    """How much of the requests of a class on this bucket do these selectors record?

    Parameters
    ----------
    record_class : {'management', 'data_read', 'data_write'}
        ``management``: calls on the bucket's configuration.
    """
    if record_class == "management":
        return _coverage(
            selectors, {"event_source": [S3], "read_only": [True, False]}, Request("", category="Management")
        )
    base = f"arn:aws:s3:::{bucket}/"
    names = READS if record_class == "data_read" else WRITES
    keys = [one.removeprefix(base) for one in _values(selectors, "resources.arn") if one.startswith(base)]
    ends = [one for operator, one in _operators(selectors, "resources.arn") if operator.endswith("endswith")]
    variations: dict[str, list[Any]] = {
        "event_name": _probes([one for one in _values(selectors, "eventname") if one in names], names),
        "key": _probes(keys, [f"{FRESH}{end}" for end in ends]),
        "principal_arn": _probes(_values(selectors, "useridentity.arn")),
        "from_console": [True, False] if _values(selectors, "sessioncredentialfromconsole") else [False],
        "vpc_endpoint_id": _probes(_values(selectors, "vpcendpointid")),
        "error_code": _probes(_values(selectors, "errorcode"), [None]),
    }
    request = Request("", read_only=record_class == "data_read", bucket=bucket)
    return _coverage(selectors, variations, request, base)


@lru_cache(maxsize=4_096)
def coverage_of_region(selectors: SelectorSet) -> Coverage:
    """How much of the management events of a Region do these selectors record?"""
    sources = [
        *_values(selectors, "eventsource"),
        *(source for one in selectors.basic for source in one.excluded_sources),
    ]
    variations: dict[str, list[Any]] = {"event_source": _probes(sources, [S3]), "read_only": [True, False]}
    return _coverage(selectors, variations, Request("", category="Management"))


def _values(selectors: SelectorSet, field: str) -> list[str]:
    found = [one for _, one in _operators(selectors, field)]
    if field == "resources.arn":
        found += [value for basic in selectors.basic for _, given in basic.data for value in given]
    return sorted(set(found))


def _operators(selectors: SelectorSet, field: str) -> list[tuple[str, str]]:
    return [
        (operator, value)
        for conditions in selectors.advanced
        for condition in conditions
        if condition.field == field
        for operator, given in condition.operators
        for value in given
    ]


def _probes(named: Iterable[str], more: Iterable[Any] = ()) -> list[Any]:
    found: list[Any] = [FRESH]
    for one in named:
        found += [one, f"{one}{FRESH}", f"{FRESH}{one}"]
    return list(dict.fromkeys([*found, *more]))


def _requests(variations: dict[str, list[Any]], request: Request, base: str | None) -> Iterable[Request]:
    names = list(variations)
    for values in product(*variations.values()):
        made = replace(request, **dict(zip(names, values, strict=True)))
        if base is not None:
            listing = made.event_name in LISTINGS
            made = replace(
                made, resource_arn=None if listing else f"{base}{made.key}", arn_prefix=base if listing else None,
                key=None if listing else made.key,
            )  # fmt: skip
        yield made


def _coverage(
    selectors: SelectorSet, variations: dict[str, list[Any]], request: Request, base: str | None = None
) -> Coverage:
    size = 1
    for values in variations.values():
        size *= len(values)
    if size > MOST:  # too many values to combine: each field by itself
        tries = [
            one
            for name, values in variations.items()
            for one in _requests(
                {other: (values if other == name else given[:1]) for other, given in variations.items()}, request, base
            )
        ]
    else:
        tries = list(_requests(variations, request, base))
    answers = [(one, records(selectors, one)) for one in dict.fromkeys(tries)]
    given = {answer for _, answer in answers}
    if given == {"yes"}:
        return Coverage("all")
    if given == {"no"}:
        return Coverage("none", _why_none(selectors, request))
    words, left_out = _described(answers, [name for name, values in variations.items() if len(values) > 1])
    return Coverage("partly", "; ".join(words), tuple(left_out))


def _why_none(selectors: SelectorSet, request: Request) -> str:
    slashless = [
        value for one in selectors.basic for _, given in one.data for value in given
        if request.bucket and value.endswith(f":::{request.bucket}")
    ]  # fmt: skip
    return f"{slashless[0]} lacks the slash and selects nothing" if slashless else ""


MINOR_SERVICES = frozenset({"kms.amazonaws.com", "rdsdata.amazonaws.com"})  # what basic selectors can leave out


def _bare(value: Any) -> str:
    return str(value).replace(FRESH, "")


_WORDS = {
    "event_name": "event names", "key": "keys", "principal_arn": "principals", "event_source": "services",
    "from_console": "use of the console", "vpc_endpoint_id": "VPC endpoints", "error_code": "error codes", "read_only":
    "read-only calls",
}  # fmt: skip


def _described(answers: list[tuple[Request, Answer]], varied: list[str]) -> tuple[list[str], list[str]]:
    """Which values are never recorded, or are the only ones that are, field by field."""
    words: list[str] = []
    left_out: list[str] = []
    listing = {answer for one, answer in answers if one.event_name in LISTINGS}
    rest = [(one, answer) for one, answer in answers if one.event_name not in LISTINGS]
    if listing and listing != {"yes"} and not listing & {"yes"}:
        words.append("listings are left out" if listing == {"no"} else "listings may be left out")
        left_out.append("listings")
    if rest and {answer for _, answer in rest} == {"yes"}:
        return words, left_out
    for name in varied:
        by_value: dict[Any, set[str]] = {}
        for one, answer in rest:
            by_value.setdefault(getattr(one, name), set()).add(answer)
        recorded = [value for value, seen in by_value.items() if seen != {"no"}]
        dark = [value for value, seen in by_value.items() if seen == {"no"}]
        if not dark or not recorded:
            continue
        minor = name == "event_source" and set(map(_bare, dark)) <= MINOR_SERVICES
        left_out.append("minor_services" if minor else {"principal_arn": "principal", "key": "prefix"}.get(name, name))
        if FRESH in dark or (name in ("event_name", "read_only") and len(recorded) <= len(dark)):
            words.append(f"only {_WORDS[name]} {_named(recorded)} are recorded")
        else:
            words.append(f"{_WORDS[name]} {_named(dark)} are left out")
    if not words:
        words.append("some combinations of fields are left out")
        left_out.append("combination")
    return words, left_out


def _named(values: list[Any]) -> str:
    texts = [str(value) for value in values if FRESH not in str(value)]
    texts += [
        f"{str(value).removesuffix(FRESH)}*" for value in values if str(value).endswith(FRESH) and str(value) != FRESH
    ]
    plain = sorted({text for text in texts if f"{text}*" not in texts})
    return (
        ", ".join(plain[:6]) + (f" and {len(plain) - 6} more" if len(plain) > 6 else "") if plain else "of other values"
    )
