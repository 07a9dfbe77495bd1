"""What configuration says, call by call: the latest answer counts, and what is absent, refused or not asked for differ.

An answer that cannot be read is never taken for one that says nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ir_kit.case import Case
from ir_kit.domain.documents import JSON, mapping, parsed, rows_of

Row = Mapping[str, Any]
Subject = tuple[tuple[str, str], ...]

# the error by which each call says that nothing is configured; any other error leaves the question open
NOTHING_SET = {
    "GetBucketPolicy": ("NoSuchBucketPolicy",), "GetBucketPolicyStatus": ("NoSuchBucketPolicy",),
    "GetPublicAccessBlock": ("NoSuchPublicAccessBlockConfiguration",),
    "GetBucketOwnershipControls": ("OwnershipControlsNotFoundError",),
    "GetBucketWebsite": ("NoSuchWebsiteConfiguration",), "GetBucketCors": ("NoSuchCORSConfiguration",),
    "GetBucketReplication": ("ReplicationConfigurationNotFoundError",),
    "GetBucketEncryption": ("ServerSideEncryptionConfigurationNotFoundError",),
    "GetObjectLockConfiguration": ("ObjectLockConfigurationNotFoundError",),
    "GetBucketLifecycleConfiguration": ("NoSuchLifecycleConfiguration",), "GetBucketTagging": ("NoSuchTagSet",),
    "GetAccessPointPolicy": ("NoSuchAccessPointPolicy",), "GetAccessPointPolicyStatus": ("NoSuchAccessPointPolicy",),
    "ListMultiRegionAccessPoints": ("NoSuchMultiRegionAccessPoint",),
    "GetMultiRegionAccessPointPolicy": ("NoSuchMultiRegionAccessPoint", "NoSuchMultiRegionAccessPointPolicy"),
    "DescribeEffectivePolicy": (
        "EffectivePolicyNotFoundException", "AWSOrganizationsNotInUseException", "PolicyTypeNotEnabledException",
    ),
    "DescribeOrganization": ("AWSOrganizationsNotInUseException",),
}  # fmt: skip
# parameters that say a call is about; the others (pages, sizes, expected owners) do not
SUBJECTS = (
    "Bucket", "Key", "VersionId", "Name", "AccountId", "UserName", "RoleName", "GroupName", "PolicyArn", "PolicyName",
    "KeyId", "TargetId", "PolicyId", "PolicyType", "ChildId", "ConfigurationId", "Id", "Filter", "Prefix",
    "BucketRegion", "TrailName", "Region",
)  # fmt: skip
PAGES = ("Marker", "NextToken", "ContinuationToken", "KeyMarker", "Token", "StartingToken")


class Setting(NamedTuple):
    """What configuration is asked for: a call and its subject."""

    service: str
    operation: str
    subject: Subject

    @property
    def parameters(self) -> dict[str, str]:
        return dict(self.subject)


def setting_of(service: str, operation: str, **parameters: Any) -> Setting:
    """The setting that this call asks for."""
    named = ((name, parameters[name]) for name in SUBJECTS if parameters.get(name) is not None)
    subject = ((name, value if isinstance(value, str) else json.dumps(value, sort_keys=True)) for name, value in named)
    return Setting(service, operation, tuple(subject))


def access_point(name: object, account: object, region: object) -> Subject:
    """An access point, as subject: names repeat from Region to Region, and from account to account."""
    return setting_of("", "", Name=str(name).rpartition("/")[2], AccountId=str(account), Region=region).subject


@dataclass(frozen=True)
class Answer:
    """What one call answered. Two answers are equal where they say the same, whenever and by whomever they were given.

    `state` is ``answered``, ``absent`` (nothing is configured), ``gone`` (the bucket was not there), ``refused`` (or
    failed), ``unreadable``, ``not_logged`` (known of other times alone), or ``not_asked``.
    """

    operation: str
    state: str = "not_asked"
    response: Mapping[str, Any] = field(default_factory=dict)
    error_code: str | None = None
    collected_at: Any = field(default=None, compare=False)
    account: str | None = field(default=None, compare=False)
    complete: bool = True

    @property
    def known(self) -> bool:
        return self.state in ("answered", "absent")

    @property
    def words(self) -> str:
        """The state in words, for a sentence."""
        return {
            "answered": f"{self.operation} answered",
            "absent": f"nothing is configured ({self.operation}: {self.error_code})",
            "gone": f"the bucket was not there when {self.operation} was asked ({self.error_code})",
            "refused": f"{self.operation} was refused ({self.error_code})",
            "unreadable": f"the answer of {self.operation} cannot be read",
            "not_logged": f"what {self.operation} would have answered then is not known",
        }.get(self.state, f"{self.operation} was not asked")

    def unreadable(self) -> Answer:
        """The same answer, found to be of no shape that says anything."""
        return Answer(self.operation, "unreadable", {}, None, self.collected_at, self.account)

    def part(self, name: str, kind: type) -> Any:
        """A part of the response, if it is of this type; else None."""
        value = self.response.get(name)
        return value if isinstance(value, kind) else None

    def listed(self, name: str) -> list[JSON]:
        """The entries of a list in the response that can be read."""
        return [entry for entry in self.part(name, list) or [] if isinstance(entry, dict)]


def answer_of(row: Row) -> Answer:
    """The answer that a row of ``configuration/configuration`` holds."""
    operation, code, response = str(row["operation"]), str(row.get("error_code") or ""), parsed(row.get("response"))
    nothing = NOTHING_SET.get(operation, ("NoSuchEntity", "NoSuchEntityException"))
    is_absent = code in nothing or ("AccessGrants" in operation and "NotExist" in code)
    state = "gone" if code == "NoSuchBucket" else "absent" if is_absent else "refused"
    if not code:
        state = "answered" if isinstance(response, dict) else "unreadable"
    response = response if state == "answered" else {}
    tokens = ("NextToken", "NextContinuationToken", *(["ContinuationToken"] if operation == "ListBuckets" else []))
    cut = response.get("IsTruncated") is True or any(response.get(name) for name in tokens)
    collected = (row.get("collected_at"), row.get("account_id"))
    return Answer(operation, state, response, code or None, *collected, complete=not cut)


@dataclass
class Call:
    """One call about one subject by one account in one Region, and its answers in order, the pages of each joined."""

    parameters: JSON
    account: str | None = None
    region: str | None = None
    answers: list[Answer] = field(default_factory=list)
    unbroken: bool = True  # no page of the last answer is missing before its last

    @property
    def answer(self) -> Answer:
        return self.answers[-1]

    @property
    def access_point(self) -> Subject:
        of = self.parameters
        return access_point(of.get("Name"), of.get("AccountId") or self.account, self.region)

    def take(self, answer: Answer, *, is_page: bool) -> None:
        """Take in the next answer, or the next page of one."""
        if not is_page or not self.answers:
            self.unbroken = not is_page
            self.answers.append(replace(answer, complete=answer.complete and self.unbroken))
        elif self.answer.state == "answered":
            self.unbroken = self.unbroken and answer.state == "answered"
            response = dict(self.answer.response)
            for name, value in answer.response.items():
                before = response.get(name)
                response[name] = [*before, *value] if isinstance(before, list) and isinstance(value, list) else value
            self.answers[-1] = replace(self.answer, response=response, complete=answer.complete and self.unbroken)


class Configuration:
    """All answers, ready to be looked up: from rows of ``configuration/configuration``, in the order of collection."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._calls: dict[tuple[str, str], dict[Subject, list[Call]]] = {}
        for row in rows:
            parameters = mapping(row.get("parameters"))
            setting = setting_of(str(row["service"]), str(row["operation"]), **parameters)
            asked_by = row.get("account_id"), row.get("aws_region")
            calls = self._calls.get(setting[:2], {}).get(setting.subject, [])
            call = next((call for call in calls if (call.account, call.region) == asked_by), None)
            if call is None:
                self.add(setting, call := Call(parameters, *asked_by))
            call.take(answer_of(row), is_page=any(parameters.get(name) for name in PAGES))

    def add(self, setting: Setting, call: Call) -> None:
        """Take in a call with its answers."""
        self._calls.setdefault(setting[:2], {}).setdefault(setting.subject, []).append(call)

    def answer(self, service: str, operation: str, account: str | None = None, **parameters: Any) -> Answer:
        """The latest answer about this subject, of any asker (or of one account); one that answers comes first."""
        calls = self._calls.get((service, operation), {}).get(setting_of(service, operation, **parameters).subject, [])
        results = [call.answer for call in calls if account is None or call.account == account]
        return max(
            results, key=lambda a: (a.known, a.collected_at is not None, a.collected_at), default=Answer(operation)
        )

    def every(self, service: str, operation: str) -> Iterator[tuple[Call, Answer]]:
        """Each call of this name, with its latest answer."""
        for calls in self._calls.get((service, operation), {}).values():
            yield from ((call, call.answer) for call in calls)

    def calls(self) -> Iterator[tuple[Setting, Call]]:
        """Each call, with what it asks for."""
        for name, subjects in self._calls.items():
            for subject, calls in subjects.items():
                yield from ((Setting(*name, subject), call) for call in calls)


def configuration(case: Case) -> Configuration:
    """All that was collected of a case's configuration."""
    return case.once("configuration", lambda: Configuration(rows_of(case.ask("configuration/configuration"))))
