"""What configuration says, call by call: the latest answer counts, and what was not there, refused or not asked differ.

An answer that cannot be read is never taken for one that says nothing.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Row = Mapping[str, Any]
Key = tuple[tuple[str, str], ...]

# the error by which each call says that nothing is configured; any other error leaves the question open
NOTHING_SET = {
    "GetBucketPolicy": {"NoSuchBucketPolicy"},
    "GetBucketPolicyStatus": {"NoSuchBucketPolicy"},
    "GetPublicAccessBlock": {"NoSuchPublicAccessBlockConfiguration"},
    "GetBucketOwnershipControls": {"OwnershipControlsNotFoundError"},
    "GetBucketWebsite": {"NoSuchWebsiteConfiguration"},
    "GetBucketCors": {"NoSuchCORSConfiguration"},
    "GetBucketReplication": {"ReplicationConfigurationNotFoundError"},
    "GetBucketEncryption": {"ServerSideEncryptionConfigurationNotFoundError"},
    "GetObjectLockConfiguration": {"ObjectLockConfigurationNotFoundError"},
    "GetBucketLifecycleConfiguration": {"NoSuchLifecycleConfiguration"},
    "GetBucketTagging": {"NoSuchTagSet"},
    "GetAccessPointPolicy": {"NoSuchAccessPointPolicy"},
    "GetAccessPointPolicyStatus": {"NoSuchAccessPointPolicy"},
    "ListMultiRegionAccessPoints": {"NoSuchMultiRegionAccessPoint"},
    "GetMultiRegionAccessPointPolicy": {"NoSuchMultiRegionAccessPoint", "NoSuchMultiRegionAccessPointPolicy"},
    "DescribeEffectivePolicy": {
        "EffectivePolicyNotFoundException",
        "AWSOrganizationsNotInUseException",
        "PolicyTypeNotEnabledException",
    },
    "DescribeOrganization": {"AWSOrganizationsNotInUseException"},
}
# parameters that say what was asked about; the others (pages, sizes, expected owners) do not
SUBJECTS = (
    "Bucket", "Key", "VersionId", "Name", "AccountId", "UserName", "RoleName", "GroupName", "PolicyArn", "PolicyName",
    "KeyId", "TargetId", "PolicyId", "PolicyType", "ChildId", "ConfigurationId", "Id", "Filter", "Prefix",
    "BucketRegion",
)  # fmt: skip
PAGES = ("Marker", "NextToken", "ContinuationToken", "KeyMarker", "Token", "StartingToken")


@dataclass(frozen=True)
class Answer:
    """What one call answered last.

    `state` is ``answered``, ``absent`` (nothing is configured), ``gone`` (the bucket was not there), ``refused`` (or
    failed), ``unreadable``, or ``not_asked``.
    """

    operation: str
    state: str = "not_asked"
    response: Mapping[str, Any] = field(default_factory=dict)
    error_code: str | None = None
    collected_at: Any = None
    account: str | None = None
    complete: bool = True

    @property
    def known(self) -> bool:
        return self.state in ("answered", "absent")

    @property
    def words(self) -> str:
        """The state in words, for a sentence."""
        if self.state == "answered":
            return f"{self.operation} answered"
        if self.state == "absent":
            return f"nothing is configured ({self.operation}: {self.error_code})"
        if self.state == "gone":
            return f"the bucket was not there when {self.operation} was asked ({self.error_code})"
        if self.state == "refused":
            return f"{self.operation} was refused ({self.error_code})"
        if self.state == "unreadable":
            return f"the answer of {self.operation} cannot be read"
        return f"{self.operation} was not asked"

    def unreadable(self) -> Answer:
        """The same answer, found to be of no shape that says anything."""
        return Answer(self.operation, "unreadable", {}, None, self.collected_at, self.account)

    def part(self, name: str, kind: type) -> Any:
        """A part of the response, if it is of this type; else None."""
        value = self.response.get(name)
        return value if isinstance(value, kind) else None

    def listed(self, name: str) -> list[dict[str, Any]]:
        """The entries of a list in the response that can be read."""
        return [one for one in self.part(name, list) or [] if isinstance(one, dict)]


@dataclass
class Asked:
    """One call about one subject by one account in one Region, all of its answers in order."""

    parameters: dict[str, Any]
    account: str | None
    region: str | None
    rows: list[tuple[Row, dict[str, Any]]] = field(default_factory=list)


class Configuration:
    """All answers, ready to be looked up.

    Parameters
    ----------
    rows : iterable of mappings
        Rows of the question ``bucket_exposure/configuration``, in the order of collection.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self._asked: dict[tuple[str, str], dict[Key, dict[tuple[Any, Any], Asked]]] = defaultdict(dict)
        self._answers: dict[int, Answer] = {}
        for row in rows:
            parameters = _object(row.get("parameters"))
            subject = _subject(parameters)
            places = self._asked[str(row["service"]), str(row["operation"])].setdefault(subject, {})
            place = (row.get("account_id"), row.get("aws_region"))
            places.setdefault(place, Asked(parameters, *place)).rows.append((row, parameters))

    def answer(self, service: str, operation: str, account: str | None = None, **parameters: Any) -> Answer:
        """The latest answer about this subject, of any asker (or of one account); one that answers comes first."""
        places = self._asked.get((service, operation), {}).get(_subject(parameters), {})
        found = [self._latest(one) for one in places.values() if account is None or one.account == account]
        if not found:
            return Answer(operation)
        return max(found, key=lambda one: (one.known, one.collected_at is not None, one.collected_at))

    def every(self, service: str, operation: str) -> Iterator[tuple[Asked, Answer]]:
        """Each call of this name, with its latest answer."""
        for places in self._asked.get((service, operation), {}).values():
            for one in places.values():
                yield one, self._latest(one)

    def calls(self, service: str) -> Iterator[tuple[str, Asked]]:
        """Each call of a service, with its name."""
        for (of, operation), subjects in self._asked.items():
            if of == service:
                yield from ((operation, one) for places in subjects.values() for one in places.values())

    def _latest(self, asked: Asked) -> Answer:
        if id(asked) not in self._answers:
            self._answers[id(asked)] = _latest(asked)
        return self._answers[id(asked)]


def _latest(asked: Asked) -> Answer:
    """The newest whole answer: a first page, and the pages that followed it."""
    first = max((n for n, (_, given) in enumerate(asked.rows) if not _is_page(given)), default=None)
    started = 0 if first is None else first
    (row, _), followed = asked.rows[started], asked.rows[started + 1 :]
    answer = _of(row)
    if answer.state != "answered":
        return answer
    response, complete = dict(answer.response), first is not None
    for page, _ in followed:
        more = _of(page)
        complete = complete and more.state == "answered"
        for name, value in more.response.items():
            held = response.get(name)
            response[name] = [*held, *value] if isinstance(held, list) and isinstance(value, list) else value
    last = _of(followed[-1][0]).response if followed else answer.response
    more_by = [
        "NextToken",
        "NextContinuationToken",
        *(["ContinuationToken"] if row["operation"] == "ListBuckets" else []),
    ]
    cut = last.get("IsTruncated") is True or any(last.get(name) for name in more_by)
    operation, at = str(row["operation"]), row.get("collected_at")
    return Answer(operation, "answered", response, None, at, row.get("account_id"), complete and not cut)


def _of(row: Row) -> Answer:
    operation, code = str(row["operation"]), row.get("error_code")
    about: dict[str, Any] = {"collected_at": row.get("collected_at"), "account": row.get("account_id")}
    if code:
        return Answer(operation, _state_of(operation, str(code)), error_code=str(code), **about)
    try:
        response = json.loads(row.get("response") or "null", strict=False)
    except (ValueError, RecursionError):
        response = None
    if not isinstance(response, dict):
        return Answer(operation, "unreadable", **about)
    return Answer(operation, "answered", response, **about)


def _state_of(operation: str, code: str) -> str:
    if code == "NoSuchBucket":
        return "gone"
    if operation in NOTHING_SET:
        return "absent" if code in NOTHING_SET[operation] else "refused"
    nothing = "AccessGrants" in operation and "NotExist" in code
    return "absent" if nothing or code in ("NoSuchEntity", "NoSuchEntityException") else "refused"


def _subject(parameters: Mapping[str, Any]) -> Key:
    return tuple((name, _text(parameters[name])) for name in SUBJECTS if parameters.get(name) is not None)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _is_page(parameters: Mapping[str, Any]) -> bool:
    return any(parameters.get(name) for name in PAGES)


def _object(text: Any) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}", strict=False)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
